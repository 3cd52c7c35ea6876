"""The semidefinite relaxation of an operator norm for p ≥ 2 ≥ q, by the power method with blocks of vectors.

The entries of x and y are vectors of R^b (Burer & Monteiro, *Math. Program.* 95 (2003) 329), and a step is that of
`hypernorm.bounds.operator_power` from a point beyond the last one (Nesterov), without memory after a step that turns
back (O'Donoghue & Candès, *Found. Comput. Math.* 15 (2015) 715). The start has enough dimensions for the optimum. A
solution needs fewer, and a stationary point that does not use all its dimensions is optimal, so those that it leaves
are dropped on the way. The result is a proposal, proved elsewhere.
"""

from __future__ import annotations

import math
import time
from typing import NamedTuple

import numpy as np

from hypernorm._parallel import product_threads
from hypernorm._validation import Matrix
from hypernorm.bounds.operator_power import adjoint, conjugate_float, dual_vectors, gaussian, product

__all__ = ["Relaxed", "leading_square", "relaxation"]

# Steps between two looks at the solution.
_LOOK = 25
# Dimensions with less than this share of the largest one are dropped, but for a few, in which a better point may begin.
_LEFT, _SPARE = 1e-4, 3
# Products with fewer entries are faster on one core.
_SMALL = 1 << 22
# The gap between the solution and the bound that it leads to, at which it is good enough.
_GAP = 5e-8


class Relaxed(NamedTuple):
    """A solution.

    Attributes
    ----------
    vectors : ndarray of shape (n, b)
        The rows of X, the entries of x.
    images : ndarray of shape (m,)
        Lengths of the rows of AX.
    duals : ndarray of shape (n,)
        Lengths of the rows of AᵀY.
    value : float
        At most that of the relaxation, up to rounding.
    """

    vectors: np.ndarray
    images: np.ndarray
    duals: np.ndarray
    value: float


def relaxation(
    A: Matrix, p: float, q: float, rng: np.random.Generator, *, steps: int, deadline: float = math.inf
) -> Relaxed:
    """A solution of the relaxation; A has no zero row or column."""
    dual, A_t = conjugate_float(p), adjoint(A)
    width = min(math.ceil(1.2 * math.sqrt(sum(A.shape))) + 6, sum(A.shape))
    X = before = dual_vectors(gaussian(rng, A, (A.shape[1], 1, width)), dual)[0]
    momentum = 0
    with product_threads(1 if A.size < _SMALL else None):
        for step in range(1, steps + 1):
            Z = X + momentum / (momentum + 3) * (X - before)
            Y, _ = dual_vectors(product(A, Z), q)
            reached, _ = dual_vectors(product(A_t, Y), dual)
            momentum = 0 if np.vdot(Z - reached, reached - X).real > 0 else momentum + 1
            before, X = X, reached
            if time.perf_counter() > deadline:
                break
            if step % _LOOK == 0:
                if _gap(A, A_t, p, q, X) <= _GAP:
                    break
                axes = _used(X[:, 0])
                X, before = X @ axes, before @ axes
        return _solution(A, A_t, p, q, X)


def _used(X: np.ndarray) -> np.ndarray:
    """Orthonormal directions that hold nearly all of the rows of X, as columns."""
    shares, axes = np.linalg.eigh(X.conj().T @ X)
    count = int((shares > _LEFT * shares[-1]).sum()) + _SPARE
    return np.asarray(axes[:, -count:])


def _solution(A: Matrix, A_t: Matrix, p: float, q: float, X: np.ndarray) -> Relaxed:
    W = product(A, X)
    G = product(A_t, dual_vectors(W, q)[0])
    images, duals = np.linalg.norm(W[:, 0], axis=1), np.linalg.norm(G[:, 0], axis=1)
    return Relaxed(X[:, 0], images, duals, float(dual_vectors(G, conjugate_float(p))[1][0]))


def _gap(A: Matrix, A_t: Matrix, p: float, q: float, X: np.ndarray) -> float:
    """How far the bound with the weights of a solution is above its value, if the largest eigenvector is near X."""
    found = _solution(A, A_t, p, q, X)
    with np.errstate(all="ignore"):
        a, d = found.images ** (q - 2), found.duals ** (2 - conjugate_float(p))
        if not (np.isfinite(a).all() and d.all()):
            return math.inf  # lengths have vanished below the range of floats
        quotient = float(a @ found.images**2) / float(d @ np.linalg.norm(found.vectors, axis=1) ** 2)
        return math.sqrt(leading_square(A, a, d, found.vectors, rounds=1) / quotient) - 1


def leading_square(A: Matrix, a: np.ndarray, d: np.ndarray, vectors: np.ndarray, *, rounds: int) -> float:
    """The largest eigenvalue of WᵀW for W = Diag(a)^{1/2} A Diag(d)^{−1/2}, computed, by subspace iteration.

    A solution with these weights has Diag(d)^{1/2} X as eigenvectors.
    """
    left, right = np.sqrt(a)[:, None], np.sqrt(d)[:, None]
    A_t, block, square = adjoint(A), right * vectors, 0.0
    for _ in range(rounds):
        Q = np.linalg.qr(block)[0]
        image = left * np.asarray(A @ (Q / right))
        before, square = square, float(np.linalg.eigvalsh(image.conj().T @ image)[-1])
        if square <= before * (1 + 1e-12):
            break
        block = np.asarray(A_t @ (left * image)) / right
    return square
