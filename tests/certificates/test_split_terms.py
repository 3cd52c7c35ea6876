"""Every error bound of `hypernorm.certificates.split_floating` against docs/theory/verification.md.

What a proof hands to the proofs of definiteness is caught, and two things are asserted of it: the error term is the
documented one, and the computed matrix is within it of the exact one.
"""

from fractions import Fraction

import numpy as np
import pytest

from hypernorm._validation import check_matrix
from hypernorm.certificates import split_exact, split_floating
from hypernorm.certificates.dyadic import DyadicMatrix
from hypernorm.certificates.exact import ExactRows
from hypernorm.forms import MonomialBasis, Rows
from tests.certificates.test_floating_terms import SAMPLES, difference, indefinite, lengths, power_sum
from tests.oracles.exact import SAFETY, TINY, U, entries, exact_gamma, fractions, is_just_above, norm, product, root

RANK = 3


@pytest.fixture(params=SAMPLES)
def rows(request):
    return Rows(check_matrix(SAMPLES[request.param]))


def directions_of(rows, span):
    n, d = rows.shape
    count = MonomialBasis.count(d, 2) if span == "pairs" else n
    found = np.random.default_rng(7).standard_normal((count, RANK)).astype(np.float32)
    found[:, 1] *= np.float32(1e-3)
    return found


def parts_of(rows, directions, span):
    """The matrices U_k, exactly."""
    n, d = rows.shape
    if span == "rows":
        X = rows.block(0, n)
        return [product(X.T, np.diag(g.astype(np.float64)), X) for g in directions.T]
    parts = []
    for column in directions.T:
        part = np.zeros((d, d))
        part[np.triu_indices(d)] = column
        parts.append(fractions(part + np.triu(part, 1).T))
    return parts


def size_of(rows, directions, span):
    """The bounds s_k on ‖U_k‖, exactly."""
    if span == "pairs":
        return [norm(part) for part in parts_of(rows, directions, span)]
    return [
        sum((abs(Fraction(float(g))) * length**2 for g, length in zip(column, lengths(rows), strict=True)), Fraction(0))
        for column in directions.T
    ]


class Catch:
    """In the place of a function: keeps what it is called with and answers yes."""

    def __init__(self, monkeypatch, name):
        self.calls = []
        monkeypatch.setattr(split_floating, name, self)

    def __call__(self, *arguments):
        self.calls.append([item.copy() if isinstance(item, np.ndarray) else item for item in arguments])
        return True


