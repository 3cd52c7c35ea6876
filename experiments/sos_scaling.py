"""Time and memory of sum-of-squares certificates as functions of the number of columns.

Claim: the structured solver proves an interval of relative width 1e-5 for every tried matrix up to d = 100, is faster
than SCS and Clarabel at every size d ≥ 20, and needs little more memory than 48 D² bytes for Gram matrices with
D = d(d+1)/2 rows. For d ≥ 60 SCS and Clarabel have no result within several times its time and 16 GiB.

Refuted by a larger gap, by a shorter time of another solver, by a peak above 48 D² bytes plus half a gibibyte, or by a
result of SCS or Clarabel at d = 60 or more.

Nothing is measured here: the rows are those of `python -m benchmarks.sums_of_squares`, which fixes the threads and
proves every bound. The times of hypernorm include the search for a vector and the proof; those of SCS and Clarabel are
their own solve times.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np

from experiments.runner import RESULTS, Row, read
from experiments.tables import markdown

WIDEST_GAP = 1e-5
LIMIT_GIGABYTES = 16
ROOM_GIGABYTES = 0.5
SOLVERS = {"hypernorm": "hypernorm", "SCS": "SCS", "CLARABEL": "Clarabel"}


def times(folder: Path = RESULTS) -> list[Row]:
    """Solver, columns, family and seconds of every run on file; without a result, how it ended and its time limit."""
    rows = []
    for row in read("sums_of_squares", "peers", folder):
        rows.append({**_case(row, "hypernorm"), "seconds": row["seconds"], "gap": row["gap"]})
        rows.append({**_case(row, "SCS"), "seconds": row["scs_seconds"], "gap": row["scs_gap"]})
    for row in read("sums_of_squares", "scale", folder):
        rows.append({**_case(row, "hypernorm"), "seconds": row["seconds"], "gap": row["gap"]})
    for row in read("sums_of_squares", "agreement", folder):
        rows.append({**_case(row, SOLVERS[row["solver"]]), "seconds": row["conic_seconds"]})
    for row in read("sums_of_squares", "conic_scale", folder):
        outcome = {name: row[name] for name in ("seconds", "gap", "ended", "limit") if name in row}
        rows.append({**_case(row, SOLVERS[row["solver"]]), **outcome})
    return rows


def _case(row: Row, solver: str) -> Row:
    return {"solver": solver, "d": row["d"], "family": row["family"]}


def memory(folder: Path = RESULTS) -> list[Row]:
    """Columns and peak gibibytes of the solves that determined the peak of their process.

    A peak that is equal to the byte at several sizes is left out, since it was reached before the solve.
    """
    rows = read("sums_of_squares", "scale", folder)
    sizes: dict[float, set[int]] = {}
    for row in rows:
        sizes.setdefault(row["solve_gigabytes"], set()).add(row["d"])
    return [
        {"d": row["d"], "gigabytes": row["solve_gigabytes"]} for row in rows if len(sizes[row["solve_gigabytes"]]) == 1
    ]


def gram_gigabytes(d: float) -> float:
    """Memory of six matrices of size D = d(d+1)/2: 48 D² bytes."""
    return 48 * (d * (d + 1) / 2) ** 2 / 2**30


def schur_gigabytes(d: float) -> float:
    """Memory of the dense Schur complement of an interior-point method, with C(d+3, 4) rows, one per monomial."""
    return 8 * (d * (d + 1) * (d + 2) * (d + 3) / 24) ** 2 / 2**30


def growth(rows: list[Row], solver: str, smallest: int) -> float:
    """Exponent of a power law in d, fitted to the logarithms of the times from `smallest` columns on."""
    same = [row for row in rows if row["solver"] == solver and row["d"] >= smallest and "seconds" in row]
    return float(np.polyfit([math.log(row["d"]) for row in same], [math.log(row["seconds"]) for row in same], 1)[0])


def medians(rows: list[Row]) -> dict[tuple[str, int], float]:
    """Median seconds of each solver and number of columns."""
    groups: dict[tuple[str, int], list[float]] = {}
    for row in rows:
        if "seconds" in row:
            groups.setdefault((row["solver"], row["d"]), []).append(row["seconds"])
    return {key: float(np.median(values)) for key, values in sorted(groups.items())}


def table(rows: list[Row]) -> str:
    """Markdown table of the median times, and of runs without a result."""
    lines: list[list[object]] = []
    middle = medians(rows)
    for d in sorted({row["d"] for row in rows}):
        cells = []
        for solver in SOLVERS.values():
            ended = [row["ended"] for row in rows if (row["solver"], row["d"]) == (solver, d) and "ended" in row]
            cells.append(f"{middle[solver, d]:.3g}" if (solver, d) in middle else ended[0] if ended else "")
        lines.append([d, *cells])
    return markdown(["d", *(f"{name}, s" for name in SOLVERS.values())], lines)


def verdict(rows: list[Row], peaks: list[Row]) -> str:
    """Whether the claim stands, with the deciding numbers."""
    middle = medians(rows)
    ours = [row for row in rows if row["solver"] == "hypernorm"]
    slower = [
        d
        for (solver, d), value in middle.items()
        if solver != "hypernorm" and d >= 20 and value < middle.get(("hypernorm", d), math.inf)
    ]
    large = [row for row in rows if row["solver"] != "hypernorm" and row["d"] >= 60]
    finished = [row for row in large if "ended" not in row]
    above = [row for row in peaks if row["gigabytes"] > gram_gigabytes(row["d"]) + ROOM_GIGABYTES]
    widest = max(row["gap"] for row in ours)
    stands = widest <= WIDEST_GAP and not slower and not finished and not above
    beyond = [row["gigabytes"] - gram_gigabytes(row["d"]) for row in peaks]
    return (
        f"Verdict: {'stands' if stands else 'REFUTED'}: {len(ours)} solves up to d = {max(row['d'] for row in ours)}, "
        f"gap at most {widest:.1e}; time grows as d^{growth(rows, 'hypernorm', 40):.1f} from d = 40 on, that of SCS as "
        f"d^{growth(rows, 'SCS', 20):.1f} from d = 20 to 40; SCS and Clarabel are faster at {slower or 'no'} sizes of "
        f"d ≥ 20 and finished {len(finished)} of {len(large)} runs from d = 60 on; {len(peaks)} known peaks exceed "
        f"48 D² bytes by {max(beyond, default=math.nan):.2f} GiB at most."
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--preset", choices=("quick", "paper"), help="either way, the rows on file are read")
    parser.parse_args()
    on_file = times()
    print(f"{table(on_file)}\n{verdict(on_file, memory())}")
