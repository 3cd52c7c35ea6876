"""The bound on the expansion of small sets: against all sets, closed forms, other graphs and forged proofs."""

import dataclasses
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import hypernorm as hn
from hypernorm.applications import SmallSetExpansion, small_set_expansion
from hypernorm.applications.walk import Walk
from hypernorm.datasets import cayley_graph, johnson_graph, load_network, noisy_cube, random_geometric_graph
from hypernorm.exceptions import CertificateError, InvalidInputError
from tests.oracles.graphs import all_sets, expansion, measure


def random_graph(rng, n, *, loops=True):
    """Irregular, with weights over orders of magnitude, perhaps disconnected, without isolated vertices."""
    A = rng.exponential(size=(n, n)) ** rng.integers(1, 5) * (rng.random((n, n)) < 0.5)
    A = np.triu(A, 0 if loops else 1)
    A = A + np.triu(A, 1).T
    alone = A.sum(axis=1) == 0
    A[alone, 0] = A[0, alone] = 1
    return A


def eigenvalues(A):
    D = np.asarray(A.sum(axis=1))
    return np.linalg.eigvalsh(A / np.sqrt(np.outer(D, D)))


@settings(max_examples=60)
@given(
    st.integers(0, 10**6),
    st.integers(2, 7),
    st.sampled_from([2, 2.5, 3, 4, 6, math.inf]),
    st.one_of(st.none(), st.floats(-1, 1)),
    st.integers(-100, 100),
)
def test_no_set_expands_less_than_the_bound(seed, n, q, threshold, scale):
    rng = np.random.default_rng(seed)
    A = random_graph(rng, n) * 10.0**scale
    proof = small_set_expansion(A, threshold, q=q, measure=rng.uniform(0.05, 1), random_state=rng)
    for vertices in all_sets(n):
        mu = min(measure(A, vertices), 1.0)
        assert proof.bound(mu) <= expansion(A, vertices) + 1e-14
    assert proof.bound(1.0) == 0.0
    assert proof.verify(A).upper <= proof.norm_bound


@pytest.mark.parametrize("q", [2, 3, 4, math.inf])
def test_without_leading_space_it_is_the_spectral_bound(q):
    A = random_graph(np.random.default_rng(1), 9)
    second = eigenvalues(A)[-2]
    proof = small_set_expansion(A, second, q=q)
    assert proof.dimension == 0
    assert proof.norm_bound == 0.0
    assert proof.certificate is None
    for mu in (0.01, 0.3, 0.9):
        assert proof.bound(mu) == pytest.approx((1 - second) * (1 - mu), abs=1e-11)
        assert proof.bound(mu) < (1 - second) * (1 - mu)
    assert proof.slack < 1e-11


@pytest.mark.parametrize("threshold", [-0.9, 0.0, 0.3])
def test_at_q_2_nothing_is_gained(threshold):
    A = random_graph(np.random.default_rng(2), 8)
    second = eigenvalues(A)[-2]
    proof = small_set_expansion(A, threshold, q=2, random_state=0)
    assert proof.norm_bound**2 == pytest.approx(second - threshold, rel=1e-9)
    assert proof.bound(0.2) <= (1 - second) * 0.8


@pytest.mark.parametrize("m", [4, 5, 6])
def test_noisy_cube_in_closed_form(m):
    """Linear functions f on the cube have E f⁴/(E f²)² = 3 − 2/m at most; they weigh ρ − ρ²."""
    rho = 0.8
    proof = small_set_expansion(noisy_cube(m, rho), rho**2, random_state=0)
    assert proof.dimension == m
    square = (rho - rho**2) * math.sqrt(3 - 2 / m)
    assert proof.norm_bound**2 == pytest.approx(square, rel=3e-4)
    for mu in (2.0**-m, 0.1):
        expected = (1 - rho**2) * (1 - mu) - square * math.sqrt(mu)
        assert proof.bound(mu) == pytest.approx(max(expected, 0), abs=1e-4)


def test_infinite_exponent_needs_the_longest_row_only():
    A = random_graph(np.random.default_rng(3), 10)
    D = A.sum(axis=1)
    values, vectors = np.linalg.eigh(A / np.sqrt(np.outer(D, D)))
    weights = np.maximum(values[:-1] - 0.1, 0)
    longest = (vectors[:, :-1] ** 2 @ weights / (D / D.sum())).max()
    proof = small_set_expansion(A, 0.1, q=math.inf)
    assert proof.bound(0.03) == pytest.approx(0.9 * 0.97 - longest * 0.03, abs=1e-11)


