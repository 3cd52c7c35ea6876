"""Files are read as if an adversary had written them."""

import io
import os
import pickle
import tracemalloc
import zipfile

import numpy as np
import pytest

from hypernorm import CertificateError, InvalidInputError, load_certificate, lower_bound, spectral_bound


@pytest.fixture
def saved(tmp_path):
    X = np.random.default_rng(0).standard_normal((9, 3))
    path = tmp_path / "certificate.npz"
    spectral_bound(X, 4).save(path)
    return path


def members_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def npy(array):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array), allow_pickle=True)
    return buffer.getvalue()


def test_plain_numpy_reads_the_file(saved):
    with np.load(saved, allow_pickle=False) as content:
        assert sorted(content) == [
            "exponent", "fingerprint", "format_version", "kind", "matrix_0", "q", "radius", "shape", "values"
        ]  # fmt: skip
        assert str(content["kind"]) == "realigned"
        assert content["matrix_0"].shape == (6,)  # the lower triangle


def header(shape, dtype="<f8", fortran=False):
    text = str({"descr": dtype, "fortran_order": fortran, "shape": shape}).encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


WRONG_MEMBERS = {
    "missing": ("q.npy", None, "missing"),
    "wrong kind": ("kind.npy", npy("nuclear"), "no certificate of kind"),
    "kind of bytes": ("kind.npy", npy(b"realigned"), "type"),
    "long kind": ("kind.npy", npy("x" * 500), "type"),
    "kind not for this q": ("kind.npy", npy("moment"), "unexpected"),
    "NaN exponent q": ("q.npy", npy(np.nan), "no certificate"),
    "q below two": ("q.npy", npy(1.5), "no certificate"),
    "q in single precision": ("q.npy", npy(np.float32(4)), "type"),
    "q as array": ("q.npy", npy([4.0]), "shape"),
    "newer version": ("format_version.npy", npy(np.int64(2)), "version 2"),
    "negative shape": ("shape.npy", npy(np.array([-9, 3])), "impossible"),
    "huge shape": ("shape.npy", npy(np.array([9, 2**40])), "impossible"),
    "large shape": ("shape.npy", npy(np.array([9, 2**29])), "type|shape"),
    "other shape": ("shape.npy", npy(np.array([9, 4])), "shape"),
    "shape of floats": ("shape.npy", npy(np.array([9.0, 3.0])), "type"),
    "negative value": ("values.npy", npy(np.array([-1.0])), "negative"),
    "NaN value": ("values.npy", npy(np.array([np.nan])), "NaN"),
    "infinite value": ("values.npy", npy(np.array([np.inf])), "infinite"),
    "two values": ("values.npy", npy(np.array([1.0, 1.0])), "shape"),
    "radius zero": ("radius.npy", npy(0.0), "radius"),
    "scale out of range": ("exponent.npy", npy(np.int64(10**6)), "exponent"),
    "NaN in U": ("matrix_0.npy", npy(np.full(6, np.nan)), "NaN"),
    "U of integers": ("matrix_0.npy", npy(np.arange(6)), "type"),
    "U big-endian": ("matrix_0.npy", npy(np.ones(6, dtype=">f8")), "type"),
    "U as square": ("matrix_0.npy", npy(np.eye(3)), "shape"),
    "U of objects": ("matrix_0.npy", npy(np.array([1.0] * 6, dtype=object)), "type"),
    "huge declared U": ("matrix_0.npy", header((10**15,)) + b"\0" * 48, "shape"),
    "U shorter than declared": ("matrix_0.npy", header((6,)) + b"\0" * 40, "shorter|bytes"),
    "U longer than declared": ("matrix_0.npy", header((6,)) + b"\0" * 56, "bytes"),
    "Fortran flag": ("matrix_0.npy", header((6,), fortran=True) + b"\0" * 48, "type"),
    "not an array": ("matrix_0.npy", b"hello", "not a readable"),
    "array format 9": ("matrix_0.npy", b"\x93NUMPY\x09\x00" + b"\0" * 60, "format"),
    "a pickle": ("matrix_0.npy", pickle.dumps([1.0] * 6), "not a readable"),
    "code in the header": (
        "matrix_0.npy",
        b"\x93NUMPY\x01\x00\x40\x00" + b"__import__('os')".ljust(63) + b"\n",
        "not a readable",
    ),
    "extra member": ("evil.npy", npy(1.0), "unexpected"),
}


