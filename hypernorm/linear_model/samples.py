"""Samples and targets with weights and intercept column, and products with the centered samples.

Sparse samples stay sparse. Dense samples are centered block by block, in double precision; no copy is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.linalg
from scipy.linalg import blas

from hypernorm._validation import as_dense

__all__ = ["BLOCK_ENTRIES", "CenteredSamples", "Samples"]

BLOCK_ENTRIES = 1 << 19
_EPS = float(np.finfo(np.float64).eps)
_LARGEST_NOISE = 2.0**-36


@dataclass(frozen=True)
class Samples:
    """Samples and targets with their weights and intercept column; nothing is copied.

    Attributes
    ----------
    X : ndarray or csr_array of shape (n, d)
    y : ndarray of shape (n, k)
    weights : ndarray of shape (n,) or None
        Sample weights; weight 2 equals a repeated row.
    intercept : ndarray of shape (n,) or None
        The column that is projected out: ones, or whitened ones; None without an intercept.
    covariance : ndarray of shape (n, n) or None
        Covariance of the noise, for samples that are not whitened yet.
    """

    X: Any
    y: np.ndarray
    weights: np.ndarray | None
    intercept: np.ndarray | None
    covariance: np.ndarray | None = None

    def subset(self, indices: np.ndarray) -> Samples:
        """The samples with the given indices."""
        return Samples(
            self.X[indices],
            self.y[indices],
            None if self.weights is None else self.weights[indices],
            None if self.intercept is None else self.intercept[indices],
            None if self.covariance is None else self.covariance[np.ix_(indices, indices)],
        )

    def with_weight(self) -> Samples:
        """The samples whose weight is not zero."""
        return self if self.weights is None or self.weights.all() else self.subset(np.flatnonzero(self.weights))

    def whitened(self) -> Samples:
        """The samples, targets and intercept column times the inverse of the Cholesky factor of the covariance."""
        if self.covariance is None:
            return self
        factor = np.linalg.cholesky(self.covariance)

        def solve(right: np.ndarray) -> np.ndarray:
            return np.asarray(scipy.linalg.solve_triangular(factor, right, lower=True, check_finite=False))

        intercept = None if self.intercept is None else solve(self.intercept[:, None])[:, 0]
        return Samples(solve(as_dense(self.X)), solve(self.y), None, intercept)

    def centers(self) -> tuple[np.ndarray, np.ndarray]:
        """Weighted least-squares coefficients of X and y on the intercept column; zero without an intercept."""
        d, k = self.X.shape[1], self.y.shape[1]
        if self.intercept is None:
            return np.zeros(d), np.zeros(k)
        column = self.intercept if self.weights is None else self.intercept * self.weights
        total = float(np.einsum("n,n->", column, self.intercept))
        return _transposed_product(self.X, column[:, None])[:, 0] / total, np.einsum("n,nk->k", column, self.y) / total


@dataclass(frozen=True)
class CenteredSamples:
    """Samples minus the intercept column times the centers; products include the roots of the weights.

    Attributes
    ----------
    samples : Samples
    X_center : ndarray of shape (d,)
    y_center : ndarray of shape (k,)
    """

    samples: Samples
    X_center: np.ndarray
    y_center: np.ndarray

    @classmethod
    def of(cls, samples: Samples) -> CenteredSamples:
        """The samples with their own centers."""
        return cls(samples, *samples.centers())

    @property
    def shape(self) -> tuple[int, int]:
        """(n, d)."""
        return self.samples.X.shape

    @property
    def is_wide(self) -> bool:
        """Whether the centered samples have at least as many columns as rows can be independent."""
        n, d = self.shape
        return n - (self.samples.intercept is not None) <= d

    @cached_property
    def roots(self) -> np.ndarray:
        """Roots of the weights, of shape (n,)."""
        weights = self.samples.weights
        return np.ones(self.shape[0]) if weights is None else np.sqrt(weights)

    @cached_property
    def column(self) -> np.ndarray:
        """The intercept column times the roots of the weights; zero without an intercept."""
        intercept = self.samples.intercept
        return np.zeros(self.shape[0]) if intercept is None else intercept * self.roots

    @cached_property
    def offset(self) -> float:
        """Norm of what centering subtracts, ‖column‖·‖X_center‖."""
        return float(np.linalg.norm(self.column) * np.linalg.norm(self.X_center))

    def targets(self) -> np.ndarray:
        """Centered targets times the roots of the weights."""
        centered = self.samples.y
        if self.samples.intercept is not None:
            centered = centered - np.outer(self.samples.intercept, self.y_center)
        return centered if self.samples.weights is None else centered * self.roots[:, None]

    def row_blocks(self, step: int) -> Iterator[tuple[slice, np.ndarray]]:
        """Dense blocks of rows; each is valid until the next one."""
        X, intercept = self.samples.X, self.samples.intercept
        buffer = np.empty((min(step, self.shape[0]), self.shape[1]))
        for rows in _slices(self.shape[0], step):
            block = buffer[: rows.stop - rows.start]
            _fill(block, X[rows], None if intercept is None else intercept[rows], self.X_center)
            if self.samples.weights is not None:
                block *= self.roots[rows, None]
            yield rows, block

    def column_blocks(self, step: int) -> Iterator[np.ndarray]:
        """Blocks of columns of dense samples; each is valid until the next one."""
        X, intercept = self.samples.X, self.samples.intercept
        buffer = np.empty(self.shape[0] * min(step, self.shape[1]))
        for columns in _slices(self.shape[1], step):
            width = columns.stop - columns.start
            block = buffer[: self.shape[0] * width].reshape(self.shape[0], width)
            _fill(block, X[:, columns], intercept, self.X_center[columns])
            if self.samples.weights is not None:
                block *= self.roots[:, None]
            yield block

    def product(self, right: np.ndarray, careful: bool = False) -> np.ndarray:
        """Centered, weighted X times a matrix of shape (d, m); `careful` centers dense samples first."""
        if careful and self._may_be_blocked:
            return np.vstack([block @ right for _, block in self.row_blocks(max(1, BLOCK_ENTRIES // self.shape[1]))])
        result = _product(self.samples.X, right)
        if self.samples.intercept is not None:
            result -= np.outer(self.samples.intercept, self.X_center @ right)
        result = result if self.samples.weights is None else result * self.roots[:, None]
        return self.product(right, careful=True) if not careful and self._is_lost(right, result) else result

    def transposed_product(self, right: np.ndarray, careful: bool = False) -> np.ndarray:
        """The transpose of the centered, weighted X times a matrix of shape (n, m); `careful` as above."""
        if careful and self._may_be_blocked:
            result = np.zeros((self.shape[1], right.shape[1]))
            for rows, block in self.row_blocks(max(1, BLOCK_ENTRIES // self.shape[1])):
                result += block.T @ right[rows]
            return result
        rooted = right if self.samples.weights is None else right * self.roots[:, None]
        result = _transposed_product(self.samples.X, rooted)
        if self.samples.intercept is not None:
            result -= np.outer(self.X_center, self.samples.intercept @ rooted)
        return self.transposed_product(right, careful=True) if not careful and self._is_lost(right, result) else result

    @property
    def _may_be_blocked(self) -> bool:
        return isinstance(self.samples.X, np.ndarray)

    def _is_lost(self, right: np.ndarray, result: np.ndarray) -> bool:
        """Whether centering after the product cancels more digits than a large mean may cost."""
        limit = (_LARGEST_NOISE / (_EPS * self.offset)) ** 2 if self.offset else np.inf
        return bool((_squared_norms(right) > limit * _squared_norms(result)).any())


def _squared_norms(columns: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("ij,ij->j", columns, columns))


def centered_rows(rows: Any, intercept: np.ndarray | None, center: np.ndarray) -> np.ndarray:
    """Dense rows minus the intercept column times the center."""
    block = np.empty(rows.shape)
    _fill(block, rows, intercept, center)
    return block


def _fill(block: np.ndarray, rows: Any, intercept: np.ndarray | None, center: np.ndarray) -> None:
    """Write dense or sparse rows minus the intercept column times the center into a block, in one pass."""
    dense = rows if isinstance(rows, np.ndarray) else rows.toarray()
    if intercept is None:
        block[:] = dense
    elif (intercept == 1).all():
        np.subtract(dense, center, out=block)
    else:
        np.subtract(dense, np.outer(intercept, center), out=block)


def _slices(size: int, step: int) -> Iterator[slice]:
    for start in range(0, size, step):
        yield slice(start, min(start + step, size))


def _product(X: Any, right: np.ndarray) -> np.ndarray:
    """X times a matrix in double precision."""
    if _is_contiguous(X):
        if right.shape[1] == 1:
            return np.asarray(blas.dgemv(1.0, X.T, right[:, 0], trans=1)[:, None])
        return np.asarray(blas.dgemm(1.0, X.T, right, trans_a=1))
    if not isinstance(X, np.ndarray) or X.dtype == np.float64:
        return np.asarray(X @ right, dtype=np.float64)
    step = max(1, BLOCK_ENTRIES // X.shape[1])
    return np.vstack([as_dense(X[rows]) @ right for rows in _slices(len(X), step)])


def _transposed_product(X: Any, right: np.ndarray) -> np.ndarray:
    """Xᵀ times a matrix in double precision; sums in single precision would lose a small spread about a large mean."""
    if _is_contiguous(X):
        return np.asarray(
            blas.dgemv(1.0, X.T, right[:, 0])[:, None] if right.shape[1] == 1 else blas.dgemm(1.0, X.T, right)
        )
    if not isinstance(X, np.ndarray) or X.dtype == np.float64:
        return np.asarray(X.T @ right, dtype=np.float64)
    result = np.zeros((X.shape[1], right.shape[1]))
    for rows in _slices(len(X), max(1, BLOCK_ENTRIES // X.shape[1])):
        result += as_dense(X[rows]).T @ right[rows]
    return result


def _is_contiguous(X: Any) -> bool:
    """Whether scipy's products take the transpose as it is.

    They are preferred before and between factorisations by scipy. The threads of another library, numpy's, wait for
    more work for a while after each product, and would compete with those of scipy for the cores.
    """
    return isinstance(X, np.ndarray) and X.dtype == np.float64 and bool(X.flags.c_contiguous)
