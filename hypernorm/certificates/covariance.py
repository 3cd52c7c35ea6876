"""Certificates of weighted covariances: their relative error against the covariance of the inliers.

Let m = 1 − Σ min(w_i, u_i) be the total variation distance of weights w from a distribution u on the inliers, which
are at least the fraction 1 − ε of the samples. Let κ_w and κ_u bound the kurtosis of ⟨x, v⟩ under either, in every
direction v, and let Var be the variance of all samples. With ρ(κ) = r + √(r(κ − 1)) and r = m/(1 − m),

    (1 − ρ(κ_w)) Var_w⟨x, v⟩ ≤ Var_u⟨x, v⟩ ≤ Var⟨x, v⟩ / (1 − ε)    for every v.

If the weights are equal, the left side may be divided by 1 − ε too. If κ_u is known, Var_u ≤ Var_w / (1 − ρ(κ_u)).
κ_w is the fourth power of the 2→4 norm of a matrix, the weighted samples in coordinates with unit covariance, and a
certificate proves it. The proofs stand in theory/robust of the documentation. All rounding errors are bounded: the
weights need not sum to one, `location` and `covariance` need not be their mean and covariance, and the coordinates need
not be white.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import flint
import numpy as np

from hypernorm._arguments import check_nonnegative
from hypernorm._display import rounded_down
from hypernorm.certificates.base import Certificate
from hypernorm.certificates.displacement import are_base_weights, outlier_mass, total_variation_bound
from hypernorm.certificates.fields import Array, Fingerprint, Real, Shape
from hypernorm.certificates.inner import Inner
from hypernorm.certificates.moments import Weights, weighted_rows
from hypernorm.certificates.norm import NormCertificate
from hypernorm.certificates.registry import register
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
from hypernorm.certificates.subjects import dense_copy
from hypernorm.certificates.verified import VerifiedErrorBound
from hypernorm.exceptions import CertificateError, InvalidInputError
from hypernorm.forms import Rows

__all__ = ["CovarianceCertificate", "VerifiedCovarianceBound", "coordinates", "whitened_rows"]

# Squares of entries below 2**-537 underflow; the computed length of a vector is short by less than this.
_VANISHED = 2.0**-500


@dataclass(frozen=True, repr=False, kw_only=True)
class VerifiedCovarianceBound(VerifiedErrorBound):
    """The result of verifying a `CovarianceCertificate`.

    Attributes
    ----------
    upper : float
        Proved upper bound on ‖S^{-1/2} Ĉ S^{-1/2} − I‖ for the covariance S of the inliers and the matrix Ĉ.
        It is the larger one of 1/least_ratio − 1 and 1 − 1/largest_ratio.
    least_ratio, largest_ratio : float
        The variance of the inliers is in every direction at least and at most so many times the variance by the
        covariance matrix, whatever their moments are; 0 and infinity if nothing follows.
    upper_given, premise_given
        `error_bound_given` for the kurtosis of the weights, and what it supposes.
    kurtosis : float
        Proved upper bound on the kurtosis of the samples under the weights, in every direction.
    weighted_ratio : float
        Proved upper bound on the ratio of the variance under the weights to that by the matrix, in every direction.
    contamination, total_variation, quantity, premise, rigor, seconds
        As for `hypernorm.certificates.VerifiedErrorBound`.

    See Also
    --------
    CovarianceCertificate : Its method `verify` returns one.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.robust import certify_covariance
    >>> X = np.random.default_rng(0).standard_normal((500, 2))
    >>> proved = certify_covariance(X, np.ones(500), 0.01).verify(X)
    >>> least, largest = proved.variance_ratios_given(3.0)
    >>> least == proved.least_ratio, largest <= proved.largest_ratio
    (True, True)
    """

    least_ratio: float
    largest_ratio: float
    kurtosis: float
    weighted_ratio: float

    def variance_ratios_given(self, kurtosis: float | None = None) -> tuple[float, float]:
        """Least and largest ratio if the kurtosis of the inliers is bounded; the least one does not depend on it.

        Parameters
        ----------
        kurtosis : float, optional
            κ with mean ⟨x − μ, v⟩⁴ ≤ κ (mean ⟨x − μ, v⟩²)² over the inliers, about their mean μ and for every v. By
            default the certified kurtosis of the weights: nothing shows that the inliers' is not larger.

        Returns
        -------
        tuple of float

        Raises
        ------
        InvalidInputError
            If the kurtosis is below 1, as no kurtosis is.
        """
        given = self.kurtosis if kurtosis is None else check_nonnegative(kurtosis, "kurtosis")
        if kurtosis is not None and given < 1:
            raise InvalidInputError(f"kurtosis must be at least 1, as every kurtosis is, got {kurtosis!r}.")
        if given == math.inf:
            return self.least_ratio, self.largest_ratio
        with precision():
            remaining = _remaining_variance(rational(self.total_variation), rational(given))
            largest = upper_float(rational(self.weighted_ratio) / remaining)
        return self.least_ratio, min(self.largest_ratio, largest)

    def error_bound_given(self, kurtosis: float | None = None) -> float:
        """The bound on the relative error if the kurtosis of the inliers is bounded; never above `upper`.

        Parameters
        ----------
        kurtosis : float, optional
            As for `variance_ratios_given`.

        Returns
        -------
        float

        Raises
        ------
        InvalidInputError
            If the kurtosis is below 1.

        Examples
        --------
        >>> import numpy as np
        >>> from hypernorm.robust import certify_covariance
        >>> X = np.random.default_rng(0).standard_normal((2000, 3))
        >>> proved = certify_covariance(X, np.ones(2000), 0.01).verify(X)
        >>> proved.error_bound_given(3.5) <= proved.error_bound < 0.25
        True
        """
        return _relative_error(*self.variance_ratios_given(kurtosis))


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

    See Also
    --------
    hypernorm.robust.certify_covariance : Make one.
    MeanCertificate : The same for a mean.

    Notes
    -----
    The theorem on covariances in theory/robust of the documentation.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.robust import certify_covariance
    >>> X = np.random.default_rng(0).standard_normal((500, 2))
    >>> proved = certify_covariance(X, np.ones(500), 0.01).verify(X)
    >>> proved.least_ratio < 1 < proved.largest_ratio
    True
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
        }

    def read(self, data: Any) -> np.ndarray:
        return dense_copy(data, self.shape, self.fingerprint)

    def establish(self, subject: np.ndarray, *, exact: bool) -> VerifiedCovarianceBound:
        if type(subject) is not np.ndarray or subject.shape != self.shape:
            raise CertificateError(f"The subject of the proof must be an ndarray of shape {self.shape}.")
        distance = total_variation_bound(self.weights, None, self.contamination)
        with precision():
            outliers = rational(outlier_mass(None, len(subject), self.contamination))
            kurtosis, least, weighted, matrix_below = self._ratios(subject)
            # For equal weights the inliers are a part of the distribution.
            whole = are_base_weights(self.weights, None)
            remaining = _remaining_variance(outliers if whole else rational(distance), kurtosis)
            low = lower_float(least * remaining / (1 - outliers if whole else 1))
            high = upper_float(_largest_variance(subject, self.transform) / matrix_below / (1 - outliers))
            found, ratio = upper_float(kurtosis), upper_float(weighted)
        proved = VerifiedCovarianceBound(
            quantity=self.quantity,
            upper=_relative_error(low, high),
            least_ratio=low,
            largest_ratio=high,
            premise=f"at most the fraction {self.contamination:.15g} are outliers",
            upper_given=math.inf,
            premise_given=f"the kurtosis of the inliers is at most {rounded_down(found, 12)}, that of the weights",
            contamination=self.contamination,
            total_variation=distance,
            kurtosis=found,
            weighted_ratio=ratio,
        )
        return replace(proved, upper_given=proved.error_bound_given())

    def _ratios(self, X: np.ndarray) -> tuple[flint.arb, flint.arb, flint.arb, flint.arb]:
        """Bounds on the kurtosis under the weights, on the ratios of their variance to that of the matrix, and from
        below on the latter in the coordinates."""
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
        least = rational(matrix_below)
        return kurtosis, variances[0] / rational(matrix_above), variances[1] / least, least


def whitened_rows(Y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The rows w_i^{1/4} y_i of the positive weights, whose 2→4 norm is the fourth root of the kurtosis.

    Parameters
    ----------
    Y : ndarray of shape (n, d)
    weights : ndarray of shape (n,)

    Returns
    -------
    ndarray

    See Also
    --------
    CovarianceCertificate : Bounds their norm.

    Examples
    --------
    >>> import numpy as np
    >>> whitened_rows(np.array([[2.0], [5.0]]), np.array([1.0, 0.0]))
    array([[2.]])
    """
    return weighted_rows(Y, weights, np.zeros(Y.shape[1]), 4.0)


