"""Gram matrices of sparse samples, added up row by row."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from hypernorm._numba import njit

__all__ = ["lower_gram"]


def lower_gram(X: sp.csr_array, weights: np.ndarray | None = None) -> np.ndarray:
    """The lower triangle of Xᵀ diag(weights) X in double precision, with zeros above the diagonal."""
    lower = np.zeros((X.shape[1], X.shape[1]), order="F")
    factors = np.ones(1) if weights is None else weights
    _add_products(X.indptr, X.indices, X.data, factors, lower)
    return lower


@njit
def _add_products(
    indptr: np.ndarray, indices: np.ndarray, data: np.ndarray, weights: np.ndarray, lower: np.ndarray
) -> None:
    for row in range(len(indptr) - 1):
        weight = weights[row] if len(weights) > 1 else weights[0]
        for first in range(indptr[row], indptr[row + 1]):
            i, value = indices[first], weight * np.float64(data[first])
            for second in range(indptr[row], first):
                j, product = indices[second], value * np.float64(data[second])
                if i == j:  # an entry in two parts
                    lower[i, i] += 2 * product
                else:
                    lower[max(i, j), min(i, j)] += product
            lower[i, i] += value * np.float64(data[first])
