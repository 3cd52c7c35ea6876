"""Rows in chunks: the same bounds as in memory, whatever the chunks."""

import os
import signal
import threading
import time

import dask.array as da
import numpy as np
import pytest
from distributed import Client, LocalCluster

import hypernorm as hn
from hypernorm._validation import check_matrix, check_rows
from hypernorm.bounds.power_kernels import gradients, norm_values
from hypernorm.datasets import contaminated, planted_dictionary
from hypernorm.dictionary import LpDictionaryLearning, recovery_error
from hypernorm.exceptions import CertificateError, HypernormError, InvalidInputError
from hypernorm.forms import FlatteningMap, RealignedMap, Rows, column_means, fingerprint, moment_matrix, second_moments
from hypernorm.robust import RobustMean, certify_mean, robust_mean

CHUNKS = [(700, 5), (137, 5), (256, 2), ((1, 699), 5)]


@pytest.fixture
def matrix():
    X = np.random.default_rng(0).standard_normal((700, 5)) * 1e3
    X[17] = 0
    return X


@pytest.fixture(params=CHUNKS, ids=str)
def chunked(matrix, request):
    return da.from_array(matrix, chunks=request.param)


def test_rows_measure_and_read_the_same(matrix, chunked):
    rows, expected = Rows(check_rows(chunked)), Rows(check_matrix(matrix))
    assert (rows.shape, rows.exponent, rows.inexact) == (expected.shape, expected.exponent, expected.inexact)
    np.testing.assert_array_equal(rows.norms, expected.norms)
    np.testing.assert_array_equal(rows.block(120, 300), expected.block(120, 300))
    chosen = np.array([650, 3, 4, 5, 136, 137])
    np.testing.assert_array_equal(rows.taken(chosen), expected.taken(chosen))
    np.testing.assert_array_equal(expected.taken(chosen), expected.block(0, 700)[chosen])
    assert fingerprint(check_rows(chunked)) == fingerprint(matrix)


