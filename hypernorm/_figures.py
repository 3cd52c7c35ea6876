"""The style of the plots: colours, new axes without pyplot, and few lines."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = ["BLUE", "ORANGE", "new_axes", "strip"]

# From the palette of Okabe and Ito, which people with any colour vision can distinguish.
BLUE, ORANGE = "#0072B2", "#E69F00"


def new_axes(height: float) -> Axes:
    """The axes of a new figure of the given height in inches."""
    return Figure(figsize=(7.5, height), layout="constrained").add_subplot()


def strip(axes: Axes) -> None:
    """Remove the frame but for the left and lower line, and draw a light grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color="#DDDDDD", linewidth=0.8)
    axes.set_axisbelow(True)
