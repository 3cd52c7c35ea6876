"""The random families have the distribution, the shape and the reproducibility that they promise."""

import numpy as np
import pytest

from hypernorm.datasets import gaussian, heavy_tailed, planted_sparse, signs, subspace
from hypernorm.exceptions import InvalidInputError

FAMILIES = {
    "gaussian": gaussian,
    "signs": signs,
    "heavy_tailed": heavy_tailed,
    "subspace": subspace,
    "planted_sparse": lambda n, d, random_state=None: planted_sparse(n, d, 3, random_state).matrix,
}


@pytest.mark.parametrize("name", FAMILIES)
def test_shape_type_and_seed(name: str) -> None:
    family = FAMILIES[name]
    X = family(9, 4, random_state=0)
    assert X.shape == (9, 4)
    assert X.dtype == np.float64
    assert np.array_equal(X, family(9, 4, random_state=0))
    assert np.array_equal(X, family(9, 4, random_state=np.random.default_rng(0)))
    assert not np.array_equal(X, family(9, 4, random_state=1))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_generator_moves_on_and_global_state_is_untouched(name: str) -> None:
    family = FAMILIES[name]
    generator = np.random.default_rng(0)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert not np.array_equal(family(9, 4, random_state=generator), family(9, 4, random_state=generator))
    family(5, 2)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_moments_of_the_entries() -> None:
    X = gaussian(400, 50, random_state=0)
    assert X.mean() == pytest.approx(0, abs=0.03)
    assert (X**4).mean() == pytest.approx(3, abs=0.15)
    S = signs(400, 50, random_state=0)
    assert set(np.unique(S)) == {-1.0, 1.0}
    assert S.mean() == pytest.approx(0, abs=0.03)
    T = heavy_tailed(400, 50, degrees_of_freedom=8, random_state=0)
    assert (T**2).mean() == pytest.approx(8 / 6, abs=0.08)


@pytest.mark.parametrize(("n", "d"), [(10, 3), (5, 5), (1, 1)])
def test_subspace_is_an_orthonormal_basis(n: int, d: int) -> None:
    X = subspace(n, d, random_state=0)
    assert pytest.approx(np.eye(d), abs=1e-12) == X.T @ X


@pytest.mark.parametrize(("n", "d", "sparsity"), [(40, 5, 4), (10, 1, 3), (6, 6, 6), (30, 4, 1)])
def test_planted_vector_lies_in_the_span_and_is_hidden(n: int, d: int, sparsity: int) -> None:
    X, w = planted_sparse(n, d, sparsity, random_state=0)
    assert pytest.approx(np.eye(d), abs=1e-12) == X.T @ X
    assert X @ (X.T @ w) == pytest.approx(w, abs=1e-12)
    assert np.count_nonzero(w) == sparsity
    assert np.abs(w[w != 0]) == pytest.approx(sparsity**-0.5)
    assert np.linalg.norm(X @ (X.T @ w), 4) == pytest.approx(sparsity ** (1 / 4 - 1 / 2), rel=1e-10)
    if 1 < d < n:
        assert np.abs(X.T @ w).max() < 0.999


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: gaussian(0, 2),
        lambda: gaussian(2, 2.0),  # type: ignore[arg-type]
        lambda: signs(2, -1),
        lambda: heavy_tailed(2, 2, degrees_of_freedom=0),
        lambda: heavy_tailed(2, 2, degrees_of_freedom=np.nan),
        lambda: subspace(2, 3),
        lambda: planted_sparse(5, 6, 2),
        lambda: planted_sparse(5, 3, 6),
        lambda: planted_sparse(5, 3, 0),
        lambda: gaussian(2, 2, random_state=-1),
        lambda: gaussian(2, 2, random_state="seed"),  # type: ignore[arg-type]
    ],
)
def test_impossible_requests_are_refused(wrong) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InvalidInputError):
        wrong()
