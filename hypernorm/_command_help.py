"""Help of the command on narrow terminals: what click lays out for at least 50 columns fits into fewer."""

from __future__ import annotations

from typing import Any

import typer

from hypernorm._progress_line import terminal_width

__all__ = ["fit_help", "help_width"]

_WIDEST, _NARROW = 78, 50
_FORMATTER: Any = typer.Context.formatter_class


class _NarrowFormatter(_FORMATTER):  # type: ignore[misc]  # the class that typer uses has no name of its own
    """On a narrow terminal the names of options leave most of the line to their descriptions."""

    def write_dl(self, rows: Any, col_max: int = 30, col_spacing: int = 2) -> None:
        super().write_dl(rows, col_max if self.width >= _NARROW else 8, col_spacing)


def help_width() -> int:
    """Columns for the help."""
    return max(min(terminal_width() - 2, _WIDEST), 20)


def fit_help(command: Any) -> Any:
    """Let a command of typer and its subcommands use the formatter for narrow terminals."""
    for each in (command, *command.commands.values()):
        each.context_class = type("Context", (each.context_class,), {"formatter_class": _NarrowFormatter})
    return command
