"""Standard errors of atoms beside true errors, atoms that cannot be learned, and codes that one contrast cannot see.

Claims, for r ≥ 100 n samples, p = 3 and 4, orthogonal dictionaries and whitening:

1. `expected_error_` and `standard_errors_` of `LpDictionaryLearning` are right: the mean squared error of rows and of
   atoms over its estimate is within 0.8 and 1.25, for Bernoulli–Gaussian codes of equal sparsity and of θ from 0.02 to
   0.6, with noise, Laplace and Bernoulli–uniform codes, a fifth of outliers, and, for p = 3 and r ≥ 400 n, amplitudes
   common to all codes of a sample (the exponential of a normal variable of deviation 0.5; these by medians).
2. For p = 3 and r ≥ 400 n `learnable_` is false for every atom of codes in groups of five that are non-zero together,
   of Gaussian codes, of uniform codes by the ℓp norm, and for exactly the atoms among sparse ones that are mixtures of
   Gaussian and uniform codes; it is true for every atom of claim 1.
3. With codes −1, 0, 1 and θ from 0.3 to 0.6 the atoms are learned, with an error below 1%: by the ℓp norm, by the
   kurtosis, or by the ℓp norm from there.

Refuted by any ratio outside, any atom that is flagged wrongly, and any error above 1%. Cases for which the estimate is
not meant are shown beside: heavy tails without the moments that it uses, groups, larger amplitudes or these with fewer
samples or p = 4, few samples, and noise with a dictionary that is not orthogonal, where atoms have a bias.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence

import numpy as np

from experiments.repeats import groups
from experiments.runner import Row, main
from experiments.tables import markdown
from hypernorm.dictionary import LpDictionaryLearning
from hypernorm.exceptions import ConvergenceWarning

__all__ = [
    "INSIDE",
    "LIMITS",
    "OUTSIDE",
    "SUCCESS",
    "UNLEARNABLE",
    "errors",
    "groups",
    "meant",
    "ratios",
    "sizes",
    "wrong",
]

LIMITS = 0.8, 1.25
"""A ratio of the true to the estimated squared error that is right."""

SUCCESS = 0.01
"""A smaller error is a success."""

INSIDE = {
    "θ = 0.1": {"kind": "gaussian", "theta": 0.1},
    "θ = 0.3": {"kind": "gaussian", "theta": 0.3},
    "θ from 0.02 to 0.6": {"kind": "unequal"},
    "noise 0.1": {"kind": "gaussian", "theta": 0.2, "noise": 0.1},
    "noise 0.3": {"kind": "gaussian", "theta": 0.2, "noise": 0.3},
    "Laplace": {"kind": "laplace"},
    "Bernoulli–uniform": {"kind": "uniform", "theta": 0.1},
    "outliers 20%": {"kind": "gaussian", "theta": 0.1, "outliers": 0.2},
    "amplitudes 0.5": {"kind": "amplitudes", "theta": 0.1, "spread": 0.5},
}
"""Samples for which the estimate is meant."""

OUTSIDE = {
    "tails of t, 2.2": {"kind": "t", "theta": 0.1},
    "groups of five": {"kind": "groups", "theta": 0.1},
    "amplitudes 1": {"kind": "amplitudes", "theta": 0.1, "spread": 1.0},
    "300 samples": {"kind": "gaussian", "theta": 0.1, "few": 300},
    "noise, condition 10": {"kind": "gaussian", "theta": 0.2, "noise": 0.1, "condition": 10.0},
}
"""Samples for which it is not."""

UNLEARNABLE = {
    "groups of five": {"kind": "groups", "theta": 0.1},
    "Gaussian": {"kind": "gaussian", "theta": 1.0},
    "uniform": {"kind": "uniform", "theta": 1.0},
    "half sparse": {"kind": "half", "theta": 0.1},
}
"""Samples with atoms that cannot be learned by the ℓp norm."""

_USUAL = {"kind": "", "theta": 0.0, "noise": 0.0, "outliers": 0.0, "spread": 0.0, "condition": 1.0, "few": 0}
_JUDGED = {("errors", name) for name in INSIDE} | {("learnable", name) for name in UNLEARNABLE}


# Limits of `learnable_` were chosen on smaller seeds.
_FIRST_SEED = 100


def cases(
    shapes: Sequence[tuple[int, int, float]], seeds: int, thetas: Sequence[float], large: Sequence[tuple[int, int]]
) -> Iterator[Row]:
    """All parts, one seed after the other, so that a run that was stopped has some of everything."""
    for seed in range(_FIRST_SEED, _FIRST_SEED + seeds):
        for n, r, p in shapes:
            for part, families in (("errors", {**INSIDE, **OUTSIDE}), ("learnable", UNLEARNABLE)):
                for name, family in families.items():
                    yield {"part": part, "name": name, "n": n, "r": r, "p": p, **_USUAL, **family, "seed": seed}
        for n, r in large if seed == _FIRST_SEED else ():
            for theta in thetas:
                where = {"part": "sizes", "name": "sizes", "n": n, "r": r, "p": 3}
                yield {**where, **_USUAL, "kind": "signs", "theta": theta, "seed": seed}


_THETAS = (0.3, 0.33, 0.35, 0.37, 0.4, 0.45, 0.5, 0.55, 0.6)
_SHAPES = [(20, 2000, 3), (20, 8000, 3), (50, 5000, 3), (20, 8000, 4)]
PRESETS = {
    "quick": lambda: cases([(10, 4000, 3)], 1, (0.3, 0.5), [(8, 5000)]),
    "paper": lambda: cases(_SHAPES, 8, _THETAS, [(10, 20_000), (20, 40_000)]),
}


def codes(
    kind: str, r: int, n: int, theta: float, spread: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Codes of a kind, and which of them can be learned."""
    learnable = np.ones(n, dtype=bool)
    share = np.geomspace(0.02, 0.6, n) if kind == "unequal" else theta
    active = rng.random((r, n)) < share
    if kind == "groups":
        active = np.repeat(rng.random((r, -(-n // 5))) < theta, 5, axis=1)[:, :n]
    values = {
        "laplace": lambda: rng.laplace(size=(r, n)),
        "uniform": lambda: active * rng.uniform(-1, 1, (r, n)) * 3**0.5,
        "signs": lambda: active * rng.choice([-1.0, 1.0], (r, n)),
        "t": lambda: active * rng.standard_t(2.2, (r, n)),
    }.get(kind, lambda: active * rng.standard_normal((r, n)))()
    if kind == "amplitudes":
        values = values * np.exp(spread * rng.standard_normal(r))[:, None]
    if kind == "half":
        quarter = n // 4
        values[:, :quarter] = rng.standard_normal((r, quarter))
        values[:, quarter : 2 * quarter] = rng.uniform(-1, 1, (r, quarter)) * 3**0.5
        values[:, 2 * quarter :] /= theta**0.5
        learnable[: 2 * quarter] = False
    return values, learnable


def trial(
    part: str,
    name: str,
    n: int,
    r: int,
    p: float,
    kind: str,
    theta: float,
    noise: float,
    outliers: float,
    spread: float,
    condition: float,
    few: int,
    seed: int,
) -> Row:
    """True and estimated errors of one fit, and how many atoms were flagged, rightly and wrongly."""
    rng, r = np.random.default_rng([seed, n, r]), few or r
    U, V = (np.linalg.qr(rng.standard_normal((n, n)))[0] for _ in range(2))
    D = (U * np.geomspace(condition**0.5, condition**-0.5, n)) @ V
    values, learnable = codes(kind, r, n, theta, spread, rng)
    X = values @ D.T + noise * rng.standard_normal((r, n))
    X = np.vstack([X, rng.standard_normal((round(outliers * r), n))])
    contrast = "auto" if part == "sizes" else "power"
    limit = 500 if part == "sizes" else 150  # what cannot be learned need not converge
    model = LpDictionaryLearning(p=p, contrast=contrast, tol=1e-4, max_iter=limit, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X)
    overlaps = np.abs(model.unmixing_ @ (D * values.std(axis=0)))
    nearest = overlaps.argmax(axis=1)
    # An atom counts as a mixture of those that cannot be learned if these have most of its square.
    squares = overlaps**2
    true = squares[:, learnable].sum(axis=1) > squares[:, ~learnable].sum(axis=1)
    if name in UNLEARNABLE and name != "half sparse":
        true[:] = False
    product = overlaps / np.linalg.norm(overlaps, axis=1, keepdims=True)
    atoms = D / np.linalg.norm(D, axis=0)
    signs = np.sign(np.einsum("ij,ji->i", model.components_, atoms[:, nearest]))
    deviations = model.components_ - signs[:, None] * atoms[:, nearest].T
    return {
        "error": 1 - float((product**4).sum()) / n,
        "estimate": model.expected_error_,
        "atom_error": float((deviations**2).sum()),
        "atom_estimate": float((model.standard_errors_**2).sum()),
        "flagged": int((~model.learnable_).sum()),
        "wrong": int((model.learnable_ != true).sum()),
        "contrast": model.contrast_,
        "n_iter": model.n_iter_,
    }


def errors(rows: list[Row]) -> dict[tuple, dict[str, float]]:
    """For each shape, p and family the ratios of true to estimated squared errors, of rows and of atoms."""
    return {key: ratios(same) for key, same in groups(rows, "errors", "n", "r", "p", "name").items()}


def meant(n: int, r: int, p: float, name: str) -> bool:
    """Whether the estimate is meant for these samples."""
    return name in INSIDE and (name != "amplitudes 0.5" or (p == 3 and r >= 400 * n))


def ratios(rows: list[Row]) -> dict[str, float]:
    """Ratio of the mean true to the mean estimated squared error of rows and atoms; of medians for amplitudes."""
    center = np.median if rows[0]["kind"] == "amplitudes" else np.mean
    return {
        name: float(center([row[true] for row in rows]) / center([row[estimate] for row in rows]))
        for name, true, estimate in (("rows", "error", "estimate"), ("atoms", "atom_error", "atom_estimate"))
    }


def sizes(rows: list[Row]) -> dict[tuple, float]:
    """For each shape and θ the median error with codes −1, 0, 1."""
    found = groups(rows, "sizes", "n", "r", "theta")
    return {key: float(np.median([row["error"] for row in same])) for key, same in found.items()}


def wrong(rows: list[Row]) -> int:
    """Atoms that are flagged and can be learned, or cannot be learned and are not flagged."""
    return sum(row["wrong"] for row in rows)


def summary(rows: list[Row]) -> str:
    """Tables of ratios, of flags and of errors, and the verdict."""
    found = errors(rows)
    names = dict.fromkeys(key[-1] for key in found)
    shapes = dict.fromkeys(key[:-1] for key in found)
    head = ["samples", *(f"n = {n}, r = {r}, p = {p:g}" for n, r, p in shapes)]
    table = [
        [name, *(" / ".join(f"{ratio:.2f}" for ratio in found[(*shape, name)].values()) for shape in shapes)]
        for name in names
    ]
    table_of_flags = []
    for part, families in (("learnable", UNLEARNABLE), ("errors", INSIDE)):
        cells = groups(rows, part, "n", "r", "p", "name")
        for name in families:
            same = [cells[(*shape, name)] for shape in shapes]
            entries = (f"{np.mean([row['flagged'] / row['n'] for row in cell]):.1%}, {wrong(cell)}" for cell in same)
            table_of_flags.append([name, *entries])
    ones = [[n, r, f"{theta:g}", f"{100 * error:.2f}"] for (n, r, theta), error in sizes(rows).items()]
    return "\n\n".join(
        [
            "Mean squared error of rows / atoms over its estimate:",
            markdown(head, table),
            "Atoms that are flagged, and the number flagged wrongly:",
            markdown(head, table_of_flags),
            "Median error in per cent with codes −1, 0, 1:",
            markdown(["n", "r", "θ", "error"], ones),
            _verdict(rows),
        ]
    )


def _verdict(rows: list[Row]) -> str:
    found = errors(rows)
    inside, outside = (
        [ratio for key in found if meant(*key) == side for ratio in found[key].values()] for side in (True, False)
    )
    judged = [
        row for row in rows if row["p"] == 3 and row["r"] >= 400 * row["n"] and (row["part"], row["name"]) in _JUDGED
    ]
    mistakes = wrong(judged)
    failed = [f"θ = {theta:g} with n = {n}" for (n, _, theta), error in sizes(rows).items() if error > SUCCESS]
    held = LIMITS[0] <= min(inside) and max(inside) <= LIMITS[1], not mistakes, not failed
    texts = (
        f"the ratio is {min(inside):.2f} to {max(inside):.2f} in {len(inside) // 2} cells "
        f"(outside its range {min(outside):.2f} to {max(outside):.2f})",
        f"{mistakes} of {sum(row['n'] for row in judged)} atoms are flagged wrongly for p = 3 and r ≥ 400 n",
        f"codes of one size are not learned at {', '.join(failed) or 'no θ'}",
    )
    claims = zip(held, texts, strict=True)
    return (
        "Verdict: "
        + "; ".join(
            f"{number}. {'stands' if good else 'REFUTED'}: {text}" for number, (good, text) in enumerate(claims, 1)
        )
        + "."
    )


if __name__ == "__main__":
    main("dictionary_errors", PRESETS, trial, summary, __doc__)
