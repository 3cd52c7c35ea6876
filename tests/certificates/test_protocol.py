"""What all kinds of certificates share: files, checks of their fields, what they say of themselves."""

import dataclasses
import importlib
import inspect
import io
import json
import pkgutil
import zipfile
from typing import Annotated, ClassVar

import numpy as np
import pytest

import hypernorm as hn
from hypernorm import certificates
from hypernorm.certificates import Certificate, register, registry
from hypernorm.certificates.fields import Field, Fingerprint, Real, Shape, declared_fields
from tests.certificates.specimens import MAKE, X

PREFIX = "hypernorm.certificates."
WITH_INNER = [
    "reduced",
    "sample moment",
    "complex norm",
    "mean",
    "covariance",
    "cluster",
    "expansion",
    "subspace",
    "atom",
    "two to q",
    "cut norm",
]


def equal(first, second):
    """Whether two fields are the same, certificates within them included."""
    if isinstance(first, Certificate):
        return type(first) is type(second) and all(
            equal(getattr(first, name), getattr(second, name)) for name in declared_fields(type(first))
        )
    if isinstance(first, tuple):
        return len(first) == len(second) and all(map(equal, first, second))
    if isinstance(first, np.ndarray):
        return np.array_equal(first, second) and first.dtype == second.dtype
    return first == second and type(first) is type(second)


def without_time(verified):
    return dataclasses.replace(verified, seconds=0.0)


def members_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def npy(array):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array))
    return buffer.getvalue()


@pytest.mark.parametrize("name", MAKE)
def test_every_kind_is_saved_loaded_and_verified(name, proofs, tmp_path):
    proof, data = proofs[name]
    proof.save(tmp_path / "proof.npz")
    loaded = hn.load_certificate(tmp_path / "proof.npz")
    assert equal(loaded, proof)
    assert without_time(loaded.verify(data)) == without_time(proof.verify(data))
    loaded.save(tmp_path / "again.npz")
    assert members_of(tmp_path / "again.npz") == members_of(tmp_path / "proof.npz")
    with np.load(tmp_path / "proof.npz", allow_pickle=False) as content:  # plain numpy reads it
        assert str(content["kind"]) == proof.kind
        assert int(content["format_version"]) == 1


@pytest.mark.parametrize("name", MAKE)
def test_every_kind_says_what_it_is(name, proofs):
    proof, data = proofs[name]
    assert repr(proof).startswith(type(proof).__name__ + "(")
    assert "\n" not in repr(proof)
    assert len(repr(proof)) < 200
    assert json.loads(json.dumps(proof.describe())).keys() == proof.describe().keys()
    verified = proof.verify(data)
    assert verified.quantity == proof.quantity
    claim = proof.claim
    if claim is not None:
        proved = verified.upper if claim.is_upper else verified.lower
        assert proved == pytest.approx(claim.value, rel=1e-6)
        assert (float(claim.rounded(3)) >= claim.value) is claim.is_upper or float(claim.rounded(3)) == claim.value


@pytest.mark.parametrize("name", MAKE)
def test_exact_proofs_exist_or_are_refused_with_a_reason(name, proofs):
    proof, data = proofs[name]
    if proof.has_exact_proof:
        assert proof.verify(data, exact=True).rigor is hn.Rigor.EXACT
    else:
        with pytest.raises(hn.InvalidInputError, match="floating point only"):
            proof.verify(data, exact=True)


@pytest.mark.parametrize("name", MAKE)
def test_results_are_frozen_and_keyword_only(name, proofs):
    proof, data = proofs[name]
    for thing in (proof, proof.verify(data)):
        values = [getattr(thing, field.name) for field in dataclasses.fields(thing)]
        with pytest.raises(TypeError):
            type(thing)(*values)
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(thing, dataclasses.fields(thing)[0].name, None)


@pytest.mark.parametrize("name", MAKE)
def test_arrays_that_were_loaded_cannot_be_written(name, proofs, tmp_path):
    proofs[name][0].save(tmp_path / "proof.npz")
    loaded = hn.load_certificate(tmp_path / "proof.npz")
    for field in dataclasses.fields(loaded):
        value = getattr(loaded, field.name)
        for array in value if isinstance(value, tuple) else (value,):
            assert not isinstance(array, np.ndarray) or not array.flags.writeable


@pytest.mark.parametrize("name", MAKE)
def test_members_that_are_missing_or_of_another_type_are_refused(name, proofs, tmp_path):
    path = tmp_path / "proof.npz"
    proofs[name][0].save(path)
    members = members_of(path)
    for member in members:
        for change in (None, npy(np.array("text")), npy(np.ones((2, 3, 1))), npy(np.array(1.5, dtype=">f8")), b"x"):
            changed = dict(members)
            if change is None:
                del changed[member]
            else:
                changed[member] = change
            write(path, changed)
            with pytest.raises(hn.CertificateError) as caught:
                hn.load_certificate(path)
            assert "\n" not in str(caught.value)
    write(path, members | {"more.npy": npy(1.0)})
    with pytest.raises(hn.CertificateError, match="unexpected"):
        hn.load_certificate(path)


