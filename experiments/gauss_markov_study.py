"""Nuclear, spectral and ridge shrinkage, principal components, PLS, the lasso and least squares compared.

Claim: for coefficients without a preferred direction no method is better than ridge regression. If the signal is in the
leading directions of the samples, the nuclear norm is better. If the variances of the coefficients are inversely
proportional to the squared singular values, the spectral norm is optimal. So the blend over p = 1, 2, ∞ is safe.
Refuted by an aligned problem for which nuclear shrinkage loses to ridge by more than two standard errors of the paired
difference; by a risk of the spectral norm that at a = −1 is not that of the best shrinkage, or for a ≤ −1 is above that
of another method, all tuned to the true risk; or by a problem for which the choice among the norms or the blend costs
more than 5% of the error of ridge plus two standard errors.

Four parts, all in one file of results:

alignment  The in-sample risk of each method over that of the best shrinkage of each direction, both tuned to the true
           risk, without sampling. d = 200, s_i² = i^{-decay}, var(β_i) ∝ (s_i²)^alignment, scaled to the signal
           Σ s_i² var(β_i) = 1. The reference table below is for a noise variance of 5e-4; others are swept.
synthetic  120 Gaussian samples in 60 dimensions, covariance with the eigenvalues i^{-decay} in a random basis, Gaussian
           coefficients with var(β_i) ∝ λ_i^alignment in that basis, scaled to a signal of variance 1. The error is the
           exact excess risk from the known covariance. For an isotropic covariance the alignment has no effect.
fixed      The same samples, but coefficients with var(β_i) ∝ (s_i²)^alignment along their own singular directions, and
           the in-sample risk, as in the first part. The penalties are chosen from the data.
data       Repeated splits. Squares and products are formed first; then the features are standardised with the mean and
           deviation of the training samples. `diabetes` (442 × 10), also with squares and products (64); `breast
           cancer` (569 × 30, target 0/1); `digits`: 400 random Fourier features √2 cos(wᵀx + u), entries of w normal
           with deviation 1/(20√2), new ones for each split, ten 0/1 targets; `housing`: 500 samples similar to the
           Californian census, new ones for each split, see `experiments.gauss_markov.data.housing`.

Penalties and numbers of components are chosen with the same five folds, those of the blend by leave-one-out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler

from experiments.gauss_markov.data import DATA, FRESH, load
from experiments.gauss_markov.methods import METHODS, NORMS, predictions
from experiments.runner import Row, main
from experiments.tables import markdown
from hypernorm.linear_model.shrinkage import shrink_with_penalty

DIRECTIONS = 200
ROWS, COLUMNS = 120, 60
TABLE_NOISE = 5e-4
TABLE = {
    (1, 0): (1.00, 1.10, 1.27, 1.16),
    (1, 1): (1.20, 1.03, 1.31, 3.76),
    (1, 2): (2.07, 1.08, 1.25, 13.2),
    (1, 4): (5.08, 1.21, 1.18, 41.8),
    (2, 2): (1.88, 1.04, 1.15, 56.7),
}
"""Reference values of ridge, nuclear, principal components and spectral, for (decay, alignment)."""
ALIGNMENTS = (-1.5, -1, -0.5, 0, 1, 2)
DESIGNS = ((0, 0), *((decay, alignment) for decay in (1, 2) for alignment in ALIGNMENTS))
NOISES = (0.3, 1.0)
RESOLUTION = 1e-3
"""Relative error of a tuned risk, from the spacing of the penalties."""
FIRST_SEED = 1000
TOLERABLE = 0.05
"""Largest loss of a safe choice among the norms, as a fraction of the error of ridge."""


def cases(noises: Sequence[float], seeds: int, splits: int) -> Iterator[Row]:
    """Yield the cases of the four parts."""
    for decay in (1, 2):
        for alignment in (*ALIGNMENTS, 4):
            for noise in noises:
                yield {"part": "alignment", "decay": decay, "alignment": alignment, "noise": noise}
    for part, designs in (("synthetic", DESIGNS), ("fixed", DESIGNS[1:])):
        for seed in range(FIRST_SEED, FIRST_SEED + seeds):
            for decay, alignment in designs:
                for noise in NOISES:
                    yield {"part": part, "decay": decay, "alignment": alignment, "noise": noise, "seed": seed}
    for seed in range(FIRST_SEED, FIRST_SEED + splits):
        for data in DATA:
            yield {"part": "data", "data": data, "seed": seed}


PRESETS = {
    "quick": lambda: cases((TABLE_NOISE,), 10, 2),
    "paper": lambda: cases((1e-5, 1e-4, TABLE_NOISE, 1e-3, 1e-2), 60, 20),
}


def trial(part: str, **case: Any) -> Row:
    """Errors of every method on one problem."""
    if part == "alignment":
        return {"risks": relative_risks(**case)}
    return {"errors": {"synthetic": synthetic, "fixed": fixed, "data": on_data}[part](**case)}


def relative_risks(decay: float, alignment: float, noise: float) -> Row:
    """In-sample risks over that of the oracle, each at its best penalty, for a signal of 1; `noise` is a variance."""
    squares = np.arange(1, DIRECTIONS + 1.0) ** -decay
    variances = squares**alignment / np.sum(squares ** (alignment + 1))

    def risk(bias: np.ndarray, factors: np.ndarray) -> float:
        return float(np.sum(squares * bias**2 * variances + noise * factors**2))

    oracle = noise / (squares * variances + noise)
    best = risk(oracle, 1 - oracle)
    leading = (np.arange(DIRECTIONS) < k for k in range(DIRECTIONS + 1))
    risks = {"principal components": min(risk(1.0 - factors, 1.0 * factors) for factors in leading)}
    for name, p in NORMS.items():
        # The spectral norm shrinks from 1/Σ s^{-2} on; its grid is that of the bias.
        spectral = 1 / ((1 - np.geomspace(1e-6, 1 - 1e-6, 4001)) * np.sum(1 / squares))
        grid = spectral if math.isinf(p) else np.geomspace(1e-9 * squares.min(), 1e6, 4001)
        shrinkages = (shrink_with_penalty(squares, alpha, p) for alpha in grid)
        risks[name] = min(risk(shrinkage.bias, shrinkage.filter_factors) for shrinkage in shrinkages)
    return {name: risk / best for name, risk in risks.items()}


def synthetic(decay: float, alignment: float, noise: float, seed: int) -> Row:
    """Excess risks for one sample of known covariance; `noise` is a standard deviation."""
    rng = np.random.default_rng([seed, round(10 * noise), decay, 10 + round(2 * alignment)])
    eigenvalues = np.arange(1, COLUMNS + 1.0) ** -decay
    # In a random basis an aligned signal is not sparse in the features.
    basis = np.linalg.qr(rng.standard_normal((COLUMNS, COLUMNS)))[0]
    beta = rng.standard_normal(COLUMNS) * eigenvalues ** (alignment / 2)
    beta /= math.sqrt(np.sum(eigenvalues * beta**2))
    X = rng.standard_normal((ROWS, COLUMNS)) * np.sqrt(eigenvalues) @ basis.T
    y = X @ basis @ beta + noise * rng.standard_normal(ROWS)
    # The values at 0 and at the principal axes of the covariance determine a linear rule.
    rows = np.vstack([np.zeros(COLUMNS), np.sqrt(eigenvalues)[:, None] * basis.T])
    truth = np.sqrt(eigenvalues) * beta
    errors = {}
    for name, values in predictions(X, y[:, None], rows).items():
        intercept, slopes = values[0, 0], values[1:, 0] - values[0, 0]
        errors[name] = float(intercept**2 + np.sum((slopes - truth) ** 2))
    return errors


def fixed(decay: float, alignment: float, noise: float, seed: int) -> Row:
    """In-sample risks for coefficients aligned with the singular directions of the samples."""
    rng = np.random.default_rng([seed, round(10 * noise), decay, 30 + round(2 * alignment)])
    basis = np.linalg.qr(rng.standard_normal((COLUMNS, COLUMNS)))[0]
    X = rng.standard_normal((ROWS, COLUMNS)) * np.arange(1, COLUMNS + 1.0) ** (-decay / 2) @ basis.T
    centered = X - X.mean(axis=0)
    _, s, Vt = np.linalg.svd(centered, full_matrices=False)
    signal = centered @ (rng.standard_normal(COLUMNS) * s**alignment @ Vt)
    signal /= math.sqrt(np.mean(signal**2))
    y = signal + noise * rng.standard_normal(ROWS)
    return {
        name: float(np.mean((values[:, 0] - signal) ** 2)) for name, values in predictions(X, y[:, None], X).items()
    }


def on_data(data: str, seed: int) -> Row:
    """Mean squared errors on the held-out samples of one split, averaged over the targets."""
    rng = np.random.default_rng([seed, list(DATA).index(data)])
    X, y = load(data, rng)
    train_size, test_size = DATA[data]
    order = rng.permutation(len(X))
    train, test = order[:train_size], order[train_size : train_size + test_size]
    scaler = StandardScaler().fit(X[train])
    values = predictions(scaler.transform(X[train]), y[train], scaler.transform(X[test]))
    return {name: float(np.mean((value - y[test]) ** 2)) for name, value in values.items()}


def problem(row: Row) -> str:
    """Name of the problem of a row."""
    if row["part"] == "data":
        return str(row["data"])
    shape = f"{spectrum(row['decay'])}, a = {row['alignment']:g}, σ = {row['noise']:g}".replace("-", "−")
    return f"own directions, {shape}" if row["part"] == "fixed" else shape


def spectrum(decay: int) -> str:
    """Name of the spectrum in the tables."""
    return ("isotropic", "1/i", "1/i²")[decay]


def compare(rows: list[Row], against: str = "ridge") -> list[Row]:
    """Mean error of every problem and method, its standard error, and the paired difference to a reference.

    Splits of the same data overlap. Their variance is multiplied by 1/J + n_test/n_train instead of 1/J (Nadeau and
    Bengio, 2003); fresh samples are independent.
    """
    result = []
    for name in dict.fromkeys(problem(row) for row in rows if row["part"] != "alignment"):
        same = [row for row in rows if row["part"] != "alignment" and problem(row) == name]
        factor = 1 / len(same)
        if name in DATA and name not in FRESH:
            factor += DATA[name][1] / DATA[name][0]
        reference = np.array([row["errors"][against] for row in same])
        for method in METHODS:
            errors = np.array([row["errors"][method] for row in same])
            difference = errors - reference
            result.append(
                {
                    "part": same[0]["part"],
                    "problem": name,
                    "method": method,
                    "mean": float(errors.mean()),
                    "standard_error": float(errors.std(ddof=1) * math.sqrt(factor)),
                    "difference": float(difference.mean()),
                    "difference_error": float(difference.std(ddof=1) * math.sqrt(factor)),
                    "reference": float(reference.mean()),
                }
            )
    return result


def outcome(row: Row) -> str:
    """'ties' if the paired difference is within two of its standard errors, else 'wins' or 'loses'."""
    if abs(row["difference"]) <= 2 * row["difference_error"]:
        return "ties"
    return "wins" if row["difference"] < 0 else "loses"


def summary(rows: list[Row]) -> str:
    """Tables of all parts, and the verdict."""
    return "\n\n".join([alignment_table(rows), error_table(rows), verdict(rows)])


def alignment_table(rows: list[Row]) -> str:
    """Table of the risks over that of the oracle, and their largest deviation from the reference values."""
    names = ("ridge", "nuclear", "principal components", "spectral")
    lines = []
    furthest = 0.0
    for row in (row for row in rows if row["part"] == "alignment"):
        risks = [row["risks"][name] for name in names]
        case = [f"{row['noise']:g}", spectrum(row["decay"]), row["alignment"]]
        lines.append([*case, *(f"{risk:.2f}" for risk in risks)])
        known = TABLE.get((row["decay"], row["alignment"]))
        if known and row["noise"] == TABLE_NOISE:
            furthest = max(furthest, *(abs(a / b - 1) for a, b in zip(risks, known, strict=True)))
    said = f"At noise variance {TABLE_NOISE:g}: at most {100 * furthest:.1f}% from the known table."
    return f"{markdown(['noise variance', 's²', 'a', *names], lines)}\n\n{said}"


def error_table(rows: list[Row]) -> str:
    """Table of mean error ± standard error, and of the difference to ridge in per cent of the error of ridge."""
    compared = compare(rows)
    lines = []
    for name in dict.fromkeys(row["problem"] for row in compared):
        same = [row for row in compared if row["problem"] == name]
        lines.append([name, *(f"{r['mean']:.4g} ± {r['standard_error']:.2g}" for r in same)])
        lines.append(["− ridge, %", *map(_percent, same)])
    return markdown(["problem", *METHODS], lines)


def _percent(row: Row) -> str:
    mark = {"wins": " wins", "loses": " loses", "ties": ""}[outcome(row)]
    scale = 100 / row["reference"]
    return f"{scale * row['difference']:+.1f} ± {scale * row['difference_error']:.1f}{mark}"


def verdict(rows: list[Row]) -> str:
    """Wins and losses of each norm, the cost of the coarse grid, and whether the claim stands."""
    compared = compare(rows)
    lines = []
    for method in ("nuclear", "spectral", "chosen norm", "blend"):
        for against in ("ridge", "ridge, leave-one-out", "principal components", "partial least squares"):
            same = [row for row in compare(rows, against) if row["method"] == method]
            parts = {kind: [row["problem"] for row in same if outcome(row) == kind] for kind in ("wins", "loses")}
            lines.append(
                f"- {method} against {against}: wins {len(parts['wins'])}, loses {len(parts['loses'])} of {len(same)}"
                + "".join(f"; {kind} on {' / '.join(names)}" for kind, names in parts.items() if names)
            )
    means = {(row["problem"], row["method"]): row["mean"] for row in compared}
    for name in ("ridge", "nuclear"):
        costs = [means[p, f"{name}, 9 penalties"] / means[p, name] - 1 for p in dict.fromkeys(p for p, _ in means)]
        lines.append(
            f"- 9 penalties instead of 81 cost {name} {100 * np.mean(costs):+.1f}% of its error on average, "
            f"{100 * max(costs):+.1f}% at worst"
        )
    outcomes = {(row["problem"], row["method"]): outcome(row) for row in compared}
    aligned = {problem(row) for row in rows if row["part"] in ("synthetic", "fixed") and row["alignment"] > 0}
    failures = [f"nuclear on {p}" for p in sorted(aligned) if outcomes[p, "nuclear"] == "loses"]
    for row in (row for row in rows if row["part"] == "alignment" and row["alignment"] <= -1):
        spectral = row["risks"]["spectral"]
        if spectral > min(row["risks"].values()) + RESOLUTION or (row["alignment"] == -1 and spectral > 1 + RESOLUTION):
            failures.append(f"spectral at {spectrum(row['decay'])}, a = {row['alignment']:g}, {row['noise']:g}")
    failures += [
        f"{row['method']} on {row['problem']}"
        for row in compared
        if row["method"] in ("chosen norm", "blend")
        and row["difference"] - 2 * row["difference_error"] > TOLERABLE * row["reference"]
    ]
    lines.append(f"Verdict: {'stands' if not failures else 'REFUTED by ' + '; '.join(failures)}.")
    return "\n".join(lines)


if __name__ == "__main__":
    main("gauss_markov_study", PRESETS, trial, summary, __doc__)
