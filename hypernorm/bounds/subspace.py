"""Chebyshev-filtered subspace iteration: the leading eigenpairs of a symmetric map that changes little between calls.

A block of vectors is kept. A polynomial of the map that is small on the unwanted part of the spectrum damps it in the
block, and the eigenpairs of the map on its span follow (Zhou, Saad, Tiago and Chelikowsky, *Self-consistent-field
calculations using Chebyshev-filtered subspace iteration*, 2006).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["LeadingSubspace"]

_FRESH = 4  # random columns that each call adds to the block, so that no eigenvector is missed
_LEAST_WIDTH = 12


class LeadingSubspace:
    """The block, and the interval [low, cut] of the unwanted part of the spectrum.

    Parameters
    ----------
    vectors : ndarray of shape (size, k)
        The first block.
    low : float
        A lower end of the spectrum.
    rng : numpy.random.Generator

    Attributes
    ----------
    vectors : ndarray of shape (size, k), Fortran order
        Ritz vectors, the leading one first.
    low, cut : float
    """

    def __init__(self, vectors: np.ndarray, low: float, rng: np.random.Generator):
        self.vectors, self.low, self.cut = np.asfortranarray(vectors), low, 0.0
        self._rng = rng

    def scale(self, ratio: float) -> None:
        """Multiply the interval, for a map that is about to be multiplied."""
        self.low, self.cut = ratio * self.low, ratio * self.cut

    def above_threshold(
        self, multiply: Callable[[np.ndarray], np.ndarray], degree: int, later: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """λ_i − τ > 0 with sum one for the eigenvalues λ_i of the map, and their eigenvectors as columns.

        The polynomial has the given degree; if the block is too thin it grows, and another of degree `later` follows.
        """
        size, V = len(self.vectors), self.vectors
        while True:
            width = min(size, V.shape[1] + _FRESH)
            V = self._widened(V, width - V.shape[1])
            Q = np.linalg.qr(self._filtered(V, multiply, degree))[0]
            projected = (Q.T @ multiply(Q)).astype(np.float64)
            ritz, S = np.linalg.eigh((projected + projected.T) / 2)
            ritz, V = ritz[::-1], Q @ S[:, ::-1].astype(Q.dtype)
            threshold, rank = _simplex_threshold(ritz)
            self.cut = float(ritz[-1])
            if rank <= 0.9 * width or width == size:
                break
            # The block is too thin for all eigenpairs above the threshold.
            degree = later
            V = self._widened(V, min(size - width, width // 2 + 5))
        keep = min(width, max(_LEAST_WIDTH, int(1.3 * rank) + 4))
        self.vectors = np.asfortranarray(V[:, :keep])
        self.cut = float(ritz[keep - 1])
        return ritz[:rank] - threshold, self.vectors[:, :rank]

    def _widened(self, V: np.ndarray, count: int) -> np.ndarray:
        return np.hstack([V, self._rng.standard_normal((len(V), max(0, count))).astype(V.dtype)])

    def _filtered(self, V: np.ndarray, multiply: Callable[[np.ndarray], np.ndarray], degree: int) -> np.ndarray:
        """Apply to each column the Chebyshev polynomial of the map that is small on [low, cut] and grows above."""
        # The interval must not be empty, even for a form of one row, which has no spectrum to damp. The eigenvalues of
        # interest are of order one, so in single precision nothing overflows.
        cut = max(self.cut, self.low + 1e-3 * max(abs(self.low), 1e-3))
        half, center = (cut - self.low) / 2, (cut + self.low) / 2
        last = V / np.linalg.norm(V, axis=0)
        current = (multiply(last) - center * last) / half
        for _ in range(degree - 1):
            last, current = current, (2 / half) * (multiply(current) - center * current) - last
            sizes = np.linalg.norm(current, axis=0)
            sizes[sizes == 0] = 1.0
            last, current = last / sizes, current / sizes
        return np.asarray(current)


def _simplex_threshold(values: np.ndarray) -> tuple[float, int]:
    """τ and r with Σ (λ_i − τ)₊ = 1 for values in decreasing order, of which r are above τ."""
    excess = (np.cumsum(values) - 1) / np.arange(1, len(values) + 1)
    rank = int(np.nonzero(values > excess)[0][-1]) + 1
    return float(excess[rank - 1]), rank
