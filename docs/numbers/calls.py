"""What one call costs, by the size of the matrix."""

from __future__ import annotations

from docs.numbers.registry import Row, Table, digits, percent, power, rows, seconds, table

BENCHMARK = "calls"


def _gap(row: Row) -> str:
    """The gap, rounded up."""
    return percent(row["gap"], 1, up=True) if row["gap"] >= 1e-3 else power(max(row["gap"], 1e-16), up=True)


def _cost(row: Row) -> list[str]:
    if "seconds" not in row:
        return [row["ended"], "", "", ""]
    return [row["kind"], _gap(row), seconds(row["seconds"]), digits(row["peak_gigabytes"])]


_COSTS = ["certificate", "gap", "time", "peak memory, GiB"]


@table(BENCHMARK, "two_to_q")
def two_to_q_costs() -> Table:
    """The call `two_to_q_norm`: certificate, gap, time and memory by size."""
    result = [["norm", "n × d", "matrix", *_COSTS]]
    for row in rows(BENCHMARK, "two_to_q"):
        result.append([row["call"], f"{row['n']:,} × {row['d']:,}", row["matrix"], *_cost(row)])
    return result


@table(BENCHMARK, "others")
def other_costs() -> Table:
    """The same of other norms, of Gaussian matrices."""
    result = [["norm", "n × d", *_COSTS]]
    for row in rows(BENCHMARK, "others"):
        result.append([row["call"], f"{row['n']:,} × {row['d']:,}", *_cost(row)])
    return result
