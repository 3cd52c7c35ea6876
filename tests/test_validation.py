import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse as sp

from hypernorm._arguments import (
    check_count,
    check_exponent,
    check_generator,
    check_memory,
    check_time_limit,
    check_tolerance,
)
from hypernorm._validation import check_matrix, check_shape
from hypernorm.exceptions import HypernormError, InvalidInputError

VALUES = [[1.0, -2.0, 0.0], [0.5, 4.0, 8.0]]


@pytest.mark.parametrize(
    "matrix",
    [
        VALUES,
        np.array(VALUES),
        np.asfortranarray(VALUES),
        np.array(VALUES, dtype=np.float32),
        np.array(VALUES, dtype=np.float16),
        np.array(VALUES, dtype=">f8"),
        np.repeat(np.array(VALUES), 2, axis=0)[::2],
        pd.DataFrame(VALUES, columns=["a", "b", "c"]),
        sp.csr_array(VALUES),
        sp.coo_matrix(VALUES),
        sp.lil_array(VALUES),
    ],
    ids=["list", "C", "F", "f4", "f2", "big-endian", "strided", "frame", "csr", "coo", "lil"],
)
def test_every_real_container_is_accepted_with_its_values(matrix):
    checked = check_matrix(matrix)
    dense = checked.toarray() if sp.issparse(checked) else checked
    np.testing.assert_array_equal(dense.astype(float), VALUES)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, np.int64, np.uint64])
def test_integers_and_booleans_are_accepted(dtype):
    assert check_matrix(np.ones((2, 2), dtype=dtype)).shape == (2, 2)


def test_duplicate_entries_of_a_sparse_matrix_add_up_and_the_input_stays_as_it_was():
    coo = sp.coo_array(([1.0, 2.0], ([0, 0], [1, 1])), shape=(1, 2))
    assert check_matrix(coo).toarray().tolist() == [[0.0, 3.0]]
    csr = sp.csr_array((np.array([1.0, 2.0]), np.array([1, 1]), np.array([0, 2])), shape=(1, 2))
    assert check_matrix(csr).toarray().tolist() == [[0.0, 3.0]]
    assert csr.nnz == 2


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        ([1.0, 2.0], ["two-dimensional", "reshape"]),
        (np.ones((2, 2, 2)), ["two-dimensional", "3 dimension"]),
        (np.empty((0, 3)), ["empty", "(0, 3)"]),
        (np.empty((3, 0)), ["empty"]),
        ([[1.0, np.nan]], ["nan", "row 0, column 1, counted from 0"]),
        ([[1.0, 2.0], [np.inf, 0.0]], ["inf", "row 1, column 0"]),
        ([[1j]], ["complex"]),
        ([["a"]], ["real numbers"]),
        ([[object()]], ["Python objects", "X.astype(float)"]),
        ([[1.0], [1.0, 2.0]], ["rectangular"]),
        (np.array([[2**53 + 1]]), ["exactly", str(2**53 + 1), "astype(float)"]),
        (np.array([[2**63]], dtype=np.uint64), ["exactly"]),
        ([[2**53 + 1, 0.5]], ["exactly", str(2**53 + 1)]),
        ([[0.5, -(2**53) - 1], [1, 2]], ["exactly", "(0, 1)"]),
        ([[np.uint64(2**63 + 1), np.int64(-1)]], ["exactly"]),
        (pd.DataFrame({"id": [-(2**63), -(2**53 + 1)], "x": [0.5, 0.5]}), ["id", "exactly"]),
        (np.array([[-(2**60)]]), ["exactly"]),
        (np.ma.masked_array([[1.0]], mask=[[True]]), ["masked"]),
        (pd.DataFrame({"x": [1.0], "label": ["a"]}), ["label", "select_dtypes"]),
        (pd.DataFrame({"id": [2**53 + 1], "x": [0.5]}), ["id", "exactly"]),
        (pd.DataFrame({"id": [-(2**60)], "x": [0.5]}), ["id", "exactly"]),
        (pd.DataFrame({"x": pd.array([1.5, None], dtype="Float64")}), ["nan", "row 1, column 0 ('x'), counted"]),
        (pd.DataFrame({"x": [1.0], "age": [np.inf]}), ["inf", "row 0, column 1 ('age')"]),
        (pa.table({"x": [1.0, None]}), ["nan", "row 1, column 0 ('x')"]),
        (pd.DataFrame({"x": [1.0], "age": ["5"]}, dtype=object), ["'x'", "X.astype(float)"]),
        (sp.csr_array(np.array([[0.0, 1.0], [np.nan, 0.0]])), ["nan", "row 1, column 0"]),
        (sp.csr_array(np.array([[1j]])), ["complex"]),
        (None, ["real numbers"]),
    ],
)
def test_bad_matrices_get_one_line_that_names_the_argument(matrix, words):
    with pytest.raises(InvalidInputError) as caught:
        check_matrix(matrix, "X")
    message = str(caught.value)
    assert message.startswith("X ")
    assert "\n" not in message
    assert all(word in message for word in words), message


