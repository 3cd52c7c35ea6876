"""Enclosed singular values and the norms made of them: closed forms, oracles, rational arithmetic, forged proofs."""

import dataclasses
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import scipy.linalg
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import hypernorm as hn
from checks.forgeries import _changed, _lie
from hypernorm._validation import check_rows
from hypernorm.certificates import gauges, residuals
from hypernorm.certificates.factored import FactoredSingularValueCertificate
from hypernorm.certificates.singular_values import SingularValueCertificate
from hypernorm.forms import LowRank, Rows

GOLDEN = (1 + np.sqrt(5)) / 2


def matrix(seed, n=12, d=7):
    return np.random.default_rng(seed).standard_normal((n, d))


def fractions(A):
    return [[Fraction(x) for x in row] for row in A.tolist()]


def product(A, B):
    return [[sum(a * b for a, b in zip(row, column, strict=True)) for column in zip(*B, strict=True)] for row in A]


def squared(A):
    return sum(x * x for row in A for x in row)


def holds(found, value, width=1e-12):
    return found.lower <= value * (1 + 1e-14) and value * (1 - 1e-14) <= found.upper and found.gap <= width


@pytest.mark.parametrize(
    ("A", "values"),
    [
        (np.eye(5), [1] * 5),
        (np.ones((4, 9)), [6, 0, 0, 0]),
        (np.outer([3.0, 4.0], [1.0, 2.0, 2.0]), [15, 0]),
        (scipy.linalg.hadamard(8), [8**0.5] * 8),
        (np.diag([1.0, -5.0, 0.0, 2.0]), [5, 2, 1, 0]),
        (np.array([[1.0, 1.0], [0.0, 1.0]]), [GOLDEN, 1 / GOLDEN]),
        (np.zeros((3, 2)), [0, 0]),
        (np.array([[-7.0]]), [7]),
        (np.array([[3.0, 4.0]]), [5]),
    ],
)
def test_closed_forms(A, values):
    found = hn.singular_values(A)
    assert (found.lower <= np.array(values) * (1 + 1e-15)).all()
    assert (found.upper >= np.array(values) * (1 - 1e-15)).all()
    assert (found.upper - found.lower).max() <= 1e-13 * max(values[0], 1e-300)
    exact = found.certificate.verify(A, exact=True)
    assert exact.rigor is hn.Rigor.EXACT
    assert (np.array(exact.uppers) - exact.lowers).max() <= 1e-14 * max(values[0], 1e-300)


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1.0, 1e150, 1e300])
@pytest.mark.parametrize("shape", [(12, 7), (7, 12), (1, 9), (9, 1), (300, 4)])
def test_every_scale_and_shape(shape, scale):
    A = matrix(1, *shape) * scale
    found, true = hn.singular_values(A), np.linalg.svd(A / scale, compute_uv=False) * scale
    assert (found.lower <= true * (1 + 1e-13)).all()
    assert (true * (1 - 1e-13) <= found.upper).all()
    assert (found.upper - found.lower).max() <= 1e-11 * true[0]
    assert found.certificate.verify(A).uppers == tuple(found.upper)


def test_every_storage_is_the_same_matrix():
    A = np.round(matrix(2) * 4)
    proof = hn.singular_values(A).certificate
    for other in (
        sp.csr_array(A),
        pd.DataFrame(A),
        A.astype(np.float32),
        A.astype(int),
        A.tolist(),
        np.asfortranarray(A),
    ):
        assert proof.verify(other).uppers == pytest.approx(hn.singular_values(other).upper, rel=1e-12)
    with pytest.raises(hn.CertificateError, match="another matrix"):
        proof.verify(A + 1)
    with pytest.raises(hn.InvalidInputError, match="complex"):
        hn.singular_values(A + 1j)


def test_entries_that_scaling_flushes():
    A = np.diag([2.0**900, 2.0**-170, 3.0 * 2.0**-173])
    found = hn.singular_values(A)
    assert Rows(check_rows(A)).inexact
    assert found.lower[0] <= 2.0**900 <= found.upper[0]
    assert found.upper[1] >= 2.0**-170


