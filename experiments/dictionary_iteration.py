"""The ℓp iteration on the sphere from random starts: steps until it enters the cap of an atom, and the rate there.

Claims, for the plain step w ← normalised E|⟨w, x⟩|^{p−1} sign⟨w, x⟩ x with Bernoulli–Gaussian codes, an orthogonal
dictionary, r = 400 n samples, and every p (docs/theory/dictionary_learning.md has the proofs for r → ∞):

1. Near its limit the iteration contracts by at most the largest eigenvalue across the limit of the Jacobian,
   (p−1) E|⟨w, x⟩|^{p−2} x xᵀ / E|⟨w, x⟩|^p in the sample, and by at least 0.8 times that number. The eigenvalues all
   tend to θ as r grows, whatever p is: with these samples their mean is within 0.8 and 1.25 times θ for p ≥ 4.
2. The number of steps until the largest squared coordinate is 1/2 is that of the recursion of the theory from the same
   starts, within a factor 1.5 or two steps. It grows like n / log n, faster than log n.
3. The start decides for r → ∞: of the starts of samples with r = 40,000 n, at least 95% end at the atom of their
   largest coordinate, more than with r = 400 n.

Refuted by any median that misses its number, or by steps that grow from the smallest to the largest n, for θ = 0.3,
by a factor that is nearer to that of log n than to that of n / log n. Cells in which the median start ends at a maximum
of the sample that is no atom do not count; the verdict names them. Each row is one sample and its starts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from experiments.repeats import groups
from experiments.runner import Row, main
from experiments.tables import markdown
from hypernorm.bounds.power_kernels import gradients
from hypernorm.datasets import planted_dictionary
from hypernorm.forms import Rows

__all__ = ["ENTERED", "EXPONENTS", "cells", "growth", "iterate", "kept", "population_step", "reached"]

EXPONENTS = (2.5, 3, 4, 5, 6)

ENTERED = 0.5
"""A start has entered the cap of an atom when the square of its largest coordinate is at least this."""

_STARTS, _MOST_STEPS = 12, 300
# The distances to the limit between which the rate is measured.
_FAR, _NEAR = 1e-4, 1e-8
_RATE, _MEAN, _FACTOR, _STEPS, _KEPT = 0.8, 1.25, 1.5, 2, 0.95


def cases(sizes: Sequence[int], thetas: Sequence[float], seeds: int, multiples: Sequence[int]) -> Iterator[Row]:
    """All samples, one seed after the other; for claim 3 the smallest n with multiples of it as numbers of samples."""
    for seed in range(seeds):
        for n in sizes:
            for theta in thetas:
                for p in EXPONENTS:
                    yield {"n": n, "r": 400 * n, "theta": theta, "p": p, "seed": seed}
        for multiple in multiples:
            yield {"n": sizes[0], "r": multiple * sizes[0], "theta": thetas[-1], "p": 3, "seed": seed}


PRESETS = {
    "quick": lambda: cases((10, 20), (0.2,), 1, (4000,)),
    "paper": lambda: cases((25, 50, 100, 200), (0.1, 0.3), 2, (4000, 40_000)),
}


def population_step(u: np.ndarray, theta: float, p: float) -> np.ndarray:
    """One step for r → ∞ from a unit vector u of coordinates, not normalised.

    The exact factor of u_j is E(u_j² + Σ_{k≠j} b_k u_k²)^{p/2−1} with independent b_k that are one with probability θ.
    Here the largest coordinate has its b, and the others their mean; this is exact for p = 4.
    """
    squares, power = u**2, p / 2 - 1
    first = int(squares.argmax())
    others = theta * (squares.sum() - squares - squares[first])
    factors = theta * (squares + squares[first] + others) ** power + (1 - theta) * (squares + others) ** power
    factors[first] = (squares[first] + theta * (squares.sum() - squares[first])) ** power
    return np.asarray(u * factors)


def iterate(rows: Rows, u: np.ndarray, p: float) -> list[np.ndarray]:
    """The iterates from the rows of u, until they no longer change."""
    path = [u]
    while len(path) <= _MOST_STEPS:
        G = gradients(rows, path[-1].T, p).T
        path.append(G / np.linalg.norm(G, axis=1, keepdims=True))
        if np.abs(path[-1] - path[-2]).max() < 1e-10:
            break
    return path


def trial(n: int, r: int, theta: float, p: float, seed: int) -> Row:
    """Distances, steps and rates of the starts of one sample."""
    codes = planted_dictionary(r, n, theta, random_state=seed).codes
    rng = np.random.default_rng([seed, n])
    starts = rng.standard_normal((_STARTS, n))
    starts /= np.linalg.norm(starts, axis=1, keepdims=True)
    path = np.array(iterate(Rows(codes), starts, p))
    largest = np.abs(path).max(axis=2)  # (steps, starts)
    distances = np.sqrt(np.maximum(1 - largest**2, 0))
    gaps = np.linalg.norm(path - path[-1], axis=2)
    stated = np.array([_eigenvalues(codes, w, p) for w in path[-1]])
    return {
        "distances": np.median(distances, axis=1)[:60],
        "limit": float(np.median(distances[-1])),
        "enter": float(np.median([_first(column >= ENTERED) for column in largest.T**2])),
        "predicted": float(np.median([_predicted(start, theta, p) for start in starts])),
        "rate": float(np.median([_rate(column) for column in gaps.T])),
        "stated": float(np.median(stated[:, -1])),
        "mean": float(np.median(stated.mean(axis=1))),
        "kept": float(np.mean(np.abs(path[-1]).argmax(axis=1) == np.abs(starts).argmax(axis=1))),
    }


def _first(reached: np.ndarray) -> float:
    return float(np.argmax(reached)) if reached.any() else float(len(reached))


def _predicted(u: np.ndarray, theta: float, p: float) -> float:
    """Number of steps of the recursion until the start has entered."""
    for step in range(100 * _MOST_STEPS):
        if (u**2).max() >= ENTERED:
            return float(step)
        u = population_step(u, theta, p)
        u = u / np.linalg.norm(u)
    return float(100 * _MOST_STEPS)


def _rate(gaps: np.ndarray) -> float:
    """The mean factor of a step between two distances to the limit; NaN if these were not met."""
    inside = np.flatnonzero((gaps < _FAR) & (gaps > _NEAR))
    if len(inside) < 2:
        return float("nan")
    return float((gaps[inside[-1]] / gaps[inside[0]]) ** (1 / (inside[-1] - inside[0])))


def _eigenvalues(codes: np.ndarray, w: np.ndarray, p: float) -> np.ndarray:
    """Eigenvalues of the Jacobian of a step at its fixed point w, across w, in ascending order."""
    values = np.abs(codes @ w)
    J = (p - 1) * (codes.T * values ** (p - 2)) @ codes / (values**p).sum()
    across = np.linalg.svd(w[None])[2][1:]
    return np.asarray(np.linalg.eigvalsh(across @ J @ across.T))


def cells(rows: list[Row]) -> dict[tuple, dict[str, float]]:
    """Medians of the measured values for each n, θ and p, with r = 400 n."""
    names = ("enter", "predicted", "rate", "stated", "mean", "limit", "kept")
    same = groups(({"part": "all", **row} for row in rows if row["r"] == 400 * row["n"]), "all", "n", "theta", "p")
    return {key: {name: float(np.median([row[name] for row in part])) for name in names} for key, part in same.items()}


def summary(rows: list[Row]) -> str:
    """A table of steps and rates, and the verdict."""
    head = ["θ", "p", "n", "steps to enter", "predicted", "rate", "stated", "mean", "distance of limit", "kept"]
    table = [
        [
            f"{theta:g}",
            f"{p:g}",
            n,
            f"{cell['enter']:.1f}",
            f"{cell['predicted']:.1f}",
            f"{cell['rate']:.3f}",
            f"{cell['stated']:.3f}",
            f"{cell['mean']:.3f}",
            f"{cell['limit']:.3f}",
            f"{cell['kept']:.0%}",
        ]
        for (n, theta, p), cell in sorted(cells(rows).items(), key=lambda item: item[0][1:] + item[0][:1])
    ]
    return f"{markdown(head, table)}\n\n{_verdict(rows)}"


def reached(found: dict[tuple, dict[str, float]]) -> dict[tuple, dict[str, float]]:
    """The cells in which the median start ends near an atom."""
    return {key: cell for key, cell in found.items() if cell["limit"] ** 2 <= 1 - ENTERED}


def growth(found: dict[tuple, dict[str, float]]) -> tuple[float, float, float]:
    """Growth from the least to the largest n of the number of steps, for the largest θ, of n / log n and of log n."""
    found = reached(found)
    theta = max(theta for _, theta, _ in found)
    low, high = min(n for n, *_ in found), max(n for n, *_ in found)
    both = [p for p in EXPONENTS if {(low, theta, p), (high, theta, p)} <= set(found)]
    ratios = [found[high, theta, p]["enter"] / found[low, theta, p]["enter"] for p in both]
    logarithm = np.log(high) / np.log(low)
    return float(np.exp(np.mean(np.log(ratios)))), float(high / low / logarithm), float(logarithm)


def kept(rows: list[Row]) -> dict[int, float]:
    """For each number of samples per dimension the share of starts that end at the atom of their largest coordinate."""
    n, theta = min(row["n"] for row in rows), max(row["theta"] for row in rows)
    same = [{"part": "all", **row} for row in rows if (row["n"], row["theta"], row["p"]) == (n, theta, 3)]
    found = groups(same, "all", "r")
    return {int(r) // n: float(np.mean([row["kept"] for row in part])) for (r,), part in sorted(found.items())}


def _verdict(rows: list[Row]) -> str:
    found = cells(rows)
    near = reached(found)
    rates = [cell["rate"] / cell["stated"] for cell in near.values()]
    means = [cell["mean"] / theta for (_, theta, p), cell in near.items() if p >= 4]
    steps = [(cell["enter"], cell["predicted"]) for cell in near.values()]
    missed = sum(max(a, b) > _FACTOR * min(a, b) and abs(a - b) > _STEPS for a, b in steps)
    larger, linear, logarithm = growth(found)
    shares = kept(rows)
    away = [f"p = {p:g}, n = {n}, θ = {theta:g}" for n, theta, p in found if (n, theta, p) not in near]
    held = (
        min(rates) >= _RATE and max(rates) <= 1.01 and all(1 / _MEAN <= mean <= _MEAN for mean in means),
        not missed and abs(np.log(larger / linear)) < abs(np.log(larger / logarithm)),
        max(shares) < 40_000 or (shares[max(shares)] >= _KEPT and shares[max(shares)] > shares[min(shares)]),
    )
    texts = (
        f"the rate is {min(rates):.2f} to {max(rates):.2f} times the largest eigenvalue, and the mean eigenvalue "
        f"{min(means):.2f} to {max(means):.2f} times θ",
        f"the steps miss the recursion in {missed} of {len(steps)} cells; from the least to the largest n they "
        f"grow by {larger:.1f}, n / log n by {linear:.1f}, log n by {logarithm:.1f}",
        "the share of starts that end at the atom of their largest coordinate is "
        + ", ".join(f"{share:.0%} with r = {multiple:,} n" for multiple, share in shares.items()),
    )
    claims = zip(held, texts, strict=True)
    verdicts = [f"{number}. {'stands' if good else 'REFUTED'}: {text}" for number, (good, text) in enumerate(claims, 1)]
    return f"Verdict: {'; '.join(verdicts)}. The median start ends at no atom for {'; '.join(away) or 'no cell'}."


if __name__ == "__main__":
    main("dictionary_iteration", PRESETS, trial, summary, __doc__)
