"""Millions of rows on a cluster, more than the memory of a machine: `python -m benchmarks.scale_out [PART …]`.

A Dask array of Gaussian rows, which are generated when they are needed and discarded afterwards, on a local cluster of
two processes with one thread each. Peak memory is that of a worker over the whole run; its memory after loading the
libraries is given too. The referee verifies every certificate again on the cluster.

Parts:

bounds     lower bound, row-norm and realigned certificates, for n and for twice as many rows.
split      the split bound, from the matrix of all fourth moments: d(d + 1)/2 squared numbers on each worker.
agreement  the same bounds of the first rows, on the cluster and in memory.
lost       a worker is killed while a certificate is computed; the result must be the same.
estimators a dictionary from sparse rows, and the robust mean of rows with a tenth of outliers, with its error bound.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import hypernorm as hn
from benchmarks.harness import Part, in_process, main, peak_gigabytes
from benchmarks.referee import proved_lower, proved_upper
from experiments.runner import Row
from hypernorm.dictionary import LpDictionaryLearning, recovery_error
from hypernorm.robust import RobustMean

CHUNK_ROWS = 100_000
LIMIT = 1200.0


def rows(n: int, d: int) -> Any:
    """A Dask array of independent Gaussian entries; column j has the standard deviation j^{-1/4}."""
    import dask.array as da
    import numpy as np

    generator = da.random.default_rng(0)
    return generator.standard_normal((n, d), chunks=(CHUNK_ROWS, d)) * np.arange(1, d + 1) ** -0.25


def on_cluster(function: Callable[..., Row], *arguments: Any) -> Row:
    """Run a function on a cluster of two workers, and add the largest peak memory of a worker."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.run(hn.spectral_bound, [[1.0, 2.0], [2.0, 3.0]])  # loads the libraries
        before = max(client.run(peak_gigabytes).values())
        result = function(client, *arguments)
        after = max(client.run(peak_gigabytes).values())
    return {**result, "worker_gigabytes_before": before, "worker_gigabytes_peak": after}


def bounds(n: int, d: int) -> Row:
    return in_process(on_cluster, _bounds, n, d, limit=LIMIT)


def _bounds(client: Any, n: int, d: int) -> Row:
    X = rows(n, d)
    result: Row = {"gigabytes_of_rows": 8 * n * d / 2**30, "chunk_megabytes": 8 * CHUNK_ROWS * d / 2**20}
    start = time.perf_counter()
    witness = hn.lower_bound(X, n_starts=8, rtol=1e-6, random_state=0)
    result["lower_seconds"] = time.perf_counter() - start
    for kind in ("row_norm", "realigned"):
        start = time.perf_counter()
        certificate = hn.spectral_bound(X, kind=kind)
        result[f"{kind}_seconds"] = time.perf_counter() - start
        start = time.perf_counter()
        upper = proved_upper(X, certificate)
        result[f"{kind}_verify_seconds"] = time.perf_counter() - start
        result[kind] = upper
    result["lower"] = proved_lower(X, witness)
    return result


def split(n: int, d: int) -> Row:
    return in_process(on_cluster, _split, n, d, limit=2 * LIMIT)  # n (d²/2)² operations, twice


