"""What papers claim, and what the rows on file say about it: the verdicts and numbers of docs/claims.md.

A finding has one part for each case of the claim. The claim is reproduced if every part holds, refuted if none does,
and narrowed otherwise.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from docs.numbers.registry import Row, count, number, power, rows, span
from experiments import (
    approximation_factor,
    dictionary_images,
    dictionary_iteration,
    dictionary_tables,
    dictionary_transitions,
    gauss_markov_risk,
    gauss_markov_study,
    operator_norms,
    robust_bound,
    separable_states,
    small_sets,
    sos_exactness,
    sparse_vectors,
)
from experiments.means import summary as means
from experiments.repeats import groups
from hypernorm.bounds.operator_power import conjugate_float

__all__ = ["CLAIMS", "Finding", "says"]


class Finding(NamedTuple):
    """Whether each part of a claim holds, and the deciding numbers."""

    parts: list[bool]
    text: str


CLAIMS: dict[str, Callable[[], Finding]] = {}
"""For each name the function that judges the claim by the rows on file."""


def claim(function: Callable[[], Finding]) -> Callable[[], Finding]:
    """Register a claim."""
    CLAIMS[function.__name__] = functools.cache(function)
    return function


@number
def verdict(name: str) -> str:
    """What became of a claim."""
    parts = CLAIMS[name]().parts
    return "**reproduced**" if all(parts) else "**narrowed**" if any(parts) else "**refuted**"


@number
def found(name: str) -> str:
    """What the rows say about a claim."""
    return CLAIMS[name]().text


def says(text: str, part: int | None = None) -> bool:
    """Whether an experiment's own verdict says that its claim stands, or the claim with this number."""
    label = r"Verdict[^:]*: " if part is None else rf"\b{part}\. (?:Verdict[^:]*: )?"
    words = re.search(rf"{label}(stands|REFUTED|NOT|DOES NOT)\b", text)
    if words is None:
        raise ValueError(f"no verdict on claim {part} in {text!r}")
    return words[1] == "stands"


# The 2→q norm.


@claim
def eighth_root() -> Finding:
    measured = rows("approximation_factor")
    exponents = [approximation_factor.exponent(row) for row in measured if row["above"]]
    embedding = max((row for row in measured if row["family"] == "isometric embedding"), key=lambda row: row["d"])
    return Finding(
        [max(exponents) <= 1 / 8, says(approximation_factor.verdict(measured))],
        f"on {len(exponents)} matrices the realigned bound is at most $d^{{{max(exponents):.3f}}}$ times the norm; "
        f"{approximation_factor.safe(embedding):.2f} times on the isometric embedding of {embedding['d']} columns",
    )


@claim
def sums_of_squares() -> Finding:
    measured = rows("sos_exactness")
    random = [row for row in measured if row["family"] in sos_exactness.RANDOM]
    exact = count(sum(row["exact"] for row in random), len(random))
    gaps = [row["degree_six_gap"] for row in measured if row["family"] in sos_exactness.KNOWN_GAPS]
    closed = [gap is not None and gap <= sos_exactness.EXACT for gap in gaps]
    return Finding(
        [says(sos_exactness.verdict(measured))],
        f"degree 4 is the norm on {exact} random matrices; degree 6 closes {count(sum(closed), len(closed))} known "
        "gaps",
    )


@claim
def robust_means() -> Finding:
    measured = rows("robust_mean")
    text = means.verdict(measured)
    slopes = [means.exponent(measured, name, 0.2) for name in ("moment filter", "covariance filter")]
    return Finding(
        [says(text, 3), says(text, 4)],
        f"below $\\epsilon = d^{{-1/2}}$ the worst bias grows like $\\epsilon^{{{slopes[0]:.2f}}}$; that of the "
        f"covariance filter grows like $\\epsilon^{{{slopes[1]:.2f}}}$",
    )


