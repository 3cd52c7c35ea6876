"""A matrix whose rows are read block by block, or its transpose, with products: the rows of a Dask array."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hypernorm.forms.rows import Rows

__all__ = ["BlockMatrix"]


class BlockMatrix:
    """Rows in blocks, or their transpose, which are never all in memory.

    Parameters
    ----------
    rows : Rows
    is_transposed : bool, default False
    is_absolute : bool, default False
        Whether the entries are the magnitudes of those of the rows.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
        float64.

    See Also
    --------
    Rows : Rows in blocks.
    ScaledMatrix : A matrix in memory, or one of these.

    Examples
    --------
    >>> import numpy as np
    >>> A = BlockMatrix(Rows(np.array([[0.5, 0.0], [0.25, -0.75]])))
    >>> (A @ np.ones(2)).tolist(), (abs(A).T @ np.ones(2)).tolist()
    ([0.5, -0.5], [0.75, 0.75])
    >>> A.toarray().shape, [block.shape for block in A.blocks()]
    ((2, 2), [(2, 2)])
    >>> [block.tolist() for block in A.mapped(lambda block, factors: factors[:, None] * block, np.arange(2)).blocks()]
    [[[0.0, 0.0], [0.25, -0.75]]]
    """

    dtype = np.dtype(np.float64)

    def __init__(self, rows: Rows, is_transposed: bool = False, is_absolute: bool = False):
        self.rows, self.is_transposed, self.is_absolute = rows, is_transposed, is_absolute
        self.shape: tuple[int, int] = rows.shape[::-1] if is_transposed else rows.shape
        self._map: tuple[Callable[..., np.ndarray], np.ndarray] | None = None

    @property
    def T(self) -> BlockMatrix:
        """The transpose."""
        return BlockMatrix(self.rows, not self.is_transposed, self.is_absolute)

    def __abs__(self) -> BlockMatrix:
        return BlockMatrix(self.rows, self.is_transposed, True)

    def mapped(self, function: Callable[..., np.ndarray], factors: np.ndarray) -> BlockMatrix:
        """What `blocks` returns, after a function of each block and the factors, one for each row, that belong to it.

        The result has no products and no transpose.

        Parameters
        ----------
        function : callable
            Of a block and its factors.
        factors : ndarray

        Returns
        -------
        BlockMatrix
        """
        other = BlockMatrix(self.rows, self.is_transposed, self.is_absolute)
        other._map = function, factors
        return other

    def blocks(self) -> Iterator[np.ndarray]:
        """Blocks of rows, or for a transpose of columns, in order.

        Returns
        -------
        iterator of ndarray
        """
        step = self.rows.block_rows()
        for piece in self.rows.pieces:
            for start in range(piece.start, piece.stop, step):
                part = slice(start, min(start + step, piece.stop))
                block = self.rows.block(part.start, part.stop)
                block = np.abs(block) if self.is_absolute else block
                block = np.ascontiguousarray(block.T if self.is_transposed else block)
                if self._map is not None:
                    function, factors = self._map
                    block = function(block, factors if self.is_transposed else factors[part])
                yield block

    def __matmul__(self, X: np.ndarray) -> np.ndarray:
        """The product with an array, computed where the rows are; sums may have any order."""
        step, is_absolute = self.rows.block_rows(), self.is_absolute
        parts = self.rows.ranges(step)

        def blocks(rows: Rows, part: range) -> Iterator[tuple[slice, Any]]:
            for start in range(part.start, part.stop, step):
                stop = min(start + step, part.stop)
                block = rows.operand(start, stop)
                yield slice(start - part.start, stop - part.start), abs(block) if is_absolute else block

        def images(rows: Rows, part: range) -> np.ndarray:
            return np.concatenate([block @ X for _, block in blocks(rows, part)])

        def sums(rows: Rows, part: range, own: np.ndarray) -> np.ndarray:
            return np.asarray(sum(block.T @ own[place] for place, block in blocks(rows, part)))

        if self.is_transposed:
            return np.asarray(sum(self.rows.partials(sums, parts, X)))
        return np.concatenate(list(self.rows.partials(images, parts)))

    def __getitem__(self, chosen: Any) -> np.ndarray:
        """Some rows of a matrix that is not a transpose: a slice, or distinct indices."""
        if isinstance(chosen, slice):
            return self.rows.block(chosen.start, chosen.stop)
        return self.rows.taken(np.asarray(chosen))

    def toarray(self) -> np.ndarray:
        """The whole matrix, which must be small.

        Returns
        -------
        ndarray
        """
        return np.concatenate(list(self.blocks()), axis=1 if self.is_transposed else 0)
