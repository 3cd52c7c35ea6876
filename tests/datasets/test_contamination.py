"""Contaminated samples: what is replaced is what the fields say, and each adversary does what it is named for."""

import numpy as np
import pytest

from hypernorm.datasets import ADVERSARIES, INLIERS, contaminated
from hypernorm.exceptions import InvalidInputError

OBLIVIOUS = [name for name in ADVERSARIES if name != "adaptive"]


def mean(X, contamination):
    return X.mean(axis=0)


def draw(adversary, inliers="gaussian", n=400, d=6, contamination=0.1, **options):
    if adversary == "adaptive":
        options.setdefault("estimator", mean)
    options.setdefault("random_state", 0)
    return contaminated(n, d, contamination, inliers=inliers, adversary=adversary, **options)


@pytest.mark.parametrize("inliers", INLIERS)
@pytest.mark.parametrize("adversary", ADVERSARIES)
def test_fields_agree_with_the_samples(inliers, adversary):
    result = draw(adversary, inliers, n=157, contamination=0.13)
    assert result.samples.shape == (157, 6)
    assert np.sum(~result.is_inlier) == (0 if adversary == "none" else 20)  # ⌊20.41⌋
    np.testing.assert_allclose(result.inlier_mean, result.samples[result.is_inlier].mean(axis=0), atol=1e-12)
    clean = contaminated(157, 6, 0, inliers=inliers, adversary="none", random_state=0)
    np.testing.assert_array_equal(result.samples[result.is_inlier], clean.samples[result.is_inlier])
    np.testing.assert_array_equal(result.clean_mean, clean.inlier_mean)
    assert not np.any(np.all(result.samples[~result.is_inlier] == clean.samples[~result.is_inlier], axis=1))
    np.testing.assert_array_equal(draw(adversary, inliers, n=157, contamination=0.13).samples, result.samples)


@pytest.mark.parametrize("inliers", INLIERS)
def test_inliers_have_the_mean_and_covariance_that_are_told(inliers):
    n = 400_000
    result = draw("none", inliers, n=n, d=3)
    X = result.samples - result.center
    products = X[:, :, None] * X[:, None, :]
    margin = 5 * products.std(axis=0) / np.sqrt(n)
    absolute = {"t3": 2 / np.pi, "heavy_products": 4 / np.pi**2}.get(inliers)
    if absolute is not None:  # the fourth moment is infinite, so variances vary widely; first moments do not
        margin = 0.25
        np.testing.assert_allclose(np.abs(X).mean(axis=0), absolute, rtol=0.01)
    assert np.all(np.abs(products.mean(axis=0) - result.covariance) < margin)
    assert np.all(np.abs(X.mean(axis=0)) < 5 * X.std(axis=0) / np.sqrt(n))
    values = np.linalg.eigvalsh(result.covariance)
    expected = {"gaussian_decaying": [0.01, 0.3025, 1], "mixture": [1, 1, 4]}.get(inliers, [1, 1, 1])
    np.testing.assert_allclose(values, expected, rtol=1e-9)


def test_heavy_tails_are_ordered():
    def kurtosis(name):
        X = draw("none", name, n=50_000, d=2).samples - 1
        return np.mean(X**4) / np.mean(X**2) ** 2

    assert abs(kurtosis("gaussian") - 3) < 0.1
    assert abs(kurtosis("laplace") - 6) < 0.6
    assert min(kurtosis("t3"), kurtosis("heavy_products")) > 20 > kurtosis("t5") > 6


def outliers(result):
    return result.samples[~result.is_inlier] - result.center


@pytest.mark.parametrize(("adversary", "factor"), [("cluster", 1), ("far", 10)])
@pytest.mark.parametrize("inliers", ["gaussian", "gaussian_decaying"])
def test_one_cluster_stands_at_its_distance(adversary, factor, inliers):
    result = draw(adversary, inliers, n=4000, d=30)
    radius = factor * np.sqrt(np.trace(result.covariance))
    center = outliers(result).mean(axis=0)
    assert np.linalg.norm(center) == pytest.approx(radius, rel=0.03)
    np.testing.assert_allclose(np.cov(outliers(result).T), 0.01 * result.covariance, atol=0.003)
    nearer = outliers(draw(adversary, inliers, n=4000, d=30, distance=factor / 2)).mean(axis=0)
    assert np.linalg.norm(nearer) == pytest.approx(radius / 2, rel=0.03)


def test_two_clusters_stand_at_75_degrees():
    points = outliers(draw("two_clusters", n=2000, d=50))
    near = points @ points[0] > 0.6 * np.linalg.norm(points[0]) ** 2
    a, b = points[near].mean(axis=0), points[~near].mean(axis=0)
    cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    assert np.sum(near) == 100
    assert np.degrees(np.arccos(cosine)) == pytest.approx(75, abs=1)
    assert np.linalg.norm(a) == pytest.approx(np.sqrt(50), rel=0.02)


