"""Graphs: every form in which they may come, and each that is refused."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from hypernorm.applications import small_set_expansion
from hypernorm.datasets import load_network
from hypernorm.exceptions import InvalidInputError
from hypernorm.forms.walk import Walk
from tests.oracles.graphs import all_sets, expansion, measure


class TestGraphs:
    A = np.array([[0, 2, 1], [2, 0, 0], [1, 0, 0]])

    @pytest.mark.parametrize(
        "convert",
        [
            np.float32,
            np.asfortranarray,
            sp.coo_matrix,
            sp.csr_array,
            pd.DataFrame,
            np.ndarray.tolist,
            lambda A: A * 2.0**500,
            lambda A: A * 2.0**-1000,
        ],
    )
    def test_every_form_of_a_matrix(self, convert):
        expected = small_set_expansion(self.A, measure=0.3, random_state=0)
        proof = small_set_expansion(convert(self.A), measure=0.3, random_state=0)
        assert proof.bound(0.3) == expected.bound(0.3)

    def test_input_is_left_alone(self):
        A = sp.csr_array(np.array([[9.0, 2, 1], [2, 9, 1], [1, 1, 9]]))
        A.setdiag(0)  # stored zeros
        before = A.copy()
        small_set_expansion(A, 0.5)
        assert A.nnz == 9
        assert np.array_equal(A.data, before.data)
        assert np.array_equal(A.indices, before.indices)

    def test_networkx(self):
        nx = pytest.importorskip("networkx")

        def bound(graph, mu):
            return small_set_expansion(graph, 0.5, random_state=0).bound(mu)

        graph = nx.Graph()
        graph.add_edge("a", "b", weight=2)
        graph.add_edge("a", "c")
        assert bound(graph, 0.3) == bound(self.A, 0.3)
        parallel = nx.MultiGraph([("a", "b"), ("a", "b"), ("a", "c")])
        assert bound(parallel, 0.3) == bound(self.A, 0.3)
        assert bound(nx.karate_club_graph(), 0.1) == pytest.approx(bound(load_network("karate_club"), 0.1), rel=1e-12)

    def test_wrong_graphs_of_networkx(self):
        nx = pytest.importorskip("networkx")
        for graph, word in (
            (nx.DiGraph([(0, 1)]), "directed"),
            (nx.Graph(), "cannot be read"),
            (nx.Graph([(0, 1, {"weight": "heavy"})]), "cannot be read"),
            (nx.empty_graph(3), "isolated"),
        ):
            with pytest.raises(InvalidInputError, match=word):
                small_set_expansion(graph, 0.5)

    @pytest.mark.parametrize(
        "weight",
        [
            2**53 + 1,
            np.int64(2**53 + 1),
            10**400,
            Fraction(1, 3),
            Decimal("0.1"),
            Decimal("1e999999999"),
            None,
            "heavy\x1b[2J",
            1j,
            [1],
            math.nan,
            math.inf,
        ],
    )
    def test_weights_that_would_be_rounded_or_are_none(self, weight):
        nx = pytest.importorskip("networkx")
        graph = nx.Graph([("a", "b", {"weight": weight}), ("b", "c")])
        with pytest.raises(InvalidInputError, match=r"edge \('a', 'b'\)") as caught:
            Walk.read(graph)
        assert str(caught.value).isprintable()

    @pytest.mark.parametrize("half", [0.5, Fraction(1, 2), Decimal("0.5"), np.float16(0.5), np.longdouble(0.5)])
    def test_weights_of_any_type_are_exact(self, half):
        nx = pytest.importorskip("networkx")
        graph = nx.Graph([(0, 1, {"weight": half}), (1, 1, {"weight": 2**60}), (1, 2, {"weight": True})])
        expected = np.array([[0, 0.5, 0], [0.5, 2.0**60, 1], [0, 1, 0]]) * 2.0**-61
        np.testing.assert_array_equal(Walk.read(graph).adjacency.toarray(), expected)

    def test_parallel_edges_add_up_exactly_or_not_at_all(self):
        nx = pytest.importorskip("networkx")
        graph = nx.MultiGraph([(0, 1, {"weight": 2}), (1, 0, {"weight": 1}), (1, 1), (1, 1)])
        np.testing.assert_array_equal(Walk.read(graph).adjacency.toarray() * 4, nx.to_numpy_array(graph))
        with pytest.raises(InvalidInputError, match="parallel"):
            Walk.read(nx.MultiGraph([(0, 1, {"weight": 2**53}), (0, 1, {"weight": 1})]))

    @pytest.mark.parametrize(
        ("graph", "word"),
        [
            (np.ones((2, 3)), "square"),
            (np.ones((1, 1)), "two vertices"),
            (np.array([[0, 1], [2, 0]]), r"\(0, 1\) and \(1, 0\)"),
            (np.array([[0, -1], [-1, 0]]), "negative"),
            (np.diag([1.0, 0.0]), "vertex 1 has no edges"),
            (np.zeros((3, 3)), "vertex 0 has no edges"),
            (np.array([[0, np.nan], [np.nan, 0]]), "nan"),
            (np.diag([1.0, 1e-200]), "2\\^500"),
            (np.ones(4), "two-dimensional"),
            ("graph", "holds|dimension"),
        ],
    )
    def test_wrong_matrices(self, graph, word):
        with pytest.raises(InvalidInputError, match=word):
            small_set_expansion(graph, 0.5)

    def test_weights_over_many_orders_of_magnitude(self):
        weights = [1.0, 1e-30, 1e-60, 1e-90, 1e-120]
        A = np.diag(weights, 1) + np.diag(weights, -1)
        proof = small_set_expansion(A, 0.5, random_state=0)
        for vertices in all_sets(6):
            assert proof.bound(min(measure(A, vertices), 1.0)) <= expansion(A, vertices) + 1e-14
        proof.verify(A)

    @pytest.mark.parametrize(
        "arguments",
        [
            {"threshold": 1.5},
            {"threshold": math.nan},
            {"threshold": "high"},
            {"q": 1.5},
            {"measure": 0},
            {"measure": 1.1},
            {"measure": None},
            {"max_dimension": 0},
            {"random_state": -1},
        ],
        ids=str,
    )
    def test_wrong_arguments(self, arguments):
        with pytest.raises(InvalidInputError):
            small_set_expansion(self.A, **arguments)

    @pytest.mark.parametrize("mu", [0, -0.1, 1.0001, math.nan, "half", None])
    def test_wrong_measures(self, mu):
        with pytest.raises(InvalidInputError, match="mu must be"):
            small_set_expansion(self.A, 0.5).bound(mu)
