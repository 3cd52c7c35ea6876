"""The scikit-learn estimator for complete dictionary learning by ℓp-norm maximisation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from hypernorm._arguments import Seed, check_count, check_exponent, check_generator, check_nonnegative, check_tolerance
from hypernorm._arithmetic import own_arithmetic
from hypernorm._chunks import is_chunked
from hypernorm._parallel import shared_threads
from hypernorm._validation import check_rows
from hypernorm._warnings import warn_caller
from hypernorm.dictionary.certification import CertifiedAtom, certify_leading_atom
from hypernorm.dictionary.encoding import Coder, check_transform, nonzero_count
from hypernorm.dictionary.overcomplete import learn_overcomplete
from hypernorm.dictionary.refinement import check_refine, refine_atoms
from hypernorm.dictionary.significance import SIGNIFICANT, significance, standardised_values
from hypernorm.dictionary.stiefel import Ascent, ascend, normalised_rows, polar_rows, random_orthonormal_rows
from hypernorm.dictionary.streaming import Stream
from hypernorm.dictionary.theory import expected_error, gaussian_moment
from hypernorm.dictionary.whitening import Whitening
from hypernorm.exceptions import InvalidInputError
from hypernorm.forms import Rows

__all__ = ["LpDictionaryLearning"]

_RESTARTS = 4
_MOST_STARTS = 256


class LpDictionaryLearning(ClassNamePrefixFeaturesOutMixin, Coder, BaseEstimator):
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
        max(p, 4), are the start of alternating matching pursuit and least squares; then no certificate and no expected
        error exist, and `n_init`, `tol` and `refine` are not used.
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
        are noiseless and sparse enough. 'auto' does the second and keeps the result if the noise, which it estimates,
        is too weak or too little correlated between the codes to bias it; else it maximises the likelihood of a
        smoother density, or leaves the atoms of the norm.
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
        The atoms as rows of length one: x ≈ codes @ components_ + mean_.
    unmixing_ : ndarray of shape (m, n)
        codes = (x − mean_) @ unmixing_.T before the threshold.
    mixing_ : ndarray of shape (n, m)
        The atoms as columns.
    mean_ : ndarray of shape (n,)
    scales_ : ndarray of shape (m,)
        Root mean square of the codes of each atom.
    objective_ : float
        Mean of |code/scale|^p over samples and atoms, before refinement.
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
        `expected_error` for the median of `sparsity_`, p and the sizes; NaN if no sparsity was found.
    n_iter_ : int
        Iterations of the best start.
    converged_ : bool
    n_features_in_, feature_names_in_
        As for every estimator of scikit-learn.

    Warns
    -----
    ConvergenceWarning
        If `max_iter` was reached.

    See Also
    --------
    expected_error : expected accuracy.
    sklearn.decomposition.FastICA : independent components with general non-Gaussian sources.

    Examples
    --------
    >>> from hypernorm.datasets import planted_dictionary
    >>> from hypernorm.dictionary import LpDictionaryLearning, recovery_error
    >>> planted = planted_dictionary(5000, 10, theta=0.2, random_state=0)
    >>> model = LpDictionaryLearning(random_state=0).fit(planted.samples)
    >>> recovery_error(model.unmixing_, planted.dictionary) < 2e-3
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
        n_init: int | str = "auto",
        max_iter: int = 500,
        tol: float = 1e-6,
        refine: bool | str = False,
        threshold: float = 0.0,
        transform_algorithm: str = "auto",
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
        self.threshold = threshold
        self.transform_algorithm = transform_algorithm
        self.transform_n_nonzero_coefs = transform_n_nonzero_coefs
        self.transform_alpha = transform_alpha
        self.random_state = random_state

    @own_arithmetic
    def fit(self, X: Any, y: Any = None) -> LpDictionaryLearning:
        """Learn the atoms.

        Parameters
        ----------
        X : array_like, sparse matrix or Dask array of shape (n_samples, n_features)
            Single precision remains single in the products. Centering and whitening make no copy of the whole matrix.
            A Dask array stays in its chunks, on one or several machines.
        y : ignored

        Raises
        ------
        InvalidInputError
            If an argument is out of range, there are fewer samples than features, or all samples are equal.
        """
        p = self._check_parameters()
        if is_chunked(X):
            X = check_rows(X)
            self.n_features_in_ = X.shape[1]
        else:
            X = self._validate(X, reset=True)
        with shared_threads():
            self._fit(Rows(X), p)
        return self

    def _fit(self, rows: Rows, p: float) -> None:
        whitening = Whitening.measure(rows, center=self.center, whiten=self.whiten)
        m = self._count_atoms(whitening, rows.shape)
        samples = rows.shifted(whitening.mean) if self.center else rows
        self._stream: Stream | None = None
        if m > rows.shape[1]:
            self._fit_overcomplete(samples, whitening, p, m)
            return
        found = self._search(samples, whitening, p, m)
        self._set_statistics(found, whitening, p, rows.shape[0])
        self.converged_ = bool(found.change <= self.tol)
        if not self.converged_:
            warn_caller(
                f"The atoms still changed by {found.change:.1e} after max_iter={self.max_iter} iterations; increase "
                f"max_iter or tol={self.tol:g}."
            )
        refined = refine_atoms(samples, whitening, found.W @ whitening.K.T, self.refine, center=self.center)
        self.refinement_, self.noise_ = refined.method, refined.noise
        if refined.theta is not None:
            self.sparsity_ = refined.theta
        self._set_atoms(refined.B, refined.offsets, whitening, rows.exponent)

    def _fit_overcomplete(self, samples: Rows, whitening: Whitening, p: float, m: int) -> None:
        k, rng = nonzero_count(self.transform_n_nonzero_coefs, samples.shape[1]), check_generator(self.random_state)
        found = learn_overcomplete(samples, whitening, m, p, k, rng, max_iter=self.max_iter)
        if not found.converged:
            warn_caller(f"The atoms were still improving after max_iter={self.max_iter} iterations; increase max_iter.")
        self.components_, self.unmixing_ = found.atoms, np.linalg.pinv(found.atoms).T
        self.mean_ = np.ldexp(whitening.mean, samples.exponent)
        self.scales_ = np.ldexp(np.sqrt(found.squares), samples.exponent)
        self.sparsity_, self.significance_ = found.uses, np.full(m, math.nan)
        self.objective_ = self.expected_error_ = self.noise_ = math.nan
        self.n_iter_, self.converged_, self.refinement_ = found.n_iter, found.converged, "none"

    @own_arithmetic
    def partial_fit(self, X: Any, y: Any = None) -> LpDictionaryLearning:
        """Update the atoms with a batch of a stream.

        Mean and second moments are those of all samples seen so far. Batch t moves the atoms by the fraction t^{-0.7}
        of a step of the power method. The first batch is iterated to find starting atoms; it needs at least as many
        samples as features, better ten times as many. n_init, tol and refine are not used.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n_samples, n_features)
        y : ignored
        """
        p = self._check_parameters()
        stream: Stream | None = getattr(self, "_stream", None)
        X = self._validate(X, reset=stream is None)
        if stream is None:
            stream = Stream(check_generator(self.random_state), center=self.center, whiten=self.whiten)
            stream.add(X)
            m = self._count_atoms(stream.whitening, X.shape)
            if m > X.shape[1]:
                raise InvalidInputError(
                    f"n_components={m} is more than the {X.shape[1]} features; use fit, not partial_fit."
                )
            stream.start(m)
            self._stream = stream
        else:
            stream.add(X)
        ascent = stream.advance(X, p)
        self._set_statistics(ascent, stream.whitening, p, stream.n_samples)
        self.n_iter_, self.converged_ = ascent.n_iter, False
        self._set_atoms(ascent.W @ stream.whitening.K.T, np.zeros(len(ascent.W)), stream.whitening, 0)
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

    def _check_parameters(self) -> float:
        p = check_exponent(self.p, name="p")
        if not 2 < p < math.inf:
            raise InvalidInputError(f"p must be larger than 2 and finite, got {self.p!r}; 3 is a good choice.")
        free = {"n_components": None, "n_init": "auto"}  # values that mean: choose from the data
        for name in ("n_components", "n_init", "max_iter"):
            if name not in free or getattr(self, name) != free[name]:
                check_count(getattr(self, name), name)
        check_tolerance(self.tol, "tol")
        check_nonnegative(self.threshold, "threshold")
        check_refine(self.refine)
        check_transform(self.transform_algorithm, self.transform_n_nonzero_coefs, self.transform_alpha)
        return p

    def _count_atoms(self, whitening: Whitening, shape: tuple[int, int]) -> int:
        r, n = shape
        if r < n:
            raise InvalidInputError(
                f"X has n_samples={r} and {n} features, but a dictionary needs at least as many samples as features; "
                f"reduce the features first, e.g. with PCA."
            )
        if not np.trace(whitening.S) > 0:
            raise InvalidInputError("X has no variance, since all its samples are equal; give samples that differ.")
        if self.n_components is None:
            return whitening.rank
        if self.n_components > n:
            if self.n_components > r:
                raise InvalidInputError(
                    f"n_components={self.n_components} is more than n_samples={r}; give more samples, or fewer atoms."
                )
            return int(self.n_components)
        if self.n_components > whitening.rank:
            raise InvalidInputError(
                f"n_components={self.n_components} is more than the {whitening.rank} directions in which X varies "
                f"(it has {n} features); use at most {whitening.rank}, or more than {n}."
            )
        return int(self.n_components)

    def _search(self, samples: Rows, whitening: Whitening, p: float, m: int) -> Ascent:
        rng = check_generator(self.random_state)
        if m == 1:
            return self._search_sphere(samples, whitening, p, rng)
        best: Ascent | None = None
        for _ in range(1 + _RESTARTS if self.n_init == "auto" else int(self.n_init)):
            start = random_orthonormal_rows(m, whitening.rank, rng)
            found = ascend(samples, whitening.K, p, start, polar_rows, tol=self.tol, max_iter=self.max_iter)
            if best is None or found.values.sum() > best.values.sum():
                best = found
            insignificant = significance(best, whitening, p, samples.shape[0]) < SIGNIFICANT
            if self.n_init == "auto" and not 0 < insignificant.mean() < 0.5:
                break
        assert best is not None
        return best

    def _search_sphere(self, samples: Rows, whitening: Whitening, p: float, rng: np.random.Generator) -> Ascent:
        """The best of many starts, iterated together; every atom of the dictionary is a local maximum."""
        count = min(2 * whitening.rank, _MOST_STARTS) if self.n_init == "auto" else int(self.n_init)
        starts = normalised_rows(rng.standard_normal((count, whitening.rank)))
        found = ascend(samples, whitening.K, p, starts, normalised_rows, tol=self.tol, max_iter=self.max_iter)
        best = [int(np.argmax(found.values))]
        return Ascent(found.W[best], found.values[best], found.n_iter, found.change)

    def _set_statistics(self, found: Ascent, whitening: Whitening, p: float, r: int) -> None:
        values = standardised_values(found, whitening, p)
        self.objective_ = float(values.mean())
        self.significance_ = significance(found, whitening, p, r)
        # For standardised Bernoulli–Gaussian coefficients, E|z|^p = E|N(0,1)|^p θ^{1−p/2}.
        with np.errstate(divide="ignore", over="ignore"):
            self.sparsity_ = np.minimum((values / gaussian_moment(p)) ** (-2 / (p - 2)), 1.0)
        theta = float(np.median(self.sparsity_))
        known = 0 < theta < 1
        self.expected_error_ = expected_error(whitening.rank, r, theta, p, whiten=self.whiten) if known else math.nan
        self.n_iter_ = found.n_iter

    def _set_atoms(self, B: np.ndarray, offsets: np.ndarray, whitening: Whitening, log2_scale: int) -> None:
        """Set the atoms of length one from rows B that, plus offsets, extract the codes of samples / 2^log2_scale."""
        S = whitening.S
        # With whitening, the atoms are the linear prediction of x from its codes; else the pseudo-inverse of B.
        atoms = np.linalg.lstsq(B @ S @ B.T, B @ S, rcond=None)[0] if self.whiten else np.linalg.pinv(B).T
        lengths = np.linalg.norm(atoms, axis=1, keepdims=True)
        self.components_ = atoms / lengths
        self.unmixing_ = B * lengths
        self.mean_ = np.ldexp(whitening.mean + offsets @ atoms, log2_scale)
        squares = np.einsum("ij,jk,ik->i", self.unmixing_, S, self.unmixing_)
        self.scales_ = np.ldexp(np.sqrt(np.maximum(squares, 0)), log2_scale)
