"""Results as users see them: text and HTML that fit on a screen, and arrays that nobody changes."""

from __future__ import annotations

import dataclasses
import html
import numbers
from collections.abc import Iterable
from enum import Enum
from typing import Any

import numpy as np

from hypernorm._display import printable, rounded_down, rounded_up

__all__ = ["Result", "html_table", "one_line", "read_only", "shown"]

# What is proved, in the order in which it is shown: lower ends are rounded down, upper ends up.
_LOWER = ("lower", "lowers", "spectral_lower", "least_ratio", "value")
_UPPER = (
    *("upper", "uppers", "upper_given", "spectral_upper", "largest_ratio", "kurtosis", "weighted_ratio", "moments"),
    *("offset", "total_variation", "threshold", "slack"),
)
_BOUNDS = (*_LOWER[:1], *_UPPER[:1], *_LOWER[1:], *_UPPER[1:])
_DIGITS, _ITEMS, _LETTERS = 10, 4, 60


class Result:
    """Base of the frozen data classes that functions return.

    An array in a field becomes a view that cannot be written to. The array itself is not copied and stays as it is.
    """

    __slots__ = ()

    def __post_init__(self) -> None:
        for name, value in _fields(self).items():
            fixed = tuple(map(read_only, value)) if type(value) is tuple else read_only(value)
            object.__setattr__(self, name, fixed)

    def __reduce__(self) -> tuple[Any, ...]:
        # Arrays of copies and pickles cannot be written to either.
        return _made, (type(self), _fields(self))

    def _entries(self) -> Iterable[tuple[str, str]]:
        """Names and texts of what is shown, the proved numbers first."""
        fields = _fields(self)
        names = sorted(fields, key=lambda name: _BOUNDS.index(name) if name in _BOUNDS else len(_BOUNDS))
        return [(name, shown(fields[name], name)) for name in names]

    def __repr__(self) -> str:
        return one_line(type(self).__name__, self._entries())

    def _repr_html_(self) -> str:
        return html_table(type(self).__name__, self._entries())


def _fields(result: Any) -> dict[str, Any]:
    """The fields of a result by name."""
    return {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}


def _made(kind: type[Any], fields: dict[str, Any]) -> Any:
    """A result of a class from its fields."""
    return kind(**fields)


def read_only(value: Any) -> Any:
    """A view of an array that cannot be written to; anything else as it is.

    Examples
    --------
    >>> array = np.zeros(2)
    >>> read_only(array).flags.writeable, array.flags.writeable
    (False, True)
    """
    if not isinstance(value, np.ndarray) or not value.flags.writeable:
        return value
    view = value.view()
    view.setflags(write=False)
    return view


def one_line(title: str, entries: Iterable[tuple[str, str]]) -> str:
    """A title with names and texts, as Python would write it.

    Examples
    --------
    >>> one_line("Pair", [("first", "1"), ("second", "2")])
    'Pair(first=1, second=2)'
    """
    return f"{title}({', '.join(f'{name}={text}' for name, text in entries)})"


def html_table(title: str, entries: Iterable[tuple[str, str]]) -> str:
    """A title above a table of names and texts.

    Examples
    --------
    >>> html_table("Pair", [("first", "<1>")])[:45]
    '<div><strong>Pair</strong><table><tbody><tr><'
    """
    rows = "".join(
        f"<tr><td style='text-align:left'>{html.escape(name.replace('_', ' '))}</td>"
        f"<td style='text-align:left'>{html.escape(text)}</td></tr>"
        for name, text in entries
    )
    return f"<div><strong>{html.escape(title)}</strong><table><tbody>{rows}</tbody></table></div>"


def shown(value: Any, name: str) -> str:
    """The value of a field as text: bounds are rounded outwards, of an array there are the first numbers or the shape.

    Examples
    --------
    >>> shown(1 / 3, "lower"), shown(1 / 3, "upper"), shown(np.eye(3), "matrix")
    ('0.3333333333', '0.3333333334', 'array of shape (3, 3)')
    """
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, str):
        return repr(printable(value, _LETTERS))
    if isinstance(value, bool | np.bool_ | numbers.Integral) or value is None:
        return str(value)
    if isinstance(value, numbers.Real):
        return _number(float(value), name)
    if isinstance(value, np.ndarray | tuple):
        return _sequence(value, name)
    if hasattr(value, "shape"):
        return f"{type(value).__name__} of shape {value.shape}"
    return type(value).__name__


def _number(value: float, name: str) -> str:
    if name in _LOWER:
        return rounded_down(value, _DIGITS)
    return rounded_up(value, _DIGITS) if name in _UPPER else f"{value:.6g}"


def _sequence(values: Any, name: str) -> str:
    if isinstance(values, np.ndarray) and values.ndim == 0:
        return shown(values.item(), name)
    if isinstance(values, np.ndarray) and (values.ndim > 1 or values.dtype == bool):
        return f"array of shape {values.shape}"
    if not all(isinstance(value, numbers.Real) for value in values):
        kinds = dict.fromkeys(type(value).__name__ for value in values)
        return f"{len(values)} of {', '.join(kinds)}"[:_LETTERS]
    few = ", ".join(shown(value, name) for value in values[:_ITEMS])
    return f"[{few}]" if len(values) <= _ITEMS else f"[{few}, …] of length {len(values)}"
