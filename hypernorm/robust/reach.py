"""Gross outliers within the reach of floating point: whatever they were, their squares do not overflow."""

from __future__ import annotations

import numpy as np

from hypernorm.exceptions import InvalidInputError

__all__ = ["check_reach", "check_units", "pull_in"]

# In median deviations: further than any inlier, and near enough that fourth powers do not overflow.
_FURTHEST = 1e40
# Median deviations whose squares are far from over- and underflow.
_LARGEST = 1e100
# Median deviations beside which others are still seen: their fourth powers do not overflow.
_REACH = 1e70


def _median_deviations(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median of each column, and the median distance from it; where that is zero, of the other entries only.

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
    # In a column of which more than half is constant the other entries tell the unit.
    for column in np.flatnonzero(deviations == 0):
        others = distances[distances[:, column] > 0, column]
        deviations[column] = np.median(others) if len(others) else 1.0
    return middle, deviations


def check_units(X: np.ndarray, name: str = "X", largest: float = _LARGEST) -> tuple[np.ndarray, np.ndarray]:
    """Refuse columns whose squares over- or underflow; median and median deviation of each, which `pull_in` takes.

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
    """Refuse samples with an entry so far out that nothing about the others could be computed beside it.

    Raises
    ------
    InvalidInputError
        If an entry is further from the median of its column than 10⁷⁰ median deviations.
    """
    entries = np.abs(X)
    if entries.max(initial=0.0) / _REACH <= entries.min(initial=np.inf, where=entries > 0):
        return  # the usual case, without medians: deviations of floating-point numbers are not much smaller than they
    middle, units = _median_deviations(X)
    with np.errstate(over="ignore"):
        bad = np.argwhere(np.abs(X - middle) / _REACH > units)
    if len(bad):
        i, j = bad[0]
        raise InvalidInputError(
            f"X[{i}, {j}] = {X[i, j]:.3g} is more than {_REACH:.0e} median deviations from the rest of its column. If "
            "such numbers stand for missing values, leave their rows out."
        )


def pull_in(
    X: np.ndarray, furthest: float = _FURTHEST, *, units: tuple[np.ndarray, np.ndarray] | None = None
) -> np.ndarray:
    """Entries at most so many median deviations from the median of their column; `units` as from `check_units`.

    Examples
    --------
    >>> pull_in(np.array([[1.0], [2.0], [3.0], [1e300]])).ravel().tolist()
    [1.0, 2.0, 3.0, 1e+40]
    """
    middle, deviations = _median_deviations(X) if units is None else units
    with np.errstate(over="ignore"):
        return np.clip(X, middle - furthest * deviations, middle + furthest * deviations)
