"""Directions in which weighted samples look unlike Gaussian ones.

In whitened coordinates FastICA's fixed point v ← Σ w_i y_i g(⟨y_i, v⟩) − v Σ w_i g'(⟨y_i, v⟩) finds projections with
groups and heavy tails for g = tanh, and for g = square it is the power method for the skewness. Two steps to the mean
of the heavier tail of a projection follow. All starts move together: an iteration is two products with the samples.

A direction in r dimensions follows the noise of n samples by √(r/n). So the search is repeated among the principal
components that noise does not explain, the leading quarter of these, and so on: there less noise hides what is seen.
(Among components that only noise tells apart, the leading ones are those with the heaviest tails.)
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from hypernorm.robust.filter.lines import BULK, standardised

__all__ = ["dimensions", "search"]

_EIGENVECTORS = 3
_POINTS = 40
_RANDOM = 4
_ITERATIONS = 8
_REFINEMENTS = 2
# Two directions with a larger squared cosine count as one.
_SAME = 0.9


def dimensions(r: int, principal: int) -> Iterator[int]:
    """The numbers of leading principal components in which to search, of r of which some stand out.

    Examples
    --------
    >>> list(dimensions(22, 7))
    [22, 7, 2, 1]
    """
    yield r
    following = min(principal, r - 1)
    while following > 0:
        yield following
        following = math.ceil(following / 4) if following > 1 else 0


def search(
    Y: np.ndarray, weights: np.ndarray, share: float, rng: np.random.Generator, center: float | None = None
) -> np.ndarray:
    """Find directions with groups, skewness or heavy tails.

    Parameters
    ----------
    Y : ndarray of shape (n, r)
        Centered and whitened under the weights.
    weights : ndarray of shape (n,)
        Sum to one.
    share : float
        As returned by `interval_share`.
    rng : numpy.random.Generator
    center : float, optional
        Known center of the projections.

    Returns
    -------
    ndarray of shape (r, k)
        Unit vectors as columns, no two of them nearly alike.
    """
    if Y.shape[1] == 1:
        return np.ones((1, 1))
    starts = _starts(Y, weights, rng)
    skewed, grouped = starts, starts
    for _ in range(_ITERATIONS):
        skewed = _normalised(Y.T @ (weights[:, None] * (Y @ skewed) ** 2), skewed)
        bent = np.tanh(Y @ grouped)
        grouped = _normalised(Y.T @ (weights[:, None] * bent) - grouped * (weights @ (1 - bent * bent)), grouped)
    found = np.hstack([starts, _distinct(skewed), _distinct(grouped)])
    refined = found
    for _ in range(_REFINEMENTS):
        refined = _normalised(Y.T @ _heavier_tails(Y @ refined, weights, share, center), refined)
    return _distinct(np.hstack([refined, found]))


def _heavier_tails(projections: np.ndarray, weights: np.ndarray, share: float, center: float | None) -> np.ndarray:
    """Weighted distances beyond the bulk, on the side of each projection where they are larger on average."""
    z = standardised(projections, weights, share, center)
    above, below = (weights @ np.maximum(side * z - BULK, 0) for side in (1.0, -1.0))
    z *= np.where(above > below, 1.0, -1.0)
    return np.asarray(weights[:, None] * np.maximum(z - BULK, 0))


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
