"""Intervals for operator norms: known values, every region of (p, q), laws of norms, inputs."""

import importlib
import math
import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import hypernorm as hn
from hypernorm.bounds import RULES
from hypernorm.bounds.operator_power import conjugate_float, largest_vector
from hypernorm.certificates import TwoToQCertificate

INF = math.inf
GRID = (1, 1.2, 4 / 3, 1.5, 2, 2.5, 3, 4, 6, INF)
RNG = np.random.default_rng(0)


def norm(v, r):
    return float(np.linalg.norm(v, r))


def hadamard(order):
    H = np.ones((1, 1))
    while len(H) < order:
        H = np.block([[H, H], [H, -H]])
    return H


def paley():
    """The Hadamard matrix of order 12 from the squares modulo 11."""
    squares = {pow(k, 2, 11) for k in range(1, 11)}
    chi = [0] + [1 if k in squares else -1 for k in range(1, 11)]
    S = np.zeros((12, 12))
    S[0, 1:], S[1:, 0] = 1, -1
    S[1:, 1:] = [[chi[(j - i) % 11] for j in range(11)] for i in range(11)]
    return np.eye(12) + S


def chained(n):
    C = np.eye(n) + np.eye(n, k=1)
    C[n - 1, 0] = -1
    return C


def exactly(A, p, q, value, **options):
    """The interval contains the value, and both ends are within 1e-9 of it."""
    interval = hn.operator_norm(A, p, q, rtol=1e-9, random_state=0, **options)
    assert value * (1 - 1e-9) <= interval.lower <= value * (1 + 1e-12)
    assert value * (1 - 1e-12) <= interval.upper <= value * (1 + 1e-9)
    return interval


CELLS = [(p, q) for p in GRID for q in GRID]
DIAGONAL = np.array([3.0, -1.0, 0.5, 2.0])


@pytest.mark.parametrize(("p", "q"), [(1.2, 3), (4, 1.5), (3, 3), (INF, 1), (1, 2), (2.5, 2.5), (1.5, 1.2), (3, INF)])
def test_matrices_with_known_norms(p, q):
    dual = conjugate_float(p)
    u, v = np.array([1.0, -2.0, 3.0]), np.array([0.5, 1.0, -1.0, 2.0])
    exactly(np.outer(u, v), p, q, norm(u, q) * norm(v, dual))
    exactly(np.ones((3, 5)), p, q, 3 ** (1 / q) * 5 ** (1 - 1 / p))
    size = np.abs(DIAGONAL).max() if p <= q else norm(DIAGONAL, 1 / (1 / q - 1 / p))
    exactly(np.diag(DIAGONAL), p, q, size)
    permuted = np.eye(4)[[2, 0, 3, 1]] * [1, -1, 1, -1]
    exactly(permuted, p, q, 4 ** max(0, 1 / q - 1 / p))


@pytest.mark.parametrize("p", [1.2, 3, 6])
def test_nonnegative_matrices_with_p_equal_to_q(p):
    c = np.array([1.0, 2.0, 0.0, 0.5, 3.0])
    circulant = np.array([np.roll(c, k) for k in range(5)])
    assert exactly(circulant, p, p, c.sum()).certificate.kind == "perron"
    doubly = (np.eye(4) + np.ones((4, 4))[:, ::-1] / 4 + np.eye(4)[[1, 2, 3, 0]]) / 3
    exactly(doubly, p, p, 1.0)


def test_sections_of_hilbert_and_cesaro_matrices():
    k = np.arange(50.0)
    hilbert, cesaro = 1 / (k[:, None] + k + 1), np.tril(np.ones((50, 50))) / (k[:, None] + 1)
    for p in (1.5, 4):
        assert hn.operator_certificate(hilbert, p, p, rule="perron").upper < math.pi / math.sin(math.pi / p)
        assert hn.operator_certificate(cesaro, p, p, rule="perron").upper < p / (p - 1)
    assert hn.operator_certificate(hilbert, 2, 2, rule="perron").upper == pytest.approx(2.076297, abs=1e-6)
    assert hn.operator_certificate(cesaro, 2, 2, rule="perron").upper == pytest.approx(1.578304, abs=1e-6)


