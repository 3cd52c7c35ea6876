"""The conic reference: it agrees with the structured solver, and no solver's word is taken for a bound."""

import sys

import numpy as np
import pytest

import hypernorm as hn
from hypernorm import CertificateError, ConvergenceWarning, HypernormError, InvalidInputError
from hypernorm.datasets import cube_characters, gaussian, icosahedron, identity, polygon, signs
from tests.oracles import norms as oracle

pytest.importorskip("cvxpy")


@pytest.mark.parametrize("family", [gaussian, signs])
@pytest.mark.parametrize(
    ("q", "d", "degree", "options"),
    [
        (4, 1, None, {}),
        (4, 4, None, {}),
        (4, 6, None, {}),
        (6, 4, None, {}),
        (8, 3, None, {}),
        (4, 4, 6, {}),
        (4, 6, None, {"solver": "scs", "eps": 1e-8}),
    ],
)
def test_it_agrees_with_the_structured_solver(family, q, d, degree, options):
    X = family(5 * d, d, random_state=d)
    conic = hn.conic_bound(X, q, degree=degree, **options)
    upper = conic.verify(X).upper
    assert upper == pytest.approx(hn.sos_bound(X, q, degree=degree, random_state=0).upper, rel=1e-6)
    assert upper >= hn.lower_bound(X, q, random_state=0).value
    if d <= 4:
        assert conic.verify(X, exact=True).upper <= upper * (1 + 1e-12)


@pytest.mark.parametrize("known", [identity(5), polygon(5), icosahedron(), polygon(9, q=8)], ids=repr)
def test_known_norms(known):
    certificate = hn.conic_bound(known.matrix, known.q)
    for exact in (False, True):
        upper = certificate.verify(known.matrix, exact=exact).upper
        assert known.value * (1 - 1e-13) <= upper <= known.value * (1 + 1e-7)


def test_where_the_optimum_is_not_unique():
    X = cube_characters(3, 2)
    upper = hn.conic_bound(X).verify(X).upper
    assert upper == pytest.approx(hn.sos_bound(X, random_state=0).upper, rel=1e-6)


@pytest.mark.parametrize("factor", [1e-200, 1e200])
def test_units_do_not_matter(factor):
    X = gaussian(12, 3, random_state=0)
    assert hn.conic_bound(X * factor).verify(X * factor).upper == pytest.approx(hn.conic_bound(X).upper * factor)


def test_the_zero_matrix():
    assert hn.conic_bound(np.zeros((3, 2))).verify(np.zeros((3, 2))).upper == 0


def test_moments_are_those_of_the_maximiser():
    X = gaussian(12, 3, random_state=1)
    sos = hn.sos_problem(X, 4, 6)
    sos.problem.solve(solver="CLARABEL")
    v = hn.lower_bound(X, 4, random_state=0).vector
    for indices in [(0, 0), (0, 2), (0, 1, 1, 2), (2, 0, 0, 1), (0, 0, 0, 1, 2, 2)]:
        assert float(sos.moment(*indices).value) == pytest.approx(np.prod(v[list(indices)]), abs=1e-4)
    assert sum(float(sos.moment(i, i).value) for i in range(3)) == pytest.approx(1, abs=1e-7)
    norm = (sos.problem.value * sos.scale) ** 0.25 * 2.0**sos.exponent
    assert norm == pytest.approx(oracle.attained(X, v, 4), rel=1e-6)


def test_a_constraint_of_the_user_lowers_the_value_and_not_the_bound():
    X = np.diag([2.0, 1.0, 1.0])
    free = hn.sos_problem(X)
    without_first = free.with_constraints(free.moment(0, 0) == 0)
    assert without_first.problem.solve(solver="CLARABEL") * free.scale * 16.0**free.exponent == pytest.approx(
        1, abs=1e-5
    )
    assert without_first.certificate().verify(X).upper >= 2
    assert len(free.problem.constraints) == 2
    # A symmetry of the form may be imposed; the bound stays tight.
    symmetric = free.with_constraints(free.moment(0, 1) == 0, free.moment(0, 2) == 0, free.moment(0, 1, 1, 1) == 0)
    symmetric.problem.solve(solver="CLARABEL")
    assert 2 <= symmetric.certificate().verify(X).upper <= 2 * (1 + 1e-7)


