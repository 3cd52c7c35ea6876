"""Trials of the experiment on robust means: samples, and the errors of every method on them."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits

from experiments.means.families import FAMILIES
from experiments.means.methods import CERTIFIED, DETERMINANT, MOMENT, ORACLE, OURS, Estimate, estimators
from experiments.runner import Row
from hypernorm.datasets import INLIERS, contaminated
from hypernorm.datasets.contamination import Contaminated
from hypernorm.exceptions import ConvergenceWarning
from hypernorm.robust import RobustMean

DATA = ("digits, another digit", "digits, negatives", "breast cancer, malignant", "breast cancer, wrong units")
"""Names of the tables in the part "data"."""


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
        if part == "families":
            return on_family(seed=seed, **case)
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


def on_family(family: str, seed: int) -> Row:
    """Mahalanobis distances to the mean of the inliers, over its expected sampling error √(r/n), and to zero.

    r is the rank of the inliers' covariance. Zero is the center of the symmetric families.
    """
    samples, is_inlier, told = FAMILIES[family].draw(np.random.default_rng([seed, *family.encode()]))
    inliers = samples[is_inlier]
    scales = np.where(inliers.std(axis=0) > 0, inliers.std(axis=0), 1)
    values, vectors = np.linalg.eigh(np.cov((inliers / scales).T).reshape(len(scales), -1))
    kept = values > 1e-9 * values[-1]
    root = (vectors[:, kept] / np.sqrt(values[kept] * kept.sum() / len(inliers))).T / scales
    chosen = estimators(*samples.shape, seed)
    chosen.pop(CERTIFIED, None)
    located = {name: estimate(samples, told) for name, estimate in chosen.items()}
    located = {name: mean for name, mean in located.items() if np.isfinite(mean).all()}
    located[ORACLE] = inliers.mean(axis=0)
    return {
        "half": FAMILIES[family].half,
        "group": FAMILIES[family].group,
        "columns": samples.shape[1],
        "errors": {name: _rounded(np.linalg.norm(root @ (mean - located[ORACLE]))) for name, mean in located.items()},
        "distances": {name: _rounded(np.linalg.norm(root @ mean)) for name, mean in located.items()},
    }


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
