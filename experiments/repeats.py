"""Repeats of a trial: values of several methods on the same samples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.stats import t

from experiments.runner import Row

__all__ = ["Cells", "better_than", "cells", "groups", "mean_and_error"]

Cells = dict[tuple, dict[str, np.ndarray]]
"""For each cell, such as an adversary and ε, the values of every method, one per repeat."""


def groups(rows: Iterable[Row], part: str, *keys: str) -> dict[tuple, list[Row]]:
    """The rows of a part, grouped by the given keys."""
    found: dict[tuple, list[Row]] = {}
    for row in rows:
        if row["part"] == part:
            found.setdefault(tuple(row[key] for key in keys), []).append(row)
    return found


def cells(rows: Iterable[Row], part: str, keys: Sequence[str], values: str) -> Cells:
    """The values of the rows of a part, grouped by the given keys."""
    return {
        place: {name: np.array([row[values][name] for row in same]) for name in same[0][values]}
        for place, same in groups(rows, part, *keys).items()
    }


def mean_and_error(values: np.ndarray) -> tuple[float, float]:
    """Mean and its standard error, which is NaN for one value."""
    spread = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return float(values.mean()), float(spread)


def better_than(ours: str, others: Iterable[str], values: dict[str, np.ndarray]) -> list[str]:
    """Other methods whose mean is lower than ours, by Student's paired test at the level of 2.5%."""
    found = []
    for name in others:
        gain, error = mean_and_error(values[ours] - values[name])
        if gain > t.ppf(0.975, len(values[name]) - 1) * error:
            found.append(name)
    return found
