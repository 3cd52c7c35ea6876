"""MomentClustering: exact labels where clusters are far apart, outliers, equivariance, and predictions."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from hypernorm.datasets import contaminated_clusters
from hypernorm.exceptions import ConvergenceWarning, InvalidInputError
from hypernorm.robust import MomentClustering
from hypernorm.robust.clusters.apart import groups_apart
from tests.robust.partitions import agree, fit


@parametrize_with_checks(
    [
        MomentClustering(2, n_init=1, random_state=0),
        MomentClustering(2, contamination=0.2, moment=2, n_init=1, random_state=0),
    ],
    expected_failed_checks=lambda _: dict.fromkeys(
        [f"check_sample_weight_equivalence_on_{kind}_data" for kind in ("dense", "sparse")],
        "another number of rows leads to other starts, as in KMeans",
    ),
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_conventions_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize("k", [2, 9])
@pytest.mark.parametrize(("size_ratio", "scale_ratio"), [(1, 1), (8, 1), (8, 5)])
def test_exact_labels_of_clusters_far_apart(k, size_ratio, scale_ratio):
    sample = contaminated_clusters(
        50 * k, 6, k, separation=40, size_ratio=size_ratio, scale_ratio=scale_ratio, random_state=k
    )
    model = fit(sample.samples, k)
    assert agree(model.labels_, sample.labels)
    for cluster in range(k):
        mean = sample.samples[model.labels_ == cluster].mean(axis=0)
        spread = sample.scales[sample.labels[model.labels_ == cluster][0]]
        assert np.linalg.norm(model.cluster_centers_[cluster] - mean) < spread


@pytest.mark.parametrize("inliers", ["gaussian", "t3"])
@pytest.mark.parametrize("outliers", ["far", "cluster"])
@pytest.mark.parametrize("contamination", [0.05, 0.2])
def test_outliers_are_found(inliers, outliers, contamination):
    sample = contaminated_clusters(
        450, 5, 3, contamination, separation=25, inliers=inliers, outliers=outliers, random_state=4
    )
    model = fit(sample.samples, 3, contamination)
    assert (model.labels_[sample.labels == -1] == -1).all()
    assert (model.labels_[sample.labels >= 0] >= 0).mean() > 0.99
    kept = model.labels_ >= 0
    assert adjusted_rand_score(model.labels_[kept], sample.labels[kept]) == 1
    assert (model.weights_[~kept] == 0).all()
    assert model.weights_.min() >= 0
    assert model.weights_.max() <= 1


def test_clusters_with_many_isolated_rows_are_not_taken_for_outliers():
    """Of heavy-tailed clusters with 267 rows fewer are in dense places than of a tight group of 200 outliers."""
    sample = contaminated_clusters(1000, 10, 3, 0.2, separation=8, inliers="t3", outliers="cluster", random_state=1)
    model = fit(sample.samples, 3, 0.2)
    assert (model.labels_[sample.labels == -1] == -1).all()
    inner = sample.labels >= 0
    assert adjusted_rand_score(model.labels_[inner], sample.labels[inner]) > 0.97


def test_scattered_outliers_need_not_form_groups_apart_from_each_other():
    sample = contaminated_clusters(
        1000, 10, 4, 0.1, separation=3, inliers="gaussian_decaying", outliers="far", random_state=0
    )
    model = fit(sample.samples, 4, 0.1)
    assert adjusted_rand_score(model.labels_, sample.labels) > 0.99


def test_samples_between_clusters_do_not_take_parts_of_them_away():
    sample = contaminated_clusters(1000, 10, 3, 0.2, separation=8, outliers="bridge", random_state=100)
    inner = sample.labels >= 0
    assert adjusted_rand_score(fit(sample.samples, 3, 0.2).labels_[inner], sample.labels[inner]) > 0.97


def test_contamination_is_not_used_up_on_clean_samples():
    sample = contaminated_clusters(900, 8, 3, separation=10, random_state=5)
    model = fit(sample.samples, 3, 0.2)
    assert (model.labels_ == -1).mean() < 0.01
    inner = model.labels_ >= 0
    assert adjusted_rand_score(model.labels_[inner], sample.labels[inner]) == 1


def test_wide_and_large_clusters_get_more_room():
    """A narrow cluster beside a wide one: what is nearer to the narrow one's center may be the wide one's."""
    rng = np.random.default_rng(6)
    X = np.vstack([0.2 * rng.standard_normal((300, 3)), [5, 0, 0] + 1.5 * rng.standard_normal((300, 3))])
    truth = np.repeat([0, 1], 300)
    model = fit(X, 2)
    assert model.assignment_ == "moment"
    assert adjusted_rand_score(model.labels_, truth) > 0.98
    nearest = np.argmin([np.linalg.norm(X - center, axis=1) for center in ([0, 0, 0], [5, 0, 0])], axis=0)
    assert adjusted_rand_score(nearest, truth) < 0.92


def test_noise_of_very_different_size_in_unknown_directions():
    sample = contaminated_clusters(1000, 10, 4, separation=2, inliers="gaussian_decaying", random_state=0)
    nearest = np.argmin([np.linalg.norm(sample.samples - center, axis=1) for center in sample.centers], axis=0)
    assert (nearest == sample.labels).mean() < 0.92
    assert adjusted_rand_score(fit(sample.samples, 4).labels_, sample.labels) > 0.93


@pytest.mark.parametrize("contamination", [0.0, 0.1])
def test_equivariance(contamination):
    """Order, origin, unit and axes do not matter; nor does a modest linear map where clusters are far apart."""
    sample = contaminated_clusters(300, 4, 3, contamination, separation=20, outliers="far", random_state=7)
    rng = np.random.default_rng(8)
    order, rotation = rng.permutation(300), np.linalg.qr(rng.standard_normal((4, 4)))[0]
    model = fit(sample.samples, 3, contamination)
    assert agree(model.labels_, sample.labels)
    for rows, truth in (
        (sample.samples[order], sample.labels[order]),
        (2.0**-30 * sample.samples + 7, sample.labels),
        (sample.samples @ rotation, sample.labels),
        (sample.samples * [3, 1, 0.3, 1], sample.labels),
        (sample.samples @ rng.standard_normal((4, 4)), sample.labels),
    ):
        assert agree(fit(rows, 3, contamination).labels_, truth)
    # A power of two changes nothing but the exponents.
    scaled = fit(2.0**40 * sample.samples, 3, contamination)
    np.testing.assert_array_equal(scaled.labels_, model.labels_)
    np.testing.assert_array_equal(scaled.cluster_centers_, 2.0**40 * model.cluster_centers_)
    assert scaled.inertia_ == pytest.approx(2.0**80 * model.inertia_, rel=1e-12)


@pytest.mark.parametrize("contamination", [0.0, 0.1])
def test_predict(contamination):
    sample = contaminated_clusters(600, 4, 3, contamination, separation=20, outliers="far", random_state=20)
    X, truth = sample.samples[:300], sample.labels[:300]
    model = fit(X, 3, contamination)
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    predicted = model.predict(sample.samples[300:])
    assert adjusted_rand_score(predicted, sample.labels[300:]) > 0.97
    assert adjusted_rand_score(model.labels_, truth) > 0.97
    far = np.full((1, 4), 1e6)
    assert (model.predict(far)[0] == -1) == (contamination > 0)
    with pytest.raises(ValueError, match="features"):
        model.predict(X[:, :2])


def test_large_samples_are_searched_in_part():
    sample = contaminated_clusters(6000, 3, 4, 0.05, separation=20, outliers="far", random_state=22)
    model = fit(sample.samples, 4, 0.05)
    assert agree(model.labels_, sample.labels)


@pytest.mark.parametrize(("n", "few", "d"), [(303, 3, 10), (1010, 10, 10), (303, 3, 2), (600, 10, 40)])
def test_few_rows_apart_from_all_others(n, few, d):
    """Where most starts of k-means halve the large cluster."""
    X = np.random.default_rng(100).standard_normal((n, d))
    X[:few, 0] += 10
    model = fit(X, 2)
    assert agree(model.labels_, (np.arange(n) < few).astype(int))
    assert model.assignment_ == "moment"


def test_several_small_clusters_beside_clusters_of_usual_size():
    X = np.random.default_rng(102).standard_normal((820, 5))
    truth = np.repeat([0, 1, 2, 3], [400, 400, 15, 5])
    X += 12 * np.eye(4, 5)[truth]
    assert agree(fit(X, 4).labels_, truth)
    # As outliers they may be left out, and then there are two clusters.
    assert agree(fit(X, 2, 0.03).labels_, np.where(truth > 1, -1, truth))


@pytest.mark.parametrize("inliers", ["gaussian", "t3"])
def test_far_rows_do_not_pass_for_clusters(inliers):
    """Two clusters stay whole although a few rows of heavy tails are far from all others."""
    sample = contaminated_clusters(600, 3, 2, separation=12, inliers=inliers, random_state=103)
    assert adjusted_rand_score(fit(sample.samples, 2).labels_, sample.labels) > 0.97


@pytest.mark.parametrize("law", ["normal", "t3"])
@pytest.mark.parametrize("d", [1, 2, 10])
def test_groups_apart(d, law):
    """Rows of one distribution have none; a group of four is one, beside heavy tails only if it is far enough."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((400, d)) if law == "normal" else rng.standard_t(3, (400, d))
        assert groups_apart(X, 1, 40, rng) == []
        X[:4] = 200 + rng.standard_normal((4, d))
        (found,) = groups_apart(X, 1, 40, rng)
        np.testing.assert_array_equal(found, np.arange(4))
        assert groups_apart(X, 1, 2, rng) == groups_apart(X, 0, 40, rng) == []


