"""How far the bounds are from the norm in practice: ratios at q = 4, exactness of degree 4, other exponents."""

from __future__ import annotations

import math

import numpy as np

from docs.numbers.registry import Table, count, number, percent, power, rows, seconds, span, table
from experiments import approximation_factor, other_exponents, sos_exactness
from experiments.tables import markdown
from hypernorm import approximation_factor as proved_factor

FACTORS = {
    "row norm": "$(0.423d)^{1/4}$",
    "flattening": "$((d+2)/3)^{1/4}$",
    "realigned": "$(0.378d)^{1/8}$",
    "sum of squares": "$((d+2)/3)^{1/4}$",
}


@table("approximation_factor")
def certificates() -> Table:
    """Ratio of the upper bound to the norm by kind: proved, the worst known matrix, random 4d × d matrices."""
    known = rows("approximation_factor")
    result = [["certificate", "proved worst case", "worst matrix known, d = 80", *_random_columns(10, 40, 80)]]
    for name, factor in FACTORS.items():
        kind = {"sum of squares": "sos"}.get(name, name.replace(" ", "_"))
        worst = max(row[kind] or 1.0 for row in known if row["d"] == 80)
        cells = []
        for d in (10, 40, 80):
            same = [
                row
                for row in known
                if row["family"] in approximation_factor.RANDOM and row["rows"] == 4 * d == 4 * row["d"]
            ]
            ratios = [row[kind] for row in same if row[kind] is not None]
            exact = ratios and max(ratios) <= 1 + approximation_factor.EXACT
            cells.append("exact" if exact else span(min(ratios), max(ratios)) if ratios else "")
        result.append([name, factor, "see below" if kind == "sos" else f"{worst:.3f}", *cells])
    return result


def _random_columns(*sizes: int) -> list[str]:
    return [f"random, d = {d}" for d in sizes]


@table("approximation_factor")
def embeddings() -> Table:
    """The realigned bound on isometric embeddings, beside what is proved for every matrix."""
    result = [["d", "ratio on the embedding", "as a power of d", "proved for every matrix", "d to the power 1/8"]]
    for row in _family("isometric embedding"):
        proved = approximation_factor.sharper_factor(row["d"], "realigned")
        numbers = (approximation_factor.safe(row), approximation_factor.exponent(row), proved, row["d"] ** 0.125)
        result.append([str(row["d"]), *(f"{value:.3f}" for value in numbers)])
    return result


def _family(*names: str) -> list[dict]:
    return [row for row in rows("approximation_factor") if row["family"] in names]


@number
def smaller_factor() -> str:
    """The proved factor of the realigned bound for 60 columns by rows and exponent, and what decides it."""
    exponents, d, any_d = (2.5, 3, 3.5, 4, 5, 6, 8), 60, 10**100
    lines = []
    for n in (60, 240, 1000, 4000, 20_000, 200_000, 2_000_000, 20_000_000):
        cells = []
        for q in exponents:
            value, by_rows, by_columns = (
                proved_factor(columns, q, "realigned", n=count) for columns, count in ((d, n), (any_d, n), (d, None))
            )
            names = {by_columns: "d", by_rows: "n"}
            cells.append(f"{value:.2f} ({names.get(value, 'both')})")
        lines.append([f"{n:,}", *cells])
    return markdown(["n", *(f"q = {q:g}" for q in exponents)], lines)


@number
def matrices_measured() -> str:
    """How many matrices the three experiments bounded."""
    return str(sum(len(rows(name)) for name in ("approximation_factor", "sos_exactness", "other_exponents")))


@number
def searches(what: str) -> str:
    """How close an ascent on the looseness came to the value of the embedding of the same dimension."""
    found = _family(*approximation_factor.SEARCHES)
    ratios = [approximation_factor.safe(row) / ((row["d"] + 2) / 3) ** 0.125 for row in found]
    return {
        "count": str(len(found)),
        "near": count(sum(ratio >= 1 - 3e-5 for ratio in ratios), len(found)),
        "above": count(sum(ratio > 1 + 1e-6 for ratio in ratios), len(found)),
    }[what]


@number
def gaussian_ratio(n: str) -> str:
    """The median ratio of the realigned bound to the lower one, Gaussian with 20 columns."""
    same = [row["realigned"] for row in _family("Gaussian") if (row["rows"], row["d"]) == (int(n), 20)]
    return f"{np.median(same):.{3 if n == '20' else 2}f}"


@number
def easy_ratio(kind: str) -> str:
    """The largest ratio of the realigned bound where one direction stands out."""
    same = _family({"tails": "heavy tails", "planted": "planted sparse"}[kind])
    if kind == "planted":
        same = [row for row in same if row["rows"] == row["d"] ** 2]
    return f"{max(row['realigned'] for row in same):.3f}"


@number
def exact_intervals(kind: str = "random") -> str:
    """On how many random matrices the interval closed."""
    same = [row for row in rows("sos_exactness") if (row["family"] in sos_exactness.RANDOM) == (kind == "random")]
    return count(sum(row["exact"] for row in same), len(same))