@pytest.mark.parametrize(("matrix", "value"), [(hadamard(2), 2), (hadamard(4), 8), (hadamard(8), 20), (paley(), 36)])
def test_signs_of_hadamard_matrices(matrix, value):
    order = len(matrix)
    exactly(matrix, INF, 1, value, method="exact")
    relaxed = hn.operator_certificate(matrix, INF, 1, random_state=0).upper
    assert order**1.5 * (1 - 1e-12) <= relaxed <= order**1.5 * (1 + 1e-9)


@pytest.mark.parametrize(("p", "q"), [(1.5, 3), (1.2, 1.5), (3, 4), (6, 2.5), (4, 1.5)])
def test_hadamard_matrices(p, q):
    order = 4
    power = 0.5 + 1 / q - 1 / p if p > 2 > q else max(1 / q, 1 - 1 / p)
    interval = hn.operator_norm(hadamard(order), p, q, random_state=0)
    assert interval.lower == pytest.approx(order**power, rel=1e-9)
    assert interval.upper >= order**power * (1 - 1e-12)
    assert interval.upper <= order**power * hn.operator_approximation_factor(p, q, order, order)


@pytest.mark.parametrize("n", [2, 3, 6])
def test_both_ends_of_the_gap_of_chained_matrices(n):
    exactly(chained(n), INF, 1, 2 * n - 2, method="exact")
    relaxed = hn.operator_certificate(chained(n), INF, 1, random_state=0).upper
    assert 2 * n * math.cos(math.pi / (2 * n)) <= relaxed * (1 + 1e-12)
    assert relaxed <= 2 * n * math.cos(math.pi / (2 * n)) * (1 + 1e-7)


def families(n):
    rng = np.random.default_rng(n)
    gauss = rng.standard_normal((n + 1, n))
    return {
        "gauss": gauss,
        "signs": np.sign(gauss),
        "cauchy": rng.standard_cauchy((n, n + 1)),
        "nonnegative": np.abs(gauss),
        "decaying": gauss * 4.0 ** -np.arange(n),
        "rank one": np.outer(gauss[:, 0], gauss[0]),
        "integers": rng.integers(-3, 4, (n, n)),
        "sparse": sp.csr_array(gauss * (rng.random(gauss.shape) < 0.4)),
    }


@pytest.mark.parametrize("family", families(4))
def test_every_cell_has_a_proved_bound_above_the_best_vector(family):
    A = families(4)[family]
    m, n = A.shape
    for p, q in CELLS[list(families(4)).index(family) % 3 :: 3]:
        interval = hn.operator_norm(A, p, q, method="cheap", random_state=0)
        assert 0 < interval.lower <= interval.upper < INF
        if p > 1 and q < INF:
            bound = hn.operator_certificate(A, p, q, random_state=0).upper
            limit = hn.operator_approximation_factor(p, q, m, n)
            # The least bound obeys the factor; the solver stops near it.
            assert interval.lower * (1 - 1e-12) <= bound <= interval.upper * limit * (1 + 1e-3)


