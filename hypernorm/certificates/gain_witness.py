"""Witnesses of upper bounds on the smallest gain of a matrix: a vector and the value that it attains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hypernorm._display import gain_text
from hypernorm.certificates.registry import register
from hypernorm.certificates.subjects import plain_rows
from hypernorm.certificates.verified import Claim, Rigor, VerifiedBound
from hypernorm.certificates.witness import Witness, attained_interval
from hypernorm.exceptions import CertificateError
from hypernorm.forms import Rows

__all__ = ["GainWitness"]


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class GainWitness(Witness):
    """A vector v with an upper bound on ‖Xv‖_q / ‖v‖, and so on the smallest gain of X.

    Attributes
    ----------
    shape, fingerprint, q, vector
        As for `Witness`.
    value : float
        A proved upper bound on the smallest gain.

    See Also
    --------
    LowerGainCertificate : A lower bound on the same gain.

    Notes
    -----
    How the value is proved is said in theory/lower_bounds of the documentation.

    Examples
    --------
    >>> import numpy as np
    >>> GainWitness.from_vector(np.eye(4), [1, 1, 1, 1], q=4)
    GainWitness(q=4, shape=(4, 4), upper=0.707106781187 as claimed)

    >>> from hypernorm.forms import Rows
    >>> found = GainWitness.of_rows(Rows.identified(np.eye(4)), np.ones(4), 4.0)
    >>> found.value == found.verify(np.eye(4)).upper
    True
    """

    kinds: ClassVar = ("gain_witness",)

    @classmethod
    def of_rows(cls, rows: Rows, vector: np.ndarray, q: float) -> GainWitness:
        """Prove the value that a vector attains, for rows with a known fingerprint.

        Parameters
        ----------
        rows : Rows
        vector : ndarray of shape (d,)
            Finite and not zero.
        q : float

        Returns
        -------
        GainWitness
        """
        value = _enclosure(rows, vector, q, exact=False)[1]
        return cls(shape=rows.shape, fingerprint=rows.fingerprint, q=q, value=value, vector=vector)

    @property
    def quantity(self) -> str:
        return gain_text(self.q)

    @property
    def claim(self) -> Claim:
        return Claim(self.value, is_upper=True)

    def establish(self, subject: Rows, *, exact: bool) -> VerifiedBound:  # type: ignore[override]  # the other end
        below, value = _enclosure(plain_rows(subject, self.shape[1]), self.vector, self.q, exact=exact)
        # Another order of summation may prove slightly more than the claim. A claim below the enclosure is false.
        if not self.value >= below:
            raise CertificateError(f"The witness attains {value:.17g}, not the value {self.value!r} that it claims.")
        rigor = Rigor.EXACT if exact else Rigor.FLOATING_POINT
        return VerifiedBound(quantity=self.quantity, rigor=rigor, upper=value)


def _enclosure(rows: Rows, vector: np.ndarray, q: float, *, exact: bool) -> tuple[float, float]:
    """Bounds on ‖Xv‖_q / ‖v‖; a matrix of zeros needs no rounding."""
    return (0.0, 0.0) if rows.is_zero else attained_interval(rows, vector, q, exact=exact)
