"""Plot of coefficients against the penalty."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hypernorm._arithmetic import own_arithmetic
from hypernorm._display import exponent_text
from hypernorm.exceptions import InvalidInputError

__all__ = ["plot_path"]

_MOST_NAMES = 12


@own_arithmetic
def plot_path(path: Any, *, target: int = 0, axes: Axes | None = None) -> Axes:
    """Draw the coefficients of a path against the penalty, on a logarithmic scale.

    The axis above shows the bound C on the bias that belongs to the penalties.

    Parameters
    ----------
    path : CoefficientPath
        As returned by `SchattenRegressor.path`.
    target : int, default 0
        The target to draw, of several.
    axes : matplotlib.axes.Axes, optional
        Axes to draw into; by default those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InvalidInputError
        If no penalty is positive, or if there is no such target.

    See Also
    --------
    hypernorm.linear_model.SchattenRegressor.path : Computes a path.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.linear_model import SchattenRegressor
    >>> from hypernorm.plotting import plot_path
    >>> X = np.random.default_rng(0).standard_normal((50, 3))
    >>> axes = plot_path(SchattenRegressor(p=1).path(X, X @ [1.0, 2.0, 3.0]))
    >>> axes.get_xlabel()
    'penalty'
    """
    coefs = path.coefs[:, None, :] if path.coefs.ndim == 2 else path.coefs
    if not 0 <= target < coefs.shape[1]:
        raise InvalidInputError(f"target must be from 0 to {coefs.shape[1] - 1}, got {target!r}.")
    shown = path.alphas > 0
    if not shown.any():
        raise InvalidInputError("the path has no positive penalty, and the axis of penalties is logarithmic.")
    if axes is None:
        axes = Figure(figsize=(7.5, 4.2), layout="constrained").add_subplot()
    alphas, bounds = path.alphas[shown], path.bias_norms[shown]
    lines = axes.semilogx(alphas, coefs[shown, target], linewidth=1.5)
    if path.feature_names and len(lines) <= _MOST_NAMES:
        axes.legend(lines, path.feature_names, fontsize=8.5)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xlabel("penalty")
    axes.set_ylabel("coefficient")
    p = r"\infty" if np.isinf(path.p) else exponent_text(path.p)
    axes.set_title(rf"Coefficients, $p = {p}$", fontsize=11)
    upper = axes.twiny()
    upper.set_xscale("log")
    upper.set_xlim(axes.get_xlim())
    places = np.unique(np.linspace(0, len(alphas) - 1, min(6, len(alphas))).round().astype(int))
    upper.set_xticks(alphas[places], [f"{bounds[place]:.2g}" for place in places])
    upper.minorticks_off()
    upper.set_xlabel("bound C on the bias", fontsize=9)
    for each in (axes, upper):
        each.spines[["right"]].set_visible(False)
    return axes
