"""The structured solver for sums of squares: beside conic solvers, by size, and stopped early."""

from __future__ import annotations

from statistics import median

from docs.numbers.registry import Table, count, digits, number, one, percent, power, rows, seconds, span, table

BENCHMARK = "sums_of_squares"


def ending(row: dict) -> str:
    """The time of a run, or how it ended without a result."""
    if "ended" not in row:
        return seconds(row["seconds"])
    return "out of memory" if "memory" in row["ended"] else row["ended"].replace("time-out after", "stopped after")


def family(row: dict) -> str:
    """The kind of matrix in a word."""
    return "signs" if row["family"].startswith("sign") else "Gaussian"


@table(BENCHMARK, "peers")
def conic_times() -> Table:
    """A proved interval of relative width 10⁻⁶ beside the solve time of SCS."""
    result = [["columns", "matrices", "hypernorm, search and proof", "SCS through cvxpy", "ratio"]]
    for d in sorted({row["d"] for row in rows(BENCHMARK, "peers")}):
        same = [row for row in rows(BENCHMARK, "peers") if row["d"] == d]
        ours, theirs = (median(row[key] for row in same) for key in ("seconds", "scs_seconds"))
        result.append([str(d), str(len(same)), seconds(ours), seconds(theirs), f"{theirs / ours:.0f}"])
    return result


@number
def peer_seconds(solver: str, d: str) -> str:
    """The median time of hypernorm or SCS to relative width or tolerance 10⁻⁶."""
    key = {"hypernorm": "seconds", "SCS": "scs_seconds"}[solver]
    return seconds(median(row[key] for row in rows(BENCHMARK, "peers") if row["d"] == int(d)))


@table(BENCHMARK, "scale")
def conic_sizes() -> Table:
    """Larger matrices of signs, where the conic solvers do not arrive."""
    others = {(row["solver"], row["d"]): row for row in rows(BENCHMARK, "conic_scale")}
    result = [["columns", "hypernorm", "proved gap", "SCS", "Clarabel"]]
    for row in rows(BENCHMARK, "scale"):
        if ("SCS", row["d"]) in others and family(row) == "signs":
            endings = [ending(others[solver, row["d"]]) for solver in ("SCS", "CLARABEL")]
            result.append([str(row["d"]), seconds(row["seconds"]), power(row["gap"]), *endings])
    return result


@table(BENCHMARK, "scale")
def sizes() -> Table:
    """Time, matrix products, gap, verification and memory by number of columns."""
    result = [["columns", "D", "matrix", "time", "matrix products", "gap", "verification", "exact", "peak memory"]]
    for row in rows(BENCHMARK, "scale"):
        exact = seconds(row["exact_seconds"]) if row.get("exact_seconds") else ""
        times = (seconds(row["seconds"]), digits(row["products"]), power(row["gap"]), seconds(row["verify_seconds"]))
        memory = f"{row['solve_gigabytes']:.1f} GiB"
        result.append([str(row["d"]), f"{row['D']:,}", family(row), *times, exact, memory])
    return result


@number
def size_seconds(d: str, kind: str = "seconds") -> str:
    """The time for a matrix of signs with d columns; with `verify` or `exact` that of its certificate's check."""
    row = one(BENCHMARK, "scale", d=int(d), family="sign n=4d")
    return seconds(row[kind if kind == "seconds" else f"{kind}_seconds"])


@table(BENCHMARK, "agreement")
def agreement() -> Table:
    """The largest relative difference between the bounds of two solvers, both proved by the same checker."""
    result = [["solver", "columns", "matrices", "largest difference of the bounds"]]
    for solver in dict.fromkeys(row["solver"] for row in rows(BENCHMARK, "agreement")):
        same = [row for row in rows(BENCHMARK, "agreement") if row["solver"] == solver]
        columns = [row["d"] for row in same]
        largest = max(abs(row["difference"]) for row in same)
        name = solver.replace("CLARABEL", "Clarabel")
        result.append([name, f"{min(columns)} to {max(columns)}", str(len(same)), power(largest)])
    return result


@number
def search_losses(search: str, what: str) -> str:
    """On how many sign matrices a search without relaxation ends below the norm, and by how much."""
    losses = [row[f"{search}_loss"] for row in rows(BENCHMARK, "restarts")]
    lost = [loss for loss in losses if loss > 1e-6]
    return count(len(lost), len(losses)) if what == "count" else f"{span(100 * min(lost), 100 * max(lost), 1)}%"


@number
def stopped_early(what: str) -> str:
    """A solve of 80 columns that was stopped after some seconds and went on."""
    row = one(BENCHMARK, "interruption", d=80)
    if what in ("stopped", "realigned"):
        return percent(row[what] - 1, 1 if what == "stopped" else 0)
    if what == "limit":
        return f"{row['stop']:g} s"
    return seconds(row[f"{what}_seconds"])


@table(BENCHMARK, "degrees")
def higher_degrees() -> Table:
    """Gap and time for designs, forms on which degree 4 is not exact, and random matrices at q = 6 and 8."""
    result = [["matrix", "q", "degree", "gap", "excess of the form over its maximum", "time"]]
    for row in rows(BENCHMARK, "degrees"):
        excess = "" if row["excess_of_form"] is None else power(row["excess_of_form"])
        degree = str(row["degree"] or f"{row['q']:g}")
        name = row["name"].split(", q=")[0].replace("gaussian", "Gaussian").replace("d=", "d = ")
        result.append([name, f"{row['q']:g}", degree, power(row["gap"]), excess, seconds(row["seconds"])])
    return result


@number
def form_excess(name: str, degree: str) -> str:
    """By how much the bound on a form exceeds its maximum."""
    row = one(BENCHMARK, "degrees", name=name, degree=int(degree))
    return f"{row['excess_of_form']:.4f}" if row["excess_of_form"] > 1e-3 else power(row["excess_of_form"])


@number
def norm_excess(name: str, degree: str) -> str:
    """By how much the bound on the norm exceeds the norm."""
    return percent(one(BENCHMARK, "degrees", name=name, degree=int(degree))["gap"], 1)


@table(BENCHMARK, "cube")
def cubes() -> Table:
    """The largest fourth moment of functions of degree at most 2 on the cube, proved from both sides."""
    result = [["dimension of the cube", "columns", "largest E f⁴, at least", "at most", "time"]]
    for row in rows(BENCHMARK, "cube"):
        ends = [f"{row[end]:.6f}" for end in ("lower", "upper")]
        result.append([str(row["n"]), str(row["d"]), *ends, seconds(row["seconds"])])
    return result


@table(BENCHMARK, "data")
def real_data() -> Table:
    """Gap and time for bundled data."""
    result = [["data", "size", "degree", "gap", "time"]]
    for row in rows(BENCHMARK, "data"):
        name, size = row["name"].replace("_", " "), f"{row['n']:,} × {row['d']}"
        result.append([name, size, str(row["degree"]), power(row["gap"]), seconds(row["seconds"])])
    return result
