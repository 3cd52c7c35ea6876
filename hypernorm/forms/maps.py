"""Two positive linear maps on symmetric matrices whose largest eigenvalues bound the 2→4 norm.

With rows x_i and K = XXᵀ:

* flattening   T(U) = Σ_i (x_iᵀ U x_i) x_i x_iᵀ,                        ‖Xv‖₄⁴ = ⟨vvᵀ, T(vvᵀ)⟩ ≤ λ_max(T);
* realigned    N(U) = Σ_ij K_ij² (x_iᵀ U x_j) x_i x_jᵀ,                 ‖Xv‖₄⁸ ≤ ⟨vvᵀ, N(vvᵀ)⟩ ≤ λ_max(N).

Both are self-adjoint and preserve positive semidefiniteness. A product with T costs 4nd² operations. N has two exact
formulas. With the blocks of K a product costs 3n²d operations, and no n×n array is formed. With the slices
S_α = mat(M_α) of the degree-4 moment matrix M, N(U) = Σ_α S_α U S_α; this costs nD² once and 4Dd³ per product,
D = d(d+1)/2. `RealignedMap` uses the cheaper formula.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hypernorm._parallel import ordered_map
from hypernorm.exceptions import TooLargeError
from hypernorm.forms.moments import moment_matrix
from hypernorm.forms.monomials import MonomialBasis
from hypernorm.forms.rows import Rows

__all__ = ["FlatteningMap", "Magnitudes", "RealignedMap", "RealignedOperations"]

# Side of the blocks of K: three such blocks and three row blocks fit in the second-level cache.
_PAIR_ROWS = 512
_SLICES_BYTES = 1 << 31
_SLICE_ENTRIES = 1 << 18


@dataclass(frozen=True)
class Magnitudes:
    """Sums of absolute values over a computed product, for a bound on its rounding error.

    With r_i the length of row i, P_ij = x_iᵀUx_j and C_ij = K_ij² P_ij as computed:
    ``products`` = Σ r_i² r_j² |K_ij P_ij|, ``squares`` = Σ r_i² r_j² K_ij², ``entries`` = Σ r_i r_j |C_ij|.
    """

    products: float = 0.0
    squares: float = 0.0
    entries: float = 0.0

    def __add__(self, other: Magnitudes) -> Magnitudes:
        return Magnitudes(self.products + other.products, self.squares + other.squares, self.entries + other.entries)


class FlatteningMap:
    """The map T(U) = Σ (x_iᵀ U x_i) x_i x_iᵀ: the matrix Σ (x_i⊗x_i)(x_i⊗x_i)ᵀ acting on symmetric matrices.

    Parameters
    ----------
    rows : Rows

    See Also
    --------
    RealignedMap : The map of a smaller bound.

    Examples
    --------
    >>> import numpy as np
    >>> image, values = FlatteningMap(Rows(np.eye(2))).apply(np.eye(2))
    >>> image.shape, values.shape
    ((2, 2), (2,))
    """

    def __init__(self, rows: Rows):
        self.rows = rows
        self.step = rows.block_rows()

    def apply(self, U: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return T(U), exactly symmetric, and the computed values x_iᵀ U x_i.

        Parameters
        ----------
        U : ndarray of shape (d, d)
            Symmetric.

        Returns
        -------
        image : ndarray of shape (d, d)
        values : ndarray of shape (n,)
        """
        d, step = self.rows.shape[1], self.step

        def partial(rows: Rows, part: range) -> tuple[np.ndarray, np.ndarray]:
            total, values = np.zeros((d, d)), []
            for start in range(part.start, part.stop, step):
                block = rows.block(start, min(start + step, part.stop))
                values.append(np.einsum("ij,ij->i", block @ U, block))
                total += (block * values[-1][:, None]).T @ block
            return total, np.concatenate(values)

        total, values = np.zeros((d, d)), []
        for part_total, part_values in self.rows.partials(partial, self.rows.ranges(step)):
            total += part_total
            values.append(part_values)
        return (total + total.T) / 2, np.concatenate(values)

    def __call__(self, U: np.ndarray) -> np.ndarray:
        return self.apply(U)[0]


class RealignedOperations(NamedTuple):
    """Multiplications and additions, each counted, of the two formulas for N(U).

    Attributes
    ----------
    through_rows : float
        A product with the blocks of K.
    forming_slices : float
        The degree-4 moment matrix, formed once.
    through_slices : float
        A product with its slices.

    See Also
    --------
    RealignedMap : Chooses the cheaper formula.

    Examples
    --------
    >>> operations = RealignedOperations.of(10_000, 10)
    >>> operations.through_slices < operations.through_rows
    True
    """

    through_rows: float
    forming_slices: float
    through_slices: float

    @classmethod
    def of(cls, n: int, d: int) -> RealignedOperations:
        """For n rows of d columns.

        Parameters
        ----------
        n, d : int

        Returns
        -------
        RealignedOperations
        """
        size = MonomialBasis.count(d, 2)
        return cls(3.0 * n * n * d, float(n) * size * size, 4.0 * size * d**3)


