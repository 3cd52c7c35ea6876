"""Tables and nested sequences arrive as the numbers that they hold, or are refused by name."""

import sys
import warnings
from array import array
from collections import deque
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from hypernorm._frames import exact_float, to_array
from hypernorm._validation import check_matrix
from hypernorm.exceptions import InvalidInputError

BIG = 2**53 + 1
FINE = np.longdouble(1) + np.longdouble(2) ** -60
WIDE_LONGDOUBLE = np.finfo(np.longdouble).nmant > 60


def refused(X: Any, *words: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        check_matrix(X)
    message = str(caught.value)
    assert message.startswith("X ")
    assert message.isprintable()
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    "X",
    [
        pd.DataFrame({"a": [1, 2], "b": [0.5, 0.25], "c": [True, False]}),
        pd.DataFrame({"a": pd.array([1, 2], "Int64"), "b": pd.array([0.5, 0.25], "Float64"), "c": [True, False]}),
        pd.DataFrame({"a": pd.arrays.SparseArray([1, 2]), "b": [0.5, 0.25], "c": pd.array([1, 0], "boolean")}),
        pd.DataFrame({"a": np.longdouble([1, 2]), "b": np.float16([0.5, 0.25]), "c": [True, False]}),
        pd.DataFrame([[1, 0.5, True], [2, 0.25, False]], columns=["a", "a", "a"]).astype({"a": float}),
        pd.DataFrame({"a": [1, 2], "b": [0.5, 0.25], "c": [1, 0]}).set_axis(
            pd.MultiIndex.from_tuples([("x", 1), ("x", 2), ("y", 1)]), axis=1
        ),
        pd.DataFrame({"a": [1, 2], "b": [0.5, 0.25], "c": [True, False]}).convert_dtypes(dtype_backend="pyarrow"),
        pa.table({"a": [1, 2], "b": [0.5, 0.25], "c": [True, False]}),
        pa.RecordBatch.from_pydict({"a": [1, 2], "b": [0.5, 0.25], "c": [True, False]}),
        pa.concat_tables([pa.table({"a": [k], "b": [0.5 / k], "c": [k == 1]}) for k in (1, 2)]),
        pa.table([pa.array([1, 2]), pa.array([0.5, 0.25]), pa.array([1, 0])], names=["a", "a", "a"]),
    ],
)
def test_columns_of_different_types(X: Any) -> None:
    np.testing.assert_array_equal(check_matrix(X), [[1, 0.5, 1], [2, 0.25, 0]])


def test_columns_of_one_type_keep_it() -> None:
    for dtype in ("float32", "float16", "int64", "uint8", "bool"):
        assert check_matrix(pd.DataFrame(np.ones((2, 2), dtype=dtype))).dtype == dtype
        assert check_matrix(pa.table({"a": np.ones(2, dtype=dtype)})).dtype == dtype
    frame = pd.DataFrame(np.ones((2, 2)))
    assert np.shares_memory(check_matrix(frame), frame.to_numpy())


@pytest.mark.parametrize(
    "X",
    [
        pd.DataFrame({"a": [BIG], "b": [0.5]}),
        pd.DataFrame({"a": [BIG]}),
        pd.DataFrame({"a": np.uint64([2**64 - 1]), "b": [True]}),
        pd.DataFrame({"a": pd.array([BIG, None], "Int64")}),
        pd.DataFrame({"a": pd.array([None, BIG], "int64[pyarrow]"), "b": [1, 2]}),
        pd.DataFrame({"a": pd.arrays.SparseArray([0, BIG]), "b": [1.0, 2.0]}),
        pa.table({"a": [BIG], "b": [0.5]}),
        pa.table({"a": [BIG, None]}),
        pa.RecordBatch.from_pydict({"a": [-BIG]}),
    ],
)
def test_large_integers_of_tables_are_refused(X: Any) -> None:
    refused(X, "2**53", "'a'", "astype(float)")


