"""Docstrings are read as plain text with formulas in Unicode, as they are written.

Bars are absolute values and no substitutions, `coef_` is a fitted attribute and no link, and a word in backticks links
to the page of that name if there is one and is code otherwise. What names a page, such as theory/robust of the
documentation, is a link to it.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

# Literals and words in backticks stay as they are; what is left over is escaped.
_QUOTED_OR_SPECIAL = re.compile(r"``.+?``|`[^`]+`|[|]|(?<=\w)_(?!\w)")
_CODE = re.compile(r"\s*(>>>|\.\.\.( |$))")
_PAGE = re.compile(r"\b(theory/\w+)\b( (of|in) the documentation\b)?")
_NAME_AND_TYPE = re.compile(r"[\w, *]+ :( |$)|\w+_$")


def escape(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Put a backslash before what reStructuredText would take for its own; a constant has no docstring of its type."""
    if what == "data" and lines[:1] == (inspect.getdoc(type(obj)) or "").splitlines()[:1]:
        lines.clear()
    for index, line in enumerate(lines):
        if not _CODE.match(line) and not _NAME_AND_TYPE.match(line):
            escaped = _QUOTED_OR_SPECIAL.sub(lambda found: _escaped(found.group()), line)
            lines[index] = _PAGE.sub(r":doc:`/\1`", escaped)


def _escaped(found: str) -> str:
    return "\\" + found if len(found) == 1 else found


def skip(app: Sphinx, what: str, name: str, obj: Any, skipped: bool, options: Any) -> bool | None:
    """Leave out what scikit-learn adds to estimators for metadata routing, and the fields of named tuples."""
    return True if name.endswith("_request") or type(obj).__name__ == "_tuplegetter" else None


def as_code(app: Sphinx, env: Any, node: nodes.Element, content: nodes.Element) -> nodes.Element | None:
    """What words in backticks become if no page has their name."""
    return content if node["reftype"] == "obj" else None


def setup(app: Sphinx) -> dict[str, Any]:
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", escape, priority=100)  # before numpydoc
    app.connect("autodoc-skip-member", skip)
    app.connect("missing-reference", as_code)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
