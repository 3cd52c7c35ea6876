"""Time limits: rows that cannot be read after a deadline, and estimates of the time of a stage before it starts.

Most of the time is spent in passes over the rows, which can stop at any block: the rows of `until` raise an error if a
block is read too late. A stage that cannot be stopped, such as an eigenvalue decomposition, is estimated beforehand by
`check_time`, from its number of operations and the measured speed of a short piece of the same work.
"""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike

from hypernorm._parallel import product_threads
from hypernorm.bounds.split_forms import side_of
from hypernorm.certificates import Factor, known_reweighting, reweight
from hypernorm.exceptions import CertificateError
from hypernorm.forms import MonomialBasis, RealignedOperations, Rows
from hypernorm.forms.gram import GramClasses

__all__ = ["EIGEN", "DeadlineError", "check_time", "closing_seconds", "has_time", "until"]

Result = TypeVar("Result")

EIGEN = 40.0
"""Cost of an eigenvalue decomposition of size d, divided by d³, in operations of a matrix product."""

# A shorter stage (seconds) is started even after the deadline, since it may give a much better bound.
_NEGLIGIBLE = 0.02
_SAMPLE = 256  # side of the matrix product that is measured, about a millisecond
_FRESH_SECONDS = 1.0
_SLOWEST = 1e9  # operations per second that every machine reaches
_REPEATS = 3
_SAMPLE_ROWS = 64  # rows for which the time to find weights is measured
_SAMPLE_GRAM = 130  # smallest side of the Gram matrix for which the time to find classes is measured
# Time of a sum-of-squares solve until the first bound, and from the last iteration to the proof; in units of the time
# to find the classes.
_BEGINNING, _CLOSING = 4.0, 1.0
# Seconds to load the compiled loops from their cache.
_LOADING = 1.0


# Time of a split until its proof, in units of an eigenvalue decomposition: the space of matrices, one round, and the
# Lanczos process of the proposal.
_FIRST_SPLIT = 3.0


_measured = (-math.inf, 0.0)  # time of the last measurement, and operations per second


class DeadlineError(Exception):
    """The deadline has passed."""


class _TimedRows(Rows):
    """Rows that raise `DeadlineError` after a deadline; reweighted copies can still be read."""

    deadline: float

    def operand(self, start: int, stop: int, dtype: DTypeLike = np.float64) -> Any:
        if time.perf_counter() > self.deadline:
            raise DeadlineError
        return super().operand(start, stop, dtype)

    def partials(
        self, function: Callable[..., Result], parts: Sequence[range], *per_row: np.ndarray
    ) -> Iterator[Result]:
        if time.perf_counter() > self.deadline:  # chunks are read on other machines, not by `operand`
            raise DeadlineError
        return super().partials(function, parts, *per_row)


def until(rows: Rows, deadline: float) -> Rows:
    """Copy of the rows, with the same cache of moments, that raises `DeadlineError` if read after the deadline."""
    if math.isinf(deadline):
        return rows
    timed = object.__new__(_TimedRows)
    timed.__dict__.update(rows.__dict__)
    timed.deadline = deadline
    return timed


def _product_rate() -> float:
    """Operations per second of a matrix product, from a measurement within the last second.

    It is the best of a few short products on one thread and on all threads. If other processes occupy the cores, one
    thread is faster than several that wait for one another.
    """
    global _measured
    if time.perf_counter() - _measured[0] > _FRESH_SECONDS:
        A = np.full((_SAMPLE, _SAMPLE), 0.5)
        times = []
        for threads in (1, None):
            with product_threads(threads):
                for _ in range(_REPEATS):
                    start = time.perf_counter()
                    A @ A
                    times.append(time.perf_counter() - start)
        _measured = time.perf_counter(), 2 * _SAMPLE**3 / max(min(times), 1e-9)
    return _measured[1]


def has_time(operations: float, deadline: float) -> bool:
    """Whether so many operations of dense linear algebra end before the deadline or take a negligible time."""
    if math.isinf(deadline) or operations <= _NEGLIGIBLE * _SLOWEST:
        return True
    seconds = operations / _product_rate()
    return seconds <= _NEGLIGIBLE or time.perf_counter() + seconds <= deadline


def check_time(factor: Factor, rows: Rows, radius: float, deadline: float, half_degree: int | None = None) -> float:
    """Refuse to start with a factor whose first bound, without its proof, cannot be ready before the deadline.

    Returns
    -------
    float
        Deadline for reading its rows: infinity if this takes a negligible time, else `deadline`.

    Raises
    ------
    DeadlineError
        If the estimated time ends after the deadline.
    """
    if math.isinf(deadline):
        return math.inf
    needed = _reweighting_seconds(factor, rows, radius) + _seconds_to_first_bound(factor, rows, radius, half_degree)
    if needed <= _NEGLIGIBLE:
        return math.inf
    if time.perf_counter() + needed > deadline:
        raise DeadlineError
    return deadline


def closing_seconds(dimension: int, half_degree: int) -> float:
    """Estimated seconds between the last iteration of a sum-of-squares solve and the start of the proof."""
    return _CLOSING * _class_seconds(dimension, half_degree)


def _reweighting_seconds(factor: Factor, rows: Rows, radius: float) -> float:
    """Estimated seconds to find the weights, from a measurement with a few rows."""
    if known_reweighting(rows, factor.row_power, radius) is not None:
        return 0.0
    sample = Rows(rows.block(0, min(_SAMPLE_ROWS, rows.shape[0])))
    start = time.perf_counter()
    with contextlib.suppress(CertificateError):  # the computation itself will raise it again
        reweight(sample, factor.row_power, radius)
    return (time.perf_counter() - start) * rows.shape[0] / sample.shape[0]


def _seconds_to_first_bound(factor: Factor, rows: Rows, radius: float, half_degree: int | None) -> float:
    (n, d), half = rows.shape, factor.order // 2
    known = known_reweighting(rows, factor.row_power, radius)

    def moments(half: int) -> float:
        """Operations for the moment matrix; zero if it is kept already."""
        there = known is not None and known.recall("moments", half) is not None
        return 0.0 if there else float(n) * MonomialBasis.count(d, half) ** 2

    if factor.form == "sos":
        degree = max(half, half_degree or half)
        classes = (_BEGINNING + _CLOSING) * _class_seconds(d, degree)
        loading = 0.0 if "hypernorm.bounds.sos_kernels" in sys.modules else _LOADING
        return classes + loading + moments(half) / _product_rate()
    if factor.form == "moment":
        operations = moments(half) + EIGEN / 2 * MonomialBasis.count(d, half) ** 3  # no eigenvectors
    elif factor.form == "split":
        side = side_of(n, d)
        forming = moments(2) if side == MonomialBasis.count(d, 2) else 2.0 * side * side * d
        operations = forming + _FIRST_SPLIT * EIGEN * side**3
    elif factor.form == "flattening":
        operations = 5.0 * n * d * d + EIGEN * d**3
    else:
        realigned = RealignedOperations.of(n, d)
        by_slices = moments(2) + 2 * realigned.through_slices  # the proof takes another product
        operations = min(by_slices, realigned.through_rows) + EIGEN * d**3
    return operations / _product_rate()


def _class_seconds(dimension: int, half_degree: int) -> float:
    """Estimated seconds to find the classes of a Gram matrix, from a measurement with a small one."""
    small = 2
    while MonomialBasis.count(small, half_degree) < _SAMPLE_GRAM:
        small += 1
    times = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        size = GramClasses(small, half_degree).size
        times.append(time.perf_counter() - start)
    return min(times) * (MonomialBasis.count(dimension, half_degree) / size) ** 2
