"""Certificates of operator norms: rounding terms against exact arithmetic, and tampered certificates of every rule."""

import dataclasses
import itertools
import math
from fractions import Fraction

import flint
import numpy as np
import pytest
import scipy.linalg
import scipy.sparse as sp

import hypernorm as hn
from hypernorm.bounds import RULES
from hypernorm.certificates import (
    InterpolationCertificate,
    PerronCertificate,
    TwoToQCertificate,
    WeightsCertificate,
    enumeration,
    precision,
)
from hypernorm.certificates.enumeration import sign_sums
from hypernorm.certificates.exponents import conjugate, norm_change, norm_of_balls
from hypernorm.certificates.nonnegative import (
    column_norms,
    largest_column_norm,
    power_above,
    products_above,
    simple_fraction,
)
from hypernorm.certificates.perron import _weighted_above
from hypernorm.certificates.rounding import upper_float
from hypernorm.certificates.two_to_q_weights import weighted_columns
from hypernorm.certificates.weights import _dominates, _dominates_exactly, _exact_squares, _weighted_squares

INF = math.inf
RNG = np.random.default_rng(0)
A = RNG.standard_normal((5, 4))
A[1, 2] = 0
# One pair of exponents, or two where a rule has two formulas.
CASES = [
    ("edge", 1, 2.5),
    ("edge", 3, INF),
    ("perron", 4, 1.5),
    ("perron", INF, 3),
    ("perron", 1.5, 3),
    ("weights", 3, 1.5),
    ("weights", INF, 1),
    ("weights", 3, 4),
    ("weights", 1.5, 1.2),
    ("weights", 1.5, 3),
    ("two_to_q", 3, 4),
    ("two_to_q", 1.2, 4),
    ("two_to_q", 1.2, 1.5),
    ("interpolation", 3, 4),
    ("interpolation", 1.2, 3),
    ("enumeration", INF, 1),
    ("enumeration", INF, 2.5),
    ("enumeration", 1.5, 1),
]


def make(rule, p, q, matrix=A):
    return hn.operator_certificate(matrix, p, q, rule=rule, random_state=0)


@pytest.fixture(scope="module")
def certificates():
    return {case: make(*case) for case in CASES}


def attained(matrix, p, q):
    n = matrix.shape[1]
    rng = np.random.default_rng(1)
    vectors = np.hstack([np.eye(n), rng.standard_normal((n, 3000)), np.sign(rng.standard_normal((n, 100)))])
    return (np.linalg.norm(matrix @ vectors, q, axis=0) / np.linalg.norm(vectors, p, axis=0)).max()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_floating_and_exact_proofs_agree_above_the_norm(case, certificates):
    certificate = certificates[case]
    found = certificate.verify(A)
    assert found.upper == certificate.upper
    assert found.upper >= attained(A, *case[1:]) * (1 - 1e-12)
    exact = certificate.verify(A, exact=True)
    assert exact.rigor is hn.Rigor.EXACT
    assert exact.upper == pytest.approx(found.upper, rel=1e-9)
    assert exact.upper <= found.upper * (1 + 1e-13)
    sparse = certificate.verify(sp.csr_array(A))
    assert sparse.upper == pytest.approx(found.upper, rel=1e-12)
    if case[0] != "two_to_q":  # its inner certificate is for the scale of the matrix
        scaled = make(*case, A * 2.0**-500)
        assert scaled.upper == pytest.approx(found.upper * 2.0**-500, rel=1e-6)


def test_an_exact_enumeration_counts_in_integers():
    for matrix, value in ((np.array([[1, 1], [1, -1]]), 2), (A, None)):
        certificate = make("enumeration", INF, 1, matrix)
        exact = certificate.verify(matrix, exact=True).upper
        signs = np.array(np.meshgrid(*[[-1, 1]] * matrix.shape[1])).reshape(matrix.shape[1], -1)
        true = np.abs(matrix @ signs).sum(axis=0).max() if value is None else value
        assert true * (1 - 1e-14) <= exact <= true * (1 + 1e-10)


