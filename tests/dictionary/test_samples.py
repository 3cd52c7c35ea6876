"""Weights and outliers of the samples, units of the columns, starts, order and signs of the atoms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypernorm import ConvergenceWarning, InvalidInputError
from hypernorm.datasets import planted_dictionary
from hypernorm.dictionary import LpDictionaryLearning, recovery_error
from hypernorm.robust import RobustCovariance


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("options", [{}, {"refine": True}, {"n_components": 3}])
def test_units_of_columns_do_not_matter(options, dtype):
    X, D, _ = planted_dictionary(2000, 6, 0.2, random_state=0)
    units = np.array([1e-7, 1, 1e-5, 1e7, 1e3, 1])
    plain = LpDictionaryLearning(random_state=0, **options).fit(X.astype(dtype))
    scaled = LpDictionaryLearning(random_state=0, **options).fit((X * units).astype(dtype))
    expected = recovery_error(plain.unmixing_, D)
    assert len(scaled.components_) == len(plain.components_)
    assert recovery_error(scaled.unmixing_ * units, D) == pytest.approx(expected, rel=1e-2, abs=1e-9)
    np.testing.assert_allclose(
        scaled.inverse_transform(scaled.transform(X * units))[:, 0].std(), X[:, 0].std() * 1e-7, rtol=0.8
    )


def test_a_constant_column_is_no_direction():
    X = planted_dictionary(1000, 4, 0.2, random_state=0).samples
    for value in (0.1, 1e6 / 3):
        assert len(LpDictionaryLearning(random_state=0).fit(np.hstack([X, np.full((1000, 1), value)])).components_) == 4
    small = np.hstack([X, 1e6 + 1e-3 * np.random.default_rng(0).laplace(size=(1000, 1))])
    assert len(LpDictionaryLearning(random_state=0).fit(small).components_) == 5


@pytest.mark.parametrize("options", [{}, {"refine": True}, {"whiten": False}, {"n_components": 1}])
def test_a_weight_is_a_number_of_repeats(options):
    X = planted_dictionary(900, 5, 0.25, noise=0.1, random_state=1).samples
    weights = np.random.default_rng(0).integers(0, 4, 900)
    weighted = LpDictionaryLearning(random_state=0, **options).fit(X, sample_weight=weights)
    repeated = LpDictionaryLearning(random_state=0, **options).fit(X.repeat(weights, axis=0))
    for name in ("components_", "unmixing_", "mean_", "scales_", "significance_", "sparsity_"):
        np.testing.assert_allclose(getattr(weighted, name), getattr(repeated, name), rtol=1e-5, atol=1e-5)
    rtol = 0.1 if options.get("refine") else 1e-5  # the density at zero is measured on other samples
    np.testing.assert_allclose(weighted.standard_errors_, repeated.standard_errors_, rtol=rtol)
    with pytest.raises(InvalidInputError, match=r"certify knows equal weights only|Refinement moves"):
        weighted.certify(X)


def test_equal_weights_and_wrong_weights():
    X = planted_dictionary(400, 4, 0.25, random_state=1).samples
    plain = LpDictionaryLearning(random_state=0).fit(X)
    equal = LpDictionaryLearning(random_state=0).fit(X, sample_weight=np.full(400, 2.0))
    np.testing.assert_allclose(equal.components_, plain.components_, atol=1e-9)
    np.testing.assert_allclose(equal.standard_errors_, plain.standard_errors_ / np.sqrt(2), rtol=1e-6)
    with pytest.raises(InvalidInputError, match="sample_weight must have the shape"):
        plain.fit(X, sample_weight=np.ones(3))
    with pytest.raises(InvalidInputError, match="must not be negative"):
        plain.fit(X, sample_weight=-np.ones(400))


def test_few_far_outliers_are_left_out():
    X, D, _ = planted_dictionary(3000, 6, 0.2, random_state=2)
    rng = np.random.default_rng(0)
    spoiled = np.vstack([X, 20 * rng.standard_normal((30, 6))])
    clean = LpDictionaryLearning(random_state=0).fit(X)
    robust = LpDictionaryLearning(robust=RobustCovariance(0.02, certify=False, random_state=0), random_state=0)
    assert recovery_error(LpDictionaryLearning(random_state=0).fit(spoiled).unmixing_, D) > 0.3
    assert recovery_error(robust.fit(spoiled).unmixing_, D) < 1.2 * recovery_error(clean.unmixing_, D)
    assert robust.standard_errors_ == pytest.approx(clean.standard_errors_, rel=0.1)
    assert recovery_error(robust.fit(X).unmixing_, D) < 1.2 * recovery_error(clean.unmixing_, D)
    weighted = robust.fit(spoiled, sample_weight=np.where(np.arange(len(spoiled)) % 3, 1.0, 2.0))
    assert recovery_error(weighted.unmixing_, D) < 5e-3


@pytest.mark.parametrize("robust", [True, RobustCovariance, LpDictionaryLearning(max_iter=3)])
@pytest.mark.filterwarnings("ignore::hypernorm.exceptions.ConvergenceWarning")
def test_wrong_robust(robust):
    X = planted_dictionary(300, 4, 0.2, random_state=2).samples
    with pytest.raises(InvalidInputError, match=r"robust.*weights_"):
        LpDictionaryLearning(robust=robust).fit(X)


def test_robust_needs_samples_in_memory():
    da = pytest.importorskip("dask.array")
    X = da.from_array(planted_dictionary(300, 4, 0.2, random_state=2).samples, chunks=(100, 4))
    with pytest.raises(InvalidInputError, match="in memory"):
        LpDictionaryLearning(robust=RobustCovariance()).fit(X)
    weights = np.where(np.arange(300) < 150, 1, 2)
    weighted = LpDictionaryLearning(random_state=0).fit(X, sample_weight=weights)
    expected = LpDictionaryLearning(random_state=0).fit(X.compute(), sample_weight=weights)
    np.testing.assert_allclose(weighted.components_, expected.components_, atol=1e-6)
    np.testing.assert_allclose(weighted.standard_errors_, expected.standard_errors_, rtol=1e-5)


@pytest.mark.parametrize("options", [{}, {"n_components": 3}, {"n_components": 1}, {"contrast": "kurtosis"}])
def test_a_start_near_the_result_takes_few_iterations(options):
    X = planted_dictionary(3000, 10, 0.2, condition=10, random_state=3).samples
    cold = LpDictionaryLearning(random_state=0, **options).fit(X)
    warm = LpDictionaryLearning(random_state=1, w_init=5 * cold.unmixing_, **options).fit(X)
    assert warm.n_iter_ <= 3
    np.testing.assert_allclose(warm.components_, cold.components_, atol=1e-5)
    if "contrast" not in options:
        stream = LpDictionaryLearning(w_init=cold.unmixing_, **options).partial_fit(X)
        np.testing.assert_allclose(stream.components_, cold.components_, atol=1e-3)


def test_wrong_starts():
    X = planted_dictionary(300, 4, 0.2, random_state=3).samples
    with pytest.raises(InvalidInputError, match=r"w_init must have the shape \(4, 4\)"):
        LpDictionaryLearning(w_init=np.eye(3)).fit(X)
    with pytest.raises(InvalidInputError, match="w_init has rows that depend"):
        LpDictionaryLearning(w_init=np.ones((4, 4))).fit(X)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.permutations(range(5)), st.integers(0, 31))
def test_order_and_signs_do_not_depend_on_the_start(seed, order, negative):
    X, D, codes = planted_dictionary(1500, 5, 0.2, random_state=4)
    X = (codes * [3, 1, 9, 27, 0.3]) @ D.T
    expected = LpDictionaryLearning(random_state=0).fit(X)
    signs = [-1 if negative >> j & 1 else 1 for j in range(5)]
    W = (np.array(signs)[:, None] * expected.unmixing_)[list(order)]
    for model in (LpDictionaryLearning(random_state=seed), LpDictionaryLearning(w_init=W)):
        model.fit(X)
        np.testing.assert_allclose(model.components_, expected.components_, atol=1e-5)
        np.testing.assert_allclose(model.significance_, expected.significance_, rtol=1e-4)
        np.testing.assert_allclose(model.standard_errors_, expected.standard_errors_, rtol=1e-3)
    assert (np.diff(expected.scales_) <= 0).all()
    largest = np.take_along_axis(expected.components_, np.abs(expected.components_).argmax(axis=1)[:, None], axis=1)
    assert (largest > 0).all()


def test_a_stream_keeps_the_order_of_its_first_batch():
    _, D, codes = planted_dictionary(6000, 5, 0.2, random_state=4)
    X = (codes * [3, 2, 4, 6, 1.5]) @ D.T
    X[600:] = X[600:] @ D @ np.diag([1, 1, 1, 0.4, 1]) @ D.T  # the first atom becomes the third
    stream = LpDictionaryLearning(random_state=0)
    first = stream.partial_fit(X[:600]).components_
    for start in range(600, 6000, 600):
        stream.partial_fit(X[start : start + 600])
    assert ((stream.components_ @ first.T).argmax(axis=1) == np.arange(5)).all()
    assert (np.diff(stream.scales_) > 0).any()


def test_as_many_directions_as_samples():
    X = np.random.default_rng(0).standard_normal((6, 9))
    with pytest.warns(ConvergenceWarning, match="as few as the 5 directions"):
        LpDictionaryLearning(random_state=0).fit(X)
    low = planted_dictionary(400, 4, 0.2, random_state=5).samples @ np.random.default_rng(1).standard_normal((4, 500))
    model = LpDictionaryLearning(random_state=0).fit(low)
    assert model.components_.shape == (4, 500)
    np.testing.assert_allclose(model.inverse_transform(model.transform(low)), low, atol=1e-8)
