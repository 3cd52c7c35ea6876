"""Seeds of `checks.fuzz`, one valid file of every kind, and its mutations.

A changed byte in a zip archive breaks a checksum, so the file is refused before any reader is reached. Therefore an
archive is unpacked, a member, its name, its header or its storage is changed, and the archive is written again.
"""

from __future__ import annotations

import functools
import gzip
import io
import random
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.io
import scipy.sparse as sp

import hypernorm as hn
from checks.forged_kinds import KINDS, Subject
from hypernorm.io.matrices import SUFFIXES
from hypernorm.separable import separable_value

__all__ = ["SEEDS", "WORDS", "changed", "matrices", "other_kinds", "separable_matrices"]

WORDS = (
    *(
        "<f8",
        "<f4",
        "<f2",
        "<i8",
        "|u1",
        "|b1",
        ">f8",
        "<c16",
        "|O",
        "<U64",
        "|S8",
        "<M8[s]",
        "|V8",
        "()",
        "(2,)",
        "(-1,)",
    ),
    *("(1000000000,)", "(0, 3)", "(3, 0)", "(4611686018427387904, 4)", "True", "False", "'descr'", "'fortran_order'"),
    *(
        "'shape'",
        "nan",
        "inf",
        "-inf",
        "1e400",
        "1e-400",
        "0x1p3",
        "1_0",
        "99999999",
        "2147483648",
        "18446744073709551616",
    ),
    *("%%MatrixMarket matrix ", "coordinate", "array", "real", "complex", "integer", "pattern", "general", "symmetric"),
    *(
        "skew-symmetric",
        "hermitian",
        "csr",
        "csc",
        "coo",
        "bsr",
        "dia",
        '"',
        "\n",
        "\r\n",
        "\t",
        ",",
        ";",
        "#",
        "\ufeff",
    ),
    *("row_norm", "flattening", "realigned", "moment", "sos", "separable", "complex", "real"),
)
_EDGES = (0, 1, -1, 2**31 - 1, 2**31, 2**53, 2**62, 2**63 - 1, -(2**63), 2099, 2101, -2101)
_FLOATS = (0.0, -0.0, 1.0, -1.0, 5e-324, 2.2e-308, 1e-160, 1e160, 1.7e308, float("inf"), float("nan"))


def matrices() -> list[np.ndarray]:
    """Small matrices of the certificates."""
    rng = np.random.default_rng(0)
    return [rng.standard_normal((9, 3)), 1e40 * rng.standard_normal((5, 2)), np.eye(3)]


def separable_matrices() -> list[tuple[np.ndarray, str]]:
    """Matrices on C²⊗C² or R²⊗R², each with its field."""
    return [(np.diag([1.0, 2.0, 3.0, 4.0]), "complex"), (np.eye(4)[::-1].copy(), "real")]


def _saved(save: Callable[[Path], object], folder: Path, suffix: str = ".npz") -> bytes:
    path = folder / f"seed{suffix}"
    save(path)
    content = path.read_bytes()
    path.unlink()
    return content


@functools.cache
def other_kinds() -> tuple[Subject, ...]:
    """An honest proof of every kind beside those of norms and separable states."""
    kinds = ("mean", "covariance", "cluster", "small set", "subspace", "atom")
    return tuple(KINDS[kind](np.random.default_rng(7)) for kind in kinds)


def certificates(folder: Path) -> Iterator[bytes]:
    """Files of every kind of certificate."""
    for X in matrices():
        for kind, q in (
            ("row_norm", 3.0),
            ("flattening", 4.0),
            ("realigned", 4.0),
            ("realigned", 3.5),
            ("moment", 6.0),
        ):
            yield _saved(hn.spectral_bound(X, q=q, kind=kind).save, folder)
        yield _saved(hn.spectral_bound(X, q=float("inf"), kind="row_norm").save, folder)
        yield _saved(hn.lower_bound(X, q=4.0, random_state=0).save, folder)
        for q in (4.0, 6.0):
            yield _saved(hn.sos_bound(X, q=q, random_state=0).save, folder)
    for M, field in separable_matrices():
        interval = separable_value(M, (2, 2), field=field, random_state=0)
        yield _saved(interval.certificate.save, folder)
        yield _saved(interval.witness.save, folder)
    for subject in other_kinds():
        yield _saved(subject.proof.save, folder)


def checkpoints(folder: Path) -> Iterator[bytes]:
    """Checkpoints of a stopped sum-of-squares solve."""
    X = matrices()[0]
    for steps in (1, 100):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", hn.ConvergenceWarning)
            yield _saved(partial(_stopped, X, steps), folder)


def _stopped(X: np.ndarray, steps: int, path: Path) -> None:
    hn.sos_bound(X, q=4.0, checkpoint=path, max_iter=steps, random_state=0)