@pytest.mark.parametrize("q", [1, 1.1, 4 / 3, math.e, 2, 3, 7.5, 1000, 1e6])
def test_enumerations_are_exact_for_every_exponent(q):
    rng = np.random.default_rng(2)
    for m, n in ((5, 7), (1, 6), (7, 1), (3, 3)):
        for matrix in (rng.standard_normal((m, n)) * 1e-150, rng.integers(-2, 3, (m, n)) + np.eye(m, n)):
            signs = np.array(list(itertools.product([-1, 1], repeat=n))).T
            images = np.abs(matrix @ signs)
            largest = np.maximum(images.max(axis=0), 1e-300)
            true = (largest * np.linalg.norm(images / largest, q, axis=0)).max()
            certificate = make("enumeration", INF, q, matrix)
            assert true * (1 - 1e-13) <= certificate.upper <= true * (1 + 1e-9)
            assert certificate.verify(matrix, exact=True).upper == certificate.upper
            if q > 1:
                dual = make("enumeration", q / (q - 1), 1, matrix.T)
                assert dual.upper == pytest.approx(certificate.upper, rel=1e-6)


def test_ties_of_an_enumeration_keep_a_bound(monkeypatch):
    """Where many vectors nearly attain the norm, what the table of powers proves is the bound."""
    matrix = np.random.default_rng(3).standard_normal((4, 9))
    exact = make("enumeration", INF, 3, matrix).upper
    monkeypatch.setattr(enumeration, "_STEPS", 5)
    monkeypatch.setattr(enumeration, "_LEAST_STEPS", 4)
    assert make("enumeration", INF, 3, matrix).upper == pytest.approx(exact, rel=1e-13)
    monkeypatch.setattr(enumeration, "_MOST_NORMS", 1)
    assert exact < make("enumeration", INF, 3, matrix).upper < 1.2 * exact
    hadamard = scipy.linalg.hadamard(8)  # a row attains the norm, and so do other vectors with the same magnitudes
    assert 8 <= make("enumeration", INF, 4, hadamard).upper < 8.5


def tampered(certificate, rng):
    """A copy with a stronger claim, other exponents or other arrays."""
    names = [field.name for field in dataclasses.fields(certificate) if field.name not in ("shape", "fingerprint")]
    name = str(rng.choice(names))
    value = getattr(certificate, name)
    if name in ("p", "q"):
        return dataclasses.replace(certificate, **{name: float(rng.choice([1, 1.2, 2, 2.5, 3, 4, 40, INF]))})
    if name == "side":
        return dataclasses.replace(certificate, side="transpose" if value == "matrix" else "matrix")
    if isinstance(value, float):
        return dataclasses.replace(certificate, **{name: value * float(rng.choice([0.5, 0.999999, 1 - 1e-8, 0, 1.5]))})
    if isinstance(value, np.ndarray):
        changed = value * np.exp(rng.standard_normal(value.shape) * rng.choice([1e-9, 1e-3, 1, 50]))
        return dataclasses.replace(certificate, **{name: changed})
    if name == "shares":
        return dataclasses.replace(certificate, shares=tuple(float(rng.random()) for _ in value))
    if name == "norms":
        changed = tuple(tampered(norm, rng) if rng.random() < 0.5 else norm for norm in value)
        return dataclasses.replace(certificate, norms=changed[:: int(rng.choice([1, -1]))])
    if name == "norm" and hasattr(value, "values"):
        smaller = tuple(number * float(rng.choice([1, 0.9, 0.99999])) for number in value.values)
        return dataclasses.replace(certificate, norm=dataclasses.replace(value, values=smaller))
    return certificate


@pytest.mark.parametrize("rule", RULES)
def test_no_tampered_certificate_proves_less_than_a_vector_attains(rule, certificates):
    rng = np.random.default_rng(7)
    honest = [certificate for case, certificate in certificates.items() if case[0] == rule]
    best = {}
    outcomes = {"refused": 0, "true": 0}
    for number in range(120):
        forged = tampered(honest[number % len(honest)], rng)
        # With a large claim only the proof decides.
        if number % 2:
            forged = dataclasses.replace(forged, upper=1e300)
        try:
            found = forged.verify(A, exact=number % 5 == 0)
        except hn.HypernormError:
            outcomes["refused"] += 1
            continue
        key = forged.p, forged.q
        best.setdefault(key, attained(A, *key))
        assert found.upper >= best[key] * (1 - 1e-12)
        outcomes["true"] += 1
    assert min(outcomes.values()) > 5


def test_a_claim_below_the_proof_is_refused(certificates):
    for certificate in certificates.values():
        with pytest.raises(hn.CertificateError, match="proved to be at most"):
            dataclasses.replace(certificate, upper=certificate.upper * (1 - 1e-6)).verify(A)


def test_a_value_of_weights_just_below_the_least_is_refused(certificates):
    for case, certificate in certificates.items():
        if case[0] == "weights":
            for exact in (False, True):
                with pytest.raises(hn.CertificateError, match="matrix inequality does not hold"):
                    dataclasses.replace(certificate, value=certificate.value * (1 - 1e-7)).verify(A, exact=exact)


