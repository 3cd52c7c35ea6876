"""Choose the penalty by cross-validation, and blend several norms or choose among them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from sklearn import get_config
from sklearn.metrics import get_scorer
from sklearn.model_selection import check_cv
from sklearn.utils import _safe_indexing
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from hypernorm._arguments import check_choice
from hypernorm._arithmetic import own_arithmetic
from hypernorm.exceptions import InvalidInputError
from hypernorm.linear_model.decomposition import PATH_ERROR, SOLVERS, Solver, Wanted, decompose
from hypernorm.linear_model.folds import Fold, closed_form, one_by_one, split
from hypernorm.linear_model.norms import check_norms
from hypernorm.linear_model.regressor import DEFAULT_GRID, SchattenRegressor, check_penalties
from hypernorm.linear_model.samples import Samples
from hypernorm.linear_model.selection import blend_weights, chosen_residuals, scored, squared_errors
from hypernorm.linear_model.spectrum import Blend

__all__ = ["SchattenRegressorCV"]

_DEFAULT_FOLDS = 5
Several: TypeAlias = Literal["blend", "best"]
_SEVERAL: tuple[Several, ...] = get_args(Several)


class SchattenRegressorCV(SchattenRegressor):
    """`SchattenRegressor` whose penalty is chosen by cross-validation, for one norm or a blend of several.

    Parameters
    ----------
    alphas : array_like, optional
        Penalties to try; by default 81 values, evenly spaced on a logarithmic scale, from 1e-8 to 100 times the largest
        eigenvalue of XᵀX.
    p : float, name, or list of them, default 2
        Exponent or name of the Schatten norm as for `SchattenRegressor`, or several.
    several : {'blend', 'best'}, default 'blend'
        What to do with several norms. 'blend': the penalty of each norm is chosen, and the estimator is the weighted
        mean of the norms whose held-out predictions have the least squared error; the weights are not negative and
        their sum is one. 'best': the norm with the best score.
    cv : int, splitter, iterable, 'loo', 'approximate_loo' or None
        Cross-validation method. 'loo' is exact leave-one-out: in closed form for p = 2 and p = ∞, else by n
        decompositions. 'approximate_loo' uses one decomposition for every norm, with the closed form of ridge where the
        norm has none. None is leave-one-out from one decomposition for p = 2, for p = ∞ and for several norms, and five
        folds for another single norm. `cv_description_` names the method that was used.
    scoring : str or callable, optional
        A scorer of scikit-learn for the penalties and norms; default the negative mean squared error. With
        leave-one-out it scores all held-out predictions together.
    alpha_per_target : bool, default False
        Choose penalty and norm, or the blend, of each target separately; only with the default scoring.
    store_cv_results : bool, default False
        Store the scores of every norm and penalty in `cv_results_`.
    fit_intercept, noise_covariance, solver
        As for `SchattenRegressor`. Each training set is whitened by its own part of the covariance, and squared errors
        are weighted by the reciprocals of the variances.

    Attributes
    ----------
    alpha_ : float, or ndarray of shape (k,) with `alpha_per_target`
        The chosen penalty. For a blend, an array with a first axis for the norms.
    p_ : float, or ndarray of shape (k,) with `alpha_per_target`
        The exponent of the chosen norm. For a blend, an array of those of all norms.
    blend_weights_ : ndarray of shape (norms,), or (norms, k) with `alpha_per_target`
        Weights of the norms; one and zeros if a norm was chosen.
    alphas_ : ndarray of shape (alphas,)
        The penalties that were tried.
    best_score_ : float, or ndarray of shape (k,)
        Mean score of the chosen penalty and norm, or the score of the held-out predictions of the blend.
    cv_description_ : str
        The method of cross-validation that was used.
    cv_results_ : ndarray of shape (norms, alphas, k), or (norms, alphas) with `scoring`
        Mean scores; only with `store_cv_results`.
    coef_, intercept_, singular_values_, rank_, covariance_, standard_errors_
        As for `SchattenRegressor`. Standard errors and intervals ignore that penalties, norm and weights were chosen
        with the targets.
    bias_, bias_norm_
        As for `SchattenRegressor`. For a blend, its biases, and their p-norm for each norm of the blend.

    See Also
    --------
    SchattenRegressor : One penalty.

    Notes
    -----
    The sections on leave-one-out and on the blend of norms in theory/gauss_markov of the documentation.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.linear_model import SchattenRegressorCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((80, 5)) * [10, 5, 2, 1, 0.1]
    >>> y = X @ [1, 1, 1, 0, 0] + rng.standard_normal(80)
    >>> model = SchattenRegressorCV(p=["nuclear", "frobenius", "spectral"]).fit(X, y)
    >>> model.cv_description_
    'blend of 3 norms by approximate leave-one-out'
    >>> bool(np.isclose(model.blend_weights_.sum(), 1))
    True
    >>> type(model.get_metadata_routing()).__name__
    'MetadataRouter'
    """

    def __init__(
        self,
        alphas: Any = None,
        *,
        p: Any = 2,
        several: Several = "blend",
        cv: Any = None,
        scoring: Any = None,
        alpha_per_target: bool = False,
        store_cv_results: bool = False,
        fit_intercept: bool = True,
        noise_covariance: Any = None,
        solver: Solver = "auto",
    ):
        self.alphas = alphas
        self.p = p
        self.several = several
        self.cv = cv
        self.scoring = scoring
        self.alpha_per_target = alpha_per_target
        self.store_cv_results = store_cv_results
        self.fit_intercept = fit_intercept
        self.noise_covariance = noise_covariance
        self.solver = solver

    @own_arithmetic
    def fit(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> SchattenRegressorCV:
        """Choose penalty and norms and fit.

        Parameters
        ----------
        X, y, sample_weight
            As for `SchattenRegressor.fit`.
        **params
            ``groups`` for the splitter. With metadata routing enabled, what splitter and scorer request.

        Returns
        -------
        SchattenRegressorCV
            The fitted estimator.

        Raises
        ------
        InvalidInputError
            As for `SchattenRegressor.fit`, and if a fold has no weight or no score is finite.
        """
        norms = check_norms(self.p)
        check_choice(self.solver, "solver", SOLVERS)
        check_choice(self.several, "several", _SEVERAL)
        if self.alpha_per_target and self.scoring is not None:
            raise InvalidInputError("alpha_per_target supports squared errors only; leave out scoring.")
        samples, single_target = self._samples(X, y, sample_weight)
        for_splitter, for_scorer = self._routed(sample_weight, params)
        given = None if self.alphas is None else check_penalties(self.alphas)

        def penalties(largest: float) -> np.ndarray:
            return DEFAULT_GRID * (largest or 1.0) if given is None else given

        closed = self._has_closed_form(samples, norms)
        decomposition = decompose(samples, self.solver, Wanted(norms, penalties, closed, PATH_ERROR))
        alphas = penalties(float(decomposition.squares.max(initial=0)))

        is_blend = len(norms) > 1 and self.several == "blend"
        parts, self.cv_description_ = self._parts(samples, norms, np.asarray(y), for_splitter, is_blend)

        def folds() -> Iterator[Fold]:
            if closed:
                return closed_form(samples, decomposition, self.solver)
            return one_by_one(samples, self.solver) if parts is None else split(samples, parts, self.solver)

        score = None if self.scoring is None else self._score(for_scorer)
        if score is None:
            scores = squared_errors(samples, folds(), norms, alphas)
        else:
            scores = scored(samples, folds(), norms, alphas, score)
        finite = np.nan_to_num(scores, nan=-math.inf, neginf=-math.inf)
        if finite.ndim == 2:
            candidates = finite[:, :, None]
        else:
            candidates = finite if self.alpha_per_target else finite.mean(axis=2, keepdims=True)
        per_target = self.alpha_per_target and not single_target
        chosen = candidates.argmax(axis=1)  # of shape (norms, t)
        if is_blend:
            self.cv_description_ = f"blend of {len(norms)} norms by {self.cv_description_}"
            every = np.broadcast_to(chosen, (len(norms), samples.y.shape[1]))
            residuals, weights = chosen_residuals(samples, folds(), norms, alphas, every)
            mixed = self._blended(residuals, weights)
            blend = Blend(norms, alphas[chosen], mixed, per_target, is_choice=False)
            blended = np.einsum("nmk,mk->nk", residuals, np.broadcast_to(mixed, every.shape))
            self.best_score_ = self._blend_score(samples, folds, blended, weights, score, per_target)
            self.p_: Any = np.array(norms)
        else:
            best = candidates.max(axis=1).argmax(axis=0)  # of shape (t,)
            mixed = (np.arange(len(norms))[:, None] == best).astype(float)
            blend = Blend(norms, alphas[chosen], mixed, per_target)
            self.p_ = blend.shown(np.array(norms)[best])
            self.best_score_ = blend.shown(candidates.max(axis=(0, 1)))
        self._set_blend(decomposition, blend, single_target)
        columns = np.arange(mixed.shape[1])
        self.alpha_ = blend.shown(blend.alphas[best, columns] if blend.is_choice else blend.alphas)
        self.blend_weights_ = mixed if per_target else mixed[:, 0]
        self.alphas_ = alphas
        if self.store_cv_results:
            self.cv_results_ = scores
        return self

    def get_metadata_routing(self) -> MetadataRouter:
        """What `fit` passes on to the splitter and the scorer.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
        """
        to_split, to_score = (MethodMapping().add(caller="fit", callee=callee) for callee in ("split", "score"))
        router = MetadataRouter(owner=self).add_self_request(self).add(splitter=self.cv, method_mapping=to_split)
        if self.scoring is None:
            return router
        return router.add(scorer=get_scorer(self.scoring), method_mapping=to_score)

    def _routed(self, sample_weight: Any, params: dict[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Further arguments of the splitter and of the scorer."""
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        if get_config()["enable_metadata_routing"]:
            routed = process_routing(self, "fit", **weights, **params)
            return routed.splitter.split, {} if self.scoring is None else routed.scorer.score
        if unknown := params.keys() - {"groups"}:
            raise InvalidInputError(
                f"fit has no argument {sorted(unknown)[0]!r}; only groups is passed on without metadata routing."
            )
        return params, weights

    def _is_exact(self, samples: Samples, norms: list[float]) -> bool:
        """Whether leave-one-out from one decomposition is exact."""
        return all(p == 2 or (math.isinf(p) and samples.covariance is None) for p in norms)

    def _has_closed_form(self, samples: Samples, norms: list[float]) -> bool:
        """Whether all held-out predictions come from one decomposition."""
        if self.cv is None:
            return len(norms) > 1 or self._is_exact(samples, norms)
        if isinstance(self.cv, str):
            check_choice(self.cv, "cv", ("loo", "approximate_loo"))
            return self.cv == "approximate_loo" or self._is_exact(samples, norms)
        return False

    def _parts(
        self, samples: Samples, norms: list[float], labels: np.ndarray, options: Mapping[str, Any], is_blend: bool
    ) -> tuple[Iterable[tuple[np.ndarray, np.ndarray]] | None, str]:
        """Training and held-out indices of the folds, or None for leave-one-out; and the name of the method."""
        if self._has_closed_form(samples, norms) or isinstance(self.cv, str):
            exact = self.cv == "loo" or self._is_exact(samples, norms)
            return None, f"{'exact' if exact else 'approximate'} leave-one-out"
        splitter = check_cv(_DEFAULT_FOLDS if self.cv is None else self.cv)
        description = f"{splitter.get_n_splits(samples.X, labels, **options)} folds"
        parts = splitter.split(samples.X, labels, **options)
        # A blend needs the folds twice, and a splitter may draw them at random.
        return list(parts) if is_blend else parts, description

    def _score(self, options: Mapping[str, Any]) -> Any:
        """The scorer as a function of held-out indices, targets and predictions."""
        scorer = get_scorer(self.scoring)

        def score(held_out: np.ndarray, y: np.ndarray, predictions: np.ndarray) -> float:
            some = {
                name: _safe_indexing(value, held_out) if hasattr(value, "__len__") else value
                for name, value in options.items()
            }
            single = y.shape[1] == 1
            return float(
                scorer(_Given(), predictions[:, 0] if single else predictions, y[:, 0] if single else y, **some)
            )

        return score

    def _blended(self, residuals: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Weights of the norms, of shape (norms, t)."""
        if not self.alpha_per_target:
            return blend_weights(residuals, weights)[:, None]
        return np.column_stack([blend_weights(target, weights) for target in np.moveaxis(residuals, 2, 0)])

    def _blend_score(
        self, samples: Samples, folds: Any, residuals: np.ndarray, weights: np.ndarray, score: Any, per_target: bool
    ) -> Any:
        """Score of the blended held-out predictions, all together."""
        if score is not None:
            held_out = np.concatenate([fold.held_out for fold in folds()])
            y = samples.y[held_out]
            return score(held_out, y, y - residuals)
        errors = -np.average(residuals**2, axis=0, weights=weights)
        return errors if per_target else float(errors.mean())


class _Given(SchattenRegressor):
    """A stand-in for a fitted regressor that passes given predictions to a scorer."""

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: Any, *options: Any, **more: Any) -> Any:
        return X
