"""The state of a long sum-of-squares solve on disk, so that it can go on after an interruption."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from hypernorm._archive import write_archive
from hypernorm.bounds.splitting import SosSolver
from hypernorm.exceptions import InvalidInputError

__all__ = ["restore", "store"]

_NAMES = ("label", "iteration", "sigma", "multiplier", "averages", "vectors")


def store(solver: SosSolver, path: Path, label: str) -> None:
    """Write the state; the file appears under its name only when it is complete.

    Raises
    ------
    InvalidInputError
        If the file cannot be written.
    """
    try:
        write_archive(path, {"label": np.array(label), **solver.state()})
    except OSError as error:
        raise InvalidInputError(f"checkpoint {path} cannot be written: {error.strerror or error}.") from None


def restore(solver: SosSolver, path: Path, label: str) -> bool:
    """Continue from a file if there is one; nothing in it is trusted, since every bound is proved anew.

    Raises
    ------
    InvalidInputError
        If the file is damaged or belongs to another problem.
    """
    if not path.exists():
        return False
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            state = {name: content[name] for name in _NAMES}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidInputError(
            f"checkpoint {path} is damaged ({type(error).__name__}); delete it to begin anew."
        ) from None
    if str(state.pop("label")) != label:
        raise InvalidInputError(
            f"checkpoint {path} belongs to another matrix, exponent or degree; delete it or name another file."
        )
    if not solver.resume(state):
        raise InvalidInputError(f"checkpoint {path} does not fit this problem; delete it to begin anew.")
    return True
