"""Sum-of-squares certificates and conic solvers, at all sizes: `python -m benchmarks.sums_of_squares [PART …]`.

No value that a solver reports is used. Every upper bound is proved by the checker from a certificate, which for SCS and
Clarabel is made from their multiplier. Every lower bound is proved from a vector. Times are medians of three runs after
a warm-up if a run is short, else of one run. The times of hypernorm include the search for a vector and the proof;
those of the conic solvers are their own solve times, without the modelling. "Products" is the time divided by that of
one product of two D×D matrices measured in the same process. Rows are saved in results/sums_of_squares/PART.jsonl. A
stopped part continues there; a complete part is only printed.
"""

from __future__ import annotations

import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import hypernorm as hn
from benchmarks.harness import Part, in_process, main, peak_gigabytes, product_seconds, seconds
from benchmarks.referee import proved_gap, proved_lower, proved_upper
from experiments.runner import Row
from hypernorm import datasets
from hypernorm.exceptions import ConvergenceWarning
from hypernorm.forms import MonomialBasis

FAMILIES: dict[str, Callable[..., np.ndarray]] = {
    "gaussian n=d²": lambda d, seed: datasets.gaussian(d * d, d, random_state=seed),
    "sign n=4d": lambda d, seed: datasets.signs(4 * d, d, random_state=seed),
}
NAMED: dict[str, Callable[[], datasets.KnownNorm]] = {
    "icosahedron": datasets.icosahedron,
    "E8, q=4": datasets.e8,
    "E8, q=6": lambda: datasets.e8(6),
    "Choi-Lam": datasets.choi_lam,
    "Choi-Lam biquadratic": datasets.choi_biquadratic,
    "odd cycle 5": lambda: datasets.odd_cycle(5),
    "odd cycle 7": lambda: datasets.odd_cycle(7),
}
WARM_UP = np.eye(4)


