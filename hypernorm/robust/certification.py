"""Certificates of weighted means: from weights and their moments to a proved error bound."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from hypernorm._arguments import check_contamination, check_exponent, check_nonnegative, check_sample_weight
from hypernorm._arithmetic import own_arithmetic
from hypernorm._chunks import Chunks, is_chunked
from hypernorm._validation import Matrix, check_matrix, check_rows, check_shape
from hypernorm.bounds.propose import Search, propose
from hypernorm.certificates import Certificate, MeanCertificate, largest_difference, of_pieces, weighted_rows
from hypernorm.exceptions import InvalidInputError
from hypernorm.forms import MonomialBasis, Rows, fingerprint
from hypernorm.robust.weights import normalised, normalised_weights

__all__ = ["certify_mean", "certify_moment", "certify_weights", "private_samples"]

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
    inlier_moments: Sequence[float | None] | None = None,
) -> MeanCertificate:
    """Prove how far a weighted mean can be from the mean of the inliers, whichever samples those are.

    Let δ be the largest total variation distance between the weights and a distribution of the inliers, and B_w, B
    bounds on their q-th central moments. Then ‖μ_w − μ‖ ≤ (B_w + B) δ^{1−1/q}/(1 − δ); the smallest over the given q
    counts.

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
    inlier_moments : sequence of float or None, optional
        B for each of the moments: (mean |⟨x_i − μ, v⟩|^q)^{1/q} ≤ B over the inliers, for every unit vector v. None
        stands for the premise that the moment of the inliers is at most that of the weights.

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

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).standard_normal((500, 3))
    >>> certificate = certify_mean(X, np.ones(500), 0.01, inlier_moments=[1.1, 1.5])
    >>> certificate.verify(X).error_bound < 0.11
    True
    """
    matrix = private_samples(X)
    n, d = matrix.shape
    fraction = check_contamination(contamination)
    if weights is None:
        raise InvalidInputError("weights must be given; np.ones(n) makes every sample count alike.")
    weights = check_sample_weight(weights, "weights", n)
    if not all(isinstance(given, Sequence | np.ndarray) for given in (moments, inlier_moments or ())):
        raise InvalidInputError("moments and inlier_moments must be sequences of numbers, such as [4] and [1.5].")
    orders = [check_exponent(q, name="moments") for q in moments]
    if not orders or any(math.isinf(q) for q in orders):
        raise InvalidInputError(f"moments must be finite exponents q ≥ 2, at least one, got {moments!r}.")
    given = [None] * len(orders) if inlier_moments is None else list(inlier_moments)
    if len(given) != len(orders):
        raise InvalidInputError(f"inlier_moments must have an entry for each of moments={tuple(orders)}, got {given}.")
    premises = tuple(None if B is None else check_nonnegative(B, "inlier_moments") for B in given)
    center = None if location is None else check_shape(location, "location", (d,))
    base = None if sample_weight is None else normalised_weights(sample_weight, "sample_weight", n)
    return certify_weights(
        matrix, weights, fraction, location=center, base=base, moments=orders, inlier_moments=premises
    )


def certify_weights(
    matrix: Matrix | Chunks,
    weights: np.ndarray,
    contamination: float,
    *,
    location: np.ndarray | None,
    base: np.ndarray | None,
    moments: Sequence[float],
    inlier_moments: Sequence[float | None],
) -> MeanCertificate:
    """`certify_mean` for arguments that have been checked; base weights sum to one.

    Raises
    ------
    InvalidInputError
        If samples are too far from the location for their differences to be represented.
    """
    n, d = matrix.shape
    weights = normalised(weights)
    if location is None:
        location = np.sum(of_pieces(matrix, lambda X, weights: weights @ X, weights), axis=0)
    center = np.array(location)
    if not largest_difference(matrix, weights, center) < _FURTHEST:
        raise InvalidInputError(f"X has samples more than {_FURTHEST:.0e} from the location; divide both by as much.")
    norms = tuple(certify_moment(weighted_rows(matrix, weights, center, q), q) for q in moments)
    return MeanCertificate(
        center, weights, base, contamination, norms, tuple(inlier_moments), (int(n), int(d)), fingerprint(matrix)
    )


def private_samples(X: Any) -> Matrix | Chunks:
    """Samples that have been checked and that nobody can change: a copy, or a Dask array as `Chunks`.

    Raises
    ------
    InvalidInputError
    """
    if not is_chunked(X):
        return check_matrix(X, copy=True)
    chunks = check_rows(X)
    assert isinstance(chunks, Chunks)
    return chunks


def certify_moment(Y: np.ndarray | Chunks, q: float) -> Certificate:
    """Prove a bound on the 2→q norm of `Y`, by the sharpest kind that takes seconds at most."""
    rows, (n, d), q = Rows(Y), Y.shape, float(q)
    if q == 2:
        kind = "row_norm"
    elif MonomialBasis.count(d, max(2, math.ceil(q / 2))) <= _LARGEST_GRAM_SIZE:
        kind = "sos"
    else:
        slices = float(n) * MonomialBasis.count(d, 2) ** 2 if d <= 60 else math.inf
        kind = "realigned" if min(3.0 * n * n * d, slices) <= _REALIGNED_OPERATIONS else "flattening"
    return propose(rows, q, kind, fingerprint(Y), Search(rtol=1e-4)).certificate
