"""Every error bound of `hypernorm.certificates.floating` against docs/theory/verification.md.

What a proof hands to the domination, and the domination to the proof of definiteness, is caught, and two things are
asserted of it: the error term is the documented one, and the computed matrix is within it of the exact one.
"""

import math
from fractions import Fraction

import numpy as np
import pytest

from hypernorm._validation import check_matrix
from hypernorm.certificates import floating
from hypernorm.certificates.rounding import SAFETY, TINY, UNIT, precision, rational
from hypernorm.forms import FlatteningMap, MonomialBasis, RealignedMap, Rows
from tests.oracles.exact import U, exact_gamma, fractions, is_just_above, norm, product
from tests.oracles.gram_matrices import identity_gram, spread_gram


def samples():
    rng = np.random.default_rng(0)
    yield "one entry", np.array([[0.7]])
    yield "one row", rng.standard_normal((1, 4))
    yield "one column", rng.standard_normal((9, 1))
    yield "few rows", rng.standard_normal((2, 5))
    yield "many rows", rng.standard_normal((40, 2))
    yield "all scales", rng.standard_normal((8, 3)) * 10.0 ** rng.integers(-9, 3, (8, 1))
    yield "cancelling", np.vstack([np.ones((3, 3)), -np.ones((3, 3)) + 1e-9 * rng.standard_normal((3, 3))])


SAMPLES = dict(samples())


@pytest.fixture(params=SAMPLES)
def rows(request):
    return Rows(check_matrix(SAMPLES[request.param]))


class Catch:
    """In the place of a function: keeps what it is called with and answers yes."""

    def __init__(self, monkeypatch, name):
        self.calls = []
        monkeypatch.setattr(floating, name, self)

    def __call__(self, *arguments, overwrite=False):
        self.calls.append([item.copy() if isinstance(item, np.ndarray) else item for item in arguments])
        return True


def positive(d, seed=1):
    """A positive definite matrix whose largest entry is in [1/2, 1)."""
    A = np.random.default_rng(seed).standard_normal((d, d))
    A = A @ A.T + 0.1 * np.eye(d)
    return np.ldexp(A, -math.frexp(float(np.abs(A).max()))[1])


def indefinite(d):
    """A symmetric matrix of the same size, for which what proofs usually find positive has either sign."""
    A = np.random.default_rng(4).uniform(-0.99, 0.99, (d, d))
    A = np.tril(A) + np.tril(A, -1).T
    A[0, 0] = -0.9
    return A


def lengths(rows):
    return [norm(row) for row in rows.block(0, rows.shape[0])]


def power_sum(rows, order):
    return sum(length**order for length in lengths(rows))


def difference(A, B):
    """The exact Frobenius norm of the difference."""
    rest = fractions(A) - B
    return norm(rest)


def test_second_moments(rows, monkeypatch):
    caught = Catch(monkeypatch, "is_dominated")
    assert floating.proves_second(rows, 3.0)
    ((U_, bound, image, error),) = caught.calls
    n, X = rows.shape[0], rows.block(0, rows.shape[0])
    assert U_ is None
    assert bound == 3.0
    assert is_just_above(error, exact_gamma(n + 2 + 4) * power_sum(rows, 2))  # one block, one range: depth n + 2
    assert difference(image, product(X.T, X)) <= Fraction(error)


def test_flattening(rows, monkeypatch):
    caught, definite = Catch(monkeypatch, "is_dominated"), Catch(monkeypatch, "is_proved_positive_definite")
    (n, d), X = rows.shape, rows.block(0, rows.shape[0])
    A = indefinite(d)
    assert floating.proves_flattening(rows, 3.0, 8 * A)
    ((V, bound, image, error),) = caught.calls
    assert (V == A).all()
    assert bound == 3.0
    assert (definite.calls[0][0] == A).all()
    values = np.einsum("ij,jk,ik->i", X, A, X)
    granted = 3 * exact_gamma(d + 2) * norm(A) * power_sum(rows, 4)
    granted += exact_gamma(n + 6) * sum(
        abs(Fraction(value)) * length**2 for value, length in zip(values.tolist(), lengths(rows), strict=True)
    )
    assert is_just_above(error, granted)
    exact = [product(x[None], A, x[:, None])[0, 0] for x in X]
    assert difference(image, sum(c * product(x[:, None], x[None]) for c, x in zip(exact, X, strict=True))) <= error


