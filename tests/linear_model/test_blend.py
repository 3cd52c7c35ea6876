"""Blends of several norms, groups and metadata, paths, and leave-one-out with correlated noise."""

import math

import numpy as np
import pytest
import sklearn
from scipy.optimize import minimize
from sklearn.metrics import get_scorer, make_scorer, mean_absolute_error
from sklearn.model_selection import GroupKFold, KFold, LeaveOneGroupOut, ShuffleSplit

from hypernorm import InvalidInputError
from hypernorm.linear_model import SchattenRegressor, SchattenRegressorCV
from hypernorm.linear_model.selection import blend_weights
from hypernorm.plotting import plot_path

ALPHAS = np.geomspace(0.01, 100, 9)
NORMS = [1, 2, math.inf]


def problem(n=60, d=8, k=2):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((n, d)) * np.geomspace(3, 0.1, d)
    return X, X @ rng.standard_normal((d, k)) + rng.standard_normal((n, k))


def test_blend_weights_minimise_the_squares():
    rng = np.random.default_rng(4)
    for norms in (2, 3, 5):
        for shift in (0.0, 1.0, 3.0):
            residuals = rng.standard_normal((40, norms)) + shift * rng.standard_normal((40, 1))
            weights = rng.uniform(0.5, 2, 40)
            found = blend_weights(residuals, weights)
            assert found.sum() == pytest.approx(1)
            assert (found >= 0).all()
            other = minimize(
                lambda w, r=residuals, v=weights: v @ (r @ w) ** 2,
                np.full(norms, 1 / norms),
                bounds=[(0, 1)] * norms,
                constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
                method="SLSQP",
                options={"ftol": 1e-14},
            )
            assert weights @ (residuals @ found) ** 2 <= other.fun * (1 + 1e-9)
    assert blend_weights(np.zeros((5, 2)), np.ones(5)).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("per_target", [True, False])
@pytest.mark.parametrize("cv", [None, "loo", KFold(4)])
def test_a_blend_is_the_mean_of_its_norms(cv, per_target):
    X, y = problem()
    model = SchattenRegressorCV(ALPHAS, p=NORMS, cv=cv, alpha_per_target=per_target, store_cv_results=True).fit(X, y)
    assert model.cv_description_.startswith("blend of 3 norms by ")
    assert model.p_.tolist() == NORMS
    np.testing.assert_array_equal(model.alphas_, ALPHAS)
    scores = model.cv_results_ if per_target else model.cv_results_.mean(axis=2, keepdims=True)
    np.testing.assert_array_equal(np.squeeze(model.alpha_), np.squeeze(ALPHAS[scores.argmax(axis=1)]))
    assert np.shape(model.bias_norm_) == np.shape(model.blend_weights_)
    for target in range(2):
        parts = []
        for index, p in enumerate(NORMS):
            alpha = model.alpha_[index, target] if per_target else model.alpha_[index]
            parts.append(SchattenRegressor(alpha, p=p).fit(X, y[:, target]))
        weights = model.blend_weights_[:, target] if per_target else model.blend_weights_
        np.testing.assert_allclose(model.coef_[target], weights @ [part.coef_ for part in parts], atol=1e-9)
        assert model.intercept_[target] == pytest.approx(weights @ [part.intercept_ for part in parts])
        bias = model.bias_[:, target] if per_target else model.bias_
        np.testing.assert_allclose(bias, weights @ [part.bias_ for part in parts], atol=1e-9)
    # No norm alone has held-out predictions with less error.
    alone = model.cv_results_.max(axis=(0, 1)) if per_target else scores.max()
    assert (model.best_score_ >= alone - 1e-12).all()


def test_a_blend_by_exact_leave_one_out_scores_its_predictions():
    X, y = problem(k=1)
    model = SchattenRegressorCV(ALPHAS, p=[2, math.inf], cv="loo").fit(X, y[:, 0])
    assert model.cv_description_ == "blend of 2 norms by exact leave-one-out"
    errors = []
    for i in range(len(X)):
        others = np.delete(np.arange(len(X)), i)
        parts = [SchattenRegressor(a, p=p).fit(X[others], y[others, 0]) for a, p in zip(model.alpha_, model.p_)]  # noqa: B905
        errors.append(model.blend_weights_ @ [part.predict(X[[i]])[0] for part in parts] - y[i, 0])
    assert -model.best_score_ == pytest.approx(np.mean(np.square(errors)), rel=1e-8)
    by_scorer = SchattenRegressorCV(ALPHAS, p=[2, math.inf], cv="loo", scoring="neg_mean_squared_error")
    assert by_scorer.fit(X, y[:, 0]).best_score_ == pytest.approx(model.best_score_)


def test_one_norm_of_several_by_name():
    X, y = problem(k=1)
    model = SchattenRegressorCV(ALPHAS, p=["nuclear", "frobenius"], several="best").fit(X, y)
    assert model.cv_description_ == "approximate leave-one-out"
    assert model.p_ in (1, 2)
    assert sorted(model.blend_weights_) == [0, 1]
    same = SchattenRegressor(model.alpha_, p=model.p_).fit(X, y)
    np.testing.assert_allclose(model.coef_, same.coef_, atol=1e-10)
    assert model.bias_norm_ == pytest.approx(same.bias_norm_)


