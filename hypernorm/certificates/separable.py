"""Upper bounds on the best separable state value that prove themselves.

With f(x, y) = Re ⟨x⊗y, M (x⊗y)⟩ and the monomials z_j(x, y) = (x_i y^β ȳ^δ), |δ| = j, of level k, any Hermitian
matrices H_j and numbers λ_j with λ_j diag(multiplicities) − H_j ⪰ 0 prove, for unit vectors,

    f = Σ_j z_j* H_j z_j + ρ ≤ Σ_j λ_j + ‖ρ‖,    ‖ρ‖² = Σ_c |ρ_c|²/multinomials_c,

where ρ are the coefficients of what is left over. The checker forms them and demands the first inequality for
λ_0 − ‖ρ‖ in place of λ_0, so that the bound is Σ λ_j. See `hypernorm.forms.product` for the monomials and classes.
"""

from __future__ import annotations

import math
import time
import zipfile
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from hypernorm._display import rounded_up
from hypernorm.certificates.certificate import Rigor, VerifiedBound
from hypernorm.certificates.dyadic import DyadicMatrix, dyadic
from hypernorm.certificates.product_state import embedded
from hypernorm.certificates.rounding import (
    SAFETY,
    TINY,
    UNIT,
    check_arithmetic,
    gamma,
    is_proved_positive_definite,
    precision,
    rational,
    upper_float,
)
from hypernorm.certificates.storage import (
    FORMAT_VERSION,
    Members,
    read_archive,
    read_array,
    read_text,
    write_members,
)
from hypernorm.exceptions import CertificateError
from hypernorm.forms.product import FIELDS, ProductClasses, ProductForm, gram_sides

__all__ = ["LARGEST_LEVEL", "SeparableCertificate"]

LARGEST_LEVEL = 8
_LARGEST_DIMENSION = 2**20
_LARGEST_EXPONENT = 2100
_KIND = "separable"


