"""Isometric embeddings: fourth moments by enumeration, norms by algebra, and the bounds that they make loose."""

import itertools
import math

import numpy as np
import pytest

import hypernorm as hn
from hypernorm.datasets import isometric_embedding, lifted_embedding
from hypernorm.datasets.embeddings import _multiply
from hypernorm.exceptions import InvalidInputError


@pytest.mark.parametrize("degree", range(1, 8))
def test_nonzero_elements_form_a_group(degree: int) -> None:
    nonzero = range(1, 2**degree)
    for a in itertools.islice(nonzero, 20):
        assert sorted(_multiply(a, b, degree) for b in nonzero) == list(nonzero)


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 7])
def test_every_fourth_moment_is_that_of_the_power_of_the_norm(d: int) -> None:
    X = isometric_embedding(d).matrix
    for i, j, k, l in itertools.product(range(d), repeat=4):
        pairs = (i == j) * (k == l) + (i == k) * (j == l) + (i == l) * (j == k)
        assert (X[:, i] * X[:, j] * X[:, k] * X[:, l]).sum() == pytest.approx(pairs / 3, abs=1e-14)


@pytest.mark.parametrize("d", [16, 33, 128])
def test_large_embeddings_keep_every_length(d: int) -> None:
    known = isometric_embedding(d)
    V = np.random.default_rng(0).standard_normal((d, 40))
    V[:, :5] *= np.random.default_rng(1).random((d, 5)) < 0.1
    assert known.value == 1
    np.testing.assert_allclose(np.linalg.norm(known.matrix @ V, 4, axis=0), np.linalg.norm(V, axis=0), rtol=1e-12)


@pytest.mark.parametrize("d", [2, 3, 6, 17])
def test_lifted_form_and_its_maximum(d: int) -> None:
    known = lifted_embedding(d)
    m = math.sqrt((d + 1) / (3 * (d - 1)))
    V = np.random.default_rng(0).standard_normal((d, 500))
    V[0] *= np.linspace(0, 3 * math.sqrt(d), 500)
    V /= np.linalg.norm(V, axis=0)
    first = V[0] ** 2
    form = first**2 + 6 * m * first * (1 - first) + (1 - first) ** 2
    np.testing.assert_allclose(((known.matrix @ V) ** 4).sum(axis=0), form, rtol=1e-12)
    assert known.value**4 == pytest.approx(
        max(p * p + 6 * m * p * (1 - p) + (1 - p) ** 2 for p in np.linspace(0, 1, 2001))
    )


@pytest.mark.parametrize("d", [2, 5, 12])
def test_bounds_are_as_loose_as_the_theory_says(d: int) -> None:
    X = isometric_embedding(d).matrix
    for kind, power in (("row_norm", 1 / 4), ("flattening", 1 / 4), ("realigned", 1 / 8)):
        assert hn.spectral_bound(X, 4, kind).upper == pytest.approx(((d + 2) / 3) ** power, rel=1e-7)
    lifted = lifted_embedding(d)
    row_norm = hn.spectral_bound(lifted.matrix, 4, "row_norm").upper
    assert row_norm**4 == pytest.approx(1 + math.sqrt((d * d - 1) / 3), rel=1e-9)
    assert hn.lower_bound(lifted.matrix, random_state=0).value == pytest.approx(lifted.value, rel=1e-9)


@pytest.mark.parametrize("family", [isometric_embedding, lifted_embedding])
@pytest.mark.parametrize("d", [0, 130, 2.5, True])
def test_dimensions_out_of_range_are_refused(family, d) -> None:
    with pytest.raises(InvalidInputError, match="d must be"):
        family(d)
