"""SchattenRegressorCV beside RidgeCV, and a million samples in a fresh process.

`python -m benchmarks.linear_model [PART …]`, without parts all of them.

Parts:

path    100 penalties, five folds, n = 5,000, d = 300: SchattenRegressorCV for ridge alone and for a list of five norms,
        beside scikit-learn's RidgeCV with the same folds and the same score. All of them run in turn, with all threads,
        a warm-up and then three times each; medians. Both must choose the same penalty, and their coefficients agree.
loo     The same by leave-one-out, which both have in closed form for ridge.
memory  n = 1,000,000, d = 100 in double precision, one fit by solver='gram' and one by scikit-learn's Ridge, each in a
        process of its own: time, and the largest memory beyond what the samples and targets already occupied.

Rows go to results/linear_model/PART.jsonl; a part that is on file is only printed. `--small` tries the script on small
sizes and writes nothing.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import Ridge, RidgeCV
from threadpoolctl import threadpool_info

from benchmarks.harness import in_process, peak_gigabytes, product_seconds
from experiments.runner import RESULTS, Row, run
from hypernorm.linear_model import SchattenRegressor, SchattenRegressorCV

PENALTIES = np.geomspace(1e-3, 1e6, 100)
FIVE = (1, 1.5, 2, 3, np.inf)
REPEATS = 3
LIMIT = 900.0


def problem(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Samples with the covariance spectrum 1/i and a noisy linear target; little memory beyond the samples."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d))
    X *= np.arange(1, d + 1) ** -0.5
    return X, X @ rng.standard_normal(d) + 3 * rng.standard_normal(n)


def path(n: int, d: int, folds: int | None) -> Row:
    """Times of the whole choice, and whether the choices agree."""
    return in_process(_path, n, d, folds, limit=LIMIT)


def _path(n: int, d: int, folds: int | None) -> Row:
    X, y = problem(n, d)
    models: dict[str, Any] = {
        "RidgeCV": RidgeCV(PENALTIES, cv=folds, scoring="neg_mean_squared_error"),
        "one norm": SchattenRegressorCV(PENALTIES, p=2, cv=folds),
    }
    if folds is not None:  # five norms have no closed form
        models["five norms"] = SchattenRegressorCV(PENALTIES, p=list(FIVE), cv=folds)
    times: dict[str, list[float]] = {name: [] for name in models}
    for repeat in range(REPEATS + 1):
        for name, model in models.items():
            start = time.perf_counter()
            model.fit(X, y)
            if repeat:  # the first round is the warm-up
                times[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values) for name, values in times.items()}
    ours, theirs = models["one norm"], models["RidgeCV"]
    ratios = {f"RidgeCV / {name}": medians["RidgeCV"] / medians[name] for name in medians if name != "RidgeCV"}
    if "five norms" in medians:
        ratios["five norms / one norm"] = medians["five norms"] / medians["one norm"]
    return {
        **{f"{name}, s": value for name, value in medians.items()},
        **ratios,
        "same penalty": bool(ours.alpha_ == theirs.alpha_),
        "penalty": float(ours.alpha_),
        "coefficients apart": float(np.abs(ours.coef_ - theirs.coef_).max() / np.abs(theirs.coef_).max()),
        "product, s": product_seconds(),
        "threads": threads(),
    }


def memory(n: int, d: int, method: str) -> Row:
    """Time and memory of one fit in a fresh process."""
    return in_process(_memory, n, d, method, limit=LIMIT)


def _memory(n: int, d: int, method: str) -> Row:
    model: Any = SchattenRegressor(p=1, solver="gram") if method == "hypernorm" else Ridge()
    small = np.random.default_rng(1).standard_normal((50, 5))
    model.fit(small, small[:, 0])  # libraries and threads are there before anything is measured
    X, y = problem(n, d)
    before = peak_gigabytes()
    start = time.perf_counter()
    model.fit(X, y)
    return {
        "seconds": time.perf_counter() - start,
        "samples_gigabytes": X.nbytes / 2**30,
        "before_gigabytes": before,
        "beyond_megabytes": 1024 * (peak_gigabytes() - before),
        "threads": threads(),
    }


def threads() -> int:
    """Threads of the matrix products."""
    return max(int(pool["num_threads"]) for pool in threadpool_info() if pool["user_api"] == "blas")


Part = tuple[Callable[[bool], Iterator[Row]], Callable[..., Row]]


def path_cases(small: bool) -> Iterator[Row]:
    yield {"n": 400 if small else 5000, "d": 30 if small else 300, "folds": 5}


def loo_cases(small: bool) -> Iterator[Row]:
    yield {"n": 400 if small else 5000, "d": 30 if small else 300, "folds": None}


def memory_cases(small: bool) -> Iterator[Row]:
    for method in ("hypernorm", "scikit-learn"):
        yield {"n": 20_000 if small else 1_000_000, "d": 100, "method": method}


PARTS: dict[str, Part] = {"path": (path_cases, path), "loo": (loo_cases, path), "memory": (memory_cases, memory)}


def table(rows: list[Row]) -> str:
    """A line for every value, in Markdown."""
    names = list(dict.fromkeys(name for row in rows for name in row))

    def text(value: Any) -> str:
        return f"{value:.4g}" if isinstance(value, float) else str(value)

    return "\n".join(f"| {name} | {' | '.join(text(row.get(name, '')) for row in rows)} |" for name in names)


def main() -> None:
    """Run and print the parts that are named, by default all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS])
    parser.add_argument("--small", action="store_true", help="small sizes, and nothing is written")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) if options.small else RESULTS
        for part in options.parts or PARTS:
            cases, trial = PARTS[part]
            rows = run("linear_model", part, cases(options.small), trial, folder=folder)
            print(f"\n{part}\n\n{table(rows)}", flush=True)


if __name__ == "__main__":
    main()
