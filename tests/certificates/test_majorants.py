"""Polynomials that touch a power from above: the rule of their nodes, and their coefficients in exact arithmetic."""

from fractions import Fraction
from math import prod

import flint
import numpy as np
import pytest

from hypernorm.certificates import precision
from hypernorm.certificates.majorants import DEGREES, has_touching, majorants, touching_nodes, touching_polynomial
from hypernorm.exceptions import CertificateError

EXPONENTS = (2.01, 2.5, 3.0, 3.75, 4.25, 5.0, 5.5, 6.0, 6.5, 7.0, 8.0, 8.25, 9.0, 10.0, 14.5, 40.0)
PAIRS = [(q, degree) for q in EXPONENTS for degree in DEGREES if has_touching(q, degree)]


@pytest.mark.parametrize(("q", "degree"), PAIRS)
def test_nodes_follow_from_the_sign_of_a_derivative(q, degree):
    nodes, m = touching_nodes(q, degree), degree // 2
    assert nodes.at_zero + nodes.at_one + 2 * nodes.doubles == m + 1
    assert nodes.doubles in (1, 2)
    derivative = prod(Fraction(q) / 2 - j for j in range(m + 1))
    # Where the derivative is positive, the product of all w − node must not be, and the other way round.
    for w in (0.0, 0.3, 1.0):
        product = (w if nodes.at_zero else 1.0) * (w - 1 if nodes.at_one else 1.0)
        assert product * float(derivative) <= 0


def test_known_rules():
    assert touching_nodes(3.0, 4) == (True, False, 1)
    assert touching_nodes(5.0, 4) == (False, True, 1)
    assert touching_nodes(6.0, 4) == (False, True, 1)
    assert touching_nodes(3.0, 6) == (True, True, 1)
    assert touching_nodes(5.0, 6) == (False, False, 2)
    assert touching_nodes(3.0, 8) == (True, False, 2)
    assert touching_nodes(9.0, 8) == (False, True, 2)


def test_even_powers_up_to_the_degree_have_no_majorant():
    assert [q for q in (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0) if has_touching(q, 4)] == [3.0, 5.0, 6.0, 8.0, 10.0]
    assert [q for q in (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0) if has_touching(q, 6)] == [3.0, 5.0, 8.0, 10.0]
    assert [q for q in (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0) if has_touching(q, 8)] == [3.0, 5.0, 10.0]
    for q in (np.inf, -np.inf, np.nan, 1.5, 2e6):
        assert not has_touching(q, 4)
    assert has_touching(1e6, 4)
    for degree in (2, 5, 10, -4):
        assert not has_touching(3.0, degree)


def random_majorants(q, degree, seed=0, count=12):
    rng = np.random.default_rng(seed)
    doubles = touching_nodes(q, degree).doubles
    nodes = np.sort(rng.uniform(0.001, 0.999, (count, doubles)) ** rng.integers(1, 4, (count, 1)), axis=1)
    squares = 10.0 ** rng.uniform(-3, 0, count)
    radius = 0.9
    with precision():
        return nodes, squares, radius, majorants(q, degree, nodes, squares.tolist(), radius)


@pytest.mark.parametrize(("q", "degree"), PAIRS)
def test_majorants_are_above_the_power_and_touch_it(q, degree):
    """On a fine grid and at the nodes, with the rounded coefficients as they are."""
    nodes, squares, radius, coefficients = random_majorants(q, degree)
    with precision():
        power = flint.arb(flint.fmpq(*Fraction(q).as_integer_ratio())) / 2
        for i, square in enumerate(squares.tolist()):
            grid = [square * step / 128 for step in range(129)] + (nodes[i] * square).tolist()
            for u in grid:
                polynomial = sum(flint.arb(c) * flint.arb(u) ** k for k, c in enumerate(coefficients[:, i].tolist()))
                bound = polynomial - (flint.arb(u) ** power if u > 0 else 0) / flint.arb(radius) ** (2 * power)
                assert bound >= 0
            for node in nodes[i].tolist():
                u = node * square
                polynomial = sum(c * u**k for k, c in enumerate(coefficients[:, i].tolist()))
                sizes = sum(abs(c) * u**k for k, c in enumerate(coefficients[:, i].tolist()))
                assert polynomial - (u / radius**2) ** (q / 2) <= 1e-13 * sizes


