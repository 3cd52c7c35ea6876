"""Bounds on rounding errors, outward rounding of scalars, and proofs of positive definiteness.

The model is the standard one: binary64, rounding to nearest, and a matrix product that forms each entry as a sum of
products in any order, with or without fused operations (so not a Strassen-type product). For a product of inner
length m, |fl(AB) − AB| ≤ γ_m |A||B| entrywise with γ_m = mu/(1 − mu) and u = 2**-53 (Higham, *Accuracy and Stability
of Numerical Algorithms*, §3.5). Rows are scaled to length at most one, so an underflow, gradual or flushed to zero,
changes any quantity here by less than `TINY`.

Scalars at the end of a proof (roots, real powers) are evaluated in ball arithmetic and rounded outward.
"""

from __future__ import annotations

import math
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

import flint
import numpy as np
from scipy.linalg import solve_triangular

from hypernorm._parallel import product_threads
from hypernorm.exceptions import CertificateError
from hypernorm.forms import Rows

__all__ = [
    "SAFETY",
    "TINY",
    "UNIT",
    "check_arithmetic",
    "definite_shift",
    "gamma",
    "is_proved_positive_definite",
    "known_reweighting",
    "lower_float",
    "precision",
    "rational",
    "reweight",
    "root_above",
    "scaling_loss",
    "upper_float",
    "weight_spread",
]

UNIT = 2.0**-53
# Error bounds are themselves sums of at most 2**40 positive terms, computed with a relative error below 2**-12.
SAFETY = 1.001
TINY = 2.0**-900

_PRECISION_BITS = 128
# For powers up to 16, and rows and radii between 2**-50 and 2**50, nothing overflows or underflows.
_LARGEST_QUARTERS = 64
_ORDINARY_EXPONENT = 50
_PANEL = 256
_SMALL = 1000  # below this size threads cost more time than they save
_PRECISION_LOCK = threading.RLock()
_PROVERS: list[tuple[int, int]] = []  # the proving thread, and the precision before its proof


def gamma(length: int) -> float:
    """An upper bound of γ_m = mu/(1 − mu) for sums of `length` terms."""
    return length * UNIT / (1 - length * UNIT) * (1 + 4 * UNIT)


@contextmanager
def precision() -> Iterator[None]:
    """Context in which ball arithmetic carries 128 bits; python-flint keeps one precision for the whole process.

    Yields
    ------
    None

    See Also
    --------
    UNIT : Half the distance from 1 to the next float.

    Examples
    --------
    >>> import flint
    >>> with precision():
    ...     flint.ctx.prec
    128
    """
    with _PRECISION_LOCK, product_threads(None):
        found = flint.ctx.prec
        _PROVERS.append((threading.get_ident(), found))
        try:
            flint.ctx.prec = _PRECISION_BITS
            yield
        finally:
            flint.ctx.prec = found
            _PROVERS.pop()


def _after_fork_in_child() -> None:
    """Restore precision and lock in the child of a fork, where the proof of another thread does not go on."""
    global _PRECISION_LOCK
    if _PROVERS and _PROVERS[0][0] == threading.get_ident():
        return
    _PRECISION_LOCK = threading.RLock()
    if _PROVERS:
        flint.ctx.prec = _PROVERS[0][1]
        _PROVERS.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def check_arithmetic() -> None:
    """Check that the processor rounds to nearest and keeps numbers below the normal range.

    Libraries compiled with -ffast-math may switch this off for the whole process when they are loaded.

    Raises
    ------
    CertificateError
        If it does not, as nothing can be proved then.
    """
    one, tiny = np.ones(1), np.full(1, 2.0**-1060)
    less, more = 2.0**-54, 3 * 2.0**-54  # a quarter and three quarters of the distance to the next float
    nearest = one + less == 1 and one + more == 1 + 2.0**-52 and -one - less == -1 and -one - more == -1 - 2.0**-52
    if not (nearest and tiny * 2.0**-10 > 0 and tiny * 2.0**-10 * 2.0**1000 == 2.0**-70):
        raise CertificateError(
            "Nothing can be proved: this process does not round to nearest with gradual underflow as IEEE 754 asks; a "
            "library built with -ffast-math may have switched it off, so load hypernorm without it."
        )


def rational(value: Fraction | float | int) -> flint.arb:
    """A ball around a rational number or around the exact value of a float.

    Raises
    ------
    CertificateError
        If a float is infinite or NaN, because a number of the proof has overflowed.
    """
    if type(value) is float and not math.isfinite(value):
        raise CertificateError("Nothing is proved: the numbers are too large for a proof, they overflow.")
    fraction = Fraction(value)
    return flint.arb(flint.fmpq(fraction.numerator, fraction.denominator))


def upper_float(ball: flint.arb) -> float:
    """A float that is at least every number in the ball; infinity if none is."""
    value = float(ball.upper())
    return math.inf if math.isnan(value) else math.nextafter(value, math.inf)


