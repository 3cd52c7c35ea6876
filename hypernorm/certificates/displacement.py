"""How far the mean of a part of a distribution can be from a point, and how much of the samples that part may miss.

**Lemma.** Let r be a distribution on samples, s ≤ r a part of mass 1 − δ with the mean μ_s, and c a point. Let
‖Σ r_i (x_i − c)‖ ≤ a and Σ r_i |⟨x_i − c, v⟩|^q ≤ B^q for every unit v. Then

    ‖μ_s − c‖ ≤ g B + h a,   h = ((1 − δ)^q + (1 − δ) δ^{q−1})^{−1/q},   g = δ^{1−1/q} h.

Two atoms attain it. The proof, and what follows for means, stands in theory/robust of the documentation.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from hypernorm.certificates.rounding import UNIT, rational

if TYPE_CHECKING:
    import flint

__all__ = ["are_base_weights", "outlier_mass", "part_factors", "total_variation_bound"]

# Fractions this close count as equal: 0.3 of ten samples are three, although the float is below 3/10.
_SLACK = 1e-12
_MASSES = 2000


def part_factors(left_out: flint.arb, q: float) -> tuple[flint.arb, flint.arb]:
    """g and h of the lemma for the mass δ that the part leaves out; no finite balls if that may be everything."""
    kept, order = 1 - left_out, rational(q)
    outer = 1 / (kept * (kept ** (order - 1) + left_out ** (order - 1))) ** (1 / order)
    return left_out ** (1 - 1 / order) * outer, outer


def outlier_mass(base_weights: np.ndarray | None, n: int, contamination: float) -> Fraction:
    """The largest share of the base weights that outliers may have: of n equal ones a whole number.

    Examples
    --------
    >>> outlier_mass(None, 10, 0.3)
    Fraction(3, 10)
    """
    if base_weights is None:
        return Fraction(_most_outliers(n, contamination), n)
    return 1 - (1 - Fraction(contamination)) * (1 - Fraction(_SLACK))


def _most_outliers(n: int, contamination: float) -> int:
    return math.floor(contamination * n * (1 + _SLACK))


def are_base_weights(weights: np.ndarray, base_weights: np.ndarray | None) -> bool:
    """Whether weights are the base weights themselves: equal ones if these are None.

    Parameters
    ----------
    weights : ndarray of shape (n,)
    base_weights : ndarray of shape (n,) or None

    Returns
    -------
    bool

    See Also
    --------
    total_variation_bound : How far they are from a distribution on the inliers.

    Examples
    --------
    >>> import numpy as np
    >>> are_base_weights(np.full(3, 2.0), None)
    True
    """
    return bool((weights == (weights[0] if base_weights is None else base_weights)).all())


def total_variation_bound(weights: np.ndarray, base_weights: np.ndarray | None, contamination: float) -> float:
    """An upper bound on 1 − Σ min(w_i, u_i) over all distributions u = p/p(I) on sets I with p(I) ≥ 1 − ε.

    Order the samples by increasing w_i/p_i. The worst set of mass P consists of the first ones, and its overlap with w
    is the integral over [0, P] of min(w/p, 1/P). For equal base weights every P = k/n is tried, otherwise intervals
    of P. The proof stands in theory/robust of the documentation.

    Parameters
    ----------
    weights : ndarray of shape (n,)
        w, non-negative; their scale does not matter.
    base_weights : ndarray of shape (n,) or None
        p, non-negative; their scale does not matter. None means equal weights.
    contamination : float
        ε, in [0, 0.5).

    Returns
    -------
    float
        At most 1.

    See Also
    --------
    are_base_weights : Whether nothing was moved.

    Examples
    --------
    >>> import numpy as np
    >>> round(total_variation_bound(np.ones(10), None, 0.2), 6)
    0.2
    """
    n = len(weights)
    base = np.full(n, 1.0 / n) if base_weights is None else base_weights / base_weights.sum()
    kept = base > 0
    ratios = weights[kept] / weights.sum() / base[kept]
    order = np.argsort(ratios, kind="stable")
    ratios, masses = ratios[order], base[kept][order]
    ends = np.concatenate([[0.0], np.cumsum(masses)])
    filled = np.concatenate([[0.0], np.cumsum(masses * ratios)])
    if base_weights is None:
        low = high = np.arange(n - _most_outliers(n, contamination), n + 1) / n
    else:
        edges = np.linspace((1 - contamination) * (1 - _SLACK), 1, _MASSES + 1)
        low, high = edges[:-1], edges[1:]
    capped = np.searchsorted(ratios, 1 / high)  # first ratio that is cut off
    last = np.minimum(np.searchsorted(ends, low, side="right") - 1, len(ratios) - 1)
    plain = filled[last] + (low - ends[last]) * ratios[last]
    cut = filled[np.minimum(capped, last)] + (low - ends[np.minimum(capped, last)]) / high
    overlap = float(np.where(last < capped, plain, cut).min())
    # Sums of at most n terms that add up to about one.
    return min(max(1 - overlap, 0.0) + 16 * (n + 16) * UNIT, 1.0)
