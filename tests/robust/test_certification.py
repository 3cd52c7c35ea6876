"""Certified moments of weighted rows."""

import numpy as np
import pytest

import hypernorm as hn
from hypernorm.forms import Rows
from hypernorm.robust.certification import certify_moment


@pytest.mark.parametrize("q", [2, 4, 3, 2.5])
def test_the_moment_of_rows_is_bounded_from_both_sides(q):
    Y = np.random.default_rng(0).standard_normal((60, 3))
    proved = certify_moment(Y, q).prove(Rows(Y)).upper
    assert hn.lower_bound(Y, q, random_state=0).value <= proved <= 1.1 * hn.lower_bound(Y, q, random_state=0).value


def test_whole_exponents_are_exponents():
    Y = np.random.default_rng(1).standard_normal((40, 4))
    assert certify_moment(Y, 4).upper == certify_moment(Y, 4.0).upper
