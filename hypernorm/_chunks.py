"""A Dask array as a matrix whose rows lie in chunks, on any number of machines.

A pass over the rows sends a function to every chunk and adds what comes back, in the order of the chunks; no chunk
travels, and no machine holds more than the chunks that it works on. Without a cluster Dask does the same with threads.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from hypernorm.exceptions import HypernormError, InvalidInputError

__all__ = ["Chunks", "is_chunked"]

Result = TypeVar("Result")

# Results on their way for each core: more would fill memory, fewer would leave a core without work.
_TASKS_PER_CORE = 2


def is_chunked(X: Any) -> bool:
    """Whether `X` is a Dask array; asking does not import dask."""
    return type(X).__module__.partition(".")[0] == "dask" and hasattr(X, "to_delayed") and hasattr(X, "chunks")


class Chunks:
    """The rows of a Dask array.

    Parameters
    ----------
    array : dask.array.Array of shape (n, d)
    name : str
        How error messages call the argument.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
    parts : list of range
        The rows of each chunk.
    """

    def __init__(self, array: Any, name: str = "X"):
        if array.ndim != 2:
            raise InvalidInputError(f"{name} must be two-dimensional (rows, columns), got {array.ndim} dimension(s).")
        if any(math.isnan(size) for sizes in array.chunks for size in sizes):
            raise InvalidInputError(f"{name} has chunks of unknown size; call {name}.compute_chunk_sizes() before.")
        if len(array.chunks[1]) > 1:
            array = array.rechunk({1: -1})
        self.shape: tuple[int, int] = (int(array.shape[0]), int(array.shape[1]))
        self.dtype = np.dtype(array.dtype)
        edges = np.concatenate([[0], np.cumsum(array.chunks[0])]).tolist()
        pieces = array.to_delayed().ravel().tolist()
        kept = [(piece, range(*edge)) for piece, edge in zip(pieces, pairwise(edges), strict=True) if edge[0] < edge[1]]
        self._pieces = [piece for piece, _ in kept]
        self.parts = [part for _, part in kept]
        self._fetched: tuple[int, np.ndarray] | None = None

    def map(
        self, function: Callable[..., Result], arguments: Sequence[tuple[Any, ...]], pieces: Sequence[int] | None = None
    ) -> Iterator[Result]:
        """Yield ``function(chunk, *arguments[i])`` in order, for every chunk or for the numbered ones.

        Raises
        ------
        HypernormError
            If the machine that worked on a chunk was lost again and again.
        """
        import dask  # whoever passes a Dask array has it

        numbers = range(len(self._pieces)) if pieces is None else pieces
        call = dask.delayed(function, pure=False)
        size = _TASKS_PER_CORE * _cores()
        for start in range(0, len(numbers), size):
            batch = range(start, min(start + size, len(numbers)))
            tasks = [call(self._pieces[numbers[index]], *arguments[index]) for index in batch]
            try:
                yield from dask.compute(*tasks)
            except Exception as error:
                if type(error).__name__ != "KilledWorker":
                    raise
                first, last = self.parts[numbers[batch[0]]].start, self.parts[numbers[batch[-1]]].stop
                raise HypernormError(
                    f"The cluster lost the machines that worked on rows {first} to {last}, most likely for lack of "
                    "memory; make the chunks smaller or give the workers more memory."
                ) from error

    def derived(self, function: Callable[..., np.ndarray], sizes: Sequence[int], *per_row: np.ndarray) -> Chunks:
        """The rows ``function(chunk, *entries)``, as many of each chunk as `sizes` says; none leaves the chunk out.

        `per_row` are arrays with an entry for each row, of which the function gets those of its chunk.
        """
        import dask

        call = dask.delayed(function, pure=False)
        chunks = object.__new__(Chunks)
        kept = [index for index, size in enumerate(sizes) if size > 0]
        chunks._pieces = [call(self._pieces[index], *self.entries(index, *per_row)) for index in kept]
        edges = np.concatenate([[0], np.cumsum([sizes[index] for index in kept])]).astype(int).tolist()
        chunks.parts = [range(*edge) for edge in pairwise(edges)]
        chunks.shape, chunks.dtype, chunks._fetched = (edges[-1], self.shape[1]), np.dtype(np.float64), None
        return chunks

    def entries(self, number: int, *per_row: np.ndarray) -> tuple[np.ndarray, ...]:
        """Of arrays with an entry for each row those of one chunk."""
        part = self.parts[number]
        return tuple(array[part.start : part.stop] for array in per_row)

    def __getitem__(self, rows: slice) -> np.ndarray:
        """Some rows as an array here; passes over everything use `map`."""
        start, stop, _ = rows.indices(self.shape[0])
        found = []
        for number, part in enumerate(self.parts):
            if part.start < stop and start < part.stop:
                inner = slice(max(start - part.start, 0), min(stop, part.stop) - part.start)
                found.append(self._fetch(number)[inner])
        return found[0] if len(found) == 1 else np.vstack(found)

    def _fetch(self, number: int) -> np.ndarray:
        """One chunk; the last one is kept, since rows are mostly asked for in order."""
        fetched = self._fetched
        if fetched is None or fetched[0] != number:
            fetched = self._fetched = (number, next(self.map(np.asarray, [()], [number])))
        return fetched[1]


def _cores() -> int:
    """Of the cluster that Dask would use, or of this machine."""
    try:
        from distributed import get_client

        return sum(get_client().ncores().values()) or 1
    except (ImportError, ValueError):
        return os.cpu_count() or 1
