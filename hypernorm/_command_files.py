"""Files that the command reads and writes in addition to the matrix and the certificate."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from hypernorm._archive import write_whole
from hypernorm.exceptions import InvalidInputError

__all__ = ["check_outputs", "save_witness"]


def check_outputs(source: str, outputs: dict[str, Path | None]) -> None:
    """Refuse output paths that cannot be written, or that equal the input or another output."""
    taken = {os.path.realpath(source): "FILE"}
    for option, path in outputs.items():
        if path is None:
            continue
        if path.is_dir():
            raise InvalidInputError(f"{option} {path} is a directory; give the path of a file in it.")
        if path.exists() and not path.is_file():
            raise InvalidInputError(f"{option} {path} is a pipe or a device; give the path of a file.")
        if not path.parent.is_dir():
            raise InvalidInputError(f"{option} {path}: there is no directory {path.parent}; create it first.")
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise InvalidInputError(f"{option} {path} is not writable; choose another place.")
        other = taken.setdefault(os.path.realpath(path), option)
        if other != option:
            raise InvalidInputError(f"{option} {path} is the same file as {other}; choose another name.")


def save_witness(witness: Any, path: Path) -> None:
    """Save a witness as a file for `verify` if the path ends in ``.npz``, else its vector only, if it has one."""
    if path.suffix.lower() == ".npz":
        witness.save(path)
        return
    if not hasattr(witness, "vector"):
        raise InvalidInputError(f"--witness {path}: this witness is not a vector; give a path that ends in .npz.")
    write_whole(path, lambda stream: np.save(stream, witness.vector))
