"""What one call costs, by the size of the matrix: `python -m benchmarks.calls [PART …]`.

Calls with default arguments, each in a process of its own after a warm-up on a small matrix. The gap is that of the
results of `verify`, for a minimum and for an enclosure too, which the referee does not know. Memory is the
peak of the whole process, with the libraries and the matrix.

Parts:

two_to_q   `two_to_q_norm` for random matrices, tables of data, and sparse matrices.
others     operator norms, cut norm, smallest gain, norms of singular values.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import scipy.sparse as sp

import hypernorm as hn
from benchmarks.harness import Part, in_process, main
from experiments.runner import Row
from hypernorm import datasets

LIMIT = 300.0

MATRICES: dict[str, Callable[[int, int], Any]] = {
    "Gaussian": lambda n, d: datasets.gaussian(n, d, random_state=0),
    "signs": lambda n, d: datasets.signs(n, d, random_state=0),
    "heavy tails": lambda n, d: datasets.heavy_tailed(n, d, random_state=0),
    "sparse, 0.5%": lambda n, d: sp.random_array((n, d), density=0.005, format="csr", rng=0),
    "digits": lambda n, d: datasets.load_bundled("digits")[:n, :d],
    "breast_cancer": lambda n, d: datasets.load_bundled("breast_cancer")[:n, :d],
}
CALLS: dict[str, Callable[[Any], Any]] = {
    "2→3": lambda X: hn.two_to_q_norm(X, 3, random_state=0),
    "2→4": lambda X: hn.two_to_q_norm(X, random_state=0),
    "2→6": lambda X: hn.two_to_q_norm(X, 6, random_state=0),
    "smallest gain, q = 4": lambda X: hn.smallest_gain(X, random_state=0),
    "∞→1": lambda X: hn.operator_norm(X, math.inf, 1, random_state=0),
    "4→4/3": lambda X: hn.operator_norm(X, 4, 4 / 3, random_state=0),
    "3→3": lambda X: hn.operator_norm(X, 3, 3, random_state=0),
    "4/3→4": lambda X: hn.operator_norm(X, 4 / 3, 4, random_state=0),
    "cut norm": lambda X: hn.cut_norm(X, random_state=0),
    "max norm": hn.max_norm,
    "nuclear norm": lambda X: hn.schatten_norm(X, 1),
}


def measure(call: str, matrix: str, n: int, d: int) -> Row:
    """Certificate, gap, time and memory of one call."""
    return in_process(_measure, call, matrix, n, d, limit=LIMIT)


def _measure(call: str, matrix: str, n: int, d: int) -> Row:
    run, X = CALLS[call], MATRICES[matrix](n, d)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hn.ConvergenceWarning)
        run(MATRICES[matrix](12, 5))
        start = time.perf_counter()
        result = run(X)
        seconds = time.perf_counter() - start
    above = result.certificate.verify(X)
    witness = getattr(result, "witness", None)
    below = above if witness is None else witness.verify(X)
    lower, upper = (above.lower, below.upper) if getattr(result, "is_minimum", False) else (below.lower, above.upper)
    return {"kind": result.certificate.kind, "gap": upper / lower - 1, "seconds": seconds}


def two_to_q_cases() -> Iterator[Row]:
    for n, d in ((200, 20), (400, 65), (400, 100), (1200, 300), (10_000, 100)):
        for matrix in ("Gaussian", "signs", "heavy tails"):
            yield {"call": "2→4", "matrix": matrix, "n": n, "d": d}
    for n, d in ((2000, 1000), (100_000, 50), (30, 3000)):
        yield {"call": "2→4", "matrix": "Gaussian", "n": n, "d": d}
    yield {"call": "2→4", "matrix": "sparse, 0.5%", "n": 5000, "d": 1000}
    yield {"call": "2→4", "matrix": "breast_cancer", "n": 569, "d": 30}
    yield {"call": "2→4", "matrix": "digits", "n": 1797, "d": 64}
    for call in ("2→3", "2→6"):
        for n, d in ((100, 10), (200, 20), (400, 100)):
            yield {"call": call, "matrix": "Gaussian", "n": n, "d": d}


def other_cases() -> Iterator[Row]:
    for call, sizes in {
        "smallest gain, q = 4": ((400, 20), (2000, 30)),
        "∞→1": ((20, 1000), (100, 100), (1000, 1000)),
        "4→4/3": ((100, 100), (1000, 1000)),
        "3→3": ((100, 20), (100, 100), (300, 300)),
        "4/3→4": ((100, 20), (100, 100)),
        "cut norm": ((20, 20), (100, 100), (1000, 1000)),
        "max norm": ((100, 100), (300, 300)),
        "nuclear norm": ((300, 300), (2000, 1000)),
    }.items():
        for n, d in sizes:
            yield {"call": call, "matrix": "Gaussian", "n": n, "d": d}


PARTS = {
    "two_to_q": Part(
        "The call `two_to_q_norm` by size, with default arguments",
        two_to_q_cases,
        measure,
        ({"call": "2→4", "matrix": "signs", "n": 60, "d": 6}, {"call": "2→3", "matrix": "digits", "n": 40, "d": 5}),
    ),
    "others": Part(
        "Other norms by size, with default arguments",
        other_cases,
        measure,
        (
            {"call": "smallest gain, q = 4", "matrix": "Gaussian", "n": 40, "d": 4},
            {"call": "nuclear norm", "matrix": "Gaussian", "n": 20, "d": 10},
        ),
    ),
}


if __name__ == "__main__":
    main("calls", PARTS, __doc__)
