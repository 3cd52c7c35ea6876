"""Robust covariances: errors, false alarms, and what is proved."""

from __future__ import annotations

import numpy as np

from docs.numbers.registry import Table, count, digits, number, percent, rows, table
from experiments.robust_covariance import (
    ADVERSARIES,
    AUTO,
    DETERMINANT,
    DETERMINISTIC,
    ORACLE,
    OURS,
    SAMPLE,
    SECOND,
    SHAPES,
    TAILS,
    measured,
)
from experiments.tables import OUTLIERS

FRACTIONS = (0.1, 0.2, 0.3)
METHODS = {
    OURS: "`RobustCovariance`",
    DETERMINANT: "MinCovDet",
    DETERMINISTIC: "deterministic MCD",
    SECOND: "covariance filter",
    SAMPLE: "sample covariance",
    ORACLE: "of the inliers",
}
INLIERS = {"laplace": "Laplace", "t5": "Student t, 5 d.f.", "heavy_products": "products of t, 3 d.f."}
INLIERS |= {"mixture": "two groups"}


@table("robust_covariance")
def covariance_errors() -> Table:
    """The largest relative error of a variance in any direction, at three fractions of outliers."""
    cells = measured(rows("robust_covariance"), "contamination")
    result = [["outliers, ε = 0.1 / 0.2 / 0.3", *METHODS.values()]]
    for adversary in ADVERSARIES:
        means = [[digits(cells[adversary, value][name].mean(), 3) for value in FRACTIONS] for name in METHODS]
        result.append([OUTLIERS[adversary], *(" / ".join(texts) for texts in means)])
    return result


@table("robust_covariance")
def false_alarms() -> Table:
    """Clean samples that were flagged, where a tenth of outliers was allowed for."""
    cells = measured(rows("robust_covariance"), "clean", "flagged")
    result = [["clean samples", "`RobustCovariance`", '`"auto"`', "MinCovDet, 97.5% of χ²"]]
    places = [("gaussian", n, d) for n, d in SHAPES] + [(inliers, 1000, 10) for inliers in TAILS]
    for inliers, n, d in places:
        found = cells[inliers, n, d]
        label = f"{INLIERS.get(inliers, 'normal')}, {n:,} × {d}"
        result.append([label, *(percent(found[name].mean(), 1) for name in (OURS, AUTO, DETERMINANT))])
    return result


@number
def covariance_bound(fraction: str, what: str) -> str:
    """The proved bound and the true error with hidden outliers among 2,000 samples of 4 dimensions, on average."""
    same = [row for row in rows("robust_covariance") if row["part"] == "bound"]
    values = [row[what] for row in same if row["contamination"] == float(fraction)]
    return digits(float(np.mean(values)))


@number
def covariance_premise(what: str) -> str:
    """In how many trials the default premise was true, and in how many the bound failed."""
    same = [row for row in rows("robust_covariance") if row["part"] == "bound"]
    broken = [row["informed"] < row["error"] or (row["premise"] and row["bound"] < row["error"]) for row in same]
    true = sum(broken) if what == "broken" else sum(row["premise"] for row in same)
    return count(true, len(same))


@number
def normal_excess(largest: str) -> str:
    """How much the error exceeds that of the inliers' own covariance at most, normal samples, up to a fraction."""
    ratios = [
        found[OURS].mean() / found[ORACLE].mean()
        for part in ("contamination", "dimension")
        for place, found in measured(rows("robust_covariance"), part).items()
        if place[1] <= float(largest) or part == "dimension"
    ]
    return percent(max(ratios) - 1, up=True)


@number
def hidden_covariance(method: str) -> str:
    """The error in 40 dimensions with a tenth of hidden outliers."""
    cells = measured(rows("robust_covariance"), "dimension")
    (found,) = (same for place, same in cells.items() if 40 in place)
    return digits(found[_method(method)].mean())


@number
def tail_error(inliers: str, adversary: str, method: str) -> str:
    """The error on samples with heavy tails, 1,000 × 10."""
    cells = measured(rows("robust_covariance"), "tails")
    (found,) = (same for place, same in cells.items() if {inliers, adversary} <= set(place))
    return digits(found[_method(method)].mean())


def _method(name: str) -> str:
    known = {"ours": OURS, "determinant": DETERMINANT, "deterministic": DETERMINISTIC}
    return (known | {"sample": SAMPLE, "inliers": ORACLE})[name]
