"""How the parts of a certificate or witness are put together, against fractions and numbers known in closed form."""

import dataclasses
import math
from fractions import Fraction

import flint
import numpy as np
import pytest

import hypernorm as hn
from hypernorm._validation import check_matrix
from hypernorm.bounds.propose import Search, propose
from hypernorm.certificates import attained_value, witness
from hypernorm.certificates import norm as module
from hypernorm.certificates.plan import plan
from hypernorm.certificates.rounding import TINY, UNIT, precision
from hypernorm.exceptions import CertificateError, InvalidInputError
from hypernorm.forms import Rows
from tests.oracles.exact import SAFETY, U, above, exact_gamma, fractions, is_just_above, norm, product, root

TINIEST = Fraction(1, 2**1074)


def claim(kind, q, values, radius=1.0, exponent=0):
    """A certificate without its matrices, and the factors of its plan."""
    shape, matrices = (3, 2), (None,) * len(values)
    return module.NormCertificate(
        kind=kind, q=q, shape=shape, fingerprint="0" * 64, exponent=exponent, radius=radius, values=values,
        matrices=matrices,
    )  # fmt: skip


def combined(claim, losses, moved=0):
    with precision():
        return claim._combined(plan(claim.kind, claim.q), [flint.arb(loss) for loss in losses], flint.arb(moved))


@pytest.mark.parametrize(
    ("kind", "q", "values", "exact"),
    [
        ("row_norm", math.inf, (16.0,), 4.0),
        ("row_norm", 2.0, (16.0,), 4.0),
        ("row_norm", 4.0, (16.0,), 2.0),  # (λ^1/2)^(2/4)
        ("flattening", 4.0, (16.0,), 2.0),
        ("realigned", 4.0, (256.0,), 2.0),
        ("flattening", 8.0, (2.0**16,), 4.0),  # (λ^1/4)^(4/8)
        ("moment", 6.0, (64.0,), 2.0),
        ("moment", 5.0, (16.0, 64.0), 2.0),  # orders 4 and 6, half of each: 2^(2/5) 2^(3/5)
        ("flattening", 3.0, (64.0, 16.0), 4 ** (1 / 3)),  # orders 2 and 4, half of each: 8^(1/3) · 2^(2/3), below
    ],
)
def test_roots_and_powers_are_those_of_the_plan(kind, q, values, exact):
    if q == 3.0:
        exact = (8.0 * 2.0**2) ** (1 / 3)
    found = combined(claim(kind, q, values), [0.0] * len(values))
    assert exact * (1 - 1e-15) <= found <= exact * (1 + 1e-14)


@pytest.mark.parametrize("radius", [1.0, 4.0, 0.25])
@pytest.mark.parametrize(("kind", "q"), [("row_norm", 6.0), ("row_norm", 3.5), ("realigned", 5.0), ("flattening", 3.0)])
def test_the_radius_is_put_back(kind, q, radius):
    """Weights are powers of ‖x_i‖/radius: the product of the bounds is multiplied by R^(Σ t_j a_j)."""
    power = sum(factor.share * factor.weight for factor in plan(kind, q))
    values = (1.0,) * len(plan(kind, q))
    found = combined(claim(kind, q, values, radius), [0.0] * len(values))
    assert found == pytest.approx(radius ** (float(power) / q), rel=1e-14)


@pytest.mark.parametrize("exponent", [-3, 0, 5])
@pytest.mark.parametrize("moved", [0.0, 0.5])
@pytest.mark.parametrize("loss", [0.0, 0.25])
def test_losses_are_added_to_the_root_and_what_moved_to_the_product(exponent, moved, loss):
    for kind, q, value, exact in [
        ("row_norm", math.inf, 4.0, 2 + loss),
        ("row_norm", 2.0, 4.0, 2 + loss),
        ("flattening", 4.0, 16.0, 2 + loss),
        ("flattening", 8.0, 16.0, math.sqrt(2 + loss)),
    ]:
        found = combined(claim(kind, q, (value,), exponent=exponent), [loss], moved)
        assert found == pytest.approx((exact + moved) * 2.0**exponent, rel=1e-14)
        assert Fraction(found) > Fraction(exact + moved) * Fraction(2) ** exponent or kind == "flattening"


