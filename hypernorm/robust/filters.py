"""The moment filter: take weight from samples until no direction looks contaminated.

In every round the samples are centred and whitened under the current weights, so that the result does not depend on
units, and directions are sought whose projections have an extreme fourth moment (or skewness) compared with Gaussian
data of the same size. Along such a direction, samples lose weight in proportion to the fourth power of their distance
from the mean, until the projection is like that of clean data or the allowance is used up. While the fourth moment
exceeds twice what the inliers contribute, the outliers lose more weight than the inliers (docs/theory/robust.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hypernorm.robust.directions import extreme_directions
from hypernorm.robust.thresholds import clean_moments
from hypernorm.robust.weights import weighted_covariance

__all__ = ["Filtered", "moment_filter", "whiten"]

# A whitened r-dimensional sample shows structure in fourth moments only if n is beyond about r²/_SAMPLES.
_SAMPLES = 2.5
_RANK_TOLERANCE = 1e-10
# Share of the allowance that may be spent before mean and scale along a line are computed anew.
_STEP = 0.125
_MOST_STEPS = 200


@dataclass(frozen=True, eq=False)
class Filtered:
    """What a filter leaves.

    Attributes
    ----------
    weights : ndarray of shape (n,)
        Sum to one; at most p_i/(1 − removed) for base weights p.
    location : ndarray of shape (d,)
        Mean under the weights.
    scores : ndarray of shape (n,)
        How far out each sample is: its largest distance from the mean, in standard deviations, over the directions
        that the filter looked at last.
    removed : float
        Share of the base weights that was taken away.
    value, threshold : float
        The largest fourth moment found in the last round, and the value that clean data do not exceed.
    n_iter : int
        Rounds.
    converged : bool
        Whether the last round found nothing more to remove; False after `max_iter` rounds or if the allowance ended.
    reason : str
        Why the filter stopped, in words.
    """

    weights: np.ndarray
    location: np.ndarray
    scores: np.ndarray
    removed: float
    value: float
    threshold: float
    n_iter: int
    converged: bool
    reason: str


def moment_filter(
    X: np.ndarray,
    contamination: float,
    *,
    base_weights: np.ndarray | None = None,
    center: np.ndarray | None = None,
    whitened: bool = True,
    max_iter: int = 100,
    random_state: np.random.Generator | int | None = None,
) -> Filtered:
    """Take weight from outlying samples by their fourth moments.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Finite, in double precision.
    contamination : float
        ε in [0, 0.5); at most this share of the base weights is removed.
    base_weights : ndarray of shape (n,), optional
        Sum to one; equal by default.
    center : ndarray of shape (d,), optional
        A known centre; by default the weighted mean of every round.
    whitened : bool
        Whether to whiten in every round. Without, the samples are only scaled by one common factor, and the filter
        looks for outliers in the directions of large variance.
    max_iter : int
        Limit on the rounds.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    Filtered
    """
    rng = np.random.default_rng(random_state)
    n, d = X.shape
    base = np.full(n, 1.0 / n) if base_weights is None else base_weights
    weights = base.copy()
    allowance = contamination
    scores = np.zeros(n)
    value = threshold = math.nan
    converged, reason, rounds = False, f"max_iter={max_iter} rounds were made", 0
    for rounds in range(1, max_iter + 1):
        share = weights / weights.sum()
        mean = share @ X if center is None else center
        Y = whiten(X, share, mean, whitened=whitened)
        if Y.shape[1] == 0:
            converged, reason = True, "the samples with weight do not vary"
            break
        clean = clean_moments(1 / float(share @ share), Y.shape[1])
        directions = extreme_directions(Y, share, rng)
        found = False
        scores = np.abs(Y @ directions.heavy[:, :1])[:, 0]
        value = float(share @ scores**4) / float(share @ scores**2) ** 2
        threshold = clean.largest
        for kind, columns in (("heavy", directions.heavy), ("light", directions.light), ("skewed", directions.skewed)):
            for v in columns.T:
                line = Y @ v
                shape = _Line(line, weights, center is None)
                if not clean.is_suspicious(kind, shape.kurtosis, shape.skewness):
                    break
                np.maximum(scores, np.abs(line), out=scores)
                left = allowance - (1.0 - float(weights.sum()))
                trimmed, succeeded = _trim(line, weights, left, kind, center is None)
                if succeeded or kind == "heavy":
                    found = found or bool((trimmed < weights).any())
                    weights = trimmed
        if not found:
            converged, reason = True, "no direction looks contaminated"
            break
        if 1.0 - float(weights.sum()) >= allowance * (1 - 1e-9):
            reason = "the allowed share of the weight is removed"
            break
    removed = max(0.0, 1.0 - float(weights.sum()))
    weights = weights / weights.sum()
    location = weights @ X if center is None else center
    return Filtered(weights, location, scores, removed, value, threshold, rounds, converged, reason)


def whiten(X: np.ndarray, weights: np.ndarray, mean: np.ndarray, *, whitened: bool = True) -> np.ndarray:
    """Centred samples in coordinates with unit covariance under the weights, of shape (n, r).

    With fewer than about d²/2.5 samples only the leading principal components of the standardised columns are kept,
    r ≈ √(2.5 n) of them: in more dimensions every sample is an extreme direction of its own, and fourth moments cannot
    tell outliers from noise.
    """
    Z = X - mean
    largest = np.abs(Z).max(initial=0.0)
    if not largest > 0:
        return np.zeros((len(X), 0))
    Z = np.ldexp(Z, -np.frexp(largest)[1])
    effective = 1 / float(weights @ weights)
    rank = max(1, min(Z.shape[1], int(math.sqrt(_SAMPLES * effective))))
    if rank < Z.shape[1] and whitened:
        scales = np.sqrt(weights @ Z**2)
        Z = Z / np.where(scales > 0, scales, 1)
    values, vectors = np.linalg.eigh(weighted_covariance(Z, weights, np.zeros(Z.shape[1])))
    keep = np.flatnonzero(values > _RANK_TOLERANCE * values[-1])[-rank:]
    if not len(keep):
        return np.zeros((len(X), 0))
    return np.asarray(Z @ (vectors[:, keep] / np.sqrt(values[keep] if whitened else values[-1])))


class _Line:
    """Standardised projections and their third and fourth moments under unnormalised weights."""

    def __init__(self, line: np.ndarray, weights: np.ndarray, centered: bool):
        total = float(weights.sum())
        shifted = line - float(weights @ line) / total if centered else line
        variance = float(weights @ shifted**2) / total
        self.z = shifted / math.sqrt(variance) if variance > 0 else np.zeros_like(line)
        self.skewness = float(weights @ self.z**3) / total
        self.kurtosis = float(weights @ self.z**4) / total


def _trim(
    line: np.ndarray, weights: np.ndarray, allowance: float, kind: str, centered: bool
) -> tuple[np.ndarray, bool]:
    """Take weight from the far ends of a line until its moments are those of clean data.

    Returns the new weights and whether the line is clean now. A line that was too light has to become too heavy on the
    way, as a minority that shrinks does.
    """
    budget = allowance
    target = 3.0
    was_heavy = kind == "heavy"
    for _ in range(_MOST_STEPS):
        shape = _Line(line, weights, centered)
        if was_heavy and shape.kurtosis <= target:
            return weights, True
        was_heavy = was_heavy or shape.kurtosis > 1.1 * target
        if allowance <= 1e-3 * budget:
            return weights, False
        goal = target if was_heavy else 0.0
        moved = _flow(weights, shape.z**4, goal, min(allowance, _STEP * budget))
        taken = float((weights - moved).sum())
        if taken <= 0:
            return weights, False
        allowance -= taken
        weights = moved
    return weights, False


def _flow(weights: np.ndarray, scores: np.ndarray, goal: float, most: float) -> np.ndarray:
    """Follow dw_i = −τ_i w_i dλ until the mean score falls to the goal or the weight `most` is gone."""
    tau = scores / scores.max(initial=1e-300)
    goal = goal / float(scores.max(initial=1e-300))
    low, high = 0.0, 1.0
    total = float(weights.sum())

    def beyond(rate: float) -> bool:
        moved = weights * np.exp(-rate * tau)
        rest = float(moved.sum())
        return total - rest >= most or float(moved @ tau) <= goal * rest

    while not beyond(high) and high < 2.0**60:
        low, high = high, 2 * high
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if beyond(middle) else (middle, high)
    return np.asarray(weights * np.exp(-low * tau))
