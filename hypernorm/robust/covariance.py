"""Location and covariance by the moment filter, with a proved error bound."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from sklearn.covariance import EmpiricalCovariance
from sklearn.utils.validation import check_is_fitted, validate_data

from hypernorm._arguments import Seed, check_count, check_generator
from hypernorm._arithmetic import own_arithmetic
from hypernorm._parallel import product_threads
from hypernorm._validation import check_covariance
from hypernorm._warnings import warn_caller
from hypernorm.certificates import CovarianceCertificate, VerifiedCovarianceBound
from hypernorm.exceptions import CertificateError, InvalidInputError
from hypernorm.robust.certification import certify_covariance_weights
from hypernorm.robust.filter.contamination import AUTO_CONTAMINATION, check_contamination_or_auto
from hypernorm.robust.flats import Flat, exact_mean
from hypernorm.robust.invariant_filter import InvariantFilter
from hypernorm.robust.weights import normalised, normalised_weights, weighted_covariance
from hypernorm.robust.winsorising import check_units, winsorised

__all__ = ["RobustCovariance"]

# Relative slack for rounding, of weights and of the limit on distances.
_SLACK = 1e-9


class RobustCovariance(EmpiricalCovariance):
    """Location and covariance of samples with outliers, with a proved error bound.

    The moment filter leaves out samples in the tails of projections, where these move the mean or are heavy, by more
    than in clean samples: see `moment_filter`. Location and covariance are those of the
    samples under the final weights. A certificate on their fourth moment proves how far the covariance can be from that
    of the inliers, whichever samples these are.

    The filter works in coordinates that an invertible affine map of the samples does not change, so the result changes
    with the samples as it should: distances and weights stay the same. With fewer than five samples for each dimension
    the filter goes by the units of the columns instead: few samples look much alike in coordinates of their own (d + 1
    samples are always the corners of a simplex).

    If the fraction 1 − ε of the samples lies in a flat of less than d dimensions (a plane, say), the others are
    outliers, and samples off the flat have infinite distances.

    Parameters
    ----------
    contamination : float or 'auto', default 0.1
        Fraction ε of outliers, in [0, 0.5). At most ε of the weight is removed, where samples look corrupted, and none
        from samples that look Gaussian. 'auto' allows for 30% and takes what was removed as ε, which counts heavy tails
        as outliers. No proof can rest on such an estimate: the error bound then allows for 30% of outliers, and is
        infinite for samples with ordinary tails.
    store_precision : bool, default True
        Whether to store `precision_`; otherwise `get_precision` computes it.
    assume_centered : bool, default False
        Whether the location is known to be zero.
    certify : bool, default True
        Whether to prove an error bound, which may take longer than the estimate.
    max_iter : int, default 100
        Limit on the rounds of the filter.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState
        For the directions in which the filter looks.

    Attributes
    ----------
    location_ : ndarray of shape (d,)
        Mean of the samples under the weights; zero with `assume_centered`.
    covariance_ : ndarray of shape (d, d)
        Covariance of the samples under the weights; singular if n ≤ d.
    precision_ : ndarray of shape (d, d)
        Pseudo-inverse of the covariance; only with `store_precision`.
    weights_ : ndarray of shape (n,)
        What is left of the sample weights; sum to one.
    support_ : ndarray of shape (n,), bool
        Samples that have kept more than half of their weight.
    dist_ : ndarray of shape (n,)
        Squared Mahalanobis distances of the samples.
    offset_ : float
        Samples are outliers to `predict` if their score, −1 times the squared distance, is below this number: if they
        are further from the location than all samples of `support_`.
    removals_ : tuple of Removal
        What was removed, and why.
    contamination_ : float
        ε as given or estimated.
    certificate_ : CovarianceCertificate or None
        None if there is no proof: without `certify`, with unequal sample weights, or if the samples under the weights
        have no full rank.
    proved_ : VerifiedCovarianceBound or None
        What the certificate proves.
    error_bound_ : float
        ‖S^{-1/2} covariance_ S^{-1/2} − I‖ is at most this number for the covariance S of the inliers, if these are at
        least the fraction 1 − ε of the samples. Infinite if nothing is proved. `error_bound_given` is the bound for
        inliers with a known kurtosis.
    variance_ratios_ : tuple of float
        Least and largest ratio of the variance of the inliers to that by `covariance_`, in any direction and under the
        same premise. Far outliers widen the largest ratio: that of `proved_.variance_ratios_given` they do not.
    kurtosis_ : float
        Proved bound on the kurtosis of the samples under the weights, in every direction.
    n_iter_ : int
        Rounds of the filter.
    converged_ : bool
        Whether the filter ended before `max_iter`.
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
    certify_covariance : the same proof for other weights, or for a known kurtosis of the inliers.
    sklearn.covariance.MinCovDet : minimum covariance determinant, which flags many samples of clean data.
    sklearn.covariance.EllipticEnvelope : the same methods; calls a given fraction of the samples outliers.

    Notes
    -----
    No factor corrects for the removal of extreme inliers, since next to nothing is removed from clean Gaussian samples.
    `error_bound_` is about the inliers among the samples; how far their covariance is from that of the population
    depends on their number. `score` is the mean log-likelihood of the samples, as of every covariance in scikit-learn.

    Entries further than 10,000 median deviations from the median of their column are clipped there for the filter,
    which an affine map may change.

    The theorem on covariances in theory/robust of the documentation.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.robust import RobustCovariance
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((1000, 4)) * [1.0, 1.0, 1.0, 0.1]
    >>> X[:50, 3] = 0.5  # five standard deviations out in a direction of little variance
    >>> model = RobustCovariance(0.05, random_state=0).fit(X)
    >>> bool(model.support_[:50].any()), round(float(model.covariance_[3, 3]), 3)
    (False, 0.01)
    >>> model.error_bound_ < 1, model.error_bound_given(3.0) <= model.error_bound_
    (True, True)

    Outliers are further from the location than every sample that is kept:

    >>> int(model.predict(X[:1])[0]), bool(model.decision_function(X[:1])[0] < 0)
    (-1, True)
    >>> bool(model.mahalanobis(X[:1])[0] == -model.score_samples(X[:1])[0]), model.get_precision().shape
    (True, (4, 4))
    >>> RobustCovariance(0.05, random_state=0).fit_predict(X[:200]).shape
    (200,)
    """

    def __init__(
        self,
        contamination: Any = 0.1,
        *,
        store_precision: bool = True,
        assume_centered: bool = False,
        certify: bool = True,
        max_iter: int = 100,
        random_state: Seed = None,
    ):
        self.contamination = contamination
        self.store_precision = store_precision
        self.assume_centered = assume_centered
        self.certify = certify
        self.max_iter = max_iter
        self.random_state = random_state

    @own_arithmetic
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> RobustCovariance:
        """Estimate location and covariance.

        Parameters
        ----------
        X : array_like of shape (n, d)
            Samples.
        y : ignored
        sample_weight : array_like of shape (n,), optional
            Relative weights, not negative; equal by default. The outliers are at most the fraction ε by these weights.
            A sample of weight zero counts as absent. The certificate knows equal weights only.

        Returns
        -------
        RobustCovariance
            Itself.

        Raises
        ------
        InvalidInputError
            If an argument cannot be used.
        """
        contamination = check_contamination_or_auto(self.contamination)
        check_count(self.max_iter, "max_iter")
        # A copy, since the error bound is proved about what was fitted.
        X = np.array(validate_data(self, X, dtype=np.float64, ensure_min_samples=2), order="C")
        base = normalised_weights(sample_weight, "sample_weight", len(X))
        rng = check_generator(self.random_state)
        counted = base > 0
        rows = X[counted]
        units = check_units(rows)
        filtered = InvariantFilter(units=units, assume_centered=self.assume_centered, max_iter=self.max_iter, rng=rng)
        with product_threads(1):  # decompositions of a few columns wait for further threads
            found = filtered(rows, contamination, normalised(base[counted]))
        assert found.weights is not None  # no filter is without weights
        shares = found.weights / base[counted]
        # What a sample has kept by rounding alone must not span a direction.
        weights = normalised(np.where(shares > _SLACK * shares.max(), found.weights, 0.0))
        self.weights_, self.support_ = np.zeros(len(X)), np.zeros(len(X), dtype=bool)
        self.weights_[counted] = weights
        self.support_[counted] = shares > shares.max() / 2
        clipped = winsorised(rows, units=units)
        self.location_ = np.zeros(X.shape[1]) if self.assume_centered else exact_mean(clipped, weights)
        with product_threads(1):
            self._flat = Flat.span(clipped, weights, self.location_)
        self._set_covariance(weighted_covariance(clipped, weights, self.location_))
        self.dist_ = self._flat.squared_distances(X)
        self.offset_ = -float(self.dist_[self.support_].max()) * (1 + _SLACK)
        self.removals_, self.contamination_ = found.removals, found.contamination
        self.n_iter_, self.converged_ = found.n_iter, found.converged
        if not found.converged:
            warn_caller(f"The filter reached max_iter={self.max_iter} rounds; increase max_iter.")
        self._certify(X, equal=bool(base.min() == base.max()))
        return self

    def error_bound_given(self, kurtosis: float | None = None) -> float:
        """The bound on the error if the kurtosis of the inliers is bounded; never above `error_bound_`.

        Parameters
        ----------
        kurtosis : float, optional
            κ with mean ⟨x − μ, v⟩⁴ ≤ κ (mean ⟨x − μ, v⟩²)² over the inliers, about their mean μ and for every v: 3 for
            many Gaussian inliers, more for few. By default `kurtosis_`: nothing shows that the inliers' is not larger.

        Returns
        -------
        float
            Infinite if nothing is proved.

        Raises
        ------
        InvalidInputError
            If the kurtosis is below 1.
        """
        check_is_fitted(self)
        return math.inf if self.proved_ is None else self.proved_.error_bound_given(kurtosis)

    @own_arithmetic
    def mahalanobis(self, X: Any) -> np.ndarray:
        """Squared Mahalanobis distances from the location.

        Parameters
        ----------
        X : array_like of shape (n, d)

        Returns
        -------
        ndarray of shape (n,)
            Infinite for samples off the flat in which the retained ones lie, by more than rounding explains.

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If X cannot be used, or has another number of features.
        """
        check_is_fitted(self)
        return self._flat.squared_distances(validate_data(self, X, reset=False, dtype=np.float64))

    @own_arithmetic
    def score_samples(self, X: Any) -> np.ndarray:
        """−1 times the squared Mahalanobis distances: the lower, the more abnormal.

        Parameters
        ----------
        X : array_like of shape (n, d)

        Returns
        -------
        ndarray of shape (n,)
        """
        return -self.mahalanobis(X)

    @own_arithmetic
    def decision_function(self, X: Any) -> np.ndarray:
        """`score_samples` less `offset_`: negative for outliers.

        Parameters
        ----------
        X : array_like of shape (n, d)

        Returns
        -------
        ndarray of shape (n,)
        """
        return self.score_samples(X) - self.offset_

    @own_arithmetic
    def predict(self, X: Any) -> np.ndarray:
        """1 for inliers, −1 for outliers, which are further from the location than every sample of `support_`.

        Parameters
        ----------
        X : array_like of shape (n, d)

        Returns
        -------
        ndarray of shape (n,)
        """
        return np.where(self.decision_function(X) >= 0, 1, -1)

    @own_arithmetic
    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> np.ndarray:
        """Fit, and tell inliers from outliers among the same samples.

        Parameters
        ----------
        X : array_like of shape (n, d)
        y : ignored
        sample_weight : array_like of shape (n,), optional
            As for `fit`.

        Returns
        -------
        ndarray of shape (n,)
            1 for inliers, −1 for outliers.
        """
        return self.fit(X, sample_weight=sample_weight).predict(X)

    @own_arithmetic
    def get_precision(self) -> np.ndarray:
        """The pseudo-inverse of the covariance.

        Returns
        -------
        ndarray of shape (d, d)

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        """
        check_is_fitted(self)
        return self._flat.precision() if self.precision_ is None else self.precision_

    def _set_covariance(self, covariance: np.ndarray) -> None:
        self.covariance_ = covariance
        self.precision_ = self._flat.precision() if self.store_precision else None

    def _certify(self, X: np.ndarray, equal: bool) -> None:
        self.certificate_: CovarianceCertificate | None = None
        self.proved_: VerifiedCovarianceBound | None = None
        self.error_bound_, self.variance_ratios_, self.kurtosis_ = math.inf, (0.0, math.inf), math.inf
        if not (self.certify and equal):
            return
        try:
            certificate = certify_covariance_weights(
                X,
                normalised(self.weights_),
                AUTO_CONTAMINATION if self.contamination == "auto" else self.contamination_,
                location=self.location_,
                covariance=check_covariance(self.covariance_, "covariance", X.shape[1])[0],
            )
            proved = certificate.prove(X)
        except InvalidInputError:  # the samples under the weights have no full rank
            return
        except CertificateError as error:
            warn_caller(f"No error bound was proved: {error}")
            return
        self.certificate_, self.proved_ = certificate, proved
        self.error_bound_, self.kurtosis_ = proved.error_bound, proved.kurtosis
        self.variance_ratios_ = (proved.least_ratio, proved.largest_ratio)