@claim
def robust_bounds() -> Finding:
    measured = rows("robust_bound")
    broken = robust_bound.violations(measured)
    return Finding(
        [says(robust_bound.verdict(measured))],
        f"given a moment of the inliers, {broken['known moment']} bounds on mean and covariance are violated on "
        f"{len(robust_bound.samples(measured)):,} samples",
    )


@claim
def clusters() -> Finding:
    measured = rows("moment_clustering")
    exceeded = sum(row["exceeded"] for row in measured)
    return Finding(
        [exceeded == 0],
        f"the bound from certified moments was exceeded in {exceeded} of {len(measured):,} data sets",
    )


@claim
def expansion() -> Finding:
    measured = [row for row in rows("small_sets") if row["q"] == 4]
    better = sum(row["bound"] > 1.1 * row["spectral"] for row in measured)
    broken = sum(row["bound"] > row["found"] * (1 + small_sets.ROUNDING) for row in measured)
    return Finding(
        [says(small_sets.summary(rows("small_sets")))],
        f"{broken} bounds are violated; {count(better, len(measured))} are more than a tenth above the spectral bound",
    )


@claim
def planted() -> Finding:
    measured = rows("sparse_vectors")
    ends = [min(row["n"] for row in measured), max(row["n"] for row in measured)]
    rates = [sparse_vectors.outcomes([row for row in measured if row["n"] == n]) for n in ends]
    counts = [
        f"{rate['spikiest'].sum()} and {rate['l1'].sum()} at $n = {n}$" for n, rate in zip(ends, rates, strict=True)
    ]
    return Finding(
        [bool(rate["spikiest"].sum() > rate["l1"].sum()) for rate in rates],
        f"found by the norm and by 20 linear programs for $\\ell_1$, of {len(rates[0]['l1'])} with "
        f"$d = {measured[0]['d']}$: {', '.join(counts)}",
    )


@claim
def transposes() -> Finding:
    decided = [row for row in rows("separable_states") if (row.get("a"), row.get("b")) in separable_states.DECIDED]
    random = [separable_states.exact(row) for row in decided if row["part"] == "random"]
    return Finding([all(random)], f"level 1 is exact on {count(sum(random), len(random))} random matrices")


@claim
def extensions() -> Finding:
    tried = [separable_states.closes(row) for row in rows("separable_states") if "second_gap" in row]
    return Finding([all(tried)], f"level 2 closes {count(sum(tried), len(tried))} gaps of level 1")


# Operator norms.


def _ratios(chosen: Callable[[str, float, float], bool]) -> list[tuple[float, float, float]]:
    """Each p and q with the ratio of the proved bound to the best vector, on the chosen families and exponents."""
    cells = operator_norms.cells(rows("operator_norms"))
    return [(p, q, ratio) for family, _, p, q, ratio, _ in cells if chosen(family, p, q)]


def _within(constant: Callable[[float, float], float]) -> Finding:
    """Whether no ratio for p ≥ 2 ≥ q exceeds a constant that may depend on p and q."""
    ratios = _ratios(lambda _, p, q: p >= 2 >= q and not p == q == 2 and constant(p, q) < math.inf)
    shares = [ratio / constant(p, q) for p, q, ratio in ratios]
    limits = {constant(p, q) for p, q, _ in ratios}
    return Finding(
        [max(shares) <= 1 + operator_norms.MARGIN],
        f"the constant is {span(min(limits), max(limits))}; on {len(ratios)} cells bound / vector is at most "
        f"{max(ratio for *_, ratio in ratios):.2f}, and at most {max(shares):.3f} of the constant",
    )


def _gamma(r: float) -> float:
    """The r-th root of the r-th absolute moment of a standard Gaussian."""
    return math.sqrt(2) * (math.gamma((r + 1) / 2) / math.sqrt(math.pi)) ** (1 / r) if r < math.inf else r


@claim
def nesterov() -> Finding:
    return _within(lambda p, q: math.pi / (2 * math.log(1 + math.sqrt(2))))


@claim
def steinberg() -> Finding:
    return _within(lambda p, q: min(_gamma(p) / _gamma(q), _gamma(conjugate_float(q)) / _gamma(conjugate_float(p))))


