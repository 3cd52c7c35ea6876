import math
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from hypernorm import ConvergenceWarning, InvalidInputError, lower_bound
from hypernorm.bounds import newton, power
from hypernorm.bounds import power_kernels as kernels
from hypernorm.datasets import known_norms, signs
from hypernorm.forms import Rows
from tests.oracles import norms as oracle


@pytest.mark.parametrize("known", list(known_norms()), ids=repr)
def test_known_norms_are_attained(known):
    witness = lower_bound(known.matrix, known.q, random_state=0)
    assert witness.value == pytest.approx(known.value, rel=1e-9)
    assert oracle.attained(known.matrix, witness.vector, known.q) == pytest.approx(witness.value, rel=1e-12)
    assert np.linalg.norm(witness.vector) == pytest.approx(1, rel=1e-12)


@given(st.floats(1, 9), st.integers(0, 1000), st.integers(1, 12), st.integers(1, 5))
def test_the_iteration_never_descends(q, seed, n, d):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    rows, v = Rows(X), rng.standard_normal((d, 3))
    v /= np.linalg.norm(v, axis=0)
    before = kernels.norm_values(rows, v, q)
    for _ in range(5):
        g = kernels.gradients(rows, v, q)
        v = g / np.linalg.norm(g, axis=0)
        after = kernels.norm_values(rows, v, q)
        assert (after >= before * (1 - 1e-12)).all()
        before = after


@pytest.mark.parametrize("q", [1, 1.5, 2, 3, 4, 5, 2.7, 40])
def test_gradients_are_those_of_the_definition(q):
    rng = np.random.default_rng(0)
    X, V = rng.standard_normal((300, 4)), rng.standard_normal((4, 5))
    rows = Rows(X)
    Y = X @ V * 2.0**-rows.exponent
    expected = X.T @ (np.abs(Y) ** (q - 1) * np.sign(Y))
    for matrix in (rows, Rows(sp.csr_array(X))):
        G = kernels.gradients(matrix, V, q)
        np.testing.assert_allclose(
            G / np.linalg.norm(G, axis=0), expected / np.linalg.norm(expected, axis=0), rtol=1e-9
        )
        np.testing.assert_allclose(kernels.norm_values(matrix, V, q), np.linalg.norm(Y, q, axis=0), rtol=1e-10)


@pytest.mark.parametrize("q", [1.0, 1.5, 3, 4, 6, 7.3])
def test_as_good_as_many_restarts(q):
    for seed in range(3):
        X = signs(24, 6, random_state=seed)
        best = oracle.best_of_restarts(X, q, np.random.default_rng(seed))
        assert lower_bound(X, q, random_state=seed).value >= best * (1 - 1e-9)


@pytest.mark.parametrize("q", [2.5, 4, 7.3])
def test_the_result_is_a_second_order_stationary_point(q):
    X = np.random.default_rng(1).standard_normal((60, 9))
    v = lower_bound(X, q, random_state=0).vector
    y = X @ v
    gradient = X.T @ (np.abs(y) ** (q - 1) * np.sign(y))
    hessian = (q - 1) * (X.T * np.abs(y) ** (q - 2)) @ X
    P = np.eye(9) - np.outer(v, v)
    assert np.linalg.norm(P @ gradient) <= 1e-7 * np.linalg.norm(gradient)
    assert np.linalg.eigvalsh(P @ (hessian - (v @ gradient) * np.eye(9)) @ P)[-1] <= 1e-7 * (v @ gradient)


def test_newton_leaves_a_saddle_point():
    """At (0, 1) the gradient has no tangential part and the curvature is 3·2 − 3 > 0."""
    X = np.array([[2.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, -1.0]])
    start = np.array([0.0, 1.0])
    vector, value = newton.newton_finish(Rows(X), 4, start)
    assert oracle.attained(X, vector, 4) == pytest.approx(oracle.best_of_restarts(X, 4, np.random.default_rng(0)))
    assert value > kernels.norm_values(Rows(X), start[:, None], 4)[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float16, int])
def test_other_types_give_the_same_answer(dtype):
    X = np.round(np.random.default_rng(2).standard_normal((40, 6)) * 8)
    expected = lower_bound(X, 4, random_state=0).value
    assert lower_bound(X.astype(dtype), 4, random_state=0).value == pytest.approx(expected, rel=1e-10)
    assert lower_bound(sp.csr_array(X).astype(float), 4, random_state=0).value == pytest.approx(expected, rel=1e-10)


def test_the_same_seed_gives_the_same_witness():
    X = np.random.default_rng(3).standard_normal((50, 8))
    one, two = lower_bound(X, 3, random_state=7), lower_bound(X, 3, random_state=7)
    np.testing.assert_array_equal(one.vector, two.vector)


def test_given_starts_are_used():
    X = np.eye(3) * [1.0, 1.0, 1.0]
    witness = lower_bound(X, 4, n_starts=1, starts=[[0.0, 0.0, 1.0]], random_state=0)
    assert witness.value == pytest.approx(1.0, rel=1e-12)
    assert lower_bound(X, 4, starts=[[1e300, 0, 0], [0, 1e-300, 0]], random_state=0).value == pytest.approx(1.0)
    for wrong in ([[1.0, 2.0]], [[np.nan, 0, 0]], "abc", [[1.0], [1.0, 2.0]], [1.0, 2.0, 3.0]):
        with pytest.raises(InvalidInputError, match="starts"):
            lower_bound(X, 4, starts=wrong)


def test_a_start_that_no_row_sees_does_not_spoil_the_rest():
    X = np.array([[1.0, 0.0], [2.0, 0.0]])
    rows = Rows(X)
    vector = power.search(rows, 4, np.random.default_rng(0), n_starts=0, starts=np.array([[0.0], [1.0]]))
    assert abs(vector[0]) == pytest.approx(1)


@pytest.mark.parametrize("q", [1, 1.5, 2, 4, 300.0, math.inf])
def test_small_and_empty_shapes(q):
    assert lower_bound(np.zeros((3, 2)), q).value == 0
    assert lower_bound([[-3.0]], q).value == pytest.approx(3)
    assert lower_bound([[3.0, 4.0]], q, random_state=0).value == pytest.approx(5)
    assert lower_bound([[3.0], [0.0]], q).value == pytest.approx(3)


def test_dimensions_beyond_newton_converge_by_the_power_method(monkeypatch):
    monkeypatch.setattr(power, "LARGEST_DIMENSION", 3)
    X = np.random.default_rng(4).standard_normal((30, 5))
    best = oracle.best_of_restarts(X, 4, np.random.default_rng(0))
    assert lower_bound(X, 4, random_state=0).value == pytest.approx(best, rel=1e-8)
    assert lower_bound(X, 2, random_state=0).value == pytest.approx(np.linalg.norm(X, 2), rel=1e-8)
    with pytest.warns(ConvergenceWarning, match="max_iter=4"):
        lower_bound(X, 4, max_iter=4, random_state=0)


def test_no_warning_where_newton_finishes():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lower_bound(np.random.default_rng(5).standard_normal((30, 5)), 4, max_iter=2, random_state=0)


@pytest.mark.parametrize(("name", "value"), [("n_starts", 0), ("max_iter", 0), ("rtol", 2), ("q", 0.5)])
def test_bad_arguments_are_named(name, value):
    with pytest.raises(InvalidInputError, match=name):
        lower_bound(np.eye(2), **{name: value})
