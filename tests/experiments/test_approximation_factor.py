"""The search for loose bounds: its gradient, what it returns, and the theorem that limits it."""

import itertools
import math

import numpy as np
import pytest

import hypernorm as hn
from experiments import approximation_factor as experiment
from hypernorm.datasets import inexact_norms, isometric_embedding, known_norms, lifted_embedding

KNOWN = [
    *(known for known in known_norms() if known.q == 4),
    *inexact_norms(),
    *(family(d) for family in (isometric_embedding, lifted_embedding) for d in (2, 4, 9)),
]


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.name)
@pytest.mark.parametrize("kind", ["row_norm", "flattening", "realigned", "moment"])
def test_no_known_norm_exceeds_the_proved_worst_case(known, kind):
    """Theorem 15 of docs/theory/upper_bounds.md."""
    ratio = hn.spectral_bound(known.matrix, 4, kind).verify(known.matrix).upper / known.value
    factor = experiment.sharper_factor(known.matrix.shape[1], kind)
    assert ratio <= factor * (1 + 1e-7)
    assert factor <= hn.approximation_factor(known.matrix.shape[1], 4, kind) * (1 + 1e-15)


@pytest.mark.parametrize("d", [2, 3, 6])
def test_lemma_on_products_of_squares(d):
    """Lemma 14: Σ ⟨a, x⟩²⟨b, x⟩² ≤ ω(‖a‖²‖b‖² + ⟨a, b⟩²)/2, on the embedding, where ω = 1, and on the lifted one."""
    rng = np.random.default_rng(d)
    a, b = rng.standard_normal((2, d, 300))
    for known in (isometric_embedding(d), lifted_embedding(d)):
        products = ((known.matrix @ a) ** 2 * (known.matrix @ b) ** 2).sum(axis=0)
        squares = (a**2).sum(axis=0) * (b**2).sum(axis=0)
        assert (products <= known.value**4 * (squares + (a * b).sum(axis=0) ** 2) / 2 * (1 + 1e-12)).all()


def test_gradient_of_the_search():
    rng = np.random.default_rng(0)
    X, V = rng.standard_normal((7, 3)), rng.standard_normal((3, 50))
    V /= np.linalg.norm(V, axis=0)
    # With its ten steps of power iteration the eigenvalue is accurate to about its gap to the power 20.
    _, gradient = experiment._tightness(X.ravel(), V, 40.0)
    for index in range(X.size):
        step = np.zeros(X.size)
        step[index] = 1e-5
        up, down = (experiment._tightness(X.ravel() + sign * step, V, 40.0)[0] for sign in (1, -1))
        assert gradient[index] == pytest.approx((up - down) / 2e-5, rel=1e-4, abs=1e-6)


def dense_realigned(X):
    """λ_max of Σ ⟨x_i, x_j⟩² (x_i ⊗ x_i')(x_j ⊗ x_j')ᵀ written out, on all matrices."""
    d = X.shape[1]
    N = np.einsum("ij,ia,jb,ic,jd->abcd", (X @ X.T) ** 2, X, X, X, X, optimize=True).reshape(d * d, d * d)
    return np.linalg.eigvalsh((N + N.T) / 2)[-1]


@pytest.mark.parametrize(("family", "d"), [("search from Gaussian", 2), ("search from embedding", 3)])
def test_search_returns_what_the_row_claims(family, d):
    case = {"family": family, "n": 4 * d * d, "d": d, "seed": 0}
    X, known = experiment.build(**case)
    row = experiment.trial(**case)
    assert known == math.inf
    assert row["rows"] == len(X)

    certificate = hn.spectral_bound(X, 4, "realigned")
    upper = certificate.verify(X, exact=True).upper
    assert upper == pytest.approx(dense_realigned(X) ** 0.125, rel=1e-7)
    assert row["realigned"] * row["lower"] == pytest.approx(upper, rel=1e-12)

    attained = hn.lower_bound(X, n_starts=64, random_state=1).verify(X, exact=True).lower
    assert attained == pytest.approx(row["lower"], rel=1e-5)
    assert row["lower"] <= hn.sos_bound(X, random_state=1).verify(X, exact=True).upper <= row["lower"] * (1 + 1e-5)
    assert experiment.safe(row) == pytest.approx(((d + 2) / 3) ** 0.125, rel=1e-4)
    assert experiment.safe(row) <= experiment.sharper_factor(d, "realigned")


@pytest.mark.parametrize("d", [9, 16])
def test_tensor_square_has_norm_one(d):
    known = experiment._tensor_square(d)
    witness = hn.lower_bound(known.matrix, random_state=0)
    assert witness.value == pytest.approx(1, rel=1e-9)
    V = np.random.default_rng(0).standard_normal((d, 500))
    assert (np.linalg.norm(known.matrix @ V, 4, axis=0) <= np.linalg.norm(V, axis=0) * (1 + 1e-12)).all()


def test_form_of_the_roots():
    V = np.random.default_rng(0).standard_normal((5, 20))
    form = 6 * (V**2).sum(axis=0) ** 2 + (2 * 5 - 8) * (V**4).sum(axis=0)
    np.testing.assert_allclose(((experiment._roots(5) @ V) ** 4).sum(axis=0), form, rtol=1e-12)


def test_every_case_can_be_built_and_is_unlike_the_others():
    cases = list(experiment.PRESETS["paper"]())
    assert len({str(case) for case in cases}) == len(cases)
    for case in cases:
        if case["family"] not in experiment.SEARCHES and case["d"] <= 20:
            X, _ = experiment.build(**case)
            assert X.shape == (case["n"] or len(X), case["d"])


def row(**changes):
    usual = {"row_norm": 1.3, "flattening": 1.2, "realigned": 1.1, "sos": 1.0, "above": 1.0, "lower": 1.0}
    return {"family": "signs", "n": 40, "rows": 40, "d": 10, "seed": 0, **usual, **changes}


def test_verdict_notices_each_refutation():
    d = 10
    embedding = row(
        family="isometric embedding", n=None, flattening=1.41, row_norm=1.41, realigned=((d + 2) / 3) ** 0.125
    )
    rows = [row(), embedding]
    assert "Verdict: stands" in experiment.verdict(rows)
    refuted = [{"realigned": 1.3, "flattening": 1.31}, {"flattening": 1.09}, {"sos": 1.00001}, {"row_norm": 1.1}]
    for changes in refuted:
        assert "REFUTED" in experiment.verdict([row(**changes), embedding]), changes
    assert "REFUTED" in experiment.verdict([row(), {**embedding, "realigned": 1.15}])
    # A ratio to the lower bound alone decides nothing: the lower bound may be poor.
    assert "Verdict: stands" in experiment.verdict(
        [row(sos=None, above=None, realigned=1.9, flattening=1.9, row_norm=2), embedding]
    )
    assert all(name in experiment.table(rows) for name in ("signs", "isometric embedding"))


def test_exponent_of_a_power_of_the_dimension():
    for power, d in itertools.product((0.05, 0.125), (4, 30)):
        assert experiment.exponent(row(d=d, realigned=d**power * 1.01, above=1.01)) == pytest.approx(power)
