"""Scores of norms and penalties from held-out residuals, and the blend of several norms."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from scipy.optimize import nnls

from hypernorm.exceptions import InvalidInputError
from hypernorm.linear_model.folds import Fold
from hypernorm.linear_model.samples import BLOCK_ENTRIES, Samples

__all__ = ["blend_weights", "chosen_residuals", "scored", "squared_errors"]

Scorer = Callable[[np.ndarray, np.ndarray, np.ndarray], float]


def squared_errors(samples: Samples, folds: Iterable[Fold], norms: list[float], alphas: np.ndarray) -> np.ndarray:
    """Mean over the folds of the negative mean squared error, of shape (norms, alphas, k); larger is better.

    Raises
    ------
    InvalidInputError
        If no fold holds out a sample with weight, or if squares overflow.
    """
    parts = []
    for fold in folds:
        weights = _weights(samples, fold.held_out)
        total = np.zeros((len(norms), len(alphas), samples.y.shape[1]))
        for block in fold.blocks(norms, alphas):
            squares = np.square(block.residuals, out=block.residuals)
            sums = np.tensordot(weights[block.rows], squares, axes=(0, 0))
            total[block.norm, block.alphas] += sums
        parts.append(-total / weights.sum())
    return _mean(parts)


def scored(
    samples: Samples, folds: Iterable[Fold], norms: list[float], alphas: np.ndarray, score: Scorer
) -> np.ndarray:
    """Mean over the folds of a score of the predictions, of shape (norms, alphas).

    `score` takes held-out indices, targets and predictions.
    """
    parts = []
    for fold in folds:
        y = samples.y[fold.held_out]
        step = max(1, 4 * BLOCK_ENTRIES // (y.size * len(norms)))
        part = np.empty((len(norms), len(alphas)))
        for start in range(0, len(alphas), step):
            few = alphas[start : start + step]
            predictions = np.empty((len(norms), len(few), *y.shape))
            for block in fold.blocks(norms, few):
                values = y[block.rows, None, :] - block.residuals
                predictions[block.norm, block.alphas][:, block.rows] = values.transpose(1, 0, 2)
            for norm, alpha in np.ndindex(len(norms), len(few)):
                part[norm, start + alpha] = score(fold.held_out, y, predictions[norm, alpha])
        parts.append(part)
    return _mean(parts)


def _mean(parts: list[np.ndarray]) -> np.ndarray:
    if not parts:
        raise InvalidInputError("cv holds out no sample with weight; drop the samples with sample_weight 0.")
    mean = np.asarray(np.mean(parts, axis=0))
    if not np.isfinite(mean).any():
        raise InvalidInputError("the scores of all penalties overflow; divide y by its largest entry.")
    return mean


def chosen_residuals(
    samples: Samples, folds: Iterable[Fold], norms: list[float], alphas: np.ndarray, chosen: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Held-out residuals of each norm with its chosen penalty, of shape (held out, norms, k), and their weights.

    `chosen` has the index of the penalty for each norm and target.
    """
    few, places = np.unique(chosen, return_inverse=True)
    places = places.reshape(chosen.shape)
    found, weights = [], []
    for fold in folds:
        residuals = np.empty((len(fold.held_out), *chosen.shape))
        for block in fold.blocks(norms, alphas[few]):
            for index in range(block.residuals.shape[1]):
                targets = np.flatnonzero(places[block.norm] == block.alphas.start + index)
                residuals[block.rows[:, None], block.norm, targets] = block.residuals[:, index, targets]
        found.append(residuals)
        weights.append(_weights(samples, fold.held_out))
    return np.concatenate(found), np.concatenate(weights)


def blend_weights(residuals: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Non-negative weights of sum one that minimise the weighted squares of the blended residuals.

    With columns r_j, min ‖Σ x_j r_j‖² + (Σ x_j − 1)² over x ≥ 0 is attained at a multiple of the wanted weights: for
    x = t·w with Σ w = 1 the best t leaves ‖Rw‖²/(1 + ‖Rw‖²), which increases with ‖Rw‖.

    Parameters
    ----------
    residuals : ndarray of shape (rows, norms) or (rows, norms, k)
        With several targets, one blend for all of them.
    weights : ndarray of shape (rows,)

    Returns
    -------
    ndarray of shape (norms,)
    """
    norms = residuals.shape[1]
    columns = np.moveaxis(residuals * np.sqrt(weights).reshape(-1, *[1] * (residuals.ndim - 1)), 1, -1)
    R = np.asarray(np.linalg.qr(columns.reshape(-1, norms), mode="r"))
    size = float(np.abs(R).max(initial=0))
    if size == 0 or not np.isfinite(size):
        return np.full(norms, 1 / norms)
    found, _ = nnls(np.vstack([R / size, np.ones((1, norms))]), np.append(np.zeros(len(R)), 1.0))
    return np.asarray(found / found.sum())


def _weights(samples: Samples, held_out: np.ndarray) -> Any:
    """Sample weights, or the reciprocals of the variances."""
    if samples.covariance is not None:
        return 1 / np.diag(samples.covariance)[held_out]
    return np.ones(len(held_out)) if samples.weights is None else samples.weights[held_out]
