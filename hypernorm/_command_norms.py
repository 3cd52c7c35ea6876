"""Norms that the command computes by name, see `hypernorm.spectral`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hypernorm as hn
from hypernorm._display import rounded_down, rounded_up
from hypernorm._report import show
from hypernorm.exceptions import InvalidInputError

__all__ = ["INTERVALS", "NAMED_NORMS", "enclosure_fields", "named_norm", "print_enclosure"]

INTERVALS = ("operator", "cut")
"""Names of norms with a lower bound by vectors or sets, which the options of the search are for."""
NAMED_NORMS = "operator, cut, nuclear, frobenius, spectral, max, schatten:P, kyfan:K or ksupport:K"

_PLAIN: dict[str, Callable[[Any], hn.Enclosure[Any]]] = {
    "nuclear": lambda X: hn.schatten_norm(X, 1),
    "frobenius": lambda X: hn.schatten_norm(X, 2),
    "spectral": lambda X: hn.schatten_norm(X, float("inf")),
    "max": hn.max_norm,
}
_WITH_NUMBER: dict[str, tuple[Callable[[str], Any], Callable[[Any, Any], hn.Enclosure[Any]]]] = {
    "schatten": (float, hn.schatten_norm),
    "kyfan": (int, hn.ky_fan_norm),
    "ksupport": (int, hn.k_support_norm),
}


def named_norm(name: str) -> Callable[[Any], hn.Enclosure[Any]]:
    """The function that encloses the norm of this name.

    Raises
    ------
    InvalidInputError
        If there is no norm of this name.
    """
    if name in _PLAIN:
        return _PLAIN[name]
    kind, _, text = name.partition(":")
    if kind in _WITH_NUMBER:
        convert, function = _WITH_NUMBER[kind]
        try:
            number = convert(text)
        except ValueError:
            raise InvalidInputError(f"--norm {kind} needs a number, e.g. {kind}:3, got {name!r}.") from None
        return lambda X: function(X, number)
    raise InvalidInputError(f"--norm must be {NAMED_NORMS}, got {name!r}.")


def print_enclosure(found: hn.Enclosure[Any]) -> None:
    """Print the interval; numbers are rounded outward."""
    show(f"interval     {rounded_down(found.lower, 12)} <= {found.quantity} <= {rounded_up(found.upper, 12)}")
    show(f"gap          {rounded_up(100 * found.gap, 3)} %")


def enclosure_fields(found: hn.Enclosure[Any], file: str) -> dict[str, Any]:
    """The fields of an enclosure, for JSON."""
    finite = found.gap < float("inf")
    return {
        "file": file,
        "quantity": found.quantity,
        "lower": found.lower,
        "upper": found.upper,
        "gap": found.gap if finite else None,
        "seconds": found.seconds,
    }
