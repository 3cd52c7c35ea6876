"""How loose the spectral bounds on the 2→4 norm are on random matrices.

Claim: on Gaussian, sign, heavy-tailed and subspace matrices the realigned bound is within a few per cent of the norm
and never above the flattening bound, while the theorems only promise d^{1/8} and d^{1/4} (Hopkins & Tiegel 2026;
docs/theory/upper_bounds.md). Refuted by a row whose realigned bound exceeds its flattening bound by more than rounding
or any theorem's factor.

Each row is one matrix: the proved lower bound and the ratio of each proved upper bound to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

import hypernorm as hn
from experiments.runner import Row, main
from hypernorm.datasets import gaussian, heavy_tailed, signs, subspace

FAMILIES: dict[str, Callable[..., np.ndarray]] = {
    "gaussian": gaussian,
    "sign": signs,
    "heavy-tailed (t3)": heavy_tailed,
    "subspace": subspace,
}
KINDS = ("row_norm", "flattening", "realigned")


def cases(dimensions: Sequence[int], seeds: int) -> Iterator[Row]:
    """Family, rows, columns and seed of every trial."""
    for family in FAMILIES:
        for d in dimensions:
            for n in (4 * d, d * d):
                for seed in range(seeds):
                    yield {"family": family, "n": n, "d": d, "seed": seed}


PRESETS = {
    "quick": lambda: cases((10, 20), 1),
    "paper": lambda: cases((10, 20, 30, 50), 3),
}


def trial(family: str, n: int, d: int, seed: int) -> Row:
    """The proved lower bound and the ratio of each proved upper bound to it."""
    start = time.perf_counter()
    X = FAMILIES[family](n, d, random_state=seed)
    lower = hn.lower_bound(X, 4, random_state=seed).verify(X).lower
    ratios = {kind: hn.spectral_bound(X, 4, kind).verify(X).upper / lower for kind in KINDS}
    return {"lower": lower, **ratios, "seconds": time.perf_counter() - start}


def table(rows: list[Row]) -> str:
    """Medians over the seeds, in Markdown."""
    head = "| family | n | d | row norm / lower | flattening / lower | realigned / lower | d^{1/8} |\n"
    lines = [head + "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for family, n, d in dict.fromkeys((row["family"], row["n"], row["d"]) for row in rows):
        same = [row for row in rows if (row["family"], row["n"], row["d"]) == (family, n, d)]
        medians = [f"{np.median([float(row[kind]) for row in same]):.4f}" for kind in KINDS]
        lines.append(f"| {family} | {n} | {d} | {' | '.join(medians)} | {float(d) ** 0.125:.4f} |")
    return "\n".join(lines)


def verdict(rows: list[Row]) -> str:
    """One line that says whether the claim stands."""
    above = max(float(row["realigned"]) / float(row["flattening"]) for row in rows)
    loosest = {kind: max(float(row[kind]) for row in rows) for kind in KINDS}
    held = above <= 1 + 1e-7 and all(
        float(row[kind]) <= hn.approximation_factor(int(row["d"]), 4, kind) * (1 + 1e-7)
        for row in rows
        for kind in KINDS
    )
    ranges = ", ".join(f"{kind.replace('_', ' ')} at most {value:.4f}" for kind, value in loosest.items())
    return (
        f"Verdict: {'stands' if held else 'REFUTED'} on {len(rows)} matrices; upper/lower: {ranges}; "
        f"largest realigned/flattening {above:.6f}."
    )


if __name__ == "__main__":
    main(
        "approximation_factor",
        PRESETS,
        trial,
        lambda rows: f"{table(rows)}\n{verdict(rows)}",
        __doc__,
    )
