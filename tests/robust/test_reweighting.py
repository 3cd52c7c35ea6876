"""Certified reweighting: below the inliers' own bound and the filter's, convex, equivariant."""

import itertools

import numpy as np
import pytest

import hypernorm as hn
from hypernorm.datasets import contaminated
from hypernorm.exceptions import InvalidInputError
from hypernorm.robust.filter.moment_filter import moment_filter
from hypernorm.robust.reweighting import _Problem, certified_reweighting, whitening_map

CASES = list(itertools.product((2, 5, 10, 15), ("cluster", "two_clusters", "shell", "far", "hidden", "none")))
CASES = [(d, adversary, inliers) for d, adversary in CASES for inliers in ("gaussian_decaying", "t5")] + [
    (8, "dkk", "gaussian"),
    (8, "subtractive", "laplace"),
]
FAST = [(2, "cluster", "t5"), (5, "hidden", "gaussian_decaying"), (5, "two_clusters", "t5")]


def proved_fourth_moment(X, weights, K):
    """About the weights' own mean, with the given whitening."""
    rows = (X - weights @ X) @ K * weights[:, None] ** 0.25
    return hn.sos_bound(rows, rtol=1e-5, random_state=0).upper ** 4


def check(d, adversary, inliers, n):
    sample = contaminated(n, d, 0.1, inliers=inliers, adversary=adversary, random_state=d)
    X = sample.samples
    filtered = moment_filter(X, 0.1, random_state=0).weights
    found = certified_reweighting(X, 0.1, initial_weights=filtered, random_state=0)
    own, K = sample.is_inlier / sample.is_inlier.sum(), whitening_map(X, filtered)
    reached = proved_fourth_moment(X, found.weights, K)
    assert reached <= found.criterion * (1 + 1e-6)
    assert reached <= proved_fourth_moment(X, own, K)
    # Where the filter's weights are the best, the two differ by the tolerance of the bounds.
    assert reached <= proved_fourth_moment(X, filtered, K) * (1 + 1e-4)
    assert np.all(found.weights >= 0)
    assert np.all(found.weights <= np.maximum(1 / (0.9 * n), filtered) * (1 + 1e-9))
    assert found.weights.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(found.location, found.weights @ X)


@pytest.mark.parametrize(("d", "adversary", "inliers"), FAST)
def test_no_weights_of_inliers_have_a_smaller_bound(d, adversary, inliers):
    check(d, adversary, inliers, 200)


@pytest.mark.slow
@pytest.mark.parametrize(("d", "adversary", "inliers"), CASES)
def test_no_weights_of_inliers_have_a_smaller_bound_on_fifty_samples(d, adversary, inliers):
    check(d, adversary, inliers, 500)


def test_the_value_is_convex_and_the_scores_are_a_subgradient():
    rng = np.random.default_rng(0)
    problem = _Problem(rng.standard_t(5, size=(60, 3)), rng)
    first, second = rng.dirichlet(np.ones(60), 2)
    values = [problem.value(step * first + (1 - step) * second) for step in (0, 0.5, 1)]
    assert values[1][0] <= (values[0][0] + values[2][0]) / 2 * (1 + 2e-3)
    for value, scores in values:
        for weights, (other, _) in ((first, values[2]), (second, values[0])):
            assert weights @ scores <= other * (1 + 5e-3)
        assert value > 0
    middle, scores = values[1]
    assert (first + second) / 2 @ scores == pytest.approx(middle, rel=5e-3)


def test_one_dimension_is_a_linear_program():
    """With one column the value is Σ w_i y_i⁴, so the largest of the fourth powers lose their weight."""
    X = np.random.default_rng(0).standard_normal((40, 1))
    X -= X.mean()
    found = certified_reweighting(X, 0.25, whitened=False, rtol=1e-6, random_state=0)
    centered = (X - found.location)[:, 0]
    least = np.sort(centered**4)[:30].mean()
    assert found.weights @ centered**4 == pytest.approx(least, rel=0.05)


def test_linear_maps_change_nothing_when_whitened():
    sample = contaminated(150, 3, 0.1, adversary="hidden", inliers="gaussian_decaying", random_state=0)
    A = np.random.default_rng(1).standard_normal((3, 3)) * [1, 100, 0.01]
    first, second = (certified_reweighting(X, 0.1, random_state=0) for X in (sample.samples, sample.samples @ A + 7))
    assert second.criterion == pytest.approx(first.criterion, rel=0.03)


def test_whitening_leaves_out_directions_without_samples():
    X = np.column_stack([np.random.default_rng(0).standard_normal((50, 2)), np.full(50, 3.0)])
    K = whitening_map(X, np.full(50, 0.02))
    assert K.shape == (3, 2)
    np.testing.assert_allclose(np.cov((X @ K).T, bias=True), np.eye(2), atol=1e-12)
    found = certified_reweighting(X, 0.1, random_state=0)
    assert found.location[2] == pytest.approx(3)


def test_no_contamination_keeps_equal_weights():
    X = np.random.default_rng(0).standard_normal((30, 2))
    np.testing.assert_allclose(certified_reweighting(X, 0.0, random_state=0).weights, 1 / 30)


def test_identical_samples():
    found = certified_reweighting(np.ones((10, 3)), 0.1, random_state=0)
    np.testing.assert_allclose(found.location, 1)
    assert found.criterion < 1e-50


def test_too_many_columns():
    with pytest.raises(InvalidInputError, match="at most 30 columns"):
        certified_reweighting(np.zeros((50, 31)), 0.1)
