"""Winsorised entries: gross outliers clipped so that their squares do not overflow, and limits on units."""

from __future__ import annotations

import numpy as np

from hypernorm.exceptions import InvalidInputError

__all__ = ["check_reach", "check_units", "winsorised"]

# Limit on entries, in median deviations: beyond any inlier, and without overflow of fourth powers.
_FURTHEST = 1e40
# Limit on median deviations, whose squares must be far from over- and underflow.
_LARGEST = 1e100
# Limit on entries where nothing is clipped, in median deviations: fourth powers do not overflow.
_REACH = 1e70


def _median_deviations(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median of each column, and median distance from it; where that is zero, without the entries at the median.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Finite.

    Returns
    -------
    medians, deviations : ndarray of shape (d,)
        The deviation of a constant column is one.
    """
    middle = np.median(X, axis=0)
    with np.errstate(over="ignore"):
        distances = np.abs(X - middle)
    deviations = np.median(distances, axis=0)
    # Where more than half of a column is constant, the other entries give its unit.
    for column in np.flatnonzero(deviations == 0):
        others = distances[distances[:, column] > 0, column]
        deviations[column] = np.median(others) if len(others) else 1.0
    return middle, deviations


def check_units(X: np.ndarray, name: str = "X", largest: float = _LARGEST) -> tuple[np.ndarray, np.ndarray]:
    """Refuse columns whose squares over- or underflow; return their medians and median deviations for `winsorised`.

    Raises
    ------
    InvalidInputError
        If the median deviation of a column is above `largest` or below its reciprocal.
    """
    middle, units = _median_deviations(X)
    bad = np.flatnonzero((units > largest) | (units < 1 / largest))
    if len(bad):
        raise InvalidInputError(
            f"The deviations in column {bad[0]} of {name} are about {units[bad[0]]:.0e}, too "
            f"{'large' if units[bad[0]] > 1 else 'small'} for their squares; change the unit of measurement."
        )
    return middle, units


def check_reach(X: np.ndarray) -> None:
    """Refuse samples with an entry so far out that it would drown all others.

    Raises
    ------
    InvalidInputError
        If an entry is further from the median of its column than 10⁷⁰ median deviations.
    """
    entries = np.abs(X)
    if entries.max(initial=0.0) / _REACH <= entries.min(initial=np.inf, where=entries > 0):
        return  # the usual case needs no medians: deviations of floats are not much smaller than the floats
    middle, units = _median_deviations(X)
    with np.errstate(over="ignore"):
        bad = np.argwhere(np.abs(X - middle) / _REACH > units)
    if len(bad):
        i, j = bad[0]
        raise InvalidInputError(
            f"X[{i}, {j}] = {X[i, j]:.3g} is more than {_REACH:.0e} median deviations from the rest of its column. If "
            "such numbers stand for missing values, leave their rows out."
        )


def winsorised(
    X: np.ndarray, furthest: float = _FURTHEST, *, units: tuple[np.ndarray, np.ndarray] | None = None
) -> np.ndarray:
    """Clip entries at `furthest` median deviations from the median of their column.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    furthest : float
    units : tuple of two ndarrays of shape (d,), optional
        Medians and median deviations, as returned by `check_units`.

    Examples
    --------
    >>> winsorised(np.array([[1.0], [2.0], [3.0], [1e300]])).ravel().tolist()
    [1.0, 2.0, 3.0, 1e+40]
    """
    middle, deviations = _median_deviations(X) if units is None else units
    with np.errstate(over="ignore"):
        return np.clip(X, middle - furthest * deviations, middle + furthest * deviations)
