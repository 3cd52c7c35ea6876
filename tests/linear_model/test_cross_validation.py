"""SchattenRegressorCV against brute force: every held-out prediction is computed again by a fresh fit."""

import math

import numpy as np
import pytest
from sklearn.linear_model import RidgeCV
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import KFold, LeaveOneOut, StratifiedKFold

from hypernorm import InvalidInputError
from hypernorm.linear_model import SchattenRegressor, SchattenRegressorCV

ALPHAS = np.array([0.1, 1.0, 10.0, 300.0])


def samples(n=30, d=6, weights=False):
    rng = np.random.default_rng(n + d)
    X = rng.standard_normal((n, d)) * np.geomspace(5, 0.1, d) + 2
    y = rng.standard_normal((n, 2)) + X[:, :2]
    return X, y, rng.integers(1, 4, n).astype(float) if weights else None


def brute_force(X, y, w, splitter, p, alpha, intercept):
    predictions = np.empty_like(y)
    for train, test in splitter.split(X):
        model = SchattenRegressor(alpha, p=p, fit_intercept=intercept)
        predictions[test] = model.fit(X[train], y[train], None if w is None else w[train]).predict(X[test])
    return predictions


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weights", [True, False])
@pytest.mark.parametrize(("p", "shape"), [(2, (30, 6)), (math.inf, (30, 6)), (2, (8, 20)), (1, (20, 6)), (3, (8, 20))])
def test_leave_one_out_is_exact_where_it_says_so(p, shape, weights, intercept):
    X, y, w = samples(*shape, weights=weights)
    model = SchattenRegressorCV(ALPHAS, p=p, cv="loo", fit_intercept=intercept, store_cv_results=True)
    model.fit(X, y, sample_weight=w)
    assert model.cv_description_ == "exact leave-one-out"
    for index, alpha in enumerate(ALPHAS):
        predictions = brute_force(X, y, w, LeaveOneOut(), p, alpha, intercept)
        expected = -np.average((predictions - y) ** 2, axis=0, weights=w)
        np.testing.assert_allclose(model.cv_results_[0, index], expected, rtol=1e-8)
    assert model.alpha_ == ALPHAS[np.argmax(model.cv_results_[0].mean(axis=1))]


def test_the_shortcut_is_called_approximate_where_it_is():
    X, y, _ = samples()
    shortcut = SchattenRegressorCV(ALPHAS, p=1, cv="approximate_loo", store_cv_results=True).fit(X, y)
    exact = SchattenRegressorCV(ALPHAS, p=1, cv="loo", store_cv_results=True).fit(X, y)
    assert shortcut.cv_description_ == "approximate leave-one-out"
    assert not np.allclose(shortcut.cv_results_, exact.cv_results_, rtol=1e-3)
    assert SchattenRegressorCV(ALPHAS, p=2, cv="approximate_loo").fit(X, y).cv_description_ == "exact leave-one-out"


@pytest.mark.parametrize("weights", [True, False])
def test_folds_are_those_of_separate_fits(weights):
    X, y, w = samples(weights=weights)
    norms = [1, 1.5, 2, math.inf]
    model = SchattenRegressorCV(ALPHAS, p=norms, several="best", cv=KFold(4), store_cv_results=True)
    model.fit(X, y, sample_weight=w)
    assert model.cv_description_ == "4 folds"
    for position, p in enumerate(norms):
        for index, alpha in enumerate(ALPHAS):
            predictions = brute_force(X, y, w, KFold(4), p, alpha, True)
            scores = [
                -np.average((predictions[test] - y[test]) ** 2, axis=0, weights=None if w is None else w[test])
                for _, test in KFold(4).split(X)
            ]
            np.testing.assert_allclose(model.cv_results_[position, index], np.mean(scores, axis=0), rtol=1e-8)
    best = np.unravel_index(model.cv_results_.mean(axis=2).argmax(), (4, 4))
    assert (model.p_, model.alpha_) == (norms[best[0]], ALPHAS[best[1]])
    final = SchattenRegressor(model.alpha_, p=model.p_).fit(X, y, sample_weight=w)
    np.testing.assert_allclose(model.coef_, final.coef_, atol=1e-12)
    np.testing.assert_allclose(model.intercept_, final.intercept_, atol=1e-12)


def test_agrees_with_ridge_cv():
    X, y, _ = samples(50, 8)
    ours, theirs = SchattenRegressorCV(ALPHAS).fit(X, y), RidgeCV(ALPHAS).fit(X, y)
    assert ours.alpha_ == theirs.alpha_
    assert ours.best_score_ == pytest.approx(theirs.best_score_, rel=1e-10)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-10)
    scored = SchattenRegressorCV(ALPHAS, cv=3, scoring="neg_mean_squared_error").fit(X, y)
    assert scored.alpha_ == RidgeCV(ALPHAS, cv=3, scoring="neg_mean_squared_error").fit(X, y).alpha_


def test_a_choice_per_target():
    rng = np.random.default_rng(5)
    X = rng.standard_normal((40, 10))
    y = np.column_stack([X @ rng.standard_normal(10), rng.standard_normal(40)])  # signal, and noise alone
    model = SchattenRegressorCV(p=[1, 2], several="best", alpha_per_target=True, cv=5).fit(X, y)
    assert model.alpha_[1] > 10 * model.alpha_[0]
    for target in range(2):
        single = SchattenRegressorCV(p=[1, 2], several="best", cv=5).fit(X, y[:, target])
        assert (model.alpha_[target], model.p_[target]) == (single.alpha_, single.p_)
        np.testing.assert_allclose(model.coef_[target], single.coef_, atol=1e-12)


