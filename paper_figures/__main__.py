"""Draw figures from the results on file: ``python -m paper_figures``; without names all of them.

At the end it fails with a list of the figures that lack results.
"""

import argparse
import runpy
import sys
from pathlib import Path

from experiments.names import add_names, programs

names = programs(Path(__file__).parent)
parser = argparse.ArgumentParser(prog="python -m paper_figures", description=(__doc__ or "").replace("``", "`"))
add_names(parser, names, "figures to draw; by default all")
parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the pictures, by default paper_figures/output")
options = parser.parse_args()
if options.out is not None:
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--out {options.out}: {error.strerror}; name a folder that can be written")

    from paper_figures import style  # sets the style of all figures

    style.OUTPUT = options.out
missing = []
for name in options.names or names:
    try:
        runpy.run_module(f"paper_figures.{name}", run_name="__main__")
    except SystemExit as reason:
        missing.append(f"{name}: {reason}")
sys.exit("\n".join(missing) or None)
