"""Limits on the memory that reading a file may take, and refusal of pipes and devices.

Two rules hold before memory is allocated. Data that decode to more than 64 MiB must not be more than 200 times as large
as their file. No file may take more than half of the free memory. Some legitimate files are compressed further; decode
such a file with another program first.
"""

from __future__ import annotations

import gzip
import os
import stat
from pathlib import Path
from typing import BinaryIO

from hypernorm.exceptions import InvalidInputError

__all__ = ["available_memory", "check_expansion", "check_file", "check_free_memory", "decoded_size", "open_binary"]

_FREE = 64 << 20
_EXPANSION = 200
_FRACTION = 0.5
_CHUNK = 1 << 20


def check_file(path: Path, name: str) -> os.stat_result:
    """Refuse directories, pipes and devices; reading a pipe or a device may never end.

    Raises
    ------
    InvalidInputError
        If the path is not a regular file.
    OSError
        If the file does not exist, or its status cannot be read.
    """
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise InvalidInputError(f"{name} is a directory; give the path of a file in it.")
    if not stat.S_ISREG(found.st_mode):
        raise InvalidInputError(f"{name} is a pipe or a device, not a file; save its output to a file first.")
    return found


def check_expansion(needed: int, stored: int, name: str) -> None:
    """Refuse to decode `stored` bytes to `needed` bytes if the ratio is too large or memory is too small.

    Raises
    ------
    InvalidInputError
        If one of the two rules of this module is violated.
    """
    if needed > _FREE and needed > _EXPANSION * stored:
        raise InvalidInputError(
            f"{name} is a file of {stored} bytes that would take {_mebibytes(needed)} when it is read, more than "
            f"{_EXPANSION} times its size; if that is intended, load it with the library that wrote it and save it "
            f"uncompressed, or pass the array or table."
        )
    check_free_memory(needed, name)


def check_free_memory(needed: int, name: str) -> None:
    """Refuse to take more than half of the free memory.

    Raises
    ------
    InvalidInputError
        If `needed` bytes are more than that.
    """
    if needed > _FRACTION * available_memory():
        raise InvalidInputError(
            f"{name} would take {_mebibytes(needed)} when it is read, more than half of the free memory of this "
            f"machine; save it with numpy.save('X.npy', X), which is memory-mapped, or take fewer rows."
        )


def available_memory() -> float:
    """Bytes of memory that this process may still take; infinity if the system does not report them."""
    limits = [float("inf")]
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        limits += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    except (OSError, ValueError):
        if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
            limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    try:  # the limit of a container
        group = Path("/sys/fs/cgroup")
        limits.append(int((group / "memory.max").read_text()) - int((group / "memory.current").read_text()))
    except (OSError, ValueError):
        pass
    return max(min(limits), 0)


def open_binary(path: Path) -> BinaryIO:
    """Open a file for reading bytes, decompressed if its name ends in ``.gz``."""
    return gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb")  # type: ignore[return-value]  # GzipFile reads bytes


def decoded_size(path: Path, name: str) -> int:
    """Number of bytes that `open_binary` delivers, counted without storing them.

    Raises
    ------
    InvalidInputError
        If they are more than 64 MiB and more than 200 times the size of the file.
    """
    if path.suffix.lower() != ".gz":
        return path.stat().st_size
    size = 0
    with path.open("rb") as compressed, gzip.GzipFile(fileobj=compressed) as stream:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            # Compare with the compressed bytes read so far, so that a decompression bomb is refused early.
            if size > _FREE and size > _EXPANSION * compressed.tell():
                raise InvalidInputError(
                    f"{name} expands to more than {_EXPANSION} times its size; if that is intended, decompress it with "
                    f"gunzip and give the result."
                )
    return size


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"
