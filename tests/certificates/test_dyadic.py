"""Matrices of dyadic rationals are exact, and their proofs of definiteness are what integers say."""

import math
from fractions import Fraction

import flint
import numpy as np
import pytest

from hypernorm.certificates.dyadic import DyadicMatrix, dyadic
from hypernorm.exceptions import CertificateError
from tests.oracles.exact import entries, fractions


def values_of(A):
    return DyadicMatrix.from_floats(np.array(A, dtype=float))


@pytest.mark.parametrize(
    "value", [0.0, 1.0, -3.0, 5e-324, -1.7976931348623157e308, 2.0**-1022 * 1.5, 1 / 3, 2.0**53 - 1]
)
def test_floats_become_odd_integers(value):
    matrix = values_of([[value, 0.0], [0.0, value]])
    assert (entries(matrix) == fractions([[value, 0.0], [0.0, value]])).all()
    assert all(int(entry) % 2 == 1 for entry in matrix.integers.entries() if entry)
    mantissa, exponent = dyadic(value)
    assert Fraction(mantissa) * Fraction(2) ** exponent == Fraction(value)


def test_arrays_of_all_shapes_and_scales():
    rng = np.random.default_rng(0)
    for shape in ((1, 1), (1, 5), (5, 1), (3, 4)):
        A = rng.standard_normal(shape) * 2.0 ** rng.integers(-400, 400, shape)
        A[0, 0] = 0.0
        matrix = DyadicMatrix.from_floats(A)
        assert matrix.shape == shape
        assert matrix.T.shape == shape[::-1]
        assert (entries(matrix) == fractions(A)).all()
        assert (entries(matrix.T) == fractions(A.T)).all()
        np.testing.assert_array_equal(matrix.to_floats(), A)
    assert DyadicMatrix.from_floats(np.zeros((2, 3))).exponent == 0
    assert DyadicMatrix.from_floats(np.zeros((2, 3))).shape == (2, 3)
    for entry in (math.inf, -math.inf, math.nan):
        with pytest.raises(CertificateError, match="finite"):
            DyadicMatrix.from_floats(np.array([[1.0, entry]]))


@pytest.mark.parametrize(("first", "second"), [(0, 0), (7, -3), (-3, 7), (-1000, 900)])
def test_operations_between_exponents(first, second):
    A, B = DyadicMatrix(flint.fmpz_mat(1, 2, [3, -5]), first), DyadicMatrix(flint.fmpz_mat(1, 2, [7, 11]), second)
    a, b = entries(A), entries(B)
    assert (entries(A + B) == a + b).all()
    assert (entries(A - B) == a - b).all()
    assert (entries(A @ B.T) == a @ b.T).all()
    assert (entries(A.scaled(-3)) == -3 * a).all()
    assert (entries(A.scaled(5, 2)) == 20 * a).all()
    mantissa, exponent = A.squared_norm()
    assert mantissa * Fraction(2) ** exponent == 34 * Fraction(4) ** first


def test_floats_of_huge_integers():
    for power in (0, 999, 1000, 1001, 5000):
        matrix = DyadicMatrix(flint.fmpz_mat(1, 3, [-(3 << power), 1 << power, 1]), -power)
        np.testing.assert_allclose(matrix.to_floats(), [[-3.0, 1.0, 2.0**-power if power < 1000 else 0.0]], atol=1e-290)
    assert DyadicMatrix(flint.fmpz_mat(1, 1, [1]), 2000).to_floats()[0, 0] == math.inf


def matrix_near_singular(size, gap):
    """A matrix of fractions with least eigenvalue `gap`: I − (1 − gap) J/size, J all ones."""
    return np.eye(size) - (1 - gap) / size


@pytest.mark.parametrize("size", [1, 2, 4, 16])
@pytest.mark.parametrize("scale", [-3000, 0, 3000])
def test_definite_matrices_are_proved_down_to_rounding(size, scale):
    for gap, expected in [(1.0, True), (1e-6, True), (size * 1e-13, True), (0.0, False), (-1e-300, False), (-1, False)]:
        A = DyadicMatrix.from_floats(matrix_near_singular(size, gap)).scaled(1, scale)
        if expected or (matrix_near_singular(size, gap).sum(axis=1) <= 0).any():
            assert A.is_proved_positive_definite() is expected


