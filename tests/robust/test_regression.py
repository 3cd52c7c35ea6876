"""RobustRegressor: the fit of the inliers under every adversary, least squares where nothing is wrong."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
import scipy.optimize
import scipy.sparse as sp
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.multioutput import MultiOutputRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from hypernorm.datasets import contaminated_regression
from hypernorm.exceptions import ConvergenceWarning, InvalidInputError
from hypernorm.robust import RobustRegressor
from hypernorm.robust.m_estimation import LinearProblem


@pytest.mark.filterwarnings("ignore::hypernorm.exceptions.ConvergenceWarning")  # on some of the tiny samples
@parametrize_with_checks(
    [RobustRegressor(random_state=0), RobustRegressor("auto", fit_intercept=False, random_state=0)],
    expected_failed_checks=lambda _: {
        "check_sample_weight_equivalence_on_dense_data": "fits fewer samples than columns, which is refused"
    },
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_conventions_of_scikit_learn(estimator, check):
    check(estimator)


def error(coefficients, sample):
    difference = coefficients - sample.coefficients
    return np.sqrt(difference @ sample.covariance @ difference)


@pytest.mark.parametrize("contamination", [0.1, "auto"])
@pytest.mark.parametrize("adversary", ["responses", "plane", "rows", "leverage"])
@pytest.mark.parametrize(("design", "noise"), [("gaussian_decaying", "gaussian"), ("t3", "t3")])
def test_error_is_about_that_of_the_inliers(adversary, design, noise, contamination):
    for seed in range(2):
        sample = contaminated_regression(
            500, 5, 0.1, adversary=adversary, design=design, noise=noise, random_state=seed
        )
        model = RobustRegressor(contamination, random_state=seed).fit(sample.samples, sample.targets)
        X, y = sample.samples[sample.is_inlier], sample.targets[sample.is_inlier]
        attainable = error(LinearRegression().fit(X, y).coef_, sample)
        assert error(model.coef_, sample) < attainable + 0.06
        assert error(LinearRegression().fit(sample.samples, sample.targets).coef_, sample) > 0.07
        assert model.intercept_ == pytest.approx(sample.intercept, abs=0.35)
        far = ~sample.is_inlier & (np.abs(sample.targets - sample.samples @ sample.coefficients - sample.intercept) > 4)
        assert model.weights_[far].max(initial=0) < 0.01


def test_efficiency_with_clean_gaussian_data():
    """The variance exceeds that of least squares by 5% in the limit; 10% is promised."""
    squares, least_squares = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((200, 10))
        y = X.sum(axis=1) + rng.standard_normal(200)
        squares.append(np.sum((RobustRegressor(random_state=seed).fit(X, y).coef_ - 1) ** 2))
        least_squares.append(np.sum((LinearRegression().fit(X, y).coef_ - 1) ** 2))
    assert np.mean(squares) < 1.1 * np.mean(least_squares)


def test_optimality_of_the_fits():
    """Stationarity and descent, from the raw output and a general optimiser."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((80, 3)) * [1, 10, 0.1] + 2, rng.standard_t(2, 80)
    problem = LinearProblem(X, y, True, 1e-12, 1000)
    weights = rng.uniform(0.2, 1, 80)
    weights /= weights.sum()
    fit = problem.huber(weights)
    z = fit.residuals / fit.scale
    assert np.abs(problem.Z.T @ (weights * np.clip(z, -1.345, 1.345))).max() < 1e-8

    def loss(beta):
        z = (problem.y - problem.Z @ beta) / fit.scale
        return weights @ np.where(np.abs(z) < 1.345, z**2 / 2, 1.345 * np.abs(z) - 1.345**2 / 2)

    assert loss(fit.beta) <= scipy.optimize.minimize(loss, fit.beta, method="Nelder-Mead").fun + 1e-12

    last = problem.bisquare(fit, np.ones(80))
    z = last.residuals / fit.scale / 4.685
    np.testing.assert_allclose(last.factors, np.maximum(1 - z**2, 0) ** 2, atol=1e-8)
    assert np.abs(problem.Z.T @ (last.factors * last.residuals)).max() < 1e-7

    def bisquare(residuals):
        return np.sum(1 - np.maximum(1 - (residuals / fit.scale / 4.685) ** 2, 0) ** 3)

    assert bisquare(last.residuals) <= bisquare(fit.residuals)
    coefficients, intercept = problem.coefficients(last.beta)
    np.testing.assert_allclose(y - X @ coefficients - intercept, last.residuals, atol=1e-10)


