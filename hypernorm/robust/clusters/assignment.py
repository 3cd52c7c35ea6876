"""Groups of samples: robust centers and scales, thresholds between groups, and the cost of a partition.

Samples of two groups are separated by their projections on the line through the centers, a distance Δ apart. If the
q-th moments of the projections are at most s_i^q and s_j^q, Markov's inequality bounds the mass of group i beyond the
fraction θ of the way to the other center by p_i (s_i/(θΔ))^q. The sum of that and of p_j (s_j/((1−θ)Δ))^q is least for
θ : 1 − θ = a_i : a_j with a = (p s^q)^{1/(q+1)}, and is then (a_i + a_j)^{q+1}/Δ^q. Only projections count, so the rule
does not depend on the dimension, and large or wide groups get more room.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import expit

from hypernorm.robust.weights import weighted_quantile

__all__ = [
    "Groups",
    "assign",
    "costs",
    "crossing_bounds",
    "locate_groups",
    "measure_groups",
    "moment_thresholds",
    "projection_moments",
]

# Rows are clipped at this many times the median distance from the center.
_BULK = 1.5
_LEAST_THRESHOLD = 0.1
# The smallest scale relative to the median scale of the groups.
_LEAST_SCALE = 1e-3
_CENTER_STEPS = 20


@dataclass(frozen=True, eq=False, kw_only=True)
class Groups:
    """Measurements of k groups.

    Attributes
    ----------
    centers : ndarray of shape (k, r)
        Huber's estimators: means in which a row at a distance beyond 1.5 medians counts in inverse proportion to it.
    scales : ndarray of shape (k,)
        Standard deviations per dimension of the clipped rows; positive.
    sizes : ndarray of shape (k,)
        Weight of each group.
    weights : ndarray of shape (n,)
        Factor of the weight of each row in its center, in (0, 1]; 0 for rows of no group.
    """

    centers: np.ndarray
    scales: np.ndarray
    sizes: np.ndarray
    weights: np.ndarray


def measure_groups(
    Y: np.ndarray, labels: np.ndarray, centers: np.ndarray, sample_weights: np.ndarray, n_steps: int = 1
) -> Groups:
    """Measure groups, with centers by `n_steps` of reweighting from the given ones.

    Parameters
    ----------
    Y : ndarray of shape (n, r)
    labels : ndarray of shape (n,)
        From 0 to k − 1; −1 for rows of no group.
    centers : ndarray of shape (k, r)
        Starting points; kept for empty groups.
    sample_weights : ndarray of shape (n,)
        Positive.
    """
    k = len(centers)
    centers, scales, weights = centers.copy(), np.zeros(k), np.zeros(len(Y))
    sizes = np.bincount(labels[labels >= 0], sample_weights[labels >= 0], minlength=k)
    for group in np.flatnonzero(sizes):
        members = np.flatnonzero(labels == group)
        rows, own = Y[members], sample_weights[members]
        for _ in range(n_steps):
            row_weights = own * _row_weights(np.linalg.norm(rows - centers[group], axis=1), own)[0]
            centers[group] = row_weights @ rows / row_weights.sum()
        distances = np.linalg.norm(rows - centers[group], axis=1)
        weights[members], reach = _row_weights(distances, own)
        scales[group] = np.sqrt(np.average(np.minimum(distances, reach) ** 2, weights=own) / Y.shape[1])
    least = _LEAST_SCALE * (np.median(scales) or scales.max())
    scales = np.maximum(scales, least) if least > 0 else np.ones(k)
    return Groups(centers=centers, scales=scales, sizes=sizes, weights=weights)


def locate_groups(Y: np.ndarray, labels: np.ndarray, k: int, sample_weights: np.ndarray) -> Groups:
    """Measure groups given by their labels alone, with centers iterated from the coordinatewise medians."""
    centers = np.zeros((k, Y.shape[1]))
    for group in np.unique(labels[labels >= 0]):
        centers[group] = np.median(Y[labels == group], axis=0)
    return measure_groups(Y, labels, centers, sample_weights, _CENTER_STEPS)


def _row_weights(distances: np.ndarray, sample_weights: np.ndarray) -> tuple[np.ndarray, float]:
    """min(1, R/distance), and the radius R."""
    # Where more than half of the rows coincide, their distance is no scale.
    positive = distances > 0
    if not positive.any():
        return np.ones(len(distances)), 0.0
    typical = _median(distances, sample_weights) or _median(distances[positive], sample_weights[positive])
    reach = _BULK * typical
    return reach / np.maximum(distances, reach), reach


def _median(values: np.ndarray, weights: np.ndarray) -> float:
    """The weighted median; for equal weights that of numpy."""
    return float(np.median(values)) if (weights == weights[0]).all() else weighted_quantile(values, weights, 0.5)


def moment_thresholds(sizes: np.ndarray, scales: np.ndarray, q: float) -> np.ndarray:
    """θ_ij, the fraction of the way from center i to center j that belongs to group i, of shape (k, k)."""
    exponents = (np.log(np.maximum(sizes, 1e-300)) + q * np.log(scales)) / (q + 1)
    return np.asarray(np.clip(expit(exponents[:, None] - exponents), _LEAST_THRESHOLD, 1 - _LEAST_THRESHOLD))


def assign(Y: np.ndarray, centers: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Assign each row to the group whose thresholds towards the other centers it exceeds the least.

    With all thresholds 1/2 this is the group of the nearest center.
    """
    squares = cdist(Y, centers, "sqeuclidean")
    between = cdist(centers, centers, "sqeuclidean")
    between[between == 0] = 1.0
    excess = np.empty_like(squares)
    for group in range(len(centers)):
        # 0 at the center of the group, 1 at the other one.
        positions = 0.5 + (squares[:, [group]] - squares) / (2 * between[group])
        positions /= thresholds[group]
        positions[:, group] = -np.inf
        excess[:, group] = positions.max(axis=1)
    return np.argmin(excess, axis=1)


