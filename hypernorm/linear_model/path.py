"""Coefficients for many penalties."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["CoefficientPath"]


@dataclass(frozen=True)
class CoefficientPath:
    """The coefficients as a function of the penalty; `hypernorm.plotting.plot_path` draws them.

    Attributes
    ----------
    p : float
        Exponent of the Schatten norm.
    alphas : ndarray of shape (a,)
        Penalties, in increasing order.
    coefs : ndarray of shape (a, d) or (a, k, d)
    intercepts : ndarray of shape (a,) or (a, k)
    bias_norms : ndarray of shape (a,)
        ‖b‖_p, the bound on the bias that belongs to each penalty.
    feature_names : tuple of str
        Names of the columns, if they have names.
    """

    p: float
    alphas: np.ndarray
    coefs: np.ndarray
    intercepts: np.ndarray
    bias_norms: np.ndarray
    feature_names: tuple[str, ...] = ()
