"""How often a planted sparse vector is found, against its sparsity, and how often that is proved."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from experiments.runner import Row
from experiments.sparse_vectors import METHODS, outcomes
from paper_figures.style import COLOURS, GREY, PAGE, figure, rows_on_file, save

__all__ = ["draw"]

_STYLES = {
    "spikiest": {"color": COLOURS["blue"], "marker": "o", "zorder": 4},
    "starts": {"color": COLOURS["orange"], "marker": "s", "lw": 0.9, "ms": 3.5, "ls": (0, (3, 2)), "zorder": 3},
    "start": {"color": COLOURS["purple"], "marker": "D", "lw": 0.9, "ms": 3},
    "l1": {"color": COLOURS["vermilion"], "marker": "^"},
}


def draw(rows: list[Row]) -> Figure:
    """A panel for each dimension of the subspace."""
    dimensions = sorted({row["d"] for row in rows})
    n, repeats = rows[0]["n"], len({row["seed"] for row in rows})
    fig = figure(PAGE, 2.5)
    axes = np.atleast_1d(fig.subplots(1, len(dimensions), sharex=True, sharey=True))
    for axis, d in zip(axes, dimensions, strict=True):
        shares = sorted({row["share"] for row in rows if row["d"] == d})
        rates = [outcomes([row for row in rows if (row["d"], row["share"]) == (d, share)]) for share in shares]
        spikier = [rate["spikier"].mean() for rate in rates]
        axis.fill_between(shares, 1 - np.array(spikier), 1, color=GREY, alpha=0.25, lw=0, step="mid")
        for name in ("start", "l1", "starts", "spikiest"):
            means = [rate[name].mean() for rate in rates]
            axis.plot(shares, means, **_STYLES[name])
        axis.set_title(f"d = {d} (d²/n = {d * d / n:.2g})")
        axis.set_xlabel("sparsity/n")
        axis.set_ylim(-0.04, 1.04)
    axes[0].set_ylabel("share of vectors found")
    handles = [Line2D([], [], **_STYLES[name], label=label) for name, label in METHODS.items()]
    handles.append(Patch(color=GREY, alpha=0.25, lw=0, label="trials in which another direction is spikier"))
    fig.suptitle(f"A vector planted in a d-dimensional subspace of ℝⁿ, n = {n}, {repeats} trials a point", fontsize=8.5)
    fig.legend(handles=handles, loc="outside lower center", ncols=3)
    return fig


if __name__ == "__main__":
    save(draw(rows_on_file("sparse_vectors")), "sparse_vectors")