def realigned_exactly(X, A):
    gram, weighted = product(X, X.T), product(X, A, X.T)
    return product(X.T) @ (gram * gram * weighted) @ product(X), gram, weighted


def caught_realigned(rows, A, slices, monkeypatch):
    monkeypatch.setattr(RealignedMap, "_prefers_slices", lambda self, products: slices)
    caught, definite = Catch(monkeypatch, "is_dominated"), Catch(monkeypatch, "is_proved_positive_definite")
    assert floating.proves_realigned(rows, 3.0, A / 4)
    ((V, bound, image, error),) = caught.calls
    assert (V == A).all()
    assert bound == 3.0
    assert (definite.calls[0][0] == A).all()
    return image, error


def test_realigned_through_the_rows(rows, monkeypatch):
    (n, d), X = rows.shape, rows.block(0, rows.shape[0])
    A = indefinite(d)
    image, error = caught_realigned(rows, A, False, monkeypatch)
    exact, gram, weighted = realigned_exactly(X, A)
    r = np.array(lengths(rows), dtype=object)
    kappa, omega = exact_gamma(d + 2), 3 * exact_gamma(d + 2) * norm(A)
    entries = r @ np.abs(gram * gram * weighted) @ r
    granted = (
        2 * kappa * (r**2 @ np.abs(gram * weighted) @ r**2)
        + omega * (r**2 @ (gram * gram) @ r**2)
        + 3 * U * entries
        + 4 * kappa * (omega + kappa * norm(A)) * power_sum(rows, 4) ** 2
        + exact_gamma(2 * (n + 1 + 2)) * entries
    )
    assert is_just_above(error, granted)
    assert difference(image, exact) <= Fraction(error)


def test_realigned_through_the_rows_in_several_strips(monkeypatch):
    """Strips of three rows; and what is of second order alone, for a matrix of images that vanish."""
    rows = Rows(check_matrix(np.random.default_rng(3).standard_normal((11, 2))))
    A = positive(2)
    realigned = RealignedMap(rows)
    realigned.step, realigned.slices = 3, None
    monkeypatch.setattr(floating, "gamma", lambda m: float(m))
    _, sums = realigned.measured(A)
    _, error = floating._through_rows(realigned, A)
    size, fourth = np.linalg.norm(A), float(np.sum(rows.norms**4))
    granted = (
        2 * 4 * sums.products + 3 * 4 * size * sums.squares + 3 * UNIT * sums.entries
        + 4 * 4 * (3 * 4 * size + 4 * size) * fourth**2 + 2 * (3 + 4 + 2) * sums.entries
    )  # fmt: skip
    assert error == pytest.approx(granted, rel=1e-12)


def test_realigned_through_the_slices(rows, monkeypatch):
    (n, d), X = rows.shape, rows.block(0, rows.shape[0])
    A = indefinite(d)
    image, error = caught_realigned(rows, A, True, monkeypatch)
    size = d * (d + 1) // 2
    absolute = product(np.abs(X).T) @ (np.array(lengths(rows), dtype=object)[:, None] ** 2 * product(np.abs(X)))
    magnitude = norm(absolute @ product(np.abs(A)) @ absolute)
    depth = n + 1  # one group
    granted = 3 * exact_gamma(depth + 12) + exact_gamma(d) + exact_gamma(size * d + 1 + 4)
    assert is_just_above(error, granted * magnitude)
    assert difference(image, realigned_exactly(X, A)[0]) <= Fraction(error)


def test_slices_multiplied_in_several_chunks(monkeypatch):
    rows = Rows(check_matrix(np.random.default_rng(3).standard_normal((5, 3))))
    A = positive(3)
    monkeypatch.setattr(RealignedMap, "_prefers_slices", lambda self, products: True)
    monkeypatch.setattr(RealignedMap, "slice_step", 4)
    magnitude = floating._through_slices(RealignedMap(rows), A)[1] / (
        3 * exact_gamma(5 + 1 + 12) + exact_gamma(3) + exact_gamma(4 * 3 + 2 + 4)
    )
    absolute = (np.abs(rows.block(0, 5)).T * rows.norms**2) @ np.abs(rows.block(0, 5))
    assert magnitude == pytest.approx(np.linalg.norm(absolute @ np.abs(A) @ absolute), rel=1e-12)


