"""Compile functions with numba, cached on disk if possible and without reordering floating-point sums.

Compiled code releases the interpreter lock and starts no threads. `hypernorm._parallel` distributes the work, so that
no second pool of threads takes cores from the matrix products.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
from numba.core.compiler_lock import global_compiler_lock

__all__ = ["njit"]


class _OptionalCache:
    """A cache of numba that ignores errors of reading and writing, such as a full disk or a deleted folder."""

    def __init__(self, cache: Any):
        self._cache = cache

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cache, name)

    def load_overload(self, *arguments: Any) -> Any:
        try:
            return self._cache.load_overload(*arguments)
        except Exception:  # a damaged file may raise any error
            with suppress(Exception):
                self._cache.flush()
            return None

    def save_overload(self, *arguments: Any) -> None:
        with suppress(Exception):
            self._cache.save_overload(*arguments)


def njit(function: Callable[..., Any]) -> Any:
    """Compile the function at its first call, or load the code that an earlier process compiled."""
    compiled: Any = numba.njit(fastmath=False, nogil=True)(function)
    if not hasattr(compiled, "enable_caching") or not _has_place_for_cache(function):
        return compiled  # compilation is disabled, or the cache has no folder
    try:
        compiled.enable_caching()
    except (OSError, RuntimeError):
        return compiled  # no folder is writable
    compiled._cache = _OptionalCache(compiled._cache)
    return compiled


def _has_place_for_cache(function: Callable[..., Any]) -> bool:
    """Whether numba has a folder for its cache; without a home directory it would create a folder named ~ here."""
    folder = Path(function.__code__.co_filename).parent
    return bool(
        os.path.isabs(os.path.expanduser("~"))
        or os.environ.get("XDG_CACHE_HOME")
        or getattr(numba.config, "CACHE_DIR", "")
        or os.access(folder / "__pycache__" if (folder / "__pycache__").exists() else folder, os.W_OK)
    )


if hasattr(os, "register_at_fork"):
    # If another thread compiled during a fork, the child would inherit numba's lock without an owner.
    os.register_at_fork(
        before=global_compiler_lock.acquire,
        after_in_parent=global_compiler_lock.release,
        after_in_child=global_compiler_lock.release,
    )