def test_sample_weight():
    """Only ratios of weights count, a weight of zero removes a row, and a weight of two is about a copy."""
    sample = contaminated_clusters(300, 4, 3, 0.1, separation=15, outliers="far", random_state=104)
    X, kept = sample.samples, np.arange(300) % 3 > 0
    plain, equal = fit(X, 3, 0.1), fit(X, 3, 0.1, sample_weight=np.full(300, 2.0))
    np.testing.assert_array_equal(equal.labels_, plain.labels_)
    np.testing.assert_array_equal(equal.weights_, 2 * plain.weights_)
    assert equal.inertia_ == pytest.approx(2 * plain.inertia_)
    weighted, removed = fit(X, 3, 0.1, sample_weight=kept.astype(float)), fit(X[kept], 3, 0.1)
    np.testing.assert_array_equal(weighted.cluster_centers_, removed.cluster_centers_)
    np.testing.assert_array_equal(weighted.labels_[kept], removed.labels_)
    np.testing.assert_array_equal(weighted.labels_, removed.predict(X))
    assert not weighted.weights_[~kept].any()
    doubled, copied = fit(X, 3, 0.1, sample_weight=1.0 + kept), fit(np.vstack([X, X[kept]]), 3, 0.1)
    assert agree(doubled.labels_, sample.labels)
    order = np.argmin(np.linalg.norm(doubled.cluster_centers_[:, None] - copied.cluster_centers_, axis=2), axis=1)
    np.testing.assert_allclose(doubled.cluster_centers_, copied.cluster_centers_[order], atol=0.05)
    for model in (weighted, doubled):
        for cluster, certificate in enumerate(model.certificates_):
            certificate.verify(X)
            members = model.labels_ == cluster
            mean = np.average(X[members], axis=0, weights=model.weights_[members])
            np.testing.assert_allclose(model.cluster_centers_[cluster], mean, atol=1e-9)


