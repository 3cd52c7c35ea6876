"""MomentClustering: exact labels where clusters are far apart, certified moments, and every kind of odd input."""

import dataclasses
import itertools
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from hypernorm.certificates import weighted_rows
from hypernorm.datasets import contaminated_clusters
from hypernorm.exceptions import CertificateError, ConvergenceWarning, InvalidInputError
from hypernorm.robust import MomentClustering
from hypernorm.robust.certification import certify_moment
from hypernorm.robust.clusters.assignment import (
    assign,
    crossing_bounds,
    measure_groups,
    moment_thresholds,
    projection_moments,
)
from hypernorm.robust.clusters.coordinates import Frame


@parametrize_with_checks(
    [
        MomentClustering(2, n_init=1, random_state=0),
        MomentClustering(2, contamination=0.2, moment=2, n_init=1, random_state=0),
    ]
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_conventions_of_scikit_learn(estimator, check):
    check(estimator)


def agree(labels, truth):
    """Whether two partitions are the same, outliers included."""
    return adjusted_rand_score(labels, truth) == 1 and ((labels == -1) == (truth == -1)).all()


def fit(X, k, contamination=0.0, n_init=2, **options):
    return MomentClustering(k, contamination=contamination, n_init=n_init, random_state=0, **options).fit(X)


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


@pytest.mark.parametrize("moment", [2, 3, 4, 6])
def test_certified_moments(moment):
    """Against the moments of many directions, and in closed form for q = 2."""
    sample = contaminated_clusters(300, 3, 2, 0.1, separation=15, outliers="far", random_state=9)
    model = fit(sample.samples, 2, 0.1, moment=moment)
    directions = np.random.default_rng(10).standard_normal((3, 2000))
    directions /= np.linalg.norm(directions, axis=0)
    for cluster, certificate in enumerate(model.certificates_):
        members = model.labels_ == cluster
        fractions = model.weights_[members] / model.weights_[members].sum()
        center = fractions @ sample.samples[members]
        np.testing.assert_allclose(model.cluster_centers_[cluster], center, atol=1e-12)
        differences = sample.samples[members] - center
        upper = certificate.verify(sample.samples).upper
        attained = ((fractions @ np.abs(differences @ directions) ** moment) ** (1 / moment)).max()
        assert attained <= upper <= 1.2 * attained
        if moment == 2:
            assert upper == pytest.approx(np.linalg.norm(np.sqrt(fractions)[:, None] * differences, 2), rel=1e-9)
    distances = np.linalg.norm(sample.samples - model.cluster_centers_[model.labels_], axis=1)
    assert model.inertia_ == pytest.approx(np.sum(model.weights_ * distances**2), rel=1e-9)


def test_certificate_of_other_samples_is_refused():
    sample = contaminated_clusters(100, 3, 2, separation=15, random_state=11)
    first, second = fit(sample.samples, 2).certificates_
    for other in (1.01 * sample.samples, sample.samples[:50]):
        with pytest.raises(CertificateError, match="another matrix"):
            first.verify(other)
    with pytest.raises(CertificateError):
        dataclasses.replace(first, norm=second.norm).verify(sample.samples)
    with pytest.raises(CertificateError):
        dataclasses.replace(first, weights=second.weights).verify(sample.samples)


@pytest.mark.parametrize("scale", [1.0, 2.0**-600, 2.0**-1060])
def test_rounding_of_the_center_is_part_of_the_proof(scale):
    """Far from the origin centers are rounded, near the end of the range rows vanish; the exact moment is below."""
    rng = np.random.default_rng(20)
    X = (np.repeat([[1e6], [3e6]], 40, axis=0) + rng.standard_normal((80, 1))) * scale
    for certificate in fit(X, 2, moment=2).certificates_:
        weights, center = [Fraction(w) for w in certificate.weights.tolist()], Fraction(certificate.center[0])
        squares = sum(w * (Fraction(x) - center) ** 2 for w, x in zip(weights, X[:, 0].tolist(), strict=True))
        assert Fraction(certificate.verify(X).upper) ** 2 >= squares / sum(weights)


@pytest.mark.parametrize("inliers", ["gaussian", "t3"])
@pytest.mark.parametrize("separation", [2, 6, 12])
def test_mass_that_a_true_cluster_shares_with_two_is_bounded(separation, inliers):
    """The theorems of docs/theory/robust.md, for a partition far from the truth as well as for a good one."""
    sample = contaminated_clusters(400, 4, 4, 0.1, separation=separation, inliers=inliers, random_state=12)
    model, q = fit(sample.samples, 4, 0.1), 4.0
    weights = np.array([np.where(model.labels_ == a, model.weights_, 0.0) for a in range(4)])
    reach = np.array([c.upper for c in model.certificates_]) * weights.sum(axis=1) ** (1 / q)
    members = [sample.samples[sample.labels == cluster] for cluster in range(4)]
    means = np.array([rows.mean(axis=0) for rows in members])
    own = np.array(
        [
            certify_moment(weighted_rows(rows, np.full(len(rows), 1 / len(rows)), mean, q), q).upper
            for rows, mean in zip(members, means, strict=True)
        ]
    ) * np.array([len(rows) for rows in members]) ** (1 / q)
    masses = np.array([[weights[a, sample.labels == s].sum() for s in range(4)] for a in range(4)])
    power = 2 ** (1 - 1 / q)
    for a, b in itertools.combinations(range(4), 2):
        apart = np.linalg.norm(model.cluster_centers_[a] - model.cluster_centers_[b])
        between = np.linalg.norm(means[a] - means[b])
        for other in range(4):
            assert min(masses[a, other], masses[b, other]) <= ((reach[a] + reach[b] + power * own[other]) / apart) ** q
            assert min(masses[other, a], masses[other, b]) <= ((own[a] + own[b] + power * reach[other]) / between) ** q


def test_one_cluster():
    rng = np.random.default_rng(13)
    X = rng.standard_normal((200, 3))
    X[:20] += 30
    model = fit(X, 1, 0.1)
    np.testing.assert_array_equal(model.labels_, np.where(np.arange(200) < 20, -1, 0))
    assert np.linalg.norm(model.cluster_centers_[0]) < 0.3
    single = fit(X[:1], 1)
    np.testing.assert_array_equal(single.cluster_centers_, X[:1])
    assert single.certificates_[0].upper == 0


def test_two_samples():
    X = np.array([[0.0, 1.0], [3.0, 4.0]])
    model = fit(X, 2)
    assert sorted(model.labels_) == [0, 1]
    np.testing.assert_array_equal(model.cluster_centers_[model.labels_], X)
    assert model.inertia_ == 0
    np.testing.assert_array_equal(fit(X, 1).labels_, [0, 0])


@pytest.mark.parametrize("d", [200, 700])
def test_fewer_samples_than_columns(d):
    rng = np.random.default_rng(14)
    X = rng.standard_normal((40, d))
    X[:20] += 1.5
    assert agree(fit(X, 2).labels_, np.repeat([0, 1], 20))


def test_repeated_rows():
    X = np.repeat([[0.0, 0.0], [1.0, 0.0], [0.0, 5.0]], [10, 20, 5], axis=0)
    model = fit(X, 3)
    assert agree(model.labels_, np.repeat([0, 1, 2], [10, 20, 5]))
    np.testing.assert_array_equal(model.cluster_centers_[model.labels_], X)
    assert all(certificate.upper == 0 for certificate in model.certificates_)
    with pytest.raises(InvalidInputError, match="3 distinct rows"):
        fit(X, 4)
    with pytest.raises(InvalidInputError, match="1 distinct rows"):
        fit(np.array([[0.0, 1.0], [-0.0, 1.0]]), 2)


def test_many_copies_of_one_row():
    rng = np.random.default_rng(15)
    X = np.vstack([np.zeros((100, 3)), 9 + rng.standard_normal((60, 3))])
    assert agree(fit(X, 2).labels_, np.repeat([0, 1], [100, 60]))


def test_constant_columns_and_large_offsets():
    sample = contaminated_clusters(120, 3, 2, separation=20, random_state=16)
    X = np.column_stack([sample.samples, np.full(120, 1e9), np.zeros(120)])
    model = fit(X, 2)
    assert agree(model.labels_, sample.labels)
    np.testing.assert_allclose(model.cluster_centers_[:, 3], 1e9)


@pytest.mark.parametrize("scale", [1e-150, 1e150, 1e300])
def test_extreme_units(scale):
    sample = contaminated_clusters(120, 3, 2, separation=20, random_state=17)
    model = fit(scale * sample.samples, 2)
    assert agree(model.labels_, sample.labels)
    ratio = model.certificates_[0].upper / scale
    assert ratio == pytest.approx(fit(sample.samples, 2).certificates_[0].upper, rel=1e-3)


def test_outliers_beyond_all_bounds():
    sample = contaminated_clusters(120, 3, 2, separation=20, random_state=18)
    far = 1e200 * np.random.default_rng(19).standard_normal((6, 3))
    model = fit(np.vstack([sample.samples, far]), 2, 0.05)
    assert agree(model.labels_, np.append(sample.labels, np.full(6, -1)))


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


def test_kinds_of_input():
    sample = contaminated_clusters(100, 3, 2, separation=20, random_state=21)
    integers = np.round(10 * sample.samples).astype(int)
    expected = fit(integers.astype(float), 2)
    frame = pd.DataFrame(integers, columns=["a", "b", "c"])
    for X in (integers, frame, integers.astype(np.float32), sp.csr_array(integers), sp.coo_matrix(integers)):
        model = fit(X, 2)
        np.testing.assert_array_equal(model.labels_, expected.labels_)
        np.testing.assert_array_equal(model.cluster_centers_, expected.cluster_centers_)
        np.testing.assert_array_equal(model.predict(X), model.labels_)
        model.certificates_[1].verify(X)
    assert list(fit(frame, 2).feature_names_in_) == ["a", "b", "c"]


def test_large_samples_are_searched_in_part():
    sample = contaminated_clusters(6000, 3, 4, 0.05, separation=20, outliers="far", random_state=22)
    model = fit(sample.samples, 4, 0.05)
    assert agree(model.labels_, sample.labels)


def test_same_seed_same_result():
    sample = contaminated_clusters(300, 4, 5, separation=3, random_state=23)
    first, second = (fit(sample.samples, 5) for _ in range(2))
    np.testing.assert_array_equal(first.labels_, second.labels_)
    np.testing.assert_array_equal(first.cluster_centers_, second.cluster_centers_)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_clusters": 61}, "n_clusters=61 is more than n_samples=60"),
        ({"n_clusters": 0}, "n_clusters"),
        ({"n_clusters": 2.5}, "n_clusters"),
        ({"contamination": 0.5}, r"contamination must be a number in \[0, 0.5\)"),
        ({"contamination": -0.1}, "contamination"),
        ({"contamination": "auto"}, "contamination"),
        ({"moment": 1.5}, "moment"),
        ({"moment": np.inf}, "moment must be finite"),
        ({"n_init": 0}, "n_init"),
        ({"max_iter": 0}, "max_iter"),
        ({"tol": -1.0}, "tol"),
    ],
)
def test_bad_arguments(options, message):
    X = np.random.default_rng(24).standard_normal((60, 3))
    with pytest.raises(InvalidInputError, match=message):
        MomentClustering(**{"n_clusters": 2, **options}).fit(X)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_entries_that_are_no_numbers(bad):
    X = np.ones((10, 2))
    X[3, 1] = bad
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        fit(X, 2)


