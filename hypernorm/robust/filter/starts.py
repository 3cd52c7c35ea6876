"""Weights from which samples are explained: without gross outliers, and without what makes the variance large."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hypernorm.robust.baselines.spectral_locations import projected_gradient
from hypernorm.robust.filter.explanation import Line, Problem, is_clean, score_of
from hypernorm.robust.filter.lines import clean_limits
from hypernorm.robust.filter.whitening import whiten
from hypernorm.robust.weights import weighted_quantile

__all__ = ["without_far_samples", "without_variance"]

# A sample is far beyond so many times the median distance from the coordinatewise median.
_FAR = 6.0


def without_far_samples(problem: Problem, base: np.ndarray) -> np.ndarray:
    """Drop samples so far out that they would spoil the first whitening, the furthest first.

    Distances are measured from the coordinatewise median, in units of the median deviation of each column; columns
    where that is zero are left out.
    """
    deviations = problem.X - (np.median(problem.X, axis=0) if problem.center is None else problem.center)
    units = np.median(np.abs(deviations), axis=0)
    distances = np.linalg.norm(deviations[:, units > 0] / units[units > 0], axis=1)
    far = distances > _FAR * weighted_quantile(distances, base, 0.5)
    return _without(base, np.argsort(-distances, kind="stable"), far, problem.contamination)


class SecondStart(NamedTuple):
    """Weights, and the pull, relative to its limit, that was in the direction in which the mean moves."""

    weights: np.ndarray
    pull: float


def without_variance(problem: Problem, start: np.ndarray) -> SecondStart | None:
    """Drop samples down-weighted by the weights that minimise the largest variance.

    A tight cluster of many samples is a spike in the middle of most projections, whose tails are then inliers; this
    start avoids it. The weights are computed twice. The first ones, for columns of unit variance, give units that
    outliers distort less. The center must not be known.

    Returns
    -------
    SecondStart or None
        None if nothing is dropped, or if the direction in which the mean moves is not clean afterwards: then a part of
        a group of inliers was dropped.
    """
    left = problem.contamination - (1 - float(start.sum()))
    present = np.flatnonzero(start > 0)
    p = start[present] / start.sum()
    Z = problem.X[present] - np.median(problem.X[present], axis=0)
    sizes = np.abs(Z).max(axis=0)
    Z = Z[:, sizes > 0] / sizes[sizes > 0]  # squares of what is left neither overflow nor vanish altogether
    if left <= 0 or Z.shape[1] == 0:
        return None
    kept, fraction = p, left / float(start.sum())
    for _ in range(2):
        units = np.sqrt(kept @ (Z - kept @ Z) ** 2)
        Z = Z[:, units > 0] / units[units > 0]
        kept = projected_gradient(Z, fraction, p, problem.rng)[1]
        assert kept is not None  # this method has weights
    factors = np.ones(len(start))
    factors[present] = kept / p * (1 - fraction)
    weights = _without(start, np.argsort(factors, kind="stable"), factors < 0.5, left)
    if weights.sum() == start.sum():
        return None
    before, after = start / start.sum(), weights / weights.sum()
    Y, transform, _ = whiten(problem.X, after, after @ problem.X)
    shift = (before - after) @ Y
    length = float(np.linalg.norm(shift))
    if length == 0:
        return None
    limits = clean_limits(1 / float(after @ after), len(shift), problem.share)
    line = Line("pull", Y @ (shift / length), transform @ (shift / length), limits)
    pull = score_of(problem, line, before)
    return SecondStart(weights, pull) if is_clean(score_of(problem, line, after), pull) else None


def _without(weights: np.ndarray, order: np.ndarray, wanted: np.ndarray, most: float) -> np.ndarray:
    """Drop the wanted samples in order, up to the weight `most`."""
    chosen = order[wanted[order] & (weights[order] > 0)]
    dropped = chosen[np.cumsum(weights[chosen]) <= most * (1 + 1e-9)]
    result = weights.copy()
    result[dropped] = 0.0
    return result
