"""The tables of the comparison with other programs, computed from the results on file and never typed."""

from __future__ import annotations

import json
import re
from statistics import median

from checks.forgeries import OUTCOMES, totals
from experiments.gauss_markov_study import METHODS, compare, outcome
from experiments.runner import RESULTS, Row, read
from experiments.separable_states import exact
from experiments.small_sets import LARGE, MEASURES, pair
from experiments.tables import markdown

__all__ = ["TABLES", "machine", "text"]

Table = list[list[str]]


def machine(name: str, part: str) -> str:
    """Where a file of results was measured."""
    head = _head(name, part)
    return f"{head['cores']} cores of an {head['processor']}, numpy {head['numpy']}"


def _head(name: str, part: str) -> Row:
    with (RESULTS / name / f"{part}.jsonl").open(encoding="utf-8") as file:
        return dict(json.loads(file.readline()))


def text(table: Table) -> str:
    """A table in Markdown."""
    return markdown(table[0], table[1:])


def conic_times() -> Table:
    """A proved interval of relative width 10⁻⁶ beside the solve time of SCS."""
    rows = read("sums_of_squares", "peers")
    table = [["columns", "matrices", "hypernorm, search and proof", "SCS through cvxpy", "ratio"]]
    for d in sorted({row["d"] for row in rows}):
        same = [row for row in rows if row["d"] == d]
        ours, theirs = (median(row[key] for row in same) for key in ("seconds", "scs_seconds"))
        table.append([str(d), str(len(same)), _seconds(ours), _seconds(theirs), f"{theirs / ours:.0f}"])
    return table


def conic_sizes() -> Table:
    """Larger matrices of signs, where the conic solvers do not arrive."""
    others = {(row["solver"], row["d"]): row for row in read("sums_of_squares", "conic_scale")}
    table = [["columns", "hypernorm", "proved gap", "SCS", "Clarabel"]]
    for row in read("sums_of_squares", "scale"):
        if ("SCS", row["d"]) in others and row["family"].startswith("sign"):
            endings = [_ending(others[solver, row["d"]]) for solver in ("SCS", "CLARABEL")]
            table.append([str(row["d"]), _seconds(row["seconds"]), f"{row['gap']:.0e}", *endings])
    return table


def agreement() -> Table:
    """The largest relative difference between the bounds of two solvers, both proved by the same checker."""
    rows = read("sums_of_squares", "agreement")
    table = [["solver", "columns", "matrices", "largest difference of the bounds"]]
    for solver in dict.fromkeys(row["solver"] for row in rows):
        same = [row for row in rows if row["solver"] == solver]
        sizes = [row["d"] for row in same]
        largest = max(abs(row["difference"]) for row in same)
        table.append(
            [solver.replace("CLARABEL", "Clarabel"), f"{min(sizes)} to {max(sizes)}", str(len(same)), f"{largest:.0e}"]
        )
    return table


def dictionaries() -> Table:
    """Time and error of every method at its tightest tolerance."""
    rows: dict[tuple[str, float], Row] = {}
    for row in read("dictionary_learning", "same_error") + read("dictionary_learning", "slow"):
        rows.setdefault((row["method"], row["theta"]), row)
    names = {
        "ℓ3, whitened": "hypernorm, p = 3",
        "ℓ3": "hypernorm, p = 3, whiten=False",
        "ℓ3, refined": "hypernorm, p = 3, refine=True",
        "FastICA u|u|": "FastICA, contrast of p = 3",
        "FastICA logcosh": "FastICA",
    }
    thetas = sorted({theta for _, theta in rows})
    table = [["method", *(f"θ = {theta:g}" for theta in thetas)]]
    for method in dict.fromkeys(method for method, _ in rows):
        table.append([names.get(method, method), *(_time_and_error(rows[method, theta]) for theta in thetas)])
    return table


