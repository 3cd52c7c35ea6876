"""Write files that appear under their names only when they are complete."""

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
    """Write an uncompressed archive; an existing file is replaced at the end, or left unchanged after an error.

    The file is a new one, with the permissions of the user's umask.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    write_whole(path, lambda file: np.savez(file, **members))  # type: ignore[arg-type]  # mypy sees keyword options


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file that appears under its name only when it is complete.

    An existing file is replaced at the end, or left unchanged after an error.

    Raises
    ------
    OSError
        If the file cannot be written, or the path is a directory, a pipe or a device.
    """
    if path.exists() and not path.is_file():
        raise OSError(22, "it is a directory, a pipe or a device, not a file", str(path))
    temporary = path.parent / f".hypernorm-{secrets.token_hex(8)}"
    try:
        with temporary.open("xb") as file:
            write(file)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
