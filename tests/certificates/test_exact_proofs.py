"""Exact arithmetic: what is handed to the proof of definiteness is the matrix meant, and boundaries are exact."""

import math
from fractions import Fraction

import numpy as np
import pytest

from hypernorm._validation import check_matrix
from hypernorm.certificates import exact, floating
from hypernorm.certificates.dyadic import DyadicMatrix
from hypernorm.certificates.exact import ExactRows
from hypernorm.certificates.rounding import SAFETY, precision
from hypernorm.exceptions import CertificateError
from hypernorm.forms import MonomialBasis, Rows
from tests.oracles.exact import U, entries, fractions
from tests.oracles.gram_matrices import identity_gram, spread_gram


def exact_rows(X, power=Fraction(0), radius=1.0):
    rows = Rows(check_matrix(X))
    with precision():
        return rows, ExactRows(rows, power, radius)


@pytest.fixture
def asked(monkeypatch):
    """The matrices that are to be proved definite; the answer is yes."""
    found = []
    monkeypatch.setattr(DyadicMatrix, "is_proved_positive_definite", lambda self: found.append(entries(self)) or True)
    return found


def samples():
    rng = np.random.default_rng(0)
    yield "one entry", np.array([[-0.7]])
    yield "one row", rng.standard_normal((1, 4))
    yield "one column", rng.standard_normal((9, 1))
    yield "few rows", rng.standard_normal((2, 5))
    yield "many rows", rng.standard_normal((20, 2))
    yield "blocks", np.round(rng.standard_normal((11, 2)) * 8)
    yield "all scales", rng.standard_normal((8, 3)) * 10.0 ** rng.integers(-9, 3, (8, 1))


SAMPLES = dict(samples())


@pytest.fixture(params=SAMPLES)
def both(request, monkeypatch):
    X = SAMPLES[request.param]
    if request.param == "blocks":
        monkeypatch.setattr(exact, "_BLOCK_ROWS", 4)
    rows, exactly = exact_rows(X)
    return fractions(rows.block(0, len(X))), exactly


def symmetric(d):
    A = np.random.default_rng(4).uniform(-1, 1, (d, d))
    return np.tril(A) + np.tril(A, -1).T


BOUND = 3.3


def test_second_moments(both, asked):
    X, rows = both
    assert exact.proves_second(rows, BOUND)
    assert (asked[0] == Fraction(BOUND) * fractions(np.eye(X.shape[1])) - X.T @ X).all()


def test_flattening(both, asked):
    X, rows = both
    A = symmetric(X.shape[1])
    assert exact.proves_flattening(rows, BOUND, A)
    values = ((X @ fractions(A)) * X).sum(axis=1)
    assert (asked[0] == fractions(A)).all()
    assert (asked[1] == Fraction(BOUND) * fractions(A) - X.T @ (values[:, None] * X)).all()


@pytest.mark.parametrize("route", ["_realigned_by_rows", "_realigned_by_slices", None])
def test_realigned(both, route, asked, monkeypatch):
    X, rows = both
    A = symmetric(X.shape[1])
    if route:
        other = ({"_realigned_by_rows", "_realigned_by_slices"} - {route}).pop()
        monkeypatch.setattr(exact, other, getattr(exact, route))
    assert exact.proves_realigned(rows, BOUND, A)
    gram = X @ X.T
    image = X.T @ (gram * gram * (X @ fractions(A) @ X.T)) @ X
    assert (asked[0] == fractions(A)).all()
    assert (asked[1] == Fraction(BOUND) * fractions(A) - image).all()


def test_the_cheaper_route_is_taken(monkeypatch, asked):
    taken = []
    for name in ("_realigned_by_rows", "_realigned_by_slices"):
        original = getattr(exact, name)
        monkeypatch.setattr(exact, name, lambda *a, name=name, original=original: taken.append(name) or original(*a))
    for n, d, expected in [(3, 5, "rows"), (40, 2, "slices"), (20, 4, "rows"), (60, 4, "slices"), (4, 1, "slices")]:
        _, rows = exact_rows(np.ones((n, d)))
        exact.proves_realigned(rows, 3.0, np.eye(d))
        assert taken.pop() == f"_realigned_by_{expected}"


