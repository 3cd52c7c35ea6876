"""Claims of certificates, and results of their verification."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from hypernorm._display import rounded_down, rounded_up
from hypernorm._results import Result
from hypernorm.exceptions import CertificateError

__all__ = [
    "Claim",
    "Rigor",
    "Verified",
    "VerifiedBound",
    "VerifiedEnclosure",
    "VerifiedErrorBound",
    "VerifiedValue",
    "verified_value",
]


class Rigor(Enum):
    """The arithmetic in which a bound was proved."""

    FLOATING_POINT = "floating point, rounding errors bounded"
    EXACT = "exact arithmetic"


@dataclass(frozen=True, repr=False, kw_only=True)
class Verified(Result):
    """The result of a successful verification.

    Attributes
    ----------
    quantity : str
        Name of the bounded quantity.
    premise : str
        What the proof assumes and cannot show; empty if it assumes nothing.
    rigor : Rigor
    seconds : float
        Duration of the verification.

    See Also
    --------
    hypernorm.Certificate.verify : Returns one.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> proved = hn.spectral_bound(np.eye(3)).verify(np.eye(3))
    >>> proved.quantity, proved.premise, proved.rigor.name
    ('||X||_{2→4}', '', 'FLOATING_POINT')
    """

    quantity: str
    premise: str = ""
    rigor: Rigor = Rigor.FLOATING_POINT
    seconds: float = 0.0


@dataclass(frozen=True, repr=False, kw_only=True)
class VerifiedBound(Verified):
    """The result of verifying an upper bound.

    Attributes
    ----------
    upper : float
        Proved upper bound on the quantity.
    quantity, premise, rigor, seconds
        As for `Verified`.

    See Also
    --------
    hypernorm.Certificate.verify : Returns one for an upper bound.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> 1 <= hn.spectral_bound(np.eye(3)).verify(np.eye(3)).upper < 1 + 1e-7
    True
    """

    upper: float


@dataclass(frozen=True, repr=False, kw_only=True)
class VerifiedEnclosure(VerifiedBound):
    """The result of verifying bounds from both sides.

    Attributes
    ----------
    lower : float
        Proved lower bound on the quantity.
    upper : float
        Proved upper bound on the quantity.
    quantity, premise, rigor, seconds
        As for `Verified`.

    See Also
    --------
    Certificate.verify : Returns one for bounds from both sides.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> proved = hn.schatten_norm(np.eye(2), 1).certificate.verify(np.eye(2))
    >>> proved.lower <= 2 <= proved.upper
    True
    """

    lower: float


@dataclass(frozen=True, repr=False, kw_only=True)
class VerifiedErrorBound(VerifiedBound):
    """A proof that an estimate is close to the truth of the inliers, whichever samples they are.

    Attributes
    ----------
    upper : float
        The error is at most this number, whatever the moments of the inliers are; infinite if nothing follows.
    upper_given : float
        The error is at most this number, not above `upper`, if `premise_given` is true as well.
    premise_given : str
        That the inliers have a moment at most as large as the weighted samples, which nothing shows.
    contamination : float
        A premise: the inliers have at least the fraction 1 − ε of the samples, or of their base weights.
    total_variation : float
        The largest total variation distance of the weights from a distribution on the inliers.
    quantity, premise, rigor, seconds
        As for `Verified`.

    See Also
    --------
    VerifiedMeanBound : For a mean.
    VerifiedCovarianceBound : For a covariance.

    Examples
    --------
    >>> proved = VerifiedErrorBound(
    ...     quantity="an error", upper=0.5, upper_given=0.25, premise_given="a moment",
    ...     contamination=0.1, total_variation=0.1,
    ... )
    >>> proved.error_bound
    0.5
    """

    upper_given: float
    premise_given: str
    contamination: float
    total_variation: float

    @property
    def error_bound(self) -> float:
        """The same as `upper`."""
        return self.upper


@dataclass(frozen=True, repr=False, kw_only=True)
class VerifiedValue(Verified):
    """The result of verifying a lower bound.

    Attributes
    ----------
    lower : float
        Proved lower bound on the quantity.
    quantity, premise, rigor, seconds
        As for `Verified`.

    See Also
    --------
    hypernorm.Certificate.verify : Returns one for a witness.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> 1 - 1e-9 < hn.lower_bound(np.eye(3), random_state=0).verify(np.eye(3)).lower <= 1
    True
    """

    lower: float


def verified_value(claimed: float, enclosure: tuple[float, float], quantity: str, *, exact: bool) -> VerifiedValue:
    """The value that a witness attains, from proved bounds on it.

    Another order of summation may prove slightly less than the claim. A claim above the enclosure is false.

    Raises
    ------
    CertificateError
        If the claim is false.
    """
    value, above = enclosure
    if not claimed <= above:
        raise CertificateError(f"The witness attains {value:.17g}, not the value {claimed!r} that it claims.")
    rigor = Rigor.EXACT if exact else Rigor.FLOATING_POINT
    return VerifiedValue(quantity=quantity, rigor=rigor, lower=value)


@dataclass(frozen=True)
class Claim:
    """The bound that a certificate states before it is proved: an upper bound if `is_upper`, otherwise a lower one.

    Attributes
    ----------
    value : float
    is_upper : bool

    See Also
    --------
    Certificate.claim : The claim of a certificate.

    Examples
    --------
    >>> claim = Claim(1 / 3, is_upper=True)
    >>> claim.relation, claim.rounded(3)
    ('<=', '0.334')
    """

    value: float
    is_upper: bool

    @property
    def relation(self) -> str:
        """``"<="`` or ``">="``."""
        return "<=" if self.is_upper else ">="

    def rounded(self, digits: int) -> str:
        """The number as text with at most `digits` digits, rounded outward so that it remains a bound.

        Parameters
        ----------
        digits : int

        Returns
        -------
        str
        """
        return rounded_up(self.value, digits) if self.is_upper else rounded_down(self.value, digits)
