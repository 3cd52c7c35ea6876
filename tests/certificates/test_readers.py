"""What single fields of certificates accept, from a caller and from a file, where a certificate allows for more."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

import hypernorm as hn
from hypernorm.certificates import NormCertificate, inner
from hypernorm.certificates.fields import Array, Numbers, Real
from hypernorm.certificates.inner import Inner, InnerTuple
from hypernorm.exceptions import CertificateError

NORM = hn.spectral_bound(np.eye(2), 4.0)


class Reader:
    """A file with one value for every name; it answers a request for part of it with the prefix of the names."""

    def __init__(self, value):
        self.value = value
        self.shapes = ()

    def scalar(self, name, dtype):
        return self.value

    def array(self, name, dtypes, *shapes):
        self.shapes = shapes
        return np.array(self.value)

    def part(self, prefix):
        return prefix


def test_none_is_a_number_only_where_it_is_allowed():
    assert Real(optional=True).read(Reader(math.nan), "limit", {}) is None
    assert Real(optional=True).read(Reader(1.5), "limit", {}) == 1.5
    with pytest.raises(CertificateError, match="limit must be a finite float, got nan"):
        Real().read(Reader(math.nan), "limit", {})
    with pytest.raises(CertificateError, match="limit must be a finite float, got None"):
        Real().check(None, "limit", {})
    sizes = {"norms": 2}
    assert Numbers("norms").read(Reader([1.0, 2.0]), "limits", sizes) == (1.0, 2.0)
    with pytest.raises(CertificateError, match="limits must be finite floats"):
        Numbers("norms").read(Reader([math.nan, 2.0]), "limits", sizes)


@pytest.mark.parametrize(
    ("least", "words"), [(-math.inf, "must be finite floats:"), (0.0, "must be finite floats, non-negative:")]
)
def test_the_message_says_what_numbers_must_be(least, words):
    with pytest.raises(CertificateError, match=words):
        Numbers("norms", least).check((math.nan,), "limits", {"norms": 1})


def test_none_is_an_array_only_where_it_is_allowed():
    sizes = {"d": 2}
    assert Array("d", optional=True).check(None, "vector", sizes) is None
    with pytest.raises(CertificateError, match="vector must be a finite float64 ndarray"):
        Array("d").check(None, "vector", sizes)
    for optional, shapes in [(False, ((2,),)), (True, ((2,), (0,)))]:
        reader = Reader([1.0, 2.0])
        assert Array("d", optional=optional).read(reader, "vector", sizes).tolist() == [1.0, 2.0]
        assert reader.shapes == shapes
    assert Array("d", optional=True).read(Reader([]), "vector", sizes) is None


@pytest.mark.parametrize(("count", "fits"), [(0, False), (1, True), (2, True), (64, True), (65, False), (-1, False)])
def test_a_tuple_holds_1_to_64_certificates(count, fits, monkeypatch):
    field, items = InnerTuple(NormCertificate), (NORM,) * count
    monkeypatch.setattr(inner, "parse_members", lambda part, *kinds: (part, kinds))
    if fits:
        assert len(field.check(items, "norms", {})) == count
        wanted = tuple((f"norms_{index}.", (NormCertificate,)) for index in range(count))
        assert field.read(Reader(count), "norms", {}) == wanted
        return
    with pytest.raises(CertificateError, match=f"the number of norms is {count}, it must be from 1 to 64"):
        field.read(Reader(count), "norms", {})
    with pytest.raises(CertificateError, match="norms must be a tuple of 1 to 64 certificates"):
        field.check(items, "norms", {})


@pytest.mark.parametrize(("optional", "counts"), [(False, [1]), (True, [0, 1])])
def test_one_certificate_may_be_missing_only_where_that_is_allowed(optional, counts, monkeypatch):
    field = Inner(NormCertificate, optional=optional)
    monkeypatch.setattr(inner, "parse_members", lambda part, *kinds: (part, kinds))
    for count in (-1, 0, 1, 2):
        if count in counts:
            wanted = ("norm.", (NormCertificate,)) if count else None
            assert field.read(Reader(count), "norm", {}) == wanted
        else:
            with pytest.raises(CertificateError, match=f"number of certificates for norm cannot be {count}"):
                field.read(Reader(count), "norm", {})
    for value in (None, SimpleNamespace(), "norm"):
        if value is None and optional:
            assert field.check(value, "norm", {}) is None
        else:
            with pytest.raises(CertificateError, match="norm must be of type NormCertificate"):
                field.check(value, "norm", {})