def test_limit_on_iterations_is_told():
    sample = contaminated_clusters(2500, 4, 5, separation=2, random_state=25)
    with pytest.warns(ConvergenceWarning, match="max_iter=1 "):
        model = fit(sample.samples, 5, max_iter=1)
    assert not model.converged_
    assert model.n_iter_ == 1


def test_nearest_center_is_the_rule_for_equal_thresholds():
    rng = np.random.default_rng(26)
    Y, centers = rng.standard_normal((200, 3)), rng.standard_normal((6, 3))
    nearest = np.linalg.norm(Y[:, None] - centers, axis=2).argmin(axis=1)
    np.testing.assert_array_equal(assign(Y, centers, np.full((6, 6), 0.5)), nearest)


def test_thresholds_minimise_the_bound_of_markov():
    sizes, scales, q, distance = np.array([300, 100]), np.array([1.0, 2.5]), 4.0, 7.0
    fractions = np.linspace(0.01, 0.99, 9999)
    bounds = 300 * (1.0 / (fractions * distance)) ** q + 100 * (2.5 / ((1 - fractions) * distance)) ** q
    best = moment_thresholds(sizes, scales, q)[0, 1]
    assert best == pytest.approx(fractions[bounds.argmin()], abs=2e-4)
    least = crossing_bounds(sizes, np.array([[0, 1.0], [2.5, 0]]), np.array([[0.0], [distance]]), q)[0, 1]
    assert least == pytest.approx(bounds.min() / (2 * np.sqrt(300 * 100)), rel=1e-6)


