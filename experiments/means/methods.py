"""The methods of the experiment on robust means, and what the tables call them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.covariance import MinCovDet

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

DETERMINANT_LARGEST = 4_000, 80
"""n and d up to which the minimum covariance determinant runs; it takes most of the time."""
CERTIFIED_ENTRIES = 2_000

Estimate = Callable[[np.ndarray, float], np.ndarray]


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
        result[DETERMINANT] = lambda X, fraction: _least_determinant(X, seed)
    return result


def _least_determinant(X: np.ndarray, seed: int) -> np.ndarray:
    """The location of the minimum covariance determinant; not a number where it is zero, as for rare indicators."""
    try:
        return np.asarray(MinCovDet(random_state=seed).fit(X).location_)
    except ValueError:
        return np.full(X.shape[1], np.nan)
