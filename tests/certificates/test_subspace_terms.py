"""Each error term of the proofs about subspaces and expansion, in rational arithmetic."""

import dataclasses
import math
from fractions import Fraction

import numpy as np
import pytest

import hypernorm as hn
from hypernorm.applications import small_set_expansion, sparsest_direction
from hypernorm.certificates import expansion, subspace
from hypernorm.certificates.rounding import precision, rational
from hypernorm.certificates.subspace import exact_coordinates
from hypernorm.datasets import noisy_cube
from hypernorm.exceptions import CertificateError, InvalidInputError
from hypernorm.forms.walk import Walk
from tests.certificates.specimens import MAKE, X
from tests.oracles.exact import SAFETY, TINY, U, above, exact_gamma, is_just_above, root

FINE = Fraction(1, 10**12)


@pytest.fixture
def balls(monkeypatch):
    """Bounds as balls, before they are rounded to floats."""
    for name in ("upper_float", "lower_float"):
        monkeypatch.setattr(subspace, name, lambda ball: ball)


def nearly_orthonormal(n, d, epsilon, signs=(1, 1)):
    """A basis of d unit vectors, and X = basis + E with one entry of E outside of the span; each with a sign."""
    B = np.eye(n)[:, :d]
    X = B.copy()
    X[-1, 0] = epsilon
    return signs[0] * B, signs[1] * X


def terms(n, d, epsilon, allowance=1):
    """Loss and least singular value as docs/theory/small_sets.md has them."""
    epsilon = Fraction(epsilon)
    magnitude = root(4 * d + epsilon**2)  # of |B||T| + |X|, as T is the identity or its negative
    loss = SAFETY * (epsilon + exact_gamma(d + 4) * magnitude) + TINY
    deviation = epsilon**2 + exact_gamma(n + 4) * (d + epsilon**2) + exact_gamma(4) * root(d)
    return allowance * loss, root(1 - SAFETY * allowance * deviation)


@pytest.mark.parametrize("allowance", [1, 2])
@pytest.mark.parametrize("epsilon", [0.0, 2.0**-20, 2.0**-4])
@pytest.mark.parametrize(("n", "d"), [(2, 1), (5, 2), (40, 7)])
@pytest.mark.parametrize("signs", [(1, 1), (-1, 1), (1, -1)])
def test_the_ratio_is_the_formula(signs, n, d, epsilon, allowance, balls):
    B, X = nearly_orthonormal(n, d, epsilon, signs)
    loss, least = terms(n, d, epsilon, allowance)
    for norm in (0.0, 0.75, 3.0):
        with precision():
            found = above(subspace.largest_ratio(B, X, norm, allowance=float(allowance)))
        exact = (Fraction(norm) + loss) / (least - loss)
        assert is_just_above(found, exact, Fraction(1, 2**45) if norm == 0 else FINE * loss)


@pytest.mark.parametrize("norm", [0.5, 0.75, 3.0])
def test_the_ratio_is_rounded_up(norm):
    loss, least = terms(5, 2, 2.0**-20)
    exact = (Fraction(norm) + loss) / (least - loss)
    found = Fraction(subspace.largest_ratio(*nearly_orthonormal(5, 2, 2.0**-20), norm))
    assert exact < found <= exact * (1 + 4 * U)


def test_the_ratio_needs_a_processor_that_rounds_to_nearest(monkeypatch):
    def refuse():
        raise CertificateError("not this processor")

    monkeypatch.setattr(subspace, "check_arithmetic", refuse)
    with pytest.raises(CertificateError, match="not this processor"):
        subspace.largest_ratio(*nearly_orthonormal(5, 2, 0.0), 1.0)


