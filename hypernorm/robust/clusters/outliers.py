"""Rows that the clusters do not explain."""

from __future__ import annotations

import numpy as np

from hypernorm.robust.clusters.assignment import locate_groups
from hypernorm.robust.clusters.search import Partition
from hypernorm.robust.clusters.starts import Problem
from hypernorm.robust.filter.moment_filter import filter_by_moments
from hypernorm.robust.weights import normalised, weighted_quantile

__all__ = ["judge_rows"]

# A row is an outlier if the logarithm of its distance exceeds the upper quartile by more than this many times the
# difference of upper quartile and median: one in a thousand Gaussian rows, a few in a hundred heavy-tailed ones.
_TAIL = 4


def judge_rows(
    Z: np.ndarray,
    sample_weights: np.ndarray,
    partition: Partition,
    labels: np.ndarray,
    problem: Problem,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Factors of the weights of the rows in the centers, and labels with −1 for rows that are too far out.

    Sample weights have the mean one. All clusters are judged at once, by the differences of the rows from their centers
    in units of the scales.
    """
    n = len(labels)
    most = problem.contamination * n * (1 + 1e-12) - float(sample_weights[labels < 0].sum())
    if most < sample_weights.min():
        return (labels >= 0).astype(np.float64), labels
    groups = locate_groups(Z, partition.labels, problem.n_clusters, sample_weights)
    kept = np.flatnonzero(labels >= 0)
    ends = labels[kept]
    residuals = (Z[kept] - groups.centers[ends]) / groups.scales[ends][:, None]
    lengths = np.linalg.norm(residuals, axis=1)
    # Quantiles of the inliers if the outliers are the longest.
    own = sample_weights[kept]
    share = float(most / own.sum())
    middle, upper = (weighted_quantile(lengths, own, level * (1 - share)) for level in (0.5, 0.75))
    order = np.argsort(-lengths, kind="stable")
    count = int(np.sum(np.cumsum(own[order]) <= most))
    furthest = order[:count]
    if count < len(order):
        furthest = furthest[lengths[furthest] > lengths[order[count]]]  # equal rows are treated alike
    labels = labels.copy()
    labels[kept[furthest[lengths[furthest] * middle**_TAIL > upper ** (_TAIL + 1)]]] = -1
    for cluster in np.setdiff1d(ends, labels):  # no cluster is an outlier as a whole
        labels[kept[ends == cluster]] = cluster
    base = normalised(own)
    filtered = filter_by_moments(residuals, share, base, rng, center=np.zeros(Z.shape[1]))
    assert filtered.weights is not None  # no filter is without weights
    weights = np.zeros(n)
    weights[kept] = np.minimum(filtered.weights / base * (1 - filtered.removed), 1.0)
    for cluster in range(problem.n_clusters):
        if not weights[labels == cluster].any():
            weights[labels == cluster] = 1.0
    return np.where(labels >= 0, weights, 0.0), labels
