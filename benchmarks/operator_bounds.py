"""Bounds on operator norms and the cut norm, beside other programs: `python -m benchmarks.operator_bounds [PART …]`.

No value that a method reports counts as a bound. Upper bounds are proved by the checker, for a conic solver from its
multipliers; lower bounds are proved from a vector, or summed over a set. Without PART all parts run:

relaxation   ‖A‖_{∞→1} of Gaussian matrices: proved interval, its upper bound over a feasible value of the semidefinite
             relaxation, time and memory, each in a process of its own.
peers        The same relaxation by SCS and by Clarabel through cvxpy: max ⟨A, Z⟩ for Z ⪰ 0 of order 2n with ones on
             the diagonal. Times of hypernorm include the search for a vector and the proof; those of the solvers are
             their own, without the modelling. Medians of three after a warm-up where a run is short; time limit and
             memory are the same for all.
enumeration  ‖A‖_{∞→1} by enumeration of signs, and the same by numpy in two halves of the columns.
cut          The cut norm of 160 matrices with 5 to 12 rows and columns and of 40 with 2 to 4: interval, all sets by
             numpy, and the package cutnorm, which gets the matrix made square by zeros. It solves its relaxation for
             vectors of half the root of 2n entries: of one entry, which cannot move, for n up to 4.
starts       Lower bounds on ‖A‖_{p→q} for 40 × 40 matrices: `hypernorm.lower_bound`, and the power method from one and
             from 32 random starts as in InducedMatrixNorm of QETLAB, with its tolerance; for p = q = 1, 2, ∞ beside
             numpy.linalg.norm.

Rows are saved in results/operator_bounds/PART.jsonl; a part that is on file is only printed.
"""

from __future__ import annotations

import itertools
import math
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any, TypeVar

import numpy as np

import hypernorm as hn
from benchmarks.harness import Part, in_process, main, peak_gigabytes, seconds, threads
from benchmarks.referee import (
    cut_value,
    proved_lower,
    proved_multipliers,
    proved_upper,
    proved_vector,
    relaxed_value,
)
from experiments.operator_norms import FAMILIES
from experiments.runner import Row
from hypernorm.bounds import operator_relaxation

Result = TypeVar("Result")

REPEATS, SHORT = 3, 10.0
LIMIT, GIGABYTES = 120.0, 16.0
SOLVERS: dict[str, dict[str, Any]] = {
    "SCS": {"solver": "SCS"},
    "SCS, eps=1e-6": {"solver": "SCS", "eps": 1e-6, "max_iters": 100_000},
    "Clarabel": {"solver": "CLARABEL"},
}
TOLERANCE = 2.0**-26  # of InducedMatrixNorm, absolute
STARTS = 32
SLACK = 1e-6  # a value is below another one if it is by this share


def gaussian(n: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n, n))


def proved_interval(A: np.ndarray, method: str = "spectral") -> hn.Interval[Any, Any]:
    """‖A‖_{∞→1} by the semidefinite relaxation, without enumeration of signs unless the method says so."""
    return hn.operator_norm(A, math.inf, 1, method=method, random_state=0)


def timed(run: Callable[[], tuple[float, Result]]) -> tuple[float, Result]:
    """Median of the times of three runs, of one if it is long, and the result of the last."""
    runs = [run()]
    while len(runs) < REPEATS and runs[0][0] < SHORT:
        runs.append(run())
    return statistics.median(elapsed for elapsed, _ in runs), runs[-1][1]


def mean_time(matrices: list[np.ndarray], method: Callable[[np.ndarray], Result]) -> tuple[list[Result], float]:
    """The results for all matrices and the mean time of one, after a warm-up."""
    method(matrices[0])
    start = time.perf_counter()
    results = [method(A) for A in matrices]
    return results, (time.perf_counter() - start) / len(matrices)


def relaxation(n: int) -> Row:
    """Proved interval, time and memory."""
    return in_process(_relaxation, n)


def _relaxation(n: int) -> Row:
    A = gaussian(n)
    proved_interval(gaussian(4))
    start = time.perf_counter()
    interval = proved_interval(A)
    elapsed, peak = time.perf_counter() - start, peak_gigabytes()
    verified, lower = interval.certificate.verify(A), proved_lower(A, interval.witness)
    return {
        "seconds": elapsed,
        "upper bound, s": upper_seconds(interval),
        "verify, s": verified.seconds,
        "lower": lower,
        "upper": verified.upper,
        "gap": verified.upper / lower - 1,
        "over the relaxation, less 1": verified.upper / relaxed_value(A, relaxation_vectors(A)) - 1,
        "solve_gigabytes": peak,
        "threads": threads(),
    }


