"""Pull and tail of clean Gaussian samples in their most extreme directions, beside the limits of the moment filter.

Claim: either limit of `hypernorm.robust.filter.lines.clean_limits` is passed by about one clean sample in twenty, for
n from 20 to 16,000 samples in r = 1 to √(2.5 n) dimensions and every share of the interval. Refuted if a limit is
passed by more than a tenth of all samples, or from n = 50 on is beyond 0.75 to 1.9 times the 95% quantile of a size and
share.

The summary fits the forms of the limits to the quantiles, by least squares of relative errors; the constants of
`clean_limits` are those of the paper preset, its limits are the fits times a margin.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.optimize import least_squares

from experiments.runner import Row, main
from experiments.tables import markdown
from hypernorm.robust.filter import lines
from hypernorm.robust.filter.directions import search
from hypernorm.robust.filter.whitening import whiten

MEASURES = ("pull", "tail")
SHARES = (0.5, 0.65, 0.8)
LARGEST_FRACTION, RATIOS = 0.1, (0.75, 1.9)
QUANTILE = 0.95
# Fewer samples are few enough to be generous with.
FEW = 50
# Fewer seeds say nothing of a 95% quantile.
_ENOUGH = 20

SIZES = {
    (20, 1): 200,
    (20, 3): 200,
    (50, 1): 200,
    (50, 5): 100,
    (50, 11): 100,
    (100, 4): 80,
    (100, 15): 60,
    (200, 1): 200,
    (200, 6): 60,
    (200, 22): 40,
    (1000, 1): 100,
    (1000, 3): 60,
    (1000, 12): 40,
    (1000, 50): 20,
    (4000, 5): 20,
    (4000, 25): 20,
    (4000, 100): 20,
    (16000, 10): 20,
    (16000, 50): 20,
}


def cases(sizes: Sequence[tuple[int, int]], fraction: float) -> Iterator[Row]:
    """Samples, dimensions, shares and seeds."""
    for n, r in sizes:
        for share in SHARES:
            for seed in range(max(_ENOUGH, int(fraction * SIZES[n, r]))):
                yield {"n": n, "r": r, "share": share, "seed": seed}


PRESETS = {
    "quick": lambda: cases([(20, 3), (100, 4), (200, 6)], 0.1),
    "paper": lambda: cases(list(SIZES), 1),
}


def trial(n: int, r: int, share: float, seed: int) -> Row:
    """The largest pull and the largest tail that the search finds."""
    rng = np.random.default_rng([n, r, seed])
    X, weights = rng.standard_normal((n, r)), np.full(n, 1 / n)
    Y = whiten(X, weights, weights @ X).coordinates
    found = lines.measure(Y @ search(Y, weights, share, rng), weights, share)
    return {"pull": float(np.abs(found.pull).max()), "tail": float(found.tail.max())}


def quantiles(rows: list[Row]) -> dict[tuple[int, int, float], tuple[float, float]]:
    """For every size and share the 95% quantiles of pull and tail."""
    places = dict.fromkeys((row["n"], row["r"], row["share"]) for row in rows)
    result = {}
    for place in places:
        same = [row for row in rows if (row["n"], row["r"], row["share"]) == place]
        pull, tail = (float(np.quantile([row[name] for row in same], QUANTILE)) for name in MEASURES)
        result[place] = pull, tail
    return result


def fitted(rows: list[Row]) -> dict[str, np.ndarray]:
    """The constants of `clean_limits` that fit the quantiles best."""
    found = quantiles(rows)
    places = np.array(list(found))
    result = {}
    for index, name in enumerate(MEASURES):
        values = np.array([pair[index] for pair in found.values()])

        def errors(constants: np.ndarray, name: str = name, values: np.ndarray = values) -> np.ndarray:
            limits = [lines.clean_limits(n, int(r), share, **{name: tuple(constants)}) for n, r, share in places]
            return np.log(np.maximum([getattr(limit, name) / lines.MARGIN for limit in limits], 1e-9) / values)

        start = getattr(lines, f"{name.upper()}_LIMIT")
        result[name] = least_squares(errors, start, bounds=(0, np.inf)).x
    return result


def compare(rows: list[Row]) -> list[Row]:
    """For every size and share the fraction of samples beyond the limits, and the limits over the quantiles."""
    found = []
    for (n, r, share), values in quantiles(rows).items():
        same = [row for row in rows if (row["n"], row["r"], row["share"]) == (n, r, share)]
        cell: Row = {"n": n, "r": r, "share": share, "samples": len(same)}
        for name, value, limit in zip(MEASURES, values, _limits(cell), strict=True):
            cell[name] = float(np.mean([row[name] > limit for row in same])), limit / value if value else np.inf
        found.append(cell)
    return found


def fraction_beyond(rows: list[Row]) -> float:
    """The fraction of samples with a pull or a tail beyond its limit."""
    return float(
        np.mean([any(row[name] > limit for name, limit in zip(MEASURES, _limits(row), strict=True)) for row in rows])
    )


def _limits(row: Row) -> lines.Limits:
    return lines.clean_limits(row["n"], row["r"], row["share"])


def summary(rows: list[Row]) -> str:
    """Fractions and ratios of every size, the fitted constants, and the verdict."""
    compared = compare(rows)
    head = ["n", "r", "share", "samples", *(f"{name}: beyond, limit/quantile" for name in MEASURES)]
    body = [
        [*(cell[key] for key in head[:4]), *(f"{cell[name][0]:.2f}, {cell[name][1]:.2f}" for name in MEASURES)]
        for cell in compared
    ]
    constants = "\n".join(f"{name}: {np.round(values, 2).tolist()}" for name, values in fitted(rows).items())
    fraction = float(
        np.mean([row[name] > limit for row in rows for name, limit in zip(MEASURES, _limits(row), strict=True)])
    )
    ratios = [cell[name][1] for cell in compared if cell["n"] >= FEW for name in MEASURES] or [1.0]
    stands = fraction <= LARGEST_FRACTION and min(ratios) >= RATIOS[0] and max(ratios) <= RATIOS[1]
    verdict = (
        f"Verdict: {'stands' if stands else 'REFUTED'}: {100 * fraction:.1f}% of the samples pass a limit; from "
        f"n = {FEW} on limits are {min(ratios):.2f} to {max(ratios):.2f} times the 95% quantile."
    )
    return f"{markdown(head, body)}\n\n{constants}\n\n{verdict}"


if __name__ == "__main__":
    main("clean_lines", PRESETS, trial, summary, __doc__)
