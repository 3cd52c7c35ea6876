"""Read a matrix from a file, refusing with one plain line whatever is not one.

Numbers keep the type that the file stores. Text files store none: there every number is read as the nearest binary64.
Entries that are NaN or infinite are let through; `hypernorm._validation.check_matrix` names the first.
"""

from __future__ import annotations

import csv
import os
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
import scipy.sparse as sp

from hypernorm._validation import Matrix
from hypernorm.datasets.bundled import BUNDLED, load_bundled
from hypernorm.datasets.delimited import read_delimited
from hypernorm.datasets.known import KnownNorm, e8, icosahedron
from hypernorm.exceptions import InvalidInputError

__all__ = ["NAMES", "SUFFIXES", "read_matrix"]

_KNOWN: dict[str, Callable[[], KnownNorm]] = {"icosahedron": icosahedron, "e8": e8}

NAMES: tuple[str, ...] = (*BUNDLED, *_KNOWN)
"""What `read_matrix` takes in place of a path: bundled data, and matrices whose norm is known."""

_DAMAGE: tuple[type[Exception], ...] = (
    ValueError,
    OSError,
    EOFError,
    OverflowError,
    LookupError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
    csv.Error,
)


def read_matrix(source: str | os.PathLike[str]) -> Matrix:
    """Read a real matrix from a file, or load a bundled data set by its name.

    Parameters
    ----------
    source : str or path
        A file whose ending says what it is, or a name that `load_bundled` knows:

        - ``.npy``: an array saved by `numpy.save`; it is memory-mapped, not loaded.
        - ``.npz``: a sparse matrix saved by `scipy.sparse.save_npz`, or an archive with exactly one two-dimensional
          array.
        - ``.csv``, ``.tsv``: numbers separated by commas or tabs. A first line that holds any text is a header.
        - ``.parquet``: numeric columns; needs pyarrow.
        - ``.mtx``: MatrixMarket, sparse or dense.

    Returns
    -------
    numpy.ndarray or scipy.sparse.csr_array of shape (n, d)

    Raises
    ------
    InvalidInputError
        If the file cannot be read as a real matrix; the message names the file, what is wrong and what to do.

    Examples
    --------
    >>> read_matrix("diabetes").shape
    (442, 10)
    >>> read_matrix("nowhere.csv")
    Traceback (most recent call last):
        ...
    hypernorm.exceptions.InvalidInputError: there is no file nowhere.csv; check the path, or name a bundled data ...
    """
    if isinstance(source, str) and source in NAMES:
        return load_bundled(source) if source in BUNDLED else _KNOWN[source]().matrix
    path = Path(source)
    if path.is_dir():
        raise InvalidInputError(f"{path} is a directory; name a file in it.")
    reader, remedy = _READERS.get(path.suffix.lower(), (None, ""))
    if not path.exists():
        raise InvalidInputError(
            f"there is no file {path}; check the path, or name a bundled data set: {', '.join(NAMES)}."
        )
    if reader is None:
        raise InvalidInputError(f"{path} ends in none of {', '.join(SUFFIXES)}; convert it to one of these formats.")
    if path.stat().st_size == 0:
        raise InvalidInputError(f"{path} is empty; {remedy}.")
    try:
        matrix = reader(path)
    except InvalidInputError:
        raise
    except _DAMAGE as error:
        # Messages of the libraries may run over several lines.
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise InvalidInputError(f"{path} cannot be read: {reason}; {remedy}.") from error
    return _check(matrix, path, remedy)


def _check(matrix: Any, path: Path, remedy: str) -> Matrix:
    if matrix.dtype.kind not in "fiub":
        what = {"c": "complex numbers", "O": "Python objects", "V": "records"}.get(matrix.dtype.kind, "text")
        raise InvalidInputError(f"{path} holds {what}, hypernorm needs real numbers; convert it and {remedy}.")
    if matrix.ndim != 2:
        shape = tuple(matrix.shape)
        raise InvalidInputError(
            f"{path} holds an array of shape {shape}, not a matrix; reshape it to (rows, columns) and {remedy}."
        )
    if 0 in matrix.shape:
        raise InvalidInputError(f"{path} holds an empty matrix of shape {tuple(matrix.shape)}; {remedy}.")
    return matrix


