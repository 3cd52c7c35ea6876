"""The Lanczos process against dense eigenvalues, across blocks of vectors."""

import numpy as np
import pytest

from hypernorm.bounds import lanczos
from hypernorm.bounds.lanczos import Lanczos


def symmetric(size, seed=0):
    A = np.random.default_rng(seed).standard_normal((size, size))
    return (A + A.T) / 2


def run(A, steps, seed=1):
    process = Lanczos(np.random.default_rng(seed).standard_normal(len(A)))
    for _ in range(steps):
        process.advance(A @ process.newest)
    return process


@pytest.mark.parametrize("rows", [1, 2, 3, 200])
@pytest.mark.parametrize("size", [1, 2, 7, 40])
def test_all_eigenvalues_after_as_many_steps_as_the_dimension(size, rows, monkeypatch):
    monkeypatch.setattr(lanczos, "_LEAST_ROWS", rows)
    monkeypatch.setattr(lanczos, "_MOST_ROWS", rows)
    A = symmetric(size)
    process = run(A, size)
    values, vectors = process.ritz()
    np.testing.assert_allclose(values, np.linalg.eigvalsh(A), atol=1e-12)
    basis = process.combined(np.eye(size))
    np.testing.assert_allclose(basis.T @ basis, np.eye(size), atol=1e-13)
    np.testing.assert_allclose(basis.T @ A @ basis, process.tridiagonal, atol=1e-12)
    pairs = process.combined(vectors)
    np.testing.assert_allclose(A @ pairs, pairs * values, atol=1e-11)
    np.testing.assert_allclose(process.combined(vectors[:, 0]), pairs[:, 0], atol=1e-15)


def test_the_residual_of_a_pair_is_the_last_coupling():
    A = symmetric(60)
    process = run(A, 20)
    values, vectors = process.ritz()
    top = process.combined(vectors[:, -1])
    assert np.linalg.norm(A @ top - values[-1] * top) == pytest.approx(process.last * abs(vectors[-1, -1]), rel=1e-9)
    assert len(process) == 20
    assert len(process.tridiagonal) == 20


def test_an_invariant_subspace_ends_the_process():
    process = Lanczos(np.array([1.0, 1.0, 0.0]))
    A = np.diag([2.0, 2.0, 5.0])
    assert process.advance(A @ process.newest) < 1e-15
    assert process.ritz()[0].tolist() == pytest.approx([2.0])
    assert Lanczos(np.array([0.0, 3.0])).newest.tolist() == [0.0, 1.0]
