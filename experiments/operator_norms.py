"""Proved bounds on the norm from ℓ_p to ℓ_q over the whole square of exponents.

Claim: for all p and q from 1 to ∞ the proved upper bound is finite, not below the best vector found, and within the
factor of the theorems (`hypernorm.operator_approximation_factor`) of that vector.

Refuted by an upper bound that is not finite or below a vector, or by a ratio of the bounds beyond the factor.

Each row is one matrix and one p, with lists over q of the proved lower and upper bounds. Matrices of up to 100 columns
have the climb of `operator_norm` with the method "spectral"; larger ones only the cheap certificates and the matrix
inequality, to which the factor belongs, and a search from 8 starts. The grid is complete for 5, 20, 100 and
300 columns.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterator, Sequence

import numpy as np

import hypernorm as hn
from experiments.runner import Row, main
from experiments.tables import markdown
from hypernorm.exceptions import ConvergenceWarning

EXPONENTS = (1, 1.2, 4 / 3, 1.5, 2, 2.5, 3, 4, 6, math.inf)
CLIMB = 100  # columns up to which the climb of `operator_norm` is run
STARTS = 8
MARGIN = 1e-6  # relative, of the solver of the matrix inequality


def _sparse(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.asarray(rng.standard_normal((n, n)) * (rng.random((n, n)) < max(0.1, 2 / n)))


FAMILIES: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "Gaussian": lambda rng, n: rng.standard_normal((n, n)),
    "signs": lambda rng, n: rng.choice([-1.0, 1.0], (n, n)),
    "Cauchy": lambda rng, n: rng.standard_cauchy((n, n)),
    "nonnegative": lambda rng, n: rng.random((n, n)),
    "decaying": lambda rng, n: rng.standard_normal((n, n)) * 0.8 ** np.arange(n),
    "rank one": lambda rng, n: np.outer(rng.standard_normal(n), rng.standard_normal(n)),
    "integer": lambda rng, n: rng.integers(-3, 4, (n, n)).astype(float),
    "sparse": _sparse,
}


def cases(sizes: Sequence[int], families: Sequence[str], exponents: Sequence[float]) -> Iterator[Row]:
    """Yield family, columns and the exponent p, as text, of every row."""
    for n in sizes:
        for family in families:
            for p in exponents:
                yield {"family": family, "n": n, "p": str(p)}


PRESETS = {
    "quick": lambda: cases((5,), ("signs", "nonnegative"), (1, 1.5, 3)),
    "paper": lambda: cases((5, 20, 100, 300), tuple(FAMILIES), EXPONENTS),
}


def trial(family: str, n: int, p: str) -> Row:
    """Proved bounds for one matrix and one p, with every q of the grid."""
    start = time.process_time()
    A = FAMILIES[family](np.random.default_rng([n, list(FAMILIES).index(family)]), n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the bound shows if a solve ended early
        pairs = [_bounds(A, float(p), q) for q in EXPONENTS]
    return {
        "lower": [lower for lower, _ in pairs],
        "upper": [upper for _, upper in pairs],
        "seconds": time.process_time() - start,
    }


def _bounds(A: np.ndarray, p: float, q: float) -> tuple[float, float]:
    """A lower and an upper bound, both proved about the matrix."""
    if A.shape[1] <= CLIMB:
        interval = hn.operator_norm(A, p, q, method="spectral", random_state=0)
        return interval.witness.verify(A).lower, interval.certificate.verify(A).upper
    rules = ("edge",) if p == 1 or math.isinf(q) else ("perron", "weights")
    certificates = [hn.operator_certificate(A, p, q, rule=rule, random_state=0) for rule in rules]
    witness = hn.lower_bound(A, q, p=p, n_starts=STARTS, random_state=0)
    return witness.verify(A).lower, min(certificate.verify(A).upper for certificate in certificates)


def region(p: float, q: float) -> str:
    """The part of the square, by what is known there."""
    if p == 1 or math.isinf(q):
        return "p = 1 or q = ∞"
    if p >= 2 >= q:
        return "p ≥ 2 ≥ q"
    if p <= 2 <= q:
        return "p ≤ 2 ≤ q"
    return "p, q > 2" if p > 2 else "p, q < 2"


def cells(rows: list[Row]) -> Iterator[tuple[str, int, float, float, float, float]]:
    """Yield family, columns, p, q, upper / lower and factor of every cell on file."""
    for row in rows:
        n, p = row["n"], float(row["p"])
        for q, lower, upper in zip(EXPONENTS, row["lower"], row["upper"], strict=True):
            yield row["family"], n, p, q, upper / lower, hn.operator_approximation_factor(p, q, n, n)


def worst(rows: list[Row]) -> dict[tuple[str, int], tuple[float, float, int]]:
    """Largest ratio, largest share of the factor, and number of cells, for each region and number of columns."""
    result: dict[tuple[str, int], tuple[float, float, int]] = {}
    for _, n, p, q, ratio, factor in cells(rows):
        largest, share, count = result.get((region(p, q), n), (0.0, 0.0, 0))
        result[region(p, q), n] = (max(largest, ratio), max(share, ratio / factor), count + 1)
    return dict(sorted(result.items()))


def table(rows: list[Row]) -> str:
    """Table of the worst ratios."""
    lines = [
        [name, n, count, f"{ratio:.4f}", f"{share:.3f}"] for (name, n), (ratio, share, count) in worst(rows).items()
    ]
    return markdown(["region", "columns", "cells", "worst upper / lower", "worst share of the factor"], lines)


def verdict(rows: list[Row]) -> str:
    """Whether the claim stands, with the deciding numbers."""
    found = list(cells(rows))
    infinite = sum(not math.isfinite(ratio) for *_, ratio, _ in found)
    below = sum(ratio < 1 for *_, ratio, _ in found)
    beyond = sum(ratio > factor * (1 + MARGIN) for *_, ratio, factor in found)
    stands = not (infinite or below or beyond)
    return (
        f"Verdict: {'stands' if stands else 'REFUTED'} on {len(found)} cells: {infinite} without a finite bound, "
        f"{below} below the best vector, {beyond} beyond the factor; the worst ratio is "
        f"{max(ratio for *_, ratio, _ in found):.4f}."
    )


if __name__ == "__main__":
    main("operator_norms", PRESETS, trial, lambda rows: f"{table(rows)}\n{verdict(rows)}", __doc__)
