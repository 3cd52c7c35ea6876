"""Unitarily invariant norms with proof: Schatten, Ky Fan and k-support norms from enclosed singular values."""

from __future__ import annotations

import time
from typing import Any

from hypernorm._arguments import check_count, check_exponent
from hypernorm._arithmetic import own_arithmetic
from hypernorm.certificates import InvariantNormCertificate
from hypernorm.exceptions import InvalidInputError
from hypernorm.spectral.enclosure import Enclosure, enclosure
from hypernorm.spectral.singular_values import decomposed

__all__ = ["k_support_norm", "ky_fan_norm", "schatten_norm"]


@own_arithmetic
def schatten_norm(A: Any, p: float) -> Enclosure[InvariantNormCertificate]:
    """A proved interval for the Schatten norm (Σ σ_i^p)^{1/p} of a matrix.

    Parameters
    ----------
    A : array_like, DataFrame, sparse matrix or LowRank of shape (n, d)
    p : float
        Exponent, 1 ≤ p ≤ ∞: 1 is the nuclear norm, 2 the Frobenius norm, ∞ the spectral norm.

    Returns
    -------
    Enclosure

    Raises
    ------
    InvalidInputError
        If an argument cannot be used.

    See Also
    --------
    nuclear_bounds : Bounds on the nuclear norm without a decomposition.
    singular_values : The singular values themselves.

    Notes
    -----
    Proposition 3 of theory/unitarily_invariant_norms of the documentation.

    Examples
    --------
    >>> import hypernorm as hn
    >>> found = hn.schatten_norm([[1.0, 1.0], [1.0, -1.0]], 1)
    >>> found.quantity, found.lower <= 2 * 2**0.5 <= found.upper, found.gap < 1e-12
    ('nuclear norm of X', True, True)
    >>> found.certificate.verify([[1.0, 1.0], [1.0, -1.0]]).upper == found.upper
    True
    """
    return _norm(A, "schatten", check_exponent(p, smallest=1, name="p"))


@own_arithmetic
def ky_fan_norm(A: Any, k: int) -> Enclosure[InvariantNormCertificate]:
    """A proved interval for the Ky Fan norm of a matrix, the sum of its k largest singular values.

    Parameters
    ----------
    A : array_like, DataFrame, sparse matrix or LowRank of shape (n, d)
    k : int
        From 1, the spectral norm, to min(n, d), the nuclear norm.

    Returns
    -------
    Enclosure

    Raises
    ------
    InvalidInputError
        If an argument cannot be used.

    See Also
    --------
    schatten_norm, k_support_norm

    Notes
    -----
    Proposition 3 of theory/unitarily_invariant_norms of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> found = hn.ky_fan_norm(np.diag([5.0, 3.0, 1.0]), 2)
    >>> found.lower <= 8 <= found.upper, found.gap < 1e-12
    (True, True)
    """
    return _norm(A, "ky_fan", float(check_count(k, "k")))


@own_arithmetic
def k_support_norm(A: Any, k: int) -> Enclosure[InvariantNormCertificate]:
    """A proved interval for the spectral k-support norm of a matrix.

    Its unit ball is the convex hull of the matrices of rank at most k and Frobenius norm at most one; its dual is the
    length of the vector of the k largest singular values.

    Parameters
    ----------
    A : array_like, DataFrame, sparse matrix or LowRank of shape (n, d)
    k : int
        From 1, the nuclear norm, to min(n, d), the Frobenius norm.

    Returns
    -------
    Enclosure

    Raises
    ------
    InvalidInputError
        If an argument cannot be used.

    See Also
    --------
    schatten_norm, ky_fan_norm

    References
    ----------
    A. Argyriou, R. Foygel and N. Srebro, *Sparse prediction with the k-support norm*, 2012; A. McDonald, M. Pontil and
    D. Stamos, *Spectral k-support norm regularization*, 2014.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> found = hn.k_support_norm(np.eye(4), 2)  # 4 equal singular values: their sum over the root of k
    >>> found.lower <= 4 / 2**0.5 <= found.upper, found.gap < 1e-12
    (True, True)
    """
    return _norm(A, "k_support", float(check_count(k, "k")))


def _norm(A: Any, kind: str, parameter: float) -> Enclosure[InvariantNormCertificate]:
    start = time.perf_counter()
    singular, subject = decomposed(A)
    count = min(singular.shape)
    if kind != "schatten" and parameter > count:
        raise InvalidInputError(f"k must be at most {count}, the number of singular values, got {parameter:.0f}.")
    certificate = InvariantNormCertificate(kind=kind, parameter=parameter, singular=singular)
    return enclosure(certificate.prove(subject), certificate, time.perf_counter() - start)
