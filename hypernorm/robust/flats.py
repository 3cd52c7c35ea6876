"""Coordinates of samples that an affine map does not change, and distances from the flat in which samples lie.

Covariances are never formed: their condition is the square of the rows', and so is the loss of digits. The rows, each
column in units of its deviation, are decomposed instead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hypernorm.robust.filter.lines import shortest_intervals
from hypernorm.robust.weights import weighted_quantile

__all__ = ["Flat", "exact_mean", "flat_of_most", "invariant_coordinates"]

# Directions in which standardised rows vary by less than this, relative to the direction of most variance, are normal
# to the flat in which the rows lie.
_NORMAL = 1e-10
# A point is off the flat if it leaves it by more than this, relative to its length in standard deviations.
_OFF = 1e-9
# Rounding of a difference of two numbers, relative to their sizes.
_ROUNDING = 8 * np.finfo(np.float64).eps
# A flat is found in a few concentration steps: its interval is halved at least.
_CONCENTRATIONS = 50
# Lengths in standard deviations do not overflow up to here.
_FURTHEST = 1e150
# Steps of Huber's estimator, which converges quickly unless rows are very far out.
_STEPS = 10
_STRETCH = 0.02
# Rows are clipped at so many standard deviations above the median length. Lower limits turn the coordinates towards the
# longest of a few clean rows, which then look like outliers.
_CLIP = 1.5


@dataclass(frozen=True, eq=False, kw_only=True)
class Flat:
    """The smallest affine flat that holds weighted rows, with coordinates in which their covariance is the identity.

    Attributes
    ----------
    center : ndarray of shape (d,)
    units : ndarray of shape (d,)
        Standard deviation of each column; its size if it is constant.
    transform : ndarray of shape (d, r)
        Standardised rows times this matrix are the coordinates.
    normals : ndarray of shape (d, d − r)
        Orthonormal; standardised rows in the flat are orthogonal to them.
    """

    center: np.ndarray
    units: np.ndarray
    transform: np.ndarray
    normals: np.ndarray

    @classmethod
    def span(cls, X: np.ndarray, weights: np.ndarray, center: np.ndarray) -> Flat:
        """The flat of rows of shape (n, d) with a positive weight, through a center in it."""
        rows, roots = X[weights > 0], np.sqrt(weights[weights > 0] / weights.sum())
        deviations = _differences(rows, center)
        units = np.sqrt(roots**2 @ deviations**2)
        units = np.where(units > 0, units, np.where(center != 0, np.abs(center), 1.0))
        triangle = np.linalg.qr(deviations / units * roots[:, None], mode="r")
        sizes, directions = np.linalg.svd(triangle)[1:]
        rank = int(np.sum(sizes > _NORMAL * sizes[0])) if sizes[0] > 0 else 0
        return cls(
            center=center,
            units=units,
            transform=directions[:rank].T / sizes[:rank],
            normals=directions[rank:].T,
        )

    @property
    def directions(self) -> np.ndarray:
        """(x − center) @ directions are the coordinates of x; of shape (d, r)."""
        return np.asarray(self.transform / self.units[:, None])

    def coordinates(self, X: np.ndarray) -> np.ndarray:
        """Coordinates of the feet of the perpendiculars, of shape (n, r)."""
        return np.asarray(self._standardised(X) @ self.transform)

    def squared_distances(self, X: np.ndarray) -> np.ndarray:
        """Squared lengths of the coordinates; ∞ for rows off the flat by more than rounding explains."""
        Z = self._standardised(X)
        squares = np.sum((Z @ self.transform) ** 2, axis=1)
        if self.normals.shape[1]:
            away = np.abs(Z @ self.normals).max(axis=1)
            rounding = _ROUNDING * np.sum((np.abs(X) + np.abs(self.center)) / self.units, axis=1)
            squares[away > _OFF * (1 + np.linalg.norm(Z, axis=1)) + rounding] = np.inf
        return np.asarray(squares)

    def precision(self) -> np.ndarray:
        """The pseudo-inverse of the covariance of the rows, of shape (d, d)."""
        inverse = self.directions @ self.directions.T
        if not self.normals.shape[1]:
            return inverse
        # One of its inverses on its range; projections on the range make it the pseudo-inverse.
        scatter = np.linalg.pinv(self.transform).T * self.units[:, None]
        basis = np.linalg.qr(scatter)[0]
        projection = basis @ basis.T
        return np.asarray(projection @ inverse @ projection)

    def _standardised(self, X: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            return np.clip(_differences(X, self.center) / self.units, -_FURTHEST, _FURTHEST)


def flat_of_most(
    X: np.ndarray, weights: np.ndarray, start: np.ndarray, share: float, center: np.ndarray | None = None
) -> np.ndarray | None:
    """Find the rows in a flat of less dimension that holds a given share of the weight.

    Concentration steps (least trimmed squares) from the direction in which rows vary least: rows in the shortest
    interval of its projections with the share are kept, and give the next direction. They end where the interval is
    no longer halved, since that of a flat shrinks to a point.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    weights : ndarray of shape (n,)
        Sum to one.
    start : ndarray of shape (n,)
        Weights for the first direction.
    share : float
    center : ndarray of shape (d,), optional
        Known point of the flat.

    Returns
    -------
    ndarray of shape (n,), bool
        None if no such flat is found.
    """
    kept, shortest = start, math.inf
    for _ in range(_CONCENTRATIONS):
        flat = Flat.span(X, kept, exact_mean(X, kept) if center is None else center)
        if flat.normals.shape[1]:
            within = np.isfinite(flat.squared_distances(X))
            return within if weights[within].sum() >= share * (1 - _OFF) else None
        projections = flat.coordinates(X)[:, -1:]
        middle, half = shortest_intervals(projections, weights, share)
        length = float(half[0] / np.linalg.norm(flat.directions[:, -1]))
        if length > shortest / 2:
            return None
        kept = np.where(np.abs(projections[:, 0] - middle[0]) <= half[0] * (1 + _OFF), weights, 0.0)
        shortest = length
    return None


def invariant_coordinates(
    X: np.ndarray, weights: np.ndarray, rng: np.random.Generator, center: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of rows that are the same, up to rounding, for X and for its image under any invertible affine map.

    The rows are whitened by Huber's estimator of center and scatter, in which long rows are clipped at somewhat more
    than the median length. This determines them up to a rotation; random combinations of the rows fix it, which turn
    with the rows.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    weights : ndarray of shape (n,)
        Positive; sum to one.
    rng : numpy.random.Generator
        For the combinations.
    center : ndarray of shape (d,), optional
        Known center, which becomes the origin; estimated by default.

    Returns
    -------
    coordinates : ndarray of shape (n, r)
        r is the dimension of the flat in which the rows lie.
    directions : ndarray of shape (d, r)
        Rows times this matrix are the coordinates, but for the origin.
    """
    flat = Flat.span(X, weights, exact_mean(X, weights) if center is None else center)
    for _ in range(_STEPS):
        factors = _length_factors(flat.coordinates(X), weights)
        clipped = weights * factors**2
        middle = exact_mean(X, weights * factors) if center is None else center
        following = Flat.span(X, clipped, middle)
        if following.transform.shape[1] < flat.transform.shape[1]:
            break
        flat = following
    Y = flat.coordinates(X)
    rotation = _turning_rotation(Y, weights, rng)
    # Where all directions look alike rounding would choose the axes of later whitenings; this stretch chooses them.
    axes = np.linalg.qr(rng.standard_normal(rotation.shape))[0]
    rotation = rotation @ (axes * np.linspace(1, 1 + _STRETCH, len(axes))) @ axes.T
    return Y @ rotation, flat.directions @ rotation


