"""Run experiments: measure all cases and save every row at once.

An experiment is a list of cases (dictionaries of JSON values) and a function that maps a case to measured values. Every
row is appended to results/NAME/PRESET.jsonl as soon as it is measured; the first line gives versions and machine. A
stopped run continues. Trials run in several processes with ``--jobs``, or on a Dask cluster with ``--scheduler``. Each
trial has its own seed, so the rows are the same.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed, parallel_config
from rich.console import Console
from rich.progress import track

import hypernorm as hn

__all__ = ["RESULTS", "Row", "machine", "main", "read", "run"]

RESULTS = Path(__file__).parent.parent / "results"

Row = dict[str, Any]

# Distributions whose versions affect a result, each with a module for testing whether it is installed.
_PACKAGES = {
    "numpy": "numpy",
    "scipy": "scipy",
    "numba": "numba",
    "scikit-learn": "sklearn",
    "cvxpy": "cvxpy",
    "scs": "scs",
    "clarabel": "clarabel",
    "spams-bin": "spams",
    "dictlearn": "dictlearn",
    "python-picard": "picard",
    "statsmodels": "statsmodels",
    "cutnorm": "cutnorm",
}


def machine() -> Row:
    """Versions and machine, for the first line of a file of results."""
    return {
        "hypernorm": hn.__version__,
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES if find_spec(_PACKAGES[name])},
        "processor": _processor(),
        "cores": os.cpu_count(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def read(name: str, preset: str, folder: Path = RESULTS) -> list[Row]:
    """The rows of a preset on file, without the first line."""
    path = folder / name / f"{preset}.jsonl"
    return [json.loads(line) for line in _whole_lines(path)[1:]]


def _whole_lines(path: Path) -> list[str]:
    """The lines of a file, without an incomplete last line of a killed run."""
    return path.read_text().split("\n")[:-1] if path.exists() else []


def run(
    name: str,
    preset: str,
    cases: Iterable[Mapping[str, Any]],
    trial: Callable[..., Mapping[str, Any]],
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    folder: Path = RESULTS,
) -> list[Row]:
    """Rows of all cases, in the order of the cases; cases on file are not measured again."""
    cases = [dict(case) for case in cases]
    names = sorted({key for case in cases for key in case})
    done = {_key(row, names): row for row in read(name, preset, folder)}
    missing = [case for case in cases if _key(case, names) not in done]
    path = folder / name / f"{preset}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = _whole_lines(path) or [json.dumps({"experiment": name, "preset": preset, **machine()})]
    path.write_text("".join(f"{line}\n" for line in lines))
    row = partial(_row, trial) if scheduler is None else _WithItsCode(partial(_row, trial), trial.__module__)
    with path.open("a") as file, _backend(jobs, scheduler, row):
        outcomes = Parallel(return_as="generator_unordered")(delayed(row)(case) for case in missing)
        for outcome in track(outcomes, f"{name} ({preset})", len(missing), console=Console(stderr=True)):
            done[_key(outcome, names)] = outcome
            file.write(json.dumps(outcome) + "\n")
            file.flush()
    return [done[_key(case, names)] for case in cases]


def _row(trial: Callable[..., Mapping[str, Any]], case: Mapping[str, Any]) -> Row:
    return {**case, **{key: _plain(value) for key, value in trial(**case).items()}}


def _plain(value: Any) -> Any:
    """Convert numbers and arrays of numpy to JSON values."""
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value


def _key(row: Mapping[str, Any], names: Sequence[str]) -> str:
    return json.dumps([row.get(name) for name in names])


@contextmanager
def _backend(jobs: int, scheduler: str | None, row: Callable[..., Row]) -> Iterator[None]:
    if scheduler is None:
        with parallel_config(n_jobs=jobs) if jobs != 1 else nullcontext():
            yield
        return
    from distributed import Client  # an optional dependency, needed only here

    with Client(scheduler) as client, parallel_config("dask"):
        client.submit(callable, row).result()  # raises if `row` cannot be pickled; joblib would wait forever
        yield


class _WithItsCode:
    """A function that is pickled with its code, because the machines of a cluster do not have these scripts.

    An object that wraps a function at module level, such as one of functools.cache, is pickled by name and fails.
    """

    def __init__(self, function: Callable[..., Any], module: str):
        self._function, self._module = function, module

    def __call__(self, *arguments: Any) -> Any:
        return self._function(*arguments)

    def __reduce__(self) -> tuple[Callable[[bytes], Any], tuple[bytes]]:
        import cloudpickle  # installed with distributed

        modules = {sys.modules[__name__.partition(".")[0]], sys.modules[self._module]}
        for module in modules:
            cloudpickle.register_pickle_by_value(module)
        try:
            return cloudpickle.loads, (cloudpickle.dumps(self._function),)
        finally:
            for module in modules:
                cloudpickle.unregister_pickle_by_value(module)


def main(
    name: str,
    presets: Mapping[str, Callable[[], Iterable[Mapping[str, Any]]]],
    trial: Callable[..., Mapping[str, Any]],
    summary: Callable[[list[Row]], str],
    description: str | None,
) -> None:
    """Command line of an experiment: run a preset, and print its tables and verdict."""
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("--preset", choices=sorted(presets), default="quick")
    parser.add_argument("--jobs", type=int, default=1, help="processes; timings mean something only with one")
    parser.add_argument("--scheduler", help="address of a Dask scheduler")
    options = parser.parse_args()
    cases = presets[options.preset]()
    print(summary(run(name, options.preset, cases, trial, jobs=options.jobs, scheduler=options.scheduler)))
