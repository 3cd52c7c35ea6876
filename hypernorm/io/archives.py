"""Read matrices from the binary files of numpy and scipy; declared sizes are checked before memory is allocated."""

from __future__ import annotations

import io
import math
import os
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import scipy.sparse as sp

from hypernorm._display import printable
from hypernorm._validation import Matrix
from hypernorm.exceptions import InvalidInputError
from hypernorm.io.limits import check_expansion

__all__ = ["read_npy", "read_npz"]

_LONGEST_HEADER = 1 << 16
_LONGEST_DIRECTORY = 1 << 20
_STORED_OR_DEFLATED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_SHOWN_MEMBERS = 8
# Allowed kinds of numbers and dimensions of the arrays of a sparse matrix; all other arrays are indices.
_SPARSE_TYPES = {
    "format": ("SU", (0,)),
    "shape": ("iu", (1,)),
    "data": ("fiubc", (1, 2, 3)),
    "_is_array": ("b", (0,)),
}
# Bytes of an entry of a sparse matrix during conversion: indices, value, and their copies.
_BYTES_PER_ENTRY = 48


def read_npy(path: Path, name: str) -> np.ndarray:
    """Memory-map the array in an ``.npy`` file.

    Raises
    ------
    ValueError, EOFError, OSError
        If the file is damaged, cut short or cannot be read.
    """
    with path.open("rb") as stream:
        shape, dtype, start = _array_header(stream)
    if not dtype.hasobject and start + math.prod(shape) * dtype.itemsize > path.stat().st_size:
        raise EOFError(f"its header declares an array of shape {shape}, which is more than the file holds")
    return np.lib.format.open_memmap(path, mode="r")  # it never unpickles objects


def read_npz(path: Path, name: str) -> Matrix:
    """Read the only matrix of an archive of numpy, or the sparse matrix that scipy stored in it.

    Raises
    ------
    InvalidInputError
        If the archive holds a certificate, several matrices or none, or expands out of proportion to its size.
    ValueError, OSError, zipfile.BadZipFile
        If the file is damaged or cannot be read.
    """
    size = path.stat().st_size
    with _Guarded(io.FileIO(path)) as stream, zipfile.ZipFile(stream) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        if any(info.compress_type not in _STORED_OR_DEFLATED for info in members.values()):
            raise ValueError("its compression method is not one that numpy writes")
        headers = {key: _member_header(archive, info) for key, info in members.items()}
        if {"format", "shape", "data"} <= set(members):
            _check_sparse_types(headers)
            check_expansion(sum(_BYTES_PER_ENTRY * math.prod(h[0]) for h in headers.values() if h), size, name)
            _check_dimensions(_small_array(archive, members["shape"]), size, name)
            return _as_csr(sp.load_npz(path), name)
        if {"format_version", "kind", "fingerprint"} <= set(members):
            raise InvalidInputError(f"{name} is a certificate, not a matrix; give the matrix that it certifies.")
        matrices = [
            key for key, header in headers.items() if header and len(header[0]) == 2 and not header[1].hasobject
        ]
        if len(matrices) != 1:
            raise InvalidInputError(
                f"{name} holds {len(matrices)} matrices, not one (its arrays: {_listing(headers)}); save the matrix "
                f"alone with numpy.save('X.npy', X)."
            )
        shape, dtype = headers[matrices[0]] or ((), np.dtype(float))
        check_expansion(math.prod(shape) * dtype.itemsize, size, name)
        with archive.open(members[matrices[0]]) as member:
            return np.lib.format.read_array(member, allow_pickle=False)


class _Guarded(io.BufferedReader):
    """A file that refuses long reads: zipfile reads the directory of an archive at once, whatever its declared size."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            size = os.fstat(self.fileno()).st_size - self.tell()
        if size > _LONGEST_DIRECTORY:
            raise ValueError("it has far more members than a matrix needs")
        return super().read(size)


def _array_header(stream: BinaryIO | Any) -> tuple[tuple[int, ...], np.dtype, int]:
    """Shape, type and offset of an array, from the first bytes only: a header may declare a length of gigabytes."""
    start = io.BytesIO(stream.read(_LONGEST_HEADER))
    try:
        version = np.lib.format.read_magic(start)
        if version == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(start)
        else:
            shape, _, dtype = np.lib.format.read_array_header_2_0(start)
    except Exception as error:  # numpy parses the header with Python's parser, whose errors have many classes
        kind = EOFError if str(error).startswith("EOF") else ValueError
        raise kind(str(error) or "its header is damaged") from None
    if any(length < 0 for length in shape):
        raise ValueError(f"its header declares an array of shape {shape}")
    return shape, dtype, start.tell()


def _member_header(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> tuple[tuple[int, ...], np.dtype] | None:
    """Shape and type of a member of an archive; None if it is no array."""
    with archive.open(info) as member:
        try:
            shape, dtype, start = _array_header(member)
        except (ValueError, EOFError):
            return None
    if not dtype.hasobject and start + math.prod(shape) * dtype.itemsize > info.file_size:
        raise ValueError(f"its array {printable(info.filename, 40)} is declared larger than it is")
    return shape, dtype


def _check_sparse_types(headers: dict[str, tuple[tuple[int, ...], np.dtype] | None]) -> None:
    """Refuse arrays of a sparse matrix whose type or dimension scipy does not write; scipy does not check them."""
    for key, header in headers.items():
        if header is None:
            raise ValueError("one of its arrays is damaged")
        shape, dtype = header
        kinds, dimensions = _SPARSE_TYPES.get(key, ("iu", (1, 2)))
        if dtype.kind not in kinds or len(shape) not in dimensions:
            raise ValueError(
                f"its array {printable(key, 40)} is of type {dtype} and shape {shape}, not as scipy writes it"
            )


def _small_array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    if info.file_size > _LONGEST_HEADER:
        raise ValueError(f"its array {printable(info.filename, 40)} is too long")
    with archive.open(info) as member:
        return np.lib.format.read_array(member, allow_pickle=False)


def _listing(headers: dict[str, tuple[tuple[int, ...], np.dtype] | None]) -> str:
    shown = [
        f"{printable(key, 40)} {'(no array)' if h is None else '(objects)' if h[1].hasobject else h[0]}"
        for key, h in list(headers.items())[:_SHOWN_MEMBERS]
    ]
    return ", ".join(shown + ["…"] * (len(headers) > _SHOWN_MEMBERS)) or "none"


def _check_dimensions(shape: np.ndarray, stored: int, name: str) -> None:
    """Refuse so many rows or columns that the pointers alone would fill the memory, even with few entries."""
    check_expansion(8 * sum(int(length) for length in shape.ravel()), stored, name)


def _as_csr(matrix: Any, name: str) -> Matrix:
    # Compiled code does not check indices, and a damaged file may hold indices out of range.
    if hasattr(matrix, "check_format"):
        matrix.check_format(full_check=True)
    if matrix.ndim != 2:
        return matrix
    csr = sp.csr_array(matrix)
    if csr.nnz < matrix.nnz and matrix.format == "coo":  # scipy added duplicates, and the sum may be rounded
        raise InvalidInputError(
            f"{name} has several entries at one position; add them first, e.g. with sum_duplicates() of scipy."
        )
    return csr
