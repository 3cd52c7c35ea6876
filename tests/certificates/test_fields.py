"""Fields of certificates at the ends of their ranges, one value on either side; and what every verification returns."""

import dataclasses
import math
import time
from fractions import Fraction

import numpy as np
import pytest

import hypernorm as hn
from hypernorm.certificates import ClusterCertificate, base, separable, values, weighted_rows
from hypernorm.certificates.moments import distance_from_mean, total_below
from hypernorm.certificates.subjects import check_identity
from hypernorm.certificates.values import (
    check_choice,
    check_fingerprint,
    check_integer,
    check_real,
    check_sides,
    check_tuple,
    private_array,
    shown,
)
from hypernorm.exceptions import CertificateError
from hypernorm.forms import fingerprint
from hypernorm.robust import MomentClustering, certify_covariance, certify_mean
from hypernorm.separable import separable_value
from tests.oracles.exact import above

INFINITY = math.inf


@pytest.mark.parametrize(
    ("value", "limits", "fits"),
    [
        (0.0, (), True), (-1e308, (), True), (INFINITY, (), False), (-INFINITY, (), False), (math.nan, (), False),
        (1, (), False), (True, (), False), (np.float64(1), (), False), ("1", (), False), (None, (), False),
        (0.0, (0.0,), True), (-5e-324, (0.0,), False), (INFINITY, (0.0,), False), (1e308, (0.0,), True),
        (0.5, (0.0, 0.5), False), (math.nextafter(0.5, 0), (0.0, 0.5), True), (0.0, (0.0, 0.5), True),
        (0.75, (0.0, 0.5), False), (math.nan, (0.0, 0.5), False), (2, (0.0, 5.0), False),
    ],
)  # fmt: skip
def test_floats(value, limits, fits):
    if fits:
        assert check_real(value, "number", *limits) is value
    else:
        with pytest.raises(CertificateError, match=r"^The certificate's number must be a finite float"):
            check_real(value, "number", *limits)


@pytest.mark.parametrize(
    ("value", "fits"),
    [(1.0, True), (INFINITY, True), (0.999, False), (-INFINITY, False), (math.nan, False), (2, False), (1e308, True)],
)
def test_floats_that_may_be_infinite(value, fits):
    if fits:
        assert check_real(value, "q", 1.0, infinite=True) is value
    else:
        with pytest.raises(CertificateError, match=r"^The certificate's q must be a float of at least 1, got"):
            check_real(value, "q", 1.0, infinite=True)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ((), "must be a finite float, got nan."),
        ((0.0,), "must be a finite float, non-negative, got nan."),
        ((2.0,), "must be a finite float of at least 2, got nan."),
        ((0.0, 0.5), "must be a finite float in [0, 0.5), got nan."),
    ],
)
def test_messages_say_what_is_allowed(limits, words):
    with pytest.raises(CertificateError) as caught:
        check_real(math.nan, "number", *limits)
    assert str(caught.value) == f"The certificate's number {words}"


@pytest.mark.parametrize(
    ("value", "fits"), [(2, True), (5, True), (3, True), (1, False), (6, False), (3.0, False), (True, False)]
)
def test_integers(value, fits):
    if fits:
        assert check_integer(value, "level", 2, 5) is value
    else:
        with pytest.raises(CertificateError, match="int from 2 to 5"):
            check_integer(value, "level", 2, 5)
    with pytest.raises(CertificateError, match="int from 0 to 1"):
        check_integer(True, "level", 0, 1)


class Anything(str):
    """Equal to every text."""

    def __eq__(self, other):
        return True

    __hash__ = str.__hash__


def test_texts():
    assert check_choice("b", "kind", ("a", "b")) == "b"
    for wrong in ("c", "ab", None, 1, ("a",), Anything("c"), Anything("a")):
        with pytest.raises(CertificateError, match="no certificate of kind"):
            check_choice(wrong, "kind", ("a", "b"))
    for digest in ("0" * 64, "0123456789abcdef" * 4):
        assert check_fingerprint(digest) == digest
    for wrong in ("0" * 63, "0" * 65, "A" * 64, "g" + "0" * 63, None, ["0"] * 64, b"0" * 64):
        with pytest.raises(CertificateError, match="64 hexadecimal digits"):
            check_fingerprint(wrong)


