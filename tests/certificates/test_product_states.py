"""Product states: exact values of vectors of every size, and what is refused."""

import dataclasses
import math
from fractions import Fraction

import flint
import numpy as np
import pytest

from hypernorm.certificates import ProductState, product_state
from hypernorm.certificates.product_state import _below, _check_vector, embedded
from hypernorm.exceptions import CertificateError, InvalidInputError
from tests.oracles.exact import U, fractions


def hermitian(size, real, seed=0):
    A = np.random.default_rng(seed).standard_normal((2, size, size))
    A = A[0] + (0 if real else 1j) * A[1]
    return (A + A.conj().T) / 2


def value_of(M, x, y):
    """⟨x⊗y, M (x⊗y)⟩ / (‖x‖²‖y‖²) in fractions."""
    xr, xi, yr, yi = (fractions(part) for v in (x, y) for part in (np.real(v), np.imag(v)))
    real, imaginary = np.kron(xr, yr) - np.kron(xi, yi), np.kron(xr, yi) + np.kron(xi, yr)
    A, B = fractions(np.real(M)), fractions(np.imag(M))
    top = real @ A @ real + imaginary @ A @ imaginary + imaginary @ B @ real - real @ B @ imaginary
    return top / ((xr @ xr + xi @ xi) * (yr @ yr + yi @ yi))


@pytest.mark.parametrize("dims", [(1, 1), (2, 3), (3, 1)])
@pytest.mark.parametrize("field", ["real", "complex"])
@pytest.mark.parametrize("scale", [1.0, 2.0**-500, 2.0**500])
def test_the_value_is_the_exact_one_rounded_down(dims, field, scale):
    rng = np.random.default_rng(1)
    real = field == "real"
    M = scale * hermitian(dims[0] * dims[1], real)
    for size in (1.0, 1e-200, 1e200, 2.0**-20, 2.0**-21):
        x, y = (size * (rng.standard_normal(d) + (0 if real else 1j * rng.standard_normal(d))) for d in dims)
        state = ProductState.from_vectors(M, x, y, field)
        exact = value_of(M, state.x, state.y)
        assert Fraction(state.value) < exact <= Fraction(state.value) + abs(exact) * 4 * U
        assert state.verify(M).lower == state.value
        for vector, given in ((state.x, x), (state.y, y)):
            assert not vector.flags.writeable
            # The same direction, short of a power of two.
            shift = math.frexp(np.abs(vector).max())[1] - math.frexp(np.abs(given).max())[1]
            np.testing.assert_array_equal(vector.real, np.ldexp(given.real, shift))
            np.testing.assert_array_equal(vector.imag, np.ldexp(given.imag, shift))


@pytest.mark.parametrize("part", [1.0, 1j])
@pytest.mark.parametrize(
    ("size", "expected"),
    [(1.0, 1.0), (0.75, 0.75), (2.0**-19, 2.0**-19), (2.0**-20, 0.5), (1.5, 0.75), (2.0, 0.5), (1e-310, None)],
)
def test_vectors_are_brought_to_ordinary_size(part, size, expected):
    for sign in (1, -1):
        found = _check_vector(np.array([sign * size * part, 0.0]), "x", "complex")
        largest = np.abs(found).max()
        assert largest == expected if expected else 0.5 <= largest < 1
        assert found.dtype == (np.complex128 if part == 1j else np.float64)
        assert (np.sign(found.real[0]), np.sign(found.imag[0])) == (sign * part.real, sign * part.imag)


@pytest.mark.parametrize(
    ("vector", "words"),
    [
        ([0.0, -0.0], "finite and not zero"), ([math.inf, 1.0], "finite"), ([1.0, math.nan], "finite"),
        ([1j * math.inf, 1.0], "finite"), ([[1.0]], "one-dimensional"), ([], "not empty"), (1.0, "one-dimensional"),
        (["a"], "numbers"),
    ],
)  # fmt: skip
def test_other_vectors_are_refused(vector, words):
    with pytest.raises(InvalidInputError, match=words):
        _check_vector(vector, "x", "complex")
    assert _check_vector([1.0], "x", "real").shape == (1,)
    assert _check_vector([5e-324], "x", "real")[0] == 0.5
    with pytest.raises(InvalidInputError, match="real"):
        _check_vector([1.0 + 0j], "x", "real")


