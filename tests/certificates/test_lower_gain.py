"""Certificates and witnesses of smallest gains, against exact arithmetic and attained values."""

import dataclasses
import math
from fractions import Fraction

import numpy as np
import pytest

import hypernorm as hn
from hypernorm._validation import check_matrix, check_rows
from hypernorm.certificates import GainWitness, LowerGainCertificate, floating, lower_gain
from hypernorm.certificates.rounding import SAFETY, TINY, UNIT, rational
from hypernorm.certificates.witness import attained_interval
from hypernorm.forms import MonomialBasis, Rows
from tests.oracles.exact import U, above, exact_gamma, fractions, is_just_above, norm, product
from tests.oracles.gram_matrices import identity_gram, spread_gram

GAUSSIAN = np.random.default_rng(0).standard_normal((20, 4))


class Catch:
    """In the place of a function: keeps what it is called with and answers yes."""

    def __init__(self, monkeypatch, name):
        self.calls = []
        monkeypatch.setattr(lower_gain, name, self)

    def __call__(self, *arguments):
        self.calls.append(arguments)
        return True


def certificate_of(X, value, H=None, q=4.0, form=None):
    rows = Rows.identified(check_rows(X))
    return LowerGainCertificate(
        form=form or ("second" if H is None else "sos"),
        q=q,
        shape=rows.shape,
        fingerprint=rows.fingerprint,
        exponent=rows.exponent,
        value=float(value),
        matrices=(H,),
    )


def proves(proof, X, exact=False):
    """What is proved; None if the proof fails."""
    rows = proof.read(X)
    if not proof._proves(rows, exact):
        with pytest.raises(hn.CertificateError, match="is not proved"):
            proof.verify(X, exact=exact)
        return None
    return proof.verify(X, exact=exact).lower


def test_both_arithmetics_prove_the_same():
    rng = np.random.default_rng(1)
    for trial in range(12):
        n, d = int(rng.integers(8, 16)), int(rng.integers(1, 4))
        X = rng.standard_normal((max(n, d), d)) * 10.0 ** rng.uniform(-5, 5)
        found = hn.smallest_gain(X, (4, 6, 8)[trial % 3], method=("auto", "spectral")[trial % 2], random_state=0)
        for proof, end in ((found.certificate, "lower"), (found.witness, "upper")):
            floating, exact = getattr(proof.verify(X), end), getattr(proof.verify(X, exact=True), end)
            assert exact == pytest.approx(floating, rel=1e-12)
            assert proof.verify(X, exact=True).rigor is hn.Rigor.EXACT
        assert found.certificate.verify(X, exact=True).lower <= found.witness.verify(X, exact=True).upper


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("q", [4, 6, 8])
def test_the_limits_are_those_of_the_eigenvalues(q, exact):
    half, X = q // 2, GAUSSIAN[:, :2]
    rows = Rows(check_matrix(X))
    scaled = rows.block(0, 20)
    least = np.linalg.eigvalsh(scaled.T @ scaled)[0] ** half / 20.0 ** (half - 1)
    assert proves(certificate_of(X, least * (1 - 1e-12), q=float(q)), X, exact)
    assert proves(certificate_of(X, least * (1 + 1e-12), q=float(q)), X, exact) is None
    H = spread_gram(rows, q, half)
    G = H / np.sqrt(np.outer(*2 * [MonomialBasis(2, half).multiplicities]))
    least = float(np.linalg.eigvalsh(G)[0])
    assert least > 0
    # The coefficients of this Gram matrix come from a system of equations.
    assert proves(certificate_of(X, least * (1 - 1e-9), H, float(q)), X, exact)
    assert proves(certificate_of(X, least * (1 + 1e-9), H, float(q)), X, exact) is None


