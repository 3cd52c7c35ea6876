"""Spaces of symmetric matrices in which the split solver works, with T in coordinates that suit its problem.

The space is chosen by its dimension: all matrices, of dimension D = d(d + 1)/2; a space of dimension 2n that nearly
contains the best ones; or the span of x_i x_iᵀ.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from scipy.linalg import cholesky, eigh, solve_triangular

from hypernorm.forms import FlatteningMap, MonomialBasis, Rows, moment_matrix, pair_matrices

__all__ = ["Form", "MonomialForm", "PoleForm", "PositiveMap", "RowForm", "form_of", "side_of"]

PositiveMap: TypeAlias = Callable[[np.ndarray], np.ndarray]

_FLOOR = 1e-13  # of eigenvalues and diagonals, relative
_INDEPENDENT = 1e-11  # smaller eigenvalues of a Gram matrix, relative, are rounding
_ROUNDING = 1e-16
_CANCELLING = 1e-10  # of the trace, added where coefficients that cancel are costly
_LARGEST_DOUBLE = 2000  # side up to which the span is doubled
_LEAST_EIGENVALUE = 1e-5  # of U, relative: it keeps the coordinates apart


def side_of(n: int, d: int) -> int:
    """The side of the eigenvalue problems."""
    pairs = MonomialBasis.count(d, 2)
    return pairs if pairs <= 2 * n else 2 * n if 2 * n <= _LARGEST_DOUBLE else n


def form_of(rows: Rows, lower: float) -> Form:
    """The space for weighted rows, given a value of the form."""
    n, d = rows.shape
    side = side_of(n, d)
    if side == MonomialBasis.count(d, 2):
        return MonomialForm(moment_matrix(rows, 2), d)
    return RowForm(rows) if side == n else PoleForm(rows, lower)


class Form(ABC):
    """T in a space of symmetric matrices, with coordinates in which ⟨Y, U⊗U⟩ is a trace.

    Attributes
    ----------
    span : str
        How `directions` describe the matrices U_k: as in `SplitCertificate`.
    size : int
        The length of a direction.
    image : callable
        The map T.
    plain : ndarray of shape (m, m)
        T in these coordinates.
    penalty : ndarray of shape (m, m)
        The inverse of the Gram matrix of the space.
    """

    span = "pairs"
    size: int
    image: PositiveMap
    plain: np.ndarray
    penalty: np.ndarray

    @abstractmethod
    def prepare(self, U: np.ndarray, shift: float) -> None:
        """Choose the coordinates for U, near a value of μ."""

    @abstractmethod
    def directions(self, vectors: np.ndarray) -> np.ndarray:
        """The directions of the matrices U_k with the given coordinates, as columns."""

    @abstractmethod
    def gram(self, directions: np.ndarray) -> np.ndarray:
        """The matrix (⟨U_k, U_l⟩)."""

    @abstractmethod
    def positive_map(self, directions: np.ndarray) -> PositiveMap:
        """The map S ↦ Σ U_k S U_k."""

    def excess(self, shift: float) -> tuple[np.ndarray, np.ndarray, float]:
        """The positive eigenpairs of T − μ, and tr P, minus their derivative in μ."""
        values, vectors = _positive_pairs(self.plain - shift * self.penalty)
        return values, vectors, float(np.einsum("ik,ik->", vectors, self.penalty @ vectors))


class RowForm(Form):
    """The span of x_i x_iᵀ: with row i of Z equal to x_i⊗x_i and H = ZZᵀ = K∘K, T − ZᵀBZ ⪯ μ if B ⪰ I − μH⁻¹."""

    span = "rows"

    def __init__(self, rows: Rows):
        n = rows.shape[0]
        self.X, self.size, self.image = rows.block(0, n), n, FlatteningMap(rows)
        K = self.X @ self.X.T
        self.squares = K * K
        values, vectors = np.linalg.eigh(self.squares)
        # A larger value makes B larger, so that the condition still holds.
        self.inverse = (vectors / np.maximum(values, _FLOOR * values[-1])) @ vectors.T

    def prepare(self, U: np.ndarray, shift: float) -> None:
        P = self.X @ U @ self.X.T
        self.root = _root(P * P, _CANCELLING)
        self.plain = self.root.T @ self.root
        self.penalty = self.root.T @ self.inverse @ self.root

    def directions(self, vectors: np.ndarray) -> np.ndarray:
        return np.asarray(solve_triangular(self.root.T, vectors, lower=False, check_finite=False))

    def gram(self, directions: np.ndarray) -> np.ndarray:
        return np.asarray(directions.T @ self.squares @ directions)

    def positive_map(self, directions: np.ndarray) -> PositiveMap:
        weights = directions @ directions.T

        def apply(S: np.ndarray) -> np.ndarray:
            product = self.X @ S @ self.X.T
            product *= weights
            image = self.X.T @ (product @ self.X)
            return np.asarray((image + image.T) / 2)

        return apply


class _PairForm(Form):
    """Directions that hold the entries i ≤ j of the matrices."""

    def __init__(self, d: int):
        self.dimension, self.pairs, self.size = d, np.triu_indices(d), MonomialBasis.count(d, 2)

    def gram(self, directions: np.ndarray) -> np.ndarray:
        return np.asarray(directions.T @ (MonomialBasis(self.dimension, 2).multiplicities[:, None] * directions))

    def positive_map(self, directions: np.ndarray) -> PositiveMap:
        parts = pair_matrices(directions, self.dimension)

        def apply(S: np.ndarray) -> np.ndarray:
            image = (parts @ S).transpose(1, 0, 2).reshape(len(S), -1) @ parts.reshape(-1, len(S))
            return np.asarray((image + image.T) / 2)

        return apply


class PoleForm(_PairForm):
    """The span of x_i x_iᵀ and (c + μ U⊗U)⁻¹ x_i x_iᵀ, in which the best Y of all lies nearly.

    The best U_k for a given μ is (λ_k + μ U⊗U)⁻¹ S with S in the span of x_i x_iᵀ. In the eigenbasis of
    U = Q Diag(w) Qᵀ, U⊗U multiplies entry (a, b) by w_a w_b. So the Gram matrix of functions f, g of it is
    Σ_ab f g p_a p_b with p = x_i∘x_j: as many products of n×n matrices as fg, a d×d matrix, has eigenvalues above
    rounding.
    """

    def __init__(self, rows: Rows, lower: float):
        n, d = rows.shape
        super().__init__(d)
        self.X, self.image, self.pole = rows.block(0, n), FlatteningMap(rows), lower / (2 * d)

    def prepare(self, U: np.ndarray, shift: float) -> None:
        w, self.basis = np.linalg.eigh(U)
        w = np.maximum(w, _LEAST_EIGENVALUE * w[-1])
        weights = np.outer(w, w)
        inverse = 1 / (self.pole + shift * weights)
        self.function = inverse / np.median(inverse)
        self.turned, n = self.X @ self.basis, len(self.X)
        gram = self._gram_matrix(np.ones_like(weights))
        values, vectors = np.linalg.eigh(gram)
        kept = values > _INDEPENDENT * values[-1]
        self.coordinates = vectors[:, kept] / np.sqrt(values[kept])
        images = self.coordinates.T @ gram[:, :n]
        self.root = _root(self.coordinates.T @ self._gram_matrix(weights) @ self.coordinates)
        turned = self.root.T @ images
        self.plain, self.penalty = turned @ turned.T, self.root.T @ self.root

    def _gram_matrix(self, weights: np.ndarray) -> np.ndarray:
        """The Gram matrix of both kinds of elements, with weights in the eigenbasis."""
        plain, mixed, inverse = (self._gram(weights * self.function**power) for power in range(3))
        return np.block([[plain, mixed], [mixed, inverse]])

    def _gram(self, f: np.ndarray) -> np.ndarray:
        """Σ_ab f_ab x_ia x_ib x_ja x_jb."""
        values, vectors = np.linalg.eigh(f)
        total = np.zeros((len(self.X), len(self.X)))
        for index in np.flatnonzero(np.abs(values) > _ROUNDING * np.abs(values).max()).tolist():
            product = (self.turned * vectors[:, index]) @ self.turned.T
            total += values[index] * product * product
        return total

    def directions(self, vectors: np.ndarray) -> np.ndarray:
        G = self.coordinates @ solve_triangular(self.root.T, vectors, lower=False, check_finite=False)
        columns = []
        for plain, inverse in zip(G[: len(self.X)].T, G[len(self.X) :].T, strict=True):
            S = (self.turned * plain[:, None]).T @ self.turned
            S += self.function * ((self.turned * inverse[:, None]).T @ self.turned)
            columns.append((self.basis @ S @ self.basis.T)[self.pairs])
        return np.stack(columns, axis=1)


class MonomialForm(_PairForm):
    """All symmetric matrices, through the moment matrix."""

    def __init__(self, moments: np.ndarray, d: int):
        super().__init__(d)
        self.moments = moments
        self.scale = np.where(self.pairs[0] == self.pairs[1], 1.0, math.sqrt(2))[:, None]
        self.image = self._image  # through the moments, whatever the number of rows

    def _image(self, S: np.ndarray) -> np.ndarray:
        entries = self.moments @ (S[self.pairs] * self.scale[:, 0])
        return pair_matrices((entries / self.scale[:, 0])[:, None], self.dimension)[0]

    def prepare(self, U: np.ndarray, shift: float) -> None:
        values, self.basis = np.linalg.eigh(U)
        values = np.maximum(values, _LEAST_EIGENVALUE * values[-1])
        self.roots = np.sqrt(values)
        turned = self._turned(self._turned(self.moments).T)
        self.plain = (turned + turned.T) / 2
        self.penalty = np.diag(values[self.pairs[0]] * values[self.pairs[1]])

    def _turned(self, A: np.ndarray) -> np.ndarray:
        """Every column as a matrix S, replaced by R Qᵀ S Q R with U = Q R² Qᵀ."""
        C = self.basis * self.roots
        images = C.T @ pair_matrices(A / self.scale, self.dimension) @ C
        return images[:, self.pairs[0], self.pairs[1]].T * self.scale

    def directions(self, vectors: np.ndarray) -> np.ndarray:
        C = self.basis / self.roots
        U = C @ pair_matrices(vectors / self.scale, self.dimension) @ C.T
        return U[:, self.pairs[0], self.pairs[1]].T


def _positive_pairs(A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The positive eigenvalues of a symmetric matrix, with their eigenvectors."""
    try:
        values, vectors = eigh(A, subset_by_value=(0, np.inf), check_finite=False)
    except np.linalg.LinAlgError:  # LAPACK's method for a part of the spectrum fails for some clusters
        values, vectors = np.linalg.eigh(A)
    return values[values > 0], vectors[:, values > 0]


def _root(A: np.ndarray, floor: float = _FLOOR) -> np.ndarray:
    A = (A + A.T) / 2
    A[np.diag_indices(len(A))] += floor * np.trace(A)
    return np.asarray(cholesky(A, lower=True, check_finite=False))
