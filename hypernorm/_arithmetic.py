"""Floating-point error handling of the package, independent of the caller's `numpy.seterr`."""

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

    The algorithms allow underflow, and overflow that they check afterwards. A caller may have set `numpy.seterr` to
    raise errors for both.
    """

    @functools.wraps(function)
    def call(*arguments: Parameters.args, **options: Parameters.kwargs) -> Result:
        with np.errstate(all="ignore"):
            return function(*arguments, **options)

    return call
