"""The moments of clean Gaussian samples in their most extreme directions, as limits for other samples.

The closed forms are fits to simulations: whitened Gaussian samples, the same search for directions, 95% quantiles for
n from 10 to 16,000 and r from 1 to √(2.5 n); `python -m experiments.clean_moments` repeats them. The leading terms are
what theory predicts: fluctuations of order √(r/n), and r²/n from single samples of squared length r.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

__all__ = ["CleanShape", "Shape", "clean_shape", "shape_of"]

# Four quantities are compared at once, each with a quantile of its own.
_MARGIN = 1.1
# Of a block of projections, which then stays in cache.
_BLOCK_ENTRIES = 1 << 15


@dataclass(frozen=True, eq=False, kw_only=True)
class Shape:
    """Moments of projections, one entry for each direction.

    Attributes
    ----------
    skewness, kurtosis : ndarray of shape (k,)
        |Σ w_i z_i³| and Σ w_i z_i⁴ of the standardised projections.
    imbalance : ndarray of shape (k,)
        Difference of the weights on the two sides of the mean; it measures how far the mean is from the median.
    """

    skewness: np.ndarray
    kurtosis: np.ndarray
    imbalance: np.ndarray


def shape_of(projections: np.ndarray, weights: np.ndarray, center: float | None = None) -> Shape:
    """Measure the columns about their means, or about a known center.

    Parameters
    ----------
    projections : ndarray of shape (n, k)
    weights : ndarray of shape (n,)
        Sum to one.
    center : float, optional
    """
    middle = weights @ projections if center is None else center
    step = max(64, _BLOCK_ENTRIES // projections.shape[1])
    second, third, fourth, sides = np.zeros((4, projections.shape[1]))
    for start in range(0, len(projections), step):
        part, shifted = weights[start : start + step], projections[start : start + step] - middle
        squares = shifted * shifted
        second += part @ squares
        third += part @ (squares * shifted)
        fourth += part @ (squares * squares)
        sides += part @ np.sign(shifted)
    variances = np.where(second > 0, second, 1.0)
    return Shape(skewness=np.abs(third) / variances**1.5, kurtosis=fourth / variances**2, imbalance=np.abs(sides))


@dataclass(frozen=True, kw_only=True)
class CleanShape:
    """Limits that Gaussian samples seldom pass in any direction.

    Attributes
    ----------
    skewness, kurtosis, imbalance : float
        Upper limits.
    smallest_kurtosis : float
        Lower limit.
    """

    skewness: float
    kurtosis: float
    imbalance: float
    smallest_kurtosis: float

    def asymmetric(self, shape: Shape) -> np.ndarray:
        """Directions with more weight on one side."""
        return (shape.skewness > self.skewness) | (shape.imbalance > self.imbalance)

    def heavy(self, shape: Shape) -> np.ndarray:
        """Directions with heavy tails."""
        return shape.kurtosis > self.kurtosis

    def light(self, shape: Shape) -> np.ndarray:
        """Directions with tails so light that there may be two groups."""
        return shape.kurtosis < self.smallest_kurtosis

    def excess(self, shape: Shape) -> float:
        """The largest ratio of a moment to its limit."""
        upper = (
            shape.skewness / self.skewness,
            shape.imbalance / self.imbalance,
            (shape.kurtosis - 1) / (self.kurtosis - 1),
            (self.smallest_kurtosis - 1) / np.maximum(shape.kurtosis - 1, 1e-12),
        )
        return float(np.max(upper))


def clean_shape(n: float, r: int) -> CleanShape:
    """The limits for n samples (or Σ w_i² = 1/n) in r dimensions.

    Examples
    --------
    >>> limits = clean_shape(4000, 20)
    >>> round(limits.kurtosis, 2), round(limits.smallest_kurtosis, 2), round(limits.skewness, 2)
    (3.96, 2.51, 0.34)
    """
    root = math.sqrt(r / n)
    return CleanShape(
        skewness=_MARGIN * (4.2 * root + 0.5 * r**1.5 / n),
        kurtosis=3 + _MARGIN * (8.7 * root + 2.6 * r * r / n),
        imbalance=_MARGIN * (0.73 * math.sqrt((1 + math.log(r)) / n) + 0.43 * root),
        smallest_kurtosis=1 + 2 * math.exp(-_MARGIN * (0.8 / math.sqrt(n) + 3.4 * root)),
    )
