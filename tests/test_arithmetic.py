"""What a caller does with `numpy.seterr` changes nothing."""

import ast
import inspect
from pathlib import Path

import numpy as np
import pytest

import hypernorm as hn
from hypernorm import applications, datasets, dictionary, linear_model, robust, separable
from hypernorm._arithmetic import own_arithmetic

RNG = np.random.default_rng(0)
# Rows from the normal range far into the subnormal one: products and squares underflow everywhere.
X = RNG.standard_normal((120, 3)) * 10.0 ** RNG.uniform(-320, 0, (120, 1))
PLAIN = RNG.standard_normal((120, 3))
SUBNORMAL, SMALL = PLAIN * 1e-310, PLAIN * 1e-200
Y = PLAIN @ [1.0, 2.0, 3.0] + 1e-300 * RNG.standard_normal(120)
A = RNG.standard_normal((9, 9))
M = (A + A.T) * 10.0 ** -RNG.uniform(0, 200, (9, 9))
M = np.tril(M) + np.tril(M, -1).T
CUBE = datasets.noisy_cube(4, 0.9)

JOBS = {
    "two_to_q_norm": lambda: hn.two_to_q_norm(X, 3.3, random_state=0),
    "large q": lambda: hn.sos_bound(X, 1e6, random_state=0).verify(X),
    "sos_bound": lambda: hn.sos_bound(X, 5.5, random_state=0).verify(X, exact=True),
    "spectral_bound": lambda: hn.spectral_bound(X, 3.3).verify(X, exact=True),
    "upper and repr": lambda: (hn.spectral_bound(X, 3.3).upper, repr(hn.spectral_bound(X, 3.3))),
    "smallest_gain": lambda: hn.smallest_gain(X, random_state=0).certificate.verify(X, exact=True),
    "lower_bound": lambda: hn.lower_bound(X, 1.5, random_state=0).verify(X),
    "witness": lambda: hn.Witness.from_vector(X, [1.0, 5e-324, 0.0]),
    "certify_mean": lambda: robust.certify_mean(SUBNORMAL, np.ones(120), 0.1).verify(SUBNORMAL),
    "certify_covariance": lambda: robust.certify_covariance(PLAIN, np.ones(120), 0.01).verify(PLAIN),
    "robust_mean": lambda: robust.robust_mean(SMALL, 0.1),
    "RobustMean": lambda: robust.RobustMean(0.1).fit(PLAIN),
    "RobustCovariance": lambda: robust.RobustCovariance(0.1).fit(PLAIN),
    "RobustRegressor": lambda: robust.RobustRegressor(0.1).fit(PLAIN, Y).predict(PLAIN),
    "MomentClustering": lambda: robust.MomentClustering(2, random_state=0).fit(X).predict(X),
    "LpDictionaryLearning": lambda: dictionary.LpDictionaryLearning(random_state=0).fit(PLAIN).transform(SMALL),
    "SchattenRegressor": lambda: linear_model.SchattenRegressor(1e-200).fit(SMALL, Y).predict(PLAIN),
    "SchattenRegressorCV": lambda: linear_model.SchattenRegressorCV([1e-300, 1.0]).fit(PLAIN, Y),
    "separable_value": lambda: separable.separable_value(M, (3, 3), random_state=0).certificate.verify(M),
    "small sets": lambda: applications.small_set_expansion(CUBE, random_state=0).verify(CUBE),
    "find_small_set": lambda: applications.find_small_set(CUBE, 0.2),
    "sparsest_direction": lambda: applications.sparsest_direction(PLAIN, random_state=0).verify(PLAIN),
}


@pytest.mark.filterwarnings("ignore::hypernorm.ConvergenceWarning")
@pytest.mark.parametrize("name", JOBS)
def test_underflow_that_the_caller_made_an_error(name):
    with np.errstate(all="raise"):
        JOBS[name]()
        assert np.geterr() == dict.fromkeys(("divide", "over", "under", "invalid"), "raise")


def test_every_public_function_of_the_numerical_modules_is_guarded():
    """By the source: each function and method that a user calls has the decorator, or computes nothing."""
    harmless = {"read_matrix", "check_figure_path", "is_exact", "is_spikiest", "is_global", "load_certificate"}
    for module in (hn, robust, dictionary, linear_model, applications, datasets):
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isfunction(value) and name not in harmless:
                assert _is_guarded(value), name
            if inspect.isclass(value) and hasattr(value, "fit"):
                for method in ("fit", "predict", "transform", "partial_fit", "fit_transform"):
                    own = value.__dict__.get(method)
                    assert own is None or _is_guarded(own), f"{name}.{method}"


def _is_guarded(function):
    """Whether the decorator is among the wrappers; scikit-learn puts one of its own around ``transform``."""
    while function.__code__ is not own_arithmetic(len).__code__:
        function = getattr(function, "__wrapped__", None)
        if function is None:
            return False
    return True


def test_no_module_keeps_one_context_for_all_threads():
    """``@np.errstate(...)`` shares its state between concurrent calls in older numpy."""
    package = Path(hn.__file__).parent
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            decorators = getattr(node, "decorator_list", [])
            assert not any("errstate" in ast.unparse(decorator) for decorator in decorators), path
