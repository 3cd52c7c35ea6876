"""Certificates and witnesses of complex operator norms: rounding against exact arithmetic, tampering, wrong data."""

import dataclasses
import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp

import hypernorm as hn
from hypernorm._complex import check_complex, real_form
from hypernorm.certificates import identified_matrix
from hypernorm.certificates.nonnegative import moduli_above
from hypernorm.certificates.two_to_q_weights import weighted_columns
from hypernorm.certificates.weights import _dominates, _dominates_exactly

INF = math.inf
RNG = np.random.default_rng(0)
A = RNG.standard_normal((4, 3)) + 1j * RNG.standard_normal((4, 3))
A[1, 2] = 0
CASES = [
    ("edge", 1, 2.5),
    ("edge", 3, INF),
    ("perron", 4, 1.5),
    ("perron", 1.5, 3),
    ("weights", INF, 1),
    ("weights", 3, 1.5),
    ("weights", 3, 4),
    ("weights", 1.5, 1.2),
    ("weights", 1.5, 3),
    ("two_to_q", 3, 4),
    ("two_to_q", 4 / 3, 1.5),
    ("interpolation", 3, 4),
]


@pytest.fixture(scope="module")
def certificates():
    return {case: hn.operator_certificate(A, *case[1:], rule=case[0], random_state=0) for case in CASES}


def attained(p, q, matrix=A):
    n = matrix.shape[1]
    rng = np.random.default_rng(1)
    vectors = np.hstack([np.eye(n), rng.standard_normal((n, 3000)) + 1j * rng.standard_normal((n, 3000))])
    vectors = np.hstack([vectors, np.exp(1j * rng.uniform(0, 7, (n, 2000)))])
    return (np.linalg.norm(matrix @ vectors, q, axis=0) / np.linalg.norm(vectors, p, axis=0)).max()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_floating_and_exact_proofs_agree_above_the_norm(case, certificates):
    certificate = certificates[case]
    assert certificate.upper >= attained(*case[1:]) * (1 - 1e-12)
    assert certificate.verify(A).upper == certificate.upper
    exact = certificate.verify(A, exact=True)
    assert exact.rigor is hn.Rigor.EXACT
    assert exact.upper == pytest.approx(certificate.upper, rel=1e-9)
    assert certificate.verify(sp.csr_array(A), exact=True).upper == pytest.approx(exact.upper, rel=1e-12)
    with pytest.raises(hn.CertificateError, match="proved to be at most"):
        dataclasses.replace(certificate, upper=certificate.upper * (1 - 1e-6)).verify(A)


def test_moduli_are_rounded_up():
    rng = np.random.default_rng(2)
    scales = 2.0 ** rng.integers(-1074, -1, (40, 12))
    z = (rng.uniform(-0.5, 0.5, (40, 12)) * scales) + 1j * (rng.uniform(-0.5, 0.5, (40, 12)) * scales[:, ::-1])
    z[::7, ::5], z[1::7, ::5], z[2::7, ::5] = 0, z[1::7, ::5].real, 1j * z[2::7, ::5].imag
    for exact in (False, True):
        above = moduli_above(z, exact=exact)
        for w, y in zip(z.ravel().tolist(), above.ravel().tolist(), strict=True):
            square = Fraction(w.real) ** 2 + Fraction(w.imag) ** 2
            assert square <= Fraction(y) ** 2
            assert (y == 0) == (square == 0)
            if abs(w) > 1e-100:
                assert Fraction(y) ** 2 <= square * (1 + Fraction(1, 2**48))
        sparse = moduli_above(sp.csr_array(z), exact=exact)
        np.testing.assert_array_equal(sparse.toarray(), above)
        np.testing.assert_array_equal(moduli_above(-z.real, exact=exact), np.abs(z.real))


def test_the_scaled_matrix_and_its_real_form():
    for matrix in (A, sp.csr_array(A)):
        scaled = identified_matrix(matrix)
        entries = scaled.entries if isinstance(scaled.entries, np.ndarray) else scaled.entries.toarray()
        assert scaled.field == "complex"
        assert np.abs(entries).max() <= 1
        np.testing.assert_array_equal(entries * 2.0**scaled.exponent, A)
        v = np.array([1 + 2j, -0.5j, 3])
        image = real_form(scaled.entries) @ np.concatenate([v.real, v.imag])
        np.testing.assert_allclose(image, np.concatenate([(entries @ v).real, (entries @ v).imag]), rtol=1e-14)
    assert identified_matrix(A).fingerprint == identified_matrix(sp.coo_array(A)).fingerprint
    np.testing.assert_array_equal(check_complex(A).entries, A)


def test_the_matrix_inequality_is_the_hermitian_one():
    a, d = np.array([1.0, 2.0, 0.5, 3.0]), np.array([1.0, 0.25, 4.0])
    least = np.linalg.eigvalsh((A / np.sqrt(d)).conj().T * a @ (A / np.sqrt(d)))[-1]
    form = real_form(A), np.tile(a, 2), np.tile(d, 2)
    for proves in (_dominates, _dominates_exactly):
        assert proves(*form, least * (1 + 1e-9))
        assert not proves(*form, least * (1 - 1e-9))


