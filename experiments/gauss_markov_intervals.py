"""Coverage and length of confidence intervals that allow for the bias.

Claim: for fixed samples and penalty, Gaussian noise and ‖β‖₂ ≤ R, the intervals of `SchattenRegressor` contain the
truth with at least the stated probability, for every norm, for few and many samples, for weights with both meanings,
with a known σ and, if there are degrees of freedom, with an estimated one. Refuted by a coverage at the worst β, or at
random β, that is more than three standard errors below the level.

Every design has Gaussian samples in d dimensions with column scales i^{-decay} in a random basis, mean 2 and intercept
3, σ = 0.3 and R = 1, and three functions: one coefficient, a random direction, and the expected target at a new sample.
The penalty is that of the shortest interval of the function, which does not depend on y. The worst β is R·B'c/‖B'c‖ for
each function by itself; random β are uniform on the sphere, a new one in each repeat.

known      n = 60, d = 20 and n = 40, d = 80; σ is given.
estimated  d = 15 and n = 16 + degrees of freedom; σ from the residuals.
chosen     As `known`, but the penalty is chosen by leave-one-out in each repeat. The theory does not cover it. The β
           are the worst ones of the penalties on a grid, times 1/4, 1/2 and 1; the one with the least coverage is
           taken, with new noise for the result.

Weights: 'variance' stands for weights w between 1/4 and 4, and noise of variance σ²/w; a tenth of the samples has
weight zero. 'count' stands for repeated samples. There the noise is rounded to multiples of σ/2, so that equal samples
occur, and the σ that is given includes the rounding. The intervals from samples one by one and from distinct samples
with their counts are compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from experiments.runner import Row, main
from experiments.tables import markdown
from hypernorm.linear_model import BiasAwareInterval, SchattenRegressor, SchattenRegressorCV

NORMS = {"nuclear": 1.0, "ridge": 2.0, "spectral": math.inf}
SHAPES = ((60, 20), (40, 80))
WEIGHTS = ("equal", "variance", "count")
FREEDOMS = (5, 10, 30, 70)
FUNCTIONS = ("coefficient", "direction", "target")
LEVEL, RADIUS, INTERCEPT = 0.95, 1.0, 3.0
NOISE, STEP = 0.3, 0.15
SEARCH_REPEATS, BLOCK = 1000, 500


def cases(repeats: int, freedoms: Sequence[int], decays: Sequence[float]) -> Iterator[Row]:
    """Yield the designs of the three parts."""
    for norm in NORMS:
        for n, d in SHAPES:
            for weights in WEIGHTS:
                for decay in decays:
                    design = {"norm": norm, "n": n, "d": d, "weights": weights, "decay": decay}
                    yield {"part": "known", **design, "repeats": repeats}
        for weights in WEIGHTS[1:]:
            for freedom in freedoms:
                design = {"norm": norm, "n": 16 + freedom, "d": 15, "weights": weights, "decay": 0.5}
                yield {"part": "estimated", **design, "repeats": repeats}
        for n, d in SHAPES:
            design = {"norm": norm, "n": n, "d": d, "weights": "equal", "decay": 0.5}
            yield {"part": "chosen", **design, "repeats": repeats}


PRESETS = {"quick": lambda: cases(400, FREEDOMS[:1], (0.5,)), "paper": lambda: cases(10_000, FREEDOMS, (0.5, 1.0))}


class Design:
    """Samples, weights and functions of a case; the same for every norm."""

    def __init__(self, n: int, d: int, weights: str, decay: float):
        rng = np.random.default_rng([n, d, WEIGHTS.index(weights), round(2 * decay)])
        basis = np.linalg.qr(rng.standard_normal((d, d)))[0]
        distinct = n - (((n - d - 1) // 2 if n > d + 1 else n // 3) if weights == "count" else 0)
        X = rng.standard_normal((distinct, d)) * np.arange(1, d + 1.0) ** -decay @ basis.T + 2
        if weights == "count":
            # Some samples are repeated; each repeat has its own noise.
            X = X[np.sort(np.append(np.arange(distinct), rng.integers(distinct, size=n - distinct)))]
        self.X, self.meaning = X, weights
        self.weights = np.ones(n)
        if weights == "variance":
            self.weights = 4.0 ** rng.uniform(-1, 1, n)
            # Samples without weight come in addition, with noise that is not small.
            extra = max(n // 10, 1)
            self.X = np.vstack([X, 5 + rng.standard_normal((extra, d))])
            self.weights = np.append(self.weights, np.zeros(extra))
        self.sigma = math.sqrt(NOISE**2 + (STEP**2 / 12 if weights == "count" else 0))
        first = np.zeros(d)
        first[0] = 1.0
        direction = rng.standard_normal(d)
        new = rng.standard_normal(d) * np.arange(1, d + 1.0) ** -decay @ basis.T + 2
        self.rows = np.vstack([first, direction / np.linalg.norm(direction), new])

    def targets(self, beta: np.ndarray, repeats: int, rng: np.random.Generator) -> np.ndarray:
        """Targets of every repeat, as columns; β is a vector or has one column for each repeat."""
        scales = NOISE / np.sqrt(np.where(self.weights > 0, self.weights, 1e-2))
        noise = rng.standard_normal((len(self.X), repeats)) * scales[:, None]
        means = INTERCEPT + self.X @ beta.reshape(len(beta), -1)
        return means + noise if self.meaning != "count" else means + STEP * np.round(noise / STEP)

    def fit(self, model: Any, y: np.ndarray) -> Any:
        """The model fitted to targets, of which there may be many columns."""
        return model.fit(self.X, y, sample_weight=None if self.meaning != "variance" else self.weights)

    def interval(self, model: SchattenRegressor, index: int, sigma: float | None) -> BiasAwareInterval:
        """The interval of one function for every target."""
        if FUNCTIONS[index] != "target":
            return model.confidence_interval(self.rows[[index]], RADIUS, sigma, confidence=LEVEL)
        return model.predict(self.rows[[index]], return_interval=RADIUS, sigma=sigma, confidence=LEVEL)[1]

    def truth(self, beta: np.ndarray, index: int) -> Any:
        """The value of one function."""
        return self.rows[index] @ beta + (INTERCEPT if FUNCTIONS[index] == "target" else 0)

    def worst(self, model: SchattenRegressor, index: int) -> np.ndarray:
        """The β within the radius with the largest bias."""
        maps = self.fit(SchattenRegressor(model.alpha, p=model.p), np.eye(len(self.X)))
        c = self.rows[index]
        if FUNCTIONS[index] == "target":
            bias = maps.predict(c[None])[0] @ self.X - c
        else:
            bias = c @ (maps.coef_.T @ self.X) - c
        return RADIUS * bias / np.linalg.norm(bias)

    def penalties(self, p: float, count: int) -> np.ndarray:
        """Penalties from little to strong shrinkage."""
        squares = self.fit(SchattenRegressor(1.0), np.zeros(len(self.X))).singular_values_ ** 2
        if math.isinf(p):
            return np.asarray(1 / ((1 - np.linspace(0.02, 0.98, count)) * np.sum(1 / squares)))
        return np.asarray(np.geomspace(1e-4, 1e2, count) * squares.max())

    def penalty(self, p: float, index: int) -> float:
        """The penalty of the shortest interval of a function, for targets of zero and the true σ."""

        def length(alpha: float) -> float:
            model = self.fit(SchattenRegressor(alpha, p=p), np.zeros(len(self.X)))
            return float(self.interval(model, index, self.sigma).length[0])

        return float(min(self.penalties(p, 97), key=length))


def trial(part: str, norm: str, n: int, d: int, weights: str, decay: float, repeats: int) -> Row:
    """Coverage at the worst and at random β, and lengths, of the three functions."""
    design = Design(n, d, weights, decay)
    p = NORMS[norm]
    rng = np.random.default_rng([n, d, WEIGHTS.index(weights), round(2 * decay), list(NORMS).index(norm)])
    if part == "chosen":
        return {"functions": [_chosen(design, p, index, repeats, rng) for index in range(len(FUNCTIONS))]}
    sigma = design.sigma if part == "known" else None
    found = []
    for index, name in enumerate(FUNCTIONS):
        row: Row = {"function": name}
        model = SchattenRegressor(design.penalty(p, index), p=p)
        for kind in ("worst", "random"):
            beta = design.worst(model, index) if kind == "worst" else _sphere(d, repeats, rng)
            y = design.targets(beta, repeats, rng)
            interval = design.interval(design.fit(model, y), index, sigma)
            row |= _coverage(interval, design.truth(beta, index), kind)
        row |= {"length": np.mean(interval.length), "relative_length": np.mean(interval.relative_length)}
        found.append(row)
    # σ and its degrees of freedom as the regressor has them, and counts against samples one by one.
    apart = _counts_apart(design, model, y[:, 0], sigma) if weights == "count" and n > d + 1 else 0.0
    return {"functions": found, "freedom": min(interval.degrees_of_freedom, 1e9), "counts_apart": apart}


def _sphere(d: int, repeats: int, rng: np.random.Generator) -> np.ndarray:
    beta = rng.standard_normal((d, repeats))
    return np.asarray(RADIUS * beta / np.linalg.norm(beta, axis=0))


def _coverage(interval: BiasAwareInterval, truth: Any, kind: str) -> Row:
    """How often the interval, and the normal one without the bias, contain the truth."""
    lower, upper, estimate = interval.lower[0], interval.upper[0], interval.estimate[0]
    # The worst β for the spectral norm attains |c'β| = R‖c‖, an end of the interval up to rounding.
    covered = np.mean((lower <= truth + 1e-9) & (truth - 1e-9 <= upper))
    naive = np.mean(np.abs(estimate - truth) <= 1.959964 * interval.standard_error[0])
    return {kind: float(covered), f"{kind}_without_bias": float(naive)}


def _counts_apart(design: Design, model: SchattenRegressor, y: np.ndarray, sigma: float | None) -> float:
    """Largest difference of the ends if equal samples are counted."""
    both, counts = np.unique(np.column_stack([design.X, y]), axis=0, return_counts=True)
    counted = SchattenRegressor(model.alpha, p=model.p).fit(both[:, :-1], both[:, -1], sample_weight=counts)
    single = SchattenRegressor(model.alpha, p=model.p).fit(design.X, y)
    options = {"sigma": sigma, "confidence": LEVEL}
    first = counted.confidence_interval(design.rows, RADIUS, **options, weight_meaning="count")
    second = single.confidence_interval(design.rows, RADIUS, **options)
    return float(np.max(np.abs([first.lower - second.lower, first.upper - second.upper])))


def _chosen(design: Design, p: float, index: int, repeats: int, rng: np.random.Generator) -> Row:
    """Coverage with penalties chosen by leave-one-out, at the β of a grid for which it is least, and at random β."""
    alphas = design.penalties(p, 41)

    def covered(beta: np.ndarray, count: int, kind: str) -> Row:
        parts = []
        for start in range(0, count, BLOCK):
            here = beta[:, start : start + BLOCK] if beta.ndim == 2 else beta
            y = design.targets(here, min(BLOCK, count - start), rng)
            cv = None if p == 2 else "approximate_loo"
            model = design.fit(SchattenRegressorCV(alphas, p=p, cv=cv, alpha_per_target=True), y)
            interval = design.interval(model, index, design.sigma)
            parts.append(
                _coverage(interval, design.truth(here, index), kind)
                | {"length": np.mean(interval.length), "relative_length": np.mean(interval.relative_length)}
            )
        return {key: float(np.mean([part[key] for part in parts])) for key in parts[0]}

    worst = [design.worst(SchattenRegressor(alpha, p=p), index) for alpha in alphas[::5]]
    worst = [scale * beta for scale in (0.25, 0.5, 1) for beta in worst]
    least = min(worst, key=lambda beta: covered(beta, SEARCH_REPEATS, "worst")["worst"])
    return {
        "function": FUNCTIONS[index],
        **covered(least, repeats, "worst"),
        **covered(_sphere(len(least), repeats, rng), repeats, "random"),
    }


def flat(rows: list[Row]) -> list[Row]:
    """One row for each design and function."""
    return [{**row, **function} for row in rows for function in row["functions"]]


def allowed(repeats: int) -> float:
    """The level less three standard errors of a coverage."""
    return LEVEL - 3 * math.sqrt(LEVEL * (1 - LEVEL) / repeats)


def design_name(row: Row) -> str:
    """Name of a design in tables."""
    freedom = f", {row['freedom']:.0f} degrees of freedom" if row["part"] == "estimated" else ""
    return f"{row['part']}: {row['n']} × {row['d']}, decay {row['decay']:g}, {row['weights']} weights{freedom}"


def summary(rows: list[Row]) -> str:
    """Table of all designs and the verdict."""
    lines = []
    for row in rows:
        functions = row["functions"]
        lines.append(
            [
                design_name(row),
                row["norm"],
                *(f"{function['worst']:.4f}" for function in functions),
                f"{min(function['random'] for function in functions):.4f}",
                f"{min(function['worst_without_bias'] for function in functions):.4f}",
                *(f"{function['length']:.2f} ({function['relative_length']:.2f})" for function in functions),
            ]
        )
    head = ["design", "norm", *(f"worst β, {name}" for name in FUNCTIONS), "random β, least", "without the bias, least"]
    head += [f"length (of that without data), {name}" for name in FUNCTIONS]
    return f"{markdown(head, lines)}\n\n{verdict(rows)}"


def verdict(rows: list[Row]) -> str:
    """The least coverages, the lengths beside those of ridge, and whether the claim stands."""
    covered = [row for row in flat(rows) if row["part"] != "chosen"]
    failures = [row for row in covered if min(row["worst"], row["random"]) < allowed(row["repeats"])]
    apart = max(row["counts_apart"] for row in rows if row["part"] != "chosen")
    lines = [
        f"- {part}: {sum(row['part'] == part for row in rows)} designs; coverage at the worst β from "
        f"{min(row['worst'] for row in same):.4f} to {max(row['worst'] for row in same):.4f}, at random β at least "
        f"{min(row['random'] for row in same):.4f}; without the bias at the worst β down to "
        f"{min(row['worst_without_bias'] for row in same):.4f}; length over that without data "
        f"{min(row['relative_length'] for row in same):.2f} to {max(row['relative_length'] for row in same):.2f}"
        for part in dict.fromkeys(row["part"] for row in rows)
        for same in [[row for row in flat(rows) if row["part"] == part]]
    ]
    for norm in ("nuclear", "spectral"):
        ratios = longer(rows, norm)
        lines.append(f"- {norm}: intervals {min(ratios):.2f} to {max(ratios):.2f} times as long as those of ridge")
    lines.append(f"- counts and samples one by one: ends at most {apart:.0e} apart")
    wrong = [f"{design_name(row)}, {row['norm']}, {row['function']}" for row in failures]
    wrong += ["counts"] if apart > 1e-6 else []
    return "\n".join([*lines, f"Verdict: {'REFUTED by ' + '; '.join(wrong) if wrong else 'stands'}."])


def longer(rows: list[Row], norm: str) -> list[float]:
    """Mean lengths over those of ridge, for all designs with a given penalty and all functions."""
    key = ("part", "n", "d", "weights", "decay", "function")
    ridge = {tuple(row[k] for k in key): row["length"] for row in flat(rows) if row["norm"] == "ridge"}
    return [
        row["length"] / ridge[tuple(row[k] for k in key)]
        for row in flat(rows)
        if row["norm"] == norm and row["part"] != "chosen"
    ]


if __name__ == "__main__":
    main("gauss_markov_intervals", PRESETS, trial, summary, __doc__)
