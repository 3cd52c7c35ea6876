"""The square of exponents p and q: what is known in each region, and the worst measured ratio in each cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from experiments.operator_norms import EXPONENTS, cells
from experiments.runner import Row
from paper_figures.style import PAGE, figure, rows_on_file, save

__all__ = ["draw"]

_NAMES = ("∞", "6", "4", "3", "2.5", "2", "1.5", "4/3", "1.2", "1")
_SHOWN = 100  # columns of the matrices
_ORDER = EXPONENTS[::-1]  # as on the map of all norms
_TWO = _ORDER.index(2)


def draw(rows: list[Row]) -> Figure:
    """Draw the proved factor on the left and the worst measured ratio on the right, for matrices of 100 columns."""
    ratios, factors = np.ones((2, len(EXPONENTS), len(EXPONENTS)))
    for _, n, p, q, ratio, factor in cells(rows):
        if n == _SHOWN:
            place = _ORDER.index(q), _ORDER.index(p)
            ratios[place], factors[place] = max(ratios[place], ratio), factor
    fig = figure(PAGE, 4.2)
    axes = fig.subplots(1, 2, sharey=True)
    _map(axes[0], factors, f"proved: the bound is at most this factor too large\n({_SHOWN} × {_SHOWN} matrices)")
    _map(axes[1], ratios, "measured: worst proved bound / best vector\n(eight families of matrices)")
    axes[0].set_ylabel("q: output measured by the norm of ℓ$_q$")
    fig.supxlabel(
        "Blue frame: p ≥ 2 ≥ q, a factor that does not grow with the matrix. Bold: exact.\n"
        "Elsewhere the factor grows slowly with the matrix; exact are p = 1, q = ∞ and p = q = 2.",
        fontsize=7.5,
    )
    return fig


def _map(axis: Axes, values: np.ndarray, title: str) -> None:
    axis.imshow(np.log(values), origin="lower", cmap="YlOrRd", vmin=0, vmax=1, aspect="equal")
    for (row, column), value in np.ndenumerate(values):
        exact = row == 0 or column == len(EXPONENTS) - 1 or row == column == _TWO
        weight = "bold" if exact else "normal"
        colour = "white" if value > 2 else "black"
        axis.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=6, weight=weight, color=colour)
    side = len(EXPONENTS) - _TWO
    axis.add_patch(Rectangle((-0.5, _TWO - 0.5), _TWO + 1, side, fill=False, ec="#0072B2", lw=2, clip_on=False))
    _ticks(axis, _NAMES)
    axis.set_title(title)


def _ticks(axis: Axes, names: Sequence[str]) -> None:
    axis.set_xticks(range(len(names)), names)
    axis.set_yticks(range(len(names)), names)
    axis.grid(False)
    axis.set_xlabel("p: input measured by the norm of ℓ$_p$")


if __name__ == "__main__":
    save(draw(rows_on_file("operator_norms")), "operator_norms")
