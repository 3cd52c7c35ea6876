"""Decomposition of the centered, weighted samples, which is used for every penalty, norm and target."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import scipy.linalg

from hypernorm.exceptions import InvalidInputError
from hypernorm.linear_model.gram import GramMatrix, Reflection, gram_matrix
from hypernorm.linear_model.krylov import ritz_pairs
from hypernorm.linear_model.samples import BLOCK_ENTRIES, CenteredSamples, Samples, centered_rows
from hypernorm.linear_model.shrinkage import filter_factors

__all__ = ["PATH_ERROR", "SOLVERS", "Decomposition", "Solver", "Wanted", "decompose", "eigen_decomposition"]

Solver: TypeAlias = Literal["auto", "svd", "gram", "lanczos"]
SOLVERS: tuple[Solver, ...] = get_args(Solver)
PATH_ERROR = 2.0**-24
"""Relative error of coefficients that is accepted on a path, whose smallest penalties are rarely chosen."""

# Largest number of entries of sparse samples that are made dense where a Gram matrix is not accurate.
_LARGEST_DENSE_ENTRIES = 10_000_000
# Largest number of entries of the singular vectors of sparse samples; beyond it only products with X are used.
_LARGEST_SPARSE_ENTRIES = 250_000_000
_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Wanted:
    """What the decomposition is for; the solver and its accuracy depend on it.

    Attributes
    ----------
    norms : sequence of float
    penalties : callable or None
        Maps the largest square to the penalties; None is for a bound on the bias.
    all_squares : bool
        Whether all singular values are needed even for finite norms, as for closed forms of leave-one-out.
    largest_error : float
        Relative error of the coefficients up to which 'auto' uses a Gram matrix.
    """

    norms: list[float]
    penalties: Callable[[float], np.ndarray] | None
    all_squares: bool = False
    largest_error: float = 2.0**-32

    @property
    def may_approximate(self) -> bool:
        """Whether the directions that Lanczos' process finds suffice."""
        return not (self.all_squares or self.penalties is None or any(map(math.isinf, self.norms)))

    def is_large(self, centered: CenteredSamples) -> bool:
        """Whether 'auto' only multiplies with the samples."""
        n, d = centered.shape
        is_sparse = not isinstance(centered.samples.X, np.ndarray)
        return is_sparse and d * min(n, d) > _LARGEST_SPARSE_ENTRIES and self.may_approximate

    def floor(self, largest: float) -> float:
        """The least α/max(1, p − 1), or zero if the result depends on the reciprocals of all squares."""
        if self.penalties is None or any(map(math.isinf, self.norms)):
            return 0.0
        # The slope of the gain at s = 0 is −max(1, p − 1)/α².
        return float(np.min(self.penalties(largest))) / max(1.0, max(self.norms) - 1)

    def factors(self, squares: np.ndarray) -> np.ndarray:
        """Filter factors of all norms and penalties, of shape (norms · penalties, r)."""
        assert self.penalties is not None
        alphas = self.penalties(float(squares.max(initial=0)))
        return np.vstack([filter_factors(squares, alphas, p) for p in self.norms])


