"""Operator norms of complex matrices over complex vectors: closed forms, a fine search, laws of norms, inputs."""

import math

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import hypernorm as hn
from hypernorm.bounds.operator_power import conjugate_float
from hypernorm.certificates import ComplexNormCertificate, OperatorCertificate

INF = math.inf
CELLS = [(1, 3), (3, INF), (1.2, 3), (4 / 3, 2), (2, 3), (1.5, 1.2), (3, 4), (3, 2.5), (INF, 3), (4, 1.5), (INF, 1)]


def gaussian(rng, *shape):
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def fourier(n):
    return np.exp(2j * np.pi * np.outer(range(n), range(n)) / n)


def norm(v, r):
    return float(np.linalg.norm(v, r))


def searched(A, p, q, starts=1500, steps=200):
    """The power method over complex vectors from many starts, written anew."""
    rng = np.random.default_rng(5)
    dual = conjugate_float(p)

    def largest(W, r):  # the v of dual norm 1 with the largest |⟨v, w⟩|
        size = np.maximum(np.abs(W), 1e-300)
        if math.isinf(r):
            return (size == size.max(axis=0)) * W / size / (size == size.max(axis=0)).sum(axis=0)
        return W / size * (size / np.linalg.norm(size, r, axis=0)) ** (r - 1)

    V = np.hstack([gaussian(rng, A.shape[1], starts), A.conj().T, np.eye(A.shape[1])])
    for _ in range(steps):
        V = largest(A.conj().T @ largest(A @ V, q), dual)
    return (np.linalg.norm(A @ V, q, axis=0) / np.linalg.norm(V, p, axis=0)).max()


@pytest.mark.parametrize(("p", "q"), CELLS)
@pytest.mark.parametrize("n", [3, 5])
def test_fourier_matrices(n, p, q):
    """A unit vector, a row, or a chirp, of which all entries and images have one modulus, attains the norm."""
    value = n ** (0.5 + 1 / q - 1 / p if p > 2 > q else max(1 / q, 1 - 1 / p))
    interval = hn.operator_norm(fourier(n), p, q, random_state=0)
    assert value * (1 - 1e-6) <= interval.lower <= value * (1 + 1e-12)
    assert value * (1 - 1e-12) <= interval.upper
    if p >= 2 >= q or p == 1 or q == INF or 1 / p + 1 / q == 1:
        assert interval.is_exact()


@pytest.mark.parametrize(("p", "q"), CELLS)
def test_other_known_values(p, q):
    rng = np.random.default_rng(0)
    u, w = gaussian(rng, 4), gaussian(rng, 3)
    phases = np.exp(1j * np.arange(5))
    diagonal = np.array([3j, 1 - 1j, 0.5])
    for matrix, value in (
        (np.outer(u, w), norm(u, q) * norm(w, conjugate_float(p))),
        (phases[:, None] * np.ones((5, 3)) * phases[:3], 5 ** (1 / q) * 3 ** (1 - 1 / p)),
        (np.diag(diagonal), 3.0 if p <= q else norm(diagonal, 1 / (1 / q - 1 / p))),
    ):
        interval = hn.operator_norm(matrix, p, q, random_state=0)
        assert value * (1 - 1e-6) <= interval.lower <= value * (1 + 1e-12)
        assert value * (1 - 1e-12) <= interval.upper <= value * (1 + 1e-6)


def test_the_complex_norm_of_a_real_matrix_can_be_larger():
    H = np.array([[1.0, 1.0], [1.0, -1.0]])
    assert hn.operator_norm(H, INF, 1, random_state=0).upper == pytest.approx(2, rel=1e-9)
    interval = hn.operator_norm(H.astype(complex), INF, 1, random_state=0)
    assert interval.lower == pytest.approx(8**0.5, rel=1e-9)
    assert interval.is_exact()
    X = np.random.default_rng(1).standard_normal((5, 3))
    for p, q in ((1.5, 3), (3, 4)):  # for p ≤ q they are equal
        real = hn.operator_norm(X, p, q, random_state=0)
        complex_ = hn.operator_norm(X + 0j, p, q, random_state=0)
        assert complex_.lower == pytest.approx(real.lower, rel=1e-6)
        assert complex_.upper >= real.lower


@pytest.mark.parametrize(("p", "q"), CELLS)
def test_against_a_fine_search(p, q):
    A = gaussian(np.random.default_rng(2), 4, 3)
    best = searched(A, p, q)
    interval = hn.operator_norm(A, p, q, random_state=0)
    assert isinstance(interval.certificate, OperatorCertificate)
    assert interval.quantity == interval.certificate.quantity == interval.witness.quantity
    assert interval.quantity.endswith("over complex vectors")
    assert best * (1 - 1e-6) <= interval.lower <= best * (1 + 1e-6)
    assert best * (1 - 1e-12) <= interval.upper <= best * 1.12
    for exact in (False, True):
        assert interval.certificate.verify(A, exact=exact).upper == pytest.approx(interval.upper, rel=1e-9)
        assert interval.witness.verify(A, exact=exact).lower == pytest.approx(interval.lower, rel=1e-12)
    assert norm(A @ interval.witness.vector, q) / norm(interval.witness.vector, p) >= interval.lower * (1 - 1e-14)
    # Duality, phases and conjugates.
    for other in (np.exp(1j * np.arange(4))[:, None] * A * np.exp(1j * np.arange(3)), A.conj()):
        assert best <= hn.operator_norm(other, p, q, method="cheap", random_state=0).upper * (1 + 1e-12)
    assert searched(A.T, conjugate_float(q), conjugate_float(p)) <= interval.upper * (1 + 1e-12)