@pytest.mark.parametrize("order", [4, 6, 8])
def test_moments(both, order, asked):
    X, rows = both
    assert exact.proves_moment(rows, BOUND, None, order)
    half = order // 2
    basis = MonomialBasis(X.shape[1], half)
    values = np.array([X[:, index].prod(axis=1) for index in basis.indices])
    counts = [np.bincount(index, minlength=X.shape[1]).tolist() for index in basis.indices]
    diagonal = [Fraction(math.prod(map(math.factorial, count))) for count in counts]
    assert (asked[0] == Fraction(BOUND) * np.diag(diagonal) - math.factorial(half) * (values @ values.T)).all()


@pytest.mark.parametrize("name", ["proves_flattening", "proves_realigned"])
@pytest.mark.parametrize("verdicts", [(True, False), (False, True), (False, False)])
def test_a_map_needs_both_proofs(name, verdicts, monkeypatch):
    _, rows = exact_rows(np.eye(2))
    answers = list(verdicts)
    monkeypatch.setattr(DyadicMatrix, "is_proved_positive_definite", lambda self: answers.pop(0))
    assert getattr(exact, name)(rows, 100.0, np.eye(2)) is False


@pytest.mark.parametrize("name", ["proves_second", "proves_moment"])
def test_the_verdict_is_that_of_the_matrix(name, monkeypatch):
    _, rows = exact_rows(np.eye(2))
    arguments = (None, 4) if name == "proves_moment" else ()
    for verdict in (True, False):
        monkeypatch.setattr(DyadicMatrix, "is_proved_positive_definite", lambda self, verdict=verdict: verdict)
        assert getattr(exact, name)(rows, 1.0, *arguments) is verdict


@pytest.mark.parametrize("q", [Fraction(-1, 4), Fraction(1), Fraction(5, 2)])
@pytest.mark.parametrize("n", [5, 256, 257])
def test_weights_are_just_above_the_powers_of_exact_lengths(q, n):
    rng = np.random.default_rng(n)
    X = np.round(rng.standard_normal((n, 2)) * 16)
    X[3] = 0
    rows, weighted = exact_rows(X, q, 0.75)
    block = rows.block(0, n)
    found = np.vstack([entries(part) for part in weighted])
    assert found.shape == (n, 2)
    assert (found[3] == 0).all()
    for i in (0, 1, n - 1):
        place = int(np.argmax(np.abs(block[i])))
        if block[i, place] == 0:
            continue
        factor = found[i, place] / Fraction(block[i, place])
        # factor^4 ≥ (r/R)^(4q), exactly: r² is rational, and 4q is whole.
        square = sum(Fraction(x) ** 2 for x in block[i].tolist()) / Fraction(0.75) ** 2
        wanted = square ** int(4 * q)  # the eighth power of the factor
        assert wanted <= factor**8 <= wanted * (1 + 40 * U)
        assert (found[i] == factor * fractions(block[i])).all()


@pytest.mark.parametrize("n", [1, 255, 256, 257, 600])
def test_squares_are_exact(n):
    X = np.round(np.random.default_rng(n).standard_normal((n, 3)) * 1000) * 2.0**-7
    rows, exactly = exact_rows(X)
    found = [Fraction(m) * Fraction(2) ** e for m, e in exactly.squares()]
    assert found == [sum(Fraction(x) ** 2 for x in row) for row in rows.block(0, n).tolist()]


def test_weights_that_overflow_are_refused():
    rows = Rows(check_matrix(np.array([[1.0], [2.0**-600]])))
    with precision(), pytest.raises(CertificateError, match="too large"):
        ExactRows(rows, Fraction(-2), 0.5)


@pytest.mark.parametrize("scale", [1.0, 3.0, 2.0**-300])
def test_the_longest_row_is_bounded_exactly(scale):
    X = np.array([[0.75, 0.5], [0.5, 0.75], [0.1, 0.1]]) * scale
    rows, exactly = exact_rows(X)
    squares = [sum(Fraction(x) ** 2 for x in row) for row in rows.block(0, 3).tolist()]
    for place in range(3):
        below = float(squares[place])
        below = below if Fraction(below) <= squares[place] else math.nextafter(below, 0)
        one = math.nextafter(below, 1)
        for bound in (below, one):
            assert exact.proves_longest_row(exactly, bound) is all(square <= Fraction(bound) for square in squares)
    assert exact.proves_longest_row(exact_rows(np.eye(3))[1], 1.0 if rows.exponent == 0 else 4.0)
    # In units in which the row is a power of two, equality is enough.
    rows, exactly = exact_rows(np.array([[1.0], [0.5]]))
    length = float(rows.block(0, 1)[0, 0])
    assert exact.proves_longest_row(exactly, length**2)
    assert not exact.proves_longest_row(exactly, math.nextafter(length**2, 0))