@pytest.mark.parametrize("case", WRONG_MEMBERS)
def test_wrong_members_are_refused(case, saved):
    name, data, words = WRONG_MEMBERS[case]
    members = members_of(saved)
    if data is None:
        del members[name]
    else:
        members[name] = data
    write(saved, members)
    with pytest.raises(CertificateError, match=words) as caught:
        load_certificate(saved).verify(np.random.default_rng(0).standard_normal((9, 3)))
    assert "\n" not in str(caught.value)


def test_a_pickle_is_never_executed(saved, tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "executed"), "w"))

    for name in ("matrix_0.npy", "kind.npy", "values.npy"):
        write(saved, members_of(saved) | {name: npy(np.array([Evil()] * 6, dtype=object))})
        with pytest.raises(CertificateError):
            load_certificate(saved)
    assert not (tmp_path / "executed").exists()


def test_compressed_members_are_refused(saved):
    members = members_of(saved)
    members["matrix_0.npy"] = header((10**7,)) + b"\0" * 10**6
    write(saved, members, zipfile.ZIP_DEFLATED)
    with pytest.raises(CertificateError, match="compressed"):
        load_certificate(saved)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_doubled_members_are_refused(saved):
    with zipfile.ZipFile(saved, "a") as archive:
        archive.writestr("q.npy", npy(6.0))
    with pytest.raises(CertificateError, match="twice"):
        load_certificate(saved)


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip file", b"\0" * 1000, npy(np.eye(3))])
def test_other_files_are_refused(content, tmp_path):
    path = tmp_path / "file.npz"
    path.write_bytes(content)
    with pytest.raises(CertificateError, match="not a"):
        load_certificate(path)


def test_every_truncation_is_refused(saved):
    data = saved.read_bytes()
    for length in range(0, len(data), 37):
        saved.write_bytes(data[:length])
        with pytest.raises(CertificateError):
            load_certificate(saved)


def test_missing_files_and_folders_are_bad_input(tmp_path, saved):
    certificate = load_certificate(saved)
    with pytest.raises(InvalidInputError, match="nothing"):
        load_certificate(tmp_path / "nothing.npz")
    with pytest.raises(InvalidInputError, match="directory"):
        load_certificate(tmp_path)
    with pytest.raises(InvalidInputError, match="Cannot write"):
        certificate.save(tmp_path / "no" / "folder.npz")


