"""The ℓp iteration from random starts: distance to the nearest atom by step, and steps to enter by dimension."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.dictionary_iteration import EXPONENTS, cells
from experiments.runner import Row
from paper_figures.style import COLOURS, GREY, MARKERS, PAGE, figure, plain_logarithm, rows_on_file, save

__all__ = ["draw"]

_NAMES = ("vermilion", "blue", "orange", "green", "purple")
_COLOURS = {p: COLOURS[name] for p, name in zip(EXPONENTS, _NAMES, strict=True)}
_MARKERS = dict(zip(EXPONENTS, MARKERS, strict=True))


def draw(rows: list[Row]) -> Figure:
    """Draw the median distances for the largest n, and the numbers of steps with those of the recursion."""
    found = cells(rows)
    thetas = sorted({theta for _, theta, _ in found})
    sizes = sorted({n for n, _, _ in found})
    fig = figure(PAGE, 3.6)
    axes = fig.subplots(1, 1 + len(thetas))
    for p, colour in _COLOURS.items():
        paths = [row["distances"] for row in rows if (row["n"], row["theta"], row["p"]) == (sizes[-1], thetas[-1], p)]
        length = min(len(path) for path in paths)
        axes[0].plot(np.median([path[:length] for path in paths], axis=0), color=colour)
    axes[0].set_yscale("log")
    plain_logarithm(axes[0])
    axes[0].set_xlabel("step")
    axes[0].set_ylabel("distance to the nearest atom")
    axes[0].set_title(f"n = {sizes[-1]}, θ = {thetas[-1]:g}")
    for axis, theta in zip(axes[1:], thetas, strict=True):
        for p, colour in _COLOURS.items():
            measured = [found[n, theta, p]["enter"] for n in sizes]
            axis.plot(sizes, measured, color=colour, marker=_MARKERS[p], ls="", ms=3.5)
            axis.plot(sizes, [found[n, theta, p]["predicted"] for n in sizes], color=colour, lw=0.9)
        axis.set_xscale("log")
        axis.set_yscale("log")
        plain_logarithm(axis, "x")
        plain_logarithm(axis)
        axis.set_xlabel("n")
        axis.set_ylabel("steps to enter")
        axis.set_title(f"θ = {theta:g}")
    handles = [Line2D([], [], color=_COLOURS[p], marker=_MARKERS[p], ms=3.5, label=f"p = {p:g}") for p in EXPONENTS]
    handles += [Line2D([], [], color=GREY, lw=0.9, label="recursion for r → ∞")]
    fig.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return fig


if __name__ == "__main__":
    save(draw(rows_on_file("dictionary_iteration")), "dictionary_iteration")
