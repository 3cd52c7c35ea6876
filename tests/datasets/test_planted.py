"""The planted models: shapes, shares, spectra, and wrong arguments."""

import numpy as np
import pytest

from hypernorm import InvalidInputError
from hypernorm.datasets import planted_dictionary


def test_the_model_is_what_it_says():
    X, D, codes = planted_dictionary(4000, 10, 0.3, condition=50, random_state=0)
    np.testing.assert_allclose(X, codes @ D.T, atol=1e-12)
    assert np.linalg.cond(D) == pytest.approx(50)
    assert (codes != 0).mean() == pytest.approx(0.3, abs=0.01)
    assert codes[codes != 0].std() == pytest.approx(1, abs=0.02)
    again = planted_dictionary(4000, 10, 0.3, condition=50, random_state=0)
    np.testing.assert_array_equal(X, again.samples)


def test_noise_outliers_and_corruption():
    X, D, codes = planted_dictionary(5000, 8, 0.2, noise=0.3, random_state=1)
    assert (X - codes @ D.T).std() == pytest.approx(0.3, rel=0.02)
    X, D, codes = planted_dictionary(5000, 8, 0.2, corruption=0.4, random_state=1)
    difference = X - codes @ D.T
    changed = np.abs(difference) > 0.5
    assert changed.mean() == pytest.approx(0.4, abs=0.01)
    np.testing.assert_allclose(np.abs(difference[changed]), 1, atol=1e-12)
    X, D, codes = planted_dictionary(5000, 8, 0.2, outliers=0.2, random_state=1)
    assert X.shape == codes.shape == (6000, 8)
    assert not codes[5000:].any()
    assert X[5000:].std() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(
    "wrong",
    [
        {"theta": 0},
        {"theta": 1.1},
        {"condition": 0.5},
        {"noise": -1},
        {"outliers": -0.1},
        {"corruption": 2},
        {"noise": np.nan},
    ],
)
def test_wrong_arguments(wrong):
    with pytest.raises(InvalidInputError, match=next(iter(wrong))):
        planted_dictionary(10, 3, **wrong)
