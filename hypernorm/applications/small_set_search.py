"""Search for small sets with small expansion, as upper bounds on the least expansion.

The search takes level sets of functions that are concentrated on few vertices, grows sets vertex by vertex, and
improves the best ones by exchanging vertices. It is heuristic: only the expansion of its result is guaranteed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from hypernorm._arguments import check_count
from hypernorm._arithmetic import own_arithmetic
from hypernorm._results import Result
from hypernorm.applications.small_sets import SmallSetExpansion
from hypernorm.certificates.expansion import check_measure
from hypernorm.exceptions import InvalidInputError
from hypernorm.forms.walk import Walk

__all__ = ["SmallSet", "find_small_set"]

_WALK_LENGTHS = (1, 2, 4, 8, 16)
_IMPROVED = 16
# Smallest relative decrease that counts.
_GAIN = 1e-12


@dataclass(frozen=True, eq=False, kw_only=True)
class SmallSet(Result):
    """A set of vertices with its measure and its expansion.

    Attributes
    ----------
    vertices : ndarray of int
        In increasing order.
    measure : float
        Fraction of the stationary measure.
    expansion : float
        Φ(S): the weight of the edges that leave S over the sum of the degrees in S.

    See Also
    --------
    find_small_set : Search for one.

    Examples
    --------
    >>> import numpy as np
    >>> cycle = np.roll(np.eye(6), 1, axis=0) + np.roll(np.eye(6), -1, axis=0)
    >>> found = SmallSet.from_vertices(cycle, [0, 1, 2])
    >>> round(found.measure, 6), round(found.expansion, 6)  # two of six half-edges leave
    (0.5, 0.333333)
    """

    vertices: np.ndarray
    measure: float
    expansion: float

    @classmethod
    @own_arithmetic
    def from_vertices(cls, graph: Any, vertices: Any) -> SmallSet:
        """Compute the measure and the expansion of a set of vertices.

        Parameters
        ----------
        graph : array_like, sparse matrix or networkx graph
        vertices : array_like of int or bool
            Positions in the matrix, or in the order of the nodes; or a mask of length n.

        Returns
        -------
        SmallSet

        Raises
        ------
        InvalidInputError
            If an argument cannot be used.

        Examples
        --------
        >>> from hypernorm.datasets import cayley_graph
        >>> SmallSet.from_vertices(cayley_graph([10], [[1]]), [0, 1, 2]).expansion  # an arc of a cycle
        0.3333333333333333
        """
        walk = Walk.read(graph)
        return _measured(walk, _check_vertices(vertices, walk.size))

    def __repr__(self) -> str:
        return f"SmallSet({len(self.vertices)} vertices, measure={self.measure:.6g}, expansion={self.expansion:.6g})"


@own_arithmetic
def find_small_set(
    graph: Any, measure: float, expansion: SmallSetExpansion | None = None, *, n_starts: int = 32
) -> SmallSet:
    """Find a set of at most a given measure with small expansion.

    Parameters
    ----------
    graph : array_like, sparse matrix or networkx graph
    measure : float
        In (0, 1].
    expansion : SmallSetExpansion, optional
        A proof for the same graph. Its witness is a concentrated function in the leading eigenspace; level sets of it
        and of projections of single vertices on that space are tried as well.
    n_starts : int, default 32
        Number of vertices from which short walks start and sets grow, and number of vertices that are projected.

    Returns
    -------
    SmallSet

    Raises
    ------
    InvalidInputError
        If an argument cannot be used or every vertex has a larger measure.

    See Also
    --------
    small_set_expansion : A proved lower bound on the expansion of small sets.

    Notes
    -----
    A set that is found bounds the least expansion from above; theory/small_sets of the documentation says how it is
    searched.

    Examples
    --------
    >>> from hypernorm.datasets import noisy_cube
    >>> find_small_set(noisy_cube(6, 0.9), 1 / 8)  # a subcube: 1 − 0.95³
    SmallSet(8 vertices, measure=0.125, expansion=0.142625)
    """
    walk = Walk.read(graph)
    measure = check_measure(measure, "measure")
    check_count(n_starts, "n_starts")
    if expansion is not None and expansion.matrix.shape[0] != walk.size:
        raise InvalidInputError(
            f"expansion is for a graph of {expansion.matrix.shape[0]} vertices, this one has {walk.size}."
        )
    largest = measure * float(walk.degrees.sum()) * (1 + _GAIN)
    if walk.degrees.min() > largest:
        raise InvalidInputError(
            f"no vertex has a measure of at most {measure!r}; the smallest is {walk.stationary.min():.3g}."
        )
    starts = np.unique(np.linspace(0, walk.size - 1, min(n_starts, walk.size)).astype(int))
    found = [cut for function in _functions(walk, expansion, starts) for cut in _level_sets(walk, function, largest)]
    found += [cut for start in starts.tolist() for cut in _grown_set(walk, start, largest)]
    order = np.argsort([value for value, _ in found], kind="stable")
    sets = {found[index][1].tobytes(): found[index][1] for index in order[: 4 * _IMPROVED].tolist()}
    improved = [_improve(walk, inside, largest) for inside in list(sets.values())[:_IMPROVED]]
    return _measured(walk, min(improved, key=lambda inside: _expansion(walk, inside)))


def _functions(walk: Walk, expansion: SmallSetExpansion | None, starts: np.ndarray) -> Iterator[np.ndarray]:
    """Functions on the vertices that are large on few of them."""
    if expansion is not None and expansion.interval is not None:
        X = expansion.matrix
        scale = walk.stationary ** (0 if math.isinf(expansion.q) else -1 / expansion.q)
        longest = np.argsort(-np.linalg.norm(X, axis=1), kind="stable")[: len(starts)]
        for u in (expansion.interval.witness.vector, *X[longest]):
            function = scale * (X @ u)
            yield from (function, -function, np.abs(function))
    density = np.zeros((walk.size, len(starts)))
    density[starts, np.arange(len(starts))] = 1
    for step in range(1, _WALK_LENGTHS[-1] + 1):
        density = (density + (walk.adjacency @ density) / walk.degrees[:, None]) / 2
        if step in _WALK_LENGTHS:
            yield from density.T


def _level_sets(walk: Walk, function: np.ndarray, largest: float) -> Iterator[tuple[float, np.ndarray]]:
    """The set with the smallest expansion among the level sets of a function with a volume of at most `largest`."""
    order = np.argsort(-function, kind="stable")
    volumes = np.cumsum(walk.degrees[order])
    count = int(np.searchsorted(volumes, largest, side="right"))
    if count == 0:
        return
    order, volumes = order[:count], volumes[:count]
    part = sp.csr_array(walk.adjacency[order][:, order])
    inner = np.cumsum(2 * np.asarray(sp.tril(part, -1).sum(axis=1)).ravel() + part.diagonal())
    expansions = 1 - inner / volumes
    best = int(np.argmin(expansions))
    inside = np.zeros(walk.size, dtype=bool)
    inside[order[: best + 1]] = True
    yield float(expansions[best]), inside


def _grown_set(walk: Walk, start: int, largest: float) -> Iterator[tuple[float, np.ndarray]]:
    """The set with the smallest expansion among those that grow greedily from a vertex."""
    A, D, loops = walk.adjacency, walk.degrees, walk.adjacency.diagonal()
    inside, toward = np.zeros(walk.size, dtype=bool), np.zeros(walk.size)
    volume = inner = 0.0
    least, best = math.inf, inside
    vertex = start
    while volume + D[vertex] <= largest:
        inner += 2 * toward[vertex] + loops[vertex]
        volume += D[vertex]
        inside[vertex] = True
        row = slice(A.indptr[vertex], A.indptr[vertex + 1])
        toward[A.indices[row]] += A.data[row]
        if 1 - inner / volume < least * (1 - _GAIN):
            least, best = 1 - inner / volume, inside.copy()
        value = _after(inner + 2 * toward + loops, volume + D, largest)
        value[inside] = np.inf
        vertex = int(np.argmin(value))
        if value[vertex] == np.inf:
            break
    if best.any():
        yield least, best


def _improve(walk: Walk, inside: np.ndarray, largest: float) -> np.ndarray:
    """Add, remove or exchange vertices, always by the best move, while the expansion falls."""
    A, D, loops = walk.adjacency, walk.degrees, walk.adjacency.diagonal()
    inside = inside.copy()
    while True:
        toward = A @ inside.astype(np.float64)
        volume, inner = float(D[inside].sum()), float(toward[inside].sum())
        least = (1 - inner / volume) * (1 - _GAIN)
        sign = np.where(inside, -1.0, 1.0)
        value = _after(inner + sign * 2 * toward + loops, volume + sign * D, largest)
        move = int(np.argmin(value))
        if value[move] < least:
            inside[move] = not inside[move]
            continue
        leaving, joining = np.flatnonzero(inside), np.flatnonzero(~inside & (toward > 0))
        if not len(joining):
            return inside
        gain = (2 * toward + loops)[joining][None, :] - 2 * A[leaving][:, joining].toarray()
        gain += (loops - 2 * toward)[leaving][:, None]
        value = _after(inner + gain, volume + D[joining][None, :] - D[leaving][:, None], largest)
        u, v = np.unravel_index(int(np.argmin(value)), value.shape)
        if not value[u, v] < least:
            return inside
        inside[leaving[u]], inside[joining[v]] = False, True


def _after(inner: np.ndarray, volume: np.ndarray, largest: float) -> np.ndarray:
    """The expansions of sets; infinite for empty and for too large ones."""
    possible = (volume > 0) & (volume <= largest)
    return np.where(possible, 1 - inner / np.where(possible, volume, 1), np.inf)


def _expansion(walk: Walk, inside: np.ndarray) -> float:
    leaving = walk.adjacency[inside][:, ~inside]
    return math.fsum(leaving.data.tolist()) / math.fsum(walk.degrees[inside].tolist())


def _measured(walk: Walk, inside: np.ndarray) -> SmallSet:
    share = math.fsum(walk.degrees[inside].tolist()) / math.fsum(walk.degrees.tolist())
    return SmallSet(vertices=np.flatnonzero(inside), measure=share, expansion=_expansion(walk, inside))


def _check_vertices(vertices: Any, n: int) -> np.ndarray:
    array = np.asarray(vertices)
    inside = np.zeros(n, dtype=bool)
    if array.dtype.kind == "b" and array.shape == (n,):
        inside[:] = array
    elif array.dtype.kind in "iu" and array.ndim == 1 and array.size and array.min() >= 0 and array.max() < n:
        inside[array] = True
    if not inside.any():
        raise InvalidInputError(f"vertices must be positions from 0 to {n - 1}, at least one, or a mask of length {n}.")
    return inside
