"""Generalisation error of Schatten-constrained estimators: theory and simulation.

Claim: in both ensembles of `hypernorm.linear_model.generalization_error` the limit for d/n → γ predicts the squared
error ‖β̂ − β‖² of finite samples, for the norms p = 1, 1.5, 2 and ∞, each with the penalty that is optimal in theory.
Refuted by a mean over the repeats that is further than three of its standard errors from the limit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from scipy.optimize import minimize_scalar

from experiments.runner import Row, main
from experiments.tables import markdown
from hypernorm.linear_model import generalization_error
from hypernorm.linear_model.decomposition import Wanted, decompose
from hypernorm.linear_model.samples import Samples
from hypernorm.linear_model.shrinkage import gains

NORMS = {"nuclear": 1.0, "p = 1.5": 1.5, "ridge": 2.0, "spectral": math.inf}
NOISES = (0.3, 1.0, 2.0)
GAMMAS = (0.2, 0.4, 0.6, 0.8, 0.9, 1.2, 1.5, 2.0, 3.0)


def cases(n: int, gammas: Sequence[float], repeats: int) -> Iterator[Row]:
    """Yield ensemble, shape and seed of every trial."""
    for ensemble in ("gaussian", "coordinate"):
        for gamma in gammas:
            for seed in range(repeats):
                yield {"ensemble": ensemble, "n": n, "gamma": gamma, "seed": seed}


PRESETS = {
    "quick": lambda: cases(150, GAMMAS[::2], 6),
    "paper": lambda: cases(400, GAMMAS, 40),
}


_PENALTIES: dict[tuple[str, float, float, float], float] = {}


def best_penalty(ensemble: str, gamma: float, p: float, noise: float) -> float:
    """The penalty per sample that minimises the theoretical error."""
    case = (ensemble, gamma, p, noise)
    if case not in _PENALTIES:
        _PENALTIES[case] = _minimise(*case)
    return _PENALTIES[case]


def _minimise(ensemble: str, gamma: float, p: float, noise: float) -> float:
    def error(log_alpha: float) -> float:
        return generalization_error(gamma, math.exp(log_alpha), p=p, noise=noise, ensemble=ensemble)

    grid = np.linspace(-9, 6, 61)
    errors = [error(value) for value in grid]
    # The spectral norm shrinks only above a threshold; of equal errors the last is the one next to the threshold.
    start = grid[len(grid) - 1 - int(np.argmin(errors[::-1]))]
    return math.exp(minimize_scalar(error, bounds=(start - 0.3, start + 0.3), method="bounded").x)


def trial(ensemble: str, n: int, gamma: float, seed: int) -> Row:
    """Squared errors of one sample for all norms and noise levels."""
    d = round(gamma * n)
    rng = np.random.default_rng([seed, d, ensemble == "gaussian"])
    gaussian = ensemble == "gaussian"
    X = rng.standard_normal((n, d)) if gaussian else math.sqrt(d) * np.eye(d)[rng.integers(d, size=n)]
    beta = rng.standard_normal(d)
    beta /= np.linalg.norm(beta)
    y = (X @ beta)[:, None] + np.array(NOISES) * rng.standard_normal((n, 1))
    decomposition = decompose(Samples(X, y, None, None), "svd", Wanted(list(NORMS.values()), None))
    errors = {}
    for name, p in NORMS.items():
        for target, noise in enumerate(NOISES):
            alpha = best_penalty(ensemble, gamma, p, noise) * (1 if math.isinf(p) else n)
            estimate = decomposition.coefficients(gains(decomposition.squares, np.array([alpha]), p)[0])[:, target]
            errors[f"{name}, noise {noise:g}"] = float(np.sum((estimate - beta) ** 2))
    return {"errors": errors}


def compare(rows: list[Row]) -> list[Row]:
    """Mean, standard error and theory of every ensemble, γ, norm and noise level."""
    result = []
    for ensemble, gamma in dict.fromkeys((row["ensemble"], row["gamma"]) for row in rows):
        same = [row for row in rows if (row["ensemble"], row["gamma"]) == (ensemble, gamma)]
        for name, p in NORMS.items():
            for noise in NOISES:
                errors = np.array([row["errors"][f"{name}, noise {noise:g}"] for row in same])
                theory = generalization_error(
                    gamma, best_penalty(ensemble, gamma, p, noise), p=p, noise=noise, ensemble=ensemble
                )
                result.append(
                    {
                        "ensemble": ensemble,
                        "gamma": gamma,
                        "norm": name,
                        "noise": noise,
                        "mean": float(errors.mean()),
                        "standard_error": float(errors.std(ddof=1) / math.sqrt(len(errors))),
                        "theory": theory,
                    }
                )
    return result


def summary(rows: list[Row]) -> str:
    """Table of the largest deviations, and the verdict."""
    compared = compare(rows)
    scores = [abs(row["mean"] - row["theory"]) / row["standard_error"] for row in compared]
    lines = []
    for index in np.argsort(scores)[::-1][:10]:
        row = compared[index]
        found = [f"{row['mean']:.4f}", f"{row['theory']:.4f}", f"{scores[index]:.2f}"]
        lines.append([row["ensemble"], f"{row['gamma']:g}", row["norm"], f"{row['noise']:g}", *found])
    beyond = sum(score > 3 for score in scores)
    head = ("ensemble", "γ", "norm", "noise", "simulated", "theory", "standard errors apart")
    verdict = (
        f"Verdict: {'stands' if beyond == 0 else 'NOT everywhere'}: {len(scores) - beyond} of {len(scores)} means "
        f"within three standard errors of the theory; largest deviation {max(scores):.2f} standard errors."
    )
    return f"{markdown(head, lines)}\n\n{verdict}"


if __name__ == "__main__":
    main("gauss_markov_risk", PRESETS, trial, summary, __doc__)
