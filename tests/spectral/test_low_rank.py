"""Errors of approximations: true values, oracles, rational arithmetic of the error terms, forged proofs."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.decomposition import TruncatedSVD
from sklearn.utils.extmath import randomized_svd

import hypernorm as hn
from checks.forgeries import _changed, _lie
from hypernorm._validation import check_rows
from hypernorm.certificates import low_rank
from hypernorm.certificates.spectral_norm import spectral_norm_bound
from hypernorm.forms import Rows, unfoldings
from hypernorm.spectral import low_rank as proposals


def approximation(A, k, seed=0):
    U, s, V = randomized_svd(A, k, random_state=seed, n_iter=1)
    return U * s, V.T


def truth(A, U, V):
    values = np.linalg.svd(A - U @ V.T, compute_uv=False)
    return np.linalg.norm(values), values[0]


def encloses(error, A, U, V, slack=1e-14):
    frobenius, spectral = truth(A, U, V)
    slack *= np.linalg.norm(A) + np.linalg.norm(U) * np.linalg.norm(V)
    for norm, true in ((error.frobenius, frobenius), (error.spectral, spectral)):
        assert norm.lower <= true + slack
        assert true - slack <= norm.upper


def test_true_values_are_enclosed_for_many_matrices():
    rng = np.random.default_rng(0)
    widths = []
    for trial in range(120):
        n, d = (int(rng.integers(2, 25)) for _ in range(2))
        decay = 10.0 ** -(rng.uniform(0, 1) * np.arange(d))
        A = rng.standard_normal((n, d)) * decay * 10.0 ** rng.uniform(-6, 6)
        k = int(rng.integers(1, min(n, d) + 1))
        if trial % 3:
            U, V = approximation(A, k, trial)
        else:
            model = TruncatedSVD(min(k, d), random_state=trial).fit(A)
            V = model.components_.T
            U = A @ V
        error = hn.low_rank_error(A, U, V)
        encloses(error, A, U, V)
        if error.frobenius.upper > 1e-6 * np.linalg.norm(A):
            widths.append(max(error.frobenius.gap, error.spectral.gap))
            ratios = error.ratios(hn.singular_values(A))
            for norm in ("frobenius", "spectral"):
                assert ratios[norm][1] >= 1
                assert ratios[norm][0] <= ratios[norm][1]
    assert max(widths) < 1e-6
    assert np.median(widths) < 1e-11


def test_the_best_approximation_has_the_ratio_one():
    A = np.random.default_rng(1).standard_normal((30, 20))
    U, s, V = np.linalg.svd(A)
    best = hn.low_rank_error(A, U[:, :4] * s[:4], V[:4].T)
    ratios = best.ratios(hn.singular_values(A))
    for lower, upper in ratios.values():
        assert 1 - 1e-10 < lower <= 1 <= upper < 1 + 1e-10
    worse = hn.low_rank_error(A, *approximation(A, 4)).ratios(hn.singular_values(A))
    assert worse["frobenius"][0] > 1
    whole = hn.low_rank_error(A, A, np.eye(20))
    assert whole.frobenius.upper < 1e-12
    assert whole.ratios(hn.singular_values(A))["spectral"][1] == np.inf
    with pytest.raises(hn.InvalidInputError, match="singular values of the matrix"):
        best.ratios(hn.singular_values(2 * A))


@pytest.mark.parametrize("scale", [1e-290, 1e-5, 1.0, 1e290])
def test_every_scale(scale):
    A = np.random.default_rng(2).standard_normal((12, 9))
    U, V = approximation(A, 2)
    found, plain = hn.low_rank_error(A * scale, U * scale, V), hn.low_rank_error(A, U, V)
    assert found.frobenius.upper / scale == pytest.approx(plain.frobenius.upper, rel=1e-12)
    assert found.spectral.lower / scale == pytest.approx(plain.spectral.lower, rel=1e-12)
    zero = hn.low_rank_error(A * 0, U * 0, V)
    assert zero.frobenius.upper < 1e-140
    exact = found.certificate.verify(A * scale, exact=True)
    assert exact.rigor is hn.Rigor.EXACT
    assert exact.upper <= found.frobenius.upper * (1 + 1e-15)


def unformed(monkeypatch):
    monkeypatch.setattr(proposals, "_FORMED_ENTRIES", 0)


@pytest.mark.parametrize("storage", ["dense", "sparse"])
def test_without_forming_the_error(storage, monkeypatch):
    rng = np.random.default_rng(3)
    for trial in range(30):
        n, d = (int(rng.integers(2, 40)) for _ in range(2))
        A = rng.standard_normal((n, d)) * (rng.random((n, d)) < 0.3) * 10.0 ** rng.uniform(-3, 3)
        A[0, 0] = 1.0
        k = int(rng.integers(1, min(n, d) + 1))
        U, V = approximation(A, k, trial)
        formed = hn.low_rank_error(A, U, V)
        with monkeypatch.context() as patch:
            unformed(patch)
            error = hn.low_rank_error(sp.csr_array(A) if storage == "sparse" else A, U, V)
        assert error.certificate.formed == 0
        assert error.spectral.upper <= error.frobenius.upper
        encloses(error, A, U, V)
        if formed.frobenius.lower > 1e-3 * np.linalg.norm(A):
            assert error.frobenius.gap < 1e-6
            assert error.spectral.lower >= 0.9 * formed.spectral.lower
        assert error.certificate.verify(A).upper == pytest.approx(
            error.frobenius.upper, rel=1e-6, abs=1e-5 * np.linalg.norm(A)
        )
    with pytest.raises(hn.InvalidInputError, match="floating point only"):
        error.certificate.verify(A, exact=True)


def fractions(A):
    return [[Fraction(x) for x in row] for row in A.tolist()]


@pytest.mark.parametrize("seed", range(6))
def test_error_terms_cover_the_exact_ones(seed):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((5, 4)) * 10.0 ** rng.uniform(-2, 2, (5, 1))
    left, right = rng.standard_normal((5, 2)), rng.standard_normal((4, 2)) * 10.0 ** rng.uniform(-3, 3)
    rows = Rows(check_rows(A))
    E, loss = low_rank.formed_error(rows, left, right)
    X, L, R = fractions(rows.block(0, 5)), fractions(left), fractions(right)
    error = [[X[i][j] - sum(a * b for a, b in zip(L[i], R[j], strict=True)) for j in range(4)] for i in range(5)]
    rounding = sum((error[i][j] - Fraction(E[i, j])) ** 2 for i in range(5) for j in range(4))
    assert rounding <= Fraction(loss) ** 2
    square = sum(x * x for row in error for x in row)
    value, bound = low_rank._sum(Rows(check_rows(sp.csr_array(A))), left, right)
    assert abs(square - Fraction(value)) <= Fraction(bound)
    assert bound <= 1e-10 * (1 + np.linalg.norm(left) * np.linalg.norm(right)) ** 2
    v = rng.standard_normal(4)
    attained = low_rank._attained(rows, left, right, v)
    exact = np.array([[float(x) for x in row] for row in error])
    assert float(attained.upper()) <= np.linalg.norm(exact @ v) / np.linalg.norm(v) * (1 + 1e-15)


@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (3, 7), (40, 40)])
def test_spectral_norms_are_proved_in_both_arithmetics(shape):
    rng = np.random.default_rng(5)
    for scale in (1e-200, 1.0, 1e200):
        E = rng.standard_normal(shape) * scale
        true = np.linalg.svd(E / scale)[1][0] * scale
        for bound in (spectral_norm_bound(E), spectral_norm_bound(E, in_integers=True)):
            assert true * (1 - 1e-14) <= bound <= true * (1 + 1e-10)
    assert spectral_norm_bound(np.zeros(shape)) == 0


@pytest.mark.filterwarnings("ignore")
def test_forged_proofs_are_never_narrower_than_the_truth():
    rng = np.random.default_rng(6)
    A = rng.standard_normal((8, 6))
    honest, verified = hn.low_rank_error(A, *approximation(A, 2)).certificate, 0
    for trial in range(200):
        try:
            proof = _changed(honest, rng, _lie) if trial % 5 == 0 else _changed(honest, rng)
            found = proof.verify(A, exact=trial % 10 == 1)
        except hn.HypernormError:
            continue
        verified += 1
        U = np.ldexp(proof.left, proof.exponent)
        slack = 1e-13 * (1 + np.linalg.norm(U) * np.linalg.norm(proof.right))
        frobenius, spectral = truth(A, U, proof.right)
        assert found.lower <= frobenius + slack
        assert found.upper >= frobenius - slack
        assert found.spectral_lower <= spectral + slack
        assert found.spectral_upper >= spectral - slack
    assert verified > 10


@pytest.mark.parametrize("scale", [1e-200, 1e200, 2.0**1000])
def test_unbalanced_factors(scale):
    A = np.random.default_rng(10).standard_normal((7, 5))
    U, V = approximation(A, 2)
    found, plain = hn.low_rank_error(A, U * scale, V / scale), hn.low_rank_error(A, U, V)
    assert found.frobenius.upper == pytest.approx(plain.frobenius.upper, rel=1e-12)
    assert found.frobenius.gap < 1e-10
    hidden = dataclasses.replace(
        plain.certificate, left=plain.certificate.left * scale, right=plain.certificate.right / scale
    )
    try:
        proved = hidden.verify(A)
    except hn.CertificateError:
        return
    assert proved.lower <= plain.frobenius.upper
    assert proved.upper >= plain.frobenius.lower


def test_a_difference_of_products_is_a_product():
    rng = np.random.default_rng(7)
    U, V, W, Z = (rng.standard_normal((side, 3)) for side in (50, 40, 50, 40))
    difference = hn.LowRank(np.hstack([U, -W]), np.hstack([V, Z]))
    found = hn.schatten_norm(difference, 2)
    true = np.linalg.norm(U @ V.T - W @ Z.T)
    assert found.lower <= true * (1 + 1e-14)
    assert true * (1 - 1e-14) <= found.upper < true * (1 + 1e-11)


def tail(T, axis, rank):
    return np.linalg.norm(np.linalg.svd(np.moveaxis(T, axis, 0).reshape(T.shape[axis], -1), compute_uv=False)[rank:])


@pytest.mark.parametrize("ranks", [(1, 1, 1), (2, 3, 2), (4, 3, 5), (4, 1, 5)])
def test_tucker_errors(ranks):
    T = np.random.default_rng(8).standard_normal((4, 3, 5))
    found = hn.tucker_error(T, ranks)
    tails = [tail(T, axis, rank) for axis, rank in enumerate(ranks)]
    assert found.lower <= max(tails) * (1 + 1e-13)
    assert found.lower >= max(tails) - 1e-12
    assert np.linalg.norm(tails) * (1 - 1e-13) <= found.upper <= np.linalg.norm(tails) + 1e-12
    # The truncated higher-order decomposition attains an error in the interval.
    approximation = T
    for axis, rank in enumerate(ranks):
        basis = np.linalg.svd(np.moveaxis(T, axis, 0).reshape(T.shape[axis], -1), full_matrices=False)[0][:, :rank]
        approximation = np.moveaxis(np.tensordot(basis @ basis.T, approximation, (1, axis)), 0, axis)
    assert found.lower - 1e-12 <= np.linalg.norm(T - approximation) <= found.upper + 1e-12
    assert found.certificate.verify(T, exact=True).upper <= found.upper * (1 + 1e-12) + 1e-12
    assert found.quantity == f"least Frobenius error of ranks {', '.join(map(str, ranks))}"


def test_tucker_arguments_and_fields():
    T = np.random.default_rng(9).standard_normal((4, 3, 5))
    for ranks in ((1, 1), (5, 1, 1), (0, 1, 1), 2):
        with pytest.raises(hn.InvalidInputError, match="ranks"):
            hn.tucker_error(T, ranks)
    with pytest.raises(hn.InvalidInputError, match="2 to 32 axes"):
        hn.tucker_error(np.ones(3), [1])
    proof = hn.tucker_error(T, (2, 2, 2)).certificate
    with pytest.raises(hn.CertificateError, match="another matrix"):
        proof.verify(T + 1)
    with pytest.raises(hn.CertificateError, match="of 3 axes"):
        proof.verify(T[0])
    with pytest.raises(hn.CertificateError, match="from 1 to the lengths"):
        dataclasses.replace(proof, ranks=np.array([9, 1, 1])).verify(T)
    with pytest.raises(hn.CertificateError, match="one for each axis"):
        dataclasses.replace(proof, unfoldings=proof.unfoldings[::-1]).verify(T)
    assert [part.shape for part in unfoldings(T)] == [(4, 15), (3, 20), (5, 12)]


def test_arguments_that_do_not_fit():
    A = np.eye(4)
    for U, V in ((np.ones((3, 1)), np.ones((4, 1))), (np.ones((4, 1)), np.ones((4, 2)))):
        with pytest.raises(hn.InvalidInputError, match="must have the shapes"):
            hn.low_rank_error(A, U, V)
    wild = np.array([[1.0], [2.0**-1060], [2.0**1000], [1.0]])
    with pytest.raises(hn.InvalidInputError, match="orders of magnitude"):
        hn.low_rank_error(A, wild, np.ones((4, 1)))
    proof = hn.low_rank_error(A, np.ones((4, 1)), np.ones((4, 1))).certificate
    with pytest.raises(hn.CertificateError, match="must not be zero"):
        dataclasses.replace(proof, vector=np.zeros(4)).verify(A)
    with pytest.raises(hn.CertificateError, match="overflow"):
        dataclasses.replace(proof, left=np.full((4, 1), 1e200), right=np.full((4, 1), 1e200)).verify(A)
    assert repr(hn.low_rank_error(A, np.ones((4, 1)), np.ones((4, 1)))).startswith("LowRankError(frobenius=[")
