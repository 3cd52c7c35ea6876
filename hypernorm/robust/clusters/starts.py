"""Starting points for the search for a partition.

One kind of start merges many small groups of rows in dense places. The pair whose union adds the least code length
(`hypernorm.robust.clusters.assignment.costs`) goes first, which respects groups of different size and width. Merging
stops early where the k largest groups are distinct from all others and these are small enough to be outliers; they
remain as outlying groups. The other kind is an ordinary k-means partition into as many groups.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import NearestNeighbors

from hypernorm._parallel import product_threads
from hypernorm.robust.clusters.assignment import crossing_bounds, measure_groups, projection_moments

__all__ = ["Problem", "Start", "find_starts", "starts_with_groups"]

# Limits on the neighbours of a row: a number, and a fraction of a cluster of mean size.
_NEIGHBOURS, _NEIGHBOURS_PER_CLUSTER = 20, 0.1
# A row is isolated if its neighbours are more than this many times further away than theirs.
_ISOLATED = 1.5
# Numbers of groups to merge: for each cluster, in addition, and for outliers, which draw many if they are far.
_PIECES_PER_CLUSTER, _EXTRA_PIECES, _PIECES_OF_OUTLIERS = 3, 5, 10
# Two groups are distinct if their crossing bound is below both of these, the second times the rows of the smaller:
# k-means halves of one Gaussian or t3 cluster in up to 40 dimensions exceed them in 19 of 20 simulated cases.
_DISTINCT, _DISTINCT_PER_ROW = 0.35, 1 / 300


@dataclass(frozen=True, kw_only=True)
class Problem:
    """The parameters of a search.

    Attributes
    ----------
    n_clusters : int
    contamination : float
    moment : float
    n_init : int
        Number of starts of either kind.
    max_iter : int
        Limit on the iterations of a refinement.
    tol : float
        A refinement stops when the cost per row falls by less than this many nats.
    undersized : float
        A smaller cluster, relative to the mean size, counts as a failure of a search.
    """

    n_clusters: int
    contamination: float
    moment: float
    n_init: int
    max_iter: int
    tol: float
    undersized: float = 0.05


class Start(NamedTuple):
    """Labels of the rows (−1 for isolated ones), and the centers of their groups, outlying groups last."""

    labels: np.ndarray
    centers: np.ndarray


def find_starts(
    Y: np.ndarray,
    weights: np.ndarray,
    problem: Problem,
    budget: float,
    rng: np.random.Generator,
    known: np.ndarray | None = None,
) -> list[Start]:
    """Starts of either kind, all with the same number of groups.

    Parameters
    ----------
    Y : ndarray of shape (n, r)
    weights : ndarray of shape (n,)
        Positive, with the mean one.
    problem : Problem
    budget : float
        Limit on the weight of the rows in outlying groups.
    rng : numpy.random.Generator
    known : ndarray of shape (n,), optional
        Groups of all rows for one more start, used if there are as many of them.
    """
    k = problem.n_clusters
    core = _core_rows(Y, k)
    rows = Y[core]
    pieces = _PIECES_PER_CLUSTER * k + _EXTRA_PIECES + (_PIECES_OF_OUTLIERS if problem.contamination else 0)
    pieces = min(pieces, len(np.unique(rows, axis=0)))
    small = [_k_means(rows, weights[core], pieces, rng) for _ in range(problem.n_init)]
    merged = [_agglomerate(Y, weights, core, start, k, budget, problem.moment) for start in small]
    # Narrow outlying groups would make any partition cheap, so the starts must agree on how many there are.
    total = sorted(len(start.centers) for start in merged)[(len(merged) - 1) // 2]
    starts = [start for start in merged if len(start.centers) == total]
    starts += [_k_means(rows, weights[core], total, rng) for _ in range(problem.n_init)]
    starts = [_outlying_last(Y, weights, start) for start in starts]
    if known is not None:
        members = [rows[known[core] == group] for group in range(total)]
        if known.max() < total and all(map(len, members)):
            starts.append(Start(known[core], np.array([group.mean(axis=0) for group in members])))
    labels = np.full((len(starts), len(Y)), -1)
    labels[:, core] = [start.labels for start in starts]
    return [Start(row, start.centers) for row, start in zip(labels, starts, strict=True)]


def starts_with_groups(
    Y: np.ndarray,
    weights: np.ndarray,
    problem: Problem,
    budget: float,
    rng: np.random.Generator,
    groups: list[np.ndarray],
) -> list[Start]:
    """Starts in which some clusters are given by the indices of their rows, and the others are searched."""
    rest = np.setdiff1d(np.arange(len(Y)), np.concatenate(groups))
    searched = problem.n_clusters - len(groups)
    found = find_starts(Y[rest], weights[rest], replace(problem, n_clusters=searched), budget, rng)
    means = np.array([np.average(Y[group], axis=0, weights=weights[group]) for group in groups])
    starts = []
    for start in found:
        labels = np.empty(len(Y), dtype=np.intp)
        labels[rest] = np.where(start.labels < searched, start.labels, start.labels + len(groups))
        for index, group in enumerate(groups):
            labels[group] = searched + index
        starts.append(Start(labels, np.vstack([start.centers[:searched], means, start.centers[searched:]])))
    return starts


def _core_rows(Y: np.ndarray, k: int) -> np.ndarray:
    """Indices of the rows that are not isolated; of all rows if fewer than k of these are distinct."""
    everything = np.arange(len(Y))
    count = min(_NEIGHBOURS, math.ceil(_NEIGHBOURS_PER_CLUSTER * len(Y) / k))
    if count < 2:
        return everything
    # scikit-learn keeps its products on one core, and restores the number of threads that it has found.
    with product_threads(1):
        distances, neighbours = NearestNeighbors(n_neighbors=count).fit(Y).kneighbors()
    reach = distances[:, -1]
    typical = np.median(reach[neighbours], axis=1)
    # Where rows are repeated the distances vanish.
    typical = np.maximum(typical, 0.05 * np.mean(reach))
    isolation = reach / np.where(typical > 0, typical, 1.0)
    core = np.flatnonzero(isolation <= max(_ISOLATED, float(np.median(isolation))))
    return core if len(np.unique(Y[core], axis=0)) >= k else everything


def _k_means(rows: np.ndarray, weights: np.ndarray, k: int, rng: np.random.Generator) -> Start:
    with warnings.catch_warnings(), product_threads(1):
        # Equal rows leave some groups empty, which the search can do without.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = KMeans(k, n_init=1, tol=0, random_state=int(rng.integers(2**31)))
        model.fit(rows, sample_weight=weights)
    return Start(model.labels_, model.cluster_centers_)


def _outlying_last(Y: np.ndarray, weights: np.ndarray, start: Start) -> Start:
    """The groups in decreasing order of size, isolated rows included: a cluster may have many of them."""
    order = np.argsort(-_nearest_weights(Y, weights, start.centers), kind="stable")
    return Start(np.argsort(order)[start.labels], start.centers[order])


def _nearest_weights(Y: np.ndarray, weights: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """Weight of the rows to which each center is the nearest."""
    return np.bincount(np.argmin(cdist(Y, centers, "sqeuclidean"), axis=1), weights, minlength=len(centers))


def _agglomerate(
    Y: np.ndarray, weights: np.ndarray, core: np.ndarray, start: Start, k: int, budget: float, q: float
) -> Start:
    """Merge groups until k are left, or k and distinct others of at most the weight `budget`.

    Groups consist of the rows in dense places, `core`; the budget counts all rows, each with the nearest group.
    """
    rows, own = Y[core], weights[core]
    r = rows.shape[1]
    groups = measure_groups(rows, start.labels, start.centers, own)
    centers, sizes = groups.centers, groups.sizes.astype(float)
    # One row has no scale of its own: every piece borrows one row's worth from all.
    pooled = float(sizes @ groups.scales**2) / sizes.sum()
    squares = r * (sizes * groups.scales**2 + pooled) / (sizes + 1)
    counts = _nearest_weights(Y, weights, start.centers)
    labels, alive = start.labels.copy(), np.flatnonzero(groups.sizes)
    settled: Start | None = None
    while len(alive) > k:
        merged, squares_merged = _unions(centers[alive], sizes[alive], squares[alive])
        gain = _length(merged, squares_merged, r) - np.add.outer(*2 * (_length(sizes[alive], squares[alive], r),))
        np.fill_diagonal(gain, np.inf)
        distinct = np.zeros(gain.shape, dtype=bool)
        largest = np.argsort(-counts[alive], kind="stable")[:k]
        if counts[alive].sum() - counts[alive[largest]].sum() <= budget:
            parts = [labels == group for group in alive]
            distinct = _are_distinct([rows[part] for part in parts], [own[part] for part in parts], centers[alive], q)
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


def _are_distinct(groups: list[np.ndarray], weights: list[np.ndarray], centers: np.ndarray, q: float) -> np.ndarray:
    """Pairs of groups too far apart to be parts of one, of shape (k, k); True on the diagonal."""
    counts = np.array([len(group) for group in groups], dtype=np.float64)
    sizes = np.array([own.sum() for own in weights])
    moments = np.array(
        [
            projection_moments(rows, center, centers, q, own)
            for rows, own, center in zip(groups, weights, centers, strict=True)
        ]
    )
    limits = np.minimum(_DISTINCT, _DISTINCT_PER_ROW * np.minimum.outer(counts, counts))
    return np.asarray(crossing_bounds(sizes, moments, centers, q) < limits)


def _unions(centers: np.ndarray, sizes: np.ndarray, squares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Size, and mean squared distance from the center, of the union of every pair."""
    merged = np.add.outer(sizes, sizes)
    weighted = sizes * squares
    apart = np.multiply.outer(sizes, sizes) / merged * cdist(centers, centers, "sqeuclidean")
    return merged, (np.add.outer(weighted, weighted) + apart) / merged


def _length(sizes: np.ndarray, squares: np.ndarray, r: int) -> np.ndarray:
    """Code length of groups, without the terms that all partitions have in common."""
    return np.asarray(sizes * (r / 2 * np.log(np.maximum(squares, 1e-300)) - np.log(sizes)))
