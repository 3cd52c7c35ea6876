"""Centering and whitening as a linear map, which needs no copy of the samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hypernorm.forms import Rows, column_means, second_moments

__all__ = ["Whitening"]

# Relative to the largest standard deviation; directions below this tolerance contain only rounding errors.
_RANK_TOLERANCE = 1e-7
_SINGLE_RANK_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Whitening:
    """The map z = (x − mean) K to second moments I on the directions in which the samples vary.

    K = S^{-1/2} on the range of the second moments S (the preconditioner of the papers on complete dictionary learning,
    up to a rotation if S is singular). Without whitening K = I, or an orthonormal basis of that range.

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
    def measure(rows: Rows, *, center: bool, whiten: bool) -> Whitening:
        """The whitening of samples, computed in blocks of rows."""
        mean = column_means(rows) if center else np.zeros(rows.shape[1])
        S = second_moments(rows.shifted(mean) if center else rows) / rows.shape[0]
        single = rows.search_dtype == np.float32
        return Whitening.of(mean, S, whiten=whiten, rank_tolerance=_SINGLE_RANK_TOLERANCE if single else None)

    @staticmethod
    def of(mean: np.ndarray, S: np.ndarray, *, whiten: bool, rank_tolerance: float | None = None) -> Whitening:
        """The whitening from the mean and the second moments about it."""
        squares, U = np.linalg.eigh(S)
        tolerance = rank_tolerance or _RANK_TOLERANCE
        kept = squares > max(tolerance**2, len(S) * np.finfo(float).eps) * max(float(squares[-1]), 0.0)
        if not whiten:
            K = np.eye(len(S)) if kept.all() else U[:, kept]
            return Whitening(mean, K, K.T, S)
        if kept.all():
            scales = np.sqrt(squares)
            return Whitening(mean, (U / scales) @ U.T, (U * scales) @ U.T, S)
        scales = np.sqrt(squares[kept])
        return Whitening(mean, U[:, kept] / scales, (U[:, kept] * scales).T, S)

    @property
    def rank(self) -> int:
        """Number of directions in which the samples vary."""
        return int(self.K.shape[1])
