"""Robust covariance: error against ε and d, heavy tails, false alarms, and the proved bound beside the error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from experiments.repeats import mean_and_error
from experiments.robust_covariance import (
    ADVERSARIES,
    AUTO,
    BOUNDS,
    DETERMINANT,
    DETERMINISTIC,
    ENVELOPE,
    ORACLE,
    OURS,
    SAMPLE,
    SECOND,
    TAILS,
    measured,
)
from experiments.runner import Row
from experiments.tables import OUTLIERS
from paper_figures.style import COLOURS, COLUMN, GREY, PAGE, figure, handles, plain_logarithm, rows_on_file, save

__all__ = ["curves", "draw_alarms", "draw_bound", "draw_contamination", "draw_sizes"]

_STYLES: dict[str, dict[str, Any]] = {
    OURS: {"color": COLOURS["blue"], "marker": "o", "lw": 1.8, "zorder": 5},
    AUTO: {"color": COLOURS["sky"], "marker": "o", "ls": "--", "mfc": "white", "zorder": 4},
    DETERMINANT: {"color": COLOURS["vermilion"], "marker": "D"},
    DETERMINISTIC: {"color": COLOURS["orange"], "marker": "^"},
    SECOND: {"color": COLOURS["purple"], "marker": "v"},
    SAMPLE: {"color": GREY, "marker": "s", "ls": "--"},
    ORACLE: {"color": COLOURS["black"], "marker": "|", "ls": ":", "lw": 1.6},
}
_ENVELOPE = {"color": COLOURS["green"], "marker": "P"}
_LABELS = {
    DETERMINANT: "minimum covariance determinant (scikit-learn)",
    DETERMINISTIC: "the same, deterministic (statsmodels)",
    ENVELOPE: "elliptic envelope, told 10%",
    ORACLE: "covariance of the inliers (unknown)",
}
_FAMILIES = {
    "gaussian": "normal",
    "laplace": "Laplace",
    "t5": "Student t, 5 d.f.",
    "heavy_products": "products of t, 3 d.f.",
    "mixture": "two groups",
}
_ERROR = r"$\Vert\Sigma^{-1/2}\,\hat\Sigma\,\Sigma^{-1/2}-I\,\Vert$"


def draw_contamination(rows: list[Row]) -> Figure:
    """A panel for every adversary: error against ε."""
    fig = figure(PAGE, 4.6)
    axes = fig.subplots(2, 3, sharex=True)
    cells = measured(rows, "contamination")
    for axis, adversary in zip(axes.flat, ADVERSARIES, strict=True):
        same = {fraction: values for (name, fraction), values in cells.items() if name in (adversary, "none")}
        curves(axis, same, _STYLES)
        axis.set_title(OUTLIERS[adversary])
        axis.set_yscale("log")
        plain_logarithm(axis)
    for axis in axes[:, 0]:
        axis.set_ylabel(f"error {_ERROR}")
    for axis in axes[1]:
        axis.set_xlabel("fraction of outliers ε")
    fig.legend(handles=handles(_STYLES, _LABELS), loc="outside lower center", ncols=2)
    return fig


def draw_sizes(rows: list[Row]) -> Figure:
    """Error against the dimension, and for other families of inliers, clean and with a cluster."""
    fig = figure(PAGE, 3.3)
    left, *right = fig.subplots(1, 3, width_ratios=(1.25, 1, 1))
    curves(left, {d: values for (d, _), values in measured(rows, "dimension").items()}, _STYLES)
    left.set_xscale("log")
    left.set_yscale("log")
    plain_logarithm(left)
    dimensions = sorted(d for d, _ in measured(rows, "dimension"))
    left.xaxis.set_major_locator(FixedLocator(dimensions))
    left.xaxis.set_minor_locator(NullLocator())
    left.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    left.set_xlabel("dimension d (n = 50 d)")
    left.set_ylabel(f"error {_ERROR}")
    left.set_title("normal inliers, hidden\noutliers, ε = 0.1")
    cells = measured(rows, "tails")
    for axis, adversary, title in zip(
        right,
        ("none", "cluster"),
        ("no outliers, but ε = 0.1\nis allowed for", "one cluster, ε = 0.1"),
        strict=True,
    ):
        _dots(axis, {_FAMILIES[name]: cells[name, adversary] for name in TAILS}, _STYLES)
        axis.set_xscale("log")
        plain_logarithm(axis, "x")
        axis.set_xlabel("error")
        axis.set_title(title)
    right[1].tick_params(labelleft=False)
    fig.legend(handles=handles(_STYLES, _LABELS), loc="outside lower center", ncols=2)
    return fig


def draw_alarms(rows: list[Row]) -> Figure:
    """The fraction of clean samples that each method flags, for every shape and family."""
    fig = figure(COLUMN, 4.4)
    axis = fig.subplots()
    styles = {name: _STYLES[name] for name in (OURS, AUTO, DETERMINANT)} | {ENVELOPE: _ENVELOPE}
    styles[SAMPLE] = _STYLES[SAMPLE]
    cells = measured(rows, "clean", "flagged")
    places = sorted(cells, key=lambda place: (list(_FAMILIES).index(place[0]), place[2] / place[1]))
    _dots(axis, {_shape(*place): cells[place] for place in places}, styles, scale=100)
    axis.axhline(sum(place[0] == "gaussian" for place in places) - 0.5, color=GREY, lw=0.7)
    axis.set_xlim(-1.5, None)
    axis.set_xlabel("flagged, %")
    fig.suptitle("clean samples flagged as outliers\n(n × d; 1,000 × 10 where not normal)", fontsize=8.5)
    labels = {**_LABELS, SAMPLE: "sample covariance, 97.5% of χ²", DETERMINANT: "minimum covariance det., 97.5% of χ²"}
    fig.legend(handles=handles(styles, labels), loc="outside lower center", ncols=1)
    return fig


def draw_bound(rows: list[Row]) -> Figure:
    """Proved bound and true error of every trial against ε; bounds that prove nothing stand on top."""
    fig = figure(COLUMN, 3.4)
    axis = fig.subplots()
    trials = [row for row in rows if row["part"] == "bound"]
    finite = [row[kind] for row in trials for kind in ("bound", "informed") if np.isfinite(row[kind])]
    top = 2 * max(finite)
    for kind, label, shift, style in (
        (
            "bound",
            "proved, if the inliers' kurtosis is at\nmost that of the weighted samples",
            1.07,
            {"color": COLOURS["sky"], "marker": "^"},
        ),
        ("informed", "proved, given the inliers' kurtosis", 0.935, {"color": COLOURS["blue"], "marker": "o"}),
        ("error", "true error", 1.0, {"color": COLOURS["vermilion"], "marker": "x"}),
    ):
        places = [row["contamination"] * shift for row in trials]
        values = [min(row[kind], top) for row in trials]
        axis.plot(places, values, ls="", ms=3, alpha=0.7, mew=0.8, label=label, **style)
    if len(finite) < 2 * len(trials):
        axis.axhline(top, color=GREY, lw=0.7, ls="-.")
        axis.annotate(
            "nothing proved", (min(BOUNDS), top), xytext=(0, -9), textcoords="offset points", fontsize=7, color=GREY
        )
    axis.set_xscale("log")
    axis.set_yscale("log")
    plain_logarithm(axis)
    axis.xaxis.set_major_locator(FixedLocator(BOUNDS))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_xlabel("fraction of outliers ε")
    axis.set_ylabel(r"$\Vert S^{-1/2}\,\hat\Sigma\,S^{-1/2}-I\,\Vert$ for the" + "\ncovariance S of the inliers")
    axis.set_title("n = 2,000, d = 4, hidden outliers", loc="left")
    fig.legend(loc="outside lower center")
    return fig


def curves(
    axis: Axes, same: Mapping[Any, Mapping[str, np.ndarray]], styles: Mapping[str, dict[str, Any]], relative: str = ""
) -> None:
    """Means with bars of one standard error, over the mean of the method `relative` if there is one."""
    places = sorted(same)
    for name, style in styles.items():
        if name == relative:
            continue
        scale = np.array([same[place][relative].mean() if relative else 1.0 for place in places])
        values, bars = np.array([mean_and_error(same[place][name]) for place in places]).T / scale
        axis.errorbar(places, values, yerr=bars, **{"ms": 3.5, "elinewidth": 0.8, "capsize": 1.5, **style})


def _dots(
    axis: Axes, same: Mapping[str, Mapping[str, np.ndarray]], styles: Mapping[str, dict[str, Any]], scale: float = 1
) -> None:
    """A line of dots for each place, the methods below one another, with bars of one standard error."""
    for index, values in enumerate(same.values()):
        for offset, (name, style) in zip(np.linspace(-0.3, 0.3, len(styles)), styles.items(), strict=True):
            mean, error = mean_and_error(scale * values[name])
            look = {"ms": 4, "elinewidth": 0.8, "capsize": 1.5, **style, "ls": ""}
            axis.errorbar(mean, index + offset, xerr=error, **look)
    axis.set_yticks(range(len(same)), list(same))
    axis.set_ylim(len(same) - 0.5, -0.5)
    axis.grid(axis="y", visible=False)


def _shape(family: str, n: int, d: int) -> str:
    return f"normal, {n:,} × {d}" if family == "gaussian" else _FAMILIES[family]


if __name__ == "__main__":
    _rows = rows_on_file("robust_covariance")
    for _draw, _name in (
        (draw_contamination, "robust_covariance_contamination"),
        (draw_sizes, "robust_covariance_sizes"),
        (draw_alarms, "robust_covariance_alarms"),
        (draw_bound, "robust_covariance_bound"),
    ):
        save(_draw(_rows), _name)
