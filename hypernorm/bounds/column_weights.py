"""Column weights for the bound on ‖A‖_{p→q} by a 2→q norm: the best ones, by cutting planes.

With d = 1/s² the square of the bound is ‖d‖_{p/(p−2)} / g(d), where g(d) is the least Σ d_j |v_j|² over ‖Av‖_q = 1. So
g is concave, and each v with ‖Av‖_q = 1 is a linear function above it. For given v_k the best d is
(Σ w_k |v_k|²)^{(p−2)/2} for shares w_k with the least ‖Σ w_k |v_k|²‖_{p/2}, by minimax. Vectors for which d is too
small are added, round by round.
"""

from __future__ import annotations

import math
import time

import numpy as np
from scipy.optimize import linprog

from hypernorm._validation import Matrix
from hypernorm.bounds.operator_power import (
    alternate,
    axis_norms,
    conjugate_float,
    gaussian,
    largest_vector,
    vector_norms,
)
from hypernorm.certificates import Operand

__all__ = ["column_weights"]

_ROUNDS, _STEPS, _RANDOM, _NEW, _STEPS_OF_SHARES = 40, 60, 16, 6, 400
_FLOOR = 1e-9
_ENOUGH = 1e-6
_LEAST = 2.0**-140


def column_weights(operand: Operand, rng: np.random.Generator, deadline: float = math.inf) -> np.ndarray | None:
    """s for a certificate of the rule "two_to_q" with p > 1; None stands for ones."""
    p, q = float(operand.p), float(operand.q)
    if operand.p == 2:
        return None
    entries = operand.entries
    if p < 2:
        lengths = axis_norms(entries, 0, q)
        with np.errstate(under="ignore"):
            return np.asarray(np.maximum((lengths / lengths.max()) ** (conjugate_float(p) / 2 - 1), _LEAST))
    n, ratio = entries.shape[1], 1.0 if math.isinf(p) else p / (p - 2)
    d, best = np.ones(n), (math.inf, np.ones(n))
    known = largest_vector(entries, p, q, rng, n_starts=50, deadline=deadline)[:, None]
    lower = float(vector_norms(np.abs(np.asarray(entries @ known)), q)[0] / vector_norms(np.abs(known), p)[0])
    cuts = np.empty((n, 0))
    for _ in range(_ROUNDS):
        V, values = _vectors(entries, q, d, known, rng, deadline)
        bound = math.sqrt(values[0] * float(vector_norms(d[:, None], ratio)[0]))
        if bound < best[0]:
            best = bound, d
        if best[0] <= lower * (1 + _ENOUGH) or time.perf_counter() > deadline:
            break
        cuts = np.hstack([cuts, np.abs(V[:, :_NEW]) ** 2])
        known = np.hstack([V[:, :_NEW], known])[:, : 4 * _NEW]
        d = _best_for(cuts, p)
    return np.asarray(best[1] ** -0.5)


def _vectors(
    entries: Matrix, q: float, d: np.ndarray, known: np.ndarray, rng: np.random.Generator, deadline: float
) -> tuple[np.ndarray, np.ndarray]:
    """Distinct v with ‖Av‖_q = 1 and small Σ d_j |v_j|², smallest first, and the inverses of these sums."""
    s = d**-0.5
    weighted = entries * s if isinstance(entries, np.ndarray) else entries.multiply(s).tocsr()
    longest = np.argsort(-axis_norms(weighted, 1, 2.0), kind="stable")[:_RANDOM]
    rows = weighted[longest]
    rows = (rows if isinstance(rows, np.ndarray) else rows.toarray()).conj().T
    starts = np.hstack([known / s[:, None], rows, gaussian(rng, entries, (len(d), _RANDOM))])
    starts /= np.abs(starts).max(axis=0)
    X, _, values = alternate(weighted, 2.0, q, starts[:, :, None], steps=_STEPS, deadline=deadline)
    Y = X[:, :, 0] / np.maximum(np.linalg.norm(X[:, :, 0], axis=0), 1e-300)
    overlaps = np.abs(Y.conj().T @ Y)
    kept = [k for k in range(Y.shape[1]) if not (overlaps[k, :k] > 1 - 1e-6).any() and values[k] > 0.5 * values[0]]
    V = Y[:, kept] * s[:, None]
    sizes = vector_norms(np.abs(np.asarray(entries @ V)), q)
    return V / sizes, sizes**2


def _best_for(cuts: np.ndarray, p: float) -> np.ndarray:
    """The d of norm 1 with the largest minimum of ⟨d, c⟩ over the columns c, at least a small number."""
    n, count = cuts.shape
    scale = cuts.max()
    C = cuts / scale
    if math.isinf(p):
        # The largest t with Cᵀd ≥ t, d in the simplex.
        found = linprog(
            np.append(np.zeros(n), -1.0),
            A_ub=np.hstack([-C.T, np.ones((count, 1))]),
            b_ub=np.zeros(count),
            A_eq=np.append(np.ones(n), 0.0)[None],
            b_eq=[1.0],
        )
        d = np.ones(n) if found.x is None else found.x[:n]
        return np.asarray(np.maximum(d, _FLOOR * d.max()))
    power = p / 2 - 1
    shares, step, before = np.full(count, 1 / count), 1.0, math.inf
    best = shares
    for _ in range(_STEPS_OF_SHARES):
        mean = C @ shares
        size = float(vector_norms(mean[:, None], p / 2)[0])
        if size < before:
            best, before, step = shares, size, step * 1.1
        else:
            shares, step = best, step / 2
            mean = C @ shares
        if step < 1e-7:
            break
        with np.errstate(under="ignore"):
            gradient = C.T @ (mean / mean.max()) ** power
            shares = shares * np.exp(np.clip(-step * (gradient / (gradient @ shares) - 1), -30, 30))
        shares = shares / shares.sum()
    mean = C @ best
    with np.errstate(under="ignore"):
        return np.asarray(np.maximum((mean / mean.max()) ** power, _FLOOR))
