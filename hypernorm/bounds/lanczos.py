"""The Lanczos process of a symmetric linear map, with full reorthogonalisation.

From a start q_1 it builds orthonormal vectors q_k in whose span the map is tridiagonal. The eigenvalues of the
tridiagonal matrix (Ritz values) approximate those of the map, the largest and smallest first (Saad, *Numerical Methods
for Large Eigenvalue Problems*, chapter 6). The caller applies the map, so that it can stop after any product.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg.blas import get_blas_funcs

__all__ = ["Lanczos", "extreme_values"]

# Vectors are kept in blocks, so that memory grows with their number and a block is one operand of a product.
_BLOCK_ENTRIES = 1 << 24
_LEAST_ROWS, _MOST_ROWS = 16, 128


class Lanczos:
    """The process after some products.

    Parameters
    ----------
    start : ndarray of shape (size,)
        Not zero; its length does not matter.

    Attributes
    ----------
    newest : ndarray of shape (size,)
        The vector to which the map is to be applied next.
    diagonal : list of float
        Of the tridiagonal matrix, one entry for each product.
    last : float
        Length of what was left of the last image: the coupling of the newest vector to those before it.

    Examples
    --------
    >>> A, process = np.diag([3.0, 2.0, 1.0]), Lanczos(np.ones(3))
    >>> for _ in range(3):
    ...     last = process.advance(A @ process.newest)
    >>> process.ritz()[0].round(6)
    array([1., 2., 3.])
    """

    def __init__(self, start: np.ndarray):
        self.newest = start / np.linalg.norm(start)
        self.last = 0.0
        self._rows = max(_LEAST_ROWS, min(_MOST_ROWS, _BLOCK_ENTRIES // len(start)))
        self._blocks: list[np.ndarray] = []
        self.diagonal: list[float] = []
        self._off: list[float] = []

    def __len__(self) -> int:
        """Number of products."""
        return len(self.diagonal)

    def advance(self, image: np.ndarray) -> float:
        """Take the image of the newest vector; return the length of its part outside of the span so far.

        If that is not zero, its direction is the next vector.
        """
        if self.diagonal:
            self._off.append(self.last)
        self._keep(self.newest)
        self.diagonal.append(float(self.newest @ image))
        for _ in range(2):  # orthogonalising twice is enough
            for block in self._filled():
                image = image - block.T @ (block @ image)
        self.last = float(np.linalg.norm(image))
        if self.last > 0:
            self.newest = image / self.last
        return self.last

    @property
    def tridiagonal(self) -> np.ndarray:
        """The map in the span of the vectors that it was applied to."""
        return np.diag(self.diagonal) + np.diag(self._off, 1) + np.diag(self._off, -1)

    def ritz(self) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues of the tridiagonal matrix in increasing order, and its eigenvectors as columns."""
        values, vectors = np.linalg.eigh(self.tridiagonal)
        return values, vectors

    def combined(self, coordinates: np.ndarray) -> np.ndarray:
        """Combine the vectors with coordinates of shape (k,) or (k, m), to shape (size,) or (size, m)."""
        parts, first = [], 0
        for block in self._filled():
            parts.append(block.T @ coordinates[first : first + len(block)])
            first += len(block)
        return np.sum(parts, axis=0) if len(parts) > 1 else np.asarray(parts[0])

    def _keep(self, vector: np.ndarray) -> None:
        place = len(self.diagonal) % self._rows
        if place == 0:
            self._blocks.append(np.empty((self._rows, len(vector)), dtype=vector.dtype))
        self._blocks[-1][place] = vector

    def _filled(self) -> list[np.ndarray]:
        """The vectors that are kept, in blocks."""
        count = len(self.diagonal)
        return [block[: min(self._rows, count - self._rows * index)] for index, block in enumerate(self._blocks)]


def extreme_values(
    lower: np.ndarray, start: np.ndarray, steps: int, tolerance: float
) -> tuple[float, np.ndarray, float]:
    """Largest Ritz value plus its residual, its vector, and smallest Ritz value minus its residual.

    The symmetric matrix is given by its lower triangle; `tolerance` bounds the residual of the largest pair.
    """
    process, steps = Lanczos(start), min(steps, len(lower))
    (product,) = get_blas_funcs(("symv",), (lower,))
    while True:
        last = process.advance(product(1.0, lower.T, process.newest, lower=0))
        finished = last <= 1e-14 or len(process) == steps
        if finished or len(process) % 8 == 0:
            values, vectors = process.ritz()
            residuals = last * np.abs(vectors[-1])
            if finished or residuals[-1] <= tolerance:
                top = process.combined(vectors[:, -1])
                return float(values[-1] + residuals[-1]), top, float(values[0] - residuals[0])