def test_weights_are_those_of_a_weighted_least_squares_fit():
    sample = contaminated_regression(200, 3, 0.1, adversary="rows", random_state=0)
    model = RobustRegressor(tol=1e-10, random_state=0).fit(sample.samples, sample.targets)
    again = LinearRegression().fit(sample.samples, sample.targets, sample_weight=model.weights_)
    np.testing.assert_allclose(again.coef_, model.coef_, atol=1e-6)
    assert again.intercept_ == pytest.approx(model.intercept_, abs=1e-6)
    residuals = sample.targets - model.predict(sample.samples)
    np.testing.assert_array_equal(model.weights_ > 0, np.abs(residuals) < 4.685 * model.scale_)


def test_scale_is_that_of_the_noise():
    for noise in (0.01, 1.0, 100.0):
        sample = contaminated_regression(1000, 4, 0.1, adversary="leverage", noise_deviation=noise, random_state=0)
        model = RobustRegressor(random_state=0).fit(sample.samples, sample.targets)
        assert model.scale_ == pytest.approx(noise, rel=0.1)


def test_equivariance():
    sample = contaminated_regression(400, 3, 0.1, adversary="rows", random_state=1)
    X, y = sample.samples, sample.targets
    plain = RobustRegressor(tol=1e-10, random_state=0).fit(X, y)
    A = np.random.default_rng(0).standard_normal((3, 3)) * [1, 1e5, 1e-5]
    b = np.array([1.0, 2.0, 3.0])
    moved = RobustRegressor(tol=1e-10, random_state=0).fit(X @ A + 7, 100 * y + X @ b)
    np.testing.assert_allclose(A @ moved.coef_, 100 * plain.coef_ + b, rtol=1e-3)
    np.testing.assert_allclose(moved.scale_, 100 * plain.scale_, rtol=1e-2)


def test_exact_fit_of_most_samples():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 3))
    y = X @ [1.0, -2.0, 3.0] + 4
    y[:30] = rng.standard_normal(30) * 10
    model = RobustRegressor(0.3, random_state=0).fit(X, y)
    np.testing.assert_allclose(model.coef_, [1, -2, 3], atol=1e-9)
    assert model.intercept_ == pytest.approx(4, abs=1e-9)
    assert model.scale_ == 0
    np.testing.assert_array_equal(model.weights_[:30] < 0.5, True)
    constant = RobustRegressor(random_state=0).fit(X, np.full(100, 5.0))
    np.testing.assert_allclose(constant.coef_, 0, atol=1e-12)
    assert constant.intercept_ == 5