@pytest.mark.parametrize(("p", "q"), [(3, 4), (1.5, 1.2), (1.2, 3), (4, 1.5)])
def test_the_climb_reports_the_least_bound(p, q):
    A = families(3)["gauss"]
    interval = hn.operator_norm(A, p, q, random_state=0)
    assert interval.upper == min(record.upper for record in interval.records)
    assert interval.certificate.verify(A).upper == interval.upper
    assert interval.witness.verify(A).lower == interval.lower
    assert interval.upper <= interval.lower * 1.06
    for method in ("cheap", "exact"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", hn.ConvergenceWarning)  # where no enumeration applies, see below
            other = hn.operator_norm(A, p, q, method=method, random_state=0)
        assert interval.lower * (1 - 1e-6) <= other.upper
        assert {record.kind for record in other.records} <= set(RULES)


@pytest.mark.parametrize(
    ("method", "p", "q", "columns", "rule"),
    [("exact", 3, 3, 6, "enumeration"), ("exact", INF, 1, 30, "enumeration"), ("sos", 4, 4 / 3, 6, "two_to_q")],
)
def test_a_method_that_adds_nothing_is_named(method, p, q, columns, rule):
    A = np.random.default_rng(0).standard_normal((columns, columns))
    with pytest.warns(hn.ConvergenceWarning, match=f'method="{method}" added nothing.*"{rule}" applies to') as caught:
        interval = hn.operator_norm(A, p, q, method=method, random_state=0)
    assert caught[0].filename == __file__
    assert interval.status is hn.Status.GAP


def test_a_method_that_applies_or_is_not_needed_says_nothing():
    A = np.random.default_rng(0).standard_normal((6, 5))
    assert hn.operator_norm(A, INF, 1, method="exact", random_state=0).is_exact()
    assert hn.operator_norm(A, 1, 3, method="exact", random_state=0).is_exact()
    assert "two_to_q" in [record.kind for record in hn.operator_norm(A, 3, 3, method="sos", random_state=0).records]


def test_the_norm_from_two_is_that_of_two_to_q_norm():
    A = families(4)["gauss"]
    for q in (2, 3.5, INF):
        ours, theirs = hn.operator_norm(A, 2, q, random_state=0), hn.two_to_q_norm(A, q, random_state=0)
        assert (ours.lower, ours.upper) == (theirs.lower, theirs.upper)
    dual = hn.operator_norm(A, 4 / 3, 2, random_state=0)
    same = hn.two_to_q_norm(A.T, 4, random_state=0)
    assert dual.upper == pytest.approx(same.upper, rel=1e-6)
    assert dual.lower == pytest.approx(same.lower, rel=1e-6)


matrices = st.integers(0, 2**31).map(lambda seed: np.random.default_rng(seed).standard_normal((3, 4)))
exponents = st.sampled_from(GRID)


def bound(A, p, q):
    rule = "edge" if p == 1 or q == INF else "weights"
    return hn.operator_certificate(A, p, q, rule=rule, random_state=0).upper


def attained(A, p, q):
    return hn.lower_bound(A, q, p=p, n_starts=24, random_state=0).value


@settings(max_examples=8, deadline=None)
@given(matrices, exponents, exponents)
def test_norms_and_bounds_obey_the_laws_of_norms(A, p, q):
    lower, upper = attained(A, p, q), bound(A, p, q)
    assert lower <= upper
    # Duality and scaling.
    q_dual, p_dual = conjugate_float(q), conjugate_float(p)
    assert attained(A.T, q_dual, p_dual) <= upper * (1 + 1e-12)
    assert bound(A * 2.0**40, p, q) == pytest.approx(upper * 2.0**40, rel=1e-6)
    # Permutations and signs of rows and columns.
    moved = -A[[2, 0, 1]][:, [3, 1, 0, 2]]
    assert attained(moved, p, q) <= upper * (1 + 1e-12)
    # Monotone in p and q.
    for r in GRID:
        if r >= q:
            assert attained(A, p, r) <= upper * (1 + 1e-12)
        if r <= p:
            assert attained(A, r, q) <= upper * (1 + 1e-12)


@settings(max_examples=8, deadline=None)
@given(matrices, st.tuples(exponents, exponents), st.tuples(exponents, exponents), st.floats(0.1, 0.9))
def test_complex_bounds_are_log_convex_above_the_norm(A, first, second, share):
    """Interpolated between any two bounds that hold for complex vectors, they bound the norm."""
    p = 1 / (share / first[0] + (1 - share) / second[0]) if first[0] < INF or second[0] < INF else INF
    q = 1 / (share / first[1] + (1 - share) / second[1]) if first[1] < INF or second[1] < INF else INF
    between = bound(A, *first) ** share * bound(A, *second) ** (1 - share)
    assert attained(A, max(p, 1.0), max(q, 1.0)) <= between * (1 + 1e-9)


def test_block_sums_have_the_larger_norm_for_p_up_to_q():
    A, B = families(3)["gauss"], families(4)["cauchy"]
    for p, q in ((1.5, 1.5), (1.2, 3), (3, 4)):
        blocks = sp.block_diag([A, B], format="csr")
        largest = max(attained(A, p, q), attained(B, p, q))
        assert attained(blocks.toarray(), p, q) == pytest.approx(largest, rel=1e-6)
        assert bound(blocks.toarray(), p, q) >= largest * (1 - 1e-12)


@pytest.mark.parametrize(("p", "q"), [(INF, 1), (3, 4), (1.5, 3), (4, 1.5), (1, 2), (3, INF), (1.5, 1.2)])
def test_unusual_matrices(p, q):
    for A in (np.ones((1, 4)), np.ones((4, 1)), np.array([[-3]])):
        m, n = A.shape
        exactly(A * 1e150, p, q, abs(A[0, 0]) * 1e150 * m ** (1 / q) * n ** (1 - 1 / p))
        exactly(A * 1e-150, p, q, abs(A[0, 0]) * 1e-150 * m ** (1 / q) * n ** (1 - 1 / p))
    zero = hn.operator_norm(np.zeros((2, 3)), p, q, random_state=0)
    assert zero.lower == zero.upper == 0
    assert zero.status is hn.Status.EXACT
    plain = families(4)["gauss"].round(2)
    wanted = hn.operator_norm(plain, p, q, method="cheap", random_state=0)
    padded = np.zeros((7, 6))
    padded[np.ix_([0, 2, 3, 5, 6], [1, 2, 4, 5])] = plain
    for other in (padded, pd.DataFrame(plain), sp.coo_array(plain), np.asfortranarray(plain), plain.tolist()):
        found = hn.operator_norm(other, p, q, method="cheap", random_state=0)
        assert found.upper == pytest.approx(wanted.upper, rel=1e-9)
        assert found.certificate.verify(other).upper == found.upper


@pytest.mark.parametrize("phase", [1, 1j])
def test_diagonal_matrices_of_very_different_numbers(phase):
    """The relaxation has entries below the range of floats."""
    A = np.fliplr(np.diag([1e-150, 1.0, 1e120])) * phase
    for p, q in ((3, 2), (8, 1.5), (INF, 1)):
        certificate = hn.operator_certificate(A, p, q, random_state=0)
        assert 1e120 <= certificate.verify(A, exact=True).upper < 1e120 * (1 + 1e-6)
        interval = hn.operator_norm(A, p, q, random_state=0)
        assert interval.is_exact()


@pytest.mark.parametrize(
    ("p", "q"), [(1.00001, 1.0001), (1 + 1e-13, 1 + 1e-7), (1e6, 1e5), (1e5, 1e6), (1e6, 1 + 1e-6)]
)
def test_exponents_near_the_corners(p, q):
    A = np.abs(np.random.default_rng(0).standard_normal((6, 5)))
    for matrix in (A, sp.csr_array(A), A * 1j):
        interval = hn.operator_norm(matrix, p, q, random_state=0)
        corner = hn.operator_norm(A, 1 if p < 2 else INF, 1 if q < 2 else INF, random_state=0)
        assert interval.certificate.verify(matrix, exact=True).upper <= interval.upper * (1 + 1e-9)
        # Each norm of a vector changes by at most the factor 6 to the power of the difference of the inverse exponents.
        assert 0.999 * corner.lower < interval.lower <= interval.upper < 1.001 * corner.upper


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.eye(2), 0.5, 2), "p must be at least 1"),
        ((np.eye(2), 2, 0.5), "q must be at least 1"),
        ((np.eye(2), math.nan, 2), "p must be a real number"),
        ((np.eye(2), "inf", 2), "p must be a real number"),
        ((np.eye(2), 3, None), "q must be a real number"),
        ((np.eye(2), 3, 1e7), "q must be at most"),
        ((np.array([[1j, math.nan]]), 3, 3), "the real part of A has the entry nan"),
        ((np.array([[math.nan]]), 3, 3), "A has the entry nan"),
        ((np.ones(3), 3, 3), "A must be two-dimensional"),
    ],
)
def test_input_that_cannot_be_used(arguments, message):
    for function in (hn.operator_norm, hn.operator_certificate):
        with pytest.raises(hn.InvalidInputError, match=message):
            function(*arguments)


