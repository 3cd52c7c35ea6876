"""The main function of the package: a proved interval for the 2→q norm."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
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
from hypernorm.bounds.candidates import best_candidates
from hypernorm.bounds.climb import Climb, Progress, Stage
from hypernorm.bounds.interval import BoundRecord, Interval, Status
from hypernorm.bounds.power import search
from hypernorm.bounds.propose import Proposed, Search, propose
from hypernorm.bounds.reduction import Reduction
from hypernorm.bounds.sos_solver import SosProgress, check_solver_memory
from hypernorm.bounds.split_forms import side_of
from hypernorm.certificates import (
    KINDS,
    Factor,
    MatrixNormCertificate,
    NormCertificate,
    Witness,
    is_available,
    plan,
)
from hypernorm.forms import MonomialBasis, Rows

__all__ = ["METHODS", "two_to_q_norm"]

METHODS = ("auto", "spectral", "sos")

# "auto" does not try larger moment and Gram matrices, which take minutes.
_LARGEST_GRAM_SIZE = 2200
# Up to this size a sum of squares takes about a second, and the realigned and split bounds would not improve on it.
_SMALL_GRAM_SIZE = 1000
# Larger splits are not tried unless asked for; this side takes about a minute. Where a sum of squares follows, a split
# must be cheap beside it: the side of its problems is at most a quarter of that of the Gram matrix.
_LARGEST_SPLIT_SIDE = 2500
_SPLIT_PART = 4
# So many candidates cost about twelve steps of the search from the standard starts; more are tried only if needed.
_FEW_CANDIDATES = 3000


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
    and cost: row norm, flattening, realigned, moment, split, sum of squares. The climb ends when lower and upper bound
    meet.

    For q = 4 the upper bound is at most d^{1/8} times the lower one for every X, up to the tolerance: the realigned
    certificate comes with vectors of which one is that good (docs/theory/lower_bounds.md). Only a time limit, an
    interruption or a realigned bound that rounding errors leave unproved can prevent this.

    Parameters
    ----------
    X : array_like, DataFrame, sparse matrix or Dask array of shape (n, d)
        Real and finite. Dense of any type and layout, memory-mapped, scipy sparse, or a pandas frame.
    q : float, default 4
        Exponent, 2 ≤ q ≤ ∞. For q = 2 and q = ∞ the interval is exact up to rounding.
    method : {"auto", "spectral", "sos"}, default "auto"
        The strongest family of certificates to try: ``"spectral"``, eigenvalues only; ``"sos"``, sums of squares of any
        size; ``"auto"``, sums of squares if the Gram matrix has at most 2,200 rows (d ≤ 65 for q = 4). A split bound is
        tried if its eigenvalue problems have at most 2,500 rows, and a quarter of those of a Gram matrix that follows.
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
        status = climb.run(self._stages(climb))
        if climb.witness is None:
            # Interrupted before any search: the longest row is the witness.
            self._offer_witness(climb, search(self.rows, math.inf, self.rng))
        return climb.interval(status, norm_text(self.q), unit=climb.lower)

    def _stages(self, climb: Climb) -> Iterator[Stage]:
        yield Stage("row norm", partial(self._certify, climb, "row_norm", math.inf))
        yield Stage("lower bound", partial(self._improve_lower, climb, None))
        kinds = self._kinds()
        for kind in kinds:
            yield Stage(kind.replace("_", " "), partial(self._certify, climb, kind, climb.deadline))
        if "realigned" not in kinds and not self._within_factor(climb):
            yield Stage("realigned", partial(self._certify, climb, "realigned", climb.deadline))

    def _within_factor(self, climb: Climb) -> bool:
        """Whether the ratio of the bounds is at most d^{1/8}, as promised for q = 4."""
        return self.q != 4 or climb.upper <= climb.lower * self.rows.shape[1] ** 0.125 or math.isinf(climb.upper)

    def _kinds(self) -> list[str]:
        """The kinds of certificates that are worth their cost, cheapest first."""
        d = self.rows.shape[1]
        half = math.ceil(self.q / 2) if math.isfinite(self.q) else 0
        unwanted = set()
        if half <= 2 or MonomialBasis.count(d, half) > _LARGEST_GRAM_SIZE:  # degree 4 is the flattening
            unwanted.add("moment")
        gram = max((side for factor in self._sos_factors() for side in factor.sides(d)[:1]), default=0)
        largest_split = _LARGEST_SPLIT_SIDE
        if self.method == "spectral" or (self.method == "auto" and gram > _LARGEST_GRAM_SIZE):
            unwanted.add("sos")
        elif gram:
            largest_split = min(largest_split, gram // _SPLIT_PART)
            if gram <= _SMALL_GRAM_SIZE:
                unwanted |= {"realigned", "split"}
        if side_of(*self.rows.shape) > largest_split:
            unwanted.add("split")
        return [kind for kind in KINDS[1:] if is_available(kind, self.q) and kind not in unwanted]

    def _sos_factors(self) -> list[Factor]:
        factors = plan("sos", self.q) if is_available("sos", self.q) else ()
        return [factor for factor in factors if factor.form == "sos"]

    def _certify(self, climb: Climb, kind: str, deadline: float) -> Status | None:
        begin = time.perf_counter()

        def tell(progress: SosProgress) -> None:
            gap = progress.bound / progress.lower - 1 if progress.lower > 0 else math.inf
            step = "iteration" if kind == "sos" else "round"
            climb.tell(f"{kind}: {step} {progress.iteration}, rank {progress.rank}, gap of the form {gap:.1e}")

        options = Search(
            rtol=self.rtol if kind == "sos" else min(1e-8, self.rtol / 10),
            deadline=deadline,
            rng=self.rng,
            report=tell,
            to_beat=climb.upper,
            start=None if climb.witness is None else self.data.lowered(climb.witness.vector),
        )
        proposed = propose(self.data, self.q, kind, options)
        seconds = time.perf_counter() - begin
        climb.offer(proposed.certificate, BoundRecord(kind=kind, upper=proposed.upper, seconds=seconds))
        if not climb.is_late:
            starts = self._starts(climb, kind, proposed)
            if starts.size:
                self._improve_lower(climb, starts)
        # After any other end of a sum-of-squares solve, a gap is reported as usual.
        return Status.INTERRUPTED if proposed.stop is Status.INTERRUPTED else None

    def _starts(self, climb: Climb, kind: str, proposed: Proposed) -> np.ndarray:
        """Starts that the certificate suggests, the best candidate first."""
        n, d = self.rows.shape
        if kind != "realigned" or self.q != 4 or (2 * n + d > _FEW_CANDIDATES and self._within_factor(climb)):
            return proposed.vectors
        found = proposed.certificate
        U = (found if isinstance(found, NormCertificate) else found.norm).matrices[-1]
        assert U is not None
        return np.hstack([best_candidates(self.rows, U, climb.deadline), proposed.vectors])

    def _improve_lower(self, climb: Climb, starts: np.ndarray | None) -> None:
        """Search from the standard starts, or from the columns `starts` that a certificate suggests."""
        count = 128 if starts is None else 0
        vector = search(self.rows, self.q, self.rng, n_starts=count, starts=starts, deadline=climb.deadline)
        if climb.witness is not None and climb.is_late:
            return  # no time is left to prove its value
        self._offer_witness(climb, vector)

    def _offer_witness(self, climb: Climb, vector: np.ndarray) -> None:
        climb.offer_witness(Witness.of_rows(self.data.whole, self.data.lifted(vector), self.q))
