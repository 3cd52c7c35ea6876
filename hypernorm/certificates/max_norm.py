"""Certificates of the max norm γ₂: factors from above, the nuclear norm of a scaled matrix from below.

γ₂(X) is the least max_i ‖u_i‖ · max_j ‖v_j‖ over factorisations X = UVᵀ with rows u_i and v_j.

**Theorem.** For all U and V, and all x, y ≠ 0,

    ‖Diag(x) X Diag(y)‖_* / (‖x‖ ‖y‖) ≤ γ₂(X) ≤ max ‖u_i‖ · max ‖v_j‖ + max_i ‖row i of X − UVᵀ‖.

*Proof.* If X = UVᵀ, then ‖Diag(x) U Vᵀ Diag(y)‖_* ≤ ‖Diag(x) U‖_F ‖Diag(y) V‖_F ≤ ‖x‖ max ‖u_i‖ · ‖y‖ max ‖v_j‖. γ₂
is a norm, and γ₂(E) ≤ max ‖row of E‖ by E = E · I. ∎
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import flint
import numpy as np

from hypernorm.certificates.base import Certificate
from hypernorm.certificates.dyadic import DyadicMatrix
from hypernorm.certificates.fields import Array, Fingerprint, Integer, Shape
from hypernorm.certificates.inner import Inner
from hypernorm.certificates.low_rank import formed_error
from hypernorm.certificates.registry import register
from hypernorm.certificates.residuals import VANISHED, exact_squared_norm
from hypernorm.certificates.rounding import (
    SAFETY,
    UNIT,
    gamma,
    lower_float,
    precision,
    rational,
    scaling_loss,
    upper_float,
)
from hypernorm.certificates.singular_values import SingularValueCertificate
from hypernorm.certificates.subjects import read_samples, scaled_rows
from hypernorm.certificates.values import LARGEST_SCALE
from hypernorm.certificates.verified import Rigor, VerifiedEnclosure
from hypernorm.exceptions import CertificateError
from hypernorm.forms import Rows

__all__ = ["MaxNormCertificate", "weighted_matrix"]

_MOST_COLUMNS = 2**30 - 1


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class MaxNormCertificate(Certificate):
    """A proof of bounds on the max norm γ₂ of a matrix.

    Attributes
    ----------
    shape : tuple of int
        Shape (n, d) of X.
    fingerprint : str
        SHA-256 of the values of X, see `hypernorm.forms.fingerprint`.
    exponent : int
        The other fields are for X times 2**-exponent.
    rank : int
        Number k of columns of the factors.
    left, right : ndarray of shape (n, k), (d, k)
        U and V, which prove the upper bound.
    row_weights, column_weights : ndarray of shape (n,), (d,)
        x and y.
    singular : SingularValueCertificate
        For the computed Diag(x) X Diag(y): it proves the lower bound.

    See Also
    --------
    hypernorm.max_norm : Compute one, with an example.

    Notes
    -----
    Theorem 6 of theory/unitarily_invariant_norms of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> proved = hn.max_norm(np.eye(2)).certificate.verify(np.eye(2))
    >>> proved.lower <= 1 <= proved.upper
    True
    """

    kinds: ClassVar = ("max_norm",)
    has_exact_proof: ClassVar = True

    shape: Annotated[tuple[int, int], Shape()]
    fingerprint: Annotated[str, Fingerprint()]
    exponent: Annotated[int, Integer(-LARGEST_SCALE, LARGEST_SCALE)]
    rank: Annotated[int, Integer(1, _MOST_COLUMNS)]
    left: Annotated[np.ndarray, Array("n", "k")]
    right: Annotated[np.ndarray, Array("d", "k")]
    row_weights: Annotated[np.ndarray, Array("n")]
    column_weights: Annotated[np.ndarray, Array("d")]
    singular: Annotated[SingularValueCertificate, Inner(SingularValueCertificate)]

    def rules(self) -> None:
        if not (self.row_weights.any() and self.column_weights.any()):
            raise CertificateError("The weights of the certificate must not all be zero.")
        if self.singular.shape != self.shape:
            raise CertificateError(
                f"The inner certificate is for the shape {self.singular.shape}, it must be {self.shape}."
            )

    @property
    def quantity(self) -> str:
        return "max norm of X"

    def describe(self) -> dict[str, Any]:
        return {"shape": list(self.shape), "rank": self.rank}

    def read(self, data: Any) -> Rows:
        return Rows(read_samples(data, self.shape, self.fingerprint), self.fingerprint)

    def establish(self, subject: Rows, *, exact: bool) -> VerifiedEnclosure:
        rows = scaled_rows(subject, self.shape[1], self.exponent, count=self.shape[0])
        if rows.is_zero:
            lower = upper = 0.0
        else:
            W, loss = weighted_matrix(rows, self.row_weights, self.column_weights)
            values = self.singular.prove(Rows(W), exact=exact).lowers
            with precision(), np.errstate(all="ignore"):
                rest = self._exact_loss(rows, W) if exact else rational(loss)
                nuclear = sum(map(rational, values), rational(0)) - rational(min(self.shape)).sqrt() * rest
                below = nuclear / (_length(self.row_weights) * _length(self.column_weights)) - scaling_loss(rows)
                above = (self._exact_factors(rows) if exact else self._factors(rows)) + scaling_loss(rows)
                scale = rational(2) ** self.exponent
                lower, upper = lower_float(below * scale), upper_float(above * scale)
        rigor = Rigor.EXACT if exact else Rigor.FLOATING_POINT
        return VerifiedEnclosure(quantity=self.quantity, rigor=rigor, lower=lower, upper=upper)

    def _factors(self, rows: Rows) -> flint.arb:
        """The upper bound for the scaled matrix; the rounding of row i of X − UVᵀ is γ_{k+1} (‖x_i‖ + ‖u_i‖‖V‖_F)."""
        E, _ = formed_error(rows, self.left, self.right)
        if not np.isfinite(E).all():
            raise CertificateError("Nothing is proved: the numbers are too large for a proof, they overflow.")
        across, down, rest = (float(_row_lengths(side).max()) for side in (self.left, self.right, E))
        relative = rational(SAFETY * gamma(self.rank + 8))
        product = rational(across) * (1 + relative) * rational(down) * (1 + relative)
        size = float(rows.norms.max()) + across * float(np.linalg.norm(self.right))
        error = SAFETY**2 * gamma(self.rank + 1) * size + VANISHED * (1 + across + down)
        return product + rational(SAFETY * rest) + rational(error)

    def _exact_factors(self, rows: Rows) -> flint.arb:
        U, V = DyadicMatrix.from_floats(self.left), DyadicMatrix.from_floats(self.right)
        error = DyadicMatrix.from_floats(rows.block(0, self.shape[0])) - U @ V.T
        across, down, rest = map(_longest_row, (U, V, error))
        return across * down + rest

    def _exact_loss(self, rows: Rows, W: np.ndarray) -> flint.arb:
        """‖W − Diag(x) X Diag(y)‖_F."""
        first, second = (DyadicMatrix.from_floats(np.diag(side)) for side in (self.row_weights, self.column_weights))
        X = DyadicMatrix.from_floats(rows.block(0, self.shape[0]))
        return exact_squared_norm(DyadicMatrix.from_floats(W) - first @ X @ second).sqrt()


def weighted_matrix(rows: Rows, row_weights: np.ndarray, column_weights: np.ndarray) -> tuple[np.ndarray, float]:
    """The computed Diag(x) X Diag(y), and a bound on the Frobenius norm of its rounding errors, two for each entry.

    Parameters
    ----------
    rows : Rows
    row_weights, column_weights : ndarray of shape (n,), (d,)
        x and y.

    Returns
    -------
    product : ndarray of shape (n, d)
    error : float

    Raises
    ------
    CertificateError
        If a number overflows.

    See Also
    --------
    MaxNormCertificate : Uses it.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.forms import Rows
    >>> rows = Rows(np.eye(2))
    >>> product, error = weighted_matrix(rows, np.ones(2), np.full(2, 3.0))
    >>> (product * 2.0**rows.exponent).tolist(), error < 1e-12
    ([[3.0, 0.0], [0.0, 3.0]], True)
    """
    with np.errstate(all="ignore"):
        W = (row_weights[:, None] * rows.block(0, rows.shape[0])) * column_weights
        size = float(np.linalg.norm(W))
        # A product below the normal range moves by less than 2**-1022; the first ones are then multiplied by y.
        moved = 2.0**-1000 * (1 + float(np.abs(column_weights).max())) * W.size
    if not (np.isfinite(size) and np.isfinite(moved)):
        raise CertificateError("Nothing is proved: the numbers are too large for a proof, they overflow.")
    return W, SAFETY * (3 * UNIT * size) + VANISHED + moved


def _row_lengths(A: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", A, A)))


def _length(weights: np.ndarray) -> flint.arb:
    return sum((rational(weight) ** 2 for weight in weights.tolist()), rational(0)).sqrt()


def _longest_row(A: DyadicMatrix) -> flint.arb:
    squares = (sum((entry * entry for entry in row), flint.fmpz(0)) for row in A.integers.tolist())
    return (flint.arb(max(squares)) * rational(2) ** (2 * A.exponent)).sqrt()
