"""Sum-of-squares certificates beside conic solvers, at every size: `python -m benchmarks.sums_of_squares [PART …]`.

No solver's word is taken: every upper bound is what the checker proves of the certificate, for SCS and Clarabel of
the one made from their multiplier, and every lower bound is what it proves of the vector. Times are medians of three
runs after a warm-up where a run is short, else of one; hypernorm's include its search for a vector and its proof, those
of the conic solvers are their own solve time, without the modelling. "Products" is the time divided by that of one
product of two D×D matrices measured in the same process. Rows go to results/sums_of_squares/PART.jsonl; a part that
was stopped continues there, and one that is on file is only printed.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import hypernorm as hn
from benchmarks.harness import in_process, peak_gigabytes, product_seconds, seconds
from experiments.runner import Row, run
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
    """A conic solver's certificate, proved, and the time that the solver says it took."""
    sos = hn.sos_problem(X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about accuracy, which the checker judges
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
    """The structured solver's proved bound against that of a conic solver, in the norm."""
    X = FAMILIES[family](d, seed)
    ours = hn.sos_bound(X, rtol=1e-8, random_state=seed).verify(X).upper
    options = {"eps": 1e-8, "max_iters": 100_000} if solver == "SCS" else {}
    theirs, elapsed = conic(X, solver, **options)
    return {"difference": ours / theirs.verify(X).upper - 1, "conic_seconds": elapsed}


def peer_cases() -> Iterator[Row]:
    for d in (20, 30, 40):
        for family in FAMILIES:
            for seed in range(3):
                yield {"d": d, "family": family, "seed": seed}


def peers(d: int, family: str, seed: int) -> Row:
    """A proved interval of relative width 1e-6 against SCS at its tolerance 1e-6."""
    X = FAMILIES[family](d, seed)
    found: list[hn.NormInterval] = []
    hn.sos_bound(WARM_UP)
    elapsed = seconds(lambda: found.append(hn.two_to_q_norm(X, method="sos", random_state=seed)), 3)
    lower = found[-1].witness.verify(X).lower
    product = product_seconds(MonomialBasis.count(d, 2))
    certificate, scs_seconds = conic(X, "SCS", eps=1e-6)
    return {
        "seconds": elapsed,
        "products": elapsed / product,
        "gap": found[-1].certificate.verify(X).upper / lower - 1,
        "scs_seconds": scs_seconds,
        "scs_gap": certificate.verify(X).upper / lower - 1,
        "ratio": scs_seconds / elapsed,
    }


def scale_cases() -> Iterator[Row]:
    for d in (20, 40, 60, 80, 100):
        for family in FAMILIES:
            if d < 100 or family.startswith("sign"):
                yield {"d": d, "family": family}


def scale(d: int, family: str) -> Row:
    """Time, memory and proved gap in a process of its own."""
    return in_process(_scale_hypernorm, d, family, limit=3600)


def conic_scale_cases() -> Iterator[Row]:
    for solver in ("SCS", "CLARABEL"):
        for d, limit in ((60, 120), (80, 120), (100, 300)):
            yield {"d": d, "family": "sign n=4d", "solver": solver, "limit": limit}


def conic_scale(d: int, family: str, solver: str, limit: float) -> Row:
    """The same for the conic solvers, with a time limit of several times what hypernorm takes, and 16 GB."""
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
    return {"seconds": elapsed, "gap": certificate.verify(X).upper / hn.lower_bound(X, random_state=0).value - 1}


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
    """Higher degrees: designs, forms on which degree 4 is not exact, and random matrices at q = 6 and 8."""
    hn.sos_bound(WARM_UP)
    known = None if d else NAMED[name]()
    q = known.q if known else float(degree or 4)
    X = known.matrix if known else datasets.gaussian(4 * (d or 1), d or 1, random_state=0)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # no lower bound meets an inexact relaxation
        certificate = hn.sos_bound(X, q, degree=degree, random_state=0)
    elapsed = time.perf_counter() - start
    upper, lower = certificate.verify(X).upper, hn.lower_bound(X, q, random_state=0).verify(X).lower
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
    lower, upper = interval.witness.verify(X).lower, interval.certificate.verify(X).upper
    return {"d": X.shape[1], "lower": lower**4, "upper": upper**4, "gap": upper / lower - 1, "seconds": elapsed}


def restart_cases() -> Iterator[Row]:
    for seed in range(10):
        yield {"seed": seed}


def restarts(seed: int) -> Row:
    """240 × 60 sign matrices: the best of 64 random restarts against the vector that the relaxation leads to."""
    X = datasets.signs(240, 60, random_state=seed)
    interval = hn.two_to_q_norm(X, method="sos", random_state=seed)
    lower = interval.witness.verify(X).lower
    V = np.random.default_rng(seed).standard_normal((60, 64))
    for _ in range(1000):
        V = X.T @ (X @ (V / np.linalg.norm(V, axis=0))) ** 3
    V /= np.linalg.norm(V, axis=0)
    values = ((X @ V) ** 4).sum(axis=0) ** 0.25
    mixed = hn.lower_bound(X, random_state=seed).verify(X).lower
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
    """A solve that is stopped early, and its continuation from the checkpoint."""
    X = FAMILIES[family](d, 0)
    hn.sos_bound(WARM_UP)
    lower = hn.lower_bound(X, random_state=0).value
    outcome: Row = {"realigned": hn.spectral_bound(X).verify(X).upper / lower}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the stop is meant
        checkpoint = Path(folder) / "state.npz"
        for name, options in (
            ("full", {}),
            ("stopped", {"time_limit": stop, "checkpoint": checkpoint}),
            ("resumed", {"checkpoint": checkpoint}),
        ):
            start = time.perf_counter()
            certificate = hn.sos_bound(X, random_state=0, **options)
            outcome[f"{name}_seconds"] = time.perf_counter() - start
            outcome[name] = certificate.verify(X).upper / lower
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
    lower = hn.lower_bound(X, random_state=0).verify(X).lower
    return {"n": len(X), "d": X.shape[1], "gap": verified.upper / lower - 1, "seconds": elapsed}


PARTS: dict[str, tuple[Callable[[], Iterator[Row]], Callable[..., Row]]] = {
    "agreement": (agreement_cases, agreement),
    "peers": (peer_cases, peers),
    "scale": (scale_cases, scale),
    "conic_scale": (conic_scale_cases, conic_scale),
    "degrees": (degree_cases, degrees),
    "cube": (cube_cases, cube),
    "restarts": (restart_cases, restarts),
    "interruption": (interruption_cases, interruption),
    "data": (data_cases, data),
}


def table(rows: list[Row]) -> str:
    """All rows in Markdown, numbers to four digits."""
    names = list(dict.fromkeys(name for row in rows for name in row))

    def text(value: Any) -> str:
        return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)

    lines = [f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}"]
    return "\n".join(lines + [f"| {' | '.join(text(row.get(name)) for name in names)} |" for row in rows])


def main() -> None:
    """Run and print the parts that are named, by default all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS])
    for part in parser.parse_args().parts or PARTS:
        cases, trial = PARTS[part]
        rows = run("sums_of_squares", part, cases(), trial)
        print(f"\n{part}\n\n{table(rows)}", flush=True)
        if part == "peers":
            for d in (20, 30, 40):
                ours, theirs = (
                    statistics.median(row[name] for row in rows if row["d"] == d) for name in ("seconds", "scs_seconds")
                )
                print(f"d = {d}: medians {ours:.3f} s and SCS {theirs:.1f} s, ratio {theirs / ours:.0f}")


if __name__ == "__main__":
    main()
