"""Symmetric gauges: the norms of vectors of singular values that unitarily invariant norms are.

A symmetric gauge depends on the magnitudes only and grows with each of them. So lower and upper bounds on the singular
values give lower and upper bounds on the norm.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate

import flint

from hypernorm._display import exponent_text
from hypernorm.certificates.rounding import rational
from hypernorm.exceptions import CertificateError

__all__ = ["INVARIANT_NORMS", "check_parameter", "gauge", "name_of_norm", "tail"]

INVARIANT_NORMS = ("schatten", "ky_fan", "k_support")
"""Schatten norms have a real exponent from 1 to infinity, the others a number of singular values."""


def check_parameter(kind: str, parameter: float, count: int) -> None:
    """Check the parameter of a norm of matrices with `count` singular values.

    Raises
    ------
    CertificateError
    """
    if kind == "schatten":
        if not (parameter == math.inf or 1 <= parameter <= 1e6):
            raise CertificateError(f"There is no Schatten norm of exponent {parameter!r}.")
    elif not (1 <= parameter <= count and parameter == int(parameter)):
        raise CertificateError(f"k must be a whole number from 1 to {count}, the number of singular values.")


def name_of_norm(kind: str, parameter: float) -> str:
    """The norm as plain text.

    Examples
    --------
    >>> name_of_norm("schatten", 1.0), name_of_norm("schatten", 3.0), name_of_norm("ky_fan", 5.0)
    ('nuclear norm of X', 'Schatten 3-norm of X', 'Ky Fan 5-norm of X')
    """
    if kind == "schatten":
        known = {1.0: "nuclear norm of X", 2.0: "Frobenius norm of X", math.inf: "spectral norm of X"}
        return known.get(parameter, f"Schatten {exponent_text(parameter)}-norm of X")
    return f"Ky Fan {parameter:.0f}-norm of X" if kind == "ky_fan" else f"{parameter:.0f}-support norm of X"


def gauge(kind: str, parameter: float, values: Sequence[float]) -> flint.arb:
    """A ball around the norm of a matrix with the given singular values, the largest first.

    Raises
    ------
    CertificateError
        If a value is infinite.
    """
    nonzero = bisect_left(values, True, key=lambda value: value == 0)
    if kind == "schatten":
        return _schatten(parameter, values[: max(nonzero, 1)])
    if kind == "ky_fan":
        return sum((rational(value) for value in values[: int(parameter)]), rational(0))
    return _k_support(int(parameter), values[: max(nonzero, int(parameter))])


def _schatten(p: float, values: Sequence[float]) -> flint.arb:
    if math.isinf(p):
        return rational(values[0])
    exponent = int(p) if p == int(p) else rational(p)
    total = sum((rational(value) ** exponent for value in values if value), rational(0))
    return total if total.is_zero() or p == 1 else total ** (1 / rational(p))


def _k_support(k: int, values: Sequence[float]) -> flint.arb:
    """(Σ_{i<k−r} s_i² + T²/(r + 1))^{1/2} with T = Σ_{i≥k−r} s_i, for the r with s_{k−r−1} > T/(r + 1) ≥ s_{k−r}.

    The formula and that exactly one r from 0 to k − 1 fits: Argyriou, Foygel and Srebro (2012), Proposition 2.1. The
    comparisons are exact.
    """
    if math.isinf(values[0]):
        raise CertificateError("Nothing is proved: the numbers are too large for a proof, they overflow.")
    exact = [Fraction(value) for value in values]
    tails = list(accumulate(reversed(exact)))[::-1]  # tails[i] = Σ_{j≥i} s_j, from index 0
    for r in range(k):
        first = k - r - 1  # the index of s_{k−r}
        tail = tails[first]
        if tail >= (r + 1) * exact[first] and (first == 0 or (r + 1) * exact[first - 1] > tail):
            head = sum((rational(value) ** 2 for value in values[:first]), rational(0))
            return (head + rational(tail) ** 2 / (r + 1)).sqrt()
    raise AssertionError("one r fits")


def tail(values: Sequence[float], kept: int) -> flint.arb:
    """A ball around (Σ_{i>kept} s_i²)^{1/2}, the least Frobenius error of a matrix of rank `kept`."""
    return sum((rational(value) ** 2 for value in values[kept:]), rational(0)).sqrt()
