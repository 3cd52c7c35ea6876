"""Explanation of samples by outliers: rounds that thin suspicious projections, at the least level where this succeeds.

A projection whose scores pass the level is suspicious. Thinning explains it if it is clean afterwards and at most 1.5 ε
of the weight is taken in all; otherwise its shape is that of the inliers, and the level rises above its score. At the
end the samples that are least far out come back, until at most ε stays out. A projection that is no longer clean then
was not explained by ε either.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from hypernorm.robust.filter.directions import dimensions, search
from hypernorm.robust.filter.lines import Kind, Limits, clean_limits, interval_share, measure, standardised, thinned
from hypernorm.robust.filter.whitening import whiten
from hypernorm.robust.weights import BUDGET_FACTOR

__all__ = ["KINDS", "Explanation", "Problem", "Trim", "explain"]

KINDS: tuple[Kind, Kind] = ("pull", "tail")
# Projections thinned before the samples are whitened anew, and those that are tried.
_THINNED, _TRIED = 5, 20
# Of more samples directions are searched among so many, and the most suspicious ones are measured on all.
_SEARCHED, _MEASURED = 1 << 13, 15
# The score of a clean projection is at most one, or this fraction of its score before.
_PROGRESS = 0.2
# Less weight is what rounding leaves of a sum of weights.
_ROUNDING = 1e-12
# Thinning may pass the budget by this fraction of it.
_SLACK = 0.03


@dataclass(frozen=True, eq=False, kw_only=True)
class Problem:
    """Samples, the contamination, and what both imply."""

    X: np.ndarray
    contamination: float
    center: np.ndarray | None
    rng: np.random.Generator

    @property
    def budget(self) -> float:
        """With more than half of the weight removed a cluster of 45% would be all that is left, and look clean."""
        return min(BUDGET_FACTOR * self.contamination, 0.5)

    @property
    def share(self) -> float:
        """Share of the weight in the intervals."""
        return interval_share(self.contamination)

    @property
    def known(self) -> float | None:
        """Center of projections of centered samples, if it is known."""
        return None if self.center is None else 0.0


class Line(NamedTuple):
    """One measure of the projections on a direction."""

    kind: Kind
    projection: np.ndarray
    direction: np.ndarray
    limits: Limits


class Trim(NamedTuple):
    """A projection that was thinned, its score before, and the weights before and after."""

    line: Line
    score: float
    before: np.ndarray
    after: np.ndarray


class Suspect(NamedTuple):
    """A projection and its score when it was measured first."""

    line: Line
    score: float


@dataclass(eq=False, kw_only=True)
class Explanation:
    """Weights under which no projection passes the level, and how they came about.

    Attributes
    ----------
    weights : ndarray of shape (n,)
        What is left of the base weights, at least 1 − ε of them.
    level : dict
        For either measure the least level at which outliers explain the samples; one if they explain everything.
    trims : list of Trim
    scores : ndarray of shape (n,)
        In deviations, the largest over the projections that were measured.
    rounds : int
    converged : bool
    """

    weights: np.ndarray
    level: dict[Kind, float]
    trims: list[Trim] = field(default_factory=list)
    scores: np.ndarray
    rounds: int = 0
    converged: bool = True

    @property
    def height(self) -> float:
        """The geometric mean of both levels."""
        return math.sqrt(self.level["pull"] * self.level["tail"])


def explain(problem: Problem, start: np.ndarray, max_iter: int) -> Explanation:
    """Explain the samples from these weights, at the least level at which outliers can."""
    level: dict[Kind, float] = dict.fromkeys(KINDS, 1.0)
    first: list[Suspect] | None = None
    rounds, seen = 0, np.zeros(len(start))
    while True:
        attempt = _Attempt(problem, start, level, seen)
        while not attempt.finished and rounds < max_iter:
            rounds += 1
            lines = attempt.lines() if first is None or attempt.trims else first
            first = lines if first is None else first
            attempt.round(lines)
        weights = restored(problem, attempt.weights, attempt.trims)
        unexplained = attempt.unexplained(weights)
        if attempt.finished and unexplained:
            level.update(unexplained)
            if rounds < max_iter:
                continue
        return Explanation(
            weights=weights,
            level=level,
            trims=attempt.trims,
            scores=seen,
            rounds=rounds,
            converged=attempt.finished and not unexplained,
        )


def restored(problem: Problem, weights: np.ndarray, trims: list[Trim]) -> np.ndarray:
    """Give back what samples lost until ε stays out, those first that are least far out in all thinned projections."""
    missing = 1 - problem.contamination - float(weights.sum())
    if missing <= _ROUNDING or not trims:
        return weights
    projections = np.stack([trim.line.projection for trim in trims], axis=1)
    z = standardised(projections, weights / weights.sum(), problem.share, problem.known)
    lost = np.sum([trim.before - trim.after for trim in trims], axis=0)
    order = np.argsort(np.abs(z).max(axis=1), kind="stable")
    earlier = np.cumsum(lost[order]) - lost[order]
    back = np.zeros_like(lost)
    back[order] = np.clip(missing - earlier, 0, lost[order])
    return np.asarray(weights + back)


def scores_of(problem: Problem, line: Line, weights: np.ndarray) -> dict[Kind, float]:
    """Pull and tail of a line relative to their limits."""
    found = measure(line.projection[:, None], weights / weights.sum(), problem.share, problem.known)
    return dict(zip(KINDS, found.scores(line.limits)[:, 0].tolist(), strict=True))


def score_of(problem: Problem, line: Line, weights: np.ndarray) -> float:
    """The measure of a line relative to its limit."""
    return scores_of(problem, line, weights)[line.kind]


def is_clean(after: float, before: float) -> bool:
    """Whether a score is clean after thinning."""
    return after <= max(1.0, _PROGRESS * before)


class _Attempt:
    """Rounds at one level."""

    def __init__(self, problem: Problem, weights: np.ndarray, level: dict[Kind, float], seen: np.ndarray):
        self.problem, self.weights, self.level, self.seen = problem, weights, level, seen
        self.trims: list[Trim] = []
        self.rejected: dict[Kind, Suspect] = {}
        self.finished = False
        self._last: dict[Kind, float] = {}

    def lines(self) -> list[Suspect]:
        """The most suspicious projections of the samples under the current weights, the worst first."""
        problem, p = self.problem, self.weights / self.weights.sum()
        center = p @ problem.X if problem.center is None else problem.center
        Y, transform, principal = whiten(problem.X, p, center)
        found: list[Suspect] = []
        r, sample = Y.shape[1], self._sample(p)
        if r == 0:
            return []  # the samples with weight do not vary
        part = p[sample] / p[sample].sum()
        for dimension in dimensions(r, principal):
            coordinates = Y[:, r - dimension :]
            few = coordinates if len(sample) == len(p) else coordinates[sample]
            V = search(few, part, problem.share, problem.rng, problem.known)
            limits = clean_limits(1 / float(p @ p), dimension, problem.share)
            if len(sample) < len(p):
                scores = measure(few @ V, part, problem.share, problem.known).scores(limits)
                V = V[:, np.argsort(-scores.max(axis=0), kind="stable")[:_MEASURED]]
            projections = coordinates @ V
            measured = measure(projections, p, problem.share, problem.known)
            np.maximum(self.seen, np.abs(measured.standardised).max(axis=1), out=self.seen)
            for kind, scores in zip(KINDS, measured.scores(limits), strict=True):
                worst = np.argsort(-scores, kind="stable")[:_TRIED]
                for index in worst[scores[worst] > 1]:
                    direction = transform[:, r - dimension :] @ V[:, index]
                    line = Line(kind, projections[:, index].copy(), direction, limits)
                    found.append(Suspect(line, float(scores[index])))
        return sorted(found, key=lambda suspect: -suspect.score)

    def round(self, lines: list[Suspect]) -> None:
        """Thin suspicious projections, the worst first; finished if there are none to thin."""
        problem, thinned_now, tried = self.problem, 0, 0
        self._last = {}
        for line, first in lines:
            if first <= self.level[line.kind]:
                continue
            scores = scores_of(problem, line, self.weights)
            before = scores[line.kind]
            # Tails that differ because the inliers' do must not be made alike.
            spared = scores["tail"] < scores["pull"] <= self.level["pull"]
            if before <= self.level[line.kind] or spared:
                continue
            left = float(self.weights.sum()) - (1 - problem.budget) + _SLACK * problem.budget
            trimmed = thinned(line.projection, self.weights, problem.share, line.kind, line.limits, left, problem.known)
            taken = float(self.weights.sum() - trimmed.sum())
            if taken <= 1e-9:
                continue
            tried += 1
            if taken <= left and is_clean(score_of(problem, line, trimmed), before):
                self.trims.append(Trim(line, before, self.weights, trimmed))
                self.weights = trimmed
                thinned_now += 1
            else:
                self._last[line.kind] = max(self._last.get(line.kind, 0.0), before)
                if line.kind not in self.rejected or self.rejected[line.kind].score < before:
                    self.rejected[line.kind] = Suspect(line, before)
            if thinned_now == _THINNED or tried == _TRIED:
                break
        self.finished = thinned_now == 0

    def unexplained(self, weights: np.ndarray) -> dict[Kind, float]:
        """The largest scores of projections that are not explained by what the restored weights leave out."""
        result = dict(self._last)
        for line, before in [*((trim.line, trim.score) for trim in self.trims), *self.rejected.values()]:
            if not is_clean(score_of(self.problem, line, weights), before):
                result[line.kind] = max(result.get(line.kind, 0.0), before)
        return result

    def _sample(self, p: np.ndarray) -> np.ndarray:
        """Rows among which directions are searched."""
        present = np.flatnonzero(p)
        if len(p) <= _SEARCHED:
            return np.arange(len(p))
        size = min(_SEARCHED, len(present))
        return np.sort(self.problem.rng.choice(present, size, replace=False))
