"""The moment filter: what the statement promises, and large clusters, which look like the inliers at first."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from hypernorm.datasets import contaminated
from hypernorm.robust import moment_filter


@pytest.mark.parametrize(
    ("adversary", "contamination"), [("cluster", 0.3), ("cluster", 0.4), ("two_clusters", 0.4), ("far", 0.45)]
)
@pytest.mark.parametrize("units", [1.0, np.logspace(-6, 6, 20)], ids=["same units", "any units"])
def test_large_clusters_are_removed(adversary, contamination, units):
    for seed in range(3):
        sample = contaminated(500, 20, contamination, adversary=adversary, random_state=seed)
        found = moment_filter(sample.samples * units, contamination, random_state=0)
        error = np.linalg.norm(found.location / units - sample.center)
        assert error < 1.5 * np.linalg.norm(sample.inlier_mean - sample.center)
        assert found.weights[~sample.is_inlier].sum() < 0.04


def test_outliers_in_columns_without_median_deviation():
    """Most samples have the same value in the pixels of the border; the negative of a digit differs there most."""
    X, y = load_digits(return_X_y=True)
    X = X[y == 3]
    found = []
    for seed in range(5):
        replaced = np.random.default_rng(seed).choice(len(X), 9, replace=False)
        samples = X.copy()
        samples[replaced] = 16 - X[replaced]
        found.append(moment_filter(samples, 0.05, random_state=0).weights[replaced].sum() < 0.01)
    assert sum(found) >= 4  # skewed data leave room for doubt


@pytest.mark.parametrize("d", [5, 20])
def test_a_group_too_large_to_be_of_outliers_is_left_alone(d):
    """A quarter of the samples forms a group of its own, a tenth may be outliers."""
    errors = []
    for seed in range(8):
        clean = contaminated(500, d, 0.0, inliers="mixture", adversary="none", random_state=seed)
        found = moment_filter(clean.samples, 0.1, random_state=0)
        errors.append([np.linalg.norm(mean - clean.center) for mean in (found.location, clean.inlier_mean)])
        sample = contaminated(500, d, 0.1, inliers="mixture", adversary="far", random_state=seed)
        found = moment_filter(sample.samples, 0.1, random_state=0)
        assert found.weights[~sample.is_inlier].sum() < 0.01
    ours, plain = np.mean(errors, axis=0)
    assert ours < 1.05 * plain


def test_a_tight_cluster_among_the_samples_is_no_group_of_inliers():
    """At three standard deviations a fit of two groups of equal width counts inliers with it."""
    errors = []
    for seed in range(3):
        sample = contaminated(4000, 16, 0.1, adversary="cluster", distance=0.75, random_state=seed)
        found = moment_filter(sample.samples, 0.1, random_state=0)
        errors.append([np.linalg.norm(mean - sample.center) for mean in (found.location, sample.inlier_mean)])
    ours, inliers = np.mean(errors, axis=0)
    assert ours < 2 * inliers


def mahalanobis(location, inliers):
    difference = location - inliers.mean(axis=0)
    return float(np.sqrt(difference @ np.linalg.solve(np.cov(inliers.T), difference)))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.05, 0.1, 0.3, 0.45]))
def test_no_more_than_the_contamination_is_left_out(seed, contamination):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 120))
    X = rng.standard_t(2, (n, int(rng.integers(1, 5))))
    X[: n // 10] += rng.uniform(-20, 20)
    base = rng.dirichlet(np.ones(n))
    found = moment_filter(X, contamination, base_weights=base, random_state=0)
    assert found.weights.sum() == pytest.approx(1)
    assert (found.weights <= base / (1 - contamination) * (1 + 1e-9)).all()
    assert found.removed <= contamination + 1e-9


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_coordinates_do_not_matter(seed):
    """Another basis, other units: the outliers stand out in the same way."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((400, 4))
    X[:40] = 0.3 * rng.standard_normal((40, 4)) + [5, 0, 0, 0]
    A = rng.standard_normal((4, 4)) * np.array([1.0, 1e3, 1e-3, 1.0])
    first, second = (moment_filter(Z, 0.1, random_state=0) for Z in (X, X @ A + 7))
    assert max(first.weights[:40].sum(), second.weights[:40].sum()) < 1e-3
    assert np.linalg.norm((second.location - 7) @ np.linalg.inv(A) - first.location) < 0.05


@pytest.mark.parametrize(("n", "d"), [(400, 8), (1000, 20)])
def test_clean_samples_are_left_alone(n, d):
    """Components that only noise tells apart would be alarms: the leading ones have the heaviest tails."""
    kept = []
    for seed in range(20):
        X = np.random.default_rng(seed).standard_normal((n, d))
        kept.append(moment_filter(X, 0.1, random_state=0).removed == 0)
    assert sum(kept) >= 18


def test_skewed_and_discrete_samples_are_left_alone():
    """A fraction of 10% explains one exponential column, but not twenty."""
    rng = np.random.default_rng(0)
    for X in (rng.exponential(size=(2000, 20)), np.eye(5)[rng.integers(0, 5, 1000)], rng.random((1000, 5)) < 0.3):
        assert moment_filter(X.astype(float), 0.1, random_state=0).removed < 0.01


def test_mirrored_pairs_are_found():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((2000, 10))
    X[:400, 0] = 5 * rng.choice([-1.0, 1.0], 400)
    found = moment_filter(X, 0.2, random_state=0)
    assert found.weights[:400].sum() < 0.01
    assert found.removals[0].reason == "heavy tails"
    about = moment_filter(X, 0.2, center=np.zeros(10), random_state=0)
    assert about.weights[:400].sum() < 0.01
    assert not about.location.any()


def test_groups_of_inliers_and_one_cluster():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1500, 20)) + 4 * np.eye(20)[rng.integers(0, 5, 1500)]
    X[:150] = 6 * np.eye(20)[6] + 0.1 * rng.standard_normal((150, 20))
    found = moment_filter(X, 0.1, random_state=0)
    assert mahalanobis(found.location, X[150:]) < 0.1
    assert found.criterion > 1  # the groups of the inliers are beyond the limits


def test_more_outliers_than_told():
    """5% of 15% cannot be left out."""
    X = np.random.default_rng(0).standard_normal((1000, 20))
    X[:150, 0] += 5
    error = np.linalg.norm(moment_filter(X, 0.1, random_state=0).location - X[150:].mean(axis=0))
    assert error < np.linalg.norm(X.mean(axis=0) - X[150:].mean(axis=0))


def test_too_few_rounds_are_reported():
    sample = contaminated(300, 6, 0.2, adversary="dkk", random_state=0)
    assert not moment_filter(sample.samples, 0.2, max_iter=1, random_state=0).converged
