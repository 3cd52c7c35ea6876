"""Bounds on what a proposed decomposition leaves over: ‖UᵀU − I‖_F and ‖X − U diag(σ) Vᵀ‖_F.

Long sums are added in two levels, blocks and then their sums, so that γ is that of a short sum. The norm of a sum of
rank-one matrices with absolute values, ‖|U| diag(σ) |V|ᵀ‖_F, is at most Σ σ_k ‖u_k‖ ‖v_k‖.
"""

from __future__ import annotations

import math

import flint
import numpy as np

from hypernorm.certificates.dyadic import DyadicMatrix
from hypernorm.certificates.rounding import SAFETY, UNIT, gamma, rational
from hypernorm.forms import Rows

__all__ = [
    "VANISHED",
    "blocked_gram",
    "core_residual",
    "exact_core_residual",
    "exact_gram_deviation",
    "exact_norm",
    "exact_residual",
    "exact_squared_norm",
    "frobenius_norm",
    "gram_deviation",
    "lifted",
    "residual",
    "total_length",
]

_INNER = 128
_BLOCK_ENTRIES = 1 << 20
_EXACT_ROWS = 256
VANISHED = 2.0**-480
"""Squares of entries below 2**-537 underflow; a computed Frobenius norm is short by less than this."""


def frobenius_norm(A: Rows | np.ndarray) -> float:
    """An upper bound on ‖A‖_F, at most a thousandth too large; infinite or NaN if squares overflow."""
    with np.errstate(all="ignore"):
        return SAFETY * float(np.linalg.norm(A if isinstance(A, np.ndarray) else A.norms)) + VANISHED


def lifted(computed: float, error: float) -> float:
    """An upper bound from a computed norm of rounded differences and a bound on their other errors."""
    return SAFETY * (computed * (1 + 2 * UNIT) + error) + VANISHED


