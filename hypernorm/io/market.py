"""Read matrices in the MatrixMarket format, sparse and dense.

Other readers accept the part of a line that they understand: the 1 of ``1D5``, the first number of ``1 7``. This reader
requires that every line consists of exactly the numbers that the header announces.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import scipy.sparse as sp

from hypernorm._display import printable
from hypernorm._frames import LARGEST_EXACT_INTEGER
from hypernorm._validation import Matrix
from hypernorm.exceptions import InvalidInputError
from hypernorm.io.cells import is_number
from hypernorm.io.limits import check_expansion, decoded_size, open_binary

__all__ = ["read_matrix_market"]

_BANNER = "%%matrixmarket"
_FIELDS = ("real", "double", "integer", "unsigned-integer", "pattern")
_SYMMETRIES = ("general", "symmetric", "skew-symmetric")
_BLOCK = 1 << 20
_LONGEST_LINE = 1 << 16
_PLAIN = b"0123456789+-.eE \t\r\n"
_WHOLE = b"0123456789+- \t\r\n"
# Bytes of an entry while the matrix is built: its numbers in the file, indices and value, and their sorted copies.
_BYTES_PER_ENTRY = 64


@dataclass(frozen=True)
class _Header:
    sparse: bool
    field: str
    symmetry: str
    shape: tuple[int, int]
    entries: int

    @property
    def numbers(self) -> int:
        """How many numbers a line has."""
        return 1 if not self.sparse else 2 if self.field == "pattern" else 3


def read_matrix_market(path: Path, name: str) -> Matrix:
    """Read a MatrixMarket file, decompressed if it ends in ``.gz``; reals become the nearest binary64 numbers.

    Raises
    ------
    InvalidInputError
        If the matrix is complex, has an integer that binary64 cannot represent, has several entries at one position,
        or is out of proportion to the file.
    ValueError, OSError
        If the file is damaged.
    """
    size = decoded_size(path, name)
    with open_binary(path) as stream:
        header = _read_header(stream, name)
        shortest = 2 * header.numbers  # "1 1 1\n"
        if header.entries * shortest > size + 1:
            raise ValueError(f"its header declares {header.entries} entries, more than the file holds")
        if header.sparse:
            # The row pointers count too: many empty rows need memory.
            check_expansion(header.entries * _BYTES_PER_ENTRY, size, name)
            check_expansion(8 * sum(header.shape), size, name)
        else:
            check_expansion(16 * header.shape[0] * header.shape[1], size, name)
        numbers = _read_numbers(stream, header)
    if header.field.endswith("integer"):
        values = numbers[:, -1]
        if (np.abs(values) >= LARGEST_EXACT_INTEGER).any():
            raise InvalidInputError(
                f"{name} has integers of at least 2**53, which binary64 cannot represent exactly; declare the field "
                f"'real' if rounded values are intended."
            )
    return _sparse(numbers, header, name) if header.sparse else _dense(numbers[:, 0], header)


def _read_header(stream: BinaryIO, name: str) -> _Header:
    words = stream.readline(_LONGEST_LINE).decode("ascii", "replace").lower().split()
    if len(words) != 5 or words[0] != _BANNER or words[1] != "matrix":
        raise ValueError("it does not begin with '%%MatrixMarket matrix', a format, a field and a symmetry")
    form, field, symmetry = words[2:]
    if field == "complex" or symmetry == "hermitian":
        raise InvalidInputError(f"{name} holds complex numbers, but only .npy and .npz files may; save it as one.")
    if form not in ("coordinate", "array") or field not in _FIELDS or symmetry not in _SYMMETRIES:
        raise ValueError(f"its header declares the unknown format {printable(' '.join(words[2:]), 60)!r}")
    line = b"%"
    while line.startswith(b"%") or (line and not line.strip()):
        line = _line(stream)
    sizes = line.split()
    sparse = form == "coordinate"
    if len(sizes) != (3 if sparse else 2) or not all(word.isdigit() and len(word) < 19 for word in sizes):
        raise ValueError(f"it has no line of sizes, but {printable(line.decode('ascii', 'replace').strip(), 40)!r}")
    rows, columns, *rest = map(int, sizes)
    if symmetry != "general" and rows != columns:
        raise ValueError(f"it is declared {symmetry}, but it is not square")
    if not sparse and field == "pattern":
        raise ValueError("it is declared both dense ('array') and a pattern")
    whole = {"general": rows * columns, "symmetric": rows * (rows + 1) // 2, "skew-symmetric": rows * (rows - 1) // 2}
    return _Header(sparse, field, symmetry, (rows, columns), rest[0] if sparse else whole[symmetry])


def _line(stream: BinaryIO) -> bytes:
    line = stream.readline(_LONGEST_LINE)
    if len(line) == _LONGEST_LINE:
        raise ValueError("it has a line of more than 64 KiB")
    return line


def _read_numbers(stream: BinaryIO, header: _Header) -> np.ndarray:
    """The numbers of all lines as an array, one row per line."""
    numbers = np.empty((header.entries, header.numbers))
    allowed = _WHOLE if header.field.endswith("integer") else _PLAIN
    filled = 0
    while block := stream.read(_BLOCK):
        if not block.endswith(b"\n"):
            block += _line(stream)
        rows = _plain_rows(block, header.numbers, allowed)
        if rows is None:
            rows = _careful_rows(block, header.numbers, whole=allowed is _WHOLE)
        if filled + len(rows) > header.entries:
            raise ValueError(f"it has more entries than the {header.entries} that its header declares")
        numbers[filled : filled + len(rows)] = rows
        filled += len(rows)
    if filled < header.entries:
        raise EOFError(f"it has only {filled} of the {header.entries} entries that its header declares")
    return numbers


def _plain_rows(block: bytes, width: int, allowed: bytes) -> np.ndarray | None:
    """The numbers of a block of lines; None if the block contains anything but plain numbers."""
    if block.translate(None, allowed):
        return None
    codes = np.frombuffer(block, dtype=np.uint8)
    blank = codes <= ord(" ")
    begins = ~blank
    begins[1:] &= blank[:-1]
    lines = np.concatenate([[0], np.flatnonzero(codes == ord("\n")) + 1])
    counts = np.add.reduceat(begins, lines[lines < len(codes)], dtype=np.intp)
    if not np.isin(counts, (0, width)).all():
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # older versions of numpy warn instead
            numbers = np.fromstring(block.decode("ascii"), dtype=np.float64, sep=" ")
    except ValueError:
        return None
    return numbers.reshape(-1, width) if len(numbers) == counts.sum() else None


def _careful_rows(block: bytes, width: int, whole: bool) -> np.ndarray:
    """The numbers of a block, read line by line, infinities and NaN included; the error names the first wrong line."""
    rows = []
    for line in block.decode("utf-8").split("\n"):
        words = line.split()
        if words and (len(words) != width or not all(map(is_number, words)) or (whole and not _are_whole(words))):
            raise ValueError(
                f"it has the line {printable(line.strip(), 40)!r} where {width} number{'s' * (width > 1)} are expected"
            )
        if words:
            rows.append(list(map(float, words)))
    return np.array(rows).reshape(-1, width)


def _are_whole(words: list[str]) -> bool:
    return all(word.lstrip("+-").isdigit() for word in words)


def _sparse(numbers: np.ndarray, header: _Header, name: str) -> Matrix:
    indices = numbers[:, :2]
    wrong = (indices < 1) | (indices > header.shape) | (indices != np.floor(indices))
    if wrong.any():
        entry = int(np.argmax(wrong.any(axis=1)))
        raise ValueError(f"entry {entry + 1} is at {tuple(indices[entry].tolist())}, outside the matrix")
    i, j = indices.T.astype(np.int64) - 1
    values = np.ones(len(numbers)) if header.field == "pattern" else numbers[:, 2]
    if header.field.endswith("integer"):
        values = values.astype(np.int64)
    if header.symmetry != "general":
        beside = i != j
        if header.symmetry == "skew-symmetric" and not beside.all():
            raise ValueError("it is declared skew-symmetric, but has entries on the diagonal")
        sign = -1 if header.symmetry == "skew-symmetric" else 1
        i, j = np.concatenate([i, j[beside]]), np.concatenate([j, i[beside]])
        values = np.concatenate([values, sign * values[beside]])
    matrix = sp.csr_array(sp.coo_array((values, (i, j)), shape=header.shape))
    if matrix.nnz < len(values):  # scipy added duplicates, and the sum may be rounded
        raise InvalidInputError(f"{name} has several entries at one position; write one entry, their sum.")
    return matrix


def _dense(values: np.ndarray, header: _Header) -> np.ndarray:
    if header.field.endswith("integer"):
        values = values.astype(np.int64)
    if header.symmetry == "general":
        return values.reshape(header.shape, order="F")
    skew = header.symmetry == "skew-symmetric"
    matrix = np.zeros(header.shape, dtype=values.dtype, order="F")
    start = 0
    for column in range(header.shape[0]):
        below = slice(column + skew, None)
        stop = start + header.shape[0] - column - skew
        matrix[below, column] = values[start:stop]
        matrix[column, below] = -values[start:stop] if skew else values[start:stop]
        start = stop
    return matrix
