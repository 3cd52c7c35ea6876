"""Upper bounds on the spectral norm of a computed matrix, by a Gram matrix: λI − EᵀE ≻ 0.

The checker proposes λ itself, from eigenvalues that it does not trust, and raises it until the proof succeeds.
"""

from __future__ import annotations

import math

import numpy as np

from hypernorm.certificates import exact, floating
from hypernorm.certificates.dyadic import DyadicMatrix
from hypernorm.certificates.rounding import SAFETY, TINY, gamma, rational, upper_float
from hypernorm.exceptions import CertificateError

__all__ = ["spectral_norm_bound"]

_MARGINS = (1.5, 6.0, 50.0, 1e4)


def spectral_norm_bound(E: np.ndarray, *, in_integers: bool = False) -> float:
    """A proved upper bound on ‖E‖₂ for a finite matrix.

    Raises
    ------
    CertificateError
        If no λ is proved.
    """
    largest = float(np.abs(E).max())
    if largest == 0:
        return 0.0
    power = math.frexp(largest)[1]
    with np.errstate(under="ignore"):
        S = np.ldexp(E, -power)
        S = S if S.shape[0] >= S.shape[1] else S.T
        G = S.T @ S
        size = float(np.linalg.norm(S)) ** 2
    G = (G + G.T) / 2
    top = max(float(np.linalg.eigvalsh(G)[-1]), 0.0)
    side = len(G)
    error = SAFETY * gamma(len(S) + 4) * size + TINY
    slack = error + 4 * gamma(side + 4) * side * top + 16 * side * np.finfo(float).eps * top
    product = None
    if in_integers:
        integers = DyadicMatrix.from_floats(S)
        product = integers.T @ integers
    for margin in _MARGINS:
        bound = top + margin * slack
        if product is not None:
            identity = DyadicMatrix.from_floats(np.eye(side))
            proved = exact.is_dominated(identity, bound, product)
        else:
            proved = floating.is_dominated(None, bound, G, error)
        if proved:
            # Entries that the scaling flushed to zero are smaller than 2**-1074 times the unit.
            lost = rational(2.0**-1074) * rational(E.size).sqrt()
            return upper_float((rational(bound).sqrt() + lost) * rational(2) ** power)
    raise CertificateError("No bound on the spectral norm of the error is proved.")
