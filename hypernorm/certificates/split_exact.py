"""Proofs in exact arithmetic of the two conditions of a split certificate, see `hypernorm.certificates.split`."""

from __future__ import annotations

import flint
import numpy as np

from hypernorm.certificates.dyadic import DyadicMatrix, dyadic
from hypernorm.certificates.exact import ExactRows, is_dominated, monomials
from hypernorm.certificates.rounding import lower_float, rational, upper_float
from hypernorm.forms import MonomialBasis, pair_matrices

__all__ = ["proves_map", "proves_shift"]


def proves_map(rows: ExactRows, directions: np.ndarray, span: str, ratio: float, U: np.ndarray) -> bool:
    """U ≻ 0 and N(U) ⪯ φU."""
    exact = DyadicMatrix.from_floats(U)
    if span == "rows":
        X, G = _stacked(list(rows)), DyadicMatrix.from_floats(directions.astype(np.float64))
        return is_dominated(exact, ratio, X.T @ (_entrywise(X @ exact @ X.T, G @ G.T) @ X))
    total = DyadicMatrix.from_floats(np.zeros(U.shape))
    for part in pair_matrices(directions.astype(np.float64), len(U)):
        U_k = DyadicMatrix.from_floats(part)
        total = total + U_k @ exact @ U_k
    return is_dominated(exact, ratio, total)


def proves_shift(rows: ExactRows, directions: np.ndarray, span: str, shift: float) -> bool:
    """T ⪯ μ + Y."""
    n, d = rows.shape
    if span == "pairs" and n > MonomialBasis.count(d, 2):
        return _moment_difference(rows, directions, shift).is_proved_positive_definite()
    return _row_difference(rows, directions, span, shift).is_proved_positive_definite()


def _moment_difference(rows: ExactRows, directions: np.ndarray, shift: float) -> DyadicMatrix:
    """μ Diag(α!/2) − Σ x_i^α x_i^β + F Fᵀ, free of square roots."""
    diagonal = 1.0 / MonomialBasis(rows.shape[1], 2).multiplicities
    F = DyadicMatrix.from_floats(directions.astype(np.float64))
    total = DyadicMatrix.from_floats(np.diag(diagonal)).scaled(*dyadic(shift)) + F @ F.T
    for block in rows:
        image = monomials(block, 2)
        total = total - image @ image.T
    return total


def _row_difference(rows: ExactRows, directions: np.ndarray, span: str, shift: float) -> DyadicMatrix:
    """μ − K∘K + V Diag(w) Vᵀ with V_ik = ⟨x_i, U_k x_i⟩ and w_k at most 1/c_k."""
    n, d = rows.shape
    X, F = _stacked(list(rows)), DyadicMatrix.from_floats(directions.astype(np.float64))
    K = X @ X.T
    squares = _entrywise(K, K)
    if span == "pairs":
        # ⟨x, U_k x⟩ is the product of the monomials of x, those of two variables twice, with the entries of U_k.
        twice = DyadicMatrix.from_floats(np.diag(MonomialBasis(d, 2).multiplicities.astype(np.float64)))
        V, C = (F.T @ twice @ monomials(X, 2)).T, F.T @ twice @ F
    else:
        V = squares @ F
        C = F.T @ V
    rank, unit, entries = directions.shape[1], rational(2) ** C.exponent, C.integers.entries()
    sums = (sum((abs(entry) for entry in entries[k * rank : (k + 1) * rank]), flint.fmpz(0)) for k in range(rank))
    c = [upper_float(rational(shift) + rational(int(total)) * unit) for total in sums]
    w = DyadicMatrix.from_floats(np.diag([lower_float(1 / rational(number)) for number in c]))
    identity = DyadicMatrix.from_floats(np.eye(n)).scaled(*dyadic(shift))
    return identity - squares + V @ w @ V.T


def _entrywise(A: DyadicMatrix, B: DyadicMatrix) -> DyadicMatrix:
    """A∘B."""
    entries = [a * b for a, b in zip(A.integers.entries(), B.integers.entries(), strict=True)]
    return DyadicMatrix(flint.fmpz_mat(*A.shape, entries), A.exponent + B.exponent)


def _stacked(blocks: list[DyadicMatrix]) -> DyadicMatrix:
    """Blocks of rows as one matrix."""
    least = min(block.exponent for block in blocks)
    entries = [entry << (block.exponent - least) for block in blocks for entry in block.integers.entries()]
    return DyadicMatrix(flint.fmpz_mat(sum(block.shape[0] for block in blocks), blocks[0].shape[1], entries), least)