@claim
def krivine_rounding() -> Finding:
    return _within(lambda p, q: 1.00863 / (math.asinh(1) * _gamma(conjugate_float(p)) * _gamma(q)))


@claim
def cut_norm() -> Finding:
    ratios = [ratio for *_, ratio in _ratios(lambda _, p, q: math.isinf(p) and q == 1)]
    return Finding(
        [max(ratios) < 1 / 0.56],
        f"on {len(ratios)} matrices the vector is at least {1 / max(ratios):.2f} of the relaxation, for ∞→1",
    )


@claim
def nonnegative() -> Finding:
    ratios = [ratio for *_, ratio in _ratios(lambda family, p, q: family == "nonnegative" and p >= q)]
    return Finding(
        [max(ratios) <= 1 + operator_norms.MARGIN],
        f"on {len(ratios)} cells the bounds meet, to {power(max(ratios) - 1, up=True)}",
    )


# Dictionaries.


def _spread(values: Iterable[float]) -> str:
    found = list(values)
    return span(min(found), max(found))


@claim
def error_tables() -> Finding:
    measured = rows("dictionary_tables")
    noiseless, noisy = dictionary_tables.PUBLISHED_NOISELESS, dictionary_tables.PUBLISHED_NOISY
    ratios = [
        100 * dictionary_tables.mean(same, "error") / published[p].error
        for table in (1, 2)
        for (n, theta, noise, p), same in dictionary_tables.group(measured, table).items()
        for published in [noiseless[n, theta] if table == 1 else noisy[n, noise]]
    ]
    return Finding(
        [says(dictionary_tables.verdict(measured)), all(abs(ratio - 1) <= 0.25 for ratio in ratios)],
        f"our errors are {_spread(ratios)} times the published ones in {len(ratios)} entries",
    )


def _crossings(success: float) -> dict[tuple[int, float], float]:
    """The number of samples for an error, by n and p."""
    parts = groups(rows("dictionary_transitions"), "samples", "n", "p")
    return {(n, p): dictionary_transitions.crossing(same, success) for (n, p), same in parts.items()}


@claim
def sample_numbers() -> Finding:
    known = dictionary_transitions.PUBLISHED_SAMPLES
    half, hundredth = (
        [_crossings(success)[50, p] / known[p] for p in known]
        for success in (dictionary_transitions.COARSE_SUCCESS, dictionary_transitions.SUCCESS)
    )
    return Finding(
        [all(abs(ratio - 1) <= 0.1 for ratio in ratios) for ratios in (half, hundredth)],
        f"at $n = 50$, θ = 0.3 an error of one half needs {_spread(half)} times the published numbers, an error of 1% "
        f"{_spread(hundredth)} times",
    )


@claim
def three_is_best() -> Finding:
    cells: dict[tuple, dict[int, float]] = {}
    for table in (1, 2):
        for (n, theta, noise, p), same in dictionary_tables.group(rows("dictionary_tables"), table).items():
            cells.setdefault((table, n, theta, noise), {})[p] = dictionary_tables.mean(same, "error")
    best = [min(errors, key=lambda p: errors[p]) == 3 for errors in cells.values()]
    crossings = _crossings(dictionary_transitions.SUCCESS)
    sizes = sorted({n for n, _ in crossings})
    fractional = [crossings[n, 2.5] / crossings[n, 3] for n in sizes]
    return Finding(
        [all(best), min(fractional) >= 1],
        f"least error in {count(sum(best), len(best))} settings with whole $p$; for an error of 1% $p = 2.5$ needs "
        f"{_spread(fractional)} times the samples of $p = 3$",
    )


@claim
def linear_rate() -> Finding:
    measured = rows("dictionary_iteration")
    cells = dictionary_iteration.reached(dictionary_iteration.cells(measured)).values()
    return Finding(
        [says(dictionary_iteration.summary(measured), 1)],
        f"the rate is {_spread(cell['rate'] / cell['stated'] for cell in cells)} times the largest eigenvalue of the "
        "Jacobian across the limit",
    )


