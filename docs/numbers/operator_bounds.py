"""Operator norms and the cut norm beside other programs."""

from __future__ import annotations

import math
from collections.abc import Iterator

from benchmarks.operator_bounds import STARTS, TOLERANCE, peer_ratios
from docs.numbers.registry import Row, Table, count, digits, number, percent, power, rows, seconds, table
from docs.numbers.sums_of_squares import ending

BENCHMARK = "operator_bounds"
METHODS = ("hypernorm", "SCS", "SCS, eps=1e-6", "Clarabel")
EXPONENTS = {"inf": "∞"}


def duration(value: float) -> str:
    """A time, in milliseconds if it is short."""
    return seconds(value) if value >= 0.1 else f"{digits(1000 * value)} ms"


@table(BENCHMARK, "relaxation")
def operator_relaxations() -> Table:
    """Proved intervals by the relaxation, by size."""
    result = [["n", "time", "verification", "upper bound over lower", "over the relaxation", "peak memory"]]
    for row in rows(BENCHMARK, "relaxation"):
        if "ended" in row:
            result.append([f"{row['n']:,}", ending(row), "", "", "", ""])
            continue
        excess = power(row["over the relaxation, less 1"], up=True)
        times = seconds(row["seconds"]), duration(row["verify, s"])
        memory = f"{row['solve_gigabytes']:.1f} GiB"
        result.append([f"{row['n']:,}", *times, f"{1 + row['gap']:.2f}", f"1 + {excess}", memory])
    return result


@table(BENCHMARK, "peers")
def operator_relaxation_peers() -> Table:
    """Times of the relaxation, and by how much the proved bounds exceed it."""
    shown = {(row["n"], row["method"]): row for row in peer_ratios(rows(BENCHMARK, "peers"))}
    result = [["n", "hypernorm", "SCS", "SCS, `eps=1e-6`", "Clarabel"]]
    for n in sorted({n for n, _ in shown}):
        result.append([str(n), *(_time_and_excess(shown.get((n, method))) for method in METHODS)])
    return result


def _time_and_excess(row: Row | None) -> str:
    if row is None or "ended" in row:
        return ending(row) if row else "not measured"
    return f"{duration(row['seconds'])}, {power(row['proved over the relaxation, less 1'], up=True)}"


@number
def operator_tolerance() -> str:
    """The tolerance of the power method from random starts."""
    return f"$2^{{{math.log2(TOLERANCE):.0f}}}$"


@number
def operator_claims_below() -> str:
    """How many values of conic solvers are below that of a feasible point of the same relaxation."""
    claims = [
        row["claimed over the relaxation, less 1"] < 0
        for row in peer_ratios(rows(BENCHMARK, "peers"))
        if row["method"] != "hypernorm" and "ended" not in row
    ]
    return count(sum(claims), len(claims))


@table(BENCHMARK, "enumeration")
def operator_enumerations() -> Table:
    """The enumeration of signs, and the same by numpy."""
    result = [["columns", "hypernorm, with proof", "verification", "numpy"]]
    for row in rows(BENCHMARK, "enumeration"):
        result.append([str(row["n"]), *(duration(row[name]) for name in ("seconds", "verify, s", "numpy, s"))])
    return result


@table(BENCHMARK, "cut")
def cut_norm_peers() -> Table:
    """How often the bounds on cut norms miss, and by how much."""
    result = [
        [
            "rows and columns",
            "method",
            "matrices",
            "sets below the cut norm",
            "by at most",
            "upper bound below it",
            "above it",
            "by at most",
            "time for a matrix",
        ]
    ]
    groups = dict.fromkeys((row["least"], row["most"], row["method"]) for row in rows(BENCHMARK, "cut"))
    for least, most, method in groups:
        same = [row for row in rows(BENCHMARK, "cut") if (row["least"], row["method"]) == (least, method)]
        name = f"`{method}`" if method != "hypernorm" else method
        sizes = f"{least} to {most}"
        if any("ended" in row for row in same):
            result.append([sizes, name, "", *[""] * 5, "not installed"])
            continue
        total = sum(row["count"] for row in same)
        below, under, above = (sum(row[key] for row in same) for key in ("lower below", "upper below", "upper above"))
        short, over = (max(row[f"{key} by at most"] for row in same) for key in ("lower short", "upper over"))
        time = sum(row["count"] * row["seconds a matrix"] for row in same) / total
        misses = (str(below), _share(short), str(under), str(above), _share(over))
        result.append([sizes, name, str(total), *misses, duration(time)])
    return result


def _share(value: float) -> str:
    """A share by which a bound misses; rounding alone is nothing."""
    return "0" if value <= 1e-6 else percent(value, up=True)


@table(BENCHMARK, "starts")
def operator_starts() -> Table:
    """Proved lower bounds beside the power method from random starts."""
    result = [
        [
            "p → q",
            "matrices",
            "one start below",
            "by at most",
            f"{STARTS} starts below",
            "by at most",
            "hypernorm below",
            "time, hypernorm",
            "time, one start",
        ]
    ]
    for name, same in _pairs("one start"):
        total = sum(row["count"] for row in same)
        cells = []
        for key in ("peer", f"{STARTS} starts"):
            below, short = sum(row[f"{key} below"] for row in same), max(row[f"{key} short by at most"] for row in same)
            cells += [count(below, total), _share(short)]
        ours = sum(max(row["hypernorm below peer"], row[f"hypernorm below {STARTS} starts"]) for row in same)
        times = (duration(sum(row[f"{key}, s"] for row in same) / len(same)) for key in ("hypernorm", "peer"))
        result.append([name, str(total), *cells, str(ours), *times])
    return result


@table(BENCHMARK, "starts")
def operator_norms_of_numpy() -> Table:
    """Proved norms beside those of numpy."""
    result = [["p = q", "matrices", "largest difference", "time, hypernorm", "time, numpy"]]
    for name, same in _pairs("numpy.linalg.norm"):
        apart = max(row[key] for row in same for key in ("peer short by at most", "hypernorm short of peer by at most"))
        times = (1e6 * sum(row[f"{key}, s"] for row in same) / len(same) for key in ("hypernorm", "peer"))
        total = str(sum(row["count"] for row in same))
        result.append([name.split(" ")[0], total, power(apart, up=True), *(f"{digits(time)} µs" for time in times)])
    return result


def _pairs(peer: str) -> Iterator[tuple[str, list[Row]]]:
    """The rows of each pair of exponents, and its name."""
    found = [row for row in rows(BENCHMARK, "starts") if row["peer"] == peer]
    for p, q in dict.fromkeys((row["p"], row["q"]) for row in found):
        name = " → ".join(EXPONENTS.get(exponent, exponent) for exponent in (p, q))
        yield name, [row for row in found if (row["p"], row["q"]) == (p, q)]
