"""Ratios of four upper bounds on the 2→4 norm to the norm, and the proved worst cases.

Claim: no matrix makes a bound larger than the proved worst case (docs/theory/upper_bounds.md, Theorem 15; for the
realigned bound it is below d^{1/8}). Isometric embeddings come within 2% of it for the realigned bound. A degree-4 sum
of squares equals the norm to 1e-6 for every random matrix of at most d² rows.

The exponent 1/8 is that of Hopkins & Tiegel 2026; the realigned bound and all constants are this package's.

Refuted by a ratio of an upper bound to a proved *upper* bound on the norm that exceeds the worst case, by a realigned
or sum-of-squares bound above the flattening bound, by isometric embeddings further from the worst case, or by such a
random matrix for which the sum of squares leaves a gap.

Each row is one matrix. It has the proved lower bound on the norm, the ratio of each proved upper bound to it, and
`above`: the ratio to it of the least upper bound, or of the norm where a closed form is known. A bound exceeds the norm
by a factor of at least bound/above and at most bound/1. The families are random matrices, structured ones, and the
results of an ascent on the ratio of the realigned bound to the norm.
"""

from __future__ import annotations

import itertools
import math
import time
import warnings
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from scipy.optimize import minimize

import hypernorm as hn
from experiments.runner import Row, main
from experiments.tables import markdown
from hypernorm import datasets
from hypernorm.exceptions import ConvergenceWarning

KINDS = ("row_norm", "flattening", "realigned", "sos")
EXACT = 1e-6
SPECTRAL_MARGIN = 1e-7
LARGEST_SOS = 40
# With many maximisers the solver is slow; if the norm is known, the bound is not needed above this size.
LARGEST_SOS_STRUCTURED = 20

