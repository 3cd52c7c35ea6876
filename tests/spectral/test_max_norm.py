"""The max norm γ₂: closed forms, a semidefinite program, properties, rational arithmetic, forged proofs."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import hadamard

import hypernorm as hn
from checks.forgeries import _changed, _lie
from hypernorm._validation import check_rows
from hypernorm.certificates import weighted_matrix
from hypernorm.certificates.dyadic import DyadicMatrix
from hypernorm.certificates.max_norm import _longest_row
from hypernorm.certificates.rounding import precision
from hypernorm.forms import Rows


@pytest.mark.parametrize(
    ("A", "value"),
    [
        (np.eye(6), 1.0),
        (np.ones((4, 7)), 1.0),
        (np.outer([1.0, -2.0, 0.5], [3.0, 1.0, 2.0]), 6.0),
        (hadamard(8), 8**0.5),
        (hadamard(2), 2**0.5),
        (np.triu(np.ones((16, 16))), 1.70448024),
        (np.array([[-3.0]]), 3.0),
        (np.array([[3.0, -4.0, 1.0]]), 4.0),
        (np.diag([1.0, 5.0, 0.0]), 5.0),
    ],
)
def test_closed_forms(A, value):
    found = hn.max_norm(A, rtol=1e-8)
    assert found.lower <= value * (1 + 1e-8)
    assert found.upper >= value * (1 - 1e-8)
    assert found.gap <= 1e-8
    exact = found.certificate.verify(A, exact=True)
    assert exact.rigor is hn.Rigor.EXACT
    assert found.lower * (1 - 1e-14) <= exact.lower <= exact.upper <= found.upper * (1 + 1e-14)
    assert found.certificate.verify(A).upper == found.upper


def by_scs(A):
    cp = pytest.importorskip("cvxpy")
    n, d = A.shape
    Z, t = cp.Variable((n + d, n + d), PSD=True), cp.Variable()
    problem = cp.Problem(cp.Minimize(t), [Z[:n, n:] == A, cp.diag(Z) <= t])
    return float(problem.solve(solver="SCS", eps=1e-7, max_iters=20_000))


@pytest.mark.parametrize(("n", "d"), [(8, 8), (5, 9), (10, 6)])
def test_semidefinite_program_agrees(n, d):
    A = np.random.default_rng(n).standard_normal((n, d))
    found = hn.max_norm(A, rtol=1e-8)
    assert by_scs(A) == pytest.approx(found.upper, rel=2e-5)


@pytest.mark.parametrize("scale", [1e-300, 1e-8, 1.0, 1e300])
@pytest.mark.parametrize("shape", [(12, 7), (7, 12), (1, 5), (30, 2)])
def test_every_scale_and_shape(shape, scale):
    A = np.random.default_rng(1).standard_normal(shape)
    A[0, 0] = 0.0
    if len(A) > 3:
        A[2] = 0.0
    found = hn.max_norm(sp.csr_array(A * scale))
    assert found.gap <= 1e-6
    assert found.upper / scale == pytest.approx(hn.max_norm(A).upper, rel=1e-6)
    assert hn.max_norm(A * 0).upper == 0


def test_low_rank_and_slack_rows():
    rng = np.random.default_rng(2)
    A = rng.standard_normal((20, 3)) @ rng.standard_normal((3, 15)) * 10.0 ** rng.uniform(-6, 0, (20, 1))
    found = hn.max_norm(A, rtol=1e-7)
    assert found.gap <= 1e-7
    assert found.certificate.rank == 3


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_properties(seed):
    rng = np.random.default_rng(seed)
    n, d = (int(rng.integers(1, 7)) for _ in range(2))
    A, B = rng.standard_normal((2, n, d))
    norm = hn.max_norm(A)
    assert np.abs(A).max() <= norm.upper
    assert norm.lower <= min(np.linalg.norm(A, axis=1).max(), np.linalg.norm(A, axis=0).max()) * (1 + 1e-14)
    assert hn.max_norm(A + B).lower <= norm.upper + hn.max_norm(B).upper
    assert hn.max_norm(A * B).lower <= norm.upper * hn.max_norm(B).upper * (1 + 1e-14)  # γ₂(A∘B) ≤ γ₂(A) γ₂(B)
    assert hn.max_norm(A.T).lower <= norm.upper
    flipped = A[rng.permutation(n)] * rng.choice([-1.0, 1.0], d)
    assert hn.max_norm(flipped).lower <= norm.upper
    assert norm.lower <= hn.max_norm(np.kron(A, np.ones((2, 3)))).upper
    assert hn.max_norm(np.kron(A, np.ones((2, 3)))).lower <= norm.upper
    # The Schur multiplier with A.
    assert np.linalg.svd(A * B)[1][0] <= norm.upper * np.linalg.svd(B)[1][0] * (1 + 1e-14)


@pytest.mark.parametrize("seed", range(4))
def test_error_terms_cover_the_exact_ones(seed):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((4, 3)) * 10.0 ** rng.uniform(-3, 3)
    proof, rows = hn.max_norm(A).certificate, Rows(check_rows(A))
    x, y = rng.standard_normal(4), rng.standard_normal(3)
    W, loss = weighted_matrix(rows, x, y)
    X = [[Fraction(a) for a in row] for row in rows.block(0, 4).tolist()]
    apart = sum(
        (Fraction(x[i]) * X[i][j] * Fraction(y[j]) - Fraction(W[i, j])) ** 2 for i in range(4) for j in range(3)
    )
    assert apart <= Fraction(loss) ** 2
    U, V = proof.left + 1e-3 * rng.standard_normal(proof.left.shape), proof.right
    spoiled = dataclasses.replace(proof, left=U)
    first, second = ([[Fraction(a) for a in row] for row in side.tolist()] for side in (U, V))
    rest = [
        [X[i][j] - sum(a * b for a, b in zip(u, v, strict=True)) for j, v in enumerate(second)]
        for i, u in enumerate(first)
    ]
    lengths = [max(sum(a * a for a in row) for row in side) for side in (first, second, rest)]
    with precision():
        exact, floating = spoiled._exact_factors(rows), spoiled._factors(rows)
        true = float(lengths[0]) ** 0.5 * float(lengths[1]) ** 0.5 + float(lengths[2]) ** 0.5
        assert float(exact) == pytest.approx(true, rel=1e-14)
        assert exact <= floating
        assert float(floating) <= true * (1 + 1e-5)
        assert float(_longest_row(DyadicMatrix.from_floats(U))) ** 2 == pytest.approx(float(lengths[0]))


@pytest.mark.filterwarnings("ignore")
def test_forged_proofs_are_never_narrower_than_the_truth():
    rng = np.random.default_rng(3)
    A = rng.standard_normal((6, 5))
    best = hn.max_norm(A, rtol=1e-9)
    honest, verified = best.certificate, 0
    for trial in range(200):
        try:
            found = _changed(honest, rng, _lie) if trial % 5 == 0 else _changed(honest, rng)
            found = found.verify(A, exact=trial % 10 == 1)
        except hn.HypernormError:
            continue
        verified += 1
        assert found.lower <= best.upper
        assert found.upper >= best.lower
    assert verified > 10


def test_rules_and_limits():
    A = np.random.default_rng(4).standard_normal((9, 6))
    proof = hn.max_norm(A).certificate
    with pytest.raises(hn.CertificateError, match="must not all be zero"):
        dataclasses.replace(proof, row_weights=np.zeros(9)).verify(A)
    with pytest.raises(hn.CertificateError, match="it must be"):
        dataclasses.replace(proof, singular=hn.singular_values(A.T).certificate).verify(A)
    for change in (
        {"row_weights": np.full(9, 1e300), "column_weights": np.full(6, 1e300)},
        {"left": proof.left * 1e300, "right": proof.right * 1e300},
    ):
        with pytest.raises(hn.CertificateError, match=r"overflow|scale"):
            dataclasses.replace(proof, **change).verify(A)
    with pytest.warns(hn.ConvergenceWarning, match="above rtol"):
        found = hn.max_norm(A, rtol=1e-8, time_limit=1e-9)
    assert found.lower <= hn.max_norm(A).upper <= found.upper * (1 + 1e-6)
    with pytest.raises(hn.InvalidInputError, match="rtol"):
        hn.max_norm(A, rtol=2)
