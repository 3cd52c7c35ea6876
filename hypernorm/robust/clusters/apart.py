"""Small groups of rows apart from all others.

Few rows do not show in moments, leading directions or k-means starts, but in distances. In single linkage, which joins
the nearest groups first, a small group is apart if the distance at which it joins another one clearly exceeds those at
which the two were complete. Neighbouring extremes of one cluster, heavy-tailed or not, seldom are.
"""

from __future__ import annotations

import numpy as np
from scipy.cluster.hierarchy import linkage
from sklearn.neighbors import NearestNeighbors

from hypernorm._parallel import product_threads
from hypernorm.robust.clusters.coordinates import bounded

__all__ = ["groups_apart"]

# A ball in the gap around a group has so many times the volume of those within it and the other one.
_VOLUME = 4.0
# Of the distances within a group those above this quantile do not count: some of its rows may be far out.
_MOST_JOINS = 0.75
# Two rows may be near each other by chance.
_FEWEST = 3
# Single linkage takes memory for all pairs of rows.
_MOST_ROWS = 4000


def groups_apart(Z: np.ndarray, most: int, largest: float, rng: np.random.Generator) -> list[np.ndarray]:
    """Indices of the rows of each small group apart, the groups with the widest gaps first.

    Parameters
    ----------
    Z : ndarray of shape (n, d)
    most : int
        Limit on the number of groups.
    largest : float
        Limit on the rows of a group.
    rng : numpy.random.Generator
        Of more than 4,000 rows it chooses a part.
    """
    chosen = np.arange(len(Z))
    if len(Z) > _MOST_ROWS:
        chosen = np.sort(rng.choice(len(Z), _MOST_ROWS, replace=False))
        largest *= _MOST_ROWS / len(Z)
    n = len(chosen)
    if most < 1 or n < 2 * _FEWEST or largest < _FEWEST:
        return []
    tree = linkage(Z[chosen], "single")
    gap = _VOLUME ** (1 / _dimension(Z[chosen]))
    sizes = [1] * n
    # Of groups that are small enough, and the last distance at which a row or a small group not apart was joined.
    members: list[list[int]] = [[row] for row in range(n)]
    joins: list[list[float]] = [[] for _ in range(n)]
    last = [0.0] * n
    found: list[tuple[float, list[int]]] = []
    for first, second, distance, size in tree.tolist():
        small, large = sorted((int(first), int(second)), key=sizes.__getitem__)
        separate = sizes[small] > largest
        if _FEWEST <= sizes[small] <= largest < sizes[large]:
            inner = max(float(np.quantile(joins[small], _MOST_JOINS)), last[large])
            separate = distance > gap * inner > 0
            if separate:
                found.append((distance / inner, members[small]))
        sizes.append(int(size))
        members.append(members[small] + members[large] if size <= largest else [])
        joins.append([*joins[small], *joins[large], distance] if size <= largest else [])
        last.append(max(last[small], last[large], 0.0 if separate else distance))
    found.sort(key=lambda group: -group[0])
    return [chosen[sorted(rows)] for _, rows in found[:most]]


def _dimension(Z: np.ndarray) -> float:
    """(Σ λ)²/Σ λ² for the eigenvalues λ of the mean square of the differences between nearest neighbours.

    It is d if rows vary alike in all directions within a cluster, wherever the clusters are.
    """
    with product_threads(1):
        nearest = NearestNeighbors(n_neighbors=1).fit(Z).kneighbors(return_distance=False)[:, 0]
    squares = np.linalg.svd(bounded(Z - Z[nearest]), compute_uv=False) ** 2
    return float(squares.sum() ** 2 / (squares @ squares)) if squares.any() else 1.0
