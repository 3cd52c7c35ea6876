"""LpDictionaryLearning and its peers on planted dictionaries: `python -m benchmarks.dictionary_learning [PART …]`.

100 orthogonal atoms, 40,000 noiseless samples, Bernoulli–Gaussian codes with a fraction θ of non-zero coefficients.
Only the atoms that a method returns are evaluated: the referee scales them to length one and computes `recovery_error`
and the number of true atoms that one of them matches (cosine above 0.95). The time is that of fit: the median of three
runs after a warm-up if a run is short, else of one run. Every run has its own process, the same threads and 60 s.

Parts:

peers       every method with its own defaults, three problems each.
slow        the same for the methods that take minutes, one problem each. Methods get the parameters that they need: the
            sparsity for K-SVD, a penalty for the Lasso methods, 0.1 if not named, for coefficients of size one.
same_error  the loosest tolerance with which a method is within 5% of its error at its tightest tolerance.
strength    refinement, and peers with their best settings: FastICA with each solver for whitening ("svd" if not named),
            Picard with and without orthogonality.
overcomplete
            more atoms than features, see `benchmarks.overcomplete`.
rate        flops per iteration, 4·n²·r, over its time; relative to the rate of a 2000×2000 product measured in between.

Rows are saved in results/dictionary_learning/PART.jsonl. A stopped part continues there; a complete part is only
printed.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from joblib import parallel_config
from sklearn.decomposition import DictionaryLearning, FastICA, MiniBatchDictionaryLearning

from benchmarks.harness import Part, in_process, main, threads
from benchmarks.overcomplete import OVERCOMPLETE
from benchmarks.referee import dictionary_errors
from experiments.runner import Row
from hypernorm.datasets import planted_dictionary
from hypernorm.dictionary import LpDictionaryLearning, expected_error

N_FEATURES, N_SAMPLES = 100, 40_000
THETAS = (0.1, 0.3)
LIMIT = 60.0
SHORT = 5.0  # seconds below which a run is repeated
PENALTY = 0.1

Fit = tuple[np.ndarray, int | None]


def cubic(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The contrast |u|³/3 in the form that FastICA requires: its derivative and the mean of its second derivative."""
    magnitudes = np.abs(u)
    return u * magnitudes, 2 * magnitudes.mean(axis=-1)


def lp(X: np.ndarray, theta: float, seed: int, **options: Any) -> Fit:
    model = LpDictionaryLearning(random_state=seed, **options).fit(X)
    return model.components_, model.n_iter_


def fast_ica(X: np.ndarray, theta: float, seed: int, **options: Any) -> Fit:
    model = FastICA(whiten="unit-variance", random_state=seed, **options).fit(X)
    return model.mixing_.T, model.n_iter_


def picard(X: np.ndarray, theta: float, seed: int, **options: Any) -> Fit:
    from picard import picard as separate

    K, W, _, iterations = separate(X.T, return_n_iter=True, random_state=seed, **options)
    return np.linalg.pinv(W @ K).T, iterations


def lasso_learning(X: np.ndarray, theta: float, seed: int, **options: Any) -> Fit:
    with parallel_config("threading"):
        model = DictionaryLearning(X.shape[1], alpha=PENALTY, n_jobs=threads(), random_state=seed, **options).fit(X)
    return model.components_, model.n_iter_


def lasso_batches(X: np.ndarray, theta: float, seed: int, **options: Any) -> Fit:
    model = MiniBatchDictionaryLearning(X.shape[1], alpha=PENALTY, random_state=seed, **options).fit(X)
    return model.components_, model.n_steps_


def spams(X: np.ndarray, theta: float, seed: int, penalty: float) -> Fit:
    import spams

    samples = np.asfortranarray(X.T)
    sizes = {"K": X.shape[1], "batchsize": 400, "iter": 1000, "numThreads": threads()}
    return spams.trainDL(samples, lambda1=penalty, verbose=False, **sizes).T, 1000


def k_svd(X: np.ndarray, theta: float, seed: int, **options: Any) -> Fit:
    import dictlearn

    nonzero = round(theta * X.shape[1])
    model = dictlearn.DictionaryLearning(
        fit_algorithm="ksvd", n_nonzero_coefs=nonzero, random_state=seed, **options
    ).fit(X)
    return model.components_, model.n_iter_


