"""Certificates of upper bounds on the best separable state value.

With f(x, y) = Re ⟨x⊗y, M (x⊗y)⟩ and the monomials z_j(x, y) = (x_i y^β ȳ^δ), |δ| = j, of level k, any Hermitian
matrices H_j and numbers λ_j with λ_j diag(multiplicities) − H_j ⪰ 0 prove, for unit vectors,

    f = Σ_j z_j* H_j z_j + ρ ≤ Σ_j λ_j + ‖ρ‖,    ‖ρ‖² = Σ_c |ρ_c|²/multinomials_c,

where ρ are the coefficients of the rest f − Σ_j z_j* H_j z_j. The checker computes them and requires the first
inequality with λ_0 − ‖ρ‖ in place of λ_0, so that the bound is Σ λ_j. See `hypernorm.forms.product` for the monomials
and classes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np

from hypernorm.certificates.base import Certificate
from hypernorm.certificates.dyadic import DyadicMatrix, dyadic
from hypernorm.certificates.fields import Choice, Fingerprint, Integer, Matrices, Numbers, Pair, Sizes
from hypernorm.certificates.product_state import LARGEST_DIMENSION, QUANTITY, embedded, form_of, read_form
from hypernorm.certificates.registry import register
from hypernorm.certificates.rounding import (
    SAFETY,
    TINY,
    UNIT,
    gamma,
    is_proved_positive_definite,
    precision,
    rational,
    upper_float,
)
from hypernorm.certificates.values import LARGEST_SCALE
from hypernorm.certificates.verified import Claim, Rigor, VerifiedBound
from hypernorm.exceptions import CertificateError
from hypernorm.forms.product import FIELDS, ProductClasses, ProductForm, gram_sides

__all__ = ["LARGEST_LEVEL", "SeparableCertificate"]

LARGEST_LEVEL = 8


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class SeparableCertificate(Certificate):
    """A proof of an upper bound on max ⟨x⊗y, M (x⊗y)⟩ over unit vectors x ∈ K^a, y ∈ K^b.

    `hypernorm.separable.separable_value` and `hypernorm.load_certificate` return one.

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

    See Also
    --------
    ProductState : A lower bound on the same value.

    Notes
    -----
    Propositions 1 and 2 and Theorem 3 of theory/separable_states of the documentation.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.separable import separable_value
    >>> singlet = np.zeros((4, 4))
    >>> singlet[1:3, 1:3] = [[0.5, -0.5], [-0.5, 0.5]]
    >>> certificate = separable_value(singlet, (2, 2), random_state=0).certificate
    >>> 0.5 <= certificate.verify(singlet, exact=True).upper < 0.5 + 1e-6
    True
    """

    kinds: ClassVar = ("separable",)
    has_exact_proof: ClassVar = True
    data_name: ClassVar = "M"

    dims: Annotated[tuple[int, int], Pair(LARGEST_DIMENSION, label="dimensions")]
    field: Annotated[str, Choice(FIELDS)]
    level: Annotated[int, Integer(1, LARGEST_LEVEL)]
    fingerprint: Annotated[str, Fingerprint()]
    exponent: Annotated[int, Integer(-LARGEST_SCALE, LARGEST_SCALE)]
    values: Annotated[tuple[float, ...], Numbers("parts")]
    matrices: Annotated[tuple[np.ndarray, ...], Matrices("sides", member="matrix")]

    @classmethod
    def sizes(cls, known: Mapping[str, Any]) -> Sizes:
        if not {"dims", "field", "level"} <= known.keys():
            return {}
        sides = gram_sides(known["dims"], known["level"], known["field"])
        return {
            "parts": len(sides),
            "sides": [(side,) for side in sides],
            "complex": known["field"] == "complex",
        }

    @property
    def quantity(self) -> str:
        return QUANTITY

    @property
    def upper(self) -> float:
        """The claimed bound; `verify` proves it."""
        own = self.owned("fingerprint", "matrices")
        with precision():
            return _total(own.values, own.exponent)

    @property
    def claim(self) -> Claim:
        return Claim(self.upper, is_upper=True)

    def describe(self) -> dict[str, Any]:
        return {"dims": list(self.dims), "field": self.field, "level": self.level}

    def read(self, data: Any) -> ProductForm:
        return read_form(data, self.dims, self.field, self.fingerprint)

    def establish(self, subject: ProductForm, *, exact: bool) -> VerifiedBound:
        if form_of(subject, self.dims, self.field).exponent != self.exponent:
            raise CertificateError("The certificate is for other dimensions, another field or another scale.")
        return VerifiedBound(
            quantity=QUANTITY,
            rigor=Rigor.EXACT if exact else Rigor.FLOATING_POINT,
            upper=0.0 if subject.is_zero else self._proved(subject, exact),
        )

    def _proved(self, form: ProductForm, exact: bool) -> float:
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


def _total(values: tuple[float, ...], exponent: int, error: float = 0.0) -> float:
    """(Σ λ_j + error) times the scale, rounded up."""
    total = sum((rational(value) for value in values), rational(error))
    return upper_float(total * rational(2) ** exponent)


def _rounded_rest(form: ProductForm, classes: ProductClasses, matrices: tuple[np.ndarray, ...]) -> float:
    """An upper bound on ‖ρ‖ in floating point, rounding errors included."""
    rest, sizes = classes.coefficients(form.matrix).astype(np.complex128), classes.coefficients(np.abs(form.matrix))
    depth = classes.coefficients(np.ones(form.matrix.shape))
    for part, H in zip(classes.parts, matrices, strict=True):
        rest -= classes.sums(part, H)
        sizes += classes.sums(part, np.abs(H))
        depth += classes.sums(part, np.ones(H.shape))
    # A term is rounded at most once for each term of its class, and a few times for multiplicities and differences.
    # Real and imaginary parts are rounded separately.
    errors = 2 * gamma(int(depth.max()) + len(matrices) + 8) * sizes
    return SAFETY * float(np.linalg.norm((np.abs(rest) + errors) / np.sqrt(classes.multinomials)))


def _is_dominated(value: float, loss: float, multiplicities: np.ndarray, H: np.ndarray) -> bool:
    """Whether (λ − loss) diag(multiplicities) − H ≻ 0 is proved in floating point."""
    least = math.nextafter(value - loss, -math.inf)
    largest = max(abs(least) * float(multiplicities.max()), float(np.abs(H.real).max()), float(np.abs(H.imag).max()))
    if not 0 < largest < math.inf:
        return False
    # In units of the largest entry no underflow matters.
    power = -math.frexp(largest)[1]
    diagonal = math.ldexp(least, power) * multiplicities
    scaled = np.ldexp(embedded(H), power)
    difference = -scaled
    difference[np.diag_indices_from(difference)] += np.tile(diagonal, len(scaled) // len(diagonal))
    # The product with the multiplicity and the difference are rounded once each, on the diagonal alone.
    error = 4 * UNIT * (float(np.abs(diagonal).max()) + float(np.abs(np.diagonal(scaled)).max())) + TINY
    return is_proved_positive_definite(difference, SAFETY * error)


def _exact_rest(form: ProductForm, classes: ProductClasses, matrices: tuple[np.ndarray, ...]) -> float:
    """A float just above ‖ρ‖, from coefficients in integers; zero if ρ is."""
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
    """Whether (λ − loss) diag(multiplicities) − H ≻ 0 is proved in integers."""
    exact = DyadicMatrix.from_floats(embedded(H))
    copies = exact.shape[0] // len(multiplicities)
    diagonal = DyadicMatrix.from_floats(np.diag(np.tile(multiplicities, copies).astype(np.float64)))
    difference = diagonal.scaled(*dyadic(value)) - diagonal.scaled(*dyadic(loss)) - exact
    return difference.is_proved_positive_definite()