def _split(client: Any, n: int, d: int) -> Row:
    X = rows(n, d)
    result: Row = {"gigabytes_of_rows": 8 * n * d / 2**30, "moment_megabytes": 8 * (d * (d + 1) // 2) ** 2 / 2**20}
    start = time.perf_counter()
    certificate = hn.spectral_bound(X, kind="split")
    result["split_seconds"] = time.perf_counter() - start
    start = time.perf_counter()
    result["split"] = proved_upper(X, certificate)
    result["split_verify_seconds"] = time.perf_counter() - start
    result["lower"] = proved_lower(X, hn.lower_bound(X, n_starts=8, rtol=1e-6, random_state=0))
    return result


def estimators(estimator: str, n: int, d: int) -> Row:
    return in_process(on_cluster, _robust if estimator == "robust mean" else _dictionary, n, d, limit=LIMIT)


def _dictionary(client: Any, n: int, d: int) -> Row:
    import dask.array as da
    import numpy as np

    generator = da.random.default_rng(1)
    codes = generator.standard_normal((n, d), chunks=(CHUNK_ROWS, d))
    codes = codes * (generator.random((n, d), chunks=(CHUNK_ROWS, d)) < 0.2)
    truth = np.random.default_rng(1).standard_normal((d, d))
    start = time.perf_counter()
    model = LpDictionaryLearning(random_state=0).fit(codes @ truth.T)
    elapsed = time.perf_counter() - start
    return {"seconds": elapsed, "iterations": model.n_iter_, "error": recovery_error(model.unmixing_, truth)}


def _robust(client: Any, n: int, d: int) -> Row:
    import dask.array as da
    import numpy as np

    clean = rows(n, d)
    moved = da.random.default_rng(1).random((n, 1), chunks=(CHUNK_ROWS, 1)) < 0.1
    X = clean + moved * (2.0 * np.arange(1, d + 1) ** -0.25)  # two deviations in every column, 2√d in all
    start = time.perf_counter()
    model = RobustMean(0.1, random_state=0).fit(X)
    elapsed = time.perf_counter() - start
    inliers = (da.where(moved, 0, clean).sum(axis=0) / (n - moved.sum())).compute()
    return {
        "seconds": elapsed,
        "error": float(np.linalg.norm(model.location_ - inliers)),
        "sample_mean_error": float(np.linalg.norm(X.mean(axis=0).compute() - inliers)),
        "error_bound": model.certificate_.verify(X).error_bound_given(),
    }


def agreement(n: int, d: int) -> Row:
    return in_process(on_cluster, _agreement, n, d, limit=LIMIT)


def _agreement(client: Any, n: int, d: int) -> Row:
    X = rows(n, d)
    local = X.compute()
    result: Row = {}
    for kind in ("row_norm", "flattening", "realigned"):
        certificate = hn.spectral_bound(X, kind=kind)
        result[f"{kind}_difference"] = certificate.upper / hn.spectral_bound(local, kind=kind).upper - 1
        result[f"{kind}_verified_in_memory"] = proved_upper(local, certificate)
    lower = hn.lower_bound(X, n_starts=16, random_state=0)
    result["lower_difference"] = lower.value / hn.lower_bound(local, n_starts=16, random_state=0).value - 1
    return result


def lost(n: int, d: int, after: float) -> Row:
    return in_process(on_cluster, _lost, n, d, after, limit=LIMIT)


def _lost(client: Any, n: int, d: int, after: float) -> Row:
    X = rows(n, d)
    expected = hn.spectral_bound(X)
    worker = next(iter(client.run(os.getpid).values()))
    timer = threading.Timer(after, os.kill, (worker, signal.SIGKILL))
    timer.start()
    start = time.perf_counter()
    certificate = hn.spectral_bound(X)
    elapsed = time.perf_counter() - start
    survivors = list(client.run(os.getpid).values())
    return {
        "seconds": elapsed,
        "killed_during_the_run": elapsed > after and worker not in survivors,
        "difference": certificate.upper / expected.upper - 1,
        "verified": proved_upper(X, certificate) == certificate.verify(X).upper,
    }


def bound_cases() -> Iterator[Row]:
    for n in (2_500_000, 5_000_000):
        yield {"n": n, "d": 50}


PARTS = {
    "bounds": Part(
        "Proved bounds for rows in chunks, on two workers with a thread each",
        bound_cases,
        bounds,
        ({"n": 200_000, "d": 10},),
    ),
    "split": Part(
        "The split bound for rows in chunks, on two workers with a thread each",
        lambda: iter([{"n": 1_000_000, "d": 100}]),
        split,
        ({"n": 200_000, "d": 10},),
    ),
    "agreement": Part(
        "The same bounds through the cluster and in memory",
        lambda: iter([{"n": 300_000, "d": 50}]),
        agreement,
        ({"n": 200_000, "d": 10},),
    ),
    "lost": Part(
        "A worker is killed in the middle of a certificate",
        lambda: iter([{"n": 1_000_000, "d": 50, "after": 5.0}]),
        lost,
        (),
    ),
    "estimators": Part(
        "Estimators for rows in chunks",
        lambda: iter({"estimator": name, "n": 1_000_000, "d": 50} for name in ("dictionary", "robust mean")),
        estimators,
        tuple({"estimator": name, "n": 200_000, "d": 10} for name in ("dictionary", "robust mean")),
    ),
}


if __name__ == "__main__":
    main("scale_out", PARTS, __doc__)