def test_tuples_and_shapes():
    assert check_tuple((1, 2), "pair", 2, "numbers") == (1, 2)
    for wrong in ((1,), (1, 2, 3), [1, 2], None, "ab"):
        with pytest.raises(CertificateError, match="tuple of 2 numbers"):
            check_tuple(wrong, "pair", 2, "numbers")
    assert check_sides((1, 1)) == (1, 1)
    assert check_sides((2**60 - 1, 2**30 - 1)) == (2**60 - 1, 2**30 - 1)
    for wrong in ((0, 1), (1, 0), (2**60, 1), (1, 2**30), (1.0, 1), (1,), (1, 1, 1), [1, 1]):
        with pytest.raises(CertificateError):
            check_sides(wrong)


def test_arrays():
    A = np.array([[1.0, 2.0], [2.0, 3.0]])
    for given, shapes in [(A, [(2, 2)]), (A, [(3, 3), (2, 2)]), (np.asfortranarray(A), [(2, 2)])]:
        copy = private_array(given, "matrix", *shapes, hermitian=True)
        assert copy is not given
        assert (copy == A).all()
        assert copy.flags.c_contiguous
    # Without being asked for it, nothing need be symmetric.
    assert private_array(np.triu(A), "matrix", (2, 2)).shape == (2, 2)
    both = (np.float64, np.complex128)
    assert private_array(A + 1j * np.array([[0, 1], [-1, 0]]), "matrix", (2, 2), dtypes=both, hermitian=True).shape
    off = A.copy()
    off[1, 0] = math.nextafter(2, 3)
    entry = A.copy()
    entry[1, 1] = np.nan
    for wrong, words in [
        (off, "finite symmetric 2 x 2 float64 ndarray"), (entry, "finite symmetric"), (A[:1], "symmetric 2 x 2"),
        (A.astype(np.float32), "float64"), (A.tolist(), "ndarray"), (np.ma.masked_array(A), "ndarray"),
        (A.view(np.matrix), "ndarray"), (None, "ndarray"), (A + 0j, "float64"),
    ]:  # fmt: skip
        with pytest.raises(CertificateError, match=words):
            private_array(wrong, "matrix", (2, 2), hermitian=True)
    with pytest.raises(CertificateError, match="Hermitian 2 x 2 float64 or complex128"):
        private_array(A + 1j * np.eye(2), "matrix", (2, 2), dtypes=both, hermitian=True)
    with pytest.raises(CertificateError, match=r"finite float64 ndarray of shape 2 x 2 or 3"):
        private_array(np.array([1.0, np.inf, 1.0]), "vector", (2, 2), (3,))


def test_only_what_cannot_lie_is_shown():
    assert [shown(value) for value in (1.5, 3, True, None, "ü")] == ["1.5", "3", "True", "None", "'\\xfc'"]
    assert len(shown("x" * 100)) == 80
    assert shown(np.float64(1.5)) == "a float64"
    assert shown([1]) == "a list"
    assert (values.LARGEST_SCALE, separable.LARGEST_LEVEL) == (2100, 8)


def test_identity_is_that_of_shape_and_values():
    X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    check_identity(X, (2, 3), fingerprint(X))
    for shape, digest in [((3, 2), fingerprint(X)), ((2, 3), "0" * 64), ((3, 2), "0" * 64)]:
        with pytest.raises(CertificateError, match="another matrix"):
            check_identity(X, shape, digest)


X = np.random.default_rng(0).standard_normal((40, 3))
M = X[:4].T @ X[:4]
NAMES = ["norm", "witness", "mean", "covariance", "cluster", "separable", "product state"]


@pytest.fixture(scope="module")
def proofs():
    product = separable_value(np.kron(M, M), (3, 3), random_state=0)
    return {
        "norm": (hn.spectral_bound(X, 4), X),
        "witness": (hn.Witness.from_vector(X, np.ones(3)), X),
        "mean": (certify_mean(X, np.arange(40.0), 0.1), X),
        "covariance": (certify_covariance(X, np.ones(40), 0.02), X),
        "cluster": (MomentClustering(1, random_state=0).fit(X).certificates_[0], X),
        "separable": (product.certificate, np.kron(M, M)),
        "product state": (product.witness, np.kron(M, M)),
    }


@pytest.mark.parametrize("name", NAMES)
def test_seconds_are_those_of_the_verification(name, proofs):
    proof, data = proofs[name]
    start = time.perf_counter()
    seconds = proof.verify(data).seconds
    assert 0 < seconds <= time.perf_counter() - start


