"""Certificates in files: one ``.npz``, readable with numpy alone, and trusted in nothing when read.

What is read still proves nothing until it is verified. `hypernorm._archive_reader` says how a file is distrusted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from hypernorm._archive import write_archive
from hypernorm._archive_reader import ArchiveReader, DamagedArchiveError, read_archive
from hypernorm._display import printable
from hypernorm.certificates.fields import LARGEST_EXPONENT, check_fingerprint
from hypernorm.certificates.plan import KINDS, is_available, plan
from hypernorm.exceptions import CertificateError, InvalidInputError

__all__ = [
    "Content",
    "parse_content",
    "parse_fingerprint",
    "parse_shape",
    "read_members",
    "write_content",
    "write_members",
]

FORMAT_VERSION = 1

Parsed = TypeVar("Parsed")


class Content(NamedTuple):
    """What a certificate file holds; the fields are those of `hypernorm.Certificate`."""

    kind: str
    q: float
    shape: tuple[int, int]
    fingerprint: str
    exponent: int
    radius: float
    values: tuple[float, ...]
    matrices: tuple[np.ndarray | None, ...]


def write_content(content: Content, path: str | PathLike[str]) -> None:
    """Write a file that appears under its name only when it is complete.

    Raises
    ------
    InvalidInputError
        If the folder does not exist or cannot be written.
    """
    members: dict[str, np.ndarray] = {
        "q": np.array(content.q, dtype="<f8"),
        "shape": np.array(content.shape, dtype="<i8"),
        "fingerprint": np.array(content.fingerprint, dtype=np.str_),
        "exponent": np.array(content.exponent, dtype="<i8"),
        "radius": np.array(content.radius, dtype="<f8"),
        "values": np.array(content.values, dtype="<f8"),
    }
    for index, U in enumerate(content.matrices):
        if U is not None:
            members[f"matrix_{index}"] = packed_triangle(U)
    write_members(content.kind, members, path)


def packed_triangle(matrix: np.ndarray) -> np.ndarray:
    """Half of a Hermitian matrix, row by row; the other half follows, so that the symmetry cannot be broken.

    Real numbers that single precision holds exactly are stored in it.
    """
    size = len(matrix)
    kind = np.iscomplexobj(matrix)
    packed = np.empty(size * (size + 1) // 2, dtype="<c16" if kind else "<f8")
    start = 0
    for index in range(size):
        packed[start : start + index + 1] = matrix[index, : index + 1]
        start += index + 1
    if kind:
        return packed
    with np.errstate(all="ignore"):
        single = packed.astype("<f4")
        return single if (single == packed).all() else packed


def write_members(kind: str, members: Mapping[str, np.ndarray], path: str | PathLike[str]) -> None:
    """Write arrays to a file that appears under its name only when it is complete.

    Raises
    ------
    InvalidInputError
        If the folder does not exist or cannot be written.
    """
    target = Path(path)
    common = {"format_version": np.array(FORMAT_VERSION, dtype="<i8"), "kind": np.array(kind, dtype=np.str_)}
    try:
        write_archive(target, {**common, **members})
    except OSError as error:
        raise InvalidInputError(f"Cannot write the certificate to {target}: {error.strerror or error}.") from None


def read_members(path: str | PathLike[str], parse: Callable[[str, ArchiveReader], Parsed]) -> Parsed:
    """Read a file that `write_members` wrote, possibly damaged or tampered with since.

    Parameters
    ----------
    path : path
    parse : callable
        Receives the kind and the reader, and takes away every further member.

    Raises
    ------
    CertificateError
        If the file is not a well-formed certificate; the message says what is wrong.
    InvalidInputError
        If there is no such file or it cannot be read.
    """
    source = Path(path)

    def read(reader: ArchiveReader) -> Parsed:
        version = int(reader.scalar("format_version", "<i8"))
        if version != FORMAT_VERSION:
            raise CertificateError(f"format version {version} is not supported, this hypernorm reads {FORMAT_VERSION}")
        return parse(reader.text("kind"), reader)

    try:
        return read_archive(source, read)
    except OSError as error:
        raise InvalidInputError(f"Cannot read the certificate {source}: {error.strerror or error}.") from None
    except (CertificateError, DamagedArchiveError) as error:
        raise CertificateError(f"{printable(str(source))}: {error}") from None


def parse_shape(reader: ArchiveReader) -> tuple[int, int]:
    """The shape of the matrix that a certificate is about."""
    n, d = (int(side) for side in reader.array("shape", ("<i8",), (2,)))
    if not (0 < n < 2**60 and 0 < d < 2**30):
        raise CertificateError(f"the shape ({n}, {d}) is impossible")
    return n, d


def parse_fingerprint(reader: ArchiveReader) -> str:
    """The fingerprint of that matrix."""
    return check_fingerprint(reader.text("fingerprint"))


def parse_content(kind: str, reader: ArchiveReader) -> Content:
    """The fields of a certificate for the 2→q norm."""
    q = float(reader.scalar("q", "<f8"))
    if kind not in KINDS or not is_available(kind, q):
        raise CertificateError(f"no certificate of kind {kind!r} exists for q = {q}")
    shape, fingerprint = parse_shape(reader), parse_fingerprint(reader)
    exponent = int(reader.scalar("exponent", "<i8"))
    if abs(exponent) > LARGEST_EXPONENT:
        raise CertificateError(f"the exponent {exponent} is out of range")
    radius = float(reader.scalar("radius", "<f8"))
    if not 0 < radius < np.inf:
        raise CertificateError(f"the radius {radius} is not positive")
    factors = plan(kind, q)
    values = reader.array("values", ("<f8",), (len(factors),))
    if not (np.isfinite(values) & (values >= 0)).all():
        raise CertificateError("a value is negative, infinite or NaN")
    matrices = tuple(
        reader.hermitian(f"matrix_{index}", ("<f8", "<f4"), *factor.sides(shape[1])) if factor.has_matrix else None
        for index, factor in enumerate(factors)
    )
    return Content(kind, q, shape, fingerprint, exponent, radius, tuple(values.tolist()), matrices)
