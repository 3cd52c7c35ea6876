"""Proofs about complex matrices: the theorem, each rounding term, and forged certificates."""

import dataclasses
import math
from fractions import Fraction

import flint
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import hypernorm as hn
from hypernorm._complex import above_one_another, check_complex
from hypernorm.certificates import ComplexNormCertificate, ComplexRows, ComplexWitness
from hypernorm.certificates.complex_rows import _Angle, complex_factor
from hypernorm.certificates.complex_witness import _rounded_squares
from hypernorm.certificates.rounding import SAFETY, gamma, precision
from hypernorm.forms import Rows, fingerprint


def gaussian(seed, n, d):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) + 1j * rng.standard_normal((n, d))


def exact_value(ball):
    """The rational number in the middle of a ball, which is far more precise than what is tested."""
    mantissa, exponent = ball.mid().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def turned(a, b, k, parts, scale=0):
    """cos θ a + sin θ b times 2**-scale, up to 2**-250."""
    found = flint.ctx.prec
    try:
        flint.ctx.prec = 300
        angle = flint.fmpq(k, parts)
        c, s = exact_value(flint.arb.cos_pi_fmpq(angle)), exact_value(flint.arb.sin_pi_fmpq(angle))
    finally:
        flint.ctx.prec = found
    return (c * Fraction(a) + s * Fraction(b)) / Fraction(2) ** scale


def rounding_of(A, rows, real_entry, parts):
    """‖E‖_F² in rational arithmetic."""
    n, d = A.shape
    Y = rows.matrix if isinstance(rows.matrix, np.ndarray) else rows.matrix.toarray()
    total = Fraction(0)
    for k in range(parts):
        for i in range(n):
            pairs = [(z.real, z.imag) for z in A[i].tolist()] + [(-z.imag, z.real) for z in A[i].tolist()]
            del pairs[d + real_entry]
            for j, (a, b) in enumerate(pairs):
                total += (Fraction(Y[k * n + i, j]) - turned(a, b, k, parts, rows.exponent)) ** 2
    return total


