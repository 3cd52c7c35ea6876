"""MomentClustering on samples of every kind: few, repeated, in extreme units, sparse, or unusable."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from hypernorm.datasets import contaminated_clusters
from hypernorm.exceptions import InvalidInputError
from hypernorm.robust import MomentClustering
from tests.robust.partitions import agree, fit


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
