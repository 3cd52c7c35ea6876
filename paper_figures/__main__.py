"""Redraw every figure: ``python -m paper_figures``."""

import runpy
from pathlib import Path

for module in sorted(Path(__file__).parent.glob("*.py")):
    if module.stem not in ("__init__", "__main__", "style"):
        runpy.run_module(f"paper_figures.{module.stem}", run_name="__main__")