def test_samples_of_every_kind():
    rng = np.random.default_rng(1)
    X = (rng.standard_normal((80, 3)) * 10).round()
    y = X @ [1.0, 2.0, 0.0] + rng.standard_normal(80)
    plain = RobustRegressor(random_state=0).fit(X, y)
    for given in (pd.DataFrame(X, columns=list("abc")), X.astype(np.float32), X.astype(int), X.tolist()):
        np.testing.assert_allclose(RobustRegressor(random_state=0).fit(given, y).coef_, plain.coef_, rtol=1e-6)
    constant = np.column_stack([X, np.full(80, 3.0)])
    np.testing.assert_allclose(RobustRegressor(random_state=0).fit(constant, y).coef_[:3], plain.coef_, atol=0.05)
    duplicated = np.column_stack([X, X[:, 0]])
    coefficients = RobustRegressor(random_state=0).fit(duplicated, y).coef_
    assert coefficients[0] == pytest.approx(coefficients[3], abs=1e-6)
    several = MultiOutputRegressor(RobustRegressor(random_state=0)).fit(X, np.column_stack([y, -y]))
    np.testing.assert_allclose(several.predict(X)[:, 0], plain.predict(X), atol=1e-6)
    through_origin = RobustRegressor(fit_intercept=False, random_state=0).fit(X, y)
    assert through_origin.intercept_ == 0
    np.testing.assert_allclose(through_origin.coef_, [1, 2, 0], atol=0.1)


@pytest.mark.parametrize("contamination", [0.1, "auto"])
@pytest.mark.parametrize("count", [3, 12, 60])
def test_rare_category(contamination, count):
    """Its samples look like outliers, but nothing else tells its coefficient."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 4))
    X[:, 3] = np.arange(300) < count
    y = X @ [1.0, 1.0, 1.0, 5.0] + 0.3 * rng.standard_normal(300)
    model = RobustRegressor(contamination, random_state=0).fit(X, y)
    np.testing.assert_allclose(model.coef_, LinearRegression().fit(X, y).coef_, atol=0.1)
    assert model.weights_[:count].mean() > 0.7
    X[-10:, 0], y[-10:] = 100, -100
    spoilt = RobustRegressor(contamination, random_state=0).fit(X, y)
    np.testing.assert_allclose(spoilt.coef_, model.coef_, atol=0.1)


def test_completion_leaves_the_fit_of_the_others():
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((40, 3)), rng.standard_normal(40)
    X[10:, 2] = 0
    X = np.column_stack([X, X[:, 0]])  # nothing can tell this column from the first
    problem = LinearProblem(X, y, True, 1e-10, 100)
    weights = np.where(np.arange(40) < 10, 0, 1 / 30)
    fit = problem.huber(weights)
    completed = problem.complete(fit, weights)
    np.testing.assert_allclose(completed.residuals[10:], fit.residuals[10:], atol=1e-12)
    assert np.abs(completed.residuals[:10]).sum() < np.abs(fit.residuals[:10]).sum()
    assert np.abs(completed.beta).max() < 10
    assert problem.complete(fit, np.full(40, 1 / 40)) is fit


@pytest.mark.parametrize("size", [1e20, 1e100, 1e200, 1.7e308])
def test_gross_outliers(size):
    """However far, in rows, targets or both: no overflow, and the fit of the others."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 3))
    y = X.sum(axis=1) + 0.1 * rng.standard_normal(200)
    for rows, targets in ((True, False), (False, True), (True, True)):
        spoilt, wrong = X.copy(), y.copy()
        if rows:
            spoilt[:4, 0], spoilt[4:8, 1] = size, -size
        if targets:
            wrong[:8] = size
        model = RobustRegressor(random_state=0).fit(spoilt, wrong)
        np.testing.assert_allclose(model.coef_, 1, atol=0.05)
        assert not model.weights_[:8].any()


def test_few_samples_and_no_outliers():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 3)), rng.standard_normal(60)
    model = RobustRegressor(0.0, random_state=0).fit(X, y)
    assert model.removals_ == ()
    two = RobustRegressor(fit_intercept=False, random_state=0).fit(X[:2, :1], y[:2])
    assert np.isfinite(two.coef_).all()
    repeated = RobustRegressor(random_state=0).fit(np.ones((20, 2)), np.ones(20))
    np.testing.assert_allclose(repeated.predict(np.ones((1, 2))), 1)
    thrice = RobustRegressor(random_state=0).fit(np.repeat(X[:20], 3, axis=0), np.repeat(X[:20].sum(axis=1), 3))
    np.testing.assert_allclose(thrice.coef_, 1, atol=1e-8)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_missing_values(bad):
    X, y = np.random.default_rng(0).standard_normal((30, 2)), np.arange(30.0)
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        RobustRegressor().fit(np.where(np.arange(60).reshape(30, 2) == 7, bad, X), y)
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        RobustRegressor().fit(X, np.where(y == 3, bad, y))


