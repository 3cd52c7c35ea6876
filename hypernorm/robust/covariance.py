"""Location and covariance by the moment filter, with a proved error bound."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from sklearn.covariance import EmpiricalCovariance
from sklearn.utils.validation import check_is_fitted, validate_data

from hypernorm._arguments import Seed, check_count, check_generator
from hypernorm._arithmetic import own_arithmetic
from hypernorm._validation import check_covariance
from hypernorm._warnings import warn_caller
from hypernorm.certificates import CovarianceCertificate, VerifiedCovarianceBound
from hypernorm.exceptions import CertificateError, InvalidInputError
from hypernorm.robust.certification import certify_covariance_weights
from hypernorm.robust.filter.contamination import AUTO_CONTAMINATION, check_contamination_or_auto, filter_samples
from hypernorm.robust.weights import normalised, weighted_covariance
from hypernorm.robust.winsorising import check_units, winsorised

__all__ = ["RobustCovariance"]


class RobustCovariance(EmpiricalCovariance):
    """Location and covariance of samples with outliers, with a proved error bound.

    The moment filter whitens the samples and removes weight from those that are far out in directions of suspicious
    third or fourth moments, until no direction looks contaminated or the removal budget is used up. Location and
    covariance are those of the samples under the final weights. A certificate on their fourth moment proves how far the
    covariance can be from that of the inliers, whichever samples these are.

    Parameters
    ----------
    contamination : float or 'auto', default 0.1
        Fraction ε of outliers, in [0, 0.5). Up to 1.5 ε of the weight is removed where samples look corrupted, and none
        from samples that look Gaussian. 'auto' allows for 30% and takes what was removed as ε, which counts heavy tails
        as outliers. No proof can rest on such an estimate: the error bound then allows for 30% of outliers, and is
        infinite for samples with ordinary tails.
    store_precision : bool, default True
        Whether to store `precision_`.
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
    covariance_ : ndarray of shape (d, d)
        Covariance of the samples under the weights; singular if n ≤ d.
    precision_ : ndarray of shape (d, d)
        Pseudo-inverse of the covariance; only with `store_precision`.
    weights_ : ndarray of shape (n,)
        Sum to one.
    support_ : ndarray of shape (n,), bool
        Samples that have kept more than half of their weight.
    removals_ : tuple of Removal
        What was removed, and why.
    contamination_ : float
        ε as given or estimated.
    certificate_ : CovarianceCertificate or None
        None if there is no proof: without `certify`, or if the samples under the weights have no full rank.
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
    converged_ : bool
    n_features_in_, feature_names_in_
        As everywhere in scikit-learn.

    Warns
    -----
    ConvergenceWarning
        If `max_iter` was reached.

    See Also
    --------
    certify_covariance : the same proof for other weights, or for a known kurtosis of the inliers.
    sklearn.covariance.MinCovDet : minimum covariance determinant, which flags many samples of clean data.

    Notes
    -----
    No factor corrects for the removal of extreme inliers, since next to nothing is removed from clean Gaussian samples.
    `error_bound_` is about the inliers among the samples; how far their covariance is from that of the population
    depends on their number.

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
    >>> model.error_bound_ < 1
    True
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
    def fit(self, X: Any, y: Any = None) -> RobustCovariance:
        """Estimate location and covariance.

        Parameters
        ----------
        X : array_like of shape (n, d)
        y : ignored

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
        rng = check_generator(self.random_state)
        center = np.zeros(X.shape[1]) if self.assume_centered else None
        clipped = winsorised(X, units=check_units(X))
        base = np.full(len(X), 1.0 / len(X))
        found = filter_samples(clipped, contamination, base, rng, center=center, max_iter=self.max_iter)
        assert found.weights is not None  # no filter is without weights
        self.location_ = found.location
        self._set_covariance(weighted_covariance(clipped, found.weights, found.location))
        self.weights_, self.removals_, self.contamination_ = found.weights, found.removals, found.contamination
        self.support_ = found.weights > found.weights.max() / 2
        self.n_iter_, self.converged_ = found.n_iter, found.converged
        if not found.converged:
            warn_caller(f"The filter reached max_iter={self.max_iter} rounds; increase max_iter.")
        self._certify(X)
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

    def _certify(self, X: np.ndarray) -> None:
        self.certificate_: CovarianceCertificate | None = None
        self.proved_: VerifiedCovarianceBound | None = None
        self.error_bound_, self.variance_ratios_, self.kurtosis_ = math.inf, (0.0, math.inf), math.inf
        if not self.certify:
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
