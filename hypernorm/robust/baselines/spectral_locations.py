"""Standard estimators of location that look at directions or distances: Lai–Rao–Vempala, Lee–Valiant, gradient descent.

The signature is that of `hypernorm.robust.baselines.elementary`.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg import eigh
from scipy.sparse.linalg import LinearOperator, eigsh

from hypernorm.robust.baselines.elementary import Location, coordinatewise_median, median_of_means
from hypernorm.robust.weights import project_on_capped_simplex, weighted_covariance

__all__ = ["lai_rao_vempala", "lee_valiant", "projected_gradient"]

_FAILURE = 0.05
_STEPS = 60
_DENSE = 100
"""Up to this dimension a full covariance matrix is cheaper than Lanczos steps."""


def lai_rao_vempala(X: np.ndarray, contamination: float, weights: np.ndarray, rng: np.random.Generator) -> Location:
    """Half of the dimensions at a time, those of small variance by their mean [1]_.

    The samples are truncated to the ball around the coordinatewise median that holds 1 − ε of the weight. Outliers that
    are left show in few directions only, so in the half of the principal directions with the smaller variances the mean
    is good; the other half is solved in the same way, down to one dimension and its median.

    References
    ----------
    .. [1] K. A. Lai, A. B. Rao and S. Vempala, "Agnostic estimation of mean and covariance", FOCS 2016; the
       variant for distributions with bounded fourth moments, which truncates instead of damping.
    """
    location = np.zeros(X.shape[1])
    basis = np.eye(X.shape[1])
    while basis.shape[1] > 1:
        Y = X @ basis
        distances = np.linalg.norm(Y - coordinatewise_median(Y, contamination, weights, rng)[0], axis=1)
        kept = weights * _inner(distances, weights, 1 - contamination)
        mean = kept @ Y / kept.sum()
        vectors = np.linalg.eigh(weighted_covariance(Y, kept, mean))[1]
        split = (basis.shape[1] + 1) // 2
        location += basis @ (vectors[:, :split] @ (vectors[:, :split].T @ mean))
        basis = basis @ vectors[:, split:]
    return location + basis @ coordinatewise_median(X @ basis, contamination, weights, rng)[0], None


def lee_valiant(X: np.ndarray, contamination: float, weights: np.ndarray, rng: np.random.Generator) -> Location:
    """Samples far from a first estimate are shifted towards it [1]_.

    From κ, the median of means, the estimate is κ + Σ w_i (1 − min(α r_i², 1)) (x_i − κ) with r_i = ‖x_i − κ‖ and α
    such that Σ w_i min(α r_i², 1) = t. There is no contamination in the article, where t = log(1/δ)/(3n); here
    t = ε + log(20)/(3n), so that ε of the weight can be taken off, and the same samples serve for both steps.

    References
    ----------
    .. [1] J. C. H. Lee and P. Valiant, "Optimal sub-Gaussian mean estimation in very high dimensions", ITCS 2022.
    """
    center = median_of_means(X, contamination, weights, rng)[0]
    difference = X - center
    squares = np.einsum("ij,ij->i", difference, difference)
    share = contamination + math.log(1 / _FAILURE) / 3 * float(weights @ weights)
    positive = squares > 0
    if float(weights[positive].sum()) <= share:
        return center, None  # the samples coincide but for those that may be taken off
    # Σ w_i min(α r_i², 1) is piecewise linear in α with kinks at 1/r_i²: the furthest samples are cut first.
    order = np.argsort(-squares)
    cut = np.cumsum(weights[order]) - weights[order]
    rest = np.cumsum((weights * squares)[order][::-1])[::-1]
    ordered = squares[order]
    fits = (cut + rest / np.where(ordered > 0, ordered, 1) >= share) & (ordered > 0)
    first = int(np.argmax(fits))
    alpha = (share - cut[first]) / rest[first]
    return center + (weights * (1 - np.minimum(alpha * squares, 1))) @ difference, None


def projected_gradient(X: np.ndarray, contamination: float, weights: np.ndarray, rng: np.random.Generator) -> Location:
    """The mean under the weights that make the largest variance small: min over Δ_ε of λ_max(Σ_w) [1]_ [2]_.

    The problem is not convex in the weights, but all of its stationary points are good. Normalised subgradients
    ⟨x_i − μ_w, v⟩² with v the leading eigenvector, projected onto Δ_ε = {0 ≤ w_i ≤ p_i/(1 − ε), Σ w_i = 1}, with steps
    that shrink like 1/√t; the best of 60 iterates is returned.

    References
    ----------
    .. [1] Y. Cheng, I. Diakonikolas, R. Ge and M. Soltanolkotabi, "High-dimensional robust mean estimation via gradient
       descent", ICML 2020.
    .. [2] B. Zhu, J. Jiao and J. Steinhardt, "Robust estimation via generalized quasi-gradients", Information and
       Inference 11 (2022), 581-636.
    """
    if contamination == 0 or X.shape[1] == 0:
        return weights @ X, weights
    caps = weights / (1 - contamination)
    # The distance to weights that drop ε of the mass and spread it over the rest.
    length = math.sqrt(contamination / (1 - contamination)) * float(np.linalg.norm(weights))
    current = best = weights
    least, vector = math.inf, None
    for step in range(_STEPS):
        centred = X - current @ X
        value, vector = _leading(centred, current, vector)
        if value < least:
            least, best = value, current
        gradient = (centred @ vector) ** 2
        gradient = (gradient - gradient.mean()) / (gradient.max() or 1.0)
        size = float(np.linalg.norm(gradient))
        if size == 0:
            break
        current = project_on_capped_simplex(current - length / math.sqrt(step + 1) / size * gradient, caps)
    return best @ X, best


def _leading(centred: np.ndarray, weights: np.ndarray, start: np.ndarray | None) -> tuple[float, np.ndarray]:
    """The largest eigenvalue and a unit eigenvector of Σ w_i x_i x_iᵀ."""
    d = centred.shape[1]
    if d <= _DENSE:
        covariance = weighted_covariance(centred, weights, np.zeros(d))
        values, vectors = eigh(covariance, subset_by_index=[d - 1, d - 1])
    else:
        start = np.ones(d) if start is None else start
        operator = LinearOperator((d, d), matvec=lambda v: centred.T @ (weights * (centred @ v)), dtype=np.float64)
        values, vectors = eigsh(operator, k=1, which="LA", v0=start, tol=1e-4)
    return float(values[0]), vectors[:, 0]


def _inner(distances: np.ndarray, weights: np.ndarray, share: float) -> np.ndarray:
    """Factors of the weights, 1 for the nearest samples with that share of the weight, a fraction for the last."""
    order = np.argsort(distances, kind="stable")
    above = np.cumsum(weights[order])
    factors = np.empty(len(weights))
    factors[order] = np.clip((share - above) / weights[order] + 1, 0, 1)
    return factors