def test_a_failed_save_leaves_the_old_file(saved, monkeypatch):
    certificate, before = load_certificate(saved), saved.read_bytes()

    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(InvalidInputError, match="No space left"):
        certificate.save(saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def directory_of(entries, extra=b""):
    """A zip file that is a central directory of empty members and nothing else."""
    names = [b"%x" % number for number in range(entries)]
    body = b"".join(b"PK\x01\x02" + bytes(24) + len(n).to_bytes(2, "little") + bytes(16) + n for n in names)
    count = (entries & 0xFFFF).to_bytes(2, "little")
    end = b"PK\x05\x06" + bytes(4) + 2 * count + len(body).to_bytes(4, "little") + bytes(4)
    return body + extra + end + bytes(2)


def test_a_directory_of_many_entries_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "many.npz"
    path.write_bytes(directory_of(50_000))
    monkeypatch.setattr(zipfile, "ZipFile", None)  # would read the whole directory
    with pytest.raises(CertificateError, match="directory of the archive"):
        load_certificate(path)


def test_large_archives_are_bounded_by_their_own_record(tmp_path):
    """Beyond 4 GiB the size of the directory stands in another record, which must be bounded too."""
    large = b"PK\x06\x06" + (44).to_bytes(8, "little") + bytes(28) + (2**40).to_bytes(8, "little") + bytes(8)
    locator = b"PK\x06\x07" + bytes(16)
    path = tmp_path / "large.npz"
    path.write_bytes(directory_of(3, large + locator))
    with pytest.raises(CertificateError, match="directory of the archive"):
        load_certificate(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_and_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe.npz")
    with pytest.raises(CertificateError, match="not a regular file"):
        load_certificate(tmp_path / "pipe.npz")


@pytest.mark.parametrize("evil", ["ok\nclaimed bound 0.1", "\x1b[8m" + "0" * 60, "0" * 63 + "G", "0" * 63, "A" * 64])
def test_fingerprints_are_hexadecimal(saved, evil):
    members = members_of(saved)
    members["fingerprint.npy"] = npy(evil)
    write(saved, members)
    with pytest.raises(CertificateError, match="hexadecimal") as caught:
        load_certificate(saved)
    assert str(caught.value).isprintable()


def test_names_of_members_are_shown_escaped(saved):
    members = members_of(saved)
    members["\x1b[31m\nproved"] = npy(1.0)
    write(saved, members)
    with pytest.raises(CertificateError, match="unexpected") as caught:
        load_certificate(saved)
    assert str(caught.value).isprintable()


def test_loading_takes_little_more_memory_than_the_matrix(tmp_path):
    """The matrix is twice as large as its stored triangle; nothing of that size is needed beside it."""
    side = 45 * 46 // 2
    path = tmp_path / "large.npz"
    members = {
        "format_version": np.array(1), "kind": np.array("sos"), "q": np.array(4.0), "shape": np.array([9, 45]),
        "fingerprint": np.array("0" * 64), "exponent": np.array(0), "radius": np.array(1.0), "values": np.ones(1),
        "matrix_0": np.full(side * (side + 1) // 2, 1 / 3),
    }  # fmt: skip
    np.savez(path, **members)
    tracemalloc.start()
    matrix = load_certificate(path).matrices[0]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert matrix.shape == (side, side)
    assert peak < 1.2 * matrix.nbytes


@pytest.mark.parametrize("q", [1.0, 2.5, 4.0, np.inf])
def test_witnesses_are_saved_and_verified(tmp_path, q):
    X = np.random.default_rng(3).standard_normal((12, 3))
    witness = lower_bound(X, q, random_state=0)
    path = tmp_path / "witness.npz"
    witness.save(path)
    loaded = load_certificate(path)
    assert (loaded.q, loaded.value, loaded.shape, loaded.fingerprint) == (
        q,
        witness.value,
        (12, 3),
        witness.fingerprint,
    )
    np.testing.assert_array_equal(loaded.vector, witness.vector)
    for exact in (False, True):
        assert loaded.verify(X, exact=exact).lower == pytest.approx(witness.value, rel=1e-12)
    with pytest.raises(CertificateError, match="another matrix"):
        loaded.verify(2 * X)
    members = members_of(path)
    for name, data in {
        "q.npy": npy(0.5),
        "value.npy": npy(-1.0),
        "vector.npy": npy(np.array([np.nan, 1.0, 0.0])),
        "shape.npy": npy(np.array([12, 4])),
        "extra.npy": npy(1.0),
        "kind.npy": npy("witnesses"),
    }.items():
        write(path, members | {name: data})
        with pytest.raises(CertificateError):
            load_certificate(path)
    write(path, members | {"value.npy": npy(witness.value * (1 + 1e-9))})
    with pytest.raises(CertificateError, match="claims"):
        load_certificate(path).verify(X)
