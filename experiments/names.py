"""Programs of a folder and their names on a command line, for experiments, benchmarks and figures."""

from __future__ import annotations

import argparse
import ast
import re
import textwrap
from collections.abc import Collection, Mapping
from pathlib import Path

__all__ = ["add_names", "listing", "programs"]

_WIDTH = 100
_PROGRAM = re.compile(r'^if __name__ == "__main__":', re.MULTILINE)


def programs(folder: Path) -> dict[str, str]:
    """The modules of a folder that are programs, each with the first sentence of what it says about itself."""
    found = {}
    for path in sorted(folder.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        if path.stem != "__main__" and _PROGRAM.search(text):
            found[path.stem] = (ast.get_docstring(ast.parse(text)) or "").partition("\n\n")[0].replace("\n", " ")
    return found


def add_names(parser: argparse.ArgumentParser, names: Collection[str], text: str, count: str = "*") -> None:
    """Add the argument `names`: any of these; another name is an error that lists them."""

    def known(name: str) -> str:
        if name not in names:
            parser.error(f"there is no {name!r}; choose from {', '.join(names)}")
        return name

    # Choices of argparse would have to contain the default, an empty list.
    parser.add_argument("names", nargs=count, type=known, metavar=f"{{{','.join(names)}}}", help=text)


def listing(found: Mapping[str, str]) -> str:
    """Every name with what it says about itself."""
    return "\n".join(
        textwrap.fill(f"{name}: {text}", _WIDTH, subsequent_indent="    ", break_on_hyphens=False)
        for name, text in found.items()
    )
