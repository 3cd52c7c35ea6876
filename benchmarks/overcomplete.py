"""More atoms than features: atoms found and time of LpDictionaryLearning and its peers.

Every sample has a few atoms with standard normal coefficients and a little noise. All methods know the number of atoms,
and of atoms in a sample if they ask for it. An atom is found if the cosine with an atom that a method returns is above
0.95. Every run has its own process and the same threads. A part of `benchmarks.dictionary_learning`.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn.decomposition import MiniBatchDictionaryLearning

from benchmarks.harness import Part, in_process, threads
from experiments.runner import Row
from hypernorm.dictionary import LpDictionaryLearning

__all__ = ["OVERCOMPLETE"]

LIMIT = 100.0
Fit = tuple[np.ndarray, int | None]

PROBLEMS: dict[str, tuple[int, int, int, int]] = {  # features, atoms, samples, atoms in a sample
    "20×30, 3": (20, 30, 6000, 3),
    "20×40, 4": (20, 40, 8000, 4),
    "64×128, 5": (64, 128, 20_000, 5),
}
SEEDS = {"20×30, 3": 3, "20×40, 4": 3, "64×128, 5": 1}
NOISE = 0.02


def problem_of(n: int, m: int, r: int, k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Samples, and atoms of length one as columns."""
    rng = np.random.default_rng(seed)
    dictionary = rng.standard_normal((n, m))
    dictionary /= np.linalg.norm(dictionary, axis=0)
    codes = np.zeros((r, m))
    places = rng.random((r, m)).argpartition(k, axis=1)[:, :k]
    np.put_along_axis(codes, places, rng.standard_normal((r, k)), axis=1)
    return codes @ dictionary.T + NOISE * rng.standard_normal((r, n)), dictionary


def lp(X: np.ndarray, m: int, k: int, seed: int) -> Fit:
    model = LpDictionaryLearning(m, transform_n_nonzero_coefs=k, random_state=seed).fit(X)
    return model.components_, model.n_iter_


def spams_batches(X: np.ndarray, m: int, k: int, seed: int, **options: Any) -> Fit:
    import spams

    samples = np.asfortranarray(X.T)
    start = np.asfortranarray(samples[:, np.random.default_rng(seed).choice(len(X), m, replace=False)])
    start /= np.linalg.norm(start, axis=0)
    penalty = {"mode": 3, "lambda1": k} if "lambda1" not in options else {}  # mode 3: k atoms in a sample
    sizes = {"K": m, "D": start, "batchsize": 400, "iter": 1500, "numThreads": threads()}
    return spams.trainDL(samples, verbose=False, **sizes, **penalty, **options).T, 1500


def k_svd(X: np.ndarray, m: int, k: int, seed: int) -> Fit:
    import dictlearn

    options = {"fit_algorithm": "ksvd", "n_nonzero_coefs": k, "max_iter": 20, "random_state": seed}
    model = dictlearn.DictionaryLearning(n_components=m, **options).fit(X)
    return model.components_, model.n_iter_


def lasso_batches(X: np.ndarray, m: int, k: int, seed: int, alpha: float) -> Fit:
    options = {"batch_size": 256, "max_iter": 10, "random_state": seed}
    model = MiniBatchDictionaryLearning(m, alpha=alpha, **options).fit(X)
    return model.components_, model.n_steps_


METHODS: dict[str, tuple[Callable[..., Fit], Row]] = {
    "ℓp": (lp, {}),
    "SPAMS, matching pursuit": (spams_batches, {}),
    "SPAMS, penalty 0.1": (spams_batches, {"lambda1": 0.1}),
    "SPAMS, penalty 0.2": (spams_batches, {"lambda1": 0.2}),
    "K-SVD, 20 iterations": (k_svd, {}),
    "MiniBatchDictionaryLearning, penalty 0.1": (lasso_batches, {"alpha": 0.1}),
    "MiniBatchDictionaryLearning, penalty 0.2": (lasso_batches, {"alpha": 0.2}),
}


def cases() -> Iterator[Row]:
    for problem in PROBLEMS:
        for method in METHODS:
            for seed in range(SEEDS[problem]):
                yield {"problem": problem, "method": method, "seed": seed}


def trial(problem: str, method: str, seed: int) -> Row:
    """Atoms found and time of one run."""
    return in_process(measured, problem, method, seed, limit=LIMIT)


def measured(problem: str, method: str, seed: int) -> Row:
    function, options = METHODS[method]
    n, m, r, k = PROBLEMS[problem]
    X, dictionary = problem_of(n, m, r, k, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings of convergence; the atoms found show it
        function(X[:500], m, k, seed, **options)
        start = time.perf_counter()
        atoms, iterations = function(X, m, k, seed, **options)
        seconds = time.perf_counter() - start
    cosines = np.abs(atoms @ dictionary) / np.maximum(np.linalg.norm(atoms, axis=1), 1e-300)[:, None]
    return {
        "seconds": seconds,
        "iterations": iterations,
        "found": int((cosines.max(axis=0) > 0.95).sum()),
        "threads": threads(),
    }


OVERCOMPLETE = Part(
    f"More atoms than features: atoms found (cosine above 0.95) and seconds, {LIMIT:.0f} s each",
    cases,
    trial,
    ({"problem": "20×30, 3", "method": "ℓp", "seed": 0},),
)
