"""Directions in which a weighted sample looks unlike Gaussian data: extreme fourth moments and extreme skewness.

In whitened coordinates f(v) = Σ w_i ⟨y_i, v⟩⁴ is the kurtosis of the projection. Its maxima come from the generalised
power method, whose steps never descend; its minima, where a line separates two groups, and the maxima of
s(v) = Σ w_i ⟨y_i, v⟩³ from gradient steps on the sphere that are kept only if they improve. All starts are worked on
together: an iteration is two products with the sample. The starts are the extreme eigenvectors of Σ w_i ‖y_i‖² y_i y_iᵀ,
sample points, and random vectors (Peña & Prieto 2001 use both ends of the kurtosis as well).
"""

from __future__ import annotations

import numpy as np

__all__ = ["Directions", "extreme_directions", "kurtosis_matrix"]

_EIGENVECTORS = 3
_POINTS = 8
_RANDOM = 4
_ASCENT = 20
_DESCENT = 25
# Two directions closer than this (squared cosine) are one.
_SAME = 0.9


class Directions:
    """Unit vectors as columns: `heavy` maximise the kurtosis, `light` minimise it, `skewed` maximise |skewness|."""

    def __init__(self, heavy: np.ndarray, light: np.ndarray, skewed: np.ndarray):
        self.heavy, self.light, self.skewed = heavy, light, skewed


def kurtosis_matrix(Y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Σ w_i ‖y_i‖² y_i y_iᵀ, of shape (r, r); a multiple of the identity for Gaussian data."""
    rooted = Y * (np.sqrt(weights) * np.linalg.norm(Y, axis=1))[:, None]
    return np.asarray(rooted.T @ rooted)


def extreme_directions(Y: np.ndarray, weights: np.ndarray, rng: np.random.Generator) -> Directions:
    """Local extrema of the third and fourth moments of the projections, the most extreme ones first.

    Parameters
    ----------
    Y : ndarray of shape (n, r)
        Whitened under the weights.
    weights : ndarray of shape (n,)
        Sum to one.
    rng : numpy.random.Generator
    """
    r = Y.shape[1]
    if r == 1:
        one = np.ones((1, 1))
        return Directions(one, one, one)
    eigenvectors = np.linalg.eigh(kurtosis_matrix(Y, weights))[1]
    ends = np.unique(np.r_[:_EIGENVECTORS, -_EIGENVECTORS:0] % r)
    # Points on which weight rests: of several outliers that agree one is a good start towards the others.
    points = Y[rng.choice(len(Y), min(_POINTS, len(Y)), replace=False, p=weights / weights.sum())].T
    longest = Y[np.argsort(-np.einsum("ij,ij->i", Y, Y) * (weights > 0))[:_EIGENVECTORS]].T
    starts = _normalised(np.hstack([eigenvectors[:, ends], longest, points, rng.standard_normal((r, _RANDOM))]))
    heavy = starts
    for _ in range(_ASCENT):
        heavy = _normalised(Y.T @ (weights[:, None] * (Y @ heavy) ** 3))
    values = weights @ (Y @ heavy) ** 4
    light, lows = _descend(Y, weights, starts, 4, 1.0)
    skewed, skews = _descend(Y, weights, starts, 3, -1.0)
    return Directions(_distinct(heavy, -values), _distinct(light, lows), _distinct(skewed, skews))


def _descend(
    Y: np.ndarray, weights: np.ndarray, V: np.ndarray, power: int, sign: float
) -> tuple[np.ndarray, np.ndarray]:
    """Minimise sign · Σ w_i ⟨y_i, v⟩^power over the sphere; each column has a step length of its own."""
    images = Y @ V
    if power % 2:
        flip = np.where(weights @ images**power < 0, -1.0, 1.0)
        V, images = V * flip, images * flip
    values = sign * (weights @ images**power)
    steps = np.full(V.shape[1], 0.25)
    gradient = Y.T @ (weights[:, None] * images ** (power - 1))
    for _ in range(_DESCENT):
        moved = _normalised(V - steps * sign * power * (gradient - V * np.sum(V * gradient, axis=0)))
        moved_images = Y @ moved
        moved_values = sign * (weights @ moved_images**power)
        better = moved_values < values
        steps *= np.where(better, 1.5, 0.3)
        V, images, values = (
            np.where(better, moved, V),
            np.where(better, moved_images, images),
            np.where(better, moved_values, values),
        )
        gradient = Y.T @ (weights[:, None] * images ** (power - 1))
    return V, values


def _distinct(V: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The columns in increasing order of their values, without copies."""
    kept: list[int] = []
    overlaps = (V.T @ V) ** 2
    for index in np.argsort(values, kind="stable").tolist():
        if not kept or (overlaps[index, kept] < _SAME).all():
            kept.append(index)
    return V[:, kept]


def _normalised(V: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(V, axis=0)
    return V / np.where(lengths > 0, lengths, 1)
