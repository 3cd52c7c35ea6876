"""Read a matrix from a file; a file that holds no matrix is refused with a message of one line.

Numbers keep the type that the file stores. Text has no number types: a number in text is read as the nearest binary64.
Entries may be NaN or infinite here; `hypernorm._validation.check_matrix` refuses them and names the first.
"""

from __future__ import annotations

import csv
import gzip
import os
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypernorm._display import printable
from hypernorm._validation import Matrix
from hypernorm.datasets.bundled import BUNDLED, load_bundled
from hypernorm.datasets.known import KnownNorm, e8, icosahedron
from hypernorm.exceptions import InvalidInputError
from hypernorm.io.archives import read_npy, read_npz
from hypernorm.io.columnar import read_parquet
from hypernorm.io.delimited import read_delimited
from hypernorm.io.limits import check_file
from hypernorm.io.market import read_matrix_market

__all__ = ["NAMES", "SUFFIXES", "read_matrix"]

_KNOWN: dict[str, Callable[[], KnownNorm]] = {"icosahedron": icosahedron, "e8": e8}

NAMES: tuple[str, ...] = (*BUNDLED, *_KNOWN)
"""Names that `read_matrix` accepts in place of a path: bundled data, and matrices of known norm."""

_DAMAGE: tuple[type[Exception], ...] = (
    ValueError,
    TypeError,
    OSError,
    EOFError,
    ArithmeticError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
    csv.Error,
)


@dataclass(frozen=True)
class _Layout:
    """The caller's options for a text or a table."""

    header: bool | None
    index: bool | None


@dataclass(frozen=True)
class _Format:
    read: Callable[[Path, str, _Layout], Matrix]
    remedy: str
    has_header: bool = False
    has_index: bool = False


def _text(delimiter: str, remedy: str) -> _Format:
    return _Format(
        lambda path, name, layout: read_delimited(path, delimiter, name, layout.header, layout.index),
        remedy,
        has_header=True,
        has_index=True,
    )


_CSV = _text(",", "write one row of numbers on each line, separated by commas")
_TSV = _text("\t", "write one row of numbers on each line, separated by tabs")
_MTX = _Format(lambda path, name, _: read_matrix_market(path, name), "write it with scipy.io.mmwrite('X.mtx', X)")

_FORMATS: dict[str, _Format] = {
    ".npy": _Format(lambda path, name, _: read_npy(path, name), "save it with numpy.save('X.npy', X)"),
    ".npz": _Format(
        lambda path, name, _: read_npz(path, name),
        "save it with scipy.sparse.save_npz('X.npz', X) or numpy.savez('X.npz', X)",
    ),
    ".csv": _CSV,
    ".tsv": _TSV,
    ".parquet": _Format(
        lambda path, name, layout: read_parquet(path, name, layout.index),
        "write it with pandas.DataFrame(X).to_parquet('X.parquet')",
        has_index=True,
    ),
    ".mtx": _MTX,
    ".csv.gz": _CSV,
    ".tsv.gz": _TSV,
    ".mtx.gz": _MTX,
}

SUFFIXES: tuple[str, ...] = tuple(_FORMATS)
"""The file name endings that `read_matrix` accepts."""


