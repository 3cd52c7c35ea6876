"""Checks of the values that a proof uses: exact types, ranges, private copies of arrays.

A proof uses a value more than once. An instance of a subclass of float or str may return a different value each time,
and another thread may change an array. So subclasses are refused, and arrays are copied before they are checked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from hypernorm.exceptions import CertificateError

__all__ = [
    "LARGEST_SCALE",
    "check_choice",
    "check_fingerprint",
    "check_integer",
    "check_real",
    "check_sides",
    "check_tuple",
    "private_array",
    "shown",
]

LARGEST_SCALE = 2100
"""Upper limit on the exponent of the power of two that scales a matrix of floats."""

_FINGERPRINT_LENGTH = 64
_HEXADECIMAL = frozenset("0123456789abcdef")
_MOST_ROWS, _MOST_COLUMNS = 2**60 - 1, 2**30 - 1


def check_real(
    value: Any, name: str, least: float = -math.inf, below: float = math.inf, *, infinite: bool = False
) -> float:
    """Return a float with `least` ≤ value < `below`, or infinity if that is allowed.

    Raises
    ------
    CertificateError
        If the value is of another type or out of range.
    """
    fits = type(value) is float and (least <= value < below or (infinite and value == math.inf))
    if not (fits and (infinite or math.isfinite(value))):
        kind = "float" if infinite else "finite float"
        limits = (
            ", non-negative"
            if (least, below) == (0, math.inf)
            else f" of at least {least:g}"
            if below == math.inf
            else f" in [{least:g}, {below:g})"
        )
        raise CertificateError(
            f"The certificate's {name} must be a {kind}{limits if least > -math.inf else ''}, got {shown(value)}."
        )
    return value


def check_integer(value: Any, name: str, least: int, most: int) -> int:
    """Return an int with `least` ≤ value ≤ `most`.

    Raises
    ------
    CertificateError
        If the value is of another type or out of range.
    """
    if not (type(value) is int and least <= value <= most):
        raise CertificateError(
            f"The certificate's {name} must be an int from {least} to {most}: {name} {shown(value)} is out of range."
        )
    return value


def check_choice(value: Any, name: str, choices: Sequence[str]) -> str:
    """Return a string that is one of `choices`.

    Raises
    ------
    CertificateError
        If it is not.
    """
    if not (type(value) is str and value in choices):
        raise CertificateError(f"There is no certificate of {name} {shown(value)}.")
    return value


def check_fingerprint(value: Any) -> str:
    """Return the hexadecimal digits of a SHA-256.

    Raises
    ------
    CertificateError
        If the value is anything else.
    """
    if not (type(value) is str and len(value) == _FINGERPRINT_LENGTH and _HEXADECIMAL.issuperset(value)):
        raise CertificateError(f"The certificate's fingerprint {shown(value)} is not one of 64 hexadecimal digits.")
    return value


def check_tuple(value: Any, name: str, length: int, what: str) -> tuple[Any, ...]:
    """Return a tuple of a given length.

    Raises
    ------
    CertificateError
        If the value is of another type or length.
    """
    if not (type(value) is tuple and len(value) == length):
        raise CertificateError(f"The certificate's {name} must be a tuple of {length} {what}.")
    return value


def check_sides(value: Any) -> tuple[int, int]:
    """Return the shape of a matrix.

    Raises
    ------
    CertificateError
        If the value is not a pair of ints, or no matrix has so many rows or columns.
    """
    n, d = check_tuple(value, "shape", 2, "sides")
    if not (type(n) is type(d) is int and 1 <= n <= _MOST_ROWS and 1 <= d <= _MOST_COLUMNS):
        raise CertificateError(f"The certificate's shape ({shown(n)}, {shown(d)}) is impossible.")
    return n, d


def private_array(
    value: Any,
    name: str,
    *shapes: tuple[int, ...],
    dtypes: Sequence[Any] = (np.float64,),
    hermitian: bool = False,
) -> np.ndarray:
    """Return a private copy of a finite array with one of the shapes.

    Raises
    ------
    CertificateError
        If the value is of another type, dtype or shape, not finite, or not Hermitian where it must be.
    """
    # Masked arrays and np.matrix redefine the operators of a proof.
    if type(value) is np.ndarray:
        copy = np.array(value, order="C")  # the copy is what is checked: another thread may write to the array
        usual = copy.dtype in dtypes and copy.shape in shapes
        if usual and np.isfinite(copy).all() and not (hermitian and (copy != copy.conj().T).any()):
            return copy
    kinds = " or ".join(np.dtype(dtype).name for dtype in dtypes)
    sizes = " or ".join(" x ".join(map(str, shape)) for shape in shapes)
    if hermitian:
        wanted = f"{'symmetric' if dtypes == (np.float64,) else 'Hermitian'} {sizes} {kinds} ndarray"
    else:
        wanted = f"{kinds} ndarray of shape {sizes}"
    raise CertificateError(f"The certificate's {name} must be a finite {wanted}.")


def shown(value: Any) -> str:
    """A value as text for a message; of types other than built-in ones only the name is shown."""
    return ascii(value)[:80] if type(value) in (float, int, str, bool, type(None)) else f"a {type(value).__name__}"
