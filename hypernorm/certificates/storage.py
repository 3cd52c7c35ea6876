"""Certificates in files: one ``.npz``, readable with numpy alone, and trusted in nothing when read.

Every member is checked for name, type, shape and size before its data are read; members are stored uncompressed, so a
file cannot claim more than it holds, and objects (pickles) are never loaded. What is read still proves nothing until
`hypernorm.Certificate.verify`.
"""

from __future__ import annotations

import math
import warnings
import zipfile
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import IO, NamedTuple, TypeAlias, TypeVar

import numpy as np

from hypernorm._archive import write_archive
from hypernorm.certificates.plan import KINDS, is_available, plan
from hypernorm.exceptions import CertificateError, InvalidInputError

__all__ = [
    "FORMAT_VERSION",
    "Content",
    "Members",
    "read_archive",
    "read_array",
    "read_content",
    "read_text",
    "write_content",
    "write_members",
]

FORMAT_VERSION = 1

Members: TypeAlias = dict[str, zipfile.ZipInfo]
Parsed = TypeVar("Parsed")

_SCALARS = {
    "format_version": "<i8",
    "q": "<f8",
    "exponent": "<i8",
    "radius": "<f8",
}
_LONGEST_TEXT = 64
_LARGEST_HEADER = 4096
_LARGEST_EXPONENT = 2100


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
        "format_version": np.array(FORMAT_VERSION, dtype="<i8"),
        "kind": np.array(content.kind, dtype=np.str_),
        "q": np.array(content.q, dtype="<f8"),
        "shape": np.array(content.shape, dtype="<i8"),
        "fingerprint": np.array(content.fingerprint, dtype=np.str_),
        "exponent": np.array(content.exponent, dtype="<i8"),
        "radius": np.array(content.radius, dtype="<f8"),
        "values": np.array(content.values, dtype="<f8"),
    }
    for index, U in enumerate(content.matrices):
        if U is not None:
            # Half of a symmetric matrix, row by row; the other half follows, so symmetry cannot be broken. Numbers that
            # single precision holds exactly are stored in it.
            packed = U[np.tril_indices(len(U))]
            with np.errstate(over="ignore"):
                single = packed.astype("<f4")
            members[f"matrix_{index}"] = single if (single == packed).all() else packed.astype("<f8")
    write_members(members, path)


def write_members(members: Mapping[str, np.ndarray], path: str | PathLike[str]) -> None:
    """Write arrays to a file that appears under its name only when it is complete.

    Raises
    ------
    InvalidInputError
        If the folder does not exist or cannot be written.
    """
    target = Path(path)
    try:
        write_archive(target, members)
    except OSError as error:
        raise InvalidInputError(f"Cannot write the certificate to {target}: {error.strerror or error}.") from None


def read_content(path: str | PathLike[str]) -> Content:
    """Read a file that `write_content` wrote, possibly damaged or tampered with since.

    Raises
    ------
    CertificateError
        If the file is not well-formed; the message says what is wrong.
    InvalidInputError
        If there is no such file or it cannot be read.
    """
    return read_archive(path, _content)


def read_archive(path: str | PathLike[str], parse: Callable[[zipfile.ZipFile, Members], Parsed]) -> Parsed:
    """What `parse` makes of the members of an archive, every one of which it has to take away.

    Raises
    ------
    CertificateError
        If the file is not well-formed; the message says what is wrong.
    InvalidInputError
        If there is no such file or it cannot be read.
    """
    source = Path(path)
    try:
        size = source.stat().st_size
        with source.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("error")  # numpy warns of odd headers, which no certificate has
            return _read(file, size, parse)
    except OSError as error:
        raise InvalidInputError(f"Cannot read the certificate {source}: {error.strerror or error}.") from None
    except CertificateError as error:
        raise CertificateError(f"{source}: {error}") from None
    except Exception as error:
        # A damaged archive fails in many ways inside zipfile and numpy; none of them may pass for a certificate.
        reason = " ".join(str(error).split())[:200]
        raise CertificateError(f"{source}: not a readable certificate ({type(error).__name__}: {reason})") from None


def _read(file: IO[bytes], size: int, parse: Callable[[zipfile.ZipFile, Members], Parsed]) -> Parsed:
    if not zipfile.is_zipfile(file):
        raise CertificateError("not a certificate: the file is no .npz archive, or it is truncated")
    with zipfile.ZipFile(file) as archive:
        members = _members(archive, size)
        version = int(_scalar(archive, members, "format_version"))
        if version != FORMAT_VERSION:
            raise CertificateError(f"format version {version} is not supported, this hypernorm reads {FORMAT_VERSION}")
        content = parse(archive, members)
        if members:
            raise CertificateError(f"unexpected members {sorted(members)[:3]}")
    return content


