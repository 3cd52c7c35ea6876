"""Redraw every figure: ``python -m paper_figures``. Those without results are named, and make it fail at the end."""

import runpy
import sys
from pathlib import Path

missing = []
for module in sorted(Path(__file__).parent.glob("*.py")):
    if module.stem not in ("__init__", "__main__", "style"):
        try:
            runpy.run_module(f"paper_figures.{module.stem}", run_name="__main__")
        except SystemExit as reason:
            missing.append(f"{module.stem}: {reason}")
sys.exit("\n".join(missing) or None)