@table("sos_exactness")
def exactness() -> Table:
    """Where a sum of squares of degree 4 is the norm, by family."""
    result = [["matrices", "exact", "largest gap of the others", "of those, closed by SCS", "closed by degree 6"]]
    groups: dict[str, list[dict]] = {}
    for row in rows("sos_exactness"):
        name = row["family"]
        if name in sos_exactness.STRUCTURED:
            name = "icosahedron, roots of E₈, isometric embedding, functions on cubes"
        elif name in sos_exactness.KNOWN_GAPS:
            name = "made to have a gap: two forms of Choi and Lam, odd cycles of 5 and 7"
        groups.setdefault(name, []).append(row)
    for name, same in groups.items():
        others = [row for row in same if not row["exact"]]
        cells = [count(len(same) - len(others), len(same))]
        largest = max((row["gap"] for row in others), default=0)
        cells.append("" if not others else percent(largest, 1) if largest > 1e-3 else power(largest))
        for key in ("conic_gap", "degree_six_gap"):
            gaps = [row[key] for row in others if row[key] is not None]
            cells.append(count(sum(gap <= sos_exactness.EXACT for gap in gaps), len(gaps)) if gaps else "")
        result.append([name, *cells])
    return result


@number
def largest_gap() -> str:
    """The largest gap of degree 4 that the exactness experiment met."""
    return percent(max(row["gap"] for row in rows("sos_exactness")), 1, up=True)


@table("sos_exactness")
def random_starts() -> Table:
    """Random starts of the power method that reach the norm, and how many are needed for a probability of 99%."""
    head = ["d", "matrices", "starts that reach it, median", "least", "starts needed, median", "most"]
    result = [head]
    same = [row for row in rows("sos_exactness") if row["family"] in sos_exactness.RANDOM]
    for d in sorted({row["d"] for row in same}):
        hits = [row["hits"] for row in same if row["d"] == d]
        needed = [sos_exactness.starts_needed(hit) for hit in hits]
        shares = [percent(hit / sos_exactness.STARTS) for hit in (np.median(hits), min(hits))]
        result.append([str(d), str(len(hits)), *shares, f"{np.median(needed):.0f}", f"{max(needed):.0f}"])
    return result


@table("other_exponents")
def exponents() -> Table:
    """Largest ratio of upper to lower bound for 20 columns by exponent."""
    asked = (2.5, 3, 3.5, 4, 5, 6, 7, 8)
    random, worst = (other_exponents.compare(same) for same in other_exponents.split(rows("other_exponents")).values())
    lines = {
        "realigned, proved for every matrix": lambda q: proved_factor(20, q, "realigned"),
        "realigned, embedding": lambda q: max(worst[20, q, "realigned"]),
        "realigned, random": lambda q: max(random[20, q, "realigned"]),
        "sum of squares, embedding": lambda q: max(worst.get((20, q, "sos"), [math.nan])),
        "sum of squares, random": lambda q: max(random.get((20, q, "sos"), [math.nan])),
        "touching points, embedding": lambda q: max(worst.get((20, q, "touching"), [math.nan])),
        "touching points, random": lambda q: max(random.get((20, q, "touching"), [math.nan])),
        "between sums of squares at 2, 4, 6, random": lambda q: max(random.get((20, q, "interpolated"), [math.nan])),
    }
    return [
        ["d = 20", *(f"q = {q:g}" for q in asked)],
        *([name, *(_ratio(f(q)) for q in asked)] for name, f in lines.items()),
    ]


def _ratio(value: float) -> str:
    if math.isnan(value):
        return ""
    return "exact" if value <= 1 + other_exponents.EXACT else f"{value:.3f}"


@number
def largest_share_of_factor() -> str:
    """The largest ratio of the realigned bound at any exponent, as a share of what is proved."""
    compared = other_exponents.compare(rows("other_exponents"))
    shares = [
        max(ratios) / proved_factor(d, q, kind) for (d, q, kind), ratios in compared.items() if kind == "realigned"
    ]
    return percent(max(shares))


@number
def growth(q: str) -> str:
    """The power of d with which the realigned ratio grows on embeddings from d = 10 to 40."""
    _, worst = (other_exponents.compare(same) for same in other_exponents.split(rows("other_exponents")).values())
    small, large = (max(worst[d, float(q), "realigned"]) for d in (10, 40))
    return f"{math.log(large / small, 4):.2f}"


@number
def even_exponents() -> str:
    """How often the sum of squares was exact at q = 4, 6 and 8."""
    compared = other_exponents.compare(rows("other_exponents"))
    even = [r for (_, q, kind), found in compared.items() if kind == "sos" and q in other_exponents.EVEN for r in found]
    return count(sum(ratio <= 1 + other_exponents.EXACT for ratio in even), len(even))


@number
def between_exponents() -> str:
    """The largest ratio of a sum of squares between the even exponents."""
    compared = other_exponents.compare(rows("other_exponents"))
    return f"{max(max(found) for (_, q, kind), found in compared.items() if kind == 'sos' and q % 2):.3f}"


@table("split_bounds")
def splits() -> Table:
    """How far realigned and split bounds are from the best vector, with time, memory and size of the certificate."""
    head = ["matrix", "n", "d", "realigned", "split", "no split below", "found in", "verified in", "memory", "file"]
    result = [head]
    for row in rows("split_bounds"):
        gaps = [_gap(row[kind]) if row[kind] else "" for kind in ("realigned", "split", "limit")]
        times = [seconds(row[name]) for name in ("split_seconds", "split_verification")]
        sizes = [f"{row['split_gigabytes']:.2g} GiB", f"{row['megabytes']:.2g} MB"]
        result.append([row["family"], f"{row['rows']:,}", str(row["columns"]), *gaps, *times, *sizes])
    return result


def _gap(ratio: float) -> str:
    return "exact" if ratio <= 1 + 1e-6 else percent(ratio - 1, 1) if ratio > 1.001 else power(ratio - 1)


@number
def split_gap(family: str, d: str) -> str:
    """How far the split bound of a random matrix with 4d rows is from the best vector."""
    (row,) = [r for r in rows("split_bounds") if (r["family"], r["columns"], r["n"]) == (family, int(d), 4 * int(d))]
    return _gap(row["split"])
