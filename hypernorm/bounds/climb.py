"""The climb: from the cheapest certificate to the strongest that time allows, until lower and upper bound meet.

A climb knows the best proved bounds and the clock; its stages know the mathematics. Whatever ends it, a deadline, an
interruption or rounding that defeats one stage, what was proved before stands.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from hypernorm._arguments import check_progress
from hypernorm.bounds.deadlines import DeadlineError
from hypernorm.bounds.interval import BoundRecord, Interval, Status
from hypernorm.certificates import Certificate
from hypernorm.exceptions import CertificateError

__all__ = ["Climb", "Progress", "Stage"]


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What a progress callback receives: the stage that begins, seconds so far, and the best proved bounds so far."""

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
        Offers what it proves to the climb, and returns why it ended, or None.
    """

    name: str
    run: Callable[[], Status | None]


class Climb:
    """The best proved bounds of one quantity so far.

    Parameters
    ----------
    start : float
        Time of `time.perf_counter` at which the call began.
    limit : float or None
        Seconds after which no stage is begun once there is a certificate.
    meets : callable
        Whether a lower and an upper bound meet.
    progress : bool or callable
        True writes a line per stage to the standard error; a callable receives a `Progress`.
    """

    def __init__(
        self,
        start: float,
        limit: float | None,
        meets: Callable[[float, float], bool],
        progress: bool | Callable[[Progress], None] = False,
    ):
        self.start, self._meets = start, meets
        self.deadline = math.inf if limit is None else start + limit
        self._report = _reporter(progress)
        self.witness: Any = None
        self._best: tuple[Certificate, float] | None = None  # one value, so that an interruption cannot split it
        self.records: list[BoundRecord] = []

    @property
    def certificate(self) -> Certificate | None:
        """The best certificate, if there is one."""
        return None if self._best is None else self._best[0]

    @property
    def upper(self) -> float:
        """What it proves; infinity without one."""
        return math.inf if self._best is None else self._best[1]

    @property
    def lower(self) -> float:
        """What the best witness attains; minus infinity without one."""
        return -math.inf if self.witness is None else self.witness.value

    @property
    def is_late(self) -> bool:
        """Whether the deadline has passed."""
        return time.perf_counter() > self.deadline

    @property
    def is_closed(self) -> bool:
        """Whether the bounds meet."""
        return self.witness is not None and self._best is not None and self._meets(self.lower, self.upper)

    def offer(self, certificate: Certificate, record: BoundRecord) -> None:
        """Take a proved certificate, if it is better than the one before."""
        if self._best is None or record.upper < self.upper:
            self._best = certificate, record.upper
        self.records.append(record)

    def offer_witness(self, witness: Any) -> None:
        """Take a proved witness, if it is better than the one before."""
        if self.witness is None or witness.value > self.witness.value:
            self.witness = witness

    def run(self, stages: Iterable[Stage]) -> Status:
        """Go through the stages in order; return why the climb ended.

        Raises
        ------
        KeyboardInterrupt
            If it arrives before there is a certificate.
        CertificateError
            If rounding errors defeat the first one.
        """
        status = Status.GAP
        try:
            for stage in stages:
                if self.is_closed:
                    break
                if self._best is not None and self.is_late and self.witness is not None:
                    status = Status.TIME_LIMIT
                    break
                self.tell(stage.name)
                ended = self._attempt(stage)
                if ended is Status.INTERRUPTED:
                    status = ended
                    break
                if status is not Status.TIME_LIMIT:  # a stage that was left out is not made up for by a later one
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
            return Status.TIME_LIMIT  # a later stage may take less
        except CertificateError:
            if self._best is None:
                raise
            return None  # rounding defeats this stage; what is proved already stands

    def tell(self, stage: str) -> None:
        """Report a stage that begins."""
        if self._report is not None:
            lower = None if self.witness is None else self.lower
            upper = None if self._best is None else self.upper
            seconds = time.perf_counter() - self.start
            self._report(Progress(stage=stage, seconds=seconds, lower=lower, upper=upper))

    def interval(self, status: Status, quantity: str, unit: float) -> Interval[Any, Any]:
        """What has been proved."""
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


def _reporter(progress: bool | Callable[[Progress], None]) -> Callable[[Progress], None] | None:
    if callable(progress):
        return progress
    return _print_progress if check_progress(progress) else None


def _print_progress(progress: Progress) -> None:
    known = [
        f"{name} {value:.8g}" for name, value in (("≥", progress.lower), ("≤", progress.upper)) if value is not None
    ]
    print(f"[{progress.seconds:7.2f} s] {progress.stage}  {', '.join(known)}", file=sys.stderr)
