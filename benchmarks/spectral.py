"""Enclosed singular values, norms and errors of approximations: `python -m benchmarks.spectral [PART …]`.

Without PART all parts run:

decomposition   Nuclear and Ky Fan norms with proof, beside numpy's singular values without one; medians of three.
approximations  500 matrices of falling spectra, approximated by randomized_svd and TruncatedSVD of scikit-learn:
                whether the intervals contain the errors that numpy computes, their widths, and the errors over the
                least ones.
factors         All singular values of a matrix given by its factors, which is never formed.
hidden_states   The nuclear norm of centered rows of length one, as hidden states of a language model are compared:
                decomposition, proved bounds, the estimate by column lengths, and the entropy of the spectrum.
jacobian        The estimate of the squared Frobenius norm of a Jacobian: of a linear map, and its bias for a network.
max_norm        The max norm: closed forms, and random matrices beside SCS on the semidefinite program.

Rows are saved in results/spectral/PART.jsonl; a part that is on file is only printed.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.linalg import hadamard
from sklearn.decomposition import TruncatedSVD
from sklearn.utils.extmath import randomized_svd

import hypernorm as hn
from benchmarks.harness import Part, main, seconds, threads
from experiments.runner import Row
from hypernorm.spectral import hidden_state_estimate, jacobian_frobenius, matrix_entropy

REPEATS = 3


def decomposition(n: int, d: int, spectrum: str, k: int) -> Row:
    """Times and widths of the nuclear and of a Ky Fan norm."""
    A = np.random.default_rng(0).standard_normal((n, d)) * (0.99 ** np.arange(d) if spectrum == "falling" else 1.0)
    values = np.linalg.svd(A, compute_uv=False)
    nuclear, ky_fan, all_values = hn.schatten_norm(A, 1), hn.ky_fan_norm(A, k), hn.singular_values(A)
    row: Row = {
        "values alone, s": seconds(lambda: np.linalg.svd(A, compute_uv=False), REPEATS),
        "decomposition, s": seconds(lambda: np.linalg.svd(A, full_matrices=False), REPEATS),
        "nuclear norm, s": seconds(lambda: hn.schatten_norm(A, 1), REPEATS),
        "verify, s": seconds(lambda: nuclear.certificate.verify(A), REPEATS),
        "nuclear norm, width": nuclear.gap,
        "Ky Fan norm, width": ky_fan.gap,
        "singular values, width over the largest": float((all_values.upper - all_values.lower).max() / values[0]),
        "contain numpy's": bool((all_values.lower <= values).all() and (values <= all_values.upper).all()),
        "threads": threads(),
    }
    return row | {"over values alone": row["nuclear norm, s"] / row["values alone, s"]}


def approximations(method: str, count: int) -> Row:
    """How many of the intervals contain the errors, their widths, and the errors over the least ones of the rank."""
    rng = np.random.default_rng(0)
    inside, widths, ratios = 0, [], []
    for trial in range(count):
        n, d = (int(rng.integers(5, 60)) for _ in range(2))
        A = rng.standard_normal((n, d)) * 10.0 ** -(rng.uniform(0, 0.2) * np.arange(d))
        k = int(rng.integers(1, max(2, min(n, d) // 2)))
        U, V = _approximation(A, k, method, trial)
        error = hn.low_rank_error(A, U, V)
        true = np.linalg.svd(A - U @ V.T, compute_uv=False)
        slack = 1e-14 * np.linalg.norm(A)
        pairs = ((error.frobenius, np.linalg.norm(true)), (error.spectral, true[0]))
        inside += all(norm.lower <= value + slack and value - slack <= norm.upper for norm, value in pairs)
        widths.append(max(error.frobenius.gap, error.spectral.gap))
        best = error.ratios(hn.singular_values(A))
        ratios.append((best["frobenius"][0], best["spectral"][0]))
    frobenius, spectral = np.array(ratios).T
    return {
        "inside": inside,
        "median width": float(np.median(widths)),
        "largest width": float(np.max(widths)),
        "Frobenius error over the least, median": float(np.median(frobenius)),
        "Frobenius error over the least, worst": float(frobenius.max()),
        "spectral error over the least, median": float(np.median(spectral)),
        "spectral error over the least, worst": float(spectral.max()),
    }


def _approximation(A: np.ndarray, k: int, method: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    if method == "TruncatedSVD":
        V = TruncatedSVD(k, random_state=seed).fit(A).components_.T
        return A @ V, V
    U, s, Vt = randomized_svd(A, k, n_iter=0 if method == "randomized_svd, no iteration" else 4, random_state=seed)
    return U * s, Vt.T


def factors(n: int, d: int, rank: int) -> Row:
    """Time, file size and width for a product that is never formed."""
    rng = np.random.default_rng(0)
    U, V = rng.standard_normal((n, rank)), rng.standard_normal((d, rank))
    matrix = hn.LowRank(U, V)
    start = time.perf_counter()
    found = hn.schatten_norm(matrix, 1)
    taken = time.perf_counter() - start
    start = time.perf_counter()
    found.certificate.verify(matrix)
    verified = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as folder:
        found.certificate.save(Path(folder) / "norm.npz")
        size = (Path(folder) / "norm.npz").stat().st_size
    half = float(np.sum(U**2) + np.sum(V**2)) / 2
    return {
        "seconds": taken,
        "verify, s": verified,
        "width": found.gap,
        "half the squared lengths over it": half / found.upper,
        "bytes of the file": size,
        "threads": threads(),
    }


def states(n: int, d: int) -> np.ndarray:
    """Rows like hidden states: correlated features with a heavy first few, a common mean, and outlying features."""
    rng = np.random.default_rng(0)
    mixing = np.linalg.qr(rng.standard_normal((d, d)))[0] * np.arange(1, d + 1) ** -0.6
    Z = rng.standard_t(5, (n, d)) @ mixing.T
    Z[:, rng.choice(d, 4, replace=False)] *= 10
    Z -= Z.mean(axis=0)
    return np.asarray(Z / np.linalg.norm(Z, axis=1, keepdims=True))


def hidden_states(n: int, d: int) -> Row:
    """Times, and each number over the nuclear norm."""
    Z = states(n, d)
    norm = float(np.linalg.svd(Z, compute_uv=False).sum())
    bounds, cheap = hn.nuclear_bounds(Z), hn.nuclear_bounds(Z, gram=False)
    return {
        "values alone, s": seconds(lambda: np.linalg.svd(Z, compute_uv=False), REPEATS),
        "proved norm, s": seconds(lambda: hn.schatten_norm(Z, 1), REPEATS),
        "proved bounds, s": seconds(lambda: hn.nuclear_bounds(Z), REPEATS),
        "without Gram, s": seconds(lambda: hn.nuclear_bounds(Z, gram=False), REPEATS),
        "estimate, s": seconds(lambda: hidden_state_estimate(Z), REPEATS),
        "entropy, s": seconds(lambda: matrix_entropy(Z), REPEATS),
        "lower bound": bounds.lower / norm,
        "lower without Gram": cheap.lower / norm,
        "upper bound": bounds.upper / norm,
        "estimate": hidden_state_estimate(Z) * n / norm,
        "threads": threads(),
    }


def jacobian(map_name: str, scale: float) -> Row:
    """The estimate over the true squared norm at a point, and its standard error."""
    rng = np.random.default_rng(0)
    A, B, x = rng.standard_normal((30, 20)) / 20**0.5, rng.standard_normal((10, 30)) / 30**0.5, rng.standard_normal(20)

    def network(x: np.ndarray) -> np.ndarray:
        hidden = A @ x
        return np.asarray(B @ (hidden if map_name == "linear" else np.tanh(hidden)))

    slopes = np.ones(30) if map_name == "linear" else 1 - np.tanh(A @ x) ** 2
    true = float(np.sum(((B * slopes) @ A) ** 2))
    found = jacobian_frobenius(network, x, scale=scale, n_draws=20_000, random_state=0)
    return {
        "estimate over the truth": found.value / true,
        "standard error": found.standard_error / true,
        "bias in standard errors": (found.value - true) / found.standard_error,
    }


def max_norm(matrix: str, n: int, scs: bool) -> Row:
    """Seconds, gap, the difference from a closed form if there is one, and SCS on the same problem."""
    rng = np.random.default_rng(0)
    make: dict[str, Any] = {
        "identity": lambda: np.eye(n),
        "ones": lambda: np.ones((n, n)),
        "Hadamard": lambda: hadamard(n).astype(float),
        "triangular": lambda: np.triu(np.ones((n, n))),
        "Gaussian": lambda: rng.standard_normal((n, n)),
        "signs": lambda: rng.choice([-1.0, 1.0], (n, n)),
    }
    known = {"identity": 1.0, "ones": 1.0, "Hadamard": n**0.5}
    A = make[matrix]()
    start = time.perf_counter()
    found = hn.max_norm(A, rtol=1e-8)
    row: Row = {"seconds": time.perf_counter() - start, "gap": found.gap, "upper": found.upper}
    row["closed form inside"] = None
    if matrix in known:
        row["closed form inside"] = found.lower <= known[matrix] <= found.upper
    if scs:
        row |= _by_scs(A, found)
    return row | {"threads": threads()}


def _by_scs(A: np.ndarray, found: hn.Enclosure[Any]) -> Row:
    import cvxpy as cp

    n, d = A.shape
    Z, t = cp.Variable((n + d, n + d), PSD=True), cp.Variable()
    problem = cp.Problem(cp.Minimize(t), [Z[:n, n:] == A, cp.diag(Z) <= t])
    start = time.perf_counter()
    value = float(problem.solve(solver="SCS", eps=1e-6, max_iters=20_000))
    return {
        "SCS, s": time.perf_counter() - start,
        "SCS over upper, less 1": value / found.upper - 1,
        "SCS status": problem.status,
    }


def _max_norm_cases() -> Iterator[Row]:
    for matrix, n in (("identity", 64), ("ones", 64), ("Hadamard", 64), ("triangular", 16), ("triangular", 256)):
        yield {"matrix": matrix, "n": n, "scs": False}
    for n in (8, 16, 24, 32, 40):
        yield {"matrix": "Gaussian", "n": n, "scs": True}
    for matrix in ("Gaussian", "signs"):
        for n in (64, 128, 256):
            yield {"matrix": matrix, "n": n, "scs": False}


PARTS = {
    "decomposition": Part(
        "Nuclear and Ky Fan norms with proof, and numpy's singular values",
        lambda: [{"n": 2000, "d": 1000, "spectrum": spectrum, "k": 10} for spectrum in ("flat", "falling")],
        decomposition,
        ({"n": 60, "d": 30, "spectrum": "flat", "k": 3},),
    ),
    "approximations": Part(
        "Errors of low-rank approximations of 500 matrices",
        lambda: [
            {"method": method, "count": 500}
            for method in ("randomized_svd", "randomized_svd, no iteration", "TruncatedSVD")
        ],
        approximations,
        ({"method": "TruncatedSVD", "count": 10},),
    ),
    "factors": Part(
        "The nuclear norm of a product of two factors",
        lambda: [{"n": 1_000_000, "d": 1_000_000, "rank": 20}],
        factors,
        ({"n": 1000, "d": 1000, "rank": 3},),
    ),
    "hidden_states": Part(
        "The nuclear norm of hidden states: decomposition, proved bounds, and estimates",
        lambda: [{"n": 1024, "d": d} for d in (768, 1024, 1536, 2048, 4096)],
        hidden_states,
        ({"n": 60, "d": 30},),
    ),
    "jacobian": Part(
        "The squared Frobenius norm of a Jacobian from values of the function",
        lambda: [
            {"map_name": name, "scale": scale} for name in ("linear", "network") for scale in (0.001, 0.1, 0.3, 1.0)
        ],
        jacobian,
        ({"map_name": "linear", "scale": 1.0},),
    ),
    "max_norm": Part(
        "The max norm: closed forms, and SCS on the semidefinite program",
        _max_norm_cases,
        max_norm,
        ({"matrix": "Hadamard", "n": 8, "scs": False},),
    ),
}


if __name__ == "__main__":
    main("spectral", PARTS, __doc__)