def upper_seconds(interval: hn.Interval[Any, Any]) -> float:
    """Time of the stage that gave the upper bound, the proof included."""
    return interval.records[-1].seconds


def relaxation_vectors(A: np.ndarray) -> np.ndarray:
    """A vector for each column, of a nearly optimal point of the relaxation."""
    deadline = time.perf_counter() + LIMIT / 2
    return operator_relaxation.relaxation(
        A, math.inf, 1.0, np.random.default_rng(1), steps=3000, deadline=deadline
    ).vectors


def peers(n: int, method: str) -> Row:
    """Time, and the bounds on the relaxation that the referee finds in the result."""
    return in_process(_peers, n, method, limit=LIMIT, gigabytes=GIGABYTES)


def _peers(n: int, method: str) -> Row:
    A = gaussian(n)
    if method == "hypernorm":
        return _hypernorm(A)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of accuracy, which the referee sees
        _solved(gaussian(4), **SOLVERS[method])
        elapsed, (value, Z, multipliers) = timed(lambda: _solved(A, **SOLVERS[method]))
    values, vectors = np.linalg.eigh((Z + Z.T) / 2)
    return {
        "seconds": elapsed,
        "claimed": value,
        "upper": proved_multipliers(A, multipliers[:n], multipliers[n:]),
        "feasible": relaxed_value(A, (vectors * np.sqrt(np.maximum(values, 0)))[n:]),
        "threads": threads(),
    }


def _hypernorm(A: np.ndarray) -> Row:
    def run() -> tuple[float, hn.Interval[Any, Any]]:
        start = time.perf_counter()
        interval = proved_interval(A)
        return time.perf_counter() - start, interval

    proved_interval(gaussian(4))
    elapsed, interval = timed(run)
    return {
        "seconds": elapsed,
        "upper bound, s": upper_seconds(interval),
        "claimed": interval.upper,
        "upper": proved_upper(A, interval.certificate),
        "feasible": relaxed_value(A, relaxation_vectors(A)),
        "threads": threads(),
    }


def _solved(A: np.ndarray, **options: Any) -> tuple[float, tuple[float, np.ndarray, np.ndarray]]:
    """The solver's own time, its value, Z, and the multipliers of the diagonal."""
    import cvxpy as cp

    m, n = A.shape
    Z = cp.Variable((m + n, m + n), PSD=True)
    diagonal = cp.diag(Z) == 1
    problem = cp.Problem(cp.Maximize(cp.sum(cp.multiply(A, Z[:m, m:]))), [diagonal])
    problem.solve(**options)
    elapsed = float(problem.solver_stats.solve_time) + float(problem.solver_stats.setup_time or 0)
    return elapsed, (float(problem.value), Z.value, np.abs(diagonal.dual_value))


def peer_ratios(rows: list[Row]) -> list[Row]:
    """Times over those of hypernorm, and bounds over the best feasible value of the same size."""
    shown = []
    for row in rows:
        same = [other for other in rows if other["n"] == row["n"]]
        ours = next((other for other in same if other["method"] == "hypernorm"), {})
        found = {key: row.get(key) for key in ("n", "method", "seconds", "upper bound, s")}
        if "upper" in row:
            best = max(other["feasible"] for other in same if "feasible" in other)
            found["over hypernorm's time"] = row["seconds"] / ours["seconds"] if "seconds" in ours else None
            found["claimed over the relaxation, less 1"] = row["claimed"] / best - 1
            found["proved over the relaxation, less 1"] = row["upper"] / best - 1
        shown.append(found | {key: row[key] for key in ("ended", "peak_gigabytes") if key in row})
    return shown


def all_signs(n: int) -> np.ndarray:
    """All vectors of n signs, as rows."""
    return np.array(list(itertools.product((-1.0, 1.0), repeat=n))).reshape(2**n, n)


