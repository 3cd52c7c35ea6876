"""SchattenRegressor: known special cases, data of every kind, and the traps that ridge regression met."""

import math
import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.utils.estimator_checks import parametrize_with_checks

from hypernorm import InvalidInputError
from hypernorm.linear_model import SchattenRegressor, SchattenRegressorCV
from hypernorm.linear_model.shrinkage import schatten_norm

NORMS = (1, 1.3, 2, 3, 10, math.inf)


@parametrize_with_checks(
    [SchattenRegressor(), SchattenRegressor(p=1, solver="gram"), SchattenRegressorCV(), SchattenRegressorCV(p=[1, 2])]
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_conventions_of_scikit_learn(estimator, check):
    check(estimator)


def problems():
    rng = np.random.default_rng(0)
    shapes = ((30, 8), (8, 30), (20, 20), (50, 3), (3, 1))
    for index in range(200):
        n, d = shapes[index % len(shapes)]
        X = rng.standard_normal((n, d)) * np.geomspace(1, 10.0 ** -(index % 7), d)
        if index % 3 == 0 and d > 2:
            X[:, -1] = X[:, 0] - X[:, 1]
        yield X + index % 2, NORMS[index % len(NORMS)], bool(index % 4)


def test_optimality_on_many_problems():
    """KKT conditions and the bound from the fitted estimator alone, rebuilt as an operator L."""
    for index, (X, p, intercept) in enumerate(problems()):
        Xc = X - X.mean(axis=0) if intercept else X
        s = np.linalg.svd(Xc, compute_uv=False)
        rank = int(np.sum(s > 1e-12 * s[0]))
        bound = (0.1, 0.5, 0.9)[index % 3] * rank ** (0 if math.isinf(p) else 1 / p)
        model = SchattenRegressor(p=p, bias_bound=bound, fit_intercept=intercept).fit(X, np.eye(len(X)))
        L = model.coef_.T
        assert model.rank_ == rank
        V = np.linalg.svd(Xc)[2][:rank].T
        bias = V.T @ (L @ Xc) @ V - np.eye(rank)
        assert schatten_norm(np.linalg.svd(bias, compute_uv=False), p) == pytest.approx(bound, rel=1e-8)
        # L is diagonal in the singular vectors, with the stated biases and least variance for them.
        expected = (1 - model.bias_) / model.singular_values_
        assert np.sum(L**2) == pytest.approx(np.sum(expected**2), rel=1e-8)
        if 1 < p < math.inf:
            stationarity = (1 - model.bias_) - model.singular_values_**2 * model.bias_ ** (p - 1) / model.alpha_
            assert np.abs(stationarity).max() < 1e-8


def test_special_cases():
    rng = np.random.default_rng(1)
    for n, d in ((40, 7), (7, 40)):
        X, y = rng.standard_normal((n, d)) + 3, rng.standard_normal((n, 2))
        for intercept in (True, False):
            ridge = Ridge(2.5, fit_intercept=intercept, solver="svd").fit(X, y)
            for solver in ("svd", "gram"):
                model = SchattenRegressor(2.5, fit_intercept=intercept, solver=solver).fit(X, y)
                np.testing.assert_allclose(model.coef_, ridge.coef_, atol=1e-10)
                np.testing.assert_allclose(model.intercept_, ridge.intercept_, atol=1e-9)
    X, y = rng.standard_normal((40, 7)), rng.standard_normal(40)
    ols = LinearRegression().fit(X, y)
    for p in NORMS:
        np.testing.assert_allclose(SchattenRegressor(0, p=p).fit(X, y).coef_, ols.coef_, atol=1e-12)
    np.testing.assert_allclose(
        SchattenRegressor(p=math.inf, bias_bound=0.3).fit(X, y).coef_, 0.7 * ols.coef_, atol=1e-12
    )
    Xc, yc = X - X.mean(axis=0), y - y.mean()
    squares, V = np.linalg.eigh(Xc.T @ Xc)
    floored = V @ ((V.T @ Xc.T @ yc) / np.maximum(squares, 35.0))
    np.testing.assert_allclose(SchattenRegressor(35.0, p=1).fit(X, y).coef_, floored, atol=1e-12)
    slack = SchattenRegressor(p=1, bias_bound=7).fit(X, y)
    assert not slack.coef_.any()
    assert slack.alpha_ == math.inf


@pytest.mark.parametrize("p", [1, 2, 3, math.inf])
@pytest.mark.parametrize("solver", ["svd", "gram"])
def test_traps_of_ridge_regression(p, solver):
    rng = np.random.default_rng(2)
    X = np.round(rng.standard_normal((60, 5)) * 3) + 10
    y = X @ rng.standard_normal(5) + rng.standard_normal(60) + 7
    model = SchattenRegressor(20, p=p, solver=solver)
    plain = model.fit(X, y)
    coefficients, intercept = plain.coef_, plain.intercept_
    for given in (X.astype(int), sp.csr_matrix(X), sp.csc_array(X), np.asfortranarray(X), pd.DataFrame(X), X.tolist()):
        kind = "gram" if sp.issparse(given) else solver
        model.set_params(solver=kind).fit(given, y)
        np.testing.assert_allclose(model.coef_, coefficients, atol=1e-9)
        assert model.intercept_ == pytest.approx(intercept, rel=1e-9)
        np.testing.assert_allclose(model.predict(given), plain.predict(X), atol=1e-8)
    model.set_params(solver=solver).fit(X.astype(np.float32), y)
    np.testing.assert_allclose(model.coef_, coefficients, atol=1e-5)
    # A weight of two is a repeated row, a weight of zero an absent one.
    weights = rng.integers(0, 3, 60)
    weighted = SchattenRegressor(20, p=p, solver=solver).fit(X, y, sample_weight=weights)
    repeated = SchattenRegressor(20, p=p, solver=solver).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-9)
    assert weighted.intercept_ == pytest.approx(repeated.intercept_, rel=1e-8)
    np.testing.assert_allclose(
        SchattenRegressor(20, p=p).fit(sp.csr_array(X), y, sample_weight=weights).coef_, weighted.coef_, atol=1e-9
    )
    # Centered data with fewer rows than columns have rank n − 1.
    wide = SchattenRegressor(20, p=p, solver=solver).fit(X[:4], y[:4])
    assert wide.rank_ == 3
    assert np.isfinite(wide.coef_).all()


