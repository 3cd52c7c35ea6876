"""Remove row labels that were saved with the data; refuse ambiguous cases."""

from __future__ import annotations

import re

import numpy as np

from hypernorm.exceptions import InvalidInputError

__all__ = ["without_row_labels"]

# Name that pandas gives to a column without a name, also after several rounds of reading and writing.
_UNNAMED = re.compile(r"Unnamed: 0(\.\d+)*")
# Names that pandas and R give to a column of row numbers.
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
        Names of the columns; None without a header.
    index : bool, optional
        Whether the first column holds row labels; None to detect them.
    name : str
        Name of the file in error messages.
    whole : bool, default False
        Whether the first column consists of whole numbers and the others do not; used without names.

    Raises
    ------
    InvalidInputError
        If the first column is ambiguous, or no other column is left.
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