def _read_npy(path: Path) -> Matrix:
    # open_memmap never unpickles.
    return np.lib.format.open_memmap(path, mode="r")


def _read_npz(path: Path) -> Matrix:
    with path.open("rb") as stream:
        if not zipfile.is_zipfile(stream):
            raise ValueError("it is not a zip archive, or is cut short")
    with np.load(path, allow_pickle=False) as archive:
        if {"format", "shape", "data"} <= set(archive.files):
            return _check_sparse(sp.load_npz(path))
        if {"format_version", "kind", "fingerprint"} <= set(archive.files):
            raise InvalidInputError(f"{path} is a certificate, not a matrix; give the matrix that it is about.")
        arrays: dict[str, Any] = {}
        for name in archive.files:
            try:
                arrays[name] = archive[name]
            except ValueError:  # pickled objects, which other libraries put beside the numbers
                arrays[name] = None
    matrices = [array for array in arrays.values() if getattr(array, "ndim", 0) == 2]
    if len(matrices) != 1:
        listing = ", ".join(
            f"{name} {'(objects)' if array is None else tuple(np.shape(array))}" for name, array in arrays.items()
        )
        raise InvalidInputError(
            f"{path} holds {len(matrices)} matrices, not one (its arrays: {listing or 'none'}); save the one that you "
            f"mean with numpy.save('X.npy', X)."
        )
    return matrices[0]


def _read_mtx(path: Path) -> Matrix:
    matrix = scipy.io.mmread(path)
    return sp.csr_array(matrix) if sp.issparse(matrix) else matrix


def _check_sparse(matrix: Any) -> Matrix:
    # A damaged file may hold indices out of range, which compiled code would follow.
    if hasattr(matrix, "check_format"):
        matrix.check_format(full_check=True)
    return sp.csr_array(matrix) if matrix.ndim == 2 else matrix


def _read_parquet(path: Path) -> Matrix:
    import pandas as pd

    try:
        frame = pd.read_parquet(path, engine="pyarrow")
    except ImportError:
        raise InvalidInputError(
            f"{path} is a Parquet file, which needs pyarrow; install it with: pip install 'hypernorm[parquet]'."
        ) from None
    for name, dtype in frame.dtypes.items():
        if not pd.api.types.is_any_real_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype):
            raise InvalidInputError(
                f"{path} has a column {str(name)!r} of type {dtype}; keep numeric columns only, "
                f"e.g. frame.select_dtypes('number').to_parquet(...)."
            )
    if all(isinstance(dtype, np.dtype) for dtype in frame.dtypes):
        return frame.to_numpy()
    return frame.to_numpy(dtype=np.float64, na_value=np.nan)  # nullable columns: what is missing is NaN


_READERS: dict[str, tuple[Callable[[Path], Matrix], str]] = {
    ".npy": (_read_npy, "save it with numpy.save('X.npy', X)"),
    ".npz": (_read_npz, "save it with scipy.sparse.save_npz('X.npz', X) or numpy.savez('X.npz', X)"),
    ".csv": (lambda path: read_delimited(path, ","), "write one row of numbers on each line, separated by commas"),
    ".tsv": (lambda path: read_delimited(path, "\t"), "write one row of numbers on each line, separated by tabs"),
    ".parquet": (_read_parquet, "write it with pandas.DataFrame(X).to_parquet('X.parquet')"),
    ".mtx": (_read_mtx, "write it with scipy.io.mmwrite('X.mtx', X)"),
}

SUFFIXES: tuple[str, ...] = tuple(_READERS)
"""The endings of file names that `read_matrix` knows."""
