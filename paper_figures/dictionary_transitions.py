"""Errors of ℓp-norm maximisation against samples, sparsity and noise, outliers and corruption."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from experiments.dictionary_transitions import (
    COARSE_SUCCESS,
    PUBLISHED_SAMPLES,
    SPOILS,
    SUCCESS,
    THETA,
    groups,
    median,
    predicted_error,
)
from experiments.runner import Row
from paper_figures.style import COLOURS, COLUMN, GREY, MARKERS, PAGE, figure, rows_on_file, save

__all__ = ["draw_plane", "draw_samples", "draw_spoils"]

_COLOURS = {
    2.5: COLOURS["vermilion"],
    3: COLOURS["blue"],
    4: COLOURS["orange"],
    5: COLOURS["green"],
    6: COLOURS["purple"],
}
_MARKERS = dict(zip(_COLOURS, MARKERS, strict=True))
_PLAIN = FuncFormatter(lambda value, _: f"{value:g}")
_PUBLISHED = {"marker": "*", "ms": 10, "mec": "black", "mew": 0.6}
_LEVELS = (0.3, 1, 3)
_ERROR = "error 1 − ‖AD₀‖₄⁴/n (%)"


def draw_samples(rows: list[Row]) -> Figure:
    """Draw the error against the number of samples for each exponent, with the predictions."""
    fig = figure(PAGE, 3.6)
    parts = groups(rows, "samples", "n")
    axes = fig.subplots(1, len(parts), sharex=True, sharey=True, squeeze=False)[0]
    for axis, ((n,), part) in zip(axes, sorted(parts.items()), strict=True):
        axis.set_title(f"n = {n} atoms, θ = {THETA}, no noise")
        for p, colour in _COLOURS.items():
            cells = sorted(groups([row for row in part if row["p"] == p], "samples", "r").items())
            sizes = [r for (r,), _ in cells]
            errors = [[100 * row["error"] for row in same] for _, same in cells]
            axis.plot(sizes, np.median(errors, axis=1), color=colour, marker=_MARKERS[p], ms=3)
            axis.fill_between(sizes, np.min(errors, axis=1), np.max(errors, axis=1), color=colour, alpha=0.2, lw=0)
            # The closed form is of first order and not valid for errors above a tenth.
            predicted = [(r, 100 * error) for r in sizes if (error := predicted_error(int(n), r, THETA, p)) < 0.1]
            axis.plot(*zip(*predicted, strict=True), color=colour, ls="--", lw=0.9)
            if p in PUBLISHED_SAMPLES:
                # At the middle of the transition, where the curves for n = 50 have these numbers of samples.
                axis.plot(PUBLISHED_SAMPLES[p], 100 * COARSE_SUCCESS, color=colour, zorder=3, **_PUBLISHED)
        axis.axhline(100 * SUCCESS, color="black", lw=0.8, ls=":")
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.yaxis.set_major_formatter(_PLAIN)
        axis.set_xlabel("number of samples r")
    axes[0].set_ylim(0.3, 120)
    axes[0].set_ylabel(_ERROR)
    handles = [
        Line2D([], [], color=colour, marker=_MARKERS[p], ms=3, label=f"p = {p:g}") for p, colour in _COLOURS.items()
    ]
    handles += [
        Patch(color=GREY, alpha=0.4, lw=0, label="median, range of seeds"),
        Line2D([], [], color=GREY, ls="--", lw=0.9, label="predicted"),
        Line2D([], [], color="black", lw=0.8, ls=":", label=f"success: error below {SUCCESS:.0%}"),
        Line2D([], [], color=GREY, ls="", **_PUBLISHED, label="published threshold (n, θ not given), at 50%"),
    ]
    fig.legend(handles=handles, loc="outside lower center", ncols=4)
    return fig


def draw_plane(rows: list[Row]) -> Figure:
    """Draw the median error over sparsity and noise, with its contours and those of the closed form, in per cent."""
    fig = figure(COLUMN * 1.4, 3.4)
    axis = fig.subplots()
    cells = groups(rows, "plane", "theta", "noise")
    thetas = sorted({theta for theta, _ in cells})
    noises = sorted({noise for _, noise in cells})
    errors = [[100 * median(cells[theta, noise]) for theta in thetas] for noise in noises]
    colours = {"norm": LogNorm(0.1, 100), "cmap": "YlOrRd", "shading": "nearest"}
    image = axis.pcolormesh(range(len(thetas)), range(len(noises)), errors, **colours)
    first = next(iter(cells.values()))[0]
    # The sparsities are not equidistant; between them the predicted contours use interpolated values.
    places = np.linspace(0, len(thetas) - 1, 80), np.linspace(0, len(noises) - 1, 80)
    fine = (
        np.interp(place, range(len(values)), values) for place, values in zip(places, (thetas, noises), strict=True)
    )
    columns, lines = (list(values) for values in fine)
    predicted = [
        [100 * predicted_error(first["n"], first["r"], theta, first["p"], noise=noise) for theta in columns]
        for noise in lines
    ]
    measured = axis.contour(errors, levels=_LEVELS, colors="black", linewidths=1.2)
    axis.clabel(measured, fmt=lambda level: f"{level:g}%", fontsize=7.5)
    axis.contour(*places, predicted, levels=_LEVELS, colors=COLOURS["blue"], linewidths=1.4, linestyles="--")
    axis.set_xticks(range(len(thetas)), [f"{theta:g}" for theta in thetas])
    axis.set_yticks(range(len(noises)), [f"{noise:g}" for noise in noises])
    axis.grid(False)
    axis.set_xlabel("fraction of codes that are not zero")
    axis.set_ylabel("noise (the codes have deviation 1)")
    axis.set_title(f"Error of a learned dictionary: {first['n']} atoms,\n{first['r']:,} samples, p = {first['p']:g}")
    handles = [
        Line2D([], [], color="black", lw=1.2, label="measured"),
        Line2D([], [], color=COLOURS["blue"], lw=1.4, ls="--", label="predicted"),
    ]
    fig.legend(handles=handles, loc="outside lower center", ncols=2, title="lines of equal error")
    bar = fig.colorbar(image, ax=axis, label="measured error (%)")
    bar.ax.yaxis.set_major_formatter(_PLAIN)
    return fig


def draw_spoils(rows: list[Row]) -> Figure:
    """Draw the error with noise, outliers and corruption for each exponent, with the predictions."""
    fig = figure(PAGE, 2.9)
    axis = fig.subplots()
    cells = groups(rows, "spoils", "noise", "outliers", "corruption", "p")
    exponents = sorted({p for *_, p in cells})
    for place, p in enumerate(exponents):
        offsets = np.arange(len(SPOILS)) + 0.17 * (place - (len(exponents) - 1) / 2)
        errors = [[100 * row["error"] for row in cells[(*spoil, p)]] for spoil in SPOILS.values()]
        predicted = [100 * cells[(*spoil, p)][0]["predicted"] for spoil in SPOILS.values()]
        axis.hlines(predicted, offsets - 0.08, offsets + 0.08, color="black", lw=1.2)
        medians = np.median(errors, axis=1)
        bars = [medians - np.min(errors, axis=1), np.max(errors, axis=1) - medians]
        axis.errorbar(offsets, medians, yerr=bars, color=_COLOURS[p], marker=_MARKERS[p], ls="", label=f"p = {p:g}")
    axis.set_yscale("log")
    axis.yaxis.set_major_formatter(_PLAIN)
    axis.set_xticks(range(len(SPOILS)), [name.replace(" ", "\n", 1) for name in SPOILS])
    axis.grid(False, axis="x")
    axis.set_ylabel(_ERROR)
    first = next(iter(cells.values()))[0]
    axis.set_title(f"n = {first['n']}, r = {first['r']} samples, θ = {THETA}; median and range of seeds")
    handles, labels = axis.get_legend_handles_labels()
    handles.append(Line2D([], [], color="black", lw=1.2))
    fig.legend(handles, [*labels, "predicted"], loc="outside lower center", ncols=len(handles))
    return fig


if __name__ == "__main__":
    trials = rows_on_file("dictionary_transitions")
    save(draw_samples(trials), "dictionary_samples")
    save(draw_plane(trials), "dictionary_plane")
    save(draw_spoils(trials), "dictionary_spoils")
