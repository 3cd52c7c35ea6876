"""The random walk on a weighted graph.

A graph is a symmetric matrix A ≥ 0 with row sums D_i > 0 (a weight on the diagonal is a loop and counts once). The walk
has the stationary distribution π_i = D_i/ΣD; its matrix D⁻¹A has the eigenvalues of N = D^{-1/2} A D^{-1/2}, and √π is
the eigenvector of N for its largest one, 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp

from hypernorm._arguments import check_memory
from hypernorm._display import printable
from hypernorm._frames import exact_float
from hypernorm._validation import check_matrix
from hypernorm.exceptions import InvalidInputError

__all__ = ["Walk"]

# Between weights that differ by less than this power of two nothing here can underflow.
_WIDEST_RANGE = 500


@dataclass(frozen=True, eq=False)
class Walk:
    """A graph that has been checked.

    Attributes
    ----------
    adjacency : csr_array of shape (n, n)
        Times a power of two, so that the largest weight is in [1/2, 1).
    """

    adjacency: sp.csr_array

    @classmethod
    def read(cls, graph: Any) -> Walk:
        """Take a graph of networkx or a symmetric matrix of weights.

        Raises
        ------
        InvalidInputError
            If the graph is directed, or the matrix not square, not symmetric, has negative weights, an isolated vertex,
            fewer than two vertices, or weights that differ by a factor of more than 2^500.
        """
        if hasattr(graph, "is_directed") and hasattr(graph, "adj"):
            graph = _from_networkx(graph)
        matrix = check_matrix(graph, "graph", copy=True)
        n = matrix.shape[0]
        if matrix.shape != (n, n) or n < 2:
            raise InvalidInputError(
                f"graph must be a square matrix of weights of at least two vertices, got the shape {matrix.shape}."
            )
        adjacency: sp.csr_array = sp.csr_array(matrix).astype(np.float64)
        adjacency.eliminate_zeros()
        if adjacency.nnz and adjacency.data.min() < 0:
            raise InvalidInputError("graph has a negative weight; expansion is defined for non-negative ones.")
        difference = sp.coo_array(adjacency - adjacency.T)
        if difference.data.any():
            i, j = (int(ends[np.argmax(difference.data != 0)]) for ends in (difference.row, difference.col))
            raise InvalidInputError(
                f"graph is not symmetric: the weights of ({i}, {j}) and ({j}, {i}) differ; give an undirected graph, "
                "e.g. graph + graph.T."
            )
        isolated = np.flatnonzero(np.diff(adjacency.indptr) == 0)
        if len(isolated):
            raise InvalidInputError(f"vertex {isolated[0]} has no edges; remove isolated vertices first.")
        exponents = np.frexp(adjacency.data)[1]
        if exponents.max() - exponents.min() > _WIDEST_RANGE:
            raise InvalidInputError("the weights differ by a factor of more than 2^500; remove the negligible edges.")
        adjacency.data = np.ldexp(adjacency.data, -exponents.max())
        return cls(adjacency)

    @property
    def size(self) -> int:
        """Number of vertices."""
        return int(self.adjacency.shape[0])

    @cached_property
    def degrees(self) -> np.ndarray:
        """Row sums, each with the relative error γ_n at most."""
        return np.asarray(self.adjacency.sum(axis=1), dtype=np.float64)

    @cached_property
    def stationary(self) -> np.ndarray:
        """π, up to rounding."""
        return self.degrees / self.degrees.sum()

    def normalised(self) -> np.ndarray:
        """N = D^{-1/2} A D^{-1/2}, with the relative error γ_{n+5} at most in every entry."""
        check_memory(
            64 * self.size**2,
            f"the walk on {self.size} vertices",
            "take a smaller graph, or one of its parts",
        )
        roots = np.sqrt(self.degrees)
        dense = self.adjacency.toarray()
        dense /= np.outer(roots, roots)
        return dense


def _from_networkx(graph: Any) -> sp.csr_array:
    """The weights of an undirected graph, each as the exact number that it is; those of parallel edges are added up."""
    if graph.is_directed():
        raise InvalidInputError("graph is directed; expansion is defined for undirected graphs, see to_undirected().")
    if not len(graph):
        raise InvalidInputError("graph cannot be read: it has no vertices.")
    position = {vertex: index for index, vertex in enumerate(graph)}
    total: dict[tuple[int, int], float] = {}
    for u, v, weight in graph.edges(data="weight", default=1):
        i, j = sorted((position[u], position[v]))
        before, value = total.get((i, j), 0.0), exact_float(weight)
        edge = f"graph cannot be read: its edge ({printable(repr(u), 40)}, {printable(repr(v), 40)})"
        if value is None or not math.isfinite(value):
            raise InvalidInputError(
                f"{edge} has the weight {printable(repr(weight), 40)}, which is no number that binary64 can represent "
                f"exactly; convert it with float() if the rounded value is meant."
            )
        if before and Fraction(before) + Fraction(value) != Fraction(before + value):
            raise InvalidInputError(
                f"{edge} has parallel ones whose weights add up to a number that binary64 cannot represent exactly; "
                f"replace them by one edge."
            )
        total[i, j] = before + value
    ends = np.array(list(total), dtype=np.intp).reshape(-1, 2)
    weights = np.array(list(total.values()))
    mirrored = ends[:, 0] != ends[:, 1]
    rows, columns = np.vstack([ends, ends[mirrored, ::-1]]).T
    values = np.concatenate([weights, weights[mirrored]])
    return sp.csr_array(sp.coo_array((values, (rows, columns)), shape=(len(position),) * 2))
