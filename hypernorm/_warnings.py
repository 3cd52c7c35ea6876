"""Warnings that point to the line of the user's code, not to a line of the package."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

from hypernorm.exceptions import ConvergenceWarning

__all__ = ["warn_caller"]

_PACKAGE = str(Path(__file__).parent)


def warn_caller(message: str) -> None:
    """Issue a `ConvergenceWarning` at the first caller outside the package."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, ConvergenceWarning, stacklevel=level)
