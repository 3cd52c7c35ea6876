"""Lanczos' process: the part of a decomposition that determines the coefficients, from products with X alone.

The coefficients are β = f(G) c with G = X_cᵀX_c, c = X_cᵀy_c and f(s_i²) = (1 − b_i)/s_i². Lanczos' process started
from c spans the Krylov space of G and c; with its Ritz pairs in place of the eigenpairs the same formula gives the best
approximation of f(G) c from that space up to a factor, for every penalty and norm at once (Saad 1992; for ridge
regression it is the conjugate gradient method). The process stops when the wanted coefficients no longer change. For
p > 1 the error decreases geometrically with the number of products. For p = 1 the filter has a kink; inside a dense
spectrum the error then decreases like the inverse square of that number (2e-4 after 300 products with random sparse
samples).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from hypernorm._warnings import warn_caller
from hypernorm.bounds.lanczos import Lanczos

__all__ = ["RitzPairs", "ritz_pairs"]

_TOLERANCE = 1e-8
_LARGEST_SPACE = 500
_CHECK_EVERY = 10
# A vector shorter than this, relative to the first vector of the process, consists of rounding errors.
_EXHAUSTED = 1e-13


class RitzPairs(NamedTuple):
    """Ritz vectors V of shape (d, r), squares of shape (r,) and VᵀX_cᵀy_c of shape (r, k)."""

    V: np.ndarray
    squares: np.ndarray
    projections: np.ndarray


def ritz_pairs(
    gram: Callable[[np.ndarray], np.ndarray], moments: np.ndarray, wanted_factors: Callable[[np.ndarray], np.ndarray]
) -> RitzPairs:
    """Ritz pairs that determine the coefficients of every target to about eight digits.

    Parameters
    ----------
    gram : callable
        The product of G with a vector of shape (d,).
    moments : ndarray of shape (d, k)
        c for each target; each target has its own process.
    wanted_factors : callable
        Maps squares of shape (r,) to the filter factors 1 − b_i, of shape (penalties, r).

    Warns
    -----
    ConvergenceWarning
        If the coefficients have not converged in a space of 500 dimensions.
    """
    parts = [_process(gram, moments[:, target], wanted_factors) for target in range(moments.shape[1])]
    projections = np.zeros((sum(len(part.squares) for part in parts), moments.shape[1]))
    start = 0
    for target, part in enumerate(parts):
        projections[start : start + len(part.squares), target] = part.projections[:, 0]
        start += len(part.squares)
    return RitzPairs(
        np.hstack([part.V for part in parts]), np.concatenate([part.squares for part in parts]), projections
    )


def _process(
    gram: Callable[[np.ndarray], np.ndarray], b: np.ndarray, wanted_factors: Callable[[np.ndarray], np.ndarray]
) -> RitzPairs:
    d, size = len(b), float(np.linalg.norm(b))
    if size == 0:
        return RitzPairs(np.empty((d, 0)), np.empty(0), np.empty((0, 1)))
    limit = min(d, _LARGEST_SPACE)
    process = Lanczos(b)
    before = np.zeros((1, 0))
    while True:
        process.advance(gram(process.newest))
        steps = len(process)
        exhausted = process.last <= _EXHAUSTED * max(process.diagonal) or steps == limit
        if not (exhausted or steps % _CHECK_EVERY == 0):
            continue
        squares, S = process.ritz()
        kept = squares > d * np.finfo(np.float64).eps * squares[-1]
        squares, S = squares[kept], S[:, kept]
        coordinates = (wanted_factors(squares) / squares * S[0]) @ S.T
        change = coordinates.copy()
        change[:, : before.shape[1]] -= before
        moved = float((np.linalg.norm(change, axis=1) / np.linalg.norm(coordinates, axis=1)).max())
        if exhausted or moved <= _TOLERANCE:
            if steps == limit < d and moved > _TOLERANCE:
                warn_caller(
                    f"The coefficients still changed by {moved:.0e} (relative) in the last of {steps} products with X; "
                    "use a larger alpha or p, or solver='gram' if the Gram matrix fits in memory."
                )
            return RitzPairs(process.combined(S), squares, size * S[:1].T)
        before = coordinates
