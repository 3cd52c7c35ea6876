"""Proved distances between a weighted mean and the mean of the inliers."""

import dataclasses
import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import hypernorm as hn
from hypernorm.certificates import ClusterCertificate, MeanCertificate, total_variation_bound, weighted_rows
from hypernorm.exceptions import CertificateError, InvalidInputError
from hypernorm.forms import fingerprint
from hypernorm.robust.certification import certify_covariance, certify_mean, certify_moment


def worst_by_enumeration(weights, base, contamination):
    """1 − Σ min(w, u) over every set of inliers."""
    n, worst = len(weights), 0.0
    for size in range(1, n + 1):
        for inliers in itertools.combinations(range(n), size):
            chosen = list(inliers)
            mass = base[chosen].sum()
            if mass >= 1 - contamination - 1e-13:
                u = np.zeros(n)
                u[chosen] = base[chosen] / mass
                worst = max(worst, 1 - np.minimum(weights / weights.sum(), u).sum())
    return worst


@given(st.integers(0, 10**6), st.integers(2, 9), st.sampled_from([0.0, 0.1, 0.2, 0.34, 0.49]))
@settings(max_examples=60, deadline=None)
def test_total_variation_is_the_worst_case(seed, n, contamination):
    rng = np.random.default_rng(seed)
    weights = rng.uniform(size=n) * (rng.uniform(size=n) > 0.3)
    weights[0] += 0.1
    found = total_variation_bound(weights, None, contamination)
    worst = worst_by_enumeration(weights, np.full(n, 1 / n), contamination)
    assert worst <= found <= worst + 1e-12
    base = rng.uniform(0.1, 1, n)
    base /= base.sum()
    assert total_variation_bound(weights, base, contamination) >= worst_by_enumeration(weights, base, contamination)


def test_total_variation_of_known_weights():
    for n, k in ((100, 10), (1000, 250)):
        epsilon = k / n
        assert total_variation_bound(np.ones(n), None, epsilon) == pytest.approx(epsilon, abs=1e-11)
        trimmed = np.r_[np.zeros(k), np.ones(n - k)]
        assert total_variation_bound(trimmed, None, epsilon) == pytest.approx(epsilon / (1 - epsilon), abs=1e-11)
        assert total_variation_bound(trimmed, np.ones(n), epsilon) == pytest.approx(epsilon / (1 - epsilon), abs=1e-3)
    assert total_variation_bound(np.ones(10), None, 0.0) < 1e-12


@pytest.mark.parametrize("d", [1, 3, 8])
@pytest.mark.parametrize("scale", [1e-120, 1.0, 1e120])
def test_the_bound_holds_for_contaminated_samples(d, scale):
    rng = np.random.default_rng(d)
    for _ in range(6):
        inliers = rng.standard_t(6, size=(180, d))
        X = scale * np.vstack([inliers, rng.standard_normal((20, d)) + rng.uniform(0, 5, d)])
        weights = np.r_[rng.uniform(0.5, 1, 180), rng.uniform(0, 1, 20)]
        mean = X[:180].mean(axis=0)
        moments = [hn.two_to_q_norm((X[:180] - mean) / 180 ** (1 / q), q, random_state=0).upper for q in (2, 4)]
        certificate = certify_mean(X, weights, 0.1)
        verified = certificate.verify(X)
        error = np.linalg.norm(certificate.location - mean)
        for q, moment in zip((2, 4), moments, strict=True):
            assert error <= verified.error_bound_given(moment, order=q) <= verified.error_bound < 20 * scale
        for q, moment in zip((2, 4), verified.moments, strict=True):
            centered = X - certificate.location
            v = rng.standard_normal(d)
            v /= np.linalg.norm(v)
            attained = (certificate.weights @ np.abs(centered @ v / scale) ** q) ** (1 / q)
            assert attained <= moment / scale * (1 + 1e-12)


