"""How the proofs were attacked, and what was counted."""

from __future__ import annotations

from checks.forgeries import OUTCOMES, totals
from docs.numbers.registry import Table, head, percent, rows, table


@table("forgeries")
def forgeries() -> Table:
    """Forgeries by kind of proof: refused, true all the same, and false."""
    result = [["kind", "forged", "refused", "true", "false"]]
    for row in totals(rows("forgeries")):
        result.append([str(row["kind"]), *(f"{row[name]:,}" for name in ("count", *OUTCOMES))])
    return result


@table("mutation")
def mutation() -> Table:
    """Mutants of the checker before and since: made, tried, noticed by a test, explained, neither."""
    result = [["", "made", "tried", "noticed", "explained", "neither", "noticed or explained, of those tried"]]
    for name, part in (("before", "baseline"), ("since", "paper")):
        same = rows("mutation", part)
        noticed = sum(row["result"] == "killed" for row in same)
        explained = sum(row["result"] != "killed" and row.get("explained", False) for row in same)
        rest = len(same) - noticed - explained
        counts = (head("mutation", part)["mutants"], len(same), noticed, explained, rest)
        result.append([name, *(f"{value:,}" for value in counts), percent(1 - rest / len(same))])
    return result


@table("fuzz")
def fuzz() -> Table:
    """Inputs tried by target, with the branches reached."""
    result = [["readers", "seconds", "inputs", "edges", "corpus", "findings"]]
    for row in rows("fuzz"):
        numbers = (row["seconds"], row["executions"], row["edges"], row["corpus"], row["findings"])
        result.append([row["target"], *(f"{value:,.0f}" for value in numbers)])
    return result


@table("hostile_files", "files")
def hostile_files() -> Table:
    """Seconds and memory for files that are made to cost much."""
    result = [["file", "bytes", "seconds", "peak memory", "outcome"]]
    for row in rows("hostile_files", "files"):
        outcome = "refused" if "Error" in row["outcome"] else "read"
        cells = (f"{row['bytes']:,}", f"{row['seconds']:.2f}", f"{row['peak MB']:.0f} MB")
        result.append([row["file"], *cells, outcome])
    return result
