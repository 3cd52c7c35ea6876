"""Standard estimators of location without eigenvectors: means, medians, trimming, Huber's estimator.

All have the signature ``function(X, contamination, weights, rng)`` with X of shape (n, d) and positive weights of shape
(n,) that sum to one. They return the location, of shape (d,), and the weights of which it is the mean, or None for a
method that is no weighted mean of whole samples. `hypernorm.robust.baselines.locations` registers them and removes
shift and scale.
"""

from __future__ import annotations

import math

import numpy as np

from hypernorm._warnings import warn_caller

__all__ = [
    "Location",
    "coordinatewise_median",
    "geometric_median",
    "huber_location",
    "median_of_means",
    "sample_mean",
    "trimmed_mean",
]

Location = tuple[np.ndarray, np.ndarray | None]

_FAILURE = 0.05
"""Probability with which the median of means may miss its bound; it sets the least number of blocks."""
_OPTIMALITY = 1e-10
_MOST_STEPS = 10_000
_HUBER = 1.345
_NORMAL_MAD = 0.6744897501960817


def sample_mean(X: np.ndarray, contamination: float, weights: np.ndarray, rng: np.random.Generator) -> Location:
    """Σ w_i x_i / Σ w_i; a single outlier moves it anywhere."""
    normalised = weights / weights.sum()
    return normalised @ X, normalised


def coordinatewise_median(
    X: np.ndarray, contamination: float, weights: np.ndarray, rng: np.random.Generator
) -> Location:
    """The median of every coordinate, the middle of the interval where it is not unique.

    Breaks down at ε = 1/2 only, but its error under contamination grows like ε√d.
    """
    return _median(X, weights), None


def trimmed_mean(X: np.ndarray, contamination: float, weights: np.ndarray, rng: np.random.Generator) -> Location:
    """The mean between the weighted quantiles ε and 1 − ε, in every coordinate.

    A sample on a quantile counts with the part of its weight that lies inside [1]_.

    References
    ----------
    .. [1] G. Lugosi and S. Mendelson, "Robust multivariate mean estimation: the optimality of trimmed mean", Annals of
       Statistics 49 (2021), 393-410, where the quantiles come from a sample of their own.
    """
    order, above = _sorted(X, weights)
    below = above - weights[order]
    inside = np.maximum(np.minimum(above, 1 - contamination) - np.maximum(below, contamination), 0)
    location = np.sum(np.take_along_axis(X, order, axis=0) * inside, axis=0) / inside.sum(axis=0)
    return np.asarray(location), None


def geometric_median(X: np.ndarray, contamination: float, weights: np.ndarray, rng: np.random.Generator) -> Location:
    """argmin_m Σ w_i ‖x_i − m‖, by Weiszfeld's iteration as mended by Vardi and Zhang [1]_.

    Iterates until a subgradient is below 1e-10: the objective is then within the factor 1 + 2e-10 of the least one,
    because f(m) − f* ≤ ‖g‖ ‖m − m*‖ and ‖m − m*‖ ≤ f(m) + f*. Breaks down at ε = 1/2 only; the error grows like ε√d.

    References
    ----------
    .. [1] Y. Vardi and C.-H. Zhang, "The multivariate L1-median and associated data depth", PNAS 97 (2000), 1423-1426.
    """
    if X.shape[1] == 1:  # where Weiszfeld's iteration is slow and the answer is known
        return _median(X, weights), None
    center = _median(X, weights)
    tried: set[int] = set()
    for _ in range(_MOST_STEPS):
        difference = X - center
        lengths = np.sqrt(np.einsum("ij,ij->i", difference, difference))
        here = lengths == 0
        held = float(weights[here].sum())
        inverse = np.where(here, 0.0, weights / np.where(here, 1.0, lengths))
        pull = inverse @ difference
        strength = float(np.linalg.norm(pull))
        if strength <= held + _OPTIMALITY:
            break
        nearest = int(np.argmax(inverse))
        if inverse[nearest] > inverse.sum() / 2 and nearest not in tried:
            # The iterates approach a sample, for ever if it is the median; so try the sample itself.
            tried.add(nearest)
            center = X[nearest]
        else:
            # Weiszfeld's step, shortened by the part of the pull that the samples in place withstand.
            center = center + (1 - held / strength) * pull / inverse.sum()
    else:
        warn_caller(f"the geometric median has a gradient of {strength:.1e} after {_MOST_STEPS} iterations")
    return center, None


def median_of_means(X: np.ndarray, contamination: float, weights: np.ndarray, rng: np.random.Generator) -> Location:
    """The geometric median of the means of random blocks of equal weight [1]_.

    There are k = max(8 log 20, 3εn) blocks, or n if that is less, so that at most a third of them contain outliers.

    References
    ----------
    .. [1] S. Minsker, "Geometric median and robust estimation in Banach spaces", Bernoulli 21 (2015), 2308-2335.
    """
    n = 1 / float(weights @ weights)
    count = math.ceil(min(n * (1 - 1e-12), max(8 * math.log(1 / _FAILURE), 3 * contamination * n)))
    order = rng.permutation(len(X))
    shuffled = weights[order]
    block = np.minimum((count * (np.cumsum(shuffled) - shuffled / 2)).astype(int), count - 1)
    starts = np.flatnonzero(np.diff(block, prepend=-1))
    totals = np.add.reduceat(shuffled, starts)
    means = np.add.reduceat(shuffled[:, None] * X[order], starts) / totals[:, None]
    return geometric_median(means, contamination, totals / totals.sum(), rng)[0], None


def huber_location(X: np.ndarray, contamination: float, weights: np.ndarray, rng: np.random.Generator) -> Location:
    """Huber's estimator of location [1]_ in every coordinate, with the threshold 1.345 scaled by the MAD.

    Iteratively reweighted means, from the median on. A coordinate with half of its weight at the median has no scale
    and keeps its median.

    References
    ----------
    .. [1] P. J. Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35 (1964),
       73-101.
    """
    center = _median(X, weights)
    threshold = _HUBER / _NORMAL_MAD * _median(np.abs(X - center), weights)
    moving = np.flatnonzero(threshold > 0)
    for _ in range(_MOST_STEPS):
        distance = np.abs(X[:, moving] - center[moving])
        reduced = weights[:, None] * (threshold[moving] / np.maximum(distance, threshold[moving]))
        moved = np.sum(reduced * X[:, moving], axis=0) / reduced.sum(axis=0)
        far = np.abs(moved - center[moving]) > _OPTIMALITY * threshold[moving]
        center[moving] = moved
        moving = moving[far]
        if not len(moving):
            break
    else:
        warn_caller(f"Huber's estimator still moves after {_MOST_STEPS} steps")
    return center, None


def _sorted(X: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Order of every column, and cumulative weights in that order, the last of them one."""
    order = np.argsort(X, axis=0, kind="stable")
    above = np.cumsum(weights[order], axis=0)
    return order, above / above[-1]


def _median(X: np.ndarray, weights: np.ndarray) -> np.ndarray:
    order, above = _sorted(X, weights)
    # If half of the weight, up to rounding, lies below, the median is the middle of two samples.
    low = np.argmax(above >= 0.5 - 1e-12, axis=0)
    high = np.argmax(above > 0.5 + 1e-12, axis=0)
    columns = np.arange(X.shape[1])
    return np.asarray((X[order[low, columns], columns] + X[order[high, columns], columns]) / 2)
