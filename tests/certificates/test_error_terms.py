"""Constants and error terms of `hypernorm.certificates.rounding` against docs/theory/verification.md, in fractions.

Each term must be at least what the page grants, and hardly more: a change of either is to be noticed here.
"""

import contextlib
import math
from fractions import Fraction
from types import SimpleNamespace

import flint
import numpy as np
import pytest

from hypernorm._validation import check_matrix
from hypernorm.certificates import rounding
from hypernorm.certificates.rounding import (
    check_arithmetic,
    definite_shift,
    gamma,
    is_proved_positive_definite,
    lower_float,
    precision,
    rational,
    reweight,
    root_above,
    row_length,
    upper_float,
    weight_spread,
)
from hypernorm.exceptions import CertificateError
from hypernorm.forms import Rows
from tests.oracles.exact import SAFETY, TINY, U, exact_gamma, middle, norm, root


def test_the_constants_are_those_of_the_model():
    assert (rounding.UNIT, rounding.SAFETY, rounding.TINY) == (2.0**-53, 1.001, 2.0**-900)


@pytest.mark.parametrize("m", [0, 1, 2, 3, 5, 7, 100, 12345, 10**6 + 3, 2**31 + 1, 2**40, 2**51, 2**52 - 1])
def test_gamma_is_just_above_its_definition(m):
    assert exact_gamma(m) <= Fraction(gamma(m)) <= exact_gamma(m) * (1 + 8 * U)


class Odd:
    """A number of a processor that rounds its results with a given function."""

    def __init__(self, value, rounded):
        self.value, self.rounded = Fraction(value), rounded

    def _result(self, value):
        return Odd(self.rounded(value), self.rounded)

    def __add__(self, other):
        return self._result(self.value + Fraction(other))

    def __sub__(self, other):
        return self._result(self.value - Fraction(other))

    def __mul__(self, other):
        return self._result(self.value * Fraction(other))

    def __neg__(self):
        return Odd(-self.value, self.rounded)

    def __gt__(self, other):
        return self.value > other

    def __eq__(self, other):
        return self.value == Fraction(other)

    __hash__ = None


def nearest(value):
    """binary64, to nearest, with gradual underflow."""
    return Fraction(float(value))


ULP = Fraction(1, 2**52)
DEVIATIONS = {
    "up at a quarter": {1 + ULP / 4: 1 + ULP},
    "down at three quarters": {1 + 3 * ULP / 4: Fraction(1)},
    "down at a quarter below zero": {-1 - ULP / 4: -1 - ULP},
    "up at three quarters below zero": {-1 - 3 * ULP / 4: Fraction(-1)},
    "flush to zero": {Fraction(1, 2**1070): Fraction(0)},
    "lost bits below the normal range": {Fraction(1, 2**1070): Fraction(1, 2**1069)},
}


@pytest.mark.parametrize("deviation", ["none", *DEVIATIONS])
def test_each_deviation_from_the_standard_is_refused_by_itself(deviation, monkeypatch):
    wrong = DEVIATIONS.get(deviation, {})

    def rounded(value):
        return wrong.get(value, nearest(value))

    numbers = SimpleNamespace(ones=lambda n: Odd(n, rounded), full=lambda n, value: Odd(n * value, rounded))
    monkeypatch.setattr(rounding, "np", numbers)
    if deviation == "none":
        check_arithmetic()
    else:
        with pytest.raises(CertificateError, match="round to nearest"):
            check_arithmetic()


def test_rational_numbers_are_exact_and_finite():
    assert middle(rational(Fraction(7, 4))) == Fraction(7, 4)
    assert middle(rational(-0.1)) == Fraction(-0.1)
    assert middle(rational(2**5000)) == middle(rational(Fraction(2) ** 5000)) == 2**5000
    for value in (math.inf, -math.inf, math.nan):
        with pytest.raises(CertificateError, match="overflow"):
            rational(value)


@pytest.mark.parametrize("value", [1e-310, 5e-324, 0.3, 1.0, 3.7e100, 1.7e308])
@pytest.mark.parametrize("radius", [0, 2**-60, 2**-20])
def test_balls_are_rounded_outward_by_two_places_at_most(value, radius):
    with precision():
        ball = flint.arb(value, value * radius)
        above, below = upper_float(ball), lower_float(ball)
    exact, spread = Fraction(value), Fraction(value * radius)
    place = Fraction(math.ulp(value))
    assert exact + spread < Fraction(above) <= exact + spread * (1 + Fraction(1, 2**28)) + 2 * place
    assert exact - spread * (1 + Fraction(1, 2**28)) - 2 * place <= Fraction(below) < exact - spread
    assert below > 0 or value < 1e-300


def test_ends_of_the_range():
    with precision():
        assert lower_float(rational(0)) == 0.0
        assert lower_float(rational(0.5)) > 0.4999
        assert lower_float(flint.arb(1, 2)) == 0.0
        assert lower_float(flint.arb(0.5, 1)) == 0.0
        assert lower_float(rational(2) ** 1030) == math.nextafter(1.7976931348623157e308, 0)
        assert lower_float(rational(2) ** 1000) == math.nextafter(2.0**1000, 0)
        assert math.copysign(1, lower_float(flint.arb(-1))) == 1
        assert (middle(root_above(0.0, 4)), middle(root_above(-1.0, 4))) == (0, 0)
        assert middle(root_above(0.0625, 4)) == Fraction(1, 2)
        assert middle(root_above(16.0, 4)) == 2


