"""Large clusters, which a search for extreme directions alone takes for the inliers."""

import numpy as np
import pytest
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
        assert found.weights[~sample.is_inlier].sum() < 0.02


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