def test_weight_of_the_outliers_counts_not_their_number():
    rng = np.random.default_rng(105)
    X = rng.standard_normal((500, 2))
    X[:100] += 20
    X[200:] = rng.uniform(-300, 300, (300, 2))  # most of the rows
    truth = np.repeat([0, 1, -1], [100, 100, 300])
    weights = np.where(truth < 0, 0.05, 1)
    labels = fit(X, 2, 0.1, sample_weight=weights).labels_
    assert adjusted_rand_score(labels[:200], truth[:200]) == 1
    assert (labels[200:] == -1).mean() > 0.9


def test_score():
    sample = contaminated_clusters(300, 4, 3, 0.1, separation=15, outliers="far", random_state=106)
    X, weights = sample.samples, np.arange(1.0, 301)
    model = fit(X, 3, 0.1)
    labels = model.predict(X)
    squares = np.sum((X - model.cluster_centers_[labels]) ** 2, axis=1) * (labels >= 0)
    assert model.score(X) == pytest.approx(-squares.sum())
    assert model.score(X, sample_weight=weights) == pytest.approx(-weights @ squares)
    clean = X[sample.labels >= 0]
    assert fit(clean, 3).score(clean) == pytest.approx(KMeans(3, random_state=0).fit(clean).score(clean), rel=0.01)
    for bad in (np.ones(3), -np.ones(300)):
        with pytest.raises(InvalidInputError, match="sample_weight"):
            model.score(X, sample_weight=bad)
        with pytest.raises(InvalidInputError, match="sample_weight"):
            model.fit(X, sample_weight=bad)


def test_same_seed_same_result():
    sample = contaminated_clusters(300, 4, 5, separation=3, random_state=23)
    first, second = (fit(sample.samples, 5) for _ in range(2))
    np.testing.assert_array_equal(first.labels_, second.labels_)
    np.testing.assert_array_equal(first.cluster_centers_, second.cluster_centers_)


def test_limit_on_iterations_is_told():
    sample = contaminated_clusters(2500, 4, 5, separation=2, random_state=25)
    with pytest.warns(ConvergenceWarning, match="max_iter=1 "):
        model = fit(sample.samples, 5, max_iter=1)
    assert not model.converged_
    assert model.n_iter_ == 1


def test_prediction_does_not_ask_for_parameters_again():
    sample = contaminated_clusters(300, 3, 2, 0.1, separation=10, outliers="far", random_state=0)
    model = MomentClustering(2, contamination=0.1, random_state=0).fit(sample.samples)
    before = model.predict(sample.samples)
    np.testing.assert_array_equal(model.set_params(contamination=0).predict(sample.samples), before)
    assert (before == -1).any()
