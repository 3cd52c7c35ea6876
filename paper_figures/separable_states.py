"""Best separable state values: exactness of partial transposes, remaining gaps, and known values."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.stats import binomtest

from experiments.runner import Row
from experiments.separable_states import FAMILIES, TOLERANCE, closes, exact
from paper_figures.style import COLOURS, GREY, MARKERS, PAGE, figure, rows_on_file, save

__all__ = ["draw"]

_STYLES = {
    family: {"color": COLOURS[colour], "marker": marker}
    for family, colour, marker in zip(FAMILIES, ("blue", "vermilion", "sky", "orange"), MARKERS, strict=False)
}
_LABELS = {
    "Gaussian": "Gaussian Hermitian",
    "projector": "projector of half rank, complex",
    "Gaussian, real": "Gaussian symmetric, real vectors",
    "projector, real": "projector of half rank, real vectors",
}
_SMALLEST_SHOWN = 1e-15


def draw(rows: list[Row]) -> Figure:
    """Draw the percentages of exact matrices, the gaps, and the proved intervals of the known values."""
    random = [row for row in rows if row["part"] == "random"]
    known = [row for row in rows if row["part"] == "known"]
    fig = figure(PAGE, 5.6)
    grid = fig.add_gridspec(2, 2, width_ratios=(1.25, 1))
    shares, gaps, values = fig.add_subplot(grid[0, 0]), fig.add_subplot(grid[1, 0]), fig.add_subplot(grid[:, 1])
    sizes = list(dict.fromkeys((row["a"], row["b"]) for row in random))
    _shares(shares, random, sizes)
    _gaps(gaps, random, sizes)
    _known(values, known)
    handles = [Line2D([], [], **style, ls="", label=_LABELS[family]) for family, style in _STYLES.items()]
    handles.append(Line2D([], [], color=GREY, marker="o", mfc="none", ls="", label="closed by level 2"))
    fig.legend(handles=handles, loc="outside lower center", ncols=3)
    return fig


def _places(index: int, family: str) -> float:
    return index + (list(FAMILIES).index(family) - (len(FAMILIES) - 1) / 2) * 0.21


def _ticks(axis: Axes, sizes: list[tuple[int, int]]) -> None:
    axis.set_xticks(range(len(sizes)), [f"{a}×{b}" for a, b in sizes])
    axis.set_xlim(-0.6, len(sizes) - 0.4)
    axis.set_xlabel("dimensions a × b")
    axis.grid(visible=False, axis="x")
    for place in range(0, len(sizes), 2):
        axis.axvspan(place - 0.5, place + 0.5, color="#F4F4F4", lw=0, zorder=0)


def _shares(axis: Axes, rows: list[Row], sizes: list[tuple[int, int]]) -> None:
    for index, (a, b) in enumerate(sizes):
        for family, style in _STYLES.items():
            same = [exact(row) for row in rows if (row["a"], row["b"], row["family"]) == (a, b, family)]
            share = float(np.mean(same))
            interval = binomtest(sum(same), len(same)).proportion_ci(0.95, "wilson")
            spread = [[100 * max(share - interval.low, 0)], [100 * max(interval.high - share, 0)]]
            axis.errorbar(_places(index, family), 100 * share, yerr=spread, **style, ms=3, elinewidth=0.8, capsize=0)
    _ticks(axis, sizes)
    axis.set_ylim(-4, 104)
    axis.set_ylabel("level 1 is exact, %")
    axis.set_title(f"random matrices, {len(same)} each: 95% intervals")


def _gaps(axis: Axes, rows: list[Row], sizes: list[tuple[int, int]]) -> None:
    for index, (a, b) in enumerate(sizes):
        for row in rows:
            if (row["a"], row["b"]) == (a, b) and not exact(row):
                style, place = _STYLES[row["family"]], _places(index, row["family"])
                axis.plot(place, row["gap"], **style, ms=3, ls="")
                if "second_gap" in row and closes(row):
                    axis.plot(place, row["gap"], color=GREY, marker="o", mfc="none", ms=6, ls="", mew=0.7)
    axis.axhline(TOLERANCE, color=GREY, lw=0.8, ls=(0, (3, 2)))
    axis.set_yscale("log")
    axis.set_ylim(3e-7, 0.1)
    _ticks(axis, sizes)
    axis.set_ylabel("gap/‖M‖ at level 1")
    axis.set_title("where it is not: proved upper − lower bound")


def _known(axis: Axes, rows: list[Row]) -> None:
    """Draw the distance of the proved upper bound from each known value, over complex vectors."""
    shown = [row for row in rows if row["field"] == "complex"][::-1]
    for level, colour, marker in ((1, "green", "o"), (2, "purple", "D")):
        places = [place for place, row in enumerate(shown) if row["level"] == level]
        distances = [max(shown[place]["upper"] - shown[place]["value"], _SMALLEST_SHOWN) for place in places]
        axis.plot(
            distances, places, color=COLOURS[colour], marker=marker, ms=3.5, ls="", label=f"proved at level {level}"
        )
    axis.axvline(1e-6, color=GREY, lw=0.8, ls=(0, (3, 2)))
    axis.set_xscale("log")
    axis.set_xlim(_SMALLEST_SHOWN / 2, 1e-5)
    axis.set_yticks(range(len(shown)), [_label(row["name"]) for row in shown], fontsize=6)
    axis.set_ylim(-0.7, len(shown) - 0.3)
    axis.tick_params(axis="y", length=0)
    axis.set_xlabel("proved upper bound − known value")
    below = max(abs(row["lower"] - row["value"]) for row in shown)
    axis.set_title(f"known values; lower bounds within {below:.0e}", loc="right")
    axis.legend(loc="lower left", fontsize=6.5, handletextpad=0.2, frameon=True, framealpha=1, edgecolor="none")


def _label(name: str) -> str:
    """Label of a known value."""
    words = name.replace("--", "-−").split("-")
    if name.startswith("maximally"):
        return f"maximally entangled, d = {words[2]}" + (f", rank {words[4]}" if len(words) > 3 else "")
    if name.startswith(("werner", "isotropic")):
        kind = words[0].replace("werner", "Werner")
        return f"{kind} state, d = {words[1]}, p = {words[2]}"
    if words[0] == "pure":
        return f"pure state, {words[1].replace('x', ' × ')}"
    if words[-1].isdigit():
        kind = {"swap": "swap F", "minus": "−F"}.get(words[0], f"{words[0]} projector")
        return f"{kind}, d = {words[-1]}"
    return {"tiles": "complement of Tiles", "pyramid": "complement of Pyramid", "choi-map": "minus Choi's form"}[name]


if __name__ == "__main__":
    save(draw(rows_on_file("separable_states")), "separable_states")
