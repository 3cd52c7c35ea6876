"""Samples on which bounds are tried: families beside those of `hypernorm.datasets`, and extremal ones."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

__all__ = ["CONSTANTS", "FAMILIES", "extremal"]

Sample = tuple[np.ndarray, np.ndarray]


def _moved(X: np.ndarray, contamination: float, shift: np.ndarray | float) -> Sample:
    """The first rows are outliers: shifted."""
    k = math.floor(contamination * len(X))
    X[:k] += shift
    return X, np.arange(len(X)) >= k


def _clean(X: np.ndarray) -> Sample:
    return X, np.ones(len(X), bool)


def _mirrored(rng: np.random.Generator, n: int, d: int, contamination: float) -> Sample:
    X = rng.standard_normal((n, d))
    k = math.floor(contamination * n)
    X[:k, 0] = 5 * np.sign(rng.standard_normal(k))
    return X, np.arange(n) >= k


def _far_inliers(rng: np.random.Generator, n: int, d: int, contamination: float) -> Sample:
    """All are inliers, but a fraction is so far in one column that a method takes it for outliers."""
    X = rng.standard_normal((n, d))
    X[: max(math.floor(contamination * n) - 1, 0), 0] += 10
    return _clean(X)


def _groups(rng: np.random.Generator, n: int, d: int, contamination: float) -> Sample:
    X = rng.standard_normal((n, d)) + 4 * np.eye(max(d, 3))[:, :d][rng.integers(0, 3, n)]
    return _moved(X, contamination, -5 / math.sqrt(d))


def _one_missing_tail(rng: np.random.Generator, n: int, d: int, contamination: float) -> Sample:
    X = rng.standard_normal((n, d))
    k = math.floor(contamination * n)
    X = X[np.argsort(-X[:, 0])]
    X[:k] = 0.1 * rng.standard_normal((k, d))
    return X, np.arange(n) >= k


FAMILIES: dict[str, Callable[[np.random.Generator, int, int, float], Sample]] = {
    "exponential": lambda rng, n, d, epsilon: _clean(rng.exponential(size=(n, d))),
    "lognormal": lambda rng, n, d, epsilon: _clean(rng.lognormal(size=(n, d))),
    "uniform, shifted": lambda rng, n, d, epsilon: _moved(rng.uniform(-1, 1, (n, d)), epsilon, 1.0),
    "counts, shifted": lambda rng, n, d, epsilon: _moved(rng.poisson(0.5, (n, d)).astype(float), epsilon, 2.0),
    "mirrored outliers": _mirrored,
    "far inliers": _far_inliers,
    "groups and a cluster": _groups,
    "one tail missing": _one_missing_tail,
}
"""Functions of a generator, n, d and ε, to samples and a mask of the inliers."""

CONSTANTS = ("plain mean", "any weights", "known moment", "least", "least, equal weights", "largest", "known kurtosis")
"""The bounds whose constants are attained."""

_N = 1000


def extremal(constant: str, d: int, contamination: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Samples and weights on which some set of inliers attains a bound, up to the rounding of numbers of samples."""
    k = round(contamination * _N)
    zeros = np.zeros(_N - 2 * k)
    weights = np.ones(_N)
    if constant == "plain mean":
        line = np.r_[np.full(k, -(_N - k) / k), np.ones(_N - k)]
    elif constant == "any weights":
        line, weights[:k] = np.r_[np.ones(k), np.zeros(_N - k)], 0
    elif constant == "known moment":
        line, weights[:k] = np.r_[np.ones(k), -np.ones(k), zeros], 0
    elif constant == "largest":
        line = np.r_[np.zeros(k), np.tile([1.0, -1.0], (_N - k) // 2)]
    else:
        line = _far_part(k, _N - k if constant == "least, equal weights" else _N - 2 * k)
        if constant in ("least", "known kurtosis"):
            line = np.r_[line, np.full(k, line[k:].mean())]
            weights[slice(_N - k, _N) if constant == "least" else slice(0, k)] = 0
    columns = [line]
    if d == 2:
        # A second column that stays in the background: small for means, of kurtosis 1 for covariances.
        columns.append(np.zeros(_N) if constant in CONSTANTS[:3] else _balanced(line))
    turn = np.linalg.qr(rng.standard_normal((d, d)))[0]
    return np.column_stack(columns) @ turn, weights


def _far_part(k: int, rest: int) -> np.ndarray:
    """The squared distance from the mean is 36 on k numbers and 1 on the others, up to their rounding."""
    above = round(rest * (1 - 6 * k / rest) / 2)
    return np.r_[np.full(k, 6.0), np.ones(above), -np.ones(rest - above)]


def _balanced(line: np.ndarray) -> np.ndarray:
    """Signs that sum to zero on every value of the line."""
    signs = np.empty(len(line))
    for value in np.unique(line):
        places = np.flatnonzero(line == value)
        signs[places] = np.where(np.arange(len(places)) % 2, 1.0, -1.0)
    return signs
