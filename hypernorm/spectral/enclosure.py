"""Enclosures: a number between two proved bounds, with the one certificate that proves both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Generic, TypeVar

from hypernorm._arguments import check_tolerance
from hypernorm._display import rounded_down, rounded_up
from hypernorm._results import Result
from hypernorm.certificates import Certificate, VerifiedEnclosure

__all__ = ["Enclosure", "enclosure"]

Proof = TypeVar("Proof", bound=Certificate, covariant=True)
Proved = TypeVar("Proved", bound=Certificate)


@dataclass(frozen=True, eq=False, kw_only=True)
class Enclosure(Result, Generic[Proof]):
    """A proved interval for a number, both ends of which one certificate proves.

    Attributes
    ----------
    quantity : str
        Name of the number.
    lower, upper : float
        Proved, rounding included.
    certificate : Certificate
        Its method `verify` proves both ends again.
    seconds : float
        Duration of the call.

    See Also
    --------
    hypernorm.schatten_norm : Compute one, with an example.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> norm = hn.schatten_norm(np.diag([3.0, 4.0]), 1)
    >>> norm.lower <= 7 <= norm.upper, norm.is_exact()
    (True, True)
    """

    quantity: str
    lower: float
    upper: float
    certificate: Proof
    seconds: float

    @property
    def gap(self) -> float:
        """(upper − lower)/lower; zero if both bounds are zero."""
        if self.upper == self.lower:
            return 0.0
        return (self.upper - self.lower) / self.lower if self.lower > 0 else math.inf

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
            f"Enclosure({self.quantity}: lower={rounded_down(self.lower, 12)}, upper={rounded_up(self.upper, 12)}, "
            f"gap={self.gap:.3g})"
        )


def enclosure(proved: VerifiedEnclosure, certificate: Proved, seconds: float) -> Enclosure[Proved]:
    """The enclosure that a verification has proved."""
    return Enclosure(
        quantity=proved.quantity, lower=proved.lower, upper=proved.upper, certificate=certificate, seconds=seconds
    )