@pytest.mark.parametrize("rule", ["perron", "weights", "two_to_q", "interpolation"])
def test_rules_of_a_complex_matrix(rule):
    A = gaussian(np.random.default_rng(3), 5, 4)
    certificate = hn.operator_certificate(A, 3, 4, rule=rule, random_state=0)
    best = hn.lower_bound(A, 4, p=3, random_state=0).value
    assert best <= certificate.upper <= 1.25 * best
    assert certificate.field == "complex"
    sparse = certificate.verify(sp.csr_array(A))
    assert sparse.upper == pytest.approx(certificate.upper, rel=1e-12)


def test_rules_for_real_matrices_only():
    A = gaussian(np.random.default_rng(3), 3, 3)
    with pytest.raises(hn.InvalidInputError, match="real matrices"):
        hn.operator_certificate(A, INF, 1, rule="enumeration")
    with pytest.raises(hn.InvalidInputError, match="to complex matrices if q"):
        hn.operator_certificate(A, 4, 3, rule="two_to_q")


def test_even_exponents_are_those_of_two_to_q_norm():
    A = gaussian(np.random.default_rng(4), 5, 3)
    ours, theirs = hn.operator_norm(A, 2, 4, random_state=0), hn.two_to_q_norm(A, 4, random_state=0)
    assert isinstance(ours.certificate, ComplexNormCertificate)
    assert (ours.lower, ours.upper) == (theirs.lower, theirs.upper)
    dual = hn.operator_norm(A.T, 4 / 3, 2, random_state=0)
    assert dual.upper == pytest.approx(theirs.upper, rel=1e-6)
    other = hn.operator_norm(A, 2, 3, random_state=0)
    assert theirs.lower <= other.upper
    assert hn.lower_bound(A, 3, random_state=0).value == pytest.approx(other.lower, rel=1e-6)
    real = hn.operator_norm(A.real + 0j, 2, 3, random_state=0)
    assert real.upper == pytest.approx(hn.two_to_q_norm(A.real, 3, random_state=0).upper, rel=1e-9)


class TestInput:
    A = gaussian(np.random.default_rng(6), 4, 3)

    @pytest.mark.parametrize(("p", "q"), [(1, 2), (3, INF), (4, 1.5), (1.5, 3), (3, 4)])
    def test_scales_containers_and_zeros(self, p, q):
        wanted = hn.operator_norm(self.A, p, q, method="cheap", random_state=0)
        for scale in (1e150, 1e-150):
            scaled = hn.operator_norm(self.A * scale, p, q, method="cheap", random_state=0)
            assert scaled.upper / scale == pytest.approx(wanted.upper, rel=1e-9)
            assert scaled.certificate.verify(self.A * scale, exact=True).upper >= scaled.lower
        padded = np.zeros((6, 5), dtype=complex)
        padded[np.ix_([0, 2, 3, 5], [1, 2, 4])] = self.A
        for other in (padded, pd.DataFrame(self.A), sp.coo_array(self.A), np.asfortranarray(self.A), self.A.tolist()):
            found = hn.operator_norm(other, p, q, method="cheap", random_state=0)
            assert found.upper == pytest.approx(wanted.upper, rel=1e-9)
            assert found.certificate.verify(other).upper == found.upper
            assert found.witness.verify(other, exact=True).lower == pytest.approx(found.lower, rel=1e-12)
        zero = hn.operator_norm(np.zeros((2, 3), dtype=complex), p, q, random_state=0)
        assert zero.lower == zero.upper == 0

    def test_tiny_parts_beside_large_ones(self):
        A = self.A.copy()
        A[0, 0], A[1, 1], A[2, 2] = complex(1e300, 1e-300), 5e-324j, 1e-200
        for p, q in ((1, 3), (3, 2), (3, 4)):
            for exact in (False, True):
                interval = hn.operator_norm(A, p, q, method="cheap", random_state=0)
                assert interval.certificate.verify(A, exact=exact).upper >= 1e300
                assert interval.witness.verify(A, exact=exact).lower == pytest.approx(1e300, rel=1e-9)

    def test_starts_and_vectors(self):
        v = gaussian(np.random.default_rng(8), 3)
        witness = hn.OperatorWitness.from_vector(self.A, v, p=1.5, q=3)
        assert witness.value == pytest.approx(norm(self.A @ v, 3) / norm(v, 1.5), rel=1e-13)
        assert hn.lower_bound(self.A, 3, p=1.5, starts=[v], n_starts=1, random_state=0).value >= witness.value
        with pytest.raises(hn.InvalidInputError, match="they are complex"):
            hn.OperatorWitness.from_vector(self.A.real, v, p=1.5, q=3)
        with pytest.raises(hn.InvalidInputError, match="3 columns"):
            hn.lower_bound(self.A, 3, p=1.5, starts=np.ones((1, 4)))

    def test_what_cannot_be_used_is_named(self):
        with pytest.raises(hn.InvalidInputError, match="the imaginary part of A has the entry nan"):
            hn.operator_norm(np.array([[complex(0, math.nan)]]), 3, 4)
        da = pytest.importorskip("dask.array")
        with pytest.raises(hn.InvalidInputError, match=r"A\.compute\(\)"):
            hn.operator_norm(da.from_array(self.A), 3, 4)
