"""Weighted adjacency matrices of graphs with known spectra, of random graphs and of real networks.

Every function returns a symmetric matrix of non-negative weights. A weight on the diagonal is a loop: a step of the
walk that stays at the vertex.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from hypernorm._arguments import Seed, check_choice, check_count, check_generator, check_nonnegative
from hypernorm._arithmetic import own_arithmetic
from hypernorm.exceptions import InvalidInputError

__all__ = [
    "NETWORKS",
    "cayley_graph",
    "johnson_graph",
    "load_network",
    "noisy_cube",
    "random_geometric_graph",
    "random_regular_graph",
    "short_code",
]

Network: TypeAlias = Literal["karate_club", "les_miserables", "davis_southern_women", "florentine_families"]
NETWORKS: tuple[Network, ...] = get_args(Network)
"""The names that `load_network` knows."""

_MOST_VERTICES = 1 << 20
_ATTEMPTS = 10_000


@own_arithmetic
def noisy_cube(m: int, rho: float = 0.9) -> np.ndarray:
    """The noise graph on {−1, 1}^m: a step changes the sign of each coordinate with probability (1 − ρ)/2.

    The walk is the noise operator T_ρ. Its eigenvalues are ρ^k with multiplicity C(m, k); the eigenfunctions are the
    products of k coordinates.

    Parameters
    ----------
    m : int
        Dimension of the cube.
    rho : float, default 0.9
        0 ≤ ρ ≤ 1.

    Returns
    -------
    numpy.ndarray of shape (2^m, 2^m)
        The transition probabilities; all are positive unless ρ = 1.

    Raises
    ------
    InvalidInputError
        If an argument is out of range.

    See Also
    --------
    short_code : A graph with fewer vertices and as many large eigenvalues.

    Examples
    --------
    >>> noisy_cube(1, 0.5)
    array([[0.75, 0.25],
           [0.25, 0.75]])
    """
    m = _check_small(check_count(m, "m"), 2, name="m")
    if check_nonnegative(rho, "rho") > 1:
        raise InvalidInputError(f"rho must be at most 1, got {rho!r}.")
    stay, change = (1 + rho) / 2, (1 - rho) / 2
    return functools.reduce(np.kron, [np.array([[stay, change], [change, stay]])] * m)


@own_arithmetic
def johnson_graph(v: int, k: int) -> sp.csr_array:
    """The Johnson graph: subsets of size k of v elements, joined when they have k − 1 elements in common.

    The walk has the eigenvalues 1 − j(v + 1 − j)/(k(v − k)) with multiplicity C(v, j) − C(v, j − 1), j ≤ min(k, v − k).

    Parameters
    ----------
    v, k : int
        1 ≤ k < v.

    Returns
    -------
    scipy.sparse.csr_array of shape (C(v, k), C(v, k))
        Subsets in lexicographic order.

    Raises
    ------
    InvalidInputError
        If k ≥ v, or there are more than 2^20 subsets.

    See Also
    --------
    hypernorm.applications.small_set_expansion : The expansion of its small sets.

    Examples
    --------
    >>> johnson_graph(4, 2).sum(axis=1)
    array([4., 4., 4., 4., 4., 4.])
    """
    if check_count(k, "k") >= check_count(v, "v"):
        raise InvalidInputError(f"k must be less than v, got v = {v!r} and k = {k!r}.")
    total = _check_small(math.comb(v, k), name="the number of subsets")
    sets = np.array(list(itertools.combinations(range(v), k)))
    # Two subsets are neighbours if a subset of size k − 1 lies in both.
    smaller = np.stack([np.delete(sets, j, axis=1) for j in range(k)], axis=1).reshape(total * k, k - 1)
    labels = np.unique(smaller, axis=0, return_inverse=True)[1].ravel() if k > 1 else np.zeros(total, dtype=int)
    incidence = sp.csr_array((np.ones(total * k), (np.repeat(np.arange(total), k), labels)))
    return sp.csr_array(incidence @ incidence.T - k * sp.eye_array(total))


@own_arithmetic
def cayley_graph(
    orders: Sequence[int], generators: Sequence[Sequence[int]], weights: Sequence[float] | None = None
) -> sp.csr_array:
    """The Cayley graph of an abelian group: x is joined to x + g and x − g for each generator g.

    The walk has the eigenvalue Σ_g w_g cos(2π Σ_i χ_i g_i/orders_i) / Σ_g w_g for each χ in the group.

    Parameters
    ----------
    orders : sequence of int
        The group is Z_{orders[0]} × Z_{orders[1]} × …
    generators : sequence of sequences of int
        Each as long as `orders`, reduced modulo the orders. The zero element gives loops.
    weights : sequence of float, optional
        A positive weight for each generator; default 1.

    Returns
    -------
    scipy.sparse.csr_array of shape (N, N)
        N is the product of the orders; the last coordinate varies fastest. The weights of steps to the same vertex are
        added, so every row sums to 2 Σ w.

    Raises
    ------
    InvalidInputError
        If there is no factor or no generator, the lengths differ, a weight is not positive, or N exceeds 2^20.

    See Also
    --------
    noisy_cube : A weighted graph of this kind.
    hypernorm.applications.small_set_expansion : The expansion of its small sets.

    Examples
    --------
    >>> cayley_graph([5], [[1]]).toarray()[0]  # the cycle
    array([0., 1., 0., 0., 1.])
    """
    sizes = [check_count(order, "every order") for order in orders]
    if not sizes or len(generators) == 0:
        raise InvalidInputError("orders and generators must not be empty; give at least one of each.")
    steps = np.asarray(generators)
    if steps.ndim != 2 or steps.shape[1] != len(sizes) or steps.dtype.kind not in "iu":
        raise InvalidInputError(f"generators must be rows of {len(sizes)} integers, one for each entry of orders.")
    amounts = np.ones(len(steps)) if weights is None else np.asarray(weights, dtype=np.float64)
    if amounts.shape != (len(steps),) or not (np.isfinite(amounts) & (amounts > 0)).all():
        raise InvalidInputError(f"weights must be {len(steps)} positive numbers, one for each generator.")
    total = _check_small(int(np.prod([float(size) for size in sizes])), name="the product of the orders")
    points = np.stack(np.unravel_index(np.arange(total), sizes), axis=1)
    graph = sp.csr_array((total, total))
    for step, amount in zip(steps, amounts, strict=True):
        target = np.ravel_multi_index(tuple(((points + step) % sizes).T), sizes)
        one_way = sp.csr_array((np.full(total, amount), (np.arange(total), target)), shape=(total, total))
        graph = graph + one_way + one_way.T
    return sp.csr_array(graph)


@own_arithmetic
def short_code(m: int, degree: int) -> sp.csr_array:
    """The short code: polynomials of degree at most `degree` in m bits, joined when they differ by a product.

    The product is of `degree` independent affine functions: a codeword of least weight of the Reed–Muller code. The
    2^m evaluations f ↦ (−1)^{f(x)} are eigenfunctions of the walk with the eigenvalue 1 − 2^{1 − degree}. They behave
    like the coordinates of a cube, but on far fewer vertices than 2^{2^m} (Barak, Gopalan, Håstad, Meka, Raghavendra &
    Steurer, *Making the long code shorter*, 2012).

    Parameters
    ----------
    m, degree : int
        1 ≤ degree ≤ m.

    Returns
    -------
    scipy.sparse.csr_array of shape (N, N)
        N = 2^(Σ_{j ≤ degree} C(m, j)).

    Raises
    ------
    InvalidInputError
        If `degree` is larger than m, or N exceeds 2^20.

    See Also
    --------
    noisy_cube : The graph on the whole cube.

    Examples
    --------
    >>> short_code(3, 2).shape
    (128, 128)
    """
    if check_count(degree, "degree") > check_count(m, "m"):
        raise InvalidInputError(f"degree must be at most m = {m}, got {degree!r}.")
    monomials = [list(s) for size in range(degree + 1) for s in itertools.combinations(range(m), size)]
    _check_small(len(monomials), 2, name="the number of monomials")
    points = (np.arange(2**m)[:, None] >> np.arange(m)) & 1
    code = np.stack([points[:, s].all(axis=1) for s in monomials]).astype(np.int64)
    messages = (np.arange(2 ** len(monomials))[:, None] >> np.arange(len(monomials))[::-1]) & 1
    lightest = (messages @ code % 2).sum(axis=1) == 2 ** (m - degree)
    # In a group of exponent two every step is its own inverse.
    return cayley_graph([2] * len(monomials), messages[lightest], [0.5] * int(lightest.sum()))


@own_arithmetic
def random_regular_graph(n: int, degree: int, random_state: Seed = None) -> sp.csr_array:
    """A random regular graph without loops or parallel edges: the union of disjoint random perfect matchings.

    Parameters
    ----------
    n : int
        Number of vertices, even.
    degree : int
        Less than n. The expected time grows exponentially with the degree; up to about 10 it is small.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState

    Returns
    -------
    scipy.sparse.csr_array of shape (n, n)

    Raises
    ------
    InvalidInputError
        If n is odd or not larger than the degree, or no disjoint matchings were found.

    See Also
    --------
    random_geometric_graph : A graph with small sets of small expansion.

    Examples
    --------
    >>> set(random_regular_graph(20, 3, random_state=0).sum(axis=1).tolist())
    {3.0}
    """
    n, degree = _check_small(check_count(n, "n"), name="n"), check_count(degree, "degree")
    if n % 2 or degree >= n:
        raise InvalidInputError(f"n must be even and larger than the degree, got n = {n} and degree = {degree}.")
    rng = check_generator(random_state)
    graph = sp.csr_array((n, n))
    for _ in range(_ATTEMPTS):
        ends = rng.permutation(n).reshape(2, -1)
        matching = sp.csr_array((np.ones(n), (ends.ravel(), ends[::-1].ravel())), shape=(n, n))
        if not graph.multiply(matching).nnz:
            graph = sp.csr_array(graph + matching)
            if graph.nnz == n * degree:
                return graph
    raise InvalidInputError(f"no {degree}-regular graph of disjoint random matchings was found; take a smaller degree.")


@own_arithmetic
def random_geometric_graph(n: int, radius: float, random_state: Seed = None) -> sp.csr_array:
    """The largest connected component of random points in the unit square that are joined when closer than the radius.

    Parameters
    ----------
    n : int
        Number of points.
    radius : float
        Distance below which two points are joined.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState

    Returns
    -------
    scipy.sparse.csr_array of shape (m, m)
        m ≤ n.

    Raises
    ------
    InvalidInputError
        If an argument cannot be used.

    See Also
    --------
    random_regular_graph : A graph without small sets of small expansion.

    Examples
    --------
    >>> random_geometric_graph(50, 2.0, random_state=0).nnz == 50 * 49
    True
    """
    n, radius = _check_small(check_count(n, "n"), name="n"), check_nonnegative(radius, "radius")
    pairs = KDTree(check_generator(random_state).random((n, 2))).query_pairs(radius, output_type="ndarray")
    ends = np.vstack([pairs, pairs[:, ::-1]]).T
    graph = sp.csr_array((np.ones(ends.shape[1]), (ends[0], ends[1])), shape=(n, n))
    labels = connected_components(graph, directed=False)[1]
    largest = np.flatnonzero(labels == np.bincount(labels).argmax())
    return sp.csr_array(graph[largest][:, largest])


@own_arithmetic
def load_network(name: Network) -> sp.csr_array:
    """Load a social network that is part of networkx, which must be installed.

    Parameters
    ----------
    name : {"karate_club", "les_miserables", "davis_southern_women", "florentine_families"}
        - "karate_club", 34 vertices: members of a karate club; weights count shared activities (Zachary 1977);
        - "les_miserables", 77: characters of the novel; weights count shared chapters (Knuth 1993);
        - "davis_southern_women", 32: women and the events they attended, bipartite (Davis, Gardner & Gardner 1941);
        - "florentine_families", 15: marriages among families of Renaissance Florence (Padgett & Ansell 1993).

    Returns
    -------
    scipy.sparse.csr_array

    Raises
    ------
    InvalidInputError
        If the name is unknown or networkx is not installed.

    See Also
    --------
    hypernorm.applications.small_set_expansion : The expansion of its small sets.

    Examples
    --------
    >>> load_network("florentine_families").shape
    (15, 15)
    """
    check_choice(name, "name", NETWORKS)
    try:
        import networkx
    except ImportError:
        raise InvalidInputError(
            "The networks need networkx; install it with: pip install 'hypernorm[graphs]'."
        ) from None
    graph = getattr(networkx, f"{name}_graph")()
    return sp.csr_array(networkx.to_scipy_sparse_array(graph, dtype=np.float64, weight="weight"))


def _check_small(value: int, base: int | None = None, *, name: str) -> int:
    """Refuse more than 2^20 vertices, where their number is `value` or base^value; return `value`."""
    if value > (_MOST_VERTICES if base is None else _MOST_VERTICES.bit_length() - 1):
        raise InvalidInputError(f"{name} is {value}, too many for a graph; take at most 2^20 vertices.")
    return value
