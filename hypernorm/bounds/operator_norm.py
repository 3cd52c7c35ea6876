"""Proved intervals for the norm ‖A‖_{p→q} = max ‖Av‖_q over ‖v‖_p = 1, for all p and q from 1 to ∞."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import scipy.sparse as sp

from hypernorm._arguments import (
    Seed,
    check_choice,
    check_exponent,
    check_generator,
    check_progress,
    check_time_limit,
    check_tolerance,
)
from hypernorm._arithmetic import own_arithmetic
from hypernorm._complex import check_complex, is_complex
from hypernorm._display import operator_norm_text
from hypernorm.bounds.climb import Climb, Progress, Stage
from hypernorm.bounds.interval import BoundRecord, Interval, Status
from hypernorm.bounds.operator_power import edge_vector, largest_vector
from hypernorm.bounds.operator_propose import (
    Problem,
    Rule,
    enumerated_start,
    propose_rule,
    tell_of_rule,
    zero_certificate,
)
from hypernorm.bounds.two_to_q import Method, two_to_q_norm
from hypernorm.certificates import COMPLEX_EXPONENTS, OperatorCertificate, OperatorWitness, identified_matrix
from hypernorm.forms import BlockMatrix, ScaledMatrix

__all__ = ["OPERATOR_METHODS", "OperatorMethod", "operator_norm"]

OperatorMethod: TypeAlias = Literal["auto", "cheap", "spectral", "sos", "exact"]
OPERATOR_METHODS: tuple[OperatorMethod, ...] = get_args(OperatorMethod)

# Starts of the power method, fewer for matrices with more entries.
_STARTS, _LEAST_STARTS, _START_ENTRIES = 100, 8, 3e7


@own_arithmetic
def operator_norm(
    A: Any,
    p: float,
    q: float,
    *,
    method: OperatorMethod = "auto",
    rtol: float = 1e-6,
    time_limit: float | None = None,
    random_state: Seed = None,
    progress: bool | Callable[[Progress], None] = False,
) -> Interval[Any, Any]:
    """Compute a proved interval for the operator norm, max ‖Av‖_q over all v with ‖v‖_p = 1.

    The lower bound comes from one power method for all p and q, the upper bounds from certificates of growing strength
    and cost: norms of columns or rows (exact for p = 1 and q = ∞), the norm of |A| (exact for p ≥ q if no entry is
    negative), one matrix inequality with weights, interpolation, 2→q norms with weighted columns, enumeration of signs.
    The climb ends when lower and upper bound meet. For p = 2 ≤ q the result is that of `two_to_q_norm`.

    Parameters
    ----------
    A : array_like, DataFrame, sparse matrix or Dask array of shape (m, n)
        Real or, in memory, complex, and finite; the vectors v are complex if A is. For a Dask array and another norm
        than 2→q, q ≥ 2, the certificates are those of ``method="cheap"``.
    p, q : float
        Exponents from 1 to ∞; their exact binary values count.
    method : {"auto", "cheap", "spectral", "sos", "exact"}, default "auto"
        The strongest certificates to try: ``"cheap"``, norms of columns, rows and |A|, in time proportional to the
        entries that are not zero; ``"spectral"``, weights, interpolation, and 2→q norms by eigenvalues; ``"sos"``,
        2→q norms by sums of squares of any size; ``"exact"``, the enumeration of signs in place of the latter;
        ``"auto"``, all that take at most a minute or two. If a gap remains and the rule of ``"sos"`` or ``"exact"``
        does not apply to p, q and the matrix, a `ConvergenceWarning` says so.
    rtol : float, default 1e-6
        Relative gap at which the bounds count as meeting.
    time_limit : float, optional
        Seconds after which no certificate is started, and the search for one ends; the proof of what it has found
        follows. The cheapest certificate is always computed.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState
        Source of the random starting points.
    progress : bool or callable, default False
        True writes a line per stage to the standard error; a callable receives a `Progress` instead.

    Returns
    -------
    Interval
        With an `OperatorWitness` and an `OperatorCertificate`, or those of `two_to_q_norm` for p = 2 ≤ q.

    Raises
    ------
    InvalidInputError
        If an argument cannot be used or the work cannot fit in memory.
    KeyboardInterrupt
        Only if it arrives before the first certificate; later, the interval proved so far is returned.

    See Also
    --------
    operator_certificate : One of the upper bounds.
    operator_approximation_factor : Proved worst case of the ratio of the bounds.

    Notes
    -----
    The bounds are Theorems 1 to 7 of theory/operator_norms of the documentation, where their sources are named.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> interval = hn.operator_norm(np.eye(4), 4, 2, random_state=0)  # 4^(1/2 − 1/4)
    >>> interval.lower <= 2**0.5 <= interval.upper, interval.is_exact()
    (True, True)
    """
    start = time.perf_counter()
    p, q = check_exponent(p, 1, "p"), check_exponent(q, 1)
    check_choice(method, "method", OPERATOR_METHODS)
    tolerance, limit, rng = check_tolerance(rtol), check_time_limit(time_limit), check_generator(random_state)
    check_progress(progress)
    if p == 2 <= q and _has_rows(A, q):
        inner: Any = {"cheap": "spectral", "exact": "auto"}.get(method, method)
        return two_to_q_norm(A, q, method=inner, rtol=rtol, time_limit=limit, random_state=rng, progress=progress)
    scaled = identified_matrix(A)
    climb = Climb(start, limit, lambda lower, upper: upper <= lower * (1 + tolerance) < math.inf, progress)
    return _Search(scaled, p, q, rng, method).run(climb)


def _has_rows(A: Any, q: float) -> bool:
    """Whether `two_to_q_norm` takes the matrix: a real one, or for the right exponents a complex one."""
    return not is_complex(A) or q in COMPLEX_EXPONENTS or check_complex(A, "A").is_real


class _Search:
    """The stages of one call, with their common state."""

    def __init__(self, matrix: ScaledMatrix, p: float, q: float, rng: np.random.Generator, method: str):
        self.matrix, self.p, self.q, self.rng, self.method = matrix, p, q, rng, method

    def run(self, climb: Climb) -> Interval[OperatorWitness, OperatorCertificate]:
        quantity = operator_norm_text(self.p, self.q, self.matrix.field)
        if self.matrix.is_zero:
            begin = time.perf_counter()
            certificate = zero_certificate(Problem(self.matrix, self.p, self.q, self.rng))
            climb.offer(certificate, BoundRecord(kind="zero", upper=0.0, seconds=time.perf_counter() - begin))
            self._offer_vector(climb, np.eye(1, self.matrix.shape[1])[0])
            return climb.interval(Status.EXACT, quantity, unit=0.0)
        status = climb.run(self._stages(climb))
        if climb.witness is None:
            self._search(climb, n_starts=1)
        tell_of_rule(self.method, status, climb.records)
        return climb.interval(status, quantity, unit=climb.lower)

    def _stages(self, climb: Climb) -> Iterator[Stage]:
        if self.p == 1 or math.isinf(self.q):
            yield self._stage(climb, "edge")
            yield Stage("lower bound", partial(self._edge_vector, climb))
            return
        yield self._stage(climb, "perron")
        yield Stage("lower bound", partial(self._search, climb))
        if self.method == "cheap" or isinstance(self.matrix.entries, BlockMatrix):
            return
        exact = [self._stage(climb, "enumeration")]
        if self.method == "exact":
            yield from exact
        yield self._stage(climb, "weights")
        yield self._stage(climb, "interpolation")
        if self.method != "exact":
            yield self._stage(climb, "two_to_q", self.method)
        if self.method == "auto":
            yield from exact

    def _stage(self, climb: Climb, rule: Rule, method: Any = "auto") -> Stage:
        return Stage(rule.replace("_", " "), partial(self._certify, climb, rule, method))

    def _certify(self, climb: Climb, rule: Rule, method: Method) -> Status | None:
        begin = time.perf_counter()
        problem = Problem(self.matrix, self.p, self.q, self.rng, climb.deadline, method)
        certificate = propose_rule(rule, problem)
        if certificate is not None:
            seconds = time.perf_counter() - begin
            climb.offer(certificate, BoundRecord(kind=rule, upper=certificate.upper, seconds=seconds))
            if rule == "enumeration" and not climb.is_closed:  # the search has missed the vector
                start = enumerated_start(problem, certificate.side)
                if start is not None:
                    self._search(climb, n_starts=1, starts=start)
        return None

    def _search(self, climb: Climb, n_starts: int | None = None, starts: np.ndarray | None = None) -> Status | None:
        deadline = climb.deadline
        if n_starts is None:
            entries = self.matrix.entries
            count = entries.nnz if isinstance(entries, sp.csr_array) else math.prod(entries.shape)
            n_starts = int(min(_STARTS, max(_LEAST_STARTS, _START_ENTRIES / count)))
        vector = largest_vector(
            self.matrix.entries, self.p, self.q, self.rng, n_starts=n_starts, starts=starts, deadline=deadline
        )
        self._offer_vector(climb, vector)
        return None

    def _edge_vector(self, climb: Climb) -> Status | None:
        self._offer_vector(climb, edge_vector(self.matrix, self.p, self.q))
        return None

    def _offer_vector(self, climb: Climb, vector: np.ndarray) -> None:
        climb.offer_witness(OperatorWitness.of_matrix(self.matrix, vector, self.p, self.q))
