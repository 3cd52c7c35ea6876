"""Links to the source of every name, by sphinx.ext.viewcode.

A module may define names that users import from two places. viewcode knows one of them for each module; the links back
to the other names would lead nowhere, and are left out.
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx


def keep_links_that_lead_somewhere(app: Sphinx) -> list[Any]:
    """Forget for each module the names that are documented elsewhere than the first of them."""
    for entry in getattr(app.env, "_viewcode_modules", {}).values():
        if entry:
            _, _, used, place = entry
            for name, page in list(used.items()):
                if page != f"api/{place}.{name.partition('.')[0]}":
                    del used[name]
    return []


def setup(app: Sphinx) -> dict[str, Any]:
    app.setup_extension("sphinx.ext.viewcode")
    app.connect("html-collect-pages", keep_links_that_lead_somewhere, priority=100)  # before viewcode
    return {"parallel_read_safe": True, "parallel_write_safe": True}
