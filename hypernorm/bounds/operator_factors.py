"""Proved approximation factors of the bounds on operator norms."""

from __future__ import annotations

import math

from hypernorm._arguments import check_count, check_exponent
from hypernorm._arithmetic import own_arithmetic
from hypernorm.bounds.operator_power import conjugate_float

__all__ = ["operator_approximation_factor"]

# Bhattiprolu, Ghosh, Guruswami, Lee & Tulsiani, SODA 2019: 1 + ε₀ with ε₀ < 0.00863.
_RELAXATION = 1.00863
_KRIVINE = math.pi / (2 * math.log(1 + math.sqrt(2)))


@own_arithmetic
def operator_approximation_factor(p: float, q: float, m: int, n: int) -> float:
    """Proved upper limit of (least bound) / ‖A‖_{p→q} over all real matrices of shape (m, n).

    The bound is the least that the rules "edge" and "weights" can prove; `operator_norm` reports the best of all rules,
    but its solver stops at a tolerance. With γ_r = (E|g|^r)^{1/r} for a standard Gaussian g the factor is

    * 1 for p = 1, for q = ∞ and for p = q = 2;
    * for p ≥ 2 ≥ q, with c = γ_{p*} γ_q, the least of 1/(c − ((1 − γ_{p*}²)(1 − γ_q²))^{1/2}), 1.00863/(sinh⁻¹(1) c),
      γ_p/γ_q, γ_{q*}/γ_{p*} and Krivine's 1.7823;
    * for p ≥ 2, q > 2: γ_{p*}^{−2/q} m^{(1/q)(1−2/q)}, at most 1.26 m^{1/8}; the dual for p, q ≤ 2;
    * for p < 2 < q: m^{(2/p*)(1/q)(1−2/q)} n^{(1/p*)(1−2/p*)}, or that of the transpose if it is less.

    For complex matrices and vectors no factor is claimed, except 1 for p = 1, for q = ∞ and for p = q = 2.

    Proofs are in theory/operator_norms of the documentation, except of the second factor for p ≥ 2 ≥ q, which is due to
    Bhattiprolu, Ghosh, Guruswami, Lee & Tulsiani (*Approximability of p→q matrix norms*, SODA 2019), and of Krivine's
    bound on Grothendieck's constant. The third and fourth are due to Steinberg (thesis, Technion 2005).

    Parameters
    ----------
    p, q : float
        Exponents from 1 to ∞.
    m, n : int
        Numbers of rows and columns.

    Returns
    -------
    float
        At least 1.

    Raises
    ------
    InvalidInputError
        If an argument is out of range.

    See Also
    --------
    operator_norm : Compute an interval.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> round(hn.operator_approximation_factor(np.inf, 2, 100, 100), 4)  # (π/2)^(1/2)
    1.2533
    """
    p, q = check_exponent(p, 1, "p"), check_exponent(q, 1)
    check_count(m, "m")
    check_count(n, "n")
    if p == 1 or math.isinf(q) or p == 2 == q:
        return 1.0
    dual = conjugate_float(p)
    if p >= 2 >= q:
        return _relaxation_factor(p, q)
    if p >= 2:
        return _one_sided(dual, q, m)
    if q <= 2:
        return _one_sided(q, dual, n)
    first, second = (1 / q) * (1 - 2 / q), (1 / dual) * (1 - 2 / dual)
    return min(m ** (2 / dual * first) * n**second, n ** (2 / q * second) * m**first)


def _gaussian_moment(r: float) -> float:
    """γ_r = √2 (Γ((r+1)/2)/√π)^{1/r}."""
    return math.sqrt(2) * math.exp((math.lgamma((r + 1) / 2) - math.log(math.pi) / 2) / r) if r < math.inf else r


def _relaxation_factor(p: float, q: float) -> float:
    """For p ≥ 2 ≥ q."""
    first, second = _gaussian_moment(conjugate_float(p)), _gaussian_moment(q)
    rest = math.sqrt(max(1 - first**2, 0.0) * max(1 - second**2, 0.0))
    rounded = min(1 / (first * second - rest), _RELAXATION / (math.asinh(1) * first * second), _KRIVINE)
    projected = min(_gaussian_moment(p) / second, _gaussian_moment(conjugate_float(q)) / first)
    return max(1.0, min(rounded, projected))


def _one_sided(dual: float, q: float, m: int) -> float:
    """For p ≥ 2 and q > 2, from p*."""
    return float(_gaussian_moment(dual) ** (-2 / q) * m ** ((1 / q) * (1 - 2 / q)))
