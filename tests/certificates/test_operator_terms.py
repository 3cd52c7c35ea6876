"""Each rounding term of the proofs of operator norms, against exact arithmetic."""

import math
from fractions import Fraction

import flint
import numpy as np
import pytest
import scipy.sparse as sp

import hypernorm as hn
from hypernorm.certificates import precision
from hypernorm.certificates.enumeration import sign_sums
from hypernorm.certificates.exponents import conjugate, norm_change, norm_of_balls
from hypernorm.certificates.nonnegative import (
    column_norms,
    largest_column_norm,
    power_above,
    products_above,
    simple_fraction,
)
from hypernorm.certificates.perron import _weighted_above
from hypernorm.certificates.rounding import upper_float
from hypernorm.certificates.two_to_q_weights import weighted_columns
from hypernorm.certificates.weights import _dominates, _dominates_exactly, _exact_squares, _weighted_squares

INF = math.inf
RNG = np.random.default_rng(0)
A = RNG.standard_normal((5, 4))
A[1, 2] = 0


def exact_power(x, power):
    """A ball of 300 bits around the power of a float."""
    found, flint.ctx.prec = flint.ctx.prec, 300
    try:
        return flint.arb(x) ** flint.arb(flint.fmpq(power.numerator, power.denominator))
    finally:
        flint.ctx.prec = found


@pytest.mark.parametrize("power", [Fraction(4, 3), Fraction(2), Fraction(13, 11), Fraction(40), Fraction(6, 5)])
def test_powers_are_upper_bounds(power):
    x = np.concatenate([RNG.random(50), [1.0, 2.0**-20, 2.0**-700, 5e-324, 1 - 2.0**-53]])
    found = power_above(x, power)
    for value, bound in zip(x.tolist(), found.tolist(), strict=True):
        true = exact_power(value, power)
        assert flint.arb(bound) >= true
        assert flint.arb(bound) <= true * (1 + 2.0**-42) + 2.0**-60


def test_untrusted_powers_are_noticed(monkeypatch):
    monkeypatch.setattr(np, "power", lambda x, y: x**y * (1 - 1e-9))
    with pytest.raises(hn.CertificateError, match="inaccurate"):
        power_above(np.array([0.5]), Fraction(4, 3))


@pytest.mark.parametrize("r", [1.0, 1.2, 4 / 3, 1.7320508, 2.0, 3.7, 4.0, 61.3, INF])
def test_norms_of_columns_are_upper_bounds(r):
    exponent = INF if r == INF else Fraction(r)
    entries = RNG.standard_normal((30, 7)) * 2.0 ** RNG.integers(-40, 1, (30, 7)) / 8
    entries[RNG.random((30, 7)) < 0.3] = 0
    with precision():
        exact = [norm_of_balls((flint.arb(abs(x)) for x in column if x), exponent) for column in entries.T.tolist()]
        for matrix in (entries, sp.csr_array(entries)):
            for ball, true in zip(column_norms(matrix, exponent, exact=False), exact, strict=True):
                assert upper_float(ball) >= float(true.lower())
                assert upper_float(ball) <= float(true.upper()) * (1 + 1e-11)
            largest = upper_float(largest_column_norm(matrix, exponent, exact=False))
            assert max(float(true.lower()) for true in exact) <= largest
            assert largest <= max(float(true.upper()) for true in exact) * (1 + 1e-11)


def test_products_are_upper_bounds():
    B, x = np.abs(RNG.standard_normal((20, 30))) / 8, RNG.random(30) + 1e-300
    B[0], B[1] = 5e-324, 2.0**-700
    with precision():
        exact = products_above(B, x, exact=True)
        for matrix in (B, sp.csr_array(B)):
            found = products_above(matrix, x, exact=False)
            for row, bound, tight in zip(B, found, exact, strict=True):
                true = sum(
                    (Fraction(a) * Fraction(b) for a, b in zip(row.tolist(), x.tolist(), strict=True)), Fraction(0)
                )
                assert true <= Fraction(float(tight)) <= Fraction(float(bound)) * (1 + Fraction(1, 10**15))
                assert Fraction(float(bound)) <= true * (1 + Fraction(1, 10**13)) + Fraction(2) ** -999


