"""The modules of the package, each with the first line of its docstring."""

from __future__ import annotations

import ast
from pathlib import Path

from docs.numbers.registry import number
from experiments.tables import markdown

__all__ = ["modules", "tree"]

PACKAGE = Path(__file__).parent.parent.parent / "hypernorm"


def modules(folder: Path = PACKAGE) -> list[Path]:
    """Every module of a folder: its own first, then those of its folders."""
    files = sorted(path for path in folder.glob("*.py"))
    folders = sorted(path for path in folder.iterdir() if path.is_dir() and path.name != "__pycache__")
    return files + [path for inner in folders for path in modules(inner)]


@number
def tree() -> str:
    """A table with one line a file."""
    rows = []
    for path in modules():
        place = path.relative_to(PACKAGE)
        name = f"{(Path(PACKAGE.name) / place).parent}/" if path.name == "__init__.py" else str(place)
        summary = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]
        shown = summary.replace("``", "`")
        rows.append([f"**{name}**" if name.endswith("/") else f"`{name}`", shown])
    return markdown(["file", "what is inside"], rows, align="---")
