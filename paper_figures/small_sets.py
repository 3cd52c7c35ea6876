"""Expansion of small sets against their measure: proved lower bounds, and sets from a search as upper bounds."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from experiments.runner import Row
from experiments.small_sets import pair
from paper_figures.style import COLOURS, GREY, PAGE, figure, rows_on_file, save

__all__ = ["draw"]

_PANELS = {
    "noisy cube, m = 8, ρ = 0.9": "noisy cube, ρ = 0.9",
    "short code, m = 3, degree 2": "short code",
    "Johnson graph J(12, 4)": "Johnson graph J(12, 4)",
    "torus 16 × 16": "torus 16 × 16",
    "Cayley graph of Z₂₅₇": "Cayley graph of Z₂₅₇",
    "random 4-regular, n = 256": "random 4-regular",
    "random geometric, n = 200": "random geometric",
    "Les Misérables": "Les Misérables",
}
_TICKS = (1 / 128, 1 / 32, 1 / 8)
_STYLES = {
    "found": {"color": COLOURS["vermilion"], "marker": "v", "lw": 0.9},
    "bound": {"color": COLOURS["blue"], "marker": "o"},
    "infinity": {"color": COLOURS["green"], "marker": "^", "lw": 0.9, "ms": 3.5},
    "spectral": {"color": GREY, "ls": (0, (3, 2))},
}


def draw(rows: list[Row]) -> Figure:
    """Draw one panel for each of eight families."""
    fig = figure(PAGE, 4.4)
    axes = fig.subplots(2, 4, sharex=True)
    for axis, (family, title) in zip(axes.flat, _PANELS.items(), strict=True):
        measures = sorted({row["measure"] for row in rows if row["family"] == family})
        pairs = [pair(rows, family, measure) for measure in measures]
        found = [min(four["found"], infinity["found"]) for four, infinity in pairs]
        bound = [four["bound"] for four, _ in pairs]
        axis.fill_between(measures, bound, found, color=COLOURS["sky"], alpha=0.15, lw=0)
        axis.plot(measures, [four["spectral"] for four, _ in pairs], **_STYLES["spectral"])
        axis.plot(measures, [infinity["bound"] for _, infinity in pairs], **_STYLES["infinity"])
        axis.plot(measures, bound, **_STYLES["bound"])
        axis.plot(measures, found, **_STYLES["found"])
        axis.set_title(f"{title}, n = {pairs[0][0]['n']}".replace("256, n = 256", "n = 256"), fontsize=7.5)
        axis.set_xscale("log")
        axis.set_ylim(0, None)
        axis.set_xlim(1 / 150, 1 / 3.4)
        axis.xaxis.set_major_locator(FixedLocator(_TICKS))
        axis.xaxis.set_minor_locator(NullLocator())
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"1/{round(1 / value)}"))
    for axis in axes[1]:
        axis.set_xlabel("measure μ of the set")
    for axis in axes[:, 0]:
        axis.set_ylabel("expansion Φ")
    handles = [
        Line2D([], [], **_STYLES["found"], label="a set that was found: least expansion is at most this"),
        Line2D([], [], **_STYLES["bound"], label="proved for every set of measure ≤ μ, 2→4 norm"),
        Line2D([], [], **_STYLES["infinity"], label="the same from the 2→∞ norm"),
        Line2D([], [], **_STYLES["spectral"], label="spectral bound (1 − λ₂)(1 − μ)"),
    ]
    fig.legend(handles=handles, loc="outside lower center", ncols=2)
    return fig


if __name__ == "__main__":
    save(draw(rows_on_file("small_sets")), "small_sets")
