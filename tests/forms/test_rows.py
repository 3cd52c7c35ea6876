import numpy as np
import pytest
import scipy.sparse as sp

from hypernorm._validation import check_matrix
from hypernorm.forms import Rows, fingerprint
from hypernorm.forms import rows as rows_module


def rows_of(X):
    return Rows(check_matrix(X))


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1.0, 3.7, 1e150, 1e300])
@pytest.mark.parametrize("container", [np.asarray, np.asfortranarray, sp.csr_array])
def test_blocks_are_the_rows_times_an_exact_power_of_two(scale, container):
    X = np.random.default_rng(0).standard_normal((9, 4)) * scale
    rows = rows_of(container(X))
    np.testing.assert_array_equal(np.ldexp(rows.block(2, 7), rows.exponent), X[2:7])
    assert 0.25 < rows.norms.max() <= 1
    assert not rows.inexact
    np.testing.assert_allclose(
        np.ldexp(rows.norms, rows.exponent) / scale, np.linalg.norm(X / scale, axis=1), rtol=1e-14
    )


def test_loss_of_tiny_entries_is_reported():
    X = np.array([[1e300, 0.0], [0.0, 1e-300]])
    rows = rows_of(X)
    assert rows.inexact
    assert rows_of(X[:1]).inexact is False


def test_zero_matrix_and_zero_rows():
    assert rows_of(np.zeros((3, 2))).is_zero
    rows = rows_of([[0.0, 0.0], [3.0, 4.0]])
    assert not rows.is_zero
    np.testing.assert_array_equal(np.ldexp(rows.norms, rows.exponent), [0.0, 5.0])


def test_subnormal_rows_have_their_length():
    X = np.array([[3e-320, 4e-320], [1.0, 0.0]])
    rows = rows_of(X)
    lengths = np.sqrt(rows.row_squares) * 2.0 ** (rows.row_exponents + rows.exponent).astype(float)
    assert lengths[0] == pytest.approx(5e-320, rel=1e-3)


def test_a_large_matrix_is_scaled_block_by_block(monkeypatch):
    X = np.random.default_rng(0).integers(-1000, 1000, (50, 3)).astype(np.float32)
    whole = rows_of(X)
    monkeypatch.setattr(rows_module, "LARGE_BYTES", 0)
    lazy = rows_of(X)
    np.testing.assert_array_equal(lazy.block(5, 20), whole.block(5, 20))
    assert lazy.search_dtype == np.float32 == whole.search_dtype
    assert whole.operand(0, 5, np.float32).dtype == np.float32


def test_memory_mapped_input(tmp_path):
    X = np.random.default_rng(1).standard_normal((30, 4))
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    rows = rows_of(mapped)
    np.testing.assert_array_equal(np.ldexp(rows.block(0, 30), rows.exponent), X)
    assert fingerprint(mapped) == fingerprint(X)


def test_single_precision_that_scaling_would_flush_goes_through_double_precision():
    X = np.array([[1e30, 0.0], [0.0, 1e-40]], dtype=np.float32)
    rows = rows_of(X)
    np.testing.assert_array_equal(np.ldexp(rows.block(0, 2), rows.exponent), X.astype(float))


def test_reweighted_rows_round_once():
    X = np.random.default_rng(2).standard_normal((6, 3))
    rows = rows_of(X)
    factors = np.linspace(0, 2, 6)
    weighted = rows.reweighted(factors)
    np.testing.assert_array_equal(weighted.block(0, 6), rows.block(0, 6) * factors[:, None])
    np.testing.assert_allclose(weighted.norms, rows.norms * factors)
    sparse = rows_of(sp.csr_array(X)).reweighted(factors)
    np.testing.assert_array_equal(sparse.block(0, 6), weighted.block(0, 6))


def test_ranges_cover_all_rows_once():
    for n in (1, 5, 64, 1000):
        rows = rows_of(np.ones((n, 2)))
        step = 7
        assert [i for part in rows.ranges(step) for i in part] == list(range(n))
        assert rows.depth(step) >= min(step, n)


SAME = [
    np.array([[1, 0, 2], [0, 0, -3]]),
    np.array([[1, 0, 2], [-0.0, 0, -3]]),
    np.asfortranarray([[1.0, 0, 2], [0, 0, -3]]),
    np.array([[1, 0, 2], [0, 0, -3]], dtype=np.float32),
    np.array([[1, 0, 2], [0, 0, -3]], dtype=">f8"),
    sp.csr_array(np.array([[1, 0, 2], [0, 0, -3]])),
    sp.csc_array(np.array([[1.0, 0, 2], [0, 0, -3]])),
    sp.csr_array((np.array([2.0, 0.0, 1.0, -3.0]), np.array([2, 1, 0, 2]), np.array([0, 3, 4])), shape=(2, 3)),
]


@pytest.mark.parametrize("matrix", SAME)
def test_the_fingerprint_depends_on_the_values_alone(matrix):
    assert fingerprint(check_matrix(matrix)) == fingerprint(np.array([[1.0, 0, 2], [0, 0, -3]]))


def test_the_fingerprint_notices_the_row_across_blocks():
    prints = set()
    for row in (5, 517):
        X = sp.lil_array((1024, 2048))
        X[row, 7] = 3.0
        prints.add(fingerprint(check_matrix(X)))
    assert len(prints) == 2


def test_the_fingerprint_notices_shape_place_and_the_last_bit():
    X = np.array([[1.0, 0, 2], [0, 0, -3]])
    others = [X.reshape(3, 2), X[:, ::-1], np.where(X == 2, np.nextafter(2, 3), X), -X, np.vstack([X, np.zeros(3)])]
    prints = {fingerprint(other) for other in [X, *others]}
    assert len(prints) == len(others) + 1


def test_rows_of_a_sparse_matrix_count_by_their_nonzeros_in_products():
    """A matrix of many columns is not read in many small blocks, each of which would cost as much as d numbers."""
    matrix = sp.eye_array(5000, 4000, format="csr")
    rows = Rows(matrix)
    assert rows.block_rows() == 64
    assert rows.block_rows(8) == 5000
    assert Rows(matrix.toarray()).block_rows(8) == 64
