"""Estimates of the norm of an operator that is known by its products alone."""

import math

import numpy as np
import pytest
from scipy.sparse.linalg import LinearOperator, aslinearoperator

import hypernorm as hn
from hypernorm.bounds import OperatorEstimate


@pytest.mark.parametrize(("p", "q"), [(2, 4), (math.inf, 2), (1.5, 3), (math.inf, 1)])
def test_an_operator_known_by_its_products_is_estimated(p, q):
    A = np.random.default_rng(4).standard_normal((5, 4))
    dense = hn.lower_bound(A, q, p=p, random_state=0)
    for operator in (aslinearoperator(A), LinearOperator(A.shape, matvec=lambda v: A @ v, rmatvec=lambda y: A.T @ y)):
        found = hn.lower_bound(operator, q, p=p, n_starts=60, random_state=0)
        assert isinstance(found, OperatorEstimate)
        assert found.value == pytest.approx(dense.value, rel=1e-6)
        assert found.value == pytest.approx(
            np.linalg.norm(A @ found.vector, q) / np.linalg.norm(found.vector, p), rel=1e-12
        )
        assert found.products >= 120


def test_operators_that_cannot_be_used():
    A = np.ones((2, 2))
    for operator, message in (
        (aslinearoperator(A * 1j), "real operator"),
        (LinearOperator((2, 2), matvec=lambda v: A @ v, dtype=float), "transpose"),
        (aslinearoperator(A * math.nan), "not finite"),
    ):
        with pytest.raises(hn.InvalidInputError, match=message):
            hn.lower_bound(operator, 3, p=1.5, random_state=0)
    assert hn.lower_bound(aslinearoperator(0 * A), 3, p=1.5, random_state=0).value == 0
