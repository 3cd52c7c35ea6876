"""Monomials, moment matrices and the two positive maps against their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypernorm import InvalidInputError
from hypernorm._validation import check_matrix
from hypernorm.forms import FlatteningMap, MonomialBasis, RealignedMap, Rows, moment_matrix, moments, second_moments
from tests.oracles import norms as oracle


@given(st.integers(1, 5), st.integers(1, 4))
def test_the_monomial_basis_lists_all_multisets(d, k):
    basis = MonomialBasis(d, k)
    chosen, counts = oracle.multisets(d, k)
    assert basis.indices.tolist() == [list(index) for index in chosen]
    assert basis.multiplicities.tolist() == counts
    assert basis.size == len(chosen) == MonomialBasis.count(d, k)


@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 100))
def test_inner_products_of_monomials_are_powers_of_inner_products(d, k, seed):
    points = np.random.default_rng(seed).standard_normal((2, d))
    z = MonomialBasis(d, k).evaluate(points)
    np.testing.assert_allclose(z[:, 0] @ z[:, 1], (points[0] @ points[1]) ** k, atol=1e-12 * np.linalg.norm(z) ** 2)


@pytest.mark.parametrize("half", [1, 2, 3, 4])
def test_the_moment_matrix_represents_the_form(half, monkeypatch):
    rng = np.random.default_rng(half)
    X = rng.standard_normal((23, 4))
    # Blocks of the smallest size, two in a group.
    monkeypatch.setattr(moments, "_IMAGE_ENTRIES", 1)
    monkeypatch.setattr(moments, "_ENOUGH_ROWS", 1)
    monkeypatch.setattr(moments, "_BLOCKS_PER_GROUP", 2)
    rows = Rows(check_matrix(np.vstack([X] * 9)))
    M = moment_matrix(rows, half)
    assert moment_matrix(rows, half) is M  # kept with the rows
    assert moments.moment_depth(rows, len(M)) == 128 + 2
    np.testing.assert_array_equal(M, M.T)
    v = rng.standard_normal(4)
    z = MonomialBasis(4, half).evaluate(v[None])[:, 0]
    expected = 9 * np.sum((X @ v * 2.0**-rows.exponent) ** (2 * half))
    assert z @ M @ z == pytest.approx(expected, rel=1e-12)
    top = np.linalg.eigvalsh(M)[-1] * 2.0 ** (2 * half * rows.exponent)
    assert top == pytest.approx(9 * oracle.moment_eigenvalue(X, 2 * half), rel=1e-10)


def test_an_impossible_moment_matrix_is_refused():
    with pytest.raises(InvalidInputError, match=r"degree 8 for d = 400 .* GiB"):
        moment_matrix(Rows(np.ones((2, 400))), 4)


def test_second_moments_with_weights():
    rng = np.random.default_rng(0)
    X, w = rng.standard_normal((300, 5)), rng.random(300)
    rows = Rows(X)
    np.testing.assert_allclose(second_moments(rows, w) * 4.0**rows.exponent, X.T @ (w[:, None] * X), rtol=1e-12)


@pytest.mark.parametrize(("n", "d"), [(1, 1), (7, 3), (3, 6), (150, 3)])
def test_maps_agree_with_their_definitions(n, d):
    rng = np.random.default_rng(n)
    X, U = rng.standard_normal((n, d)), rng.standard_normal((d, d))
    U = U + U.T
    rows = Rows(X)
    Y = X * 2.0**-rows.exponent
    flat = FlatteningMap(rows)
    image, values = flat.apply(U)
    np.testing.assert_allclose(image, oracle.flattening_map(Y, U), rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(values, [y @ U @ y for y in Y], rtol=1e-10, atol=1e-14)
    expected = oracle.realigned_map(Y, U)
    realigned = RealignedMap(rows, products=1)
    np.testing.assert_allclose(realigned(U), expected, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(realigned.measured(U)[0], expected, rtol=1e-10, atol=1e-13)


def test_both_routes_of_the_realigned_map_agree_over_many_blocks():
    rng = np.random.default_rng(5)
    X, U = rng.standard_normal((1300, 4)), rng.standard_normal((4, 4))
    U = U @ U.T
    realigned = RealignedMap(Rows(X), products=1)
    assert realigned.slices is not None  # far more rows than d³
    np.testing.assert_allclose(realigned(U), realigned.measured(U)[0], rtol=1e-11)
    wide = RealignedMap(Rows(X[:5]), products=1)
    assert wide.slices is None


def test_magnitudes_are_the_sums_that_they_claim_to_be():
    rng = np.random.default_rng(6)
    X = rng.standard_normal((600, 3))
    rows = Rows(X)
    Y, U = X * 2.0**-rows.exponent, np.diag([1.0, 2.0, 3.0])
    K, P, r = Y @ Y.T, Y @ U @ Y.T, np.linalg.norm(Y, axis=1)
    _, sums = RealignedMap(rows).measured(U)
    assert sums.products == pytest.approx(r**2 @ np.abs(K * P) @ r**2, rel=1e-10)
    assert sums.squares == pytest.approx(r**2 @ K**2 @ r**2, rel=1e-10)
    assert sums.entries == pytest.approx(r @ np.abs(K * K * P) @ r, rel=1e-10)


def test_results_do_not_depend_on_the_number_of_threads(monkeypatch):
    from hypernorm import _parallel

    X = np.random.default_rng(7).standard_normal((5000, 6))
    U = np.eye(6)
    rows = Rows(X)
    several = FlatteningMap(rows)(U), RealignedMap(rows).measured(U)[0]
    monkeypatch.setattr(_parallel, "_thread_count", lambda: 1)
    np.testing.assert_array_equal(FlatteningMap(rows)(U), several[0])
    np.testing.assert_allclose(RealignedMap(rows).measured(U)[0], several[1], rtol=1e-13)


def test_an_exception_in_a_thread_reaches_the_caller():
    from hypernorm._parallel import ordered_map

    def fail(item):
        raise ZeroDivisionError(item)

    with pytest.raises(ZeroDivisionError):
        list(ordered_map(fail, [1, 2, 3]))