def test_losses_of_weighted_columns_cover_both_parts():
    s = np.array([0.3, 1.7, 2.0**-30])
    for exact in (False, True):
        Y, loss = weighted_columns(A, s, exact=exact)
        total = Fraction(0)
        for x, y, w in zip(A.T, Y.T, s.tolist(), strict=True):
            for a, b in zip(x.tolist(), y.tolist(), strict=True):
                for part in ("real", "imag"):
                    total += (Fraction(getattr(a, part)) * Fraction(w) - Fraction(getattr(b, part))) ** 2
        assert total <= Fraction(float(loss.upper())) ** 2 * (1 + Fraction(1, 2**40))


def tampered(certificate, rng):
    names = [field.name for field in dataclasses.fields(certificate) if field.name not in ("shape", "fingerprint")]
    name = str(rng.choice(names))
    value = getattr(certificate, name)
    if name in ("p", "q"):
        return dataclasses.replace(certificate, **{name: float(rng.choice([1, 1.2, 2, 2.5, 3, 4, INF]))})
    if name == "side":
        return dataclasses.replace(certificate, side="transpose" if value == "matrix" else "matrix")
    if name == "field":
        return dataclasses.replace(certificate, field="real")
    if isinstance(value, float):
        return dataclasses.replace(certificate, **{name: value * float(rng.choice([0.5, 1 - 1e-8, 0, 1.5]))})
    if isinstance(value, np.ndarray):
        return dataclasses.replace(certificate, **{name: value * np.exp(rng.standard_normal(value.shape))})
    if name == "shares":
        return dataclasses.replace(certificate, shares=tuple(float(rng.random()) for _ in value))
    if name == "norms":
        return dataclasses.replace(certificate, norms=tuple(tampered(norm, rng) for norm in value))
    if name == "norm":
        inner = value.norm
        if hasattr(inner, "values"):
            inner = dataclasses.replace(inner, values=tuple(x * float(rng.choice([1, 0.999])) for x in inner.values))
        entry = int(rng.integers(3))
        return dataclasses.replace(certificate, norm=dataclasses.replace(value, norm=inner, real_entry=entry))
    return certificate


def test_no_tampered_certificate_proves_less_than_a_vector_attains(certificates):
    rng = np.random.default_rng(3)
    best, outcomes = {}, {"refused": 0, "true": 0}
    honest = list(certificates.values())
    for number in range(300):
        forged = tampered(honest[number % len(honest)], rng)
        if number % 2:
            forged = dataclasses.replace(forged, upper=1e300)
        try:
            found = forged.verify(A, exact=number % 10 == 0)
        except hn.HypernormError:
            outcomes["refused"] += 1
            continue
        key = forged.p, forged.q
        if key not in best:
            best[key] = attained(*key)
        assert found.upper >= best[key] * (1 - 1e-12)
        outcomes["true"] += 1
    assert min(outcomes.values()) > 20


def test_real_and_complex_claims_are_not_mixed_up(certificates):
    edge = certificates["edge", 1, 2.5]
    with pytest.raises(hn.InvalidInputError, match="complex numbers"):
        dataclasses.replace(edge, field="real").verify(A)
    with pytest.raises(hn.CertificateError, match="another matrix"):
        edge.verify(A.conj())
    with pytest.raises(hn.CertificateError):
        edge.verify(A.real)
    with pytest.raises(hn.CertificateError, match="field"):
        dataclasses.replace(edge, field="quaternion").verify(A)
    H = np.array([[1.0, 1.0], [1.0, -1.0]])  # over complex vectors the norm is 2√2
    signs = hn.operator_certificate(H, INF, 1, rule="enumeration")
    zero = hn.operator_certificate(H + 0j, INF, 1, random_state=0)
    forged = dataclasses.replace(signs, field="complex", fingerprint=zero.fingerprint)
    with pytest.raises(hn.CertificateError, match="real vectors only"):
        forged.verify(H + 0j)
    assert zero.verify(H).upper >= 8**0.5 * (1 - 1e-12)  # the same numbers of another type
    two = certificates["two_to_q", 3, 4]
    real = hn.operator_certificate(A.real, 3, 4, rule="two_to_q", random_state=0)
    for first, second in ((two, real), (real, two)):
        with pytest.raises(hn.CertificateError, match="if and only if"):
            dataclasses.replace(first, norm=second.norm).verify(A)


@pytest.mark.parametrize(("p", "q"), [(1.5, 3), (INF, 1), (1, INF), (4, 2.5)])
def test_witnesses_enclose_the_value_of_their_vector(p, q):
    v = np.array([1 + 2j, -3j, 0.25])
    witness = hn.OperatorWitness.from_vector(A, v, p, q)
    true = np.linalg.norm(A @ v, q) / np.linalg.norm(v, p)
    for data in (A, sp.csr_array(A)):
        for exact in (False, True):
            found = witness.verify(data, exact=exact)
            assert true * (1 - 1e-13) <= found.lower <= true * (1 + 1e-14)
    assert witness.field == "complex"
    for value in (witness.value * (1 + 1e-9), witness.value * 2):
        with pytest.raises(hn.CertificateError):
            dataclasses.replace(witness, value=value).verify(A)
    with pytest.raises(hn.HypernormError):
        dataclasses.replace(witness, vector=witness.vector.real.copy()).verify(A)
    with pytest.raises(hn.CertificateError, match="zero"):
        dataclasses.replace(witness, vector=0 * witness.vector).verify(A)
