"""Robust means with a proved error bound, by any of the methods."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from hypernorm._arguments import Seed, check_choice, check_count, check_exponent, check_generator
from hypernorm._arithmetic import own_arithmetic
from hypernorm._chunks import Chunks, is_chunked
from hypernorm._validation import check_covariance
from hypernorm._warnings import warn_caller
from hypernorm.exceptions import InvalidInputError
from hypernorm.robust.certification import certify_mean_weights
from hypernorm.robust.estimates import METHODS, Method, estimate
from hypernorm.robust.filter.contamination import AUTO_CONTAMINATION, check_contamination_or_auto, filter_samples
from hypernorm.robust.location import RobustLocation
from hypernorm.robust.samples import samples_in_memory, samples_or_chunks
from hypernorm.robust.weights import normalised_weights

__all__ = ["RobustMean", "robust_mean"]


@own_arithmetic
def robust_mean(
    X: Any,
    contamination: float | Literal["auto"] = 0.1,
    *,
    method: Method = "moment",
    moment: float = 4,
    covariance: Any = None,
    sample_weight: Any = None,
    certify: bool = True,
    max_iter: int = 100,
    random_state: Seed = None,
) -> RobustLocation:
    """Estimate the mean of samples with outliers, and prove how far off the estimate can be.

    Parameters
    ----------
    X : array_like, DataFrame or Dask array of shape (n, d)
        The methods ``'moment'``, ``'covariance'`` and ``'quantum_entropy'`` filter the chunks of a Dask array one by
        one, each as samples of its own; so the order of the rows must have nothing to do with outliers.
    contamination : float or 'auto', default 0.1
        Fraction ε of outliers, in [0, 0.5); outliers may be anything at all. 'auto' takes the fraction that the moment
        filter removes when it may remove 30%, which misses outliers among the inliers and counts heavy tails. No proof
        can rest on such an estimate, so the error bound then allows for 30% of outliers, and is wide.
    method : str, default 'moment'
        - ``'moment'``: `moment_filter`, which leaves out what moves the mean of a projection or makes its tails heavy;
        - ``'certified'``: if that filter removes anything, the weights with the smallest sum-of-squares bound on the
          fourth moment (d ≤ 30);
        - ``'covariance'``, ``'quantum_entropy'``: filters by second moments;
        - a standard estimator: ``'mean'``, ``'coordinatewise_median'``, ``'trimmed_mean'``, ``'geometric_median'``,
          ``'median_of_means'``, ``'huber'``, ``'lai_rao_vempala'``, ``'lee_valiant'``, ``'projected_gradient'``.
    moment : float, default 4
        Exponent q ≥ 2 of the moment that is certified, as well as that for 2.
    covariance : array_like of shape (d, d), optional
        Covariance of the inliers, if it is known, for the filters by second moments.
    sample_weight : array_like of shape (n,), optional
        Relative weights; a sample of weight zero does not count.
    certify : bool, default True
        Whether to prove an error bound, which costs a few passes over the samples.
    max_iter : int, default 100
        Limit on the rounds of a filter, and on the relaxations that ``'certified'`` solves.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState
        For the directions in which a filter looks, and for random blocks and starts.

    Returns
    -------
    RobustLocation

    Raises
    ------
    InvalidInputError
        If an argument cannot be used.

    Warns
    -----
    ConvergenceWarning
        If `max_iter` ended the method; weights and bound are valid all the same.

    See Also
    --------
    RobustMean : the same as an estimator of scikit-learn.
    certify_mean : the proof alone, for weights from anywhere.

    Notes
    -----
    Theorems 1 and 2 of theory/robust of the documentation.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.robust import robust_mean
    >>> X = np.random.default_rng(0).standard_normal((500, 3))
    >>> X[:40] = 5
    >>> found = robust_mean(X, 0.1, random_state=0)
    >>> bool(np.linalg.norm(found.location) < 0.2), bool(found.error_bound < 1.5)
    (True, True)
    """
    return _robust_mean(
        samples_or_chunks(X),
        contamination,
        method=method,
        moment=moment,
        covariance=covariance,
        sample_weight=sample_weight,
        certify=certify,
        max_iter=max_iter,
        random_state=random_state,
    )


def _robust_mean(
    samples: np.ndarray | Chunks,
    contamination: float | Literal["auto"],
    *,
    method: Method,
    moment: float,
    covariance: Any,
    sample_weight: Any,
    certify: bool,
    max_iter: int,
    random_state: Seed,
) -> RobustLocation:
    """`robust_mean` of samples that have been checked; the other arguments are checked here."""
    check_choice(method, "method", METHODS)
    q = check_exponent(moment, name="moment")
    if not q < np.inf:
        raise InvalidInputError("moment must be finite.")
    known = _check_covariance(covariance, method, samples.shape[1])
    check_count(max_iter, "max_iter")
    rng = check_generator(random_state)
    base = normalised_weights(sample_weight, "sample_weight", samples.shape[0])
    fraction = check_contamination_or_auto(contamination)
    allowed = AUTO_CONTAMINATION if fraction is None else fraction
    if fraction is None:
        if isinstance(samples, Chunks):
            raise InvalidInputError(
                "contamination must be a number for a Dask array; 'auto' estimates it from a part of X."
            )
        fraction = filter_samples(samples, None, base, rng).contamination
    found = estimate(method, samples, fraction, base, known, max_iter, rng)
    if not found.converged:
        warn_caller(
            f"max_iter={max_iter} ended the {method} method; the result is valid, more iterations may improve it."
        )
    certificate = None
    if certify and found.weights is not None:
        certificate = certify_mean_weights(
            samples,
            found.weights,
            allowed,
            location=found.location,
            base=None if sample_weight is None else base,
            moments=(2.0,) if q == 2 else (2.0, q),
        )
    return replace(found, certificate=certificate, proved=None if certificate is None else certificate.prove(samples))


def _check_covariance(covariance: Any, method: Method, d: int) -> np.ndarray | None:
    if covariance is None:
        return None
    if method not in ("covariance", "quantum_entropy"):
        raise InvalidInputError(
            f"covariance is used by the methods 'covariance' and 'quantum_entropy' only, not {method!r}."
        )
    return check_covariance(covariance, "covariance", d)[0]


class RobustMean(BaseEstimator):
    """The mean of samples with outliers, with a proved error bound.

    Parameters
    ----------
    contamination : float or 'auto', default 0.1
        Fraction ε of outliers, in [0, 0.5); outliers may be anything at all. 'auto' takes the fraction that the moment
        filter removes when it may remove 30%; the error bound then allows for 30% of outliers, and is wide.
    method : str, default 'moment'
        - ``'moment'``: `moment_filter`, which leaves out what moves the mean of a projection or makes its tails heavy;
        - ``'certified'``: if that filter removes anything, the weights with the smallest sum-of-squares bound on the
          fourth moment (d ≤ 30);
        - ``'covariance'``, ``'quantum_entropy'``: filters by second moments;
        - a standard estimator: ``'mean'``, ``'coordinatewise_median'``, ``'trimmed_mean'``, ``'geometric_median'``,
          ``'median_of_means'``, ``'huber'``, ``'lai_rao_vempala'``, ``'lee_valiant'``, ``'projected_gradient'``.
    moment : float, default 4
        Exponent q ≥ 2 of the moment that is certified, as well as that for 2.
    covariance : array_like of shape (d, d), optional
        Covariance of the inliers, if it is known, for the filters by second moments.
    certify : bool, default True
        Whether to prove an error bound, which costs a few passes over the samples.
    max_iter : int, default 100
        Limit on the rounds of a filter, and on the relaxations that ``'certified'`` solves.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState
        For the directions in which a filter looks, and for random blocks and starts.

    Attributes
    ----------
    location_ : ndarray of shape (d,)
    weights_ : ndarray of shape (n,) or None
        Sum to one, with the location as their mean; None for methods without weights.
    error_bound_ : float
        ‖location_ − mean of the inliers‖ is at most this, whatever the moments of the inliers are; ∞ where nothing is
        proved: without weights, or without `certify`. `error_bound_given` is the bound for inliers with a known moment.
        The distance is Euclidean, in the units of the samples, to the mean of the inliers among them; that of the
        population is further off, by an order of √(d/n) standard deviations. Do not choose a location by this bound: it
        cannot reward robustness, and the sample mean may have a smaller one.
    certificate_ : MeanCertificate or None
        ``certificate_.verify(X)`` proves the bounds again.
    proved_ : VerifiedMeanBound or None
        What the certificate proves.
    scores_ : ndarray of shape (n,)
        How far out each sample is, as in `RobustLocation`.
    contamination_ : float
        ε as given or estimated.
    removals_ : tuple of Removal
        What a filter removed, and why.
    n_iter_ : int
    converged_ : bool
    n_features_in_, feature_names_in_
        As everywhere in scikit-learn.

    Warns
    -----
    ConvergenceWarning
        If `max_iter` ended the method; weights and bound are valid all the same.

    See Also
    --------
    robust_mean : the same as a function.
    RobustCovariance : location and covariance.

    Notes
    -----
    Theorems 1 and 2 of theory/robust of the documentation.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.robust import RobustMean
    >>> X = np.random.default_rng(0).standard_normal((500, 3))
    >>> X[:40, 0] = 4
    >>> model = RobustMean(contamination=0.1, random_state=0).fit(X)
    >>> bool(abs(model.location_[0]) < 0.2), model.certificate_.verify(X).error_bound == model.error_bound_
    (True, True)
    """

    def __init__(
        self,
        contamination: float | Literal["auto"] = 0.1,
        *,
        method: Method = "moment",
        moment: float = 4,
        covariance: Any = None,
        certify: bool = True,
        max_iter: int = 100,
        random_state: Seed = None,
    ):
        self.contamination = contamination
        self.method = method
        self.moment = moment
        self.covariance = covariance
        self.certify = certify
        self.max_iter = max_iter
        self.random_state = random_state

    @own_arithmetic
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> RobustMean:
        """Estimate the mean.

        Parameters
        ----------
        X : array_like, DataFrame or Dask array of shape (n, d)
        y : ignored
        sample_weight : array_like of shape (n,), optional
            Relative weights; a sample of weight zero does not count.

        Returns
        -------
        RobustMean
            Itself.

        Raises
        ------
        InvalidInputError
            If an argument cannot be used.
        """
        if is_chunked(X):
            self.n_features_in_ = X.shape[-1]
            samples = samples_or_chunks(X)
        else:
            samples = samples_in_memory(validate_data(self, X, dtype=np.float64, copy=True))
        found = _robust_mean(
            samples,
            self.contamination,
            method=self.method,
            moment=self.moment,
            covariance=self.covariance,
            sample_weight=sample_weight,
            certify=self.certify,
            max_iter=self.max_iter,
            random_state=self.random_state,
        )
        self.location_, self.weights_, self.error_bound_ = found.location, found.weights, found.error_bound
        self.proved_, self.certificate_, self.scores_, self.contamination_ = (
            found.proved,
            found.certificate,
            found.scores,
            found.contamination,
        )
        self.removals_, self.n_iter_, self.converged_ = found.removals, found.n_iter, found.converged
        return self

    def error_bound_given(self, moment: float | None = None, *, order: float | None = None) -> float:
        """The bound on the error if the moment of the inliers of order q is at most B; never above `error_bound_`.

        Parameters
        ----------
        moment : float, optional
            B with (mean |⟨x_i − μ, v⟩|^q)^{1/q} ≤ B over the inliers, about their mean μ, for every unit vector v. By
            default the certified moment of the weighted samples: nothing shows that the inliers' is not larger. For a
            choice, compute the moment of normal samples of the same shape.
        order : float, optional
            q, by default `moment` of the estimator; 2 is certified as well.

        Returns
        -------
        float
            ∞ where nothing is proved.

        Raises
        ------
        InvalidInputError
            If the moment is no number ≥ 0, or if the order is not certified.

        Examples
        --------
        >>> import numpy as np
        >>> from hypernorm.robust import RobustMean
        >>> X = np.random.default_rng(0).standard_normal((500, 3))
        >>> X[:40, 0] = 40
        >>> model = RobustMean(contamination=0.1, random_state=0).fit(X)
        >>> model.error_bound_given(1.5) < 1 < model.error_bound_
        True
        """
        check_is_fitted(self)
        return math.inf if self.proved_ is None else self.proved_.error_bound_given(moment, order=order)
