"""The generalised power method: lower bounds on max ‖Xv‖_q over unit vectors, for every real q ≥ 1.

f(v) = ‖Xv‖_q^q is convex, so maximising its linearisation over the unit ball never decreases it:
v ← g/‖g‖ with g = Xᵀ(|Xv|^{q−1} sign(Xv)). There is no step size, and the sequence is monotone for every q ≥ 1
(Journée, Nesterov, Richtárik & Sepulchre 2010). The k starting points are iterated together: an iteration is two n×d×k
matrix products and an entrywise power between them. Starts that meet another start, or can no longer overtake the best
one, are dropped. Newton's method refines the remaining ones.
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator

from hypernorm._arguments import Seed, check_count, check_exponent, check_generator, check_tolerance
from hypernorm._arithmetic import own_arithmetic
from hypernorm._complex import check_complex, is_complex
from hypernorm._parallel import product_threads, shared_threads
from hypernorm._validation import as_dense, check_matrix, check_rows
from hypernorm._warnings import warn_caller
from hypernorm.bounds.complex_norm import ComplexNorm
from hypernorm.bounds.deadlines import EIGEN, DeadlineError, has_time, until
from hypernorm.bounds.newton import LARGEST_DIMENSION, SMALL, newton_finish
from hypernorm.bounds.operator_estimate import OperatorEstimate, estimate_operator_norm
from hypernorm.bounds.operator_power import operator_witness
from hypernorm.bounds.power_kernels import gradients, norm_values, normalised
from hypernorm.certificates import COMPLEX_EXPONENTS, ComplexWitness, OperatorWitness, Witness, identified_matrix
from hypernorm.exceptions import InvalidInputError
from hypernorm.forms import Rows, second_moments

__all__ = ["check_starts", "lower_bound", "search"]

# Two starts closer than this (squared sine of their angle) are equal.
_SAME = 1e-4
# Newton's method takes over when the relative increase of the norm in one step is at most this.
_HANDOVER = 1e-7
_FINISHED = 4
# Newton's method takes over after at most this many steps; near a flat maximum the power method is slow, Newton's not.
_MOST_BEFORE_NEWTON = 60


@own_arithmetic
def lower_bound(
    X: Any,
    q: float = 4,
    *,
    p: float = 2,
    n_starts: int = 128,
    starts: Any = None,
    max_iter: int = 1000,
    rtol: float = 1e-10,
    random_state: Seed = None,
) -> Witness | ComplexWitness | OperatorWitness | OperatorEstimate:
    """Find a vector v with a large ‖Xv‖_q / ‖v‖_p, and prove this value as a lower bound on the norm.

    Parameters
    ----------
    X : array_like, DataFrame, sparse matrix or Dask array of shape (n, d)
        Real or complex; v is complex if X is. A Dask array only if real. Also a
        `scipy.sparse.linalg.LinearOperator` with products with its transpose; its starting points are random.
    q : float
        Exponent, 1 ≤ q ≤ ∞. For p = 2 and q = 2 or ∞ the result is the norm itself, up to rounding.
    p : float, default 2
        Exponent of the norm of v, 1 ≤ p ≤ ∞. For p other than 2, and for complex X and q other than 2, 4, 6, 8 and ∞,
        the vectors are searched by alternating maximisation, for which `max_iter` and `rtol` have no meaning, and the
        result is an `OperatorWitness`. It is the norm itself, up to rounding, for p = 1 and q = ∞.
    n_starts : int
        Number of starting points: a quarter are the longest rows, a quarter leading eigenvectors of
        Σ ‖x_i‖^{q−2} x_i x_iᵀ, the others random.
    starts : array_like of shape (k, d), optional
        Further starting points.
    max_iter : int
        Largest number of power iterations.
    rtol : float
        Stop when the relative increase of the norm in an iteration is below this.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState

    Returns
    -------
    Witness, ComplexWitness or OperatorWitness
        A vector with a proved lower bound on the norm; for a LinearOperator an `OperatorEstimate`, which is not proved.

    Raises
    ------
    InvalidInputError
        If an argument is out of range.

    Warns
    -----
    ConvergenceWarning
        If `max_iter` was reached; the witness is proved nevertheless.

    See Also
    --------
    two_to_q_norm : Lower and upper bounds.
    hypernorm.Witness.from_vector : The value of a vector that is known.

    Notes
    -----
    The values ascend by Theorem 1 of theory/lower_bounds of the documentation, which also says how the result is
    proved.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> X = np.vstack([np.eye(3), np.ones((1, 3))])
    >>> round(hn.lower_bound(X, q=4, random_state=0).value ** 4, 9)  # v = (1, 1, 1)/√3: 3·(1/9) + 9
    9.333333333
    """
    p, q = check_exponent(p, 1, "p"), check_exponent(q, smallest=1)
    check_count(n_starts, "n_starts")
    check_count(max_iter, "max_iter")
    check_tolerance(rtol)
    rng = check_generator(random_state)
    if isinstance(X, LinearOperator):
        given = check_starts(starts, X.shape[1])
        return estimate_operator_norm(X, p, q, rng, n_starts=n_starts, starts=given, max_iter=max_iter, rtol=rtol)
    if p != 2 or (is_complex(X) and q not in COMPLEX_EXPONENTS):
        matrix = identified_matrix(X, "X")
        given = check_starts(starts, matrix.shape[1], matrix.field)
        return operator_witness(matrix, p, q, n_starts=n_starts, starts=given, rng=rng)
    norm = ComplexNorm(X, q) if is_complex(X) else None
    rows = Rows.identified(check_rows(X)) if norm is None else norm.rows
    given = check_starts(starts, rows.shape[1]) if norm is None else norm.starts(starts)
    vector = search(rows, q, rng, n_starts=n_starts, starts=given, max_iter=max_iter, rtol=rtol)
    return Witness.of_rows(rows, vector, q) if norm is None else norm.witness(vector)


def check_starts(starts: Any, dimension: int, field: str = "real") -> np.ndarray:
    """Return starting points as columns, of complex numbers if `field` is "complex".

    Raises
    ------
    InvalidInputError
        If they have another number of entries than `dimension`.
    """
    if starts is None:
        return np.empty((dimension, 0))
    array: Any = check_complex(starts, "starts") if field == "complex" else check_matrix(starts, "starts")
    if array.shape[1] != dimension:
        raise InvalidInputError(
            f"starts must have one row per starting point and {dimension} columns as X has, got {array.shape}."
        )
    if field == "complex":
        return np.asarray((as_dense(array.real) + 1j * as_dense(array.imaginary)).T)
    return as_dense(array).T


def search(
    rows: Rows,
    q: float,
    rng: np.random.Generator,
    *,
    n_starts: int = 128,
    starts: np.ndarray | None = None,
    max_iter: int = 1000,
    rtol: float = 1e-10,
    deadline: float = math.inf,
) -> np.ndarray:
    """A unit vector with a large ‖Xv‖_q; `starts` has one column per further starting point.

    The longest row is always a starting point, so `n_starts` may be 0. After the deadline the best vector so far is
    returned; if none was compared, it is the first of `starts`, or the longest row without `starts`.
    """
    d = rows.shape[1]
    if rows.is_zero or d == 1:
        return np.eye(d)[0]
    rows = rows.unguarded()  # the result is proved afterwards
    longest = _longest_rows(rows, 1)  # not orthogonal to all rows, unlike perhaps every given start
    if math.isinf(q):
        return normalised(longest)[:, 0]
    known = longest if starts is None else np.hstack([starts, longest])
    if q == 2 and n_starts and d <= LARGEST_DIMENSION:
        known, n_starts = np.linalg.eigh(second_moments(rows))[1][:, -1:], 0  # exact, at the cost of the row-norm bound
    rows = until(rows, deadline)
    V = normalised(known)
    try:
        V = normalised(np.hstack([known, _standard_starts(rows, q, n_starts, rng, deadline)]))
        if q == 2 and n_starts == 0:
            V = V[:, :1]
        with shared_threads():
            V = _iterate(rows, q, V, max_iter, rtol, deadline)
    except DeadlineError:
        return V[:, 0]
    if q <= 2 or d > LARGEST_DIMENSION:
        return V[:, 0]
    best, best_value = V[:, 0], -1.0
    for start in V.T[:_FINISHED]:
        # The cost of a step: forming and decomposing the Hessian.
        if not has_time(2.0 * rows.shape[0] * d * d + EIGEN * d**3, deadline):
            break
        vector, value = newton_finish(rows, q, start)
        if value > best_value:
            best, best_value = vector, value
    return best


def _iterate(rows: Rows, q: float, V: np.ndarray, max_iter: int, rtol: float, deadline: float) -> np.ndarray:
    """Run the power method until convergence, or until Newton's method takes over; the best column is first."""
    newton_follows = q > 2 and rows.shape[1] <= LARGEST_DIMENSION
    target = max(rtol, _HANDOVER) if newton_follows else rtol
    V = V.astype(rows.search_dtype)
    if V.dtype == np.float32:
        target = max(target, 1e-6)
    if newton_follows:
        max_iter = min(max_iter, _MOST_BEFORE_NEWTON)
    values, increases = np.zeros(V.shape[1]), np.full(V.shape[1], np.inf)
    for iteration in range(max_iter):
        try:
            G = gradients(rows, V, q)
        except DeadlineError:
            break
        lengths = np.linalg.norm(G, axis=0)
        # A start that is orthogonal to every row stays; the value of every other start has not decreased.
        moved = lengths > 0
        V = np.where(moved, G / np.where(moved, lengths, 1), V).astype(V.dtype)
        if iteration % 4 == 3 or iteration + 1 == max_iter:
            try:
                new_values = norm_values(rows, V, q)
            except DeadlineError:
                break
            gains = new_values - values
            if iteration > 4:
                keep = _distinct(V, new_values, _hopeful(q, new_values, gains, increases))
                V, new_values, gains = V[:, keep], new_values[keep], gains[keep]
            values, increases = new_values, gains
            if (gains <= 4 * target * values).all() or time.perf_counter() > deadline:
                break
    else:
        if not newton_follows and (increases > 4 * rtol * values).any():
            warn_caller(
                f"The power method reached max_iter={max_iter} before rtol={rtol:g}; the lower bound is proved but may "
                "be improved by more iterations."
            )
    return normalised(V[:, np.argsort(-values, kind="stable")].astype(np.float64))


