"""The main function of the package: a proved interval for the 2→q norm."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from hypernorm._arguments import (
    Seed,
    check_choice,
    check_count,
    check_exponent,
    check_flag,
    check_generator,
    check_progress,
    check_time_limit,
    check_tolerance,
)
from hypernorm._arithmetic import own_arithmetic
from hypernorm._complex import is_complex
from hypernorm._display import norm_text
from hypernorm._validation import check_rows
from hypernorm.bounds.candidates import best_candidates
from hypernorm.bounds.checkpoint import check_checkpoint, keep_checkpoint, sos_problem
from hypernorm.bounds.climb import Climb, Progress, Stage
from hypernorm.bounds.complex_norm import ComplexNorm
from hypernorm.bounds.interval import BoundRecord, Interval, Status
from hypernorm.bounds.power import check_starts, search
from hypernorm.bounds.propose import Proposed, Search, propose
from hypernorm.bounds.reduction import Reduction
from hypernorm.bounds.sample_moment import SampleMoment
from hypernorm.bounds.sos_matrix import check_solver_memory
from hypernorm.bounds.sos_solver import SosProgress
from hypernorm.bounds.split_forms import side_of
from hypernorm.bounds.touching import propose_touching, touching_degrees
from hypernorm.certificates import (
    KINDS,
    Factor,
    MatrixNormCertificate,
    ReducedCertificate,
    Witness,
    is_available,
    plan,
)
from hypernorm.exceptions import InvalidInputError
from hypernorm.forms import MonomialBasis, Rows

__all__ = ["METHODS", "Method", "two_to_q_norm"]

Method: TypeAlias = Literal["auto", "spectral", "sos"]
METHODS: tuple[Method, ...] = get_args(Method)

# "auto" does not try larger moment and Gram matrices, which take minutes.
_LARGEST_GRAM_SIZE = 2200
# Up to this size a sum of squares takes about a second, and the realigned and split bounds would not improve on it.
_SMALL_GRAM_SIZE = 1000
# Larger splits are not tried unless asked for; this side takes about a minute. Where a sum of squares follows, a split
# must be cheap beside it: the side of its problems is at most a quarter of that of the Gram matrix.
_LARGEST_SPLIT_SIDE = 2500
_SPLIT_PART = 4
# A second touching certificate of a degree above q + 2 takes about ten seconds and is tried only for a larger gap.
_SMALL_GAP = 0.01
# So many candidates cost about twelve steps of the search from the standard starts; more are tried only if needed.
_FEW_CANDIDATES = 3000


@own_arithmetic
def two_to_q_norm(
    X: Any,
    q: float = 4,
    *,
    center: Any = False,
    sample_weight: Any = None,
    normalize: bool = False,
    method: Method = "auto",
    rtol: float = 1e-6,
    time_limit: float | None = None,
    n_starts: int = 128,
    starts: Any = None,
    checkpoint: str | PathLike[str] | None = None,
    random_state: Seed = None,
    progress: bool | Callable[[Progress], None] = False,
) -> Interval[Any, Any]:
    """Compute a proved interval for the 2→q norm, max ‖Xv‖_q over unit vectors v, or for a moment of samples.

    With a center c, weights w and `normalize` it is the largest moment (Σ w_i |⟨x_i − c, v⟩|^q / Σ w_i)^{1/q} of the
    rows in any direction v. The lower bound comes from the generalised power method, the upper bounds from
    certificates of growing strength and cost: row norm, flattening, realigned, moment, split, sum of squares, touching
    points. The climb ends when lower and upper bound meet.

    For q = 4 the upper bound is at most d^{1/8} times the lower one for every X, up to the tolerance: the realigned
    certificate comes with vectors of which one is that good (theory/lower_bounds of the documentation). Only a time
    limit, an interruption or a realigned bound that rounding errors leave unproved can prevent this.

    Parameters
    ----------
    X : array_like, DataFrame, sparse matrix or Dask array of shape (n, d)
        Finite. Dense of any type and layout, memory-mapped, scipy sparse, or a pandas frame. Real; or complex, for
        q = 2, 4, 6, 8 and ∞ without center, weights and `normalize`, and then v is complex.
    q : float, default 4
        Exponent, 2 ≤ q ≤ ∞. For q = 2 and q = ∞ the interval is exact up to rounding.
    center : bool or array_like of shape (d,), default False
        What is subtracted from every row: True stands for the exact mean of the rows, for their weights if there are
        some. A sparse matrix becomes dense block by block. The moment depends on the units of the columns.
    sample_weight : array_like of shape (n,), optional
        Weights w_i ≥ 0 in Σ w_i |⟨x_i, v⟩|^q; by default ones. For q = ∞ the rows with positive weight count, however
        large it is.
    normalize : bool, default False
        Divide the sum by n, or by the sum of the weights; without effect for q = ∞.
    method : {"auto", "spectral", "sos"}, default "auto"
        The strongest family of certificates to try: ``"spectral"``, eigenvalues only; ``"sos"``, sums of squares of any
        size; ``"auto"``, sums of squares if the Gram matrix has at most 2,200 rows (d ≤ 65 for q = 4). A split bound is
        tried if its eigenvalue problems have at most 2,500 rows, and a quarter of those of a Gram matrix that follows.
    rtol : float, default 1e-6
        Relative gap at which the bounds count as meeting.
    time_limit : float, optional
        Seconds after which the search ends; only the proof of its result follows. A certificate that would take longer
        is not started. The cheapest certificate is always computed.
    n_starts : int, default 128
        Number of starting points of the power method, as for `lower_bound`.
    starts : array_like of shape (k, d), optional
        Further starting points.
    checkpoint : path, optional
        File for the state of the sum-of-squares solve, as for `sos_bound`, or of the split bound if there is no such
        solve; not used if there is neither. With it, a solve makes at least one iteration for any `time_limit`, so that
        repeated calls with short limits make progress.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState
        Source of the random starting points.
    progress : bool or callable, default False
        True writes a line per stage to the standard error; a callable receives a `Progress` instead.

    Returns
    -------
    Interval
        With a `Witness` and a `NormCertificate` or `ReducedCertificate`. If `center`, `sample_weight` or `normalize` is
        given, with a `SampleMomentWitness` and a `SampleMomentCertificate`, whose bounds are about the exact moment of
        the rows of X: the rounding of the mean and of the rows is included. For a complex X, with a `ComplexWitness`
        and a `ComplexNormCertificate`.

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
    hypernorm.robust.certify_covariance : Proves a bound on the kurtosis in every direction, whatever the units are.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> interval = hn.two_to_q_norm(np.eye(4), q=4, random_state=0)
    >>> interval.lower <= 1 <= interval.upper, interval.is_exact()
    (True, True)

    The fourth central moment of samples in the direction where it is largest:

    >>> samples = np.random.default_rng(0).standard_normal((500, 3)) + 1000
    >>> moment = hn.two_to_q_norm(samples, q=4, center=True, normalize=True, random_state=0)
    >>> moment.is_exact(), 1.2 < moment.lower < 1.5  # 3^(1/4) = 1.32 for a Gaussian distribution
    (True, True)
    """
    start = time.perf_counter()
    matrix = None if is_complex(X) else check_rows(X)
    q = check_exponent(q)
    check_choice(method, "method", METHODS)
    tolerance, limit, rng = check_tolerance(rtol), check_time_limit(time_limit), check_generator(random_state)
    check_progress(progress)
    check_count(n_starts, "n_starts")
    path = check_checkpoint(checkpoint)
    is_centered = not isinstance(center, bool | np.bool_) or bool(center)
    is_plain = not (check_flag(normalize, "normalize") or is_centered or sample_weight is not None)
    moment: SampleMoment | ComplexNorm | None = None
    if matrix is None:
        if not is_plain:
            raise InvalidInputError("X is complex; center, sample_weight and normalize apply to real samples only.")
        moment = ComplexNorm(X, q)
        columns, rows = moment.starts(starts), moment.rows
    else:
        columns = check_starts(starts, int(matrix.shape[1]))
        moment = None if is_plain else SampleMoment(matrix, q, center, sample_weight, normalize)
        rows = Rows.identified(matrix) if moment is None else moment.rows

    def meets(lower: float, upper: float) -> bool:
        if moment is not None:
            lower, upper = moment.below(lower), moment.above(upper)
        return upper <= lower * (1 + tolerance) < math.inf

    saved = None if path is None else (path, rows.fingerprint if moment is None else moment.fingerprint)
    stages = _Search(Reduction(rows), q, rng, method, tolerance, n_starts, columns, saved)
    climb = Climb(start, limit, meets, progress if moment is None else moment.reporting(progress))
    interval = stages.run(climb)
    return interval if moment is None else moment.interval(interval, time.perf_counter() - start)


class _Search:
    """The stages of one call, with their common state."""

    def __init__(
        self,
        data: Reduction,
        q: float,
        rng: np.random.Generator,
        method: str,
        rtol: float,
        n_starts: int,
        starts: np.ndarray,
        saved: tuple[Path, str] | None,
    ):
        self.data, self.q, self.rng, self.method, self.rtol = data, q, rng, method, rtol
        self.rows = data.rows
        self.n_starts, self.starts = n_starts, data.lowered(starts) if starts.size else None
        self.saved = saved

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
            yield Stage(
                kind.replace("_", " "),
                partial(self._certify, climb, kind, climb.deadline),
                always=kind == self._saved_kind(),
            )
        degrees = self._touching_degrees()
        for degree in degrees:
            if degree > max(self.q + 2, degrees[0]) and climb.upper <= climb.lower * (1 + _SMALL_GAP):
                continue
            yield Stage("touching points", partial(self._certify, climb, "touching", climb.deadline, degree))
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

    def _saved_kind(self) -> str | None:
        """The kind whose search keeps the checkpoint, if there is one: the last that can."""
        kept = [] if self.saved is None else self._kinds()
        return next((kind for kind in ("sos", "split") if kind in kept), None)

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
            step = "round" if kind == "split" else "iteration"
            climb.tell(f"{kind}: {step} {progress.iteration}, rank {progress.rank}, gap of the form {gap:.1e}")

        options = Search(
            rtol=self.rtol if kind in ("sos", "touching") else min(1e-8, self.rtol / 10),
            deadline=deadline,
            rng=self.rng,
            report=tell,
            to_beat=climb.upper,
            start=None if climb.witness is None else self.data.lowered(climb.witness.vector),
        )
        if self.saved is not None and kind == self._saved_kind():  # the first is for the type checker
            path, fingerprint = self.saved
            highest = max((factor.order for factor in self._sos_factors()), default=0)
            keep_checkpoint(options, path, fingerprint, self.q, sos_problem(highest) if kind == "sos" else kind)
        if degree:
            proposed = propose_touching(self.data, self.q, degree, options)
        else:
            proposed = propose(self.data, self.q, kind, options)
        seconds = time.perf_counter() - begin
        climb.offer(proposed.certificate, BoundRecord(kind=kind, upper=proposed.upper, seconds=seconds))
        if not climb.is_late:
            starts = self._starts(climb, kind, proposed)
            if starts.size:
                self._improve_lower(climb, starts)
        # After any other end of a solve, a gap is reported as usual.
        return proposed.stop if proposed.stop in (Status.INTERRUPTED, Status.TIME_LIMIT) else None

    def _starts(self, climb: Climb, kind: str, proposed: Proposed) -> np.ndarray:
        """Starts that the certificate suggests, the best candidate first."""
        n, d = self.rows.shape
        if kind != "realigned" or self.q != 4 or (2 * n + d > _FEW_CANDIDATES and self._within_factor(climb)):
            return proposed.vectors
        found = proposed.certificate
        norm = found.norm if isinstance(found, ReducedCertificate) else found
        U = norm.matrices[-1]
        assert U is not None
        return np.hstack([best_candidates(self.rows, U, climb.deadline), proposed.vectors])

    def _improve_lower(self, climb: Climb, starts: np.ndarray | None) -> None:
        """Search from the standard starts, or from the columns `starts` that a certificate suggests."""
        count, given = (self.n_starts, self.starts) if starts is None else (0, starts)
        vector = search(self.rows, self.q, self.rng, n_starts=count, starts=given, deadline=climb.deadline)
        if climb.witness is not None and climb.is_late:
            return  # no time is left to prove its value
        self._offer_witness(climb, vector)

    def _offer_witness(self, climb: Climb, vector: np.ndarray) -> None:
        climb.offer_witness(Witness.of_rows(self.data.whole, self.data.lifted(vector), self.q))
