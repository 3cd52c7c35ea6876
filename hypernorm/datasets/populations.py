"""Distributions of inliers with known mean and covariance, from the normal one to some without a fourth moment."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from hypernorm._arguments import check_choice

__all__ = ["INLIERS", "SPREAD", "Inliers", "Population", "directions", "draw_population"]

Inliers: TypeAlias = Literal["gaussian", "gaussian_decaying", "t3", "t5", "laplace", "heavy_products", "mixture"]
INLIERS: tuple[Inliers, ...] = get_args(Inliers)
SPREAD = 0.1
"""Standard deviation of a tight cluster, relative to that of the inliers."""
_SMALLEST_DEVIATION = 0.1


@dataclass(frozen=True, eq=False, kw_only=True)
class Population:
    """A centered distribution of inliers: how to draw from it, and the principal axes of its covariance.

    Attributes
    ----------
    draw : callable
        ``draw(n)`` gives n points as rows.
    variances : numpy.ndarray of shape (d,)
    basis : numpy.ndarray of shape (d, d)
        Principal axes as columns.
    """

    draw: Callable[[int], np.ndarray]
    variances: np.ndarray
    basis: np.ndarray

    @property
    def radius(self) -> float:
        """(tr Σ)^{1/2}, the length of a typical point."""
        return math.sqrt(self.variances.sum())

    @property
    def covariance(self) -> np.ndarray:
        return np.asarray((self.basis * self.variances) @ self.basis.T)

    def least_direction(self, rng: np.random.Generator) -> np.ndarray:
        """A unit vector of least variance, at random where there are many."""
        least = self.basis[:, self.variances <= self.variances.min() * (1 + 1e-9)]
        return np.asarray(least @ directions(rng, 1, least.shape[1])[0])

    def tight(self, positions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A normal point around each position, with a tenth of the inliers' deviations."""
        deviations = SPREAD * np.sqrt(self.variances)
        return np.asarray(positions + (rng.standard_normal(positions.shape) * deviations) @ self.basis.T)


def draw_population(inliers: str, d: int, rng: np.random.Generator) -> Population:
    """Distribution by name; its random directions are drawn here, its points later from the same `rng`."""
    check_choice(inliers, "inliers", INLIERS)
    variances, basis = np.ones(d), np.eye(d)
    if inliers == "gaussian_decaying":
        deviations = np.linspace(1, _SMALLEST_DEVIATION, d)
        basis = np.linalg.qr(rng.standard_normal((d, d)))[0]
        return Population(
            draw=lambda n: (rng.standard_normal((n, d)) * deviations) @ basis.T, variances=deviations**2, basis=basis
        )
    if inliers == "mixture":
        # The first column of a random orthogonal matrix is the direction between the clusters.
        basis = np.linalg.qr(rng.standard_normal((d, d)))[0]
        variances = np.where(np.arange(d) == 0, 4.0, 1.0)
        shifts = np.array([-1.0, -1.0, -1.0, 3.0])
        return Population(
            draw=lambda n: rng.standard_normal((n, d)) + rng.choice(shifts, n)[:, None] * basis[:, 0],
            variances=variances,
            basis=basis,
        )
    draws: dict[str, Callable[[int], np.ndarray]] = {
        "gaussian": lambda n: rng.standard_normal((n, d)),
        "t3": lambda n: _student(rng, n, d, 3),
        "t5": lambda n: _student(rng, n, d, 5),
        "laplace": lambda n: rng.laplace(scale=math.sqrt(0.5), size=(n, d)),
        "heavy_products": lambda n: rng.standard_t(3, (n, d)) * rng.standard_t(3, (n, d)) / 3,
    }
    return Population(draw=draws[inliers], variances=variances, basis=basis)


def directions(rng: np.random.Generator, count: int, d: int) -> np.ndarray:
    """Unit vectors, uniformly at random, as rows."""
    vectors = rng.standard_normal((count, d))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _student(rng: np.random.Generator, n: int, d: int, degrees: int) -> np.ndarray:
    """Multivariate t of identity covariance: a normal vector over a common random scale."""
    scales = np.sqrt(rng.chisquare(degrees, (n, 1)) / (degrees - 2))
    return np.asarray(rng.standard_normal((n, d)) / scales)
