"""Measured numbers in pages stand between two comments, and are written there by `make numbers`.

``<!-- measured: NAME ARGUMENTS -->text<!-- /measured -->`` within a sentence, or the comments on lines of their own and
a table between. The comments are invisible wherever Markdown is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

from docs.numbers.registry import NUMBERS

__all__ = ["PAGES", "SPAN", "fill", "names", "problems"]

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted(page for page in (ROOT / "docs").rglob("*.md") if "_build" not in page.parts)]

SPAN = re.compile(
    r"(?P<indent>(?:^ *)?)<!-- measured:\s+(?P<name>[^>]*?)\s+-->(?P<text>.*?)<!-- /measured -->",
    re.DOTALL | re.MULTILINE,
)


def fill(page: str) -> str:
    """The page with the text between each pair of comments computed anew."""
    return SPAN.sub(_filled, page)


def names(page: str) -> Iterator[str]:
    """The names of the numbers that a page shows."""
    return (match["name"].split()[0] for match in SPAN.finditer(page))


def problems(page: str) -> list[str]:
    """Comments without their other half, and those in a paragraph that begin a line: Markdown ends it there."""
    found = []
    matches = list(SPAN.finditer(page))
    inside = "".join(match["text"] for match in matches)
    if page.count("<!-- measured:") != page.count("<!-- /measured") or "<!-- measured:" in inside:
        found.append("a comment without its other half")
    for match in matches:
        before = page[page.rfind("\n", 0, match.start()) + 1 : match.start()]
        if not match["text"].startswith("\n") and re.fullmatch(r"\s*([-*+>]|\d+\.)?\s*", before):
            found.append(f"{match['name']} begins a line")
    return found


def _filled(match: re.Match[str]) -> str:
    name, *arguments = match["name"].split()
    text = NUMBERS[name](*arguments)
    if match["text"].startswith("\n"):
        text = indent(f"\n\n{text}\n\n", match["indent"]) + match["indent"]
    return f"{match['indent']}<!-- measured: {match['name']} -->{text}<!-- /measured -->"