def test_folds_that_can_be_read_once_or_are_random():
    X, y = problem(k=1)
    parts = list(KFold(4).split(X))
    expected = SchattenRegressorCV(ALPHAS, p=NORMS, cv=parts).fit(X, y)
    model = SchattenRegressorCV(ALPHAS, p=NORMS, cv=iter(parts)).fit(X, y)
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    random = SchattenRegressorCV(ALPHAS, p=NORMS, cv=ShuffleSplit(4, random_state=np.random.RandomState(0))).fit(X, y)
    single = SchattenRegressorCV(ALPHAS, p=1, cv=iter(parts)).fit(X, y)
    assert random.blend_weights_.sum() == pytest.approx(1)
    assert single.cv_description_ == "4 folds"


def test_groups_reach_the_splitter():
    X, y = problem(k=1)
    groups = np.repeat(np.arange(6), 10)
    model = SchattenRegressorCV(ALPHAS, cv=LeaveOneGroupOut(), store_cv_results=True).fit(X, y, groups=groups)
    parts = list(LeaveOneGroupOut().split(X, y, groups))
    same = SchattenRegressorCV(ALPHAS, cv=parts, store_cv_results=True).fit(X, y)
    np.testing.assert_array_equal(model.cv_results_, same.cv_results_)
    assert model.cv_description_ == "6 folds"
    with pytest.raises(InvalidInputError, match="no argument 'color'"):
        SchattenRegressorCV(ALPHAS).fit(X, y, color=groups)


def test_metadata_routing():
    X, y = problem(k=1)
    groups = np.repeat(np.arange(6), 10)
    weights = np.random.default_rng(0).uniform(0.5, 2, len(X))
    plain = SchattenRegressorCV(ALPHAS, cv=GroupKFold(3), scoring="neg_mean_absolute_error", store_cv_results=True)
    plain.fit(X, y[:, 0], weights, groups=groups)
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = make_scorer(mean_absolute_error, greater_is_better=False).set_score_request(sample_weight=True)
        model = SchattenRegressorCV(ALPHAS, cv=GroupKFold(3), scoring=scorer, store_cv_results=True)
        model.fit(X, y[:, 0], sample_weight=weights, groups=groups)
        np.testing.assert_allclose(model.cv_results_, plain.cv_results_)
        unweighted = get_scorer("neg_mean_absolute_error").set_score_request(sample_weight=False)
        model.set_params(scoring=unweighted).fit(X, y[:, 0], sample_weight=weights, groups=groups)
        assert not np.allclose(model.cv_results_, plain.cv_results_)


@pytest.mark.parametrize("shape", [(25, 4), (12, 30)])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("correlated", [True, False])
def test_leave_one_out_with_a_noise_covariance(shape, fit_intercept, correlated):
    rng = np.random.default_rng(5)
    n = shape[0]
    X, y = rng.standard_normal(shape), rng.standard_normal((n, 2))
    A = rng.standard_normal((n, n))
    covariance = A @ A.T + np.eye(n) if correlated else np.diag(rng.uniform(0.5, 2, n))
    given = covariance if correlated else np.diag(covariance)
    alphas = np.array([0.5, 3.0])
    model = SchattenRegressorCV(alphas, noise_covariance=given, fit_intercept=fit_intercept, store_cv_results=True).fit(
        X, y
    )
    assert model.cv_description_ == "exact leave-one-out"
    for index, alpha in enumerate(alphas):
        errors = []
        for i in range(n):
            rest = np.delete(np.arange(n), i)
            one = SchattenRegressor(
                alpha, noise_covariance=covariance[np.ix_(rest, rest)], fit_intercept=fit_intercept
            ).fit(X[rest], y[rest])
            errors.append(one.predict(X[[i]])[0] - y[i])
        expected = np.average(np.square(errors), axis=0, weights=1 / np.diag(covariance))
        np.testing.assert_allclose(-model.cv_results_[0, index], expected, rtol=1e-8)
    general = SchattenRegressorCV(alphas, p=1, cv=4, noise_covariance=given, store_cv_results=True).fit(X, y)
    assert np.isfinite(general.cv_results_).all()


def test_paths():
    X, y = problem()
    for p in (1, 2, "spectral"):
        path = SchattenRegressor(p=p).path(X, y, alphas=[100.0, 0.0, 1.0])
        assert path.alphas.tolist() == [0, 1, 100]
        for index, alpha in enumerate(path.alphas):
            model = SchattenRegressor(alpha, p=p).fit(X, y)
            np.testing.assert_allclose(path.coefs[index], model.coef_, atol=1e-10)
            np.testing.assert_allclose(path.intercepts[index], model.intercept_, atol=1e-10)
            assert path.bias_norms[index] == pytest.approx(model.bias_norm_)
    single = SchattenRegressor().path(X, y[:, 0])
    axes = plot_path(single)
    assert len(axes.lines) == 8 + 1
    assert plot_path(path, target=1).get_title() == r"Coefficients, $p = \infty$"
    with pytest.raises(InvalidInputError, match="from 0 to 1"):
        plot_path(path, target=2)
    with pytest.raises(InvalidInputError, match="no positive penalty"):
        plot_path(SchattenRegressor().path(X, y, alphas=[0.0]))
    assert single.coefs.shape == (81, 8)
    assert (np.diff(single.bias_norms) >= 0).all()
    assert not hasattr(SchattenRegressor(), "coef_")
