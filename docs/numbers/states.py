"""The best separable state value: known values, levels, and how often level 1 suffices."""

from __future__ import annotations

from statistics import median

from docs.numbers.registry import Row, Table, count, number, percent, power, rows, table
from experiments.separable_states import closes, exact

FAMILIES = {
    "Gaussian": "Gaussian, complex",
    "projector": "projector, complex",
    "Gaussian, real": "Gaussian, real vectors",
    "projector, real": "projector, real vectors",
}


def _random(**values: object) -> list[Row]:
    same = [row for row in rows("separable_states") if row["part"] == "random"]
    return [row for row in same if all(row[key] == value for key, value in values.items())]


@table("separable_states")
def separable_values() -> Table:
    """Medians over complex projectors of half rank: the eigenvalue, both levels where tried, and the see-saw."""
    result = [["dimensions", "projectors", "eigenvalue", "level 1", "level 2", "product vector found"]]
    for a, b in sorted({(row["a"], row["b"]) for row in _random(family="projector")}):
        same = _random(family="projector", a=a, b=b)
        first, second = (row["upper"] for row in same), [row.get("second_upper", row["upper"]) for row in same]
        known = all("second_upper" in row or exact(row) for row in same)
        found = median(max(row["lower"], row.get("second_lower", 0)) for row in same)
        values = [f"{value:.4f}" for value in (median(row["norm"] for row in same), median(first))]
        cells = [*values, f"{median(second):.4f}" if known else "", f"{found:.4f}"]
        result.append([f"{a} × {b}", str(len(same)), *cells])
    return result


@table("separable_states")
def level_one() -> Table:
    """How often level 1 meets the see-saw; in brackets the median gap of the others."""
    sizes = sorted({(row["a"], row["b"]) for row in _random()})
    result = [["dimensions", *FAMILIES.values()]]
    for a, b in sizes:
        cells = []
        for family in FAMILIES:
            same = _random(family=family, a=a, b=b)
            gaps = [row["gap"] for row in same if not exact(row)]
            cells.append(count(len(same) - len(gaps), len(same)) + (f" ({power(median(gaps))})" if gaps else ""))
        result.append([f"{a} × {b}", *cells])
    return result


@number
def level_two(what: str) -> str:
    """What level 2 made of the gaps of level 1 where it was tried."""
    tried = [row for row in _random() if "second_gap" in row]
    if what == "gap":
        return percent(max(row["gap"] for row in tried), 1, up=True)
    return count(sum(closes(row) for row in tried), len(tried))


@number
def undecided(what: str) -> str:
    """The matrices with a gap at level 1 on which level 2 was not tried."""
    rest = [row for row in _random() if "second_gap" not in row and not exact(row)]
    return percent(max(row["gap"] for row in rest), 1, up=True) if what == "gap" else str(len(rest))


@number
def known_distance() -> str:
    """How far an end of an interval is from a known value at most."""
    same = [row for row in rows("separable_states") if row["part"] == "known"]
    return power(max(max(row["value"] - row["lower"], row["upper"] - row["value"]) for row in same), up=True)
