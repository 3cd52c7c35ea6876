"""The closed forms of the known norms against independent local ascent, sampling and algebra."""

import math

import numpy as np
import pytest
import scipy.linalg

from hypernorm.datasets import (
    KnownNorm,
    blocks,
    cube_characters,
    cube_functions,
    e8,
    icosahedron,
    identity,
    known_norms,
    orthogonal_rows,
    polygon,
    rank_one,
)
from hypernorm.exceptions import InvalidInputError

ALL = list(known_norms())


def best_by_ascent(X: np.ndarray, q: float, starts: np.ndarray, steps: int = 300) -> float:
    """Largest ‖Xv‖_q that the power method reaches from the columns of `starts`; never above the norm."""
    if np.isinf(q):
        return float(np.linalg.norm(X, axis=1).max())
    V = starts / np.linalg.norm(starts, axis=0)
    for _ in range(steps):
        Y = X @ V
        V = X.T @ (np.abs(Y) ** (q - 1) * np.sign(Y))
        V /= np.linalg.norm(V, axis=0)
    return float(np.linalg.norm(X @ V, q, axis=0).max())


def starts_for(X: np.ndarray) -> np.ndarray:
    random = np.random.default_rng(1).standard_normal((X.shape[1], 30))
    rows = X[np.linalg.norm(X, axis=1) > 0][:60].T
    return np.column_stack([random, rows])


@pytest.mark.parametrize("known", ALL, ids=lambda known: f"{known.name}-q{known.q:g}")
def test_value_is_attained_and_not_exceeded_by_local_ascent(known: KnownNorm) -> None:
    assert best_by_ascent(known.matrix, known.q, starts_for(known.matrix)) == pytest.approx(known.value, rel=1e-10)


@pytest.mark.parametrize("known", ALL, ids=lambda known: f"{known.name}-q{known.q:g}")
def test_no_sampled_vector_exceeds_the_value(known: KnownNorm) -> None:
    V = np.random.default_rng(2).standard_normal((known.matrix.shape[1], 2000))
    V /= np.linalg.norm(V, axis=0)
    assert np.linalg.norm(known.matrix @ V, known.q, axis=0).max() <= known.value * (1 + 1e-12)


@pytest.mark.parametrize("known", ALL, ids=lambda known: f"{known.name}-q{known.q:g}")
def test_fields_fit_their_description(known: KnownNorm) -> None:
    assert known.matrix.dtype == np.float64
    assert not known.matrix.flags.writeable
    assert isinstance(known.q, float)
    assert isinstance(known.value, float)
    assert known.name in repr(known)


@pytest.mark.parametrize("known", [polygon(5), polygon(7, q=6), polygon(8, q=6), icosahedron(), e8(), e8(q=6)])
def test_designs_give_every_direction_the_same_sum(known: KnownNorm) -> None:
    assert np.linalg.norm(known.matrix, axis=1) == pytest.approx(1)
    V = np.random.default_rng(3).standard_normal((known.matrix.shape[1], 50))
    V /= np.linalg.norm(V, axis=0)
    sums = (np.abs(known.matrix @ V) ** known.q).sum(axis=0)
    assert sums == pytest.approx(known.value**known.q, rel=1e-12)


def test_values_from_the_literature() -> None:
    assert icosahedron().value == pytest.approx((12 / 5) ** 0.25, rel=1e-15)
    assert icosahedron().matrix.shape == (12, 3)
    assert e8().value == pytest.approx(math.sqrt(3), rel=1e-15)
    assert e8(q=6).value == pytest.approx(3.75 ** (1 / 6), rel=1e-15)
    assert len(np.unique(e8().matrix, axis=0)) == 240
    assert len(np.unique(icosahedron().matrix.round(12), axis=0)) == 12


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_cube_of_degree_one_is_attained_at_equal_coefficients(n: int) -> None:
    known = cube_functions(n)
    v = np.full(n + 1, 1 / math.sqrt(n + 1))
    assert np.linalg.norm(known.matrix @ v, 4) == pytest.approx(known.value, rel=1e-14)
    assert known.value**4 == pytest.approx(3 - 2 / (n + 1), rel=1e-14)


@pytest.mark.parametrize(("n", "degree"), [(1, 0), (3, 1), (4, 2), (4, 4), (5, 3)])
def test_characters_are_orthonormal_in_expectation(n: int, degree: int) -> None:
    X = cube_characters(n, degree)
    assert X.shape == (2**n, sum(math.comb(n, k) for k in range(degree + 1)))
    unscaled = X * 2 ** (n / 4)
    assert np.abs(unscaled) == pytest.approx(1)
    assert unscaled.T @ unscaled / 2**n == pytest.approx(np.eye(X.shape[1]), abs=1e-12)


@pytest.mark.parametrize(("n", "value"), [(4, 7.783764), (5, 9.000984), (6, 9.923190)])
def test_cube_of_degree_two_reaches_the_tabulated_optimum(n: int, value: float) -> None:
    X = cube_characters(n, 2)
    starts = np.random.default_rng(4).standard_normal((X.shape[1], 60))
    assert best_by_ascent(X, 4, starts, steps=500) ** 4 == pytest.approx(value, abs=1e-6)


def test_blocks_take_the_largest_value() -> None:
    parts = (identity(2), orthogonal_rows([1.0, 3.0]), icosahedron())
    known = blocks(*parts)
    assert known.value == 3.0
    assert np.array_equal(known.matrix, scipy.linalg.block_diag(*(part.matrix for part in parts)))


def test_the_seed_decides() -> None:
    assert np.array_equal(rank_one(4, 3).matrix, rank_one(4, 3).matrix)
    assert not np.array_equal(rank_one(4, 3).matrix, rank_one(4, 3, random_state=1).matrix)
    assert not np.array_equal(orthogonal_rows([1, 2]).matrix, orthogonal_rows([1, 2], random_state=1).matrix)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: identity(0),
        lambda: identity(2, q=1.5),
        lambda: orthogonal_rows([]),
        lambda: orthogonal_rows([1.0, -1.0]),
        lambda: orthogonal_rows([np.nan]),
        lambda: rank_one(0, 2),
        lambda: blocks(),
        lambda: blocks(identity(2), identity(2, q=3)),
        lambda: polygon(4),
        lambda: polygon(9, q=5),
        lambda: e8(q=8),
        lambda: cube_characters(3, 4),
        lambda: cube_characters(0, 0),
        lambda: cube_functions(2.0),  # type: ignore[arg-type]
    ],
)
def test_impossible_requests_are_refused(wrong) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InvalidInputError):
        wrong()