@pytest.mark.parametrize("seed", range(5))
def test_error_terms_cover_the_exact_ones(seed):
    """Each bound is at least the norm in rational arithmetic, for exact and for spoiled decompositions."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((6, 4)) * 10.0 ** rng.uniform(-3, 3)
    rows = Rows(check_rows(A))
    U, s, V = np.linalg.svd(rows.block(0, 6), full_matrices=False)
    spoil = 0.0 if seed < 3 else 10.0 ** rng.uniform(-14, -1)
    U, V = U + spoil * rng.standard_normal(U.shape), V.T + spoil * rng.standard_normal(V.T.shape)
    gram = product(fractions(U.T), fractions(U))
    deviation = squared([[x - (i == j) for j, x in enumerate(row)] for i, row in enumerate(gram)])
    assert deviation <= Fraction(residuals.gram_deviation(U)) ** 2
    image = product(product(fractions(U), fractions(np.diag(s))), fractions(V.T))
    rest = squared(
        [[a - b for a, b in zip(*pair, strict=True)] for pair in zip(fractions(rows.block(0, 6)), image, strict=True)]
    )
    assert rest <= Fraction(residuals.residual(rows, U, s, V)) ** 2
    core = product(fractions(U[:4]), fractions(V.T))
    other = product(product(fractions(V), fractions(np.diag(s))), fractions(V.T))
    apart = squared([[a - b for a, b in zip(*pair, strict=True)] for pair in zip(core, other, strict=True)])
    assert apart <= Fraction(residuals.core_residual(U[:4], V, V, s, V)) ** 2
    assert float(residuals.exact_gram_deviation(U)) ** 2 == pytest.approx(float(deviation))
    assert float(residuals.exact_residual(rows, U, s, V)) ** 2 == pytest.approx(float(rest))
    assert float(residuals.exact_core_residual(U[:4], V, V, s, V)) ** 2 == pytest.approx(float(apart))
    assert float(residuals.exact_norm(rows)) == pytest.approx(np.linalg.norm(rows.block(0, 6)))
    assert squared(fractions(U)) <= Fraction(residuals.frobenius_norm(U)) ** 2


def test_long_sums_in_several_pieces():
    rng = np.random.default_rng(3)
    A = rng.standard_normal((300, 200))
    rows = Rows(check_rows(A))
    U, s, V = np.linalg.svd(rows.block(0, 300), full_matrices=False)
    assert float(residuals.exact_gram_deviation(U)) <= residuals.gram_deviation(U) <= 1e-10
    true = float(residuals.exact_residual(rows, U, s, V.T))
    assert true <= residuals.residual(rows, U, s, np.ascontiguousarray(V.T)) <= 1e-9
    found = hn.singular_values(A)
    assert ((found.upper - found.lower) / found.lower[0]).max() < 1e-10


@pytest.mark.parametrize("p", [1, 1.2, 1.5, 2, 3, 4.7, 50, np.inf])
def test_schatten_norms(p):
    for A in (matrix(4), matrix(5, 3, 9) * 1e-4):
        found = hn.schatten_norm(A, p)
        assert holds(found, np.linalg.norm(np.linalg.svd(A, compute_uv=False), p))
        assert found.certificate.verify(A).lower == found.lower
    assert holds(hn.schatten_norm(np.eye(6), p), 6 ** (1 / p))


def test_names_of_norms():
    assert [hn.schatten_norm(np.eye(2), p).quantity for p in (1, 2, np.inf, 3)] == [
        "nuclear norm of X",
        "Frobenius norm of X",
        "spectral norm of X",
        "Schatten 3-norm of X",
    ]
    assert hn.ky_fan_norm(np.eye(2), 2).quantity == "Ky Fan 2-norm of X"
    assert hn.k_support_norm(np.eye(2), 1).quantity == "1-support norm of X"


def k_support_by_cvxpy(s, k):
    """The box norm: the least Σ s_i²/θ_i over 0 < θ ≤ 1, Σ θ ≤ k."""
    cp = pytest.importorskip("cvxpy")
    theta = cp.Variable(len(s))
    cost = sum(cp.quad_over_lin(s[i], theta[i]) for i in range(len(s)))
    problem = cp.Problem(cp.Minimize(cost), [theta <= 1, cp.sum(theta) <= k])
    return float(problem.solve(solver="CLARABEL")) ** 0.5


@pytest.mark.parametrize("k", [1, 2, 4, 6, 7])
def test_ky_fan_and_k_support_norms(k):
    A = matrix(6)
    s = np.linalg.svd(A, compute_uv=False)
    assert holds(hn.ky_fan_norm(A, k), s[:k].sum())
    found = hn.k_support_norm(A, k)
    assert (found.lower + found.upper) / 2 == pytest.approx(k_support_by_cvxpy(s, k), rel=1e-5)
    if k in (1, 7):
        assert holds(found, s.sum() if k == 1 else np.linalg.norm(s))
    with_ties = np.diag([2.0, 2.0, 2.0, 1.0, 1.0, 0.0, 0.0])
    assert hn.k_support_norm(with_ties, k).gap < 1e-12


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["schatten", "ky_fan", "k_support"]))
def test_norms_are_invariant_and_satisfy_the_triangle_inequality(seed, kind):
    rng = np.random.default_rng(seed)
    n, d = (int(rng.integers(1, 9)) for _ in range(2))
    A, B = rng.standard_normal((n, d)), rng.standard_normal((n, d)) * 10.0 ** rng.uniform(-3, 3)
    k = int(rng.integers(1, min(n, d) + 1))
    norm = {
        "schatten": lambda A: hn.schatten_norm(A, 1.7),
        "ky_fan": lambda A: hn.ky_fan_norm(A, k),
        "k_support": lambda A: hn.k_support_norm(A, k),
    }[kind]
    assert norm(A + B).lower <= norm(A).upper + norm(B).upper
    turned = np.linalg.qr(rng.standard_normal((n, n)))[0] @ A
    assert norm(turned).lower <= norm(A).upper * (1 + 1e-13)
    assert norm(A).lower <= norm(turned).upper * (1 + 1e-13)
    assert norm(4 * A).upper == pytest.approx(4 * norm(A).upper, rel=1e-12)
    assert norm(A.T).upper == pytest.approx(norm(A).upper, rel=1e-12)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_dual_norms_bound_inner_products(seed):
    rng = np.random.default_rng(seed)
    A, B = rng.standard_normal((2, int(rng.integers(1, 8)), int(rng.integers(1, 8))))
    k = int(rng.integers(1, min(A.shape) + 1))
    inner = abs(float(np.sum(A * B)))
    values = hn.singular_values(B).upper
    assert inner <= hn.k_support_norm(A, k).upper * np.linalg.norm(values[:k]) * (1 + 1e-14)
    # The dual of the Ky Fan norm: the larger of the spectral norm and the nuclear norm over k.
    dual = max(values[0], values.sum() / k)
    assert inner <= hn.ky_fan_norm(A, k).upper * dual * (1 + 1e-14)
    p = float(rng.uniform(1.05, 8))
    assert inner <= hn.schatten_norm(A, p).upper * hn.schatten_norm(B, p / (p - 1)).upper * (1 + 1e-14)
    # Attained by the vector of the formula.
    s = np.linalg.svd(A, compute_uv=False)
    assert hn.k_support_norm(A, k).lower <= max(_dual_ratio(s, k, r) for r in range(k)) * (1 + 1e-12)


def _dual_ratio(s, k, r):
    y = s.copy()
    y[k - r - 1 :] = s[k - r - 1 :].sum() / (r + 1)
    return s @ y / np.linalg.norm(np.sort(y)[-k:])


def test_arguments_out_of_range():
    for call in (
        lambda: hn.schatten_norm(np.eye(2), 0.5),
        lambda: hn.ky_fan_norm(np.eye(2), 0),
        lambda: hn.ky_fan_norm(np.eye(2), 3),
        lambda: hn.k_support_norm(np.eye(2), 1.5),
        lambda: hn.LowRank(np.eye(2), np.eye(3)),
    ):
        with pytest.raises(hn.InvalidInputError) as caught:
            call()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["plain", "collinear", "tiny", "wide", "zero", "sparse", "one row"])
def test_products_are_their_matrices(kind):
    rng = np.random.default_rng(7)
    U, V = rng.standard_normal((60, 4)), rng.standard_normal((40, 4))
    if kind == "collinear":
        V[:, 3] = V[:, 2] + 1e-9 * V[:, 0]
        U[:, 1] = U[:, 0]
    elif kind == "tiny":
        U, V = U * 1e-200, V * np.array([1, 1e-3, 1e-6, 1e-9])
    elif kind == "wide":
        U, V = rng.standard_normal((3, 8)), rng.standard_normal((5, 8))
    elif kind == "zero":
        U = U * 0
    elif kind == "sparse":
        U = sp.csr_array(U * (rng.random(U.shape) < 0.3))
    elif kind == "one row":
        U = U[:1]
    product = LowRank(U, V)
    found = hn.singular_values(product)
    A = np.asarray((U.toarray() if sp.issparse(U) else U) @ V.T)
    true = np.linalg.svd(A, compute_uv=False)
    assert found.lower.shape == true.shape
    assert (found.lower <= true + 1e-13 * true[0]).all()
    assert (true - 1e-13 * true[0] <= found.upper).all()
    assert (found.upper - found.lower).max() <= 1e-12 * true[0]
    exact = found.certificate.verify(product, exact=True)
    assert exact.upper <= found.upper[0] * (1 + 1e-15)
    assert type(found.certificate) is FactoredSingularValueCertificate
    assert not found.upper[4 if kind != "wide" else 3 :].any()
    if kind == "plain":
        assert hn.schatten_norm(product, 1).upper == pytest.approx(true.sum(), rel=1e-12)
        assert hn.schatten_norm(product, 1).lower <= (np.sum(U**2) + np.sum(V**2)) / 2
        with pytest.raises(hn.CertificateError, match="product of two factors"):
            found.certificate.verify(A)
        with pytest.raises(hn.CertificateError, match="another matrix"):
            found.certificate.verify(LowRank(V, U))
        with pytest.raises(hn.CertificateError, match="fingerprint"):
            found.certificate.verify(LowRank(U, 2 * V))


@pytest.mark.filterwarnings("ignore")
def test_forged_proofs_are_never_narrower_than_the_truth():
    rng = np.random.default_rng(8)
    A = matrix(9, 8, 5)
    product = LowRank(A, matrix(10, 6, 5))
    for data, true in ((A, np.linalg.svd(A, compute_uv=False)), (product, np.linalg.svd(A @ matrix(10, 6, 5).T)[1])):
        honest, verified = hn.singular_values(data).certificate, 0
        for trial in range(150):
            try:
                found = _changed(honest, rng, _lie) if trial % 5 == 0 else _changed(honest, rng)
                found = found.verify(data, exact=trial % 10 == 1)
            except hn.HypernormError:
                continue
            verified += 1
            assert (np.array(found.lowers) <= true + 1e-13).all()
            assert (np.array(found.uppers) >= true - 1e-13).all()
        assert verified > 5


def test_order_and_count_are_checked():
    A = matrix(11)
    proof = hn.singular_values(A).certificate
    with pytest.raises(hn.CertificateError, match="the largest first"):
        dataclasses.replace(proof, values=proof.values[::-1].copy()).verify(A)
    with pytest.raises(hn.CertificateError, match="the largest first"):
        dataclasses.replace(proof, values=proof.values - 100).verify(A)
    more = (
        np.hstack([proof.left, proof.left[:, :1]]),
        np.append(proof.values, 0.0),
        np.hstack([proof.right, proof.right[:, :1]]),
    )
    with pytest.raises(hn.CertificateError, match="has no 8 singular values"):
        dataclasses.replace(proof, count=8, left=more[0], values=more[1], right=more[2]).verify(A)
    with pytest.raises(hn.CertificateError, match="overflow"):
        dataclasses.replace(proof, left=np.full_like(proof.left, 1e300)).verify(A)
    for kind, parameter in (("ky_fan", 8.0), ("k_support", 1.5), ("schatten", 1e7)):
        norm = hn.schatten_norm(A, 2).certificate
        with pytest.raises(hn.CertificateError):
            dataclasses.replace(norm, kind=kind, parameter=parameter).verify(A)


@pytest.mark.parametrize("scale", [1e-200, 1e-160, 1e-100, 1.0])
def test_lengths_count_even_if_their_squares_underflow(scale):
    """Large terms may hide entries of X in their rounding errors, also if a factor is too short for its squares."""
    rng = np.random.default_rng(12)
    left, right = rng.standard_normal((3, 2)) / np.sqrt(scale), rng.standard_normal((4, 2)) * scale
    values = np.array([1e12, 1.0]) / np.sqrt(scale)
    true = sum(
        Fraction(values[k]) ** 2 * squared(fractions(left[:, k : k + 1])) * squared(fractions(right[:, k : k + 1]))
        for k in range(2)
    )
    assert Fraction(residuals.total_length(left, values, right)) ** 2 >= true * Fraction(999, 1000)
    rows = Rows(check_rows(np.eye(3, 4)))
    assert residuals.residual(rows, left, values, right) >= 1e-16 * float(true) ** 0.5 * 0.1
    assert residuals.core_residual(left, right, left, values * 0, right) >= 0.99 * np.sqrt(scale)
    gram, error, size = residuals.blocked_gram(right)
    exact = product(fractions(right.T), fractions(right))
    apart = squared(
        [[a - Fraction(b) for a, b in zip(x, y, strict=True)] for x, y in zip(exact, gram.tolist(), strict=True)]
    )
    assert apart <= Fraction(error) ** 2
    assert squared(fractions(right)) <= Fraction(size) * Fraction(1001, 1000)


def test_terms_that_are_left_out_are_bounded_by_the_rest():
    A = np.diag([4.0, 3.0, 2.0, 1.0])
    whole = hn.singular_values(A).certificate
    few = dataclasses.replace(
        whole, count=2, left=whole.left[:, :2].copy(), values=whole.values[:2].copy(), right=whole.right[:, :2].copy()
    )
    found = few.verify(A)
    assert found.lowers[2:] == (0.0, 0.0)
    assert found.uppers[2] == pytest.approx(5**0.5, rel=2e-3)
    assert found.lowers[0] == pytest.approx(4 - 5**0.5, rel=2e-3)
    assert type(few) is SingularValueCertificate


def test_gauges_are_those_of_the_definitions():
    assert float(gauges.gauge("k_support", 2.0, [3.0, 2.0, 1.0])) == pytest.approx((9 + 9) ** 0.5)
    assert float(gauges.gauge("k_support", 3.0, [5.0, 1.0, 1.0, 1.0])) == pytest.approx((25 + 9 / 2) ** 0.5)
    with pytest.raises(hn.CertificateError, match="overflow"):
        gauges.gauge("k_support", 1.0, [np.inf, 1.0])


def test_results_show_themselves():
    found = hn.schatten_norm(np.eye(2), 1)
    assert repr(found).startswith("Enclosure(nuclear norm of X: lower=1.99999999999")
    assert found.is_exact()
    zero = hn.schatten_norm(np.zeros((2, 2)), 1)
    assert (zero.lower, zero.upper, zero.gap) == (0, 0, 0)
    with pytest.raises(ValueError, match="read-only"):
        hn.singular_values(np.eye(2)).lower[0] = 2.0
