"""The random walk on a weighted graph, and the matrix inequality from which the expansion of its small sets follows.

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

import flint
import numpy as np
import scipy.sparse as sp

from hypernorm._arguments import check_memory
from hypernorm._display import printable
from hypernorm._frames import exact_float
from hypernorm._validation import check_matrix
from hypernorm.certificates.rounding import (
    SAFETY,
    definite_shift,
    gamma,
    is_proved_positive_definite,
    lower_float,
    precision,
    rational,
)
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

    def hoelder_weights(self, q: float) -> np.ndarray:
        """Floats m_i ≤ π_i^{1/2 − 1/q}, below it by a few units in the last place."""
        power = Fraction(1, 2) - (0 if math.isinf(q) else 1 / Fraction(q))
        relative = SAFETY * gamma(2 * self.size + 4)
        volume = float(self.degrees.sum())
        with precision():
            whole = flint.arb(volume, relative * volume)
            known: dict[float, float] = {}
            for degree in np.unique(self.degrees).tolist():
                share = flint.arb(degree, relative * degree) / whole
                known[degree] = lower_float(share ** rational(power))
        return np.array([known[degree] for degree in self.degrees.tolist()])

    def dominating(self, threshold: float, slack: float, Y: np.ndarray) -> tuple[np.ndarray, float]:
        """(λ + ε)I + (1 − λ)√π√πᵀ + YYᵀ − N, and a bound on the spectral norm of its rounding error.

        λ is the threshold, ε the slack, and the entries of Y may be wrong by a relative 2⁻⁵³. The derivation stands in
        docs/theory/small_sets.md.
        """
        n, k = self.size, Y.shape[1]
        difference = self.normalised()
        np.negative(difference, out=difference)
        root = np.sqrt(self.stationary)
        difference += (1 - threshold) * np.outer(root, root)
        difference += Y @ Y.T
        difference[np.diag_indices(n)] += threshold + slack
        # Each entry is within its error bound, so one triangle may stand for both.
        difference = np.tril(difference) + np.tril(difference, -1).T
        size = float(np.linalg.norm(Y)) ** 2
        error = (
            gamma(4 * n + 24) * (1 + abs(1 - threshold)) + gamma(k + 12) * size + gamma(6) * (abs(threshold) + slack)
        )
        return difference, SAFETY * error

    def is_dominated(self, threshold: float, slack: float, Y: np.ndarray) -> bool:
        """Whether N ≺ (λ + ε)I + (1 − λ)√π√πᵀ + YYᵀ is proved, Y as for `dominating`."""
        difference, error = self.dominating(threshold, slack, Y)
        return is_proved_positive_definite(difference, error)

    def dominating_slack(self, threshold: float, Y: np.ndarray) -> float:
        """A slack that the proof of domination needs, where the inequality without slack holds."""
        difference, error = self.dominating(threshold, 0.0, Y)
        return 2 * (SAFETY * error + definite_shift(difference))


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
