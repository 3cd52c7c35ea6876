"""Robust means against the worst outliers of a grid: an adversary that knows the method.

Of normal samples with standard deviations from 1 to 0.1 the fraction ε = 0.1 or 0.2 is replaced. Outliers lie along the
direction of the largest or of the least variance, on one side or, a quarter of them, on the other too, at eight
distances, and are spread by 0.1, 0.5 or 1 times the deviation of the inliers: in all directions (a cluster), or along
that direction only, so that they look like inliers in all others (a slab). For every method the place of the grid with
the largest mean error counts.

Claims: (1) the largest error of the moment filter on the grid is less than that of every other method, for either ε;
(2) nowhere on the grid does its error exceed that of the sample mean by more than the sampling error √(d/n). Each is
refuted by the numbers that the verdict prints.

Errors are Mahalanobis distances from the mean of the inliers of the sample.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from experiments.means.methods import DETERMINANT, MOMENT, STANDARD, estimators
from experiments.runner import Row, main
from experiments.tables import markdown
from hypernorm.exceptions import ConvergenceWarning

N, D = 1_000, 10
MEAN = STANDARD["mean"]
METHODS = (
    MOMENT,
    MEAN,
    "covariance filter",
    STANDARD["projected_gradient"],
    STANDARD["lai_rao_vempala"],
    DETERMINANT,
)
CONTAMINATIONS = (0.1, 0.2)
DISTANCES = (1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 7.0)
SPREADS = (0.1, 0.5, 1.0)
SHAPES = ("cluster", "slab")
DIRECTIONS = ("largest", "least")
SIDES = (1, 2)
PLACE = ("contamination", "distance", "spread", "shape", "direction", "sides")
"""What tells the places of the grid apart."""


def cases(seeds: int, distances: tuple[float, ...], contaminations: tuple[float, ...]) -> Iterator[Row]:
    """The whole grid, one seed after the other. Spread as far as the inliers, a cluster is a slab."""
    for seed in range(seeds):
        for place in itertools.product(contaminations, distances, SPREADS, SHAPES, DIRECTIONS, SIDES):
            case = dict(zip(PLACE, place, strict=True))
            if case["spread"] < 1 or case["shape"] == "cluster":
                yield {**case, "seed": seed}


PRESETS = {
    "quick": lambda: cases(1, (2.0, 4.0), (0.1,)),
    "paper": lambda: cases(3, DISTANCES, CONTAMINATIONS),
}


def sample(
    contamination: float, distance: float, spread: float, shape: str, direction: str, sides: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Samples, which of them are inliers, and the standard deviations of the columns."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((N, D))
    outliers = X[: round(contamination * N)]
    column = DIRECTIONS.index(direction) * (D - 1)
    if shape == "cluster":
        outliers *= spread
    sign = np.where(np.arange(len(outliers)) % 4 == 0, 1 - 2 * (sides - 1), 1)
    outliers[:, column] = sign * distance + spread * rng.standard_normal(len(outliers))
    deviations = np.linspace(1, 0.1, D)
    return X * deviations, np.arange(N) >= len(outliers), deviations


def trial(contamination: float, seed: int, **place: Any) -> Row:
    """The error of every method."""
    X, is_inlier, deviations = sample(contamination, seed=seed, **place)
    chosen = estimators(N, D, seed)
    with warnings.catch_warnings():
        # A method that was ended by its limits is judged by its error.
        warnings.simplefilter("ignore", ConvergenceWarning)
        located = {name: chosen[name](X, contamination) for name in METHODS}
    center = X[is_inlier].mean(axis=0)
    return {
        "errors": {
            name: float(f"{np.linalg.norm((location - center) / deviations):.6g}") for name, location in located.items()
        }
    }


def mean_errors(rows: list[Row]) -> dict[tuple, dict[str, float]]:
    """The mean error of every method at each place of the grid."""
    places: dict[tuple, list[dict[str, float]]] = {}
    for row in rows:
        places.setdefault(tuple(row[key] for key in PLACE), []).append(row["errors"])
    return {
        place: {name: float(np.mean([errors[name] for errors in same])) for name in METHODS}
        for place, same in places.items()
    }


def worst(rows: list[Row], method: str) -> dict[float, tuple[tuple, dict[str, float]]]:
    """For every ε the place where the method is worst, and the mean errors there."""
    found = mean_errors(rows)
    return {
        fraction: max(
            ((place, errors) for place, errors in found.items() if place[0] == fraction), key=lambda one: one[1][method]
        )
        for fraction in dict.fromkeys(place[0] for place in found)
    }


def largest_loss(rows: list[Row], method: str) -> dict[float, float]:
    """For every ε the largest excess over the error of the sample mean at any place."""
    found = mean_errors(rows)
    return {
        fraction: max(errors[method] - errors[MEAN] for place, errors in found.items() if place[0] == fraction)
        for fraction in worst(rows, method)
    }


def summary(rows: list[Row]) -> str:
    """The worst place for every method and ε, and the verdict."""
    lines = []
    for name in METHODS:
        losses = largest_loss(rows, name)
        for fraction, (place, errors) in worst(rows, name).items():
            where = " ".join(map(str, place[1:]))
            lines.append(
                [fraction, name, f"{errors[name]:.3f}", f"{errors[MEAN]:.3f}", f"{losses[fraction]:+.3f}", where]
            )
    head = ["ε", "method", "worst error", "sample mean there", "largest loss to it", ", ".join(PLACE[1:])]
    return f"{markdown(head, lines)}\n\n{verdict(rows)}"


def verdict(rows: list[Row]) -> str:
    """Whether the claims stand."""
    errors = {name: {fraction: found[name] for fraction, (_, found) in worst(rows, name).items()} for name in METHODS}
    better = [
        f"{name} at ε = {fraction} ({found:.3f}, {MOMENT} {errors[MOMENT][fraction]:.3f})"
        for name in METHODS
        for fraction, found in errors[name].items()
        if name != MOMENT and found <= errors[MOMENT][fraction]
    ]
    losses, allowed = largest_loss(rows, MOMENT), math.sqrt(D / N)
    words = ", ".join(f"{loss:.3f} at ε = {fraction}" for fraction, loss in losses.items())
    return (
        f"1. Verdict: {'REFUTED by ' + '; '.join(better) if better else 'stands'}.\n"
        f"2. Verdict: {'stands' if max(losses.values()) <= allowed else 'REFUTED'}: the error of the {MOMENT} exceeds "
        f"that of the sample mean by at most {words}; the sampling error is {allowed:.3f}."
    )


if __name__ == "__main__":
    main("worst_outliers", PRESETS, trial, summary, __doc__)
