"""True over estimated squared errors of the atoms, by the distribution of the samples."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from experiments.dictionary_errors import INSIDE, LIMITS, OUTSIDE, errors
from experiments.runner import Row
from paper_figures.style import COLOURS, MARKERS, PAGE, figure, plain_logarithm, rows_on_file, save

__all__ = ["draw"]

_COLOURS = (COLOURS["blue"], COLOURS["orange"], COLOURS["green"], COLOURS["vermilion"])


def draw(rows: list[Row]) -> Figure:
    """Draw the ratios of rows (filled) and atoms (open) for every family; those outside the range are on grey."""
    found = errors(rows)
    shapes = list(dict.fromkeys(key[:-1] for key in found))
    families = [*INSIDE, *OUTSIDE]
    fig = figure(PAGE, 3.2)
    axis = fig.subplots()
    axis.axhspan(*LIMITS, color="#E8F1F8", lw=0)
    axis.axvspan(len(INSIDE) - 0.5, len(families) - 0.5, color="#F2F2F2", lw=0, zorder=-2)
    axis.axhline(1, color="black", lw=0.8)
    for index, (n, r, p) in enumerate(shapes):
        places = np.arange(len(families)) + 0.18 * (index - (len(shapes) - 1) / 2)
        pairs = [found[n, r, p, name] for name in families]
        style = {"color": _COLOURS[index], "marker": MARKERS[index], "ls": ""}
        axis.plot(places, [pair["rows"] for pair in pairs], label=f"n = {n}, r = {r}, p = {p:g}", **style)
        axis.plot(places, [pair["atoms"] for pair in pairs], markerfacecolor="none", **style)
    axis.set_yscale("log")
    plain_logarithm(axis)
    axis.set_xticks(range(len(families)), families, rotation=30, ha="right", rotation_mode="anchor")
    axis.grid(False, axis="x")
    axis.set_ylabel("squared error over its estimate")
    axis.set_title("filled: rows, open: atoms; band: within 0.8 and 1.25; grey: the estimate is not meant for these")
    fig.legend(loc="outside lower center", ncols=len(shapes))
    return fig


if __name__ == "__main__":
    save(draw(rows_on_file("dictionary_errors")), "dictionary_errors")
