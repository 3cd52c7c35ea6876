"""What the command line shows: results as text or JSON, and progress on a terminal."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.table import Table

import hypernorm as hn
from hypernorm._display import norm_text, rounded_down, rounded_up

__all__ = ["as_json", "print_interval", "print_verified", "progress"]


@contextlib.contextmanager
def progress(task: str) -> Iterator[Callable[[hn.Progress], None] | bool]:
    """A spinner on a terminal, silence elsewhere; yields what `two_to_q_norm` takes as `progress`."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield False
        return
    with console.status(f"{task} ...") as status:

        def report(stage: hn.Progress) -> None:
            below = "" if stage.lower is None else f", at least {rounded_down(stage.lower, 6)}"
            above = "" if stage.upper is None else f", at most {rounded_up(stage.upper, 6)}"
            status.update(f"{task}: {stage.stage}{below}{above} ...")

        yield report


def print_interval(interval: hn.NormInterval) -> None:
    """Print one row a certificate, then the interval; shown numbers are rounded outwards."""
    table = Table("certificate", box=None, header_style="bold")
    for heading in ("proved upper bound", "ratio to lower bound", "seconds"):
        table.add_column(heading, justify="right")
    for record in interval.records:
        ratio = rounded_up(record.upper / interval.lower, 7) if interval.lower > 0 else "-"
        kind = record.kind.replace("_", " ")
        table.add_row(kind, rounded_up(record.upper, 12), ratio, f"{record.seconds:.3f}")
    Console(highlight=False).print(table)
    lower, upper = rounded_down(interval.lower, 12), rounded_up(interval.upper, 12)
    print(f"\nlower bound  {lower}, attained by a vector")
    print(f"interval     {lower} <= {norm_text(interval.q)} <= {upper}")
    print(f"gap          {rounded_up(100 * interval.gap, 3)} %")
    print(f"status       {interval.status.message}")


def print_verified(verified: hn.VerifiedBound, q: float) -> None:
    """Print the proved bound with all its digits."""
    print(f"proved: {norm_text(q)} <= {verified.upper:.17g}")
    print(f"        {verified.rigor.value}, {verified.seconds:.3f} seconds")


def as_json(interval: hn.NormInterval, file: str) -> str:
    """The interval as a JSON object; every float reads back as the same binary64 number."""
    fields = {
        "file": file,
        "shape": list(interval.shape),
        "q": interval.q if math.isfinite(interval.q) else "inf",
        "lower": interval.lower,
        "upper": interval.upper,
        "gap": interval.gap if math.isfinite(interval.gap) else None,
        "kind": interval.certificate.kind,
        "status": interval.status.name,
        "message": interval.status.message,
        "fingerprint": interval.certificate.fingerprint,
        "seconds": interval.seconds,
        "records": [
            {"kind": record.kind, "upper": record.upper, "seconds": record.seconds} for record in interval.records
        ],
    }
    return json.dumps(fields, indent=2, allow_nan=False)