@pytest.mark.parametrize(
    "column",
    [
        pd.array([None, None], "Int64"),
        pd.array([None, None], "boolean"),
        pd.array([None, None], "Float32"),
        pd.array([None, None], "double[pyarrow]"),
        [np.nan, np.nan],
    ],
)
def test_columns_without_any_number(column: Any) -> None:
    refused(pd.DataFrame({"a": column}), "nan at row 0, column 0")
    refused(pd.DataFrame({"b": [1.0, 2.0], "a": column}), "nan at row 0, column 1")


def test_missing_entries_of_arrow_tables() -> None:
    refused(pa.table({"a": pa.nulls(2)}), "nan at row 0, column 0")
    refused(pa.table({"a": [1, 2], "b": [True, None]}), "nan at row 1, column 1")
    refused(pa.table({"a": [0.5, None]}), "nan at row 1, column 0")


@pytest.mark.parametrize(
    ("X", "word"),
    [
        (pd.DataFrame({"\x1b[2Ja\n": ["x"]}), r"\\x1b[2Ja\\n"),
        (pd.DataFrame({"a": pd.Categorical([1])}), "category"),
        (pd.DataFrame({"a": pd.to_datetime(["2020-01-01"])}), "datetime64"),
        (pd.DataFrame({"a": [1j]}), "complex128"),
        (pd.DataFrame({"a": [Decimal("1.5")]}), "object"),
        (pd.DataFrame({"a": [None, None]}, dtype=object), "object"),
        (pa.table({"\x1b[2Ja": ["x"]}), r"\x1b[2Ja"),
        (pa.table({"a": pa.array([1, 1]).dictionary_encode()}), "dictionary"),
        (pa.table({"a": [Decimal("1.5")]}), "decimal"),
        (pd.DataFrame(), "empty"),
        (pa.table({}), "empty"),
        (pa.array([1, 2]), "two-dimensional"),
        (pa.chunked_array([[1], [2]]), "two-dimensional"),
    ],
)
def test_what_is_no_table_of_numbers(X: Any, word: str) -> None:
    refused(X, word.replace(r"\\", "\\"))


@pytest.mark.skipif(not WIDE_LONGDOUBLE, reason="long double is no wider than double here")
def test_long_double_is_not_rounded_beside_another_type() -> None:
    refused(pd.DataFrame({"a": np.array([FINE]), "b": [True]}), "row 0, column 0", "exactly")
    refused([[FINE, 1.0]], "row 0, column 0", "exactly")
    refused([[FINE, 1]], "row 0, column 0", "exactly")


@pytest.mark.parametrize(
    "X",
    [
        [[BIG, 0.5]],
        ((BIG, 0.5), (1, 2)),
        deque([[BIG, 0.5]]),
        [[np.array(BIG), 0.5]],
        [[np.uint64(2**64 - 1), -1]],
        [[np.float32(1), np.int64(BIG)]],
        [np.array([BIG]), np.array([0.5])],
        [array("q", [BIG]), array("d", [0.5])],
        [pd.Series([BIG]), pd.Series([0.5])],
    ],
)
def test_integers_rounded_in_sequences_are_refused(X: Any) -> None:
    refused(X, "exactly")


@pytest.mark.parametrize("entry", [2**70, 10**400, Fraction(1, 2), Decimal("0.5"), None])
@pytest.mark.parametrize("other", [1, 0.5])
def test_python_objects_are_refused(entry: Any, other: Any) -> None:
    refused([[entry, other]], "Python objects", "dtype=float")


@pytest.mark.parametrize(
    "X",
    [
        [np.ma.array([1.0, 2.0], mask=[0, 1])],
        [np.ma.array([1.0, 2.0])],
        [[1.0, 2.0], np.ma.array([1.0, 2.0], mask=[0, 1])],
        [[np.ma.array(5, mask=True), 1.0]],
        [[np.ma.masked, 1.0]],
    ],
)
def test_masks_in_sequences_are_not_dropped(X: Any) -> None:
    refused(X, "masked")