@pytest.mark.parametrize("q", [3, 4, math.inf])
def test_a_vertex_may_be_split_into_equal_copies(q):
    """An irregular graph and the one in which vertex i is spread over c_i twins have the same bounds."""
    A = random_graph(np.random.default_rng(4), 6)
    copies = np.array([1, 2, 3, 1, 4, 2])
    owner = np.repeat(np.arange(6), copies)
    spread = (A / np.outer(copies, copies))[np.ix_(owner, owner)]
    for threshold in (0.05, 0.2):
        one, other = (small_set_expansion(graph, threshold, q=q, random_state=0) for graph in (A, spread))
        assert one.dimension == other.dimension > 0
        assert one.norm_bound == pytest.approx(other.norm_bound, rel=2e-4)
        assert one.bound(0.05) == pytest.approx(other.bound(0.05), abs=1e-4)


@pytest.mark.parametrize(
    "graph", [noisy_cube(4, 0.9), johnson_graph(6, 2), cayley_graph([20], [[1]]), random_geometric_graph(30, 0.3, 0)]
)
def test_chosen_threshold_is_the_best_and_not_worse_than_spectral(graph):
    dense = graph if isinstance(graph, np.ndarray) else graph.toarray()
    values = eigenvalues(dense)[:-1]
    for mu in (0.03, 0.2):
        proof = small_set_expansion(graph, measure=mu, random_state=0)
        assert proof.bound(mu) >= (1 - values[-1]) * (1 - mu) - 1e-10
        every_third = [value for value in values[::-3] if (values > value).sum() <= 12]
        others = [small_set_expansion(graph, value, random_state=0).bound(mu) for value in every_third]
        assert proof.bound(mu) >= max(others) - 1e-3


def test_small_sets_of_a_cube_expand_more_than_the_spectrum_says():
    cube = noisy_cube(6, 0.9)
    proof = small_set_expansion(cube, measure=1 / 32, rtol=1e-3, random_state=0)
    assert proof.bound(1 / 32) > 1.9 * 0.1 * (1 - 1 / 32)
    assert proof.bound(1 / 32) < 1 - 0.95**5  # a subcube


def test_bound_is_decreasing_and_covers_rounded_fractions():
    proof = small_set_expansion(johnson_graph(7, 3), measure=0.05, rtol=1e-3, random_state=0)
    grid = np.linspace(1e-6, 1, 400)
    assert (np.diff([proof.bound(mu) for mu in grid]) <= 0).all()
    assert proof.bound(3 / 35) == proof.bound(math.nextafter(3 / 35, 0)) or proof.bound(3 / 35) < proof.bound(0.0857)
    # The bound for j/n must hold for the exact fraction, which may be larger than its float.
    exact = (1 - proof.threshold) * (1 - 0.3) - proof.norm_bound**2 * math.sqrt(0.3)
    assert proof.bound(0.3) < max(exact, 1e-300)


@pytest.mark.parametrize("n", [5, 30])
@pytest.mark.parametrize("q", [2, 3, 4, math.inf])
def test_error_of_the_matrix_inequality_is_bounded(n, q):
    """Against extended precision: the computed matrix is within the stated error of the true one, and definite."""
    A = random_graph(np.random.default_rng(n), n)
    walk = Walk.read(A)
    proof = small_set_expansion(A, 0.1, q=q, random_state=0)
    assert proof.dimension > 0
    Y = walk.hoelder_weights(q)[:, None] * proof.matrix
    computed, error = walk.dominating(proof.threshold, proof.slack, Y)

    exact, X = A.astype(np.longdouble), proof.matrix.astype(np.longdouble)
    D = exact.sum(axis=1)
    pi = D / D.sum()
    power = np.longdouble(1) / 2 - (0 if math.isinf(q) else 1 / np.longdouble(q))
    weights = walk.hoelder_weights(q)
    assert (weights <= pi**power * (1 + np.longdouble(1e-18))).all()
    assert (weights >= pi**power * (1 - np.longdouble(n * 1e-14))).all()
    Z = weights.astype(np.longdouble)[:, None] * X
    level, slack = np.longdouble(proof.threshold), np.longdouble(proof.slack)
    true = (level + slack) * np.eye(n) + (1 - level) * np.sqrt(np.outer(pi, pi)) + Z @ Z.T
    true -= exact / np.sqrt(np.outer(D, D))
    assert np.linalg.norm((computed - true).astype(np.float64)) < error < 1e-11
    assert np.linalg.eigvalsh(true.astype(np.float64))[0] > 0


