"""Certificates of operator norms from a certificate of a 2→q norm of the matrix with weighted columns.

**Theorem.** Let s > 0, S = Diag(s) and q ≥ 2. For p ≥ 2

    ‖A‖_{p→q} ≤ ‖1/s²‖_{p/(p−2)}^{1/2} ‖AS‖_{2→q},

and for p < 2, with the columns a_j of A and ‖a_j‖_q^{p*−2} ≤ L s_j², ‖A‖_{p→q} ≤ (L ‖AS‖_{2→q}²)^{1/p*}.

*Proof.* For ‖v‖_p = 1, ‖Av‖_q ≤ ‖AS‖_{2→q} (Σ v_j²/s_j²)^{1/2}; apply Hölder's inequality. For p < 2 and ‖y‖_{q*} = 1,
|⟨a_j, y⟩| ≤ ‖a_j‖_q, so ‖Aᵀy‖_{p*}^{p*} ≤ L Σ s_j² ⟨a_j, y⟩² ≤ L ‖SAᵀ‖_{q*→2}², and ‖SAᵀ‖_{q*→2} = ‖AS‖_{2→q}. ∎

For p, q ≤ 2 the transpose is meant. The certificate may be for another exponent r near q, since
‖y‖_q ≤ m^{1/q−1/r} ‖y‖_r, with the factor 1 for r ≤ q. The bound of a real matrix holds for complex vectors: real and
complex norms agree for p ≤ q, here 2 ≤ q. Of a complex matrix the certificate is a `ComplexNormCertificate`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, ClassVar

import flint
import numpy as np
import scipy.sparse as sp

from hypernorm._complex import ComplexMatrix, above_one_another
from hypernorm._validation import Matrix, as_dense
from hypernorm.certificates.complex_norm import ComplexNormCertificate
from hypernorm.certificates.dyadic import DyadicMatrix
from hypernorm.certificates.exponents import conjugate, exact_exponent, inverse, norm_change, norm_of_balls, raised
from hypernorm.certificates.fields import Array
from hypernorm.certificates.inner import Inner
from hypernorm.certificates.nonnegative import column_norms
from hypernorm.certificates.operator import Operand, OperatorCertificate
from hypernorm.certificates.reduced import MATRIX_NORMS, MatrixNormCertificate
from hypernorm.certificates.registry import register
from hypernorm.certificates.rounding import SAFETY, UNIT, precision, rational
from hypernorm.exceptions import CertificateError
from hypernorm.forms import Rows, ScaledMatrix

__all__ = ["TwoToQCertificate", "weighted_columns"]

_LARGEST_WEIGHT = 2.0**300
_EXACT_ROWS = 256
# What products lose below the normal range is less than this in the Frobenius norm.
_VANISHED = 2.0**-480


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class TwoToQCertificate(OperatorCertificate):
    """Column weights s and a certificate of the 2→q norm of A Diag(s).

    Attributes
    ----------
    p, q, shape, fingerprint, field, side, upper
        As for `OperatorCertificate`.
    weights : ndarray of shape (n,) or None
        s, with entries in [2**-300, 2**300]; ones if None.
    norm : NormCertificate, SplitCertificate, TouchingCertificate, ReducedCertificate or ComplexNormCertificate
        For the computed A Diag(s), A being divided by a power of two.

    See Also
    --------
    OperatorCertificate : The other rules.

    Notes
    -----
    Theorem 6 of theory/operator_norms of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> A = np.random.default_rng(0).standard_normal((6, 4))
    >>> certificate = hn.operator_certificate(A, 4, 4, rule="two_to_q", random_state=0)
    >>> proved = certificate.norm.upper  # of the weighted columns, as if the checker had just proved it
    >>> certificate.upper_from(hn.certificates.identified_matrix(A), proved) <= certificate.upper
    True
    >>> certificate.verify(A).upper < 1.01 * hn.lower_bound(A, 4, p=4, random_state=0).value
    True
    """

    kinds: ClassVar = ("two_to_q",)

    weights: Annotated[np.ndarray | None, Array("n", optional=True)]
    norm: Annotated[MatrixNormCertificate | ComplexNormCertificate, Inner(*MATRIX_NORMS, ComplexNormCertificate)]

    def rules(self) -> None:
        s = self.weights
        if s is not None and not ((s >= 1 / _LARGEST_WEIGHT) & (s <= _LARGEST_WEIGHT)).all():
            raise CertificateError("The certificate's weights must be from 2**-300 to 2**300.")
        found, m = self.norm.shape, self.shape[0 if self.side == "matrix" else 1]
        if found[0] > m:
            raise CertificateError(f"The norm certificate is for {found[0]} rows, more than there are.")
        if (type(self.norm) is ComplexNormCertificate) is not (self.field == "complex"):
            raise CertificateError("The norm certificate must be one for complex vectors if and only if this one is.")

    def bound(self, matrix: ScaledMatrix, *, exact: bool) -> flint.arb:
        operand = self.operand(matrix)
        if operand.q < 2 or operand.p == 1:
            raise self.refuse(operand)
        Y, loss = weighted_columns(operand.entries, self._factors(operand), exact=exact)
        found = (int(Y.shape[0]), int(Y.shape[1]))
        if self.norm.shape != found:
            raise CertificateError(f"The norm certificate is for the shape {self.norm.shape}, it must be {found}.")
        subject = Rows(Y) if self.field == "real" else ComplexMatrix(Y.real, Y.imag)
        proved = self.norm.prove(subject, exact=exact).upper
        return self._bound_from(operand, proved, loss, exact=exact)

    def upper_from(self, matrix: ScaledMatrix, proved: float) -> float:
        """The bound on the norm of A, if the checker has just proved `proved` for the certificate in `norm`.

        Parameters
        ----------
        matrix : ScaledMatrix
        proved : float

        Returns
        -------
        float
        """
        operand = self.operand(matrix)
        with precision(), np.errstate(all="ignore"):
            _, loss = weighted_columns(operand.entries, self._factors(operand), exact=False)
            return self.unscaled(self._bound_from(operand, proved, loss, exact=False), matrix)

    def _factors(self, operand: Operand) -> np.ndarray:
        """s for the columns that take part."""
        return np.ones(len(operand.columns)) if self.weights is None else self.weights[operand.columns]

    def _bound_from(self, operand: Operand, proved: float, loss: flint.arb, *, exact: bool) -> flint.arb:
        """The bound from one on the 2→r norm of the computed A Diag(s)."""
        p, q, s = operand.p, operand.q, self._factors(operand)
        change = norm_change(inverse(exact_exponent(self.norm.q)), inverse(q), len(operand.rows))
        size = rational(proved) * change + loss
        if p < 2:
            return _for_small_p(operand, s, size, exact)
        squares = (1 / rational(w) ** 2 for w in s.tolist())
        ratio = Fraction(1) if p == np.inf else np.inf if p == 2 else Fraction(p) / (Fraction(p) - 2)
        return raised(norm_of_balls(squares, ratio), Fraction(1, 2)) * size


def _for_small_p(operand: Operand, s: np.ndarray, size: flint.arb, exact: bool) -> flint.arb:
    dual = Fraction(conjugate(operand.p))
    lengths = column_norms(operand.magnitudes(exact=exact), operand.q, exact=exact)
    ratios = (raised(x, dual - 2) / rational(w) ** 2 for x, w in zip(lengths, s.tolist(), strict=True))
    return raised(norm_of_balls(ratios, np.inf) * size**2, 1 / dual)


def weighted_columns(entries: Matrix, s: np.ndarray, *, exact: bool) -> tuple[Matrix, flint.arb]:
    """The computed Y = A Diag(s), and a bound on ‖A Diag(s) − Y‖_F.

    Parameters
    ----------
    entries : ndarray or csr_array of shape (m, n)
    s : ndarray of shape (n,)
    exact : bool
        Bound the difference in exact arithmetic.

    Returns
    -------
    Y : ndarray or csr_array
    error : flint.arb

    See Also
    --------
    TwoToQCertificate : Uses them.

    Examples
    --------
    >>> import numpy as np
    >>> Y, error = weighted_columns(np.eye(2), np.array([1.0, 3.0]), exact=False)
    >>> Y.tolist(), float(error) < 1e-12
    ([[1.0, 0.0], [0.0, 3.0]], True)
    """
    if (s == 1).all():
        return entries, rational(0)
    Y: Matrix
    if isinstance(entries, np.ndarray):
        Y = entries * s
        size = float(np.linalg.norm(entries * s))
    else:
        Y = sp.csr_array((entries.data * s[entries.indices], entries.indices, entries.indptr), shape=entries.shape)
        size = float(np.linalg.norm(Y.data))
    if not exact:
        return Y, rational(2 * UNIT * SAFETY * size + _VANISHED)
    if Y.dtype.kind == "c":
        whole, computed = (above_one_another([part.real, part.imag]) for part in (entries, Y))
        return Y, _exact_loss(whole, computed, s)
    return Y, _exact_loss(entries, Y, s)


def _exact_loss(entries: Matrix, Y: Matrix, s: np.ndarray) -> flint.arb:
    """‖A Diag(s) − Y‖_F from products of integers."""
    total = rational(0)
    powers = DyadicMatrix.from_floats(np.diag(s))
    for start in range(0, Y.shape[0], _EXACT_ROWS):
        part = slice(start, start + _EXACT_ROWS)
        block = DyadicMatrix.from_floats(as_dense(entries[part])) @ powers
        mantissa, exponent = (block - DyadicMatrix.from_floats(as_dense(Y[part]))).squared_norm()
        total += rational(mantissa) * rational(2) ** exponent
    return raised(total, Fraction(1, 2))
