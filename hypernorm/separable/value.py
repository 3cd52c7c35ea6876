"""The best separable state value h_Sep(M), the maximum of ⟨x⊗y, M (x⊗y)⟩ over unit vectors, proved on both sides.

In quantum information M is an observable on a bipartite system, and h_Sep(M) the largest expectation that a state
without entanglement can have. From below a product vector attains the value; from above the criterion of positive
partial transposes and its hierarchy of symmetric extensions (Doherty, Parrilo and Spedalieri 2004) give certificates,
which are sums of squares. See docs/theory/separable_states.md.
"""

from __future__ import annotations

import html
import math
import time
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from hypernorm._arguments import Seed, check_count, check_generator, check_memory, check_time_limit, check_tolerance
from hypernorm._arithmetic import own_arithmetic
from hypernorm._display import rounded_down, rounded_up
from hypernorm._validation import check_matrix
from hypernorm._warnings import warn_caller
from hypernorm.bounds.deadlines import DeadlineError
from hypernorm.bounds.propose import first_proved
from hypernorm.certificates.product_state import ProductState
from hypernorm.certificates.separable import LARGEST_LEVEL, SeparableCertificate
from hypernorm.certificates.witness import Witness
from hypernorm.exceptions import InvalidInputError
from hypernorm.forms.product import ProductClasses, ProductForm, gram_sides
from hypernorm.separable.seesaw import random_vectors, seesaw
from hypernorm.separable.solver import ProductSolver, ProductStop, check_product_memory

__all__ = [
    "SeparableInterval",
    "SeparableRecord",
    "SeparableStatus",
    "norm_operator",
    "norm_witness",
    "separable_value",
]

# "auto" climbs no further: the next relaxation would take minutes or more.
_HIGHEST_LEVEL = 3
_LARGEST_GRAM = 300
_MAX_ITER = 5000
# Part of the tolerance that the solver may use; the proof takes the rest.
_SHARE = 0.9


class SeparableStatus(Enum):
    """Why the computation ended; each member carries a message."""

    EXACT = "lower and upper bound meet within the tolerance"
    GAP = "the relaxations tried were solved; a gap remains"
    TIME_LIMIT = "the time limit ended the search for better certificates"
    MAX_ITERATIONS = "the solver reached its limit on iterations; the bounds are proved but may be improved"
    INTERRUPTED = "an interruption ended the search for better certificates"

    @property
    def message(self) -> str:
        """The meaning in words."""
        return self.value


@dataclass(frozen=True)
class SeparableRecord:
    """One level that was tried.

    Attributes
    ----------
    level : int
    upper : float
        Proved upper bound on the best separable state value.
    relaxation : float
        Lower estimate of the value of the relaxation, computed and not proved: no certificate of this level should
        prove less.
    iterations : int
    seconds : float
        Time to find and prove it.
    """

    level: int
    upper: float
    relaxation: float
    iterations: int
    seconds: float


@dataclass(frozen=True, eq=False)
class SeparableInterval:
    """A proved interval for the best separable state value.

    Attributes
    ----------
    lower : float
        Attained by `state`, rounding included.
    upper : float
        Proved by `certificate`, rounding included.
    dims : tuple of int
        (a, b).
    field : {"complex", "real"}
    norm : float
        Spectral norm of M, the unit of `gap`.
    state : ProductState
        The unit vectors x and y.
    certificate : SeparableCertificate
        The one with the smallest upper bound.
    status : SeparableStatus
    records : tuple of SeparableRecord
        All levels tried, in order.
    seconds : float
    """

    lower: float
    upper: float
    dims: tuple[int, int]
    field: str
    norm: float
    state: ProductState
    certificate: SeparableCertificate
    status: SeparableStatus
    records: tuple[SeparableRecord, ...]
    seconds: float

    @property
    def gap(self) -> float:
        """(upper − lower)/‖M‖; zero for a zero matrix."""
        return (self.upper - self.lower) / self.norm if self.norm > 0 else 0.0

    @own_arithmetic
    def is_exact(self, rtol: float = 1e-6) -> bool:
        """Whether lower and upper bound agree to a tolerance, relative to the spectral norm of M."""
        return self.gap <= check_tolerance(rtol)

    def __repr__(self) -> str:
        return (
            f"SeparableInterval(dims={self.dims}, field={self.field!r}, lower={rounded_down(self.lower, 10)}, "
            f"upper={rounded_up(self.upper, 10)}, gap={self.gap:.3g}, level={self.certificate.level}, "
            f"status={self.status.name})"
        )

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{record.level}</td><td>{rounded_up(record.upper, 10)}</td><td>{record.iterations}</td>"
            f"<td>{record.seconds:.3f}</td></tr>"
            for record in self.records
        )
        return (
            "<div><strong>h<sub>Sep</sub>(M) ∈ "
            f"[{rounded_down(self.lower, 10)}, {rounded_up(self.upper, 10)}]</strong>, "
            f"{self.field} vectors of dimensions {self.dims[0]} and {self.dims[1]}; {html.escape(self.status.message)}."
            "<table><thead><tr><th>level</th><th>proved upper bound</th><th>iterations</th><th>seconds</th></tr>"
            f"</thead><tbody>{rows}</tbody></table></div>"
        )