@pytest.mark.parametrize("name", WITH_INNER)
def test_inner_certificates_are_of_the_class_that_is_declared(name, proofs, tmp_path):
    path = tmp_path / "proof.npz"
    proof, data = proofs[name]
    proof.save(path)
    members = members_of(path)
    field = "norms" if name == "mean" else "norm"
    prefix = "norms_0." if name == "mean" else "norm."
    for count in (0, 2, 65, -1, 2**40) if name != "mean" else (0, 1, 3, 65, -1, 2**40):
        write(path, members | {f"{field}.npy": npy(np.array(count))})
        with pytest.raises(hn.CertificateError):
            hn.load_certificate(path)
    for kind in ("witness", "mean", "cluster", "nothing"):
        write(path, members | {f"{prefix}kind.npy": npy(np.array(kind))})
        with pytest.raises(hn.CertificateError, match="no certificate of kind"):
            hn.load_certificate(path)
    write(path, members | {f"{prefix}q.npy": npy(np.array(5.0))})
    if name in (
        "reduced",
        "sample moment",
        "complex norm",
        "mean",
        "cluster",
        "two to q",
        "cut norm",
    ):  # their rows follow from the exponent, so that the proof fails
        with pytest.raises(hn.CertificateError):
            hn.load_certificate(path).verify(data)
    else:
        with pytest.raises(hn.CertificateError, match="q = "):
            hn.load_certificate(path)


@pytest.mark.parametrize("name", MAKE)
def test_every_attribute_is_declared(name, proofs):
    kind = type(proofs[name][0])
    fields = declared_fields(kind)
    assert list(fields) == [field.name for field in dataclasses.fields(kind)]
    assert all(isinstance(field, Field) for field in fields.values())
    assert registry.REGISTERED[proofs[name][0].kind] is kind
    assert issubclass(kind, Certificate)
    assert "__dict__" not in dir(proofs[name][0])


def test_every_kind_of_the_package_is_registered_exported_and_tried_here(proofs):
    """A new file must be imported by the package, or `load_certificate` would not know its kind."""
    modules = [importlib.import_module(entry.name) for entry in pkgutil.iter_modules(certificates.__path__, PREFIX)]
    ours = {
        value
        for module in modules
        for value in vars(module).values()
        if issubclass(type(value), type) and issubclass(value, Certificate) and not inspect.isabstract(value)
    }
    assert {type(proof) for proof, _ in proofs.values()} == ours
    assert ours <= set(registry.REGISTERED.values())
    assert all(getattr(certificates, kind.__name__, None) is kind for kind in ours)


def test_a_kind_belongs_to_one_class():
    class Other(Certificate):
        kinds: ClassVar = ("cluster",)

    with pytest.raises(TypeError, match="'cluster' is that of ClusterCertificate"):
        register(Other)


def test_a_certificate_without_its_methods_cannot_be_made():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Half(Certificate):
        kinds: ClassVar = ("half",)
        shape: Annotated[tuple[int, int], Shape()]
        fingerprint: Annotated[str, Fingerprint()]
        value: Annotated[float, Real(0.0)]

    with pytest.raises(TypeError, match="abstract"):
        Half(shape=(1, 1), fingerprint="0" * 64, value=1.0)


def test_a_proof_about_derived_rows_names_no_matrix(proofs):
    """Rows that a proof computes are compared with nothing, and a user's matrix has never this fingerprint."""
    norm = proofs["mean"][0].norms[0]
    assert norm.fingerprint == "0" * 64
    with pytest.raises(hn.CertificateError, match="another matrix"):
        norm.verify(X)


def test_nothing_is_believed_of_a_claim(proofs):
    for name in ("expansion", "subspace", "atom"):
        proof, data = proofs[name]
        field = {"expansion": "norm_bound", "subspace": "upper", "atom": "value"}[name]
        better = getattr(proof, field) * (0.5 if name != "atom" else 2.0)
        with pytest.raises(hn.CertificateError, match=r"proved to be|attains"):
            dataclasses.replace(proof, **{field: better}).verify(data)


def test_premises_are_part_of_what_is_proved(proofs):
    for name, premise in (("mean", "moment of the inliers of order 4"), ("covariance", "kurtosis of the inliers")):
        found = proofs[name][0].verify(X)
        assert found.premise == f"at most the fraction {found.contamination} are outliers"
        assert found.premise_given.startswith(f"the {premise} is at most ")
        assert found.premise_given.endswith(", that of the weights")
        assert found.upper_given == found.error_bound_given() <= found.error_bound == found.upper
    for name in ("norm", "witness", "separable", "cluster", "expansion", "subspace", "atom"):
        assert proofs[name][0].verify(proofs[name][1]).premise == ""


def test_broken_certificates_show_themselves_and_are_not_saved(proofs, tmp_path):
    proof, _ = proofs["norm"]
    path = tmp_path / "proof.npz"
    proof.save(path)
    before = path.read_bytes()
    for change in ({"values": (None, 1.0)}, {"q": "four"}, {"matrices": (np.array([object()]), None)}, {"shape": None}):
        broken = dataclasses.replace(proof, **change)
        assert repr(broken).startswith("NormCertificate(")
        with pytest.raises(hn.CertificateError):
            broken.save(path)
        assert path.read_bytes() == before
    assert repr(object.__new__(hn.NormCertificate)) == "NormCertificate(broken)"
