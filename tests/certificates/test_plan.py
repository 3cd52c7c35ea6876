import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypernorm.certificates import KINDS, is_available, plan
from tests.oracles import norms as oracle

EXPONENTS = [
    2.0,
    math.nextafter(2, 3),
    2.5,
    3.0,
    3.7,
    math.nextafter(4, 0),
    4.0,
    math.nextafter(4, 5),
    5.0,
    6.0,
    7.3,
    8.0,
]


@pytest.mark.parametrize("q", [*EXPONENTS, 8.5, 100.1, 1e6])
@pytest.mark.parametrize("kind", KINDS)
def test_the_conditions_of_the_theorem_hold_exactly(kind, q):
    if not is_available(kind, q):
        with pytest.raises(ValueError, match=r"no .* bound"):
            plan(kind, q)
        return
    factors = plan(kind, q)
    shares = [factor.share for factor in factors]
    assert all(share > 0 for share in shares)
    assert sum(shares) == 1
    assert sum(f.share * (f.order + f.weight) for f in factors) == Fraction(q)
    assert sum(f.share * f.weight for f in factors) >= 0
    assert all(f.root == (2 * f.order if f.form == "realigned" else f.order) for f in factors)


def test_which_kinds_exist():
    assert plan("row_norm", math.inf)[0].form == "longest_row"
    assert not is_available("realigned", 2.0)
    assert not is_available("realigned", math.inf)
    assert not is_available("moment", 8.1)
    assert not is_available("row_norm", 1.9)
    assert not is_available("nuclear", 4.0)
    assert [f.order for f in plan("sos", 8.0)] == [8]
    assert [f.form for f in plan("sos", 3.0)] == ["second", "sos"]
    assert not is_available("row_norm", 1e7)
    assert [f.order for f in plan("moment", 6.0)] == [6]
    assert [f.order for f in plan("moment", 2.5)] == [2, 4]
    assert [f.order for f in plan("moment", 7.3)] == [6, 8]


@given(st.sampled_from([q for q in EXPONENTS if q > 2]), st.sampled_from(KINDS), st.integers(0, 50))
def test_the_inequality_itself_on_random_vectors(q, kind, seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_t(2, (6, 3))
    v = rng.standard_normal(3)
    v /= np.linalg.norm(v)
    r, y = np.linalg.norm(X, axis=1), np.abs(X @ v)
    product = math.prod(float(np.sum(r ** float(f.weight) * y**f.order)) ** float(f.share) for f in plan(kind, q))
    assert oracle.attained(X, v, q) <= product ** (1 / q) * (1 + 1e-9)


@pytest.mark.parametrize(
    ("kind", "q", "exists"),
    [
        ("row_norm", 2.0, True), ("row_norm", 1e6, True), ("row_norm", math.inf, True), ("row_norm", 1.5, False),
        ("row_norm", math.nextafter(2, 0), False), ("row_norm", math.nextafter(1e6, 2e6), False),
        ("row_norm", math.nan, False), ("row_norm", -math.inf, False), ("flattening", 2.0, False),
        ("flattening", math.nextafter(2, 3), True), ("flattening", 1e6, True), ("flattening", math.inf, False),
        ("sos", math.inf, False), ("moment", 8.0, True), ("moment", math.nextafter(8, 9), False),
        ("moment", 2.5, True), ("moment", 2.0, False), ("", 4.0, False), ("second", 4.0, False),
    ],
)  # fmt: skip
def test_the_ends_of_what_exists(kind, q, exists):
    assert is_available(kind, q) is exists


def factors(kind, q):
    return [(f.form, f.order, f.weight, f.share, f.root) for f in plan(kind, q)]


@pytest.mark.parametrize("kind", ["flattening", "realigned", "sos"])
def test_each_plan_is_the_one_of_the_page(kind):
    """docs/theory/upper_bounds.md, in full."""
    half, root = Fraction(1, 2), 8 if kind == "realigned" else 4
    assert factors("row_norm", math.inf) == [("longest_row", 0, 0, 1, 2)]
    assert factors("row_norm", 2.0) == [("second", 2, 0, 1, 2)]
    assert factors("row_norm", 7.5) == [("second", 2, Fraction(11, 2), 1, 2)]
    assert factors(kind, 4.0) == [(kind, 4, 0, 1, root)]
    assert factors(kind, 7.0) == [(kind, 4, 3, 1, root)]
    assert factors(kind, 3.0) == [("second", 2, 1, half, 2), (kind, 4, -1, half, root)]
    assert factors(kind, 2.5) == [
        ("second", 2, half, Fraction(3, 4), 2), (kind, 4, Fraction(-3, 2), Fraction(1, 4), root),
    ]  # fmt: skip
    for q in (6.0, 8.0):
        expected = (kind, int(q), 0, 1, int(q)) if kind == "sos" else (kind, 4, int(q) - 4, 1, root)
        assert factors(kind, q) == [expected]
    assert factors("moment", 3.0) == [("second", 2, 0, half, 2), ("moment", 4, 0, half, 4)]
    assert factors("moment", 6.0) == [("moment", 6, 0, 1, 6)]
    assert factors("moment", 7.5) == [("moment", 6, 0, Fraction(1, 4), 6), ("moment", 8, 0, Fraction(3, 4), 8)]


def test_matrices_and_their_sides():
    has = {f.form: f.has_matrix for kind in KINDS for q in (3.0, 4.0, 6.0) for f in plan(kind, q)}
    assert has == {
        "second": False,
        "flattening": True,
        "realigned": True,
        "moment": False,
        "split": True,
        "sos": True,
    }
    assert not plan("row_norm", math.inf)[0].has_matrix
    assert plan("flattening", 4.0)[0].sides(5) == (5,)
    # C(d+m−1, m) for m from half the order to six.
    assert plan("sos", 4.0)[0].sides(3) == (6, 10, 15, 21, 28)
    assert plan("sos", 8.0)[0].sides(2) == (5, 6, 7)
    assert plan("row_norm", 6.0)[0].row_power == 2
    assert plan("realigned", 3.0)[1].row_power == Fraction(-1, 4)
    assert plan("row_norm", math.inf)[0].row_power == 0
