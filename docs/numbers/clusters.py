"""Clusters among outliers: misclassified inliers, and what is proved."""

from __future__ import annotations

import numpy as np

from docs.numbers.registry import Table, number, percent, rows, table
from experiments.moment_clustering import DENSITY, FULL, KMEANS, OURS, SPECTRAL, SPHERICAL, TRIMMED, compare, groups

METHODS = {
    OURS: "`MomentClustering`",
    KMEANS: "k-means",
    TRIMMED: "trimmed k-means",
    FULL: "Gaussian mixture",
    SPHERICAL: "the same, spherical",
    SPECTRAL: "spectral",
}
CASES = (
    ("Gaussian, alike, 6 s.d. apart", "separation", ("gaussian", 6)),
    ("t₃, alike, 6 s.d. apart", "separation", ("t3", 6)),
    ("t₃, 20 clusters, $d = 20$, $n = 2{,}000$", "number", ("t3", 20)),
    ("t₃, $d = 100$, 6 s.d. apart", "dimension", ("t3", 100)),
    ("Gaussian, s.d. 1 to 0.1, 2 apart", "elongated", (2,)),
    ("Gaussian, sizes and widths 1 : 8", "unequal", ("gaussian", 8)),
    ("t₃, sizes and widths 1 : 8", "unequal", ("t3", 8)),
    ("t₃, 20% uniform outliers", "outliers", ("t3", "uniform", 0.2)),
    ("t₃, 20% far ones, scattered", "outliers", ("t3", "far", 0.2)),
    ("t₃, 20% far ones in one clump", "outliers", ("t3", "cluster", 0.2)),
    ("t₃, 20% between the clusters", "outliers", ("t3", "bridge", 0.2)),
)
SHORT = {"ours": OURS, "mixture": FULL, "spectral": SPECTRAL, "density": DENSITY, "kmeans": KMEANS}


@table("moment_clustering")
def misclassified() -> Table:
    """The fraction of misclassified inliers by kind of clusters and method."""
    result = [["clusters", *METHODS.values()]]
    for label, part, cell in CASES:
        found = compare(rows("moment_clustering"), part)[cell]
        result.append([label, *(percent(found[name][0], 1) for name in METHODS)])
    return result


@number
def misclassified_by(method: str, part: str, *cell: str) -> str:
    """The fraction that a method misclassifies in one cell."""
    found = {tuple(map(str, key)): value for key, value in compare(rows("moment_clustering"), part).items()}
    return percent(found[cell][SHORT[method]][0], 1)


@number
def outliers_told(what: str) -> str:
    """Of uniform and far outliers, the least mean fraction flagged; the largest mean fraction of inliers flagged."""
    same = [cell for key, cell in groups(rows("moment_clustering"), "outliers").items() if key[1] != "bridge"]
    if what == "inliers":
        return percent(max(np.mean([row["flagged_inliers"] for row in cell]) for cell in same), 1, up=True)
    return percent(min(np.mean([row["flagged_outliers"] for row in cell]) for cell in same), 1, down=True)


@number
def shared_bound(separation: str) -> str:
    """The fraction of a true cluster that could be in a second returned one, four Gaussian clusters."""
    same = groups(rows("moment_clustering"), "separation")["gaussian", int(separation)]
    return f"{np.mean([row['allowed'] for row in same]):.2f}"
