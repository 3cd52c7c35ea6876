"""The numbers of a mean certificate, computed again in fractions from docs/theory/robust.md."""

import dataclasses
import math
from fractions import Fraction
from types import SimpleNamespace

import flint
import numpy as np
import pytest

import hypernorm as hn
from hypernorm._validation import check_rows
from hypernorm.certificates import (
    MeanCertificate,
    moments,
    weighted_rows,
)
from hypernorm.certificates import mean as module
from hypernorm.certificates.moments import Weights, check_finite_exponent, largest_difference, total_below
from hypernorm.certificates.rounding import precision, rational
from hypernorm.exceptions import CertificateError, InvalidInputError
from tests.oracles.exact import SAFETY, U, above, exact_gamma, is_just_above, norm, part_factors, power, root


def in_chunks(X):
    da = pytest.importorskip("dask.array")
    return check_rows(da.from_array(X, chunks=(3, X.shape[1])))


@pytest.mark.parametrize("n", [1, 4, 64])
def test_the_total_is_rounded_down(n):
    share = 1 - Fraction(total_below(np.full(n, 0.25))) / (Fraction(n) / 4)
    assert share == (n + 4) * U  # to the last place, which second order does not reach


def test_weights_have_an_ordinary_sum():
    for total in (2.0**-500, 2.0**500, 0.0, 2.0**-501, 2.0**501):
        with pytest.raises(CertificateError, match="ordinary positive sum"):
            Weights("n").check(np.array([total, 0.0]), "weights", {"n": 2})
    for total in (math.nextafter(2.0**-500, 1), math.nextafter(2.0**500, 0)):
        weights = np.array([total, 0.0, -0.0])
        copy = Weights("n").check(weights, "weights", {"n": 3})
        assert copy is not weights
        assert (copy == weights).all()
    with pytest.raises(CertificateError, match="must not be negative"):
        Weights("n").check(np.array([1.0, -5e-324]), "weights", {"n": 2})


def test_norms_are_certificates_for_finite_exponents():
    X = np.eye(2)
    check_finite_exponent(hn.spectral_bound(X, 2.0, kind="row_norm"))
    good = hn.spectral_bound(X, 4.0)
    for q in (1.5, math.nextafter(2, 0), math.inf, math.nan):
        with pytest.raises(CertificateError, match="finite exponents"):
            check_finite_exponent(dataclasses.replace(good, q=q))


@pytest.mark.parametrize("q", [2, 3, 7])
@pytest.mark.parametrize("wrap", [np.asarray, in_chunks])
def test_rows_are_weighted_with_factors_rounded_up(q, wrap):
    rng = np.random.default_rng(q)
    X, location = rng.standard_normal((7, 2)), rng.standard_normal(2)
    weights = rng.uniform(size=7) * np.array([1, 0, 1e-200, 1, 2.0**-40, 0, 1e100])
    Y = weighted_rows(wrap(X), weights, location, float(q))
    assert tuple(Y.shape) == (5, 2)
    Y = np.vstack(moments.of_pieces(Y, lambda piece: piece))
    kept = weights > 0
    assert Y.shape == (5, 2)
    for row, x, weight in zip(Y, X[kept], weights[kept].tolist(), strict=True):
        factor = row[0] / (x - location)[0]
        candidates = [factor, math.nextafter(factor, 0), math.nextafter(factor, math.inf)]
        candidates = [f for f in candidates if (row == (x - location) * f).all()]
        assert any(weight <= Fraction(f) ** q <= Fraction(weight) * (1 + 8 * U) ** q for f in candidates)


@pytest.mark.parametrize("wrap", [np.asarray, in_chunks])
def test_the_largest_difference_is_that_of_samples_with_weight(wrap):
    X = np.array([[1.0, 2.0], [0.0, -7.0], [9.0, 9.0], [0.5, 0.5], [0.0, 0.0]])
    weights = np.array([1.0, 1.0, 0.0, 1.0, 0.0])
    assert largest_difference(wrap(X), weights, np.array([0.5, 1.0])) == 8.0
    assert largest_difference(wrap(X / 64), weights, np.array([0.5, 1.0]) / 64) == 0.125
    assert largest_difference(wrap(X), np.zeros(5), np.zeros(2)) == 0.0
    assert largest_difference(wrap(X * 1e307), weights, np.full(2, 1.7e308)) == math.inf


