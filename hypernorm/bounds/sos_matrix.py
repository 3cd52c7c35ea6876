"""A Gram matrix in the lower triangle of an array, its class averages, and the best one so far in the other triangle.

The averages are those of the projection onto the fully symmetric matrices w_α w_β y_(α+β). With w_α = 0 for one
monomial α, and zeros in its row, it is left out of everything.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.linalg.blas import get_blas_funcs

from hypernorm._arguments import check_memory
from hypernorm._parallel import ordered_map
from hypernorm.bounds.lanczos import extreme_values
from hypernorm.forms.gram import GramClasses
from hypernorm.forms.monomials import MonomialBasis
from hypernorm.forms.reflection import Reflection

__all__ = ["SMALL", "ClassMatrix", "check_solver_memory"]

SMALL = 1000
"""Smaller matrices are handled on one core, since waking threads would cost more than they save."""

_PARTS = 4  # parts of the triangle of larger matrices; constant, so the result does not depend on the threads


def check_solver_memory(
    dimension: int,
    half_degree: int,
    remedy: str = 'use spectral_bound(kind="split"), the realigned bound, or fewer columns',
) -> None:
    """Refuse a relaxation that does not fit in memory.

    Raises
    ------
    TooLargeError
        If six of its matrices do not fit in memory.
    """
    size = MonomialBasis.count(dimension, half_degree)
    check_memory(
        6 * 8 * size * size,  # at the peak of a search with its proof, and of a verification beside it
        f"The sum-of-squares relaxation of degree {2 * half_degree} for d = {dimension} ({size} x {size} matrices)",
        remedy if half_degree == 2 else f"use a lower degree if q allows it, {remedy.removeprefix('use ')}",
    )


class ClassMatrix:
    """The two triangles.

    Parameters
    ----------
    classes : GramClasses
    without_first : bool
        Whether the first monomial is left out.
    single : bool
        Whether the numbers are in single precision.

    Attributes
    ----------
    weights : ndarray of shape (D,)
        w_α.
    sizes : ndarray of shape (count,)
        Sum of w_α² w_β² over each class, or one for a class without any.
    """

    def __init__(self, classes: GramClasses, without_first: bool = False, single: bool = False):
        from hypernorm.bounds import sos_kernels  # imported here since it loads numba, which only this solver needs

        self._kernels, self._ids = sos_kernels, classes.classes
        self._dimension, self._half = classes.basis.dimension, classes.basis.degree
        self.weights, self.sizes = classes.weights, classes.multinomials
        if without_first:
            self.weights, self.sizes = self.weights.copy(), self.sizes.copy()
            self.sizes[self.classes_with_first] -= 2 * self.weights**2
            self.sizes[self.sizes <= 0] = 1.0
            self.weights[0] = 0.0
        self._A = np.zeros((classes.size, classes.size), dtype=np.float32 if single else np.float64)
        self._diagonal = np.empty(classes.size, dtype=self._A.dtype)

    def copied(self, classes: GramClasses, first: float | None = None) -> ClassMatrix:
        """A copy of both matrices in double precision.

        With a number `first` the first monomial is not left out any more: the best matrix has this eigenvalue for it.
        """
        result = ClassMatrix(classes, without_first=first is None and self.weights[0] == 0)
        result._A[:], result._diagonal[:] = self._A, self._diagonal
        if first is not None:
            result._diagonal[0] = first
        return result

    def set_first(self, value: float) -> None:
        """Set the entry of the first monomial, which was zero."""
        self._A[0, 0] = value

    @property
    def dtype(self) -> Any:
        """Type of the numbers."""
        return self._A.dtype

    @property
    def classes_with_first(self) -> np.ndarray:
        """The classes of the pairs of each monomial with the first one."""
        rows = np.arange(len(self.weights))
        return np.asarray(self._ids[rows * (rows + 1) // 2])

    def fill(self, packed: np.ndarray) -> None:
        """Set the matrix to a packed lower triangle."""
        for row in range(len(self._A)):
            first = row * (row + 1) // 2
            self._A[row, : row + 1] = packed[first : first + row + 1]

    def averages(self) -> np.ndarray:
        """The averages over the classes."""
        weights = self.weights.astype(self.dtype)
        return np.asarray(sum(self._map(self._kernels.class_sums, self._ids, weights, len(self.sizes))) / self.sizes)

    def update(self, factor: float, averages: np.ndarray) -> None:
        """Multiply the matrix by a factor, and add the fully symmetric matrix with these class averages."""
        number = self.dtype.type
        self._map(self._kernels.update, number(factor), averages.astype(number), self._ids, self.weights.astype(number))

    def step(self, z: np.ndarray, targets: np.ndarray, share: float) -> np.ndarray:
        """Move the average s of each class to t + z', t the target and z' = t + share·z − s; return z'."""
        if self._half != 2:
            averages = self.averages()
            after = targets + share * z - averages
            self.update(1.0, after + targets - averages)
            return after
        after, d = z.copy(), self._dimension
        edges = [round(d * (part / _PARTS) ** 0.25) for part in range(_PARTS + 1)]
        arguments = (self._A, after, targets, share, self.sizes, self.weights, d)
        list(ordered_map(lambda last: self._kernels.quartic_step(*arguments, *last), list(pairwise(edges))))
        return after

    def subtract(self, factor: float, pairs: np.ndarray) -> None:
        """Subtract a multiple of the product of a matrix with its transpose."""
        (update,) = get_blas_funcs(("syrk",), (self._A,))
        self._A = update(-factor, pairs, c=self._A.T, beta=1.0, lower=0, overwrite_c=1).T

    def multiply(self, V: np.ndarray) -> np.ndarray:
        """Product with a block of vectors."""
        (product,) = get_blas_funcs(("symm",), (self._A,))
        return np.asarray(product(1.0, self._A.T, np.asfortranarray(V), lower=0))

    def packed_rest(self, averages: np.ndarray) -> np.ndarray:
        """The fully symmetric matrix with these class averages minus the matrix, as a packed lower triangle."""
        packed = np.empty(len(self._ids))
        self._map(self._kernels.multiplier, averages, self._ids, self.weights, packed)
        return packed

    def extremes(self, start: np.ndarray, steps: int, tolerance: float) -> tuple[float, np.ndarray, float]:
        """Bounds on the spectrum and the leading vector, as `hypernorm.bounds.lanczos.extreme_values` finds them."""
        return extreme_values(self._A, start.astype(self.dtype), steps, tolerance)

    def largest_entry(self) -> float:
        """The largest number on the diagonal."""
        return float(np.abs(np.diagonal(self._A)).max())

    def keep(self, factor: float) -> None:
        """Store a multiple of the matrix as the best one."""
        self._map(self._kernels.keep, self.dtype.type(factor), self._diagonal)

    def recall(self) -> None:
        """Make the best matrix the current one."""
        self._map(self._kernels.mirror, self._diagonal)

    def reflect(self, reflection: Reflection) -> None:
        """Reflect the matrix from both sides."""
        self._A = reflection.conjugate(self._A)

    def symmetric(self) -> np.ndarray:
        """The matrix, in the memory of this object, which cannot be used any more."""
        self.keep(1.0)
        G = self._A
        del self._A
        return G

    def _map(self, kernel: Callable[..., Any], *arguments: Any) -> list[Any]:
        """Results of the kernel for the parts of the triangle, which have about the same area."""
        size = len(self._A)
        parts = _PARTS if size >= SMALL else 1
        edges = [round(size * math.sqrt(part / parts)) for part in range(parts + 1)]
        return list(ordered_map(lambda rows: kernel(self._A, *arguments, *rows), list(pairwise(edges))))