def test_what_a_gram_matrix_leaves_over_is_subtracted():
    X = np.eye(2)
    scale = 2.0 ** (-4 * Rows(X).exponent)
    H = scale * identity_gram(2, 2) + scale * np.array([[0.0, 0.0, -0.5], [0.0, 1.0, 0.0], [-0.5, 0.0, 0.0]])
    # v_1⁴ + v_2⁴ ≥ 1/2, with the Gram matrix ((1, −1/2), (−1/2, 1)) of the squares.
    for exact in (False, True):
        assert proves(certificate_of(X, scale * 0.4999999, H), X, exact)
        assert proves(certificate_of(X, scale * 0.5000001, H), X, exact) is None
    moved = H.copy()
    moved[0, 0] += 0.1 * scale
    for exact in (False, True):
        assert proves(certificate_of(X, scale * 0.4999, moved), X, exact) is None  # the rest counts against it
        assert proves(certificate_of(X, scale * 0.399, moved), X, exact)


@pytest.mark.parametrize("order", [4, 6, 8])
def test_the_mean_over_the_rows_is_rounded_up(order, monkeypatch):
    caught = Catch(monkeypatch, "_proves_second")
    X = np.vstack([GAUSSIAN[:7], np.zeros((5, 4))])
    value, half = 0.123456789, order // 2
    assert proves(certificate_of(X, value, q=float(order)), X) > 0
    _, least = caught.calls[-1]
    # Only the seven rows that are not zero count.
    assert Fraction(least) ** half >= Fraction(value) * 7 ** (half - 1)
    assert (Fraction(least) * (1 - Fraction(4, 2**53))) ** half < Fraction(value) * 7 ** (half - 1)


def test_errors_of_the_second_moments(monkeypatch):
    caught = Catch(monkeypatch, "_is_above")
    rows = Rows(check_matrix(GAUSSIAN))
    assert lower_gain._proves_second(rows, 0.25)
    ((moments, least, error),) = caught.calls
    X = rows.block(0, 20)
    assert least == 0.25
    assert is_just_above(error, exact_gamma(20 + 2 + 4) * norm(X) ** 2)
    assert norm(fractions(moments) - product(X.T, X)) <= Fraction(error)


@pytest.mark.parametrize("m", [2, 3])
def test_errors_of_a_gram_matrix(m, monkeypatch):
    """For the identity all coefficients are exact: what is added to λ is the error term alone."""
    caught = Catch(monkeypatch, "_is_above")
    d, rows = 3, Rows(check_matrix(np.eye(3)))
    scale = 2.0 ** (-4 * rows.exponent)
    H = scale * identity_gram(d, m)
    assert lower_gain._proves_sos(rows, 1e-10, H, 4)
    ((G, least, error),) = caught.calls
    weights = MonomialBasis(d, m).multiplicities.astype(float)
    np.testing.assert_allclose(G, H / weights[:, None], rtol=1e-15)
    terms = math.comb(2 * m, m) + (m - 2) * (d + 1) + 20
    granted = exact_gamma(d + 1 + 4 + 8) * sum(norm(row) ** 4 for row in rows.block(0, d))
    granted += exact_gamma(terms) * (Fraction(scale) * norm(np.ones(d)) + norm(G))
    assert is_just_above(Fraction(least) - Fraction(1e-10), Fraction(SAFETY) * granted)
    assert is_just_above(error, 8 * U * norm(G))


@pytest.mark.parametrize("size", [1.0, 2.0**-60, 3e11])
@pytest.mark.parametrize("error", [0.0, 1e-15, 0.25])
def test_the_comparison_pays_for_its_own_rounding(size, error, monkeypatch):
    caught = Catch(monkeypatch, "is_proved_positive_definite")
    A = size * (np.diag([3.0, 5.0, 0.7]) + 0.1)
    least = 0.3 * size
    assert lower_gain._is_above(A, least, error * size)
    ((matrix, slack),) = caught.calls
    assert 0.5 <= np.abs(matrix).max() < 1
    scale = Fraction(float(matrix[0, 1])) / Fraction(float(A[0, 1]))  # a power of two
    exact = scale * (fractions(A) - Fraction(least) * fractions(np.eye(3)))
    rounding = 2 * U * (scale * norm(A) + norm(np.diagonal(matrix)))
    assert is_just_above(slack, Fraction(SAFETY) * (scale * Fraction(error * size) + rounding) + Fraction(TINY))
    assert norm(fractions(matrix) - exact) <= Fraction(slack) - scale * Fraction(error * size)


