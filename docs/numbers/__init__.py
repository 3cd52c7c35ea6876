"""The measured numbers and tables of the pages: computed from the results on file, never typed."""

from docs.numbers import (  # noqa: F401  each registers what it computes
    bounds,
    calls,
    claims,
    clusters,
    covariance,
    dictionaries,
    dictionary_errors,
    kinds,
    large_data,
    linear_model,
    means,
    operator_bounds,
    operator_norms,
    overview,
    regression,
    robust_bounds,
    small_sets,
    soundness,
    spectral,
    states,
    sums_of_squares,
    tree,
    worst_outliers,
)
from docs.numbers.registry import NUMBERS
from docs.numbers.spans import PAGES, fill, names, problems

__all__ = ["NUMBERS", "PAGES", "fill", "names", "problems"]
