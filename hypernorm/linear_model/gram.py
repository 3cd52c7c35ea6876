"""The smaller Gram matrix of centered samples, and the accuracy that it allows.

For n > d it is X_cᵀX_c. For wide samples it is X_cX_cᵀ on the complement of the intercept column, which is reached by
one Householder reflection; so the null direction that centering makes is removed exactly.

Rounding perturbs the matrix by about ε times its largest eigenvalue. Coefficients f(G)c with |f'| ≤ 1/(f₀ + λ)² are
then accurate to ε·κ, with κ the largest eigenvalue over the sum of the least one and the floor f₀ = α of the filter,
whose gains (1 − b)/s² do not exceed 1/α for p < ∞.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from scipy.linalg import blas, lapack

from hypernorm.exceptions import InvalidInputError
from hypernorm.linear_model.samples import BLOCK_ENTRIES, CenteredSamples
from hypernorm.linear_model.sparse_gram import lower_gram

__all__ = ["GramMatrix", "Reflection", "gram_matrix"]

_EPS = float(np.finfo(np.float64).eps)


class Reflection:
    """The Householder reflection that takes a unit vector to the first coordinate axis, up to sign."""

    def __init__(self, vector: np.ndarray):
        self.v = vector / np.linalg.norm(vector)
        sign = 1.0 if self.v[0] >= 0 else -1.0
        self.v[0] += sign
        self.half = float(self.v @ self.v) / 2

    def complement(self, matrix: np.ndarray) -> np.ndarray:
        """Coordinates in the complement of the vector: all rows of the reflected matrix but the first."""
        return np.asarray(matrix[1:] - np.outer(self.v[1:], self.v @ matrix) / self.half)

    def embedded(self, matrix: np.ndarray) -> np.ndarray:
        """The inverse of `complement`: rows in the original coordinates, orthogonal to the vector."""
        products = self.v[1:] @ matrix / self.half
        result = np.empty((len(matrix) + 1, matrix.shape[1]))
        np.multiply(-self.v[0], products, out=result[0])
        np.subtract(matrix, np.outer(self.v[1:], products), out=result[1:])
        return result

    def congruence(self, lower: np.ndarray) -> np.ndarray:
        """The part of HKH in the complement, for the lower triangle of K, which is overwritten."""
        p = blas.dsymv(1 / self.half, lower, self.v, lower=1)
        w = p - (float(self.v @ p) / (2 * self.half)) * self.v
        return np.asarray(blas.dsyr2(-1.0, self.v, w, a=lower, lower=1, overwrite_a=1))[1:, 1:]


@dataclass(frozen=True)
class GramMatrix:
    """The smaller Gram matrix.

    Attributes
    ----------
    lower : ndarray of shape (m, m)
        Its lower triangle, in Fortran order; what is above the diagonal is not used.
    bound : float
        A Frobenius norm that is not below the largest eigenvalue.
    moments : ndarray of shape (m, k)
        X_cᵀy_c, or the targets in the coordinates of the complement for wide samples.
    target_squares : ndarray of shape (k,)
        Sum of the squares of the centered targets.
    size : int
        max(n, d).
    lost : float
        Rounding error of centering, at most.
    reflection : Reflection or None
        For wide samples with an intercept.
    """

    lower: np.ndarray
    bound: float
    moments: np.ndarray
    target_squares: np.ndarray
    size: int
    lost: float
    reflection: Reflection | None

    def factor(self, shift: float) -> np.ndarray | None:
        """Cholesky factor of the matrix plus a multiple of the identity, or None if it is not positive definite."""
        shifted = self.lower.copy(order="F")
        shifted.ravel(order="K")[:: len(shifted) + 1] += shift
        factor, failed = lapack.dpotrf(shifted, lower=1, clean=0, overwrite_a=1)
        return None if failed else factor

    def error(self, shift: float, factor: np.ndarray | None = None) -> float:
        """Estimated relative error of coefficients whose filter has the floor `shift`; infinite if not definite."""
        if not len(self.lower):
            return 0.0
        factor = self.factor(shift) if factor is None else factor
        if factor is None:
            return math.inf
        least, _ = lapack.dpocon(factor, 1.0, uplo="L")
        return self._perturbation / least if least > 0 else math.inf

    def is_accurate(self, floor: float, error: float) -> bool:
        """Whether the estimated error of coefficients whose filter has the given floor is at most `error`."""
        return (floor > 0 and self._perturbation <= error * floor) or self.error(floor) <= error

    @property
    def _perturbation(self) -> float:
        return _EPS * self.bound + self.lost

    def eigenpairs(self, overwrite: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues in increasing order, and eigenvectors as columns."""
        if len(self.lower) <= 1:  # scipy 1.12 gives "evd" too little work space for order one
            return self.lower[0].copy() if len(self.lower) else np.empty(0), np.eye(len(self.lower))
        return scipy.linalg.eigh(self.lower, lower=True, driver="evd", overwrite_a=overwrite, check_finite=False)

    def eigenvalues(self) -> np.ndarray:
        """Eigenvalues in increasing order."""
        if not len(self.lower):
            return np.empty(0)
        return np.asarray(scipy.linalg.eigh(self.lower, lower=True, eigvals_only=True, check_finite=False))

    def tolerance(self, largest: float) -> float:
        """Eigenvalues up to this cannot be told from zero."""
        return self.size * _EPS * largest + self.lost


