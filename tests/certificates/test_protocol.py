"""What all kinds of certificates share: files, checks of their fields, what they say of themselves."""

import dataclasses
import importlib
import inspect
import io
import json
import math
import pkgutil
import zipfile
from typing import Annotated, ClassVar

import numpy as np
import pytest

import hypernorm as hn
from hypernorm import certificates
from hypernorm.applications import small_set_expansion, sparsest_direction
from hypernorm.certificates import Certificate, register, registry
from hypernorm.certificates.fields import Field, Fingerprint, Real, Shape, declared_fields
from hypernorm.certificates.subspace import exact_coordinates, read_basis
from hypernorm.datasets import noisy_cube, planted_dictionary
from hypernorm.dictionary import LpDictionaryLearning
from hypernorm.forms import Rows, ScaledMatrix
from hypernorm.forms.product import ProductForm
from hypernorm.forms.walk import Walk
from hypernorm.robust import MomentClustering, certify_covariance, certify_mean
from hypernorm.separable import separable_value

PREFIX = "hypernorm.certificates."

X = np.random.default_rng(0).standard_normal((40, 3))
COMPLEX = X[:8] + 1j * X[8:16]
M = np.kron(X.T @ X, X.T @ X)
CUBE = noisy_cube(3, 0.8)
PRODUCT = hn.LowRank(X, X[:20])
TENSOR = X[:12].reshape(4, 3, 3)
SAMPLES = planted_dictionary(300, 3, theta=0.3, random_state=0).samples


def _separable():
    interval = separable_value(M, (3, 3), random_state=0)
    return interval.certificate, interval.witness


def _moment():
    options = {"center": True, "sample_weight": np.arange(40.0), "normalize": True, "method": "spectral"}
    return hn.two_to_q_norm(X, 3.5, **options, random_state=0)


