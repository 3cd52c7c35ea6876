"""Monomials of one degree, scaled to an orthonormal basis of the symmetric tensors.

For an index multiset α of size k over d variables, z_α(v) = √(k!/α!)·v^α. The D = C(d+k−1, k) functions satisfy
⟨z(u), z(v)⟩ = ⟨u, v⟩^k, in particular ‖z(v)‖² = ‖v‖^{2k}: z(v) is the k-th tensor power of v in coordinates.
"""

from __future__ import annotations

import math
from itertools import combinations_with_replacement

import numpy as np

from hypernorm._arguments import check_count

__all__ = ["MonomialBasis", "pair_matrices"]


class MonomialBasis:
    """The orthonormal monomials of degree k in d variables.

    Parameters
    ----------
    dimension : int
        Number of variables, d.
    degree : int
        Degree k of each monomial.

    Attributes
    ----------
    size : int
        D = C(d+k−1, k).
    indices : ndarray of shape (D, k)
        The variables of each monomial in non-decreasing order; the monomials are in lexicographic order.
    multiplicities : ndarray of shape (D,), int64
        k!/α!, the number of ordered index tuples of the monomial.

    Raises
    ------
    InvalidInputError
        If the dimension or the degree is out of range.

    See Also
    --------
    moment_matrix : The second moments of the monomials.

    Examples
    --------
    >>> basis = MonomialBasis(2, 2)
    >>> basis.indices.tolist(), basis.multiplicities.tolist()
    ([[0, 0], [0, 1], [1, 1]], [1, 2, 1])
    >>> import numpy as np
    >>> z = basis.evaluate(np.array([[3.0, 4.0]]))
    >>> float(np.sum(z**2))  # ‖v‖⁴
    625.0

    >>> MonomialBasis.count(3, 2)
    6
    """

    def __init__(self, dimension: int, degree: int):
        self.dimension = check_count(dimension, "dimension")
        self.degree = check_count(degree, "degree")
        self.size = self.count(dimension, degree)
        flat = np.fromiter(
            (index for chosen in combinations_with_replacement(range(dimension), degree) for index in chosen),
            dtype=np.intp,
            count=self.size * degree,
        )
        self.indices = flat.reshape(self.size, degree)
        self.multiplicities = self._multiplicities()
        self._weights = np.sqrt(self.multiplicities)

    @staticmethod
    def count(dimension: int, degree: int) -> int:
        """Number of monomials, D = C(d+k−1, k).

        Parameters
        ----------
        dimension, degree : int

        Returns
        -------
        int
        """
        return math.comb(dimension + degree - 1, degree)

    def evaluate(self, points: np.ndarray) -> np.ndarray:
        """Values of all monomials at each point.

        Parameters
        ----------
        points : ndarray of shape (b, d)

        Returns
        -------
        ndarray of shape (D, b)
            The relative rounding error of each value is at most k+2 units of 2**-53.
        """
        columns = np.ascontiguousarray(points.T)
        values = columns[self.indices[:, 0]]
        for position in range(1, self.degree):
            values *= columns[self.indices[:, position]]
        values *= self._weights[:, None]
        return values

    def _multiplicities(self) -> np.ndarray:
        # k!/α!: along each sorted index row, divide by the length of the current run of equal indices.
        run = np.ones(self.size, dtype=np.int64)
        counts = np.ones(self.size, dtype=np.int64)
        for position in range(1, self.degree):
            same = self.indices[:, position] == self.indices[:, position - 1]
            run = np.where(same, run + 1, 1)
            counts = counts * (position + 1) // run
        return counts


def pair_matrices(entries: np.ndarray, dimension: int) -> np.ndarray:
    """Symmetric matrices, of shape (r, d, d), from their entries i ≤ j in the order of the monomials, of shape (D, r).

    Parameters
    ----------
    entries : ndarray of shape (D, r)
    dimension : int
        d.

    Returns
    -------
    ndarray of shape (r, d, d)

    See Also
    --------
    MonomialBasis : The order of the entries.

    Examples
    --------
    >>> import numpy as np
    >>> pair_matrices(np.array([[1.0], [2.0], [3.0]]), 2)[0].tolist()
    [[1.0, 2.0], [2.0, 3.0]]
    """
    first, second = np.triu_indices(dimension)
    matrices = np.empty((entries.shape[1], dimension, dimension))
    matrices[:, first, second] = entries.T
    matrices[:, second, first] = entries.T
    return matrices
