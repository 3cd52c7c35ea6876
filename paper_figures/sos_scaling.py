"""Time and memory of sum-of-squares certificates: the structured solver, SCS and Clarabel, with their failures."""

from __future__ import annotations

import re

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from experiments.runner import Row
from experiments.sos_scaling import LIMIT_GIGABYTES, gram_gigabytes, medians, memory, schur_gigabytes, times
from paper_figures.style import COLOURS, GREY, PAGE, figure, save

__all__ = ["draw"]

_STYLES = {
    "hypernorm": {"color": COLOURS["blue"], "marker": "o"},
    "SCS": {"color": COLOURS["vermilion"], "marker": "s"},
    "Clarabel": {"color": COLOURS["green"], "marker": "^"},
}
_LABELS = {"hypernorm": "hypernorm: search, solve, proof", "SCS": "SCS: solve", "Clarabel": "Clarabel: solve"}
_DIMENSIONS = (5, 10, 20, 40, 60, 100)


def draw(rows: list[Row], peaks: list[Row]) -> Figure:
    """Draw times on the left and memory on the right."""
    fig = figure(PAGE, 3.1)
    left, right = fig.subplots(1, 2)
    _times(left, rows)
    _memory(right, peaks)
    return fig


def _times(axis: Axes, rows: list[Row]) -> None:
    middle = medians(rows)
    for solver, style in _STYLES.items():
        same = [row for row in rows if row["solver"] == solver]
        done = [row for row in same if "seconds" in row]
        axis.plot([row["d"] for row in done], [row["seconds"] for row in done], ls="", ms=3, mew=0, alpha=0.5, **style)
        line = [(d, value) for (name, d), value in middle.items() if name == solver]
        axis.plot(*zip(*line, strict=True), color=style["color"], lw=1)
        late = [row for row in same if re.match("time-out", row.get("ended", ""))]
        axis.plot(
            [row["d"] for row in late], [row["limit"] for row in late], ls="", marker="$↑$", ms=8, color=style["color"]
        )
        killed = [row for row in same if "ended" in row and row not in late]
        axis.plot([row["d"] for row in killed], [900] * len(killed), ls="", marker="x", ms=5, color=style["color"])
    axis.set_yscale("log")
    axis.set_ylim(5e-4, 20_000)
    _dimensions(axis)
    axis.set_ylabel("time (seconds)")
    axis.set_title("time to a bound")
    handles = [Line2D([], [], ms=4, **style, label=_LABELS[solver]) for solver, style in _STYLES.items()]
    handles += [
        Line2D([], [], ls="", marker="$↑$", ms=8, color=GREY, label="stopped at its time limit"),
        Line2D([], [], ls="", marker="x", ms=5, color=GREY, label=f"out of {LIMIT_GIGABYTES} GiB"),
    ]
    axis.legend(handles=handles, loc="upper left")


def _memory(axis: Axes, peaks: list[Row]) -> None:
    fine = np.geomspace(4, 110, 60)
    style = _STYLES["hypernorm"]
    axis.plot(
        [row["d"] for row in peaks],
        [row["gigabytes"] for row in peaks],
        ls="",
        ms=5,
        **style,
        label="hypernorm: measured peak",
    )
    axis.plot(
        fine,
        [gram_gigabytes(d) for d in fine],
        color=style["color"],
        lw=1,
        label="hypernorm: 48 D² bytes, D = d(d+1)/2",
    )
    schur = [schur_gigabytes(d) for d in fine]
    axis.plot(fine, schur, color=COLOURS["green"], lw=1, ls="--", label="interior point: Schur complement")
    axis.axhline(LIMIT_GIGABYTES, color=GREY, lw=0.8, ls=":")
    axis.text(4.2, LIMIT_GIGABYTES * 1.2, f"{LIMIT_GIGABYTES} GiB", fontsize=7, color=GREY)
    axis.set_yscale("log")
    axis.set_ylim(1e-4, 1e6)
    _dimensions(axis)
    axis.set_ylabel("memory (GiB)")
    axis.set_title("memory")
    axis.legend(loc="upper left", bbox_to_anchor=(0, 0.98))


def _dimensions(axis: Axes) -> None:
    axis.set_xscale("log")
    axis.set_xlim(3.7, 120)
    axis.set_xlabel("columns d")
    axis.xaxis.set_major_locator(FixedLocator(list(_DIMENSIONS)))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


if __name__ == "__main__":
    save(draw(times(), memory()), "sos_scaling")
