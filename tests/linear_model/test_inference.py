"""Standard errors and bias-aware intervals: known formulas, coverage by quadrature, weights, intercept, errors."""

import math

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy import stats
from sklearn.exceptions import NotFittedError

from hypernorm import InvalidInputError
from hypernorm.linear_model import SchattenRegressor, SchattenRegressorCV
from hypernorm.linear_model.inference import critical_value

NORMS = (1, 1.5, 2, 4, math.inf)
SHAPES = ((40, 6), (9, 15), (25, 24))


def problem(n: int, d: int, targets: int = 1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) * np.arange(1, d + 1.0) ** -0.7 + 3
    y = X @ rng.standard_normal((d, targets)) + rng.standard_normal((n, targets)) + 5
    return X, y[:, 0] if targets == 1 else y


def operator(model: SchattenRegressor, X: np.ndarray, **options: object) -> np.ndarray:
    """L with β̂ = Ly: its columns are the coefficients for unit targets."""
    return np.asarray(SchattenRegressor(**model.get_params()).fit(X, np.eye(len(X)), **options).coef_).T


@pytest.mark.parametrize("t", [0.0, 1e-3, 0.3, 1.0, 4.0, 50.0, 1e9])
@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
def test_critical_values(t, confidence):
    normal = float(critical_value(t, confidence))
    excess = normal - t
    assert stats.norm.cdf(excess) - stats.norm.cdf(-excess - 2 * t) == pytest.approx(confidence, abs=1e-6)
    if t < 30:
        assert normal == pytest.approx(math.sqrt(stats.ncx2.ppf(confidence, 1, t * t)), rel=1e-9)
    for freedom in (1, 2.5, 30):
        excess = float(critical_value(t, confidence, freedom)) - t
        covered = stats.t.cdf(excess, freedom) - stats.t.cdf(-excess - 2 * t, freedom)
        assert covered == pytest.approx(confidence, abs=1e-6)
    assert float(critical_value(t, confidence, 1e7)) == pytest.approx(normal, rel=1e-5)


@pytest.mark.parametrize("freedom", [1, 5, 69])
def test_coverage_with_an_estimated_noise_is_never_below_the_level(freedom):
    """The theorem, by quadrature over σ̂/σ: the worst bias is τ standard errors."""
    nodes, weights = np.polynomial.legendre.leggauss(300)
    ratios = np.sqrt(stats.chi2.ppf((nodes + 1) / 2, freedom) / freedom)
    for confidence in (0.5, 0.95):
        for tau in np.geomspace(1e-2, 1e2, 12):
            half = ratios * critical_value(tau / ratios, confidence, freedom)
            covered = float(weights @ (stats.norm.cdf(half - tau) - stats.norm.cdf(-half - tau))) / 2
            assert confidence - 1e-4 < covered < confidence + 0.12


def test_least_squares_has_students_intervals():
    X, y = problem(30, 4, targets=2)
    design = np.column_stack([np.ones(30), X])
    inverse = np.linalg.inv(design.T @ design)
    beta = inverse @ design.T @ y
    sigma = np.sqrt(np.sum((y - design @ beta) ** 2, axis=0) / 25)
    quantile = stats.t.ppf(0.975, 25)
    for p in NORMS:
        model = SchattenRegressor(0, p=p).fit(X, y)
        np.testing.assert_allclose(model.covariance_, sigma[:, None, None] ** 2 * inverse[1:, 1:], rtol=1e-8)
        errors = sigma[:, None] * np.sqrt(np.diag(inverse)[1:])
        np.testing.assert_allclose(model.standard_errors_, errors, rtol=1e-9)
        # Far from the radius nothing is cut off.
        interval = model.confidence_interval(np.eye(4), R=1e3)
        np.testing.assert_allclose(interval.upper, (model.coef_ + quantile * errors).T, rtol=1e-7)
        np.testing.assert_allclose(interval.sigma, sigma, rtol=1e-10)
        assert interval.degrees_of_freedom == 25
        values, interval = model.predict(X[:3] + 1, return_interval=7.0, confidence=0.9)
        rows = np.column_stack([np.ones(3), X[:3] + 1])
        expected = stats.t.ppf(0.95, 25) * sigma * np.sqrt(np.sum(rows @ inverse * rows, axis=1))[:, None]
        np.testing.assert_allclose(interval.upper - values, expected, rtol=1e-7)
        np.testing.assert_array_equal(interval.estimate, values)


