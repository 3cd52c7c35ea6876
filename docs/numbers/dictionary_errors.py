"""Errors of atoms beside their estimates, and the ℓp iteration."""

from __future__ import annotations

from docs.numbers.registry import number, rows
from experiments import dictionary_errors, dictionary_iteration

ERRORS, ITERATION = "dictionary_errors", "dictionary_iteration"


@number
def standard_error_ratios(where: str) -> str:
    """The span of the ratios of mean squared errors of rows and atoms to their estimates."""
    found = dictionary_errors.errors(rows(ERRORS))
    keys = [key for key in found if dictionary_errors.meant(*key) == (where == "inside")]
    ratios = [ratio for key in keys for ratio in found[key].values()]
    return f"{min(ratios):.2f} to {max(ratios):.2f}"


@number
def signs_missed() -> str:
    """Where codes −1, 0, 1 are not learned."""
    found = dictionary_errors.sizes(rows(ERRORS))
    missed = [f"θ = {theta:g} with n = {n} and r = {r:,}" for (n, r, theta), error in found.items() if error > 0.01]
    thetas = [theta for *_, theta in found]
    return f"{' and '.join(missed) or 'nothing'} missed among θ from {min(thetas):g} to {max(thetas):g}"


@number
def iteration_rates() -> str:
    """The span of measured rates over the largest eigenvalues."""
    cells = dictionary_iteration.reached(dictionary_iteration.cells(rows(ITERATION)))
    ratios = [cell["rate"] / cell["stated"] for cell in cells.values()]
    return f"{min(ratios):.2f} to {max(ratios):.2f}"


@number
def iteration_growth() -> str:
    """Growth of the number of steps from the least to the largest n, and of n / log n and log n."""
    growth, linear, logarithm = dictionary_iteration.growth(dictionary_iteration.cells(rows(ITERATION)))
    return f"by a factor of {growth:.1f} (n/log n: {linear:.1f}, log n: {logarithm:.1f})"


@number
def starts_kept() -> str:
    """The shares of starts that end at the atom of their largest coordinate."""
    shares = dictionary_iteration.kept(rows(ITERATION))
    return ", ".join(f"{share:.0%} with r = {multiple:,} n" for multiple, share in shares.items())
