"""Targets of `checks.fuzz`, and the detection of findings."""

from __future__ import annotations

import hashlib
import re
import resource
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypernorm as hn
from checks.fuzz_inputs import matrices, other_kinds, separable_matrices
from hypernorm._validation import check_rows
from hypernorm.certificates import SeparableCertificate
from hypernorm.forms import fingerprint
from hypernorm.forms.product import ProductForm
from hypernorm.io import read_matrix
from hypernorm.io.matrices import SUFFIXES
from hypernorm.separable import separable_value

__all__ = ["attempt_of", "note", "watched"]

_MEMORY = 256 << 20
_LARGEST_MEMORY = 2 << 30  # in addition to the memory of the process at the start
_SECONDS = 2.0  # of the processor


def note(findings: Path, target: str, kind: str, data: bytes, text: str) -> None:
    """Save an input with a finding, unless there is one for the same place in the package."""
    lines = [line for line in text.splitlines() if re.match(r"\s*File", line)]
    places = [line for line in lines if "/hypernorm/" in line] or lines
    digest = hashlib.sha256(re.sub(r"\d+", "", "".join(places)).encode()).hexdigest()[:8]
    path = findings / f"{target}-{kind}-{digest}.txt"
    if not path.exists():
        path.with_suffix("").write_bytes(data)
        path.write_text(text, encoding="utf-8")


def watched(target: str, findings: Path) -> Callable[[bytes], None]:
    """The target function with detection of findings, which are saved."""
    attempt = attempt_of(target)
    findings.mkdir(parents=True, exist_ok=True)
    if now := _status("VmSize"):
        resource.setrlimit(resource.RLIMIT_AS, (now + _LARGEST_MEMORY, resource.RLIM_INFINITY))

    def run(data: bytes) -> None:
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")  # reset the peak memory
        start, before = time.process_time(), _status("VmHWM")
        outcome = "it was read"
        try:
            attempt(data)
        except hn.HypernormError as error:
            outcome = f"{type(error).__name__}: {error}"
        except Exception as error:
            note(findings, target, type(error).__name__, data, traceback.format_exc())
        file = f"File {SUFFIXES[data[0] % len(SUFFIXES)]}" if target == "data" and data else "File"
        if (spent := time.process_time() - start) > _SECONDS:
            note(findings, target, "slow", data, f"{file}: {spent:.1f} seconds; {outcome}")
        if (grown := _status("VmHWM") - before) > _MEMORY:
            note(findings, target, "memory", data, f"{file}: {grown / 2**20:.0f} MiB; {outcome}")

    return run


def _status(name: str) -> int:
    """Bytes of memory that Linux reports; zero on other systems."""
    with suppress(OSError):
        if found := re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text()):
            return 1024 * int(found.group(1))
    return 0


def attempt_of(target: str) -> Callable[[bytes], None]:
    """Function that reads one input; for data files its first byte determines the suffix of the file."""
    folder = Path(tempfile.mkdtemp(prefix="hypernorm-fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    warnings.simplefilter("ignore")

    def put(data: bytes, suffix: str) -> Path:
        path = folder / f"input{suffix}"
        path.unlink(missing_ok=True)  # do not overwrite: an array may still map the old file
        path.write_bytes(data)
        return path

    def read_data(data: bytes) -> None:
        if data:
            check_rows(read_matrix(put(data[1:], SUFFIXES[data[0] % len(SUFFIXES)])))

    if target == "data":
        return read_data
    known = _Known()
    if target == "certificates":
        return lambda data: known.read(put(data, ".npz"))

    def go_on(data: bytes) -> None:
        path = put(data, ".npz")
        X, vector = known.matrices[0]
        bound = hn.sos_bound(X, q=4.0, checkpoint=path, max_iter=2, random_state=0).verify(X).upper
        _check_above(bound, hn.Witness.from_vector(X, vector, q=4.0).value)

    return go_on


class _Known:
    """Known matrices with vectors of large value, for verifying certificates."""

    def __init__(self) -> None:
        self.matrices = [(X, hn.lower_bound(X, q=4.0, random_state=0).vector) for X in matrices()]
        self.states = [
            (M, separable_value(M, (2, 2), field=field, random_state=0).witness) for M, field in separable_matrices()
        ]
        self.others = other_kinds()

    def read(self, path: Path) -> None:
        """Read a certificate of any kind, and verify it with the fingerprint of every known matrix."""
        self.verify(hn.load_certificate(path))

    def verify(self, found: Any) -> None:
        """Verify against all known matrices of its shape, with the fingerprint replaced."""
        repr(found)
        exact = found.has_exact_proof and hash(getattr(found, "fingerprint", "")) % 4 == 0
        if isinstance(found, SeparableCertificate):
            for M, state in self.states:
                if found.dims == (2, 2) and found.field == state.field:
                    of_matrix = ProductForm(M, (2, 2), found.field).fingerprint
                    bound = replace(found, fingerprint=of_matrix).verify(M, exact=exact).upper
                    _check_above(bound, state.value)
        elif isinstance(found, hn.NormCertificate):
            for X, vector in self.matrices:
                if found.shape == X.shape:
                    bound = replace(found, fingerprint=fingerprint(X)).verify(X, exact=exact).upper
                    _check_above(bound, hn.Witness.from_vector(X, vector, found.q).value)
        elif isinstance(found, hn.Witness) and found.q >= 2:
            for X, _ in self.matrices:
                if found.shape == X.shape:
                    value = replace(found, fingerprint=fingerprint(X)).verify(X, exact=exact).lower
                    _check_above(hn.spectral_bound(X, found.q, kind="row_norm").verify(X).upper, value)
        for subject in self.others:
            if type(found) is type(subject.proof):
                about = {"fingerprint": subject.proof.fingerprint} if hasattr(found, "fingerprint") else {}
                forged = replace(found, **about)
                if subject.false(forged, forged.verify(subject.data)):
                    raise AssertionError(f"{forged!r} is verified, and false")


def _check_above(bound: float, attained: float) -> None:
    if bound < attained:
        raise AssertionError(f"the bound {bound!r} is verified, and {attained!r} is attained")
