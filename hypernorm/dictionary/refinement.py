"""From nearly right atoms to exactly right ones: ℓ1 minimisation, sample by sample reweighted.

For samples x = D c with sparse c, a vector b that extracts one coefficient, ⟨b, x⟩ = c_j, makes ⟨b, x⟩ zero as often as
c_j is: near the ℓp solution b₀ it is the minimiser of Σ|⟨b, x_i⟩| over ⟨b, h⟩ = 1, with h = S b₀ the direction of the
atom (Spielman, Wang & Wright 2012; Xue et al. 2021 refine ℓp solutions so). Iteratively reweighted least squares,
b ∝ (Σ w_i x_i x_iᵀ)⁻¹ h with w_i = (⟨b, x_i⟩² + ε²)^{-1/2}, solves it; as ε falls, the weights of the samples without
the atom take over and b becomes orthogonal to all of them. Unlike the orthogonal iteration it owes nothing to the
whitening of a finite sample.
"""

from __future__ import annotations

import numpy as np

from hypernorm.dictionary.whitening import Whitening
from hypernorm.forms import Rows, column_means, second_moments

__all__ = ["refine_row"]

# ε for coefficients with mean square one; a few steps at the last one finish what noise leaves.
_WIDTHS = (*(0.3 * 0.2 ** np.arange(12)), 1e-9, 1e-9)


def refine_row(rows: Rows, whitening: Whitening, b: np.ndarray, *, center: bool) -> tuple[np.ndarray, float]:
    """The minimiser of Σ|⟨b, x_i⟩ − a| near b, scaled to mean square one, and its offset a.

    Returned is b itself with a = 0 if nothing was gained, because the samples are not sparse.

    Parameters
    ----------
    rows : Rows
        Centred if the whitening centres.
    whitening : Whitening
    b : ndarray of shape (n,)
    center : bool
        Whether there is an offset: the mean of a finite sample is not where most coefficients are zero.
    """
    S, K = whitening.S, whitening.K  # K confines b to the directions in which the samples vary
    start = b / np.sqrt(b @ S @ b)
    h, values, found = K.T @ (S @ start), rows.images(start), (start, 0.0)
    before = float(np.abs(values).mean())
    for width in _WIDTHS:
        weights = 1 / np.hypot(values, width)
        moments = second_moments(rows, weights)
        mean = column_means(rows, weights) if center else np.zeros(len(b))
        moments -= weights.sum() * np.outer(mean, mean)
        try:
            solution = np.linalg.solve(K.T @ moments @ K, h)
        except np.linalg.LinAlgError:
            break  # all weight sits on fewer samples than directions: there is nothing left to gain
        if not np.isfinite(solution).all() or not h @ solution > 0:
            break
        current = K @ (solution / (h @ solution))
        offset = float(mean @ current)
        values = rows.images(current) - offset
        length = np.sqrt(current @ S @ current)
        found = (current / length, offset / length)
    return found if np.abs(values).mean() < before else (start, 0.0)