class RealignedMap:
    """The map N(U) = Σ_ij K_ij² (x_iᵀ U x_j) x_i x_jᵀ by the cheaper of the two exact formulas.

    Parameters
    ----------
    rows : Rows
    products : int, default 1
        Expected number of products. The slices are formed once, the blocks of K for every product.

    Attributes
    ----------
    slices : ndarray of shape (D, D) or None
        The degree-4 moment matrix; None if N is computed from the blocks of K.

    Raises
    ------
    TooLargeError
        If the rows are in several chunks and the slices would exceed 2 GiB.

    See Also
    --------
    FlatteningMap : The map of a larger bound.

    Examples
    --------
    >>> import numpy as np
    >>> image, magnitudes = RealignedMap(Rows(np.eye(2))).measured(np.eye(2))
    >>> image.shape
    (2, 2)
    """

    def __init__(self, rows: Rows, products: int = 1):
        self.rows = rows
        self.step = min(rows.shape[0], _PAIR_ROWS)
        self.slices = moment_matrix(rows, 2) if self._prefers_slices(products) else None
        if self.slices is not None:
            self._prepare_slices()

    def _prefers_slices(self, products: int) -> bool:
        n, d = self.rows.shape
        size = MonomialBasis.count(d, 2)
        operations = RealignedOperations.of(n, d)
        through_rows = products * operations.through_rows
        through_slices = operations.forming_slices + products * operations.through_slices
        fits = 8 * size * size <= _SLICES_BYTES
        if len(self.rows.pieces) > 1:  # a pair of rows may be on two machines, so K cannot be formed
            if not fits:
                raise TooLargeError(
                    f"X has {d} columns, too many for the realigned bound when X is in chunks; use the row-norm or "
                    "flattening bound, or load X into memory."
                )
            return True
        return through_slices < through_rows and fits

    def __call__(self, U: np.ndarray) -> np.ndarray:
        return self._by_rows(U, measure=False)[0] if self.slices is None else self._by_slices(U)

    def measured(self, U: np.ndarray) -> tuple[np.ndarray, Magnitudes]:
        """Return N(U) from the blocks of K, and the sums that bound its rounding error.

        Parameters
        ----------
        U : ndarray of shape (d, d)
            Symmetric.

        Returns
        -------
        image : ndarray of shape (d, d)
        magnitudes : Magnitudes
        """
        return self._by_rows(U, measure=True)

    def _by_rows(self, U: np.ndarray, measure: bool) -> tuple[np.ndarray, Magnitudes]:
        rows, (n, d), step = self.rows, self.rows.shape, self.step
        norms = rows.norms

        def strip(start: int) -> tuple[np.ndarray, Magnitudes]:
            stop = min(start + step, n)
            left = rows.block(start, stop)
            left_image = left @ U
            sums = np.zeros((stop - start, d))
            magnitudes = Magnitudes()
            for other in range(start, n, step):
                other_stop = min(other + step, n)
                right = left if other == start else rows.block(other, other_stop)
                gram = left @ right.T
                weighted = left_image @ right.T
                weighted *= gram
                multiplicity = 1.0 if other == start else 2.0
                if measure:
                    r, s = norms[start:stop], norms[other:other_stop]
                    products = multiplicity * float(r**2 @ np.abs(weighted) @ s**2)
                    squares = multiplicity * float(r**2 @ (gram * gram) @ s**2)
                weighted *= gram
                if measure:
                    magnitudes += Magnitudes(products, squares, multiplicity * float(r @ np.abs(weighted) @ s))
                if other == start:
                    # The sum is the upper triangle of blocks, with its diagonal halved, plus the transpose.
                    weighted *= 0.5
                sums += weighted @ right
            return left.T @ sums, magnitudes

        total, magnitudes = np.zeros((d, d)), Magnitudes()
        for part, part_magnitudes in ordered_map(strip, range(0, n, step)):
            total += part
            magnitudes += part_magnitudes
        return total + total.T, magnitudes

    def _prepare_slices(self) -> None:
        d = self.rows.shape[1]
        first, second = MonomialBasis(d, 2).indices.T
        position = np.empty((d, d), dtype=np.intp)
        position[first, second] = position[second, first] = np.arange(len(first))
        self._position = position.ravel()
        # Off the diagonal, a coordinate in the orthonormal basis is √2 times the matrix entry.
        self._unscale = np.where(np.eye(d, dtype=bool), 1.0, np.sqrt(0.5)).ravel()

    @property
    def slice_step(self) -> int:
        """Number of slices in one matrix product."""
        return max(1, _SLICE_ENTRIES // self.rows.shape[1] ** 2)

    def _by_slices(self, U: np.ndarray) -> np.ndarray:
        assert self.slices is not None
        d = self.rows.shape[1]
        total = np.zeros((d, d))
        for start in range(0, len(self.slices), self.slice_step):
            chunk = self.slices[start : start + self.slice_step]
            matrices = (chunk[:, self._position] * self._unscale).reshape(-1, d, d)
            images = (matrices.reshape(-1, d) @ U).reshape(-1, d, d)
            total += images.transpose(1, 0, 2).reshape(d, -1) @ matrices.reshape(-1, d)
        return (total + total.T) / 2
