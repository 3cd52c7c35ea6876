"""The solver's matrices, and its start on the face of a vector, good or bad."""

import numpy as np
import pytest

import hypernorm as hn
from hypernorm.bounds.sos_matrix import ClassMatrix
from hypernorm.bounds.sos_solver import SosSolver
from hypernorm.bounds.subspace import LeadingSubspace
from hypernorm.datasets import cube_characters, gaussian, identity, signs
from hypernorm.forms import Rows
from hypernorm.forms.gram import GramClasses, moment_form

RTOL = 3e-6


def symmetric(lower):
    return np.tril(lower) + np.tril(lower, -1).T


def solver_for(X, vector, seed=0):
    classes = GramClasses(X.shape[1], 2)
    coefficients, _ = moment_form(Rows(X), 2, classes)
    return SosSolver(coefficients, classes, np.random.default_rng(seed), vector), coefficients


def value_of(X, solver, coefficients, vector):
    """The form in the units of the solver, which are those of the coefficients."""
    z = solver.classes.basis.evaluate(vector[None])[:, 0]
    return float(z @ solver.classes.matrix(coefficients / solver.classes.multinomials) @ z)


@pytest.mark.parametrize("d", [1, 2, 3, 6, 9])
@pytest.mark.parametrize("without_first", [False, True])
@pytest.mark.parametrize("single", [False, True])
def test_one_step_is_the_averages_and_the_update(d, without_first, single):
    classes, rng = GramClasses(d, 2), np.random.default_rng(d)
    A, size = ClassMatrix(classes, without_first, single), classes.size
    given = symmetric(rng.standard_normal((size, size)))
    if without_first:
        given[0] = given[:, 0] = 0
    A.fill(given[np.tril_indices(size)])
    w = A.weights
    assert (w[0] == 0) == without_first
    units = np.outer(w, w)
    sizes = classes.coefficients(units**2, weighted=False)
    np.testing.assert_allclose(A.sizes, np.where(sizes > 0, sizes, 1.0))
    averages = classes.coefficients(given * units, weighted=False) / A.sizes
    tolerance = 1e-5 if single else 1e-12
    np.testing.assert_allclose(A.averages(), averages, atol=tolerance)
    z, targets = rng.standard_normal((2, classes.count))
    after = A.step(z, targets, 0.4)
    np.testing.assert_allclose(after, targets + 0.4 * z - averages, atol=tolerance)
    A.keep(1.0)
    expected = given + units * classes.matrix(after + targets - averages) / np.outer(classes.weights, classes.weights)
    np.testing.assert_allclose(A.symmetric(), expected, atol=tolerance)


@pytest.mark.parametrize("X", [signs(40, 10, 0), gaussian(64, 8, 1), cube_characters(4, 2), identity(6).matrix])
def test_on_the_face_of_the_best_vector_it_is_an_eigenvector(X):
    v = hn.lower_bound(X, random_state=0).vector
    v = v / np.linalg.norm(v)
    solver, coefficients = solver_for(X, v)
    value = value_of(X, solver, coefficients, v)
    assert solver.run(lambda _: value, rtol=RTOL) is hn.Status.EXACT
    bound, again = solver.bound, solver.symmetric_best()
    G = solver.finish()
    assert (G == G.T).all()
    np.testing.assert_allclose(again, G, atol=1e-12)
    np.testing.assert_allclose(solver.classes.coefficients(G), coefficients, atol=1e-12 * value)
    z = solver.classes.basis.evaluate(v[None])[:, 0]
    np.testing.assert_allclose(G @ z, value * z, atol=1e-6 * value)
    assert np.linalg.eigvalsh(G)[-1] <= bound * (1 + 1e-12)
    assert value * (1 - 1e-12) <= bound <= value * (1 + RTOL)


