"""Cost of reading files that are made to be expensive: `python -m benchmarks.hostile_files`.

Each file is small, or declares more data than it contains. It is opened in its own process. The table gives the time,
the peak memory of the process (most of it from importing the package), and the outcome: a refusal in one line, or a
result.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import Part, main
from experiments.runner import Row

__all__ = ["CASES", "PARTS", "READ_MATRIX", "Case", "measure"]

READ_MATRIX = "from hypernorm.io import read_matrix as open_file"
_LOAD_CERTIFICATE = "from hypernorm import load_certificate as open_file"
_CONTINUE = """
import numpy
from hypernorm import sos_bound
def open_file(path):
    return sos_bound(numpy.eye(4), checkpoint=path, random_state=0)
"""

_MEASURE = """
import json, resource, sys, time
{imports}
start = time.perf_counter()
try:
    outcome = "read: " + repr(getattr(open_file(sys.argv[1]), "shape", None))
except Exception as error:
    outcome = type(error).__name__ + ": " + str(error)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(json.dumps({{"seconds": time.perf_counter() - start, "peak": peak, "outcome": outcome}}))
"""


@dataclass(frozen=True)
class Case:
    """A file to write and open.

    Attributes
    ----------
    name : str
        Name of the file; its ending determines the format.
    write : callable
        Writes the file to a given path.
    imports : str
        A statement that defines `open_file`, a function of the path.
    refused : bool
        Whether the file must be refused; otherwise it must be read in bounded memory.
    """

    name: str
    write: Callable[[Path], Any]
    imports: str = READ_MATRIX
    refused: bool = True


def measure(case: Case, folder: Path, limit: float = 60.0) -> dict[str, Any]:
    """Size of the file, and seconds, peak memory in bytes and outcome of opening it in its own process."""
    path = folder / case.name
    case.write(path)
    size = path.stat().st_size
    # Start it from a shell, because the value of getrusage includes the memory of the parent.
    command = [sys.executable, "-c", _MEASURE.format(imports=case.imports), str(path)]
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", '"$@"; exit $?', "sh", *command], capture_output=True, text=True, timeout=limit
        )
        if done.returncode == 1:  # an error outside the reading, so that nothing was measured
            raise RuntimeError(done.stderr)
        row = json.loads(done.stdout) if done.returncode == 0 else {"outcome": f"ended with code {done.returncode}"}
    except subprocess.TimeoutExpired:
        row = {"outcome": f"no end after {limit:.0f} s"}
    finally:
        path.unlink()
    return {"seconds": float("nan"), "peak": float("nan"), **row, "file": case.name, "bytes": size}


def _text(content: str) -> Callable[[Path], Any]:
    return lambda path: path.write_bytes(content.encode())


def _compressed(head: bytes, repeated: bytes, times: int) -> Callable[[Path], Any]:
    def write(path: Path) -> None:
        with gzip.open(path, "wb", compresslevel=6) as stream:
            stream.write(head)
            for _ in range(times):
                stream.write(repeated)

    return write


def _array_start(shape: tuple[int, ...], descr: str = "<f8") -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue()


def _archive(members: dict[str, list[bytes]]) -> Callable[[Path], Any]:
    """Writer of a compressed archive whose members are given in pieces."""

    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, pieces in members.items():
                with archive.open(name, "w", force_zip64=True) as member:
                    for piece in pieces:
                        member.write(piece)

    return write


def _sparse(**members: Any) -> Callable[[Path], Any]:
    return lambda path: np.savez_compressed(path, **members)


def _many_members(path: Path, count: int = 300_000) -> None:
    start = b"PK\x03\x04" + struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    names = [b"%x" % number for number in range(count)]
    entry = struct.Struct("<HHHHHHIIIHHHHHII")
    directory = b"".join(
        b"PK\x01\x02" + entry.pack(20, 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0, 0, 0, 0, 0, 0) + name for name in names
    )
    end = struct.pack("<HHHHIIH", 0, 0, count & 0xFFFF, count & 0xFFFF, len(directory), len(start), 0)
    path.write_bytes(start + directory + b"PK\x05\x06" + end)


def _constant_columns(path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.table({"a": np.zeros(1_000_000)})
    with parquet.ParquetWriter(path, table.schema) as writer:
        for _ in range(50):
            writer.write_table(table, row_group_size=len(table))


def _declared_certificate(d: int) -> dict[str, Any]:
    """The members of a certificate for many columns, without its matrix."""
    return {
        "format_version": 1,
        "kind": "sos",
        "q": 4.0,
        "shape": [10, d],
        "fingerprint": "0" * 64,
        "exponent": 0,
        "radius": 1.0,
        "values": [1.0],
        "matrix_0": np.zeros(3),
    }


def _long_header(path: Path) -> None:
    path.write_bytes(b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1) + b" " * 1000)


_MEBIBYTE_OF_SPACES = b" " * 2**20

CASES: list[Case] = [
    Case("rows.mtx", _text("%%MatrixMarket matrix coordinate real general\n100000000 1 1\n1 1 1.0\n")),
    Case("columns.mtx", _text("%%MatrixMarket matrix coordinate real general\n1 100000000 1\n1 1 1.0\n")),
    Case("entries.mtx", _text("%%MatrixMarket matrix coordinate real general\n9 9 1000000000\n1 1 1.0\n")),
    Case("dense.mtx", _text("%%MatrixMarket matrix array real general\n20000 20000\n1.0\n")),
    Case("symmetric.mtx", _text("%%MatrixMarket matrix array real symmetric\n40000 40000\n1.0\n")),
    Case("dense.mtx.gz", _compressed(b"%%MatrixMarket matrix array real general\n20000 20000\n", b"0\n" * 2**19, 200)),
    Case("zeros.npz", _archive({"X.npy": [_array_start((25_000, 1000)), *[bytes(8_000_000)] * 25]})),
    Case("declared.npz", _archive({"X.npy": [_array_start((200_000, 1000))]})),
    Case(
        "header.npz",
        _archive({"X.npy": [b"\x93NUMPY\x02\x00" + struct.pack("<I", 100 * 2**20), *[_MEBIBYTE_OF_SPACES] * 100]}),
    ),
    Case(
        "beside.npz",
        _archive({"X.npy": [_array_start((1, 1)), bytes(8)], "a": [_MEBIBYTE_OF_SPACES] * 100}),
        refused=False,
    ),
    Case("members.npz", _many_members),
    Case(
        "rows.npz",
        _sparse(format=b"coo", shape=[200_000_000, 1], data=np.ones(1), row=np.zeros(1, int), col=np.zeros(1, int)),
    ),
    Case(
        "diagonals.npz",
        _sparse(format=b"dia", shape=[5000, 5000], data=np.ones((5000, 5000), np.int8), offsets=np.arange(5000)),
    ),
    Case("declared.npy", lambda path: path.write_bytes(_array_start((10**9, 1000)) + bytes(80))),
    Case("overflow.npy", lambda path: path.write_bytes(_array_start((2**40, 2**40)) + bytes(80))),
    Case("header.npy", _long_header),
    Case("wide.csv", _text(",".join(["1"] * 1_000_000) + "\n"), refused=False),
    Case("wider.csv", _text(",".join(["1"] * 3_000_000) + "\n")),
    Case("ragged.csv", _text(",".join(["1"] * 1_000_000) + "\n" + "1\n" * 1_000_000)),
    Case("long_name.csv", _text("a" * 10_000_000 + ",b\n1,2\n")),
    Case("names.csv", _text(",".join(["a"] * 1_000_000) + "\n1,2\n")),
    Case("quote.csv", _text('a,b\n1,"' + "2\n" * 5_000_000)),
    Case("zeros.csv.gz", _compressed(b"", b"0,0,0,0\n" * 2**17, 200)),
    Case("line.csv.gz", _compressed(b"", b"1," * 2**19, 200)),
    Case("spaces.tsv.gz", _compressed(b"1\t2\n", b" " * 2**20, 100)),
    Case("zeros.parquet", _constant_columns),
    Case("members_certificate.npz", lambda path: _many_members(path, 1_000_000), _LOAD_CERTIFICATE),
    Case("deflated_certificate.npz", _archive({"matrix_0.npy": [bytes(8_000_000)] * 25}), _LOAD_CERTIFICATE),
    Case("declared_certificate.npz", lambda path: np.savez(path, **_declared_certificate(2**14)), _LOAD_CERTIFICATE),
    Case("deflated_checkpoint.npz", _archive({"vectors.npy": [bytes(8_000_000)] * 25}), _CONTINUE),
    Case("members_checkpoint.npz", lambda path: _many_members(path, 1_000_000), _CONTINUE),
]


_BY_NAME = {case.name: case for case in CASES}


def trial(file: str) -> Row:
    """The row of one file."""
    os.environ.setdefault("PYTHONPATH", os.getcwd())
    with tempfile.TemporaryDirectory() as folder:
        row = measure(_BY_NAME[file], Path(folder))
        return {
            "bytes": row["bytes"],
            "seconds": row["seconds"],
            "peak MB": round(row["peak"] / 1e6, 1),
            "outcome": row["outcome"].replace(f"{folder}/", "")[:160],
        }


def _shorten(rows: list[Row]) -> list[Row]:
    return [{**row, "seconds": round(row["seconds"], 2), "outcome": row["outcome"].partition(":")[0]} for row in rows]


PARTS = {
    "files": Part(
        "Files that are made to cost much",
        lambda: [{"file": case.name} for case in CASES],
        trial,
        ({"file": "rows.mtx"}, {"file": "members.npz"}),
        _shorten,
    )
}

if __name__ == "__main__":
    main("hostile_files", PARTS, __doc__)
