"""The numbers of a covariance certificate, computed again in rational arithmetic from docs/theory/robust.md."""

import dataclasses
import math
from fractions import Fraction
from types import SimpleNamespace

import flint
import numpy as np
import pytest
import scipy.sparse as sp

import hypernorm as hn
from hypernorm.certificates import covariance as module
from hypernorm.certificates import whitened_rows
from hypernorm.certificates.rounding import TINY, UNIT, definite_shift, precision, rational
from hypernorm.exceptions import CertificateError, InvalidInputError
from hypernorm.robust import certify_covariance
from tests.oracles.exact import SAFETY, U, above, exact_gamma, fractions, is_just_above, norm, product, root

VANISHED = Fraction(1, 2**500)


class Catch:
    """In the place of `_eigenvalue_bounds`: given answers, one after the other, to questions that are kept."""

    def __init__(self, monkeypatch, *answers):
        self.answers, self.calls = list(answers), []
        monkeypatch.setattr(module, "_eigenvalue_bounds", self)

    def __call__(self, A, error):
        self.calls.append((A, error))
        return self.answers[len(self.calls) - 1]


def arrays(X, K, C=None, location=None, weights=None):
    n, d = X.shape
    return SimpleNamespace(
        samples=X,
        location=np.zeros(d) if location is None else location,
        covariance=np.eye(d) if C is None else C,
        weights=np.full(n, 1 / n) if weights is None else weights,
        transform=K,
    )


def proved(given, norm_=0.0):
    with precision():
        given.norm = SimpleNamespace(prove=lambda rows: SimpleNamespace(upper=norm_))
        return [above(ball) for ball in module.CovarianceCertificate._ratios(given, given.samples)]


def test_what_is_subtracted_is_that_of_the_constants():
    assert module._VANISHED == 2.0**-500


@pytest.mark.parametrize("d", [1, 2, 4])
def test_coordinates_are_within_their_errors(d):
    rng = np.random.default_rng(d)
    X, location, K = rng.standard_normal((5, d)), rng.standard_normal(d), rng.standard_normal((d, d)) * 1e3
    Y, errors = module.coordinates(X, location, K)
    for x, y, error in zip(X, Y, errors.tolist(), strict=True):
        magnitudes = product(np.abs(x - location)[None], np.abs(K))
        assert is_just_above(error, SAFETY * exact_gamma(d + 2) * norm(magnitudes) + VANISHED)
        exact = product(fractions(x) - fractions(location), K)
        assert norm(exact - product(y)) <= Fraction(error)
    assert is_just_above(module.coordinates(location[None], location, K)[1][0], VANISHED)


