"""Steps of the power method for operator norms: dual vectors, and the sums after flips of signs."""

import math

import numpy as np
import pytest

from hypernorm.bounds.operator_power import _SumsAfterFlips, conjugate_float, dual_vectors

INF = math.inf


def test_the_sums_after_flips_are_those_of_the_flipped_signs():
    rng = np.random.default_rng(5)
    A, signs = rng.standard_normal((30, 20)) * rng.exponential(size=(30, 1)), np.ones(20)
    image = A @ signs
    after = _SumsAfterFlips(A, image)
    for index in (3, 11, 3, 0):
        table = after(image, signs)
        for flip in range(20):
            flipped = np.where(np.arange(20) == flip, -signs, signs)
            assert table[flip] == pytest.approx(np.linalg.norm(A @ flipped, 1), rel=1e-12)
        signs[index] *= -1
        image = A @ signs


@pytest.mark.parametrize("r", [1, 1.2, 2, 3, 4, 7.3, 1e5, INF])
@pytest.mark.parametrize("width", [1, 3])
def test_dual_vectors_attain_the_norm(r, width):
    W = np.random.default_rng(2).standard_normal((10_000, 4, width))
    W[:, 1], W[3], W[:, 2] = 0, 0, W[:, 2] * 1e-100
    X, norms = dual_vectors(W, r)
    for start in (0, 2, 3):
        lengths = np.linalg.norm(W[:, start], axis=1)
        assert norms[start] == pytest.approx(np.linalg.norm(lengths / lengths.max(), r) * lengths.max(), rel=1e-9)
        assert np.linalg.norm(np.linalg.norm(X[:, start], axis=1), conjugate_float(r)) == pytest.approx(1, rel=1e-9)
        assert np.vdot(X[:, start], W[:, start]) == pytest.approx(norms[start], rel=1e-9)
    assert norms[1] == 0
    assert not X[:, 1].any()
