"""LpDictionaryLearning: recovery, conventions of scikit-learn, and input of every kind."""

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from hypernorm import ConvergenceWarning, InvalidInputError
from hypernorm.datasets import planted_dictionary
from hypernorm.dictionary import LpDictionaryLearning, expected_error, recovery_error


@parametrize_with_checks([LpDictionaryLearning(), LpDictionaryLearning(2, p=4, whiten=False)])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.filterwarnings("ignore::hypernorm.exceptions.ConvergenceWarning")
def test_conventions_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize("p", [2.5, 3, 4, 5])
@pytest.mark.parametrize("condition", [1, 30, 100])
def test_any_invertible_dictionary_is_recovered(p, condition):
    X, D, _ = planted_dictionary(8000, 12, 0.2, condition=condition, random_state=1)
    model = LpDictionaryLearning(p=p, random_state=0).fit(X)
    error = recovery_error(model.unmixing_, D)
    assert error < 1.6 * expected_error(12, 8000, 0.2, p, whiten=True)
    assert model.converged_
    # Each true atom is found once, up to sign.
    overlaps = np.abs(model.components_ @ (D / np.linalg.norm(D, axis=0)))
    assert (np.sort(overlaps.argmax(axis=1)) == np.arange(12)).all()
    # The atoms follow from the codes less exactly: 0.2·condition/√r is the scale of their error.
    assert overlaps.max(axis=1).min() > (0.9 if condition == 1 else 0.7)


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize(
    ("n", "r", "theta", "condition"), [(12, 1500, 0.1, 1), (12, 1500, 0.3, 100), (30, 3000, 0.3, 5)]
)
def test_refinement_recovers_exactly(n, r, theta, condition, center):
    X, D, codes = planted_dictionary(r, n, theta, condition=condition, random_state=2)
    mean = np.arange(n) if center else np.zeros(n)
    model = LpDictionaryLearning(refine=True, center=center, random_state=0).fit(X + mean)
    product = model.unmixing_ @ D
    product /= np.linalg.norm(product, axis=1, keepdims=True)
    # 1 − ‖P‖₄⁴/m squares the entries that should be zero: look at these themselves.
    assert np.sort(np.abs(product), axis=1)[:, :-1].max() < 1e-6
    assert np.abs(np.sort(np.abs(model.components_ @ (D / np.linalg.norm(D, axis=0))), axis=1)[:, -1] - 1).max() < 1e-6
    found = model.transform(X + mean)
    assert (np.abs(found) > 1e-5 * np.abs(found).max()).mean() == pytest.approx((codes != 0).mean(), abs=1e-3)
    np.testing.assert_allclose(model.inverse_transform(found), X + mean, atol=1e-8)


def test_refinement_leaves_gaussian_samples_alone():
    X = np.random.default_rng(0).standard_normal((500, 5))
    plain = LpDictionaryLearning(random_state=0, n_init=1, max_iter=2000, contrast="power").fit(X)
    refined = clone(plain).set_params(refine=True).fit(X)
    assert np.abs(X @ refined.unmixing_.T).mean() <= np.abs(X @ plain.unmixing_.T).mean() * 1.01


def test_it_knows_how_well_it_did():
    X, D, _ = planted_dictionary(6000, 15, 0.25, random_state=3)
    model = LpDictionaryLearning(random_state=0).fit(X)
    assert model.sparsity_ == pytest.approx(0.25, abs=0.04)
    assert (model.significance_ > 20).all()
    assert recovery_error(model.unmixing_, D) == pytest.approx(model.expected_error_, rel=0.35)
    assert model.scales_ == pytest.approx(model.transform(X).std(axis=0), rel=1e-6)
    noise = np.random.default_rng(1).standard_normal((6000, 15))
    with pytest.warns(ConvergenceWarning, match="max_iter=100"):  # noise has no atoms to converge to
        assert np.median(LpDictionaryLearning(random_state=0, max_iter=100).fit(noise).sparsity_) > 0.85


@pytest.mark.parametrize("p", [3, 3.5])
def test_objective_never_falls_and_is_stationary(p):
    X, *_ = planted_dictionary(1000, 8, 0.3, random_state=4)
    values = []
    for steps in (1, 2, 4, 8, 400):
        model = LpDictionaryLearning(p=p, max_iter=steps, n_init=1, tol=1e-9, contrast="power", random_state=0)
        if steps == 400:
            model.fit(X)
        else:
            with pytest.warns(ConvergenceWarning, match="max_iter"):
                model.fit(X)
        values.append(model.objective_)
    assert (np.diff(values) > -1e-12).all()
    # At a maximum over the orthogonal group the gradient times Wᵀ is symmetric positive definite.
    Z = X - X.mean(axis=0)
    codes = Z @ model.unmixing_.T / model.scales_
    product = (np.abs(codes) ** (p - 1) * np.sign(codes)).T @ codes / len(Z)
    np.testing.assert_allclose(product, product.T, atol=1e-6)
    assert np.linalg.eigvalsh(product + product.T).min() > 0


