"""Significance of an atom: its value compared with that of Gaussian noise."""

from __future__ import annotations

import math

import numpy as np

from hypernorm.dictionary.stiefel import Ascent
from hypernorm.dictionary.theory import gaussian_moment
from hypernorm.dictionary.whitening import Whitening

__all__ = ["SIGNIFICANT", "significance", "standardised_values"]

SIGNIFICANT = 3.0
"""Number of standard errors by which the value of an atom must exceed that of Gaussian noise."""


def standardised_values(found: Ascent, whitening: Whitening, p: float) -> np.ndarray:
    """Mean of |code|^p of each atom for codes with mean square one."""
    B = found.W @ whitening.K.T
    squares = np.einsum("ij,jk,ik->i", B, whitening.S, B)
    return found.values / np.where(squares > 0, squares, 1) ** (p / 2)


def significance(found: Ascent, whitening: Whitening, p: float, r: float) -> np.ndarray:
    """Number of standard errors by which each atom's value exceeds that of r samples of Gaussian noise.

    For signed fourth moments it counts how far a minimum lies below that value.
    """
    expected = gaussian_moment(p)
    error = math.sqrt((gaussian_moment(2 * p) - expected**2) / r)
    signs = 1 if found.signs is None else found.signs
    return signs * (standardised_values(found, whitening, p) - expected) / error
