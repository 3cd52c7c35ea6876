import math

import numpy as np
import pytest

from hypernorm import InvalidInputError, approximation_factor, lower_bound, spectral_bound
from hypernorm.bounds.resolvent import Resolvent
from hypernorm.bounds.spectral import SPECTRAL_KINDS as KINDS
from hypernorm.certificates import is_available
from hypernorm.datasets import gaussian, heavy_tailed, known_norms, signs, subspace
from hypernorm.forms import RealignedMap, Rows
from tests.oracles import norms as oracle


@pytest.mark.parametrize("known", list(known_norms()), ids=repr)
@pytest.mark.parametrize("kind", KINDS)
def test_known_norms_lie_within_the_proved_factor(known, kind):
    d = known.matrix.shape[1]
    if not is_available(kind, known.q) or (kind == "moment" and (d > 6 or known.q not in (4, 6))):
        return
    upper = spectral_bound(known.matrix, known.q, kind).upper
    assert known.value * (1 - 1e-12) <= upper <= known.value * approximation_factor(d, known.q, kind) * (1 + 1e-7)


@pytest.mark.parametrize("q", [2.2, 3, 3.9, 4, 4.5, 6, 9.5])
@pytest.mark.parametrize("kind", ["row_norm", "flattening", "realigned"])
def test_the_factor_holds_for_every_exponent(kind, q):
    """On matrices small enough for the power method to find the norm."""
    for seed, family in enumerate((gaussian, signs, heavy_tailed)):
        X = family(12, 3, random_state=seed)
        norm = lower_bound(X, q, n_starts=200, random_state=0).value
        assert spectral_bound(X, q, kind).upper <= norm * approximation_factor(3, q, kind) * (1 + 1e-7)


def test_the_factors_are_the_powers_of_the_theorems_for_q_4():
    for d in (1, 2, 10, 1000):
        assert approximation_factor(d, 4, "realigned") == pytest.approx(d**0.125, rel=1e-12)
        assert approximation_factor(d, 4, "row_norm") == pytest.approx(d**0.25, rel=1e-12)
        assert approximation_factor(d, 4, "flattening") == approximation_factor(d, 4, "moment")


@pytest.mark.parametrize("kind", ["row_norm", "flattening", "realigned"])
def test_the_factors_are_continuous_and_grow_at_the_stated_rate(kind):
    for q in (2.0, 4.0):
        near = [approximation_factor(50, value, kind) for value in (q + 1e-9, q + 1e-7)]
        assert near[0] == pytest.approx(near[1], rel=1e-5)
    assert approximation_factor(50, 2 + 1e-12, kind) == pytest.approx(1, abs=1e-9)
    for q in (2.5, 3, 5, 7.3):
        above, below = 0.5 - 3 / (2 * q), (q - 2) * (6 - q) / (8 * q)
        exponent = 0.5 - 1 / q if kind != "realigned" else above if q >= 4 else below
        slope = math.log(approximation_factor(2 * 10**6, q, kind) / approximation_factor(10**6, q, kind), 2)
        assert slope == pytest.approx(exponent, abs=1e-4)


@pytest.mark.parametrize("s", [0.5, 1, 2, 3.3, 4])
def test_spherical_moments_against_sampling(s):
    rng = np.random.default_rng(0)
    u = rng.standard_normal((200_000, 5))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    sampled = np.mean(np.abs(u[:, 0]) ** s)
    assert approximation_factor(5, s + 2, "row_norm") == pytest.approx(sampled ** (-1 / (s + 2)), rel=5e-3)


def test_the_order_of_the_bounds_for_q_4():
    for family in (gaussian, signs, heavy_tailed, subspace):
        X = family(40, 8, random_state=1)
        row_norm, flattening, realigned = (spectral_bound(X, 4, kind).upper for kind in KINDS[:3])
        assert realigned <= flattening * (1 + 1e-7) <= row_norm * (1 + 1e-6)
        assert spectral_bound(X, 4, "moment").upper == pytest.approx(flattening, rel=1e-7)


def test_values_are_close_to_the_largest_eigenvalue_and_rtol_is_obeyed():
    X = gaussian(60, 7, random_state=2)
    exact = oracle.spectral_value(X, 4, "realigned")
    for rtol in (1e-2, 1e-4, 1e-8):
        assert exact * (1 - 1e-13) <= spectral_bound(X, 4, rtol=rtol).upper <= exact * (1 + 1.5 * rtol)


def test_any_number_of_steps_gives_a_proved_bound():
    X = heavy_tailed(80, 6, random_state=0)
    rows = Rows(X)
    exact = oracle.spectral_value(X, 4, "realigned")
    stopped = spectral_bound(X, 4, time_limit=1e-9)
    assert exact <= stopped.upper
    assert stopped.verify(X, exact=True).upper == stopped.upper
    process = Resolvent.build(RealignedMap(rows), 6, 0.0, 0.0)
    assert len(process.tridiagonal) == 1


def test_the_resolvent_satisfies_its_equation():
    X = gaussian(40, 5, random_state=0)
    mapping = RealignedMap(Rows(X))
    process = Resolvent.build(mapping, 5, 1e-9, math.inf)
    bound, U = process.certificate(0.0)
    slack = bound * U - mapping(U)
    identity = slack / np.trace(slack) * 5
    assert np.linalg.norm(identity - np.eye(5), 2) <= 0.6
    assert np.linalg.eigvalsh(U)[0] > 0


@pytest.mark.parametrize("q", np.round(np.linspace(2, 9, 71), 12))
def test_every_kind_changes_continuously_with_the_exponent(q):
    X = heavy_tailed(30, 4, random_state=5)
    for kind in KINDS:
        if is_available(kind, q + 1e-7) and is_available(kind, q):
            here, near = (spectral_bound(X, value, kind).upper for value in (q, q + 1e-7))
            assert here == pytest.approx(near, rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"q": 1.5}, "q must be at least 2"),
        ({"kind": "nuclear"}, "kind must be one of"),
        ({"q": 2, "kind": "realigned"}, "row_norm"),
        ({"q": math.inf, "kind": "flattening"}, "row_norm"),
        ({"q": 9, "kind": "moment"}, "q = 8"),
        ({"rtol": -1}, "rtol"),
        ({"time_limit": 0}, "time_limit"),
    ],
)
def test_bad_arguments_are_named(arguments, words):
    with pytest.raises(InvalidInputError, match=words):
        spectral_bound(np.eye(3), **arguments)


@pytest.mark.parametrize("arguments", [{"d": 0}, {"q": 1}, {"kind": "x"}, {"q": 5, "kind": "moment"}])
def test_factors_that_are_not_proved_are_refused(arguments):
    with pytest.raises(InvalidInputError):
        approximation_factor(**({"d": 3} | arguments))
