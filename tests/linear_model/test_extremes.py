"""Samples at the edge of floating-point arithmetic: large means, large entries, large conditions, rare categories."""

import math

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import make_regression

from hypernorm import InvalidInputError
from hypernorm.linear_model import SchattenRegressor, SchattenRegressorCV
from hypernorm.linear_model.sparse_gram import lower_gram


def with_year(n=3000):
    rng = np.random.default_rng(0)
    year = rng.integers(1950, 2025, n)
    X = np.column_stack([year, rng.random((n, 3)) < 0.2]).astype(np.float32)
    return X, (X @ [0.3, 1.0, 2.0, 3.0] + rng.standard_normal(n))


@pytest.mark.parametrize("p", [1, 2, 3, math.inf])
@pytest.mark.parametrize("sparse", [True, False])
def test_single_precision_with_a_column_of_years(p, sparse):
    X, y = with_year()
    double = SchattenRegressor(5.0, p=p).fit(X.astype(np.float64), y)
    model = SchattenRegressor(5.0, p=p).fit(sp.csr_array(X) if sparse else X, y)
    assert model.coef_.dtype == np.float32
    np.testing.assert_allclose(model.coef_, double.coef_, rtol=1e-5)
    np.testing.assert_allclose(model.predict(X), double.predict(X.astype(np.float64)), rtol=1e-5)
    assert model.predict(X).dtype == np.float32


def ill_conditioned(n, d, condition):
    rng = np.random.default_rng(1)
    U, V = (np.linalg.qr(rng.standard_normal((size, min(n, d))))[0] for size in (n, d))
    s = np.geomspace(1, 1 / condition, min(n, d))
    X = (U * s) @ V.T
    return X, X @ rng.standard_normal(d) + 1e-3 * rng.standard_normal(n)


@pytest.mark.parametrize("shape", [(60, 12), (12, 60)])
@pytest.mark.parametrize("p", [1, 1.5, 2, 3])
def test_gram_matrix_at_a_large_condition(shape, p):
    """Directions below the rounding of the Gram matrix are shrunk by α, not dropped."""
    X, y = ill_conditioned(*shape, 1e12)
    for alpha in (1e-6, 1e-3, 1.0):
        exact, gram, auto = (
            SchattenRegressor(alpha, p=p, fit_intercept=False, solver=solver).fit(X, y)
            for solver in ("svd", "gram", "auto")
        )
        np.testing.assert_allclose(gram.coef_, exact.coef_, rtol=0, atol=1e-8 * np.abs(exact.coef_).max())
        np.testing.assert_allclose(auto.coef_, exact.coef_, rtol=0, atol=1e-9 * np.abs(exact.coef_).max())


@pytest.mark.parametrize("arguments", [{"p": math.inf}, {"alpha": 0.0}, {"bias_bound": 0.5, "p": 1}])
@pytest.mark.parametrize("shape", [(60, 12), (12, 60)])
def test_a_condition_beyond_the_gram_matrix(arguments, shape):
    X, y = ill_conditioned(*shape, 1e12)
    with pytest.raises(InvalidInputError, match="does not tell from zero"):
        SchattenRegressor(**arguments, solver="gram").fit(X, y)
    # 'auto' uses singular values, also for sparse samples of this size.
    dense, sparse = (SchattenRegressor(**arguments).fit(form, y) for form in (X, sp.csr_array(X)))
    assert dense.rank_ == sparse.rank_ == min(shape) - (shape[0] < shape[1])
    # Rounding in X alone moves the coefficients by ε times the condition.
    np.testing.assert_allclose(sparse.coef_, dense.coef_, rtol=0, atol=1e-3 * np.abs(dense.coef_).max())


def test_overflow_and_underflow():
    X, y = make_regression(20, 3, random_state=0)
    for p in (1, 2, math.inf):
        for solver in ("svd", "gram", "auto"):
            with pytest.raises(InvalidInputError, match="squares overflow"):
                SchattenRegressor(p=p, solver=solver).fit(1e160 * X, y)
    with pytest.raises(InvalidInputError, match="squares underflow"):
        SchattenRegressor(0.0).fit(1e-170 * X, y)
    for cv in (None, 3):
        with pytest.raises(InvalidInputError, match="divide y by"):
            SchattenRegressorCV(cv=cv).fit(X, 1e160 * y)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (SchattenRegressorCV(p=[]), "p is empty"),
        (SchattenRegressor(p="euclidean"), "nuclear, frobenius, spectral"),
        (SchattenRegressor(1.0, bias_bound=0.5), "exclude each other"),
        (SchattenRegressorCV(several="mean"), "several must be one of"),
        (SchattenRegressorCV(cv="lko"), "cv must be one of"),
    ],
)
def test_wrong_arguments(model, message):
    X, y = make_regression(20, 3, random_state=0)
    with pytest.raises(InvalidInputError, match=message):
        model.fit(X, y)