@pytest.mark.parametrize("kind", ["plain", "reweighted", "shifted"])
def test_every_pass_adds_up_the_same(matrix, chunked, kind):
    rng = np.random.default_rng(1)
    weights, shift = rng.uniform(0.5, 2, 700), rng.standard_normal(5)
    rows, expected = Rows(check_rows(chunked)), Rows(check_matrix(matrix))
    if kind == "reweighted":
        rows, expected = rows.reweighted(weights), expected.reweighted(weights)
    elif kind == "shifted":
        rows, expected = rows.shifted(shift), expected.shifted(shift)
    V, U = rng.standard_normal((5, 3)), np.eye(5) + 0.1
    passes = [
        lambda rows: rows.images(V[:, 0]),
        lambda rows: column_means(rows, weights),
        lambda rows: second_moments(rows, weights, absolute=True),
        lambda rows: moment_matrix(rows, 2),
        lambda rows: FlatteningMap(rows)(U),
        lambda rows: RealignedMap(rows, 10)(U),
        lambda rows: gradients(rows, V, 3.5),
        lambda rows: gradients(rows, V, 40),
        lambda rows: norm_values(rows, V, 5),
    ]
    for one_pass in passes:
        np.testing.assert_allclose(one_pass(rows), one_pass(expected), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", ["row_norm", "flattening", "realigned", "moment"])
def test_certificates_of_chunks_verify_in_memory_and_in_other_chunks(matrix, chunked, kind):
    certificate = hn.spectral_bound(chunked, 4, kind)
    assert certificate.upper == pytest.approx(hn.spectral_bound(matrix, 4, kind).upper, rel=1e-7)
    assert certificate.verify(matrix).upper == pytest.approx(certificate.upper, rel=1e-12)
    assert certificate.verify(chunked.rechunk((100, 5))).upper == pytest.approx(certificate.upper, rel=1e-12)
    with pytest.raises(CertificateError, match="fingerprint"):
        certificate.verify(chunked + 1)


def test_the_whole_interval_for_several_exponents(matrix):
    chunked = da.from_array(matrix, chunks=(200, 5))
    for q in (3, 4, 6):
        interval, expected = hn.two_to_q_norm(chunked, q, random_state=0), hn.two_to_q_norm(matrix, q, random_state=0)
        assert interval.lower == pytest.approx(expected.lower, rel=1e-9)
        assert interval.upper == pytest.approx(expected.upper, rel=1e-6)
        assert interval.witness.verify(matrix).lower <= interval.certificate.verify(chunked, exact=True).upper


@pytest.mark.parametrize(
    "options", [{}, {"p": 4, "n_components": 1}, {"refine": True}, {"whiten": False, "center": False}]
)
def test_a_dictionary_is_learned_in_chunks(options):
    planted = planted_dictionary(3000, 6, theta=0.2, random_state=0)
    chunked = da.from_array(planted.samples, chunks=(700, 4))
    model = LpDictionaryLearning(random_state=0, **options).fit(chunked)
    expected = LpDictionaryLearning(random_state=0, **options).fit(planted.samples)
    np.testing.assert_allclose(model.components_, expected.components_, atol=1e-6)
    np.testing.assert_allclose(model.mean_, expected.mean_, atol=1e-12)
    assert model.n_features_in_ == 6
    if not options:
        assert recovery_error(model.unmixing_, planted.dictionary) < 5e-3
    whole = chunked.rechunk({1: -1})
    codes = whole.map_blocks(model.transform, dtype=float, chunks=(whole.chunks[0], len(model.components_)))
    np.testing.assert_allclose(codes.compute(), expected.transform(planted.samples), atol=1e-4)


@pytest.mark.parametrize("method", ["moment", "covariance", "quantum_entropy"])
def test_a_robust_mean_of_chunks_and_its_proof(method):
    bed = contaminated(3000, 4, 0.1, adversary="far", random_state=1)
    chunked = da.from_array(bed.samples, chunks=(750, 3))
    model = RobustMean(0.1, method=method, random_state=0).fit(chunked)
    error = np.linalg.norm(model.location_ - bed.inlier_mean)
    assert error < 0.05 * np.linalg.norm(bed.samples.mean(axis=0) - bed.inlier_mean)
    assert error <= model.error_bound_given() < 2.5
    assert error <= model.error_bound_
    assert model.weights_.sum() == pytest.approx(1)
    np.testing.assert_allclose(model.weights_ @ bed.samples, model.location_, atol=1e-12)
    np.testing.assert_allclose(sum(removal.weight for removal in model.removals_), 0.1, atol=0.05)
    # The proof does not know how the samples were stored.
    for samples in (bed.samples, chunked.rechunk((1100, 4))):
        assert model.certificate_.verify(samples).error_bound == pytest.approx(model.error_bound_, rel=1e-9)
    with pytest.raises(CertificateError, match="fingerprint"):
        model.certificate_.verify(chunked + 1)


def test_robust_means_of_chunks_with_weights():
    bed = contaminated(900, 3, 0.1, random_state=1)
    chunked = da.from_array(bed.samples, chunks=(300, 3))
    weights = np.where(np.arange(900) < 300, 0.0, 2.0)
    found = robust_mean(chunked, 0.1, sample_weight=weights, random_state=0)
    assert not found.weights[:300].any()
    assert found.weights.sum() == pytest.approx(1)
    expected = certify_mean(bed.samples, found.weights, 0.1, location=found.location, sample_weight=weights)
    assert found.error_bound == pytest.approx(expected.verify(bed.samples).error_bound, rel=1e-4)
    # Without outliers every sample keeps its weight, and the location is the mean.
    np.testing.assert_allclose(robust_mean(chunked, 0.0).location, bed.samples.mean(axis=0), atol=1e-12)


def test_a_chunk_of_few_rows_is_no_refuge_for_outliers():
    X = np.random.default_rng(0).standard_normal((2001, 3))
    X[-1] = 1e6
    found = robust_mean(da.from_array(X, chunks=(500, 3)), 0.1, random_state=0)
    assert found.weights[-1] == 0
    assert np.linalg.norm(found.location) < 0.2


def test_a_chunk_may_have_a_few_more_outliers_than_the_whole():
    rng = np.random.default_rng(3)
    X, is_outlier = rng.standard_normal((4000, 3)), rng.permutation(4000) < 400
    X[is_outlier, 0] += 8
    counts = is_outlier.reshape(8, 500).sum(axis=1)
    assert counts.max() > 55
    found = robust_mean(da.from_array(X, chunks=(500, 3)), 0.1, random_state=0)
    assert found.weights[is_outlier].sum() < 1e-3


def test_outliers_that_fill_a_chunk_escape_and_the_bound_says_so():
    bed = contaminated(1000, 3, 0.1, adversary="far", random_state=0)
    order = np.argsort(bed.is_inlier, kind="stable")
    chunked = da.from_array(bed.samples[order], chunks=(100, 3))
    found = robust_mean(chunked, 0.1, random_state=0)
    error = np.linalg.norm(found.location - bed.inlier_mean)
    assert 1 < error <= found.error_bound


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "certified"}, "'moment', 'covariance', 'quantum_entropy'"),
        ({"method": "geometric_median"}, r"X\.compute\(\)"),
        ({"contamination": "auto"}, "must be a number for a Dask array"),
    ],
)
def test_what_robust_means_cannot_do_with_chunks(matrix, options, message):
    with pytest.raises(InvalidInputError, match=message):
        RobustMean(**options).fit(da.from_array(matrix, chunks=(200, 5)))


