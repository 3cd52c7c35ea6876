"""Output for people: bounds are rounded outwards, and text from files cannot control a terminal."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Context

__all__ = [
    "complex_norm_text",
    "exponent_text",
    "gain_text",
    "norm_text",
    "operator_norm_text",
    "printable",
    "rounded_down",
    "rounded_up",
]


def printable(text: object, limit: int | None = None) -> str:
    r"""Untrusted text, such as a name in a file, on one line and without control characters.

    Line breaks, escape sequences, marks that reverse the direction of writing and invalid bytes become Python escapes.
    Text longer than `limit` characters ends in an ellipsis.

    Examples
    --------
    >>> print(printable("a\x1b[2Jb\nc"), printable("café"), printable("x" * 100, limit=8))
    a\x1b[2Jb\nc café xxxxxxx…
    """
    whole = str(text)
    cut = whole if limit is None or len(whole) <= limit else whole[: limit - 1] + "…"
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in cut
    )


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
    """The exponent as text, without trailing zeros.

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


def complex_norm_text(q: float) -> str:
    """The norm over complex vectors as plain text.

    Examples
    --------
    >>> complex_norm_text(4.0)
    '||X||_{2→4} over complex vectors'
    """
    return f"{norm_text(q)} over complex vectors"


def operator_norm_text(p: float, q: float, field: str = "real") -> str:
    """The norm of an operator as plain text, over real or complex vectors.

    Examples
    --------
    >>> operator_norm_text(float("inf"), 1.0)
    '||A||_{∞→1}'
    >>> operator_norm_text(3.0, 4.0, "complex")
    '||A||_{3→4} over complex vectors'
    """
    over = " over complex vectors" if field == "complex" else ""
    return f"||A||_{{{exponent_text(p)}→{exponent_text(q)}}}{over}"


def gain_text(q: float) -> str:
    """The smallest gain as plain text.

    Examples
    --------
    >>> gain_text(4.0)
    'min ||Xv||_4/||v||'
    """
    return f"min ||Xv||_{exponent_text(q)}/||v||"


def _rounded(value: float, digits: int, direction: str) -> str:
    if not math.isfinite(value):
        return str(value)
    decimal = Context(prec=digits, rounding=direction, traps=[]).create_decimal(value)
    # At most 15 digits are preserved by the conversion to binary64 and back.
    return f"{float(decimal):.{digits}g}"
