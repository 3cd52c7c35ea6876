"""The moment filter where the share of outliers may be unknown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from hypernorm._arguments import check_contamination
from hypernorm.exceptions import InvalidInputError
from hypernorm.robust.filter.moment_filter import moment_filter
from hypernorm.robust.location import RobustLocation

__all__ = ["AUTO_ALLOWANCE", "check_contamination_or_auto", "filter_samples"]

AUTO_ALLOWANCE = 0.3
"""The share of outliers that "auto" allows for: what it finds is an estimate, which no proof can rest on."""
_BELOW_HALF = 0.49


def check_contamination_or_auto(contamination: Any) -> float | None:
    """Return the share of outliers as a float in [0, 0.5), or None for ``"auto"``."""
    if isinstance(contamination, str):
        if contamination != "auto":
            raise InvalidInputError(f"contamination must be a number in [0, 0.5) or 'auto', got {contamination!r}.")
        return None
    return check_contamination(contamination)


def filter_samples(X: np.ndarray, contamination: float | None, **options: Any) -> RobustLocation:
    """Run the moment filter, and estimate the contamination by what it removes if none is given.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    contamination : float or None
        None allows for 30%. Heavy tails of the inliers then count as outliers, because clean samples are taken to be
        Gaussian.
    **options
        For `moment_filter`.
    """
    if contamination is not None:
        return moment_filter(X, contamination, **options)
    found = moment_filter(X, AUTO_ALLOWANCE, **options)
    return replace(found, contamination=min(found.removed, _BELOW_HALF))
