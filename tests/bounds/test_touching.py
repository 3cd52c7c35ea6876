"""The search for touching points: forms, moments and nodes against slow computations; what the bounds are worth."""

import time
from itertools import pairwise

import numpy as np
import pytest

import hypernorm as hn
from hypernorm._validation import check_matrix
from hypernorm.bounds import touching, two_to_q
from hypernorm.bounds.interval import Status
from hypernorm.bounds.propose import Search
from hypernorm.bounds.reduction import Reduction
from hypernorm.bounds.touching import _Form, propose_touching, touching_degrees
from hypernorm.certificates import TouchingCertificate, precision, touching_form, touching_majorants, touching_nodes
from hypernorm.datasets import gaussian, heavy_tailed, planted_dictionary, signs, subspace
from hypernorm.dictionary import LpDictionaryLearning
from hypernorm.forms import Rows
from hypernorm.forms.gram import GramClasses, lower_moments, multiply_by_norm

CASES = [(3.0, 4), (5.0, 4), (2.5, 6), (5.5, 6), (3.0, 8), (9.0, 8)]


def form_of(q, degree, seed=0, d=3):
    rows = Rows(check_matrix(np.random.default_rng(seed).standard_normal((7, d))))
    return rows, _Form(rows, q, GramClasses(d, degree // 2), float(rows.norms.max()))


def unit_vectors(d, count=50, seed=3):
    V = np.random.default_rng(seed).standard_normal((count, d))
    return V / np.linalg.norm(V, axis=1, keepdims=True)


def values_of(classes, V):
    """The monomials of each class at the rows of V."""
    indices = classes.basis.indices
    result = np.empty((classes.count, len(V)))
    for part, first, second in classes.chunks():
        result[classes.classes[part]] = np.prod(V.T[indices[first]], axis=1) * np.prod(V.T[indices[second]], axis=1)
    return result


@pytest.mark.parametrize(("q", "degree"), CASES)
def test_the_form_is_above_the_power_and_that_of_the_checker(q, degree):
    rows, form = form_of(q, degree)
    classes, radius = form.levels[-1], float(rows.norms.max())
    nodes = form.nodes(form.start(unit_vectors(3)[0]))
    found = form.coefficients(nodes)
    with precision():
        checked = touching_form(rows, touching_majorants(rows, q, degree, nodes, radius), classes)[0]
    np.testing.assert_allclose(found, checked, rtol=1e-7, atol=1e-9 * np.abs(checked).max())
    V = unit_vectors(3)
    values = found @ values_of(classes, V)
    powers = np.sum(np.abs(rows.block(0, 7) @ V.T / radius) ** q, axis=0)
    assert (values >= powers * (1 - 1e-9)).all()
    assert values[0] < powers[0] * 1.2


@pytest.mark.parametrize(("q", "degree"), CASES)
def test_moments_of_a_mixture_of_vectors(q, degree):
    _, form = form_of(q, degree)
    V, shares = unit_vectors(3, 4), np.array([0.4, 0.3, 0.2, 0.1])
    found = form.moments(values_of(form.levels[-1], V) @ shares)
    plain = np.array([((form.units @ V.T) ** (2 * k)) @ shares for k in range(degree // 2 + 1)])
    np.testing.assert_allclose(found, (1 - touching._UNIFORM) * plain + touching._UNIFORM * form.uniform, rtol=1e-9)


def test_moments_of_the_uniform_distribution():
    _, form = form_of(3.0, 8)
    V = unit_vectors(3, 200_000)
    np.testing.assert_allclose(form.uniform[:, 0], [np.mean(V[:, 0] ** (2 * k)) for k in range(5)], rtol=0.02)


def test_moments_that_are_none_are_made_some():
    _, form = form_of(3.0, 8)
    rng = np.random.default_rng(0)
    for _ in range(20):
        moments = form.moments(rng.standard_normal(form.levels[-1].count))
        assert (moments > 0).all()
        assert (np.diff(moments, axis=0) <= 1e-12).all()
        nodes = form.nodes(moments)
        assert ((nodes > 0) & (nodes < 1)).all()
        assert (nodes[:, 1] > nodes[:, 0]).all()


@pytest.mark.parametrize(("q", "degree"), CASES)
def test_gauss_nodes_are_the_best_nodes(q, degree):
    """No other nodes give a smaller mean of the polynomials."""
    _, form = form_of(q, degree)
    rng = np.random.default_rng(1)
    V, shares = unit_vectors(3, 12), rng.dirichlet(np.ones(12))
    values = values_of(form.levels[-1], V) @ shares
    best = form.nodes(np.array([((form.units @ V.T) ** (2 * k)) @ shares for k in range(degree // 2 + 1)]))
    least = form.coefficients(best) @ values
    for size in (1e-3, 0.05, 0.3):
        for _ in range(10):
            nodes = np.clip(best * np.exp(size * rng.standard_normal(best.shape)), 1e-3, 0.99)
            if nodes.shape[1] == 2 and (nodes[:, 1] < nodes[:, 0] * 1.01).any():
                continue
            assert form.coefficients(nodes) @ values >= least * (1 - 1e-9)


def test_equal_moments_have_both_nodes_at_the_mean():
    _, form = form_of(3.0, 8)
    moments = 0.3 ** np.arange(5)[:, None] * np.ones((1, 7))
    nodes = form.nodes(moments)
    np.testing.assert_allclose(nodes[:, 1], 0.3)
    np.testing.assert_allclose(nodes[:, 0], 0.3 / touching._APART)


def test_lower_moments_are_the_transpose_of_the_product_with_the_norm():
    rng = np.random.default_rng(0)
    form, moments = rng.standard_normal(10), rng.standard_normal(15)
    assert multiply_by_norm(form[:6], 3, 2) @ moments == pytest.approx(form[:6] @ lower_moments(moments, 3, 2))


def test_degrees_by_default():
    assert touching_degrees(3.0, (4 * 4, 4)) == [8]
    assert touching_degrees(3.0, (4 * 10, 10)) == [6]
    assert touching_degrees(3.0, (4 * 20, 20)) == [4, 6]
    assert touching_degrees(3.0, (4 * 20, 20), 1500) == touching_degrees(3.0, (4 * 40, 40)) == [4]
    assert touching_degrees(5.0, (4 * 20, 20)) == touching_degrees(5.9, (4 * 20, 20)) == [4, 6]
    assert touching_degrees(5.0, (4 * 20, 20), 1500) == [4]
    assert touching_degrees(7.0, (4 * 20, 20), 2200) == [4, 6]
    assert touching_degrees(7.0, (4 * 20, 20)) == [4, 8]
    assert touching_degrees(7.0, (4 * 10, 10)) == [6, 8]
    assert touching_degrees(5.0, (4 * 10, 10)) == [6]
    assert touching_degrees(6.0, (4 * 30, 30)) == [4]
    assert touching_degrees(8.0, (4 * 4, 4)) == [6]
    assert touching_degrees(3.0, (4 * 70, 70), 2200) == []
    # Many rows make a form expensive.
    assert touching_degrees(3.0, (20_000, 6)) == [6]
    assert touching_degrees(5.0, (20_000, 20)) == [4]
    assert touching_degrees(3.0, (3600, 60)) == touching_degrees(3.0, (2**17, 3)) == []
    assert (
        touching_degrees(4.0, (4 * 4, 4))
        == touching_degrees(np.inf, (4 * 4, 4))
        == touching_degrees(2.0, (4 * 4, 4))
        == []
    )


@pytest.mark.parametrize("q", [2.5, 3.0, 5.0, 7.0])
@pytest.mark.parametrize("family", [gaussian, signs, heavy_tailed, subspace])
def test_bounds_for_few_columns_are_nearly_exact(q, family):
    X = family(32, 5, random_state=0)
    interval = hn.two_to_q_norm(X, q, random_state=0)
    assert interval.certificate.kind == "touching" or interval.is_exact()
    assert interval.gap < 1e-3
    assert hn.sos_bound(X, q, random_state=0).upper <= interval.lower * (1 + 1e-3)


@pytest.mark.parametrize(("q", "most"), [(3.0, 1.01), (5.0, 1.03), (6.0, 1.0001)])
def test_bounds_of_degree_4_for_more_columns(q, most):
    X = gaussian(48, 12, random_state=0)
    proof = hn.sos_bound(X, q, random_state=0, degree=4 if q < 6 else None)
    assert proof.upper < most * hn.lower_bound(X, q, random_state=0).value
    plan_only = [record for record in hn.two_to_q_norm(X, q, random_state=0).records if record.kind == "sos"]
    assert proof.upper <= plan_only[0].upper * (1 + 1e-6)


def test_even_exponents_beyond_the_sums_of_squares():
    """A Gram matrix of degree 6 would be too large, one of degree 4 with touching points is not."""
    X = gaussian(60, 24, random_state=0)
    interval = hn.two_to_q_norm(X, 6, random_state=0)
    assert interval.certificate.kind == "touching"
    assert interval.certificate.degree == 4
    assert interval.gap < 0.02


def test_a_higher_degree_is_better():
    X = signs(40, 7, random_state=0)
    bounds = [hn.sos_bound(X, 5.0, degree=degree, random_state=0).upper for degree in (4, 6, 10)]
    assert bounds[1] < bounds[0]
    assert bounds[2] <= bounds[1] * (1 + 1e-6)


@pytest.mark.parametrize(("q", "gap", "count"), [(2.5, 0.0, 2), (2.5, 1.0, 1), (5.0, 1.0, 2)])
def test_degrees_above_q_plus_2_are_for_large_gaps(q, gap, count, monkeypatch):
    monkeypatch.setattr(two_to_q, "touching_degrees", lambda *arguments: [4, 6])
    monkeypatch.setattr(two_to_q, "_SMALL_GAP", gap)
    records = [r.upper for r in hn.two_to_q_norm(subspace(24, 6, 0), q, random_state=0).records if r.kind == "touching"]
    assert len(records) == count
    assert records[-1] == min(records)


def test_wide_matrices():
    X = np.random.default_rng(0).standard_normal((4, 40))
    proof = hn.sos_bound(X, 3.0, random_state=0)
    assert proof.kind == "reduced"
    assert proof.norm.kind == "touching"
    assert proof.upper < hn.lower_bound(X, 3.0, random_state=0).value * (1 + 1e-4)


def test_single_precision_costs_little():
    X = gaussian(30, 5, random_state=0)
    single, double = (hn.sos_bound(X, 3.0, single_precision=s, random_state=0) for s in (True, False))
    assert type(single) is TouchingCertificate
    (H,) = single.matrices
    assert (H.astype(np.float32) == H).all()
    assert single.verify(X).upper == pytest.approx(double.verify(X).upper, rel=1e-4)


def search_with(X, **options):
    options = {"rtol": 1e-9, "rng": np.random.default_rng(0), **options}
    return propose_touching(Reduction(Rows.identified(check_matrix(X))), 3.0, 4, Search(**options))


def test_the_limit_on_iterations_ends_the_search():
    seen = []
    found = search_with(signs(40, 10, 0), max_iter=25, report=lambda progress: seen.append(progress.iteration))
    assert found.stop is Status.MAX_ITERATIONS
    assert seen == [5, 10, 15, 20, 25]


def test_a_deadline_ends_the_search_with_a_bound():
    X = signs(40, 10, 0)
    search_with(X, max_iter=1)  # load what is compiled
    found = search_with(X, deadline=time.perf_counter() + 2, report=lambda progress: time.sleep(2))
    assert found.stop is Status.TIME_LIMIT
    assert found.upper >= hn.lower_bound(X, 3.0, random_state=0).value


@pytest.mark.parametrize("calls", [1, 3])
def test_an_interruption_keeps_the_bound(calls, monkeypatch):
    X = signs(40, 10, 0)
    normal, count = _Form.coefficients, []

    def interrupted(self, nodes):
        count.append(1)
        if len(count) > calls:
            raise KeyboardInterrupt
        return normal(self, nodes)

    monkeypatch.setattr(_Form, "coefficients", interrupted)
    found = search_with(X)
    assert found.stop is Status.INTERRUPTED
    assert found.upper >= hn.lower_bound(X, 3.0, random_state=0).value
    count.clear()
    assert hn.two_to_q_norm(X, 3.0, random_state=0).status is Status.INTERRUPTED


def test_an_interruption_before_any_bound_is_raised(monkeypatch):
    monkeypatch.setattr(touching.SosSolver, "run", lambda *a, **k: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        search_with(signs(20, 4, 0))


def test_progress_of_both_solves_is_reported():
    X, seen, told = signs(30, 6, 0), [], []
    hn.sos_bound(X, 3.0, random_state=0, degree=4, progress=seen.append)
    assert any(b.seconds < a.seconds for a, b in pairwise(seen))
    hn.two_to_q_norm(X, 3.0, random_state=0, progress=told.append)
    assert any(progress.stage.startswith("touching: iteration") for progress in told)


def test_many_rows_are_left_to_the_other_bounds(monkeypatch):
    X = gaussian(40, 3, random_state=0)
    monkeypatch.setattr(touching, "_MOST_ROWS", 39)
    assert hn.sos_bound(X, 3.0, random_state=0).kind == "sos"
    assert "touching" not in [record.kind for record in hn.two_to_q_norm(X, 3.0, random_state=0).records]


def test_a_checkpoint_leaves_touching_points_out(tmp_path):
    X = gaussian(20, 4, random_state=0)
    assert hn.sos_bound(X, 3.0, checkpoint=tmp_path / "state.npz", random_state=0).kind == "sos"


def test_the_seed_decides():
    X = signs(24, 5, 0)
    one, two = (hn.sos_bound(X, 3.5, random_state=7) for _ in range(2))
    assert one.upper == two.upper
    assert (one.nodes == two.nodes).all()


def test_nodes_are_of_the_number_that_the_rule_has():
    for q, degree in CASES:
        found = propose_touching(
            Reduction(Rows.identified(check_matrix(gaussian(12, 3, 0)))), q, degree, Search(rtol=1e-3)
        )
        assert found.certificate.nodes.shape == (12, touching_nodes(q, degree).doubles)


def test_an_atom_is_certified_more_closely():
    samples = planted_dictionary(400, 4, theta=0.3, random_state=0).samples
    learned = LpDictionaryLearning(4, p=3, random_state=0).fit(samples)
    certified = learned.certify(samples, random_state=0)
    assert certified.certificate.norm.kind == "touching"
    assert certified.interval.gap < 5e-4
    assert certified.verify(samples).upper == pytest.approx(certified.upper, rel=1e-12)
