"""Files of every format come back as the numbers they hold, and everything else is refused with one plain line."""

import gzip
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.sparse as sp

from hypernorm._validation import check_matrix
from hypernorm.datasets import load_bundled
from hypernorm.exceptions import InvalidInputError
from hypernorm.io import SUFFIXES, read_matrix
from tests.io.files import refused, write

X = np.random.default_rng(0).standard_normal((5, 3)) * 10.0 ** np.arange(-150, 300, 150)
TEXT = "\n".join(",".join(repr(float(entry)) for entry in row) for row in X) + "\n"


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

    def test_text_in_another_encoding(self, tmp_path: Path) -> None:
        refused(write(tmp_path / "X.csv", "größe,x\n1,2\n".encode("latin-1")), "utf-8")
        refused(write(tmp_path / "Y.csv", "a,x\n1,2\n".encode("utf-16-le")), "zero byte")

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
