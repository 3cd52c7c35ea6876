"""Proved intervals: a lower bound with its witness, and an upper bound with its certificate."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from hypernorm._arguments import check_tolerance
from hypernorm._arithmetic import own_arithmetic
from hypernorm._display import rounded_down, rounded_up
from hypernorm.certificates import Certificate

__all__ = ["BoundRecord", "Interval", "Status"]


Below = TypeVar("Below", bound=Certificate)
Above = TypeVar("Above", bound=Certificate)


class Status(Enum):
    """Why a computation ended; each member carries a message."""

    EXACT = "lower and upper bound meet within the tolerance"
    GAP = "a gap remains after all certificates that were tried"
    STALLED = "the upper bound stopped improving"
    TIME_LIMIT = "the time limit ended the search for better certificates"
    MAX_ITERATIONS = "the limit on iterations was reached; the bounds are proved but may be improved"
    INTERRUPTED = "an interruption ended the search for better certificates"

    @property
    def message(self) -> str:
        """The status in words."""
        return self.value


@dataclass(frozen=True, kw_only=True)
class BoundRecord:
    """Record of one certificate that was computed for an interval.

    Attributes
    ----------
    kind : str
        The kind of a norm certificate, or the level of a separable one.
    upper : float
        Proved upper bound.
    seconds : float
        Time to find and prove it.
    relaxation : float, default NaN
        Lower estimate of the smallest bound that certificates of this kind can prove: computed, not proved; NaN if
        there is none.
    iterations : int, default 0
        Number of iterations of the solver; 0 if there is no iterative solver.
    """

    kind: str
    upper: float
    seconds: float
    relaxation: float = math.nan
    iterations: int = 0


@dataclass(frozen=True, eq=False, kw_only=True)
class Interval(Generic[Below, Above]):
    """A proved interval for a quantity: a norm of a matrix, a moment of samples, or a best separable state value.

    Attributes
    ----------
    quantity : str
        Name of the quantity.
    lower : float
        Attained by `witness`, rounding included.
    upper : float
        Proved by `certificate`, rounding included.
    unit : float
        Unit of the gap: the lower bound for a norm or moment, the spectral norm for a separable state value.
    witness : Witness, SampleMomentWitness or ProductState
    certificate : NormCertificate, ReducedCertificate, SampleMomentCertificate or SeparableCertificate
        The one with the smallest upper bound.
    status : Status
        Why the computation ended.
    records : tuple of BoundRecord
        One for each certificate that was computed, in order.
    seconds : float
        Duration of the call.

    See Also
    --------
    two_to_q_norm : Compute an interval, with an example.
    """

    quantity: str
    lower: float
    upper: float
    unit: float
    witness: Below
    certificate: Above
    status: Status
    records: tuple[BoundRecord, ...]
    seconds: float

    @property
    def gap(self) -> float:
        """(upper − lower)/unit; zero if both bounds are zero."""
        return self._distance(self.upper)

    @own_arithmetic
    def is_exact(self, rtol: float = 1e-6) -> bool:
        """Whether the gap is at most `rtol`."""
        return self.gap <= check_tolerance(rtol)

    def __repr__(self) -> str:
        return (
            f"Interval({self.quantity}: lower={rounded_down(self.lower, 10)}, upper={rounded_up(self.upper, 10)}, "
            f"gap={self.gap:.3g}, kind={self.certificate.kind!r}, status={self.status.name})"
        )

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='text-align:left'>{html.escape(record.kind.replace('_', ' '))}</td>"
            f"<td>{rounded_up(record.upper, 10)}</td><td>{self._shown_distance(record.upper)}</td>"
            f"<td>{record.seconds:.3f}</td></tr>"
            for record in self.records
        )
        return (
            f"<div><strong>{html.escape(self.quantity)} ∈ "
            f"[{rounded_down(self.lower, 10)}, {rounded_up(self.upper, 10)}]</strong>; "
            f"{html.escape(self.status.message)}."
            "<table><thead><tr><th style='text-align:left'>certificate</th><th>proved upper bound</th>"
            f"<th>gap</th><th>seconds</th></tr></thead><tbody>{rows}</tbody></table></div>"
        )

    def _shown_distance(self, upper: float) -> str:
        return rounded_up(self._distance(upper), 3) if self.unit > 0 else "—"

    def _distance(self, upper: float) -> float:
        """The distance of an upper bound from the lower bound, in the unit of the gap."""
        if upper == self.lower:
            return 0.0
        return (upper - self.lower) / self.unit if self.unit > 0 else math.inf
