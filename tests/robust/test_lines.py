"""The line measure: pull and tail of projections, thinning, and the shortest interval."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from hypernorm.robust.filter.directions import dimensions, search
from hypernorm.robust.filter.lines import clean_limits, interval_share, measure, thinned

GRID = norm.ppf((np.arange(2000) + 0.5) / 2000)
EQUAL = np.full(2000, 1 / 2000)


def shortest(values, weights, share):
    """The shortest interval, by trying all pairs."""
    pairs = ((a, b) for a in values for b in values if a <= b)
    return min(b - a for a, b in pairs if weights[(values >= a) & (values <= b)].sum() >= share - 1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.5, 0.65, 0.8]), st.booleans(), st.booleans())
def test_shortest_interval(seed, share, equal, absent):
    rng = np.random.default_rng(seed)
    values, weights = rng.integers(-9, 9, 15).astype(float), np.ones(15) if equal else rng.dirichlet(np.ones(15))
    weights[: 4 * absent] = 0
    weights /= weights.sum()
    scale = shortest(values, weights, share) / 2 / norm.ppf((1 + share) / 2)
    deviation = np.sqrt(weights @ (values - weights @ values) ** 2)
    z = measure(values[:, None], weights, share).standardised[:, 0]
    assert np.ptp(values) / np.ptp(z) == pytest.approx(max(scale, 0.5 * deviation))


def test_gaussian_quantiles_have_no_pull():
    found = measure(GRID[:, None], EQUAL, 0.8)
    assert abs(found.pull[0]) < 0.01
    assert found.tail[0] == pytest.approx(0.0115, abs=0.002)


def test_pull_of_a_cluster():
    values = np.append(GRID, np.full(200, 6.0))
    weights = np.full(2200, 1 / 2200)
    found = measure(values[:, None], weights, 0.8)
    assert found.pull[0] == pytest.approx(6 * 200 / 2200, rel=0.25)  # in deviations that the cluster enlarges
    np.testing.assert_allclose(measure(-values[:, None], weights, 0.8).pull, -found.pull)
    np.testing.assert_allclose(measure(3 * values[:, None] - 7, weights, 0.8).pull, found.pull)


def test_mirrored_pairs_show_as_tails():
    values = np.concatenate([GRID, np.full(150, 5.0), np.full(150, -5.0)])
    found = measure(values[:, None], np.full(2300, 1 / 2300), 0.7)
    assert abs(found.pull[0]) < 0.01
    assert found.tail[0] > 10 * clean_limits(2300, 1, 0.7).tail


def test_a_known_center_leaves_no_pull():
    found = measure(GRID[:, None] + 1, EQUAL, 0.8, 0.0)
    assert found.pull[0] == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["pull", "tail"]))
def test_thinning_only_takes_from_tails(seed, kind):
    rng = np.random.default_rng(seed)
    values = rng.standard_t(2, 300)
    weights = rng.dirichlet(np.ones(300))
    limits = clean_limits(300, 1, 0.8)
    after = thinned(values, weights, 0.8, kind, limits, 0.15)
    assert (after <= weights + 1e-15).all()
    assert (after >= 0).all()
    middle = np.abs(values - np.median(values)) < 0.5
    np.testing.assert_array_equal(after[middle], weights[middle])


def test_thinning_takes_the_cluster():
    values = np.append(GRID, np.full(200, 5.0))
    weights = np.full(2200, 1 / 2200)
    for kind in ("pull", "tail"):
        after = thinned(values, weights, 0.8, kind, clean_limits(2200, 1, 0.8), 0.15)
        assert after[2000:].sum() < 0.001
        assert after[:2000].sum() > 0.98 * weights[:2000].sum()


def test_directions():
    assert list(dimensions(64, 20)) == [64, 20, 5, 2, 1]
    assert list(dimensions(64, 64)) == [64, 63, 16, 4, 1]
    assert list(dimensions(64, 0)) == [64]
    assert list(dimensions(1, 1)) == [1]
    rng = np.random.default_rng(0)
    Y = rng.standard_normal((400, 6))
    Y[:40, 2] += 6
    V = search(Y, np.full(400, 1 / 400), 0.8, rng)
    np.testing.assert_allclose(np.linalg.norm(V, axis=0), 1)
    assert np.abs(V[2]).max() > 0.95
    assert interval_share(0.1) == 0.8
    assert interval_share(0.4) == 0.5
