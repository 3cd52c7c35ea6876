"""Certificates of cut norms, max |Σ_{i∈S, j∈T} A_ij| over sets S of rows and T of columns.

**Theorem.** The cut norm of A is a quarter of ‖Ã‖_{∞→1} for

    Ã = [[A, −A1], [−1ᵀA, 1ᵀA1]].

*Proof.* For signs x, y and s = (1 + x)/2, t = (1 + y)/2, 4 sᵀAt = xᵀAy + xᵀA1 + 1ᵀAy + 1ᵀA1, the value of Ã at the
signs (x, −1) and (y, −1). Every pair of vectors of signs is such a pair, up to their signs. ∎

Sums in the border of Ã are rounded correctly (`math.fsum`), and ‖E‖_{∞→1} ≤ Σ |E_ij| for their errors E.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import flint
import numpy as np
import scipy.sparse as sp

from hypernorm._validation import Matrix, as_dense
from hypernorm.certificates.base import Certificate
from hypernorm.certificates.dyadic import DyadicMatrix
from hypernorm.certificates.enumeration import EnumerationCertificate
from hypernorm.certificates.fields import Array, Fingerprint, Real, Shape
from hypernorm.certificates.inner import Inner
from hypernorm.certificates.operator import OperatorCertificate, operator_matrix, read_operator_matrix
from hypernorm.certificates.perron import PerronCertificate
from hypernorm.certificates.registry import register
from hypernorm.certificates.rounding import UNIT, check_arithmetic, lower_float, precision, rational, upper_float
from hypernorm.certificates.verified import Claim, Rigor, VerifiedBound, VerifiedValue, verified_value
from hypernorm.certificates.weights import WeightsCertificate
from hypernorm.exceptions import CertificateError
from hypernorm.forms import ScaledMatrix

__all__ = ["CutNormCertificate", "CutNormWitness", "bordered"]

_QUANTITY = "cut norm of A"
_TOLERANCE = 1e-9


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class CutNormCertificate(Certificate):
    """A proof of an upper bound on the cut norm of A, from a certificate of an operator norm.

    `cut_norm` and `load_certificate` return one.

    Attributes
    ----------
    shape : tuple of int
        Shape (m, n) of the matrix.
    fingerprint : str
        SHA-256 of the values of the matrix, see `hypernorm.forms.fingerprint`.
    upper : float
        The claimed bound; `verify` proves it.
    norm : WeightsCertificate, PerronCertificate or EnumerationCertificate
        For ‖Ã‖_{∞→1} of the bordered matrix of shape (m + 1, n + 1), computed from A divided by a power of two.

    See Also
    --------
    CutNormWitness : A lower bound on the same norm.

    Notes
    -----
    Theorem 9 of theory/operator_norms of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> hn.cut_norm(np.ones((3, 5)), random_state=0).certificate
    CutNormCertificate(kind='perron', shape=(3, 5), upper=15.0000000001 as claimed)
    """

    kinds: ClassVar = ("cut_norm",)
    has_exact_proof: ClassVar = True
    data_name: ClassVar = "A"

    shape: Annotated[tuple[int, int], Shape()]
    fingerprint: Annotated[str, Fingerprint()]
    upper: Annotated[float, Real(0.0)]
    norm: Annotated[OperatorCertificate, Inner(WeightsCertificate, PerronCertificate, EnumerationCertificate)]

    def rules(self) -> None:
        m, n = self.shape
        if (self.norm.p, self.norm.q, self.norm.shape) != (math.inf, 1.0, (m + 1, n + 1)):
            raise CertificateError(
                f"The norm certificate is for {self.norm.quantity} of shape {self.norm.shape}, it must be for "
                f"||A||_{{∞→1}} of shape {(m + 1, n + 1)}."
            )

    @property
    def quantity(self) -> str:
        return _QUANTITY

    @property
    def claim(self) -> Claim:
        return Claim(self.upper, is_upper=True)

    def describe(self) -> dict[str, Any]:
        return {"kind": self.norm.kind, "shape": list(self.shape)}

    def read(self, data: Any) -> ScaledMatrix:
        return read_operator_matrix(data, self.shape, self.fingerprint)

    def establish(self, subject: ScaledMatrix, *, exact: bool) -> VerifiedBound:
        matrix = operator_matrix(subject, self.shape)
        border = bordered(matrix.entries)
        proved = self.norm.prove(ScaledMatrix(border), exact=exact).upper
        with precision():
            error = _exact_error(matrix.entries, border) if exact else _border_error(border)
            # A scaled entry below the normal range has moved by less than 2**-1074.
            moved = rational(2.0**-1074) * rational(self.shape[0] * self.shape[1] if matrix.inexact else 0)
            total = (rational(proved) + error) / 4 + moved
            upper = 0.0 if total.is_zero() else upper_float(total * rational(2) ** matrix.exponent)
        if not upper <= self.upper * (1 + _TOLERANCE):
            raise CertificateError(f"The cut norm is proved to be at most {upper!r}, not {self.upper!r}.")
        rigor = Rigor.EXACT if exact else Rigor.FLOATING_POINT
        return VerifiedBound(quantity=self.quantity, rigor=rigor, upper=upper)


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class CutNormWitness(Certificate):
    """Sets S of rows and T of columns with a lower bound on |Σ_{i∈S, j∈T} A_ij|.

    Attributes
    ----------
    shape : tuple of int
    fingerprint : str
        SHA-256 of the shape and the values of the matrix.
    value : float
        A proved lower bound on the cut norm.
    rows, columns : ndarray of bool, of shapes (m,) and (n,)
        Which rows and columns are in S and T.

    See Also
    --------
    CutNormCertificate : An upper bound on the same norm.

    Notes
    -----
    Theorem 9 of theory/operator_norms of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> round(hn.cut_norm(np.ones((3, 5)), random_state=0).witness.verify(np.ones((3, 5))).lower, 9)
    15.0

    >>> from hypernorm.forms import ScaledMatrix
    >>> ones = np.ones(2, dtype=bool)
    >>> CutNormWitness.of_matrix(ScaledMatrix.identified(np.eye(2)), ones, ones).verify(np.eye(2)).lower > 1.999
    True
    """

    kinds: ClassVar = ("cut_norm_witness",)
    has_exact_proof: ClassVar = True
    data_name: ClassVar = "A"

    shape: Annotated[tuple[int, int], Shape()]
    fingerprint: Annotated[str, Fingerprint()]
    value: Annotated[float, Real(0.0)]
    rows: Annotated[np.ndarray, Array("n", dtypes=(np.bool_,))]
    columns: Annotated[np.ndarray, Array("d", dtypes=(np.bool_,))]

    @classmethod
    def of_matrix(cls, matrix: ScaledMatrix, rows: np.ndarray, columns: np.ndarray) -> CutNormWitness:
        """Prove the value that two sets attain, for a matrix with a known fingerprint.

        Parameters
        ----------
        matrix : ScaledMatrix
        rows, columns : ndarray of bool, of shapes (m,) and (n,)

        Returns
        -------
        CutNormWitness
        """
        value = _attained(matrix, rows, columns, exact=False)[0]
        return cls(shape=matrix.shape, fingerprint=matrix.fingerprint, value=value, rows=rows, columns=columns)

    @property
    def quantity(self) -> str:
        return _QUANTITY

    @property
    def claim(self) -> Claim:
        return Claim(self.value, is_upper=False)

    def describe(self) -> dict[str, Any]:
        return {"rows": int(self.rows.sum()), "columns": int(self.columns.sum()), "shape": list(self.shape)}

    def read(self, data: Any) -> ScaledMatrix:
        return read_operator_matrix(data, self.shape, self.fingerprint)

    def establish(self, subject: ScaledMatrix, *, exact: bool) -> VerifiedValue:
        matrix = operator_matrix(subject, self.shape)
        enclosure = _attained(matrix, self.rows, self.columns, exact=exact)
        return verified_value(self.value, enclosure, self.quantity, exact=exact)


def bordered(entries: Matrix) -> Matrix:
    """Ã with correctly rounded sums.

    Parameters
    ----------
    entries : ndarray or csr_array of shape (m, n)

    Returns
    -------
    ndarray or csr_array of shape (m + 1, n + 1)
        The sums of rows and columns are subtracted, so that all sums are zero.

    See Also
    --------
    CutNormCertificate : Bounds its norm.

    Examples
    --------
    >>> import numpy as np
    >>> bordered(np.array([[1.0, 2.0]]))
    array([[ 1.,  2., -3.],
           [-1., -2.,  3.]])
    """
    right = -np.array([math.fsum(row) for row in _values_by_row(entries)])
    below = -np.array([math.fsum(row) for row in _values_by_row(_transposed(entries))])
    corner = math.fsum(value for row in _values_by_row(entries) for value in row)
    blocks: list[list[Any]] = [[entries, right[:, None]], [below[None], np.array([[corner]])]]
    if isinstance(entries, np.ndarray):
        return np.block(blocks)
    return sp.csr_array(sp.block_array([[sp.csr_array(block) for block in row] for row in blocks]))


def _transposed(entries: Matrix) -> Matrix:
    return entries.T if isinstance(entries, np.ndarray) else sp.csr_array(entries.T)


def _values_by_row(entries: Matrix) -> Iterator[list[float]]:
    """The entries of each row; for a sparse matrix those that are stored."""
    for index in range(entries.shape[0]):
        if isinstance(entries, np.ndarray):
            yield entries[index].tolist()
        else:
            yield entries.data[entries.indptr[index] : entries.indptr[index + 1]].tolist()


def _border_error(border: Matrix) -> flint.arb:
    """A bound on Σ |E_ij|: each sum of the border is rounded once, by at most u times itself."""
    last_row, last_column = (as_dense(part) for part in (border[[-1]], border[:, [-1]]))
    sums = np.concatenate([last_row.ravel(), last_column.ravel()])
    return sum((rational(2 * UNIT * abs(value)) for value in sums.tolist()), rational(0))


def _exact_error(entries: Matrix, border: Matrix) -> flint.arb:
    """Σ |E_ij| from the exact sums."""
    A, found = DyadicMatrix.from_floats(as_dense(entries)), as_dense(border)
    ones = [DyadicMatrix.from_floats(np.ones((side, 1))) for side in A.shape]
    right, below = A @ ones[1], A.T @ ones[0]
    corner = ones[0].T @ right
    pairs = ((right, -found[:-1, -1:]), (below, -found[-1:, :-1].T), (corner, found[-1:, -1:]))
    total = rational(0)
    for true, rounded in pairs:
        difference = true - DyadicMatrix.from_floats(np.ascontiguousarray(rounded))
        magnitude = sum((abs(entry) for entry in difference.integers.entries()), flint.fmpz(0))
        total += flint.arb(magnitude) * rational(2) ** difference.exponent
    return total


def _attained(matrix: ScaledMatrix, rows: np.ndarray, columns: np.ndarray, *, exact: bool) -> tuple[float, float]:
    """Proved lower and upper bounds on |Σ_{i∈S, j∈T} A_ij|."""
    check_arithmetic()
    block = matrix.entries[rows][:, columns]
    if not block.size:
        return 0.0, 0.0
    with precision(), np.errstate(all="ignore"):
        if exact:
            part = DyadicMatrix.from_floats(as_dense(block))
            total = sum(part.integers.entries(), flint.fmpz(0))
            below = above = flint.arb(abs(total)) * rational(2) ** part.exponent
        else:
            # The sum is rounded once.
            size = abs(math.fsum(value for row in _values_by_row(block) for value in row))
            below, above = rational(math.nextafter(size, 0.0)), rational(math.nextafter(size, math.inf))
        scale = rational(2) ** matrix.exponent
        moved = rational(2.0**-1074) * rational(matrix.shape[0] * matrix.shape[1] if matrix.inexact else 0)
        return lower_float((below - moved) * scale), upper_float((above + moved) * scale)
