"""The moment filter in coordinates that an affine map of the samples does not change, and within flats.

Samples off a flat that holds the fraction 1 − ε of all are outliers, however near: the others do not vary in that
direction. The filter sees those that are far, compared with the deviation that they cause themselves. So the flat is
looked for from what the filter leaves, and the filter is run again within it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hypernorm.robust.filter.contamination import AUTO_CONTAMINATION, LARGEST_ESTIMATE, filter_samples
from hypernorm.robust.flats import flat_of_most, invariant_coordinates
from hypernorm.robust.location import Removal, RobustLocation
from hypernorm.robust.weights import normalised
from hypernorm.robust.winsorising import winsorised

__all__ = ["InvariantFilter"]

# Entries are clipped at so many median deviations before the first whitening, where all that counts is that they are
# far: a larger number would cost the inliers digits.
_FAR = 1e4
# With fewer rows for each dimension the filter works in the coordinates of the columns.
_LEAST_ROWS = 5


@dataclass(frozen=True, eq=False, kw_only=True)
class InvariantFilter:
    """The filter for samples whose columns have these units.

    Attributes
    ----------
    units : tuple of two ndarrays of shape (d,)
        As returned by `check_units`.
    assume_centered : bool
        Whether the center is known to be zero.
    max_iter : int
    rng : numpy.random.Generator
    """

    units: tuple[np.ndarray, np.ndarray]
    assume_centered: bool
    max_iter: int
    rng: np.random.Generator

    def __call__(self, rows: np.ndarray, contamination: float | None, base: np.ndarray) -> RobustLocation:
        """Remove weight from outliers among rows of shape (n, d) with base weights that sum to one."""
        clipped = winsorised(rows, _FAR, units=self.units)
        coordinates, directions = invariant_coordinates(clipped, base, self.rng, self._origin(rows))
        if not len(rows) > _LEAST_ROWS * coordinates.shape[1] > 0:
            return self._filter(winsorised(rows, units=self.units), contamination, base)
        found = self._filter(coordinates, contamination, base)
        allowed = AUTO_CONTAMINATION if contamination is None else contamination
        assert found.weights is not None  # no filter is without weights
        within = flat_of_most(coordinates, base, found.weights, 1 - allowed, self._origin(coordinates))
        if within is not None and not within.all():
            return self._within(rows, contamination, base, within)
        removals = [
            removal if removal.direction is None else replace(removal, direction=directions @ removal.direction)
            for removal in found.removals
        ]
        return replace(found, removals=tuple(removals))

    def _within(
        self, rows: np.ndarray, contamination: float | None, base: np.ndarray, within: np.ndarray
    ) -> RobustLocation:
        """Remove the rows off a flat, and filter the others."""
        off = float(base[~within].sum())
        rest = None if contamination is None else max(0.0, (contamination - off) / (1 - off))
        inner = self(rows[within], rest, normalised(base[within]))
        weights, scores = np.zeros(len(rows)), np.full(len(rows), np.inf)
        assert inner.weights is not None  # no filter is without weights
        weights[within], scores[within] = inner.weights, inner.scores
        removed = 1 - (1 - off) * (1 - inner.removed)
        removals = [replace(removal, weight=(1 - off) * removal.weight) for removal in inner.removals]
        return replace(
            inner,
            weights=weights,
            scores=scores,
            contamination=min(removed, LARGEST_ESTIMATE) if contamination is None else contamination,
            removals=(Removal(reason="flat", weight=off), *removals),
            removed=removed,
        )

    def _filter(self, X: np.ndarray, contamination: float | None, base: np.ndarray) -> RobustLocation:
        return filter_samples(X, contamination, base, self.rng, center=self._origin(X), max_iter=self.max_iter)

    def _origin(self, X: np.ndarray) -> np.ndarray | None:
        """The known center."""
        return np.zeros(X.shape[1]) if self.assume_centered else None
