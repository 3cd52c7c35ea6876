"""Linear regression of samples and targets with outliers."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from hypernorm._arguments import Seed, check_count, check_generator, check_tolerance
from hypernorm._arithmetic import own_arithmetic
from hypernorm._warnings import warn_caller
from hypernorm.exceptions import InvalidInputError
from hypernorm.robust.filter.contamination import check_contamination_or_auto, filter_samples
from hypernorm.robust.m_estimation import LinearProblem
from hypernorm.robust.weights import contamination_of_a_part, normalised, normalised_weights
from hypernorm.robust.winsorising import check_units, winsorised

__all__ = ["RobustRegressor"]

# Number of samples from which the last fit may start.
_PART = 50_000


class RobustRegressor(RegressorMixin, BaseEstimator):
    """Linear regression of samples with outliers, among the rows as well as the targets.

    1. Huber's estimator gives residuals r_i. It withstands wrong targets of any size, but not wrong rows.
    2. `moment_filter` removes weight from outliers among the rows (x_i, r_i). The result does not depend on the units
       of x and y nor on the first fit, unless there are so few samples that the filter has to leave out directions.
    3. Huber's estimator under the remaining weights gives coefficients and a scale. Directions in which the remaining
       samples do not vary, such as the indicator of a rare category, get their coefficients from all others.
    4. Tukey's bisquare at that scale descends from there, over all samples. Inliers that the filter removed come back,
       and samples with large residuals have no influence, however far out their rows are.

    Of more than 50,000 samples the first three steps see a random part of this size, which is enough for a start. Time
    and memory grow like the number of samples.

    Parameters
    ----------
    contamination : float or 'auto', default 0.1
        Fraction ε of outliers, in [0, 0.5). The filter leaves out up to ε of the weight where samples look corrupted,
        and next to none of samples that look Gaussian. Of more than 50,000 samples it sees a part of so many, which may
        have a few more outliers. 'auto' allows for 30% and takes what was removed as ε.
    fit_intercept : bool, default True
        Whether the model has a constant term.
    max_iter : int, default 200
        Limit on the iterations of each of the three fits, and on the rounds of the filter. A warning tells when it was
        reached.
    tol : float, default 1e-6
        A fit ends when the fitted values change by less than this, in root mean square relative to the scale of the
        residuals.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState
        For the directions in which the filter looks, and the part of the samples that it sees. An integer makes the
        result repeatable.

    Attributes
    ----------
    coef_ : ndarray of shape (d,)
        Coefficients of the columns.
    intercept_ : float
        Constant term; zero without `fit_intercept`.
    scale_ : float
        Standard deviation of the noise, estimated by the median of the absolute residuals after the filter; zero if
        more than half of the samples are fitted exactly.
    weights_ : ndarray of shape (n,)
        Factors of the sample weights in the last fit, between zero and one; zero for samples with residuals of more
        than 4.685 `scale_`, or of weight zero.
    removals_ : tuple of Removal
        What the filter removed, and why; directions are in the coordinates (x, r).
    contamination_ : float
        ε as given or estimated.
    n_iter_ : int
        Iterations of the last fit.
    converged_ : bool
        Whether the filter and the fits after it ended before `max_iter`.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (d,)
        Names of the columns; only for samples with column names that are all strings.

    Warns
    -----
    ConvergenceWarning
        If `max_iter` was reached.

    See Also
    --------
    RobustMean, RobustCovariance : estimates with a proved error bound.
    sklearn.linear_model.HuberRegressor : Huber's estimator, for wrong targets only.

    Notes
    -----
    `score` is the coefficient of determination R², with sample weights if they are given. Wrong targets make it small,
    even of a perfect fit.

    There is one target; `sklearn.multioutput.MultiOutputRegressor` fits several. Sparse samples are refused, since
    whitening would make them dense.

    The proposition on regression in theory/robust of the documentation.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.robust import RobustRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((500, 3))
    >>> y = X @ [1.0, 2.0, 3.0] + 0.1 * rng.standard_normal(500)
    >>> X[:50, 0], y[:50] = 10, -10  # leverage points
    >>> model = RobustRegressor(random_state=0).fit(X, y)
    >>> model.coef_.round(1), model.predict(np.eye(3)).round(1)
    (array([1., 2., 3.]), array([1., 2., 3.]))
    """

    def __init__(
        self,
        contamination: Any = 0.1,
        *,
        fit_intercept: bool = True,
        max_iter: int = 200,
        tol: float = 1e-6,
        random_state: Seed = None,
    ):
        self.contamination = contamination
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    @own_arithmetic
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> RobustRegressor:
        """Fit coefficients and intercept.

        Parameters
        ----------
        X : array_like of shape (n, d)
            More samples than coefficients.
        y : array_like of shape (n,)
            Targets.
        sample_weight : array_like of shape (n,), optional
            Relative weights, not negative; equal by default. The outliers are at most the fraction ε by these weights.
            A sample of weight zero counts as absent.

        Returns
        -------
        RobustRegressor
            Itself.

        Raises
        ------
        InvalidInputError
            If an argument cannot be used or there are too few samples.
        """
        contamination = check_contamination_or_auto(self.contamination)
        check_count(self.max_iter, "max_iter")
        check_tolerance(self.tol, "tol")
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True, ensure_min_samples=2)
        base = normalised_weights(sample_weight, "sample_weight", len(X))
        counted = base > 0
        n, d = int(counted.sum()), X.shape[1]
        if n <= d + bool(self.fit_intercept):
            weighted = "" if sample_weight is None else "of positive weight "
            raise InvalidInputError(
                f"X has n_samples={n} {weighted}and {d} features; outliers can be told from inliers "
                f"only with more samples than coefficients. Reduce the features first, e.g. with PCA."
            )
        rng = check_generator(self.random_state)
        rows, targets, base = X[counted], np.asarray(y, dtype=np.float64)[counted, None], base[counted]
        rows, targets = winsorised(rows, units=check_units(rows)), winsorised(targets, units=check_units(targets, "y"))
        problem = LinearProblem(rows, targets[:, 0], bool(self.fit_intercept), self.tol, self.max_iter)
        part = np.zeros(n, dtype=bool)
        part[rng.choice(n, _PART, replace=False) if n > _PART else slice(None)] = True
        first = problem.huber(normalised(base * part))
        weights = normalised(base[part])
        found = filter_samples(
            np.column_stack([rows, first.residuals])[part],
            None if contamination is None else contamination_of_a_part(contamination, weights, float(base @ base)),
            weights,
            rng,
            max_iter=self.max_iter,
        )
        assert found.weights is not None  # no filter is without weights
        kept = np.zeros(n)
        kept[part] = found.weights
        start = problem.complete(problem.huber(kept), kept)
        last = problem.bisquare(start, base)
        self.coef_, self.intercept_ = problem.coefficients(last.beta)
        self.scale_, self.removals_ = last.scale, found.removals
        self.contamination_ = found.contamination if contamination is None else contamination
        self.weights_ = np.zeros(len(X))
        self.weights_[counted] = last.factors
        self.n_iter_ = last.n_iter
        self.converged_ = found.converged and start.converged and last.converged
        if not self.converged_:
            warn_caller(f"RobustRegressor reached max_iter={self.max_iter}; increase max_iter or tol={self.tol:g}.")
        return self

    @own_arithmetic
    def predict(self, X: Any) -> np.ndarray:
        """Predict the targets, X @ coef_ + intercept_.

        Parameters
        ----------
        X : array_like of shape (n, d)

        Returns
        -------
        ndarray of shape (n,)

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If X cannot be used, or has another number of features.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        return np.asarray(X @ self.coef_ + self.intercept_)
