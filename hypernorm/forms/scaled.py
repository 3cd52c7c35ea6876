"""A whole matrix, scaled by a power of two: the data of norms that are read by rows and by columns."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from hypernorm._validation import Matrix
from hypernorm.forms.rows import UNIDENTIFIED, fingerprint

__all__ = ["ScaledMatrix"]


class ScaledMatrix:
    """The matrix ``A * 2**-exponent``, whose largest magnitude is in [1/2, 1), or a matrix of zeros.

    Parameters
    ----------
    matrix : ndarray or csr_array of shape (m, n)
        As returned by `hypernorm._validation.check_matrix`.
    fingerprint : str
        Of the matrix, see `identified`; by default zeros, for a matrix that a proof computes.

    Attributes
    ----------
    shape : tuple of int
    entries : ndarray or csr_array of shape (m, n)
        In double precision; a sparse one stores no zeros.
    exponent : int
    inexact : bool
        Whether the scaling lost bits of tiny entries. Each such entry changed by at most 2**-1074.

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

    def __init__(self, matrix: Matrix, fingerprint: str = UNIDENTIFIED):
        self.shape: tuple[int, int] = (int(matrix.shape[0]), int(matrix.shape[1]))
        self.fingerprint = fingerprint
        values = np.asarray(matrix if isinstance(matrix, np.ndarray) else matrix.data, dtype=np.float64)
        largest = float(np.abs(values).max(initial=0.0))
        self.exponent = int(np.frexp(largest)[1])
        with np.errstate(under="ignore"):
            scaled = np.ldexp(values, -self.exponent)
            self.inexact = bool((np.ldexp(scaled, self.exponent) != values).any())
        if isinstance(matrix, np.ndarray):
            self.entries: Matrix = np.ascontiguousarray(scaled)
        else:
            self.entries = sp.csr_array((scaled, matrix.indices.copy(), matrix.indptr.copy()), shape=self.shape)
            self.entries.eliminate_zeros()

    @classmethod
    def identified(cls, matrix: Matrix) -> ScaledMatrix:
        """The scaled matrix with the fingerprint of the matrix.

        Parameters
        ----------
        matrix : ndarray or csr_array of shape (m, n)

        Returns
        -------
        ScaledMatrix
        """
        return cls(matrix, fingerprint(matrix))

    @property
    def is_zero(self) -> bool:
        """Whether every entry is zero."""
        values = self.entries if isinstance(self.entries, np.ndarray) else self.entries.data
        return not values.any()
