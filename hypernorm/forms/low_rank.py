"""A matrix given as the product of two factors with few columns, which is never formed."""

from __future__ import annotations

from typing import Any

from hypernorm._validation import RowMatrix, check_rows
from hypernorm.exceptions import InvalidInputError

__all__ = ["LowRank"]


class LowRank:
    """The matrix UVᵀ, given by its factors.

    Parameters
    ----------
    left : array_like of shape (n, k)
        U; private copies of both factors are kept.
    right : array_like of shape (d, k)
        V.

    Attributes
    ----------
    shape : tuple of int
        (n, d).
    left, right : ndarray or csr_array

    Raises
    ------
    InvalidInputError
        If a factor is no matrix of real numbers, or if they differ in the number of columns.

    See Also
    --------
    hypernorm.singular_values : Accepts one in place of a matrix, as `hypernorm.schatten_norm` does.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> ones = np.ones((1_000, 1))
    >>> matrix = hn.LowRank(ones, ones)
    >>> matrix.shape, round(hn.schatten_norm(matrix, 1).lower, 6)
    ((1000, 1000), 1000.0)
    """

    def __init__(self, left: Any, right: Any):
        self.left: RowMatrix = check_rows(left, "left")
        self.right: RowMatrix = check_rows(right, "right")
        if self.left.shape[1] != self.right.shape[1]:
            raise InvalidInputError(
                f"left and right must have as many columns as one another, got the shapes {self.left.shape} and "
                f"{self.right.shape}; the matrix is left @ right.T."
            )
        self.shape: tuple[int, int] = (int(self.left.shape[0]), int(self.right.shape[0]))

    def __repr__(self) -> str:
        return f"LowRank({self.shape[0]} x {self.shape[1]}, {self.left.shape[1]} columns)"
