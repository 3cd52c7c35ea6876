"""Schatten norms by exponent or by name."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hypernorm._arguments import check_exponent
from hypernorm.exceptions import InvalidInputError

__all__ = ["check_norm", "check_norms"]

_NAMES = {"nuclear": 1.0, "frobenius": 2.0, "spectral": math.inf}


def check_norm(p: Any) -> float:
    """The exponent of a Schatten norm, 1 ≤ p ≤ ∞, given as a number or as 'nuclear', 'frobenius' or 'spectral'.

    Raises
    ------
    InvalidInputError
        If it is neither.
    """
    if not isinstance(p, str):
        return check_exponent(p, smallest=1, name="p")
    if p not in _NAMES:
        raise InvalidInputError(f"p must be a number from 1 to infinity or one of {', '.join(_NAMES)}, got {p!r}.")
    return _NAMES[p]


def check_norms(p: Any) -> list[float]:
    """The exponents of one or several Schatten norms.

    Raises
    ------
    InvalidInputError
        If one of them is no norm, or if there is none.
    """
    norms = [check_norm(value) for value in np.atleast_1d(np.asarray(p, dtype=object)).ravel()]
    if not norms:
        raise InvalidInputError("p is empty; give at least one norm, e.g. p=2.")
    return norms
