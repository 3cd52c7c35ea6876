"""The vectors with a guarantee: the theorem, its candidates, and the promise of `two_to_q_norm`."""

import math
import time
from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

import hypernorm as hn
from hypernorm import _validation, datasets
from hypernorm._validation import check_rows
from hypernorm.bounds import candidates as module
from hypernorm.bounds import two_to_q
from hypernorm.bounds.candidates import best_candidates
from hypernorm.bounds.power import search
from hypernorm.bounds.propose import Search, propose
from hypernorm.bounds.reduction import Reduction
from hypernorm.exceptions import CertificateError
from hypernorm.forms import Rows, moment_matrix
from tests.oracles import norms as oracle


def design(n, d, rng):
    """Rows of an isometric or lifted embedding, turned."""
    family = (datasets.isometric_embedding, datasets.lifted_embedding)[int(rng.integers(2))]
    return family(max(d, 2)).matrix @ np.linalg.qr(rng.standard_normal((max(d, 2),) * 2))[0]


def sparse_signs(n, d, rng):
    X = rng.integers(-1, 2, (n, d)) * (rng.random((n, d)) < 0.4)
    X[0, 0] = 1
    return X.astype(float)


def planted(n, d, rng):
    X = rng.standard_normal((n, d))
    X[: max(1, n // 8), 0] += rng.uniform(1, 6)
    return X


FAMILIES = {
    "design": design,
    "Cauchy": lambda n, d, rng: rng.standard_cauchy((n, d)),
    "sparse signs": sparse_signs,
    "rank one": lambda n, d, rng: np.outer(rng.standard_normal(n), rng.standard_normal(d)),
    "nearly rank one": lambda n, d, rng: (
        np.outer(rng.standard_normal(n), rng.standard_normal(d)) + 0.1 * rng.standard_normal((n, d))
    ),
    "planted": planted,
    "Gaussian": lambda n, d, rng: rng.standard_normal((n, d)),
    "orthogonal bases": lambda n, d, rng: np.vstack(
        [np.linalg.qr(rng.standard_normal((d, d)))[0] for _ in range(1 + n // d)]
    ),
}


def candidates(X, U):
    """All of them, as columns."""
    second = (X * (X * X).sum(axis=1)[:, None]).T @ X
    V = np.hstack([np.eye(X.shape[1]), np.linalg.eigh(second)[1][:, -1:], X.T, U @ X.T])
    return V[:, np.abs(V).max(axis=0) > 0]


def values(X, V):
    return (np.linalg.norm(X @ V, 4, axis=0) / np.linalg.norm(V, axis=0)) ** 4


def ratio_of_candidates(X):
    """The proved upper bound over the proved value of the best candidate, without any search; and the rank."""
    data = Reduction(Rows.identified(check_rows(X)))
    proposed = propose(data, 4.0, "realigned", Search())
    norm = getattr(proposed.certificate, "norm", proposed.certificate)
    best = best_candidates(data.rows, norm.matrices[-1])[:, 0]
    witness = hn.Witness.of_rows(data.whole, data.lifted(best), 4.0)
    return proposed.upper / witness.value, data.rows.shape[1]


def largest_exponent(count):
    """The largest ratio as a power of d; no ratio is larger than d^{1/8}."""
    largest = 0.0
    for seed in range(count):
        rng = np.random.default_rng([8, seed])
        family = list(FAMILIES)[seed % len(FAMILIES)]
        X = FAMILIES[family](int(rng.integers(1, 30)), int(rng.integers(1, 9)), rng)
        ratio, d = ratio_of_candidates(X)
        assert ratio <= d**0.125 * (1 + 1e-6), (family, seed)
        largest = max(largest, math.log(ratio, d) if d > 1 else 0.0)
    return largest


# On designs of eight columns the ratio is (10/3)^{1/8}.
@pytest.mark.parametrize("count", [160, pytest.param(2000, marks=pytest.mark.slow)])
def test_the_candidates_alone_keep_the_promise(count):
    assert math.log(10 / 3, 8) / 8 <= largest_exponent(count) * (1 + 1e-6) < 0.08


@given(st.integers(0, 10_000), st.integers(1, 7), st.integers(1, 4), st.sampled_from(list(FAMILIES)))
def test_the_theorem_holds_for_every_symmetric_matrix(seed, n, d, family):
    rng = np.random.default_rng(seed)
    X = FAMILIES[family](n, d, rng)
    Y = rng.standard_normal((X.shape[1],) * 2)
    Y += Y.T
    best = values(X, candidates(X, Y)).max()
    N = X.T @ ((X @ X.T) ** 2 * (X @ Y @ X.T)) @ X
    assert (Y * N).sum() <= X.shape[1] * best**2 * (Y * Y).sum() * (1 + 1e-10)
    if len(X) < 8:
        np.testing.assert_allclose(N, oracle.realigned_map(X, Y), rtol=1e-8, atol=1e-8 * np.abs(N).max())


@pytest.mark.parametrize("family", FAMILIES)
def test_the_matrix_of_a_certificate_is_nearly_an_eigenmatrix(family):
    """⟨U, N(U)⟩ ≥ λ(1 − 3√d ε)‖U‖² for the bound λ, at most (1 + ε) times the eigenvalue."""
    X = FAMILIES[family](20, 4, np.random.default_rng(0))
    X = X[:, :1] if "rank" in family else X
    d = X.shape[1]
    certificate = hn.spectral_bound(X, rtol=1e-4)
    U, upper = certificate.matrices[-1], certificate.upper**8
    eigenvalue = oracle.spectral_value(X, 4, "realigned") ** 8
    quotient = (U * oracle.realigned_map(X, U)).sum() / (U * U).sum()
    assert quotient >= upper * (1 - 3 * math.sqrt(d) * (upper / eigenvalue - 1)) * (1 - 1e-9)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_best_of_all_candidates_are_found(family):
    rng = np.random.default_rng(1)
    X = FAMILIES[family](60, 3, rng)
    U = rng.standard_normal((X.shape[1],) * 2)
    U = U @ U.T
    expected = np.sort(values(X, candidates(X, U)))[::-1]
    rows = [Rows(X), Rows(sp.csr_array(X)), Rows(X)]
    moment_matrix(rows[2], 2)  # as after a realigned bound through the slices
    for each in rows:
        V = best_candidates(each, U, count=5)
        np.testing.assert_allclose(np.linalg.norm(V, axis=0), 1, rtol=1e-12)
        np.testing.assert_allclose(values(X, V), expected[:5], rtol=1e-10)


@pytest.mark.parametrize("moments", [False, True])
def test_blocks_of_candidates_and_chunks_of_rows(monkeypatch, moments):
    monkeypatch.setattr(module, "_BLOCK", 7)
    rng = np.random.default_rng(2)
    X = rng.standard_normal((50, 4))
    X[3:16] = 0  # one block has no candidate
    expected = np.sort(values(X, candidates(X, np.eye(4))))[::-1]
    for data in (X, da.from_array(X, chunks=(20, 4)), X.astype(np.float32).astype(float)):
        rows = Rows(check_rows(data))
        if moments:
            moment_matrix(rows, 2)
        np.testing.assert_allclose(values(X, best_candidates(rows, np.eye(4))), expected[:8], rtol=1e-6)


def test_large_arrays_whose_pages_are_checked(monkeypatch):
    X = np.random.default_rng(3).standard_normal((50, 4))
    monkeypatch.setattr(_validation, "LARGE_BYTES", 0)
    rows = Rows(check_rows(X))
    expected = np.sort(values(X, candidates(X, np.eye(4))))[::-1]
    np.testing.assert_allclose(values(X, best_candidates(rows, np.eye(4))), expected[:8], rtol=1e-10)


def test_rows_of_very_different_lengths():
    X = np.random.default_rng(3).standard_normal((9, 3)) * np.geomspace(1e-140, 1e140, 9)[:, None]
    ratio, d = ratio_of_candidates(X)
    assert ratio <= d**0.125 * (1 + 1e-6)


def test_after_the_deadline_the_best_so_far_is_returned(monkeypatch):
    X = np.random.default_rng(4).standard_normal((30, 3))
    assert best_candidates(Rows(X), np.eye(3), deadline=0.0).shape == (3, 0)
    monkeypatch.setattr(module, "_BLOCK", 2)
    real, passed = module._by_rows, []

    def slow(rows, V):
        passed.append(V)
        if len(passed) == 3:
            raise module.DeadlineError
        return real(rows, V)

    monkeypatch.setattr(module, "_by_rows", slow)
    found = best_candidates(Rows(X), np.eye(3), deadline=time.perf_counter() + 100)
    assert found.shape == (3, 4)  # the leading eigenvector and the axes


def without_luck(monkeypatch, failing=()):
    """From now on `two_to_q_norm` has no starts but the candidates, and some kinds of certificates cannot be proved."""

    def search_from(rows, q, rng, *, n_starts=128, starts=None, **options):
        if starts is not None:
            return search(rows, q, rng, n_starts=n_starts, starts=starts, **options)
        shortest = rows.taken(np.argsort(rows.norms)[:1])[0]
        return shortest / np.linalg.norm(shortest)

    def propose_bare(data, q, kind, options):
        if kind in failing:
            raise CertificateError("rounding errors are too large")
        return replace(propose(data, q, kind, options), vectors=np.empty((data.rows.shape[1], 0)))

    monkeypatch.setattr(two_to_q, "search", search_from)
    monkeypatch.setattr(two_to_q, "propose", propose_bare)


def poor():
    """A matrix on which the shortest row is much worse than d^{1/8}."""
    return np.vstack([np.eye(20)[0] * 30, np.random.default_rng(5).standard_normal((40, 20))])


@pytest.mark.parametrize("few", [0, 3000])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array, lambda X: da.from_array(X, chunks=(15, 20))])
def test_the_promise_needs_no_luck(monkeypatch, few, container):
    without_luck(monkeypatch, failing=("split",))
    monkeypatch.setattr(two_to_q, "_FEW_CANDIDATES", few)
    interval = hn.two_to_q_norm(container(poor()), method="spectral", random_state=0)
    assert [record.kind for record in interval.records] == ["row_norm", "flattening", "realigned"]
    assert interval.upper <= interval.lower * 20**0.125
    monkeypatch.setattr(two_to_q, "best_candidates", lambda rows, *others: rows.taken(np.argsort(rows.norms)[:1]).T)
    monkeypatch.setattr(two_to_q, "search", lambda rows, q, rng, starts=None, **options: rows.block(40, 41)[0])
    interval = hn.two_to_q_norm(poor(), method="spectral", random_state=0)
    assert interval.upper > interval.lower * 20**0.125


def test_the_realigned_bound_comes_last_if_the_others_leave_a_wide_interval(monkeypatch):
    assert "realigned" not in [record.kind for record in hn.two_to_q_norm(poor(), random_state=0).records]
    without_luck(monkeypatch, failing=("split", "sos"))
    interval = hn.two_to_q_norm(poor(), random_state=0)
    assert [record.kind for record in interval.records] == ["row_norm", "flattening", "realigned"]
    assert interval.upper <= interval.lower * 20**0.125
    assert "realigned" not in [record.kind for record in hn.two_to_q_norm(poor(), 5, random_state=0).records]


def test_many_candidates_are_tried_only_if_they_are_needed(monkeypatch):
    calls = []
    monkeypatch.setattr(two_to_q, "best_candidates", lambda *arguments: calls.append(1) or best_candidates(*arguments))
    X = np.random.default_rng(7).standard_normal((60, 20))
    hn.two_to_q_norm(X, method="spectral", random_state=0)
    assert calls == [1]
    monkeypatch.setattr(two_to_q, "_FEW_CANDIDATES", 0)
    hn.two_to_q_norm(X, method="spectral", random_state=0)
    assert calls == [1]
    hn.two_to_q_norm(X, 5, method="spectral", random_state=0)
    assert calls == [1]


def test_wide_matrices_have_the_promise_of_their_rank():
    X = np.random.default_rng(8).standard_normal((6, 40))
    ratio, d = ratio_of_candidates(X)
    assert d == 6
    assert ratio <= d**0.125 * (1 + 1e-6)
