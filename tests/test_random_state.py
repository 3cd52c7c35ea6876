"""One rule for randomness: every function and estimator takes the same forms of `random_state`."""

import importlib
import inspect
import pkgutil

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone

import hypernorm
from hypernorm import InvalidInputError
from hypernorm._arguments import check_generator
from hypernorm.datasets import noisy_cube

FORMS = "random_state : None, int, numpy.random.Generator or numpy.random.RandomState"
X = np.random.default_rng(0).standard_normal((60, 3))
Y = X @ [1.0, 2.0, 3.0] + np.random.default_rng(1).standard_normal(60)
BOTH = np.diag([3.0, 2.0, 1.0, 1.0])

# What each needs besides the random state, and what of its result must be the same for the same seed.
ARGUMENTS = {
    "certified_reweighting": lambda f, s: f(X, 0.1, random_state=s).location,
    "contaminated": lambda f, s: f(50, 3, 0.1, random_state=s).samples,
    "contaminated_clusters": lambda f, s: f(20, 2, 2, 0.1, separation=10, random_state=s).samples,
    "contaminated_regression": lambda f, s: f(50, 3, 0.1, random_state=s).samples,
    "cut_norm": lambda f, s: f(X, random_state=s).upper,
    "gaussian": lambda f, s: f(5, 3, s),
    "heavy_tailed": lambda f, s: f(5, 3, random_state=s),
    "jacobian_frobenius": lambda f, s: f(np.sin, np.zeros(3), random_state=s).value,
    "jacobian_nuclear": lambda f, s: f(np.sin, np.tanh, np.zeros(3), random_state=s).value,
    "low_rank_error": lambda f, s: f(X, X[:, :1], np.eye(X.shape[1])[:, :1], random_state=s).certificate.vector,
    "lower_bound": lambda f, s: f(X, 4, n_starts=2, random_state=s).vector,
    "moment_filter": lambda f, s: f(X, 0.1, random_state=s).location,
    "operator_certificate": lambda f, s: f(X, 3, 1.5, random_state=s).row_weights,
    "operator_norm": lambda f, s: f(X, 3, 1.5, random_state=s).witness.vector,
    "orthogonal_rows": lambda f, s: f([1.0, 2.0, 3.0], random_state=s).matrix,
    "planted_dictionary": lambda f, s: f(50, 3, 0.3, random_state=s).samples,
    "planted_sparse": lambda f, s: f(20, 3, 4, random_state=s).matrix,
    "pure_state": lambda f, s: f(2, 2, random_state=s).matrix,
    "random_geometric_graph": lambda f, s: f(20, 0.4, random_state=s).toarray(),
    "random_regular_graph": lambda f, s: f(10, 3, random_state=s).toarray(),
    "rank_one": lambda f, s: f(5, 3, random_state=s).matrix,
    "robust_mean": lambda f, s: f(X, 0.1, random_state=s).location,
    "separable_value": lambda f, s: f(BOTH, (2, 2), random_state=s).lower,
    "signs": lambda f, s: f(5, 3, s),
    "smallest_gain": lambda f, s: f(X, random_state=s).witness.vector,
    "small_set_expansion": lambda f, s: f(noisy_cube(3, 0.9), random_state=s).bound(0.25),
    "sos_bound": lambda f, s: f(X, 4, random_state=s).upper,
    "sparsest_direction": lambda f, s: f(X, random_state=s).vector,
    "subspace": lambda f, s: f(5, 3, s),
    "two_to_q_norm": lambda f, s: f(X, 4, random_state=s).witness.vector,
    "LpDictionaryLearning": lambda f, s: f(random_state=s).fit(X).components_,
    "MomentClustering": lambda f, s: f(2, n_init=1, random_state=s).fit(X).cluster_centers_,
    "RobustCovariance": lambda f, s: f(random_state=s).fit(X).covariance_,
    "RobustMean": lambda f, s: f(random_state=s).fit(X).location_,
    "RobustRegressor": lambda f, s: f(random_state=s).fit(X, Y).coef_,
}


def _public():
    """Everything public that takes a random state, by name."""
    found = {}
    for module in pkgutil.walk_packages(hypernorm.__path__, "hypernorm."):
        if any(part.startswith("_") for part in module.name.split(".")[1:]) and not module.name.endswith("__init__"):
            continue
        loaded = importlib.import_module(module.name)
        for name in getattr(loaded, "__all__", []):
            value = getattr(loaded, name)
            if not name.startswith("_") and callable(value):
                try:
                    parameters = inspect.signature(value).parameters
                except ValueError:
                    continue
                if "random_state" in parameters:
                    found[name] = value
    return found


PUBLIC = _public()


def test_nothing_public_is_left_out():
    assert set(PUBLIC) == set(ARGUMENTS)


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_forms_are_the_same_everywhere(name):
    call = ARGUMENTS[name]
    seeds = [
        lambda: 7,
        lambda: np.int64(7),
        lambda: np.random.default_rng(7),
        lambda: np.random.RandomState(7),
        lambda: 10**100,
    ]
    for seed in seeds:
        np.testing.assert_array_equal(call(PUBLIC[name], seed()), call(PUBLIC[name], seed()))
    np.testing.assert_array_equal(call(PUBLIC[name], 7), call(PUBLIC[name], np.random.default_rng(7)))
    call(PUBLIC[name], None)
    for bad in (-1, True, 0.5, "7", np.random):
        with pytest.raises(InvalidInputError, match="random_state must be None, a whole number") as caught:
            call(PUBLIC[name], bad)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_documentation_says_the_same_everywhere(name):
    assert FORMS in inspect.getdoc(PUBLIC[name])


@pytest.mark.parametrize(
    "state", [np.random.default_rng(3), np.random.RandomState(3)], ids=["Generator", "RandomState"]
)
def test_a_state_moves_on(state):
    assert check_generator(state).random() != check_generator(state).random()


def test_every_bit_of_a_random_state_counts():
    draws = {check_generator(np.random.RandomState(seed)).integers(2**62) for seed in range(200)}
    assert len(draws) == 200


@pytest.mark.parametrize("value", [-(10**5000), np.arange(10**6), [[1]], np.bool_(True), 1.0, np.float64(3)], ids=type)
def test_whatever_is_refused_gets_one_short_line(value):
    with pytest.raises(InvalidInputError, match="random_state") as caught:
        check_generator(value)
    assert len(str(caught.value)) < 250
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [name for name in sorted(PUBLIC) if inspect.isclass(PUBLIC[name])])
@pytest.mark.parametrize("state", [None, 3, np.random.default_rng(3), np.random.RandomState(3)], ids=str)
def test_estimators_can_be_cloned(name, state):
    assert issubclass(PUBLIC[name], BaseEstimator)
    clone(PUBLIC[name](random_state=state))
