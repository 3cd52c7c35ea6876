"""Certificates of weighted covariances: their relative error against the covariance of the inliers.

Let m = 1 − Σ min(w_i, u_i) be the total variation distance of weights w from a distribution u on the inliers. Let κ_w
and κ_u bound the kurtosis of ⟨x, v⟩ under either, in every direction v. With ρ(κ) = r + √(r(κ − 1)) and r = m/(1 − m),

    (1 − ρ(κ_w)) Var_w⟨x, v⟩ ≤ Var_u⟨x, v⟩ ≤ Var_w⟨x, v⟩ / (1 − ρ(κ_u))    for every v.

The left inequality assumes nothing about the inliers but their number. κ_w is the fourth power of the 2→4 norm of a
matrix, the weighted samples in coordinates with unit covariance, and a certificate proves it. The proof stands in
docs/theory/robust.md. All rounding errors are bounded: the weights need not sum to one, `location` and `covariance`
need not be their mean and covariance, and the coordinates need not be white.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

from hypernorm._validation import as_dense, check_matrix
from hypernorm.certificates.base import Certificate, register
from hypernorm.certificates.fields import Array, Fingerprint, Real, Shape
from hypernorm.certificates.inner import Inner
from hypernorm.certificates.mean import total_variation_bound
from hypernorm.certificates.moments import Weights, weighted_rows
from hypernorm.certificates.norm import NormCertificate
from hypernorm.certificates.rounding import (
    SAFETY,
    TINY,
    UNIT,
    definite_shift,
    gamma,
    is_proved_positive_definite,
    lower_float,
    precision,
    rational,
    upper_float,
)
from hypernorm.certificates.subjects import check_identity
from hypernorm.certificates.verified import VerifiedErrorBound
from hypernorm.exceptions import CertificateError
from hypernorm.forms import Rows

if TYPE_CHECKING:
    import flint

__all__ = ["CovarianceCertificate", "VerifiedCovarianceBound", "coordinates", "whitened_rows"]

# Squares of entries below 2**-537 underflow; the computed length of a vector is short by less than this.
_VANISHED = 2.0**-500


@dataclass(frozen=True, kw_only=True)
class VerifiedCovarianceBound(VerifiedErrorBound):
    """The result of verifying a `CovarianceCertificate`.

    Attributes
    ----------
    upper : float
        Proved upper bound on ‖S^{-1/2} Ĉ S^{-1/2} − I‖ for the covariance S of the inliers and the matrix Ĉ.
    least_ratio, largest_ratio : float
        The variance of the inliers is in every direction at least and at most so many times the variance by the
        covariance matrix. The first needs no premise on moments; 0 and infinity if nothing follows.
    kurtosis : float
        Proved upper bound on the kurtosis of the samples under the weights, in every direction.
    inlier_kurtosis : float or None
        The same for the inliers, a premise; None stands for the premise that it is not larger.
    contamination, total_variation, assumed, quantity, premise, rigor, seconds
        As for `hypernorm.certificates.VerifiedErrorBound`; `largest_ratio` rests on the same premises.
    """

    least_ratio: float
    largest_ratio: float
    kurtosis: float
    inlier_kurtosis: float | None


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class CovarianceCertificate(Certificate):
    """A proof that a covariance matrix is close to that of the inliers.

    Attributes
    ----------
    shape : tuple of int
        Shape (n, d) of the samples.
    fingerprint : str
        SHA-256 of the shape and the values of the samples.
    contamination : float
        ε: the inliers are at least the fraction 1 − ε of the samples. This is a premise, not proved.
    location : ndarray of shape (d,)
    covariance : ndarray of shape (d, d)
    weights : ndarray of shape (n,)
        Non-negative, with sum one up to rounding.
    transform : ndarray of shape (d, d)
        K, such that the samples (x − location) @ K have a covariance near the identity.
    norm : NormCertificate
        For q = 4 and the matrix with the rows w_i^{1/4} Kᵀ(x_i − location) of the positive weights.
    inlier_kurtosis : float or None
        A premise: a bound on the kurtosis of the inliers in every direction. None is the premise that it is at most
        that of the weighted samples.
    """

    kinds: ClassVar = ("covariance",)

    shape: Annotated[tuple[int, int], Shape()]
    fingerprint: Annotated[str, Fingerprint()]
    contamination: Annotated[float, Real(0.0, 0.5)]
    location: Annotated[np.ndarray, Array("d")]
    covariance: Annotated[np.ndarray, Array("d", "d", symmetric=True)]
    weights: Annotated[np.ndarray, Weights("n")]
    transform: Annotated[np.ndarray, Array("d", "d")]
    norm: Annotated[NormCertificate, Inner(NormCertificate)]
    inlier_kurtosis: Annotated[float | None, Real(1.0, optional=True, label="kurtosis of the inliers")]

    def rules(self) -> None:
        if not 0.5 < float(self.weights.sum()) < 2:
            raise CertificateError("The certificate's weights must have a sum of about one.")
        if self.norm.q != 4:
            raise CertificateError("The certificate's norm must be a certificate for q = 4.")

    @property
    def quantity(self) -> str:
        return "relative error of the covariance, in any direction"

    def describe(self) -> dict[str, Any]:
        return {
            "shape": list(self.shape),
            "contamination": self.contamination,
            "inlier_kurtosis": self.inlier_kurtosis,
        }

    def read(self, data: Any) -> np.ndarray:
        matrix = check_matrix(data, copy=True)
        check_identity(matrix, self.shape, self.fingerprint)
        return as_dense(matrix)

    def establish(self, subject: np.ndarray, *, exact: bool) -> VerifiedCovarianceBound:
        if type(subject) is not np.ndarray or subject.shape != self.shape:
            raise CertificateError(f"The subject of the proof must be an ndarray of shape {self.shape}.")
        distance, premise = total_variation_bound(self.weights, None, self.contamination), self.inlier_kurtosis
        with precision():
            kurtosis, least, largest = self._ratios(subject)
            inliers = kurtosis if premise is None else rational(premise)
            low = lower_float(least * _remaining_variance(distance, kurtosis))
            high = upper_float(largest / _remaining_variance(distance, inliers))
            bounded = low > 0 and math.isfinite(high)
            error = upper_float((1 / rational(low) - 1).max(1 - 1 / rational(high))) if bounded else math.inf
            found = upper_float(kurtosis)
        return VerifiedCovarianceBound(
            quantity=self.quantity,
            upper=error,
            least_ratio=low,
            largest_ratio=high,
            premise=(
                f"at most the fraction {self.contamination:.15g} are outliers, and the kurtosis of the inliers is at "
                f"most {'that of the weights' if premise is None else format(premise, '.15g')}"
            ),
            contamination=self.contamination,
            total_variation=distance,
            kurtosis=found,
            inlier_kurtosis=premise,
            assumed=premise is None,
        )

    def _ratios(self, X: np.ndarray) -> tuple[flint.arb, flint.arb, flint.arb]:
        """Bounds on the kurtosis under the weights and on the ratio of their variance to that of the matrix."""
        weights, K, covariance = self.weights, self.transform, self.covariance
        depth = gamma(len(X) + 4)
        total = float(weights.sum())
        totals = rational(total * (1 - depth)), rational(total * (1 + depth))
        Y, errors = coordinates(X, self.location, K)
        Z = whitened_rows(Y, weights)
        if not (np.isfinite(errors).all() and np.isfinite(Z).all()):
            raise CertificateError("The samples are too far apart for a proof: their coordinates overflow.")

        # The rows of the certificate and the exact ones differ by the coordinates' errors and two roundings.
        gap = SAFETY * (float(np.linalg.norm(np.sqrt(np.sqrt(weights)) * errors)) + 2 * UNIT * float(np.linalg.norm(Z)))
        fourth = (rational(self.norm.prove(Rows(Z)).upper) + rational(gap + TINY)) / totals[0] ** (rational(1) / 4)
        mean = weights @ Y
        rounding = depth * float(np.linalg.norm(weights @ np.abs(Y))) + float(weights @ errors)
        offset = rational(SAFETY * (float(np.linalg.norm(mean)) + rounding) + _VANISHED) / totals[0]

        V = np.sqrt(weights)[:, None] * Y
        size = float(np.linalg.norm(V))
        gap = float(np.linalg.norm(np.sqrt(weights) * errors)) + 3 * UNIT * size
        below, above = _eigenvalue_bounds(V.T @ V, depth * size**2 + gap * (2 * size + gap))
        variances = rational(below) / totals[1] - offset**2, rational(above) / totals[0]

        image = K.T @ covariance @ K
        magnitude = float(np.linalg.norm(np.abs(K).T @ np.abs(covariance) @ np.abs(K)))
        # An underflow in the first product is multiplied by K in the second.
        lost = math.ldexp(len(K) * float(np.abs(K).sum()), -1060)
        matrix_below, matrix_above = _eigenvalue_bounds(image, gamma(2 * len(K) + 4) * magnitude + lost)
        if not (variances[0] > 0 and matrix_below > 0):
            raise CertificateError("The certificate does not prove that its coordinates have full rank.")
        kurtosis = ((fourth + offset) ** 2 / variances[0]) ** 2
        return kurtosis, variances[0] / rational(matrix_above), variances[1] / rational(matrix_below)


def whitened_rows(Y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The rows w_i^{1/4} y_i of the positive weights, whose 2→4 norm is the fourth root of the kurtosis."""
    return weighted_rows(Y, weights, np.zeros(Y.shape[1]), 4.0)


