"""Certificates of the error of a low-rank approximation: ‖X − LRᵀ‖ in the Frobenius and in the spectral norm.

The error is formed, or else only sums are: with p_ij = ⟨l_i, r_j⟩,

    ‖X − LRᵀ‖_F² = Σ_{x_ij ≠ 0} x_ij (x_ij − 2 p_ij) + ⟨LᵀL, RᵀR⟩,

which needs the non-zero entries and two small Gram matrices. A vector bounds the spectral norm from below, λI − EᵀE ≻ 0
from above, or the Frobenius norm if the error is not formed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeAlias

import flint
import numpy as np

from hypernorm.certificates.base import Certificate
from hypernorm.certificates.dyadic import DyadicMatrix
from hypernorm.certificates.fields import Array, Fingerprint, Integer, Shape
from hypernorm.certificates.gauges import tail
from hypernorm.certificates.registry import register
from hypernorm.certificates.residuals import (
    VANISHED,
    blocked_gram,
    exact_norm,
    exact_squared_norm,
    frobenius_norm,
    total_length,
)
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
from hypernorm.certificates.spectral_norm import spectral_norm_bound
from hypernorm.certificates.subjects import read_samples, scaled_rows
from hypernorm.certificates.values import LARGEST_SCALE
from hypernorm.certificates.verified import Rigor, VerifiedEnclosure
from hypernorm.certificates.witness import attained_interval
from hypernorm.exceptions import CertificateError, InvalidInputError
from hypernorm.forms import Rows

__all__ = ["LowRankErrorCertificate", "VerifiedLowRankError", "error_ratios", "formed_error"]

_MOST_COLUMNS = 2**30 - 1
_BLOCK_ENTRIES = 1 << 20
_PIECE = 1 << 17
_SPARSE_ROWS = 1 << 15

Ends: TypeAlias = tuple[flint.arb, flint.arb]


@dataclass(frozen=True, repr=False, kw_only=True)
class VerifiedLowRankError(VerifiedEnclosure):
    """The result of verifying the error of an approximation.

    Attributes
    ----------
    lower, upper : float
        Proved bounds on the Frobenius norm of the error.
    spectral_lower, spectral_upper : float
        Proved bounds on its spectral norm.
    quantity, premise, rigor, seconds
        As for `Verified`.

    See Also
    --------
    LowRankErrorCertificate : Its method `verify` returns one.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> A = np.eye(2)
    >>> proved = hn.low_rank_error(A, A[:, :1], A[:, :1]).certificate.verify(A)
    >>> proved.spectral_lower <= 1 <= proved.spectral_upper
    True
    """

    spectral_lower: float
    spectral_upper: float


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class LowRankErrorCertificate(Certificate):
    """A proof of bounds on the error of an approximation of X by a product of two factors.

    Attributes
    ----------
    shape : tuple of int
        Shape (n, d) of X.
    fingerprint : str
        SHA-256 of the values of X, see `hypernorm.forms.fingerprint`.
    exponent : int
        The approximation is 2**exponent times `left` @ `right`.T.
    rank : int
        Number k of columns of the factors.
    left, right : ndarray of shape (n, k), (d, k)
    vector : ndarray of shape (d,)
        A direction in which the error is large.
    formed : int
        1 if the proof forms the error, which needs the memory of a dense matrix of the shape; else 0.

    See Also
    --------
    hypernorm.low_rank_error : Compute one, with an example.

    Notes
    -----
    The section on errors of approximations in theory/unitarily_invariant_norms of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> A = np.diag([3.0, 4.0])
    >>> proved = hn.low_rank_error(A, A[:, 1:], np.eye(2)[:, 1:]).certificate.verify(A)
    >>> proved.lower <= 3 <= proved.upper, proved.spectral_lower <= 3 <= proved.spectral_upper
    (True, True)
    """

    kinds: ClassVar = ("low_rank_error",)
    has_exact_proof: ClassVar = True

    shape: Annotated[tuple[int, int], Shape()]
    fingerprint: Annotated[str, Fingerprint()]
    exponent: Annotated[int, Integer(-LARGEST_SCALE, LARGEST_SCALE)]
    rank: Annotated[int, Integer(1, _MOST_COLUMNS)]
    left: Annotated[np.ndarray, Array("n", "k")]
    right: Annotated[np.ndarray, Array("d", "k")]
    vector: Annotated[np.ndarray, Array("d")]
    formed: Annotated[int, Integer(0, 1)]

    def rules(self) -> None:
        if not self.vector.any():
            raise CertificateError("The certificate's vector must not be zero.")

    @property
    def quantity(self) -> str:
        return "Frobenius norm of X - UV^T"

    def describe(self) -> dict[str, Any]:
        return {"shape": list(self.shape), "rank": self.rank}

    def read(self, data: Any) -> Rows:
        return Rows(read_samples(data, self.shape, self.fingerprint), self.fingerprint)

    def establish(self, subject: Rows, *, exact: bool) -> VerifiedLowRankError:
        rows = scaled_rows(subject, self.shape[1], self.exponent, count=self.shape[0])
        if exact and not self.formed:
            raise InvalidInputError("exact=True: errors that are not formed are proved in floating point only.")
        with precision(), np.errstate(all="ignore"):
            frobenius, spectral = self._formed(rows, exact) if self.formed else self._summed(rows)
            loss, scale = scaling_loss(rows), rational(2) ** self.exponent
            lower, spectral_lower = (lower_float((norm[0] - loss) * scale) for norm in (frobenius, spectral))
            upper, spectral_upper = (upper_float((norm[1] + loss) * scale) for norm in (frobenius, spectral))
        return VerifiedLowRankError(
            quantity=self.quantity,
            rigor=Rigor.EXACT if exact else Rigor.FLOATING_POINT,
            lower=lower,
            upper=upper,
            spectral_lower=spectral_lower,
            spectral_upper=min(upper, spectral_upper),
        )

    def _formed(self, rows: Rows, exact: bool) -> tuple[Ends, Ends]:
        """Bounds on the two norms of the scaled error, which is the computed E up to rounding errors."""
        E, loss = formed_error(rows, self.left, self.right)
        if not np.isfinite(E).all():
            raise CertificateError("Nothing is proved: the numbers are too large for a proof, they overflow.")
        rest = _exact_rounding(rows, self.left, self.right, E) if exact else rational(loss)
        whole = Rows(E)
        if whole.is_zero:
            return (rational(0), rest), (rational(0), rest)
        if exact:
            least = most = exact_norm(E)
        else:
            unit, relative = rational(2) ** whole.exponent, rational(SAFETY * gamma(sum(rows.shape) + 8))
            norm = rational(float(np.add.reduce(whole.norms**2))).sqrt() * unit
            least, most = norm * (1 - relative), norm * (1 + relative) + rational(VANISHED) * unit
        attained = attained_interval(whole, self.vector, 2.0, exact=exact)[0]
        bound = spectral_norm_bound(E, in_integers=exact)
        return (least - rest, most + rest), (rational(attained) - rest, rational(bound) + rest)

    def _summed(self, rows: Rows) -> tuple[Ends, Ends]:
        if isinstance(rows.operand(0, 1), np.ndarray):
            below, above = _blockwise(rows, self.left, self.right)
        else:
            square, error = map(rational, _sum(rows, self.left, self.right))
            below, above = ((square + sign * error).max(rational(0)).sqrt() for sign in (-1, 1))
        return (below, above), (_attained(rows, self.left, self.right, self.vector), above)


def formed_error(rows: Rows, left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, float]:
    """The computed E = X − LRᵀ for the scaled rows of X, and a bound on the Frobenius norm of its rounding errors."""
    return np.concatenate(list(_error_blocks(rows, left, right))), _rounding(rows, left, right)


def _error_blocks(rows: Rows, left: np.ndarray, right: np.ndarray) -> Iterator[np.ndarray]:
    step = max(1, _BLOCK_ENTRIES // rows.shape[1])
    for start in range(0, rows.shape[0], step):
        stop = min(start + step, rows.shape[0])
        yield rows.block(start, stop) - left[start:stop] @ right.T


def _rounding(rows: Rows, left: np.ndarray, right: np.ndarray) -> float:
    """γ_{k+1} (‖X‖_F + ‖|L||R|ᵀ‖_F), for k products and one difference in each entry."""
    lengths = total_length(left, np.ones(left.shape[1]), right)
    return SAFETY * gamma(left.shape[1] + 1) * (float(np.linalg.norm(rows.norms)) + lengths) + VANISHED


def _blockwise(rows: Rows, left: np.ndarray, right: np.ndarray) -> Ends:
    """Bounds on ‖X − LRᵀ‖_F, from blocks of the error that are not kept."""
    total = 0.0
    for block in _error_blocks(rows, left, right):
        total += float(np.add.reduce(np.einsum("ij,ij->i", block, block)))
    rest, relative = rational(_rounding(rows, left, right)), rational(SAFETY * gamma(sum(rows.shape) + 8))
    norm = rational(total).sqrt()
    return norm * (1 - relative) - rest, norm * (1 + relative) + rational(VANISHED) + rest


def _sum(rows: Rows, left: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """The computed ‖X − LRᵀ‖_F² from the non-zero entries, and a bound on its error.

    A term x(x − 2p) errs by at most γ_{k+4} |x|(|x| + 2‖l‖‖r‖), and the sum with γ of its depth. The Gram matrices err
    by a and b, and their inner product by at most a‖R‖_F² + b‖L‖_F² + ab and γ_{k²+2} ‖L‖_F²‖R‖_F².
    """
    n, k = left.shape
    reach, lengths = (np.linalg.norm(side, axis=1) + VANISHED for side in (left, right))
    total = size = 0.0
    additions = 0
    for start in range(0, n, _SPARSE_ROWS):
        block = rows.operand(start, min(start + _SPARSE_ROWS, n))
        where, columns, x = (
            np.repeat(np.arange(block.shape[0]) + start, np.diff(block.indptr)),
            block.indices,
            block.data,
        )
        for first in range(0, len(x), _PIECE):
            piece = slice(first, first + _PIECE)
            i, j, a = where[piece], columns[piece], x[piece]
            p = np.einsum("ij,ij->i", left[i], right[j])
            total += float(np.sum(a * (a - 2 * p)))
            size += float(np.sum(np.abs(a) * (np.abs(a) + 2 * reach[i] * lengths[j])))
            additions += 1
    (first_gram, a, left_size), (second_gram, b, right_size) = blocked_gram(left), blocked_gram(right)
    value = total + float(np.sum(first_gram * second_gram))
    inner = a * right_size + b * left_size + a * b + gamma(k * k + 2) * left_size * right_size
    depth = min(_PIECE, rows.shape[0] * rows.shape[1]) + additions + k + 8
    rounding = gamma(depth) * size + inner + 2 * UNIT * abs(value)
    return value, SAFETY**2 * rounding + VANISHED


def _attained(rows: Rows, left: np.ndarray, right: np.ndarray, vector: np.ndarray) -> flint.arb:
    """A lower bound on ‖Xv − L(Rᵀv)‖/‖v‖; γ of the depths times ‖X‖_F + ‖L‖_F‖R‖_F bounds the relative error."""
    n, d = rows.shape
    v = vector / np.abs(vector).max()
    image = rows.images(v) - left @ (right.T @ v)
    size = float(np.linalg.norm(rows.norms)) + frobenius_norm(left) * frobenius_norm(right)
    norm = float(np.linalg.norm(v))
    error = SAFETY * (gamma(d + left.shape[1] + 8) * size * norm) + VANISHED
    attained = float(np.linalg.norm(image))
    below = rational(attained) * (1 - rational(SAFETY * gamma(n + 4))) - rational(error)
    return below / (rational(norm) * (1 + rational(SAFETY * gamma(d + 4))))


def _exact_rounding(rows: Rows, left: np.ndarray, right: np.ndarray, E: np.ndarray) -> flint.arb:
    """‖X − LRᵀ − E‖_F."""
    product = DyadicMatrix.from_floats(left) @ DyadicMatrix.from_floats(right).T
    X = DyadicMatrix.from_floats(rows.block(0, rows.shape[0]))
    return exact_squared_norm(X - product - DyadicMatrix.from_floats(E)).sqrt()


def error_ratios(
    errors: Sequence[tuple[float, float]], values: tuple[Sequence[float], Sequence[float]], rank: int
) -> list[tuple[float, float]]:
    """Bounds on two errors, in the Frobenius and in the spectral norm, divided by the least errors of the rank.

    `errors` and `values` are proved lower and upper bounds on the errors and on the singular values of the matrix.

    Parameters
    ----------
    errors : sequence of tuple of float
        A lower and an upper bound for each norm.
    values : tuple of sequence of float
        Lower and upper bounds on the singular values.
    rank : int

    Returns
    -------
    list of tuple of float

    See Also
    --------
    hypernorm.LowRankError.ratios : The same for a result.

    Examples
    --------
    >>> error_ratios([(1.0, 1.0), (1.0, 1.0)], ([2.0, 1.0], [2.0, 1.0]), 1)[1][0] <= 1
    True
    """
    result = []
    with precision():
        for (least, most), of in zip(errors, (tail, _next), strict=True):
            below, above = (of(ends, rank) for ends in values)
            lower = lower_float(rational(least) / above) if above > 0 else 0.0
            result.append((lower, upper_float(rational(most) / below) if below > 0 else math.inf))
    return result


def _next(values: Sequence[float], rank: int) -> flint.arb:
    """σ_{rank+1}."""
    return rational(values[rank] if rank < len(values) else 0.0)
