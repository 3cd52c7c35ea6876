"""Robust means under contamination: errors against ε, d and n, hidden outliers, the rate, data, and one fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from experiments.means.methods import DETERMINANT, KNOWN, MOMENT, ORACLE
from experiments.means.summary import excess, groups, mean_errors, worst_biases
from experiments.means.trials import DATA
from experiments.robust_mean import ADVERSARIES
from experiments.runner import Row
from experiments.tables import OUTLIERS
from paper_figures.style import (
    COLOURS,
    COLUMN,
    GREY,
    PAGE,
    figure,
    handles,
    label_line,
    plain_logarithm,
    rows_on_file,
    save,
)

__all__ = ["draw_contamination", "draw_data", "draw_fit", "draw_hidden", "draw_rate", "draw_sizes"]

_STYLES: dict[str, dict[str, Any]] = {
    MOMENT: {"color": COLOURS["blue"], "marker": "o", "lw": 1.8, "zorder": 5},
    "quantum entropy": {"color": COLOURS["sky"], "marker": "s"},
    KNOWN: {"color": COLOURS["sky"], "marker": "s", "ls": ":", "mfc": "white"},
    "projected gradient": {"color": COLOURS["green"], "marker": "^"},
    "Lai–Rao–Vempala": {"color": COLOURS["purple"], "marker": "v"},
    "Lee–Valiant": {"color": COLOURS["orange"], "marker": "P"},
    "geometric median": {"color": COLOURS["vermilion"], "marker": "D"},
    DETERMINANT: {"color": COLOURS["black"], "marker": "X"},
    "sample mean": {"color": GREY, "marker": ".", "ls": "--"},
    ORACLE: {"color": GREY, "ls": ":", "lw": 1.6},
}
_LABELS = {
    ORACLE: "mean of the inliers (unknown)",
    KNOWN: "quantum entropy, known cov.",
    DETERMINANT: "MinCovDet of scikit-learn",
}
_TOGETHER = ("projected gradient", "Lai–Rao–Vempala", "Lee–Valiant", "geometric median", "sample mean")
"""Methods whose lines coincide for hidden outliers."""


def draw_contamination(rows: list[Row]) -> Figure:
    """A panel for every adversary: error against ε, with one scale for all."""
    fig = figure(PAGE, 4.6)
    axes = fig.subplots(2, 4, sharex=True, sharey=True)
    same = groups(rows, "contamination")
    for axis, adversary in zip(axes.flat, ADVERSARIES, strict=False):
        cells = {fraction: group for (name, fraction), group in same.items() if name == adversary}
        _curves(axis, cells, without=(KNOWN,))
        axis.set_title(OUTLIERS[adversary], fontsize=8)
        axis.set_yscale("log")
        axis.set_xlim(-0.02, 0.48)
    axes[0, 0].set_ylim(0.16, 47)
    plain_logarithm(axes[0, 0])
    for axis in axes[:, 0]:
        axis.set_ylabel("error of the mean\n(standard deviations)")
    for axis in (*axes[1, :3], axes[0, 3]):
        axis.set_xlabel("outliers")
        axis.tick_params(labelbottom=True)
    axes[1, 0].xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f}%"))
    axes[1, 3].axis("off")
    shown = {name: style for name, style in _STYLES.items() if name != KNOWN}
    axes[1, 3].legend(handles=handles(shown, _LABELS), loc="center", fontsize=7)
    return fig


def draw_sizes(rows: list[Row]) -> Figure:
    """Error over that of the mean of the inliers, against d and n, clean above and with a cluster below."""
    fig = figure(PAGE, 4.6)
    axes = fig.subplots(2, 2, sharey="row", sharex="col")
    for column, (part, label) in enumerate(
        (("dimension", "dimension d (n = 2,000)"), ("samples", "samples n (d = 20)"))
    ):
        same = groups(rows, part)
        for row, (adversary, title) in enumerate(
            (("none", "clean, but ε = 0.1 is allowed for"), ("cluster", "one cluster at √d, ε = 0.1"))
        ):
            axis = axes[row, column]
            _curves(axis, {size: group for (name, size), group in same.items() if name == adversary}, relative=True)
            axis.set_xscale("log")
            axis.xaxis.set_minor_formatter(NullFormatter())
            axis.set_yscale("log")
            axis.set_title(title)
        axes[1, column].set_xlabel(label)
        axes[1, column].xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    for axis in axes[:, 0]:
        axis.set_ylabel("error / error of the\nmean of the inliers")
        plain_logarithm(axis)
    shown = {name: style for name, style in _STYLES.items() if name != ORACLE}
    fig.legend(handles=handles(shown, _LABELS), loc="outside lower center", ncols=3)
    return fig


def draw_hidden(rows: list[Row]) -> Figure:
    """Distance to the mean of the inliers against ε, outliers along the least-variance direction."""
    fig = figure(COLUMN * 1.4, 3.5)
    axis = fig.subplots()
    same = groups(rows, "hidden")
    largest = max(n for n, _ in same)
    cells = {fraction: group for (n, fraction), group in same.items() if n == largest}
    _curves(axis, cells, measured="biases", without=_TOGETHER[:-1])
    axis.set_yscale("log")
    axis.set_ylim(4e-5, 10)
    axis.set_xlim(0.04, 0.42)
    plain_logarithm(axis)
    ends = mean_errors(cells[max(cells)], "biases")
    for name, text, height in (
        ("sample mean", "sample mean and\nfour other methods", 16),
        (DETERMINANT, "MinCovDet", 4),
        ("quantum entropy", "quantum entropy", -5),
        (KNOWN, "… with the true\ncovariance", -9),
        (MOMENT, "moment filter", 0),
    ):
        label_line(axis, text, (max(cells), ends[name][0]), (7, height), color=_STYLES[name]["color"])
    axis.axvline((3 - 3**0.5) / 6, color=GREY, lw=0.8, ls="-.")
    blind = ((3 - 3**0.5) / 6, 0.03)
    label_line(axis, "here the fourth moment\nof the outliers' direction\nlooks Gaussian", blind, (4, 6), color=GREY)
    axis.xaxis.set_major_locator(FixedLocator(sorted({0.05, 0.1, 0.2, 0.3})))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f}%"))
    axis.set_xlabel("outliers, five standard deviations out\nin the direction of least variance")
    axis.set_ylabel("error of the mean (standard deviations)")
    axis.set_title(f"{largest:,} samples, 40 columns")
    return fig


def draw_rate(rows: list[Row]) -> Figure:
    """The worst distance of a cluster for each method, with the lines of both rates."""
    fig = figure(COLUMN, 3.6)
    axis = fig.subplots()
    worst = worst_biases(rows)
    fractions = np.array(sorted(worst))
    for name in _STYLES:
        if all(name in worst[fraction] for fraction in fractions) and name != ORACLE:
            values = np.array([worst[fraction][name] for fraction in fractions])
            axis.errorbar(fractions, values[:, 0], yerr=values[:, 1], **_STYLES[name])
    for power, label in ((0.5, "√ε"), (0.75, "ε$^{3/4}$"), (1.0, "ε")):
        axis.plot(fractions, fractions**power, color="black", lw=0.7, ls=(0, (5, 3)))
        axis.annotate(
            label, (fractions[0], fractions[0] ** power), fontsize=7, xytext=(-14, -2), textcoords="offset points"
        )
    axis.axvline(16**-0.5, color=GREY, lw=0.8, ls="-.")
    axis.annotate(
        "$d^{-1/2}$",
        (16**-0.5, 0.02),
        xycoords=axis.get_xaxis_transform(),
        ha="right",
        fontsize=7,
        color=GREY,
        xytext=(-2, 0),
        textcoords="offset points",
    )
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlim(fractions[0] * 0.7, fractions[-1] * 1.15)
    axis.xaxis.set_major_locator(FixedLocator(fractions))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    plain_logarithm(axis)
    axis.set_xlabel("fraction of outliers ε")
    axis.set_ylabel("worst distance to the mean of\nthe inliers, over 4 clusters")
    axis.set_title("n = 4,000, d = 16")
    shown = {name: style for name, style in _STYLES.items() if name not in (ORACLE, DETERMINANT)}
    fig.legend(handles=handles(shown, _LABELS), loc="outside lower center", ncols=2, fontsize=6.5)
    return fig


def draw_data(rows: list[Row]) -> Figure:
    """Tables with rows that do not belong there."""
    fig = figure(PAGE, 3.0)
    axes = fig.subplots(1, len(DATA), sharex=True)
    same = groups(rows, "data")
    for axis, data in zip(axes, DATA, strict=True):
        # Without outliers the sample mean is the truth.
        _curves(axis, {fraction: group for (name, fraction), group in same.items() if name == data and fraction > 0})
        axis.set_title(data.replace(", ", ":\n"))
        axis.set_yscale("log")
        plain_logarithm(axis)
        axis.set_xlabel("fraction of outliers ε")
    axes[0].set_ylabel("error, root mean square\nover scaled columns")
    shown = {name: style for name, style in _STYLES.items() if name != KNOWN}
    fig.legend(handles=handles(shown, _LABELS), loc="outside lower center", ncols=5, fontsize=6.5)
    return fig


def draw_fit(rows: list[Row]) -> Figure:
    """Weights against scores of one fit."""
    row = next(row for row in rows if row["part"] == "weights")
    fig = figure(COLUMN, 2.5)
    axis = fig.subplots()
    scores, weights, inlier = (np.array(row[name]) for name in ("scores", "weights", "is_inlier"))
    for mask, label, style in (
        (inlier, "inliers", {"color": COLOURS["blue"], "marker": "o"}),
        (~inlier, "outliers", {"color": COLOURS["vermilion"], "marker": "X"}),
    ):
        axis.scatter(scores[mask], weights[mask], s=14, alpha=0.6, lw=0, label=f"{mask.sum()} {label}", **style)
    axis.set_xlabel("score: distance in the directions that were\nlooked at, in standard deviations")
    axis.set_ylabel("weight × n")
    axis.set_title(f"{MOMENT}, one cluster at √d, ε = 0.1")
    axis.legend()
    return fig


def _curves(
    axis: Axes,
    same: dict[Any, Sequence[Row]],
    *,
    measured: str = "errors",
    relative: bool = False,
    without: Sequence[str] = (),
) -> None:
    """Means with bars of one standard error against what tells the groups apart, relative to the oracle's if asked."""
    means = {place: mean_errors(group, measured) for place, group in sorted(same.items())}
    for name, style in _STYLES.items():
        places = [place for place in means if name in means[place]]
        if not places or name in without or (relative and name == ORACLE):
            continue
        values, bars = np.array([means[place][name] for place in places]).T
        if relative:  # the samples differ more than the methods: bars of the paired difference
            scale = np.array([means[place][ORACLE][0] for place in places])
            paired = np.array([excess(same[place], name, ORACLE) for place in places])
            values, bars = 1 + paired[:, 0] / scale, paired[:, 1] / scale
        axis.errorbar(places, values, yerr=bars, ms=3.5, elinewidth=0.7, **{"capsize": 0, **style})


if __name__ == "__main__":
    _rows = rows_on_file("robust_mean")
    for _draw, _name in (
        (draw_contamination, "robust_mean_contamination"),
        (draw_sizes, "robust_mean_sizes"),
        (draw_hidden, "robust_mean_hidden"),
        (draw_rate, "robust_mean_rate"),
        (draw_data, "robust_mean_data"),
        (draw_fit, "robust_mean_fit"),
    ):
        save(_draw(_rows), _name)