def projection_moments(
    rows: np.ndarray, center: np.ndarray, targets: np.ndarray, q: float, sample_weights: np.ndarray
) -> np.ndarray:
    """(mean |⟨x − center, u⟩|^q)^{1/q} of clipped rows, u the direction to each target; 0 for one at the center."""
    directions = targets - center
    lengths = np.linalg.norm(directions, axis=1)
    directions /= np.where(lengths > 0, lengths, 1.0)[:, None]
    differences = rows - center
    clipped = differences * _row_weights(np.linalg.norm(differences, axis=1), sample_weights)[0][:, None]
    images = np.abs(clipped @ directions.T)
    largest = images.max(axis=0)
    relative = images / np.where(largest > 0, largest, 1.0)
    return np.asarray(largest * np.average(relative**q, axis=0, weights=sample_weights) ** (1 / q))


def crossing_bounds(sizes: np.ndarray, moments: np.ndarray, centers: np.ndarray, q: float) -> np.ndarray:
    """Markov's bound on the mass beyond the best threshold between two groups, over 2√(p_i p_j), of shape (k, k).

    `moments`, of shape (k, k), holds the moment of each group (row) towards each other (column). For two equal groups
    the bound is (2s/Δ)^q; from 1 on they may be one group. Zero on the diagonal.
    """
    distances = cdist(centers, centers)
    relative = np.full_like(distances, np.inf)  # for centers that coincide
    np.divide(moments, distances, out=relative, where=distances > 0)
    with np.errstate(divide="ignore"):
        logarithms = (np.log(sizes)[:, None] + q * np.log(relative)) / (q + 1)
    np.fill_diagonal(logarithms, -np.inf)
    masses = np.exp((q + 1) * np.logaddexp(logarithms, logarithms.T))
    return np.asarray(masses / (2 * np.sqrt(np.multiply.outer(sizes, sizes))))


def costs(distances: np.ndarray, scales: np.ndarray, fractions: np.ndarray, dimension: int) -> np.ndarray:
    """Code length in nats of each row, from the distance to its center and the scale and fraction of its group.

    r (h(t) + log s) − log p with t = ‖y − c‖/(s√r) and Huber's loss h: the negative log-likelihood of a spherical
    Gaussian, continued with an exponential tail.
    """
    t = distances / (scales * np.sqrt(dimension))
    losses = np.where(t <= _BULK, t**2 / 2, _BULK * (t - _BULK / 2))
    return np.asarray(dimension * (losses + np.log(scales)) - np.log(fractions))
