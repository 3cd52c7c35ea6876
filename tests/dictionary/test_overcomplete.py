"""More atoms than features: atoms found, codes by each algorithm, and what does not exist then."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.decomposition import sparse_encode
from sklearn.linear_model import orthogonal_mp_gram

from hypernorm import ConvergenceWarning, InvalidInputError
from hypernorm.dictionary import LpDictionaryLearning
from hypernorm.dictionary.overcomplete import matching_pursuit


def planted(n=12, m=18, r=2500, k=2, noise=0.0, seed=0):
    rng = np.random.default_rng(seed)
    atoms = rng.standard_normal((m, n))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    codes = np.zeros((r, m))
    places = rng.random((r, m)).argpartition(k, axis=1)[:, :k]
    np.put_along_axis(codes, places, rng.standard_normal((r, k)), axis=1)
    return codes @ atoms + noise * rng.standard_normal((r, n)), atoms


def found(model, atoms):
    return int((np.abs(model.components_ @ atoms.T) > 0.98).any(axis=0).sum())


MODEL = LpDictionaryLearning(18, transform_n_nonzero_coefs=2, random_state=0)


@pytest.mark.parametrize("noise", [0, 0.05])
def test_all_atoms_are_found(noise):
    X, atoms = planted(noise=noise)
    model = clone(MODEL).fit(X + 3)
    assert model.components_.shape == model.unmixing_.shape == (18, 12)
    assert found(model, atoms) == 18
    codes = model.transform(X + 3)
    assert ((codes != 0).sum(axis=1) <= 2).all()
    residual = model.inverse_transform(codes) - X - 3
    assert (residual**2).mean() < (0.05 if noise else 0.02) * (X**2).mean()
    assert model.sparsity_ == pytest.approx(2 / 18, abs=0.03)
    assert np.isnan(model.expected_error_)
    assert np.isnan(model.significance_).all()
    assert list(model.get_feature_names_out())[-1] == "lpdictionarylearning17"
    with pytest.raises(InvalidInputError, match="18 atoms of 12 features have no certificate"):
        model.certify(X + 3)


def test_kinds_of_input_and_seeds():
    X, atoms = planted()
    expected = clone(MODEL).fit(X)
    np.testing.assert_array_equal(clone(MODEL).fit(X).components_, expected.components_)
    for given in (sp.csr_array(X), X.astype(np.float32), X * 2.0**-400):
        model = clone(MODEL).fit(given)
        assert found(model, atoms) == 18
        assert model.transform(given).dtype == given.dtype


def test_matching_pursuit_is_that_of_scikit_learn():
    X, atoms = planted(r=200, k=3, noise=0.1)
    ours = matching_pursuit(X, atoms, 3)
    theirs = orthogonal_mp_gram(atoms @ atoms.T, atoms @ X.T, n_nonzero_coefs=3).T
    np.testing.assert_allclose(ours, theirs, atol=1e-7)


@pytest.mark.parametrize("m", [6, 18])
def test_transform_algorithms(m):
    X, _ = planted(r=600)
    model = LpDictionaryLearning(m, transform_n_nonzero_coefs=2, threshold=0.1, random_state=0).fit(X)
    centered = X - model.mean_
    default = model.transform(X)
    linear = model.set_params(transform_algorithm="threshold").transform(X)
    raw = centered @ model.unmixing_.T
    np.testing.assert_allclose(linear, np.sign(raw) * np.maximum(np.abs(raw) - 0.1 * model.scales_, 0), atol=1e-9)
    pursued = model.set_params(transform_algorithm="omp").transform(X)
    np.testing.assert_allclose(
        pursued, sparse_encode(centered, model.components_, algorithm="omp", n_nonzero_coefs=2), atol=1e-9
    )
    np.testing.assert_array_equal(default, pursued if m == 18 else linear)
    penalised = model.set_params(transform_algorithm="lasso", transform_alpha=0.2).transform(X)
    gradient = (centered - penalised @ model.components_) @ model.components_.T
    assert np.abs(gradient).max() < 0.2 + 1e-3  # optimality of the lasso
    assert (penalised == 0).mean() > 0.3


def test_too_few_samples_streams_and_wrong_parameters():
    X, _ = planted(r=100)
    with pytest.raises(InvalidInputError, match="n_components=101 is more than n_samples=100"):
        LpDictionaryLearning(101).fit(X)
    with pytest.raises(InvalidInputError, match="more than the 12 features; use fit"):
        LpDictionaryLearning(18).partial_fit(X)
    with pytest.warns(ConvergenceWarning, match="max_iter=1"):
        LpDictionaryLearning(18, max_iter=1, random_state=0).fit(X)
    for parameters, message in (
        ({"transform_algorithm": "ridge"}, "transform_algorithm must be one of"),
        ({"transform_n_nonzero_coefs": 0}, "transform_n_nonzero_coefs must be"),
        ({"transform_alpha": -1}, "transform_alpha must be"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            LpDictionaryLearning(**parameters).fit(X)
    # Two samples, repeated: fewer different samples than atoms leave atoms that are never used.
    model = LpDictionaryLearning(4, random_state=0, center=False).fit(np.repeat(np.eye(3)[:2], 10, axis=0))
    assert np.isfinite(model.components_).all()
    np.testing.assert_allclose(np.linalg.norm(model.components_, axis=1), 1)
