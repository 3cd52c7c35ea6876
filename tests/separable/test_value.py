"""The best separable state value: known values, symmetries, the link to the 2→4 norm, and what happens at the edges."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

import hypernorm as hn
from hypernorm import Status
from hypernorm.datasets import choi_lam, cube_functions, e8, icosahedron, identity, known_separable_values, odd_cycle
from hypernorm.datasets.states import choi_map, maximally_entangled, pyramid, tiles
from hypernorm.exceptions import ConvergenceWarning, InvalidInputError
from hypernorm.separable import value as separable_states
from hypernorm.separable.solver import ProductSolver
from hypernorm.separable.value import (
    norm_operator,
    norm_witness,
    separable_value,
)
from tests.oracles.product_states import alternating, partial_transpose, random_hermitian, value

KNOWN = list(known_separable_values())
DOCS = Path(__file__).parent.parent.parent / "docs"


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.name)
def test_known_values_are_proved_on_both_sides(known):
    interval = separable_value(known.matrix, known.dims, rtol=2e-7, random_state=0)
    assert known.value - 1e-6 <= interval.lower <= known.value + 1e-14
    assert known.value - 1e-14 <= interval.upper <= known.value + 1e-6
    assert interval.status is Status.EXACT
    assert interval.records[0].upper == pytest.approx(known.ppt_value, abs=1e-6)
    assert interval.certificate.level == (2 if known.ppt_value > known.value else 1)
    assert interval.certificate.verify(known.matrix).upper == interval.upper
    assert interval.witness.verify(known.matrix).lower == interval.lower
    assert value(known.matrix, interval.witness.x, interval.witness.y) == pytest.approx(interval.lower, abs=1e-14)


REAL = [known for known in KNOWN if not np.iscomplexobj(known.matrix)]


@pytest.mark.parametrize("known", REAL, ids=lambda known: known.name)
def test_known_values_over_real_vectors(known):
    interval = separable_value(known.matrix, known.dims, field="real", rtol=2e-7, random_state=0)
    assert known.value - 1e-6 <= interval.lower <= known.value + 1e-14
    assert known.value - 1e-14 <= interval.upper <= known.value + 1e-6
    assert interval.certificate.verify(known.matrix, exact=True).upper == interval.upper
    for array in (interval.witness.x, interval.witness.y, *interval.certificate.matrices):
        assert array.dtype == np.float64


@given(st.integers(0, 10**6), st.sampled_from([(2, 2), (2, 3), (3, 2)]), st.booleans())
@settings(max_examples=25)
def test_partial_transposes_decide_in_two_by_two_and_two_by_three(seed, dims, real):
    """Woronowicz (1976), and Calderón (1973) over the reals: level 1 is exact, so lower and upper bound meet."""
    M = random_hermitian(dims[0] * dims[1], np.random.default_rng(seed), real)
    for field in ("complex", "real") if real else ("complex",):
        assert separable_value(M, dims, field=field, level=1, random_state=0).is_exact(1e-6)


@pytest.mark.parametrize("field", ["complex", "real"])
def test_symmetries(field):
    rng = np.random.default_rng(1)
    real = field == "real"
    M = random_hermitian(6, rng, real)
    reference = separable_value(M, (2, 3), field=field, random_state=0)

    def agrees(A, dims=(2, 3), change=lambda v: v):
        other = separable_value(A, dims, field=field, random_state=1)
        scale = other.unit + abs(reference.unit)
        assert other.lower <= change(reference.upper) + 1e-12 * scale
        assert change(reference.lower) <= other.upper + 1e-12 * scale

    frames = [
        np.linalg.qr(rng.standard_normal((d, d)) + (not real) * 1j * rng.standard_normal((d, d)))[0] for d in (2, 3)
    ]
    turned = np.kron(*frames) @ M @ np.kron(*frames).conj().T
    agrees((turned + turned.conj().T) / 2)
    agrees(M.reshape(2, 3, 2, 3).transpose(1, 0, 3, 2).reshape(6, 6), (3, 2))
    agrees(partial_transpose(M, (2, 3)))  # conjugates x
    agrees(M.conj())
    agrees(M + 7 * np.eye(6), change=lambda v: v + 7)
    agrees(1e-30 * M, change=lambda v: 1e-30 * v)


def test_real_vectors_are_complex_ones_of_the_symmetrised_matrix():
    """docs/theory/separable_states.md: h over R^a × R^b equals h over C^a × C^b of (M + M^Γ)/2."""
    rng = np.random.default_rng(2)
    for _ in range(3):
        M = random_hermitian(9, rng, real=True)
        real = separable_value(M, (3, 3), field="real", random_state=0)
        symmetrised = separable_value((M + partial_transpose(M, (3, 3))) / 2, (3, 3), random_state=0)
        complex_value = separable_value(M, (3, 3), random_state=0)
        assert real.lower == pytest.approx(symmetrised.lower, abs=1e-5)
        assert real.upper == pytest.approx(symmetrised.upper, abs=2e-5)
        assert real.lower <= complex_value.upper
    # And it can be strictly less: ⟨x, Y x⟩ vanishes for every real x.
    Y = np.array([[0, -1j], [1j, 0]])
    M = -np.kron(Y, Y).real
    assert separable_value(M, (2, 2), field="real", random_state=0).upper < 1e-5
    assert separable_value(M, (2, 2), random_state=0).lower > 1 - 1e-9


@pytest.mark.parametrize(
    "known", [identity(3), icosahedron(), cube_functions(3), e8(), choi_lam(), odd_cycle(5)], ids=str
)
def test_norms_are_separable_values(known):
    """‖X‖⁴ = h_Sep(Σ x xᵀ ⊗ x xᵀ), read in both directions."""
    X, d = known.matrix, known.matrix.shape[1]
    interval = separable_value(norm_operator(X), (d, d), field="real", rtol=1e-6, random_state=0)
    assert interval.lower <= known.value**4 * (1 + 1e-12)
    assert interval.upper >= known.value**4 * (1 - 1e-12)
    assert interval.is_exact(1e-6)
    # A proof for the norm is one for the separable value, and a product state is a vector for the norm.
    norm = hn.two_to_q_norm(X, q=4, random_state=0)
    assert interval.lower <= norm.upper**4 * (1 + 1e-12)
    witness = norm_witness(X, interval.witness)
    assert witness.verify(X).lower ** 4 >= interval.lower * (1 - 1e-12)
    assert witness.value <= interval.upper**0.25 * (1 + 1e-12)


def test_norms_over_complex_vectors():
    X = np.random.default_rng(3).standard_normal((12, 4))
    M = norm_operator(X)
    np.testing.assert_allclose(M, sum(np.kron(np.outer(x, x), np.outer(x, x)) for x in X), atol=1e-12)
    interval = separable_value(M, (4, 4), random_state=0)
    norm = hn.two_to_q_norm(X, q=4, random_state=0)
    assert interval.lower <= norm.upper**4 * (1 + 1e-12)
    assert norm.lower**4 <= interval.upper * (1 + 1e-12)
    state = dataclasses.replace(interval.witness, x=interval.witness.x * np.exp(0.7j), y=interval.witness.y * 1j)
    assert norm_witness(X, state).value ** 4 >= interval.lower * (1 - 1e-9)


def test_a_gap_is_reported_as_such():
    """Tiles at level 1: the relaxation is solved, its value is one, and the interval says so."""
    interval = separable_value(tiles().matrix, (3, 3), level=1, random_state=0)
    assert interval.status is Status.GAP
    assert not interval.is_exact()
    assert interval.gap == pytest.approx(0.0284162, abs=1e-6)
    (record,) = interval.records
    assert record.kind == "level 1"
    assert record.upper == pytest.approx(1, abs=1e-6)
    assert record.relaxation == pytest.approx(1, abs=1e-6)
    assert record.relaxation <= record.upper


@pytest.mark.parametrize("known", [tiles(), pyramid(), choi_map()], ids=lambda known: known.name)
@pytest.mark.parametrize("field", ["complex", "real"])
def test_higher_levels_close_what_the_first_leaves(known, field):
    for level in (2, 3):
        interval = separable_value(known.matrix, (3, 3), field=field, level=level, rtol=1e-5, random_state=0)
        assert [record.kind for record in interval.records] == [f"level {level}"]
        assert interval.status is Status.EXACT
        assert interval.upper == pytest.approx(known.value, abs=2e-5)


def test_random_matrices_of_half_rank_need_the_second_level():
    rng = np.random.default_rng(4)
    levels = []
    for _ in range(2):
        vectors = np.linalg.qr(rng.standard_normal((16, 8)) + 1j * rng.standard_normal((16, 8)))[0]
        P = vectors @ vectors.conj().T
        interval = separable_value(P, (4, 4), rtol=1e-5, random_state=0)
        assert interval.is_exact(1e-5)
        assert alternating(P, (4, 4), rng, restarts=10) <= interval.upper
        levels.append(interval.certificate.level)
    assert 2 in levels


def test_eigenvalues_where_one_factor_is_trivial():
    M = random_hermitian(5, np.random.default_rng(5))
    for dims in ((1, 5), (5, 1)):
        for level in (1, 2):
            interval = separable_value(M, dims, level=level, random_state=0)
            top = scipy.linalg.eigvalsh(M)[-1]
            assert interval.lower <= top + 1e-12
            assert top - 1e-12 <= interval.upper <= top + 1e-6 * interval.unit


@pytest.mark.parametrize(("M", "value"), [(np.zeros((4, 4)), 0.0), (np.eye(4), 1.0), (-3 * np.eye(4), -3.0)])
def test_multiples_of_the_identity(M, value):
    for field in ("complex", "real"):
        interval = separable_value(M, (2, 2), field=field, random_state=0)
        assert interval.lower <= value <= interval.upper
        assert interval.gap <= 1e-12
        assert interval.certificate.verify(M, exact=True).upper == interval.upper


@pytest.mark.parametrize(("M", "value"), [(np.diag([1.7e308] * 4), 1.7e308), (np.ones((4, 4)) * 1.7e308, np.inf)])
def test_entries_next_to_the_largest_float(M, value):
    interval = separable_value(M, (2, 2), random_state=0)
    assert 1.7e308 * (1 - 1e-12) <= interval.lower <= value <= interval.upper
    assert interval.certificate.verify(M, exact=True).upper == interval.upper


def test_the_seed_decides():
    M = random_hermitian(9, np.random.default_rng(6))
    first, second = (separable_value(M, (3, 3), random_state=7) for _ in range(2))
    assert (first.lower, first.upper) == (second.lower, second.upper)
    np.testing.assert_array_equal(first.witness.x, second.witness.x)


def test_a_time_limit_leaves_proved_bounds():
    M = random_hermitian(64, np.random.default_rng(7))
    interval = separable_value(M, (8, 8), time_limit=1e-6, random_state=0)
    assert interval.status is Status.TIME_LIMIT
    assert interval.certificate.verify(M).upper == interval.upper
    assert interval.upper <= np.linalg.eigvalsh(M)[-1] * (1 + 1e-9)
    assert interval.lower < interval.upper


def test_an_interruption_leaves_proved_bounds(monkeypatch):
    iterate = ProductSolver._iterate

    def interrupted(solver):
        if solver.iteration == 15:
            raise KeyboardInterrupt
        iterate(solver)

    monkeypatch.setattr(ProductSolver, "_iterate", interrupted)
    interval = separable_value(tiles().matrix, (3, 3), level=2, random_state=0)
    assert interval.status is Status.INTERRUPTED
    assert interval.records[0].iterations == 15
    assert interval.certificate.verify(tiles().matrix).upper == interval.upper >= tiles().value


def test_the_limit_on_iterations_warns(monkeypatch):
    monkeypatch.setattr(separable_states, "_MAX_ITER", 20)
    with pytest.warns(ConvergenceWarning, match="may be improved"):
        interval = separable_value(choi_map().matrix, (3, 3), level=1, random_state=0)
    assert interval.status is Status.MAX_ITERATIONS
    assert interval.certificate.verify(choi_map().matrix).upper == interval.upper


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"level": 0}, "level"),
        ({"level": 9}, "from 1 to 8"),
        ({"level": "high"}, "level must be 'auto'"),
        ({"level": 1.0}, "level"),
        ({"rtol": -1}, "rtol"),
        ({"time_limit": 0}, "time_limit"),
        ({"n_starts": 0}, "n_starts"),
        ({"random_state": "x"}, "random_state"),
        ({"field": "rational"}, "field"),
    ],
)
def test_bad_arguments_are_named(arguments, words):
    with pytest.raises(InvalidInputError, match=words):
        separable_value(np.eye(4), (2, 2), **arguments)


def test_what_cannot_fit_is_refused():
    with pytest.raises(InvalidInputError, match=r"Level 8.*GiB; use a lower level"):
        separable_value(np.eye(64), (8, 8), level=8)


def test_results_show_themselves():
    known = maximally_entangled(3)
    interval = separable_value(known.matrix, (3, 3), random_state=0)
    assert re.fullmatch(
        r"Interval\(h_Sep\(M\): lower=0.33333333\d\d, upper=0.3333\d*, gap=\S+, kind='separable', status=EXACT\)",
        repr(interval),
    )
    assert "h_Sep(M) ∈ [0.33333" in interval._repr_html_()
    assert "level=1" in repr(interval.certificate)
    assert "value=0.3333" in repr(interval.witness)
    assert interval.status.message.startswith("lower and upper bound meet")


@pytest.mark.parametrize("page", ["guide/separable_states.md", "theory/separable_states.md"])
def test_blocks_of_the_documentation_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (DOCS / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    assert blocks
    namespace: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, page, "exec"), namespace)


@pytest.mark.parametrize(
    ("X", "message"), [(np.full((2, 2), 1e100), "divide X by"), (np.eye(3) * 1e-70, "divide X by")]
)
def test_norms_whose_fourth_powers_leave_the_range_are_refused(X, message):
    with pytest.raises(InvalidInputError, match=message):
        norm_operator(X)


def test_operators_that_do_not_fit_into_memory_are_refused():
    with pytest.raises(InvalidInputError, match="3000 columns needs"):
        norm_operator(np.ones((2, 3000)))
