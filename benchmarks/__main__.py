"""Run benchmarks and write their results to a page: `python -m benchmarks`.

The page benchmarks/RESULTS.md is written from the rows under results. Parts with rows on file are not measured again,
so a stopped run continues. With names only these benchmarks are measured, and the page shows the others as they are on
file. With `--fresh` every part is measured again and replaces its rows when it is complete. With `--page` nothing is
measured, and the page lists the parts without rows.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from types import ModuleType

from benchmarks import (
    calls,
    dictionary_learning,
    hostile_files,
    kernels,
    linear_model,
    operator_bounds,
    robust,
    scale_out,
    spectral,
    sums_of_squares,
    time_limits,
)
from benchmarks.harness import measure, table
from experiments.names import add_names
from experiments.runner import RESULTS, Row, read

PAGE = Path(__file__).parent / "RESULTS.md"
BENCHMARKS: dict[str, ModuleType] = {
    "calls": calls,
    "kernels": kernels,
    "sums_of_squares": sums_of_squares,
    "dictionary_learning": dictionary_learning,
    "linear_model": linear_model,
    "operator_bounds": operator_bounds,
    "robust": robust,
    "scale_out": scale_out,
    "spectral": spectral,
    "hostile_files": hostile_files,
    "time_limits": time_limits,
}
_HEAD = """# Benchmarks

hypernorm and its peers on the same instances, with the same threads, warmed up; medians where a run is short enough to
be repeated. Every bound, error and residual is recomputed by `benchmarks/referee.py` from what a method returned.
Failures and time-outs are rows like any other. Written by `python -m benchmarks`; seconds unless a name says otherwise.
"""


def conditions(name: str, part: str) -> Row:
    """Versions and machine, from the first line of a file of rows."""
    first = json.loads((RESULTS / name / f"{part}.jsonl").read_text().splitlines()[0])
    return {key: value for key, value in first.items() if key not in ("experiment", "preset")}


def sections(measured: Collection[str], fresh: bool, small: bool, folder: Path) -> Iterator[str]:
    """Yield the text of every part, as soon as it is measured or as it is on file; if small, only of those measured."""
    said: Row = {}
    for name, module in BENCHMARKS.items():
        page = name not in measured
        if small and page:
            continue
        yield f"## {name.replace('_', ' ').capitalize()}\n\n`python -m benchmarks.{name}`"
        for part, content in module.PARTS.items():
            if small and not content.small:
                continue
            if page and not read(name, part):
                yield f"### {content.title}\n\nNot measured yet."
                continue
            rows = read(name, part) if page else measure(name, part, content, folder, small)
            if fresh and not page:
                (RESULTS / name).mkdir(exist_ok=True)
                shutil.move(folder / name / f"{part}.jsonl", RESULTS / name / f"{part}.jsonl")
            text = f"### {content.title}\n\n{table(content.shorten(rows))}"
            if not small and (now := conditions(name, part)) != said:
                text += "\n\nMeasured with " + ", ".join(f"{key} {value}" for key, value in now.items()) + "."
                said = now
            yield text


def main() -> None:
    """Run the missing parts, print them, and write the page."""
    description = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=description)
    add_names(parser, BENCHMARKS, "benchmarks to measure; by default all")
    parser.add_argument("--fresh", action="store_true", help="measure every part anew, in this run")
    parser.add_argument("--small", action="store_true", help="a few small cases, and nothing is written")
    parser.add_argument("--page", action="store_true", help="write the page from the rows on file, measuring nothing")
    options = parser.parse_args()
    measured = () if options.page else options.names or tuple(BENCHMARKS)
    texts = [_HEAD]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) if options.fresh or options.small else RESULTS
        for text in sections(measured, options.fresh, options.small, folder):
            print(f"\n{text}", flush=True)
            texts.append(text)
    if not options.small:
        PAGE.write_text("\n\n".join(text.strip() for text in texts) + "\n")


if __name__ == "__main__":
    main()
