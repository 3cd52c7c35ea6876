"""Structured solver for sum-of-squares bounds: the least λ such that λ‖v‖^2m − f(v) is a sum of squares.

With M the fully symmetric Gram matrix of the form f of degree 2m, the problem is min λ_max(M + W) over the matrices W
that represent the zero form; every W is feasible. Its dual is max ⟨M, Y⟩ over Y ⪰ 0, tr Y = 1, Y fully symmetric. The
alternating direction method of multipliers splits the two constraints on Y, and both projections are explicit:

    Y ← projection of Z − U + M/σ on {Y ⪰ 0, tr Y = 1}
    Z ← class averages of Ŷ + U,    Ŷ = 1.6 Y − 0.6 Z
    U ← U + Ŷ − Z,                  and W = −σU is feasible throughout.

The state is A = Z − U + M/σ and the class averages Z, so one triangle of a D×D matrix. The other triangle keeps the
best M + W.

The first projection needs only the eigenpairs above a threshold; their number is the rank of Y. They are updated from
the previous iteration by Chebyshev-filtered subspace iteration: a few products of the D×D matrix with a thin block. The
leading eigenvectors of Y, read as symmetric tensors, give vectors that improve the lower bound.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.linalg.blas import dsymm, dsyrk

from hypernorm._arguments import check_memory
from hypernorm._parallel import one_product_pool, ordered_map, product_threads
from hypernorm.bounds.deadlines import DeadlineError
from hypernorm.bounds.interval import Status
from hypernorm.bounds.lanczos import extreme_values
from hypernorm.forms.gram import GramClasses
from hypernorm.forms.monomials import MonomialBasis
from hypernorm.forms.unfolding import Unfolding

__all__ = ["SosProgress", "SosSolver", "check_solver_memory"]

_RELAXATION = 1.6
# σ is in proportion to the lower bound of the scaled form, within limits. It is large, which makes the steps long,
# until the gap is a small part of the bound, but only for so many iterations.
_LONG, _SHORT = 4.0, 0.7
_LEAST_LOWER, _LARGEST_SIGMA = 0.01, 1.0
_NEAR, _LAST_LONG = 0.03, 40
_FILTER_DEGREE = 2  # the block changes little from one iteration to the next
_FIRST_FILTER_DEGREE = 12
_CHECK_EVERY = 5
_FRESH = 4  # random columns that each iteration adds to the block, so that no eigenvector is missed
_STALLED_AFTER = 150
# A saved state with larger numbers is not from this solver: the form is scaled to size one.
_LARGEST, _MOST_ITERATIONS = 1e3, 2**40
# Smaller matrices are handled on one core, since waking threads would cost more than they save.
_SMALL = 1000
_PARTS = 4  # parts of the triangle of larger matrices; constant, so the result does not depend on the threads


@dataclass(frozen=True, kw_only=True)
class SosProgress:
    """State after a check: iterations, unproved bound and value of the form, rank of Y, seconds."""

    iteration: int
    bound: float
    lower: float
    rank: int
    seconds: float


def check_solver_memory(dimension: int, half_degree: int) -> None:
    """Refuse a relaxation that does not fit in memory.

    Raises
    ------
    InvalidInputError
        If four of its matrices need more than the free memory.
    """
    size = MonomialBasis.count(dimension, half_degree)
    check_memory(
        4 * 8 * size * size,  # the solver and the proof need three matrices each, and the classes
        f"The sum-of-squares relaxation of degree {2 * half_degree} for d = {dimension} ({size} x {size} matrices)",
        "use a lower degree, the realigned bound, or fewer columns",
    )


class SosSolver:
    """Solver for the relaxation of one form, from the start or from a saved state.

    Parameters
    ----------
    coefficients : ndarray
        Coefficients of the form of degree 2m, by class as in `hypernorm.forms.gram`.
    classes : GramClasses
        The classes for half degree m.
    rng : numpy.random.Generator
    """

    def __init__(self, coefficients: np.ndarray, classes: GramClasses, rng: np.random.Generator):
        size = classes.size
        from hypernorm.bounds import sos_kernels  # imported here since it loads numba, which only this solver needs

        self._kernels = sos_kernels
        self._deadline = math.inf
        self.classes, self._rng = classes, rng
        self._ids, self._w = classes.classes, classes.weights
        self._unfolding = Unfolding(classes.basis)
        self.iteration, self.sigma = 0, 1.0
        self.z = np.zeros(classes.count)
        self._moments = coefficients / classes.multinomials
        # The lower triangle is A = Z − U + M/σ. Above the diagonal, and in the last array, is the best M − σU so far.
        self._A = np.zeros((size, size))
        self._best_diagonal = np.empty(size)
        self._update(0.0, self._moments)
        self.scale, leading = self._leading(None)
        self._moments = self._moments / self.scale
        self._A /= self.scale
        self._pairs = np.zeros((size, 0))
        width = min(size, max(12, size // 20))
        self._V = np.asfortranarray(np.column_stack([leading, rng.standard_normal((size, width - 1))]))
        self._low, self._cut = -1.0 / self.sigma, 0.0
        self.rank = 0
        self.bound = math.inf

    def finish(self) -> np.ndarray:
        """The best Gram matrix, in the orthonormal basis and the scale of the form; exactly symmetric.

        This frees the working memory for the proof; the solver cannot continue afterwards.
        """
        self._map_parts(self._kernels.mirror, self._A, self._best_diagonal)
        G = self._A
        del self._A
        return G

    def symmetric_best(self) -> np.ndarray:
        """A copy of the best Gram matrix, as `finish` returns it; the solver can continue."""
        G = np.triu(self._A, 1)
        G += G.T
        G[np.diag_indices_from(G)] = self._best_diagonal
        return G

    def state(self) -> dict[str, np.ndarray]:
        """Arrays from which `resume` continues."""
        packed = np.empty(len(self._ids))
        self._map_parts(self._kernels.multiplier, self._A, self._averages(), self._ids, self._w, packed)
        return {
            "iteration": np.array(self.iteration),
            "sigma": np.array(self.sigma),
            "multiplier": packed,
            "averages": self.z,
            "vectors": np.ascontiguousarray(self._V),
        }

    def resume(self, state: dict[str, np.ndarray]) -> bool:
        """Continue from the arrays of `state`; return False if their numbers cannot be from this iteration."""
        size = self.classes.size
        V, U, z = state["vectors"], state["multiplier"], state["averages"]
        iteration, sigma = int(state["iteration"]), float(state["sigma"])
        lengths = np.linalg.norm(V, axis=0)
        if not (
            0 <= iteration < _MOST_ITERATIONS
            and 1 / _LARGEST < sigma < _LARGEST
            and all((np.abs(part) < _LARGEST).all() for part in (U, z))
            and ((lengths > 1 / _LARGEST) & (lengths < _LARGEST)).all()
        ):
            return False
        self.iteration, self.sigma, self.z = iteration, sigma, z
        for row in range(size):
            first = row * (row + 1) // 2
            self._A[row, : row + 1] = U[first : first + row + 1]
        self._update(-1.0, z + self._moments / self.sigma)
        self._V = np.asfortranarray(V)
        self.rank = V.shape[1]
        self._check()
        self._cut = float(np.sort(np.einsum("ij,ij->j", self._V, self._multiply(self._V)))[0])
        return self.bound < _LARGEST * self.scale

    def vectors(self, count: int = 4) -> np.ndarray:
        """Leading eigenvectors of Y read as vectors of R^d, as columns."""
        return np.column_stack([self._unfolding.direction(self._V[:, j]) for j in range(min(count, self.rank))])

    def pseudo_moments(self) -> np.ndarray:
        """The dual iterate Y in the orthonormal basis: positive semidefinite, of trace one, nearly fully symmetric."""
        return np.asarray(self._pairs @ self._pairs.T)

    def run(
        self,
        lower: Callable[[np.ndarray | None], float],
        *,
        rtol: float,
        max_iter: int = 2000,
        least_iter: int = 0,
        check_every: int = _CHECK_EVERY,
        deadline: float = math.inf,
        report: Callable[[SosProgress], None] | None = None,
        patience: int = _STALLED_AFTER,
        renew: Callable[[np.ndarray], np.ndarray | None] | None = None,
    ) -> Status:
        """Iterate until the bound meets the lower bound of the form, relatively within `rtol`.

        `lower` takes candidate vectors (columns) and returns the best known value of the form on the sphere. The
        deadline applies after `least_iter` iterations. The iteration ends if none of the last `patience` iterations has
        lowered the bound by a hundredth of the gap.

        `renew` may replace the form before each iteration by another of about the same size: from the class averages of
        the pseudo-moments it makes the coefficients, or None. The bound is that of the form at the last check.
        """
        with product_threads(1) if self.classes.size < _SMALL else one_product_pool():
            least = self.iteration + least_iter
            return self._run(lower, rtol, max_iter, least, check_every, deadline, report, patience, renew)

    def _run(
        self,
        lower: Callable[[np.ndarray | None], float],
        rtol: float,
        max_iter: int,
        least: int,
        check_every: int,
        deadline: float,
        report: Callable[[SosProgress], None] | None,
        patience: int,
        renew: Callable[[np.ndarray], np.ndarray | None] | None,
    ) -> Status:
        start, improved_at = time.perf_counter(), self.iteration
        value = lower(None)
        long, short = (min(part * max(value / self.scale, _LEAST_LOWER), _LARGEST_SIGMA) for part in (_LONG, _SHORT))
        if self.iteration == 0:
            self._change_steps(long)
        try:
            if self.bound == math.inf:
                self._check()  # after it a bound can be returned
            checking = time.perf_counter() - start
            while True:
                begin = time.perf_counter()
                self._deadline = deadline if self.iteration >= least else math.inf
                if begin > self._deadline:
                    return Status.TIME_LIMIT
                if renew is not None and (coefficients := renew(self.z)) is not None:
                    self._replace_form(coefficients)
                self._project()
                self.iteration += 1
                now = time.perf_counter()
                # Time for one more iteration, which takes as long as this one, and for the final check.
                late = 2 * now - begin + checking > deadline and self.iteration >= least
                if self.iteration % check_every and not late and self.iteration < max_iter:
                    continue
                before = self.bound
                self._check()
                checking = time.perf_counter() - now
                value = lower(self.vectors())
                near = self.bound - value <= _NEAR * self.bound or self.iteration >= _LAST_LONG
                if near and self.sigma > short:
                    self._change_steps(short)
                if before - self.bound > 1e-2 * max(self.bound - value, 0):
                    improved_at = self.iteration
                if report is not None:
                    report(
                        SosProgress(
                            iteration=self.iteration,
                            bound=self.bound,
                            lower=value,
                            rank=self.rank,
                            seconds=time.perf_counter() - start,
                        )
                    )
                if self.bound <= value * (1 + rtol):
                    return Status.EXACT
                if late:
                    return Status.TIME_LIMIT
                if self.iteration - improved_at >= patience:
                    return Status.STALLED
                if self.iteration >= max_iter:
                    return Status.MAX_ITERATIONS
        except DeadlineError:
            return Status.TIME_LIMIT
        except KeyboardInterrupt:
            if self.bound == math.inf:
                self._check()
            return Status.INTERRUPTED
        finally:
            self._deadline = math.inf

    def _replace_form(self, coefficients: np.ndarray) -> None:
        """Continue with another form; the bound so far was one of the form before."""
        self.bound = math.inf
        moments = coefficients / self.classes.multinomials / self.scale
        self._update(1.0, (moments - self._moments) / self.sigma)
        self._moments = moments

    def _project(self) -> None:
        """Run one iteration: both projections and the update of the multiplier."""
        values, vectors = self._eigenpairs_above_threshold()
        self._pairs = np.asfortranarray(vectors * np.sqrt(values))
        # A = Z − U + M/σ becomes A − 1.6 Y, from whose class averages those of Ŷ + U follow.
        self._A = dsyrk(-_RELAXATION, self._pairs, c=self._A.T, beta=1.0, lower=0, overwrite_c=1).T
        averages, moments = self._averages(), self._moments / self.sigma
        after = moments + (2 - _RELAXATION) * self.z - averages
        self._update(1.0, after + moments - averages)
        self.z = after

    def _change_steps(self, sigma: float) -> None:
        """Continue with another σ; Z and the multiplier −σU stay."""
        ratio = self.sigma / sigma
        self._update(ratio, (1 - ratio) * self.z)
        self.sigma = sigma
        self._low, self._cut = ratio * self._low, ratio * self._cut

    def _averages(self) -> np.ndarray:
        """The averages of A over the classes."""
        sums = self._map_parts(self._kernels.class_sums, self._A, self._ids, self._w, len(self.z))
        return np.asarray(sum(sums) / self.classes.multinomials)

    def _update(self, factor: float, averages: np.ndarray) -> None:
        """Multiply A by a factor, and add the fully symmetric matrix with these class averages."""
        self._map_parts(self._kernels.update, self._A, factor, averages, self._ids, self._w)

    def _map_parts(self, kernel: Callable[..., Any], *arguments: Any) -> list[Any]:
        """Results of the kernel for the parts of the triangle, which have about the same area."""
        size = self.classes.size
        parts = _PARTS if size >= _SMALL else 1
        edges = [round(size * math.sqrt(part / parts)) for part in range(parts + 1)]
        return list(ordered_map(lambda rows: kernel(*arguments, *rows), list(pairwise(edges))))

    def _eigenpairs_above_threshold(self) -> tuple[np.ndarray, np.ndarray]:
        size, V = len(self._w), self._V
        degree = _FILTER_DEGREE if self.iteration else _FIRST_FILTER_DEGREE
        while True:
            width = min(size, V.shape[1] + _FRESH)
            V = np.hstack([V, self._rng.standard_normal((size, max(0, width - V.shape[1])))])
            Q = np.linalg.qr(self._filtered(V, degree))[0]
            projected = Q.T @ self._multiply(Q)
            ritz, S = np.linalg.eigh((projected + projected.T) / 2)
            ritz, V = ritz[::-1], Q @ S[:, ::-1]
            threshold, rank = _simplex_threshold(ritz)
            self._cut = float(ritz[-1])
            if rank <= 0.9 * width or width == size:
                break
            # The block is too thin for all eigenpairs above the threshold.
            degree = _FILTER_DEGREE
            V = np.hstack([V, self._rng.standard_normal((size, min(size - width, width // 2 + 5)))])
        self.rank = rank
        keep = min(width, max(12, int(1.3 * rank) + 4))
        self._V = np.asfortranarray(V[:, :keep])
        self._cut = float(ritz[keep - 1])
        return ritz[:rank] - threshold, self._V[:, :rank]

    def _filtered(self, V: np.ndarray, degree: int) -> np.ndarray:
        """Apply to each column the Chebyshev polynomial of A that is small on [low, cut] and grows above."""
        # The interval must not be empty, even for a form of one row, which has no spectrum to damp.
        cut = max(self._cut, self._low + 1e-3 * max(abs(self._low), 1e-9))
        half, center = (cut - self._low) / 2, (cut + self._low) / 2
        last = V / np.linalg.norm(V, axis=0)
        current = (self._multiply(last) - center * last) / half
        for _ in range(degree - 1):
            last, current = current, (2 / half) * (self._multiply(current) - center * current) - last
            sizes = np.linalg.norm(current, axis=0)
            sizes[sizes == 0] = 1.0
            last, current = last / sizes, current / sizes
        return np.asarray(current)

    def _multiply(self, V: np.ndarray) -> np.ndarray:
        if time.perf_counter() > self._deadline:  # safe: the state is still that of the last iteration
            raise DeadlineError
        return dsymm(1.0, self._A.T, np.asfortranarray(V), lower=0)

    def _check(self) -> None:
        """Update the best bound from the current multiplier, and the lower end of the spectrum for the filter."""
        self._update(1.0, -self.z)  # A = M/σ − U
        try:
            bound, leading = self._leading(self._V[:, 0])
            bound = bound * self.sigma * self.scale
            if bound < self.bound:
                self.bound = math.inf  # so that after an interruption here the bound and its matrix still match
                self._map_parts(self._kernels.keep, self._A, self.sigma * self.scale, self._best_diagonal)
                self.bound = bound
        finally:
            self._update(1.0, self.z)
        self._V[:, -1] = leading
        self._low = extreme_values(self._A, self._rng.standard_normal(len(self._w)), 16, 0.0)[2]

    def _leading(self, start: np.ndarray | None) -> tuple[float, np.ndarray]:
        """The largest eigenvalue of A and its eigenvector, not proved; the checker proves the bound."""
        # The start is partly random: structured problems have invariant subspaces without the largest eigenvalue.
        mixed = self._rng.standard_normal(len(self._w))
        if start is None:
            tolerance = 1e-6 * float(np.abs(np.diagonal(self._A)).max())
        else:
            mixed = start + 0.1 * mixed / np.linalg.norm(mixed)
            tolerance = 1e-9
        bound, leading, _ = extreme_values(self._A, mixed, 96, tolerance)
        return bound, leading


def _simplex_threshold(values: np.ndarray) -> tuple[float, int]:
    """τ and r with Σ (λ_i − τ)₊ = 1 for values in decreasing order, of which r are above τ."""
    excess = (np.cumsum(values) - 1) / np.arange(1, len(values) + 1)
    rank = int(np.nonzero(values > excess)[0][-1]) + 1
    return float(excess[rank - 1]), rank