def blocked_gram(U: np.ndarray) -> tuple[np.ndarray, float, float]:
    """The computed UᵀU, a bound on the Frobenius norm of its error, and ‖U‖_F²."""
    count, side = U.shape
    step = max(_INNER, math.isqrt(count))
    gram, size = np.zeros((side, side)), 0.0
    with np.errstate(all="ignore"):
        for start in range(0, count, step):
            part = U[start : start + step]
            gram += part.T @ part
            size += float(np.linalg.norm(part)) ** 2
    # The products of entries of the factors that underflow, and what the squares of tiny entries leave out.
    error = gamma(min(step, count) + -(-count // step)) * size + count * side * 2.0**-1000
    return gram, error, size + VANISHED**2


def total_length(left: np.ndarray, values: np.ndarray, right: np.ndarray) -> float:
    """About Σ σ_k ‖u_k‖ ‖v_k‖ for the columns of two factors, and not less but for rounding.

    A length whose squares underflow counts as 2**-480: the other factor may be as large as floats are.
    """
    first, second = (np.linalg.norm(side, axis=0) + VANISHED for side in (left, right))
    return float(values @ (first * second))


def gram_deviation(U: np.ndarray) -> float:
    """A bound on ‖UᵀU − I‖_F; infinite or NaN if a number overflows."""
    gram, error, _ = blocked_gram(U)
    with np.errstate(all="ignore"):
        gram[np.diag_indices_from(gram)] -= 1
        return lifted(float(np.linalg.norm(gram)), error)


def residual(rows: Rows, left: np.ndarray, values: np.ndarray, right: np.ndarray) -> float:
    """A bound on ‖X − U diag(σ) Vᵀ‖_F for the scaled rows of X; infinite or NaN if a number overflows."""
    with np.errstate(all="ignore"):
        weighted = (right * values).T
    step = max(1, _BLOCK_ENTRIES // max(weighted.shape))
    pieces = [slice(first, first + _INNER) for first in range(0, len(values), _INNER)]

    def partial(rows: Rows, part: range, left: np.ndarray) -> tuple[float, float]:
        rest = size = 0.0
        with np.errstate(all="ignore"):
            for start in range(part.start, part.stop, step):
                stop = min(start + step, part.stop)
                block, own = rows.block(start, stop), left[start - part.start : stop - part.start]
                size += float(np.linalg.norm(block)) ** 2
                difference = block - own[:, pieces[0]] @ weighted[pieces[0]]
                for piece in pieces[1:]:
                    difference -= own[:, piece] @ weighted[piece]
                rest += float(np.linalg.norm(difference)) ** 2
        return rest, size

    found = list(rows.partials(partial, rows.ranges(min(step, rows.shape[0])), left))
    rest, size = (math.sqrt(sum(part[index] for part in found)) for index in (0, 1))
    with np.errstate(all="ignore"):
        # A term is multiplied by its value, added up in its piece, and passes one difference for each piece.
        terms = min(_INNER, len(values)) + 1 + len(pieces)
        return lifted(rest, gamma(terms) * (size + total_length(left, values, right)))


def core_residual(A: np.ndarray, B: np.ndarray, left: np.ndarray, values: np.ndarray, right: np.ndarray) -> float:
    """A bound on ‖ABᵀ − L diag(σ) Mᵀ‖_F for small matrices; infinite or NaN if a number overflows."""
    with np.errstate(all="ignore"):
        difference = A @ B.T - (left * values) @ right.T
        size = frobenius_norm(A) * frobenius_norm(B) + total_length(left, values, right)
        return lifted(float(np.linalg.norm(difference)), gamma(A.shape[1] + len(values) + 2) * size)


def exact_gram_deviation(U: np.ndarray) -> flint.arb:
    """‖UᵀU − I‖_F."""
    exact = DyadicMatrix.from_floats(U)
    return _norm(exact.T @ exact - DyadicMatrix.from_floats(np.eye(U.shape[1])))


def exact_residual(rows: Rows, left: np.ndarray, values: np.ndarray, right: np.ndarray) -> flint.arb:
    """‖X − U diag(σ) Vᵀ‖_F for the scaled rows of X."""
    weighted = DyadicMatrix.from_floats(np.diag(values)) @ DyadicMatrix.from_floats(right).T
    total = rational(0)
    for start in range(0, rows.shape[0], _EXACT_ROWS):
        stop = min(start + _EXACT_ROWS, rows.shape[0])
        block = DyadicMatrix.from_floats(rows.block(start, stop))
        total += _norm(block - DyadicMatrix.from_floats(left[start:stop]) @ weighted) ** 2
    return total.sqrt()


def exact_core_residual(
    A: np.ndarray, B: np.ndarray, left: np.ndarray, values: np.ndarray, right: np.ndarray
) -> flint.arb:
    """‖ABᵀ − L diag(σ) Mᵀ‖_F."""
    first, second, outer, inner = (DyadicMatrix.from_floats(side) for side in (A, B, left, right))
    return _norm(first @ second.T - outer @ DyadicMatrix.from_floats(np.diag(values)) @ inner.T)


def exact_norm(A: Rows | np.ndarray) -> flint.arb:
    """‖A‖_F."""
    if isinstance(A, np.ndarray):
        return _norm(DyadicMatrix.from_floats(A))
    starts = range(0, A.shape[0], _EXACT_ROWS)
    blocks = (A.block(start, min(start + _EXACT_ROWS, A.shape[0])) for start in starts)
    return sum((_norm(DyadicMatrix.from_floats(block)) ** 2 for block in blocks), rational(0)).sqrt()


def exact_squared_norm(A: DyadicMatrix) -> flint.arb:
    """‖A‖_F²."""
    mantissa, exponent = A.squared_norm()
    return rational(mantissa) * rational(2) ** exponent


def _norm(A: DyadicMatrix) -> flint.arb:
    return exact_squared_norm(A).sqrt()
