"""The known separable values against local search, sampling and algebra."""

import numpy as np
import pytest

from hypernorm import InvalidInputError
from hypernorm.datasets.states import (
    antisymmetric_projector,
    isotropic_state,
    known_separable_values,
    maximally_entangled,
    pure_state,
    pyramid,
    swap,
    symmetric_projector,
    tiles,
    werner_state,
)
from tests.oracles.product_states import alternating, partial_transpose, value

ALL = list(known_separable_values())


@pytest.mark.parametrize("known", ALL, ids=lambda known: known.name)
def test_value_is_attained_and_not_exceeded(known):
    rng = np.random.default_rng(0)
    for real in (False, True):
        if real and np.iscomplexobj(known.matrix):
            continue
        best = alternating(known.matrix, known.dims, rng, real, restarts=8 if known.dims[0] > 4 else 25, steps=150)
        assert best == pytest.approx(known.value, abs=1e-6)  # where the maximum is flat the alternation is slow
        for _ in range(200):
            x, y = (rng.standard_normal(d) + (0 if real else 1j * rng.standard_normal(d)) for d in known.dims)
            assert value(known.matrix, x, y) <= known.value + 1e-12


@pytest.mark.parametrize("known", ALL, ids=lambda known: known.name)
def test_fields_fit_their_description(known):
    size = known.dims[0] * known.dims[1]
    assert known.matrix.shape == (size, size)
    assert np.abs(known.matrix - known.matrix.conj().T).max() < 1e-15
    assert not known.matrix.flags.writeable
    assert known.ppt_value >= known.value
    assert known.name in repr(known)


@pytest.mark.parametrize(("known", "digits"), [(tiles(), 0.0284162133357286), (pyramid(), 0.0379118140847768)])
def test_complements_of_unextendible_product_bases(known, digits):
    P = np.eye(9) - known.matrix
    np.testing.assert_allclose(P @ P, P, atol=1e-15)
    assert np.trace(P) == pytest.approx(5)
    np.testing.assert_allclose(partial_transpose(P, (3, 3)), P, atol=1e-15)
    state = known.matrix / 4  # a state with a positive partial transpose, whose expectation is one
    assert np.linalg.eigvalsh(partial_transpose(state, (3, 3)))[0] > -1e-15
    assert np.trace(state @ known.matrix) == pytest.approx(known.ppt_value)
    least = -alternating(-P, (3, 3), np.random.default_rng(1), restarts=60, steps=300)
    assert least == pytest.approx(digits, abs=1e-14)
    assert 1 - known.value == pytest.approx(digits, abs=1e-14)


@pytest.mark.parametrize("d", [2, 3, 5])
@pytest.mark.parametrize("p", [0.0, 0.25, 1.0])
def test_states_are_states(d, p):
    for known in (werner_state(d, p), isotropic_state(d, p), isotropic_state(d, -p / (d * d - 1))):
        assert np.trace(known.matrix) == pytest.approx(1)
        assert np.linalg.eigvalsh(known.matrix)[0] > -1e-15


def test_projectors_are_projectors():
    for known, rank in (
        (maximally_entangled(4), 1),
        (maximally_entangled(5, 3), 3),
        (pure_state(3, 4), 1),
        (symmetric_projector(4), 10),
        (antisymmetric_projector(4), 6),
    ):
        np.testing.assert_allclose(known.matrix @ known.matrix, known.matrix, atol=1e-15)
        assert np.trace(known.matrix).real == pytest.approx(rank)


def test_swap_swaps():
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((2, 3))
    np.testing.assert_array_equal(swap(3).matrix @ np.kron(x, y), np.kron(y, x))
    d, F = 3, swap(3).matrix
    np.testing.assert_allclose(partial_transpose(F, (3, 3)), d * maximally_entangled(3).matrix, atol=1e-15)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: maximally_entangled(1),
        lambda: maximally_entangled(3, 4),
        lambda: maximally_entangled(3, 0),
        lambda: pure_state(0, 2),
        lambda: swap(2, 0),
        lambda: werner_state(2, 1.5),
        lambda: werner_state(1, 0.5),
        lambda: isotropic_state(2, -0.5),
    ],
)
def test_impossible_requests_are_refused(wrong):
    with pytest.raises(InvalidInputError):
        wrong()