def offset_of(X, weights, location, total):
    with precision():
        return above(moments.distance_from_mean(X, weights, location, total))


@pytest.mark.parametrize("scale", [1.0, 2.0**-600, 2.0**600])
@pytest.mark.parametrize("weight", [0.25, 2.0**-490, 2.0**400])
@pytest.mark.parametrize("wrap", [np.asarray, in_chunks])
def test_a_location_at_the_mean_pays_for_rounding_alone(scale, weight, wrap):
    X = scale * np.array([[1.5, 0.5], [-1.5, -0.5], [0.25, 1.0], [-0.25, -1.0], [0.0, 0.0]])
    X[4] = [1e300, 7.0]  # without weight
    weights = weight * np.array([1.0, 1.0, 2.0, 2.0, 0.0])
    sizes = weight * norm([4.0, 5.0])  # Σ w_i |x_i|, the sample without weight left out
    total = 6 * weight
    found = offset_of(wrap(X), weights, np.zeros(2), total)
    assert is_just_above(found, SAFETY * exact_gamma(5 + 4) * Fraction(sizes) * Fraction(scale) / Fraction(total))
    # At another place the distance is added.
    away = offset_of(wrap(X), weights, scale * np.array([-3.0, 4.0]), total)
    assert is_just_above(away, SAFETY * 5 * Fraction(scale), Fraction(1, 10**12))


def test_columns_of_all_sizes_are_measured():
    X = np.array([[1.0, 1e-200, 1e-310]] * 4)
    assert is_just_above(offset_of(X, np.full(4, 0.25), np.zeros(3), 1.0), SAFETY, Fraction(1, 10**12))
    small = np.array([[1e-200, 0.0], [-1e-200, 1.0], [1e-200, -1.0], [-1e-200, 0.0]])
    found = offset_of(small, np.full(4, 0.25), np.zeros(2), 1.0)
    assert is_just_above(found, SAFETY * exact_gamma(8) / 2)


@pytest.mark.parametrize("total", [1.0, 3.0, 2.0**-300])
def test_what_underflows_in_the_sum_is_granted(total):
    """Equal samples: only the last term is left, for n·d products and n·d scaled differences."""
    X = np.full((5, 3), 0.75)
    found = offset_of(X, np.full(5, total / 5), X[0], total)
    granted = (1 + Fraction(total)) * 15 * Fraction(1, 2**1070) / Fraction(total)
    assert is_just_above(found, granted)
    tiny = np.array([[1.0], [-1.0]])
    found = offset_of(tiny, np.full(2, 2.0**-1010), np.zeros(1), 2.0**-1009)
    granted = SAFETY * exact_gamma(6) + 2 * 2 * (1 + Fraction(1, 2**1009)) * Fraction(2**1009, 2**1070)
    assert is_just_above(found, granted)


def test_differences_that_overflow_have_no_mean():
    with pytest.raises(CertificateError, match="overflow"):
        offset_of(np.array([[1e308], [-1e308]]), np.ones(2), np.full(1, 1.5e308), 2.0)


