"""Every public result is shown on one screen, the proved numbers first, and its arrays cannot be written to."""

import copy
import dataclasses
import importlib
import math
import pickle
import re

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator

import hypernorm as hn
from hypernorm import applications, datasets, dictionary, linear_model, robust, separable, spectral
from hypernorm._results import Result

LINES, COLUMNS = 24, 88
PACKAGES = ("bounds", "certificates", "spectral", "applications", "dictionary", "linear_model", "robust", "datasets")
CLASSES = {
    value
    for package in PACKAGES
    for value in vars(importlib.import_module(f"hypernorm.{package}")).values()
    if isinstance(value, type) and dataclasses.is_dataclass(value)
}
PLANS = {"Factor", "Claim"}  # what a plan is made of, and a number with its direction
BASES = {"Certificate", "OperatorCertificate", "Verified", "VerifiedErrorBound"}


def collect(value, found, data=None):
    """Add a result and all results in it, and what the certificates prove, to `found` by class."""
    if isinstance(value, tuple):
        for each in value:
            collect(each, found)
    if isinstance(value, Result) or type(value).__module__.startswith("hypernorm.datasets"):
        found.setdefault(type(value), value)
        names = value._fields if isinstance(value, tuple) else [field.name for field in dataclasses.fields(value)]
        for name in names:
            collect(getattr(value, name), found)
    if isinstance(value, hn.Certificate) and data is not None:
        collect(value.verify(data), found)


@pytest.fixture(scope="module")
def results():
    rng = np.random.default_rng(0)
    X, square, found = rng.standard_normal((12, 3)), np.eye(3), {}
    wide = rng.standard_normal((3, 6))
    cycle = np.roll(np.eye(8), 1, axis=0) + np.roll(np.eye(8), -1, axis=0)
    samples = rng.standard_normal((60, 2))
    samples[:6] = 9
    stages = []

    def interval(value, data):
        collect(value, found)
        collect(value.certificate, found, data)
        if hasattr(value, "witness"):
            collect(value.witness, found, data)

    interval(hn.two_to_q_norm(X, random_state=0, progress=stages.append), X)
    collect(tuple(stages), found)
    for kind in ("split", "moment"):
        collect(hn.spectral_bound(X, kind=kind), found)
    interval(hn.two_to_q_norm(wide, method="spectral", random_state=0), wide)
    collect(hn.sos_bound(X, 3, random_state=0), found)
    interval(hn.two_to_q_norm(X, center=True, normalize=True, method="spectral", random_state=0), X)
    interval(hn.two_to_q_norm(X + 1j, method="spectral", random_state=0), X + 1j)
    for p, q, rule in (
        (1, 2, "edge"),
        (4, 2, "perron"),
        (4, 2, "weights"),
        (4, 3, "two_to_q"),
        (3, 4, "interpolation"),
    ):
        collect(hn.operator_certificate(square, p, q, rule, random_state=0), found)
    collect(hn.operator_certificate(square, np.inf, 1, "enumeration"), found)
    collect(hn.lower_bound(X, 4, p=3, random_state=0), found)
    interval(hn.cut_norm(square, random_state=0), square)
    interval(hn.smallest_gain(X, 4, random_state=0), X)
    collect(hn.lower_bound(aslinearoperator(X), 4, random_state=0), found)
    collect(hn.sos_problem(square), found)
    for value in (hn.schatten_norm(X, 1), hn.singular_values(X), hn.nuclear_bounds(X), hn.max_norm(square)):
        interval(value, square if value.certificate.shape == (3, 3) else X)
    collect(hn.singular_values(hn.LowRank(X, wide.T[:, :3])), found)
    interval(hn.low_rank_error(X, X[:, :1], square[:, :1]), X)
    tensor = rng.standard_normal((2, 2, 2))
    interval(hn.tucker_error(tensor, (1, 1, 1)), tensor)
    collect(spectral.jacobian_frobenius(lambda x: x, np.zeros(2), random_state=0), found)
    expansion = applications.small_set_expansion(cycle, random_state=0)
    collect(expansion, found)
    collect(expansion.verify(cycle), found)
    collect(applications.find_small_set(cycle, 0.5), found)
    collect(applications.sparsest_direction(np.eye(6)[:, :2], random_state=0), found)
    model = dictionary.LpDictionaryLearning(n_components=1, p=4, random_state=0).fit(samples)
    collect(model.certify(samples, method="spectral"), found)
    collect(separable.separable_value(np.eye(4), (2, 2), level=1, random_state=0), found)
    regressor = linear_model.SchattenRegressor(1.0)
    collect(regressor.path(X, X[:, 0], alphas=[0.1, 1.0]), found)
    collect(regressor.fit(X, X[:, 0]).confidence_interval(square, 1.0), found)
    location = robust.robust_mean(samples, 0.1, random_state=0)
    interval(dataclasses.replace(location), samples)
    covariance = robust.certify_covariance(samples[6:], np.ones(54), 0.01)
    collect(covariance, found, samples[6:])
    cluster = hn.certificates.ClusterCertificate(
        shape=X.shape,
        fingerprint=hn.forms.fingerprint(X),
        center=np.zeros(3),
        weights=np.ones(12),
        norm=hn.spectral_bound(X),
    )
    collect(cluster, found, X)
    for value in (
        datasets.identity(40),
        next(datasets.known_separable_values()),
        datasets.contaminated(100, 30, 0.1, random_state=0),
        datasets.contaminated_regression(100, 30, 0.1, random_state=0),
        datasets.contaminated_clusters(100, 30, 2, random_state=0),
        datasets.planted_dictionary(50, 4, 0.3, random_state=0),
        datasets.planted_sparse(40, 3, 5, random_state=0),
    ):
        collect(value, found)
    return found