class TestForgedProofs:
    A = random_graph(np.random.default_rng(5), 12, loops=False)
    proof = small_set_expansion(A, 0.1, random_state=0)

    def test_genuine(self):
        assert self.proof.verify(self.A).rigor is hn.Rigor.FLOATING_POINT
        assert self.proof.verify(sp.csr_array(self.A * 7)).upper <= self.proof.norm_bound

    @pytest.mark.parametrize(
        "change",
        [
            {"threshold": 0.09},
            {"slack": 0.0},
            {"slack": 1e-14},
            {"norm_bound": 0.5},
            {"q": 3.0},
            {"interval": None},
            {"threshold": math.nan},
            {"norm_bound": math.inf},
            {"slack": -1.0},
            {"threshold": 1},
            {"matrix": np.zeros((12, 3))},
            {"matrix": np.zeros((11, 3))},
            {"matrix": np.zeros((12, 0))},
            {"matrix": np.full((12, 3), np.nan)},
            {"matrix": np.ma.masked_array(proof.matrix)},
            {"matrix": proof.matrix * 0.999},
            {"matrix": proof.matrix * 1.001},
        ],
        ids=str,
    )
    def test_changed(self, change):
        with pytest.raises(CertificateError):
            dataclasses.replace(self.proof, **change).verify(self.A)

    def test_certificate_of_another_matrix(self):
        other = small_set_expansion(self.A, 0.2, random_state=0)
        with pytest.raises(CertificateError):
            dataclasses.replace(self.proof, interval=other.interval).verify(self.A)

    def test_norm_bound_below_what_the_certificate_proves(self):
        smaller = math.nextafter(self.proof.certificate.upper, 0)
        with pytest.raises(CertificateError, match="proved to be at most"):
            dataclasses.replace(self.proof, norm_bound=smaller).verify(self.A)

    def test_another_graph(self):
        A = self.A.copy()
        i, j = np.argwhere(np.triu(A) > 0)[0]
        A[i, j] = A[j, i] = 1.01 * A[i, j]
        with pytest.raises(CertificateError, match="Nothing is proved"):
            self.proof.verify(A)
        with pytest.raises(CertificateError, match="12 vertices"):
            self.proof.verify(self.A[:11, :11] + np.eye(11))

    def test_spectral_proof_for_a_graph_with_a_smaller_gap(self):
        spectral = small_set_expansion(np.ones((6, 6)), 0.0)
        two_parts = np.kron(np.eye(2), np.ones((3, 3)))
        with pytest.raises(CertificateError, match="Nothing is proved"):
            spectral.verify(two_parts)


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
        graph = nx.Graph()
        graph.add_edge("a", "b", weight=2)
        graph.add_edge("a", "c")
        assert small_set_expansion(graph, 0.5).bound(0.3) == small_set_expansion(self.A, 0.5).bound(0.3)
        parallel = nx.MultiGraph([("a", "b"), ("a", "b"), ("a", "c")])
        assert small_set_expansion(parallel, 0.5).bound(0.3) == small_set_expansion(self.A, 0.5).bound(0.3)
        karate = nx.karate_club_graph()
        expected = small_set_expansion(load_network("karate_club"), 0.5).bound(0.1)
        assert small_set_expansion(karate, 0.5).bound(0.1) == pytest.approx(expected, rel=1e-12)

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


def test_disconnected_graphs_have_sets_that_do_not_expand():
    A = np.kron(np.eye(2), np.ones((4, 4)))
    proof = small_set_expansion(A, measure=1 / 8, random_state=0)
    assert proof.bound(0.5) == 0.0
    assert 0.5 < proof.bound(1 / 8) <= 1 - 1 / 4


def test_options_reach_the_norm():
    seen = []
    proof = small_set_expansion(
        johnson_graph(7, 2), 0.1, method="spectral", progress=lambda state: seen.append(state.stage), random_state=0
    )
    assert "sos" not in {record.kind for record in proof.interval.records}
    assert seen
    with pytest.raises(InvalidInputError, match="method"):
        small_set_expansion(johnson_graph(7, 2), 0.1, method="guess")


def test_result_is_reproducible_immutable_and_says_what_it_is():
    first, second = (small_set_expansion(johnson_graph(7, 2), measure=0.05, random_state=3) for _ in range(2))
    assert np.array_equal(first.matrix, second.matrix)
    assert first.norm_bound == second.norm_bound
    assert isinstance(first, SmallSetExpansion)
    assert not first.matrix.flags.writeable
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.threshold = 0.0
    assert repr(first).startswith("SmallSetExpansion(q=4, threshold=")
    assert f"dimension={first.dimension}" in repr(first)
    assert first.certificate is first.interval.certificate


def test_star():
    """One vertex of large degree: its leaves are small sets of expansion one."""
    star = np.zeros((6, 6))
    star[0, 1:] = star[1:, 0] = 1
    proof = small_set_expansion(star, measure=0.1, random_state=0)
    assert all(proof.bound(measure(star, s)) <= expansion(star, s) for s in all_sets(6))
    assert proof.bound(0.1) > 0.9
