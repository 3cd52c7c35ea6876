"""Standard errors, and confidence intervals that allow for the bias, of linear estimators for fixed samples.

For y = Xβ + noise of variance σ² and β̂ = Ly, the error of c'β̂ is c'Bβ + c'L·noise with the bias operator B = LX − I. If
‖β‖₂ ≤ R then |c'Bβ| ≤ R‖B'c‖, so the half-length is the quantile of |N(R‖B'c‖/se, 1)| times the standard error se.
theory/gauss_markov of the documentation has the proof, also for an estimated σ.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.special import ndtr, ndtri, stdtr, stdtrit
from sklearn.utils.validation import check_is_fitted

from hypernorm._arguments import check_nonnegative
from hypernorm._arithmetic import own_arithmetic
from hypernorm._results import Result
from hypernorm._validation import as_dense, check_matrix
from hypernorm.exceptions import InvalidInputError
from hypernorm.linear_model.error_model import ErrorModel, ErrorSource, WeightMeaning, per_target

__all__ = ["BiasAwareInterval", "LinearInference", "critical_value"]

_BISECTIONS = 52


@dataclass(frozen=True, repr=False, kw_only=True)
class BiasAwareInterval(Result):
    """Confidence intervals of linear functions of the coefficients, one for each function and target.

    Attributes
    ----------
    estimate, lower, upper : ndarray of shape (m,) or (m, k), or float
        The estimate and the ends of its interval.
    largest_bias : ndarray or float
        R‖B'c‖, the largest bias of the estimate for ‖β‖₂ ≤ R.
    standard_error : ndarray or float
        Standard deviation of the estimate.
    relative_length : ndarray or float
        The length over that of the interval without slopes. For c'β this is |c'β| ≤ R‖c‖, of length 2R‖c‖, which needs
        no data. If the ratio is near one, the data say little about c'β.
    sigma : ndarray of shape (k,), or float
        The standard deviation of the noise, as given or estimated.
    degrees_of_freedom : float
        Of the estimated σ; ∞ for a given one.

    See Also
    --------
    SchattenRegressor.confidence_interval : Computes them.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.linear_model import SchattenRegressor
    >>> X = np.random.default_rng(0).standard_normal((30, 2))
    >>> model = SchattenRegressor(1.0).fit(X, X @ [1.0, 2.0])
    >>> interval = model.confidence_interval([1.0, 0.0], 3.0, sigma=0.1)
    >>> bool(interval.lower <= 1 <= interval.upper)
    True
    """

    estimate: Any
    lower: Any
    upper: Any
    largest_bias: Any
    standard_error: Any
    relative_length: Any
    sigma: Any
    degrees_of_freedom: float

    @property
    def length(self) -> Any:
        """Upper minus lower end."""
        return self.upper - self.lower


class LinearInference:
    """Inference for linear regressors that keep the `ErrorSource` of their fit."""

    _errors: ErrorSource
    coef_: np.ndarray

    @own_arithmetic
    def confidence_interval(
        self, C: Any, R: Any, sigma: Any = None, *, confidence: float = 0.95, weight_meaning: WeightMeaning = "variance"
    ) -> BiasAwareInterval:
        """Confidence intervals of c'β that hold for every β with ‖β‖₂ ≤ R.

        For fixed samples and penalty, and Gaussian noise, each interval contains c'β with at least the given
        probability. It is c'β̂ ± the half-length, cut to |c'β| ≤ R‖c‖. The intervals hold one at a time, not together.
        They need not hold for a penalty, norm or R that were chosen with the targets.

        Parameters
        ----------
        C : array_like of shape (d,) or (m, d)
            The linear functions c, for the features as given: the unit vectors stand for single coefficients.
        R : float, or array_like of shape (k,)
            Bound on ‖β‖₂, in the units of the features; the intercept is not bounded. It must come from knowledge about
            the problem; try several, see `hypernorm.plotting.plot_sensitivity`.
        sigma : float, or array_like of shape (k,), optional
            Standard deviation of the noise of a sample of weight one, or an upper bound on it; with `noise_covariance`
            the factor by which the standard deviations are multiplied. By default it is estimated from the residuals of
            least squares, which needs more samples than coefficients.
        confidence : float, default 0.95
            At least 0.5, and less than 1.
        weight_meaning : {'variance', 'count'}, default 'variance'
            For the estimate of σ. 'variance': a sample of weight w has the variance σ²/w, and is one sample. 'count':
            it stands for w equal samples of variance σ² each. Samples of weight zero count as absent.

        Returns
        -------
        BiasAwareInterval

        Raises
        ------
        InvalidInputError
            If an argument is out of range, or σ is needed and cannot be estimated.

        Examples
        --------
        >>> import numpy as np
        >>> from hypernorm.linear_model import SchattenRegressor
        >>> rng = np.random.default_rng(0)
        >>> X, beta = rng.standard_normal((30, 50)), np.full(50, 0.1)
        >>> y = X @ beta + 0.5 * rng.standard_normal(30)
        >>> model = SchattenRegressor(alpha=0.25).fit(X, y)
        >>> interval = model.confidence_interval(np.ones(50), R=1, sigma=0.5)
        >>> bool(interval.lower <= 5 <= interval.upper), bool(interval.relative_length < 1)
        (True, True)
        """
        errors = self._known_errors()
        one = not sp.issparse(C) and np.ndim(C) == 1
        rows = as_dense(check_matrix(np.reshape(C, (1, -1)) if one else C, "C"))
        d = len(errors.X_center)
        if rows.shape[1] != d:
            raise InvalidInputError(f"C must have one column for each of the {d} features, got {rows.shape[1]}.")
        estimates = rows @ np.atleast_2d(self.coef_).T
        interval = _interval(errors, rows, 0.0, estimates, R, errors.noise(sigma, weight_meaning), confidence)
        return _shaped(interval, one, np.ndim(self.coef_) == 1)

    @property
    @own_arithmetic
    def covariance_(self) -> np.ndarray:
        """Covariance of the coefficients for the σ estimated by the residuals, without the bias.

        It has the shape (d, d) or (k, d, d). A sample of weight w has the variance σ²/w.
        """
        errors = self._known_errors()
        sigma, _ = errors.noise(None, "variance")
        weights = np.broadcast_to(errors.weights, (len(errors.weights), len(sigma)))
        scaled = sigma[:, None, None] * errors.Q * np.sqrt(weights).T[:, None, :]
        result = scaled @ scaled.swapaxes(1, 2)
        return result[0] if np.ndim(self.coef_) == 1 else result

    @property
    @own_arithmetic
    def standard_errors_(self) -> np.ndarray:
        """Standard errors of `coef_`, of its shape: the roots of the diagonal of `covariance_`, without the bias."""
        errors = self._known_errors()
        sigma, _ = errors.noise(None, "variance")
        result = sigma * np.sqrt(errors.variances(errors.Q))
        return result[:, 0] if np.ndim(self.coef_) == 1 else result.T

    def _known_errors(self) -> ErrorModel:
        check_is_fitted(self)
        return self._errors.model()

    def _response_interval(
        self, X: Any, predictions: np.ndarray, R: Any, sigma: Any, confidence: float, weight_meaning: str
    ) -> BiasAwareInterval:
        """Intervals of the expected targets at the rows of X, whose distances from the center are the functions c."""
        errors = self._known_errors()
        rows = as_dense(X) - errors.X_center
        estimates = predictions.reshape(len(rows), -1)
        noise = errors.noise(sigma, weight_meaning)
        interval = _interval(errors, rows, errors.mean_variance, estimates, R, noise, confidence)
        return _shaped(interval, False, predictions.ndim == 1)


def critical_value(ratio: Any, confidence: float = 0.95, degrees_of_freedom: float = math.inf) -> np.ndarray:
    """The quantile of |T + t|, T normal or with Student's distribution: largest bias t and result in standard errors.

    It lies between t + q(confidence) and t + q((1 + confidence)/2), with the quantiles q of T. Bisection ends above it.
    """
    t = np.asarray(ratio, dtype=np.float64)
    normal = math.isinf(degrees_of_freedom)
    distribution = ndtr if normal else partial(stdtr, degrees_of_freedom)
    quantile = ndtri if normal else partial(stdtrit, degrees_of_freedom)
    low = np.full(t.shape, quantile(confidence))
    high = np.full(t.shape, quantile((1 + confidence) / 2))
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        reached = distribution(middle) - distribution(-middle - 2 * t) >= confidence
        high, low = np.where(reached, middle, high), np.where(reached, low, middle)
    return np.asarray(t + high)


def _interval(
    errors: ErrorModel,
    rows: np.ndarray,
    mean_variance: float,
    estimates: np.ndarray,
    R: Any,
    noise: tuple[np.ndarray, float],
    confidence: float,
) -> BiasAwareInterval:
    level = check_nonnegative(confidence, "confidence")
    if not 0.5 <= level < 1:
        raise InvalidInputError(f"confidence must be at least 0.5 and less than 1, got {confidence!r}.")
    sigma, freedom = noise
    radius = per_target(R, "R", len(sigma))
    images = rows @ errors.Q
    bias = radius * errors.biases(rows, images)
    error = sigma * np.sqrt(errors.variances(images) + mean_variance)

    def half_length(bias: np.ndarray, error: np.ndarray) -> np.ndarray:
        bias, error = np.broadcast_arrays(bias, error)
        found = np.array(bias)
        noisy = error > 0
        with np.errstate(over="ignore"):  # the ratio to a very small error; then the length is that of the bias
            ratios = np.minimum(bias[noisy] / error[noisy], 1e300)
        found[noisy] = np.maximum(error[noisy] * critical_value(ratios, level, freedom), bias[noisy])
        return found

    half = half_length(bias, error)
    lower, upper = estimates - half, estimates + half
    without = half_length(radius * np.linalg.norm(rows, axis=1)[:, None], sigma * math.sqrt(mean_variance))
    if mean_variance == 0:
        lower, upper = np.clip(lower, -without, without), np.clip(upper, -without, without)
    relative = np.divide(upper - lower, 2 * without, out=np.ones(estimates.shape), where=without > 0)
    return BiasAwareInterval(
        estimate=estimates,
        lower=lower,
        upper=upper,
        largest_bias=np.broadcast_to(bias, estimates.shape),
        standard_error=np.broadcast_to(error, estimates.shape),
        relative_length=relative,
        sigma=sigma,
        degrees_of_freedom=freedom,
    )


def _shaped(interval: BiasAwareInterval, one_function: bool, one_target: bool) -> BiasAwareInterval:
    """The interval without the axes of a single function and a single target."""

    def shaped(values: np.ndarray) -> Any:
        values = values[:, 0] if one_target else values
        values = values[0] if one_function else values
        return float(values) if values.ndim == 0 else values

    names = ("estimate", "lower", "upper", "largest_bias", "standard_error", "relative_length")
    return BiasAwareInterval(
        **{name: shaped(getattr(interval, name)) for name in names},
        sigma=float(interval.sigma[0]) if one_target else interval.sigma,
        degrees_of_freedom=interval.degrees_of_freedom,
    )
