"""Schatten regression beside ridge regression and others."""

from __future__ import annotations

import functools
import math
import re

import numpy as np

from docs.numbers.registry import Row, Table, count, digits, number, one, percent, power, rows, seconds, span, table
from experiments.gauss_markov_intervals import NORMS, flat, longer
from experiments.gauss_markov_study import METHODS, compare, outcome

NAMES = {
    "nuclear": "hypernorm, p = 1",
    "spectral": "hypernorm, p = ∞",
    "chosen norm": "hypernorm, chosen p",
    "blend": "hypernorm, blend of p = 1, 2, ∞",
}
SHOWN = [method for method in METHODS if method != "ridge" and "penalties" not in method]
PARTS = {"synthetic": "synthetic", "fixed": "own directions", "data": "data"}


@functools.cache
def _compared(against: str = "ridge") -> list[Row]:
    return compare(rows("gauss_markov_study"), against)


@table("gauss_markov_study")
def regressions() -> Table:
    """Mean error relative to ridge regression; won or lost: beyond two standard errors of the paired difference."""
    return _regressions("synthetic", "data")


@table("gauss_markov_study")
def regressions_fixed() -> Table:
    """The same for signals along the singular directions of the samples."""
    return _regressions("fixed")


def _regressions(*parts: str) -> Table:
    groups: dict[str, dict[str, list[Row]]] = {}
    for row in sorted(_compared(), key=_order):
        if row["part"] in parts:
            groups.setdefault(_group(row), {}).setdefault(row["method"], []).append(row)
    result = [["method", *(f"{group} ({len(methods['ridge'])})" for group, methods in groups.items())]]
    for method in SHOWN:
        result.append([NAMES.get(method, method), *(_against_ridge(found[method]) for found in groups.values())])
    return result


@table("gauss_markov_study")
def regression_problems() -> Table:
    """Every problem: the error of ridge, and the differences in per cent of it, with their standard errors."""
    shown = ["nuclear", "spectral", "chosen norm", "blend", "principal components", "partial least squares"]
    result = [
        ["problem", "ridge regression", *(NAMES.get(method, method).removeprefix("hypernorm, ") for method in shown)]
    ]
    problems: dict[str, dict[str, Row]] = {}
    for row in sorted(_compared(), key=_order):
        problems.setdefault(row["problem"], {})[row["method"]] = row
    for name, methods in problems.items():
        ridge = methods["ridge"]
        line = [name, f"{ridge['mean']:.3g} ± {ridge['standard_error']:.1g}"]
        for method in shown:
            scale = 100 / ridge["mean"]
            difference, error = scale * methods[method]["difference"], scale * methods[method]["difference_error"]
            line.append(f"{difference:+.1f} ± {error:.1f}%".replace("-", "−"))
        result.append(line)
    return result


def _alignment(row: Row) -> float | None:
    found = re.search(r"a = (−?[\d.]+)", row["problem"])
    return float(found[1].replace("−", "-")) if found else None


def _order(row: Row) -> tuple[int, float]:
    alignment = _alignment(row)
    return list(PARTS).index(row["part"]), math.inf if alignment is None else alignment


def _group(row: Row) -> str:
    alignment = _alignment(row)
    return PARTS[row["part"]] + ("" if alignment is None else f", a = {alignment:g}".replace("-", "−"))


def _against_ridge(same: list[Row]) -> str:
    changes = [100 * row["difference"] / row["reference"] for row in same]
    outcomes = [outcome(row) for row in same]
    counted = {"won": outcomes.count("wins"), "lost": outcomes.count("loses")}
    words = [f"{value} {word}" for word, value in counted.items() if value] or ["ties"]
    return ", ".join([f"{_range(min(changes), max(changes))}%", *words])


def _range(low: float, high: float) -> str:
    texts = [f"{value:+.0f}" for value in (low, high)]
    texts = ["0" if float(text) == 0 else text.replace("-", "−") for text in texts]
    return texts[0] if texts[0] == texts[1] else " to ".join(texts)


@number
def problems_shown() -> str:
    """How many problems the first table has, of all."""
    parts = [row["part"] for row in _compared() if row["method"] == "nuclear"]
    return count(sum(part != "fixed" for part in parts), len(parts))


@number
def change(method: str, group: str) -> str:
    """From the best to the worst synthetic problem of an alignment, the change of the error relative to ridge."""
    name = {"chosen": "chosen norm"}.get(method, method)
    same = [
        100 * row["difference"] / row["reference"]
        for row in _compared()
        if row["part"] == "synthetic" and row["method"] == name and _alignment(row) == float(group)
    ]
    low, high = sorted(map(abs, same))[:: len(same) - 1]
    return f"{low:.0f} to {high:.0f}%" if min(same) * max(same) > 0 else f"{_range(min(same), max(same))}%"


@number
def record(method: str, against: str, kind: str, part: str = "all") -> str:
    """On how many problems a method wins or loses against another one; of one part only those with a ≤ −1."""
    full = {"components": "principal components", "pls": "partial least squares", "loo": "ridge, leave-one-out"}
    name = {"chosen": "chosen norm"}.get(method, method)
    same = [row for row in _compared(full.get(against, against)) if row["method"] == name]
    if part != "all":
        same = [row for row in same if row["part"] == part and (_alignment(row) or 0) <= -1]
    return f"{sum(outcome(row) == kind for row in same)} of {len(same)}"


