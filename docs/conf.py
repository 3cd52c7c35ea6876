"""Configuration of Sphinx; `make docs` builds the site into docs/_build/html."""

import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS / "_extensions"), str(DOCS.parent)]

import ziamath  # noqa: E402
from public_names import public_names  # noqa: E402
from threadpoolctl import threadpool_limits  # noqa: E402

import hypernorm  # noqa: E402

threadpool_limits(1)  # the examples are small: threads would cost more than they save

project = "hypernorm"
author = "The hypernorm developers"
copyright = author
version = release = hypernorm.__version__

extensions = [
    "captions",
    "citation",
    "mathml",
    "outputs",
    "plain_docstrings",
    "plain_markdown",
    "sources",
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

# The pages whose examples show what they print.
outputs_pages = ["index", "guide/*"]

html_theme = "furo"
html_title = f"hypernorm {release}"
# The font of the formulas comes with ziamath.
html_static_path = ["_static", str(Path(ziamath.__file__).parent / "fonts" / "STIXTwoMath-Regular.ttf")]
html_css_files = ["site.css"]
html_show_copyright = False
html_copy_source = False
viewcode_line_numbers = True
# The fonts of the theme are those of the system; nothing is loaded from other hosts.
pygments_style = "friendly"
pygments_dark_style = "monokai"


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
