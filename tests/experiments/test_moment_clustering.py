"""What the experiment on clustering counts, its trimmed k-means, and a verdict that rows can refute."""

import copy

import numpy as np
import pytest

from experiments import moment_clustering as experiment


def test_misclassified_share():
    truth = np.array([0, 0, 0, 1, 1, 2])
    assert experiment.misclassified(truth, np.array([5, 5, 5, 3, 3, 4])) == 0
    assert experiment.misclassified(truth, np.zeros(6, dtype=int)) == pytest.approx(1 / 2)
    assert experiment.misclassified(truth, np.array([5, 5, -1, 3, 3, -1])) == pytest.approx(1 / 3)
    assert experiment.misclassified(truth, np.full(6, -1)) == 1
    assert experiment.misclassified(truth, np.arange(6)) == pytest.approx(1 / 2)


def test_trimmed_k_means_leaves_out_the_furthest():
    rng = np.random.default_rng(0)
    X = np.vstack([rng.standard_normal((45, 2)), 20 + rng.standard_normal((45, 2)), 100 * rng.standard_normal((10, 2))])
    far = np.argsort(np.minimum(np.linalg.norm(X, axis=1), np.linalg.norm(X - 20, axis=1)))[90:]
    labels = experiment.trimmed_k_means(X, 2, 0.1, np.random.default_rng(0))
    assert set(np.flatnonzero(labels == -1)) == set(far)
    kept = labels[:90][labels[:90] >= 0]
    assert experiment.misclassified((np.arange(90) >= 45)[labels[:90] >= 0].astype(int), kept) == 0


@pytest.fixture(scope="module")
def rows():
    """Two data sets as measured."""
    found = [{**case, **experiment.trial(**case)} for case in list(experiment.PRESETS["quick"]())[:2]]
    assert {row["exceeded"] for row in found} == {0}
    return found


def verdict(rows, ours, others, exceeded=0):
    rows = copy.deepcopy(rows)
    for row in rows:
        row["misclassified"] = dict.fromkeys(row["misclassified"], others) | {experiment.OURS: ours}
        row["exceeded"] = exceeded
    return experiment.summary(rows).splitlines()[-1]


def test_verdict_is_computed_from_the_rows(rows):
    assert "(3) the bound on shared samples was exceeded 0 times in 2 data sets" in experiment.summary(rows)
    assert "Verdict: stands" in verdict(rows, 0.01, 0.02)
    assert "in 0 cases" in verdict(rows, 0.01, 0.02)
    assert "DOES NOT STAND" in verdict(rows, 0.02, 0.02)
    assert "DOES NOT STAND" in verdict(rows, 0.04, 0.02)
    assert "DOES NOT STAND" in verdict(rows, 0.01, 0.02, exceeded=1)
    lost = verdict(rows * 2, 0.04, 0.02)
    assert "k-means by 0.020" in lost
