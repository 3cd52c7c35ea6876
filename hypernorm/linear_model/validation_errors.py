"""Predictions for held-out samples, for all penalties and norms at once: K-fold and leave-one-out.

The decomposition of a training set serves every penalty: with Z = X_val V the predictions are Z times the kept shares
times the coefficients, one product for a whole path.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from hypernorm.linear_model.decomposition import Decomposition, Samples, decompose, dense_rows
from hypernorm.linear_model.shrinkage import kept_shares

__all__ = ["fold_predictions", "has_exact_leave_one_out", "leave_one_out_predictions", "wanted_shares"]


def has_exact_leave_one_out(p: float, n: int, d: int) -> bool:
    """Whether the closed form of `leave_one_out_predictions` is exact: ridge, and the spectral norm for n > d + 1."""
    return p == 2 or (math.isinf(p) and n > d + 1)


def wanted_shares(
    norms: Sequence[float], penalties: Callable[[np.ndarray], np.ndarray]
) -> Callable[[np.ndarray], np.ndarray] | None:
    """From squares the shares of all norms and penalties; None if one of them depends on all squares."""
    if any(math.isinf(p) for p in norms):
        return None
    return lambda squares: np.vstack([kept_shares(squares, penalties(squares), p) for p in norms])


def fold_predictions(
    samples: Samples,
    folds: Iterable[tuple[np.ndarray, np.ndarray]],
    norms: Sequence[float],
    alphas: np.ndarray,
    solver: str,
) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    """For each fold the indices of the held-out samples and their predictions, of shape (norms, alphas, n_val, k)."""
    for train, held_out in folds:
        decomposition = decompose(samples.subset(train), solver, wanted_shares(norms, lambda squares: alphas))
        rows = dense_rows(samples.X[held_out])
        yield held_out, _path(decomposition, rows, norms, alphas)


def _path(decomposition: Decomposition, rows: np.ndarray, norms: Sequence[float], alphas: np.ndarray) -> np.ndarray:
    squares, k = decomposition.squares, decomposition.projections.shape[1]
    kept = np.array([kept_shares(squares, alphas, p) for p in norms])
    directions = (rows - decomposition.X_center) @ decomposition.V / squares
    result = np.empty((*kept.shape[:2], len(rows), k))
    for target in range(k):
        scaled = directions * decomposition.projections[:, target]
        result[..., target] = kept @ scaled.T + decomposition.y_center[target]
    return result


def leave_one_out_predictions(
    samples: Samples, decomposition: Decomposition, p: float, alphas: np.ndarray
) -> np.ndarray:
    """Predictions of each sample from all others, of shape (alphas, n, k).

    Exact for ridge regression, y_i − e_i/(1 − h_i), and for the spectral norm if n > d + 1: with the least-squares
    prediction p_i = y_i − e_i/(1 − h_i) and the mean ȳ₋ᵢ of the others it is ȳ₋ᵢ + (1 − C₋ᵢ)(p_i − ȳ₋ᵢ), where C₋ᵢ
    follows from α and Σ s^{-2} = tr(XᵀX)⁻¹ without the sample, by a rank-one update. For other norms, where a deleted
    row turns the singular vectors, the first formula is an approximation.
    """
    y, weights = samples.y, np.ones(len(samples.y)) if samples.weights is None else samples.weights
    centred = dense_rows(samples.X) - (0 if samples.intercept is None else decomposition.X_center)
    Z = centred @ decomposition.V / np.sqrt(decomposition.squares)  # rows of U over the roots of the weights
    base = np.zeros(len(y)) if samples.intercept is None else np.ones(len(y)) / weights.sum()
    coefficients = decomposition.projections / np.sqrt(decomposition.squares)[:, None]

    lengths = Z**2

    def shortcut(kept: np.ndarray) -> np.ndarray:
        """The first formula for the shares of each penalty, all in one product for every target."""
        leverages = weights * (base + kept @ lengths.T)
        fitted = np.stack([kept @ (Z * column).T for column in coefficients.T], axis=2) + decomposition.y_center
        return np.asarray(y - (y - fitted) / (1 - leverages)[:, :, None])

    if not math.isinf(p):
        return shortcut(kept_shares(decomposition.squares, alphas, p))
    others = shortcut(np.ones((1, len(decomposition.squares))))[0]
    total = weights.sum()
    means = decomposition.y_center - (weights / (total - weights))[:, None] * (y - decomposition.y_center)
    means = np.zeros_like(y) if samples.intercept is None else means
    # (G − w x xᵀ)⁻¹ has the trace tr G⁻¹ + w‖G⁻¹x‖²/(1 − w xᵀG⁻¹x); deleting a row moves the centre along with it.
    scale = weights if samples.intercept is None else weights * total / (total - weights)
    inverse_squares = 1 / decomposition.squares
    traces = inverse_squares.sum() + scale * (lengths @ inverse_squares) / (1 - scale * lengths.sum(axis=1))
    shares = [np.minimum(1 / (alpha * traces), 1) if alpha > 0 else np.ones(len(y)) for alpha in alphas]
    return np.array([means + share[:, None] * (others - means) for share in shares])
