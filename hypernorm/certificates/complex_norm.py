"""Certificates of norms of complex matrices, max ‖Av‖_q over complex unit vectors v.

`hypernorm.certificates.complex_rows` has the theorem: real rows have the same norm, up to a constant and rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

from hypernorm._complex import ComplexMatrix, check_complex
from hypernorm._display import complex_norm_text
from hypernorm.certificates.base import Certificate
from hypernorm.certificates.complex_rows import ComplexRows, complex_factor
from hypernorm.certificates.fields import Fingerprint, Integer, Shape
from hypernorm.certificates.inner import Inner
from hypernorm.certificates.reduced import MATRIX_NORMS, MatrixNormCertificate
from hypernorm.certificates.registry import register
from hypernorm.certificates.rounding import precision, rational, upper_float
from hypernorm.certificates.subjects import check_identity
from hypernorm.certificates.values import LARGEST_SCALE
from hypernorm.certificates.verified import Claim, Rigor, VerifiedBound
from hypernorm.exceptions import CertificateError

if TYPE_CHECKING:
    import flint

__all__ = ["ComplexNormCertificate", "complex_subject", "read_complex"]


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class ComplexNormCertificate(Certificate):
    """A proof of an upper bound on max ‖Av‖_q over complex unit vectors v.

    `two_to_q_norm` returns one for a matrix of complex numbers.

    Attributes
    ----------
    shape : tuple of int
        Shape (n, d) of A.
    fingerprint : str
        SHA-256 of the values of A: that of the real matrix [Re A; Im A] of shape (2n, d), see
        `hypernorm.forms.fingerprint`.
    exponent : int
        The real rows are computed from A times 2**-exponent; 0 if A has no imaginary parts.
    real_entry : int
        j; the bound is for vectors whose entry v_j is real, which loses nothing.
    norm : NormCertificate, SplitCertificate, TouchingCertificate or ReducedCertificate
        For the real rows.

    See Also
    --------
    ComplexWitness : A lower bound on the same norm.

    Notes
    -----
    Theorem 1 and Proposition 3 of theory/complex_matrices of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> A = np.array([[1, 1j], [1, -1j]]) / np.sqrt(2)  # unitary
    >>> certificate = hn.two_to_q_norm(A, q=4, random_state=0).certificate
    >>> 1 - 1e-15 < certificate.verify(A, exact=True).upper < 1 + 1e-6
    True
    """

    kinds: ClassVar = ("complex_norm",)
    has_exact_proof: ClassVar = True

    shape: Annotated[tuple[int, int], Shape()]
    fingerprint: Annotated[str, Fingerprint()]
    exponent: Annotated[int, Integer(-LARGEST_SCALE, LARGEST_SCALE)]
    real_entry: Annotated[int, Integer(0, 2**30 - 1)]
    norm: Annotated[MatrixNormCertificate, Inner(*MATRIX_NORMS)]

    def rules(self) -> None:
        n, d = self.shape
        if self.real_entry >= d:
            raise CertificateError(f"The certificate's real entry {self.real_entry} is not an index below {d}.")
        rows, columns = self.norm.shape
        if rows % n or columns not in (d, 2 * d - 1, 2 * d):
            raise CertificateError(
                f"The norm certificate is for the shape {self.norm.shape}, which is not that of rows of A."
            )

    @property
    def q(self) -> float:
        """The exponent."""
        return self.norm.q

    @property
    def quantity(self) -> str:
        return complex_norm_text(self.q)

    @property
    def upper(self) -> float:
        """The claimed bound, without the rounding errors of the rows; `verify` proves it and adds them."""
        with precision(), np.errstate(all="ignore"):
            bound: flint.arb = rational(self.norm.upper) * complex_factor(self.q, self.norm.shape[0] // self.shape[0])
            return 0.0 if bound.is_zero() else upper_float(bound * rational(2) ** self.exponent)

    @property
    def claim(self) -> Claim:
        return Claim(self.upper, is_upper=True)

    def describe(self) -> dict[str, Any]:
        return {"q": self.q, "shape": list(self.shape), "norm": self.norm.describe()["kind"]}

    def read(self, data: Any) -> ComplexMatrix:
        return read_complex(data, self.shape, self.fingerprint)

    def establish(self, subject: ComplexMatrix, *, exact: bool) -> VerifiedBound:
        rows = ComplexRows(complex_subject(subject, self.shape), self.q, self.real_entry)
        if (rows.rows.shape, rows.exponent) != (self.norm.shape, self.exponent):
            raise CertificateError(
                f"The certificate is for rows of shape {self.norm.shape} and scale 2**{self.exponent}, those of A have "
                f"shape {rows.rows.shape} and scale 2**{rows.exponent}."
            )
        proved = self.norm.prove(rows.rows, exact=exact).upper
        rigor = Rigor.EXACT if exact else Rigor.FLOATING_POINT
        return VerifiedBound(quantity=self.quantity, rigor=rigor, upper=rows.above(proved, exact=exact))


def read_complex(data: Any, shape: tuple[int, int], digits: str, name: str = "X") -> ComplexMatrix:
    """Return the complex matrix of a certificate, after one check of its entries and of its identity.

    Raises
    ------
    CertificateError
        If its shape differs from `shape`, or its fingerprint from `digits`.
    InvalidInputError
        If the matrix cannot be used.
    """
    matrix = check_complex(data, name)
    if matrix.shape != shape:
        raise CertificateError(
            f"The certificate is for another matrix, of shape {shape}; {name} has shape {matrix.shape}."
        )
    n, d = shape
    check_identity(matrix.stacked, (2 * n, d), digits)
    return matrix


def complex_subject(subject: Any, shape: tuple[int, int]) -> ComplexMatrix:
    """The subject of a proof about a complex matrix, as `read_complex` returns it.

    Raises
    ------
    CertificateError
    """
    if type(subject) is not ComplexMatrix or subject.shape != shape:
        raise CertificateError(f"The subject of the proof must be a complex matrix of shape {shape}.")
    return subject
