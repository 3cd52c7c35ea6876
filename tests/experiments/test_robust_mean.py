"""Samples and tables of the experiment on robust means, and verdicts that rows can refute."""

import numpy as np
import pytest

from experiments import robust_mean as experiment
from experiments.means import methods, summary, trials


def test_every_adversary_meets_the_same_inliers():
    drawn = [
        trials.make(seed=3, n=60, d=4, contamination=0.1, inliers="t5", adversary=adversary)
        for adversary in ("cluster", "far", "shell")
    ]
    kept = drawn[0].is_inlier & drawn[1].is_inlier & drawn[2].is_inlier
    for sample in drawn[1:]:
        np.testing.assert_array_equal(sample.samples[kept], drawn[0].samples[kept])
    assert np.sum(~drawn[0].is_inlier) == 6


def test_errors_are_mahalanobis_distances():
    sample = trials.make(seed=0, n=50, d=3, contamination=0.1, inliers="gaussian_decaying", adversary="hidden")
    values, vectors = np.linalg.eigh(sample.covariance)
    moved = sample.center + 2 * np.sqrt(values[0]) * vectors[:, 0]
    row = trials.measure(sample, {"moved": moved, "inliers": sample.inlier_mean})
    assert row["errors"]["moved"] == pytest.approx(2, rel=1e-9)
    assert row["errors"]["inliers"] == row["errors"][methods.ORACLE]
    assert row["biases"]["inliers"] == 0


def test_trial_measures_what_is_feasible():
    row = trials.trial("samples", 0, **{**experiment.BASE, "n": 20, "d": 10})
    assert set(row["errors"]) == {*methods.METHODS, methods.ORACLE} - {
        methods.DETERMINANT,  # n is not above 2d
        methods.CERTIFIED,
    }
    assert all(np.isfinite(value) for value in row["errors"].values())
    data = trials.trial("data", 0, data="digits, negatives", contamination=0.0)
    assert data["errors"]["sample mean"] == pytest.approx(data["errors"][methods.ORACLE], abs=1e-12)
    assert data["errors"]["moment filter"] < 1


def row(part, seed, errors, **case):
    errors = {methods.ORACLE: 0.1, "sample mean": 0.2, "covariance filter": 0.2, **errors}
    return {"part": part, "seed": seed, **case, "errors": errors, "biases": errors}


def rows(hidden=0.01, clean=0.2, rate=0.01, bounded=0.1):
    result = []
    for seed in range(3):
        for part in ("contamination", "inliers", "clean", "samples", "dimension", "small"):
            case = {"inliers": "gaussian", "adversary": "none", "n": 10, "d": 2, "contamination": 0.1}
            result.append(row(part, seed, {"moment filter": clean}, **case, bound=0.15, bounded=bounded))
        for fraction in (0.05, 0.1, 0.2):
            result.append(row("hidden", seed, {"moment filter": hidden}, n=100, contamination=fraction))
            for far in (0.5, 1.0):
                errors = {"moment filter": rate * fraction * far, "covariance filter": fraction**0.5 * far}
                result.append(row("rate", seed, errors, d=16, contamination=fraction, distance=far))
    return result


def test_worst_distance_and_exponent():
    worst = summary.worst_biases(rows())
    assert worst[0.1]["moment filter"] == pytest.approx((0.001, 0))
    assert summary.exponent(rows(), "moment filter", 0.2) == pytest.approx(1)
    assert summary.exponent(rows(), "covariance filter", 0.2) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("changes", "refuted"),
    [
        ({}, set()),
        ({"hidden": 0.05}, {"1"}),
        ({"clean": 0.23}, {"2"}),
        ({"rate": 10.0}, {"3"}),
        ({"bounded": 0.2}, {"4"}),
    ],
)
def test_verdict(changes, refuted):
    text = summary.verdict(rows(**changes))
    verdicts = {line.strip()[0]: line for line in text.splitlines() if "erdict" in line}
    assert set(verdicts) == {"1", "2", "3", "4"}
    assert {number for number, line in verdicts.items() if "REFUTED" in line} == refuted


def test_winner_and_ties():
    same = [row("samples", seed, {"moment filter": 0.19 + 0.02 * (seed % 2), "Huber": 0.1}) for seed in range(4)]
    assert summary.winners(same) == ["Huber"]
    for one in same:
        one["errors"].pop("Huber")
    best, *ties = summary.winners(same)
    assert {best, *ties} == {"moment filter", "sample mean", "covariance filter"}


def test_what_is_measured_does_not_overwrite_what_tells_rows_apart():
    names = {name for case in experiment.PRESETS["quick"]() for name in case}
    case = experiment._case("contamination", 0, n=40, d=3)
    measured = trials.trial(**case)
    assert measured["bounded"] <= measured["bound"]
    assert not names & set(measured)
