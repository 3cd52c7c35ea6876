"""Writing files that appear under their names only when they are complete."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy as np

__all__ = ["write_archive", "write_whole"]


def write_archive(path: Path, members: Mapping[str, np.ndarray]) -> None:
    """Write uncompressed members; a file of that name is replaced at the end, or left alone if anything fails.

    The file is a new one, with the permissions that the user's umask gives to new files.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    write_whole(path, lambda file: np.savez(file, **members))  # type: ignore[arg-type]  # taken for keywords


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file that appears under its name only when it is complete; one that exists is replaced, or left alone.

    Raises
    ------
    OSError
        If the file cannot be written, or is a pipe, a device or something else that is no file.
    """
    if path.exists() and not path.is_file():
        raise OSError(22, "it is a directory, a pipe or a device, and not a file", str(path))
    temporary = path.parent / f".hypernorm-{secrets.token_hex(8)}"
    try:
        with temporary.open("xb") as file:
            write(file)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
