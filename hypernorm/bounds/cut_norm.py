"""The cut norm of a matrix: a proved interval for max |Σ_{i∈S, j∈T} A_ij| over sets of rows and columns."""

from __future__ import annotations

import dataclasses
import math
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from hypernorm._arguments import (
    Seed,
    check_choice,
    check_generator,
    check_progress,
    check_time_limit,
    check_tolerance,
)
from hypernorm._arithmetic import own_arithmetic
from hypernorm._validation import check_matrix
from hypernorm.bounds.climb import Climb, Progress, Stage
from hypernorm.bounds.interval import BoundRecord, Interval, Status
from hypernorm.bounds.operator_power import largest_vector
from hypernorm.bounds.operator_propose import (
    Problem,
    Rule,
    enumerated_start,
    propose_rule,
    tell_of_rule,
    zero_certificate,
)
from hypernorm.certificates import (
    LARGEST_ENUMERATION,
    CutNormCertificate,
    CutNormWitness,
    OperatorCertificate,
    bordered,
)
from hypernorm.forms import ScaledMatrix

__all__ = ["CUT_METHODS", "CutMethod", "cut_norm"]

CutMethod: TypeAlias = Literal["auto", "cheap", "weights", "exact"]
CUT_METHODS: tuple[CutMethod, ...] = get_args(CutMethod)

_STARTS = 100
_ROUNDS = 100


@own_arithmetic
def cut_norm(
    A: Any,
    *,
    method: CutMethod = "auto",
    rtol: float = 1e-6,
    time_limit: float | None = None,
    random_state: Seed = None,
    progress: bool | Callable[[Progress], None] = False,
) -> Interval[CutNormWitness, CutNormCertificate]:
    """Compute a proved interval for the cut norm, max |Σ_{i∈S, j∈T} A_ij| over sets S of rows and T of columns.

    It is a quarter of the norm from ℓ_∞ to ℓ_1 of a matrix with one more row and column, see `CutNormCertificate`. The
    lower bound comes from a power method with flips of signs, the upper bounds from the sum of all magnitudes, exact if
    no entry is negative, from a semidefinite relaxation, within a factor of 1.7823, and from an enumeration of signs.

    Parameters
    ----------
    A : array_like, DataFrame or sparse matrix of shape (m, n)
        Real and finite; for graphs the difference of two adjacency matrices. It need not be square.
    method : {"auto", "cheap", "weights", "exact"}, default "auto"
        The certificates to try: ``"cheap"``, the sum of magnitudes; ``"weights"``, the relaxation as well; ``"exact"``
        and ``"auto"`` also the enumeration, for at most 23 rows or columns, first or last. If a gap remains because
        ``"exact"`` does not apply, a `ConvergenceWarning` says so.
    rtol : float, default 1e-6
        Relative gap at which the bounds count as meeting.
    time_limit : float, optional
        Seconds after which no certificate is started; a proof in progress is completed.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState
        Source of the random starting points.
    progress : bool or callable, default False
        True writes a line per stage to the standard error; a callable receives a `Progress` instead.

    Returns
    -------
    Interval
        With a `CutNormWitness`, which holds the two sets, and a `CutNormCertificate`.

    Raises
    ------
    InvalidInputError
        If an argument cannot be used or the work cannot fit in memory.
    KeyboardInterrupt
        Only if it arrives before the first certificate; later, the interval proved so far is returned.

    See Also
    --------
    operator_norm : The norm from ℓ_∞ to ℓ_1, from one to four times as large.

    Notes
    -----
    Theorem 9 of theory/operator_norms of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> blocks = np.kron([[1, -1], [-1, 1]], np.ones((3, 3)))
    >>> interval = hn.cut_norm(blocks, random_state=0)
    >>> round(interval.upper, 9), interval.is_exact(), int(interval.witness.rows.sum())
    (9.0, True, 3)
    """
    start = time.perf_counter()
    matrix = check_matrix(A, "A", copy=True)
    check_choice(method, "method", CUT_METHODS)
    tolerance, limit, rng = check_tolerance(rtol), check_time_limit(time_limit), check_generator(random_state)
    check_progress(progress)
    climb = Climb(start, limit, lambda lower, upper: upper <= lower * (1 + tolerance) < math.inf, progress)
    return _Search(ScaledMatrix.identified(matrix), rng, method).run(climb)


