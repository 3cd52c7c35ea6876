"""Filters by second moments: the eigenvalue filter and quantum entropy scoring.

Both look for directions in which the weighted variance exceeds that of clean samples. With a known covariance the
samples are whitened by it, and the variance of clean samples is at most (1 + √(d/n) + t/√n)² (the edge of the
Marchenko–Pastur law, with a margin for small samples). Otherwise each principal direction is judged by its own scale:
the variance over the squared median deviation, consistent for the normal distribution. The eigenvalue filter
(Diakonikolas et al. 2016) removes weight along the most suspicious direction. Quantum entropy scoring (Dong, Hopkins &
Li 2019) does so along all directions at once, each with a weight that grows exponentially with its excess.
"""

from __future__ import annotations

import math

import numpy as np

from hypernorm._arithmetic import own_arithmetic
from hypernorm.robust.location import Removal, RobustLocation
from hypernorm.robust.weights import BUDGET_FACTOR, check_filter, weighted_covariance, weighted_quantile
from hypernorm.robust.winsorising import winsorised

__all__ = ["covariance_filter", "filter_by_variances", "quantum_entropy_filter"]

_MARGIN = 10.0  # t in the threshold
_NORMAL_MEDIAN = 0.6744897501960817  # median of |g|
_ENTROPY = 4.0  # how fast the weight of a direction grows with its excess over the threshold
_NEGLIGIBLE = 1e-12
_SOFT_STEPS = 200
# Entries are clipped at so many median deviations: beside larger ones the others would look constant.
_FURTHEST = 1e4


@own_arithmetic
def covariance_filter(
    X: np.ndarray,
    contamination: float,
    *,
    base_weights: np.ndarray | None = None,
    covariance: np.ndarray | None = None,
    max_iter: int = 100,
) -> RobustLocation:
    """Remove weight along the principal direction with the largest excess variance, until there is no excess.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Finite, in double precision.
    contamination : float
        Fraction ε of outliers, in [0, 0.5). At most 1.5 ε of the weight is removed.
    base_weights : ndarray of shape (n,), optional
        Sum to one; equal by default.
    covariance : ndarray of shape (d, d), optional
        Covariance of the inliers, positive definite, if it is known.
    max_iter : int, default 100
        Limit on the rounds.

    Returns
    -------
    RobustLocation
        Without certificate and error bound.

    Raises
    ------
    InvalidInputError
        If an argument cannot be used.

    See Also
    --------
    robust_mean : with ``method="covariance"``, this filter with a proved error bound.
    quantum_entropy_filter : all directions at once.

    References
    ----------
    .. [1] I. Diakonikolas, G. Kamath, D. Kane, J. Li, A. Moitra and A. Stewart, "Robust estimators in high dimensions
       without the computational intractability", FOCS 2016.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((500, 3))
    >>> X[:50, 2] += 8
    >>> found = covariance_filter(X, 0.1, covariance=np.eye(3))
    >>> bool(found.weights[:50].sum() < 0.05)
    True
    """
    X, contamination, base = check_filter(X, contamination, base_weights, max_iter)
    return filter_by_variances(X, contamination, base, covariance=covariance, max_iter=max_iter)


@own_arithmetic
def quantum_entropy_filter(
    X: np.ndarray,
    contamination: float,
    *,
    base_weights: np.ndarray | None = None,
    covariance: np.ndarray | None = None,
    max_iter: int = 100,
) -> RobustLocation:
    """Remove weight along all directions of excess variance, weighted by the exponential of their excess.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Finite, in double precision.
    contamination : float
        Fraction ε of outliers, in [0, 0.5). At most 1.5 ε of the weight is removed.
    base_weights : ndarray of shape (n,), optional
        Sum to one; equal by default.
    covariance : ndarray of shape (d, d), optional
        Covariance of the inliers, positive definite, if it is known.
    max_iter : int, default 100
        Limit on the rounds.

    Returns
    -------
    RobustLocation
        Without certificate and error bound.

    Raises
    ------
    InvalidInputError
        If an argument cannot be used.

    See Also
    --------
    robust_mean : with ``method="quantum_entropy"``, this filter with a proved error bound.
    covariance_filter : one direction at a time.

    References
    ----------
    .. [1] Y. Dong, S. B. Hopkins and J. Li, "Quantum entropy scoring for fast robust mean estimation and improved
       outlier detection", NeurIPS 2019.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((500, 3))
    >>> X[:25, 2] += 8
    >>> X[25:50, 1] += 8
    >>> found = quantum_entropy_filter(X, 0.1, covariance=np.eye(3))
    >>> bool(found.weights[:50].sum() < 0.05)
    True
    """
    X, contamination, base = check_filter(X, contamination, base_weights, max_iter)
    return filter_by_variances(X, contamination, base, covariance=covariance, max_iter=max_iter, by_entropy=True)


