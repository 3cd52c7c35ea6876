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

If λ = f(v) for a unit vector v, then z(v) is an eigenvector of M + W. Where a good v is known this is a constraint, the
*face* of v: in coordinates in which v is the first axis, the first monomial is left out, and the largest eigenvalue of
the rest must only fall below f(v), which single precision allows.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hypernorm._parallel import one_product_pool, product_threads
from hypernorm.bounds.deadlines import DeadlineError
from hypernorm.bounds.interval import Status
from hypernorm.bounds.sos_matrix import SMALL, ClassMatrix
from hypernorm.bounds.subspace import LeadingSubspace
from hypernorm.forms.gram import GramClasses
from hypernorm.forms.reflection import Reflection
from hypernorm.forms.unfolding import Unfolding

__all__ = ["SosProgress", "SosSolver"]

_RELAXATION = 1.6
# σ is in proportion to the lower bound of the scaled form, within limits. It is large, which makes the steps long,
# until the gap is a small part of the bound, but only for so many iterations.
_LONG, _SHORT = 4.0, 0.7
_LEAST_LOWER, _LARGEST_SIGMA = 0.01, 1.0
_NEAR, _LAST_LONG = 0.05, 40
# Iterations without progress after which the face is left, and the gap that one more check must close.
_PATIENCE_ON_FACE, _ALMOST = 30, 1e-3
_ROUGHLY, _ALLOWANCE = 5e-4, 2e-6  # errors of eigenvalues of A, and of M − σU for rounding to single precision
_FILTER_DEGREE = 3  # the block changes little from one iteration to the next
_FIRST_FILTER_DEGREE = 12
_CHECK_EVERY, _CHECK_OFTEN = 5, 2
_LANCZOS_STEPS = 96
_STALLED_AFTER = 150
# A saved state with larger numbers is not from this solver: the form is scaled to size one.
_LARGEST, _MOST_ITERATIONS = 1e3, 2**40


@dataclass(frozen=True, kw_only=True)
class SosProgress:
    """State after a check: iterations, unproved bound and value of the form, rank of Y, seconds."""

    iteration: int
    bound: float
    lower: float
    rank: int
    seconds: float


