"""Configuration of Sphinx; `make docs` builds the site into docs/_build/html."""

import importlib
import inspect
import pkgutil
import sys
import types
from enum import Enum
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS / "_extensions"), str(DOCS.parent)]

import ziamath  # noqa: E402
from threadpoolctl import threadpool_limits  # noqa: E402

import hypernorm  # noqa: E402

threadpool_limits(1)  # the examples are small: threads would cost more than they save

project = "hypernorm"
author = "The hypernorm developers"
copyright = author
version = release = hypernorm.__version__

extensions = [
    "mathml",
    "plain_docstrings",
    "plain_markdown",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
]
# README.md is the map for those who read the pages as they are in the repository.
exclude_patterns = ["_build", "README.md", "gallery"]
templates_path = ["_templates"]
nitpicky = True
default_role = "py:obj"

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

html_theme = "furo"
html_title = "hypernorm"
# The font of the formulas comes with ziamath.
html_static_path = ["_static", str(Path(ziamath.__file__).parent / "fonts" / "STIXTwoMath-Regular.ttf")]
html_css_files = ["site.css"]
html_show_copyright = False
html_copy_source = False
# The fonts of the theme are those of the system; nothing is loaded from other hosts.
pygments_style = "friendly"
pygments_dark_style = "monokai"


def public_names() -> dict[str, dict[str, list[str]]]:
    """What the pages of the reference list: every exported name once, at the place from which users import it."""
    found = (entry.name for entry in pkgutil.iter_modules(hypernorm.__path__))
    names = {f"hypernorm.{name}": _exports(f"hypernorm.{name}") for name in found if name != "cli" and name[0] != "_"}
    names = {module: kinds for module, kinds in names.items() if any(kinds.values())}
    return {"hypernorm": {**_exports("hypernorm"), "modules": [name.split(".")[1] for name in names]}, **names}


def _exports(module: str) -> dict[str, list[str]]:
    loaded = importlib.import_module(module)
    groups = ("classes", "certificates", "enumerations", "exceptions", "functions", "data")
    kinds: dict[str, list[str]] = {group: [] for group in groups}
    for name in getattr(loaded, "__all__", ()):
        value = getattr(loaded, name)
        if module != "hypernorm" and getattr(hypernorm, name, None) is value:
            continue
        if inspect.isclass(value):
            kinds["exceptions" if issubclass(value, Exception) else "classes"].append(name)
            if issubclass(value, hypernorm.Certificate) and value is not hypernorm.Certificate:
                kinds["certificates"].append(name)
            if issubclass(value, Enum):
                kinds["enumerations"].append(name)
        else:
            kinds["functions" if isinstance(value, types.FunctionType) else "data"].append(name)
    return kinds


autosummary_context = {"public_names": public_names()}
autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_gallery",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "min_reported_time": 1e6,  # no times on the pages: they tell about the machine, not the example
    "write_computation_times": False,
}
