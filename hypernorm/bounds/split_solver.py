"""Solver for the split bound: the least μ + φ with T ⪯ μ + Y and λ_max(N_Y) ≤ φ over Y = Σ u_k u_kᵀ.

T(S) = Σ ⟨x_i, S x_i⟩ x_i x_iᵀ acts on symmetric matrices, and N_Y(S) = Σ U_k S U_k for the matrices U_k of the u_k.
The problem is convex. For a unit matrix U ⪰ 0, λ_max(N_Y) ≥ ⟨U, N_Y(U)⟩ = ⟨Y, U⊗U⟩, which is linear in Y. With this
in place of λ_max the best Y for a given μ is the positive part of T − μ in coordinates in which U⊗U is the identity, so
that the rest is a search for μ. The value is a lower limit for every Y. The leading eigenmatrix P of N_Y then moves U
by a step of the Frank–Wolfe method. Every round gives a valid Y.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from hypernorm.bounds.interval import Status
from hypernorm.bounds.lanczos import Lanczos
from hypernorm.bounds.split_forms import PositiveMap, form_of
from hypernorm.forms import Rows

__all__ = ["Split", "SplitSolver"]

_SEARCH_STEPS = 8
_MOST_ROUNDS = 8
_ROUNDS_OF_BOTH = 2  # then only the better start goes on
_CLOSE = 1e-5  # of μ + φ; the rounds converge too slowly for more
_LEAST_GAIN = 0.1  # part of the remaining gap that a round must close for another to follow
_BALANCED = 0.05  # distance of the trace from one at which the search for μ ends
_USUAL_SLOPE, _LONGEST_STEP, _LEAST_TRACE = 3.0, 0.4, 0.05  # of the logarithms in that search
_LANCZOS_STEPS = 60
_LANCZOS_RESIDUAL = 1e-4  # the error of the eigenvalue is about its square
_POWER_STEPS = 30


@dataclass(frozen=True)
class Split:
    """A solution: μ, φ as computed, the directions of the U_k, and the leading eigenmatrix of N_Y.

    The columns of `directions` describe orthogonal matrices, because the checker bounds their Gram matrix by its rows.
    """

    shift: float
    ratio: float
    directions: np.ndarray
    leading: np.ndarray

    @property
    def value(self) -> float:
        """μ + φ."""
        return self.shift + self.ratio


class SplitSolver:
    """The rounds for the rows of a matrix.

    Parameters
    ----------
    rows : Rows
        Weighted as the form needs.
    lower : float
        A positive value of the form at a unit vector.
    report : callable, optional
        Receives the number of a round and the best solution after it.

    Attributes
    ----------
    form : Form
        The space of the matrices U_k.
    limit : float
        A computed lower limit of μ + φ for all Y in this space.
    """

    def __init__(self, rows: Rows, lower: float, report: Callable[[int, Split], None] | None = None):
        self.lower, self._dimension, self._report = lower, rows.shape[1], report
        self.form = form_of(rows, lower)
        self.limit = 0.0

    def run(self, rtol: float, deadline: float) -> tuple[Split, Status | None]:
        """Return the best solution found until it is within `rtol` of the lower value or the limit, or time is up.

        The status is that of an interruption, which does not lose the solution, or None.
        """
        best: list[Split] = []
        try:
            self._run(best, rtol, deadline)
        except KeyboardInterrupt:
            if not best:
                raise
            return best[0], Status.INTERRUPTED
        return best[0], None

    def _run(self, best: list[Split], rtol: float, deadline: float) -> None:
        paths = [self._rounds(U) for U in self._starts()]
        for number in range(_MOST_ROUNDS):
            before, values = best[0].value if best else math.inf, []
            for path in paths:
                begin = time.perf_counter()
                found = next(path)
                values.append(found.value)
                if not best or found.value < best[0].value:
                    best[:] = [found]
                if 2 * time.perf_counter() - begin > deadline:  # the next round will take as long as this one
                    return
            if self._report is not None:
                self._report(number + 1, best[0])
            if number == _ROUNDS_OF_BOTH - 1:
                paths = [paths[int(np.argmin(values))]]
            limit = max(self.lower, self.limit)
            settled = number >= _ROUNDS_OF_BOTH and before - best[0].value < _LEAST_GAIN * (best[0].value - limit)
            if settled or best[0].value <= limit * (1 + max(rtol, _CLOSE)):
                return

    def _starts(self) -> list[np.ndarray]:
        """The identity, and a mixture of it with the leading eigenmatrix of T; of Frobenius norm one."""
        leading = identity = np.eye(self._dimension) / math.sqrt(self._dimension)
        for _ in range(_POWER_STEPS):
            leading = self.form.image(leading)
            leading = leading / np.linalg.norm(leading)
        mixed = 0.3 * identity + 0.7 * leading
        return [mixed / np.linalg.norm(mixed), identity]

    def _rounds(self, U: np.ndarray) -> Iterator[Split]:
        shift, number = 0.6 * self.lower, 0
        while True:
            self.form.prepare(U, shift)
            shift, values, vectors = self._search(shift)
            self.limit = max(self.limit, shift + float(values.sum()))
            directions = self.form.directions(vectors * np.sqrt(values))
            directions = directions @ np.linalg.eigh(self.form.gram(directions))[1]
            ratio, leading = _leading(self.form.positive_map(directions), U)
            yield Split(shift=shift, ratio=ratio, directions=directions, leading=leading)
            number += 1
            step = 1 / (number + 1)
            U = (1 - step) * U + step * leading
            U = U / np.linalg.norm(U)

    def _search(self, shift: float) -> tuple[float, np.ndarray, np.ndarray]:
        """The μ at which the derivative 1 − tr P of μ + tr(…)_+ vanishes, with the positive eigenpairs there.

        The logarithm of the trace is nearly linear in that of μ.
        """
        known: dict[bool, tuple[float, float]] = {}  # the last point on each side of the root
        for step in range(_SEARCH_STEPS):
            values, vectors, trace = self.form.excess(shift)
            if abs(trace - 1) < _BALANCED or (step >= _SEARCH_STEPS - 2 and trace > 0):
                break
            here = math.log(shift), math.log(max(trace, _LEAST_TRACE))
            known[trace > 1] = here
            if len(known) == 2:
                (left, above), (right, below) = known[True], known[False]
                shift = math.exp(left + (right - left) * min(max(above / (above - below), 0.1), 0.9))
            else:
                shift *= math.exp(min(max(here[1] / _USUAL_SLOPE, -_LONGEST_STEP), _LONGEST_STEP))
        return shift, values, vectors


def _leading(mapping: PositiveMap, U: np.ndarray) -> tuple[float, np.ndarray]:
    """The largest eigenvalue of a positive map, with its eigenmatrix of Frobenius norm one and positive trace."""
    d = len(U)
    process = Lanczos((U + 1e-3 * np.eye(d) / d).ravel())
    for _ in range(min(_LANCZOS_STEPS, d * (d + 1) // 2)):
        last = process.advance(mapping(process.newest.reshape(d, d)).ravel())
        values, vectors = process.ritz()
        if last * abs(vectors[-1, -1]) <= _LANCZOS_RESIDUAL * abs(values[-1]):
            break
    P = process.combined(vectors[:, -1]).reshape(d, d)
    P = (P + P.T) / 2
    return float(values[-1]), P * math.copysign(1 / float(np.linalg.norm(P)), float(np.trace(P)))
