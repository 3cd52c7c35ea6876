"""Moments of samples by `two_to_q_norm`, against norms of matrices that are centered and weighted by hand."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

import hypernorm as hn
from hypernorm import _pages, _validation
from hypernorm.bounds import sample_moment as moments_to_search
from hypernorm.certificates import SampleMomentCertificate, SampleMomentWitness, TouchingCertificate, sample_rows
from hypernorm.datasets import load_bundled

Q = [2, 2.5, 4, 5, 6, math.inf]


def samples(seed=0, n=30, d=3):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) ** 3 + 4 * rng.standard_normal(d)


def by_hand(X, q, center, weights, normalize):
    """The matrix whose norm is the moment."""
    weights = np.ones(len(X)) if weights is None else weights
    center = np.average(X, axis=0, weights=weights) if center is True else 0.0 if center is False else center
    shares = weights / weights.sum() if normalize else weights
    kept = weights > 0
    return (X - center)[kept] * (shares[kept, None] ** (1 / q))


def assert_proved(found, X):
    assert type(found.certificate) is SampleMomentCertificate
    assert type(found.witness) is SampleMomentWitness
    assert found.lower <= found.upper == found.certificate.verify(X).upper
    assert found.upper == min(record.upper for record in found.records)
    assert found.lower == found.witness.value
    assert found.witness.verify(X).lower >= found.lower * (1 - 1e-12)
    assert found.quantity == found.certificate.quantity == found.witness.quantity


@pytest.mark.parametrize("q", Q)
@pytest.mark.parametrize("center", [False, True, np.array([3.0, 0.0, -2.0])], ids=["origin", "mean", "location"])
@pytest.mark.parametrize("weighted", [False, True])
def test_moments_are_norms_of_matrices_made_by_hand(q, center, weighted):
    X = samples(1)
    weights = np.random.default_rng(0).uniform(size=30) * (np.arange(30) % 3 > 0) if weighted else None
    for normalize in (True, False):
        found = hn.two_to_q_norm(X, q, center=center, sample_weight=weights, normalize=normalize, random_state=0)
        known = hn.two_to_q_norm(by_hand(X, q, center, weights, normalize), q, random_state=0)
        if center is False and weights is None and not normalize:
            assert type(found.certificate) is type(known.certificate)
            assert isinstance(found.certificate, (hn.NormCertificate, TouchingCertificate))
            continue
        assert_proved(found, X)
        assert found.lower == pytest.approx(known.lower, rel=1e-9)
        assert found.upper == pytest.approx(known.upper, rel=1e-6)
        assert found.status is known.status


SAMPLES = st.integers(0, 10_000).map(
    lambda seed: samples(seed, int(np.random.default_rng(seed).integers(1, 9)), 1 + seed % 3)
)


@given(SAMPLES, st.sampled_from([2, 3, 4, math.inf]), st.booleans(), st.booleans(), st.integers(0, 1000))
def test_whole_weights_are_repetitions(X, q, center, normalize, seed):
    weights = np.random.default_rng(seed).integers(0, 4, len(X)).astype(float)
    weights[0] += 1
    repeated = np.repeat(X, weights.astype(int), axis=0)
    options = {"center": center, "normalize": normalize, "random_state": 0, "method": "spectral"}
    found = hn.two_to_q_norm(X, q, sample_weight=weights, **options)
    same = hn.two_to_q_norm(repeated, q, **options)
    assert found.lower == pytest.approx(same.lower, rel=1e-6, abs=1e-12)
    assert found.upper == pytest.approx(same.upper, rel=1e-6, abs=1e-12)


@given(SAMPLES, st.sampled_from([2, 4, 5.5, math.inf]), st.floats(-1e6, 1e6), st.floats(1e-5, 1e5))
def test_central_moments_do_not_move_with_the_samples(X, q, shift, scale):
    options = {"center": True, "normalize": True, "random_state": 0, "method": "spectral"}
    found, moved = (hn.two_to_q_norm(Y, q, **options) for Y in (X, X * scale + shift))
    slack = 1e-6 * found.upper * scale + 1e-9 * abs(shift)
    assert moved.lower == pytest.approx(found.lower * scale, abs=slack)
    assert moved.upper == pytest.approx(found.upper * scale, abs=slack)


def test_weights_multiply_sums_and_leave_means():
    X, weights = samples(2), np.arange(1.0, 31.0)
    one, two = (
        hn.two_to_q_norm(X, 4, center=True, sample_weight=factor * weights, random_state=0) for factor in (1.0, 16.0)
    )
    assert two.lower == pytest.approx(2 * one.lower, rel=1e-9)
    one, two = (
        hn.two_to_q_norm(X, 4, center=True, sample_weight=weights * factor, normalize=True, random_state=0)
        for factor in (1e-140, 1e140)
    )
    assert two.lower == pytest.approx(one.lower, rel=1e-12)
    assert two.upper == pytest.approx(one.upper, rel=1e-9)


def test_the_largest_variance_is_an_eigenvalue():
    X = load_bundled("diabetes")
    found = hn.two_to_q_norm(X, 2, center=True, normalize=True)
    variance = np.linalg.eigvalsh(np.cov(X.T, bias=True))[-1]
    assert found.lower**2 == pytest.approx(variance, rel=1e-9)
    assert found.status is hn.Status.EXACT


@pytest.mark.parametrize("q", [2, 3, 4, math.inf])
@pytest.mark.parametrize("normalize", [False, True])
def test_one_sample_has_no_central_moment(q, normalize):
    for X in (np.array([[0.1, 2.0, 1e10 / 3]]), np.full((7, 2), 0.3), np.array([[5e-324, 1.0]])):
        found = hn.two_to_q_norm(X, q, center=True, normalize=normalize, random_state=0)
        assert (found.lower, found.upper, found.status) == (0.0, 0.0, hn.Status.EXACT)
        assert found.certificate.verify(X, exact=True).upper == found.witness.verify(X).lower == 0.0
    one = hn.two_to_q_norm(samples(), q, center=True, normalize=normalize, sample_weight=np.eye(30)[3], random_state=0)
    assert (one.lower, one.upper) == (0.0, 0.0)


def test_a_mean_far_from_the_origin_costs_its_rounding():
    X = samples(3)
    near = hn.two_to_q_norm(X - np.rint(X.mean(axis=0)), 4, center=True, normalize=True, random_state=0)
    far = hn.two_to_q_norm(np.rint(X * 2**20) + 1e12, 4, center=True, normalize=True, random_state=0)
    assert_proved(far, np.rint(X * 2**20) + 1e12)
    assert far.upper / 2**20 == pytest.approx(near.upper, rel=1e-4)
    assert far.lower <= near.upper * 2**20 * (1 + 1e-6)
    # The error of the mean is larger than the tolerance, so that the bounds do not meet.
    distant = hn.two_to_q_norm(np.array([[1e16, 0.0], [1e16 + 2, 0.0], [1e16 + 2, 0.1]]), 4, center=True)
    assert distant.status is not hn.Status.EXACT
    assert distant.lower < distant.upper


def test_containers():
    X = np.rint(samples(4, 60) * 8) * (np.random.default_rng(0).random((60, 3)) < 0.4)
    weights = pd.Series(np.arange(60.0))
    known = {
        center: hn.two_to_q_norm(X, center=center, sample_weight=weights, normalize=True, random_state=0)
        for center in (False, True)
    }
    da = pytest.importorskip("dask.array")
    for data in (
        sp.csr_array(X),
        sp.coo_matrix(X),
        pd.DataFrame(X),
        X.astype(np.int32),
        X.astype(np.float32),
        X.tolist(),
        da.from_array(X, chunks=(13, 3)),
    ):
        for center, same in known.items():
            found = hn.two_to_q_norm(data, center=center, sample_weight=weights, normalize=True, random_state=0)
            assert_proved(found, data)
            assert found.witness.fingerprint == same.witness.fingerprint
            assert found.upper == pytest.approx(same.upper, rel=1e-7)
            assert found.lower == pytest.approx(same.lower, rel=1e-7)
            assert same.certificate.verify(data).upper == pytest.approx(same.upper, rel=1e-12)


@pytest.mark.parametrize("center", [False, True])
def test_large_samples_are_read_in_blocks(center, monkeypatch, tmp_path):
    """Neither a memory map nor a sparse matrix becomes one dense array."""
    X = samples(5, 400) * (np.random.default_rng(1).random((400, 3)) < 0.3)
    np.save(tmp_path / "X.npy", X)
    weights = np.random.default_rng(0).uniform(size=400)
    options = {"center": center, "sample_weight": weights, "normalize": True, "random_state": 0, "method": "spectral"}
    known = hn.two_to_q_norm(X, **options)
    for module in (_validation, sample_rows, hn.forms.rows):
        monkeypatch.setattr(module, "LARGE_BYTES", 1000)
    monkeypatch.setattr(_pages, "_PAGE_ENTRIES", 120)
    for module in (hn.certificates.moments, hn.forms.rows, hn.forms.powers_of_two):
        monkeypatch.setattr(module, "_BLOCK_ENTRIES", 120)
    largest = []
    normal = sample_rows._parts

    def watched(block, factors, location):
        largest.append(block.shape[0] if isinstance(block, np.ndarray) else 0)
        return normal(block, factors, location)

    monkeypatch.setattr(sample_rows, "_parts", watched)
    for data in (np.load(tmp_path / "X.npy", mmap_mode="r"), sp.csr_array(X)):
        found = hn.two_to_q_norm(data, **options)
        assert_proved(found, data)
        assert found.upper == pytest.approx(known.upper, rel=1e-9)
        assert found.certificate.verify(data, exact=True).upper == pytest.approx(known.upper, rel=1e-7)
    assert 0 < max(largest) <= 64


def test_data_that_change_are_noticed(monkeypatch):
    X = samples(6, 400)
    for module in (_validation, sample_rows):
        monkeypatch.setattr(module, "LARGE_BYTES", 1000)
    monkeypatch.setattr(_pages, "_PAGE_ENTRIES", 120)

    def change(progress):
        X[7] += 1

    with pytest.raises(hn.ChangedDataError, match="changed"):
        hn.two_to_q_norm(X, center=True, random_state=0, progress=change)
    # Already while the mean is computed.
    normal = moments_to_search.of_pieces

    def changing(*arguments):
        X[7] += 1
        return normal(*arguments)

    for module in (moments_to_search, sample_rows):
        with monkeypatch.context() as patch:
            patch.setattr(module, "of_pieces", changing)
            with pytest.raises(hn.ChangedDataError, match="changed"):
                hn.two_to_q_norm(X, center=True, random_state=0)


def test_wide_samples_and_dependent_columns():
    rng = np.random.default_rng(7)
    for X in (rng.standard_normal((6, 30)) + 3, np.hstack([samples(7), samples(7)]), rng.standard_normal((5, 1))):
        found = hn.two_to_q_norm(X, 4, center=True, normalize=True, random_state=0)
        assert_proved(found, X)
        assert found.is_exact()
        assert found.witness.vector.shape == (X.shape[1],)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"center": "mean"}, r"center must be True, False or an array of shape \(3,\)"),
        ({"center": 1.0}, "center must be True, False or an array"),
        ({"center": np.ones(2)}, r"center must have the shape \(3,\), got \(2,\)"),
        ({"center": [0.0, np.nan, 0.0]}, "center has the entry nan"),
        ({"sample_weight": np.ones(29)}, r"sample_weight must have the shape \(30,\)"),
        ({"sample_weight": -np.ones(30)}, "sample_weight must not be negative"),
        ({"sample_weight": np.zeros(30)}, "sample_weight must not be negative, nor zero"),
        ({"sample_weight": np.full(30, np.nan)}, "sample_weight has the entry nan"),
        ({"sample_weight": np.full(30, 1e-200)}, "sample_weight has the sum .* multiply it by a constant"),
        ({"sample_weight": np.full(30, 1e308)}, "sample_weight has the sum .* multiply it by a constant"),
        ({"normalize": 1}, "normalize must be True or False"),
        ({"normalize": "mean", "center": True}, "normalize must be True or False"),
        ({"n_starts": 0}, "n_starts must be a whole number"),
        ({"starts": np.ones((2, 4))}, "starts must have one row per starting point and 3 columns"),
        ({"checkpoint": "no/such/folder/state.npz"}, "no directory"),
    ],
)
def test_bad_arguments_are_named(options, words):
    with pytest.raises(hn.InvalidInputError, match=words) as caught:
        hn.two_to_q_norm(samples(), **options)
    assert "\n" not in str(caught.value)


def test_samples_too_far_apart_are_refused():
    for center in (True, [-1.7e308, 0.0]):
        with pytest.raises(hn.InvalidInputError, match="X cannot be centered"):
            hn.two_to_q_norm([[1.7e308, 0.0], [-1.7e308, 1.0], [-1.7e308, 0.0]], center=center)


def test_nothing_asked_is_the_norm():
    X = samples()
    plain = hn.two_to_q_norm(X, random_state=0)
    same = hn.two_to_q_norm(X, center=np.bool_(False), normalize=np.bool_(False), random_state=0, n_starts=128)
    assert type(same.certificate) is hn.NormCertificate
    assert type(same.witness) is hn.Witness
    assert (plain.lower, plain.upper) == (same.lower, same.upper)
    assert (plain.witness.vector == same.witness.vector).all()


def test_starts_reach_the_power_method():
    """One random start misses the maximum that a given start is next to, also in a wide matrix."""
    rng = np.random.default_rng(3)
    for X in (rng.standard_normal((200, 12)), np.hstack([rng.standard_normal((200, 12)), np.zeros((200, 3))])):
        best = hn.lower_bound(X, 4, n_starts=400, random_state=0)
        few = hn.two_to_q_norm(X, 4, n_starts=1, method="spectral", random_state=1)
        given_start = hn.two_to_q_norm(X, 4, n_starts=1, starts=best.vector[None], method="spectral", random_state=1)
        assert given_start.lower >= best.value * (1 - 1e-9)
        assert few.lower <= given_start.lower * (1 + 1e-9)
    centered = hn.two_to_q_norm(X, 4, center=True, starts=np.eye(15), method="spectral", random_state=0)
    assert centered.lower > 0


def test_progress_reports_bounds_on_the_moment():
    X, seen = samples(), []
    found = hn.two_to_q_norm(X, center=True, normalize=True, method="spectral", random_state=0, progress=seen.append)
    assert seen[0].lower is None
    assert seen[0].upper is None
    assert all(stage.upper in [record.upper for record in found.records] for stage in seen[1:])
    assert seen[-1].lower == found.lower


def test_files_of_moments(tmp_path):
    X = samples()
    found = hn.two_to_q_norm(X, 3, center=True, sample_weight=np.arange(30.0), random_state=0)
    for name, proof in (("upper", found.certificate), ("lower", found.witness)):
        proof.save(tmp_path / f"{name}.npz")
        loaded = hn.load_certificate(tmp_path / f"{name}.npz")
        proved = loaded.verify(X, exact=True)
        assert getattr(proved, name) == pytest.approx(getattr(found, name), rel=1e-9)


def test_no_warning_reaches_the_caller():
    X = samples() * 1e150
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        found = hn.two_to_q_norm(X, 4, center=True, sample_weight=np.arange(30.0) * 1e-100, normalize=True)
        found.certificate.verify(X)
        found.witness.verify(X)
