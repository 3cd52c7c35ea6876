"""The max norm γ₂ with proof: the weights and the factors come from the same singular value decompositions."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from hypernorm._arguments import check_time_limit, check_tolerance
from hypernorm._arithmetic import own_arithmetic
from hypernorm._validation import check_rows
from hypernorm._warnings import warn_caller
from hypernorm.certificates import MaxNormCertificate, weighted_matrix
from hypernorm.forms import Rows
from hypernorm.spectral.enclosure import Enclosure, enclosure
from hypernorm.spectral.singular_values import propose_singular_values, svd

__all__ = ["max_norm"]

_STEPS = 5000
_RELAXATION = 2.0
# Smaller weights lose the digits of the factors, larger ones some of the lower bound.
_LEAST_WEIGHT = 1e-12
_SMALLEST_VALUE = 1e-13


@own_arithmetic
def max_norm(A: Any, *, rtol: float = 1e-6, time_limit: float | None = None) -> Enclosure[MaxNormCertificate]:
    """A proved interval for the max norm γ₂ of a matrix.

    γ₂(A) is the least max_i ‖u_i‖ · max_j ‖v_j‖ over factorisations A = UVᵀ with rows u_i and v_j. It is the norm of
    the Schur multiplier with A, bounds the hereditary discrepancy of A up to logarithms, and is the error of the best
    matrix mechanism of differential privacy.

    Parameters
    ----------
    A : array_like, DataFrame or sparse matrix of shape (n, d)
    rtol : float, default 1e-6
        Relative gap at which the search ends.
    time_limit : float, optional
        Seconds after which the search ends; the proof follows.

    Returns
    -------
    Enclosure

    Raises
    ------
    InvalidInputError
        If an argument cannot be used.

    Warns
    -----
    ConvergenceWarning
        If the gap is larger than `rtol`. The interval is proved.

    See Also
    --------
    schatten_norm : The nuclear norm, by which γ₂ is bounded from below.

    Notes
    -----
    γ₂(A) is also the largest ‖Diag(√α) A Diag(√β)‖_* over distributions α on the rows and β on the columns. With the
    decomposition PΣQᵀ of this matrix, α and β move to the diagonals of PΣPᵀ and QΣQᵀ, and Diag(α)^{−1/2} P Σ^{1/2} and
    Diag(β)^{−1/2} Q Σ^{1/2} are factors of A.

    Both bounds are Theorem 6 of theory/unitarily_invariant_norms of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> found = hn.max_norm([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]])
    >>> found.lower <= 2 <= found.upper, found.gap < 1e-6
    (True, True)
    >>> hn.max_norm(np.triu(np.ones((16, 16)))).is_exact(1e-5)
    True
    """
    start = time.perf_counter()
    tolerance, limit = check_tolerance(rtol), check_time_limit(time_limit)
    rows = Rows.identified(check_rows(A, "A"))
    deadline = math.inf if limit is None else start + limit
    certificate = _proposed(rows, max(tolerance / 2, 1e-12), deadline)
    found = enclosure(certificate.prove(rows), certificate, time.perf_counter() - start)
    if not found.gap <= max(tolerance, 1e-9):
        warn_caller(f"max_norm ended with a gap of {found.gap:.2g}, above rtol={tolerance:g}; the interval is proved.")
    return found


def _proposed(rows: Rows, tolerance: float, deadline: float) -> MaxNormCertificate:
    n, d = rows.shape
    scaled = rows.block(0, n)
    kept_rows, kept_columns = (np.flatnonzero(np.abs(scaled).max(axis=axis) > 0) for axis in (1, 0))
    x, y = np.zeros(n), np.zeros(d)
    if rows.is_zero:
        x[0] = y[0] = 1.0
        left, right = np.zeros((n, 1)), np.zeros((d, 1))
    else:
        core = scaled[np.ix_(kept_rows, kept_columns)]
        alpha, beta, U, V = _solved(core, tolerance, deadline)
        x[kept_rows], y[kept_columns] = np.sqrt(alpha), np.sqrt(beta)
        left, right = np.zeros((n, U.shape[1])), np.zeros((d, U.shape[1]))
        left[kept_rows], right[kept_columns] = U, V
    return MaxNormCertificate(
        shape=rows.shape,
        fingerprint=rows.fingerprint,
        exponent=rows.exponent,
        rank=left.shape[1],
        left=left,
        right=right,
        row_weights=x,
        column_weights=y,
        singular=propose_singular_values(Rows(weighted_matrix(rows, x, y)[0])),
    )


def _solved(A: np.ndarray, tolerance: float, deadline: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """α, β, U and V; steps twice as long as those of the notes of `max_norm` while the nuclear norm grows."""
    n, d = A.shape
    own = svd(A)[1]
    rank = int(np.count_nonzero(own > _SMALLEST_VALUE * own[0]))
    alpha, beta, power, last = np.full(n, 1 / n), np.full(d, 1 / d), _RELAXATION, 0.0
    least = max(_LEAST_WEIGHT, tolerance / (20 * max(n, d)))
    for _ in range(_STEPS):
        P, values, Q = svd(np.sqrt(alpha)[:, None] * A * np.sqrt(beta))
        nuclear = float(values.sum())
        rows, columns = (P**2) @ values / nuclear, (Q**2) @ values / nuclear
        upper = nuclear * math.sqrt(float((rows / alpha).max()) * float((columns / beta).max()))
        if upper <= nuclear * (1 + tolerance) or time.perf_counter() > deadline:
            break
        power = power if nuclear >= last else 1.0
        last = nuclear
        alpha, beta = _step(alpha, rows, power, least), _step(beta, columns, power, least)
    # One factor from the decomposition, the other solves A = UVᵀ, so that small weights cost no digits of the product.
    roots = np.sqrt(values[:rank])
    if n >= d:
        V = Q[:, :rank] * roots / np.sqrt(beta)[:, None]
        return alpha, beta, np.linalg.lstsq(V, A.T, rcond=None)[0].T, V
    U = P[:, :rank] * roots / np.sqrt(alpha)[:, None]
    return alpha, beta, U, np.linalg.lstsq(U, A, rcond=None)[0].T


def _step(weights: np.ndarray, aims: np.ndarray, power: float, least: float) -> np.ndarray:
    moved = weights * (aims / weights) ** power
    moved = np.maximum(moved, least * moved.max())
    return np.asarray(moved / moved.sum())
