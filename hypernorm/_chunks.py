"""A Dask array as a matrix whose rows are in chunks, on any number of machines.

A pass over the rows sends a function to every chunk and adds the results in the order of the chunks. Chunks are not
moved, and a machine holds only the chunks that it works on. Without a cluster Dask uses threads.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from hypernorm._pages import digest, raise_changed
from hypernorm.exceptions import HypernormError, InvalidInputError

__all__ = ["Chunks", "is_chunked", "is_dask_frame"]

Result = TypeVar("Result")

# Pending results for each core: more would fill memory, fewer would leave a core idle.
_TASKS_PER_CORE = 2


def is_chunked(X: Any) -> bool:
    """Whether `X` is a Dask array; the test does not import dask."""
    return type(X).__module__.partition(".")[0] == "dask" and hasattr(X, "to_delayed") and hasattr(X, "chunks")


def is_dask_frame(X: Any) -> bool:
    """Whether `X` is a Dask DataFrame or Series; the test does not import dask."""
    return type(X).__module__.partition(".")[0] in ("dask", "dask_expr") and hasattr(X, "to_dask_array")


class Chunks:
    """The rows of a Dask array, guaranteed to be equal in every pass.

    Dask computes a chunk again in each pass. So every chunk is read once for its hash. A later pass gets a private copy
    of each chunk, or fails if the hash has changed.

    Parameters
    ----------
    array : dask.array.Array of shape (n, d)
    check : callable
        Called with a chunk, the number of its first row and `name`; it raises an error for an invalid entry.
    name : str
        Name of the argument in error messages.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
    parts : list of range
        The rows of each chunk.
    """

    def __init__(self, array: Any, check: Callable[[np.ndarray, int, str], None], name: str = "X"):
        if array.ndim != 2:
            raise InvalidInputError(f"{name} must be two-dimensional (rows, columns), got {array.ndim} dimension(s).")
        if any(math.isnan(size) for sizes in array.chunks for size in sizes):
            raise InvalidInputError(f"{name} has chunks of unknown size; call {name}.compute_chunk_sizes() first.")
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
        self._guard(check, name)

    def _guard(self, check: Callable[[np.ndarray, int, str], None], name: str) -> None:
        import dask

        digests = self.map(_first_digest, [(part.start, self._sides(part), name, check) for part in self.parts])
        call = dask.delayed(_unchanged, pure=False)
        self._pieces = [
            call(piece, part.start, self._sides(part), name, seen)
            for piece, part, seen in zip(self._pieces, self.parts, list(digests), strict=True)
        ]

    def _sides(self, part: range) -> tuple[int, int]:
        return len(part), self.shape[1]

    def map(
        self, function: Callable[..., Result], arguments: Sequence[tuple[Any, ...]], pieces: Sequence[int] | None = None
    ) -> Iterator[Result]:
        """Yield ``function(chunk, *arguments[i])`` in order, for every chunk or for the chunks in `pieces`.

        Raises
        ------
        HypernormError
            If a chunk cannot be computed, or the machines that worked on it were lost repeatedly.
        """
        import dask  # installed, since `array` is a Dask array

        numbers = range(len(self._pieces)) if pieces is None else pieces
        call = dask.delayed(function, pure=False)
        size = _TASKS_PER_CORE * _cores()
        for start in range(0, len(numbers), size):
            batch = range(start, min(start + size, len(numbers)))
            tasks = [call(self._pieces[numbers[index]], *arguments[index]) for index in batch]
            try:
                yield from dask.compute(*tasks)
            except (HypernormError, MemoryError):
                raise
            except Exception as error:
                first, last = self.parts[numbers[batch[0]]].start, self.parts[numbers[batch[-1]]].stop
                if type(error).__name__ != "KilledWorker":
                    reason = " ".join(f"{type(error).__name__}: {error}".split())
                    raise HypernormError(
                        f"Rows {first} to {last} of the Dask array could not be computed ({reason[:200]}); "
                        "see the error of its compute()."
                    ) from error
                raise HypernormError(
                    f"The cluster lost the machines that worked on rows {first} to {last}, most likely because of too "
                    "little memory; make the chunks smaller or give the workers more memory."
                ) from error

    def derived(self, function: Callable[..., np.ndarray], sizes: Sequence[int], *per_row: np.ndarray) -> Chunks:
        """The rows ``function(chunk, *entries)`` of all chunks; `sizes` are their numbers, and chunks of 0 are skipped.

        `per_row` are arrays with one entry per row; the function gets the entries of its chunk.
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
        """The entries of one chunk, from arrays with one entry per row."""
        part = self.parts[number]
        return tuple(array[part.start : part.stop] for array in per_row)

    def __getitem__(self, rows: slice) -> np.ndarray:
        """Some rows as a local array; for passes over all rows use `map`."""
        start, stop, _ = rows.indices(self.shape[0])
        found = []
        for number, part in enumerate(self.parts):
            if part.start < stop and start < part.stop:
                inner = slice(max(start - part.start, 0), min(stop, part.stop) - part.start)
                found.append(self._fetch(number)[inner])
        return found[0] if len(found) == 1 else np.vstack(found)

    def _fetch(self, number: int) -> np.ndarray:
        """One chunk; the last one is cached, since rows are mostly read in order."""
        fetched = self._fetched
        if fetched is None or fetched[0] != number:
            fetched = self._fetched = (number, next(self.map(np.asarray, [()], [number])))
        return fetched[1]


def _private(chunk: Any, first: int, sides: tuple[int, int], name: str) -> np.ndarray:
    """Copy a chunk, which must be an array of the declared shape."""
    if type(chunk) not in (np.ndarray, np.memmap):
        kind = f"{type(chunk).__module__}.{type(chunk).__qualname__}"
        raise InvalidInputError(
            f"{name} has chunks of type {kind} (at row {first}), not plain numpy arrays; convert them, e.g. with "
            f"{name}.map_blocks(lambda block: block.toarray()) for sparse ones, or fill the entries of masked ones."
        )
    if chunk.shape != sides:
        raise InvalidInputError(
            f"{name} declares a chunk of shape {sides} at row {first}, but the computed chunk has shape {chunk.shape}; "
            f"declare the true shape."
        )
    return np.array(chunk, order="C", subok=False)


def _first_digest(
    chunk: Any, first: int, sides: tuple[int, int], name: str, check: Callable[[np.ndarray, int, str], None]
) -> bytes:
    """Check a chunk and return its hash."""
    array = _private(chunk, first, sides, name)
    check(array, first, name)
    return digest(array)


def _unchanged(chunk: Any, first: int, sides: tuple[int, int], name: str, seen: bytes) -> np.ndarray:
    """Copy a chunk, whose hash must be the same as before."""
    array = _private(chunk, first, sides, name)
    if digest(array) != seen:
        raise_changed(name, first, first + sides[0])
    return array


def _cores() -> int:
    """Number of cores of the cluster that Dask would use, or of this machine."""
    try:
        from distributed import get_client

        return sum(get_client().ncores().values()) or 1
    except (ImportError, ValueError):
        return os.cpu_count() or 1
