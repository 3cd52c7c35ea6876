"""Pages of a large array in memory or on disk, which are guaranteed not to change between passes.

A proof passes over the rows several times. An array that is too large to copy may change in the meantime: another
thread may write to it, or another process to a memory-mapped file. Then the fingerprint and the proof would refer to
different numbers. So each page is copied before it is used, and the computation stops if the hash of a page has
changed.
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
    """The rows of an array of real numbers; slices are private copies.

    Parameters
    ----------
    array : ndarray of shape (n, d)
    check : callable
        Called with each page and the number of its first row; it raises an error for an invalid entry.
    name : str
        Name of the array in error messages.

    Attributes
    ----------
    shape, dtype, nbytes
        As for the array.
    array : ndarray
        The array itself, without checks, for computations whose result is proved afterwards.
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

    @property
    def parts(self) -> list[range]:
        """The rows of each page."""
        ends = range(0, self.shape[0], self._rows)
        return [range(start, min(start + self._rows, self.shape[0])) for start in ends]

    def _page(self, number: int) -> np.ndarray:
        """One page; each thread caches the last one, since rows are mostly read in order."""
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
    """SHA-256 of the type, shape and bytes of a row-major array."""
    if page.dtype.kind == "f" and page.dtype.itemsize > 8:
        page = page.astype(np.float64)  # the same numbers, without the padding bytes of long doubles
    sha = hashlib.sha256(f"{page.dtype.str}{page.shape}".encode())
    sha.update(page.reshape(-1).view(np.uint8).data)
    return sha.digest()


def raise_changed(name: str, first: int, last: int) -> None:
    """Raise the error for rows that have changed since an earlier pass.

    Raises
    ------
    ChangedDataError
    """
    raise ChangedDataError(
        f"{name} changed while it was read: its rows {first} to {last} had other values in an earlier pass; give data "
        f"that no other code writes, and chunks with the same values in every computation."
    )
