"""Exponents of vector norms as exact numbers: fractions, or infinity.

The float that a certificate stores stands for its exact value. Conjugates and differences of exponents are computed
exactly, so that only powers are rounded.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import TypeAlias

import flint

from hypernorm.certificates.rounding import rational

__all__ = ["Exponent", "conjugate", "exact_exponent", "inverse", "norm_change", "norm_of_balls", "raised"]

Exponent: TypeAlias = Fraction | float
"""A fraction of at least 1, or infinity."""


def exact_exponent(value: float) -> Exponent:
    """The exact value of a float."""
    return math.inf if math.isinf(value) else Fraction(value)


def conjugate(p: Exponent) -> Exponent:
    """p* = p/(p − 1), of the norm dual to that of p.

    Examples
    --------
    >>> conjugate(Fraction(3)), conjugate(Fraction(1)), conjugate(math.inf)
    (Fraction(3, 2), inf, Fraction(1, 1))
    """
    if p == math.inf:
        return Fraction(1)
    return math.inf if p == 1 else Fraction(p) / (Fraction(p) - 1)


def inverse(p: Exponent) -> Fraction:
    """1/p, zero for infinity."""
    return Fraction(0) if p == math.inf else 1 / Fraction(p)


def norm_change(inner: Fraction, outer: Fraction, count: int) -> flint.arb:
    """The largest ‖v‖_r/‖v‖_s over vectors of `count` entries, for 1/s = `inner` and 1/r = `outer`."""
    excess = outer - inner
    return rational(count) ** rational(excess) if excess > 0 and count > 1 else rational(1)


def raised(ball: flint.arb, power: Fraction | int) -> flint.arb:
    """A power of a ball of positive numbers or of an exact zero; 0⁰ = 1."""
    power = Fraction(power)
    if power == 1:
        return ball
    if power == 0:
        return rational(1)
    if ball.is_zero() and power > 0:
        return ball
    return ball ** int(power) if power.denominator == 1 else ball ** rational(power)


def norm_of_balls(values: Iterable[flint.arb], r: Exponent) -> flint.arb:
    """‖·‖_r of balls of positive numbers; exact zeros are left out."""
    total = rational(0)
    if r == math.inf:
        for value in values:
            total = total.max(value)
        return total
    exponent = Fraction(r)
    power = int(exponent) if exponent.denominator == 1 else rational(exponent)
    for value in values:
        if not value.is_zero():
            total += value**power
    return raised(total, 1 / exponent)
