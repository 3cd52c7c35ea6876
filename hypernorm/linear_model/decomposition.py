"""Decomposition of the centered, weighted samples, which is used for every penalty, norm and target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse as sp

from hypernorm._validation import as_dense
from hypernorm.exceptions import InvalidInputError
from hypernorm.linear_model.krylov import RitzPairs, ritz_pairs

__all__ = ["SOLVERS", "Decomposition", "Samples", "decompose"]

SOLVERS = ("auto", "svd", "gram", "lanczos")
# Largest number of entries for a singular value decomposition of dense samples; it is accurate for small values.
_LARGEST_SVD_ENTRIES = 10_000_000
# Largest number of entries of the singular vectors of sparse samples; beyond it only products with X are used.
_LARGEST_SPARSE_ENTRIES = 250_000_000
_BLOCK_ENTRIES = 1 << 20
_EPS = float(np.finfo(np.float64).eps)


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
    """

    X: Any
    y: np.ndarray
    weights: np.ndarray | None
    intercept: np.ndarray | None

    def subset(self, indices: np.ndarray) -> Samples:
        """The samples with the given indices."""
        return Samples(
            self.X[indices],
            self.y[indices],
            None if self.weights is None else self.weights[indices],
            None if self.intercept is None else self.intercept[indices],
        )

    def centers(self) -> tuple[np.ndarray, np.ndarray]:
        """Weighted least-squares coefficients of X and y on the intercept column; zero without an intercept."""
        d, k = self.X.shape[1], self.y.shape[1]
        if self.intercept is None:
            return np.zeros(d), np.zeros(k)
        column = self.intercept if self.weights is None else self.intercept * self.weights
        total = float(column @ self.intercept)
        X_sum = np.asarray(self.X.T @ column.astype(self.X.dtype), dtype=np.float64).ravel()
        return X_sum / total, column @ self.y / total


@dataclass(frozen=True)
class Decomposition:
    """X_c = U diag(s) Vᵀ of the centered samples, rows multiplied by the roots of their weights.

    Attributes
    ----------
    V : ndarray of shape (d, r)
    squares : ndarray of shape (r,)
        s_i² > 0.
    projections : ndarray of shape (r, k)
        Vᵀ X_cᵀ y_c = diag(s) Uᵀ y_c.
    X_center : ndarray of shape (d,)
    y_center : ndarray of shape (k,)
    is_complete : bool
        Whether these are all singular directions; not by Lanczos' process.
    """

    V: np.ndarray
    squares: np.ndarray
    projections: np.ndarray
    X_center: np.ndarray
    y_center: np.ndarray
    is_complete: bool = True

    def coefficients(self, factors: np.ndarray) -> np.ndarray:
        """β of shape (d, k): the least-squares coefficients of the directions times the filter factors."""
        ratios = (factors if factors.ndim == 2 else factors[:, None]) / self.squares[:, None]
        return np.asarray(self.V @ (ratios * self.projections))


def decompose(
    samples: Samples, solver: str = "auto", wanted_factors: Callable[[np.ndarray], np.ndarray] | None = None
) -> Decomposition:
    """Decompose by singular values, by the eigenvalues of the smaller Gram matrix, or by Lanczos' process.

    `wanted_factors` maps the squares to the filter factors 1 − b_i of each penalty. Lanczos' process stops when the
    coefficients with these factors have converged. It does not find all squares; None is for factors that depend on all
    squares.
    """
    X = samples.X
    n, d = X.shape
    if solver == "auto":
        solver = _solver(X, wanted_factors is not None)
    X_center, y_center = samples.centers()
    if solver == "lanczos":
        if wanted_factors is None:
            raise InvalidInputError(
                "solver='lanczos' does not find all singular values, but p = ∞, bias_bound and closed forms of "
                "leave-one-out need them; use alpha with p < ∞ and folds, or solver='gram'."
            )
        return Decomposition(
            *_lanczos(samples, X_center, y_center, wanted_factors), X_center, y_center, is_complete=False
        )
    # Centering leaves rounding errors in the direction of the center, and with them one singular value too many.
    most = (n if samples.weights is None else int(np.count_nonzero(samples.weights))) - (samples.intercept is not None)
    column = np.ones(n) if samples.intercept is None else samples.intercept
    weight = float(np.linalg.norm(column if samples.weights is None else column * np.sqrt(samples.weights)))
    offset = weight * float(np.linalg.norm(X_center))
    if solver == "svd":
        U, s, Vt = scipy.linalg.svd(_weighted_block(samples, X_center, 0, n), full_matrices=False, check_finite=False)
        kept = s > max(n, d) * _EPS * s.max(initial=0) + _EPS * float(np.linalg.norm(s)) + 2 * _EPS * offset
        kept[most:] = False
        y = _weighted_targets(samples, y_center)
        projections = s[kept, None] * (U[:, kept].T @ y)
        return Decomposition(Vt[kept].T, s[kept] ** 2, projections, X_center, y_center)
    if n >= d:
        gram, moments = _normal_equations(samples, X_center, y_center)
        # Sparse samples are centered after squaring, as a difference of squares; dense samples before.
        lost = 4 * _EPS * offset**2 if not isinstance(X, np.ndarray) else (4 * _EPS * offset) ** 2
        squares, V = _eigenpairs(gram, max(n, d), most, lost)
        return Decomposition(V, squares, V.T @ moments, X_center, y_center)
    centered = _weighted_block(samples, X_center, 0, n)
    squares, U = _eigenpairs(centered @ centered.T, max(n, d), most, (4 * _EPS * offset) ** 2)
    s = np.sqrt(squares)
    projections = s[:, None] * (U.T @ _weighted_targets(samples, y_center))
    return Decomposition(centered.T @ (U / s), squares, projections, X_center, y_center)


