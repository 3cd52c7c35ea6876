"""Plots of intervals, of the vectors that attain them, of the weights of robust means, and of sensitivity.

The figures do not use pyplot, so they need no display, change no global state and are freed like any object. Every
function draws into the given axes, or into a new figure, and returns the axes.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, PercentFormatter, StrMethodFormatter

from hypernorm._arithmetic import own_arithmetic
from hypernorm._display import exponent_text, rounded_down, rounded_up
from hypernorm._figures import BLUE, ORANGE, new_axes, strip
from hypernorm._path_plot import plot_path
from hypernorm._sensitivity import plot_sensitivity
from hypernorm._validation import check_matrix
from hypernorm.bounds import Interval
from hypernorm.certificates import MatrixNormCertificate, SampleMomentCertificate, Witness
from hypernorm.exceptions import InvalidInputError
from hypernorm.forms import Rows, fingerprint

__all__ = [
    "FIGURE_SUFFIXES",
    "check_figure_path",
    "plot_interval",
    "plot_path",
    "plot_sensitivity",
    "plot_weights",
    "plot_witness",
    "save_figure",
]

FIGURE_SUFFIXES = (".png", ".pdf", ".svg")
"""The file name endings that `save_figure` accepts."""

# For a larger ratio the axis is logarithmic, since good bounds would be too close on a linear axis.
_LARGEST_LINEAR_RATIO = 4.0
_SMALLEST_SPAN = 0.01


@own_arithmetic
def plot_interval(interval: Interval[Any, Any], *, axes: Axes | None = None) -> Axes:
    """Draw the upper bound of each certificate relative to the lower bound.

    There is one bar per certificate, in the order of computation: its proved upper bound divided by the lower bound.
    The norm, or the moment, is in the shaded band. Numbers are rounded outwards, so they are bounds too.

    Parameters
    ----------
    interval : Interval
        As returned by `hypernorm.two_to_q_norm`, `hypernorm.operator_norm` or `hypernorm.cut_norm`.
    axes : matplotlib.axes.Axes, optional
        Axes to draw into; by default those of a new figure, ``plot_interval(...).figure``.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InvalidInputError
        If the interval is that of a smallest gain.

    See Also
    --------
    hypernorm.two_to_q_norm : Computes an interval.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> from hypernorm.plotting import plot_interval, save_figure
    >>> X = np.random.default_rng(0).standard_normal((30, 4))
    >>> axes = plot_interval(hn.two_to_q_norm(X, random_state=0))
    >>> axes.get_xlabel()
    'proved upper bound divided by the lower bound'
    """
    if interval.is_minimum:
        raise InvalidInputError("plot_interval draws upper bounds; the certificates of a smallest gain are lower ones.")
    records = interval.records
    axes = new_axes(1.9 + 0.55 * len(records)) if axes is None else axes
    n, d = interval.certificate.shape
    is_moment = isinstance(interval.certificate, SampleMomentCertificate)
    certificate = interval.certificate
    matrix = certificate.data_name
    name = f"{interval.quantity}\n"
    if not is_moment and hasattr(certificate, "q"):
        name = rf"$\Vert {matrix}\,\Vert_{{{_math(getattr(certificate, 'p', 2.0))} \to {_math(certificate.q)}}}$ "
    size = f"{matrix} has {n} {'row' if n == 1 else 'rows'} and {d} {'column' if d == 1 else 'columns'}"
    where = f"lies between {rounded_down(interval.lower)} and {rounded_up(interval.upper)}"
    axes.set_title(f"{name}{where if interval.upper > 0 else 'is zero'}\n{size}", fontsize=11)
    if interval.lower == 0:
        # There is no ratio: norm or moment are zero, or so small that no positive lower bound is proved.
        axes.set_axis_off()
        text = (
            f"the {'moment' if is_moment else 'matrix'} is zero"
            if interval.upper == 0
            else "the proved lower bound is zero"
        )
        axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes)
        return axes
    ratios = np.array([record.upper / interval.lower for record in records])
    places = np.arange(len(records))
    best = int(ratios.argmin())
    span = max(float(ratios.max()) - 1, _SMALLEST_SPAN)
    axes.axvspan(1, ratios[best], color=ORANGE, alpha=0.3, linewidth=0)
    axes.hlines(places, 1, ratios, color=BLUE, linewidth=3, alpha=0.6)
    axes.plot(ratios, places, "o", color=BLUE, markersize=9, markeredgecolor="white")
    axes.axvline(1, color="black", linewidth=1.5)
    for place, (ratio, record) in enumerate(zip(ratios, records, strict=True)):
        axes.annotate(
            f"≤ {rounded_up(record.upper)}   ({_excess(ratio)})",
            (ratio, place),
            xytext=(9, 0),
            textcoords="offset points",
            va="center",
            fontweight="bold" if place == best else "normal",
        )
    axes.annotate(
        f"lower bound {rounded_down(interval.lower)}, attained by a vector",
        (1, -0.75),
        xytext=(5, 0),
        textcoords="offset points",
        va="center",
    )
    axes.set_yticks(places, [f"{record.kind.replace('_', ' ')}\n{_seconds(record.seconds)}" for record in records])
    axes.set_ylim(len(records) - 0.4, -1.1)
    if ratios.max() > _LARGEST_LINEAR_RATIO:
        axes.set_xscale("log")
        axes.set_xlim((1 + span) ** -0.04, (1 + span) ** 1.7)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if span < 100 else (1,)))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.set_xlim(1 - 0.04 * span, 1 + 1.7 * span)
    if span < 1e4:
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:.6g}"))
    axes.set_xlabel("proved upper bound divided by the lower bound")
    strip(axes)
    return axes


@own_arithmetic
def plot_witness(
    witness: Interval[Witness, MatrixNormCertificate] | Witness, X: Any, *, axes: Axes | None = None
) -> Axes:
    """Draw how many rows determine the norm: the cumulative share of the largest |⟨x_i, v⟩|^q in the sum ‖Xv‖_q^q.

    Parameters
    ----------
    witness : Witness or Interval
        The vector v.
    X : array_like, DataFrame or sparse matrix of shape (n, d)
        The matrix of the witness.
    axes : matplotlib.axes.Axes, optional
        Axes to draw into; by default those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InvalidInputError
        If the witness is for another matrix, or q = ∞, since then one row determines the norm.

    See Also
    --------
    hypernorm.lower_bound : Computes a witness.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> from hypernorm.plotting import plot_witness
    >>> X = np.random.default_rng(0).standard_normal((30, 4))
    >>> axes = plot_witness(hn.lower_bound(X, random_state=0), X)
    >>> axes.get_ylabel()
    'share of the sum'
    """
    witness = witness.witness if isinstance(witness, Interval) else witness
    if not isinstance(witness, Witness):
        raise InvalidInputError("the witness is for a moment or a complex matrix; compute one for a real matrix.")
    matrix = check_matrix(X)
    if tuple(matrix.shape) != witness.shape or fingerprint(matrix) != witness.fingerprint:
        raise InvalidInputError("the witness is for another matrix than X; give the matrix from which it was computed.")
    if math.isinf(witness.q):
        raise InvalidInputError("for q = ∞ one row determines the norm, so there are no shares; use a finite q.")
    cumulative = np.cumsum(np.sort(_shares(Rows(matrix), witness))[::-1])
    axes = new_axes(3.6) if axes is None else axes
    counts = np.arange(1, len(cumulative) + 1)
    axes.step(counts, cumulative, where="post", color=BLUE, linewidth=2)
    axes.plot(counts[:1], cumulative[:1], "o", color=BLUE)
    words = []
    for share in (0.5, 0.9):
        count = int(np.searchsorted(cumulative, share * (1 - 1e-12))) + 1
        if count <= len(cumulative):  # false if Xv is zero
            axes.plot(count, cumulative[count - 1], "o", color=ORANGE, markersize=9, markeredgecolor="black", zorder=3)
            words.append(f"{count} {'row carries' if count == 1 else 'rows carry'} {share:.0%}")
    # The cumulative sum of sorted shares is concave, so the lower right corner is free.
    axes.text(0.98, 0.06, "\n".join(words) or "Xv is zero", ha="right", transform=axes.transAxes)
    if len(counts) > 100:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(0, 1.03)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel(f"rows with the largest contributions, of {len(counts)}")
    axes.set_ylabel("share of the sum")
    q = _math(witness.q)
    axes.set_title(
        rf"How many rows carry $\Vert Xv\,\Vert_{{{q}}}^{{{q}}} = \sum_i |\langle x_i, v \rangle|^{{{q}}}$", fontsize=11
    )
    strip(axes)
    return axes


@own_arithmetic
def plot_weights(fitted: Any, *, is_inlier: Any = None, axes: Axes | None = None) -> Axes:
    """Draw the weight of every sample in a robust mean against its outlier score; the title is the removed weight.

    Parameters
    ----------
    fitted : RobustMean or RobustLocation
        A fitted estimator with weights; some of the standard estimators have none.
    is_inlier : array_like of shape (n,), bool, optional
        Truth, if known; outliers are then drawn with another colour and marker.
    axes : matplotlib.axes.Axes, optional
        Axes to draw into; by default those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InvalidInputError
        If there are no weights, or `is_inlier` does not have one boolean per sample.

    See Also
    --------
    hypernorm.robust.robust_mean : Computes the weights.

    Examples
    --------
    >>> from hypernorm.datasets import contaminated
    >>> from hypernorm.plotting import plot_weights
    >>> from hypernorm.robust import RobustMean
    >>> data = contaminated(300, 4, 0.1, adversary="far", random_state=0)
    >>> axes = plot_weights(RobustMean(0.1, random_state=0).fit(data.samples), is_inlier=data.is_inlier)
    >>> axes.get_ylabel()
    'weight, relative to equal ones'
    """
    if hasattr(fitted, "fit"):
        from sklearn.utils.validation import check_is_fitted  # loaded by whoever made the estimator

        check_is_fitted(fitted)
        weights, scores, removals = fitted.weights_, fitted.scores_, fitted.removals_
    else:
        weights, scores, removals = fitted.weights, fitted.scores, fitted.removals
    if weights is None:
        raise InvalidInputError("this method has no weights to draw; use 'moment', 'certified' or another filter.")
    inlier = np.ones(len(weights), dtype=bool) if is_inlier is None else np.asarray(is_inlier)
    if inlier.shape != weights.shape or inlier.dtype != bool:
        raise InvalidInputError(f"is_inlier must be {len(weights)} booleans, one for each sample.")
    axes = new_axes(3.6) if axes is None else axes
    for mask, label, style in (
        (inlier, "samples" if is_inlier is None else "inliers", {"color": BLUE, "marker": "o"}),
        (~inlier, "outliers", {"color": ORANGE, "marker": "X", "edgecolors": "black", "linewidths": 0.4}),
    ):
        if mask.any():
            relative = weights[mask] * len(weights)
            axes.scatter(scores[mask], relative, s=22, alpha=0.6, label=f"{mask.sum()} {label}", **style)
    reasons = dict.fromkeys((removal.reason for removal in removals), 0.0)
    for removal in removals:
        reasons[removal.reason] += removal.weight
    parts = ", ".join(f"{reason} {weight:.1%}" for reason, weight in reasons.items())
    axes.set_title(f"weight removed: {parts or 'none'}", fontsize=11)
    axes.set_xlabel("score: how far out a sample is")
    axes.set_ylabel("weight, relative to equal ones")
    axes.set_ylim(bottom=-0.05 * axes.get_ylim()[1])
    axes.legend()
    strip(axes)
    return axes


@own_arithmetic
def save_figure(axes: Axes, path: str | os.PathLike[str]) -> Path:
    """Save the figure of the axes and return its path.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    path : path
        Must end in ``.png``, ``.pdf`` or ``.svg``; an existing file is replaced.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    InvalidInputError
        If the ending is another one or the folder does not exist.

    See Also
    --------
    check_figure_path : The check of the path alone.

    Examples
    --------
    >>> import tempfile, pathlib, numpy as np, hypernorm as hn
    >>> axes = plot_interval(hn.two_to_q_norm(np.eye(3), random_state=0))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = save_figure(axes, pathlib.Path(folder) / "interval.svg")
    ...     path.stat().st_size > 0
    True
    """
    target = check_figure_path(path)
    part = axes.get_figure()
    assert part is not None
    part.figure.savefig(target, dpi=160)  # `part` may be a subfigure
    return target


@own_arithmetic
def check_figure_path(path: str | os.PathLike[str]) -> Path:
    """Return the path if a figure can be saved there; otherwise raise `InvalidInputError`.

    Parameters
    ----------
    path : path

    Returns
    -------
    Path

    Raises
    ------
    InvalidInputError
        If the name does not end in that of a format, or the folder does not exist.

    See Also
    --------
    save_figure : Writes the file.

    Examples
    --------
    >>> check_figure_path("picture.png").suffix
    '.png'
    """
    target = Path(path)
    if target.suffix.lower() not in FIGURE_SUFFIXES:
        raise InvalidInputError(f"{target} is no figure file; choose a name that ends in {', '.join(FIGURE_SUFFIXES)}.")
    if not target.parent.is_dir():
        raise InvalidInputError(f"there is no folder {target.parent} to save {target.name} in; create it first.")
    return target


def _shares(rows: Rows, witness: Witness) -> np.ndarray:
    """Share of each row in ‖Xv‖_q^q; zeros if Xv is zero."""
    step = rows.block_rows()
    n = rows.shape[0]
    image = np.concatenate([rows.block(start, min(start + step, n)) @ witness.vector for start in range(0, n, step)])
    largest = np.abs(image).max()
    if largest == 0:
        return np.zeros(n)
    with np.errstate(under="ignore"):
        powers = (np.abs(image) / largest) ** witness.q
    return powers / powers.sum()


def _excess(ratio: float) -> str:
    """Excess over the lower bound as text, rounded up: in per cent, or as a factor if it is at least 2."""
    if ratio >= 2:
        return f"× {rounded_up(ratio, 3)}"
    percent = 100 * max(ratio - 1, 0.0)
    return f"+{rounded_up(percent, 3 if percent >= 1e-3 else 2)} %"


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 0.01 else "< 0.01 s"


def _math(q: float) -> str:
    return r"\infty" if math.isinf(q) else exponent_text(q)
