"""The closed forms against their conditions of optimality, limits and a conic solver."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypernorm.linear_model.shrinkage import schatten_norm, shrink_to_bound, shrink_with_penalty

NORMS = (1, 1.05, 1.3, 2, 3, 10, 50, math.inf)


@given(
    st.lists(st.floats(-8, 8), min_size=1, max_size=20),
    st.floats(0.01, 0.99),
    st.sampled_from(NORMS),
)
def test_the_bound_is_met_and_the_conditions_hold(exponents, share, p):
    squares = 10.0 ** np.array(exponents)
    bound = share * schatten_norm(np.ones(len(squares)), p)
    found = shrink_to_bound(squares, bound, p)
    assert schatten_norm(found.bias, p) == pytest.approx(bound, rel=1e-10)
    np.testing.assert_allclose(found.bias + found.filter_factors, 1, atol=1e-15)
    assert (found.bias >= 0).all()
    assert (found.filter_factors >= 0).all()
    ratios = found.filter_factors / squares  # minus half the derivative of the variance
    if p == 1:
        active = found.bias > 0
        np.testing.assert_allclose(ratios[active], 1 / found.alpha, rtol=1e-9)
        assert (ratios[~active] <= 1 / found.alpha * (1 + 1e-9)).all()
    elif math.isinf(p):
        assert ratios.sum() == pytest.approx(1 / found.alpha, rel=1e-9)
    else:
        np.testing.assert_allclose(ratios, found.bias ** (p - 1) / found.alpha, rtol=1e-8)
    again = shrink_with_penalty(squares, found.alpha, p)
    np.testing.assert_allclose(again.filter_factors, found.filter_factors, rtol=1e-9)


@pytest.mark.parametrize("p", NORMS)
def test_ends_of_the_path(p):
    squares = np.array([0.1, 1.0, 7.0])
    for found in (shrink_with_penalty(squares, 0.0, p), shrink_to_bound(squares, 0.0, p)):
        assert found.filter_factors.tolist() == [1, 1, 1]
        assert found.alpha == 0
    for found in (shrink_with_penalty(squares, math.inf, p), shrink_to_bound(squares, 3.0, p)):
        assert found.bias.tolist() == [1, 1, 1]
        assert found.alpha == math.inf
    assert shrink_with_penalty(np.empty(0), 1.0, p).bias.shape == (0,)


def test_known_forms():
    squares = np.array([0.5, 2.0, 8.0])
    np.testing.assert_allclose(shrink_with_penalty(squares, 2.0, 2).filter_factors, squares / (squares + 2))
    np.testing.assert_allclose(shrink_with_penalty(squares, 2.0, 1).filter_factors, [0.25, 1, 1])
    np.testing.assert_allclose(shrink_to_bound(squares, 0.3, math.inf).bias, 0.3)
    # p → 1, 2 and from both sides
    for p, near in ((1, 1 + 1e-9), (2, 2 + 1e-9), (2, 2 - 1e-9)):
        factors = [shrink_with_penalty(squares, 1.7, value).filter_factors for value in (p, near)]
        np.testing.assert_allclose(*factors, atol=1e-6)


@pytest.mark.parametrize("p", [1, 1.5, 2, 4, math.inf])
def test_the_whole_operator_is_optimal(p):
    """The theorem itself: minimise ‖L‖_F over all matrices L with ‖LX − I‖_{S_p} ≤ C."""
    cp = pytest.importorskip("cvxpy")
    X = np.random.default_rng(0).standard_normal((6, 3)) * [3, 1, 0.5]
    _, s, _ = np.linalg.svd(X, full_matrices=False)
    bound = 0.4 * schatten_norm(np.ones(3), p)
    found = shrink_to_bound(s**2, bound, p)
    variance = float(np.sum((found.filter_factors / s) ** 2))
    L = cp.Variable((3, 6))
    B = L @ X - np.eye(3)
    # By the alignment of optimal L with the singular vectors the norms 1, 2 and ∞ suffice to test the theorem; others
    # have no conic form in cvxpy, so for them L is restricted to these vectors.
    if p in (1, 2, math.inf):
        norm = {1: cp.normNuc, 2: lambda A: cp.norm(A, "fro"), math.inf: cp.sigma_max}[p]
        problem = cp.Problem(cp.Minimize(cp.sum_squares(L)), [norm(B) <= bound])
    else:
        b = cp.Variable(3)
        problem = cp.Problem(cp.Minimize(cp.sum_squares(cp.multiply(1 - b, 1 / s))), [cp.pnorm(b, p) <= bound])
    assert problem.solve(solver="CLARABEL") == pytest.approx(variance, rel=1e-5)
