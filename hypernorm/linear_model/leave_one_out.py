"""Leave-one-out in closed form, from one decomposition.

With e_i the residual and h_i the leverage of sample i, ridge regression predicts it from the others with the error
e_i/(1 − h_i). Least squares times a factor (p = ∞) has a closed form too. Other norms use the formula of ridge
regression as an approximation, because deleting a row changes the singular vectors.

For wide samples U is complete, and with the biases b both numbers are sums without differences,
√w_i e_i = Σ_l b_l U_il u_l'y and 1 − h_i = Σ_l b_l U_il². At α = 0 both vanish if the other samples do not determine
the sample; the common factor α of b = α/s² cancels, and the limit is the shortest least-squares solution without it.
For n > d + 1 a difference 1 − h_i that lost its digits is not used: that sample is predicted by a decomposition without
it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hypernorm.exceptions import InvalidInputError
from hypernorm.linear_model.decomposition import Decomposition
from hypernorm.linear_model.samples import BLOCK_ENTRIES
from hypernorm.linear_model.shrinkage import biases, gains

__all__ = ["Block", "blocks_of_targets", "leave_one_out_blocks"]

# A leverage may be off by this times ε before the difference to one is formed.
_ROUNDING = 16 * float(np.finfo(np.float64).eps)
# Relative error of 1 − h_i that is accepted.
_LARGEST_ERROR = 1e-6
# With fewer than one part in so many of its length outside the row space, a sample counts as inside.
_ZERO, _DOUBTFUL = 1e-13, 1e-6


@dataclass(frozen=True)
class Block:
    """Held-out residuals y − ŷ of some rows, for some penalties of one norm.

    Attributes
    ----------
    rows : ndarray of int
    norm : int
        Index of the norm.
    alphas : slice
    residuals : ndarray of shape (rows, alphas, k)
    """

    rows: np.ndarray
    norm: int
    alphas: slice
    residuals: np.ndarray


Refit = Callable[[int, float, np.ndarray], np.ndarray]


def blocks_of_targets(
    coordinates: np.ndarray, factors: np.ndarray, projections: np.ndarray
) -> Iterator[tuple[slice, np.ndarray]]:
    """Products coordinates · diag(factors_a) · projections for slices of penalties, of shape (rows, penalties, k)."""
    rows, k = len(coordinates), projections.shape[1]
    step = max(1, BLOCK_ENTRIES // (max(rows, len(projections), 1) * k))
    for start in range(0, len(factors), step):
        part = factors[start : start + step]
        scaled = (part.T[:, :, None] * projections[:, None, :]).reshape(len(projections), len(part) * k)
        yield slice(start, start + len(part)), (coordinates @ scaled).reshape(rows, len(part), k)


def leave_one_out_blocks(
    decomposition: Decomposition, norms: Sequence[float], alphas: np.ndarray, refit: Refit
) -> Iterator[Block]:
    """Residuals of each sample with weight, predicted from all others.

    Parameters
    ----------
    decomposition : Decomposition
    norms : sequence of float
    alphas : ndarray of shape (a,)
    refit : callable
        Maps the index of a sample, a norm and penalties to its residuals, of shape (a, k), by a decomposition without
        the sample.

    Raises
    ------
    InvalidInputError
        If fewer than two samples have weight.
    """
    n = decomposition.centered.shape[0]
    if n < 2:
        raise InvalidInputError(f"leave-one-out needs at least two samples with weight, got n_samples={n}.")
    blocks = _wide_blocks if decomposition.U is not None else _tall_blocks
    for index, p in enumerate(norms):
        for rows, part, residuals, doubtful in blocks(decomposition, p, alphas):
            for row in doubtful.tolist():
                residuals[row] = refit(int(rows[row]), p, alphas[part])
            yield Block(rows, index, part, residuals)


Part = tuple[np.ndarray, slice, np.ndarray, np.ndarray]


def _shares(decomposition: Decomposition) -> np.ndarray:
    """w_i c_i²/S of the intercept column c, S = Σ w c²: the part of the leverage that is not the slopes'."""
    column = decomposition.centered.column
    total = float(column @ column)
    return column**2 / total if total else column


