"""The directive `measured NAME`: a table of `measured_tables`, with the machine on which it was measured."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from measured_tables import TABLES, machine, text
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class Measured(SphinxDirective):
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        compute, name, part = TABLES[self.arguments[0]]
        source = f"*Measured on {machine(name, part)}; `results/{name}/{part}.jsonl`.*"
        return self.parse_text_to_nodes(f"{text(compute())}\n\n{source}\n")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("measured", Measured)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
