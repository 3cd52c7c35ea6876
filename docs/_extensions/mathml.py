"""Formulas as MathML, which browsers draw themselves: no script, nothing loaded from elsewhere.

A formula that cannot be converted is a warning of Sphinx, and with it an error of ``make docs``.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.application import Sphinx
from sphinx.util import logging

_logger = logging.getLogger(__name__)
_converter = LatexToMathML(annotation=True, fancy_error=False)
# Chromium stretches a delimiter that has an exponent only if it stands in a row of its own.
_LARGE_WITH_SCRIPT = re.compile(r"(<msu(?:b|p|bsup)>)(<mo [^>]*minsize=[^>]*>[^<]*</mo>)")
_START, _END = re.compile(r"\S{0,3}"), re.compile(r"\S{0,3}$")
_LONG = 40
"""Characters of LaTeX from which an inline formula may scroll by itself on a narrow screen."""


def mathml(latex: str, display: bool) -> str:
    """MathML for a formula in LaTeX."""
    if r"\tag{" in latex:  # an environment that has room for it
        latex = rf"\begin{{equation}}{latex}\end{{equation}}"
    return _LARGE_WITH_SCRIPT.sub(
        r"\1<mrow>\2</mrow>", _converter.convert_with_local_state(latex, displaystyle=display)
    )


def _converted(node: nodes.math | nodes.math_block) -> str:
    try:
        return mathml(node.astext(), isinstance(node, nodes.math_block))
    except LatexError as error:
        _logger.warning("formula %r: %s", node.astext(), error, location=node)
        return ""


def keep_together(app: Sphinx, doctree: nodes.document) -> None:
    """Bind formulas to the brackets, commas and letters that touch them, so that no line breaks between."""
    for formula in list(doctree.findall(nodes.math)):
        parent = formula.parent
        group = nodes.inline(classes=["unbroken"])
        place = parent.index(formula)
        before, after = (parent[k] if 0 <= k < len(parent) else None for k in (place - 1, place + 1))
        start = _END.search(before).group() if isinstance(before, nodes.Text) else ""
        end = _START.match(after).group() if isinstance(after, nodes.Text) else ""
        if start or end:
            parent.replace(formula, group)
            group += [nodes.Text(start), formula, nodes.Text(end)]
            if start:
                parent.replace(before, nodes.Text(before.removesuffix(start)))
            if end:
                parent.replace(after, nodes.Text(after.removeprefix(end)))


def visit_inline(translator: Any, node: nodes.math) -> None:
    kind = "math long" if len(node.astext()) > _LONG else "math"
    translator.body.append(f'<span class="{kind}">{_converted(node)}</span>')
    raise nodes.SkipNode


def visit_block(translator: Any, node: nodes.math_block) -> None:
    translator.body.append(f'<div class="math">{_converted(node)}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-read", keep_together)
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
