"""Proved bound against the worst error found of the moment filter, a point for each sample."""

from __future__ import annotations

from matplotlib.figure import Figure

from experiments.robust_bound import samples, violations
from experiments.runner import Row
from experiments.tables import OUTLIERS
from hypernorm.datasets import ADVERSARIES
from paper_figures.style import COLOURS, COLUMN, GREY, figure, rows_on_file, save

__all__ = ["draw"]

_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")
_LEAST = 3e-3


def draw(rows: list[Row]) -> Figure:
    """Points below the diagonal would be violations; hollow ones are errors against the inliers as drawn."""
    fig = figure(COLUMN, 3.9)
    axis = fig.subplots()
    colours = [*COLOURS.values(), GREY, "#8C510A", "#01665E"]
    groups: dict[str, list[Row]] = {}
    for row in samples(rows):
        groups.setdefault(row["adversary"] if row.get("adversary") in ADVERSARIES else "others", []).append(row)
    for (name, same), marker, colour in zip(groups.items(), _MARKERS, colours, strict=False):
        for error, fill in (("worst", colour), ("error", "none")):
            axis.plot(
                [max(row["filter"][error], _LEAST) for row in same],
                [row["filter"]["bound"] for row in same],
                marker,
                color=colour,
                markerfacecolor=fill,
                ms=2.8,
                alpha=0.6,
                mew=0 if fill == colour else 0.5,
                label=OUTLIERS.get(name, name) if fill == colour else None,
            )
    bounds = [row["filter"]["bound"] for row in samples(rows)]
    ends = [_LEAST, max(bounds) * 1.3]
    axis.plot(ends, ends, color=GREY, lw=0.9)
    axis.text(0.05, 0.03, "error = bound", color=GREY, fontsize=7, rotation=33)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlabel("distance of the estimate from the inliers' mean\n(hollow: as drawn, left edge: 0.003 or less)")
    axis.set_ylabel("proved bound on that distance")
    axis.set_title(f"{len(bounds)} samples, no bound violated", loc="left")
    fig.legend(loc="outside lower center", ncols=3, title="adversary", title_fontsize=7.5)
    return fig


def _drawable(rows: list[Row]) -> list[Row]:
    violated = violations(rows)["without premise"]
    if violated:
        raise SystemExit(f"{violated} bounds are violated: the title of the figure would be wrong.")
    return rows


if __name__ == "__main__":
    save(draw(_drawable(rows_on_file("robust_bound"))), "robust_bound")