def test_arguments_that_cannot_be_used():
    with pytest.raises(hn.InvalidInputError, match="method must be one of"):
        hn.operator_norm(np.eye(2), 3, 3, method="best")
    with pytest.raises(hn.InvalidInputError, match="rule must be one of"):
        hn.operator_certificate(np.eye(2), 3, 3, rule="best")
    for p, q, rule in ((3, 3, "edge"), (1, 2, "perron"), (3, INF, "weights"), (3, 1.5, "two_to_q")):
        if rule == "perron":
            continue
        with pytest.raises(hn.InvalidInputError, match="applies to"):
            hn.operator_certificate(np.eye(2), p, q, rule=rule)
    with pytest.raises(hn.InvalidInputError, match="applies to"):
        hn.operator_certificate(np.ones((25, 25)), INF, 1, rule="enumeration")
    with pytest.raises(hn.InvalidInputError, match="m must be"):
        hn.operator_approximation_factor(3, 3, 0, 3)


def test_approximation_factors():
    factor = hn.operator_approximation_factor
    assert factor(1, 3, 9, 9) == factor(3, INF, 9, 9) == factor(2, 2, 9, 9) == 1
    assert factor(INF, 1, 9, 9) == pytest.approx(math.pi / (2 * math.log(1 + math.sqrt(2))))
    assert factor(INF, 2, 9, 9) == pytest.approx(math.sqrt(math.pi / 2))
    assert factor(4, 2, 9, 9) == pytest.approx(1.1491, abs=1e-4)
    assert factor(4, 4 / 3, 9, 9) == pytest.approx(1.5111, abs=1e-4)
    third = (2 * math.sqrt(2 / math.pi)) ** (1 / 3)  # γ_3
    assert factor(3, 1, 9, 9) == pytest.approx(third * math.sqrt(math.pi / 2))  # γ_3/γ_1
    assert factor(1e6, 1 + 1e-6, 9, 9) == factor(INF, 1, 9, 9)
    for p, q in CELLS:
        assert 1 <= factor(p, q, 50, 70) == pytest.approx(factor(conjugate_float(q), conjugate_float(p), 70, 50))
        assert factor(p, q, 50, 50) <= (1.7823 if p >= 2 >= q else max(1.26 * 50 ** Fraction(1, 8), 50**0.196))


