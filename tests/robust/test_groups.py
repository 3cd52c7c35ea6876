"""The smaller of two groups among projections, and projections that do not fall into two groups."""

import numpy as np
import pytest
from scipy.stats import norm

from hypernorm.robust.filter.groups import smaller_group


def quantiles(weight, distance, n=4000):
    """A mixture of two normal distributions with variance one, as deterministic points with weights."""
    projection = np.concatenate([norm.ppf((np.arange(n) + 0.5) / n), distance + norm.ppf((np.arange(n) + 0.5) / n)])
    return projection, np.repeat([(1 - weight) / n, weight / n], n)


@pytest.mark.parametrize("weight", [0.05, 0.15, 0.25, 0.45])
@pytest.mark.parametrize("distance", [-6.0, 3.0, 4.0, 20.0])
def test_weight_of_a_mixture_is_recovered(weight, distance):
    projection, weights = quantiles(weight, distance)
    side = projection > 2.5 if distance > 0 else projection < -2.5
    assert smaller_group(projection, weights, side) == pytest.approx(weight, abs=0.005)
    assert smaller_group(1e6 * projection - 3e7, weights, side) == pytest.approx(weight, abs=0.005)


@pytest.mark.parametrize("distance", [0.0, 1.0, 2.0])
def test_overlapping_groups_count_as_one(distance):
    projection, weights = quantiles(0.3, distance)
    assert smaller_group(projection, weights, projection > 2) == 0


def test_degenerate_projections():
    two = np.repeat([0.0, 1.0], [3, 1])
    assert smaller_group(two, np.full(4, 0.25), two > 0.5) == 0.25
    for start in (two > 2, two < 2, np.array([True, False, False, False])):
        assert 0 <= smaller_group(np.zeros(4), np.full(4, 0.25), start) <= 0.5
    assert smaller_group(two, np.full(4, 0.25), two > 2) == 0
