"""Certificates of weighted means and covariances: from weights and their moments to a proved error bound."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from hypernorm._arguments import check_contamination, check_exponent, check_sample_weight
from hypernorm._arithmetic import own_arithmetic
from hypernorm._chunks import Chunks
from hypernorm._validation import Matrix, as_dense, check_covariance, check_matrix, check_shape
from hypernorm.bounds.propose import Search, propose
from hypernorm.certificates import (
    CovarianceCertificate,
    MeanCertificate,
    NormCertificate,
    are_base_weights,
    largest_difference,
    of_pieces,
    weighted_rows,
    whitened_rows,
)
from hypernorm.exceptions import InvalidInputError
from hypernorm.forms import MonomialBasis, Rows, fingerprint
from hypernorm.robust.samples import private_samples
from hypernorm.robust.weights import normalised, normalised_weights, weighted_covariance
from hypernorm.robust.winsorising import check_units

__all__ = [
    "certify_covariance",
    "certify_covariance_weights",
    "certify_mean",
    "certify_mean_weights",
    "certify_moment",
]

# Directions with a smaller fraction of the variance, after columns are scaled to variance one, are rounding.
_RANK_TOLERANCE = 1e-10
# Limit on median deviations: sums of their squares are far from over- and underflow.
_LARGEST_UNIT = 1e140
# Limit on differences, which must not overflow with their factors.
_FURTHEST = 1e305
# Limit on the Gram matrix of a sum of squares, which takes a fraction of a second below it.
_LARGEST_GRAM_SIZE = 300
# Limit on the operations in a product of the realigned bound; the flattening bound takes its place above it.
_REALIGNED_OPERATIONS = 2e10


@own_arithmetic
def certify_mean(
    X: Any,
    weights: Any,
    contamination: float,
    *,
    location: np.ndarray | None = None,
    sample_weight: Any = None,
    moments: Sequence[float] = (2, 4),
) -> MeanCertificate:
    """Prove how far a weighted mean can be from the mean of the inliers, whichever samples those are.

    Let δ be the largest total variation distance between the weights and a distribution of the inliers, and B_w, M
    bounds on the q-th moments of the weighted and of all samples about the location. Then it is at most
    δ^{1−1/q} (B_w + M/(1 − ε)^{1/q}) from the mean of the inliers, up to its distance from the weighted mean. If the
    location is the mean of all samples, it is also at most about ε^{1−1/q} M from it. The smallest bound over the given
    q counts. `VerifiedMeanBound.error_bound_given` is the bound for inliers with a known moment.

    Parameters
    ----------
    X : array_like, DataFrame, sparse matrix or Dask array of shape (n, d)
    weights : array_like of shape (n,)
        Non-negative weights, from any method; their sum does not matter.
    contamination : float
        ε in [0, 0.5): the inliers are at least the fraction 1 − ε of the samples, by `sample_weight` if it is given.
    location : ndarray of shape (d,), optional
        The estimate, by default the weighted mean. The bound holds for any location, and grows with its distance from
        that mean.
    sample_weight : array_like of shape (n,), optional
    moments : sequence of float, default (2, 4)
        Exponents q ≥ 2.

    Returns
    -------
    MeanCertificate
        Its `verify` proves the bound.

    Raises
    ------
    InvalidInputError
        If an argument cannot be used.

    See Also
    --------
    robust_mean : estimate and proof in one call.
    certify_covariance : the same for a covariance.

    Notes
    -----
    Theorems 1 and 2 of theory/robust of the documentation.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).standard_normal((500, 3))
    >>> proved = certify_mean(X, np.ones(500), 0.01).verify(X)
    >>> proved.error_bound < 0.06
    True
    """
    matrix = private_samples(X)
    n, d = matrix.shape
    fraction = check_contamination(contamination)
    if weights is None:
        raise InvalidInputError("weights must be given; np.ones(n) makes every sample count alike.")
    weights = check_sample_weight(weights, "weights", n)
    if not isinstance(moments, Sequence | np.ndarray):
        raise InvalidInputError(f"moments must be a sequence of numbers, such as [4], got {moments!r}.")
    orders = [check_exponent(q, name="moments") for q in moments]
    if not orders or any(math.isinf(q) for q in orders):
        raise InvalidInputError(f"moments must be finite exponents q ≥ 2, at least one, got {moments!r}.")
    center = None if location is None else check_shape(location, "location", (d,))
    base = None if sample_weight is None else check_sample_weight(sample_weight, "sample_weight", n)
    return certify_mean_weights(matrix, weights, fraction, location=center, base=base, moments=orders)


def certify_mean_weights(
    matrix: Matrix | Chunks,
    weights: np.ndarray,
    contamination: float,
    *,
    location: np.ndarray | None,
    base: np.ndarray | None,
    moments: Sequence[float],
) -> MeanCertificate:
    """`certify_mean` for arguments that have been checked.

    Raises
    ------
    InvalidInputError
        If samples are too far from the location for their differences to be represented.
    """
    n, d = matrix.shape
    weights = normalised(weights)
    base = None if base is None else normalised(base)
    if location is None:
        location = np.sum(of_pieces(matrix, lambda X, weights: weights @ X, weights), axis=0)
    center = np.array(location)
    if not largest_difference(matrix, weights, center) < _FURTHEST:
        raise InvalidInputError(f"X has samples more than {_FURTHEST:.0e} from the location; divide both by as much.")

    def norms(weights: np.ndarray) -> tuple[NormCertificate, ...]:
        return tuple(certify_moment(weighted_rows(matrix, weights, center, q), q) for q in moments)

    all_samples = np.ones(n) if base is None else base
    # Samples without weight may be too far away; then nothing follows without a known moment of the inliers.
    apart = are_base_weights(weights, base) or not largest_difference(matrix, all_samples, center) < _FURTHEST
    return MeanCertificate(
        shape=(int(n), int(d)),
        fingerprint=fingerprint(matrix),
        contamination=contamination,
        location=center,
        weights=weights,
        base_weights=base,
        norms=norms(weights),
        base_norms=None if apart else norms(all_samples),
    )


@own_arithmetic
def certify_covariance(
    X: Any,
    weights: Any,
    contamination: float,
    *,
    location: np.ndarray | None = None,
    covariance: np.ndarray | None = None,
) -> CovarianceCertificate:
    """Prove how far a covariance matrix can be from that of the inliers, whichever samples those are.

    Let m be the largest total variation distance between the weights and a distribution of the inliers, κ_w a bound on
    the kurtosis under the weights in every direction, and ρ = r + √(r(κ_w − 1)) with r = m/(1 − m). Then the variance
    of the inliers is in every direction at least 1 − ρ times the variance under the weights, and at most 1/(1 − ε)
    times that of all samples. `VerifiedCovarianceBound.error_bound_given` is the bound for inliers with a known
    kurtosis, which outliers do not widen.

    `VerifiedCovarianceBound.kurtosis` is the bound κ_w. With equal weights it bounds the kurtosis of the samples about
    their mean in every direction, in any units, for any contamination.

    Parameters
    ----------
    X : array_like, DataFrame or sparse matrix of shape (n, d)
    weights : array_like of shape (n,)
        Non-negative weights, from any method; their sum does not matter.
    contamination : float
        ε in [0, 0.5): the inliers are at least the fraction 1 − ε of the samples.
    location : ndarray of shape (d,), optional
    covariance : ndarray of shape (d, d), optional
        The estimates, by default those under the weights. The proof holds for any, and gets weaker with their distance
        from the default. The covariance must be symmetric up to rounding; the certificate is about its symmetric part.

    Returns
    -------
    CovarianceCertificate
        Its `verify` proves the bound.

    Raises
    ------
    InvalidInputError
        If an argument cannot be used, or if the covariance of the samples with weight has no full rank.

    See Also
    --------
    RobustCovariance : estimate and proof in one call.
    certify_mean : the same for a mean.
    hypernorm.two_to_q_norm : the largest moment in any direction, not standardised.

    Notes
    -----
    The theorem on covariances in theory/robust of the documentation.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).standard_normal((2000, 3))
    >>> proved = certify_covariance(X, np.ones(2000), 0.01).verify(X)
    >>> 0.8 < proved.least_ratio < 1 < proved.largest_ratio < 1.25
    True
    """
    X = as_dense(check_matrix(X))
    n, d = X.shape
    return certify_covariance_weights(
        X,
        normalised_weights(weights, "weights", n),
        check_contamination(contamination),
        location=None if location is None else check_shape(location, "location", (d,)),
        covariance=None if covariance is None else check_covariance(covariance, "covariance", d)[0],
    )


def certify_covariance_weights(
    X: np.ndarray,
    weights: np.ndarray,
    contamination: float,
    *,
    location: np.ndarray | None,
    covariance: np.ndarray | None,
) -> CovarianceCertificate:
    """`certify_covariance` for arguments that have been checked, with weights that sum to one."""
    n, d = X.shape
    check_units(X, largest=_LARGEST_UNIT)
    center = weights @ X if location is None else np.array(location)
    scatter = weighted_covariance(X, weights, center)
    # Taking the mean with the transpose changes nothing but rounding.
    estimate = scatter if covariance is None else (covariance + covariance.T) / 2
    covered = X[weights > 0]
    constant = np.flatnonzero(covered.max(axis=0) == covered.min(axis=0))
    if len(constant):
        raise InvalidInputError(
            f"Column {constant[0]} of X is constant among the samples with weight: nothing can be proved; leave it out."
        )
    transform = _whitening_transform(scatter)
    norm = certify_moment(whitened_rows((X - center) @ transform, weights), 4.0)
    return CovarianceCertificate(
        shape=(n, d),
        fingerprint=fingerprint(X),
        contamination=contamination,
        location=center,
        covariance=estimate,
        weights=weights,
        transform=transform,
        norm=norm,
    )


def _correlations(covariance: np.ndarray) -> np.ndarray:
    deviations = np.sqrt(np.diag(covariance))
    return np.asarray(covariance / np.outer(deviations, deviations))


def _whitening_transform(covariance: np.ndarray) -> np.ndarray:
    """K with Kᵀ covariance K = I."""
    deviations = np.sqrt(np.diag(covariance))
    values, vectors = np.linalg.eigh(_correlations(covariance))
    if not values[0] > _RANK_TOLERANCE * values[-1]:
        raise InvalidInputError(
            "The covariance under the weights is singular, so nothing can be proved; give more samples than features, "
            "or reduce the features, e.g. with PCA."
        )
    return np.asarray(vectors / np.sqrt(values) / deviations[:, None])


def certify_moment(Y: np.ndarray | Chunks, q: float) -> NormCertificate:
    """Prove a bound on the 2→q norm of `Y`, by the sharpest kind that takes seconds at most."""
    rows, (n, d), q = Rows(Y), Y.shape, float(q)
    if q == 2:
        kind = "row_norm"
    elif MonomialBasis.count(d, max(2, math.ceil(q / 2))) <= _LARGEST_GRAM_SIZE:
        kind = "sos"
    else:
        slices = float(n) * MonomialBasis.count(d, 2) ** 2 if d <= 60 else math.inf
        kind = "realigned" if min(3.0 * n * n * d, slices) <= _REALIGNED_OPERATIONS else "flattening"
    certificate = propose(rows, q, kind, Search(rtol=1e-4)).certificate
    assert isinstance(certificate, NormCertificate)  # rows are proved as they are
    return certificate