def test_arrays_out_of_range_are_refused(certificates):
    bad = [0.0, -1.0, 2.0**-301, 2.0**301, math.nan]
    names = {"perron": "vector", "weights": "row_weights", "two_to_q": "weights"}
    for case, certificate in certificates.items():
        name = names.get(case[0])
        if name is None or getattr(certificate, name) is None:
            continue
        for value in bad:
            changed = getattr(certificate, name).copy()
            changed[0] = value
            with pytest.raises(hn.CertificateError):
                dataclasses.replace(certificate, **{name: changed}).verify(A)


@pytest.mark.parametrize("exponent", [0.5, -INF, math.nan, 2e6, 1e300, 2, "2"])
def test_exponents_out_of_range_are_refused(exponent, certificates):
    for certificate in (*certificates.values(), hn.lower_bound(A, 3, p=1.5, random_state=0)):
        for name in ("p", "q"):
            with pytest.raises(hn.CertificateError, match=name):
                dataclasses.replace(certificate, **{name: exponent}).verify(A)


def test_rules_are_refused_where_they_do_not_apply(certificates):
    ones = {"vector": np.ones(4), "upper": 1e300}
    plain = certificates["edge", 1, 2.5]
    shared = {name: getattr(plain, name) for name in ("shape", "fingerprint", "field", "side")}
    for p, q in ((3, INF), (1.5, INF)):
        with pytest.raises(hn.CertificateError, match="does not apply"):
            PerronCertificate(**shared, **ones, p=float(p), q=float(q)).verify(A)
    for p, q in ((1, 3), (3, INF), (1.5, 1.5)):
        weights = {"value": 1e6, "row_weights": np.ones(5), "column_weights": np.ones(4), "upper": 1e300}
        with pytest.raises(hn.CertificateError, match="does not apply"):
            WeightsCertificate(**shared, **weights, p=float(p), q=float(q)).verify(A)
    with pytest.raises(hn.CertificateError, match="does not apply"):
        dataclasses.replace(plain, p=2.0).verify(A)
    wide = np.ones((2, 25))
    other = dataclasses.replace(make("enumeration", INF, 1, wide), side="matrix")
    with pytest.raises(hn.CertificateError, match="more than 24 columns"):
        other.verify(wide)


def test_a_norm_for_a_larger_exponent_costs_a_factor():
    """‖·‖_4 is smaller than ‖·‖_3: a certificate for it must not pass as one for 3."""
    certificate = make("two_to_q", 3, 4, np.ones((64, 2)))
    forged = dataclasses.replace(certificate, q=3.0, upper=1e300)
    assert forged.verify(np.ones((64, 2))).upper >= 64 ** (1 / 3) * 2 ** (2 / 3) * (1 - 1e-12)
    infinite = hn.spectral_bound(np.full((64, 2), 0.5), INF, kind="row_norm")
    forged = dataclasses.replace(certificate, weights=None, norm=infinite, upper=1e300)
    assert forged.verify(np.ones((64, 2))).upper >= 64 ** (1 / 4) * 2 ** (2 / 3) * (1 - 1e-12)


def test_interpolation_between_real_norms_is_refused_or_right(certificates):
    """Over real vectors the norm of a Hadamard matrix is not log-convex: an enumeration may not be interpolated."""
    H = np.array([[1.0, 1.0], [1.0, -1.0]])
    certificate = make("interpolation", 3, 4, H)
    with pytest.raises(hn.CertificateError, match="must be of type"):
        dataclasses.replace(certificate, norms=(make("enumeration", INF, 1, H),), shares=()).verify(H)
    with pytest.raises(hn.CertificateError, match="another matrix"):
        dataclasses.replace(certificate, norms=(make("edge", 1, 2),), shares=()).verify(H)
    with pytest.raises(hn.CertificateError, match="more than 1"):
        dataclasses.replace(certificates["interpolation", 1.2, 3], shares=(0.6, 0.6)).verify(A)
    # A point elsewhere costs the largest ratio of the norms.
    edge = make("edge", 1, 1)
    moved = InterpolationCertificate(
        p=3.0,
        q=1.5,
        shape=edge.shape,
        fingerprint=edge.fingerprint,
        field="real",
        side="matrix",
        upper=1e300,
        norms=(edge,),
        shares=(),
    )
    assert moved.verify(A).upper == pytest.approx(edge.upper * 4 ** (2 / 3), rel=1e-12)
    assert moved.verify(A).upper >= attained(A, 3, 1.5)


