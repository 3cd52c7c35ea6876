"""Proved approximation factors of the spectral bounds."""

from __future__ import annotations

import math

from hypernorm._arguments import check_count, check_exponent
from hypernorm._arithmetic import own_arithmetic
from hypernorm.certificates import KINDS, is_available
from hypernorm.exceptions import InvalidInputError

__all__ = ["approximation_factor"]


@own_arithmetic
def approximation_factor(d: int, q: float = 4, kind: str = "realigned") -> float:
    """Proved upper limit of (upper bound) / (true norm) over all matrices with `d` columns.

    With u uniform on the unit sphere and e_s = E|u_1|^s, the factor in the norm is

    * row norm and flattening: e_{q−2}^{−1/q}, which is d^{1/4} for q = 4 and of order d^{1/2−1/q} in general;
    * realigned, q ≥ 4: (e_{q−4} e_{q−2})^{−1/(2q)}, which is d^{1/8} for q = 4 and of order d^{1/2−3/(2q)};
    * realigned, 2 < q ≤ 4: e_{q−2}^{−(6−q)/(4q)}, of order d^{(q−2)(6−q)/(8q)};
    * moment, q = 4, 6, 8, and sum of squares: the factor of the row norm, whose bound they never exceed. (For random
      matrices the sum-of-squares bound is nearly always exact; no better factor is proved for all matrices.)

    The proofs are in docs/theory/upper_bounds.md. For q = 4 the realigned factor is the theorem of Hopkins & Tiegel
    (arXiv 2605.25303) with constant one.

    Parameters
    ----------
    d : int
        Number of columns.
    q : float
        Exponent, 2 ≤ q ≤ ∞.
    kind : str
        Kind of bound, as in `spectral_bound`.

    Returns
    -------
    float
        At least 1.

    Raises
    ------
    InvalidInputError
        If the arguments are out of range, or no factor is proved (``"moment"`` between the even exponents).

    Examples
    --------
    >>> round(approximation_factor(256, 4, "realigned"), 12), round(approximation_factor(256, 4, "row_norm"), 12)
    (2.0, 4.0)
    """
    check_count(d, "d")
    q = check_exponent(q)
    if kind not in KINDS or not is_available(kind, q) or (kind == "moment" and q not in (4, 6, 8)):
        raise InvalidInputError(
            f"no approximation factor is proved for kind={kind!r} and q = {q:g}; use kind='row_norm'."
        )
    if q == 2 or math.isinf(q):
        return 1.0
    if kind != "realigned":
        logarithm = -_log_moment(d, q - 2) / q
    elif q >= 4:
        logarithm = -(_log_moment(d, q - 4) + _log_moment(d, q - 2)) / (2 * q)
    else:
        logarithm = -_log_moment(d, q - 2) * (6 - q) / (4 * q)
    return math.exp(logarithm)


def _log_moment(d: int, power: float) -> float:
    """log E|u_1|^s = log [Γ(d/2) Γ((s+1)/2) / (√π Γ((d+s)/2))] for u uniform on the unit sphere of R^d."""
    return math.lgamma(d / 2) + math.lgamma((power + 1) / 2) - math.lgamma((d + power) / 2) - math.log(math.pi) / 2
