"""Tables and verdicts of the experiment on robust means."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from experiments import repeats
from experiments.means.families import GROUPS
from experiments.means.methods import METHODS, MOMENT, ORACLE, OURS, STANDARD, UNINFORMED
from experiments.runner import Row
from experiments.tables import markdown

LOSS = 0.1
GAIN = 10.0

FACTORS = {
    "contamination": ("adversary", "contamination"),
    "inliers": ("inliers", "adversary"),
    "clean": ("inliers", "adversary", "n", "d"),
    "dimension": ("adversary", "d"),
    "samples": ("adversary", "n"),
    "rate": ("contamination", "distance"),
    "hidden": ("n", "contamination"),
    "small": ("inliers", "adversary"),
    "adaptive": ("contamination",),
    "data": ("data", "contamination"),
}
"""What tells the settings of a part apart."""


def groups(rows: Iterable[Row], part: str) -> dict[tuple, list[Row]]:
    """The rows of a part by setting, in the order of the settings."""
    return repeats.groups(rows, part, *FACTORS[part])


def mean_errors(rows: Sequence[Row], measured: str = "errors") -> dict[str, tuple[float, float]]:
    """Mean and standard error of every method, over the rows in which it was measured."""
    result = {}
    for name in (*METHODS, ORACLE):
        values = np.array([row[measured][name] for row in rows if name in row[measured]])
        if len(values) > 1:
            result[name] = repeats.mean_and_error(values)
    return result


def excess(rows: Sequence[Row], method: str, reference: str) -> tuple[float, float]:
    """Mean and standard error of the paired difference of errors, over the rows in which both were measured."""
    both = [row["errors"] for row in rows if method in row["errors"] and reference in row["errors"]]
    return repeats.mean_and_error(np.array([errors[method] - errors[reference] for errors in both]))


def winners(rows: Sequence[Row]) -> list[str]:
    """The method with the least mean error, and those within two standard errors of the paired difference to it."""
    means = {name: mean for name, (mean, _) in mean_errors(rows).items() if name in UNINFORMED}
    ranked = sorted(means, key=means.__getitem__)
    differences = {name: excess(rows, name, ranked[0]) for name in ranked[1:]}
    return [ranked[0], *(name for name, (mean, error) in differences.items() if mean <= 2 * error)]


def summary(rows: list[Row]) -> str:
    """Tables of all parts, who wins where, and the verdict."""
    parts = [table(rows, part) for part in FACTORS if part != "rate"]
    return "\n\n".join([*parts, rate_table(rows), family_table(rows), winner_table(rows), verdict(rows)])


def table(rows: list[Row], part: str) -> str:
    """Mean errors; of the part "hidden" the biases, where the mean of the inliers is what can be known."""
    measured = "biases" if part == "hidden" else "errors"
    lines = []
    for setting, same in groups(rows, part).items():
        means = mean_errors(same, measured)
        cells = [f"{means[name][0]:.3f}" if name in means else "" for name in (*METHODS, ORACLE)]
        lines.append([" ".join(map(str, setting)), *cells])
    return f"### {part}: {measured}\n" + markdown([", ".join(FACTORS[part]), *METHODS, ORACLE], lines)


def worst_biases(rows: list[Row]) -> dict[float, dict[str, tuple[float, float]]]:
    """For each contamination of the part "rate", the bias at the distance that is worst for the method."""
    result: dict[float, dict[str, tuple[float, float]]] = {}
    for (fraction, _), same in groups(rows, "rate").items():
        worst = result.setdefault(fraction, {})
        for name, value in mean_errors(same, "biases").items():
            worst[name] = max(value, worst.get(name, (0.0, 0.0)))
    return result


def exponent(rows: list[Row], method: str, largest: float) -> float:
    """Slope of the logarithm of the worst bias against log ε, for ε up to `largest`."""
    worst = {fraction: biases[method][0] for fraction, biases in worst_biases(rows).items() if fraction <= largest}
    return float(np.polyfit(np.log(list(worst)), np.log(list(worst.values())), 1)[0])


def rate_table(rows: list[Row]) -> str:
    """Worst biases over the distances of the cluster, and their growth with ε."""
    worst = worst_biases(rows)
    names = [name for name in METHODS if name in next(iter(worst.values()))]
    lines = [[fraction, *(f"{biases[name][0]:.3f}" for name in names)] for fraction, biases in worst.items()]
    lines.append(["exponent, ε ≤ 0.2", *(f"{exponent(rows, name, 0.2):.2f}" for name in names)])
    return "### rate: worst biases over the distances\n" + markdown(["ε", *names], lines)


def family_errors(rows: list[Row], half: str) -> dict[str, dict[str, float]]:
    """For each group of families the geometric means of √(1 + e²) over its samples, e in sampling errors."""
    result: dict[str, dict[str, float]] = {}
    for group in GROUPS:
        same = [
            row["errors"] for row in rows if row["part"] == "families" and (row["half"], row["group"]) == (half, group)
        ]
        names = [name for name in METHODS if same and all(name in errors for errors in same)]
        result[group] = {
            name: float(np.exp(np.mean([0.5 * math.log1p(errors[name] ** 2) for errors in same]))) for name in names
        }
    return result


def centered(rows: list[Row], half: str) -> dict[tuple[str, int], dict[str, float]]:
    """For each clean symmetric family the root mean squared error over that of the sample mean, and its columns."""
    result = {}
    for family, same in repeats.groups(rows, "families", "family").items():
        if (same[0]["half"], same[0]["group"]) == (half, "clean, symmetric"):
            squares = {
                name: np.mean([row["distances"][name] ** 2 for row in same])
                for name in METHODS
                if all(name in row["distances"] for row in same)
            }
            mean = squares[STANDARD["mean"]]
            result[family[0], same[0]["columns"]] = {name: math.sqrt(value / mean) for name, value in squares.items()}
    return result


def family_table(rows: list[Row]) -> str:
    """Both halves, all groups; then every family."""
    lines = [
        [half, group, *(f"{means[name]:.3f}" if name in means else "" for name in METHODS)]
        for half in "AB"
        for group, means in family_errors(rows, half).items()
    ]
    lines += [
        [half, f"{family}, center", *(f"{ratios[name]:.3f}" if name in ratios else "" for name in METHODS)]
        for half in "AB"
        for (family, _), ratios in centered(rows, half).items()
    ]
    for (half, family), same in repeats.groups(rows, "families", "half", "family").items():
        means = {name: np.mean([row["errors"].get(name, math.nan) for row in same]) for name in METHODS}
        lines.append([half, family, *(f"{means[name]:.2f}" for name in METHODS)])
    return "### families: geometric means of √(1 + e²), e in sampling errors\n" + markdown(
        ["half", "group", *METHODS], lines
    )


def winner_table(rows: list[Row]) -> str:
    """Who wins where: the best method of each setting with those that tie with it, and how often each is among them."""
    lines = []
    totals = {part: len(groups(rows, part)) for part in FACTORS}
    counts = {name: dict.fromkeys(FACTORS, 0) for name in METHODS}
    for part in FACTORS:
        for setting, same in groups(rows, part).items():
            best, *ties = winners(same)
            for name in (best, *ties):
                counts[name][part] += 1
            words = ", ".join(f"{name} {value}" for name, value in zip(FACTORS[part], setting, strict=True))
            lines.append([part, words, best, ", ".join(ties)])
    ranked = sorted((name for name in METHODS if name in UNINFORMED), key=lambda name: -sum(counts[name].values()))
    often = [[name, *counts[name].values(), sum(counts[name].values())] for name in ranked]
    often.append(["settings", *totals.values(), sum(totals.values())])
    return (
        "### who wins\n"
        + markdown(["part", "setting", "best", "ties"], lines)
        + "\n\n### best, or tied with the best\n"
        + markdown(["method", *FACTORS, "all"], often)
    )


def hidden_gains(rows: list[Row]) -> dict[float, tuple[float, str]]:
    """For each contamination, n at its largest: the least bias of a competitor over the moment filter's, and whose."""
    settings = groups(rows, "hidden")
    largest = max(n for n, _ in settings)
    result = {}
    for (n, fraction), same in settings.items():
        if n == largest:
            biases = {name: mean for name, (mean, _) in mean_errors(same, "biases").items() if name in UNINFORMED}
            rival = min((name for name in biases if name != MOMENT), key=biases.__getitem__)
            result[fraction] = biases[rival] / biases[MOMENT], rival
    return result