@pytest.mark.parametrize("shape", [(40, 7), (7, 40), (1, 4), (2, 1)])
def test_singular_values_after_a_fit_that_needs_none(shape):
    X, y = np.random.default_rng(4).standard_normal(shape), np.arange(float(shape[0]))
    exact = SchattenRegressor(2.5, solver="svd").fit(X, y)
    model = SchattenRegressor(2.5).fit(X, y)
    packed = pickle.dumps(model)
    copy = pickle.loads(packed)
    for found in (model, copy):
        np.testing.assert_allclose(found.singular_values_, exact.singular_values_, rtol=1e-8)
        np.testing.assert_allclose(found.bias_, exact.bias_, rtol=1e-8)
        assert found.bias_norm_ == pytest.approx(exact.bias_norm_)
        assert found.rank_ == exact.rank_ == min(shape[0] - 1, shape[1])
    assert len(packed) < 4000


@pytest.mark.parametrize("p", [1, 2, math.inf])
def test_noise_covariance_is_whitened(p):
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((25, 4)) + 1, rng.standard_normal(25)
    variances = rng.uniform(0.5, 2, 25)
    by_weight = SchattenRegressor(5, p=p).fit(X, y, sample_weight=1 / variances)
    for covariance in (variances, np.diag(variances)):
        model = SchattenRegressor(5, p=p, noise_covariance=covariance).fit(X, y)
        np.testing.assert_allclose(model.coef_, by_weight.coef_, atol=1e-12)
        assert model.intercept_ == pytest.approx(by_weight.intercept_, rel=1e-10)
    A = rng.standard_normal((25, 25))
    covariance = A @ A.T + np.eye(25)
    general = SchattenRegressor(0, p=p, noise_covariance=covariance).fit(X, y)
    design = np.column_stack([X, np.ones(25)])
    inverse = np.linalg.inv(covariance)
    expected = np.linalg.solve(design.T @ inverse @ design, design.T @ inverse @ y)
    np.testing.assert_allclose([*general.coef_, general.intercept_], expected, atol=1e-10)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"alpha": -1}, "alpha"),
        ({"p": 0.5}, "p must be at least 1"),
        ({"bias_bound": -0.1}, "bias_bound"),
        ({"solver": "qr"}, "solver must be one of"),
        ({"noise_covariance": [1, 2]}, "noise_covariance"),
        ({"noise_covariance": -np.ones(10)}, "positive variances"),
        ({"noise_covariance": -np.eye(10)}, "positive definite"),
        ({"noise_covariance": np.triu(np.ones((10, 10)))}, "symmetric"),
    ],
)
def test_wrong_parameters(parameters, message):
    X, y = np.random.default_rng(0).standard_normal((10, 3)), np.arange(10.0)
    with pytest.raises(InvalidInputError, match=message):
        SchattenRegressor(**parameters).fit(X, y)


def test_wrong_weights():
    X, y = np.random.default_rng(0).standard_normal((10, 3)), np.arange(10.0)
    with pytest.raises(InvalidInputError, match="zero for every sample"):
        SchattenRegressor().fit(X, y, sample_weight=np.zeros(10))
    with pytest.raises(InvalidInputError, match="only one of them"):
        SchattenRegressor(noise_covariance=np.ones(10)).fit(X, y, sample_weight=np.ones(10))
    with pytest.raises(ValueError, match="negative"):
        SchattenRegressor().fit(X, y, sample_weight=-np.ones(10))
