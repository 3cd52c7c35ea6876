"""Clusters with bounded moments, among outliers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.metrics import adjusted_rand_score
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from hypernorm._arguments import (
    Seed,
    check_contamination,
    check_count,
    check_exponent,
    check_generator,
    check_sample_weight,
    check_tolerance,
)
from hypernorm._arithmetic import own_arithmetic
from hypernorm._validation import as_dense
from hypernorm._warnings import warn_caller
from hypernorm.certificates import ClusterCertificate, weighted_rows
from hypernorm.exceptions import InvalidInputError
from hypernorm.forms import fingerprint
from hypernorm.robust.certification import certify_moment
from hypernorm.robust.clusters.apart import groups_apart
from hypernorm.robust.clusters.assignment import assign, locate_groups
from hypernorm.robust.clusters.coordinates import Frame, leading_directions, whitening
from hypernorm.robust.clusters.outliers import judge_rows
from hypernorm.robust.clusters.search import Partition, refine, search
from hypernorm.robust.clusters.starts import Problem
from hypernorm.robust.weights import weighted_mean

__all__ = ["MomentClustering"]

# Number of rows in the search, in all and per cluster; the larger counts. The final refinement looks at all rows.
_SEARCH_ROWS, _SEARCH_ROWS_PER_CLUSTER = 2000, 150
# Rounds of whitening: the first ones search anew, later ones only refine the partition.
_SEARCHES, _WHITENINGS = 3, 50
# Larger clusters, relative to the mean size, need no search for small groups.
_SMALL = 0.2


class MomentClustering(ClusterMixin, BaseEstimator):
    """Clusters with bounded q-th moments, of any sizes and scales, among outliers.

    The model consists of k clusters, each with (mean |⟨x − c, v⟩|^q)^{1/q} ≤ B for every unit vector v, and of outliers
    that may be anywhere. A set of samples with a small proved q-th moment cannot mix two clusters whose centers are
    further apart than about B k^{1/q}; theory/robust of the documentation says what the certificates imply. There is no
    proof that the search finds the clusters.

    The search projects the rows on their leading principal directions, where far rows count less. It merges many small
    groups until k are left, and drops small distinct ones as outliers. Very small clusters, of three rows or more, are
    found by single linkage if a gap separates them from all other rows; with `contamination` only those that are too
    large to be outliers. It refines the partition by robust centers, and
    by thresholds between clusters that minimise Markov's bound on the mass that crosses. Then it whitens with the
    covariance within the clusters (shrunk, so that white noise stays as it is), and repeats until nothing changes. At
    last the moment filter removes weight from rows that the clusters do not explain, and the moment of each cluster is
    certified.

    The result does not depend on the origin, the common unit and the axes. Scale columns in different units first:
    whitening makes up for them only if the first partition is about right. Of more than 2,000 rows, or 150 for each
    cluster if that is more, the search looks at a random part; it may miss clusters of which this part has few rows.

    Parameters
    ----------
    n_clusters : int, default 8
        Number k of clusters.
    moment : float, default 4
        Exponent q ≥ 2 of the moment, finite.
    contamination : float, default 0
        Limit on the fraction of outliers, in [0, 0.5). Only rows that look like outliers are labelled so, among them
        perhaps a few inliers in a group of outliers; with 0 there are none.
    n_init : int, default 4
        Number of starts of the search, of either kind.
    max_iter : int, default 100
        Limit on the iterations of a refinement.
    tol : float, default 1e-5
        A refinement stops when the mean code length of a row falls by less than this. Code lengths, in nats, consist of
        Huber's loss of the distance and the costs of scale and size of the cluster.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState
        For starts, for the rows in the search, and for the directions in which the filter looks.

    Attributes
    ----------
    labels_ : ndarray of shape (n,)
        Cluster of each row, from 0 to k − 1; −1 for outliers.
    cluster_centers_ : ndarray of shape (k, d)
        Weighted means of the rows.
    weights_ : ndarray of shape (n,)
        Weight of each row in the center of its cluster: its sample weight, if there are any, times a factor from 0
        (outliers) to 1, less than 1 for rows far from the center or in directions with heavy tails.
    certificates_ : list of ClusterCertificate
        For each cluster, an upper bound on max (Σ w_i |⟨x_i − c, v⟩|^q / Σ w_i)^{1/q} over unit vectors v, which
        ``verify(X)`` proves for the samples of `fit`.
    assignment_ : {'nearest', 'moment'}
        'nearest' if rows belong to the nearest center in the whitened coordinates; 'moment' if unequal clusters called
        for thresholds that give large and wide clusters more room.
    inertia_ : float
        Σ w_i ‖x_i − c‖².
    n_iter_ : int
        Iterations of the last refinement.
    converged_ : bool
        Whether the last refinement ended before `max_iter`.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (d,)
        Names of the columns; only for samples with column names that are all strings.

    Warns
    -----
    ConvergenceWarning
        If `max_iter` was reached.

    See Also
    --------
    RobustMean, RobustCovariance : location and covariance of one cluster.

    Examples
    --------
    >>> from hypernorm.datasets import contaminated_clusters
    >>> from hypernorm.robust import MomentClustering
    >>> data = contaminated_clusters(500, 10, 4, 0.1, separation=10, inliers="t3", outliers="far", random_state=0)
    >>> model = MomentClustering(4, contamination=0.1, random_state=0).fit(data.samples)
    >>> bool((model.labels_[data.labels == -1] == -1).all())
    True
    >>> bool((model.predict(data.samples) == model.labels_).mean() > 0.95), model.score(data.samples) < 0
    (True, True)
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        moment: float = 4,
        contamination: float = 0.0,
        n_init: int = 4,
        max_iter: int = 100,
        tol: float = 1e-5,
        random_state: Seed = None,
    ):
        self.n_clusters = n_clusters
        self.moment = moment
        self.contamination = contamination
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    @own_arithmetic
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> MomentClustering:
        """Find the clusters.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n, d)
            A sparse matrix is made dense.
        y : ignored
        sample_weight : array_like of shape (n,), optional
            Weights, not negative; equal to one by default. The outliers are at most the fraction `contamination` by
            these weights. A row of weight zero has no part in the clusters, but is labelled as by `predict`.

        Returns
        -------
        MomentClustering
            Itself.

        Raises
        ------
        InvalidInputError
            If an argument cannot be used, X has fewer distinct rows than clusters, or fewer clusters are found.
        """
        problem = self._problem()
        X = self._validate(X, reset=True)
        given = _sample_weights(sample_weight, len(X))
        counted = given > 0
        _check_distinct(X[counted], problem.n_clusters)
        rng = check_generator(self.random_state)
        self._frame = Frame.measure(X[counted], rng)
        Z, weights = self._frame.rows(X[counted]), given[counted] / given[counted].mean()
        partition, equal = self._search(Z, weights, problem, rng)
        if not partition.converged:
            warn_caller(f"The clusters still changed after max_iter={self.max_iter} iterations; increase it.")
        self._finds_outliers = problem.contamination > 0
        self._groups, self._thresholds = partition.groups, partition.thresholds
        self.assignment_ = "nearest" if equal else "moment"
        self.n_iter_, self.converged_ = partition.n_iter, partition.converged
        self._finish(X, given, Z, partition, problem, rng)
        return self

    @own_arithmetic
    def predict(self, X: Any) -> np.ndarray:
        """Assign each row to a cluster, or −1 if it is further from the center than any inlier of `fit`.

        Without contamination there are no outliers.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n, d)

        Returns
        -------
        ndarray of shape (n,)

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If X cannot be used, or has another number of features.
        """
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        assigned = assign(self._frame.rows(X) @ self._transform, self._groups.centers, self._thresholds)
        if not self._finds_outliers:
            return assigned
        labels = np.where(assigned < len(self.cluster_centers_), assigned, -1)
        centers = self._frame.scaled(self.cluster_centers_)
        distances = np.linalg.norm(self._frame.scaled(X) - centers[labels], axis=1)
        return np.where(distances <= self._reaches[labels], labels, -1)

    @own_arithmetic
    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """−1 times the sum of the squared distances of the rows from the centers of their clusters.

        Rows that `predict` calls outliers do not count.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n, d)
        y : ignored
        sample_weight : array_like of shape (n,), optional
            Factors of the squared distances, not negative; one by default.

        Returns
        -------
        float
        """
        labels = self.predict(X)
        X = self._validate(X, reset=False)
        weights = _sample_weights(sample_weight, len(X))
        return -self._squares(X, labels, np.where(labels >= 0, weights, 0.0))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _validate(self, X: Any, reset: bool) -> np.ndarray:
        X = validate_data(self, X, reset=reset, accept_sparse="csr", dtype=np.float64)
        return as_dense(X)

    def _problem(self) -> Problem:
        moment = check_exponent(self.moment, name="moment")
        if math.isinf(moment):
            raise InvalidInputError("moment must be finite; 4 is a good choice.")
        return Problem(
            n_clusters=check_count(self.n_clusters, "n_clusters"),
            contamination=check_contamination(self.contamination),
            moment=moment,
            n_init=check_count(self.n_init, "n_init"),
            max_iter=check_count(self.max_iter, "max_iter"),
            tol=check_tolerance(self.tol, "tol"),
        )

    def _search(
        self, Z: np.ndarray, weights: np.ndarray, problem: Problem, rng: np.random.Generator
    ) -> tuple[Partition, bool]:
        """Find the partition of all rows, and keep its coordinates."""
        k = problem.n_clusters
        count = max(_SEARCH_ROWS, _SEARCH_ROWS_PER_CLUSTER * k)
        chosen = np.sort(rng.choice(len(Z), count, replace=False)) if count < len(Z) else np.arange(len(Z))
        sample, own = Z[chosen], weights[chosen] / weights[chosen].mean()
        apart, problem = _apart(sample, own, problem, rng)
        transform = leading_directions(sample, k, own, apart)
        partition, equal = search(sample @ transform, own, problem, rng, apart=apart)
        for iteration in range(_WHITENINGS):
            before = partition.assigned
            white = whitening(sample, partition.labels, locate_groups(sample, partition.labels, k, own), own)
            if iteration < _SEARCHES:
                found, problem = _apart(sample @ white, own, problem, rng)
                apart = found or apart
            transform = white @ leading_directions(sample @ white, k, own, apart)
            Y = sample @ transform
            if iteration < _SEARCHES:
                partition, equal = search(Y, own, problem, rng, known=before, apart=apart)
            else:
                centers = locate_groups(Y, before, before.max() + 1, own).centers
                partition = refine(Y, own, before, centers, problem, equal=equal)
            if adjusted_rand_score(before, partition.assigned) == 1:
                break
        self._transform = transform
        if len(sample) < len(Z):
            Y, centers = Z @ transform, partition.groups.centers
            assigned = assign(Y, centers, partition.thresholds)
            partition = refine(Y, weights, assigned, centers, problem, equal=equal)
        return partition, equal

    def _finish(
        self,
        X: np.ndarray,
        given: np.ndarray,
        Z: np.ndarray,
        partition: Partition,
        problem: Problem,
        rng: np.random.Generator,
    ) -> None:
        """Determine outliers, centers and certificates, in the units of X."""
        k, counted = problem.n_clusters, given > 0
        labels = np.where(partition.assigned < k, partition.assigned, -1)
        found = len(np.unique(labels[labels >= 0]))
        if found < k:
            raise InvalidInputError(
                f"X does not have n_clusters={k} groups: {found} are left after nearly equal rows and outliers are "
                f"merged. Ask for {found}, or leave out the rows that are far from all others."
            )
        inside, weights = np.ones(len(Z)), given[counted] / given[counted].mean()
        if problem.contamination > 0:
            inside, labels = judge_rows(Z, weights, partition, labels, problem, rng)
        scaled = self._frame.scaled(X[counted])
        factors = inside * locate_groups(scaled, labels, k, weights).weights
        centers, self._reaches = np.empty((k, X.shape[1])), np.empty(k)
        for cluster in range(k):
            members = labels == cluster
            centers[cluster] = weighted_mean(scaled[members], (factors * weights)[members])
            self._reaches[cluster] = np.linalg.norm(scaled[members] - centers[cluster], axis=1).max()
        self.cluster_centers_ = self._frame.unscaled(centers)
        self.labels_, self.weights_ = np.full(len(X), -1), np.zeros(len(X))
        self.labels_[counted], self.weights_[counted] = labels, factors * given[counted]
        if not counted.all():
            self.labels_[~counted] = self.predict(X[~counted])
        self.inertia_ = self._squares(X, self.labels_, self.weights_)
        identity = fingerprint(X)
        self.certificates_ = [self._certify(X, identity, cluster, problem.moment) for cluster in range(k)]

    def _squares(self, X: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> float:
        """Σ w_i ‖x_i − c‖²."""
        differences = self._frame.scaled(X) - self._frame.scaled(self.cluster_centers_)[labels]
        with np.errstate(over="ignore", under="ignore"):
            squares = weights @ np.sum(differences**2, axis=1)
            return float(np.ldexp(squares, 2 * (self._frame.exponent + 1)))

    def _certify(self, X: np.ndarray, identity: str, cluster: int, moment: float) -> ClusterCertificate:
        weights, center = np.where(self.labels_ == cluster, self.weights_, 0.0), self.cluster_centers_[cluster].copy()
        norm = certify_moment(weighted_rows(X, weights, center, moment), moment)
        return ClusterCertificate(shape=X.shape, fingerprint=identity, center=center, weights=weights, norm=norm)


def _sample_weights(sample_weight: Any, n: int) -> np.ndarray:
    return np.ones(n) if sample_weight is None else check_sample_weight(sample_weight, "sample_weight", n)


def _apart(
    Z: np.ndarray, weights: np.ndarray, problem: Problem, rng: np.random.Generator
) -> tuple[list[np.ndarray], Problem]:
    """Small groups that may be clusters but not outliers, and the problem in which clusters of their size are right."""
    usual = len(Z) / problem.n_clusters
    found = groups_apart(Z, problem.n_clusters - 1, _SMALL * usual, rng)
    sizes = [float(weights[group].sum()) for group in found]
    if not found or sum(sizes) <= problem.contamination * len(Z):
        return [], problem
    return found, replace(problem, undersized=min(problem.undersized, 0.5 * min(sizes) / usual))


def _check_distinct(X: np.ndarray, k: int) -> None:
    if len(X) < k:
        raise InvalidInputError(
            f"n_clusters={k} is more than n_samples={len(X)}; ask for at most as many clusters as samples."
        )
    distinct = set()
    for row in X:
        distinct.add((row + 0.0).tobytes())  # so that −0 equals 0
        if len(distinct) == k:
            return
    raise InvalidInputError(
        f"n_clusters={k} is more than the {len(distinct)} distinct rows of X; ask for at most {len(distinct)} clusters."
    )
