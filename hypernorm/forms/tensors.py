"""Tensors as matrices: the unfolding along an axis has one row for each index of that axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from hypernorm._validation import check_matrix
from hypernorm.exceptions import InvalidInputError

__all__ = ["unfoldings"]

_MOST_AXES = 32


def unfoldings(tensor: Any) -> list[np.ndarray]:
    """Private copies of the unfoldings of a tensor, one for each axis.

    Parameters
    ----------
    tensor : array_like

    Returns
    -------
    list of ndarray

    Raises
    ------
    InvalidInputError
        If the tensor has one axis only, more than 32, or entries that cannot be used.

    See Also
    --------
    hypernorm.tucker_error : Uses their singular values.

    Examples
    --------
    >>> [part.shape for part in unfoldings(np.zeros((2, 3, 4)))]
    [(2, 12), (3, 8), (4, 6)]
    """
    array = np.asarray(tensor)
    if not 2 <= array.ndim <= _MOST_AXES or 0 in array.shape:
        raise InvalidInputError(
            f"tensor must be an array with 2 to {_MOST_AXES} axes, none empty, got the shape {array.shape}."
        )
    own = np.asarray(check_matrix(array.reshape(array.shape[0], -1), "tensor", copy=True)).reshape(array.shape)
    return [np.ascontiguousarray(np.moveaxis(own, axis, 0)).reshape(own.shape[axis], -1) for axis in range(own.ndim)]
