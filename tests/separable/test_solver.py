"""The relaxations against a conic solver, and the see-saw against brute force."""

import itertools

import numpy as np
import pytest

from hypernorm.bounds import Status
from hypernorm.bounds.propose import first_proved
from hypernorm.datasets.states import choi_map, pyramid, tiles
from hypernorm.exceptions import InvalidInputError
from hypernorm.forms.product import ProductClasses, ProductForm
from hypernorm.separable.anderson import Anderson
from hypernorm.separable.seesaw import random_vectors, seesaw
from hypernorm.separable.solver import ProductSolver, check_product_memory
from tests.oracles.product_states import extension_value, partial_transpose, ppt_value, random_hermitian, value


def solved(M, dims, field, level, tolerance=1e-8):
    """The solver at the end of a solve for the relaxation alone, without any lower bound."""
    form = ProductForm(M, dims, field)
    solver = ProductSolver(form, ProductClasses(dims, level, field))
    stop = solver.run(lambda _: -np.inf, tolerance=tolerance, max_iter=20_000)
    assert stop is Status.GAP
    return form, solver


def half_projector(size, rng, real):
    A = random_hermitian(size, rng, real)
    vectors = np.linalg.eigh(A)[1][:, : size // 2]
    P = vectors @ vectors.conj().T
    return (P + P.conj().T) / 2


@pytest.mark.parametrize("field", ["complex", "real"])
@pytest.mark.parametrize("seed", [0, 1])
def test_level_one_is_the_conic_optimum(field, seed):
    pytest.importorskip("cvxpy")
    rng = np.random.default_rng(seed)
    # A projector of half the dimension has a relaxation that is not exact more often than not.
    for M, dims in (
        (half_projector(9, rng, field == "real"), (3, 3)),
        (random_hermitian(8, rng, field == "real"), (2, 4)),
    ):
        form, solver = solved(M, dims, field, 1)
        scale = 2.0**form.exponent
        assert solver.bound * scale == pytest.approx(ppt_value(M, dims, field), abs=1e-6)
        assert solver.value <= solver.bound <= solver.value + 1e-8


@pytest.mark.parametrize("known", [tiles(), pyramid(), choi_map()], ids=lambda known: known.name)
def test_level_two_is_the_conic_optimum(known):
    pytest.importorskip("cvxpy")
    form, solver = solved(known.matrix, (3, 3), "complex", 2, 1e-4)
    assert solver.bound * 2.0**form.exponent == pytest.approx(extension_value(known.matrix, (3, 3)), abs=1e-4)


def test_level_one_is_invariant_under_transposition_of_one_factor():
    """Over complex vectors M and its partial transpose have the same level 1, for the roles of the matrices change."""
    M = half_projector(9, np.random.default_rng(3), real=False)
    bounds = [solved(A, (3, 3), "complex", 1)[1] for A in (M, partial_transpose(M, (3, 3)))]
    forms = [ProductForm(A, (3, 3), "complex") for A in (M, partial_transpose(M, (3, 3)))]
    first, second = (solver.bound * 2.0**form.exponent for solver, form in zip(bounds, forms, strict=True))
    assert first == pytest.approx(second, abs=1e-7)


@pytest.mark.parametrize("field", ["complex", "real"])
def test_levels_never_get_worse(field):
    for M in (tiles().matrix, choi_map().matrix, half_projector(9, np.random.default_rng(4), real=True)):
        bounds = [solved(M, (3, 3), field, level, 1e-4)[1].bound for level in (1, 2, 3)]
        assert bounds[1] <= bounds[0] + 1e-4
        assert bounds[2] <= bounds[1] + 1e-4


@pytest.mark.parametrize("field", ["complex", "real"])
def test_every_iterate_is_a_bound_that_is_proved(field):
    """Weak duality does not wait for convergence."""
    M = half_projector(9, np.random.default_rng(5), real=field == "real")
    form = ProductForm(M, (3, 3), field)
    solver = ProductSolver(form, ProductClasses((3, 3), 2, field))
    x, y = seesaw(form, random_vectors(form, 50, np.random.default_rng(0)))
    attained = value(M, x, y)
    uppers = []
    for limit in (0, 10, 20, 40, 80, 160):
        solver.run(lambda _: -np.inf, tolerance=0, max_iter=limit)
        upper = first_proved(solver.certificate, form)[1]
        assert upper >= attained - 1e-12
        assert upper == pytest.approx(solver.bound * 2.0**form.exponent, abs=1e-10)
        uppers.append(upper)
    assert uppers == sorted(uppers, reverse=True)
    assert uppers[-1] < uppers[0]


def test_acceleration_solves_linear_problems_in_as_many_steps_as_it_remembers():
    rng = np.random.default_rng(7)
    A, b = random_hermitian(6, rng), rng.standard_normal(6) + 1j * rng.standard_normal(6)
    A *= 0.99 / np.linalg.norm(A, 2)
    fixed = np.linalg.solve(np.eye(6) - A, b)
    acceleration, v = Anderson(12), np.zeros(6, dtype=complex)
    for _ in range(14):
        v = acceleration.next(v, A @ v + b)
    np.testing.assert_allclose(v, fixed, atol=1e-4 * np.linalg.norm(fixed))


def test_acceleration_goes_back_when_it_was_led_astray():
    """From a map that changes behind its back the residual jumps: the next point is the plain image of the last one."""
    acceleration = Anderson(3)
    v = np.array([1.0, 2.0])
    for _ in range(3):
        image = 0.5 * v + np.array([0.1, -0.2]) * v**2
        v = acceleration.next(v, image)
    np.testing.assert_array_equal(acceleration.next(v, v + 100.0), image)
    np.testing.assert_array_equal(acceleration.next(image, image + 1), image + 1)  # nothing is remembered


def test_what_cannot_fit_is_refused_before_it_is_allocated():
    with pytest.raises(InvalidInputError, match=r"Level 4 for dims \(30, 30\).*GiB"):
        check_product_memory((30, 30), 4, "complex")


@pytest.mark.parametrize("seed", range(3))
def test_see_saw_finds_the_best_of_a_grid(seed):
    M = random_hermitian(4, np.random.default_rng(seed), real=True)
    form = ProductForm(M, (2, 2), "real")
    x, y = seesaw(form, random_vectors(form, 20, np.random.default_rng(0)))
    angles = np.linspace(0, np.pi, 200)
    circle = np.column_stack([np.cos(angles), np.sin(angles)])
    products = np.einsum("mi,nj->mnij", circle, circle).reshape(-1, 4)
    grid = np.einsum("ki,ij,kj->k", products, M, products).max()
    assert grid <= value(M, x, y) + 1e-12
    assert value(M, x, y) <= grid + 1e-3 * np.linalg.norm(M, 2)


@pytest.mark.parametrize(
    ("dims", "field"), list(itertools.product([(2, 5), (4, 4), (1, 3), (3, 1)], ["complex", "real"]))
)
def test_see_saw_ends_at_a_pair_of_leading_eigenvectors(dims, field):
    rng = np.random.default_rng(6)
    M = random_hermitian(dims[0] * dims[1], rng, field == "real")
    form = ProductForm(M, dims, field)
    starts = random_vectors(form, 30, rng)
    assert starts.shape == (30, dims[0])
    x, y = seesaw(form, starts)
    assert np.linalg.norm(x) == pytest.approx(1)
    assert np.iscomplexobj(x) == (field == "complex")
    T = M.reshape(*dims, *dims)
    attained = value(M, x, y)
    for A in (np.einsum("ijkl,j,l->ik", T, y.conj(), y), np.einsum("ijkl,i,k->jl", T, x.conj(), x)):
        assert np.linalg.eigvalsh(A)[-1] == pytest.approx(attained, abs=1e-9)
