"""Certificates of operator norms: their proofs in both arithmetics, and tampered certificates of every rule."""

import dataclasses
import itertools
import math

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
)

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
