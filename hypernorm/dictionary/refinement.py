"""Refine approximate atoms, by ℓ1 minimisation atom by atom, or by the likelihood of noisy sparse codes.

**ℓ1.** For samples x = D c with sparse c, let b extract one coefficient: ⟨b, x⟩ = c_j. Then ⟨b, x⟩ is zero as often as
c_j. Near the ℓp solution b₀, b is the minimiser of Σ|⟨b, x_i⟩| over ⟨b, h⟩ = 1, with h = S b₀ the direction of the atom
(Spielman, Wang & Wright 2012; Xue et al. 2021 refine ℓp solutions in this way). Iteratively reweighted least squares,
b ∝ (Σ w_i x_i x_iᵀ)⁻¹ h with w_i = (⟨b, x_i⟩² + ε²)^{-1/2}, solves this problem. As ε decreases, the samples without
the atom dominate the weights, and b becomes orthogonal to all of them. Unlike the orthogonal iteration, the result is
free of the error of whitening a finite sample.

**Likelihood.** See `hypernorm.dictionary.likelihood`. Unless the dictionary is orthogonal, noise of standard deviation
σ in each feature is correlated between the codes: σ²BBᵀ. The likelihood supposes independent codes, so these
correlations bias it, that of the mixtures more than that of `hypernorm.dictionary.logcosh`, and both more than the ℓp
solution, whose codes are uncorrelated. "auto" compares their root mean square ρ with the standard error 1/√r of a
correlation. It keeps the ℓp solution too if the components of the mixtures hardly differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from hypernorm._arguments import check_choice, check_flag
from hypernorm.dictionary.likelihood import LEAST_WIDTH, Mixtures, entangled, maximise_likelihood
from hypernorm.dictionary.logcosh import maximise_logcosh
from hypernorm.dictionary.whitening import Whitening
from hypernorm.forms import Rows, column_means, second_moments

__all__ = ["Refinement", "RefinementMethod", "check_refine", "refine_atoms"]

RefinementMethod: TypeAlias = Literal["likelihood", "auto"]

# ε for coefficients with mean square one; the last value is repeated for convergence on noisy samples.
_WIDTHS = (*(0.3 * 0.2 ** np.arange(12)), 1e-9, 1e-9)
# Largest correlation of the noise between codes, in standard errors 1/√r, at which the mixtures are used, and at which
# the density 1/cosh is.
_LARGEST_CORRELATION, _LARGEST_SMOOTH_CORRELATION = 0.4, 0.8
# Least ratio of the variances of the components at which a mixture is no fit of chance.
_LEAST_RATIO = 5.3
# Variance of the small component, above which a code that stays entangled is a fit of chance too.
_LEAST_NOISE = 1e-3
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
    method : {"none", "l1", "logcosh", "likelihood"}
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
        check_choice(refine, "refine", get_args(RefinementMethod))
    else:
        check_flag(refine, "refine")


def refine_atoms(
    rows: Rows,
    whitening: Whitening,
    B: np.ndarray,
    refine: bool | str,
    *,
    center: bool,
    sample_weight: np.ndarray | None = None,
) -> Refinement:
    """The unmixing rows B, refined as the parameter `refine` says.

    Parameters
    ----------
    rows : Rows
        Centered if the whitening centers.
    whitening : Whitening
    B : ndarray of shape (m, n)
    refine : {False, True, "likelihood", "auto"}
    center : bool
    sample_weight : ndarray of shape (r,), optional
        Only for True.
    """
    plain = Refinement(B, np.zeros(len(B)))
    if not refine:
        return plain
    if not isinstance(refine, str):
        pairs = [_refine_row(rows, whitening, b, center=center, sample_weight=sample_weight) for b in B]
        return Refinement(np.array([b for b, _ in pairs]), np.array([offset for _, offset in pairs]), "l1")
    likely, mixtures = _most_likely(rows, whitening, B, center)
    sigma = float(np.median(_noise(likely, mixtures)))
    # The estimates of the mixtures hold whichever atoms are chosen.
    noise = float(np.ldexp(sigma, rows.exponent))
    method = _choice(rows, (B, likely), mixtures, sigma) if refine == "auto" else "likelihood"
    if method == "likelihood":
        return Refinement(likely, mixtures.offsets, method, noise, mixtures.theta)
    atoms = maximise_logcosh(rows, whitening, B) if method == "logcosh" else B
    return Refinement(atoms, plain.offsets, method, noise, mixtures.theta)


def _choice(rows: Rows, atoms: tuple[np.ndarray, np.ndarray], mixtures: Mixtures, sigma: float) -> str:
    """The method for noise of standard deviation sigma, see the top of the module; atoms before and after."""
    if np.median(mixtures.large / mixtures.small) < _LEAST_RATIO:
        return "none"
    off, bias = ~np.eye(len(atoms[0]), dtype=bool), 0.0
    for B in atoms if off.any() else ():
        covariances = sigma**2 * B @ B.T
        # Of the squares, as much is chance: codes with mean square one have covariances 1/√r, the noise in proportion.
        chance = float(np.median(np.diag(covariances))) ** 2
        squares = float((covariances[off] ** 2).mean()) * rows.shape[0]
        bias = max(bias, float(np.sqrt(max(squares - chance, 0.0))))
    if bias > _LARGEST_SMOOTH_CORRELATION:
        return "none"
    entangling = np.median(mixtures.small) > _LEAST_NOISE and len(entangled(rows, atoms[1], mixtures))
    return "logcosh" if bias > _LARGEST_CORRELATION or entangling else "likelihood"


def _most_likely(rows: Rows, whitening: Whitening, B: np.ndarray, center: bool) -> tuple[np.ndarray, Mixtures]:
    """Atoms of largest likelihood near B; those that are poor maxima start again from ℓ1 minimisation."""
    found, mixtures, likelihood = maximise_likelihood(rows, whitening, B, center=center)
    poor = entangled(rows, found, mixtures)
    if not len(poor):
        return found, mixtures
    start = found.copy()
    for j in poor:
        start[j], _ = _refine_row(rows, whitening, B[j], center=center)
    again, others, value = maximise_likelihood(rows, whitening, start, center=center, held=_HELD)
    return (again, others) if value > likelihood else (found, mixtures)


def _noise(B: np.ndarray, mixtures: Mixtures) -> np.ndarray:
    """The standard deviation of the noise in each feature, from the small component of every code."""
    widths = np.where(mixtures.small <= LEAST_WIDTH**2, 0, np.sqrt(mixtures.small))
    return np.asarray(widths / np.linalg.norm(B, axis=1))


def _refine_row(
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