def test_the_least_singular_value_must_be_positive():
    B, X = nearly_orthonormal(5, 2, 0.9)
    with pytest.raises(InvalidInputError, match="linear dependence"):
        subspace.largest_ratio(B, X, 1.0)
    B, X = nearly_orthonormal(5, 2, 0.0)
    with pytest.raises(InvalidInputError, match="linear dependence"):
        subspace.largest_ratio(B, X, 1.0, allowance=2.0**52)
    for scale, size in [(1.0, math.inf), (1.0, 1e308), (2.0**-1000, 1e30)]:  # in the last case T alone overflows
        with np.errstate(all="ignore"), pytest.raises(CertificateError, match="overflow"):
            subspace.largest_ratio(scale * B, np.full((5, 2), size), 1.0)


@pytest.mark.parametrize(("condition", "accepted"), [(2.0**30, True), (2.0**30 * (1 + 2.0**-50), False)])
def test_a_basis_may_have_the_largest_condition_number(condition, accepted, monkeypatch):
    monkeypatch.setattr(subspace, "_LARGEST_CONDITION", 2.0**30)
    B = np.diag([condition, 1.0])
    if accepted:
        np.testing.assert_array_equal(np.abs(B @ subspace.orthogonaliser(B)), np.eye(2))
    else:
        with pytest.raises(InvalidInputError, match="dependent"):
            subspace.orthogonaliser(B)


def test_the_attained_ratio_is_rounded_outward(monkeypatch):
    intervals = {3.0: (1.0, 1.25), 2.0: (3.0, 3.5)}
    monkeypatch.setattr(subspace, "attained_interval", lambda rows, coordinates, q: intervals[q])
    below, over = map(Fraction, subspace.attained_ratio(np.eye(2), np.ones(2), 3.0))
    least, most = Fraction(1) / Fraction(3.5), Fraction(1.25) / 3
    assert least * (1 - 4 * U) <= below < least
    assert most < over <= most * (1 + 4 * U)


@pytest.mark.parametrize("coordinates", [[0.0, 0.0], [1.0, -1.0]])
def test_a_direction_that_may_be_zero_attains_nothing(coordinates):
    with pytest.raises(CertificateError, match="different from zero"):
        subspace.attained_ratio(np.ones((3, 2)), np.array(coordinates), 4.0)


@pytest.fixture(scope="module")
def flat():
    """A basis of pairs of equal entries, for whose vectors w max |w_i|/‖w‖₂ ≤ 2^(−1/2), and a proof of that."""
    basis = np.kron(np.eye(2), np.ones((2, 1)))
    return basis, sparsest_direction(basis, q=math.inf, random_state=0).certificate


def test_claims_are_accepted_up_to_what_is_proved(flat):
    basis, proof = flat
    proved = proof.verify(basis)
    assert proved.lower < math.sqrt(0.5) < proved.upper <= proof.upper
    assert (proof.claim.value, proof.claim.relation) == (proof.upper, "<=")
    assert repr(proof).endswith(" as claimed)")
    assert dataclasses.replace(proof, upper=proved.upper).verify(basis).upper == proved.upper
    with pytest.raises(CertificateError, match="proved to be at most"):
        dataclasses.replace(proof, upper=math.nextafter(proved.upper, 0)).verify(basis)
    scaled, exponents = subspace.read_basis(basis)
    _, most = subspace.attained_ratio(scaled, subspace.exact_coordinates(proof.coefficients, exponents), math.inf)
    assert dataclasses.replace(proof, lower=most).verify(basis).lower == proved.lower
    with pytest.raises(CertificateError, match="does not attain"):
        dataclasses.replace(proof, lower=math.nextafter(most, 1)).verify(basis)


def test_a_basis_of_another_shape_is_refused_when_it_is_read(flat):
    basis, proof = flat
    for other in (basis[:3], basis[:, :1]):
        with pytest.raises(CertificateError, match="for a basis of shape"):
            proof.read(other)