def shift_proved(A, L, power):
    """‖A − 2^power I − L̂L̂ᵀ‖_F < 2^power for the rounded factor, in fractions."""
    grid = math.frexp(float(np.abs(L).max()))[1] - 56
    factor = fractions(np.ldexp(np.rint(np.ldexp(L, -grid)), grid))
    shift = Fraction(2) ** power
    rest = fractions(A) - shift * fractions(np.eye(len(A))) - factor @ factor.T
    return sum(rest.ravel() ** 2) < shift**2


@pytest.mark.parametrize("power", [-30, -48, -3])
@pytest.mark.parametrize("size", [1, 3])
def test_factors_prove_with_their_exact_residual(power, size, monkeypatch):
    """Factors with errors on both sides of what the shift pays for, in the place of LAPACK's."""
    rng = np.random.default_rng(size)
    A = np.eye(size) + 0.125 * np.diag(np.ones(size - 1), 1) + 0.125 * np.diag(np.ones(size - 1), -1)
    good = np.linalg.cholesky(A - 2.0**power * np.eye(size))
    decided = []
    for share in (0.0, 0.2, 0.4, 0.45, 0.49, 0.499, 0.501, 0.51, 0.55, 0.6, 0.9, 1.1):
        for sign in (-1, 1):
            error = rng.standard_normal((size, size))
            L = good + sign * share * 2.0**power * np.tril(error) / np.linalg.norm(np.tril(error))
            monkeypatch.setattr(np.linalg, "cholesky", lambda _, L=L: L)
            expected = shift_proved(A, L, power)
            assert values_of(A)._shift_proves(A, power) is expected
            decided.append(expected)
    assert set(decided) == {True, False}


def test_equality_proves_nothing(monkeypatch):
    """A residual exactly as large as the shift: A = 1/4, c = 1/8, L² = 1/4 or 0."""
    A = np.full((1, 1), 0.25)
    for factor, expected in [(0.5, False), (0.25, True), (0.125, True)]:
        monkeypatch.setattr(np.linalg, "cholesky", lambda _, factor=factor: np.full((1, 1), factor))
        assert values_of(A)._shift_proves(A, -3) is expected


def largest_shift(size, entry):
    """The power of two above the a priori bound on LAPACK's rounding, for a multiple of the identity."""
    trace = size * entry
    return math.frexp(8 * (size + 4) * trace * 2.0**-53 + size * math.sqrt(size * trace) * 2.0**-54)[1]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 15])
def test_shifts_are_tried_from_small_to_large(size, monkeypatch):
    """On both sides of the entry at which the power of two changes."""
    tried = []
    monkeypatch.setattr(DyadicMatrix, "_shift_proves", lambda self, floats, power: tried.append(power) or False)
    low, high = 0.5, math.nextafter(1, 0)
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if largest_shift(size, middle) > largest_shift(size, 0.5) else (middle, high)
    assert largest_shift(size, low) + 1 == largest_shift(size, high)
    for entry in (0.5, low * (1 - 1e-6), high * (1 + 1e-6), 0.999):
        A = DyadicMatrix.from_floats(entry * np.eye(size))
        for given in (A, A.scaled(1, 77), A.scaled(1, -770)):
            tried.clear()
            assert given.is_proved_positive_definite() is False
            largest = largest_shift(size, entry)
            assert tried == [largest - 8, largest - 4, largest]


def test_what_has_no_positive_trace_is_not_tried(monkeypatch):
    monkeypatch.setattr(DyadicMatrix, "_shift_proves", lambda self, floats, power: True)
    for A in (np.zeros((2, 2)), -np.eye(2), np.diag([1.0, -1.0])):
        assert DyadicMatrix.from_floats(A).is_proved_positive_definite() is False
    assert DyadicMatrix.from_floats(np.diag([1.0, -0.5])).is_proved_positive_definite() is True


def test_what_lapack_refuses_is_not_proved():
    A = np.diag([1.0, -0.5])
    assert values_of(A)._shift_proves(A, -10) is False
