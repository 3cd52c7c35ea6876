"""Parts, timing, memory and limits of the benchmarks, equal for hypernorm and all peers."""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

from experiments.runner import RESULTS, Row, run
from experiments.tables import markdown

__all__ = ["Part", "in_process", "main", "measure", "peak_gigabytes", "product_seconds", "seconds", "table", "threads"]


@dataclass(frozen=True)
class Part:
    """One comparison of a benchmark.

    Attributes
    ----------
    title : str
        The comparison, as a heading of the results.
    cases : callable
        Yields the cases to measure.
    trial : callable
        Maps a case to its measured values.
    small : tuple of dict
        A few cases that take seconds, for testing the script.
    shorten : callable
        Maps all rows to the rows that are shown, for instance medians.
    """

    title: str
    cases: Callable[[], Iterable[Row]]
    trial: Callable[..., Row]
    small: tuple[Row, ...]
    shorten: Callable[[list[Row]], list[Row]] = list


def measure(name: str, part: str, content: Part, folder: Path, small: bool = False) -> list[Row]:
    """The rows of a part, including those on file."""
    return run(name, part, content.small if small else content.cases(), content.trial, folder=folder)


def main(name: str, parts: Mapping[str, Part], description: str | None) -> None:
    """Command line of a benchmark: run and print the named parts, by default all."""
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[[], *parts])
    parser.add_argument("--small", action="store_true", help="a few small cases, and nothing is written")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) if options.small else RESULTS
        for part in options.parts or parts:
            if options.small and not parts[part].small:
                continue
            rows = measure(name, part, parts[part], folder, options.small)
            print(f"\n{parts[part].title}\n\n{table(parts[part].shorten(rows))}", flush=True)


def table(rows: list[Row]) -> str:
    """Rows as a Markdown table, with numbers to four digits."""
    names = list(dict.fromkeys(name for row in rows for name in row))

    def text(value: Any) -> str:
        return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)

    return markdown(
        [name.replace("_", " ") for name in names], [[text(row.get(name)) for name in names] for row in rows]
    )


def threads() -> int:
    """Number of threads of the matrix products, the same for every method."""
    return max(int(pool["num_threads"]) for pool in threadpool_info() if pool["user_api"] == "blas")


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
    """Time of one square matrix product with all threads, the unit of time of the machine."""
    A = np.random.default_rng(0).standard_normal((size, size))
    return seconds(lambda: A @ A, 3)


def peak_gigabytes() -> float:
    """Peak memory of this process so far."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux the value of getrusage includes the memory of the parent
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**20
    import resource  # POSIX has it, and this module is imported elsewhere too

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def in_process(
    function: Callable[..., dict[str, Any]], *arguments: Any, limit: float = 600.0, gigabytes: float | None = None
) -> dict[str, Any]:
    """Result of the function in a new process, with ``peak_gigabytes`` added, or how the process ended."""
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
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (int(gigabytes * 2**30),) * 2)
    try:
        result = function(*arguments)
    except MemoryError:
        result = {"ended": "out of memory"}
    except Exception as error:  # an error of a peer is its result
        result = {"ended": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:200]}
    sender.send({**result, "peak_gigabytes": peak_gigabytes()})