def test_fewer_atoms_and_one_atom():
    X, D, _ = planted_dictionary(6000, 10, 0.1, random_state=5)
    for m in (1, 3, 9):
        model = LpDictionaryLearning(m, random_state=0).fit(X)
        assert model.components_.shape == model.unmixing_.shape == (m, 10)
        assert recovery_error(model.unmixing_, D) < 0.03
    certified = LpDictionaryLearning(1, p=4, random_state=0).fit(X).certify(X)
    assert certified.is_global(1e-6)
    proved = certified.verify(X)
    assert (proved.lower, proved.upper) == (certified.value, certified.upper)
    assert certified.interval.certificate.verify(certified.matrix).upper <= certified.upper
    # All atoms together are a compromise, and the certificate says by how much.
    assert 0 < LpDictionaryLearning(p=4, random_state=0).fit(X).certify(X).gap < 0.01
    with pytest.raises(InvalidInputError, match="refine"):
        LpDictionaryLearning(1, refine=True, random_state=0).fit(X).certify(X)


def test_orthogonal_without_whitening_is_more_accurate():
    X, D, _ = planted_dictionary(4000, 20, 0.2, random_state=6)
    errors = [
        recovery_error(LpDictionaryLearning(whiten=whiten, center=whiten, random_state=0).fit(X).unmixing_, D)
        for whiten in (False, True)
    ]
    assert errors[0] == pytest.approx(expected_error(20, 4000, 0.2), rel=0.3)
    assert errors[1] - errors[0] == pytest.approx(19 / 8000, rel=0.5)


@pytest.mark.parametrize("kind", ["list", "frame", "integer", "fortran", "sparse", "float32", "memmap", "scaled"])
def test_kinds_of_input(kind, tmp_path):
    X = planted_dictionary(2000, 6, 0.2, random_state=7).samples
    X = np.round(100 * X) if kind == "integer" else X
    expected = LpDictionaryLearning(random_state=0).fit(X)
    given = {
        "list": lambda: X.tolist(),
        "frame": lambda: pd.DataFrame(X, columns=list("abcdef")),
        "integer": lambda: X.astype(np.int32),
        "fortran": lambda: np.asfortranarray(X),
        "sparse": lambda: sp.csc_matrix(X),
        "float32": lambda: X.astype(np.float32),
        "memmap": lambda: _memmap(tmp_path / "X.npy", X),
        "scaled": lambda: X * 2.0**-400,
    }[kind]()
    model = LpDictionaryLearning(random_state=0, tol=1e-4 if kind == "float32" else 1e-6).fit(given)
    rtol = 2e-3 if kind == "float32" else 1e-6
    np.testing.assert_allclose(model.components_, expected.components_, atol=rtol)
    codes = model.transform(given)
    if kind == "scaled":
        codes = codes * 2.0**400
    np.testing.assert_allclose(codes, expected.transform(X), atol=10 * rtol * np.abs(X).max())
    assert codes.dtype == (np.float32 if kind == "float32" else np.float64)
    if kind == "frame":
        assert list(model.feature_names_in_) == list("abcdef")
        assert list(model.get_feature_names_out()) == [f"lpdictionarylearning{j}" for j in range(6)]
        assert list(model.set_output(transform="pandas").transform(given).columns) == list(
            model.get_feature_names_out()
        )


def _memmap(path, X):
    np.save(path, X)
    return np.load(path, mmap_mode="r")


def test_offsets_constant_columns_and_duplicates():
    X, D, _ = planted_dictionary(3000, 8, 0.2, random_state=8)
    plain = LpDictionaryLearning(random_state=0).fit(X)
    shifted = LpDictionaryLearning(random_state=0).fit(X + 5)
    np.testing.assert_allclose(shifted.components_, plain.components_, atol=1e-6)
    twice = LpDictionaryLearning(random_state=0).fit(np.vstack([X, X]))
    np.testing.assert_allclose(twice.components_, plain.components_, atol=1e-6)
    constant = np.hstack([X, np.full((3000, 1), 3.0)])
    model = LpDictionaryLearning(random_state=0).fit(constant)
    assert model.components_.shape == (8, 9)
    assert recovery_error(model.unmixing_[:, :8], D) < 0.01
    np.testing.assert_allclose(model.components_[:, 8], 0, atol=1e-12)
    np.testing.assert_allclose(model.inverse_transform(model.transform(constant)), constant, atol=1e-8)
    refined = LpDictionaryLearning(random_state=0, refine=True).fit(constant)
    assert recovery_error(refined.unmixing_[:, :8], D) < 1e-12
    flat = LpDictionaryLearning(whiten=False, random_state=0).fit(constant)
    assert recovery_error(flat.unmixing_[:, :8], D) < 0.01
    with pytest.raises(InvalidInputError, match="8 directions"):
        LpDictionaryLearning(9).fit(constant)


