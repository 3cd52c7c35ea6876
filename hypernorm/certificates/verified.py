"""What a certificate claims, and what its verification proves."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from hypernorm._display import rounded_down, rounded_up

__all__ = ["Claim", "Rigor", "Verified", "VerifiedBound", "VerifiedErrorBound", "VerifiedValue"]


class Rigor(Enum):
    """In which arithmetic a bound was proved."""

    FLOATING_POINT = "floating point, rounding errors bounded"
    EXACT = "exact arithmetic"


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What a successful verification proves.

    Attributes
    ----------
    quantity : str
        What is bounded.
    rigor : Rigor
    seconds : float
        Time that the verification took.
    """

    quantity: str
    rigor: Rigor = Rigor.FLOATING_POINT
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class VerifiedBound(Verified):
    """A proof from above.

    Attributes
    ----------
    upper : float
        The quantity is at most this number.
    quantity, rigor, seconds
        As for `Verified`.
    """

    upper: float


@dataclass(frozen=True, kw_only=True)
class VerifiedErrorBound(VerifiedBound):
    """A proof that an estimate is close to the truth of the inliers, whichever samples they are.

    Attributes
    ----------
    upper : float
        The error is at most this number; infinite if nothing follows.
    total_variation : float
        The largest total variation distance of the weights from a distribution on the inliers.
    assumed : bool
        Whether the bound supposes that the inliers have moments at most as large as the weighted samples.
    quantity, rigor, seconds
        As for `Verified`.
    """

    total_variation: float
    assumed: bool

    @property
    def error_bound(self) -> float:
        """The same as `upper`."""
        return self.upper


@dataclass(frozen=True, kw_only=True)
class VerifiedValue(Verified):
    """A proof from below.

    Attributes
    ----------
    lower : float
        The quantity is at least this number.
    quantity, rigor, seconds
        As for `Verified`.
    """

    lower: float


@dataclass(frozen=True)
class Claim:
    """The number that a certificate claims, before it is proved: an upper bound, or else a lower one."""

    value: float
    is_upper: bool

    @property
    def relation(self) -> str:
        """``"<="`` or ``">="``."""
        return "<=" if self.is_upper else ">="

    def rounded(self, digits: int) -> str:
        """The number with fewer digits, rounded so that it stays a bound."""
        return rounded_up(self.value, digits) if self.is_upper else rounded_down(self.value, digits)
