"""Samples with outliers by an adversary, for the estimation of means and covariances.

Inliers are drawn first; an adversary who sees all of them then replaces ⌊εn⌋ of the points. Distances are measured by
the inliers: r = (tr Σ)^{1/2} is the distance of a typical inlier from the center, √d where Σ is the identity, as it is
in every family but "gaussian_decaying" and "mixture". The center is (1, …, 1).

References
----------
I. Diakonikolas, G. Kamath, D. M. Kane, J. Li, A. Moitra and A. Stewart, "Being robust (in high dimensions) can be
practical", ICML 2017, for the adversary "dkk".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from hypernorm._arguments import (
    Seed,
    check_choice,
    check_contamination,
    check_count,
    check_generator,
    check_nonnegative,
)
from hypernorm._arithmetic import own_arithmetic
from hypernorm._results import Result
from hypernorm.datasets.populations import INLIERS, SPREAD, Inliers, Population, directions, draw_population
from hypernorm.exceptions import InvalidInputError

__all__ = ["ADVERSARIES", "Contaminated", "contaminated"]

Estimator = Callable[[np.ndarray, float], np.ndarray]

_ANGLE = math.radians(75)
_DISTANCES = {"cluster": 1.0, "two_clusters": 1.0, "shell": 1.0, "far": 10.0, "hidden": 5.0}
_CANDIDATES = 8


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Contaminated(Result):
    """Samples with outliers, and the truth about them.

    Attributes
    ----------
    samples : numpy.ndarray of shape (n, d)
    is_inlier : numpy.ndarray of shape (n,), bool
        False for the ⌊contamination · n⌋ points that the adversary has put in.
    inlier_mean : numpy.ndarray of shape (d,)
        Mean of the inliers among the samples.
    clean_mean : numpy.ndarray of shape (d,)
        Mean of the n points before any was replaced. It differs from `inlier_mean` by chance, except where the
        adversary chooses which points to remove.
    center : numpy.ndarray of shape (d,)
        Mean of the distribution of the inliers.
    covariance : numpy.ndarray of shape (d, d)
        Covariance of the distribution of the inliers.

    See Also
    --------
    contaminated : Draw one.

    Examples
    --------
    >>> sample = contaminated(50, 2, 0.1, random_state=0)
    >>> sample.samples.shape, int(sample.is_inlier.sum())
    ((50, 2), 45)
    """

    samples: np.ndarray
    is_inlier: np.ndarray
    inlier_mean: np.ndarray
    clean_mean: np.ndarray
    center: np.ndarray
    covariance: np.ndarray


@own_arithmetic
def contaminated(
    n: int,
    d: int,
    contamination: float,
    *,
    inliers: Inliers = "gaussian",
    adversary: Adversary = "cluster",
    distance: float | None = None,
    estimator: Estimator | None = None,
    random_state: Seed = None,
) -> Contaminated:
    """Draw n points of a known distribution and let an adversary replace ⌊contamination · n⌋ of them.

    Parameters
    ----------
    n, d : int
        Numbers of samples and features.
    contamination : float
        Fraction of the points that is replaced, in [0, 1/2).
    inliers : str, default "gaussian"
        - "gaussian": standard normal;
        - "gaussian_decaying": normal, with standard deviations from 1 down to 0.1, evenly spaced, in a random basis;
        - "t3", "t5": multivariate Student t with 3 or 5 degrees of freedom, scaled to the identity covariance; the
          fourth moment is infinite for 3;
        - "laplace": independent Laplace coordinates of variance 1;
        - "heavy_products": each coordinate is the product of two independent t variables with 3 degrees of freedom,
          over 3; variance 1, but no bound on a fourth moment holds;
        - "mixture": two standard normal clusters, three quarters of the mass at −u and a quarter at 3u for a random
          unit vector u.
    adversary : str, default "cluster"
        - "none": no point is replaced, whatever `contamination`;
        - "cluster": a tight cluster (a tenth of the inliers' deviations) at distance r in a random direction;
        - "two_clusters": two such clusters in directions at 75° to each other;
        - "shell": the inliers' own covariance and Mahalanobis length √d, but all in one half-space through the center;
        - "subtractive": the points that are furthest in a random direction are removed; in their place come fresh
          inliers from the other half, the lower one of twice as many draws as are needed;
        - "far": a tight cluster at 10r;
        - "dkk": half at random vertices of {0, 1}^d and half at (12, −2, 0, …, 0);
        - "hidden": inliers, moved to 5 standard deviations along the direction of least variance;
        - "adaptive": of eight tight clusters in random directions, at distances from one mean standard deviation to
          3r, the one that moves `estimator` the furthest from the center.
    distance : float, optional
        Replaces the default distance 1, 10 or 5 of "cluster", "two_clusters", "shell", "far" (times r) and "hidden"
        (in standard deviations).
    estimator : callable, optional
        ``estimator(samples, contamination)`` returns a location of shape (d,); for the adversary "adaptive".
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState
        The inliers are drawn first, so the same integer gives the same ones to every adversary.

    Returns
    -------
    Contaminated

    Raises
    ------
    InvalidInputError
        If an argument cannot be used.

    See Also
    --------
    contaminated_regression, contaminated_clusters : the same for regression and clustering.

    Examples
    --------
    >>> sample = contaminated(200, 5, 0.1, adversary="far", random_state=0)
    >>> sample.samples.shape, int(np.sum(~sample.is_inlier))
    ((200, 5), 20)
    >>> bool(np.linalg.norm(sample.samples.mean(axis=0) - sample.center) > 2)
    True
    """
    n, d = check_count(n, "n"), check_count(d, "d")
    check_choice(inliers, "inliers", INLIERS)
    check_choice(adversary, "adversary", ADVERSARIES)
    check_contamination(contamination)
    if adversary in ("two_clusters", "dkk") and d < 2:
        raise InvalidInputError(f"adversary={adversary!r} needs d of at least 2, got d = {d}.")
    if distance is not None and adversary not in _DISTANCES:
        raise InvalidInputError(f"distance has no meaning for adversary={adversary!r}; leave it out.")
    if (estimator is not None) != (adversary == "adaptive"):
        raise InvalidInputError("give an estimator with adversary='adaptive', and with no other.")
    factor = _DISTANCES.get(adversary, 1.0) if distance is None else check_nonnegative(distance, "distance")

    rng = check_generator(random_state)
    population = draw_population(inliers, d, rng)
    clean = population.draw(n)
    # A product like 0.29 · 100 falls short of the whole number that is meant.
    count = 0 if adversary == "none" else math.floor(contamination * n * (1 + 1e-12))
    samples, replaced = clean.copy(), np.zeros(n, dtype=bool)
    if count and adversary == "subtractive":
        u = directions(rng, 1, d)[0]
        replaced[np.argsort(clean @ u)[n - count :]] = True
        draws = population.draw(2 * count)
        samples[replaced] = rng.permutation(draws[np.argsort(draws @ u)[:count]])
    elif count:
        replaced[rng.choice(n, size=count, replace=False)] = True
        if estimator is not None:
            samples[replaced] = _worst_cluster(population, samples, replaced, estimator, contamination, rng)
        else:
            samples[replaced] = rng.permutation(_OUTLIERS[adversary](population, count, factor, rng))

    center = np.ones(d)
    return Contaminated(
        samples=samples + center,
        is_inlier=~replaced,
        inlier_mean=samples[~replaced].mean(axis=0) + center,
        clean_mean=clean.mean(axis=0) + center,
        center=center,
        covariance=population.covariance,
    )


def _cluster(population: Population, count: int, factor: float, rng: np.random.Generator) -> np.ndarray:
    d = len(population.variances)
    return population.tight(np.tile(factor * population.radius * directions(rng, 1, d), (count, 1)), rng)


def _two_clusters(population: Population, count: int, factor: float, rng: np.random.Generator) -> np.ndarray:
    u, v = np.linalg.qr(rng.standard_normal((len(population.variances), 2)))[0].T
    axes = np.stack([u, math.cos(_ANGLE) * u + math.sin(_ANGLE) * v])
    return population.tight(factor * population.radius * axes[np.arange(count) % 2], rng)


def _shell(population: Population, count: int, factor: float, rng: np.random.Generator) -> np.ndarray:
    d = len(population.variances)
    points = directions(rng, count, d)
    # Half of the points are turned over, so that all lie on one side of the hyperplane orthogonal to u.
    points *= np.where(points @ directions(rng, 1, d)[0] < 0, -1.0, 1.0)[:, None]
    return np.asarray(factor * math.sqrt(d) * (points * np.sqrt(population.variances)) @ population.basis.T)


def _dkk(population: Population, count: int, factor: float, rng: np.random.Generator) -> np.ndarray:
    d = len(population.variances)
    points = np.zeros((count, d))
    points[: count // 2] = rng.integers(0, 2, (count // 2, d))
    points[count // 2 :, :2] = 12.0, -2.0
    return points - 1.0  # positions are relative to the center


def _hidden(population: Population, count: int, factor: float, rng: np.random.Generator) -> np.ndarray:
    v = population.least_direction(rng)
    points = population.draw(count)
    deviation = math.sqrt(population.variances.min())
    along = deviation * (factor + SPREAD * rng.standard_normal(count))
    return np.asarray(points + np.outer(along - points @ v, v))


def _worst_cluster(
    population: Population,
    samples: np.ndarray,
    replaced: np.ndarray,
    estimator: Estimator,
    contamination: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """The cluster, among several distances, that moves the estimate the furthest from the center."""
    count = int(replaced.sum())
    smallest = 1 / math.sqrt(len(population.variances))
    samples = samples.copy()
    worst, worst_error = samples[replaced], -1.0
    for factor in np.geomspace(smallest, 3, _CANDIDATES):
        candidate = _cluster(population, count, float(factor), rng)
        samples[replaced] = candidate
        error = float(np.linalg.norm(estimator(samples + 1.0, contamination) - 1.0))
        if error > worst_error:
            worst, worst_error = candidate, error
    return worst


Adversary: TypeAlias = Literal[
    "none", "cluster", "two_clusters", "shell", "far", "dkk", "hidden", "subtractive", "adaptive"
]
ADVERSARIES: tuple[Adversary, ...] = get_args(Adversary)

_OUTLIERS: dict[Adversary, Callable[[Population, int, float, np.random.Generator], np.ndarray]] = {
    "cluster": _cluster,
    "two_clusters": _two_clusters,
    "shell": _shell,
    "far": _cluster,
    "dkk": _dkk,
    "hidden": _hidden,
}
