"""The power method for all operator norms, for vectors and for blocks of vectors.

‖A‖_{p→q} is the maximum of ⟨y, Ax⟩ over the unit balls of ℓ_p and of the dual of ℓ_q. Maximising over y and x in turn
never decreases it, for all p and q (Boyd, *Linear Algebra Appl.* 9 (1974) 95; Higham, *Numer. Math.* 62 (1992) 539). If
the entries of x and y are vectors of R^b and their products inner products, the maximum is that of the relaxation for
p ≥ 2 ≥ q once b is large enough, see `hypernorm.bounds.operator_relaxation`. Matrix and vectors are real or complex.
Results are proposals, proved elsewhere.
"""

from __future__ import annotations

import math
import time
from functools import partial
from typing import Any

import numpy as np

from hypernorm._validation import Matrix
from hypernorm.bounds.power_kernels import signed_power
from hypernorm.certificates import OperatorWitness
from hypernorm.forms import BlockMatrix, ScaledMatrix

__all__ = [
    "adjoint",
    "alternate",
    "axis_norms",
    "conjugate_float",
    "dual_vectors",
    "edge_vector",
    "gaussian",
    "largest_vector",
    "operator_witness",
    "product",
    "settle",
    "vector_norms",
]

_STEPS = 300
_TOLERANCE = 1e-14
# `settle` looks after so many steps whether the vector still changes.
_CHECKED, _SETTLED = 25, 1e-12
# After so many steps only so many of the best starts go on.
_SELECTIONS = {20: 24, 60: 8, 150: 3}
_CACHED_ENTRIES = 1 << 15
# A table of all flips of one sign has at most so many entries.
_LARGEST_FLIPS = 1 << 23


def adjoint(A: Any) -> Any:
    """The conjugate transpose, sparse matrices row by row."""
    if isinstance(A, BlockMatrix):
        return A.T
    return A.conj().T if isinstance(A, np.ndarray) else A.conj().T.tocsr()


def conjugate_float(p: float) -> float:
    """p/(p − 1)."""
    return 1.0 if math.isinf(p) else math.inf if p == 1 else p / (p - 1)


def vector_norms(lengths: np.ndarray, r: float) -> np.ndarray:
    """The r-norms of the columns of a non-negative array; computed, not proved."""
    largest = lengths.max(axis=0)
    if math.isinf(r):
        return np.asarray(largest)
    with np.errstate(under="ignore"):
        sums = ((lengths / np.where(largest > 0, largest, 1)) ** r).sum(axis=0)
        return np.asarray(largest * sums ** (1 / r))


def axis_norms(entries: Any, axis: int, r: float) -> np.ndarray:
    """The r-norms of the columns (axis 0) or rows (axis 1); computed."""
    if isinstance(entries, BlockMatrix):
        parts = [axis_norms(block, axis, r) for block in entries.blocks()]
        along = axis == (1 if entries.is_transposed else 0)  # whether each block has a part of every column or row
        return vector_norms(np.array(parts), r) if along else np.concatenate(parts)
    if isinstance(entries, np.ndarray):
        return vector_norms(np.abs(entries if axis == 0 else entries.T), r)
    if math.isinf(r):
        return np.asarray(abs(entries).max(axis=axis).toarray()).ravel()
    largest = float(np.abs(entries.data).max())
    with np.errstate(under="ignore"):
        powers = abs(entries)
        powers.data = (powers.data / largest) ** r
        sums = np.asarray(powers.sum(axis=axis)).ravel()
    return largest * sums ** (1 / r)


def dual_vectors(W: np.ndarray, r: float) -> tuple[np.ndarray, np.ndarray]:
    """For each start the X with the largest ⟨X, W⟩ in the unit ball of the dual of ℓ_r, and this value, ‖W‖_r.

    W has the shape (n, k, b) for k starts whose entries are vectors of R^b or C^b.
    """
    if W.shape[2] == 1 and not math.isinf(r) and W.dtype.kind != "c":
        X, norms = _dual_columns(W[:, :, 0], r)
        return X[:, :, None], norms
    lengths = np.linalg.norm(W, axis=2)
    norms = vector_norms(lengths, r)
    factors = np.zeros_like(lengths)
    if math.isinf(r):
        best = lengths.argmax(axis=0)
        starts = np.arange(lengths.shape[1])
        factors[best, starts] = 1 / np.where(norms > 0, lengths[best, starts], 1)
        return W * factors[:, :, None], norms
    positive = lengths > 0
    with np.errstate(under="ignore"):
        relative = np.divide(lengths, norms, out=np.zeros_like(lengths), where=norms > 0)
        np.divide(relative ** (r - 1), lengths, out=factors, where=positive)
    return W * factors[:, :, None], norms