@pytest.mark.parametrize("m", [2, 3, 4, 6])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_sums_of_squares_without_rest(m, d, asked):
    m = 2 if d == 1 else m
    rows, exactly = exact_rows(np.eye(d))
    H = identity_gram(d, m) * 2.0 ** (-4 * rows.exponent)
    assert exact.proves_sos(exactly, BOUND, H, 4)
    weights = fractions(MonomialBasis(d, m).multiplicities.astype(float))
    assert (asked[0] == Fraction(BOUND) * np.diag(weights) - fractions(H)).all()


@pytest.mark.parametrize("m", [2, 3, 4])
@pytest.mark.parametrize("places", [[(0, 0, -0.25)], [(1, 1, 0.5)], [(0, 0, 2.0**-70), (1, 1, 0.25)], [(1, 0, 1.5)]])
def test_the_rest_of_a_sum_of_squares(m, places, asked):
    """Entries of H are changed: the rest is that entry, twice off the diagonal, over its multinomial."""
    d = 2
    rows, exactly = exact_rows(np.eye(d))
    H = identity_gram(d, m) * 2.0 ** (-4 * rows.exponent)
    basis = MonomialBasis(d, m)
    rests = {}
    for i, j, change in places:
        H[i, j] += change
        H[j, i] = H[i, j]
        power = int(basis.indices[i].sum() + basis.indices[j].sum())  # of the second variable
        rests[power] = rests.get(power, 0) + Fraction(change) * (1 if i == j else 2)
    assert exact.proves_sos(exactly, BOUND, H, 4)
    square = sum(value**2 / math.comb(2 * m, power) for power, value in rests.items())
    weights = basis.multiplicities.astype(float)
    rest = (Fraction(BOUND) - (asked[0] + fractions(H))[0, 0] / Fraction(weights[0])) ** 2
    assert square <= rest <= square * (1 + 20 * U)
    difference = asked[0] + fractions(H)
    assert (difference == np.diag(np.diagonal(difference))).all()
    assert (np.diagonal(difference) == difference[0, 0] * fractions(weights)).all()


@pytest.mark.parametrize("order", [4, 6])
@pytest.mark.parametrize("raised", [0, 1, 2])
def test_both_arithmetics_find_the_same_rest(order, raised, asked):
    """Rows in general position and a Gram matrix of a higher degree: coefficients of the form agree."""
    rows, exactly = exact_rows(np.random.default_rng(order).standard_normal((5, 3)))
    m = order // 2 + raised
    H = spread_gram(rows, order, m)
    assert exact.proves_sos(exactly, 3.0, H, order)
    first = (asked[0] + fractions(H))[0, 0]  # (λ − ‖ρ‖) times one
    assert 0 <= 3 - first < Fraction(1, 10**10)
    H[0, 0] += 0.125
    assert exact.proves_sos(exactly, 3.0, H, order)
    assert abs(3 - (asked[1] + fractions(H))[0, 0] - Fraction(1, 8)) < Fraction(1, 10**10)


def test_a_rest_that_overflows_proves_nothing(monkeypatch):
    monkeypatch.setattr(exact, "upper_float", lambda ball: math.inf)
    _, rows = exact_rows(np.eye(2))
    assert exact.proves_sos(rows, 1e300, np.eye(3), 4) is False


@pytest.mark.parametrize("proofs", ["floating", "exact"])
@pytest.mark.parametrize("m", [2, 3, 5])
@pytest.mark.parametrize("left", [0.0, 0.25])
def test_the_least_value_of_a_sum_of_squares(proofs, m, left):
    """Σ v_i⁴ ≤ 1, with a rest of ¼ in one coefficient."""
    rows, exactly = exact_rows(np.eye(2))
    scale = 2.0 ** (-4 * rows.exponent)
    H = identity_gram(2, m) * scale
    H[0, 0] -= left * scale
    truth = (1 + left * (SAFETY if proofs == "floating" else 1)) * scale

    def proved(bound):
        return exact.proves_sos(exactly, bound, H, 4) if proofs == "exact" else floating.proves_sos(rows, bound, H, 4)

    assert not proved((1 + left) * scale)
    assert not proved(truth / 2)
    assert proved(truth * (1 + 1e-12))
