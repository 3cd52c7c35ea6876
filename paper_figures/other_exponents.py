"""Upper bounds on the 2→q norm against q, for random matrices and embeddings, with the proved factors."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

import hypernorm as hn
from experiments.other_exponents import FAMILIES, WORST, compare, split
from experiments.runner import Row
from paper_figures.style import COLOURS, GREY, PAGE, figure, rows_on_file, save

__all__ = ["draw"]

_STYLES = {
    "row_norm": {"color": GREY, "marker": "o"},
    "flattening": {"color": COLOURS["orange"], "marker": "s"},
    "moment": {"color": COLOURS["purple"], "marker": "v"},
    "realigned": {"color": COLOURS["blue"], "marker": "^"},
    "sos": {"color": COLOURS["vermilion"], "marker": "D"},
    "touching": {"color": COLOURS["sky"], "marker": "P"},
    "interpolated": {"color": COLOURS["green"], "marker": "x"},
}
_LABELS = {
    "row_norm": "row norm",
    "sos": "sum of squares (degree 4 or q)",
    "touching": "touching points (d = 10, 20)",
    "interpolated": "between sums of squares at 2, 4, 6, 8",
}


def draw(rows: list[Row]) -> Figure:
    """Draw one column of panels for each number of columns: random matrices above, embeddings below."""
    groups = split(rows)
    dimensions = sorted({row["d"] for row in rows})
    fig = figure(PAGE, 5.6)
    axes = fig.subplots(2, len(dimensions), sharex=True, sharey=True)
    families, seeds = len({row["family"] for row in groups["random"]}), len({row["seed"] for row in groups["random"]})
    names = {"random": "random matrices", WORST: WORST}
    for line, (name, title) in zip(axes, names.items(), strict=True):
        compared = compare(groups[name])
        for axis, d in zip(line, dimensions, strict=True):
            _panel(axis, compared, d)
            sizes = {len(FAMILIES[row["family"]](d, 0)) for row in groups[name] if row["d"] == d}
            axis.set_title(f"d = {d}" + "".join(f", n = {n}" for n in sizes))
        line[0].set_ylabel(f"{title}\nupper bound / lower bound")
    for axis in axes[-1]:
        axis.set_xlabel("exponent q")
    handles = [Line2D([], [], **style, ms=4, label=_LABELS.get(kind, kind)) for kind, style in _STYLES.items()]
    handles += [
        Line2D([], [], color="black", ls=":", lw=1, label="proved, row norm and flattening"),
        Line2D([], [], color="black", lw=1, label=r"proved, realigned ($d^{1/8}$ at $q = 4$)"),
    ]
    title = f"random matrices: the largest ratios of {families} families × {seeds} seeds"
    fig.legend(handles=handles, loc="outside lower center", ncols=3, title=title)
    return fig


def _panel(axis: Axes, compared: dict[tuple[int, float, str], list[float]], d: int) -> None:
    for kind, style in _STYLES.items():
        exponents = sorted({q for size, q, name in compared if (size, name) == (d, kind)})
        axis.plot(exponents, [max(compared[d, q, kind]) for q in exponents], **style, ms=3, lw=1)
    fine = np.linspace(2.01, 8, 200)
    axis.plot(fine, [hn.approximation_factor(d, q, "row_norm") for q in fine], color="black", lw=1, ls=":")
    axis.plot(fine, [hn.approximation_factor(d, q, "realigned") for q in fine], color="black", lw=1)
    axis.set_yscale("log")
    axis.xaxis.set_major_locator(FixedLocator([2, 3, 4, 5, 6, 7, 8]))
    axis.yaxis.set_major_locator(FixedLocator([1, 1.1, 1.2, 1.3, 1.5, 2, 3]))
    axis.yaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


if __name__ == "__main__":
    save(draw(rows_on_file("other_exponents")), "other_exponents")
