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
