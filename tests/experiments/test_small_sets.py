"""The references that the experiments on small sets and sparse vectors compare with."""

import numpy as np
import pytest

from experiments import small_sets, sparse_vectors
from hypernorm.datasets import planted_sparse
from tests.oracles.graphs import all_sets, expansion, measure


def test_all_sets_against_the_definition():
    family = "noisy cube, m = 4, ρ = 0.9"
    A = small_sets.graph(family)
    rng = np.random.default_rng(0)
    measures, least = small_sets.all_sets(family)
    assert len(measures) == 2**16 - 2
    assert (np.diff(least) <= 0).all()
    for size in (1, 3, 8):
        best = small_sets.least_expansion(family, size / 16)
        picks = [rng.choice(16, size, replace=False).tolist() for _ in range(50)]
        assert all(best <= expansion(A, pick) + 1e-14 for pick in picks)
    assert small_sets.least_expansion(family, 0.5) == pytest.approx(0.05)  # half of the cube


def test_least_expansion_on_an_irregular_graph(monkeypatch):
    A = np.array([[0, 2, 1, 0, 0], [2, 1, 0, 0, 3], [1, 0, 0, 1, 0], [0, 0, 1, 0, 1], [0, 3, 0, 1, 0]], dtype=float)
    monkeypatch.setattr(small_sets, "graph", lambda family: A)
    for limit in (0.15, 0.3, 0.5, 0.9):
        expected = min(expansion(A, s) for s in all_sets(5) if measure(A, s) <= limit)
        assert small_sets.least_expansion("any", limit) == pytest.approx(expected, rel=1e-12)
    small_sets.all_sets.cache_clear()


def test_competitors_of_the_spikiest_direction():
    X, planted = planted_sparse(60, 3, 4, random_state=0)
    assert abs(sparse_vectors.minimise_l1(X, np.flatnonzero(planted)) @ planted) == pytest.approx(1, abs=1e-7)
    v = sparse_vectors.power_method(X, X.T @ planted + 0.1)
    assert np.linalg.norm(v) == pytest.approx(1)
    assert abs(planted @ X @ v) == pytest.approx(1, abs=1e-9)


def test_l1_minimiser_is_optimal():
    X = np.random.default_rng(1).standard_normal((12, 2))
    angles = np.linspace(0, np.pi, 20001)
    W = X @ np.stack([np.cos(angles), np.sin(angles)])
    for row in range(4):
        best = W[:, np.argmin(np.abs(W).sum(axis=0) / np.abs(W[row]))]
        w = sparse_vectors.minimise_l1(X, [row])
        assert abs(w @ best) / np.linalg.norm(best) == pytest.approx(1, abs=1e-6)
        # Of several rows the one with the least ratio is taken.
        assert np.abs(sparse_vectors.minimise_l1(X, [row, 4])).sum() <= np.abs(w).sum() + 1e-12
