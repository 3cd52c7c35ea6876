"""A large array in memory or on disk, read page by page: every page is what it was when it was read first.

A proof passes over the rows several times. An array too large to copy may meanwhile be changed, by another thread or by
whoever writes the file behind a memory map; then fingerprint and proof would speak of different numbers. So each page
is copied before it is looked at, and a page whose hash has changed ends the computation.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable

import numpy as np

from hypernorm.exceptions import ChangedDataError

__all__ = ["LARGE_BYTES", "Pages", "digest", "raise_changed"]

LARGE_BYTES = 1 << 28
"""Arrays of at most this size are copied instead."""

_PAGE_ENTRIES = 1 << 20


class Pages:
    """The rows of an array of real numbers, of which slices are private copies.

    Parameters
    ----------
    array : ndarray of shape (n, d)
    check : callable
        Receives each page with its first row, and raises an error if an entry cannot be used.
    name : str
        How error messages call the array.

    Attributes
    ----------
    shape, dtype, nbytes
        Those of the array.
    array : ndarray
        Itself, for computations whose result is proved afterwards.
    """

    def __init__(self, array: np.ndarray, check: Callable[[np.ndarray, int], None], name: str = "X"):
        self.array, self.name = array, name
        self.shape: tuple[int, int] = (int(array.shape[0]), int(array.shape[1]))
        self.dtype, self.nbytes = array.dtype, array.nbytes
        self._rows = max(1, _PAGE_ENTRIES // self.shape[1])
        self._last = threading.local()
        self._digests: list[bytes] = []
        for first in range(0, self.shape[0], self._rows):
            page = self._copy(first)
            check(page, first)
            self._digests.append(digest(page))

    def __getitem__(self, rows: slice) -> np.ndarray:
        start, stop, _ = rows.indices(self.shape[0])
        found = [
            self._page(number)[max(start - number * self._rows, 0) : stop - number * self._rows]
            for number in range(start // self._rows, -(-stop // self._rows))
        ]
        return found[0] if len(found) == 1 else np.vstack(found)

    def _page(self, number: int) -> np.ndarray:
        """One page; each thread keeps the last one, since rows are mostly asked for in order."""
        if getattr(self._last, "number", None) != number:
            first = number * self._rows
            page = self._copy(first)
            if digest(page) != self._digests[number]:
                raise_changed(self.name, first, first + len(page))
            page.setflags(write=False)
            self._last.number, self._last.page = number, page
        return self._last.page

    def _copy(self, first: int) -> np.ndarray:
        return np.array(self.array[first : first + self._rows], order="C")


def digest(page: np.ndarray) -> bytes:
    """SHA-256 of type, shape and bytes of an array whose rows lie one after another."""
    if page.dtype.kind == "f" and page.dtype.itemsize > 8:
        page = page.astype(np.float64)  # the same numbers, without the bytes that long doubles leave unused
    sha = hashlib.sha256(f"{page.dtype.str}{page.shape}".encode())
    sha.update(page.reshape(-1).view(np.uint8).data)
    return sha.digest()


def raise_changed(name: str, first: int, last: int) -> None:
    """Say that rows are no longer what they were.

    Raises
    ------
    ChangedDataError
    """
    raise ChangedDataError(
        f"{name} changed while it was read: its rows {first} to {last} were other numbers in an earlier pass; give "
        f"data that nothing else writes, and chunks that are computed alike every time."
    )
