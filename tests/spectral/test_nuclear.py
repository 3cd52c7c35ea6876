"""Bounds on the nuclear norm without a decomposition, and the estimates beside them."""

from fractions import Fraction

import flint
import numpy as np
import pytest
import scipy.sparse as sp
from scipy.linalg import hadamard

import hypernorm as hn
from hypernorm._validation import check_rows
from hypernorm.certificates import nuclear
from hypernorm.certificates.rounding import precision, rational
from hypernorm.forms import Rows
from hypernorm.spectral import hidden_state_estimate, jacobian_frobenius, jacobian_nuclear, matrix_entropy


def nuclear_norm(A):
    return float(np.linalg.svd(A, compute_uv=False).sum())


@pytest.mark.parametrize(
    ("A", "value"),
    [(np.eye(7), 7), (np.ones((4, 9)), 6), (np.outer([3.0, 4.0], [1.0, 2.0, 2.0]), 15), (hadamard(8), 8 * 8**0.5)],
)
def test_equal_or_single_singular_values_are_exact(A, value):
    """Hölder's inequality is an equality for equal non-zero values."""
    found = hn.nuclear_bounds(A)
    assert found.lower <= value <= found.upper
    assert found.lower >= value * (1 - 1e-12)
    if len(A) > 4:
        assert found.gap < 1e-12
    exact = found.certificate.verify(A, exact=True)
    assert exact.lower <= value <= exact.upper


@pytest.mark.parametrize("storage", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("shape", [(30, 7), (7, 30), (1, 5), (400, 60)])
def test_norm_is_between_the_bounds(shape, storage):
    rng = np.random.default_rng(0)
    for scale in (1e-200, 1.0, 1e200):
        A = rng.standard_normal(shape) * (rng.random(shape) < 0.7)
        found = hn.nuclear_bounds(storage(A * scale))
        norm = nuclear_norm(A) * scale
        assert found.lower <= norm * (1 + 1e-13)
        assert norm * (1 - 1e-13) <= found.upper
        without = hn.nuclear_bounds(A * scale, gram=False)
        assert without.lower <= found.lower
        assert without.lower == pytest.approx(np.linalg.norm(A) * scale, rel=1e-12)
        assert without.upper == pytest.approx(found.upper, rel=1e-12)
        exact = found.certificate.verify(A * scale, exact=True)
        assert found.lower * (1 - 1e-15) <= exact.lower
        assert exact.upper <= found.upper * (1 + 1e-15)
    assert hn.nuclear_bounds(np.zeros(shape)).upper == 0
    assert repr(found).startswith("NuclearBounds(lower=")


@pytest.mark.parametrize("seed", range(5))
def test_error_terms_cover_the_exact_sums(seed):
    rng = np.random.default_rng(seed)
    for shape in ((6, 4), (4, 6)):
        A = rng.standard_normal(shape) * 10.0 ** rng.uniform(-8, 0, shape)
        rows = Rows(check_rows(A))
        X = [[Fraction(x) for x in row] for row in rows.block(0, shape[0]).tolist()]
        with precision():
            sums, exact = nuclear._sums(rows), nuclear._exact_sums(rows)
            square = rational(sum(x * x for row in X for x in row))
            assert sums.frobenius[0] ** 2 <= square <= sums.frobenius[1] ** 2
            across = sum((rational(sum(x * x for x in row)).sqrt() for row in X), flint.arb(0))
            down = sum((rational(sum(x * x for x in column)).sqrt() for column in zip(*X, strict=True)), flint.arb(0))
            assert across <= sums.rows
            assert down <= sums.columns
            assert float(abs(exact.rows - across)) < 1e-30
            assert float(abs(exact.columns - down)) < 1e-30
            gram = sum(sum(a * b for a, b in zip(x, y, strict=True)) ** 2 for x in X for y in X)
            assert rational(gram).sqrt() <= nuclear._gram_norm(rows, sums.frobenius[1])
            assert float(abs(nuclear._exact_gram_norm(rows) - rational(gram).sqrt())) < 1e-30


def test_columns_that_underflow():
    A = np.full((4, 3), 2.0**-1000)
    A[0, 0] = 1.0
    found = hn.nuclear_bounds(A)
    assert found.upper >= 1 + 2.0**-1000
    assert found.gap < 1e-10


def test_the_column_estimate_is_no_bound():
    rng = np.random.default_rng(1)
    ratios = []
    for trial in range(60):
        A = rng.standard_normal((3, 12)) * (10.0 ** rng.uniform(-2, 0, 12) if trial % 2 else 1.0)
        ratios.append(hn.nuclear_bounds(A).column_estimate / nuclear_norm(A))
    assert min(ratios) < 1 < max(ratios)
    A = rng.standard_normal((20, 4))
    assert hn.nuclear_bounds(A).column_estimate == pytest.approx(np.linalg.norm(A, axis=0).sum())


def test_estimates_of_hidden_states():
    rng = np.random.default_rng(2)
    Z = rng.standard_normal((300, 40)) * 0.9 ** np.arange(40) + 5
    states = Z - Z.mean(axis=0)
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    assert hidden_state_estimate(Z) >= nuclear_norm(states) / 300 * (1 - 1e-12)  # all columns are counted: a bound here
    values = np.linalg.svd(states, compute_uv=False) ** 2 / 300
    assert matrix_entropy(Z) == pytest.approx(-np.sum(values * np.log(values)))
    assert matrix_entropy(Z[:10]) <= np.log(10)
    assert matrix_entropy(np.vstack([np.ones((1, 4)), -np.ones((1, 4))])) == pytest.approx(0, abs=1e-12)
    with pytest.raises(hn.InvalidInputError, match="nothing is left"):
        matrix_entropy(np.ones((3, 2)))


def test_jacobians_of_linear_maps_are_estimated_without_bias():
    rng = np.random.default_rng(3)
    A, B = rng.standard_normal((5, 4)), rng.standard_normal((4, 6))
    for scale in (1e-4, 1.0, 100.0):
        found = jacobian_frobenius(lambda x: A @ x, np.ones(4), scale=scale, n_draws=4000, random_state=0)
        assert abs(found.value - np.sum(A**2)) < 4 * found.standard_error
    found = jacobian_nuclear(lambda x: A @ x, lambda x: B @ x, np.ones(6), n_draws=4000, random_state=0)
    assert abs(found.value - (np.sum(A**2) + np.sum(B**2)) / 2) < 4 * found.standard_error
    assert nuclear_norm(A @ B) <= found.value + 4 * found.standard_error
    # One direction: with x one number there is nothing but ξ², whose mean is one.
    one = jacobian_frobenius(lambda x: 3 * x, np.zeros(1), n_draws=4000, random_state=1)
    assert abs(one.value - 9) < 4 * one.standard_error


def test_the_bias_grows_with_the_square_of_the_scale():
    """f(x) = x² at 1: E(2σξ + σ²ξ²)²/σ² = 4 + 3σ²."""
    for scale in (0.1, 0.5, 1.0):
        found = jacobian_frobenius(lambda x: x**2, np.ones(1), scale=scale, n_draws=10_000, random_state=4)
        assert abs(found.value - 4 - 3 * scale**2) < 4 * found.standard_error
    with pytest.raises(hn.InvalidInputError, match="positive"):
        jacobian_frobenius(lambda x: x, np.ones(1), scale=0.0)
