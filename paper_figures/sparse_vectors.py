"""Recovery of a planted sparse vector against its sparsity, and the fraction of proofs."""

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
    "spikiest": {"color": COLOURS["blue"], "marker": "o", "zorder": 5},
    "start": {"color": COLOURS["purple"], "marker": "D", "lw": 0.9, "ms": 3},
    "l1": {"color": COLOURS["vermilion"], "marker": "^", "zorder": 3},
    "oracle": {"color": COLOURS["orange"], "marker": "s", "lw": 0.9, "ms": 3.5, "ls": (0, (3, 2)), "zorder": 4},
}


def draw(rows: list[Row]) -> Figure:
    """Draw one panel for each dimension of the ambient space."""
    sizes = sorted({row["n"] for row in rows})
    d, repeats = rows[0]["d"], len({row["seed"] for row in rows})
    fig = figure(PAGE, 2.6)
    axes = np.atleast_1d(fig.subplots(1, len(sizes), sharex=True, sharey=True))
    for axis, n in zip(axes, sizes, strict=True):
        shares = sorted({row["share"] for row in rows if row["n"] == n})
        rates = [outcomes([row for row in rows if (row["n"], row["share"]) == (n, share)]) for share in shares]
        spikier = np.array([rate["spikier"].mean() for rate in rates])
        axis.fill_between(shares, 1 - spikier, 1, color=GREY, alpha=0.25, lw=0, step="mid")
        for name, style in _STYLES.items():
            axis.plot(shares, [rate[name].mean() for rate in rates], **style)
        axis.set_title(f"n = {n} (n/d² = {n / d**2:g})")
        axis.set_xlabel("share of non-zero entries")
        axis.set_ylim(-0.04, 1.04)
    axes[0].set_ylabel("share of vectors found")
    handles = [Line2D([], [], **_STYLES[name], label=label) for name, label in METHODS.items()]
    handles.append(Patch(color=GREY, alpha=0.25, lw=0, label="from above: another direction is spikier"))
    fig.suptitle(f"a vector planted in a subspace of ℝⁿ of dimension d = {d}, {repeats} trials a point", fontsize=8.5)
    fig.legend(handles=handles, loc="outside lower center", ncols=3)
    return fig


if __name__ == "__main__":
    save(draw(rows_on_file("sparse_vectors")), "sparse_vectors")
