"""Floating-point events as the package needs them, whatever the caller has set with `numpy.seterr`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numpy as np

__all__ = ["own_arithmetic"]

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def own_arithmetic(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Run a public function with all floating-point events ignored.

    Underflow, and overflow that is looked for afterwards, are part of the algorithms; a caller may have made either an
    error.
    """

    @functools.wraps(function)
    def call(*arguments: Parameters.args, **options: Parameters.kwargs) -> Result:
        with np.errstate(all="ignore"):
            return function(*arguments, **options)

    return call
