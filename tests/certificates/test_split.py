"""Split certificates: closed forms, the theorem's conditions recomputed from the stored numbers, tampering."""

import dataclasses

import numpy as np
import pytest
import scipy.sparse as sp

import hypernorm as hn
from hypernorm.bounds import split_forms, split_solver
from hypernorm.bounds.deadlines import DeadlineError
from hypernorm.bounds.propose import Search, propose
from hypernorm.bounds.split_forms import form_of, side_of
from hypernorm.certificates import ReducedCertificate, SplitCertificate
from hypernorm.datasets import gaussian, heavy_tailed, signs
from hypernorm.exceptions import CertificateError, InvalidInputError
from hypernorm.forms import Rows


@pytest.fixture
def row_span(monkeypatch):
    """The solver works in the span of x_i x_iᵀ, as it does for many columns."""
    monkeypatch.setattr(split_forms, "_LARGEST_DOUBLE", 0)


def split(X, q=4.0):
    found = hn.spectral_bound(X, q, kind="split")
    assert type(found) is SplitCertificate
    return found


def matrices_of(certificate, X):
    """U_1, …, U_r as stored, for q = 4."""
    d = X.shape[1]
    columns = certificate.directions.astype(float).T
    if certificate.span == "rows":
        Y = np.ldexp(X, -certificate.exponent)
        return [(Y.T * g) @ Y for g in columns]
    parts = []
    for column in columns:
        part = np.zeros((d, d))
        part[np.triu_indices(d)] = column
        parts.append(part + np.triu(part, 1).T)
    return parts


@pytest.mark.parametrize("spans", ["pairs", "rows"])
@pytest.mark.parametrize(("n", "d"), [(12, 6), (40, 4), (5, 5), (9, 1), (8, 20)])
def test_the_conditions_hold_for_the_stored_numbers(n, d, spans, monkeypatch):
    if spans == "rows":
        monkeypatch.setattr(split_forms, "_LARGEST_DOUBLE", 0)
    X = np.random.default_rng(n + d).standard_normal((n, d))
    proposed = propose(Rows.identified(X), 4.0, "split", Search())
    certificate = proposed.certificate
    Y, parts = np.ldexp(X, -certificate.exponent), matrices_of(certificate, X)
    # T and Σ U_k⟨U_k, ·⟩ as matrices on all of R^{d×d}, of which the symmetric matrices are a subspace.
    T = sum(np.outer(np.kron(y, y), np.kron(y, y)) for y in Y)
    rest = certificate.shift * np.eye(d * d) + sum(np.outer(U.ravel(), U.ravel()) for U in parts) - T
    assert np.linalg.eigvalsh(rest)[0] > -1e-12
    ratio = certificate.values[0] - certificate.shift
    N = sum(np.kron(U, U) for U in parts)
    assert np.linalg.eigvalsh(N)[-1] <= ratio * (1 + 1e-9)
    image = sum(U @ certificate.matrices[0] @ U for U in parts)
    assert np.linalg.eigvalsh(ratio * certificate.matrices[0] - image)[0] > -1e-12
    assert certificate.upper == pytest.approx(certificate.values[0] ** 0.25 * 2.0**certificate.exponent, rel=1e-12)
    assert proposed.upper >= hn.lower_bound(X, 4, random_state=0).value


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1.0, 1e150])
@pytest.mark.parametrize(
    ("X", "truth"),
    [
        (np.eye(5), 1.0),
        (np.array([[3.0, 4.0]]), 5.0),
        (np.array([[2.0], [1.0]]), 17**0.25),
        (np.array([[1.0, 1.0], [1.0, -1.0]]), 2**0.5),
        (np.diag([1.0, 3.0, 2.0]), 3.0),
    ],
)
def test_closed_forms(X, truth, scale):
    found = hn.spectral_bound(scale * X, 4, kind="split")
    for exact in (False, True):
        upper = found.verify(scale * X, exact=exact).upper
        assert truth * scale * (1 - 1e-12) <= upper <= 1.002 * truth * scale


