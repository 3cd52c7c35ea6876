"""The line measure: how far the tails of a projection move the mean, and how heavy they are.

Center and scale of a projection come from its shortest interval with a given share of the weight, which outliers on one
side do not move. Its tails lie beyond two of these deviations. The *pull* is how far they move the mean, in deviations,
from that of the bulk between them; the *tail* is the mean of (|z| − 2)₊². Both have limits that clean Gaussian samples
seldom pass in any direction (`experiments.clean_lines`).

A tail is thinned from the outside: the weight beyond each point may be at most that of a reference, which is the other
tail, mirrored, for the pull, and the Gaussian distribution for heavy tails.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from hypernorm._numba import njit
from hypernorm.robust.weights import weighted_quantile

__all__ = [
    "MARGIN",
    "PULL_LIMIT",
    "TAIL_LIMIT",
    "Kind",
    "Limits",
    "Measured",
    "clean_limits",
    "interval_share",
    "measure",
    "shortest_intervals",
    "standardised",
    "thinned",
]

Kind = Literal["pull", "tail"]

BULK = 2.0
"""Deviations beyond which the tails lie."""
_GAUSSIAN_TAIL = 0.011544  # E(|g| − 2)₊² of a standard Gaussian g
# Constants of the limits: of √(r/n), 1/√n, r/n, (r/n)² and of the share. Limits are the fits times the margin, since
# two measures are compared at once, in several subspaces.
MARGIN = 1.15
PULL_LIMIT = (0.63, 1.3, 0.0, 4.4, 0.44)
TAIL_LIMIT = (0.0, 0.3, 2.4, 17.0, 0.78)
# The least scale of an interval, relative to the standard deviation: discrete samples have intervals of length zero.
_LEAST_SCALE = 0.5
# Thinning is repeated with the new center and scale until the excess is this fraction of the limit.
_CLEAN = 0.1
_PASSES = 10


class Limits(NamedTuple):
    """Largest pull and tail that clean Gaussian samples show."""

    pull: float
    tail: float


class Measured(NamedTuple):
    """Standardised projections of shape (n, k), and pull (with its sign) and tail of each, of shape (k,)."""

    standardised: np.ndarray
    pull: np.ndarray
    tail: np.ndarray

    def scores(self, limits: Limits) -> np.ndarray:
        """Pull and tail relative to their limits, of shape (2, k); more than one is suspicious."""
        return np.stack([np.abs(self.pull) / limits.pull, self.tail / limits.tail])


def interval_share(contamination: float) -> float:
    """The share of the weight that the interval holds.

    Half of the weight withstands the most outliers, but gives small scales where outliers sit in the middle of a
    projection. More than 1 − 1.5 ε would reach the outliers.
    """
    return min(max(0.5, 1 - 1.5 * contamination), 0.8)


def clean_limits(
    n: float,
    r: int,
    share: float,
    *,
    pull: tuple[float, ...] = PULL_LIMIT,
    tail: tuple[float, ...] = TAIL_LIMIT,
) -> Limits:
    """The limits for n samples (or Σ w_i² = 1/n) in r dimensions.

    The constants are fits to 95% quantiles of simulated Gaussian samples; `python -m experiments.clean_lines`
    repeats both. Fluctuations are of order √(r/n), and r/n comes from directions that follow single samples.

    Examples
    --------
    >>> limits = clean_limits(4000, 20, 0.8)
    >>> limits.pull < 0.1 < clean_limits(400, 20, 0.8).pull
    True
    """
    ratio, wide = r / n, (0.8 - share) / 0.3
    sizes = math.sqrt(ratio), 1 / math.sqrt(n), ratio, ratio * ratio
    pulled, heavy = (
        (1 + constants[-1] * wide) * sum(constant * size for constant, size in zip(constants, sizes, strict=False))
        for constants in (pull, tail)
    )
    return Limits(MARGIN * pulled, _GAUSSIAN_TAIL + MARGIN * heavy)


def measure(projections: np.ndarray, weights: np.ndarray, share: float, center: float | None = None) -> Measured:
    """Measure the columns; with a known center there is no pull.

    Parameters
    ----------
    projections : ndarray of shape (n, k)
    weights : ndarray of shape (n,)
        Sum to one.
    share : float
        As returned by `interval_share`.
    center : float, optional

    Examples
    --------
    >>> projections = np.r_[np.linspace(-2, 2, 90), np.full(10, 5.0)][:, None]
    >>> found = measure(projections, np.full(100, 0.01), 0.8)
    >>> bool(found.pull[0] > 0.2), bool(found.tail[0] > 0.2)
    (True, True)
    """
    z = standardised(projections, weights, share, center)
    distances = np.abs(z)
    bulk = distances <= BULK
    tail = weights @ np.maximum(distances - BULK, 0) ** 2
    if center is not None:
        return Measured(z, np.zeros(len(tail)), tail)
    inside = np.maximum(weights @ bulk, 1e-9)
    return Measured(z, weights @ z - weights @ (z * bulk) / inside, tail)


def standardised(projections: np.ndarray, weights: np.ndarray, share: float, center: float | None = None) -> np.ndarray:
    """The columns in deviations from the middles of their intervals, or from a known center, as `measure` has them."""
    if center is None:
        middles, lengths = shortest_intervals(projections, weights, share)
    else:
        distances = np.abs(projections - center)
        middles = np.full(projections.shape[1], center)
        lengths = np.array([weighted_quantile(column, weights, share) for column in distances.T])
    mean = weights @ projections if center is None else middles
    variances = np.maximum(weights @ projections**2 - mean * (2 * (weights @ projections) - mean), 0)
    scales = np.maximum(lengths / float(ndtri((1 + share) / 2)), _LEAST_SCALE * np.sqrt(variances))
    return np.asarray((projections - middles) / np.where(scales > 0, scales, 1))


def thinned(
    projection: np.ndarray,
    weights: np.ndarray,
    share: float,
    kind: Kind,
    limits: Limits,
    most: float,
    center: float | None = None,
) -> np.ndarray:
    """Thin the heavier tail of a projection to the lighter one, or both to the Gaussian ones.

    Thinning is repeated, as center and scale change, until little is left to thin or more than `most` was removed.

    Parameters
    ----------
    projection : ndarray of shape (n,)
    weights : ndarray of shape (n,)
        Need not sum to one.
    share : float
        As returned by `interval_share`.
    kind : {'pull', 'tail'}
    limits : Limits
    most : float
    center : float, optional

    Returns
    -------
    ndarray of shape (n,)
        Weights, none larger than before.
    """
    column, total = projection[:, None], float(weights.sum())
    z, pull, tail = measure(column, weights / total, share, center)
    for _ in range(_PASSES):
        before = float(weights.sum())
        weights = _thin(z[:, 0], weights, kind, 1.0 if pull[0] > 0 else -1.0)
        left = float(weights.sum())
        z, pull, tail = measure(column, weights / left, share, center)
        excess = abs(pull[0]) / limits.pull if kind == "pull" else (tail[0] - _GAUSSIAN_TAIL) / limits.tail
        if excess <= _CLEAN or before - left <= 1e-3 * total or total - left > most:
            break
    return weights


def _thin(z: np.ndarray, weights: np.ndarray, kind: Kind, side: float) -> np.ndarray:
    result = weights.copy()
    if kind == "tail":
        distances = np.abs(z)
        tail = np.flatnonzero(distances > BULK)
        order = tail[np.argsort(-distances[tail], kind="stable")]
        most = 2 * ndtr(-distances[order]) * weights.sum()
    else:
        tail, other = np.flatnonzero(side * z > BULK), np.flatnonzero(-side * z > BULK)
        order = tail[np.argsort(-side * z[tail], kind="stable")]
        mirrored = other[np.argsort(side * z[other], kind="stable")]
        beyond = np.append(0.0, np.cumsum(weights[mirrored]))
        most = beyond[np.searchsorted(side * z[mirrored], -side * z[order], side="right")]
    # The largest cumulative sums that exceed neither the reference nor, in their steps, the weights.
    sums = np.cumsum(weights[order])
    kept = sums + np.minimum(np.minimum.accumulate(most - sums), 0.0)
    result[order] = np.clip(np.diff(kept, prepend=0.0), 0.0, weights[order])
    return result


def shortest_intervals(projections: np.ndarray, weights: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Middles and half lengths of the shortest intervals that hold the share of the weight."""
    present = weights > 0
    columns, own = np.ascontiguousarray(projections[present].T), weights[present]
    if (own == own[0]).all():
        ordered = np.sort(columns, axis=1), np.full(columns.shape, own[0])  # much faster than to order indices
    else:
        order = np.argsort(columns, axis=1)
        ordered = np.take_along_axis(columns, order, 1), own[order]
    ends = _shortest(*ordered, share * (1 - 1e-12) * weights.sum())
    return (ends[:, 0] + ends[:, 1]) / 2, (ends[:, 1] - ends[:, 0]) / 2


@njit
def _shortest(columns: np.ndarray, weights: np.ndarray, target: float) -> np.ndarray:
    """Ends of the shortest intervals with the weight `target`, for ordered columns with positive weights."""
    k, n = columns.shape
    ends = np.zeros((k, 2))
    for j in range(k):
        inside, last, best = 0.0, -1, np.inf
        for first in range(n):
            while last < n - 1 and inside < target:
                last += 1
                inside += weights[j, last]
            if inside < target:
                break
            length = columns[j, last] - columns[j, first]
            if length < best:
                best = length
                ends[j, 0], ends[j, 1] = columns[j, first], columns[j, last]
            inside -= weights[j, first]
    return ends