def test_weighted_columns_and_squares_include_their_rounding():
    s = np.exp(RNG.standard_normal(4))
    with precision():
        for matrix in (A, sp.csr_array(A)):
            Y, loss = weighted_columns(matrix, s, exact=False)
            Y = Y if isinstance(Y, np.ndarray) else Y.toarray()
            errors = [
                Fraction(x) * Fraction(w) - Fraction(y)
                for row, image in zip(A.tolist(), Y.tolist(), strict=True)
                for x, w, y in zip(row, s.tolist(), image, strict=True)
            ]
            square = sum((error**2 for error in errors), Fraction(0))
            _, tight = weighted_columns(matrix, s, exact=True)
            assert square <= Fraction(upper_float(tight)) ** 2
            assert upper_float(tight) <= upper_float(loss)
            for bound, true in zip(_weighted_squares(matrix, s), _exact_squares(matrix, s), strict=True):
                assert upper_float(bound) >= float(true.lower())
                assert upper_float(bound) <= float(true.upper()) * (1 + 1e-13)


def test_the_matrix_inequality_at_its_limit():
    """‖Diag(a)^{1/2} B Diag(d)^{−1/2}‖² is known for a rank-one B; values just above and below it are told apart."""
    a, d = np.array([4.0, 1.0]) ** RNG.integers(-40, 40), np.array([9.0, 0.25, 2.0**-80])
    x, y = np.array([0.5, 0.25]), np.array([0.5, 0.5, 2.0**-40])
    B = np.outer(x, y)
    least = float((a @ x**2) * (y**2 / d).sum())
    for proves in (_dominates, _dominates_exactly):
        assert proves(B, a, d, least * (1 + 1e-9))
        assert not proves(B, a, d, least * (1 - 1e-12))
        assert not proves(B, a, d, 0.0)
    assert _dominates(sp.csr_array(B), a, d, least * (1 + 1e-9))
    assert not _dominates(sp.csr_array(B), a, d, least * (1 - 1e-12))


def test_signs_are_enumerated_once():
    for shape in ((3, 1), (2, 5), (1 << 18, 4)):
        entries = np.arange(float(shape[0] * shape[1])).reshape(shape)[:, ::-1] % 7
        images = np.concatenate(list(sign_sums(entries)))
        assert images.shape == (2 ** (shape[1] - 1), shape[0])
        if shape[0] < 10:
            signs = np.array(np.meshgrid(*[[-1, 1]] * (shape[1] - 1), [1])).reshape(shape[1], -1)
            assert sorted(map(tuple, images.tolist())) == sorted(map(tuple, (entries @ signs).T.tolist()))


def test_exponents():
    assert conjugate(Fraction(4, 3)) == 4
    assert simple_fraction(Fraction(4 / 3)) == Fraction(4, 3)
    assert simple_fraction(Fraction(math.pi)) is None
    assert simple_fraction(Fraction(41)) is None
    with precision():
        assert norm_change(Fraction(1, 3), Fraction(1, 2), 64).contains(flint.arb(2))
        assert norm_change(Fraction(1, 2), Fraction(1, 3), 64) == 1


@pytest.mark.parametrize("exact", [False, True])
def test_weighted_magnitudes_are_above_the_exact_products(exact):
    B = np.abs(A) / 4
    B[0, 0] = 2.0**-1060
    factors = np.array([1.0, 1 / 3, 2.0**-40, 2.0**-1070, 0.7])
    with precision():
        dense = _weighted_above(B, factors, exact=exact)
        sparse = _weighted_above(sp.csr_array(B), factors, exact=exact).toarray()
    np.testing.assert_array_equal(dense, sparse)
    for (i, j), above in np.ndenumerate(dense):
        product = Fraction(B[i, j]) * Fraction(factors[i])
        assert product <= Fraction(above) <= product * (1 + Fraction(1, 2**50)) + Fraction(1, 2**1000)
        assert (above == 0) == (product == 0)
