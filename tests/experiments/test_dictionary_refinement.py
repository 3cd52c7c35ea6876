"""The experiment on refinement: a trial, and a verdict that follows the rows."""

import numpy as np
import pytest

from experiments.dictionary_refinement import ALTERNATIVES, PICARD, PRESETS, ratios, summary, trial, verdict


def row(**errors):
    best = {"none": 0.02, "l1": 0.01, "likelihood": 0.008, "auto": 0.008, PICARD: 0.009, **errors}
    setting = {"r": 1000, "condition": 1, "theta": 0.1, "noise": 0.1, "seed": 0, "chosen": "likelihood"}
    return {**setting, **best, **{f"{name} seconds": 0.1 for name in best}}


def test_a_trial_has_all_errors():
    pytest.importorskip("picard")
    found = trial(r=500, condition=1, theta=0.2, noise=0.05, seed=0)
    assert all(0 <= found[name] < 0.1 for name in (*ALTERNATIVES, "auto", PICARD))
    assert found["chosen"] == "likelihood"
    assert found["noise_estimate"] == pytest.approx(0.05, rel=0.1)


def test_ratios_and_verdict():
    rows = [row(), row(noise=0.2, auto=0.0085)]
    np.testing.assert_allclose(ratios(rows), [1, 0.0085 / 0.008])
    np.testing.assert_allclose(ratios(rows, PICARD), [0.008 / 0.009, 0.0085 / 0.009])
    assert "stands on" not in verdict(rows)  # 3% on average
    assert verdict(rows[:1]).startswith("Verdict: stands on 1 settings")
    assert verdict([row(auto=0.0095)]).startswith("Verdict: REFUTED")
    assert verdict([row(**{PICARD: 0.006})]).startswith("Verdict: REFUTED")
    exact = row(**dict.fromkeys(("l1", "likelihood", "auto", PICARD), 1e-14))
    np.testing.assert_array_equal(ratios([exact]), [1])
    assert summary(rows).count("\n") > 4


def test_presets_are_disjoint_settings():
    for preset in PRESETS.values():
        cases = [tuple(case.values()) for case in preset()]
        assert len(cases) == len(set(cases))
