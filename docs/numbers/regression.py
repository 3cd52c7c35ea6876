"""Robust regression beside other programs."""

from __future__ import annotations

import numpy as np

from docs.numbers.registry import Table, digits, number, percent, rows, table
from experiments.robust_regression import HUBER, LEAST_SQUARES, MM, ORACLE, OURS, RANSAC, THEIL, measured

OUTLIERS = {
    "responses": "targets raised",
    "plane": "targets on another plane",
    "rows": "cluster of rows and targets",
    "leverage": "cluster at ten times the distance",
}
METHODS = {
    OURS: "`RobustRegressor`",
    MM: "MM-estimator",
    HUBER: "HuberRegressor",
    RANSAC: "RANSAC",
    THEIL: "Theil–Sen",
    LEAST_SQUARES: "least squares",
    ORACLE: "M-estimator on the inliers",
}
SHORT = {"ours": OURS, "mm": MM, "huber": HUBER, "ransac": RANSAC, "theil": THEIL, "least": LEAST_SQUARES}


def _mean(part: str, place: tuple, method: str) -> float:
    return float(measured(rows("robust_regression"), part)[place][SHORT.get(method, method)].mean())


@table("robust_regression")
def regression_errors() -> Table:
    """Errors of the coefficients at ε = 0.1 and 0.3."""
    result = [["outliers, ε = 0.1 / 0.3", *METHODS.values()]]
    for adversary, label in OUTLIERS.items():
        cells = [[digits(_mean("light", (adversary, value), name), 3) for value in (0.1, 0.3)] for name in METHODS]
        result.append([label, *(" / ".join(texts) for texts in cells)])
    return result


@number
def regression_error(part: str, place: str, method: str) -> str:
    """The error in a cell of a part; its place is the family, the dimension or the number of samples."""
    cells = measured(rows("robust_regression"), part)
    (found,) = (same for key, same in cells.items() if place in map(str, key))
    return digits(found[SHORT[method]].mean(), 3)


@number
def efficiency() -> str:
    """The mean squared error over that of least squares for clean samples with normal noise."""
    clean = measured(rows("robust_regression"), "clean")["light",]
    return f"{np.mean(clean[OURS] ** 2) / np.mean(clean[LEAST_SQUARES] ** 2):.2f}"


@number
def against_mm(part: str, what: str) -> str:
    """The largest excess of our error over that of the MM-estimator in a part, or of its error over ours, up to ε."""
    ratios = []
    for (adversary, value), found in measured(rows("robust_regression"), part).items():
        if value <= 0.1 or (what == "large" and adversary in ("responses", "leverage")):
            ratios.append(found[OURS].mean() / found[MM].mean())
    return percent(1 - min(ratios) if what == "better" else max(ratios) - 1, up=True)
