"""Warnings that point to the line of the user, however many functions of the package lie in between."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

from hypernorm.exceptions import ConvergenceWarning

__all__ = ["warn_caller"]

_PACKAGE = str(Path(__file__).parent)


def warn_caller(message: str) -> None:
    """Issue a `ConvergenceWarning` for the first caller outside of the package."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, ConvergenceWarning, stacklevel=level)
