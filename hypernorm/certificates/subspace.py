"""Certificates of the spikiest vector of a subspace: bounds on the maximum of ‖w‖_q/‖w‖₂.

The certificate holds a matrix X with nearly orthonormal columns and a bound on its 2→q norm. The proof shows that X
spans the given subspace up to an error, which it bounds; see theory/small_sets of the documentation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import scipy.linalg

from hypernorm._arithmetic import own_arithmetic
from hypernorm._display import exponent_text
from hypernorm._validation import as_dense, check_matrix
from hypernorm.certificates.base import Certificate
from hypernorm.certificates.fields import Array, Real, Shape
from hypernorm.certificates.inner import Inner
from hypernorm.certificates.reduced import MATRIX_NORMS, MatrixNormCertificate
from hypernorm.certificates.registry import register
from hypernorm.certificates.rounding import (
    SAFETY,
    TINY,
    check_arithmetic,
    gamma,
    lower_float,
    precision,
    rational,
    upper_float,
)
from hypernorm.certificates.verified import Claim, VerifiedEnclosure
from hypernorm.certificates.witness import attained_interval
from hypernorm.exceptions import CertificateError, InvalidInputError
from hypernorm.forms import Rows

__all__ = [
    "SubspaceCertificate",
    "attained_ratio",
    "exact_coordinates",
    "largest_ratio",
    "orthogonaliser",
    "read_basis",
]

# If the scaled columns have a larger condition number, rounding decides which subspace they span.
_LARGEST_CONDITION = 1e9


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class SubspaceCertificate(Certificate):
    """A proof of bounds on the maximum of ‖w‖_q/‖w‖₂ over a subspace; a large ratio means a spiky vector.

    The certificate has no fingerprint of a basis: it holds for every basis for which the proof succeeds.

    Attributes
    ----------
    shape : tuple of int
        Shape (n, d) of a basis of the subspace.
    q : float
        Exponent, 2 < q ≤ ∞.
    lower : float
        Lower bound on ‖w‖_q/‖w‖₂ for w = basis @ coefficients.
    upper : float
        Upper bound on ‖w‖_q/‖w‖₂ for every vector w ≠ 0 of the subspace.
    coefficients : ndarray of shape (d,)
        Coordinates of the vector that attains `lower`.
    matrix : ndarray of shape (n, d)
        X: a basis of the subspace that is orthonormal up to rounding.
    norm : NormCertificate or ReducedCertificate
        Certificate for X.

    See Also
    --------
    hypernorm.applications.sparsest_direction : Make one.

    Notes
    -----
    Proposition 2 of theory/small_sets of the documentation.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.applications import sparsest_direction
    >>> basis = np.eye(6)[:, :2]
    >>> proved = sparsest_direction(basis, random_state=0).certificate.verify(basis)
    >>> proved.lower <= 1 <= proved.upper
    True
    """

    kinds: ClassVar = ("subspace",)
    data_name: ClassVar = "basis"

    shape: Annotated[tuple[int, int], Shape()]
    q: Annotated[float, Real(2.0, infinite=True)]
    lower: Annotated[float, Real(0.0, label="lower bound")]
    upper: Annotated[float, Real(0.0, label="upper bound")]
    coefficients: Annotated[np.ndarray, Array("d")]
    matrix: Annotated[np.ndarray, Array("n", "d")]
    norm: Annotated[MatrixNormCertificate, Inner(*MATRIX_NORMS)]

    def rules(self) -> None:
        if self.norm.q != self.q:
            raise CertificateError(f"The norm certificate is for q = {self.norm.q!r}, the proof for q = {self.q!r}.")

    @property
    def quantity(self) -> str:
        return f"||w||_{exponent_text(self.q)}/||w||_2 over the subspace"

    @property
    def claim(self) -> Claim:
        return Claim(self.upper, is_upper=True)

    def describe(self) -> dict[str, Any]:
        return {"q": self.q, "shape": list(self.shape)}

    @property
    @own_arithmetic
    def least_support(self) -> int:
        """A lower bound on the number of non-zero entries of any vector w ≠ 0 of the subspace, if `upper` is proved.

        ‖w‖_q ≥ k^{1/q − 1/2} ‖w‖₂ for k non-zero entries, so k ≥ upper^{−2q/(q−2)}.
        """
        own = self.owned("coefficients", "matrix", "norm")
        with precision():
            power = rational(2) if math.isinf(own.q) else 2 * rational(own.q) / (rational(own.q) - 2)
            return max(1, math.ceil(lower_float(rational(own.upper) ** -power)))

    def read(self, data: Any) -> tuple[np.ndarray, np.ndarray]:
        scaled, exponents = read_basis(data)
        if scaled.shape != self.shape:
            raise CertificateError(f"The certificate is for a basis of shape {self.shape}, this has {scaled.shape}.")
        return scaled, exponents

    def establish(self, subject: tuple[np.ndarray, np.ndarray], *, exact: bool) -> VerifiedEnclosure:
        if type(subject) is not tuple or len(subject) != 2 or np.shape(subject[0]) != self.shape:
            raise CertificateError("The subject of the proof must be what `read` returns for a basis of the shape.")
        scaled, exponents = subject
        norm = self.norm.prove(Rows(self.matrix)).upper
        try:
            proved = largest_ratio(scaled, self.matrix, norm)
        except InvalidInputError as error:
            raise CertificateError(
                f"The matrix of the certificate is not proved to span the subspace: {error}"
            ) from None
        if not proved <= self.upper:
            raise CertificateError(f"The ratio is proved to be at most {proved!r}, not {self.upper!r}.")
        below, above = attained_ratio(scaled, exact_coordinates(self.coefficients, exponents), self.q)
        if not self.lower <= above:
            raise CertificateError(f"The direction does not attain {self.lower!r}.")
        return VerifiedEnclosure(quantity=self.quantity, lower=below, upper=proved)


def exact_coordinates(coefficients: np.ndarray, exponents: np.ndarray) -> np.ndarray:
    """Coordinates, in the scaled basis, of the direction with these coefficients; exact up to a common power of two.

    Raises
    ------
    CertificateError
        If the coordinates differ by so many powers of two that floats cannot hold them.
    """
    powers = np.frexp(coefficients)[1] + exponents
    top = int(powers[coefficients != 0].max(initial=-(2**20)))
    coordinates = np.ldexp(coefficients, exponents - top)
    if not (np.ldexp(coordinates, top - exponents) == coefficients).all():
        raise CertificateError("The coefficients of the direction differ by too many orders of magnitude for a proof.")
    return coordinates


def read_basis(basis: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return a private copy of the basis with columns divided by powers of two, exactly, and the exponents.

    Raises
    ------
    InvalidInputError
        If the basis has more columns than rows, a zero column, or a column of too large a range.
    """
    matrix = check_matrix(basis, "basis", copy=True)
    n, d = matrix.shape
    if d > n:
        raise InvalidInputError(f"basis has {d} columns of {n} entries; a subspace has at most as many dimensions.")
    return _scaled(as_dense(matrix))


