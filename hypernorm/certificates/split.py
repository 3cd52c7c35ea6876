"""Split certificates: bounds μ + φ on Σ ⟨x_i, v⟩⁴, for more columns than a sum of squares can take.

T(S) = Σ ⟨x_i, S x_i⟩ x_i x_iᵀ acts on symmetric matrices. For symmetric U_1, …, U_r let Y(S) = Σ U_k ⟨U_k, S⟩ and
N(S) = Σ U_k S U_k.

**Theorem.** If T ⪯ μ + Y and N(U) ⪯ φU for some U ≻ 0, then Σ ⟨x_i, v⟩⁴ ≤ μ + φ for every unit v.

*Proof.* With V = vvᵀ, Σ ⟨x_i, v⟩⁴ = ⟨V, T(V)⟩ ≤ μ + Σ (vᵀU_k v)² = μ + ⟨V, N(V)⟩. N is positive and self-adjoint, so
that ⟨V, N(V)⟩ ≤ φ by Collatz–Wielandt. ∎

The first condition is a matrix of side D = d(d + 1)/2, or one of side n: with K = XXᵀ, G_ik = ⟨x_i, U_k x_i⟩ and
numbers w_k ≤ 1/c_k with Diag(c) ⪰ μ + (⟨U_k, U_l⟩), it follows from μ − K∘K + G Diag(w) Gᵀ ⪰ 0 (Woodbury). The smaller
one is proved.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import flint
import numpy as np

from hypernorm.certificates.base import register
from hypernorm.certificates.dyadic import DyadicMatrix, dyadic
from hypernorm.certificates.exact import ExactRows, monomials
from hypernorm.certificates.exact import is_dominated as is_dominated_exactly
from hypernorm.certificates.fields import Array, Choice, Integer, Real, Sizes
from hypernorm.certificates.floating import is_dominated, normalised
from hypernorm.certificates.norm import NormCertificate
from hypernorm.certificates.plan import Factor
from hypernorm.certificates.rounding import (
    SAFETY,
    TINY,
    UNIT,
    gamma,
    is_proved_positive_definite,
    lower_float,
    rational,
    upper_float,
)
from hypernorm.forms import MonomialBasis, Rows, moment_depth, moment_matrix, pair_matrices

__all__ = ["SplitCertificate"]

_MOST_DIRECTIONS = 2**20
# Entries of the matrices U_k that are held in double precision at a time.
_BLOCK_ENTRIES = 1 << 22


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class SplitCertificate(NormCertificate):
    """A proof of an upper bound on max ‖Xv‖_q over unit vectors v, by splitting T into μ and a positive map.

    `spectral_bound(X, q, kind="split")` and `two_to_q_norm` return one.

    Attributes
    ----------
    kind, q, shape, fingerprint, exponent, radius, values, matrices
        As for `NormCertificate`. The last value is at least μ + φ, and the last matrix is U.
    shift : float
        μ.
    rank : int
        r.
    directions : ndarray of shape (d (d + 1) / 2, r)
        The entries i ≤ j of U_1, …, U_r, in lexicographic order; of dtype float32.

    See Also
    --------
    NormCertificate : The other kinds.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> X = np.random.default_rng(0).standard_normal((80, 20))
    >>> split, realigned = (hn.spectral_bound(X, kind=kind) for kind in ("split", "realigned"))
    >>> split.verify(X).upper < 0.97 * realigned.verify(X).upper
    True
    """

    kinds: ClassVar = ("split",)

    kind: Annotated[str, Choice(("split",))]
    shift: Annotated[float, Real(2.0**-200)]
    rank: Annotated[int, Integer(1, _MOST_DIRECTIONS)]
    directions: Annotated[np.ndarray, Array("pairs", "rank", dtypes=(np.float32,))]

    @classmethod
    def sizes(cls, known: Mapping[str, Any]) -> Sizes:
        sizes = dict(super(SplitCertificate, cls).sizes(known))
        if "rank" in known:
            sizes |= {"pairs": MonomialBasis.count(known["shape"][1], 2), "rank": known["rank"]}
        return sizes

    def _proves(self, factor: Factor, weighted: Any, value: float, matrix: Any, exact: bool) -> bool:
        if factor.form != "split":
            return super(SplitCertificate, self)._proves(factor, weighted, value, matrix, exact)
        # The largest float for which μ + φ is at most the value.
        ratio = lower_float(rational(value) - rational(self.shift))
        if not ratio > 0:
            return False
        parts = (_proves_map_exactly, _proves_shift_exactly) if exact else (_proves_map, _proves_shift)
        return parts[0](self.directions, ratio, matrix) and parts[1](weighted, self.directions, self.shift)


def _blocks(directions: np.ndarray, d: int) -> list[slice]:
    step = max(1, _BLOCK_ENTRIES // (d * d))
    return [slice(start, start + step) for start in range(0, directions.shape[1], step)]


def _proves_map(directions: np.ndarray, ratio: float, U: np.ndarray) -> bool:
    """U ≻ 0 and N(U) ⪯ φU."""
    U, d = normalised(U), len(U)
    image, blocks = np.zeros((d, d)), _blocks(directions, d)
    for block in blocks:
        parts = pair_matrices(directions[:, block].astype(np.float64), d)
        image += (parts @ U).transpose(1, 0, 2).reshape(d, -1) @ parts.reshape(-1, d)
    image = (image + image.T) / 2
    # Two products of length d and d·(number of U_k in a block), and the sum over the blocks.
    length = gamma(d) + gamma(d * (blocks[0].stop - blocks[0].start) + len(blocks) + 6)
    error = 1.01 * length * _squared_norm(directions) * float(np.linalg.norm(U))
    return is_proved_positive_definite(U) and is_dominated(U, ratio, image, error)


def _squared_norm(directions: np.ndarray) -> float:
    """A bound on Σ ‖U_k‖_F², for which an entry beside the diagonal counts twice."""
    return 2 * SAFETY * float(np.linalg.norm(directions.astype(np.float64))) ** 2


def _proves_shift(rows: Rows, directions: np.ndarray, shift: float) -> bool:
    """T ⪯ μ + Y."""
    n, d = rows.shape
    by_rows = n <= MonomialBasis.count(d, 2)
    difference, error = (_row_difference if by_rows else _moment_difference)(rows, directions, shift)
    if not (np.isfinite(difference).all() and math.isfinite(error)):
        return False
    exponent = math.frexp(float(np.abs(difference).max()))[1]
    if exponent < -100:  # the longest row is longer than 1/8; squares that matter must not underflow
        return False
    scaled = np.ldexp(difference, -exponent)
    return is_proved_positive_definite(scaled, float(np.ldexp(SAFETY * error, -exponent)) + TINY)


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


def _row_difference(rows: Rows, directions: np.ndarray, shift: float) -> tuple[np.ndarray, float]:
    """μ − K∘K + G Diag(w) Gᵀ, and a bound on the spectral norm of its error."""
    (n, d), rank = rows.shape, directions.shape[1]
    X, squares = rows.block(0, n), rows.norms**2
    K = X @ X.T
    G, lengths, C = np.empty((n, rank)), np.empty(rank), np.zeros((rank, rank))
    multiplicities = MonomialBasis(d, 2).multiplicities.astype(np.float64)[:, None]
    exact = directions.astype(np.float64)
    C = exact.T @ (multiplicities * exact)
    for block in _blocks(directions, d):
        parts = pair_matrices(exact[:, block], d)
        lengths[block] = np.sqrt(np.einsum("kij,kij->k", parts, parts))
        G[:, block] = np.einsum("kni,ni->nk", X @ parts, X)
    # |ΔC_kl| ≤ γ_{D+2} ‖U_k‖ ‖U_l‖, as the products with 1 and 2 are exact; diagonal dominance gives Diag(c).
    sums = (shift + np.abs(C).sum(axis=1)) * (1 + gamma(rank + 6))
    c = SAFETY * gamma(len(directions) + 2) * lengths * lengths.sum() + sums * (1 + 4 * UNIT)
    w = (1 - 4 * UNIT) / (c * (1 + 4 * UNIT))
    weighted = G * w
    product = weighted @ G.T
    difference = (product + product.T) / 2 - K * K
    difference[np.diag_indices(n)] += shift
    rounded = float(np.linalg.norm(squares))
    size = float(np.einsum("ik,ik->", weighted, G))
    # |ΔG_ik| ≤ 3γ_{d+2} r_i² ‖U_k‖, and |Δ(K∘K)_ij| ≤ 3γ_{d+2} r_i² r_j².
    moved = 3 * gamma(d + 2) * rounded * math.sqrt(float(lengths**2 @ w))
    error = 3 * gamma(d + 2) * rounded**2 + gamma(rank + 4) * size + 2 * moved * math.sqrt(size) + moved**2
    error += 4 * UNIT * (float(np.linalg.norm(product)) + float(np.linalg.norm(K * K)) + shift * math.sqrt(n))
    return difference, SAFETY * error


def _exact_parts(directions: np.ndarray, d: int) -> list[DyadicMatrix]:
    return [DyadicMatrix.from_floats(part) for part in pair_matrices(directions.astype(np.float64), d)]


def _proves_map_exactly(directions: np.ndarray, ratio: float, U: np.ndarray) -> bool:
    exact, total = DyadicMatrix.from_floats(U), None
    for part in _exact_parts(directions, len(U)):
        image = part @ exact @ part
        total = image if total is None else total + image
    assert total is not None
    return is_dominated_exactly(exact, ratio, total)


def _proves_shift_exactly(rows: ExactRows, directions: np.ndarray, shift: float) -> bool:
    n, d = rows.shape
    if n > MonomialBasis.count(d, 2):
        return _exact_moment_difference(rows, directions, shift).is_proved_positive_definite()
    return _exact_row_difference(rows, directions, shift).is_proved_positive_definite()


def _exact_moment_difference(rows: ExactRows, directions: np.ndarray, shift: float) -> DyadicMatrix:
    """μ Diag(α!/2) − Σ x_i^α x_i^β + F Fᵀ, free of square roots."""
    diagonal = 1.0 / MonomialBasis(rows.shape[1], 2).multiplicities
    F = DyadicMatrix.from_floats(directions.astype(np.float64))
    total = DyadicMatrix.from_floats(np.diag(diagonal)).scaled(*dyadic(shift)) + F @ F.T
    for block in rows:
        image = monomials(block, 2)
        total = total - image @ image.T
    return total


def _exact_row_difference(rows: ExactRows, directions: np.ndarray, shift: float) -> DyadicMatrix:
    """μ − K∘K + G Diag(w) Gᵀ with w_k at most 1/c_k."""
    n, d = rows.shape
    X = _stacked(list(rows))
    K = X @ X.T
    squares = DyadicMatrix(flint.fmpz_mat(n, n, [k * k for k in K.integers.entries()]), 2 * K.exponent)
    F = DyadicMatrix.from_floats(directions.astype(np.float64))
    twice = DyadicMatrix.from_floats(np.diag(MonomialBasis(d, 2).multiplicities.astype(np.float64)))
    C = F.T @ twice @ F
    rank, unit = directions.shape[1], rational(2) ** C.exponent
    entries = C.integers.entries()
    sums = (sum((abs(entry) for entry in entries[k * rank : (k + 1) * rank]), flint.fmpz(0)) for k in range(rank))
    w = [lower_float(1 / rational(upper_float(rational(shift) + rational(int(total)) * unit))) for total in sums]
    # ⟨x_i, U_k x_i⟩ is the product of the monomials of x_i, those of two variables twice, with the entries of U_k.
    G = (F.T @ twice @ monomials(X, 2)).T
    identity = DyadicMatrix.from_floats(np.eye(n)).scaled(*dyadic(shift))
    return identity - squares + G @ DyadicMatrix.from_floats(np.diag(w)) @ G.T


def _stacked(blocks: list[DyadicMatrix]) -> DyadicMatrix:
    """Blocks of rows as one matrix."""
    least = min(block.exponent for block in blocks)
    entries = [entry << (block.exponent - least) for block in blocks for entry in block.integers.entries()]
    return DyadicMatrix(flint.fmpz_mat(sum(block.shape[0] for block in blocks), blocks[0].shape[1], entries), least)
