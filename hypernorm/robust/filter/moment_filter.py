"""The moment filter: remove weight from samples until no direction looks contaminated.

Every round (`hypernorm.robust.filter.rounds`) centers and whitens the samples under the current weights, so that units
and scales do not matter. It then looks for directions whose projections have an extreme fourth or third moment, or more
weight on one side of the mean, compared with Gaussian samples of the same size. The tails of these projections lose
weight (`hypernorm.robust.filter.trimming`), first where mean and median differ most. The rounds end when every
projection looks clean or the removal budget of 1.5 ε is used up.

A group with more weight than outliers can have, 1.5 ε and what chance adds to ε, consists of inliers at least in part.
To remove a part of it would move their mean, so it is left alone (`hypernorm.robust.filter.groups`).

The fourth moment alone is blind to a single cluster of about 21% of the samples, which leaves it at 3. The third moment
sees that cluster, and small fourth moments reveal larger ones.
"""

from __future__ import annotations

import numpy as np

from hypernorm._arguments import Seed, check_generator
from hypernorm._arithmetic import own_arithmetic
from hypernorm._parallel import shared_threads
from hypernorm.robust.filter.rounds import Rounds
from hypernorm.robust.location import RobustLocation
from hypernorm.robust.weights import check_filter

__all__ = ["filter_by_moments", "moment_filter"]


@own_arithmetic
def moment_filter(
    X: np.ndarray,
    contamination: float,
    *,
    base_weights: np.ndarray | None = None,
    center: np.ndarray | None = None,
    whitened: bool = True,
    max_iter: int = 100,
    random_state: Seed = None,
) -> RobustLocation:
    """Remove weight from outlying samples, by third and fourth moments in whitened coordinates.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Finite, in double precision.
    contamination : float
        Fraction ε of outliers, in [0, 0.5). At most 1.5 ε of the weight is removed, and never more than half.
    base_weights : ndarray of shape (n,), optional
        Sum to one; equal by default.
    center : ndarray of shape (d,), optional
        Known center; by default mean and median are measured in every round.
    whitened : bool, default True
        False divides by one common scale instead, and so looks in the directions of large variance only.
    max_iter : int, default 100
        Limit on the rounds.
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

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((500, 3))
    >>> X[:50, 2] += 5
    >>> found = moment_filter(X, 0.1, random_state=0)
    >>> bool(found.weights[:50].sum() < 0.01), found.removals[0].reason
    (True, 'asymmetry')
    """
    X, contamination, base = check_filter(X, contamination, base_weights, max_iter)
    rng = check_generator(random_state)
    return filter_by_moments(X, contamination, base, rng, center=center, whitened=whitened, max_iter=max_iter)


def filter_by_moments(
    X: np.ndarray,
    contamination: float,
    base: np.ndarray,
    rng: np.random.Generator,
    *,
    center: np.ndarray | None = None,
    whitened: bool = True,
    max_iter: int = 100,
) -> RobustLocation:
    """`moment_filter` for arguments that have been checked."""

    def started(groups: list[np.ndarray]) -> Rounds:
        rounds = Rounds(X, base, contamination, center, rng, groups, whitened=whitened)
        rounds.drop_far_samples()
        return rounds

    with shared_threads():
        rounds = started([])
        rounds.run(max_iter)
        if rounds.groups:
            # Start again, to give back what a group lost before it was seen to be too large.
            rounds = started(rounds.groups)
            rounds.run(max_iter)
        restart = contamination > 0 and center is None and whitened
        if restart and (suspicion := rounds.suspicion()) > 1:
            # What is left does not look clean. A tight cluster is a spike in the middle of most projections, whose
            # tails are then inliers; a start without the samples that make the variance large avoids this.
            other = started(rounds.groups)
            if other.drop_variance():
                other.run(max_iter)
                # Where groups were spared neither result can look clean, and what the groups hide counts more.
                if other.groups or suspicion > max(other.suspicion(), 1.0):
                    rounds = other
    weights = rounds.weights / rounds.weights.sum()
    return RobustLocation(
        location=weights @ X if center is None else center,
        weights=weights,
        scores=rounds.scores,
        contamination=contamination,
        removals=tuple(rounds.removals),
        removed=float(base.sum() - rounds.weights.sum()),
        criterion=rounds.criterion,
        n_iter=rounds.count,
        converged=rounds.converged,
    )