def test_moments_of_projections_and_scales():
    rng = np.random.default_rng(27)
    rows = rng.uniform(-1, 1, (50, 2))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)  # none is clipped
    found = projection_moments(rows, np.zeros(2), np.array([[3.0, 0.0], [0.0, 0.0]]), 4.0)
    assert found == pytest.approx([np.mean(rows[:, 0] ** 4) ** 0.25, 0])
    groups = measure_groups(rows, np.zeros(50, dtype=int), np.zeros((1, 2)))
    np.testing.assert_allclose(groups.centers[0], rows.mean(axis=0), atol=1e-12)


def test_frame_is_undone():
    X = 1e5 + 1e3 * np.random.default_rng(28).standard_normal((40, 3))
    frame = Frame.measure(X, np.random.default_rng(0))
    np.testing.assert_allclose(frame.unscaled(frame.scaled(X)), X, rtol=1e-12)
    assert 0.1 < np.median(np.abs(frame.scaled(X)).max(axis=1)) <= 1


def test_groups_that_cannot_be_told_apart_are_an_error():
    X = np.zeros((30, 1))
    X[:3, 0] = 1e12, 1, 3
    with pytest.raises(InvalidInputError, match="X does not have n_clusters=4 groups"):
        MomentClustering(4, contamination=0.2, random_state=0).fit(X)


def test_equal_rows_share_their_label_and_that_of_predict():
    X = np.repeat([0.0, 1.0, 2.0], [9, 9, 1])[:, None] @ np.ones((1, 2))
    model = MomentClustering(1, contamination=0.45, random_state=np.random.default_rng(0)).fit(X)
    np.testing.assert_array_equal(model.labels_, model.predict(X))
    assert all(len(set(model.labels_[X[:, 0] == value])) == 1 for value in (0, 1, 2))


def test_prediction_does_not_ask_for_parameters_again():
    sample = contaminated_clusters(300, 3, 2, 0.1, separation=10, outliers="far", random_state=0)
    model = MomentClustering(2, contamination=0.1, random_state=0).fit(sample.samples)
    before = model.predict(sample.samples)
    np.testing.assert_array_equal(model.set_params(contamination=0).predict(sample.samples), before)
    assert (before == -1).any()
