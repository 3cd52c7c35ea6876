"""Proved certificates of operator norms by rule; `Certificate.prove` decides."""

from __future__ import annotations

import dataclasses
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, TypeAlias

import numpy as np
from scipy.optimize import linprog

from hypernorm._arguments import Seed, check_choice, check_exponent, check_generator, fits_in_memory
from hypernorm._arithmetic import own_arithmetic
from hypernorm._validation import as_dense
from hypernorm._warnings import warn_caller
from hypernorm.bounds.column_weights import column_weights
from hypernorm.bounds.deadlines import DeadlineError, has_time
from hypernorm.bounds.interval import BoundRecord, Status
from hypernorm.bounds.operator_power import axis_norms, conjugate_float, dual_vectors
from hypernorm.bounds.operator_weights import matrix_weights, positive_vector, spectral_square
from hypernorm.bounds.propose import first_proved
from hypernorm.bounds.two_to_q import Method, two_to_q_norm
from hypernorm.certificates import (
    COMPLEX_EXPONENTS,
    LARGEST_ENUMERATION,
    UNIT,
    EdgeCertificate,
    EnumerationCertificate,
    InterpolationCertificate,
    OperatorCertificate,
    PerronCertificate,
    TwoToQCertificate,
    WeightsCertificate,
    identified_matrix,
    operand_of,
    sign_sums,
    weighted_columns,
)
from hypernorm.exceptions import CertificateError, InvalidInputError
from hypernorm.forms import BlockMatrix, ScaledMatrix

__all__ = [
    "RULES",
    "Problem",
    "enumerated_start",
    "operator_certificate",
    "propose_rule",
    "tell_of_rule",
    "zero_certificate",
]

# An enumeration visits at most so many entries.
_MOST_SUMS = 2.0**33
# Cost of an entry that an enumeration visits, in operations of a matrix product.
_SUM = 400.0
_LARGEST_EXPONENT = 1e6
# Points (1/p, 1/q) on an edge to interpolate from.
_GRID = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Problem:
    """A matrix that is not zero, exponents, and how to search."""

    matrix: ScaledMatrix
    p: float
    q: float
    rng: np.random.Generator
    deadline: float = math.inf
    method: Method = "auto"
    """Of the inner 2→q norm."""

    def fields(self, side: str) -> dict[str, Any]:
        """The fields that all rules share; the bound is that which the proof yields."""
        return {
            "p": self.p,
            "q": self.q,
            "shape": self.matrix.shape,
            "fingerprint": self.matrix.fingerprint,
            "field": self.matrix.field,
            "side": side,
            "upper": sys.float_info.max,
        }

    def proved(self, certificate: OperatorCertificate) -> OperatorCertificate:
        """The certificate with the bound that it proves."""
        upper = certificate.prove(self.matrix).upper
        return dataclasses.replace(certificate, upper=upper)


def _sides(fits: Callable[[Fraction | float, Fraction | float], bool], problem: Problem) -> Iterator[tuple[str, Any]]:
    for side in ("matrix", "transpose"):
        operand = operand_of(problem.matrix, problem.p, problem.q, side)
        if fits(operand.p, operand.q):
            yield side, operand


def _edge(problem: Problem) -> Iterator[OperatorCertificate]:
    for side, _ in _sides(lambda p, q: p == 1, problem):
        yield problem.proved(EdgeCertificate(**problem.fields(side)))
        return


def _full(values: np.ndarray, places: np.ndarray, size: int) -> np.ndarray:
    """Values for all rows or columns; ones for those of zeros."""
    result = np.ones(size)
    result[places] = values
    return result


def _perron(problem: Problem) -> Iterator[OperatorCertificate]:
    for side, operand in _sides(lambda p, q: q != math.inf, problem):
        n = problem.matrix.shape[1 if side == "matrix" else 0]
        vector = _full(positive_vector(operand, problem.deadline), operand.columns, n)
        yield problem.proved(PerronCertificate(**problem.fields(side), vector=vector))
        if problem.p >= problem.q and problem.p < math.inf:
            return  # the transpose has the same optimum


