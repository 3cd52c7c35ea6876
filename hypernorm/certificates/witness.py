"""Lower bounds on the 2→q norm: a vector and the proved value that it attains."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from os import PathLike
from typing import Any

import flint
import numpy as np

from hypernorm._archive_reader import ArchiveReader
from hypernorm._arguments import check_exponent
from hypernorm._arithmetic import own_arithmetic
from hypernorm._display import rounded_down
from hypernorm._validation import check_rows, check_samples
from hypernorm.certificates.dyadic import DyadicMatrix
from hypernorm.certificates.fields import check_real, owned, private_array
from hypernorm.certificates.identity import check_identity
from hypernorm.certificates.norm import Rigor
from hypernorm.certificates.rounding import (
    SAFETY,
    TINY,
    UNIT,
    check_arithmetic,
    gamma,
    lower_float,
    precision,
    rational,
    upper_float,
)
from hypernorm.certificates.storage import parse_fingerprint, parse_shape, write_members
from hypernorm.exceptions import CertificateError, InvalidInputError
from hypernorm.forms import Rows, fingerprint

__all__ = ["WITNESS", "VerifiedValue", "Witness", "attained_interval", "attained_value", "parse_witness"]

WITNESS = "witness"
"""The kind of its files."""

_BLOCK_ROWS = 4096


@dataclass(frozen=True)
class VerifiedValue:
    """What the verification of a witness proves.

    Attributes
    ----------
    lower : float
        max ‖Xv‖_q over unit vectors v is at least this number.
    rigor : Rigor
    seconds : float
    """

    lower: float
    rigor: Rigor
    seconds: float


@dataclass(frozen=True, eq=False, slots=True)
class Witness:
    """A vector v and a number that ‖Xv‖_q / ‖v‖ is proved to reach.

    Attributes
    ----------
    vector : ndarray of shape (d,)
        Of length one up to rounding; the proof divides by its exact length.
    q : float
    value : float
        A proved lower bound on the norm.
    shape : tuple of int
    fingerprint : str

    Examples
    --------
    >>> import numpy as np
    >>> Witness.from_vector(np.eye(3), [0, 1, 0], q=4)
    Witness(q=4, shape=(3, 3), value=0.999999999999)
    """

    vector: np.ndarray
    q: float
    value: float
    shape: tuple[int, int]
    fingerprint: str

    @classmethod
    @own_arithmetic
    def from_vector(cls, X: Any, vector: Any, q: float = 4) -> Witness:
        """Prove the value that a vector attains.

        Parameters
        ----------
        X : array_like, DataFrame, sparse matrix or Dask array of shape (n, d)
        vector : array_like of shape (d,)
            Finite and not zero; its length does not matter.
        q : float
            Exponent, 1 ≤ q ≤ ∞.
        """
        matrix = check_rows(X)
        q = check_exponent(q, smallest=1)
        vector = _check_vector(vector, matrix.shape[1])
        rows = Rows(matrix)
        return cls(vector, q, attained_value(rows, vector, q), rows.shape, fingerprint(matrix))

    @own_arithmetic
    def verify(self, X: Any, *, exact: bool = False) -> VerifiedValue:
        """Prove the value again, for a given matrix.

        Parameters
        ----------
        X : array_like, DataFrame, sparse matrix or Dask array of shape (n, d)
        exact : bool
            Form Xv in exact integer arithmetic.

        Returns
        -------
        VerifiedValue
            With the value proved now, which rounding may make a little smaller than `value`.

        Raises
        ------
        CertificateError
            If the witness belongs to another matrix or does not attain `value`.
        """
        start = time.perf_counter()
        own = owned(self)
        matrix = check_samples(X)
        check_identity(matrix, own.shape, own.fingerprint)
        q = check_real(own.q, "q", 1.0, infinite=True)
        claimed = check_real(own.value, "value", 0.0)
        try:
            vector = _check_vector(private_array(own.vector, "vector", (matrix.shape[1],)), matrix.shape[1])
            check_exponent(q, smallest=1)
        except InvalidInputError as error:
            raise CertificateError(f"The witness is broken: {error}") from None
        value, above = attained_interval(Rows(matrix), vector, q, exact=exact)
        # Another order of summation may prove a little less than was claimed; more than the enclosure is a wrong claim.
        if not claimed <= above:
            raise CertificateError(f"The witness attains {value:.17g}, not the value {claimed!r} that it claims.")
        rigor = Rigor.EXACT if exact else Rigor.FLOATING_POINT
        return VerifiedValue(value, rigor, time.perf_counter() - start)

    @own_arithmetic
    def save(self, path: str | PathLike[str]) -> None:
        """Write the witness to one ``.npz`` file, replacing an existing file only when complete.

        `hypernorm.load_certificate` reads it.

        Raises
        ------
        InvalidInputError
            If the folder does not exist or cannot be written.
        """
        members = {
            "q": np.array(self.q, dtype="<f8"),
            "shape": np.array(self.shape, dtype="<i8"),
            "fingerprint": np.array(self.fingerprint, dtype=np.str_),
            "value": np.array(self.value, dtype="<f8"),
            "vector": np.array(self.vector, dtype="<f8"),
        }
        write_members(WITNESS, members, path)

    def __repr__(self) -> str:
        return f"Witness(q={self.q:g}, shape={self.shape}, value={rounded_down(self.value, 12)})"


def parse_witness(reader: ArchiveReader) -> Witness:
    """The witness in a file of this kind, well-formed and not yet verified."""
    q = check_real(float(reader.scalar("q", "<f8")), "q", 1.0, infinite=True)
    shape, fingerprint = parse_shape(reader), parse_fingerprint(reader)
    value = check_real(float(reader.scalar("value", "<f8")), "value", 0.0)
    vector = private_array(reader.array("vector", ("<f8",), (shape[1],)), "vector", (shape[1],))
    vector.setflags(write=False)
    return Witness(vector, q, value, shape, fingerprint)


def _check_vector(vector: Any, dimension: int) -> np.ndarray:
    try:
        array = np.array(vector, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"vector must be real numbers: {error}.") from None
    if array.shape != (dimension,):
        raise InvalidInputError(f"vector must have shape ({dimension},), one entry per column of X, got {array.shape}.")
    largest = float(np.abs(array).max())
    if not (math.isfinite(largest) and largest > 0):
        raise InvalidInputError("vector must be finite and not zero.")
    array = _scaled(array)
    array.setflags(write=False)
    return array


def _scaled(vector: np.ndarray) -> np.ndarray:
    """The vector with its largest entry brought to [1/2, 1) by a power of two unless it is in (1/10, 1] already.

    That keeps the direction, short of entries 2**-900 times smaller than the largest one.
    """
    largest = float(np.abs(vector).max())
    return vector if 0.1 < largest <= 1 else np.ldexp(vector, -math.frexp(largest)[1])


def attained_value(rows: Rows, vector: np.ndarray, q: float, *, exact: bool = False) -> float:
    """A proved lower bound on ‖Xv‖_q / ‖v‖, rounding included."""
    return attained_interval(rows, vector, q, exact=exact)[0]


def attained_interval(rows: Rows, vector: np.ndarray, q: float, *, exact: bool = False) -> tuple[float, float]:
    """Proved bounds on ‖Xv‖_q / ‖v‖ from below and above.

    Each |⟨x_i, v⟩| is enclosed, exactly or through |fl(x_iᵀv) − x_iᵀv| ≤ γ_d ‖x_i‖‖v‖; powers, their sum, the root
    and the division are ball arithmetic, rounded outward.
    """
    check_arithmetic()
    vector = _scaled(vector)
    with precision(), np.errstate(all="ignore"):
        length = sum((rational(entry) ** 2 for entry in vector.tolist()), rational(0)).sqrt()
        scale = rational(2) ** rows.exponent / length
        # Xv and its scaled copy differ by at most n·d·2**-1074·max|v| in any q-norm, q ≥ 1.
        moved = rational(2.0**-1074) * (rows.shape[0] * rows.shape[1]) if rows.inexact else rational(0)
        if exact:
            below = above = _norm_of(_exact_values(rows, vector), q)
        else:
            below, above = (_norm_of(values, q) for values in _rounded_values(rows, vector))
        return lower_float((below - moved) * scale), upper_float((above + moved) * scale)


def _norm_of(values: Iterable[flint.arb], q: float) -> flint.arb:
    """‖·‖_q of positive balls; zeros are left out."""
    total = rational(0)
    if math.isinf(q):
        for value in values:
            total = total.max(value)
        return total
    exponent = int(q) if q == int(q) else rational(q)
    for value in values:
        total += value**exponent
    return total if total.is_zero() else total ** (1 / rational(q))


def _rounded_values(rows: Rows, vector: np.ndarray) -> tuple[Iterator[flint.arb], Iterator[flint.arb]]:
    """Lower and upper bounds of the non-zero |⟨x_i, v⟩|."""
    size = float(np.linalg.norm(vector)) * SAFETY
    error = (gamma(rows.shape[1] + 2) * size) * rows.norms * SAFETY + TINY
    image = np.abs(rows.images(vector))
    below, above = (image - error) * (1 - 4 * UNIT), (image + error) * (1 + 4 * UNIT)
    return map(flint.arb, below[below > 0].tolist()), map(flint.arb, above.tolist())


def _exact_values(rows: Rows, vector: np.ndarray) -> Iterator[flint.arb]:
    column = DyadicMatrix.from_floats(vector[:, None])
    for start in range(0, rows.shape[0], _BLOCK_ROWS):
        block = DyadicMatrix.from_floats(rows.block(start, min(start + _BLOCK_ROWS, rows.shape[0])))
        image = block @ column
        scale = rational(2) ** image.exponent
        yield from (flint.arb(abs(entry)) * scale for entry in image.integers.entries() if entry)
