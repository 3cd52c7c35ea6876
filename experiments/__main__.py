"""Run an experiment: ``python -m experiments NAME``, with its options behind; without a name all are listed."""

import argparse
import runpy
import sys
from pathlib import Path

from experiments.names import add_names, listing, programs

found = programs(Path(__file__).parent)
parser = argparse.ArgumentParser(prog="python -m experiments", description=(__doc__ or "").replace("``", "`"))
add_names(parser, found, "an experiment; its own options follow, see `python -m experiments NAME --help`", "?")
first = sys.argv[1:2]
chosen = parser.parse_args(first).names
if chosen is None:
    print(listing(found))
else:
    del sys.argv[1]
    runpy.run_module(f"experiments.{chosen}", run_name="__main__", alter_sys=True)
