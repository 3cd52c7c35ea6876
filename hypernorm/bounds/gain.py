"""The smallest gain of a matrix: a proved interval for min ‖Xv‖_q over unit vectors v."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scipy.linalg import eigh, svd

from hypernorm._arguments import (
    Seed,
    check_choice,
    check_exponent,
    check_generator,
    check_memory,
    check_progress,
    check_time_limit,
    check_tolerance,
)
from hypernorm._arithmetic import own_arithmetic
from hypernorm._display import gain_text
from hypernorm._parallel import product_threads
from hypernorm._validation import check_rows
from hypernorm.bounds.climb import Climb, Progress, Stage
from hypernorm.bounds.deadlines import check_time, closing_seconds, until
from hypernorm.bounds.descent import descend
from hypernorm.bounds.interval import BoundRecord, Interval, Status
from hypernorm.bounds.newton import SMALL
from hypernorm.bounds.power_kernels import norm_values
from hypernorm.bounds.propose import first_proved
from hypernorm.bounds.reduction import triangular_factor
from hypernorm.bounds.sos_matrix import check_solver_memory
from hypernorm.bounds.sos_solver import SosProgress, SosSolver
from hypernorm.bounds.two_to_q import METHODS, Method
from hypernorm.certificates import GAIN_EXPONENTS, UNIT, GainWitness, LowerGainCertificate, plan
from hypernorm.exceptions import InvalidInputError
from hypernorm.forms import MonomialBasis, Rows, moment_matrix, second_moments
from hypernorm.forms.gram import GramClasses, form_coefficients

__all__ = ["smallest_gain"]

# "auto" does not try larger Gram matrices, which take minutes.
_LARGEST_GRAM_SIZE = 2200
_REMEDY = 'use method="spectral" or fewer columns'
_STARTS = 128
_MAX_ITER = 3000
# A form whose values range over orders of magnitude takes many iterations; those of small matrices cost little.
_PATIENCE, _LEAST_PATIENCE = 200_000, 150
# A smaller least eigenvalue of XᵀX, relative to the trace, is mostly rounding.
_SINGULAR = 1e-10
# A form that differs from its mean by less is constant up to rounding.
_CONSTANT = 1e-12
_SHARE = 0.9  # the solver's part of the tolerance; the rest is for the proof


@own_arithmetic
def smallest_gain(
    X: Any,
    q: float = 4,
    *,
    method: Method = "auto",
    rtol: float = 1e-6,
    time_limit: float | None = None,
    random_state: Seed = None,
    progress: bool | Callable[[Progress], None] = False,
) -> Interval[GainWitness, LowerGainCertificate]:
    """Compute a proved interval for the smallest gain, min ‖Xv‖_q over unit vectors v.

    A vector that descent on the sphere finds attains the upper end. Certificates prove the lower end: the least
    singular value, and a sum of squares.

    Parameters
    ----------
    X : array_like, DataFrame, sparse matrix or Dask array of shape (n, d)
    q : {4, 6, 8}, default 4
    method : {"auto", "spectral", "sos"}, default "auto"
        The strongest certificate to try: ``"spectral"``, the least singular value; ``"sos"``, a sum of squares of any
        size; ``"auto"``, a sum of squares if its Gram matrix has at most 2,200 rows (d ≤ 65 for q = 4).
    rtol : float, default 1e-6
        Gap at which the bounds count as meeting, relative to the lower bound.
    time_limit : float, optional
        Seconds after which the search ends; only the proof of its result follows. The least singular value is always
        computed.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState
        Source of the random starting points.
    progress : bool or callable, default False
        True writes a line per stage to the standard error; a callable receives a `Progress` instead.

    Returns
    -------
    Interval
        Its witness is a `GainWitness`, which proves the upper end, its certificate a `LowerGainCertificate`. If X has
        dependent columns, the lower end is 0, the upper end is what rounding leaves of 0, and the unit of the gap is
        the length of the longest row.

    Raises
    ------
    InvalidInputError
        If an argument cannot be used or the work cannot fit in memory.
    KeyboardInterrupt
        Only if it arrives before the first certificate; later, the interval proved so far is returned.

    See Also
    --------
    two_to_q_norm : The largest gain.

    Notes
    -----
    A sum of squares proves the q-th power of the gain up to rounding errors of the size of the largest gain. If the
    singular values of X differ by several orders of magnitude, only the least singular value gives a bound.

    The theorem on the smallest gain in theory/sums_of_squares of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> interval = hn.smallest_gain(np.eye(16), random_state=0)  # the vector (1, …, 1)/4
    >>> interval.lower <= 0.5 <= interval.upper, interval.is_exact()
    (True, True)
    """
    start = time.perf_counter()
    matrix = check_rows(X)
    q = _check_even(q)
    check_choice(method, "method", METHODS)
    tolerance, limit, rng = check_tolerance(rtol), check_time_limit(time_limit), check_generator(random_state)
    check_progress(progress)
    search = _Search(Rows.identified(matrix), int(q), rng, method, tolerance)
    climb = Climb(
        start,
        limit,
        lambda lower, upper: upper == lower or upper - lower <= tolerance * search.unit(lower),
        progress,
        is_minimum=True,
    )
    return search.run(climb)


def _check_even(q: Any) -> float:
    exponent = check_exponent(q)
    if exponent not in GAIN_EXPONENTS:
        raise InvalidInputError(f"q must be 4, 6 or 8, got {q!r}; there are no certificates for other exponents.")
    return exponent


class _Search:
    """The stages of one call, with their common state."""

    def __init__(self, rows: Rows, q: int, rng: np.random.Generator, method: str, rtol: float):
        self.rows, self.q, self.rng, self.method, self.rtol = rows, q, rng, method, rtol
        self.starts = np.empty((rows.shape[1], 0))

    def unit(self, lower: float) -> float:
        """The unit of the gap: the lower bound or, if that is zero, the length of the longest row."""
        if lower > 0:
            return lower
        return min(float(np.ldexp(self.rows.norms.max(), self.rows.exponent)), float(np.finfo(float).max))

    def run(self, climb: Climb) -> Interval[GainWitness, LowerGainCertificate]:
        n, d = self.rows.shape
        stages = [Stage("least singular value", partial(self._certify_spectrally, climb))]
        if n >= d:
            stages.append(Stage("descent", partial(self._improve_upper, climb)))
            if self._wants_gram():
                stages.append(Stage("sum of squares", partial(self._certify_by_squares, climb)))
        status = climb.run(stages)
        if climb.witness is None:
            self._offer_witness(climb, np.eye(d)[0])  # interrupted before any search
        return climb.interval(status, gain_text(self.q), unit=self.unit(climb.lower))

    def _wants_gram(self) -> bool:
        if self.method == "sos":
            check_solver_memory(self.rows.shape[1], self.q // 2, _REMEDY)  # before any work that an error would lose
        size = MonomialBasis.count(self.rows.shape[1], self.q // 2)
        return self.method == "sos" or (self.method == "auto" and size <= _LARGEST_GRAM_SIZE)

    def _offer_witness(self, climb: Climb, vector: np.ndarray) -> None:
        climb.offer_witness(GainWitness.of_rows(self.rows, vector, float(self.q)))

    def _offer(
        self,
        climb: Climb,
        form: str,
        value: Callable[[float], float],
        matrix: np.ndarray | None,
        begin: float,
        deadline: float = math.inf,
    ) -> None:
        """Prove a certificate, whose value is a function of the growth of the margin."""
        rows = self.rows

        def certificate(growth: float) -> LowerGainCertificate:
            return LowerGainCertificate(
                form=form,
                q=float(self.q),
                shape=rows.shape,
                fingerprint=rows.fingerprint,
                exponent=rows.exponent,
                value=max(value(growth), 0.0),
                matrices=(matrix,),
            )

        if climb.records and certificate(1.0).lower <= climb.lower:
            return  # no improvement
        proved, lower = first_proved(certificate, rows, deadline)
        climb.offer(proved, BoundRecord(kind=form, lower=lower, seconds=time.perf_counter() - begin))

    def _certify_spectrally(self, climb: Climb) -> None:
        """The bound m^{1−k} λ^k with the least eigenvalue λ of XᵀX, and its vector as a witness."""
        begin, (n, d) = time.perf_counter(), self.rows.shape
        if self.rows.is_zero or n < d:
            self._offer(climb, "second", lambda growth: 0.0, None, begin)
            self._offer_witness(climb, _kernel_vector(self.rows))
            return
        check_memory(6 * 8 * d * d, f"The matrix XᵀX for d = {d}", "reduce the number of columns, e.g. by a projection")
        moments = second_moments(self.rows)
        with product_threads(1 if d < SMALL else None):
            values, vectors = np.linalg.eigh(moments)
        trace = float(np.trace(moments))
        margin = 16 * UNIT * (5 * d + self.rows.depth(self.rows.block_rows()) + 24) * trace
        count, half = float(np.count_nonzero(self.rows.row_squares)), self.q // 2

        def value(growth: float) -> float:
            least = max(float(values[0]) - growth * margin, 0.0)
            return least**half / count ** (half - 1) * (1 - 16 * UNIT)

        self._offer(climb, "second", value, None, begin)
        if values[0] <= _SINGULAR * trace:
            # A factor of X, in place of XᵀX, has a vector that is accurate to full precision.
            vectors = svd(triangular_factor(self.rows, np.arange(d)), check_finite=False)[2][::-1].T
        self.starts = vectors[:, : max(1, _STARTS // 8)]
        self._offer_witness(climb, vectors[:, 0])

    def _improve_upper(self, climb: Climb, starts: np.ndarray | None = None) -> None:
        """Search from given starts, or from the standard ones."""
        known, count = (self.starts, _STARTS - self.starts.shape[1]) if starts is None else (starts, 0)
        vector = descend(self.rows, self.q, self.rng, known, n_starts=count, deadline=climb.deadline)
        if not climb.is_late:
            self._offer_witness(climb, vector)

    def _attained(self, climb: Climb) -> float:
        """The least known value of the scaled form; computed, not proved."""
        return float(norm_values(self.rows, climb.witness.vector[:, None], self.q)[0]) ** self.q

    def _certify_by_squares(self, climb: Climb) -> Status | None:
        """The least value of the form from the largest one of its mean minus the form, which the solver bounds."""
        begin, (d, half) = time.perf_counter(), (self.rows.shape[1], self.q // 2)
        check_solver_memory(d, half, _REMEDY)
        readable = check_time(plan("sos", self.q)[0], self.rows, 1.0, climb.deadline, half)
        mean = float(np.sum(self.rows.norms**self.q)) * math.prod((2 * k + 1) / (d + 2 * k) for k in range(half))
        # The proof shifts the diagonal by a multiple of the trace, and sums over the rows.
        size = MonomialBasis.count(d, half)
        margin = 16 * UNIT * (5 * size + self.rows.depth(self.rows.block_rows()) + 8 * d) * 2 * size * mean
        if self._attained(climb) <= margin:
            return None  # rounding would hide it
        classes = GramClasses(d, half)
        coefficients = form_coefficients(moment_matrix(until(self.rows, readable), half), half, classes)
        identity = np.diag(classes.weights**2)
        excess = mean * classes.coefficients(identity, weighted=False) - coefficients
        H, least, stop = mean * identity, mean, None
        if classes.norm(excess) > _CONSTANT * mean:
            solver = SosSolver(excess, classes, self.rng)
            stop = self._solve(climb, solver, mean)
            least = mean - solver.bound
            H -= solver.finish() * np.outer(classes.weights, classes.weights)
            H = (H + H.T) / 2
        H.setflags(write=False)
        rest = classes.norm(coefficients - classes.coefficients(H, weighted=False))
        if not climb.is_late:
            # The bound of the solver is accurate relative to its scale only.
            G = H / np.outer(classes.weights, classes.weights)
            least = float(eigh(G, eigvals_only=True, subset_by_index=(0, 0), check_finite=False)[0])
        self._offer(climb, "sos", lambda growth: least - rest - growth * margin, H, begin, deadline=climb.deadline)
        return Status.INTERRUPTED if stop is Status.INTERRUPTED else None

    def _solve(self, climb: Climb, solver: SosSolver, mean: float) -> Status:
        least = attained = self._attained(climb)
        calls = 0

        def largest(candidates: np.ndarray | None) -> float:
            """The largest known value of the mean minus the form.

            A descent from the candidates costs more than some iterations, so it is made if they are better than the
            known vector, and after a number of calls that doubles.
            """
            nonlocal calls, least
            if candidates is not None:
                calls += 1
                better = float(norm_values(self.rows, candidates, self.q).min()) ** self.q < least * (1 - self.rtol)
                if better or calls & (calls - 1) == 0:
                    self._improve_upper(climb, candidates)
                    least = min(least, self._attained(climb))
            return mean - least

        def tell(progress: SosProgress) -> None:
            lower, upper = mean - progress.bound, mean - progress.lower
            climb.tell(f"sos: iteration {progress.iteration}, rank {progress.rank}, form {lower:.6g} to {upper:.6g}")

        deadline = climb.deadline
        if math.isfinite(deadline):
            deadline -= closing_seconds(self.rows.shape[1], self.q // 2)
        return solver.run(
            largest,
            rtol=_SHARE * self.q * self.rtol * attained / max(mean - attained, _CONSTANT * mean),
            max_iter=_MAX_ITER,
            deadline=deadline,
            report=tell,
            patience=max(_PATIENCE // solver.classes.size, _LEAST_PATIENCE),
        )


def _kernel_vector(rows: Rows) -> np.ndarray:
    """A vector v with Xv = 0 up to rounding, for fewer rows than columns or a matrix of zeros."""
    n, d = rows.shape
    v = np.zeros(d)
    if rows.is_zero:
        v[0] = 1.0
        return v
    check_memory(4 * 8 * n * n, f"A vector of the kernel for n = {n} rows", "give a matrix with at least d rows")

    def partial(rows: Rows, part: range) -> np.ndarray:
        block = rows.operand(part.start, part.stop)[:, : n + 1]
        return np.asarray(block if isinstance(block, np.ndarray) else block.toarray())

    columns = np.concatenate(list(rows.partials(partial, rows.ranges(rows.block_rows()))))
    v[: n + 1] = np.linalg.qr(columns.T, mode="complete")[0][:, -1]
    return v
