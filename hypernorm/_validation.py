"""Checks of matrices: every matrix from a user passes here; see `hypernorm._arguments` for the rest.

A matrix that passes is a two-dimensional numeric array or a CSR array with finite entries that binary64 represents
exactly. Input that already has that form is not copied.
"""

from __future__ import annotations

import functools
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp

from hypernorm._chunks import Chunks, is_chunked, is_dask_frame
from hypernorm._display import printable
from hypernorm._frames import LARGEST_EXACT_INTEGER, column_label, exact_float, to_array
from hypernorm._pages import LARGE_BYTES, Pages
from hypernorm.exceptions import HypernormError, InvalidInputError

__all__ = [
    "Matrix",
    "RowMatrix",
    "as_dense",
    "check_covariance",
    "check_matrix",
    "check_rows",
    "check_samples",
    "check_shape",
]

Matrix: TypeAlias = np.ndarray | sp.csr_array
RowMatrix: TypeAlias = Matrix | Chunks | Pages

_BLOCK_ENTRIES = 1 << 22


def check_matrix(X: Any, name: str = "X", *, copy: bool = False) -> Matrix:
    """Return `X` as a two-dimensional numeric array or CSR array of finite, exactly representable entries.

    Parameters
    ----------
    X : array_like, table (pandas, polars, Arrow), sparse matrix or sparse array, of shape (n, d)
        Any real floating-point, integer or boolean type, any memory layout, memory-mapped or not. Duplicate entries of
        a sparse matrix are added up first, as scipy does.
    name : str, default "X"
        Name of the argument in error messages.
    copy : bool, default False
        Return a private copy, made before the entries are checked, so that nothing can change between check and proof.

    Returns
    -------
    ndarray or csr_array of shape (n, d)

    Raises
    ------
    InvalidInputError
        If the input is masked, complex, of objects, not two-dimensional or empty, has NaN or infinite entries (the
        first offending index is named), or entries that binary64 cannot represent exactly.
    """
    array = _structured(X, name)
    if copy and isinstance(array, np.ndarray):
        array = np.array(array, order="C")
    _check_entries(array, name, X)
    return array


def check_rows(X: Any, name: str = "X") -> RowMatrix:
    """Like `check_matrix`, for proofs that read the rows more than once: the result cannot change.

    A small array is copied, a large one is read through `Pages`. A Dask array becomes `Chunks`, which are not moved.

    Raises
    ------
    InvalidInputError
        As for `check_matrix`.
    """
    if type(X) in (Chunks, Pages):
        return X  # checked before
    if is_chunked(X):
        if X.dtype != object:  # otherwise the type of each chunk is checked when it is read
            _check_kind(X.dtype, name)
        if 0 in X.shape:
            raise InvalidInputError(f"{name} is empty: it has shape {X.shape}; give at least one row and column.")
        return Chunks(X, _check_piece, name)
    array = _structured(X, name)
    if isinstance(array, np.ndarray):
        if array.nbytes > LARGE_BYTES:
            return Pages(array, functools.partial(_check_piece, name=name), name)
        array = np.array(array, order="C")
    _check_entries(array, name, X)
    return array


def check_samples(X: Any, name: str = "X") -> RowMatrix:
    """`check_rows` for the data of a verification: rows that were checked before are refused.

    Raises
    ------
    InvalidInputError
        As for `check_matrix`, and for `Chunks` and `Pages`.
    """
    if isinstance(X, Chunks | Pages):
        raise InvalidInputError(f"{name} must be the matrix itself, not a {type(X).__name__} of it.")
    return check_rows(X, name)


def _structured(X: Any, name: str) -> Matrix:
    """`X` as an array or CSR array; its entries are not checked yet."""
    if isinstance(X, np.ma.MaskedArray):
        raise InvalidInputError(f"{name} is a masked array; fill the masked entries first, e.g. {name}.filled(0).")
    if is_chunked(X):
        raise InvalidInputError(f"{name} is a Dask array, which is not supported here; {name}.compute() loads it.")
    if is_dask_frame(X):
        raise InvalidInputError(
            f"{name} is a Dask frame; {name}.to_dask_array(lengths=True) makes it a Dask array, {name}.compute() loads "
            f"it."
        )
    try:
        array = _to_csr(X, name) if sp.issparse(X) else _to_dense(X, name)
    except (HypernormError, MemoryError):
        raise
    except Exception as error:  # the object's own conversion may raise anything
        reason = printable(f"{type(error).__name__}: {error}", limit=200)
        raise InvalidInputError(f"{name} cannot be read as a matrix ({reason}); convert it to an array.") from error
    if array.ndim != 2:
        remedy = f"; use {name}.reshape(-1, 1) for one column or {name}.reshape(1, -1) for one row"
        raise InvalidInputError(
            f"{name} must be two-dimensional (rows, columns), got {array.ndim} dimension(s) with shape "
            f"{tuple(array.shape)}{remedy if array.ndim == 1 else ''}."
        )
    if 0 in array.shape:
        raise InvalidInputError(
            f"{name} is empty: it has shape {tuple(array.shape)}; give at least one row and column."
        )
    return array


