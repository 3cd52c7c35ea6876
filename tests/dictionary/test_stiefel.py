"""The steps of the ascent against slow, obvious formulas."""

import numpy as np
import pytest

from hypernorm.datasets import planted_dictionary
from hypernorm.dictionary.stiefel import _step, normalised_rows, polar_rows, random_orthonormal_rows
from hypernorm.dictionary.whitening import Whitening
from hypernorm.forms import Rows, column_means, second_moments


@pytest.mark.parametrize("p", [2.5, 3, 4, 5, 6.3])
def test_gradient_of_centred_whitened_samples(p):
    X = planted_dictionary(300, 7, 0.4, condition=10, random_state=0).samples + 2
    rows = Rows(X)
    whitening = Whitening.measure(rows, center=True, whiten=True)
    Z = (X - X.mean(axis=0)) * 2.0**-rows.exponent @ whitening.K
    np.testing.assert_allclose(Z.T @ Z / 300, np.eye(7), atol=1e-12)
    np.testing.assert_allclose(whitening.K @ whitening.inverse, np.eye(7), atol=1e-12)
    W = random_orthonormal_rows(4, 7, np.random.default_rng(0))
    gradient, values = _step(rows.shifted(whitening.mean), whitening.K, p, W)
    Y = Z @ W.T
    np.testing.assert_allclose(gradient, (np.abs(Y) ** (p - 1) * np.sign(Y)).T @ Z / 300, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(values, (np.abs(Y) ** p).mean(axis=0), rtol=1e-10)


@pytest.mark.parametrize("condition", [1, 1e2, 1e5, 1e12])
@pytest.mark.parametrize("shape", [(4, 4), (3, 8)])
def test_polar_factor(shape, condition):
    rng = np.random.default_rng(1)
    U = random_orthonormal_rows(shape[0], shape[0], rng)
    V = random_orthonormal_rows(*shape, rng)
    G = (U * np.geomspace(1, 1 / condition, shape[0])) @ V
    W = polar_rows(G)
    np.testing.assert_allclose(W @ W.T, np.eye(shape[0]), atol=1e-13)
    # The maximiser of ⟨G, W⟩ attains the sum of the singular values.
    assert np.vdot(G, W) == pytest.approx(np.geomspace(1, 1 / condition, shape[0]).sum(), rel=1e-10)


def test_rows_are_normalised_and_zero_rows_stay():
    np.testing.assert_allclose(normalised_rows(np.array([[3.0, 4.0], [0.0, 0.0]])), [[0.6, 0.8], [0.0, 0.0]])


def test_shifted_rows_weighted_means_and_images():
    rng = np.random.default_rng(2)
    X, weights, shift, v = rng.standard_normal((50, 4)), rng.random(50), rng.standard_normal(4), rng.standard_normal(4)
    rows = Rows(X)
    scaled = X * 2.0**-rows.exponent
    np.testing.assert_allclose(column_means(rows, weights), np.average(scaled, axis=0, weights=weights))
    shifted = rows.shifted(shift)
    np.testing.assert_allclose(second_moments(shifted, weights), ((scaled - shift).T * weights) @ (scaled - shift))
    np.testing.assert_allclose(shifted.images(v), (scaled - shift) @ v)
    np.testing.assert_allclose(rows.images(v), scaled @ v)