def test_any_location_is_certified_and_pays_for_its_distance():
    X = np.random.default_rng(0).standard_normal((300, 2))
    near = certify_mean(X, np.ones(300), 0.05).verify(X)
    far = certify_mean(X, np.ones(300), 0.05, location=np.array([3.0, 4.0])).verify(X)
    assert near.offset < 1e-12
    assert far.offset == pytest.approx(np.linalg.norm(X.mean(axis=0) - [3, 4]), rel=2e-3)
    for bounds in ((near.error_bound, far.error_bound), (near.error_bound_given(), far.error_bound_given())):
        assert bounds[0] + 4.5 < bounds[1]
        assert bounds[1] > np.linalg.norm(X.mean(axis=0) - [3, 4])


def test_no_contamination_leaves_rounding():
    X = np.random.default_rng(0).standard_normal((50, 4))
    verified = certify_mean(X, np.ones(50), 0.0).verify(X)
    assert verified.total_variation < 1e-12
    assert verified.error_bound < 1e-12


def test_hopeless_weights_leave_the_bound_of_all_samples():
    X = np.random.default_rng(0).standard_normal((50, 4))
    weights = np.zeros(50)
    weights[0] = 1
    proved = certify_mean(X, weights, 0.1).verify(X)
    assert proved.total_variation == 1
    farthest = max(np.linalg.norm(X[kept].mean(axis=0) - X[0]) for kept in all_but_five(X))
    assert farthest <= proved.error_bound == proved.error_bound_given(0.0) < 2 * farthest


@given(st.integers(0, 10**6), st.sampled_from([1, 2]), st.booleans(), st.booleans())
@settings(max_examples=25, deadline=None)
def test_every_set_of_inliers_is_within_the_bounds(seed, d, weighted, located):
    """All sets of at least 6 of 8 samples, or of at least as large a share of the base weights, far ones included."""
    rng = np.random.default_rng(seed)
    X = rng.standard_t(2, (8, d)) * 10.0 ** rng.uniform(-2, 2)
    weights = rng.uniform(size=8) * (rng.random(8) < 0.8) + 1e-3
    base = rng.uniform(0.2, 1, 8) if weighted else np.ones(8)
    location = rng.standard_normal(d) if located else None
    certificate = certify_mean(X, weights, 0.25, location=location, sample_weight=base if weighted else None)
    proved = certificate.verify(X)
    for size in range(4, 9):
        for chosen in map(list, itertools.combinations(range(8), size)):
            if base[chosen].sum() < 0.75 * base.sum():
                continue
            u = base[chosen] / base[chosen].sum()
            mean = u @ X[chosen]
            error = np.linalg.norm(certificate.location - mean) * (1 - 1e-12)
            assert error <= proved.error_bound
            lengths = np.linalg.norm(X[chosen] - mean, axis=1)
            for q in (2, 4):
                # In one dimension this is the moment, in two it is at least that.
                assert error <= proved.error_bound_given((u @ lengths**q) ** (1 / q) * (1 + 1e-12), order=q)


def all_but_five(X):
    for v in np.random.default_rng(1).standard_normal((50, X.shape[1])):
        yield np.argsort(X @ v)[5:]


@pytest.fixture(scope="module")
def honest():
    X = np.random.default_rng(1).standard_normal((80, 3))
    return X, certify_mean(X, np.arange(80) > 3, 0.1)


def changed(certificate, **fields):
    return dataclasses.replace(certificate, **fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"weights": np.full(80, -1.0)}, "negative"),
        ({"weights": np.full(80, np.nan)}, "finite"),
        ({"weights": np.zeros(80)}, "positive sum"),
        ({"weights": np.ones(79)}, "shape"),
        ({"weights": np.ma.masked_array(np.ones(80))}, "ndarray"),
        ({"location": np.zeros(4)}, "shape"),
        ({"location": np.full(3, np.inf)}, "finite"),
        ({"base_weights": -np.ones(80)}, "negative"),
        ({"contamination": 0.5}, "contamination"),
        ({"contamination": -0.1}, "contamination"),
        ({"contamination": math.nan}, "contamination"),
        ({"norms": ()}, "norms must be a tuple"),
        ({"base_norms": ()}, "norms must be a tuple"),
        ({"fingerprint": "0" * 64}, "another matrix"),
        ({"shape": (80, 4)}, "ndarray of shape 4"),
    ],
)
def test_tampered_certificates_are_rejected(honest, fields, message):
    X, certificate = honest
    with pytest.raises(CertificateError, match=message):
        changed(certificate, **fields).verify(X)


