"""Coefficients for many penalties."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hypernorm._results import Result

__all__ = ["CoefficientPath"]


@dataclass(frozen=True, repr=False)
class CoefficientPath(Result):
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

    See Also
    --------
    SchattenRegressor.path : Computes one.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.linear_model import SchattenRegressor
    >>> X = np.random.default_rng(0).standard_normal((30, 2))
    >>> SchattenRegressor().path(X, X @ [1.0, 2.0], alphas=[0.1, 1.0]).coefs.shape
    (2, 2)
    """

    p: float
    alphas: np.ndarray
    coefs: np.ndarray
    intercepts: np.ndarray
    bias_norms: np.ndarray
    feature_names: tuple[str, ...] = ()