def coordinates(X: np.ndarray, location: np.ndarray, K: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(X − location) @ K, and a bound on the length of each row's rounding error."""
    differences = X - location
    magnitudes = np.abs(differences) @ np.abs(K)
    return differences @ K, SAFETY * gamma(len(K) + 2) * np.linalg.norm(magnitudes, axis=1) + _VANISHED


def _eigenvalue_bounds(A: np.ndarray, error: float) -> tuple[float, float]:
    """Proved bounds on the eigenvalues of every symmetric matrix within `error` of A in the spectral norm."""
    A = (A + A.T) / 2
    if not (np.isfinite(A).all() and math.isfinite(error)):
        raise CertificateError("The certificate's numbers are too large for a proof: they overflow.")
    error = SAFETY * (error + 4 * UNIT * float(np.linalg.norm(A))) + TINY
    values = np.linalg.eigvalsh(A)
    margin = 4 * (error + definite_shift(np.eye(len(A)) * float(np.abs(values).max())))
    below, above = float(values[0] - margin), float(values[-1] + margin)
    identity = np.eye(len(A))
    if not (
        below > 2.0**-100
        and above < 2.0**100
        and is_proved_positive_definite(A - below * identity, error)
        and is_proved_positive_definite(above * identity - A, error)
    ):
        raise CertificateError("The certificate does not prove that its coordinates have full rank.")
    return below, above


def _remaining_variance(distance: float, kurtosis: flint.arb) -> flint.arb:
    """1 − ρ, or 0 if negative: the least fraction of a variance that remains when the mass `distance` is removed."""
    if distance >= 1:
        return rational(0)
    ratio = rational(distance) / (1 - rational(distance))
    return _at_least_zero(1 - ratio - (ratio * _at_least_zero(kurtosis - 1)).sqrt())


def _at_least_zero(ball: flint.arb) -> flint.arb:
    return ball.max(rational(0))