def _hopeful(q: float, values: np.ndarray, gains: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Mask of the starts that could still overtake the best one.

    The gains of a linearly convergent sequence decrease by a constant factor. A start is kept if its value plus three
    times the estimated sum of its further gains reaches the best value. For q < 2 this estimate is unreliable
    (measured: half of the best maxima were lost), so every start is kept.
    """
    if q < 2:
        return np.ones(len(values), dtype=bool)
    factor = np.clip(gains / np.maximum(before, 1e-300), 0, 0.95)
    return values + 3 * np.maximum(gains, 0) * factor / (1 - factor) >= values.max() * (1 - 1e-9)


def _distinct(V: np.ndarray, values: np.ndarray, hopeful: np.ndarray) -> np.ndarray:
    """Indices of the hopeful columns, best first, without copies of a better column."""
    order = [index for index in np.argsort(-values).tolist() if hopeful[index]]
    overlaps = (V[:, order].T @ V[:, order]).astype(np.float64) ** 2
    kept: list[int] = []
    for position in range(len(order)):
        if not kept or (overlaps[position, kept] < 1 - _SAME).all():
            kept.append(position)
    return np.array(order)[kept]


def _standard_starts(
    rows: Rows, q: float, count: int, rng: np.random.Generator, deadline: float = math.inf
) -> np.ndarray:
    n, d = rows.shape
    columns = [rng.standard_normal((d, count))]
    quarter = min(count // 4, n)
    if quarter:
        columns.insert(0, _longest_rows(rows, quarter))
    if quarter and d <= LARGEST_DIMENSION and has_time(2.0 * n * d * d + EIGEN * d**3, deadline):
        with np.errstate(under="ignore", divide="ignore"):
            weights = np.where(rows.norms > 0, rows.norms ** max(q - 2, 0), 0)
            moments = second_moments(rows, weights)
        with product_threads(1 if d < SMALL else None):
            columns.insert(0, np.linalg.eigh(moments)[1][:, ::-1][:, :quarter])
    return np.hstack(columns)[:, :count]


def _longest_rows(rows: Rows, count: int) -> np.ndarray:
    chosen = np.argsort(-rows.norms, kind="stable")[:count]
    return rows.taken(chosen).T