@pytest.mark.parametrize(("q", "degree"), PAIRS)
def test_coefficients_are_just_above_the_exact_ones(q, degree):
    """Against a linear system for the interpolating polynomial, in arithmetic of high precision."""
    nodes, squares, radius, coefficients = random_majorants(q, degree, seed=1, count=4)
    at_zero, at_one, _ = touching_nodes(q, degree)
    size = degree // 2 + 1
    before, flint.ctx.prec = flint.ctx.prec, 600
    try:
        power = flint.arb(flint.fmpq(*Fraction(q).as_integer_ratio())) / 2
        for i, square in enumerate(squares.tolist()):
            rows, values = [], []
            for simple in [0] * at_zero + [1] * at_one:
                rows.append([flint.arb(simple) ** k if k else flint.arb(1) for k in range(size)])
                values.append([flint.arb(simple)])
            for node in map(flint.arb, nodes[i].tolist()):
                rows.append([node**k for k in range(size)])
                rows.append([k * node ** (k - 1) if k else flint.arb(0) for k in range(size)])
                values += [[node**power], [power * node ** (power - 1)]]
            exact = flint.arb_mat(rows).solve(flint.arb_mat(values)).entries()
            factor = (flint.arb(square) / flint.arb(radius) ** 2) ** power
            for k, coefficient in enumerate(coefficients[:, i].tolist()):
                meant = exact[k] * factor / flint.arb(square) ** k
                assert flint.arb(coefficient) >= meant
                assert abs(flint.arb(coefficient) - meant) <= abs(meant) * 2.0**-50 + 2.0**-1000
    finally:
        flint.ctx.prec = before


def test_closed_forms():
    nodes, squares = np.array([[0.25]]), [1.0]
    with precision():
        # The inequality of arithmetic and geometric means, and an interpolation at σ, σ, 1.
        below = majorants(3.0, 4, nodes, squares, 1.0)[:, 0]
        above = majorants(6.0, 4, nodes, squares, 1.0)[:, 0]
    np.testing.assert_allclose(below, [0, 0.5 * 0.25**0.5, 0.5 * 0.25**-0.5], atol=1e-300)
    np.testing.assert_allclose(above, [0.25**2, -(0.25**2) - 0.5, 1.5])


def test_arrays_and_balls_have_the_same_polynomial():
    nodes, squares, radius, coefficients = random_majorants(4.5, 8, seed=2)
    found = touching_polynomial(4.5, 8, list(nodes.T), 2.25)
    scaled = np.array([c * squares**2.25 / radius**4.5 / squares**k for k, c in enumerate(found)])
    np.testing.assert_allclose(scaled, coefficients, rtol=1e-6)


def test_rows_of_zeros_have_no_terms_and_short_rows_are_taken_longer():
    nodes = np.full((3, 1), 0.5)
    with precision():
        found = majorants(3.0, 4, nodes, [0.0, 5e-324, 2.0**-200], 1.0)
        assert (majorants(3.0, 4, nodes, [2.0**-199] * 3, 1.0)[1:] != found[1:, 2:]).all()
    assert not found[:, 0].any()
    assert (found[:, 1] == found[:, 2]).all()
    assert np.isfinite(found).all()


def test_nodes_without_a_polynomial_are_refused():
    with precision(), pytest.raises(CertificateError, match="too close"):
        majorants(3.0, 8, np.array([[0.5, 0.5]]), [1.0], 1.0)
    # Ball arithmetic proves what it can of nodes that are nearly equal or tiny.
    for nodes in ([0.5, np.nextafter(0.5, 1)], [1e-30, 0.5]):
        with precision():
            found = majorants(3.0, 8, np.array([nodes]), [1.0], 1.0)[:, 0]
        w = np.linspace(0, 1, 101)
        assert (sum(c * w**k for k, c in enumerate(found)) >= w**1.5 * (1 - 1e-9)).all()