def _check_piece(piece: np.ndarray, first: int, name: str) -> None:
    """Check the type and the entries of some rows, from row number `first` on."""
    _check_kind(piece.dtype, name)
    bad_entry = _bad_entry(piece)
    if bad_entry is not None:
        value, row, column = bad_entry
        _raise_entry(value, (first + row, column), name)


def _check_kind(dtype: np.dtype, name: str) -> None:
    if dtype.kind not in "fiub":
        if dtype.kind == "c":
            raise InvalidInputError(_complex_text(name))
        what = "Python objects" if dtype.kind == "O" else f"type {dtype}"
        raise InvalidInputError(
            f"{name} holds {what}; hypernorm needs real numbers (if they are real, {name}.astype(float) or "
            f"numpy.asarray({name}, dtype=float) converts and rounds them)."
        )


def _complex_text(name: str) -> str:
    return (
        f"{name} holds complex numbers, which operator_norm, operator_certificate and lower_bound take, and "
        f"two_to_q_norm for q = 2, 4, 6, 8 and infinity; here real numbers are needed (if the imaginary parts are "
        f"zero, give {name}.real)."
    )


def _to_dense(X: Any, name: str) -> np.ndarray:
    array = np.asarray(to_array(X, name))
    _check_kind(array.dtype, name)
    return array


def _to_csr(X: Any, name: str) -> Matrix:
    if X.dtype.kind not in "fiub":
        if X.dtype.kind == "c":
            raise InvalidInputError(_complex_text(name))
        raise InvalidInputError(f"{name} holds type {X.dtype}; hypernorm needs real numbers.")
    if X.ndim != 2:
        return X  # the caller's check of the shape reports it
    # A copy, as scipy shares memory where it can. Compiled code would follow indices out of range.
    csr = _row_by_row(X)
    try:
        csr.check_format(full_check=True)
    except ValueError as error:
        raise InvalidInputError(f"{name} is a broken sparse matrix ({error}); build it anew.") from None
    if isinstance(csr.data, np.ma.MaskedArray) or isinstance(getattr(X, "data", None), np.ma.MaskedArray):
        raise InvalidInputError(f"{name} has masked entries; fill them first.")
    return csr if csr.has_canonical_format else _without_duplicates(csr, name)


def _row_by_row(X: Any) -> sp.csr_array:
    """A copy in CSR format; for some formats scipy would add up duplicates with rounding."""
    if X.format not in ("coo", "bsr"):
        return sp.csr_array(X, copy=True)
    coo = X.tocoo()
    order = np.lexsort((coo.col, coo.row))
    ends = np.cumsum(np.bincount(coo.row, minlength=X.shape[0]))
    return sp.csr_array((coo.data[order], coo.col[order], np.concatenate([[0], ends])), shape=X.shape)


def _without_duplicates(csr: sp.csr_array, name: str) -> sp.csr_array:
    """Add up duplicate entries; the sums must be exact."""
    csr.sort_indices()
    rows = np.repeat(np.arange(csr.shape[0]), np.diff(csr.indptr))
    again = np.flatnonzero((rows[1:] == rows[:-1]) & (csr.indices[1:] == csr.indices[:-1])) + 1
    if not again.size:
        return csr
    _check_entries(csr, name)
    # Sums may need double precision; integers are at most 2**53 here. (`astype` of scipy would add up duplicates.)
    summed = sp.csr_array((csr.data.astype(np.float64), csr.indices, csr.indptr), shape=csr.shape)
    for start, stop in zip(*_runs(again), strict=True):
        exact = sum(map(Fraction, summed.data[start:stop].tolist()), Fraction(0))
        if exact_float(exact) is None:
            raise InvalidInputError(
                f"{name} has several entries at row {rows[start]}, column {csr.indices[start]}, whose sum binary64 "
                f"cannot represent; add them up first."
            )
        summed.data[start], summed.data[start + 1 : stop] = float(exact), 0.0
    summed.sum_duplicates()
    return summed


