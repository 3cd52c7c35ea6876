"""Exactness of degree 4, and the fraction of random starts of the power method that find the same vector."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from experiments.runner import Row
from experiments.sos_exactness import EXACT, FAMILIES, KNOWN_GAPS, STARTS, STRUCTURED
from paper_figures.style import COLOURS, GREY, PAGE, figure, rows_on_file, save

__all__ = ["draw"]

_COLOURS = {5: COLOURS["sky"], 10: COLOURS["green"], 20: COLOURS["blue"], 40: COLOURS["vermilion"]}
_MARKERS = {5: "o", 10: "s", 20: "^", 40: "D"}
_FLOOR = 1e-9


def draw(rows: list[Row]) -> Figure:
    """Draw gaps on the left and random starts on the right, with a line of points for each family."""
    fig = figure(PAGE, 4.8)
    left, right = fig.subplots(1, 2, sharey=True)
    names = [*FAMILIES, "structured", "made to have a gap"]
    for row in rows:
        name = row["family"]
        row["place"] = names.index(
            "structured" if name in STRUCTURED else "made to have a gap" if name in KNOWN_GAPS else name
        )
    _gaps(left, rows)
    _starts(right, [row for row in rows if row["family"] in FAMILIES])
    for axis in (left, right):
        for place in range(1, len(names)):
            axis.axhline(place - 0.5, color="#DDDDDD", lw=0.5, zorder=0)
    left.set_yticks(range(len(names)), [_label(name, rows, place) for place, name in enumerate(names)])
    left.tick_params(axis="y", length=0)
    left.set_ylim(len(names) - 0.5, -0.5)
    handles = [
        Line2D([], [], ls="", marker=_MARKERS[d], ms=5, color=colour, label=f"{d} columns")
        for d, colour in _COLOURS.items()
    ]
    handles += [
        Line2D([], [], ls="", marker="P", ms=4, color="black", label="other sizes"),
        Line2D([], [], ls="-", lw=0.7, marker="<", ms=4, color="black", label="the same with degree 6"),
        Line2D([], [], ls=":", lw=0.9, marker="<", ms=4, color="black", label="the same, solved by SCS"),
    ]
    fig.legend(handles=handles, loc="outside lower center", ncols=4)
    return fig


def _label(name: str, rows: list[Row], place: int) -> str:
    same = [row for row in rows if row["place"] == place]
    return f"{name}\nexact: {sum(row['exact'] for row in same)} of {len(same)}"


def _gaps(axis: Axes, rows: list[Row]) -> None:
    rng = np.random.default_rng(0)
    axis.axvspan(_FLOOR / 1.5, EXACT, color=COLOURS["green"], alpha=0.12, lw=0)
    for row in rows:
        colour = _COLOURS.get(row["d"], "black")
        marker = _MARKERS.get(row["d"], "P")
        height = row["place"] + rng.uniform(-0.3, 0.3)
        size = 2.5 if row["d"] and row["exact"] else 5
        axis.plot(max(row["gap"], _FLOOR), height, ls="", marker=marker, ms=size, mew=0, color=colour, alpha=0.8)
        for gap, line in ((row["conic_gap"], ":"), (row["degree_six_gap"], "-")):
            if gap is not None and gap < row["gap"] / 2:
                end = max(gap, _FLOOR)
                axis.plot([end, row["gap"]], [height] * 2, color=colour, lw=0.9, ls=line)
                axis.plot(end, height, ls="", marker="<", ms=4, color=colour)
    for text, side, place in (("both bounds meet", "right", EXACT / 1.3), ("a gap is left", "left", 1.3 * EXACT)):
        axis.text(
            place, -0.53, text, ha=side, va="bottom", fontsize=7, color=COLOURS["green"] if side == "right" else GREY
        )
    axis.set_xscale("log")
    axis.set_xlim(_FLOOR / 1.5, 3e-2)
    axis.set_xlabel("relative gap between the two proved bounds")
    axis.set_title("sum of squares of degree 4: is it exact?", pad=14)
    axis.grid(False, axis="y")


def _starts(axis: Axes, rows: list[Row]) -> None:
    for d, colour in _COLOURS.items():
        for place in sorted({row["place"] for row in rows}):
            same = [row for row in rows if (row["place"], row["d"]) == (place, d)]
            if not same:
                continue
            shares = np.array([row["hits"] for row in same]) / STARTS
            height = place + 0.2 * (list(_COLOURS).index(d) - 1.5)
            axis.plot(shares, [height] * len(same), ls="", marker=_MARKERS[d], ms=2, mew=0, color=colour, alpha=0.5)
            axis.plot(np.median(shares), height, ls="", marker=_MARKERS[d], ms=5, color=colour)
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(FixedLocator([0.003, 0.01, 0.03, 0.1, 0.3, 1]))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g}%"))
    axis.set_xlim(max(min(row["hits"] for row in rows), 1) / STARTS / 1.3, 1.3)
    axis.set_xlabel(f"share of {STARTS} random starts\n(small: one matrix, large: median)")
    axis.set_title("starts of the power method that find the norm", pad=14)
    axis.tick_params(axis="y", length=0)
    axis.grid(False, axis="y")


if __name__ == "__main__":
    save(draw(rows_on_file("sos_exactness")), "sos_exactness")
