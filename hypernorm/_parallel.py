"""Blocks of rows worked on side by side.

numpy's matrix product uses all cores by itself, the entrywise work between two products does not. So blocks are given
to a few threads, each of which calls the matrix product on one core. The partition depends on the sizes alone and
results are added in the order of the blocks: the number of threads never changes a result.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import cache
from itertools import pairwise
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

__all__ = ["one_product_pool", "ordered_map", "product_threads", "shared_threads", "split_range"]

Item = TypeVar("Item")
Result = TypeVar("Result")


_pool: ContextVar[ThreadPoolExecutor | None] = ContextVar("pool", default=None)


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def _thread_count() -> int:
    """Threads that the matrix product is allowed to use, which the usual environment variables control."""
    limits = [pool["num_threads"] for pool in _controller().info() if pool["user_api"] == "blas"]
    return max(limits, default=os.cpu_count() or 1)


def product_threads(limit: int | None) -> AbstractContextManager[Any]:
    """Context in which matrix products use at most `limit` threads; None changes nothing.

    Products of small matrices lose more to waking threads than they gain.
    """
    return nullcontext() if limit is None else _controller().limit(limits=limit, user_api="blas")


def one_product_pool() -> AbstractContextManager[Any]:
    """Context in which of the pools of BLAS threads only scipy's has more than one thread.

    The wheels of numpy and scipy bring a library each. The idle threads of one spin for a while and take the cores from
    the other: an iteration that calls both in turn becomes several times slower than on one core.
    """
    pools = _controller().select(user_api="blas").lib_controllers
    others = [pool.filepath for pool in pools if "scipy.libs" not in pool.filepath]
    if len(others) == len(pools):
        return nullcontext()
    return _controller().select(filepath=others).limit(limits=1)


@contextmanager
def shared_threads() -> Iterator[None]:
    """Context in which every product runs on one core, and `ordered_map` keeps its threads from call to call.

    For iterations that map over blocks and do small products in between: threads that a small product has woken spin
    for a while, and would take the cores from the next map.
    """
    threads = _thread_count()
    if threads <= 1:
        yield
        return
    with _controller().limit(limits=1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        token = _pool.set(pool)
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
    """Yield ``function(item)`` in the order of the items, computed by several threads when there are several items."""
    shared = _pool.get()
    if shared is not None:
        yield from _results(shared, function, items)
        return
    threads = min(_thread_count(), len(items))
    if threads <= 1:
        yield from map(function, items)
        return
    with _controller().limit(limits=1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        yield from _results(pool, function, items)


def _results(pool: ThreadPoolExecutor, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    futures = [pool.submit(function, item) for item in items]
    try:
        for future in futures:
            yield future.result()
    finally:
        for future in futures:
            future.cancel()
