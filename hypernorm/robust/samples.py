"""Samples as robust means and certificates take them: checked once, and out of reach of changes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hypernorm._chunks import Chunks, is_chunked
from hypernorm._validation import Matrix, check_matrix, check_rows
from hypernorm.exceptions import InvalidInputError
from hypernorm.robust.winsorising import check_reach

__all__ = ["private_samples", "samples_in_memory", "samples_or_chunks"]


def private_samples(X: Any) -> Matrix | Chunks:
    """Samples that have been checked and that nobody can change: a copy, or a Dask array as `Chunks`.

    Raises
    ------
    InvalidInputError
    """
    if not is_chunked(X):
        return check_matrix(X, copy=True)
    chunks = check_rows(X)
    assert isinstance(chunks, Chunks)
    return chunks


def samples_or_chunks(X: Any) -> np.ndarray | Chunks:
    """Samples of a robust mean in double precision, in memory or in chunks of about equal size.

    Raises
    ------
    InvalidInputError
    """
    matrix = private_samples(_even_chunks(X) if is_chunked(X) else X)
    if isinstance(matrix, Chunks):
        return matrix
    if not isinstance(matrix, np.ndarray):
        raise InvalidInputError(
            "X is sparse, which robust means do not support, since centering fills it; X.toarray()."
        )
    return samples_in_memory(matrix)


def samples_in_memory(matrix: np.ndarray) -> np.ndarray:
    """Checked samples in double precision, one row after another, with no entry too far out.

    Raises
    ------
    InvalidInputError
    """
    samples = np.ascontiguousarray(matrix, dtype=np.float64)
    check_reach(samples)
    return samples


def _even_chunks(X: Any) -> Any:
    """A Dask array in chunks of about equal size, since a filter would remove nothing from a chunk of few rows."""
    sizes = X.chunks[0] if X.ndim else ()
    if not sizes or any(math.isnan(size) for size in sizes) or 2 * min(sizes) >= max(sizes):
        return X
    return X.rechunk({0: -(-sum(sizes) // len(sizes))})
