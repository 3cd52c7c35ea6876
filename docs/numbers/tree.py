"""The modules of the package, each with the first line of its docstring."""

from __future__ import annotations

import ast
from pathlib import Path

from docs.numbers.registry import number

__all__ = ["modules", "tree"]

PACKAGE = Path(__file__).parent.parent.parent / "hypernorm"


def modules(folder: Path = PACKAGE) -> list[Path]:
    """Every module of a folder: its own first, then those of its folders."""
    files = sorted(path for path in folder.glob("*.py"))
    folders = sorted(path for path in folder.iterdir() if path.is_dir() and path.name != "__pycache__")
    return files + [path for inner in folders for path in modules(inner)]


@number
def tree() -> str:
    """One line a file, as a block of text."""
    lines = []
    for path in modules():
        place = path.relative_to(PACKAGE.parent)
        depth = len(place.parts) - 2
        summary = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]
        if path.name == "__init__.py":
            lines.append(f"{'  ' * depth}{place.parent.name + '/':<{32 - 2 * depth}}{summary}".rstrip())
        else:
            lines.append(f"{'  ' * (depth + 1)}{path.name:<{30 - 2 * depth}}{summary}".rstrip())
    return "```text\n" + "\n".join(lines) + "\n```"