def _solver(X: Any, may_approximate: bool) -> str:
    """The solver that 'auto' selects."""
    n, d = X.shape
    if isinstance(X, np.ndarray):
        return "svd" if n * d <= _LARGEST_SVD_ENTRIES else "gram"
    return "lanczos" if may_approximate and d * min(n, d) > _LARGEST_SPARSE_ENTRIES else "gram"


def _lanczos(
    samples: Samples, X_center: np.ndarray, y_center: np.ndarray, wanted_factors: Callable[[np.ndarray], np.ndarray]
) -> RitzPairs:
    """Ritz pairs from products with the centered samples; sparse samples stay sparse."""
    X, column, weights = samples.X, samples.intercept, samples.weights

    def transposed(values: np.ndarray) -> np.ndarray:
        values = values if weights is None else weights * values
        image = np.asarray(X.T @ values, dtype=np.float64)
        return image if column is None else image - X_center * (column @ values)

    def gram(vector: np.ndarray) -> np.ndarray:
        values = np.asarray(X @ vector, dtype=np.float64)
        return transposed(values if column is None else values - column * (X_center @ vector))

    y = samples.y if column is None else samples.y - np.outer(column, y_center)
    return ritz_pairs(gram, np.column_stack([transposed(y[:, target]) for target in range(y.shape[1])]), wanted_factors)


def _eigenpairs(gram: np.ndarray, size: int, most: int, lost: float) -> tuple[np.ndarray, np.ndarray]:
    """At most `most` eigenpairs, without eigenvalues at the level of rounding; `lost` is the error of centering."""
    squares, vectors = np.linalg.eigh((gram + gram.T) / 2)
    kept = squares > size * _EPS * squares.max(initial=0) + lost
    kept[: max(len(squares) - most, 0)] = False
    return squares[kept], vectors[:, kept]


def _weighted_block(samples: Samples, X_center: np.ndarray, start: int, stop: int) -> np.ndarray:
    """Centered rows times the roots of their weights, dense and in double precision."""
    block = as_dense(samples.X[start:stop])
    if samples.intercept is not None:
        block = block - np.outer(samples.intercept[start:stop], X_center)
    return block if samples.weights is None else block * np.sqrt(samples.weights[start:stop, None])


def _weighted_targets(samples: Samples, y_center: np.ndarray) -> np.ndarray:
    y = samples.y if samples.intercept is None else samples.y - np.outer(samples.intercept, y_center)
    return y if samples.weights is None else y * np.sqrt(samples.weights)[:, None]


def _normal_equations(samples: Samples, X_center: np.ndarray, y_center: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """X_cᵀX_c and X_cᵀy_c, in one pass over blocks of rows; sparse samples are centered in the result."""
    X, y = samples.X, _weighted_targets(samples, y_center)
    n, d = X.shape
    if not isinstance(X, np.ndarray):
        rooted = X.astype(np.float64)
        if samples.weights is not None:
            rooted = sp.csr_array(rooted.multiply(np.sqrt(samples.weights)[:, None]))
        gram = (rooted.T @ rooted).toarray()
        if samples.intercept is not None:
            squares = samples.intercept**2 if samples.weights is None else samples.intercept**2 * samples.weights
            gram -= squares.sum() * np.outer(X_center, X_center)
        # y is centered already, so the center of X cancels.
        return gram, np.asarray(rooted.T @ y, dtype=np.float64)
    gram, moments = np.zeros((d, d)), np.zeros((d, y.shape[1]))
    step = max(1, _BLOCK_ENTRIES // d)
    for start in range(0, n, step):
        block = _weighted_block(samples, X_center, start, min(start + step, n))
        gram += block.T @ block
        moments += block.T @ y[start : start + step]
    return gram, moments
