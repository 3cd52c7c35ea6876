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
from dataclasses import dataclass
from os import PathLike
from typing import Any, NamedTuple

import numpy as np

from hypernorm._archive_reader import ArchiveReader
from hypernorm._arithmetic import own_arithmetic
from hypernorm._display import rounded_up
from hypernorm.certificates.dyadic import DyadicMatrix, dyadic
from hypernorm.certificates.fields import (
    LARGEST_EXPONENT,
    check_choice,
    check_fingerprint,
    check_integer,
    check_real,
    check_tuple,
    owned,
    private_array,
)
from hypernorm.certificates.norm import Rigor, VerifiedBound
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
from hypernorm.certificates.storage import packed_triangle, parse_fingerprint, read_members, write_members
from hypernorm.exceptions import CertificateError
from hypernorm.forms.product import FIELDS, ProductClasses, ProductForm, gram_sides

__all__ = ["LARGEST_LEVEL", "SEPARABLE", "SeparableCertificate", "parse_separable"]

LARGEST_LEVEL = 8
_LARGEST_DIMENSION = 2**20

SEPARABLE = "separable"
"""The kind of its files."""


class _Claim(NamedTuple):
    """The numbers of a certificate."""

    dims: tuple[int, int]
    field: str
    level: int
    exponent: int
    values: tuple[float, ...]


@dataclass(frozen=True, eq=False, slots=True)
class SeparableCertificate:
    """A proof of an upper bound on max ⟨x⊗y, M (x⊗y)⟩ over unit vectors x ∈ K^a, y ∈ K^b.

    Certificates come from `hypernorm.separable.separable_value` or `SeparableCertificate.load`. The bound that
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
    >>> from hypernorm.separable.value import separable_value
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
        claim = self._claim()
        with precision():
            return _total(claim.values, claim.exponent)

    @own_arithmetic
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
        own = owned(self)
        claim = own._claim()
        form = ProductForm(M, claim.dims, claim.field)
        if form.digest != check_fingerprint(own.fingerprint):
            raise CertificateError("The certificate is for another matrix: the fingerprint of M differs.")
        upper = own.prove(form, exact=exact)
        rigor = Rigor.EXACT if exact else Rigor.FLOATING_POINT
        return VerifiedBound(upper, rigor, time.perf_counter() - start)

    @own_arithmetic
    def prove(self, form: ProductForm, *, exact: bool = False) -> float:
        """Prove the bound for a form whose identity the caller has established, and return it.

        Raises
        ------
        CertificateError
            If the proof does not go through.
        """
        check_arithmetic()
        own = owned(self)
        claim = own._claim()
        if type(form) is not ProductForm or (form.dims, form.field, form.exponent) != (
            claim.dims,
            claim.field,
            claim.exponent,
        ):
            raise CertificateError("The certificate is for other dimensions, another field or another scale.")
        matrices = own._private_matrices()
        if form.is_zero:
            return 0.0
        classes = ProductClasses(claim.dims, claim.level, claim.field)
        rest = _exact_rest(form, classes, matrices) if exact else _rounded_rest(form, classes, matrices)
        for index, (value, part, H) in enumerate(zip(claim.values, classes.parts, matrices, strict=True)):
            loss = 0.0 if index else rest
            proves = _is_dominated_exactly if exact else _is_dominated
            if not (math.isfinite(loss) and proves(value, loss, part.multiplicities, H)):
                raise CertificateError(
                    f"The certificate is not proved: its matrix {index} does not establish the value {value:.17g}."
                )
        with precision():
            return _total(claim.values, claim.exponent, form.error)

    def _claim(self) -> _Claim:
        """The numbers, each read once and found to be of its type and in its range."""
        dims = check_tuple(self.dims, "dimensions", 2, "positive integers")
        for side in dims:
            check_integer(side, "dimensions", 1, _LARGEST_DIMENSION - 1)
        field = check_choice(self.field, "field", FIELDS)
        level = check_integer(self.level, "level", 1, LARGEST_LEVEL)
        exponent = check_integer(self.exponent, "exponent", -LARGEST_EXPONENT, LARGEST_EXPONENT)
        values = check_tuple(self.values, "values", len(gram_sides(dims, level, field)), "finite numbers")
        for value in values:
            check_real(value, "value")
        return _Claim(dims, field, level, exponent, values)

    def _private_matrices(self) -> tuple[np.ndarray, ...]:
        claim = self._claim()
        sides = gram_sides(claim.dims, claim.level, claim.field)
        dtypes = (np.float64,) if claim.field == "real" else (np.float64, np.complex128)
        given = check_tuple(self.matrices, "matrices", len(sides), "Hermitian matrices")
        return tuple(
            private_array(H, "matrix", (side, side), dtypes=dtypes, hermitian=True)
            for H, side in zip(given, sides, strict=True)
        )

    @own_arithmetic
    def save(self, path: str | PathLike[str]) -> None:
        """Write the certificate to one ``.npz`` file, replacing an existing file only when complete.

        Raises
        ------
        InvalidInputError
            If the folder does not exist or cannot be written.
        """
        members = {
            "field": np.array(self.field),
            "dims": np.array(self.dims, dtype="<i8"),
            "level": np.array(self.level, dtype="<i8"),
            "exponent": np.array(self.exponent, dtype="<i8"),
            "fingerprint": np.array(self.fingerprint),
            "values": np.array(self.values, dtype="<f8"),
        }
        for index, H in enumerate(self.matrices):
            members[f"matrix_{index}"] = packed_triangle(H)
        write_members(SEPARABLE, members, path)

    @classmethod
    @own_arithmetic
    def load(cls, path: str | PathLike[str]) -> SeparableCertificate:
        """Read a certificate that `save` wrote: well-formed, and not yet verified.

        Raises
        ------
        CertificateError
            If the file is not a well-formed certificate; the message says what is wrong.
        InvalidInputError
            If there is no such file or it cannot be read.
        """
        return read_members(path, _parse)

    def __repr__(self) -> str:
        return (
            f"SeparableCertificate(dims={self.dims}, field={self.field!r}, level={self.level}, "
            f"upper={rounded_up(self.upper, 12)} as claimed)"
        )


def _parse(kind: str, reader: ArchiveReader) -> SeparableCertificate:
    if kind != SEPARABLE:
        raise CertificateError(f"a certificate of kind {kind!r}, not {SEPARABLE!r}")
    return parse_separable(reader)


def parse_separable(reader: ArchiveReader) -> SeparableCertificate:
    """The certificate in a file of this kind, well-formed and not yet verified."""
    field = reader.text("field")
    a, b = (int(side) for side in reader.array("dims", ("<i8",), (2,)))
    level, exponent = (int(reader.scalar(name, "<i8")) for name in ("level", "exponent"))
    digest = parse_fingerprint(reader)
    if field not in FIELDS or min(a, b) < 1 or max(a, b) >= _LARGEST_DIMENSION or not 1 <= level <= LARGEST_LEVEL:
        raise CertificateError(f"no certificate of level {level} exists for dimensions ({a}, {b}) and field {field!r}")
    sides = gram_sides((a, b), level, field)
    values = reader.array("values", ("<f8",), (len(sides),))
    matrices = tuple(
        reader.hermitian(f"matrix_{index}", ("<f8", "<f4", "<c16"), side) for index, side in enumerate(sides)
    )
    certificate = SeparableCertificate((a, b), field, level, digest, exponent, tuple(values.tolist()), matrices)
    certificate._claim()
    certificate._private_matrices()
    return certificate


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