@pytest.mark.parametrize("errors", [0.0, 1e-3])
@pytest.mark.parametrize("norm_", [0.0, 1.5])
@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("n", [4, 16])
def test_the_kurtosis_and_the_ratios(errors, norm_, centered, n, monkeypatch):
    """From given bounds on eigenvalues: the errors of rows and mean are those of the coordinates and of the sums."""
    rng = np.random.default_rng(n)
    Y = np.round(64 * rng.standard_normal((n // 2, 2))) / 64  # so that a mean of zero is one
    Y = np.vstack([Y, -Y if centered else Y + 1])
    weights = np.full(n, 1 / n)
    monkeypatch.setattr(module, "coordinates", lambda X, location, K: (Y, np.full(n, errors)))
    caught = Catch(monkeypatch, (3.0, 5.0), (2.0, 7.0))
    kurtosis, least, largest, matrix = proved(arrays(Y, np.eye(2)), norm_)

    depth, w = exact_gamma(n + 4), [Fraction(x) for x in weights.tolist()]
    fourth_errors = root(sum(root(x) * Fraction(errors) ** 2 for x in w))
    gap = SAFETY * (fourth_errors + 2 * U * norm(whitened_rows(Y, weights))) + Fraction(TINY)
    low, high = (1 - depth), (1 + depth)
    fourth = (Fraction(norm_) + gap) / root(root(low))
    mean = norm(product(weights, Y))
    rounding = depth * norm(product(weights, np.abs(Y))) + sum(w) * Fraction(errors)
    offset = (SAFETY * (mean + rounding) + VANISHED) / low
    variance = Fraction(3) / high - offset**2
    tight = 8 * U if norm_ and centered and not errors else Fraction(1, 10**9)
    assert is_just_above(kurtosis, ((fourth + offset) ** 2 / variance) ** 2, tight)
    assert is_just_above(least, variance / 7, 4 * U)
    assert is_just_above(largest, Fraction(5) / low / 2, 4 * U)
    assert matrix == 2

    V = root_rows(Y, w)
    size = norm(np.sqrt(weights)[:, None] * Y)
    gap = root(sum(x * Fraction(errors) ** 2 for x in w)) + 3 * U * size
    assert is_just_above(caught.calls[0][1], depth * size**2 + gap * (2 * size + gap))
    assert norm(product(caught.calls[0][0]) - V) <= Fraction(caught.calls[0][1])


def root_rows(Y, w):
    """Σ w_i y_i y_iᵀ exactly."""
    exact = product(Y)
    return (exact * np.array(w, dtype=object)[:, None]).T @ exact


def test_totals_are_those_of_the_weights(monkeypatch):
    X = np.array([[1.0], [-1.0]])
    weights = np.array([0.75, 0.75])
    Catch(monkeypatch, (3.0, 5.0), (2.0, 7.0))
    kurtosis, least, largest, _ = proved(arrays(X, np.eye(1), weights=weights), 8.0)
    depth = exact_gamma(6)
    # The fourth power of 8/1.5^(1/4) over the square of 3/1.5, short of an offset of rounding.
    assert is_just_above(kurtosis, Fraction(8) ** 4 / Fraction(3, 2) / 4, Fraction(1, 10**12))
    assert is_just_above(least, Fraction(2) / (1 + depth) / 7, 4 * U)
    assert is_just_above(largest, Fraction(5) / Fraction(3, 2) / (1 - depth) / 2, 4 * U)


def test_a_proof_of_no_rows_at_all(monkeypatch):
    """Samples that are all at the location: what is left are the terms for what underflows."""
    X = np.zeros((4, 2))
    Catch(monkeypatch, (1.0, 1.0), (1.0, 1.0))
    root_of_kurtosis = root(proved(arrays(X, np.eye(2)))[0])
    fourth = SAFETY * root(4 * Fraction(1, 2) * VANISHED**2) + Fraction(TINY)
    offset = SAFETY * VANISHED + VANISHED
    assert is_just_above(root(root_of_kurtosis), fourth + offset)
    monkeypatch.setattr(module, "coordinates", lambda X, location, K: (X, np.zeros(4)))
    for vanished in (0.0, 2.0**-900):
        monkeypatch.setattr(module, "_VANISHED", vanished)
        Catch(monkeypatch, (1.0, 1.0), (1.0, 1.0))
        assert is_just_above(root(root(proved(arrays(X, np.eye(2)))[0])), Fraction(TINY) + Fraction(vanished))


@pytest.mark.parametrize("scale", [1.0, 0.0])
def test_the_matrix_in_the_coordinates(scale, monkeypatch):
    rng = np.random.default_rng(3)
    K, C = 2.0**50 * rng.standard_normal((3, 3)), rng.standard_normal((3, 3))
    C = scale * (C @ C.T)
    C = (C + C.T) / 2
    caught = Catch(monkeypatch, (3.0, 5.0), (2.0, 7.0))
    monkeypatch.setattr(module, "coordinates", lambda X, location, K: (X, np.zeros(6)))
    proved(arrays(0.1 * rng.standard_normal((6, 3)), K, C))
    image, error = caught.calls[1]
    magnitude = norm(product(np.abs(K).T, np.abs(C), np.abs(K)))
    lost = 3 * Fraction(float(np.abs(K).sum())) / 2**1060
    assert is_just_above(error, exact_gamma(10) * magnitude + lost)
    assert norm(product(image) - product(K.T, C, K)) <= Fraction(error)


@pytest.mark.parametrize(
    ("variances", "matrix", "far"),
    [
        ((0.0, 1.0), (1.0, 1.0), 0),
        ((-1.0, 1.0), (1.0, 1.0), 0),
        ((1.0, 1.0), (0.0, 1.0), 0),
        ((1.0, 9.0), (1.0, 1.0), 2),
    ],
)
def test_coordinates_without_full_rank_are_refused(variances, matrix, far, monkeypatch):
    Catch(monkeypatch, variances, matrix)
    with pytest.raises(CertificateError, match="full rank"):
        proved(arrays(np.full((4, 1), float(far)), np.eye(1)))


def test_a_variance_that_may_be_zero_is_refused(monkeypatch):
    """The distance from the mean takes all of it."""
    monkeypatch.setattr(module, "coordinates", lambda X, location, K: (np.zeros((1, 1)), np.zeros(1)))
    monkeypatch.setattr(module, "gamma", lambda m: 0.0)
    monkeypatch.setattr(module, "_VANISHED", 1.0)
    for below, refused in ((1.0, True), (math.nextafter(1, 0), True), (1.5, False)):
        Catch(monkeypatch, (below, 2.0), (1.0, 1.0))
        given = arrays(np.zeros((1, 1)), np.eye(1), weights=np.ones(1))
        if refused:
            with pytest.raises(CertificateError, match="full rank"):
                proved(given)
        else:
            assert is_just_above(proved(given)[1], Fraction(1, 2), 4 * U)


@pytest.mark.parametrize("place", ["errors", "rows"])
def test_coordinates_that_overflow_are_refused(place, monkeypatch):
    """One number that is infinite, in one array alone."""
    Y, errors = np.ones((3, 2)), np.zeros(3)
    (errors if place == "errors" else Y)[1] = np.inf
    monkeypatch.setattr(module, "coordinates", lambda X, location, K: (Y, errors))
    with pytest.raises(CertificateError, match="coordinates overflow"):
        proved(arrays(Y, np.eye(2)))


@pytest.mark.parametrize("error", [0.0, 1e-3])
@pytest.mark.parametrize("size", [1.0, 2.0**-90, 2.0**90])
def test_bounds_on_eigenvalues(error, size, monkeypatch):
    calls = []
    monkeypatch.setattr(module, "is_proved_positive_definite", lambda A, error: calls.append((A, error)) or True)
    error *= size
    A = size * np.array([[2.0, 0.5, 0.0], [0.25, 1.0, 0.0], [0.0, 0.0, 4.0]])
    below, above_ = module._eigenvalue_bounds(A, error)
    B = (A + A.T) / 2
    granted = SAFETY * (Fraction(error) + 4 * U * norm(B)) + Fraction(TINY)
    assert all(is_just_above(found, granted) for _, found in calls)
    values = np.linalg.eigvalsh(B)
    margin = 4 * (float(granted) + definite_shift(np.eye(3) * values[-1]))
    assert (below, above_) == pytest.approx((values[0] - margin, values[-1] + margin), rel=1e-15)
    if not error:  # the margin is seen in the last places alone
        margins = [(values[0] - below) / size, (above_ - values[-1]) / size]
        assert margins == pytest.approx([margin / size] * 2, abs=2 * math.ulp(4))
    np.testing.assert_array_equal(calls[0][0], B - below * np.eye(3))
    np.testing.assert_array_equal(calls[1][0], above_ * np.eye(3) - B)


def test_eigenvalues_in_one_dimension_grant_four_times_the_error(monkeypatch):
    monkeypatch.setattr(module, "is_proved_positive_definite", lambda A, error: True)
    below, above_ = module._eigenvalue_bounds(np.full((1, 1), 1.0), 2.0**-20)
    granted = 4 * (SAFETY * (Fraction(1, 2**20) + 4 * U) + 4 * exact_gamma(5))
    assert is_just_above(1 - Fraction(below), granted, Fraction(1, 10**9))
    assert is_just_above(Fraction(above_) - 1, granted, Fraction(1, 10**9))


@pytest.mark.parametrize("verdicts", [(True, False), (False, True), (False, False)])
def test_both_ends_must_be_proved(verdicts, monkeypatch):
    answers = iter(verdicts)
    monkeypatch.setattr(module, "is_proved_positive_definite", lambda A, error: next(answers))
    with pytest.raises(CertificateError, match="full rank"):
        module._eigenvalue_bounds(np.eye(2), 0.0)


@pytest.mark.parametrize(
    ("A", "error", "words"),
    [
        (np.eye(2) * 2.0**-100, 0.0, "full rank"),
        (np.eye(2) * 2.0**100, 0.0, "full rank"),
        (np.diag([1.0, 2.0**-100]), 0.0, "full rank"),
        (np.diag([1.0, 0.0]), 0.0, "full rank"),
        (np.full((1, 1), np.inf), 0.0, "overflow"),
        (np.array([[1.0, 0.0], [0.0, np.nan]]), 0.0, "overflow"),
        (np.eye(1), math.inf, "overflow"),
        (np.eye(1), math.nan, "overflow"),
    ],
)
def test_eigenvalues_out_of_range_are_refused(A, error, words):
    with pytest.raises(CertificateError, match=words):
        module._eigenvalue_bounds(A, error)


def test_eigenvalues_within_the_range_are_bounded():
    for size in (2.0**-99, 2.0**99):
        below, above_ = module._eigenvalue_bounds(np.eye(2) * size, 0.0)
        assert size * (1 - 1e-12) < below < size < above_ < size * (1 + 1e-12)


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
    given, expected, check = X.copy(), honest.verify(X), module.check_identity

    def change(*arguments):
        check(*arguments)
        given[:] = 0

    monkeypatch.setattr(module, "check_identity", change)
    assert honest.verify(given).kurtosis == expected.kurtosis


def test_every_storage_of_the_samples_is_read(honest):
    assert honest.verify(sp.csr_array(X)).kurtosis == honest.verify(X).kurtosis
    assert honest.verify(X.tolist()).kurtosis == honest.verify(X).kurtosis


def test_unit_is_that_of_the_tests():
    assert Fraction(UNIT) == U
