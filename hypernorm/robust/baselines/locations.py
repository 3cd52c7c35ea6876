"""The standard estimators of location by name, insensitive to shift, scale and samples without weight."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import numpy as np

from hypernorm.robust.baselines.elementary import (
    Location,
    coordinatewise_median,
    geometric_median,
    huber_location,
    median_of_means,
    sample_mean,
    trimmed_mean,
)
from hypernorm.robust.baselines.spectral_locations import lai_rao_vempala, lee_valiant, projected_gradient

__all__ = ["CLASSICAL", "LocationEstimator"]

LocationEstimator = Callable[[np.ndarray, float, np.ndarray, np.random.Generator], Location]


_FARTHEST = 1e100


def _standardised(estimate: LocationEstimator) -> LocationEstimator:
    """Apply the estimator to the samples with weight, shifted and scaled so that most lengths are of order one.

    The shift keeps digits where the center is far from the origin. Coordinates are then clipped at ±1e100, so that
    their squares do not overflow; only outliers are that far out.
    """

    @wraps(estimate)
    def function(X: np.ndarray, contamination: float, weights: np.ndarray, rng: np.random.Generator) -> Location:
        present = weights > 0
        normalised = weights[present] / weights[present].sum()
        origin = np.median(X[present], axis=0)
        # Halves first: the difference of two huge numbers of opposite sign may overflow.
        Z = X[present] / 2 - origin / 2
        sizes = np.abs(Z).max(axis=1)
        exponent = int(np.frexp(np.median(sizes) or sizes.max())[1])
        with np.errstate(over="ignore"):
            Z = np.clip(np.ldexp(Z, -exponent), -_FARTHEST, _FARTHEST)
        location, kept = estimate(Z, contamination, normalised, rng)
        if kept is not None:
            final = np.zeros(len(X))
            final[present] = kept
            kept = final
        return origin + 2 * np.ldexp(location, exponent), kept

    return function


CLASSICAL: dict[str, LocationEstimator] = {
    "mean": sample_mean,
    "coordinatewise_median": _standardised(coordinatewise_median),
    "trimmed_mean": _standardised(trimmed_mean),
    "geometric_median": _standardised(geometric_median),
    "median_of_means": _standardised(median_of_means),
    "huber": _standardised(huber_location),
    "lai_rao_vempala": _standardised(lai_rao_vempala),
    "lee_valiant": _standardised(lee_valiant),
    "projected_gradient": _standardised(projected_gradient),
}
"""``CLASSICAL[name](X, contamination, weights, rng)`` returns (location, final weights or None).

X of shape (n, d) is finite and in double precision. Weights of shape (n,) are non-negative and not all zero; their sum
does not matter. Final weights sum to one and have the location as their mean.
"""
