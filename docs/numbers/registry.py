"""The named numbers and tables that pages may show, and how their texts are written."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable

from experiments.runner import RESULTS, Row, read
from experiments.tables import markdown

__all__ = [
    "NUMBERS",
    "Row",
    "Table",
    "count",
    "digits",
    "head",
    "machine",
    "number",
    "one",
    "percent",
    "power",
    "rows",
    "seconds",
    "span",
    "table",
]

Table = list[list[str]]

NUMBERS: dict[str, Callable[..., str]] = {}
"""For each name the function that computes the text; what follows the name in a page are its arguments, as texts."""


def number(function: Callable[..., str]) -> Callable[..., str]:
    """Register a function that computes a number within a sentence from its arguments, which are texts."""
    NUMBERS[function.__name__] = function
    return function


def table(name: str, part: str = "paper") -> Callable[[Callable[[], Table]], Callable[[], Table]]:
    """Register a function that computes a table from the given results, which are named below it."""

    def register(function: Callable[[], Table]) -> Callable[[], Table]:
        def text() -> str:
            first, *others = function()
            return f"{markdown(first, others)}\n\n*Measured on {machine(name, part)}; `results/{name}/{part}.jsonl`.*"

        NUMBERS[function.__name__] = text
        return function

    return register


@functools.cache
def rows(name: str, part: str = "paper") -> list[Row]:
    """The rows on file, read once."""
    return read(name, part)


def one(name: str, part: str = "paper", /, **values: object) -> Row:
    """The only row on file with these values."""
    (row,) = (row for row in rows(name, part) if all(row.get(key) == value for key, value in values.items()))
    return row


def head(name: str, part: str) -> Row:
    """The first line of a file of results: versions and machine."""
    with (RESULTS / name / f"{part}.jsonl").open(encoding="utf-8") as file:
        return dict(json.loads(file.readline()))


def machine(name: str, part: str) -> str:
    """Where a file of results was measured."""
    first = head(name, part)
    return f"{first['cores']} cores of an {first['processor']}, numpy {first['numpy']}"


def seconds(value: float) -> str:
    """A time with two digits."""
    return f"{digits(value)} s"


def digits(value: float, places: int = 2) -> str:
    """A number with that many significant digits, never with an exponent."""
    return f"{value:,.0f}" if abs(value) >= 10**places - 0.5 else f"{value:#.{places}g}".rstrip(".")


def percent(value: float, places: int = 0, up: bool = False, down: bool = False) -> str:
    """A fraction as per cent; what is said to be "at most" is rounded up, "at least" down."""
    scaled = 100 * value * 10**places
    scaled = math.ceil(scaled - 1e-9) if up else math.floor(scaled + 1e-9) if down else scaled
    return f"{scaled / 10**places:.{places}f}%"


def power(value: float, up: bool = False) -> str:
    """A small number as 4·10⁻⁷, with `up` rounded up."""
    mantissa, exponent = f"{value:.0e}".split("e")
    if up and float(f"{mantissa}e{exponent}") < value:
        mantissa, exponent = f"{(int(mantissa) + 1) * float(f'1e{exponent}'):.0e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{raised}" if mantissa == "1" else f"{mantissa}·10{raised}"


def count(part: int, whole: int) -> str:
    """So many of so many."""
    return f"{part:,} of {whole:,}"


def span(low: float, high: float, places: int = 2) -> str:
    """From the one to the other, or one number if both read the same."""
    texts = [f"{value:.{places}f}" for value in (low, high)]
    return texts[0] if texts[0] == texts[1] else " to ".join(texts)