def _content(archive: zipfile.ZipFile, members: Members) -> Content:
    kind, q = read_text(archive, members, "kind"), float(_scalar(archive, members, "q"))
    if kind not in KINDS or math.isnan(q) or not is_available(kind, q):
        raise CertificateError(f"no certificate of kind {kind!r} exists for q = {q}")
    n, d = (int(side) for side in read_array(archive, members, "shape", ("<i8",), ((2,),)))
    if not (0 < n < 2**60 and 0 < d < 2**30):
        raise CertificateError(f"the shape ({n}, {d}) is impossible")
    exponent = int(_scalar(archive, members, "exponent"))
    if abs(exponent) > _LARGEST_EXPONENT:
        raise CertificateError(f"the exponent {exponent} is out of range")
    radius = float(_scalar(archive, members, "radius"))
    if not (math.isfinite(radius) and radius > 0):
        raise CertificateError(f"the radius {radius} is not positive")
    factors = plan(kind, q)
    values = read_array(archive, members, "values", ("<f8",), ((len(factors),),))
    if not (np.isfinite(values) & (values >= 0)).all():
        raise CertificateError("a value is negative, infinite or NaN")
    matrices = tuple(
        _symmetric(archive, members, f"matrix_{index}", factor.sides(d)) if factor.has_matrix else None
        for index, factor in enumerate(factors)
    )
    digest = read_text(archive, members, "fingerprint")
    return Content(kind, q, (n, d), digest, exponent, radius, tuple(values.tolist()), matrices)


def _members(archive: zipfile.ZipFile, size: int) -> Members:
    members: Members = {}
    for info in archive.infolist():
        if info.filename in members:
            raise CertificateError(f"member {info.filename!r} appears twice")
        if info.compress_type != zipfile.ZIP_STORED or info.file_size > size or info.compress_size != info.file_size:
            raise CertificateError(f"member {info.filename!r} is compressed or larger than the file")
        members[info.filename] = info
    return members


def read_array(
    archive: zipfile.ZipFile,
    members: Members,
    name: str,
    dtypes: tuple[str, ...],
    shapes: tuple[tuple[int, ...], ...],
) -> np.ndarray:
    """Take away one member, whose type and shape must be among the expected ones."""
    info = members.pop(f"{name}.npy", None)
    if info is None:
        raise CertificateError(f"the member {name!r} is missing")
    with archive.open(info) as member:
        version = np.lib.format.read_magic(member)
        if version != (1, 0):
            raise CertificateError(f"the member {name!r} has an unknown array format {version}")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(member, max_header_size=_LARGEST_HEADER)
        if shape not in shapes or fortran or dtype not in [np.dtype(expected) for expected in dtypes]:
            raise CertificateError(f"the member {name!r} has type {dtype} and shape {shape}, not as it must")
        count = math.prod(shape) * dtype.itemsize
        if info.file_size < count:
            raise CertificateError(f"the member {name!r} is shorter than it declares")
        data = member.read()
        if len(data) != count:
            raise CertificateError(f"the member {name!r} has {len(data)} bytes of data, not {count}")
    return np.frombuffer(data, dtype=dtype).reshape(shape)


def _scalar(archive: zipfile.ZipFile, members: Members, name: str) -> float:
    return read_array(archive, members, name, (_SCALARS[name],), ((),)).item()


def read_text(archive: zipfile.ZipFile, members: Members, name: str) -> str:
    """Take away a member that is one short text."""
    lengths = tuple(f"<U{length}" for length in range(1, _LONGEST_TEXT + 1))
    return str(read_array(archive, members, name, lengths, ((),)))


def _symmetric(archive: zipfile.ZipFile, members: Members, name: str, sides: tuple[int, ...]) -> np.ndarray:
    shapes = tuple((side * (side + 1) // 2,) for side in sides)
    packed = read_array(archive, members, name, ("<f8", "<f4"), shapes)
    if not np.isfinite(packed).all():
        raise CertificateError(f"the member {name!r} has entries that are infinite or NaN")
    side = sides[shapes.index(packed.shape)]
    U = np.zeros((side, side))
    U[np.tril_indices(side)] = packed
    U = U + np.tril(U, -1).T
    U.setflags(write=False)
    return U
