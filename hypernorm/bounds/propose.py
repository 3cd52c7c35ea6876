"""Proved norm certificates of every kind: solvers propose them, `Certificate.prove` decides."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from scipy.linalg import eigh

from hypernorm._arguments import check_memory
from hypernorm._parallel import product_threads
from hypernorm._warnings import warn_caller
from hypernorm.bounds.deadlines import DeadlineError, check_time, closing_seconds, until
from hypernorm.bounds.interval import Status
from hypernorm.bounds.newton import SMALL
from hypernorm.bounds.power import search
from hypernorm.bounds.power_kernels import largest_form
from hypernorm.bounds.reduction import Reduction
from hypernorm.bounds.resolvent import Resolvent
from hypernorm.bounds.sos_matrix import check_solver_memory
from hypernorm.bounds.sos_solver import SosProgress, SosSolver
from hypernorm.bounds.split import SplitProposal, check_split_memory, no_directions
from hypernorm.bounds.split_solver import Split, SplitSolver
from hypernorm.certificates import (
    UNIT,
    Certificate,
    Factor,
    MatrixNormCertificate,
    NormCertificate,
    SplitCertificate,
    VerifiedValue,
    plan,
    precision,
    reweight,
    weight_spread,
)
from hypernorm.exceptions import CertificateError, ChangedDataError
from hypernorm.forms import FlatteningMap, MonomialBasis, RealignedMap, Rows, moment_matrix, second_moments
from hypernorm.forms.gram import GramClasses, moment_form

__all__ = [
    "Proposed",
    "Search",
    "first_better",
    "first_proved",
    "instead_of",
    "margin_of",
    "propose",
]

# Expected number of products, for the choice between routes.
_EXPECTED_PRODUCTS = 12
# The margin above a computed eigenvalue starts at about the rounding error of the proof and grows tenfold as needed.
_ATTEMPTS = 7
_CHEAP = ("longest_row", "second")
# A solver of sums of squares is much faster if it begins with the best vector: it starts the search from so many times
# d²/n vectors, which costs a small part of the solve.
_STARTS = 32
_LATE_ATTEMPT = 4  # the margin of an attempt that must succeed because the time is up


Proof = TypeVar("Proof", bound=Certificate)


@dataclass
class Search:
    """Options of a search for a certificate.

    Attributes
    ----------
    rtol : float
        Relative distance of the bound on the norm from its limit at which an iteration stops.
    deadline : float
        Time of `time.perf_counter` after which an iteration stops; only one proof may start later.
    rng : numpy.random.Generator
    max_iter : int
        Limit on the iterations of a sum-of-squares solve.
    half_degree : int or None
        Half the degree of a sum of squares; by default half the degree of the form.
    single_precision : bool
        Whether to round a Gram matrix to single precision; the loss is added to the bound.
    report : callable or None
        Receives the progress of a sum-of-squares solve.
    around : callable or None
        Hook for checkpoints: receives the solver before the start and after the end of a sum-of-squares or split solve.
    to_beat : float
        The best upper bound proved before; after the deadline only better ones are proved.
    start : ndarray of shape (d,) or None
        The best vector of an earlier search, which a sum-of-squares solve uses in place of its own search.
    """

    rtol: float = 1e-8
    deadline: float = math.inf
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    max_iter: int = 2000
    half_degree: int | None = None
    single_precision: bool = False
    report: Callable[[SosProgress], None] | None = None
    around: Callable[[Any, bool], None] | None = None
    to_beat: float = math.inf
    start: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class Proposed:
    """A proved certificate with its bound, and by-products of the search.

    Attributes
    ----------
    certificate : NormCertificate or ReducedCertificate
    upper : float
    vectors : ndarray of shape (d, k)
        Candidates for a better lower bound, for the rows of the search; k may be 0.
    stop : Status or None
        Why a sum-of-squares solve ended.
    """

    certificate: MatrixNormCertificate
    upper: float
    vectors: np.ndarray
    stop: Status | None


def propose(data: Rows | Reduction, q: float, kind: str, options: Search) -> Proposed:
    """Find a certificate for rows with a known fingerprint, and have the checker prove it.

    Of a `Reduction` the rows Y are searched, and what is proved is a bound for X. The margin above the computed
    eigenvalues starts at about the rounding error and grows until the proof succeeds.

    Raises
    ------
    CertificateError
        If rounding errors prevent the proof with every margin.
    DeadlineError
        If the deadline leaves no time for a bound of this kind, or for one that improves on `options.to_beat`.
    """
    rows = data if isinstance(data, Rows) else data.rows
    d = rows.shape[1]
    check_memory(
        6 * 8 * d * d, f"A d x d certificate for d = {d}", "reduce the number of columns, e.g. by a projection"
    )
    radius = float(rows.norms.max()) or 1.0
    with np.errstate(under="ignore"):
        factors = plan(kind, q)
        # Cheap factors first: they are never given up, and a late one must not lose the work on an expensive one.
        order = sorted(range(len(factors)), key=lambda index: factors[index].form not in _CHEAP)
        found = {index: _propose_factor(factors[index], rows, radius, options) for index in order}
        proposals = [found[index] for index in range(len(factors))]
    vectors = next((proposal.vectors for proposal in proposals if proposal.vectors.size), np.empty((d, 0)))
    stop = next((proposal.stop for proposal in proposals if proposal.stop), None)

    def certificate(growth: float) -> MatrixNormCertificate:
        pairs = [proposal.at(growth) for proposal in proposals]
        values, matrices = tuple(value for value, _ in pairs), tuple(matrix for _, matrix in pairs)
        more = {name: value for proposal in proposals for name, value in proposal.fields(growth).items()}
        norm = (SplitCertificate if kind == "split" else NormCertificate)(
            kind=kind,
            q=q,
            shape=rows.shape,
            fingerprint=rows.fingerprint,
            exponent=rows.exponent,
            radius=radius,
            values=values,
            matrices=matrices,
            **more,
        )
        return norm if isinstance(data, Rows) else data.certificate(norm)

    proved, upper = first_better(certificate, data if isinstance(data, Rows) else data.whole, options)
    return Proposed(certificate=proved, upper=upper, vectors=vectors, stop=stop)


def first_better(
    certificate: Callable[[float], MatrixNormCertificate], source: Rows, options: Search
) -> tuple[MatrixNormCertificate, float]:
    """`first_proved`, but after the deadline only for a certificate that improves on `options.to_beat`.

    Raises
    ------
    CertificateError, DeadlineError
        As in `propose`.
    """
    if time.perf_counter() > options.deadline and certificate(1.0).upper >= options.to_beat:
        raise DeadlineError
    return first_proved(certificate, source, options.deadline)


def instead_of(kind: str, cheaper: str, proposed: Proposed) -> MatrixNormCertificate:
    """Return a certificate of a cheaper kind, with a warning that the time limit is too short for another kind."""
    kind, cheaper = kind.replace("_", " "), cheaper.replace("_", "-")
    warn_caller(f"The time limit is too short for a {kind} bound; the {cheaper} bound is returned instead.")
    return proposed.certificate


def first_proved(certificate: Callable[[float], Proof], source: Any, deadline: float = math.inf) -> tuple[Proof, float]:
    """Prove a certificate with the smallest sufficient margin, growing tenfold; return it with its bound.

    `certificate` maps the growth of the margin to a certificate. `source` is the subject of the proof: rows or a form.

    Raises
    ------
    CertificateError
        If rounding errors prevent the proof with every margin.
    DeadlineError
        If the one attempt after the deadline fails.
    """
    error: CertificateError | None = None
    for attempt in range(_ATTEMPTS):
        late = time.perf_counter() > deadline
        # After a failure and the deadline, the next attempt is the last one.
        proposed = certificate(10.0 ** (max(attempt, _LATE_ATTEMPT) if late and attempt else attempt))
        try:
            proved = proposed.prove(source)
            return proposed, proved.lower if isinstance(proved, VerifiedValue) else proved.upper
        except ChangedDataError:
            raise
        except CertificateError as failed:
            error = failed
        if late:
            raise DeadlineError
    raise CertificateError(f"No bound could be proved in floating point; rounding errors are too large ({error}).")


def _no_fields(growth: float) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class _Proposal:
    """The value and the matrix, if any, proposed for a factor, and fields of its own certificate class.

    They are functions of the growth of the margin.
    """

    at: Callable[[float], tuple[float, np.ndarray | None]]
    vectors: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    stop: Status | None = None
    fields: Callable[[float], dict[str, Any]] = _no_fields


def _propose_factor(factor: Factor, rows: Rows, radius: float, options: Search) -> _Proposal:
    d = rows.shape[1]
    if rows.is_zero:
        side = factor.sides(d)[0]
        fields = no_directions(d) if factor.form == "split" else {}
        return _Proposal(
            lambda growth: (0.0, np.zeros((side, side)) if factor.has_matrix else None), fields=lambda growth: fields
        )
    if factor.form == "sos":
        check_solver_memory(d, max(factor.order // 2, options.half_degree or 0))
    if factor.form == "split":
        check_split_memory(*rows.shape)
    readable = math.inf
    # A solve with a checkpoint always starts, so that repeated calls with short limits make progress.
    if factor.form not in _CHEAP and options.around is None:
        readable = check_time(factor, rows, radius, options.deadline, options.half_degree)
    with precision():  # as in the proof, which uses the same weights
        weighted = reweight(rows, factor.row_power, radius)[0]
    # Another proof may choose slightly larger weights.
    spread = factor.order * weight_spread(factor.row_power, d)
    weighted = until(weighted, readable)
    if factor.form == "sos":
        return _propose_gram(factor, weighted, options, spread)
    if factor.form == "split":
        return _propose_split(factor, weighted, options, spread)
    if factor.has_matrix:
        mapping = FlatteningMap(weighted) if factor.form == "flattening" else RealignedMap(weighted, _EXPECTED_PRODUCTS)
        # The norm is the 4th or 8th root, so the tolerance of the eigenvalue is 4 or 8 times larger.
        resolvent = Resolvent.build(mapping, d, factor.root * options.rtol, options.deadline)

        def certificate(growth: float) -> tuple[float, np.ndarray]:
            value, U = resolvent.certificate(growth)
            return value * (1 + 2 * spread), U  # the value of the realigned bound is a square

        return _Proposal(certificate, resolvent.leading_vectors())
    if factor.form == "longest_row":
        value, size = float(weighted.norms.max()) ** 2, 1
    elif factor.form == "second":
        (n, d), size = weighted.shape, d
        if 2 * n < d:  # XXᵀ is smaller than XᵀX and has the same largest eigenvalue
            block = weighted.block(0, n)
            moments = block @ block.T
        else:
            moments = second_moments(weighted)
        with product_threads(1 if len(moments) < SMALL else None):
            value = float(np.linalg.eigvalsh(moments)[-1])
    else:
        moments = moment_matrix(weighted, factor.order // 2)
        size = len(moments)
        last = eigh(moments, eigvals_only=True, subset_by_index=(size - 1, size - 1), check_finite=False)
        value = float(last[0])
    margin = margin_of(size, weighted) + spread
    return _Proposal(lambda growth: (value * (1 + margin * growth), None))


def margin_of(size: int, rows: Rows) -> float:
    """Sixteen times the relative rounding error of a proof of definiteness; the factor covers other machines' rounding.

    The proof shifts the diagonal by 4γ times a trace of at most `size` times the value, and sums over the rows.
    """
    return 16 * UNIT * (5 * size * (size + 4) + 2 * size * rows.depth(rows.block_rows()) + 8 * rows.shape[1])


def _largest_value(
    factor: Factor, rows: Rows, options: Search, candidates: np.ndarray | None, deadline: float
) -> tuple[float, np.ndarray]:
    """The best value of the form that a search finds, with its vector; from the caller's vector without candidates."""
    # That vector belongs to this form unless the rows are reweighted.
    known = None if options.start is None or factor.row_power else options.start[:, None]
    starts = known if candidates is None else candidates
    count = 128 if starts is None else 0
    if candidates is None and factor.form == "sos":
        count = max(count, _STARTS * rows.shape[1] ** 2 // max(rows.shape))
    vector = search(rows, factor.order, options.rng, n_starts=count, starts=starts, deadline=deadline)
    return largest_form(rows, vector[:, None], factor.order), vector


def _propose_split(factor: Factor, rows: Rows, options: Search, spread: float) -> _Proposal:
    begin = time.perf_counter()
    value, _ = _largest_value(factor, rows, options, None, options.deadline)
    lower = max(value, float(rows.norms.max()) ** 4)  # the value in the direction of the longest row

    def report(number: int, split: Split) -> None:
        seconds, rank = time.perf_counter() - begin, split.directions.shape[1]
        if options.report is not None:
            options.report(SosProgress(iteration=number, bound=split.value, lower=lower, rank=rank, seconds=seconds))

    margin = margin_of(min(rows.shape[0], MonomialBasis.count(rows.shape[1], 2)), rows) + 4 * spread
    solver, rtol = SplitSolver(rows, lower, report), factor.root * options.rtol
    kept = options.around is not None  # a solve with a checkpoint makes progress under any limit
    stop = _solved(solver, options, lambda: solver.run(rtol, options.deadline, least_rounds=int(kept)))
    assert solver.best is not None
    deadline = math.inf if kept else options.deadline
    proposal = SplitProposal.of(solver.form, solver.best, rows.shape[1], rtol, margin, deadline)
    return _Proposal(proposal.at, proposal.vectors, stop, proposal.fields)


def _propose_gram(factor: Factor, rows: Rows, options: Search, spread: float) -> _Proposal:
    d, half = rows.shape[1], factor.order // 2
    half_degree = max(half, options.half_degree or half)
    classes = GramClasses(d, half_degree)
    coefficients, _ = moment_form(rows, half, classes)
    deadline = options.deadline
    if math.isfinite(deadline):
        deadline -= closing_seconds(d, half_degree)
    best = [_largest_value(factor, rows, options, None, deadline)]
    solver = SosSolver(coefficients, classes, options.rng, best[0][1] if half_degree == 2 else None)

    calls = 0

    def lower(candidates: np.ndarray | None) -> float:
        """The best value so far. Searches cost many passes: they are for better candidates and calls 1, 2, 4, …"""
        nonlocal calls
        calls += candidates is not None
        known = best[0][0] * (1 + options.rtol)
        if candidates is not None and (
            calls & (calls - 1) == 0 or largest_form(rows, candidates, factor.order) > known
        ):
            best.append(_largest_value(factor, rows, options, candidates, deadline))
            best[:] = [max(best, key=lambda pair: pair[0])]
        return best[0][0]

    stop = _solved(
        solver,
        options,
        lambda: solver.run(
            lower,
            # The proof uses the rest of the tolerance.
            rtol=0.9 * factor.order * options.rtol,
            max_iter=options.max_iter,
            least_iter=1 if options.around is not None else 0,
            deadline=deadline,
            report=options.report,
        ),
    )
    bound = solver.bound
    H, loss = classes.weighted(solver.finish(), options.single_precision)
    # With other weights the form changes by up to this much, but the Gram matrix does not.
    loss += 2 * spread * float(np.sum(rows.norms**factor.order))
    loss += classes.norm(coefficients - classes.coefficients(H, weighted=False))
    margin = margin_of(classes.size, rows)
    return _Proposal(lambda growth: ((bound + loss) * (1 + margin * growth), H), best[0][1][:, None], stop)


def _solved(solver: SosSolver | SplitSolver, options: Search, run: Callable[[], Status | None]) -> Status | None:
    """Run a solver, whose state is restored before and stored afterwards if there is a checkpoint."""
    if options.around is None:
        return run()
    options.around(solver, True)
    stop = run()
    try:
        options.around(solver, False)
    except KeyboardInterrupt:  # the result of the solver matters more than its checkpoint
        stop = Status.INTERRUPTED
    return stop
