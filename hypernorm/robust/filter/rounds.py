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
from hypernorm.robust.filter.trimming import BULK, line_scale, scale_level, trim_line
from hypernorm.robust.filter.whitening import whiten
from hypernorm.robust.location import Removal
from hypernorm.robust.weights import BUDGET_FACTOR, weighted_quantile

__all__ = ["Rounds"]

_DIRECTIONS_PER_ROUND = 5
# Suspicious directions that are measured, and of these that are tried.
_MEASURED = 40
_TRIED = 12
# Whitened samples longer than the median by more than this many standard deviations are pulled in for the search.
_CLIP = 2.5
# A sample so many times further from the coordinate-wise median than half of the samples is dropped at once.
_FAR = 6.0
_NEGLIGIBLE = 1e-3
# Correlation from which on two lines show the same group.
_ALIKE = 0.6
_FLUCTUATION = 2.0
# Standard deviation of a tight group, relative to that of the bulk.
_TIGHT = 0.3


@dataclass(frozen=True, eq=False, kw_only=True)
class _Trial:
    """Weights after trimming along one line, whether the line is clean then, and what was wrong before."""

    weights: np.ndarray
    clean: bool
    reason: str
    skewness: float
    kurtosis: float


class Rounds:
    """The state of one run of the filter; parameters as for `moment_filter`.

    `groups` are the standardised lines, known from a run before, on which a group is too large to be of outliers.

    Attributes
    ----------
    weights : ndarray of shape (n,)
        Not divided by their sum.
    scores, removals, criterion, converged
        As in `RobustLocation`.
    count : int
        Rounds that were made.
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
        # With more than half of the weight gone a cluster of 45% would be all that is left, and look clean.
        self.allowance = min(BUDGET_FACTOR * contamination, 0.5)
        self.least = 1.0 - self.allowance
        self.level = scale_level(contamination)
        self.known = None if center is None else 0.0
        self.spares_groups = True
        self.groups = list(groups)
        self.scores = np.zeros(len(X))
        self.removals: list[Removal] = []
        self.criterion = math.nan
        self.count, self.converged = 0, False

    def run(self, max_iter: int) -> None:
        """Rounds until nothing looks contaminated or the allowance is used up."""
        while self.count < max_iter and not self.converged:
            self.count += 1
            self._round()

    def suspicion(self) -> float:
        """How contaminated the weighted samples look; at most one if no direction passes the limits of clean data."""
        present = self.weights > 0
        share = self.weights[present] / self.weights.sum()
        X = self.X[present]
        Y = whiten(X, share, share @ X).coordinates
        if Y.shape[1] == 0:
            return 0.0
        Y = _clipped(Y, share)
        shape = shape_of(Y @ extreme_directions(Y, share, self.rng), share)
        return clean_shape(1 / float(share @ share), Y.shape[1]).excess(shape)

    def drop_far_samples(self) -> None:
        """Drop samples so far out that they would spoil the first whitening, the furthest first.

        Distances are measured from the coordinate-wise median, in units of the median deviation of each column.
        """
        distances = np.linalg.norm(self._standardised(), axis=1)
        limit = _FAR * weighted_quantile(distances, self.weights, 0.5)
        self._drop(np.argsort(-distances, kind="stable"), distances > limit, "distance")

    def drop_variance(self) -> bool:
        """Drop samples that weights of least largest variance leave out, and say whether there are any.

        None are dropped if they belong to a group too large to be of outliers. If some are, the rounds that follow look
        for no such groups any more: what is left of the outliers must not pass for a part of one.

        Weights found for columns of unit variance set the units for the final ones, which outliers distort less. A
        median deviation would not do: a tight cluster of 40% makes it small and so exaggerates the columns it is in.
        Not for a known centre.
        """
        present = np.flatnonzero(self.weights > 0)
        share = self.weights[present] / self.weights.sum()
        Z = self.X[present] - np.median(self.X[present], axis=0)
        sizes = np.abs(Z).max(axis=0)
        Z = Z[:, sizes > 0] / sizes[sizes > 0]  # squares of what is left neither overflow nor vanish altogether
        kept = share
        for _ in range(2):
            units = np.sqrt(kept @ (Z - kept @ Z) ** 2)
            Z = Z[:, units > 0] / units[units > 0]
            found = projected_gradient(Z, self.contamination, share, self.rng)[1]
            kept = share if found is None else found
        line = np.zeros(len(self.X))
        line[present] = Z @ (share @ Z - kept @ Z)
        if self._spare_group(line):
            return False
        factors = np.ones(len(self.X))
        factors[present] = kept / share * (1 - self.contamination)
        self.spares_groups = not self._drop(np.argsort(factors, kind="stable"), factors < 0.5, "variance")
        return not self.spares_groups

    def _standardised(self) -> np.ndarray:
        """Samples with respect to the median and the median deviation of each column; none for a constant one."""
        deviations = self.X - (np.median(self.X, axis=0) if self.center is None else self.center)
        units = np.median(np.abs(deviations), axis=0)
        return deviations[:, units > 0] / units[units > 0]

    def _drop(self, order: np.ndarray, wanted: np.ndarray, reason: str) -> bool:
        """Drop wanted samples in the given order, as many as the allowance covers, and say whether there are any."""
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
        share = self.weights / self.weights.sum()
        mean = share @ self.X if self.center is None else self.center
        space = whiten(self.X, share, mean, scale_only=not self.whitened)
        Y = space.coordinates
        if Y.shape[1] == 0:
            self.converged = True  # the samples with weight do not vary
            return
        clean = clean_shape(1 / float(share @ share), Y.shape[1])
        # First without the influence of single long samples, which the plain moments would put before everything.
        for coordinates in (_clipped(Y, share), Y):
            V = extreme_directions(coordinates, share, self.rng)
            lines = Y @ V
            changed = self._trim_along(coordinates @ V, lines, space.transform @ V, clean)
            if changed:
                break
        if changed and float(self.weights.sum()) > self.least + _NEGLIGIBLE * self.allowance:
            return
        self.converged = True
        self.criterion = float(shape_of(lines, share, self.known).kurtosis.max())
        np.maximum(self.scores, np.abs(lines).max(axis=1), out=self.scores)

    def _trim_along(self, shown: np.ndarray, lines: np.ndarray, directions: np.ndarray, clean: CleanShape) -> bool:
        """Trim along suspicious columns, and say whether any weight was taken."""
        candidates = self._candidates(shown, clean)
        trials = [(index, self._try(shown[:, index], lines[:, index], clean)) for index in candidates]
        # Where trimming makes some directions clean, those only: it shows that the tails there were the outliers.
        hopeful = [index for index, trial in trials if trial is not None and trial.clean]
        hopeful = hopeful or [index for index, trial in trials if trial is not None]
        count = 0
        for index in hopeful:
            line = lines[:, index]
            trial = self._try(shown[:, index], line, clean)  # earlier ones may have mended this one
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
            middle, scale = line_scale(line, self.weights, self.level, self.known)
            if scale <= 0:  # most samples are at one point
                scale = math.sqrt(float(self.weights @ (line - middle) ** 2) / float(self.weights.sum())) or 1.0
            np.maximum(self.scores, np.abs(line - middle) / scale, out=self.scores)
            count += 1
            if count == _DIRECTIONS_PER_ROUND:
                break
        return count > 0

    def _candidates(self, shown: np.ndarray, clean: CleanShape) -> list[int]:
        """Suspicious columns; first those whose mean, which is to be protected, is furthest from the median."""
        share = self.weights / self.weights.sum()
        shape = shape_of(shown, share, self.known)
        suspicious = np.flatnonzero(clean.asymmetric(shape) | clean.heavy(shape) | clean.light(shape))
        pulls = {}
        for index in suspicious[np.argsort(-shape.imbalance[suspicious], kind="stable")[:_MEASURED]].tolist():
            middle, scale = line_scale(shown[:, index], share, self.level, self.known)
            if scale > 0:
                pulls[index] = abs(float(share @ shown[:, index]) - middle) / scale
        return sorted(pulls, key=lambda index: -pulls[index])[:_TRIED]

    def _try(self, shown: np.ndarray, line: np.ndarray, clean: CleanShape) -> _Trial | None:
        """Trimmed weights, if the moments of the line are suspicious and trimming mends them."""
        before = self._shape(shown, self.weights)
        asymmetric, heavy = bool(clean.asymmetric(before)[0]), bool(clean.heavy(before)[0])
        if not (asymmetric or heavy or clean.light(before)[0]):
            return None
        if asymmetric and self.spares_groups and self._spare_group(line):
            return None
        reason = "asymmetry" if asymmetric else "heavy tails" if heavy else "two groups"
        trial = None
        total = float(self.weights.sum())
        # The smaller scale trims more; it is for outliers so many or so near that they enlarge the other.
        for level in (self.level, 0.5):
            trimmed = trim_line(line, self.weights, total - self.least, level, self.known)
            if float(trimmed.sum()) >= total:
                continue
            after = self._shape(shown, trimmed)
            is_clean = not bool((clean.asymmetric(after) | clean.heavy(after) | clean.light(after))[0])
            lopsided = before.skewness[0] + before.imbalance[0], after.skewness[0] + after.imbalance[0]
            # A bounded or two-peaked distribution of the inliers has light tails too; it stays as it was.
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

    def _spare_group(self, line: np.ndarray) -> bool:
        """Note a group on the line that is too large to be of outliers; return whether there is one, new or known.

        To take a part of such a group would move the mean of the inliers. A line much like one with a known group shows
        the same group.
        """
        share = self.weights / self.weights.sum()
        deviations = line - share @ line
        deviations = deviations / (math.sqrt(share @ deviations**2) or 1.0)
        if any(abs(float(share @ (deviations * group))) > _ALIKE for group in self.groups):
            return True
        if not self._has_large_group(line):
            return False
        self.groups.append(deviations)
        return True

    def _has_large_group(self, line: np.ndarray) -> bool:
        """Whether one side of the line has a group of more weight than outliers can have."""
        total = float(self.weights.sum())
        share = self.weights / total
        # The search for groups starts from what lies further out than the bulk, which remains when any weight may go.
        bulk = trim_line(line, self.weights, 0.5 * total, 0.5, self.known)
        taken = self.weights - bulk
        middle, scale = line_scale(line, bulk, 0.5, self.known)
        if scale <= 0 or not taken.any():
            return False
        z = (line - middle) / scale
        reach = max(BULK, 0.5 * abs(float(taken @ z)) / float(taken.sum()))
        small, large = sorted((z > reach, z < -reach), key=lambda side: float(self.weights[side].sum()))
        excess = float(self.weights[large].sum() - self.weights[small].sum())
        # Outliers alone have no larger excess: chance adds some standard deviations of the difference of two tails.
        chance = _FLUCTUATION * math.sqrt(2 * float(ndtr(-BULK)) * float(share @ share))
        # A tight group is of outliers, and the fit would count inliers with it.
        if excess <= self.contamination + chance or line_scale(z[large], share[large], 0.5).scale < _TIGHT:
            return False
        return total * smaller_group(z, share, large) > max(self.allowance, self.contamination + chance)

    def _shape(self, line: np.ndarray, weights: np.ndarray) -> Shape:
        return shape_of(line[:, None], weights / weights.sum(), self.known)


def _clipped(Y: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Samples pulled in to a length that Gaussian ones seldom exceed."""
    lengths = np.linalg.norm(Y, axis=1)
    radius = weighted_quantile(lengths, share, 0.5) * (1 + _CLIP / math.sqrt(Y.shape[1]))
    return Y * np.minimum(1.0, radius / np.where(lengths > 0, lengths, 1.0))[:, None]
