"""Interpolation between even exponents, and rows whose ratios are those of proved bounds."""

import math

import numpy as np
import pytest

import hypernorm as hn
from experiments import other_exponents as experiment
from hypernorm.datasets import e8, icosahedron


@pytest.mark.parametrize("q", [4, 4.5, 5, 6])
def test_interpolated_bound_holds_between_known_norms(q):
    even = {4.0: e8().value, 6.0: e8(6).value}
    bound = experiment.interpolate(even, q)
    assert hn.lower_bound(e8().matrix, q, random_state=0).value <= bound * (1 + 1e-12)
    if q in even:
        assert bound == even[q]


def test_interpolated_bound_is_hoelders_inequality():
    X = np.random.default_rng(0).standard_normal((9, 3))
    v = np.random.default_rng(1).standard_normal(3)
    even = {q: np.linalg.norm(X @ v, q) for q in (2.0, 4.0, 6.0, 8.0)}
    for q in np.linspace(2, 8, 25):
        assert np.linalg.norm(X @ v, q) <= experiment.interpolate(even, q)
    for q in (2, 4, 6, 8):
        assert experiment.interpolate(even, q) == pytest.approx(even[q], rel=1e-12)


def test_nothing_is_interpolated_without_both_neighbours():
    assert experiment.interpolate({2.0: 1.0, 4.0: 1.0}, 5) is None
    assert experiment.interpolate({2.0: 1.0, 6.0: 1.0}, 3) is None


def test_row_holds_ratios_of_proved_bounds(monkeypatch):
    X = icosahedron().matrix
    monkeypatch.setitem(experiment.FAMILIES, "icosahedron", lambda d, seed: X)
    exponents = [2, 2.5, 4, 5, 8]
    row = experiment.trial("icosahedron", 3, 0, exponents)
    assert row["lower"][2] == pytest.approx((12 / 5) ** 0.25, rel=1e-9)
    for place, q in enumerate(exponents):
        for kind in experiment.KINDS:
            ratio = row[kind][place]
            assert (ratio is None) == (q == 2 and kind not in ("row_norm", "interpolated"))
            assert ratio is None or ratio >= 1
        assert row["row_norm"][place] * row["lower"][place] == pytest.approx(
            hn.spectral_bound(X, q, "row_norm").upper, rel=1e-9
        )
    assert row["sos"][2] <= 1 + 1e-6
    assert row["sos"][4] <= 1 + 1e-6


def row(**changes):
    exponents = [2, 3, 4]
    usual = {"row_norm": [1, 1.3, 1.2], "flattening": [None, 1.2, 1.1], "realigned": [None, 1.1, 1.05]}
    usual |= {
        "moment": [None, 1.2, 1.1],
        "sos": [None, 1.05, 1],
        "touching": [None, 1.01, 1],
        "interpolated": [1, 1.1, 1],
    }
    return {"family": "signs", "d": 10, "seed": 0, "exponents": exponents, "lower": [1] * 3, **usual, **changes}


@pytest.mark.parametrize(
    ("changes", "stands"),
    [
        ({}, True),
        ({"realigned": [None, 1.25, 1.05]}, False),  # above flattening
        ({"row_norm": [1, 2, 1.2], "flattening": [None, 2, 1.1]}, False),  # beyond the factor
        ({"sos": [None, 1.45, 1]}, False),  # beyond the factor of realigned
        ({"sos": [None, 1.05, 1.0001]}, False),  # not exact at q = 4
        ({"row_norm": [1.001, 1.3, 1.2]}, False),  # not exact at q = 2
    ],
)
def test_verdict(changes, stands):
    assert ("Verdict: stands" in experiment.verdict([row(**changes)])) == stands
    assert "| random | 10 | 3 | 1.3" in experiment.table([row()])
    assert math.isclose(experiment._factor(10, 3, "realigned"), hn.approximation_factor(10, 3), rel_tol=1e-6)


def test_embedding_must_be_the_worst():
    embedding = row(family=experiment.WORST)
    assert "Verdict: stands" in experiment.verdict([row(), embedding])
    assert "at 0 of 2 pairs" in experiment.verdict([row(), embedding])
    assert "REFUTED" in experiment.verdict([row(realigned=[None, 1.11, 1.05]), embedding])
    assert "| isometric embedding | 10 | 3 | 1.3" in experiment.table([row(), embedding])
    assert {case["seed"] for case in experiment.cases((10,), 3, (4,)) if case["family"] == experiment.WORST} == {0}
