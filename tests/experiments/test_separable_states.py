"""Rows of the experiment on separable values: random matrices, both parts of the trial, and the verdict."""

import numpy as np
import pytest

from experiments import separable_states as experiment


@pytest.mark.parametrize(("family", "dtype"), [("complex", complex), ("real", float)])
def test_random_matrices_are_hermitian_and_projectors_of_half_rank(family, dtype):
    M = experiment.random_matrix("gaussian", 6, family, np.random.default_rng(0))
    P = experiment.random_matrix("projector", 7, family, np.random.default_rng(1))
    assert M.dtype == P.dtype == dtype
    np.testing.assert_array_equal(M, M.conj().T)
    np.testing.assert_allclose(P @ P, P, atol=1e-14)
    assert np.trace(P).real == pytest.approx(3)


def test_known_value_needs_level_two():
    row = experiment.trial("known", name="tiles")
    assert row["lower"] - 1e-14 <= row["value"] <= row["upper"] <= row["value"] + 1e-6
    assert (row["level"], row["first"]) == (2, pytest.approx(1, abs=1e-6))


def test_level_two_is_tried_only_where_level_one_leaves_a_gap():
    closed = experiment.trial("random", family="Gaussian", a=2, b=3, seed=0)
    assert experiment.exact(closed)
    assert "second_gap" not in closed
    assert closed["gap"] == pytest.approx((closed["upper"] - closed["lower"]) / closed["norm"])
    gaps = (experiment.trial("random", family="projector", a=3, b=3, seed=seed) for seed in range(25))
    first = next(row for row in gaps if not experiment.exact(row))
    assert experiment.closes(first)
    assert first["lower"] <= first["second_upper"] < first["upper"]


def known(**changes):
    usual = {"part": "known", "name": "tiles", "field": "complex", "dims": [3, 3], "value": 0.5, "ppt_value": 0.5}
    return {**usual, "lower": 0.5, "upper": 0.5 + 1e-8, "first": 0.5, "level": 1, **changes}


def random(a=2, b=2, **changes):
    usual = {"part": "random", "family": "Gaussian", "a": a, "b": b, "seed": 0, "norm": 2.0, "status": "EXACT"}
    return {**usual, "lower": 1.0, "upper": 1.0 + 1e-7, "gap": 5e-8, "iterations": 10, **changes}


def climbed(lower, upper):
    """Level 1 leaves a gap, and level 2 these bounds."""
    return random(4, 4, gap=1e-3, second_lower=lower, second_upper=upper, second_gap=(upper - lower) / 2)


@pytest.mark.parametrize(
    ("changed", "stands"),
    [
        ([], True),
        ([known(upper=0.5 - 1e-9)], False),  # excludes the value
        ([known(lower=0.5 - 2e-6)], False),  # too wide
        ([random(gap=1e-3)], False),  # Woronowicz' theorem says otherwise
        ([random(4, 4, gap=1e-3)], True),
        ([climbed(1.0, 1.0 + 1e-6)], True),
        ([climbed(1.0, 1.0 + 1e-5)], False),  # not closed
        ([climbed(1.0 + 9e-6, 1.0 + 1e-5)], True),
    ],
)
def test_verdict(changed, stands):
    summary = experiment.summary([known(), random(), *changed])
    assert ("Verdict: stands" in summary) == stands
    assert "| Gaussian | 2 × 2 |" in summary
