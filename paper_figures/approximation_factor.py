"""Four upper bounds on the 2→4 norm and the theory, for random, structured and searched matrices."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from experiments.approximation_factor import SEARCHES, safe, sharper_factor
from experiments.runner import Row
from paper_figures.style import COLOURS, GREY, MARKERS, PAGE, figure, label_line, rows_on_file, save

__all__ = ["draw"]

_TITLES = {"row_norm": "row norm", "flattening": "flattening", "realigned": "realigned", "sos": "sum of squares"}
_RANDOM = ("Gaussian", "signs", "heavy tails", "subspace", "planted sparse")
_STYLES = {
    "functions on the cube": {"color": GREY, "marker": "P"},
    "isometric embedding": {"color": COLOURS["vermilion"], "marker": "*", "ms": 7},
    "lifted embedding": {"color": COLOURS["black"], "marker": "x"},
}
_SEARCH_COLOURS = dict(zip(SEARCHES, ("blue", "vermilion"), strict=True))


def draw(rows: list[Row]) -> Figure:
    """Draw each bound against d; below, the looseness of the realigned bound against the rows, and the searches."""
    fig = figure(PAGE, 5.6)
    upper, lower = fig.subfigures(2, 1, height_ratios=(1.2, 1))
    axes = upper.subplots(1, 4, sharey=True)
    for axis, kind in zip(axes, _TITLES, strict=True):
        _against_dimension(axis, rows, kind)
    axes[0].set_ylabel("upper bound / norm\n(1: exact)")
    handles = [
        Line2D([], [], color="black", lw=1, label="proved for every matrix"),
        Patch(color=COLOURS["sky"], alpha=0.5, lw=0, label="random matrices of five families"),
        *(Line2D([], [], ls="", **{"ms": 4, **style}, label=name) for name, style in _STYLES.items()),
    ]
    largest = max(
        _ratio(row, "sos") - 1 for row in rows if row["sos"] is not None and row["family"] in (*_RANDOM, *_STYLES)
    )
    label_line(axes[-1], f"all below 1 + {largest:.1e}", (10, 1), (0, 9))
    upper.legend(handles=handles, loc="outside lower center", ncols=3)
    rising, searched = lower.subplots(1, 2)
    _against_rows(rising, rows)
    _searches(searched, rows)
    return fig


def _against_dimension(axis: Axes, rows: list[Row], kind: str) -> None:
    """The range of random matrices with 4d rows, medians over the seeds for the others, and the proved worst case."""
    same = [row for row in rows if row[kind] is not None and row["n"] in (None, 4 * row["d"])]
    random = [row for row in same if row["family"] in _RANDOM]
    places = sorted({row["d"] for row in random})
    values = [[_ratio(row, kind) for row in random if row["d"] == d] for d in places]
    ends = [min(found) for found in values], [max(found) for found in values]
    axis.fill_between(places, *ends, color=COLOURS["sky"], alpha=0.5, lw=0)
    for family, style in _STYLES.items():
        chosen = [row for row in same if row["family"] == family]
        places = sorted({row["d"] for row in chosen})
        medians = [np.median([_ratio(row, kind) for row in chosen if row["d"] == d]) for d in places]
        axis.plot(places, medians, **{"ms": 3.5, "lw": 0.8, **style})
    fine = np.geomspace(9, 90, 50)
    axis.plot(fine, [sharper_factor(d, kind) for d in fine], color="black", lw=1)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_title(_TITLES[kind])
    axis.set_xlabel("columns")
    axis.set_ylim(0.97, 2.7)
    _plain(axis, (10, 20, 40, 80), (1, 1.2, 1.5, 2))


def _ratio(row: Row, kind: str) -> float:
    """Bound over norm; if the norm is unknown, over the proved lower bound."""
    return safe(row, kind) if row["n"] is None and row["above"] else float(row[kind])


def _against_rows(axis: Axes, rows: list[Row]) -> None:
    """Draw Gaussian matrices with increasing numbers of rows, which approach the isometric embedding."""
    d = 20
    same = [row for row in rows if row["family"] == "Gaussian" and row["d"] == d]
    sizes = sorted({row["n"] for row in same})
    for kind, colour, marker in zip(
        ("row_norm", "flattening", "realigned"), ("orange", "sky", "blue"), MARKERS, strict=False
    ):
        values = np.array([[row[kind] for row in same if row["n"] == n] for n in sizes])
        bars = [np.median(values, axis=1) - values.min(axis=1), values.max(axis=1) - np.median(values, axis=1)]
        axis.errorbar(
            sizes,
            np.median(values, axis=1),
            yerr=bars,
            color=COLOURS[colour],
            marker=marker,
            ms=3.5,
            label=_TITLES[kind],
        )
        power = 0.125 if kind == "realigned" else 0.25
        axis.axhline(((d + 2) / 3) ** power, color=COLOURS["vermilion"], lw=1, ls="--")
    for power, label in ((4, "worst matrix known, row norm and flattening"), (8, "worst matrix known, realigned")):
        height = ((d + 2) / 3) ** (1 / power)
        place, side = (sizes[0], "left") if power == 4 else (sizes[-1], "right")
        label_line(axis, label, (place, height), (0, 5), color=COLOURS["vermilion"], ha=side)
    axis.set_xscale("log")
    axis.set_xlabel("rows")
    axis.set_ylabel("upper bound / lower bound")
    axis.set_title(f"More rows are harder (Gaussian, {d} columns)")
    axis.set_ylim(0.98, 1.72)
    axis.legend(loc="upper left", bbox_to_anchor=(0, 0.92))


def _searches(axis: Axes, rows: list[Row]) -> None:
    """Draw the realigned bound at the end of each ascent, and the proved worst case."""
    fine = np.linspace(2, 5.4, 50)
    axis.plot(fine, [sharper_factor(d, "realigned") for d in fine], color="black", lw=1)
    axis.plot(fine, ((fine + 2) / 3) ** 0.125, color=COLOURS["vermilion"], ls="--", lw=1)
    for family, offset in zip(SEARCHES, (-0.06, 0.06), strict=True):
        same = [row for row in rows if row["family"] == family]
        axis.plot(
            [row["d"] + offset for row in same],
            [safe(row) for row in same],
            ls="",
            marker="o" if offset < 0 else "*",
            ms=4 if offset < 0 else 6,
            mfc="none",
            color=COLOURS[_SEARCH_COLOURS[family]],
            label=family,
        )
    label_line(axis, "proved for\nevery matrix", (5.4, sharper_factor(5.4, "realigned")), (4, 6))
    label_line(axis, "embedding", (5.4, (7.4 / 3) ** 0.125), (4, -5), color=COLOURS["vermilion"])
    axis.set_xlim(1.8, 6.5)
    axis.set_ylim(0.99, 1.19)
    axis.xaxis.set_major_locator(FixedLocator([2, 3, 4, 5]))
    axis.set_xlabel("columns")
    axis.set_ylabel("realigned bound / norm")
    axis.set_title("A search finds no worse matrix")
    axis.legend(loc="upper left")


def _plain(axis: Axes, horizontal: tuple[float, ...], vertical: tuple[float, ...]) -> None:
    for side, ticks in ((axis.xaxis, horizontal), (axis.yaxis, vertical)):
        side.set_major_locator(FixedLocator(list(ticks)))
        side.set_minor_locator(NullLocator())
        side.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


if __name__ == "__main__":
    save(draw(rows_on_file("approximation_factor")), "approximation_factor")