def test_nothing_proved_of_a_form_that_vanishes():
    assert combined(claim("row_norm", 4.0, (0.0,)), [0.0]) == 0.0
    assert combined(claim("row_norm", 2.0, (0.0,)), [0.0], 0.5) >= 0.5
    assert claim("row_norm", 2.0, (4.0,))._combined(plan("row_norm", 2.0), [flint.arb(0)]) == math.nextafter(2.0, 3)


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("shape", [(3, 2), (2, 5)])
def test_what_the_scaling_moved_is_handed_on(shape, exact, monkeypatch):
    caught = []
    catch = lambda self, factors, losses, moved: caught.append((losses, moved)) or 1.0  # noqa: E731
    monkeypatch.setattr(module.NormCertificate, "_combined", catch)
    for small, inexact in ((1.0, False), (3 * 2.0**-1074, True)):
        X = np.zeros(shape)
        X[0, 0], X[1, 1] = 2.0**10, small
        rows = Rows(check_matrix(X))
        propose(rows, 6.0, "row_norm", Search()).certificate.prove(rows, exact=exact)
        losses, moved = caught.pop()
        assert len(losses) == 1
        assert losses[0].is_zero() is exact
        granted = TINIEST * root(shape[0] * shape[1])
        assert is_just_above(above(moved), granted) if inexact else moved.is_zero()


@pytest.mark.parametrize("exact", [False, True])
def test_the_radius_is_within_its_window(exact):
    X = np.array([[1.0, 0.0], [0.25, 0.25]])
    certificate = hn.spectral_bound(X, 4.0, "flattening")
    wide = dataclasses.replace(certificate, values=(certificate.values[0] * 1.1,))
    for factor in (1 - 0.99e-6, 1 + 0.99e-6):
        dataclasses.replace(wide, radius=certificate.radius * factor).verify(X, exact=exact)
    for factor in (1 - 1.01e-6, 1 + 1.01e-6, 1 - 1.9e-6, 1 + 1.9e-6, -1.0, 0.5, 2.0):
        with pytest.raises(CertificateError, match="radius"):
            dataclasses.replace(wide, radius=certificate.radius * factor).verify(X, exact=exact)


@pytest.mark.parametrize("kind", ["row_norm", "flattening", "moment"])
def test_matrices_are_where_the_form_has_one(kind):
    X = np.eye(3)
    certificate = hn.spectral_bound(X, 4.0, kind)
    for matrices in ((None,), (np.eye(3),), (np.eye(2),), (), (None, None)):
        fits = (matrices[0] is not None) == (kind == "flattening") if len(matrices) == 1 else False
        if fits and (matrices[0] is None or len(matrices[0]) == 3):
            dataclasses.replace(certificate, matrices=matrices).verify(X)
        else:
            with pytest.raises(CertificateError, match="matri"):
                dataclasses.replace(certificate, matrices=matrices).verify(X)


@pytest.mark.parametrize("d", [1, 3, 6])
def test_values_of_a_vector_are_enclosed_with_their_rounding(d):
    """A row that is orthogonal to the vector shows the error alone."""
    X = np.zeros((4, d))
    X[0, 0], X[1, -1], X[3, 0] = 1.0, 0.5, 2.0**-40
    v = np.zeros(d)
    v[0] = 0.75
    rows = Rows(check_matrix(X))
    below, above_ = (list(map(float, part)) for part in witness._rounded_values(rows, v))
    assert len(above_) == 4
    size = Fraction(0.75) * SAFETY
    for row, found in zip(fractions(rows.block(0, 4)), above_, strict=True):
        error = exact_gamma(d + 2) * size * norm(row) * SAFETY + Fraction(TINY)
        granted = (abs(row[0] * Fraction(0.75)) + error) * (1 + 4 * U)
        assert is_just_above(found, granted, Fraction(1, 10**9) if row[0] == 0 else 2 * U)
    assert len(below) == (3 if d == 1 else 2)  # zero is not among the bounds from below
    for found, row in zip(below, [x for x in fractions(rows.block(0, 4)) if x[0] > 0], strict=False):
        error = exact_gamma(d + 2) * size * norm(row) * SAFETY
        assert is_just_above(found, (row[0] * Fraction(0.75) - error) * (1 - 4 * U), 2 * U)


