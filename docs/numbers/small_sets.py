"""Expansion of small sets, and sparse vectors in subspaces."""

from __future__ import annotations

from statistics import median

from docs.numbers.registry import Row, Table, count, number, percent, power, rows, table
from experiments.small_sets import LARGE, MEASURES, SMALL, pair
from experiments.sparse_vectors import METHODS, outcomes

NAMES = {
    "noisy cube, m = 8, ρ = 0.9": "noisy cube, $\\rho = 0.9$",
    "short code, m = 3, degree 2": "short code of degree 2",
    "Johnson graph J(12, 4)": "Johnson graph $J(12, 4)$",
    "Johnson graph J(24, 2)": "Johnson graph $J(24, 2)$",
    "torus 16 × 16": "torus $16 \\times 16$",
    "Cayley graph of Z₂₅₇": "Cayley graph of $\\mathbb Z_{257}$, 4 random generators",
}


def large(measure: float) -> dict[str, list[Row]]:
    """The rows for q = 4 and q = ∞ of the large graphs on which a measure was tried."""
    known = rows("small_sets")
    families = dict.fromkeys(row["family"] for row in known if row["measure"] == measure and row["family"] in LARGE)
    return {family: pair(known, family, measure) for family in families}


@table("small_sets")
def small_sets() -> Table:
    """The proved bound on the expansion of small sets relative to the spectral one, and to the best set found."""
    result = [["measure at most", "graphs", "proved/spectral, least", "median", "largest", "proved/found, median"]]
    for measure in MEASURES:
        pairs = large(measure).values()
        proved = [max(row["bound"] for row in same) for same in pairs]
        gains = [bound / same[0]["spectral"] for bound, same in zip(proved, pairs, strict=True)]
        reached = [bound / min(row["found"] for row in same) for bound, same in zip(proved, pairs, strict=True)]
        numbers = [min(gains), median(gains), max(gains), median(reached)]
        result.append([f"1/{1 / measure:.0f}", str(len(pairs)), *(f"{value:.2f}" for value in numbers)])
    return result


@table("small_sets")
def expansions() -> Table:
    """What is proved for sets of measure 1/32, between the spectral bound and the best set found."""
    result = [["graph", "vertices", "spectral bound", "proved, q = 4", "set found"]]
    for family, (four, infinity) in large(1 / 32).items():
        numbers = (four["spectral"], four["bound"], min(four["found"], infinity["found"]))
        result.append([NAMES.get(family, family), str(four["n"]), *(f"{value:.3f}" for value in numbers)])
    return result


@number
def largest_slack(n: str) -> str:
    """The largest slack for rounding on graphs with n vertices."""
    return power(max(row["slack"] for row in rows("small_sets") if row["n"] == int(n)), up=True)


@number
def above_spectral(measure: str) -> str:
    """On how many graphs the bound for q = 4 is more than a tenth above the spectral one."""
    fours = [four for four, _ in large(1 / int(measure)).values()]
    return count(sum(four["bound"] > 1.1 * four["spectral"] for four in fours), len(fours))


@number
def infinity_better(measure: str) -> str:
    """On how many graphs q = ∞ proves more than q = 4."""
    pairs = large(1 / int(measure)).values()
    return count(sum(infinity["bound"] > four["bound"] for four, infinity in pairs), len(pairs))


@number
def all_sets(what: str) -> str:
    """On the graphs whose sets were all looked at: the bounds violated, and the best sets found."""
    same = [row for row in rows("small_sets") if row["family"] in SMALL]
    if what == "graphs":
        return str(len({row["family"] for row in same}))
    good = {
        "violated": [row["margin"] < -1e-12 or row["bound"] > row["exact"] * (1 + 1e-12) for row in same],
        "found": [row["found"] <= row["exact"] * (1 + 1e-9) for row in same],
    }[what]
    return count(sum(good), len(same))


@table("sparse_vectors")
def sparse_vectors() -> Table:
    """Planted vectors found by number of rows, for subspaces of dimension 16."""
    known = rows("sparse_vectors")
    sizes = sorted({row["n"] for row in known})
    result = [["", *(f"n = {n} = {'d²/2' if n == 128 else f'{n // 256}d²'}" for n in sizes)]]
    ends = {n: _ends([row for row in known if row["n"] == n]) for n in sizes}
    result.append(["found every time up to", *(f"{percent(ends[n][0])} of n" for n in sizes)])
    result.append(["never from", *(f"{percent(ends[n][1])} of n" for n in sizes)])
    names = {"spikiest": "`sparsest_direction`", "start": "power method, one random start"}
    for method, name in METHODS.items():
        found = [outcomes([row for row in known if row["n"] == n])[method] for n in sizes]
        label = f"found, {names.get(method, name.replace('ℓ1', 'ℓ1 minimisation'))}"
        result.append([label, *(count(int(hits.sum()), len(hits)) for hits in found)])
    return result


def _ends(same: list[Row]) -> tuple[float, float]:
    """The largest fraction of non-zero entries up to which all vectors were found, the least from which none was."""
    fractions = sorted({row["share"] for row in same})
    rates = [outcomes([row for row in same if row["share"] == value])["spikiest"].mean() for value in fractions]
    always = next((k for k, rate in enumerate(rates) if rate < 1), len(rates))
    never = next((k for k in range(len(rates)) if not any(rates[k:])), len(rates) - 1)
    return fractions[max(always - 1, 0)], fractions[never]


@number
def sparse_found(what: str) -> str:
    """Vectors found, those of them proved to be sparsest, and those missed while another direction is spikier."""
    known = outcomes(rows("sparse_vectors"))
    found = known["spikiest"]
    return {
        "found": count(int(found.sum()), len(found)),
        "proved": count(int(known["proved"].sum()), int(found.sum())),
        "spikier": count(int((~found & known["spikier"]).sum()), int((~found).sum())),
    }[what]
