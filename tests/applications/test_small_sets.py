"""The bound on the expansion of small sets: against all sets and closed forms."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypernorm.applications import SmallSetExpansion, small_set_expansion
from hypernorm.datasets import cayley_graph, johnson_graph, noisy_cube, random_geometric_graph
from hypernorm.exceptions import InvalidInputError
from tests.oracles.graphs import all_sets, expansion, measure, random_graph


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
    assert proof.certificate.norm is None
    for mu in (0.01, 0.3, 0.9):
        assert proof.bound(mu) == pytest.approx((1 - second) * (1 - mu), abs=1e-11)
        assert proof.bound(mu) < (1 - second) * (1 - mu)
    assert proof.certificate.slack < 1e-11


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
    with pytest.raises(AttributeError):
        first.threshold = 0.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.certificate.threshold = 0.0
    assert repr(first).startswith("SmallSetExpansion(norm_bound=")
    assert f"dimension={first.dimension}" in repr(first)
    assert first.certificate.norm is first.interval.certificate


def test_star():
    """One vertex of large degree: its leaves are small sets of expansion one."""
    star = np.zeros((6, 6))
    star[0, 1:] = star[1:, 0] = 1
    proof = small_set_expansion(star, measure=0.1, random_state=0)
    assert all(proof.bound(measure(star, s)) <= expansion(star, s) for s in all_sets(6))
    assert proof.bound(0.1) > 0.9
