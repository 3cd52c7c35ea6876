"""Robust covariance under contamination: error against ε and d, false alarms on clean data, and the proved bound.

Claims: (1) Up to ε = 0.1 the mean error of `RobustCovariance` is at most 1.5 times that of the covariance of the
inliers, which no method can know, for normal inliers and every adversary, and nowhere significantly above that of a
minimum covariance determinant. (2) On clean normal samples it flags at most 2%, for every shape from
n = 50 to 1,000, n = 100 and d = 25 included. (3) Where its premise is true the proved bound is never below the true
error. Refuted by the numbers that the verdict prints; it also names every cell of any part where another method is
significantly better, by a paired test at 2.5%.

Parts:

contamination  n = 500, d = 10, standard deviations from 1 to 0.1; ε from 0 to 0.3, for each adversary.
dimension      n = 50 d, ε = 0.1, d from 2 to 40, a cluster hidden along the direction of least variance.
tails          n = 1,000, d = 10, other families of inliers, clean and with one cluster, ε = 0.1 allowed for. The filter
               takes tails for outliers: nothing is claimed here.
clean          Samples without outliers, ε = 0.1 allowed for; the fraction that each method flags.
bound          n = 2,000, d = 4, ε from 0.005 to 0.1: the proved bound, with the premise that the inliers' kurtosis is
               at most that of the weighted samples (`bound`) and with their own (`informed`), beside the true error
               with respect to the covariance of the inliers in the sample.

Errors are those of Σ^{-1/2} Σ̂ Σ^{-1/2} − I for the covariance Σ of the distribution, `spectral` norm and `frobenius`
norm over √d. The minimum covariance determinant is that of scikit-learn, from random starts, and that of statsmodels,
from deterministic ones; both weigh the samples once more after the search. For flags it and the sample covariance take
the customary 97.5% quantile of χ² for the squared Mahalanobis distances; EllipticEnvelope flags the fraction that it is
told, 10%, by the distances of scikit-learn's minimum covariance determinant.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import scipy.linalg
from scipy.stats import chi2
from sklearn.covariance import EllipticEnvelope, EmpiricalCovariance, MinCovDet
from statsmodels.robust.covariance import CovDetMCD

from experiments.repeats import Cells, better_than, cells, mean_and_error
from experiments.runner import Row, main
from experiments.tables import markdown
from hypernorm.datasets import contaminated
from hypernorm.robust import RobustCovariance, certify_covariance, covariance_filter
from hypernorm.robust.weights import weighted_covariance

OURS, AUTO = "moment filter", "moment filter, ε unknown"
DETERMINANT, ENVELOPE = "minimum covariance determinant", "elliptic envelope"
DETERMINISTIC = "deterministic MCD (statsmodels)"
SECOND, SAMPLE, ORACLE = "covariance filter", "sample covariance", "inliers"
METHODS = (OURS, AUTO, DETERMINANT, DETERMINISTIC, SECOND, SAMPLE, ORACLE)
OTHERS = (DETERMINANT, DETERMINISTIC, SECOND, SAMPLE)
FLAGGING = (OURS, AUTO, DETERMINANT, ENVELOPE, SAMPLE)
ADVERSARIES = ("cluster", "two_clusters", "far", "dkk", "hidden", "subtractive")
CONTAMINATIONS = (0.02, 0.05, 0.1, 0.2, 0.3)
DIMENSIONS = (2, 5, 10, 20, 40)
TAILS = ("laplace", "t5", "heavy_products", "mixture")
SHAPES = ((50, 5), (100, 5), (100, 25), (100, 50), (200, 50), (500, 10), (1000, 20))
BOUNDS = (0.005, 0.01, 0.02, 0.05, 0.1)
LOSS, MODEST, FALSE_ALARMS = 1.5, 0.1, 0.02


def cases(
    seeds: int, dimensions: Sequence[int], families: Sequence[str], shapes: Sequence[tuple[int, int]], alarms: int
) -> Iterator[Row]:
    """All parts, one seed after the other, so that a run that was stopped has some of everything."""
    for seed in range(seeds):
        yield _case("contamination", seed, 500, 10, 0.0, "none")
        for adversary in ADVERSARIES:
            for fraction in CONTAMINATIONS:
                yield _case("contamination", seed, 500, 10, fraction, adversary)
        for d in dimensions:
            yield _case("dimension", seed, 50 * d, d, 0.1, "hidden")
        for inliers in families:
            for adversary in ("none", "cluster"):
                yield _case("tails", seed, 1000, 10, 0.1, adversary, inliers)
            yield _case("clean", seed, 1000, 10, 0.1, "none", inliers)
        for n, d in shapes:
            for other in range(alarms * seed, alarms * (seed + 1)):
                yield _case("clean", other, n, d, 0.1, "none", "gaussian")
        for fraction in BOUNDS:
            yield _case("bound", seed, 2000, 4, fraction, "hidden")


def _case(
    part: str, seed: int, n: int, d: int, contamination: float, adversary: str, inliers: str = "gaussian_decaying"
) -> Row:
    place = {"part": part, "inliers": inliers, "n": n, "d": d}
    return {**place, "contamination": contamination, "adversary": adversary, "seed": seed}


PRESETS = {
    "quick": lambda: cases(2, (2, 5, 10), ("laplace",), ((50, 5), (100, 25)), 5),
    "paper": lambda: cases(15, DIMENSIONS, TAILS, SHAPES, 1),
}


def trial(part: str, inliers: str, n: int, d: int, contamination: float, adversary: str, seed: int) -> Row:
    """Errors, fractions of flagged samples, or the bound, of one sample."""
    sample = contaminated(n, d, contamination, inliers=inliers, adversary=adversary, random_state=seed * 1000 + d)
    if part == "clean":
        return {"flagged": flagged(sample.samples, seed)}
    if part == "bound":
        model = RobustCovariance(contamination, random_state=seed).fit(sample.samples)
        X = sample.samples[sample.is_inlier]
        kurtosis = certify_covariance(X, np.ones(len(X)), 0.0).verify(X).kurtosis
        return {
            "bound": model.error_bound_given(),
            "informed": model.error_bound_given(kurtosis),
            "error": errors(model.covariance_, EmpiricalCovariance().fit(X).covariance_)[0],
            "premise": kurtosis <= model.kurtosis_,
        }
    spectral, frobenius = {}, {}
    for name, estimate in estimators(contamination, seed).items():
        samples = sample.samples[sample.is_inlier] if name == ORACLE else sample.samples
        spectral[name], frobenius[name] = errors(estimate(samples), sample.covariance)
    return {"spectral": spectral, "frobenius": frobenius}


def errors(covariance: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Spectral norm of Σ^{-1/2} Σ̂ Σ^{-1/2} − I, and its Frobenius norm over √d."""
    deviations = scipy.linalg.eigvalsh(covariance, truth) - 1
    return float(np.abs(deviations).max()), float(np.sqrt(np.mean(deviations**2)))