def test_exact_numbers_of_any_size_in_sequences() -> None:
    assert check_matrix([[2**60, 0.5]])[0, 0] == 2.0**60
    assert check_matrix([range(3), [0.5, 1, 2]]).tolist() == [[0, 1, 2], [0.5, 1, 2]]


class _Hostile:
    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise RuntimeError("bad\nline \x1b[2J")


class _Interchange:
    """A table of which only the interchange protocol is known."""

    def __init__(self, frame: pd.DataFrame):
        self._frame = frame

    def __dataframe__(self, nan_as_null: bool = False, allow_copy: bool = True) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self._frame.__dataframe__(nan_as_null, allow_copy)


def test_containers_of_other_libraries() -> None:
    refused(_Hostile(), "rectangular", r"bad\nline \x1b[2J")
    assert check_matrix(_Interchange(pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5]}))).tolist() == [[1, 0.5], [2, 1.5]]
    refused(_Interchange(pd.DataFrame({"a": [BIG], "b": [0.5]})), "'a'", "2**53")


def test_tables_need_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    frame, table = pd.DataFrame({"a": [1, 2], "b": [0.5, 0.25]}), pa.table({"a": [1]})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    refused(table, "pyarrow.Table", "pip install 'hypernorm[parquet]'")
    assert check_matrix(frame).tolist() == [[1, 0.5], [2, 0.25]]


def test_polars() -> None:
    pl = pytest.importorskip("polars")
    columns = {"a": [1, 2], "b": [0.5, 0.25], "c": [True, False]}
    np.testing.assert_array_equal(check_matrix(pl.DataFrame(columns)), [[1, 0.5, 1], [2, 0.25, 0]])
    assert check_matrix(pl.DataFrame({"a": [0.5]}, schema={"a": pl.Float32})).dtype == np.float32
    refused(pl.DataFrame({"a": [BIG], "b": [0.5]}), "'a'", "2**53")
    refused(pl.DataFrame({"a": [BIG, None]}), "'a'", "2**53")
    refused(pl.DataFrame({"a": [1, None]}), "nan at row 1, column 0")
    refused(pl.DataFrame({"a": [None, None]}))  # as NaN, or by its type where the versions know no other way
    refused(pl.DataFrame({"a": ["x"]}), "keep numeric columns only")
    if hasattr(pl, "Int128"):
        refused(pl.DataFrame({"a": [1]}, schema={"a": pl.Int128}), "128")
    refused(pl.DataFrame({"a": [object()]}, schema={"a": pl.Object}), "'a'")
    refused(pl.DataFrame(columns).lazy(), "collect()")
    refused(pl.Series([1, 2]), "two-dimensional")
    refused([pl.Series([BIG]), pl.Series([0.5])], "exactly")


def test_complex_numbers_only_where_they_are_asked_for() -> None:
    frame = pd.DataFrame({"a": [1, 0], "b": [1j, 0]})
    np.testing.assert_array_equal(to_array(frame, "M", kinds="fiubc"), [[1, 1j], [0, 0]])
    refused(frame, "'b'", "complex")
    for entries in ([[BIG, 1j]], pd.DataFrame({"a": [BIG], "b": [1j]}), [[np.int64(BIG), np.complex64(1)]]):
        with pytest.raises(InvalidInputError, match="exactly"):
            to_array(entries, "M", kinds="fiubc")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2**60, 2.0**60),
        (BIG, None),
        (10**400, None),
        (Fraction(1, 4), 0.25),
        (Fraction(1, 3), None),
        (Decimal("0.25"), 0.25),
        (Decimal("0.1"), None),
        (Decimal("1e999999999"), None),
        (Decimal("1e-999999999"), None),
        (Decimal("sNaN"), None),
        (np.float32(0.1), float(np.float32(0.1))),
        (np.int64(BIG), None),
        (np.uint64(3), 3.0),
        (True, 1.0),
        (np.bool_(True), 1.0),
        (1j, None),
        (None, None),
        ("2", None),
        (np.longdouble(0.5), 0.5),
        (np.array(2.0), None),
    ],
)
def test_exact_float(value: Any, expected: float | None) -> None:
    assert exact_float(value) == expected
