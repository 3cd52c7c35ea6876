"""The families, the allowed ratios and the verdict of the experiment on split bounds."""

import numpy as np
import pytest

from experiments import split_bounds as experiment


@pytest.fixture(scope="module")
def rows():
    cases = [case for case in experiment.PRESETS["quick"]() if case["d"] == 10]
    return [case | experiment.trial(**case) for case in cases]


def test_rows_are_ordered(rows):
    for row in rows:
        assert 1 <= row["split"] <= row["realigned"] * (1 + 1e-7)
        assert 1 <= row["limit"] <= row["split"]
        assert row["megabytes"] > 0
        assert row["split_seconds"] > 0
    assert "Verdict: " in experiment.verdict(rows)
    assert experiment.table(rows).count("\n") == len(rows) + 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"split": 1.06}, "1 beyond the claim, 1 above the realigned"),
        ({"realigned": 1.0}, "1 above the realigned bound"),
        ({"split_verification": 1e3}, "1 slow verifications"),
    ],
)
def test_the_verdict_follows_the_rows(rows, change, words):
    fast = [row | {"split_verification": 0.0} for row in rows]
    assert "stands" in experiment.verdict(fast)
    changed = [fast[0], fast[1] | change, *fast[2:]]
    assert changed[1]["family"] == "signs"
    assert "REFUTED" in experiment.verdict(changed)
    assert words in experiment.verdict(changed)


def test_the_claim_depends_on_family_and_size():
    row = {"family": "Gaussian", "n": 400, "columns": 100}
    assert experiment.allowed(row) == 1.001
    assert experiment.allowed(row | {"n": 1600, "columns": 400}) == 1.005
    assert experiment.allowed(row | {"family": "signs"}) == 1.05
    assert experiment.allowed(row | {"n": 10_000}) == np.inf


def test_real_matrices():
    assert experiment.REAL["digits"]().shape == (1797, 64)
    X = experiment.REAL["products of breast_cancer"]()
    assert X.shape == (569, 495)
    np.testing.assert_allclose(X.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(X.std(axis=0), 1)
