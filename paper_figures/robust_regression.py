"""Robust regression: error of the coefficients against ε for every adversary, against d, and against n."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from experiments.robust_regression import (
    ADVERSARIES,
    AUTO,
    BISQUARE,
    FAMILIES,
    HUBER,
    LEAST_SQUARES,
    MM,
    ORACLE,
    OURS,
    RANSAC,
    THEIL,
    measured,
)
from experiments.runner import Row
from paper_figures.robust_covariance import curves
from paper_figures.style import COLOURS, GREY, PAGE, figure, handles, plain_logarithm, rows_on_file, save

__all__ = ["draw_contamination", "draw_sizes"]

_STYLES: dict[str, dict[str, Any]] = {
    OURS: {"color": COLOURS["blue"], "marker": "o", "lw": 1.8, "zorder": 5},
    AUTO: {"color": COLOURS["sky"], "marker": "o", "ls": "--", "mfc": "white", "zorder": 4},
    MM: {"color": COLOURS["green"], "marker": "^", "zorder": 4},
    BISQUARE: {"color": COLOURS["purple"], "marker": "v"},
    HUBER: {"color": COLOURS["orange"], "marker": "P"},
    RANSAC: {"color": COLOURS["vermilion"], "marker": "D"},
    THEIL: {"color": COLOURS["black"], "marker": "x", "lw": 0.9},
    LEAST_SQUARES: {"color": GREY, "marker": "s", "ls": "--"},
    ORACLE: {"color": COLOURS["black"], "ls": ":", "lw": 1.6},
}
_LABELS = {HUBER: "Huber (scikit-learn)", ORACLE: "M-estimator on the inliers (unknown)"}
_TITLES = {
    "responses": "targets\nraised",
    "plane": "targets on\nanother plane",
    "rows": "cluster of rows\nand targets",
    "leverage": "cluster at ten\ntimes the distance",
}
_ROWS = {
    "light": "normal rows and noise",
    "heavy": "Student t, 3 d.f.",
    "dependent": "noise grows with signal",
}


def draw_contamination(rows: list[Row]) -> Figure:
    """A panel for every adversary and family: error against ε."""
    fig = figure(PAGE, 6.0)
    axes = fig.subplots(len(FAMILIES), len(ADVERSARIES), sharex=True, sharey="row")
    clean = measured(rows, "clean")
    for line, family in zip(axes, FAMILIES, strict=True):
        cells = measured(rows, family)
        for axis, adversary in zip(line, ADVERSARIES, strict=True):
            same = {fraction: values for (name, fraction), values in cells.items() if name == adversary}
            curves(axis, {0.0: clean[family,], **same}, _STYLES)
            axis.set_yscale("log")
            axis.set_xticks([0, 0.1, 0.2, 0.3])
        plain_logarithm(line[0])
        line[0].set_ylabel(f"{_ROWS[family]}\nerror of the coefficients")
    for axis, adversary in zip(axes[0], ADVERSARIES, strict=True):
        axis.set_title(_TITLES[adversary])
    for axis in axes[-1]:
        axis.set_xlabel("fraction of outliers ε")
    fig.legend(handles=handles(_STYLES, _LABELS), loc="outside lower center", ncols=3)
    return fig


def draw_sizes(rows: list[Row]) -> Figure:
    """Error over that of the inliers, against the dimension and the number of samples."""
    fig = figure(PAGE, 3.1)
    axes = fig.subplots(1, 2, sharey=True)
    for axis, part, label in zip(
        axes, ("dimension", "samples"), ("dimension d (n = 50 d)", "samples n (d = 5)"), strict=True
    ):
        same = {place: values for (place,), values in measured(rows, part).items()}
        curves(axis, same, _STYLES, relative=ORACLE)
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.xaxis.set_major_locator(FixedLocator(sorted(same)))
        axis.xaxis.set_minor_locator(NullLocator())
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.axhline(1, color=GREY, lw=0.8)
        axis.set_xlabel(label)
    plain_logarithm(axes[0])
    axes[0].set_ylabel("error over that of the\nM-estimator on the inliers")
    fig.suptitle("a cluster of wrong rows and targets, ε = 0.1", fontsize=8.5)
    shown = {name: style for name, style in _STYLES.items() if name != ORACLE}
    fig.legend(handles=handles(shown, _LABELS), loc="outside lower center", ncols=4)
    return fig


if __name__ == "__main__":
    _rows = rows_on_file("robust_regression")
    for _draw, _name in (
        (draw_contamination, "robust_regression_contamination"),
        (draw_sizes, "robust_regression_sizes"),
    ):
        save(_draw(_rows), _name)