def test_numbers_that_are_too_small_or_too_large_prove_nothing():
    assert not lower_gain._is_above(np.eye(2) * 2.0**-102, 0.0, 0.0)
    assert lower_gain._is_above(np.eye(2) * 2.0**-100, 2.0**-103, 0.0)
    for bad in (1e308, 1e160, np.finfo(float).max):
        H = np.full((10, 10), bad)
        for exact in (False, True):
            with np.errstate(all="ignore"):
                assert proves(certificate_of(GAUSSIAN, 1e-3, H), GAUSSIAN, exact) is None
    assert proves(certificate_of(GAUSSIAN, 1e308), GAUSSIAN) is None
    assert proves(certificate_of(GAUSSIAN, 1e308), GAUSSIAN, exact=True) is None


def test_zero_needs_no_proof():
    for X in (GAUSSIAN, np.zeros((3, 2)), np.ones((2, 5))):
        for exact in (False, True):
            assert certificate_of(X, 0.0).verify(X, exact=exact).lower == 0
    assert proves(certificate_of(np.zeros((3, 2)), 1e-300), np.zeros((3, 2))) is None
    assert proves(certificate_of(np.ones((2, 5)), 1e-10), np.ones((2, 5))) is None


@pytest.mark.parametrize("scale", [2.0**-1060, 1e-300, 1e-150, 1e150, 1e307])
def test_scales(scale):
    X = np.array([[1.0, 0.5], [0.25, -1.0], [0.5, 0.5]]) * scale
    found = hn.smallest_gain(X, random_state=0)
    for exact in (False, True):
        lower, upper = found.certificate.verify(X, exact=exact).lower, found.witness.verify(X, exact=exact).upper
        assert 0 < lower <= upper
    # The exact fourth power of what the witness attains.
    entries, v = fractions(X), fractions(found.witness.vector)
    attained = sum(value**4 for value in entries @ v) / sum(entry**2 for entry in v) ** 2
    assert Fraction(found.lower) ** 4 <= attained <= Fraction(found.upper) ** 4


@pytest.mark.parametrize("tiny", [0.0, 1e-300])
def test_what_scaling_may_move_is_known(tiny, monkeypatch):
    """Entries far below the longest row lose bits when the rows are scaled."""
    caught = []
    monkeypatch.setattr(LowerGainCertificate, "_combined", lambda self, moved: caught.append(moved) or 0.0)
    X = np.vstack([np.eye(2) * 1e20, np.zeros((3, 2))])
    X[4, 1] = tiny
    assert certificate_of(X, 0.0).verify(X).lower == 0
    (moved,) = caught
    assert Rows(X).inexact == (tiny > 0)
    granted = Fraction(1, 2**1074) * norm(np.ones(10)) if tiny else Fraction(0)
    assert is_just_above(above(moved), granted)


@pytest.mark.parametrize("moved", [0.0, 0.25, 3.0])
@pytest.mark.parametrize("q", [4.0, 6.0, 8.0])
def test_what_scaling_moved_is_subtracted(moved, q):
    proof = certificate_of(GAUSSIAN * 64, 1e-3, q=q)
    found = proof._combined(rational(moved))
    exact = max(1e-3 ** (1 / q) - moved, 0.0) * 2.0**proof.exponent
    assert found == pytest.approx(exact, rel=1e-14)
    # Rounded down: λ ≥ (2^−e lower + moved)^q.
    assert (Fraction(found) / Fraction(2) ** proof.exponent + Fraction(moved)) ** int(q) <= max(
        Fraction(1e-3), Fraction(moved) ** int(q)
    )


