"""Files are read as if an adversary had written them."""

import io
import pickle
import zipfile

import numpy as np
import pytest

from hypernorm import CertificateError, InvalidInputError, load_certificate, spectral_bound


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
