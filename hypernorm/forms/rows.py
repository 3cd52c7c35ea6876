"""The rows of a matrix in blocks; every kernel reads its data through this module.

The matrix is scaled by a power of two so that its longest row has a length in (1/4, 1]. Quantities computed from the
rows then stay far from overflow for every unit of the input. The scaling is exact unless an entry falls below the
normal range; `Rows.inexact` reports this, and the proofs add the error.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import DTypeLike

from hypernorm._chunks import Chunks
from hypernorm._pages import LARGE_BYTES, Pages
from hypernorm._parallel import ordered_map, split_range
from hypernorm._validation import RowMatrix
from hypernorm.forms.identity import UNIDENTIFIED, fingerprint
from hypernorm.forms.memory import Memory
from hypernorm.forms.powers_of_two import as_float64, measured_rows, scaled, scaled_block

__all__ = ["Rows"]

Result = TypeVar("Result")

# Blocks of about this many entries stay in the second-level cache together with their images.
_BLOCK_ENTRIES = 1 << 17
# Number of independent partial sums. It is constant, so the rounding does not depend on the number of threads.
_RANGES = 16


class Rows(Memory):
    """Rows ``multiplier[i] * X[i] * 2**-exponent`` of a matrix, in blocks.

    Parameters
    ----------
    matrix : ndarray, csr_array, Chunks or Pages of shape (n, d)
        As returned by `hypernorm._validation.check_rows`.
    fingerprint : str
        Of the matrix, see `identified`; by default zeros, for rows that a proof computes from other data.

    Attributes
    ----------
    shape : tuple of int
    exponent : int
        Exponent of the scale: the matrix was divided by 2**exponent.
    inexact : bool
        Whether the scaling lost bits of entries that are smaller than 2**-969 times the longest row. Each such entry
        changed by at most 2**-1074.
    row_exponents, row_squares : ndarray of shape (n,)
        The squared length of row i is ``row_squares[i] * 4**row_exponents[i]``, the first factor in [1/4, d] or zero.
        It is the length of the scaled row before the multiplier is applied.
    multiplier : ndarray of shape (n,) or None
        Factor of each row, set by `reweighted`.
    shift : ndarray of shape (d,) or None
        What `shifted` subtracts from every row.

    See Also
    --------
    ScaledMatrix : A matrix for norms that need no blocks of rows.

    Examples
    --------
    >>> import numpy as np
    >>> rows = Rows.identified(np.array([[3.0, 0.0], [0.0, 4.0], [1.0, 1.0]]))
    >>> rows.shape, len(rows.fingerprint), rows.exponent
    ((3, 2), 64, 3)
    >>> rows.block(0, 1) * 2.0**rows.exponent, rows.images(np.ones(2)) * 2.0**rows.exponent
    (array([[3., 0.]]), array([3., 4., 2.]))
    >>> rows.taken(np.array([2])).shape, rows.operand(0, 2).shape, rows.block_rows() >= 3
    ((1, 2), (2, 2), True)
    >>> sums = rows.partials(lambda rows, part: rows.block(part.start, part.stop).sum(), rows.ranges(3))
    >>> [float(part) for part in sums]
    [1.125]
    >>> rows.depth(3) >= 3
    True
    >>> rows.reweighted(np.array([1.0, 2.0, 0.0])).block(2, 3), rows.shifted(np.ones(2)).block(0, 1)
    (array([[0., 0.]]), array([[-0.625, -1.   ]]))
    >>> rows.kept("sum", lambda: 9), rows.recall("sum")
    (9, 9)
    >>> rows.forget("sum")
    >>> rows.recall("sum") is None, rows.unguarded().shape
    (True, (3, 2))
    """

    def __init__(self, matrix: RowMatrix, fingerprint: str = UNIDENTIFIED):
        super().__init__()
        self.shape: tuple[int, int] = (int(matrix.shape[0]), int(matrix.shape[1]))
        self.multiplier: np.ndarray | None = None
        self.shift: np.ndarray | None = None
        self.fingerprint = fingerprint
        self._matrix: RowMatrix = matrix
        self._first = 0  # index of the first row of `_matrix` in the whole matrix
        self.exponent = 0
        self._measure()
        # A large matrix is scaled block by block when it is read.
        if not isinstance(matrix, Chunks | Pages) and (sp.issparse(matrix) or matrix.nbytes <= LARGE_BYTES):
            self._matrix = scaled(matrix, self.exponent)
            self._scale = 0
        else:
            self._scale = self.exponent

    @classmethod
    def identified(cls, matrix: RowMatrix) -> Rows:
        """The rows of a matrix, with its fingerprint.

        Parameters
        ----------
        matrix : ndarray, csr_array, Chunks or Pages of shape (n, d)

        Returns
        -------
        Rows
        """
        return cls(matrix, fingerprint(matrix))

    def _measure(self) -> None:
        if isinstance(self._matrix, Chunks):
            found = list(self._matrix.map(measured_rows, [()] * len(self._matrix.parts)))
            exponents, squares = (np.concatenate([part[index] for part in found]) for index in (0, 1))
            smallest = min(part[2] for part in found)
        else:
            exponents, squares, smallest = measured_rows(self._matrix)
        positive = squares > 0
        if positive.any():
            lengths = exponents[positive] + np.frexp(np.sqrt(squares[positive]))[1]
            self.exponent = int(lengths.max())
        self.inexact = bool(np.isfinite(smallest)) and int(np.frexp(smallest)[1]) - self.exponent < -1021
        self.row_exponents = exponents - self.exponent
        self.row_squares = squares

    @property
    def is_zero(self) -> bool:
        """Whether every entry is zero."""
        return not (self.row_squares > 0).any()

    def reweighted(self, multiplier: np.ndarray) -> Rows:
        """Copy of the rows, row i multiplied by ``multiplier[i]``; each product is rounded once.

        Parameters
        ----------
        multiplier : ndarray of shape (n,)

        Returns
        -------
        Rows
        """
        rows = self._copy()
        rows.multiplier = multiplier
        return rows

    def shifted(self, shift: np.ndarray) -> Rows:
        """Copy of the rows minus ``shift``, which is subtracted block by block; blocks of sparse rows become dense.

        ``shift`` is in the scale of the blocks. The lengths and exponents are still those before the shift.

        Parameters
        ----------
        shift : ndarray of shape (d,)

        Returns
        -------
        Rows
        """
        rows = self._copy()
        rows.shift = shift
        return rows

    def unguarded(self) -> Rows:
        """Copy of the rows that skips the page checks, for a search whose result is proved afterwards.

        Returns
        -------
        Rows
        """
        rows = self._copy()
        if isinstance(self._matrix, Pages):
            rows._matrix = self._matrix.array
        return rows

    def _copy(self) -> Rows:
        rows = object.__new__(Rows)
        rows.__dict__.update({key: value for key, value in self.__dict__.items() if key != "norms"})
        Memory.__init__(rows)
        return rows

    @cached_property
    def norms(self) -> np.ndarray:
        """Lengths of the rows that `block` returns, to about ``d`` units in the last place."""
        with np.errstate(under="ignore"):
            norms = np.ldexp(np.sqrt(self.row_squares), self.row_exponents)
            return norms if self.multiplier is None else norms * self.multiplier

    @property
    def pieces(self) -> list[range]:
        """Ranges of rows that are stored together: the chunks, or one range."""
        return self._matrix.parts if isinstance(self._matrix, Chunks) else [range(self.shape[0])]

    def partials(
        self, function: Callable[..., Result], parts: Sequence[range], *per_row: np.ndarray
    ) -> Iterator[Result]:
        """Yield ``function(rows, part, *entries)`` for each part in order; the parts are computed in parallel.

        The function must read the rows through its argument, since it may run on another machine. `per_row` are
        arrays with one entry per row; the function gets the entries of its part. A part must lie within one piece.

        Parameters
        ----------
        function : callable
        parts : sequence of range
        *per_row : ndarray of shape (n,)

        Yields
        ------
        object
        """
        slices = [tuple(array[part.start : part.stop] for array in per_row) for part in parts]
        if not isinstance(self._matrix, Chunks):
            return ordered_map(lambda index: function(self, parts[index], *slices[index]), range(len(parts)))
        starts = [piece.start for piece in self.pieces]
        numbers = [bisect_right(starts, part.start) - 1 for part in parts]
        views = [self._view(self.pieces[number]) for number in numbers]
        arguments = [(function, *items) for items in zip(views, parts, slices, strict=True)]
        return self._matrix.map(_on_chunk, arguments, numbers)

    def _view(self, piece: range) -> Rows:
        """Copy of the rows of one piece without the matrix, for the machine that stores this piece."""
        rows = self._copy()
        del rows._matrix, rows.row_squares, rows.row_exponents
        rows._first = piece.start
        if rows.multiplier is not None:
            rows.multiplier = rows.multiplier[piece.start : piece.stop]
        return rows

    def images(self, v: np.ndarray) -> np.ndarray:
        """The product Xv for one vector.

        Parameters
        ----------
        v : ndarray of shape (d,)

        Returns
        -------
        ndarray of shape (n,)
        """
        step = self.block_rows()

        def partial(rows: Rows, part: range) -> np.ndarray:
            blocks = ((start, min(start + step, part.stop)) for start in range(part.start, part.stop, step))
            return np.concatenate([rows.operand(start, stop) @ v for start, stop in blocks])

        return np.concatenate(list(self.partials(partial, self.ranges(step))))

    def taken(self, chosen: np.ndarray) -> np.ndarray:
        """The rows with the given distinct indices as a dense array, in the order of the indices.

        Parameters
        ----------
        chosen : ndarray of int

        Returns
        -------
        ndarray
        """
        marks = np.zeros(self.shape[0], dtype=bool)
        marks[chosen] = True

        def partial(rows: Rows, part: range, marked: np.ndarray) -> np.ndarray:
            indices = np.flatnonzero(marked) + part.start
            runs = np.split(indices, np.flatnonzero(np.diff(indices) > 1) + 1)
            return np.vstack([rows.block(int(run[0]), int(run[-1]) + 1) for run in runs])

        parts = [piece for piece in self.pieces if marks[piece.start : piece.stop].any()]
        result = np.empty((len(chosen), self.shape[1]))
        result[np.argsort(chosen)] = np.concatenate(list(self.partials(partial, parts, marks)))
        return result

    def block(self, start: int, stop: int) -> np.ndarray:
        """Rows `start` to `stop` as a dense float64 array.

        Parameters
        ----------
        start, stop : int

        Returns
        -------
        ndarray
        """
        block = self.operand(start, stop)
        return block if isinstance(block, np.ndarray) else block.toarray()

    def operand(self, start: int, stop: int, dtype: DTypeLike = np.float64) -> Any:
        """Rows `start` to `stop` for a matrix product in the given precision; sparse if the matrix is sparse.

        Parameters
        ----------
        start, stop : int
        dtype : dtype, default float64

        Returns
        -------
        ndarray or csr_array
        """
        start, stop = start - self._first, stop - self._first
        block = self._matrix[start:stop]
        if self._scale:
            block = scaled_block(as_float64(block), self._scale)
        if self.multiplier is not None:
            factors = self.multiplier[start:stop, None]
            block = as_float64(block) if block.dtype.itemsize > 8 else block  # each product is rounded once
            block = block * factors if isinstance(block, np.ndarray) else sp.csr_array(block.multiply(factors))
        if self.shift is not None:
            block = (block if isinstance(block, np.ndarray) else block.toarray()) - self.shift
        return block if block.dtype == dtype else block.astype(dtype)

    def block_rows(self, width: int | None = None) -> int:
        """Number of rows in a block that fits in cache.

        Parameters
        ----------
        width : int, optional
            Columns of an array that stays in cache together with the rows for a product, in which those of a sparse
            matrix count by their nonzeros. By default all d entries of a row count.

        Returns
        -------
        int
        """
        entries = self.shape[1]
        if width is not None and sp.issparse(self._matrix):
            entries = -(-self._matrix.nnz // self._matrix.shape[0])
        return min(self.shape[0], max(64, _BLOCK_ENTRIES // max(entries, width or 1)))

    def ranges(self, step: int) -> list[range]:
        """Contiguous ranges of rows, each of whole steps: the chunks, or at most a fixed number of ranges.

        Parameters
        ----------
        step : int

        Returns
        -------
        list of range
        """
        if isinstance(self._matrix, Chunks):
            return self.pieces
        blocks = -(-self.shape[0] // step)
        return [range(part.start * step, min(part.stop * step, self.shape[0])) for part in split_range(blocks, _RANGES)]

    def depth(self, step: int) -> int:
        """Longest chain of additions in a sum over all rows, added by blocks of `step` rows and then by ranges.

        Parameters
        ----------
        step : int

        Returns
        -------
        int
        """
        ranges = self.ranges(step)
        return min(step, self.shape[0]) + max(-(-len(part) // step) for part in ranges) + len(ranges)

    @property
    def search_dtype(self) -> np.dtype:
        """Single precision if the matrix came in single precision, else double."""
        return np.dtype(np.float32 if self._matrix.dtype == np.float32 else np.float64)


def _on_chunk(
    chunk: np.ndarray, function: Callable[..., Result], rows: Rows, part: range, entries: tuple[np.ndarray, ...]
) -> Result:
    """Evaluate the function of `Rows.partials` on the machine that stores the chunk."""
    rows._matrix = np.ascontiguousarray(chunk)
    return function(rows, part, *entries)