def regressions() -> Table:
    """Mean error relative to ridge regression; won or lost: beyond two standard errors of the paired difference."""
    groups: dict[str, dict[str, list[Row]]] = {}
    for row in compare(read("gauss_markov_study", "paper")):
        alignment = re.search(r"a = \d+", row["problem"])
        group = f"synthetic, {alignment.group()}" if alignment else "data"
        groups.setdefault(group, {}).setdefault(row["method"], []).append(row)
    names = {"nuclear": "hypernorm, p = 1", "spectral": "hypernorm, p = ∞", "chosen norm": "hypernorm, chosen p"}
    shown = [method for method in METHODS if method != "ridge" and "penalties" not in method]
    table = [["method", *(f"{group} ({len(methods['ridge'])})" for group, methods in groups.items())]]
    for method in shown:
        table.append([names.get(method, method), *(_against_ridge(rows[method]) for rows in groups.values())])
    return table


def ridge_paths() -> Table:
    """SchattenRegressorCV beside scikit-learn's RidgeCV, the same penalties, folds and score."""
    table = [["100 penalties", "RidgeCV", "SchattenRegressorCV, p = 2", "five norms"]]
    for part, name in (("path", "five folds"), ("loo", "leave-one-out")):
        (row,) = read("linear_model", part)
        five = _seconds(row["five norms, s"]) if "five norms, s" in row else ""
        size = f"{name}, {row['n']:,} × {row['d']}"
        table.append([size, _seconds(row["RidgeCV, s"]), _seconds(row["one norm, s"]), five])
    return table


def robust_speed() -> Table:
    """Seconds and errors of robust means of many samples in many dimensions."""
    table = [["method", "time", "distance from the mean of the inliers", "proved bound on it"]]
    for row in read("robust", "peers"):
        numbers = [f"{row[name]:.2g}" if name in row else "" for name in ("error", "error_bound")]
        table.append([row["method"], _ending(row), *numbers])
    return table


def separable_values() -> Table:
    """Medians over complex projectors of half rank: the eigenvalue, both levels where tried, and the see-saw."""
    table = [["dimensions", "projectors", "eigenvalue", "level 1", "level 2", "product vector found"]]
    rows = [row for row in read("separable_states", "paper") if row.get("family") == "projector"]
    for a, b in sorted({(row["a"], row["b"]) for row in rows}):
        same = [row for row in rows if (row["a"], row["b"]) == (a, b)]
        first, second = (row["upper"] for row in same), [row.get("second_upper", row["upper"]) for row in same]
        known = all("second_upper" in row or exact(row) for row in same)
        table.append(
            [
                f"{a} × {b}",
                str(len(same)),
                f"{median(row['norm'] for row in same):.4f}",
                f"{median(first):.4f}",
                f"{median(second):.4f}" if known else "",
                f"{median(max(row['lower'], row.get('second_lower', 0)) for row in same):.4f}",
            ]
        )
    return table


def small_sets() -> Table:
    """The proved bound on the expansion of small sets relative to the spectral one, and to the best set found."""
    rows = read("small_sets", "paper")
    head = ["measure at most", "graphs", "proved/spectral, least", "median", "largest", "proved/found, median"]
    table = [head]
    for measure in MEASURES:
        families = dict.fromkeys(row["family"] for row in rows if row["measure"] == measure and row["family"] in LARGE)
        pairs = [pair(rows, family, measure) for family in families]
        proved = [max(row["bound"] for row in same) for same in pairs]
        gains = [bound / same[0]["spectral"] for bound, same in zip(proved, pairs, strict=True)]
        reached = [bound / min(row["found"] for row in same) for bound, same in zip(proved, pairs, strict=True)]
        numbers = [min(gains), median(gains), max(gains), median(reached)]
        table.append([f"1/{1 / measure:.0f}", str(len(pairs)), *(f"{number:.2f}" for number in numbers)])
    return table


