"""The search for a partition into k groups among outliers.

Too many small groups of rows in dense places are merged, the pair first whose union costs the least (in the code length
of `cluster_assignment.costs`), which respects groups of different size and width. Where the largest k are distinct from
all others, and these are small enough to be outliers, merging stops early and they remain as outlying groups. From
there, and from ordinary k-means partitions, centers and assignments are refined in turns as long as the cost falls.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.neighbors import NearestNeighbors

from hypernorm.robust.cluster_assignment import (
    Groups,
    assign,
    costs,
    crossing_bounds,
    line_moments,
    measure_groups,
    moment_thresholds,
)
from hypernorm.robust.weights import weighted_quantile

__all__ = ["Partition", "Problem", "refine", "search"]

# At most so many neighbours of a row are looked at, and at most this share of a cluster of mean size.
_NEIGHBOURS, _NEIGHBOURS_PER_CLUSTER = 20, 0.1
# A row whose neighbours are so many times further away than theirs is no place to start from.
_ISOLATED = 1.5
# Groups to merge: so many for each cluster, some more, and some for outliers, which draw many if they are far.
_PIECES_PER_CLUSTER, _EXTRA_PIECES, _PIECES_OF_OUTLIERS = 3, 5, 10
# Two groups are distinct if their crossing bound is below both of these, the second times the rows of the smaller:
# k-means halves of one Gaussian or t3 cluster in up to 40 dimensions exceed them in 19 of 20 simulated cases.
_DISTINCT, _DISTINCT_PER_ROW = 0.35, 1 / 300
# Outlier groups catch a few inliers: they may be so many times larger than the contamination.
_SLACK = 1.1
# Groups with less than this share of the mean size count as failures of a search.
_UNDERSIZED = 0.05
# A partition by equal thresholds is kept unless its groups differ more than this (nats per dimension, nats).
_EQUAL_SCALES, _EQUAL_SIZES = 0.02, 0.08
# Groups narrower than this share of the median scale gain nothing more by it.
_NARROW = 0.5
_PATIENCE = 2


class Problem(NamedTuple):
    """What is looked for, and how long.

    Attributes
    ----------
    n_clusters : int
    contamination : float
    moment : float
    n_init : int
        Starts of either kind.
    max_iter : int
        Limit on the iterations of a refinement.
    tol : float
        A refinement stops when the cost falls by less than so many nats a row.
    """

    n_clusters: int
    contamination: float
    moment: float
    n_init: int
    max_iter: int
    tol: float


class Partition(NamedTuple):
    """A partition into k groups and some outlying ones, and what it costs.

    Attributes
    ----------
    labels : ndarray of shape (n,)
        From 0 to k − 1; −1 for rows of outlying groups and those that were left out as the furthest.
    assigned : ndarray of shape (n,)
        The group of every row, outlying ones being k, k + 1, ….
    groups : Groups
        All groups, the outlying ones last.
    thresholds : ndarray
        Between all groups.
    failures : int
        Number of groups that are much too small, or 1 for outlying groups that are too large.
    objective : float
        Mean code length in nats of the rows with a label.
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


class Start(NamedTuple):
    """Labels of some rows and the centers of their groups, outlying ones last."""

    labels: np.ndarray
    centers: np.ndarray


def search(
    Y: np.ndarray, problem: Problem, rng: np.random.Generator, known: np.ndarray | None = None
) -> tuple[Partition, bool]:
    """The best partition of several starts, and whether it was made with equal thresholds.

    Parameters
    ----------
    Y : ndarray of shape (n, r)
    problem : Problem
    rng : numpy.random.Generator
    known : ndarray of shape (n,), optional
        The groups of all rows in one more start.
    """
    k = problem.n_clusters
    core = _core_rows(Y, min(_NEIGHBOURS, math.ceil(_NEIGHBOURS_PER_CLUSTER * len(Y) / k)))
    distinct = len(np.unique(Y[core], axis=0))
    if distinct < k:
        core = np.arange(len(Y))
        distinct = len(np.unique(Y, axis=0))
    budget = _SLACK * problem.contamination * len(Y)

    def best(starts: list[Start], equal: bool) -> Partition:
        found = []
        for start in starts:
            labels = np.full(len(Y), -1)
            labels[core] = start.labels
            found.append(refine(Y, labels, start.centers, problem, equal=equal))
        return min(found, key=lambda partition: (partition.failures, partition.objective))

    pieces = min(
        distinct, _PIECES_PER_CLUSTER * k + _EXTRA_PIECES + (_PIECES_OF_OUTLIERS if problem.contamination else 0)
    )
    starts = _starts(Y, core, pieces, budget, problem, rng, known)
    partition = best(starts, equal=True)
    if partition.failures and len(partition.groups.centers) > k:
        # What looked like outlying groups may be parts of clusters.
        others = _starts(Y, core, pieces, 0.0, problem, rng)
        other = best(others, equal=True)
        if other.failures < partition.failures:
            starts, partition = others, other
    if _are_equal(partition.groups.sizes[:k], partition.groups.scales[:k]):
        return partition, True
    return best(starts, equal=False), False