def clean_losses(rows: list[Row], method: str) -> list[tuple[float, float, str]]:
    """On every clean setting the excess over the sample mean's error, relative to it, its error, and the setting."""
    result = []
    for part in ("inliers", "clean", "dimension", "samples", "small"):
        for setting, same in groups(rows, part).items():
            means = mean_errors(same)
            if "none" in setting and method in means:
                reference = means[STANDARD["mean"]][0]
                difference, error = excess(same, method, STANDARD["mean"])
                result.append((difference / reference, error / reference, f"{part} {' '.join(map(str, setting))}"))
    return result


def verdict(rows: list[Row]) -> str:
    """Whether each claim stands."""
    return "\n".join([*hidden_verdict(rows), *clean_verdict(rows), *rate_verdict(rows), *bound_verdict(rows)])


def _word(stands: bool) -> str:
    return "stands" if stands else "REFUTED"


def hidden_verdict(rows: list[Row]) -> list[str]:
    """Claim 1, and what becomes of it near ε = 0.21."""
    gains = hidden_gains(rows)
    words = "; ".join(f"{gain:.1f} at ε = {fraction} ({rival})" for fraction, (gain, rival) in gains.items())
    stands = all(gain >= GAIN for fraction, (gain, _) in gains.items() if 0.05 <= fraction <= 0.1)
    return [
        f"1. hidden outliers, least bias of a competitor over that of the {MOMENT}: {words}",
        f"1. Verdict: {_word(stands)} for ε = 0.05 and 0.1 (at least {GAIN:g}).",
    ]