def test_a_norm_that_does_not_hold_is_rejected(honest):
    X, certificate = honest
    for index in range(2):
        norm = certificate.norms[index]
        for field in ("norms", "base_norms"):
            norms = list(getattr(certificate, field))
            norms[index] = dataclasses.replace(norm, values=tuple(0.9 * value for value in norm.values))
            with pytest.raises(CertificateError, match=r"not proved|scale"):
                changed(certificate, **{field: tuple(norms)}).verify(X)


def test_norms_of_the_retained_samples_do_not_prove_those_of_all():
    X = np.random.default_rng(1).standard_normal((80, 3))
    X[:4] = 50
    certificate = certify_mean(X, np.arange(80) > 3, 0.1)
    with pytest.raises(CertificateError):
        changed(certificate, base_norms=certificate.norms).verify(X)
    for base_norms in (certificate.base_norms[::-1], certificate.base_norms[:1], certificate.base_norms * 2):
        with pytest.raises(CertificateError, match="same exponents"):
            changed(certificate, base_norms=base_norms).verify(X)
    # Without them the bound rests on a premise.
    alone = changed(certificate, base_norms=None).verify(X)
    assert alone.error_bound == math.inf
    assert alone.error_bound_given() == certificate.verify(X).error_bound_given() < 1.5


@pytest.mark.parametrize("kind", ["mean", "covariance"])
def test_files_of_an_earlier_form_are_refused(kind, tmp_path):
    """They had a premise, and no norms of all samples."""
    X = np.random.default_rng(1).standard_normal((30, 2))
    certificate = certify_mean(X, np.ones(30), 0.1) if kind == "mean" else certify_covariance(X, np.ones(30), 0.1)
    certificate.save(tmp_path / "new.npz")
    with np.load(tmp_path / "new.npz") as archive:
        members = dict(archive)
    if kind == "mean":
        del members["base_norms"]
    members["inlier_moments" if kind == "mean" else "inlier_kurtosis"] = np.full(2, np.nan)
    np.savez(tmp_path / "old.npz", **members)
    with pytest.raises(CertificateError, match="the file is damaged, or of another version") as caught:
        hn.load_certificate(tmp_path / "old.npz")
    assert "\n" not in str(caught.value)


def test_only_base_weights_stand_for_all_samples():
    X = np.random.default_rng(1).standard_normal((30, 2))
    for weights, base in ((np.ones(30), None), (np.arange(1.0, 31), np.arange(1.0, 31))):
        certificate = certify_mean(X, weights, 0.1, sample_weight=base)
        assert certificate.base_norms is None
        assert certificate.verify(X).error_bound < 1
        other = certificate.weights.copy()
        other[0] *= 1 - 2.0**-50
        assert changed(certificate, weights=other).verify(X).error_bound == math.inf


def test_weights_moved_to_far_samples_do_not_keep_the_bound(honest):
    X, certificate = honest
    far = X.copy()
    far[0] = 100
    with pytest.raises(CertificateError, match="another matrix"):
        certificate.verify(far)
    with pytest.raises(CertificateError):
        changed(certificate, weights=np.r_[10.0, np.ones(79)] / 80).verify(X)


def test_wrong_arguments_are_named():
    X = np.zeros((5, 2))
    for arguments, message in [
        ({"contamination": 0.6}, "contamination"),
        ({"contamination": 0.1, "moments": []}, "moments"),
        ({"contamination": 0.1, "moments": [np.inf]}, "moments"),
    ]:
        with pytest.raises(InvalidInputError, match=message):
            certify_mean(X, np.ones(5), **arguments)


