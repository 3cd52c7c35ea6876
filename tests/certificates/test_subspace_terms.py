"""Each error term of the proofs about subspaces, atoms and expansion, in rational arithmetic."""

import math
from fractions import Fraction

import numpy as np
import pytest

import hypernorm as hn
from hypernorm.applications import small_set_expansion, sparsest_direction
from hypernorm.certificates import atom, expansion, subspace
from hypernorm.certificates.rounding import precision, rational
from hypernorm.datasets import noisy_cube
from hypernorm.exceptions import CertificateError, InvalidInputError
from hypernorm.forms import Rows
from hypernorm.forms.walk import Walk
from tests.oracles.exact import SAFETY, TINY, U, above, exact_gamma, is_just_above, root

FINE = Fraction(1, 10**12)


@pytest.fixture
def balls(monkeypatch):
    """Bounds as balls, before they are rounded to floats."""
    for module in (subspace, atom):
        monkeypatch.setattr(module, "upper_float", lambda ball: ball)
        monkeypatch.setattr(module, "lower_float", lambda ball: ball)


def nearly_orthonormal(n, d, epsilon):
    """A basis of d unit vectors, and X = basis + E with one entry of E outside of the span."""
    B = np.eye(n)[:, :d]
    X = B.copy()
    X[-1, 0] = epsilon
    return B, X


def terms(n, d, epsilon, allowance=1):
    """Loss and least singular value as docs/theory/small_sets.md has them."""
    epsilon = Fraction(epsilon)
    magnitude = root(4 * d + epsilon**2)  # of |B||T| + |X|, as T is the identity
    loss = SAFETY * (epsilon * (1 + 4 * U) + exact_gamma(d + 4) * magnitude) + TINY
    deviation = epsilon**2 + exact_gamma(n + 4) * (d + epsilon**2) + exact_gamma(4) * root(d)
    return allowance * loss, root(1 - SAFETY * allowance * deviation)


@pytest.mark.parametrize("allowance", [1, 2])
@pytest.mark.parametrize("epsilon", [0.0, 2.0**-20, 2.0**-4])
@pytest.mark.parametrize(("n", "d"), [(2, 1), (5, 2), (40, 7)])
def test_the_ratio_is_the_formula(n, d, epsilon, allowance, balls):
    B, X = nearly_orthonormal(n, d, epsilon)
    loss, least = terms(n, d, epsilon, allowance)
    for norm in (0.0, 0.75, 3.0):
        with precision():
            found = above(subspace.largest_ratio(B, X, norm, allowance=float(allowance)))
        exact = (Fraction(norm) + loss) / (least - loss)
        assert is_just_above(found, exact, Fraction(1, 2**45) if norm == 0 else FINE * loss)


def test_the_least_singular_value_must_be_positive():
    B, X = nearly_orthonormal(5, 2, 0.9)
    with pytest.raises(InvalidInputError, match="linear dependence"):
        subspace.largest_ratio(B, X, 1.0)
    B, X = nearly_orthonormal(5, 2, 0.0)
    with pytest.raises(InvalidInputError, match="linear dependence"):
        subspace.largest_ratio(B, X, 1.0, allowance=2.0**52)
    with np.errstate(all="ignore"), pytest.raises(CertificateError, match="overflow"):
        subspace.largest_ratio(B, np.full((5, 2), 1e308) * 10, 1.0)


def test_the_subject_is_a_pair(monkeypatch):
    X = np.random.default_rng(0).standard_normal((9, 2))
    proof = sparsest_direction(X, random_state=0).certificate
    scaled, exponents = subspace.read_basis(X)
    assert proof.prove((scaled, exponents)).upper == proof.verify(X).upper
    for subject in ((scaled,), (scaled, exponents, exponents), [scaled, exponents], (scaled[:8], exponents)):
        with pytest.raises(CertificateError, match="subject"):
            proof.prove(subject)


@pytest.mark.parametrize("zeros", [0, 1, 2])
def test_coordinates_without_any_entry_are_no_direction(zeros):
    coefficients = np.array([0.0, 0.0]) if zeros == 2 else np.array([0.0, 3.0]) if zeros else np.array([5.0, 3.0])
    found = subspace.exact_coordinates(coefficients, np.array([7, -3]))
    ratio = coefficients * np.array([2.0**7, 2.0**-3])
    assert (found == 0).tolist() == (coefficients == 0).tolist()
    if zeros < 2:
        np.testing.assert_array_equal(found / np.abs(found).max(), ratio / np.abs(ratio).max())


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
    assert is_just_above(error, SAFETY * root(sum(row**2 for row in rows)) + TINY)
    for far in (1e308, math.inf):
        with np.errstate(all="ignore"), pytest.raises(CertificateError, match="overflow"):
            atom.with_errors(np.array([[far, far]]), np.array([-far, 0.0]), np.full((2, 1), 1e10))


@pytest.mark.parametrize("q", [2.0, 3.0, 4.0, math.inf])
@pytest.mark.parametrize("mu", [1.0, 0.5, 2.0**-6])
@pytest.mark.parametrize(("threshold", "slack", "norm"), [(0.25, 0.0, 0.5), (-0.5, 2.0**-30, 1.0), (0.5, 0.125, 0.0)])
def test_the_bound_on_expansion_is_the_formula(q, mu, threshold, slack, norm, monkeypatch):
    monkeypatch.setattr(expansion, "lower_float", lambda ball: ball)
    measure = min(Fraction(mu) * (1 + Fraction(1, 2**50)), Fraction(1))
    with precision():
        found = expansion._expansion_bound(threshold, slack, q, norm, mu)
        power = {2.0: rational(1), 4.0: rational(measure).sqrt(), math.inf: rational(measure)}.get(q)
        if q == 3.0:
            power = rational(measure) ** (rational(1) / 3)
        exact = (1 - Fraction(threshold)) * (1 - measure) - Fraction(slack)
        assert abs(float((found - (rational(exact) - rational(norm) ** 2 * power)).mid())) < 1e-30


def test_a_bound_is_nothing_where_nothing_follows():
    assert expansion._expansion_bound(0.0, 0.0, 4.0, 9.0, 0.5) == 0.0
    assert expansion._expansion_bound(1.0, 0.0, 4.0, 0.0, 0.5) == 0.0


def test_the_number_of_vertices_is_that_of_the_graph():
    cube = noisy_cube(2, 0.5)
    proof = small_set_expansion(cube, 0.9).certificate
    assert proof.prove(Walk.read(cube)).upper == 0.0
    with pytest.raises(CertificateError, match="Walk of 4 vertices"):
        proof.prove(Walk.read(noisy_cube(3, 0.5)))
