"""Moment matrices Σ z(x_i) z(x_i)ᵀ, the fully symmetric representation of the form Σ ⟨x_i, v⟩^2k.

The rows are read in blocks. Memory holds the D×D result and one block of D-dimensional images.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import blas  # the module can be pickled, its functions cannot

from hypernorm._arguments import check_memory
from hypernorm.forms.monomials import MonomialBasis
from hypernorm.forms.rows import Rows

__all__ = ["column_means", "moment_depth", "moment_matrix", "second_moments"]

# Entries of the images of a block: few enough for memory, with enough rows that updating the D×D sum costs little.
_IMAGE_ENTRIES = 1 << 20
_LARGE_IMAGE_ENTRIES = 1 << 23
_ENOUGH_ROWS = 1024
# Blocks that are added in place before their sum is added to the total; grouping keeps the chains of additions short.
_BLOCKS_PER_GROUP = 8


def column_means(rows: Rows, weights: np.ndarray | None = None) -> np.ndarray:
    """The mean of the rows, by default with equal weights, as an array of shape (d,).

    Parameters
    ----------
    rows : Rows
    weights : ndarray of shape (n,), optional

    Returns
    -------
    ndarray of shape (d,)

    See Also
    --------
    second_moments : Moments of the next order.

    Examples
    --------
    >>> import numpy as np
    >>> rows = Rows(np.array([[1.0], [3.0]]))
    >>> column_means(rows) * 2.0**rows.exponent
    array([2.])
    """
    weights = np.ones(rows.shape[0]) if weights is None else weights
    step = rows.block_rows()

    def partial(rows: Rows, part: range, weights: np.ndarray) -> np.ndarray:
        total = np.zeros(rows.shape[1])
        for start in range(part.start, part.stop, step):
            stop = min(start + step, part.stop)
            total += rows.operand(start, stop).T @ weights[start - part.start : stop - part.start]
        return total

    return sum(rows.partials(partial, rows.ranges(step), weights), np.zeros(rows.shape[1])) / weights.sum()


def second_moments(rows: Rows, weights: np.ndarray | None = None, *, absolute: bool = False) -> np.ndarray:
    """Return Σ w_i x_i x_iᵀ, or Σ w_i |x_i||x_i|ᵀ with the absolute values of all entries.

    Parameters
    ----------
    rows : Rows
    weights : ndarray of shape (n,), optional
        Default one for every row.
    absolute : bool, default False
        Use the absolute values of the entries.

    Returns
    -------
    ndarray of shape (d, d)
        Exactly symmetric.

    See Also
    --------
    column_means : Moments of order one.
    moment_matrix : Moments of higher order.

    Examples
    --------
    >>> import numpy as np
    >>> rows = Rows(np.array([[1.0, 2.0]]))
    >>> second_moments(rows) * 4.0**rows.exponent
    array([[1., 2.],
           [2., 4.]])
    """
    step = rows.block_rows()

    def partial(rows: Rows, part: range, *weights: np.ndarray) -> np.ndarray:
        total = np.zeros((rows.shape[1], rows.shape[1]))
        for start in range(part.start, part.stop, step):
            stop = min(start + step, part.stop)
            block = np.abs(rows.block(start, stop)) if absolute else rows.block(start, stop)
            weighted = block * weights[0][start - part.start : stop - part.start, None] if weights else block
            total += weighted.T @ block
        return total

    entries = () if weights is None else (weights,)
    partials = rows.partials(partial, rows.ranges(step), *entries)
    total = sum(partials, np.zeros((rows.shape[1], rows.shape[1])))
    return (total + total.T) / 2


def moment_depth(rows: Rows, size: int) -> int:
    """Longest chain of additions in an entry of the D×D moment matrix, D = `size`.

    A product that accumulates in place may round after every term, so a group of blocks counts as one chain.

    Parameters
    ----------
    rows : Rows
    size : int

    Returns
    -------
    int

    See Also
    --------
    moment_matrix : The matrix.

    Examples
    --------
    >>> import numpy as np
    >>> moment_depth(Rows(np.eye(3)), 6) >= 1
    True
    """
    group = min(rows.shape[0], _BLOCKS_PER_GROUP * _block_rows(rows, size))
    return group + max(-(-len(piece) // group) for piece in rows.pieces) + len(rows.pieces) - 1


def _block_rows(rows: Rows, size: int) -> int:
    """Number of rows in a block of images in D = `size` dimensions."""
    enough = min(_ENOUGH_ROWS, _LARGE_IMAGE_ENTRIES // size)
    return min(rows.shape[0], max(64, enough, _IMAGE_ENTRIES // size))


def moment_matrix(rows: Rows, half_degree: int) -> np.ndarray:
    """Return M = Σ z(x_i) z(x_i)ᵀ with z the orthonormal monomials of degree k = `half_degree`.

    Then Σ ⟨x_i, v⟩^2k = z(v)ᵀ M z(v), and λ_max(M) bounds the form on the unit sphere. The last result is cached in
    ``rows.moments``, so that a search and the proof that follows share it.

    Parameters
    ----------
    rows : Rows
    half_degree : int
        k: 2, 3 and 4 give the forms of degree 4, 6 and 8.

    Returns
    -------
    ndarray of shape (D, D)
        Symmetric and read-only. The cost is nD² multiplications and additions.

    Raises
    ------
    InvalidInputError
        If the D×D result, with the workspace of its proof, does not fit in memory.

    See Also
    --------
    MonomialBasis : The monomials.
    second_moments : The same for degree one.

    Examples
    --------
    >>> import numpy as np
    >>> moment_matrix(Rows(np.eye(2)), 2).shape
    (3, 3)
    """
    return rows.kept("moments", lambda: _moment_matrix(rows, half_degree), half_degree)


def _moment_matrix(rows: Rows, half_degree: int) -> np.ndarray:
    d = rows.shape[1]
    size = MonomialBasis.count(d, half_degree)
    check_memory(
        4 * 8 * size * size,  # the matrix and the workspace of the proof of its bound
        f"The moment matrix of degree {2 * half_degree} for d = {d} ({size} x {size})",
        "use the realigned or row-norm bound, or reduce the number of columns",
    )
    step = _block_rows(rows, size)

    def partial(rows: Rows, part: range) -> np.ndarray:
        basis = MonomialBasis(d, half_degree)
        total = np.zeros((size, size), order="F")
        for first in range(part.start, part.stop, _BLOCKS_PER_GROUP * step):
            group = np.zeros((size, size), order="F")
            last = min(first + _BLOCKS_PER_GROUP * step, part.stop)
            for start in range(first, last, step):
                images = basis.evaluate(rows.block(start, min(start + step, last)))
                # Only one triangle, in place: a temporary D×D matrix per block would cost more than the product.
                group = blas.dsyrk(1.0, images.T, beta=1.0, c=group, trans=1, lower=1, overwrite_c=1)
            total += group
        return total

    # A piece is not split among threads: each would need a D×D sum, and BLAS uses all cores already.
    partials = rows.partials(partial, rows.pieces)
    total = next(partials)
    for more in partials:
        total = total + more
    result = np.asarray(total.T)
    for row in range(1, size):
        result[row, :row] = result[:row, row]
    result.setflags(write=False)
    return result