def _scaled(basis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The columns divided by powers of two, exactly, and the exponents; the span does not change."""
    largest = np.abs(basis).max(axis=0)
    if not largest.all():
        raise InvalidInputError(f"column {int(np.argmin(largest))} of basis is zero; leave it out.")
    exponents = np.frexp(largest)[1]
    scaled = np.ldexp(basis, -exponents)
    if not (np.ldexp(scaled, exponents) == basis).all():
        raise InvalidInputError("basis has a column whose entries differ by a factor of more than 2^1000.")
    return scaled, exponents


def orthogonaliser(B: np.ndarray) -> np.ndarray:
    """A matrix T such that the columns of BT are orthonormal up to rounding.

    Raises
    ------
    InvalidInputError
        If the columns of B are linearly dependent, or nearly so.
    """
    d = B.shape[1]
    R = np.linalg.qr(B, mode="r")
    singular = np.linalg.svd(R, compute_uv=False)
    if not singular[-1] * _LARGEST_CONDITION >= singular[0]:
        raise InvalidInputError(
            "the columns of basis are linearly dependent, or nearly so; give a basis, e.g. scipy.linalg.orth(basis)."
        )
    return np.asarray(scipy.linalg.solve_triangular(R, np.eye(d)))


def attained_ratio(B: np.ndarray, coordinates: np.ndarray, q: float) -> tuple[float, float]:
    """Proved lower and upper bounds on ‖Bc‖_q/‖Bc‖₂ for the coordinates c."""
    rows = Rows(B)
    least, most = attained_interval(rows, coordinates, q)
    shortest, longest = attained_interval(rows, coordinates, 2.0)
    if not shortest > 0:
        raise CertificateError("The direction is not proved to be different from zero.")
    with precision():
        return lower_float(rational(least) / rational(longest)), upper_float(rational(most) / rational(shortest))


def largest_ratio(B: np.ndarray, X: np.ndarray, norm: float, allowance: float = 1.0) -> float:
    """A proved upper bound on ‖w‖_q/‖w‖₂ over the span of B, from the bound `norm` on the 2→q norm of X.

    T solves BT ≈ X by least squares; an `allowance` above one covers the solution of another machine. With BT = X + E,
    every w in the span is (X + E)c, ‖w‖_q ≤ (‖X‖_{2→q} + ‖E‖)‖c‖ and ‖w‖₂ ≥ (σ_min(X) − ‖E‖)‖c‖. The last factor is
    positive, so T is invertible and there is no other w.
    """
    check_arithmetic()
    n, d = B.shape
    T = orthogonaliser(B)
    T = T @ ((B @ T).T @ X)
    residual = float(np.linalg.norm(X - B @ T))  # infinite or NaN if T is, as no column of B is zero
    loss = SAFETY * (residual + gamma(d + 4) * float(np.linalg.norm(np.abs(B) @ np.abs(T) + np.abs(X)))) + TINY
    square = float(np.linalg.norm(X)) ** 2
    deviation = float(np.linalg.norm(X.T @ X - np.eye(d))) + gamma(n + 4) * square + gamma(4) * math.sqrt(d)
    loss, deviation = allowance * loss, allowance * deviation
    with precision(), np.errstate(all="ignore"):
        smallest = (1 - rational(SAFETY * deviation)).max(rational(0)).sqrt() - rational(loss)
        if not smallest > 0:
            raise InvalidInputError("basis is too close to linear dependence for a proof; orthonormalise it first.")
        return upper_float((rational(norm) + rational(loss)) / smallest)
