"""How close the hot kernels come to the matrix product of the machine: `python -m benchmarks.kernels`.

Each figure is the median of several runs after a warm-up. The rate of a kernel counts the operations of its matrix
products alone (3n²d for a realigned product through the blocks of K, 4ndk for a step of the power method), divided by
the rate of one 2000×2000 product measured in between, so that entrywise work and memory traffic count as loss. What
the realigned certificate claims is checked here too: λ against a Rayleigh quotient, which is below λ_max.
"""

from __future__ import annotations

import platform
import time

import numpy as np
from threadpoolctl import threadpool_info

import hypernorm as hn
from benchmarks.harness import peak_gigabytes, product_seconds, seconds
from hypernorm.bounds.kernels import gradients
from hypernorm.datasets import gaussian
from hypernorm.forms import RealignedMap, Rows


def product_rate() -> float:
    """Operations per second of a square matrix product."""
    return 2 * 2000**3 / product_seconds(2000)


def realigned(n: int = 8000, d: int = 400) -> None:
    """The certificate of a large matrix: kernel rate, accuracy, proof, memory."""
    X = gaussian(n, d, random_state=1)
    mapping = RealignedMap(Rows(X), products=1)
    U = np.eye(d) / np.sqrt(d)
    rate = product_rate()
    for label, function in (("product", lambda: mapping(U)), ("product with error sums", lambda: mapping.measured(U))):
        elapsed = seconds(function)
        print(f"realigned {label}: n = {n}, d = {d}: {elapsed:.3f} s, {3 * n * n * d / elapsed / rate:.0%} of the rate")
    start = time.perf_counter()
    certificate = hn.spectral_bound(X, 4)
    found = time.perf_counter() - start
    verified = certificate.verify(X)
    for _ in range(12):
        U = mapping(U)
        U /= np.linalg.norm(U)
    quotient = float(np.vdot(U, mapping(U)))
    print(
        f"realigned certificate: found and proved in {found:.1f} s, verified in {verified.seconds:.1f} s; "
        f"λ exceeds the Rayleigh quotient by {certificate.values[0] / quotient - 1:.1e}"
    )
    print(f"peak memory of the process so far: {peak_gigabytes():.2f} GiB")


def power(n: int = 100_000, d: int = 100, starts: int = 64) -> None:
    """A step of the batched power method."""
    X = gaussian(n, d, random_state=1)
    V = np.random.default_rng(2).standard_normal((d, starts))
    V /= np.linalg.norm(V, axis=0)
    rate = product_rate()
    for dtype in (np.float64, np.float32):
        rows = Rows(X.astype(dtype))
        for q in (3, 4, 3.7):
            elapsed = seconds(lambda rows=rows, dtype=dtype, q=q: gradients(rows, V.astype(dtype), q))
            print(
                f"power step: n = {n}, d = {d}, {starts} starts, q = {q}, {np.dtype(dtype).name}: {elapsed:.4f} s, "
                f"{4 * n * d * starts / elapsed / rate:.0%} of the double-precision rate"
            )


def main() -> None:
    """Print the machine and all figures."""
    threads = {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
    print(f"{platform.machine()}, {threads} threads, numpy {np.__version__}; {product_rate() / 1e9:.0f} GFLOP/s")
    realigned()
    power()


if __name__ == "__main__":
    main()
