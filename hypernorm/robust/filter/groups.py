"""Two groups among the projections of samples on a direction, and the size of the smaller one."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import expit, logit

__all__ = ["smaller_group"]

# Least distance in standard deviations. A mixture has two peaks from 2 on, but its fitted weights are poor up to here.
_APART = 2.5
_ROUNDS = 60
_STILL = 1e-3


def smaller_group(projection: np.ndarray, weights: np.ndarray, start: np.ndarray) -> float:
    """Weight of the smaller of two groups, or zero if the projections do not fall into two groups.

    The groups are fitted by a mixture of two normal distributions of the same variance (expectation maximisation).

    Parameters
    ----------
    projection : ndarray of shape (n,)
    weights : ndarray of shape (n,)
        Sum to one.
    start : ndarray of shape (n,), dtype bool
        Initial members of one of the groups.

    Examples
    --------
    >>> import numpy as np
    >>> projection = np.concatenate([np.linspace(-1, 1, 60), np.linspace(7, 9, 20)])
    >>> round(smaller_group(projection, np.full(80, 1 / 80), projection > 8), 3)
    0.25
    """
    member = start.astype(float)
    for _ in range(_ROUNDS):
        weight = float(weights @ member)
        if not 0.0 < weight < 1.0:
            return 0.0
        first, second = (
            float(weights * member @ projection) / weight,
            float(weights * (1 - member) @ projection) / (1 - weight),
        )
        variance = float(weights @ (member * (projection - first) ** 2 + (1 - member) * (projection - second) ** 2))
        if variance <= 0:
            break  # two points
        halfway = projection - (first + second) / 2
        previous, member = member, expit(halfway * ((first - second) / variance) + float(logit(weight)))
        if float(np.abs(member - previous).max()) < _STILL:
            break
    apart = abs(first - second) > _APART * math.sqrt(variance)
    return min(weight, 1 - weight) if apart else 0.0
