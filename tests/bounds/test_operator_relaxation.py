"""The relaxation of operator norms to vectors in place of numbers: the weights prove its value."""

import math

import numpy as np
import pytest

import hypernorm as hn
from hypernorm.bounds.operator_relaxation import relaxation

INF = math.inf


@pytest.mark.parametrize(("p", "q"), [(INF, 1), (INF, 2), (3, 1.5), (4, 2)])
def test_weights_prove_the_value_of_the_relaxation(p, q):
    A = np.random.default_rng(0).standard_normal((25, 20))
    value = relaxation(A, p, q, np.random.default_rng(1), steps=3000).value
    upper = hn.operator_certificate(A, p, q, random_state=0).upper
    assert value * (1 - 1e-12) <= upper <= value * (1 + 1e-7)


def test_large_relaxations_are_solved_and_proved_to_many_digits():
    A = np.random.default_rng(0).standard_normal((330, 310))
    relaxed = relaxation(A, INF, 1, np.random.default_rng(1), steps=1500)
    assert relaxed.vectors.shape[1] < 25  # the dimensions that a solution does not use are dropped
    images = A @ relaxed.vectors
    value = np.linalg.norm(A.T @ (images / np.linalg.norm(images, axis=1, keepdims=True)), 2)
    assert relaxed.value == pytest.approx(np.linalg.norm(images, axis=1).sum(), rel=1e-9)
    assert value > 0
    upper = hn.operator_certificate(A, INF, 1, random_state=0).upper
    assert relaxed.value * (1 - 1e-12) <= upper <= relaxed.value * (1 + 5e-8)
