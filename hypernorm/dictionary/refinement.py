"""Refine an approximate atom to an exact one by ℓ1 minimisation with iteratively reweighted least squares.

For samples x = D c with sparse c, let b extract one coefficient: ⟨b, x⟩ = c_j. Then ⟨b, x⟩ is zero as often as c_j.
Near the ℓp solution b₀, b is the minimiser of Σ|⟨b, x_i⟩| over ⟨b, h⟩ = 1, with h = S b₀ the direction of the atom
(Spielman, Wang & Wright 2012; Xue et al. 2021 refine ℓp solutions in this way). Iteratively reweighted least squares,
b ∝ (Σ w_i x_i x_iᵀ)⁻¹ h with w_i = (⟨b, x_i⟩² + ε²)^{-1/2}, solves this problem. As ε decreases, the samples without
the atom dominate the weights, and b becomes orthogonal to all of them. Unlike the orthogonal iteration, the result is
free of the error of whitening a finite sample.
"""

from __future__ import annotations

import numpy as np

from hypernorm.dictionary.whitening import Whitening
from hypernorm.forms import Rows, column_means, second_moments

__all__ = ["refine_row"]

# ε for coefficients with mean square one; the last value is repeated for convergence on noisy samples.
_WIDTHS = (*(0.3 * 0.2 ** np.arange(12)), 1e-9, 1e-9)


def refine_row(
    rows: Rows, whitening: Whitening, b: np.ndarray, *, center: bool, sample_weight: np.ndarray | None = None
) -> tuple[np.ndarray, float]:
    """The minimiser of Σ|⟨b, x_i⟩ − a| near b, scaled to mean square one, and its offset a.

    If the sum does not decrease, because the samples are not sparse, the result is b itself and a = 0.

    Parameters
    ----------
    rows : Rows
        Centered if the whitening centers.
    whitening : Whitening
    b : ndarray of shape (n,)
    center : bool
        Whether to fit an offset a. After centering with the mean of a finite sample, a zero coefficient is not at zero.
    sample_weight : ndarray of shape (r,), optional
        Default one for every sample.
    """
    S, K = whitening.S, whitening.K  # K restricts b to the directions in which the samples vary
    start = b / np.sqrt(b @ S @ b)
    h, values, found = K.T @ (S @ start), rows.images(start), (start, 0.0)
    before = np.average(np.abs(values), weights=sample_weight)
    for width in _WIDTHS:
        weights = (1 if sample_weight is None else sample_weight) / np.hypot(values, width)
        moments = second_moments(rows, weights)
        mean = column_means(rows, weights) if center else np.zeros(len(b))
        moments -= weights.sum() * np.outer(mean, mean)
        try:
            solution = np.linalg.solve(K.T @ moments @ K, h)
        except np.linalg.LinAlgError:
            break  # all weight is on fewer samples than directions, so no further improvement is possible
        if not np.isfinite(solution).all() or not h @ solution > 0:
            break
        current = K @ (solution / (h @ solution))
        offset = float(mean @ current)
        values = rows.images(current) - offset
        length = np.sqrt(current @ S @ current)
        found = (current / length, offset / length)
    return found if np.average(np.abs(values), weights=sample_weight) < before else (start, 0.0)
