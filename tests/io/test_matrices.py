"""Files of every format come back as the numbers they hold, and everything else is refused with one plain line."""

import builtins
import contextlib
import gzip
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.io
import scipy.sparse as sp
from pyarrow import parquet

from hypernorm import spectral_bound
from hypernorm._validation import check_matrix
from hypernorm.datasets import load_bundled
from hypernorm.exceptions import InvalidInputError
from hypernorm.io import SUFFIXES, read_matrix

X = np.random.default_rng(0).standard_normal((5, 3)) * 10.0 ** np.arange(-150, 300, 150)
TEXT = "\n".join(",".join(repr(float(entry)) for entry in row) for row in X) + "\n"


def refused(path: Path, *words: str) -> str:
    """The message with which `read_matrix` refuses a file: one line that names the file and all the words."""
    with pytest.raises(InvalidInputError) as caught:
        read_matrix(path)
    message = str(caught.value)
    assert "\n" not in message
    for word in (str(path), *words):
        assert word in message
    return message


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


class TestRoundTrips:
    @pytest.mark.parametrize("dtype", ["f8", "f4", "i4", "u1", "?", ">f8"])
    @pytest.mark.parametrize("order", ["C", "F"])
    def test_npy_is_memory_mapped_and_keeps_its_type(self, tmp_path: Path, dtype: str, order: str) -> None:
        array = np.asarray(np.arange(6).reshape(3, 2), dtype=dtype, order=order)  # type: ignore[call-overload]
        np.save(tmp_path / "X.npy", array)
        read = read_matrix(tmp_path / "X.npy")
        assert isinstance(read, np.memmap)
        assert read.dtype == array.dtype
        assert np.array_equal(read, array)

    @pytest.mark.parametrize("format", ["csr", "csc", "coo", "bsr", "dia"])
    @pytest.mark.parametrize("kind", ["array", "matrix"])
    def test_npz_with_a_sparse_matrix(self, tmp_path: Path, format: str, kind: str) -> None:
        sparse = (sp.csr_array if kind == "array" else sp.csr_matrix)(np.diag([1.0, 2.0, 0.0])).asformat(format)
        sp.save_npz(tmp_path / "X.npz", sparse)
        read = read_matrix(tmp_path / "X.npz")
        assert isinstance(read, sp.csr_array)
        assert np.array_equal(read.toarray(), np.diag([1.0, 2.0, 0.0]))

    def test_npz_with_one_matrix_among_other_arrays(self, tmp_path: Path) -> None:
        names = np.array(["a", None, "c"], dtype=object)
        np.savez_compressed(tmp_path / "X.npz", data=X, targets=np.ones(5), names=names)
        assert np.array_equal(read_matrix(tmp_path / "X.npz"), X)

    @pytest.mark.parametrize(("suffix", "delimiter"), [(".csv", ","), (".tsv", "\t"), (".CSV", ",")])
    @pytest.mark.parametrize(
        "header", ["", "a,b,c\n", '"a 1","x;y",2\n', "\ufeffa,b,c\n", "\ufeff", "\n\n", "\n a,b,c\n"]
    )
    @pytest.mark.parametrize("newline", ["\n", "\r\n"])
    def test_text_to_the_last_bit(self, tmp_path: Path, suffix: str, delimiter: str, header: str, newline: str) -> None:
        path = write(tmp_path / f"X{suffix}", (header + TEXT).replace(",", delimiter).replace("\n", newline))
        read = read_matrix(path)
        assert read.dtype == np.float64
        assert np.array_equal(read, X)

    def test_text_is_rounded_to_nearest(self, tmp_path: Path) -> None:
        numbers = [f"{value:.{digits}e}" for value in X.ravel() for digits in (14, 16, 17, 25)]
        read = read_matrix(write(tmp_path / "X.csv", "\n".join(numbers)))
        assert np.array_equal(read[:, 0], [float(number) for number in numbers])

    def test_one_column_and_spaces_and_large_integers(self, tmp_path: Path) -> None:
        assert np.array_equal(read_matrix(write(tmp_path / "a.csv", "1\n2\n")), [[1.0], [2.0]])
        assert np.array_equal(read_matrix(write(tmp_path / "b.csv", "body mass\n1\n2\n")), [[1.0], [2.0]])
        assert np.array_equal(read_matrix(write(tmp_path / "c.csv", " 1, 2\n3 ,4\n")), [[1.0, 2.0], [3.0, 4.0]])
        large = "99999999999999999999999"
        assert np.array_equal(read_matrix(write(tmp_path / "d.csv", f"{large},1\n2,3\n")), [[1e23, 1.0], [2.0, 3.0]])

    def test_missing_cells_are_left_to_the_check_of_the_matrix(self, tmp_path: Path) -> None:
        for text in ("1,2\n3,\n", "a,b\n1,2\n3,NA\n", "1,2\n3,nan\n"):
            read = read_matrix(write(tmp_path / "X.csv", text))
            with pytest.raises(InvalidInputError, match="row 1, column 1"):
                check_matrix(read)

    def test_parquet(self, tmp_path: Path) -> None:
        pd.DataFrame(X, columns=list("abc")).to_parquet(tmp_path / "X.parquet")
        assert np.array_equal(read_matrix(tmp_path / "X.parquet"), X)
        pd.DataFrame(np.ones((2, 2), dtype=np.float32), columns=["a", "b"]).to_parquet(tmp_path / "Y.parquet")
        assert read_matrix(tmp_path / "Y.parquet").dtype == np.float32
        nullable = pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": [0.5, 1.0]})
        nullable.to_parquet(tmp_path / "Z.parquet")
        assert np.array_equal(read_matrix(tmp_path / "Z.parquet"), [[1, 0.5], [np.nan, 1]], equal_nan=True)

    def test_parquet_columns_of_different_types(self, tmp_path: Path) -> None:
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

    def test_parquet_columns_with_odd_names(self, tmp_path: Path) -> None:
        path = tmp_path / "X.parquet"
        parquet.write_table(pa.table([[1, 2], [0.5, 0.25]], names=["a", "a"]), path)
        assert np.array_equal(read_matrix(path), [[1, 0.5], [2, 0.25]])
        pd.DataFrame({"a.b": [1.0], "": [2.0], "c\n": [3.0]}, index=["row"]).to_parquet(path)
        assert np.array_equal(read_matrix(path, index=True), [[1, 2, 3]])
        pd.DataFrame({"\x1b[2J": ["x"]}).to_parquet(path)
        refused(path, r"'\x1b[2J'")

    def test_the_index_of_a_parquet_file(self, tmp_path: Path) -> None:
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

    def test_matrix_market(self, tmp_path: Path) -> None:
        scipy.io.mmwrite(tmp_path / "sparse.mtx", sp.coo_array(np.diag([1.5, 0.0, -2.0])))
        read = read_matrix(tmp_path / "sparse.mtx")
        assert isinstance(read, sp.csr_array)
        assert np.array_equal(read.toarray(), np.diag([1.5, 0.0, -2.0]))
        scipy.io.mmwrite(tmp_path / "dense.mtx", X, precision=17)
        assert np.array_equal(read_matrix(tmp_path / "dense.mtx"), X)

    def test_bundled_names(self) -> None:
        assert np.array_equal(read_matrix("diabetes"), load_bundled("diabetes"))

    def test_strings_and_paths_are_alike(self, tmp_path: Path) -> None:
        np.save(tmp_path / "X.npy", X)
        assert np.array_equal(read_matrix(str(tmp_path / "X.npy")), read_matrix(tmp_path / "X.npy"))


