"""Predictions for held-out samples for all penalties and norms at once: K-fold and leave-one-out.

One decomposition of a training set serves every penalty. With Z = X_val V the predictions are Z times the filter
factors times the coefficients: one matrix product for all penalties.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from hypernorm._validation import as_dense
from hypernorm.exceptions import InvalidInputError
from hypernorm.linear_model.decomposition import Decomposition, Samples, decompose
from hypernorm.linear_model.shrinkage import biases, filter_factors

__all__ = ["fold_predictions", "has_exact_leave_one_out", "leave_one_out_predictions", "wanted_filter_factors"]


# Rounding error of one minus a leverage, per singular direction and in units of the condition number; and its cap.
_ROUNDING, _LARGEST_ROUNDING = 2 * np.finfo(np.float64).eps, 1e-7
_NEARLY_ONE = 1e-4


def has_exact_leave_one_out(p: float, n: int, d: int) -> bool:
    """Whether the closed form of `leave_one_out_predictions` is exact: ridge, and the spectral norm for n > d + 1."""
    return p == 2 or (math.isinf(p) and n > d + 1)


def wanted_filter_factors(
    norms: Sequence[float], penalties: Callable[[np.ndarray], np.ndarray]
) -> Callable[[np.ndarray], np.ndarray] | None:
    """Function that maps squares to the filter factors of all norms and penalties; None if p = ∞ is among the norms.

    For p = ∞ a factor depends on all squares, which Lanczos' process does not find.
    """
    if any(math.isinf(p) for p in norms):
        return None
    return lambda squares: np.vstack([filter_factors(squares, penalties(squares), p) for p in norms])


def fold_predictions(
    samples: Samples,
    folds: Iterable[tuple[np.ndarray, np.ndarray]],
    norms: Sequence[float],
    alphas: np.ndarray,
    solver: str,
) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    """Yield for each fold the held-out indices and their predictions, of shape (norms, alphas, n_val, k)."""
    for train, held_out in folds:
        part = samples.subset(train)
        if part.weights is not None and not part.weights.any():
            raise InvalidInputError(
                "cv has a fold whose training samples all have sample_weight 0; drop these samples, or shuffle, "
                "e.g. cv=KFold(5, shuffle=True)."
            )
        decomposition = decompose(part, solver, wanted_filter_factors(norms, lambda squares: alphas))
        rows = as_dense(samples.X[held_out])
        yield held_out, _path(decomposition, rows, norms, alphas)


def _path(decomposition: Decomposition, rows: np.ndarray, norms: Sequence[float], alphas: np.ndarray) -> np.ndarray:
    squares, k = decomposition.squares, decomposition.projections.shape[1]
    factors = np.array([filter_factors(squares, alphas, p) for p in norms])
    directions = (rows - decomposition.X_center) @ decomposition.V / squares
    result = np.empty((*factors.shape[:2], len(rows), k))
    for target in range(k):
        scaled = directions * decomposition.projections[:, target]
        result[..., target] = factors @ scaled.T + decomposition.y_center[target]
    return result


def leave_one_out_predictions(
    samples: Samples, decomposition: Decomposition, p: float, alphas: np.ndarray
) -> np.ndarray:
    """Predictions of each sample from all others, of shape (alphas, n, k).

    For ridge regression the prediction y_i − e_i/(1 − h_i) is exact. For the spectral norm and n > d + 1 the prediction
    ȳ₋ᵢ + (1 − C₋ᵢ)(p_i − ȳ₋ᵢ) is exact: p_i = y_i − e_i/(1 − h_i) is the least-squares prediction, ȳ₋ᵢ the mean of the
    others, and C₋ᵢ follows from α and Σ s^{-2} = tr(XᵀX)⁺ without the sample, by a rank-one update. For other norms the
    first formula is an approximation, because deleting a row changes the singular vectors.

    A sample of leverage one is not determined by the others; for least squares it has e_i = 1 − h_i = 0. Both numbers
    are computed as sums over the biases b of the singular directions, not as differences. If both are zero, the limit
    of small penalties is used, with b proportional to s^{-2}; it is the shortest solution without the sample.

    Raises
    ------
    InvalidInputError
        If fewer than two samples have weight.
    """
    y, weights = samples.y, np.ones(len(samples.y)) if samples.weights is None else samples.weights
    if (count := np.count_nonzero(weights)) < 2:
        raise InvalidInputError(f"leave-one-out needs at least two samples with weight, got n_samples={count}.")
    squares = decomposition.squares
    centered = as_dense(samples.X) - (0 if samples.intercept is None else decomposition.X_center)
    Z = centered @ decomposition.V / np.sqrt(squares)  # rows of U divided by the roots of the weights
    coefficients = decomposition.projections / np.sqrt(squares)[:, None]
    lengths = Z**2
    outside, rest, doubtful = _outside(samples, decomposition, Z, coefficients)
    # `lost` is zero if the sample equals the mean; the limit is then zero.
    lost = weights * (lengths @ (1 / squares))
    limits = Z @ (coefficients / squares[:, None]) / np.where(lost > 0, lost, 1)[:, None]

    def shortcut(bias: np.ndarray) -> np.ndarray:
        """The formula of ridge regression, y_i − e_i/(1 − h_i), for the biases of each penalty."""
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
    # tr (G − w x xᵀ)⁻¹ = tr G⁻¹ + w‖G⁻¹x‖²/(1 − w xᵀG⁻¹x); `scale` includes that deleting a row moves the center.
    # If the denominator is zero, the matrix loses the direction G⁻¹x, and the trace of its pseudo-inverse decreases.
    scale = weights if samples.intercept is None else weights * total / (total - weights)
    inverse_squares = 1 / squares
    second = lengths @ inverse_squares
    alone = outside == 0
    left = np.where(alone, 1.0, outside if samples.intercept is None else outside * total / (total - weights))
    falls = -(lengths @ inverse_squares**2) / np.where(second > 0, second, 1)
    changes = np.where(alone, falls, scale * second / left)
    traces = inverse_squares.sum() + changes
    factors = [np.minimum(1 / (alpha * traces), 1) if alpha > 0 else np.ones(len(y)) for alpha in alphas]
    predictions = np.array([means + factor[:, None] * (others - means) for factor in factors])
    return _with_refits(samples, predictions, doubtful, p, alphas)


def _with_refits(
    samples: Samples, predictions: np.ndarray, doubtful: np.ndarray, p: float, alphas: np.ndarray
) -> np.ndarray:
    """The predictions, where each doubtful sample is predicted from a decomposition without it."""
    folds = ((np.delete(np.arange(len(samples.y)), index), np.array([index])) for index in doubtful.tolist())
    for held_out, found in fold_predictions(samples, folds, [p], alphas, "auto"):
        predictions[:, held_out] = found[0]
    return predictions


def _outside(
    samples: Samples, decomposition: Decomposition, Z: np.ndarray, coefficients: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One minus the leverage of each sample in least squares, its residual, and the indices of doubtful samples.

    The first two are zero if the leverage is one. A sample is doubtful if one minus its leverage is at the level of
    rounding, so that the leverage may be one, unless the columns span the whole space.

    With I − H the projection onto the orthogonal complement of the columns, the two numbers are ‖(I − H)e_i‖² and the
    entry of (I − H)y. A small value of the first is computed as this sum of squares, since the difference would lose
    its digits.
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
