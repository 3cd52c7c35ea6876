"""Regression and clustering problems with outliers: samples, and the truth about them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from scipy.spatial.distance import pdist

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
from hypernorm.datasets.populations import INLIERS, Inliers, Population, directions, draw_population
from hypernorm.exceptions import InvalidInputError

__all__ = [
    "CLUSTER_OUTLIERS",
    "REGRESSION_ADVERSARIES",
    "REGRESSION_NOISES",
    "ContaminatedClusters",
    "ContaminatedRegression",
    "contaminated_clusters",
    "contaminated_regression",
]

RegressionAdversary: TypeAlias = Literal["none", "responses", "plane", "rows", "leverage"]
REGRESSION_ADVERSARIES: tuple[RegressionAdversary, ...] = get_args(RegressionAdversary)
RegressionNoise: TypeAlias = Literal["gaussian", "laplace", "t3", "heteroscedastic"]
REGRESSION_NOISES: tuple[RegressionNoise, ...] = get_args(RegressionNoise)
ClusterOutliers: TypeAlias = Literal["uniform", "cluster", "bridge", "far"]
CLUSTER_OUTLIERS: tuple[ClusterOutliers, ...] = get_args(ClusterOutliers)
_INTERCEPT = 2.0
_SHIFT = 10.0
_FAR = 10.0


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ContaminatedRegression(Result):
    """A linear model with outliers.

    Attributes
    ----------
    samples : numpy.ndarray of shape (n, d)
    targets : numpy.ndarray of shape (n,)
        ``samples @ coefficients + intercept`` plus noise, for the inliers.
    is_inlier : numpy.ndarray of shape (n,), bool
    coefficients : numpy.ndarray of shape (d,)
    intercept : float
    covariance : numpy.ndarray of shape (d, d)
        Covariance Σ of the inliers' rows; the excess risk of b is (b − coefficients)ᵀ Σ (b − coefficients).

    See Also
    --------
    contaminated_regression : Draw one.

    Examples
    --------
    >>> contaminated_regression(50, 3, 0.1, random_state=0).coefficients.shape
    (3,)
    """

    samples: np.ndarray
    targets: np.ndarray
    is_inlier: np.ndarray
    coefficients: np.ndarray
    intercept: float
    covariance: np.ndarray


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ContaminatedClusters(Result):
    """Clusters with outliers.

    Attributes
    ----------
    samples : numpy.ndarray of shape (n, d)
    labels : numpy.ndarray of shape (n,), int
        From 0 to n_clusters − 1, and −1 for outliers.
    centers : numpy.ndarray of shape (n_clusters, d)
        Means of the distributions of the clusters.
    scales : numpy.ndarray of shape (n_clusters,)
        Standard deviation of each cluster, relative to the family of its points.

    See Also
    --------
    contaminated_clusters : Draw one.

    Examples
    --------
    >>> contaminated_clusters(60, 2, 3, random_state=0).centers.shape
    (3, 2)
    """

    samples: np.ndarray
    labels: np.ndarray
    centers: np.ndarray
    scales: np.ndarray


@own_arithmetic
def contaminated_regression(
    n: int,
    d: int,
    contamination: float,
    *,
    adversary: RegressionAdversary = "rows",
    design: Inliers = "gaussian",
    noise: RegressionNoise = "gaussian",
    noise_deviation: float = 0.5,
    random_state: Seed = None,
) -> ContaminatedRegression:
    """Draw y = ⟨x, β⟩ + intercept + noise with a signal ⟨x, β⟩ of variance 1, and replace ⌊contamination · n⌋ samples.

    Parameters
    ----------
    n, d : int
        Numbers of samples and features.
    contamination : float
        Fraction of the samples that is replaced, in [0, 1/2).
    adversary : str, default "rows"
        - "none": no sample is replaced;
        - "responses": targets are raised by ten deviations of the targets, the rows stay;
        - "plane": the rows stay, and the targets follow −β without noise;
        - "rows": rows and targets are replaced: a tight cluster of rows at the distance (tr Σ)^{1/2} of a typical row
          in the direction Σβ, with targets that follow −β;
        - "leverage": the same at ten times the distance.
    design : str, default "gaussian"
        Family of the rows, one of `hypernorm.datasets.INLIERS`; see `contaminated`. Their mean is (1, …, 1).
    noise : str, default "gaussian"
        "gaussian", "laplace" and "t3" (Student t with 3 degrees of freedom) are independent of the rows;
        "heteroscedastic" is normal with a deviation proportional to |⟨x − E x, β⟩|. All have the deviation
        `noise_deviation`.
    noise_deviation : float, default 0.5
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState

    Returns
    -------
    ContaminatedRegression

    Raises
    ------
    InvalidInputError
        If an argument cannot be used.

    See Also
    --------
    contaminated, contaminated_clusters : The same for means and clustering.

    Examples
    --------
    >>> sample = contaminated_regression(300, 4, 0.1, adversary="leverage", random_state=0)
    >>> X, y = sample.samples[sample.is_inlier], sample.targets[sample.is_inlier]
    >>> bool(np.std(y - X @ sample.coefficients - sample.intercept) < 0.6)
    True
    """
    n, d = check_count(n, "n"), check_count(d, "d")
    check_contamination(contamination)
    check_choice(adversary, "adversary", REGRESSION_ADVERSARIES)
    check_choice(design, "design", INLIERS)
    check_choice(noise, "noise", REGRESSION_NOISES)
    check_nonnegative(noise_deviation, "noise_deviation")
    rng = check_generator(random_state)

    population = draw_population(design, d, rng)
    direction = directions(rng, 1, d)[0]
    coefficients = direction / math.sqrt(direction @ population.covariance @ direction)
    rows = population.draw(n)
    signal = rows @ coefficients
    targets = signal + noise_deviation * _noise(noise, signal, rng)
    is_inlier = np.ones(n, dtype=bool)
    if adversary != "none":
        is_inlier[rng.choice(n, size=_count(contamination, n), replace=False)] = False
    out = ~is_inlier
    if adversary == "responses":
        targets[out] += _SHIFT * math.hypot(1, noise_deviation)
    elif adversary == "plane":
        targets[out] = -signal[out]
    elif adversary in ("rows", "leverage"):
        # Wrong targets along Σβ cost a fit the most, since that is where the signal is.
        along = population.covariance @ coefficients
        along *= population.radius * (_FAR if adversary == "leverage" else 1) / np.linalg.norm(along)
        rows[out] = population.tight(np.tile(along, (int(out.sum()), 1)), rng)
        targets[out] = -rows[out] @ coefficients
    # The rows move to their mean (1, …, 1).
    return ContaminatedRegression(
        samples=rows + 1.0,
        targets=targets + coefficients.sum() + _INTERCEPT,
        is_inlier=is_inlier,
        coefficients=coefficients,
        intercept=_INTERCEPT,
        covariance=population.covariance,
    )


@own_arithmetic
def contaminated_clusters(
    n: int,
    d: int,
    n_clusters: int,
    contamination: float = 0.0,
    *,
    separation: float = 6.0,
    inliers: Inliers = "gaussian",
    size_ratio: float = 1.0,
    scale_ratio: float = 1.0,
    outliers: ClusterOutliers = "uniform",
    random_state: Seed = None,
) -> ContaminatedClusters:
    """Draw clusters around random centers, and ⌊contamination · n⌋ outliers.

    Parameters
    ----------
    n, d, n_clusters : int
        Numbers of samples (at least one for each cluster beside the outliers), features and clusters.
    contamination : float, default 0
        Fraction of outliers, in [0, 1/2).
    separation : float, default 6
        Least distance between two centers. Up to d clusters, all distances are equal.
    inliers : str, default "gaussian"
        Family of the points about their center, one of `hypernorm.datasets.INLIERS`; see `contaminated`.
    size_ratio : float, default 1
        Size of the largest cluster over that of the smallest, at least 1; sizes lie on a geometric scale.
    scale_ratio : float, default 1
        Standard deviation of the widest cluster over that of the narrowest, at least 1; deviations lie on a geometric
        scale around 1 and are dealt to the clusters at random.
    outliers : str, default "uniform"
        - "uniform": uniform in the box that is twice as wide as the inliers' in every coordinate;
        - "cluster": a tight cluster, ten times as far from the mean of the centers as the furthest of them, or as the
          length of a typical inlier if that is more;
        - "bridge": uniform on segments between two centers, with a tenth of the inliers' deviations around them;
        - "far": at the distance of "cluster", each in a random direction.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState

    Returns
    -------
    ContaminatedClusters

    Raises
    ------
    InvalidInputError
        If an argument cannot be used.

    See Also
    --------
    contaminated, contaminated_regression : The same for means and regression.

    Examples
    --------
    >>> sample = contaminated_clusters(100, 3, 2, 0.1, random_state=0)
    >>> np.bincount(sample.labels + 1).tolist()
    [10, 45, 45]
    """
    n, d, k = check_count(n, "n"), check_count(d, "d"), check_count(n_clusters, "n_clusters")
    check_contamination(contamination)
    check_choice(outliers, "outliers", CLUSTER_OUTLIERS)
    check_nonnegative(separation, "separation")
    for name, ratio in (("size_ratio", size_ratio), ("scale_ratio", scale_ratio)):
        if check_nonnegative(ratio, name) < 1:
            raise InvalidInputError(f"{name} must be at least 1, got {ratio!r}.")
    count = _count(contamination, n)
    if n - count < k:
        raise InvalidInputError(f"n must leave a sample for each of {k} clusters beside {count} outliers, got {n}.")
    if outliers == "bridge" and k < 2:
        raise InvalidInputError("outliers='bridge' needs n_clusters of at least 2.")
    rng = check_generator(random_state)

    population = draw_population(inliers, d, rng)
    centers = _centers(k, d, separation, rng)
    scales = rng.permutation(np.geomspace(scale_ratio**-0.5, scale_ratio**0.5, k))
    labels = np.repeat(np.arange(k), _sizes(n - count, np.geomspace(1, size_ratio, k)))
    samples = np.empty((n, d))
    samples[: n - count] = centers[labels] + scales[labels, None] * population.draw(n - count)
    samples[n - count :] = _outliers(outliers, count, samples[: n - count], centers, population, rng)
    order = rng.permutation(n)
    return ContaminatedClusters(
        samples=samples[order],
        labels=np.append(labels, np.full(count, -1))[order],
        centers=centers,
        scales=scales,
    )


def _count(contamination: float, n: int) -> int:
    # A product like 0.29 · 100 falls short of the whole number that is meant.
    return math.floor(contamination * n * (1 + 1e-12))


def _noise(noise: str, signal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Noise of variance 1, for a signal of variance 1."""
    n = len(signal)
    if noise == "heteroscedastic":
        return np.asarray(rng.standard_normal(n) * np.abs(signal))
    if noise == "t3":
        return rng.standard_t(3, n) / math.sqrt(3)
    return rng.standard_normal(n) if noise == "gaussian" else rng.laplace(scale=math.sqrt(0.5), size=n)