RANDOM: dict[str, Callable[[int, int, int], np.ndarray]] = {
    "Gaussian": datasets.gaussian,
    "signs": datasets.signs,
    "heavy tails": lambda n, d, seed: datasets.heavy_tailed(n, d, random_state=seed),
    "subspace": datasets.subspace,
    "planted sparse": lambda n, d, seed: datasets.planted_sparse(n, d, d // 2, random_state=seed).matrix,
}


def _tensor_square(d: int) -> datasets.KnownNorm:
    """A tensor square; its 2→4 norm is the square of the norm (Minkowski's inequality for the exponent 2)."""
    factor = datasets.isometric_embedding(math.isqrt(d)).matrix
    return datasets.KnownNorm(name=f"tensor-square-{d}", matrix=np.kron(factor, factor), q=4.0, value=1.0)


def _roots(d: int) -> np.ndarray:
    """The vectors e_i ± e_j: Σ ⟨x, v⟩⁴ = 6‖v‖⁴ + (2d−8) Σ v_k⁴, an isotropic form with fewer rows."""
    unit = np.eye(d)
    return np.array([unit[i] + sign * unit[j] for i, j in itertools.combinations(range(d), 2) for sign in (1, -1)])


STRUCTURED: dict[str, Callable[[int], datasets.KnownNorm | np.ndarray]] = {
    "isometric embedding": datasets.isometric_embedding,
    "lifted embedding": datasets.lifted_embedding,
    "tensor square": _tensor_square,
    "two bases": lambda d: np.vstack([np.eye(d), datasets.cube_characters(d.bit_length() - 1, d.bit_length() - 1, 2)]),
    "roots": _roots,
    "functions on the cube": lambda d: datasets.cube_characters((math.isqrt(8 * d - 7) - 1) // 2, 2),
}
SEARCHES = ("search from Gaussian", "search from embedding")


def cases(dimensions: Sequence[int], seeds: int, searches: Sequence[tuple[int, int]]) -> Iterator[Row]:
    """Yield family, number of rows if it is free, columns and seed of every trial."""
    for family, d in itertools.product(RANDOM, dimensions):
        for n in (4 * d, d * d) if d <= LARGEST_SOS else (4 * d,):
            yield from ({"family": family, "n": n, "d": d, "seed": seed} for seed in range(seeds))
    for n in (20, 40, 200, 1600, 8000):  # with 4d and d² above: the dependence on the number of rows
        yield from ({"family": "Gaussian", "n": n, "d": 20, "seed": seed} for seed in range(seeds))
    sizes = {"tensor square": (16, 64), "two bases": (16, 64), "functions on the cube": (11, 16, 22, 29, 37)}
    for family in STRUCTURED:
        for d in sizes.get(family, dimensions):
            if d <= max(dimensions):
                yield {"family": family, "n": None, "d": d, "seed": None}
    for family, (d, repeats) in itertools.product(SEARCHES, searches):
        yield from ({"family": family, "n": 4 * d * d, "d": d, "seed": seed} for seed in range(repeats))


PRESETS = {
    "quick": lambda: cases((10, 20), 1, ((2, 1), (3, 1))),
    "paper": lambda: cases((10, 20, 40, 80), 3, ((2, 4), (3, 4), (4, 3), (5, 2))),
}


def sharper_factor(d: int, kind: str) -> float:
    """The proved worst case of bound/norm for q = 4 (docs/theory/upper_bounds.md, Theorem 15)."""
    flattening = (d + 2) / 3
    row_norm = 1 + 2 * (d - 1) / (3 + math.sqrt(3 * (d - 1) / (d + 1)))
    if kind == "realigned":
        return float(((row_norm + flattening) / 2) ** 0.125)
    return float((row_norm if kind == "row_norm" else flattening) ** 0.25)


def loosen(X: np.ndarray, rng: np.random.Generator, rounds: int = 20) -> np.ndarray:
    """A matrix of the same shape with a looser realigned bound, by ascent on log λ_max(N)/8 − log max f_4 / 4.

    The maximum is smoothed to a norm of high order over many directions: a sample of the sphere, and the local maxima
    that the power method finds between the rounds. L-BFGS solves each of these smooth problems, of increasing order.
    """
    n, d = X.shape
    sample = rng.standard_normal((d, 600 * d))
    V = sample / np.linalg.norm(sample, axis=0)
    for order in np.geomspace(400, 20_000, rounds):
        X = X / np.linalg.norm(X)
        maxima = np.hstack([rng.standard_normal((d, 20 * d)), X.T])
        for _ in range(30):
            maxima = X.T @ (X @ maxima) ** 3
            maxima /= np.linalg.norm(maxima, axis=0)
        V = np.hstack([V, maxima])
        found = minimize(_tightness, X.ravel(), (V, float(order)), jac=True, method="L-BFGS-B", options={"maxiter": 30})
        X = found.x.reshape(n, d)
    return X


def _tightness(entries: np.ndarray, V: np.ndarray, order: float) -> tuple[float, np.ndarray]:
    """log (smoothed norm / realigned bound) with its gradient in the entries of X."""
    d = len(V)
    X = entries.reshape(-1, d)
    Z = X @ V
    powers = (Z * Z * Z * Z).sum(axis=0)
    near = powers > powers.max() * (1 - 40 / order)  # the weights of all others are negligible
    Z, values = Z[:, near], powers[near]
    weights = (values / values.max()) ** order
    smoothed = math.log(values.max()) + math.log(weights.sum()) / order
    K = X @ X.T
    squares, U = K * K, np.eye(d)
    for _ in range(10):
        U = X.T @ (squares * (X @ U @ X.T)) @ X
        U /= np.linalg.norm(U)
    KP = K * (X @ U @ X.T)
    eigenvalue = float((KP * KP).sum())
    up = (Z * Z * Z * (weights / weights.sum() / values)) @ V[:, near].T
    down = (KP * (X @ U @ X.T) @ X + K * KP @ X @ U) / (2 * eigenvalue)
    return smoothed / 4 - math.log(eigenvalue) / 8, (up - down).ravel()


def build(family: str, n: int | None, d: int, seed: int | None) -> tuple[np.ndarray, float]:
    """The matrix of a case, and its norm, or infinity if it is unknown."""
    if family in RANDOM:
        assert n is not None
        assert seed is not None
        return RANDOM[family](n, d, seed), math.inf
    if family in STRUCTURED:
        built = STRUCTURED[family](d)
        return (built.matrix, built.value) if isinstance(built, datasets.KnownNorm) else (built, math.inf)
    rng = np.random.default_rng([d, seed or 0])
    if family == "search from Gaussian":
        return loosen(rng.standard_normal((n or d, d)), rng), math.inf
    start = datasets.isometric_embedding(d).matrix
    start = start * rng.normal(1, 0.1, start.shape) + rng.normal(0, 0.02, start.shape)
    return loosen(start, rng), math.inf


def trial(family: str, n: int | None, d: int, seed: int | None) -> Row:
    """The proved lower bound, and the ratios of the proved upper bounds, and of the least of them, to it."""
    start = time.process_time()
    X, known = build(family, n, d, seed)
    lower = hn.lower_bound(X, n_starts=512, random_state=0).verify(X).lower
    uppers = {kind: hn.spectral_bound(X, 4, kind).verify(X).upper for kind in KINDS[:3]}
    if d <= (LARGEST_SOS_STRUCTURED if math.isfinite(known) else LARGEST_SOS):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the bound shows if a solve ended early
            certificate = hn.sos_bound(X, random_state=0)
        uppers["sos"] = certificate.verify(X).upper
        if uppers["sos"] > lower * (1 + EXACT):
            # The interval also uses the vectors from the relaxation.
            lower = max(lower, hn.two_to_q_norm(X, random_state=0).witness.verify(X).lower)
    # The closed form is that of the matrix before rounding its entries.
    above = min(known * (1 + 1e-12), *uppers.values()) if known < math.inf or "sos" in uppers else None
    return {
        "rows": len(X),
        "lower": lower,
        **{kind: uppers[kind] / lower if kind in uppers else None for kind in KINDS},
        "above": above and above / lower,
        "seconds": time.process_time() - start,
    }


def safe(row: Row, kind: str = "realigned") -> float:
    """A lower limit of the ratio of the bound to the norm: its ratio to the best upper bound."""
    return float(row[kind]) / float(row["above"])


def exponent(row: Row, kind: str = "realigned") -> float:
    """log(ratio)/log(d) of the safe ratio; by the theorems at most 1/4 and 1/8."""
    return math.log(safe(row, kind)) / math.log(row["d"])


def table(rows: list[Row]) -> str:
    """Markdown table of the medians over the seeds; for searches, of the largest values."""
    head = (
        "family",
        "n",
        "d",
        "row norm",
        "flattening",
        "realigned",
        "sum of squares − 1",
        "norm at most, − 1",
        "exponent",
        "proved worst",
    )
    lines = []
    order = [*RANDOM, *STRUCTURED, *SEARCHES]
    groups = {(row["family"], row["rows"], row["d"]) for row in rows}
    for family, n, d in sorted(groups, key=lambda group: (order.index(group[0]), group[2], group[1])):
        same = [row for row in rows if (row["family"], row["rows"], row["d"]) == (family, n, d)]
        middle = max if family in SEARCHES else np.median
        values = [f"{middle([row[kind] for row in same]):.4f}" for kind in KINDS[:3]]
        for name in ("sos", "above"):
            excess = [row[name] - 1 for row in same if row[name] is not None]
            values.append(f"{max(excess):.1e}" if excess else "")
        values.append(f"{max(map(exponent, same)):.4f}" if all(row["above"] for row in same) else "")
        lines.append([family, n, d, *values, f"{sharper_factor(d, 'realigned'):.4f}"])
    return markdown(head, lines)


def verdict(rows: list[Row]) -> str:
    """Whether the claim stands, with the deciding numbers, as lines of text."""
    beyond = [
        row
        for row, kind in itertools.product(rows, KINDS)
        if row["above"] and row[kind] and safe(row, kind) > sharper_factor(row["d"], kind) * (1 + SPECTRAL_MARGIN)
    ]
    unordered = [
        row
        for row in rows
        if max(row["realigned"], row["sos"] or 0) > row["flattening"] * (1 + EXACT)
        or row["flattening"] > row["row_norm"] * (1 + SPECTRAL_MARGIN)
    ]
    embeddings = [row for row in rows if row["family"] == "isometric embedding"]
    distance = max(sharper_factor(row["d"], "realigned") / safe(row) for row in embeddings)
    random = [row for row in rows if row["family"] in RANDOM]
    solved = [row for row in random if row["sos"] is not None and row["n"] <= row["d"] ** 2]
    gap = max((row["sos"] - 1 for row in solved), default=0.0)
    searched = [row for row in rows if row["family"] in SEARCHES]
    most = max((safe(row) / ((row["d"] + 2) / 3) ** 0.125 for row in searched), default=math.nan)
    widest = max(embeddings, key=lambda row: row["d"])
    loosest = max(random, key=lambda row: row["realigned"])
    stands = not beyond and not unordered and distance <= 1.02 and gap <= EXACT
    return "\n".join(
        [
            f"Isometric embedding, d = {widest['d']}: realigned/norm {safe(widest):.4f} = d^{exponent(widest):.4f}, "
            f"proved worst case {sharper_factor(widest['d'], 'realigned'):.4f}, d^(1/8) {widest['d'] ** 0.125:.4f}.",
            f"Loosest random matrix: {loosest['family']}, n = {loosest['rows']}, d = {loosest['d']}, realigned/lower "
            f"{loosest['realigned']:.4f}. Searches: at most {most:.6f} of the embedding of the same dimension.",
            f"Verdict: {'stands' if stands else 'REFUTED'} on {len(rows)} matrices: {len(beyond)} ratios beyond the "
            f"worst case, {len(unordered)} out of order, embeddings within {distance - 1:.2%} of the worst case; sum "
            f"of squares at most {gap:.1e} above lower on {len(solved)} random matrices of at most d² rows.",
        ]
    )


if __name__ == "__main__":
    main("approximation_factor", PRESETS, trial, lambda rows: f"{table(rows)}\n{verdict(rows)}", __doc__)
