"""Certificates of bounds on the nuclear norm without a decomposition: sums of lengths, and one Gram matrix.

**Theorem.** Let r be at least the rank of X. Then

    ‖X‖_F³/‖XᵀX‖_F ≤ ‖X‖_* ≤ min(Σ_j ‖column j‖, Σ_i ‖row i‖, √r ‖X‖_F),    and ‖X‖_F ≤ ‖X‖_*.

*Proof.* Hölder's inequality for Σσ² = Σ σ^{2/3} σ^{4/3} gives ‖X‖_F² ≤ ‖X‖_*^{2/3} (Σσ⁴)^{1/3}, and Σσ⁴ = ‖XᵀX‖_F². The
columns are X = Σ_j x_j e_jᵀ, a sum of matrices of rank one, the rows likewise, and Σσ ≤ √r (Σσ²)^{1/2}. The last
inequality is (Σσ)² ≥ Σσ². ∎
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, ClassVar, NamedTuple

import flint
import numpy as np

from hypernorm.certificates.base import Certificate
from hypernorm.certificates.dyadic import DyadicMatrix
from hypernorm.certificates.fields import Fingerprint, Integer, Shape
from hypernorm.certificates.registry import register
from hypernorm.certificates.residuals import exact_squared_norm
from hypernorm.certificates.rounding import SAFETY, gamma, lower_float, precision, rational, upper_float
from hypernorm.certificates.subjects import plain_rows, read_samples
from hypernorm.certificates.verified import Rigor, VerifiedEnclosure
from hypernorm.exceptions import CertificateError
from hypernorm.forms import Rows

__all__ = ["NuclearBoundsCertificate", "column_lengths"]

_BLOCK_ENTRIES = 1 << 20
_EXACT_ROWS = 256
_VANISHED = Fraction(1, 2**500)


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class NuclearBoundsCertificate(Certificate):
    """A proof of bounds on the nuclear norm of a matrix, from the lengths of its rows and columns and a Gram matrix.

    The proof needs the matrix only, so the certificate names it and says which bound to compute.

    Attributes
    ----------
    shape : tuple of int
        Shape (n, d) of X.
    fingerprint : str
        SHA-256 of the values of X, see `hypernorm.forms.fingerprint`.
    gram : int
        1 if the Gram matrix of the smaller side is computed, else 0.

    See Also
    --------
    hypernorm.nuclear_bounds : Compute the bounds, with an example.

    Notes
    -----
    Proposition 4 of theory/unitarily_invariant_norms of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> proved = hn.nuclear_bounds(np.eye(3)).certificate.verify(np.eye(3))
    >>> proved.lower <= 3 <= proved.upper
    True
    """

    kinds: ClassVar = ("nuclear_bounds",)
    has_exact_proof: ClassVar = True

    shape: Annotated[tuple[int, int], Shape()]
    fingerprint: Annotated[str, Fingerprint()]
    gram: Annotated[int, Integer(0, 1)]

    @property
    def quantity(self) -> str:
        return "nuclear norm of X"

    def describe(self) -> dict[str, Any]:
        return {"shape": list(self.shape)}

    def read(self, data: Any) -> Rows:
        return Rows(read_samples(data, self.shape, self.fingerprint), self.fingerprint)

    def establish(self, subject: Rows, *, exact: bool) -> VerifiedEnclosure:
        rows = plain_rows(subject, self.shape[1])
        if rows.shape[0] != self.shape[0]:
            raise CertificateError(f"The certificate is for {self.shape[0]} rows, the matrix has {rows.shape[0]}.")
        with precision():
            lower, upper = (0.0, 0.0) if rows.is_zero else self._bounds(rows, exact)
        rigor = Rigor.EXACT if exact else Rigor.FLOATING_POINT
        return VerifiedEnclosure(quantity=self.quantity, rigor=rigor, lower=lower, upper=upper)

    def _bounds(self, rows: Rows, exact: bool) -> tuple[float, float]:
        n, d = rows.shape
        sums = _exact_sums(rows) if exact else _sums(rows)
        below, length = sums.frobenius
        if self.gram:
            size = _exact_gram_norm(rows) if exact else _gram_norm(rows, length)
            below = below.max(below**3 / size)
        above = sums.rows.min(sums.columns).min(rational(min(n, d)).sqrt() * length)
        # The nuclear norm of what scaling has changed is at most the sum of its entries.
        moved = rational(2.0**-1074) * (n * d) if rows.inexact else rational(0)
        scale = rational(2) ** rows.exponent
        return lower_float((below - moved) * scale), upper_float((above + moved) * scale)


class _Sums(NamedTuple):
    rows: flint.arb
    """Upper bound on Σ_i ‖row i‖."""
    columns: flint.arb
    """Upper bound on Σ_j ‖column j‖."""
    frobenius: tuple[flint.arb, flint.arb]
    """Lower and upper bounds on ‖X‖_F."""


def column_lengths(rows: Rows) -> np.ndarray:
    """The computed lengths of the columns of the scaled matrix, each square a sum of depth at most n.

    Parameters
    ----------
    rows : Rows

    Returns
    -------
    ndarray of shape (d,)

    See Also
    --------
    NuclearBoundsCertificate : Uses them.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.forms import Rows
    >>> rows = Rows(np.array([[3.0], [4.0]]))
    >>> float(column_lengths(rows)[0]) * 2.0**rows.exponent
    5.0
    """
    step = max(1, _BLOCK_ENTRIES // rows.shape[1])

    def partial(rows: Rows, part: range) -> np.ndarray:
        total = np.zeros(rows.shape[1])
        for start in range(part.start, part.stop, step):
            block = rows.operand(start, min(start + step, part.stop))
            if isinstance(block, np.ndarray):
                total += np.einsum("ij,ij->j", block, block)
            else:
                total += np.bincount(block.indices, weights=block.data**2, minlength=rows.shape[1])
        return total

    with np.errstate(under="ignore"):
        return np.sqrt(sum(rows.partials(partial, rows.ranges(min(step, rows.shape[0])))))


def _sums(rows: Rows) -> _Sums:
    """A computed square root has half the relative error of the square; sums of positive numbers keep relative errors.

    A column is short by at most √n 2**-511, as squares below the normal range may vanish, and so is ‖X‖_F.
    """
    n, d = rows.shape
    lengths, error = rows.norms, rational(SAFETY * gamma(n + d + 8))
    across, down, square = (
        rational(float(np.add.reduce(terms))) for terms in (lengths, column_lengths(rows), lengths**2)
    )
    whole, vanished = square.sqrt(), rational(_VANISHED) * rational(n).sqrt()
    return _Sums(
        across * (1 + error) + vanished * n,
        down * (1 + error) + vanished * d,
        (whole * (1 - error), whole * (1 + error) + vanished),
    )


def _gram_norm(rows: Rows, length: flint.arb) -> flint.arb:
    """An upper bound on ‖XᵀX‖_F: the computed norm, and the error γ ‖X‖_F² of the Gram matrix of the smaller side."""
    n, d = rows.shape
    step = max(1, _BLOCK_ENTRIES // d)
    starts = range(0, n, step)
    if d <= n:
        G = np.zeros((d, d))
        for start in starts:
            block = rows.operand(start, min(start + step, n))
            G += _dense(block.T @ block)
    else:
        G = np.empty((n, n))
        for start in starts:
            block = rows.operand(start, min(start + step, n))
            for other in range(0, start + 1, step):
                part = _dense(block @ rows.operand(other, min(other + step, n)).T)
                G[start : start + len(part), other : other + part.shape[1]] = part
                G[other : other + part.shape[1], start : start + len(part)] = part.T
    norm = rational(float(np.linalg.norm(G))) * (1 + rational(SAFETY * gamma(G.size + 4)))
    return norm + rational(gamma(max(n, d) + 2)) * length**2 + rational(_VANISHED) * len(G)


def _dense(block: Any) -> np.ndarray:
    return np.asarray(block if isinstance(block, np.ndarray) else block.toarray())


def _exact_sums(rows: Rows) -> _Sums:
    n, d = rows.shape
    across = rational(0)
    columns = [rational(0)] * d
    for start in range(0, n, _EXACT_ROWS):
        block = DyadicMatrix.from_floats(rows.block(start, min(start + _EXACT_ROWS, n)))
        unit = rational(2) ** (2 * block.exponent)
        squares = [[entry * entry for entry in row] for row in block.integers.tolist()]
        across += sum(((flint.arb(sum(row, flint.fmpz(0))) * unit).sqrt() for row in squares), rational(0))
        columns = [
            before + flint.arb(sum(column, flint.fmpz(0))) * unit
            for before, column in zip(columns, zip(*squares, strict=True), strict=True)
        ]
    whole = sum(columns, rational(0)).sqrt()
    return _Sums(across, sum((square.sqrt() for square in columns), rational(0)), (whole, whole))


def _exact_gram_norm(rows: Rows) -> flint.arb:
    n, d = rows.shape
    if n < d:
        X = DyadicMatrix.from_floats(rows.block(0, n))
        return exact_squared_norm(X @ X.T).sqrt()
    starts = range(0, n, _EXACT_ROWS)
    blocks = (DyadicMatrix.from_floats(rows.block(start, min(start + _EXACT_ROWS, n))) for start in starts)
    total = None
    for block in blocks:
        total = block.T @ block if total is None else total + block.T @ block
    assert total is not None
    return exact_squared_norm(total).sqrt()