@pytest.mark.parametrize("name", NAMES)
def test_every_proof_checks_the_arithmetic_itself(name, proofs, monkeypatch):
    proof, data = proofs[name]

    def refuse():
        raise CertificateError("not this processor")

    monkeypatch.setattr(base, "check_arithmetic", refuse)
    with pytest.raises(CertificateError, match="not this processor"):
        proof.verify(data)


@pytest.mark.parametrize("name", NAMES)
def test_another_matrix_is_refused_whatever_it_proves(name, proofs):
    """The same shape and the same values but for one bit: the fingerprint alone is what differs."""
    proof, data = proofs[name]
    other = data.copy()
    other[0, 0] = math.nextafter(other[0, 0], 9)
    with pytest.raises(CertificateError, match="another matrix"):
        proof.verify(other)


@pytest.mark.parametrize("name", ["norm", "mean", "covariance", "cluster", "witness"])
@pytest.mark.parametrize("shape", [(3, 40), (40, 4), (41, 3), (40.0, 3), (40,), [40, 3]])
def test_another_shape_is_refused(name, shape, proofs):
    proof, data = proofs[name]
    with pytest.raises(CertificateError, match=r"shape|\d+ x \d+"):
        dataclasses.replace(proof, shape=shape).verify(data)


@pytest.mark.parametrize("q", [2.0, 4.0])
@pytest.mark.parametrize("weight", [1.0, 16.0, 2.0**-20])
def test_the_bound_of_a_cluster(q, weight):
    """One direction, samples at ±2 about the center: every moment is 2."""
    samples = np.array([[3.0], [-1.0], [3.0], [-1.0], [90.0]])
    weights, center = weight * np.array([1.0, 1.0, 1.0, 1.0, 0.0]), np.array([1.0])
    rows = weighted_rows(samples, weights, center, q)
    norm = hn.spectral_bound(rows, q, kind="row_norm")
    found = ClusterCertificate(
        center=center, weights=weights, norm=norm, shape=samples.shape, fingerprint=fingerprint(samples)
    )
    assert found.q == q
    for upper in (found.upper, found.verify(samples).upper):
        assert 2.0 < upper < 2.0 * (1 + 1e-7)
    assert found.verify(samples).offset < 1e-14
    for change in (
        {"norm": None},
        {"norm": hn.spectral_bound(rows, math.inf, kind="row_norm")},
        {"weights": weights[:4]},
        {"weights": -weights},
        {"weights": 0 * weights},
        {"center": np.zeros(2)},
        {"center": np.array([1])},
        {"center": np.array([1 + 1e-6])},
    ):
        with pytest.raises(CertificateError):
            dataclasses.replace(found, **change).verify(samples)


def test_the_center_of_a_cluster_need_not_be_its_mean():
    """The distance of the two is proved: 1/2 here, exactly but for its rounding."""
    samples, weights, center = np.array([[3.0], [-1.0], [90.0]]), np.array([1.0, 1.0, 0.0]), np.array([1.5])
    norm = hn.spectral_bound(weighted_rows(samples, weights, center, 4.0), 4.0, kind="row_norm")
    found = ClusterCertificate(
        center=center, weights=weights, norm=norm, shape=samples.shape, fingerprint=fingerprint(samples)
    ).verify(samples)
    rounded = above(distance_from_mean(samples, weights, center, total_below(weights)))
    assert 0.5 < rounded <= Fraction(found.offset) <= rounded * (1 + Fraction(1, 2**50)) < 0.501


def test_the_bound_of_a_cluster_at_one_point():
    samples = np.ones((4, 2))
    rows = np.zeros((4, 2))
    norm = hn.spectral_bound(rows, 4.0)
    found = ClusterCertificate(
        center=np.ones(2), weights=np.ones(4), norm=norm, shape=samples.shape, fingerprint=fingerprint(samples)
    )
    assert found.upper == 0.0
    assert 0 <= found.verify(samples).upper < 1e-300
    other = dataclasses.replace(found, norm=hn.spectral_bound(rows, math.inf, kind="row_norm"))
    with pytest.raises(CertificateError, match="finite exponents"):
        _ = other.upper
    with pytest.raises(CertificateError, match="finite exponents"):
        other.verify(samples)