def gram_matrix(centered: CenteredSamples) -> GramMatrix:
    """The Gram matrix of the smaller side, in one pass; sparse samples are centered after squaring.

    Raises
    ------
    InvalidInputError
        If squares of the entries overflow.
    """
    is_sparse = not isinstance(centered.samples.X, np.ndarray)
    # The error of centers is squared where samples are centered first.
    lost = 4 * _EPS * centered.offset**2 if is_sparse else (4 * _EPS * centered.offset) ** 2
    y = centered.targets()
    lower, moments = (_wide(centered, is_sparse), y) if centered.is_wide else _tall(centered, y, is_sparse)
    bound = _frobenius(lower)
    if not math.isfinite(bound + lost):
        raise InvalidInputError("X has entries whose squares overflow; divide X by its largest entry.")
    reflection = None
    if centered.is_wide and centered.samples.intercept is not None:
        reflection = Reflection(centered.column)
        lower = np.asfortranarray(reflection.congruence(lower)) if len(lower) > 1 else np.empty((0, 0))
        moments = reflection.complement(moments)
    target_squares = np.einsum("nk,nk->k", y, y)
    return GramMatrix(lower, bound, moments, target_squares, max(centered.shape), lost, reflection)


def _frobenius(lower: np.ndarray) -> float:
    """The Frobenius norm of a symmetric matrix, from its lower triangle with zeros above the diagonal."""
    if not lower.size:
        return 0.0
    whole, diagonal = float(blas.dnrm2(lower.ravel(order="K"))), float(np.linalg.norm(np.diag(lower)))
    return math.sqrt(max(2 * whole**2 - diagonal**2, 0.0)) if math.isfinite(whole) else math.inf


def _tall(centered: CenteredSamples, y: np.ndarray, is_sparse: bool) -> tuple[np.ndarray, np.ndarray]:
    d = centered.shape[1]
    if is_sparse:
        lower = lower_gram(centered.samples.X, centered.samples.weights)
        total = float(centered.column @ centered.column)
        lower = blas.dsyr(-total, centered.X_center, a=lower, lower=1, overwrite_a=1)
        return lower, centered.transposed_product(y)
    lower, moments = np.zeros((d, d), order="F"), np.zeros((d, y.shape[1]), order="F")
    for rows, block in centered.row_blocks(max(BLOCK_ENTRIES // d, d)):
        lower = blas.dsyrk(1.0, block.T, beta=1.0, c=lower, lower=1, overwrite_c=1)
        moments = blas.dgemm(1.0, block.T, y[rows], beta=1.0, c=moments, overwrite_c=1)
    return lower, moments


def _wide(centered: CenteredSamples, is_sparse: bool) -> np.ndarray:
    n = centered.shape[0]
    if is_sparse:
        # The reflection removes the part of the intercept column.
        roots = centered.roots
        lower = lower_gram(sp.csr_array(centered.samples.X.T))
        return np.asarray(lower * roots * roots[:, None])
    lower = np.zeros((n, n), order="F")
    for block in centered.column_blocks(max(BLOCK_ENTRIES // n, n)):
        lower = blas.dsyrk(1.0, block.T, beta=1.0, c=lower, trans=1, lower=1, overwrite_c=1)
    return lower
