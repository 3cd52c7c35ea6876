"""Proved approximation factors of the upper bounds."""

from __future__ import annotations

import math

from scipy.special import betaln

from hypernorm._arguments import check_choice, check_count, check_exponent
from hypernorm._arithmetic import own_arithmetic
from hypernorm.certificates import KINDS, is_available
from hypernorm.certificates.plan import Kind
from hypernorm.exceptions import InvalidInputError

__all__ = ["approximation_factor"]


@own_arithmetic
def approximation_factor(d: int, q: float = 4, kind: Kind = "realigned", n: int | None = None) -> float:
    """Proved upper limit of (upper bound) / (true norm) over all matrices with `d` columns, and with `n` rows if given.

    With u uniform on the unit sphere and e_s = E|u_1|^s, let ρ_b be 1/e_{q−b}, or n^{1−b/q} if `n` is given and this is
    less. The factor in the norm is

    * row norm and flattening: ρ_2^{1/q}, for q = 4 the lesser of d^{1/4} and n^{1/8}, of order d^{1/2−1/q} in general;
    * realigned and split, q ≥ 4: (ρ_2 ρ_4)^{1/(2q)}, for q = 4 the lesser of d^{1/8} and n^{1/16}, of order
      d^{1/2−3/(2q)} in general;
    * realigned and split, 2 < q ≤ 4: ρ_2^{(6−q)/(4q)}, of order d^{(q−2)(6−q)/(8q)};
    * moment, q = 4, 6, 8, and sum of squares: the factor of the row norm, whose bound they never exceed. (For random
      matrices the sum-of-squares bound is nearly always exact; no better factor is proved for all matrices.)
    * moment between these exponents: n^{(1−2/q)/q}, and no factor in d alone.

    The proofs are in theory/upper_bounds of the documentation. Hopkins & Tiegel (arXiv 2605.25303) were the first to
    reach d^{1/8} for q = 4 in polynomial time, where a simple spectral bound has d^{1/4}. The realigned bound, the
    constants, the factors for other q and those in n are this package's.

    Parameters
    ----------
    d : int
        Number of columns.
    q : float
        Exponent, 2 ≤ q ≤ ∞.
    kind : str
        Kind of bound, as in `spectral_bound`, or ``"sos"``.
    n : int, optional
        Number of rows; rows of zeros need not be counted. By default the factor holds for any number.

    Returns
    -------
    float
        At least 1.

    Raises
    ------
    InvalidInputError
        If the arguments are out of range, or no factor is proved (``"moment"`` between the even exponents without `n`).

    See Also
    --------
    two_to_q_norm : Promises a ratio of its two bounds of at most d^{1/8} for q = 4.

    Examples
    --------
    >>> round(approximation_factor(256, 4, "realigned"), 12), round(approximation_factor(256, 4, "row_norm"), 12)
    (2.0, 4.0)
    >>> round(approximation_factor(256, 4, "row_norm", n=256), 12)
    2.0
    """
    check_count(d, "d")
    if n is not None:
        check_count(n, "n")
    q = check_exponent(q)
    check_choice(kind, "kind", KINDS)
    between = kind == "moment" and q not in (4, 6, 8)
    if not is_available(kind, q) or (between and n is None):
        remedy = "pass n, the number of rows, or use" if between and is_available(kind, q) else "use"
        raise InvalidInputError(
            f"no approximation factor is proved for kind={kind!r} and q = {q:g}; {remedy} kind='row_norm'."
        )
    if q == 2 or math.isinf(q):
        return 1.0
    rows = math.inf if n is None else math.log(n)
    second, fourth = (min(-_log_moment(d, q - order), (1 - order / q) * rows) if order < q else 0.0 for order in (2, 4))
    if between:
        logarithm = (1 - 2 / q) * rows / q
    elif kind not in ("realigned", "split"):
        logarithm = second / q
    elif q >= 4:
        logarithm = (second + fourth) / (2 * q)
    else:
        logarithm = second * (6 - q) / (4 * q)
    return math.exp(max(logarithm, 0.0))


def _log_moment(d: int, power: float) -> float:
    """log E|u_1|^s = log [Γ(d/2) Γ((s+1)/2) / (√π Γ((d+s)/2))] for u uniform on the unit sphere of R^d."""
    if power == 0:
        return 0.0
    # Γ(d/2)/Γ((d+s)/2) = B(d/2, s/2)/Γ(s/2): the difference of the logarithms would cancel for large d.
    ratio = float(betaln(d / 2, power / 2)) - math.lgamma(power / 2)
    return ratio + math.lgamma((power + 1) / 2) - math.log(math.pi) / 2
