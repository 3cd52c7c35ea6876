"""Robust means under contamination: the moment filter beside the standard estimators, for every kind of outliers.

Claims: (1) Outliers in the least-variance direction of an unknown covariance are seen by the whitened fourth moment and
by nothing else: at ε = 0.05 and 0.1 its bias is at most a tenth of every competitor's. (2) On clean samples no method
of ours loses more than 10% to the sample mean. (3) Against clusters at the worst distance the fourth moment beats the
covariance filter, whose rate is √ε, where ε < d^{-1/2}. Each is refuted by the numbers that the verdict prints.

Parts, all around the base point of n = 500 samples in d = 20 dimensions, ε = 0.1, normal inliers, one cluster:

contamination  ε from 0 to 0.45, for every adversary; "hidden" with deviations from 1 to 0.1.
inliers        Every family, clean and with every adversary. The methods are told ε = 0.1 on clean samples too.
clean          Every family without outliers, n = 100 in d = 25 and n = 2,000 in d = 50.
dimension      d from 10 to 500 at n = 2,000, clean and with one cluster.
samples        n from 20 to 10,000, clean and with one cluster.
rate           n = 4,000, d = 16, ε from 0.01 to 0.3, a cluster at several distances; the worst counts for each method.
hidden         n = 4,000 and 1,000, d = 40, deviations from 1 to 0.1, a cluster 5 deviations out along the least.
adaptive       Of eight clusters the one that hurts the method most, for each method.
data           Digits and breast cancers with rows of another class, or rows that went wrong; scaled to deviation 1.
small          n = 150, d = 6, with certified reweighting, which takes seconds: three adversaries, every family clean.
weights        One sample, with the weights and scores of the moment filter.

Errors are Mahalanobis distances in the inliers' own covariance (for data, root mean squares over the scaled columns):
`errors` to the center of the distribution; in "hidden" and "rate" `biases` to the mean of the inliers in the sample,
whose own distance to the center is the entry "inliers" of `errors`: what nobody who does not know the outliers can
expect to beat.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from sklearn.covariance import MinCovDet
from sklearn.datasets import load_breast_cancer, load_digits

from experiments import repeats
from experiments.runner import Row, main
from experiments.tables import markdown
from hypernorm.datasets import INLIERS, contaminated
from hypernorm.datasets.contamination import Contaminated
from hypernorm.exceptions import ConvergenceWarning
from hypernorm.robust import RobustMean
from hypernorm.robust.baselines.locations import CLASSICAL

MOMENT = "moment filter"
KNOWN = "quantum entropy, known covariance"
CERTIFIED = "certified reweighting"
OURS = {
    MOMENT: "moment",
    "covariance filter": "covariance",
    "quantum entropy": "quantum_entropy",
    KNOWN: "quantum_entropy",
    CERTIFIED: "certified",
}
"""What the tables call the methods of `RobustMean` that are not among the standard estimators."""
STANDARD = {
    "mean": "sample mean",
    "coordinatewise_median": "coordinatewise median",
    "trimmed_mean": "trimmed mean",
    "geometric_median": "geometric median",
    "median_of_means": "median of means",
    "huber": "Huber",
    "lai_rao_vempala": "Lai–Rao–Vempala",
    "lee_valiant": "Lee–Valiant",
    "projected_gradient": "projected gradient",
}
DETERMINANT = "minimum covariance determinant"
METHODS = (*OURS, *STANDARD.values(), DETERMINANT)
UNINFORMED = tuple(name for name in METHODS if name != KNOWN)
"""Methods that see the samples and ε only."""
ORACLE = "inliers"
"""The mean of the inliers of the sample."""

BASE = {"n": 500, "d": 20, "contamination": 0.1, "inliers": "gaussian", "adversary": "cluster"}
ADVERSARIES = ("cluster", "two_clusters", "shell", "subtractive", "far", "dkk", "hidden")
CONTAMINATIONS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.45)
RATES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3)
DISTANCES = (2.0, 3.0, 5.0, 9.0)
"""Of the cluster from the center in the part "rate", in standard deviations."""
HIDDEN = (0.05, 0.1, 0.15, 0.21, 0.25, 0.3)
DATA = ("digits, another digit", "digits, negatives", "breast cancer, malignant", "breast cancer, wrong units")
DETERMINANT_LARGEST = 4_000, 50
"""n and d up to which the minimum covariance determinant runs; it takes most of the time."""
CERTIFIED_ENTRIES = 2_000
LOSS = 0.1
GAIN = 10.0

Estimate = Callable[[np.ndarray, float], np.ndarray]


def cases(
    seeds: int,
    dimensions: Sequence[int],
    sizes: Sequence[int],
    clean: Sequence[tuple[int, int]],
    large: Sequence[int],
    small: tuple[int, int],
) -> Iterator[Row]:
    """All parts, one seed after the other, so that a run that was stopped has some of everything.

    The parts "hidden" and "rate" have the last of the `large` sizes, "clean" and "small" have the n and d of
    `clean` and `small`.
    """
    for seed in range(seeds):
        for adversary in ADVERSARIES:
            inliers = "gaussian_decaying" if adversary == "hidden" else "gaussian"
            for fraction in CONTAMINATIONS:
                yield _case("contamination", seed, adversary=adversary, contamination=fraction, inliers=inliers)
        for inliers in INLIERS:
            for adversary in ("none", *ADVERSARIES):
                yield _case("inliers", seed, inliers=inliers, adversary=adversary)
            for n, d in clean:
                yield _case("clean", seed, n=n, d=d, inliers=inliers, adversary="none")
        for adversary in ("none", "cluster"):
            for d in dimensions:
                yield _case("dimension", seed, d=d, n=2_000, adversary=adversary)
            for n in sizes:
                yield _case("samples", seed, n=n, adversary=adversary)
        for data in DATA:
            for fraction in (0.0, 0.05, 0.1, 0.2, 0.3):
                yield {"part": "data", "data": data, "contamination": fraction, "seed": seed}
        for n in large:
            for fraction in HIDDEN:
                yield _case(
                    "hidden", seed, n=n, d=40, contamination=fraction, inliers="gaussian_decaying", adversary="hidden"
                )
        for fraction in (0.05, 0.1, 0.2, 0.3):
            yield _case("adaptive", seed, contamination=fraction, adversary="adaptive")
        for fraction in RATES:
            for distance in DISTANCES:
                yield _case("rate", seed, n=large[-1], d=16, contamination=fraction, distance=distance / 4)
        for adversary in ("cluster", "dkk", "hidden"):
            inliers = "gaussian_decaying" if adversary == "hidden" else "gaussian"
            yield _case("small", seed, n=small[0], d=small[1], adversary=adversary, inliers=inliers)
        for inliers in INLIERS:
            yield _case("small", seed, n=small[0], d=small[1], adversary="none", inliers=inliers)
    yield _case("weights", 0)


def _case(part: str, seed: int, **changes: Any) -> Row:
    return {"part": part, **BASE, **changes, "seed": seed}


PRESETS = {
    "quick": lambda: cases(2, (10, 20), (20, 100, 1_000), ((100, 25),), (1_000,), (60, 3)),
    "paper": lambda: cases(
        20,
        (10, 20, 50, 100, 200, 500),
        (20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000),
        ((100, 25), (2_000, 50)),
        (1_000, 4_000),
        (150, 6),
    ),
}


def estimators(n: int, d: int, seed: int, covariance: np.ndarray | None = None) -> dict[str, Estimate]:
    """Every method that is feasible for n samples in d dimensions, as a function of samples and contamination."""

    def ours(method: str, **options: Any) -> Estimate:
        model = RobustMean(method=method, certify=False, random_state=seed, **options)
        return lambda X, fraction: model.set_params(contamination=fraction).fit(X).location_

    def standard(name: str) -> Estimate:
        return lambda X, fraction: CLASSICAL[name](X, fraction, np.ones(len(X)), np.random.default_rng(seed))[0]

    result = {label: ours(method) for label, method in OURS.items() if label not in (KNOWN, CERTIFIED)}
    if covariance is not None:
        result[KNOWN] = ours(OURS[KNOWN], covariance=covariance)
    if n * d <= CERTIFIED_ENTRIES:
        result[CERTIFIED] = ours(OURS[CERTIFIED])
    result |= {label: standard(name) for name, label in STANDARD.items()}
    if 2 * d < n <= DETERMINANT_LARGEST[0] and d <= DETERMINANT_LARGEST[1]:
        result[DETERMINANT] = lambda X, fraction: MinCovDet(random_state=seed).fit(X).location_
    return result


def trial(part: str, seed: int, **case: Any) -> Row:
    """Errors of every method on one sample."""
    with warnings.catch_warnings():
        # A method that was ended by its limits is judged by its error.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", module="sklearn")
        if part == "data":
            return on_data(seed=seed, **case)
        if part == "adaptive":
            return against_each(seed=seed, **case)
        sample = make(seed=seed, **case)
        if part == "weights":
            return weights_and_scores(sample, case["contamination"], seed)
        chosen = estimators(case["n"], case["d"], seed, sample.covariance)
        if part != "small":
            chosen.pop(CERTIFIED, None)
        if part == "rate":
            chosen.pop(DETERMINANT, None)
        row = measure(
            sample, {name: estimate(sample.samples, case["contamination"]) for name, estimate in chosen.items()}
        )
        if part not in ("hidden", "rate"):
            del row["biases"]
        return row | proved(sample, case["contamination"], seed) if part == "contamination" else row


def make(
    seed: int,
    n: int,
    d: int,
    contamination: float,
    inliers: str,
    adversary: str,
    distance: float | None = None,
    estimator: Estimate | None = None,
) -> Contaminated:
    """Draw the sample of a case, with the same inliers for every adversary and contamination."""
    return contaminated(
        n,
        d,
        contamination,
        inliers=inliers,
        adversary=adversary,
        distance=distance,
        estimator=estimator,
        random_state=np.random.default_rng([seed, n, d, INLIERS.index(inliers)]),
    )


def measure(sample: Contaminated, locations: dict[str, np.ndarray]) -> Row:
    """Mahalanobis distances to the center and to the mean of the inliers."""
    root = np.linalg.cholesky(np.linalg.inv(sample.covariance)).T

    def distance(location: np.ndarray, target: np.ndarray) -> float:
        return _rounded(np.linalg.norm(root @ (location - target)))

    errors = {name: distance(location, sample.center) for name, location in locations.items()}
    errors[ORACLE] = distance(sample.inlier_mean, sample.center)
    return {
        "errors": errors,
        "biases": {name: distance(location, sample.inlier_mean) for name, location in locations.items()},
    }


def _rounded(value: Any) -> float:
    """Six digits, which keep the file of results small."""
    return float(f"{value:.6g}")


def proved(sample: Contaminated, contamination: float, seed: int) -> Row:
    """The proved error bound of the moment filter, and its distance to the mean of the inliers."""
    model = RobustMean(contamination, method=OURS[MOMENT], random_state=seed).fit(sample.samples)
    return {
        "bound": model.error_bound_ if math.isfinite(model.error_bound_) else None,
        "bounded": float(np.linalg.norm(model.location_ - sample.inlier_mean)),
    }


def against_each(seed: int, **case: Any) -> Row:
    """Each method on the sample that was drawn against it."""
    rows = {}
    for name, estimate in estimators(case["n"], case["d"], seed).items():
        sample = make(seed=seed, estimator=estimate, **case)
        rows[name] = measure(sample, {name: estimate(sample.samples, case["contamination"])})
    errors = {name: row["errors"][name] for name, row in rows.items()}
    errors[ORACLE] = next(iter(rows.values()))["errors"][ORACLE]
    return {"errors": errors}


def on_data(data: str, contamination: float, seed: int) -> Row:
    """Root mean squared errors over the columns, which are scaled to deviation 1 among the inliers."""
    rng = np.random.default_rng([seed, DATA.index(data)])
    clean, others = load(data)
    scales = clean.std(axis=0)
    varying = scales > 0
    samples = clean.copy()
    replaced = rng.choice(len(clean), size=math.floor(contamination * len(clean)), replace=False)
    samples[replaced] = others[rng.choice(len(others), size=len(replaced), replace=False)]
    samples, truth = samples[:, varying] / scales[varying], clean[:, varying].mean(axis=0) / scales[varying]
    chosen = estimators(*samples.shape, seed)
    errors = {name: estimate(samples, contamination) - truth for name, estimate in chosen.items()}
    errors[ORACLE] = np.delete(samples, replaced, axis=0).mean(axis=0) - truth
    return {"errors": {name: _rounded(np.sqrt(np.mean(error**2))) for name, error in errors.items()}}


def load(data: str) -> tuple[np.ndarray, np.ndarray]:
    """The inliers of a table, and the rows that replace some of them."""
    if data.startswith("digits"):
        X, y = load_digits(return_X_y=True)
        threes = X[y == 3]
        return threes, X[y == 8] if "another" in data else X.max() - threes
    X, y = load_breast_cancer(return_X_y=True)
    benign = X[y == 1]
    return benign, X[y == 0] if "malignant" in data else 10 * benign


def weights_and_scores(sample: Contaminated, contamination: float, seed: int) -> Row:
    """What the moment filter thinks of each sample."""
    model = RobustMean(contamination, method=OURS[MOMENT], random_state=seed).fit(sample.samples)
    return {
        "weights": np.round(model.weights_ * len(sample.samples), 4),
        "scores": np.round(model.scores_, 3),
        "is_inlier": sample.is_inlier,
    }


FACTORS = {
    "contamination": ("adversary", "contamination"),
    "inliers": ("inliers", "adversary"),
    "clean": ("inliers", "adversary", "n", "d"),
    "dimension": ("adversary", "d"),
    "samples": ("adversary", "n"),
    "rate": ("contamination", "distance"),
    "hidden": ("n", "contamination"),
    "small": ("inliers", "adversary"),
    "adaptive": ("contamination",),
    "data": ("data", "contamination"),
}
"""What tells the settings of a part apart."""


def groups(rows: Iterable[Row], part: str) -> dict[tuple, list[Row]]:
    """The rows of a part by setting, in the order of the settings."""
    return repeats.groups(rows, part, *FACTORS[part])


def mean_errors(rows: Sequence[Row], measured: str = "errors") -> dict[str, tuple[float, float]]:
    """Mean and standard error of every method, over the rows in which it was measured."""
    result = {}
    for name in (*METHODS, ORACLE):
        values = np.array([row[measured][name] for row in rows if name in row[measured]])
        if len(values) > 1:
            result[name] = repeats.mean_and_error(values)
    return result


def excess(rows: Sequence[Row], method: str, reference: str) -> tuple[float, float]:
    """Mean and standard error of the paired difference of errors, over the rows in which both were measured."""
    both = [row["errors"] for row in rows if method in row["errors"] and reference in row["errors"]]
    return repeats.mean_and_error(np.array([errors[method] - errors[reference] for errors in both]))


def winners(rows: Sequence[Row]) -> list[str]:
    """The method with the least mean error, and those within two standard errors of the paired difference to it."""
    means = {name: mean for name, (mean, _) in mean_errors(rows).items() if name in UNINFORMED}
    ranked = sorted(means, key=means.__getitem__)
    differences = {name: excess(rows, name, ranked[0]) for name in ranked[1:]}
    return [ranked[0], *(name for name, (mean, error) in differences.items() if mean <= 2 * error)]


def summary(rows: list[Row]) -> str:
    """Tables of all parts, who wins where, and the verdict."""
    parts = [table(rows, part) for part in FACTORS if part != "rate"]
    return "\n\n".join([*parts, rate_table(rows), winner_table(rows), verdict(rows)])


def table(rows: list[Row], part: str) -> str:
    """Mean errors; of the part "hidden" the biases, where the mean of the inliers is what can be known."""
    measured = "biases" if part == "hidden" else "errors"
    lines = []
    for setting, same in groups(rows, part).items():
        means = mean_errors(same, measured)
        cells = [f"{means[name][0]:.3f}" if name in means else "" for name in (*METHODS, ORACLE)]
        lines.append([" ".join(map(str, setting)), *cells])
    return f"### {part}: {measured}\n" + markdown([", ".join(FACTORS[part]), *METHODS, ORACLE], lines)


def worst_biases(rows: list[Row]) -> dict[float, dict[str, tuple[float, float]]]:
    """For each contamination of the part "rate", the bias at the distance that is worst for the method."""
    result: dict[float, dict[str, tuple[float, float]]] = {}
    for (fraction, _), same in groups(rows, "rate").items():
        worst = result.setdefault(fraction, {})
        for name, value in mean_errors(same, "biases").items():
            worst[name] = max(value, worst.get(name, (0.0, 0.0)))
    return result


def exponent(rows: list[Row], method: str, largest: float) -> float:
    """Slope of the logarithm of the worst bias against log ε, for ε up to `largest`."""
    worst = {fraction: biases[method][0] for fraction, biases in worst_biases(rows).items() if fraction <= largest}
    return float(np.polyfit(np.log(list(worst)), np.log(list(worst.values())), 1)[0])


def rate_table(rows: list[Row]) -> str:
    """Worst biases over the distances of the cluster, and their growth with ε."""
    worst = worst_biases(rows)
    names = [name for name in METHODS if name in next(iter(worst.values()))]
    lines = [[fraction, *(f"{biases[name][0]:.3f}" for name in names)] for fraction, biases in worst.items()]
    lines.append(["exponent, ε ≤ 0.2", *(f"{exponent(rows, name, 0.2):.2f}" for name in names)])
    return "### rate: worst biases over the distances\n" + markdown(["ε", *names], lines)


def winner_table(rows: list[Row]) -> str:
    """Who wins where: the best method of each setting with those that tie with it, and how often each is among them."""
    lines = []
    totals = {part: len(groups(rows, part)) for part in FACTORS}
    counts = {name: dict.fromkeys(FACTORS, 0) for name in METHODS}
    for part in FACTORS:
        for setting, same in groups(rows, part).items():
            best, *ties = winners(same)
            for name in (best, *ties):
                counts[name][part] += 1
            words = ", ".join(f"{name} {value}" for name, value in zip(FACTORS[part], setting, strict=True))
            lines.append([part, words, best, ", ".join(ties)])
    ranked = sorted((name for name in METHODS if name in UNINFORMED), key=lambda name: -sum(counts[name].values()))
    often = [[name, *counts[name].values(), sum(counts[name].values())] for name in ranked]
    often.append(["settings", *totals.values(), sum(totals.values())])
    return (
        "### who wins\n"
        + markdown(["part", "setting", "best", "ties"], lines)
        + "\n\n### best, or tied with the best\n"
        + markdown(["method", *FACTORS, "all"], often)
    )


def hidden_gains(rows: list[Row]) -> dict[float, tuple[float, str]]:
    """For each contamination, n at its largest: the least bias of a competitor over the moment filter's, and whose."""
    settings = groups(rows, "hidden")
    largest = max(n for n, _ in settings)
    result = {}
    for (n, fraction), same in settings.items():
        if n == largest:
            biases = {name: mean for name, (mean, _) in mean_errors(same, "biases").items() if name in UNINFORMED}
            rival = min((name for name in biases if name != MOMENT), key=biases.__getitem__)
            result[fraction] = biases[rival] / biases[MOMENT], rival
    return result


