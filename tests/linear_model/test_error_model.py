"""Standard errors and intervals by every solver: agreement, blends, single precision, and what a model keeps."""

import copy
import math
import pickle

import numpy as np
import pytest
import scipy.sparse as sp

from hypernorm import InvalidInputError
from hypernorm.linear_model import SchattenRegressor, SchattenRegressorCV
from hypernorm.linear_model.samples import CenteredSamples

KINDS = ("tall", "wide", "few columns", "few rows")
NAMES = ("lower", "upper", "largest_bias", "standard_error", "sigma", "relative_length")


def problem(kind: str, targets: int = 1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Tall, wide, and both with dependent columns or repeated rows."""
    rng = np.random.default_rng(seed)
    n, d = (40, 6) if kind in ("tall", "few columns") else (12, 20)
    X = rng.standard_normal((n, d)) * np.arange(1, d + 1.0) ** -0.7 + 3
    if kind == "few columns":
        X[:, 4:] = X[:, :2] - X[:, 2:4]
    if kind == "few rows":
        X[6:] = X[:6]
    y = X @ rng.standard_normal((d, targets)) + rng.standard_normal((n, targets)) + 5
    return X, y[:, 0] if targets == 1 else y


def agree(found: SchattenRegressor, expected: SchattenRegressor, rtol: float, sigma: float | None = None) -> None:
    d = expected.n_features_in_
    C = np.random.default_rng(1).standard_normal((3, d))
    for a, b in (
        (found.confidence_interval(C, 2, sigma), expected.confidence_interval(C, 2, sigma)),
        (found.predict(C, 2, sigma)[1], expected.predict(C, 2, sigma)[1]),
    ):
        for name in NAMES:
            np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=rtol, atol=rtol)
        assert a.degrees_of_freedom == b.degrees_of_freedom
    assert hasattr(found, "standard_errors_") == hasattr(expected, "standard_errors_")
    if hasattr(expected, "standard_errors_"):
        np.testing.assert_allclose(found.standard_errors_, expected.standard_errors_, rtol=rtol)
        np.testing.assert_allclose(found.covariance_, expected.covariance_, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("p", [1, 2, 3])
@pytest.mark.parametrize("intercept", [True, False])
def test_solvers_agree(kind, p, intercept):
    X, y = problem(kind, targets=2)
    weights = np.random.default_rng(2).integers(0, 4, len(X))
    for sample_weight in (None, weights):
        models = {
            solver: SchattenRegressor(0.8, p=p, fit_intercept=intercept, solver=solver).fit(X, y, sample_weight)
            for solver in ("svd", "gram", "auto")
        }
        sigma = None if hasattr(models["svd"], "standard_errors_") else 1.3
        assert (sigma is None) == (kind != "wide")
        agree(models["gram"], models["svd"], 1e-7, sigma)
        agree(models["auto"], models["svd"], 1e-7, sigma)
        if sample_weight is None:
            sparse = SchattenRegressor(0.8, p=p, fit_intercept=intercept, solver="gram").fit(sp.csr_array(X), y)
            agree(sparse, models["svd"], 1e-7, sigma)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{"p": math.inf, "alpha": 0.5}, {"bias_bound": 0.7}, {"alpha": 0}])
def test_least_squares_and_bounds_by_singular_values(kind, options):
    """Against L from fits to unit targets, for results that depend on all singular values."""
    X, y = problem(kind)
    n, d = X.shape
    model = SchattenRegressor(**options).fit(X, y)
    L = np.asarray(SchattenRegressor(**options).fit(X, np.eye(n)).coef_).T
    interval = model.confidence_interval(np.eye(d), 2, 1.5)
    B = L @ (X - X.mean(axis=0)) - np.eye(d)
    np.testing.assert_allclose(interval.largest_bias, 2 * np.linalg.norm(B, axis=1), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(interval.standard_error, 1.5 * np.linalg.norm(L, axis=1), rtol=1e-7)
    if kind != "wide":
        fitted = X - X.mean(axis=0)
        rest = y - y.mean() - fitted @ np.linalg.lstsq(fitted, y - y.mean())[0]
        sigma = np.linalg.norm(rest) / math.sqrt(n - 1 - np.linalg.matrix_rank(fitted))
        assert model.confidence_interval(np.eye(d)[0], 2).sigma == pytest.approx(sigma, rel=1e-8)


@pytest.mark.parametrize("kind", ["tall", "wide"])
@pytest.mark.parametrize("per_target", [False, True])
def test_blend_is_the_weighted_mean_of_its_operators(kind, per_target):
    X, y = problem(kind, targets=2)
    n, d = X.shape
    alphas = np.geomspace(1e-2, 1e2, 9)
    model = SchattenRegressorCV(alphas, p=[1, 2, math.inf], alpha_per_target=per_target).fit(X, y)
    C = np.random.default_rng(3).standard_normal((4, d))
    interval = model.confidence_interval(C, 2, 0.6)
    for target in range(2):
        penalties, weights = (
            (model.alpha_[:, target], model.blend_weights_[:, target])
            if per_target
            else (model.alpha_, model.blend_weights_)
        )
        L = sum(
            weight * SchattenRegressor(alpha, p=p).fit(X, np.eye(n)).coef_.T
            for weight, alpha, p in zip(weights, penalties, model.p_, strict=True)
        )
        np.testing.assert_allclose(L @ y[:, target], model.coef_[target], rtol=1e-6, atol=1e-8)
        bias = 2 * np.linalg.norm(C @ (L @ X - np.eye(d)), axis=1)
        np.testing.assert_allclose(interval.largest_bias[:, target], bias, rtol=1e-6)
        error = 0.6 * np.linalg.norm(C @ L, axis=1)
        np.testing.assert_allclose(interval.standard_error[:, target], error, rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("solver", ["svd", "gram", "auto"])
def test_single_precision(kind, solver):
    X, y = problem(kind)
    single = X.astype(np.float32)
    found = SchattenRegressor(0.8, solver=solver).fit(single, y)
    expected = SchattenRegressor(0.8, solver="svd").fit(single.astype(np.float64), y)
    assert found.coef_.dtype == np.float32
    # Coefficients are rounded to single precision; everything else is not.
    C = np.eye(X.shape[1])
    a, b = found.confidence_interval(C, 9, 1.3), expected.confidence_interval(C, 9, 1.3)
    np.testing.assert_allclose(a.standard_error, b.standard_error, rtol=1e-7)
    np.testing.assert_allclose(a.largest_bias, b.largest_bias, rtol=1e-7)
    np.testing.assert_allclose([a.lower, a.upper], [b.lower, b.upper], rtol=1e-5, atol=1e-5)
    # Columns whose dependence is rounded to single precision may count in the rank by singular values.
    if kind != "wide" and found.rank_ == expected.rank_:
        np.testing.assert_allclose(found.standard_errors_, expected.standard_errors_, rtol=1e-6)
    assert found.rank_ == expected.rank_ or kind in ("few columns", "few rows")


def test_noise_is_never_underestimated_where_squares_cancel():
    """A difference of squares without digits is replaced by its rounding error, relative to the targets."""
    rng = np.random.default_rng(4)
    X = rng.standard_normal((60, 5)) * np.geomspace(1, 1e-4, 5)
    for noise in (0, 1e-10, 1e-7, 1e-3):
        y = X @ np.ones(5) + noise * rng.standard_normal(60)
        exact = SchattenRegressor(1e-3, solver="svd").fit(X, y).confidence_interval(np.ones(5), 9).sigma
        found = SchattenRegressor(1e-3, solver="gram").fit(X, y).confidence_interval(np.ones(5), 9).sigma
        assert exact <= found * (1 + 1e-6)
        assert found == pytest.approx(exact, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("solver", ["svd", "gram"])
def test_copies_hold_no_samples(kind, p, solver):
    X, y = problem(kind)
    model = SchattenRegressor(0.8, p=p, solver=solver).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    agree(again, model, 1e-12, 1.3)
    agree(copy.deepcopy(model), model, 1e-12, 1.3)
    for fitted in (again, model):
        assert not any(isinstance(value, CenteredSamples) for value in vars(fitted._errors).values())
    fresh = SchattenRegressor(0.8, p=p, solver=solver).fit(X, y)
    kept = fresh._errors.centered.samples
    assert kept.y.size == 0
    assert np.shares_memory(kept.X, X) == (X.shape[0] < X.shape[1] and solver == "gram")


def test_wide_samples_that_change_after_the_fit():
    X, y = problem("wide")
    model = SchattenRegressor(0.8, solver="gram").fit(X, y)
    expected = model.confidence_interval(np.ones(20), 2, 1.3)
    X += 1
    X[3, 2] = 7.0
    assert model.confidence_interval(np.ones(20), 2, 1.3) == expected
    model.fit(X, y)
    X[3, 2] = 9.0
    for changed in (model, pickle.loads(pickle.dumps(model))):
        with pytest.raises(InvalidInputError, match=r"X was changed after the fit.*copy of X"):
            changed.confidence_interval(np.ones(20), 2, 1.3)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("p", [1, 2])
def test_constant_targets(kind, p):
    """Coefficients that are rounding errors are not taken for a change of X."""
    X, _ = problem(kind)
    for y in (np.zeros(len(X)), np.full(len(X), 0.1), np.full((len(X), 2), 1e6 / 3)):
        interval = SchattenRegressor(0.1, p=p, solver="gram").fit(X, y).confidence_interval(np.eye(len(X.T)), 1, 0.5)
        expected = SchattenRegressor(0.1, p=p, solver="svd").fit(X, y).confidence_interval(np.eye(len(X.T)), 1, 0.5)
        np.testing.assert_allclose(interval.upper, expected.upper, rtol=1e-6, atol=1e-6)


def test_directions_of_lanczos_are_refused_and_pickled():
    X, y = problem("tall")
    model = pickle.loads(pickle.dumps(SchattenRegressor(solver="lanczos").fit(X, y)))
    with pytest.raises(InvalidInputError, match="lanczos"):
        _ = model.covariance_
