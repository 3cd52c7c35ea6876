"""Certificates of moments of samples in any direction: centered, weighted, as a sum or a mean, from both sides.

Both wrap a proof for the rows Y of `hypernorm.certificates.sample_rows`, whose theorem adds the errors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np

from hypernorm._arguments import check_exponent
from hypernorm._display import exponent_text
from hypernorm._validation import RowMatrix
from hypernorm.certificates.base import Certificate
from hypernorm.certificates.fields import Array, Choice, Fingerprint, Real, Shape
from hypernorm.certificates.inner import Inner
from hypernorm.certificates.moments import Weights
from hypernorm.certificates.reduced import MATRIX_NORMS, MatrixNormCertificate
from hypernorm.certificates.registry import register
from hypernorm.certificates.sample_rows import ABOUT, STATISTICS, SampleRows
from hypernorm.certificates.subjects import read_samples, samples_of
from hypernorm.certificates.verified import Claim, Rigor, VerifiedBound, VerifiedValue, verified_value
from hypernorm.certificates.witness import attained_interval
from hypernorm.exceptions import CertificateError, InvalidInputError

__all__ = ["SampleMomentCertificate", "SampleMomentWitness"]


@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class _Moment:
    """The fields that say which moment of which samples is bounded, with what follows from them."""

    shape: Annotated[tuple[int, int], Shape()]
    fingerprint: Annotated[str, Fingerprint()]
    statistic: Annotated[str, Choice(STATISTICS)]
    about: Annotated[str, Choice(ABOUT)]
    location: Annotated[np.ndarray | None, Array("d", optional=True)]
    weights: Annotated[np.ndarray | None, Weights("n", optional=True)]

    def _check_location(self) -> None:
        if (self.location is None) is not (self.about == "origin"):
            raise CertificateError("The certificate must have a location unless its moment is about the origin.")

    def _text(self, q: float) -> str:
        center = {"origin": "", "location": " - location", "mean": " - mean"}[self.about]
        if self.weights is not None:
            center = center.replace("mean", "weighted mean")
        size = f"|<x_i{center}, v>|"
        if math.isinf(q):
            return f"largest {size} in any direction v"
        statistic = self.statistic if self.weights is None else f"weighted {self.statistic}"
        power = exponent_text(q)
        return f"({statistic} of {size}^{power})^(1/{power}) in any direction v"

    def _description(self, q: float) -> dict[str, Any]:
        return {
            "q": q,
            "shape": list(self.shape),
            "statistic": self.statistic,
            "about": self.about,
            "weighted": self.weights is not None,
        }

    def _rows(self, subject: Any, q: float) -> SampleRows:
        matrix = samples_of(subject, self.shape)
        return SampleRows(matrix, q, self.statistic, self.about, self.location, self.weights)


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class SampleMomentCertificate(_Moment, Certificate):
    """A proof of an upper bound on a moment of samples in any direction v.

    The moment is (Σ w_i |⟨x_i − c, v⟩|^q)^{1/q}, the largest over unit vectors v; as a mean, divided by (Σ w_i)^{1/q}.
    `two_to_q_norm` returns one if it is given `center`, `sample_weight` or `normalize`.

    Attributes
    ----------
    shape : tuple of int
        Shape (n, d) of the samples.
    fingerprint : str
        SHA-256 of the values of the samples, see `hypernorm.forms.fingerprint`.
    statistic : {"sum", "mean"}
    about : {"origin", "location", "mean"}
        Whether c is zero, `location` as stored, or the exact mean of the samples for their weights.
    location : ndarray of shape (d,) or None
        What is subtracted in the proof. If c is the mean, the distance of the two is part of the proved bound.
    weights : ndarray of shape (n,) or None
        w_i, not negative; None are ones. For q = ∞ the samples with positive weight count, however large it is.
    norm : NormCertificate, SplitCertificate or ReducedCertificate
        For the rows p_i^{1/q} (x_i − location), p_i the weights, divided by their sum for a mean.

    See Also
    --------
    SampleMomentWitness : A lower bound on the same moment.
    NormCertificate : An upper bound on the norm of a matrix.

    Notes
    -----
    The theorem on moments in theory/verification of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> X = np.random.default_rng(0).standard_normal((400, 3)) + 1000
    >>> certificate = hn.two_to_q_norm(X, q=4, center=True, normalize=True, random_state=0).certificate
    >>> certificate.quantity
    '(mean of |<x_i - mean, v>|^4)^(1/4) in any direction v'
    >>> certificate.verify(X).upper < 1.5  # near 3^(1/4) for standard Gaussian samples
    True
    """

    kinds: ClassVar = ("sample_moment",)
    has_exact_proof: ClassVar = True

    norm: Annotated[MatrixNormCertificate, Inner(*MATRIX_NORMS)]

    def rules(self) -> None:
        self._check_location()
        if self.norm.shape != self.shape:
            raise CertificateError(f"The norm certificate is for the shape {self.norm.shape}, it must be {self.shape}.")

    @property
    def q(self) -> float:
        """The exponent."""
        return self.norm.q

    @property
    def quantity(self) -> str:
        return self._text(self.q)

    @property
    def upper(self) -> float:
        """The claimed bound, without the errors of the rows and of the mean; `verify` proves it and adds them."""
        return self.norm.upper

    @property
    def claim(self) -> Claim:
        return Claim(self.upper, is_upper=True)

    def describe(self) -> dict[str, Any]:
        return {**self._description(self.q), "norm": self.norm.describe()["kind"]}

    def read(self, data: Any) -> RowMatrix:
        return read_samples(data, self.shape, self.fingerprint)

    def establish(self, subject: RowMatrix, *, exact: bool) -> VerifiedBound:
        samples = self._rows(subject, self.q)
        proved = self.norm.prove(samples.rows, exact=exact).upper
        rigor = Rigor.EXACT if exact else Rigor.FLOATING_POINT
        return VerifiedBound(quantity=self.quantity, rigor=rigor, upper=samples.above(proved, exact=exact))


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class SampleMomentWitness(_Moment, Certificate):
    """A vector v with a lower bound on a moment of samples in its direction.

    Attributes
    ----------
    shape, fingerprint, statistic, about, location, weights
        As for `SampleMomentCertificate`.
    q : float
        Exponent, 2 ≤ q ≤ ∞.
    value : float
        A proved lower bound on the moment.
    vector : ndarray of shape (d,)
        Of any length; the proof divides by its exact length.

    See Also
    --------
    SampleMomentCertificate : An upper bound, with an example.

    Notes
    -----
    The theorem on moments in theory/verification of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> X = np.array([[1.0], [3.0]])  # about the mean, 2, all moments are one
    >>> witness = hn.two_to_q_norm(X, center=True, normalize=True, random_state=0).witness
    >>> 1 - 1e-9 < witness.verify(X).lower <= 1
    True
    """

    kinds: ClassVar = ("sample_moment_witness",)
    has_exact_proof: ClassVar = True

    q: Annotated[float, Real(2.0, infinite=True)]
    value: Annotated[float, Real(0.0)]
    vector: Annotated[np.ndarray, Array("d")]

    def rules(self) -> None:
        self._check_location()
        try:
            check_exponent(self.q)
        except InvalidInputError as error:
            raise CertificateError(f"The witness is broken: {error}") from None
        if not self.vector.any():
            raise CertificateError("The witness is broken: its vector is zero.")

    @property
    def quantity(self) -> str:
        return self._text(self.q)

    @property
    def claim(self) -> Claim:
        return Claim(self.value, is_upper=False)

    def describe(self) -> dict[str, Any]:
        return self._description(self.q)

    def read(self, data: Any) -> RowMatrix:
        return read_samples(data, self.shape, self.fingerprint)

    def establish(self, subject: RowMatrix, *, exact: bool) -> VerifiedValue:
        samples = self._rows(subject, self.q)
        below, above = attained_interval(samples.rows, self.vector, self.q, exact=exact)
        enclosure = samples.below(below, exact=exact), samples.above(above, exact=exact)
        return verified_value(self.value, enclosure, self.quantity, exact=exact)
