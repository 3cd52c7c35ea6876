"""Names, fractions of outliers, weights and covariance matrices: what is accepted, and how the rest is refused."""

import numpy as np
import pytest

from hypernorm._arguments import check_choice, check_contamination, check_sample_weight
from hypernorm._validation import check_covariance
from hypernorm.exceptions import InvalidInputError


def test_what_is_accepted():
    assert check_choice("a", "letter", {"a": 1, "b": 2}) == "a"
    assert check_contamination(np.float32(0.25)) == 0.25
    np.testing.assert_array_equal(check_sample_weight([0, 2], "sample_weight", 2), [0.0, 2.0])
    matrix, factor = check_covariance([[4, 2], [2, 2]], "covariance", 2)
    np.testing.assert_allclose(factor @ factor.T, matrix)
    check_covariance(np.diag([1e-300, 1e300]), "covariance", 2)


@pytest.mark.parametrize("value", ["c", None, 1, ["a"], np.array(["a", "b"])])
def test_names_that_are_no_choice(value):
    with pytest.raises(InvalidInputError, match="letter must be one of 'a', 'b', got"):
        check_choice(value, "letter", iter(["a", "b"]))


@pytest.mark.parametrize("value", [-0.1, 0.5, np.nan, True, np.True_, "0.1", None, 1j])
def test_fractions_that_are_none(value):
    with pytest.raises(InvalidInputError, match=r"contamination must be a number in \[0, 0.5\)"):
        check_contamination(value)


@pytest.mark.parametrize(
    ("weights", "message"),
    [([0, 0], "nor zero"), ([1, -1], "negative"), ([1, np.nan], "nan"), ([1], "shape"), (1.0, "shape")],
)
def test_weights_that_are_none(weights, message):
    with pytest.raises(InvalidInputError, match=f"sample_weight .*{message}"):
        check_sample_weight(weights, "sample_weight", 2)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.eye(3), "symmetric 2 x 2 matrix, got one of shape"),
        (np.ones((2, 3)), "symmetric 2 x 2 matrix"),
        ([[1.0, 0.5], [0.4, 1.0]], "symmetric"),
        ([[1.0, 2.0], [2.0, 1.0]], "not positive definite"),
        (np.zeros((2, 2)), "not positive definite"),
    ],
)
def test_matrices_that_are_no_covariance(matrix, message):
    with pytest.raises(InvalidInputError, match=message):
        check_covariance(matrix, "covariance", 2)
