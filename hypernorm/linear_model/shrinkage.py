"""The optimal bias of each singular direction: the extended Gauss–Markov theorem with one variable per direction.

For y = Xβ + noise a linear estimator β̂ = Ly has the variance σ²‖L‖_F² and the bias operator B = LX − I. Minimising
‖L‖_F² under ‖B‖_{S_p} ≤ C leads to L = V diag(l) Uᵀ with X = U diag(s) Vᵀ and l_i = (1 − b_i)/s_i, where b minimises
Σ ((1 − b_i)/s_i)² under ‖b‖_p ≤ C, 0 ≤ b ≤ 1. With the multiplier 1/α of ‖b‖_p^p/p the conditions of optimality are

    (1 − b_i)/s_i² = b_i^{p−1}/α,  1 < p < ∞,

For p = 2, b = α/(s² + α): ridge regression. For p → 1, b = (1 − s²/α)₊: least squares with the eigenvalues of XᵀX
floored at α. For p = ∞, with the multiplier 1/α of ‖b‖_∞, b = (1 − 1/(α Σ s_i^{-2}))₊ for all i.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

__all__ = ["Shrinkage", "biases", "filter_factors", "gains", "schatten_norm", "shrink_to_bound", "shrink_with_penalty"]

_NEWTON_STEPS = 60


@dataclass(frozen=True, kw_only=True)
class Shrinkage:
    """Bias and filter factor of each singular direction, both to full relative accuracy.

    Attributes
    ----------
    bias : ndarray of shape (r,)
        b_i in [0, 1].
    filter_factors : ndarray of shape (r,)
        1 − b_i, the factors of the least-squares coefficients.
    alpha : float
        The penalty that gives these biases.
    """

    bias: np.ndarray
    filter_factors: np.ndarray
    alpha: float


def shrink_with_penalty(squares: np.ndarray, alpha: float, p: float) -> Shrinkage:
    """The optimal shrinkage for the penalty α.

    Parameters
    ----------
    squares : ndarray of shape (r,)
        Positive s_i².
    alpha : float
        0 ≤ α ≤ ∞, in units of s²; 0 is least squares, ∞ the zero estimator.
    p : float
        Exponent of the Schatten norm, 1 ≤ p ≤ ∞.
    """
    bias, factors = _biases_and_factors(squares, np.array([alpha]), p)
    return Shrinkage(bias=bias[0], filter_factors=factors[0], alpha=alpha)


def biases(squares: np.ndarray, alphas: np.ndarray, p: float) -> np.ndarray:
    """The biases b_i for several penalties, of shape (penalties, r)."""
    return _biases_and_factors(squares, alphas, p)[0]


def filter_factors(squares: np.ndarray, alphas: np.ndarray, p: float) -> np.ndarray:
    """The filter factors 1 − b_i for several penalties, of shape (penalties, r)."""
    return _biases_and_factors(squares, alphas, p)[1]


def gains(squares: np.ndarray, alphas: np.ndarray, p: float) -> np.ndarray:
    """(1 − b_i)/s_i² for several penalties, of shape (penalties, r), to full relative accuracy.

    For 1 < p < ∞ it is b_i^{p−1}/α, which is finite where s_i is tiny. A square of exactly zero stands for a direction
    outside the row space; its gain is zero.
    """
    column = np.asarray(alphas, dtype=np.float64)[:, None]
    result = np.zeros((len(column), len(squares)))
    inside = squares > 0
    positive = squares[inside]
    if p == 1:
        result[:, inside] = 1 / np.maximum(positive, column)
    elif p == 2:
        result[:, inside] = 1 / (positive + column)
    elif math.isinf(p):
        result[:, inside] = np.minimum(1 / (column * float(np.sum(1 / positive))), 1) / positive
    else:
        inner = (column[:, 0] > 0) & np.isfinite(column[:, 0])
        log_ratios = np.log(positive) - np.log(column[inner])
        log_bias = _log_bias(log_ratios, p)
        found = np.zeros((len(column), len(positive)))
        found[inner] = np.where(
            log_ratios > 0, -np.expm1(log_bias) / positive, np.exp((p - 1) * log_bias) / column[inner]
        )
        found[column[:, 0] == 0] = 1 / positive
        result[:, inside] = found
    return result


def shrink_to_bound(squares: np.ndarray, bound: float, p: float) -> Shrinkage:
    """The optimal shrinkage with ‖b‖_p equal to the bound.

    A bound of at least r^{1/p}, the norm of b = 1, is not active: b = 1 and α = ∞.
    """
    r = len(squares)
    if bound <= 0 or r == 0:
        return shrink_with_penalty(squares, 0.0, p)
    if schatten_norm(np.ones(r), p) <= bound:
        return shrink_with_penalty(squares, math.inf, p)
    if math.isinf(p):
        return shrink_with_penalty(squares, 1 / ((1 - bound) * float(np.sum(1 / squares))), p)
    if p == 1:
        return shrink_with_penalty(squares, _floor_for_bound(np.sort(squares), bound), 1)

    def excess(log_alpha: float) -> float:
        return schatten_norm(shrink_with_penalty(squares, math.exp(log_alpha), p).bias, p) - bound

    low = high = math.log(float(np.median(squares)))
    while excess(low) > 0:
        low -= 4
    while excess(high) < 0:
        high += 4
    alpha = math.exp(brentq(excess, low, high, xtol=1e-15, rtol=1e-15) if low < high else low)
    return shrink_with_penalty(squares, alpha, p)


def schatten_norm(values: np.ndarray, p: float) -> float:
    """(Σ|v_i|^p)^{1/p}, or the maximum for p = ∞."""
    largest = float(np.abs(values).max(initial=0.0))
    if largest == 0 or math.isinf(p):
        return largest
    return largest * float(np.sum((np.abs(values) / largest) ** p) ** (1 / p))


def _floor_for_bound(squares: np.ndarray, bound: float) -> float:
    """The α with Σ (1 − s_i²/α)₊ = C for increasing s_i²: (s_1² + … + s_k²)/(k − C), if k of the s_i² are below α."""
    counts = np.arange(1, len(squares) + 1)
    active = counts > bound
    candidates = np.full(len(squares), math.inf)
    candidates[active] = np.cumsum(squares)[active] / (counts[active] - bound)
    # As a function of k the candidate is smallest where exactly k of the s_i² are below it.
    return float(candidates.min())


def _biases_and_factors(squares: np.ndarray, alphas: np.ndarray, p: float) -> tuple[np.ndarray, np.ndarray]:
    """b and 1 − b, of shape (penalties, r), for all penalties together."""
    bias = np.where((alphas == 0)[:, None] & (squares > 0), 0.0, 1.0)
    factors = 1 - bias
    inner = (alphas > 0) & np.isfinite(alphas)
    if not (inner.any() and squares.size):
        return bias, factors
    column = alphas[inner, None]
    ratios = squares / column
    if p == 1:
        factors[inner] = np.minimum(ratios, 1)
        bias[inner] = 1 - factors[inner]
    elif math.isinf(p):
        # Directions outside the row space, with squares of zero, have the bias 1.
        inside = squares > 0
        common = np.minimum(1 / (column * float(np.sum(1 / squares[inside]))), 1)
        factors[inner] = np.where(inside, common, 0.0)
        bias[inner] = 1 - factors[inner]
    elif p == 2:
        bias[inner], factors[inner] = column / (squares + column), squares / (squares + column)
    else:
        log_bias = _log_bias(np.log(squares) - np.log(column), p)
        bias[inner], factors[inner] = np.exp(log_bias), -np.expm1(log_bias)
    return bias, factors


def _log_bias(log_t: np.ndarray, p: float) -> np.ndarray:
    """u = log b for 1 − b = t b^{p−1}: the root of log t + (p−1)u − log(1 − e^u), an increasing and convex function.

    Newton's method starts at the upper bound b = (1 + t)^{-1/max(1, p−1)}, so it decreases monotonically to the root.
    """
    u = -np.logaddexp(0, log_t) / max(1.0, p - 1)
    for _ in range(_NEWTON_STEPS):
        rest = -np.expm1(u)
        step = (log_t + (p - 1) * u - np.log(rest)) / ((p - 1) + np.exp(u) / rest)
        u = np.where(np.isfinite(step), u - step, u)
        if (np.abs(step) <= 1e-15 * np.abs(u)).all():
            break
    return u
