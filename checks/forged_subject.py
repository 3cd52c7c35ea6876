"""A proof that is forged, its data, and a test for false results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Subject"]


@dataclass(frozen=True)
class Subject:
    """A proof, its data, and a test for false results of its verification."""

    proof: Any
    data: Any
    false: Callable[[Any, Any], bool]