@pytest.mark.parametrize("step", [1, 2, 100])
def test_image_of_pairs(rows, step, monkeypatch):
    d = rows.shape[1]
    monkeypatch.setattr(split_floating, "_BLOCK_ENTRIES", step * d * d)
    caught, definite = Catch(monkeypatch, "is_dominated"), Catch(monkeypatch, "is_proved_positive_definite")
    directions, A = directions_of(rows, "pairs"), indefinite(d)
    assert split_floating.proves_map(rows, directions, "pairs", 3.0, 8 * A)
    ((V, ratio, image, error),) = caught.calls
    assert (V == A).all()
    assert (definite.calls[0][0] == A).all()
    assert ratio == 3.0
    parts = parts_of(rows, directions, "pairs")
    assert difference(image, sum(part @ fractions(A) @ part for part in parts)) <= Fraction(error)
    blocks = -(-RANK // step)
    length = exact_gamma(d) + exact_gamma(d * step + blocks + 6)
    squares = 2 * SAFETY * norm(directions.astype(np.float64)) ** 2
    assert is_just_above(error, Fraction(1.01) * length * squares * norm(A))
    assert sum(norm(part) ** 2 for part in parts) <= squares


def test_image_of_rows(rows, monkeypatch):
    (n, d), X = rows.shape, rows.block(0, rows.shape[0])
    caught, definite = Catch(monkeypatch, "is_dominated"), Catch(monkeypatch, "is_proved_positive_definite")
    directions, A = directions_of(rows, "rows"), indefinite(d)
    assert split_floating.proves_map(rows, directions, "rows", 3.0, 8 * A)
    ((V, ratio, image, error),) = caught.calls
    assert (V == A).all()
    assert (definite.calls[0][0] == A).all()
    assert ratio == 3.0
    parts = parts_of(rows, directions, "rows")
    assert difference(image, sum(part @ fractions(A) @ part for part in parts)) <= Fraction(error)
    length = exact_gamma(2 * d + 6) + exact_gamma(RANK + 6) + exact_gamma(2 * n + 6)
    squares = sum(size**2 for size in size_of(rows, directions, "rows"))
    assert is_just_above(error, Fraction(1.02) * length * SAFETY**2 * squares * norm(A))
    assert X.shape == (n, d)


@pytest.mark.parametrize("map_part", [False, True])
@pytest.mark.parametrize("span", ["pairs", "rows"])
def test_each_matrix_must_be_definite(map_part, span, monkeypatch):
    rows = Rows(check_matrix(SAMPLES["many rows"]))
    directions, U_ = directions_of(rows, span), np.eye(2)
    proof = (
        (lambda: split_floating.proves_map(rows, directions, span, 3.0, U_))
        if map_part
        else (lambda: split_floating.proves_shift(rows, directions, span, 3.0))
    )
    for name in ("is_proved_positive_definite", "is_dominated")[: 1 + map_part]:
        with monkeypatch.context() as patch:
            for other in ("is_proved_positive_definite", "is_dominated"):
                patch.setattr(split_floating, other, lambda *arguments, other=other, name=name: other != name)
            assert not proof()


def moved_values(rows, directions, span):
    """The documented relative errors of ⟨x_i, U_k x_i⟩ and ⟨U_k, U_l⟩."""
    n, d = rows.shape
    if span == "pairs":
        return 3 * exact_gamma(d + 2), exact_gamma(len(directions) + 2)
    value = 3 * exact_gamma(d + 2) + 2 * exact_gamma(n + 2)
    return value, value + 2 * exact_gamma(n + 4)


@pytest.mark.parametrize("shift", [3.0, 0.01])
@pytest.mark.parametrize("span", ["pairs", "rows"])
def test_row_difference(rows, span, shift):
    (n, d), X = rows.shape, rows.block(0, rows.shape[0])
    directions = directions_of(rows, span)
    found, error = split_floating._row_difference(rows, directions, span, shift)
    assert (found == found.T).all()
    parts, sizes = parts_of(rows, directions, span), size_of(rows, directions, span)
    K = product(X, X.T)
    V = np.array([[product(x[None], part, x[:, None])[0, 0] for part in parts] for x in X], dtype=object)
    C = np.array([[(one * two).sum() for two in parts] for one in parts], dtype=object)
    # Some w with the exact Diag(1/w) ⪰ μ + C, near which the computed matrix lies: the smallest allowed one.
    value_error, gram_error = moved_values(rows, directions, span)
    c = [
        (Fraction(shift) + sum(abs(entry) for entry in row)) * (1 + Fraction(1, 10**9))
        + 2 * SAFETY**3 * gram_error * size * sum(sizes)
        for row, size in zip(C, sizes, strict=True)
    ]
    exact = -K * K + V @ np.diag([1 / number for number in c]) @ V.T
    exact[np.diag_indices(n)] += Fraction(shift)
    # The computed w is larger than 1/c, and at most by the spare of c.
    spare = sum(
        (1 / (abs(Fraction(shift)) + sum(abs(e) for e in row)) - 1 / number) * norm(V[:, k]) ** 2
        for k, (row, number) in enumerate(zip(C, c, strict=True))
    )
    assert difference(found, exact) <= Fraction(error) + spare
    lower = fractions(found) - exact
    assert all(lower[i, i] >= -Fraction(error) for i in range(n))
    r4 = root(power_sum(rows, 4))
    w = [1 / (Fraction(shift) + sum(abs(entry) for entry in row)) for row in C]
    moved = value_error * r4 * root(sum(size**2 * weight for size, weight in zip(sizes, w, strict=True)))
    total = sum(weight * norm(V[:, k]) ** 2 for k, weight in enumerate(w))
    granted = 3 * exact_gamma(d + 2) * r4**2 + exact_gamma(RANK + 4) * total + 2 * moved * root(total) + moved**2
    granted += 4 * U * (norm(V @ np.diag(w) @ V.T) + norm(K * K) + Fraction(shift) * root(n))
    assert granted <= Fraction(error) <= granted * Fraction(1.003)


@pytest.mark.parametrize("span", ["pairs", "rows"])
def test_gram_numbers(rows, span):
    X = rows.block(0, rows.shape[0])
    directions = directions_of(rows, span)
    squares = (X @ X.T) ** 2
    found = (
        split_floating._from_pairs(X, directions)
        if span == "pairs"
        else split_floating._from_rows(rows, directions, squares)
    )
    parts, sizes = parts_of(rows, directions, span), size_of(rows, directions, span)
    value_error, gram_error = moved_values(rows, directions, span)
    assert is_just_above(found.value_error, value_error)
    assert is_just_above(found.gram_error, gram_error)
    for k, part in enumerate(parts):
        assert norm(part) <= Fraction(found.sizes[k]) <= sizes[k] * SAFETY * (1 + Fraction(1, 10**9))
        for i, (x, length) in enumerate(zip(X, lengths(rows), strict=True)):
            value = product(x[None], part, x[:, None])[0, 0]
            assert abs(Fraction(found.values[i, k]) - value) <= value_error * length**2 * sizes[k]
        for m, other in enumerate(parts):
            inner = (part * other).sum()
            assert abs(Fraction(found.gram[k, m]) - inner) <= gram_error * sizes[k] * sizes[m]


def test_moment_difference(rows):
    n, d = rows.shape
    X, directions = rows.block(0, n), directions_of(rows, "pairs")
    found, error = split_floating._moment_difference(rows, directions, 0.5)
    assert (found == found.T).all()
    first, second = np.triu_indices(d)
    twice = np.where(first == second, 1, 2)
    # The orthonormal monomials contain √2, so the exact comparison takes each pair of entries apart.
    Z = fractions(X)[:, first] * fractions(X)[:, second]
    plain = fractions(directions.astype(np.float64)) @ fractions(directions.astype(np.float64)).T - Z.T @ Z
    total = Fraction(0)
    for a in range(len(first)):
        for b in range(len(first)):
            scale = root(int(twice[a] * twice[b]))
            exact = scale * plain[a, b] + (Fraction(1, 2) if a == b else 0)
            total += (Fraction(found[a, b]) - exact) ** 2
    assert root(total) <= Fraction(error)
    size = sum(int(t) * Fraction(float(entry)) ** 2 for t, row in zip(twice, directions, strict=True) for entry in row)
    moments = root(
        sum(
            (int(twice[a] * twice[b]) * ((Z.T @ Z)[a, b]) ** 2 for a in range(len(first)) for b in range(len(first))),
            Fraction(0),
        )
    )
    granted = exact_gamma(n + 2 + 12) * power_sum(rows, 4) + exact_gamma(RANK + 8) * size
    granted += 4 * U * (size + moments + Fraction(1, 2) * root(len(first)))
    assert granted * Fraction(0.5) <= Fraction(error) <= granted * Fraction(1.5)


def test_the_shift_is_proved_for_the_smaller_matrix(monkeypatch):
    caught = Catch(monkeypatch, "is_proved_positive_definite")
    for name, span, side in (("many rows", "pairs", 3), ("few rows", "pairs", 2), ("many rows", "rows", 40)):
        rows = Rows(check_matrix(SAMPLES[name]))
        assert split_floating.proves_shift(rows, directions_of(rows, span), span, 3.0)
        A, error = caught.calls[-1]
        assert len(A) == side
        assert 0.5 <= np.abs(A).max() < 1
        make = split_floating._moment_difference if side == 3 else split_floating._row_difference
        given = (rows, directions_of(rows, span), *(() if side == 3 else (span,)), 3.0)
        scale = Fraction(A[0, 0]) / Fraction(make(*given)[0][0, 0])
        assert is_just_above(error, SAFETY * scale * Fraction(make(*given)[1]) + TINY)


@pytest.mark.parametrize("span", ["pairs", "rows"])
def test_exact_arithmetic_forms_the_same_matrices(rows, span, monkeypatch):
    d = rows.shape[1]
    directions, exact_rows = directions_of(rows, span), ExactRows(rows, Fraction(0), 1.0)
    found = entries(split_exact._row_difference(exact_rows, directions, span, 0.5))
    floating, error = split_floating._row_difference(rows, directions, span, 0.5)
    assert difference(floating, found) <= 10**6 * Fraction(error)
    assert (found == found.T).all()
    images = []
    monkeypatch.setattr(split_exact, "is_dominated", lambda U, ratio, image: images.append(image) or True)
    A = indefinite(d)
    assert split_exact.proves_map(exact_rows, directions, span, 3.0, A)
    parts = parts_of(rows, directions, span)
    assert (entries(images[0]) == sum(part @ fractions(A) @ part for part in parts)).all()


def test_exact_moment_difference(rows):
    d = rows.shape[1]
    directions = directions_of(rows, "pairs")
    found = entries(split_exact._moment_difference(ExactRows(rows, Fraction(0), 1.0), directions, 0.5))
    X, (first, second) = rows.block(0, rows.shape[0]), np.triu_indices(d)
    Z = fractions(X)[:, first] * fractions(X)[:, second]
    F = fractions(directions.astype(np.float64))
    diagonal = np.diag([Fraction(1, 2) if a == b else Fraction(1, 4) for a, b in zip(first, second, strict=True)])
    assert (found == diagonal + F @ F.T - Z.T @ Z).all()


def test_blocks_of_exact_rows_are_stacked():
    A, B = np.array([[0.5, 3.0]]), np.array([[2.0**-60, 1.0], [7.0, 0.0]])
    stacked = split_exact._stacked([DyadicMatrix.from_floats(A), DyadicMatrix.from_floats(B)])
    assert (entries(stacked) == fractions(np.vstack([A, B]))).all()
