"""Links from every name to its source and back, by sphinx.ext.viewcode.

A module may define names that users import from two places. viewcode knows one place for each module; here the links
back lead to the page of each name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sphinx.application import Sphinx
from sphinx.ext import viewcode

_BACK = re.compile(r'(href="[./]*api/(?P<page>[\w.]+)\.html#)(?P<anchor>[\w.]+)"')
_collected = viewcode.collect_pages


def _with_place_of_page(found: re.Match[str]) -> str:
    member = found["anchor"].partition("." + found["page"].rpartition(".")[2])[2]
    return f'{found[1]}{found["page"]}{member}"'


def pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The pages of viewcode with the links mended."""
    for name, context, template in _collected(app):
        yield name, {**context, "body": _BACK.sub(_with_place_of_page, context["body"])}, template


def setup(app: Sphinx) -> dict[str, Any]:
    viewcode.collect_pages = pages  # which its setup connects
    app.setup_extension("sphinx.ext.viewcode")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
