"""Certificates of operator norms ‖A‖_{p→q} = max ‖Av‖_q over ‖v‖_p = 1: what all rules share.

Each rule is a class with its own arrays. The rule and (p, q) determine the formula, so a file cannot choose its
inequality. A rule is about A or about its transpose: ‖A‖_{p→q} = ‖Aᵀ‖_{q*→p*} with conjugate exponents. Rows and
columns of zeros take no part. The vectors are real or complex, as the field says; the norm over complex vectors may be
larger, and some rules bound it as well.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple

import numpy as np
import scipy.sparse as sp

from hypernorm._chunks import is_chunked
from hypernorm._complex import check_complex, is_complex
from hypernorm._display import operator_norm_text
from hypernorm._validation import Matrix, check_matrix, check_rows
from hypernorm.certificates.base import Certificate
from hypernorm.certificates.complex_norm import read_complex
from hypernorm.certificates.exponents import Exponent, conjugate, exact_exponent
from hypernorm.certificates.fields import Choice, Fingerprint, Real, Shape, Sizes
from hypernorm.certificates.nonnegative import moduli_above
from hypernorm.certificates.rounding import precision, rational, upper_float
from hypernorm.certificates.subjects import check_identity
from hypernorm.certificates.values import check_real
from hypernorm.certificates.verified import Claim, Rigor, VerifiedBound
from hypernorm.exceptions import CertificateError
from hypernorm.forms import BlockMatrix, ScaledMatrix, fingerprint

if TYPE_CHECKING:
    import flint

__all__ = [
    "NormExponent",
    "Operand",
    "OperatorCertificate",
    "identified_matrix",
    "operand_of",
    "operator_matrix",
    "read_operator_matrix",
]

# Another order of summation may prove slightly more than the claim.
_TOLERANCE = 1e-9
# Just above the largest finite exponent of the functions, 10⁶.
_ABOVE_EXPONENTS = 1e6 + 1


class Operand(NamedTuple):
    """What a rule is about: A or its transpose, scaled, without rows and columns of zeros.

    Attributes
    ----------
    entries : ndarray, csr_array or BlockMatrix
        Of real or complex numbers. Rows and columns of zeros of a BlockMatrix are left in it.
    p, q : Fraction or inf
        The exact exponents; of the dual norms for the transpose.
    rows, columns : ndarray of int
        Which rows and columns of A or its transpose they are.

    See Also
    --------
    operand_of : Make one.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.forms import ScaledMatrix
    >>> operand = operand_of(ScaledMatrix.identified(np.array([[0.5, 0.0]])), 4.0, 2.0, "matrix")
    >>> operand.entries.shape, operand.columns
    ((1, 1), array([0]))
    >>> operand.magnitudes(exact=True).tolist()
    [[0.5]]
    """

    entries: Any
    p: Exponent
    q: Exponent
    rows: np.ndarray
    columns: np.ndarray

    def magnitudes(self, *, exact: bool) -> Any:
        """|A| entrywise; moduli are rounded up, by ball arithmetic if `exact`.

        Parameters
        ----------
        exact : bool

        Returns
        -------
        ndarray, csr_array or BlockMatrix of shape (m, n)
        """
        return moduli_above(self.entries, exact=exact)


class NormExponent(Real):
    """A float from 1 to 10⁶, or infinity."""

    def __init__(self) -> None:
        super().__init__(1.0, infinite=True)

    def check(self, value: Any, name: str, sizes: Sizes) -> float | None:
        checked = super().check(value, name, sizes)
        if checked != math.inf:
            check_real(checked, self.called(name), 1.0, _ABOVE_EXPONENTS)
        return checked


@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class OperatorCertificate(Certificate):
    """A proof of an upper bound on max ‖Av‖_q over all v with ‖v‖_p = 1; the base class of all rules.

    Attributes
    ----------
    p, q : float
        Exponents of at least 1, or infinity; their exact binary values count.
    shape : tuple of int
        Shape (m, n) of the matrix.
    fingerprint : str
        SHA-256 of the values of the matrix, see `hypernorm.forms.fingerprint`; for complex vectors that of the real
        matrix [Re A; Im A] of shape (2m, n).
    field : str
        ``"real"`` or ``"complex"``: the numbers of A and of v.
    side : str
        ``"matrix"`` or ``"transpose"``: what the arrays of the rule are about.
    upper : float
        The claimed bound; `verify` proves it.

    See Also
    --------
    operator_certificate : Prove one by a rule.
    OperatorWitness : A lower bound on the same norm.

    Notes
    -----
    Theorems 1 to 7 of theory/operator_norms of the documentation, one for each rule.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> from hypernorm.forms import ScaledMatrix
    >>> A = np.eye(3)
    >>> certificate = hn.operator_certificate(A, 4, 2, "weights")  # the norm is 3^(1/2 − 1/4)
    >>> 3**0.25 <= certificate.verify(A).upper < 3**0.25 + 1e-6
    True

    What a rule defines, and what the base class gives it:

    >>> matrix = ScaledMatrix.identified(A)
    >>> certificate.unscaled(certificate.bound(matrix, exact=False), matrix) < 3**0.25 + 1e-6
    True
    >>> operand = certificate.operand(matrix)
    >>> operand.entries.shape, type(certificate.refuse(operand)).__name__
    ((3, 3), 'CertificateError')
    """

    has_exact_proof: ClassVar = True
    data_name: ClassVar = "A"
    reads_blocks: ClassVar[bool] = False
    """Whether the proof reads the matrix block by block, so that it may be a Dask array."""

    p: Annotated[float, NormExponent()]
    q: Annotated[float, NormExponent()]
    shape: Annotated[tuple[int, int], Shape()]
    fingerprint: Annotated[str, Fingerprint()]
    field: Annotated[str, Choice(("real", "complex"))]
    side: Annotated[str, Choice(("matrix", "transpose"))]
    upper: Annotated[float, Real(0.0)]

    @classmethod
    def sizes(cls, known: Mapping[str, Any]) -> Sizes:
        if "side" not in known:
            return {}
        m, n = known["shape"]
        return {"m": m, "n": n} if known["side"] == "matrix" else {"m": n, "n": m}

    @property
    def quantity(self) -> str:
        return operator_norm_text(self.p, self.q, self.field)

    @property
    def claim(self) -> Claim:
        return Claim(self.upper, is_upper=True)

    def describe(self) -> dict[str, Any]:
        told = {"kind": self.kind, "p": self.p, "q": self.q, "shape": list(self.shape)}
        return told if self.field == "real" else told | {"field": self.field}

    def read(self, data: Any) -> ScaledMatrix:
        return read_operator_matrix(data, self.shape, self.fingerprint, self.field, by_blocks=self.reads_blocks)

    def establish(self, subject: ScaledMatrix, *, exact: bool) -> VerifiedBound:
        matrix = operator_matrix(subject, self.shape, self.field)
        if isinstance(matrix.entries, BlockMatrix) and not self.reads_blocks:
            raise CertificateError(f"The rule {self.kind!r} has no proof for a Dask array.")
        rigor = Rigor.EXACT if exact else Rigor.FLOATING_POINT
        if matrix.is_zero:
            return VerifiedBound(quantity=self.quantity, rigor=rigor, upper=0.0)
        with precision(), np.errstate(all="ignore"):
            proved = self.unscaled(self.bound(matrix, exact=exact), matrix)
        if not proved <= self.upper * (1 + _TOLERANCE):
            raise CertificateError(f"The norm is proved to be at most {proved!r}, not {self.upper!r}.")
        return VerifiedBound(quantity=self.quantity, rigor=rigor, upper=proved)

    @abstractmethod
    def bound(self, matrix: ScaledMatrix, *, exact: bool) -> flint.arb:
        """A ball whose upper end is proved to bound the norm of the scaled matrix, which is not zero.

        It is called with the precision and the error handling of a proof. A `CertificateError` if nothing is proved.

        Parameters
        ----------
        matrix : ScaledMatrix
        exact : bool
            Prove in exact arithmetic.

        Returns
        -------
        flint.arb

        Raises
        ------
        CertificateError
            If nothing is proved.
        """

    def unscaled(self, bound: flint.arb, matrix: ScaledMatrix) -> float:
        """An upper bound on the norm of A from one on that of the scaled matrix.

        Parameters
        ----------
        bound : flint.arb
        matrix : ScaledMatrix

        Returns
        -------
        float
        """
        # ‖E‖_{p→q} is at most the sum of |E_ij|, of which each part is below 2**-1074.
        parts = (2 if self.field == "complex" else 1) * self.shape[0] * self.shape[1]
        moved = rational(2.0**-1074) * rational(parts if matrix.inexact else 0)
        return upper_float((bound + moved) * rational(2) ** matrix.exponent)

    def operand(self, matrix: ScaledMatrix) -> Operand:
        """What the rule is about.

        Parameters
        ----------
        matrix : ScaledMatrix

        Returns
        -------
        Operand
        """
        return operand_of(matrix, self.p, self.q, self.side)

    def refuse(self, operand: Operand) -> CertificateError:
        """The error for exponents to which the rule does not apply.

        Parameters
        ----------
        operand : Operand

        Returns
        -------
        CertificateError
        """
        remedy = "" if self.side == "transpose" else ", or not without the transpose"
        return CertificateError(f"The rule {self.kind!r} does not apply to {self.quantity}{remedy}.")


def operand_of(matrix: ScaledMatrix, p: float, q: float, side: str) -> Operand:
    """A scaled matrix that is not zero, or its transpose, with the exponents that belong to it.

    Parameters
    ----------
    matrix : ScaledMatrix
    p, q : float
    side : {"matrix", "transpose"}

    Returns
    -------
    Operand

    See Also
    --------
    OperatorCertificate : Has one of its matrix.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.forms import ScaledMatrix
    >>> operand = operand_of(ScaledMatrix.identified(np.eye(3)), 4.0, 2.0, "transpose")
    >>> operand.p, operand.q  # dual to 2 and 4
    (Fraction(2, 1), Fraction(4, 3))
    """
    exponents = exact_exponent(p), exact_exponent(q)
    entries = matrix.entries
    if side == "transpose":
        exponents = conjugate(exponents[1]), conjugate(exponents[0])
    if isinstance(entries, BlockMatrix):
        turned = entries.T if side == "transpose" else entries
        return Operand(turned, *exponents, *map(np.arange, turned.shape))
    if side == "transpose":
        entries = sp.csr_array(entries.T) if isinstance(entries, sp.csr_array) else entries.T
    rows, columns = (np.flatnonzero(_has_entries(entries, axis)) for axis in (1, 0))
    if len(rows) < entries.shape[0]:
        entries = entries[rows]
    if len(columns) < entries.shape[1]:
        entries = entries[:, columns]
    if isinstance(entries, np.ndarray):
        entries = np.ascontiguousarray(entries)
    return Operand(entries, *exponents, rows, columns)


def identified_matrix(A: Any, name: str = "A") -> ScaledMatrix:
    """A checked and scaled copy of a real or complex matrix, or the blocks of a Dask array, with its fingerprint.

    Parameters
    ----------
    A : array_like, sparse matrix, DataFrame or dask.array.Array of shape (m, n)
        Finite.
    name : str, default "A"
        What errors call it.

    Returns
    -------
    ScaledMatrix

    Raises
    ------
    InvalidInputError
        If the matrix cannot be used.

    See Also
    --------
    hypernorm.forms.ScaledMatrix : What it returns.

    Examples
    --------
    >>> identified_matrix([[3.0, -1.0j]]).field
    'complex'
    """
    if not is_complex(A):
        if is_chunked(A):
            return ScaledMatrix.identified(check_rows(A, name))
        return ScaledMatrix.identified(check_matrix(A, name, copy=True))
    matrix = check_complex(A, name)
    return ScaledMatrix(matrix.entries, fingerprint(matrix.stacked))


def read_operator_matrix(
    data: Any, shape: tuple[int, int], digits: str, field: str = "real", *, by_blocks: bool = False
) -> ScaledMatrix:
    """The matrix of a certificate, after a check of its entries and of its identity, as the subject of a proof.

    Real ones may be Dask arrays if the proof reads them by blocks.

    Raises
    ------
    CertificateError
        If its shape differs from `shape`, or its fingerprint from `digits`.
    InvalidInputError
        If the matrix cannot be used.
    """
    if field == "complex":
        return ScaledMatrix(read_complex(data, shape, digits, "A").entries, digits)
    matrix = check_rows(data, "A") if by_blocks and is_chunked(data) else check_matrix(data, "A", copy=True)
    check_identity(matrix, shape, digits)
    return ScaledMatrix(matrix, digits)


def operator_matrix(subject: Any, shape: tuple[int, int], field: str = "real") -> ScaledMatrix:
    """The subject of a proof about a whole matrix of the given shape.

    Raises
    ------
    CertificateError
    """
    if type(subject) is not ScaledMatrix or (subject.shape, subject.field) != (shape, field):
        raise CertificateError(f"The subject of the proof must be a scaled {field} matrix of shape {shape}.")
    return subject


def _has_entries(entries: Matrix, axis: int) -> np.ndarray:
    """Which rows (axis 1) or columns (axis 0) have an entry that is not zero."""
    if isinstance(entries, np.ndarray):
        return np.asarray(entries.any(axis=axis))
    if axis == 1:
        return np.asarray(np.diff(entries.indptr) > 0)
    return np.asarray(np.bincount(entries.indices, minlength=entries.shape[1]) > 0)