@pytest.mark.parametrize("d", [1, 2, 5])
def test_lengths_of_rows_pay_for_their_rounding(d):
    rng = np.random.default_rng(d)
    X = rng.standard_normal((7, d)) * 10.0 ** rng.integers(-120, 120, (7, 1))
    rows = Rows(check_matrix(X))
    with precision():
        for index in range(7):
            ball = row_length(rows, index)
            length = norm(X[index]) / Fraction(2) ** rows.exponent
            granted = exact_gamma(d + 2) * SAFETY / 2  # half of what the square may be wrong by
            reach = Fraction(float(ball.rad())) / middle(ball)
            assert granted * Fraction(999, 1000) <= reach <= granted * Fraction(1001, 1000)
            assert abs(middle(ball) - length) <= exact_gamma(d + 2) * length / 2


@pytest.mark.parametrize("power", [Fraction(1, 4), Fraction(1), Fraction(2), Fraction(31, 4), Fraction(16)])
@pytest.mark.parametrize("d", [1, 3, 30])
def test_simple_weights_grant_what_is_derived(power, d):
    """Lengths whose fourth roots are powers of two: all roundings but those of the slack are exact."""
    ratios = [1.0, 2.0**-4, 2.0**-8, 2.0**-40, 0.0, 2.0**-51, 2.0**-300]
    X = np.zeros((7, d))
    X[:, 0] = ratios
    rows = Rows(check_matrix(X))
    factors = rounding._simple_factors(rows, power, float(rows.norms[0]))
    assert factors[4:].tolist() == [0.0, 0.0, 0.0]  # no length, and those that are left to ball arithmetic
    granted = 4 * power * (exact_gamma(d + 2) + 8 * U) + 4 * U
    for factor, ratio in zip(factors[:4].tolist(), ratios[:4], strict=True):
        excess = Fraction(factor) / Fraction(ratio**0.25) ** int(4 * power) - 1
        assert granted - U <= excess <= granted + 2 * U  # rounded to multiples of 2u


def test_other_weights_are_left_to_ball_arithmetic():
    rows = Rows(check_matrix(np.array([[0.5], [0.3]])))
    assert (rounding._simple_factors(rows, Fraction(16), 0.5) > 0).all()
    for power, radius in [
        (Fraction(-1, 4), 0.5), (Fraction(0), 0.5), (Fraction(1, 3), 0.5), (Fraction(65, 4), 0.5),
        (Fraction(1), 2.0**-50), (Fraction(1), 2.0**50), (Fraction(1), 1e-300), (Fraction(1), 1e300),
    ]:  # fmt: skip
        assert not rounding._simple_factors(rows, power, radius).any()
    assert (rounding._simple_factors(rows, Fraction(1), 2.0**-49) > 0).all()
    assert (rounding._simple_factors(rows, Fraction(1), 2.0**49) > 0).all()


@pytest.mark.parametrize("power", [Fraction(1, 2), Fraction(1, 3), Fraction(-1, 4)])
def test_reweighting_loses_one_rounding_a_product(power):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((6, 2))
    with precision():
        rows = Rows(check_matrix(X))
        weighted, loss = reweight(rows, power, 0.75)
        assert reweight(rows, power, 0.75)[0] is weighted
        granted = U * norm(weighted.block(0, 6)) * SAFETY**2
        assert granted * (1 - Fraction(1, 10**12)) <= middle(loss) <= granted * (1 + Fraction(1, 10**12))
        _, loss = reweight(Rows(check_matrix(np.full((3, 4), 5e-324))), Fraction(1), 2.0**40)
        assert middle(loss) > 0
        same, none = reweight(rows, Fraction(0), 0.75)
        assert same is rows
        assert none.is_zero()
        for one in (Fraction(1), Fraction(-1)):
            assert reweight(rows, one, 0.75)[0] is not rows


def test_what_underflows_in_a_product_is_granted():
    """Weights so small that the rows vanish: only what a flush to zero can cost is left of the loss."""
    with precision():
        weighted, loss = reweight(Rows(check_matrix(np.full((3, 5), 1.0))), Fraction(500), 2.0**4)
        assert not weighted.block(0, 3).any()
        granted = Fraction(1, 2**1022) * root(15) + U * norm(weighted.norms) * SAFETY**2
        assert granted * (1 - Fraction(1, 10**12)) <= middle(loss) <= granted * (1 + Fraction(1, 10**12))


