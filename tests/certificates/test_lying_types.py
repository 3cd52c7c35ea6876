"""Objects whose type only pretends: a proof takes exact types, and nothing can be put in the place of its methods."""

import contextlib
import dataclasses

import numpy as np
import pytest

import hypernorm as hn
from hypernorm.applications import small_set_expansion, sparsest_direction
from hypernorm.certificates import ClusterCertificate, CovarianceCertificate, MeanCertificate
from hypernorm.datasets import noisy_cube
from hypernorm.forms import Rows
from hypernorm.robust import MomentClustering, certify_covariance, certify_mean
from hypernorm.separable import separable_value

X = np.random.default_rng(0).standard_normal((40, 3))
M = X[:4].T @ X[:4]


class Float(float):
    """Shown as a large number, converted to a small one."""

    def as_integer_ratio(self):
        return 1, 2**200


class Int(int):
    def __ne__(self, other):
        return False

    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


class Text(str):
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    __hash__ = str.__hash__


class Tuple(tuple):
    pass


class Array(np.ndarray):
    pass


@pytest.fixture(scope="module")
def proofs():
    product = separable_value(np.kron(M, M), (3, 3), random_state=0)
    return {
        "norm": (hn.spectral_bound(X, 4), X),
        "sos": (hn.sos_bound(X, 5.0, random_state=0), X),
        "witness": (hn.lower_bound(X, 4, random_state=0), X),
        "separable": (product.certificate, np.kron(M, M)),
        "product state": (product.witness, np.kron(M, M)),
        "mean": (certify_mean(X, np.arange(40.0), 0.1), X),
        "covariance": (certify_covariance(X, np.ones(40), 0.02), X),
        "cluster": (MomentClustering(1, random_state=0).fit(X).certificates_[0], X),
        "small set": (small_set_expansion(noisy_cube(3, 0.8), 0.3, random_state=0).certificate, noisy_cube(3, 0.8)),
        "subspace": (sparsest_direction(X, random_state=0).certificate, X),
    }


NAMES = [
    "norm",
    "sos",
    "witness",
    "separable",
    "product state",
    "mean",
    "covariance",
    "cluster",
    "small set",
    "subspace",
]


def lies(value):
    """Objects that pass for the value."""
    if type(value) is float:
        yield from (Float(value), np.float64(value))
    elif type(value) is int:
        yield from (Int(value), np.int64(value))
    elif type(value) is str:
        yield Text(value)
    elif type(value) is tuple:
        yield Tuple(value)
        for place, item in enumerate(value):
            for lie in lies(item):
                yield (*value[:place], lie, *value[place + 1 :])
    elif isinstance(value, np.ndarray):
        yield from (value.view(Array), np.ma.masked_array(value, True), value.astype(object), value.tolist())
    elif isinstance(value, hn.Certificate):
        names = [field.name for field in dataclasses.fields(value)]
        yield type("Liar", (type(value),), {"__slots__": (), "prove": lambda *a, **k: 0.0})(
            **{name: getattr(value, name) for name in names}
        )
        yield type("Lookalike", (), {name: getattr(value, name) for name in names} | {"verify": lambda *a, **k: 0})()


@pytest.mark.parametrize("name", NAMES)
def test_pretenders_are_refused_in_one_line(name, proofs):
    proof, data = proofs[name]
    proof.verify(data)
    tried = 0
    for field in dataclasses.fields(proof):
        for lie in lies(getattr(proof, field.name)):
            with pytest.raises(hn.CertificateError) as caught:
                dataclasses.replace(proof, **{field.name: lie}).verify(data)
            assert "\n" not in str(caught.value)
            tried += 1
    assert tried >= 6


@pytest.mark.parametrize("name", NAMES)
def test_methods_of_an_instance_cannot_be_replaced(name, proofs):
    assert set(proofs) == set(NAMES)
    proof = proofs[name][0]
    with pytest.raises(AttributeError):
        object.__setattr__(proof, "verify", lambda X: 0.0)
    with pytest.raises(AttributeError):
        object.__setattr__(proof, "prove", lambda rows: 0.0)


def test_rows_with_weights_or_a_shift_are_refused():
    certificate = hn.spectral_bound(X, 4)
    certificate.prove(Rows(X))
    for rows in (Rows(X).reweighted(np.ones(40)), Rows(X).shifted(np.zeros(3)), X):
        for exact in (False, True):
            with pytest.raises(hn.CertificateError, match="rows of a matrix"):
                certificate.prove(rows, exact=exact)


@pytest.mark.parametrize("kind", [MeanCertificate, CovarianceCertificate, ClusterCertificate])
def test_numbers_that_overflow_are_refused(kind, proofs):
    """Entries of 1e308 in any array: one line, whatever LAPACK would have said."""
    for proof, data in proofs.values():
        if type(proof) is not kind:
            continue
        for field in dataclasses.fields(proof):
            value = getattr(proof, field.name)
            if not isinstance(value, np.ndarray):
                continue
            for entry in (1e308, -1e308, 1e160, 5e-324):
                for changed in (np.full_like(value, entry), value * entry):
                    with contextlib.suppress(hn.CertificateError):
                        found = dataclasses.replace(proof, **{field.name: changed}).verify(data)
                        assert not isinstance(found, hn.VerifiedBound) or found.upper > 0
