"""Seconds used by calls with a time limit, for every shape: `python -m benchmarks.time_limits`.

A call with `time_limit=T` should take at most 1.5 T plus the time of one proof of each returned bound. Each row gives
the limit, the seconds used, the seconds of the proofs, and the ratio to the allowed time.
"""

from __future__ import annotations

import functools
import math
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

import hypernorm as hn
from benchmarks.harness import Part, main
from experiments.runner import Row
from hypernorm import datasets
from hypernorm.separable import value as separable_states

LIMITS = (0.1, 0.5, 2.0)


def _sparse(n: int, d: int, density: float) -> sp.csr_array:
    rng = np.random.default_rng(0)
    entries = int(n * d * density)
    places = np.unique(rng.integers(n * d, size=entries))
    return sp.csr_array((rng.random(len(places)), (places // d, places % d)), shape=(n, d))


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
    """Seconds of one call with its limit, and of the proofs of the bounds that it returned."""
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


@functools.cache
def _data(shape: str) -> Any:
    if shape.startswith("separable"):
        side = int(shape.split()[1])
        return separable_states.norm_operator(datasets.gaussian(3 * side, side, random_state=0))
    return SHAPES[shape][0]()


@functools.cache
def _warm() -> None:
    hn.sos_bound(np.random.default_rng(0).standard_normal((12, 4)), random_state=0)  # compiles and loads the kernels


def trial(shape: str, q: float, call: str, limit: float) -> Row:
    """Seconds of one call on one shape with its limit, and of the proofs of the bounds that it returned."""
    _warm()
    X = _data(shape)
    if call == "separable":
        side = int(shape.split()[1])
        return measure(
            lambda: separable_states.separable_value(X, (side, side), time_limit=limit, random_state=0), X, limit
        )
    try:
        return measure(lambda: CALLS[call](X, q, limit), X, limit)
    except hn.InvalidInputError as error:
        return {"status": str(error)[:50]}


def cases() -> list[Row]:
    """Every shape, exponent, call and limit."""
    found = [
        {"shape": shape, "q": q, "call": call, "limit": limit}
        for shape, (_, exponents) in SHAPES.items()
        for q in exponents
        for call in CALLS
        for limit in LIMITS
    ]
    return found + [
        {"shape": f"separable {side}", "q": 4, "call": "separable", "limit": limit}
        for side in (4, 8, 12)
        for limit in LIMITS
    ]


def _shorten(rows: list[Row]) -> list[Row]:
    """The worst ratio of the used to the allowed seconds, for each shape and limit."""
    table = []
    for shape in dict.fromkeys(row["shape"] for row in rows):
        ratios = {
            f"limit {limit:g} s": max(
                (row["ratio"] for row in rows if row["shape"] == shape and row["limit"] == limit and "ratio" in row),
                default=math.nan,
            )
            for limit in LIMITS
        }
        table.append({"shape": shape} | {name: round(ratio, 2) for name, ratio in ratios.items()})
    return table


PARTS = {
    "limits": Part(
        "Seconds used, relative to 1.5 times the limit and one proof of each end: the largest of all calls",
        cases,
        trial,
        (
            {"shape": "wide 30 x 300", "q": 4, "call": "interval", "limit": 0.1},
            {"shape": "separable 4", "q": 4, "call": "separable", "limit": 0.1},
        ),
        _shorten,
    )
}

if __name__ == "__main__":
    main("time_limits", PARTS, __doc__)
