"""Certificates of operator norms by enumeration: p = ∞, or q = 1 by the transpose, and few columns.

‖Av‖_q is a convex function of v, so it is largest on the cube at a vertex, a vector of signs; v and −v are equal. The
proof is a computation: it visits the 2^{n−1} vectors of signs again. Real vectors only: over complex vectors the norm
can be larger.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import flint
import numpy as np

from hypernorm._validation import as_dense
from hypernorm.certificates.base import register
from hypernorm.certificates.exponents import norm_change, raised
from hypernorm.certificates.nonnegative import power_above, simple_fraction
from hypernorm.certificates.operator import OperatorCertificate
from hypernorm.certificates.rounding import SAFETY, TINY, gamma, rational
from hypernorm.exceptions import CertificateError
from hypernorm.forms import ScaledMatrix

__all__ = ["LARGEST_ENUMERATION", "EnumerationCertificate", "sign_sums"]

LARGEST_ENUMERATION = 24
"""The largest number of columns."""

# The sums over so many columns are tabulated, if the table has at most so many entries.
_LOW, _TABLE = 11, 1 << 20
_BITS = 40


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class EnumerationCertificate(OperatorCertificate):
    """The largest ‖Av‖_q over vectors v of signs: the norm itself, up to rounding.

    In exact arithmetic there is a proof for q = 1 only.

    Attributes
    ----------
    p, q, shape, fingerprint, side, upper
        As for `OperatorCertificate`.

    See Also
    --------
    OperatorCertificate : The other rules.

    Notes
    -----
    The section on enumeration in docs/theory/operator_norms.md.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> A = np.array([[1.0, 1.0], [1.0, -1.0]])
    >>> certificate = hn.operator_certificate(A, np.inf, 1, rule="enumeration")
    >>> round(certificate.verify(A, exact=True).upper, 9)
    2.0
    """

    kinds: ClassVar = ("enumeration",)

    def bound(self, matrix: ScaledMatrix, *, exact: bool) -> flint.arb:
        operand = self.operand(matrix)
        if operand.p != math.inf or operand.q == math.inf:
            raise self.refuse(operand)
        n = operand.entries.shape[1]
        if n > LARGEST_ENUMERATION:
            raise CertificateError(
                f"An enumeration of more than {LARGEST_ENUMERATION} columns takes too long, got {n}."
            )
        power = simple_fraction(operand.q)
        if power is None or (exact and operand.q != 1):
            raise CertificateError(
                f"The rule 'enumeration' has no proof {'in exact arithmetic ' if exact else ''}for {self.quantity}."
            )
        entries = as_dense(operand.entries)
        return _largest_integer_sum(entries) if exact else _largest_sum(entries, power, Fraction(operand.q))


def sign_sums(entries: np.ndarray) -> Iterator[np.ndarray]:
    """Yield Av for all vectors v of signs whose last entry is 1, as the rows of arrays; in the type of the entries.

    Parameters
    ----------
    entries : ndarray of shape (m, n)

    Yields
    ------
    ndarray of shape (k, m)

    See Also
    --------
    EnumerationCertificate : Uses them.

    Examples
    --------
    >>> import numpy as np
    >>> sorted(np.vstack(list(sign_sums(np.array([[1.0, 2.0]])))).ravel().tolist())
    [1.0, 3.0]
    """
    m, n = entries.shape
    low = min(_LOW, n - 1, max(0, (_TABLE // m).bit_length() - 1))
    table, others = _sums(entries[:, :low]), entries[:, low:]
    for signs in itertools.product((1, -1), repeat=n - 1 - low):
        yield table + others @ np.array([*signs, 1], dtype=entries.dtype)


def _sums(entries: np.ndarray) -> np.ndarray:
    """Av for all vectors v of signs, as rows."""
    table = np.zeros((1, entries.shape[0]), dtype=entries.dtype)
    for column in entries.T:
        table = np.concatenate([table + column, table - column])
    return table


def _largest_sum(entries: np.ndarray, power: Fraction, q: Fraction) -> flint.arb:
    """max ‖Av‖_q in floating point: a sum of n terms for each row, powers, and a sum over the rows."""
    m, n = entries.shape
    magnitudes = np.abs(entries).sum(axis=1)
    scale = math.frexp(float(magnitudes.max()))[1] + 1
    scaled = np.ldexp(entries, -scale)
    best = 0.0
    for images in sign_sums(scaled):
        values = np.abs(images)
        total = (values if power == 1 else power_above(values, power)).sum(axis=1)
        best = max(best, float(total.max()))
    sums = rational(best) * rational(1 + SAFETY * gamma(m + 4))
    root = raised(sums, 1 / power) * norm_change(1 / power, 1 / q, m)
    error = rational(SAFETY * gamma(n + 4) * float(magnitudes.sum()) + TINY)
    return root * rational(2) ** scale + error


def _largest_integer_sum(entries: np.ndarray) -> flint.arb:
    """max ‖Av‖_1 in integer arithmetic, for the entries rounded to multiples of 2^−40."""
    m, n = entries.shape
    if m * (n + 1) >= 2 ** (62 - _BITS):
        raise CertificateError(f"An enumeration in exact arithmetic takes too large numbers for {m} rows.")
    integers = np.rint(np.ldexp(entries, _BITS)).astype(np.int64)
    best = max(int(np.abs(images).sum(axis=1).max()) for images in sign_sums(integers))
    # Each entry was rounded by less than one unit; entries that are integers were not rounded.
    rounded = int(np.count_nonzero(np.ldexp(integers.astype(np.float64), -_BITS) != entries))
    return rational(best + rounded) * rational(2) ** -_BITS
