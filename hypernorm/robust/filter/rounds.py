"""Rounds of the moment filter: whiten, look for suspicious directions, trim along them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from hypernorm.robust.baselines.spectral_locations import projected_gradient
from hypernorm.robust.filter.directions import extreme_directions
from hypernorm.robust.filter.groups import smaller_group
from hypernorm.robust.filter.thresholds import CleanShape, Shape, clean_shape, shape_of
from hypernorm.robust.filter.trimming import BULK, projection_scale, scale_level, trim_projection
from hypernorm.robust.filter.whitening import clip_lengths, whiten
from hypernorm.robust.location import Removal
from hypernorm.robust.weights import BUDGET_FACTOR, weighted_quantile

__all__ = ["Rounds"]

_DIRECTIONS_PER_ROUND = 5
# Limits on the suspicious directions that are measured, and on those of them that are tried.
_MEASURED = 40
_TRIED = 12
# A sample is dropped at once beyond so many times the median distance from the coordinatewise median.
_FAR = 6.0
_NEGLIGIBLE = 1e-3
# Two projections with a larger correlation show the same group.
_ALIKE = 0.6
_FLUCTUATION = 2.0
# Standard deviation of a tight group, relative to that of the bulk.
_TIGHT = 0.3


@dataclass(frozen=True, eq=False, kw_only=True)
class _Trial:
    """Weights after trimming one projection, whether it is clean then, and what was wrong before."""

    weights: np.ndarray
    clean: bool
    reason: str
    skewness: float
    kurtosis: float


class Rounds:
    """The state of one run of the filter; parameters as for `moment_filter`.

    `groups` are standardised projections, known from an earlier run, that show a group too large to be of outliers.

    Attributes
    ----------
    weights : ndarray of shape (n,)
        What is left of the base weights.
    scores, removals, criterion, converged
        As in `RobustLocation`.
    count : int
        Number of rounds so far.
    """

    def __init__(
        self,
        X: np.ndarray,
        base: np.ndarray,
        contamination: float,
        center: np.ndarray | None,
        rng: np.random.Generator,
        groups: list[np.ndarray],
        *,
        whitened: bool,
    ):
        self.X, self.weights, self.center, self.rng, self.whitened = X, base, center, rng, whitened
        self.contamination = contamination
        # With more than half of the weight removed a cluster of 45% would be all that is left, and look clean.
        self.budget = min(BUDGET_FACTOR * contamination, 0.5)
        self.least = 1.0 - self.budget
        self.level = scale_level(contamination)
        self.known = None if center is None else 0.0
        self.spares_groups = True
        self.groups = list(groups)
        self.scores = np.zeros(len(X))
        self.removals: list[Removal] = []
        self.criterion = math.nan
        self.count, self.converged = 0, False

    def run(self, max_iter: int) -> None:
        """Make rounds until nothing looks contaminated or the removal budget is used up."""
        while self.count < max_iter and not self.converged:
            self.count += 1
            self._round()

    def suspicion(self) -> float:
        """Largest ratio of a moment to the limit for clean samples; at most one if nothing looks contaminated."""
        present = self.weights > 0
        normalised = self.weights[present] / self.weights.sum()
        X = self.X[present]
        Y = whiten(X, normalised, normalised @ X).coordinates
        if Y.shape[1] == 0:
            return 0.0
        Y = clip_lengths(Y, normalised)
        shape = shape_of(Y @ extreme_directions(Y, normalised, self.rng), normalised)
        return clean_shape(1 / float(normalised @ normalised), Y.shape[1]).excess(shape)

    def drop_far_samples(self) -> None:
        """Drop samples so far out that they would spoil the first whitening, the furthest first.

        Distances are measured from the coordinatewise median, in units of the median deviation of each column.
        """
        distances = np.linalg.norm(self._standardised(), axis=1)
        limit = _FAR * weighted_quantile(distances, self.weights, 0.5)
        self._drop(np.argsort(-distances, kind="stable"), distances > limit, "distance")

    def drop_variance(self) -> bool:
        """Drop samples down-weighted by the weights that minimise the largest variance; return whether there were any.

        A group too large to be of outliers is spared. If samples are dropped, later rounds spare no groups any more:
        what is left of the outliers must not pass for a part of one.

        The weights are computed twice. The first ones, for columns of unit variance, give units that outliers distort
        less. Median deviations would not do: a tight cluster of 40% makes them small and so exaggerates its columns.
        The center must not be known.
        """
        present = np.flatnonzero(self.weights > 0)
        normalised = self.weights[present] / self.weights.sum()
        Z = self.X[present] - np.median(self.X[present], axis=0)
        sizes = np.abs(Z).max(axis=0)
        Z = Z[:, sizes > 0] / sizes[sizes > 0]  # squares of what is left neither overflow nor vanish altogether
        kept = normalised
        for _ in range(2):
            units = np.sqrt(kept @ (Z - kept @ Z) ** 2)
            Z = Z[:, units > 0] / units[units > 0]
            found = projected_gradient(Z, self.contamination, normalised, self.rng)[1]
            kept = normalised if found is None else found
        projection = np.zeros(len(self.X))
        projection[present] = Z @ (normalised @ Z - kept @ Z)
        if self._spare_group(projection):
            return False
        factors = np.ones(len(self.X))
        factors[present] = kept / normalised * (1 - self.contamination)
        self.spares_groups = not self._drop(np.argsort(factors, kind="stable"), factors < 0.5, "variance")
        return not self.spares_groups

    def _standardised(self) -> np.ndarray:
        """Deviations from the median of each column, over their median; columns where that is zero are left out."""
        deviations = self.X - (np.median(self.X, axis=0) if self.center is None else self.center)
        units = np.median(np.abs(deviations), axis=0)
        return deviations[:, units > 0] / units[units > 0]

    def _drop(self, order: np.ndarray, wanted: np.ndarray, reason: str) -> bool:
        """Drop the wanted samples in order while the budget lasts; return whether any were dropped."""
        spent = np.cumsum(self.weights[order])
        dropped = order[spent <= float(self.weights.sum()) - self.least]
        dropped = dropped[wanted[dropped]]
        taken = float(self.weights[dropped].sum())
        if taken > 0:
            self.removals.append(Removal(reason=reason, weight=taken))
            self.weights = self.weights.copy()
            self.weights[dropped] = 0.0
        return taken > 0

    def _round(self) -> None:
        """Look for suspicious directions and trim along the worst."""
        normalised = self.weights / self.weights.sum()
        mean = normalised @ self.X if self.center is None else self.center
        space = whiten(self.X, normalised, mean, scale_only=not self.whitened)
        Y = space.coordinates
        if Y.shape[1] == 0:
            self.converged = True  # the samples with weight do not vary
            return
        clean = clean_shape(1 / float(normalised @ normalised), Y.shape[1])
        # First with clipped samples: single long ones would dominate the plain moments.
        for coordinates in (clip_lengths(Y, normalised), Y):
            V = extreme_directions(coordinates, normalised, self.rng)
            projections = Y @ V
            changed = self._trim_along(coordinates @ V, projections, space.transform @ V, clean)
            if changed:
                break
        if changed and float(self.weights.sum()) > self.least + _NEGLIGIBLE * self.budget:
            return
        self.converged = True
        self.criterion = float(shape_of(projections, normalised, self.known).kurtosis.max())
        np.maximum(self.scores, np.abs(projections).max(axis=1), out=self.scores)

    def _trim_along(
        self, shown: np.ndarray, projections: np.ndarray, directions: np.ndarray, clean: CleanShape
    ) -> bool:
        """Trim along suspicious columns; return whether any weight was removed."""
        candidates = self._candidates(shown, clean)
        trials = [(index, self._try(shown[:, index], projections[:, index], clean)) for index in candidates]
        # Where trimming makes some directions clean, only those: it shows that their tails were the outliers.
        hopeful = [index for index, trial in trials if trial is not None and trial.clean]
        hopeful = hopeful or [index for index, trial in trials if trial is not None]
        count = 0
        for index in hopeful:
            projection = projections[:, index]
            trial = self._try(shown[:, index], projection, clean)  # earlier ones may have cleaned this one
            if trial is None:
                continue
            taken = float(self.weights.sum() - trial.weights.sum())
            self.removals.append(
                Removal(
                    reason=trial.reason,
                    weight=taken,
                    direction=directions[:, index],
                    skewness=trial.skewness,
                    kurtosis=trial.kurtosis,
                )
            )
            self.weights = trial.weights
            middle, scale = projection_scale(projection, self.weights, self.level, self.known)
            if scale <= 0:  # most samples are at one point
                scale = math.sqrt(float(self.weights @ (projection - middle) ** 2) / float(self.weights.sum())) or 1.0
            np.maximum(self.scores, np.abs(projection - middle) / scale, out=self.scores)
            count += 1
            if count == _DIRECTIONS_PER_ROUND:
                break
        return count > 0

    def _candidates(self, shown: np.ndarray, clean: CleanShape) -> list[int]:
        """Suspicious columns, first those whose mean is furthest from the median: it is the mean that counts."""
        normalised = self.weights / self.weights.sum()
        shape = shape_of(shown, normalised, self.known)
        suspicious = np.flatnonzero(clean.asymmetric(shape) | clean.heavy(shape) | clean.light(shape))
        shifts = {}
        for index in suspicious[np.argsort(-shape.imbalance[suspicious], kind="stable")[:_MEASURED]].tolist():
            middle, scale = projection_scale(shown[:, index], normalised, self.level, self.known)
            if scale > 0:
                shifts[index] = abs(float(normalised @ shown[:, index]) - middle) / scale
        return sorted(shifts, key=lambda index: -shifts[index])[:_TRIED]

    def _try(self, shown: np.ndarray, projection: np.ndarray, clean: CleanShape) -> _Trial | None:
        """Trim one projection if its moments are suspicious; None if that is no use."""
        before = self._shape(shown, self.weights)
        asymmetric, heavy = bool(clean.asymmetric(before)[0]), bool(clean.heavy(before)[0])
        if not (asymmetric or heavy or clean.light(before)[0]):
            return None
        if asymmetric and self.spares_groups and self._spare_group(projection):
            return None
        reason = "asymmetry" if asymmetric else "heavy tails" if heavy else "two groups"
        trial = None
        total = float(self.weights.sum())
        # The smaller scale trims more, for outliers that enlarge the other because they are many or near.
        for level in (self.level, 0.5):
            trimmed = trim_projection(projection, self.weights, total - self.least, level, self.known)
            if float(trimmed.sum()) >= total:
                continue
            after = self._shape(shown, trimmed)
            is_clean = not bool((clean.asymmetric(after) | clean.heavy(after) | clean.light(after))[0])
            lopsided = before.skewness[0] + before.imbalance[0], after.skewness[0] + after.imbalance[0]
            # Inliers with a bounded or two-peaked distribution have light tails, too; they are left alone.
            mended = (heavy and after.kurtosis[0] < before.kurtosis[0]) or (asymmetric and lopsided[1] < lopsided[0])
            if is_clean or mended:
                trial = _Trial(
                    weights=trimmed,
                    clean=is_clean,
                    reason=reason,
                    skewness=float(before.skewness[0]),
                    kurtosis=float(before.kurtosis[0]),
                )
            if is_clean:
                break
        return trial

    def _spare_group(self, projection: np.ndarray) -> bool:
        """Note a group that is too large to be of outliers; return whether there is one, new or known.

        To remove a part of such a group would move the mean of the inliers. A projection that correlates with one noted
        before shows the same group.
        """
        normalised = self.weights / self.weights.sum()
        deviations = projection - normalised @ projection
        deviations = deviations / (math.sqrt(normalised @ deviations**2) or 1.0)
        if any(abs(float(normalised @ (deviations * group))) > _ALIKE for group in self.groups):
            return True
        if not self._has_large_group(projection):
            return False
        self.groups.append(deviations)
        return True

    def _has_large_group(self, projection: np.ndarray) -> bool:
        """Whether one side of a projection has a group of more weight than outliers can have."""
        total = float(self.weights.sum())
        normalised = self.weights / total
        # The search for groups starts beyond the bulk, which is what trimming with half of the weight leaves.
        bulk = trim_projection(projection, self.weights, 0.5 * total, 0.5, self.known)
        taken = self.weights - bulk
        middle, scale = projection_scale(projection, bulk, 0.5, self.known)
        if scale <= 0 or not taken.any():
            return False
        z = (projection - middle) / scale
        reach = max(BULK, 0.5 * abs(float(taken @ z)) / float(taken.sum()))
        small, large = sorted((z > reach, z < -reach), key=lambda side: float(self.weights[side].sum()))
        excess = float(self.weights[large].sum() - self.weights[small].sum())
        # The excess of outliers is at most ε and a few standard deviations of the difference of two tails.
        chance = _FLUCTUATION * math.sqrt(2 * float(ndtr(-BULK)) * float(normalised @ normalised))
        # A tight group consists of outliers, and the fit would count inliers with it.
        if excess <= self.contamination + chance or projection_scale(z[large], normalised[large], 0.5).scale < _TIGHT:
            return False
        return total * smaller_group(z, normalised, large) > max(self.budget, self.contamination + chance)

    def _shape(self, projection: np.ndarray, weights: np.ndarray) -> Shape:
        return shape_of(projection[:, None], weights / weights.sum(), self.known)
