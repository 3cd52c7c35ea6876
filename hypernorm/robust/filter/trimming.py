"""Trimming of projections: remove weight from their tails until these are no heavier than Gaussian ones.

Samples lose weight along the flow dw_i/dλ = −τ_i w_i. Whatever the scores τ_i ≥ 0 are, outliers lose more than inliers
as long as they hold more than half of Σ w_i τ_i. With z_i the distance from the median in robust standard deviations,
τ_i = (|z_i| − 2)₊² leaves the bulk alone, and since τ ≤ z⁴/64 the inliers' part of the sum is bounded by their fourth
moment (docs/theory/robust.md).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from hypernorm.robust.weights import weighted_quantile

__all__ = ["BULK", "ProjectionScale", "projection_scale", "scale_level", "trim_projection"]

BULK = 2.0
_GAUSSIAN_TAIL = 0.011544  # E(|g| − 2)₊² of a standard Gaussian g
# Fraction of the budget that may be spent before center and scale are measured anew.
_STEP = 0.125
_MOST_STEPS = 100
_NEGLIGIBLE = 1e-3
# A sample that is left with less than this fraction of its weight loses the rest.
_REST = 0.02


class ProjectionScale(NamedTuple):
    """Median and robust standard deviation of projections."""

    center: float
    scale: float


def scale_level(contamination: float) -> float:
    """Level of the quantile of |z| that measures the scale.

    The median of |z| withstands the most outliers but shrinks when outliers sit in the middle of a projection. A higher
    quantile shrinks less, and outliers do not reach the level 1 − 1.5ε.
    """
    return min(max(0.5, 1 - 1.5 * contamination), 0.8)


def projection_scale(
    projection: np.ndarray, weights: np.ndarray, level: float, center: float | None = None
) -> ProjectionScale:
    """Measure center (unless it is known) and scale of weighted numbers, the scale consistent for Gaussian ones."""
    middle = weighted_quantile(projection, weights, 0.5) if center is None else center
    spread = weighted_quantile(np.abs(projection - middle), weights, level)
    return ProjectionScale(middle, spread / float(ndtri((1 + level) / 2)))


def trim_projection(
    projection: np.ndarray, weights: np.ndarray, budget: float, level: float, center: float | None = None
) -> np.ndarray:
    """Remove weight until the tails of a projection are at most Gaussian, or the budget is used up.

    Parameters
    ----------
    projection : ndarray of shape (n,)
        Projections of the samples.
    weights : ndarray of shape (n,)
        Need not sum to one; their sum falls by at most `budget`.
    budget : float
    level : float
        As returned by `scale_level`.
    center : float, optional
        Known center; by default the median, measured anew as outliers lose weight.

    Returns
    -------
    ndarray of shape (n,)
        New weights.
    """
    left = budget
    for _ in range(_MOST_STEPS):
        middle, scale = projection_scale(projection, weights, level, center)
        if scale <= 0 or left <= _NEGLIGIBLE * budget:
            break
        tau = np.maximum(np.abs(projection - middle) / scale - BULK, 0) ** 2
        if float(weights @ tau) <= _GAUSSIAN_TAIL * float(weights.sum()):
            break
        weights, taken = _flow(weights, tau, min(left, _STEP * budget))
        left -= taken
    return weights


def _flow(weights: np.ndarray, tau: np.ndarray, most: float) -> tuple[np.ndarray, float]:
    """Follow the flow until the mean score is Gaussian or the weight `most` is removed; return weights and loss."""
    tail = np.flatnonzero((tau > 0) & (weights > 0))
    before, rates = weights[tail], tau[tail] / tau[tail].max()
    goal = _GAUSSIAN_TAIL / float(tau[tail].max())
    total, rest = float(weights.sum()), float(before.sum())

    def is_beyond(time: float) -> bool:
        moved = before * np.exp(-time * rates)
        taken = rest - float(moved.sum())
        return taken >= most or float(moved @ rates) <= goal * (total - taken)

    low, high = 0.0, 1.0
    while not is_beyond(high) and high < 2.0**60:
        low, high = high, 2 * high
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if is_beyond(middle) else (middle, high)
    factors = np.exp(-high * rates)
    moved = np.where(factors > _REST, before * factors, 0.0)
    result = weights.copy()
    result[tail] = moved
    return result, rest - float(moved.sum())
