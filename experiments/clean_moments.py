"""Moments of clean Gaussian samples in their most extreme directions, beside the limits that the moment filter uses.

Claim: each limit of `hypernorm.robust.filter.thresholds.clean_shape` is passed by about one clean sample in twenty or
fewer, for n from 10 to 16,000 samples in r = 1 to √(2.5 n) dimensions, and from n = 50 on it is at most 1.3 times the
95% quantile. Refuted by a size at which a limit is passed by more than a fifth of the samples, or is larger than that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from experiments.runner import Row, main
from experiments.tables import markdown
from hypernorm.robust.filter.directions import extreme_directions
from hypernorm.robust.filter.thresholds import clean_shape, shape_of
from hypernorm.robust.filter.whitening import whiten

MEASURES = ("skewness", "kurtosis", "imbalance", "smallest_kurtosis")
LARGEST_FRACTION, LARGEST_RATIO = 0.2, 1.3
# Fewer samples are few enough to be generous with.
FEW = 50
# Fewer seeds say nothing of a 95% quantile.
_ENOUGH = 20

SIZES = {
    (10, 1): 300,
    (20, 3): 200,
    (50, 2): 200,
    (50, 11): 150,
    (100, 4): 150,
    (100, 15): 100,
    (200, 2): 150,
    (200, 22): 80,
    (400, 5): 80,
    (400, 31): 40,
    (1000, 3): 80,
    (1000, 10): 60,
    (1000, 50): 20,
    (4000, 5): 40,
    (4000, 20): 20,
    (4000, 50): 20,
    (16000, 10): 20,
    (16000, 40): 20,
}


def cases(sizes: Sequence[tuple[int, int]], fraction: float) -> Iterator[Row]:
    """Samples, dimensions and seeds."""
    for n, r in sizes:
        for seed in range(max(_ENOUGH, int(fraction * SIZES[n, r]))):
            yield {"n": n, "r": r, "seed": seed}


PRESETS = {
    "quick": lambda: cases([(20, 3), (100, 4), (400, 5)], 0.1),
    "paper": lambda: cases(list(SIZES), 1),
}


def trial(n: int, r: int, seed: int) -> Row:
    """The four moments that the filter looks at."""
    rng = np.random.default_rng([n, r, seed])
    X, weights = rng.standard_normal((n, r)), np.full(n, 1 / n)
    Y = whiten(X, weights, weights @ X).coordinates
    shape = shape_of(Y @ extreme_directions(Y, weights, rng), weights)
    return {
        "skewness": float(shape.skewness.max()),
        "kurtosis": float(shape.kurtosis.max()),
        "imbalance": float(shape.imbalance.max()),
        "smallest_kurtosis": float(shape.kurtosis.min()),
    }


def compare(rows: list[Row]) -> list[Row]:
    """For every size and moment the fraction of samples beyond the limit, and the limit over the 95% quantile.

    Kurtoses are compared by their distance from 1, the least there is; for the smallest one the ratio is inverted.
    """
    found = []
    for n, r in dict.fromkeys((row["n"], row["r"]) for row in rows):
        same = [row for row in rows if (row["n"], row["r"]) == (n, r)]
        limits = clean_shape(n, r)
        cell: Row = {"n": n, "r": r, "samples": len(same)}
        for name in MEASURES:
            values, limit = np.array([row[name] for row in same]), getattr(limits, name)
            if name == "smallest_kurtosis":
                beyond, ratio = values < limit, (np.quantile(values, 0.05) - 1) / (limit - 1)
            else:
                least = 1 if name == "kurtosis" else 0
                beyond, ratio = values > limit, (limit - least) / (np.quantile(values, 0.95) - least)
            cell[name] = float(beyond.mean()), float(ratio)
        found.append(cell)
    return found


def summary(rows: list[Row]) -> str:
    """Fractions and ratios of every size, and the verdict."""
    compared = compare(rows)
    names = [name.replace("_", " ") for name in MEASURES]
    head = ["n", "r", "samples", *(f"{name}: beyond, limit/quantile" for name in names)]
    lines = [
        [cell["n"], cell["r"], cell["samples"], *(f"{cell[name][0]:.2f}, {cell[name][1]:.2f}" for name in MEASURES)]
        for cell in compared
    ]
    fraction = max(cell[name][0] for cell in compared for name in MEASURES)
    ratio = max((cell[name][1] for cell in compared if cell["n"] >= FEW for name in MEASURES), default=0.0)
    mean = np.mean([cell[name][0] for cell in compared for name in MEASURES])
    stands = fraction <= LARGEST_FRACTION and ratio <= LARGEST_RATIO
    verdict = (
        f"Verdict: {'stands' if stands else 'REFUTED'}: a limit is passed by {100 * mean:.1f}% of the samples on "
        f"average, by {100 * fraction:.0f}% at most in a cell; from n = {FEW} on limits are up to {ratio:.2f} times "
        "the 95% quantile."
    )
    return f"{markdown(head, lines)}\n\n{verdict}"


if __name__ == "__main__":
    main("clean_moments", PRESETS, trial, summary, __doc__)
