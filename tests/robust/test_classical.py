"""Standard estimators of location: closed forms, oracles, equivariance, repetition, breakdown."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize
from scipy.stats import trim_mean

from hypernorm.datasets import contaminated
from hypernorm.robust.baselines.locations import CLASSICAL
from hypernorm.robust.baselines.spectral_locations import _leading

ROBUST = [name for name in CLASSICAL if name != "mean"]
DETERMINISTIC = [name for name in CLASSICAL if name not in ("median_of_means", "lee_valiant")]
ROTATED = ["mean", "geometric_median", "median_of_means", "projected_gradient", "lee_valiant"]


def locate(name, X, contamination=0.1, weights=None, seed=0):
    X = np.asarray(X, dtype=float)
    weights = np.full(len(X), 1 / len(X)) if weights is None else np.asarray(weights, dtype=float)
    return CLASSICAL[name](X, contamination, weights, np.random.default_rng(seed))[0]


def sample(n=101, d=4, seed=1):
    rng = np.random.default_rng(seed)
    return rng.standard_t(3, (n, d)) * np.arange(1, d + 1) + np.arange(d)


def test_closed_forms_of_coordinates():
    for X in (sample(101), sample(100)):
        np.testing.assert_allclose(locate("mean", X), X.mean(axis=0), rtol=1e-13)
        np.testing.assert_allclose(locate("coordinatewise_median", X), np.median(X, axis=0), rtol=1e-13)
    X = sample(200)
    np.testing.assert_allclose(locate("trimmed_mean", X, 0.15), trim_mean(X, 0.15, axis=0), rtol=1e-12)
    np.testing.assert_allclose(locate("trimmed_mean", X, 0.4975), np.median(X, axis=0), rtol=1e-12)


def test_trimming_counts_a_part_of_the_sample_on_the_quantile():
    # 0.15 of 1 + 2 + 3 + 4 + 100 with equal weights: a quarter of the first and last is left.
    assert locate("trimmed_mean", [[1], [2], [3], [4], [100]], 0.15) == pytest.approx((101 / 4 + 9) / 3.5)


def test_weighted_median_of_an_interval_is_its_middle():
    X = [[0.0], [1.0], [5.0]]
    assert locate("coordinatewise_median", X, weights=[1, 1, 2]) == pytest.approx(3.0)
    assert locate("coordinatewise_median", X, weights=[1, 1, 1.5]) == pytest.approx(1.0)
    assert locate("coordinatewise_median", X, weights=[1, 1, 3]) == pytest.approx(5.0)


@pytest.mark.parametrize("seed", range(6))
def test_geometric_median_against_a_general_minimiser(seed):
    rng = np.random.default_rng(seed)
    X, w = sample(40, 3, seed), rng.exponential(size=40)

    def objective(m):
        return w @ np.linalg.norm(X - m, axis=1)

    best = minimize(objective, np.median(X, axis=0), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    found = locate("geometric_median", X, weights=w)
    assert objective(found) <= best.fun * (1 + 1e-10)
    np.testing.assert_allclose(found, best.x, atol=1e-5)


@pytest.mark.parametrize(
    ("X", "weights", "median"),
    [
        ([[0, 0], [2, 0], [1, 5]], None, [1, 1 / np.sqrt(3)]),  # Fermat's point sees each side under 120°
        ([[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1]], None, [0, 0]),  # a sample
        ([[0, 0], [1, 0], [-0.5, 0.1]], [2, 1, 1], [0, 0]),  # held by half of the weight
        ([[3, 1], [3, 1], [3, 1], [7, 8], [9, 9]], None, [3, 1]),  # duplicates
        ([[0, 0], [4, 0], [4, 4], [0, 4]], None, [2, 2]),
        ([[0, 0], [1, 1], [2, 2], [3, 3], [10, 10]], None, [2, 2]),  # on a line
        ([[5, 6]], None, [5, 6]),
    ],
)
def test_closed_forms_of_the_geometric_median(X, weights, median):
    np.testing.assert_allclose(locate("geometric_median", X, weights=weights), median, atol=1e-8)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(1, 4), st.integers(0, 2**32))
def test_geometric_median_satisfies_its_optimality_condition(n, d, seed):
    rng = np.random.default_rng(seed)
    X = rng.integers(-3, 4, (n, d)).astype(float)  # ties, duplicates and collinear samples are common
    w = rng.integers(1, 5, n) / 10
    m = locate("geometric_median", X, weights=w)
    lengths = np.linalg.norm(X - m, axis=1)
    far = lengths > 1e-6
    pull = np.linalg.norm((w[far] / lengths[far]) @ (X - m)[far])
    assert pull <= w[~far].sum() + 1e-5 * w.sum()


def test_huber_location_solves_its_equation():
    X, w = sample(60), np.random.default_rng(2).exponential(size=60)
    found = locate("huber", X, weights=w)
    median = locate("coordinatewise_median", X, weights=w)
    for j in range(X.shape[1]):
        scale = locate("coordinatewise_median", np.abs(X[:, [j]] - median[j]), weights=w)[0] / 0.6744897501960817

        def score(m, column=X[:, j], width=1.345 * scale):
            return w @ np.clip(column - m, -width, width)

        assert found[j] == pytest.approx(brentq(score, X[:, j].min(), X[:, j].max(), xtol=1e-13), abs=1e-8)


def test_huber_keeps_the_median_of_a_column_without_scale():
    X = np.column_stack([np.r_[np.full(6, 2.0), 9, 10, 11, 12], np.arange(10.0)])
    np.testing.assert_allclose(locate("huber", X), [2, 4.5])


def test_median_of_means_of_few_samples_is_their_geometric_median():
    X = sample(20)
    np.testing.assert_allclose(locate("median_of_means", X), locate("geometric_median", X), atol=1e-7)


def test_median_of_means_uses_blocks_of_equal_size():
    # 24 blocks of 100: the variance of the result is that of a median of means, not of a median of samples.
    rng = np.random.default_rng(3)
    X = 1.0 * (rng.random((2400, 1)) < 0.3)
    assert locate("median_of_means", X, 0.0)[0] == pytest.approx(0.3, abs=0.03)
    assert locate("coordinatewise_median", X)[0] == 0


def test_lee_valiant_shifts_the_share_that_it_says():
    X, w = sample(80), np.random.default_rng(4).exponential(size=80)
    w /= w.sum()
    kappa = locate("median_of_means", X, 0.2, weights=w)
    squares = np.sum((X - kappa) ** 2, axis=1)
    removable = 0.2 + np.log(20) / 3 * np.sum(w**2)
    alpha = brentq(lambda a: w @ np.minimum(a * squares, 1) - removable, 0, 1 / squares.min(), xtol=1e-15)
    expected = kappa + (w * (1 - np.minimum(alpha * squares, 1))) @ (X - kappa)
    np.testing.assert_allclose(locate("lee_valiant", X, 0.2, weights=w), expected, rtol=1e-9)


def test_projected_gradient_weights_are_feasible_and_better():
    sample = contaminated(400, 8, 0.15, random_state=5)
    n = len(sample.samples)
    location, weights = CLASSICAL["projected_gradient"](sample.samples, 0.15, np.ones(n), np.random.default_rng(0))
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    assert weights.min() >= 0
    assert weights.max() <= 1 / (0.85 * n) * (1 + 1e-12)
    np.testing.assert_allclose(weights @ sample.samples, location, atol=1e-9)

    def largest(u):
        Z = sample.samples - u @ sample.samples
        return np.linalg.eigvalsh((Z * u[:, None]).T @ Z)[-1]

    truth = sample.is_inlier / sample.is_inlier.sum()
    assert largest(weights) <= largest(truth)
    assert largest(np.full(n, 1 / n)) > 1.25 * largest(truth)
    assert weights[~sample.is_inlier].sum() < 0.15 / 2


@pytest.mark.parametrize("d", [3, 150])
def test_leading_eigenvector_both_ways(d):
    rng = np.random.default_rng(6)
    Z, w = rng.standard_normal((60, d)), rng.dirichlet(np.ones(60))
    Z[:, 0] *= 4
    value, vector = _leading(Z, w, None)
    values = np.linalg.eigvalsh((Z * w[:, None]).T @ Z)
    assert value == pytest.approx(values[-1], rel=1e-6)
    assert vector @ (Z * w[:, None]).T @ Z @ vector == pytest.approx(value, rel=1e-6)


def test_lai_rao_vempala_halves_to_the_median():
    X = sample(50, 1)
    np.testing.assert_allclose(locate("lai_rao_vempala", X), np.median(X, axis=0), rtol=1e-12)
    # Without truncation two dimensions are split once: mean along the lesser axis, median along the greater.
    X = sample(81, 2)
    vectors = np.linalg.eigh(np.cov(X.T, bias=True))[1]
    expected = vectors @ [X.mean(axis=0) @ vectors[:, 0], np.median(X @ vectors[:, 1])]
    np.testing.assert_allclose(locate("lai_rao_vempala", X, 0.0), expected, rtol=1e-12)


@pytest.mark.parametrize("name", CLASSICAL)
def test_equivariance_to_shift_and_scale(name):
    X = sample()
    base = locate(name, X, 0.2)
    np.testing.assert_allclose(locate(name, 3 * X - 7, 0.2), 3 * base - 7, rtol=1e-7)
    np.testing.assert_allclose(locate(name, -X, 0.2), -base, rtol=1e-7)
    np.testing.assert_allclose(locate(name, 2.0**500 * X, 0.2), 2.0**500 * base, rtol=1e-12)
    np.testing.assert_allclose(locate(name, 2.0**-500 * X, 0.2), 2.0**-500 * base, rtol=1e-12)
    np.testing.assert_allclose(locate(name, X + 2.0**30, 0.2), base + 2.0**30, rtol=1e-14)


@pytest.mark.parametrize("name", ROTATED)
def test_equivariance_to_rotation(name):
    X = sample()
    rotation = np.linalg.qr(np.random.default_rng(7).standard_normal((4, 4)))[0]
    np.testing.assert_allclose(locate(name, X @ rotation, 0.2), locate(name, X, 0.2) @ rotation, atol=1e-6)


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_weights_are_repetitions(name):
    X = sample(30)
    counts = np.random.default_rng(8).integers(0, 4, 30)
    weighted = locate(name, X, 0.15, weights=counts)
    np.testing.assert_allclose(weighted, locate(name, np.repeat(X, counts, axis=0), 0.15), atol=2e-2 * X.std())
    if name != "projected_gradient":  # whose iterates, not whose limit, depend on the repetition
        np.testing.assert_allclose(weighted, locate(name, np.repeat(X, counts, axis=0), 0.15), atol=1e-7)
    np.testing.assert_allclose(weighted, locate(name, X, 0.15, weights=counts / 7), atol=1e-12)


@pytest.mark.parametrize("name", CLASSICAL)
def test_samples_without_weight_do_not_exist(name):
    X, w = sample(60), np.ones(60)
    w[::3] = 0
    spoilt = X.copy()
    spoilt[::3] = 1e30
    for data in (X, spoilt):
        np.testing.assert_allclose(locate(name, data, 0.2, weights=w), locate(name, X[w > 0], 0.2), rtol=1e-9)


@pytest.mark.parametrize("name", ROBUST)
@pytest.mark.parametrize("distance", [1e3, 1e12, 1e200])
def test_far_outliers_move_no_robust_estimator(name, distance):
    rng = np.random.default_rng(9)
    X = rng.standard_normal((200, 5))
    X[:20] = distance * rng.uniform(0.9, 1, (20, 5))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.linalg.norm(locate(name, X, 0.15)) < 1.0
    assert np.abs(locate("mean", X)).min() > 0.09 * distance


@pytest.mark.parametrize("name", CLASSICAL)
@pytest.mark.parametrize("contamination", [0.0, 0.1, 0.49])
@pytest.mark.parametrize(
    "X",
    [
        np.array([[4.0, -2.0]]),
        np.array([[1.0, 2.0], [3.0, 4.0]]),
        np.tile([2.0, 5.0, 7.0], (9, 1)),
        np.column_stack([np.arange(12.0), np.full(12, 3.0)]),
        np.random.default_rng(10).standard_normal((5, 30)),
        np.arange(7.0)[:, None],
        np.full((3, 2), -1.7e308),
        np.array([[1.7e308], [-1.7e308], [0.0], [1.0]]),
    ],
)
def test_small_and_degenerate_samples(name, contamination, X):
    location = locate(name, X, contamination)
    assert location.shape == (X.shape[1],)
    # Means along some axes and medians along others need not lie among the samples.
    margin = (0.4 if name == "lai_rao_vempala" else 1e-9) * np.abs(X).max()
    assert np.all(location / 2 >= X.min(axis=0) / 2 - margin)
    assert np.all(location / 2 <= X.max(axis=0) / 2 + margin)


@pytest.mark.parametrize("name", CLASSICAL)
def test_clean_samples_give_about_the_mean(name):
    X = np.random.default_rng(11).standard_normal((2000, 10))
    efficient = np.linalg.norm(X.mean(axis=0))
    assert np.linalg.norm(locate(name, X, 0.0)) < 1.6 * efficient


@pytest.mark.parametrize("name", CLASSICAL)
def test_arguments_are_left_alone(name):
    X, w = sample(), np.ones(101)
    before = X.copy(), w.copy()
    CLASSICAL[name](X, 0.1, w, np.random.default_rng(0))
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(w, before[1])
