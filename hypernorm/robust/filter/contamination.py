"""The moment filter where the fraction of outliers may be unknown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from hypernorm._arguments import check_contamination
from hypernorm.exceptions import InvalidInputError
from hypernorm.robust.filter.moment_filter import filter_by_moments
from hypernorm.robust.location import RobustLocation

__all__ = ["AUTO_CONTAMINATION", "LARGEST_ESTIMATE", "check_contamination_or_auto", "filter_samples"]

AUTO_CONTAMINATION = 0.3
"""The fraction of outliers that "auto" allows for, and that proofs rest on: what it finds is only an estimate."""
LARGEST_ESTIMATE = 0.49
"""What "auto" finds is less than a half."""


def check_contamination_or_auto(contamination: Any) -> float | None:
    """Return the fraction of outliers as a float in [0, 0.5), or None for ``"auto"``."""
    if isinstance(contamination, str):
        if contamination != "auto":
            raise InvalidInputError(f"contamination must be a number in [0, 0.5) or 'auto', got {contamination!r}.")
        return None
    return check_contamination(contamination)


def filter_samples(
    X: np.ndarray, contamination: float | None, base: np.ndarray, rng: np.random.Generator, **options: Any
) -> RobustLocation:
    """Run the moment filter, and estimate the contamination by what it removes if none is given.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Finite, in double precision; nothing is checked.
    contamination : float or None
        None allows for 30% and estimates the fraction. Heavy tails of the inliers then count as outliers, because the
        reference for clean samples is Gaussian.
    base : ndarray of shape (n,)
        Base weights, which sum to one.
    rng : numpy.random.Generator
    **options
        For `filter_by_moments`.
    """
    if contamination is not None:
        return filter_by_moments(X, contamination, base, rng, **options)
    found = filter_by_moments(X, AUTO_CONTAMINATION, base, rng, **options)
    return replace(found, contamination=min(found.removed, LARGEST_ESTIMATE))
