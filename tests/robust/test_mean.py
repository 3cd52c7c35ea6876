"""RobustMean: the proved bound holds, conventions, awkward input."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

import hypernorm as hn
from hypernorm.datasets import contaminated
from hypernorm.exceptions import ConvergenceWarning, InvalidInputError
from hypernorm.robust import (
    RobustMean,
    certified_reweighting,
    certify_mean,
    covariance_filter,
    moment_filter,
    quantum_entropy_filter,
    robust_mean,
)
from hypernorm.robust.estimates import METHODS

FILTERS = ("moment", "covariance", "quantum_entropy", "certified")


@parametrize_with_checks([RobustMean(random_state=0), RobustMean(method="quantum_entropy", contamination="auto")])
def test_conventions_of_scikit_learn(estimator, check):
    check(estimator)


def inlier_moment(sample, q):
    """A proved bound on the q-th central moment of the true inliers."""
    X = sample.samples[sample.is_inlier]
    return hn.two_to_q_norm((X - X.mean(axis=0)) / len(X) ** (1 / q), q, random_state=0, method="spectral").upper


@pytest.mark.parametrize("method", FILTERS)
@pytest.mark.parametrize("adversary", ["cluster", "two_clusters", "far", "dkk", "hidden", "subtractive", "shell"])
def test_the_proved_bound_holds(method, adversary):
    cases = itertools.product((2, 6), ("gaussian", "t5")) if method != "certified" else [(2, "t5")]
    for seed, (d, inliers) in enumerate(cases):
        sample = contaminated(120, d, 0.1, inliers=inliers, adversary=adversary, random_state=seed)
        found = robust_mean(sample.samples, 0.1, method=method, random_state=0)
        error = np.linalg.norm(found.location - sample.inlier_mean)
        for order in (2, 4):
            assert error <= found.error_bound_given(inlier_moment(sample, order), order=order) <= found.error_bound
        assert found.certificate.verify(sample.samples).error_bound == found.error_bound
        assert found.error_bound < 20 * np.linalg.norm(sample.samples.std(axis=0))


@pytest.mark.parametrize("method", METHODS)
def test_far_outliers_do_no_harm(method):
    sample = contaminated(200, 4, 0.1, adversary="far", random_state=0)
    found = robust_mean(sample.samples, 0.1, method=method, random_state=0)
    error = np.linalg.norm(found.location - sample.inlier_mean)
    assert error < (2.5 if method in ("mean", "median_of_means") else 0.7)
    if found.weights is not None:
        assert found.weights.sum() == pytest.approx(1)
        np.testing.assert_allclose(found.weights @ sample.samples, found.location, atol=1e-10)


@pytest.mark.parametrize("size", [1e6, 1e12, 1e60])
@pytest.mark.parametrize("method", [method for method in METHODS if method != "mean"])
def test_one_entry_however_large_does_no_harm(method, size):
    X = np.random.default_rng(0).standard_normal((200, 4))
    X[7, 2] = -size
    found = robust_mean(X, 0.05, method=method, random_state=0)
    assert np.linalg.norm(found.location) < 0.6
    if method in FILTERS:
        assert found.weights[7] == 0
        assert np.linalg.norm(found.location - np.delete(X, 7, axis=0).mean(axis=0)) <= found.error_bound_given() < 3
        assert found.error_bound > size / 1000  # the inliers could have it


def test_numbers_that_stand_for_missing_values_are_refused():
    X = np.random.default_rng(0).standard_normal((50, 3))
    for value in (1e72, -np.finfo(float).max):
        X[4, 1] = value
        with pytest.raises(InvalidInputError, match=r"X\[4, 1\] = .* leave their rows out"):
            robust_mean(X, 0.1)


def test_an_estimated_contamination_is_no_premise():
    """The bound allows for 30% of outliers, however many were found."""
    sample = contaminated(500, 5, 0.1, adversary="shell", random_state=1)
    found = robust_mean(sample.samples, "auto", random_state=0)
    assert found.contamination < 0.1
    assert np.linalg.norm(found.location - sample.inlier_mean) <= found.error_bound
    assert found.certificate.contamination == 0.3


def test_scores_are_finite_where_most_samples_are_at_one_point():
    rng = np.random.default_rng(2)
    X = np.where(rng.random(1000) > 0.75, rng.standard_normal(1000), 0.0)[:, None]
    assert np.isfinite(robust_mean(X, 0.1, random_state=0).scores).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"location": [np.nan, 0, 0]}, "location has the entry nan"),
        ({"location": 0.0}, "location must have the shape"),
        ({"location": np.zeros(3) + 1j}, "complex"),
        ({"moments": 4}, "sequence"),
        ({"moments": [1]}, "moments must be at least 2, got 1.$"),
        ({"weights": None}, "weights must be given"),
        ({"weights": -np.ones(20)}, "^weights must not be negative"),
    ],
)
def test_wrong_arguments_of_a_proof_are_named(arguments, message):
    X = np.random.default_rng(0).standard_normal((20, 3))
    with pytest.raises(InvalidInputError, match=message):
        certify_mean(X, **{"weights": np.ones(20), "contamination": 0.1, **arguments})


@pytest.mark.parametrize("function", [moment_filter, covariance_filter, quantum_entropy_filter, certified_reweighting])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"X": np.full((20, 2), np.nan)}, "X has the entry nan"),
        ({"X": np.zeros(20)}, "two-dimensional"),
        ({"X": sp.eye_array(20)}, r"sparse|toarray"),
        ({"contamination": -1}, "contamination"),
        ({"contamination": "auto"}, "contamination"),
        ({"base_weights": np.ones(20)}, "base_weights must .* sum to one"),
        ({"base_weights": np.ones(3) / 3}, "base_weights must have the shape"),
        ({"max_iter": 0}, "max_iter"),
    ],
)
def test_filters_name_wrong_arguments(function, arguments, message):
    with pytest.raises(InvalidInputError, match=message):
        function(**{"X": np.random.default_rng(0).standard_normal((20, 2)), "contamination": 0.1, **arguments})


@pytest.mark.parametrize("method", METHODS)
def test_units_do_not_matter(method):
    X = contaminated(60, 3, 0.1, adversary="far", random_state=0).samples
    expected = robust_mean(X, 0.1, method=method, random_state=0)
    for exponent in (-1000, -600, 600, 1000):
        found = robust_mean(np.ldexp(X, exponent), 0.1, method=method, random_state=0)
        np.testing.assert_allclose(np.ldexp(found.location, -exponent), expected.location, rtol=1e-6)


@pytest.mark.parametrize("method", FILTERS)
def test_no_contamination_is_the_mean(method):
    X = np.random.default_rng(0).standard_normal((40, 3))
    found = robust_mean(X, 0.0, method=method)
    np.testing.assert_allclose(found.location, X.mean(axis=0))
    assert found.error_bound < 1e-5


@pytest.mark.parametrize("method", ["moment", "covariance", "quantum_entropy"])
def test_clean_samples_lose_little(method):
    for inliers in ("gaussian", "t5"):
        for n, d in ((400, 10), (100, 25)):
            errors, plain = [], []
            for seed in range(6):
                X = contaminated(n, d, 0.0, inliers=inliers, adversary="none", random_state=seed).samples
                errors.append(np.sum(robust_mean(X, 0.1, method=method, certify=False, random_state=0).location ** 2))
                plain.append(np.sum(X.mean(axis=0) ** 2))
            assert np.sqrt(np.mean(errors) / np.mean(plain)) < 1.1


@pytest.mark.parametrize("method", ["moment", "covariance", "quantum_entropy"])
def test_samples_of_weight_zero_do_not_count(method):
    sample = contaminated(200, 3, 0.1, adversary="far", random_state=1)
    weights = np.where(np.arange(200) % 3 == 0, 0.0, 2.0)
    first = robust_mean(sample.samples, 0.1, method=method, sample_weight=weights, random_state=0)
    second = robust_mean(sample.samples[weights > 0], 0.1, method=method, random_state=0)
    assert not first.weights[weights == 0].any()
    np.testing.assert_allclose(first.location, second.location, atol=0.1)
    assert first.error_bound == pytest.approx(second.error_bound, rel=0.1)


def test_unknown_contamination_is_estimated():
    sample = contaminated(500, 5, 0.12, adversary="far", random_state=0)
    found = robust_mean(sample.samples, "auto", random_state=0)
    assert 0.1 < found.contamination < 0.16
    clean = contaminated(500, 5, 0.0, adversary="none", random_state=0)
    assert robust_mean(clean.samples, "auto", random_state=0).contamination < 0.03


def test_the_fourth_moment_sees_what_is_hidden_in_a_direction_of_small_variance():
    sample = contaminated(2000, 10, 0.1, inliers="gaussian_decaying", adversary="hidden", random_state=0)

    def error(location):
        difference = location - sample.inlier_mean
        return float(difference @ np.linalg.solve(sample.covariance, difference)) ** 0.5

    assert error(sample.samples.mean(axis=0)) > 0.4
    assert error(robust_mean(sample.samples, 0.1, certify=False, random_state=0).location) < 0.02
    for method in ("covariance", "quantum_entropy"):
        found = robust_mean(sample.samples, 0.1, method=method, covariance=sample.covariance, certify=False)
        assert 0.02 < error(found.location) < 0.2


def test_what_was_removed_is_reported():
    X = np.random.default_rng(0).standard_normal((300, 3))
    X[:30, 1] += 9
    for method in ("moment", "covariance", "quantum_entropy"):
        found = robust_mean(X, 0.1, method=method, random_state=0)
        assert sum(removal.weight for removal in found.removals) == pytest.approx(0.1, abs=0.06)
        assert found.weights[:30].sum() < 0.02
        assert found.scores[:30].min() > np.median(found.scores[30:])
        assert "removed=0.1" in repr(found)


@pytest.mark.parametrize(
    "X",
    [
        np.array([[0.0, 1.0], [2.0, 5.0]]),
        np.ones((10, 3)),
        np.repeat(np.random.default_rng(0).standard_normal((5, 2)), 20, axis=0),
        np.column_stack([np.random.default_rng(0).standard_normal((50, 2)), np.full(50, 7.0)]),
        np.random.default_rng(0).standard_normal((12, 30)),
        np.random.default_rng(0).standard_normal((60, 3)) * 1e100,
        np.random.default_rng(0).standard_normal((60, 3)) * 1e-100,
    ],
    ids=["two samples", "identical", "duplicates", "constant column", "n < d", "huge", "tiny"],
)
@pytest.mark.parametrize("method", FILTERS)
def test_awkward_samples(X, method):
    found = robust_mean(X, 0.1, method=method, random_state=0)
    spread = np.ptp(X, axis=0)
    assert np.all(np.abs(found.location - np.median(X, axis=0)) <= spread + 1e-12 * np.abs(X).max(axis=0))
    assert found.error_bound >= 0


def test_frames_integers_and_single_precision_agree():
    X = np.random.default_rng(0).integers(-20, 20, (100, 3))
    X[:8] = 300
    expected = robust_mean(X.astype(float), 0.1, random_state=0)
    for other in (X, X.astype(np.float32), pd.DataFrame(X, columns=list("abc")), X.tolist()):
        np.testing.assert_allclose(robust_mean(other, 0.1, random_state=0).location, expected.location)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"contamination": 0.5}, r"contamination must be a number in \[0, 0.5\)"),
        ({"contamination": -0.1}, "contamination"),
        ({"contamination": np.nan}, "contamination"),
        ({"contamination": "much"}, "'auto'"),
        ({"method": "median"}, "method must be one of"),
        ({"moment": 1.5}, "moment must be at least 2"),
        ({"moment": math.inf}, "moment must be finite"),
        ({"max_iter": 0}, "max_iter"),
        ({"covariance": np.eye(3)}, "covariance is used by"),
        ({"covariance": np.eye(2), "method": "covariance"}, "symmetric 3 x 3"),
        ({"covariance": -np.eye(3), "method": "covariance"}, "not positive definite"),
        ({"sample_weight": np.ones(4)}, "sample_weight"),
        ({"random_state": "a"}, "random_state"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(InvalidInputError, match=message):
        robust_mean(np.random.default_rng(0).standard_normal((20, 3)), **arguments)


def test_wrong_samples_are_named():
    with pytest.raises(InvalidInputError, match="row 1, column 0"):
        robust_mean([[1.0, 2.0], [np.nan, 1.0]])
    with pytest.raises(InvalidInputError, match=r"toarray\(\)"):
        robust_mean(sp.eye_array(5))
    with pytest.raises(InvalidInputError, match="at most 30 columns"):
        robust_mean(np.random.default_rng(0).standard_normal((100, 40)), 0.1, method="certified")


def test_too_few_rounds_warn():
    sample = contaminated(300, 6, 0.2, adversary="dkk", random_state=0)
    with pytest.warns(ConvergenceWarning, match="max_iter=1"):
        robust_mean(sample.samples, 0.2, method="covariance", max_iter=1)


def test_the_estimator_is_the_function():
    sample = contaminated(150, 3, 0.1, random_state=0)
    model = clone(RobustMean(0.1, method="covariance", moment=3)).fit(sample.samples)
    found = robust_mean(sample.samples, 0.1, method="covariance", moment=3)
    np.testing.assert_array_equal(model.location_, found.location)
    assert model.error_bound_ == found.error_bound >= model.error_bound_given() == found.error_bound_given()
    assert model.error_bound_given(0.0) <= model.error_bound_
    with pytest.raises(InvalidInputError, match="order=4 is not certified, only 2, 3"):
        model.error_bound_given(order=4)
    assert model.proved_.orders == (2, 3)
    assert [norm.q for norm in model.certificate_.norms] == [2, 3]
