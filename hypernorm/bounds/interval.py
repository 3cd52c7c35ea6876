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
from hypernorm._results import Result
from hypernorm.certificates import Certificate

__all__ = ["BoundRecord", "Interval", "Status"]


# Certificates that the table of an interval shows, the last ones.
_ROWS = 16

Below = TypeVar("Below", bound=Certificate, covariant=True)
Above = TypeVar("Above", bound=Certificate, covariant=True)


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


@dataclass(frozen=True, repr=False, kw_only=True)
class BoundRecord(Result):
    """Record of one certificate that was computed for an interval.

    Attributes
    ----------
    kind : str
        The kind of a norm certificate, the form of one of a gain, or the level of a separable one.
    upper : float, default ∞
        Proved upper bound.
    lower : float, default −∞
        Proved lower bound, in place of an upper one, on a minimum.
    seconds : float
        Time to find and prove it.
    relaxation : float, default NaN
        Lower estimate of the smallest bound that certificates of this kind can prove: computed, not proved; NaN if
        there is none.
    iterations : int, default 0
        Number of iterations of the solver; 0 if there is no iterative solver.

    See Also
    --------
    Interval : Has one for each certificate that was computed.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> interval = hn.two_to_q_norm(np.eye(3), random_state=0)
    >>> [record.kind for record in interval.records]
    ['row_norm']
    """

    kind: str
    upper: float = math.inf
    lower: float = -math.inf
    seconds: float
    relaxation: float = math.nan
    iterations: int = 0


@dataclass(frozen=True, eq=False, kw_only=True)
class Interval(Result, Generic[Below, Above]):
    """A proved interval for a quantity: a norm, a smallest gain, a moment of samples, or a best separable state value.

    All but the smallest gain are maxima: a vector attains the lower end, a certificate proves the upper one. The
    smallest gain is a minimum, for which it is the other way round.

    Attributes
    ----------
    quantity : str
        Name of the quantity.
    lower, upper : float
        Attained by `witness` and proved by `certificate`, rounding included.
    unit : float
        Unit of the gap: the lower bound for a norm, a moment or a gain, the spectral norm for a separable state value.
        If the lower bound on a gain is zero, the length of the longest row.
    witness : Witness, ComplexWitness, SampleMomentWitness, ProductState or GainWitness
    certificate : Certificate
        The one with the best bound.
    status : Status
        Why the computation ended.
    records : tuple of BoundRecord
        One for each certificate that was computed, in order.
    seconds : float
        Duration of the call.

    See Also
    --------
    two_to_q_norm : Compute an interval, with an example.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> interval = hn.two_to_q_norm(np.eye(3), random_state=0)
    >>> interval.lower <= 1 <= interval.upper, interval.is_exact(1e-5), interval.status.name
    (True, True, 'EXACT')
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
    def is_minimum(self) -> bool:
        """Whether the quantity is a minimum, so that the certificate proves the lower end."""
        claim = self.certificate.claim
        return claim is not None and not claim.is_upper

    @property
    def gap(self) -> float:
        """(upper − lower)/unit; zero if both bounds are zero."""
        return self._distance(self.lower, self.upper)

    @own_arithmetic
    def is_exact(self, rtol: float = 1e-6) -> bool:
        """Whether the gap is at most `rtol`.

        Parameters
        ----------
        rtol : float, default 1e-6

        Returns
        -------
        bool

        Raises
        ------
        InvalidInputError
            If `rtol` is not in [0, 1).
        """
        return self.gap <= check_tolerance(rtol)

    def __repr__(self) -> str:
        return (
            f"Interval({self.quantity}: lower={rounded_down(self.lower, 10)}, upper={rounded_up(self.upper, 10)}, "
            f"gap={self.gap:.3g}, kind={self.certificate.kind!r}, status={self.status.name})"
        )

    def _repr_html_(self) -> str:
        side = "lower" if self.is_minimum else "upper"
        rows = "".join(
            f"<tr><td style='text-align:left'>{html.escape(record.kind.replace('_', ' '))}</td>"
            f"<td>{self._shown_bound(record)}</td><td>{self._shown_distance(record)}</td>"
            f"<td>{record.seconds:.3f}</td></tr>"
            for record in self.records[-_ROWS:]
        )
        return (
            f"<div><strong>{html.escape(self.quantity)} ∈ "
            f"[{rounded_down(self.lower, 10)}, {rounded_up(self.upper, 10)}]</strong>; "
            f"{html.escape(self.status.message)}."
            f"<table><thead><tr><th style='text-align:left'>certificate</th><th>proved {side} bound</th>"
            f"<th>gap</th><th>seconds</th></tr></thead><tbody>{rows}</tbody></table></div>"
        )

    def _shown_bound(self, record: BoundRecord) -> str:
        return rounded_down(record.lower, 10) if self.is_minimum else rounded_up(record.upper, 10)

    def _shown_distance(self, record: BoundRecord) -> str:
        if not self.unit > 0:
            return "—"
        ends = (record.lower, self.upper) if self.is_minimum else (self.lower, record.upper)
        return rounded_up(self._distance(*ends), 3)

    def _distance(self, lower: float, upper: float) -> float:
        """The distance of two bounds, in the unit of the gap."""
        if upper == lower:
            return 0.0
        return (upper - lower) / self.unit if self.unit > 0 else math.inf