@own_arithmetic
def separable_value(
    M: Any,
    dims: tuple[int, int],
    *,
    field: str = "complex",
    level: int | str = "auto",
    rtol: float = 1e-6,
    time_limit: float | None = None,
    n_starts: int = 100,
    random_state: Seed = None,
) -> SeparableInterval:
    """Compute a proved interval for max ⟨x⊗y, M (x⊗y)⟩ over unit vectors x ∈ K^a, y ∈ K^b.

    The lower bound comes from the see-saw (alternating eigenvectors), the upper bound from sums of squares: level 1 is
    the criterion of positive partial transposes (for K = R, sums of squares of bilinear forms), level k adds symmetric
    extensions of the second factor to k copies, with all partial transposes.

    Parameters
    ----------
    M : array_like or sparse matrix of shape (ab, ab)
        Hermitian, or symmetric, up to rounding; rows and columns in the order of `numpy.kron`. Of a matrix that is
        Hermitian only up to rounding the form is Re ⟨x⊗y, M (x⊗y)⟩.
    dims : tuple of int
        (a, b). Levels above 1 cost less when b is the smaller dimension.
    field : {"complex", "real"}
        K. A real M may well have a larger value over complex vectors than over real ones.
    level : "auto" or int
        The level k of the certificate, 1 to 8. "auto" climbs from 1 to 3, while the Gram matrices have at most 300
        rows, until the bounds meet.
    rtol : float
        Distance of the bounds, relative to the spectral norm of M, at which they count as meeting.
    time_limit : float, optional
        Seconds after which the search ends and nothing is begun but the proof of what it has found; a level that would
        take longer is not begun. The first level is always begun, so that there is a proved bound.
    n_starts : int
        Number of starting points of the see-saw.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState

    Returns
    -------
    SeparableInterval

    Raises
    ------
    InvalidInputError
        If an argument cannot be used or the work cannot fit in memory.

    Warns
    -----
    ConvergenceWarning
        If the solver reached its limit on iterations; the bounds are proved but may be improved.

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
    levels = _levels(form, level)
    norm = float(np.abs(np.linalg.eigvalsh(form.matrix)).max())
    climb = _Climb(form, rng, n_starts, tolerance * norm, math.inf if limit is None else start + limit)
    status = climb.run(levels)
    if status is SeparableStatus.MAX_ITERATIONS:
        warn_caller(status.message[0].upper() + status.message[1:] + ".")
    assert climb.certificate is not None
    return SeparableInterval(
        climb.state.value,
        climb.upper,
        form.dims,
        form.field,
        _unscaled(norm, form),
        climb.state,
        climb.certificate,
        status,
        tuple(climb.records),
        time.perf_counter() - start,
    )


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


class _Climb:
    """The best bounds so far, and the way through the levels."""

    def __init__(self, form: ProductForm, rng: np.random.Generator, n_starts: int, tolerance: float, deadline: float):
        self.form, self.tolerance, self.deadline = form, tolerance, deadline
        self.state = ProductState.of_form(form, *seesaw(form, random_vectors(form, n_starts, rng), deadline=deadline))
        self.certificate: SeparableCertificate | None = None
        self.upper = math.inf
        self.rate = 0.0  # seconds to set up a level, by the sum of the cubes of its sides
        self.records: list[SeparableRecord] = []

    def run(self, levels: list[int]) -> SeparableStatus:
        status = SeparableStatus.GAP
        for level in levels:
            # Setting up takes a few eigenvalue decompositions.
            size = float(sum(side**3 for side in gram_sides(self.form.dims, level, self.form.field)))
            if self.records and time.perf_counter() + self.rate * size > self.deadline:
                return SeparableStatus.TIME_LIMIT
            try:
                stop = self._solve(level, size)
            except DeadlineError:
                return SeparableStatus.TIME_LIMIT
            if math.ldexp(self.upper - self.state.value, -self.form.exponent) <= self.tolerance:
                return SeparableStatus.EXACT
            if stop in (ProductStop.TIME_LIMIT, ProductStop.INTERRUPTED):
                return SeparableStatus[stop.name]
            status = SeparableStatus.GAP if stop is not ProductStop.MAX_ITERATIONS else SeparableStatus.MAX_ITERATIONS
        return status

    def _solve(self, level: int, size: float) -> ProductStop:
        start = time.perf_counter()
        solver = ProductSolver(self.form, ProductClasses(self.form.dims, level, self.form.field))
        self.rate = (time.perf_counter() - start) / size
        stop = solver.run(self._lower, tolerance=_SHARE * self.tolerance, max_iter=_MAX_ITER, deadline=self.deadline)
        deadline = self.deadline if self.records else math.inf
        certificate, upper = first_proved(solver.certificate, self.form, deadline)
        if self.certificate is None or upper < self.upper:
            self.certificate, self.upper = certificate, upper
        relaxation = _unscaled(solver.value, self.form)
        self.records.append(SeparableRecord(level, upper, relaxation, solver.iteration, time.perf_counter() - start))
        return stop

    def _lower(self, starts: np.ndarray | None) -> float:
        """The best value of the scaled form, improved from given starting points."""
        if starts is not None:
            state = ProductState.of_form(self.form, *seesaw(self.form, starts, deadline=self.deadline))
            if state.value > self.state.value:
                self.state = state
        return math.ldexp(self.state.value, -self.form.exponent)


def _unscaled(value: float, form: ProductForm) -> float:
    """A value of the scaled form in the units of M; infinite if no float can hold it."""
    return float(np.ldexp(value, form.exponent))


@own_arithmetic
def norm_operator(X: Any) -> np.ndarray:
    """The matrix M = Σ x_i x_iᵀ ⊗ x_i x_iᵀ, for which h_Sep(M) = ‖X‖⁴_{2→4} over real as over complex vectors.

    ⟨x⊗y, M (x⊗y)⟩ = Σ |⟨x_i, x⟩|²|⟨x_i, y⟩|² ≤ (Σ |⟨x_i, x⟩|⁴ · Σ |⟨x_i, y⟩|⁴)^{1/2}, with equality for x = y. See
    docs/theory/separable_states.md for complex vectors.

    Parameters
    ----------
    X : array_like, DataFrame or sparse matrix of shape (n, d)

    Returns
    -------
    ndarray of shape (d², d²)
        Rounded: its entries are sums of n products of four entries.

    Raises
    ------
    InvalidInputError
        If the largest entry is not between 1e-60 and 1e60, so that fourth powers over- or underflow, or d⁴ numbers do
        not fit into memory.

    Examples
    --------
    >>> interval = separable_value(norm_operator(np.eye(3)), (3, 3), random_state=0)
    >>> round(interval.lower, 5), round(interval.upper, 5)  # the 2→4 norm of the identity is 1
    (1.0, 1.0)
    """
    matrix = check_matrix(X)
    rows = np.asarray(matrix if isinstance(matrix, np.ndarray) else matrix.toarray(), dtype=np.float64)
    size = float(np.abs(rows).max())
    if size > 0 and not 1e-60 <= size <= 1e60:
        raise InvalidInputError(
            f"X has entries of size {size:.1e}, whose fourth powers over- or underflow; divide X by {size:.0e}, which "
            "divides the value by its fourth power."
        )
    n, d = rows.shape
    what, remedy = f"the matrix for {d} columns", "bound the norm itself with sos_bound"
    check_memory(8 * (d**4 + n * d**2), what, remedy)
    squares = (rows[:, :, None] * rows[:, None, :]).reshape(len(rows), -1)
    return np.asarray(squares.T @ squares)


@own_arithmetic
def norm_witness(X: Any, state: ProductState) -> Witness:
    """A vector v with ‖Xv‖₄⁴/‖v‖⁴ at least the value of a product state for `norm_operator(X)`, up to rounding.

    The best of the real and imaginary parts of x and y: the value is a mean, weighted by squared lengths, of the values
    of pairs of them, and a pair is no better than the better one of its two.

    Parameters
    ----------
    X : array_like, DataFrame or sparse matrix of shape (n, d)
    state : ProductState

    Returns
    -------
    Witness
        For q = 4, proved.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((10, 3))
    >>> interval = separable_value(norm_operator(X), (3, 3), random_state=0)
    >>> norm_witness(X, interval.state).value ** 4 >= interval.lower * (1 - 1e-12)
    True
    """
    parts = [part for vector in (state.x, state.y) for part in (vector.real, vector.imag) if part.any()]
    return max((Witness.from_vector(X, part, 4) for part in parts), key=lambda witness: witness.value)