def _weights(problem: Problem) -> Iterator[OperatorCertificate]:
    m, n = problem.matrix.shape
    relaxation = problem.p >= 2 >= problem.q
    for side, operand in _sides(lambda p, q: p != 1 and q != math.inf and (p >= 2 or q > 2), problem):
        shape = (m, n) if side == "matrix" else (n, m)
        if relaxation and shape[1] > shape[0]:
            continue  # an exact proof is about the columns, of which the other side has fewer
        size = min(operand.entries.shape)
        if not fits_in_memory(6 * 8 * size * size + 3 * 8 * m * n):
            raise CertificateError(f"The proof of weights for a matrix of shape {problem.matrix.shape} is too large.")
        found = matrix_weights(operand, problem.rng, problem.deadline)
        if found is None:
            continue
        a, d, square = found
        rows, columns = _full(a, operand.rows, shape[0]), _full(d, operand.columns, shape[1])
        margin, shared = 64 * UNIT * (size + 8) ** 2, problem.fields(side)

        def certificate(
            growth: float,
            fields: dict[str, Any] = shared,
            value: float = square,
            margin: float = margin,
            rows: np.ndarray = rows,
            columns: np.ndarray = columns,
        ) -> WeightsCertificate:
            return WeightsCertificate(
                **fields, value=value * (1 + growth * margin), row_weights=rows, column_weights=columns
            )

        proposed, upper = first_proved(certificate, problem.matrix, problem.deadline)
        yield dataclasses.replace(proposed, upper=upper)
        if relaxation:
            return


def near_exponent(q: Fraction | float) -> float:
    """A float near an exact exponent of at least 2, a simple one if there is one."""
    if q == math.inf or q > _LARGEST_EXPONENT:
        return min(float(q), _LARGEST_EXPONENT)
    exact = Fraction(q)
    simple = exact.limit_denominator(64)
    return max(float(simple if abs(simple - exact) < 1e-12 else exact), 2.0)


def _two_to_q(problem: Problem) -> Iterator[OperatorCertificate]:
    is_complex = problem.matrix.field == "complex"

    def fits(p: Fraction | float, q: Fraction | float) -> bool:
        return q >= 2 and q != math.inf and p != 1 and not (is_complex and near_exponent(q) not in COMPLEX_EXPONENTS)

    for side, operand in _sides(fits, problem):
        if time.perf_counter() > problem.deadline:
            raise DeadlineError
        n = problem.matrix.shape[1 if side == "matrix" else 0]
        s = column_weights(operand, problem.rng, problem.deadline)
        weights = None if s is None else _full(s, operand.columns, n)
        Y = operand.entries if s is None else weighted_columns(operand.entries, s, exact=False)[0]
        left = problem.deadline - time.perf_counter()
        limit = None if math.isinf(left) else max(left, 1e-3)
        interval = two_to_q_norm(
            Y, near_exponent(operand.q), method=problem.method, time_limit=limit, random_state=problem.rng
        )
        certificate = TwoToQCertificate(**problem.fields(side), weights=weights, norm=interval.certificate)
        yield dataclasses.replace(certificate, upper=certificate.upper_from(problem.matrix, interval.upper))


def _enumeration(problem: Problem) -> Iterator[OperatorCertificate]:
    if problem.matrix.field == "complex":
        return
    sides = [
        (operand.entries.shape, side)
        for side, operand in _sides(lambda p, q: p == math.inf and q != math.inf, problem)
        if operand.entries.shape[1] <= LARGEST_ENUMERATION
        and operand.entries.shape[0] * 2.0 ** operand.entries.shape[1] <= _MOST_SUMS
    ]
    if sides:
        (m, n), side = min(sides, key=lambda item: (item[0][0] * 2 ** item[0][1], item[1]))
        if not has_time(_SUM * m * 2.0**n, problem.deadline):
            raise DeadlineError
        yield problem.proved(EnumerationCertificate(**problem.fields(side)))


