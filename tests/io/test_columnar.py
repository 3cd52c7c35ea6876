"""Parquet files come back as the numbers in their columns; what is no number is refused."""

import builtins
import contextlib
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from hypernorm._validation import check_matrix
from hypernorm.exceptions import InvalidInputError
from hypernorm.io import read_matrix
from tests.io.files import refused

X = np.random.default_rng(0).standard_normal((5, 3)) * 10.0 ** np.arange(-150, 300, 150)


def test_parquet(tmp_path: Path) -> None:
    pd.DataFrame(X, columns=list("abc")).to_parquet(tmp_path / "X.parquet")
    assert np.array_equal(read_matrix(tmp_path / "X.parquet"), X)
    pd.DataFrame(np.ones((2, 2), dtype=np.float32), columns=["a", "b"]).to_parquet(tmp_path / "Y.parquet")
    assert read_matrix(tmp_path / "Y.parquet").dtype == np.float32
    nullable = pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": [0.5, 1.0]})
    nullable.to_parquet(tmp_path / "Z.parquet")
    assert np.array_equal(read_matrix(tmp_path / "Z.parquet"), [[1, 0.5], [np.nan, 1]], equal_nan=True)


def test_parquet_columns_of_different_types(tmp_path: Path) -> None:
    path = tmp_path / "X.parquet"
    frame = pd.DataFrame({"flag": [True, False], "n": [3, 4], "x": np.float32([0.5, 0.25])})
    frame.to_parquet(path)
    assert np.array_equal(read_matrix(path), check_matrix(frame))
    pd.DataFrame({"a": [True, False]}).to_parquet(path)
    assert read_matrix(path).dtype == bool
    for column in (pd.array([pd.NA, pd.NA], "Int64"), pd.array([None, None], "boolean"), [None, None]):
        pd.DataFrame({"b": [1.0, 2.0], "a": column}).to_parquet(path)
        with pytest.raises(InvalidInputError, match="nan at row 0, column 1"):
            check_matrix(read_matrix(path))


def test_parquet_columns_with_odd_names(tmp_path: Path) -> None:
    path = tmp_path / "X.parquet"
    parquet.write_table(pa.table([[1, 2], [0.5, 0.25]], names=["a", "a"]), path)
    assert np.array_equal(read_matrix(path), [[1, 0.5], [2, 0.25]])
    pd.DataFrame({"a.b": [1.0], "": [2.0], "c\n": [3.0]}, index=["row"]).to_parquet(path)
    assert np.array_equal(read_matrix(path, index=True), [[1, 2, 3]])
    pd.DataFrame({"\x1b[2J": ["x"]}).to_parquet(path)
    refused(path, r"'\x1b[2J'")


def test_the_index_of_a_parquet_file(tmp_path: Path) -> None:
    path = tmp_path / "X.parquet"
    frame = pd.DataFrame(X, columns=list("abc"))
    for labels in (list("vwxyz"), [5, 3, 1, 2, 4], pd.date_range("2020", periods=5)):
        frame.set_index(pd.Index(labels)).to_parquet(path)
        for index in (None, True, False):
            assert np.array_equal(read_matrix(path, index=index), X)
    frame.reset_index(names="Unnamed: 0").to_parquet(path)
    assert np.array_equal(read_matrix(path), X)
    assert read_matrix(path, index=False).shape == (5, 4)
    frame.assign(index=[5, 3, 1, 2, 4])[["index", "a", "b", "c"]].to_parquet(path)
    assert np.array_equal(read_matrix(path, index=True), X)
    frame.assign(who=list("vwxyz"))[["who", "a", "b", "c"]].to_parquet(path)
    assert np.array_equal(read_matrix(path, index=True), X)
    frame.reset_index(names="index").to_parquet(path)
    refused(path, "'index'", "index=True")


def test_integers_that_a_parquet_file_would_round(tmp_path: Path) -> None:
    path = tmp_path / "X.parquet"
    for columns in (
        {"a": [2**53 + 1, 2], "b": [0.5, 0.25]},
        {"a": [2**53 + 1, 2]},
        {"a": pd.array([-(2**60) - 1, None], "Int64"), "b": [1, 2]},
        {"a": np.uint64([2**64 - 1, 0]), "b": [True, False]},
    ):
        pd.DataFrame(columns).to_parquet(path)
        refused(path, "'a'", "2**53", "exactly")


def test_parquet_files_whose_parts_disagree(tmp_path: Path) -> None:
    path = tmp_path / "X.parquet"
    pd.DataFrame({"a": np.arange(1000.0)}).to_parquet(path)
    content = bytearray(path.read_bytes())
    # The number of rows, 1000, as a variable-length integer where the footer states it.
    places = [k for k in range(len(content)) if content[k : k + 2] == b"\xd0\x0f"]
    assert len(places) >= 3
    for place in places:
        damaged = bytearray(content)
        damaged[place : place + 2] = b"\xd2\x0f"
        path.write_bytes(bytes(damaged))
        with contextlib.suppress(InvalidInputError):  # unless the number was that of a statistic
            assert np.array_equal(read_matrix(path)[:, 0], np.arange(1000.0))


def test_parquet_with_text_and_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pd.DataFrame({"a": [1.0], "who": ["x"]}).to_parquet(tmp_path / "X.parquet")
    refused(tmp_path / "X.parquet", "'who'")
    pd.DataFrame({"a": [1.0], "when": pd.to_datetime(["2020-01-01"])}).to_parquet(tmp_path / "Y.parquet")
    refused(tmp_path / "Y.parquet", "'when'")
    honest = builtins.__import__

    def without_pyarrow(name, *rest, **options):  # type: ignore[no-untyped-def]
        if name.split(".")[0] == "pyarrow":
            raise ImportError("no pyarrow")
        return honest(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", without_pyarrow)
    refused(tmp_path / "X.parquet", "pip install 'hypernorm[parquet]'")
