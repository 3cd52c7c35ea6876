"""The one compiler of the package: cached on disk, and no reordering of floating-point sums.

Compiled code releases the interpreter lock and starts no threads of its own: `hypernorm._parallel` shares the work, so
that no second pool of threads takes the cores from the matrix products.
"""

from __future__ import annotations

import functools
from typing import Any

import numba

__all__ = ["njit"]

njit: Any = functools.partial(numba.njit, cache=True, fastmath=False, nogil=True)