@pytest.mark.parametrize("inliers", ["gaussian", "gaussian_decaying"])
def test_shell_has_the_length_of_inliers_and_one_side(inliers):
    result = draw("shell", inliers, n=4000, d=10, contamination=0.4)
    points = outliers(result)
    lengths = np.einsum("ij,jk,ik->i", points, np.linalg.inv(result.covariance), points)
    np.testing.assert_allclose(lengths, 10, rtol=1e-9)
    direction = np.linalg.solve(result.covariance, points.mean(axis=0))
    assert np.mean(points @ direction > 0) > 0.97


def test_subtraction_takes_the_extremes_of_one_direction_and_refills_the_other_side():
    result = draw("subtractive", n=3000, contamination=0.1)
    shift = result.inlier_mean - result.clean_mean
    u = -shift / np.linalg.norm(shift)
    kept, refill = (result.samples[mask] @ u - result.center @ u for mask in (result.is_inlier, ~result.is_inlier))
    # Without its upper tenth a normal variable has the mean −φ(1.2816)/0.9 = −0.195.
    assert kept.mean() == pytest.approx(-0.195, abs=0.05)
    assert kept.max() < 1.6
    assert np.mean(refill < 0.1) > 0.95


def test_dkk_mixture_has_its_two_halves():
    points = outliers(draw("dkk", n=401, d=7, contamination=0.25)) + 1
    far = points[:, 0] == 12
    assert far.sum() == len(points) // 2
    np.testing.assert_array_equal(points[far], np.tile([12.0, -2, 0, 0, 0, 0, 0], (50, 1)))
    assert set(points[~far].ravel()) == {0.0, 1.0}


def test_hidden_cluster_lies_along_the_least_variance_and_looks_clean_otherwise():
    result = draw("hidden", "gaussian_decaying", n=20_000, d=8)
    values, vectors = np.linalg.eigh(result.covariance)
    v = vectors[:, 0]
    along = outliers(result) @ v / np.sqrt(values[0])
    assert abs(abs(along.mean()) - 5) < 0.05
    assert along.std() < 0.15
    across = vectors[:, 1:].T @ np.cov(outliers(result).T) @ vectors[:, 1:]
    np.testing.assert_allclose(across, np.diag(values[1:]), atol=0.1)
    # No direction of the whole sample has a variance beyond the inliers' largest.
    assert np.linalg.eigvalsh(np.cov(result.samples.T))[-1] < 1.05


def test_adaptive_cluster_depends_on_the_estimator():
    def median(X, contamination):
        return np.median(X, axis=0)

    against_mean, against_median = (draw("adaptive", estimator=estimator) for estimator in (mean, median))
    distances = [np.linalg.norm(outliers(result).mean(axis=0)) for result in (against_mean, against_median)]
    assert distances[0] == pytest.approx(3 * np.sqrt(6), rel=0.05)  # the furthest candidate, against the mean
    for estimator, result, other in ((mean, against_mean, against_median), (median, against_median, against_mean)):
        assert np.linalg.norm(estimator(result.samples, 0.1) - result.center) >= np.linalg.norm(
            estimator(other.samples, 0.1) - other.center
        )


@pytest.mark.parametrize("adversary", OBLIVIOUS)
def test_one_point_and_no_outliers(adversary):
    result = contaminated(1, 2, 0.49, adversary=adversary, random_state=0)
    assert result.samples.shape == (1, 2)
    assert result.is_inlier.all()


def test_share_is_a_share_of_whole_points():
    for n in range(1, 200):
        result = contaminated(n, 1, 0.29, adversary="far", random_state=0)
        assert np.sum(~result.is_inlier) == 29 * n // 100


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((0, 3, 0.1), {}, "n must be a whole number"),
        ((10, 3.0, 0.1), {}, "d must be a whole number"),
        ((10, 3, 0.5), {}, r"contamination must be a number in \[0, 0.5\)"),
        ((10, 3, -0.1), {}, "contamination must be"),
        ((10, 3, np.nan), {}, "contamination must be"),
        ((10, 3, 0.1), {"inliers": "cauchy"}, "inliers must be one of 'gaussian'"),
        ((10, 3, 0.1), {"adversary": "devil"}, "adversary must be one of 'none'"),
        ((10, 1, 0.1), {"adversary": "two_clusters"}, "d of at least 2"),
        ((10, 3, 0.1), {"adversary": "dkk", "distance": 2}, "distance has no meaning"),
        ((10, 3, 0.1), {"distance": -1}, "distance must be a finite number"),
        ((10, 3, 0.1), {"adversary": "adaptive"}, "give an estimator"),
        ((10, 3, 0.1), {"estimator": mean}, "give an estimator"),
    ],
)
def test_bad_arguments(arguments, options, message):
    with pytest.raises(InvalidInputError, match=message):
        contaminated(*arguments, **options)