def data_files(folder: Path) -> Iterator[bytes]:
    """Data files of every format; the first byte is the index of the suffix in `SUFFIXES`."""
    X, S = matrices()[0], sp.csr_array(np.eye(6, 4) + np.eye(6, 4, 2) / 3)
    frame = pd.DataFrame({"a": X[:, 0], "b": np.arange(9), "c": X[:, 1] > 0}).astype({"b": "Int64"})
    writers: list[tuple[str, Callable[[Path], object]]] = [
        (".npy", lambda path: np.save(path, X)),
        (".npy", lambda path: np.save(path, np.asfortranarray(X.astype(np.float16)))),
        (".npz", lambda path: np.savez(path, X=X)),
        (".npz", lambda path: np.savez_compressed(path, X=X.astype(np.float32), name=np.array("a"))),
        *(
            (".npz", lambda path, form=form: sp.save_npz(path, S.asformat(form), compressed=form != "csr"))
            for form in ("csr", "csc", "coo", "bsr", "dia")
        ),
        (".csv", lambda path: pd.DataFrame(X[:4], columns=["a", "b", "c"]).to_csv(path, index=False)),
        (".csv", lambda path: path.write_text("1,2,3\n4,5e-7,6\n1e100,+.5,-0\n")),
        (".tsv", lambda path: np.savetxt(path, X[:3], delimiter="\t")),
        (".mtx", lambda path: scipy.io.mmwrite(path, S)),
        (".mtx", lambda path: scipy.io.mmwrite(path, X[:3], symmetry="general")),
        (".parquet", lambda path: frame.to_parquet(path)),
        (".parquet", lambda path: pd.DataFrame(X[:3].astype(np.float32)).rename(columns=str).to_parquet(path)),
    ]
    for suffix, write in writers:
        content = _saved(write, folder, suffix)
        yield bytes([SUFFIXES.index(suffix)]) + content
        if f"{suffix}.gz" in SUFFIXES:
            yield bytes([SUFFIXES.index(f"{suffix}.gz")]) + gzip.compress(content)


SEEDS = {"certificates": certificates, "checkpoints": checkpoints, "data": data_files}
"""Seed files of each target."""


@dataclass
class _Member:
    name: str
    content: bytes
    compression: int


def changed(data: bytes, size: int, seed: int, mutate: Callable[[bytes, int], bytes], prefix: int = 0) -> bytes:
    """A mutated input of at most `size` bytes; the first `prefix` bytes are the kind of file."""
    rng = random.Random(seed)
    head, body = data[:prefix], data[prefix:]
    if prefix and rng.random() < 0.02:
        head = bytes([rng.randrange(len(SUFFIXES))])
    room = max(size - prefix, 1)
    result = body
    if rng.random() < 0.15:
        result = mutate(body, room)
    elif body[:2] == b"\x1f\x8b":
        with suppress(Exception):
            result = gzip.compress(_changed_content(gzip.decompress(body), room, rng, mutate), 1)
    elif body[:2] == b"PK":
        with suppress(Exception):  # an archive that cannot be unpacked is changed byte by byte
            result = _changed_archive(body, room, rng, mutate)
    else:
        result = _changed_content(body, room, rng, mutate)
    if result == body or len(result) > room:
        result = mutate(body, room)
    return head + result


def _changed_archive(body: bytes, room: int, rng: random.Random, mutate: Callable[[bytes, int], bytes]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        members = [_Member(info.filename, archive.read(info), info.compress_type) for info in archive.infolist()]
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        chosen = rng.choice(members)
        match rng.randrange(12):
            case 0:
                members.remove(chosen)
            case 1:
                members.append(_Member(rng.choice(members).name, chosen.content, chosen.compression))
            case 2:
                chosen.compression = rng.choice(
                    (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
                )
            case 3:
                chosen.name = rng.choice(
                    (chosen.name[:-4], f"{chosen.name}.npy", "../x.npy", rng.choice(members).name, "")
                )
            case 4:
                other = rng.choice(members)
                chosen.content, other.content = other.content, chosen.content
            case 5:
                chosen.content += bytes(rng.choice((1, 8, 1000, 10**6)))
            case _:
                chosen.content = _changed_content(chosen.content, room, rng, mutate)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for member in members:
            info = zipfile.ZipInfo(member.name)
            info.compress_type = member.compression
            archive.writestr(info, member.content)
    result = bytearray(stream.getvalue())
    if rng.random() < 0.05:  # sizes, offsets and counts of the directory
        place = rng.randrange(result.rfind(b"PK\x01\x02"), len(result) - 4)
        result[place : place + 4] = struct.pack("<I", rng.choice(_EDGES) % 2**32)
    return bytes(result)


def _changed_content(content: bytes, room: int, rng: random.Random, mutate: Callable[[bytes, int], bytes]) -> bytes:
    """Change an array file or text: its header, a number, or arbitrary bytes."""
    start = 10 + int.from_bytes(content[8:10], "little") if content[:6] == b"\x93NUMPY" else 0
    header, numbers = content[:start], bytearray(content[start:])
    action = rng.randrange(4)
    if start and action == 0:
        text = bytearray(mutate(header[10:], len(header) + 40)) or bytearray(b" ")
        if rng.random() < 0.5:
            word, place = rng.choice(WORDS).encode(), rng.randrange(len(text))
            text = bytearray(header[10:])
            text[place : place + len(word)] = word
        return header[:8] + struct.pack("<H", len(text) & 0xFFFF) + bytes(text) + bytes(numbers)
    if start and action < 3 and len(numbers) >= 8:
        place = 8 * rng.randrange(len(numbers) // 8)
        value = struct.unpack_from("<d", numbers, place)[0]
        other = rng.choice(
            (*_FLOATS, -value, value * (1 - 2.0 ** -rng.randrange(1, 50)), value * 2.0 ** rng.randrange(-60, 60))
        )
        packed = struct.pack("<q", rng.choice(_EDGES)) if rng.random() < 0.3 else struct.pack("<d", other)
        numbers[place : place + 8] = packed
        return header + bytes(numbers)
    if not start and action == 0 and content:
        word, place = rng.choice(WORDS).encode(), rng.randrange(len(content) + 1)
        return content[:place] + word + content[place + rng.choice((0, 0, len(word))) :]
    return header + mutate(bytes(numbers), room)