def _dual_columns(W: np.ndarray, r: float) -> tuple[np.ndarray, np.ndarray]:
    """The same for entries that are numbers, in blocks of rows that stay in cache."""
    largest = np.abs([W.max(axis=0), W.min(axis=0)]).max(axis=0)
    scale = np.where(largest > 0, largest, 1)
    X, sums = np.empty_like(W), np.zeros(W.shape[1])
    step = max(1, _CACHED_ENTRIES // W.shape[1])
    with np.errstate(under="ignore"):
        for start in range(0, len(W), step):
            block, part = W[start : start + step] / scale, X[start : start + step]
            part[:] = block
            signed_power(part, r - 1, np.empty_like(part))
            sums += np.einsum("ij,ij->j", part, block)
        if r > 1:
            X *= np.where(sums > 0, sums, 1) ** (1 / r - 1)
        return X, largest * sums ** (1 / r)


def alternate(
    A: Matrix,
    p: float,
    q: float,
    X: np.ndarray,
    *,
    steps: int,
    select: bool = False,
    tolerance: float = _TOLERANCE,
    deadline: float = math.inf,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Run the power method from X of shape (n, k, b); return X, Y of the best starts, best first, and their values."""
    dual = conjugate_float(p)
    A_t = adjoint(A)
    before = np.zeros(X.shape[1])
    for step in range(steps):
        Y, _ = dual_vectors(product(A, X), q)
        X, values = dual_vectors(product(A_t, Y), dual)
        if select and step in _SELECTIONS:
            kept = np.argsort(-values, kind="stable")[: _SELECTIONS[step]]
            X, Y, values, before = X[:, kept], Y[:, kept], values[kept], before[kept]
        if (values <= before * (1 + tolerance)).all() or time.perf_counter() > deadline:
            break
        before = values
    order = np.argsort(-values, kind="stable")
    return X[:, order], Y[:, order], values[order]


def product(A: Matrix, X: np.ndarray) -> np.ndarray:
    """AX for X of shape (n, k, b)."""
    return np.asarray(A @ X.reshape(X.shape[0], -1)).reshape(A.shape[0], *X.shape[1:])


def largest_vector(
    A: Matrix,
    p: float,
    q: float,
    rng: np.random.Generator,
    *,
    n_starts: int = 100,
    starts: np.ndarray | None = None,
    deadline: float = math.inf,
) -> np.ndarray:
    """A vector with a large ‖Av‖_q/‖v‖_p; `starts` has one column per further starting point."""
    columns = _standard_starts(A, p, q, n_starts, rng)
    X = columns if starts is None else np.hstack([starts, columns])
    X = X[:, np.abs(X).max(axis=0) > 0]
    X, Y, _ = alternate(A, p, q, X[:, :, None], steps=_STEPS, select=True, deadline=deadline)
    vectors = X[:, :, 0]
    if A.dtype.kind == "c":
        pass  # there are no signs to flip
    elif math.isinf(p):
        vectors = np.column_stack([_flipped(A, v, q) for v in vectors.T])
    elif q == 1:
        A_t = adjoint(A)
        signs = np.column_stack([_flipped(A_t, y, conjugate_float(p)) for y in Y[:, :, 0].T])
        better = dual_vectors(np.asarray(A_t @ signs)[:, :, None], conjugate_float(p))[0][:, :, 0]
        vectors = np.hstack([vectors, better])
    vectors = vectors[:, vectors.any(axis=0)]  # a start that A maps to zero leads to zero
    values = vector_norms(np.abs(np.asarray(A @ vectors)), q) / vector_norms(np.abs(vectors), p)
    return np.asarray(vectors[:, int(values.argmax())])


def _flipped(A: Matrix, v: np.ndarray, q: float) -> np.ndarray:
    """Signs that no flip of one sign improves, from those of v."""
    signs = np.where(v < 0, -1.0, 1.0)
    if A.shape[0] * A.shape[1] > _LARGEST_FLIPS:
        return signs
    dense = A if isinstance(A, np.ndarray) else A.toarray()
    image = dense @ signs
    after = _SumsAfterFlips(dense, image) if q == 1 else partial(_norms_after_flips, dense, q)
    value = vector_norms(np.abs(image)[:, None], q)[0]
    for _ in range(2 * len(v)):
        values = after(image, signs)
        best = int(values.argmax())
        if values[best] <= value * (1 + 1e-13):
            break
        image = image - 2 * signs[best] * dense[:, best]
        signs[best], value = -signs[best], values[best]
    return signs


def _norms_after_flips(A: np.ndarray, q: float, image: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """‖Av‖_q after a flip of each sign in turn."""
    return vector_norms(np.abs(image[:, None] - 2 * A * signs), q)


class _SumsAfterFlips:
    """The same for q = 1: |w − t| is linear in t, but in rows where t can change the sign of w, which are few."""

    def __init__(self, A: np.ndarray, image: np.ndarray):
        self._A, self._reach = A, 2 * np.abs(A).max(axis=1)
        self._sides = np.where(image < 0, -1.0, 1.0)
        self._slopes = self._sides @ A

    def __call__(self, image: np.ndarray, signs: np.ndarray) -> np.ndarray:
        sides = np.where(image < 0, -1.0, 1.0)
        turned = np.flatnonzero(sides != self._sides)
        self._slopes, self._sides = self._slopes + 2 * (sides[turned] @ self._A[turned]), sides
        sizes = np.abs(image)
        near = np.flatnonzero(sizes < self._reach)
        beyond = self._A[near] * (2 * sides[near])[:, None] * signs - sizes[near, None]
        return np.asarray(sizes.sum() - 2 * signs * self._slopes + 2 * np.maximum(beyond, 0).sum(axis=0))


def _standard_starts(A: Matrix, p: float, q: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """Random vectors, ones, unit vectors of the longest columns, dual vectors of the longest rows."""
    m, n = A.shape
    some = max(1, min(count // 8, m, n))
    columns, rows = axis_norms(A, 0, q), axis_norms(A, 1, conjugate_float(p))
    units = np.zeros((n, some))
    units[np.argsort(-columns, kind="stable")[:some], np.arange(some)] = 1
    longest: Any = A[np.argsort(-rows, kind="stable")[:some]]
    longest = (longest if isinstance(longest, np.ndarray) else longest.toarray()).conj().T
    duals = dual_vectors(longest[:, :, None], conjugate_float(p))[0][:, :, 0]
    random = gaussian(rng, A, (n, max(count - 2 * some - 1, 1)))
    return np.hstack([units, duals, np.ones((n, 1)), random])


def gaussian(rng: np.random.Generator, A: Matrix, shape: tuple[int, ...]) -> np.ndarray:
    """Gaussian numbers, complex if those of A are."""
    real = rng.standard_normal(shape)
    return real + 1j * rng.standard_normal(shape) if A.dtype.kind == "c" else real


def settle(
    A: Matrix, p: float, q: float, X: np.ndarray, *, steps: int, deadline: float = math.inf
) -> tuple[np.ndarray, np.ndarray, float]:
    """`alternate` for one start, until X changes little: its error is the square root of that of the value."""
    before = np.full(A.shape[0] + X.shape[0], math.inf)
    for _ in range(0, steps, _CHECKED):
        X, Y, values = alternate(A, p, q, X, steps=_CHECKED, tolerance=-1.0, deadline=deadline)
        images = np.linalg.norm(product(A, X)[:, 0], axis=1)  # for p = ∞ the lengths of X are all the same
        lengths = np.concatenate([images / images.max(), np.linalg.norm(X[:, 0], axis=1)])
        if np.abs(lengths - before).max() <= _SETTLED * lengths.max() or time.perf_counter() > deadline:
            break
        before = lengths
    return X, Y, float(values[0])


def edge_vector(matrix: ScaledMatrix, p: float, q: float) -> np.ndarray:
    """The unit vector of the longest column (p = 1), or the dual vector of the longest row (q = ∞)."""
    entries = matrix.entries
    n = entries.shape[1]
    if p == 1:
        lengths = axis_norms(entries, 0, q)
        return np.eye(1, n, int(lengths.argmax()))[0]
    dual = conjugate_float(p)
    index = int(axis_norms(entries, 1, dual).argmax())
    row = entries[[index]]
    row = row if isinstance(row, np.ndarray) else row.toarray()
    return np.asarray(dual_vectors(row.conj().T[:, :, None], dual)[0][:, 0, 0])


def operator_witness(
    matrix: ScaledMatrix, p: float, q: float, *, n_starts: int, starts: np.ndarray, rng: np.random.Generator
) -> OperatorWitness:
    """A vector with a large ‖Av‖_q/‖v‖_p and its proved value; `starts` has one column per starting point."""
    if matrix.is_zero:
        vector = np.eye(1, matrix.shape[1])[0]
    elif p == 1 or math.isinf(q):
        vector = edge_vector(matrix, p, q)
    else:
        vector = largest_vector(matrix.entries, p, q, rng, n_starts=n_starts, starts=starts)
    return OperatorWitness.of_matrix(matrix, vector, p, q)
