"""Common style of all figures: sizes for a page of two columns, colours for any colour vision, reproducible files.

Importing this module sets the style. `figure` makes figures without pyplot, and `save` writes them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from experiments.runner import Row, read

__all__ = [
    "COLOURS",
    "COLUMN",
    "GREY",
    "MARKERS",
    "OUTPUT",
    "PAGE",
    "figure",
    "handles",
    "label_line",
    "plain_logarithm",
    "rows_on_file",
    "save",
]

OUTPUT = Path(__file__).parent / "output"

COLUMN, PAGE = 3.4, 7.0
"""Width of a column and of a page in inches."""

COLOURS = {
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "purple": "#CC79A7",
    "black": "#000000",
}
"""The palette of Okabe and Ito, which people with any colour vision can distinguish; yellow is too faint for lines."""

GREY = "#767676"
"""Colour of reference lines and points."""

MARKERS = ("o", "s", "^", "D", "v")
"""Markers, so that series can be distinguished without colour."""

matplotlib.use("Agg")
matplotlib.rcParams.update(
    {
        "font.family": "DejaVu Sans",
        "font.size": 8,
        "axes.titlesize": 8.5,
        "axes.labelsize": 8.5,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.7,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": "#DDDDDD",
        "grid.linewidth": 0.5,
        "legend.fontsize": 7.5,
        "legend.frameon": False,
        "legend.handlelength": 1.8,
        "lines.linewidth": 1.2,
        "lines.markersize": 4.5,
        "errorbar.capsize": 2,
        "xtick.labelsize": 7.5,
        "ytick.labelsize": 7.5,
        # Text remains text in the file.
        "pdf.fonttype": 42,
        "savefig.dpi": 200,
    }
)


def figure(width: float, height: float) -> Figure:
    """An empty figure of the given size in inches, with constrained layout."""
    return Figure(figsize=(width, height), layout="constrained")


def handles(styles: Mapping[str, Mapping[str, Any]], labels: Mapping[str, str]) -> list[Line2D]:
    """Entries of a legend for the styles of several methods, without error bars."""
    return [Line2D([], [], **{"ms": 4, **style, "label": labels.get(name, name)}) for name, style in styles.items()]


def label_line(
    axis: Axes, text: str, place: tuple[float, float], offset: tuple[float, float] = (5, 0), **options: Any
) -> None:
    """Write a text beside a point of a line, with the offset in points."""
    left = offset[0] >= 0
    settings = {"fontsize": 7, "ha": "left" if left else "right", "va": "center", "annotation_clip": False, **options}
    axis.annotate(text, place, xytext=offset, textcoords="offset points", **settings)


def plain_logarithm(axis: Axes, which: str = "y") -> None:
    """Set ticks at 1, 2, 5 times powers of ten; for a wide range at the powers only, for a narrow range at more."""
    part = getattr(axis, f"{which}axis")
    low, high = part.get_view_interval()
    ranges = ((4, (1, 1.2, 1.5, 2, 3, 4, 5, 7)), (8, (1, 2, 3, 5)), (300, (1, 2, 5)), (math.inf, (1,)))
    steps = next(steps for largest, steps in ranges if high / low < largest)
    part.set_major_locator(FixedLocator([step * 10.0**power for power in range(-6, 7) for step in steps]))
    part.set_minor_locator(NullLocator())
    part.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set(**{f"{which}lim": (low, high)})


def rows_on_file(name: str, preset: str = "paper") -> list[Row]:
    """The rows of an experiment; end the program if there are none."""
    rows = read(name, preset)
    if not rows:
        raise SystemExit(f"No results on file; first run: python -m experiments.{name} --preset {preset}")
    return rows


def save(fig: Figure, name: str) -> None:
    """Write the figure as PDF and PNG to `OUTPUT`, without a date, so that drawing again gives the same bytes."""
    OUTPUT.mkdir(exist_ok=True)
    metadata: dict[str, dict[str, Any]] = {
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
        "png": {"Software": None},
    }
    for suffix, entries in metadata.items():
        path = OUTPUT / f"{name}.{suffix}"
        fig.savefig(path, metadata=entries)
        print(path)
