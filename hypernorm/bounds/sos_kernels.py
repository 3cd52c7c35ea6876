"""Compiled loops over rows `start` ≤ a < `stop` of the lower triangle of a D×D matrix.

Class sums, one step of the splitting, and the Gram matrix of a multiplier. A triangle is stored row by row.
"""

from __future__ import annotations

import numpy as np

from hypernorm._numba import njit

__all__ = ["class_sums", "gram", "step"]


@njit
def class_sums(
    Y: np.ndarray,
    scale: float,
    U: np.ndarray,
    classes: np.ndarray,
    w: np.ndarray,
    count: int,
    start: int,
    stop: int,
) -> np.ndarray:
    """Sums over each class of w_α w_β (scale·Y + U)_αβ; every pair counts in both orders."""
    result = np.zeros(count)
    for a in range(start, stop):
        first = a * (a + 1) // 2
        for b in range(a):
            result[classes[first + b]] += 2 * w[a] * w[b] * (scale * Y[a, b] + U[a, b])
        result[classes[first + a]] += w[a] * w[a] * (scale * Y[a, a] + U[a, a])
    return result


@njit
def step(
    Y: np.ndarray,
    scale: float,
    U: np.ndarray,
    shifts: np.ndarray,
    classes: np.ndarray,
    w: np.ndarray,
    A: np.ndarray,
    start: int,
    stop: int,
) -> None:
    """Set U += scale·Y + S₀, then A = S₁ − U, where S_k has the entries w_α w_β times ``shifts[class, k]``."""
    for a in range(start, stop):
        first = a * (a + 1) // 2
        for b in range(a + 1):
            c = classes[first + b]
            s = w[a] * w[b]
            u = U[a, b] + scale * Y[a, b] + s * shifts[c, 0]
            U[a, b] = u
            A[a, b] = s * shifts[c, 1] - u


@njit
def gram(
    U: np.ndarray,
    moments: np.ndarray,
    sigma: float,
    classes: np.ndarray,
    w: np.ndarray,
    G: np.ndarray,
    start: int,
    stop: int,
) -> None:
    """Set G = M − σU in the lower triangle."""
    for a in range(start, stop):
        first = a * (a + 1) // 2
        for b in range(a + 1):
            G[a, b] = w[a] * w[b] * moments[classes[first + b]] - sigma * U[a, b]