def clean_losses(rows: list[Row], method: str) -> list[tuple[float, float, str]]:
    """On every clean setting the excess over the sample mean's error, relative to it, its error, and the setting."""
    result = []
    for part in ("inliers", "clean", "dimension", "samples", "small"):
        for setting, same in groups(rows, part).items():
            means = mean_errors(same)
            if "none" in setting and method in means:
                reference = means[STANDARD["mean"]][0]
                difference, error = excess(same, method, STANDARD["mean"])
                result.append((difference / reference, error / reference, f"{part} {' '.join(map(str, setting))}"))
    return result


def verdict(rows: list[Row]) -> str:
    """Whether each claim stands."""
    return "\n".join([*hidden_verdict(rows), *clean_verdict(rows), *rate_verdict(rows), *bound_verdict(rows)])


def _word(stands: bool) -> str:
    return "stands" if stands else "REFUTED"


def hidden_verdict(rows: list[Row]) -> list[str]:
    """Claim 1, and what becomes of it near ε = 0.21."""
    gains = hidden_gains(rows)
    words = "; ".join(f"{gain:.1f} at ε = {fraction} ({rival})" for fraction, (gain, rival) in gains.items())
    stands = all(gain >= GAIN for fraction, (gain, _) in gains.items() if 0.05 <= fraction <= 0.1)
    return [
        f"1. hidden outliers, least bias of a competitor over that of the {MOMENT}: {words}",
        f"1. Verdict: {_word(stands)} for ε = 0.05 and 0.1 (at least {GAIN:g}).",
    ]


