"""The one compiler of the package: cached on disk, several threads, and no reordering of floating-point sums."""

from __future__ import annotations

import functools
from typing import Any

import numba

__all__ = ["njit", "prange"]

njit: Any = functools.partial(numba.njit, cache=True, fastmath=False)
prange = numba.prange
