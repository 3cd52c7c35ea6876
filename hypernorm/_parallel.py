"""Parallel computation over blocks of rows.

The matrix product of numpy uses all cores, but the entrywise work between two products does not. So blocks are
distributed to several threads, and each calls the matrix product on one core. The partition depends on the sizes only,
and results are added in the order of the blocks, so the number of threads never changes a result.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

from threadpoolctl import ThreadpoolController

__all__ = ["one_product_pool", "ordered_map", "product_threads", "shared_threads", "split_range"]

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Pool(NamedTuple):
    """Threads and the process that owns them: after a fork the child inherits the object without its threads."""

    executor: ThreadPoolExecutor
    process: int


# Longest wait of a fork in seconds; a single product rarely takes longer.
_FORK_WAITS = 10.0

_pool: ContextVar[_Pool | None] = ContextVar("pool", default=None)


@cache
def _libraries() -> tuple[Any, ...]:
    """A controller for each library that computes matrix products."""
    return tuple(ThreadpoolController().select(user_api="blas").lib_controllers)


class _Limits:
    """Limits on the threads of the libraries for matrix products; the smallest active limit applies.

    The number of threads is a property of the process, while limits begin and end in several threads and in any order.
    So a limit does not restore the number that it found. Whenever a limit begins or ends, the number is computed from
    all active limits and set. A number that other code sets in the meantime becomes the unlimited number.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._active: dict[object, tuple[int, dict[str, int]]] = {}
        # For each lowered number of threads: the unlimited number, and the number that was set.
        self._lowered: dict[tuple[str, int | None], tuple[int, int]] = {}
        self._busy: dict[object, int] = {}
        self._forks: dict[int, AbstractContextManager[None]] = {}
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._before_fork, after_in_parent=self._after_fork, after_in_child=self._after_fork_in_child
            )

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Context in which this thread may compute products on several cores; forks in other threads wait for them."""
        key = object()
        try:
            with self._lock:
                self._busy[key] = threading.get_ident()
            yield
        finally:
            self._busy.pop(key, None)

    @contextmanager
    def at_most(self, limits: dict[str, int]) -> Iterator[None]:
        """Context in which each library, given by its path, uses at most the given number of threads."""
        key = object()
        try:
            with self._lock:
                self._active[key] = threading.get_ident(), limits
                self._apply()
            yield
        finally:
            with self._lock:
                self._active.pop(key, None)
                self._apply()

    def _apply(self) -> None:
        here = threading.get_ident()
        for library in _libraries():
            path = library.filepath
            # With OpenMP each thread of the program has its own number of threads.
            owner = here if getattr(library, "threading_layer", None) == "openmp" else None
            in_force = [limits for thread, limits in self._active.values() if owner in (None, thread)]
            numbers = [limits[path] for limits in in_force if path in limits]
            current = library.num_threads
            usual, lowered = self._lowered.pop((path, owner), (current, current))
            if current != lowered:
                usual = current
            wanted = min([usual, *numbers])
            if wanted != current:
                _set_threads(library, wanted)
            if wanted < usual:
                self._lowered[path, owner] = usual, wanted

    def _before_fork(self) -> None:
        """Wait until no product runs on several cores: after a fork during one, OpenBLAS hangs in both processes.

        New products run on one core in the meantime, and running products get time to end. A proof is not interrupted.
        """
        self._lock.acquire()
        here = threading.get_ident()
        if set(self._busy.values()) <= {here}:
            return
        one_core = self.at_most({library.filepath: 1 for library in _libraries()})
        one_core.__enter__()
        self._forks[here] = one_core
        begun = _positions()
        self._lock.release()
        try:
            deadline = time.monotonic() + _FORK_WAITS
            while begun and time.monotonic() < deadline:
                time.sleep(1e-3)
                now = _positions()
                busy = {thread: now.get(thread) for thread in list(self._busy.values()) if thread != here}
                begun = {thread: place for thread, place in begun.items() if busy.get(thread) == place}
        finally:
            self._lock.acquire()

    def _after_fork(self) -> None:
        self._forks.pop(threading.get_ident(), nullcontext()).__exit__(None, None, None)
        self._lock.release()

    def _after_fork_in_child(self) -> None:
        """Forget the limits of the other threads: only the thread that forked continues in the child."""
        here = threading.get_ident()
        self._busy = {key: thread for key, thread in self._busy.items() if thread == here}
        kept = {key: entry for key, entry in self._active.items() if entry[0] == here}
        if len(kept) < len(self._active):
            self._active = kept
            self._apply()
        self._after_fork()


def _positions() -> dict[int, tuple[int, int]]:
    """Current instruction of each thread; if it has changed, the call at the earlier one has ended."""
    return {thread: (id(frame), frame.f_lasti) for thread, frame in sys._current_frames().items()}


def _set_threads(library: Any, threads: int) -> None:
    # In newer versions of threadpoolctl, only the first thread that sets a number may change it.
    release = getattr(library, "clear_controlling_thread", None)
    if release is not None:
        release(force=True)
    library.set_num_threads(threads)
    if release is not None:
        release(force=True)


_limits = _Limits()


def _thread_count() -> int:
    """Number of threads of the matrix product, as set by the usual environment variables."""
    return max((library.num_threads for library in _libraries()), default=os.cpu_count() or 1)


def product_threads(limit: int | None) -> AbstractContextManager[Any]:
    """Context in which matrix products use at most `limit` threads; with None there is no limit.

    For small matrices, waking threads costs more than it saves.
    """
    if limit is None:
        return _limits.busy()
    return _limits.at_most({library.filepath: limit for library in _libraries()})


@contextmanager
def one_product_pool() -> Iterator[None]:
    """Context in which only the BLAS of scipy uses more than one thread.

    The wheels of numpy and scipy each contain a BLAS library. The idle threads of one keep spinning for a while and
    take cores from the other. An iteration that alternates between them is several times slower than on one core.
    """
    paths = [library.filepath for library in _libraries()]
    others = [path for path in paths if "scipy.libs" not in path]
    with _limits.busy(), _limits.at_most({} if len(others) == len(paths) else dict.fromkeys(others, 1)):
        yield


@contextmanager
def shared_threads() -> Iterator[None]:
    """Context in which every product runs on one core, and `ordered_map` reuses its threads.

    Use it for iterations that map over blocks with small products in between. Otherwise the threads of a small product
    would keep spinning for a while and take cores from the next map.
    """
    threads = _thread_count()
    if threads <= 1:
        yield
        return
    with product_threads(1), ThreadPoolExecutor(threads) as executor:
        token = _pool.set(_Pool(executor, os.getpid()))
        try:
            yield
        finally:
            _pool.reset(token)


def split_range(length: int, parts: int) -> list[range]:
    """Split ``range(length)`` into at most `parts` contiguous, nearly equal, non-empty ranges.

    Examples
    --------
    >>> split_range(7, 3)
    [range(0, 2), range(2, 4), range(4, 7)]
    """
    edges = [length * part // parts for part in range(parts + 1)]
    return [range(start, stop) for start, stop in pairwise(edges) if stop > start]


def ordered_map(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Yield ``function(item)`` in the order of the items; several items are computed by several threads."""
    shared = _pool.get()
    if shared is not None and shared.process == os.getpid():
        yield from _results(shared.executor, function, items)
        return
    threads = min(_thread_count(), len(items))
    if threads <= 1:
        yield from map(function, items)
        return
    with product_threads(1), ThreadPoolExecutor(threads) as pool:
        yield from _results(pool, function, items)


def _results(pool: ThreadPoolExecutor, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    futures = [pool.submit(function, item) for item in items]
    try:
        for future in futures:
            yield future.result()
    finally:
        for future in futures:
            future.cancel()