@pytest.mark.parametrize("size", [0.0, 1e-3, 1.0, 1e12, 1e200, 1e307])
@pytest.mark.parametrize("seed", [0, 1])
def test_garbage_for_a_multiplier_costs_sharpness_only(size, seed):
    X = gaussian(20, 4, random_state=seed)
    sos = hn.sos_problem(X)
    sos.positive.save_dual_value(size * np.random.default_rng(seed).standard_normal((10, 10)))
    moment_bound = hn.spectral_bound(X, kind="moment").upper
    try:
        upper = sos.certificate().verify(X, exact=True).upper
    except CertificateError:
        return
    assert hn.lower_bound(X, q=4, random_state=0).value <= upper <= moment_bound * (1 + 1e-9)


def test_a_multiplier_that_promises_too_much_is_not_believed():
    X = gaussian(20, 4, random_state=0)
    sos = hn.sos_problem(X)
    sos.problem.solve(solver="CLARABEL")
    honest = sos.certificate().upper
    for factor in (0.5, -1.0, 2.0):
        changed = hn.sos_problem(X)
        changed.positive.save_dual_value(factor * sos.positive.dual_value)
        assert changed.certificate().verify(X, exact=True).upper >= honest * (1 - 1e-9)


@pytest.mark.parametrize("multiplier", [None, np.full((3, 3), np.nan), np.full((3, 3), np.inf)])
def test_no_multiplier_no_bound(multiplier):
    sos = hn.sos_problem(np.eye(2))
    if multiplier is not None:
        sos.positive.save_dual_value(multiplier)
    with pytest.raises(HypernormError, match="solve"):
        sos.certificate()


def test_an_unfinished_solve_warns_and_is_proved():
    X = gaussian(30, 6, random_state=0)
    with pytest.warns(ConvergenceWarning, match="proved but may be improved"):
        certificate = hn.conic_bound(X, solver="SCS", max_iters=5)
    assert certificate.verify(X).upper >= hn.lower_bound(X, q=4, random_state=0).value


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"q": 5}, "q must be 4, 6 or 8"),
        ({"q": 2}, "q must be 4, 6 or 8"),
        ({"q": "four"}, "q must be a real number"),
        ({"degree": 5}, "degree must be even"),
        ({"q": 6, "degree": 4}, "degree must be even and from 6"),
        ({"degree": 14}, "to 12"),
        ({"degree": 4.0}, "degree must be a whole number"),
        ({"solver": "NONE_SUCH"}, "solver must be an installed"),
        ({"solver": None}, "solver must be an installed"),
        ({"X": np.eye(2) * np.nan}, "X has the entry nan"),
    ],
)
def test_bad_arguments(arguments, words):
    with pytest.raises(InvalidInputError, match=words):
        hn.conic_bound(arguments.pop("X", np.eye(3)), **arguments)


@pytest.mark.parametrize("options", [{"solver": "SCIPY"}, {"no_such_option": 1}, {"solver": "SCS", "eps": "small"}])
def test_a_solver_that_fails_is_reported_in_one_line(options):
    with pytest.raises(HypernormError, match=r"The solver \w+ failed .*use solver='CLARABEL' or 'SCS'") as caught:
        hn.conic_bound(np.eye(3), **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("indices", [(), (0,), (0, 0, 1), (0, 3), (0, -1), (0,) * 6, (0, 0.5)])
def test_bad_moments(indices):
    with pytest.raises(InvalidInputError):
        hn.sos_problem(np.eye(3)).moment(*indices)


def test_too_large_a_problem_is_refused_before_it_is_built():
    with pytest.raises(InvalidInputError, match="GiB"):
        hn.sos_problem(np.ones((1, 1000)))


def test_without_cvxpy_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cvxpy", None)
    for function in (hn.sos_problem, hn.conic_bound):
        with pytest.raises(InvalidInputError, match=r"pip install 'hypernorm\[conic\]'"):
            function(np.eye(2))
