"""Certified reweighting: the weights whose fourth moment has the smallest sum-of-squares bound.

For fixed points y_i let λ(w) be the least λ for which λ‖v‖⁴ − Σ w_i ⟨y_i, v⟩⁴ is a sum of squares. It is the maximum of
the linear functions Σ w_i Ẽ⟨y_i, v⟩⁴ over all pseudo-expectations Ẽ on the sphere, hence convex. Cutting planes within
a trust region (Marsten, Hogan & Blankenship 1975) minimise it over the weights that a distribution of inliers may have,
Δ_ε = {0 ≤ w_i ≤ p_i/(1−ε), Σ w_i = 1}: the solver of the relaxation gives value and cut, a linear program the next
weights. The weights of the inliers are in Δ_ε, so the minimum is at most their sum-of-squares bound.

Center and whitening come from the initial weights; the center is then moved to the weighted mean a few times. Whitening
is not updated: that would reward weights with two groups, whose fourth moment is small in relation to the second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog

from hypernorm._arguments import Seed, check_generator
from hypernorm._arithmetic import own_arithmetic
from hypernorm.bounds.sos_matrix import check_solver_memory
from hypernorm.bounds.sos_solver import SosSolver
from hypernorm.exceptions import InvalidInputError
from hypernorm.forms import MonomialBasis
from hypernorm.forms.gram import GramClasses, form_coefficients
from hypernorm.robust.certification import certify_moment
from hypernorm.robust.location import RobustLocation
from hypernorm.robust.weights import check_filter, normalised_weights, weighted_covariance
from hypernorm.robust.winsorising import check_reach, check_units

__all__ = ["certified_reweighting", "check_dimension", "reweight", "whitening_map"]

_CENTERS = 3
_SOLVE_RTOL = 1e-4  # the cuts are off by ten times as much
_SOLVE_ITERATIONS = 200
_POLISHING_STEPS = 5
_SMALLEST_RADIUS = 1e-3  # of the trust region, relative to the caps; steps below it change nothing that matters
_LARGEST_DIMENSION = 30


def check_dimension(d: int) -> None:
    """Refuse more columns than certified reweighting can handle.

    Raises
    ------
    InvalidInputError
    """
    if d > _LARGEST_DIMENSION:
        raise InvalidInputError(
            f"certified reweighting is for at most {_LARGEST_DIMENSION} columns, X has {d}; use the moment filter."
        )


def whitening_map(X: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """K of shape (d, k) such that (X − mean) @ K has unit covariance; k is the rank of the weighted covariance."""
    squares, vectors = np.linalg.eigh(weighted_covariance(X, weights, weights @ X / weights.sum()))
    kept = squares > len(squares) * np.finfo(np.float64).eps * max(float(squares[-1]), 0.0)
    return np.asarray(vectors[:, kept] / np.sqrt(squares[kept]))


@own_arithmetic
def certified_reweighting(
    X: np.ndarray,
    contamination: float,
    *,
    initial_weights: np.ndarray | None = None,
    base_weights: np.ndarray | None = None,
    whitened: bool = True,
    rtol: float = 1e-2,
    max_iter: int = 100,
    random_state: Seed = None,
) -> RobustLocation:
    """Minimise the sum-of-squares bound on the fourth central moment over Δ_ε.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Finite, in double precision; d ≤ 30.
    contamination : float
        Fraction ε of outliers, in [0, 0.5).
    initial_weights : ndarray of shape (n,), optional
        Start of the search, and source of center and whitening, such as the weights of a filter; by default the base
        weights. Where they exceed p_i/(1−ε) they are the limit instead, so the result is at least as good.
    base_weights : ndarray of shape (n,), optional
        p, which sum to one; equal by default.
    whitened : bool, default True
        False keeps the units of the samples.
    rtol : float, default 0.01
        The search ends within this relative distance from the minimum, by its own estimate.
    max_iter : int, default 100
        Limit on the relaxations that are solved.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState

    Returns
    -------
    RobustLocation
        Without certificate and error bound. The scores are Ẽ⟨y_i, v⟩⁴ under the last pseudo-expectation. The criterion
        c is certified: Σ w_i ⟨Kᵀ(x_i − location), v⟩⁴ ≤ c for all unit vectors v, where K whitens the samples under the
        initial weights. `converged` says that c is within `rtol` of the minimum, by the estimate from the cuts.

    Raises
    ------
    InvalidInputError
        If an argument cannot be used, or there are more than 30 columns.

    See Also
    --------
    robust_mean : with ``method="certified"``, this method after the moment filter, with a proved error bound.

    Notes
    -----
    The section on certified reweighting in theory/robust of the documentation.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((200, 2))
    >>> X[:20] += 6
    >>> found = certified_reweighting(X, 0.1, random_state=0)
    >>> bool(found.weights[:20].sum() < 0.05)
    True
    """
    X, contamination, base = check_filter(X, contamination, base_weights, max_iter)
    n, d = X.shape
    check_dimension(d)
    check_reach(X)
    start = base if initial_weights is None else normalised_weights(initial_weights, "initial_weights", n)
    rng = check_generator(random_state)
    return reweight(X, contamination, base, start, rng, whitened=whitened, rtol=rtol, max_iter=max_iter)


def reweight(
    X: np.ndarray,
    contamination: float,
    base: np.ndarray,
    start: np.ndarray,
    rng: np.random.Generator,
    *,
    whitened: bool = True,
    rtol: float = 1e-2,
    max_iter: int = 100,
) -> RobustLocation:
    """`certified_reweighting` for arguments that have been checked.

    Raises
    ------
    InvalidInputError
        If the squares of a column over- or underflow.
    """
    check_units(X)
    caps = np.maximum(base / (1 - contamination), start)
    K = whitening_map(X, start) if whitened else np.eye(X.shape[1])
    if K.shape[1] == 0:  # all samples of positive weight coincide
        K = np.eye(X.shape[1])
    weights = start
    mean = weights @ X
    best: tuple[float, np.ndarray, float, np.ndarray] | None = None
    iterations = 0
    for _ in range(_CENTERS):
        problem = _Problem((X - mean) @ K, rng)
        found = _minimise(problem, weights, caps, rtol, max_iter - iterations)
        weights, iterations = found.weights, iterations + problem.count
        mean = weights @ X
        about_mean = _Problem((X - mean) @ K, rng)
        value, scores = about_mean.value(weights)
        iterations += 1
        improved = best is None or value < best[0] * (1 - rtol)
        if best is None or value < best[0]:
            best = (value, weights, found.gap, scores)
        if not improved or iterations >= max_iter:
            break
    assert best is not None
    _, weights, gap, scores = best
    mean = weights @ X
    return RobustLocation(
        location=mean,
        weights=weights,
        scores=scores,
        contamination=contamination,
        criterion=certify_moment((X - mean) @ K * weights[:, None] ** 0.25, 4.0).upper ** 4,
        n_iter=iterations,
        converged=gap <= rtol,
    )


class _Found(NamedTuple):
    weights: np.ndarray
    gap: float


class _Problem:
    """The relaxation as a function of the weights, for fixed points."""

    def __init__(self, Y: np.ndarray, rng: np.random.Generator):
        d = Y.shape[1]
        check_solver_memory(d, 2, "use fewer columns")
        self.Y, self.rng = Y, rng
        self.classes = GramClasses(d, 2)
        self.images = MonomialBasis(d, 2).evaluate(Y)
        self.count = 0

    @own_arithmetic
    def value(self, weights: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the bound for these weights, which is not proved yet, and Ẽ⟨y_i, v⟩⁴ for each point."""
        self.count += 1
        moments = (self.images * weights) @ self.images.T
        if not moments.any():
            return 0.0, np.zeros(len(weights))
        solver = SosSolver(form_coefficients(moments, 2, self.classes), self.classes, self.rng)
        solver.run(self._polish(weights), rtol=_SOLVE_RTOL, max_iter=_SOLVE_ITERATIONS)
        scores = np.einsum("ij,ij->j", solver.pseudo_moments() @ self.images, self.images)
        return solver.bound, scores

    def _polish(self, weights: np.ndarray) -> Callable[[np.ndarray | None], float]:
        best = [0.0]

        def lower(candidates: np.ndarray | None) -> float:
            d = self.Y.shape[1]
            V = self.rng.standard_normal((d, 2 * d)) if candidates is None else candidates
            for _ in range(_POLISHING_STEPS):
                V = V / np.maximum(np.linalg.norm(V, axis=0), 1e-300)
                V = self.Y.T @ (weights[:, None] * (self.Y @ V) ** 3)
            V = V / np.maximum(np.linalg.norm(V, axis=0), 1e-300)
            best[0] = max(best[0], float((weights @ (self.Y @ V) ** 4).max()))
            return best[0]

        return lower