def coordinates(X: np.ndarray, location: np.ndarray, K: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(X − location) @ K, and a bound on the length of each row's rounding error."""
    differences = X - location
    magnitudes = np.abs(differences) @ np.abs(K)
    return differences @ K, SAFETY * gamma(len(K) + 2) * np.linalg.norm(magnitudes, axis=1) + _VANISHED


def _largest_variance(X: np.ndarray, K: np.ndarray) -> flint.arb:
    """A bound on the variance of all samples in any direction of the coordinates; infinite if they overflow."""
    n = len(X)
    with np.errstate(over="ignore", invalid="ignore"):
        # About any point the second moment is at least the variance, so the mean may be a rounded one.
        Y, errors = coordinates(X, np.mean(X, axis=0), K)
        scale = float(np.abs(Y).max())
    if not (math.isfinite(scale) and np.isfinite(errors).all()):
        return flint.arb.pos_inf()
    exponent = math.frexp(scale)[1]
    V, errors = np.ldexp(Y, -exponent), np.ldexp(errors, -exponent)
    size, gap = float(np.linalg.norm(V)), float(np.linalg.norm(errors)) + TINY
    image = V.T @ V
    bound = _largest_eigenvalue(image, gamma(n + 4) * size**2 + gap * (2 * size + gap))
    return rational(bound) / n * rational(2) ** (2 * exponent)


def _largest_eigenvalue(A: np.ndarray, error: float) -> float:
    """A proved upper bound on the eigenvalues of every symmetric matrix within `error` of A in the spectral norm."""
    A, error, values, margin = _with_margin(A, error)
    above = float(values[-1] + margin)
    if not is_proved_positive_definite(above * np.eye(len(A)) - A, error):
        raise CertificateError("The certificate does not prove a bound on the variance of the samples.")
    return above


def _eigenvalue_bounds(A: np.ndarray, error: float) -> tuple[float, float]:
    """Proved bounds on the eigenvalues of every symmetric matrix within `error` of A in the spectral norm."""
    A, error, values, margin = _with_margin(A, error)
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


def _with_margin(A: np.ndarray, error: float) -> tuple[np.ndarray, float, np.ndarray, float]:
    """The symmetric part of A, the error with its rounding, proposed eigenvalues, and a margin for their proof."""
    A = (A + A.T) / 2
    if not (np.isfinite(A).all() and math.isfinite(error)):
        raise CertificateError("The certificate's numbers are too large for a proof: they overflow.")
    error = SAFETY * (error + 4 * UNIT * float(np.linalg.norm(A))) + TINY
    values = np.linalg.eigvalsh(A)
    return A, error, values, 4 * (error + definite_shift(np.eye(len(A)) * float(np.abs(values).max())))


def _relative_error(least: float, largest: float) -> float:
    """‖S^{-1/2} Ĉ S^{-1/2} − I‖ at most, for S between the two multiples of Ĉ."""
    if not (least > 0 and math.isfinite(largest)):
        return math.inf
    with precision():
        return upper_float((1 / rational(least) - 1).max(1 - 1 / rational(largest)))


def _remaining_variance(distance: flint.arb, kurtosis: flint.arb) -> flint.arb:
    """1 − ρ, or 0 if negative: the least fraction of a variance that remains when the mass `distance` is removed."""
    if not distance < 1:
        return rational(0)
    ratio = distance / (1 - distance)
    return _at_least_zero(1 - ratio - (ratio * _at_least_zero(kurtosis - 1)).sqrt())


def _at_least_zero(ball: flint.arb) -> flint.arb:
    return ball.max(rational(0))