@pytest.mark.parametrize("name", sorted({kind.__name__ for kind in CLASSES} - PLANS - BASES))
def test_result_is_shown_on_one_screen_and_cannot_be_changed(name, results):
    shown = {kind.__name__: value for kind, value in results.items()}
    value = shown[name]
    text = repr(value)
    assert sum(math.ceil(len(line) / COLUMNS) for line in text.splitlines()) <= LINES
    assert text.startswith(f"{name}(")
    assert "array([" not in text
    page = value._repr_html_()
    assert page.count("<tr>") <= LINES
    assert all(len(cell) <= COLUMNS for cell in re.findall(r">([^<]*)<", page))
    assert "<script" not in page
    for field in dataclasses.fields(value):
        for array in (
            getattr(value, field.name),
            *([*v] if isinstance(v := getattr(value, field.name), tuple) else ()),
        ):
            assert not isinstance(array, np.ndarray) or not array.flags.writeable, field.name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, dataclasses.fields(value)[0].name, None)


@pytest.mark.parametrize("kind", [datasets.PlantedDictionary, datasets.PlantedSubspace])
def test_named_tuples_are_shown_without_their_entries(kind, results):
    assert len(repr(results[kind])) < 200
    assert "array of shape" in results[kind]._repr_html_()


def test_proved_numbers_come_first(results):
    for value in results.values():
        if isinstance(value, hn.Verified) or type(value).__name__ in (
            "SparseDirection",
            "LowRankError",
            "CertifiedAtom",
        ):
            first = re.match(r"\w+\((\w+)=", repr(value)).group(1)
            assert first in ("lower", "upper", "value", "frobenius", "least_ratio"), value


def test_arrays_are_neither_copied_nor_changed():
    matrix = np.eye(2)
    known = datasets.KnownNorm(name="mine", matrix=matrix, q=4.0, value=1.0)
    assert np.shares_memory(known.matrix, matrix)
    assert matrix.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        known.matrix[0, 0] = 2


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_arrays_of_copies_cannot_be_written_to(copied):
    A = np.random.default_rng(0).standard_normal((4, 3))
    interval = hn.operator_norm(A, 3, 1.5, random_state=0)
    other = copied(interval)
    assert (other.lower, other.upper, other.status) == (interval.lower, interval.upper, interval.status)
    assert other.certificate.verify(A).upper == interval.upper
    for array in (other.witness.vector, other.certificate.row_weights, other.certificate.column_weights):
        assert not array.flags.writeable


def test_a_result_does_not_change_with_the_arguments():
    X, weights, center = np.random.default_rng(0).standard_normal((20, 3)), np.ones(20), np.zeros(3)
    interval = hn.two_to_q_norm(X, sample_weight=weights, center=center, random_state=0)
    weights *= 2
    center += 1
    assert interval.certificate.verify(X).upper <= interval.upper * (1 + 1e-9)
    assert interval.witness.verify(X).lower >= interval.lower * (1 - 1e-9)


def test_text_from_files_is_harmless_in_html():
    proved = hn.VerifiedBound(quantity="<script>\x1b[31m", upper=1 / 3)
    assert "<script" not in proved._repr_html_()
    assert "\x1b" not in proved._repr_html_() + repr(proved)
    assert repr(proved).startswith("VerifiedBound(upper=0.3333333334,")  # rounded outwards


def test_an_interval_of_many_certificates_fits_on_a_screen():
    interval = hn.two_to_q_norm(np.eye(3), random_state=0)
    many = dataclasses.replace(interval, records=interval.records * 100)
    assert many._repr_html_().count("<tr>") <= LINES


def test_broken_certificates_are_shown():
    assert "broken" in object.__new__(hn.NormCertificate)._repr_html_()
