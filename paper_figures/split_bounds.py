"""The split bound beside the realigned bound and the limit of all splits, against the number of columns."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from experiments.runner import Row
from experiments.split_bounds import RANDOM
from paper_figures.style import COLOURS, GREY, MARKERS, PAGE, figure, rows_on_file, save

__all__ = ["draw"]

_COLOURS = dict(zip(RANDOM, ("blue", "vermilion", "purple", "green"), strict=True))
_KINDS = {"realigned": {"ls": "--"}, "split": {"ls": "-"}, "limit": {"ls": ""}}
_FLOOR = 1e-7  # of the axis: smaller gaps are drawn here


def draw(rows: list[Row]) -> Figure:
    """Draw the gaps on the left and the seconds on the right, for n = 4d rows and the largest value of the seeds."""
    fig = figure(PAGE, 3.4)
    left, right = fig.subplots(1, 2, width_ratios=(1.4, 1))
    random = [row for row in rows if row["family"] in RANDOM and row["n"] == 4 * row["columns"]]
    for (family, colour), marker in zip(_COLOURS.items(), MARKERS, strict=False):
        same = [row for row in random if row["family"] == family]
        for kind, style in _KINDS.items():
            places = sorted({row["columns"] for row in same if row[kind]})
            gaps = [max(row[kind] - 1 for row in same if row["columns"] == d) for d in places]
            mark = {"marker": "_", "ms": 11, "mew": 1.6} if kind == "limit" else {"marker": marker, "ms": 3.5}
            visible = [
                (d, max(gap, _FLOOR)) for d, gap in zip(places, gaps, strict=True) if kind != "limit" or gap > 1e-5
            ]
            left.plot(
                *zip(*visible, strict=True) if visible else ([], []), color=COLOURS[colour], lw=1, **mark, **style
            )
    left.set_yscale("log")
    left.set_ylim(_FLOOR / 1.5, 1)
    left.set_ylabel("proved bound / best vector − 1")
    left.set_title("how far the bounds are from the norm, n = 4d rows")
    handles = [
        Line2D([], [], color=COLOURS[colour], marker=marker, ms=3.5, lw=0, label=family)
        for (family, colour), marker in zip(_COLOURS.items(), MARKERS, strict=False)
    ]
    handles += [
        Line2D([], [], color=GREY, ls="--", label="realigned bound"),
        Line2D([], [], color=GREY, ls="-", label="split bound"),
        Line2D([], [], color=GREY, marker="_", ms=11, mew=1.6, lw=0, label="no split is below"),
    ]
    fig.legend(handles=handles, loc="outside lower center", ncols=4)
    for kind, colour in (("realigned", GREY), ("split", "black")):
        right.plot(
            [row["columns"] for row in random],
            [row[f"{kind}_seconds"] for row in random],
            ls="",
            marker="o",
            ms=3,
            color=colour,
            label=f"{kind}: found and proved",
        )
    right.plot(
        [row["columns"] for row in random],
        [row["split_verification"] for row in random],
        ls="",
        marker="x",
        ms=3.5,
        color=COLOURS["sky"],
        label="split: verified",
    )
    right.set_yscale("log")
    right.set_ylim(top=5000)  # room for the legend
    right.set_ylabel("seconds")
    right.set_title("time")
    right.legend(loc="upper left")
    for axis in (left, right):
        _columns(axis, sorted({row["columns"] for row in random}))
    return fig


def _columns(axis: Axes, places: list[int]) -> None:
    axis.set_xscale("log")
    axis.set_xlabel("columns d")
    axis.xaxis.set_major_locator(FixedLocator(places))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


if __name__ == "__main__":
    save(draw(rows_on_file("split_bounds")), "split_bounds")