@number
def least_favourable(method: str) -> str:
    """The problem on which a method loses most to ridge: the loss and its standard error."""
    same = [row for row in _compared() if row["method"] == method]
    row = max(same, key=lambda row: row["difference"] / row["reference"])
    scale = 100 / row["reference"]
    return f"{scale * row['difference']:.1f} ± {scale * row['difference_error']:.1f}%"


@number
def alignment_risk(method: str, decay: str, alignment: str, noise: str) -> str:
    """The risk of a tuned method over that of the best shrinkage of every direction."""
    case = {"decay": int(decay), "alignment": float(alignment), "noise": float(noise)}
    return f"{one('gauss_markov_study', part='alignment', **case)['risks'][method]:.2f}"


@number
def coarse_grid(method: str, what: str) -> str:
    """What nine penalties cost instead of 81, on average or at worst."""
    means = {(row["problem"], row["method"]): row["mean"] for row in _compared()}
    problems = dict.fromkeys(problem for problem, _ in means)
    costs = [means[p, f"{method}, 9 penalties"] / means[p, method] - 1 for p in problems]
    return percent({"average": np.mean, "worst": max}[what](costs))


@table("gauss_markov_intervals")
def interval_coverage() -> Table:
    """Least and largest coverage of intervals at the level of 95%, and their lengths beside those without data."""
    result = [
        [
            "σ, penalty, samples (designs)",
            "at the worst β",
            "at random β, at least",
            "without the bias, at least",
            "length over that without data, p = 1",
            *("p = 2", "p = ∞"),
        ]
    ]
    every = flat(rows("gauss_markov_intervals"))
    names = {
        "known": "σ known, penalty fixed",
        "estimated": "σ estimated, penalty fixed",
        "chosen": "σ known, penalty chosen by leave-one-out",
    }
    for part, name in names.items():
        for size in ("n > d", "n < d"):
            same = [row for row in every if row["part"] == part and (row["n"] > row["d"]) == (size == "n > d")]
            if not same:
                continue
            lengths = [[row["relative_length"] for row in same if row["norm"] == norm] for norm in NORMS]
            result.append(
                [
                    f"{name}, {size} ({len(same) // 3})",
                    span(min(row["worst"] for row in same), max(row["worst"] for row in same), 3),
                    f"{min(row['random'] for row in same):.3f}",
                    f"{min(row['worst_without_bias'] for row in same):.3f}",
                    *(span(min(values), max(values)) for values in lengths),
                ]
            )
    return result


@number
def interval_lengths(norm: str) -> str:
    """Lengths of the intervals over those of ridge regression, from the least to the largest."""
    ratios = longer(rows("gauss_markov_intervals"), norm)
    return span(min(ratios), max(ratios))


@table("linear_model", "path")
def ridge_paths() -> Table:
    """SchattenRegressorCV beside scikit-learn's RidgeCV, the same penalties, folds and score."""
    result = [["100 penalties", "RidgeCV", "SchattenRegressorCV, p = 2", "five norms"]]
    for part, name in (("path", "five folds"), ("loo", "leave-one-out")):
        (row,) = rows("linear_model", part)
        five = seconds(row["five norms, s"]) if "five norms, s" in row else ""
        size = f"{name}, {row['n']:,} × {row['d']}"
        result.append([size, seconds(row["RidgeCV, s"]), seconds(row["one norm, s"]), five])
    return result


@number
def coefficients_apart() -> str:
    """The largest relative difference of the coefficients to those of RidgeCV."""
    return power(rows("linear_model", "path")[0]["coefficients apart"])


@table("linear_model", "fits")
def fits() -> Table:
    """One fit of each norm beside Ridge, by its fastest solver of equal accuracy, to four digits, and by svd."""
    result = [["one fit", "p = 2", "Ridge", "Ridge, 4 digits", "p = 1", "p = 3", "p = ∞", "Ridge, svd"]]
    for row in rows("linear_model", "fits"):
        size = f"{row['n']:,} × {row['d']:,}" + ("" if row["density"] == 1 else f", {row['density']:.1%} full")
        rough = min(row[f"{solver}, 4 digits, s"] for solver in ("sparse_cg", "lsqr"))
        theirs = seconds(row[f"{row['fastest of Ridge']}, s"])
        others = [seconds(row[f"p = {p}, s"]) for p in (1, 3, "inf")]
        svd = seconds(row["svd, s"]) if "svd, s" in row else ""
        result.append([size, seconds(row["p = 2, s"]), theirs, seconds(rough), *others, svd])
    return result


@table("linear_model", "shapes")
def shapes() -> Table:
    """Leave-one-out for 100 penalties beside RidgeCV: time and memory."""
    result = [["leave-one-out", "SchattenRegressorCV", "RidgeCV", "memory", "RidgeCV, memory"]]
    for row in rows("linear_model", "shapes"):
        size = f"{row['n']:,} × {row['d']:,}" + ("" if row["targets"] == 1 else f", {row['targets']} targets")
        times = [seconds(row[f"{name}, s"]) for name in ("hypernorm", "RidgeCV")]
        memory = [f"{digits(row[f'{name}, MiB'])} MiB" for name in ("hypernorm", "RidgeCV")]
        result.append([size, *times, *memory])
    return result


@table("linear_model", "memory")
def large_fit() -> Table:
    """Time and memory of one fit of a million samples."""
    result = [["1,000,000 × 100", "time", "memory beyond the data"]]
    names = {"hypernorm": "SchattenRegressor(p=1, solver='gram')", "scikit-learn": "Ridge of scikit-learn"}
    for row in rows("linear_model", "memory"):
        result.append([names[row["method"]], seconds(row["seconds"]), f"{digits(row['beyond_megabytes'])} MiB"])
    return result
