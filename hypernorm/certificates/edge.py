"""Certificates of operator norms that are norms of columns or rows: p = 1 or q = ∞.

‖A‖_{1→q} is the largest q-norm of a column, since a convex function on the ball of ℓ_1 is largest at a vertex;
‖A‖_{p→∞} is the largest p*-norm of a row by duality. The bound is exact up to rounding, for complex vectors as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hypernorm.certificates.nonnegative import largest_column_norm
from hypernorm.certificates.operator import OperatorCertificate
from hypernorm.certificates.registry import register
from hypernorm.forms import ScaledMatrix

if TYPE_CHECKING:
    import flint

__all__ = ["EdgeCertificate"]


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class EdgeCertificate(OperatorCertificate):
    """The largest norm of a column (p = 1) or, for the transpose, of a row (q = ∞).

    Attributes
    ----------
    p, q, shape, fingerprint, field, side, upper
        As for `OperatorCertificate`.

    See Also
    --------
    OperatorCertificate : The other rules.

    Notes
    -----
    Theorem 1 of theory/operator_norms of the documentation.

    Examples
    --------
    >>> import hypernorm as hn
    >>> A = [[3.0, 1.0], [4.0, -2.0]]
    >>> hn.operator_certificate(A, 1, 2, rule="edge")
    EdgeCertificate(kind='edge', p=1, q=2, shape=(2, 2), upper=5.00000000001 as claimed)
    """

    kinds: ClassVar = ("edge",)
    reads_blocks: ClassVar = True

    def bound(self, matrix: ScaledMatrix, *, exact: bool) -> flint.arb:
        operand = self.operand(matrix)
        if operand.p != 1:
            raise self.refuse(operand)
        return largest_column_norm(operand.magnitudes(exact=exact), operand.q, exact=exact)