METHODS: dict[str, tuple[Callable[..., Fit], Row]] = {
    "ℓ3, whitened": (lp, {"p": 3}),
    "ℓ3": (lp, {"p": 3, "whiten": False}),
    "ℓ4": (lp, {"p": 4, "whiten": False}),
    "ℓ3, refine auto": (lp, {"p": 3, "refine": "auto"}),
    "FastICA u|u|": (fast_ica, {"fun": cubic}),
    "FastICA logcosh": (fast_ica, {}),
    "FastICA u|u|, eigh": (fast_ica, {"fun": cubic, "whiten_solver": "eigh"}),
    "FastICA logcosh, eigh": (fast_ica, {"whiten_solver": "eigh"}),
    "FastICA cube": (fast_ica, {"fun": "cube"}),
    "FastICA cube, eigh": (fast_ica, {"fun": "cube", "whiten_solver": "eigh"}),
    "Picard": (picard, {}),
    "Picard, not orthogonal": (picard, {"ortho": False}),
}
SLOW: dict[str, tuple[Callable[..., Fit], Row]] = {
    "ℓ3, refined": (lp, {"p": 3, "refine": True}),
    "SPAMS, penalty 0.1": (spams, {"penalty": 0.1}),
    "SPAMS, penalty 0.2": (spams, {"penalty": 0.2}),
    "SPAMS, penalty 0.3": (spams, {"penalty": 0.3}),
    "SPAMS, penalty 1": (spams, {"penalty": 1.0}),
    "MiniBatchDictionaryLearning": (lasso_batches, {}),
    "K-SVD, 10 iterations": (k_svd, {"max_iter": 10}),
    "DictionaryLearning": (lasso_learning, {}),
}
LADDERS: dict[str, tuple[float, ...]] = {
    "ℓ3, whitened": (1e-6, 1e-4, 1e-3, 1e-2),
    "ℓ3": (1e-6, 1e-4, 1e-3, 1e-2),
    "FastICA u|u|": (1e-6, 1e-4, 1e-3, 1e-2),
    "FastICA logcosh": (1e-6, 1e-4, 1e-3, 1e-2),
    "Picard": (1e-7, 1e-4, 1e-3),
}
STRENGTH: dict[str, tuple[float, ...]] = {
    "ℓ3, whitened": (1e-6, 1e-3, 1e-2),
    "ℓ3": (1e-6, 1e-3, 1e-2),
    "ℓ3, refine auto": (1e-6, 1e-2),
    "FastICA u|u|": (1e-6,),
    "FastICA u|u|, eigh": (1e-6, 1e-3, 1e-2),
    "FastICA logcosh": (1e-6,),
    "FastICA logcosh, eigh": (1e-6, 1e-3, 1e-2),
    "FastICA cube": (1e-6,),
    "FastICA cube, eigh": (1e-6,),
    "Picard": (1e-7, 1e-3),
    "Picard, not orthogonal": (1e-7, 1e-3),
}
PEERS = ("ℓ3, whitened", "ℓ3", "ℓ4", "FastICA u|u|", "FastICA logcosh", "Picard")


def measured(theta: float, method: str, seed: int, options: Row) -> Row:
    """Time and errors of one method on one problem."""
    function, defaults = {**METHODS, **SLOW}[method]
    options = {**defaults, **options}
    planted = planted_dictionary(N_SAMPLES, N_FEATURES, theta, random_state=seed)
    times: list[float] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings of convergence; the error shows it
        if method in METHODS:
            function(planted_dictionary(2000, 10, theta, random_state=seed).samples, theta, seed, **options)
        while not times or (len(times) < 3 and times[0] < SHORT):
            start = time.perf_counter()
            atoms, iterations = function(planted.samples, theta, seed, **options)
            times.append(time.perf_counter() - start)
    return {
        "seconds": statistics.median(times),
        "iterations": iterations,
        **dictionary_errors(atoms, planted.dictionary),
        "threads": threads(),
    }


def peer_cases() -> Iterator[Row]:
    for method in PEERS:
        for theta in THETAS:
            for seed in range(3):
                yield {"theta": theta, "method": method, "seed": seed}


def slow_cases() -> Iterator[Row]:
    for theta in THETAS:
        for method in SLOW:
            yield {"theta": theta, "method": method, "seed": 0}


def peers(theta: float, method: str, seed: int) -> Row:
    """A method with its default options."""
    expected = expected_error(N_FEATURES, N_SAMPLES, theta, 4 if "4" in method else 3, whiten="whitened" in method)
    outcome = in_process(measured, theta, method, seed, {}, limit=LIMIT)
    return {**outcome, **({"expected_error": expected} if method in {"ℓ3, whitened", "ℓ3", "ℓ4"} else {})}


def same_error_cases() -> Iterator[Row]:
    for theta in THETAS:
        for method, values in LADDERS.items():
            for tol in values:
                yield {"theta": theta, "method": method, "tol": tol, "seed": 0}


def strength_cases() -> Iterator[Row]:
    for theta in THETAS:
        for method, values in STRENGTH.items():
            for tol in values:
                yield {"theta": theta, "method": method, "tol": tol, "seed": 0}


