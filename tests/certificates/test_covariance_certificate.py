"""Proved distances between a covariance matrix and the covariance of the inliers."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
import scipy.linalg

from hypernorm.certificates import CovarianceCertificate, whitened_rows
from hypernorm.certificates.covariance import _eigenvalue_bounds
from hypernorm.exceptions import CertificateError, InvalidInputError
from hypernorm.robust import certify_covariance
from hypernorm.robust.certification import certify_moment


def kurtosis_above(X):
    """The largest kurtosis over all directions in the plane, to a relative accuracy that is added."""
    angles = np.linspace(0, np.pi, 4001)
    lines = (X - X.mean(axis=0)) @ np.vstack([np.cos(angles), np.sin(angles)])
    return float((np.mean(lines**4, axis=0) / np.mean(lines**2, axis=0) ** 2).max()) * (1 + 1e-4)


def ratios(inliers, covariance):
    """Extreme ratios of the inliers' variance to that of the matrix."""
    return scipy.linalg.eigvalsh(np.cov(inliers.T, bias=True).reshape(len(covariance), -1), covariance)[[0, -1]]


@pytest.mark.parametrize("equal", [True, False])
def test_every_set_of_inliers_is_within_the_bounds(equal):
    """All sets of nine of ten samples, and of all ten, with and without their own kurtosis."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((10, 2)) @ rng.standard_normal((2, 2))
        X[0] *= 3
        certificate = certify_covariance(X, np.ones(10) if equal else rng.uniform(0.5, 1, 10), 0.1)
        proved = certificate.verify(X)
        for size in (9, 10):
            for chosen in itertools.combinations(range(10), size):
                inliers = X[list(chosen)]
                least, largest = ratios(inliers, certificate.covariance)
                whitened = scipy.linalg.fractional_matrix_power(np.cov(inliers.T, bias=True), -0.5)
                error = np.linalg.norm(whitened @ certificate.covariance @ whitened - np.eye(2), 2)
                premise = kurtosis_above(inliers)
                given = proved.variance_ratios_given(premise)
                assert proved.least_ratio <= least <= largest <= given[1] <= proved.largest_ratio
                assert error <= proved.error_bound_given(premise) <= proved.error_bound


def far_part(missed, rest):
    """The squared distance from the mean is one number on `missed` samples and another one on the rest."""
    m = missed / (missed + rest)
    count = round(rest * (1 - m * 3 / (1 - m)) / 2)
    return np.concatenate([np.full(missed, 3.0), np.ones(count), -np.ones(rest - count)])


def test_the_bound_for_a_known_kurtosis_is_attained():
    """Inliers whose far part is missed, and outliers in the middle of the rest that are taken instead."""
    inliers = far_part(50, 950)
    X = np.concatenate([inliers, np.full(50, inliers[50:].mean())])[:, None]
    weights = np.concatenate([np.zeros(50), np.ones(1000)])
    kurtosis = np.mean((inliers - inliers.mean()) ** 4) / np.var(inliers) ** 2
    proved = certify_covariance(X, weights, 50 / len(X)).verify(X)
    assert proved.total_variation == pytest.approx(0.05, rel=1e-9)
    ratio = np.var(inliers) / np.var(X[50:])
    # The count of samples at 1 was rounded.
    assert ratio <= proved.variance_ratios_given(kurtosis * (1 + 1e-12))[1] <= ratio * (1 + 1e-3)


def test_the_bounds_without_a_premise_are_attained():
    """Below: outliers that are the far part, under equal weights and in place of the inliers' middle. Above: outliers
    in the middle."""
    X = far_part(50, 950)[:, None]
    proved = certify_covariance(X, np.ones(1000), 0.05).verify(X)
    assert proved.least_ratio <= np.var(X[50:]) / np.var(X) <= proved.least_ratio * (1 + 1e-3)
    X = np.concatenate([X[:, 0], np.full(50, X[50:].mean())])[:, None]
    weights = np.concatenate([np.ones(1000), np.zeros(50)])
    proved = certify_covariance(X, weights, 50 / len(X)).verify(X)
    assert proved.least_ratio <= np.var(X[50:]) / np.var(X[:1000]) <= proved.least_ratio * (1 + 1e-3)
    X = np.concatenate([np.ones(450), -np.ones(450), np.zeros(100)])[:, None]
    proved = certify_covariance(X, np.ones(1000), 0.1).verify(X)
    assert 1 / 0.9 <= proved.largest_ratio <= (1 + 1e-9) / 0.9


def test_far_outliers_widen_what_no_premise_limits():
    """Through the kurtosis of all samples there is no bound from above: it is the same however far they are."""
    rng = np.random.default_rng(0)
    for far in (1e3, 1e8):
        X = rng.standard_normal((200, 2))
        X[:4, 0] = far
        proved = certify_covariance(X, np.arange(200) > 3, 0.02).verify(X)
        assert proved.largest_ratio > far
        assert proved.variance_ratios_given(4.0)[1] < 2


@pytest.mark.parametrize("scale", [1e-120, 1.0, 1e120])
def test_units_do_not_matter(scale):
    rng = np.random.default_rng(0)
    X = rng.standard_t(8, size=(300, 3))
    plain = certify_covariance(X, np.ones(300), 0.02).verify(X)
    units = scale * np.array([1.0, 1e-6, 1e9])
    other = certify_covariance(X * units + 5 * units, np.ones(300), 0.02).verify(X * units + 5 * units)
    assert other.error_bound == pytest.approx(plain.error_bound, rel=1e-3)
    assert other.kurtosis == pytest.approx(plain.kurtosis, rel=1e-3)
    assert other.largest_ratio == pytest.approx(plain.largest_ratio, rel=1e-9)


def test_kurtosis_is_a_bound_and_sharp():
    rng = np.random.default_rng(1)
    X = rng.laplace(size=(400, 2)) @ rng.standard_normal((2, 2))
    proved = certify_covariance(X, np.ones(400), 0.0).verify(X)
    assert kurtosis_above(X) / (1 + 1e-4) <= proved.kurtosis <= kurtosis_above(X) * (1 + 1e-3)


def test_any_matrix_is_certified_and_pays_for_its_distance():
    X = np.random.default_rng(2).standard_normal((500, 2))
    near = certify_covariance(X, np.ones(500), 0.01).verify(X)
    far = certify_covariance(X, np.ones(500), 0.01, covariance=4 * np.eye(2), location=np.array([1.0, 0.0])).verify(X)
    assert far.error_bound > 2.9 > near.error_bound
    assert far.least_ratio <= ratios(X, 4 * np.eye(2))[0]
    assert far.largest_ratio >= ratios(X, 4 * np.eye(2))[1]


def test_no_contamination_leaves_rounding():
    X = np.random.default_rng(3).standard_normal((100, 4))
    proved = certify_covariance(X, np.ones(100), 0.0).verify(X)
    assert 1 - 1e-5 < proved.least_ratio <= 1 <= proved.largest_ratio < 1 + 1e-5


def test_hopeless_weights_prove_nothing():
    X = np.random.default_rng(4).standard_normal((60, 3))
    proved = certify_covariance(X, np.r_[np.ones(20), np.zeros(40)], 0.3).verify(X)
    assert (proved.least_ratio, proved.error_bound) == (0.0, math.inf)
    assert proved.variance_ratios_given(1.0)[1] <= proved.largest_ratio < math.inf


@pytest.fixture(scope="module")
def honest():
    X = np.random.default_rng(5).standard_normal((80, 3))
    return X, certify_covariance(X, np.ones(80), 0.02)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"weights": np.full(80, -1 / 80)}, "negative"),
        ({"weights": np.full(80, 1.0)}, "about one"),
        ({"weights": np.full(80, np.nan)}, "finite"),
        ({"weights": np.ones(79) / 79}, "shape"),
        ({"location": np.zeros(4)}, "shape"),
        ({"covariance": np.triu(np.ones((3, 3)))}, "symmetric"),
        ({"covariance": -np.eye(3)}, "full rank"),
        ({"covariance": np.diag([1.0, 1.0, 0.0])}, "full rank"),
        ({"transform": np.diag([1.0, 1.0, 0.0])}, "certificate"),
        ({"transform": 1e-200 * np.eye(3)}, "scale"),
        ({"transform": 1e308 * np.eye(3)}, "overflow"),
        ({"contamination": 0.5}, "contamination"),
        ({"norm": None}, "norm"),
        ({"fingerprint": "0" * 64}, "another matrix"),
    ],
)
def test_tampered_certificates_are_refused(honest, fields, message):
    X, certificate = honest
    with pytest.raises(CertificateError, match=message):
        dataclasses.replace(certificate, **fields).verify(X)


def test_claims_of_the_norm_are_checked(honest):
    X, certificate = honest
    low = dataclasses.replace(certificate.norm, values=tuple(value * 0.99 for value in certificate.norm.values))
    with pytest.raises(CertificateError, match="not proved"):
        dataclasses.replace(certificate, norm=low).verify(X)
    with pytest.raises(CertificateError, match="another matrix"):
        certificate.verify(X + 1)
    # Other weights than those of the certificate's norm have a larger moment.
    weights = np.r_[np.full(40, 1e-3), np.full(40, 1 / 40)]
    with pytest.raises(CertificateError):
        dataclasses.replace(certificate, weights=weights / weights.sum()).verify(X)


def test_other_coordinates_prove_the_same():
    """White coordinates are not needed, and those that are not make the bound weaker, never wrong."""
    X = np.random.default_rng(6).standard_normal((200, 2)) * [1, 10]
    certificate = certify_covariance(X, np.ones(200), 0.02)
    proved = certificate.verify(X)
    stretched = dataclasses.replace(certificate, transform=certificate.transform @ np.diag([1.0, 0.9]))
    other = dataclasses.replace(
        stretched,
        norm=certify_moment(whitened_rows((X - X.mean(axis=0)) @ stretched.transform, certificate.weights), 4.0),
    ).verify(X)
    assert other.least_ratio <= proved.least_ratio * (1 + 1e-9)
    assert other.kurtosis >= proved.kurtosis * (1 - 1e-9)


def test_eigenvalues_are_enclosed():
    rng = np.random.default_rng(7)
    for _ in range(20):
        A = rng.standard_normal((5, 5))
        A = A @ A.T + np.eye(5)
        below, above = _eigenvalue_bounds(A, 1e-6)
        values = np.linalg.eigvalsh(A)
        assert values[0] - 1e-4 < below < values[0] - 1e-6
        assert values[-1] + 1e-6 < above < values[-1] + 1e-4
    with pytest.raises(CertificateError):
        _eigenvalue_bounds(np.diag([1.0, 1e-12]), 1e-9)


def test_errors_name_the_remedy():
    X = np.random.default_rng(8).standard_normal((20, 3))
    with pytest.raises(InvalidInputError, match="PCA"):
        certify_covariance(X[:3], np.ones(3), 0.1)
    with pytest.raises(InvalidInputError, match="Column 1 of X is constant"):
        certify_covariance(X * [1, 0, 1], np.ones(20), 0.1)
    assert isinstance(certify_covariance(X, np.ones(20), 0.1), CovarianceCertificate)
    assert repr(certify_covariance(X, np.ones(20), 0.1)) == ("CovarianceCertificate(shape=(20, 3), contamination=0.1)")
