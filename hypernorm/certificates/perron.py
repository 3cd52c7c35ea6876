"""Certificates of operator norms by a positive vector: the bound for |A|, exact for p ≥ q if no entry is negative.

Let B = |A| entrywise, x > 0 and g ≥ Bx. By Hölder's inequality with the weights b_ij x_j, for every z ≥ 0

    (Bz)_i^p ≤ g_i^{p−1} Σ_j b_ij x_j^{1−p} z_j^p.                                                          (1)

**Theorem.** With M = max_j (Bᵀ g^{q−1})_j / x_j^{p−1}, for q ≤ p < ∞, and at p = ∞ with x = 1,

    ‖A‖_{p→q} ≤ ‖g‖_q^{1−q/p} M^{1/p},    ‖A‖_{∞→q} ≤ ‖g‖_q,

and for p ≤ q < ∞ (Schur's test) ‖A‖_{p→q}^p ≤ max_j x_j^{1−p} ‖(b_ij g_i^{p−1})_i‖_{q/p}.

*Proof.* Sum the powers q/p of (1): Hölder's inequality with exponents 1/(1−q/p) and p/q gives
Σ (Bz)_i^q ≤ (Σ g_i^q)^{1−q/p} (Σ_j z_j^p x_j^{1−p} (Bᵀg^{q−1})_j)^{q/p}. At p = ∞, Bz ≤ B1 for z ≤ 1. For p ≤ q
apply the triangle inequality of ℓ_{q/p} to the right side of (1), as a sum over j. ∎

For p ≥ q and A ≥ 0 the fixed point of the power method attains the bound (Boyd, *Linear Algebra Appl.* 9 (1974) 95).
The proof needs two products and m + n powers. It holds for complex vectors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import flint
import numpy as np
import scipy.sparse as sp

from hypernorm.certificates.exponents import norm_of_balls, raised
from hypernorm.certificates.fields import Array
from hypernorm.certificates.nonnegative import column_norms, products_above
from hypernorm.certificates.operator import Operand, OperatorCertificate
from hypernorm.certificates.registry import register
from hypernorm.certificates.rounding import UNIT, rational, upper_float
from hypernorm.exceptions import CertificateError
from hypernorm.forms import BlockMatrix

if TYPE_CHECKING:
    from hypernorm.forms import ScaledMatrix

__all__ = ["PerronCertificate"]

_LARGEST_SCALE = 2.0**300
# More than a product loses below the normal range.
_VANISHED = 2.0**-1020


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class PerronCertificate(OperatorCertificate):
    """The bound for |A| from a positive vector.

    Attributes
    ----------
    p, q, shape, fingerprint, field, side, upper
        As for `OperatorCertificate`.
    vector : ndarray of shape (n,)
        x, with entries in [2**-300, 2**300].

    See Also
    --------
    OperatorCertificate : The other rules.

    Notes
    -----
    Theorem 2 of theory/operator_norms of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> certificate = hn.operator_certificate(np.ones((3, 3)), 4, 2, rule="perron")
    >>> round(certificate.verify(np.ones((3, 3))).upper, 9)  # 3^(1/2 + 1 - 1/4)
    3.948222039
    """

    kinds: ClassVar = ("perron",)
    reads_blocks: ClassVar = True

    vector: Annotated[np.ndarray, Array("n")]

    def rules(self) -> None:
        if not ((self.vector >= 1 / _LARGEST_SCALE) & (self.vector <= _LARGEST_SCALE)).all():
            raise CertificateError("The certificate's vector must have entries from 2**-300 to 2**300.")

    def bound(self, matrix: ScaledMatrix, *, exact: bool) -> flint.arb:
        operand = self.operand(matrix)
        p, q = operand.p, operand.q
        if q == math.inf:
            raise self.refuse(operand)
        x, B = self.vector[operand.columns], operand.magnitudes(exact=exact)
        if p == math.inf:
            return norm_of_balls(map(rational, products_above(B, np.ones(len(x)), exact=exact).tolist()), q)
        g = products_above(B, x, exact=exact)
        if p < q:
            return _schur(operand, B, x, g, exact)
        p, q = Fraction(p), Fraction(q)
        turned = sp.csr_array(B.T) if isinstance(B, sp.csr_array) else B.T
        powers, unit = _powers_above(g, q - 1)
        h = products_above(turned, powers, exact=exact)
        largest = norm_of_balls(
            (rational(a) / raised(rational(b), p - 1) for a, b in zip(h.tolist(), x.tolist(), strict=True)), math.inf
        )
        size = norm_of_balls(map(rational, g.tolist()), q) if q < p else rational(1)
        return raised(size, 1 - q / p) * raised(largest * unit, 1 / p)


def _powers_above(values: np.ndarray, power: Fraction) -> tuple[np.ndarray, flint.arb]:
    """Floats and a ball; each float times the ball is at least the power of a positive float.

    The ball is the power of the largest value, so that nothing overflows.
    """
    if power in (0, 1):
        return (values if power else np.ones_like(values)), rational(1)
    largest = rational(float(values.max()))
    powers = [upper_float(raised(rational(value) / largest, power)) for value in values.tolist()]
    return np.array(powers), raised(largest, power)


def _schur(operand: Operand, B: Any, x: np.ndarray, g: np.ndarray, exact: bool) -> flint.arb:
    p, q = Fraction(operand.p), Fraction(operand.q)
    weights, unit = _powers_above(g, p - 1)
    norms = column_norms(_weighted_above(B, weights, exact=exact), q / p, exact=exact)
    best = norm_of_balls(
        (norm / raised(rational(entry), p - 1) for norm, entry in zip(norms, x.tolist(), strict=True)), math.inf
    )
    return raised(best * unit, 1 / p)


def _weighted_above(B: Any, factors: np.ndarray, *, exact: bool) -> Any:
    """At least Diag(f) B, by ball arithmetic if `exact`; otherwise each product is rounded once, or vanishes."""
    if isinstance(B, BlockMatrix):
        return B.mapped(partial(_weighted_above, exact=exact), factors)
    is_dense = isinstance(B, np.ndarray)
    values = B if is_dense else B.data
    rows = np.broadcast_to(factors[:, None], B.shape) if is_dense else np.repeat(factors, np.diff(B.indptr))
    if exact:
        pairs = zip(values.ravel().tolist(), rows.ravel().tolist(), strict=True)
        above = np.array([upper_float(rational(b) * rational(f)) if b else 0.0 for b, f in pairs])
        above = above.reshape(values.shape)
    else:
        above = np.where(values > 0, values * rows * (1 + 4 * UNIT) + _VANISHED, 0.0)
    return above if is_dense else sp.csr_array((above, B.indices, B.indptr), shape=B.shape)
