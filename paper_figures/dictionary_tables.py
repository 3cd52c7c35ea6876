"""The two tables of the ℓp paper as figures: measured, predicted and published errors and times."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from experiments.dictionary_tables import (
    PUBLISHED_NOISELESS,
    PUBLISHED_NOISY,
    PUBLISHED_PEERS_NOISELESS,
    PUBLISHED_PEERS_NOISY,
    group,
    median,
)
from experiments.runner import Row
from hypernorm.dictionary import expected_error
from paper_figures.style import COLOURS, GREY, MARKERS, PAGE, figure, label_line, rows_on_file, save

__all__ = ["draw_noiseless", "draw_noisy"]

_COLOURS = {3: COLOURS["blue"], 4: COLOURS["orange"], 5: COLOURS["green"]}
_K_SVD = {"marker": "x", "ls": ":"}
_RTR = {"marker": "+", "ls": "--", "ms": 6}
_MARKERS = dict(zip(_COLOURS, MARKERS, strict=False))


def draw_noiseless(rows: list[Row]) -> Figure:
    """Draw Table 1: error and time against the dimension, for both sparsities."""
    fig = figure(PAGE, 4.9)
    axes = fig.subplots(2, 2, sharex=True, sharey="row")
    groups = group(rows, 1)
    dimensions = sorted({n for n, _, _, _ in groups})
    for column, theta in enumerate(sorted({theta for _, theta, _, _ in groups})):
        errors, times = axes[0, column], axes[1, column]
        errors.set_title(f"θ = {theta}, no noise, r = 400 n samples")
        for p, colour in _COLOURS.items():
            same = [groups[n, theta, 0.0, p] for n in dimensions]
            style = {"color": colour, "marker": _MARKERS[p]}
            errors.plot(dimensions, [100 * group[0]["predicted"] for group in same], color=colour)
            _points(errors, dimensions, [[100 * row["error"] for row in group] for group in same], style)
            published = [PUBLISHED_NOISELESS[n, theta][p] for n in dimensions]
            # Published points are shifted sideways, so that equal values do not overlap.
            aside = [1.07 * n for n in dimensions]
            errors.plot(aside, [entry.error for entry in published], **style, mfc="white", ls="")
            _points(times, dimensions, [[row["seconds"] for row in group] for group in same], style)
            times.plot(dimensions, [median(group, "product_seconds") for group in same], color=colour)
            times.plot(aside, [entry.seconds for entry in published], **style, mfc="white", ls="")
        peers = [PUBLISHED_PEERS_NOISELESS[n, theta]["K-SVD"] for n in dimensions]
        errors.plot(dimensions, [peer.error for peer in peers], color=GREY, **_K_SVD)
        times.plot(dimensions, [peer.seconds for peer in peers], color=GREY, **_K_SVD)
        for axis in (errors, times):
            axis.set_xscale("log")
            axis.set_yscale("log")
            axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.label_outer()
        times.xaxis.set_major_locator(FixedLocator(dimensions))
        times.xaxis.set_minor_locator(NullLocator())
        times.set_xlim(85, 500)
        times.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        times.set_xlabel("dimension n = number of atoms")
    axes[0, 0].set_ylabel("error 1 − ‖AD₀‖₄⁴/n (%)")
    axes[1, 0].set_ylabel("time of a fit (s)")
    _legend(fig, "predicted error; time of the matrix products alone", "K-SVD, published")
    return fig


def draw_noisy(rows: list[Row]) -> Figure:
    """Draw Table 2: error against the standard deviation of the noise, for both dimensions."""
    fig = figure(PAGE, 3.6)
    groups = group(rows, 2)
    dimensions = sorted({n for n, _, _, _ in groups})
    axes = fig.subplots(1, len(dimensions), sharey=True, squeeze=False)[0]
    levels = np.linspace(0, 0.65, 66)
    for axis, n in zip(axes, dimensions, strict=True):
        noises = [noise for other, _, noise, p in groups if other == n and p == 3]
        r = groups[n, 0.3, 0.0, 3][0]["r"]
        axis.set_title(f"{n} atoms, {r:,} samples")
        for p in (3, 4):
            style = {"color": _COLOURS[p], "marker": _MARKERS[p]}
            predicted = [100 * expected_error(n, r, 0.3, p, noise=noise) for noise in levels]
            axis.plot(levels, predicted, color=_COLOURS[p])
            same = [[100 * row["error"] for row in groups[n, 0.3, noise, p]] for noise in noises]
            _points(axis, noises, same, style)
            published = [PUBLISHED_NOISY[n, noise][p].error for noise in noises]
            # Published points are shifted sideways, so that equal values do not overlap.
            axis.plot([noise + 0.022 for noise in noises], published, **style, mfc="white", ls="")
            label_line(axis, f"p = {p}", (levels[-1], predicted[-1]), (5, 3 * (p - 3.5)), color=_COLOURS[p])
        for name, style in (("ℓ1-RTR", _RTR), ("K-SVD", _K_SVD)):
            known = [noise for noise in noises if name in PUBLISHED_PEERS_NOISY.get((n, noise), {})]
            values = [PUBLISHED_PEERS_NOISY[n, noise][name].error for noise in known]
            axis.plot(known, values, color=GREY, **style)
            label_line(axis, name, (known[0], values[0]), (6, 7 if name == "K-SVD" else -5), color=GREY)
        axis.set_yscale("log")
        axis.set_xlim(-0.03, 0.76)
        axis.set_ylim(0.03, 100)
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}%"))
        axis.set_xlabel("noise (the codes have deviation 1)")
    axes[0].set_ylabel("error of the dictionary")
    black = {"color": "black", "marker": "o", "ls": ""}
    handles = [
        Line2D([], [], color="black", label="predicted by the formula"),
        Line2D([], [], **black, label="measured"),
        Line2D([], [], **black, mfc="white", label="published (Shen et al. 2020), drawn aside"),
        Line2D([], [], color=GREY, ls="--", label="other methods, published"),
    ]
    fig.legend(handles=handles, loc="outside lower center", ncols=2)
    return fig


def _points(axis: Axes, places: list, groups: list[list[float]], style: dict) -> None:
    """Draw medians with bars from the smallest to the largest value over the seeds."""
    medians = np.array([np.median(values) for values in groups])
    bars = np.abs([[min(values) for values in groups] - medians, [max(values) for values in groups] - medians])
    axis.errorbar(places, medians, yerr=bars, **style, ls="")


def _legend(fig: Figure, line: str, peer: str) -> None:
    handles = [Line2D([], [], color=_COLOURS[p], marker=_MARKERS[p], ls="", label=f"p = {p}") for p in _COLOURS]
    handles += [
        Line2D([], [], color="black", marker="o", ls="", label="measured (median; bar: range of seeds)"),
        Line2D(
            [], [], color="black", marker="o", mfc="white", ls="", label="published, Shen et al. 2020 (drawn aside)"
        ),
        Line2D([], [], color="black", label=line),
        Line2D([], [], color=GREY, **_K_SVD, label=peer),
    ]
    fig.legend(handles=handles, loc="outside lower center", ncols=3)


if __name__ == "__main__":
    trials = rows_on_file("dictionary_tables")
    save(draw_noiseless(trials), "dictionary_table_1")
    save(draw_noisy(trials), "dictionary_table_2")