def test_inner_certificates_of_another_shape_are_refused(certificates):
    certificate = certificates["two_to_q", 3, 4]
    other = hn.spectral_bound(A[:3], 4, kind="row_norm")
    with pytest.raises(hn.CertificateError, match="is for the shape"):
        dataclasses.replace(certificate, norm=other).verify(A)
    with pytest.raises(hn.CertificateError, match="more than there are"):
        dataclasses.replace(certificate, norm=hn.spectral_bound(np.ones((9, 4)), 4, kind="row_norm")).verify(A)
    assert isinstance(certificate, TwoToQCertificate)


def exact_power(x, power):
    """A ball of 300 bits around the power of a float."""
    found, flint.ctx.prec = flint.ctx.prec, 300
    try:
        return flint.arb(x) ** flint.arb(flint.fmpq(power.numerator, power.denominator))
    finally:
        flint.ctx.prec = found


@pytest.mark.parametrize("power", [Fraction(4, 3), Fraction(2), Fraction(13, 11), Fraction(40), Fraction(6, 5)])
def test_powers_are_upper_bounds(power):
    x = np.concatenate([RNG.random(50), [1.0, 2.0**-20, 2.0**-700, 5e-324, 1 - 2.0**-53]])
    found = power_above(x, power)
    for value, bound in zip(x.tolist(), found.tolist(), strict=True):
        true = exact_power(value, power)
        assert flint.arb(bound) >= true
        assert flint.arb(bound) <= true * (1 + 2.0**-42) + 2.0**-60


def test_untrusted_powers_are_noticed(monkeypatch):
    monkeypatch.setattr(np, "power", lambda x, y: x**y * (1 - 1e-9))
    with pytest.raises(hn.CertificateError, match="inaccurate"):
        power_above(np.array([0.5]), Fraction(4, 3))


@pytest.mark.parametrize("r", [1.0, 1.2, 4 / 3, 1.7320508, 2.0, 3.7, 4.0, 61.3, INF])
def test_norms_of_columns_are_upper_bounds(r):
    exponent = INF if r == INF else Fraction(r)
    entries = RNG.standard_normal((30, 7)) * 2.0 ** RNG.integers(-40, 1, (30, 7)) / 8
    entries[RNG.random((30, 7)) < 0.3] = 0
    with precision():
        exact = [norm_of_balls((flint.arb(abs(x)) for x in column if x), exponent) for column in entries.T.tolist()]
        for matrix in (entries, sp.csr_array(entries)):
            for ball, true in zip(column_norms(matrix, exponent, exact=False), exact, strict=True):
                assert upper_float(ball) >= float(true.lower())
                assert upper_float(ball) <= float(true.upper()) * (1 + 1e-11)
            largest = upper_float(largest_column_norm(matrix, exponent, exact=False))
            assert max(float(true.lower()) for true in exact) <= largest
            assert largest <= max(float(true.upper()) for true in exact) * (1 + 1e-11)


def test_products_are_upper_bounds():
    B, x = np.abs(RNG.standard_normal((20, 30))) / 8, RNG.random(30) + 1e-300
    B[0], B[1] = 5e-324, 2.0**-700
    with precision():
        exact = products_above(B, x, exact=True)
        for matrix in (B, sp.csr_array(B)):
            found = products_above(matrix, x, exact=False)
            for row, bound, tight in zip(B, found, exact, strict=True):
                true = sum(
                    (Fraction(a) * Fraction(b) for a, b in zip(row.tolist(), x.tolist(), strict=True)), Fraction(0)
                )
                assert true <= Fraction(float(tight)) <= Fraction(float(bound)) * (1 + Fraction(1, 10**15))
                assert Fraction(float(bound)) <= true * (1 + Fraction(1, 10**13)) + Fraction(2) ** -999


def test_weighted_columns_and_squares_include_their_rounding():
    s = np.exp(RNG.standard_normal(4))
    with precision():
        for matrix in (A, sp.csr_array(A)):
            Y, loss = weighted_columns(matrix, s, exact=False)
            Y = Y if isinstance(Y, np.ndarray) else Y.toarray()
            errors = [
                Fraction(x) * Fraction(w) - Fraction(y)
                for row, image in zip(A.tolist(), Y.tolist(), strict=True)
                for x, w, y in zip(row, s.tolist(), image, strict=True)
            ]
            square = sum((error**2 for error in errors), Fraction(0))
            _, tight = weighted_columns(matrix, s, exact=True)
            assert square <= Fraction(upper_float(tight)) ** 2
            assert upper_float(tight) <= upper_float(loss)
            for bound, true in zip(_weighted_squares(matrix, s), _exact_squares(matrix, s), strict=True):
                assert upper_float(bound) >= float(true.lower())
                assert upper_float(bound) <= float(true.upper()) * (1 + 1e-13)


