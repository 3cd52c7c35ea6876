"""Choose the penalty and the norm by cross-validation, with one decomposition per training set."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import get_scorer
from sklearn.model_selection import LeaveOneOut, check_cv

from hypernorm._arguments import check_choice, check_exponent, check_nonnegative
from hypernorm._arithmetic import own_arithmetic
from hypernorm.exceptions import InvalidInputError
from hypernorm.linear_model.decomposition import SOLVERS, Samples, decompose
from hypernorm.linear_model.inference import error_model
from hypernorm.linear_model.regressor import SchattenRegressor
from hypernorm.linear_model.shrinkage import Shrinkage, shrink_with_penalty
from hypernorm.linear_model.validation_errors import (
    fold_predictions,
    has_exact_leave_one_out,
    leave_one_out_predictions,
    wanted_filter_factors,
)

__all__ = ["SchattenRegressorCV"]

# Default penalties relative to the largest eigenvalue of XᵀX.
_DEFAULT_GRID = np.geomspace(1e-8, 1e2, 81)
_DEFAULT_FOLDS = 5


class SchattenRegressorCV(SchattenRegressor):
    """`SchattenRegressor` whose penalty and norm are chosen by cross-validation.

    Parameters
    ----------
    alphas : array_like, optional
        Penalties to try; by default 81 values, evenly spaced on a logarithmic scale, from 1e-8 to 100 times the largest
        eigenvalue of XᵀX.
    p : float or list of float, default 2
        Exponent of the Schatten norm, or several to choose from; each 1 ≤ p ≤ ∞.
    cv : int, splitter, iterable, 'loo', 'approximate_loo' or None
        Cross-validation method. None is exact leave-one-out in closed form if it exists for every norm (p = 2; p = ∞
        with n > d + 1), and five folds otherwise. 'loo' is exact leave-one-out for every norm: in closed form if it
        exists, else by n decompositions. 'approximate_loo' uses the closed form of ridge for every norm, which is
        exact for p = 2 only. `cv_description_` names the method that was used.
    scoring : str or callable, optional
        A scorer of scikit-learn; default the negative mean squared error. With leave-one-out it scores all held-out
        predictions together.
    alpha_per_target : bool, default False
        Choose the penalty and the norm of each target separately; only with the default scoring.
    store_cv_results : bool, default False
        Store the scores of every norm and penalty in `cv_results_`.
    fit_intercept, noise_covariance, solver
        As for `SchattenRegressor`; the samples are whitened before they are split.

    Attributes
    ----------
    alpha_, p_ : float, or ndarray of shape (k,) with `alpha_per_target`
        The chosen penalty and norm.
    best_score_ : float, or ndarray of shape (k,)
        Mean score of the chosen penalty and norm.
    cv_description_ : str
        The method of cross-validation that was used.
    cv_results_ : ndarray of shape (norms, alphas, k), or (norms, alphas) with `scoring`
        Mean scores; only with `store_cv_results`.
    coef_, intercept_, singular_values_, rank_, covariance_, standard_errors_
        As for `SchattenRegressor`. Standard errors and intervals ignore that the penalty was chosen with the targets.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.linear_model import SchattenRegressorCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((80, 5)) * [10, 5, 2, 1, 0.1]
    >>> y = X @ [1, 1, 1, 0, 0] + rng.standard_normal(80)
    >>> model = SchattenRegressorCV(p=[1, 2, np.inf]).fit(X, y)
    >>> model.p_ in (1, 2, np.inf), model.cv_description_
    (True, '5 folds')
    """

    def __init__(
        self,
        alphas: Any = None,
        *,
        p: Any = 2,
        cv: Any = None,
        scoring: Any = None,
        alpha_per_target: bool = False,
        store_cv_results: bool = False,
        fit_intercept: bool = True,
        noise_covariance: Any = None,
        solver: str = "auto",
    ):
        self.alphas = alphas
        self.p = p
        self.cv = cv
        self.scoring = scoring
        self.alpha_per_target = alpha_per_target
        self.store_cv_results = store_cv_results
        self.fit_intercept = fit_intercept
        self.noise_covariance = noise_covariance
        self.solver = solver

    @own_arithmetic
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> SchattenRegressorCV:
        """Choose penalty and norm and fit; parameters and errors as for `SchattenRegressor.fit`."""
        norms = [check_exponent(p, smallest=1, name="p") for p in np.atleast_1d(np.asarray(self.p, dtype=object))]
        check_choice(self.solver, "solver", SOLVERS)
        if self.alpha_per_target and self.scoring is not None:
            raise InvalidInputError("alpha_per_target supports squared errors only; leave out scoring.")
        samples, single_target = self._samples(X, y, sample_weight)
        given = None if self.alphas is None else self._check_alphas()

        def penalties(squares: np.ndarray) -> np.ndarray:
            return _DEFAULT_GRID * (float(squares.max(initial=0)) or 1.0) if given is None else given

        closed = self._has_closed_form(samples, norms)
        decomposition = decompose(samples, self.solver, None if closed else wanted_filter_factors(norms, penalties))
        alphas = penalties(decomposition.squares)
        labels = np.asarray(y)  # unchanged targets, for splitters that use them
        scores = self._scores(samples, labels, decomposition, norms, alphas)  # (norms, alphas, k) or (norms, alphas)
        per_candidate = scores if self.alpha_per_target or scores.ndim == 2 else scores.mean(axis=2)
        flat = per_candidate.reshape(len(norms) * len(alphas), -1)
        best = np.argmax(flat, axis=0)
        chosen_norms = [norms[index // len(alphas)] for index in best]
        chosen_alphas = [float(alphas[index % len(alphas)]) for index in best]
        shrinkages = [
            shrink_with_penalty(decomposition.squares, alpha, p)
            for alpha, p in zip(chosen_alphas, chosen_norms, strict=True)
        ]
        factors = np.column_stack([shrinkage.filter_factors for shrinkage in shrinkages])
        combined = Shrinkage(
            bias=shrinkages[0].bias,
            filter_factors=factors if self.alpha_per_target else factors[:, 0],
            alpha=chosen_alphas[0],
        )
        self._set(decomposition, combined, chosen_norms[0], single_target)
        self._errors = error_model(samples, decomposition, combined.filter_factors)
        best_scores = flat[best, np.arange(flat.shape[1])]
        if self.alpha_per_target and not single_target:
            self.alpha_: Any = np.array(chosen_alphas)
            self.p_: Any = np.array(chosen_norms)
            self.best_score_ = best_scores
            self.bias_ = np.column_stack([shrinkage.bias for shrinkage in shrinkages])
        else:
            self.p_, self.best_score_ = chosen_norms[0], float(best_scores[0])
        if self.store_cv_results:
            self.cv_results_ = scores
        return self

    def _check_alphas(self) -> np.ndarray:
        alphas = np.atleast_1d(np.asarray(self.alphas, dtype=object)).ravel()
        if not alphas.size:
            raise InvalidInputError("alphas is empty; give at least one penalty, or None for the default grid.")
        return np.array([check_nonnegative(alpha, "alphas") for alpha in alphas])

    def _has_exact_form(self, samples: Samples, norms: list[float]) -> bool:
        return self.noise_covariance is None and all(has_exact_leave_one_out(p, *samples.X.shape) for p in norms)

    def _has_closed_form(self, samples: Samples, norms: list[float]) -> bool:
        """Whether all held-out predictions come from one decomposition."""
        if self.cv is None or (isinstance(self.cv, str) and self.cv == "loo"):
            return self._has_exact_form(samples, norms)
        return isinstance(self.cv, str) and self.cv == "approximate_loo"

    def _scores(
        self, samples: Samples, labels: np.ndarray, decomposition: Any, norms: list[float], alphas: np.ndarray
    ) -> np.ndarray:
        """Mean scores over the held-out samples; larger is better."""
        n = len(samples.y)
        if self._has_closed_form(samples, norms):
            exact = self._has_exact_form(samples, norms)
            self.cv_description_ = "exact leave-one-out" if exact else "approximate leave-one-out"
            predictions = np.array([leave_one_out_predictions(samples, decomposition, p, alphas) for p in norms])
            return self._score(samples, np.arange(n), predictions)
        if self.cv == "loo":
            splitter, self.cv_description_ = LeaveOneOut(), "exact leave-one-out"
        else:
            splitter = check_cv(_DEFAULT_FOLDS if self.cv is None else self.cv)
            self.cv_description_ = f"{splitter.get_n_splits(samples.X, labels)} folds"
        folds = fold_predictions(samples, splitter.split(samples.X, labels), norms, alphas, self.solver)
        if self.cv == "loo":
            predictions = np.empty((len(norms), len(alphas), *samples.y.shape))
            for held_out, part in folds:
                predictions[:, :, held_out] = part
            return self._score(samples, np.arange(n), predictions)
        parts = [
            self._score(samples, held_out, predictions)
            for held_out, predictions in folds
            if samples.weights is None or samples.weights[held_out].any()  # skip folds without weight
        ]
        if not parts:
            raise InvalidInputError("cv holds out no sample with weight; drop the samples with sample_weight 0.")
        return np.asarray(np.mean(parts, axis=0))

    def _score(self, samples: Samples, held_out: np.ndarray, predictions: np.ndarray) -> np.ndarray:
        y = samples.y[held_out]
        weights = None if samples.weights is None else samples.weights[held_out]
        if self.scoring is None:
            return -np.average((predictions - y) ** 2, axis=2, weights=weights)
        scorer = get_scorer(self.scoring)
        options = {} if weights is None else {"sample_weight": weights}
        truth = y[:, 0] if y.shape[1] == 1 else y
        return np.array(
            [
                [scorer(_Given(), values[:, 0] if y.shape[1] == 1 else values, truth, **options) for values in path]
                for path in predictions
            ]
        )


class _Given(SchattenRegressor):
    """A stand-in for a fitted regressor that passes given predictions to a scorer."""

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: Any, *options: Any, **more: Any) -> Any:
        return X
