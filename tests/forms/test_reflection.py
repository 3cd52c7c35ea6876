"""The reflection acts on matrices of quadratic forms as substitution does on the forms."""

import numpy as np
import pytest

from hypernorm.forms import MonomialBasis
from hypernorm.forms.reflection import Reflection


@pytest.mark.parametrize("vector", [[2], [1, 0, 0], [-1, 0], [0, 1, 0], [0, 0, -3], [1, -2, 3, 4]])
def test_forms_of_reflected_vectors(vector):
    vector, rng = np.array(vector, dtype=float), np.random.default_rng(0)
    d = len(vector)
    basis = MonomialBasis(d, 2)
    reflection = Reflection(basis, vector)
    image = reflection.apply(vector[:, None])[:, 0]
    assert abs(image[0]) == pytest.approx(np.linalg.norm(vector))
    np.testing.assert_allclose(image[1:], 0, atol=1e-14)
    G, points = rng.standard_normal((basis.size, basis.size)), rng.standard_normal((5, d))
    G = G + G.T
    lower = np.tril(G)
    reflected = reflection.conjugate(lower.copy())
    reflected = np.tril(reflected) + np.tril(reflected, -1).T
    there, here = basis.evaluate(reflection.apply(points.T).T), basis.evaluate(points)
    np.testing.assert_allclose(
        np.einsum("ai,ab,bi->i", there, reflected, there), np.einsum("ai,ab,bi->i", here, G, here), rtol=1e-12
    )
    np.testing.assert_allclose(np.linalg.eigvalsh(reflected), np.linalg.eigvalsh(G), atol=1e-12)
    np.testing.assert_allclose(np.tril(reflection.conjugate(np.tril(reflected))), lower, atol=1e-12)
