"""Sparse vectors in a subspace: the spikiest direction, with a proof that there is none spikier, and what it implies.

A vector with k non-zero entries has ‖w‖_q ≥ k^{1/q − 1/2} ‖w‖₂, so a sparse vector in a subspace shows in the 2→q norm
of an orthonormal basis. Conversely an upper bound on that norm bounds the number of non-zero entries of every vector of
the subspace from below. For q = 4 and a vector planted among random ones, sums of squares were so used by Barak,
Kelner & Steurer (*Rounding sum-of-squares relaxations*, STOC 2014). The proofs stand in docs/theory/small_sets.md.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg

from hypernorm._arguments import Seed, check_exponent, check_generator, check_tolerance
from hypernorm._arithmetic import own_arithmetic
from hypernorm._display import rounded_down, rounded_up
from hypernorm._validation import check_matrix
from hypernorm.bounds import NormInterval, two_to_q_norm
from hypernorm.certificates import Certificate, Rigor, VerifiedBound
from hypernorm.certificates.fields import check_real, owned, private_array
from hypernorm.certificates.identity import check_identity
from hypernorm.certificates.rounding import (
    SAFETY,
    TINY,
    UNIT,
    check_arithmetic,
    gamma,
    lower_float,
    precision,
    rational,
    upper_float,
)
from hypernorm.certificates.witness import attained_interval
from hypernorm.exceptions import CertificateError, InvalidInputError
from hypernorm.forms import Rows

__all__ = ["SparseDirection", "sparsest_direction"]

# A basis with a larger condition number, after its columns have been scaled, spans a subspace that rounding decides.
_LARGEST_CONDITION = 1e9
# What another machine proves for the same certificate may differ in the last places.
_MARGIN = 1e-12


@dataclass(frozen=True, eq=False, slots=True)
class SparseDirection:
    """The spikiest direction of a subspace that was found, and a proof of how spiky any direction can be.

    Attributes
    ----------
    coefficients : ndarray of shape (d,)
        Of the direction in the given basis.
    vector : ndarray of shape (n,)
        The direction w = basis @ coefficients, of length one up to rounding.
    support : ndarray of int
        Where |w_i| is at least half of ‖w‖_q^{q/(q−2)}, the size of the entries of a flat vector that is as spiky.
    q : float
    lower : float
        ‖w‖_q/‖w‖₂ for w = basis @ coefficients before rounding, proved from below.
    upper : float
        Proved upper bound on ‖w‖_q/‖w‖₂ for every vector w ≠ 0 of the subspace that the given basis spans.
    matrix : ndarray of shape (n, d)
        A basis that is orthonormal up to rounding.
    interval : NormInterval
        The 2→q norm of `matrix`, with witness and certificate.
    """

    coefficients: np.ndarray
    vector: np.ndarray
    support: np.ndarray
    q: float
    lower: float
    upper: float
    matrix: np.ndarray
    interval: NormInterval

    @property
    def gap(self) -> float:
        """upper/lower − 1."""
        return self.upper / self.lower - 1 if self.lower > 0 else math.inf

    @own_arithmetic
    def is_spikiest(self, rtol: float = 1e-6) -> bool:
        """Whether no vector of the subspace is spikier by more than a relative `rtol`."""
        return self.gap <= check_tolerance(rtol)

    @property
    def least_support(self) -> int:
        """Proved: no vector of the subspace but zero has fewer non-zero entries.

        ‖w‖_q ≥ k^{1/q − 1/2} ‖w‖₂ for k non-zero entries, so k ≥ upper^{−2q/(q−2)}.
        """
        upper = check_real(self.upper, "upper bound", 0.0)
        with precision(), np.errstate(all="ignore"):
            power = rational(2) if math.isinf(self.q) else 2 * rational(self.q) / (rational(self.q) - 2)
            return max(1, math.ceil(lower_float(rational(upper) ** -power)))

    @own_arithmetic
    def verify(self, basis: Any) -> VerifiedBound:
        """Prove both bounds again, for a given basis.

        Parameters
        ----------
        basis : array_like, DataFrame or sparse matrix of shape (n, d)

        Returns
        -------
        VerifiedBound
            Of ‖w‖_q/‖w‖₂ for every vector w ≠ 0 of the subspace, in floating point with rounding errors bounded.

        Raises
        ------
        CertificateError
            If `upper` is not proved for the span of this basis, or `lower` is not attained.
        InvalidInputError
            If `basis` is not a usable basis.
        """
        start = time.perf_counter()
        own = owned(self)
        scaled, exponents = _scaled(_dense(basis))
        check_arithmetic()
        d = scaled.shape[1]
        q, upper = check_real(own.q, "q", 2.0, infinite=True), check_real(own.upper, "upper bound", 0.0)
        X = private_array(own.matrix, "matrix", scaled.shape)
        coefficients = private_array(own.coefficients, "coefficients", (d,))
        certificate = own.interval.certificate if type(own.interval) is NormInterval else None
        if type(certificate) is not Certificate or type(certificate.q) is not float or certificate.q != q:
            raise CertificateError("The proof is broken: it needs a NormInterval with a Certificate for its exponent.")
        check_identity(X, certificate.shape, certificate.fingerprint)
        proved = _upper(scaled, X, certificate.prove(Rows(X)))
        if not proved <= upper:
            raise CertificateError(f"The ratio is proved to be at most {proved!r}, not {upper!r}.")
        coordinates = np.ldexp(coefficients, exponents)
        if not check_real(own.lower, "lower bound", 0.0) <= _lower(scaled, coordinates, q)[1]:
            raise CertificateError(f"The direction does not attain {own.lower!r}.")
        return VerifiedBound(proved, Rigor.FLOATING_POINT, time.perf_counter() - start)

    def __repr__(self) -> str:
        return (
            f"SparseDirection(q={self.q:g}, shape={self.matrix.shape}, lower={rounded_down(self.lower, 8)}, "
            f"upper={rounded_up(self.upper, 8)}, support of {len(self.support)}, least_support={self.least_support})"
        )


@own_arithmetic
def sparsest_direction(
    basis: Any,
    q: float = 4,
    *,
    random_state: Seed = None,
    **options: Any,
) -> SparseDirection:
    """Find the direction of a subspace with the largest ‖w‖_q/‖w‖₂, and prove how large that ratio can be.

    If the subspace contains a vector with k non-zero entries of the same size among directions that are spread out,
    this direction is it; if in addition the bounds meet, it is proved to be a sparsest vector of the subspace.

    Parameters
    ----------
    basis : array_like, DataFrame or sparse matrix of shape (n, d)
        Linearly independent columns, d ≤ n; they need not be orthonormal.
    q : float
        Exponent, 2 < q ≤ ∞.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState
    **options
        For `hypernorm.two_to_q_norm`, such as ``method`` or ``time_limit``.

    Returns
    -------
    SparseDirection

    Raises
    ------
    InvalidInputError
        If an argument cannot be used, or the columns are linearly dependent or too close to it.

    Examples
    --------
    >>> from hypernorm.applications import sparsest_direction
    >>> from hypernorm.datasets import planted_sparse
    >>> X, planted = planted_sparse(200, 8, sparsity=20, random_state=0)
    >>> found = sparsest_direction(X, random_state=0)
    >>> bool(abs(found.vector @ planted) > 1 - 1e-9), found.is_spikiest(), len(found.support), found.least_support
    (True, True, 20, 20)
    """
    dense = _dense(basis)
    q = check_exponent(q)
    if q == 2:
        raise InvalidInputError("q must be larger than 2: for q = 2 all directions have the ratio 1.")
    rng = check_generator(random_state)
    scaled, exponents = _scaled(dense)
    T = _orthogonaliser(scaled)
    X = scaled @ T
    X.setflags(write=False)
    interval = two_to_q_norm(X, q, random_state=rng, **options)
    check_arithmetic()
    coordinates = T @ interval.witness.vector
    image = scaled @ coordinates
    length = float(np.linalg.norm(image))
    vector = image / length
    typical = float(np.linalg.norm(vector, q)) ** (1 if math.isinf(q) else q / (q - 2))
    coefficients = np.ldexp(coordinates / length, -exponents)
    return SparseDirection(
        coefficients,
        vector,
        np.flatnonzero(np.abs(vector) >= typical / 2),
        q,
        _lower(scaled, np.ldexp(coefficients, exponents), q)[0],
        _upper(scaled, X, interval.upper * (1 + _MARGIN), allowance=2.0),
        X,
        interval,
    )


def _dense(basis: Any) -> np.ndarray:
    """A private copy of the basis."""
    matrix = check_matrix(basis, "basis", copy=True)
    n, d = matrix.shape
    if d > n:
        raise InvalidInputError(f"basis has {d} columns of {n} entries; a subspace has at most as many dimensions.")
    return np.asarray(matrix if isinstance(matrix, np.ndarray) else matrix.toarray(), dtype=np.float64)


def _scaled(basis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The columns divided by powers of two, without rounding; the span stays what it is."""
    largest = np.abs(basis).max(axis=0)
    if not largest.all():
        raise InvalidInputError(f"column {int(np.argmin(largest))} of basis is zero; leave it out.")
    exponents = np.frexp(largest)[1]
    scaled = np.ldexp(basis, -exponents)
    if not (np.ldexp(scaled, exponents) == basis).all():
        raise InvalidInputError("basis has a column whose entries differ by a factor of more than 2^1000.")
    return scaled, exponents