def clean_verdict(rows: list[Row]) -> list[str]:
    """Claim 2: the worst loss of each method, and everything that loses too much."""
    lines, failures = [], []
    for name in OURS:
        losses = clean_losses(rows, name)
        if losses:
            loss, error, where = max(losses)
            lines.append(f"2. clean samples, {name}: loses at most {100 * loss:+.1f} ± {100 * error:.1f}% ({where})")
        failures += [
            f"{name} on {where} ({100 * loss:.0f} ± {100 * error:.0f}%)" for loss, error, where in losses if loss > LOSS
        ]
    return [*lines, f"2. Verdict: {_word(not failures)}{' by ' + '; '.join(failures) if failures else ''}."]


def rate_verdict(rows: list[Row]) -> list[str]:
    """Claim 3: worst biases below ε = d^{-1/2}."""
    rival = "covariance filter"
    below = {fraction: biases for fraction, biases in worst_biases(rows).items() if fraction < 16**-0.5}
    ratios = "; ".join(
        f"{biases[rival][0] / biases[MOMENT][0]:.2f} at {fraction}" for fraction, biases in below.items()
    )
    roots = "; ".join(
        f"{biases[MOMENT][0] / math.sqrt(fraction):.2f} at {fraction}" for fraction, biases in below.items()
    )
    slopes = ", ".join(f"{name} {exponent(rows, name, 0.2):.2f}" for name in (MOMENT, rival))
    return [
        f"3. worst bias of the {rival} over that of the {MOMENT}: {ratios}; exponents of ε: {slopes}",
        f"3. worst bias of the {MOMENT} over √ε: {roots}",
        f"3. Verdict: {_word(all(biases[MOMENT][0] < biases[rival][0] for biases in below.values()))}.",
    ]


def bound_verdict(rows: list[Row]) -> list[str]:
    """No proved bound may be below the distance that it bounds."""
    bounds = [row for row in rows if row.get("bound") is not None]
    broken = sum(row["bounded"] > row["bound"] for row in bounds)
    return [f"4. Verdict on proved bounds: {_word(broken == 0)}; {len(bounds)} finite, {broken} below the distance."]


if __name__ == "__main__":
    main("robust_mean", PRESETS, trial, summary, __doc__)
