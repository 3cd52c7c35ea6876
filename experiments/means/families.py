"""Families of samples for robust means, in two halves: on A a method may be tuned, on B it is reported.

A family draws samples, says which are inliers, and which contamination a method is told. None of them is a family of
`hypernorm.datasets.contaminated`, on which the other parts of the experiment rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine

__all__ = ["FAMILIES", "GROUPS", "Family", "Sample"]

GROUPS = ("contaminated", "clean, symmetric", "clean, other", "tables", "tables, clean")
"""What the errors are averaged over."""


class Sample(NamedTuple):
    """Samples, which of them are inliers, and the contamination that a method is told."""

    samples: np.ndarray
    is_inlier: np.ndarray
    told: float


@dataclass(frozen=True, kw_only=True)
class Family:
    """A family of samples, of one half and one group."""

    half: str
    group: str
    draw: Callable[[np.random.Generator], Sample]


FAMILIES: dict[str, Family] = {}


def _family(name: str, half: str, group: str) -> Callable[[Callable[[np.random.Generator], Sample]], None]:
    def register(draw: Callable[[np.random.Generator], Sample]) -> None:
        FAMILIES[name] = Family(half=half, group=group, draw=draw)

    return register


def _rotation(rng: np.random.Generator, d: int) -> np.ndarray:
    return np.asarray(np.linalg.qr(rng.standard_normal((d, d)))[0])


def _replaced(rng: np.random.Generator, inliers: np.ndarray, outliers: np.ndarray, told: float | None = None) -> Sample:
    """Replace random inliers by outliers."""
    n = len(inliers)
    rows = rng.choice(n, len(outliers), replace=False)
    samples, is_inlier = inliers.copy(), np.ones(n, dtype=bool)
    samples[rows], is_inlier[rows] = outliers, False
    return Sample(samples, is_inlier, len(outliers) / n if told is None else told)


def _clean(samples: np.ndarray, told: float = 0.1) -> Sample:
    return Sample(samples, np.ones(len(samples), dtype=bool), told)


def _cluster(rng: np.random.Generator, count: int, point: np.ndarray, spread: float) -> np.ndarray:
    return np.asarray(point + spread * rng.standard_normal((count, len(point))))


@_family("few columns, one cluster", "A", "contaminated")
def _(rng: np.random.Generator) -> Sample:
    X = rng.standard_normal((500, 2))
    return _replaced(rng, X, _cluster(rng, 50, 4 * _rotation(rng, 2)[0], 0.3))


@_family("few columns, scattered", "B", "contaminated")
def _(rng: np.random.Generator) -> Sample:
    X = rng.standard_normal((800, 3)) @ rng.standard_normal((3, 3))
    return _replaced(rng, X, rng.uniform(-12, 12, (80, 3)))


@_family("one column, one cluster", "B", "contaminated")
def _(rng: np.random.Generator) -> Sample:
    return _replaced(rng, rng.standard_normal((400, 1)), _cluster(rng, 40, np.array([4.0]), 0.5))


@_family("a segment from three to eight deviations", "B", "contaminated")
def _(rng: np.random.Generator) -> Sample:
    d = 15
    mixed = rng.standard_normal((d, d))
    return _replaced(
        rng,
        rng.standard_normal((1_000, d)) @ mixed,
        rng.uniform(3, 8, (100, 1)) * (_rotation(rng, d)[0] @ mixed) + 0.3 * rng.standard_normal((100, d)) @ mixed,
    )


@_family("both sides, unequal", "A", "contaminated")
def _(rng: np.random.Generator) -> Sample:
    d, u = 15, _rotation(rng, 15)[0]
    outliers = np.vstack([_cluster(rng, 105, 4 * u, 0.3), _cluster(rng, 45, -6 * u, 0.3)])
    return _replaced(rng, rng.standard_normal((1_500, d)), outliers)


@_family("Laplace columns mixed, one cluster", "B", "contaminated")
def _(rng: np.random.Generator) -> Sample:
    d = 12
    mixed = rng.standard_normal((d, d))
    point = 6 * math.sqrt(2) * _rotation(rng, d)[0] @ mixed
    return _replaced(rng, rng.laplace(size=(1_200, d)) @ mixed, _cluster(rng, 120, point, 0.1))


@_family("neighboring columns alike, one moved", "A", "contaminated")
def _(rng: np.random.Generator) -> Sample:
    n, d = 1_000, 20
    noise = rng.standard_normal((n, d))
    X = np.empty((n, d))
    X[:, 0] = noise[:, 0]
    for j in range(1, d):
        X[:, j] = 0.95 * X[:, j - 1] + math.sqrt(1 - 0.95**2) * noise[:, j]
    outliers = X[:100].copy()
    outliers[:, 7] += 1.5
    return _replaced(rng, X, outliers)


@_family("single cells wrong", "B", "contaminated")
def _(rng: np.random.Generator) -> Sample:
    X = rng.standard_normal((1_000, 10)) @ rng.standard_normal((10, 10))
    outliers = X[:100].copy()
    outliers[np.arange(100), rng.integers(10, size=100)] += 10 * X.std()
    return _replaced(rng, X, outliers)


@_family("uniform columns, one cluster", "A", "contaminated")
def _(rng: np.random.Generator) -> Sample:
    point = np.where(np.arange(10) < 3, 1.8, 0.0)
    return _replaced(rng, rng.uniform(-1, 1, (1_000, 10)), _cluster(rng, 100, point, 0.05))


@_family("three groups, one cluster", "B", "contaminated")
def _(rng: np.random.Generator) -> Sample:
    n, d = 1_200, 12
    basis = 5 * _rotation(rng, d)
    X = rng.standard_normal((n, d)) + basis[rng.choice(3, n, p=[0.4, 0.35, 0.25])]
    return _replaced(rng, X, _cluster(rng, 120, 1.3 * basis[4], 0.2))


@_family("two groups, scattered far", "A", "contaminated")
def _(rng: np.random.Generator) -> Sample:
    n, d = 800, 10
    X = rng.standard_normal((n, d))
    X[rng.random(n) < 0.35] += 5 * _rotation(rng, d)[0]
    return _replaced(rng, X, 8 * rng.standard_normal((80, d)))


@_family("twenty percent near, little variance", "A", "contaminated")
def _(rng: np.random.Generator) -> Sample:
    n, d = 1_500, 12
    Q, scales = _rotation(rng, d), np.geomspace(1, 0.05, d)
    outliers = rng.standard_normal((300, d)) * scales
    outliers[:, -1] = scales[-1] * (3.5 + 0.2 * rng.standard_normal(300))
    return _replaced(rng, rng.standard_normal((n, d)) * scales @ Q, outliers @ Q)


@_family("thirty percent in four clusters", "B", "contaminated")
def _(rng: np.random.Generator) -> Sample:
    n, d = 2_000, 16
    Q = _rotation(rng, d)
    outliers = np.vstack([_cluster(rng, 150, 6 * Q[j], 0.4) for j in range(4)])
    return _replaced(rng, rng.standard_normal((n, d)), outliers)


@_family("fewer outliers than told", "A", "contaminated")
def _(rng: np.random.Generator) -> Sample:
    d = 10
    return _replaced(rng, rng.standard_normal((1_000, d)), _cluster(rng, 30, 5 * _rotation(rng, d)[0], 0.3), told=0.25)


@_family("more columns, decaying", "B", "contaminated")
def _(rng: np.random.Generator) -> Sample:
    n, d = 2_000, 80
    Q, scales = _rotation(rng, d), np.geomspace(1, 0.1, d)
    outliers = rng.standard_normal((160, d)) * scales
    outliers[:, 50] += 6 * scales[50]
    return _replaced(rng, rng.standard_normal((n, d)) * scales @ Q, outliers @ Q)


@_family("gamma columns, one cluster below", "B", "contaminated")
def _(rng: np.random.Generator) -> Sample:
    d = 10
    return _replaced(rng, rng.gamma(3, size=(1_000, d)), _cluster(rng, 100, np.full(d, -0.5), 0.2))


@_family("counts, a shift in three columns", "A", "contaminated")
def _(rng: np.random.Generator) -> Sample:
    outliers = rng.poisson(1.0, (100, 15)).astype(float)
    outliers[:, :3] += 4
    return _replaced(rng, rng.poisson(1.0, (1_000, 15)).astype(float), outliers)


def _symmetric(name: str, half: str, draw: Callable[[np.random.Generator, tuple[int, int]], np.ndarray]) -> None:
    """The family without outliers, symmetric about zero or of mean zero, from one column to fifty."""
    for n, d in ((300, 1), (400, 2), (600, 5), (1_000, 10), (2_000, 50)):

        def sample(rng: np.random.Generator, n: int = n, d: int = d) -> Sample:
            return _clean(draw(rng, (n, d)))

        _family(f"{name}, d = {d}", half, "clean, symmetric")(sample)


def _groups(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    n, d = shape
    between = np.where(rng.random(n) < 0.3, 2.8, -1.2)  # of mean zero
    X = rng.standard_normal(shape) + between[:, None] * _rotation(rng, d)[0]
    return np.asarray(X @ rng.standard_normal((d, d)))


def _student(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return np.asarray(rng.standard_normal(shape) / np.sqrt(rng.chisquare(5, (shape[0], 1)) / 5))


_symmetric("normal", "A", lambda rng, shape: rng.standard_normal(shape))
_symmetric("Laplace", "B", lambda rng, shape: rng.laplace(size=shape))
_symmetric("Student t₅", "A", _student)
_symmetric("uniform", "B", lambda rng, shape: rng.uniform(-1, 1, shape))
_symmetric("groups of 30 and 70%", "B", _groups)


def _other(name: str, half: str, draw: Callable[[np.random.Generator], np.ndarray]) -> None:
    def sample(rng: np.random.Generator) -> Sample:
        return _clean(draw(rng))

    _family(name, half, "clean, other")(sample)


_other("exponential, d = 1", "A", lambda rng: rng.exponential(size=(1_000, 1)))
_other("exponential, d = 10", "B", lambda rng: rng.exponential(size=(1_000, 10)))
_other("lognormal, d = 2", "B", lambda rng: np.exp(0.6 * rng.standard_normal((800, 2))))
_other("chi-square, d = 5", "A", lambda rng: rng.chisquare(4, (800, 5)))
_other("Weibull mixed, d = 8", "B", lambda rng: rng.weibull(0.9, (1_000, 8)) @ rng.standard_normal((8, 8)))
_other("Student t₂.₅, d = 5", "A", lambda rng: rng.standard_t(2.5, (1_000, 5)))
_other("rounded normal, d = 10", "B", lambda rng: np.round(0.7 * rng.standard_normal((1_000, 10))))
_other("rare indicators, d = 12", "A", lambda rng: (rng.random((1_000, 12)) < 0.06).astype(float))
_other("counts, d = 20", "B", lambda rng: rng.poisson(0.5, (1_000, 20)).astype(float))
_other("a group of 15%, d = 6", "A", lambda rng: rng.standard_normal((1_000, 6)) + 5 * (rng.random((1_000, 1)) < 0.15))


def _table(name: str, half: str, load: Callable[[], tuple[np.ndarray, np.ndarray]], told: float = 0.1) -> None:
    """Inliers of a bundled table beside some rows of others; columns scaled to the deviations of the inliers."""

    def sample(rng: np.random.Generator) -> Sample:
        inliers, others = load()
        scales = inliers.std(axis=0)
        varying = scales > 0
        inliers, others = inliers[:, varying] / scales[varying], others[:, varying] / scales[varying]
        count = min(int(told / (1 - told) * len(inliers)), len(others))
        X = np.vstack([inliers, others[rng.choice(len(others), count, replace=False)]])
        order = rng.permutation(len(X))
        return Sample(X[order], order < len(inliers), told)

    _family(name, half, "tables")(sample)


def _classes(
    loader: Callable[..., tuple[np.ndarray, np.ndarray]], kept: int, other: int
) -> Callable[[], tuple[np.ndarray, np.ndarray]]:
    def load() -> tuple[np.ndarray, np.ndarray]:
        X, y = loader(return_X_y=True)
        return X[y == kept], X[y == other]

    return load


_table("digits 0, some 6", "A", _classes(load_digits, 0, 6))
_table("digits 2, some 5", "B", _classes(load_digits, 2, 5))
_table("digits 8, some 1", "A", _classes(load_digits, 8, 1))
_table("digits 5, some 9", "B", _classes(load_digits, 5, 9))
_table("benign, some malignant", "A", _classes(load_breast_cancer, 1, 0))
_table("malignant, some benign", "B", _classes(load_breast_cancer, 0, 1))
_table("wine 1, some 2", "A", _classes(load_wine, 1, 2))
_table("wine 1, some 0", "B", _classes(load_wine, 1, 0))
_table("iris 2, some 0", "A", _classes(load_iris, 2, 0))
_table("iris 0, some 1", "B", _classes(load_iris, 0, 1))


def _clean_table(name: str, half: str, load: Callable[[], np.ndarray]) -> None:
    """Two thirds of the rows, all of them inliers."""

    def sample(rng: np.random.Generator) -> Sample:
        X = load()
        X = X[rng.choice(len(X), 2 * len(X) // 3, replace=False)]
        return _clean(X[:, X.std(axis=0) > 0] / X.std(axis=0)[X.std(axis=0) > 0])

    _family(name, half, "tables, clean")(sample)


_clean_table("diabetes", "A", lambda: load_diabetes(return_X_y=True)[0])
_clean_table("digits 4", "B", lambda: _classes(load_digits, 4, 4)()[0])
_clean_table("digits 7", "A", lambda: _classes(load_digits, 7, 7)()[0])
_clean_table("benign", "B", lambda: _classes(load_breast_cancer, 1, 1)()[0])
