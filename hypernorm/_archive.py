"""Writing arrays to one ``.npz`` file that appears under its name only when it is complete."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

__all__ = ["write_archive"]


def write_archive(path: Path, members: Mapping[str, np.ndarray]) -> None:
    """Write uncompressed members; a file of that name is replaced at the end, or left alone if anything fails.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **members)  # type: ignore[arg-type]  # the stubs take the names for keywords
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
