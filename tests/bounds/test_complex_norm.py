"""Norms of complex matrices over complex vectors: known values, symmetries, a fine search, and what users bring."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import hypernorm as hn
from hypernorm.certificates import ComplexNormCertificate, ComplexWitness
from hypernorm.separable import norm_operator, norm_witness, separable_value

EXPONENTS = (2.0, 4.0, 6.0, 8.0, math.inf)


def gaussian(rng, *shape):
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def unitary(rng, d):
    return np.linalg.qr(gaussian(rng, d, d))[0]


def encloses(A, q, value, rtol=1e-6):
    interval = hn.two_to_q_norm(A, q, random_state=0)
    assert isinstance(interval.certificate, ComplexNormCertificate)
    assert isinstance(interval.witness, ComplexWitness)
    assert interval.lower <= value * (1 + 1e-14)
    assert value * (1 - 1e-14) <= interval.upper
    assert interval.upper <= interval.lower * (1 + rtol)
    return interval


def pauli_vectors():
    """The six eigenvectors of the Pauli matrices: a spherical 3-design of C²."""
    return np.array([[1, 0], [0, 1], [1, 1], [1, -1], [1, 1j], [1, -1j]]) / np.array([[1], [1], *[[2**0.5]] * 4])


def unbiased_bases():
    """Four mutually unbiased bases of C³, a 2-design of twelve vectors."""
    w = np.exp(2j * np.pi / 3)
    F = w ** np.outer(range(3), range(3)) / 3**0.5
    return np.vstack([np.eye(3), *(F * w ** (k * np.arange(3) ** 2) for k in range(3))])


class TestKnownValues:
    @pytest.mark.parametrize("q", EXPONENTS)
    @pytest.mark.parametrize("d", [1, 2, 3, 5])
    def test_fourier_matrix(self, d, q):
        F = np.exp(2j * np.pi * np.outer(range(d), range(d)) / d)
        encloses(F, q, d**0.5)  # the image of a row is one entry

    @pytest.mark.parametrize("q", EXPONENTS)
    def test_hadamard_matrix_with_phases(self, q):
        H = np.kron([[1, 1], [1, -1]], [[1, 1], [1, -1]])
        phases = np.exp(1j * np.arange(4))
        encloses(phases[:, None] * H * phases[::-1], q, 2.0)

    @pytest.mark.parametrize("q", EXPONENTS)
    def test_rank_one(self, q):
        rng = np.random.default_rng(0)
        u, w = gaussian(rng, 6), gaussian(rng, 4)
        encloses(np.outer(u, w), q, np.linalg.norm(u, q) * np.linalg.norm(w))

    @pytest.mark.parametrize("q", EXPONENTS)
    def test_diagonal(self, q):
        encloses(np.diag([1j, 2 - 1j, 0.5]), q, 5**0.5)

    def test_spectral_norm_and_longest_row(self):
        A = gaussian(np.random.default_rng(1), 7, 4)
        encloses(A, 2, np.linalg.norm(A, 2), 1e-11)
        encloses(A, np.inf, np.linalg.norm(A, axis=1).max(), 1e-11)

    @pytest.mark.parametrize(("q", "value"), [(4, 2.0), (6, 1.5)])
    def test_designs_in_two_dimensions(self, q, value):
        encloses(pauli_vectors(), q, value ** (1 / q))

    def test_unbiased_bases(self):
        encloses(unbiased_bases(), 4, 2**0.25)

    @pytest.mark.parametrize("q", EXPONENTS)
    def test_real_matrices_have_the_same_norm(self, q):
        X = np.random.default_rng(2).standard_normal((8, 3))
        real = hn.two_to_q_norm(X, q, random_state=0)
        same = encloses(X + 0j, q, real.lower)
        assert (same.lower, same.upper) == pytest.approx((real.lower, real.upper), rel=1e-12)
        # Phases of rows and columns hide that the matrix is real.
        phases = np.exp(1j * np.random.default_rng(3).uniform(0, 6, 11))
        encloses(phases[:8, None] * X * phases[8:], q, real.lower)

    def test_real_numbers_of_a_complex_type_have_every_exponent(self):
        X = np.random.default_rng(4).standard_normal((8, 3))
        for q in (2.5, 3, 5, 40):
            real = hn.two_to_q_norm(X, q, random_state=0)
            interval = hn.two_to_q_norm(X.astype(complex), q, random_state=0)
            assert interval.upper == pytest.approx(real.upper, rel=1e-12)
            assert interval.certificate.verify(X).upper == interval.upper  # the same numbers in another type

    @pytest.mark.parametrize("q", EXPONENTS)
    def test_invariances(self, q):
        rng = np.random.default_rng(5)
        A = gaussian(rng, 6, 3)
        value = hn.two_to_q_norm(A, q, random_state=0).lower
        encloses(A @ unitary(rng, 3), q, value)
        encloses(np.exp(1j * rng.uniform(0, 6, 6))[:, None] * A, q, value)
        encloses(A[::-1].conj(), q, value)
        encloses(3j * A, q, 3 * value)
        encloses(np.vstack([A, np.zeros((2, 3))]), q, value)

    @pytest.mark.parametrize("q", [4.0, 6.0])
    def test_blocks_have_the_larger_norm_and_a_circle_of_maximisers(self, q):
        rng = np.random.default_rng(6)
        A, B = gaussian(rng, 4, 2), 0.2 * gaussian(rng, 3, 2)
        A = np.block([[B, np.zeros((3, 2))], [np.zeros((4, 2)), A]])
        encloses(A, q, hn.two_to_q_norm(A[3:, 2:], q, random_state=0).lower)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("q", [4.0, 6.0, 8.0])
def test_against_a_fine_search(seed, q):
    """The complex power method from many starts, written anew."""
    rng = np.random.default_rng(seed)
    A = gaussian(rng, 6, 3)
    V = gaussian(rng, 3, 2000)
    for _ in range(300):
        Z = A @ V
        V = A.conj().T @ (np.abs(Z) ** (q - 2) * Z)
        V /= np.linalg.norm(V, axis=0)
    encloses(A, q, np.linalg.norm(A @ V, q, axis=0).max())


@pytest.mark.parametrize("seed", range(4))
def test_the_fourth_power_is_a_separable_value(seed):
    rng = np.random.default_rng(seed)
    n, d = [(4, 2), (6, 3), (9, 3), (3, 3)][seed]
    A = gaussian(rng, n, d)
    M = norm_operator(A)
    np.testing.assert_allclose(M, M.conj().T, atol=1e-12)
    state = separable_value(M, (d, d), rtol=1e-8, random_state=0)
    norm = hn.two_to_q_norm(A, 4, random_state=0)
    assert norm.lower**4 <= state.upper * (1 + 1e-12)
    assert state.lower <= norm.upper**4 * (1 + 1e-12)
    assert state.lower == pytest.approx(norm.lower**4, rel=1e-6)
    assert norm.lower * (1 - 1e-6) <= norm_witness(A, state.witness).value <= norm.upper


class TestInput:
    A = gaussian(np.random.default_rng(7), 6, 3)

    @pytest.mark.parametrize("q", [4.0, 8.0])
    @pytest.mark.parametrize("scale", [1e150, 1e-150, 1e-307, 2.0**-1060, 1e300])
    def test_scales(self, scale, q):
        value = hn.two_to_q_norm(self.A, q, random_state=0)
        interval = hn.two_to_q_norm(self.A * scale, q, random_state=0)
        tolerance = 1e-6 if scale > 2.0**-1060 else 1e-2
        assert interval.lower / scale == pytest.approx(value.lower, rel=tolerance)
        assert interval.is_exact(2 * tolerance)
        for exact in (False, True):
            assert interval.certificate.verify(self.A * scale, exact=exact).upper >= interval.lower

    @pytest.mark.parametrize("make", [np.asfortranarray, lambda A: A[::-1][::-1], np.ndarray.tolist, pd.DataFrame])
    def test_containers(self, make):
        assert hn.two_to_q_norm(make(self.A), random_state=0).upper == hn.two_to_q_norm(self.A, random_state=0).upper

    @pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil", "bsr"])
    def test_sparse(self, form):
        dense = np.where(np.abs(self.A) > 1, self.A, 0)
        dense[2] = 0
        interval = hn.two_to_q_norm(sp.csr_array(dense).asformat(form), random_state=0)
        expected = hn.two_to_q_norm(dense, random_state=0)
        assert interval.upper == pytest.approx(expected.upper, rel=1e-6)
        assert interval.certificate.verify(dense).upper == pytest.approx(interval.upper, rel=1e-12)
        assert interval.certificate.verify(dense, exact=True).upper == pytest.approx(interval.upper, rel=1e-12)
        assert interval.witness.fingerprint == expected.witness.fingerprint
        for data in (sp.csr_array(dense), dense):
            assert interval.witness.verify(data, exact=True).lower == pytest.approx(interval.lower, rel=1e-13)

    def test_single_precision(self):
        single = self.A.astype(np.complex64)
        interval = hn.two_to_q_norm(single, random_state=0)
        assert interval.upper == hn.two_to_q_norm(single.astype(complex), random_state=0).upper

    def test_zeros(self):
        interval = hn.two_to_q_norm(np.zeros((3, 2), dtype=complex), random_state=0)
        assert interval.lower == interval.upper == 0
        assert hn.lower_bound(np.zeros((3, 2), dtype=complex), random_state=0).value == 0

    @pytest.mark.parametrize("q", EXPONENTS)
    def test_one_column_one_row_and_wide(self, q):
        encloses(self.A[:, :1], q, np.linalg.norm(self.A[:, 0], q))
        encloses(self.A[:1], q, np.linalg.norm(self.A[0]))
        encloses(np.hstack([self.A[:1], np.zeros((1, 3)), self.A[1:2]]), q, np.linalg.norm(self.A[:2]))

    def test_lower_bound(self):
        for q in EXPONENTS:
            witness = hn.lower_bound(self.A, q, random_state=0)
            assert isinstance(witness, ComplexWitness)
            assert witness.value == pytest.approx(hn.two_to_q_norm(self.A, q, random_state=0).lower, rel=1e-9)
            attained = np.linalg.norm(self.A @ witness.vector, q) / np.linalg.norm(witness.vector)
            assert witness.value == pytest.approx(attained, rel=1e-13)

    def test_starts_keep_their_value(self):
        v = gaussian(np.random.default_rng(8), 3)
        value = np.linalg.norm(self.A @ v, 4) / np.linalg.norm(v)
        assert hn.lower_bound(self.A, starts=[v], n_starts=1, max_iter=1, random_state=0).value > value * (1 - 1e-12)
        assert hn.two_to_q_norm(self.A, starts=v[None], n_starts=1, random_state=0).is_exact()
        with pytest.raises(hn.InvalidInputError, match="3 columns as X has"):
            hn.lower_bound(self.A, starts=np.ones((1, 6)))

    def test_limits_progress_and_checkpoints(self, tmp_path):
        seen = []
        interval = hn.two_to_q_norm(
            self.A, time_limit=100, progress=seen.append, checkpoint=tmp_path / "state.npz", random_state=0
        )
        uppers = [stage.upper for stage in seen if stage.upper is not None]
        assert uppers
        assert all(upper >= interval.lower for upper in uppers)
        assert interval.upper == min(record.upper for record in interval.records)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"q": 3}, ["complex", "2, 4, 6, 8 or infinity"]),
            ({"q": 10}, ["complex", "10"]),
            ({"q": 2.5}, ["complex", "2.5"]),
            ({"center": True}, ["complex", "real samples"]),
            ({"normalize": True}, ["complex", "real samples"]),
            ({"sample_weight": np.ones(6)}, ["complex", "real samples"]),
            ({"X": A * [1, np.nan, 1]}, ["the real part of X", "nan", "row 0, column 1"]),
            (
                {"X": np.vstack([A, [[0, 0, complex(0, np.inf)]]])},
                ["the imaginary part of X", "inf", "row 6, column 2"],
            ),
            ({"X": np.ma.masked_array(A, True)}, ["masked"]),
            ({"X": A[0]}, ["two-dimensional"]),
            ({"X": A[:0]}, ["empty"]),
            ({"X": A[None]}, ["two-dimensional"]),
            ({"X": A.astype(np.clongdouble) / 3}, ["binary64"]),
        ],
    )
    def test_what_cannot_be_used_is_named(self, change, words):
        with pytest.raises(hn.InvalidInputError) as caught:
            hn.two_to_q_norm(**({"X": self.A} | change))
        assert all(word in str(caught.value) for word in words)

    @pytest.mark.parametrize("function", [hn.spectral_bound, hn.sos_bound, hn.smallest_gain])
    def test_other_functions_say_where_complex_numbers_may_be(self, function):
        for A in (self.A, sp.csr_array(self.A)):
            with pytest.raises(hn.InvalidInputError, match="complex numbers, which operator_norm, operator_cert"):
                function(A, 4)

    def test_dask_arrays_are_loaded_first(self):
        da = pytest.importorskip("dask.array")
        with pytest.raises(hn.InvalidInputError, match=r"X\.compute\(\)"):
            hn.two_to_q_norm(da.from_array(self.A, chunks=(3, 3)))


def test_every_real_entry_gives_the_norm():
    """The phase of any entry may be fixed; a wise choice only makes the search faster."""
    from hypernorm.bounds import complex_norm

    A = gaussian(np.random.default_rng(9), 5, 3)
    intervals = []
    for entry in range(3):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(complex_norm, "_large_entry", lambda matrix, q, entry=entry: entry)
            intervals.append(hn.two_to_q_norm(A, random_state=0))
    assert [interval.certificate.real_entry for interval in intervals] == [0, 1, 2]
    for first, second in itertools.permutations(intervals, 2):
        assert first.lower <= second.upper
        assert first.lower == pytest.approx(second.lower, rel=1e-9)
