"""The search for sets of little expansion: what it returns is measured correctly, and often the best there is."""

import itertools

import numpy as np
import pytest

from hypernorm.applications import SmallSet, find_small_set, small_set_expansion
from hypernorm.datasets import cayley_graph, johnson_graph, load_network, noisy_cube
from hypernorm.exceptions import InvalidInputError
from tests.oracles.graphs import all_sets, expansion, measure


def random_graph(rng, n):
    A = np.triu(rng.exponential(size=(n, n)) * (rng.random((n, n)) < 0.6))
    A = A + np.triu(A, 1).T
    A[A.sum(axis=1) == 0, 0] = 1
    return np.maximum(A, A.T)


@pytest.mark.parametrize("seed", range(8))
def test_sets_are_measured_as_defined_and_best_on_small_graphs(seed):
    rng = np.random.default_rng(seed)
    A = random_graph(rng, 8)
    sizes = {s: (measure(A, s), expansion(A, s)) for s in all_sets(8)}
    limit = float(np.quantile([mu for mu, _ in sizes.values()], 0.3))
    proof = small_set_expansion(A, measure=limit, random_state=0)
    for given in (None, proof):
        found = find_small_set(A, limit, given)
        key = tuple(found.vertices.tolist())
        assert (found.measure, found.expansion) == pytest.approx(sizes[key], rel=1e-12)
        assert found.measure <= limit
        assert proof.bound(limit) <= found.expansion
        assert found.expansion == pytest.approx(min(phi for mu, phi in sizes.values() if mu <= limit), rel=1e-12)


def test_no_single_move_improves_the_result():
    A = load_network("les_miserables").toarray()
    found = find_small_set(A, 0.1)
    inside, outside = set(found.vertices.tolist()), set(range(len(A))) - set(found.vertices.tolist())
    neighbours = [inside - {u} for u in inside if len(inside) > 1]
    neighbours += [inside | {v} for v in outside]
    neighbours += [inside - {u} | {v} for u, v in itertools.product(inside, outside)]
    for candidate in neighbours:
        if measure(A, candidate) <= 0.1:
            assert expansion(A, candidate) >= found.expansion * (1 - 1e-9)


@pytest.mark.parametrize(
    ("graph", "size", "known"),
    [
        (noisy_cube(6, 0.9), 4, 1 - 0.95**4),
        (noisy_cube(6, 0.9), 16, 1 - 0.95**2),
        (cayley_graph([40], [[1]]), 7, 1 / 7),
        (johnson_graph(9, 3), 7, 1 - 6 / 18),  # the sets that contain two given elements
    ],
    ids=["cube-4", "cube-16", "cycle", "johnson"],
)
def test_known_sets_are_found(graph, size, known):
    found = find_small_set(graph, size / graph.shape[0])
    assert len(found.vertices) <= size
    assert found.expansion == pytest.approx(known, rel=1e-12)


def test_witness_of_the_norm_leads_to_the_concentrated_part():
    """A clique of five on a pending edge of a random graph is where the leading eigenspace is concentrated."""
    rng = np.random.default_rng(0)
    A = np.triu(rng.random((60, 60)) < 0.2, 1).astype(float)
    A = A + A.T
    A[55:, :] = A[:, 55:] = 0
    A[55:, 55:] = 1 - np.eye(5)
    A[0, 55] = A[55, 0] = 1
    proof = small_set_expansion(A, measure=0.05, random_state=0)
    found = find_small_set(A, 0.05, proof, n_starts=1)
    assert found.vertices.tolist() == [55, 56, 57, 58, 59]
    assert found.expansion == pytest.approx(1 / 21)


def test_measuring_a_set():
    A = noisy_cube(3, 0.5)
    by_position, by_mask = SmallSet.from_vertices(A, [3, 1, 1]), SmallSet.from_vertices(A, np.arange(8) % 4 % 2 == 1)
    assert by_position.vertices.tolist() == [1, 3]
    assert by_position.measure == 0.25
    assert by_mask.expansion == pytest.approx(0.25)
    assert repr(by_mask) == "SmallSet(4 vertices, measure=0.5, expansion=0.25)"
    assert SmallSet.from_vertices(A, range(8)).expansion == 0.0


@pytest.mark.parametrize(
    "vertices", [[], [8], [-1], [0.5], [[0, 1]], np.zeros(8, dtype=bool), np.ones(7, dtype=bool), "a"]
)
def test_wrong_vertices(vertices):
    with pytest.raises(InvalidInputError, match="positions from 0 to 7"):
        SmallSet.from_vertices(noisy_cube(3, 0.5), vertices)


def test_wrong_arguments():
    cube = noisy_cube(3, 0.5)
    with pytest.raises(InvalidInputError, match="no vertex has a measure"):
        find_small_set(cube, 0.1)
    with pytest.raises(InvalidInputError, match="measure must be"):
        find_small_set(cube, 0)
    with pytest.raises(InvalidInputError, match="n_starts"):
        find_small_set(cube, 0.5, n_starts=0)
    with pytest.raises(InvalidInputError, match="16 vertices, this one has 8"):
        find_small_set(cube, 0.5, small_set_expansion(noisy_cube(4, 0.5), 0.3))
