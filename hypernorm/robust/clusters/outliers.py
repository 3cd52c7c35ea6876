"""Rows that the clusters do not explain."""

from __future__ import annotations

import math

import numpy as np

from hypernorm.robust.clusters.assignment import locate_groups
from hypernorm.robust.clusters.search import Partition
from hypernorm.robust.clusters.starts import Problem
from hypernorm.robust.filter.moment_filter import filter_by_moments

__all__ = ["judge_rows"]

# A row is an outlier if the logarithm of its distance exceeds the upper quartile by more than this many times the
# difference of upper quartile and median: one in a thousand Gaussian rows, a few in a hundred heavy-tailed ones.
_TAIL = 4


def judge_rows(
    Z: np.ndarray, partition: Partition, labels: np.ndarray, problem: Problem, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the rows in the centers, and labels with −1 for rows that are too far out.

    All clusters are judged at once, by the differences of the rows from their centers in units of the scales.
    """
    n = len(labels)
    most = math.floor(problem.contamination * n * (1 + 1e-12)) - int(np.sum(labels < 0))
    if most <= 0:
        return (labels >= 0).astype(np.float64), labels
    groups = locate_groups(Z, partition.labels, problem.n_clusters)
    kept = np.flatnonzero(labels >= 0)
    ends = labels[kept]
    residuals = (Z[kept] - groups.centers[ends]) / groups.scales[ends][:, None]
    lengths = np.linalg.norm(residuals, axis=1)
    # Quantiles of the inliers if the outliers are the longest.
    middle, upper = np.quantile(lengths, np.array([0.5, 0.75]) * (1 - most / len(kept)))
    order = np.argsort(-lengths, kind="stable")
    furthest = order[:most]
    if most < len(order):
        furthest = furthest[lengths[furthest] > lengths[order[most]]]  # equal rows are treated alike
    labels = labels.copy()
    labels[kept[furthest[lengths[furthest] * middle**_TAIL > upper ** (_TAIL + 1)]]] = -1
    for cluster in np.setdiff1d(ends, labels):  # no cluster is an outlier as a whole
        labels[kept[ends == cluster]] = cluster
    base = np.full(len(kept), 1.0 / len(kept))
    filtered = filter_by_moments(residuals, most / len(kept), base, rng, center=np.zeros(Z.shape[1]))
    assert filtered.weights is not None  # no filter is without weights
    weights = np.zeros(n)
    weights[kept] = np.minimum(filtered.weights * len(kept) * (1 - filtered.removed), 1.0)
    for cluster in range(problem.n_clusters):
        if not weights[labels == cluster].any():
            weights[labels == cluster] = 1.0
    return np.where(labels >= 0, weights, 0.0), labels