@claim
def quick_entry() -> Finding:
    cells = dictionary_iteration.cells(rows("dictionary_iteration"))
    steps = [cell["enter"] for cell in dictionary_iteration.reached(cells).values()]
    larger, linear, logarithm = dictionary_iteration.growth(cells)
    nearer = abs(math.log(larger / logarithm)) < abs(math.log(larger / linear))
    return Finding(
        [max(steps) <= 100, nearer],
        f"at most {max(steps):.0f} steps for $n \\le 200$; from the least to the largest $n$ they grow by a factor of "
        f"{larger:.1f}, $n/\\log n$ by {linear:.1f}, $\\log n$ by {logarithm:.1f}",
    )


@claim
def efficiency_of_learning() -> Finding:
    measured = [row for row in rows("dictionary_learning", "slow") if "refined" not in row["method"]]
    ours: dict[float, Row] = {}  # at the tightest tolerance, which is the first, as in the comparison
    for row in rows("dictionary_learning", "same_error"):
        if row["method"] == "ℓ3":
            ours.setdefault(row["theta"], row)
    ended = [row for row in measured if "ended" not in row]
    ratios = [row["seconds"] / ours[row["theta"]]["seconds"] for row in ended]
    better = [row["method"] for row in ended if row["error"] < ours[row["theta"]]["error"]]
    return Finding(
        [min(ratios) > 1, not better],
        f"{count(len(measured) - len(ended), len(measured))} runs of other methods ended by time-out, the others take "
        f"at least {min(ratios):.1f} times as long as `whiten=False` at its tightest tolerance; more accurate: "
        f"{'; '.join(better) or 'none'}",
    )


@claim
def stability() -> Finding:
    text = dictionary_transitions.verdict(rows("dictionary_transitions"))
    _, noise, outliers, *_ = re.findall(r"(\S+ to \S+ times) the prediction", text)
    failures = text.rpartition("from a random start: ")[2].removesuffix(".")
    return Finding(
        [says(text, 2), says(text, 3), failures == "never"],
        f"errors are {noise} the prediction of first-order theory with noise, {outliers} with outliers and corruption; "
        f"nothing learned: {failures}",
    )


@claim
def images() -> Finding:
    wins = {}
    for data in ("digits", "patches"):
        shares = dictionary_images.mean_shares(rows("dictionary_images"), data)
        for rival in ("PCA", "DCT"):
            wins[data, rival] = int((shares["ℓ3 orthonormal"] > shares[rival]).sum())
    total = dictionary_images.LARGEST_K
    words = [f"{rival} on {data} {won} times" for (data, rival), won in wins.items()]
    return Finding(
        [won == total for won in wins.values()],
        f"in {total} comparisons each, by the energy in 1 to {total} atoms, it is better than {', '.join(words)}",
    )


# Linear models.


@claim
def ensembles() -> Finding:
    compared = gauss_markov_risk.compare(rows("gauss_markov_risk"))
    scores = [abs(row["mean"] - row["theory"]) / row["standard_error"] for row in compared]
    near = [score <= 3 for score in scores]
    return Finding([all(near)], f"{count(sum(near), len(near))} means are within three standard errors of the limit")


@claim
def better_than_ridge() -> Finding:
    parts, texts = [], []
    for norm in ("nuclear", "spectral"):
        same = [row for row in gauss_markov_study.compare(rows("gauss_markov_study")) if row["method"] == norm]
        outcomes = [gauss_markov_study.outcome(row) for row in same]
        real = [outcome == "wins" for row, outcome in zip(same, outcomes, strict=True) if row["part"] == "data"]
        parts += ["wins" in outcomes, any(real)]
        texts.append(
            f"{norm}: better on {count(outcomes.count('wins'), len(outcomes))} problems, worse on "
            f"{outcomes.count('loses')}; better on {count(sum(real), len(real))} real data sets"
        )
    return Finding(parts, ". ".join(texts))
