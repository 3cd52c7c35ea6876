"""A whole matrix, scaled by a power of two: the data of norms that are read by rows and by columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from hypernorm._chunks import Chunks
from hypernorm._pages import Pages
from hypernorm._validation import RowMatrix
from hypernorm.forms.blocks import BlockMatrix
from hypernorm.forms.identity import UNIDENTIFIED, fingerprint
from hypernorm.forms.rows import Rows

__all__ = ["ScaledMatrix"]


class ScaledMatrix:
    """The matrix ``A * 2**-exponent``, real or complex, or a matrix of zeros.

    The largest magnitude of a real matrix is in [1/2, 1), the largest real or imaginary part of a complex one in
    [1/4, 1/2), so that no modulus is above 1. The longest row of a Dask array has a length in (1/4, 1].

    Parameters
    ----------
    matrix : ndarray or csr_array of shape (m, n)
        As returned by `hypernorm._validation.check_matrix`, the entries of a `hypernorm._complex.ComplexMatrix`, or
        `Chunks` or `Pages` as returned by `hypernorm._validation.check_rows`.
    fingerprint : str
        Of the matrix, see `identified`; by default zeros, for a matrix that a proof computes.

    Attributes
    ----------
    shape : tuple of int
    entries : ndarray, csr_array or BlockMatrix of shape (m, n)
        In double precision, float64 or complex128; a sparse one stores no zeros.
    exponent : int
    inexact : bool
        Whether the scaling lost bits of tiny entries. Each such number, or real or imaginary part, changed by at most
        2**-1074.

    See Also
    --------
    Rows : Rows in blocks, scaled by the longest.

    Examples
    --------
    >>> import numpy as np
    >>> scaled = ScaledMatrix(np.array([[3.0, -1.0]]))
    >>> scaled.entries.tolist(), scaled.exponent
    ([[0.75, -0.25]], 2)

    >>> len(ScaledMatrix.identified(np.eye(2)).fingerprint)
    64
    """

    def __init__(self, matrix: RowMatrix, fingerprint: str = UNIDENTIFIED):
        self.shape: tuple[int, int] = (int(matrix.shape[0]), int(matrix.shape[1]))
        self.fingerprint = fingerprint
        self.entries: Any
        if isinstance(matrix, Chunks | Pages):
            rows = Rows(matrix, fingerprint)
            self.entries, self.exponent, self.inexact = BlockMatrix(rows), rows.exponent, rows.inexact
            return
        values = matrix if isinstance(matrix, np.ndarray) else matrix.data
        dtype = np.complex128 if values.dtype.kind == "c" else np.float64
        parts = np.ascontiguousarray(values, dtype=dtype).view(np.float64)
        largest = float(np.abs(parts).max(initial=0.0))
        self.exponent = int(np.frexp(largest)[1]) + (dtype is np.complex128)
        with np.errstate(under="ignore"):
            scaled = np.ldexp(parts, -self.exponent)
            self.inexact = bool((np.ldexp(scaled, self.exponent) != parts).any())
        scaled = scaled.view(dtype)
        if isinstance(matrix, np.ndarray):
            self.entries = np.ascontiguousarray(scaled)
        else:
            self.entries = sp.csr_array((scaled, matrix.indices.copy(), matrix.indptr.copy()), shape=self.shape)
            self.entries.eliminate_zeros()

    @classmethod
    def identified(cls, matrix: RowMatrix) -> ScaledMatrix:
        """The scaled matrix with the fingerprint of the matrix.

        Parameters
        ----------
        matrix : ndarray, csr_array or rows in chunks of shape (m, n)

        Returns
        -------
        ScaledMatrix
        """
        return cls(matrix, fingerprint(matrix))

    @property
    def field(self) -> str:
        """``"real"`` or ``"complex"``, by the type of the entries."""
        return "complex" if self.entries.dtype.kind == "c" else "real"

    @property
    def is_zero(self) -> bool:
        """Whether every entry is zero."""
        if isinstance(self.entries, BlockMatrix):
            return self.entries.rows.is_zero
        values = self.entries if isinstance(self.entries, np.ndarray) else self.entries.data
        return not values.any()
