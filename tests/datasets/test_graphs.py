"""The families of graphs have the spectra that their docstrings state."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest

from hypernorm.datasets import (
    NETWORKS,
    cayley_graph,
    johnson_graph,
    load_network,
    noisy_cube,
    random_geometric_graph,
    random_regular_graph,
    short_code,
)
from hypernorm.exceptions import InvalidInputError


def dense(graph) -> np.ndarray:
    return graph if isinstance(graph, np.ndarray) else graph.toarray()


def walk_eigenvalues(graph) -> np.ndarray:
    A = dense(graph)
    D = A.sum(axis=1)
    assert np.array_equal(A, A.T)
    return np.linalg.eigvalsh(A / np.sqrt(np.outer(D, D)))


def multiplicities(values) -> dict[float, int]:
    return dict(Counter(np.round(values, 9) + 0.0))


@pytest.mark.parametrize(("m", "rho"), [(1, 0.5), (4, 0.9), (3, 0), (3, 1)])
def test_noisy_cube_has_powers_of_rho(m, rho):
    A = noisy_cube(m, rho)
    assert A.sum(axis=1) == pytest.approx(1)
    expected = [rho**k for k in range(m + 1) for _ in range(math.comb(m, k))]
    assert np.sort(expected) == pytest.approx(walk_eigenvalues(A), abs=1e-12)


def test_noisy_cube_flips_each_coordinate_by_itself():
    A = noisy_cube(3, 0.6)
    for x, y in itertools.product(range(8), repeat=2):
        flips = bin(x ^ y).count("1")
        assert A[x, y] == pytest.approx(0.8 ** (3 - flips) * 0.2**flips)


@pytest.mark.parametrize(("v", "k"), [(5, 1), (6, 2), (7, 3), (6, 4)])
def test_johnson_graph_has_its_spectrum(v, k):
    A = dense(johnson_graph(v, k))
    assert set(A.sum(axis=1)) == {k * (v - k)}
    expected = {}
    for j in range(min(k, v - k) + 1):
        value = 1 - j * (v + 1 - j) / (k * (v - k))
        expected[round(value, 9)] = math.comb(v, j) - (math.comb(v, j - 1) if j else 0)
    assert multiplicities(walk_eigenvalues(A)) == expected


@pytest.mark.parametrize(
    ("orders", "generators", "weights"),
    [
        ([7], [[1], [2]], None),
        ([4, 3], [[1, 0], [1, 2], [2, 0]], [1.0, 0.5, 2.0]),
        ([2, 2, 2], [[1, 0, 1], [0, 0, 0]], None),
    ],
)
def test_cayley_graph_has_the_characters_for_eigenvectors(orders, generators, weights):
    w = np.ones(len(generators)) if weights is None else np.array(weights)
    expected = [
        sum(
            a * math.cos(2 * math.pi * sum(c * g / o for c, g, o in zip(chi, step, orders, strict=True)))
            for a, step in zip(w, generators, strict=True)
        )
        / w.sum()
        for chi in itertools.product(*map(range, orders))
    ]
    A = dense(cayley_graph(orders, generators, weights))
    assert A.sum(axis=1) == pytest.approx(2 * w.sum())
    assert np.sort(expected) == pytest.approx(walk_eigenvalues(A), abs=1e-12)


@pytest.mark.parametrize(("m", "degree"), [(2, 1), (3, 1), (3, 2), (2, 2)])
def test_short_code_evaluations_are_eigenfunctions(m, degree):
    A = dense(short_code(m, degree))
    assert np.allclose(A.sum(axis=1), A[0].sum())
    assert set(np.unique(A)) <= {0.0, 1.0}
    monomials = [s for size in range(degree + 1) for s in itertools.combinations(range(m), size)]
    for x in itertools.product((0, 1), repeat=m):
        # The vertex with the index Σ c_j 2^(last − j) is the polynomial with the coefficients c.
        values = [
            (-1) ** sum(all(x[i] for i in s) for c, s in zip(coefficients, monomials, strict=True) if c)
            for coefficients in itertools.product((0, 1), repeat=len(monomials))
        ]
        assert A @ values / A[0].sum() == pytest.approx((1 - 2 ** (1 - degree)) * np.array(values))


@pytest.mark.parametrize(("n", "degree"), [(10, 3), (24, 4), (2, 1)])
def test_random_regular_graph(n, degree):
    A = dense(random_regular_graph(n, degree, random_state=0))
    assert set(A.sum(axis=1)) == {degree}
    assert set(np.unique(A)) == {0.0, 1.0}
    assert not A.diagonal().any()
    assert np.array_equal(A, A.T)
    assert np.array_equal(A, dense(random_regular_graph(n, degree, random_state=0)))


def test_random_geometric_graph_joins_close_points():
    points = np.random.default_rng(3).random((40, 2))
    close = np.linalg.norm(points[:, None] - points[None], axis=2) <= 0.9
    A = dense(random_geometric_graph(40, 0.9, random_state=3))
    assert np.array_equal(A, close & ~np.eye(40, dtype=bool))
    part = dense(random_geometric_graph(60, 0.15, random_state=0))
    assert len(part) < 60
    assert np.count_nonzero(np.isclose(walk_eigenvalues(part), 1)) == 1  # connected


def test_networks_have_their_sizes():
    pytest.importorskip("networkx")
    sizes = {name: dense(load_network(name)).shape for name in NETWORKS}
    assert sizes == {
        "karate_club": (34, 34),
        "les_miserables": (77, 77),
        "davis_southern_women": (32, 32),
        "florentine_families": (15, 15),
    }
    assert dense(load_network("les_miserables")).max() == 31  # Valjean and Cosette
    assert set(np.unique(dense(load_network("florentine_families")))) == {0.0, 1.0}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: noisy_cube(0),
        lambda: noisy_cube(3, 1.5),
        lambda: noisy_cube(30),
        lambda: johnson_graph(3, 3),
        lambda: johnson_graph(3, 0),
        lambda: johnson_graph(60, 30),
        lambda: cayley_graph([], []),
        lambda: cayley_graph([5], []),
        lambda: cayley_graph([5], [[1, 2]]),
        lambda: cayley_graph([5], [[1.5]]),  # type: ignore[list-item]
        lambda: cayley_graph([5], [[1]], [-1.0]),
        lambda: cayley_graph([2000, 2000], [[1, 0]]),
        lambda: short_code(2, 3),
        lambda: short_code(9, 4),
        lambda: random_regular_graph(7, 3),
        lambda: random_regular_graph(4, 4),
        lambda: random_geometric_graph(5, -1.0),
        lambda: load_network("facebook"),
    ],
)
def test_impossible_requests_are_refused(wrong) -> None:
    with pytest.raises(InvalidInputError):
        wrong()
