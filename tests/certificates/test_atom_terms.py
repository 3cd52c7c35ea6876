"""Each error term of the proofs about atoms, in rational arithmetic, and the checks of their fields and subjects."""

import dataclasses
import math
from fractions import Fraction

import numpy as np
import pytest

import hypernorm as hn
from hypernorm.certificates import atom
from hypernorm.certificates.rounding import precision
from hypernorm.exceptions import CertificateError
from hypernorm.forms import Rows, fingerprint
from tests.certificates.specimens import MAKE
from tests.oracles.exact import SAFETY, U, above, exact_gamma, is_just_above, root

FINE = Fraction(1, 10**12)


@pytest.fixture
def balls(monkeypatch):
    """Bounds as balls, before they are rounded to floats."""
    for name in ("upper_float", "lower_float"):
        monkeypatch.setattr(atom, name, lambda ball: ball)


@pytest.mark.parametrize("error", [0.0, 0.25])
@pytest.mark.parametrize("value", [0.5, 3.0])
def test_an_atom_pays_for_the_errors_of_its_rows(error, value, balls, monkeypatch):
    Z, vector = np.array([[3.0], [-1.0]]), np.array([2.0])
    attained = root(root(82))
    with precision():
        below, over = map(above, atom.attained_by(Rows(Z), vector, 4.0, error))
    assert is_just_above(below, attained - Fraction(error), FINE)
    assert is_just_above(over, attained + Fraction(error), FINE)

    X = np.array([[3.0], [-1.0]])
    proof = certify_one_column(X, value)
    monkeypatch.setattr(atom, "with_errors", lambda *arguments: (Z, error))
    monkeypatch.setattr(atom, "attained_by", lambda *arguments: (0.25, 9.0))
    found = proof.prove(X)
    exact = Fraction(proof.norm.prove(Rows(Z)).upper) + Fraction(error)
    assert is_just_above(above(found.upper), exact, FINE)
    assert found.lower == 0.25
    monkeypatch.setattr(atom, "attained_by", lambda *arguments: (0.25, math.nextafter(value, 0)))
    with pytest.raises(CertificateError, match="attains"):
        proof.prove(X)
    monkeypatch.setattr(atom, "attained_by", lambda *arguments: (0.25, value))
    assert proof.prove(X).lower == 0.25


def certify_one_column(X, value):
    return atom.AtomCertificate(
        shape=X.shape,
        fingerprint="0" * 64,
        rank=1,
        q=4.0,
        value=value,
        location=np.zeros(1),
        transform=np.ones((1, 1)),
        vector=np.array([2.0]),
        norm=hn.spectral_bound(X, 4.0, kind="row_norm"),
    )


@pytest.mark.parametrize("scale", [1.0, 2.0**-40])
def test_the_error_of_whitened_rows(scale):
    X, location, K = np.array([[1.0, 2.0], [3.0, -4.0]]) * scale, np.array([0.5, 0.0]) * scale, np.array([[2.0], [1.0]])
    Z, error = atom.with_errors(X, location, K)
    assert Z.ravel().tolist() == [3.0 * scale, 1.0 * scale]
    lengths = [Fraction(3 * scale), Fraction(9 * scale)]  # |x − location| |K|
    rows = [SAFETY * exact_gamma(4) * length + Fraction(1, 2**500) for length in lengths]
    assert is_just_above(error, SAFETY * root(sum(row**2 for row in rows)))
    for far in (1e308, math.inf):
        with np.errstate(all="ignore"), pytest.raises(CertificateError, match="overflow"):
            atom.with_errors(np.array([[far, far]]), np.array([-far, 0.0]), np.full((2, 1), 1e10))


@pytest.mark.parametrize("error", [0.0, 0.25, 2.0**-52])
def test_what_an_atom_attains_is_rounded_outward(error, monkeypatch):
    monkeypatch.setattr(atom, "attained_interval", lambda rows, vector, q: (1.5, 1.75))
    below, over = map(Fraction, atom.attained_by(Rows(np.eye(2)), np.ones(2), 4.0, error))
    least, most = Fraction(1.5) - Fraction(error), Fraction(1.75) + Fraction(error)
    assert least * (1 - 4 * U) <= below < least
    assert most < over <= most * (1 + 4 * U)


@pytest.mark.parametrize("error", [0.0, 0.25, 2.0**-52])
def test_the_bound_of_an_atom_is_rounded_up(error, monkeypatch):
    X = np.array([[3.0], [-1.0]])
    proof = certify_one_column(X, 0.5)
    monkeypatch.setattr(atom, "with_errors", lambda *arguments: (X, error))
    exact = Fraction(proof.norm.prove(Rows(X)).upper) + Fraction(error)
    assert exact < Fraction(proof.prove(X).upper) <= exact * (1 + 4 * U)


@pytest.mark.parametrize("entry", [1e200, 1e305])
@pytest.mark.parametrize("place", [(0, 0), (1, 1)])
def test_one_coordinate_that_overflows_is_enough(place, entry):
    """Already the square of 1e200 overflows, and so the length of the row's error, though its coordinates do not."""
    X = np.ones((2, 2))
    X[place] = entry
    with np.errstate(all="ignore"), pytest.raises(CertificateError, match="too far apart"):
        atom.with_errors(X, np.zeros(2), 1e10 * np.eye(2))


def two_columns():
    X = np.array([[3.0, 0.0], [-1.0, 2.0], [0.0, 1.0]])
    proof = atom.AtomCertificate(
        shape=X.shape, fingerprint=fingerprint(X), rank=2, q=math.inf, value=1.0, location=np.zeros(2),
        transform=np.eye(2), vector=np.array([1.0, 0.0]), norm=hn.spectral_bound(X, math.inf, kind="row_norm"),
    )  # fmt: skip
    return X, proof


def test_an_atom_may_have_zeros_but_not_zeros_alone():
    X, proof = two_columns()
    proved = proof.verify(X)
    assert 3 * (1 - 1e-12) < proved.lower < 3 < proved.upper < 3 * (1 + 1e-6)
    with pytest.raises(CertificateError, match="vector is zero"):
        dataclasses.replace(proof, vector=np.zeros(2)).verify(X)


def test_the_claim_of_an_atom_is_an_upper_bound():
    _, proof = two_columns()
    assert (proof.claim.value, proof.claim.relation) == (proof.norm.upper, "<=")


def test_the_subject_of_an_atom_has_the_shape_of_the_certificate():
    X, proof = two_columns()
    assert proof.prove(X).lower > 0
    for other in (X[:2], np.vstack([X, np.zeros((1, 2))]), X.tolist(), np.ma.masked_array(X)):
        with pytest.raises(CertificateError, match="must be an ndarray of shape"):
            proof.prove(other)


def test_the_subject_of_an_atom_is_a_private_copy():
    X, proof = two_columns()
    assert not np.shares_memory(proof.read(X), X)


def test_an_atom_is_bounded_from_both_sides():
    proof, data = MAKE["atom"]()
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
