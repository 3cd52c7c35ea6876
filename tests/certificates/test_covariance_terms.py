"""The rounding terms of a covariance certificate, computed again in rational arithmetic from docs/theory/robust.md."""

import math
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from hypernorm.certificates import covariance as module
from hypernorm.certificates import whitened_rows
from hypernorm.certificates.rounding import TINY, UNIT, definite_shift, precision
from hypernorm.exceptions import CertificateError
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


def test_unit_is_that_of_the_tests():
    assert Fraction(UNIT) == U