def test_a_limit_of_time_keeps_what_is_proved():
    interval = hn.operator_norm(families(9)["gauss"], 3, 4, time_limit=1e-6, random_state=0)
    assert interval.status is hn.Status.TIME_LIMIT
    assert 0 < interval.lower <= interval.upper < INF


def test_an_enumeration_that_would_take_too_long_is_not_started():
    A = np.random.default_rng(1).standard_normal((40, 24))
    interval = hn.operator_norm(A, INF, 2.5, method="exact", time_limit=0.05, random_state=0)
    assert interval.status is hn.Status.TIME_LIMIT
    assert "enumeration" not in [record.kind for record in interval.records]


def test_the_certificate_of_a_2_to_q_norm_is_proved_once(monkeypatch):
    proved = []
    monkeypatch.setattr(
        TwoToQCertificate, "bound", lambda self, matrix, exact: proved.append(1)
    )  # what the search proves is enough
    A = families(4)["gauss"]
    certificate = hn.operator_certificate(A, 3, 4, rule="two_to_q", random_state=0)
    assert not proved
    monkeypatch.undo()
    for exact in (False, True):
        assert certificate.verify(A, exact=exact).upper == pytest.approx(certificate.upper, rel=1e-12)


def test_lower_bounds_for_other_norms_of_vectors():
    A = families(4)["gauss"]
    witness = hn.lower_bound(A, 3, p=INF, random_state=0)
    assert isinstance(witness, hn.OperatorWitness)
    signs = np.array(np.meshgrid(*[[-1, 1]] * 4)).reshape(4, -1)
    assert witness.value == pytest.approx(np.linalg.norm(A @ signs, 3, axis=0).max(), rel=1e-12)
    with pytest.raises(hn.InvalidInputError, match="starts must have"):
        hn.lower_bound(A, 3, p=1.5, starts=np.ones((1, 3)))
    assert hn.lower_bound(A, 3, p=1.5, starts=np.ones((1, 4)), n_starts=1, random_state=0).value > 0
    assert hn.lower_bound(np.zeros((2, 2)), 3, p=1.5).value == 0


def searched_from_starts_only(A, p, q, rng, *, n_starts, starts=None, deadline=INF):
    """The power method, or without starts a vector that attains little."""
    return np.eye(1, A.shape[1])[0] if starts is None else largest_vector(A, p, q, rng, n_starts=1, starts=starts)


@pytest.mark.parametrize(("p", "q"), [(INF, 1), (3, 1), (INF, 2.5)])
def test_the_vector_of_an_enumeration_is_found(p, q, monkeypatch):
    """Also where the search has missed it."""
    A = np.random.default_rng(0).standard_normal((12, 40))
    A = A if q == 1 else A.T
    A[:, 3] = 0
    module = importlib.import_module("hypernorm.bounds.operator_norm")
    monkeypatch.setattr(module, "largest_vector", searched_from_starts_only)
    interval = hn.operator_norm(A, p, q, method="exact", random_state=0)
    assert interval.certificate.kind == "enumeration"
    assert interval.is_exact(1e-9)
    assert interval.witness.verify(A).lower == interval.lower