def _turning_rotation(Y: np.ndarray, weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A rotation R, random, such that YR does not change when Y is rotated."""
    combinations = (rng.standard_normal((Y.shape[1], len(Y))) * _length_factors(Y, weights)) @ Y
    rotation, triangle = np.linalg.qr(combinations.T)
    return np.asarray(rotation * np.where(np.diag(triangle) < 0, -1.0, 1.0))


def exact_mean(X: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The weighted mean of rows; without rounding for a column that is constant where the weights are not zero."""
    origin = X[int(np.argmax(weights))]
    return np.asarray(origin + weights @ (X - origin) / weights.sum())


def _length_factors(Y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The factor in (0, 1] by which each row is clipped."""
    lengths = np.linalg.norm(Y, axis=1)
    reach = weighted_quantile(lengths, weights, 0.5) * (1 + _CLIP / math.sqrt(max(Y.shape[1], 1)))
    return np.asarray(reach / np.maximum(lengths, reach)) if reach > 0 else np.ones(len(Y))


def _differences(X: np.ndarray, center: np.ndarray) -> np.ndarray:
    """X − center, with zero for what may be rounding."""
    with np.errstate(over="ignore"):
        differences = X - center
    sizes = np.maximum(np.abs(X), np.abs(center))
    sizes *= _ROUNDING
    np.copyto(differences, 0.0, where=np.abs(differences) <= sizes)
    return np.asarray(differences)
