"""Descent on the sphere: small values of ‖Xv‖_q over unit vectors v, for even q.

On a great circle through v and a unit tangent u, ‖X(cos θ v + sin θ u)‖_q^q is a form of degree q in cos θ and sin θ,
whose coefficients are the q + 1 sums Σ ⟨x_i, v⟩^(q−j) ⟨x_i, u⟩^j. So its least value on the whole circle is found with
one more pass over the rows, there is no step size, and the sequence is monotone. The directions are those of conjugate
gradients (Polak and Ribière). All starting points are moved together; Newton's method refines the best ones.
"""

from __future__ import annotations

import math
import time

import numpy as np

from hypernorm._parallel import shared_threads
from hypernorm.bounds.deadlines import EIGEN, DeadlineError, has_time, until
from hypernorm.bounds.newton import LARGEST_DIMENSION, newton_finish
from hypernorm.bounds.power_kernels import gradients, norm_values
from hypernorm.forms import Rows

__all__ = ["descend"]

_STEPS = 100
_HANDOVER = 1e-6  # relative decrease of the form in one step at which Newton's method takes over
_ANGLES = 48
_POLISHING = 4  # Newton steps on the circle
_FINISHED = 4  # vectors that Newton's method refines
# Every so many steps the worse half of more than `_FEWEST` vectors is given up.
_HALVING, _FEWEST = 10, 8
_SAME = 1e-4  # squared sine of the angle of two vectors that count as one


def descend(
    rows: Rows, q: int, rng: np.random.Generator, starts: np.ndarray, *, n_starts: int = 0, deadline: float = math.inf
) -> np.ndarray:
    """A unit vector with a small ‖Xv‖_q, from the columns of `starts` and from `n_starts` random vectors.

    After the deadline the best vector so far is returned; if none was compared, it is the first start.
    """
    d = rows.shape[1]
    V = np.hstack([starts, rng.standard_normal((d, n_starts))])
    V = V / np.linalg.norm(V, axis=0)
    if rows.is_zero or d == 1:
        return V[:, 0]
    rows = until(rows.unguarded(), deadline)  # the result is proved afterwards
    with shared_threads():
        V = _move(rows, q, V, deadline)
    if d > LARGEST_DIMENSION:
        return V[:, 0]
    best, least = V[:, 0], math.inf
    for v in _distinct(V).T:
        if not has_time(2.0 * rows.shape[0] * d * d + EIGEN * d**3, deadline):
            break
        vector, value = newton_finish(rows, q, v, least=True)
        if value < least:
            best, least = vector, value
    return best


