"""Save the state of a long sum-of-squares solve to disk, and continue after an interruption."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hypernorm._archive import write_archive
from hypernorm._archive_reader import ArchiveReader, DamagedArchiveError, read_archive
from hypernorm.bounds.sos_solver import SosSolver
from hypernorm.exceptions import InvalidInputError

__all__ = ["restore", "store"]

_LONGEST_LABEL = 200


def store(solver: SosSolver, path: Path, label: str) -> None:
    """Write the state to a file, which appears under its name only when it is complete.

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
    """Continue from a file if it exists; return whether it does.

    The file need not be trusted, since every bound is proved again.

    Raises
    ------
    InvalidInputError
        If the file is damaged or belongs to another problem.
    """
    if not path.exists():
        return False
    try:
        state = read_archive(path, lambda reader: _state(reader, solver, path, label))
    except OSError as error:
        raise InvalidInputError(f"checkpoint {path} cannot be read: {error.strerror or error}.") from None
    except DamagedArchiveError as error:
        raise InvalidInputError(
            f"checkpoint {path} does not fit this problem or is damaged ({error}); delete it to start again."
        ) from None
    if not solver.resume(state):
        raise InvalidInputError(f"checkpoint {path} does not fit this problem; delete it to start again.")
    return True


def _state(reader: ArchiveReader, solver: SosSolver, path: Path, label: str) -> dict[str, np.ndarray]:
    if reader.text("label", _LONGEST_LABEL) != label:
        raise InvalidInputError(
            f"checkpoint {path} belongs to another matrix, exponent or degree; delete it or name another file."
        )
    size, count = solver.classes.size, solver.classes.count
    return {
        "iteration": reader.array("iteration", ("<i8",), ()),
        "sigma": reader.array("sigma", ("<f8",), ()),
        "multiplier": reader.array("multiplier", ("<f8",), (size * (size + 1) // 2,)),
        "averages": reader.array("averages", ("<f8",), (count,)),
        "vectors": reader.array("vectors", ("<f8",), *((size, width) for width in range(1, size + 1))),
    }
