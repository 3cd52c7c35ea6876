"""Numbers for people: a bound that is shown with fewer digits must stay a bound."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Context

__all__ = ["exponent_text", "norm_text", "rounded_down", "rounded_up"]


def rounded_up(value: float, digits: int = 8) -> str:
    """The smallest decimal of at most `digits` ≤ 15 significant digits that is not below `value`.

    Examples
    --------
    >>> rounded_up(1.00000001, digits=4), rounded_up(113.71828764, digits=6)
    ('1.001', '113.719')
    """
    return _rounded(value, digits, ROUND_CEILING)


def rounded_down(value: float, digits: int = 8) -> str:
    """The largest decimal of at most `digits` ≤ 15 significant digits that is not above `value`.

    Examples
    --------
    >>> rounded_down(1.99999999, digits=4), rounded_down(0.0)
    ('1.999', '0')
    """
    return _rounded(value, digits, ROUND_FLOOR)


def exponent_text(q: float) -> str:
    """The exponent as people write it.

    Examples
    --------
    >>> exponent_text(4.0), exponent_text(2.5), exponent_text(float("inf"))
    ('4', '2.5', '∞')
    """
    return "∞" if math.isinf(q) else f"{q:.15g}"


def norm_text(q: float) -> str:
    """The norm as plain text.

    Examples
    --------
    >>> norm_text(4.0)
    '||X||_{2→4}'
    """
    return f"||X||_{{2→{exponent_text(q)}}}"


def _rounded(value: float, digits: int, direction: str) -> str:
    if not math.isfinite(value):
        return str(value)
    decimal = Context(prec=digits, rounding=direction).create_decimal(value)
    # At most 15 digits survive the way through binary64 and back.
    return f"{float(decimal):.{digits}g}"