def lower_float(ball: flint.arb) -> float:
    """A non-negative float that is at most every number in a ball of non-negative numbers."""
    value = float(ball.lower())
    if math.isnan(value) or value <= 0:
        return 0.0
    return math.nextafter(min(value, sys.float_info.max), 0.0)


def root_above(value: float, degree: int) -> flint.arb:
    """A ball around ``value ** (1/degree)`` for a non-negative float."""
    return rational(value).root(degree) if value > 0 else flint.arb(0)


def row_length(rows: Rows, index: int) -> flint.arb:
    """A ball that contains the exact length of row `index` of the scaled matrix."""
    square = float(rows.row_squares[index])
    relative = gamma(rows.shape[1] + 2)
    ball = flint.arb(square, square * relative * SAFETY + TINY)
    return ball.sqrt() * flint.arb(2) ** int(rows.row_exponents[index])


def scaling_loss(rows: Rows) -> flint.arb:
    """A bound on ‖E‖_F for the E by which scaling has changed X.

    It moved each entry below the normal range by less than 2**-1074.
    """
    n, d = rows.shape
    return rational(2.0**-1074) * rational(n * d).sqrt() if rows.inexact else rational(0)


def reweight(rows: Rows, power: Fraction, radius: float) -> tuple[Rows, flint.arb]:
    """Rows y_i = s_i x_i with s_i ≥ (‖x_i‖/radius)^power, and a bound on ‖E‖_F where s_i x_i = y_i + e_i exactly.

    Zero rows stay zero. The result is kept with the rows. Since ‖Ev‖_p ≤ ‖E‖_F for p ≥ 2 and unit v, a bound on the
    2→p norm of Y plus ‖E‖_F bounds that of diag((‖x_i‖/radius)^power) X. If the radius is the length of the longest
    row, the longest row of Y is as long as that of X.

    Parameters
    ----------
    rows : Rows
    power : Fraction
    radius : float

    Returns
    -------
    Y : Rows
    error : flint.arb
        A bound on ‖E‖_F.

    Raises
    ------
    CertificateError
        If a weight overflows.

    See Also
    --------
    known_reweighting : The result of an earlier call.

    Examples
    --------
    >>> import numpy as np
    >>> from fractions import Fraction
    >>> from hypernorm.forms import Rows
    >>> with precision():
    ...     Y, error = reweight(Rows(np.eye(2)), Fraction(1, 4), 1.0)
    >>> Y.shape, float(error) < 1e-12
    ((2, 2), True)
    """
    if power == 0:
        return rows, flint.arb(0)
    return rows.kept(("reweighted", power, radius), lambda: _reweighted(rows, power, radius))


def _reweighted(rows: Rows, power: Fraction, radius: float) -> tuple[Rows, flint.arb]:
    exponent, unit = rational(power), rational(radius)
    multiplier = _simple_factors(rows, power, radius)
    for index in np.flatnonzero((rows.row_squares > 0) & ~(multiplier > 0)).tolist():
        factor = upper_float((row_length(rows, index) / unit) ** exponent)
        if factor == math.inf:
            # Only a row that scaling has flushed to zero may have any factor.
            if rows.block(index, index + 1).any():
                raise CertificateError(f"The weight of row {index} is too large for a proof.")
            factor = 0.0
        multiplier[index] = factor
    weighted = rows.reweighted(multiplier)
    length = float(np.linalg.norm(weighted.norms)) * SAFETY
    # Each product is rounded once: by the relative error u or, below the normal range, by less than 2**-1022.
    n, d = rows.shape
    loss = rational(UNIT * length * SAFETY) + rational(2.0**-1022) * flint.arb(n * d).sqrt()
    return weighted, loss


def known_reweighting(rows: Rows, power: Fraction, radius: float) -> Rows | None:
    """The reweighted rows, or None if `reweight` has not been called before.

    Parameters
    ----------
    rows : Rows
    power : Fraction
    radius : float

    Returns
    -------
    Rows or None

    See Also
    --------
    reweight : Compute them.

    Examples
    --------
    >>> import numpy as np
    >>> from fractions import Fraction
    >>> from hypernorm.forms import Rows
    >>> known_reweighting(Rows(np.eye(2)), Fraction(1, 4), 1.0) is None
    True
    """
    if power == 0:
        return rows
    found = rows.recall(("reweighted", power, radius))
    return None if found is None else found[0]


def weight_spread(power: Fraction, columns: int) -> float:
    """A bound on the relative difference of the weights ≥ (‖x_i‖/radius)^power that two proofs choose for one row.

    `reweight` adds the error of the computed length to it, or a few roundings for each quarter of the power; the exact
    proof uses the exact length.

    Parameters
    ----------
    power : Fraction
    columns : int

    Returns
    -------
    float

    See Also
    --------
    reweight : Chooses such weights.

    Examples
    --------
    >>> from fractions import Fraction
    >>> 0 < weight_spread(Fraction(1, 4), 10) < 1e-12
    True
    """
    return 8 * float(abs(power)) * (gamma(columns + 2) + 8 * UNIT) + 8 * UNIT if power else 0.0