def test_soft_threshold():
    X = planted_dictionary(1000, 5, 0.2, noise=0.05, random_state=9).samples
    model = LpDictionaryLearning(random_state=0).fit(X)
    codes = model.transform(X)
    shrunk = model.set_params(threshold=0.3).transform(X)
    widths = 0.3 * model.scales_
    np.testing.assert_allclose(shrunk, np.where(np.abs(codes) > widths, codes - np.sign(codes) * widths, 0), atol=1e-12)
    assert (shrunk == 0).mean() > 0.5


def test_streams_approach_the_batch():
    X, D, _ = planted_dictionary(12_000, 15, 0.2, condition=5, random_state=10)
    stream, batch = LpDictionaryLearning(random_state=0), LpDictionaryLearning(random_state=0).fit(X)
    for start in range(0, len(X), 400):
        stream.partial_fit(X[start : start + 400] + 3)
    np.testing.assert_allclose(stream.mean_, (X + 3).mean(axis=0), rtol=1e-10)
    assert recovery_error(stream.unmixing_, D) < 2 * recovery_error(batch.unmixing_, D)
    with pytest.raises(InvalidInputError, match="at least as many samples"):
        LpDictionaryLearning().partial_fit(X[:10])
    # fit starts afresh.
    np.testing.assert_allclose(stream.fit(X).components_, batch.components_, atol=1e-8)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"p": 2}, "p must be larger than 2"),
        ({"p": np.inf}, "p must be larger than 2 and finite"),
        ({"p": "3"}, "p must be a real number"),
        ({"n_components": 0}, "n_components must be a whole number"),
        ({"n_components": 101}, "n_components=101 is more than n_samples=100"),
        ({"n_init": 0}, "n_init must be"),
        ({"n_init": "many"}, "n_init must be"),
        ({"max_iter": 1.5}, "max_iter must be"),
        ({"tol": -1}, "tol must be"),
        ({"threshold": -1}, "threshold must be"),
        ({"contrast": "cubic"}, "contrast must be"),
    ],
)
def test_wrong_parameters(parameters, message):
    X = planted_dictionary(100, 6, 0.3, random_state=0).samples
    with pytest.raises(InvalidInputError, match=message):
        LpDictionaryLearning(**parameters).fit(X)


def test_wrong_samples():
    X = planted_dictionary(100, 6, 0.3, random_state=0).samples
    model = LpDictionaryLearning(random_state=0).fit(X)
    with pytest.raises(ValueError, match="expecting 6 features"):
        model.transform(X[:, :4])
    with pytest.raises(ValueError, match="NaN"):
        model.fit(np.where(X.max() == X, np.nan, X))
    with pytest.raises(InvalidInputError, match="no variance"):
        model.fit(np.ones((10, 3)))
    with pytest.raises(InvalidInputError, match="one column per atom"):
        model.inverse_transform(np.ones((2, 5)))
    with pytest.raises(NotFittedError):
        LpDictionaryLearning().transform(X)


def test_pipelines_grids_and_pickles():
    X, _, codes = planted_dictionary(400, 5, 0.3, random_state=11)
    labels = (np.abs(codes[:, 0]) > 0).astype(int)
    pipeline = make_pipeline(LpDictionaryLearning(random_state=0), LogisticRegression())
    search = GridSearchCV(pipeline, {"lpdictionarylearning__p": [2.5, 3, 4]}, cv=3).fit(X, labels)
    assert search.best_params_["lpdictionarylearning__p"] in (2.5, 3, 4)
    model = search.best_estimator_[0]
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).transform(X), model.transform(X))
    stream = LpDictionaryLearning(random_state=0).partial_fit(X)
    again = pickle.loads(pickle.dumps(stream)).partial_fit(X)
    np.testing.assert_array_equal(again.components_, stream.partial_fit(X).components_)


def test_same_seed_same_atoms():
    X = planted_dictionary(500, 6, 0.3, random_state=12).samples
    first, second = (LpDictionaryLearning(random_state=3).fit(X).components_ for _ in range(2))
    np.testing.assert_array_equal(first, second)
