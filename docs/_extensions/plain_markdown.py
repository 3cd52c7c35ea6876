"""The pages are plain Markdown. On the site public names become links, and links show titles in place of file names."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

_NAME = re.compile(r"(?:hypernorm\.|hn\.)?([A-Za-z_]\w*)((?:\.\w+)*)")
_FILE = re.compile(r"[\w/]+\.md\b")


def link_names(app: Sphinx, doctree: nodes.document) -> None:
    """Make public names that are set as code links to their pages."""
    places = {
        name: f"{module}.{name}"
        for module, kinds in app.config.autosummary_context["public_names"].items()
        for kind, names in kinds.items()
        if kind != "modules"
        for name in names
    }
    for literal in list(doctree.findall(nodes.literal)):
        found = _NAME.fullmatch(literal.astext())
        if found and found[1] in places and not isinstance(literal.parent, pending_xref | nodes.reference):
            target = places[found[1]] + found[2]
            link = pending_xref("", literal.deepcopy(), refdomain="py", reftype="obj", reftarget=target)
            literal.replace_self(link)


def show_titles(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Replace the names of Markdown files in the texts of links by the titles of the pages."""

    def title(found: re.Match[str]) -> str:
        name = found[0].removesuffix(".md")
        pages = (page for page in app.env.found_docs if f"/{page}".endswith(f"/{name}"))
        return next((app.env.titles[page].astext() for page in pages), found[0])

    for reference in doctree.findall(nodes.reference):
        for text in list(reference.findall(nodes.Text)):
            if _FILE.search(text):
                text.parent.replace(text, nodes.Text(_FILE.sub(title, text)))


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-read", link_names)
    app.connect("doctree-resolved", show_titles)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
