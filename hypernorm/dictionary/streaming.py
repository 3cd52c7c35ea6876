"""The power method on a stream of batches: running moments, and a fraction of a step for each batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from hypernorm.dictionary.atoms import Atoms
from hypernorm.dictionary.stiefel import Ascent, ascend, normalised_rows, polar_rows, random_orthonormal_rows
from hypernorm.dictionary.whitening import Whitening
from hypernorm.forms import Rows, column_means, second_moments

__all__ = ["Stream"]

# Batch t moves the atoms by the fraction t^-_POWER of a step. An exponent between 1/2 and 1 averages the noise and
# still forgets wrong early atoms (Robbins and Monro 1951).
_POWER = 0.7
_FIRST_BATCH_STEPS = 100


class Stream:
    """Moments of all samples so far, and the current atoms.

    Attributes
    ----------
    n_samples : int
        Number of samples so far.
    whitening : Whitening
        Whitening of all samples so far, in the units of the samples.
    """

    def __init__(self, rng: np.random.Generator, *, center: bool, whiten: bool):
        self._rng, self._center, self._whiten = rng, center, whiten
        self.n_samples, self._n_batches = 0, 0
        self._mean = self._S = self._B = np.zeros(0)
        self.whitening = Whitening(self._mean, np.eye(0), np.eye(0), np.eye(0))

    def add(self, X: Any) -> None:
        """Add the moments of a batch to those of the earlier samples."""
        rows = Rows(X)
        b, n = rows.shape
        mean = np.ldexp(column_means(rows), rows.exponent) if self._center else np.zeros(n)
        shifted = rows.shifted(np.ldexp(mean, -rows.exponent)) if self._center else rows
        S = np.ldexp(second_moments(shifted), 2 * rows.exponent) / b
        if self.n_samples:
            fraction = b / (self.n_samples + b)
            difference = mean - self._mean
            S = (1 - fraction) * self._S + fraction * S + fraction * (1 - fraction) * np.outer(difference, difference)
            mean = self._mean + fraction * difference
        self._mean, self._S = mean, S
        self.n_samples += b
        self.whitening = Whitening.of(mean, S, whiten=self._whiten)

    def start(self, m: int, W: np.ndarray | None = None) -> None:
        """Draw m random atoms, unless orthonormal rows are given."""
        W = random_orthonormal_rows(m, self.whitening.rank, self._rng) if W is None else W
        self._B = W @ self.whitening.K.T

    def advance(self, X: Any, p: float) -> Ascent:
        """Update the atoms with a batch whose moments have been added; the first batch is iterated several times."""
        whitening, project = self.whitening, polar_rows if len(self._B) > 1 else normalised_rows
        rows = Rows(X)
        scale = 2.0**rows.exponent
        samples = rows.shifted(whitening.mean / scale) if self._center else rows
        # The whitening has changed since the last batch, so the atoms must be made orthonormal again.
        W = project(self._B @ np.linalg.pinv(whitening.K).T)
        self._n_batches += 1
        steps = _FIRST_BATCH_STEPS if self._n_batches == 1 else 1
        found = ascend(samples, whitening.K * scale, p, W, project, tol=1e-3, max_iter=steps)
        weight = self._n_batches**-_POWER
        new = project((1 - weight) * W + weight * found.W)
        found = Ascent(new, found.values, self._n_batches, weight * found.change)
        self._B = new @ whitening.K.T
        if self._n_batches == 1:
            order, signs = self.atoms().convention()
            self._B, found = signs[:, None] * self._B[order], found.arranged(order, signs)
        return found

    def atoms(self) -> Atoms:
        """The current atoms, in the order of the first batch."""
        return Atoms.of(self._B, np.zeros(len(self._B)), self.whitening, whiten=self._whiten)