@dataclass(frozen=True)
class Decomposition:
    """X_c = U diag(s) Vᵀ of the centered samples, rows multiplied by the roots of their weights.

    The coefficients are Q diag(g) c with the gains g = (1 − b)/s². For n > d, Q = V and c = VᵀX_cᵀy_c. For wide samples
    U is stored, Q = X_cᵀU and c = Uᵀy_c, which needs no division by s. By singular values Q is V diag(s); by a Gram
    matrix it is not stored, since X_cᵀ(U diag(g) c) is cheaper and not less accurate than the matrix.

    Attributes
    ----------
    centered : CenteredSamples
    squares : ndarray of shape (r,)
        s_i²; zero for directions that are not in the row space.
    projections : ndarray of shape (r, k)
        c.
    Q : ndarray of shape (d, r) or None
    U : ndarray of shape (n, r) or None
        Complete: its columns span the orthogonal complement of the intercept column.
    tolerance : float
        Squares up to this are not told from zero, and are not counted in the rank.
    is_squared : bool
        Whether the squares are eigenvalues of a Gram matrix, with an absolute error of ε times the largest.
    residual_squares : ndarray of shape (k,) or None
        Sum of the squares of the residuals of least squares; by a Gram matrix of tall samples rounded up. None by
        Lanczos' process, which does not find all singular directions.
    """

    centered: CenteredSamples
    squares: np.ndarray
    projections: np.ndarray
    Q: np.ndarray | None
    U: np.ndarray | None
    tolerance: float
    is_squared: bool
    residual_squares: np.ndarray | None = None

    def coefficients(self, gains: np.ndarray) -> np.ndarray:
        """β of shape (d, k) for gains of shape (r,) or (r, k)."""
        scaled = (gains if gains.ndim == 2 else gains[:, None]) * self.projections
        if self.Q is not None:
            return np.asarray(self.Q @ scaled)
        return self.centered.transposed_product(self.U @ scaled)

    def coordinates(self, rows: Any, intercept: np.ndarray | None) -> Iterator[tuple[slice, np.ndarray]]:
        """Blocks of (rows − intercept·center) Q, whose products with diag(g) c are predictions without the center."""
        size, d = rows.shape
        wide = d if self.Q is not None else max(d, len(self.squares))
        step = max(1, 2 * BLOCK_ENTRIES // max(wide, 1))
        center = self.centered.X_center
        for start in range(0, size, step):
            where = slice(start, min(start + step, size))
            block = rows[where]
            if self.Q is None:
                yield (
                    where,
                    self._times_left(centered_rows(block, None if intercept is None else intercept[where], center)),
                )
            elif isinstance(block, np.ndarray):
                yield where, centered_rows(block, None if intercept is None else intercept[where], center) @ self.Q
            else:
                product = np.asarray(block @ self.Q, dtype=np.float64)
                yield where, product if intercept is None else product - np.outer(intercept[where], center @ self.Q)

    def _times_left(self, block: np.ndarray) -> np.ndarray:
        return np.asarray(self.centered.product(block.T).T @ self.U)


def decompose(samples: Samples, solver: str, wanted: Wanted) -> Decomposition:
    """Decompose by singular values, by the eigenvalues of the smaller Gram matrix, or by Lanczos' process.

    Raises
    ------
    InvalidInputError
        If the solver does not find what is wanted, or if squares overflow.
    """
    centered = CenteredSamples.of(samples.with_weight().whitened())
    n, d = centered.shape
    is_dense = isinstance(centered.samples.X, np.ndarray)
    if solver == "lanczos" or (solver == "auto" and wanted.is_large(centered)):
        return _by_products(centered, wanted)
    if solver != "svd":
        gram = gram_matrix(centered)
        may_be_dense = is_dense or n * d <= _LARGEST_DENSE_ENTRIES
        if solver == "gram" or not may_be_dense or gram.is_accurate(wanted.floor(gram.bound), wanted.largest_error):
            return _by_gram(centered, gram, wanted)
    return _by_singular_values(centered)


def _by_gram(centered: CenteredSamples, gram: GramMatrix, wanted: Wanted) -> Decomposition:
    decomposition = eigen_decomposition(centered, gram, overwrite=True)
    squares, tolerance = decomposition.squares, decomposition.tolerance
    largest = float(squares.max(initial=0))
    if wanted.floor(largest) <= tolerance and (squares <= tolerance).any() and largest > 0:
        # A wanted coefficient would depend on eigenvalues that are rounding errors.
        raise InvalidInputError(
            "X has singular values that its Gram matrix does not tell from zero, and p = ∞, bias_bound, or "
            f"alpha up to {tolerance:.1e} depend on them; use solver='svd' with dense X, drop dependent columns, or "
            "use p < ∞ with a larger alpha."
        )
    return decomposition


def eigen_decomposition(centered: CenteredSamples, gram: GramMatrix, overwrite: bool = False) -> Decomposition:
    """The decomposition by the eigenvalues of the Gram matrix, which may be overwritten."""
    squares, vectors = gram.eigenpairs(overwrite)
    largest = float(squares.max(initial=0))
    tolerance = gram.tolerance(largest)
    # Without a decision on the rank: an eigenvalue at the level of rounding is shrunk by α, as it should be.
    squares = np.maximum(squares, 0.0 if largest == 0 else np.finfo(np.float64).tiny)
    projections = vectors.T @ gram.moments
    if centered.is_wide:
        U, rest = _embedded(gram.reflection, vectors), _outside(projections, squares, tolerance)
        return Decomposition(centered, squares, projections, None, U, tolerance, True, rest)
    rest = _difference(gram, squares, projections, tolerance)
    return Decomposition(centered, squares, projections, vectors, None, tolerance, True, rest)


def _outside(projections: np.ndarray, squares: np.ndarray, tolerance: float) -> np.ndarray:
    """Squares of the part of the targets Uᵀy_c that is outside the column space of X_c."""
    return np.asarray(np.sum(projections[squares <= tolerance] ** 2, axis=0))


def _difference(gram: GramMatrix, squares: np.ndarray, projections: np.ndarray, tolerance: float) -> np.ndarray:
    """Squares of residuals as a difference of squares, plus its rounding error: they are not underestimated.

    A perturbation E of the matrix changes them by β'Eβ, with the coefficients β of least squares.
    """
    counted = squares > tolerance
    coordinates = projections[counted] / squares[counted, None]
    difference = gram.target_squares - np.sum(coordinates * projections[counted], axis=0)
    error = tolerance * np.sum(coordinates**2, axis=0) + gram.size * _EPS * gram.target_squares
    return np.asarray(np.maximum(difference, 0) + error)


def _embedded(reflection: Reflection | None, vectors: np.ndarray) -> np.ndarray:
    return vectors if reflection is None else reflection.embedded(vectors)


def _by_singular_values(centered: CenteredSamples) -> Decomposition:
    """Singular values; with n > d, those of a triangular factor that is found block by block."""
    n, d = centered.shape
    if centered.is_wide:
        reflection = None if centered.samples.intercept is None else Reflection(centered.column)
        (_, block), *_ = centered.row_blocks(n)
        targets = centered.targets()
        if reflection is not None:
            block, targets = reflection.complement(block), reflection.complement(targets)
        U, s, Vt = _singular_values(block)
        squares, tolerance = _rank_squares(s, centered)
        projections = U.T @ targets
        rest, U = _outside(projections, squares, tolerance), _embedded(reflection, U)
        # Q = X_cᵀU; the product itself would have errors of ε times the largest singular value in every column.
        return Decomposition(centered, squares, projections, Vt.T * s, U, tolerance, False, rest)
    y = centered.targets()
    row_blocks = centered.row_blocks(max(BLOCK_ENTRIES // d, 2 * d))
    R = _triangular((np.hstack([block, y[rows]]) for rows, block in row_blocks), d + y.shape[1])
    U, s, Vt = _singular_values(R[:d, :d])
    squares, tolerance = _rank_squares(s, centered)
    projections = U.T @ R[:d, d:]
    rest = np.sum(R[d:, d:] ** 2, axis=0) + _outside(projections, squares, tolerance)
    return Decomposition(centered, squares, s[:, None] * projections, Vt.T, None, tolerance, False, rest)


def _triangular(blocks: Iterator[np.ndarray], columns: int) -> np.ndarray:
    """The factor R of the matrix with the given blocks of rows."""
    R = np.empty((0, columns))
    for block in blocks:
        R = scipy.linalg.qr(np.vstack([R, block]), mode="r", check_finite=False, overwrite_a=True)[0][:columns]
    return R


def _singular_values(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if not math.isfinite(float(np.vdot(matrix, matrix))):
        raise InvalidInputError("X has entries whose squares overflow; divide X by its largest entry.")
    if 0 in matrix.shape:
        return np.empty((len(matrix), 0)), np.empty(0), np.empty((0, matrix.shape[1]))
    return scipy.linalg.svd(matrix, full_matrices=False, check_finite=False)


def _rank_squares(s: np.ndarray, centered: CenteredSamples) -> tuple[np.ndarray, float]:
    """Squares, zero where a singular value is a rounding error; and the squared tolerance.

    Raises
    ------
    InvalidInputError
        If squares underflow, so that the rank would be lost.
    """
    largest = float(s.max(initial=0))
    tolerance = max(centered.shape) * _EPS * largest + _EPS * float(np.linalg.norm(s)) + 2 * _EPS * centered.offset
    if 0 < largest < math.sqrt(np.finfo(np.float64).tiny) / _EPS and largest > tolerance:
        raise InvalidInputError(
            "X has entries whose squares underflow; multiply X by the reciprocal of its largest entry."
        )
    return np.where(s > tolerance, s, 0.0) ** 2, tolerance**2


def _by_products(centered: CenteredSamples, wanted: Wanted) -> Decomposition:
    """Ritz pairs from products with the centered samples; sparse samples stay sparse."""
    if not wanted.may_approximate:
        raise InvalidInputError(
            "solver='lanczos' does not find all singular values, but p = ∞, bias_bound and closed forms of "
            "leave-one-out need them; use alpha with p < ∞ and folds, or solver='gram'."
        )

    def gram(vector: np.ndarray) -> np.ndarray:
        return centered.transposed_product(centered.product(vector[:, None]))[:, 0]

    pairs = ritz_pairs(gram, centered.transposed_product(centered.targets()), wanted.factors)
    return Decomposition(centered, pairs.squares, pairs.projections, pairs.V, None, 0.0, True)
