"""The ratios of variances that a covariance certificate proves, against the formulas of docs/theory/robust.md."""

import dataclasses
import math
from fractions import Fraction

import flint
import numpy as np
import pytest
import scipy.sparse as sp

import hypernorm as hn
from hypernorm.certificates import covariance as module
from hypernorm.certificates import subjects, whitened_rows
from hypernorm.certificates.rounding import TINY, precision, rational
from hypernorm.exceptions import CertificateError, InvalidInputError
from hypernorm.robust import certify_covariance
from tests.oracles.exact import U, above, exact_gamma, fractions, is_just_above, norm, product, root


@pytest.mark.parametrize("displaced", [0.0, 0.125, 0.2, 0.25])
@pytest.mark.parametrize("kurtosis", [0.5, 1.0, 1.5, 3.0])
def test_the_share_of_a_variance_that_is_kept(displaced, kurtosis):
    r = Fraction(displaced) / (1 - Fraction(displaced))
    exact = 1 - r - root(r * max(Fraction(kurtosis) - 1, Fraction(0)))
    with precision():
        found = module._remaining_variance(rational(displaced), rational(kurtosis))
        assert abs(above(found) - max(exact, Fraction(0))) < Fraction(1, 2**90)


def test_nothing_is_kept_if_all_mass_may_be_displaced():
    with precision():
        for displaced in (1.0, 1.5, 2.5):
            assert module._remaining_variance(rational(displaced), rational(1)).is_zero()
        assert above(module._remaining_variance(rational(math.nextafter(1, 0)), rational(1))) == 0


X = np.random.default_rng(5).standard_normal((30, 2))


@pytest.fixture(scope="module")
def honest():
    return certify_covariance(X, np.ones(30), 0.0)


def kept(displaced, kurtosis):
    """1 − ρ."""
    r = Fraction(displaced) / (1 - Fraction(displaced))
    return max(1 - r - root(r * (Fraction(kurtosis) - 1)), Fraction(0))


def with_parts(monkeypatch, honest, balls, largest_variance, displaced, outliers, equal):
    monkeypatch.setattr(module.CovarianceCertificate, "_ratios", lambda self, X: balls)
    monkeypatch.setattr(module, "_largest_variance", lambda X, K: largest_variance)
    monkeypatch.setattr(module, "total_variation_bound", lambda *arguments: displaced)
    monkeypatch.setattr(module, "outlier_mass", lambda *arguments: Fraction(outliers))
    monkeypatch.setattr(module, "are_base_weights", lambda *arguments: equal)
    return honest.verify(X)


@pytest.mark.parametrize("equal", [True, False])
@pytest.mark.parametrize("displaced", [0.0, 0.0625, 0.9])
@pytest.mark.parametrize(("kurtosis", "least", "weighted"), [(3.0, 0.5, 1.25), (1.0, 0.9, 5.0)])
def test_what_is_returned_is_the_formula(equal, displaced, kurtosis, least, weighted, monkeypatch, honest):
    balls, outliers = [flint.arb(value) for value in (kurtosis, least, weighted, 0.75)], 0.03125
    found = with_parts(monkeypatch, honest, balls, flint.arb(6), displaced, outliers, equal)
    share = kept(outliers, kurtosis) / (1 - Fraction(outliers)) if equal else kept(displaced, kurtosis)
    low, high = Fraction(least) * share, Fraction(6) / Fraction(0.75) / (1 - Fraction(outliers))
    assert low * (1 - 8 * U) <= Fraction(found.least_ratio) <= low
    assert found.total_variation == displaced
    for number, wanted in ((found.kurtosis, kurtosis), (found.weighted_ratio, weighted), (found.largest_ratio, high)):
        assert Fraction(wanted) <= Fraction(number) <= Fraction(wanted) * (1 + 8 * U)
    if low == 0:
        assert found.error_bound == math.inf
    else:
        error = max(1 / low - 1, 1 - 1 / high)
        assert error * (1 - U) <= Fraction(found.error_bound) <= error * (1 + 64 * U) + 64 * U
    for premise in (None, 1.0, 2.0, 1e300):
        ratios = found.variance_ratios_given(premise)
        assert ratios[0] == found.least_ratio
        share = kept(displaced, found.kurtosis if premise is None else premise)
        if share == 0 or Fraction(found.weighted_ratio) / share > Fraction(found.largest_ratio):
            assert ratios[1] == found.largest_ratio
        else:
            exact = Fraction(found.weighted_ratio) / share
            assert exact <= Fraction(ratios[1]) <= exact * (1 + 8 * U)
        if low:
            given = found.error_bound_given(premise)
            error = max(1 / low - 1, 1 - 1 / Fraction(ratios[1]))
            assert error * (1 - 64 * U) - 64 * U <= Fraction(given) <= error * (1 + 64 * U) + 64 * U
            assert given <= found.error_bound
    assert found.upper_given == found.error_bound_given()
    for premise in (0.5, -1.0, math.nan, "large"):
        with pytest.raises(InvalidInputError, match="kurtosis must be"):
            found.error_bound_given(premise)


@pytest.mark.parametrize(("least", "largest"), [(0.0, 1.0), (1.0, math.inf)])
def test_without_one_of_the_ratios_there_is_no_error_bound(least, largest, monkeypatch, honest):
    balls = (flint.arb(1), flint.arb(least), flint.arb(1), flint.arb(1))
    top = flint.arb.pos_inf() if largest == math.inf else flint.arb(largest)
    found = with_parts(monkeypatch, honest, balls, top, 0.0, 0.0, True)
    assert found.error_bound == math.inf
    # A known kurtosis makes up for samples that are too far away.
    assert (found.error_bound_given(3.0) == math.inf) is (least == 0)


