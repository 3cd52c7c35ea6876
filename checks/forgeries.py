"""Forge proofs of every kind and check that none verifies a false bound: ``python -m checks.forgeries``.

Fields are edited, exchanged with those of other proofs, and replaced by objects with a false type. Files are damaged
and rebuilt. The data change while they are read. Every forgery must be refused in one line, or prove a true bound.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import os
import sys
import tempfile
import threading
import warnings
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

import hypernorm as hn
from checks.forged_kinds import KINDS, Subject
from experiments.runner import RESULTS, Row, run
from experiments.tables import markdown

__all__ = ["OUTCOMES", "attempt", "cases", "main", "totals", "trial"]


class _Float(float):
    """A float that compares and converts as another number than it prints."""

    def as_integer_ratio(self) -> tuple[int, int]:
        return 1, 2**200

    def __float__(self) -> float:
        return 2.0**-200

    def __lt__(self, other: object) -> bool:
        return False

    def __gt__(self, other: object) -> bool:
        return True


class _Int(int):
    def __ne__(self, other: object) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


class _Text(str):
    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


class _Tuple(tuple):
    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 1


class _Array(np.ndarray):
    def __array_finalize__(self, source: object) -> None:
        pass

    def sum(self, *arguments: Any, **options: Any) -> Any:
        return 1.0

    def __matmul__(self, other: Any) -> Any:
        return np.zeros_like(np.asarray(self) @ np.asarray(other))


def _lie(value: Any, rng: np.random.Generator) -> Any:
    """An object like `value`, but of a subclass or of another class with the same attributes."""
    if type(value) is float:
        return _Float(value) if rng.random() < 0.7 else np.float64(value)
    if type(value) is int:
        return _Int(int(rng.integers(-900, 900)))
    if type(value) is str:
        return _Text(str(rng.choice(["row_norm", "flattening", "real", "x", "0" * 64])))
    if type(value) is tuple:
        items = tuple(_lie(item, rng) if rng.random() < 0.5 else item for item in value)
        return _Tuple(items) if rng.random() < 0.3 else items
    if isinstance(value, np.ndarray):
        small = value * 10.0 ** rng.uniform(-8, 0)
        liars = [small.view(_Array), np.ma.masked_array(small, True), small.astype(np.longdouble)]
        return liars[int(rng.integers(3))]
    if dataclasses.is_dataclass(value):
        return _impostor(value)
    return value


def _impostor(proof: Any) -> Any:
    """An instance of a subclass whose proofs succeed at once."""

    class Impostor(type(proof)):  # type: ignore[misc]  # its base is known at run time only
        __slots__ = ()

        def prove(self, *arguments: Any, **options: Any) -> float:
            return 0.0

        def verify(self, *arguments: Any, **options: Any) -> Any:
            return hn.VerifiedBound(quantity="nothing", upper=0.0)

    return Impostor(**{field.name: getattr(proof, field.name) for field in dataclasses.fields(proof)})


def _edit(value: Any, rng: np.random.Generator) -> Any:
    """A value of the same type that makes the claim stronger, slightly or strongly."""
    if type(value) is float:
        factor = rng.choice([1 - 1e-15, 1 - 1e-12, 1 - 1e-6, 0.5, 1e-30, 0.0, -1.0, 2.0, 1e300])
        return (
            float(value * factor) if rng.random() < 0.8 else float(rng.choice([5e-324, math.nan, math.inf, -1.0, 0.0]))
        )
    if type(value) is int:
        return value + int(rng.choice([-1, 1, -30, 30, 10**6]))
    if type(value) is str:
        return str(rng.choice(["row_norm", "flattening", "realigned", "moment", "sos", "real", "complex", value[::-1]]))
    if type(value) is tuple:
        if value and rng.random() < 0.1:
            return value[:-1] if rng.random() < 0.5 else (*value, value[-1])
        place = int(rng.integers(max(len(value), 1)))
        return tuple(_edit(item, rng) if index == place else item for index, item in enumerate(value))
    if isinstance(value, np.ndarray) and value.size and value.dtype.kind in "fc":
        copy = np.array(value)
        if rng.random() < 0.5:
            return copy * float(rng.choice([1 - 1e-12, 0.5, -1.0, 1e-160, 0.0, 1e150, 1 + 1e-9]))
        index = tuple(int(rng.integers(side)) for side in copy.shape)
        copy[index] = rng.choice([0.0, -1.0, 1e-310, 1e308, math.nan, copy[index] * 0.9])
        return (copy + copy.conj().T) / 2 if copy.ndim == 2 and copy.shape[0] == copy.shape[1] else copy
    if dataclasses.is_dataclass(value):
        return _changed(value, rng)
    return value


def _changed(proof: Any, rng: np.random.Generator, how: Any = _edit) -> Any:
    fields = [field.name for field in dataclasses.fields(proof)]
    chosen = rng.choice(fields, size=1 if rng.random() < 0.7 else 2, replace=False)
    return dataclasses.replace(proof, **{name: how(getattr(proof, name), rng) for name in chosen})


def _swapped(proof: Any, other: Any, rng: np.random.Generator) -> Any:
    """The proof with some fields from an honest proof about other data."""
    if type(other) is not type(proof):
        return proof
    fields = [field.name for field in dataclasses.fields(proof)]
    chosen = rng.choice(fields, size=int(rng.integers(1, len(fields))), replace=False)
    return dataclasses.replace(proof, **{name: getattr(other, name) for name in chosen})


def _through_a_file(proof: Any, rng: np.random.Generator, folder: Path) -> Any:
    """The proof read from a file whose bytes or members were edited."""
    path = folder / "proof.npz"
    proof.save(path)
    if rng.random() < 0.3:
        data = bytearray(path.read_bytes())
        data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(data))
    else:
        members = dict(np.load(path))
        name = str(rng.choice(list(members)))
        edited = _edit(members[name], rng) if members[name].dtype.kind in "fc" else members[name]
        if members[name].dtype.kind == "i":
            edited = members[name] + rng.choice([-1, 1, 5], size=members[name].shape)
        members[name] = np.asarray(edited).astype(members[name].dtype).reshape(members[name].shape)
        with zipfile.ZipFile(path, "w") as archive:
            for key, array in members.items():
                with archive.open(f"{key}.npy", "w") as member:
                    np.lib.format.write_array(member, array)
    return hn.load_certificate(path)


def _while_data_change(subject: Subject, rng: np.random.Generator) -> Any:
    """Verify while a thread alternates the data between the true and smaller values, with the true fingerprint."""
    honest = subject.data
    scale = 2.0 ** -int(rng.integers(1, 8))
    small = dataclasses.replace(subject.proof)
    if isinstance(subject.proof, hn.NormCertificate):  # a proof for the small numbers under the name of the large ones
        small = hn.spectral_bound(honest * scale, subject.proof.q, kind="row_norm")
        small = dataclasses.replace(small, fingerprint=subject.proof.fingerprint)
    shared, stop = honest.copy(), threading.Event()

    def write() -> None:
        while not stop.is_set():
            shared[...] = honest * scale
            shared[...] = honest

    thread = threading.Thread(target=write)
    thread.start()
    try:
        return small, small.verify(shared)
    finally:
        stop.set()
        thread.join()


def attempt(subject: Subject, other: Subject, rng: np.random.Generator, folder: Path) -> tuple[str, str]:
    """One forgery: how it was made, and its outcome ("refused", "true", or "FALSE …")."""
    ways = ["edit", "lie", "swap", "data change", "other data", "file"]
    way = str(rng.choice(ways))
    proof = subject.proof
    try:
        if way == "data change":
            proof, found = _while_data_change(subject, rng)
        else:
            data = subject.data
            if way == "edit":
                proof = _changed(proof, rng)
            elif way == "lie":
                proof = _changed(proof, rng, _lie)
            elif way == "swap":
                proof = _swapped(proof, other.proof, rng)
            elif way == "file":
                proof = _through_a_file(proof, rng, folder)
            else:
                data = other.data if rng.random() < 0.5 else subject.data * (1 + 2.0**-50)
            if type(proof).__name__ == "Impostor":
                return way, "refused"  # a class of the forger's own proves nothing
            found = proof.verify(data, exact=rng.random() < 0.25 and proof.has_exact_proof)
            if way == "other data":
                # A proof without a fingerprint is valid for all data for which it succeeds.
                return way, "FALSE: other data verified" if hasattr(proof, "fingerprint") else "true"
    except hn.HypernormError as error:
        return way, "refused" if "\n" not in str(error) else f"FALSE: message of several lines {error}"
    except (TypeError, AttributeError) as error:
        return way, f"FALSE: {type(error).__name__}: {error}"
    try:
        return way, "FALSE: below the truth" if subject.false(proof, found) else "true"
    except hn.CertificateError:
        return way, "refused"


def trial(kind: str, seed: int, count: int) -> Row:
    """Forge `count` copies of one honest proof; count the refused, the true and the false ones."""
    rng = np.random.default_rng([crc32(kind.encode()), seed])  # the same for any order of kinds
    subject, other = KINDS[kind](rng), KINDS[kind](rng)
    if subject.false(subject.proof, subject.proof.verify(subject.data)):
        raise AssertionError(f"the honest proof {subject.proof} is false")
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(count):
            way, outcome = attempt(subject, other, rng, Path(folder))
            outcomes[outcome.partition(":")[0]] += 1
            if outcome.startswith("FALSE"):
                wrong.append(f"{way}: {outcome}")
    return {name: outcomes[name] for name in OUTCOMES} | {"wrong": wrong}


OUTCOMES = ("refused", "true", "FALSE")
_SEEDS = {"quick": 1, "paper": 50}


def cases(preset: str) -> list[Row]:
    """All kinds with the seeds of the preset, with fifty forgeries each."""
    return [{"kind": kind, "seed": seed, "count": 50} for kind in KINDS for seed in range(_SEEDS[preset])]


def totals(rows: list[Row]) -> list[Row]:
    """Number of forgeries by kind, and in total."""
    table = []
    for kind in (*KINDS, "all"):
        same = [row for row in rows if kind in ("all", row["kind"])]
        table.append({"kind": kind} | {name: sum(row[name] for row in same) for name in ("count", *OUTCOMES)})
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the forgeries, print a table, and return 1 if a forgery verified a false bound."""
    parser = argparse.ArgumentParser(prog="python -m checks.forgeries", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--preset", choices=sorted(_SEEDS), default="quick", help="50 or 2,500 forgeries of each kind")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) if options.preset == "quick" else RESULTS
        rows = run("forgeries", options.preset, cases(options.preset), trial, jobs=options.jobs, folder=folder)
    table = totals(rows)
    print(markdown(list(table[0]), [[str(value) for value in row.values()] for row in table]))
    wrong = [f"{row['kind']}, {text}" for row in rows for text in row["wrong"]]
    print(f"\n{table[-1]['count']} forgeries, {len(wrong)} false")
    print(*wrong[:20], sep=os.linesep)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
