"""What clean data look like: third and fourth moments in the most extreme directions of Gaussian samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["CleanMoments", "clean_moments"]


@dataclass(frozen=True)
class CleanMoments:
    """Values that whitened Gaussian samples exceed in about one case in twenty.

    Attributes
    ----------
    largest, smallest : float
        Extreme kurtosis over all directions.
    skewness : float
        Largest absolute skewness over all directions.
    """

    largest: float
    smallest: float
    skewness: float

    def contains(self, skewness: float, kurtosis: float) -> bool:
        """Whether moments are like those of clean data."""
        return abs(skewness) <= self.skewness and self.smallest <= kurtosis <= self.largest


def clean_moments(n: float, r: int) -> CleanMoments:
    """Quantiles for n samples in r dimensions, from a fit to simulations."""
    root, local = math.sqrt(r / n), r * r / n
    largest = 3 + 8 * root + 0.35 * r / math.sqrt(n) + 1.4 * local + 8.5 * r**1.5 / n
    smallest = 1 + 2 * math.exp(-0.6 / math.sqrt(n) - 3.8 * root)
    skewness = 1.4 / math.sqrt(n) + 4 * root + r / n + 0.7 * r**1.5 / n
    return CleanMoments(largest, smallest, skewness)
