"""Solver for the split bound: the least μ + φ with T ⪯ μ + Y and λ_max(N_Y) ≤ φ over Y = Σ u_k u_kᵀ.

T(S) = Σ ⟨x_i, S x_i⟩ x_i x_iᵀ acts on symmetric matrices, and N_Y(S) = Σ U_k S U_k for the matrices U_k of the u_k.
The problem is convex. For a unit matrix U ⪰ 0, λ_max(N_Y) ≥ ⟨U, N_Y(U)⟩ = ⟨Y, U⊗U⟩, which is linear in Y. With this
in place of λ_max the best Y for a given μ is the positive part of T − μ in coordinates in which U⊗U is the identity, so
that the rest is a search for μ. The value is a lower limit for every Y. The leading eigenmatrix P of N_Y then moves U
by a step of the Frank–Wolfe method. Every round gives a valid Y.

All U_k may be symmetric matrices of a smaller space, which is chosen by its dimension: all of them, of dimension
D = d(d + 1)/2; a space of dimension 2n that nearly contains the best ones; or the span of x_i x_iᵀ.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, eigh, solve_triangular

from hypernorm.bounds.lanczos import Lanczos
from hypernorm.forms import FlatteningMap, MonomialBasis, Rows, moment_matrix, pair_matrices

__all__ = ["Split", "SplitSolver", "positive_map"]

_FLOOR = 1e-13  # of eigenvalues and diagonals, relative
_INDEPENDENT = 1e-11  # smaller eigenvalues of a Gram matrix, relative, are rounding
_ROUNDING = 1e-16
_LARGEST_DOUBLE = 2000  # side up to which the span is doubled
_LEAST_EIGENVALUE = 1e-5  # of U, relative: it keeps the coordinates apart
_SEARCH_STEPS = 8
_MOST_ROUNDS = 8
_BALANCED = 0.05  # distance from one of the derivative at which the search for μ ends
_LANCZOS_STEPS = 60
_POWER_STEPS = 30


@dataclass(frozen=True)
class Split:
    """A solution: μ, φ as computed, the entries i ≤ j of each U_k, and the leading eigenmatrix of N_Y.

    `directions` has the shape (D, r); its columns are orthogonal as symmetric matrices.
    """

    shift: float
    ratio: float
    directions: np.ndarray
    leading: np.ndarray

    @property
    def value(self) -> float:
        """μ + φ."""
        return self.shift + self.ratio


class SplitSolver:
    """The rounds for the rows of a matrix.

    Parameters
    ----------
    rows : Rows
        Weighted as the form needs.
    lower : float
        A value of the form at a unit vector.
    """

    def __init__(self, rows: Rows, lower: float):
        n, d = rows.shape
        self.dimension, self.lower, self._rows = d, lower, rows
        pairs = MonomialBasis.count(d, 2)
        self._form: _Form
        if pairs <= 2 * n:
            self._form = _MonomialForm(moment_matrix(rows, 2), d)
        elif 2 * n <= _LARGEST_DOUBLE:
            self._form = _PoleForm(rows.block(0, n), lower)
        else:
            self._form = _RowForm(rows.block(0, n))
        self.limit = 0.0
        """The computed value for the best unit matrix U in place of λ_max(N_Y): no Y in the same space gives less."""

    @staticmethod
    def side(n: int, d: int) -> int:
        """The side of the eigenvalue problems."""
        pairs = MonomialBasis.count(d, 2)
        return pairs if pairs <= 2 * n else 2 * n if 2 * n <= _LARGEST_DOUBLE else n

    def run(self, rtol: float, deadline: float) -> Split:
        """Return the best solution found until it is within `rtol` of the lower value or the limit, or time is up."""
        best: Split | None = None
        paths = [self._rounds(U) for U in self._starts()]
        for number in range(_MOST_ROUNDS):
            before = math.inf if best is None else best.value
            values = []
            for path in paths:
                begin = time.perf_counter()
                found = next(path)
                values.append(found.value)
                best = found if best is None or found.value < best.value else best
                if 2 * time.perf_counter() - begin > deadline:
                    return best
            assert best is not None
            if number == 1:
                paths = [paths[int(np.argmin(values))]]
            settled = number > 2 and best.value > before * (1 - rtol / 2)
            if settled or best.value <= max(self.lower, self.limit) * (1 + rtol):
                break
        assert best is not None
        return best

    def _starts(self) -> list[np.ndarray]:
        """The identity, and a mixture of it with the leading eigenmatrix of T; of Frobenius norm one."""
        d, flattening = self.dimension, FlatteningMap(self._rows)
        identity = np.eye(d) / math.sqrt(d)
        leading = identity
        for _ in range(_POWER_STEPS):
            leading = flattening(leading)
            leading = leading / np.linalg.norm(leading)
        mixed = 0.3 * identity + 0.7 * leading
        return [mixed / np.linalg.norm(mixed), identity]

    def _rounds(self, U: np.ndarray) -> Iterator[Split]:
        shift, number = 0.6 * self.lower, 0
        while True:
            self._form.prepare(U, shift)
            shift, values, vectors = self._search(shift)
            self.limit = max(self.limit, shift + float(values.sum()))
            directions = _orthogonal(self._form.entries(vectors * np.sqrt(values)), self.dimension)
            ratio, leading = _leading(positive_map(directions, self.dimension), U)
            yield Split(shift=shift, ratio=ratio, directions=directions, leading=leading)
            number += 1
            step = 1 / (number + 1)
            U = (1 - step) * U + step * leading
            U = U / np.linalg.norm(U)

    def _search(self, shift: float) -> tuple[float, np.ndarray, np.ndarray]:
        """The μ at which the derivative 1 − tr P of μ + tr(…)_+ vanishes, with the positive eigenpairs there."""
        low, high = 0.0, math.inf
        for step in range(_SEARCH_STEPS):
            values, vectors, trace = self._form.excess(shift)
            if abs(trace - 1) < _BALANCED or (step >= _SEARCH_STEPS - 2 and trace > 0):
                break
            low, high = (shift, high) if trace > 1 else (low, shift)
            proposed = shift * math.exp(min(max(0.25 * math.log(max(trace, 0.05)), -0.2), 0.2))
            shift = proposed if low < proposed < high else (low + high) / 2
        return shift, values, vectors


def positive_map(directions: np.ndarray, d: int) -> Callable[[np.ndarray], np.ndarray]:
    """The map S ↦ Σ U_k S U_k, for the entries i ≤ j of each U_k."""
    parts = pair_matrices(directions, d)

    def apply(S: np.ndarray) -> np.ndarray:
        image = (parts @ S).transpose(1, 0, 2).reshape(d, -1) @ parts.reshape(-1, d)
        return np.asarray((image + image.T) / 2)

    return apply


def _orthogonal(entries: np.ndarray, d: int) -> np.ndarray:
    """Other matrices with the same Σ u_k u_kᵀ, orthogonal: the checker bounds their Gram matrix by its rows."""
    multiplicities = MonomialBasis(d, 2).multiplicities[:, None]
    return np.asarray(entries @ np.linalg.eigh(entries.T @ (multiplicities * entries))[1])


def _leading(mapping: Callable[[np.ndarray], np.ndarray], U: np.ndarray) -> tuple[float, np.ndarray]:
    """The largest eigenvalue of a positive map, with its eigenmatrix of Frobenius norm one and positive trace."""
    d = len(U)
    process = Lanczos((U + 1e-3 * np.eye(d) / d).ravel())
    for _ in range(min(_LANCZOS_STEPS, d * (d + 1) // 2)):
        last = process.advance(mapping(process.newest.reshape(d, d)).ravel())
        values, vectors = process.ritz()
        if last * abs(vectors[-1, -1]) <= 1e-7 * abs(values[-1]):
            break
    P = process.combined(vectors[:, -1]).reshape(d, d)
    P = (P + P.T) / 2
    return float(values[-1]), P * math.copysign(1 / float(np.linalg.norm(P)), float(np.trace(P)))


class _Form:
    """T in a space of symmetric matrices, with coordinates in which ⟨Y, U⊗U⟩ is a trace.

    `plain` is T in these coordinates, and `penalty` the inverse of the Gram matrix of the space.
    """

    plain: np.ndarray
    penalty: np.ndarray

    def prepare(self, U: np.ndarray, shift: float) -> None:
        raise NotImplementedError

    def entries(self, vectors: np.ndarray) -> np.ndarray:
        """The entries i ≤ j of the matrices U_k with the given coordinates."""
        raise NotImplementedError

    def excess(self, shift: float) -> tuple[np.ndarray, np.ndarray, float]:
        """The positive eigenpairs of T − μ, and tr P, minus their derivative in μ."""
        values, vectors = eigh(self.plain - shift * self.penalty, subset_by_value=(0, np.inf), check_finite=False)
        return values, vectors, float(np.einsum("ik,ik->", vectors, self.penalty @ vectors))


class _RowForm(_Form):
    """The span of x_i x_iᵀ: with row i of Z equal to x_i⊗x_i and H = ZZᵀ = K∘K, T − ZᵀBZ ⪯ μ if B ⪰ I − μH⁻¹."""

    def __init__(self, X: np.ndarray):
        self.X, self.pairs = X, np.triu_indices(X.shape[1])
        K = X @ X.T
        values, vectors = np.linalg.eigh(K * K)
        # A larger value makes B larger, so that the condition still holds.
        self.inverse = (vectors / np.maximum(values, _FLOOR * values[-1])) @ vectors.T

    def prepare(self, U: np.ndarray, shift: float) -> None:
        P = self.X @ U @ self.X.T
        self.root = _root(P * P)
        self.plain = self.root.T @ self.root
        self.penalty = self.root.T @ self.inverse @ self.root

    def entries(self, vectors: np.ndarray) -> np.ndarray:
        G = solve_triangular(self.root.T, vectors, lower=False, check_finite=False)
        return np.stack([((self.X * g[:, None]).T @ self.X)[self.pairs] for g in G.T], axis=1)


class _PoleForm(_Form):
    """The span of x_i x_iᵀ and (c + μ U⊗U)⁻¹ x_i x_iᵀ, in which the best Y of all lies nearly.

    The best U_k for a given μ is (λ_k + μ U⊗U)⁻¹ S with S in the span of x_i x_iᵀ. In the eigenbasis of U = Q Diag(w) Qᵀ,
    U⊗U multiplies entry (a, b) by w_a w_b. So the Gram matrix of functions f, g of it is Σ_ab f g p_a p_b with
    p = x_i∘x_j: as many products of n×n matrices as fg, a d×d matrix, has eigenvalues above rounding.
    """

    def __init__(self, X: np.ndarray, lower: float):
        self.X, self.pairs, self.pole = X, np.triu_indices(X.shape[1]), lower / (2 * X.shape[1])

    def prepare(self, U: np.ndarray, shift: float) -> None:
        w, self.basis = np.linalg.eigh(U)
        w = np.maximum(w, _LEAST_EIGENVALUE * w[-1])
        weights = np.outer(w, w)
        inverse = 1 / (self.pole + shift * weights)
        self.function = inverse / np.median(inverse)
        self.turned, n = self.X @ self.basis, len(self.X)
        functions = (np.ones_like(weights), self.function)
        grams = [[self._gram(f * g) for g in functions] for f in functions]
        values, vectors = np.linalg.eigh(np.block(grams))
        kept = values > _INDEPENDENT * values[-1]
        self.coordinates = vectors[:, kept] / np.sqrt(values[kept])
        images = self.coordinates.T @ np.vstack([grams[0][0], grams[1][0]])
        weighted = np.block([[self._gram(f * g * weights) for g in functions] for f in functions])
        self.root = _root(self.coordinates.T @ weighted @ self.coordinates)
        turned = self.root.T @ images
        self.plain, self.penalty = turned @ turned.T, self.root.T @ self.root
        self.count = n

    def _gram(self, f: np.ndarray) -> np.ndarray:
        """Σ_ab f_ab x_ia x_ib x_ja x_jb."""
        values, vectors = np.linalg.eigh(f)
        total = np.zeros((len(self.X), len(self.X)))
        for index in np.flatnonzero(np.abs(values) > _ROUNDING * np.abs(values).max()).tolist():
            product = (self.turned * vectors[:, index]) @ self.turned.T
            total += values[index] * product * product
        return total

    def entries(self, vectors: np.ndarray) -> np.ndarray:
        G = self.coordinates @ solve_triangular(self.root.T, vectors, lower=False, check_finite=False)
        columns = []
        for plain, inverse in zip(G[: self.count].T, G[self.count :].T, strict=True):
            S = (self.turned * plain[:, None]).T @ self.turned
            S += self.function * ((self.turned * inverse[:, None]).T @ self.turned)
            columns.append((self.basis @ S @ self.basis.T)[self.pairs])
        return np.stack(columns, axis=1)


class _MonomialForm(_Form):
    """All symmetric matrices, through the moment matrix."""

    def __init__(self, moments: np.ndarray, d: int):
        self.moments, self.dimension, self.pairs = moments, d, np.triu_indices(d)
        self.scale = np.where(self.pairs[0] == self.pairs[1], 1.0, math.sqrt(2))[:, None]

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

    def entries(self, vectors: np.ndarray) -> np.ndarray:
        C = self.basis / self.roots
        U = C @ pair_matrices(vectors / self.scale, self.dimension) @ C.T
        return U[:, self.pairs[0], self.pairs[1]].T


def _root(A: np.ndarray) -> np.ndarray:
    A = (A + A.T) / 2
    A[np.diag_indices(len(A))] += _FLOOR * np.trace(A)
    return np.asarray(cholesky(A, lower=True, check_finite=False))
