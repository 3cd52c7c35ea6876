"""Sum-of-squares bounds: the public function on top of the structured solver."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from os import PathLike
from typing import Any

from hypernorm._arguments import Seed, check_count, check_exponent, check_generator, check_time_limit, check_tolerance
from hypernorm._arithmetic import own_arithmetic
from hypernorm._validation import check_rows
from hypernorm._warnings import warn_caller
from hypernorm.bounds.checkpoint import check_checkpoint, keep_checkpoint, sos_problem
from hypernorm.bounds.deadlines import DeadlineError
from hypernorm.bounds.interval import Status
from hypernorm.bounds.propose import Proposed, Search, instead_of, propose
from hypernorm.bounds.reduction import Reduction
from hypernorm.bounds.sos_solver import SosProgress
from hypernorm.bounds.touching import propose_touching, touching_degrees
from hypernorm.certificates import DEGREES, MatrixNormCertificate, is_available, plan
from hypernorm.exceptions import CertificateError, ChangedDataError, InvalidInputError
from hypernorm.forms import Rows

__all__ = ["sos_bound"]

_LARGEST_DEGREE = 12
# Why a solve ended early, for the warning.
_REASONS = {
    Status.TIME_LIMIT: "the time limit was reached",
    Status.MAX_ITERATIONS: "the limit on iterations was reached",
    Status.INTERRUPTED: "the computation was interrupted",
}


@own_arithmetic
def sos_bound(
    X: Any,
    q: float = 4,
    *,
    degree: int | None = None,
    rtol: float = 1e-6,
    max_iter: int = 2000,
    time_limit: float | None = None,
    single_precision: bool = False,
    checkpoint: str | PathLike[str] | None = None,
    random_state: Seed = None,
    progress: Callable[[SosProgress], None] | None = None,
) -> MatrixNormCertificate:
    """Bound max ‖Xv‖_q over unit vectors v from above by a sum of squares, with a proved certificate.

    For q = 4, 6, 8 and degree D the bound is the least λ for which λ‖v‖^D − ‖v‖^{D−q} Σ ⟨x_i, v⟩^q is a sum of squares.
    On random matrices the degree-4 bound is nearly always the norm itself. For other exponents two bounds are computed,
    and the better one is returned: the degree-4 bound of the reweighted matrix with Hölder's inequality, see
    `hypernorm.certificates.plan`, and a sum of squares for polynomials that touch the power, one for each row, see
    `TouchingCertificate`.

    Parameters
    ----------
    X : array_like, DataFrame, sparse matrix or Dask array of shape (n, d)
    q : float, default 4
        Exponent, 2 < q < ∞.
    degree : int, optional
        Even degree of the sum of squares; by default q for q = 4, 6, 8, and otherwise 4, or 6 or 8 for few columns. A
        higher degree costs more and may close a gap that a lower one leaves.
    rtol : float, default 1e-6
        Relative gap to the best vector, in the norm, at which the solver stops.
    max_iter : int, default 2000
        Limit on the iterations.
    time_limit : float, optional
        Seconds after which the solver stops; its result is still proved. If the limit is too short for a first bound,
        the row-norm bound is returned.
    single_precision : bool, default False
        Round the certificate to single precision, which halves its file and costs about 1e-7 of the bound.
    checkpoint : path, optional
        File for the state of the solver, written every half minute and at the end. If it exists, the solve continues
        from it. At least one iteration is made for any `time_limit`, so that repeated calls with short limits make
        progress. Touching points are left out, as they have no checkpoints.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState
    progress : callable, optional
        Receives a `SosProgress` every few iterations.

    Returns
    -------
    NormCertificate, TouchingCertificate or ReducedCertificate
        The last if X has more columns than rows, dependent columns or columns of zeros. Already proved once, in
        floating point with rounding errors bounded.

    Raises
    ------
    InvalidInputError
        If an argument cannot be used or the work cannot fit in memory.

    Warns
    -----
    ConvergenceWarning
        If a limit or an interruption stopped the solver; the bound is proved but may be improved. Also if the row-norm
        bound is returned in its place.

    See Also
    --------
    spectral_bound : Cheaper bounds.
    conic_bound : The same bound from a general conic solver.
    two_to_q_norm : Lower and upper bounds.

    Notes
    -----
    The relaxation is Proposition 1 of theory/sums_of_squares of the documentation, which has the theorem on
    touching points too.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> X = np.random.default_rng(0).standard_normal((60, 6))
    >>> certificate = hn.sos_bound(X, q=4, random_state=0)
    >>> certificate.upper / hn.lower_bound(X, q=4, random_state=0).value < 1 + 1e-6
    True
    """
    start = time.perf_counter()
    matrix = check_rows(X)
    q = check_exponent(q)
    if not is_available("sos", q):
        raise InvalidInputError(
            f"q must be larger than 2 and finite, got {q:g}; for q = 2 and ∞ the row norm is exact."
        )
    tolerance, limit, rng = check_tolerance(rtol), check_time_limit(time_limit), check_generator(random_state)
    check_count(max_iter, "max_iter")
    half, path = _check_degree(degree, q), check_checkpoint(checkpoint)
    data = Reduction(Rows.identified(matrix))
    deadline = math.inf if limit is None else start + limit
    options = Search(tolerance, deadline, rng, max_iter, half, single_precision, progress)
    if path is not None:
        keep_checkpoint(options, path, data.whole.fingerprint, q, sos_problem(2 * half))
    try:
        proposed = propose(data, q, "sos", options)
        if checkpoint is None and proposed.stop is not Status.INTERRUPTED:
            proposed = _better(proposed, data, q, degree, options)
    except DeadlineError:
        return instead_of("sum-of-squares", "row_norm", propose(data, q, "row_norm", Search()))
    if proposed.stop in _REASONS:
        reason = _REASONS[proposed.stop]
        warn_caller(f"The sum-of-squares solver ended early: {reason}; the bound is proved but may be improved.")
    return proposed.certificate


def _better(proposed: Proposed, data: Reduction, q: float, degree: int | None, options: Search) -> Proposed:
    """The better of a bound and one with touching points, if there are any for this exponent."""
    possible = touching_degrees(q, data.rows.shape)
    if q in (4, 6, 8) or not possible:
        return proposed
    chosen = possible[0] if degree is None else min(degree, DEGREES[-1])
    try:
        touching = propose_touching(data, q, chosen, options)
    except ChangedDataError:
        raise
    except (CertificateError, DeadlineError):
        return proposed
    return touching if touching.upper < proposed.upper else proposed


def _check_degree(degree: int | None, q: float) -> int:
    least = max(factor.order for factor in plan("sos", q))
    if degree is None:
        return least // 2
    check_count(degree, "degree")
    if degree % 2 or not least <= degree <= _LARGEST_DEGREE:
        raise InvalidInputError(
            f"degree must be even and from {least} to {_LARGEST_DEGREE} for q = {q:g}, got {degree!r}."
        )
    return degree // 2