class _Search:
    """The stages of one call, with their common state."""

    def __init__(self, matrix: ScaledMatrix, rng: np.random.Generator, method: str):
        self.matrix, self.rng, self.method = matrix, rng, method
        self.border = ScaledMatrix(bordered(matrix.entries))

    def run(self, climb: Climb) -> Interval[CutNormWitness, CutNormCertificate]:
        if self.matrix.is_zero:
            problem = self._problem(climb)
            self._offer(climb, "zero", zero_certificate(problem), time.perf_counter())
            self._offer_sets(climb, np.zeros(self.matrix.shape[1], dtype=bool))
            return climb.interval(Status.EXACT, climb.witness.quantity, unit=0.0)
        status = climb.run(self._stages(climb))
        if climb.witness is None:
            self._offer_sets(climb, np.ones(self.matrix.shape[1], dtype=bool))
        where = f"matrices with at most {LARGEST_ENUMERATION - 1} rows or columns"
        tell_of_rule(self.method, status, climb.records, where)
        return climb.interval(status, climb.witness.quantity, unit=climb.lower)

    def _stages(self, climb: Climb) -> Iterator[Stage]:
        yield Stage("perron", partial(self._certify, climb, "perron"))
        yield Stage("lower bound", partial(self._improve_lower, climb))
        rules: dict[str, list[Rule]] = {
            "auto": ["weights", "enumeration"],
            "exact": ["enumeration", "weights"],
            "weights": ["weights"],
        }
        for rule in rules.get(self.method, []):
            yield Stage(rule, partial(self._certify, climb, rule))

    def _problem(self, climb: Climb) -> Problem:
        return Problem(self.border, math.inf, 1.0, self.rng, climb.deadline)

    def _certify(self, climb: Climb, rule: Rule) -> Status | None:
        begin = time.perf_counter()
        problem = self._problem(climb)
        norm = propose_rule(rule, problem)
        if norm is not None:
            self._offer(climb, rule, norm, begin)
            if rule == "enumeration" and not climb.is_closed:  # the search has missed the sets
                start = enumerated_start(problem, norm.side)
                if start is not None:
                    self._improve_lower(climb, n_starts=1, starts=start)
        return None

    def _offer(self, climb: Climb, kind: str, norm: OperatorCertificate, begin: float) -> None:
        certificate = CutNormCertificate(
            shape=self.matrix.shape, fingerprint=self.matrix.fingerprint, upper=sys.float_info.max, norm=norm
        )
        upper = certificate.prove(self.matrix).upper
        record = BoundRecord(kind=kind, upper=upper, seconds=time.perf_counter() - begin)
        climb.offer(dataclasses.replace(certificate, upper=upper), record)

    def _improve_lower(self, climb: Climb, n_starts: int = _STARTS, starts: np.ndarray | None = None) -> Status | None:
        signs = largest_vector(
            self.border.entries, math.inf, 1.0, self.rng, n_starts=n_starts, starts=starts, deadline=climb.deadline
        )
        self._offer_sets(climb, signs[:-1] * signs[-1] < 0)
        return None

    def _offer_sets(self, climb: Climb, columns: np.ndarray) -> None:
        rows, columns = _best_sets(self.matrix.entries, columns)
        climb.offer_witness(CutNormWitness.of_matrix(self.matrix, rows, columns))


def _best_sets(entries: Any, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sets that neither a change of the rows alone nor of the columns alone improves, from a set of columns."""
    best = (np.zeros(entries.shape[0], dtype=bool), columns)
    value = -1.0
    for _ in range(_ROUNDS):
        sums = np.asarray(entries @ columns.astype(float))
        positive, negative = sums[sums > 0].sum(), -sums[sums < 0].sum()
        sign = 1.0 if positive >= negative else -1.0
        rows, found = sign * sums > 0, max(positive, negative)
        if found <= value * (1 + 1e-12):
            break
        best, value = (rows, columns), float(found)
        columns = sign * np.asarray(entries.T @ rows.astype(float)) > 0
    return best
