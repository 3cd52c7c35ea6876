"""A picture followed by a paragraph in italics becomes a figure with a caption.

In the repository the pages show the paragraph as it is. So do the texts of the gallery.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx_gallery.directives import imgsgnode


def _pictures(doctree: nodes.document) -> list[nodes.Element]:
    """Pictures of the gallery, and paragraphs that hold a picture and nothing else."""
    alone = (
        image.parent
        for image in doctree.findall(nodes.image)
        if isinstance(image.parent, nodes.paragraph) and len(image.parent) == 1
    )
    return [*doctree.findall(imgsgnode), *alone]


def _caption(picture: nodes.Element) -> nodes.paragraph | None:
    """The next paragraph if all of it is in italics."""
    following = picture.parent[picture.parent.index(picture) + 1 :]
    after = next((node for node in following if not isinstance(node, nodes.comment)), None)
    whole = isinstance(after, nodes.paragraph) and len(after) == 1 and isinstance(after[0], nodes.emphasis)
    return after if whole else None


def make_figures(app: Sphinx, doctree: nodes.document) -> None:
    """Join pictures and the captions that follow them."""
    for number, picture in enumerate(_pictures(doctree), start=1):
        text = _caption(picture)
        if text is not None:
            text.parent.remove(text)
            figure = nodes.figure(ids=[f"figure-{number}"])
            picture.replace_self(figure)
            image = picture[0] if isinstance(picture, nodes.paragraph) else picture
            figure += [image, nodes.caption("", "", *text[0].children)]


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-read", make_figures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
