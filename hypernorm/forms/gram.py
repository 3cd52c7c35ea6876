"""Gram matrices of forms: their entries by monomial, and the form that a matrix represents.

A symmetric D×D matrix G represents the form z(v)ᵀ G z(v) of degree 2k, z the orthonormal monomials of degree k. With
H_αβ = w_α w_β G_αβ, w_α = √(k!/α!), the same form is Σ H_αβ v^(α+β), so the coefficient of v^γ is the sum of H over the
*class* of γ, the pairs (α, β) with α + β = γ. A form Σ ρ_γ v^γ of degree 2k obeys, on the unit sphere,
|Σ ρ_γ v^γ| ≤ √(Σ ρ_γ² γ!/(2k)!), by Cauchy–Schwarz and Σ (2k)!/γ! v^2γ = ‖v‖^4k; that root is also the Frobenius norm
of the projection of the matrix onto the fully symmetric ones.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator

import numpy as np

from hypernorm.forms.moments import moment_matrix
from hypernorm.forms.monomials import MonomialBasis
from hypernorm.forms.rows import Rows

__all__ = [
    "GramClasses",
    "form_coefficients",
    "gram_half_degree",
    "lower_moments",
    "moment_form",
    "multiply_by_norm",
    "rank_multisets",
    "row_parts",
]

_CHUNK_ENTRIES = 1 << 18


def rank_multisets(indices: np.ndarray) -> np.ndarray:
    """Rank of sorted index tuples in the colexicographic order of all multisets of that size.

    Parameters
    ----------
    indices : ndarray of shape (m, s)
        Each row non-decreasing.

    Returns
    -------
    ndarray of shape (m,)
        Σ_j C(i_j + j − 1, j), j = 1…s: a bijection from the multisets to 0, 1, 2, …
    """
    binomials = _binomials(int(indices.max(initial=0)) + 1, indices.shape[1])
    rank = np.zeros(len(indices), dtype=np.int64)
    for table, index in zip(binomials, indices.T, strict=True):
        rank += table[index]
    return rank


def _binomials(variables: int, size: int) -> list[np.ndarray]:
    """For each position j = 1…`size` the numbers C(i + j − 1, j) of all variables i."""
    return [np.array([math.comb(i + j - 1, j) for i in range(variables)], dtype=np.int64) for j in range(1, size + 1)]


def _sorted(columns: list[np.ndarray]) -> list[np.ndarray]:
    """The columns of a matrix after each of its short rows is sorted, by exchanges of neighbouring columns."""
    for last in range(len(columns) - 1, 0, -1):
        for left in range(last):
            pair = columns[left], columns[left + 1]
            columns[left], columns[left + 1] = np.minimum(*pair), np.maximum(*pair)
    return columns


class GramClasses:
    """The classes of equal monomials for Gram matrices of one size.

    Parameters
    ----------
    dimension, half_degree : int
        d and k: forms of degree 2k in d variables.

    Attributes
    ----------
    basis : MonomialBasis
    weights : ndarray of shape (D,)
        w_α = √(k!/α!).
    count : int
        Number of classes, C(d+2k−1, 2k).
    classes : ndarray of shape (D(D+1)/2,), int32
        Class of each entry of the lower triangle, row by row.
    multinomials : ndarray of shape (count,)
        (2k)!/γ! of each class.

    Examples
    --------
    >>> classes = GramClasses(2, 2)
    >>> classes.count, classes.multinomials.tolist()
    (5, [1.0, 4.0, 6.0, 4.0, 1.0])
    """

    def __init__(self, dimension: int, half_degree: int):
        self.basis = MonomialBasis(dimension, half_degree)
        self.size = self.basis.size
        self.count = math.comb(dimension + 2 * half_degree - 1, 2 * half_degree)
        self.weights = np.sqrt(self.basis.multiplicities.astype(np.float64))
        self.classes = np.empty(self.size * (self.size + 1) // 2, dtype=np.int32)
        self.multinomials = np.zeros(self.count)
        binomials = _binomials(dimension, 2 * half_degree)
        variables = np.ascontiguousarray(self.basis.indices.T, dtype=np.int32)
        for part, rows, columns in self.chunks():
            merged = _sorted([*variables[:, rows], *variables[:, columns]])
            self.classes[part] = sum(table[index] for table, index in zip(binomials, merged, strict=True))
            squares = self.basis.multiplicities[rows] * self.basis.multiplicities[columns]
            np.add.at(self.multinomials, self.classes[part], np.where(rows == columns, 1.0, 2.0) * squares)

    def chunks(self) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """Yield parts of the packed lower triangle, each with the rows and columns of its entries."""
        start = 0
        while start < self.size:
            stop = start + 1
            while stop < self.size and (stop + 1) * (stop + 2) // 2 - start * (start + 1) // 2 <= _CHUNK_ENTRIES:
                stop += 1
            lengths = np.arange(start + 1, stop + 1)
            rows = np.repeat(np.arange(start, stop), lengths)
            first = start * (start + 1) // 2
            columns = np.arange(len(rows)) - (rows * (rows + 1) // 2 - first)
            yield slice(first, first + len(rows)), rows, columns
            start = stop

    def coefficients(self, matrix: np.ndarray, weighted: bool = True) -> np.ndarray:
        """Coefficients of the form: sums over the classes of G_αβ w_α w_β, or of H_αβ with ``weighted=False``."""
        result = np.zeros(self.count)
        for part, rows, columns in self.chunks():
            entries = matrix[rows, columns] * np.where(rows == columns, 1.0, 2.0)
            if weighted:
                entries *= self.weights[rows] * self.weights[columns]
            np.add.at(result, self.classes[part], entries)
        return result

    def matrix(self, values: np.ndarray) -> np.ndarray:
        """The fully symmetric matrix w_α w_β y_(α+β), from one number y for each class."""
        result = np.empty((self.size, self.size))
        for part, rows, columns in self.chunks():
            result[rows, columns] = self.weights[rows] * self.weights[columns] * values[self.classes[part]]
            result[columns, rows] = result[rows, columns]
        return result

    def weighted(self, G: np.ndarray, single_precision: bool) -> tuple[np.ndarray, float]:
        """H of a Gram matrix, which is overwritten, and the loss by its rounding to single precision."""
        loss = 2.0**-23 * float(np.linalg.norm(G)) if single_precision else 0.0
        for part in row_parts(len(G)):
            G[part] *= np.outer(self.weights[part], self.weights)
            if single_precision:
                G[part] = G[part].astype(np.float32)
        G.setflags(write=False)
        return G, loss

    def norm(self, coefficients: np.ndarray) -> float:
        """√(Σ ρ_γ² γ!/(2k)!), a bound on the form on the unit sphere."""
        return float(np.sqrt(np.sum(coefficients**2 / self.multinomials)))


def gram_half_degree(dimension: int, side: int, smallest: int) -> int:
    """The m ≥ `smallest` with C(d+m−1, m) = `side`; for one variable, where every side is one, `smallest`."""
    half = smallest
    while MonomialBasis.count(dimension, half) < side:
        half += 1
    return half


def form_coefficients(moments: np.ndarray, half: int, target: GramClasses) -> np.ndarray:
    """Coefficients of ‖v‖^2(m−k) z(v)ᵀ M z(v) for M of half degree k = `half`, in the classes of half degree m."""
    dimension, own = target.basis.dimension, half == target.basis.degree
    result = (target if own else GramClasses(dimension, half)).coefficients(moments)
    for degree in range(2 * half, 2 * target.basis.degree, 2):
        result = multiply_by_norm(result, dimension, degree)
    return result


def moment_form(rows: Rows, half: int, target: GramClasses) -> tuple[np.ndarray, float]:
    """Coefficients of ‖v‖^2(m−k) Σ ⟨x_i, v⟩^2k, k = `half`, and the Frobenius norm of the moment matrix.

    They take the place of the moment matrix among what is kept with the rows, so that its memory is free.
    """

    def compute() -> tuple[np.ndarray, float]:
        moments = moment_matrix(rows, half)
        rows.forget("moments")
        size = float(np.linalg.norm(moments))
        coefficients = form_coefficients(moments, half, target)
        coefficients.setflags(write=False)
        return coefficients, size

    return rows.kept("moment form", compute, (half, target.basis.degree))


def row_parts(size: int) -> Iterator[slice]:
    """Ranges of the rows of a matrix with `size` columns, for work in parts."""
    step = max(1, _CHUNK_ENTRIES // size)
    for start in range(0, size, step):
        yield slice(start, start + step)


def multiply_by_norm(coefficients: np.ndarray, dimension: int, degree: int) -> np.ndarray:
    """Coefficients of ‖v‖² times a form of the given degree; both forms in the order of `rank_multisets`."""
    result = np.zeros(math.comb(dimension + degree + 1, degree + 2))
    here, raised = _raised(dimension, degree)
    for above in raised:
        result[above] += coefficients[here]
    return result


def lower_moments(moments: np.ndarray, dimension: int, degree: int) -> np.ndarray:
    """Σ_j y_(γ+2e_j) for each monomial γ of the given degree: the transpose of `multiply_by_norm`.

    From the moments of degree + 2 of a measure on the unit sphere it makes those of the degree.
    """
    result = np.zeros(math.comb(dimension + degree - 1, degree))
    here, raised = _raised(dimension, degree)
    for above in raised:
        result[here] += moments[above]
    return result


@functools.lru_cache(maxsize=4)  # as many as the levels of a form of degree 8, for a search that comes here often
def _raised(dimension: int, degree: int) -> tuple[np.ndarray, np.ndarray]:
    """The ranks of all monomials, and for each variable those of the same monomials times its square."""
    basis = MonomialBasis(dimension, degree)
    raised = np.empty((dimension, basis.size), dtype=np.int32)
    for variable in range(dimension):
        larger = np.sort(np.hstack([basis.indices, np.full((basis.size, 2), variable)]), axis=1)
        raised[variable] = rank_multisets(larger)
    return rank_multisets(basis.indices), raised