@pytest.mark.parametrize("scale", [1.0, 1e-300, 1e300, 5e-324])
@pytest.mark.parametrize("wrap", [np.asarray, in_chunks])
def test_the_rounding_of_the_rows(scale, wrap):
    Y = np.array([[3.0, -5.0], [-1.0, 2.0], [0.0, 1.0], [0.0, -1.0]]) * scale
    with precision():
        found = above(moments._rounding(wrap(Y)))
        vanished = Fraction(1, 2**1073) * root(8)
        assert is_just_above(found, SAFETY * 2 * U * norm(Y) + vanished)
        assert is_just_above(above(moments._rounding(wrap(0 * Y))), vanished)
        for part in (
            Y / (5 * scale),
            -np.abs(Y),
            np.vstack([Y, np.zeros((3, 2))]),
            np.vstack([Y, np.full((3, 2), 1e-300)]),
        ):
            rounded = above(moments._rounding(wrap(part)))
            assert is_just_above(rounded, SAFETY * 2 * U * norm(part) + Fraction(1, 2**1073) * root(part.size))
        infinite = Y.copy()
        infinite[3, 1] = np.inf
        if wrap is np.asarray:
            assert not moments._rounding(infinite).is_finite()


@pytest.mark.parametrize("q", [2.0, 4.0])
@pytest.mark.parametrize("proved", [0.0, 1.5])
def test_the_moment_about_a_location(q, proved, monkeypatch):
    X, weights, location = np.array([[3.0], [1.0], [8.0]]), np.array([16.0, 0.0, 81.0]), np.array([1.0])
    seen = []
    stub = SimpleNamespace(q=q, prove=lambda rows: seen.append(rows) or SimpleNamespace(upper=proved))
    with precision():
        found = above(moments.moment_about(X, weights, location, stub, 16.0))
    Y = weighted_rows(X, weights, location, q)
    assert seen[0].shape == (2, 1)
    rounding = SAFETY * 2 * U * norm(Y) + Fraction(1, 2**1073) * root(2)
    assert is_just_above(found, (Fraction(proved) + rounding) / (4 if q == 2 else 2))


@pytest.mark.parametrize(("proved", "entry"), [(math.inf, 1.0), (math.nan, 1.0), (1.0, 1.7e308)])
def test_moments_that_overflow_are_refused(proved, entry, monkeypatch):
    monkeypatch.setattr(moments, "Rows", lambda Y: None)
    stub = SimpleNamespace(q=2.0, prove=lambda rows: SimpleNamespace(upper=proved))
    with pytest.raises(CertificateError, match="moments overflow"):
        moments.moment_about(np.full((2, 1), entry), np.full(2, 9.0), np.zeros(1), stub, 18.0)


X = np.random.default_rng(0).standard_normal((4, 1))


@pytest.fixture(scope="module")
def norms():
    Y = {q: weighted_rows(X, np.ones(4), np.zeros(1), q) for q in (2.0, 4.0)}
    return tuple(hn.spectral_bound(rows, q, kind="row_norm") for q, rows in Y.items())


def proved(monkeypatch, norms, displaced, outliers, weighted, whole):
    """The result from given parts of it: moments and offset under the weights and under the base weights."""
    parts = iter((weighted, whole))
    monkeypatch.setattr(module, "total_variation_bound", lambda *arguments: displaced)
    monkeypatch.setattr(module, "outlier_mass", lambda *arguments: Fraction(outliers))

    def given(self, subject, weights, norms):
        *abouts, offset = next(parts)
        return list(map(rational, abouts)), rational(offset)

    monkeypatch.setattr(MeanCertificate, "_about_location", given)
    return mean_certificate(norms[: len(weighted) - 1], norms[: len(weighted) - 1]).prove(X)


def mean_certificate(norms, base_norms, weights=(1.0, 1.0, 1.0, 0.5)):
    return MeanCertificate(
        location=np.zeros(1), weights=np.array(weights), base_weights=None, contamination=0.25, norms=norms,
        base_norms=base_norms, shape=(4, 1), fingerprint="0" * 64,
    )  # fmt: skip


def just_above(found, wanted):
    return wanted <= Fraction(found) <= wanted * (1 + 8 * U) or (wanted == 0 and 0 <= found < 1e-300)


