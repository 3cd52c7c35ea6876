"""Read arrays from an untrusted ``.npz`` file.

The size of the archive's directory is checked before it is read. Members must be uncompressed, so none can be larger
than the file. The name, type and shape of each are checked before its data are read. Objects are never loaded.
"""

from __future__ import annotations

import math
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np

from hypernorm._display import printable
from hypernorm.exceptions import HypernormError

__all__ = ["ArchiveReader", "DamagedArchiveError", "read_archive"]

Parsed = TypeVar("Parsed")

_LARGEST_DIRECTORY = 1 << 18
_LONGEST_TEXT = 64
_LONGEST_NAME = 64
_LARGEST_HEADER = 4096
# The records at the end of a zip archive: that of the directory, preceded by two more in archives above 4 GiB.
_END, _LOCATOR, _LARGE_END = b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06"
_END_BYTES, _LOCATOR_BYTES, _LARGE_END_BYTES = 22, 20, 56


class DamagedArchiveError(Exception):
    """A file is damaged; the message describes the damage in one line."""


def read_archive(path: Path, parse: Callable[[ArchiveReader], Parsed]) -> Parsed:
    """Read a file with a function that must take every member.

    Raises
    ------
    DamagedArchiveError
        If the file is not a well-formed archive of exactly the members that `parse` takes.
    OSError
        If the file does not exist or cannot be read.
    HypernormError
        If `parse` raises it.
    """
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(21, "is a directory", str(path))
    if not stat.S_ISREG(status.st_mode):  # reading a pipe may block, reading a device may never end
        raise DamagedArchiveError("not a regular file")
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("error")  # numpy warns of unusual headers, which hypernorm never writes
        _check_directory(file, status.st_size)
        try:
            with zipfile.ZipFile(file) as archive:
                reader = ArchiveReader(archive, status.st_size)
                content = parse(reader)
                reader.finish()
                return content
        except (OSError, DamagedArchiveError, HypernormError, MemoryError):
            raise
        except Exception as error:
            # For a damaged archive zipfile and numpy raise errors of many classes.
            reason = printable(" ".join(str(error).split()))[:200]
            raise DamagedArchiveError(f"not a readable archive ({type(error).__name__}: {reason})") from None


