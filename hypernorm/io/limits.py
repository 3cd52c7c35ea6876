"""What a file may ask for: a file of a few bytes takes no gigabytes, and what is no file is not waited for.

The rule, before anything is allocated: what decodes to more than 64 MiB must not be more than 200 times as large as its
file, and nothing may take more than half of the memory that is free. Honest files that are compressed further exist;
whoever has one decodes it with another program first.
"""

from __future__ import annotations

import gzip
import os
import stat
from pathlib import Path
from typing import BinaryIO

from hypernorm.exceptions import InvalidInputError

__all__ = ["available_memory", "check_expansion", "check_file", "check_share", "decoded_size", "open_binary"]

_FREE = 64 << 20
_EXPANSION = 200
_SHARE = 0.5
_CHUNK = 1 << 20


def check_file(path: Path, name: str) -> os.stat_result:
    """Refuse directories, pipes and devices, which could be waited for without end.

    Raises
    ------
    InvalidInputError
    OSError
        If there is no such file, or it cannot be looked at.
    """
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise InvalidInputError(f"{name} is a directory; name a file in it.")
    if not stat.S_ISREG(found.st_mode):
        raise InvalidInputError(f"{name} is a pipe or a device, not a file; save what it delivers to a file first.")
    return found


def check_expansion(needed: int, stored: int, name: str) -> None:
    """Refuse to decode `stored` bytes to `needed` ones if they are out of proportion or do not fit in memory.

    Raises
    ------
    InvalidInputError
    """
    if needed > _FREE and needed > _EXPANSION * stored:
        raise InvalidInputError(
            f"{name} is a file of {stored} bytes that would take {_mebibytes(needed)} when it is read, more than "
            f"{_EXPANSION} times its size; if that is meant, load it with the library that wrote it and save it "
            f"uncompressed, or pass the array or table."
        )
    check_share(needed, name)


def check_share(needed: int, name: str) -> None:
    """Refuse what takes more than half of the memory that is free.

    Raises
    ------
    InvalidInputError
    """
    if needed > _SHARE * available_memory():
        raise InvalidInputError(
            f"{name} would take {_mebibytes(needed)} when it is read, more than half of the free memory of this "
            f"machine; save it with numpy.save('X.npy', X), which is not loaded as a whole, or take fewer rows."
        )


def available_memory() -> float:
    """Bytes of memory that this process may still take; infinity where the system does not say."""
    limits = [float("inf")]
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        limits += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    except (OSError, ValueError):
        if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
            limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    try:  # a container's own limit
        group = Path("/sys/fs/cgroup")
        limits.append(int((group / "memory.max").read_text()) - int((group / "memory.current").read_text()))
    except (OSError, ValueError):
        pass
    return max(min(limits), 0)


def open_binary(path: Path) -> BinaryIO:
    """The bytes of a file, decompressed if its name ends in ``.gz``."""
    return gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb")  # type: ignore[return-value]


def decoded_size(path: Path, name: str) -> int:
    """How many bytes `open_binary` delivers, counted without keeping them.

    Raises
    ------
    InvalidInputError
        If they are out of proportion to the file.
    """
    if path.suffix.lower() != ".gz":
        return path.stat().st_size
    size = 0
    with path.open("rb") as compressed, gzip.GzipFile(fileobj=compressed) as stream:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            # What has been read so far, since the rest of a long file must not have to be decoded first.
            if size > _FREE and size > _EXPANSION * compressed.tell():
                raise InvalidInputError(
                    f"{name} expands to more than {_EXPANSION} times its size; if that is meant, decompress it with "
                    f"gunzip and give the result."
                )
    return size


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"