def test_integers_and_single_precision():
    whole = np.arange(60).reshape(20, 3) % 7
    for matrix in (whole, whole.astype(np.float32)):
        chunked = da.from_array(matrix, chunks=(6, 3))
        assert hn.two_to_q_norm(chunked, random_state=0).certificate.verify(whole).upper > 0


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (da.ones(5, chunks=2), "two-dimensional"),
        (da.ones((0, 3)), "empty"),
        (da.ones((4, 3), dtype=complex), "complex"),
        (da.from_array(np.array([[1.0, 2], [3, np.nan], [1, 1]]), chunks=(2, 1)), "row 1, column 1"),
        (da.ones((6, 2), chunks=(3, 2))[da.ones(6, chunks=3) > 0], "compute_chunk_sizes"),
    ],
)
def test_what_cannot_be_used_is_named(array, message):
    with pytest.raises(InvalidInputError, match=message):
        hn.lower_bound(array)


def test_where_chunks_are_not_supported_the_error_says_so():
    with pytest.raises(InvalidInputError, match=r"X\.compute\(\)"):
        check_matrix(da.ones((3, 2)))


def test_too_many_columns_for_the_realigned_bound():
    with pytest.raises(InvalidInputError, match="too many"):
        hn.spectral_bound(da.random.default_rng(0).standard_normal((300, 200), chunks=(100, 200)), 4, "realigned")


def test_a_failing_chunk_is_an_error():
    def fail(block):
        raise OSError("the disk is gone")

    broken = da.ones((10, 2), chunks=(5, 2)).map_blocks(fail, dtype=float, meta=np.empty((0, 0)))
    with pytest.raises(hn.HypernormError, match="OSError: the disk is gone") as caught:
        hn.lower_bound(broken)
    assert isinstance(caught.value.__cause__, OSError)


def test_a_lost_machine_is_named(monkeypatch, matrix):
    class KilledWorker(Exception):  # noqa: N818 (as distributed calls it)
        pass

    def lose(*tasks):
        raise KilledWorker

    rows = Rows(check_rows(da.from_array(matrix, chunks=(100, 5))))
    monkeypatch.setattr("dask.compute", lose)
    with pytest.raises(HypernormError, match="rows 0 to"):
        second_moments(rows)


def test_a_cluster_of_processes_gives_the_same_and_survives_the_loss_of_one(matrix):
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        chunked = da.from_array(matrix, chunks=(100, 5))
        for kind in ("row_norm", "flattening", "realigned"):
            expected = hn.spectral_bound(matrix, 4, kind).upper
            assert hn.spectral_bound(chunked, 4, kind).upper == pytest.approx(expected, rel=1e-7)
        witness = hn.lower_bound(chunked, random_state=0)
        assert witness.value == pytest.approx(hn.lower_bound(matrix, random_state=0).value, rel=1e-9)
        worker = next(iter(client.run(os.getpid).values()))
        slow = chunked.map_blocks(lambda block: (time.sleep(0.2), block)[1])
        timer = threading.Timer(0.5, os.kill, (worker, signal.SIGKILL))
        timer.start()
        moments = second_moments(Rows(check_rows(slow)))
        timer.join()
        np.testing.assert_allclose(moments, second_moments(Rows(matrix)), rtol=1e-12)
