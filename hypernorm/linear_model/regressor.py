"""The scikit-learn regressor of least variance under a Schatten-norm bound on the bias."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from hypernorm._arguments import check_choice, check_exponent, check_nonnegative, check_sample_weight
from hypernorm._arithmetic import own_arithmetic
from hypernorm._validation import as_dense, check_covariance, check_matrix
from hypernorm.exceptions import InvalidInputError
from hypernorm.linear_model.decomposition import SOLVERS, Decomposition, Samples, decompose
from hypernorm.linear_model.inference import LinearInference, error_model
from hypernorm.linear_model.shrinkage import (
    Shrinkage,
    filter_factors,
    schatten_norm,
    shrink_to_bound,
    shrink_with_penalty,
)

__all__ = ["SchattenRegressor"]


class SchattenRegressor(LinearInference, MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Linear regression of least variance under a Schatten-norm bound on the bias operator.

    For y = Xβ + noise, the estimator β̂ = Ly minimises the variance ‖L‖_F² subject to ‖LX − I‖_{S_p} ≤ C, the Schatten
    p-norm on the row space of X. C = 0 is least squares (the Gauss–Markov theorem). p = 2 is ridge regression, p = 1
    (nuclear norm) least squares with the eigenvalues of XᵀX floored at α, p = ∞ (spectral norm) least squares times
    1 − C. See docs/theory/gauss_markov.md.

    Parameters
    ----------
    alpha : float, default 1
        Penalty, in units of the eigenvalues of XᵀX: (1 − b_i)/s_i² = b_i^{p−1}/α for the biases b_i of the singular
        directions; the ridge parameter for p = 2, the floor for p = 1. For p = ∞, C = (1 − 1/(α Σ s_i^{-2}))₊.
    p : float, default 2
        Exponent of the Schatten norm, 1 ≤ p ≤ ∞.
    bias_bound : float, optional
        C, instead of `alpha`. Only the bias on the row space of X is bounded; outside it every estimator is zero.
    fit_intercept : bool, default True
        Whether to fit an intercept, which is not shrunk.
    noise_covariance : array_like of shape (n,) or (n, n), optional
        Covariance of the noise up to a factor, or its diagonal; the samples are whitened with it.
    solver : {'auto', 'svd', 'gram', 'lanczos'}, default 'auto'
        'svd' is the most accurate. 'gram' squares the condition number; for n ≥ d it reads X once and makes no copy.
        'lanczos' only multiplies with X, for α > 0 and p < ∞, and finds only the singular directions that determine
        the coefficients. 'auto' selects 'svd' for dense X of up to ten million entries, 'lanczos' for sparse X with
        d·min(n, d) above 250 million, and 'gram' otherwise.

    Attributes
    ----------
    coef_ : ndarray of shape (d,) or (k, d)
    intercept_ : float or ndarray of shape (k,)
    alpha_ : float
        The penalty used; ∞ if `bias_bound` allows the zero estimator.
    bias_ : ndarray of shape (r,)
        b_i of the singular directions, in the order of `singular_values_`.
    bias_norm_ : float
        ‖b‖_p.
    singular_values_ : ndarray of shape (r,)
        Singular values of the centered and weighted samples; with solver='lanczos', the roots of the Ritz values.
    rank_ : int
        Number of singular values.
    covariance_ : ndarray of shape (d, d) or (k, d, d)
        Covariance of the coefficients, for fixed samples and penalty.
    standard_errors_ : ndarray of shape (d,) or (k, d)
        Standard errors of `coef_`. Like the covariance they leave out the bias, take sample weights as inverse
        variances, and exist if there are more samples than coefficients; `confidence_interval` has other choices.
    n_features_in_, feature_names_in_
        As for every estimator of scikit-learn.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.linear_model import SchattenRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((50, 3))
    >>> y = X @ [1.0, 2.0, 3.0] + 0.1 * rng.standard_normal(50)
    >>> SchattenRegressor(bias_bound=0.1, p=1).fit(X, y).coef_.round(1)
    array([1.1, 1.8, 2.8])
    """

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        p: float = 2,
        bias_bound: float | None = None,
        fit_intercept: bool = True,
        noise_covariance: Any = None,
        solver: str = "auto",
    ):
        self.alpha = alpha
        self.p = p
        self.bias_bound = bias_bound
        self.fit_intercept = fit_intercept
        self.noise_covariance = noise_covariance
        self.solver = solver

    @own_arithmetic
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> SchattenRegressor:
        """Fit the coefficients.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n, d)
        y : array_like of shape (n,) or (n, k)
        sample_weight : array_like of shape (n,), optional
            Sample weights; weight 2 equals a repeated row.

        Returns
        -------
        SchattenRegressor
            The fitted estimator.

        Raises
        ------
        InvalidInputError
            If an argument is out of range, shapes differ, or `sample_weight` and `noise_covariance` are both given.
        """
        p = check_exponent(self.p, smallest=1, name="p")
        bound = None if self.bias_bound is None else check_nonnegative(self.bias_bound, "bias_bound")
        alpha = math.inf if self.alpha == math.inf else check_nonnegative(self.alpha, "alpha")
        check_choice(self.solver, "solver", SOLVERS)
        samples, single_target = self._samples(X, y, sample_weight)
        # A bound on the bias and the spectral norm need all singular values.
        wanted = None if bound is not None or math.isinf(p) else partial(filter_factors, alphas=np.array([alpha]), p=p)
        decomposition = decompose(samples, self.solver, wanted)
        squares = decomposition.squares
        shrinkage = shrink_with_penalty(squares, alpha, p) if bound is None else shrink_to_bound(squares, bound, p)
        self._set(decomposition, shrinkage, p, single_target)
        self._errors = error_model(samples, decomposition, shrinkage.filter_factors)
        return self

    @own_arithmetic
    def predict(
        self,
        X: Any,
        return_interval: Any = None,
        sigma: Any = None,
        confidence: float = 0.95,
        weight_meaning: str = "variance",
    ) -> Any:
        """Predictions, and intervals of the expected targets if asked for.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n, d)
        return_interval : float, or array_like of shape (k,), optional
            R, a bound on ‖β‖₂. The intervals hold for every such β and every intercept, one at a time; they are for the
            expected target, not for a new target with its noise.
        sigma, confidence, weight_meaning
            As for `confidence_interval`.

        Returns
        -------
        ndarray of shape (n,) or (n, k)
            X @ coef_.T + intercept_.
        BiasAwareInterval
            Only with `return_interval`.

        Raises
        ------
        InvalidInputError
            As for `confidence_interval`.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, accept_sparse="csr", dtype=[np.float64, np.float32])
        predictions = np.asarray(X @ self.coef_.T) + self.intercept_
        if return_interval is None:
            return predictions
        interval = self._response_interval(X, predictions, return_interval, sigma, confidence, weight_meaning)
        return predictions, interval

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _samples(self, X: Any, y: Any, sample_weight: Any) -> tuple[Samples, bool]:
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=[np.float64, np.float32], multi_output=True, y_numeric=True
        )
        weights = None if sample_weight is None else check_sample_weight(sample_weight, "sample_weight", len(y))
        targets = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
        column = np.ones(len(y)) if self.fit_intercept else None
        if self.noise_covariance is not None:
            if weights is not None:
                raise InvalidInputError("sample_weight and noise_covariance exclude each other; give only one of them.")
            X, targets, column = _whiten(self.noise_covariance, X, targets, column)
        return Samples(X, targets, weights, column), np.ndim(y) == 1

    def _set(self, decomposition: Decomposition, shrinkage: Shrinkage, p: float, single_target: bool) -> None:
        coefficients = decomposition.coefficients(shrinkage.filter_factors)
        intercept = decomposition.y_center - decomposition.X_center @ coefficients
        self.coef_ = coefficients[:, 0] if single_target else coefficients.T
        self.intercept_ = (float(intercept[0]) if single_target else intercept) if self.fit_intercept else 0.0
        self.alpha_, self.bias_ = shrinkage.alpha, shrinkage.bias
        self.bias_norm_ = schatten_norm(shrinkage.bias, p)
        self.singular_values_ = np.sqrt(decomposition.squares)
        self.rank_ = len(decomposition.squares)


def _whiten(
    covariance: Any, X: Any, y: np.ndarray, column: np.ndarray | None
) -> tuple[Any, np.ndarray, np.ndarray | None]:
    """Samples, targets and intercept column times Ω^{-1/2}."""
    n = len(y)
    if np.ndim(covariance) == 1:
        diagonal = np.asarray(check_matrix(np.reshape(covariance, (1, -1)), "noise_covariance"), dtype=np.float64)[0]
        if len(diagonal) != n or not (diagonal > 0).all():
            raise InvalidInputError(
                f"noise_covariance must be {n} positive variances, one per sample, or an {n} x {n} matrix."
            )
        scales = 1 / np.sqrt(diagonal)
        dense = isinstance(X, np.ndarray)
        whitened = X * scales[:, None] if dense else sp.csr_array(X.multiply(scales[:, None]))
        return whitened, y * scales[:, None], None if column is None else column * scales
    _, factor = check_covariance(covariance, "noise_covariance", n)

    def solve(right: np.ndarray) -> np.ndarray:
        return np.asarray(scipy.linalg.solve_triangular(factor, right, lower=True, check_finite=False))

    return solve(as_dense(X)), solve(y), None if column is None else solve(column[:, None])[:, 0]