@pytest.mark.parametrize("kind", ["any", "worst", "axis"])
def test_a_bad_vector_costs_only_time(kind):
    X = signs(32, 8, random_state=2)
    best = hn.lower_bound(X, random_state=0).vector
    best = best / np.linalg.norm(best)
    vector = {
        "any": np.random.default_rng(0).standard_normal(8),
        "worst": hn.smallest_gain(X, random_state=0).witness.vector,
        "axis": np.eye(8)[3],
    }[kind]
    for known in (False, True):  # the better vector may be found later or be known to the caller
        solver, coefficients = solver_for(X, vector / np.linalg.norm(vector))
        value = value_of(X, solver, coefficients, best)
        low = value_of(X, solver, coefficients, vector / np.linalg.norm(vector))
        lower = lambda found, known=known, low=low, value=value: value if known or found is not None else low  # noqa: E731
        assert solver.run(lower, rtol=RTOL) is hn.Status.EXACT
        bound, G = solver.bound, solver.finish()
        np.testing.assert_allclose(solver.classes.coefficients(G), coefficients, atol=1e-12 * value)
        assert np.linalg.eigvalsh(G)[-1] == pytest.approx(bound, rel=1e-8)


@pytest.mark.parametrize("multiplications", [0, 3, 13, 20, 40])
def test_a_solve_on_the_face_that_ends_inside_an_iteration_keeps_its_best_bound(multiplications):
    from hypernorm.bounds.deadlines import DeadlineError

    X = signs(40, 10, random_state=0)
    solver, coefficients = solver_for(X, np.eye(10)[0])
    multiply, left = solver._multiply, multiplications

    def limited(V):
        nonlocal left
        left -= 1
        if left < 0:
            raise DeadlineError
        return multiply(V)

    solver._multiply = limited
    assert solver.run(lambda candidates: 0.0, rtol=0.0) is hn.Status.TIME_LIMIT
    bound, G = solver.bound, solver.finish()
    np.testing.assert_allclose(solver.classes.coefficients(G), coefficients, atol=1e-12)
    assert np.linalg.eigvalsh(G)[-1] <= bound * (1 + 1e-6)


@pytest.mark.parametrize("iterations", [1, 3, 20, 60])
def test_a_state_continues_where_it_was_stored(iterations):
    X = cube_characters(4, 2)
    v = np.eye(11)[0] if iterations == 60 else hn.lower_bound(X, random_state=0).vector
    solver, coefficients = solver_for(X, v / np.linalg.norm(v))
    value = hn.lower_bound(X, random_state=0).value ** 4
    value = value_of(X, solver, coefficients, hn.lower_bound(X, random_state=0).vector) if value else value
    solver.run(lambda _: value, rtol=1e-9, max_iter=iterations)
    again, _ = solver_for(X, None)
    assert again.resume(solver.state())
    assert again.iteration == iterations
    assert again.bound <= solver.bound * (1 + 1e-3)
    again.run(lambda _: value, rtol=RTOL)
    G = again.finish()
    np.testing.assert_allclose(again.classes.coefficients(G), coefficients, atol=1e-12 * value)
    assert np.linalg.eigvalsh(G)[-1] <= value * (1 + 2 * RTOL)


def test_the_subspace_has_the_eigenvalues_above_the_threshold():
    rng = np.random.default_rng(0)
    values = np.concatenate([[1.0, 0.9, 0.8, 0.3], rng.uniform(-1, 0.1, 60)])
    Q = np.linalg.qr(rng.standard_normal((64, 64)))[0]
    A = (Q * values) @ Q.T
    subspace = LeadingSubspace(rng.standard_normal((64, 12)), -1.0, rng)
    for _ in range(8):
        excess, vectors = subspace.above_threshold(lambda V: A @ V, 6, 3)
    np.testing.assert_allclose(excess, np.array([1.0, 0.9, 0.8]) - 1.7 / 3, atol=1e-6)
    np.testing.assert_allclose(A @ vectors, vectors * values[:3], atol=1e-3)


def test_one_column():
    X = np.random.default_rng(0).standard_normal((9, 1))
    classes = GramClasses(1, 2)
    coefficients, _ = moment_form(Rows(X), 2, classes)
    value = float(coefficients[0])
    with np.errstate(all="raise"):
        solver = SosSolver(coefficients, classes, np.random.default_rng(0), np.ones(1))
        solver.run(lambda candidates: value, rtol=RTOL)
        assert value * (1 - 1e-12) <= solver.bound <= value * (1 + RTOL)
        assert solver.resume({**solver.state(), "vector": np.ones(1), "on_face": np.array(1.0)})
    assert value * (1 - 1e-12) <= solver.bound <= value * (1 + RTOL)