def _starts(
    Y: np.ndarray,
    core: np.ndarray,
    count: int,
    budget: float,
    problem: Problem,
    rng: np.random.Generator,
    known: np.ndarray | None = None,
) -> list[Start]:
    """Labels of the rows `core`, from merging `count` groups and from k-means, all with as many groups."""
    rows = Y[core]
    pieces = [_k_means(rows, count, rng) for _ in range(problem.n_init)]
    merged = [_agglomerate(Y, rows, start, problem.n_clusters, budget, problem.moment) for start in pieces]
    # Narrow outlying groups would make any partition cheap, so the starts must agree on how many there are.
    total = sorted(len(start.centers) for start in merged)[(len(merged) - 1) // 2]
    starts = [start for start in merged if len(start.centers) == total]
    starts += [_k_means(rows, total, rng) for _ in range(problem.n_init)]
    starts = [_outlying_last(Y, start) for start in starts]
    if known is not None:
        members = [rows[known[core] == group] for group in range(total)]
        if known.max() < total and all(map(len, members)):
            starts.append(Start(known[core], np.array([group.mean(axis=0) for group in members])))
    return starts


def refine(Y: np.ndarray, labels: np.ndarray, centers: np.ndarray, problem: Problem, *, equal: bool) -> Partition:
    """Centers and assignments in turns, as long as the cost falls; the best partition of the way.

    Of ⌊contamination · n⌋ rows, those that are not in outlying groups are left out each time as the furthest from their
    centers in units of the scales.

    Parameters
    ----------
    Y : ndarray of shape (n, r)
    labels : ndarray of shape (n,)
        −1 for rows of no group.
    centers : ndarray
        Of all groups, the clusters and then outlying ones.
    problem : Problem
    equal : bool
        Assign to the nearest center, as if all groups had one size and scale; else by `moment_thresholds`.
    """
    n, k, total = len(Y), problem.n_clusters, len(centers)
    outliers = math.floor(problem.contamination * n * (1 + 1e-12))
    best: Partition | None = None
    groups, waited, converged, iteration = measure_groups(Y, labels, centers, n_steps=3), 0, False, 0
    while not converged and iteration < problem.max_iter:
        iteration += 1
        thresholds = np.full((total, total), 0.5)
        if not equal:
            thresholds = moment_thresholds(groups.sizes, groups.scales, problem.moment)
        assigned = assign(Y, groups.centers, thresholds)
        distances = np.linalg.norm(Y - groups.centers[assigned], axis=1)
        _fill_empty(assigned, distances, total)
        outlying = assigned >= k
        scales, shares = groups.scales, np.bincount(assigned, minlength=total) / n
        if equal:
            scales = np.full(total, math.sqrt(float(groups.sizes[:k] @ scales[:k] ** 2) / groups.sizes[:k].sum()))
            shares = np.full(total, 1 / k)
        moved = assigned.copy()
        left_out = outliers - int(outlying.sum())
        if left_out > 0:
            relative = np.where(outlying, -1.0, distances / scales[assigned])
            moved[np.argpartition(-relative, left_out - 1)[:left_out]] = -1
        inner = (moved >= 0) & ~outlying
        wide = np.maximum(scales, _NARROW * weighted_quantile(scales[:k], shares[:k], 0.5))
        ends = assigned[inner]
        objective = float(np.mean(costs(distances[inner], wide[ends], shares[ends], Y.shape[1])))
        sizes = np.bincount(ends, minlength=k)
        failures = int(np.sum(sizes < max(1.0, _UNDERSIZED * n / k))) + int(outlying.sum() > _SLACK * outliers)
        better = best is None or (failures, objective) < (best.failures, best.objective - problem.tol)
        waited = 0 if better else waited + 1
        converged = bool((moved == labels).all()) or waited == _PATIENCE
        labels = moved
        groups = measure_groups(Y, labels, groups.centers)
        if better:
            kept = np.where(inner, assigned, -1)
            best = Partition(kept, assigned, groups, thresholds, failures, objective, iteration, False)
    assert best is not None
    return best._replace(n_iter=iteration, converged=converged)


def _are_equal(sizes: np.ndarray, scales: np.ndarray) -> bool:
    """Whether the groups of a partition by nearest centers have about one scale and one size."""
    shares = sizes / sizes.sum()
    of_scales = float(shares @ np.log(math.sqrt(float(shares @ scales**2)) / scales))
    of_sizes = float(shares @ np.log(np.maximum(len(shares) * shares, 1e-300)))
    return of_scales <= _EQUAL_SCALES and of_sizes <= _EQUAL_SIZES


def _core_rows(Y: np.ndarray, count: int) -> np.ndarray:
    """Indices of the rows that have `count` neighbours about as near as those have theirs."""
    if count < 2:
        return np.arange(len(Y))
    distances, neighbours = NearestNeighbors(n_neighbors=count).fit(Y).kneighbors()
    reach = distances[:, -1]
    typical = np.median(reach[neighbours], axis=1)
    # Where rows are repeated the distances vanish.
    typical = np.maximum(typical, 0.05 * np.mean(reach))
    isolation = reach / np.where(typical > 0, typical, 1.0)
    return np.flatnonzero(isolation <= max(_ISOLATED, float(np.median(isolation))))


def _k_means(rows: np.ndarray, k: int, rng: np.random.Generator) -> Start:
    model = KMeans(k, n_init=1, tol=0, random_state=int(rng.integers(2**31))).fit(rows)
    return Start(model.labels_, model.cluster_centers_)


def _outlying_last(Y: np.ndarray, start: Start) -> Start:
    """The groups in decreasing order of size among all rows: clusters may have more isolated ones than outliers."""
    order = np.argsort(-_nearest_counts(Y, start.centers), kind="stable")
    return Start(np.argsort(order)[start.labels], start.centers[order])


def _nearest_counts(Y: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """For how many rows each center is the nearest."""
    return np.bincount(np.argmin(cdist(Y, centers, "sqeuclidean"), axis=1), minlength=len(centers))


def _agglomerate(Y: np.ndarray, rows: np.ndarray, start: Start, k: int, budget: float, q: float) -> Start:
    """Merge groups until k are left, or k beside others that are distinct from them and hold at most `budget` rows.

    The groups are of `rows` in dense places; the budget is for all rows `Y`, each with the nearest group.
    """
    r = rows.shape[1]
    groups = measure_groups(rows, start.labels, start.centers)
    centers, sizes = groups.centers, groups.sizes.astype(float)
    # One row has no scale of its own: every piece borrows one row's worth from all.
    pooled = float(sizes @ groups.scales**2) / sizes.sum()
    squares = r * (sizes * groups.scales**2 + pooled) / (sizes + 1)
    counts = _nearest_counts(Y, start.centers)
    labels, alive = start.labels.copy(), np.flatnonzero(groups.sizes)
    settled: Start | None = None
    while len(alive) > k:
        merged, squares_merged = _unions(centers[alive], sizes[alive], squares[alive])
        gain = _length(merged, squares_merged, r) - np.add.outer(*2 * (_length(sizes[alive], squares[alive], r),))
        np.fill_diagonal(gain, np.inf)
        distinct = np.zeros(gain.shape, dtype=bool)
        largest = np.argsort(-counts[alive], kind="stable")[:k]
        if counts[alive].sum() - counts[alive[largest]].sum() <= budget:
            distinct = _are_distinct([rows[labels == group] for group in alive], centers[alive], q)
        if distinct[largest].all():
            settled = Start(np.searchsorted(alive, labels), centers[alive])
            # From here on only outlying groups are merged, those that may be parts of one.
            gain[distinct] = np.inf
        elif settled is not None:
            break
        first, second = divmod(int(np.argmin(gain)), len(alive))
        if gain[first, second] == np.inf:
            break
        i, j = int(alive[first]), int(alive[second])
        centers[i] = (sizes[i] * centers[i] + sizes[j] * centers[j]) / (sizes[i] + sizes[j])
        sizes[i], squares[i] = merged[first, second], squares_merged[first, second]
        labels[labels == j], counts[i] = i, counts[i] + counts[j]
        alive = alive[alive != j]
    return settled or Start(np.searchsorted(alive, labels), centers[alive])


def _are_distinct(groups: list[np.ndarray], centers: np.ndarray, q: float) -> np.ndarray:
    """Which two groups are too far apart to be parts of one, of shape (k, k); each of itself, too."""
    sizes = np.array([len(group) for group in groups], dtype=np.float64)
    moments = np.array([line_moments(rows, center, centers, q) for rows, center in zip(groups, centers, strict=True)])
    limits = np.minimum(_DISTINCT, _DISTINCT_PER_ROW * np.minimum.outer(sizes, sizes))
    return np.asarray(crossing_bounds(sizes, moments, centers, q) < limits)


def _unions(centers: np.ndarray, sizes: np.ndarray, squares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sizes and mean squared distances from the center of the union of every pair."""
    merged = np.add.outer(sizes, sizes)
    weighted = sizes * squares
    apart = np.multiply.outer(sizes, sizes) / merged * cdist(centers, centers, "sqeuclidean")
    return merged, (np.add.outer(weighted, weighted) + apart) / merged


def _length(sizes: np.ndarray, squares: np.ndarray, r: int) -> np.ndarray:
    """Code length of groups, but for terms that every partition has."""
    return np.asarray(sizes * (r / 2 * np.log(np.maximum(squares, 1e-300)) - np.log(sizes)))


def _fill_empty(assigned: np.ndarray, distances: np.ndarray, k: int) -> None:
    """Give each empty group the furthest row of a group with several."""
    for group in np.setdiff1d(np.arange(k), assigned):
        several = np.bincount(assigned, minlength=k)[assigned] > 1
        row = int(np.argmax(np.where(several, distances, -1.0)))
        assigned[row], distances[row] = group, 0.0
