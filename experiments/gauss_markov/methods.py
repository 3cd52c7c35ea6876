"""Regression methods of the study, tuned with the same five folds, or by leave-one-out where the name says so."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.linear_model import LassoCV, LinearRegression
from sklearn.model_selection import KFold

from hypernorm.linear_model import SchattenRegressor, SchattenRegressorCV

__all__ = ["METHODS", "NORMS", "predictions"]

NORMS = {"ridge": 2.0, "nuclear": 1.0, "spectral": math.inf}
METHODS = (
    "ridge",
    "nuclear",
    "spectral",
    "chosen norm",
    "blend",
    "ridge, leave-one-out",
    "ridge, 9 penalties",
    "nuclear, 9 penalties",
    "principal components",
    "partial least squares",
    "lasso",
    "least squares",
)
FOLDS = KFold(5)
PENALTIES = np.geomspace(1e-8, 1e2, 81)
"""Relative to the largest eigenvalue of XᵀX."""
LONGEST_PLS = 30

Predictions = dict[str, np.ndarray]


def predictions(X: np.ndarray, y: np.ndarray, rows: np.ndarray) -> Predictions:
    """Predictions of every method for the rows after training on (X, y)."""
    result = {**shrunk(X, y, rows), **blended(X, y, rows)}
    result["principal components"] = tuned(component_path, X, y, rows)
    result["partial least squares"] = tuned(pls_path, X, y, rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings of convergence at the smallest penalties, which are not chosen
        lassos = [LassoCV(cv=FOLDS, alphas=50, tol=1e-3).fit(X, target) for target in y.T]
    result["lasso"] = np.column_stack([lasso.predict(rows) for lasso in lassos])
    result["least squares"] = LinearRegression().fit(X, y).predict(rows)
    return result


def shrunk(X: np.ndarray, y: np.ndarray, rows: np.ndarray) -> Predictions:
    """Predictions of the Schatten regressors tuned with folds, from one cross-validation for each norm."""
    result, best_score = {}, -math.inf
    for name, p in NORMS.items():
        model = SchattenRegressorCV(p=p, cv=FOLDS, store_cv_results=True).fit(X, y)
        scores = model.cv_results_[0].mean(axis=1)
        alphas = PENALTIES * np.max(model.singular_values_) ** 2
        for suffix, step in (("", 1), (", 9 penalties", 10)):
            if name + suffix in METHODS:
                alpha = alphas[::step][np.argmax(scores[::step])]
                result[name + suffix] = SchattenRegressor(alpha, p=p).fit(X, y).predict(rows).reshape(len(rows), -1)
        if scores.max() > best_score:
            best_score, result["chosen norm"] = scores.max(), result[name]
    return result


def blended(X: np.ndarray, y: np.ndarray, rows: np.ndarray) -> Predictions:
    """Predictions of ridge tuned by leave-one-out, and of the blend of all norms.

    Each norm is tuned by its leave-one-out predictions, from one decomposition; for the nuclear norm these are the
    approximate ones. The blend is the convex combination whose leave-one-out predictions are closest to the targets.
    """
    model = SchattenRegressorCV(p=list(NORMS.values())).fit(X, y)
    ridge = SchattenRegressor(model.alpha_[list(NORMS).index("ridge")]).fit(X, y)
    named = {"ridge, leave-one-out": ridge, "blend": model}
    return {name: fitted.predict(rows).reshape(len(rows), -1) for name, fitted in named.items()}


def tuned(path: Callable[..., np.ndarray], X: np.ndarray, y: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Predictions with the number of components that minimises the error on the held-out samples of the folds."""
    errors = []
    for train, held_out in FOLDS.split(X):
        values = path(X[train], y[train], X[held_out])
        errors.append(np.mean((values - y[held_out]) ** 2, axis=(1, 2)))
    shortest = min(map(len, errors))
    best = int(np.argmin(np.mean([error[:shortest] for error in errors], axis=0)))
    return path(X, y, rows)[best]


def component_path(X: np.ndarray, y: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Predictions by 0, 1, 2, … principal components, of shape (components + 1, rows, targets)."""
    pca = PCA(svd_solver="full").fit(X)
    known = pca.explained_variance_ > 1e-12 * pca.explained_variance_[0]
    scores = pca.transform(X)[:, known]
    slopes = scores.T @ (y - y.mean(axis=0)) / np.sum(scores**2, axis=0)[:, None]
    return _cumulative(pca.transform(rows)[:, known], slopes, y)


def pls_path(X: np.ndarray, y: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Predictions by partial least squares with 0, 1, 2, … components, of the same shape."""
    components = min(LONGEST_PLS, X.shape[1], len(X) - 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings of targets that are explained before the last component
        pls = PLSRegression(components, scale=False).fit(X, y)
    return _cumulative((rows - X.mean(axis=0)) @ pls.x_rotations_, pls.y_loadings_.T, y)


def _cumulative(scores: np.ndarray, slopes: np.ndarray, y: np.ndarray) -> np.ndarray:
    steps = np.einsum("nk,kt->knt", scores, slopes)
    return y.mean(axis=0) + np.concatenate([np.zeros_like(steps[:1]), np.cumsum(steps, axis=0)])