def conic(X: np.ndarray, solver: str, **options: Any) -> tuple[hn.Certificate, float]:
    """The proved certificate of a conic solver, and the solve time that the solver reports."""
    sos = hn.sos_problem(X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings of accuracy; the checker proves the bound
        sos.problem.solve(solver=solver, **options)
    stats = sos.problem.solver_stats
    return sos.certificate(), float(stats.solve_time) + float(stats.setup_time or 0)


def agreement_cases() -> Iterator[Row]:
    for d, seeds, solver in ((4, 5, "CLARABEL"), (6, 5, "CLARABEL"), (8, 5, "CLARABEL"), (10, 3, "CLARABEL")):
        for family in FAMILIES:
            for seed in range(seeds):
                yield {"d": d, "family": family, "seed": seed, "solver": solver}
    for d, seeds in ((15, 5), (20, 2)):
        for family in FAMILIES:
            for seed in range(seeds):
                yield {"d": d, "family": family, "seed": seed, "solver": "SCS"}


def agreement(d: int, family: str, seed: int, solver: str) -> Row:
    """Proved bounds on the norm of the structured solver and of a conic solver."""
    X = FAMILIES[family](d, seed)
    ours = proved_upper(X, hn.sos_bound(X, rtol=1e-8, random_state=seed))
    options = {"eps": 1e-8, "max_iters": 100_000} if solver == "SCS" else {}
    theirs, elapsed = conic(X, solver, **options)
    return {"difference": ours / proved_upper(X, theirs) - 1, "conic_seconds": elapsed}


def peer_cases() -> Iterator[Row]:
    for d in (20, 30, 40):
        for family in FAMILIES:
            for seed in range(3):
                yield {"d": d, "family": family, "seed": seed}


def peers(d: int, family: str, seed: int) -> Row:
    """A proved interval of relative width 1e-6, and SCS with the tolerance 1e-6."""
    X = FAMILIES[family](d, seed)
    found: list[hn.Interval] = []
    hn.sos_bound(WARM_UP)
    elapsed = seconds(lambda: found.append(hn.two_to_q_norm(X, method="sos", random_state=seed)), 3)
    lower = proved_lower(X, found[-1].witness)
    product = product_seconds(MonomialBasis.count(d, 2))
    certificate, scs_seconds = conic(X, "SCS", eps=1e-6)
    return {
        "seconds": elapsed,
        "products": elapsed / product,
        "gap": proved_upper(X, found[-1].certificate) / lower - 1,
        "scs_seconds": scs_seconds,
        "scs_gap": proved_upper(X, certificate) / lower - 1,
        "ratio": scs_seconds / elapsed,
    }


def scale_cases() -> Iterator[Row]:
    for d in (20, 40, 60, 80, 100):
        for family in FAMILIES:
            if d < 100 or family.startswith("sign"):
                yield {"d": d, "family": family}


def scale(d: int, family: str) -> Row:
    """Time, memory and proved gap in a separate process."""
    return in_process(_scale_hypernorm, d, family, limit=3600)


def conic_scale_cases() -> Iterator[Row]:
    for solver in ("SCS", "CLARABEL"):
        for d, limit in ((60, 120), (80, 120), (100, 300)):
            yield {"d": d, "family": "sign n=4d", "solver": solver, "limit": limit}


def conic_scale(d: int, family: str, solver: str, limit: float) -> Row:
    """The same for the conic solvers, with a time limit of several times the time of hypernorm, and 16 GB."""
    return in_process(_scale_conic, d, family, solver, limit=limit, gigabytes=16)


def _scale_hypernorm(d: int, family: str) -> Row:
    X = FAMILIES[family](d, 0)
    hn.sos_bound(WARM_UP)
    start = time.perf_counter()
    interval = hn.two_to_q_norm(X, method="sos", rtol=1e-6 if d <= 60 else 1e-5, random_state=0)
    elapsed = time.perf_counter() - start
    verified = interval.certificate.verify(X)
    peak = peak_gigabytes()
    size = MonomialBasis.count(d, 2)
    exact = interval.certificate.verify(X, exact=True) if d <= 40 else None
    return {
        "D": size,
        "seconds": elapsed,
        "products": elapsed / product_seconds(size),
        "gap": verified.upper / interval.witness.verify(X).lower - 1,
        "solve_gigabytes": peak,
        "verify_seconds": verified.seconds,
        "exact_seconds": exact and exact.seconds,
        "exact_difference": exact and exact.upper / verified.upper - 1,
    }


def _scale_conic(d: int, family: str, solver: str) -> Row:
    X = FAMILIES[family](d, 0)
    certificate, elapsed = conic(X, solver, **({"eps": 1e-6} if solver == "SCS" else {}))
    return {"seconds": elapsed, "gap": proved_gap(X, certificate, hn.lower_bound(X, random_state=0))}


def degree_cases() -> Iterator[Row]:
    for name in ("icosahedron", "E8, q=4", "E8, q=6"):
        yield {"name": name, "degree": None}
    for name in ("Choi-Lam", "Choi-Lam biquadratic", "odd cycle 5", "odd cycle 7"):
        for degree in (4, 6):
            yield {"name": name, "degree": degree}
    for q, dimensions in ((6, (10, 15, 20)), (8, (8, 12))):
        for d in dimensions:
            yield {"name": f"gaussian 4d × d, d={d}, q={q}", "degree": q, "d": d}


def degrees(name: str, degree: int | None, d: int | None = None) -> Row:
    """Higher degrees: designs, forms for which degree 4 is not exact, and random matrices at q = 6 and 8."""
    hn.sos_bound(WARM_UP)
    known = None if d else NAMED[name]()
    q = known.q if known else float(degree or 4)
    X = known.matrix if known else datasets.gaussian(4 * (d or 1), d or 1, random_state=0)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # an inexact relaxation never meets the lower bound
        certificate = hn.sos_bound(X, q, degree=degree, random_state=0)
    elapsed = time.perf_counter() - start
    upper, lower = proved_upper(X, certificate), proved_lower(X, hn.lower_bound(X, q, random_state=0))
    return {
        "q": q,
        "gap": upper / lower - 1,
        "excess_of_form": upper**q - known.value**q if known else None,
        "seconds": elapsed,
    }


def cube_cases() -> Iterator[Row]:
    for n in range(4, 9):
        yield {"n": n}


def cube(n: int) -> Row:
    """max E f⁴ over the functions of degree ≤ 2 with E f² = 1 on the cube {−1, 1}ⁿ."""
    X = datasets.cube_characters(n, 2)
    start = time.perf_counter()
    interval = hn.two_to_q_norm(X, method="sos", random_state=0)
    elapsed = time.perf_counter() - start
    lower, upper = proved_lower(X, interval.witness), proved_upper(X, interval.certificate)
    return {"d": X.shape[1], "lower": lower**4, "upper": upper**4, "gap": upper / lower - 1, "seconds": elapsed}


def restart_cases() -> Iterator[Row]:
    for seed in range(10):
        yield {"seed": seed}


def restarts(seed: int) -> Row:
    """240 × 60 sign matrices: the best of 64 random restarts, and the vector from the relaxation."""
    X = datasets.signs(240, 60, random_state=seed)
    interval = hn.two_to_q_norm(X, method="sos", random_state=seed)
    lower = proved_lower(X, interval.witness)
    V = np.random.default_rng(seed).standard_normal((60, 64))
    for _ in range(1000):
        V = X.T @ (X @ (V / np.linalg.norm(V, axis=0))) ** 3
    V /= np.linalg.norm(V, axis=0)
    values = ((X @ V) ** 4).sum(axis=0) ** 0.25
    mixed = proved_lower(X, hn.lower_bound(X, random_state=seed))
    return {
        "relaxation": lower,
        "gap": interval.gap,
        "restarts_loss": 1 - float(values.max()) / lower,
        "lower_bound_loss": 1 - mixed / lower,
    }


def interruption_cases() -> Iterator[Row]:
    for family in FAMILIES:
        yield {"d": 60, "family": family, "stop": 1.5}
    yield {"d": 80, "family": "sign n=4d", "stop": 5.0}


def interruption(d: int, family: str, stop: float) -> Row:
    """A solve that is stopped early and continued from its checkpoint."""
    X = FAMILIES[family](d, 0)
    hn.sos_bound(WARM_UP)
    lower = proved_lower(X, hn.lower_bound(X, random_state=0))
    outcome: Row = {"realigned": proved_upper(X, hn.spectral_bound(X)) / lower}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the stop is intended
        checkpoint = Path(folder) / "state.npz"
        for name, options in (
            ("full", {}),
            ("stopped", {"time_limit": stop, "checkpoint": checkpoint}),
            ("resumed", {"checkpoint": checkpoint}),
        ):
            start = time.perf_counter()
            certificate = hn.sos_bound(X, random_state=0, **options)
            outcome[f"{name}_seconds"] = time.perf_counter() - start
            outcome[name] = proved_upper(X, certificate) / lower
    return outcome


def data_cases() -> Iterator[Row]:
    yield {"name": "digits", "degree": 4}
    yield {"name": "breast_cancer", "degree": 4}
    yield {"name": "breast_cancer", "degree": 6}


def data(name: str, degree: int) -> Row:
    """Bundled real data, q = 4."""
    X = datasets.load_bundled(name)
    hn.sos_bound(WARM_UP)
    start = time.perf_counter()
    certificate = hn.sos_bound(X, degree=degree, random_state=0)
    elapsed = time.perf_counter() - start
    verified = certificate.verify(X)
    lower = proved_lower(X, hn.lower_bound(X, random_state=0))
    return {"n": len(X), "d": X.shape[1], "gap": verified.upper / lower - 1, "seconds": elapsed}


def peer_medians(rows: list[Row]) -> list[Row]:
    """Medians over families and seeds for each dimension."""
    names = ("seconds", "products", "gap", "scs_seconds", "scs_gap", "ratio")
    groups = {d: [row for row in rows if row["d"] == d] for d in dict.fromkeys(row["d"] for row in rows)}
    return [
        {"d": d, "runs": len(same), **{name: statistics.median(row[name] for row in same) for name in names}}
        for d, same in groups.items()
    ]


def largest_difference(rows: list[Row]) -> list[Row]:
    """One row: the number of instances, and the largest difference of the bounds."""
    return [{"instances": len(rows), "largest_difference": max(abs(row["difference"]) for row in rows)}]


PARTS = {
    "agreement": Part(
        "Proved bounds of the structured solver against those of Clarabel (d ≤ 10) and SCS (d = 15, 20)",
        agreement_cases,
        agreement,
        ({"d": 4, "family": "sign n=4d", "seed": 0, "solver": "CLARABEL"},),
        largest_difference,
    ),
    "peers": Part(
        "A proved interval of relative width 1e-6 against SCS's solve time at its tolerance 1e-6; medians",
        peer_cases,
        peers,
        ({"d": 6, "family": "sign n=4d", "seed": 0},),
        peer_medians,
    ),
    "scale": Part(
        "A proved interval at every size; width 1e-6 up to d = 60, then 1e-5",
        scale_cases,
        scale,
        ({"d": 10, "family": "sign n=4d"},),
    ),
    "conic_scale": Part(
        "The same relaxation by conic solvers, with time limits and 16 GB",
        conic_scale_cases,
        conic_scale,
        ({"d": 6, "family": "sign n=4d", "solver": "CLARABEL", "limit": 60},),
    ),
    "degrees": Part(
        "Higher degrees: designs, forms on which degree 4 is inexact, random matrices at q = 6 and 8",
        degree_cases,
        degrees,
        ({"name": "icosahedron", "degree": None},),
    ),
    "cube": Part(
        "Functions of degree ≤ 2 on the n-cube: max E f⁴/(E f²)²",
        cube_cases,
        cube,
        ({"n": 4},),
    ),
    "restarts": Part(
        "240 × 60 sign matrices: what 64 random restarts, and the default search, lose to the relaxation's vector",
        restart_cases,
        restarts,
        (),
    ),
    "interruption": Part(
        "A solve stopped early and resumed from its checkpoint",
        interruption_cases,
        interruption,
        ({"d": 20, "family": "sign n=4d", "stop": 0.1},),
    ),
    "data": Part(
        "Bundled real data, q = 4",
        data_cases,
        data,
        ({"name": "breast_cancer", "degree": 4},),
    ),
}


if __name__ == "__main__":
    main("sums_of_squares", PARTS, __doc__)
