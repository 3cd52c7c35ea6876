"""Codes for given atoms: linear, by orthogonal matching pursuit, or with an ℓ1 penalty."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.decomposition import sparse_encode
from sklearn.utils.validation import check_is_fitted

from hypernorm._arguments import check_choice, check_count, check_nonnegative
from hypernorm._arithmetic import own_arithmetic
from hypernorm.dictionary.overcomplete import matching_pursuit
from hypernorm.exceptions import InvalidInputError

__all__ = ["Coder", "TransformAlgorithm", "check_transform", "encode", "nonzero_count"]

TransformAlgorithm: TypeAlias = Literal["auto", "threshold", "omp", "lasso"]

_ROWS = 4096  # that matching pursuit codes together


def check_transform(algorithm: Any, n_nonzero_coefs: Any, alpha: Any) -> None:
    """Check the parameters of `transform`.

    Raises
    ------
    InvalidInputError
        If one is out of range.
    """
    check_choice(algorithm, "transform_algorithm", get_args(TransformAlgorithm))
    if n_nonzero_coefs is not None:
        check_count(n_nonzero_coefs, "transform_n_nonzero_coefs")
    if alpha is not None:
        check_nonnegative(alpha, "transform_alpha")


def nonzero_count(n_nonzero_coefs: int | None, n_features: int) -> int:
    """Number of atoms in a sample, by default a tenth of the features, as in scikit-learn."""
    return max(n_features // 10, 1) if n_nonzero_coefs is None else min(int(n_nonzero_coefs), n_features)


def encode(
    X: np.ndarray, atoms: np.ndarray, algorithm: str, n_nonzero_coefs: int | None, alpha: float | None
) -> np.ndarray:
    """Codes C with X ≈ C @ atoms.

    Parameters
    ----------
    X : ndarray of shape (r, n)
    atoms : ndarray of shape (m, n)
        Rows of length one.
    algorithm : {"omp", "lasso"}
        At most so many non-zero codes for each sample, or a penalty α on their absolute values.
    n_nonzero_coefs : int or None
    alpha : float or None
        Default 1.
    """
    if algorithm == "lasso":
        return np.asarray(sparse_encode(X, atoms, algorithm="lasso_cd", alpha=1.0 if alpha is None else float(alpha)))
    count = min(nonzero_count(n_nonzero_coefs, X.shape[1]), len(atoms))
    parts = (matching_pursuit(X[start : start + _ROWS], atoms, count) for start in range(0, len(X), _ROWS))
    return np.vstack(list(parts)).astype(X.dtype, copy=False)


class Coder(TransformerMixin):
    """The part of an estimator that maps samples to codes and back.

    Its components are rows of length one; unmixing and scales are those of linear codes with a soft threshold.
    """

    components_: np.ndarray
    unmixing_: np.ndarray
    mean_: np.ndarray
    scales_: np.ndarray
    threshold: float
    transform_algorithm: str
    transform_n_nonzero_coefs: int | None
    transform_alpha: float | None

    def _validate(self, X: Any, reset: bool) -> Any:
        raise NotImplementedError

    @own_arithmetic
    def transform(self, X: Any) -> np.ndarray:
        """Codes of the samples, by `transform_algorithm`.

        'threshold' gives (x − mean_) @ unmixing_.T after the soft threshold; the others are sparse codes by
        orthogonal matching pursuit and by the lasso.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, m)
        """
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        algorithm = self.transform_algorithm
        if algorithm == "auto":
            algorithm = "omp" if len(self.components_) > X.shape[1] else "threshold"
        mean = self.mean_.astype(X.dtype, copy=False)
        if algorithm != "threshold":
            atoms, centered = self.components_.astype(X.dtype, copy=False), np.asarray(X - mean)
            return encode(centered, atoms, algorithm, self.transform_n_nonzero_coefs, self.transform_alpha)
        unmixing = self.unmixing_.astype(X.dtype, copy=False)
        codes = np.asarray(X @ unmixing.T) - (unmixing @ mean)
        if self.threshold:
            widths = (self.threshold * self.scales_).astype(X.dtype)
            codes = np.sign(codes) * np.maximum(np.abs(codes) - widths, 0)
        return codes

    @own_arithmetic
    def inverse_transform(self, codes: Any) -> np.ndarray:
        """Samples from codes, codes @ components_ + mean_.

        Parameters
        ----------
        codes : array_like of shape (n_samples, m)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        array = np.asarray(codes)
        if array.ndim != 2 or array.shape[1] != len(self.components_):
            raise InvalidInputError(
                f"codes must have the shape (n_samples, {len(self.components_)}), one column per atom, "
                f"got {array.shape}."
            )
        return array @ self.components_ + self.mean_

    @property
    def mixing_(self) -> np.ndarray:
        """The atoms as columns, of shape (n_features, m)."""
        return self.components_.T

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)
