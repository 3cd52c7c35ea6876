"""Writing arrays to one ``.npz`` file that appears under its name only when it is complete."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

__all__ = ["write_archive"]


def write_archive(path: Path, members: Mapping[str, np.ndarray]) -> None:
    """Write uncompressed members; a file of that name is replaced at the end, or left alone if anything fails.

    The file is a new one, with the permissions that the user's umask gives to new files.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    temporary = path.parent / f".hypernorm-{secrets.token_hex(8)}"
    try:
        with temporary.open("xb") as file:
            np.savez(file, **members)  # type: ignore[arg-type]  # the stubs take the names for keywords
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
