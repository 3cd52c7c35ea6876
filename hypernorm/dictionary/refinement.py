"""Refine approximate atoms, by ℓ1 minimisation atom by atom, or by the likelihood of noisy sparse codes.

**ℓ1.** For samples x = D c with sparse c, let b extract one coefficient: ⟨b, x⟩ = c_j. Then ⟨b, x⟩ is zero as often as
c_j. Near the ℓp solution b₀, b is the minimiser of Σ|⟨b, x_i⟩| over ⟨b, h⟩ = 1, with h = S b₀ the direction of the atom
(Spielman, Wang & Wright 2012; Xue et al. 2021 refine ℓp solutions in this way). Iteratively reweighted least squares,
b ∝ (Σ w_i x_i x_iᵀ)⁻¹ h with w_i = (⟨b, x_i⟩² + ε²)^{-1/2}, solves this problem. As ε decreases, the samples without
the atom dominate the weights, and b becomes orthogonal to all of them. Unlike the orthogonal iteration, the result is
free of the error of whitening a finite sample.

**Likelihood.** See `hypernorm.dictionary.likelihood`. Unless the dictionary is orthogonal, noise of standard deviation
σ in each feature is correlated between the codes: σ²BBᵀ. The likelihood supposes independent codes, so these
correlations bias it, more than they bias the ℓp solution, whose codes are uncorrelated. The rule compares their root
mean square ρ with the standard error 1/√r of a correlation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hypernorm._arguments import check_choice, check_flag
from hypernorm.dictionary.likelihood import LEAST_WIDTH, Mixtures, entangled, maximise_likelihood
from hypernorm.dictionary.whitening import Whitening
from hypernorm.forms import Rows, column_means, second_moments

__all__ = ["Refinement", "check_refine", "refine_atoms", "refine_row"]

# ε for coefficients with mean square one; the last value is repeated for convergence on noisy samples.
_WIDTHS = (*(0.3 * 0.2 ** np.arange(12)), 1e-9, 1e-9)
# Largest correlation of the noise between codes, in standard errors 1/√r, at which the likelihood is used.
_LARGEST_CORRELATION = 0.7
# Largest share of the noise in the variance of a code at which the mixture is known well enough.
_LARGEST_SHARE = 0.7
_HELD = 10


@dataclass(frozen=True)
class Refinement:
    """Refined atoms.

    Attributes
    ----------
    B : ndarray of shape (m, n)
        Unmixing rows.
    offsets : ndarray of shape (m,)
        Places of zero codes.
    method : {"none", "l1", "likelihood"}
    noise : float
        Standard deviation of the noise in each feature, NaN if it was not estimated.
    theta : ndarray of shape (m,) or None
        Fractions of non-zero coefficients, None if they were not estimated.
    """

    B: np.ndarray
    offsets: np.ndarray
    method: str = "none"
    noise: float = np.nan
    theta: np.ndarray | None = None


def check_refine(refine: bool | str) -> None:
    """Check the parameter `refine`.

    Raises
    ------
    InvalidInputError
        If it is neither True, False, 'likelihood' nor 'auto'.
    """
    if isinstance(refine, str):
        check_choice(refine, "refine", ("likelihood", "auto"))
    else:
        check_flag(refine, "refine")


def refine_atoms(rows: Rows, whitening: Whitening, B: np.ndarray, refine: bool | str, *, center: bool) -> Refinement:
    """The unmixing rows B, refined as the parameter `refine` says.

    Parameters
    ----------
    rows : Rows
        Centered if the whitening centers.
    whitening : Whitening
    B : ndarray of shape (m, n)
    refine : {False, True, "likelihood", "auto"}
    center : bool
    """
    plain = Refinement(B, np.zeros(len(B)))
    if not refine:
        return plain
    if not isinstance(refine, str):
        pairs = [refine_row(rows, whitening, b, center=center) for b in B]
        return Refinement(np.array([b for b, _ in pairs]), np.array([offset for _, offset in pairs]), "l1")
    likely, mixtures = _most_likely(rows, whitening, B, center)
    sigma = float(np.median(_noise(likely, mixtures)))
    covariances = sigma**2 * likely @ likely.T
    off = ~np.eye(len(B), dtype=bool)
    correlation = float(np.sqrt((covariances[off] ** 2).mean())) if len(B) > 1 else 0.0
    biased = correlation * np.sqrt(rows.shape[0]) > _LARGEST_CORRELATION
    faint = float(np.median(mixtures.small)) > _LARGEST_SHARE
    # The estimates of the mixtures hold whichever atoms are chosen.
    noise = float(np.ldexp(sigma, rows.exponent))
    if refine == "auto" and (biased or faint):
        return Refinement(B, plain.offsets, "none", noise, mixtures.theta)
    return Refinement(likely, mixtures.offsets, "likelihood", noise, mixtures.theta)


def _most_likely(rows: Rows, whitening: Whitening, B: np.ndarray, center: bool) -> tuple[np.ndarray, Mixtures]:
    """Atoms of largest likelihood near B; those that are poor maxima start again from ℓ1 minimisation."""
    found, mixtures, likelihood = maximise_likelihood(rows, whitening, B, center=center)
    poor = entangled(rows, found, mixtures)
    if not len(poor):
        return found, mixtures
    start = found.copy()
    for j in poor:
        start[j], _ = refine_row(rows, whitening, B[j], center=center)
    again, others, value = maximise_likelihood(rows, whitening, start, center=center, held=_HELD)
    return (again, others) if value > likelihood else (found, mixtures)


def _noise(B: np.ndarray, mixtures: Mixtures) -> np.ndarray:
    """The standard deviation of the noise in each feature, from the small component of every code."""
    widths = np.where(mixtures.small <= LEAST_WIDTH**2, 0, np.sqrt(mixtures.small))
    return np.asarray(widths / np.linalg.norm(B, axis=1))


def refine_row(rows: Rows, whitening: Whitening, b: np.ndarray, *, center: bool) -> tuple[np.ndarray, float]:
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
    """
    S, K = whitening.S, whitening.K  # K restricts b to the directions in which the samples vary
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
            break  # all weight is on fewer samples than directions, so no further improvement is possible
        if not np.isfinite(solution).all() or not h @ solution > 0:
            break
        current = K @ (solution / (h @ solution))
        offset = float(mean @ current)
        values = rows.images(current) - offset
        length = np.sqrt(current @ S @ current)
        found = (current / length, offset / length)
    return found if np.abs(values).mean() < before else (start, 0.0)
