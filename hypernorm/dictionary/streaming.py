"""The power method on a stream of batches: running moments, and atoms that move part of the way to a batch's step."""

from __future__ import annotations

from typing import Any

import numpy as np

from hypernorm.dictionary.stiefel import Ascent, ascend, normalised_rows, polar_rows, random_orthonormal_rows
from hypernorm.dictionary.whitening import Whitening
from hypernorm.forms import Rows, column_means, second_moments

__all__ = ["Stream"]

# Batch t moves the atoms by the fraction t^-POWER: between 1/2 and 1, so that noise is averaged out while wrong early
# atoms are forgotten (Robbins and Monro 1951).
_POWER = 0.7
_FIRST_BATCH_STEPS = 100


class Stream:
    """Samples seen so far, by their moments, and the atoms.

    Attributes
    ----------
    n_samples : int
    whitening : Whitening
        Of all samples so far, in their own units.
    """

    def __init__(self, rng: np.random.Generator, *, center: bool, whiten: bool):
        self._rng, self._center, self._whiten = rng, center, whiten
        self.n_samples, self._n_batches = 0, 0
        self._mean = self._S = self._B = np.zeros(0)
        self.whitening = Whitening(self._mean, np.eye(0), np.eye(0), np.eye(0))

    def add(self, X: Any) -> None:
        """Merge the moments of a batch into those of the samples before."""
        rows = Rows(X)
        b, n = rows.shape
        mean = np.ldexp(column_means(rows), rows.exponent) if self._center else np.zeros(n)
        shifted = rows.shifted(np.ldexp(mean, -rows.exponent)) if self._center else rows
        S = np.ldexp(second_moments(shifted), 2 * rows.exponent) / b
        if self.n_samples:
            share = b / (self.n_samples + b)
            difference = mean - self._mean
            S = (1 - share) * self._S + share * S + share * (1 - share) * np.outer(difference, difference)
            mean = self._mean + share * difference
        self._mean, self._S = mean, S
        self.n_samples += b
        self.whitening = Whitening.of(mean, S, whiten=self._whiten)

    def start(self, m: int) -> None:
        """Draw m random atoms."""
        W = random_orthonormal_rows(m, self.whitening.rank, self._rng)
        self._B = W @ self.whitening.K.T

    def advance(self, X: Any, p: float) -> Ascent:
        """The update by a batch whose moments have been added; the first batch is iterated until it has atoms."""
        whitening, project = self.whitening, polar_rows if len(self._B) > 1 else normalised_rows
        rows = Rows(X)
        scale = 2.0**rows.exponent
        samples = rows.shifted(whitening.mean / scale) if self._center else rows
        # The metric has moved a little since the last batch, so the atoms have to be made orthonormal again.
        W = project(self._B @ np.linalg.pinv(whitening.K).T)
        self._n_batches += 1
        steps = _FIRST_BATCH_STEPS if self._n_batches == 1 else 1
        found = ascend(samples, whitening.K * scale, p, W, project, tol=1e-3, max_iter=steps)
        weight = self._n_batches**-_POWER
        new = project((1 - weight) * W + weight * found.W)
        self._B = new @ whitening.K.T
        return Ascent(new, found.values, self._n_batches, weight * found.change)