class SosSolver:
    """Solver for the relaxation of one form, from the start or from a saved state.

    Parameters
    ----------
    coefficients : ndarray
        Coefficients of the form of degree 2m, by class as in `hypernorm.forms.gram`.
    classes : GramClasses
        The classes for half degree m.
    rng : numpy.random.Generator
    vector : ndarray of shape (d,), optional
        A unit vector at which a form of degree 4 may be the largest: the solver starts on its face.
    """

    def __init__(
        self,
        coefficients: np.ndarray,
        classes: GramClasses,
        rng: np.random.Generator,
        vector: np.ndarray | None = None,
    ):
        self._deadline = math.inf
        self.classes, self._rng = classes, rng
        self._coefficients = coefficients
        self._unfolding = Unfolding(classes.basis)
        self.iteration = 0
        self.rank = 0
        self._pairs = np.zeros((classes.size, 0))
        self._begin(vector, on_face=vector is not None)

    def _begin(self, vector: np.ndarray | None, on_face: bool) -> None:
        """Set the coordinates and the state before any iteration; `vector` becomes the first axis."""
        size = self.classes.size
        if size == 1:  # nothing is left beside the vector
            vector, on_face = None, False
        self.sigma, self.z, self.bound = 1.0, np.zeros(self.classes.count), math.inf
        self._on_face = self._single = on_face
        self._vector, self._reflection = vector, None
        A = ClassMatrix(self.classes)
        moments = self._coefficients / A.sizes
        A.update(0.0, moments)
        mixed = self._rng.standard_normal(size)
        self.scale, leading, _ = A.extremes(mixed, _LANCZOS_STEPS, 1e-6 * A.largest_entry())
        if vector is not None:
            self._reflection = Reflection(self.classes.basis, vector)
            A.reflect(self._reflection)
            moments = A.averages()
        self._all_moments = self._moments = moments / self.scale
        self._value, self._slope = float(moments[0]) / self.scale, 0.0
        if on_face:
            A = ClassMatrix(self.classes, without_first=True, single=True)
            self._moments = self._all_moments * self.classes.multinomials / A.sizes
            # The first derivatives at the vector, which are rounding errors if it is a maximum.
            axes = np.arange(1, self.classes.basis.dimension)
            self._slope = math.sqrt(2) * float(np.linalg.norm(self._all_moments[A.classes_with_first[axes]]))
        # The lower triangle is A = Z − U + M/σ, the other one the best M − σU so far.
        self._A = A
        A.update(0.0, self._moments)
        width = min(size, max(12, size // 20))
        block = np.column_stack([leading, self._rng.standard_normal((size, width - 1))])
        self._block = LeadingSubspace(block.astype(A.dtype), -1.0, self._rng)

    def _refine(self) -> None:
        """Continue in double precision."""
        self._A, self._single = self._A.copied(self.classes), False
        self._block.vectors = self._block.vectors.astype(np.float64, order="F")

    def _restart(self, sigma: float) -> None:
        """Begin again without the vector, whose face the optimum does not seem to have."""
        self._begin(None, on_face=False)
        self._change_steps(sigma)
        self._check()

    def _leave_face(self) -> None:
        """Continue with the vector's monomial too, in double precision; Z and the multiplier stay."""
        self._A.update(1.0, -self.z)
        self._A = self._A.copied(self.classes, self._value * self.scale)
        self._A.set_first(self._value / self.sigma)
        self._A.update(1.0, self._all_moments / self.sigma - self._A.averages() + self.z)
        self._on_face, self._single, self._moments = False, False, self._all_moments
        first = np.zeros((self.classes.size, 1))
        first[0] = 1.0
        self._block.vectors = np.asfortranarray(np.hstack([first, self._block.vectors]))

    def finish(self) -> np.ndarray:
        """The best Gram matrix, in the orthonormal basis and the scale of the form; exactly symmetric.

        This frees the working memory for the proof; the solver cannot continue afterwards.
        """
        if self._on_face:
            self._A = self._A.copied(self.classes, self._value * self.scale)
        A = self._A
        del self._A
        return self._restored(A)

    def symmetric_best(self) -> np.ndarray:
        """A copy of the best Gram matrix, as `finish` returns it; the solver can continue."""
        return self._restored(self._A.copied(self.classes, self._value * self.scale if self._on_face else None))

    def _restored(self, A: ClassMatrix) -> np.ndarray:
        A.recall()
        A.update(1.0, self.scale * self._all_moments - A.averages())  # corrects rounding errors
        if self._reflection is not None:
            A.reflect(self._reflection)
        return A.symmetric()

    def state(self) -> dict[str, np.ndarray]:
        """Arrays from which `resume` continues."""
        return {
            "iteration": np.array(self.iteration),
            "sigma": np.array(self.sigma),
            "multiplier": self._A.packed_rest(self._A.averages()),
            "averages": self.z,
            "vectors": np.ascontiguousarray(self._block.vectors, dtype=np.float64),
            "vector": np.zeros(self.classes.basis.dimension) if self._vector is None else self._vector,
            "on_face": np.array(float(self._on_face)),
        }

    def resume(self, state: dict[str, np.ndarray]) -> bool:
        """Continue from the arrays of `state`; return False if their numbers cannot be from this iteration."""
        V, U, z, vector = state["vectors"], state["multiplier"], state["averages"], state["vector"]
        iteration, sigma, on_face = int(state["iteration"]), float(state["sigma"]), float(state["on_face"])
        lengths = np.linalg.norm(V, axis=0)
        if not (
            0 <= iteration < _MOST_ITERATIONS
            and 1 / _LARGEST < sigma < _LARGEST
            and all((np.abs(part) < _LARGEST).all() for part in (U, z))
            and ((lengths > 1 / _LARGEST) & (lengths < _LARGEST)).all()
            and on_face in (0.0, 1.0)
            and (abs(np.linalg.norm(vector) - 1) < 1e-6 or (not vector.any() and not on_face))
        ):
            return False
        self._begin(vector if vector.any() else None, bool(on_face))
        self.iteration, self.sigma, self.z = iteration, sigma, z
        self._A.fill(U)
        self._A.update(-1.0, z + self._moments / self.sigma)
        self._block.vectors = np.asfortranarray(V, dtype=self._A.dtype)
        self.rank = V.shape[1]
        self._check()
        self._block.cut = float(np.sort(np.einsum("ij,ij->j", V, self._multiply(self._block.vectors)))[0])
        return self.bound < _LARGEST * self.scale

    def vectors(self, count: int = 4) -> np.ndarray:
        """Leading eigenvectors of Y read as vectors of R^d, as columns."""
        V = self._block.vectors.astype(np.float64)
        found = np.column_stack([self._unfolding.direction(V[:, j]) for j in range(min(count, self.rank))])
        return found if self._reflection is None else self._reflection.apply(found)

    def pseudo_moments(self) -> np.ndarray:
        """The dual iterate Y in the orthonormal basis: positive semidefinite, of trace one, nearly fully symmetric.

        Only for a solver without a vector.
        """
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
        with product_threads(1) if self.classes.size < SMALL else one_product_pool():
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
        start, improved_at, checked_at = time.perf_counter(), self.iteration, self.iteration
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
                often = self._single and self.sigma <= short
                if (
                    self.iteration - checked_at < (_CHECK_OFTEN if often else check_every)
                    and not late
                    and self.iteration < max_iter
                ):
                    continue
                before, checked_at = self.bound, self.iteration
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
                if self._on_face and value > self._value * self.scale * (1 + rtol):
                    self._leave_face()
                elif self._on_face and self.iteration - improved_at >= _PATIENCE_ON_FACE:
                    self._restart(long)
                    improved_at = self.iteration
                elif self._single and before <= value * (1 + _ALMOST):
                    self._refine()
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
        """Continue with another form, without a face; the bound so far was one of the form before."""
        self.bound = math.inf
        moments = coefficients / self.classes.multinomials / self.scale
        self._A.update(1.0, (moments - self._moments) / self.sigma)
        self._moments = self._all_moments = moments

    def _project(self) -> None:
        """Run one iteration: both projections and the update of the multiplier."""
        degree = _FILTER_DEGREE if self.iteration else _FIRST_FILTER_DEGREE
        values, vectors = self._block.above_threshold(self._multiply, degree, _FILTER_DEGREE)
        self.rank = len(values)
        self._pairs = np.asfortranarray(vectors * np.sqrt(values), dtype=vectors.dtype)
        if self._on_face:
            self._pairs[0] = 0.0  # rounding errors
        # A = Z − U + M/σ becomes A − 1.6 Y, from whose class averages those of Ŷ + U follow.
        self._A.subtract(_RELAXATION, self._pairs)
        self.z = self._A.step(self.z, self._moments / self.sigma, 2 - _RELAXATION)

    def _change_steps(self, sigma: float) -> None:
        """Continue with another σ; Z and the multiplier −σU stay."""
        ratio = self.sigma / sigma
        self._A.update(ratio, (1 - ratio) * self.z)
        self.sigma = sigma
        self._block.scale(ratio)

    def _multiply(self, V: np.ndarray) -> np.ndarray:
        if time.perf_counter() > self._deadline:  # safe: the state is still that of the last iteration
            raise DeadlineError
        return self._A.multiply(V)

    def _check(self) -> None:
        """Update the best bound from the current multiplier, and the lower end of the spectrum for the filter."""
        size, A, V = len(self._A.weights), self._A, self._block.vectors
        A.update(1.0, -self.z)  # A = M/σ − U
        try:
            # The start is partly random: structured problems have invariant subspaces without the largest eigenvalue.
            mixed = self._rng.standard_normal(size)
            mixed = V[:, 0] + (1.0 if self._single else 0.1) * mixed / np.linalg.norm(mixed)
            bound, leading, _ = A.extremes(mixed, _LANCZOS_STEPS, _ROUGHLY if self._single else 1e-9)
            if self._single and bound * self.sigma + _ALLOWANCE <= self._value:
                # Success: was the largest eigenvalue missed?
                again, other, _ = A.extremes(self._rng.standard_normal(size), _LANCZOS_STEPS, 1e-9)
                bound, leading = (again, other) if again > bound else (bound, leading)
            bound = bound * self.sigma
            if self._on_face:
                bound = max(bound + _ALLOWANCE * self._single, self._value) + self._slope
            bound = bound * self.scale
            if bound < self.bound:
                self.bound = math.inf  # so that after an interruption here the bound and its matrix still match
                A.keep(self.sigma * self.scale)
                self.bound = bound
        finally:
            A.update(1.0, self.z)
        V[:, -1] = leading
        self._block.low = A.extremes(self._rng.standard_normal(size), 16, 0.0)[2]
