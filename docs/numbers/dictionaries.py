"""Dictionary learning beside other programs."""

from __future__ import annotations

import statistics

import numpy as np

from docs.numbers.registry import Row, Table, digits, number, one, percent, power, rows, seconds, table
from docs.numbers.sums_of_squares import ending
from experiments.dictionary_refinement import PICARD, ratios

BENCHMARK = "dictionary_learning"
NAMES = {
    "ℓ3, whitened": "hypernorm, p = 3",
    "ℓ3": "hypernorm, p = 3, whiten=False",
    "ℓ3, refined": "hypernorm, p = 3, refine=True",
    "ℓ3, refine auto": "hypernorm, p = 3, refine='auto'",
    "FastICA u|u|": "FastICA, contrast of p = 3",
    "FastICA u|u|, eigh": "FastICA, contrast of p = 3, whiten_solver='eigh'",
    "FastICA logcosh": "FastICA",
    "FastICA logcosh, eigh": "FastICA, whiten_solver='eigh'",
    "FastICA cube": "FastICA, fun='cube'",
    "FastICA cube, eigh": "FastICA, fun='cube', whiten_solver='eigh'",
    "Picard, not orthogonal": "Picard, ortho=False",
    "ℓp": "hypernorm",
}


@table(BENCHMARK, "same_error")
def dictionaries() -> Table:
    """Time and error of every method at its tightest tolerance."""
    found: dict[tuple[str, float], Row] = {}
    for row in rows(BENCHMARK, "same_error") + rows(BENCHMARK, "slow"):
        found.setdefault((row["method"], row["theta"]), row)
    thetas = sorted({theta for _, theta in found})
    result = [["method", *(f"θ = {theta:g}" for theta in thetas)]]
    for method in dict.fromkeys(method for method, _ in found):
        cells = (found.get((method, theta)) for theta in thetas)
        result.append([NAMES.get(method, method), *(_time_and_error(row) for row in cells)])
    return result


@table(BENCHMARK, "strength")
def strength() -> Table:
    """Refinement and peers with their best settings: times of several tolerances, and the error."""
    found: dict[tuple[str, float], list[Row]] = {}
    for row in rows(BENCHMARK, "strength"):
        found.setdefault((row["method"], row["theta"]), []).append(row)
    thetas = sorted({theta for _, theta in found})
    result = [["method", *(f"θ = {theta:g}" for theta in thetas)]]
    for method in dict.fromkeys(method for method, _ in found):
        result.append([NAMES.get(method, method), *(_times_and_error(found[method, theta]) for theta in thetas)])
    return result


def _times_and_error(measured: list[Row]) -> str:
    """The error at the tightest tolerance, which is the first, and the times of all that keep it."""
    ended = [row for row in measured if "ended" in row]
    if ended:
        return ending(ended[0])
    error = measured[0]["error"]
    times = sorted(row["seconds"] for row in measured if row["error"] <= 1.05 * error)
    span = seconds(times[0]) if len(times) == 1 else f"{digits(times[0])} to {seconds(times[-1])}"
    return f"{span}, {'0' if error == 0 else percent(error, 4)}"


@table(BENCHMARK, "overcomplete")
def overcomplete() -> Table:
    """Atoms found and median time of every method for more atoms than features."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows(BENCHMARK, "overcomplete"):
        found.setdefault((row["method"], row["problem"]), []).append(row)
    problems = sorted({problem for _, problem in found})
    result = [["method", *(f"{problem} atoms a sample" for problem in problems)]]
    for method in dict.fromkeys(method for method, _ in found):
        result.append(
            [NAMES.get(method, method), *(_found_and_time(found.get((method, problem), [])) for problem in problems)]
        )
    return result


def _found_and_time(measured: list[Row]) -> str:
    if not measured:
        return "not measured"
    ended = [row for row in measured if "ended" in row]
    if ended:
        return ending(ended[0])
    least, most = (choose(row["found"] for row in measured) for choose in (min, max))
    atoms = str(least) if least == most else f"{least} to {most}"
    return f"{atoms} in {seconds(statistics.median(row['seconds'] for row in measured))}"


def _time_and_error(row: Row | None) -> str:
    if row is None:
        return "not measured"
    if "ended" in row:
        return ending(row)
    error = "0" if row["error"] == 0 else percent(row["error"], 2 if row["error"] < 0.01 else 1)
    return f"{seconds(row['seconds'])}, {error}"


@number
def refinement_seconds() -> str:
    """The time of a fit with refinement."""
    return seconds(one(BENCHMARK, "slow", method="ℓ3, refined", theta=0.1)["seconds"])


@number
def likelihood_seconds() -> str:
    """The time of a fit with refinement by likelihood."""
    return seconds(one(BENCHMARK, "strength", method="ℓ3, refine auto", theta=0.1, tol=1e-6)["seconds"])


@number
def newton_iterations(theta: str) -> str:
    """Iterations of the default method."""
    return str(one(BENCHMARK, "peers", method="ℓ3, whitened", theta=float(theta), seed=0)["iterations"])


@number
def refined_error() -> str:
    """The largest error that refinement leaves."""
    largest = max(row["error"] for row in rows(BENCHMARK, "slow") if row["method"] == "ℓ3, refined")
    return "0" if largest == 0 else power(largest)


@number
def refinement_settings() -> str:
    """Number of settings of the experiment on refinement."""
    return str(len(ratios(rows("dictionary_refinement"))))


@number
def refinement_regret() -> str:
    """Mean error of refine="auto" over that of the best alternative."""
    return f"{ratios(rows('dictionary_refinement')).mean():.3f}"


@number
def refinement_worst() -> str:
    """The largest such ratio."""
    return f"{ratios(rows('dictionary_refinement')).max():.2f}"


@number
def refinement_picard() -> str:
    """The largest error of refine="auto" over that of Picard."""
    return f"{ratios(rows('dictionary_refinement'), PICARD).max():.2f}"


@number
def refinement_seeds() -> str:
    """Number of seeds of the settings with few samples and strong noise."""
    return str(len({row["seed"] for row in rows("dictionary_refinement", "hard")}))


@number
def refinement_hard() -> str:
    """The span there of the error of refine="auto" over that of the best alternative."""
    return _ratio_span(ratios(rows("dictionary_refinement", "hard")))


@number
def refinement_hard_picard() -> str:
    """The span there of the error of refine="auto" over that of Picard."""
    return _ratio_span(ratios(rows("dictionary_refinement", "hard"), PICARD))


def _ratio_span(found: np.ndarray) -> str:
    return f"{found.min():.2f} to {found.max():.2f}"
