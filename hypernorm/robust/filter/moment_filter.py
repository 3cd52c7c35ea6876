"""The moment filter: leave out what moves the mean of a projection, or makes its tails heavy.

The method is one statement:

    Center and scale of a projection come from its shortest interval with a given share of the samples; its tails lie
    beyond two of these deviations. A projection is suspicious when its tails move the mean (pull) or are heavy (tail)
    by more than in clean Gaussian samples of that size, times a level. The heavier tail is thinned to the lighter one,
    or both to the Gaussian ones; the most suspicious projections come first. What outliers cannot explain, a fraction
    of at most 1.5 ε while searching and ε at the end, belongs to the inliers: the level is the least one, from one on,
    at which they explain all that passes it.

`lines` has the measure, `directions` the search for projections, `explanation` the levels, `starts` the two sets of
weights from which the samples are explained. The better explanation counts. theory/robust of the documentation has the
reasons.
"""

from __future__ import annotations

import numpy as np

from hypernorm._arguments import Seed, check_generator
from hypernorm._arithmetic import own_arithmetic
from hypernorm._parallel import shared_threads
from hypernorm.robust.filter.explanation import Explanation, Problem, explain
from hypernorm.robust.filter.starts import without_far_samples, without_variance
from hypernorm.robust.location import Removal, RobustLocation
from hypernorm.robust.weights import check_filter

__all__ = ["filter_by_moments", "moment_filter"]

_REASONS = {"pull": "asymmetry", "tail": "heavy tails"}
# The second start is tried where the level is above this. It counts if its own is not higher, and lower by this factor
# where the direction in which the mean moves was not suspicious.
_HIGH = 2.0


@own_arithmetic
def moment_filter(
    X: np.ndarray,
    contamination: float,
    *,
    base_weights: np.ndarray | None = None,
    center: np.ndarray | None = None,
    max_iter: int = 100,
    random_state: Seed = None,
) -> RobustLocation:
    """Leave out what moves the mean of a projection, or makes its tails heavy.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Finite, in double precision.
    contamination : float
        Fraction ε of outliers, in [0, 0.5); at most ε of the weight is removed.
    base_weights : ndarray of shape (n,), optional
        Sum to one; equal by default.
    center : ndarray of shape (d,), optional
        Known center. Then only heavy tails are looked for.
    max_iter : int, default 100
        Limit on the rounds of either start.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState

    Returns
    -------
    RobustLocation
        Without certificate and error bound.

    Raises
    ------
    InvalidInputError
        If an argument cannot be used.

    See Also
    --------
    robust_mean : this filter with a proved error bound.
    covariance_filter, quantum_entropy_filter : filters by second moments.

    Notes
    -----
    Center and scale of a projection come from its shortest interval with the share 1 − 1.5 ε of the samples (at least
    half, at most 80%); its tails lie beyond two of these deviations. A projection is suspicious when its tails move the
    mean or are heavy by more than in clean Gaussian samples of that size, times a level. The heavier tail is thinned to
    the lighter one, or both to the Gaussian ones; the most suspicious projections come first. What a fraction ε of
    outliers cannot explain belongs to the inliers: the level is the least one, from one on, at which they explain all
    that passes it. So a tail that ε can explain is treated as contamination.

    The section on the moment filter in theory/robust of the documentation.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((500, 3))
    >>> X[:50, 2] += 5
    >>> found = moment_filter(X, 0.1, random_state=0)
    >>> bool(found.weights[:50].sum() < 0.01), bool(found.weights[50:].min() > 0)
    (True, True)
    """
    X, contamination, base = check_filter(X, contamination, base_weights, max_iter)
    rng = check_generator(random_state)
    return filter_by_moments(X, contamination, base, rng, center=center, max_iter=max_iter)


def filter_by_moments(
    X: np.ndarray,
    contamination: float,
    base: np.ndarray,
    rng: np.random.Generator,
    *,
    center: np.ndarray | None = None,
    max_iter: int = 100,
) -> RobustLocation:
    """`moment_filter` for arguments that have been checked."""
    problem = Problem(X=X, contamination=contamination, center=center, rng=rng)
    with shared_threads():
        removals = []
        start = without_far_samples(problem, base)
        if (dropped := float(base.sum() - start.sum())) > 0:
            removals.append(Removal(reason="distance", weight=dropped))
        found = explain(problem, start, max_iter)
        second = None
        if found.height > _HIGH and center is None:
            second = without_variance(problem, start)
        if second is not None:
            other = explain(problem, second.weights, max_iter)
            if other.height * (1.0 if second.pull > 1 else _HIGH) <= found.height:
                removals.append(Removal(reason="variance", weight=float(start.sum() - second.weights.sum())))
                found = other
    return _located(problem, base, removals, found)


def _located(problem: Problem, base: np.ndarray, removals: list[Removal], found: Explanation) -> RobustLocation:
    for trim in found.trims:
        taken = float((trim.before - np.maximum(trim.after, np.minimum(found.weights, trim.before))).sum())
        if taken > 0:
            removals.append(
                Removal(reason=_REASONS[trim.line.kind], weight=taken, direction=trim.line.direction, score=trim.score)
            )
    weights = found.weights / found.weights.sum()
    return RobustLocation(
        location=weights @ problem.X if problem.center is None else problem.center,
        weights=weights,
        scores=found.scores,
        contamination=problem.contamination,
        removals=tuple(removals),
        removed=float(base.sum() - found.weights.sum()),
        criterion=max(found.level.values()),
        n_iter=found.rounds,
        converged=found.converged,
    )