def _minimise(problem: _Problem, weights: np.ndarray, caps: np.ndarray, rtol: float, max_iter: int) -> _Found:
    """Minimise by cutting planes in a trust region around the best weights so far."""
    value, cut = problem.value(weights)
    cuts, radius, gap = [cut], 0.5, np.inf
    while problem.count < max_iter and value > 0 and radius > _SMALLEST_RADIUS:
        low, high = np.maximum(weights - radius * caps, 0), np.minimum(weights + radius * caps, caps)
        anywhere, nearby = _next_weights(cuts, np.zeros(len(caps)), caps), _next_weights(cuts, low, high)
        if anywhere is None or nearby is None:
            break  # rounding defeats the linear program; the best weights so far stand
        gap = max(value / anywhere[0] - 1, 0.0) if anywhere[0] > 0 else np.inf
        if gap <= rtol:
            break
        model, trial = nearby
        trial_value, cut = problem.value(trial)
        cuts.append(cut)
        if trial_value < value - 0.1 * (value - model):
            weights, value, radius = trial, trial_value, min(2 * radius, 1.0)
        else:
            radius /= 2
    return _Found(weights, gap)


def _next_weights(cuts: list[np.ndarray], low: np.ndarray, high: np.ndarray) -> tuple[float, np.ndarray] | None:
    """Minimum of the largest cut over the weights between the bounds, and minimiser; None if the solver fails."""
    n = len(low)
    scale = max(float(np.abs(cuts[-1]).max()), 1e-300)
    # The solver's tolerances are absolute, so its unknowns are of order one: n·w_i, and the bound over the cuts' scale.
    rows = np.hstack([np.array(cuts) / (n * scale), -np.ones((len(cuts), 1))])
    equality = np.append(np.ones(n), 0.0)[None, :]
    bounds = [*zip((n * low).tolist(), (n * high).tolist(), strict=True), (-np.inf, np.inf)]
    solved = linprog(np.append(np.zeros(n), 1.0), rows, np.zeros(len(cuts)), equality, [n], bounds=bounds)
    if solved.x is None or solved.fun is None:
        return None
    weights = np.clip(solved.x[:n] / n, low, high)
    return float(solved.fun) * scale, weights / weights.sum()
