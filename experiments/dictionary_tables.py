"""The two tables of the ℓp paper: measured, published and predicted errors.

Claim: without whitening, ℓp-norm maximisation learns an orthogonal dictionary with the error that the closed form
`hypernorm.dictionary.expected_error` predicts, to within 25% if the prediction is below 2%. So it reproduces the errors
of Tables 1 (no noise) and 2 (Gaussian noise) of Shen et al. 2020, Complete dictionary learning via ℓp-norm
maximization. Refuted by a row that misses its prediction by more.

K-SVD is more accurate than ℓ4 in two of the published entries, at n = 32. The noise here is σ in each entry; the heat
map of the same paper adds noise of deviation θ times its level, which is another scale.

Each row is one fit: its error, the prediction, iterations, seconds, and the seconds of its matrix products alone at the
rate of a large square product (operations per second), measured immediately before and after. The published seconds are
those of another machine.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from experiments.runner import Row, main
from experiments.tables import markdown
from hypernorm.datasets import planted_dictionary
from hypernorm.dictionary import LpDictionaryLearning, expected_error, recovery_error

__all__ = [
    "PUBLISHED_NOISELESS",
    "PUBLISHED_NOISY",
    "PUBLISHED_PEERS_NOISELESS",
    "PUBLISHED_PEERS_NOISY",
    "Published",
    "group",
    "median",
]


class Published(NamedTuple):
    """An entry of a table: error in per cent, and seconds if they were given."""

    error: float
    seconds: float | None = None


# All constants: Shen et al. 2020, Complete dictionary learning via lp-norm maximization.
# Table 1 by n and θ, then by p; r = 400 n.
PUBLISHED_NOISELESS: dict[tuple[int, float], dict[int, Published]] = {
    (100, 0.1): {3: Published(0.056, 0.8), 4: Published(0.21, 1.8), 5: Published(0.50, 1.7)},
    (200, 0.1): {3: Published(0.056, 4.1), 4: Published(0.21, 9.3), 5: Published(0.51, 8.0)},
    (400, 0.1): {3: Published(0.056, 35), 4: Published(0.21, 50), 5: Published(0.50, 41)},
    (100, 0.3): {3: Published(0.094, 1.2), 4: Published(0.34, 3.4), 5: Published(0.84, 3.1)},
    (200, 0.3): {3: Published(0.094, 10), 4: Published(0.35, 18), 5: Published(0.85, 15)},
    (400, 0.3): {3: Published(0.096, 91), 4: Published(0.35, 122), 5: Published(1.00, 146)},
}
PUBLISHED_PEERS_NOISELESS: dict[tuple[int, float], dict[str, Published]] = {
    (100, 0.1): {"K-SVD": Published(1.45, 61)},
    (200, 0.1): {"K-SVD": Published(3.03, 131)},
    (400, 0.1): {"K-SVD": Published(6.45, 315)},
    (100, 0.3): {"K-SVD": Published(2.60, 98)},
    (200, 0.3): {"K-SVD": Published(6.41, 215)},
    (400, 0.3): {"K-SVD": Published(8.25, 589)},
}
# Table 2 by n and σ, then by p; θ = 0.3.
PUBLISHED_NOISY: dict[tuple[int, float], dict[int, Published]] = {
    (32, 0.0): {3: Published(0.10), 4: Published(0.4)},
    (32, 0.2): {3: Published(0.27), 4: Published(0.6)},
    (32, 0.4): {3: Published(0.79), 4: Published(1.2)},
    (32, 0.6): {3: Published(2.3), 4: Published(3.4)},
    (100, 0.0): {3: Published(0.1), 4: Published(0.35)},
    (100, 0.2): {3: Published(0.2), 4: Published(0.5)},
    (100, 0.4): {3: Published(0.6), 4: Published(1.1)},
    (100, 0.6): {3: Published(1.95), 4: Published(2.63)},
}
PUBLISHED_PEERS_NOISY: dict[tuple[int, float], dict[str, Published]] = {
    (32, 0.0): {"ℓ1-RTR": Published(0.05), "K-SVD": Published(0.2)},
    (32, 0.2): {"ℓ1-RTR": Published(0.5), "K-SVD": Published(0.37)},
    (32, 0.4): {"ℓ1-RTR": Published(4.27), "K-SVD": Published(2.0)},
    (32, 0.6): {"ℓ1-RTR": Published(57), "K-SVD": Published(57)},
    (100, 0.0): {"ℓ1-RTR": Published(0.05), "K-SVD": Published(2.6)},
    (100, 0.2): {"ℓ1-RTR": Published(0.3), "K-SVD": Published(3.5)},
    (100, 0.4): {"ℓ1-RTR": Published(5.3), "K-SVD": Published(3.6)},
    (100, 0.6): {"ℓ1-RTR": Published(50), "K-SVD": Published(51)},
}

_SAMPLES_NOISY = {32: 10_000, 100: 40_000}
_TOLERANCE = 0.25
_LARGEST_PREDICTION = 0.02


def cases(repeats: dict[int, int], noiseless: Sequence[int], noisy: Sequence[int]) -> Iterator[Row]:
    """Yield table, sizes, sparsity, noise, exponent and seed of every fit; `repeats` by n."""
    for n, theta in PUBLISHED_NOISELESS:
        for p in (3, 4, 5):
            for seed in range(repeats.get(n, 0) if n in noiseless else 0):
                yield {"table": 1, "n": n, "r": 400 * n, "theta": theta, "noise": 0.0, "p": p, "seed": seed}
    for n, noise in PUBLISHED_NOISY:
        for p in (3, 4):
            for seed in range(repeats.get(n, 0) if n in noisy else 0):
                r = _SAMPLES_NOISY[n]
                yield {"table": 2, "n": n, "r": r, "theta": 0.3, "noise": noise, "p": p, "seed": seed}


PRESETS = {
    "quick": lambda: cases({32: 2, 100: 1}, (100,), (32,)),
    "paper": lambda: cases({32: 3, 100: 3, 200: 3, 400: 1}, (100, 200, 400), (32, 100)),
}


def trial(table: int, n: int, r: int, theta: float, noise: float, p: int, seed: int) -> Row:
    """Error and time of one fit, with the predicted error and the time of the matrix products alone."""
    planted = planted_dictionary(r, n, theta, noise=noise, random_state=seed)
    # One start and no whitening, as published.
    model = LpDictionaryLearning(p=p, whiten=False, center=False, n_init=1, random_state=seed)
    model.set_params(tol=0.9).fit(planted.samples[: 10 * n])  # warm-up of threads and caches
    model.set_params(tol=1e-6)
    rate = product_rate()
    start = time.perf_counter()
    model.fit(planted.samples)
    seconds = time.perf_counter() - start
    rate = max(rate, product_rate())  # the larger one, since other load on the machine lowers the rate
    return {
        "error": recovery_error(model.unmixing_, planted.dictionary),
        "predicted": expected_error(n, r, theta, p, noise=noise),
        "seconds": seconds,
        "product_seconds": 4 * n * n * r * model.n_iter_ / rate,
        "product_rate": rate,
        "n_iter": model.n_iter_,
        "converged": model.converged_,
    }


def product_rate(size: int = 1500, repeats: int = 3) -> float:
    """Operations per second of a square matrix product in double precision, the best of several."""
    A = np.random.default_rng(0).standard_normal((size, size))
    out = np.empty_like(A)
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        np.matmul(A, A, out=out)
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


def group(rows: list[Row], table: int) -> dict[tuple[int, float, float, int], list[Row]]:
    """The rows of a table, grouped by n, θ, σ and p."""
    groups: dict[tuple[int, float, float, int], list[Row]] = {}
    for row in rows:
        if row["table"] == table:
            groups.setdefault((row["n"], row["theta"], row["noise"], row["p"]), []).append(row)
    return groups


def summary(rows: list[Row]) -> str:
    """Both tables and the verdict."""
    return "\n\n".join([noiseless_table(rows), noisy_table(rows), verdict(rows)])


def noiseless_table(rows: list[Row]) -> str:
    """Table 1 in Markdown: mean errors in per cent and median seconds over the seeds."""
    title = "Table 1, no noise, r = 400 n. Errors in per cent; the published seconds are of another machine."
    errors, seconds = ("error", "predicted", "published", "K-SVD, published"), ("seconds", "products alone")
    head = ["n", "θ", "p", *errors, "iterations", *seconds, "published", "K-SVD, published"]
    lines = []
    for (n, theta, _, p), same in group(rows, 1).items():
        published, peer = PUBLISHED_NOISELESS[n, theta][p], PUBLISHED_PEERS_NOISELESS[n, theta]["K-SVD"]
        measured = [_percent(same, "error"), _percent(same, "predicted"), f"{published.error:g}", f"{peer.error:g}"]
        times = [f"{median(same, name):.2f}" for name in ("seconds", "product_seconds")]
        times += [f"{published.seconds:g}", f"{peer.seconds:g}"]
        lines.append([n, theta, p, *measured, f"{mean(same, 'n_iter'):.0f}", *times])
    return f"{title}\n\n{markdown(head, lines)}"


def noisy_table(rows: list[Row]) -> str:
    """Table 2 in Markdown: mean errors in per cent over the seeds."""
    published = ("published", "ℓ1-RTR, published", "K-SVD, published")
    head = ["n", "r", "σ", "p", "error", "predicted", *published, "iterations"]
    lines = []
    for (n, _, noise, p), same in group(rows, 2).items():
        peers = PUBLISHED_PEERS_NOISY.get((n, noise), {})
        others = [f"{peers[name].error:g}" if name in peers else "" for name in ("ℓ1-RTR", "K-SVD")]
        ours = [_percent(same, "error"), _percent(same, "predicted"), f"{PUBLISHED_NOISY[n, noise][p].error:g}"]
        lines.append([n, same[0]["r"], noise, p, *ours, *others, f"{mean(same, 'n_iter'):.0f}"])
    return f"Table 2, Gaussian noise, θ = 0.3. Errors in per cent.\n\n{markdown(head, lines)}"


def mean(rows: list[Row], name: str) -> float:
    """Mean of one measured value."""
    return float(np.mean([row[name] for row in rows]))


def median(rows: list[Row], name: str) -> float:
    """Median of one measured value."""
    return float(np.median([row[name] for row in rows]))


def _percent(rows: list[Row], name: str) -> str:
    return f"{100 * mean(rows, name):.3f}"


def verdict(rows: list[Row]) -> str:
    """Whether the claim stands, in one line."""
    ratios = {
        (row["n"], row["theta"], row["noise"], row["p"], row["seed"]): row["error"] / row["predicted"]
        for row in rows
        if row["predicted"] < _LARGEST_PREDICTION
    }
    worst = max(ratios, key=lambda key: abs(ratios[key] - 1))
    stands = abs(ratios[worst] - 1) <= _TOLERANCE
    published = [
        100 * mean(same, "error") / reference[p].error
        for table in (1, 2)
        for (n, theta, noise, p), same in group(rows, table).items()
        for reference in [PUBLISHED_NOISELESS[n, theta] if table == 1 else PUBLISHED_NOISY[n, noise]]
    ]
    overheads = ", ".join(
        f"{np.median([row['seconds'] / row['product_seconds'] for row in rows if row['n'] == n]):.1f} (n={n})"
        for n in sorted({row["n"] for row in rows})
    )
    n, theta, noise, p, _ = worst
    return (
        f"Verdict: {'stands' if stands else 'REFUTED'}: errors within 25% of the prediction wherever the prediction is "
        f"below 2%, on {len(ratios)} of {len(rows)} fits; measured/predicted from {min(ratios.values()):.2f} to "
        f"{max(ratios.values()):.2f}, farthest at n={n}, θ={theta}, σ={noise}, p={p}; measured/published from "
        f"{min(published):.2f} to {max(published):.2f}; {sum(not row['converged'] for row in rows)} fits without "
        f"convergence; a fit takes {overheads} times its matrix products."
    )


if __name__ == "__main__":
    main("dictionary_tables", PRESETS, trial, summary, __doc__)