class ArchiveReader:
    """The members of an open archive; each can be taken once.

    Parameters
    ----------
    archive : zipfile.ZipFile
    size : int
        Size of the file in bytes.
    """

    def __init__(self, archive: zipfile.ZipFile, size: int):
        self._archive = archive
        self._prefix = ""
        self._members: dict[str, zipfile.ZipInfo] = {}
        self._sizes: dict[str, int] = {}
        for info in archive.infolist():
            name = printable(info.filename)[:_LONGEST_NAME]
            if info.filename in self._members:
                raise DamagedArchiveError(f"member {name!r} appears twice")
            if info.compress_type != zipfile.ZIP_STORED or not info.compress_size == info.file_size <= size:
                raise DamagedArchiveError(f"member {name!r} is compressed or larger than the file")
            self._members[info.filename] = info
        if sum(info.file_size for info in self._members.values()) > size:  # members that overlap share their bytes
            raise DamagedArchiveError("the members of the archive together are larger than the file")

    def finish(self) -> None:
        """Refuse members that have not been taken."""
        if self._members:
            names = [printable(name)[:_LONGEST_NAME] for name in sorted(self._members)[:3]]
            raise DamagedArchiveError(f"unexpected members {names}: the file is damaged, or of another version")

    def part(self, prefix: str) -> ArchiveReader:
        """The members whose names begin with a prefix, by the rest of their names."""
        part = object.__new__(ArchiveReader)
        part.__dict__.update(self.__dict__, _prefix=self._prefix + prefix)
        return part

    def array(self, name: str, dtypes: Sequence[str], *shapes: tuple[int, ...]) -> np.ndarray:
        """Take a member whose type and shape are among the expected ones."""
        with self._open(name) as member:
            shape, dtype = _header(member, self._sizes[name], name, dtypes, shapes)
            result = np.empty(math.prod(shape), dtype=dtype)
            _fill(member, name, result)
            _check_end(member, name)
        return result.reshape(shape)

    def scalar(self, name: str, dtype: str) -> Any:
        """Take a member that is one number."""
        return self.array(name, (dtype,), ()).item()

    def text(self, name: str, longest: int = _LONGEST_TEXT) -> str:
        """Take a member that is one short text."""
        return str(self.array(name, [f"<U{length}" for length in range(1, longest + 1)], ()))

    def hermitian(self, name: str, dtypes: Sequence[str], *sides: int) -> np.ndarray:
        """Take a Hermitian matrix in double precision, stored as its lower triangle row by row."""
        with self._open(name) as member:
            shape, dtype = _header(
                member, self._sizes[name], name, dtypes, [(side * (side + 1) // 2,) for side in sides]
            )
            side = (math.isqrt(8 * shape[0] + 1) - 1) // 2
            matrix = np.zeros((side, side), dtype=np.complex128 if dtype.kind == "c" else np.float64)
            row = np.empty(side, dtype=dtype)
            for index in range(side):
                part = row[: index + 1]
                _fill(member, name, part)
                if not np.isfinite(part).all():
                    raise DamagedArchiveError(f"the member {name!r} has infinite entries or NaN, it must be finite")
                matrix[index, : index + 1] = part
                matrix[: index + 1, index] = part.conj()
            _check_end(member, name)
        if np.iscomplexobj(matrix) and np.diagonal(matrix).imag.any():
            raise DamagedArchiveError(f"the member {name!r} is not Hermitian: its diagonal is not real")
        matrix.setflags(write=False)
        return matrix

    def _open(self, name: str) -> IO[bytes]:
        info = self._members.pop(f"{self._prefix}{name}.npy", None)
        if info is None:
            raise DamagedArchiveError(f"the member {name!r} is missing: the file is damaged, or of another version")
        self._sizes[name] = info.file_size
        return self._archive.open(info)


def _check_directory(file: IO[bytes], size: int) -> None:
    """Refuse a file without a small directory at its end; the standard library would read a directory of any size."""
    message = "not a certificate or checkpoint: the file is no .npz archive, or it is truncated"
    if size < _END_BYTES:
        raise DamagedArchiveError(message)
    file.seek(size - _END_BYTES)
    end = file.read(_END_BYTES)
    if end[:4] != _END or end[20:] != b"\0\0":
        raise DamagedArchiveError(message)
    directory = struct.unpack("<L", end[12:16])[0]
    before = size - _END_BYTES - _LOCATOR_BYTES - _LARGE_END_BYTES
    if before >= 0:
        file.seek(before)
        large, locator = file.read(_LARGE_END_BYTES), file.read(_LOCATOR_BYTES)
        if locator[:4] == _LOCATOR:
            if large[:4] != _LARGE_END:
                raise DamagedArchiveError(message)
            directory = max(directory if directory != 2**32 - 1 else 0, struct.unpack("<Q", large[40:48])[0])
    if directory > _LARGEST_DIRECTORY:
        raise DamagedArchiveError(f"the directory of the archive has {directory} bytes, more than hypernorm writes")
    file.seek(0)


def _header(
    member: IO[bytes], stored: int, name: str, dtypes: Sequence[str], shapes: Sequence[tuple[int, ...]]
) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(member)
    if version != (1, 0):
        raise DamagedArchiveError(f"the member {name!r} has an unknown array format {version}")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(member, max_header_size=_LARGEST_HEADER)
    if shape not in shapes or fortran or dtype not in [np.dtype(expected) for expected in dtypes]:
        raise DamagedArchiveError(f"the member {name!r} has the wrong type {dtype} or shape {shape}")
    if stored < math.prod(shape) * dtype.itemsize:  # checked before memory of the declared size is allocated
        raise DamagedArchiveError(f"the member {name!r} is shorter than it declares")
    return shape, dtype


def _fill(member: IO[bytes], name: str, array: np.ndarray) -> None:
    view = array.reshape(-1).view(np.uint8).data
    read = 0
    while read < len(view):
        count = member.readinto(view[read:])  # type: ignore[attr-defined]  # members of archives have it
        if not count:
            raise DamagedArchiveError(f"the member {name!r} has {read} bytes of data, fewer than it declares")
        read += count


def _check_end(member: IO[bytes], name: str) -> None:
    if member.read(1):  # reading to the end also verifies the checksum
        raise DamagedArchiveError(f"the member {name!r} has more bytes of data than it declares")
