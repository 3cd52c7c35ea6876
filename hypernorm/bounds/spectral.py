"""Upper bounds from eigenvalues: row-norm, flattening, realigned, moment and split certificates."""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import replace
from typing import Any, get_args

from hypernorm._arguments import check_choice, check_exponent, check_time_limit, check_tolerance
from hypernorm._arithmetic import own_arithmetic
from hypernorm._validation import check_rows
from hypernorm.bounds.deadlines import DeadlineError
from hypernorm.bounds.interval import Status
from hypernorm.bounds.propose import Proposed, Search, instead_of, propose
from hypernorm.bounds.reduction import Reduction
from hypernorm.certificates import MatrixNormCertificate, is_available
from hypernorm.certificates.plan import SpectralKind
from hypernorm.exceptions import CertificateError, ChangedDataError, InvalidInputError
from hypernorm.forms import Rows

__all__ = ["SPECTRAL_KINDS", "spectral_bound"]

SPECTRAL_KINDS: tuple[SpectralKind, ...] = get_args(SpectralKind)


@own_arithmetic
def spectral_bound(
    X: Any, q: float = 4, kind: SpectralKind = "realigned", *, rtol: float = 1e-8, time_limit: float | None = None
) -> MatrixNormCertificate:
    """Bound max ‖Xv‖_q over unit vectors v from above by an eigenvalue, with a proved certificate.

    Parameters
    ----------
    X : array_like, DataFrame, sparse matrix or Dask array of shape (n, d)
    q : float, default 4
        Exponent, 2 ≤ q ≤ ∞.
    kind : str, default "realigned"
        ``"row_norm"``: λ_max(Σ ‖x_i‖^{q−2} x_i x_iᵀ)^{1/q}, cost nd²; the norm itself for q = 2 and q = ∞.
        ``"flattening"``: through λ_max(Σ (x_i⊗x_i)(x_i⊗x_i)ᵀ), cost nd² per step.
        ``"realigned"``: within d^{1/8} of the norm for q = 4, cost n²d or d⁵ per step; usually the
        sharpest of the cheap ones.
        ``"split"``: the least μ + λ_max(N_Y) over splits of the flattening map T ⪯ μ + Y, with the positive map N_Y of
        Y; sharper than both for up to about a thousand columns. Costs a few eigenvalue decompositions of size n or
        d(d + 1)/2, whichever is smaller.
        ``"moment"``: λ_max of the moment matrix of degree q for q = 4, 6, 8, of size C(d+q/2−1, q/2), and a geometric
        mean between these; q ≤ 8.
        `hypernorm.approximation_factor` gives the proved factors; the proofs stand in theory/upper_bounds of the
        documentation.
    rtol : float, default 1e-8
        Relative distance of the bound from the eigenvalue at which the iteration stops.
    time_limit : float, optional
        Seconds after which the iteration stops; its result is still proved. If the limit is too short for a bound of
        this kind, the row-norm bound is returned, or in place of a split the realigned one if it fits.

    Returns
    -------
    NormCertificate, SplitCertificate or ReducedCertificate
        The last if X has more columns than rows, dependent columns or columns of zeros. Already proved once, in
        floating point with rounding errors bounded.

    Raises
    ------
    InvalidInputError
        If an argument cannot be used or the work cannot fit in memory.

    Warns
    -----
    ConvergenceWarning
        If the limit is too short for this kind and a cheaper bound is returned.

    See Also
    --------
    sos_bound : Sharper and more expensive.
    two_to_q_norm : Lower and upper bounds.

    Notes
    -----
    theory/upper_bounds of the documentation has the proofs. The realigned bound with constant one is a
    construction of this package, not a published theorem; the exponent 1/8 at q = 4 is that of Hopkins and Tiegel
    (2026).

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> certificate = hn.spectral_bound(np.eye(5), q=4)
    >>> 1 <= certificate.upper < 1 + 1e-7
    True
    """
    start = time.perf_counter()
    matrix = check_rows(X)
    q = check_exponent(q)
    check_choice(kind, "kind", SPECTRAL_KINDS)
    if not is_available(kind, q):
        exact = "; use kind='row_norm', which is exact there" if q == 2 or math.isinf(q) else ""
        raise InvalidInputError(f"kind={kind!r} has no bound for q = {q:g}{exact or '; it ends at q = 8'}.")
    tolerance, limit = check_tolerance(rtol), check_time_limit(time_limit)
    deadline = math.inf if limit is None else start + limit
    data = Reduction(Rows.identified(matrix))
    if kind == "row_norm":
        return propose(data, q, kind, Search(tolerance)).certificate
    options = Search(tolerance, deadline)
    if kind == "split" and limit is not None:
        return _split_or_cheaper(data, q, options)
    try:
        return propose(data, q, kind, options).certificate
    except DeadlineError:
        return instead_of(kind, "row_norm", propose(data, q, "row_norm", Search()))


def _split_or_cheaper(data: Reduction, q: float, options: Search) -> MatrixNormCertificate:
    """The split bound, or the best cheaper one if the time is too short for a split that is better."""
    cheaper, instead = _cheaper(data, q, options)  # first, since a split may take longer than estimated
    with contextlib.suppress(DeadlineError):
        found = propose(data, q, "split", replace(options, to_beat=instead.upper))
        if found.stop is not Status.TIME_LIMIT or found.upper < instead.upper:
            return found.certificate
    return instead_of("split", cheaper, instead)


def _cheaper(data: Reduction, q: float, options: Search) -> tuple[str, Proposed]:
    """The better of the row-norm bound and the realigned one, which may not fit in the time, with its kind."""
    best = "row_norm", propose(data, q, "row_norm", Search(options.rtol))
    try:
        realigned = propose(data, q, "realigned", replace(options, to_beat=best[1].upper))
    except ChangedDataError:
        raise
    except (DeadlineError, CertificateError):
        return best
    return ("realigned", realigned) if realigned.upper < best[1].upper else best