def test_rows_that_scaling_has_flushed_may_have_any_weight():
    X = np.array([[1.0, 1.0], [2.0**-1074, 0.0], [1e-300, 0.0]]) * np.array([[2.0**900], [1.0], [2.0**900]])
    with precision():
        rows = Rows(check_matrix(X))
        weighted, _ = reweight(rows, Fraction(-3, 5), float(rows.norms[0]))
        assert weighted.multiplier[1] == 0.0
        assert weighted.multiplier[2] > 1e170
        kept = np.array([[2.0**900, 0.0], [2.0**-1074, 0.0], [2.0**-120, 0.0]])
        with pytest.raises(CertificateError, match="row 2 is too large"):
            reweight(Rows(check_matrix(kept)), Fraction(-2), 0.5)


@pytest.mark.parametrize("power", [Fraction(1), Fraction(-1, 2), Fraction(7, 3), Fraction(10**6)])
@pytest.mark.parametrize("columns", [1, 3, 50])
def test_weights_of_two_proofs_are_as_close_as_is_granted(power, columns):
    granted = 8 * abs(power) * (exact_gamma(columns + 2) + 8 * U) + 8 * U
    found = Fraction(weight_spread(power, columns))
    assert granted * (1 - 10 * U) <= found <= granted * (1 + 20 * U)
    assert weight_spread(Fraction(0), columns) == 0.0


@pytest.mark.parametrize("m", [1, 2, 3, 10, 60])
def test_the_shift_pays_for_the_rounding_of_a_factor(m):
    A = np.random.default_rng(m).standard_normal((m, m)) ** 2
    granted = 4 * exact_gamma(m + 4) * sum(map(Fraction, np.diagonal(A).tolist()))
    assert granted * (1 - 4 * m * U) <= Fraction(definite_shift(A)) <= granted * (1 + (4 * m + 20) * U)


def theorem_1(S, L, A, shift, error):
    """Whether c > σ(‖Q̂‖ + γ_{m+2}‖L‖² + 2u‖Q̂‖ + 2u‖diag S‖ + τ + η), and the two sides."""
    m = len(A)
    residual = norm(L @ L.T - S)
    right = SAFETY * (
        residual * (1 + 2 * U)
        + exact_gamma(m + 2) * norm(L) ** 2
        + 2 * U * norm(np.diagonal(S))
        + TINY
        + Fraction(error)
    )
    return Fraction(shift) > right, Fraction(shift), right


@pytest.mark.parametrize("m", [1, 2, 3, 8])
@pytest.mark.parametrize("size", [1.0, 0.01, 9.0])
@pytest.mark.parametrize("error", [0.0, 1e-15, 3e-14])
def test_a_factor_proves_definiteness_only_as_theorem_1_says(m, size, error, monkeypatch):
    """Factors of the wrong size, given in the place of LAPACK's, on both sides of what the shift pays for."""
    rng = np.random.default_rng(m)
    A = size * np.eye(m)
    shift = 1.001 * error + definite_shift(A)
    S = A.copy()
    S[np.diag_indices(m)] -= shift

    def factor(direction, reach):
        return np.diag(np.sqrt(np.diagonal(S)) * (1 + reach * definite_shift(A) / size * direction))

    decided = set()
    for direction in rng.uniform(-1, 1, (5, m)):
        low, high = 0.0, 100.0
        for _ in range(14):
            reach = (low + high) / 2
            low, high = (reach, high) if theorem_1(S, factor(direction, reach), A, shift, error)[0] else (low, reach)
        for near in (0.5, 0.9, 0.98, 0.99, 0.995, 1, 1.005, 1.01, 1.02, 1.1, 2):
            L = factor(direction, low * near)
            expected, left, right = theorem_1(S, L, A, shift, error)
            if abs(left - right) > Fraction(1, 10**9) * right:
                monkeypatch.setattr(np.linalg, "cholesky", lambda _, L=L: L)
                assert is_proved_positive_definite(A, error) is expected
                decided.add(expected)
    assert decided == {True, False}


def test_what_cannot_be_decided_is_not_proved(monkeypatch):
    good = np.eye(2)
    assert is_proved_positive_definite(good)
    for A, error in [
        (np.array([[1.0, np.nan], [np.nan, 1.0]]), 0.0), (np.diag([1.0, np.inf]), 0.0), (good, math.nan),
        (good, math.inf), (-good, 0.0), (0 * good, 0.0), (np.diag([2.0, -1.0]), 0.0), (good, 1.0), (good, -1.0),
    ]:  # fmt: skip
        assert is_proved_positive_definite(A, error) is False
    # Below this size the squares of a proof may vanish, and TINY is more than the shift can pay for.
    assert is_proved_positive_definite(np.full((1, 1), 1e-254))
    assert not is_proved_positive_definite(np.full((1, 1), 1e-257))


@pytest.mark.parametrize(("m", "limit"), [(2, 1), (999, 1), (1000, None)])
def test_small_factors_are_computed_on_one_core(m, limit, monkeypatch):
    limits = []
    monkeypatch.setattr(rounding, "product_threads", lambda limit: limits.append(limit) or contextlib.nullcontext())
    monkeypatch.setattr(np.linalg, "cholesky", lambda A: (_ for _ in ()).throw(np.linalg.LinAlgError))
    assert is_proved_positive_definite(np.eye(m)) is False
    assert limits == [limit]


def test_nobody_counts_as_proving_after_the_proof():
    with precision():
        assert rounding._PROVERS
    assert not rounding._PROVERS
