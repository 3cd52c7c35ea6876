"""The search for a partition into k groups among outliers.

From several starts, centers and assignments are refined in turns as long as the cost falls. At first each row belongs
to the nearest center, as if the groups were alike; if they turn out to be unequal, `moment_thresholds` separate them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from hypernorm.robust.clusters.assignment import (
    Groups,
    assign,
    costs,
    measure_groups,
    moment_thresholds,
)
from hypernorm.robust.clusters.starts import Problem, Start, find_starts, starts_with_groups
from hypernorm.robust.weights import weighted_quantile

__all__ = ["Partition", "refine", "search"]

# Limit on the size of the outlying groups, which catch a few inliers, relative to the contamination.
_SLACK = 1.1
# A partition by equal thresholds is kept unless its groups differ by more than this (nats per dimension, nats).
_EQUAL_SCALES, _EQUAL_SIZES = 0.02, 0.08
# Narrower groups than this fraction of the median scale do not lower the cost further.
_NARROW = 0.5
_PATIENCE = 2
# A cluster of this fraction of the mean size is found without a search for small groups.
_USUAL = 0.05


@dataclass(frozen=True, eq=False, kw_only=True)
class Partition:
    """A partition into k groups and outlying ones, with its cost.

    Attributes
    ----------
    labels : ndarray of shape (n,)
        From 0 to k − 1; −1 for rows of outlying groups, and for those left out as the furthest.
    assigned : ndarray of shape (n,)
        Group of every row; outlying groups are k, k + 1, ….
    groups : Groups
        All groups, the outlying ones last.
    thresholds : ndarray
        Between all groups.
    failures : int
        Number of groups that are much too small, plus 1 if the outlying groups are too large.
    objective : float
        Mean code length of the rows with a label, in nats.
    n_iter : int
    converged : bool
    """

    labels: np.ndarray
    assigned: np.ndarray
    groups: Groups
    thresholds: np.ndarray
    failures: int
    objective: float
    n_iter: int
    converged: bool


def search(
    Y: np.ndarray,
    weights: np.ndarray,
    problem: Problem,
    rng: np.random.Generator,
    known: np.ndarray | None = None,
    apart: list[np.ndarray] | None = None,
) -> tuple[Partition, bool]:
    """The best partition of several starts, and whether it was made with equal thresholds.

    Parameters
    ----------
    Y : ndarray of shape (n, r)
    weights : ndarray of shape (n,)
        Positive, with the mean one.
    problem : Problem
    rng : numpy.random.Generator
    known : ndarray of shape (n,), optional
        Groups of all rows for one more start.
    apart : list of ndarrays, optional
        Small groups, by the indices of their rows, that may be clusters.
    """
    k = problem.n_clusters

    def best(starts: list[Start], equal: bool) -> Partition:
        found = [refine(Y, weights, start.labels, start.centers, problem, equal=equal) for start in starts]
        return min(found, key=lambda partition: (partition.failures, partition.objective))

    budget = _SLACK * problem.contamination * len(Y)
    starts = find_starts(Y, weights, problem, budget, rng, known)
    if apart:
        # Where clusters are so unequal, only costs that know of sizes can compare partitions.
        partition = best(starts + starts_with_groups(Y, weights, problem, budget, rng, apart), equal=False)
        if partition.groups.sizes[:k].min() < _USUAL * len(Y) / k:
            return partition, False
    partition = best(starts, equal=True)
    if partition.failures and len(partition.groups.centers) > k:
        # What looked like outlying groups may be parts of clusters.
        others = find_starts(Y, weights, problem, 0.0, rng)
        other = best(others, equal=True)
        if other.failures < partition.failures:
            starts, partition = others, other
    if _are_equal(partition.groups.sizes[:k], partition.groups.scales[:k]):
        return partition, True
    return best(starts, equal=False), False


def refine(
    Y: np.ndarray,
    weights: np.ndarray,
    labels: np.ndarray,
    centers: np.ndarray,
    problem: Problem,
    *,
    equal: bool,
) -> Partition:
    """Refine centers and assignments in turns as long as the cost falls; return the best partition on the way.

    Outlying groups, and the rows furthest from their centers in units of the scales, do not count: together at most
    the fraction `contamination` of the weight.

    Parameters
    ----------
    Y : ndarray of shape (n, r)
    weights : ndarray of shape (n,)
        Positive, with the mean one.
    labels : ndarray of shape (n,)
        −1 for rows of no group.
    centers : ndarray
        Of all groups, the clusters before the outlying ones.
    problem : Problem
    equal : bool
        Assign rows to the nearest center, as if all groups had one size and scale; otherwise by `moment_thresholds`.
    """
    n, k, total = len(Y), problem.n_clusters, len(centers)
    outliers = problem.contamination * n * (1 + 1e-12)
    best: Partition | None = None
    groups, waited, converged, iteration = measure_groups(Y, labels, centers, weights, n_steps=3), 0, False, 0
    while not converged and iteration < problem.max_iter:
        iteration += 1
        thresholds = np.full((total, total), 0.5)
        if not equal:
            thresholds = moment_thresholds(groups.sizes, groups.scales, problem.moment)
        assigned = assign(Y, groups.centers, thresholds)
        distances = np.linalg.norm(Y - groups.centers[assigned], axis=1)
        assigned, distances = _without_empty(assigned, distances, total)
        outlying = assigned >= k
        scales, fractions = groups.scales, np.bincount(assigned, weights, minlength=total) / n
        if equal:
            scales = np.full(total, math.sqrt(float(groups.sizes[:k] @ scales[:k] ** 2) / groups.sizes[:k].sum()))
            fractions = np.full(total, 1 / k)
        moved = assigned.copy()
        taken = float(weights[outlying].sum())
        if taken < outliers:
            relative = np.where(outlying, -1.0, distances / scales[assigned])
            order = np.argsort(-relative, kind="stable")
            moved[order[np.cumsum(weights[order]) <= outliers - taken]] = -1
        inner = (moved >= 0) & ~outlying
        wide = np.maximum(scales, _NARROW * weighted_quantile(scales[:k], fractions[:k], 0.5))
        ends = assigned[inner]
        lengths = costs(distances[inner], wide[ends], fractions[ends], Y.shape[1])
        objective = float(np.average(lengths, weights=weights[inner]))
        sizes = np.bincount(ends, weights[inner], minlength=k)
        least = max(problem.undersized * n / k, float(weights.min()))
        failures = int(np.sum(sizes < least)) + int(taken > _SLACK * outliers)
        better = best is None or (failures, objective) < (best.failures, best.objective - problem.tol)
        waited = 0 if better else waited + 1
        converged = bool((moved == labels).all()) or waited == _PATIENCE
        labels = moved
        groups = measure_groups(Y, labels, groups.centers, weights)
        if better:
            kept = np.where(inner, assigned, -1)
            best = Partition(
                labels=kept,
                assigned=assigned,
                groups=groups,
                thresholds=thresholds,
                failures=failures,
                objective=objective,
                n_iter=iteration,
                converged=False,
            )
    assert best is not None
    return replace(best, n_iter=iteration, converged=converged)


def _are_equal(sizes: np.ndarray, scales: np.ndarray) -> bool:
    """Whether the groups of a partition by nearest centers are of about one scale and one size."""
    fractions = sizes / sizes.sum()
    of_scales = float(fractions @ np.log(math.sqrt(float(fractions @ scales**2)) / scales))
    of_sizes = float(fractions @ np.log(np.maximum(len(fractions) * fractions, 1e-300)))
    return of_scales <= _EQUAL_SCALES and of_sizes <= _EQUAL_SIZES


def _without_empty(assigned: np.ndarray, distances: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Groups and distances of the rows after each empty group got the furthest row of a group with several."""
    assigned, distances = assigned.copy(), distances.copy()
    for group in np.setdiff1d(np.arange(k), assigned):
        several = np.bincount(assigned, minlength=k)[assigned] > 1
        row = int(np.argmax(np.where(several, distances, -1.0)))
        assigned[row], distances[row] = group, 0.0
    return assigned, distances
