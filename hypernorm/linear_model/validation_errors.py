"""Predictions for held-out samples, for all penalties and norms at once: K-fold and leave-one-out.

The decomposition of a training set serves every penalty: with Z = X_val V the predictions are Z times the kept shares
times the coefficients, one product for a whole path.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from hypernorm._validation import as_dense
from hypernorm.exceptions import InvalidInputError
from hypernorm.linear_model.decomposition import Decomposition, Samples, decompose
from hypernorm.linear_model.shrinkage import biases, kept_shares

__all__ = ["fold_predictions", "has_exact_leave_one_out", "leave_one_out_predictions", "wanted_shares"]


# One minus a leverage below this, for each singular direction and times the condition number, is rounding.
_ROUNDING, _LARGEST_ROUNDING = 2 * np.finfo(np.float64).eps, 1e-7
_NEARLY_ONE = 1e-4


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
        part = samples.subset(train)
        if part.weights is not None and not part.weights.any():
            raise InvalidInputError(
                "cv has a fold whose training samples all have sample_weight 0; leave these samples out, or shuffle, "
                "e.g. cv=KFold(5, shuffle=True)."
            )
        decomposition = decompose(part, solver, wanted_shares(norms, lambda squares: alphas))
        rows = as_dense(samples.X[held_out])
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
    follows from α and Σ s^{-2} = tr(XᵀX)⁺ without the sample, by a rank-one update. For other norms, where a deleted
    row turns the singular vectors, the first formula is an approximation.

    A sample of leverage one, which the others do not determine, has e_i = 1 − h_i = 0 for least squares. Both are
    summed up from the biases b of the singular directions instead of being formed as differences; where they vanish, b
    is in proportion to s^{-2} as for small penalties, which gives the shortest solution without the sample.

    Raises
    ------
    InvalidInputError
        If fewer than two samples have weight.
    """
    y, weights = samples.y, np.ones(len(samples.y)) if samples.weights is None else samples.weights
    if (count := np.count_nonzero(weights)) < 2:
        raise InvalidInputError(f"Leave-one-out needs at least two samples with weight, got n_samples={count}.")
    squares = decomposition.squares
    centred = as_dense(samples.X) - (0 if samples.intercept is None else decomposition.X_center)
    Z = centred @ decomposition.V / np.sqrt(squares)  # rows of U over the roots of the weights
    coefficients = decomposition.projections / np.sqrt(squares)[:, None]
    lengths = Z**2
    outside, rest, doubtful = _outside(samples, decomposition, Z, coefficients)
    # With its mean alone a fit without the sample has no slope at all.
    lost = weights * (lengths @ (1 / squares))
    limits = Z @ (coefficients / squares[:, None]) / np.where(lost > 0, lost, 1)[:, None]

    def shortcut(bias: np.ndarray) -> np.ndarray:
        """The first formula for the biases of each penalty."""
        gaps = outside + weights * (bias @ lengths.T)
        residuals = rest + np.stack([bias @ (Z * column).T for column in coefficients.T], axis=2)
        vanished = (gaps == 0)[:, :, None]
        return np.asarray(y - np.where(vanished, limits, residuals / np.where(vanished, 1, gaps[:, :, None])))

    if not math.isinf(p):
        return _with_refits(samples, shortcut(biases(squares, alphas, p)), doubtful, p, alphas)
    others = shortcut(np.zeros((1, len(squares))))[0]
    total = weights.sum()
    means = decomposition.y_center - (weights / (total - weights))[:, None] * (y - decomposition.y_center)
    means = np.zeros_like(y) if samples.intercept is None else means
    # (G − w x xᵀ)⁻¹ has the trace tr G⁻¹ + w‖G⁻¹x‖²/(1 − w xᵀG⁻¹x); deleting a row moves the centre along with it.
    # Where the denominator is zero, G⁻¹x is what the matrix loses, and the trace of its pseudo-inverse falls.
    scale = weights if samples.intercept is None else weights * total / (total - weights)
    inverse_squares = 1 / squares
    second = lengths @ inverse_squares
    alone = outside == 0
    left = np.where(alone, 1.0, outside if samples.intercept is None else outside * total / (total - weights))
    falls = -(lengths @ inverse_squares**2) / np.where(second > 0, second, 1)
    changes = np.where(alone, falls, scale * second / left)
    traces = inverse_squares.sum() + changes
    shares = [np.minimum(1 / (alpha * traces), 1) if alpha > 0 else np.ones(len(y)) for alpha in alphas]
    predictions = np.array([means + share[:, None] * (others - means) for share in shares])
    return _with_refits(samples, predictions, doubtful, p, alphas)


def _with_refits(
    samples: Samples, predictions: np.ndarray, doubtful: np.ndarray, p: float, alphas: np.ndarray
) -> np.ndarray:
    """The predictions, those of doubtful samples by a decomposition without each of them."""
    folds = ((np.delete(np.arange(len(samples.y)), index), np.array([index])) for index in doubtful.tolist())
    for held_out, found in fold_predictions(samples, folds, [p], alphas, "auto"):
        predictions[:, held_out] = found[0]
    return predictions


def _outside(
    samples: Samples, decomposition: Decomposition, Z: np.ndarray, coefficients: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One minus the leverage of each sample in least squares, and its residual; zero where the leverage is one.

    Whether a leverage is one cannot be told from one minus it where that is rounding, unless the columns span
    everything; such samples are returned as doubtful.

    With I − H the projection on what the columns do not span, they are ‖(I − H)e_i‖² and the entry of (I − H)y. As a
    difference the first loses its digits when it is small, so that there it is summed up as a square.
    """
    n, rank = Z.shape
    weights = np.ones(n) if samples.weights is None else samples.weights
    base = np.zeros(n) if samples.intercept is None else np.ones(n) / weights.sum()
    y = samples.y - decomposition.y_center
    outside = 1 - weights * (base + np.sum(Z**2, axis=1))
    rest = y - Z @ coefficients
    squares = decomposition.squares
    alone, doubtful = weights > 0, np.zeros(n, dtype=bool)
    if rank + (samples.intercept is not None) < np.count_nonzero(weights):
        condition = math.sqrt(squares.max(initial=1) / squares.min(initial=squares.max(initial=1)))
        doubtful = alone & (outside <= min(_ROUNDING * (rank + 8) * condition, _LARGEST_ROUNDING))
        alone = doubtful
    near = np.flatnonzero(~alone & (outside < _NEARLY_ONE))
    if near.size:
        roots = np.sqrt(weights)[:, None]
        Q = np.linalg.qr(np.column_stack([roots * np.sqrt(base)[:, None], roots * Z]) if base.any() else roots * Z)[0]
        projected = -Q @ Q[near].T
        projected[near, np.arange(near.size)] += 1
        outside[near], rest[near] = np.sum(projected**2, axis=0), projected.T @ (roots * y) / roots[near]
    outside[alone], rest[alone] = 0.0, 0.0
    return outside, rest, np.flatnonzero(doubtful)
