"""Gram matrices of product vectors against evaluation, and the gate for Hermitian matrices."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from hypernorm import InvalidInputError
from hypernorm.forms.product import ProductClasses, ProductForm, gram_sides
from tests.oracles.product_states import evaluate, monomials, random_hermitian

CASES = [
    ((2, 3), 1, "complex"),
    ((2, 2), 2, "complex"),
    ((3, 2), 3, "complex"),
    ((3, 3), 1, "real"),
    ((2, 3), 3, "real"),
]


def class_values(classes, all_monomials):
    """The monomial of each class, from any of its entries; and whether all entries of the class agree."""
    values = np.full(classes.count, np.nan, dtype=complex)
    for part, z in zip(classes.parts, all_monomials, strict=True):
        products = np.multiply.outer(z.conj(), z)
        values[part.classes.ravel()] = products.ravel()
    agree = all(
        np.allclose(values[part.classes], np.multiply.outer(z.conj(), z))
        for part, z in zip(classes.parts, all_monomials, strict=True)
    )
    return values, agree


@pytest.mark.parametrize(("dims", "level", "field"), CASES)
def test_classes_are_the_entries_of_equal_monomials(dims, level, field):
    rng = np.random.default_rng(0)
    classes = ProductClasses(dims, level, field)
    assert tuple(len(part.classes) for part in classes.parts) == gram_sides(dims, level, field)
    x, y = (rng.standard_normal(d) + (field == "complex") * 1j * rng.standard_normal(d) for d in dims)
    x, y = x / np.linalg.norm(x), y / np.linalg.norm(y)
    z = [monomials(x, y, level, j) for j in range(len(classes.parts))]
    values, agree = class_values(classes, z)
    assert agree
    assert np.isfinite(values).all()  # no class is empty
    rounded = {(round(v.real, 10), round(v.imag, 10)) for v in values}
    assert len(rounded) == classes.count  # and no two of them are the same monomial
    for part, vector in zip(classes.parts, z, strict=True):
        assert np.sum(part.multiplicities * np.abs(vector) ** 2) == pytest.approx(1)
    assert np.sum(classes.multinomials * np.abs(values) ** 2) == pytest.approx(1)

    matrices = [random_hermitian(len(part.classes), rng, real=field == "real") for part in classes.parts]
    total = sum(classes.sums(part, H) for part, H in zip(classes.parts, matrices, strict=True))
    assert total @ values == pytest.approx(evaluate(z, matrices))
    M = random_hermitian(dims[0] * dims[1], rng, real=field == "real")
    product = np.kron(x, y)
    assert classes.coefficients(M) @ values == pytest.approx(product.conj() @ M @ product)


@pytest.mark.parametrize("scale", [1.0, 1e200, 1e-200, 3e-310])
def test_forms_are_scaled_by_powers_of_two(scale):
    M = scale * random_hermitian(4, np.random.default_rng(1))
    M = (M + M.conj().T) / 2
    form = ProductForm(M, (2, 2), "complex")
    largest = max(np.abs(form.matrix.real).max(), np.abs(form.matrix.imag).max())
    assert 0.5 <= largest < 1
    assert form.error == 0
    np.testing.assert_array_equal(np.ldexp(form.matrix.real, form.exponent), M.real)


def test_what_is_lost_is_counted():
    M = np.diag([0.75, 1e-310, 0.0, 0.0])  # nothing is lost, as the scale is one
    assert ProductForm(M, (2, 2), "real").error == 0
    M[1, 1] = 5e-324
    M[0, 0] = 2.0**20
    form = ProductForm(M, (2, 2), "real")
    assert form.error >= 5e-324 * 2.0**-20
    N = np.array([[1.0, 0.1], [0.1 * (1 + 3e-16), 2.0]])
    form = ProductForm(N, (1, 2), "real")
    exact = (N + N.T) / 2  # of one entry, so the rounding is at most half a unit
    assert form.error >= np.linalg.norm(np.ldexp(form.matrix, form.exponent) - exact) / 2**form.exponent
    assert 0 < form.error < 1e-15
    assert form.matrix[0, 1] == form.matrix[1, 0]


def test_all_ways_to_store_a_matrix_are_the_same():
    R = np.arange(16).reshape(4, 4)
    R = R + R.T
    reference = ProductForm(R.astype(float), (2, 2), "complex")
    for M in (
        R,
        R.tolist(),
        sp.csr_array(R),
        pd.DataFrame(R),
        R.astype(np.float32),
        R.astype(complex),
        np.asfortranarray(R),
    ):
        form = ProductForm(M, (2, 2), "complex")
        assert form.fingerprint == reference.fingerprint
        np.testing.assert_array_equal(form.matrix, reference.matrix)
        assert form.matrix.dtype == np.float64
    H = R + 1j * np.triu(R, 1) - 1j * np.triu(R, 1).T
    dense, sparse = (ProductForm(M, (2, 2), "complex") for M in (H, sp.coo_array(H)))
    assert dense.fingerprint == sparse.fingerprint != reference.fingerprint
    np.testing.assert_array_equal(dense.matrix, sparse.matrix)


@pytest.mark.parametrize(
    ("M", "dims", "field", "words"),
    [
        (np.eye(4), (2, 3), "complex", r"shape \(6, 6\)"),
        (np.eye(4), 4, "complex", "dims must be"),
        (np.eye(4), (2, 2, 1), "complex", "dims must be"),
        (np.eye(4), (2.0, 2), "complex", "first of dims"),
        (np.eye(4), (4, 0), "complex", "second of dims"),
        (np.eye(4), (2, 2), "quaternion", "field must be"),
        (np.triu(np.ones((4, 4))), (2, 2), "complex", r"symmetric; the entries at \(0, 1\) and \(1, 0\)"),
        (1j * np.ones((4, 4)), (2, 2), "complex", "Hermitian"),
        (np.eye(4) + 1j * (np.eye(4, k=1) - np.eye(4, k=-1)), (2, 2), "real", "M.real"),
        (np.full((4, 4), np.nan), (2, 2), "complex", "nan at row 0"),
        (np.diag([0, 0, np.inf * 1j, 0]), (2, 2), "complex", "part of M"),
        (np.ma.masked_array(np.eye(4) + 0j, np.eye(4)), (2, 2), "complex", "masked"),
        ([[1, 2], [3]], (2, 1), "complex", "rectangular"),
        (np.ones(4), (2, 1), "complex", "two-dimensional"),
        (np.eye(4).astype(object), (2, 2), "complex", "objects"),
    ],
)  # fmt: skip
def test_bad_matrices_are_named(M, dims, field, words):
    with np.errstate(invalid="ignore"), pytest.raises(InvalidInputError, match=words):
        ProductForm(M, dims, field)


@pytest.mark.parametrize(
    "M",
    [
        [[2**53 + 1, 1j], [-1j, 0]],
        [[np.int64(2**53 + 1), 1j], [-1j, 0]],
        [[np.array(2**53 + 1), 1j], [-1j, 0]],
        pd.DataFrame({"a": [2**53 + 1, 0], "b": [1j, 0]}),
        [[2**53 + 1, 0.5], [0.5, 0]],
    ],
)
def test_integers_beside_complex_numbers_are_not_rounded(M):
    with pytest.raises(InvalidInputError, match="cannot represent exactly"):
        ProductForm(M, (2, 1), "complex")


def test_complex_containers_arrive_as_they_are():
    expected = np.array([[2.0**60, 1j], [-1j, 0]]) * 2.0**-61
    for M in ([[2**60, 1j], [-1j, 0]], sp.coo_array(np.array([[2.0**60, 1j], [-1j, 0]]))):
        np.testing.assert_array_equal(ProductForm(M, (2, 1), "complex").matrix, expected)
    frame = pd.DataFrame({"a": [1, -1j], "b": [1j, 0]})
    np.testing.assert_array_equal(ProductForm(frame, (2, 1), "complex").matrix, np.array([[1, 1j], [-1j, 0]]) / 2)
    with pytest.raises(InvalidInputError, match="masked"):
        ProductForm([np.ma.array([1j, 2], mask=[0, 1]), [1, 2]], (2, 1), "complex")
