"""Squared error of Schatten-constrained estimators against γ = d/n: the limit as lines, finite samples as points."""

from __future__ import annotations

import math

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from experiments.gauss_markov_risk import NOISES, NORMS, best_penalty, compare
from experiments.runner import Row
from hypernorm.linear_model import generalization_error
from paper_figures.style import COLOURS, GREY, MARKERS, PAGE, figure, rows_on_file, save

__all__ = ["draw"]

_TITLES = {
    "nuclear": "nuclear norm (p = 1)",
    "p = 1.5": "p = 1.5",
    "ridge": "ridge (p = 2)",
    "spectral": "spectral norm (p = ∞)",
}
_ROWS = {"gaussian": "Gaussian samples", "coordinate": "coordinate samples √d eⱼ"}
_STYLES = {
    noise: {"color": COLOURS[colour], "marker": marker}
    for noise, colour, marker in zip(NOISES, ("blue", "vermilion", "green"), MARKERS, strict=False)
}


def draw(rows: list[Row]) -> Figure:
    """Draw one panel for each ensemble and norm."""
    compared = compare(rows)
    samples, repeats = rows[0]["n"], len({row["seed"] for row in rows})
    gammas = sorted({row["gamma"] for row in compared})
    # More points than were simulated, for smooth lines; none at γ = 1, where least squares has no limit.
    steps = [gammas[0] * (gammas[-1] / gammas[0]) ** (step / 28) for step in range(29)]
    fig = figure(PAGE, 4.8)
    axes = fig.subplots(2, len(NORMS), sharex=True, sharey=True)
    for line, (ensemble, row_title) in zip(axes, _ROWS.items(), strict=True):
        for axis, (name, p) in zip(line, NORMS.items(), strict=True):
            for noise in NOISES:
                style = _STYLES[noise]
                reference = [_limit(ensemble, gamma, 2.0, noise) for gamma in steps]
                if name != "ridge":
                    axis.plot(steps, reference, color=GREY, lw=0.8, ls=(0, (3, 2)))
                limits = [_limit(ensemble, gamma, p, noise) for gamma in steps]
                axis.plot(steps, limits, color=style["color"])
                same = [
                    row for row in compared if (row["ensemble"], row["norm"], row["noise"]) == (ensemble, name, noise)
                ]
                axis.errorbar(
                    [row["gamma"] for row in same],
                    [row["mean"] for row in same],
                    yerr=[2 * row["standard_error"] for row in same],
                    ls="",
                    ms=3.5,
                    **style,
                )
            axis.set_xscale("log")
            axis.set_yscale("log")
            axis.xaxis.set_major_locator(FixedLocator([0.2, 0.5, 1, 2, 3]))
            axis.xaxis.set_minor_locator(NullLocator())
            axis.yaxis.set_major_locator(FixedLocator([0.02, 0.05, 0.1, 0.2, 0.5, 1]))
            axis.yaxis.set_minor_locator(NullLocator())
            for side in (axis.xaxis, axis.yaxis):
                side.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            if ensemble == "gaussian":
                axis.set_title(_TITLES[name])
            else:
                axis.set_xlabel("γ = dimension/samples")
        line[0].set_ylabel(f"{row_title}\nerror ‖β̂ − β‖² (‖β‖ = 1)")
    handles = [Line2D([], [], **_STYLES[noise], label=f"noise deviation σ = {noise:g}") for noise in reversed(NOISES)]
    handles += [
        Line2D([], [], color="black", label="theory for d, n → ∞, best penalty"),
        Line2D([], [], color="black", marker="o", ls="", label=f"simulated, n = {samples}: mean of {repeats} ± 2 s.e."),
        Line2D([], [], color=GREY, lw=0.8, ls=(0, (3, 2)), label="theory of ridge, for comparison"),
    ]
    fig.legend(handles=handles, loc="outside lower center", ncols=3)
    return fig


def _limit(ensemble: str, gamma: float, p: float, noise: float) -> float:
    gamma = 1.001 if math.isclose(gamma, 1, abs_tol=1e-3) else gamma
    return generalization_error(gamma, best_penalty(ensemble, gamma, p, noise), p=p, noise=noise, ensemble=ensemble)


if __name__ == "__main__":
    save(draw(rows_on_file("gauss_markov_risk")), "gauss_markov_risk")