def test_the_roundings_of_the_ends_are_granted(monkeypatch):
    monkeypatch.setattr(witness, "gamma", lambda m: 0.0)
    rows = Rows(check_matrix(np.array([[1.0], [-1.0]])))
    below, above_ = (list(map(float, part)) for part in witness._rounded_values(rows, np.array([2.0])))
    assert below == [1 - 4 * UNIT] * 2
    assert above_ == [1 + 4 * UNIT] * 2


def attained_exactly(X, v, q):
    """(‖Xv‖_q / ‖v‖)^q for an even q, or its square for infinity."""
    image = product(X, v)
    length = sum(x**2 for x in fractions(v))
    return max(abs(image)) ** 2 / length if math.isinf(q) else sum(image**q) / length ** (q // 2)


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("q", [2, 4, 6, math.inf])
@pytest.mark.parametrize("scale", [2.0**-500, 1.0, 2.0**500])
def test_both_ends_enclose_the_exact_value(q, scale, exact):
    rng = np.random.default_rng(2)
    for X, v in [
        (rng.standard_normal((5, 3)), rng.standard_normal(3)),
        (rng.standard_normal((1, 30)), rng.standard_normal(30)),
        (np.array([[0.7]]), np.array([-0.3])),
        (np.array([[3.0, 4.0], [0.0, 0.0]]), np.array([0.01, 0.0])),
        (np.array([[3.0, 4.0], [4.0, -3.0]]), np.array([3e10, 4e10])),
    ]:
        below, above_ = witness.attained_interval(Rows(check_matrix(X * scale)), v, float(q), exact=exact)
        power = 2 if math.isinf(q) else q
        value = attained_exactly(X, v, q) * Fraction(scale) ** power
        assert Fraction(below) ** power < value < Fraction(above_) ** power
        tight = 4 * U if exact else 4 * U + 2 * exact_gamma(X.shape[1] + 2) * SAFETY**2 * 30
        assert Fraction(above_) <= Fraction(below) * (1 + tight)
        assert attained_value(Rows(check_matrix(X * scale)), v, float(q), exact=exact) == below


@pytest.mark.parametrize("q", [1.0, 1.5, 2.5])
@pytest.mark.parametrize("exact", [False, True])
def test_exponents_that_are_no_integers(q, exact):
    X, v = np.array([[3.0, 4.0], [-16.0, 0.0], [0.0, 0.0]]), np.array([1.0, 0.0])
    below, above_ = witness.attained_interval(Rows(check_matrix(X)), v, q, exact=exact)
    assert below < (3.0**q + 16.0**q) ** (1 / q) < above_ or above_ - below < 1e-13
    assert below == pytest.approx((3.0**q + 16.0**q) ** (1 / q), rel=1e-14)
    assert above_ == pytest.approx((3.0**q + 16.0**q) ** (1 / q), rel=1e-14)


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("shape", [(2, 2), (5, 2), (2, 7)])
def test_entries_that_the_scaling_moved_are_paid_for(shape, exact):
    """A vector that sees nothing but an entry near the end of the range: n·d of its units are granted."""
    X = np.zeros(shape)
    X[0, 0], X[1, 1] = 2.0**100, 1000.5 * 2.0**-974
    v = np.eye(shape[1])[1]
    rows = Rows(check_matrix(X))
    assert rows.inexact
    below, above_ = witness.attained_interval(rows, v, 4.0, exact=exact)
    unit = 2.0 ** (-1074 + rows.exponent)
    stored = rows.block(1, 2)[0, 1] / 2.0**-1074
    nd = shape[0] * shape[1]
    if exact:
        assert (below / unit, above_ / unit) == pytest.approx((stored - nd, stored + nd), rel=1e-12)
    assert below < 1000.5 * 2.0**-974 < above_
    small = X.copy()
    small[1, 1] = 1.5 * 2.0**-974
    below, above_ = witness.attained_interval(Rows(check_matrix(small)), v, 4.0, exact=exact)
    assert below < 1.5 * 2.0**-974 < above_


@pytest.mark.parametrize("n", [1, 4095, 4096, 4097, 8193])
def test_all_blocks_of_rows_count(n):
    X = np.ones((n, 1))
    for exact in (False, True):
        assert attained_value(Rows(check_matrix(X)), np.ones(1), 1.0, exact=exact) == pytest.approx(n, rel=1e-13)


@pytest.mark.parametrize("entry", [5e-324, 1e-300, 0.05, 0.1, 0.15, 1.0, 1.5, 2.0, 1e300, -1.0, -1e-300, -1e300])
def test_vectors_of_any_size_attain_the_same(entry):
    X = np.array([[1.0, 2.0], [3.0, 4.0]])
    vector = np.array([entry, 0.0])
    largest = np.abs(witness._scaled(vector)).max()
    assert 0.1 < largest <= 1
    assert witness._scaled(np.array([0.15])) == 0.15
    assert witness._scaled(np.array([1.0, 0.2]))[0] == 1.0
    for exact in (False, True):
        assert attained_value(Rows(check_matrix(X)), vector, 2.0, exact=exact) == pytest.approx(10**0.5, rel=1e-15)


def test_the_claimed_value_may_be_as_large_as_the_upper_end():
    X = np.array([[1.0, 2.0], [3.0, 4.0]])
    found = hn.Witness.from_vector(X, [1.0, 1.0], 3)
    above_ = witness.attained_interval(Rows(check_matrix(X)), found.vector, 3.0)[1]
    dataclasses.replace(found, value=above_).verify(X)
    dataclasses.replace(found, value=0.0).verify(X)
    for exact, rigor in ((False, hn.Rigor.FLOATING_POINT), (True, hn.Rigor.EXACT)):
        assert found.verify(X, exact=exact).rigor is rigor
    with pytest.raises(CertificateError, match="claims"):
        dataclasses.replace(found, value=math.nextafter(above_, math.inf)).verify(X)
    for name, value in [("q", math.nextafter(1, 0)), ("q", math.nan), ("value", -5e-324), ("value", math.inf)]:
        with pytest.raises(CertificateError, match=f"The certificate's {name} must be"):
            dataclasses.replace(found, **{name: value}).verify(X)
    with pytest.raises(CertificateError, match="broken: q must be at most"):
        dataclasses.replace(found, q=math.nextafter(1e6, 2e6)).verify(X)
    for q in (1.0, 1.5, 1e6, math.inf):
        assert hn.Witness.from_vector(X, [1.0, 1.0], q).verify(X).lower > 0
    for q in (math.nextafter(1, 0), 0.5, 0, math.nan):
        with pytest.raises(InvalidInputError, match="q must be"):
            hn.Witness.from_vector(X, [1.0, 1.0], q)
    assert hn.Witness.from_vector(X, [1.0, 1.0]).q == 4
    assert not found.vector.flags.writeable


@pytest.mark.parametrize("exact", [False, True])
def test_a_witness_says_in_which_arithmetic_it_was_proved(exact):
    witness = hn.lower_bound(np.eye(3), random_state=0)
    assert witness.verify(np.eye(3), exact=exact).rigor is (hn.Rigor.EXACT if exact else hn.Rigor.FLOATING_POINT)