def _tall_blocks(decomposition: Decomposition, p: float, alphas: np.ndarray) -> Iterator[Part]:
    centered = decomposition.centered
    samples, y = centered.samples, centered.targets()
    squares, projections = decomposition.squares, decomposition.projections
    outside = 1 - _shares(decomposition)
    largest = float(squares.max(initial=0))
    is_spectral = math.isinf(p)
    path = gains(squares, np.zeros(1) if is_spectral else alphas, p)
    steepest = path[np.argmin(alphas) if not is_spectral else 0]
    for where, coordinates in decomposition.coordinates(samples.X, samples.intercept):
        rows = np.arange(where.start, where.stop)
        coordinates *= centered.roots[where, None]
        lengths = coordinates**2
        gaps = outside[where, None] - lengths @ path.T
        # First-order error of the leverage x'Mx with M = V diag(g) V': ε times the error of X'X or of X, and ‖Mx‖.
        reach = lengths @ steepest**2 * largest
        errors = _ROUNDING * (1 + (reach if decomposition.is_squared else np.sqrt(reach)))
        doubtful = np.flatnonzero(~(errors <= _LARGEST_ERROR * gaps.min(axis=1)))
        gaps[doubtful] = 1.0
        roots = centered.roots[where, None, None]
        for part, fitted in blocks_of_targets(coordinates, path, projections):
            residuals = np.subtract(y[where, None, :], fitted, out=fitted)
            residuals /= gaps[:, part, None] * roots
            if not is_spectral:
                yield rows, part, residuals, doubtful
                continue
            second = lengths @ path[0] ** 2
            traces = float(path[0].sum()) + second / gaps[:, 0]
            for full in _slices(len(alphas), len(rows) * y.shape[1]):
                yield rows, full, _spectral(decomposition, where, residuals[:, 0], traces, alphas[full]), doubtful


def _wide_blocks(decomposition: Decomposition, p: float, alphas: np.ndarray) -> Iterator[Part]:
    U = decomposition.U
    assert U is not None
    n, k = len(U), decomposition.projections.shape[1]
    for start in range(0, n, step := max(1, 2 * BLOCK_ENTRIES // n)):
        where = slice(start, min(start + step, n))
        rows = np.arange(where.start, where.stop)
        nobody = np.empty(0, dtype=int)
        if math.isinf(p):
            found, traces, doubtful = _least_squares(decomposition, U, where)
            for part in _slices(len(alphas), len(rows) * k):
                yield rows, part, _spectral(decomposition, where, found, traces, alphas[part]), doubtful
            continue
        single = [slice(index, index + 1) for index in range(len(alphas))]
        for part in single if (alphas == 0).any() else [slice(0, len(alphas))]:
            if (alphas[part] == 0).all():
                found, _, doubtful = _least_squares(decomposition, U, where)
                yield rows, part, found[:, None, :], doubtful
                continue
            bias = biases(decomposition.squares, alphas[part], p)
            block, roots = U[where], decomposition.centered.roots[where, None, None]
            gaps = block**2 @ bias.T
            for inner, residuals in blocks_of_targets(block, bias, decomposition.projections):
                residuals /= gaps[:, inner, None] * roots
                yield rows, slice(part.start + inner.start, part.start + inner.stop), residuals, nobody


def _least_squares(
    decomposition: Decomposition, U: np.ndarray, where: slice
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Residuals of shape (rows, k), Σ s^{-2} without each sample, and samples for which the rank is in doubt.

    `a` is the squared length of a sample's unit vector outside the column space; zero at leverage one. There, X without
    the sample loses the direction (X'X)⁻¹x, and the trace of the pseudo-inverse decreases.
    """
    squares, projections = decomposition.squares, decomposition.projections
    block = U[where]
    null = squares == 0
    inverse = np.where(null, 0.0, 1 / np.where(null, 1.0, squares))
    a = np.sum(block[:, null] ** 2, axis=1)
    lengths = block**2
    second = lengths @ inverse
    lone = a < _ZERO
    gaps = np.where(lone, second, a)
    weights = np.where(lone[:, None], inverse, null)
    residuals = (block * weights) @ projections / gaps[:, None]
    changes = np.where(lone, -(lengths @ inverse**2), second) / gaps
    doubtful = np.flatnonzero((a >= _ZERO) & (a < _DOUBTFUL))
    return residuals / decomposition.centered.roots[where, None], inverse.sum() + changes, doubtful


def _spectral(
    decomposition: Decomposition, where: slice, residuals: np.ndarray, traces: np.ndarray, alphas: np.ndarray
) -> np.ndarray:
    """Residuals of (1 − C) times least squares, from those of least squares and Σ s^{-2}, both without the sample."""
    centered = decomposition.centered
    column = alphas[None, :]
    factors = np.where(column > 0, np.minimum(1 / (column * traces[:, None]), 1), 1.0)[:, :, None]
    # The mean of the others leaves the residual of the sample from the mean of all, times S/(S − w c²).
    from_mean = centered.targets()[where] / (centered.roots[where] * (1 - _shares(decomposition)[where]))[:, None]
    return (1 - factors) * from_mean[:, None, :] + factors * residuals[:, None, :]


def _slices(size: int, entries: int) -> Iterator[slice]:
    step = max(1, BLOCK_ENTRIES // max(entries, 1))
    for start in range(0, size, step):
        yield slice(start, min(start + step, size))
