"""Certificates of norms of wide matrices and of matrices of low rank: a certificate for fewer columns.

**Theorem.** Let Y be any matrix, g > 0, and X = gYB + E. For q ≥ 2, ‖X‖_{2→q} ≤ √(g(1 + δ)) ‖Y‖_{2→q} + ‖E‖_F, where
δ = ‖gBBᵀ − I‖_F.

*Proof.* ‖Xv‖_q ≤ g ‖Y‖_{2→q} ‖Bv‖₂ + ‖Ev‖₂ for unit v, and g ‖B‖₂² = ‖gBBᵀ‖₂ ≤ 1 + δ. ∎

Y = XBᵀ is computed, and E and δ are bounded with all rounding errors. Columns of zeros take no part.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeAlias

import numpy as np
import scipy.sparse as sp

from hypernorm._display import norm_text
from hypernorm.certificates.base import Certificate
from hypernorm.certificates.dyadic import DyadicMatrix, dyadic
from hypernorm.certificates.fields import Array, Fingerprint, Integer, Real, Shape, Sizes
from hypernorm.certificates.inner import Inner
from hypernorm.certificates.norm import NormCertificate
from hypernorm.certificates.registry import register
from hypernorm.certificates.residuals import exact_squared_norm
from hypernorm.certificates.rounding import SAFETY, UNIT, gamma, precision, rational, scaling_loss, upper_float
from hypernorm.certificates.split import SplitCertificate
from hypernorm.certificates.subjects import read_samples, scaled_rows
from hypernorm.certificates.touching import TouchingCertificate
from hypernorm.certificates.values import LARGEST_SCALE
from hypernorm.certificates.verified import Claim, Rigor, VerifiedBound
from hypernorm.exceptions import CertificateError
from hypernorm.forms import Rows

if TYPE_CHECKING:
    import flint

__all__ = ["MATRIX_NORMS", "MatrixNormCertificate", "ReducedCertificate", "coordinate_rows"]

_MOST_COLUMNS = 2**30 - 1
# Entries of a block of rows and of its residual.
_BLOCK_ENTRIES = 1 << 20
_EXACT_ROWS = 256
# Squares of entries below 2**-537 underflow; a computed Frobenius norm is short by less than this.
_VANISHED = 2.0**-480


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class ReducedCertificate(Certificate):
    """A proof of an upper bound on max ‖Xv‖_q over unit vectors v, from one for a matrix with fewer columns.

    `two_to_q_norm` and other functions return one if X has more columns than rows, dependent columns or columns of
    zeros.

    Attributes
    ----------
    shape : tuple of int
        Shape (n, d) of X.
    fingerprint : str
        SHA-256 of the values of X, see `hypernorm.forms.fingerprint`.
    exponent : int
        Y is computed from X times 2**-exponent.
    rank : int
        Number k of columns of Y.
    used : int
        Number of columns of X that are not zero.
    columns : ndarray of shape (used,)
        Their indices, ascending; of dtype int64.
    basis : ndarray of shape (k, used) or None
        B; the identity if None.
    gain : float
        g, about 1/‖b‖² for the rows b of B.
    norm : NormCertificate, SplitCertificate or TouchingCertificate
        Certificate for Y = 2**-exponent XBᵀ.

    See Also
    --------
    NormCertificate : The certificate for a matrix with independent columns.

    Notes
    -----
    The theorem on reduction in theory/upper_bounds of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> X = np.random.default_rng(0).standard_normal((5, 1000))
    >>> certificate = hn.two_to_q_norm(X, q=4, random_state=0).certificate
    >>> certificate.rank, certificate.verify(X, exact=True).upper < 40
    (5, True)
    """

    kinds: ClassVar = ("reduced",)
    has_exact_proof: ClassVar = True

    shape: Annotated[tuple[int, int], Shape()]
    fingerprint: Annotated[str, Fingerprint()]
    exponent: Annotated[int, Integer(-LARGEST_SCALE, LARGEST_SCALE)]
    rank: Annotated[int, Integer(1, _MOST_COLUMNS)]
    used: Annotated[int, Integer(1, _MOST_COLUMNS)]
    columns: Annotated[np.ndarray, Array("u", dtypes=(np.int64,))]
    basis: Annotated[np.ndarray | None, Array("k", "u", optional=True)]
    gain: Annotated[float, Real(2.0**-20, 2.0**20)]
    norm: Annotated[
        NormCertificate | TouchingCertificate, Inner(NormCertificate, SplitCertificate, TouchingCertificate)
    ]

    @classmethod
    def sizes(cls, known: Mapping[str, Any]) -> Sizes:
        return {"k": known["rank"], "u": known["used"]} if "used" in known else {}

    def rules(self) -> None:
        n, d = self.shape
        if not (self.columns[0] >= 0 and self.columns[-1] < d and (np.diff(self.columns) > 0).all()):
            raise CertificateError(f"The certificate's columns must be ascending indices from 0 to {d - 1}.")
        if self.basis is None and (self.rank != self.used or self.gain != 1):
            raise CertificateError("A certificate without basis must have as many columns as it uses, and the gain 1.")
        if self.norm.shape != (n, self.rank):
            raise CertificateError(
                f"The norm certificate is for the shape {self.norm.shape}, it must be {(n, self.rank)}."
            )

    @property
    def q(self) -> float:
        """The exponent."""
        return self.norm.q

    @property
    def quantity(self) -> str:
        return norm_text(self.q)

    @property
    def upper(self) -> float:
        """The claimed bound, without the errors E and δ; `verify` proves it and adds them."""
        with precision(), np.errstate(all="ignore"):
            return self._combined(self.norm.upper, rational(0), rational(0))

    @property
    def claim(self) -> Claim:
        return Claim(self.upper, is_upper=True)

    def describe(self) -> dict[str, Any]:
        return {"kind": self.norm.kind, "q": self.q, "shape": list(self.shape), "rank": self.rank}

    def read(self, data: Any) -> Rows:
        return Rows(read_samples(data, self.shape, self.fingerprint), self.fingerprint)

    def establish(self, subject: Rows, *, exact: bool) -> VerifiedBound:
        rows = scaled_rows(subject, self.shape[1], self.exponent, count=self.shape[0])
        Y, loss = coordinate_rows(rows, self.columns, self.basis, self.gain)
        proved = self.norm.prove(Rows(Y), exact=exact).upper
        with precision():
            delta, rest = rational(0), rational(0)
            if self.basis is not None and exact:
                delta, rest = (
                    _exact_deviation(self.basis, self.gain),
                    _exact_rest(rows, self.columns, self.basis, self.gain, Y),
                )
            elif self.basis is not None:
                delta, rest = rational(_deviation(self.basis, self.gain)), rational(loss)
            upper = self._combined(proved, delta, rest + scaling_loss(rows))
        rigor = Rigor.EXACT if exact else Rigor.FLOATING_POINT
        return VerifiedBound(quantity=self.quantity, rigor=rigor, upper=upper)

    def _combined(self, proved: float, delta: flint.arb, rest: flint.arb) -> float:
        """2^e (√(g(1 + δ)) ‖Y‖ + ‖E‖_F), rounded up."""
        total = (rational(self.gain) * (1 + delta)).sqrt() * rational(proved) + rest
        return 0.0 if total.is_zero() else upper_float(total * rational(2) ** self.exponent)


MatrixNormCertificate: TypeAlias = NormCertificate | TouchingCertificate | ReducedCertificate
"""A certificate of an upper bound on the 2→q norm of a matrix; a `SplitCertificate` is a `NormCertificate`."""

MATRIX_NORMS = (NormCertificate, SplitCertificate, TouchingCertificate, ReducedCertificate)


def _exact_rest(rows: Rows, columns: np.ndarray, B: np.ndarray, gain: float, Y: np.ndarray) -> flint.arb:
    """‖X − gYB‖_F."""
    exact, total = DyadicMatrix.from_floats(B), rational(0)
    for start in range(0, len(Y), _EXACT_ROWS):
        stop = min(start + _EXACT_ROWS, len(Y))
        block = DyadicMatrix.from_floats(_dense(_used(rows.operand(start, stop), columns)))
        total += exact_squared_norm(block - (DyadicMatrix.from_floats(Y[start:stop]) @ exact).scaled(*dyadic(gain)))
    return total.sqrt()


def _exact_deviation(B: np.ndarray, gain: float) -> flint.arb:
    """‖gBBᵀ − I‖_F."""
    exact = DyadicMatrix.from_floats(B)
    identity = DyadicMatrix.from_floats(np.eye(len(B)))
    return exact_squared_norm((exact @ exact.T).scaled(*dyadic(gain)) - identity).sqrt()


def _deviation(B: np.ndarray, gain: float) -> float:
    """A bound on ‖gBBᵀ − I‖_F: each entry of BBᵀ is a sum over the columns, and has two more roundings."""
    with np.errstate(over="ignore", invalid="ignore"):
        difference = gain * (B @ B.T) - np.eye(len(B))
        error = gamma(B.shape[1] + 2) * gain * float(np.linalg.norm(B)) ** 2
        return SAFETY * (float(np.linalg.norm(difference)) * (1 + 2 * UNIT) + error) + _VANISHED


def coordinate_rows(rows: Rows, columns: np.ndarray, basis: np.ndarray | None, gain: float) -> tuple[Any, float]:
    """The computed Y = XBᵀ, and a bound on ‖X − gYB‖_F for this Y.

    Parameters
    ----------
    rows : Rows
        The rows of X, with their scale.
    columns : ndarray of shape (u,)
        Ascending indices. All other columns must be zero.
    basis : ndarray of shape (k, u) or None
        B; if None, Y has the given columns, and is sparse if X is.
    gain : float
        g; 1 without a basis.

    Returns
    -------
    Y : ndarray or csr_array of shape (n, k)
    loss : float
        Zero without a basis.

    Raises
    ------
    CertificateError
        If another column is not zero, or a number overflows.

    See Also
    --------
    ReducedCertificate : Uses them.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.forms import Rows
    >>> Y, loss = coordinate_rows(Rows(np.array([[0.0, 1.0]])), np.array([1]), None, 1.0)
    >>> Y.shape, loss
    ((1, 1), 0.0)
    """
    step = max(1, _BLOCK_ENTRIES // len(columns))

    def partial(rows: Rows, part: range) -> tuple[list[Any], float, float]:
        images: list[Any] = []
        rest = size = 0.0
        for start in range(part.start, part.stop, step):
            block = _used(rows.operand(start, min(start + step, part.stop)), columns)
            image = block if basis is None else block @ basis.T
            images.append(image)
            if basis is not None:
                difference = image @ basis
                difference *= -gain
                difference += _dense(block)
                rest += float(np.linalg.norm(difference)) ** 2
                size += float(np.linalg.norm(image)) ** 2
        return images, rest, size

    with np.errstate(over="ignore", invalid="ignore"):
        found = list(rows.partials(partial, rows.ranges(min(step, rows.shape[0]))))
    images = [image for part in found for image in part[0]]
    Y = np.concatenate(images) if isinstance(images[0], np.ndarray) else sp.csr_array(sp.vstack(images))
    if basis is None:
        return Y, 0.0
    rest, size = math.sqrt(sum(part[1] for part in found)), math.sqrt(sum(part[2] for part in found))
    # The product with B is a sum over its k rows; then come the product with g and the difference.
    error = gamma(len(basis) + 3) * gain * size * float(np.linalg.norm(basis))
    loss = SAFETY * (rest * (1 + 2 * UNIT) + error) + _VANISHED
    if not (math.isfinite(loss) and np.isfinite(np.asarray(Y)).all()):
        raise CertificateError("Nothing is proved: the numbers are too large for a proof, they overflow.")
    return Y, loss


def _used(block: Any, columns: np.ndarray) -> Any:
    """The given columns of a block; a `CertificateError` if another one is not zero."""
    if len(columns) == block.shape[1]:
        return block
    others = np.ones(block.shape[1], dtype=bool)
    others[columns] = False
    outside = block[:, others] if isinstance(block, np.ndarray) else block.data[others[block.indices]]
    if outside.any():
        raise CertificateError("A column that the certificate does not use is not zero.")
    return np.ascontiguousarray(block[:, columns]) if isinstance(block, np.ndarray) else sp.csr_array(block[:, columns])


def _dense(block: Any) -> np.ndarray:
    return np.asarray(block if isinstance(block, np.ndarray) else block.toarray())
