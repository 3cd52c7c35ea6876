"""Lanczos' process against the decomposition of the Gram matrix."""

import math

import numpy as np
import pytest
import scipy.sparse as sp

from hypernorm.exceptions import ConvergenceWarning, InvalidInputError
from hypernorm.linear_model import SchattenRegressor, SchattenRegressorCV
from hypernorm.linear_model import decomposition as decomposition_module


def sparse_problem(n=400, d=120, targets=None):
    rng = np.random.default_rng(3)
    X = sp.random(n, d, 0.05, random_state=1, format="csr")
    beta = rng.standard_normal((d,) if targets is None else (d, targets))
    return X, X @ beta + rng.standard_normal((n,) if targets is None else (n, targets)) + 5


@pytest.mark.parametrize("p", [1, 1.5, 2, 3])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_equals_the_gram_matrix(p, fit_intercept, weighted):
    X, y = sparse_problem(targets=2)
    weights = np.random.default_rng(0).uniform(0.1, 3, len(y)) if weighted else None
    models = [
        SchattenRegressor(2.0, p=p, fit_intercept=fit_intercept, solver=solver).fit(X, y, sample_weight=weights)
        for solver in ("gram", "lanczos")
    ]
    np.testing.assert_allclose(models[1].coef_, models[0].coef_, rtol=0, atol=1e-7 * np.abs(models[0].coef_).max())
    np.testing.assert_allclose(models[1].intercept_, models[0].intercept_, rtol=1e-7)


def test_wide_dense_samples_with_noise_covariance():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((30, 80)), rng.standard_normal(30)
    variances = rng.uniform(0.5, 2, 30)
    gram, lanczos = (
        SchattenRegressor(0.5, p=1.5, noise_covariance=variances, solver=solver).fit(X, y)
        for solver in ("gram", "lanczos")
    )
    np.testing.assert_allclose(lanczos.coef_, gram.coef_, rtol=0, atol=1e-7)
    assert lanczos.rank_ <= gram.rank_ == 29  # one direction is the intercept's


def test_cross_validation_chooses_the_same():
    X, y = sparse_problem()
    gram, lanczos = (
        SchattenRegressorCV(np.geomspace(0.1, 100, 7), p=[1, 2], several="best", cv=4, solver=solver).fit(X, y)
        for solver in ("gram", "lanczos")
    )
    assert (lanczos.alpha_, lanczos.p_) == (gram.alpha_, gram.p_)
    np.testing.assert_allclose(lanczos.best_score_, gram.best_score_, rtol=1e-8)
    np.testing.assert_allclose(lanczos.coef_, gram.coef_, rtol=0, atol=1e-6 * np.abs(gram.coef_).max())


def test_default_penalties_follow_the_largest_ritz_value():
    X, y = sparse_problem()
    gram, lanczos = (SchattenRegressorCV(cv=3, solver=solver).fit(X, y) for solver in ("gram", "lanczos"))
    assert lanczos.alpha_ == pytest.approx(gram.alpha_, rel=1e-6)


@pytest.mark.parametrize("arguments", [{"p": math.inf}, {"bias_bound": 0.5}])
def test_what_needs_all_singular_values_is_refused(arguments):
    X, y = sparse_problem()
    with pytest.raises(InvalidInputError, match="singular values"):
        SchattenRegressor(**arguments, solver="lanczos").fit(X, y)


def test_closed_form_of_leave_one_out_is_refused():
    X, y = sparse_problem()
    with pytest.raises(InvalidInputError, match="leave-one-out"):
        SchattenRegressorCV(p=2, solver="lanczos").fit(X, y)


def test_a_constant_target_has_zero_coefficients():
    X, _ = sparse_problem()
    model = SchattenRegressor(solver="lanczos").fit(X, np.full(X.shape[0], 3.0))
    assert not model.coef_.any()
    assert model.intercept_ == pytest.approx(3.0)


def test_large_sparse_samples_are_only_multiplied_with(monkeypatch):
    X, y = sparse_problem()
    monkeypatch.setattr(decomposition_module, "_LARGEST_SPARSE_ENTRIES", 1000)
    gram, auto = (SchattenRegressor(1.0, solver=solver).fit(X, y) for solver in ("gram", "auto"))
    assert auto.rank_ < gram.rank_
    np.testing.assert_allclose(auto.coef_, gram.coef_, rtol=0, atol=1e-7 * np.abs(gram.coef_).max())
    assert SchattenRegressor(p=math.inf).fit(X, y).rank_ == gram.rank_  # needs them all


def test_no_convergence_warns():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((700, 600)) * np.geomspace(1, 1e-6, 600)
    with pytest.warns(ConvergenceWarning, match="larger alpha"):
        SchattenRegressor(1e-9, p=1, solver="lanczos").fit(X, rng.standard_normal(700))
