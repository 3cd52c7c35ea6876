"""Robust means: every method on every kind of outliers."""

from __future__ import annotations

import math

from docs.numbers.registry import Row, Table, digits, number, percent, rows, table
from docs.numbers.sums_of_squares import ending
from experiments.clean_lines import fraction_beyond
from experiments.means.methods import DETERMINANT, MOMENT, UNINFORMED
from experiments.means.summary import (
    centered,
    clean_losses,
    family_errors,
    groups,
    hidden_gains,
    mean_errors,
    worst_biases,
)
from experiments.robust_mean import ADVERSARIES
from experiments.tables import OUTLIERS

SHOWN = {
    "sample mean": "sample mean",
    "geometric median": "geometric median",
    DETERMINANT: "MinCovDet",
    "Lai–Rao–Vempala": "Lai–Rao–Vempala",
    "projected gradient": "projected gradient",
    "quantum entropy": "quantum entropy",
    MOMENT: "`moment`",
    "inliers": "inliers' own",
}
NAMES = {"second": "covariance filter", "gradient": "projected gradient", "mean": "sample mean", "moment": MOMENT}
NAMES |= {"determinant": DETERMINANT, "inliers": "inliers", "lai": "Lai–Rao–Vempala"}
CASES = (
    (OUTLIERS["none"], "inliers", ("gaussian", "none")),
    *((OUTLIERS[name], "contamination", (name, 0.1)) for name in ADVERSARIES),
    ("cluster, ε = 0.3", "contamination", ("cluster", 0.3)),
    ("hidden, ε = 0.3", "contamination", ("hidden", 0.3)),
    ("Student's t₅, none", "inliers", ("t5", "none")),
    ("Student's t₅, cluster", "inliers", ("t5", "cluster")),
    ("two groups of inliers, none", "inliers", ("mixture", "none")),
    ("two groups of inliers, cluster", "inliers", ("mixture", "cluster")),
)


def _errors(part: str, setting: tuple, measured: str = "errors") -> dict[str, float]:
    same = groups(rows("robust_mean"), part)[setting]
    return {name: mean for name, (mean, _) in mean_errors(same, measured).items()}


@table("robust_mean")
def mean_errors_by_outliers() -> Table:
    """Mean errors, those within 3% of the best method's bold."""
    result = [["outliers", *SHOWN.values()]]
    for label, part, setting in CASES:
        means = _errors(part, setting)
        best = min(means[name] for name in SHOWN if name != "inliers")
        cells = []
        for name in SHOWN:
            text = f"{means[name]:.2f}"
            cells.append(f"**{text}**" if name != "inliers" and means[name] <= 1.03 * best else text)
        result.append([label, *cells])
    return result


@number
def hidden_bias(method: str, fraction: str, n: str = "4000") -> str:
    """The distance from the inliers' mean, in standard deviations, with outliers in the direction of least variance."""
    biases = _errors("hidden", (int(n), float(fraction)), "biases")
    if method == "others":
        return digits(min(biases[name] for name in UNINFORMED if name in biases and name != MOMENT), 3)
    return digits(biases[NAMES[method]])


@number
def hidden_gain(fraction: str) -> str:
    """How many times as far off the next best method is."""
    return f"{hidden_gains(rows('robust_mean'))[float(fraction)][0]:.0f}"


@table("robust_mean")
def mean_rates() -> Table:
    """The bias at the worst distance of a cluster over √ε, by ε."""
    worst = worst_biases(rows("robust_mean"))
    fractions = [value for value in worst if value <= 0.1]
    result = [["worst bias / √ε", *(f"ε = {value:g}" for value in fractions)]]
    for name in (MOMENT, "covariance filter", "Lai–Rao–Vempala"):
        result.append([name, *(f"{worst[value][name][0] / math.sqrt(value):.2f}" for value in fractions)])
    return result


FAMILY_METHODS = {
    MOMENT: "`moment`",
    "sample mean": "sample mean",
    "projected gradient": "projected gradient",
    "Lai–Rao–Vempala": "Lai–Rao–Vempala",
    "covariance filter": "covariance filter",
    "geometric median": "geometric median",
    "Lee–Valiant": "Lee–Valiant",
    DETERMINANT: "MinCovDet",
}


@table("robust_mean")
def family_means() -> Table:
    """Geometric means of √(1 + e²) over the samples of a group of families, by half; "—" where a method failed."""
    result = [["families", "half", *FAMILY_METHODS.values()]]
    for half in "AB":
        for group, means in family_errors(rows("robust_mean"), half).items():
            cells = (f"{means[name]:.2f}" if name in means else "—" for name in FAMILY_METHODS)
            result.append([group, half, *cells])
    return result


@table("robust_mean")
def symmetric_ratios() -> Table:
    """The error over that of the sample mean on clean symmetric samples, the largest of the families, by columns."""
    ratios = centered(rows("robust_mean"), "A") | centered(rows("robust_mean"), "B")
    columns = sorted({d for _, d in ratios})
    result = [["largest error / that of the sample mean", *(f"d = {d}" for d in columns)]]
    for name, label in FAMILY_METHODS.items():
        if name != "sample mean":
            worst = [max(found[name] for (_, at), found in ratios.items() if at == d) for d in columns]
            result.append([label, *(f"{value:.2f}" for value in worst)])
    return result


@number
def clean_loss(method: str) -> str:
    """The largest loss to the sample mean on samples without outliers."""
    name = {"moment": MOMENT, "certified": "certified reweighting"}[method]
    return percent(max(loss for loss, _, _ in clean_losses(rows("robust_mean"), name)), up=True)


@number
def false_alarms_at_start() -> str:
    """How often clean normal samples pass a limit of the moment filter before anything is left out."""
    return percent(fraction_beyond(rows("clean_lines")), 1)


@number
def few_samples(method: str, n: str) -> str:
    """The error over that of the inliers' own mean, a cluster among few samples of 20 dimensions."""
    means = _errors("samples", ("cluster", int(n)))
    return f"{means[NAMES[method]] / means['inliers']:.1f}"


@number
def cluster_error(fraction: str) -> str:
    """The error with a cluster at √d."""
    return digits(_errors("contamination", ("cluster", float(fraction)))[MOMENT])


@number
def data_error(data: str, fraction: str, method: str) -> str:
    """The error on a table of real data."""
    name = {"malignant": "breast cancer, malignant", "negatives": "digits, negatives"}[data]
    return digits(_errors("data", (name, float(fraction)))[NAMES[method]])


@table("robust", "peers")
def robust_speed() -> Table:
    """Seconds, errors and bounds of robust means of many samples in many dimensions."""
    result = [["method", "time", "distance from the mean of the inliers", "proved bound", "by the weights' variance"]]
    for row in rows("robust", "peers"):
        error = f"{row['error']:.2g}" if "error" in row else ""
        result.append([row["method"], ending(row), error, *(_bound(row, f"error_bound{of}") for of in ("", "_given"))])
    return result


def _bound(row: Row, name: str) -> str:
    return f"{math.ceil(100 * row[name]) / 100:.2f}" if name in row else ""