def _move(rows: Rows, q: int, V: np.ndarray, deadline: float) -> np.ndarray:
    """Conjugate gradients for all columns; the best column is first."""
    try:
        values = norm_values(rows, V, q) ** q
        G, U = np.zeros_like(V), np.zeros_like(V)
        for step in range(_STEPS):
            gradient = gradients(rows, V, q)
            gradient -= np.sum(gradient * V, axis=0) * V
            last = np.sum(G * G, axis=0)
            beta = np.sum(gradient * (gradient - G), axis=0) / np.where(last > 0, last, 1)
            U = np.clip(beta, 0, 2) * U - gradient
            # Rounding leaves the tangent space, and a direction of ascent is replaced by the steepest descent.
            U = np.where(np.sum(U * gradient, axis=0) < 0, U, -gradient)
            U -= np.sum(U * V, axis=0) * V
            length = np.linalg.norm(U, axis=0)
            unit = U / np.where(length > 0, length, 1)
            angles, least = _least_on_circle(_circle_sums(rows, V, unit, q))
            angles, least = np.where(length > 0, angles, 0.0), np.where(length > 0, least, values)  # a stationary point
            cosines, sines = np.cos(angles), np.sin(angles)
            along = np.sum(gradient * unit, axis=0)
            moved = cosines * unit - sines * V  # the direction at the new point
            V = cosines * V + sines * unit
            V /= np.linalg.norm(V, axis=0)
            G, U = gradient + along * (moved - unit), length * moved
            decrease, values = values - least, np.minimum(values, least)
            if time.perf_counter() > deadline or (decrease <= _HANDOVER * values).all():
                break
            if step % _HALVING == _HALVING - 1 and len(values) > _FEWEST:
                kept = np.argsort(values, kind="stable")[: max(_FEWEST, len(values) // 2)]
                V, G, U, values = V[:, kept], G[:, kept], U[:, kept], values[kept]
        return V[:, np.argsort(values, kind="stable")]
    except DeadlineError:
        return V


def _circle_sums(rows: Rows, V: np.ndarray, U: np.ndarray, q: int) -> np.ndarray:
    """Σ_i ⟨x_i, v⟩^(q−j) ⟨x_i, u⟩^j times the binomial coefficient of q and j, for j = 0, …, q and each column."""
    step = rows.block_rows(V.shape[1])

    def partial(rows: Rows, part: range) -> np.ndarray:
        total = np.zeros((q + 1, V.shape[1]))
        for start in range(part.start, part.stop, step):
            block = rows.operand(start, min(start + step, part.stop))
            with np.errstate(under="ignore"):
                first, second = (_all_powers(np.asarray(block @ directions), q) for directions in (V, U))
                for j in range(q + 1):
                    total[j] += np.einsum("ik,ik->k", first[q - j], second[j])
        return total

    binomials = np.array([math.comb(q, j) for j in range(q + 1)], dtype=np.float64)
    return binomials[:, None] * sum(rows.partials(partial, rows.ranges(step)), np.zeros((q + 1, V.shape[1])))


def _all_powers(values: np.ndarray, q: int) -> list[np.ndarray]:
    """The powers from 0 to q, by products."""
    powers = [np.ones_like(values), values]
    while len(powers) <= q:
        powers.append(powers[-1] * values)
    return powers


def _least_on_circle(form: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The angle of the least value of Σ a_j cos^(q−j) sin^j for each column of coefficients, and that value."""
    grid = np.linspace(0, math.pi, _ANGLES, endpoint=False)
    best = np.einsum("ja,jk->ak", _powers(grid, len(form)), form).argmin(axis=0)
    slopes = _derivative(form)
    bends = _derivative(slopes)

    def value(coefficients: np.ndarray, angles: np.ndarray) -> np.ndarray:
        return np.asarray(np.sum(_powers(angles, len(form)) * coefficients, axis=0))

    start = polished = grid[best]
    for _ in range(_POLISHING):
        bend = value(bends, polished)
        polished = polished - np.where(bend > 0, value(slopes, polished) / np.where(bend > 0, bend, 1), 0)
    before, after = value(form, start), value(form, polished)
    return np.where(after < before, polished, start), np.minimum(before, after)


def _powers(angles: np.ndarray, size: int) -> np.ndarray:
    """cos^(q−j) sin^j for j = 0, …, q = size − 1, one row for each j."""
    cosines, sines = np.cos(angles), np.sin(angles)
    return np.array([cosines ** (size - 1 - j) * sines**j for j in range(size)])


def _derivative(form: np.ndarray) -> np.ndarray:
    """Coefficients of the derivative by the angle."""
    j = np.arange(len(form), dtype=np.float64)[:, None]
    result = np.zeros_like(form)
    result[1:] -= (len(form) - 1 - j[:-1]) * form[:-1]
    result[:-1] += j[1:] * form[1:]
    return result


def _distinct(V: np.ndarray) -> np.ndarray:
    """The first columns without copies of an earlier one, at most `_FINISHED`."""
    kept: list[int] = []
    for column in range(V.shape[1]):
        if len(kept) < _FINISHED and (not kept or ((V[:, kept].T @ V[:, column]) ** 2 < 1 - _SAME).all()):
            kept.append(column)
    return V[:, kept]