MAKE = {
    "norm": lambda: (hn.spectral_bound(X, 3.5), X),
    "sos": lambda: (hn.sos_bound(X, 4, random_state=0), X),
    "split": lambda: (hn.spectral_bound(X, 3.5, kind="split"), X),
    "touching": lambda: (hn.sos_bound(X, 3.5, random_state=0), X),
    "reduced": lambda: (hn.spectral_bound(X[:2], 3.5), X[:2]),
    "without zero columns": lambda: (hn.spectral_bound(X * [1, 0, 1], 3.5), X * [1, 0, 1]),
    "sample moment": lambda: (_moment().certificate, X),
    "sample moment witness": lambda: (_moment().witness, X),
    "witness": lambda: (hn.lower_bound(X, 4, random_state=0), X),
    "complex norm": lambda: (hn.two_to_q_norm(COMPLEX, 4, random_state=0).certificate, COMPLEX),
    "complex witness": lambda: (hn.lower_bound(COMPLEX, 4, random_state=0), COMPLEX),
    "gain": lambda: (hn.smallest_gain(X, random_state=0).certificate, X),
    "spectral gain": lambda: (hn.smallest_gain(X, 6, method="spectral", random_state=0).certificate, X),
    "gain witness": lambda: (hn.smallest_gain(X, random_state=0).witness, X),
    "separable": lambda: (_separable()[0], M),
    "product state": lambda: (_separable()[1], M),
    "operator edge": lambda: (hn.operator_certificate(X, 1, 2.5, rule="edge"), X),
    "perron": lambda: (hn.operator_certificate(X, 3, 2, rule="perron"), X),
    "weights": lambda: (hn.operator_certificate(X, 3, 1.5, random_state=0), X),
    "enumeration": lambda: (hn.operator_certificate(X, np.inf, 1, rule="enumeration"), X),
    "two to q": lambda: (hn.operator_certificate(X, 3, 4, rule="two_to_q", random_state=0), X),
    "interpolation": lambda: (hn.operator_certificate(X, 3, 4, rule="interpolation", random_state=0), X),
    "complex edge": lambda: (hn.operator_certificate(COMPLEX, 1, 2.5, rule="edge"), COMPLEX),
    "complex weights": lambda: (hn.operator_certificate(COMPLEX, 3, 1.5, random_state=0), COMPLEX),
    "complex two to q": lambda: (
        hn.operator_certificate(COMPLEX, 3, 4, rule="two_to_q", random_state=0),
        COMPLEX,
    ),
    "cut norm": lambda: (hn.cut_norm(X, method="weights", random_state=0).certificate, X),
    "cut norm witness": lambda: (hn.cut_norm(X, method="cheap", random_state=0).witness, X),
    "complex operator witness": lambda: (hn.lower_bound(COMPLEX, 3, p=1.5, random_state=0), COMPLEX),
    "operator witness": lambda: (hn.lower_bound(X, 3, p=1.5, random_state=0), X),
    "mean": lambda: (certify_mean(X, np.ones(40), 0.1), X),
    "weighted mean": lambda: (certify_mean(X, np.ones(40), 0.1, sample_weight=np.arange(1.0, 41.0)), X),
    "trimmed mean": lambda: (certify_mean(X, np.arange(40) > 2, 0.1), X),
    "covariance": lambda: (certify_covariance(X, np.ones(40), 0.02), X),
    "cluster": lambda: (MomentClustering(1, random_state=0).fit(X).certificates_[0], X),
    "expansion": lambda: (small_set_expansion(CUBE, 0.3, random_state=0).certificate, CUBE),
    "spectral expansion": lambda: (small_set_expansion(CUBE, 0.9).certificate, CUBE),
    "subspace": lambda: (sparsest_direction(X, random_state=0).certificate, X),
    "singular values": lambda: (hn.singular_values(X).certificate, X),
    "factored singular values": lambda: (hn.singular_values(PRODUCT).certificate, PRODUCT),
    "schatten": lambda: (hn.schatten_norm(X, 3).certificate, X),
    "nuclear bounds": lambda: (hn.nuclear_bounds(X).certificate, X),
    "low rank error": lambda: (hn.low_rank_error(X, X[:, :1], np.eye(3)[:, :1]).certificate, X),
    "max norm": lambda: (hn.max_norm(X).certificate, X),
    "tucker error": lambda: (hn.tucker_error(TENSOR, [2, 2, 1]).certificate, TENSOR),
    "ky fan": lambda: (hn.ky_fan_norm(PRODUCT, 2).certificate, PRODUCT),
    "atom": lambda: (
        LpDictionaryLearning(1, p=4, random_state=0).fit(SAMPLES).certify(SAMPLES, random_state=0).certificate,
        SAMPLES,
    ),
}
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


@pytest.fixture(scope="module")
def proofs():
    return {name: make() for name, make in MAKE.items()}


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


def test_an_atom_is_bounded_from_both_sides(proofs):
    proof, data = proofs["atom"]
    proved = proof.verify(data)
    Z = (data - proof.location) @ proof.transform
    attained = np.linalg.norm(Z @ proof.vector, 4) / np.linalg.norm(proof.vector)
    assert proved.lower <= attained * (1 + 1e-12)
    assert proved.lower == pytest.approx(attained, rel=1e-9)
    directions = np.random.default_rng(1).standard_normal((3, 2000))
    directions /= np.linalg.norm(directions, axis=0)
    assert np.linalg.norm(Z @ directions, 4, axis=0).max() <= proved.upper
    far = dataclasses.replace(proof, transform=np.full((3, 3), 1e308))
    with pytest.raises(hn.CertificateError, match="overflow"):
        far.verify(data)
    assert math.isfinite(proof.upper)