def _runs(again: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last indices of runs of duplicates, from the indices of entries that repeat the one before."""
    new = np.flatnonzero(np.diff(again) > 1)
    return np.concatenate([again[:1], again[new + 1]]) - 1, np.concatenate([again[new], again[-1:]]) + 1


def _check_entries(array: Matrix, name: str, source: Any = None) -> None:
    """Check the entries; an error names the column if the array was made from a table."""
    if isinstance(array, np.ndarray):
        bad_entry = _bad_entry(array)
        if bad_entry is not None:
            value, row, column = bad_entry
            _raise_entry(value, (row, column), name, column_label(source, column))
    else:
        bad = _first_bad(array.data)
        if bad is not None:
            index = (int(np.searchsorted(array.indptr, bad, side="right")) - 1, int(array.indices[bad]))
            _raise_entry(array.data[bad], index, name)


def _bad_entry(array: np.ndarray) -> tuple[Any, int, int] | None:
    """The first entry that cannot be used, with its row and column."""
    step = max(1, _BLOCK_ENTRIES // array.shape[1])
    for start in range(0, array.shape[0], step):
        block = array[start : start + step]
        bad = _first_bad(block)
        if bad is not None:
            row, column = divmod(bad, block.shape[1])
            return block[row, column], start + row, column
    return None


def _first_bad(values: np.ndarray) -> int | None:
    """Flat index of the first entry that is not a finite binary64 number, or None."""
    if values.dtype.kind == "b" or values.size == 0:
        return None
    if values.dtype.kind == "f":
        good = np.isfinite(values)
        if values.dtype.itemsize > 8:
            with np.errstate(over="ignore"):
                good &= values.astype(np.float64) == values
    elif values.dtype.itemsize < 8:
        return None
    else:
        good = values <= LARGEST_EXACT_INTEGER
        if values.dtype.kind == "i":
            good &= values >= -LARGEST_EXACT_INTEGER
    return None if good.all() else int(np.argmin(good))


def _raise_entry(value: Any, index: tuple[int, int], name: str, label: str | None = None) -> None:
    column = f"{index[1]}" if label is None else f"{index[1]} ({label})"
    entry = f"{name} has the entry {value} at row {index[0]}, column {column}, counted from 0"
    if isinstance(value, np.floating) and not np.isfinite(value):
        raise InvalidInputError(f"{entry}; remove or impute it first.")
    raise InvalidInputError(
        f"{entry}, which binary64 cannot represent exactly; convert with {name}.astype(float) if the rounded values "
        f"are meant."
    )


def check_shape(array: Any, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return an array of finite numbers of the given shape, in double precision.

    Raises
    ------
    InvalidInputError
        If the shape differs or an entry cannot be used.
    """
    found = np.asarray(to_array(array, name))
    if found.shape != shape:
        raise InvalidInputError(f"{name} must have the shape {shape}, got {found.shape}.")
    return np.asarray(check_matrix(np.atleast_2d(found), name), dtype=np.float64).reshape(shape)


def check_covariance(covariance: Any, name: str, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a covariance matrix of shape (d, d) in double precision, and its Cholesky factor.

    Raises
    ------
    InvalidInputError
        If the matrix has another shape, is not symmetric up to rounding, or is not positive definite.
    """
    matrix = as_dense(check_matrix(covariance, name))
    if matrix.shape != (d, d) or not np.allclose(matrix, matrix.T, rtol=1e-10, atol=0):
        raise InvalidInputError(f"{name} must be a symmetric {d} x {d} matrix, got one of shape {matrix.shape}.")
    try:
        return matrix, np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        raise InvalidInputError(f"{name} is not positive definite; add a little to its diagonal.") from None


def as_dense(matrix: Matrix | Pages) -> np.ndarray:
    """A checked matrix as a dense array in double precision."""
    if isinstance(matrix, Pages):
        matrix = matrix[:]
    return np.asarray(matrix if isinstance(matrix, np.ndarray) else matrix.toarray(), dtype=np.float64)
