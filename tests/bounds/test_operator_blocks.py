"""Operator norms of Dask arrays: the same bounds as in memory, one clear error elsewhere."""

import math

import numpy as np
import pytest

import hypernorm as hn
from hypernorm.bounds.operator_power import axis_norms
from hypernorm.certificates.nonnegative import column_norms, products_above
from hypernorm.forms import BlockMatrix, ScaledMatrix

da = pytest.importorskip("dask.array")

INF = math.inf
A = np.random.default_rng(0).standard_normal((40, 4))
A[:, 2] = A[7] = 0
CHUNKED = da.from_array(A, chunks=(20, 3))


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    dask = pytest.importorskip("dask")
    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.mark.parametrize(("p", "q"), [(1, 3), (1, math.e), (3, INF), (3, 2), (INF, 1), (1.5, 3)])
def test_bounds_are_those_of_the_matrix_in_memory(p, q):
    expected = hn.operator_norm(A, p, q, method="cheap", random_state=0)
    found = hn.operator_norm(CHUNKED, p, q, random_state=0)
    assert found.upper == pytest.approx(expected.upper, rel=1e-12)
    assert found.lower == pytest.approx(expected.lower, rel=1e-9)
    for data in (CHUNKED, A):
        for exact in (False, True):
            assert found.certificate.verify(data, exact=exact).upper == pytest.approx(found.upper, rel=1e-9)
            assert expected.certificate.verify(data, exact=exact).upper == pytest.approx(found.upper, rel=1e-9)
            assert found.witness.verify(data, exact=exact).lower == pytest.approx(found.lower, rel=1e-9)


def test_lower_bounds_and_zeros():
    assert hn.lower_bound(CHUNKED, 3, p=1.5, random_state=0).value == pytest.approx(
        hn.lower_bound(A, 3, p=1.5, random_state=0).value, rel=1e-9
    )
    zero = hn.operator_norm(da.zeros((6, 2), chunks=3), 3, 4, random_state=0)
    assert zero.lower == zero.upper == 0


def test_other_rules_ask_for_the_matrix_in_memory():
    for rule in ("weights", "two_to_q", "interpolation", "enumeration"):
        with pytest.raises(hn.InvalidInputError, match=r"A is a Dask array, .*A\.compute\(\) loads it"):
            hn.operator_certificate(CHUNKED, INF, 1, rule=rule)
    certificate = hn.operator_certificate(A, 3, 1.5, random_state=0)
    with pytest.raises(hn.InvalidInputError, match=r"A\.compute\(\) loads it"):
        certificate.verify(CHUNKED)
    chunks = hn.operator_certificate(CHUNKED, 1, 3, rule="edge").read(CHUNKED)
    with pytest.raises(hn.CertificateError, match="no proof for a Dask array"):
        certificate.prove(chunks)
    with pytest.raises(hn.CertificateError, match="another matrix"):
        hn.operator_certificate(CHUNKED, 1, 3, rule="edge").verify(CHUNKED + 1)
    with pytest.raises(hn.InvalidInputError, match="entry nan"):
        hn.operator_norm(CHUNKED * np.nan, 3, 4)


def test_a_block_matrix_is_the_matrix():
    chunks = hn.operator_certificate(CHUNKED, 1, 3, rule="edge").read(CHUNKED)
    assert isinstance(chunks, ScaledMatrix)
    blocks, dense = chunks.entries, A * 2.0**-chunks.exponent
    assert isinstance(blocks, BlockMatrix)
    v, w = np.array([1.0, -2.0, 3.0, 0.5]), np.linspace(-1, 1, 40)
    for matrix, plain, x in ((blocks, dense, v), (blocks.T, dense.T, w), (abs(blocks).T, np.abs(dense).T, w)):
        assert matrix.shape == plain.shape
        np.testing.assert_allclose(matrix @ x, plain @ x, rtol=1e-13, atol=1e-15)
        np.testing.assert_array_equal(matrix.toarray(), plain)
        for axis in (0, 1):
            np.testing.assert_allclose(axis_norms(matrix, axis, 2.5), axis_norms(plain, axis, 2.5), rtol=1e-13)
        doubled = matrix.mapped(lambda block, factors: block * factors[:, None], np.arange(plain.shape[0]))
        np.testing.assert_array_equal(doubled.toarray(), plain * np.arange(plain.shape[0])[:, None])
    for matrix, plain in ((abs(blocks), np.abs(dense)), (abs(blocks).T, np.abs(dense).T)):
        x = np.linspace(0.1, 1, plain.shape[1])
        for exact in (False, True):
            above = products_above(matrix, x, exact=exact)
            assert (above >= plain @ x * (1 - 1e-15)).all()
            np.testing.assert_allclose(above, plain @ x, rtol=1e-13, atol=1e-300)
            norms = [float(norm.upper()) for norm in column_norms(matrix, 3, exact=exact)]
            np.testing.assert_allclose(norms, np.linalg.norm(plain, 3, axis=0), rtol=1e-11)
    np.testing.assert_array_equal(blocks[[9, 2]], dense[[9, 2]])
