"""The split bound for 60 to 600 columns, beside the realigned bound and the limit of all splits.

Claim: with n = 4d rows the split bound is within 0.1% of the norm on Gaussian matrices up to d = 200 and within 0.5%
up to d = 600, within 5% on sign matrices, and never above the realigned bound on any matrix. Verification takes at
most a quarter of the time of finding.

Refuted by a larger ratio of the proved bound to the best vector found, by a split bound above the realigned one, or by
a slower verification.

Each row is one matrix: the proved lower bound, the ratios of the two proved bounds to it, and the ratio of the limit
below which no split in the solver's space gets, as computed. Peaks are those of the arrays that a call allocates. The
real matrices are `digits`, and the features of `breast_cancer` with all their products, standardised.
"""

from __future__ import annotations

import itertools
import math
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import hypernorm as hn
from experiments.runner import Row, main
from experiments.tables import markdown
from hypernorm import datasets
from hypernorm.bounds.split_solver import SplitSolver
from hypernorm.forms import Rows

GAUSSIAN, LARGE_GAUSSIAN, SIGNS = 0.001, 0.005, 0.05
MARGIN = 1e-6
VERIFICATION = 0.25
LARGEST_LIMIT = 100  # columns up to which the solver runs once more for the limit, which takes as long as the bound

RANDOM: dict[str, Callable[[int, int, int], np.ndarray]] = {
    "Gaussian": datasets.gaussian,
    "signs": datasets.signs,
    "heavy tails": lambda n, d, seed: datasets.heavy_tailed(n, d, random_state=seed),
    "subspace": datasets.subspace,
}


def _quadratic_features(X: np.ndarray) -> np.ndarray:
    """The features and their products, each with mean zero and variance one."""
    first, second = np.triu_indices(X.shape[1])
    Z = X / X.std(axis=0)
    Z = np.hstack([Z, Z[:, first] * Z[:, second]])
    Z -= Z.mean(axis=0)
    return np.asarray(Z / Z.std(axis=0))


REAL: dict[str, Callable[[], np.ndarray]] = {
    "digits": lambda: datasets.load_bundled("digits"),
    "products of breast_cancer": lambda: _quadratic_features(datasets.load_bundled("breast_cancer")),
}


def cases(dimensions: Sequence[int], squares: Sequence[int], seeds: int, real: Sequence[str]) -> Iterator[Row]:
    """Yield the family, rows, columns and seed of every trial."""
    for d, family in itertools.product(dimensions, RANDOM):
        yield from ({"family": family, "n": 4 * d, "d": d, "seed": seed} for seed in range(seeds))
    yield from ({"family": "Gaussian", "n": d * d, "d": d, "seed": 0} for d in squares)
    yield from ({"family": family, "n": None, "d": None, "seed": None} for family in real)


PRESETS = {
    "quick": lambda: cases((10, 20), (10,), 1, ()),
    "paper": lambda: cases((20, 60, 100, 200, 400, 600), (20, 60, 100), 1, tuple(REAL)),
}


def trial(family: str, n: int | None, d: int | None, seed: int | None) -> Row:
    """Proved bounds and computed limit of one matrix, with time, memory and size of the certificate."""
    if family in RANDOM:
        assert n is not None
        assert d is not None
        assert seed is not None
        X = RANDOM[family](n, d, seed)
    else:
        X = REAL[family]()
    found: Row = {"rows": len(X), "columns": X.shape[1]}
    certificates = {}
    for kind in ("realigned", "split"):
        tracemalloc.start()
        start = time.perf_counter()
        certificates[kind] = hn.spectral_bound(X, 4, kind=kind)
        found[f"{kind}_seconds"] = time.perf_counter() - start
        found[f"{kind}_gigabytes"] = tracemalloc.get_traced_memory()[1] / 2**30
        tracemalloc.stop()
    lower = hn.lower_bound(X, n_starts=512, random_state=0).verify(X).lower
    for kind, certificate in certificates.items():
        verified = certificate.verify(X)
        found[kind], found[f"{kind}_verification"] = verified.upper / lower, verified.seconds
    with TemporaryDirectory() as folder:
        path = Path(folder) / "split.npz"
        certificates["split"].save(path)
        found["megabytes"] = path.stat().st_size / 1e6
    found["limit"] = None
    if X.shape[1] <= LARGEST_LIMIT and len(X) <= LARGEST_LIMIT**2 / 2:
        rows = Rows.identified(X)
        solver = SplitSolver(rows, (lower / 2.0**rows.exponent) ** 4)
        solver.run(1e-8, math.inf)
        found["limit"] = max(1.0, solver.limit**0.25 * 2.0**rows.exponent / lower)
    return found | {"lower": lower}


def table(rows: list[Row]) -> str:
    """Markdown table of the ratios, largest over the seeds, with seconds, memory and size of the certificate."""
    head = (
        "family",
        "n",
        "d",
        "realigned − 1",
        "split − 1",
        "limit − 1",
        "realigned, s",
        "split, s",
        "verified, s",
        "GiB",
        "certificate, MB",
    )
    lines = []
    for family, n, d in dict.fromkeys((row["family"], row["rows"], row["columns"]) for row in rows):
        same = [row for row in rows if (row["family"], row["rows"], row["columns"]) == (family, n, d)]
        ratios = [
            f"{max(row[kind] for row in same) - 1:.1e}" if same[0][kind] else ""
            for kind in ("realigned", "split", "limit")
        ]
        numbers = [
            f"{max(row[name] for row in same):.3g}"
            for name in ("realigned_seconds", "split_seconds", "split_verification", "split_gigabytes", "megabytes")
        ]
        lines.append([family, n, d, *ratios, *numbers])
    return markdown(head, lines)


def allowed(row: Row) -> float:
    """The ratio to the lower bound that the claim allows for a split bound."""
    if row["n"] == 4 * row["columns"] and row["family"] in ("Gaussian", "signs"):
        if row["family"] == "signs":
            return 1 + SIGNS
        return 1 + (GAUSSIAN if row["columns"] <= 200 else LARGE_GAUSSIAN)
    return math.inf


def verdict(rows: list[Row]) -> str:
    """Whether the claim stands, with the deciding numbers, as one line of text."""
    beyond = [row for row in rows if row["split"] > allowed(row)]
    above = [row for row in rows if row["split"] > row["realigned"] * (1 + MARGIN)]
    slow = [row for row in rows if row["split_verification"] > VERIFICATION * row["split_seconds"]]
    worst = {
        family: max(row["split"] for row in rows if row["family"] == family and row["n"] == 4 * row["columns"]) - 1
        for family in RANDOM
    }
    missed = max(row["split"] - row["limit"] for row in rows if row["limit"])
    stands = not (beyond or above or slow)
    return (
        f"Verdict: {'stands' if stands else 'REFUTED'} on {len(rows)} matrices: {len(beyond)} beyond the claim, "
        f"{len(above)} above the realigned bound, {len(slow)} slow verifications; with n = 4d above the best vector by "
        f"at most {', '.join(f'{value:.1e} ({family})' for family, value in worst.items())}; above the limit of all "
        f"splits by at most {missed:.1e}."
    )


if __name__ == "__main__":
    main("split_bounds", PRESETS, trial, lambda rows: f"{table(rows)}\n{verdict(rows)}", __doc__)