def test_scorers_receive_predictions_and_weights():
    X, y, w = samples(weights=True)

    def scorer(estimator, X, y, sample_weight=None):
        return -mean_squared_error(y, estimator.predict(X), sample_weight=sample_weight)

    own = SchattenRegressorCV(ALPHAS, cv=3, scoring=scorer, store_cv_results=True).fit(X, y, sample_weight=w)
    default = SchattenRegressorCV(ALPHAS, cv=3, store_cv_results=True).fit(X, y, sample_weight=w)
    np.testing.assert_allclose(own.cv_results_, default.cv_results_.mean(axis=2))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"alphas": []}, "alphas is empty"),
        ({"alphas": [-1]}, "alphas"),
        ({"p": [2, 0.5]}, "p must be at least 1"),
        ({"alpha_per_target": True, "scoring": "r2"}, "leave out scoring"),
        ({"solver": "qr"}, "solver must be one of"),
    ],
)
def test_wrong_parameters(parameters, message):
    X, y, _ = samples()
    with pytest.raises(InvalidInputError, match=message):
        SchattenRegressorCV(**parameters).fit(X, y)


def held_out_one_by_one(X, y, alpha, p, weights, fit_intercept):
    """The prediction of every sample by a fit to all others."""
    found = []
    for i in range(len(y)):
        others = np.arange(len(y)) != i
        model = SchattenRegressor(alpha, p=p, fit_intercept=fit_intercept)
        model.fit(X[others], y[others], None if weights is None else weights[others])
        found.append(model.predict(X[i : i + 1])[0])
    return np.array(found)


def unusual_samples(name, rng):
    """Samples some of which have leverage one, or nearly."""
    if name == "wide":
        return rng.standard_normal((10, 40))
    if name == "square":
        return rng.standard_normal((12, 11))
    if name == "rare category":
        category = np.array([0, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 4])
        return np.column_stack([np.eye(5)[category][:, 1:], rng.standard_normal((20, 2))])
    if name == "dependent columns":
        X = rng.standard_normal((15, 3))
        return np.column_stack([X, X[:, :2] @ [1.0, 2.0]])
    X = rng.standard_normal((15, 3))
    X[3] = [1e4, 0.0, 0.0]
    return X


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("p", [1, 2, 3, np.inf])
@pytest.mark.parametrize("name", ["wide", "square", "rare category", "dependent columns", "far sample"])
def test_leave_one_out_where_samples_have_leverage_one(name, p, weighted, fit_intercept):
    rng = np.random.default_rng(51)
    X = unusual_samples(name, rng)
    y = X[:, 0] + 0.5 * rng.standard_normal(len(X))
    weights = rng.uniform(0.5, 2, len(X)) if weighted else None
    alphas = [0.0, 1e-6, 1.0, 100.0]
    model = SchattenRegressorCV(alphas, p=p, cv="loo", fit_intercept=fit_intercept, store_cv_results=True)
    model.fit(X, y, weights)
    assert model.cv_description_ == "exact leave-one-out"
    for alpha, score in zip(alphas, model.cv_results_.ravel(), strict=True):
        errors = (held_out_one_by_one(X, y, alpha, p, weights, fit_intercept) - y) ** 2
        assert -score == pytest.approx(np.average(errors, weights=weights), rel=1e-5)


def test_folds_without_weight():
    rng = np.random.default_rng(52)
    X = rng.standard_normal((60, 3))
    y = X @ [1.0, 2.0, 3.0] + rng.standard_normal(60)
    weights = np.ones(60)
    weights[:12] = 0
    model = SchattenRegressorCV([1.0, 10.0], cv=5, store_cv_results=True).fit(X, y, weights)
    rest = [(np.setdiff1d(np.arange(12, 60), held), held) for held in np.split(np.arange(12, 60), 4)]
    same = SchattenRegressorCV([1.0, 10.0], cv=rest, store_cv_results=True).fit(X, y)
    np.testing.assert_allclose(model.cv_results_, same.cv_results_, rtol=1e-12)
    with pytest.raises(InvalidInputError, match="training samples all have sample_weight 0"):
        SchattenRegressorCV([1.0], cv=[(np.arange(12), np.arange(12, 60))]).fit(X, y, weights)
    with pytest.raises(InvalidInputError, match="holds out no sample with weight"):
        SchattenRegressorCV([1.0], cv=[(np.arange(12, 60), np.arange(12))]).fit(X, y, weights)
    with pytest.raises(InvalidInputError, match="n_samples=1"):
        SchattenRegressorCV([1.0]).fit(X, y, np.eye(60)[0])


def test_splitters_may_look_at_the_targets():
    rng = np.random.default_rng(53)
    X = rng.standard_normal((60, 3))
    y = np.clip(np.round(X[:, 0] + 3), 2, 4).astype(int)
    model = SchattenRegressorCV([1.0, 10.0], cv=StratifiedKFold(3)).fit(X, y)
    assert model.cv_description_ == "3 folds"
