"""Search for the atoms: random starts, or a given one, on the Stiefel manifold, or on the sphere for one atom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hypernorm.dictionary.significance import SIGNIFICANT, significance
from hypernorm.dictionary.stiefel import (
    Ascent,
    ascend,
    ascend_kurtosis,
    normalised_rows,
    polar_rows,
    random_orthonormal_rows,
)
from hypernorm.dictionary.whitening import Whitening
from hypernorm.exceptions import InvalidInputError
from hypernorm.forms import Rows

__all__ = ["Search", "given_start"]

_RESTARTS = 4
_MOST_STARTS = 256
# A start whose rows are this close to dependent, relative to the largest singular value, does not give every atom.
_DEPENDENT = 1e-10


@dataclass(frozen=True)
class Search:
    """What every start of a search has in common.

    Attributes
    ----------
    samples : Rows
        Centered if the whitening centers.
    whitening : Whitening
    weights : ndarray of shape (r,) or None
        Weights of the samples; None if equal to one.
    center, whiten : bool
        What `whitening` does.
    n_init : int or 'auto'
    tol : float
    max_iter : int
    start : ndarray of shape (m, k) or None
        Orthonormal rows, the only start; None for random ones.
    rng : numpy.random.Generator
    """

    samples: Rows
    whitening: Whitening
    weights: np.ndarray | None
    center: bool
    whiten: bool
    n_init: int | str
    tol: float
    max_iter: int
    start: np.ndarray | None
    rng: np.random.Generator

    @property
    def n_samples(self) -> float:
        """Number of samples, each counted as often as its weight says."""
        return float(self.samples.shape[0] if self.weights is None else self.weights.sum())

    def power(self, p: float, m: int, start: np.ndarray | None = None) -> Ascent:
        """The best maximum of the ℓp norm that the starts, or the given one, lead to."""
        if m == 1:
            return self._sphere(p)
        best: Ascent | None = None
        for W in self._starts(m) if start is None else [start]:
            found = ascend(
                self.samples,
                self.whitening.K,
                p,
                W,
                polar_rows,
                tol=self.tol,
                max_iter=self.max_iter,
                weights=self.weights,
            )
            if best is None or found.values.sum() > best.values.sum():
                best = found
            insignificant = significance(best, self.whitening, p, self.n_samples) < SIGNIFICANT
            if self.n_init == "auto" and not 0 < insignificant.mean() < 0.5:
                break
        assert best is not None
        return best

    def kurtosis(self, m: int) -> Ascent:
        """An extremum of the signed fourth moments, from one start."""
        start = next(self._starts(m))
        return ascend_kurtosis(
            self.samples, self.whitening.K, start, tol=self.tol, max_iter=self.max_iter, weights=self.weights
        )

    def rotation(self, m: int) -> np.ndarray:
        """A random orthogonal matrix of order m."""
        return random_orthonormal_rows(m, m, self.rng)

    def _starts(self, m: int) -> Iterator[np.ndarray]:
        if self.start is not None:
            yield self.start
            return
        for _ in range(1 + _RESTARTS if self.n_init == "auto" else int(self.n_init)):
            yield random_orthonormal_rows(m, self.whitening.rank, self.rng)

    def _sphere(self, p: float) -> Ascent:
        """The best of many starts, iterated together; every atom of the dictionary is a local maximum."""
        starts = self.start
        if starts is None:
            count = min(2 * self.whitening.rank, _MOST_STARTS) if self.n_init == "auto" else int(self.n_init)
            starts = normalised_rows(self.rng.standard_normal((count, self.whitening.rank)))
        found = ascend(
            self.samples,
            self.whitening.K,
            p,
            starts,
            normalised_rows,
            tol=self.tol,
            max_iter=self.max_iter,
            weights=self.weights,
        )
        best = [int(np.argmax(found.values))]
        return Ascent(found.W[best], found.values[best], found.n_iter, found.change)


def given_start(unmixing: np.ndarray, whitening: Whitening) -> np.ndarray:
    """The orthonormal rows nearest to rows that extract codes, in whitened coordinates.

    Raises
    ------
    InvalidInputError
        If the rows are dependent on the directions in which the samples vary.
    """
    W = normalised_rows(unmixing @ whitening.inverse.T)
    squares = np.linalg.eigvalsh(W @ W.T)
    if not squares[0] > _DEPENDENT * squares[-1]:
        raise InvalidInputError(
            "w_init has rows that depend on one another where the samples vary; give rows that extract different codes."
        )
    return polar_rows(W)