@pytest.mark.parametrize("q", [2, 4])
@pytest.mark.parametrize("offsets", [(0.0, 0.0), (0.5, 0.0), (1e-17, 0.75)])
@pytest.mark.parametrize("displaced", [0.0, 0.0625, 0.5, 1.0])
@pytest.mark.parametrize("outliers", [0.0, 0.25])
@pytest.mark.parametrize("whole", [3.0, 0.125])
def test_the_bounds_are_the_formulas(q, offsets, displaced, outliers, whole, norms, monkeypatch):
    ours = tuple(norm for norm in norms if norm.q == q)
    found = proved(monkeypatch, ours, displaced, outliers, (2.0, offsets[0]), (whole, offsets[1]))
    spread = power(Fraction(displaced) ** (q - 1), q) * (2 + Fraction(whole) / power(1 - Fraction(outliers), q))
    inner, outer = part_factors(outliers, q)
    free = min(spread + Fraction(offsets[0]), inner * Fraction(whole) + outer * Fraction(offsets[1]))
    assert just_above(found.upper, free)
    assert (found.total_variation, found.orders) == (displaced, (float(q),))
    assert just_above(found.moments[0], Fraction(2))
    assert just_above(found.offset, Fraction(offsets[0]))
    assert found.upper_given == found.error_bound_given() == found.error_bound_given(found.moments[0])
    for B in (0.0, 2.0, 100.0):
        bound = found.error_bound_given(B, order=q)
        if displaced == 1:
            assert bound == found.upper
            continue
        inner, outer = part_factors(displaced, q)
        exact = inner * (Fraction(found.moments[0]) + Fraction(B)) + outer * Fraction(found.offset)
        assert bound <= found.upper
        assert just_above(bound, exact) or (bound == found.upper and exact * (1 + 8 * U) >= free)


@pytest.mark.parametrize("base", [None, np.array([1.0, 2.0, 3.0, 4.0])])
def test_the_moments_are_those_of_weights_and_base_weights(base, norms, monkeypatch):
    seen = []

    def distance(matrix, weights, location, total):
        seen.append((weights.tolist(), total))
        return rational(0.5)

    monkeypatch.setattr(module, "distance_from_mean", distance)
    monkeypatch.setattr(module, "moment_about", lambda X, weights, location, norm, total: rational(norm.q + weights[1]))
    certificate = dataclasses.replace(mean_certificate(norms, norms), base_weights=base)
    found = certificate.prove(X)
    all_samples = np.ones(4) if base is None else base
    expected = [(weights.tolist(), total_below(weights)) for weights in (certificate.weights, all_samples)]
    assert seen == expected
    assert found.moments == pytest.approx((3.0, 5.0), rel=1e-14)
    assert found.offset == pytest.approx(0.5, rel=1e-14)


def test_the_smallest_of_several_bounds_counts(norms, monkeypatch):
    for fourth in (1.0, 4.0, 100.0):
        found = proved(monkeypatch, norms, 0.0625, 0.0, (2.0, fourth, 0.25), (3.0, fourth, 9.0))
        second, other = (2 + 3) * 0.25 + 0.25, (fourth + fourth) * 0.125 + 0.25
        assert found.upper == pytest.approx(min(second, other), rel=1e-14)
        assert found.moments == pytest.approx((2.0, fourth), rel=1e-14)
        assert (
            found.premise_given == (f"the moment of the inliers of order 4 is at most {fourth:g}, that of the weights")
            or found.moments[1] > fourth
        )
        assert found.upper_given == found.error_bound_given(order=4)
        assert found.error_bound_given(0.5, order=2) != found.error_bound_given(0.5)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"moment": -1.0}, "moment must be"),
        ({"moment": math.nan}, "moment must be"),
        ({"moment": "large"}, "moment must be"),
        ({"moment": 1.0, "order": 3}, "order=3 is not certified, only 2, 4"),
    ],
)
def test_unusable_premises_are_named(arguments, words, norms, monkeypatch):
    found = proved(monkeypatch, norms, 0.0625, 0.0, (2.0, 2.0, 0.25), (3.0, 3.0, 9.0))
    with pytest.raises(InvalidInputError, match=words):
        found.error_bound_given(**arguments)


