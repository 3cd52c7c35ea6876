"""Speed of the main kernels relative to the matrix product of the machine: `python -m benchmarks.kernels [PART …]`.

Each number is the median of several runs after a warm-up. The rate of a kernel counts only the operations of its matrix
products (3n²d for a realigned product with the blocks of K, 4ndk for a step of the power method). It is divided by the
rate of one 2000×2000 product measured in between, so entrywise work and memory traffic count as loss. The claim of the
realigned certificate is checked too: λ against a Rayleigh quotient, which is a lower bound on λ_max.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

import hypernorm as hn
from benchmarks.harness import Part, in_process, main, peak_gigabytes, product_seconds, seconds, threads
from experiments.runner import Row
from hypernorm.bounds.power_kernels import gradients
from hypernorm.datasets import gaussian
from hypernorm.forms import RealignedMap, Rows

LIMIT = 600.0


def product_rate() -> float:
    """Operations per second of a square matrix product."""
    return 2 * 2000**3 / product_seconds(2000)


def realigned(n: int, d: int) -> Row:
    """The certificate of a large matrix: kernel rate, accuracy, proof, memory."""
    return in_process(_realigned, n, d, limit=LIMIT)


def _realigned(n: int, d: int) -> Row:
    X = gaussian(n, d, random_state=1)
    mapping = RealignedMap(Rows(X), products=1)
    U = np.eye(d) / np.sqrt(d)
    rate = product_rate()
    product, measured = seconds(lambda: mapping(U)), seconds(lambda: mapping.measured(U))
    start = time.perf_counter()
    certificate = hn.spectral_bound(X, 4)
    found = time.perf_counter() - start
    verified = certificate.verify(X)
    peak = peak_gigabytes()
    for _ in range(12):
        U = mapping(U)
        U /= np.linalg.norm(U)
    return {
        "product_seconds": product,
        "share_of_rate": 3 * n * n * d / product / rate,
        "share_with_error_sums": 3 * n * n * d / measured / rate,
        "certificate_seconds": found,
        "verify_seconds": verified.seconds,
        "above_rayleigh_quotient": certificate.values[0] / float(np.vdot(U, mapping(U))) - 1,
        "gigabytes": peak,
        "gigaflops": rate / 1e9,
        "threads": threads(),
    }


def power(n: int, d: int, starts: int, q: float, dtype: str) -> Row:
    """A step of the batched power method."""
    return in_process(_power, n, d, starts, q, dtype, limit=LIMIT)


def _power(n: int, d: int, starts: int, q: float, dtype: str) -> Row:
    rows = Rows(gaussian(n, d, random_state=1).astype(dtype))
    V = np.random.default_rng(2).standard_normal((d, starts))
    V = (V / np.linalg.norm(V, axis=0)).astype(dtype)
    elapsed = seconds(lambda: gradients(rows, V, q))
    return {
        "seconds": elapsed,
        "share_of_double_precision_rate": 4 * n * d * starts / elapsed / product_rate(),
        "threads": threads(),
    }


def power_cases() -> Iterator[Row]:
    for dtype in ("float64", "float32"):
        for q in (3, 4, 3.7):
            yield {"n": 100_000, "d": 100, "starts": 64, "q": q, "dtype": dtype}


PARTS = {
    "realigned": Part(
        "Realigned bound: a product through the blocks of XXᵀ against the matrix product, and the whole certificate",
        lambda: iter([{"n": 8000, "d": 400}]),
        realigned,
        ({"n": 300, "d": 20},),
    ),
    "power": Part(
        "One step of the batched power method against the matrix product",
        power_cases,
        power,
        ({"n": 2000, "d": 20, "starts": 8, "q": 3.7, "dtype": "float64"},),
    ),
}


if __name__ == "__main__":
    main("kernels", PARTS, __doc__)
