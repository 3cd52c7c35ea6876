"""Proved bound against true error of the moment filter, a point for each contaminated sample."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from experiments.robust_bound import ADVERSARIES
from experiments.runner import Row
from paper_figures.style import COLOURS, COLUMN, GREY, figure, rows_on_file, save

__all__ = ["draw"]

_NAMES = {"two_clusters": "two clusters", "dkk": "DKK mixture", "far": "far points", "hidden": "hidden cluster"}
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")


def draw(rows: list[Row]) -> Figure:
    """Errors below the diagonal would be violations; samples without an error to speak of stand at the left edge."""
    fig = figure(COLUMN, 3.9)
    axis = fig.subplots()
    least = 3e-3
    colours = [*COLOURS.values(), GREY, "#8C510A"]
    for adversary, marker, colour in zip(ADVERSARIES, _MARKERS, colours, strict=True):
        same = [row for row in rows if row["adversary"] == adversary]
        axis.plot(
            [max(row["filter_error"], least) for row in same],
            [row["filter_bound"] for row in same],
            marker,
            color=colour,
            ms=2.8,
            alpha=0.75,
            mew=0,
            label=_NAMES.get(adversary, adversary),
        )
    bounds = [row["filter_bound"] for row in rows if np.isfinite(row["filter_bound"])]
    ends = [least, max(bounds) * 1.3]
    axis.plot(ends, ends, color=GREY, lw=0.9)
    axis.text(0.05, 0.03, "error = bound", color=GREY, fontsize=7, rotation=33)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlabel("distance of the estimate from the inliers' mean\n(deviations; left edge: 0.003 or less)")
    axis.set_ylabel("proved bound on that distance")
    axis.set_title(f"{len(rows)} samples, no bound violated", loc="left")
    fig.legend(loc="outside lower center", ncols=3, title="adversary", title_fontsize=7.5)
    return fig


def _drawable(rows: list[Row]) -> list[Row]:
    violated = [row for row in rows if row["filter_error"] > row["filter_bound"]]
    if violated:
        raise SystemExit(f"{len(violated)} bounds are violated: the title of the figure would be wrong.")
    return rows


if __name__ == "__main__":
    save(draw(_drawable(rows_on_file("robust_bound"))), "robust_bound")
