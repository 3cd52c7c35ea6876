"""Timing, memory and limits, the same for every benchmark and every competitor."""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["in_process", "peak_gigabytes", "product_seconds", "seconds"]


def seconds(function: Callable[[], object], repeats: int = 5) -> float:
    """Median time of a call after one warm-up."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def product_seconds(size: int = 2000) -> float:
    """Time of one square matrix product with all threads, the yardstick of the machine."""
    A = np.random.default_rng(0).standard_normal((size, size))
    return seconds(lambda: A @ A, 3)


def peak_gigabytes() -> float:
    """Largest memory that this process has occupied so far."""
    status = Path("/proc/self/status")
    if status.exists():  # where the figure of getrusage starts with the memory of the parent
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def in_process(
    function: Callable[..., dict[str, Any]], *arguments: Any, limit: float = 600.0, gigabytes: float | None = None
) -> dict[str, Any]:
    """What the function returns in a fresh process, with ``peak_gigabytes`` added, or how it ended instead."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(sender, function, arguments, gigabytes))
    process.start()
    sender.close()
    try:
        if not receiver.poll(limit):
            return {"ended": f"time-out after {limit:.0f} s"}
        return dict(receiver.recv())
    except EOFError:
        process.join()
        return {"ended": f"killed (exit code {process.exitcode}), most likely out of memory"}
    finally:
        process.kill()
        process.join()


def _work(sender: Any, function: Callable[..., dict[str, Any]], arguments: Any, gigabytes: float | None) -> None:
    if gigabytes is not None:
        resource.setrlimit(resource.RLIMIT_AS, (int(gigabytes * 2**30),) * 2)
    try:
        result = function(*arguments)
    except MemoryError:
        result = {"ended": "out of memory"}
    except Exception as error:  # whatever a competitor raises is its result
        result = {"ended": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:200]}
    sender.send({**result, "peak_gigabytes": peak_gigabytes()})
