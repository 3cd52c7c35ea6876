"""Weights on samples: the set in which robust weights live, and the moments under them.

With base weights p (1/n each, or normalised sample weights) and a contamination ε, every distribution of the inliers
lies in Δ_ε = {u : 0 ≤ u_i ≤ p_i/(1−ε), Σ u_i = 1}.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hypernorm._arguments import check_contamination, check_count, check_sample_weight
from hypernorm._numba import njit
from hypernorm._validation import check_matrix, check_shape
from hypernorm.exceptions import InvalidInputError

__all__ = [
    "BUDGET_FACTOR",
    "check_filter",
    "contamination_of_a_part",
    "normalised",
    "normalised_weights",
    "project_on_capped_simplex",
    "weighted_covariance",
    "weighted_mean",
    "weighted_quantile",
]

BUDGET_FACTOR = 1.5
"""Removal budget of a filter relative to the contamination: inliers lose weight along with the outliers."""


def normalised_weights(sample_weight: Any, name: str, n: int) -> np.ndarray:
    """Normalised weights of n samples: equal for None, else proportional to `sample_weight`.

    Raises
    ------
    InvalidInputError
        If the weights have another shape, are negative, not finite, or all zero.
    """
    return np.full(n, 1.0 / n) if sample_weight is None else normalised(check_sample_weight(sample_weight, name, n))


def normalised(weights: np.ndarray) -> np.ndarray:
    """Non-negative weights over their sum, which must not overflow."""
    weights = weights / weights.max()
    return np.asarray(weights / weights.sum())


def contamination_of_a_part(contamination: float, part: np.ndarray, whole: float) -> float:
    """The fraction of outliers that a random part of the samples hardly exceeds.

    That is three standard deviations more, but at most halfway to a half.

    Parameters
    ----------
    contamination : float
        Fraction of outliers among all samples.
    part : ndarray
        Weights of the samples of the part; sum to one.
    whole : float
        Sum of the squares of the weights of all samples, which sum to one.

    Examples
    --------
    >>> contamination_of_a_part(0.2, np.full(100, 0.01), 0.01)
    0.2
    >>> 0.3 < contamination_of_a_part(0.2, np.full(100, 0.01), 0.0001) < 0.32
    True
    """
    squares = float(part @ part)
    spread = squares - whole
    if spread <= 1e-9 * squares:  # the part is the whole, but for rounding
        return contamination
    return min(contamination + 3 * math.sqrt(contamination * (1 - contamination) * spread), (contamination + 0.5) / 2)


def check_filter(X: Any, contamination: Any, base_weights: Any, max_iter: Any) -> tuple[np.ndarray, float, np.ndarray]:
    """Check the arguments of a filter; return dense samples, contamination, and base weights (equal by default).

    Raises
    ------
    InvalidInputError
    """
    matrix = check_matrix(X)
    if not isinstance(matrix, np.ndarray):
        raise InvalidInputError("X is sparse, which filters do not support, since centering fills it; X.toarray().")
    fraction = check_contamination(contamination)
    check_count(max_iter, "max_iter")
    n = len(matrix)
    base = np.full(n, 1.0 / n) if base_weights is None else check_shape(base_weights, "base_weights", (n,))
    if (base < 0).any() or abs(float(base.sum()) - 1) > 1e-9:
        raise InvalidInputError("base_weights must not be negative and must sum to one; divide them by their sum.")
    return np.asarray(matrix, dtype=np.float64), fraction, base


def weighted_mean(X: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Σ w_i x_i / Σ w_i, of shape (d,)."""
    return np.asarray(weights @ X / weights.sum())


def weighted_covariance(X: np.ndarray, weights: np.ndarray, center: np.ndarray) -> np.ndarray:
    """Σ w_i (x_i − c)(x_i − c)ᵀ / Σ w_i, of shape (d, d) and exactly symmetric."""
    rooted = (X - center) * np.sqrt(weights / weights.sum())[:, None]
    return np.asarray(rooted.T @ rooted)


def weighted_quantile(values: np.ndarray, weights: np.ndarray, level: float) -> float:
    """The smallest value such that the fraction `level` of the weight lies up to it.

    Examples
    --------
    >>> weighted_quantile(np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 2.0]), 0.5)
    2.0
    """
    # Rounding of the sums must not decide between two values.
    return float(_select(values.astype(np.float64), weights.astype(np.float64), level * (1 - 1e-12) * weights.sum()))


@njit
def _select(values: np.ndarray, weights: np.ndarray, target: float) -> float:
    """The smallest value such that the weights up to it sum to `target`; reorders both arrays.

    Hoare's selection takes linear time, which sorting does not.
    """
    first, last = 0, len(values)
    below = 0.0
    while True:
        ends = values[first], values[(first + last) // 2], values[last - 1]
        pivot = max(min(ends[0], ends[1]), min(max(ends[0], ends[1]), ends[2]))
        # Values below the pivot move to first…low, those above it to high…last.
        low, high, index = first, last, first
        smaller = equal = 0.0
        while index < high:
            value, weight = values[index], weights[index]
            if value < pivot:
                smaller += weight
                values[index], weights[index] = values[low], weights[low]
                values[low], weights[low] = value, weight
                low += 1
                index += 1
            elif value > pivot:
                high -= 1
                values[index], weights[index] = values[high], weights[high]
                values[high], weights[high] = value, weight
            else:
                equal += weight
                index += 1
        if low > first and below + smaller >= target:
            last = low
        elif below + smaller + equal >= target or high == last:
            return pivot
        else:
            below += smaller + equal
            first = high


def project_on_capped_simplex(values: np.ndarray, caps: np.ndarray) -> np.ndarray:
    """The nearest point of {0 ≤ w_i ≤ caps_i, Σ w_i = 1} in the Euclidean norm.

    It is clip(values − τ, 0, caps) for the τ that makes the sum one. The sum is piecewise linear in τ with kinks at
    values_i and values_i − caps_i, so a binary search over the sorted kinks finds τ exactly.

    Raises
    ------
    InvalidInputError
        If the caps sum to less than one.

    Examples
    --------
    >>> project_on_capped_simplex(np.array([1.0, 0.2, 0.1]), np.array([0.5, 0.5, 0.5])).round(6).tolist()
    [0.5, 0.3, 0.2]
    """
    total = float(caps.sum())
    if total < 1 - 1e-12:
        raise InvalidInputError(f"the caps sum to {total:g}; they must leave room for a total weight of one.")
    kinks = np.unique(np.concatenate([values, values - caps]))
    low, high = 0, len(kinks) - 1  # the sum is at least one at the first kink and zero at the last
    while high - low > 1:
        middle = (low + high) // 2
        if np.clip(values - kinks[middle], 0, caps).sum() >= 1:
            low = middle
        else:
            high = middle
    sums = [float(np.clip(values - kinks[index], 0, caps).sum()) for index in (low, high)]
    slope = (sums[0] - sums[1]) / (kinks[high] - kinks[low]) if high > low else 0.0
    threshold = kinks[low] + ((sums[0] - 1) / slope if slope > 0 else 0.0)
    return np.clip(values - threshold, 0, caps)
