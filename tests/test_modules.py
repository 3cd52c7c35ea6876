"""Modules can be read at once, say what they are for, and import one another in one direction."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
LONGEST = 400  # lines, docstrings included
MODULES = sorted((ROOT / "hypernorm").rglob("*.py"))
OTHERS = ("tests", "benchmarks", "experiments", "paper_figures", "checks", "docs")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_are_short_and_say_what_is_inside(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST
    title = (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
    assert title.endswith((".", ":"))
    assert len(title) > 20


@pytest.mark.parametrize("folder", OTHERS)
def test_modules_outside_the_package_are_as_short(folder):
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in (ROOT / folder).rglob("*.py")
    }
    assert lengths
    assert {path: length for path, length in lengths.items() if length > LONGEST} == {}


def test_no_module_imports_itself_through_others():
    graph = grimp.build_graph("hypernorm", cache_dir=None)
    imported = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(imported) >= len(MODULES)
    order = list(TopologicalSorter(imported).static_order())  # a CycleError names the cycle
    assert (
        order.index("hypernorm.exceptions") < order.index("hypernorm.certificates.base") < order.index("hypernorm.cli")
    )
