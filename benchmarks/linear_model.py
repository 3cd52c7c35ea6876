"""SchattenRegressorCV and RidgeCV, and a fit of a million samples: `python -m benchmarks.linear_model [PART …]`.

Without PART all parts run:

path    100 penalties, five folds, n = 5,000, d = 300: SchattenRegressorCV for ridge only and for a list of five norms,
        and scikit-learn's RidgeCV with the same folds and the same score. They run in turn with all threads, a warm-up
        and then three times each; medians. Both must choose the same penalty, and their coefficients must agree.
loo     The same by leave-one-out, which both have in closed form for ridge.
fits    One fit at several shapes: for p = 2 beside scikit-learn's Ridge with its direct solver and with its iterative
        ones to 12 digits and, as by default, to four; for p = 1, 3, ∞ beside Ridge(solver='svd'), which sparse samples
        do not have. They run in turn, three times each after a warm-up; medians.
shapes  100 penalties by leave-one-out in closed form, for ridge, at several shapes and with 500 targets, in turn with
        RidgeCV; and the peak memory of each in its own process beyond that of the data.
memory  n = 1,000,000, d = 100 in double precision, one fit by solver='gram' and one by scikit-learn's Ridge, each in
        its own process: time, and peak memory in addition to that of the samples and targets.

Rows are saved in results/linear_model/PART.jsonl; a part that is on file is only printed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import Ridge, RidgeCV

from benchmarks.harness import Part, in_process, main, peak_gigabytes, product_seconds, threads
from benchmarks.referee import ridge_residual
from experiments.runner import Row
from hypernorm.linear_model import SchattenRegressor, SchattenRegressorCV

PENALTIES = np.geomspace(1e-3, 1e6, 100)
FIVE = (1, 1.5, 2, 3, np.inf)
SHAPES = ((10_000, 500), (500, 10_000), (2000, 2000))
REPEATS = 3
# The threads of a matrix product look for more work for a while, and would disturb the next method.
PAUSE = 0.2
LIMIT = 900.0


def problem(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Samples with the covariance spectrum 1/i and a noisy linear target, made with little additional memory."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d))
    X *= np.arange(1, d + 1) ** -0.5
    return X, X @ rng.standard_normal(d) + 3 * rng.standard_normal(n)


def path(n: int, d: int, folds: int | None) -> Row:
    """Times of the complete choice, and whether the choices agree."""
    return in_process(_path, n, d, folds, limit=LIMIT)


def _path(n: int, d: int, folds: int | None) -> Row:
    X, y = problem(n, d)
    models: dict[str, Any] = {
        "RidgeCV": RidgeCV(PENALTIES, cv=folds, scoring="neg_mean_squared_error"),
        "one norm": SchattenRegressorCV(PENALTIES, p=2, cv=folds),
    }
    if folds is not None:  # five norms have no closed form
        models["five norms"] = SchattenRegressorCV(PENALTIES, p=list(FIVE), several="best", cv=folds)
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
        "residual": ridge_residual(X, y, ours.coef_, ours.intercept_, ours.alpha_),
        "RidgeCV, residual": ridge_residual(X, y, theirs.coef_, theirs.intercept_, theirs.alpha_),
        "coefficients apart": float(np.abs(ours.coef_ - theirs.coef_).max() / np.abs(theirs.coef_).max()),
        "product, s": product_seconds(),
        "threads": threads(),
    }


def in_turn(models: dict[str, Any], X: Any, y: np.ndarray) -> dict[str, float]:
    """Median time of each fit; they run in turn after a warm-up."""
    times: dict[str, list[float]] = {name: [] for name in models}
    for repeat in range(REPEATS + 1):
        for name, model in models.items():
            time.sleep(PAUSE)
            start = time.perf_counter()
            model.fit(X, y)
            if repeat:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def sparse_problem(n: int, d: int, density: float) -> tuple[Any, np.ndarray]:
    """Sparse Gaussian samples with entries at random places, and a noisy linear target."""
    rng = np.random.default_rng(0)
    count = int(n * d * density)
    places = rng.integers(0, n, count), rng.integers(0, d, count)
    X = sp.csr_array((rng.standard_normal(count), places), shape=(n, d))
    return X, X @ rng.standard_normal(d) + rng.standard_normal(n)


def fits(n: int, d: int, density: float) -> Row:
    """Times of one fit of every norm and of Ridge."""
    return in_process(_fits, n, d, density, limit=LIMIT)


def _fits(n: int, d: int, density: float) -> Row:
    X, y = problem(n, d) if density == 1 else sparse_problem(n, d, density)
    models: dict[str, Any] = {f"p = {p}": SchattenRegressor(p=p) for p in (2, 1, 3, np.inf)}
    exact = {f"{solver}, 12 digits": Ridge(solver=solver, tol=1e-12) for solver in ("sparse_cg", "lsqr")}
    rough = {f"{solver}, 4 digits": Ridge(solver=solver) for solver in ("sparse_cg", "lsqr")}
    if density == 1:
        exact |= {"cholesky": Ridge(solver="cholesky"), "svd": Ridge(solver="svd")}
    models |= exact | rough
    times = in_turn(models, X, y)
    fastest, roughest = (min(group, key=lambda name: times[name]) for group in (exact, rough))
    row: Row = {f"{name}, s": value for name, value in times.items()}
    row |= {
        "fastest of Ridge": fastest,
        "p = 2 / fastest": times["p = 2"] / times[fastest],
        "p = 2 / fastest to 4 digits": times["p = 2"] / times[roughest],
    }
    if density == 1:
        row["slowest other / svd"] = max(times[f"p = {p}"] for p in (1, 3, np.inf)) / times["svd"]
    ours, theirs = models["p = 2"], models[fastest]
    coefficients = {"residual": ours, "Ridge, residual": theirs, "4 digits, residual": models[roughest]}
    row |= {name: ridge_residual(X, y, model.coef_, model.intercept_, 1.0) for name, model in coefficients.items()}
    return {**row, "threads": threads()}


def shapes(n: int, d: int, targets: int) -> Row:
    """Times and memory of a path of leave-one-out, and whether the choices agree."""
    row = in_process(_shapes, n, d, targets, limit=LIMIT)
    for name in ("hypernorm", "RidgeCV"):
        row[f"{name}, MiB"] = in_process(_shape_memory, n, d, targets, name, limit=LIMIT).get("beyond_megabytes")
    return {**row, "MiB / MiB of RidgeCV": row["hypernorm, MiB"] / row["RidgeCV, MiB"]}


def _several(n: int, d: int, targets: int) -> tuple[np.ndarray, np.ndarray]:
    X, y = problem(n, d)
    rng = np.random.default_rng(1)
    return X, y if targets == 1 else X @ rng.standard_normal((d, targets)) + 3 * rng.standard_normal((n, targets))


def _shapes(n: int, d: int, targets: int) -> Row:
    X, y = _several(n, d, targets)
    ours, theirs = SchattenRegressorCV(PENALTIES), RidgeCV(PENALTIES)
    times = in_turn({"hypernorm": ours, "RidgeCV": theirs}, X, y)
    return {
        **{f"{name}, s": value for name, value in times.items()},
        "time / time of RidgeCV": times["hypernorm"] / times["RidgeCV"],
        "same penalty": bool(ours.alpha_ == theirs.alpha_),
        "coefficients apart": float(np.abs(ours.coef_ - theirs.coef_).max() / np.abs(theirs.coef_).max()),
        "threads": threads(),
    }


def _shape_memory(n: int, d: int, targets: int, name: str) -> Row:
    model: Any = SchattenRegressorCV(PENALTIES) if name == "hypernorm" else RidgeCV(PENALTIES)
    small = np.random.default_rng(1).standard_normal((50, 5))
    model.fit(small, small[:, 0])  # loads libraries and starts threads before the measurement
    X, y = _several(n, d, targets)
    before = peak_gigabytes()
    model.fit(X, y)
    return {"beyond_megabytes": 1024 * (peak_gigabytes() - before)}


def memory(n: int, d: int, method: str) -> Row:
    """Time and memory of one fit in a new process."""
    return in_process(_memory, n, d, method, limit=LIMIT)


def _memory(n: int, d: int, method: str) -> Row:
    model: Any = SchattenRegressor(p=1, solver="gram") if method == "hypernorm" else Ridge()
    small = np.random.default_rng(1).standard_normal((50, 5))
    model.fit(small, small[:, 0])  # loads libraries and starts threads before the measurement
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


def choice_cases(folds: int | None) -> Iterator[Row]:
    yield {"n": 5000, "d": 300, "folds": folds}


def fit_cases() -> Iterator[Row]:
    for n, d in SHAPES:
        yield {"n": n, "d": d, "density": 1}
    yield {"n": 1_000_000, "d": 1000, "density": 1e-3}


def shape_cases() -> Iterator[Row]:
    for n, d in SHAPES:
        yield {"n": n, "d": d, "targets": 1}
    yield {"n": 2000, "d": 200, "targets": 500}


def memory_cases() -> Iterator[Row]:
    for method in ("hypernorm", "scikit-learn"):
        yield {"n": 1_000_000, "d": 100, "method": method}


PARTS = {
    "path": Part(
        "Choice among 100 penalties by five folds: SchattenRegressorCV for ridge and for five norms, and RidgeCV",
        lambda: choice_cases(5),
        path,
        ({"n": 400, "d": 30, "folds": 5},),
    ),
    "loo": Part(
        "Choice among 100 ridge penalties by leave-one-out in closed form: SchattenRegressorCV and RidgeCV",
        lambda: choice_cases(None),
        path,
        ({"n": 400, "d": 30, "folds": None},),
    ),
    "fits": Part(
        "One fit at several shapes: SchattenRegressor for four norms, and Ridge by its solvers",
        fit_cases,
        fits,
        ({"n": 300, "d": 20, "density": 1}, {"n": 3000, "d": 20, "density": 0.1}),
    ),
    "shapes": Part(
        "Choice among 100 ridge penalties by leave-one-out at several shapes: SchattenRegressorCV and RidgeCV",
        shape_cases,
        shapes,
        ({"n": 300, "d": 20, "targets": 3},),
    ),
    "memory": Part(
        "One fit of a million samples: SchattenRegressor(p=1, solver='gram') and scikit-learn's Ridge",
        memory_cases,
        memory,
        ({"n": 20_000, "d": 100, "method": "hypernorm"},),
    ),
}


if __name__ == "__main__":
    main("linear_model", PARTS, __doc__)