@pytest.mark.parametrize(
    ("upper", "q", "support"),
    [
        (0.5, math.inf, 4), (0.51, math.inf, 4), (0.49, math.inf, 5), (0.5, 4.0, 16), (0.25, 6.0, 64), (1.0, 3.0, 1),
        (0.0, 4.0, 1), (1e300, 4.0, 1),
    ],
)  # fmt: skip
def test_the_least_support_is_the_smallest_that_the_bound_allows(upper, q, support, flat):
    """The power −2q/(q − 2) of the bound, rounded up; a whole number is not rounded up to the next one."""
    assert dataclasses.replace(flat[1], upper=upper, q=q).least_support == support


@pytest.mark.parametrize(
    ("coefficients", "exponents"),
    [
        ([0.75], [-1073]), ([0.75], [1024]), ([1e-300], [-1000]), ([0.0, 2.0**-600], [1024, -1000]),
        ([-1.0, 2.0**-30], [1000, -20]), ([2.0**500, -(2.0**-500)], [-500, 500]),
    ],
)  # fmt: skip
def test_coordinates_are_exact_up_to_a_common_power_of_two(coefficients, exponents):
    found = subspace.exact_coordinates(np.array(coefficients), np.array(exponents))
    exact = [Fraction(c) * Fraction(2) ** e for c, e in zip(coefficients, exponents, strict=True)]
    (ratio,) = {Fraction(a) / b for a, b in zip(found.tolist(), exact, strict=True) if b}
    assert ratio > 0
    assert (ratio.numerator & (ratio.numerator - 1), ratio.denominator & (ratio.denominator - 1)) == (0, 0)
    assert [a == 0 for a in found.tolist()] == [b == 0 for b in exact]


def test_coordinates_of_too_many_orders_of_magnitude_are_refused():
    with pytest.raises(CertificateError, match="orders of magnitude"):
        subspace.exact_coordinates(np.array([0.75, 0.75]), np.array([600, -600]))


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


@pytest.mark.parametrize(
    ("threshold", "slack", "scale"),
    [
        (0.25, 0.0, 1.0), (-1.0, 0.5, 0.0), (1.0, 0.0, 0.0), (0.5, 1e6, 0.0), (-1e6, 0.0, 0.0), (-3.0, 0.0, 2.0),
        (3.0, 0.0, 0.0),
        (0.5, 0.0, 1e3),
    ],
)  # fmt: skip
@pytest.mark.parametrize("k", [1, 3])
def test_the_error_of_the_matrix_inequality_is_the_formula(k, threshold, slack, scale):
    """The terms of docs/theory/small_sets.md, each of which is the largest one somewhere."""
    walk = Walk.read(noisy_cube(2, 0.5))
    Y = scale * np.random.default_rng(0).standard_normal((4, k))
    _, error = expansion._dominating(walk, threshold, slack, Y)
    granted = exact_gamma(4 * 4 + 24) * (1 + abs(1 - Fraction(threshold)))
    granted += exact_gamma(k + 12) * sum(Fraction(entry) ** 2 for entry in Y.ravel().tolist())
    granted += exact_gamma(6) * (abs(Fraction(threshold)) + Fraction(slack))
    assert is_just_above(error, SAFETY * granted)


def test_the_number_of_vertices_is_that_of_the_graph():
    cube = noisy_cube(2, 0.5)
    proof = small_set_expansion(cube, 0.9).certificate
    assert proof.prove(Walk.read(cube)).upper == 0.0
    with pytest.raises(CertificateError, match="for a graph of 4 vertices, this one has 8"):
        proof.read(noisy_cube(3, 0.5))
    with pytest.raises(CertificateError, match="Walk of 4 vertices"):
        proof.prove(Walk.read(noisy_cube(3, 0.5)))


def test_the_lower_bound_of_a_subspace_is_proved():
    proof, _ = MAKE["subspace"]()
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
def test_a_matrix_that_spans_nothing_is_the_fault_of_the_certificate(factor):
    proof, _ = MAKE["subspace"]()
    norm = hn.spectral_bound(proof.matrix * factor, 4.0, kind="row_norm")
    with pytest.raises(hn.CertificateError, match="span the subspace"):
        dataclasses.replace(proof, matrix=proof.matrix * factor, norm=norm).verify(X)
