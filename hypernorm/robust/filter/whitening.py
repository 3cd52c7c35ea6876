"""Coordinates in which weighted samples have unit covariance."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from hypernorm.robust.weights import weighted_covariance

__all__ = ["Whitened", "whiten"]

# Structure shows in at most about √(_SAMPLES · n) dimensions.
_SAMPLES = 2.5
_RANK_TOLERANCE = 1e-10


class Whitened(NamedTuple):
    """Coordinates Y = (X − center) @ transform, of shapes (n, r) and (d, r), the last ones of the largest variance.

    `principal` of them vary more than noise explains: of the standardised columns, they have a variance beyond the edge
    (1 + √(d/n))² of Marchenko and Pastur.
    """

    coordinates: np.ndarray
    transform: np.ndarray
    principal: int


def whiten(X: np.ndarray, weights: np.ndarray, center: np.ndarray) -> Whitened:
    """Center and whiten under the weights, in at most √(2.5 n) dimensions.

    With fewer than about d²/2.5 samples every sample is an extreme direction of its own, and outliers cannot be told
    from noise. Then only the leading principal components of the standardised columns are kept. The most important ones
    come last.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    weights : ndarray of shape (n,)
        Sum to one; n is counted as 1/Σ w_i².
    center : ndarray of shape (d,)

    Returns
    -------
    Whitened
        Of rank r = 0 if the samples with weight do not vary.
    """
    d = X.shape[1]
    Z = X - center
    largest = float(np.abs(Z).max(initial=0.0))
    exponent = int(np.frexp(largest)[1])
    Z = np.ldexp(Z, -exponent)
    dimensions = max(1, min(d, int(math.sqrt(_SAMPLES / float(weights @ weights)))))
    deviations = np.sqrt(weights @ Z**2)
    scales = np.where(deviations > 0, deviations, 1)
    Z = Z / scales
    values, vectors = np.linalg.eigh(weighted_covariance(Z, weights, np.zeros(d)))
    kept = np.flatnonzero(values > max(0.0, _RANK_TOLERANCE * values[-1]))[-dimensions:]
    directions = vectors[:, kept] / np.sqrt(values[kept])
    edge = (1 + math.sqrt(d * float(weights @ weights))) ** 2
    principal = int(np.count_nonzero(values[kept] > edge))
    return Whitened(Z @ directions, np.ldexp(directions / scales[:, None], -exponent), principal)