def same_error(theta: float, method: str, tol: float, seed: int) -> Row:
    """A method with one tolerance; its meaning depends on the method."""
    return in_process(measured, theta, method, seed, {"tol": tol}, limit=LIMIT)


def rate_cases() -> Iterator[Row]:
    for dtype in ("float64", "float32"):
        for p, center in ((3, True), (3, False), (4, True), (3.5, True)):
            yield {"theta": THETAS[0], "dtype": dtype, "p": p, "center": center}


def rate(theta: float, dtype: str, p: float, center: bool) -> Row:
    """Time of one iteration, from two runs that differ by forty, and the remaining time: reading, whitening, atoms."""
    return in_process(_rate, theta, dtype, p, center, limit=LIMIT)


def _rate(theta: float, dtype: str, p: float, center: bool) -> Row:
    X = planted_dictionary(N_SAMPLES, N_FEATURES, theta, random_state=0).samples.astype(dtype)
    square = np.random.default_rng(0).standard_normal((2000, 2000)).astype(dtype)

    def fit_seconds(iterations: int) -> float:
        model = LpDictionaryLearning(p=p, center=center, n_init=1, max_iter=iterations, tol=1e-300, random_state=0)
        start = time.perf_counter()
        model.fit(X)
        return time.perf_counter() - start

    def product() -> float:
        start = time.perf_counter()
        square @ square
        return time.perf_counter() - start

    product(), fit_seconds(2)
    short, long, products = [], [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the iterations are stopped early on purpose
        for _ in range(3):
            products.append(product())
            short.append(fit_seconds(10))
            products.append(product())
            long.append(fit_seconds(50))
    step = statistics.median(b - a for a, b in zip(short, long, strict=True)) / 40
    ours = 4 * N_FEATURES**2 * N_SAMPLES / step
    machine = 2 * len(square) ** 3 / statistics.median(products)
    return {
        "step_milliseconds": 1e3 * step,
        "gigaflops": ours / 1e9,
        "product_gigaflops": machine / 1e9,
        "share": ours / machine,
        "fixed_seconds": statistics.median(short) - 10 * step,
        "threads": threads(),
    }


def medians(rows: list[Row]) -> list[Row]:
    """Medians over the seeds; a run that did not finish has its own row."""
    result: list[Row] = []
    for method, theta in dict.fromkeys((row["method"], row["theta"]) for row in rows):
        same = [row for row in rows if (row["method"], row["theta"]) == (method, theta)]
        ended = [row for row in same if "seconds" in row]
        line: Row = {"method": method, "theta": theta}
        for name in ("seconds", "iterations", "error", "unmixing_error", "found", "expected_error"):
            if ended and name in ended[0]:
                line[name] = statistics.median(row[name] for row in ended)
        if len(ended) < len(same):
            line["ended"] = next(row["ended"] for row in same if "ended" in row)
        result.append(line)
    return result


def loosest(rows: list[Row]) -> list[Row]:
    """The fastest run of every method within 5% of the error at its tightest tolerance."""
    result = []
    for method, theta in dict.fromkeys((row["method"], row["theta"]) for row in rows):
        same = [row for row in rows if (row["method"], row["theta"]) == (method, theta) and "seconds" in row]
        if same:
            good = [row for row in same if row["error"] <= 1.05 * same[0]["error"]]
            result.append(min(good, key=lambda row: float(row["seconds"])))
    return result


PARTS = {
    "peers": Part(
        f"Dictionaries of {N_FEATURES} atoms from {N_SAMPLES} samples, every method with its own defaults",
        peer_cases,
        peers,
        ({"theta": 0.3, "method": "ℓ3", "seed": 0},),
        medians,
    ),
    "slow": Part(
        f"The same for methods that take longer, {LIMIT:.0f} s each",
        slow_cases,
        peers,
        (),
        medians,
    ),
    "same_error": Part(
        "The fastest run of every method within 5% of the error at its tightest tolerance",
        same_error_cases,
        same_error,
        ({"theta": 0.3, "method": "ℓ3", "tol": 1e-2, "seed": 0},),
        loosest,
    ),
    "strength": Part(
        "Refinement, and peers with their best settings",
        strength_cases,
        same_error,
        ({"theta": 0.3, "method": "ℓ3", "tol": 1e-2, "seed": 0},),
    ),
    "overcomplete": OVERCOMPLETE,
    "rate": Part(
        "One iteration against a square matrix product of the same precision",
        rate_cases,
        rate,
        ({"theta": 0.1, "dtype": "float32", "p": 4, "center": False},),
    ),
}


if __name__ == "__main__":
    main("dictionary_learning", PARTS, __doc__)