def exact_variance(X, K):
    """Kᵀ Σ K in fractions, Σ the covariance of all samples."""
    rows = fractions(X)
    rows = rows - rows.sum(axis=0) / Fraction(len(X))
    image = product(rows, K)
    return image.T @ image / Fraction(len(X))


@pytest.mark.parametrize("scale", [1.0, 2.0**300, 2.0**-300])
@pytest.mark.parametrize(("n", "d"), [(3, 1), (17, 2), (40, 3)])
def test_the_largest_variance_of_all_samples(scale, n, d):
    rng = np.random.default_rng(n)
    samples, K = rng.standard_normal((n, d)) + 3, rng.standard_normal((d, d))
    samples[0] *= 50
    with precision():
        found = above(module._largest_variance(samples * scale, K))
    exact = exact_variance(samples, K) * Fraction(scale) ** 2
    # Both sides of the largest eigenvalue: v'Av at a near eigenvector from below, its trace of powers from above.
    vector = fractions(np.linalg.eigh((exact / Fraction(scale) ** 2).astype(float))[1][:, -1:])
    quotient = (vector.T @ exact @ vector)[0, 0] / (vector.T @ vector)[0, 0]
    assert quotient <= found <= quotient * (1 + Fraction(1, 10**9))


def test_rounding_of_the_largest_variance(monkeypatch):
    """The errors of coordinates and of the product, as they go into the proof."""
    calls = []
    monkeypatch.setattr(module, "_largest_eigenvalue", lambda A, error: calls.append((A, error)) or 3.0)
    rng = np.random.default_rng(0)
    Y, errors = rng.standard_normal((9, 2)), rng.random(9) * 1e-3
    monkeypatch.setattr(module, "coordinates", lambda X, location, K: (Y, errors))
    with precision():
        found = above(module._largest_variance(np.zeros((9, 2)), np.eye(2)))
    exponent = math.frexp(np.abs(Y).max())[1]
    size, gap = norm(np.ldexp(Y, -exponent)), norm(np.ldexp(errors, -exponent)) + Fraction(TINY)
    assert is_just_above(calls[0][1], exact_gamma(13) * size**2 + gap * (2 * size + gap))
    assert is_just_above(found, Fraction(3) / 9 * Fraction(4) ** exponent)
    np.testing.assert_array_equal(calls[0][0], np.ldexp(Y, -exponent).T @ np.ldexp(Y, -exponent))


@pytest.mark.parametrize("place", ["samples", "errors", "rows"])
def test_samples_that_overflow_have_no_variance(place, monkeypatch):
    samples, Y, errors = np.ones((3, 1)), np.ones((3, 1)), np.zeros(3)
    samples[0] = 1.7e308 if place == "samples" else 1.0
    samples[1] = samples[0]
    if place != "samples":
        (errors if place == "errors" else Y)[1] = np.inf
        monkeypatch.setattr(module, "coordinates", lambda X, location, K: (Y, errors))
    with precision():
        assert module._largest_variance(samples, np.eye(1)) == flint.arb.pos_inf()


def test_a_largest_eigenvalue_must_be_proved(monkeypatch):
    found = module._largest_eigenvalue(np.diag([2.0, 1.0, 0.0]), 1e-6)
    assert 2 + 1e-6 < found < 2 + 1e-5
    monkeypatch.setattr(module, "is_proved_positive_definite", lambda A, error: False)
    with pytest.raises(CertificateError, match="variance of the samples"):
        module._largest_eigenvalue(np.eye(2), 0.0)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"weights": np.full(32, 0.5 / 32)}, "about one"),
        ({"weights": np.full(32, 2.0 / 32)}, "about one"),
        ({"contamination": 0.5}, "contamination"),
        ({"contamination": -5e-324}, "contamination"),
    ],
)
def test_each_field_is_checked_by_itself(fields, words, monkeypatch):
    samples = np.random.default_rng(5).standard_normal((32, 2))
    honest = certify_covariance(samples, np.ones(32), 0.0)
    monkeypatch.setattr(module.CovarianceCertificate, "_ratios", lambda self, X: [flint.arb(1)] * 4)
    values = {name: getattr(honest, name) for name in honest.__slots__}
    for share in (0.51, 1.99):
        type(honest)(**(values | {"weights": np.full(32, share / 32)})).verify(samples)
    type(honest)(**(values | {"contamination": math.nextafter(0.5, 0)})).verify(samples)
    with pytest.raises(CertificateError, match=words):
        type(honest)(**(values | fields)).verify(samples)


def test_the_norm_is_that_of_fourth_moments(honest):
    """The exponent of a certificate that would prove too little about the kurtosis."""
    for q in (2.0, math.nextafter(4, 5), 3.0):
        kind = "row_norm" if q == 2 else "flattening"
        rows = whitened_rows((X - honest.location) @ honest.transform, honest.weights)
        with pytest.raises(CertificateError, match="q = 4"):
            dataclasses.replace(honest, norm=hn.spectral_bound(rows, q, kind)).verify(X)
    with pytest.raises(CertificateError, match="q = 4"):
        dataclasses.replace(honest, norm=dataclasses.replace(honest.norm, q=4)).verify(X)


def test_samples_that_change_after_the_fingerprint_change_nothing(monkeypatch, honest):
    given, expected, check = X.copy(), honest.verify(X), subjects.check_identity

    def change(*arguments):
        check(*arguments)
        given[:] = 0

    monkeypatch.setattr(subjects, "check_identity", change)
    assert honest.verify(given).kurtosis == expected.kurtosis


def test_every_storage_of_the_samples_is_read(honest):
    assert honest.verify(sp.csr_array(X)).kurtosis == honest.verify(X).kurtosis
    assert honest.verify(X.tolist()).kurtosis == honest.verify(X).kurtosis
