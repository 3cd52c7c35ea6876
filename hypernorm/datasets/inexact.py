"""Matrices of known norm for which the degree-4 sum-of-squares bound is provably not exact.

Some nonnegative quartic forms h are no sums of squares (Hilbert 1888). If h has the minimum 0 on the unit sphere and
λ‖v‖⁴ − h(v) = Σ_i w_i ⟨a_i, v⟩⁴ with weights w_i > 0, the matrix with the rows w_i^{1/4} a_i has ‖X‖_{2→4}⁴ = λ,
attained where h vanishes. Its degree-4 bound is the least λ' for which h + (λ' − λ)‖v‖⁴ is a sum of squares. The sums
of squares are a closed set, so λ' > λ. All weights here are exact rationals, found by linear programming over vectors
with entries in {−1, 0, 1} or by hand; only their fourth roots are rounded to binary64.

References
----------
M. D. Choi, "Positive semidefinite biquadratic forms", Linear Algebra and its Applications 12 (1975), 95-100.
M. D. Choi and T. Y. Lam, "Extremal positive semidefinite forms", Mathematische Annalen 231 (1977), 1-18.
M. Hall and M. Newman, "Copositive and completely positive quadratic forms", Mathematical Proceedings of the Cambridge
Philosophical Society 59 (1963), 329-339.
T. S. Motzkin and E. G. Straus, "Maxima for graphs and a new proof of a theorem of Turán", Canadian Journal of
Mathematics 17 (1965), 533-540.
E. de Klerk and D. V. Pasechnik, "Approximation of the stability number of a graph via copositive programming", SIAM
Journal on Optimization 12 (2002), 875-892.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from hypernorm._arguments import check_count
from hypernorm._arithmetic import own_arithmetic
from hypernorm.datasets.known import KnownNorm
from hypernorm.exceptions import InvalidInputError

__all__ = ["choi_biquadratic", "choi_lam", "inexact_norms", "odd_cycle"]

_LONGEST_CYCLE = 15

Weighted = list[tuple[Fraction, tuple[int, ...]]]


@own_arithmetic
def choi_lam() -> KnownNorm:
    """The form of Choi and Lam in 4 variables: λ = 7/4, and the degree-4 bound is 7/4 + 0.03419.

    h = w⁴ + x²y² + y²z² + z²x² − 4xyzw is nonnegative because the arithmetic mean of its first four terms is at least
    their geometric mean, |xyzw|. It vanishes at x = y = z = w. It is no sum of squares (Choi and Lam 1977).

    Returns
    -------
    KnownNorm

    See Also
    --------
    choi_biquadratic : The form in six variables.

    Examples
    --------
    >>> known = choi_lam()
    >>> known
    KnownNorm('choi-lam', shape=(23, 4), q=4, value=1.15016...)
    >>> v = np.full(4, 0.5)
    >>> round(float(((known.matrix @ v) ** 4).sum()), 12)
    1.75
    """
    return _known("choi-lam", _choi_lam_rows(), Fraction(7, 4))


@own_arithmetic
def choi_biquadratic() -> KnownNorm:
    """The biquadratic form of Choi and Lam in 3 + 3 variables: λ = 7/4, and the degree-4 bound is 7/4 + 0.03438.

    h = Σ_i (x_i²y_i² + x_i²y_{i+1}²) − 2 Σ_{i<j} x_i x_j y_i y_j, indices mod 3, is the quadratic form of the matrix
    D − yyᵀ in x with D_ii = 2y_i² + y_{i+1}². For y without zeros it is positive semidefinite if Σ 1/(2 + t_i) ≤ 1,
    t_i = y_{i+1}²/y_i²; cleared of denominators, that is 4 ≤ t_1t_2 + t_2t_3 + t_3t_1 + t_1t_2t_3, which holds by the
    inequality of the means because t_1t_2t_3 = 1. The form vanishes where all variables are equal, and where x = 0 or
    y = 0. It is no sum of squares (Choi and Lam 1977; Choi 1975 for the coefficient 2 of x_i²y_{i+1}²).

    The columns are x_1, x_2, x_3, y_1, y_2, y_3.

    Returns
    -------
    KnownNorm

    See Also
    --------
    choi_lam : The form in four variables.

    Examples
    --------
    >>> choi_biquadratic()
    KnownNorm('choi-biquadratic', shape=(34, 6), q=4, value=1.15016...)
    """
    return _known("choi-biquadratic", _choi_biquadratic_rows(), Fraction(7, 4))


@own_arithmetic
def odd_cycle(n: int = 5) -> KnownNorm:
    """Horn's form and its analogues for odd cycles: λ = 3, and the degree-4 bound is 2 + 2/(1 + cos(π/n)).

    h = ‖v‖⁴ − 4 Σ v_i²v_{i+1}², indices mod n, is nonnegative because Σ p_i p_{i+1} ≤ 1/4 for probabilities p on a
    graph without triangles (Motzkin and Straus 1965); it vanishes where two neighbours have v_i² = 1/2. For n = 5 it
    is Horn's form (Hall and Newman 1963). A form in the squares of the variables is a sum of squares only if its matrix
    is the sum of a positive semidefinite and a nonnegative matrix. Averaged over the symmetries of the cycle, both are
    circulant. The least μ for which μ·(all ones) − 2·(adjacency) is such a sum is 2 − 2/θ with Lovász's
    θ = 1 + 1/cos(π/n) of the complement (de Klerk and Pasechnik 2002). Hence the bound exceeds λ by
    2/(1 + cos(π/n)) − 1.

    The 2^{n−1} sign vectors, up to sign, have the weight 2/(3·2^{n−1}) each and the vectors e_i ± e_{i+1} the weight
    1/3 each. The fourth powers of the former sum to 2‖v‖⁴ − (4/3) Σ v_i⁴, those of the latter to
    (4/3) Σ v_i⁴ + 4 Σ v_i²v_{i+1}².

    Parameters
    ----------
    n : int, default 5
        Number of columns, odd and from 5 to 15.

    Returns
    -------
    KnownNorm

    Raises
    ------
    InvalidInputError
        If `n` is even or out of range.

    See Also
    --------
    inexact_norms : Other matrices for which degree 4 is not exact.

    Examples
    --------
    >>> known = odd_cycle()
    >>> known
    KnownNorm('odd-cycle-5', shape=(26, 5), q=4, value=1.31607...)
    >>> v = np.sqrt([0.5, 0.5, 0, 0, 0])
    >>> round(float(((known.matrix @ v) ** 4).sum()), 12)
    3.0
    """
    if check_count(n, "n", smallest=5) % 2 == 0 or n > _LONGEST_CYCLE:
        raise InvalidInputError(f"n must be odd and from 5 to {_LONGEST_CYCLE}, got {n!r}.")
    return _known(f"odd-cycle-{n}", _odd_cycle_rows(n), Fraction(3))


@own_arithmetic
def inexact_norms() -> Iterator[KnownNorm]:
    """Yield small representatives of all families, all for q = 4.

    Yields
    ------
    KnownNorm

    See Also
    --------
    known_norms : Matrices for which degree 4 is exact.

    Examples
    --------
    >>> [known.name for known in inexact_norms()]
    ['choi-lam', 'choi-biquadratic', 'odd-cycle-5', 'odd-cycle-7']
    """
    yield from (choi_lam(), choi_biquadratic(), odd_cycle(5), odd_cycle(7))


def _choi_lam_rows() -> Weighted:
    signs = list(itertools.product((1, -1), repeat=3))
    rows: Weighted = [(Fraction(5 if x * y * z > 0 else 1, 96), (x, y, z, 1)) for x, y, z in signs]
    rows += [(Fraction(1, 24), (*a, 1)) for a in _signed(3, 2)]
    rows += [(Fraction(7, 6), a) for a in ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0))]
    return rows


def _choi_biquadratic_rows() -> Weighted:
    zero = (0, 0, 0)
    halves = [(1, s, t) for s, t in itertools.product((1, -1), repeat=2)]
    rows: Weighted = [(Fraction(1, 96), (*a, *(k * entry for entry in a))) for a in halves for k in (1, -1)]
    rows += [(Fraction(1, 8), row) for a in halves for row in ((*a, *zero), (*zero, *a))]
    for i, shift, sign in itertools.product(range(3), range(3), (1, -1)):
        row = [0] * 6
        row[i], row[3 + (i + shift) % 3] = 1, sign
        rows.append((Fraction(1, 4) if shift == 2 else Fraction(1, 6), tuple(row)))
    return rows


def _odd_cycle_rows(n: int) -> Weighted:
    rows: Weighted = [(Fraction(2, 3 * 2 ** (n - 1)), (1, *a)) for a in itertools.product((1, -1), repeat=n - 1)]
    for i, sign in itertools.product(range(n), (1, -1)):
        row = [0] * n
        row[i], row[(i + 1) % n] = 1, sign
        rows.append((Fraction(1, 3), tuple(row)))
    return rows


def _signed(d: int, support: int) -> list[tuple[int, ...]]:
    """All vectors of length d with entries in {−1, 0, 1} and `support` non-zero entries."""
    return [a for a in itertools.product((1, 0, -1), repeat=d) if sum(map(abs, a)) == support]


def _known(name: str, rows: Weighted, power: Fraction) -> KnownNorm:
    scale = np.array([float(weight) for weight, _ in rows]) ** 0.25
    matrix = scale[:, None] * np.array([a for _, a in rows], dtype=float)
    return KnownNorm(name=name, matrix=matrix, q=4.0, value=float(power) ** 0.25)
