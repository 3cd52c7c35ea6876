"""Certificates of weighted means: their distance from the mean of the inliers.

Let δ' = 1 − Σ min(w_i, u_i) be the total variation distance of weights w from a distribution u on the inliers. It is at
most a δ that depends on w and the contamination alone. If the q-th central moments of w and of u are at most B_w and B
in every direction, then by Hölder's inequality on the two parts of mass δ'

    ‖μ_w − μ_u‖ ≤ (B_w + B) δ^{1−1/q} / (1 − δ).

B_w = max_v (Σ w_i |⟨x_i − μ_w, v⟩|^q)^{1/q} is the 2→q norm of a matrix, and a certificate proves it. The proof of the
bound stands in docs/theory/robust.md. All rounding errors are bounded: the weights need not sum to one, the location
need not be their mean, and the rows of the matrix are computed ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np

from hypernorm._display import exponent_text
from hypernorm._validation import RowMatrix
from hypernorm.certificates.base import Certificate, register
from hypernorm.certificates.fields import Array, Fingerprint, Numbers, Real, Shape, Sizes
from hypernorm.certificates.inner import InnerTuple
from hypernorm.certificates.moments import (
    Weights,
    check_finite_exponent,
    distance_from_mean,
    moment_about,
    total_below,
)
from hypernorm.certificates.norm import NormCertificate
from hypernorm.certificates.rounding import UNIT, precision, rational, upper_float
from hypernorm.certificates.subjects import read_samples, samples_of
from hypernorm.certificates.verified import VerifiedErrorBound

__all__ = ["MeanCertificate", "VerifiedMeanBound", "total_variation_bound"]

# Fractions this close count as equal: 0.3 of ten samples are three, although the float is below 3/10.
_SLACK = 1e-12
_MASSES = 2000


@dataclass(frozen=True, kw_only=True)
class VerifiedMeanBound(VerifiedErrorBound):
    """The result of verifying a `MeanCertificate`.

    Attributes
    ----------
    upper : float
        Proved upper bound on the distance of the location from the mean of the inliers; infinite if nothing follows.
    moments : tuple of float
        Proved bounds on max_v (Σ w_i |⟨x_i − μ_w, v⟩|^q)^{1/q}, for each certificate.
    inlier_moments : tuple of float or None
        The same moments of the inliers, a premise; None stands for the premise that they are not larger.
    contamination, total_variation, assumed, quantity, premise, rigor, seconds
        As for `hypernorm.certificates.VerifiedErrorBound`.
    """

    moments: tuple[float, ...]
    inlier_moments: tuple[float | None, ...]


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
    inlier_moments : tuple of float or None
        A premise for each norm: B with (Σ u_i |⟨x_i − μ_u, v⟩|^q)^{1/q} ≤ B for the inliers about their mean. None is
        the premise that this moment is at most that of the weighted samples.
    """

    kinds: ClassVar = ("mean",)

    shape: Annotated[tuple[int, int], Shape()]
    fingerprint: Annotated[str, Fingerprint()]
    contamination: Annotated[float, Real(0.0, 0.5)]
    location: Annotated[np.ndarray, Array("d")]
    weights: Annotated[np.ndarray, Weights("n")]
    base_weights: Annotated[np.ndarray | None, Weights("n", optional=True)]
    norms: Annotated[tuple[NormCertificate, ...], InnerTuple(NormCertificate)]
    inlier_moments: Annotated[tuple[float | None, ...], Numbers("norms", 0.0, optional=True)]

    @classmethod
    def sizes(cls, known: Mapping[str, Any]) -> Sizes:
        sides = dict(zip("nd", known["shape"], strict=True)) if "shape" in known else {}
        return {**sides, "norms": len(known["norms"])} if "norms" in known else sides

    def rules(self) -> None:
        for norm in self.norms:
            check_finite_exponent(norm)

    @property
    def quantity(self) -> str:
        return "distance of the location from the mean of the inliers"

    def describe(self) -> dict[str, Any]:
        return {
            "shape": list(self.shape),
            "contamination": self.contamination,
            "orders": [norm.q for norm in self.norms],
            "inlier_moments": list(self.inlier_moments),
        }

    def _premise(self, counted: int | None) -> str:
        """What the smallest bound, that of the given norm, assumes."""
        premise = f"at most the fraction {self.contamination:.15g} are outliers"
        if counted is None:
            return premise
        B = self.inlier_moments[counted]
        limit = "that of the weights" if B is None else format(B, ".15g")
        order = exponent_text(self.norms[counted].q)
        return f"{premise}, and the moment of the inliers of order {order} is at most {limit}"

    def read(self, data: Any) -> RowMatrix:
        return read_samples(data, self.shape, self.fingerprint)

    def establish(self, subject: RowMatrix, *, exact: bool) -> VerifiedMeanBound:
        subject, total = samples_of(subject, self.shape), total_below(self.weights)
        offset = distance_from_mean(subject, self.weights, self.location, total)
        distance = total_variation_bound(self.weights, self.base_weights, self.contamination)
        moments, bounds = [], []
        for norm, inliers in zip(self.norms, self.inlier_moments, strict=True):
            about_location = moment_about(subject, self.weights, self.location, norm, total)
            with precision():
                moment = about_location + offset
                both = moment + (moment if inliers is None else rational(inliers))
                moments.append(upper_float(moment))
                if distance < 1:
                    mass = rational(distance)
                    power = mass ** (1 - 1 / rational(norm.q)) if distance > 0 else rational(0)
                    bounds.append(upper_float(both * power / (1 - mass) + offset))
        # Each bound rests on the premise of its own order; the smallest one on no other.
        counted = int(np.argmin(bounds)) if bounds else None
        return VerifiedMeanBound(
            quantity=self.quantity,
            upper=math.inf if counted is None else bounds[counted],
            premise=self._premise(counted),
            contamination=self.contamination,
            total_variation=distance,
            moments=tuple(moments),
            inlier_moments=self.inlier_moments,
            assumed=counted is not None and self.inlier_moments[counted] is None,
        )


