"""Scaling by powers of two: lengths of rows that neither overflow nor vanish, and scaled copies of a matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from hypernorm._pages import Pages
from hypernorm._validation import Matrix

__all__ = ["as_float64", "measured_rows", "scaled", "scaled_block"]

# Blocks of about this many entries stay in the second-level cache.
_BLOCK_ENTRIES = 1 << 17


def measured_rows(matrix: Matrix | Pages) -> tuple[np.ndarray, np.ndarray, float]:
    """For each row an exponent e and the sum of squares of 2**-e times the row; and the smallest non-zero magnitude."""
    n, d = matrix.shape
    step = max(1, _BLOCK_ENTRIES // d) if isinstance(matrix, np.ndarray) else 4096
    found = [_measured_block(as_float64(matrix[start : start + step])) for start in range(0, n, step)]
    exponents, squares, smallest = zip(*found, strict=True)
    return np.concatenate(exponents).astype(np.int64), np.concatenate(squares), min(smallest)


def _measured_block(block: Matrix) -> tuple[np.ndarray, np.ndarray, float]:
    if isinstance(block, np.ndarray):
        magnitudes = np.abs(block)
        _, power = np.frexp(magnitudes.max(axis=1))
        with np.errstate(under="ignore"):
            reduced = np.ldexp(block, -power[:, None])
            squares = np.einsum("ij,ij->i", reduced, reduced)
        nonzero = magnitudes[magnitudes > 0]
    else:
        magnitudes = np.abs(block.data)
        row = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
        largest = np.zeros(block.shape[0])
        np.maximum.at(largest, row, magnitudes)
        _, power = np.frexp(largest)
        with np.errstate(under="ignore"):
            reduced = np.ldexp(block.data, -power[row])
            squares = np.bincount(row, weights=reduced * reduced, minlength=block.shape[0])
        nonzero = magnitudes[magnitudes > 0]
    return power, squares, float(nonzero.min()) if nonzero.size else np.inf


def scaled(matrix: Matrix, exponent: int) -> Matrix:
    """A copy of a matrix times 2**-exponent in rows, which shares no memory with it, so that the caller may change it.

    Single precision is kept if the scaling is exact in it.
    """
    result = _scaled(matrix, exponent)
    return _own(np.ascontiguousarray(result) if isinstance(result, np.ndarray) else result, matrix)


def _scaled(matrix: Matrix, exponent: int) -> Matrix:
    if matrix.dtype == np.float32:
        # A power of two that binary32 cannot hold, or entries it would flush, go through binary64.
        single = scaled_block(matrix, exponent) if abs(exponent) < 64 else None
        if single is not None and not _lost(matrix, single, exponent):
            return single
    return scaled_block(as_float64(matrix), exponent)


def _lost(before: Matrix, after: Matrix, exponent: int) -> bool:
    old = before if isinstance(before, np.ndarray) else before.data
    new = after if isinstance(after, np.ndarray) else after.data
    return bool((np.ldexp(new, exponent) != old).any())


def _own(result: Matrix, source: Any) -> Matrix:
    """Copy those arrays of a scaled matrix that share memory with its source."""
    if isinstance(result, np.ndarray):
        return result.copy() if np.may_share_memory(result, source) else result
    parts = ((result.data, source.data), (result.indices, source.indices), (result.indptr, source.indptr))
    data, indices, indptr = (part.copy() if np.may_share_memory(part, old) else part for part, old in parts)
    return sp.csr_array((data, indices, indptr), shape=result.shape)


def as_float64(matrix: Matrix) -> Matrix:
    """The matrix in double precision, itself if it is."""
    return matrix if matrix.dtype == np.float64 and matrix.dtype.isnative else matrix.astype(np.float64)


def scaled_block(matrix: Matrix, exponent: int) -> Matrix:
    """A matrix times 2**-exponent, itself if the exponent is zero."""
    if exponent == 0:
        return matrix
    with np.errstate(under="ignore"):
        if isinstance(matrix, np.ndarray):
            return np.ldexp(matrix, -exponent)
        return sp.csr_array((np.ldexp(matrix.data, -exponent), matrix.indices, matrix.indptr), shape=matrix.shape)
