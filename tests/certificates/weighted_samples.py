"""Weighted samples away from the origin, and their exact mean."""

from fractions import Fraction

import numpy as np

from tests.oracles.exact import fractions

__all__ = ["exact_mean", "samples", "weights_of"]


def samples(seed=0, n=12, d=3, away=5.0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) + away * rng.standard_normal(d)


def weights_of(seed=0, n=12):
    rng = np.random.default_rng(seed)
    return rng.uniform(size=n) * (rng.random(n) < 0.7) + np.eye(n)[0]


def exact_mean(X, weights):
    weights = [Fraction(w) for w in weights.tolist()]
    return np.array([sum(w * x for w, x in zip(weights, column, strict=True)) for column in fractions(X).T]) / sum(
        weights
    )
