"""Row numbers that were written beside the data: left out where that is certain, otherwise asked about."""

from __future__ import annotations

import re

import numpy as np

from hypernorm.exceptions import InvalidInputError

__all__ = ["without_row_labels"]

# What pandas calls a column without a name, one that was read and written several times too.
_UNNAMED = re.compile(r"Unnamed: 0(\.\d+)*")
# What pandas and R call row numbers that they made a column.
_NUMBERING = frozenset({"index", "level_0", "rownames", "row.names", "...1"})
_CHOICE = "pass index=True (--index) to leave it out, index=False (--no-index) if it is data"


def without_row_labels(
    matrix: np.ndarray, names: list[str] | None, index: bool | None, name: str, *, whole: bool = False
) -> np.ndarray:
    """The matrix without a first column of row labels.

    Parameters
    ----------
    matrix : ndarray of shape (n, d)
    names : list of str, optional
        Of the columns, None if there is no header.
    index : bool, optional
        Whether the first column is one; None to find out.
    name : str
        How error messages call the file.
    whole : bool
        Without names, whether the first column is written as whole numbers, unlike the others.

    Raises
    ------
    InvalidInputError
        If it cannot be told, or nothing would be left.
    """
    if index is False:
        return matrix
    if index:
        matrix, names = _rest(matrix, name), names and names[1:]
    if names is None:
        if not index and matrix.shape[1] > 1 and _counts(matrix) and len(matrix) >= (2 if whole else 3):
            raise InvalidInputError(f"{name} has a first column that numbers the rows; {_CHOICE}.")
        return matrix
    names = [str(label).strip() for label in names]
    while matrix.shape[1] > 1 and (names[0] == "" or _UNNAMED.fullmatch(names[0])):
        if not _counts(matrix):
            remedy = "remove it, or give it a name if it is data" if index else _CHOICE
            raise InvalidInputError(f"{name} has a first column of data without a name; {remedy}.")
        matrix, names = _rest(matrix, name), names[1:]
    if not index and matrix.shape[1] > 1 and names[0] in _NUMBERING and _counts(matrix):
        raise InvalidInputError(f"{name} has a first column {names[0]!r} that numbers the rows; {_CHOICE}.")
    return matrix


def _rest(matrix: np.ndarray, name: str) -> np.ndarray:
    if matrix.shape[1] < 2:
        raise InvalidInputError(f"{name} has one column only, the labels of its rows; {_CHOICE}.")
    return np.ascontiguousarray(matrix[:, 1:])


def _counts(matrix: np.ndarray) -> bool:
    """Whether the first column is 0, 1, 2, ... or 1, 2, 3, ..."""
    column, numbers = matrix[:, 0], np.arange(len(matrix))
    return bool((column == numbers).all() or (column == numbers + 1).all())
