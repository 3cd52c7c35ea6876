"""Misclassified fraction of clusterings against shape, number, dimension and outliers; and what certificates prove."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from experiments.moment_clustering import (
    DENSITY,
    FULL,
    KMEANS,
    METHODS,
    NEAREST,
    OURS,
    OUTLIERS,
    SHAPES,
    SPECTRAL,
    SPHERICAL,
    TRIMMED,
    compare,
    groups,
)
from experiments.runner import Row
from paper_figures.style import COLOURS, COLUMN, GREY, PAGE, figure, handles, rows_on_file, save

__all__ = ["draw_outliers", "draw_proof", "draw_shapes"]

_STYLES: dict[str, dict[str, Any]] = {
    OURS: {"color": COLOURS["blue"], "marker": "o", "lw": 1.9, "zorder": 5},
    KMEANS: {"color": COLOURS["vermilion"], "marker": "s"},
    TRIMMED: {"color": COLOURS["orange"], "marker": "P", "ls": "--"},
    FULL: {"color": COLOURS["green"], "marker": "^"},
    SPHERICAL: {"color": COLOURS["purple"], "marker": "v", "ls": "--"},
    SPECTRAL: {"color": COLOURS["black"], "marker": "D", "ms": 3},
    DENSITY: {"color": GREY, "marker": "x", "lw": 0.7, "ms": 3},
    NEAREST: {"color": GREY, "ls": ":", "lw": 1.6},
}
_LABELS = {
    FULL: "Gaussian mixture",
    NEAREST: "nearest true center\n(unknown in practice)",
}
_SHAPES = {"gaussian": "Gaussian", "t3": "t$_3$"}
_KINDS = {
    "uniform": "uniform outliers",
    "far": "far, scattered",
    "cluster": "far, in one clump",
    "bridge": "between clusters",
}
# Below this fraction the axis is linear, so that zero has a place.
_LINEAR = 0.01


def draw_shapes(rows: list[Row]) -> Figure:
    """Clean clusters: the fraction against separation, number, dimension, elongation and inequality."""
    fig = figure(PAGE, 4.8)
    axes = fig.subplots(2, 4, sharey=True)
    panels = (
        ("separation", "gaussian", "Gaussian clusters,\nfurther apart", "distance of centers"),
        ("separation", "t3", "heavy tails,\nfurther apart", "distance of centers"),
        ("number", "t3", "heavy tails,\nmore clusters", "clusters"),
        ("dimension", "t3", "heavy tails,\nmore columns", "columns"),
        ("elongated", None, "long, thin clusters,\nfurther apart", "distance of centers"),
        ("unequal", "gaussian", "Gaussian clusters,\nmore unequal", "ratio of sizes"),
        ("unequal", "t3", "heavy tails,\nmore unequal", "ratio of sizes"),
    )
    for axis, (part, shape, title, label) in zip(axes.flat, panels, strict=False):
        cells = compare(rows, part)
        _curves(axis, {cell[-1]: found for cell, found in cells.items() if shape in (None, cell[0])})
        axis.set_title(title)
        axis.set_xlabel(label)
        if part in ("number", "dimension", "unequal"):
            axis.set_xscale("log")
            axis.xaxis.set_major_locator(FixedLocator(sorted({cell[-1] for cell in cells})))
            axis.xaxis.set_minor_locator(NullLocator())
            axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    _share_axis(axes[:, 0])
    axes[1, 3].axis("off")
    axes[1, 3].legend(handles=handles(_STYLES, _LABELS), loc="center left")
    return fig


def draw_outliers(rows: list[Row]) -> Figure:
    """Clusters among outliers of four kinds, Gaussian above and heavy-tailed below."""
    fig = figure(PAGE, 4.7)
    axes = fig.subplots(2, 4, sharey=True, sharex=True)
    cells = compare(rows, "outliers")
    for line, shape in zip(axes, SHAPES, strict=True):
        for axis, kind in zip(line, OUTLIERS, strict=True):
            _curves(axis, {cell[-1]: found for cell, found in cells.items() if cell[:2] == (shape, kind)})
            axis.set_title(f"{_SHAPES[shape]}, {_KINDS[kind]}", fontsize=8)
            axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g}%"))
            axis.xaxis.set_major_locator(FixedLocator(sorted({cell[-1] for cell in cells})))
    for axis in axes[1]:
        axis.set_xlabel("fraction of outliers")
    _share_axis(axes[:, 0])
    fig.legend(handles=handles(_STYLES, _LABELS), loc="outside lower center", ncols=4)
    return fig


def draw_proof(rows: list[Row]) -> Figure:
    """The largest fraction of a true cluster in a second returned one: the certified bound above, the truth below."""
    fig = figure(COLUMN, 2.8)
    axis = fig.subplots()
    same = {cell[1]: group for cell, group in groups(rows, "separation").items() if cell[0] == "gaussian"}
    for key, label, style in (
        ("allowed", "at most, by certified 4th moments", {"color": COLOURS["blue"], "marker": "v"}),
        ("shared", "in truth (none from 8 on)", {"color": COLOURS["vermilion"], "marker": "o"}),
    ):
        places = [place for place, group in same.items() if any(row[key] for row in group)]
        values = [np.array([row[key] for row in same[place]]) for place in places]
        means = np.array([found.mean() for found in values])
        bars = [found.std(ddof=1) / np.sqrt(len(found)) for found in values]
        axis.errorbar(places, means, yerr=bars, label=label, **style)
    axis.axhline(1, color=GREY, lw=0.8, ls="-.")
    axis.annotate("says nothing above 1", (3, 1), xytext=(0, -9), textcoords="offset points", fontsize=7, color=GREY)
    axis.set_yscale("log")
    axis.set_xlabel("distance of centers (standard deviations)")
    axis.set_ylabel("largest fraction of a true cluster\nin a second returned one")
    axis.set_title("4 Gaussian clusters, n = 1,000, d = 10")
    fig.legend(loc="outside lower center")
    return fig


def _curves(axis: Axes, cells: Mapping[Any, dict[str, tuple[float, float]]]) -> None:
    """Means with bars of one standard error."""
    for name in (*METHODS, NEAREST):
        values, bars = np.array([found[name] for found in cells.values()]).T
        axis.errorbar(list(cells), values, yerr=bars, elinewidth=0.7, **{"ms": 3.8, "capsize": 0, **_STYLES[name]})


def _share_axis(axes: np.ndarray) -> None:
    for axis in axes:
        axis.set_yscale("symlog", linthresh=_LINEAR, linscale=0.6)
        axis.set_ylim(-0.001, 1.1)
        axis.yaxis.set_major_locator(FixedLocator([0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]))
        axis.yaxis.set_minor_locator(NullLocator())
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g}%"))
        axis.set_ylabel("samples in the\nwrong cluster")


if __name__ == "__main__":
    _rows = rows_on_file("moment_clustering")
    save(draw_shapes(_rows), "moment_clustering")
    save(draw_outliers(_rows), "moment_clustering_outliers")
    save(draw_proof(_rows), "moment_clustering_proof")
