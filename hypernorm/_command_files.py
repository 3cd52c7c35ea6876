"""Files that the command reads and writes in addition to the matrix."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

import numpy as np

import hypernorm as hn
from hypernorm._archive import write_whole
from hypernorm._display import printable
from hypernorm.exceptions import CertificateError, InvalidInputError
from hypernorm.io import NAMES

__all__ = ["check_outputs", "column_hint", "read_certificate", "save_witness"]

_MARK = b"format_version.npy"  # a member of every certificate
_END_BYTES = 1 << 18  # the directory of a certificate is no longer


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


def read_certificate(path: Path, data: str | None = None) -> hn.Certificate:
    """Read a certificate; a file that is none, perhaps because the arguments are swapped, is bad input.

    Raises
    ------
    CertificateError
        If the file is a certificate that is damaged or forged.
    InvalidInputError
        If it is something else, or cannot be read.
    """
    try:
        return hn.load_certificate(path)
    except CertificateError:
        if _looks_like_certificate(path):
            raise
    except InvalidInputError:
        if str(path) not in NAMES:
            raise
    name = shlex.quote(printable(path))
    if data is not None and _looks_like_certificate(Path(data)):
        other = shlex.quote(printable(data))
        raise InvalidInputError(
            f"{name} is no certificate, and {other} is one; swap them: hypernorm verify {name} {other}."
        )
    raise InvalidInputError(f"{name} is no certificate; give a file saved with --out or --witness.")


def _looks_like_certificate(path: Path) -> bool:
    """Whether a file is an archive that names a member of certificates; it may be damaged."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            begin = file.read(_END_BYTES)
            file.seek(max(0, path.stat().st_size - _END_BYTES))
            return begin.startswith(b"PK") and (_MARK in begin or _MARK in file.read(_END_BYTES))
    except (OSError, ValueError):  # names of data sets and impossible paths
        return False


def column_hint(claim: hn.Certificate, X: Any, file: str, index: bool | None) -> str:
    """What to try if a text file or table has one column more or less than the matrix of a certificate."""
    shape = getattr(claim, "shape", None)
    if not file.lower().endswith((".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")) or not isinstance(shape, tuple):
        return ""
    if len(shape) != 2 or shape[0] != X.shape[0]:
        return ""
    if X.shape[1] == shape[1] + 1 and not index:
        return " If the first column numbers or names the rows, add --index."
    if X.shape[1] == shape[1] - 1 and index is not False:
        return " If the first column is data, add --no-index."
    return ""
