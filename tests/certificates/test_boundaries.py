"""The least values that are accepted still bound norms that are known in closed form, in both arithmetics."""

import dataclasses
import math
from fractions import Fraction

import numpy as np
import pytest

from hypernorm._validation import check_rows
from hypernorm.bounds.propose import Search, propose
from hypernorm.certificates import KINDS, is_available, plan
from hypernorm.exceptions import CertificateError
from hypernorm.forms import Rows

# Matrices of floats with the norm to the power q, exactly, for an integer q.
ROW = np.array([[3.0, 4.0]])
PADDED = np.array([[0.0, 0.0, 0.0], [3.0, 0.0, 4.0], [0.0, 0.0, 0.0]])
COLUMN = np.array([[2.0], [-1.0], [0.0], [0.5], [2.0]])
ENTRY = np.array([[-1.5]])


def subnormal(scale):
    """A row at the end of the range beside a long one: it is flushed, or loses bits, when the rows are scaled."""
    return np.array([[scale, 0.0], [0.0, 1.5 * 2.0**-1074 if scale > 1 else 2.0**-1074]])


def known(q):
    """Name, matrix and the q-th power of its norm, or its square for infinity; and whether every bound is sharp."""
    power = 2 if math.isinf(q) else int(q)

    def largest(values):
        return max(values) if math.isinf(q) else sum(values)

    yield "row", ROW, Fraction(5) ** power, True
    yield "zero rows", PADDED, Fraction(5) ** power, True
    yield "entry", ENTRY, Fraction(3, 2) ** power, True
    yield "column", COLUMN, largest([abs(Fraction(x)) ** power for x in COLUMN.ravel().tolist()]), q in (2, 4, math.inf)
    yield "identity", np.eye(3), Fraction(1), q != 3
    yield "flushed", subnormal(2.0**60), Fraction(2) ** (60 * power), q != 3
    yield "far apart", np.array([[2.0**500, 0.0], [0.0, 2.0**-500]]), Fraction(2) ** (500 * power), q != 3


CASES = [
    pytest.param(kind, q, X, truth, sharp, id=f"{kind}-{q:g}-{name}")
    for q in (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, math.inf)
    for name, X, truth, sharp in known(q)
    for kind in KINDS
    if is_available(kind, q) and kind != "sos"
]


def bound(X, q, kind):
    """The certificate for the matrix as it is, without reduction to its row space."""
    return propose(Rows.identified(check_rows(X)), q, kind, Search()).certificate


def lowered(certificate, factor):
    """Every value for rows multiplied by a factor."""
    values = zip(certificate.values, plan(certificate.kind, certificate.q), strict=True)
    return dataclasses.replace(certificate, values=tuple(value * factor**part.root for value, part in values))


def proved(certificate, X, exact):
    try:
        return certificate.verify(X, exact=exact).upper
    except CertificateError:
        return None


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(("kind", "q", "X", "truth", "sharp"), CASES)
def test_the_least_values_that_are_accepted(kind, q, X, truth, sharp, exact):
    certificate = bound(X, q, kind)
    power = 2 if math.isinf(q) else int(q)
    low, high = 0.5, 1.0
    assert proved(lowered(certificate, low), X, exact) is None
    for _ in range(54):
        middle = (low + high) / 2
        upper = proved(lowered(certificate, middle), X, exact)
        if upper is None:
            low = middle
        else:
            assert Fraction(upper) ** power >= truth
            high = middle
    least = proved(lowered(certificate, high), X, exact)
    assert Fraction(least) ** power >= truth
    if sharp:
        room = Fraction(1, 10**9 if len(certificate.values) == 1 else 10**7)
        if kind == "split":
            room = Fraction(1, 10**6)  # its numbers are in single precision
        assert Fraction(least) ** power <= truth * (1 + room)


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("scale", [1e-300, 1e-150, 3e-7, 1.0, 1e150, 1e300])
@pytest.mark.parametrize(("kind", "q"), [(kind, q) for kind in KINDS for q in (3.0, 4.0, 7.0, 1e6)])
def test_scales_change_nothing(kind, q, scale, exact):
    """A row of three equal entries, whose length is irrational: the bound is above it in the last place."""
    if not is_available(kind, q) or kind == "sos":
        return
    X = np.full((1, 3), scale)
    certificate = bound(X, q, kind)
    square = 3 * Fraction(scale) ** 2
    upper = certificate.verify(X, exact=exact).upper
    assert square <= Fraction(upper) ** 2 <= square * (1 + Fraction(1, 10**6))
    assert proved(lowered(certificate, 0.999), X, exact) is None


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("entry", [5e-324, 3 * 5e-324, 2.0**-1022, 2.0**-1000])
@pytest.mark.parametrize(
    ("kind", "q"), [("row_norm", 4.0), ("row_norm", math.inf), ("flattening", 5.0), ("moment", 6.0)]
)
def test_matrices_of_the_smallest_numbers(kind, q, entry, exact):
    X = np.array([[entry, 0.0], [0.0, entry]])
    certificate = bound(X, q, kind)
    upper = certificate.verify(X, exact=exact).upper
    assert entry <= upper <= entry * (1 + 1e-6) + 5e-324
    assert proved(lowered(certificate, 0.999), X, exact) is None


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("degree", [4.0, 6.0, 8.0])
def test_sums_of_squares_of_one_row(degree, exact):
    certificate = bound(ROW, degree, "sos")
    assert certificate.kind == "sos"
    assert 5 <= certificate.verify(ROW, exact=exact).upper <= 5 * (1 + 1e-6)
    for factor in (0.99, 0.999):
        assert proved(lowered(certificate, factor), ROW, exact) is None