def _simple_factors(rows: Rows, power: Fraction, radius: float) -> np.ndarray:
    """(‖x_i‖/radius)^power rounded up, if the power is a positive multiple of 1/4 and the row is not very short.

    Zero marks rows that are left to ball arithmetic. The computation needs only square roots, products and one
    quotient. IEEE 754 rounds each of them correctly, so a few units in the last place for each give an upper bound.
    """
    factors = np.zeros(rows.shape[0])
    quarters = power * 4
    usual = power > 0 and quarters.denominator == 1 and quarters <= _LARGEST_QUARTERS
    if not (usual and 2.0**-_ORDINARY_EXPONENT < radius < 2.0**_ORDINARY_EXPONENT):
        return factors
    ordinary = (rows.row_squares > 0) & (rows.row_exponents > -_ORDINARY_EXPONENT)
    with np.errstate(under="ignore"):
        lengths = np.ldexp(np.sqrt(rows.row_squares[ordinary]), rows.row_exponents[ordinary])
        fourth_roots = np.sqrt(np.sqrt(lengths / radius))
        values = np.ones(len(lengths))
        for _ in range(int(quarters)):
            values = values * fourth_roots
    # The computed square is within γ_{d+2} of the true one; 4 roundings in each root, one in each product.
    slack = float(quarters) * (gamma(rows.shape[1] + 2) + 8 * UNIT)
    factors[ordinary] = values * (1 + slack) * (1 + 4 * UNIT)
    return factors


def definite_shift(A: np.ndarray) -> float:
    """The shift of the diagonal by which `is_proved_positive_definite` covers its own rounding errors."""
    return 4 * gamma(len(A) + 4) * float(np.trace(A))


def is_proved_positive_definite(A: np.ndarray, error: float = 0.0, *, overwrite: bool = False) -> bool:
    """Whether every symmetric matrix within `error` of `A` in the spectral norm is proved positive definite.

    LAPACK proposes a Cholesky factor L of A − cI. The residual R = A − cI − LLᵀ is computed with a bound on its
    rounding error, and λ_min ≥ c − ‖R‖_F − error > 0 is the proof. It relies on the error model of the matrix product
    alone, not on LAPACK.

    Parameters
    ----------
    A : ndarray of shape (m, m)
        Exactly symmetric, with largest entries of order one, so that no square that matters underflows.
    error : float, default 0
        Bound on the spectral norm of the difference between `A` and the exact matrix.
    overwrite : bool, default False
        Work in the memory of `A`.
    """
    if not (np.isfinite(A).all() and math.isfinite(error)):
        return False
    shift = SAFETY * error + definite_shift(A)
    if not shift > 0:
        return False
    shifted = A if overwrite else A.copy()
    shifted[np.diag_indices_from(shifted)] -= shift
    diagonal = np.diagonal(shifted).copy()
    with product_threads(1 if len(A) < _SMALL else None):
        try:
            residual, size = _factor(shifted)
        except np.linalg.LinAlgError:
            return False
    rounding = (
        gamma(len(A) + 2) * size**2  # the product LLᵀ
        + 2 * UNIT * residual  # the difference
        + 2 * UNIT * float(np.linalg.norm(diagonal))  # the shifted diagonal
        + TINY
    )
    return bool(shift > SAFETY * (residual + rounding + error))


def _factor(S: np.ndarray) -> tuple[float, float]:
    """‖LLᵀ − S‖_F and ‖L‖_F for a proposed Cholesky factor, which replaces S on and below the diagonal.

    Each panel of columns of LLᵀ takes one product with the columns of L before it, for the factor and for the residual.

    Raises
    ------
    LinAlgError
        If LAPACK finds no factor.
    """
    residual = size = 0.0
    for start in range(0, len(S), _PANEL):
        stop = min(start + _PANEL, len(S))
        square, right = S[start:stop, start:stop], S[start:stop, stop:]
        top = np.triu(square) + np.triu(square, 1).T
        product = S[start:, :start] @ S[start:stop, :start].T
        own, below = product[: stop - start], product[stop - start :]
        L = np.linalg.cholesky(top - own)
        under = solve_triangular(L, right - below.T, lower=True, check_finite=False).T if below.size else below
        own += L @ L.T - top
        below += under @ L.T - right.T
        residual += float(np.linalg.norm(own)) ** 2 + 2 * float(np.linalg.norm(below)) ** 2
        size += float(np.linalg.norm(L)) ** 2 + float(np.linalg.norm(under)) ** 2
        S[stop:, start:stop] = under
        square[np.tril_indices(len(L))] = L[np.tril_indices(len(L))]
    return math.sqrt(residual), math.sqrt(size)
