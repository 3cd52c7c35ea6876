"""Dictionary learning beside other programs."""

from __future__ import annotations

from docs.numbers.registry import Row, Table, number, one, percent, power, rows, seconds, table
from docs.numbers.sums_of_squares import ending

BENCHMARK = "dictionary_learning"
NAMES = {
    "ℓ3, whitened": "hypernorm, p = 3",
    "ℓ3": "hypernorm, p = 3, whiten=False",
    "ℓ3, refined": "hypernorm, p = 3, refine=True",
    "FastICA u|u|": "FastICA, contrast of p = 3",
    "FastICA logcosh": "FastICA",
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
        result.append([NAMES.get(method, method), *(_time_and_error(found[method, theta]) for theta in thetas)])
    return result


def _time_and_error(row: Row) -> str:
    if "ended" in row:
        return ending(row)
    error = "0" if row["error"] == 0 else percent(row["error"], 2 if row["error"] < 0.01 else 1)
    return f"{seconds(row['seconds'])}, {error}"


@number
def refinement_seconds() -> str:
    """The time of a fit with refinement."""
    return seconds(one(BENCHMARK, "slow", method="ℓ3, refined", theta=0.1)["seconds"])


@number
def newton_iterations(theta: str) -> str:
    """Iterations of the default method."""
    return str(one(BENCHMARK, "peers", method="ℓ3, whitened", theta=float(theta), seed=0)["iterations"])


@number
def refined_error() -> str:
    """The largest error that refinement leaves."""
    largest = max(row["error"] for row in rows(BENCHMARK, "slow") if row["method"] == "ℓ3, refined")
    return "0" if largest == 0 else power(largest)
