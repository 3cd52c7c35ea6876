"""Proofs in floating point of the two conditions of a split certificate, rounding errors included.

γ and u are defined in `hypernorm.certificates.rounding`, the conditions in `hypernorm.certificates.split`. With
s_k ≥ ‖U_k‖ and r_i the length of row i, the numbers ⟨x_i, U_k x_i⟩ are computed within a multiple of r_i² s_k, and
⟨U_k, U_l⟩ within a multiple of s_k s_l. The error bounds are derived in theory/verification of the documentation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hypernorm.certificates.floating import is_dominated, normalised
from hypernorm.certificates.rounding import SAFETY, TINY, UNIT, gamma, is_proved_positive_definite
from hypernorm.forms import MonomialBasis, Rows, moment_depth, moment_matrix, pair_matrices

__all__ = ["proves_map", "proves_shift"]

# Entries of the matrices U_k that are held in double precision at a time.
_BLOCK_ENTRIES = 1 << 22


def proves_map(rows: Rows, directions: np.ndarray, span: str, ratio: float, U: np.ndarray) -> bool:
    """U ≻ 0 and N(U) ⪯ φU."""
    U = normalised(U)
    image, error = _image_of_pairs(directions, U) if span == "pairs" else _image_of_rows(rows, directions, U)
    return is_proved_positive_definite(U) and is_dominated(U, ratio, (image + image.T) / 2, error)


def proves_shift(rows: Rows, directions: np.ndarray, span: str, shift: float) -> bool:
    """T ⪯ μ + Y."""
    n, d = rows.shape
    if span == "pairs" and n > MonomialBasis.count(d, 2):
        difference, error = _moment_difference(rows, directions, shift)
    else:
        difference, error = _row_difference(rows, directions, span, shift)
    if not (np.isfinite(difference).all() and math.isfinite(error)):
        return False
    exponent = math.frexp(float(np.abs(difference).max()))[1]
    if exponent < -100:  # the longest row is longer than 1/8; squares that matter must not underflow
        return False
    scaled = np.ldexp(difference, -exponent)
    return is_proved_positive_definite(scaled, float(np.ldexp(SAFETY * error, -exponent)) + TINY)


def _blocks(directions: np.ndarray, d: int) -> list[slice]:
    step = max(1, _BLOCK_ENTRIES // (d * d))
    return [slice(start, start + step) for start in range(0, directions.shape[1], step)]


def _image_of_pairs(directions: np.ndarray, U: np.ndarray) -> tuple[np.ndarray, float]:
    """N(U), and a bound on the spectral norm of its error."""
    d = len(U)
    image, blocks = np.zeros((d, d)), _blocks(directions, d)
    for block in blocks:
        parts = pair_matrices(directions[:, block].astype(np.float64), d)
        image += (parts @ U).transpose(1, 0, 2).reshape(d, -1) @ parts.reshape(-1, d)
    # Two products of length d and d·(number of U_k in a block), and the sum over the blocks.
    length = gamma(d) + gamma(d * (blocks[0].stop - blocks[0].start) + len(blocks) + 6)
    # Σ ‖U_k‖²: an entry beside the diagonal counts twice.
    squares = 2 * SAFETY * float(np.linalg.norm(directions.astype(np.float64))) ** 2
    return image, 1.01 * length * squares * float(np.linalg.norm(U))


def _image_of_rows(rows: Rows, directions: np.ndarray, U: np.ndarray) -> tuple[np.ndarray, float]:
    """N(U) = Xᵀ((XUXᵀ)∘(GGᵀ))X, and a bound on the spectral norm of its error."""
    (n, d), rank = rows.shape, directions.shape[1]
    X, G = rows.block(0, n), directions.astype(np.float64)
    weighted = X @ U @ X.T
    weighted *= G @ G.T
    length = gamma(2 * d + 6) + gamma(rank + 6) + gamma(2 * n + 6)
    sizes = _row_sizes(rows, G)
    return X.T @ (weighted @ X), 1.02 * length * float(sizes @ sizes) * float(np.linalg.norm(U))


def _row_sizes(rows: Rows, G: np.ndarray) -> np.ndarray:
    """s_k = Σ |g_ik| r_i², at least ‖U_k‖."""
    return np.asarray(SAFETY * (rows.norms**2 @ np.abs(G)))


@dataclass(frozen=True)
class _Directions:
    """Numbers of U_1, …, U_r, with bounds on their errors.

    Attributes
    ----------
    values : ndarray of shape (n, r)
        ⟨x_i, U_k x_i⟩, each within `value_error` times r_i² s_k.
    gram : ndarray of shape (r, r)
        ⟨U_k, U_l⟩, each within `gram_error` times s_k s_l.
    sizes : ndarray of shape (r,)
        s_k ≥ ‖U_k‖.
    """

    values: np.ndarray
    gram: np.ndarray
    sizes: np.ndarray
    value_error: float
    gram_error: float


def _from_pairs(X: np.ndarray, directions: np.ndarray) -> _Directions:
    (n, d), rank = X.shape, directions.shape[1]
    multiplicities = MonomialBasis(d, 2).multiplicities.astype(np.float64)[:, None]
    exact = directions.astype(np.float64)
    gram = exact.T @ (multiplicities * exact)  # a product with 1 or 2 is exact
    values = np.empty((n, rank))
    for block in _blocks(directions, d):
        parts = pair_matrices(exact[:, block], d)
        values[:, block] = np.einsum("kni,ni->nk", X @ parts, X)
    sizes = SAFETY * np.sqrt(np.diagonal(gram))
    return _Directions(values, gram, sizes, 3 * gamma(d + 2), gamma(len(directions) + 2))


def _from_rows(rows: Rows, directions: np.ndarray, squares: np.ndarray) -> _Directions:
    """From H = K∘K: ⟨x_i, U_k x_i⟩ = (HG)_ik and ⟨U_k, U_l⟩ = (GᵀHG)_kl."""
    (n, d), G = rows.shape, directions.astype(np.float64)
    values = squares @ G
    gram = G.T @ values
    value_error = 3 * gamma(d + 2) + 2 * gamma(n + 2)
    return _Directions(values, (gram + gram.T) / 2, _row_sizes(rows, G), value_error, value_error + 2 * gamma(n + 4))


def _moment_difference(rows: Rows, directions: np.ndarray, shift: float) -> tuple[np.ndarray, float]:
    """μ − M + FFᵀ for the orthonormal monomials, and a bound on the spectral norm of its error."""
    moments = moment_matrix(rows, 2)
    scale = np.sqrt(MonomialBasis(rows.shape[1], 2).multiplicities)[:, None]
    F = directions * scale
    product = F @ F.T
    difference = (product + product.T) / 2 - moments
    difference[np.diag_indices_from(difference)] += shift
    size = float(np.linalg.norm(F)) ** 2
    error = gamma(moment_depth(rows, len(moments)) + 12) * float(np.sum(rows.norms**4))
    # An entry of F is rounded twice, its factor √2 and the product.
    error += gamma(directions.shape[1] + 8) * size
    error += 4 * UNIT * (size + float(np.linalg.norm(moments)) + shift * math.sqrt(len(moments)))
    return difference, error


def _row_difference(rows: Rows, directions: np.ndarray, span: str, shift: float) -> tuple[np.ndarray, float]:
    """μ − K∘K + V Diag(w) Vᵀ for V_ik = ⟨x_i, U_k x_i⟩, and a bound on the spectral norm of its error."""
    (n, d), rank = rows.shape, directions.shape[1]
    X = rows.block(0, n)
    squares = X @ X.T
    squares *= squares
    found = _from_pairs(X, directions) if span == "pairs" else _from_rows(rows, directions, squares)
    # Diag(c) ⪰ μ + (⟨U_k, U_l⟩) by diagonal dominance.
    sums = (shift + np.abs(found.gram).sum(axis=1)) * (1 + gamma(rank + 6))
    c = SAFETY * found.gram_error * found.sizes * found.sizes.sum() + sums * (1 + 4 * UNIT)
    w = (1 - 4 * UNIT) / (c * (1 + 4 * UNIT))
    weighted = found.values * w
    product = weighted @ found.values.T
    difference = (product + product.T) / 2 - squares
    difference[np.diag_indices(n)] += shift
    lengths = float(np.linalg.norm(rows.norms**2))
    size = float(np.einsum("ik,ik->", weighted, found.values))
    moved = found.value_error * lengths * math.sqrt(float(found.sizes**2 @ w))
    # |Δ(K∘K)_ij| ≤ 3γ_{d+2} r_i² r_j².
    error = 3 * gamma(d + 2) * lengths**2 + gamma(rank + 4) * size + 2 * moved * math.sqrt(size) + moved**2
    error += 4 * UNIT * (float(np.linalg.norm(product)) + float(np.linalg.norm(squares)) + shift * math.sqrt(n))
    return difference, SAFETY * error
