"""The spikiest direction of a subspace: planted vectors, closed forms, bad bases and the proof for the exact span."""

import dataclasses
import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import assume, given
from hypothesis import strategies as st

from hypernorm.applications import SparseDirection, sparsest_direction
from hypernorm.datasets import planted_sparse, subspace
from hypernorm.exceptions import InvalidInputError
from tests.oracles.norms import best_of_restarts


def ratio(w, q):
    return np.linalg.norm(w, q) / np.linalg.norm(w)


@pytest.mark.parametrize(("n", "d", "sparsity"), [(100, 5, 6), (200, 6, 30), (60, 1, 12)])
@pytest.mark.parametrize("seed", range(2))
def test_planted_vector_is_found_and_proved_to_be_sparsest(n, d, sparsity, seed):
    X, planted = planted_sparse(n, d, sparsity, random_state=seed)
    found = sparsest_direction(X, random_state=0)
    assert abs(found.vector @ planted) == pytest.approx(1, abs=1e-9)
    assert found.support.tolist() == np.flatnonzero(planted).tolist()
    assert found.is_spikiest()
    assert found.least_support == sparsity
    assert found.lower <= sparsity**-0.25 * (1 + 1e-12)
    assert found.upper >= sparsity**-0.25 * (1 - 1e-12)


@pytest.mark.parametrize("q", [3, 4, 6, math.inf])
def test_flat_vectors_of_disjoint_support(q):
    """The spikiest vector of their span is the one with the fewest entries."""
    sizes = (4, 6, 9)
    basis = np.zeros((sum(sizes), 3))
    start = np.cumsum((0, *sizes))
    for j, size in enumerate(sizes):
        basis[start[j] : start[j] + size, j] = (-1.0) ** np.arange(size) * 10.0**j
    found = sparsest_direction(basis @ np.array([[1, 2, 3], [0, 1, 5], [0, 0, 1]]), q, random_state=0)
    value = 4 ** ((0 if math.isinf(q) else 1 / q) - 0.5)
    assert found.lower == pytest.approx(value, rel=1e-9)
    assert found.lower <= value * (1 + 1e-12)
    assert value * (1 - 1e-12) <= found.upper
    assert found.upper == pytest.approx(value, rel=1e-5)
    assert found.least_support == 4
    assert found.support.tolist() == [0, 1, 2, 3]


def test_the_whole_space_and_a_line():
    whole = sparsest_direction(np.eye(5), random_state=0)
    assert whole.least_support == 1
    assert len(whole.support) == 1
    line = sparsest_direction(np.full((7, 1), -3), random_state=0)
    assert line.least_support == 7
    assert line.vector == pytest.approx(np.full(7, 7**-0.5) * np.sign(line.vector[0]))
    assert line.coefficients == pytest.approx([-np.sign(line.vector[0]) / (3 * 7**0.5)])


def test_infinite_exponent_is_the_largest_leverage():
    X = subspace(30, 7, random_state=0)
    found = sparsest_direction(X, math.inf)
    assert found.upper**2 == pytest.approx(np.max(np.sum(X**2, axis=1)), rel=1e-12)
    assert found.least_support == math.ceil(1 / np.max(np.sum(X**2, axis=1)))


@given(st.integers(0, 10**6), st.integers(1, 4), st.sampled_from([2.5, 4, 6, math.inf]), st.floats(0, 7), st.booleans())
def test_no_vector_of_the_span_exceeds_the_upper_bound(seed, d, q, log_condition, scale):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(d, 12))
    basis = rng.standard_normal((n, d)) * (rng.random((n, d)) < 0.7)
    basis[:d] += np.eye(d)
    mixing = np.linalg.qr(rng.standard_normal((d, d)))[0] * 10.0 ** np.linspace(0, -log_condition, d)
    basis = basis @ mixing @ np.linalg.qr(rng.standard_normal((d, d)))[0]
    if scale:
        basis = basis * 2.0 ** rng.integers(-400, 400, d)
    try:
        found = sparsest_direction(basis, q, random_state=0)
    except InvalidInputError as error:
        assume("dependent" not in str(error))
        raise
    assert found.lower <= found.upper
    # The span of the floats as they stand, in rational arithmetic.
    columns = [[Fraction(float(entry)) for entry in column] for column in basis.T]
    for coefficients in (*rng.standard_normal((5, d)), found.coefficients):
        weights = [Fraction(float(c)) * Fraction(2) ** -math.frexp(max(map(abs, column)))[1]
                   for c, column in zip(coefficients, columns, strict=True)]  # fmt: skip
        if coefficients is found.coefficients:
            weights = [Fraction(float(c)) for c in coefficients]
        w = [sum(c * column[i] for c, column in zip(weights, columns, strict=True)) for i in range(n)]
        largest = max(map(abs, w))
        w = np.array([float(entry / largest) for entry in w])
        assert ratio(w, q) <= found.upper * (1 + 1e-14)
        if coefficients is found.coefficients:
            assert ratio(w, q) >= found.lower * (1 - 1e-12)