def largest_by_signs(A: np.ndarray) -> float:
    """‖A‖_{∞→1} by all signs up to a common one: sums over the first half of the columns and over the second one."""
    half = A.shape[1] // 2
    first, second = all_signs(half) @ A[:, :half].T, all_signs(A.shape[1] - half) @ A[:, half:].T
    return max(float(np.abs(first + image).sum(axis=1).max()) for image in second[: len(second) // 2])


def enumeration(n: int) -> Row:
    """Time, whether the interval contains numpy's value, and the distance."""
    A = gaussian(n)
    interval, true = proved_interval(A, "exact"), largest_by_signs(A)
    lower, upper = proved_lower(A, interval.witness), proved_upper(A, interval.certificate)
    row: Row = {
        "seconds": seconds(lambda: proved_interval(A, "exact"), REPEATS),
        "verify, s": seconds(lambda: interval.certificate.verify(A), REPEATS),
        "numpy, s": seconds(lambda: largest_by_signs(A), REPEATS),
        "gap": upper / lower - 1,
        "contains numpy's": lower <= true * (1 + 1e-13) and true * (1 - 1e-13) <= upper,
        "threads": threads(),
    }
    return row | {"numpy over seconds": row["numpy, s"] / row["seconds"]}


def true_cut(A: np.ndarray) -> float:
    """The cut norm by all sets of rows; the best columns of a set are those of one sign."""
    sums = (all_signs(len(A)) + 1) / 2 @ A
    return float(max(np.maximum(sums, 0).sum(axis=1).max(), np.maximum(-sums, 0).sum(axis=1).max()))


def cut_matrices(family: str, least: int, most: int, count: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    for _ in range(count):
        m, n = (int(size) for size in rng.integers(least, most + 1, 2))
        yield {
            "Gaussian": lambda m=m, n=n: rng.standard_normal((m, n)),
            "signs": lambda m=m, n=n: rng.choice([-1.0, 1.0], (m, n)),
            "integer": lambda m=m, n=n: rng.integers(-5, 6, (m, n)).astype(float),
            "sparse": lambda m=m, n=n: rng.standard_normal((m, n)) * (rng.random((m, n)) < 0.3),
        }[family]()


def cut(family: str, least: int, most: int, method: str, count: int) -> Row:
    """How often the ends are below, at and above the cut norm, by how much, and the mean time for a matrix."""
    if method == "cutnorm" and find_spec("cutnorm") is None:
        return {"ended": "not installed"}
    bounds = hypernorm_cut if method == "hypernorm" else cutnorm_cut
    matrices = list(cut_matrices(family, least, most, count))
    np.random.seed(0)  # noqa: NPY002  from which cutnorm draws
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of divisions by zero within the package
        ends, elapsed = mean_time(matrices, bounds)
    true = np.array([true_cut(A) for A in matrices])
    lower, upper = np.array([end() for end in ends]).T
    scale = np.where(true > 0, true, 1)  # a matrix of zeros has no ratio
    return {
        "zero": int((true == 0).sum()),
        "lower below": int((lower < true - SLACK * scale).sum()),
        "lower short by at most": float(((true - lower) / scale).max()),
        "upper below": int((upper < true - SLACK * scale).sum()),
        "upper short by at most": max(float(((true - upper) / scale).max()), 0.0),
        "upper above": int((upper > true + SLACK * scale).sum()),
        "upper over by at most": float(((upper - true) / scale).max()),
        "seconds a matrix": elapsed,
    }


def cut_cases() -> Iterator[Row]:
    for least, most, count in ((5, 12, 40), (2, 4, 10)):
        for family in ("Gaussian", "signs", "integer", "sparse"):
            for method in ("hypernorm", "cutnorm"):
                yield {"family": family, "least": least, "most": most, "method": method, "count": count}


def hypernorm_cut(A: np.ndarray) -> Callable[[], tuple[float, float]]:
    """The interval; its ends are proved again by a call."""
    interval = hn.cut_norm(A, random_state=0)
    return lambda: (proved_lower(A, interval.witness), proved_upper(A, interval.certificate))


def cutnorm_cut(A: np.ndarray) -> Callable[[], tuple[float, float]]:
    """The sets that the package finds, summed over by a call, and the value of its relaxation."""
    from cutnorm import compute_cutnorm

    n = max(A.shape)
    square = np.zeros((n, n))
    square[: A.shape[0], : A.shape[1]] = A
    _, relaxed, details = compute_cutnorm(square, np.zeros((n, n)))
    return lambda: (cut_value(square, *details["cutnorm_sets"]), float(relaxed) * n * n)


def one_start(A: np.ndarray, p: float, q: float, rng: np.random.Generator) -> np.ndarray:
    """The vector at which the power method ends that starts at a random one."""
    v = rng.standard_normal(A.shape[1])
    v /= np.linalg.norm(v, p)
    value, before = np.linalg.norm(A @ v, q), -math.inf
    while abs(value - before) > TOLERANCE:
        w = _aligned(A @ v, q)
        v = _aligned(w @ A, 1.0 if math.isinf(p) else math.inf if p == 1 else p / (p - 1))
        v /= np.linalg.norm(v, p)
        value, before = np.linalg.norm(A @ v, q), value
    return v


def _aligned(x: np.ndarray, r: float) -> np.ndarray:
    """A multiple of the y with ⟨x, y⟩ = ‖x‖_r in the unit ball of the dual norm."""
    if math.isinf(r):
        return np.eye(1, len(x), int(np.abs(x).argmax()))[0]
    return np.where(x < 0, -1.0, 1.0) * (np.abs(x) / np.abs(x).max()) ** (r - 1)


def starts(family: str, p: str, q: str, count: int) -> Row:
    """On how many matrices a method ends below the other one, by how much, and the mean time for a matrix."""
    exponents = float(p), float(q)
    by_numpy = p == q and p in ("1", "2", "inf")
    rng = np.random.default_rng(0)
    matrices = [FAMILIES[family](rng, 40) for _ in range(count)]
    ours, times = mean_time(matrices, lambda A: hn.lower_bound(A, exponents[1], p=exponents[0], random_state=0))
    proved = np.array([proved_lower(A, witness) for A, witness in zip(matrices, ours, strict=True)])
    row: Row = {"peer": "numpy.linalg.norm" if by_numpy else "one start", "hypernorm, s": times}
    if by_numpy:
        others, times = mean_time(matrices, lambda A: np.linalg.norm(A, exponents[0]))
        return row | {"peer, s": times} | _comparison("peer", np.array(others), proved)
    vectors, times = mean_time(matrices, lambda A: [one_start(A, *exponents, rng) for _ in range(STARTS)])
    values = np.array(
        [[proved_vector(A, v, *exponents) for v in several] for A, several in zip(matrices, vectors, strict=True)]
    )
    row |= {"peer, s": times / STARTS} | _comparison("peer", values[:, 0], proved)
    return row | _comparison(f"{STARTS} starts", values.max(axis=1), proved)


def _comparison(name: str, theirs: np.ndarray, ours: np.ndarray) -> Row:
    short, ahead = 1 - theirs / ours, 1 - ours / theirs
    below = short > SLACK
    return {
        f"{name} below": int(below.sum()),
        f"{name} short, median of these": float(np.median(short[below])) if below.any() else None,
        f"{name} short by at most": max(float(short.max()), 0.0),
        f"hypernorm below {name}": int((ahead > SLACK).sum()),
        f"hypernorm short of {name} by at most": max(float(ahead.max()), 0.0),
    }


def start_cases() -> Iterator[Row]:
    pairs = ("inf", "1"), ("inf", "2"), ("3", "1.5"), ("3", "3"), ("1.5", "1.5"), ("2", "4"), ("1.5", "4"), ("1", "3")
    for p, q in (*pairs, ("1", "1"), ("2", "2"), ("inf", "inf")):
        for family in ("Gaussian", "signs", "decaying", "integer", "sparse"):
            yield {"family": family, "p": p, "q": q, "count": 25}


PARTS = {
    "relaxation": Part(
        "Norms from ℓ_∞ to ℓ_1 of Gaussian matrices, by the semidefinite relaxation",
        lambda: [{"n": n} for n in (100, 1000, 3000)],
        relaxation,
        ({"n": 20},),
    ),
    "peers": Part(
        "The same relaxation by SCS and by Clarabel",
        lambda: [{"n": n, "method": method} for n in (30, 60, 100, 150) for method in ("hypernorm", *SOLVERS)],
        peers,
        tuple({"n": 8, "method": method} for method in ("hypernorm", *SOLVERS)),
        peer_ratios,
    ),
    "enumeration": Part(
        "Norms from ℓ_∞ to ℓ_1 by enumeration of signs, and by numpy",
        lambda: [{"n": n} for n in (16, 20, 24)],
        enumeration,
        ({"n": 10},),
    ),
    "cut": Part(
        "Cut norms of small matrices, against all sets of rows",
        cut_cases,
        cut,
        tuple(
            {"family": "integer", "least": 2, "most": 12, "method": method, "count": 5}
            for method in ("hypernorm", "cutnorm")
        ),
    ),
    "starts": Part(
        "Lower bounds on operator norms, beside the power method from random starts and numpy.linalg.norm",
        start_cases,
        starts,
        ({"family": "Gaussian", "p": "inf", "q": "1", "count": 2}, {"family": "signs", "p": "2", "q": "2", "count": 2}),
    ),
}


if __name__ == "__main__":
    main("operator_bounds", PARTS, __doc__)
