"""Weights of the samples: given ones, and those of an estimator that leaves out outliers."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone

from hypernorm._arguments import check_sample_weight
from hypernorm._chunks import Chunks
from hypernorm.exceptions import InvalidInputError

__all__ = ["sample_weights"]


def sample_weights(X: Any, sample_weight: Any, robust: Any) -> np.ndarray | None:
    """How often each sample counts, or None for once.

    Parameters
    ----------
    X : array_like, sparse matrix or Dask array of shape (r, n)
    sample_weight : array_like of shape (r,) or None
    robust : estimator or None
        Has ``weights_`` after ``fit``; what it takes away from a sample is taken from its weight.

    Raises
    ------
    InvalidInputError
        If the weights or the estimator cannot be used.
    """
    r = int(X.shape[0])
    weights = None if sample_weight is None else check_sample_weight(sample_weight, "sample_weight", r)
    if robust is None:
        return weights
    if isinstance(robust, type) or not hasattr(robust, "fit"):
        raise InvalidInputError(
            f"robust must be None or an estimator with weights_, such as hypernorm.robust.RobustCovariance(0.05), got "
            f"{robust!r}."
        )
    if isinstance(X, Chunks):
        raise InvalidInputError("robust needs the samples in memory, not a Dask array; X.compute() loads them.")
    given = {} if weights is None else {"sample_weight": weights}
    kept = np.asarray(getattr(clone(robust).fit(X, **given), "weights_", ()), dtype=float)
    if kept.shape != (r,):
        raise InvalidInputError(f"robust={robust!r} gave no weights_ of the {r} samples when it was fitted.")
    base = np.ones(r) if weights is None else weights
    shares = np.divide(kept, base, out=np.zeros(r), where=base > 0)
    return np.asarray(base * shares / shares.max())
