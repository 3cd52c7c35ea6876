"""Upper bounds on the 2→q norm against q: the largest measured ratios, with the proved factors."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

import hypernorm as hn
from experiments.other_exponents import compare
from experiments.runner import Row
from paper_figures.style import COLOURS, GREY, PAGE, figure, rows_on_file, save

__all__ = ["draw"]

_STYLES = {
    "row_norm": {"color": GREY, "marker": "o"},
    "flattening": {"color": COLOURS["orange"], "marker": "s"},
    "moment": {"color": COLOURS["purple"], "marker": "v"},
    "realigned": {"color": COLOURS["blue"], "marker": "^"},
    "sos": {"color": COLOURS["vermilion"], "marker": "D"},
    "interpolated": {"color": COLOURS["green"], "marker": "x"},
}
_LABELS = {
    "row_norm": "row norm",
    "sos": "sum of squares (degree 4 or q)",
    "interpolated": "between sums of squares at 2, 4, 6, 8",
}


def draw(rows: list[Row]) -> Figure:
    """A panel for each number of columns."""
    compared = compare(rows)
    dimensions = sorted({row["d"] for row in rows})
    fig = figure(PAGE, 3.7)
    axes = fig.subplots(1, len(dimensions), sharey=True)
    for axis, d in zip(axes, dimensions, strict=True):
        for kind, style in _STYLES.items():
            exponents = sorted({q for size, q, name in compared if (size, name) == (d, kind)})
            values = [compared[d, q, kind] for q in exponents]
            axis.plot(exponents, [max(ratios) for ratios in values], **style, ms=3, lw=1)
        fine = np.linspace(2.01, 8, 60)
        axis.plot(fine, [hn.approximation_factor(d, q, "row_norm") for q in fine], color="black", lw=1, ls=":")
        axis.plot(fine, [hn.approximation_factor(d, q, "realigned") for q in fine], color="black", lw=1)
        axis.set_yscale("log")
        axis.set_title(f"d = {d}, n = {4 * d}")
        axis.set_xlabel("exponent q")
        axis.xaxis.set_major_locator(FixedLocator([2, 3, 4, 5, 6, 7, 8]))
        axis.yaxis.set_major_locator(FixedLocator([1, 1.1, 1.2, 1.3, 1.5, 2, 3]))
        axis.yaxis.set_minor_locator(NullLocator())
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes[0].set_ylabel("upper bound / lower bound")
    handles = [Line2D([], [], **style, ms=4, label=_LABELS.get(kind, kind)) for kind, style in _STYLES.items()]
    handles += [
        Line2D([], [], color="black", ls=":", lw=1, label="proved, row norm and flattening"),
        Line2D([], [], color="black", lw=1, label="proved, realigned"),
    ]
    families, seeds = len({row["family"] for row in rows}), len({row["seed"] for row in rows})
    fig.legend(
        handles=handles,
        loc="outside lower center",
        ncols=3,
        title=f"largest ratios of {families} families × {seeds} seeds",
    )
    return fig


if __name__ == "__main__":
    save(draw(rows_on_file("other_exponents")), "other_exponents")