@dataclass(frozen=True, eq=False)
class SeparableCertificate:
    """A proof of an upper bound on max ⟨x⊗y, M (x⊗y)⟩ over unit vectors x ∈ K^a, y ∈ K^b.

    Certificates come from `hypernorm.applications.separable_value` or `SeparableCertificate.load`. The bound that
    counts is what `verify` returns.

    Attributes
    ----------
    dims : tuple of int
        (a, b).
    field : {"complex", "real"}
    level : int
        k: the monomials are of degree k in y.
    fingerprint : str
        SHA-256 of the values of the matrix.
    exponent : int
        Values and matrices are for M times 2**-exponent.
    values : tuple of float
        λ_j.
    matrices : tuple of ndarray
        H_j, the coefficients of the Gram matrices: k + 1 for K = C, one for K = R; Hermitian, of type float64 or
        complex128.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.applications.separable_states import separable_value
    >>> singlet = np.zeros((4, 4))
    >>> singlet[1:3, 1:3] = [[0.5, -0.5], [-0.5, 0.5]]
    >>> certificate = separable_value(singlet, (2, 2), random_state=0).certificate
    >>> 0.5 <= certificate.verify(singlet, exact=True).upper < 0.5 + 1e-6
    True
    """

    dims: tuple[int, int]
    field: str
    level: int
    fingerprint: str
    exponent: int
    values: tuple[float, ...]
    matrices: tuple[np.ndarray, ...]

    @property
    def upper(self) -> float:
        """The bound as claimed; `verify` is what proves it."""
        self._check_numbers()
        with precision():
            return _total(self.values, self.exponent)

    @np.errstate(all="ignore")
    def verify(self, M: Any, *, exact: bool = False) -> VerifiedBound:
        """Prove the bound for a matrix.

        Parameters
        ----------
        M : array_like or sparse matrix of shape (ab, ab)
        exact : bool
            Prove in exact integer arithmetic (python-flint) instead of floating point with bounded rounding errors.

        Returns
        -------
        VerifiedBound

        Raises
        ------
        CertificateError
            If the certificate was made for another matrix or does not prove its claim.
        InvalidInputError
            If `M` is not a usable matrix of size ab.
        """
        start = time.perf_counter()
        self._check_numbers()
        form = ProductForm(M, self.dims, self.field)
        if form.digest != self.fingerprint:
            raise CertificateError("The certificate is for another matrix: the fingerprint of M differs.")
        upper = self.prove(form, exact=exact)
        rigor = Rigor.EXACT if exact else Rigor.FLOATING_POINT
        return VerifiedBound(upper, rigor, time.perf_counter() - start)

    @np.errstate(all="ignore")
    def prove(self, form: ProductForm, *, exact: bool = False) -> float:
        """Prove the bound for a form whose identity the caller has established, and return it.

        Raises
        ------
        CertificateError
            If the proof does not go through.
        """
        check_arithmetic()
        self._check_numbers()
        if (form.dims, form.field, form.exponent) != (self.dims, self.field, self.exponent):
            raise CertificateError("The certificate is for other dimensions, another field or another scale.")
        self._check_matrices()
        if form.is_zero:
            return 0.0
        classes = ProductClasses(self.dims, self.level, self.field)
        rest = _exact_rest(form, classes, self.matrices) if exact else _rounded_rest(form, classes, self.matrices)
        for index, (value, part, H) in enumerate(zip(self.values, classes.parts, self.matrices, strict=True)):
            loss = 0.0 if index else rest
            proves = _is_dominated_exactly if exact else _is_dominated
            if not (math.isfinite(loss) and proves(value, loss, part.multiplicities, H)):
                raise CertificateError(
                    f"The certificate is not proved: its matrix {index} does not establish the value {value:.17g}."
                )
        with precision():
            return _total(self.values, self.exponent, form.error)

    def _check_numbers(self) -> None:
        dims = self.dims
        if not (
            isinstance(dims, tuple)
            and len(dims) == 2
            and all(type(d) is int and 0 < d < _LARGEST_DIMENSION for d in dims)
        ):
            raise CertificateError(f"The certificate's dimensions {dims!r} are not two positive integers.")
        if self.field not in FIELDS or type(self.level) is not int or not 1 <= self.level <= LARGEST_LEVEL:
            raise CertificateError(f"There is no certificate of level {self.level!r} for the field {self.field!r}.")
        if type(self.exponent) is not int or abs(self.exponent) > _LARGEST_EXPONENT:
            raise CertificateError(f"The certificate's exponent {self.exponent!r} is out of range.")
        count = len(gram_sides(dims, self.level, self.field))
        if not (
            isinstance(self.values, tuple)
            and len(self.values) == count
            and all(type(value) is float and math.isfinite(value) for value in self.values)
        ):
            raise CertificateError(f"The certificate's values must be a tuple of {count} finite numbers.")

    def _check_matrices(self) -> None:
        sides = gram_sides(self.dims, self.level, self.field)
        dtypes = (np.float64,) if self.field == "real" else (np.float64, np.complex128)
        if not (isinstance(self.matrices, tuple) and len(self.matrices) == len(sides)):
            raise CertificateError(f"The certificate's matrices must be a tuple of {len(sides)}.")
        for side, H in zip(sides, self.matrices, strict=True):
            if not (
                type(H) is np.ndarray  # to a masked array or np.matrix the operators of a proof mean something else
                and H.shape == (side, side)
                and H.dtype in dtypes
                and np.isfinite(H).all()
                and (H == H.conj().T).all()
            ):
                raise CertificateError(f"The certificate needs a finite Hermitian ndarray of {side} x {side} numbers.")

    def save(self, path: str | PathLike[str]) -> None:
        """Write the certificate to one ``.npz`` file, replacing an existing file only when complete.

        Raises
        ------
        InvalidInputError
            If the folder does not exist or cannot be written.
        """
        members = {
            "format_version": np.array(FORMAT_VERSION, dtype="<i8"),
            "kind": np.array(_KIND),
            "field": np.array(self.field),
            "dims": np.array(self.dims, dtype="<i8"),
            "level": np.array(self.level, dtype="<i8"),
            "exponent": np.array(self.exponent, dtype="<i8"),
            "fingerprint": np.array(self.fingerprint),
            "values": np.array(self.values, dtype="<f8"),
        }
        for index, H in enumerate(self.matrices):
            members[f"matrix_{index}"] = H[np.tril_indices(len(H))].astype("<c16" if np.iscomplexobj(H) else "<f8")
        write_members(members, path)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> SeparableCertificate:
        """Read a certificate that `save` wrote: well-formed, and not yet verified.

        Raises
        ------
        CertificateError
            If the file is not a well-formed certificate; the message says what is wrong.
        InvalidInputError
            If there is no such file or it cannot be read.
        """
        return read_archive(path, _parse)

    def __repr__(self) -> str:
        return (
            f"SeparableCertificate(dims={self.dims}, field={self.field!r}, level={self.level}, "
            f"upper={rounded_up(self.upper, 12)} as claimed)"
        )


def _parse(archive: zipfile.ZipFile, members: Members) -> SeparableCertificate:
    if (kind := read_text(archive, members, "kind")) != _KIND:
        raise CertificateError(f"a certificate of kind {kind!r}, not {_KIND!r}")
    field = read_text(archive, members, "field")
    a, b = (int(side) for side in read_array(archive, members, "dims", ("<i8",), ((2,),)))
    level, exponent = (int(read_array(archive, members, name, ("<i8",), ((),))) for name in ("level", "exponent"))
    digest = read_text(archive, members, "fingerprint")
    if field not in FIELDS or min(a, b) < 1 or max(a, b) >= _LARGEST_DIMENSION or not 1 <= level <= LARGEST_LEVEL:
        raise CertificateError(f"no certificate of level {level} exists for dimensions ({a}, {b}) and field {field!r}")
    sides = gram_sides((a, b), level, field)
    values = read_array(archive, members, "values", ("<f8",), ((len(sides),),))
    matrices = tuple(_hermitian(archive, members, f"matrix_{index}", side) for index, side in enumerate(sides))
    certificate = SeparableCertificate((a, b), field, level, digest, exponent, tuple(values.tolist()), matrices)
    certificate._check_numbers()
    certificate._check_matrices()
    return certificate


