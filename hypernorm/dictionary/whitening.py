"""Centering and whitening as a linear map, which needs no copy of the samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hypernorm.forms import Rows, column_means, second_moments

__all__ = ["Whitening"]

# Relative to the largest standard deviation, in units of the columns' own; directions below hold only rounding errors.
_RANK_TOLERANCE = 1e-7
_SINGLE_RANK_TOLERANCE = 1e-5
# A column whose deviations are less than this part of its mean is constant.
_CONSTANT = 1e-12


@dataclass(frozen=True)
class Whitening:
    """The map z = (x − mean) K to second moments I on the directions in which the samples vary.

    The columns are scaled to mean square one first, so that their units do not matter for the number of directions:
    with the standard deviations s and the correlations R = S/(s sᵀ), K = diag(1/s) R^{-1/2} on the range of R.
    Without whitening K = I, or an orthonormal basis of the range of S.

    Attributes
    ----------
    mean : ndarray of shape (n,)
    K : ndarray of shape (n, k)
    inverse : ndarray of shape (k, n)
        Pseudo-inverse of K: x − mean = z @ inverse for the samples from which S was computed.
    S : ndarray of shape (n, n)
        Second moments of the samples, about `mean`.
    """

    mean: np.ndarray
    K: np.ndarray
    inverse: np.ndarray
    S: np.ndarray

    @staticmethod
    def measure(rows: Rows, *, center: bool, whiten: bool, weights: np.ndarray | None = None) -> Whitening:
        """The whitening of samples, by default of equal weights, computed in blocks of rows."""
        mean = column_means(rows, weights) if center else np.zeros(rows.shape[1])
        total = rows.shape[0] if weights is None else weights.sum()
        S = second_moments(rows.shifted(mean) if center else rows, weights) / total
        single = rows.search_dtype == np.float32
        return Whitening.of(mean, S, whiten=whiten, rank_tolerance=_SINGLE_RANK_TOLERANCE if single else None)

    @staticmethod
    def of(mean: np.ndarray, S: np.ndarray, *, whiten: bool, rank_tolerance: float | None = None) -> Whitening:
        """The whitening from the mean and the second moments about it."""
        deviations = np.sqrt(np.diagonal(S))
        varying = deviations > _CONSTANT * np.abs(mean)
        units = np.where(varying, deviations, 1.0)
        correlations = np.where(np.outer(varying, varying), S / units / units[:, None], 0.0)
        squares, U = np.linalg.eigh((correlations + correlations.T) / 2)
        tolerance = rank_tolerance or _RANK_TOLERANCE
        kept = squares > max(tolerance**2, len(S) * np.finfo(float).eps) * max(float(squares[-1]), 0.0)
        if not whiten:
            K = np.eye(len(S)) if kept.all() else np.linalg.qr(units[:, None] * U[:, kept])[0]
            return Whitening(mean, K, K.T, S)
        scales = np.sqrt(squares[kept])
        back = U.T if kept.all() else np.eye(len(scales))
        K = (U[:, kept] / scales) @ back / units[:, None]
        return Whitening(mean, K, back.T @ (U[:, kept] * scales).T * units, S)

    @property
    def rank(self) -> int:
        """Number of directions in which the samples vary."""
        return int(self.K.shape[1])
