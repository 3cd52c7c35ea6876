"""Closed forms against numerical integration, simulation and published numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from hypernorm import InvalidInputError
from hypernorm.datasets import planted_dictionary
from hypernorm.dictionary import LpDictionaryLearning, expected_error, recovery_error
from hypernorm.dictionary.theory import gaussian_moment


@pytest.mark.parametrize("p", [0, 0.5, 1, 2, 3, 4.5, 8])
def test_gaussian_moments(p):
    integral = 2 * quad(lambda t: t**p * norm.pdf(t), 0, np.inf)[0]
    assert gaussian_moment(p) == pytest.approx(integral, rel=1e-7)


def test_published_errors_are_predicted():
    """Shen et al. 2020, table 1, in per cent; the constants .178, .667, 1.577 of the noiseless closed form."""
    for p, constant in ((3, 0.178), (4, 0.667), (5, 1.577)):
        assert expected_error(101, 100, 0.5, p) * 0.25 == pytest.approx(constant, rel=3e-3)
    for n, theta, p, published in (
        (100, 0.1, 3, 0.056),
        (200, 0.1, 4, 0.21),
        (400, 0.3, 3, 0.096),
        (200, 0.3, 4, 0.35),
    ):
        assert 100 * expected_error(n, 400 * n, theta, p) == pytest.approx(published, rel=0.1)


@pytest.mark.parametrize(
    ("p", "theta", "noise"), [(3, 0.2, 0), (4, 0.3, 0), (2.5, 0.2, 0), (3, 0.3, 0.2), (4, 0.3, 0.4)]
)
def test_simulation_agrees(p, theta, noise):
    n, r = 16, 6000
    for whiten in (False, True):
        errors = []
        for seed in range(6):
            X, D, _ = planted_dictionary(r, n, theta, noise=noise, random_state=seed)
            model = LpDictionaryLearning(p=p, whiten=whiten, center=False, random_state=seed).fit(X)
            errors.append(recovery_error(model.unmixing_, D))
        assert np.mean(errors) == pytest.approx(expected_error(n, r, theta, p, noise=noise, whiten=whiten), rel=0.2)


@given(st.permutations(range(5)), st.lists(st.floats(0.1, 10), min_size=5, max_size=5), st.integers(0, 2**5 - 1))
def test_recovery_error_ignores_order_scale_and_sign(order, scales, signs):
    factors = np.array(scales) * [1 if signs >> j & 1 else -1 for j in range(5)]
    D = np.random.default_rng(0).standard_normal((5, 5))
    assert recovery_error((factors[:, None] * np.linalg.inv(D))[list(order)], D) == pytest.approx(0, abs=1e-9)
    assert recovery_error(np.ones((1, 5)), np.eye(5)) == pytest.approx(0.8)


def test_wrong_arguments():
    for arguments in ((0, 10, 0.1), (5, 10, 0), (5, 10, 1), (5, 10, 0.1, 2), (5, 10, 0.1, np.inf)):
        with pytest.raises(InvalidInputError):
            expected_error(*arguments)
    with pytest.raises(InvalidInputError, match="noise"):
        expected_error(5, 10, 0.1, noise=-1)
    with pytest.raises(InvalidInputError, match="as many columns"):
        recovery_error(np.eye(3), np.eye(4))
    with pytest.raises(InvalidInputError, match="orthogonal to every atom"):
        recovery_error(np.array([[0.0, 1.0]]), np.array([[1.0], [0.0]]))