@pytest.mark.parametrize("q", [2.5, 3.0, 4.0, 5.0, 7.3, 40.0])
def test_it_improves_on_the_realigned_bound(q):
    for X in (gaussian(40, 10, 0), signs(40, 10, 0), heavy_tailed(40, 10, 3, 0), gaussian(200, 10, 1)):
        upper, realigned = (hn.spectral_bound(X, q, kind=kind).upper for kind in ("split", "realigned"))
        assert hn.lower_bound(X, q, random_state=0).value <= upper <= realigned * (1 + 1e-7)


def test_gaps_of_random_matrices(row_span):
    for X, largest in ((gaussian(80, 20, 0), 1.01), (signs(80, 20, 0), 1.02), (heavy_tailed(80, 20, 3, 0), 1.001)):
        assert hn.spectral_bound(X, 4, kind="split").upper <= largest * hn.lower_bound(X, 4, random_state=0).value


def test_nearly_repeated_rows(row_span):
    """Coefficients of nearly equal x_i x_iᵀ cancel, which rounding to single precision must not make costly."""
    rng = np.random.default_rng(0)
    X = np.repeat(rng.standard_normal((29, 26)), 5, axis=0)
    X += 1e-6 * rng.standard_normal(X.shape)
    assert split(X).span == "rows"
    assert split(X).upper <= 1.002 * hn.lower_bound(X, 4, random_state=0).value


def test_both_spans_and_both_arithmetics_agree(monkeypatch):
    rng = np.random.default_rng(3)
    for trial in range(30):
        monkeypatch.setattr(split_forms, "_LARGEST_DOUBLE", 0 if trial % 2 else 2000)
        n, d = int(rng.integers(1, 14)), int(rng.integers(1, 6))
        X = rng.standard_normal((n, d)) * 10.0 ** rng.uniform(-3, 3, (n, 1))
        q = float(rng.choice([3.0, 4.0, 6.0]))
        found = hn.spectral_bound(X, q, kind="split")
        floating, exact = found.verify(X), found.verify(X, exact=True)
        assert exact.rigor is hn.Rigor.EXACT
        assert hn.lower_bound(X, q, n_starts=8, random_state=0).value <= exact.upper <= floating.upper * (1 + 1e-9)
        assert floating.upper <= exact.upper * (1 + 1e-9)


@pytest.mark.parametrize("n", [9, 30])
def test_side_and_form(n, monkeypatch):
    d = 6
    X = gaussian(n, d, 0)
    rows = Rows.identified(X)
    assert side_of(n, d) == min(21, 2 * n)
    assert type(form_of(rows, 1.0)).__name__ == ("PoleForm" if n == 9 else "MonomialForm")
    monkeypatch.setattr(split_forms, "_LARGEST_DOUBLE", 0)
    assert side_of(n, d) == (n if n == 9 else 21)
    assert type(form_of(rows, 1.0)).__name__ == ("RowForm" if n == 9 else "MonomialForm")


@pytest.mark.parametrize("name", ["RowForm", "PoleForm", "MonomialForm"])
def test_coordinates_of_a_form(name):
    """`excess` is the positive part of T − μ in the coordinates in which ⟨Y, U⊗U⟩ is the trace."""
    X, d = gaussian(8, 5, 0), 5
    rows = Rows.identified(X)
    Y = rows.block(0, 8)
    form = {
        "RowForm": lambda: split_forms.RowForm(rows),
        "PoleForm": lambda: split_forms.PoleForm(rows, 0.3),
        "MonomialForm": lambda: split_forms.MonomialForm(split_forms.moment_matrix(rows, 2), d),
    }[name]()
    A = np.random.default_rng(0).standard_normal((d, d))
    U = A @ A.T
    U /= np.linalg.norm(U)
    form.prepare(U, 0.2)
    values, vectors, trace = form.excess(0.2)
    assert (values > 0).all()
    assert trace > 0
    directions = form.directions(vectors * np.sqrt(values))
    mapping = form.positive_map(directions)
    assert np.vdot(U, mapping(U)) == pytest.approx(values.sum(), rel=1e-6)
    gram = form.gram(directions)
    np.testing.assert_allclose(gram, gram.T, atol=1e-12)
    # Feasible: T − Σ U_k⟨U_k, ·⟩ ⪯ μ on the symmetric matrices.
    parts = matrices_of(_Stored(form.span, directions, rows.exponent), X)
    np.testing.assert_allclose(gram, [[np.vdot(P, Q) for Q in parts] for P in parts], atol=1e-9)
    T = sum(np.outer(np.kron(y, y), np.kron(y, y)) for y in Y)
    rest = 0.2 * np.eye(d * d) + sum(np.outer(P.ravel(), P.ravel()) for P in parts) - T
    assert np.linalg.eigvalsh(rest)[0] > -1e-7


