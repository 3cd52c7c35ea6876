"""The directive `bibtex` writes the entry of CITATION.cff for a bibliography in LaTeX."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

FILE = Path(__file__).parent.parent.parent / "CITATION.cff"


def bibtex(entry: dict[str, Any]) -> str:
    """A BibTeX entry with the title, authors, version, year and address of a citation file."""
    authors = (
        author.get("name") or f"{author['family-names']}, {author['given-names']}" for author in entry["authors"]
    )
    fields = {
        "title": entry["title"],
        "author": " and ".join(f"{{{author}}}" for author in authors),
        "version": entry["version"],
        "year": str(entry["date-released"])[:4],
        "url": entry.get("url", ""),
    }
    lines = [f"  {name:7} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join(["@software{hypernorm,", *lines, "}"])


class BibtexDirective(SphinxDirective):
    """An entry without arguments or options."""

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(FILE))
        text = bibtex(yaml.safe_load(FILE.read_text(encoding="utf-8")))
        return [nodes.literal_block(text, text, language="bibtex")]


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("bibtex", BibtexDirective)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
