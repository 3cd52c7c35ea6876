"""Known norms that degree 4 cannot prove: identities in rationals, witnesses, and what degrees 4 and 6 make of them."""

import itertools
import math
from collections.abc import Iterable
from fractions import Fraction

import numpy as np
import pytest

import hypernorm as hn
from hypernorm.datasets import KnownNorm, choi_biquadratic, choi_lam, inexact, inexact_norms, odd_cycle
from hypernorm.exceptions import InvalidInputError
from tests.oracles import norms as oracle

Form = dict[tuple[int, ...], int]

ALL = list(inexact_norms())
NAMES = [known.name for known in ALL]
FOURTH_POWERS = {name: Fraction(7, 4) if name.startswith("choi") else Fraction(3) for name in NAMES}
# What the degree-4 bound exceeds λ by; for cycles in closed form, else computed once.
EXCESS = {
    "choi-lam": 0.0341880,
    "choi-biquadratic": 0.0343833,
    "odd-cycle-5": 1 - 2 / math.sqrt(5),
    "odd-cycle-7": 2 / (1 + math.cos(math.pi / 7)) - 1,
}
ZEROS: dict[str, list[list[float]]] = {
    "choi-lam": [[1, 1, 1, 1], [1, -1, -1, 1], [1, 1, -1, -1]],
    "choi-biquadratic": [[1] * 6, [1, -1, 1, 1, -1, 1], [1, 2, 3, 0, 0, 0], [0, 0, 0, 3, -1, 2]],
    "odd-cycle-5": [[1, 1, 0, 0, 0], [0.5, math.sqrt(0.5), 0.5, 0, 0], [1, 0, 0, 0, -1]],
    "odd-cycle-7": [[0, 0, 1, -1, 0, 0, 0]],
}

by_name = pytest.mark.parametrize("known", ALL, ids=lambda known: known.name)


def squares(pairs: Iterable[tuple[int, int]], factor: int) -> Form:
    """The coefficients of factor · Σ v_i² v_j² by sorted indices."""
    return {tuple(sorted((i, i, j, j))): factor for i, j in pairs}


def norm_to_the_fourth(d: int) -> Form:
    return squares(itertools.combinations(range(d), 2), 2) | squares(((i, i) for i in range(d)), 1)


def nonnegative_form(name: str) -> Form:
    if name == "choi-lam":
        return squares([(3, 3), (0, 1), (1, 2), (2, 0)], 1) | {(0, 1, 2, 3): -4}
    if name == "choi-biquadratic":
        products = {(i, j, 3 + i, 3 + j): -2 for i, j in itertools.combinations(range(3), 2)}
        return squares([(i, 3 + (i + shift) % 3) for i in range(3) for shift in (0, 1)], 1) | products
    n = int(name.rpartition("-")[2])
    return norm_to_the_fourth(n) | squares([(i, (i + 1) % n) for i in range(n)], 2 - 4)


def weighted_rows(name: str) -> inexact.Weighted:
    if name == "choi-lam":
        return inexact._choi_lam_rows()
    return inexact._choi_biquadratic_rows() if name == "choi-biquadratic" else inexact._odd_cycle_rows(int(name[-1]))


def coefficients_wanted(name: str, d: int) -> list[Fraction]:
    """The coefficients of λ‖v‖⁴ − h."""
    whole, form = norm_to_the_fourth(d), nonnegative_form(name)
    return [
        FOURTH_POWERS[name] * Fraction(whole.get(indices, 0)) - form.get(indices, 0)
        for indices in itertools.combinations_with_replacement(range(d), 4)
    ]


def orderings(indices: tuple[int, ...]) -> int:
    return math.factorial(4) // math.prod(math.factorial(indices.count(i)) for i in set(indices))


@by_name
def test_the_rational_weights_match_all_coefficients_exactly(known: KnownNorm) -> None:
    rows, d = weighted_rows(known.name), known.matrix.shape[1]
    assert all(weight > 0 for weight, _ in rows)
    made = [
        orderings(indices) * sum(weight * math.prod(a[i] for i in indices) for weight, a in rows)
        for indices in itertools.combinations_with_replacement(range(d), 4)
    ]
    assert made == coefficients_wanted(known.name, d)


@by_name
def test_the_stored_matrix_has_the_coefficients(known: KnownNorm) -> None:
    n, d = known.matrix.shape
    made = [
        orderings(indices) * known.matrix[:, list(indices)].prod(axis=1).sum()
        for indices in itertools.combinations_with_replacement(range(d), 4)
    ]
    np.testing.assert_allclose(made, np.array(coefficients_wanted(known.name, d), dtype=float), rtol=0, atol=1e-12)
    assert known.q == 4
    assert not known.matrix.flags.writeable
    assert n == len(weighted_rows(known.name))


@by_name
def test_the_norm_is_attained_at_the_zeros_and_found(known: KnownNorm) -> None:
    for zero in ZEROS[known.name]:
        v = np.array(zero) / np.linalg.norm(zero)
        assert oracle.attained(known.matrix, v, 4) == pytest.approx(known.value, rel=1e-14)
    assert hn.lower_bound(known.matrix, 4, random_state=0).value == pytest.approx(known.value, rel=1e-9)
    assert known.value**4 == pytest.approx(float(FOURTH_POWERS[known.name]), rel=1e-14)


@by_name
def test_no_sampled_vector_exceeds_the_value(known: KnownNorm) -> None:
    V = np.random.default_rng(0).standard_normal((known.matrix.shape[1], 20_000))
    V /= np.linalg.norm(V, axis=0)
    assert np.linalg.norm(known.matrix @ V, 4, axis=0).max() <= known.value * (1 + 1e-12)


@by_name
def test_degree_four_misses_the_norm_by_the_stated_excess(known: KnownNorm) -> None:
    certificate = hn.sos_bound(known.matrix, 4, degree=4, random_state=0)
    for exact in (False, True):
        upper = certificate.verify(known.matrix, exact=exact).upper
        # The solver works to 1e-6 in the norm, that is to about 7e-6 in its fourth power.
        assert upper**4 - known.value**4 == pytest.approx(EXCESS[known.name], abs=1e-5)


@pytest.mark.parametrize("known", [choi_lam(), choi_biquadratic(), odd_cycle(5)], ids=lambda known: known.name)
def test_degree_six_closes_most_of_the_gap(known: KnownNorm) -> None:
    certificate = hn.sos_bound(known.matrix, 4, degree=6, rtol=1.5e-3, random_state=0)
    upper = certificate.verify(known.matrix, exact=True).upper
    assert known.value * (1 - 1e-13) <= upper
    assert upper**4 - known.value**4 < 0.4 * EXCESS[known.name]


def test_cycles_of_other_lengths() -> None:
    assert odd_cycle(9).matrix.shape == (256 + 18, 9)
    for n in (3, 4, 6, 17):
        with pytest.raises(InvalidInputError, match="n must be"):
            odd_cycle(n)
