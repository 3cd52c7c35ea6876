"""Compiled loops over the lower triangle of a D×D matrix: class sums, and one step of the splitting."""

from __future__ import annotations

import numpy as np

from hypernorm._numba import njit, prange

__all__ = ["class_sums", "gram", "step"]


@njit
def class_sums(
    Y: np.ndarray, scale: float, U: np.ndarray, classes: np.ndarray, w: np.ndarray, count: int
) -> np.ndarray:
    """Σ over each class of w_α w_β (scale·Y + U)_αβ, both orders of every pair counted."""
    result = np.zeros(count)
    for a in range(len(w)):
        first = a * (a + 1) // 2
        for b in range(a):
            result[classes[first + b]] += 2 * w[a] * w[b] * (scale * Y[a, b] + U[a, b])
        result[classes[first + a]] += w[a] * w[a] * (scale * Y[a, a] + U[a, a])
    return result


@njit(parallel=True)
def step(
    Y: np.ndarray,
    U: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
    moments: np.ndarray,
    relaxation: float,
    sigma: float,
    classes: np.ndarray,
    w: np.ndarray,
    A: np.ndarray,
) -> None:
    """U += relaxation·Y + (1−relaxation)·Z_before − Z_after, and A = Z_after − U + M/σ, in the lower triangles.

    Z and M are fully symmetric: entry (α, β) is w_α w_β times the value of its class.
    """
    for a in prange(len(w)):
        first = a * (a + 1) // 2
        for b in range(a + 1):
            c = classes[first + b]
            s = w[a] * w[b]
            u = U[a, b] + relaxation * Y[a, b] + s * ((1 - relaxation) * before[c] - after[c])
            U[a, b] = u
            A[a, b] = s * (after[c] + moments[c] / sigma) - u


@njit(parallel=True)
def gram(U: np.ndarray, moments: np.ndarray, sigma: float, classes: np.ndarray, w: np.ndarray, G: np.ndarray) -> None:
    """G = M − σU in the lower triangle."""
    for a in prange(len(w)):
        first = a * (a + 1) // 2
        for b in range(a + 1):
            G[a, b] = w[a] * w[b] * moments[classes[first + b]] - sigma * U[a, b]
