"""The front door: a proved interval for the 2→q norm."""

from __future__ import annotations

import html
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from hypernorm._arguments import Seed, check_choice, check_exponent, check_generator, check_time_limit, check_tolerance
from hypernorm._arithmetic import own_arithmetic
from hypernorm._display import exponent_text, rounded_down, rounded_up
from hypernorm._validation import check_rows
from hypernorm.bounds.deadlines import DeadlineError
from hypernorm.bounds.power import search
from hypernorm.bounds.propose import Search, propose
from hypernorm.bounds.sos_solver import SosProgress, SosStop, check_solver_memory
from hypernorm.certificates import KINDS, Certificate, Factor, Witness, attained_value, is_available, plan
from hypernorm.exceptions import CertificateError, InvalidInputError
from hypernorm.forms import MonomialBasis, Rows, fingerprint

__all__ = ["METHODS", "BoundRecord", "NormInterval", "Progress", "Status", "two_to_q_norm"]

METHODS = ("auto", "spectral", "sos")

# Moment and Gram matrices above this size are not tried unasked: they take minutes.
_LARGEST_GRAM_SIZE = 2200
# Below this size a sum of squares takes about a second and leaves the realigned bound nothing to say.
_SMALL_GRAM_SIZE = 1000


class Status(Enum):
    """Why the computation ended; each member carries a message."""

    EXACT = "lower and upper bound meet within the tolerance"
    GAP = "every applicable certificate was computed; a gap remains"
    TIME_LIMIT = "the time limit ended the search for better certificates"
    INTERRUPTED = "an interruption ended the search for better certificates"

    @property
    def message(self) -> str:
        """The meaning in words."""
        return self.value


@dataclass(frozen=True)
class BoundRecord:
    """One certificate that was computed on the way.

    Attributes
    ----------
    kind : str
    upper : float
        Proved upper bound on the norm.
    seconds : float
        Time to find and prove it.
    """

    kind: str
    upper: float
    seconds: float


@dataclass(frozen=True)
class Progress:
    """What a progress callback receives: the stage that begins, seconds so far, and the best proved bounds so far."""

    stage: str
    seconds: float
    lower: float | None
    upper: float | None


@dataclass(frozen=True, eq=False)
class NormInterval:
    """A proved interval for max ‖Xv‖_q over unit vectors v.

    Attributes
    ----------
    lower : float
        Attained by `witness`, rounding included.
    upper : float
        Proved by `certificate`, rounding included.
    q : float
    shape : tuple of int
    witness : Witness
    certificate : Certificate
        The one with the smallest upper bound.
    status : Status
    records : tuple of BoundRecord
        All certificates computed, in order.
    seconds : float
    """

    lower: float
    upper: float
    q: float
    shape: tuple[int, int]
    witness: Witness
    certificate: Certificate
    status: Status
    records: tuple[BoundRecord, ...]
    seconds: float

    @property
    def gap(self) -> float:
        """upper/lower − 1; zero for a zero matrix."""
        if self.upper == 0:
            return 0.0
        return self.upper / self.lower - 1 if self.lower > 0 else math.inf

    @own_arithmetic
    def is_exact(self, rtol: float = 1e-6) -> bool:
        """Whether lower and upper bound agree to a relative tolerance."""
        return self.gap <= check_tolerance(rtol)

    def __repr__(self) -> str:
        return (
            f"NormInterval(q={self.q:g}, shape={self.shape}, lower={rounded_down(self.lower, 10)}, "
            f"upper={rounded_up(self.upper, 10)}, "
            f"gap={self.gap:.3g}, kind={self.certificate.kind!r}, status={self.status.name})"
        )

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='text-align:left'>{html.escape(record.kind.replace('_', ' '))}</td>"
            f"<td>{rounded_up(record.upper, 10)}</td><td>{_ratio(record.upper, self.lower)}</td>"
            f"<td>{record.seconds:.3f}</td></tr>"
            for record in self.records
        )
        return (
            f"<div><strong>‖X‖<sub>2→{exponent_text(self.q)}</sub> ∈ "
            f"[{rounded_down(self.lower, 10)}, {rounded_up(self.upper, 10)}]</strong>, "
            f"X of shape {self.shape[0]} × {self.shape[1]}; {html.escape(self.status.message)}."
            "<table><thead><tr><th style='text-align:left'>certificate</th><th>proved upper bound</th>"
            f"<th>ratio to lower</th><th>seconds</th></tr></thead><tbody>{rows}</tbody></table></div>"
        )


