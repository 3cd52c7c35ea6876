"""The main function of the package: a proved interval for the 2→q norm."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from hypernorm._arguments import (
    Seed,
    check_choice,
    check_exponent,
    check_generator,
    check_progress,
    check_time_limit,
    check_tolerance,
)
from hypernorm._arithmetic import own_arithmetic
from hypernorm._display import norm_text
from hypernorm._validation import check_rows
from hypernorm.bounds.climb import Climb, Progress, Stage
from hypernorm.bounds.interval import BoundRecord, Interval, Status
from hypernorm.bounds.power import search
from hypernorm.bounds.propose import Search, propose
from hypernorm.bounds.reduction import Reduction
from hypernorm.bounds.sos_solver import SosProgress, check_solver_memory
from hypernorm.bounds.touching import propose_touching, touching_degrees
from hypernorm.certificates import (
    KINDS,
    Factor,
    MatrixNormCertificate,
    Witness,
    is_available,
    plan,
)
from hypernorm.forms import MonomialBasis, Rows

__all__ = ["METHODS", "two_to_q_norm"]

METHODS = ("auto", "spectral", "sos")

# "auto" does not try larger moment and Gram matrices, which take minutes.
_LARGEST_GRAM_SIZE = 2200
# Up to this size a sum of squares takes about a second, and the realigned bound would not improve on it.
_SMALL_GRAM_SIZE = 1000


@own_arithmetic
def two_to_q_norm(
    X: Any,
    q: float = 4,
    *,
    method: str = "auto",
    rtol: float = 1e-6,
    time_limit: float | None = None,
    random_state: Seed = None,
    progress: bool | Callable[[Progress], None] = False,
) -> Interval[Witness, MatrixNormCertificate]:
    """Compute a proved interval for the 2→q norm, max ‖Xv‖_q over unit vectors v.

    The lower bound comes from the generalised power method, the upper bounds from certificates of growing strength
    and cost: row norm, flattening, realigned, moment, sum of squares, touching points. The climb ends when lower and
    upper bound meet.

    Parameters
    ----------
    X : array_like, DataFrame, sparse matrix or Dask array of shape (n, d)
        Real and finite. Dense of any type and layout, memory-mapped, scipy sparse, or a pandas frame.
    q : float, default 4
        Exponent, 2 ≤ q ≤ ∞. For q = 2 and q = ∞ the interval is exact up to rounding.
    method : {"auto", "spectral", "sos"}, default "auto"
        The strongest family of certificates to try: ``"spectral"``, eigenvalues only; ``"sos"``, sums of squares of any
        size; ``"auto"``, sums of squares if the Gram matrix has at most 2,200 rows (d ≤ 65 for q = 4).
    rtol : float, default 1e-6
        Relative gap at which the bounds count as meeting.
    time_limit : float, optional
        Seconds after which the search ends; only the proof of its result follows. A certificate that would take longer
        is not started. The cheapest certificate is always computed.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState
        Source of the random starting points.
    progress : bool or callable, default False
        True writes a line per stage to the standard error; a callable receives a `Progress` instead.

    Returns
    -------
    Interval

    Raises
    ------
    InvalidInputError
        If an argument cannot be used or the work cannot fit in memory.
    KeyboardInterrupt
        Only if it arrives before the first certificate; later, the interval proved so far is returned.

    See Also
    --------
    lower_bound, spectral_bound, sos_bound : One of the bounds.
    approximation_factor : Proved worst case of an upper bound.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> interval = hn.two_to_q_norm(np.eye(4), q=4, random_state=0)
    >>> interval.lower <= 1 <= interval.upper, interval.is_exact()
    (True, True)
    """
    start = time.perf_counter()
    matrix = check_rows(X)
    q = check_exponent(q)
    check_choice(method, "method", METHODS)
    tolerance, limit, rng = check_tolerance(rtol), check_time_limit(time_limit), check_generator(random_state)
    check_progress(progress)
    stages = _Search(Reduction(Rows.identified(matrix)), q, rng, method, tolerance)
    climb = Climb(start, limit, lambda lower, upper: upper <= lower * (1 + tolerance) < math.inf, progress)
    return stages.run(climb)


class _Search:
    """The stages of one call, with their common state."""

    def __init__(self, data: Reduction, q: float, rng: np.random.Generator, method: str, rtol: float):
        self.data, self.q, self.rng, self.method, self.rtol = data, q, rng, method, rtol
        self.rows = data.rows

    def run(self, climb: Climb) -> Interval[Witness, MatrixNormCertificate]:
        if self.method == "sos":
            for factor in self._sos_factors():  # before any work that an error would lose
                check_solver_memory(self.rows.shape[1], factor.order // 2)
        status = climb.run(
            [
                Stage("row norm", partial(self._certify, climb, "row_norm", math.inf)),
                Stage("lower bound", partial(self._improve_lower, climb, None)),
                *(
                    Stage(kind.replace("_", " "), partial(self._certify, climb, kind, climb.deadline))
                    for kind in self._kinds()
                ),
                *(
                    Stage("touching points", partial(self._certify, climb, "touching", climb.deadline, degree))
                    for degree in self._touching_degrees()
                ),
            ]
        )
        if climb.witness is None:
            # Interrupted before any search: the longest row is the witness.
            self._offer_witness(climb, search(self.rows, math.inf, self.rng))
        return climb.interval(status, norm_text(self.q), unit=climb.lower)

    def _kinds(self) -> list[str]:
        """The kinds of certificates that are worth their cost, cheapest first."""
        d = self.rows.shape[1]
        half = math.ceil(self.q / 2) if math.isfinite(self.q) else 0
        unwanted = set()
        if half <= 2 or MonomialBasis.count(d, half) > _LARGEST_GRAM_SIZE:  # degree 4 is the flattening
            unwanted.add("moment")
        gram = max((side for factor in self._sos_factors() for side in factor.sides(d)[:1]), default=0)
        if self.method == "spectral" or (self.method == "auto" and gram > _LARGEST_GRAM_SIZE):
            unwanted.add("sos")
        elif 0 < gram <= _SMALL_GRAM_SIZE:
            unwanted.add("realigned")
        return [kind for kind in KINDS[1:] if is_available(kind, self.q) and kind not in unwanted]

    def _touching_degrees(self) -> list[int]:
        """The degrees of touching certificates that are worth their cost, ascending."""
        even = {factor.order for factor in self._sos_factors()} == {self.q}
        if self.method == "spectral" or (even and "sos" in self._kinds()):
            return []
        return touching_degrees(self.q, self.rows.shape, math.inf if self.method == "sos" else _LARGEST_GRAM_SIZE)

    def _sos_factors(self) -> list[Factor]:
        factors = plan("sos", self.q) if is_available("sos", self.q) else ()
        return [factor for factor in factors if factor.form == "sos"]

    def _certify(self, climb: Climb, kind: str, deadline: float, degree: int = 0) -> Status | None:
        begin = time.perf_counter()

        def tell(progress: SosProgress) -> None:
            gap = progress.bound / progress.lower - 1 if progress.lower > 0 else math.inf
            climb.tell(f"{kind}: iteration {progress.iteration}, rank {progress.rank}, gap of the form {gap:.1e}")

        options = Search(
            rtol=self.rtol if kind in ("sos", "touching") else min(1e-8, self.rtol / 10),
            deadline=deadline,
            rng=self.rng,
            report=tell,
            to_beat=climb.upper,
            start=None if climb.witness is None else self.data.lowered(climb.witness.vector),
        )
        if degree:
            proposed = propose_touching(self.data, self.q, degree, options)
        else:
            proposed = propose(self.data, self.q, kind, options)
        seconds = time.perf_counter() - begin
        climb.offer(proposed.certificate, BoundRecord(kind=kind, upper=proposed.upper, seconds=seconds))
        if proposed.vectors.size and not climb.is_late:
            self._improve_lower(climb, proposed.vectors)
        # After any other end of a sum-of-squares solve, a gap is reported as usual.
        return Status.INTERRUPTED if proposed.stop is Status.INTERRUPTED else None

    def _improve_lower(self, climb: Climb, starts: np.ndarray | None) -> None:
        """Search from the standard starts, or from the columns `starts` that a certificate suggests."""
        count = 128 if starts is None else 0
        vector = search(self.rows, self.q, self.rng, n_starts=count, starts=starts, deadline=climb.deadline)
        if climb.witness is not None and climb.is_late:
            return  # no time is left to prove its value
        self._offer_witness(climb, vector)

    def _offer_witness(self, climb: Climb, vector: np.ndarray) -> None:
        climb.offer_witness(Witness.of_rows(self.data.whole, self.data.lifted(vector), self.q))
