"""The search for bad sets of inliers, the extremal samples, and the verdict."""

import copy
import itertools

import numpy as np
import pytest
import scipy.linalg

from experiments import robust_bound as experiment
from experiments.means.bound_samples import CONSTANTS, FAMILIES, extremal
from experiments.means.inlier_sets import extreme_variances, farthest_mean

CASE = {"part": "sample", "inliers": "t5", "adversary": "far", "n": 60, "d": 2, "contamination": 0.1, "seed": 0}


@pytest.mark.parametrize("d", [1, 2])
def test_the_search_finds_the_worst_set(d):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        X, location = rng.standard_t(3, (11, d)), 0.1 * rng.standard_normal(d)
        sets = [list(kept) for size in (9, 10, 11) for kept in itertools.combinations(range(11), size)]
        found, mask = farthest_mean(X, location, 2, rng)
        assert mask.sum() >= 9
        assert found == pytest.approx(np.linalg.norm(X[mask].mean(axis=0) - location))
        assert found == pytest.approx(max(np.linalg.norm(X[kept].mean(axis=0) - location) for kept in sets))
        C = np.diag([2.0, 0.5])[:d, :d]
        every = [scipy.linalg.eigvalsh(np.cov(X[kept].T, bias=True).reshape(d, d), C) for kept in sets]
        least, largest = extreme_variances(X, C, 2, rng)
        assert least == pytest.approx(min(values[0] for values in every))
        assert largest == pytest.approx(max(values[-1] for values in every))


@pytest.mark.parametrize("name", FAMILIES)
def test_families_keep_to_their_fraction(name):
    X, is_inlier = FAMILIES[name](np.random.default_rng(0), 50, 2, 0.1)
    assert X.shape == (50, 2)
    assert np.isfinite(X).all()
    assert is_inlier.sum() >= 45


@pytest.mark.parametrize("constant", CONSTANTS)
def test_constants_are_attained(constant):
    for d in (1, 2):
        found = experiment.trial("constant", 0.02, 0, constant=constant, d=d)["attained"]
        assert all(experiment.ATTAINED < ratio <= 1 for ratio in found)
        X, weights = extremal(constant, d, 0.02, np.random.default_rng(0))
        assert X.shape == (1000, d)
        assert np.isin(weights, (0, 1)).all()


def test_trials_are_the_same_twice_and_their_bounds_hold():
    rows = []
    for case in (CASE, CASE | {"inliers": "far inliers", "adversary": "its own"}):
        rows.append(case | experiment.trial(**case))
        assert experiment.trial(**case) == experiment.trial(**case)
    assert [experiment.family(row) for row in rows] == ["far cluster", "far inliers"]
    found = experiment.violations(rows)
    assert found["without premise"] == found["known moment"] == found["by default, premise true"] == 0
    assert found["by default"] > 0  # far inliers are left out
    X, is_inlier = experiment.table("digits, negatives", 0.1, np.random.default_rng(0))
    assert X[is_inlier].std(axis=0).min() > 0
    assert (~is_inlier).sum() == 0.1 * len(X) // 1


def test_the_verdict_is_computed():
    attained = {"part": "constant", "constant": "plain mean", "d": 1, "attained": [1.0, 0.999]}
    rows = [CASE | experiment.trial(**CASE), attained]
    assert "Verdict: stands" in experiment.summary(rows)
    for path, value in (
        (("filter", "worst"), 1e9),
        (("mean", "error"), 1e9),
        (("mean", "known_worst"), 0.0),
        (("covariance", "worst_least"), 0.0),
        (("covariance", "worst_largest"), 1e12),
        (("covariance", "true_largest"), 1e12),
    ):
        changed = copy.deepcopy(rows)
        changed[0]["covariance"]["least"] = 0.1
        changed[0][path[0]][path[1]] = value
        assert "Verdict: REFUTED" in experiment.summary(changed), path
    assert "REFUTED" in experiment.verdict([rows[0], attained | {"attained": [0.98]}])
