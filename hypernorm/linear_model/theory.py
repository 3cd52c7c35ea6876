"""The risk of Schatten-constrained estimators, for given samples and in the limit of many dimensions."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias, get_args

import numpy as np
from scipy.stats import poisson

from hypernorm._arguments import check_choice, check_exponent, check_nonnegative
from hypernorm._arithmetic import own_arithmetic
from hypernorm.exceptions import InvalidInputError
from hypernorm.linear_model.shrinkage import Shrinkage, shrink_with_penalty

__all__ = ["ENSEMBLES", "Ensemble", "estimation_risk", "generalization_error"]

Ensemble: TypeAlias = Literal["gaussian", "coordinate"]
ENSEMBLES: tuple[Ensemble, ...] = get_args(Ensemble)
_QUADRATURE_NODES = 4000
_LARGEST_POISSON_TAIL = 1e-14


@own_arithmetic
def estimation_risk(
    singular_values: np.ndarray, shrinkage: Shrinkage, squared_signal: np.ndarray, noise: float
) -> float:
    """E‖β̂ − β‖² given X on the row space: Σ_i b_i² (v_iᵀβ)² + σ² (1 − b_i)²/s_i².

    Parameters
    ----------
    singular_values : ndarray of shape (r,)
        s_i.
    shrinkage : Shrinkage
        b_i and 1 − b_i.
    squared_signal : ndarray of shape (r,)
        (v_iᵀβ)², or its expectation.
    noise : float
        σ, the standard deviation of the noise.

    Returns
    -------
    float

    See Also
    --------
    generalization_error : The limit of many dimensions.

    Notes
    -----
    The section on risk in theory/gauss_markov of the documentation.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.linear_model.shrinkage import Shrinkage
    >>> unbiased = Shrinkage(bias=np.zeros(2), filter_factors=np.ones(2), alpha=0.0)  # least squares
    >>> round(float(estimation_risk(np.ones(2), unbiased, np.ones(2), 1.0)), 9)
    2.0
    """
    variance = noise**2 * np.sum((shrinkage.filter_factors / singular_values) ** 2)
    return float(np.sum(shrinkage.bias**2 * squared_signal) + variance)


@own_arithmetic
def generalization_error(
    gamma: float,
    alpha: float,
    *,
    p: float = 2,
    signal: float = 1.0,
    noise: float = 1.0,
    ensemble: Ensemble = "gaussian",
) -> float:
    """Limit of E‖β̂ − β‖² as d, n → ∞ with d/n → γ, for isotropic samples and β of length √signal in general position.

    For samples with covariance I it is also the excess prediction error. With the limiting distribution of the
    eigenvalues λ of XᵀX/n and α = n·alpha it is signal·E b(λ)² + γ σ² E (1 − b(λ))²/λ over λ > 0, and b = 1 at λ = 0.

    Parameters
    ----------
    gamma : float
        d/n > 0.
    alpha : float
        Penalty per sample, α/n of `SchattenRegressor` without intercept; for p = ∞ α itself, as Σ s^{-2} has a limit.
    p : float
        Exponent of the Schatten norm, 1 ≤ p ≤ ∞.
    signal : float
        ‖β‖².
    noise : float
        σ, the standard deviation of the noise.
    ensemble : {'gaussian', 'coordinate'}
        'gaussian': rows with independent standard normal entries (Marchenko–Pastur law). 'coordinate': rows √d e_j
        with j uniform, so XᵀX is diagonal and λ/γ has a Poisson distribution with mean 1/γ.

    Returns
    -------
    float

    Raises
    ------
    InvalidInputError
        If an argument is out of range.

    See Also
    --------
    estimation_risk : For given samples.

    Notes
    -----
    The section on risk in theory/gauss_markov of the documentation.

    Examples
    --------
    >>> generalization_error(0.5, 0.0)  # least squares: γ/(1 − γ)
    1.0000...
    >>> generalization_error(0.5, 0.5) < 0.6  # ridge, tuned for this signal and noise
    True
    """
    p = check_exponent(p, smallest=1, name="p")
    for name, value in (("gamma", gamma), ("alpha", alpha), ("signal", signal), ("noise", noise)):
        check_nonnegative(value, name)
    if not gamma > 0:
        raise InvalidInputError(f"gamma must be positive, got {gamma!r}.")
    check_choice(ensemble, "ensemble", ENSEMBLES)
    law = _marchenko_pastur if ensemble == "gaussian" else _poisson
    eigenvalues, weights = law(gamma)
    if math.isinf(p) and alpha > 0:
        # All directions have the same bias, with Σ s^{-2} → γ E 1/λ over λ > 0.
        factor = min(1 / (alpha * gamma * float(np.sum(weights / eigenvalues))), 1.0)
        bias, factors = np.full(len(eigenvalues), 1 - factor), np.full(len(eigenvalues), factor)
    else:
        shrinkage = shrink_with_penalty(eigenvalues, alpha, p)
        bias, factors = shrinkage.bias, shrinkage.filter_factors
    unseen = max(1 - float(weights.sum()), 0.0)
    variance = gamma * noise**2 * float(np.sum(weights * factors**2 / eigenvalues))
    return signal * (float(np.sum(weights * bias**2)) + unseen) + variance


def _marchenko_pastur(gamma: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights for the positive eigenvalues, of total weight min(1, 1/γ).

    With λ = 1 + γ + 2√γ cos θ the density √((λ₊−λ)(λ−λ₋))/(2πγλ) dλ is (2/π) sin²θ/λ dθ, smooth and periodic.
    """
    angles = (np.arange(_QUADRATURE_NODES) + 0.5) * np.pi / _QUADRATURE_NODES
    eigenvalues = (1 - math.sqrt(gamma)) ** 2 + 4 * math.sqrt(gamma) * np.cos(angles / 2) ** 2
    return eigenvalues, 2 / _QUADRATURE_NODES * np.sin(angles) ** 2 / eigenvalues


def _poisson(gamma: float) -> tuple[np.ndarray, np.ndarray]:
    """The positive values of λ = γN, N Poisson with mean 1/γ."""
    counts = np.arange(1, int(poisson.isf(_LARGEST_POISSON_TAIL, 1 / gamma)) + 2)
    return gamma * counts, poisson.pmf(counts, 1 / gamma)
