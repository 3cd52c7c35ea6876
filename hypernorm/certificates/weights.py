"""Certificates of operator norms by row and column weights: one matrix inequality for every p and q.

For a ≥ 0 and d > 0 let

    Σ_i a_i x_i x_iᵀ ⪯ λ Diag(d)                                                                            (★)

with the rows x_i of A, whose columns are a_j, and write ‖·‖_r for vector norms.

**Theorem.** (1) For p ≥ 2 ≥ q and a > 0, ‖A‖_{p→q} ≤ (λ ‖1/a‖_{q/(2−q)} ‖d‖_{p/(p−2)})^{1/2}.

(2) For p ≥ 2, q > 2 and ‖x_i‖_{p*}^{q−2} ≤ K a_i, ‖A‖_{p→q} ≤ (K λ ‖d‖_{p/(p−2)})^{1/q}.

(3) For p < 2 < q, ‖a_j‖_q^{p*−2} d_j ≤ L and (Σ_j A_ij²/d_j)^{(q−2)/2} ≤ K a_i, ‖A‖_{p→q} ≤ (L (Kλ)^{2/q})^{1/p*}.

*Proof.* Let ‖v‖_p = 1; then Σ d_j v_j² ≤ ‖d‖_{p/(p−2)} for p ≥ 2. (1) By Hölder's inequality ‖Av‖_q² is at most
‖1/a‖_{q/(2−q)} Σ a_i ⟨x_i, v⟩². (2) |⟨x_i, v⟩| ≤ ‖x_i‖_{p*}, so Σ |⟨x_i, v⟩|^q ≤ K Σ a_i ⟨x_i, v⟩². (3) For
‖y‖_{q*} = 1, |⟨a_j, y⟩| ≤ ‖a_j‖_q, so ‖Aᵀy‖_{p*}^{p*} ≤ L Σ ⟨a_j, y⟩²/d_j, and by duality
‖A‖_{p→q}^{p*} ≤ L ‖AD‖_{2→q}² with D = Diag(d)^{−1/2}. Apply (2) with p = 2 to AD, for which (★) holds with the column
weights 1. ∎

For p, q ≤ 2 other than p = 2 the transpose is a case of (2). For p ≥ 2 ≥ q the least bound of form (1) is the optimum
of the semidefinite relaxation.

The inequality is one of quadratic forms, Σ a_i |⟨x_i, v⟩|² ≤ λ Σ d_j |v_j|², so the bounds hold for complex vectors,
and for complex A with moduli |A_ij|. Then (★) is proved for the real matrix [[Re A, −Im A], [Im A, Re A]], with both
weights twice: it maps (Re v, Im v) to (Re Av, Im Av).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, ClassVar

import flint
import numpy as np
import scipy.sparse as sp

from hypernorm._arguments import check_memory
from hypernorm._complex import real_form
from hypernorm._validation import Matrix, as_dense
from hypernorm.certificates.dyadic import DyadicMatrix, dyadic
from hypernorm.certificates.exponents import conjugate, norm_of_balls, raised
from hypernorm.certificates.fields import Array, Real
from hypernorm.certificates.floating import is_dominated
from hypernorm.certificates.nonnegative import column_norms
from hypernorm.certificates.operator import Operand, OperatorCertificate
from hypernorm.certificates.registry import register
from hypernorm.certificates.rounding import SAFETY, UNIT, gamma, rational
from hypernorm.exceptions import CertificateError

if TYPE_CHECKING:
    from hypernorm.forms import ScaledMatrix

__all__ = ["WeightsCertificate"]

_LARGEST_WEIGHT = 2.0**300
# Weighted entries lose less below the normal range, relative to the largest one: 2**-924 against 2**-301.
_VANISHED = 2.0**-480


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class WeightsCertificate(OperatorCertificate):
    """Row weights a, column weights d and λ with Σ a_i x_i x_iᵀ ⪯ λ Diag(d).

    Attributes
    ----------
    p, q, shape, fingerprint, field, side, upper
        As for `OperatorCertificate`.
    value : float
        λ, for the matrix divided by the power of two that makes its largest entry at least 1/2 and less than 1.
    row_weights : ndarray of shape (m,)
        a, with entries in [2**-300, 2**300].
    column_weights : ndarray of shape (n,)
        d, with entries in the same range.

    See Also
    --------
    OperatorCertificate : The other rules.

    Notes
    -----
    Theorem 3 of theory/operator_norms of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> A = np.array([[1.0, 1.0], [1.0, -1.0]])
    >>> certificate = hn.operator_certificate(A, np.inf, 1, rule="weights")  # the relaxation is √2 times the norm
    >>> round(certificate.verify(A, exact=True).upper, 6)
    2.828427
    """

    kinds: ClassVar = ("weights",)

    value: Annotated[float, Real(0.0)]
    row_weights: Annotated[np.ndarray, Array("m")]
    column_weights: Annotated[np.ndarray, Array("n")]

    def rules(self) -> None:
        for weights in (self.row_weights, self.column_weights):
            if not ((weights >= 1 / _LARGEST_WEIGHT) & (weights <= _LARGEST_WEIGHT)).all():
                raise CertificateError("The certificate's weights must be from 2**-300 to 2**300.")

    def bound(self, matrix: ScaledMatrix, *, exact: bool) -> flint.arb:
        operand = self.operand(matrix)
        p, q = operand.p, operand.q
        if q == math.inf or p == 1 or (p < 2 and q <= 2):
            raise self.refuse(operand)
        a, d = self.row_weights[operand.rows], self.column_weights[operand.columns]
        dominates = _dominates_exactly if exact else _dominates
        form = (operand.entries, a, d)
        if self.field == "complex":
            form = (real_form(operand.entries), np.tile(a, 2), np.tile(d, 2))
        if not dominates(*form, self.value):
            raise CertificateError(
                f"The weights are not proved: the matrix inequality does not hold with the value {self.value:.17g}."
            )
        lam = rational(self.value)
        if p < 2:
            return _for_small_p(operand, a, d, lam, exact)
        lam *= norm_of_balls(map(rational, d.tolist()), _ratio(p))
        if q <= 2:
            q = Fraction(q)
            lam *= norm_of_balls((1 / rational(w) for w in a.tolist()), math.inf if q == 2 else q / (2 - q))
            return lam.sqrt()
        B = operand.magnitudes(exact=exact)
        rows = B.T if isinstance(B, np.ndarray) else sp.csr_array(B.T)
        lengths = column_norms(rows, conjugate(p), exact=exact)
        return raised(lam * _largest_ratio(lengths, Fraction(q) - 2, a), 1 / Fraction(q))


def _ratio(p: Fraction | float) -> Fraction | float:
    """p/(p − 2)."""
    if p == math.inf:
        return Fraction(1)
    return math.inf if p == 2 else Fraction(p) / (Fraction(p) - 2)


def _largest_ratio(lengths: list[flint.arb], power: Fraction, weights: np.ndarray) -> flint.arb:
    """The largest ‖x_i‖^power / w_i."""
    ratios = (raised(length, power) / rational(w) for length, w in zip(lengths, weights.tolist(), strict=True))
    return norm_of_balls(ratios, math.inf)


def _for_small_p(operand: Operand, a: np.ndarray, d: np.ndarray, lam: flint.arb, exact: bool) -> flint.arb:
    """Case (3)."""
    q, dual = Fraction(operand.q), Fraction(conjugate(operand.p))
    B = operand.magnitudes(exact=exact)
    lengths = column_norms(B, q, exact=exact)
    L = norm_of_balls(
        (raised(length, dual - 2) * rational(w) for length, w in zip(lengths, d.tolist(), strict=True)), math.inf
    )
    squares = _exact_squares(B, d) if exact else _weighted_squares(B, d)
    K = norm_of_balls(
        (raised(square, (q - 2) / 2) / rational(w) for square, w in zip(squares, a.tolist(), strict=True)), math.inf
    )
    return raised(L * raised(K * lam, 2 / q), 1 / dual)


def _weighted_squares(entries: Matrix, d: np.ndarray) -> list[flint.arb]:
    """Upper bounds on Σ_j A_ij²/d_j."""
    inverses = 1 / d
    squares = entries * entries if isinstance(entries, np.ndarray) else entries.multiply(entries).tocsr()
    # Products, quotients and the sum have small relative errors, or lose less than 2**-700 below the normal range.
    sums = np.asarray(squares @ inverses) * (1 + SAFETY * gamma(entries.shape[1] + 6)) + 2.0**-700
    return list(map(flint.arb, sums.tolist()))


def _exact_squares(entries: Matrix, d: np.ndarray) -> list[flint.arb]:
    """Balls around Σ_j A_ij²/d_j."""
    inverses = [1 / rational(w) for w in d.tolist()]
    return [
        sum((rational(x) ** 2 * w for x, w in zip(row.tolist(), inverses, strict=True) if x), rational(0))
        for row in as_dense(entries)
    ]


def _dominates(entries: Matrix, a: np.ndarray, d: np.ndarray, value: float) -> bool:
    """Whether λ − WᵀW ≻ 0 is proved for W = Diag(a)^{1/2} A Diag(d)^{−1/2}, or λ − WWᵀ ≻ 0 if that is smaller."""
    check_memory(
        5 * 8 * min(entries.shape) ** 2 + 2 * 8 * entries.shape[0] * entries.shape[1],
        f"The proof of weights for a matrix of shape {entries.shape}",
        "use a certificate of another kind",
    )
    left, right = np.sqrt(a), np.sqrt(d)
    if isinstance(entries, np.ndarray):
        W = entries * left[:, None] / right
        largest, size = float(np.abs(W).max()), W
    else:
        W = entries.copy()
        W.data = W.data * np.repeat(left, np.diff(W.indptr)) / right[W.indices]
        largest, size = float(np.abs(W.data).max()), W.data
    exponent = math.frexp(largest)[1]
    if isinstance(entries, np.ndarray):
        W = size = np.ldexp(W, -exponent)
    else:
        W.data = size = np.ldexp(W.data, -exponent)
    gram = W.T @ W if W.shape[1] <= W.shape[0] else W @ W.T
    gram = as_dense(gram if isinstance(gram, np.ndarray) else sp.csr_array(gram))
    gram = (gram + gram.T) / 2
    # Two roots, a product and a quotient: an entry of W has a relative error of at most 5u, ‖WᵀW‖ one of 11u‖W‖_F².
    error = SAFETY * (gamma(max(W.shape) + 4) + 12 * UNIT) * float(np.linalg.norm(size)) ** 2 + _VANISHED
    return is_dominated(None, float(np.ldexp(value, -2 * exponent)), gram, error)


def _dominates_exactly(entries: Matrix, a: np.ndarray, d: np.ndarray, value: float) -> bool:
    """Whether λ Diag(d) − Aᵀ Diag(a) A ≻ 0, after an exact congruence with powers of two that makes d about one."""
    halves = -np.rint(np.log2(d) / 2).astype(np.int64)
    powers = DyadicMatrix.from_floats(np.diag(np.ldexp(1.0, halves)))
    B = DyadicMatrix.from_floats(as_dense(entries)) @ powers
    gram = B.T @ DyadicMatrix.from_floats(np.diag(a)) @ B
    scaled = DyadicMatrix.from_floats(np.diag(d)) @ powers @ powers
    return (scaled.scaled(*dyadic(value)) - gram).is_proved_positive_definite()
