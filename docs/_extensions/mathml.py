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
_LARGE_WITH_SCRIPT = re.compile(r"(<msu(?:b|p|bsup)>)(<mo minsize[^>]*>[^<]*</mo>)")
_NO_BREAK = "&#8288;"
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


def visit_inline(translator: Any, node: nodes.math) -> None:
    kind = "math long" if len(node.astext()) > _LONG else "math"
    place = node.parent.index(node)
    before, after = (
        "".join(n.astext() for n in node.parent[:place]),
        "".join(n.astext() for n in node.parent[place + 1 :]),
    )
    # No line break between a formula and the brackets, commas and words that touch it.
    left, right = (_NO_BREAK if text and not text.isspace() else "" for text in (before[-1:], after[:1]))
    translator.body.append(f'{left}<span class="{kind}">{_converted(node)}</span>{right}')
    raise nodes.SkipNode


def visit_block(translator: Any, node: nodes.math_block) -> None:
    translator.body.append(f'<div class="math">{_converted(node)}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
