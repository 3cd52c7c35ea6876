"""The memory of a matrix: what was computed from it once is kept for the next who asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["Memory"]

Result = TypeVar("Result")


class Memory:
    """Results by name; of each name the last, with the key for which it was computed."""

    def __init__(self) -> None:
        self._cache: dict[Any, Any] = {}

    def kept(self, name: Any, compute: Callable[[], Result], key: Any = None) -> Result:
        """What was computed last under a name, if for the same key; else compute it now and keep it.

        Parameters
        ----------
        name : hashable
        compute : callable
        key : object, optional

        Returns
        -------
        object
        """
        found = self.recall(name, key)
        if found is None:
            found = compute()
            self._cache[name] = (key, found)
        return found

    def recall(self, name: Any, key: Any = None) -> Any:
        """What was kept under a name for this key, or None.

        Parameters
        ----------
        name : hashable
        key : object, optional

        Returns
        -------
        object
        """
        found = self._cache.get(name)
        return found[1] if found is not None and found[0] == key else None

    def forget(self, name: Any) -> None:
        """Keep nothing under a name.

        Parameters
        ----------
        name : hashable
        """
        self._cache.pop(name, None)