def _orthogonaliser(B: np.ndarray) -> np.ndarray:
    """T with BT orthonormal up to rounding."""
    d = B.shape[1]
    R = np.linalg.qr(B, mode="r")
    singular = np.linalg.svd(R, compute_uv=False)
    if not singular[-1] * _LARGEST_CONDITION >= singular[0]:
        raise InvalidInputError(
            "the columns of basis are linearly dependent, or nearly so; give a basis, e.g. scipy.linalg.orth(basis)."
        )
    return np.asarray(scipy.linalg.solve_triangular(R, np.eye(d)))


def _lower(B: np.ndarray, coordinates: np.ndarray, q: float) -> tuple[float, float]:
    """Proved bounds on ‖Bc‖_q/‖Bc‖₂ from below and above."""
    rows = Rows(B)
    least, most = attained_interval(rows, coordinates, q)
    shortest, longest = attained_interval(rows, coordinates, 2.0)
    if not shortest > 0:
        raise CertificateError("The direction is not proved to be different from zero.")
    with precision():
        return lower_float(rational(least) / rational(longest)), upper_float(rational(most) / rational(shortest))


def _upper(B: np.ndarray, X: np.ndarray, norm: float, allowance: float = 1.0) -> float:
    """max ‖w‖_q/‖w‖₂ over the span of B, proved from above by a bound on the 2→q norm of X.

    T is the solution of least squares for BT ≈ X; an `allowance` above one leaves room for that of another machine.
    With BT = X + E, every w in the span is (X + E)c, ‖w‖_q ≤ (‖X‖_{2→q} + ‖E‖)‖c‖ and ‖w‖₂ ≥ (σ_min(X) − ‖E‖)‖c‖; the
    last factor is positive, so T is invertible and there is no other w.
    """
    n, d = B.shape
    T = _orthogonaliser(B)
    T = T @ ((B @ T).T @ X)
    if not np.isfinite(T).all():
        raise CertificateError("The certificate's numbers are too large for a proof: they overflow.")
    residual = float(np.linalg.norm(X - B @ T)) * (1 + 4 * UNIT)
    loss = SAFETY * (residual + gamma(d + 4) * float(np.linalg.norm(np.abs(B) @ np.abs(T) + np.abs(X)))) + TINY
    square = float(np.linalg.norm(X)) ** 2
    deviation = float(np.linalg.norm(X.T @ X - np.eye(d))) + gamma(n + 4) * square + gamma(4) * math.sqrt(d)
    loss, deviation = allowance * loss, allowance * deviation
    with precision(), np.errstate(all="ignore"):
        smallest = (1 - rational(SAFETY * deviation)).max(rational(0)).sqrt() - rational(loss)
        if not smallest > 0:
            raise InvalidInputError("basis is too close to linear dependence for a proof; orthonormalise it first.")
        return upper_float((rational(norm) + rational(loss)) / smallest)