def test_names_of_norms():
    X, y = make_regression(20, 3, random_state=0)
    for name, p in (("nuclear", 1), ("frobenius", 2), ("spectral", math.inf)):
        np.testing.assert_array_equal(
            SchattenRegressor(5.0, p=name).fit(X, y).coef_, SchattenRegressor(5.0, p=p).fit(X, y).coef_
        )


def rare_categories(n=60):
    """Two categories are seen once: leverage one."""
    rng = np.random.default_rng(2)
    category = rng.integers(0, 6, n)
    category[0], category[1] = 6, 7
    X = np.column_stack([np.eye(8)[category][:, 1:], rng.standard_normal((n, 2))])
    return X, X @ rng.standard_normal(9) + rng.standard_normal(n)


@pytest.mark.parametrize("p", [1, 2, 3, math.inf])
@pytest.mark.parametrize("solver", ["auto", "svd"])
@pytest.mark.parametrize("sparse", [True, False])
def test_leave_one_out_with_rare_categories(p, solver, sparse):
    X, y = rare_categories()
    alphas = [0.0, 1e-3, 2.0]
    given = sp.csr_array(X) if sparse else X
    model = SchattenRegressorCV(alphas, p=p, cv="loo", solver=solver, store_cv_results=True).fit(given, y)
    for alpha, score in zip(alphas, model.cv_results_.ravel(), strict=True):
        errors = [
            SchattenRegressor(alpha, p=p, solver="svd").fit(np.delete(X, i, 0), np.delete(y, i)).predict(X[[i]]) - y[i]
            for i in range(len(y))
        ]
        assert -score == pytest.approx(np.mean(np.square(errors)), rel=1e-8)


@pytest.mark.parametrize("p", [2, math.inf])
def test_nearly_rare_categories_have_the_rank_of_the_fit(p):
    """A second sample at 1e-6 of the indicator: leave-one-out decides on the rank as a fit does."""
    X, y = rare_categories()
    X[3, 5] = 1e-6
    model = SchattenRegressorCV([0.0, 2.0], p=p, cv="loo", store_cv_results=True).fit(X, y)
    for alpha, score in zip([0.0, 2.0], model.cv_results_.ravel(), strict=True):
        errors = [
            SchattenRegressor(alpha, p=p).fit(np.delete(X, i, 0), np.delete(y, i)).predict(X[[i]]) - y[i]
            for i in range(len(y))
        ]
        assert -score == pytest.approx(np.mean(np.square(errors)), rel=1e-4)


def test_sparse_samples_stay_sparse(monkeypatch):
    """No more rows than a block are ever made dense."""
    X = sp.random(30_000, 40, 0.02, format="csr", random_state=0)
    y = X @ np.ones(40) + np.random.default_rng(0).standard_normal(30_000)
    dense = SchattenRegressorCV([0.1, 10.0], cv=3).fit(X.toarray(), y)
    largest = []
    convert = type(X).toarray

    def recorded(self, *arguments, **options):
        largest.append(self.shape[0] * self.shape[1])
        return convert(self, *arguments, **options)

    for kind in (sp.csr_array, sp.csc_array, sp.csr_matrix):
        monkeypatch.setattr(kind, "toarray", recorded)
    model = SchattenRegressorCV([0.1, 10.0], cv=3).fit(X, y)
    loo = SchattenRegressorCV([0.1, 10.0], p=[1, 2, math.inf]).fit(X, y)
    assert max(largest, default=0) <= 40 * 40
    np.testing.assert_allclose(model.coef_, dense.coef_, atol=1e-10)
    assert np.isfinite(loo.coef_).all()


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_gram_matrix_of_sparse_samples_with_entries_in_parts(kind):
    rng = np.random.default_rng(6)
    rows, columns = rng.integers(0, 30, 400), rng.integers(0, 7, 400)
    order = np.argsort(rows, kind="stable")
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=30))])
    X = sp.csr_array((rng.standard_normal(400).astype(kind), columns[order], indptr), shape=(30, 7))
    dense, weights = X.toarray().astype(float), rng.uniform(0.5, 2, 30)
    for w in (None, weights):
        expected = dense.T @ (dense if w is None else w[:, None] * dense)
        np.testing.assert_allclose(lower_gram(X, w), np.tril(expected), rtol=1e-6 if kind == np.float32 else 1e-12)
