"""Whether the projections of samples on a line fall into two groups, and how large the smaller one is."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import expit, logit

__all__ = ["smaller_group"]

# Two normal distributions of equal variance have two peaks from a distance of two standard deviations on; up to this
# one the fit tells their weights badly.
_APART = 2.5
_ROUNDS = 60
_STILL = 1e-3


def smaller_group(line: np.ndarray, share: np.ndarray, start: np.ndarray) -> float:
    """Weight of the smaller of two groups on a line, or zero if the samples do not fall into two.

    Expectation and maximisation for a mixture of two normal distributions of the same variance.

    Parameters
    ----------
    line : ndarray of shape (n,)
    share : ndarray of shape (n,)
        Weights; they sum to one.
    start : ndarray of shape (n,), dtype bool
        Samples that are taken for one of the groups in the beginning.

    Examples
    --------
    >>> import numpy as np
    >>> line = np.concatenate([np.linspace(-1, 1, 60), np.linspace(7, 9, 20)])
    >>> round(smaller_group(line, np.full(80, 1 / 80), line > 8), 3)
    0.25
    """
    member = start.astype(float)
    for _ in range(_ROUNDS):
        weight = float(share @ member)
        if not 0.0 < weight < 1.0:
            return 0.0
        first, second = float(share * member @ line) / weight, float(share * (1 - member) @ line) / (1 - weight)
        variance = float(share @ (member * (line - first) ** 2 + (1 - member) * (line - second) ** 2))
        if variance <= 0:
            break  # two points
        halfway = line - (first + second) / 2
        previous, member = member, expit(halfway * ((first - second) / variance) + float(logit(weight)))
        if float(np.abs(member - previous).max()) < _STILL:
            break
    apart = abs(first - second) > _APART * math.sqrt(variance)
    return min(weight, 1 - weight) if apart else 0.0