def read_matrix(
    source: str | os.PathLike[str],
    *,
    header: bool | None = None,
    index: bool | None = None,
    allow_complex: bool = False,
) -> Matrix:
    """Read a real matrix from a file, or load a bundled data set by its name.

    Parameters
    ----------
    source : str or path
        A file, whose ending determines its format, or the name of a bundled data set or of a matrix of known norm:

        - ``.npy``: an array saved by `numpy.save`; it is memory-mapped, not loaded.
        - ``.npz``: a sparse matrix saved by `scipy.sparse.save_npz`, or an archive with exactly one two-dimensional
          array.
        - ``.csv``, ``.tsv``, also ``.csv.gz``, ``.tsv.gz``: numbers separated by commas or tabs. Each is read as the
          nearest binary64 number. Lines that begin with # are comments.
        - ``.parquet``: numeric columns; needs pyarrow. Columns of different types become float64; then integers above
          2**53 are refused.
        - ``.mtx``, ``.mtx.gz``: MatrixMarket, sparse or dense; reals are read as the nearest binary64 numbers.
    header : bool, optional
        Whether the first line of a text is a header. By default a line of names is recognised; missing values (empty,
        NA, NULL, nan, ...) are not names. An ambiguous line is refused.
    index : bool, optional
        Whether the first column of a text or a Parquet file holds row labels, which are left out. By default a column
        without a name that numbers the rows, as pandas and R write it, is recognised; other columns that look like
        labels are refused.
    allow_complex : bool, default False
        Whether an ``.npy`` or ``.npz`` file may hold complex numbers.

    Returns
    -------
    numpy.ndarray or scipy.sparse.csr_array of shape (n, d)

    Raises
    ------
    InvalidInputError
        If the file cannot be read as such a matrix; the message names the file, the fault and the remedy. Pipes and
        devices are refused, and so are files that take more than half of the free memory, or more than 64 MiB and more
        than 200 times their own size.

    See Also
    --------
    hypernorm.datasets.load_bundled : Data sets that are there already.

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
        if header is not None or index is not None:
            raise InvalidInputError(
                f"header and index apply to files only, and {source} is a data set; leave them out."
            )
        return load_bundled(source) if source in BUNDLED else _KNOWN[source]().matrix
    try:
        path = Path(source)
    except TypeError:
        raise InvalidInputError(f"source must be a path or the name of a data set, got {source!r}.") from None
    name = printable(path)
    form = next((_FORMATS[suffix] for suffix in SUFFIXES if path.name.lower().endswith(suffix)), None)
    try:
        size = check_file(path, name).st_size
    except InvalidInputError:
        raise
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise InvalidInputError(
            f"there is no file {name}; check the path, or name a bundled data set: {', '.join(NAMES)}."
        ) from None
    except OSError as error:
        raise InvalidInputError(f"{name} cannot be read: {error.strerror}.") from None
    if form is None:
        raise InvalidInputError(f"{name} ends in none of {', '.join(SUFFIXES)}; convert it to one of these formats.")
    _check_layout(_Layout(header, index), form, name)
    if size == 0:
        raise InvalidInputError(f"{name} is empty; {form.remedy}.")
    try:
        matrix = form.read(path, name, _Layout(header, index))
    except InvalidInputError:
        raise
    except MemoryError:
        raise InvalidInputError(f"{name} does not fit in memory; take fewer rows.") from None
    except PermissionError:
        raise InvalidInputError(f"{name} cannot be read: you lack the permission; ask its owner for it.") from None
    except _DAMAGE as error:
        # Messages of the libraries may have several lines.
        reason = printable(" ".join(str(error).split()), limit=300).rstrip(".") or type(error).__name__
        raise InvalidInputError(f"{name} cannot be read: {reason}; {_remedy(error, form)}.") from error
    return _check(matrix, name, form.remedy, "fiubc" if allow_complex else "fiub")


def _remedy(error: Exception, form: _Format) -> str:
    """What to do about a file that cannot be read."""
    if isinstance(error, gzip.BadGzipFile) and str(error).startswith("Not a gzipped file"):
        return "compress it with gzip, or leave .gz out of its name"
    if isinstance(error, EOFError | zipfile.BadZipFile | zlib.error | gzip.BadGzipFile):
        return f"if it is incomplete, copy or download it again; otherwise {form.remedy}"
    return f"close every quotation mark, and {form.remedy}" if isinstance(error, csv.Error) else form.remedy


def _check_layout(layout: _Layout, form: _Format, name: str) -> None:
    for option, value, applies in (("header", layout.header, form.has_header), ("index", layout.index, form.has_index)):
        if value is not None and not isinstance(value, bool):
            raise InvalidInputError(f"{option} must be True, False or None, got {value!r}.")
        if value is not None and not applies:
            raise InvalidInputError(f"{option} does not apply to the format of {name}; leave it out.")


def _check(matrix: Any, name: str, remedy: str, kinds: str) -> Matrix:
    if matrix.dtype.kind not in kinds:
        what = {"c": "complex numbers", "O": "Python objects", "V": "records"}.get(matrix.dtype.kind, "text")
        raise InvalidInputError(f"{name} holds {what}, but hypernorm needs real numbers; convert it and {remedy}.")
    if matrix.ndim != 2:
        shape = tuple(matrix.shape)
        raise InvalidInputError(
            f"{name} holds an array of shape {shape}, not a matrix; reshape it to (rows, columns) and {remedy}."
        )
    if 0 in matrix.shape:
        raise InvalidInputError(f"{name} holds an empty matrix of shape {tuple(matrix.shape)}; {remedy}.")
    return matrix