def enumerated_start(problem: Problem, side: str) -> np.ndarray | None:
    """The vector that attains the norm by an enumeration, computed, as a column; None if there is no time for it."""
    operand = operand_of(problem.matrix, problem.p, problem.q, side)
    entries, q = as_dense(operand.entries), float(operand.q)
    if not has_time(_SUM * entries.shape[0] * 2.0 ** entries.shape[1], problem.deadline):
        return None
    best, largest = entries[:, 0], -1.0
    for images in sign_sums(entries):
        magnitudes = np.abs(images)
        sums = (magnitudes if q == 1 else magnitudes**q).sum(axis=1)
        if sums.max() > largest:
            best, largest = images[sums.argmax()], float(sums.max())
    vector, places = dual_vectors(best[:, None, None], q)[0][:, 0, 0], operand.rows  # with it, A' has this image
    if side == "matrix":
        vector, places = dual_vectors((entries.T @ vector)[:, None, None], 1.0)[0][:, 0, 0], operand.columns
    start = np.zeros((problem.matrix.shape[1], 1))
    start[places, 0] = vector
    return start


def _interpolation(problem: Problem) -> Iterator[OperatorCertificate]:
    """Between exact norms: edges p = 1 and q = ∞, and 2→2. The shares solve a linear programme."""
    p, q = problem.p, problem.q
    target = (1 / p, 1 / q)
    if p == 1 or math.isinf(q) or p > q:
        return
    points: list[tuple[float, float]] = [(1.0, y) for y in (*_GRID, target[1])] + [
        (x, 0.0) for x in (*_GRID[:-1], target[0])
    ]
    reach = max(abs(coordinate - 0.5) for coordinate in target)
    if reach > 0:  # the end of the ray from the centre through the target
        x, y = (min(max(0.5 + (coordinate - 0.5) / reach / 2, 0.0), 1.0) for coordinate in target)
        points.append((x, y))
    points = [(x, y) for x, y in dict.fromkeys(points) if x == 1 or y == 0] + [(0.5, 0.5)]
    entries = operand_of(problem.matrix, 2.0, 2.0, "matrix").entries
    logs = [math.log(_exact_value(entries, *point)) for point in points]
    found = linprog(logs, A_eq=np.vstack([np.transpose(points), np.ones(len(points))]), b_eq=[*target, 1.0])
    if found.x is None:
        return
    weights = found.x
    chosen = [index for index in np.argsort(-weights)[:3].tolist() if weights[index] > 1e-9]
    norms = tuple(_exact_norm(problem, *points[index]) for index in chosen)
    shares = tuple(float(min(weights[index], 1.0)) for index in chosen[:-1])
    while sum(map(Fraction, shares), Fraction(0)) > 1:
        shares = tuple(math.nextafter(share, 0.0) for share in shares)
    yield problem.proved(InterpolationCertificate(**problem.fields("matrix"), norms=norms, shares=shares))


def _exact_value(entries: Any, x: float, y: float) -> float:
    """The norm at a point (1/p, 1/q) of an edge, or 2→2; computed."""
    if (x, y) == (0.5, 0.5):
        return math.sqrt(spectral_square(entries))
    if x == 1:
        return float(axis_norms(entries, 0, 1 / y if y else math.inf).max())
    return float(axis_norms(entries, 1, conjugate_float(1 / x if x else math.inf)).max())


def _exact_norm(problem: Problem, x: float, y: float) -> OperatorCertificate:
    there = dataclasses.replace(problem, p=1 / x if x else math.inf, q=1 / y if y else math.inf)
    return next(_weights(there) if (x, y) == (0.5, 0.5) else _edge(there))


Rule: TypeAlias = Literal["edge", "perron", "weights", "two_to_q", "interpolation", "enumeration"]
RULES: dict[Rule, Callable[[Problem], Iterator[OperatorCertificate]]] = {
    "edge": _edge,
    "perron": _perron,
    "weights": _weights,
    "two_to_q": _two_to_q,
    "interpolation": _interpolation,
    "enumeration": _enumeration,
}
"""The rules by name; each yields proved certificates, of the matrix, of its transpose or of both."""

_WHERE = {
    "edge": "p = 1 or q = ∞",
    "perron": "p > 1 and q < ∞",
    "weights": "p > 1 and q < ∞",
    "two_to_q": (
        "p, q ≥ 2, p, q ≤ 2, or p ≤ 2 ≤ q, with p > 1 and q < ∞, and to complex matrices if q or p/(p − 1) is 2, 4, 6 "
        "or 8"
    ),
    "interpolation": "p ≤ q, with p > 1 and q < ∞",
    "enumeration": f"p = ∞ or q = 1 and real matrices, with at most {LARGEST_ENUMERATION} columns or rows",
}


