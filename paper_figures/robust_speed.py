"""Time of the robust filters against the number of samples and of columns, with the slopes to compare with."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from experiments.runner import Row
from paper_figures.style import COLOURS, GREY, PAGE, figure, rows_on_file, save

__all__ = ["draw"]

_STYLES = {
    "moment filter": {"color": COLOURS["blue"], "marker": "o"},
    "quantum entropy filter": {"color": COLOURS["orange"], "marker": "s"},
}
_PEERS = {
    "moment filter, proved": {"color": COLOURS["blue"], "marker": "*", "ms": 8},
    "covariance filter": {"color": COLOURS["green"], "marker": "^"},
    "MinCovDet": {"color": COLOURS["vermilion"], "marker": "D"},
}


def draw(samples: Sequence[Row], columns: Sequence[Row], peers: Sequence[Row]) -> Figure:
    """Samples on the left, columns on the right."""
    fig = figure(PAGE, 3.2)
    left, right = fig.subplots(1, 2, sharey=True)
    _lines(left, samples, "n", 1, f"{samples[0]['d']} columns")
    _lines(right, columns, "d", 2, f"{columns[0]['n']:,} samples")
    left.set_xlabel("samples n")
    left.set_ylabel("time (seconds)")
    right.set_xlabel("columns d")
    for row in peers:
        if row["method"] not in _PEERS:
            continue
        style = _PEERS[row["method"]]
        if "seconds" in row:
            right.plot(row["d"], row["seconds"], ls="", label=row["method"], **style)
        else:
            limit = float(row["ended"].split()[2])
            right.plot(row["d"], limit, ls="", label=f"{row['method']}: stopped after {limit:.0f} s", **style)
    right.legend(loc="upper left")
    left.legend(loc="upper left")
    return fig


def _lines(axis: Axes, rows: Sequence[Row], size: str, power: int, title: str) -> None:
    sizes = sorted({row[size] for row in rows})
    for method, style in _STYLES.items():
        same = [row for row in rows if row["method"] == method and "seconds" in row]
        axis.plot([row[size] for row in same], [row["seconds"] for row in same], label=method, **style)
    first = min(row["seconds"] for row in rows if row[size] == sizes[0])
    ends = [sizes[0], sizes[-1]]
    guide = [0.5 * first * (end / sizes[0]) ** power for end in ends]
    axis.plot(ends, guide, color=GREY, ls="--", lw=0.8, label=f"slope {power}")
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.xaxis.set_major_locator(FixedLocator(sizes))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axis.set_title(title)


if __name__ == "__main__":
    save(draw(*(rows_on_file("robust", part) for part in ("samples", "columns", "peers"))), "robust_speed")
