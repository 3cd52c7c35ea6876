"""Files at the limits of what a reader accepts: each limit, and the nearest value beyond it."""

import io
import math
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest

from hypernorm import _archive_reader, load_certificate
from hypernorm.certificates import base, fields
from hypernorm.exceptions import CertificateError

DIGEST = "0123456789abcdef" * 4


def npy(array):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array), allow_pickle=False)
    return buffer.getvalue()


def write(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, value in members.items():
            archive.writestr(f"{name}.npy", value if isinstance(value, bytes) else npy(value))


NORM = {
    "format_version": np.int64(1), "kind": "row_norm", "q": 4.0, "shape": np.array([9, 3]), "fingerprint": DIGEST,
    "exponent": np.int64(0), "radius": 1.0, "values": np.array([1.0]),
}  # fmt: skip
FLATTENING = NORM | {"kind": "flattening", "matrix_0": np.arange(6.0)}
TWO = FLATTENING | {"q": 3.0, "values": np.ones(2)}
TWO["matrix_1"] = TWO.pop("matrix_0")
WITNESS = {
    "format_version": np.int64(1), "kind": "witness", "q": 4.0, "shape": np.array([9, 3]), "fingerprint": DIGEST,
    "value": 1.0, "vector": np.array([1.0, 0.0, 0.0]),
}  # fmt: skip
SEPARABLE = {
    "format_version": np.int64(1), "kind": "separable", "field": "real", "dims": np.array([2, 2]),
    "level": np.int64(1), "exponent": np.int64(0), "fingerprint": DIGEST, "values": np.array([1.0]),
    "matrix_0": np.arange(10.0),
}  # fmt: skip


def row_norm(shape):
    return NORM | {"shape": np.array(shape)}


ACCEPTED = {
    "one row and column": row_norm([1, 1]),
    "most rows": row_norm([2**60 - 1, 3]),
    "most columns": row_norm([1, 2**30 - 1]),
    "largest exponent": NORM | {"exponent": np.int64(2100)},
    "smallest exponent": NORM | {"exponent": np.int64(-2100)},
    "smallest radius": NORM | {"radius": 5e-324},
    "largest radius": NORM | {"radius": 1.7e308},
    "value zero": NORM | {"values": np.array([0.0])},
    "small value": NORM | {"values": np.array([0.25])},
    "q two": NORM | {"q": 2.0},
    "q infinite": NORM | {"q": math.inf},
    "q a million": NORM | {"q": 1e6},
    "a matrix": FLATTENING,
    "a matrix in single precision": FLATTENING | {"matrix_0": np.arange(6, dtype="<f4")},
    "two parts": TWO,
    "witness": WITNESS,
    "witness of q one": WITNESS | {"q": 1.0},
    "witness of q infinite": WITNESS | {"q": math.inf},
    "witness of nothing": WITNESS | {"value": 0.0},
    "witness of little": WITNESS | {"value": 0.25},
    "separable": SEPARABLE,
    "separable of level eight": SEPARABLE
    | {"level": np.int64(8), "dims": np.array([1, 1]), "matrix_0": np.arange(1.0)},
    "separable of one dimension": SEPARABLE | {"dims": np.array([1, 2]), "matrix_0": np.arange(3.0)},
    "separable, largest exponent": SEPARABLE | {"exponent": np.int64(-2100)},
    "separable of complex vectors": SEPARABLE
    | {"field": "complex", "values": np.ones(2), "matrix_1": np.arange(10) + 0j},
}

REFUSED = {
    "no rows": (row_norm([0, 3]), "impossible"),
    "no columns": (row_norm([9, 0]), "impossible"),
    "negative rows": (row_norm([-1, 3]), "impossible"),
    "too many rows": (row_norm([2**60, 3]), "impossible"),
    "far too many rows": (row_norm([2**62, 3]), "impossible"),
    "too many columns": (row_norm([9, 2**30]), "impossible"),
    "three sides": (row_norm([9, 3, 1]), "shape"),
    "one side": (row_norm([9]), "shape"),
    "exponent too large": (NORM | {"exponent": np.int64(2101)}, "exponent"),
    "exponent too small": (NORM | {"exponent": np.int64(-2101)}, "exponent"),
    "radius zero": (NORM | {"radius": 0.0}, "radius"),
    "radius infinite": (NORM | {"radius": math.inf}, "radius"),
    "radius NaN": (NORM | {"radius": math.nan}, "radius"),
    "radius negative": (NORM | {"radius": -0.5}, "radius"),
    "value below zero": (NORM | {"values": np.array([-5e-324])}, "negative"),
    "value infinite": (NORM | {"values": np.array([math.inf])}, "infinite"),
    "value NaN": (NORM | {"values": np.array([math.nan])}, "NaN"),
    "one of two values": (TWO | {"values": np.array([1.0, math.nan])}, "NaN"),
    "the other of two values": (TWO | {"values": np.array([-1.0, 1.0])}, "negative"),
    "q below two": (NORM | {"q": math.nextafter(2, 0)}, "no certificate"),
    "q too large": (NORM | {"q": math.nextafter(1e6, 2e6)}, "no certificate"),
    "unknown kind": (NORM | {"kind": "row"}, "no certificate of kind"),
    "kind of something else": (NORM | {"kind": "second"}, "no certificate of kind"),
    "version zero": (NORM | {"format_version": np.int64(0)}, "version 0"),
    "version two": (NORM | {"format_version": np.int64(2)}, "version 2"),
    "a matrix too many": (NORM | {"matrix_0": np.arange(6.0)}, "unexpected"),
    "a matrix too few": (NORM | {"kind": "flattening"}, "missing"),
    "a matrix of another side": (FLATTENING | {"matrix_0": np.arange(10.0)}, "shape"),
    "witness of q below one": (WITNESS | {"q": math.nextafter(1, 0)}, "q must be"),
    "witness of q NaN": (WITNESS | {"q": math.nan}, "q must be"),
    "witness below zero": (WITNESS | {"value": -5e-324}, "value"),
    "witness of infinity": (WITNESS | {"value": math.inf}, "value"),
    "witness of another length": (WITNESS | {"vector": np.ones(9)}, "shape"),
    "witness that is not finite": (WITNESS | {"vector": np.array([1.0, 0.0, math.inf])}, "finite"),
    "separable of level zero": (SEPARABLE | {"level": np.int64(0)}, "level 0"),
    "separable of level nine": (SEPARABLE | {"level": np.int64(9)}, "level 9"),
    "separable of no dimension": (SEPARABLE | {"dims": np.array([0, 2])}, "dimensions"),
    "separable of negative dimension": (SEPARABLE | {"dims": np.array([2, -1])}, "dimensions"),
    "separable of large dimension": (SEPARABLE | {"dims": np.array([1, 2**20])}, r"dimensions \(1"),
    "separable of large first dimension": (SEPARABLE | {"dims": np.array([2**20, 1])}, r"dimensions \(1"),
    "separable of three dimensions": (SEPARABLE | {"dims": np.array([2, 2, 1])}, "shape"),
    "separable of one number": (SEPARABLE | {"dims": np.array([2])}, "shape"),
    "separable, another field": (SEPARABLE | {"field": "reals"}, "field 'reals'"),
    "separable, exponent too large": (SEPARABLE | {"exponent": np.int64(2101)}, "exponent"),
    "separable, value NaN": (SEPARABLE | {"values": np.array([math.nan])}, "value"),
    "separable, complex for real": (SEPARABLE | {"matrix_0": np.arange(10) + 0j}, "float64"),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_within_the_limits_is_read(name, tmp_path):
    path = tmp_path / "file.npz"
    members = ACCEPTED[name]
    write(path, members)
    found = load_certificate(path)
    assert found.fingerprint == DIGEST
    for field in ("q", "radius", "value", "exponent", "level", "field", "kind"):
        if field in members and hasattr(found, field):
            assert getattr(found, field) == members[field]
    if "shape" in members:
        assert found.shape == tuple(members["shape"].tolist())
    if "values" in members:
        assert found.values == tuple(members["values"].tolist())
    for index, matrix in enumerate(getattr(found, "matrices", ())):
        packed = members.get(f"matrix_{index}")
        assert (matrix is None) == (packed is None)
        if packed is not None:
            np.testing.assert_array_equal(matrix[np.tril_indices(len(matrix))], packed)
            assert (matrix == matrix.conj().T).all()
            assert not matrix.flags.writeable
    if hasattr(found, "vector"):
        assert not found.vector.flags.writeable


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_beyond_the_limits_is_refused(name, tmp_path):
    members, words = REFUSED[name]
    path = tmp_path / "file.npz"
    write(path, members)
    with pytest.raises(CertificateError, match=words) as caught:
        load_certificate(path)
    assert str(caught.value).isprintable()
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("kind", ["row_norm", "witness", "kind of nothing"])
def test_a_file_of_another_kind_is_read_as_that_kind_or_refused(kind, tmp_path):
    write(tmp_path / "file.npz", SEPARABLE | {"kind": kind})
    with pytest.raises(CertificateError, match="no certificate of kind" if "nothing" in kind else "missing"):
        load_certificate(tmp_path / "file.npz")
    write(tmp_path / "file.npz", SEPARABLE)
    assert load_certificate(tmp_path / "file.npz").level == 1


@pytest.mark.parametrize("name", ["one row and column", "a matrix", "two parts", "witness", "separable"])
def test_what_is_written_is_read_again(name, tmp_path):
    write(tmp_path / "file.npz", ACCEPTED[name])
    found = load_certificate(tmp_path / "file.npz")
    found.save(tmp_path / "again.npz")
    again = load_certificate(tmp_path / "again.npz")
    for field in found.__slots__:
        first, second = getattr(found, field), getattr(again, field)
        if field == "matrices":
            for one, other in zip(first, second, strict=True):
                np.testing.assert_array_equal(one, other)
        else:
            np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("side", [1, 2, 5])
def test_triangles_are_as_small_as_their_numbers_allow(side):
    rng = np.random.default_rng(side)
    A = rng.standard_normal((side, side))
    A = A + A.T
    places = np.tril_indices(side)
    for matrix, dtype in [(A, "<f8"), (np.round(A * 8), "<f4"), (A + 0j, "<c16"), (1e300 * np.ones_like(A), "<f8")]:
        packed = fields._packed_triangle(matrix)
        assert packed.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(packed, matrix[places])
    one = np.round(A * 8)
    one[-1, -1] = 1 / 3
    assert fields._packed_triangle(one).dtype == np.float64
    assert base.FORMAT_VERSION == 1


def rewritten(path, change):
    """The bytes of a file with one of them changed, or more."""
    data = bytearray(path.read_bytes())
    change(data)
    path.write_bytes(bytes(data))


def central(data):
    """Where the directory begins, from the record at the end of the file."""
    return int.from_bytes(data[-6:-2], "little")


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "file.npz"
    write(path, NORM)
    return path


def sizes(data, offset, value):
    """Change a size of the first member in its own header and in the directory."""
    for start in (18 + offset, central(data) + 20 + offset):
        data[start : start + 4] = value.to_bytes(4, "little")


@pytest.mark.parametrize("change", ["stored", "one size", "other size", "both sizes", "method"])
def test_sizes_and_methods_that_do_not_fit_are_refused(saved, change):
    length = len(saved.read_bytes())

    def edit(data):
        if change in ("one size", "both sizes"):
            sizes(data, 0, length + 1)
        if change in ("other size", "both sizes"):
            sizes(data, 4, length + 1)
        if change == "method":
            data[8:10] = data[central(data) + 10 : central(data) + 12] = (8).to_bytes(2, "little")

    rewritten(saved, edit)
    if change == "stored":
        assert load_certificate(saved).q == 4
    else:
        with pytest.raises(CertificateError, match="compressed or larger"):
            load_certificate(saved)


@pytest.mark.parametrize("sizes", [(100, 100), (100, 101), (60, 60, 60, 60)])
def test_members_that_share_their_bytes_are_refused(sizes):
    """Together they may not be larger than the file, or a small file would fill memory."""
    members = [
        SimpleNamespace(filename=f"{number}.npy", compress_type=zipfile.ZIP_STORED, compress_size=size, file_size=size)
        for number, size in enumerate(sizes)
    ]
    archive = SimpleNamespace(infolist=lambda: members)
    if sum(sizes) <= 200:
        assert isinstance(_archive_reader.ArchiveReader(archive, 200), _archive_reader.ArchiveReader)
    else:
        with pytest.raises(_archive_reader.DamagedArchiveError, match="together are larger"):
            _archive_reader.ArchiveReader(archive, 200)


@pytest.mark.parametrize("place", [0, 1, 2, 3, 20, 21])
def test_the_record_at_the_end_is_as_it_must(saved, place):
    def edit(data):
        data[len(data) - 22 + place] ^= 1

    rewritten(saved, edit)
    with pytest.raises(CertificateError, match="not a certificate or checkpoint"):
        load_certificate(saved)


@pytest.mark.parametrize("size", [2**18, 2**18 + 1])
def test_the_directory_is_bounded(saved, size):
    def edit(data):
        data[-10:-6] = size.to_bytes(4, "little")

    rewritten(saved, edit)
    words = "directory of the archive has" if size > 2**18 else "not a"
    with pytest.raises(CertificateError, match=words):
        load_certificate(saved)


@pytest.mark.parametrize(("length", "fits"), [(64, True), (65, False)])
def test_texts_are_short(length, fits, tmp_path):
    path = tmp_path / "file.npz"
    write(path, NORM | {"kind": "x" * length})
    with pytest.raises(CertificateError, match="no certificate of kind" if fits else "type"):
        load_certificate(path)
    assert (_archive_reader._LONGEST_TEXT, _archive_reader._LARGEST_DIRECTORY) == (64, 2**18)


def test_members_are_exactly_as_long_as_they_declare(tmp_path):
    path = tmp_path / "file.npz"
    data = npy(np.arange(6.0))
    for content, words in [(data[:-1], "shorter|fewer"), (data + b"\0", "more bytes"), (data[:-48], "shorter|fewer")]:
        write(path, FLATTENING | {"matrix_0": content})
        with pytest.raises(CertificateError, match=words):
            load_certificate(path)
    values = npy(np.array([1.0]))
    for content, words in [(values[:-1], "shorter|fewer"), (values + b"\0", "more bytes")]:
        write(path, FLATTENING | {"values": content})
        with pytest.raises(CertificateError, match=words):
            load_certificate(path)
