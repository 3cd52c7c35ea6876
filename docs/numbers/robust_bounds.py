"""Proved bounds on robust means and covariances beside the worst errors found."""

from __future__ import annotations

import numpy as np

from docs.numbers.registry import Table, number, percent, rows, table
from experiments.robust_bound import family, samples, tightness, violations


@number
def bounded_samples() -> str:
    """The number of samples on which bounds were tried."""
    return f"{len(samples(rows('robust_bound'))):,}"


@number
def bounds_violated() -> str:
    """How many bounds were below an error that they bound."""
    found = violations(rows("robust_bound"))
    return str(found["without premise"] + found["known moment"] + found["by default, premise true"])


@number
def default_broken() -> str:
    """How often the bound by default was below the error, its premise being false."""
    return str(violations(rows("robust_bound"))["by default"])


@table("robust_bound")
def robust_bounds() -> Table:
    """Median ratios of bounds and worst errors by family."""
    measured = samples(rows("robust_bound"))
    head = ["outliers or family", "samples", "bound / worst error, `RobustMean`", "sample mean", "largest variance"]
    result = [[*head, "known moment / no premise", "premise true"]]
    for name in dict.fromkeys(map(family, measured)):
        same = [row for row in measured if family(row) == name]
        ratios = [
            tightness(same, "filter"),
            tightness(same, "mean"),
            tightness(same, "covariance", "largest", "worst_largest"),
            tightness(same, "filter", "known", "bound"),
        ]
        premise = percent(float(np.mean([row["filter"]["premise"] for row in same])))
        result.append([name, str(len(same)), *(f"{np.median(found):.2f}" for found in ratios), premise])
    return result