@dataclasses.dataclass
class _Stored:
    span: str
    directions: np.ndarray
    exponent: int


def test_clusters_of_eigenvalues(monkeypatch):
    A = np.diag([2.0, 1.0, -1.0])
    expected = split_forms._positive_pairs(A)[0]

    def fail(*arguments, **options):
        raise np.linalg.LinAlgError

    monkeypatch.setattr(split_forms, "eigh", fail)
    values, vectors = split_forms._positive_pairs(A)
    np.testing.assert_allclose(values, expected)
    np.testing.assert_allclose(vectors @ np.diag(values) @ vectors.T, np.diag([2.0, 1.0, 0.0]), atol=1e-15)


def test_forms_of_data():
    X = np.random.default_rng(0).integers(-3, 4, (30, 6)).astype(float)
    upper = split(X).upper
    for data in (X.astype(np.int8), X.astype(np.float32), sp.csr_array(X), X.tolist(), np.asfortranarray(X)):
        assert split(data).upper == pytest.approx(upper, rel=1e-9)
        assert split(X).verify(data).upper == split(X).verify(X).upper
    zero = split(np.zeros((3, 2)))
    assert zero.verify(np.zeros((3, 2))).upper == 0
    wide = hn.spectral_bound(X.T[:3], 4, kind="split")
    assert type(wide) is ReducedCertificate
    assert type(wide.norm) is SplitCertificate
    assert wide.verify(X.T[:3]).upper >= hn.lower_bound(X.T[:3], 4, random_state=0).value


def test_chunks():
    dask = pytest.importorskip("dask.array")
    X = gaussian(120, 6, 0)
    chunks = dask.from_array(X, chunks=(25, 6))
    certificate = split(chunks)
    assert certificate.verify(X).upper == pytest.approx(split(X).upper, rel=1e-6)
    assert split(X).verify(chunks).upper == pytest.approx(split(X).upper, rel=1e-9)
    few = dask.from_array(X[:10], chunks=(3, 6))
    assert split(few).verify(X[:10]).upper >= hn.lower_bound(X[:10], 4, random_state=0).value


def test_round_trip(tmp_path):
    X = signs(30, 8, 0)
    certificate = split(X)
    certificate.save(tmp_path / "split.npz")
    loaded = hn.load_certificate(tmp_path / "split.npz")
    assert type(loaded) is SplitCertificate
    assert loaded.verify(X).upper == certificate.verify(X).upper
    assert (loaded.directions == certificate.directions).all()
    assert loaded.directions.dtype == np.float32


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("spans", ["pairs", "rows"])
def test_tampered_certificates(spans, exact, monkeypatch):
    if spans == "rows":
        monkeypatch.setattr(split_forms, "_LARGEST_DOUBLE", 0)
    rng = np.random.default_rng(5)
    X = gaussian(7, 5, 0)
    certificate = split(X)
    assert certificate.span == spans
    lower = hn.lower_bound(X, 4, random_state=0).value
    refused = 0
    for trial in range(60):
        changes = {}
        if trial % 4 == 0:
            changes["values"] = (certificate.values[0] * rng.uniform(0.5, 1.0),)
        elif trial % 4 == 1:
            changes["shift"] = certificate.shift * 10.0 ** rng.uniform(-6, 6)
        elif trial % 4 == 2:
            with np.errstate(over="ignore"):
                changes["directions"] = (certificate.directions * 10.0 ** rng.uniform(-30, 30)).astype(np.float32)
        else:
            noise = rng.standard_normal((5, 5))
            changes["matrices"] = (certificate.matrices[0] + 0.3 * (noise + noise.T),)
        try:
            upper = dataclasses.replace(certificate, **changes).verify(X, exact=exact).upper
        except CertificateError:
            refused += 1
        else:
            assert upper >= lower
    assert refused > 40


