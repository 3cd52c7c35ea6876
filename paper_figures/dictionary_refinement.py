"""Errors of every refinement against the noise, one panel for each condition of the dictionary."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from experiments.dictionary_refinement import ALTERNATIVES, PICARD, cells
from experiments.runner import Row
from paper_figures.style import COLOURS, GREY, MARKERS, PAGE, figure, rows_on_file, save

__all__ = ["draw"]

_THETA = 0.1
_NAMES = {
    "none": "no refinement",
    "l1": "ℓ1",
    "likelihood": "likelihood",
    "auto": "auto",
    PICARD: "Picard, ortho=False",
}


def draw(rows: list[Row]) -> Figure:
    """Draw the errors for the largest number of samples, relative to the best alternative to "auto"."""
    fig = figure(PAGE, 3.0)
    largest = max(row["r"] for row in rows)
    chosen = [row for row in cells(rows) if row["r"] == largest and row["theta"] == _THETA and row["noise"] > 0]
    conditions = sorted({row["condition"] for row in chosen})
    axes = fig.subplots(1, len(conditions), sharey=True, squeeze=False)[0]
    colours = [*list(COLOURS.values())[:4], GREY]
    for axis, condition in zip(axes, conditions, strict=True):
        same = [row for row in chosen if row["condition"] == condition]
        noise = [row["noise"] for row in same]
        best = np.array([min(row[name] for name in ALTERNATIVES) for row in same])
        for (name, label), colour, marker in zip(_NAMES.items(), colours, MARKERS, strict=True):
            axis.plot(noise, [row[name] for row in same] / best, color=colour, marker=marker, label=label)
        axis.set_title(f"condition {condition}, θ = {_THETA}, r = {largest}")
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_xlabel("standard deviation of the noise")
    axes[0].set_ylabel("error over that of the best alternative")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(_NAMES))
    return fig


if __name__ == "__main__":
    save(draw(rows_on_file("dictionary_refinement")), "dictionary_refinement")
