"""Weights for certificates of operator norms: positive vectors, weights of rows and columns."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.sparse as sp

from hypernorm._validation import Matrix
from hypernorm.bounds.operator_power import (
    adjoint,
    axis_norms,
    conjugate_float,
    settle,
    vector_norms,
)
from hypernorm.bounds.operator_relaxation import leading_square, relaxation
from hypernorm.certificates import Operand
from hypernorm.forms import BlockMatrix

__all__ = ["floats", "matrix_weights", "positive_vector", "spectral_square"]

_STEPS = 1500
_FLOORS = (1e-12, 1e-9, 1e-6, 1e-4)
_LEAST = 2.0**-290
_DENSE = 1500  # larger Gram matrices are not decomposed
# If the leading eigenvectors are nearly known, so many rounds of subspace iteration are faster for more columns.
_DECOMPOSED, _ROUNDS = 300, 30


def floats(operand: Operand) -> tuple[float, float]:
    """The exponents of an operand, rounded."""
    return float(operand.p), float(operand.q)


def positive_vector(operand: Operand, deadline: float = math.inf) -> np.ndarray:
    """x > 0 with a small bound of the rule "perron"."""
    p, q = floats(operand)
    B, n = operand.magnitudes(exact=False), operand.entries.shape[1]
    if math.isinf(p):
        return np.ones(n)
    X, _, _ = settle(B, p, q, np.ones((n, 1, 1)), steps=_STEPS, deadline=deadline)
    x = X[:, 0, 0] / X.max()
    if isinstance(B, BlockMatrix):
        x[axis_norms(B, 0, math.inf) == 0] = 1  # columns of zeros
    candidates = [np.maximum(x, floor) for floor in (_LEAST, *_FLOORS)] + [np.ones(n)]
    return min(candidates, key=lambda x: _perron_value(B, x, p, q))


def _perron_value(B: Any, x: np.ndarray, p: float, q: float) -> float:
    """The bound of the rule "perron", computed."""
    with np.errstate(all="ignore"):
        g = np.asarray(B @ x)
        if p < q:
            size = g.max()
            weighted = _weighted(B, (g / size) ** (2 * p - 2), np.ones(len(x)))  # not all weights vanish
            value = (axis_norms(weighted, 0, q / p) / x ** (p - 1)).max() ** (1 / p) * size ** (1 - 1 / p)
        else:
            largest = ((B.T @ g ** (q - 1)) / x ** (p - 1)).max()
            value = vector_norms(g[:, None], q)[0] ** (1 - q / p) * largest ** (1 / p)
    return float(value) if value == value else math.inf


def spectral_square(W: Matrix) -> float:
    """The largest eigenvalue of W*W; computed."""
    if min(W.shape) <= _DENSE:
        gram = adjoint(W) @ W if W.shape[1] <= W.shape[0] else W @ adjoint(W)
        return float(np.linalg.eigvalsh(gram if isinstance(gram, np.ndarray) else gram.toarray())[-1])
    start = np.ones(min(W.shape), dtype=W.dtype)
    return float(sp.linalg.svds(W, k=1, v0=start, return_singular_vectors=False)[0]) ** 2


def _weighted(entries: Any, a: np.ndarray, d: np.ndarray) -> Any:
    """Diag(a)^{1/2} A Diag(d)^{−1/2}."""
    left, right = np.sqrt(a), 1 / np.sqrt(d)
    if isinstance(entries, BlockMatrix):
        return entries.mapped(lambda block, factors: block * factors[:, None], left)  # d has ones only
    if isinstance(entries, np.ndarray):
        return entries * left[:, None] * right
    return sp.csr_array(sp.diags_array(left) @ entries @ sp.diags_array(right))


def _powers(lengths: np.ndarray, power: float, floor: float) -> np.ndarray:
    """(length/largest)^power, at least `floor`."""
    with np.errstate(under="ignore"):
        return np.asarray(np.maximum((lengths / lengths.max()) ** power, floor))


def matrix_weights(
    operand: Operand, rng: np.random.Generator, deadline: float = math.inf
) -> tuple[np.ndarray, np.ndarray, float] | None:
    """a, d and the least λ, computed, for a certificate of the rule "weights"; None if it does not apply."""
    p, q = floats(operand)
    entries, floor = operand.entries, 2.0**-280
    if math.isinf(q) or p == 1 or (operand.p < 2 and operand.q <= 2):
        return None
    if p < 2:
        d = 1 / _powers(axis_norms(entries, 0, q), conjugate_float(p) - 2, floor)
        a = _powers(axis_norms(_weighted(entries, np.ones(entries.shape[0]), d), 1, 2.0), q - 2, floor)
        return a, d, spectral_square(_weighted(entries, a, d))
    fixed = None if q <= 2 else _powers(axis_norms(entries, 1, conjugate_float(p)), q - 2, floor)
    if p == 2 == q:
        a, d = np.ones(entries.shape[0]), np.ones(entries.shape[1])
        return a, d, spectral_square(entries)
    problem = entries if fixed is None else _weighted(entries, fixed, np.ones(entries.shape[1]))
    inner, dual = min(q, 2.0), conjugate_float(p)
    solution = relaxation(problem, p, inner, rng, steps=_STEPS, deadline=deadline)
    best: tuple[float, tuple[np.ndarray, np.ndarray, float]] | None = None
    known: tuple[np.ndarray, np.ndarray] | None = None
    for level in _FLOORS:
        a = 1 / _powers(solution.images, 2 - inner, level) if fixed is None else fixed
        d = _powers(solution.duals, 2 - dual, level)
        if known is not None and np.array_equal(a, known[0]) and np.array_equal(d, known[1]):
            continue  # no weight is below this level
        known = a, d
        if min(entries.shape) <= _DECOMPOSED:
            square = spectral_square(_weighted(entries, a, d))
        else:
            square = leading_square(entries, a, d, solution.vectors, rounds=_ROUNDS)
        size = square * _size(d, p / (p - 2) if 2 < p < math.inf else 1.0 if p > 2 else math.inf)
        if fixed is None:
            size *= _size(1 / a, inner / (2 - inner) if inner < 2 else math.inf)
        if best is None or size < best[0]:
            best = size, (a, d, square)
    assert best is not None
    return best[1]


def _size(weights: np.ndarray, r: float) -> float:
    return float(vector_norms(weights[:, None], r)[0])
