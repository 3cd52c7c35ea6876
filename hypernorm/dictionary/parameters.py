"""Checks of the parameters of `LpDictionaryLearning`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hypernorm._arguments import check_choice, check_count, check_exponent, check_nonnegative, check_tolerance
from hypernorm._validation import check_shape
from hypernorm._warnings import warn_caller
from hypernorm.dictionary.encoding import check_transform
from hypernorm.dictionary.learning import CONTRASTS
from hypernorm.dictionary.refinement import check_refine
from hypernorm.dictionary.searching import given_start
from hypernorm.dictionary.whitening import Whitening
from hypernorm.exceptions import InvalidInputError

__all__ = ["check_combination", "check_parameters", "check_start", "count_atoms", "warn_of_few_samples"]


def check_parameters(model: Any) -> float:
    """Check the parameters that need no samples, and return p.

    Raises
    ------
    InvalidInputError
        If one is out of range.
    """
    p = check_exponent(model.p, name="p")
    if not 2 < p < math.inf:
        raise InvalidInputError(f"p must be larger than 2 and finite, got {model.p!r}; 3 is a good choice.")
    free = {"n_components": None, "n_init": "auto"}  # values that mean: choose from the data
    for name in ("n_components", "n_init", "max_iter"):
        if name not in free or getattr(model, name) != free[name]:
            check_count(getattr(model, name), name)
    check_tolerance(model.tol, "tol")
    check_nonnegative(model.threshold, "threshold")
    check_choice(model.contrast, "contrast", CONTRASTS)
    check_refine(model.refine)
    check_transform(model.transform_algorithm, model.transform_n_nonzero_coefs, model.transform_alpha)
    return p


def check_combination(model: Any, m: int, n: int, *, weighted: bool = False, streamed: bool = False) -> None:
    """Check what m atoms of n features, and weights of the samples, can be combined with.

    Raises
    ------
    InvalidInputError
        If it cannot.
    """
    if m > n:
        if streamed:
            raise InvalidInputError(f"n_components={m} is more than the {n} features; use fit, not partial_fit.")
        given = {
            "refine": bool(model.refine),
            "w_init": model.w_init is not None,
            "contrast='kurtosis'": model.contrast == "kurtosis",
            "sample_weight and robust": weighted,
        }
        for name in (name for name, is_given in given.items() if is_given):
            raise InvalidInputError(f"{m} atoms of {n} features are learned without {name}; leave it out.")
    if weighted and isinstance(model.refine, str):
        raise InvalidInputError(
            f"refine={model.refine!r} knows equal weights only; leave sample_weight and robust out, or use refine=True."
        )


def count_atoms(n_components: int | None, whitening: Whitening, r: int) -> int:
    """The number of atoms for r samples with this whitening.

    Raises
    ------
    InvalidInputError
        If the samples do not vary, or in fewer directions than the number asked for, or are fewer than the atoms.
    """
    n = len(whitening.mean)
    if not np.trace(whitening.S) > 0:
        raise InvalidInputError("X has no variance, since all its samples are equal; give samples that differ.")
    if n_components is None:
        return whitening.rank
    if n_components > n:
        if n_components > r:
            raise InvalidInputError(
                f"n_components={n_components} is more than n_samples={r}; give more samples, or fewer atoms."
            )
        return int(n_components)
    if n_components > whitening.rank:
        raise InvalidInputError(
            f"n_components={n_components} is more than the {whitening.rank} directions in which X varies "
            f"(it has {n} features); use at most {whitening.rank}, or more than {n}."
        )
    return int(n_components)


def warn_of_few_samples(r: int, weights: np.ndarray | None, whitening: Whitening, center: bool) -> None:
    """Warn if any atoms explain the r samples, as they are hardly more than the directions in which they vary."""
    if (r if weights is None else np.count_nonzero(weights)) <= whitening.rank + center:
        warn_caller(
            f"The samples are as few as the {whitening.rank} directions in which they vary, so any atoms explain "
            f"them; give more samples, or reduce the features first, e.g. with PCA."
        )


def check_start(w_init: Any, whitening: Whitening, m: int) -> np.ndarray | None:
    """The start that the rows `w_init` give, or None without them.

    Raises
    ------
    InvalidInputError
        If they have another shape or depend on one another.
    """
    if w_init is None:
        return None
    return given_start(check_shape(w_init, "w_init", (m, len(whitening.mean))), whitening)
