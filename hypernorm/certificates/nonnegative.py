"""Upper bounds on norms of columns and on products of non-negative matrices, rounding included.

Sums of non-negative terms have a small relative error whatever their order. Powers of many numbers are verified rather
than trusted: y is an upper bound on x^{a/b} for integers a and b if y^b ≥ x^a, which takes products only.
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import chain
from typing import Any

import flint
import numpy as np
import scipy.sparse as sp

from hypernorm._validation import Matrix, as_dense
from hypernorm.certificates.dyadic import DyadicMatrix
from hypernorm.certificates.exponents import Exponent, norm_change, norm_of_balls, raised
from hypernorm.certificates.rounding import SAFETY, UNIT, gamma, rational, upper_float
from hypernorm.exceptions import CertificateError
from hypernorm.forms import BlockMatrix

__all__ = ["column_norms", "largest_column_norm", "moduli_above", "power_above", "products_above", "simple_fraction"]

# Exponents a/b with such small integers are handled by products.
_LARGEST_DENOMINATOR, _LARGEST_NUMERATOR = 16, 40
# A power is raised by this relative amount before it is verified, which covers 40 + 16 roundings and a poor `pow`.
_LIFT = 2.0**-44
_VANISHED = 2.0**-1000
_EXACT_ROWS = 512
# Far below the norm of a column, whose largest entry is about one.
_NEGLIGIBLE = Fraction(1, 10**12)


def simple_fraction(r: Exponent) -> Fraction | None:
    """A fraction with a small numerator and denominator within 10⁻¹² of r, or None."""
    if r == math.inf:
        return None
    exact = Fraction(r)
    close = exact.limit_denominator(_LARGEST_DENOMINATOR)
    return close if abs(close - exact) <= _NEGLIGIBLE and close.numerator <= _LARGEST_NUMERATOR else None


def power_above(values: np.ndarray, power: Fraction) -> np.ndarray:
    """Upper bounds on x^{a/b}, accurate to about 2⁻⁴³, for 0 < x ≤ 1 and a `power` a/b of small integers.

    A result below 2⁻⁶² may be too large.

    Raises
    ------
    CertificateError
        If the processor's power function is too inaccurate.
    """
    a, b = power.numerator, power.denominator
    if power == 1:
        return values
    # Integer powers of larger numbers do not underflow.
    x = np.maximum(values, 2.0 ** -(1000 // max(a, b)))
    proposed = np.power(x, a / b) * (1 + _LIFT)
    target, reached = _integer_power(x, a), _integer_power(proposed, b)
    if not (reached >= target * (1 + 2 * (a + b + 4) * UNIT)).all():
        raise CertificateError("Nothing is proved: the powers of this processor are too inaccurate.")
    return np.asarray(proposed)


def _integer_power(x: np.ndarray, power: int) -> np.ndarray:
    """x^power with a relative error of at most γ_power."""
    result = x
    for _ in range(power - 1):
        result = result * x
    return result


def moduli_above(entries: Any, *, exact: bool) -> Any:
    """Upper bounds on the magnitudes of the entries, the magnitudes themselves for real numbers; zeros stay zero.

    The moduli of complex numbers, up to about 1, are rounded up, by ball arithmetic if `exact`.
    """
    if isinstance(entries, BlockMatrix):
        return abs(entries)
    values = entries if isinstance(entries, np.ndarray) else entries.data
    if values.dtype.kind != "c":
        above = np.abs(values)
    elif exact:
        squares = ((rational(z.real) ** 2 + rational(z.imag) ** 2, z) for z in values.ravel().tolist())
        above = np.array([upper_float(square.sqrt()) if z else 0.0 for square, z in squares]).reshape(values.shape)
    else:
        a, b = np.abs(values.real), np.abs(values.imag)
        with np.errstate(under="ignore"):
            # Two squares, a sum and a root; squares of tiny numbers would vanish.
            above = np.where(np.maximum(a, b) > 2.0**-400, np.sqrt(a * a + b * b), a + b) * (1 + 8 * UNIT)
    if isinstance(entries, np.ndarray):
        return above
    return sp.csr_array((above, entries.indices, entries.indptr), shape=entries.shape)


def column_norms(entries: Any, r: Exponent, *, exact: bool) -> list[flint.arb]:
    """Upper bounds on the r-norms of the columns of a matrix.

    Parameters
    ----------
    entries : ndarray, csr_array or BlockMatrix of shape (m, n)
    r : Fraction or inf
    exact : bool
        Compute in balls only.

    Returns
    -------
    list of arb
        Balls; the upper end of each is the bound, within 10⁻¹² of the norm.
    """
    if isinstance(entries, BlockMatrix):
        found = [column_norms(block, r, exact=exact) for block in entries.blocks()]
        if entries.is_transposed:
            return list(chain.from_iterable(found))
        return [norm_of_balls(norms, r) for norms in zip(*found, strict=True)]
    rows, n = entries.shape
    values, columns = _magnitudes(entries)
    scales = _column_scales(values, columns, n)
    power = None if exact else simple_fraction(r)
    if r == math.inf:
        largest = np.zeros(n)
        np.maximum.at(largest, columns, values)
        return [rational(value) for value in largest.tolist()]
    if power is None:
        parts = np.split(values[np.argsort(columns, kind="stable")], np.cumsum(np.bincount(columns, minlength=n))[:-1])
        return [norm_of_balls(map(flint.arb, part.tolist()), r) for part in parts]
    with np.errstate(under="ignore"):
        scaled = power_above(np.ldexp(values, -scales[columns]), power)
    sums = np.bincount(columns, weights=scaled, minlength=n) * (1 + SAFETY * gamma(rows + 2))
    change = norm_change(1 / power, 1 / Fraction(r), rows)
    roots = (raised(flint.arb(value), 1 / power) * change for value in sums.tolist())
    return [root * rational(2) ** scale for root, scale in zip(roots, scales.tolist(), strict=True)]


def largest_column_norm(entries: Any, r: Exponent, *, exact: bool) -> flint.arb:
    """An upper bound on the largest r-norm of the columns of a matrix with non-zero columns.

    Where balls are needed, columns that are clearly shorter than the longest one are left out: ‖·‖_r ≤ ‖·‖_s for s ≤ r.
    """
    if exact or isinstance(entries, BlockMatrix) or r == math.inf or simple_fraction(r) is not None:
        return norm_of_balls(column_norms(entries, r, exact=exact), math.inf)
    steps = 4 if r < 10 else 1
    lower = min(Fraction(math.floor(r * steps), steps), Fraction(_LARGEST_NUMERATOR))
    crude = [upper_float(ball) for ball in column_norms(entries, lower, exact=False)]
    order = np.argsort(-np.array(crude), kind="stable").tolist()
    best = rational(0)
    for index in order:
        if rational(crude[index]) < best:
            break
        column = entries[:, [index]]
        best = best.max(column_norms(column, r, exact=True)[0])
    return best


def products_above(entries: Any, x: np.ndarray, *, exact: bool) -> np.ndarray:
    """Floats that are at least Bx for a non-negative matrix B with entries up to 1, and a positive vector."""
    if not exact:
        with np.errstate(under="ignore", over="ignore"):
            return np.asarray((entries @ x) * (1 + SAFETY * gamma(entries.shape[1] + 4)) + _VANISHED)
    if isinstance(entries, BlockMatrix):
        return _exact_products(entries, x)
    column = DyadicMatrix.from_floats(x[:, None])
    result = []
    for start in range(0, entries.shape[0], _EXACT_ROWS):
        image = DyadicMatrix.from_floats(as_dense(entries[start : start + _EXACT_ROWS])) @ column
        scale = rational(2) ** image.exponent
        result += [upper_float(flint.arb(entry) * scale) for entry in image.integers.entries()]
    return np.array(result)


def _exact_products(entries: BlockMatrix, x: np.ndarray) -> np.ndarray:
    if not entries.is_transposed:
        return np.concatenate([products_above(block, x, exact=True) for block in entries.blocks()])
    total, start = DyadicMatrix.from_floats(np.zeros((entries.shape[0], 1))), 0
    for block in entries.blocks():
        stop = start + block.shape[1]
        total += DyadicMatrix.from_floats(block) @ DyadicMatrix.from_floats(x[start:stop, None])
        start = stop
    scale = rational(2) ** total.exponent
    return np.array([upper_float(flint.arb(entry) * scale) for entry in total.integers.entries()])


def _magnitudes(entries: Matrix) -> tuple[np.ndarray, np.ndarray]:
    """The magnitudes of the non-zero entries, and their columns."""
    if isinstance(entries, np.ndarray):
        rows, columns = np.nonzero(entries)
        return np.abs(entries[rows, columns]), columns
    keep = entries.data != 0
    return np.abs(entries.data[keep]), entries.indices[keep]


def _column_scales(values: np.ndarray, columns: np.ndarray, n: int) -> np.ndarray:
    """For each column the least k with entries up to 2**k."""
    largest = np.zeros(n)
    np.maximum.at(largest, columns, values)
    return np.frexp(largest)[1]
