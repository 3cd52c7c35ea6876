"""A reflection of R^d that maps a vector to an axis, and its action on quadratic forms and their matrices.

For the reflection H = I − 2uuᵀ the map T ↦ HTH of symmetric matrices is a reflection too: its eigenvalue −1 belongs to
the matrices uxᵀ + xuᵀ with x ⊥ u, of dimension d − 1, and all others are fixed. So a D×D matrix is reflected by an
update of rank 2(d − 1).
"""

from __future__ import annotations

import numpy as np
from scipy.linalg.blas import dsymm, dsyr2k

from hypernorm.forms.monomials import MonomialBasis

__all__ = ["Reflection"]


class Reflection:
    """The reflection that maps a vector to a multiple of the first axis.

    Parameters
    ----------
    basis : MonomialBasis
        Of degree 2.
    vector : ndarray of shape (d,)
        Not zero.

    Examples
    --------
    >>> import numpy as np
    >>> Reflection(MonomialBasis(2, 2), np.array([3.0, 4.0])).apply(np.array([[3.0], [4.0]])).ravel().round(12).tolist()
    [-5.0, 0.0]
    """

    def __init__(self, basis: MonomialBasis, vector: np.ndarray):
        u = vector / np.linalg.norm(vector)
        u[0] += np.copysign(1.0, u[0])
        self._u = u / np.linalg.norm(u)
        rest = np.linalg.qr(self._u[:, None], mode="complete")[0][:, 1:]
        first, second = basis.indices.T
        factors = np.sqrt(basis.multiplicities / 2)[:, None]
        # The orthonormal matrices (uxᵀ + xuᵀ)/√2.
        self._odd = np.asfortranarray(
            factors * (self._u[first, None] * rest[second] + self._u[second, None] * rest[first])
        )

    def apply(self, V: np.ndarray) -> np.ndarray:
        """Reflect the columns of a matrix."""
        return np.asarray(V - 2 * np.outer(self._u, self._u @ V))

    def conjugate(self, lower: np.ndarray) -> np.ndarray:
        """Reflect a D×D matrix from both sides: only the lower triangle of the C-ordered array is read and changed."""
        B = self._odd
        C = 2 * dsymm(1.0, lower.T, B, lower=0)
        C = np.asfortranarray(C - B @ (B.T @ C))
        return np.asarray(dsyr2k(-1.0, B, C, beta=1.0, c=lower.T, lower=0, overwrite_c=1).T)
