"""Norms that the command computes, chosen by exponents or by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import hypernorm as hn
from hypernorm._display import rounded_down, rounded_up
from hypernorm._report import show
from hypernorm.exceptions import InvalidInputError

__all__ = ["INTERVALS", "NAMED_NORMS", "chosen_norm", "enclosure_fields", "named_norm", "print_enclosure"]

INTERVALS = ("operator", "cut")
"""Names of norms with a lower bound by vectors or sets, which the options of the search are for."""
NAMED_NORMS = (
    *("operator", "cut", "nuclear", "frobenius", "spectral", "max"),
    *("schatten:P", "kyfan:K", "ksupport:K"),
)

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
    raise InvalidInputError(f"--norm must be one of {', '.join(NAMED_NORMS)}, got {name!r}.")


def chosen_norm(
    name: str, p: str | None, q: str | None, *, center: bool, normalize: bool, checkpoint: Path | None
) -> Callable[..., hn.Interval[Any, Any]]:
    """The function that computes the operator norm, cut norm or moment of the options.

    Raises
    ------
    InvalidInputError
        If the options do not fit together.
    """
    other = "--norm cut" if name == "cut" else "--p" if p is not None else None
    if other is not None and (center or normalize):
        raise InvalidInputError(f"--center and --normalize are about moments of rows; leave them or {other} out.")
    if other is not None and checkpoint is not None:
        raise InvalidInputError(f"--checkpoint is for norms and moments with p = 2; leave it or {other} out.")
    if name == "cut":
        if p is not None or q is not None:
            raise InvalidInputError("The cut norm has no exponents; leave --p and --q out.")
        return hn.cut_norm
    exponent = 4.0 if q is None else _parse_exponent(q, "--q", 2 if p is None else 1)
    if p is None:
        return partial(hn.two_to_q_norm, q=exponent, center=center, normalize=normalize, checkpoint=checkpoint)
    return partial(hn.operator_norm, p=_parse_exponent(p, "--p", 1), q=exponent)


def _parse_exponent(text: str, name: str, least: int) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidInputError(f"{name} must be a number from {least} on or inf, got {text!r}.") from None


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
