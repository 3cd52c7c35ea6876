"""Proved intervals for h_Sep(M), the maximum of ⟨x⊗y, M (x⊗y)⟩ over unit vectors x and y.

In quantum information M is an observable on a bipartite system, and h_Sep(M) its largest expectation in a separable
state. A product vector attains the lower bound. The criterion of positive partial transposes and its hierarchy of
symmetric extensions (Doherty, Parrilo and Spedalieri 2004) give upper bounds, whose certificates are sums of squares.
See theory/separable_states of the documentation.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import numpy as np

from hypernorm._arguments import (
    Seed,
    check_count,
    check_generator,
    check_memory,
    check_progress,
    check_time_limit,
    check_tolerance,
)
from hypernorm._arithmetic import own_arithmetic
from hypernorm._complex import check_complex, is_complex
from hypernorm._validation import as_dense, check_matrix
from hypernorm._warnings import warn_caller
from hypernorm.bounds.climb import Climb, Progress, Stage
from hypernorm.bounds.deadlines import DeadlineError
from hypernorm.bounds.interval import BoundRecord, Interval, Status
from hypernorm.bounds.propose import first_proved
from hypernorm.certificates.complex_witness import ComplexWitness
from hypernorm.certificates.product_state import QUANTITY, ProductState
from hypernorm.certificates.separable import LARGEST_LEVEL, SeparableCertificate
from hypernorm.certificates.witness import Witness
from hypernorm.exceptions import InvalidInputError
from hypernorm.forms.product import ProductClasses, ProductForm, Scalars, gram_sides
from hypernorm.separable.seesaw import random_vectors, seesaw
from hypernorm.separable.solver import ProductSolver, check_product_memory

__all__ = ["norm_operator", "norm_witness", "separable_value"]

# Limits of "auto": beyond them a relaxation takes minutes or more.
_HIGHEST_LEVEL = 3
_LARGEST_GRAM = 300
_MAX_ITER = 5000
# The solver's part of the tolerance; the rest is for the proof.
_SHARE = 0.9


@own_arithmetic
def separable_value(
    M: Any,
    dims: tuple[int, int],
    *,
    field: Scalars = "complex",
    level: int | Literal["auto"] = "auto",
    rtol: float = 1e-6,
    time_limit: float | None = None,
    n_starts: int = 100,
    random_state: Seed = None,
    progress: bool | Callable[[Progress], None] = False,
) -> Interval[ProductState, SeparableCertificate]:
    """Compute a proved interval for max ⟨x⊗y, M (x⊗y)⟩ over unit vectors x ∈ K^a, y ∈ K^b.

    The lower bound comes from the see-saw (alternating eigenvectors), the upper bound from sums of squares. Level 1 is
    the criterion of positive partial transposes (for K = R, sums of squares of bilinear forms). Level k adds symmetric
    extensions of the second factor to k copies, with all partial transposes.

    Parameters
    ----------
    M : array_like or sparse matrix of shape (ab, ab)
        Hermitian, or symmetric, up to rounding, with rows and columns in the order of `numpy.kron`. If it is Hermitian
        only up to rounding, the form is Re ⟨x⊗y, M (x⊗y)⟩.
    dims : tuple of int
        (a, b). Levels above 1 cost less when b is the smaller dimension.
    field : {"complex", "real"}, default "complex"
        K. The value of a real M over complex vectors may exceed that over real ones.
    level : "auto" or int, default "auto"
        The level k of the certificate, 1 to 8. "auto" climbs from 1 to 3, while the Gram matrices have at most 300
        rows, until the bounds meet.
    rtol : float, default 1e-6
        Distance of the bounds, relative to the spectral norm of M, at which they count as meeting.
    time_limit : float, optional
        Seconds after which the search ends; only the proof of its result follows. A level that would take longer is
        not started. The first level is always started, so that there is a proved bound.
    n_starts : int, default 100
        Number of starting points of the see-saw.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState
    progress : bool or callable, default False
        True writes a line per level to the standard error; a callable receives a `Progress` instead.

    Returns
    -------
    Interval
        Its witness is a `ProductState`, its certificate a `SeparableCertificate`, its unit the spectral norm of M.

    Raises
    ------
    InvalidInputError
        If an argument cannot be used or the work cannot fit in memory.

    Warns
    -----
    ConvergenceWarning
        If the solver reached its limit on iterations; the bounds are proved but may be improved.

    See Also
    --------
    norm_operator : A matrix whose best separable state value is a 2→4 norm.
    hypernorm.datasets : Matrices with known values.

    Notes
    -----
    Propositions 1 and 2 and Theorem 3 of theory/separable_states of the documentation, where their sources are named.

    Examples
    --------
    The projector onto a maximally entangled state of two qutrits: no product vector has an overlap above 1/3.

    >>> import numpy as np
    >>> phi = np.eye(3).ravel() / np.sqrt(3)
    >>> interval = separable_value(np.outer(phi, phi), (3, 3), random_state=0)
    >>> round(interval.lower, 5), round(interval.upper, 5), interval.status.name
    (0.33333, 0.33333, 'EXACT')
    """
    start = time.perf_counter()
    form = ProductForm(M, dims, field)
    tolerance, limit, rng = check_tolerance(rtol), check_time_limit(time_limit), check_generator(random_state)
    check_count(n_starts, "n_starts")
    check_progress(progress)
    levels = _levels(form, level)
    norm = float(np.abs(np.linalg.eigvalsh(form.matrix)).max())
    tolerance *= norm

    def meets(lower: float, upper: float) -> bool:
        return math.ldexp(upper - lower, -form.exponent) <= tolerance

    climb = Climb(start, limit, meets, progress)
    search = _Search(form, climb, tolerance)
    starts = random_vectors(form, n_starts, rng)
    stages = [
        Stage("lower bound", partial(search.improve, starts)),
        *(Stage(f"level {level}", partial(search.certify, level)) for level in levels),
    ]
    status = climb.run(stages)
    if status is Status.MAX_ITERATIONS:
        warn_caller(status.message[0].upper() + status.message[1:] + ".")
    return climb.interval(status, QUANTITY, unit=_unscaled(norm, form))


def _levels(form: ProductForm, level: int | str) -> list[int]:
    """The levels to try, cheapest first."""
    if level == "auto":
        fitting = [
            k for k in range(2, _HIGHEST_LEVEL + 1) if max(gram_sides(form.dims, k, form.field)) <= _LARGEST_GRAM
        ]
        levels = [1, *fitting]
    elif isinstance(level, str) or check_count(level, "level") > LARGEST_LEVEL:
        raise InvalidInputError(f"level must be 'auto' or a whole number from 1 to {LARGEST_LEVEL}, got {level!r}.")
    else:
        levels = [int(level)]
    check_product_memory(form.dims, levels[-1], form.field)
    return levels


class _Search:
    """The stages of one call, with their common state."""

    def __init__(self, form: ProductForm, climb: Climb, tolerance: float):
        self.form, self.climb, self.tolerance = form, climb, tolerance
        self.rate = 0.0  # seconds to set up a level, by the sum of the cubes of its sides

    def improve(self, starts: np.ndarray) -> None:
        """Run the see-saw from given starting points and offer its result as a witness."""
        state = ProductState.of_form(self.form, *seesaw(self.form, starts, deadline=self.climb.deadline))
        self.climb.offer_witness(state)

    def certify(self, level: int) -> Status:
        """Solve the relaxation of a level and prove its bound; return why the solver ended."""
        # The setup takes a few eigenvalue decompositions.
        size = float(sum(side**3 for side in gram_sides(self.form.dims, level, self.form.field)))
        begun = bool(self.climb.records)
        start = time.perf_counter()
        if begun and start + self.rate * size > self.climb.deadline:
            raise DeadlineError
        solver = ProductSolver(self.form, ProductClasses(self.form.dims, level, self.form.field))
        self.rate = (time.perf_counter() - start) / size
        tolerance, deadline = _SHARE * self.tolerance, self.climb.deadline
        stop = solver.run(self._lower, tolerance=tolerance, max_iter=_MAX_ITER, deadline=deadline)
        certificate, upper = first_proved(solver.certificate, self.form, deadline if begun else math.inf)
        record = BoundRecord(
            kind=f"level {level}",
            upper=upper,
            relaxation=_unscaled(solver.value, self.form),
            iterations=solver.iteration,
            seconds=time.perf_counter() - start,
        )
        self.climb.offer(certificate, record)
        return stop

    def _lower(self, starts: np.ndarray | None) -> float:
        """The best known value of the scaled form, after a search from given starting points."""
        if starts is not None:
            self.improve(starts)
        return math.ldexp(self.climb.lower, -self.form.exponent)


def _unscaled(value: float, form: ProductForm) -> float:
    """A value of the scaled form in the units of M; infinite if it overflows."""
    return float(np.ldexp(value, form.exponent))


@own_arithmetic
def norm_operator(X: Any) -> np.ndarray:
    """The matrix M = Σ x_i x_i* ⊗ x_i x_i*, with h_Sep(M) = ‖X‖⁴_{2→4}, where the rows of X are the x_i*.

    ⟨x⊗y, M (x⊗y)⟩ = Σ |⟨x_i, x⟩|²|⟨x_i, y⟩|² ≤ (Σ |⟨x_i, x⟩|⁴ · Σ |⟨x_i, y⟩|⁴)^{1/2}, with equality for x = y. For a
    real X the values over real and over complex vectors are equal, see theory/separable_states of the documentation.

    Parameters
    ----------
    X : array_like, DataFrame or sparse matrix of shape (n, d)
        Real or complex.

    Returns
    -------
    ndarray of shape (d², d²)
        Its entries are sums of n products of four entries, rounded. Real if X is.

    Raises
    ------
    InvalidInputError
        If the largest entry is not between 1e-60 and 1e60, so that fourth powers over- or underflow, or if d⁴ numbers
        do not fit in memory.

    See Also
    --------
    norm_witness : A vector for the norm from a product state.

    Examples
    --------
    >>> interval = separable_value(norm_operator(np.eye(3)), (3, 3), random_state=0)
    >>> round(interval.lower, 5), round(interval.upper, 5)  # the 2→4 norm of the identity is 1
    (1.0, 1.0)
    """
    if is_complex(X):
        parts = check_complex(X)
        rows = as_dense(parts.real) + 1j * as_dense(parts.imaginary)
    else:
        rows = as_dense(check_matrix(X))
    size = float(np.abs(rows).max())
    if size > 0 and not 1e-60 <= size <= 1e60:
        raise InvalidInputError(
            f"X has entries of size {size:.1e}, whose fourth powers over- or underflow; divide X by {size:.0e}, which "
            "divides the value by its fourth power."
        )
    n, d = rows.shape
    what, remedy = f"the matrix for {d} columns", "bound the norm itself with sos_bound"
    check_memory(rows.itemsize * (d**4 + n * d**2), what, remedy)
    squares = (rows[:, :, None] * rows[:, None, :]).reshape(len(rows), -1)
    return np.asarray(squares.conj().T @ squares)


@own_arithmetic
def norm_witness(X: Any, state: ProductState) -> Witness | ComplexWitness:
    """A vector v with ‖Xv‖₄⁴/‖v‖⁴ at least the value of a product state for `norm_operator(X)`, up to rounding.

    For a complex X the vector is the better one of x and y. For a real X it is the best of their real and imaginary
    parts: the value of the state is a mean of the values of pairs of parts, weighted by squared lengths, and the better
    part of a pair has at least the value of the pair.

    Parameters
    ----------
    X : array_like, DataFrame or sparse matrix of shape (n, d)
    state : ProductState

    Returns
    -------
    Witness or ComplexWitness
        For q = 4, with a proved value.

    See Also
    --------
    norm_operator : The matrix of the product state.

    Notes
    -----
    Proposition 5 of theory/separable_states of the documentation.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((10, 3))
    >>> interval = separable_value(norm_operator(X), (3, 3), random_state=0)
    >>> norm_witness(X, interval.witness).value ** 4 >= interval.lower * (1 - 1e-12)
    True
    """
    if is_complex(X):
        values = [ComplexWitness.from_vector(X, vector, 4) for vector in (state.x, state.y)]
        return max(values, key=lambda witness: witness.value)
    parts = [part for vector in (state.x, state.y) for part in (vector.real, vector.imag) if part.any()]
    return max((Witness.from_vector(X, part, 4) for part in parts), key=lambda witness: witness.value)
