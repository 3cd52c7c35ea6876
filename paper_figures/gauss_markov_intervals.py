"""Coverage of bias-aware intervals at their worst β, and their lengths beside those that need no data."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.gauss_markov_intervals import LEVEL, NORMS, allowed, flat
from experiments.runner import Row
from paper_figures.style import COLOURS, GREY, PAGE, figure, rows_on_file, save

__all__ = ["draw"]

_STYLES = {
    "nuclear": {"color": COLOURS["blue"], "marker": "o"},
    "ridge": {"color": COLOURS["black"], "marker": "P"},
    "spectral": {"color": COLOURS["orange"], "marker": "s"},
}
_LABELS = {"nuclear": "p = 1", "ridge": "p = 2", "spectral": "p = ∞"}
_GROUPS = {
    "known, n > d": ("known", True),
    "known, n < d": ("known", False),
    "estimated": ("estimated", True),
    "chosen, n > d": ("chosen", True),
    "chosen, n < d": ("chosen", False),
}


def draw(rows: list[Row]) -> Figure:
    """Draw a point for each design, norm and function; the hollow ones leave out the bias."""
    fig = figure(PAGE, 3.6)
    coverage, length = fig.subplots(1, 2, sharex=True)
    groups = [
        [row for row in flat(rows) if row["part"] == part and (row["n"] > row["d"]) == more]
        for part, more in _GROUPS.values()
    ]
    _points(coverage, groups, "worst", filled=True)
    _points(coverage, groups, "worst_without_bias", filled=False)
    coverage.axhspan(allowed(rows[0]["repeats"]), 1, color=COLOURS["green"], alpha=0.15, lw=0, zorder=0)
    coverage.axhline(LEVEL, color=GREY, lw=1, zorder=1)
    coverage.set_ylim(-0.03, 1.03)
    coverage.set_title("coverage at the worst β (hollow: without the bias)")
    _points(length, groups, "relative_length", filled=True)
    length.set_ylim(0, 1.05)
    length.set_title("length, divided by that without data")
    handles = [Line2D([], [], ls="", ms=5, **style, label=_LABELS[name]) for name, style in _STYLES.items()]
    fig.legend(handles=handles, loc="outside lower center", ncols=3)
    return fig


def _points(axis: Axes, groups: list[list[Row]], key: str, filled: bool) -> None:
    for place, group in enumerate(groups):
        for index, norm in enumerate(NORMS):
            same = [row for row in group if row["norm"] == norm]
            for count, row in enumerate(same):
                style = _STYLES[norm] | ({} if filled else {"markerfacecolor": "none", "alpha": 0.5})
                where = place + 0.27 * (index - 1) + 0.2 * ((count + 0.5) / len(same) - 0.5)
                axis.plot(where, row[key], ls="", ms=2.6, lw=0, markeredgewidth=0.6, **style)
    axis.set_xticks(range(len(groups)), [name.replace(", ", "\n") for name in _GROUPS])
    axis.set_xlim(-0.6, len(groups) - 0.4)
    axis.tick_params(axis="x", length=0)
    axis.grid(visible=False, axis="x")


if __name__ == "__main__":
    save(draw(rows_on_file("gauss_markov_intervals")), "gauss_markov_intervals")