SUBJECTS = {
    "none": None,
    "list": [1.0, 2.0],
    "array": X,
    "another shape": X[:7],
    "masked": np.ma.masked_array(X, True),
    "rows": Rows(X),
    "shifted rows": Rows(X).shifted(np.ones(3)),
    "reweighted rows": Rows(X).reweighted(np.full(40, 7.0)),
    "rows of other columns": Rows(X[:, :2]),
    "form": ProductForm(np.eye(4), (2, 2), "complex"),
    "walk": Walk.read(noisy_cube(2, 0.5)),
    "scaled matrix": ScaledMatrix(X),
    "scaled matrix of another shape": ScaledMatrix(X[:7]),
    "basis": read_basis(X[:9]),
}
FITS = {
    "norm": ["rows"],
    "sos": ["rows"],
    "split": ["rows"],
    "touching": ["rows"],
    "witness": ["rows"],
    "gain": ["rows"],
    "spectral gain": ["rows"],
    "gain witness": ["rows"],
    "mean": ["array"],
    "weighted mean": ["array"],
    "covariance": ["array"],
    "trimmed mean": ["array"],
    "cluster": ["array"],
    "sample moment": ["array"],
    "sample moment witness": ["array"],
    "operator edge": ["scaled matrix"],
    "perron": ["scaled matrix"],
    "weights": ["scaled matrix"],
    "enumeration": ["scaled matrix"],
    "two to q": ["scaled matrix"],
    "interpolation": ["scaled matrix"],
    "operator witness": ["scaled matrix"],
    "cut norm": ["scaled matrix"],
    "cut norm witness": ["scaled matrix"],
    "singular values": ["rows"],
    "schatten": ["rows"],
    "max norm": ["rows"],
    "nuclear bounds": ["rows"],
    "low rank error": ["rows"],
}


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("name", MAKE)
def test_only_a_subject_of_the_right_kind_is_proved(name, subject, proofs):
    proof, data = proofs[name]
    if subject in FITS.get(name, []):
        assert without_time(proof.prove(SUBJECTS[subject])) == without_time(proof.verify(data))
    else:
        with pytest.raises(hn.CertificateError) as caught:
            proof.prove(SUBJECTS[subject])
        assert "\n" not in str(caught.value)


def test_the_lower_bound_of_a_subspace_is_proved(proofs):
    proof, _ = proofs["subspace"]
    proved = proof.verify(X)
    w = X @ proof.coefficients
    assert proved.lower <= np.linalg.norm(w, 4) / np.linalg.norm(w) * (1 + 1e-14)
    assert proved.lower == pytest.approx(proof.lower, rel=1e-12)
    tiny = sparsest_direction(X * 2.0**-1000, random_state=0).certificate
    assert tiny.verify(X * 2.0**-1000).lower == pytest.approx(proof.lower, rel=1e-9)
    # Coordinates that would vanish in the scaled basis are those of another direction.
    exponents = np.array([0, 0, -1000])
    with pytest.raises(hn.CertificateError, match="orders of magnitude"):
        exact_coordinates(np.array([1.0, 2.0**-600, 2.0**-200]), exponents)
    found = exact_coordinates(np.array([3.0, 2.0**-300, 0.0]), exponents)
    assert found.tolist() == [0.75, 2.0**-302, 0.0]
    # Two columns that differ in one bit: the enclosure of the ratio is wide, and its upper end is no lower bound.
    first = np.random.default_rng(0).standard_normal(8)
    second = first.copy()
    second[0] += 2.0**-27
    basis = np.column_stack([first, second])
    honest = sparsest_direction(basis, random_state=0).certificate
    forged = dataclasses.replace(honest, coefficients=np.array([-1.0, 1.0]), lower=1.0)
    assert forged.verify(basis).lower <= 1.0


@pytest.mark.parametrize("factor", [0.0, 0.1])
def test_a_matrix_that_spans_nothing_is_the_fault_of_the_certificate(factor, proofs):
    proof, _ = proofs["subspace"]
    norm = hn.spectral_bound(proof.matrix * factor, 4.0, kind="row_norm")
    with pytest.raises(hn.CertificateError, match="span the subspace"):
        dataclasses.replace(proof, matrix=proof.matrix * factor, norm=norm).verify(X)


def test_what_was_verified_bounds_the_expansion(proofs):
    proof, graph = proofs["expansion"]
    found = proof.verify(graph)
    for mu in (0.125, 0.25, 1.0):
        assert proof.bound(mu) <= found.bound(mu) <= proof.bound(mu) + 1e-9
    with pytest.raises(hn.InvalidInputError, match="mu must be"):
        found.bound(0.0)
    loose = dataclasses.replace(proof, slack=10.0)
    assert loose.verify(graph).bound(0.125) == 0.0


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
