"""The moment filter: take weight from samples until no direction looks contaminated.

In every round the samples are centred and whitened under the current weights, so that units and scales do not matter,
and directions are sought whose projections have an extreme fourth or third moment compared with Gaussian data of the
same size. Along them the tails lose weight (`hypernorm.robust.trimming`), where the mean and the median differ most
first, until every projection is like that of clean data or the allowance is used up.

The fourth moment alone is blind to a single cluster of about 21% of the samples, which leaves it at 3. The third
moment sees that cluster, and smaller fourth moments reveal larger ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hypernorm._validation import check_generator
from hypernorm.robust.directions import extreme_directions
from hypernorm.robust.thresholds import CleanShape, Shape, clean_shape, shape_of
from hypernorm.robust.trimming import line_scale, scale_level, trim_line
from hypernorm.robust.weights import weighted_quantile
from hypernorm.robust.whitening import whiten

__all__ = ["ALLOWANCE", "Filtered", "Removal", "moment_filter"]

ALLOWANCE = 1.5
"""Weight that a filter may take, relative to the contamination: inliers lose some along with the outliers."""

_DIRECTIONS_PER_ROUND = 5
# Suspicious directions that are measured, and of these that are tried.
_MEASURED = 40
_TRIED = 12
# Whitened samples longer than the median by more than this many standard deviations are pulled in for the search.
_CLIP = 2.5
# A sample so many times further from the coordinate-wise median than half of the samples is dropped at once.
_FAR = 6.0
_NEGLIGIBLE = 1e-3


@dataclass(frozen=True, eq=False)
class Removal:
    """Why samples lost weight.

    Attributes
    ----------
    reason : str
        ``"asymmetry"``, ``"heavy tails"``, ``"two groups"`` or ``"distance"``.
    weight : float
        Share of the base weights that was taken.
    direction : ndarray of shape (d,) or None
        Vector on which the samples were projected; None where only the distance from the coordinate-wise median
        counted.
    skewness, kurtosis : float
        Of the projections before, pulled in to ordinary lengths; NaN without a direction.
    """

    reason: str
    weight: float
    direction: np.ndarray | None
    skewness: float
    kurtosis: float


@dataclass(frozen=True, eq=False)
class Filtered:
    """What a filter leaves.

    Attributes
    ----------
    weights : ndarray of shape (n,)
        Sum to one; at most p_i/(1 − removed) for base weights p.
    location : ndarray of shape (d,)
        Mean under the weights, or the known centre.
    scores : ndarray of shape (n,)
        The largest distance of each sample from the centre, in standard deviations, over the directions in which
        weight was removed and those of the last round.
    removed : float
        Share of the base weights that was taken away.
    removals : tuple of Removal
    value, threshold : float
        The criterion in the last round, and the value that clean data rarely exceed: for the moment filter the largest
        kurtosis of a direction.
    n_iter : int
        Rounds.
    converged : bool
        Whether the filter ended by itself: nothing more looks contaminated, or the allowance is used up.
    reason : str
        Why it ended, in words.
    """

    weights: np.ndarray
    location: np.ndarray
    scores: np.ndarray
    removed: float
    removals: tuple[Removal, ...]
    value: float
    threshold: float
    n_iter: int
    converged: bool
    reason: str


def moment_filter(
    X: np.ndarray,
    contamination: float,
    *,
    base_weights: np.ndarray | None = None,
    center: np.ndarray | None = None,
    whitened: bool = True,
    max_iter: int = 100,
    random_state: int | np.random.Generator | None = None,
) -> Filtered:
    """Take weight from outlying samples by their third and fourth moments in whitened coordinates.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Finite, in double precision.
    contamination : float
        ε in [0, 0.5). At most 1.5 ε of the weight is taken.
    base_weights : ndarray of shape (n,), optional
        Sum to one; equal by default.
    center : ndarray of shape (d,), optional
        A known centre; by default mean and median are measured in every round.
    whitened : bool
        False divides by one common scale instead, and so looks in the directions of large variance only.
    max_iter : int
        Limit on the rounds.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    Filtered

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((500, 3))
    >>> X[:50, 2] += 5
    >>> found = moment_filter(X, 0.1, random_state=0)
    >>> bool(found.weights[:50].sum() < 0.01), found.removals[0].reason
    (True, 'asymmetry')
    """
    base = np.full(len(X), 1.0 / len(X)) if base_weights is None else base_weights
    state = _State(X, base, contamination, center, check_generator(random_state))
    state.drop_far_samples()
    converged, reason, rounds = False, f"max_iter = {max_iter} rounds were made", 0
    while rounds < max_iter and not converged:
        rounds += 1
        converged, reason = state.round(whitened)
    share = state.weights / state.weights.sum()
    return Filtered(
        share,
        share @ X if center is None else center,
        state.scores,
        float(base.sum() - state.weights.sum()),
        tuple(state.removals),
        state.value,
        state.threshold,
        rounds,
        converged,
        reason,
    )


class _Trial(NamedTuple):
    """Weights after trimming along one line, whether the line is clean then, and what was wrong before."""

    weights: np.ndarray
    clean: bool
    reason: str
    skewness: float
    kurtosis: float


class _State:
    """Weights that have not been divided by their sum, and what has been found so far."""

    def __init__(
        self,
        X: np.ndarray,
        base: np.ndarray,
        contamination: float,
        center: np.ndarray | None,
        rng: np.random.Generator,
    ):
        self.X, self.weights, self.center, self.rng = X, base, center, rng
        self.allowance = ALLOWANCE * contamination
        self.least = 1.0 - self.allowance
        self.level = scale_level(contamination)
        self.known = None if center is None else 0.0
        self.scores = np.zeros(len(X))
        self.removals: list[Removal] = []
        self.value = self.threshold = math.nan

    def drop_far_samples(self) -> None:
        """Drop samples so far out that they would spoil the first whitening, the furthest first.

        Distances are measured from the coordinate-wise median, in units of the median deviation of each column.
        """
        middle = np.median(self.X, axis=0) if self.center is None else self.center
        deviations = np.abs(self.X - middle)
        units = np.median(deviations, axis=0)
        distances = np.linalg.norm(deviations[:, units > 0] / units[units > 0], axis=1)
        order = np.argsort(-distances, kind="stable")
        affordable = order[np.cumsum(self.weights[order]) <= self.allowance]
        far = affordable[distances[affordable] > _FAR * weighted_quantile(distances, self.weights, 0.5)]
        if len(far):
            self.removals.append(Removal("distance", float(self.weights[far].sum()), None, math.nan, math.nan))
            self.weights = self.weights.copy()
            self.weights[far] = 0.0

    def round(self, whitened: bool) -> tuple[bool, str]:
        """Look for suspicious directions and trim along the worst; whether the filter has ended, and why."""
        share = self.weights / self.weights.sum()
        mean = share @ self.X if self.center is None else self.center
        space = whiten(self.X, share, mean, scale_only=not whitened)
        Y = space.coordinates
        if Y.shape[1] == 0:
            return True, "the samples with weight do not vary"
        clean = clean_shape(1 / float(share @ share), Y.shape[1])
        # First without the influence of single long samples, which the plain moments would put before everything.
        for coordinates in (_clipped(Y, share), Y):
            V = extreme_directions(coordinates, share, self.rng)
            lines = Y @ V
            changed = self._trim_along(coordinates @ V, lines, space.transform @ V, clean)
            if changed:
                break
        if float(self.weights.sum()) <= self.least + _NEGLIGIBLE * self.allowance:
            ended, reason = True, "the allowed share of the weight is removed"
        else:
            ended, reason = not changed, "no direction looks contaminated"
        if ended:
            self.value, self.threshold = float(shape_of(lines, share, self.known).kurtosis.max()), clean.kurtosis
            np.maximum(self.scores, np.abs(lines).max(axis=1), out=self.scores)
        return ended, reason

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
            self.removals.append(Removal(trial.reason, taken, directions[:, index], trial.skewness, trial.kurtosis))
            self.weights = trial.weights
            middle, scale = line_scale(line, self.weights, self.level, self.known)
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
                trial = _Trial(trimmed, is_clean, reason, float(before.skewness[0]), float(before.kurtosis[0]))
            if is_clean:
                break
        return trial

    def _shape(self, line: np.ndarray, weights: np.ndarray) -> Shape:
        return shape_of(line[:, None], weights / weights.sum(), self.known)


def _clipped(Y: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Samples pulled in to a length that Gaussian ones seldom exceed."""
    lengths = np.linalg.norm(Y, axis=1)
    radius = weighted_quantile(lengths, share, 0.5) * (1 + _CLIP / math.sqrt(Y.shape[1]))
    return Y * np.minimum(1.0, radius / np.where(lengths > 0, lengths, 1.0))[:, None]
