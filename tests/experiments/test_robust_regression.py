"""Every method finds the coefficients of clean samples; the verdict."""

import numpy as np
import pytest

from experiments import robust_regression as experiment


def test_every_method_finds_the_coefficients_of_clean_samples():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 3))
    y = X @ [1.0, -2, 3] + 5 + 0.05 * rng.standard_normal(200)
    found = experiment.estimators(0.1, 0)
    assert set(found) == set(experiment.METHODS)
    for name, estimate in found.items():
        np.testing.assert_allclose(estimate(X, y), [1, -2, 3], atol=0.05, err_msg=name)


def test_trial():
    place = {"n": 150, "d": 2, "contamination": 0.1, "adversary": "leverage", "seed": 0}
    errors = experiment.trial("light", "light", **place)["errors"]
    assert set(errors) == set(experiment.METHODS)
    assert errors[experiment.OURS] < 0.2 < 1 < errors[experiment.LEAST_SQUARES]


def test_places_of_the_presets():
    """Every cell of the quick preset is one of the paper's, and no case comes twice."""
    quick, paper = (list(preset()) for preset in (experiment.PRESETS["quick"], experiment.PRESETS["paper"]))
    names = [repr(case) for case in paper]
    assert len(set(names)) == len(names)
    assert {repr(case) for case in quick} <= set(names)


def rows(changes=None):
    """Two seeds of every cell up to ε = 0.1; `changes` replaces the errors of a part."""
    errors = dict.fromkeys(experiment.METHODS, 2.0)
    errors |= {experiment.OURS: 0.11, experiment.AUTO: 0.11, experiment.ORACLE: 0.1}
    found = []
    for part in experiment.PARTS:
        new = (changes or {}).get(part, {})
        place = {"part": part, "family": "light", "n": 100, "d": 5, "contamination": 0.1, "adversary": "rows"}
        clean = {experiment.LEAST_SQUARES: 0.11} if part == "clean" else {}
        for seed in range(2):
            found.append({**place, "seed": seed, "errors": errors | clean | new})
    return found


@pytest.mark.parametrize(
    ("changes", "stands"),
    [
        ({}, True),
        ({"light": {experiment.OURS: 0.13}}, False),  # beyond the factor
        ({"dependent": {experiment.OURS: 0.13}}, True),
        ({"dependent": {experiment.OURS: 0.4}}, False),  # beyond what is promised up to ε = 0.3
        ({part: {experiment.MM: 0.2} for part in experiment.FAMILIES}, False),  # another method is nearly as good
        ({"light": {experiment.MM: 0.1}}, True),
        ({"clean": {experiment.LEAST_SQUARES: 0.1}}, False),
    ],
)
def test_verdict(changes, stands):
    found = rows(changes)
    verdict = experiment.verdict(found)
    assert ("Verdict: stands" in verdict) == stands
    named = verdict.rpartition("better elsewhere: ")[2]
    assert ("light rows 0.1: 0.110, MM-estimator" in named) == (changes.get("light", {}).get(experiment.MM) == 0.1)
    assert "| rows | 0.1 | 0" in experiment.summary(found)
