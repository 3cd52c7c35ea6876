"""Vectors of which one is within d^{1/8} of the realigned bound, for q = 4 and every matrix.

Let F(v) = ‖Xv‖₄⁴/‖v‖⁴, N(Y) = Σ ⟨x_i, x_j⟩² (x_iᵀ Y x_j) x_i x_jᵀ, R = Σ ‖x_i‖² x_i x_iᵀ, and w a leading eigenvector
of R.

**Theorem.** Let Y be symmetric, and F* the largest F among e_1, …, e_d, w, all x_i and all Y x_i. Then
⟨Y, N(Y)⟩ ≤ d F*² ‖Y‖_F².

*Proof.* ⟨Y, N(Y)⟩ = Σ_ij ⟨x_i, x_j⟩² ⟨Y x_i, x_j⟩² ≤ Σ_i (F(x_i) F(Y x_i))^{1/2} ‖x_i‖² ‖Y x_i‖² by Cauchy–Schwarz over
j, and this is at most F* ⟨R, Y²⟩ ≤ F* λ_max(R) ‖Y‖_F². In the same way λ_max(R) = Σ_k Σ_i ⟨x_i, e_k⟩² ⟨x_i, w⟩² ≤
Σ_k (F(e_k) F(w))^{1/2} ≤ d F*. ∎

If Y is a leading eigenmatrix of N, the realigned bound λ_max(N)^{1/8} is at most d^{1/8} F*^{1/4}. The matrix U of a
realigned certificate is nearly one (theory/lower_bounds of the documentation has the difference).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from hypernorm._parallel import product_threads, shared_threads
from hypernorm.bounds.deadlines import EIGEN, DeadlineError, has_time, until
from hypernorm.bounds.newton import SMALL
from hypernorm.bounds.power_kernels import normalised
from hypernorm.forms import MonomialBasis, Rows, second_moments

__all__ = ["best_candidates"]

# Candidates that are evaluated together, and entries of their monomials.
_BLOCK = 512
_BLOCK_ENTRIES = 1 << 20


def best_candidates(rows: Rows, U: np.ndarray, deadline: float = math.inf, count: int = 8) -> np.ndarray:
    """The best of the candidates for the matrix U of a realigned certificate, as unit columns, best first.

    After the deadline the best of those that have been evaluated are returned, perhaps none.
    """
    best = _Group(np.empty((rows.shape[1], 0)), np.empty(0))
    try:
        for group in _groups(rows, U, deadline, count):
            best = best.joined(group, count)
    except DeadlineError:
        pass
    return best.vectors


class _Group(NamedTuple):
    """Unit columns with their F."""

    vectors: np.ndarray
    values: np.ndarray

    def joined(self, other: _Group, count: int) -> _Group:
        """The best of both groups."""
        vectors, values = (np.hstack(pair) for pair in zip(self, other, strict=True))
        kept = np.argsort(-values, kind="stable")[:count]
        return _Group(vectors[:, kept], values[kept])


def _groups(rows: Rows, U: np.ndarray, deadline: float, count: int) -> Iterator[_Group]:
    """All candidates, or the best `count` of each range of rows."""
    n, d = rows.shape
    moments = rows.recall("moments", 2)  # there if the realigned map was computed from them
    if not has_time(2.0 * n * d * d + EIGEN * d**3, deadline):
        raise DeadlineError
    rows = until(rows.unguarded(), deadline)  # the result is proved afterwards
    with np.errstate(under="ignore"):
        second = second_moments(rows, rows.norms**2)
    with product_threads(1 if d < SMALL else None):
        axes = np.hstack([np.linalg.eigh(second)[1][:, -1:], np.eye(d)])
    with shared_threads():
        yield from (_by_rows(rows, axes[:, start : start + _BLOCK]) for start in range(0, d + 1, _BLOCK))
        if moments is not None and len(moments) ** 2 < n * d:
            yield from _by_moments(rows, U, moments, count)
        else:
            for start in range(0, n, _BLOCK):
                points = rows.taken(np.arange(start, min(start + _BLOCK, n))).T
                yield _by_rows(rows, np.hstack([points, U @ points]))


def _by_rows(rows: Rows, V: np.ndarray) -> _Group:
    """The columns of V that are not zero, normalised; 2nd operations for each."""
    V = normalised(V)
    step = rows.block_rows(V.shape[1])

    def partial(rows: Rows, part: range) -> np.ndarray:
        total = np.zeros(V.shape[1])
        for start in range(part.start, part.stop, step):
            squares = rows.operand(start, min(start + step, part.stop)) @ V
            with np.errstate(under="ignore"):
                squares *= squares
                total += np.einsum("ij,ij->j", squares, squares)
        return total

    return _Group(V, sum(rows.partials(partial, rows.ranges(step)), np.zeros(V.shape[1])))


def _by_moments(rows: Rows, U: np.ndarray, moments: np.ndarray, count: int) -> Iterator[_Group]:
    """The best of the x_i and U x_i by F(v) = z(v)ᵀ M z(v); 2D² operations for each, and no pair of rows is read."""
    d = rows.shape[1]
    step = min(rows.block_rows(), max(1, _BLOCK_ENTRIES // len(moments)))

    def partial(rows: Rows, part: range) -> _Group:
        basis, best = MonomialBasis(d, 2), _Group(np.empty((d, 0)), np.empty(0))
        for start in range(part.start, part.stop, step):
            points = rows.block(start, min(start + step, part.stop)).T
            V = normalised(np.hstack([points, U @ points]))
            with np.errstate(under="ignore"):
                images = basis.evaluate(V.T)
                values = np.einsum("ab,ab->b", images, moments @ images)
            best = best.joined(_Group(V, values), count)
        return best

    yield from rows.partials(partial, rows.ranges(step))
