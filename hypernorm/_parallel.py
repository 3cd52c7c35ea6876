"""Blocks of rows worked on side by side.

numpy's matrix product uses all cores by itself, the entrywise work between two products does not. So blocks are given
to a few threads, each of which calls the matrix product on one core. The partition depends on the sizes alone and
results are added in the order of the blocks: the number of threads never changes a result.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from itertools import pairwise
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

__all__ = ["one_product_pool", "ordered_map", "product_threads", "split_range"]

Item = TypeVar("Item")
Result = TypeVar("Result")


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
    threads = min(_thread_count(), len(items))
    if threads <= 1:
        yield from map(function, items)
        return
    with _controller().limit(limits=1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(function, item) for item in items]
        try:
            for future in futures:
                yield future.result()
        finally:
            for future in futures:
                future.cancel()
