"""Checks of arguments other than matrices: numbers, names, weights and random generators."""

from __future__ import annotations

import math
import numbers
import os
from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np

from hypernorm._validation import check_shape
from hypernorm.exceptions import InvalidInputError, TooLargeError

__all__ = [
    "Seed",
    "check_choice",
    "check_contamination",
    "check_count",
    "check_exponent",
    "check_flag",
    "check_generator",
    "check_memory",
    "check_nonnegative",
    "check_progress",
    "check_sample_weight",
    "check_time_limit",
    "check_tolerance",
    "fits_in_memory",
]

Seed: TypeAlias = int | np.random.Generator | np.random.RandomState | None

_LARGEST_EXPONENT = 1e6


def check_choice(value: Any, name: str, choices: Iterable[str]) -> str:
    """Return a string that is one of the choices.

    Raises
    ------
    InvalidInputError
        If it is not.
    """
    allowed = list(choices)
    if not isinstance(value, str) or value not in allowed:
        raise InvalidInputError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}.")
    return value


def check_exponent(q: Any, smallest: float = 2.0, name: str = "q") -> float:
    """Return the exponent as a float; `smallest` ≤ q ≤ 10⁶, or q = ∞.

    Raises
    ------
    InvalidInputError
        If `q` is not a real number or is out of range.
    """
    exponent = _real(q)
    if math.isnan(exponent):
        raise InvalidInputError(f"{name} must be a real number or infinity, got {q!r}.")
    if exponent < smallest:
        remedy = "; `lower_bound` accepts every exponent from 1 on" if name == "q" and smallest > 1 <= exponent else ""
        raise InvalidInputError(f"{name} must be at least {smallest:g}, got {q!r}{remedy}.")
    if _LARGEST_EXPONENT < exponent < math.inf:
        raise InvalidInputError(
            f"{name} must be at most {_LARGEST_EXPONENT:g} or infinity, got {q!r}; for n rows the norm for infinity is "
            f"within the factor n**(1/{name})."
        )
    return exponent


def _real(value: Any) -> float:
    """The value as a float; NaN if it is not a real number in the range of floats."""
    if type(value) is bool or not isinstance(value, numbers.Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan


def check_tolerance(rtol: Any, name: str = "rtol") -> float:
    """Return a relative tolerance as a float in [0, 1)."""
    tolerance = _real(rtol)
    if not 0 <= tolerance < 1:
        raise InvalidInputError(f"{name} must be a number in [0, 1), got {rtol!r}.")
    return tolerance


def check_nonnegative(value: Any, name: str) -> float:
    """Return a finite number that is at least 0, as a float."""
    number = _real(value)
    if not 0 <= number < math.inf:
        raise InvalidInputError(f"{name} must be a finite number of at least 0, got {value!r}.")
    return number


def check_time_limit(seconds: Any, name: str = "time_limit") -> float | None:
    """Return a limit in seconds, or None for no limit."""
    if seconds is None:
        return None
    limit = _real(seconds)
    if not limit > 0:
        raise InvalidInputError(f"{name} must be a positive number of seconds or None, got {seconds!r}.")
    return limit


def check_contamination(contamination: Any, name: str = "contamination") -> float:
    """Return the fraction of outliers as a float in [0, 0.5).

    Raises
    ------
    InvalidInputError
        If it is not: if half of the samples may be outliers, no method can tell them from the inliers.
    """
    fraction = _real(contamination)
    if not 0 <= fraction < 0.5:
        raise InvalidInputError(
            f"{name} must be a number in [0, 0.5), the fraction of samples that may be outliers, got {contamination!r}."
        )
    return fraction


def check_sample_weight(sample_weight: Any, name: str, n: int) -> np.ndarray:
    """Return non-negative weights of n samples, not all zero, in double precision.

    Raises
    ------
    InvalidInputError
        If the weights have another shape, are negative, or are all zero.
    """
    weights = check_shape(sample_weight, name, (n,))
    if (weights < 0).any() or not weights.any():
        raise InvalidInputError(f"{name} must not be negative, nor zero for every sample.")
    return weights


def check_count(count: Any, name: str, smallest: int = 1) -> int:
    """Return a whole number that is at least `smallest`."""
    if isinstance(count, bool) or not isinstance(count, numbers.Integral) or int(count) < smallest:
        raise InvalidInputError(f"{name} must be a whole number of at least {smallest}, got {count!r}.")
    return int(count)


def check_flag(value: Any, name: str) -> bool:
    """Return True or False.

    Raises
    ------
    InvalidInputError
        If the value is anything else.
    """
    if not isinstance(value, bool | np.bool_):
        raise InvalidInputError(f"{name} must be True or False, got {value!r}.")
    return bool(value)


def check_progress(progress: Any) -> Any:
    """Return True, False or a callable."""
    if not (isinstance(progress, bool) or callable(progress)):
        raise InvalidInputError(f"progress must be True, False or a callable, got {progress!r}.")
    return progress


def check_generator(random_state: Any) -> np.random.Generator:
    """Return a generator for any form of `random_state` that functions and estimators accept.

    A generator is returned itself, so two calls with it draw different numbers. A `numpy.random.RandomState` seeds a
    new generator with numbers drawn from it, so two calls with it differ as well.

    Raises
    ------
    InvalidInputError
        If `random_state` has another form.
    """
    if isinstance(random_state, np.random.Generator):
        return random_state
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(2**32, size=4, dtype=np.uint32))
    if random_state is None:
        return np.random.default_rng()
    is_whole = isinstance(random_state, numbers.Integral) and not isinstance(random_state, bool)
    if is_whole and int(random_state) >= 0:
        return np.random.default_rng(int(random_state))
    found = "a negative number" if is_whole else f"an object of type {type(random_state).__name__}"
    raise InvalidInputError(
        "random_state must be None, a whole number of at least 0, a numpy.random.Generator or a "
        f"numpy.random.RandomState, got {found}."
    )


def check_memory(needed: int, what: str, remedy: str) -> None:
    """Check that work of `needed` bytes fits in memory, before anything is allocated.

    Raises
    ------
    TooLargeError
        If `needed` bytes exceed 80% of the physical memory.
    """
    present = _physical_memory()
    if needed > 0.8 * present:
        raise TooLargeError(
            f"{what} needs {needed / 2**30:.1f} GiB, this machine has {present / 2**30:.1f} GiB; {remedy}."
        )


def fits_in_memory(needed: int) -> bool:
    """Whether `needed` bytes are at most 20% of the physical memory, for work that can be left out."""
    return needed <= 0.2 * _physical_memory()


def _physical_memory() -> float:
    """In bytes; infinity if the system does not tell."""
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return math.inf
    return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
