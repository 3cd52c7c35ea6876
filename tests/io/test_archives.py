"""Archives of arrays come back as the one matrix in them; every other archive is refused."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from hypernorm import spectral_bound
from hypernorm.exceptions import InvalidInputError
from hypernorm.io import read_matrix
from tests.io.files import refused, write

X = np.random.default_rng(0).standard_normal((5, 3)) * 10.0 ** np.arange(-150, 300, 150)


@pytest.mark.parametrize("format", ["csr", "csc", "coo", "bsr", "dia"])
@pytest.mark.parametrize("kind", ["array", "matrix"])
def test_npz_with_a_sparse_matrix(tmp_path: Path, format: str, kind: str) -> None:
    sparse = (sp.csr_array if kind == "array" else sp.csr_matrix)(np.diag([1.0, 2.0, 0.0])).asformat(format)
    sp.save_npz(tmp_path / "X.npz", sparse)
    read = read_matrix(tmp_path / "X.npz")
    assert isinstance(read, sp.csr_array)
    assert np.array_equal(read.toarray(), np.diag([1.0, 2.0, 0.0]))


def test_npz_with_one_matrix_among_other_arrays(tmp_path: Path) -> None:
    names = np.array(["a", None, "c"], dtype=object)
    np.savez_compressed(tmp_path / "X.npz", data=X, targets=np.ones(5), names=names)
    assert np.array_equal(read_matrix(tmp_path / "X.npz"), X)


def test_damaged_archives(tmp_path: Path) -> None:
    np.savez(tmp_path / "X.npz", X=np.ones((20, 20)))
    content = bytearray((tmp_path / "X.npz").read_bytes())
    content[1000] ^= 255
    refused(write(tmp_path / "flipped.npz", bytes(content)))
    with zipfile.ZipFile(tmp_path / "plain.npz", "w") as archive:
        archive.writestr("readme.txt", "no arrays here")
    refused(tmp_path / "plain.npz", "0 matrices")


def test_arrays_that_declare_more_than_there_is(tmp_path: Path) -> None:
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


def test_sparse_archives_with_damaged_or_repeated_entries(tmp_path: Path) -> None:
    members = {"format": b"coo", "shape": [2, 2], "data": [2.0**53, 1.0], "row": [0, 0], "col": [1, 1]}
    np.savez(tmp_path / "S.npz", **members)  # type: ignore[arg-type]
    refused(tmp_path / "S.npz", "several entries")
    with zipfile.ZipFile(tmp_path / "S.npz", "a") as archive:
        archive.writestr("more.npy", b"no array")
    refused(tmp_path / "S.npz", "damaged")
    blocks = {"format": b"bsr", "shape": [2, 2], "data": np.ones((1, 0, 5)), "indices": [0], "indptr": [0, 1, 1]}
    np.savez(tmp_path / "B.npz", **blocks)  # type: ignore[arg-type]
    refused(tmp_path / "B.npz")


def test_sparse_matrix_with_indices_out_of_range(tmp_path: Path) -> None:
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


def test_archives_that_leave_a_choice(tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", first=X, second=X)
    refused(tmp_path / "two.npz", "2 matrices", "first (5, 3)", "second (5, 3)", "numpy.save")
    np.savez(tmp_path / "none.npz", x=np.ones(3))
    refused(tmp_path / "none.npz", "0 matrices", "x (3,)")


def test_a_certificate_is_not_taken_for_a_matrix(tmp_path: Path) -> None:
    spectral_bound(np.eye(3)).save(tmp_path / "c.npz")
    refused(tmp_path / "c.npz", "certificate")


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
