"""Flats that hold most samples, and what comes back at the end of the filter."""

import numpy as np
import pytest

from hypernorm.robust.filter.explanation import Line, Problem, Trim, restored
from hypernorm.robust.filter.lines import clean_limits
from hypernorm.robust.filter.whitening import whiten
from hypernorm.robust.flats import flat_of_most

EQUAL = np.full(300, 1 / 300)


@pytest.mark.parametrize("missing", [1, 2, 4])
def test_a_flat_is_found_from_a_rough_start(missing):
    """Thirty of 300 rows are off it, all of them near; the start has left out only those that are furthest."""
    rng = np.random.default_rng(missing)
    X = rng.standard_normal((300, 5 - missing)) @ rng.standard_normal((5 - missing, 5)) + 3
    away = rng.standard_normal((30, 5)) * 0.1
    X[:30] += away
    start = np.where(np.arange(300) < 15, 0, EQUAL)
    within = flat_of_most(X, EQUAL, start, 0.9)
    assert within[30:].all()
    assert within[:30].sum() < missing  # a flat of one dimension more, which is found first, holds one row more
    assert missing > 1 or flat_of_most(X, EQUAL, start, 0.91) is None


def test_a_flat_through_a_known_center():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 3))
    X[30:, 2] = X[30:, 0]
    np.testing.assert_array_equal(flat_of_most(X, EQUAL, EQUAL, 0.9, np.zeros(3)), np.arange(300) >= 30)


@pytest.mark.parametrize("share", [0.7, 0.9, 1.0])
def test_samples_in_no_flat(share):
    X = np.random.default_rng(1).standard_normal((300, 3)) * [1, 1, 1e-6]
    assert flat_of_most(X, EQUAL, EQUAL, share) is None


def test_principal_components_are_those_that_noise_does_not_explain():
    rng = np.random.default_rng(2)
    X = rng.standard_normal((500, 20))
    assert whiten(X, np.full(500, 1 / 500), X.mean(axis=0)).principal <= 1
    X[:, :10] += 2 * rng.standard_normal((500, 1))
    X[:, 10:] += 2 * rng.standard_normal((500, 1))
    assert whiten(X, np.full(500, 1 / 500), X.mean(axis=0)).principal == 2


def test_what_is_least_far_out_comes_back():
    """Whatever the order in which samples lost weight, and in whichever projection they are far out."""
    rng = np.random.default_rng(3)
    X = rng.standard_normal((300, 2))
    X[:20, 0], X[20:40, 1] = 50, 3
    problem = Problem(X=X, contamination=0.1, center=None, rng=rng)
    limits = clean_limits(300, 2, problem.share)
    first, second = EQUAL.copy(), EQUAL.copy()
    first[10:40] = 0  # along the second column; ten of those that are far along the first lose their weight here
    second[:40] = 0
    trims = [
        Trim(Line("pull", X[:, 1], np.eye(2)[1], limits), 9.0, EQUAL, first),
        Trim(Line("pull", X[:, 0], np.eye(2)[0], limits), 9.0, first, second),
    ]
    weights = restored(problem, second, trims)
    assert weights.sum() == pytest.approx(0.9)
    assert not weights[:20].any()
    assert weights[20:40].sum() == pytest.approx(10 / 300)
