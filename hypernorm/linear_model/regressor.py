"""The scikit-learn regressor of least variance under a Schatten-norm bound on the bias."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin, clone
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from hypernorm._arguments import check_choice, check_nonnegative, check_sample_weight
from hypernorm._arithmetic import own_arithmetic
from hypernorm._validation import check_covariance, check_matrix
from hypernorm.exceptions import InvalidInputError
from hypernorm.linear_model.decomposition import PATH_ERROR, SOLVERS, Decomposition, Solver, Wanted, decompose
from hypernorm.linear_model.error_model import ErrorSource, WeightMeaning
from hypernorm.linear_model.gram import GramMatrix
from hypernorm.linear_model.inference import LinearInference
from hypernorm.linear_model.norms import check_norm
from hypernorm.linear_model.path import CoefficientPath
from hypernorm.linear_model.ridge import solve_ridge
from hypernorm.linear_model.samples import CenteredSamples, Samples
from hypernorm.linear_model.shrinkage import biases, gains, schatten_norm, shrink_to_bound
from hypernorm.linear_model.spectrum import Blend, Spectrum

__all__ = ["SchattenRegressor"]

# Default penalties relative to the largest eigenvalue of XᵀX.
DEFAULT_GRID = np.geomspace(1e-8, 1e2, 81)


class SchattenRegressor(LinearInference, MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Linear regression of least variance under a Schatten-norm bound on the bias operator.

    For y = Xβ + noise, the estimator β̂ = Ly minimises the variance ‖L‖_F² subject to ‖LX − I‖_{S_p} ≤ C, the Schatten
    p-norm on the row space of X. C = 0 is least squares (the Gauss–Markov theorem). p = 2 is ridge regression, p = 1
    (nuclear norm) least squares with the eigenvalues of XᵀX floored at α, p = ∞ (spectral norm) least squares times
    1 − C. The theorem is Segert's (2023); theory/gauss_markov of the documentation has a proof.

    Parameters
    ----------
    alpha : float, optional
        Penalty, in units of the eigenvalues of XᵀX; 1 if neither it nor `bias_bound` is given. For the biases b_i of
        the singular directions, (1 − b_i)/s_i² = b_i^{p−1}/α: it is the ridge parameter for p = 2 and the floor for
        p = 1. For p = ∞, C = (1 − 1/(α Σ s_i^{-2}))₊.
    p : float or {'nuclear', 'frobenius', 'spectral'}, default 2
        Exponent of the Schatten norm, 1 ≤ p ≤ ∞; the names stand for 1, 2 and ∞.
    bias_bound : float, optional
        C, instead of `alpha`. Only the bias on the row space of X is bounded; outside it every estimator is zero.
    fit_intercept : bool, default True
        Whether to fit an intercept, which is not shrunk.
    noise_covariance : array_like of shape (n,) or (n, n), optional
        Covariance of the noise up to a factor, or its diagonal; the samples are whitened with it. A diagonal is the
        same as `sample_weight` of its reciprocals.
    solver : {'auto', 'svd', 'gram', 'lanczos'}, default 'auto'
        'svd' is the most accurate. 'gram' uses the Gram matrix of the smaller side, which squares the condition
        number; it reads X in blocks and makes no copy. 'lanczos' only multiplies with X, for α > 0 and p < ∞, and finds
        only the singular directions that determine the coefficients. 'auto' selects 'lanczos' for sparse X with
        d·min(n, d) above 250 million; otherwise 'gram' where an estimate of the condition tells that the coefficients
        keep half of the digits or more, and 'svd' where it does not. Sparse X above ten million entries is never made
        dense.

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
        Singular values of the centered and weighted samples, in descending order; with solver='lanczos', the roots of
        the Ritz values. After a fit for p = 2 they and the biases are computed when they are first asked for.
    rank_ : int
        Number of singular values. One counts if it exceeds max(n, d)·ε times the largest by solver='svd', with ε the
        spacing of floating-point numbers, or the root of that factor by 'gram', plus the rounding error of centering.
    covariance_ : ndarray of shape (d, d) or (k, d, d)
        Covariance of the coefficients, for fixed samples and penalty.
    standard_errors_ : ndarray of shape (d,) or (k, d)
        Standard errors of `coef_`. Like the covariance they leave out the bias, take sample weights as inverse
        variances, and exist if there are more samples than coefficients; `confidence_interval` has other choices.
    n_features_in_, feature_names_in_
        As for every estimator of scikit-learn.

    See Also
    --------
    SchattenRegressorCV : Chooses the penalty.
    sklearn.linear_model.Ridge : The same estimator for p = 2.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.linear_model import SchattenRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((50, 3))
    >>> y = X @ [1.0, 2.0, 3.0] + 0.1 * rng.standard_normal(50)
    >>> model = SchattenRegressor(bias_bound=0.1, p="nuclear").fit(X, y)
    >>> model.coef_.round(1), model.predict(X).shape
    (array([1.1, 1.8, 2.8]), (50,))
    """

    def __init__(
        self,
        alpha: float | None = None,
        *,
        p: Any = 2,
        bias_bound: float | None = None,
        fit_intercept: bool = True,
        noise_covariance: Any = None,
        solver: Solver = "auto",
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
            If an argument is out of range, shapes differ, arguments exclude each other, squares of the entries
            overflow, or the result depends on singular values that the solver does not find.
        """
        p = check_norm(self.p)
        if self.alpha is not None and self.bias_bound is not None:
            raise InvalidInputError("alpha and bias_bound exclude each other; give only one of them.")
        bound = None if self.bias_bound is None else check_nonnegative(self.bias_bound, "bias_bound")
        alpha = _penalty(1.0 if self.alpha is None else self.alpha, "alpha")
        check_choice(self.solver, "solver", SOLVERS)
        samples, single_target = self._samples(X, y, sample_weight)
        if bound is None and p == 2 and 0 < alpha < math.inf and self.solver in ("auto", "gram"):
            centered = CenteredSamples.of(samples.with_weight().whitened())
            wanted = Wanted([p], lambda largest: np.array([alpha]))
            found = None if self.solver == "auto" and wanted.is_large(centered) else solve_ridge(centered, alpha)
            if found is not None:
                coefficients, gram = found
                blend = Blend.single(alpha, p)
                self._set(centered, coefficients, Spectrum(blend, gram), gram, single_target)
                return self
        wanted = Wanted([p], None if bound is not None else lambda largest: np.array([alpha]))
        decomposition = decompose(samples, self.solver, wanted)
        if bound is not None:
            alpha = shrink_to_bound(decomposition.squares[decomposition.squares > 0], bound, p).alpha
        self._set_blend(decomposition, Blend.single(alpha, p), single_target)
        return self

    @own_arithmetic
    def path(self, X: Any, y: Any, alphas: Any = None, sample_weight: Any = None) -> CoefficientPath:
        """Coefficients for many penalties from one decomposition, with the other parameters of the estimator.

        Parameters
        ----------
        X, y : array_like
            As for `fit`.
        alphas : array_like of shape (k,), optional
        sample_weight : array_like of shape (n,), optional

        Returns
        -------
        CoefficientPath
            `hypernorm.plotting.plot_path` draws it.

        Raises
        ------
        InvalidInputError
            As for `fit`.

        Examples
        --------
        >>> import numpy as np
        >>> from hypernorm.linear_model import SchattenRegressor
        >>> X = np.random.default_rng(0).standard_normal((50, 3))
        >>> path = SchattenRegressor(p=1).path(X, X @ [1.0, 2.0, 3.0], alphas=[0, 10, 1000])
        >>> path.coefs.round(1)
        array([[1. , 2. , 3. ],
               [1. , 2. , 3. ],
               [0.1, 0.1, 0.1]])
        """
        p = check_norm(self.p)
        check_choice(self.solver, "solver", SOLVERS)
        given = None if alphas is None else np.sort(check_penalties(alphas))

        def penalties(largest: float) -> np.ndarray:
            return DEFAULT_GRID * (largest or 1.0) if given is None else given

        model = clone(self)  # the estimator stays as it is
        samples, single_target = model._samples(X, y, sample_weight)
        decomposition = decompose(samples, self.solver, Wanted([p], penalties, largest_error=PATH_ERROR))
        squares, centered = decomposition.squares, decomposition.centered
        grid = penalties(float(squares.max(initial=0)))
        coefs = np.array([decomposition.coefficients(row) for row in gains(squares, grid, p)])
        intercepts = centered.y_center - np.einsum("d,adk->ak", centered.X_center, coefs)
        counted = squares[squares > decomposition.tolerance]
        norms = np.array([schatten_norm(row, p) for row in biases(counted, grid, p)])
        names = tuple(getattr(model, "feature_names_in_", ()))
        if single_target:
            return CoefficientPath(p, grid, coefs[:, :, 0], intercepts[:, 0], norms, names)
        return CoefficientPath(p, grid, coefs.transpose(0, 2, 1), intercepts, norms, names)

    @property
    def singular_values_(self) -> np.ndarray:
        """Singular values of the centered and weighted samples, in descending order."""
        return np.sqrt(self._spectrum.squares)

    @property
    def rank_(self) -> int:
        """Number of singular values."""
        return len(self._spectrum.squares)

    @property
    def bias_(self) -> np.ndarray:
        """Biases of the singular directions."""
        return self._spectrum.bias

    @property
    def bias_norm_(self) -> Any:
        """Schatten norm of the bias operator on the row space."""
        return self._spectrum.bias_norms

    @own_arithmetic
    def predict(
        self,
        X: Any,
        return_interval: Any = None,
        sigma: Any = None,
        confidence: float = 0.95,
        weight_meaning: WeightMeaning = "variance",
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
        covariance = None
        if self.noise_covariance is not None:
            if weights is not None:
                raise InvalidInputError("sample_weight and noise_covariance exclude each other; give only one of them.")
            if np.ndim(self.noise_covariance) == 1:
                weights = 1 / _variances(self.noise_covariance, len(y))
            else:
                covariance, _ = check_covariance(self.noise_covariance, "noise_covariance", len(y))
        self._dtype = X.dtype
        return Samples(X, targets, weights, column, covariance), np.ndim(y) == 1

    def _set_blend(self, decomposition: Decomposition, blend: Blend, single_target: bool) -> None:
        coefficients = decomposition.coefficients(blend.gains(decomposition.squares))
        spectrum = Spectrum.of(decomposition, blend)
        self._set(decomposition.centered, coefficients, spectrum, decomposition, single_target)

    def _set(
        self,
        centered: CenteredSamples,
        coefficients: np.ndarray,
        spectrum: Spectrum,
        parts: Decomposition | GramMatrix,
        single_target: bool,
    ) -> None:
        # Coefficients have the precision of X; the intercept belongs to them as they are stored.
        stored = coefficients.astype(self._dtype)
        intercept = centered.y_center - centered.X_center @ stored.astype(np.float64)
        self.coef_ = stored[:, 0] if single_target else stored.T
        shown = float(intercept[0]) if single_target else intercept.astype(self._dtype)
        self.intercept_ = shown if self.fit_intercept else 0.0
        self.alpha_: Any = spectrum.blend.shown(spectrum.blend.alphas[0])
        self._spectrum = spectrum
        self._errors = ErrorSource.of(centered, parts, spectrum.blend, coefficients)


def check_penalties(alphas: Any, name: str = "alphas") -> np.ndarray:
    """Penalties as an array of shape (a,).

    Raises
    ------
    InvalidInputError
        If there is none, or one is negative or not finite.
    """
    values = np.atleast_1d(np.asarray(alphas, dtype=object)).ravel()
    if not values.size:
        raise InvalidInputError(f"{name} is empty; give at least one penalty, or None for the default grid.")
    return np.array([check_nonnegative(value, name) for value in values])


def _penalty(alpha: Any, name: str) -> float:
    return math.inf if alpha == math.inf else check_nonnegative(alpha, name)


def _variances(diagonal: Any, n: int) -> np.ndarray:
    values = np.asarray(check_matrix(np.reshape(diagonal, (1, -1)), "noise_covariance"), dtype=np.float64)[0]
    if len(values) != n or not (values > 0).all():
        raise InvalidInputError(
            f"noise_covariance must be {n} positive variances, one per sample, or an {n} x {n} matrix."
        )
    return values
