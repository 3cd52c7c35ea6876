"""Gross outliers within the reach of floating point: whatever they were, their squares do not overflow."""

from __future__ import annotations

import numpy as np

from hypernorm.exceptions import InvalidInputError

__all__ = ["pull_in"]

# In median deviations: further than any inlier, and near enough that fourth powers do not overflow.
_FURTHEST = 1e40
# Median deviations whose squares are far from over- and underflow.
_LARGEST = 1e100


def pull_in(X: np.ndarray, name: str = "X") -> np.ndarray:
    """Entries at most 10⁴⁰ median deviations from the median of their column.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Finite.
    name : str
        For messages.

    Returns
    -------
    ndarray of shape (n, d)

    Raises
    ------
    InvalidInputError
        If the median deviation of a column, or what takes its place in a column of which more than half is constant,
        is so large or small that its square over- or underflows.

    Examples
    --------
    >>> pull_in(np.array([[1.0], [2.0], [3.0], [1e300]])).ravel().tolist()
    [1.0, 2.0, 3.0, 1e+40]
    """
    middle = np.median(X, axis=0)
    with np.errstate(over="ignore"):
        deviations = np.abs(X - middle)
    units = np.median(deviations, axis=0)
    # In a column of which more than half is constant the other entries tell the unit.
    for column in np.flatnonzero(units == 0):
        others = deviations[deviations[:, column] > 0, column]
        units[column] = np.median(others) if len(others) else 1.0
    bad = np.flatnonzero((units > _LARGEST) | (units < 1 / _LARGEST))
    if len(bad):
        raise InvalidInputError(
            f"The deviations in column {bad[0]} of {name} are about {units[bad[0]]:.0e}, too "
            f"{'large' if units[bad[0]] > 1 else 'small'} for their squares; change the unit of measurement."
        )
    return np.clip(X, middle - _FURTHEST * units, middle + _FURTHEST * units)
