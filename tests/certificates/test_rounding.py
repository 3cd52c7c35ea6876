import math
from fractions import Fraction

import flint
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypernorm._validation import check_matrix
from hypernorm.certificates.dyadic import DyadicMatrix, dyadic
from hypernorm.certificates.rounding import (
    gamma,
    is_proved_positive_definite,
    known_reweighting,
    lower_float,
    precision,
    rational,
    reweight,
    upper_float,
)
from hypernorm.forms import Rows

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(finite)
def test_dyadic_is_exact(value):
    mantissa, exponent = dyadic(value)
    assert Fraction(mantissa) * Fraction(2) ** exponent == Fraction(value)


@given(st.lists(st.lists(finite, min_size=2, max_size=2), min_size=1, max_size=4))
def test_dyadic_matrices_hold_floats_exactly(values):
    A = DyadicMatrix.from_floats(np.array(values))
    entries = [Fraction(int(entry)) * Fraction(2) ** A.exponent for entry in A.integers.entries()]
    assert entries == [Fraction(value) for row in values for value in row]


@given(st.integers(0, 1000))
def test_dyadic_arithmetic_is_exact(seed):
    rng = np.random.default_rng(seed)
    A, B = (rng.standard_normal((2, 2)) * 2.0 ** rng.integers(-40, 40, (2, 2)) for _ in range(2))
    a, b = (np.array([[Fraction(x) for x in row] for row in M.tolist()]) for M in (A, B))
    exact = a @ b - 3 * b + a.T
    D, E = DyadicMatrix.from_floats(A), DyadicMatrix.from_floats(B)
    result = D @ E - E.scaled(3) + D.T
    entries = np.array([Fraction(int(e)) * Fraction(2) ** result.exponent for e in result.integers.entries()])
    assert (entries.reshape(2, 2) == exact).all()
    mantissa, exponent = result.squared_norm()
    assert Fraction(mantissa) * Fraction(2) ** exponent == (exact**2).sum()


def test_scalars_are_rounded_outward():
    with precision():
        third = rational(Fraction(1, 3))
        assert Fraction(lower_float(third)) < Fraction(1, 3) < Fraction(upper_float(third))
        assert upper_float(third) - lower_float(third) < 3e-16
        assert upper_float(rational(2) ** 2000) == math.inf
        assert lower_float(rational(2) ** 2000) < math.inf
        assert lower_float(rational(2) ** -2000) == 0.0
        assert upper_float(rational(2) ** -2000) > 0.0
        assert lower_float(rational(-1)) == 0.0
        unknown = flint.arb("nan")
        assert upper_float(unknown) == math.inf
        assert lower_float(unknown) == 0.0


def test_gamma_bounds_the_error_of_a_long_sum():
    rng = np.random.default_rng(0)
    values = rng.standard_normal(10_000)
    exact = sum(map(Fraction, values.tolist()), Fraction(0))
    assert abs(Fraction(float(values.sum())) - exact) <= Fraction(gamma(10_000)) * Fraction(float(np.abs(values).sum()))


def test_definite_matrices_are_proved_and_indefinite_ones_never():
    rng = np.random.default_rng(1)
    for size in (1, 2, 5, 40):
        Q = np.linalg.qr(rng.standard_normal((size, size)))[0]
        for least in (1.0, 1e-3, 1e-9, 1e-11, 0.0, -1e-18, -1e-15, -1e-9, -1.0):
            A = (Q * np.append(np.linspace(0.5, 1, size - 1), least)) @ Q.T
            A = (A + A.T) / 2
            # What was rounded may move the least eigenvalue by 1e-15, so only clear cases have a known answer.
            floating, exact = is_proved_positive_definite(A), DyadicMatrix.from_floats(A).is_proved_positive_definite()
            if least >= 1e-9:
                assert floating
                assert exact
            if least <= -1e-14:
                assert not floating
                assert not exact


@pytest.mark.parametrize("zero", [np.zeros((3, 3)), np.diag([1.0, 1.0, 0.0]), np.array([[1.0, 1.0], [1.0, 1.0]])])
def test_singular_matrices_are_never_proved(zero):
    assert not is_proved_positive_definite(zero)
    assert not DyadicMatrix.from_floats(zero).is_proved_positive_definite()


def test_the_error_is_paid_for():
    A = np.diag([1.0, 2.0])
    assert is_proved_positive_definite(A, 0.99)
    assert not is_proved_positive_definite(A, 1.0)
    assert not is_proved_positive_definite(A, math.inf)
    assert not is_proved_positive_definite(np.array([[np.nan]]))
    assert not is_proved_positive_definite(np.array([[np.inf]]))


def test_a_matrix_that_is_indefinite_by_one_bit_is_refused():
    A = np.array([[1.0, 1.0], [1.0, 1.0]])
    A[1, 1] = np.nextafter(1, 0)
    assert not is_proved_positive_definite(A)
    assert not DyadicMatrix.from_floats(A).is_proved_positive_definite()
    A[1, 1] = 1 + 2.0**-40
    assert DyadicMatrix.from_floats(A).is_proved_positive_definite()


@pytest.mark.parametrize("power", [Fraction(-1, 2), Fraction(1, 4), Fraction(-1, 4), Fraction(3), Fraction(0.825)])
@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_reweighted_rows_are_long_enough(power, scale):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((12, 3)) * 10.0 ** rng.integers(-8, 3, (12, 1)) * scale
    X[4] = 0
    rows = Rows(check_matrix(X))
    with precision():
        weighted, loss = reweight(rows, power, 0.75)
        block, scaled = weighted.block(0, 12), rows.block(0, 12)
        assert (block[4] == 0).all()
        frobenius = sum((rational(x) ** 2 for x in block.ravel().tolist()), rational(0)).sqrt()
        assert upper_float(loss) < 1e-14 * upper_float(frobenius) + 1e-290
        for i in set(range(12)) - {4}:
            length = sum((rational(x) ** 2 for x in scaled[i].tolist()), rational(0)).sqrt()
            assert weighted.multiplier is not None
            assert rational(float(weighted.multiplier[i])) >= (length / rational(0.75)) ** rational(power)
            assert rational(float(weighted.multiplier[i])) <= (length / rational(0.75)) ** rational(power) * rational(
                1 + 1e-13
            )


def test_reweighted_rows_are_known_once_they_were_made():
    rows = Rows(np.random.default_rng(0).standard_normal((5, 2)))
    power, radius = Fraction(1, 2), float(rows.norms.max())
    assert known_reweighting(rows, Fraction(0), radius) is rows
    assert known_reweighting(rows, power, radius) is None
    with precision():
        made = reweight(rows, power, radius)[0]
    assert known_reweighting(rows, power, radius) is made
    assert known_reweighting(rows, power, 2 * radius) is None
    assert known_reweighting(rows, 2 * power, radius) is None
