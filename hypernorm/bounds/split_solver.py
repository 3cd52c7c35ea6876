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
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hypernorm.bounds.deadlines import DeadlineError
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
_CLOSING = 2.0  # time of the Lanczos process of a proposal, in units of the time to find a leading eigenmatrix
_UNIT = 1e-6  # of a norm that is one
_LARGEST = 1e30  # of the numbers in a file; the rows are scaled


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


@dataclass
class _Path:
    """The rounds from one start: the next U, the last μ, the rounds so far, the last value."""

    U: np.ndarray
    shift: float
    rounds: int = 0
    value: float = math.inf


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
    best : Split or None
        The best solution so far.
    dimension : int
        d.
    limit : float
        A computed lower limit of μ + φ for all Y in this space.
    """

    def __init__(self, rows: Rows, lower: float, report: Callable[[int, Split], None] | None = None):
        self.lower, self.dimension, self._report = lower, rows.shape[1], report
        self.form = form_of(rows, lower)
        self.limit, self._round = 0.0, 0
        self.best: Split | None = None
        self._closing = 0.0  # estimated seconds from the last round to the proof
        self._paths = [_Path(U, 0.6 * lower) for U in self._starts()]

    def run(self, rtol: float, deadline: float, *, least_rounds: int = 0) -> Status | None:
        """Improve `best` until it is within `rtol` of the lower value or the limit, or time is up.

        An interruption or the deadline, which may come inside a round, does not lose the solution; the status says
        which it was. The first `least_rounds` rounds of a path are made in any case.

        Raises
        ------
        DeadlineError, KeyboardInterrupt
            If it comes before there is a solution.
        """
        try:
            self._run(rtol, deadline, least_rounds)
        except (DeadlineError, KeyboardInterrupt) as stop:
            if self.best is None:
                raise
            return Status.TIME_LIMIT if isinstance(stop, DeadlineError) else Status.INTERRUPTED
        return None

    def _run(self, rtol: float, deadline: float, least_rounds: int) -> None:
        settled, made, seconds = False, 0, 0.0
        while self._round < _MOST_ROUNDS and not (settled or self._is_close(max(rtol, _CLOSE))):
            before = math.inf if self.best is None else self.best.value
            while (path := self._last_path()).rounds == self._round:
                begin, until = time.perf_counter(), math.inf if made < least_rounds else deadline
                _check_late(seconds + self._closing, until)  # the next round will take as long as this one
                found = self._advance(path, until)
                if self.best is None or found.value < self.best.value:
                    self.best = found
                made, seconds = made + 1, time.perf_counter() - begin
            if self.best is not None:
                settled = self._end_round(before, self.best)

    def _last_path(self) -> _Path:
        """The path with the fewest rounds."""
        return min(self._paths, key=lambda path: path.rounds)

    def _end_round(self, before: float, best: Split) -> bool:
        """Count a round of every path; return whether it improved the value too little for another to follow."""
        self._round += 1
        if self._round == _ROUNDS_OF_BOTH:
            self._paths = [min(self._paths, key=lambda path: path.value)]
        if self._report is not None:
            self._report(self._round, best)
        gap = best.value - max(self.lower, self.limit)
        return self._round > _ROUNDS_OF_BOTH and before - best.value < _LEAST_GAIN * gap

    def _is_close(self, rtol: float) -> bool:
        return self.best is not None and self.best.value <= max(self.lower, self.limit) * (1 + rtol)

    def state(self) -> dict[str, np.ndarray]:
        """Arrays from which `resume` continues, after the first round."""
        assert self.best is not None
        return {
            "round": np.array(self._round),
            "numbers": np.array([self.limit, self.best.shift, self.best.ratio]),
            "directions": np.ascontiguousarray(self.best.directions),
            "leading": self.best.leading,
            "starts": np.stack([path.U for path in self._paths]),
            "paths": np.array([[path.shift, path.value, path.rounds] for path in self._paths]),
        }

    def resume(self, state: dict[str, np.ndarray]) -> bool:
        """Continue from the arrays of `state`; return False if their numbers cannot be from these rounds."""
        number, U, paths = int(state["round"]), state["starts"], state["paths"]
        limit, shift, ratio = state["numbers"].tolist()
        matrices = [state["leading"], *U]
        if not (
            0 <= number <= _MOST_ROUNDS
            and len(U) == len(paths) == (2 if number < _ROUNDS_OF_BOTH else 1)
            and all((np.abs(part) < _LARGEST).all() for name, part in state.items() if name != "paths")
            and all((S == S.T).all() and abs(np.linalg.norm(S) - 1) < _UNIT for S in matrices)
            and shift > 0
            and min(ratio, limit) >= 0
            and all(
                0 < start < _LARGEST and value > 0 and rounds in (number, number + 1) for start, value, rounds in paths
            )
        ):
            return False
        self._round, self.limit = number, limit
        self.best = Split(shift=shift, ratio=ratio, directions=state["directions"], leading=state["leading"])
        self._paths = [
            _Path(S, float(shift), int(rounds), float(value))
            for S, (shift, value, rounds) in zip(U, paths, strict=True)
        ]
        return True

    def _starts(self) -> list[np.ndarray]:
        """The identity, and a mixture of it with the leading eigenmatrix of T; of Frobenius norm one."""
        leading = identity = np.eye(self.dimension) / math.sqrt(self.dimension)
        for _ in range(_POWER_STEPS):
            leading = self.form.image(leading)
            leading = leading / np.linalg.norm(leading)
        mixed = 0.3 * identity + 0.7 * leading
        return [mixed / np.linalg.norm(mixed), identity]

    def _advance(self, path: _Path, deadline: float) -> Split:
        """Make one round, and move to the next U; the path stays where it is if the deadline comes first."""
        deadline -= self._closing
        self.form.prepare(path.U, path.shift)
        shift, values, vectors = self._search(path.shift, deadline)
        self.limit = max(self.limit, shift + float(values.sum()))
        directions = self.form.directions(vectors * np.sqrt(values))
        directions = directions @ np.linalg.eigh(self.form.gram(directions))[1]
        begin = time.perf_counter()
        ratio, leading = _leading(self.form.positive_map(directions), path.U, deadline)
        self._closing = _CLOSING * (time.perf_counter() - begin)
        found = Split(shift=shift, ratio=ratio, directions=directions, leading=leading)
        step = 1 / (path.rounds + 2)
        U = (1 - step) * path.U + step * leading
        path.U, path.shift, path.value = U / np.linalg.norm(U), shift, found.value
        path.rounds += 1
        return found

    def _search(self, shift: float, deadline: float) -> tuple[float, np.ndarray, np.ndarray]:
        """The μ at which the derivative 1 − tr P of μ + tr(…)_+ vanishes, with the positive eigenpairs there.

        The logarithm of the trace is nearly linear in that of μ.
        """
        known: dict[bool, tuple[float, float]] = {}  # the last point on each side of the root
        seconds = 0.0
        for step in range(_SEARCH_STEPS):
            _check_late(seconds, deadline)
            begin = time.perf_counter()
            values, vectors, trace = self.form.excess(shift)
            seconds = time.perf_counter() - begin
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


def _check_late(seconds: float, deadline: float) -> None:
    """Refuse work of so many seconds that would end after the deadline."""
    if time.perf_counter() + seconds > deadline:
        raise DeadlineError


def _leading(mapping: PositiveMap, U: np.ndarray, deadline: float) -> tuple[float, np.ndarray]:
    """The largest eigenvalue of a positive map, with its eigenmatrix of Frobenius norm one and positive trace."""
    d = len(U)
    process = Lanczos((U + 1e-3 * np.eye(d) / d).ravel())
    for _ in range(min(_LANCZOS_STEPS, d * (d + 1) // 2)):
        _check_late(0.0, deadline)
        last = process.advance(mapping(process.newest.reshape(d, d)).ravel())
        values, vectors = process.ritz()
        if last * abs(vectors[-1, -1]) <= _LANCZOS_RESIDUAL * abs(values[-1]):
            break
    P = process.combined(vectors[:, -1]).reshape(d, d)
    P = (P + P.T) / 2
    return float(values[-1]), P * math.copysign(1 / float(np.linalg.norm(P)), float(np.trace(P)))
