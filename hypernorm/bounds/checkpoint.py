"""Save the state of a long solve to disk, and continue after an interruption."""

from __future__ import annotations

import time
from os import PathLike
from pathlib import Path
from typing import TypeAlias

import numpy as np

from hypernorm._archive import write_archive
from hypernorm._archive_reader import ArchiveReader, DamagedArchiveError, read_archive
from hypernorm.bounds.propose import Search
from hypernorm.bounds.sos_solver import SosProgress, SosSolver
from hypernorm.bounds.split_solver import SplitSolver
from hypernorm.exceptions import InvalidInputError

__all__ = ["check_checkpoint", "keep_checkpoint", "sos_problem"]

Solver: TypeAlias = SosSolver | SplitSolver

_LONGEST_LABEL = 200
_SECONDS_BETWEEN_CHECKPOINTS = 30.0


def check_checkpoint(checkpoint: str | PathLike[str] | None) -> Path | None:
    """Return the path of a checkpoint, which must be in an existing folder; None for none.

    Raises
    ------
    InvalidInputError
        If there is no such folder.
    """
    if checkpoint is None:
        return None
    path = Path(checkpoint)
    if not path.parent.is_dir():
        raise InvalidInputError(f"checkpoint {path}: there is no directory {path.parent}; create it first.")
    return path


def sos_problem(degree: int) -> str:
    """The name of a sum-of-squares problem in the label of a checkpoint."""
    return f"degree={degree}"


def keep_checkpoint(options: Search, path: Path, fingerprint: str, q: float, problem: str) -> None:
    """Set hooks that restore the state before the solve, and store it every half minute and after the solve.

    `problem` names what is solved for the matrix and the exponent: `sos_problem` of a degree, or a split.
    """
    label = f"{fingerprint} q={q!r} {problem}"
    solvers: list[Solver] = []
    last = [time.perf_counter()]
    report = options.report

    def around(solver: Solver, before: bool) -> None:
        solvers[:] = [solver]
        if before:
            _restore(solver, path, label)
        else:
            _store(solver, path, label)

    def store_sometimes(progress: SosProgress) -> None:
        if time.perf_counter() - last[0] > _SECONDS_BETWEEN_CHECKPOINTS:
            _store(solvers[0], path, label)
            last[0] = time.perf_counter()
        if report is not None:
            report(progress)

    options.around, options.report = around, store_sometimes


def _store(solver: Solver, path: Path, label: str) -> None:
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


def _restore(solver: Solver, path: Path, label: str) -> bool:
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


def _state(reader: ArchiveReader, solver: Solver, path: Path, label: str) -> dict[str, np.ndarray]:
    if reader.text("label", _LONGEST_LABEL) != label:
        raise InvalidInputError(
            f"checkpoint {path} belongs to another matrix, exponent or certificate; delete it or name another file."
        )
    return _sos_state(reader, solver) if isinstance(solver, SosSolver) else _split_state(reader, solver)


def _sos_state(reader: ArchiveReader, solver: SosSolver) -> dict[str, np.ndarray]:
    size, count = solver.classes.size, solver.classes.count
    return {
        "iteration": reader.array("iteration", ("<i8",), ()),
        "sigma": reader.array("sigma", ("<f8",), ()),
        "multiplier": reader.array("multiplier", ("<f8",), (size * (size + 1) // 2,)),
        "averages": reader.array("averages", ("<f8",), (count,)),
        "vectors": reader.array("vectors", ("<f8",), *((size, width) for width in range(1, size + 1))),
        "vector": reader.array("vector", ("<f8",), (solver.classes.basis.dimension,)),
        "on_face": reader.array("on_face", ("<f8",), ()),
    }


def _split_state(reader: ArchiveReader, solver: SplitSolver) -> dict[str, np.ndarray]:
    d, size = solver.dimension, solver.form.size
    return {
        "round": reader.array("round", ("<i8",), ()),
        "numbers": reader.array("numbers", ("<f8",), (3,)),
        "directions": reader.array("directions", ("<f8",), *((size, rank) for rank in range(size + 1))),
        "leading": reader.array("leading", ("<f8",), (d, d)),
        "starts": reader.array("starts", ("<f8",), (1, d, d), (2, d, d)),
        "paths": reader.array("paths", ("<f8",), (1, 3), (2, 3)),
    }
