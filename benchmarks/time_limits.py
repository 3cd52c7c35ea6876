"""Seconds used beside the time limit, for every shape: `python -m benchmarks.time_limits [SHAPE …]`.

A call with `time_limit=T` should end within 1.5 T and the time of one proof of each end that it returns. Each row
gives the limit, the seconds used, those of the proofs, and the ratio to what is allowed. Nothing is written.
"""

from __future__ import annotations

import argparse
import math
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp

import hypernorm as hn
from benchmarks.harness import table
from experiments.runner import Row
from hypernorm import datasets
from hypernorm.applications import separable_states

LIMITS = (0.1, 0.5, 2.0, 5.0)


def _sparse(n: int, d: int, density: float) -> sp.csr_array:
    return sp.csr_array(sp.random_array((n, d), density=density, rng=np.random.default_rng(0)))


SHAPES: dict[str, tuple[Callable[[], Any], tuple[float, ...]]] = {
    "tall 200000 x 50": (lambda: datasets.gaussian(200_000, 50, random_state=0), (3.7, 4, 6, 1000)),
    "tall 100000 x 100": (lambda: datasets.gaussian(100_000, 100, random_state=0), (3.7, 4, 6, 1000)),
    "wide 30 x 300": (lambda: datasets.gaussian(30, 300, random_state=0), (3.7, 4, 6, 1000)),
    "signs 240 x 60": (lambda: datasets.signs(240, 60, random_state=0), (3.7, 4, 6, 1000)),
    "signs 400 x 100": (lambda: datasets.signs(400, 100, random_state=0), (3.7, 4, 6, 1000)),
    "sparse 50000 x 400": (lambda: _sparse(50_000, 400, 0.005), (3.7, 4, 6, 1000)),
    "square 1500 x 1500": (lambda: datasets.gaussian(1500, 1500, random_state=0), (3.7, 4)),
}
CALLS: dict[str, Callable[..., Any]] = {
    "interval": lambda X, q, limit: hn.two_to_q_norm(X, q, time_limit=limit, random_state=0),
    "interval, sos": lambda X, q, limit: hn.two_to_q_norm(X, q, method="sos", time_limit=limit, random_state=0),
    "sos": lambda X, q, limit: hn.sos_bound(X, q, time_limit=limit, random_state=0),
    "realigned": lambda X, q, limit: hn.spectral_bound(X, q, time_limit=limit),
}


def measure(call: Callable[[], Any], X: Any, limit: float) -> Row:
    """One call with its limit, and the proofs of what it returned."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hn.ConvergenceWarning)
        start = time.perf_counter()
        result = call()
        used = time.perf_counter() - start
    certificate = getattr(result, "certificate", result)
    witness = getattr(result, "witness", getattr(result, "state", None))
    above = certificate.verify(X).seconds
    below = 0.0 if witness is None else witness.verify(X).seconds
    return {
        "seconds": used,
        "proof above": above,
        "proof below": below,
        "ratio": used / (1.5 * limit + above + below),
        "kind": getattr(certificate, "kind", "separable"),
        "lower": getattr(result, "lower", None),
        "upper": certificate.upper,
        "status": result.status.name if hasattr(result, "status") else None,
    }


def rows(shapes: list[str], limits: list[float]) -> Iterator[Row]:
    """A row for each shape, exponent, call and limit."""
    for name in shapes:
        if name == "separable":
            yield from _separable_rows(limits)
            continue
        make, exponents = SHAPES[name]
        X = make()
        for q in exponents:
            for what, call in CALLS.items():
                for limit in limits:
                    try:
                        found = measure(lambda: call(X, q, limit), X, limit)  # noqa: B023
                    except hn.InvalidInputError as error:
                        found = {"status": str(error)[:50]}
                    yield {"shape": name, "q": q, "call": what, "limit": limit, **found}


def _separable_rows(limits: list[float]) -> Iterator[Row]:
    for side in (4, 8, 12):
        M = separable_states.norm_operator(datasets.gaussian(3 * side, side, random_state=0))
        for limit in limits:

            def call(M: Any = M, side: int = side, limit: float = limit) -> Any:
                return separable_states.separable_value(M, (side, side), time_limit=limit, random_state=0)

            yield {"shape": f"separable {side}", "q": 4, "call": "separable", "limit": limit, **measure(call, M, limit)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    names = [*SHAPES, "separable"]
    parser.add_argument("shapes", nargs="*", choices=[[], *names])
    parser.add_argument("--limits", type=float, nargs="*", default=list(LIMITS), metavar="SECONDS")
    options = parser.parse_args()
    hn.sos_bound(np.random.default_rng(0).standard_normal((12, 4)), random_state=0)  # compiles and loads
    found = []
    for row in rows(options.shapes or names, options.limits):
        found.append(row)
        print(row, flush=True)
    print(f"\n{table(found)}")
    worst = max((row for row in found if "ratio" in row), key=lambda row: row["ratio"], default=None)
    if worst is not None:
        print(f"\nLargest ratio: {worst['ratio']:.3g} ({worst['shape']}, q = {worst['q']:g}, {worst['call']}).")
    assert all(math.isfinite(row["upper"]) for row in found if "upper" in row)


if __name__ == "__main__":
    main()
