"""Directions in which weighted samples look unlike Gaussian ones: extreme fourth and third moments.

In whitened coordinates f(v) = Σ w_i ⟨y_i, v⟩⁴ is the kurtosis of the projections on v. Its maxima come from the
generalised power method, whose steps never descend. Its minima, where a projection separates two groups (Peña & Prieto
2001 use both ends), and the maxima of the skewness Σ w_i ⟨y_i, v⟩³ come from gradient steps on the sphere that are kept
only if they improve. All starts move together: an iteration is two products with the samples.
"""

from __future__ import annotations

import numpy as np

__all__ = ["extreme_directions"]

_EIGENVECTORS = 3
_POINTS = 40
_RANDOM = 4
_ITERATIONS = 8
# Two directions with a larger squared cosine count as one.
_SAME = 0.9
# Entries of a block or of its images.
_BLOCK_ENTRIES = 1 << 17


def extreme_directions(Y: np.ndarray, weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Find local extrema of the kurtosis and of the skewness over unit vectors.

    Parameters
    ----------
    Y : ndarray of shape (n, r)
        Centered and whitened under the weights.
    weights : ndarray of shape (n,)
        Sum to one.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape (r, k)
        Unit vectors as columns, no two of them nearly alike.
    """
    r = Y.shape[1]
    if r == 1:
        return np.ones((1, 1))
    starts = _starts(Y, weights, rng)
    heavy = starts
    for _ in range(_ITERATIONS):
        heavy = _normalised(_gradient(Y, weights, heavy, 4), heavy)
    light = _descend(Y, weights, starts, 4, 1.0)
    skewed = _descend(Y, weights, starts, 3, -1.0)
    return _distinct(np.hstack([skewed, heavy, light]))


def _starts(Y: np.ndarray, weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Starting points: contracted third and fourth moments, long rows, random rows, and random vectors."""
    n, r = Y.shape
    squares = np.einsum("ij,ij->i", Y, Y)
    rooted = Y * np.sqrt(weights * squares)[:, None]
    eigenvectors = np.linalg.eigh(rooted.T @ rooted)[1]
    ends = np.unique(np.r_[:_EIGENVECTORS, -_EIGENVECTORS:0] % r)
    # One of several outliers that agree is a good start towards the others.
    points = rng.choice(n, min(_POINTS, int(np.count_nonzero(weights))), replace=False, p=weights / weights.sum())
    longest = np.argsort(-squares * (weights > 0), kind="stable")[:_EIGENVECTORS]
    rows = Y[np.concatenate([longest, points])].T
    skewness = Y.T @ (weights * squares)
    random = rng.standard_normal((r, _RANDOM))
    starts = np.column_stack([skewness, eigenvectors[:, ends], rows, random])
    return _normalised(starts[:, np.any(starts != 0, axis=0)])


def _descend(Y: np.ndarray, weights: np.ndarray, V: np.ndarray, power: int, sign: float) -> np.ndarray:
    """Minimise sign · Σ w_i ⟨y_i, v⟩^power over the sphere; each column has a step length of its own."""
    gradient = _gradient(Y, weights, V, power)
    values = np.sum(V * gradient, axis=0)  # by homogeneity
    if power == 3:
        V, values = np.where(values < 0, -V, V), np.abs(values)  # with the same gradient
    values = sign * values
    steps = np.ones(V.shape[1])
    for _ in range(_ITERATIONS):
        downhill = sign * (gradient - V * np.sum(V * gradient, axis=0))
        moved = _normalised(V - steps * downhill)
        moved_gradient = _gradient(Y, weights, moved, power)
        moved_values = sign * np.sum(moved * moved_gradient, axis=0)
        better = moved_values < values
        steps *= np.where(better, 1.5, 0.3)
        V, gradient = np.where(better, moved, V), np.where(better, moved_gradient, gradient)
        values = np.where(better, moved_values, values)
    return V


def _gradient(Y: np.ndarray, weights: np.ndarray, V: np.ndarray, power: int) -> np.ndarray:
    """Σ w_i ⟨y_i, v⟩^(power−1) y_i for each column v, by blocks that stay in cache with their images."""
    step = max(64, _BLOCK_ENTRIES // max(V.shape))
    result = np.zeros_like(V)
    for start in range(0, len(Y), step):
        block = Y[start : start + step]
        images = block @ V
        powers = images * images
        if power == 4:
            powers *= images
        powers *= weights[start : start + step, None]
        result += block.T @ powers
    return result


def _distinct(V: np.ndarray) -> np.ndarray:
    """The columns, without those that are nearly a copy of an earlier one."""
    kept: list[int] = []
    overlaps = (V.T @ V) ** 2
    for index in range(V.shape[1]):
        if not kept or (overlaps[index, kept] < _SAME).all():
            kept.append(index)
    return V[:, kept]


def _normalised(V: np.ndarray, otherwise: np.ndarray | None = None) -> np.ndarray:
    """Columns scaled to length one; a column of zeros is replaced by that of `otherwise`."""
    lengths = np.linalg.norm(V, axis=0)
    unit = V / np.where(lengths > 0, lengths, 1)
    return unit if otherwise is None else np.where(lengths > 0, unit, otherwise)
