"""Certificates of singular values: a decomposition, and what it leaves over.

**Theorem.** Let X = U diag(σ) Vᵀ + E, where U, V have k columns and σ_1 ≥ … ≥ σ_k ≥ 0, k ≤ min(n, d). If
‖UᵀU − I‖ ≤ α, ‖VᵀV − I‖ ≤ β and ‖E‖ ≤ ε, then for i ≤ k

    σ_i √((1 − α)₊(1 − β)₊) − ε ≤ σ_i(X) ≤ σ_i √((1 + α)(1 + β)) + ε,    and σ_i(X) ≤ ε for i > k.

*Proof.* The k eigenvalues of UᵀU lie in [1 − α, 1 + α], so √(1 − α)₊ ‖y‖ ≤ ‖Uy‖ ≤ √(1 + α) ‖y‖ for every y. By Courant
and Fischer √(1 − α)₊ σ_i(B) ≤ σ_i(UB) ≤ √(1 + α) σ_i(B) for every B and i. The same holds for V. So U diag(σ) Vᵀ, of
rank at most k, has its i-th singular value between σ_i √((1 − α)₊(1 − β)₊) and σ_i √((1 + α)(1 + β)), as the σ_i are
sorted. Weyl's inequality moves each by at most ‖E‖. ∎
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import flint
import numpy as np

from hypernorm.certificates.base import Certificate
from hypernorm.certificates.fields import Array, Fingerprint, Integer, Shape, Sizes
from hypernorm.certificates.registry import register
from hypernorm.certificates.residuals import exact_gram_deviation, exact_residual, gram_deviation, residual
from hypernorm.certificates.rounding import lower_float, precision, rational, scaling_loss, upper_float
from hypernorm.certificates.subjects import read_samples, scaled_rows
from hypernorm.certificates.values import LARGEST_SCALE
from hypernorm.certificates.verified import Claim, Rigor, VerifiedEnclosure
from hypernorm.exceptions import CertificateError
from hypernorm.forms import Rows

__all__ = ["SingularValueCertificate", "VerifiedSingularValues", "check_decreasing", "enclosed"]

_MOST_VALUES = 2**30 - 1


@dataclass(frozen=True, repr=False, kw_only=True)
class VerifiedSingularValues(VerifiedEnclosure):
    """The result of verifying singular values.

    Attributes
    ----------
    lower, upper : float
        Proved bounds on the largest singular value, the spectral norm.
    lowers, uppers : tuple of float
        Proved bounds on all min(n, d) singular values, the largest first.
    quantity, premise, rigor, seconds
        As for `Verified`.

    See Also
    --------
    SingularValueCertificate : Its method `verify` returns one.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> proved = hn.singular_values(np.eye(2)).certificate.verify(np.eye(2))
    >>> len(proved.lowers), proved.uppers[0] == proved.upper
    (2, True)
    """

    lowers: tuple[float, ...]
    uppers: tuple[float, ...]


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class SingularValueCertificate(Certificate):
    """A proof of bounds on every singular value of a matrix, from a decomposition X ≈ 2^e U diag(σ) Vᵀ.

    Attributes
    ----------
    shape : tuple of int
        Shape (n, d) of X.
    fingerprint : str
        SHA-256 of the values of X, see `hypernorm.forms.fingerprint`.
    exponent : int
        e: the decomposition is one of X times 2**-exponent.
    count : int
        Number k ≤ min(n, d) of terms; the singular values after them are bounded by what the terms leave over.
    left : ndarray of shape (n, k)
        U.
    values : ndarray of shape (k,)
        σ, not negative, the largest first.
    right : ndarray of shape (d, k)
        V.

    See Also
    --------
    hypernorm.singular_values : Compute one, with an example.

    Notes
    -----
    Theorem 1 of theory/unitarily_invariant_norms of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> A = np.diag([3.0, 4.0])
    >>> proved = hn.singular_values(A).certificate.verify(A)
    >>> proved.lowers[1] <= 3 <= proved.uppers[1]
    True
    """

    kinds: ClassVar = ("singular_values",)
    has_exact_proof: ClassVar = True

    shape: Annotated[tuple[int, int], Shape()]
    fingerprint: Annotated[str, Fingerprint()]
    exponent: Annotated[int, Integer(-LARGEST_SCALE, LARGEST_SCALE)]
    count: Annotated[int, Integer(1, _MOST_VALUES)]
    left: Annotated[np.ndarray, Array("n", "k")]
    values: Annotated[np.ndarray, Array("k")]
    right: Annotated[np.ndarray, Array("d", "k")]

    @classmethod
    def sizes(cls, known: Mapping[str, Any]) -> Sizes:
        if "count" not in known:
            return {}
        n, d = known["shape"]
        return {"n": n, "d": d, "k": known["count"]}

    def rules(self) -> None:
        if self.count > min(self.shape):
            raise CertificateError(f"A matrix of shape {self.shape} has no {self.count} singular values.")
        check_decreasing(self.values)

    @property
    def quantity(self) -> str:
        return "spectral norm of X"

    @property
    def claim(self) -> Claim:
        """The largest of the values, without the errors; `verify` proves bounds on each and adds them."""
        with precision():
            return Claim(upper_float(rational(float(self.values[0])) * rational(2) ** self.exponent), is_upper=True)

    def describe(self) -> dict[str, Any]:
        return {"shape": list(self.shape), "count": self.count}

    def read(self, data: Any) -> Rows:
        return Rows(read_samples(data, self.shape, self.fingerprint), self.fingerprint)

    def establish(self, subject: Rows, *, exact: bool) -> VerifiedSingularValues:
        rows = scaled_rows(subject, self.shape[1], self.exponent, count=self.shape[0])
        with precision():
            if rows.is_zero:
                lowers = uppers = (0.0,) * min(self.shape)
            else:
                if exact:
                    deviations = [exact_gram_deviation(side) for side in (self.left, self.right)]
                    rest = exact_residual(rows, self.left, self.values, self.right)
                else:
                    deviations = [rational(gram_deviation(side)) for side in (self.left, self.right)]
                    rest = rational(residual(rows, self.left, self.values, self.right))
                lowers, uppers = enclosed(
                    self.values, deviations, rest + scaling_loss(rows), min(self.shape), self.exponent
                )
        rigor = Rigor.EXACT if exact else Rigor.FLOATING_POINT
        return VerifiedSingularValues(
            quantity=self.quantity, rigor=rigor, lower=lowers[0], upper=uppers[0], lowers=lowers, uppers=uppers
        )


def check_decreasing(values: np.ndarray) -> None:
    """Check that proposed singular values are not negative, the largest first.

    Raises
    ------
    CertificateError
    """
    if not (values[-1] >= 0 and (values[1:] <= values[:-1]).all()):
        raise CertificateError("The certificate's values must be non-negative, the largest first.")


def enclosed(
    values: np.ndarray, deviations: list[flint.arb], rest: flint.arb, count: int, exponent: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Bounds on `count` singular values of 2^exponent (U_1 U_2 … diag(σ) … V_2ᵀ V_1ᵀ + E).

    The theorem of the module, with one deviation ‖UᵀU − I‖ for each factor, and a bound `rest` on ‖E‖.
    """
    scale, below, above = rational(2) ** exponent, rational(1), rational(1)
    for deviation in deviations:
        below *= (1 - deviation).max(rational(0))
        above *= 1 + deviation
    shrunk, stretched, error = below.sqrt() * scale, above.sqrt() * scale, rest * scale
    numbers = [rational(value) for value in values.tolist()]
    more = count - len(numbers)
    lowers = (*(lower_float(value * shrunk - error) for value in numbers), *[0.0] * more)
    return lowers, (*(upper_float(value * stretched + error) for value in numbers), *[upper_float(error)] * more)