def _ratio(upper: float, lower: float) -> str:
    return rounded_up(upper / lower, 8) if lower > 0 else "—"


@own_arithmetic
def two_to_q_norm(
    X: Any,
    q: float = 4,
    *,
    method: str = "auto",
    rtol: float = 1e-6,
    time_limit: float | None = None,
    random_state: Seed = None,
    progress: bool | Callable[[Progress], None] = False,
) -> NormInterval:
    """Compute a proved interval for the 2→q norm, max ‖Xv‖_q over unit vectors v.

    The lower bound comes from the generalised power method, the upper bounds from certificates of growing strength
    and cost: row norm, flattening, realigned, moment, sum of squares. The climb ends when lower and upper bound meet.

    Parameters
    ----------
    X : array_like, DataFrame, sparse matrix or Dask array of shape (n, d)
        Real and finite. Dense of any type and layout, memory-mapped, scipy sparse, or a pandas frame.
    q : float
        Exponent, 2 ≤ q ≤ ∞. For q = 2 and q = ∞ the interval is exact up to rounding.
    method : str
        The strongest family of certificates to try: ``"spectral"``; ``"sos"``, sums of squares whatever they cost; or
        ``"auto"``, which tries them where the Gram matrix has at most 2,200 rows (d ≤ 65 for q = 4).
    rtol : float
        Relative gap at which the bounds count as meeting.
    time_limit : float, optional
        Seconds after which the search ends and nothing is begun but the proof of what it has found; a certificate
        that would take longer is not begun. The cheapest certificate is always computed.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState
        Source of the random starting points.
    progress : bool or callable
        True writes a line per stage to the standard error; a callable receives a `Progress` instead.

    Returns
    -------
    NormInterval

    Raises
    ------
    InvalidInputError
        If an argument cannot be used or the work cannot fit in memory.
    KeyboardInterrupt
        Only if it arrives before the first certificate; later, the interval proved so far is returned.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> interval = hn.two_to_q_norm(np.eye(4), q=4, random_state=0)
    >>> interval.lower <= 1 <= interval.upper, interval.is_exact()
    (True, True)
    """
    start = time.perf_counter()
    matrix = check_rows(X)
    q = check_exponent(q)
    check_choice(method, "method", METHODS)
    tolerance, limit, rng = check_tolerance(rtol), check_time_limit(time_limit), check_generator(random_state)
    if not (isinstance(progress, bool) or callable(progress)):
        raise InvalidInputError(f"progress must be True, False or a callable, got {progress!r}.")
    climb = _Climb(Rows(matrix), q, fingerprint(matrix), rng, start, limit, progress, method)
    return climb.run(tolerance)


