"""Held-out residuals of folds, with one decomposition per training set for every norm, penalty and target."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from hypernorm.exceptions import InvalidInputError
from hypernorm.linear_model.correlated import correlated_blocks
from hypernorm.linear_model.decomposition import PATH_ERROR, Decomposition, Wanted, decompose
from hypernorm.linear_model.leave_one_out import Block, blocks_of_targets, leave_one_out_blocks
from hypernorm.linear_model.samples import Samples
from hypernorm.linear_model.shrinkage import gains

__all__ = ["Fold", "closed_form", "one_by_one", "split"]


@dataclass(frozen=True)
class Fold:
    """Held-out samples, and their residuals for norms and penalties.

    Attributes
    ----------
    held_out : ndarray of int
        Indices of the held-out samples with weight.
    blocks : callable
        Yields the residuals for norms and penalties as `Block`; rows are counted among the held-out samples.
    """

    held_out: np.ndarray
    blocks: Callable[[list[float], np.ndarray], Iterator[Block]]


def closed_form(samples: Samples, decomposition: Decomposition, solver: str) -> Iterator[Fold]:
    """Leave-one-out by the formula of `leave_one_out_blocks`, as a single fold."""
    held_out = np.arange(len(samples.y)) if samples.weights is None else np.flatnonzero(samples.weights)
    kept = samples.subset(held_out)

    def refit(index: int, p: float, alphas: np.ndarray) -> np.ndarray:
        others = np.delete(np.arange(len(held_out)), index)
        (block,) = _residuals(kept, others, np.array([index]), [p], alphas, "auto" if solver == "gram" else solver)
        return block.residuals[0]

    def blocks(norms: list[float], alphas: np.ndarray) -> Iterator[Block]:
        if samples.covariance is None:
            return leave_one_out_blocks(decomposition, norms, alphas, refit)
        return correlated_blocks(samples, decomposition, norms, alphas, refit)

    yield Fold(held_out, blocks)


def one_by_one(samples: Samples, solver: str) -> Iterator[Fold]:
    """Leave-one-out by a decomposition without each sample, as a single fold."""
    held_out = np.arange(len(samples.y)) if samples.weights is None else np.flatnonzero(samples.weights)
    if len(held_out) < 2:
        raise InvalidInputError(f"leave-one-out needs at least two samples with weight, got n_samples={len(held_out)}.")

    def blocks(norms: list[float], alphas: np.ndarray) -> Iterator[Block]:
        for row, index in enumerate(held_out):
            for block in _residuals(samples, np.delete(held_out, row), np.array([index]), norms, alphas, solver):
                yield Block(np.array([row]), block.norm, block.alphas, block.residuals)

    yield Fold(held_out, blocks)


def split(samples: Samples, parts: Iterable[tuple[np.ndarray, np.ndarray]], solver: str) -> Iterator[Fold]:
    """The folds of a splitter; those that hold out no weight are left out.

    Raises
    ------
    InvalidInputError
        If the training samples of a fold have no weight.
    """
    for train, held_out in parts:
        if samples.weights is not None:
            if not samples.weights[train].any():
                raise InvalidInputError(
                    "cv has a fold whose training samples all have sample_weight 0; drop these samples, or shuffle, "
                    "e.g. cv=KFold(5, shuffle=True)."
                )
            held_out = np.arange(len(samples.y))[held_out]
            held_out = held_out[samples.weights[held_out] > 0]
        if len(held_out):
            yield Fold(held_out, _of_fold(samples, train, held_out, solver))


def _of_fold(
    samples: Samples, train: np.ndarray, held_out: np.ndarray, solver: str
) -> Callable[[list[float], np.ndarray], Iterator[Block]]:
    return lambda norms, alphas: _residuals(samples, train, held_out, norms, alphas, solver)


def _residuals(
    samples: Samples, train: np.ndarray, held_out: np.ndarray, norms: list[float], alphas: np.ndarray, solver: str
) -> Iterator[Block]:
    decomposition = decompose(
        samples.subset(train), solver, Wanted(norms, lambda largest: alphas, largest_error=PATH_ERROR)
    )
    paths = [gains(decomposition.squares, alphas, p) for p in norms]
    rest = samples.subset(held_out)
    y = rest.y
    if rest.intercept is not None:
        y = y - np.outer(rest.intercept, decomposition.centered.y_center)
    for where, coordinates in decomposition.coordinates(rest.X, rest.intercept):
        rows = np.arange(where.start, where.stop)
        for index, path in enumerate(paths):
            for part, fitted in blocks_of_targets(coordinates, path, decomposition.projections):
                yield Block(rows, index, part, np.subtract(y[where, None, :], fitted, out=fitted))