def forged_proofs() -> Table:
    """Forgeries by kind of proof: refused, true all the same, and false."""
    table = [["kind", "forged", "refused", "true", "false"]]
    for row in totals(read("forgeries", "paper")):
        table.append([str(row["kind"]), *(f"{row[name]:,}" for name in ("count", *OUTCOMES))])
    return table


def planted_faults() -> Table:
    """Mutants of the checker before and now: made, tried, noticed by a test, explained, neither."""
    table = [["", "made", "tried", "noticed", "explained", "neither", "noticed or explained, of those tried"]]
    for name, part in (("before", "baseline"), ("now", "paper")):
        rows = read("mutation", part)
        noticed = sum(row["result"] == "killed" for row in rows)
        explained = sum(row["result"] != "killed" and row.get("explained", False) for row in rows)
        rest = len(rows) - noticed - explained
        counts = (_head("mutation", part)["mutants"], len(rows), noticed, explained, rest)
        table.append([name, *(f"{count:,}" for count in counts), f"{100 * (1 - rest / len(rows)):.0f} %"])
    return table


def fuzzed_readers() -> Table:
    """Inputs tried by target, with the branches reached."""
    table = [["readers", "seconds", "inputs", "edges", "corpus", "findings"]]
    for row in read("fuzz", "paper"):
        numbers = (row["seconds"], row["executions"], row["edges"], row["corpus"], row["findings"])
        table.append([row["target"], *(f"{number:,.0f}" for number in numbers)])
    return table


def hostile_files() -> Table:
    """Seconds and memory for files that are made to cost much."""
    table = [["file", "bytes", "seconds", "peak memory", "outcome"]]
    for row in read("hostile_files", "files"):
        outcome = "refused" if "Error" in row["outcome"] else "read"
        table.append([row["file"], f"{row['bytes']:,}", f"{row['seconds']:.2f}", f"{row['peak MB']:.0f} MB", outcome])
    return table


TABLES = {
    "forgeries": (forged_proofs, "forgeries", "paper"),
    "mutation": (planted_faults, "mutation", "paper"),
    "fuzz": (fuzzed_readers, "fuzz", "paper"),
    "hostile_files": (hostile_files, "hostile_files", "files"),
    "conic_times": (conic_times, "sums_of_squares", "peers"),
    "conic_sizes": (conic_sizes, "sums_of_squares", "scale"),
    "agreement": (agreement, "sums_of_squares", "agreement"),
    "dictionaries": (dictionaries, "dictionary_learning", "same_error"),
    "regressions": (regressions, "gauss_markov_study", "paper"),
    "ridge_paths": (ridge_paths, "linear_model", "path"),
    "robust_speed": (robust_speed, "robust", "peers"),
    "separable_values": (separable_values, "separable_states", "paper"),
    "small_sets": (small_sets, "small_sets", "paper"),
}
"""For each table the function that computes it and the results whose first line tells the machine."""


def _seconds(value: float) -> str:
    return f"{value:.2g} s" if value < 100 else f"{value:.0f} s"


def _ending(row: Row) -> str:
    if "ended" not in row:
        return _seconds(row["seconds"])
    return "out of memory" if "memory" in row["ended"] else row["ended"].replace("time-out after", "stopped after")


def _time_and_error(row: Row) -> str:
    return _ending(row) if "ended" in row else f"{_seconds(row['seconds'])}, {100 * row['error']:.2g} %"


def _against_ridge(rows: list[Row]) -> str:
    changes = [100 * row["difference"] / row["reference"] for row in rows]
    outcomes = [outcome(row) for row in rows]
    counted = {"won": outcomes.count("wins"), "lost": outcomes.count("loses")}
    words = [f"{count} {word}" for word, count in counted.items() if count] or ["ties"]
    return ", ".join([_range(min(changes), max(changes)), *words])


def _range(low: float, high: float) -> str:
    texts = [f"{value:+.0f}".replace("-", "−").replace("+0", "0").replace("−0", "0") for value in (low, high)]
    return f"{texts[0]} %" if texts[0] == texts[1] else f"{texts[0]} to {texts[1]} %"