@given(
    st.complex_numbers(max_magnitude=1e3, allow_nan=False),
    st.sampled_from([2, 4, 6, 8]),
)
@settings(max_examples=50, deadline=None, derandomize=True)
def test_powers_of_a_modulus_are_sums_of_real_powers(z, q):
    parts = q // 2 + 1
    with precision():
        total = sum(
            (
                (
                    flint.arb(z.real) * flint.arb.cos_pi_fmpq(flint.fmpq(k, parts))
                    + flint.arb(z.imag) * flint.arb.sin_pi_fmpq(flint.fmpq(k, parts))
                )
                ** q
                for k in range(parts)
            ),
            flint.arb(0),
        )
        expected = (flint.arb(z.real) ** 2 + flint.arb(z.imag) ** 2) ** (q // 2)
        assert (complex_factor(float(q), parts) ** q * total).overlaps(expected)


def test_constants():
    with precision():
        for q, fraction in {2.0: (1, 1), 4.0: (8, 9), 6.0: (4, 5), 8.0: (128, 175)}.items():
            constant = complex_factor(q, int(q) // 2 + 1) ** int(q)
            assert constant.overlaps(flint.arb(flint.fmpq(*fraction)))
        assert complex_factor(math.inf, 1) == 1


def test_rounded_cosines_are_within_two_units():
    with precision():
        for parts in (2, 3, 4, 5):
            for k in range(parts):
                angle = _Angle(k, parts)
                exact = flint.arb.cos_pi_fmpq(flint.fmpq(k, parts)), flint.arb.sin_pi_fmpq(flint.fmpq(k, parts))
                for near, value in zip((angle.cosine, angle.sine), exact, strict=True):
                    assert not abs(value - near) > abs(value) * 2.0**-52
                assert angle.is_exact == (k == 0 or 2 * k == parts)


@pytest.mark.parametrize("q", [2.0, 4.0, 6.0, 8.0])
@pytest.mark.parametrize("scale", [1.0, 2.0**900, 2.0**-1040, 1e-3])
@pytest.mark.parametrize("make", [np.asarray, sp.csr_array])
def test_the_rounding_of_rows_is_bounded(q, scale, make):
    A = gaussian(int(q), 3, 2) * scale
    rows = ComplexRows(check_complex(make(A)), q, 1)
    square = rounding_of(A, rows, 1, int(q) // 2 + 1)
    with precision():
        bound, exact = exact_value(rows._error.upper()), exact_value(rows._exact_error.upper())
    assert square <= exact**2 * (1 + Fraction(1, 2**60)) + Fraction(1, 2**200)
    assert exact <= bound + Fraction(1, 2**110)
    if q == 2:
        assert square == 0 == bound
    else:
        assert bound**2 <= 10000 * square


@pytest.mark.parametrize(
    "A", [[[2.0**-300 + 1j]], [[1 + 2.0**-300 * 1j]], [[-8 + 1j]], [[1j]] * 70, gaussian(8, 70, 1)]
)
@pytest.mark.parametrize("q", [4.0, 6.0, 8.0])
def test_each_block_and_each_part_counts(A, q):
    A = np.array(A, dtype=complex)
    rows = ComplexRows(check_complex(A), q, 0)
    size = max(np.abs(A.real).max(), np.abs(A.imag).max())
    assert 0.5 <= size / 2.0**rows.exponent < 1
    square = rounding_of(A, rows, 0, int(q) // 2 + 1)
    rounded = {4.0: 2, 6.0: 2, 8.0: 4}[q]
    granted = SAFETY * gamma(4) * float(np.linalg.norm(A)) / 2.0**rows.exponent * (2 * rounded) ** 0.5
    with precision():
        bound, exact = exact_value(rows._error.upper()), exact_value(rows._exact_error.upper())
        assert square <= exact**2
        assert exact < bound
        assert float(bound) == pytest.approx(granted, rel=1e-9)


def test_bounds_with_their_errors():
    A = gaussian(9, 4, 2) * 8
    rows = ComplexRows(check_complex(A), 4.0, 0)
    with precision():
        factor = complex_factor(4.0, 3) * 2**rows.exponent
        for exact in (False, True):
            error = rows._exact_error if exact else rows._error
            above = rows.above(3.0, exact=exact)
            assert math.nextafter(above, 0) <= float(((3 + error) * factor).upper()) <= above
            assert not flint.arb(above) < (3 + error) * factor
        assert rows.above(3.0, exact=True) < rows.above(3.0)
        assert not flint.arb(rows.below(3.0)) > (3 - rows._error) * factor
        assert rows.below(3.0) > float((3 - 2 * rows._error) * factor)
    assert rows.above(math.inf) == math.inf
    assert rows.above(0.0) > 0


def test_rows_of_real_numbers_are_the_matrix():
    X = np.random.default_rng(10).standard_normal((3, 2)) * 100
    for q in (2.0, 2.5, 7.0, math.inf):
        rows = ComplexRows(check_complex(X + 0j), q, 0)
        assert rows.exponent == 0
        np.testing.assert_array_equal(rows.matrix, X)
        for exact in (False, True):
            assert 3.0 <= rows.above(3.0, exact=exact) <= 3.0 + 2.0**-50
            assert rows.above(0.0, exact=exact) == 0
    with pytest.raises(hn.CertificateError, match="q = 1"):
        ComplexRows(check_complex(X), 1.5, 0)


@pytest.mark.parametrize("part", [1, 1j])
def test_entries_that_scaling_moves_are_part_of_the_error(part):
    A = np.array([[1 + 1j, 3 * part * 2.0**-1074], [part * 2.0**-1074, 1]]) * np.array([[2.0**10], [1]])
    for q in (2.0, 4.0):
        rows = ComplexRows(check_complex(A), q, 0)
        square = rounding_of(A, rows, 0, int(q) // 2 + 1)
        assert square > 0
        with precision():
            assert rows._error > 0
            assert square <= exact_value(rows._error.upper()) ** 2
            assert square <= exact_value(rows._exact_error.upper()) ** 2


def test_rows_and_vectors():
    A = gaussian(0, 4, 3)
    rows = ComplexRows(check_complex(A), 4.0, 1)
    V = gaussian(1, 3, 5)
    W = rows.lowered(V)
    scale = 2.0**rows.exponent * (8 / 9) ** 0.25
    np.testing.assert_allclose(np.linalg.norm(rows.matrix @ W, 4, axis=0) * scale, np.linalg.norm(A @ V, 4, axis=0))
    for w in W.T:
        lifted = rows.lifted(w)
        assert lifted[1].imag == 0
        np.testing.assert_allclose(np.linalg.norm(A @ lifted, 4), np.linalg.norm(rows.matrix @ w, 4) * scale)
    assert rows.lowered(np.zeros((3, 1))).tolist() == [[0.0]] * 5
    assert rows.below(1.0) < scale < rows.above(1.0) < rows.below(1.0) * (1 + 1e-14)


@pytest.mark.parametrize("q", [1.0, 1.5, 2.0, 3.0, 4.0, 7.5, math.inf])
@pytest.mark.parametrize("scale", [1.0, 1e-200, 2.0**-1060, 1e300])
def test_a_witness_encloses_its_value(q, scale):
    A = gaussian(2, 5, 3) * scale
    A[3] = 0
    v = gaussian(3, 1, 3)[0]
    witness = ComplexWitness.from_vector(A, v, q)
    exact = witness.verify(A, exact=True)
    assert exact.rigor is hn.Rigor.EXACT
    assert witness.value <= exact.lower * (1 + 1e-15)
    small = A / scale if scale > 2.0**-1060 else np.ldexp(A.view(float), 1060).view(complex)
    attained = np.linalg.norm(small @ v, q) / np.linalg.norm(v)
    assert exact.lower / scale == pytest.approx(attained, rel=1e-13 if scale > 2.0**-1060 else 1e-3)
    assert witness.value == pytest.approx(exact.lower, rel=1e-12)
    for factor in (2.0**100, 2.0**-1000, 1j, -3):
        again = ComplexWitness.from_vector(A, v * factor, q)
        assert again.value == pytest.approx(witness.value, rel=1e-12)
    higher = dataclasses.replace(witness, value=max(witness.value * (1 + 1e-12), witness.value + 2.0**-1070))
    for arithmetic in (False, True):
        with pytest.raises(hn.CertificateError, match="attains"):
            higher.verify(A, exact=arithmetic)


@pytest.mark.parametrize("d", [1, 2, 7])
def test_each_computed_entry_is_enclosed(d):
    """A product of inner length 2d may err by γ_{2d} times the lengths; a bit more is granted, and nothing less."""
    A, v = gaussian(d, 5, d), gaussian(11, 1, d)[0]
    rows, w = Rows(above_one_another(check_complex(A).real_pair)), np.concatenate([v.real, v.imag])
    image = [Fraction(abs(entry)) for entry in rows.images(w).tolist()]
    length = Fraction(float(np.linalg.norm(w)))
    lengths = [Fraction(norm) for norm in rows.norms.tolist()]
    with precision():
        below, above = ([exact_value(square) for square in squares] for squares in _rounded_squares(rows, w))
    for i in range(5):
        needed, granted = (
            [Fraction(gamma(count)) * length * lengths[k] for k in (i, 5 + i)] for count in (2 * d + 1, 2 * d + 3)
        )
        pairs = [image[i], image[5 + i]]
        assert below[i] <= sum(max(value - error, 0) ** 2 for value, error in zip(pairs, needed, strict=True))
        assert below[i] >= sum(max(value - 2 * error, 0) ** 2 for value, error in zip(pairs, granted, strict=True))
        assert above[i] >= sum((value + error) ** 2 for value, error in zip(pairs, needed, strict=True))
        assert above[i] <= sum((value + 2 * error) ** 2 for value, error in zip(pairs, granted, strict=True))


def test_entries_that_vanish_are_part_of_the_value():
    """Beside 2**1000 an entry below 2**-74 is rounded, here upwards by 1/7 of its value, or to zero."""
    for entry in (1.75 * 2.0**-73, 3 * 2.0**-1000):
        A = np.array([[2.0**1000 * 1j, entry], [0, 0]])
        for q in (2.0, 4.0, math.inf):
            witness = ComplexWitness.from_vector(A, [0, 1], q)
            true = dataclasses.replace(witness, value=entry)
            assert witness.value < entry
            for exact in (False, True):
                assert true.verify(A, exact=exact).lower < entry


def test_many_rows_are_read_block_by_block():
    A = gaussian(12, 4500, 1)
    witness = ComplexWitness.from_vector(A, [-5], 4)
    proved, exact = (witness.verify(A, exact=exact) for exact in (False, True))
    assert (proved.rigor, exact.rigor) == (hn.Rigor.FLOATING_POINT, hn.Rigor.EXACT)
    assert witness.value == proved.lower <= exact.lower
    assert exact.lower == pytest.approx(np.linalg.norm(A[:, 0], 4), rel=1e-13)
    assert not witness.claim.is_upper
    assert not witness.vector.flags.writeable
    assert witness.q == ComplexWitness.from_vector(A, [1j]).q


@pytest.mark.parametrize(
    "change", [{"vector": np.zeros(2, dtype=complex)}, {"q": 0.5}, {"q": 2e6}, {"vector": np.ones(2)}, {"value": -1.0}]
)
def test_broken_witnesses(change):
    honest = ComplexWitness.from_vector(np.eye(2) * 1j, [1, 0])
    with pytest.raises(hn.CertificateError):
        dataclasses.replace(honest, **change).verify(np.eye(2) * 1j)
    with pytest.raises(hn.InvalidInputError, match="q must"):
        ComplexWitness.from_vector(np.eye(2), [1, 0], 0.5)


@pytest.mark.parametrize("vector", [[0, 0], [1, np.inf], [1, np.nan], [1, 2, 3], [[1, 2]], ["a", "b"]])
def test_vectors_that_are_no_witness(vector):
    with pytest.raises(hn.InvalidInputError, match="vector must"):
        ComplexWitness.from_vector(np.eye(2) + 0j, vector)


@pytest.fixture(scope="module", params=[2.0, 4.0, 6.0, math.inf])
def proof(request):
    A = gaussian(4, 5, 3)
    interval = hn.two_to_q_norm(A, request.param, random_state=0)
    return A, interval


def test_it_is_for_one_matrix(proof):
    A, interval = proof
    other = np.array(A)
    other[0, 0] = other[0, 0].conj()
    for certificate in (interval.certificate, interval.witness):
        for data in (A.conj(), other, A.real, A[:, ::-1], np.vstack([A.real, A.imag]), A[:4], A.T, 2 * A):
            with pytest.raises(hn.CertificateError, match="another matrix"):
                certificate.verify(data)
        assert certificate.fingerprint == fingerprint(np.vstack([A.real, A.imag]))
        with pytest.raises(hn.InvalidInputError):
            certificate.verify(A * np.nan)
    inner = interval.certificate.norm
    with pytest.raises(hn.InvalidInputError, match="complex"):
        inner.verify(A)


def test_floating_and_exact_proofs_agree(proof):
    A, interval = proof
    proved, exact = (interval.certificate.verify(A, exact=exact) for exact in (False, True))
    assert proved.upper == interval.upper
    assert interval.lower <= exact.upper <= proved.upper * (1 + 1e-15)
    assert exact.upper == pytest.approx(proved.upper, rel=1e-12)
    assert interval.certificate.upper == pytest.approx(proved.upper, rel=1e-12)


def test_forged_fields_prove_nothing_false(proof):
    A, interval = proof
    honest = interval.certificate
    others = [
        hn.two_to_q_norm(B, 4, random_state=0).certificate for B in (0.5 * A, A.real + 0j, gaussian(5, 4, 3), A.T)
    ]
    real = hn.two_to_q_norm(np.vstack([A.real, A.imag]), 4, random_state=0).certificate
    narrow = hn.two_to_q_norm(A.real, 4, random_state=0).certificate
    changes = [
        *({"real_entry": entry} for entry in (1, 2, 3, -1, 2**40, True, 1.0)),
        *({"exponent": honest.exponent + step} for step in (-1, 1, 3000)),
        *({"norm": certificate} for certificate in (real, narrow, None, honest)),
        *({"norm": other.norm} for other in others),
        *({"shape": shape} for shape in ((10, 3), (5, 2), (5, 6), (0, 3))),
        {"fingerprint": "0" * 64},
    ]
    refused = 0
    for change in changes:
        try:
            forged = dataclasses.replace(honest, **change)
            proved = forged.verify(A)
        except hn.CertificateError:
            refused += 1
        else:
            v = interval.witness.vector
            assert proved.upper >= np.linalg.norm(A @ v, forged.q) / np.linalg.norm(v) * (1 - 1e-14)
    assert refused > len(changes) // 2


def test_other_exponents_are_refused_for_complex_numbers():
    X = np.random.default_rng(6).standard_normal((5, 3))
    honest = hn.two_to_q_norm(X + 0j, 3, random_state=0).certificate
    assert honest.verify(X).upper == honest.verify(X + 0j).upper
    A = X + 1j * X[::-1]
    forged = dataclasses.replace(honest, fingerprint=hn.lower_bound(A, 4, random_state=0).fingerprint)
    with pytest.raises(hn.CertificateError, match="q = 3"):
        forged.verify(A)
    with pytest.raises(hn.CertificateError, match="q = 3"):
        ComplexRows(check_complex(A), 3.0, 0)


def test_a_smaller_claim_of_the_inner_proof_is_refused():
    A = gaussian(7, 6, 3)
    honest = hn.two_to_q_norm(A, 4, random_state=0).certificate
    norm = honest.norm
    for factor in (0.5, 0.999, 1 - 1e-5):
        values = tuple(value * factor for value in norm.values)
        forged = dataclasses.replace(honest, norm=dataclasses.replace(norm, values=values))
        assert isinstance(forged, ComplexNormCertificate)
        with pytest.raises(hn.CertificateError):
            forged.verify(A)


def test_the_shape_and_the_scale_of_the_rows_are_compared():
    A = gaussian(8, 5, 3)
    honest = hn.two_to_q_norm(A, 4, random_state=0).certificate
    assert honest.claim.is_upper
    for step in (-1, 1):
        with pytest.raises(hn.CertificateError, match=r"scale 2\*\*"):
            dataclasses.replace(honest, exponent=honest.exponent + step).verify(A)
    for shape in ((16, 5), (15, 4), (15, 7)):
        norm = dataclasses.replace(hn.spectral_bound(np.ones(shape), 4), fingerprint="0" * 64)
        with pytest.raises(hn.CertificateError, match="not that of rows of A"):
            dataclasses.replace(honest, norm=norm).verify(A)
    norm = hn.spectral_bound(np.ones((10, 5)), 4)
    with pytest.raises(hn.CertificateError, match="shape"):
        dataclasses.replace(honest, norm=norm).verify(A)
    for subject in (A, check_complex(A[:4]), check_complex(A).stacked, None):
        with pytest.raises(hn.CertificateError, match="must be a complex matrix"):
            honest.prove(subject)
    rigors = [honest.verify(A, exact=exact).rigor for exact in (False, True)]
    assert rigors == [hn.Rigor.FLOATING_POINT, hn.Rigor.EXACT]
    assert hn.two_to_q_norm(np.zeros((2, 2), dtype=complex), 4, random_state=0).certificate.upper == 0
