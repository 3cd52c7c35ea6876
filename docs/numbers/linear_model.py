"""Schatten regression beside ridge regression and others."""

from __future__ import annotations

import re

import numpy as np

from docs.numbers.registry import Row, Table, digits, number, one, percent, power, rows, seconds, table
from experiments.gauss_markov_study import METHODS, compare, outcome

NAMES = {"nuclear": "hypernorm, p = 1", "spectral": "hypernorm, p = ∞", "chosen norm": "hypernorm, chosen p"}


@table("gauss_markov_study")
def regressions() -> Table:
    """Mean error relative to ridge regression; won or lost: beyond two standard errors of the paired difference."""
    groups: dict[str, dict[str, list[Row]]] = {}
    for row in compare(rows("gauss_markov_study")):
        groups.setdefault(_group(row), {}).setdefault(row["method"], []).append(row)
    shown = [method for method in METHODS if method != "ridge" and "penalties" not in method]
    result = [["method", *(f"{group} ({len(methods['ridge'])})" for group, methods in groups.items())]]
    for method in shown:
        result.append([NAMES.get(method, method), *(_against_ridge(found[method]) for found in groups.values())])
    return result


def _group(row: Row) -> str:
    alignment = re.search(r"a = \d+", row["problem"])
    return f"synthetic, {alignment.group()}" if alignment else "data"


def _against_ridge(same: list[Row]) -> str:
    changes = [100 * row["difference"] / row["reference"] for row in same]
    outcomes = [outcome(row) for row in same]
    counted = {"won": outcomes.count("wins"), "lost": outcomes.count("loses")}
    words = [f"{value} {word}" for word, value in counted.items() if value] or ["ties"]
    return ", ".join([f"{_range(min(changes), max(changes))}%", *words])


def _range(low: float, high: float) -> str:
    texts = [f"{value:+.0f}".replace("-", "−").replace("+0", "0").replace("−0", "0") for value in (low, high)]
    return texts[0] if texts[0] == texts[1] else " to ".join(texts)


@number
def change(method: str, group: str) -> str:
    """From the best to the worst problem of a group, the change of the error relative to ridge regression."""
    name = {"chosen": "chosen norm"}.get(method, method)
    wanted = group if group == "data" else f"synthetic, a = {group}"
    same = [row for row in compare(rows("gauss_markov_study")) if row["method"] == name and _group(row) == wanted]
    low, high = sorted(abs(100 * row["difference"] / row["reference"]) for row in same)[:: len(same) - 1]
    return f"{low:.0f} to {high:.0f}%"


@number
def record(method: str, against: str, kind: str) -> str:
    """On how many problems a method wins or loses against another one."""
    full = {"components": "principal components", "pls": "partial least squares"}.get(against, against)
    same = [row for row in compare(rows("gauss_markov_study"), full) if row["method"] == method]
    return f"{sum(outcome(row) == kind for row in same)} of {len(same)}"


@number
def alignment_risk(method: str) -> str:
    """The risk of a tuned method over that of the best shrinkage of every direction: eigenvalues 1/i, a = 4."""
    row = one("gauss_markov_study", part="alignment", decay=1, alignment=4, noise=5e-4)
    return f"{row['risks'][method]:.2f}"


@number
def coarse_grid(method: str, what: str) -> str:
    """What nine penalties cost instead of 81, on average or at worst."""
    means = {(row["problem"], row["method"]): row["mean"] for row in compare(rows("gauss_markov_study"))}
    problems = dict.fromkeys(problem for problem, _ in means)
    costs = [means[p, f"{method}, 9 penalties"] / means[p, method] - 1 for p in problems]
    return percent({"average": np.mean, "worst": max}[what](costs))


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
