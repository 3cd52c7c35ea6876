"""What the command line shows: results as text or JSON, and progress on a terminal."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import os
import shutil
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypernorm as hn
from hypernorm._display import exponent_text, norm_text, printable, rounded_down, rounded_up
from hypernorm.certificates import SeparableCertificate

__all__ = [
    "Claim",
    "as_json",
    "claim_fields",
    "interval_fields",
    "print_claim",
    "print_interval",
    "print_verified",
    "progress",
    "show",
    "verified_fields",
]

Claim = hn.Certificate | hn.Witness | SeparableCertificate
"""What `hypernorm.load_certificate` returns."""

_TICK = 0.25


def show(line: str = "") -> None:
    """Print a line; on a terminal that is too narrow it is broken between words, never inside a number."""
    width = shutil.get_terminal_size().columns or 80  # terminals may say 0
    if sys.stdout.isatty() and len(line) >= width > 0:
        line = textwrap.fill(line, max(width - 1, 1), break_long_words=False, break_on_hyphens=False)
    print(line)


@contextlib.contextmanager
def progress(task: str) -> Iterator[Callable[[hn.Progress], None] | bool]:
    """A line that changes on a terminal, silence elsewhere; yields what `two_to_q_norm` takes as `progress`."""
    if not sys.stderr.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        yield False
        return
    parts: list[str] = []
    finished = threading.Event()

    def draw() -> None:
        for mark in itertools.cycle("-\\|/"):
            _draw(f"{mark} {task}", parts)
            if finished.wait(_TICK):
                return

    def report(stage: hn.Progress) -> None:
        below = [] if stage.lower is None else [f"at least {rounded_down(stage.lower, 6)}"]
        above = [] if stage.upper is None else [f"at most {rounded_up(stage.upper, 6)}"]
        parts[:] = [stage.stage, *below, *above]

    drawing = threading.Thread(target=draw, daemon=True)
    drawing.start()
    try:
        yield report
    finally:
        finished.set()
        drawing.join()
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def _draw(line: str, parts: list[str]) -> None:
    """What fits in one line: a number that is cut off would read as another one."""
    width = shutil.get_terminal_size().columns or 80  # terminals may say 0
    for part in list(parts):
        if len(line) + len(part) + 2 < width:
            line += f", {part}"
    sys.stderr.write(f"\r\x1b[K{line[: max(width - 1, 0)]}")
    sys.stderr.flush()


def print_interval(interval: hn.NormInterval) -> None:
    """Print one row a certificate, then the interval; shown numbers are rounded outwards."""
    table = [("certificate", "proved upper bound", "ratio to lower bound", "seconds")]
    for record in interval.records:
        ratio = rounded_up(record.upper / interval.lower, 7) if interval.lower > 0 else "-"
        table.append((record.kind.replace("_", " "), rounded_up(record.upper, 12), ratio, f"{record.seconds:.3f}"))
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for first, *others in table:
        cells = (text.rjust(width) for text, width in zip(others, widths[1:], strict=True))
        show("  ".join([first.ljust(widths[0]), *cells]))
    lower, upper = rounded_down(interval.lower, 12), rounded_up(interval.upper, 12)
    show()
    show(f"lower bound  {lower}, attained by a vector")
    show(f"interval     {lower} <= {norm_text(interval.q)} <= {upper}")
    show(f"gap          {rounded_up(100 * interval.gap, 3)} %")
    show(f"status       {interval.status.message}")


def interval_fields(interval: hn.NormInterval, file: str) -> dict[str, Any]:
    """The interval for `as_json`."""
    return {
        "file": file,
        "shape": list(interval.shape),
        "q": _number(interval.q),
        "lower": _number(interval.lower),
        "upper": _number(interval.upper),
        "gap": interval.gap if math.isfinite(interval.gap) else None,
        "kind": interval.certificate.kind,
        "status": interval.status.name,
        "message": interval.status.message,
        "fingerprint": interval.certificate.fingerprint,
        "seconds": interval.seconds,
        "records": [
            {"kind": record.kind, "upper": _number(record.upper), "seconds": record.seconds}
            for record in interval.records
        ],
    }


def print_verified(verified: hn.VerifiedBound | hn.VerifiedValue, claim: Claim) -> None:
    """Print the proved number with all its digits."""
    name, relation, value = _subject(claim), *_proved(verified)
    show(f"proved: {name} {relation} {value:.17g}")
    show(f"        {verified.rigor.value}, {verified.seconds:.3f} seconds")


def verified_fields(
    verified: hn.VerifiedBound | hn.VerifiedValue, claim: Claim, file: str, certificate: Path
) -> dict[str, Any]:
    """What was proved, for `as_json`: "upper" for a certificate, "lower" for a witness."""
    relation, value = _proved(verified)
    return {
        "file": file,
        "certificate": str(certificate),
        **_identity(claim),
        "upper" if relation == "<=" else "lower": _number(value),
        "rigor": verified.rigor.name,
        "seconds": verified.seconds,
    }


def claim_fields(claim: Claim, certificate: Path) -> dict[str, Any]:
    """What a file claims, for `as_json`."""
    key, value = ("claimed_lower", claim.value) if isinstance(claim, hn.Witness) else ("claimed_upper", claim.upper)
    return {
        "certificate": str(certificate),
        **_identity(claim),
        "fingerprint": claim.fingerprint,
        key: _number(value),
        "bytes": certificate.stat().st_size,
    }


def print_claim(claim: Claim, certificate: Path) -> None:
    """Print what a file claims; its texts are foreign."""
    matrix = "M" if isinstance(claim, SeparableCertificate) else "X"
    relation, value = (">=", claim.value) if isinstance(claim, hn.Witness) else ("<=", claim.upper)
    rows = {"kind": printable(_identity(claim)["kind"]).replace("_", " ")}
    if isinstance(claim, SeparableCertificate):
        rows["vectors"] = f"{printable(claim.field)}, dimensions {claim.dims[0]} and {claim.dims[1]}"
        rows["level"] = str(claim.level)
    else:
        rows["q"] = exponent_text(claim.q)
        rows["shape of X"] = f"{claim.shape[0]} x {claim.shape[1]}"
    rows[f"fingerprint of {matrix}"] = printable(claim.fingerprint, limit=64)
    rows["claimed bound"] = f"{_subject(claim)} {relation} {value:.17g} (claimed, not verified)"
    rows["file size"] = f"{certificate.stat().st_size} bytes"
    for name, text in rows.items():
        show(f"{name:<18}{text}")


def as_json(fields: dict[str, Any]) -> str:
    """One JSON object in ASCII; every float reads back as the same binary64 number."""
    return json.dumps(fields, indent=2, allow_nan=False)


def _identity(claim: Claim) -> dict[str, Any]:
    """Of what kind a file is, and about which maximum."""
    if isinstance(claim, SeparableCertificate):
        return {"kind": "separable", "field": claim.field, "dims": list(claim.dims), "level": claim.level}
    kind = "witness" if isinstance(claim, hn.Witness) else claim.kind
    return {"kind": kind, "q": _number(claim.q), "shape": list(claim.shape)}


def _subject(claim: Claim) -> str:
    return "h_Sep(M)" if isinstance(claim, SeparableCertificate) else norm_text(claim.q)


def _proved(verified: hn.VerifiedBound | hn.VerifiedValue) -> tuple[str, float]:
    return (">=", verified.lower) if isinstance(verified, hn.VerifiedValue) else ("<=", verified.upper)


def _number(value: float) -> float | str:
    """JSON has no infinity."""
    return value if math.isfinite(value) else str(value)
