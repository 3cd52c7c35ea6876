"""Errors of the command: one line each on standard error, and the exit code."""

from __future__ import annotations

import traceback
from typing import Any

import typer

from hypernorm._addresses import ISSUES
from hypernorm._process import say
from hypernorm.exceptions import CertificateError, HypernormError

__all__ = ["ANSWERED", "exit_code_of", "say_defect"]

_ClickException: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")
"""The base of all usage errors; depending on its version, typer depends on click or contains a copy of it."""

ANSWERED: tuple[type[BaseException], ...] = (HypernormError, OSError, MemoryError, _ClickException)
"""Errors of the input, the certificate or the system; every other one is a defect of the program."""


def exit_code_of(error: BaseException, show_traceback: bool) -> int:
    """Say what is wrong; 1 if the certificate is rejected, 2 if the input is bad."""
    _say(f"error: {_explain(error)}", show_traceback)
    return 1 if isinstance(error, CertificateError) else 2


def say_defect(error: Exception, show_traceback: bool) -> int:
    """Say where a defect of the program can be reported."""
    again = "" if show_traceback else "run again with --traceback and "
    remedy = f"a defect of hypernorm: {again}report it with the traceback at {ISSUES}"
    _say(f"error: unexpected {type(error).__name__}: {_explain(error)} ({remedy})", show_traceback)
    return 3


def _say(line: str, show_traceback: bool) -> None:
    if show_traceback:
        for step in traceback.format_exc().splitlines():
            say(step)
    say(line)


def _explain(error: BaseException) -> str:
    """The message of an error, in one line."""
    if isinstance(error, _ClickException):
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "hypernorm"
        text = f"{error.format_message()} (see: {command} --help)"
    elif isinstance(error, MemoryError):
        text = "not enough memory for a matrix of this size."
    elif isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}."
    else:
        text = str(error)
    return " ".join(text.split()) or type(error).__name__
