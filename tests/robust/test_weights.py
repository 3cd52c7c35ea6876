"""The fraction of outliers in a part of the samples."""

import numpy as np
import pytest
from scipy.stats import hypergeom

from hypernorm.robust.weights import contamination_of_a_part, normalised

FRACTIONS = (0.0, 0.02, 0.1, 0.3, 0.49, 0.4999)


@pytest.mark.parametrize(("n", "m"), [(1000, 100), (1000, 900), (100_000, 10_000)])
def test_a_random_part_hardly_has_more(n, m):
    part = np.full(m, 1 / m)
    allowed = [contamination_of_a_part(fraction, part, 1 / n) for fraction in FRACTIONS]
    assert allowed == sorted(allowed)
    assert max(allowed) < 0.5
    for fraction, most in zip(FRACTIONS[:4], allowed, strict=False):
        assert hypergeom(n, round(fraction * n), m).sf(np.floor(most * m)) < 0.02
        assert fraction <= most <= fraction + 1.5 / np.sqrt(m)


def test_the_whole_is_no_part():
    weights = normalised(np.random.default_rng(0).random(500))
    part = normalised(weights * (1 + 1e-16))
    for fraction in FRACTIONS:
        assert contamination_of_a_part(fraction, part, float(weights @ weights)) == fraction
        assert contamination_of_a_part(fraction, np.ones(1), 0.002) >= fraction
