"""Coordinates for the search for clusters: a common scale, few dimensions, noise of the same size in all of them.

Outliers must not choose the coordinates. Rows are measured from the coordinatewise median in units of about their
median length. Lengths beyond a thousand units are compressed logarithmically, so that far rows stay apart from each
other. In principal directions no row counts more than one of upper-quartile length.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from sklearn.covariance import ledoit_wolf
from sklearn.utils.extmath import randomized_svd

from hypernorm.robust.clusters.assignment import Groups

__all__ = ["Frame", "bounded", "leading_directions", "whitening"]

_FAR = 1e3
_FARTHEST = 1e100
# Limit on the columns; more are first reduced to this many principal components.
_MOST_COLUMNS = 500
# The smallest variance that whitening makes up for, relative to the mean variance.
_LEAST_VARIANCE = 1e-6


@dataclass(frozen=True, eq=False, kw_only=True)
class Frame:
    """Origin, power of two and, for very many columns, principal directions of the rows to be clustered.

    Attributes
    ----------
    origin : ndarray of shape (d,)
    exponent : int
    basis : ndarray of shape (d, m) or None
    """

    origin: np.ndarray
    exponent: int
    basis: np.ndarray | None = None

    @classmethod
    def measure(cls, X: np.ndarray, rng: np.random.Generator) -> Frame:
        """Measure the frame of rows of shape (n, d)."""
        origin = np.median(X, axis=0)
        # Halves first: the difference of two huge numbers of opposite sign may overflow.
        sizes = np.abs(X / 2 - origin / 2).max(axis=1)
        exponent = int(np.frexp(np.median(sizes) or sizes.max())[1])
        frame = cls(origin=origin, exponent=exponent)
        if X.shape[1] <= _MOST_COLUMNS:
            return frame
        rows = bounded(frame.rows(X))
        count = min(len(X), _MOST_COLUMNS)
        basis = randomized_svd(rows, count, random_state=int(rng.integers(2**31)))[2].T
        return replace(frame, basis=basis)

    def scaled(self, X: np.ndarray) -> np.ndarray:
        """(X − origin)/2^(exponent + 1), with entries clipped at ±1e100."""
        with np.errstate(over="ignore", under="ignore"):
            halves = np.ldexp(X / 2 - self.origin / 2, -self.exponent)
        return np.clip(halves, -_FARTHEST, _FARTHEST)

    def unscaled(self, rows: np.ndarray) -> np.ndarray:
        """The inverse of `scaled`."""
        return np.asarray(self.origin + 2 * np.ldexp(rows, self.exponent))

    def rows(self, X: np.ndarray) -> np.ndarray:
        """Scaled rows in the basis, with the lengths of far ones compressed."""
        Z = self.scaled(X)
        lengths = np.linalg.norm(Z, axis=1, keepdims=True)
        far = np.maximum(lengths / _FAR, 1.0)
        Z *= (1 + np.log(far)) / far
        return Z if self.basis is None else Z @ self.basis


def leading_directions(Z: np.ndarray, k: int, weights: np.ndarray, apart: list[np.ndarray]) -> np.ndarray:
    """Orthonormal columns that span the rows' principal directions, of shape (d, r) with r ≥ min(k, d).

    At least k directions are kept, and all whose singular value exceeds the median by the factor below which white
    noise hides a signal [1]_; also those to the means of small groups, given by indices of rows. Up to 2k dimensions,
    all are kept. Weights have the mean one.

    References
    ----------
    .. [1] M. Gavish and D. L. Donoho, "The optimal hard threshold for singular values is 4/√3", IEEE Transactions on
       Information Theory 60 (2014), 5040-5053.
    """
    n, d = Z.shape
    if d <= 2 * k:
        return np.eye(d)
    rows = bounded(Z) * np.sqrt(weights)[:, None]
    values, directions = np.linalg.svd(rows, full_matrices=False)[1:]
    ratio = len(values) / max(n, d)
    factor = 0.56 * ratio**3 - 0.95 * ratio**2 + 1.82 * ratio + 1.43
    leading = directions[: max(k, int(np.sum(values > factor * np.median(values))))]
    if not apart:
        return np.asarray(leading.T)
    means = np.array([Z[group].mean(axis=0) for group in apart])
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-300)  # zero for a mean at the origin
    return np.asarray(np.linalg.qr(np.vstack([leading, means])[:d].T)[0])


def whitening(Z: np.ndarray, labels: np.ndarray, groups: Groups, weights: np.ndarray) -> np.ndarray:
    """A symmetric matrix W of shape (d, d) such that the rows of Z @ W have about the same noise in every direction.

    The covariance of the noise is that of the differences from the centers, in units of the scales of the groups,
    shrunk towards a multiple of the identity by the rule of Ledoit and Wolf, so that white noise stays as it is.
    """
    kept = labels >= 0
    ends = labels[kept]
    residuals = (Z[kept] - groups.centers[ends]) * (
        np.sqrt(weights[kept]) * groups.weights[kept] / groups.scales[ends]
    )[:, None]
    if not residuals.any():
        return np.eye(Z.shape[1])
    variances, directions = np.linalg.eigh(ledoit_wolf(residuals, assume_centered=True)[0])
    relative = np.maximum(variances / variances.mean(), _LEAST_VARIANCE)
    return np.asarray((directions / np.sqrt(relative)) @ directions.T)


def bounded(Z: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(Z, axis=1, keepdims=True)
    reach = float(np.quantile(lengths, 0.75)) or float(lengths.max()) or 1.0
    return Z * (reach / np.maximum(lengths, reach))
