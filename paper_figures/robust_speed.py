"""Time of the robust filters against the number of samples and of columns, with lines of the growth to compare with."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from experiments.runner import Row
from paper_figures.style import COLOURS, GREY, PAGE, figure, label_line, plain_logarithm, rows_on_file, save

__all__ = ["draw"]

_STYLES = {
    "moment filter": {"color": COLOURS["blue"], "marker": "o"},
    "quantum entropy filter": {"color": COLOURS["orange"], "marker": "s"},
}
_PEERS = {
    "moment filter, proved": {"color": COLOURS["blue"], "marker": "*", "ms": 8},
    "covariance filter": {"color": COLOURS["green"], "marker": "v"},
    "MinCovDet": {"color": COLOURS["vermilion"], "marker": "^"},
}


def draw(samples: Sequence[Row], columns: Sequence[Row], peers: Sequence[Row]) -> Figure:
    """Samples on the left, columns on the right."""
    fig = figure(PAGE, 3.3)
    left, right = fig.subplots(1, 2, sharey=True)
    _lines(left, samples, "n", 1, "time ∝ samples", 0.2)
    _lines(right, columns, "d", 2, "time ∝ columns²", 0.015)
    left.set_title(f"more samples ({samples[0]['d']} columns)")
    right.set_title(f"more columns ({columns[0]['n']:,} samples)")
    left.set_xlabel("samples")
    left.set_ylabel("seconds for a robust mean")
    right.set_xlabel("columns")
    right.set_xlim(26, 4000)  # room for the labels
    for row in peers:
        if row["method"] in _PEERS:
            stopped = "seconds" not in row
            seconds = float(row["ended"].split()[2]) if stopped else row["seconds"]
            style = _PEERS[row["method"]]
            right.plot(row["d"], seconds, ls="", **style)
            text = f"{row['method']},\nstopped after {seconds:.0f} s" if stopped else row["method"].replace(", ", ",\n")
            offset = {"covariance filter": (6, -7)}.get(row["method"], (6, 0))
            label_line(right, text, (row["d"], seconds), offset, color=style["color"])
    return fig


def _lines(axis: Axes, rows: Sequence[Row], size: str, power: int, text: str, share: float) -> None:
    """The times of both filters, and below them a line for comparison, which starts at a share of the least time."""
    sizes = sorted({row[size] for row in rows})
    for method, style in _STYLES.items():
        same = [row for row in rows if row["method"] == method and "seconds" in row]
        axis.plot([row[size] for row in same], [row["seconds"] for row in same], **style)
        number = 1 if method == "moment filter" else 0
        place = (same[number][size], same[number]["seconds"])
        offset, side = ((0, 9), "center") if method == "moment filter" else ((14, -4), "left")
        label_line(axis, method.removesuffix(" filter"), place, offset, color=style["color"], ha=side)
    first = min(row["seconds"] for row in rows if row[size] == sizes[0])
    ends = [sizes[0], sizes[-1]]
    guide = [share * first * (end / sizes[0]) ** power for end in ends]
    axis.plot(ends, guide, color=GREY, ls="--", lw=0.8)
    label_line(axis, text, (ends[0], guide[0]), (14, -2), color=GREY)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_ylim(0.0004, 600)
    axis.xaxis.set_major_locator(FixedLocator(sizes))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    plain_logarithm(axis)


if __name__ == "__main__":
    save(draw(*(rows_on_file("robust", part) for part in ("samples", "columns", "peers"))), "robust_speed")
