"""One call for every method for robust means, with samples in memory or in chunks."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypeAlias, get_args

import numpy as np

from hypernorm._arithmetic import own_arithmetic
from hypernorm._chunks import Chunks
from hypernorm.exceptions import InvalidInputError
from hypernorm.robust.baselines.locations import CLASSICAL
from hypernorm.robust.baselines.spectral_filters import filter_by_variances
from hypernorm.robust.filter.moment_filter import filter_by_moments
from hypernorm.robust.location import RobustLocation
from hypernorm.robust.reweighting import check_dimension, reweight
from hypernorm.robust.weights import contamination_of_a_part, normalised
from hypernorm.robust.winsorising import check_reach

__all__ = ["METHODS", "Method", "estimate"]

# Methods that can work chunk by chunk, because they judge every sample by itself.
_FILTERS = ("moment", "covariance", "quantum_entropy")
Method: TypeAlias = Literal[
    "moment",
    "covariance",
    "quantum_entropy",
    "certified",
    "mean",
    "coordinatewise_median",
    "trimmed_mean",
    "geometric_median",
    "median_of_means",
    "huber",
    "lai_rao_vempala",
    "lee_valiant",
    "projected_gradient",
]
METHODS: tuple[Method, ...] = get_args(Method)
# Limit on binary exponents: squares up to it neither over- nor underflow.
_SQUARES = 450


def estimate(
    method: str,
    X: np.ndarray | Chunks,
    contamination: float,
    base: np.ndarray,
    covariance: np.ndarray | None,
    max_iter: int,
    rng: np.random.Generator,
) -> RobustLocation:
    """Estimate the mean by one of `METHODS`; nothing is checked.

    Samples in chunks are filtered chunk by chunk, each as samples of its own, which may have a few more outliers.

    Raises
    ------
    InvalidInputError
        If the method cannot work chunk by chunk.
    """
    if not isinstance(X, Chunks):
        return _in_memory(method, X, contamination, base, covariance, max_iter, rng)
    if method not in _FILTERS:
        raise InvalidInputError(
            f"X is a Dask array, for which method must be one of {', '.join(map(repr, _FILTERS))}, got {method!r}; "
            "X.compute() loads it."
        )

    whole = float(base @ base)

    @own_arithmetic
    def on_chunk(chunk: np.ndarray, base: np.ndarray, seed: int) -> RobustLocation:
        chunk, mass, generator = np.asarray(chunk, dtype=np.float64), float(base.sum()), np.random.default_rng(seed)
        check_reach(chunk)
        if mass == 0:
            return _untouched(chunk, base, contamination)
        shares = base / mass
        fraction = contamination_of_a_part(contamination, shares, whole)
        found = _in_memory(method, chunk, fraction, shares, covariance, max_iter, generator)
        removals = tuple(replace(removal, weight=mass * removal.weight) for removal in found.removals)
        assert found.weights is not None
        return replace(
            found,
            location=mass * found.location,
            weights=mass * found.weights,
            removals=removals,
            removed=mass * found.removed,
        )

    seeds = rng.integers(2**63, size=len(X.parts)).tolist()
    found = list(X.map(on_chunk, [(*X.entries(index, base), seed) for index, seed in enumerate(seeds)]))
    return RobustLocation(
        location=np.sum([part.location for part in found], axis=0),
        weights=np.concatenate([part.weights for part in found if part.weights is not None]),
        scores=np.concatenate([part.scores for part in found]),
        contamination=contamination,
        removals=tuple(removal for part in found for removal in part.removals),
        removed=sum(part.removed for part in found),
        criterion=float(np.fmax.reduce([part.criterion for part in found])),
        n_iter=max(part.n_iter for part in found),
        converged=all(part.converged for part in found),
    )


def _in_memory(
    method: str,
    X: np.ndarray,
    contamination: float,
    base: np.ndarray,
    covariance: np.ndarray | None,
    max_iter: int,
    rng: np.random.Generator,
) -> RobustLocation:
    # Scale samples whose squares would over- or underflow; powers of two change nothing else.
    exponent = int(np.frexp(np.abs(X).max(initial=0.0))[1])
    if abs(exponent) > _SQUARES:
        scaled = None if covariance is None else np.ldexp(covariance, -2 * exponent)
        inner = _in_memory(method, np.ldexp(X, -exponent), contamination, base, scaled, max_iter, rng)
        scores = np.ldexp(inner.scores, exponent) if method in CLASSICAL else inner.scores
        return replace(inner, location=np.ldexp(inner.location, exponent), scores=scores)
    if method in CLASSICAL:
        location, weights = CLASSICAL[method](X, contamination, base, rng)
        scores = np.linalg.norm(X - location, axis=1)
        return RobustLocation(
            location=location, weights=weights, scores=scores, contamination=contamination, n_iter=1, converged=True
        )
    if method == "certified":
        check_dimension(X.shape[1])
    if contamination == 0:
        return _untouched(X, base, contamination)
    if method in ("covariance", "quantum_entropy"):
        by_entropy = method == "quantum_entropy"
        return filter_by_variances(
            X, contamination, base, covariance=covariance, max_iter=max_iter, by_entropy=by_entropy
        )
    filtered = filter_by_moments(X, contamination, base, rng, max_iter=max_iter)
    if method == "moment" or not filtered.removals:
        # Where nothing looks contaminated, reweighting costs accuracy and does not improve the bound.
        return filtered
    assert filtered.weights is not None
    found = reweight(X, contamination, base, normalised(filtered.weights), rng, max_iter=max_iter)
    # If the cuts miss their tolerance the weights are nearly as good, and no less certified.
    return replace(found, removals=filtered.removals, removed=filtered.removed, converged=True)


def _untouched(X: np.ndarray, base: np.ndarray, contamination: float) -> RobustLocation:
    """The mean under the base weights, where nothing may be removed."""
    return RobustLocation(
        location=base @ X,
        weights=base,
        scores=np.zeros(len(X)),
        contamination=contamination,
        n_iter=0,
        converged=True,
    )
