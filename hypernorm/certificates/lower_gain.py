"""Certificates of lower bounds on the smallest gain of a matrix, min ‖Xv‖_q over unit vectors v.

**Theorem.** Let q = 2k, let m rows of X be non-zero, and let G be the Gram matrix of a form with
|Σ ⟨x_i, v⟩^q − z(v)ᵀ G z(v)| ≤ δ for unit v. Then for every unit v

    Σ ⟨x_i, v⟩^q ≥ λ_min(G) − δ    and    Σ ⟨x_i, v⟩^q ≥ m^{1−k} λ_min(XᵀX)^k.

*Proof.* z(v) is a unit vector. The mean of the ⟨x_i, v⟩^2k over m rows is at least the k-th power of the mean of the
⟨x_i, v⟩². ∎
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

from hypernorm._display import gain_text
from hypernorm.certificates import exact as exact_proofs
from hypernorm.certificates.base import Certificate
from hypernorm.certificates.dyadic import DyadicMatrix, dyadic
from hypernorm.certificates.exact import ExactRows
from hypernorm.certificates.fields import Choice, Fingerprint, Integer, Matrices, Real, Shape, Sizes
from hypernorm.certificates.floating import coefficient_error, form_of_powers, gram_and_deviation
from hypernorm.certificates.plan import plan
from hypernorm.certificates.registry import register
from hypernorm.certificates.rounding import (
    SAFETY,
    TINY,
    UNIT,
    gamma,
    is_proved_positive_definite,
    lower_float,
    precision,
    rational,
    root_above,
    scaling_loss,
    upper_float,
)
from hypernorm.certificates.subjects import read_samples, scaled_rows
from hypernorm.certificates.values import LARGEST_SCALE, shown
from hypernorm.certificates.verified import Claim, Rigor, VerifiedValue
from hypernorm.exceptions import CertificateError
from hypernorm.forms import Rows, second_moments

if TYPE_CHECKING:
    import flint

__all__ = ["GAIN_EXPONENTS", "LowerGainCertificate"]

GAIN_EXPONENTS = (4, 6, 8)
"""The exponents q for which there are certificates."""


class _Exponent(Real):
    """A float in `GAIN_EXPONENTS`."""

    def check(self, value: Any, name: str, sizes: Sizes) -> float:
        if not (type(value) is float and value in GAIN_EXPONENTS):
            raise CertificateError(f"There is no certificate of a smallest gain for q = {shown(value)}.")
        return value


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class LowerGainCertificate(Certificate):
    """A proof of a lower bound on the smallest gain of X, min ‖Xv‖_q over unit vectors v.

    `smallest_gain` and `load_certificate` return one.

    Attributes
    ----------
    form : str
        ``"second"``, the least eigenvalue of XᵀX, or ``"sos"``, a sum of squares.
    q : float
        4, 6 or 8.
    shape : tuple of int
        Shape (n, d) of the matrix.
    fingerprint : str
        SHA-256 of the values of the matrix, see `hypernorm.forms.fingerprint`.
    exponent : int
        The value and the matrix are for the matrix times 2**-exponent.
    value : float
        λ ≤ Σ ⟨x_i, v⟩^q for all unit v; zero needs no proof.
    matrices : tuple of ndarray or None
        For a sum of squares, the coefficients H of shape (D, D) of a Gram matrix, see `hypernorm.forms.gram`.

    See Also
    --------
    GainWitness : An upper bound on the same gain.

    Notes
    -----
    The theorem on the smallest gain in theory/sums_of_squares of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> certificate = hn.smallest_gain(np.eye(3), random_state=0).certificate
    >>> certificate.verify(np.eye(3)).lower > 0.999999 * 3**-0.25
    True
    """

    kinds: ClassVar = ("lower_gain",)
    has_exact_proof: ClassVar = True

    form: Annotated[str, Choice(("second", "sos"))]
    q: Annotated[float, _Exponent()]
    shape: Annotated[tuple[int, int], Shape()]
    fingerprint: Annotated[str, Fingerprint()]
    exponent: Annotated[int, Integer(-LARGEST_SCALE, LARGEST_SCALE)]
    value: Annotated[float, Real(0.0)]
    matrices: Annotated[tuple[np.ndarray | None, ...], Matrices("sides", member="matrix")]

    @classmethod
    def sizes(cls, known: Mapping[str, Any]) -> Sizes:
        if not {"form", "q", "shape"} <= known.keys():
            return known
        return {"sides": [plan("sos", known["q"])[0].sides(known["shape"][1]) if known["form"] == "sos" else ()]}

    @property
    def quantity(self) -> str:
        return gain_text(self.q)

    @property
    def lower(self) -> float:
        """The claimed bound; `verify` proves it."""
        own = self.owned("fingerprint", "matrices")
        with precision(), np.errstate(all="ignore"):
            return own._combined(rational(0))

    @property
    def claim(self) -> Claim:
        return Claim(self.lower, is_upper=False)

    def describe(self) -> dict[str, Any]:
        return {"form": self.form, "q": self.q, "shape": list(self.shape)}

    def read(self, data: Any) -> Rows:
        return Rows(read_samples(data, self.shape, self.fingerprint), self.fingerprint)

    def establish(self, subject: Rows, *, exact: bool) -> VerifiedValue:
        rows = scaled_rows(subject, self.shape[1], self.exponent)
        with precision():
            if self.value > 0 and not self._proves(rows, exact):
                raise CertificateError(
                    f"The certificate of the smallest gain is not proved: its part {self.form} does not establish the "
                    f"value {self.value:.17g}."
                )
            lower = self._combined(scaling_loss(rows))
        rigor = Rigor.EXACT if exact else Rigor.FLOATING_POINT
        return VerifiedValue(quantity=self.quantity, rigor=rigor, lower=lower)

    def _proves(self, rows: Rows, exact: bool) -> bool:
        order = int(self.q)
        if self.form == "sos":
            prover = _proves_sos_exactly if exact else _proves_sos
            return prover(rows, self.value, self.matrices[0], order)
        # The rows of zeros have no part in the mean.
        count = int(np.count_nonzero(rows.row_squares))
        least = upper_float((rational(self.value) * rational(count) ** (order // 2 - 1)).root(order // 2))
        return (_proves_second_exactly if exact else _proves_second)(rows, least)

    def _combined(self, moved: flint.arb) -> float:
        """2^e (λ^{1/q} − moved), rounded down."""
        return lower_float((root_above(self.value, int(self.q)) - moved) * rational(2) ** self.exponent)


def _proves_second(rows: Rows, least: float) -> bool:
    """XᵀX ≻ cI."""
    error = gamma(rows.depth(rows.block_rows()) + 4) * float(np.sum(rows.norms**2))
    return _is_above(second_moments(rows), least, error)


def _proves_second_exactly(rows: Rows, least: float) -> bool:
    moments = exact_proofs.second_moments(_exact(rows))
    identity = DyadicMatrix.from_floats(np.eye(rows.shape[1]))
    return (moments - identity.scaled(*dyadic(least))).is_proved_positive_definite()


def _proves_sos(rows: Rows, value: float, H: Any, order: int) -> bool:
    """G ≻ (λ + δ)I."""
    G, deviation = gram_and_deviation(H, coefficient_error(H, form_of_powers(rows, order, len(H))))
    least = (value + SAFETY * deviation) * (1 + 2 * UNIT)
    return _is_above(G, least, 8 * UNIT * float(np.linalg.norm(G)))


def _proves_sos_exactly(rows: Rows, value: float, H: Any, order: int) -> bool:
    """H ≻ (λ + ‖ρ‖) diag(m!/α!)."""
    exact, identity, norm = exact_proofs.gram_and_deviation(H, exact_proofs.form_of_powers(_exact(rows), order, len(H)))
    if norm == math.inf:
        return False
    difference = exact - identity.scaled(*dyadic(value)) - identity.scaled(*dyadic(norm))
    return difference.is_proved_positive_definite()


def _exact(rows: Rows) -> ExactRows:
    return ExactRows(rows, Fraction(0), 1.0)


def _is_above(A: np.ndarray, least: float, error: float) -> bool:
    """Whether M ≻ cI is proved for every symmetric M within `error` of `A` in the spectral norm.

    All numbers are first divided by a power of two, so that no square that matters underflows.
    """
    difference = A.copy()
    difference[np.diag_indices_from(difference)] -= least
    exponent = math.frexp(float(np.abs(difference).max()))[1]  # 0 for numbers that are not finite; they prove nothing
    if exponent < -100:
        return False  # the longest row is longer than 1/8, so the mean of the form is not so small
    difference = np.ldexp(difference, -exponent)
    # The difference is rounded once, and so was the symmetrisation of A.
    size = float(np.linalg.norm(np.ldexp(A, -exponent))) + float(np.linalg.norm(np.diagonal(difference)))
    error = float(np.ldexp(error, -exponent)) + 2 * UNIT * size
    return is_proved_positive_definite(difference, SAFETY * error + TINY)
