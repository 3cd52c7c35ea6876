"""Moments of clean samples beside the filter's limits."""

import pytest

from experiments.clean_moments import compare, summary, trial
from hypernorm.robust.filter.thresholds import clean_shape


def test_moments_of_a_clean_sample_are_ordered():
    row = trial(200, 3, 0)
    assert 1 < row["smallest_kurtosis"] < 3 < row["kurtosis"]
    assert row["skewness"] > 0
    assert 0 < row["imbalance"] < 1


def test_shares_beyond_the_limits():
    limits = clean_shape(100, 2)
    inside = {"n": 100, "r": 2, "skewness": 0.01, "kurtosis": 3.0, "imbalance": 0.01, "smallest_kurtosis": 3.0}
    beyond = {**inside, "kurtosis": limits.kurtosis + 1, "smallest_kurtosis": 1.0}
    (cell,) = compare([inside, inside, inside, beyond])
    assert [cell[name][0] for name in ("kurtosis", "smallest_kurtosis", "skewness")] == [0.25, 0.25, 0]
    (cell,) = compare([{**inside, "kurtosis": 2.0, "skewness": 1.0}] * 3)
    assert cell["kurtosis"][1] == pytest.approx(limits.kurtosis - 1)
    assert cell["skewness"][1] == pytest.approx(limits.skewness)


def test_the_verdict_is_refuted_by_a_limit_that_is_often_passed():
    rows = [{"n": 200, "r": 3, "seed": seed, **trial(200, 3, seed)} for seed in range(20)]
    assert "Verdict: stands" in summary(rows)
    assert "REFUTED" in summary([{**row, "kurtosis": 50.0} for row in rows])
