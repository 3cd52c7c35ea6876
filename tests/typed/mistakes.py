"""What type checkers refuse: every line that ends in "# error"; see tests/test_typing.py."""

import numpy as np

import hypernorm as hn
from hypernorm.datasets import contaminated, load_bundled
from hypernorm.dictionary import LpDictionaryLearning
from hypernorm.linear_model import SchattenRegressor
from hypernorm.robust import RobustMean
from hypernorm.separable import separable_value


def mistakes() -> None:
    X = np.eye(3)
    hn.two_to_q_norm(X, method="foo")  # error
    hn.two_to_q_norm(X, q="4")  # error
    hn.two_to_q_norm(X).bounds  # error
    hn.operator_norm(X, 1, 2, method="foo")  # error
    hn.operator_certificate(X, 1, 2, "foo")  # error
    hn.cut_norm(X, method="foo")  # error
    hn.smallest_gain(X, method="foo")  # error
    hn.spectral_bound(X, kind="sos")  # error
    hn.approximation_factor(3, kind="foo")  # error
    separable_value(np.eye(4), (2, 2), field="quaternion")  # error
    LpDictionaryLearning(contrast="foo")  # error
    LpDictionaryLearning(refine="foo")  # error
    LpDictionaryLearning(transform_algorithm="foo")  # error
    SchattenRegressor(solver="foo")  # error
    RobustMean("foo")  # error
    RobustMean(method="foo")  # error
    contaminated(10, 2, 0.1, adversary="foo")  # error
    load_bundled("foo")  # error
