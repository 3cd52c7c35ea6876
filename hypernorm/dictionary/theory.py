"""Closed forms for ℓp-norm maximisation on Bernoulli–Gaussian codes: expected errors and values.

The model: samples are x = D c + σ n with D orthogonal, independent coefficients c_j that are non-zero with probability
θ and then standard normal, and n standard normal. See theory/dictionary_learning of the documentation for the
derivations.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hypernorm._arguments import check_count, check_exponent, check_nonnegative
from hypernorm._arithmetic import own_arithmetic
from hypernorm._validation import as_dense, check_matrix
from hypernorm.exceptions import InvalidInputError

__all__ = ["expected_error", "gaussian_moment", "recovery_error"]


def gaussian_moment(p: float) -> float:
    """E|N(0, 1)|^p = 2^{p/2} Γ((p+1)/2)/√π.

    Examples
    --------
    >>> gaussian_moment(4)
    3.0...
    """
    return math.exp(p / 2 * math.log(2) + math.lgamma((p + 1) / 2) - math.lgamma(0.5))


@own_arithmetic
def expected_error(
    n_features: int, n_samples: int, theta: float, p: float = 3, *, noise: float = 0.0, whiten: bool = False
) -> float:
    """First-order expectation of `recovery_error` when all atoms of an orthogonal dictionary are learned.

    With z = c + σn, s² = θ + σ² and M_k = E|z|^k it is (n−1)/r · (M_{2p−2}s² − M_p²)/(M_p − (p−1)M_{p−2}s²)²: the
    variance of the antisymmetric part of the gradient at the dictionary over the squared curvature there. Whitening
    makes the estimate orthogonal in the metric of the sample; the fluctuation of this metric adds (n−1)/(2r) for every
    p.

    Parameters
    ----------
    n_features, n_samples : int
        n and r.
    theta : float
        θ in (0, 1): the expected fraction of non-zero coefficients.
    p : float
        Exponent, p > 2.
    noise : float
        σ ≥ 0, in units of the standard deviation of a non-zero coefficient.
    whiten : bool
        Whether the samples are whitened first.

    Returns
    -------
    float
        For samples of this model it is a few per cent off if it is below about 0.02. For other codes and for outliers
        it is no more than a plan; `LpDictionaryLearning.expected_error_` comes from the samples.

    Raises
    ------
    InvalidInputError
        If an argument is out of range.

    See Also
    --------
    recovery_error : The error whose expectation it is.

    Notes
    -----
    The section on the expected error in theory/dictionary_learning of the documentation.

    Examples
    --------
    >>> round(100 * expected_error(100, 40_000, 0.1, 3), 3)  # per cent
    0.054
    """
    check_count(n_features, "n_features")
    check_count(n_samples, "n_samples")
    p = check_exponent(p, name="p")
    if not 2 < p < math.inf:
        raise InvalidInputError(f"p must be larger than 2 and finite, got {p:g}.")
    if not 0 < theta < 1:
        raise InvalidInputError(f"theta must be between 0 and 1, got {theta!r}.")
    check_nonnegative(noise, "noise")

    def moment(k: float) -> float:
        noisy = (1 - theta) * noise**k if noise or not k else 0.0
        return gaussian_moment(k) * (noisy + theta * (1 + noise**2) ** (k / 2))

    power = theta + noise**2
    variance = moment(2 * p - 2) * power - moment(p) ** 2
    curvature = moment(p) - (p - 1) * moment(p - 2) * power
    error = (n_features - 1) / n_samples * variance / curvature**2
    return error + (n_features - 1) / (2 * n_samples) if whiten else error


@own_arithmetic
def recovery_error(unmixing: Any, dictionary: Any) -> float:
    """1 − ‖P‖₄⁴/m for the rows of P = unmixing · dictionary, each scaled to length one: 0 for perfect recovery.

    This is the error measure of the ℓp literature, 1 − ‖AD₀‖₄⁴/n for orthogonal matrices, made independent of the
    scale, the sign and the order of the atoms. It does not detect that an atom was found twice.

    Parameters
    ----------
    unmixing : array_like of shape (m, n)
        Rows that extract one coefficient each, such as `LpDictionaryLearning.unmixing_`.
    dictionary : array_like of shape (n, k)
        The true atoms as columns.

    Returns
    -------
    float
        In [0, 1 − 1/k].

    Raises
    ------
    InvalidInputError
        If the shapes do not match, or a row of `unmixing` is orthogonal to every atom.

    See Also
    --------
    expected_error : Its expectation.

    Notes
    -----
    The section on the expected error in theory/dictionary_learning of the documentation.

    Examples
    --------
    >>> import numpy as np
    >>> recovery_error(-2 * np.eye(3)[[2, 0, 1]], np.eye(3))
    0.0
    """
    left, right = (
        as_dense(check_matrix(matrix, name)) for matrix, name in ((unmixing, "unmixing"), (dictionary, "dictionary"))
    )
    if left.shape[1] != right.shape[0]:
        raise InvalidInputError(
            f"unmixing must have as many columns as dictionary has rows; their shapes are {left.shape}, {right.shape}."
        )
    product = left @ right
    lengths = np.linalg.norm(product, axis=1)
    if not lengths.all():
        raise InvalidInputError("unmixing has a row that is orthogonal to every atom of dictionary; remove it.")
    return 1 - float(((product / lengths[:, None]) ** 4).sum()) / len(product)
