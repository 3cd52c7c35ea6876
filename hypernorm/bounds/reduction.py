"""Reduction of a matrix to its row space before its norm is bounded.

A matrix with more columns than rows, with dependent columns or with columns of zeros is replaced by the coordinates of
its rows in the span of its leading right singular vectors, as few as leave a rest of at most 1e-13 of the
Frobenius norm, which is rounding. `hypernorm.certificates.ReducedCertificate` has the theorem.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.linalg import qr, svd

from hypernorm._arguments import fits_in_memory
from hypernorm.certificates import (
    MatrixNormCertificate,
    NormCertificate,
    ReducedCertificate,
    TouchingCertificate,
    coordinate_rows,
)
from hypernorm.forms import Rows

__all__ = ["Reduction", "triangular_factor"]

_NEGLIGIBLE = 1e-13
# So many rows per column show whether the columns are independent.
_SAMPLED = 3
_CLEARLY_POSITIVE = 1e-12  # of the trace
_BLOCK_ENTRIES = 1 << 20
# With this factor the longest row of Y is not near a power of two, which another machine's rounding could cross.
_AWAY = 0.75


class Reduction:
    """The rows of X, and the rows Y with which its norm is bounded.

    Attributes
    ----------
    whole : Rows
        Of X.
    rows : Rows
        Of Y; `whole` itself if X cannot be reduced.
    """

    def __init__(self, whole: Rows):
        self.whole = self.rows = whole
        self._columns: np.ndarray | None = None
        self._basis: np.ndarray | None = None
        self._gain = 1.0
        n, d = whole.shape
        if whole.is_zero or (d <= n and _has_independent_columns(whole)):
            return
        columns = _used_columns(whole)
        basis = _row_space(whole, columns)
        size = n * (len(columns) if basis is None else len(basis))
        if (basis is None and len(columns) == d) or not fits_in_memory(8 * 2 * size):
            return
        Y = coordinate_rows(whole, columns, basis, 1.0)[0]
        longest = float(Rows(Y).norms.max())  # of the rows divided by a power of two
        if basis is not None and not 0.55 < math.frexp(longest)[0] < 0.95:
            basis, self._gain = basis * _AWAY, 1 / _AWAY**2
            Y = coordinate_rows(whole, columns, basis, self._gain)[0]
        self._columns, self._basis, self.rows = columns, basis, Rows(Y)

    @property
    def is_trivial(self) -> bool:
        """Whether Y is X."""
        return self._columns is None

    def lifted(self, vectors: np.ndarray) -> np.ndarray:
        """The vectors, of shape (k,) or (k, m), as vectors for X, of shape (d,) or (d, m)."""
        if self._columns is None:
            return vectors
        lifted = np.zeros((self.whole.shape[1], *vectors.shape[1:]))
        lifted[self._columns] = vectors if self._basis is None else self._basis.T @ vectors
        return lifted

    def lowered(self, vector: np.ndarray) -> np.ndarray:
        """The projection of a vector for X to one for Y."""
        if self._columns is None:
            return vector
        return vector[self._columns] if self._basis is None else self._basis @ vector[self._columns]

    def certificate(self, norm: NormCertificate | TouchingCertificate) -> MatrixNormCertificate:
        """The certificate for X that follows from one for Y; it is not proved yet."""
        if self._columns is None:
            return norm
        return ReducedCertificate(
            shape=self.whole.shape,
            fingerprint=self.whole.fingerprint,
            exponent=self.whole.exponent,
            rank=norm.shape[1],
            used=len(self._columns),
            columns=self._columns,
            basis=self._basis,
            gain=self._gain,
            norm=norm,
        )


def _has_independent_columns(rows: Rows) -> bool:
    """Whether a part of the rows shows it; False if that is not clear."""
    n, d = rows.shape
    if not fits_in_memory(8 * 3 * d * d + 8 * min(n, _SAMPLED * d) * d):
        return False
    sample = rows.taken(np.unique(np.linspace(0, n - 1, min(n, _SAMPLED * d)).astype(np.int64)))
    moments = sample.T @ sample
    moments[np.diag_indices(d)] -= _CLEARLY_POSITIVE * float(np.trace(moments))
    try:
        np.linalg.cholesky(moments)
    except np.linalg.LinAlgError:
        return False
    return True


def _used_columns(rows: Rows) -> np.ndarray:
    """Ascending indices of the columns that are not zero."""
    step = rows.block_rows()

    def partial(rows: Rows, part: range) -> np.ndarray:
        used = np.zeros(rows.shape[1], dtype=bool)
        for start in range(part.start, part.stop, step):
            block = rows.operand(start, min(start + step, part.stop))
            if isinstance(block, np.ndarray):
                used |= block.any(axis=0)
            else:
                used[block.indices[block.data != 0]] = True
        return used

    return np.flatnonzero(np.any(list(rows.partials(partial, rows.ranges(step))), axis=0)).astype(np.int64)


def _row_space(rows: Rows, columns: np.ndarray) -> np.ndarray | None:
    """Orthonormal rows that span the rows of X up to a negligible rest; None if as many as columns are needed."""
    n, u = rows.shape[0], len(columns)
    if not fits_in_memory(8 * 5 * min(n, u) * u):
        return None
    if n < u:
        Q, R = qr(_dense(coordinate_rows(rows, columns, None, 1.0)[0]).T, mode="economic", check_finite=False)
        _, values, V = svd(R.T, full_matrices=False, check_finite=False)
        V = V @ Q.T
    else:
        _, values, V = svd(triangular_factor(rows, columns), full_matrices=False, check_finite=False)
    rests = np.sqrt(np.cumsum(values[::-1] ** 2))[::-1]  # what is left without the values from an index on
    rank = int(np.count_nonzero(rests > _NEGLIGIBLE * rests[0]))
    return V[:rank] if rank < u else None


def triangular_factor(rows: Rows, columns: np.ndarray) -> np.ndarray:
    """A triangular factor of XᵀX for the given columns, block by block."""
    u = len(columns)
    step = max(u, _BLOCK_ENTRIES // u)

    def partial(rows: Rows, part: range) -> np.ndarray:
        factor = np.zeros((0, u))
        for start in range(part.start, part.stop, step):
            block = _dense(rows.operand(start, min(start + step, part.stop))[:, columns])
            factor = _r_factor(np.vstack([factor, block]))
        return factor

    return _r_factor(np.vstack(list(rows.partials(partial, rows.ranges(min(step, rows.shape[0]))))))


def _r_factor(A: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.qr(A, mode="r"))


def _dense(block: Any) -> np.ndarray:
    return np.asarray(block if isinstance(block, np.ndarray) else block.toarray())