def test_extended_precision_is_accepted_only_where_it_is_exact():
    assert check_matrix(np.array([[0.5]], dtype=np.longdouble)).shape == (1, 1)
    if np.finfo(np.longdouble).nmant > 52:
        with pytest.raises(InvalidInputError, match="exactly"):
            check_matrix(np.array([[np.longdouble(1) / 3]]))


def test_large_numbers_that_are_exact_are_accepted():
    assert check_matrix([[2**60, 0.5]])[0, 0] == 2.0**60
    assert check_matrix([[1e300, 1]])[0, 0] == 1e300
    frame = pd.DataFrame({"id": np.array([1, 2], dtype=np.uint64), "x": [0.5, 0.5]})
    assert check_matrix(frame).tolist() == [[1.0, 0.5], [2.0, 0.5]]


def test_nullable_integer_columns_of_a_frame_are_accepted():
    frame = pd.DataFrame({"a": pd.array([1, 2], dtype="Int64"), "b": [0.5, 1.5]})
    np.testing.assert_array_equal(check_matrix(frame).astype(float), [[1, 0.5], [2, 1.5]])


def test_nothing_is_copied_without_need():
    X = np.ones((3, 2))
    assert check_matrix(X) is X


@pytest.mark.parametrize("q", [2, 2.0, np.float64(7.3), np.inf, np.int64(4), float("inf")])
def test_exponents(q):
    assert check_exponent(q) == q
    assert type(check_exponent(q)) is float


@pytest.mark.parametrize("q", [1.9, -1, np.nan, "4", None, True, 2j, 10**400])
def test_bad_exponents(q):
    with pytest.raises(InvalidInputError, match="q must be"):
        check_exponent(q)


def test_the_message_for_a_small_exponent_names_what_does_work():
    with pytest.raises(InvalidInputError, match="lower_bound"):
        check_exponent(1.5)


@pytest.mark.parametrize("value", [-1e-9, 1, "a", np.nan, None, True])
def test_bad_tolerances(value):
    with pytest.raises(InvalidInputError, match="rtol"):
        check_tolerance(value)


@pytest.mark.parametrize("value", [0, -1, "a", np.nan, True])
def test_bad_time_limits(value):
    with pytest.raises(InvalidInputError, match="time_limit"):
        check_time_limit(value)
    assert check_time_limit(None) is None
    assert check_time_limit(2) == 2.0


@pytest.mark.parametrize("value", [0, 1.0, "a", True, None])
def test_bad_counts(value):
    with pytest.raises(InvalidInputError, match="n_starts must be a whole number"):
        check_count(value, "n_starts")


@pytest.mark.parametrize("value", [-1, 1.5, "a", True, np.random.PCG64(0)])
def test_bad_random_states(value):
    with pytest.raises(InvalidInputError, match="random_state"):
        check_generator(value)


def test_generators_pass_through_and_seeds_reproduce():
    rng = np.random.default_rng(3)
    assert check_generator(rng) is rng
    assert check_generator(5).random() == check_generator(np.int64(5)).random()
    assert isinstance(check_generator(None), np.random.Generator)


def test_memory_is_refused_before_it_is_allocated():
    check_memory(1, "A small thing", "nothing")
    with pytest.raises(InvalidInputError, match=r"A huge thing needs .* GiB, this machine has .* GiB; buy more"):
        check_memory(2**60, "A huge thing", "buy more")


def test_vectors_are_not_rounded_either():
    assert check_shape([2**60, 0.5], "v", (2,)).tolist() == [2.0**60, 0.5]
    for vector in ([2**53 + 1, 0.5], [np.array(2**53 + 1), 0.5]):
        with pytest.raises(InvalidInputError, match="v has the entry 9007199254740993"):
            check_shape(vector, "v", (2,))
    with pytest.raises(InvalidInputError, match="masked"):
        check_shape([np.ma.masked, 0.5], "v", (2,))


def test_one_except_clause_catches_everything():
    assert issubclass(InvalidInputError, HypernormError)
    assert issubclass(InvalidInputError, ValueError)