def tell_of_rule(method: str, status: Status, records: list[BoundRecord], where: str | None = None) -> None:
    """Warn if a gap remains and the rule that the user has asked for by `method` did not apply."""
    asked: dict[str, Rule] = {"exact": "enumeration", "sos": "two_to_q"}
    rule = asked.get(method)
    if rule is not None and status is Status.GAP and rule not in (record.kind for record in records):
        warn_caller(
            f'method="{method}" added nothing, and a gap remains: the rule "{rule}" applies to '
            f"{where or _WHERE[rule]}, as far as memory allows."
        )


def propose_rule(rule: Rule, problem: Problem) -> OperatorCertificate | None:
    """The best proved certificate of a rule; None if the rule does not apply.

    Raises
    ------
    CertificateError
        If rounding errors prevent every proof.
    """
    best: OperatorCertificate | None = None
    for certificate in RULES[rule](problem):
        if best is None or certificate.upper < best.upper:
            best = certificate
    return best


@own_arithmetic
def operator_certificate(
    A: Any, p: float, q: float, rule: Rule = "weights", *, random_state: Seed = None
) -> OperatorCertificate:
    """Prove an upper bound on ‖A‖_{p→q} by one rule.

    Parameters
    ----------
    A : array_like, DataFrame, sparse matrix or Dask array of shape (m, n)
        Real or, in memory, complex; for a complex one the bound is about complex vectors. A Dask array for the rules
        "edge" and "perron".
    p, q : float
        Exponents from 1 to ∞.
    rule : {"weights", "edge", "perron", "two_to_q", "interpolation", "enumeration"}, default "weights"
        ``"edge"``, the norms of columns or rows, exact for p = 1 or q = ∞; ``"perron"``, the norm of |A|, exact for
        p ≥ q if no entry is negative; ``"weights"``, one matrix inequality, which is the semidefinite relaxation for
        p ≥ 2 ≥ q; ``"two_to_q"``, column weights before a certificate of a 2→q norm; ``"interpolation"``, between
        exact norms; ``"enumeration"``, exact for p = ∞ or q = 1 and at most 24 columns or rows.
    random_state : None, int, numpy.random.Generator or numpy.random.RandomState

    Returns
    -------
    OperatorCertificate

    Raises
    ------
    InvalidInputError
        If an argument cannot be used, or the rule does not apply to p and q.
    CertificateError
        If rounding errors prevent the proof.

    See Also
    --------
    operator_norm : The best of all rules, with a lower bound.

    Notes
    -----
    Theorems 1 to 7 of theory/operator_norms of the documentation, where their sources are named.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> A = np.array([[1.0, 2.0], [0.0, 3.0]])
    >>> certificate = hn.operator_certificate(A, 3, 2, rule="perron")
    >>> certificate.verify(A, exact=True).upper / hn.lower_bound(A, 2, p=3, random_state=0).value < 1 + 1e-9
    True
    """
    scaled = identified_matrix(A)
    p, q = check_exponent(p, 1, "p"), check_exponent(q, 1)
    check_choice(rule, "rule", RULES)
    problem = Problem(scaled, p, q, check_generator(random_state))
    if isinstance(scaled.entries, BlockMatrix) and rule not in ("edge", "perron"):
        raise InvalidInputError(
            f"A is a Dask array, which the rules 'edge' and 'perron' read, not {rule!r}; A.compute() loads it."
        )
    found = zero_certificate(problem) if scaled.is_zero else propose_rule(rule, problem)
    if found is None:
        raise InvalidInputError(f"rule={rule!r} applies to {_WHERE[rule]}; choose another one.")
    return found


def zero_certificate(problem: Problem) -> OperatorCertificate:
    """A certificate for a matrix of zeros."""
    vector = np.ones(problem.matrix.shape[1])
    return problem.proved(PerronCertificate(**problem.fields("matrix"), vector=vector))