def test_identical_samples():
    certificate = certify_mean(np.full((10, 3), 0.1), np.ones(10), 0.2)
    assert isinstance(certificate, MeanCertificate)
    assert certificate.verify(np.full((10, 3), 0.1)).error_bound < 1e-15


def test_differences_that_overflow_are_refused():
    X = np.array([[1.7e308], [-1.7e308], [0.0]])
    certificate = certify_mean(np.array([[1.0], [2.0], [3.0]]), np.ones(3), 0.1)
    with pytest.raises(CertificateError, match="overflow"):
        changed(certificate, location=np.array([1.7e308])).prove(X)


@pytest.mark.parametrize("far", [1e10, 1e150, 1e163, 1e170, 1e300])
@pytest.mark.parametrize("scale", [1.0, 2.0**-450])
def test_a_sample_left_out_does_not_hide_the_distance_from_the_mean(far, scale):
    """Beside it the others, and their squares, would vanish in one common unit."""
    n = 400
    X = 0.01 * np.random.default_rng(0).standard_normal((n, 2))
    X[0] = [far, 0.0]
    weights = np.full(n, scale / (n - 1))
    weights[0] = 0.0
    location = np.array([1.0, 0.0])
    norms = tuple(certify_moment(weighted_rows(X, weights, location, q), q) for q in (2.0, 4.0))
    certificate = MeanCertificate(
        location=location, weights=weights, base_weights=None, contamination=1 / n, norms=norms,
        base_norms=None, shape=X.shape, fingerprint=fingerprint(X),
    )  # fmt: skip
    verified = certificate.verify(X)
    assert np.linalg.norm(X[1:].mean(axis=0) - location) < verified.error_bound_given(0.1) < 1.3
    assert verified.error_bound == math.inf
    assert all(0.99 < moment < 1.01 for moment in (*verified.moments, verified.offset))


def test_samples_too_far_for_a_proof_are_named():
    X = np.full((40, 2), 1.7e308)
    for location in (np.zeros(2), np.full(2, -1.7e308)):
        with pytest.raises(InvalidInputError, match="more than 1e\\+305 from the location"):
            certify_mean(X, np.ones(40), 0.1, location=location, moments=(2,))
    certificate = certify_mean(X, np.ones(40), 0.1, location=X[0], moments=(2,))
    assert certificate.verify(X).error_bound < 1e300
    for value in (1.0, -1.7e308):
        with pytest.raises(CertificateError):
            dataclasses.replace(certificate, location=np.full(2, value)).verify(X)


@pytest.mark.parametrize(
    ("weight", "D"), [(1.0, 24 * 5e-324), (2.0**-499, 2.0**-830), (2.0**400, 2.0**-1074), (1.0, 1.0)]
)
@pytest.mark.parametrize("q", [2.0, 4.0, 7.0])
def test_rows_that_vanish_are_part_of_the_proof(weight, D, q):
    """Samples ±D: the q-th moment about their mean is D, whatever w^{1/q} D rounds to."""
    X = np.array([[D], [-D]] * 8)
    weights = np.full(16, weight)
    Y = weighted_rows(X, weights, np.zeros(1), q)
    norm = hn.spectral_bound(Y, q, kind="row_norm")
    certificate = MeanCertificate(
        location=np.zeros(1), weights=weights, base_weights=None, contamination=0.1, norms=(norm,),
        base_norms=None, shape=X.shape, fingerprint=fingerprint(X),
    )  # fmt: skip
    found = certificate.verify(X)
    assert found.moments[0] >= D
    # Without one of the sixteen, which are then the inliers, the mean is at D/15.
    assert Fraction(found.error_bound) >= Fraction(D) / 15
    cluster = ClusterCertificate(
        center=np.zeros(1), weights=weights, norm=norm, shape=X.shape, fingerprint=fingerprint(X)
    )
    assert cluster.verify(X).upper >= D


def test_sparse_samples_prove_the_same():
    X = np.random.default_rng(31).standard_normal((30, 3)).round()
    certificate = certify_mean(X, np.arange(30.0), 0.1)
    assert certificate.verify(sp.csr_array(X)).error_bound == certificate.verify(X).error_bound