def test_each_arithmetic_has_its_own_proof(monkeypatch):
    for value, H in ((1e-3, None), (1e-3, spread_gram(Rows(GAUSSIAN), 4, 2))):
        proof = certificate_of(GAUSSIAN, value, H)
        assert proof.verify(GAUSSIAN).rigor is hn.Rigor.FLOATING_POINT
        assert proof.verify(GAUSSIAN, exact=True).rigor is hn.Rigor.EXACT
        name = "_proves_second" if H is None else "_proves_sos"
        for wrong, exact in ((name, True), (f"{name}_exactly", False)):
            with monkeypatch.context() as patched:
                patched.setattr(lower_gain, wrong, None)
                assert proof.verify(GAUSSIAN, exact=exact).lower > 0
                with pytest.raises(TypeError):
                    proof.verify(GAUSSIAN, exact=not exact)


def test_the_sum_is_rounded_up(monkeypatch):
    caught = Catch(monkeypatch, "_is_above")
    monkeypatch.setattr(floating, "gamma", lambda m: 0.0)
    rows = Rows(np.eye(2))
    assert lower_gain._proves_sos(rows, 1.0, identity_gram(2, 2) * 2.0 ** (-4 * rows.exponent), 4)
    assert caught.calls[0][1] == 1 + 2 * UNIT


def test_inexact_rows():
    X = np.array([[1.0, 5e-324], [0.0, 0.5]]) * np.array([[2.0**40], [2.0**40]]) + np.array([[0.0, 5e-324], [0.0, 0.0]])
    proof = hn.smallest_gain(X, random_state=0).certificate
    assert Rows(check_matrix(X)).inexact
    moved = Fraction(1, 2**1074) * Fraction(2) ** proof.exponent
    assert proof.verify(X).lower <= proof.lower
    assert proof.verify(X).lower >= proof.lower * (1 - 4 * UNIT) - 2 * float(moved)


def test_tampered_certificates_prove_nothing_above_the_witness():
    """Five hundred of them, for sums of squares and least singular values."""
    rng, tried, proved = np.random.default_rng(2), 0, 0
    while tried < 500:
        d = int(rng.integers(2, 4))
        X = rng.standard_normal((3 * d, d)) * 10.0 ** rng.uniform(-3, 3)
        found = hn.smallest_gain(X, method=str(rng.choice(["sos", "spectral"])), random_state=0)
        for _ in range(50):
            proof = tampered(found.certificate, rng)
            tried += 1
            try:
                lower = proof.verify(X, exact=bool(rng.random() < 0.2)).lower
            except hn.CertificateError:
                continue
            proved += 1
            assert lower <= found.upper
    assert 50 < proved < 450


def tampered(proof, rng):
    way = int(rng.integers(6))
    if way == 0:
        return dataclasses.replace(proof, value=proof.value * float(rng.choice([1 + 1e-9, 1.5, 16.0, 1e30, 0.9])))
    if way == 1:
        return dataclasses.replace(proof, exponent=proof.exponent + int(rng.choice([-1, 1, 40])))
    if way == 2:
        other = "second" if proof.form == "sos" else "sos"
        side = proof.shape[1] * (proof.shape[1] + 1) // 2
        matrix = np.eye(side) * proof.value * 4 if other == "sos" else None
        return dataclasses.replace(proof, form=other, matrices=(matrix,), value=proof.value * rng.choice([0.5, 2.0]))
    if proof.form == "second":
        return dataclasses.replace(proof, value=proof.value * float(rng.uniform(0.5, 1.5)))
    H = proof.matrices[0].copy()
    if way == 3:
        H *= float(rng.choice([1 + 1e-6, 1.2, 0.5, -1.0, 1e200, 1e-200]))
    elif way == 4:
        i, j = rng.integers(len(H), size=2)
        H[i, j] = H[j, i] = H[i, j] + float(rng.choice([1e-9, 0.1, -0.1, 1e308]))
    else:
        H += np.eye(len(H)) * float(rng.choice([1e-9, 0.1, 1.0]))
    return dataclasses.replace(proof, matrices=(H,), value=proof.value * float(rng.choice([1.0, 0.99, 1.01])))


