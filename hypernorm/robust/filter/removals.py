"""What a filter returns: weights, and what was removed and why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["ALLOWANCE", "Filtered", "Removal"]

ALLOWANCE = 1.5
"""Weight that a filter may take, relative to the contamination: inliers lose some along with the outliers."""


@dataclass(frozen=True, eq=False)
class Removal:
    """Why samples lost weight.

    Attributes
    ----------
    reason : str
        ``"asymmetry"``, ``"heavy tails"``, ``"two groups"``, ``"distance"`` or ``"variance"``.
    weight : float
        Share of the base weights that was taken.
    direction : ndarray of shape (d,) or None
        Vector on which the samples were projected; None where it was not for one direction.
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