def _largest(ratios: np.ndarray, threshold: float) -> np.ndarray:
    return np.asarray(ratios == ratios.max(), dtype=np.float64)


def _entropy(ratios: np.ndarray, threshold: float) -> np.ndarray:
    return np.asarray(np.exp(_ENTROPY * (ratios - ratios.max()) / threshold))


def filter_by_variances(
    X: np.ndarray,
    contamination: float,
    base: np.ndarray,
    *,
    covariance: np.ndarray | None = None,
    max_iter: int = 100,
    by_entropy: bool = False,
) -> RobustLocation:
    """`covariance_filter`, or `quantum_entropy_filter`, for arguments that have been checked."""
    weigh = _entropy if by_entropy else _largest
    weights = base
    n, d = X.shape
    least = 1 - BUDGET_FACTOR * contamination
    clipped = winsorised(X, _FURTHEST)
    clipped = clipped - clipped.mean(axis=0)
    unit = float(np.abs(clipped).max(initial=0.0))
    exponent = int(np.frexp(unit)[1])
    transform = np.eye(d) if covariance is None else np.linalg.inv(np.linalg.cholesky(covariance)).T
    scale = 1.0 if covariance is None else math.ldexp(1.0, -2 * exponent)
    Z = np.ldexp(clipped, -exponent) @ transform
    effective = 1 / float(weights @ weights)
    threshold = (1 + math.sqrt(d / effective) + _MARGIN / math.sqrt(effective)) ** 2
    scores, removals = np.zeros(n), []
    value, rounds, converged = math.nan, 0, False
    while rounds < max_iter and not converged:
        rounds += 1
        normalised = weights / weights.sum()
        center = normalised @ Z
        values, vectors = np.linalg.eigh(weighted_covariance(Z, normalised, center))
        P = (Z - center) @ vectors
        expected = np.full(d, scale) if covariance is not None else _robust_variances(P, normalised)
        varying = expected > _NEGLIGIBLE * max(float(values[-1]), 0.0)
        if not varying.any():
            value, converged = 1.0, True  # the samples do not vary
            break
        ratios = np.where(varying, values, 0) / np.where(varying, expected, 1)
        value = float(ratios.max())
        directions = weigh(ratios, threshold) * varying
        directions = np.where(directions > 1e-6 * directions.max(), directions, 0)
        directions /= directions.sum()
        centers = np.zeros(d) if covariance is not None else _medians(P, normalised, directions > 0)
        lengths = (P[:, directions > 0] - centers[directions > 0]) ** 2
        scores = lengths @ (directions / np.where(varying, expected, 1))[directions > 0]
        if value <= threshold or weights.sum() <= least * (1 + 1e-12):
            converged = True
            break
        before = float(weights.sum())
        weights = _soften(weights, scores, threshold, least)
        direction = transform @ vectors[:, int(np.argmax(ratios))]
        removals.append(Removal(reason="variance", weight=before - float(weights.sum()), direction=direction))
    normalised = weights / weights.sum()
    return RobustLocation(
        location=normalised @ X,
        weights=normalised,
        scores=np.sqrt(scores),
        contamination=contamination,
        removals=tuple(removals),
        removed=max(0.0, 1.0 - float(weights.sum())),
        criterion=value,
        n_iter=rounds,
        converged=converged,
    )


def _soften(weights: np.ndarray, scores: np.ndarray, threshold: float, least: float) -> np.ndarray:
    """Repeat w_i ← w_i (1 − τ_i/τ_max) until the mean score is that of clean data or the budget is used up."""
    for step in range(_SOFT_STEPS):
        positive = weights > _NEGLIGIBLE * weights.max()
        if step and float(weights @ scores) <= threshold * float(weights.sum()):
            break
        factors = np.clip(1 - scores / scores[positive].max(), 0, 1)
        reduced = weights * factors
        if reduced.sum() < least:
            taken, allowed = weights.sum() - reduced.sum(), weights.sum() - least
            return np.asarray(weights + (reduced - weights) * (allowed / taken))
        weights = reduced
    return weights


def _medians(P: np.ndarray, weights: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    found = np.zeros(P.shape[1])
    for column in np.flatnonzero(wanted).tolist():
        found[column] = weighted_quantile(P[:, column], weights, 0.5)
    return found


def _robust_variances(P: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Squared median deviations from the median of each column, consistent for the normal distribution."""
    medians = _medians(P, weights, np.ones(P.shape[1], dtype=bool))
    deviations = _medians(np.abs(P - medians), weights, np.ones(P.shape[1], dtype=bool))
    return np.asarray((deviations / _NORMAL_MEDIAN) ** 2)