def estimators(contamination: float, seed: int) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Every method as a function from samples to a covariance matrix."""

    def second_moments(X: np.ndarray) -> np.ndarray:
        found = covariance_filter(X, contamination)
        return weighted_covariance(X, found.weights, found.location)

    def deterministic(X: np.ndarray) -> np.ndarray:
        return np.asarray(CovDetMCD(X).fit(len(X) // 2 + 1).cov)

    def fitted(model: EmpiricalCovariance) -> Callable[[np.ndarray], np.ndarray]:
        return lambda X: model.fit(X).covariance_

    return {
        OURS: fitted(RobustCovariance(contamination, certify=False, random_state=seed)),
        AUTO: fitted(RobustCovariance("auto", certify=False, random_state=seed)),
        DETERMINANT: fitted(MinCovDet(random_state=seed)),
        DETERMINISTIC: deterministic,
        SECOND: second_moments,
        SAMPLE: fitted(EmpiricalCovariance()),
        ORACLE: fitted(EmpiricalCovariance()),
    }


def flagged(X: np.ndarray, seed: int) -> dict[str, float]:
    """The fraction of the samples that each method takes for outliers."""
    limit = chi2.ppf(0.975, X.shape[1])
    with warnings.catch_warnings():
        # The covariance of few samples in many dimensions is nearly singular, which is what is measured here.
        warnings.simplefilter("ignore")
        determinant = MinCovDet(random_state=seed).fit(X).dist_ > limit
        envelope = EllipticEnvelope(contamination=0.1, random_state=seed).fit(X).predict(X) < 0
    return {
        OURS: float(np.mean(~RobustCovariance(0.1, certify=False, random_state=seed).fit(X).support_)),
        AUTO: float(np.mean(~RobustCovariance("auto", certify=False, random_state=seed).fit(X).support_)),
        DETERMINANT: float(np.mean(determinant)),
        ENVELOPE: float(np.mean(envelope)),
        SAMPLE: float(np.mean(EmpiricalCovariance().fit(X).mahalanobis(X) > limit)),
    }


PARTS: dict[str, tuple[str, ...]] = {
    "contamination": ("adversary", "contamination"),
    "dimension": ("d", "contamination"),
    "tails": ("inliers", "adversary"),
    "clean": ("inliers", "n", "d"),
}
"""What tells the cells of a part apart."""


def measured(rows: list[Row], part: str, values: str = "spectral") -> Cells:
    """The values of every method in every cell of a part."""
    return cells(rows, part, PARTS[part], values)


def summary(rows: list[Row]) -> str:
    """Tables of errors and false alarms, and the verdict."""
    tables = []
    for part, keys in PARTS.items():
        values, methods = ("flagged", FLAGGING) if part == "clean" else ("spectral", METHODS)
        body = [
            [*place, *("{:.3g} ± {:.2g}".format(*mean_and_error(same[name])) for name in methods)]
            for place, same in measured(rows, part, values).items()
        ]
        tables.append(f"{part}: {values}\n\n{markdown((*keys, *methods), body)}")
    return "\n\n".join([*tables, verdict(rows)])


def verdict(rows: list[Row]) -> str:
    """What became of the claims, and where other methods are better."""
    beyond, worse, losses, modest = [], [], [], 0
    for part in ("contamination", "dimension", "tails"):
        for place, same in measured(rows, part).items():
            mean = {name: found.mean() for name, found in same.items()}
            better = better_than(OURS, OTHERS, same)
            label = " ".join(map(str, (part, *place)))
            if better:
                losses.append(f"{label}: {mean[OURS]:.3g}, {', '.join(f'{name} {mean[name]:.3g}' for name in better)}")
            if part == "tails" or place[1] > MODEST:
                continue
            modest += 1
            if mean[OURS] > LOSS * mean[ORACLE]:
                beyond.append(f"{label}: {mean[OURS]:.3g} against {mean[ORACLE]:.3g}")
            if {DETERMINANT, DETERMINISTIC} & {*better}:
                worse.append(label)
    alarms = measured(rows, "clean", "flagged")
    ours = max(same[OURS].mean() for place, same in alarms.items() if place[0] == "gaussian")
    theirs = alarms["gaussian", 100, 25][DETERMINANT].mean()
    bounds = [row for row in rows if row["part"] == "bound"]
    broken = sum(row["informed"] < row["error"] or (row["premise"] and row["bound"] < row["error"]) for row in bounds)
    sure = sum(row["premise"] for row in bounds)
    stands = not beyond and not worse and ours <= FALSE_ALARMS and not broken
    return (
        f"Verdict: {'stands' if stands else 'NOT everywhere'}: (1) up to ε = {MODEST:g} at most {LOSS:g} times the "
        f"error of the inliers in {modest - len(beyond)} of {modest} cells{_list(beyond)}, and not above a minimum "
        f"covariance determinant in {modest - len(worse)}{_list(worse)}; (2) at most {ours:.1%} of clean normal "
        f"samples flagged, where the minimum covariance determinant flags {theirs:.0%} for n = 100, d = 25; "
        f"(3) the bound failed in {broken} of {len(bounds)} trials; its default premise is true in {sure}.\n"
        f"Significantly better elsewhere: {'; '.join(losses) or 'none'}."
    )


def _list(exceptions: list[str]) -> str:
    return f" (not in {'; '.join(exceptions)})" if exceptions else ""


if __name__ == "__main__":
    main("robust_covariance", PRESETS, trial, summary, __doc__)
