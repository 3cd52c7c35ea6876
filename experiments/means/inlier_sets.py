"""Sets of inliers that make an estimate as wrong as possible, by ascent over directions.

With at most k outliers among n samples, the inliers are any n − k or more of them. In a given direction the worst set
is known: for the mean it leaves out the k samples at one end; for the least variance k at both ends together, for the
largest k neighbours in the middle. The mean or the extreme eigenvector of that set is the next direction, so no step
makes the set better. The result is attained, and nothing says that it is the worst.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg

__all__ = ["extreme_variances", "farthest_mean"]

_STEPS = 30


def farthest_mean(
    X: np.ndarray, location: np.ndarray, outliers: int, rng: np.random.Generator
) -> tuple[float, np.ndarray]:
    """The largest distance found of the location from the mean of a set of inliers, and the set as a mask."""
    differences = X - location
    best, mask = float(np.linalg.norm(differences.mean(axis=0))), np.ones(len(X), bool)
    for v in _starts(differences, rng):
        last = -1.0
        for _ in range(_STEPS):
            kept = np.ones(len(X), bool)
            kept[np.argsort(differences @ v, kind="stable")[:outliers]] = False
            apart = differences[kept].mean(axis=0)
            size = float(np.linalg.norm(apart))
            if size > best:
                best, mask = size, kept
            if not size > max(last * (1 + 1e-12), 0.0):
                break
            last, v = size, apart / size
    return best, mask


def extreme_variances(
    X: np.ndarray, covariance: np.ndarray, outliers: int, rng: np.random.Generator
) -> tuple[float, float]:
    """The least and the largest ratio found of the variance of a set of inliers to that by the matrix."""
    root = np.linalg.cholesky(covariance)
    Y = scipy.linalg.solve_triangular(root, (X - X.mean(axis=0)).T, lower=True).T
    found = [np.linalg.eigvalsh(np.cov(Y.T, bias=True).reshape(Y.shape[1], -1))[place] for place in (0, -1)]
    for place, better in ((0, min), (-1, max)):
        for v in _starts(Y, rng):
            last = np.inf if place == 0 else -np.inf
            for _ in range(_STEPS):
                kept = _extreme_part(Y @ v, outliers, least=place == 0)
                values, vectors = np.linalg.eigh(np.cov(Y[kept].T, bias=True).reshape(Y.shape[1], -1))
                found[place] = better(found[place], values[place])
                if better(last, values[place]) == last:
                    break
                last, v = values[place], vectors[:, place]
    return max(float(found[0]), 0.0), float(found[1])


def _extreme_part(line: np.ndarray, outliers: int, *, least: bool) -> np.ndarray:
    """The indices of n − k numbers with the least variance, or with about the largest."""
    order, n = np.argsort(line, kind="stable"), len(line)
    size = n - outliers if least else outliers
    values = line[order] - line.mean()
    sums, squares = (np.concatenate([[0.0], np.cumsum(part)]) for part in (values, values**2))
    inside = sums[size:] - sums[: n + 1 - size], squares[size:] - squares[: n + 1 - size]
    if least:
        start = int(np.argmin(inside[1] / size - (inside[0] / size) ** 2))
        return order[start : start + size]
    rest = n - size
    start = int(np.argmax((squares[-1] - inside[1]) / rest - ((sums[-1] - inside[0]) / rest) ** 2))
    return np.delete(order, slice(start, start + size))


def _starts(differences: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Unit vectors: principal axes, the farthest samples, and random ones, with both signs."""
    d = differences.shape[1]
    axes = np.linalg.svd(differences, full_matrices=False)[2]
    far = differences[np.argsort(-np.linalg.norm(differences, axis=1))[:8]]
    chosen = np.vstack([axes[:4], axes[-2:], far, rng.standard_normal((8, d))])
    lengths = np.linalg.norm(chosen, axis=1, keepdims=True)
    chosen = chosen[lengths[:, 0] > 0] / lengths[lengths[:, 0] > 0]
    return np.vstack([chosen, -chosen])