class _Climb:
    """The state of one call: the best bounds so far and the clock."""

    def __init__(
        self,
        rows: Rows,
        q: float,
        digest: str,
        rng: np.random.Generator,
        start: float,
        limit: float | None,
        progress: bool | Callable[[Progress], None],
        method: str,
    ):
        self.rows, self.q, self.digest, self.rng, self.method = rows, q, digest, rng, method
        self.start = start
        self.deadline = math.inf if limit is None else start + limit
        self.report = progress if callable(progress) else _print_progress if progress else None
        self.witness: Witness | None = None
        self.best: tuple[Certificate, float] | None = None  # one value, so that an interruption cannot split it
        self.records: list[BoundRecord] = []

    def run(self, rtol: float) -> NormInterval:
        if self.method == "sos":
            for factor in self._sos_factors():  # at once, before anything is computed that would be lost
                check_solver_memory(self.rows.shape[1], factor.order // 2)
        status = Status.GAP
        try:
            self._tell("row norm")
            self._certify("row_norm", rtol, math.inf)
            self._tell("lower bound")
            self._improve_lower(None)
            for kind in self._kinds():
                if self._is_exact(rtol):
                    break
                if time.perf_counter() > self.deadline:
                    status = Status.TIME_LIMIT
                    break
                self._tell(kind.replace("_", " "))
                try:
                    self._certify(kind, rtol, self.deadline)
                except DeadlineError:
                    status = Status.TIME_LIMIT  # a later kind may take less
        except KeyboardInterrupt:
            if self.best is None:
                raise
            status = Status.INTERRUPTED
        if status is Status.GAP and time.perf_counter() > self.deadline:
            status = Status.TIME_LIMIT
        return self._result(Status.EXACT if self.witness is not None and self._is_exact(rtol) else status)

    def _kinds(self) -> list[str]:
        """The certificates that are worth their cost, cheapest first."""
        d = self.rows.shape[1]
        half = math.ceil(self.q / 2) if math.isfinite(self.q) else 0
        unwanted = set()
        if half <= 2 or MonomialBasis.count(d, half) > _LARGEST_GRAM_SIZE:  # degree 4 is the flattening
            unwanted.add("moment")
        gram = max((side for factor in self._sos_factors() for side in factor.sides(d)[:1]), default=0)
        if self.method == "spectral" or (self.method == "auto" and gram > _LARGEST_GRAM_SIZE):
            unwanted.add("sos")
        elif 0 < gram <= _SMALL_GRAM_SIZE:
            unwanted.add("realigned")
        return [kind for kind in KINDS[1:] if is_available(kind, self.q) and kind not in unwanted]

    def _sos_factors(self) -> list[Factor]:
        factors = plan("sos", self.q) if is_available("sos", self.q) else ()
        return [factor for factor in factors if factor.form == "sos"]

    def _certify(self, kind: str, rtol: float, deadline: float) -> None:
        begin = time.perf_counter()
        try:
            tolerance = rtol if kind == "sos" else min(1e-8, rtol / 10)
            start = None if self.witness is None else self.witness.vector
            known = math.inf if self.best is None else self.best[1]
            options = Search(tolerance, deadline, self.rng, report=self._tell_solve, to_beat=known, start=start)
            proposed = propose(self.rows, self.q, kind, self.digest, options)
        except CertificateError:
            if self.best is None:
                raise
            return  # rounding defeats this kind; what is proved already stands
        if self.best is None or proposed.upper < self.best[1]:
            self.best = proposed.certificate, proposed.upper
        self.records.append(BoundRecord(kind, proposed.upper, time.perf_counter() - begin))
        if proposed.vectors.size and time.perf_counter() <= self.deadline:
            self._improve_lower(proposed.vectors)
        if proposed.stop is SosStop.INTERRUPTED:
            raise KeyboardInterrupt  # with what was proved so far in hand

    def _improve_lower(self, starts: np.ndarray | None) -> None:
        """Search from the standard starts, or from the columns that a certificate suggests."""
        count = 128 if starts is None else 0
        vector = search(self.rows, self.q, self.rng, n_starts=count, starts=starts, deadline=self.deadline)
        if self.witness is not None and time.perf_counter() > self.deadline:
            return  # its value would have to be proved
        value = attained_value(self.rows, vector, self.q)
        if self.witness is None or value > self.witness.value:
            self.witness = Witness(vector, self.q, value, self.rows.shape, self.digest)

    def _is_exact(self, rtol: float) -> bool:
        assert self.witness is not None
        assert self.best is not None
        return self.best[1] <= self.witness.value * (1 + rtol)

    def _result(self, status: Status) -> NormInterval:
        assert self.best is not None
        if self.witness is None:
            # Interrupted before any search: the longest row is a vector with a value too.
            vector = search(self.rows, math.inf, self.rng)
            value = attained_value(self.rows, vector, self.q)
            self.witness = Witness(vector, self.q, value, self.rows.shape, self.digest)
        return NormInterval(
            self.witness.value,
            self.best[1],
            self.q,
            self.rows.shape,
            self.witness,
            self.best[0],
            status,
            tuple(self.records),
            time.perf_counter() - self.start,
        )

    def _tell_solve(self, progress: SosProgress) -> None:
        gap = progress.bound / progress.lower - 1 if progress.lower > 0 else math.inf
        self._tell(f"sos: iteration {progress.iteration}, rank {progress.rank}, gap of the form {gap:.1e}")

    def _tell(self, stage: str) -> None:
        if self.report is not None:
            lower = None if self.witness is None else self.witness.value
            upper = None if self.best is None else self.best[1]
            self.report(Progress(stage, time.perf_counter() - self.start, lower, upper))


def _print_progress(progress: Progress) -> None:
    known = [
        f"{name} {value:.8g}" for name, value in (("≥", progress.lower), ("≤", progress.upper)) if value is not None
    ]
    print(f"[{progress.seconds:7.2f} s] {progress.stage}  {', '.join(known)}", file=sys.stderr)
