"""Robust means at scale: `python -m benchmarks.robust [PART …]`.

A tenth of the samples is one cluster at the distance √d. Every method runs in a process of its own, with the same
threads, after a warm-up on a small problem; medians of three where a run is short. The referee measures the distance of
the location from the mean of the true inliers, in deviations.

Parts:

peers    n = 10,000, d = 512: the filters of hypernorm with and without the proof of a bound, and MinCovDet.
samples  time against n at d = 64, and the exponent between neighbouring sizes.
columns  time against d at n = 10,000, likewise.
"""

from __future__ import annotations

import math
import statistics
import time
import warnings
from collections.abc import Callable, Iterator

import numpy as np
from sklearn.covariance import MinCovDet

from benchmarks.harness import Part, in_process, main, product_seconds, threads
from experiments.runner import Row
from hypernorm.datasets import contaminated
from hypernorm.robust import RobustMean

CONTAMINATION = 0.1
LIMIT = 240.0
SHORT = 10.0

METHODS: dict[str, Callable[[], RobustMean | MinCovDet]] = {
    "moment filter": lambda: RobustMean(CONTAMINATION, certify=False, random_state=0),
    "moment filter, proved": lambda: RobustMean(CONTAMINATION, random_state=0),
    "quantum entropy filter": lambda: RobustMean(CONTAMINATION, method="quantum_entropy", certify=False),
    "covariance filter": lambda: RobustMean(CONTAMINATION, method="covariance", certify=False),
    "covariance filter, covariance known": lambda: RobustMean(CONTAMINATION, method="covariance", certify=False),
    "MinCovDet": lambda: MinCovDet(random_state=0),
}


def fit(method: str, n: int, d: int) -> Row:
    """Time and error of one method."""
    return in_process(_fit, method, n, d, limit=LIMIT)


def _fit(method: str, n: int, d: int) -> Row:
    sample = contaminated(n, d, CONTAMINATION, adversary="cluster", random_state=0)
    model = METHODS[method]()
    if "known" in method:
        model.set_params(covariance=sample.covariance)
    times: list[float] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about determinants, which the error shows
        METHODS[method]().fit(contaminated(200, 5, CONTAMINATION, random_state=0).samples)
        while not times or (len(times) < 3 and times[0] < SHORT):
            start = time.perf_counter()
            model.fit(sample.samples)
            times.append(time.perf_counter() - start)
    row: Row = {
        "seconds": statistics.median(times),
        "error": float(np.linalg.norm(model.location_ - sample.inlier_mean)),
        "sample_mean_error": float(np.linalg.norm(sample.samples.mean(axis=0) - sample.inlier_mean)),
    }
    if method.endswith("proved"):
        proved = model.certificate_.verify(sample.samples)
        # In so many columns only the flattening bound of the fourth moment is quick, and that is not close.
        row |= {"error_bound": proved.error_bound, "error_bound_given": proved.error_bound_given(order=2)}
    return {**row, "product_seconds": product_seconds(), "threads": threads()}


def peer_cases() -> Iterator[Row]:
    for method in METHODS:
        yield {"method": method, "n": 10_000, "d": 512}


def sample_cases() -> Iterator[Row]:
    for method in ("moment filter", "quantum entropy filter"):
        for n in (2_000, 8_000, 32_000, 128_000):
            yield {"method": method, "n": n, "d": 64}


def column_cases() -> Iterator[Row]:
    for method in ("moment filter", "quantum entropy filter"):
        for d in (32, 64, 128, 256, 512):
            yield {"method": method, "n": 10_000, "d": d}


def with_exponents(rows: list[Row]) -> list[Row]:
    """Adds log(time ratio)/log(size ratio) to the size before."""
    result: list[Row] = []
    for row in rows:
        before = result[-1] if result and result[-1]["method"] == row["method"] else None
        exponent = None
        if before is not None and "seconds" in before and "seconds" in row:
            growth = row["n"] * row["d"] / (before["n"] * before["d"])  # one of them stays
            exponent = math.log(row["seconds"] / before["seconds"]) / math.log(growth)
        result.append({**row, "exponent": exponent})
    return result


SMALL = ({"method": "moment filter, proved", "n": 500, "d": 10},)
PARTS = {
    "peers": Part(
        "Robust means of 10,000 samples in 512 dimensions, a tenth of them a cluster", peer_cases, fit, SMALL
    ),
    "samples": Part("Time against the number of samples", sample_cases, fit, SMALL, with_exponents),
    "columns": Part("Time against the dimension", column_cases, fit, SMALL, with_exponents),
}


if __name__ == "__main__":
    main("robust", PARTS, __doc__)
