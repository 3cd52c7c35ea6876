"""Pull and tail of clean samples beside the filter's limits."""

import numpy as np
import pytest

from experiments.clean_lines import compare, fitted, summary, trial
from hypernorm.robust.filter.lines import MARGIN, clean_limits


def test_shares_beyond_the_limits():
    limits = clean_limits(100, 2, 0.8)
    inside = {"n": 100, "r": 2, "share": 0.8, "pull": limits.pull / 2, "tail": limits.tail / 2}
    (cell,) = compare([inside, inside, inside, {**inside, "tail": 2 * limits.tail}])
    assert (cell["pull"][0], cell["tail"][0]) == (0, 0.25)
    (cell,) = compare([inside] * 3)
    assert cell["pull"][1] == pytest.approx(2)


def test_constants_are_fitted_to_quantiles():
    rows = []
    for n, r, share in ((50, 1, 0.5), (100, 3, 0.8), (400, 5, 0.65), (1000, 20, 0.5), (2000, 9, 0.8), (500, 30, 0.7)):
        limits = clean_limits(n, r, share)
        rows.append({"n": n, "r": r, "share": share, "pull": 3 * limits.pull / MARGIN, "tail": limits.tail})
    assert fitted(rows)["pull"][:2] == pytest.approx(3 * np.array([0.63, 1.3]), rel=0.05)


def test_the_verdict_is_refuted_by_a_limit_that_is_often_passed():
    rows = [{"n": 200, "r": 3, "share": 0.8, "seed": seed, **trial(200, 3, 0.8, seed)} for seed in range(20)]
    assert all(row["pull"] > 0 and row["tail"] > 0 for row in rows)
    assert "Verdict: stands" in summary(rows)
    assert "REFUTED" in summary([{**row, "tail": 50.0} for row in rows])
