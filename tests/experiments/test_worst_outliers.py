"""The grid of outliers, its worst places, and verdicts that rows can refute."""

import itertools

import numpy as np
import pytest

from experiments import worst_outliers as experiment


def test_every_place_once():
    cases = list(experiment.PRESETS["paper"]())
    keys = [tuple(case.values()) for case in cases]
    assert len(set(keys)) == len(keys) == 3 * 2 * 8 * 5 * 4
    assert set(cases[0]) == {*experiment.PLACE, "seed"}


@pytest.mark.parametrize(
    ("shape", "direction", "sides"), list(itertools.product(("cluster", "slab"), ("largest", "least"), (1, 2)))
)
def test_outliers(shape, direction, sides):
    X, is_inlier, deviations = experiment.sample(0.2, 4.0, 0.1, shape, direction, sides, seed=0)
    Z = X / deviations
    column = 0 if direction == "largest" else -1
    outliers = np.delete(Z[~is_inlier], column, axis=1)
    assert (~is_inlier).sum() == 0.2 * len(X)
    assert outliers.std() == pytest.approx(0.1 if shape == "cluster" else 1, rel=0.1)
    side = Z[~is_inlier, column] > 0
    assert side.mean() == (1 if sides == 1 else 0.75)
    assert np.abs(np.abs(Z[~is_inlier, column]) - 4).max() < 0.5
    same = experiment.sample(0.1, 2.0, 0.5, "slab", "least", 1, seed=0)[0] / deviations
    np.testing.assert_allclose(same[is_inlier], Z[is_inlier])


def rows(moment=0.2, near=0.2, rival=0.9):
    """A far place, where others are worst, and a near one."""
    result = []
    for fraction, (distance, far), seed in itertools.product((0.1, 0.2), ((2.0, False), (7.0, True)), range(2)):
        place = dict(zip(experiment.PLACE, (fraction, distance, 0.1, "slab", "least", 1), strict=True))
        errors = dict.fromkeys(experiment.METHODS, rival if far else 0.1)
        errors |= {experiment.MEAN: 0.7 if far else near, experiment.MOMENT: 0.0 if far else moment}
        result.append({**place, "seed": seed, "errors": {name: value + 0.02 * seed for name, value in errors.items()}})
    return result


def test_worst_places():
    place, errors = experiment.worst(rows(), experiment.MOMENT)[0.1]
    assert place[:2] == (0.1, 2.0)
    assert errors[experiment.MOMENT] == pytest.approx(0.21)
    place, errors = experiment.worst(rows(), "covariance filter")[0.2]
    assert (place[1], errors["covariance filter"]) == (7.0, pytest.approx(0.91))
    assert experiment.largest_loss(rows(near=0.15), experiment.MOMENT) == pytest.approx({0.1: 0.05, 0.2: 0.05})


@pytest.mark.parametrize(
    ("changes", "refuted"),
    [({}, ""), ({"moment": 0.95, "near": 0.94}, "1"), ({"moment": 0.35}, "2"), ({"rival": 0.15}, "1")],
)
def test_verdict(changes, refuted):
    lines = experiment.summary(rows(**changes)).splitlines()[-2:]
    assert {line[0] for line in lines if "REFUTED" in line} == set(refuted)


def test_trial_measures_every_method():
    case = dict(zip(experiment.PLACE, (0.1, 7.0, 0.1, "cluster", "least", 1), strict=True))
    errors = experiment.trial(**case, seed=0)["errors"]
    assert set(errors) == set(experiment.METHODS)
    assert errors[experiment.MOMENT] < 0.01 < 0.6 < errors[experiment.MEAN]
