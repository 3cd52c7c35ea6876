"""Contaminated regression and clusters: the truth that is told is the truth of the samples."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from hypernorm.datasets import INLIERS, contaminated_clusters, contaminated_regression
from hypernorm.datasets.contamination_models import CLUSTER_OUTLIERS, REGRESSION_ADVERSARIES, REGRESSION_NOISES
from hypernorm.exceptions import InvalidInputError


def residuals(sample):
    return sample.targets - sample.samples @ sample.coefficients - sample.intercept


@pytest.mark.parametrize("adversary", REGRESSION_ADVERSARIES)
@pytest.mark.parametrize("noise", REGRESSION_NOISES)
def test_inliers_follow_the_model(adversary, noise):
    sample = contaminated_regression(20_000, 4, 0.13, adversary=adversary, noise=noise, random_state=1)
    inner = residuals(sample)[sample.is_inlier]
    assert np.sum(~sample.is_inlier) == (0 if adversary == "none" else 2600)
    assert abs(inner.mean()) < 5 * 0.5 / np.sqrt(len(inner))
    assert inner.std() == pytest.approx(0.5, rel=0.1)
    assert sample.coefficients @ sample.covariance @ sample.coefficients == pytest.approx(1, rel=1e-12)
    signal = (sample.samples[sample.is_inlier] - 1) @ sample.coefficients
    assert signal.var() == pytest.approx(1, rel=0.05)
    far = np.abs(signal) > 1
    depends = inner[far].std() / inner[~far].std()
    assert depends > 2 if noise == "heteroscedastic" else depends == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("design", INLIERS)
def test_fit_to_the_inliers_finds_the_coefficients(design):
    sample = contaminated_regression(5000, 3, 0.2, design=design, adversary="leverage", random_state=2)
    A = np.column_stack([sample.samples, np.ones(5000)])
    inner = np.linalg.lstsq(A[sample.is_inlier], sample.targets[sample.is_inlier], rcond=None)[0]
    truth = np.append(sample.coefficients, sample.intercept)
    # The excess risk as the samples see it: 4 coefficients at a noise variance of 1/4, and far from that with outliers.
    assert np.mean((A @ (inner - truth))[sample.is_inlier] ** 2) < 4 * 4 / 4 / 5000
    everything = np.linalg.lstsq(A, sample.targets, rcond=None)[0]
    assert np.mean((A @ (everything - truth))[sample.is_inlier] ** 2) > 1


def test_adversaries_of_regression():
    drawn = {
        name: contaminated_regression(3000, 9, 0.2, adversary=name, random_state=3) for name in REGRESSION_ADVERSARIES
    }
    clean = drawn["none"]
    for name, sample in drawn.items():
        out = ~sample.is_inlier
        np.testing.assert_array_equal(sample.targets[~out], clean.targets[~out])
        assert np.array_equal(sample.samples, clean.samples) == (name not in ("rows", "leverage"))
    out = ~drawn["responses"].is_inlier
    raised = drawn["responses"].targets[out] - clean.targets[out]
    np.testing.assert_allclose(raised, 10 * np.sqrt(1.25), rtol=1e-9)
    for name, radius in (("plane", None), ("rows", 3), ("leverage", 30)):
        out = ~drawn[name].is_inlier
        X = drawn[name].samples[out] - 1
        expected = -X @ clean.coefficients + clean.intercept + clean.coefficients.sum()
        np.testing.assert_allclose(drawn[name].targets[out], expected, atol=1e-9)
        if radius is not None:
            assert np.linalg.norm(X.mean(axis=0)) == pytest.approx(radius, rel=0.02)
            assert np.all(np.linalg.norm(X - X.mean(axis=0), axis=1) < 1)


@pytest.mark.parametrize("inliers", ["gaussian", "t5", "gaussian_decaying"])
@pytest.mark.parametrize(("k", "d"), [(1, 3), (4, 10), (10, 3)])
def test_clusters_are_where_they_are_told(inliers, k, d):
    sample = contaminated_clusters(
        40_000, d, k, 0.1, inliers=inliers, separation=7, size_ratio=4, scale_ratio=3, random_state=4
    )
    sizes = np.bincount(sample.labels + 1)
    assert sizes[0] == 4000
    assert sizes.sum() == 40_000
    assert sizes[1:].max() / sizes[1:].min() == pytest.approx(4 if k > 1 else 1, rel=0.01)
    if k > 1:
        assert pdist(sample.centers).min() == pytest.approx(7, rel=1e-12)
        assert sample.scales.max() / sample.scales.min() == pytest.approx(3, rel=1e-12)
    if 1 < k <= d:
        np.testing.assert_allclose(pdist(sample.centers), 7, rtol=1e-12)
    for label in range(k):
        points = sample.samples[sample.labels == label]
        unit = (points - sample.centers[label]) / sample.scales[label]
        largest = unit.std(axis=0).max()
        assert largest < 1.3
        assert inliers == "gaussian_decaying" or largest > 0.9
        assert np.abs(unit.mean(axis=0)).max() < 5 / np.sqrt(len(points))


@pytest.mark.parametrize("outliers", CLUSTER_OUTLIERS)
def test_outliers_of_clusters(outliers):
    sample = contaminated_clusters(2000, 5, 3, 0.2, outliers=outliers, separation=20, random_state=5)
    points, inner = sample.samples[sample.labels == -1], sample.samples[sample.labels >= 0]
    assert len(points) == 400
    nearest = cdist(points, sample.centers).min(axis=1)
    spread = np.linalg.norm(points - points.mean(axis=0), axis=1).max()
    length = 10 * np.linalg.norm(sample.centers - sample.centers.mean(axis=0), axis=1).max()
    if outliers == "uniform":
        width = np.ptp(inner, axis=0)
        assert np.all(np.abs(points - (inner.max(axis=0) + inner.min(axis=0)) / 2) <= width)
        np.testing.assert_allclose(np.ptp(points, axis=0), 2 * width, rtol=0.03)
    elif outliers == "bridge":
        assert nearest.max() < 10.5
        assert np.median(nearest) > 3
    else:
        np.testing.assert_allclose(np.linalg.norm(points - sample.centers.mean(axis=0), axis=1), length, rtol=0.01)
        assert (spread < 1) == (outliers == "cluster")


def test_same_seed_same_clusters_in_random_order():
    first, second = (contaminated_clusters(60, 2, 3, 0.1, random_state=6) for _ in range(2))
    np.testing.assert_array_equal(first.samples, second.samples)
    assert np.any(np.diff(first.labels) < 0)


def test_every_cluster_has_a_point():
    sample = contaminated_clusters(6, 2, 5, size_ratio=1000, random_state=7)
    assert sorted(np.bincount(sample.labels).tolist()) == [1, 1, 1, 1, 2]


@pytest.mark.parametrize(
    ("make", "arguments", "options", "message"),
    [
        (contaminated_regression, (0, 3, 0.1), {}, "n must be a whole number"),
        (contaminated_regression, (9, 3, 0.6), {}, "contamination must be"),
        (contaminated_regression, (9, 3, 0.1), {"adversary": "far"}, "adversary must be one of"),
        (contaminated_regression, (9, 3, 0.1), {"design": "far"}, "design must be one of"),
        (contaminated_regression, (9, 3, 0.1), {"noise": "far"}, "noise must be one of"),
        (contaminated_regression, (9, 3, 0.1), {"noise_deviation": -1}, "noise_deviation must be"),
        (contaminated_clusters, (9, 3, 0), {}, "n_clusters must be a whole number"),
        (contaminated_clusters, (9, 3, 2, 0.5), {}, "contamination must be"),
        (contaminated_clusters, (9, 3, 9, 0.2), {}, "n must leave a sample"),
        (contaminated_clusters, (9, 3, 1, 0.2), {"outliers": "bridge"}, "n_clusters of at least 2"),
        (contaminated_clusters, (9, 3, 2), {"outliers": "near"}, "outliers must be one of"),
        (contaminated_clusters, (9, 3, 2), {"size_ratio": 0.5}, "size_ratio must be at least 1"),
        (contaminated_clusters, (9, 3, 2), {"scale_ratio": 0.5}, "scale_ratio must be at least 1"),
        (contaminated_clusters, (9, 3, 2), {"separation": np.inf}, "separation must be"),
        (contaminated_clusters, (9, 3, 2), {"inliers": "x"}, "inliers must be one of"),
    ],
)
def test_bad_arguments(make, arguments, options, message):
    with pytest.raises(InvalidInputError, match=message):
        make(*arguments, **options)
