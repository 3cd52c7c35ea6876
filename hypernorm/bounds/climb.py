"""The climb: stronger and stronger certificates, until the bounds meet or time runs out.

A climb keeps the best proved bounds and the deadline; its stages do the mathematics. A deadline, an interruption or a
stage that fails, since its proof does or the memory is too small, never loses the bounds proved before. Of a maximum,
certificates prove upper bounds and witnesses lower ones; of a minimum, it is the other way round.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from hypernorm._arguments import check_progress
from hypernorm._results import Result
from hypernorm.bounds.deadlines import DeadlineError
from hypernorm.bounds.interval import BoundRecord, Interval, Status
from hypernorm.certificates import Certificate
from hypernorm.exceptions import CertificateError, ChangedDataError, TooLargeError

__all__ = ["Climb", "Progress", "Stage", "converted", "reporter"]


@dataclass(frozen=True, repr=False, kw_only=True)
class Progress(Result):
    """The argument of a progress callback: the stage that begins, the seconds and the best proved bounds so far.

    Attributes
    ----------
    stage : str
    seconds : float
        Time since the call began.
    lower, upper : float or None
        None if there is no such bound yet.

    See Also
    --------
    two_to_q_norm : Calls back at the beginning of each stage.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> stages = []
    >>> interval = hn.two_to_q_norm(np.eye(3), random_state=0, progress=lambda progress: stages.append(progress.stage))
    >>> len(stages) >= 2
    True
    """

    stage: str
    seconds: float
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class Stage:
    """A step of a climb.

    Attributes
    ----------
    name : str
    run : callable
        Offers its proved bounds to the climb; returns a status if it ended early, otherwise None.
    always : bool, default False
        Whether it starts even after the deadline.
    """

    name: str
    run: Callable[[], Status | None]
    always: bool = False


class Climb:
    """The best proved bounds of one quantity so far.

    Parameters
    ----------
    start : float
        Time of `time.perf_counter` at which the call began.
    limit : float or None
        Seconds after which no stage starts once there is a certificate.
    meets : callable
        Takes a lower and an upper bound and returns whether they meet.
    progress : bool or callable, default False
        True writes a line per stage to the standard error; a callable receives a `Progress`.
    is_minimum : bool, default False
        Whether the quantity is a minimum.
    """

    def __init__(
        self,
        start: float,
        limit: float | None,
        meets: Callable[[float, float], bool],
        progress: bool | Callable[[Progress], None] = False,
        *,
        is_minimum: bool = False,
    ):
        self.start, self._meets, self._is_minimum = start, meets, is_minimum
        self.deadline = math.inf if limit is None else start + limit
        self._report = reporter(progress)
        self.witness: Any = None
        self._best: tuple[Certificate, float] | None = None  # a pair, so that an interruption cannot split it
        self.records: list[BoundRecord] = []

    @property
    def upper(self) -> float:
        """The best upper bound; infinity if there is none."""
        return self._attained(math.inf) if self._is_minimum else self._certified(math.inf)

    @property
    def lower(self) -> float:
        """The best lower bound; minus infinity if there is none."""
        return self._certified(-math.inf) if self._is_minimum else self._attained(-math.inf)

    def _certified(self, otherwise: float) -> float:
        return otherwise if self._best is None else self._best[1]

    def _attained(self, otherwise: float) -> float:
        return otherwise if self.witness is None else float(self.witness.value)

    @property
    def is_late(self) -> bool:
        """Whether the deadline has passed."""
        return time.perf_counter() > self.deadline

    @property
    def is_closed(self) -> bool:
        """Whether the bounds meet."""
        return self.witness is not None and self._best is not None and self._meets(self.lower, self.upper)

    def offer(self, certificate: Certificate, record: BoundRecord) -> None:
        """Record a proved certificate, and keep it if it is the best so far."""
        self.records.append(record)  # first, so that an interruption in between leaves a record of the best
        bound = record.lower if self._is_minimum else record.upper
        if self._best is None or (bound > self.lower if self._is_minimum else bound < self.upper):
            self._best = certificate, bound

    def offer_witness(self, witness: Any) -> None:
        """Keep a proved witness if it is the best so far."""
        if self.witness is None or (witness.value < self.upper if self._is_minimum else witness.value > self.lower):
            self.witness = witness

    def run(self, stages: Iterable[Stage]) -> Status:
        """Run the stages in order; return why the climb ended.

        Raises
        ------
        KeyboardInterrupt
            If it arrives before there is a certificate.
        CertificateError
            If rounding errors prevent the proof of the first certificate.
        """
        status = Status.GAP
        try:
            for stage in stages:
                if self.is_closed:
                    break
                if self._best is not None and self.is_late and self.witness is not None and not stage.always:
                    status = Status.TIME_LIMIT
                    continue
                self.tell(stage.name)
                ended = self._attempt(stage)
                if ended is Status.INTERRUPTED:
                    status = ended
                    break
                if status is not Status.TIME_LIMIT:  # a later stage does not replace one that was left out
                    status = Status.GAP if ended in (None, Status.EXACT) else ended
        except KeyboardInterrupt:
            if self._best is None:
                raise
            status = Status.INTERRUPTED
        if self.is_closed:
            return Status.EXACT
        return Status.TIME_LIMIT if status is Status.GAP and self.is_late else status

    def _attempt(self, stage: Stage) -> Status | None:
        try:
            return stage.run()
        except DeadlineError:
            return Status.TIME_LIMIT  # a later stage may take less time
        except ChangedDataError:
            raise
        except TooLargeError:
            if self._best is None or self.witness is None:
                raise
            return None  # it does not fit in memory; the bounds proved before remain
        except CertificateError:
            if self._best is None:
                raise
            return None  # rounding errors prevent this proof; the bounds proved before remain

    def tell(self, stage: str) -> None:
        """Report the beginning of a stage to the progress callback."""
        if self._report is not None:
            ends: tuple[object, object] = (self.witness, self._best)
            below, above = reversed(ends) if self._is_minimum else ends
            lower = None if below is None else self.lower
            upper = None if above is None else self.upper
            seconds = time.perf_counter() - self.start
            self._report(Progress(stage=stage, seconds=seconds, lower=lower, upper=upper))

    def interval(self, status: Status, quantity: str, unit: float) -> Interval[Any, Any]:
        """The interval between the best proved bounds; there must be a certificate and a witness."""
        assert self._best is not None
        return Interval(
            quantity=quantity,
            lower=self.lower,
            upper=self.upper,
            unit=unit,
            witness=self.witness,
            certificate=self._best[0],
            status=status,
            records=tuple(self.records),
            seconds=time.perf_counter() - self.start,
        )


def reporter(progress: bool | Callable[[Progress], None]) -> Callable[[Progress], None] | None:
    """The callback that an argument `progress` stands for; None if there is none."""
    if callable(progress):
        return progress
    return _print_progress if check_progress(progress) else None


def converted(
    progress: bool | Callable[[Progress], None], below: Callable[[float], float], above: Callable[[float], float]
) -> bool | Callable[[Progress], None]:
    """A progress callback that gets other bounds: `below` of the lower and `above` of the upper one."""
    report = reporter(progress)
    if report is None:
        return False

    def told(stage: Progress) -> None:
        lower = None if stage.lower is None else below(stage.lower)
        upper = None if stage.upper is None else above(stage.upper)
        report(replace(stage, lower=lower, upper=upper))

    return told


def _print_progress(progress: Progress) -> None:
    known = [
        f"{name} {value:.8g}" for name, value in (("≥", progress.lower), ("≤", progress.upper)) if value is not None
    ]
    print(f"[{progress.seconds:7.2f} s] {progress.stage}  {', '.join(known)}", file=sys.stderr)
