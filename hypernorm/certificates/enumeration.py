"""Certificates of operator norms by enumeration: p = ∞, or q = 1 by the transpose, and few columns.

‖Av‖_q is a convex function of v, so it is largest on the cube at a vertex, a vector of signs; v and −v are equal. The
proof is a computation: it visits the 2^{n−1} vectors of signs again. Real vectors only: over complex vectors the norm
can be larger.

Both arithmetics are one of integers. The entries are rounded to multiples of 2^−b, so that the images Av are vectors of
integers. For q = 1 their sums are integers, too. For q > 1 a table of upper bounds on the powers of 2^14 multiples of
a unit, rounded up to integers, gives each ‖Av‖_q a bound that is a little too large; where it is above the largest norm
known, the norm is computed in balls.
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
from hypernorm.certificates.exponents import Exponent, norm_of_balls, raised
from hypernorm.certificates.operator import OperatorCertificate
from hypernorm.certificates.registry import register
from hypernorm.certificates.rounding import rational
from hypernorm.exceptions import CertificateError
from hypernorm.forms import ScaledMatrix

__all__ = ["LARGEST_ENUMERATION", "EnumerationCertificate", "sign_sums"]

LARGEST_ENUMERATION = 24
"""The largest number of columns."""

# The sums over so many columns are tabulated, if the table has at most so many entries.
_LOW, _TABLE = 11, 1 << 18
# Bits of entries behind the point, and of sums.
_BITS, _SUM_BITS = 40, 62
# Binary digits of the steps of the table, n for n columns in between. At most so many norms are computed in balls;
# further ones keep their bound by the table, which is off by about q/2^14.
_LEAST_STEPS, _STEPS, _MOST_NORMS = 6, 14, 10_000


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class EnumerationCertificate(OperatorCertificate):
    """The largest ‖Av‖_q over vectors v of signs: the norm itself, up to rounding.

    Attributes
    ----------
    p, q, shape, fingerprint, field, side, upper
        As for `OperatorCertificate`.

    See Also
    --------
    OperatorCertificate : The other rules.

    Notes
    -----
    The section on enumeration in theory/operator_norms of the documentation.

    Examples
    --------
    >>> import numpy as np, hypernorm as hn
    >>> A = np.array([[1.0, 1.0], [1.0, -1.0]])
    >>> certificate = hn.operator_certificate(A, np.inf, 1, rule="enumeration")
    >>> round(certificate.verify(A, exact=True).upper, 9)
    2.0
    """

    kinds: ClassVar = ("enumeration",)

    def rules(self) -> None:
        if self.field != "real":
            raise CertificateError("The rule 'enumeration' is for real vectors only.")

    def bound(self, matrix: ScaledMatrix, *, exact: bool) -> flint.arb:
        operand = self.operand(matrix)
        if operand.p != math.inf or operand.q == math.inf:
            raise self.refuse(operand)
        n = operand.entries.shape[1]
        if n > LARGEST_ENUMERATION:
            raise CertificateError(
                f"An enumeration of more than {LARGEST_ENUMERATION} columns takes too long, got {n}."
            )
        return _largest_norm(as_dense(operand.entries), operand.q)


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


def _largest_norm(entries: np.ndarray, q: Exponent) -> flint.arb:
    """max ‖Av‖_q over vectors v of signs."""
    m, n = entries.shape
    bits = min(_BITS, _SUM_BITS - (m * (n + 1)).bit_length())
    integers = np.rint(np.ldexp(entries, bits)).astype(np.int64)
    if q == 1:
        best = rational(max(int(np.abs(images).sum(axis=1).max()) for images in sign_sums(integers)))
    else:
        best = _Powers(integers, q).largest()
    # Each entry was rounded by at most half a unit; entries that are integers were not rounded.
    rounded = (np.ldexp(integers.astype(np.float64), -bits) != entries).sum(axis=1)
    loss = norm_of_balls(map(rational, rounded.tolist()), q) / 2
    return (best + loss) * rational(2) ** -bits


class _Powers:
    """The largest q-norm of the images of vectors of signs, for integers and q > 1."""

    def __init__(self, integers: np.ndarray, q: Exponent):
        self.integers, self.q = integers, q
        largest = int(np.abs(integers).sum(axis=1).max())
        steps = min(max(integers.shape[1], _LEAST_STEPS), _STEPS)
        self.shift = max(0, largest.bit_length() - steps)
        self.top = -(-largest >> self.shift)  # images divided by 2**shift are at most this
        self.scale = rational(2) ** (_SUM_BITS - len(integers).bit_length())
        powers = (raised(rational(Fraction(k, self.top)), Fraction(q)) * self.scale for k in range(self.top + 1))
        self.table = np.array([0 if k == 0 else int(power.upper().ceil().fmpz()) for k, power in enumerate(powers)])

    def largest(self) -> flint.arb:
        """An upper bound on max ‖Av‖_q, within about 10⁻³⁰ of it unless too many vectors nearly attain it."""
        best, known, rest = rational(0), 0, 0
        seen: set[bytes] = set()
        for images in sign_sums(self.integers):
            magnitudes = np.abs(images)
            sums = self.table[-(-magnitudes >> self.shift)].sum(axis=1)
            above = np.flatnonzero(sums > known)
            for index in above[np.argsort(-sums[above], kind="stable")].tolist():
                if sums[index] <= known:
                    break
                ordered = np.sort(magnitudes[index])
                if ordered.tobytes() in seen:
                    continue
                if len(seen) == _MOST_NORMS:
                    rest = max(rest, int(sums[index]))
                    break
                seen.add(ordered.tobytes())
                norm = norm_of_balls(map(rational, ordered.tolist()), self.q)
                if norm.upper() > best.upper():
                    best = norm
                    known = self._sum_of(norm)
        return best.max(self._norm_of(rest))

    def _sum_of(self, norm: flint.arb) -> int:
        """A sum that no norm above this one has in the table."""
        return int((raised(norm / self.top / 2**self.shift, Fraction(self.q)) * self.scale).lower().floor().fmpz())

    def _norm_of(self, total: int) -> flint.arb:
        """A bound on the norms with this sum in the table."""
        return raised(rational(total) / self.scale, 1 / Fraction(self.q)) * rational(self.top * 2**self.shift)
