"""Symmetric tensors as matrices, whose singular vectors are directions in which a form may be large."""

from __future__ import annotations

import numpy as np

from hypernorm.forms.gram import rank_multisets
from hypernorm.forms.monomials import MonomialBasis

__all__ = ["Unfolding"]


class Unfolding:
    """Coefficient vectors of Sym^k(R^d) as tensors, unfolded to d × d^{k−1}; equal columns are merged."""

    def __init__(self, basis: MonomialBasis):
        d = basis.dimension
        rest = MonomialBasis(d, basis.degree - 1)
        order = np.empty(basis.size, dtype=np.int64)
        order[rank_multisets(basis.indices)] = np.arange(basis.size)
        merged = np.hstack([np.tile(rest.indices, (d, 1)), np.repeat(np.arange(d), rest.size)[:, None]])
        self._positions = order[rank_multisets(np.sort(merged, axis=1))].reshape(d, rest.size)
        # Entries of the tensor are z_α/w_α; the multiplicity of a merged column is the number of equal columns.
        self._factors = np.sqrt(rest.multiplicities / basis.multiplicities[self._positions])

    def direction(self, z: np.ndarray) -> np.ndarray:
        """Leading left singular vector of the unfolded tensor."""
        unfolded = z[self._positions] * self._factors
        return np.asarray(np.linalg.eigh(unfolded @ unfolded.T)[1][:, -1])