@pytest.mark.parametrize("order", [4, 6, 8])
def test_moment_matrices(rows, order, monkeypatch):
    caught = Catch(monkeypatch, "is_dominated")
    assert floating.proves_moment(rows, 3.0, None, order)
    ((U_, bound, image, error),) = caught.calls
    n, d = rows.shape
    assert U_ is None
    assert bound == 3.0
    assert is_just_above(error, exact_gamma(n + 1 + order + 8) * power_sum(rows, order))
    # The weights √(k!/α!) are irrational: their squares are not, and neither are the entries on the diagonal.
    basis = MonomialBasis(d, order // 2)
    X = fractions(rows.block(0, n))
    values = np.array([X[:, index].prod(axis=1) for index in basis.indices])
    diagonal = basis.multiplicities * (values**2).sum(axis=1)
    assert sum(abs(a - b) for a, b in zip(fractions(np.diagonal(image)), diagonal, strict=True)) <= Fraction(error)


@pytest.mark.parametrize("m", [2, 3, 4, 6])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_sums_of_squares(m, d, monkeypatch):
    """For the identity all coefficients are exact: what is subtracted from a tiny λ is the error term alone."""
    m = 2 if d == 1 else m  # all sides are one
    caught = Catch(monkeypatch, "is_dominated")
    rows = Rows(check_matrix(np.eye(d)))
    H, scale = identity_gram(d, m), 2.0 ** (-4 * rows.exponent)
    bound = 1e-10
    assert floating.proves_sos(rows, bound, scale * H, 4)
    ((U_, least, G, error),) = caught.calls
    assert U_ is None
    weights = MonomialBasis(d, m).multiplicities.astype(float)
    np.testing.assert_allclose(G, scale * H / weights[:, None], rtol=1e-15)
    # The moment matrix of the identity has ones at the squares alone.
    terms = math.comb(2 * m, m) + (m - 2) * (d + 1) + 20
    granted = exact_gamma(d + 1 + 4 + 8) * power_sum(rows, 4)
    granted += exact_gamma(terms) * Fraction(scale) * (norm(np.ones(d)) + norm(H / weights[:, None]))
    assert is_just_above(Fraction(bound) - Fraction(least), Fraction(SAFETY) * granted)
    assert is_just_above(error, 8 * U * norm(G))


@pytest.mark.parametrize("degree", [3, 5])
def test_what_a_gram_matrix_leaves_over_is_subtracted(degree, monkeypatch):
    caught = Catch(monkeypatch, "is_dominated")
    d = 2
    rows = Rows(check_matrix(np.eye(d)))
    H = identity_gram(d, degree) * 2.0 ** (-4 * rows.exponent)
    middle = MonomialBasis(d, degree).indices.sum(axis=1).tolist().index(1)  # v_0^(m−1) v_1
    H[0, 0] -= 0.25
    H[middle, middle] += 0.5
    assert floating.proves_sos(rows, 100.0, H, 4)
    rest = math.sqrt(0.25**2 + 0.5**2 / math.comb(2 * degree, 2))
    assert 100.0 - caught.calls[0][1] == pytest.approx(SAFETY * rest, rel=1e-12)
    # Nothing is left of a smaller λ.
    assert not floating.proves_sos(rows, SAFETY * rest, H, 4)
    assert len(caught.calls) == 1


def test_the_subtraction_is_rounded_down(monkeypatch):
    caught = Catch(monkeypatch, "is_dominated")
    rows = Rows(check_matrix(np.eye(2)))
    H = identity_gram(2, 2) * 2.0 ** (-4 * rows.exponent)
    monkeypatch.setattr(floating, "gamma", lambda m: 0.0)
    assert floating.proves_sos(rows, 1.0, H, 4)
    assert caught.calls[0][1] == 1 - 2 * UNIT
    assert not floating.proves_sos(rows, 0.0, H, 4)
    for bound in (1e-300, 0.75):
        assert floating.proves_sos(rows, bound, H, 4)


def test_the_coefficients_of_a_form_are_those_of_its_values():
    """Rows in general position, with a Gram matrix of a higher degree: the rest vanishes up to rounding."""
    rows = Rows(check_matrix(np.random.default_rng(5).standard_normal((6, 3))))
    H = spread_gram(rows, 4, 4)
    G = H / np.sqrt(np.outer(*2 * [MonomialBasis(3, 4).multiplicities]))
    top = float(np.linalg.eigvalsh(G)[-1])
    assert floating.proves_sos(rows, top * (1 + 1e-10), H, 4)
    assert not floating.proves_sos(rows, top, H, 4)


@pytest.mark.parametrize("bound", [0.5, 0.7, 1.0, 3.0, 5e11, 2.0**-101, 2.0**-60])
@pytest.mark.parametrize("error", [0.0, 1e-15, 0.25])
@pytest.mark.parametrize("with_matrix", [False, True])
def test_the_domination_pays_for_its_own_rounding(bound, error, with_matrix, monkeypatch):
    caught = Catch(monkeypatch, "is_proved_positive_definite")
    A = positive(3) if with_matrix else None
    image = bound * positive(3, seed=2)
    assert floating.is_dominated(A, bound, image, error * bound)
    ((found, granted_error),) = caught.calls
    exponent = math.frexp(bound)[1]
    B, a = fractions(image) / Fraction(2) ** exponent, Fraction(bound) / Fraction(2) ** exponent
    exact = a * fractions(np.eye(3) if A is None else A) - B
    size = norm(np.eye(3) if A is None else A)
    own = 3 * U * (size + 2 * norm(B))
    assert difference(found, exact) <= own
    granted = Fraction(SAFETY) * Fraction(error * bound) / Fraction(2) ** exponent + own + Fraction(TINY)
    assert is_just_above(granted_error, Fraction(SAFETY) * granted)


def test_a_bound_that_is_too_small_to_be_true_is_refused(monkeypatch):
    caught = Catch(monkeypatch, "is_proved_positive_definite")
    assert floating.is_dominated(None, 2.0**-101, np.zeros((1, 1)), 0.0)
    for bound in (math.nextafter(2.0**-101, 0), 2.0**-103, 5e-324):
        assert floating.is_dominated(None, bound, np.zeros((1, 1)), 0.0) is False
    assert len(caught.calls) == 1


@pytest.mark.parametrize("power", [-300, 0, 300])
def test_matrices_are_measured_by_their_largest_entry(power):
    A = np.array([[-0.75, 0.2], [0.2, 0.1]])
    assert (floating.normalised(np.ldexp(A, power)) == A).all()
    infinite = np.array([[np.inf, 0.0], [0.0, 1.0]])
    assert (floating.normalised(infinite) == infinite).all()


@pytest.mark.parametrize("name", ["proves_flattening", "proves_realigned"])
def test_a_map_needs_a_definite_matrix(name):
    rows = Rows(check_matrix(np.eye(2)))
    prove = getattr(floating, name)
    assert prove(rows, 100.0, np.eye(2))
    for A in (-np.eye(2), np.diag([1.0, 0.0]), np.full((2, 2), np.inf), np.full((2, 2), np.nan), np.zeros((2, 2))):
        with np.errstate(invalid="ignore"):
            assert prove(rows, 100.0, A) is False


def test_the_maps_are_asked_with_their_own_rows():
    rows = Rows(check_matrix(np.eye(2)))
    assert (FlatteningMap(rows)(np.eye(2)) == np.eye(2) * 2.0 ** (-4 * rows.exponent)).all()


def test_the_longest_row_is_bounded_with_its_rounding():
    X = np.array([[0.75, 0.5], [0.5, 0.75], [0.1, 0.1]])
    rows = Rows(check_matrix(X))
    square = 0.8125 * 4.0**-rows.exponent
    reach = float(exact_gamma(4)) * square
    with precision():
        assert not floating.proves_longest_row(rows, square)
        assert not floating.proves_longest_row(rows, square + 0.9 * reach)
        assert floating.proves_longest_row(rows, square + 1.3 * reach)
        # Among rows of nearly the same length each is looked at.
        for place in range(3):
            Y = np.full((3, 1), 1.0)
            Y[place] = 1 + 5e-7
            rows = Rows(check_matrix(Y))
            assert not floating.proves_longest_row(rows, float(Y[place, 0] ** 2) * 4.0**-rows.exponent * (1 - 1e-9))


def test_rows_that_are_clearly_shorter_are_not_looked_at(monkeypatch):
    seen = []
    monkeypatch.setattr(floating, "row_length", lambda rows, index: seen.append(index) or rational(0.5))
    lengths = np.array([[1.0], [1 - 0.9e-6], [1 - 1.1e-6], [1 - 2.1e-6], [0.5]])
    assert floating.proves_longest_row(Rows(check_matrix(lengths)), 0.25)
    assert seen == [0, 1]
    assert not floating.proves_longest_row(Rows(check_matrix(lengths)), 0.24)
