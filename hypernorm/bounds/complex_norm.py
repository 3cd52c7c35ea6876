"""Norms of complex matrices: the real rows to search, and the interval for the norm from the one for the rows."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from hypernorm._arguments import check_memory
from hypernorm._complex import ComplexMatrix, check_complex
from hypernorm.bounds.climb import Progress, converted
from hypernorm.bounds.interval import Interval
from hypernorm.certificates import COMPLEX_EXPONENTS, ComplexNormCertificate, ComplexRows, ComplexWitness
from hypernorm.exceptions import InvalidInputError
from hypernorm.forms import Rows, fingerprint

__all__ = ["ComplexNorm"]

_POWER_STEPS = 20


class ComplexNorm:
    """The norm of a complex matrix over complex vectors.

    Parameters
    ----------
    X : array_like, DataFrame or sparse matrix of shape (n, d)
    q : float

    Attributes
    ----------
    shape : tuple of int
        (n, d).
    rows : Rows
        Real rows; their norm is that of X, up to a constant and the errors that `above` and `below` add.
    fingerprint : str
        Of the rows.

    Raises
    ------
    InvalidInputError
        If X cannot be used, or has imaginary parts and q is not 2, 4, 6, 8 or ∞.
    """

    def __init__(self, X: Any, q: float):
        self._matrix, self._q = check_complex(X), q
        self.shape = n, d = self._matrix.shape
        if not self._matrix.is_real and q not in COMPLEX_EXPONENTS:
            raise InvalidInputError(
                f"X is complex, and then q must be 2, 4, 6, 8 or infinity, got {q:g}; operator_norm(X, 2, {q:g}) has "
                f"bounds for other exponents."
            )
        if isinstance(self._matrix.real, np.ndarray):
            needed = 8 * 2 * (2 * d) * n * (1 if math.isinf(q) else int(q) // 2 + 1)
            check_memory(needed, "The real form of X", "take fewer rows")
        self._real_entry = 0 if self._matrix.is_real else _large_entry(self._matrix, q)
        self._real_rows = ComplexRows(self._matrix, q, self._real_entry)
        self.rows: Rows = self._real_rows.rows
        self.above, self.below = self._real_rows.above, self._real_rows.below
        self._digits = fingerprint(self._matrix.stacked)

    @property
    def fingerprint(self) -> str:
        """Of the real rows."""
        return fingerprint(self._real_rows.matrix)

    def starts(self, starts: Any) -> np.ndarray:
        """Starting points for the real rows, as columns, from complex ones of shape (k, d).

        Raises
        ------
        InvalidInputError
            If they have another number of entries.
        """
        if starts is None:
            return np.empty((self.rows.shape[1], 0))
        given = check_complex(starts, "starts")
        if given.shape[1] != self.shape[1]:
            raise InvalidInputError(
                f"starts must have one row per starting point and {self.shape[1]} columns as X has, got {given.shape}."
            )
        return self._real_rows.lowered(given.entries.T)

    def witness(self, vector: np.ndarray) -> ComplexWitness:
        """The witness of a vector for the real rows."""
        return ComplexWitness.of_matrix(self._matrix, self._digits, self._real_rows.lifted(vector), self._q)

    def reporting(self, progress: bool | Callable[[Progress], None]) -> bool | Callable[[Progress], None]:
        """A progress callback that gets the bounds on this norm in place of those on the norm of the rows."""
        return converted(progress, self.below, self.above)

    def interval(self, found: Interval[Any, Any], seconds: float) -> Interval[ComplexWitness, ComplexNormCertificate]:
        """The interval for this norm. The checker has proved the one for the rows, and adds the errors."""
        certificate = ComplexNormCertificate(
            shape=self.shape,
            fingerprint=self._digits,
            exponent=self._real_rows.exponent,
            real_entry=self._real_entry,
            norm=found.certificate,
        )
        witness = self.witness(found.witness.vector)
        return Interval(
            quantity=certificate.quantity,
            lower=witness.value,
            upper=self.above(found.upper),
            unit=witness.value,
            witness=witness,
            certificate=certificate,
            status=found.status,
            records=tuple(dataclasses.replace(record, upper=self.above(record.upper)) for record in found.records),
            seconds=seconds,
        )


def _large_entry(matrix: ComplexMatrix, q: float) -> int:
    """The index of an entry that is large in a vector with a large value; any index is correct.

    If its phase is fixed, a single vector is left of the circle e^{iφ}v. This one comes from steps of the power method
    from the longest row.
    """
    if math.isinf(q):
        return 0
    A = matrix.entries
    A = A / max(float(np.abs(A if isinstance(A, np.ndarray) else A.data).max(initial=0.0)), 2.0**-1022)
    squares = abs(A) ** 2
    longest = int(np.argmax(np.asarray(squares.sum(axis=1)).ravel()))
    row = A[[longest]]
    v = (row if isinstance(row, np.ndarray) else row.toarray()).conj().ravel()
    for _ in range(_POWER_STEPS):
        z = A @ v
        z = z / np.abs(z).max()
        v = A.conj().T @ (np.abs(z) ** (q - 2) * z)
        v = v / np.linalg.norm(v)
    return int(np.argmax(np.abs(v)))