def test_errors_name_the_remedy():
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((20, 3)), rng.standard_normal(20)
    with pytest.raises(TypeError, match="dense"):
        RobustRegressor().fit(sp.csr_array(X), y)
    with pytest.raises(InvalidInputError, match="PCA"):
        RobustRegressor().fit(X[:4], y[:4])
    with pytest.raises(InvalidInputError, match="PCA"):
        RobustRegressor().fit(X[:2, :1], y[:2])
    for contamination in (0.5, 0.6, -0.1, np.nan, None):
        with pytest.raises(InvalidInputError, match="contamination"):
            RobustRegressor(contamination).fit(X, y)
    with pytest.raises(InvalidInputError, match=r"column 0 of y are about .* too large"):
        RobustRegressor().fit(X, 1e200 * y)
    with pytest.raises(InvalidInputError, match="tol"):
        RobustRegressor(tol=-1).fit(X, y)
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        RobustRegressor(max_iter=2, tol=1e-12, random_state=0).fit(X, y)


def noisy_plane(n, d, seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    return X, X @ np.arange(1.0, d + 1) + 4 + 0.1 * rng.standard_normal(n)


@pytest.mark.parametrize("size", [1e12, 1e36, 1e300])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_one_huge_target_does_not_set_the_scale(size, fit_intercept):
    X, y = noisy_plane(200, 3, 71)
    y -= 0 if fit_intercept else 4
    y[0] = size
    model = RobustRegressor(fit_intercept=fit_intercept, random_state=0).fit(X, y)
    others = RobustRegressor(fit_intercept=fit_intercept, random_state=0).fit(X[1:], y[1:])
    np.testing.assert_allclose(model.coef_, others.coef_, atol=0.01)
    assert model.scale_ == pytest.approx(0.1, rel=0.2)
    assert model.weights_[0] == 0
    assert model.weights_[1:].mean() > 0.8


def test_one_huge_number_does_not_set_the_unit_of_a_column():
    X, y = noisy_plane(300, 3, 72)
    X[:, 2] = np.arange(300) % 3 == 0  # more than half of the column is zero
    y += 5 * X[:, 2] - 3 * X[:, 2]
    expected = RobustRegressor(random_state=0).fit(X[1:], y[1:])
    X[0, 2], y[0] = 1e36, -1e36
    np.testing.assert_allclose(RobustRegressor(random_state=0).fit(X, y).coef_, expected.coef_, atol=0.01)


def test_huber_step_for_residuals_of_any_size():
    """What a huge target adds is its sign: the fit solves the same equations as with a merely large one."""
    X, y = noisy_plane(60, 2, 73)
    fits = []
    for size in (1e9, 1e36):
        targets = np.where(np.arange(60) < 6, size, y)
        fits.append(LinearProblem(X, targets, True, 1e-12, 1000).huber(np.full(60, 1 / 60)))
    np.testing.assert_allclose(fits[0].beta, fits[1].beta, rtol=1e-9)
    assert fits[1].converged


@pytest.mark.parametrize("rows", [True, False])
@pytest.mark.parametrize("targets", [True, False])
@pytest.mark.parametrize("size", [30, 1e5, 1e12])
def test_leverage_wrong_targets_and_both(rows, targets, size):
    X, y = noisy_plane(400, 4, 74)
    if rows:
        X[:40, 1] += size
    if targets:
        y[:40] = -size
    model = RobustRegressor(random_state=0).fit(X, y)
    np.testing.assert_allclose(model.coef_, [1, 2, 3, 4], atol=0.03)
    assert (model.weights_[:40] == 0).all() == (rows or targets)


def test_sample_weight():
    """Only ratios of weights count, a weight of zero removes a sample, and a weight of two is about a copy."""
    X, y = noisy_plane(200, 3, 75)
    y[:20], X[:10, 0] = 30, 9
    plain = RobustRegressor(tol=1e-10, random_state=0).fit(X, y)
    equal = RobustRegressor(tol=1e-10, random_state=0).fit(X, y, sample_weight=np.full(200, 4.0))
    np.testing.assert_allclose(equal.coef_, plain.coef_, rtol=1e-12)
    kept = np.arange(200) % 3 > 0
    weighted = RobustRegressor(tol=1e-10, random_state=0).fit(X, y, sample_weight=np.where(kept, 0.5, 0))
    removed = RobustRegressor(tol=1e-10, random_state=0).fit(X[kept], y[kept])
    np.testing.assert_array_equal(weighted.coef_, removed.coef_)
    np.testing.assert_array_equal(
        weighted.weights_, np.where(kept, np.insert(removed.weights_, [0], [0])[np.cumsum(kept)], 0)
    )
    again = RobustRegressor(tol=1e-10, random_state=0).fit(X, y, sample_weight=1.0 + kept)
    copied = RobustRegressor(tol=1e-10, random_state=0).fit(np.vstack([X, X[kept]]), np.append(y, y[kept]))
    np.testing.assert_allclose(again.coef_, copied.coef_, atol=2e-3)
    np.testing.assert_allclose(again.scale_, copied.scale_, rtol=0.02)


def test_weight_of_the_outliers_counts_not_their_number():
    X, y = noisy_plane(300, 3, 76)
    y[:180] = 5 - X[:180].sum(axis=1)  # most samples, but 7% of the weight
    weights = np.where(np.arange(300) < 180, 0.05, 1)
    model = RobustRegressor(random_state=0).fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(model.coef_, [1, 2, 3], atol=0.05)
    ours, theirs = model.score(X, y, sample_weight=weights), LinearRegression().fit(X, y).score(X, y, weights)
    assert ours == pytest.approx(r2_score(y, model.predict(X), sample_weight=weights))
    assert ours > theirs


def test_large_samples_are_searched_in_part(monkeypatch):
    """The last fit sees all of them, and so do the coefficients of categories that the part does not have."""
    X, y = noisy_plane(3000, 3, 77)
    X[:, 2] = 0
    X[:30, 2], X[-300:, 0], y[-300:] = 1, 20, -20
    y[:30] += 6
    whole = RobustRegressor(tol=1e-10, random_state=0).fit(X, y)
    monkeypatch.setattr("hypernorm.robust.regression._PART", 200)
    part = RobustRegressor(tol=1e-10, random_state=0).fit(X, y)
    np.testing.assert_allclose(part.coef_, whole.coef_, atol=0.01)
    assert (part.weights_[-300:] == 0).all()


@pytest.mark.parametrize(
    ("weights", "message"),
    [(np.ones(19), "sample_weight"), (-np.ones(20), "must not be negative"), (np.arange(20) < 4, "of positive weight")],
)
def test_bad_sample_weights(weights, message):
    X, y = noisy_plane(20, 3, 78)
    with pytest.raises(InvalidInputError, match=message):
        RobustRegressor().fit(X, y, sample_weight=weights)


def test_memory_grows_like_the_number_of_samples():
    """Directions in which what remains does not vary follow from a small factor, not from an n x n matrix."""
    rng = np.random.default_rng(61)
    X = rng.standard_normal((20_000, 3))
    y = X @ [1.0, 2.0, 3.0] + rng.standard_normal(20_000)
    tracemalloc.start()
    coefficients = RobustRegressor(random_state=0).fit(X, y).coef_
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_allclose(coefficients, [1, 2, 3], atol=0.1)
    assert peak < 100 * X.nbytes
