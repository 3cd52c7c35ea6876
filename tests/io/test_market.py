"""MatrixMarket files hold what their lines say, and no line is understood in part."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp

from hypernorm.exceptions import InvalidInputError
from hypernorm.io import read_matrix


def write(folder: Path, head: str, body: str, suffix: str = ".mtx") -> Path:
    content = f"%%MatrixMarket matrix {head}\n{body}".encode()
    path = folder / f"X{suffix}"
    path.write_bytes(gzip.compress(content) if suffix.endswith(".gz") else content)
    return path


def read(path: Path) -> np.ndarray:
    matrix = read_matrix(path)
    return matrix.toarray() if sp.issparse(matrix) else matrix


@pytest.mark.parametrize("field", [None, "integer", "pattern"])
@pytest.mark.parametrize("symmetry", ["general", "symmetric", "skew-symmetric"])
@pytest.mark.parametrize("dense", [True, False])
def test_what_scipy_writes(tmp_path: Path, field: str | None, symmetry: str, dense: bool) -> None:
    if field == "pattern" and (dense or symmetry == "skew-symmetric"):
        pytest.skip("there is no such file")
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 40 if symmetry != "general" else 30)) * 10.0 ** rng.integers(-300, 300, 40)[:, None]
    if field == "integer":
        X = np.round(np.sign(X) * np.abs(X) ** 0.01 * 1e6)
    X *= rng.random(X.shape) < 0.2
    if symmetry != "general":
        X = np.tril(X, -1) + (np.tril(X, -1).T if symmetry == "symmetric" else -np.tril(X, -1).T)
    X = X.astype(np.int64) if field == "integer" else X
    scipy.io.mmwrite(tmp_path / "X.mtx", X if dense else sp.coo_array(X), symmetry=symmetry, field=field, precision=17)
    (tmp_path / "X.mtx.gz").write_bytes(gzip.compress((tmp_path / "X.mtx").read_bytes()))
    for path in (tmp_path / "X.mtx", tmp_path / "X.mtx.gz"):
        assert read_matrix(path).dtype == X.dtype
        np.testing.assert_array_equal(read(path), X != 0 if field == "pattern" else X)


@pytest.mark.parametrize(
    ("head", "body", "expected"),
    [
        ("Coordinate Real General", "% note\n\n2 2 2\n\n 1 1\t2.5 \r\n\n2 1 -1e-3", [[2.5, 0], [-1e-3, 0]]),
        ("array real general", "2 1\n9007199254740993\nnan", [[2.0**53], [np.nan]]),
        ("array double symmetric", "2 2\n1\n2\n3\n", [[1, 2], [2, 3]]),
        ("array integer skew-symmetric", "2 2\n5\n", [[0, -5], [5, 0]]),
        ("coordinate real symmetric", "2 2 2\n1 2 inf\n2 2 4\n", [[0, np.inf], [np.inf, 4]]),
        ("coordinate unsigned-integer general", "1 2 1\n1 2 +7\n", [[0, 7]]),
        ("coordinate pattern general", "2 2 1\n2 1\n", [[0, 0], [1, 0]]),
    ],
)
def test_files_by_hand(tmp_path: Path, head: str, body: str, expected: list) -> None:
    np.testing.assert_array_equal(read(write(tmp_path, head, body)), expected)


def test_blocks_are_read_as_lines_are(tmp_path: Path) -> None:
    X = np.random.default_rng(0).standard_normal((300, 300))
    scipy.io.mmwrite(tmp_path / "X.mtx", X, precision=17)
    text = (tmp_path / "X.mtx").read_text()
    assert len(text) > 1 << 20
    np.testing.assert_array_equal(read_matrix(tmp_path / "X.mtx"), X)
    number = text.splitlines()[50_000]
    (tmp_path / "X.mtx").write_text(text.replace(f"\n{number}\n", "\ninf\n", 1))
    assert np.count_nonzero(read_matrix(tmp_path / "X.mtx") != X) == 1


@pytest.mark.parametrize(
    ("head", "body", "word"),
    [
        ("array real general", "2 1\n1D5\n2\n", "'1D5'"),
        ("array real general", "2 1\n1 7\n2 8\n", "'1 7'"),
        ("array real general", "2 1\n1e\n2\n", "'1e'"),
        ("array real general", "2 1\n1-2\n2\n", "'1-2'"),
        ("array real general", "2 1\n1_0\n2\n", "'1_0'"),
        ("array real general", "2 1\n1\n% note\n2\n", "'% note'"),
        ("array real general", "2 1\n1.5\n2.5\x1b[2J", r"2.5\\x1b[2J"),
        ("array real general", "2 1\n1.5\n2.5\x00", "2.5"),
        ("array real general", "2 1\n1\n", "1 of the 2 entries"),
        ("array real general", "2 1\n1\n2\n3\n", "more entries than the 2"),
        ("array real symmetric", "2 3\n1\n2\n3\n4\n5\n6\n", "not square"),
        ("array pattern general", "2 1\n1\n2\n", "pattern"),
        ("array integer general", "1 1\n1.5\n", "'1.5'"),
        ("array integer general", "1 1\n9007199254740993\n", "2**53"),
        ("coordinate integer general", "1 1 1\n1 1 -9007199254740993\n", "2**53"),
        ("coordinate real general", "2 2 1\n0 1 3.5\n", "outside"),
        ("coordinate real general", "2 2 1\n1 3 3.5\n", "outside"),
        ("coordinate real general", "2 2 1\n1.5 1 3.5\n", "outside"),
        ("coordinate real general", "2 2 2\n1 1 3\n1 1 4\n", "several entries"),
        ("coordinate real symmetric", "2 2 2\n1 2 3\n2 1 4\n", "several entries"),
        ("coordinate real skew-symmetric", "2 2 1\n1 1 3\n", "diagonal"),
        ("coordinate real general", "2 2\n1 1 3\n", "line of sizes"),
        ("coordinate real general", "2 -2 1\n1 1 3\n", "line of sizes"),
        ("coordinate real general", "99999999999999999999 1 1\n1 1 3\n", "line of sizes"),
        ("coordinate real general", "", "line of sizes"),
        ("coordinate complex general", "1 1 1\n1 1 3 4\n", "complex"),
        ("coordinate real hermitian", "1 1 1\n1 1 3\n", "complex"),
        ("coordinate rational general", "1 1 1\n1 1 3\n", "unknown format"),
        ("coordinate real", "1 1 1\n1 1 3\n", "%%MatrixMarket matrix"),
        ("array real general", "0 3\n", "empty"),
    ],
)
@pytest.mark.parametrize("suffix", [".mtx", ".mtx.gz"])
def test_what_is_refused(tmp_path: Path, head: str, body: str, word: str, suffix: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_matrix(write(tmp_path, head, body, suffix))
    assert str(caught.value).isprintable()
    assert word in str(caught.value)