def test_the_matrix_inequality_at_its_limit():
    """‖Diag(a)^{1/2} B Diag(d)^{−1/2}‖² is known for a rank-one B; values just above and below it are told apart."""
    a, d = np.array([4.0, 1.0]) ** RNG.integers(-40, 40), np.array([9.0, 0.25, 2.0**-80])
    x, y = np.array([0.5, 0.25]), np.array([0.5, 0.5, 2.0**-40])
    B = np.outer(x, y)
    least = float((a @ x**2) * (y**2 / d).sum())
    for proves in (_dominates, _dominates_exactly):
        assert proves(B, a, d, least * (1 + 1e-9))
        assert not proves(B, a, d, least * (1 - 1e-12))
        assert not proves(B, a, d, 0.0)
    assert _dominates(sp.csr_array(B), a, d, least * (1 + 1e-9))
    assert not _dominates(sp.csr_array(B), a, d, least * (1 - 1e-12))


def test_signs_are_enumerated_once():
    for shape in ((3, 1), (2, 5), (1 << 18, 4)):
        entries = np.arange(float(shape[0] * shape[1])).reshape(shape)[:, ::-1] % 7
        images = np.concatenate(list(sign_sums(entries)))
        assert images.shape == (2 ** (shape[1] - 1), shape[0])
        if shape[0] < 10:
            signs = np.array(np.meshgrid(*[[-1, 1]] * (shape[1] - 1), [1])).reshape(shape[1], -1)
            assert sorted(map(tuple, images.tolist())) == sorted(map(tuple, (entries @ signs).T.tolist()))


def test_exponents():
    assert conjugate(Fraction(4, 3)) == 4
    assert simple_fraction(Fraction(4 / 3)) == Fraction(4, 3)
    assert simple_fraction(Fraction(math.pi)) is None
    assert simple_fraction(Fraction(41)) is None
    with precision():
        assert norm_change(Fraction(1, 3), Fraction(1, 2), 64).contains(flint.arb(2))
        assert norm_change(Fraction(1, 2), Fraction(1, 3), 64) == 1


def test_witnesses_attain_what_they_claim():
    witness = hn.lower_bound(A, 3, p=1.5, random_state=0)
    value = np.linalg.norm(A @ witness.vector, 3) / np.linalg.norm(witness.vector, 1.5)
    assert witness.value == pytest.approx(value, rel=1e-13)
    assert witness.verify(A, exact=True).lower == pytest.approx(value, rel=1e-14)
    with pytest.raises(hn.CertificateError, match="attains"):
        dataclasses.replace(witness, value=witness.value * (1 + 1e-12)).verify(A)
    with pytest.raises(hn.CertificateError, match="broken"):
        dataclasses.replace(witness, vector=np.zeros(4)).verify(A)
    for p, q in ((INF, 1), (1, INF), (1.2, 3)):
        found = hn.OperatorWitness.from_vector(np.eye(4) * 1e-300, [1, 1, 1, 1], p, q)
        assert found.value == pytest.approx(1e-300 * 4 ** (1 / q - 1 / p), rel=1e-12)


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(("p", "q"), [(1 + 1023.5 / 299, 6.0), (1e5, 1e6), (1e6, 1e5)])
def test_powers_of_large_products_do_not_overflow(exact, p, q):
    B = np.array([[0.5]])
    certificate = hn.operator_certificate(B, p, q, rule="perron")
    large = dataclasses.replace(certificate, side="matrix", vector=np.array([2.0**300]), upper=1.0)
    assert 0.5 <= large.verify(B, exact=exact).upper < 0.5 + 1e-9


@pytest.mark.parametrize("exact", [False, True])
def test_weighted_magnitudes_are_above_the_exact_products(exact):
    B = np.abs(A) / 4
    B[0, 0] = 2.0**-1060
    factors = np.array([1.0, 1 / 3, 2.0**-40, 2.0**-1070, 0.7])
    with precision():
        dense = _weighted_above(B, factors, exact=exact)
        sparse = _weighted_above(sp.csr_array(B), factors, exact=exact).toarray()
    np.testing.assert_array_equal(dense, sparse)
    for (i, j), above in np.ndenumerate(dense):
        product = Fraction(B[i, j]) * Fraction(factors[i])
        assert product <= Fraction(above) <= product * (1 + Fraction(1, 2**50)) + Fraction(1, 2**1000)
        assert (above == 0) == (product == 0)
