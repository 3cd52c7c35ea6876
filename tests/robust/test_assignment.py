"""Thresholds between groups, moments of projections, and coordinates."""

import numpy as np
import pytest

from hypernorm.robust.clusters.assignment import (
    assign,
    crossing_bounds,
    measure_groups,
    moment_thresholds,
    projection_moments,
)
from hypernorm.robust.clusters.coordinates import Frame


def test_nearest_center_is_the_rule_for_equal_thresholds():
    rng = np.random.default_rng(26)
    Y, centers = rng.standard_normal((200, 3)), rng.standard_normal((6, 3))
    nearest = np.linalg.norm(Y[:, None] - centers, axis=2).argmin(axis=1)
    np.testing.assert_array_equal(assign(Y, centers, np.full((6, 6), 0.5)), nearest)


def test_thresholds_minimise_the_bound_of_markov():
    sizes, scales, q, distance = np.array([300, 100]), np.array([1.0, 2.5]), 4.0, 7.0
    fractions = np.linspace(0.01, 0.99, 9999)
    bounds = 300 * (1.0 / (fractions * distance)) ** q + 100 * (2.5 / ((1 - fractions) * distance)) ** q
    best = moment_thresholds(sizes, scales, q)[0, 1]
    assert best == pytest.approx(fractions[bounds.argmin()], abs=2e-4)
    least = crossing_bounds(sizes, np.array([[0, 1.0], [2.5, 0]]), np.array([[0.0], [distance]]), q)[0, 1]
    assert least == pytest.approx(bounds.min() / (2 * np.sqrt(300 * 100)), rel=1e-6)


def test_moments_of_projections_and_scales():
    rng = np.random.default_rng(27)
    rows = rng.uniform(-1, 1, (50, 2))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)  # none is clipped
    found = projection_moments(rows, np.zeros(2), np.array([[3.0, 0.0], [0.0, 0.0]]), 4.0, np.ones(len(rows)))
    assert found == pytest.approx([np.mean(rows[:, 0] ** 4) ** 0.25, 0])
    groups = measure_groups(rows, np.zeros(50, dtype=int), np.zeros((1, 2)), np.ones(50))
    np.testing.assert_allclose(groups.centers[0], rows.mean(axis=0), atol=1e-12)


def test_frame_is_undone():
    X = 1e5 + 1e3 * np.random.default_rng(28).standard_normal((40, 3))
    frame = Frame.measure(X, np.random.default_rng(0))
    np.testing.assert_allclose(frame.unscaled(frame.scaled(X)), X, rtol=1e-12)
    assert 0.1 < np.median(np.abs(frame.scaled(X)).max(axis=1)) <= 1