@pytest.mark.parametrize(
    "change",
    [
        {"q": 5.0},
        {"q": 4},
        {"q": math.inf},
        {"q": 2.0},
        {"value": -1.0},
        {"value": math.nan},
        {"value": math.inf},
        {"form": "moment"},
        {"matrices": (None,)},
        {"matrices": ()},
        {"matrices": (np.eye(3),)},
        {"matrices": (np.triu(np.ones((10, 10))),)},
        {"fingerprint": "0"},
        {"exponent": 5000},
    ],
)
def test_fields_out_of_range_are_refused(change):
    proof = hn.smallest_gain(GAUSSIAN, random_state=0).certificate
    assert proof.form == "sos"
    with pytest.raises(hn.CertificateError) as caught:
        dataclasses.replace(proof, **change).verify(GAUSSIAN)
    assert "\n" not in str(caught.value)


def test_other_rows_are_refused():
    proof = hn.smallest_gain(GAUSSIAN, random_state=0).certificate
    with pytest.raises(hn.CertificateError, match="fingerprint"):
        proof.verify(GAUSSIAN * (1 + 2.0**-50))
    with pytest.raises(hn.CertificateError, match="scale"):
        proof.prove(Rows(GAUSSIAN * 4))
    with pytest.raises(hn.CertificateError, match="reweighted"):
        proof.prove(Rows(GAUSSIAN).reweighted(np.full(20, 2.0)))


class TestWitness:
    def test_the_value_is_an_upper_bound(self):
        rng = np.random.default_rng(3)
        for trial in range(30):
            X, v = rng.standard_normal((6, 3)) * 10.0 ** rng.uniform(-9, 9), rng.standard_normal(3)
            q = float(rng.choice([1.0, 2.0, 4.0, 6.0]))
            witness = GainWitness.from_vector(X, v, q)
            entries, u = fractions(X), fractions(witness.vector)
            attained = sum(abs(value) ** int(q) for value in entries @ u) ** 2
            length = sum(entry**2 for entry in u) ** int(q)
            for value in (witness.value, witness.verify(X, exact=trial % 2 == 0).upper):
                assert attained <= Fraction(value) ** (2 * int(q)) * length
                assert value == pytest.approx(np.linalg.norm(X @ v, q) / np.linalg.norm(v), rel=1e-12)

    def test_it_is_made_and_proved_in_floating_point(self):
        v = np.array([0.7, -0.3, 0.2, 0.9])
        witness, rows = GainWitness.from_vector(GAUSSIAN, v), Rows(check_matrix(GAUSSIAN))
        assert witness.value == attained_interval(rows, v, 4.0)[1] != attained_interval(rows, v, 4.0, exact=True)[1]
        assert witness.verify(GAUSSIAN).rigor is hn.Rigor.FLOATING_POINT
        assert witness.verify(GAUSSIAN, exact=True).rigor is hn.Rigor.EXACT

    def test_a_claim_below_the_truth_is_refused(self):
        witness = GainWitness.from_vector(GAUSSIAN, np.ones(4))
        for exact in (False, True):
            with pytest.raises(hn.CertificateError, match="attains"):
                dataclasses.replace(witness, value=witness.value * (1 - 1e-9)).verify(GAUSSIAN, exact=exact)
            weak = dataclasses.replace(witness, value=2 * witness.value)
            assert weak.verify(GAUSSIAN, exact=exact).upper == pytest.approx(witness.value, rel=1e-12)
        with pytest.raises(hn.CertificateError, match="finite and not zero"):
            dataclasses.replace(witness, vector=np.zeros(4)).verify(GAUSSIAN)

    def test_it_says_that_it_is_an_upper_bound(self):
        witness = GainWitness.from_vector(np.eye(4), np.ones(4))
        assert witness.claim.is_upper
        assert witness.quantity == "min ||Xv||_4/||v||"
        assert repr(witness) == "GainWitness(q=4, shape=(4, 4), upper=0.707106781187 as claimed)"
        assert isinstance(witness.verify(np.eye(4)), hn.VerifiedBound)
        assert GainWitness.from_vector(np.zeros((3, 2)), [1, 0]).verify(np.zeros((3, 2)), exact=True).upper == 0
