"""Other shrinkage compared with ridge regression: risks relative to the oracle, and cross-validated errors."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from experiments.gauss_markov.data import DATA
from experiments.gauss_markov_study import TABLE_NOISE, compare, spectrum
from experiments.runner import Row
from paper_figures.style import COLOURS, GREY, PAGE, figure, rows_on_file, save

__all__ = ["draw"]

_STYLES = {
    "spectral": {"color": COLOURS["orange"], "marker": "s"},
    "nuclear": {"color": COLOURS["blue"], "marker": "o"},
    "chosen norm": {"color": COLOURS["black"], "marker": "D"},
    "blend": {"color": COLOURS["black"], "marker": "*"},
    "principal components": {"color": COLOURS["vermilion"], "marker": "^"},
    "partial least squares": {"color": COLOURS["purple"], "marker": "v"},
    "lasso": {"color": COLOURS["green"], "marker": "X"},
    "ridge": {"color": GREY, "marker": "P"},
}
_LABELS = {
    "spectral": "spectral norm (p = ∞)",
    "nuclear": "nuclear norm (p = 1)",
    "chosen norm": "norm chosen from p = 1, 2, ∞",
    "blend": "blend of p = 1, 2, ∞",
    "principal components": "principal components",
    "partial least squares": "partial least squares",
    "lasso": "lasso",
    "ridge": "ridge (p = 2)",
}
_ORDER = tuple(name for name in _STYLES if name != "ridge")
_SPACING = 0.14


def draw(rows: list[Row]) -> Figure:
    """Draw risks without sampling against the alignment, and below the paired differences to ridge."""
    fig = figure(PAGE, 11)
    grid = fig.add_gridspec(3, 2, height_ratios=(1, 4.6, 1.1))
    first = fig.add_subplot(grid[0, 0])
    second = fig.add_subplot(grid[0, 1], sharey=first)
    _alignment((first, second), [row for row in rows if row["part"] == "alignment"])
    compared = compare(sorted(rows, key=_place))
    synthetic, fixed = fig.add_subplot(grid[1, 0]), fig.add_subplot(grid[1, 1])
    data = fig.add_subplot(grid[2, :])
    _differences(synthetic, [row for row in compared if row["part"] == "synthetic"], (-60, 60))
    synthetic.set_title("synthetic: excess risk (bars: ± 2 s.e.)")
    _differences(fixed, [row for row in compared if row["part"] == "fixed"], (-60, 60))
    fixed.set_title("own directions: in-sample risk")
    _differences(data, [row for row in compared if row["part"] == "data"], (-10, 16))
    data.set_title("data: held-out error (bars: ± 2 s.e.)")
    handles = [Line2D([], [], ms=4.5, **style, label=_LABELS[name]) for name, style in _STYLES.items()]
    fig.legend(handles=handles, loc="outside lower center", ncols=4)
    return fig


def _place(row: Row) -> tuple:
    """Sorting key for the order of the experiment, independent of the order of measurement."""
    if row["part"] == "data":
        return (2, list(DATA).index(row["data"]), 0, 0)
    return (row["part"] != "alignment", row["decay"], row["alignment"], row["noise"])


def _alignment(axes: Sequence[Axes], rows: list[Row]) -> None:
    for axis, decay in zip(axes, (1, 2), strict=True):
        same = [row for row in rows if row["decay"] == decay]
        places = sorted({row["alignment"] for row in same})
        for name in ("spectral", "ridge", "principal components", "nuclear"):
            values = [[row["risks"][name] for row in same if row["alignment"] == place] for place in places]
            at_noise = [
                row["risks"][name]
                for place in places
                for row in same
                if row["alignment"] == place and row["noise"] == TABLE_NOISE
            ]
            axis.fill_between(
                places, list(map(min, values)), list(map(max, values)), color=_STYLES[name]["color"], alpha=0.15, lw=0
            )
            axis.plot(places, at_noise, **_STYLES[name])
        axis.axhline(1, color="black", lw=0.8)
        axis.set_yscale("log")
        axis.yaxis.set_major_locator(FixedLocator([1, 2, 5, 10, 50, 100]))
        axis.yaxis.set_minor_locator(NullLocator())
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.xaxis.set_major_locator(FixedLocator([-1, 0, 1, 2, 4]))
        axis.set_xlabel("alignment a: var(β) ∝ (s²)ᵃ")
        axis.set_title(f"eigenvalues s² = {spectrum(decay)}; no sampling")
    note = f"line: σ² = {TABLE_NOISE:g}\nband: σ² from 1e-5 to 1e-2"
    axes[0].text(0.03, 0.95, note, va="top", transform=axes[0].transAxes)
    axes[0].set_ylabel("risk / risk of the best\nshrinkage, each tuned")


def _differences(axis: Axes, rows: list[Row], limits: tuple[float, float]) -> None:
    """Draw differences in per cent with bars of two standard errors; larger values are numbers at the edge."""
    problems = list(dict.fromkeys(row["problem"] for row in rows))
    low, high = limits
    for place in range(0, len(problems), 2):
        axis.axhspan(place - 0.5, place + 0.5, color="#F4F4F4", lw=0, zorder=0)
    for row in rows:
        if row["method"] not in _ORDER:
            continue
        style = _STYLES[row["method"]]
        offset = (_ORDER.index(row["method"]) - (len(_ORDER) - 1) / 2) * _SPACING
        place = problems.index(row["problem"]) + offset
        scale = 100 / row["reference"]
        value, bar = scale * row["difference"], 2 * scale * row["difference_error"]
        if value <= high:
            # Bars are cut at the edge of the panel.
            axis.errorbar(value, place, xerr=bar, **style, ls="", ms=3.2, elinewidth=0.8, capsize=0)
        else:
            axis.annotate(f"{value:+.0f} ▸", (high, place), color=style["color"], fontsize=5.5, ha="right", va="center")
    axis.axvline(0, color=GREY, lw=1.2, zorder=1)
    axis.set_xlim(low, high)
    axis.set_ylim(len(problems) - 0.5, -0.5)
    axis.set_yticks(range(len(problems)), [name.removeprefix("own directions, ") for name in problems])
    axis.tick_params(axis="y", length=0)
    axis.grid(visible=False, axis="y")
    axis.set_xlabel("difference to ridge, %\n← better      worse →")


if __name__ == "__main__":
    save(draw(rows_on_file("gauss_markov_study")), "gauss_markov_study")
