"""Robust means against the worst outliers of a grid."""

from __future__ import annotations

import math

from docs.numbers.means import SHOWN
from docs.numbers.registry import Table, number, rows, table
from experiments.means.methods import MOMENT
from experiments.worst_outliers import MEAN, METHODS, largest_loss, worst


@table("worst_outliers")
def worst_outlier_errors() -> Table:
    """The largest error of every method, and that of the sample mean on the same samples."""
    found = {name: worst(rows("worst_outliers"), name) for name in METHODS}
    head = [f"{what}, ε = {fraction}" for fraction in found[MOMENT] for what in ("largest error", "sample mean there")]
    result = [["method", *head]]
    for name, places in found.items():
        cells = [f"{errors[which]:.2f}" for _, errors in places.values() for which in (name, MEAN)]
        result.append([SHOWN.get(name, name), *cells])
    return result


@number
def worst_outlier_loss(fraction: str) -> str:
    """The largest excess of the moment filter's error over that of the sample mean, rounded up."""
    return f"{math.ceil(1000 * largest_loss(rows('worst_outliers'), MOMENT)[float(fraction)]) / 1000:.3f}"
