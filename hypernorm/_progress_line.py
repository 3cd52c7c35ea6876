"""Progress of the command in one line of a terminal, in plain words."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator

import hypernorm as hn
from hypernorm._display import rounded_down, rounded_up

__all__ = ["progress", "terminal_width"]

_TICK = 0.25
_PLAIN = {"sos": "sum of squares", "touching": "touching points"}
_LEAST_GAP, _LARGEST_GAP = 0.0001, 1000  # per cent; others are not shown exactly


def terminal_width() -> int:
    """Columns of the terminal; some terminals report 0."""
    return shutil.get_terminal_size().columns or 80


@contextlib.contextmanager
def progress(
    task: str, *, limit: float | None = None, quiet: bool = False
) -> Iterator[Callable[[hn.Progress], None] | bool]:
    """Show progress in one line, on a terminal only; yield the argument `progress` for `two_to_q_norm`.

    Parameters
    ----------
    task : str
        What is done, in one word.
    limit : float, optional
        Seconds after which it ends.
    quiet : bool, default False
        Show nothing.
    """
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        yield False
        return
    begin = time.perf_counter()
    stages: list[hn.Progress] = []
    finished = threading.Event()

    def draw() -> None:
        for mark in itertools.cycle("-\\|/"):
            parts = _parts(stages[-1] if stages else None, time.perf_counter() - begin, limit)
            _draw(f"{mark} {task}", parts)
            if finished.wait(_TICK):
                return

    def report(stage: hn.Progress) -> None:
        stages[:] = [stage]

    drawing = threading.Thread(target=draw, daemon=True)
    drawing.start()
    try:
        yield report
    finally:
        finished.set()
        drawing.join()
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def _parts(stage: hn.Progress | None, seconds: float, limit: float | None) -> list[str]:
    """What is known, the most wanted first: the time, the gap, the bounds, the stage."""
    if limit is None:
        parts = [_duration(seconds)]
    else:
        parts = [f"{_duration(limit - seconds)} left" if seconds < limit else "time is up"]
    if stage is None:
        return parts
    lower, upper = stage.lower, stage.upper
    if lower and upper:
        parts.append(f"gap {_percent(100 * (upper / lower - 1))} %")
        parts.append(f"{rounded_down(lower, 6)} to {rounded_up(upper, 6)}")
    elif upper is not None:
        parts.append(f"at most {rounded_up(upper, 6)}")
    elif lower is not None:
        parts.append(f"at least {rounded_down(lower, 6)}")
    name, _, detail = stage.stage.partition(":")
    step = re.match(r" (?:iteration|round) (\d+)", detail)
    parts.append(_PLAIN.get(name, name) + (f", step {step[1]}" if step else ""))
    return parts


def _percent(gap: float) -> str:
    if gap < _LEAST_GAP:
        return f"below {_LEAST_GAP}"
    return f"above {_LARGEST_GAP}" if gap > _LARGEST_GAP else f"{rounded_up(gap, 2)}"


def _duration(seconds: float) -> str:
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"


def _draw(line: str, parts: list[str]) -> None:
    """Draw the parts that fit in one line; a truncated number would read as another one."""
    width = terminal_width()
    for part in parts:
        if len(line) + len(part) + 2 < width:
            line += f", {part}"
    sys.stderr.write(f"\r\x1b[K{line[: max(width - 1, 0)]}")
    sys.stderr.flush()
