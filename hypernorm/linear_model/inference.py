"""Standard errors, and confidence intervals that allow for the bias, of linear estimators for fixed samples.

For y = Xβ + noise of variance σ² and β̂ = Ly, the error of c'β̂ is c'Bβ + c'L·noise with the bias operator B = LX − I. If
‖β‖₂ ≤ R then |c'Bβ| ≤ R‖B'c‖, so the half-length is the quantile of |N(R‖B'c‖/se, 1)| times the standard error se.
docs/theory/gauss_markov.md has the proof, also for an estimated σ.
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

from hypernorm._arguments import check_choice, check_nonnegative
from hypernorm._arithmetic import own_arithmetic
from hypernorm._validation import as_dense, check_matrix, check_shape
from hypernorm.exceptions import InvalidInputError
from hypernorm.linear_model.decomposition import Decomposition, Samples

__all__ = ["BiasAwareInterval", "ErrorModel", "LinearInference", "critical_value", "error_model"]

WEIGHT_MEANINGS = ("variance", "count")
_BISECTIONS = 52
_BLOCK_ENTRIES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class BiasAwareInterval:
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


@dataclass(frozen=True)
class ErrorModel:
    """What determines the error of fitted coefficients β̂ = V diag(f/s) Uᵀ y_c.

    Attributes
    ----------
    decomposition : Decomposition
        Of the centered, weighted samples.
    factors : ndarray of shape (r, 1) or (r, k)
        The filter factors f.
    mean_variance : float
        Variance of the weighted mean of the targets for σ = 1; zero without an intercept.
    residual_squares : ndarray of shape (k,)
        Sum of the weighted squares of the residuals of least squares.
    n_samples : int
        Number of samples with weight.
    total_weight : float
    fitted : int
        Number of fitted parameters, the rank and one for an intercept.
    has_whole_weights : bool
    """

    decomposition: Decomposition
    factors: np.ndarray
    mean_variance: float
    residual_squares: np.ndarray
    n_samples: int
    total_weight: float
    fitted: int
    has_whole_weights: bool

    def noise(self, sigma: Any, meaning: str) -> tuple[np.ndarray, float]:
        """σ of every target, and its degrees of freedom."""
        check_choice(meaning, "weight_meaning", WEIGHT_MEANINGS)
        if not self.decomposition.is_complete:
            raise InvalidInputError(
                "solver='lanczos' finds coefficients that are no linear function of the targets, so they have no "
                "standard errors; use solver='gram' or 'svd'."
            )
        if sigma is not None:
            return _per_target(sigma, "sigma", len(self.residual_squares)), math.inf
        if meaning == "count" and not self.has_whole_weights:
            raise InvalidInputError("weight_meaning='count' needs whole numbers as sample_weight; give sigma instead.")
        freedom = (self.n_samples if meaning == "variance" else self.total_weight) - self.fitted
        if min(freedom, self.n_samples - self.fitted) <= 0:
            raise _UndefinedError(
                f"sigma cannot be estimated, since {self.fitted} fitted parameters leave no degrees of freedom; give "
                "sigma, the standard deviation of the noise or an upper bound on it."
            )
        return np.sqrt(self.residual_squares / freedom), float(freedom)

    def variances(self, images: np.ndarray) -> np.ndarray:
        """‖L'c‖² for the rows c'V, of shape (m, 1) or (m, k)."""
        return np.asarray(images**2 @ (self.factors**2 / self.decomposition.squares[:, None]))

    def squared_biases(self, rows: np.ndarray, images: np.ndarray) -> np.ndarray:
        """‖B'c‖² for the rows c and c'V, of shape (m, 1) or (m, k)."""
        outside = np.sum((rows - images @ self.decomposition.V.T) ** 2, axis=1)
        return np.asarray(images**2 @ (1 - self.factors) ** 2) + outside[:, None]


class LinearInference:
    """Inference for linear regressors that keep an `ErrorModel` of their fit."""

    _errors: ErrorModel
    coef_: np.ndarray

    @own_arithmetic
    def confidence_interval(
        self, C: Any, R: Any, sigma: Any = None, *, confidence: float = 0.95, weight_meaning: str = "variance"
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
        d = len(errors.decomposition.X_center)
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
        V, squares = errors.decomposition.V, errors.decomposition.squares
        factors = np.broadcast_to(errors.factors, (len(squares), len(sigma)))
        scaled = sigma[:, None, None] * V * (factors / np.sqrt(squares)[:, None]).T[:, None, :]
        result = scaled @ scaled.swapaxes(1, 2)
        return result[0] if np.ndim(self.coef_) == 1 else result

    @property
    @own_arithmetic
    def standard_errors_(self) -> np.ndarray:
        """Standard errors of `coef_`, of its shape: the roots of the diagonal of `covariance_`, without the bias."""
        errors = self._known_errors()
        sigma, _ = errors.noise(None, "variance")
        result = sigma * np.sqrt(errors.variances(errors.decomposition.V))
        return result[:, 0] if np.ndim(self.coef_) == 1 else result.T

    def _known_errors(self) -> ErrorModel:
        check_is_fitted(self)
        return self._errors

    def _response_interval(
        self, X: Any, predictions: np.ndarray, R: Any, sigma: Any, confidence: float, weight_meaning: str
    ) -> BiasAwareInterval:
        """Intervals of the expected targets at the rows of X, whose distances from the center are the functions c."""
        errors = self._known_errors()
        rows = as_dense(X) - errors.decomposition.X_center
        estimates = predictions.reshape(len(rows), -1)
        noise = errors.noise(sigma, weight_meaning)
        interval = _interval(errors, rows, errors.mean_variance, estimates, R, noise, confidence)
        return _shaped(interval, False, predictions.ndim == 1)


def error_model(samples: Samples, decomposition: Decomposition, factors: np.ndarray) -> ErrorModel:
    """The error model of the coefficients with these filter factors, of shape (r,) or (r, k)."""
    n, weights, column = len(samples.y), samples.weights, samples.intercept
    count = n if weights is None else int(np.count_nonzero(weights))
    fitted = len(decomposition.squares) + (column is not None)
    # Without degrees of freedom the residuals are rounding errors, which are of no use.
    known = count > fitted and decomposition.is_complete
    return ErrorModel(
        decomposition=decomposition,
        factors=factors if factors.ndim == 2 else factors[:, None],
        mean_variance=0.0 if column is None else 1 / float((column if weights is None else column * weights) @ column),
        residual_squares=_residual_squares(samples, decomposition) if known else np.zeros(samples.y.shape[1]),
        n_samples=count,
        total_weight=float(n if weights is None else weights.sum()),
        fitted=fitted,
        has_whole_weights=weights is None or bool((weights == np.round(weights)).all()),
    )


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


class _UndefinedError(InvalidInputError, AttributeError):
    """An attribute that this fit does not have; `hasattr` is then false."""


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
    radius = _per_target(R, "R", len(sigma))
    images = rows @ errors.decomposition.V
    bias = radius * np.sqrt(errors.squared_biases(rows, images))
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


def _per_target(value: Any, name: str, targets: int) -> np.ndarray:
    """One finite number of at least 0 for every target."""
    if np.ndim(value) == 0:
        return np.full(targets, check_nonnegative(value, name))
    values = check_shape(value, name, (targets,))
    if (values < 0).any():
        raise InvalidInputError(f"{name} must not be negative.")
    return values


def _residual_squares(samples: Samples, decomposition: Decomposition) -> np.ndarray:
    """Weighted squares of the residuals of least squares, summed over the samples, in one pass over blocks of rows.

    Residuals of inexact coefficients are larger, so rounding errors do not decrease the estimate of σ.
    """
    coefficients = decomposition.coefficients(np.ones(len(decomposition.squares)))
    offset = decomposition.y_center - decomposition.X_center @ coefficients
    X, y, weights, column = samples.X, samples.y, samples.weights, samples.intercept
    total = np.zeros(y.shape[1])
    step = len(y) if sp.issparse(X) else max(1, _BLOCK_ENTRIES // X.shape[1])
    for start in range(0, len(y), step):
        part = slice(start, start + step)
        residuals = y[part] - X[part] @ coefficients
        if column is not None:
            residuals -= column[part, None] * offset
        total += np.sum(residuals**2 if weights is None else weights[part, None] * residuals**2, axis=0)
    return total