@pytest.mark.parametrize("p", NORMS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("intercept", [True, False])
def test_bias_and_variance_from_the_operator(p, shape, intercept):
    """R‖B'c‖ and σ‖L'c‖ from L itself, and the β at which the bias is attained."""
    X, y = problem(*shape)
    n, d = shape
    alpha = 0.5 if math.isinf(p) else 3.0
    weights = np.random.default_rng(1).uniform(0.5, 2, n)
    model = SchattenRegressor(alpha, p=p, fit_intercept=intercept).fit(X, y, sample_weight=weights)
    L = operator(model, X, sample_weight=weights)
    B = L @ X - np.eye(d)
    C = np.random.default_rng(2).standard_normal((3, d))
    R, sigma = 2.5, 0.7
    interval = model.confidence_interval(C, R, sigma)
    np.testing.assert_allclose(interval.largest_bias, R * np.linalg.norm(C @ B, axis=1), rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(interval.standard_error, sigma * np.linalg.norm(C @ L / np.sqrt(weights), axis=1))
    worst = R * C[0] @ B / np.linalg.norm(C[0] @ B)
    assert C[0] @ B @ worst == pytest.approx(interval.largest_bias[0], rel=1e-8)
    half = interval.standard_error * critical_value(interval.largest_bias / interval.standard_error)
    ends = np.array([C @ model.coef_ - half, C @ model.coef_ + half])
    limits = R * np.linalg.norm(C, axis=1)
    np.testing.assert_allclose([interval.lower, interval.upper], np.clip(ends, -limits, limits), rtol=1e-9)
    np.testing.assert_allclose(interval.relative_length, interval.length / (2 * limits))
    assert (interval.relative_length <= 1).all()
    # The expected target at x: the operator of the prediction, with the intercept.
    rows = X[:2] * 1.5
    _, response = model.predict(rows, return_interval=R, sigma=sigma)
    unit = SchattenRegressor(alpha, p=p, fit_intercept=intercept).fit(X, np.eye(n), sample_weight=weights)
    maps = unit.predict(rows)  # its rows give the predictions from y
    np.testing.assert_allclose(response.standard_error, sigma * np.linalg.norm(maps / np.sqrt(weights), axis=1))
    bias = maps @ X - rows
    if intercept:
        np.testing.assert_allclose(maps.sum(axis=1), 1)  # every intercept is reproduced
    np.testing.assert_allclose(response.largest_bias, R * np.linalg.norm(bias, axis=1), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("p", [1, 2, math.inf])
def test_coverage_at_the_worst_coefficients(p):
    rng = np.random.default_rng(3)
    for n, d, sigma in ((30, 12, None), (10, 16, 0.5)):
        X, _ = problem(n, d)
        c = rng.standard_normal(d)
        model = SchattenRegressor(p=p, bias_bound=0.3 if math.isinf(p) else 1.0)
        B = operator(model, X) @ X - np.eye(d)
        worst = 2 * c @ B / np.linalg.norm(c @ B)
        Y = (X @ worst)[:, None] + 4 + 0.5 * rng.standard_normal((n, 4000))
        interval = model.fit(X, Y).confidence_interval(c, 2, sigma)
        truth = c @ worst  # for the spectral norm an end of |c'β| ≤ R‖c‖
        covered = np.mean((interval.lower <= truth + 1e-9) & (truth - 1e-9 <= interval.upper))
        assert covered > 0.95 - 3 * math.sqrt(0.05 * 0.95 / 4000)
        assert covered < 0.975


def test_weights_as_variances_and_as_counts():
    X, y = problem(20, 5)
    y = np.round(y)
    weights = np.random.default_rng(4).integers(0, 4, 20)
    model = SchattenRegressor(2.0).fit(X, y, sample_weight=weights)
    repeated = SchattenRegressor(2.0).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    counts = model.confidence_interval(np.eye(5), 10, weight_meaning="count")
    expected = repeated.confidence_interval(np.eye(5), 10)
    for name in ("lower", "upper", "standard_error", "relative_length", "sigma"):
        np.testing.assert_allclose(getattr(counts, name), getattr(expected, name), rtol=1e-8)
    assert counts.degrees_of_freedom == weights.sum() - 6 == expected.degrees_of_freedom
    # As variances: the same as samples with the stated covariance; samples of weight zero are absent.
    kept = weights > 0
    whitened = SchattenRegressor(2.0, noise_covariance=1 / weights[kept]).fit(X[kept], y[kept])
    variances, expected = model.confidence_interval(np.eye(5), 10), whitened.confidence_interval(np.eye(5), 10)
    for name in ("lower", "upper", "standard_error", "sigma"):
        np.testing.assert_allclose(getattr(variances, name), getattr(expected, name), rtol=1e-8)
    assert variances.degrees_of_freedom == kept.sum() - 6
    np.testing.assert_allclose(model.standard_errors_, variances.standard_error, rtol=1e-9)
    np.testing.assert_allclose(model.predict(X, 3.0)[1].upper, whitened.predict(X, 3.0)[1].upper, rtol=1e-8)
    with pytest.raises(InvalidInputError, match="whole numbers"):
        model.fit(X, y, sample_weight=weights + 0.5).confidence_interval(np.eye(5), 10, weight_meaning="count")
    with pytest.raises(InvalidInputError, match="weight_meaning"):
        model.confidence_interval(np.eye(5), 10, weight_meaning="frequency")


def test_without_degrees_of_freedom_sigma_is_needed():
    X, y = problem(7, 6)
    for kept, given in ((slice(0, 7), None), (slice(0, 4), None), (slice(0, 7), [1, 1, 1, 1, 1, 1, 0])):
        model = SchattenRegressor().fit(X[kept], y[kept], sample_weight=given)
        assert not hasattr(model, "standard_errors_")
        assert not hasattr(model, "covariance_")
        with pytest.raises(InvalidInputError, match=r"sigma cannot be estimated.*give sigma"):
            model.confidence_interval(np.ones(6), 1)
        with pytest.raises(InvalidInputError, match="give sigma"):
            model.predict(X, return_interval=1)
        assert model.confidence_interval(np.ones(6), 1, sigma=0.3).degrees_of_freedom == math.inf
    # A count of three equal samples leaves no residual either.
    with pytest.raises(InvalidInputError, match="give sigma"):
        SchattenRegressor().fit(X, y, np.full(7, 3)).confidence_interval(np.ones(6), 1, weight_meaning="count")
    # Equal columns take no degree of freedom.
    assert SchattenRegressor().fit(X[:, [0] * 6], y).confidence_interval(np.ones(6), 1).degrees_of_freedom == 5


def test_limits_of_the_radius_and_of_the_penalty():
    X, y = problem(20, 5)
    model = SchattenRegressor(2.0).fit(X, y)
    none = model.confidence_interval(np.eye(5), 0)
    assert not none.length.any()
    assert (none.relative_length == 1).all()
    zero = SchattenRegressor(math.inf).fit(X, y)
    interval = zero.confidence_interval([[3.0, 4, 0, 0, 0], [0] * 5], 2)
    np.testing.assert_array_equal(interval.upper, [10, 0])
    np.testing.assert_array_equal(interval.lower, [-10, 0])
    np.testing.assert_array_equal(interval.relative_length, [1, 1])
    np.testing.assert_allclose(zero.predict(X, 2)[1].relative_length, 1)
    # An estimate beyond R‖c‖ gives an interval within.
    far = SchattenRegressor(0).fit(X, y + 1000 * X[:, 0]).confidence_interval([1, 0, 0, 0, 0], 1)
    assert -1 <= far.lower <= far.upper == 1
    exact = SchattenRegressor(1.0).fit(X, y).confidence_interval(np.ones(5), 1, sigma=0)
    assert exact.length == pytest.approx(2 * exact.largest_bias) or exact.length < 2 * exact.largest_bias
    wider = [model.confidence_interval(np.ones(5), R, s).length for R, s in ((1, 1), (2, 1), (2, 2))]
    assert wider == sorted(wider)


@pytest.mark.parametrize("solver", ["svd", "gram"])
@pytest.mark.parametrize("shape", SHAPES[:2])
def test_kinds_of_data_targets_and_functions(solver, shape):
    X, y = problem(*shape, targets=3)
    d = shape[1]
    C = np.random.default_rng(5).standard_normal((4, d))
    expected = SchattenRegressor(0.7).fit(X, y).confidence_interval(C, 2, sigma=1.5)
    assert expected.lower.shape == (4, 3)
    kinds = [X, np.asfortranarray(X), pd.DataFrame(X)] + ([sp.csr_array(X)] if solver == "gram" else [])
    for given in kinds:
        model = SchattenRegressor(0.7, solver=solver).fit(given, y)
        for functions in (C, C.tolist(), pd.DataFrame(C), sp.csr_array(C)):
            found = model.confidence_interval(functions, 2, sigma=1.5)
            np.testing.assert_allclose(found.upper, expected.upper, rtol=1e-6)
        np.testing.assert_allclose(
            model.predict(given, 2, sigma=1.5)[1].lower, SchattenRegressor(0.7).fit(X, y).predict(X, 2, 1.5)[1].lower,
            rtol=1e-6,
        )  # fmt: skip
    one = SchattenRegressor(0.7).fit(X, y[:, 1]).confidence_interval(C[2], 2, sigma=1.5)
    assert isinstance(one.upper, float)
    assert one.upper == pytest.approx(expected.upper[2, 1], rel=1e-9)
    each = SchattenRegressor(0.7).fit(X, y).confidence_interval(C, [1, 2, 3], sigma=[1, 1.5, 2])
    np.testing.assert_allclose(each.upper[:, 1], expected.upper[:, 1])
    single = SchattenRegressor(0.7).fit(X.astype(np.float32), y).confidence_interval(C, 2, sigma=1.5)
    np.testing.assert_allclose(single.upper, expected.upper, rtol=1e-3)


def test_a_penalty_for_every_target():
    X, y = problem(30, 5, targets=2)
    model = SchattenRegressorCV([0.01, 10], alpha_per_target=True).fit(X, y * [1, 1e-3])
    for target in range(2):
        single = SchattenRegressor(model.alpha_[target]).fit(X, y[:, target] * (1, 1e-3)[target])
        expected = single.confidence_interval(np.eye(5), 3)
        found = model.confidence_interval(np.eye(5), 3)
        np.testing.assert_allclose(found.lower[:, target], expected.lower, rtol=1e-8)
        np.testing.assert_allclose(found.sigma[target], expected.sigma, rtol=1e-9)
        np.testing.assert_allclose(model.covariance_[target], single.covariance_, rtol=1e-8)
        np.testing.assert_allclose(model.standard_errors_[target], single.standard_errors_, rtol=1e-8)


def test_bad_input():
    X, y = problem(20, 5)
    with pytest.raises(NotFittedError):
        SchattenRegressor().confidence_interval(np.ones(5), 1)
    assert not hasattr(SchattenRegressor(), "standard_errors_")
    model = SchattenRegressor().fit(X, y)
    for bad in (
        {"C": np.ones(4)},
        {"C": np.full(5, np.nan)},
        {"R": -1},
        {"R": math.inf},
        {"R": [1.0, 2.0]},
        {"sigma": -1},
        {"sigma": math.nan},
        {"confidence": 1},
        {"confidence": 0.3},
    ):
        with pytest.raises(InvalidInputError, match=next(iter(bad))):
            model.confidence_interval(**{"C": np.ones(5), "R": 1, **bad})
    lanczos = SchattenRegressor(solver="lanczos").fit(X, y)
    with pytest.raises(InvalidInputError, match=r"solver='lanczos'.*solver='gram'"):
        lanczos.confidence_interval(np.ones(5), 1)
    with pytest.raises(InvalidInputError, match="lanczos"):
        _ = lanczos.standard_errors_
