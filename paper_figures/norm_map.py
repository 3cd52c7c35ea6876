"""The map of all p and q: where the norm is exact, which rule bounds it elsewhere, and the proved factor."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

import hypernorm as hn
from paper_figures.style import COLOURS, figure, save

__all__ = ["draw", "factors"]

SIZE = 100
"""Rows and columns of the matrices for which the factor is drawn."""

_POINTS = 161
_CONTOURS = {
    1.2: [(0.3, 0.47), (0.7, 0.055)],
    1.4: [(0.36, 0.66), (0.25, 0.09), (0.6, 0.11)],
    1.6: [(0.1, 0.75), (0.35, 0.42), (0.66, 0.95), (0.88, 0.85)],
    1.8: [(0.12, 0.175), (0.85, 0.15)],
    2.0: [(0.06, 0.33), (0.68, 0.55), (0.6, 0.2)],
    2.4: [(0.73, 0.25)],
}
"""Levels, each with places of its numbers."""
_TICKS = {0.0: "∞", 0.25: "4", 1 / 3: "3", 0.5: "2", 2 / 3: "3/2", 0.75: "4/3", 1.0: "1"}
_EXACT, _SIGNS, _SQUARES = COLOURS["blue"], COLOURS["green"], COLOURS["purple"]
_HALO = [withStroke(linewidth=2.2, foreground="white")]


def draw() -> Figure:
    """Draw the square of (1/p, 1/q)."""
    inverses = np.linspace(0, 1, _POINTS)
    values = factors(inverses)
    fig = figure(5.2, 5.9)
    axis = fig.subplots()
    axis.set_aspect("equal")
    axis.grid(False)
    axis.imshow(values, extent=(0, 1, 0, 1), origin="lower", cmap="YlOrRd", vmin=1, vmax=3, interpolation="bilinear")
    lines = axis.contour(inverses, inverses, values, levels=list(_CONTOURS), colors="black", linewidths=0.5, alpha=0.7)
    places = [place for level in _CONTOURS.values() for place in level]
    for label in axis.clabel(lines, fmt="%.1f", fontsize=8, manual=places):
        label.set(rotation=0, path_effects=_HALO)
    _borders(axis)
    _names(axis, hn.operator_approximation_factor(math.inf, 1, SIZE, SIZE))
    _ticks(axis)
    fig.legend(handles=_legend(), loc="outside lower center", fontsize=8.5)
    axis.set_title(
        f"Contours: proved upper bound / norm is at most this,\nfor matrices of {SIZE} rows and {SIZE} columns",
        fontsize=9.5,
    )
    return fig


def factors(inverses: np.ndarray) -> np.ndarray:
    """The proved factor of the bounds, with a row for every 1/q and a column for every 1/p."""
    exponents = [1 / inverse if inverse else math.inf for inverse in inverses]
    return np.array([[hn.operator_approximation_factor(p, q, SIZE, SIZE) for p in exponents] for q in exponents])


def _borders(axis: Axes) -> None:
    """Draw where the norm is exact, and the lines between the regions."""
    axis.plot([0, 0.5, 0.5], [0.5, 0.5, 1], color=COLOURS["black"], lw=0.9)
    axis.plot([0.5, 0.5, 1], [0, 0.5, 0.5], color=_SQUARES, lw=2.5)
    axis.plot([0, 1], [0, 1], color=COLOURS["black"], lw=0.9, ls=(0, (4, 3)))
    axis.plot([0, 0, 1], [0, 1, 1], color=_SIGNS, lw=4, clip_on=False, zorder=4)
    axis.plot([0, 1, 1], [0, 0, 1], color=_EXACT, lw=4, clip_on=False, zorder=5)
    axis.plot(0.5, 0.5, "o", color=_EXACT, ms=9, mec="white", zorder=6)


def _names(axis: Axes, constant: float) -> None:
    """Write the rule into every region."""
    regions = {
        (0.25, 0.89): f"p ≥ 2 ≥ q: weights;\na constant, at most {constant:.2f}",
        (0.25, 0.26): "p, q > 2: weights;\n2→q norm with\nweighted columns",
        (0.765, 0.76): "p, q < 2:\nthe same,\ntransposed",
        (0.77, 0.37): "p < 2 < q:\nthe same, both ways;\ninterpolation",
    }
    for (x, y), text in regions.items():
        axis.text(x, y, text, ha="center", va="center", fontsize=9, path_effects=_HALO, zorder=7)


def _ticks(axis: Axes) -> None:
    for part in (axis.xaxis, axis.yaxis):
        part.set_ticks(list(_TICKS), list(_TICKS.values()))
        part.set_tick_params(length=0, labelsize=9, pad=5)
    axis.set_xlabel("p: v has length 1 in the norm of ℓ$_p$", fontsize=9.5)
    axis.set_ylabel("q: Av is measured by the norm of ℓ$_q$", fontsize=9.5)
    axis.set(xlim=(0, 1), ylim=(0, 1))
    axis.spines[:].set_visible(False)


def _legend() -> list[Line2D]:
    return [
        Line2D([], [], color=_EXACT, lw=4, marker="o", mec="white", ms=8, label="exact: p = 1, q = ∞, and p = q = 2"),
        Line2D([], [], color=_SIGNS, lw=4, label="exact up to 24 columns (p = ∞) or rows (q = 1)"),
        Line2D([], [], color=_SQUARES, lw=2.5, label="2→q norm: sums of squares, nearly always exact"),
        Line2D([], [], color="black", lw=0.9, ls=(0, (4, 3)), label="p = q; above it exact if no entry is negative"),
    ]


if __name__ == "__main__":
    save(draw(), "norm_map")
