"""What a proved interval says: the fourth moment of two measurements in every direction, and of all thirty."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

import hypernorm as hn
from hypernorm.datasets import load_bundled
from paper_figures.style import COLOURS, GREY, PAGE, figure, save

__all__ = ["draw"]

_COLUMNS = (11, 16)
"""The errors of texture and of concavity of the nuclei of an image: two measurements with heavy tails."""

_KINDS = {
    "row_norm": "lengths of the rows",
    "flattening": "flattening",
    "realigned": "realigned flattening",
    "sos": "sum of squares",
}


def draw() -> Figure:
    """Draw the moments of two columns by direction on the left, and the bounds for all columns on the right."""
    fig = figure(PAGE, 3.5)
    left, right = fig.subplots(1, 2, width_ratios=(1, 1.1))
    X = load_bundled("breast_cancer")
    _two_columns(left, X[:, _COLUMNS])
    _all_columns(right, X)
    return fig


def _two_columns(axes: Axes, X: np.ndarray) -> None:
    """Draw the samples, their fourth moment in each direction, and the circle that none passes."""
    interval = hn.two_to_q_norm(X, q=4, random_state=0)
    # A mean over the rows in place of their sum.
    share = len(X) ** -0.25
    angles = np.linspace(0, 2 * np.pi, 1000)
    circle = np.stack([np.cos(angles), np.sin(angles)])
    best = interval.witness.vector * np.sign(interval.witness.vector.sum())
    axes.plot(*X.T, ".", color=GREY, ms=2.5, alpha=0.5, mew=0)
    axes.plot(*(np.mean((X @ circle) ** 4, axis=0) ** 0.25 * circle), color=COLOURS["blue"], lw=1.5)
    axes.plot(*(share * interval.upper * circle), color=COLOURS["vermilion"], lw=1.3, ls="--")
    axes.plot(*(share * interval.lower * best), "o", color=COLOURS["blue"], ms=6)
    axes.text(0, -3.25, "proved: no direction passes this circle", color=COLOURS["vermilion"], ha="center", va="top")
    axes.annotate(
        "attained",
        share * interval.lower * best,
        xytext=(8, 8),
        textcoords="offset points",
        color=COLOURS["blue"],
        ha="left",
        va="bottom",
    )
    axes.text(
        0,
        3.9,
        r"$(\mathrm{mean}\,\langle x_i, v\rangle^4)^{1/4}$ in direction $v$",
        color=COLOURS["blue"],
        ha="center",
        va="top",
    )
    axes.set(
        xlim=(-4, 4),
        ylim=(-4, 4),
        aspect="equal",
        xlabel="error of texture (standardised)",
        ylabel="error of concavity",
    )
    axes.set_title("2 measurements: all directions can be drawn")


def _all_columns(axes: Axes, X: np.ndarray) -> None:
    """Draw the proved bounds over the value that a direction attains."""
    interval = hn.two_to_q_norm(X, q=4, random_state=0)
    excess = [record.upper / interval.lower - 1 for record in interval.records]
    places = range(len(excess))
    axes.barh(places, excess, height=0.35, color=COLOURS["vermilion"], alpha=0.75)
    axes.axvline(0, color=COLOURS["blue"], lw=2)
    for place, record, share in zip(places, interval.records, excess, strict=True):
        axes.text(0, place - 0.3, f" {_KINDS[record.kind]}", va="bottom")
        beyond = f"+{share:.1%}" if share > 5e-4 else f"less than {10.0 ** np.ceil(np.log10(share)):.0e}"
        axes.text(share, place, f" {beyond}", va="center")
    axes.set(ylim=(len(excess) - 0.4, -0.9), yticks=[], xlim=(-0.002, 1.25 * max(excess)))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("proved upper bound beyond the attained value")
    axes.set_title(f"{X.shape[1]} measurements: proofs for all directions")


if __name__ == "__main__":
    save(draw(), "every_direction")
