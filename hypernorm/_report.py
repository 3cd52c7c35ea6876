"""Output of the command line: results as text or JSON."""

from __future__ import annotations

import dataclasses
import json
import math
import shlex
import sys
import textwrap
from pathlib import Path
from typing import Any

import hypernorm as hn
from hypernorm._display import exponent_text, printable, rounded_down, rounded_up
from hypernorm._progress_line import terminal_width
from hypernorm.certificates import VerifiedErrorBound

__all__ = [
    "as_json",
    "claim_fields",
    "interval_fields",
    "print_claim",
    "print_interval",
    "print_verified",
    "show",
    "verified_fields",
]

_IN_PYTHON = ("factored_singular_values", "tucker_error")
"""Kinds about factors and tensors, which the command does not read."""


def show(line: str = "") -> None:
    """Print a line; on a narrow terminal it is broken between words, never inside a number."""
    width = terminal_width()
    if sys.stdout.isatty() and len(line) >= width:
        line = textwrap.fill(
            line, max(width - 1, 3), subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
        )
    print(line)


def print_interval(interval: hn.Interval[Any, Any]) -> None:
    """Print one row for each certificate, then the interval; numbers are rounded outward."""
    table = [("certificate", "proved upper bound", "ratio to lower bound", "seconds")]
    for record in interval.records:
        ratio = rounded_up(record.upper / interval.lower, 7) if interval.lower > 0 else "-"
        table.append((record.kind.replace("_", " "), rounded_up(record.upper, 12), ratio, f"{record.seconds:.3f}"))
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    while sys.stdout.isatty() and len(widths) > 2 and sum(widths) + 2 * len(widths) - 2 >= terminal_width():
        widths.pop()  # a column that a narrow terminal has no room for
    for first, *others in (row[: len(widths)] for row in table):
        cells = (text.rjust(width) for text, width in zip(others, widths[1:], strict=True))
        show("  ".join([first.ljust(widths[0]), *cells]))
    lower, upper = rounded_down(interval.lower, 12), rounded_up(interval.upper, 12)
    show()
    show(f"lower bound  {lower}, attained by a vector")
    show(f"interval     {lower} <= {interval.quantity} <= {upper}")
    show(f"gap          {rounded_up(100 * interval.gap, 3)} %")
    show(f"status       {interval.status.message}")


def interval_fields(interval: hn.Interval[Any, Any], file: str) -> dict[str, Any]:
    """The fields of an interval, for `as_json`."""
    return {
        "file": file,
        **_json(interval.certificate.describe()),
        "lower": _number(interval.lower),
        "upper": _number(interval.upper),
        "gap": interval.gap if math.isfinite(interval.gap) else None,
        "status": interval.status.name,
        "message": interval.status.message,
        "fingerprint": interval.witness.fingerprint,
        "seconds": interval.seconds,
        "records": [
            {"kind": record.kind, "upper": _number(record.upper), "seconds": record.seconds}
            for record in interval.records
        ],
    }


def print_verified(verified: hn.Verified) -> None:
    """Print the proved numbers with all their digits."""
    for relation, value in _proved(verified).items():
        show(f"proved: {verified.quantity} {relation} {value:.17g}")
    if verified.premise:
        show(f"        if {verified.premise}")
    if isinstance(verified, VerifiedErrorBound):
        show(f"given:  {verified.quantity} <= {verified.upper_given:.17g}")
        show(f"        if moreover {verified.premise_given}")
    show(f"        {verified.rigor.value}, {verified.seconds:.3f} seconds")


def verified_fields(verified: hn.Verified, claim: hn.Certificate, file: str, certificate: Path) -> dict[str, Any]:
    """The fields of a verification, for `as_json`, with "upper", "lower" or both."""
    proved = dataclasses.asdict(verified) | {"rigor": verified.rigor.name}
    return {"file": file, "certificate": str(certificate), **_identity(claim), **_json(proved)}


def claim_fields(claim: hn.Certificate, certificate: Path) -> dict[str, Any]:
    """The fields of a claim, for `as_json`."""
    number = claim.claim
    key = "claimed_upper" if number is None or number.is_upper else "claimed_lower"
    return {
        "certificate": str(certificate),
        **_identity(claim),
        **_fingerprint(claim, "fingerprint"),
        key: None if number is None else _number(number.value),
        "bytes": certificate.stat().st_size,
    }


def print_claim(claim: hn.Certificate, certificate: Path) -> None:
    """Print the claim of a file; its strings are untrusted, so control characters are escaped."""
    rows = {name.replace("_", " "): printable(_text(value)) for name, value in _identity(claim).items()}
    rows["kind"] = rows["kind"].replace("_", " ")
    rows |= _fingerprint(claim, f"fingerprint of {claim.data_name}")
    number = claim.claim
    if number is None:
        rows["bounds"] = claim.quantity
    else:
        rows["claimed bound"] = f"{claim.quantity} {number.relation} {number.value:.17g} (claimed, not verified)"
    rows["file size"] = f"{certificate.stat().st_size} bytes"
    if claim.kind not in _IN_PYTHON:
        rows["to verify"] = f"hypernorm verify DATA {shlex.quote(printable(certificate))}"
    for name, text in rows.items():
        show(f"{name:<18}{text}")


def as_json(fields: dict[str, Any]) -> str:
    """One JSON object in ASCII; every float reads back as the same binary64 number."""
    return json.dumps(fields, indent=2, allow_nan=False)


def _identity(claim: hn.Certificate) -> dict[str, Any]:
    """The kind of a certificate and the subject of its claim."""
    return {"kind": claim.kind, **_json(claim.describe())}


def _fingerprint(claim: hn.Certificate, name: str) -> dict[str, str]:
    """The fingerprint under the given name, or nothing if the certificate has none."""
    digits = getattr(claim, "fingerprint", None)
    return {} if digits is None else {name: printable(digits, limit=64)}


def _proved(verified: hn.Verified) -> dict[str, float]:
    """The proved numbers by their relation to the quantity."""
    names = {">=": "lower", "<=": "upper"}
    return {relation: getattr(verified, name) for relation, name in names.items() if hasattr(verified, name)}


def _text(value: Any) -> str:
    """A value of `Certificate.describe` as text; a shape is written with a cross."""
    if isinstance(value, list):
        return " x ".join(map(str, value)) if all(type(item) is int for item in value) else ", ".join(map(_text, value))
    return exponent_text(value) if isinstance(value, float) else str(value)


def _json(fields: dict[str, Any]) -> dict[str, Any]:
    """The same fields with infinite floats as strings."""

    def plain(value: Any) -> Any:
        if isinstance(value, float):
            return _number(value)
        return [plain(item) for item in value] if isinstance(value, list | tuple) else value

    return {name: plain(value) for name, value in fields.items()}


def _number(value: float) -> float | str:
    """A float for JSON, which has no infinity: an infinite one becomes a string."""
    return value if math.isfinite(value) else str(value)