@pytest.mark.parametrize(
    "changes",
    [
        {"shift": 0.0},
        {"shift": float("nan")},
        {"shift": -1.0},
        {"shift": 2.0**-201},
        {"rank": 0},
        {"span": "columns"},
        {"span": "rows"},
        {"directions": np.zeros((15, 3))},
        {"directions": np.full((15, 2), np.nan, dtype=np.float32)},
        {"kind": "realigned"},
        {"matrices": (None,)},
    ],
)
def test_fields_out_of_range(changes):
    X = gaussian(30, 5, 0)
    certificate = split(X)
    with pytest.raises(CertificateError):
        dataclasses.replace(certificate, **changes).verify(X)


def test_a_value_below_the_shift_proves_nothing():
    X = gaussian(30, 5, 0)
    certificate = split(X)
    for exact in (False, True):
        with pytest.raises(CertificateError, match="split part does not establish"):
            dataclasses.replace(certificate, values=(certificate.shift,)).verify(X, exact=exact)


def test_too_large_for_memory(monkeypatch):
    monkeypatch.setattr("hypernorm._arguments._physical_memory", lambda: 2.0**18)
    with pytest.raises(InvalidInputError, match=r"The split bound for 100 rows and d = 20 \(200 x 200 matrices\)"):
        hn.spectral_bound(gaussian(100, 20, 0), 4, kind="split")


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(
    ("n", "changes", "side"),
    [
        (300, {"span": "rows", "rank": 1, "directions": np.zeros((300, 1), np.float32)}, 300),
        (30, {"rank": 500, "directions": np.zeros((3, 500), np.float32)}, 500),
    ],
)
def test_a_small_file_cannot_ask_for_a_large_proof(n, changes, side, exact, monkeypatch):
    X = gaussian(n, 2, 0)
    forged = dataclasses.replace(split(X), **changes)
    monkeypatch.setattr("hypernorm._arguments._physical_memory", lambda: 2.0**20)
    with pytest.raises(InvalidInputError, match=rf"The proof of a split certificate \({side} x {side} matrices\)"):
        forged.verify(X, exact=exact)


def test_an_interruption_keeps_the_best_solution(monkeypatch):
    X = signs(60, 15, 0)
    rows, seen = Rows.identified(X), []

    def interrupt(number, found):
        seen.append(found.value)
        if number == 2:
            raise KeyboardInterrupt

    solver = split_solver.SplitSolver(rows, 1e-3, interrupt)
    assert solver.run(0.0, np.inf) is hn.Status.INTERRUPTED
    assert solver.best.value == seen[-1] == min(seen)

    def interrupt_at_once(path, deadline):
        raise KeyboardInterrupt

    solver = split_solver.SplitSolver(rows, 1e-3)
    monkeypatch.setattr(solver, "_advance", interrupt_at_once)
    with pytest.raises(KeyboardInterrupt):
        solver.run(0.0, np.inf)


def test_a_deadline_ends_the_rounds():
    rows, rounds = Rows.identified(signs(60, 15, 0)), []
    solver = split_solver.SplitSolver(rows, 1e-3, lambda number, found: rounds.append(number))
    with pytest.raises(DeadlineError):
        solver.run(0.0, 0.0)
    assert solver.best is None
    assert solver.run(0.0, 0.0, least_rounds=1) is hn.Status.TIME_LIMIT
    assert rounds == []
    assert solver.best.value < np.inf


def test_the_limit_is_below_the_value():
    X = gaussian(400, 12, 0)
    rows = Rows.identified(X)
    lower = (hn.lower_bound(X, 4, random_state=0).value / 2.0**rows.exponent) ** 4
    solver = split_solver.SplitSolver(rows, lower)
    solver.run(1e-6, np.inf)
    assert max(lower, solver.limit) <= solver.best.value * (1 + 1e-9)
    assert solver.best.value <= solver.limit * 1.005