def _sizes(n: int, proportions: np.ndarray) -> np.ndarray:
    """Split n in the given proportions, at least 1 each, with the remainder to the largest."""
    sizes = np.maximum(1, np.floor(n * proportions / proportions.sum()).astype(int))
    while (rest := n - int(sizes.sum())) != 0:
        # Singletons may have taken too many; otherwise at most one is missing for each cluster.
        missing = n * proportions / proportions.sum() - sizes
        sizes[np.argmax(sizes) if rest < 0 else np.argmax(missing)] += int(np.sign(rest))
    return np.asarray(sizes)


def _centers(k: int, d: int, separation: float, rng: np.random.Generator) -> np.ndarray:
    """Centers around (1, …, 1): orthogonal if there is room, else normal; the nearest two at the given distance."""
    centers = np.linalg.qr(rng.standard_normal((d, k)))[0].T if k <= d else rng.standard_normal((k, d))
    if k > 1:
        centers *= separation / pdist(centers).min()
    return np.asarray(centers - centers.mean(axis=0) + 1.0)


def _outliers(
    kind: str,
    count: int,
    inliers: np.ndarray,
    centers: np.ndarray,
    population: Population,
    rng: np.random.Generator,
) -> np.ndarray:
    k, d = centers.shape
    if kind == "uniform":
        low, high = inliers.min(axis=0), inliers.max(axis=0)
        return (low + high) / 2 + rng.uniform(-1, 1, (count, d)) * (high - low)
    if kind == "bridge":
        ends = np.array([rng.choice(k, size=2, replace=False) for _ in range(count)]).reshape(count, 2)
        position = rng.uniform(size=(count, 1))
        return population.tight(position * centers[ends[:, 0]] + (1 - position) * centers[ends[:, 1]], rng)
    middle = centers.mean(axis=0)
    length = _FAR * max(population.radius, float(np.linalg.norm(centers - middle, axis=1).max()))
    if kind == "far":
        return middle + length * directions(rng, count, d)
    return population.tight(np.tile(middle + length * directions(rng, 1, d)[0], (count, 1)), rng)