class TestRefusals:
    def test_paths(self, tmp_path: Path) -> None:
        refused(tmp_path / "nowhere.npy", "no file", "digits, breast_cancer, diabetes")
        refused(tmp_path / "nowhere", "no file")
        refused(tmp_path, "is a directory")
        (tmp_path / "folder.npy").mkdir()
        refused(tmp_path / "folder.npy", "is a directory")
        refused(write(tmp_path / "X.mat", "1"), *SUFFIXES)
        refused(write(tmp_path / "digits", "1"), ".npy")

    @pytest.mark.parametrize("suffix", SUFFIXES)
    def test_empty_files(self, tmp_path: Path, suffix: str) -> None:
        refused(write(tmp_path / f"X{suffix}", b""), "is empty;")

    @pytest.mark.parametrize("suffix", SUFFIXES)
    @pytest.mark.parametrize(
        "content", [b"hello", b"\x00" * 100, b"\xff\xfe\xfd" * 40, bytes(range(256)), b"PK\x03\x04"]
    )
    def test_rubbish(self, tmp_path: Path, suffix: str, content: bytes) -> None:
        refused(write(tmp_path / f"X{suffix}", content))

    @pytest.mark.parametrize(
        ("array", "word"),
        [
            (np.ones(3), "(3,)"),
            (np.float64(3.0), "()"),
            (np.ones((2, 2, 2)), "(2, 2, 2)"),
            (np.ones((2, 2)) * 1j, "complex"),
            (np.array([["a", "b"]]), "text"),
            (np.array([[1, None]], dtype=object), "Python objects"),
            (np.zeros(2, dtype=[("a", float)]), "records"),
            (np.zeros((0, 3)), "empty"),
            (np.zeros((3, 0)), "empty"),
        ],
    )
    def test_npy_that_is_no_real_matrix(self, tmp_path: Path, array: np.ndarray, word: str) -> None:
        np.save(tmp_path / "X.npy", array)
        refused(tmp_path / "X.npy", word, "numpy.save")

    def test_complex_numbers_where_they_are_allowed(self, tmp_path: Path) -> None:
        A = np.array([[1, 1j], [0, -2.5]])
        np.save(tmp_path / "A.npy", A)
        np.savez(tmp_path / "B.npz", A)
        sp.save_npz(tmp_path / "C.npz", sp.csr_array(A))
        for name in ("A.npy", "B.npz", "C.npz"):
            found = read_matrix(tmp_path / name, allow_complex=True)
            np.testing.assert_array_equal(found.toarray() if sp.issparse(found) else found, A)
            refused(tmp_path / name, "complex")

    def test_pickles_are_never_loaded(self, tmp_path: Path) -> None:
        class Trap:
            def __reduce__(self) -> tuple:
                return Path.touch, (tmp_path / "sprung",)

        refused(write(tmp_path / "X.npy", pickle.dumps(Trap())))
        refused(write(tmp_path / "X.npz", pickle.dumps(Trap())))
        np.save(tmp_path / "Y.npy", np.array([[Trap()]], dtype=object))
        refused(tmp_path / "Y.npy", "Python objects")
        np.savez(tmp_path / "Y.npz", X=np.array([[Trap()]], dtype=object))
        refused(tmp_path / "Y.npz", "(objects)")
        assert not (tmp_path / "sprung").exists()

    def test_files_cut_short(self, tmp_path: Path) -> None:
        np.save(tmp_path / "X.npy", np.ones((20, 20)))
        np.savez(tmp_path / "X.npz", X=np.ones((20, 20)))
        sp.save_npz(tmp_path / "S.npz", sp.eye_array(50, format="csr"))
        pd.DataFrame(np.ones((20, 3)), columns=list("abc")).to_parquet(tmp_path / "X.parquet")
        scipy.io.mmwrite(tmp_path / "X.mtx", sp.eye_array(50))
        (tmp_path / "X.csv.gz").write_bytes(gzip.compress(np.random.default_rng(0).bytes(300).hex(",").encode()))
        for name in ("X.npy", "X.npz", "S.npz", "X.parquet", "X.mtx", "X.csv.gz"):
            content = (tmp_path / name).read_bytes()
            for share in (0.1, 0.5, 0.95):
                message = refused(write(tmp_path / f"cut-{name}", content[: int(share * len(content))]))
                # A text may end in the middle of a line, and pyarrow tells no damage from another.
                assert "download it again" in message or name in ("X.mtx", "X.parquet")

    def test_a_name_that_promises_compression(self, tmp_path: Path) -> None:
        refused(write(tmp_path / "X.csv.gz", "1,2\n3,4\n"), "leave .gz out of its name")

    def test_a_file_of_someone_else(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def denied(*arguments: Any) -> None:
            raise PermissionError(13, "Permission denied")

        path = write(tmp_path / "X.npy", "1")
        monkeypatch.setattr(Path, "open", denied)
        refused(path, "you lack the permission")

    def test_damaged_archives(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "X.npz", X=np.ones((20, 20)))
        content = bytearray((tmp_path / "X.npz").read_bytes())
        content[1000] ^= 255
        refused(write(tmp_path / "flipped.npz", bytes(content)))
        with zipfile.ZipFile(tmp_path / "plain.npz", "w") as archive:
            archive.writestr("readme.txt", "no arrays here")
        refused(tmp_path / "plain.npz", "0 matrices")

    def test_arrays_that_declare_more_than_there_is(self, tmp_path: Path) -> None:
        np.save(tmp_path / "X.npy", np.ones((4, 4)))
        content = (tmp_path / "X.npy").read_bytes()
        for shape in (b"(9, 4)", b"(4, -4)", b"(4, 4e)", b"((((((", b"(4, 4", b"4 ** 9"):
            damaged = content.replace(b"(4, 4)", shape.ljust(6))
            refused(write(tmp_path / "X.npy", damaged))
            with zipfile.ZipFile(tmp_path / "X.npz", "w") as archive:
                archive.writestr("X.npy", damaged)
            refused(tmp_path / "X.npz")
        with zipfile.ZipFile(tmp_path / "X.npz", "w", zipfile.ZIP_LZMA) as archive:
            archive.writestr("X.npy", content)
        refused(tmp_path / "X.npz", "not one that numpy writes")

    def test_sparse_archives_with_damaged_or_repeated_entries(self, tmp_path: Path) -> None:
        members = {"format": b"coo", "shape": [2, 2], "data": [2.0**53, 1.0], "row": [0, 0], "col": [1, 1]}
        np.savez(tmp_path / "S.npz", **members)  # type: ignore[arg-type]
        refused(tmp_path / "S.npz", "several entries")
        with zipfile.ZipFile(tmp_path / "S.npz", "a") as archive:
            archive.writestr("more.npy", b"no array")
        refused(tmp_path / "S.npz", "damaged")
        blocks = {"format": b"bsr", "shape": [2, 2], "data": np.ones((1, 0, 5)), "indices": [0], "indptr": [0, 1, 1]}
        np.savez(tmp_path / "B.npz", **blocks)  # type: ignore[arg-type]
        refused(tmp_path / "B.npz")

    def test_sparse_matrix_with_indices_out_of_range(self, tmp_path: Path) -> None:
        for format in (b"csr", b"csc"):
            np.savez(
                tmp_path / "S.npz",
                format=format,
                shape=[2, 2],
                data=[1.0, 2.0],
                indices=[0, 10**6],
                indptr=[0, 1, 2],
            )
            refused(tmp_path / "S.npz", "cannot be read")

    def test_archives_that_leave_a_choice(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "two.npz", first=X, second=X)
        refused(tmp_path / "two.npz", "2 matrices", "first (5, 3)", "second (5, 3)", "numpy.save")
        np.savez(tmp_path / "none.npz", x=np.ones(3))
        refused(tmp_path / "none.npz", "0 matrices", "x (3,)")

    def test_a_certificate_is_not_taken_for_a_matrix(self, tmp_path: Path) -> None:
        spectral_bound(np.eye(3)).save(tmp_path / "c.npz")
        refused(tmp_path / "c.npz", "certificate")

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("1,2\n3,abc\n", ["'abc'", "data row 1, column 1"]),
            ("age,sex\n1,f\n2,m\n", ["'f'", "data row 0, column 1", "'sex'"]),
            ("1,2\n1_000,4\n", ["'1_000'"]),
            ("a,b\n1,1+2j\n", ["'1+2j'"]),
            ("1,2\n3,4,5\n", ["line 2"]),
            ("a,b,c\n1,2\n", ["3 names", "2 columns"]),
            ("a,b\n1,2,3\n", ["2 names", "3 columns"]),
            ("a,b\n", ["header but no data"]),
            ("\n\n\n", ["is empty"]),
            ("1;2\n3;4\n", ["';'"]),
            ("a;b\n3;4\n", ["';'"]),
            ("1,5;2,5\n3,5;4,5\n", ["';'", "decimal=','"]),
            ("1\t2\n3\t4\n", ["'\\t'"]),
            ("1|2\n3|4\n", ["'|'"]),
            ("1 2\n3 4\n", ["' '"]),
            ("0,1,2\n5,6,7\n", ["column labels"]),
            (",0,1\n0,5,6\n", ["column labels"]),
            ('1,"2\n3,4\n', []),
        ],
    )
    def test_text_that_is_no_matrix(self, tmp_path: Path, text: str, words: list[str]) -> None:
        refused(write(tmp_path / "X.csv", text), *words)

    def test_commas_in_a_file_of_tabs(self, tmp_path: Path) -> None:
        refused(write(tmp_path / "X.tsv", "1,2\n3,4\n"), "','", "tabs")

    def test_integers_that_a_parquet_file_would_round(self, tmp_path: Path) -> None:
        path = tmp_path / "X.parquet"
        for columns in (
            {"a": [2**53 + 1, 2], "b": [0.5, 0.25]},
            {"a": [2**53 + 1, 2]},
            {"a": pd.array([-(2**60) - 1, None], "Int64"), "b": [1, 2]},
            {"a": np.uint64([2**64 - 1, 0]), "b": [True, False]},
        ):
            pd.DataFrame(columns).to_parquet(path)
            refused(path, "'a'", "2**53", "exactly")

    def test_parquet_files_whose_parts_disagree(self, tmp_path: Path) -> None:
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

    def test_text_in_another_encoding(self, tmp_path: Path) -> None:
        refused(write(tmp_path / "X.csv", "größe,x\n1,2\n".encode("latin-1")), "utf-8")
        refused(write(tmp_path / "Y.csv", "a,x\n1,2\n".encode("utf-16-le")), "zero byte")

    def test_parquet_with_text_and_without_pyarrow(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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

    @pytest.mark.parametrize(
        "body",
        [
            "coordinate complex general\n2 2 1\n1 1 3.5 1\n",
            "coordinate real general\n2 2 1\n5 1 3.5\n",
            "coordinate real general\n2 2 1\n1 1 abc\n",
            "coordinate integer general\n2 2 1\n1 1 99999999999999999999999\n",
            "coordinate real general\n0 0 0\n",
        ],
    )
    def test_matrix_market_that_is_no_real_matrix(self, tmp_path: Path, body: str) -> None:
        refused(write(tmp_path / "X.mtx", "%%MatrixMarket matrix " + body))


@pytest.mark.parametrize("key", ["format", "shape", "data", "row", "col"])
@pytest.mark.parametrize(
    "value",
    [np.array(0.5), np.array(-1), np.array(2**62), np.array([1j, 2j]), np.array(["a"]), np.array([[1, 2], [3, 4]])],
    ids=str,
)
def test_members_of_a_sparse_matrix_are_of_the_types_that_scipy_writes(tmp_path, key, value):
    members = {"format": b"coo", "shape": [3, 3], "data": np.ones(2), "row": np.arange(2), "col": np.arange(2)}
    np.savez(tmp_path / "X.npz", **{**members, key: value})
    with pytest.raises(InvalidInputError) as caught:
        read_matrix(tmp_path / "X.npz")
    assert "\n" not in str(caught.value)
