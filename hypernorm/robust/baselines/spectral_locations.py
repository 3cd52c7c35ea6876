"""Standard estimators of location by directions or distances: Lai–Rao–Vempala, Lee–Valiant, gradient descent.

They have the signature of those in `hypernorm.robust.baselines.elementary`.
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
    """The mean in half of the dimensions at a time, those of small variance [1]_.

    The samples are truncated to the ball around the coordinatewise median that contains 1 − ε of the weight. The
    outliers in it affect few directions only, so the mean is good in the half of the principal directions with the
    smaller variances. The other half is treated in the same way, down to one dimension and its median.

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
    """The mean of samples that are shifted towards a first estimate if they are far from it [1]_.

    From κ, the median of means, the estimate is κ + Σ w_i (1 − min(α r_i², 1)) (x_i − κ) with r_i = ‖x_i − κ‖ and α
    such that Σ w_i min(α r_i², 1) = t. The article has no contamination and t = log(1/δ)/(3n). Here
    t = ε + log(20)/(3n), so that ε of the weight can be removed, and the same samples serve for both steps.

    References
    ----------
    .. [1] J. C. H. Lee and P. Valiant, "Optimal sub-Gaussian mean estimation in very high dimensions", ITCS 2022.
    """
    center = median_of_means(X, contamination, weights, rng)[0]
    difference = X - center
    squares = np.einsum("ij,ij->i", difference, difference)
    removable = contamination + math.log(1 / _FAILURE) / 3 * float(weights @ weights)
    positive = squares > 0
    if float(weights[positive].sum()) <= removable:
        return center, None  # all samples coincide but for those that may be removed
    # Σ w_i min(α r_i², 1) is piecewise linear in α with kinks at 1/r_i²: the furthest samples reach 1 first.
    order = np.argsort(-squares)
    cut = np.cumsum(weights[order]) - weights[order]
    rest = np.cumsum((weights * squares)[order][::-1])[::-1]
    ordered = squares[order]
    fits = (cut + rest / np.where(ordered > 0, ordered, 1) >= removable) & (ordered > 0)
    first = int(np.argmax(fits))
    alpha = (removable - cut[first]) / rest[first]
    return center + (weights * (1 - np.minimum(alpha * squares, 1))) @ difference, None


def projected_gradient(X: np.ndarray, contamination: float, weights: np.ndarray, rng: np.random.Generator) -> Location:
    """The mean under the weights that minimise the largest variance, min over Δ_ε of λ_max(Σ_w) [1]_ [2]_.

    The problem is not convex in the weights, but all of its stationary points are good. Steps along normalised
    subgradients ⟨x_i − μ_w, v⟩², v the leading eigenvector, shrink like 1/√t and are projected onto
    Δ_ε = {0 ≤ w_i ≤ p_i/(1 − ε), Σ w_i = 1}; the best of 60 iterates is returned.

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
    # The distance to weights that move ε of the mass from some samples to the others.
    length = math.sqrt(contamination / (1 - contamination)) * float(np.linalg.norm(weights))
    current = best = weights
    least, vector = math.inf, None
    for step in range(_STEPS):
        centered = X - current @ X
        value, vector = _leading(centered, current, vector)
        if value < least:
            least, best = value, current
        gradient = (centered @ vector) ** 2
        gradient = (gradient - gradient.mean()) / (gradient.max() or 1.0)
        size = float(np.linalg.norm(gradient))
        if size == 0:
            break
        current = project_on_capped_simplex(current - length / math.sqrt(step + 1) / size * gradient, caps)
    return best @ X, best


def _leading(centered: np.ndarray, weights: np.ndarray, start: np.ndarray | None) -> tuple[float, np.ndarray]:
    """The largest eigenvalue and a unit eigenvector of Σ w_i x_i x_iᵀ."""
    d = centered.shape[1]
    if d <= _DENSE:
        covariance = weighted_covariance(centered, weights, np.zeros(d))
        values, vectors = eigh(covariance, subset_by_index=[d - 1, d - 1])
    else:
        start = np.ones(d) if start is None else start
        operator = LinearOperator((d, d), matvec=lambda v: centered.T @ (weights * (centered @ v)), dtype=np.float64)
        values, vectors = eigsh(operator, k=1, which="LA", v0=start, tol=1e-4)
    return float(values[0]), vectors[:, 0]


def _inner(distances: np.ndarray, weights: np.ndarray, fraction: float) -> np.ndarray:
    """Factors of the weights: 1 for the nearest samples with that fraction of the weight, less for the last of them."""
    order = np.argsort(distances, kind="stable")
    above = np.cumsum(weights[order])
    factors = np.empty(len(weights))
    factors[order] = np.clip((fraction - above) / weights[order] + 1, 0, 1)
    return factors
