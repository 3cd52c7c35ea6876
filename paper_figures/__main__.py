"""Draw all figures: ``python -m paper_figures``. At the end it fails with a list of the figures without results."""

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
