"""The plain power method of the experiment, its families, and the verdict."""

import numpy as np
import pytest

import hypernorm as hn
from experiments import sos_exactness as experiment
from hypernorm.datasets import choi_lam, orthogonal_rows


def test_power_method_ends_at_local_maxima():
    """For orthogonal rows every row is a local maximum, and the start decides by a closed form which one is reached."""
    known = orthogonal_rows([3.0, 2.5, 2.0])
    values = experiment.power_method(known.matrix, np.random.default_rng(0), 200)
    assert set(np.round(values, 6)) == {2.0, 2.5, 3.0}
    # In the frame of the rows a step cubes l_i u_i and multiplies by l_i: the largest l_i² |u_i| wins.
    starts = np.random.default_rng(0).standard_normal((3, 200))
    lengths = np.linalg.norm(known.matrix, axis=1)
    np.testing.assert_allclose(values, lengths[np.argmax(lengths[:, None] * np.abs(known.matrix @ starts), axis=0)])


def test_power_method_never_exceeds_a_proved_bound():
    X = np.random.default_rng(1).standard_normal((24, 6))
    values = experiment.power_method(X, np.random.default_rng(2), 100)
    upper = hn.sos_bound(X, random_state=0).verify(X).upper
    assert values.max() <= upper
    assert values.max() == pytest.approx(upper, rel=1e-6)
    V = np.random.default_rng(2).standard_normal((6, 100))
    assert (values >= np.linalg.norm(X @ (V / np.linalg.norm(V, axis=0)), 4, axis=0) * (1 - 1e-12)).all()


def test_conic_bound_of_a_known_gap():
    known = choi_lam()
    assert experiment.conic_bound(known.matrix) ** 4 == pytest.approx(7 / 4 + 0.03419, abs=5e-5)


def test_rows_say_what_the_bounds_prove():
    row = experiment.trial("Choi–Lam", None, 0)
    assert not row["exact"]
    assert row["gap"] == pytest.approx(row["conic_gap"], rel=1e-3)
    assert row["degree_six_gap"] < 1e-6
    row = experiment.trial("signs, n = 4d", 5, 3)
    X = experiment.build("signs, n = 4d", 5, 3)
    assert row["exact"]
    assert row["shape"] == X.shape == (20, 5)
    assert 1 <= row["first"] <= experiment.STARTS
    assert 0 < row["hits"] <= experiment.STARTS


def test_five_edges_of_a_cycle_are_a_gap_of_the_relaxation():
    """Among random graphs with 5 vertices and 5 edges is the cycle, whose form is that of Horn."""
    unit = np.eye(5)
    X = np.array([unit[i] + sign * unit[(i + 1) % 5] for i in range(5) for sign in (1, -1)])
    lower = hn.lower_bound(X, random_state=0).verify(X).lower
    # With p = v²: 4 Σ p_i² + 12 Σ p_i p_{i+1} ≤ 4 (Σ p_i)² + 4 Σ p_i p_{i+1} ≤ 4 + 1 by Motzkin and Straus.
    assert lower**4 == pytest.approx(5, rel=1e-12)
    assert experiment.conic_bound(X) > lower * (1 + 1e-3)


def test_cases_are_at_least_five_hundred():
    assert len(list(experiment.PRESETS["paper"]())) >= 500


def row(family="signs, n = 4d", d=5, **changes):
    usual = {"exact": True, "gap": 1e-7, "best_start": 0.0, "hits": 500 // d, "first": 1}
    usual |= {"conic_gap": None, "degree_six_gap": None}
    return {"family": family, "d": d, "seed": 0, "shape": [4 * d, d], **usual, **changes}


def rows():
    known = [
        row(family, exact=False, gap=0.01, conic_gap=0.01, degree_six_gap=1e-7) for family in experiment.KNOWN_GAPS
    ]
    return [row(family, d) for family in experiment.FAMILIES for d in (5, 20)] + known


@pytest.mark.parametrize(
    ("place", "changes"),
    [
        (0, {"exact": False, "gap": 1e-3, "conic_gap": 1e-3}),
        (0, {"best_start": 1e-4}),
        (-1, {"exact": True}),
        (-1, {"degree_six_gap": 1e-3}),
    ],
)
def test_verdict_notices_each_refutation(place, changes):
    measured = rows()
    assert "Verdict: stands" in experiment.verdict(measured)
    measured[place] |= changes
    assert "REFUTED" in experiment.verdict(measured)
    assert f"> {experiment.STARTS}" in experiment.table([row(first=None)])


def test_verdict_notices_starts_that_do_not_get_rarer():
    measured = [{**part, "hits": 100} for part in rows()]
    assert "REFUTED" in experiment.verdict(measured)


@pytest.mark.parametrize("hits", [1, 5, 100, 511])
def test_starts_needed_are_the_fewest_that_hit_with_99_percent(hits):
    needed, miss = experiment.starts_needed(hits), 1 - hits / experiment.STARTS
    assert miss**needed <= 0.01 < miss ** (needed - 1)


def test_starts_needed_at_the_ends():
    assert experiment.starts_needed(experiment.STARTS) == 1
    assert experiment.starts_needed(0) == np.inf
    table = experiment.starts_table([row(hits=256), row(hits=512), row("Choi–Lam", hits=0)])
    assert table.splitlines()[2:] == ["| 5 | 2 | 2 | 75.0% | 50.0% | 4 | 7 |"]