def clean_verdict(rows: list[Row]) -> list[str]:
    """Claim 2: the worst loss of each method, and everything that loses too much."""
    lines, failures = [], []
    for name in OURS:
        losses = clean_losses(rows, name)
        if losses:
            loss, error, where = max(losses)
            lines.append(f"2. clean samples, {name}: loses at most {100 * loss:+.1f} ± {100 * error:.1f}% ({where})")
        failures += [
            f"{name} on {where} ({100 * loss:.0f} ± {100 * error:.0f}%)" for loss, error, where in losses if loss > LOSS
        ]
    return [*lines, f"2. Verdict: {_word(not failures)}{' by ' + '; '.join(failures) if failures else ''}."]


def rate_verdict(rows: list[Row]) -> list[str]:
    """Claim 3: worst biases below ε = d^{-1/2}."""
    rival = "covariance filter"
    below = {fraction: biases for fraction, biases in worst_biases(rows).items() if fraction < 16**-0.5}
    ratios = "; ".join(
        f"{biases[rival][0] / biases[MOMENT][0]:.2f} at {fraction}" for fraction, biases in below.items()
    )
    roots = "; ".join(
        f"{biases[MOMENT][0] / math.sqrt(fraction):.2f} at {fraction}" for fraction, biases in below.items()
    )
    slopes = ", ".join(f"{name} {exponent(rows, name, 0.2):.2f}" for name in (MOMENT, rival))
    return [
        f"3. worst bias of the {rival} over that of the {MOMENT}: {ratios}; exponents of ε: {slopes}",
        f"3. worst bias of the {MOMENT} over √ε: {roots}",
        f"3. Verdict: {_word(all(biases[MOMENT][0] < biases[rival][0] for biases in below.values()))}.",
    ]


def bound_verdict(rows: list[Row]) -> list[str]:
    """No proved bound may be below the distance that it bounds."""
    bounds = [row for row in rows if row.get("bound") is not None]
    broken = sum(row["bounded"] > row["bound"] for row in bounds)
    return [f"4. Verdict on proved bounds: {_word(broken == 0)}; {len(bounds)} finite, {broken} below the distance."]
