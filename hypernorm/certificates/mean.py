"""Certificates of weighted means: their distance from the mean of the inliers.

The inliers have at least the fraction 1 − ε of base weights p. Let δ be the largest total variation distance of
weights w from a distribution u of the inliers, l the location, B_w = max_v (Σ w_i |⟨x_i − l, v⟩|^q)^{1/q}, M the same
for p, a_w and a_p the distances of l from the two means, and g and h the factors of
`hypernorm.certificates.displacement`. Then

    ‖l − μ_u‖ ≤ δ^{1−1/q} (B_w + M / (1 − ε)^{1/q}) + a_w,        ‖l − μ_u‖ ≤ g(ε) M + h(ε) a_p,

and, if the q-th moment of the inliers about their mean is at most B, ‖l − μ_u‖ ≤ g(δ) (B_w + B) + h(δ) a_w. B_w and M
are 2→q norms of matrices, and certificates prove them. The proofs stand in theory/robust of the documentation. All
rounding errors are bounded: the weights need not sum to one, the location need not be their mean, and the rows of the
matrices are computed ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

from hypernorm._arguments import check_nonnegative
from hypernorm._display import exponent_text, rounded_down
from hypernorm._validation import RowMatrix
from hypernorm.certificates.base import Certificate
from hypernorm.certificates.displacement import are_base_weights, outlier_mass, part_factors, total_variation_bound
from hypernorm.certificates.fields import Array, Fingerprint, Real, Shape
from hypernorm.certificates.inner import InnerTuple
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
from hypernorm.certificates.verified import VerifiedErrorBound
from hypernorm.exceptions import CertificateError, InvalidInputError

if TYPE_CHECKING:
    import flint

__all__ = ["MeanCertificate", "VerifiedMeanBound"]


@dataclass(frozen=True, repr=False, kw_only=True)
class VerifiedMeanBound(VerifiedErrorBound):
    """The result of verifying a `MeanCertificate`.

    Attributes
    ----------
    upper : float
        Proved upper bound on the distance of the location from the mean of the inliers, whatever their moments are;
        infinite if nothing follows.
    upper_given, premise_given
        `error_bound_given` for the moment of the weights of the largest certified order, and what it supposes.
    orders : tuple of float
        The exponents q of the certified moments.
    moments : tuple of float
        Proved bounds on max_v (Σ w_i |⟨x_i − location, v⟩|^q)^{1/q}, for each order.
    offset : float
        Proved bound on the distance of the location from the mean under the weights.
    contamination, total_variation, quantity, premise, rigor, seconds
        As for `hypernorm.certificates.VerifiedErrorBound`.

    See Also
    --------
    MeanCertificate : Its method `verify` returns one.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.robust import certify_mean
    >>> X = np.random.default_rng(0).standard_normal((300, 2))
    >>> proved = certify_mean(X, np.ones(300), 0.01, moments=(4,)).verify(X)
    >>> proved.orders, proved.error_bound_given(1.3) <= proved.upper
    ((4.0,), True)
    """

    orders: tuple[float, ...]
    moments: tuple[float, ...]
    offset: float

    def error_bound_given(self, moment: float | None = None, *, order: float | None = None) -> float:
        """The bound on the same distance if the q-th moment of the inliers is bounded; never above `upper`.

        Parameters
        ----------
        moment : float, optional
            B with (mean |⟨x_i − μ, v⟩|^q)^{1/q} ≤ B over the inliers, about their mean μ, for every unit vector v. By
            default the certified moment of the weights: nothing shows that the inliers' is not larger.
        order : float, optional
            q, by default the largest certified one.

        Returns
        -------
        float
            Proved if the inliers have this moment and are at least the fraction 1 − `contamination`.

        Raises
        ------
        InvalidInputError
            If the moment is no number ≥ 0, or if the order is not certified.

        Examples
        --------
        >>> import numpy as np
        >>> from hypernorm.robust import certify_mean
        >>> X = np.random.default_rng(0).standard_normal((500, 3))
        >>> X[:5] = 40
        >>> weights = np.arange(500) >= 5
        >>> proved = certify_mean(X, weights, 0.01).verify(X)
        >>> proved.error_bound_given(1.5) < proved.error_bound_given(2.0) < 0.2 < proved.error_bound
        True
        """
        position = int(np.argmax(self.orders))
        if order is not None:
            if order not in self.orders:
                raise InvalidInputError(
                    f"order={order!r} is not certified, only {', '.join(map(exponent_text, self.orders))}; certify the "
                    f"mean with that moment."
                )
            position = self.orders.index(order)
        known = self.moments[position]
        given = known if moment is None else check_nonnegative(moment, "moment")
        with precision():
            inner, outer = part_factors(rational(self.total_variation), self.orders[position])
            bound = inner * (rational(known) + rational(given)) + outer * rational(self.offset)
            return min(self.upper, upper_float(bound))


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class MeanCertificate(Certificate):
    """A proof that a location is close to the mean of the inliers.

    Attributes
    ----------
    shape : tuple of int
        Shape (n, d) of the samples.
    fingerprint : str
        SHA-256 of the shape and the values of the samples.
    contamination : float
        ε: the inliers have at least the fraction 1 − ε of the base weights. This is a premise, not proved.
    location : ndarray of shape (d,)
    weights : ndarray of shape (n,)
        Non-negative; their scale does not matter.
    base_weights : ndarray of shape (n,) or None
        The distribution of which the fraction `contamination` is corrupted; None means equal weights.
    norms : tuple of NormCertificate
        Certificates for the matrices with the rows w_i^{1/q} (x_i − location) of the positive weights, each with its
        own q.
    base_norms : tuple of NormCertificate or None
        The same for the base weights, ones if these are None, in the same order of q. None if the weights are the base
        weights; otherwise nothing follows without a premise on the moments of the inliers.

    See Also
    --------
    hypernorm.robust.certify_mean : Make one.
    CovarianceCertificate : The same for a covariance.

    Notes
    -----
    Theorems 1 and 2 of theory/robust of the documentation.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.robust import certify_mean
    >>> X = np.random.default_rng(0).standard_normal((300, 2))
    >>> certificate = certify_mean(X, np.ones(300), 0.01, moments=(4,))
    >>> certificate.verify(X).error_bound < 0.2
    True
    """

    kinds: ClassVar = ("mean",)

    shape: Annotated[tuple[int, int], Shape()]
    fingerprint: Annotated[str, Fingerprint()]
    contamination: Annotated[float, Real(0.0, 0.5)]
    location: Annotated[np.ndarray, Array("d")]
    weights: Annotated[np.ndarray, Weights("n")]
    base_weights: Annotated[np.ndarray | None, Weights("n", optional=True)]
    norms: Annotated[tuple[NormCertificate, ...], InnerTuple(NormCertificate)]
    base_norms: Annotated[tuple[NormCertificate, ...] | None, InnerTuple(NormCertificate, optional=True)]

    def rules(self) -> None:
        for norm in (*self.norms, *(self.base_norms or ())):
            check_finite_exponent(norm)
        if self.base_norms is not None and [norm.q for norm in self.base_norms] != [norm.q for norm in self.norms]:
            raise CertificateError("The certificate's base norms must be for the same exponents as its norms.")

    @property
    def quantity(self) -> str:
        return "distance of the location from the mean of the inliers"

    def describe(self) -> dict[str, Any]:
        return {
            "shape": list(self.shape),
            "contamination": self.contamination,
            "orders": [norm.q for norm in self.norms],
        }

    def read(self, data: Any) -> RowMatrix:
        return read_samples(data, self.shape, self.fingerprint)

    def establish(self, subject: RowMatrix, *, exact: bool) -> VerifiedMeanBound:
        subject, orders = samples_of(subject, self.shape), tuple(norm.q for norm in self.norms)
        weighted, offset = self._about_location(subject, self.weights, self.norms)
        whole, base_offset = weighted, offset
        if self.base_norms is not None:
            base = np.ones(self.shape[0]) if self.base_weights is None else self.base_weights
            whole, base_offset = self._about_location(subject, base, self.base_norms)
        bounds = [math.inf]
        distance = total_variation_bound(self.weights, self.base_weights, self.contamination)
        if self.base_norms is not None or are_base_weights(self.weights, self.base_weights):
            with precision():
                outliers = rational(outlier_mass(self.base_weights, self.shape[0], self.contamination))
                for q, B, M in zip(orders, weighted, whole, strict=True):
                    power, (inner, outer) = 1 / rational(q), part_factors(outliers, q)
                    both = rational(distance) ** (1 - power) * (B + M / (1 - outliers) ** power) + offset
                    bounds += [upper_float(both), upper_float(inner * M + outer * base_offset)]
        with precision():
            moments, off_mean = tuple(map(upper_float, weighted)), upper_float(offset)
        proved = VerifiedMeanBound(
            quantity=self.quantity,
            upper=min(bounds),
            premise=f"at most the fraction {self.contamination:.15g} are outliers",
            upper_given=math.inf,
            premise_given=self._premise_given(orders, moments),
            contamination=self.contamination,
            total_variation=distance,
            orders=orders,
            moments=moments,
            offset=off_mean,
        )
        return replace(proved, upper_given=proved.error_bound_given())

    def _about_location(
        self, subject: RowMatrix, weights: np.ndarray, norms: tuple[NormCertificate, ...]
    ) -> tuple[list[flint.arb], flint.arb]:
        """Bounds on the moments under the weights about the location, and on its distance from their mean."""
        total = total_below(weights)
        offset = distance_from_mean(subject, weights, self.location, total)
        return [moment_about(subject, weights, self.location, norm, total) for norm in norms], offset

    def _premise_given(self, orders: tuple[float, ...], moments: tuple[float, ...]) -> str:
        largest = int(np.argmax(orders))
        return (
            f"the moment of the inliers of order {exponent_text(orders[largest])} is at most "
            f"{rounded_down(moments[largest], 12)}, that of the weights"
        )
