"""Certificates of clusters: the q-th moment of weighted samples about a center, in every direction.

The bounds hold for the samples, weights and center as stored, which need not be their mean: its distance is bounded
too. See `hypernorm.certificates.moments` and theory/robust of the documentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np

from hypernorm._display import exponent_text
from hypernorm._validation import RowMatrix
from hypernorm.certificates.base import Certificate
from hypernorm.certificates.fields import Array, Fingerprint, Shape
from hypernorm.certificates.inner import Inner
from hypernorm.certificates.moments import (
    Weights,
    check_finite_exponent,
    distance_from_mean,
    moment_about,
    total_below,
)
from hypernorm.certificates.norm import NormCertificate
from hypernorm.certificates.registry import register
from hypernorm.certificates.rounding import precision, rational, upper_float
from hypernorm.certificates.subjects import read_samples, samples_of
from hypernorm.certificates.verified import Claim, VerifiedBound

__all__ = ["ClusterCertificate", "VerifiedClusterBound"]


@dataclass(frozen=True, repr=False, kw_only=True)
class VerifiedClusterBound(VerifiedBound):
    """The result of verifying a `ClusterCertificate`.

    Attributes
    ----------
    upper : float
        Proved upper bound on the moment of the cluster about its center, in any direction.
    offset : float
        Proved upper bound on the distance of the center from the mean of the cluster under its weights.
    quantity, premise, rigor, seconds
        As for `hypernorm.certificates.Verified`.

    See Also
    --------
    ClusterCertificate : Its method `verify` returns one.

    Examples
    --------
    >>> VerifiedClusterBound(quantity="a moment", upper=1.5, offset=0.1).upper
    1.5
    """

    offset: float


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class ClusterCertificate(Certificate):
    """A proof of an upper bound on (Σ w_i |⟨x_i − c, v⟩|^q / Σ w_i)^{1/q} over unit vectors v.

    Attributes
    ----------
    shape : tuple of int
        Shape (n, d) of the samples.
    fingerprint : str
        SHA-256 of the shape and the values of the samples.
    center : ndarray of shape (d,)
        c.
    weights : ndarray of shape (n,)
        Non-negative, zero for samples outside the cluster; their scale does not matter.
    norm : NormCertificate
        For the matrix with the rows w_i^{1/q} (x_i − c) of the positive weights.

    See Also
    --------
    hypernorm.robust.MomentClustering : Makes one for each cluster.

    Notes
    -----
    What the bound excludes is the theorem on clustering in theory/robust of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> from hypernorm.forms import fingerprint
    >>> X = np.array([[1.0, 0.0], [0.0, 1.0], [9.0, 9.0]])
    >>> certificate = ClusterCertificate(
    ...     shape=X.shape, fingerprint=fingerprint(X), center=np.zeros(2), weights=np.array([1.0, 1.0, 0.0]),
    ...     norm=hn.spectral_bound(X[:2], q=4),
    ... )
    >>> 0.5**0.25 <= certificate.verify(X).upper < 0.5**0.25 + 1e-6
    True
    """

    kinds: ClassVar = ("cluster",)

    shape: Annotated[tuple[int, int], Shape()]
    fingerprint: Annotated[str, Fingerprint()]
    center: Annotated[np.ndarray, Array("d")]
    weights: Annotated[np.ndarray, Weights("n")]
    norm: Annotated[NormCertificate, Inner(NormCertificate)]

    def rules(self) -> None:
        check_finite_exponent(self.norm)

    @property
    def q(self) -> float:
        """The exponent of the moment."""
        return self.norm.q

    @property
    def quantity(self) -> str:
        return f"moment of order {exponent_text(self.q)} about the center, in any direction"

    @property
    def upper(self) -> float:
        """The claimed bound, without the rounding errors of the rows; `verify` proves it."""
        check_finite_exponent(self.norm)
        claimed = self.norm.upper
        with precision():
            root = rational(total_below(self.weights)) ** (1 / rational(self.q))
            return upper_float(rational(claimed) / root) if claimed > 0 else 0.0

    @property
    def claim(self) -> Claim:
        return Claim(self.upper, is_upper=True)

    def describe(self) -> dict[str, Any]:
        return {"shape": list(self.shape), "q": self.q}

    def read(self, data: Any) -> RowMatrix:
        return read_samples(data, self.shape, self.fingerprint)

    def establish(self, subject: RowMatrix, *, exact: bool) -> VerifiedClusterBound:
        subject, total = samples_of(subject, self.shape), total_below(self.weights)
        moment = moment_about(subject, self.weights, self.center, self.norm, total)
        offset = distance_from_mean(subject, self.weights, self.center, total)
        with precision():
            return VerifiedClusterBound(quantity=self.quantity, upper=upper_float(moment), offset=upper_float(offset))
