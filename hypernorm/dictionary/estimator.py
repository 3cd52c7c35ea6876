"""The scikit-learn estimator for complete dictionary learning by ℓp-norm maximisation."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from hypernorm._arguments import Seed, check_generator
from hypernorm._arithmetic import own_arithmetic
from hypernorm._chunks import is_chunked
from hypernorm._parallel import shared_threads
from hypernorm._validation import check_rows
from hypernorm._warnings import warn_caller
from hypernorm.dictionary.certification import CertifiedAtom, certify_leading_atom
from hypernorm.dictionary.encoding import TransformAlgorithm, nonzero_count
from hypernorm.dictionary.fitted import FittedDictionary
from hypernorm.dictionary.learning import ContrastName, learn
from hypernorm.dictionary.overcomplete import learn_overcomplete
from hypernorm.dictionary.parameters import (
    check_combination,
    check_parameters,
    check_start,
    count_atoms,
    warn_of_few_samples,
)
from hypernorm.dictionary.refinement import RefinementMethod
from hypernorm.dictionary.searching import Search
from hypernorm.dictionary.streaming import Stream
from hypernorm.dictionary.weighting import sample_weights
from hypernorm.dictionary.whitening import Whitening
from hypernorm.exceptions import InvalidInputError
from hypernorm.forms import Rows

__all__ = ["LpDictionaryLearning"]


class LpDictionaryLearning(ClassNamePrefixFeaturesOutMixin, FittedDictionary, BaseEstimator):
    """Learn a complete dictionary that makes the samples sparse, by maximising an ℓp norm, p > 2.

    The samples are x = D c + mean with a square dictionary D and sparse c. After whitening the dictionary is
    orthogonal up to the fluctuation of the sample. Its atoms maximise Σ_i Σ_j |⟨w_j, z_i⟩|^p over orthonormal w_j,
    because a sparse variable has a larger ℓp norm than any mixture of the same variance (Zhai et al. 2020 for p = 4;
    Shen et al. 2020, Xue et al. 2021 for p > 2). The generalised power method needs no step size, and one pass over the
    samples for each of typically 20 to 60 iterations.

    Parameters
    ----------
    n_components : int, optional
        Number of atoms; default all directions in which the samples vary. The search is on the Stiefel manifold; for
        one atom it is on the sphere. With more atoms than features, local maxima on the sphere, with exponent
        max(p, 4), are the start of alternating matching pursuit and least squares; then no certificate and no errors
        exist, `n_init` and `tol` are not used, and `refine`, `w_init`, `robust` and weights are refused.
    p : float, default 3
        Exponent, p > 2. With larger p the error is smaller and the number of iterations larger; 3 is a good compromise.
    whiten : bool, default True
        Whiten the samples first; this is necessary unless the dictionary is orthogonal. For an orthogonal dictionary,
        False avoids the error (n−1)/(2r) of whitening with r samples.
    center : bool, default True
        Subtract the mean of the samples.
    n_init : int or 'auto', default 'auto'
        Number of random starts, of which the best is kept. 'auto' restarts up to four times, only while some atoms, but
        fewer than half, are indistinguishable from Gaussian noise, which indicates a poor local maximum. For one atom
        'auto' means twice as many starts as features, because every atom is a local maximum.
    max_iter : int, default 500
    tol : float, default 1e-6
        Stop when a step changes the atoms by at most this much, ‖ΔW‖_F/√m.
    refine : bool, 'likelihood' or 'auto', default False
        True refines each atom by ℓ1 minimisation, at a cost of about fifteen sums Σ w_i x_i x_iᵀ for each atom.
        'likelihood' fits a mixture of two scales, noise and coefficients, to each code, and maximises the likelihood of
        all atoms together in ten to thirty passes over the samples. Both recover the dictionary exactly if the samples
        are noiseless and sparse enough. 'auto' keeps the likelihood's atoms if the noise, which it estimates, is too
        weak to bias them; else those of a smoother density, or of the norm. Only True takes weights of samples.
    contrast : {'auto', 'power', 'kurtosis'}, default 'auto'
        'power' maximises the ℓp norm. 'kurtosis' finds maxima of the fourth moments, and minima where codes have less
        than Gaussian noise. 'auto' is 'power', unless the kurtosis finds learnable atoms that the norm does not: it
        cannot see codes with many non-zero values of one size. One atom, and atoms without whitening, are by 'power'.
    robust : estimator, optional
        Such as ``hypernorm.robust.RobustCovariance(0.05)``, fitted to the samples first. What its ``weights_`` leave
        out is left out here. A few far outliers would else determine mean, whitening and atoms.
    w_init : array_like of shape (m, n), optional
        Rows that extract codes, such as `unmixing_` of an earlier fit: the only start, instead of random ones.
    threshold : float, default 0
        Soft threshold that `transform` applies to the codes, in units of the root mean square of each code.
    transform_algorithm : {'auto', 'threshold', 'omp', 'lasso'}, default 'auto'
        How `transform` finds codes: linearly, with a soft threshold; by orthogonal matching pursuit; or by coordinate
        descent with an ℓ1 penalty. 'auto' is 'threshold', and 'omp' for more atoms than features.
    transform_n_nonzero_coefs : int, optional
        Number of non-zero codes of each sample for 'omp', and in learning more atoms than features; default a tenth of
        the features.
    transform_alpha : float, optional
        Penalty for 'lasso'; default 1.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState

    Attributes
    ----------
    components_ : ndarray of shape (m, n)
        The atoms as rows of length one: x ≈ codes @ components_ + mean_. They are in the order of decreasing `scales_`,
        and the largest entry of each is positive. In a stream, order and signs are those of the first batch.
    standard_errors_ : ndarray of shape (m, n)
        Standard errors of the entries of `components_`, from the moments of the sample, without a model of the codes.
        A variance, not a bias: see the notes. NaN if a likelihood moved the atoms; not from `partial_fit`.
    learnable_ : ndarray of shape (m,), bool
        Whether each atom stands out: rotating it towards any other direction lowers the contrast clearly. Codes that
        are jointly Gaussian, all the time or whenever they are not zero, have no atoms to learn. Before a likelihood
        moved the atoms; not from `partial_fit`, nor for more atoms than features.
    contrast_ : str
        'power' or 'kurtosis'.
    unmixing_ : ndarray of shape (m, n)
        codes = (x − mean_) @ unmixing_.T before the threshold.
    mixing_ : ndarray of shape (n, m)
        The atoms as columns.
    mean_ : ndarray of shape (n,)
    scales_ : ndarray of shape (m,)
        Root mean square of the codes of each atom.
    objective_ : float
        Mean of |code/scale|^p over samples and atoms, before refinement; with p = 4 for the contrast 'kurtosis'.
    significance_ : ndarray of shape (m,)
        Number of standard errors by which the mean of |code/scale|^p exceeds that of Gaussian noise. An atom below
        about 3 may be noise.
    sparsity_ : ndarray of shape (m,)
        Fraction θ of non-zero coefficients with which a Bernoulli–Gaussian model has the value of each atom; noise
        increases it. With refine='likelihood' or 'auto' the weight of the large component of each code, without noise.
    noise_ : float
        With refine='likelihood' or 'auto', the standard deviation of the noise, supposed equal in all features; else
        NaN.
    refinement_ : {'none', 'l1', 'logcosh', 'likelihood'}
        What refined the atoms.
    expected_error_ : float
        What `recovery_error` should be for a dictionary whose codes have equal mean squares, from the same moments as
        `standard_errors_`. Not from `partial_fit`.
    n_iter_ : int
        Iterations of the best start.
    converged_ : bool
    n_features_in_, feature_names_in_
        As for every estimator of scikit-learn.

    Warns
    -----
    ConvergenceWarning
        If `max_iter` was reached, or the samples are too few for the directions in which they vary.

    Notes
    -----
    `standard_errors_` suppose independent samples, about a hundred or more for each feature, learnable atoms, and codes
    with moments of order 2p. With noise and a dictionary that is not orthogonal the atoms tend to others, a bias.

    theory/dictionary_learning of the documentation has the theorems and their sources.

    See Also
    --------
    expected_error : planning formula for Bernoulli–Gaussian codes.
    sklearn.decomposition.FastICA : independent components with general non-Gaussian sources.

    Examples
    --------
    >>> from hypernorm.datasets import planted_dictionary
    >>> from hypernorm.dictionary import LpDictionaryLearning, recovery_error
    >>> planted = planted_dictionary(5000, 10, theta=0.2, random_state=0)
    >>> model = LpDictionaryLearning(random_state=0).fit(planted.samples)
    >>> recovery_error(model.unmixing_, planted.dictionary) < 2e-3
    True
    >>> stream = LpDictionaryLearning(random_state=0).partial_fit(planted.samples[:1000])
    >>> recovery_error(stream.partial_fit(planted.samples[1000:]).unmixing_, planted.dictionary) < 0.1
    True
    >>> model.set_params(refine=True).fit(planted.samples)
    LpDictionaryLearning(random_state=0, refine=True)
    >>> recovery_error(model.unmixing_, planted.dictionary) < 1e-12
    True
    """

    def __init__(
        self,
        n_components: int | None = None,
        *,
        p: float = 3,
        whiten: bool = True,
        center: bool = True,
        n_init: int | Literal["auto"] = "auto",
        max_iter: int = 500,
        tol: float = 1e-6,
        refine: bool | RefinementMethod = False,
        contrast: ContrastName = "auto",
        robust: Any = None,
        w_init: Any = None,
        threshold: float = 0.0,
        transform_algorithm: TransformAlgorithm = "auto",
        transform_n_nonzero_coefs: int | None = None,
        transform_alpha: float | None = None,
        random_state: Seed = None,
    ):
        self.n_components = n_components
        self.p = p
        self.whiten = whiten
        self.center = center
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.refine = refine
        self.contrast = contrast
        self.robust = robust
        self.w_init = w_init
        self.threshold = threshold
        self.transform_algorithm = transform_algorithm
        self.transform_n_nonzero_coefs = transform_n_nonzero_coefs
        self.transform_alpha = transform_alpha
        self.random_state = random_state

    @own_arithmetic
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> LpDictionaryLearning:
        """Learn the atoms.

        Parameters
        ----------
        X : array_like, sparse matrix or Dask array of shape (n_samples, n_features)
            Single precision remains single in the products. Centering and whitening make no copy of the whole matrix.
            A Dask array stays in its chunks, on one or several machines.
        y : ignored
        sample_weight : array_like of shape (n_samples,), optional
            How often each sample counts: 2 is the same as giving it twice, 0 as leaving it out.

        Returns
        -------
        LpDictionaryLearning
            Itself.

        Raises
        ------
        InvalidInputError
            If an argument is out of range, or all samples are equal.
        """
        p = check_parameters(self)
        if is_chunked(X):
            X = check_rows(X)
            self.n_features_in_ = X.shape[1]
        else:
            X = self._validate(X, reset=True)
        weights = sample_weights(X, sample_weight, self.robust)
        with shared_threads():
            self._fit(Rows(X), p, weights)
        return self

    def _fit(self, rows: Rows, p: float, weights: np.ndarray | None) -> None:
        whitening = Whitening.measure(rows, center=self.center, whiten=self.whiten, weights=weights)
        m = count_atoms(self.n_components, whitening, rows.shape[0])
        check_combination(self, m, rows.shape[1], weighted=weights is not None)
        samples = rows.shifted(whitening.mean) if self.center else rows
        self._stream: Stream | None = None
        self._weighted = weights is not None
        if m > rows.shape[1]:
            self._fit_overcomplete(samples, whitening, p, m)
            return
        warn_of_few_samples(rows.shape[0], weights, whitening, self.center)
        search = Search(
            samples=samples,
            whitening=whitening,
            weights=weights,
            center=self.center,
            whiten=self.whiten,
            n_init=self.n_init,
            tol=self.tol,
            max_iter=self.max_iter,
            start=check_start(self.w_init, whitening, m),
            rng=check_generator(self.random_state),
        )
        learned = learn(search, m, p, self.contrast, self.refine)
        self._set_learned(learned, whitening, p, search.n_samples, rows.exponent)
        self.converged_ = bool(learned.found.change <= self.tol)
        if not self.converged_:
            warn_caller(
                f"The atoms still changed by {learned.found.change:.1e} after max_iter={self.max_iter} iterations; "
                f"increase max_iter or tol={self.tol:g}."
            )

    def _fit_overcomplete(self, samples: Rows, whitening: Whitening, p: float, m: int) -> None:
        k, rng = nonzero_count(self.transform_n_nonzero_coefs, samples.shape[1]), check_generator(self.random_state)
        found = learn_overcomplete(samples, whitening, m, p, k, rng, max_iter=self.max_iter)
        if not found.converged:
            warn_caller(f"The atoms were still improving after max_iter={self.max_iter} iterations; increase max_iter.")
        self._set_overcomplete(found, whitening, samples.exponent)

    @own_arithmetic
    def partial_fit(self, X: Any, y: Any = None) -> LpDictionaryLearning:
        """Update the atoms with a batch of a stream.

        Mean and second moments are those of all samples seen so far. Batch t moves the atoms by the fraction t^{-0.7}
        of a step of the power method. The first batch is iterated to find starting atoms; it needs at least as many
        samples as features, better ten times as many. n_init, tol, refine, contrast and robust are not used.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        LpDictionaryLearning
            Itself.

        Raises
        ------
        InvalidInputError
            If an argument is out of range.
        """
        p = check_parameters(self)
        stream: Stream | None = getattr(self, "_stream", None)
        X = self._validate(X, reset=stream is None)
        if stream is None:
            if X.shape[0] < X.shape[1]:
                raise InvalidInputError(
                    f"The first batch needs at least as many samples as features, got X of shape {X.shape}."
                )
            stream = Stream(check_generator(self.random_state), center=self.center, whiten=self.whiten)
            stream.add(X)
            m = count_atoms(self.n_components, stream.whitening, X.shape[0])
            check_combination(self, m, X.shape[1], streamed=True)
            stream.start(m, check_start(self.w_init, stream.whitening, m))
            self._stream = stream
        else:
            stream.add(X)
        ascent = stream.advance(X, p)
        self._set_statistics(ascent, stream.whitening, p, stream.n_samples)
        self.n_iter_, self.converged_, self._weighted = ascent.n_iter, False, False
        self._forget("standard_errors_", "expected_error_", "learnable_")
        self._set_atoms(stream.atoms(), stream.whitening, 0)
        return self

    @own_arithmetic
    def certify(self, X: Any, **options: Any) -> CertifiedAtom:
        """Certify the leading atom: bound ‖Z w‖_p from below for this atom and from above for every unit vector w.

        Z are the centered and whitened samples, and the maximum of ‖Z w‖_p is the 2→p norm of Z. Learn the atom with
        ``n_components=1``; several atoms must be orthogonal, so none of them need maximise ‖Z w‖_p alone.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n_samples, n_features)
            The samples of `fit`.
        **options
            Options of `hypernorm.two_to_q_norm`, such as ``time_limit`` or ``method``.

        Returns
        -------
        CertifiedAtom

        Raises
        ------
        NotFittedError
            If the model is not fitted.
        ValueError
            If the samples cannot be used, or have another number of features.

        Examples
        --------
        >>> from hypernorm.datasets import planted_dictionary
        >>> X = planted_dictionary(2000, 6, theta=0.2, random_state=0).samples
        >>> model = LpDictionaryLearning(1, p=4, random_state=0).fit(X)
        >>> model.certify(X).is_global(rtol=1e-6)
        True
        """
        check_is_fitted(self)
        if self.refine:
            raise InvalidInputError("Refinement moves the atoms away from the maximum; fit with refine=False.")
        X = self._validate(X, reset=False)
        if self._weighted:
            raise InvalidInputError("certify knows equal weights only; fit without sample_weight and robust.")
        if len(self.components_) > X.shape[1]:
            raise InvalidInputError(
                f"{len(self.components_)} atoms of {X.shape[1]} features have no certificate; fit with n_components=1."
            )
        rows = Rows(X)
        whitening = Whitening.measure(rows, center=self.center, whiten=self.whiten)
        return certify_leading_atom(X, rows, whitening, self.unmixing_, float(self.p), options)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _validate(self, X: Any, reset: bool) -> Any:
        return validate_data(
            self, X, reset=reset, accept_sparse="csr", dtype=[np.float64, np.float32], ensure_min_samples=1 + reset
        )
