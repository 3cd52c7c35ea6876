"""How loose the spectral bounds on the 2→4 norm are on random matrices.

Claim: on Gaussian, sign, heavy-tailed and subspace matrices the realigned bound is within a few per cent of the norm
and never above the flattening bound, while the theorems only promise d^{1/8} and d^{1/4} (Hopkins & Tiegel 2026;
docs/theory/upper_bounds.md). Refuted by a row whose realigned bound exceeds its flattening bound by more than rounding
or any theorem's factor.

Each row is one matrix: the proved lower bound and the ratio of each proved upper bound to it. Results go to
results/approximation_factor/PRESET.jsonl, a row as soon as it is known; a run that was stopped continues there.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import scipy

import hypernorm as hn
from hypernorm.datasets import gaussian, heavy_tailed, signs, subspace

FAMILIES: dict[str, Callable[..., np.ndarray]] = {
    "gaussian": gaussian,
    "sign": signs,
    "heavy-tailed (t3)": heavy_tailed,
    "subspace": subspace,
}
KINDS = ("row_norm", "flattening", "realigned")
PRESETS = {
    "quick": {"dimensions": (10, 20), "seeds": 1},
    "paper": {"dimensions": (10, 20, 30, 50), "seeds": 3},
}
RESULTS = Path(__file__).parent.parent / "results" / "approximation_factor"


def cases(preset: str) -> Iterator[tuple[str, int, int, int]]:
    """Family, rows, columns and seed of every trial."""
    chosen = PRESETS[preset]
    for family in FAMILIES:
        for d in chosen["dimensions"]:
            for n in (4 * d, d * d):
                for seed in range(chosen["seeds"]):
                    yield family, n, d, seed


def trial(family: str, n: int, d: int, seed: int) -> dict[str, float | int | str]:
    """The proved lower bound and the ratio of each proved upper bound to it."""
    start = time.perf_counter()
    X = FAMILIES[family](n, d, random_state=seed)
    lower = hn.lower_bound(X, 4, random_state=seed).verify(X).lower
    ratios = {kind: hn.spectral_bound(X, 4, kind).verify(X).upper / lower for kind in KINDS}
    seconds = time.perf_counter() - start
    return {"family": family, "n": n, "d": d, "seed": seed, "lower": lower, **ratios, "seconds": seconds}


def run(preset: str, folder: Path = RESULTS) -> list[dict[str, float | int | str]]:
    """All trials of a preset; those already in the results file are read from it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{preset}.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    if not lines:
        versions = {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__}
        head = {"experiment": "approximation_factor", "preset": preset, "hypernorm": hn.__version__, **versions}
        lines = [json.dumps(head)]
        path.write_text(lines[0] + "\n")
    done = {(row["family"], row["n"], row["d"], row["seed"]): row for row in map(json.loads, lines[1:])}
    with path.open("a") as file:
        for case in cases(preset):
            if case not in done:
                done[case] = trial(*case)
                file.write(json.dumps(done[case]) + "\n")
                file.flush()
                print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return [done[case] for case in cases(preset)]


def table(rows: list[dict[str, float | int | str]]) -> str:
    """Medians over the seeds, in Markdown."""
    head = "| family | n | d | row norm / lower | flattening / lower | realigned / lower | d^{1/8} |\n"
    lines = [head + "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for family, n, d in dict.fromkeys((row["family"], row["n"], row["d"]) for row in rows):
        same = [row for row in rows if (row["family"], row["n"], row["d"]) == (family, n, d)]
        medians = [f"{np.median([float(row[kind]) for row in same]):.4f}" for kind in KINDS]
        lines.append(f"| {family} | {n} | {d} | {' | '.join(medians)} | {float(d) ** 0.125:.4f} |")
    return "\n".join(lines)


def verdict(rows: list[dict[str, float | int | str]]) -> str:
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


def main() -> None:
    """Run a preset and print its table and verdict."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--preset", choices=sorted(PRESETS), default="quick")
    rows = run(parser.parse_args().preset)
    print(table(rows))
    print(verdict(rows))


if __name__ == "__main__":
    main()
