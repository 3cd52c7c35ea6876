"""Parts of distributions: their means and masses, computed again in fractions from docs/theory/robust.md."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from hypernorm.certificates import are_base_weights, displacement, total_variation_bound
from hypernorm.certificates.rounding import precision, rational
from tests.oracles.exact import U, above, part_factors


def displaced_exactly(weights, base, intervals):
    """1 − min over the intervals [P1, P2] of ∫_0^P1 min(r(t), 1/P2) dt, in fractions."""
    total, whole = sum(weights), sum(base)
    steps = sorted((w / total / (p / whole), p / whole) for w, p in zip(weights, base, strict=True) if p > 0)
    overlaps = []
    for low, high in intervals:
        left, overlap = low, Fraction(0)
        for ratio, mass in steps:
            part = min(mass, left)
            overlap += part * min(ratio, 1 / high)
            left -= part
        overlaps.append(overlap)
    return 1 - min(overlaps)


WEIGHTS = {
    "equal": [1, 1, 1, 1, 1, 1, 1, 1],
    "some left out": [0, 0, 1, 1, 1, 1, 2, 2],
    "one far too heavy": [1, 1, 1, 1, 1, 1, 1, 57],
    "all different": [1, 3, 5, 7, 9, 11, 13, 15],
    "in between": [6, 7, 7, 8, 8, 9, 9, 10],
}


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("contamination", [0.0, 0.125, 0.2, 0.25, 0.375, 0.45])
def test_the_total_variation_is_the_formula_and_its_rounding(name, contamination):
    weights = [Fraction(w) for w in WEIGHTS[name]]
    n = len(weights)
    kept = [Fraction(k, n) for k in range(n - math.floor(contamination * n), n + 1)]
    exact = displaced_exactly(weights, [Fraction(1)] * n, [(P, P) for P in kept])
    found = Fraction(total_variation_bound(np.array(WEIGHTS[name], dtype=float), None, contamination))
    assert abs(found - min(exact + 16 * (n + 16) * U, Fraction(1))) <= 8 * U


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("contamination", [0.0, 0.2, 0.375])
def test_the_total_variation_for_other_base_weights(name, contamination, monkeypatch):
    monkeypatch.setattr(displacement, "_MASSES", 50)
    base = [Fraction(b) for b in (4, 0, 1, 2, 3, 3, 2, 1)]
    least = (1 - Fraction(contamination)) * (1 - Fraction(1, 10**12))
    edges = [least + (1 - least) * Fraction(k, 50) for k in range(51)]
    weights = [Fraction(w) for w in WEIGHTS[name]]
    exact = displaced_exactly(weights, base, itertools.pairwise(edges))
    found = Fraction(
        total_variation_bound(np.array(WEIGHTS[name], float), np.array(list(map(float, base))), contamination)
    )
    # Weight where there is no base weight is lost.
    assert abs(found - min(exact + 16 * (8 + 16) * U, Fraction(1))) <= 32 * U


def test_intervals_of_masses_are_fine():
    weights, base = np.r_[np.zeros(20), np.ones(80)], np.ones(100)
    assert 0.25 <= total_variation_bound(weights, base, 0.2) <= 0.25 + 0.25 / 2000
    assert total_variation_bound(weights, base, 0.2) > 0.25 + 0.2 / 2000 / 2


@pytest.mark.parametrize(("contamination", "n"), [(0.29, 100), (0.3, 10), (0.07, 100), (0.57 / 2, 2000)])
def test_shares_that_are_nearly_whole_count_as_whole(contamination, n):
    """0.29 · 100 is below 29 in floating point."""
    k = round(contamination * n)
    assert total_variation_bound(np.ones(n), None, contamination) == pytest.approx(k / n, abs=1e-11)


def test_the_total_variation_is_at_most_one():
    assert total_variation_bound(np.array([1.0, 0.0]), None, 0.49) <= 1.0
    assert total_variation_bound(np.array([1.0, 0.0]), np.array([0.0, 1.0]), 0.1) == 1.0


@pytest.mark.parametrize("q", [2, 4])
@pytest.mark.parametrize(
    "mass", [0, Fraction(1, 64), Fraction(1, 3), Fraction(1, 2), Fraction(9, 10), 1 - Fraction(1, 2**60)]
)
def test_the_factors_of_the_lemma(mass, q):
    with precision():
        for found, wanted in zip(
            displacement.part_factors(rational(mass), float(q)), part_factors(mass, q), strict=True
        ):
            assert abs(above(found) - wanted) <= wanted / 2**90


@pytest.mark.parametrize("q", [2.0, 3.0, 7.3, 1e6])
def test_a_part_without_mass_has_no_mean(q):
    with precision():
        assert not any(ball.is_finite() for ball in displacement.part_factors(rational(1), q)[1:])
        inner, outer = displacement.part_factors(rational(0), q)
        assert above(inner) == 0
        assert outer.contains(1)
        inner, outer = displacement.part_factors(rational(Fraction(1, 10)), q)
        assert inner.is_finite()
        assert 1 < above(outer) < Fraction(10, 9) * (1 + Fraction(1, 10**9))


def test_the_lemma_is_attained_and_never_exceeded():
    """Two atoms, and parts of random distributions about random points."""
    rng = np.random.default_rng(0)

    def bound(mass, q, moment, offset):
        with precision():
            inner, outer = displacement.part_factors(rational(mass), q)
            return float((inner * rational(moment) + outer * rational(offset)).upper())

    for q in (2.0, 4.0, 5.5):
        for mass in (0.01, 0.3, 0.8):
            moment = (1 - mass + mass * ((1 - mass) / mass) ** q) ** (1 / q)
            assert bound(mass, q, moment, 0.0) == pytest.approx(1, rel=1e-14)
        for _ in range(300):
            x, r = rng.standard_t(2, 4), rng.dirichlet(np.full(4, 0.5))
            part = r * rng.random(4)
            center = r @ x + rng.choice([0, 1]) * rng.standard_normal()
            moment = (r @ np.abs(x - center) ** q) ** (1 / q)
            found = bound(1 - part.sum(), q, moment, abs(r @ x - center))
            assert abs(part @ x / part.sum() - center) <= found * (1 + 1e-12)


@pytest.mark.parametrize(
    ("contamination", "n", "outliers"), [(0.29, 100, 29), (0.3, 10, 3), (0.09, 10, 0), (0.0, 7, 0)]
)
def test_equal_outliers_are_whole(contamination, n, outliers):
    assert displacement.outlier_mass(None, n, contamination) == Fraction(outliers, n)
    share = displacement.outlier_mass(np.ones(n), n, contamination)
    exact = 1 - (1 - Fraction(contamination)) * (1 - Fraction(1e-12))
    assert share == exact
    assert 0 < share - Fraction(contamination) <= Fraction(1e-12)


def test_base_weights_are_known_by_their_bits():
    equal, other = np.full(3, 0.1), np.array([0.1, 0.1, math.nextafter(0.1, 1)])
    assert are_base_weights(equal, None)
    assert not are_base_weights(other, None)
    assert are_base_weights(other, other.copy())
    assert not are_base_weights(other, equal)