def test_without_moments_of_all_samples_a_premise_is_needed(norms, monkeypatch):
    monkeypatch.setattr(MeanCertificate, "_about_location", lambda *arguments: ([rational(2)], rational(0)))
    for weights, finite in (((1.0, 1.0, 1.0, 0.5), False), ((0.5, 0.5, 0.5, 0.5), True)):
        found = mean_certificate(norms[:1], None, weights).prove(X)
        assert math.isfinite(found.upper) is finite
        assert found.upper_given < 10


@pytest.mark.parametrize("displaced", [1.0, math.nextafter(1, 0)])
def test_nothing_follows_from_a_premise_if_all_mass_may_be_displaced(displaced, norms, monkeypatch):
    monkeypatch.setattr(module, "total_variation_bound", lambda *arguments: displaced)
    monkeypatch.setattr(MeanCertificate, "_about_location", lambda *arguments: ([rational(2)], rational(0)))
    found = mean_certificate(norms[:1], None).prove(X)
    assert found.upper_given == math.inf if displaced == 1 else 1e7 < found.upper_given < 1e9


def test_balls_of_the_parts_are_rounded_outward(norms, monkeypatch):
    monkeypatch.setattr(module, "total_variation_bound", lambda *arguments: 0.25)
    monkeypatch.setattr(module, "outlier_mass", lambda *arguments: Fraction(0))
    monkeypatch.setattr(
        MeanCertificate, "_about_location", lambda *arguments: ([flint.arb(2, 0.25)], flint.arb(1, 0.125))
    )
    found = mean_certificate(norms[:1], None).prove(X)
    assert found.moments[0] >= 2.25
    assert found.offset >= 1.125
    monkeypatch.setattr(module, "are_base_weights", lambda *arguments: True)
    assert mean_certificate(norms[:1], None).prove(X).upper >= 1.125


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"norms": list}, "norms must be a tuple"),
        ({"norms": ()}, "norms must be a tuple"),
        ({"base_norms": list}, "base norms must be a tuple"),
        ({"base_norms": lambda norms: norms[:1]}, "same exponents"),
        ({"base_norms": lambda norms: norms[::-1]}, "same exponents"),
        ({"base_norms": lambda norms: (norms[0], dataclasses.replace(norms[1], q=math.inf))}, "finite exponents"),
        ({"norms": lambda norms: (norms[0], None)}, "NormCertificate"),
        ({"norms": lambda norms: (norms[0], dataclasses.replace(norms[1], q=math.inf))}, "finite exponents"),
        ({"contamination": 0.5}, "contamination"),
        ({"contamination": -5e-324}, "contamination"),
        ({"contamination": 0}, "contamination"),
        ({"base_weights": np.array([1.0, 1.0, 1.0, -1.0])}, "base weights must not be negative"),
        ({"base_weights": np.ones(3)}, "base weights"),
    ],
)
def test_each_premise_is_checked_by_itself(fields, words, norms):
    fields = {name: value(norms) if callable(value) else value for name, value in fields.items()}
    good = {"norms": norms, "base_norms": norms, "contamination": 0.0, "base_weights": None}
    values = {"location": np.zeros(1), "weights": np.ones(4), "shape": (4, 1), "fingerprint": "0" * 64}
    assert MeanCertificate(**values, **good).prove(X).total_variation < 1e-13
    assert MeanCertificate(**values, **(good | {"base_weights": np.ones(4)})).prove(X).total_variation < 1e-3
    assert (
        MeanCertificate(**values, **(good | {"contamination": math.nextafter(0.5, 0)})).prove(X).total_variation > 0.2
    )
    with pytest.raises(CertificateError, match=words):
        MeanCertificate(**values, **(good | fields)).prove(X)


def test_rounding_of_rows_that_are_all_negative():
    """The scale is that of the absolute values."""
    Y = -np.array([[0.0, 3.0], [4.0, 0.0]])
    assert float(moments._rounding(Y).lower()) >= 2 * 2.0**-53 * 5
