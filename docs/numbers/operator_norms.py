"""Bounds on operator norms over the square of exponents."""

from __future__ import annotations

import hypernorm as hn
from docs.numbers.registry import Table, digits, number, rows, table
from experiments.operator_norms import cells, region, worst


@table("operator_norms")
def operator_norm_regions() -> Table:
    """The worst ratios of the bounds in each region."""
    result = [["region", "columns", "cells", "worst bound over the best vector", "at most this share of the factor"]]
    for (name, n), (ratio, share, count) in worst(rows("operator_norms")).items():
        result.append([name, str(n), f"{count:,}", f"{ratio:.3f}", f"{share:.3f}"])
    return result


@number
def operator_norm_worst() -> str:
    """The largest ratio of a proved bound to the best vector."""
    return digits(max(ratio for *_, ratio, _ in cells(rows("operator_norms"))), 3)


@number
def operator_norm_cells() -> str:
    """The number of pairs of a matrix and two exponents."""
    return f"{len(list(cells(rows('operator_norms')))):,}"


@number
def operator_factor(p: str, q: str, n: str) -> str:
    """The proved factor for square matrices."""
    return f"{hn.operator_approximation_factor(float(p), float(q), int(n), int(n)):.2f}"


@number
def operator_region(p: str, q: str, n: str) -> str:
    """The largest ratio of a proved bound to the best vector in the region of p and q, for matrices of n columns."""
    ratio, _, _ = worst(rows("operator_norms"))[region(float(p), float(q)), int(n)]
    return f"{ratio:.2f}"