@pytest.mark.parametrize("real", [True, False])
def test_what_a_state_claims_is_checked(real):
    M = hermitian(4, real)
    state = ProductState.from_vectors(M, [1.0, 2.0], [1.0, -1.0], "real" if real else "complex")
    assert dataclasses.replace(state, value=-math.inf).verify(M).lower == state.value
    for changes, words in [
        ({"value": math.nextafter(state.value, 9)}, "claims"),
        ({"value": math.nan}, "claims"),
        ({"value": 1}, "must be a float"),
        ({"x": state.x.tolist()}, "ndarray"),
        ({"y": state.y.tolist()}, "ndarray"),
        ({"x": state.x.astype(np.float32)}, "ndarray"),
        ({"y": state.y.astype(int)}, "ndarray"),
        ({"x": np.ma.masked_array(state.x)}, "ndarray"),
        ({"x": np.zeros(2)}, "broken"),
        ({"y": np.zeros(2)}, "broken"),
        ({"field": "rational"}, "field"),
        ({"fingerprint": "0" * 64}, "another matrix"),
        ({"fingerprint": "0"}, "hexadecimal"),
    ]:
        with pytest.raises(CertificateError, match=words):
            dataclasses.replace(state, **changes).verify(M)


def test_a_matrix_of_another_size_is_not_that_of_the_certificate():
    state = ProductState.from_vectors(np.eye(4), [1.0, 2.0], [1.0, -1.0])
    for size in (2, 3, 6):
        with pytest.raises(CertificateError, match=f"of 4 rows; M has {size}"):
            state.verify(np.eye(size))
    for shape in [(4,), (3,), (3, 3, 3), (4, 3), (3, 4), ()]:
        with pytest.raises(InvalidInputError):
            state.verify(np.zeros(shape))


def test_a_value_needs_a_processor_that_rounds_to_nearest(monkeypatch):
    def refuse():
        raise CertificateError("not this processor")

    monkeypatch.setattr(product_state, "check_arithmetic", refuse)
    with pytest.raises(CertificateError, match="not this processor"):
        ProductState.from_vectors(np.eye(4), [1.0, 2.0], [1.0, -1.0])


def test_one_vector_may_be_real_and_the_other_complex():
    M = hermitian(4, False)
    state = ProductState.from_vectors(M, [1.0, 2.0], [1.0, 1j])
    assert (state.x.dtype, state.y.dtype) == (np.float64, np.complex128)
    assert state.verify(M).lower == state.value


def test_what_rounding_the_matrix_changed_is_subtracted():
    M = np.diag([1.0, 0.5, 0.25, 0.125])
    M[0, 1] = 1e-11
    state = ProductState.from_vectors(M, [1.0, 0.0], [1.0, 0.0], "real")
    error = product_state.ProductForm(M, (2, 2), "real").error
    assert error > 1e-17
    assert Fraction(state.value) <= 1 - 2 * Fraction(error)
    assert state.value > 1 - 4 * error


def test_numbers_of_either_sign_are_rounded_down():
    for value in (1.0, -1.0, 1e-300, -1e300):
        assert _below(flint.arb(value)) == math.nextafter(value, -math.inf)
    assert _below(flint.arb(0)) == 0.0
    assert _below(flint.arb(1, 0.25)) < 0.75
    assert _below(flint.arb(0, 0.25)) < -0.25


def test_the_real_form_of_a_complex_matrix():
    M = hermitian(3, False)
    np.testing.assert_array_equal(embedded(M), np.block([[M.real, -M.imag], [M.imag, M.real]]))
    assert embedded(M.real) is not M
    np.testing.assert_array_equal(embedded(M.real), M.real)