def total_variation_bound(weights: np.ndarray, base_weights: np.ndarray | None, contamination: float) -> float:
    """An upper bound on 1 − Σ min(w_i, u_i) over all distributions u = p/p(I) on sets I with p(I) ≥ 1 − ε.

    Order the samples by increasing w_i/p_i. The worst set of mass P consists of the first ones, and its overlap with w
    is the integral over [0, P] of min(w/p, 1/P). For equal base weights every P = k/n is tried, otherwise intervals
    of P. The proof stands in docs/theory/robust.md.

    Parameters
    ----------
    weights : ndarray of shape (n,)
        w, non-negative; their scale does not matter.
    base_weights : ndarray of shape (n,) or None
        p, non-negative; their scale does not matter. None means equal weights.
    contamination : float
        ε, in [0, 0.5).

    Returns
    -------
    float
        At most 1.

    Examples
    --------
    >>> import numpy as np
    >>> round(total_variation_bound(np.ones(10), None, 0.2), 6)
    0.2
    """
    n = len(weights)
    base = np.full(n, 1.0 / n) if base_weights is None else base_weights / base_weights.sum()
    kept = base > 0
    ratios = weights[kept] / weights.sum() / base[kept]
    order = np.argsort(ratios, kind="stable")
    ratios, masses = ratios[order], base[kept][order]
    ends = np.concatenate([[0.0], np.cumsum(masses)])
    filled = np.concatenate([[0.0], np.cumsum(masses * ratios)])
    if base_weights is None:
        low = high = np.arange(n - math.floor(contamination * n * (1 + _SLACK)), n + 1) / n
    else:
        edges = np.linspace((1 - contamination) * (1 - _SLACK), 1, _MASSES + 1)
        low, high = edges[:-1], edges[1:]
    capped = np.searchsorted(ratios, 1 / high)  # first ratio that is cut off
    last = np.minimum(np.searchsorted(ends, low, side="right") - 1, len(ratios) - 1)
    plain = filled[last] + (low - ends[last]) * ratios[last]
    cut = filled[np.minimum(capped, last)] + (low - ends[np.minimum(capped, last)]) / high
    overlap = float(np.where(last < capped, plain, cut).min())
    # Sums of at most n terms that add up to about one.
    return min(max(1 - overlap, 0.0) + 16 * (n + 16) * UNIT, 1.0)