def _hermitian(archive: zipfile.ZipFile, members: Members, name: str, side: int) -> np.ndarray:
    packed = read_array(archive, members, name, ("<f8", "<c16"), ((side * (side + 1) // 2,),))
    H = np.zeros((side, side), dtype=packed.dtype)
    H[np.tril_indices(side)] = packed
    H = H + np.tril(H, -1).conj().T
    H.setflags(write=False)
    return H


def _total(values: tuple[float, ...], exponent: int, error: float = 0.0) -> float:
    """Σ λ_j + error, times the scale, rounded up."""
    total = sum((rational(value) for value in values), rational(error))
    return upper_float(total * rational(2) ** exponent)


def _rounded_rest(form: ProductForm, classes: ProductClasses, matrices: tuple[np.ndarray, ...]) -> float:
    """A bound on ‖ρ‖, all sums and their rounding errors in floating point."""
    rest, sizes = classes.coefficients(form.matrix).astype(np.complex128), classes.coefficients(np.abs(form.matrix))
    depth = classes.coefficients(np.ones(form.matrix.shape))
    for part, H in zip(classes.parts, matrices, strict=True):
        rest -= classes.sums(part, H)
        sizes += classes.sums(part, np.abs(H))
        depth += classes.sums(part, np.ones(H.shape))
    # No term passes through more roundings than its class has terms, and a few for multiplicities and differences;
    # real and imaginary parts round apart.
    errors = 2 * gamma(int(depth.max()) + len(matrices) + 8) * sizes
    return SAFETY * float(np.linalg.norm((np.abs(rest) + errors) / np.sqrt(classes.multinomials)))


def _is_dominated(value: float, loss: float, multiplicities: np.ndarray, H: np.ndarray) -> bool:
    """(λ − loss) diag(multiplicities) − H ≻ 0, proved in floating point."""
    least = math.nextafter(value - loss, -math.inf)
    largest = max(abs(least) * float(multiplicities.max()), float(np.abs(H.real).max()), float(np.abs(H.imag).max()))
    if not 0 < largest < math.inf:
        return False
    # In units of the largest entry nothing underflows where it matters.
    power = -math.frexp(largest)[1]
    diagonal = math.ldexp(least, power) * multiplicities
    scaled = np.ldexp(embedded(H), power)
    difference = -scaled
    difference[np.diag_indices_from(difference)] += np.tile(diagonal, len(scaled) // len(diagonal))
    # The product with the multiplicity and the difference are rounded once each, on the diagonal alone.
    error = 4 * UNIT * (float(np.abs(diagonal).max()) + float(np.abs(np.diagonal(scaled)).max())) + TINY
    return is_proved_positive_definite(difference, SAFETY * error)


def _exact_rest(form: ProductForm, classes: ProductClasses, matrices: tuple[np.ndarray, ...]) -> float:
    """A float just above ‖ρ‖, from coefficients in integers; zero if nothing is left over."""
    whole = [
        [DyadicMatrix.from_floats(np.asarray(part(A), dtype=np.float64)) for A in (form.matrix, *matrices)]
        for part in (np.real, np.imag)
    ]
    scale = min(matrix.exponent for group in whole for matrix in group)
    squares = np.zeros(classes.count, dtype=object)
    for target, *grams in whole:
        rest = classes.coefficients(_integers(target, scale))
        for part, gram in zip(classes.parts, grams, strict=True):
            rest = rest - classes.sums(part, _integers(gram, scale))
        squares = squares + rest * rest
    if not squares.any():
        return 0.0
    with precision():
        by_multinomial = (
            rational(int(squares[classes.multinomials == m].sum())) / int(m) for m in np.unique(classes.multinomials)
        )
        total = sum(by_multinomial, rational(0))
        return upper_float((total * rational(2) ** (2 * scale)).sqrt())


def _integers(matrix: DyadicMatrix, exponent: int) -> np.ndarray:
    """The entries as Python integers in units of 2**exponent."""
    entries = [int(entry) << (matrix.exponent - exponent) for entry in matrix.integers.entries()]
    array = np.empty(len(entries), dtype=object)
    array[:] = entries
    return array.reshape(matrix.shape)


def _is_dominated_exactly(value: float, loss: float, multiplicities: np.ndarray, H: np.ndarray) -> bool:
    """(λ − loss) diag(multiplicities) − H ≻ 0 in integers."""
    exact = DyadicMatrix.from_floats(embedded(H))
    copies = exact.shape[0] // len(multiplicities)
    diagonal = DyadicMatrix.from_floats(np.diag(np.tile(multiplicities, copies).astype(np.float64)))
    difference = diagonal.scaled(*dyadic(value)) - diagonal.scaled(*dyadic(loss)) - exact
    return difference.is_proved_positive_definite()