@pytest.mark.parametrize("q", [3, 4, 6])
def test_as_good_as_many_restarts(q):
    X = subspace(40, 5, random_state=1)
    found = sparsest_direction(X, q, random_state=0)
    best = best_of_restarts(X, q, np.random.default_rng(0))
    assert found.lower >= best * (1 - 1e-9)
    assert found.upper >= best * (1 - 1e-12)


def test_any_basis_of_the_subspace_will_do():
    X = planted_sparse(50, 4, 8, random_state=3).matrix
    mixing = np.random.default_rng(0).standard_normal((4, 4))
    one, other = sparsest_direction(X, random_state=0), sparsest_direction(X @ mixing, random_state=0)
    assert other.lower == pytest.approx(one.lower, rel=1e-9)
    assert other.upper == pytest.approx(one.upper, rel=1e-5)
    assert abs(one.vector @ other.vector) == pytest.approx(1, abs=1e-9)
    assert X @ mixing @ other.coefficients == pytest.approx(other.vector, abs=1e-12)
    assert np.linalg.norm(other.vector) == pytest.approx(1, rel=1e-14)
    assert other.interval.certificate.verify(other.matrix).upper <= other.interval.upper
    assert other.matrix.T @ other.matrix == pytest.approx(np.eye(4), abs=1e-13)


@pytest.mark.parametrize("scales", [[1e-150, 1e150, 1.0], [1e-300, 1e-290, 1e300]])
def test_columns_in_very_different_units(scales):
    X = planted_sparse(40, 3, 5, random_state=0).matrix
    found = sparsest_direction(X * scales, random_state=0)
    assert found.least_support == 5
    assert found.is_spikiest()


@pytest.mark.parametrize(
    "convert", [np.float32, np.asfortranarray, sp.csc_matrix, sp.csr_array, pd.DataFrame, np.ndarray.tolist]
)
def test_every_form_of_a_matrix(convert):
    basis = np.array([[1, 0], [1, 0], [0, 1], [0, 2], [1, 1]])
    found = sparsest_direction(convert(basis), random_state=0)
    assert found.lower == pytest.approx(sparsest_direction(basis, random_state=0).lower, rel=1e-12)


def test_nearly_dependent_columns_weaken_the_bound_and_nothing_else():
    X = planted_sparse(40, 3, 5, random_state=0).matrix
    skew = X @ np.array([[1, 1, 1], [0, 1e-7, 0], [0, 0, 1]])
    found = sparsest_direction(skew, random_state=0)
    assert 1e-12 < found.gap < 1e-5
    assert found.least_support == 5


@pytest.mark.parametrize(
    ("basis", "arguments", "word"),
    [
        (np.ones((2, 3)), {}, "at most as many dimensions"),
        (np.ones((5, 2)), {}, "linearly dependent"),
        (np.column_stack([np.arange(6.0), np.arange(6) * (1 + 1e-12 * np.arange(6))]), {}, "linearly dependent"),
        (np.column_stack([np.ones(5), np.zeros(5)]), {}, "column 1 of basis is zero"),
        (np.array([[1e200, 0], [1e-200, 1], [0, 2]]), {}, "2\\^1000"),
        (np.array([[1.0], [np.nan]]), {}, "nan"),
        (np.ones(4), {}, "two-dimensional"),
        (np.eye(3), {"q": 2}, "larger than 2"),
        (np.eye(3), {"q": 1}, "at least 2"),
        (np.eye(3), {"method": "guess"}, "method"),
        (np.eye(3), {"random_state": -1}, "random_state"),
    ],
)
def test_wrong_input(basis, arguments, word):
    with pytest.raises(InvalidInputError, match=word):
        sparsest_direction(basis, **arguments)


def test_result_is_reproducible_and_says_what_it_is():
    X = subspace(30, 4, random_state=0)
    first, second = (sparsest_direction(X, random_state=5) for _ in range(2))
    assert isinstance(first, SparseDirection)
    assert np.array_equal(first.vector, second.vector)
    assert first.upper == second.upper
    assert f"least_support={first.least_support}" in repr(first)
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.upper = 0.0
    assert first.gap == first.upper / first.lower - 1
