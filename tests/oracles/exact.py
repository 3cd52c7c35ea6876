"""Error bounds in rational arithmetic, independent of the package."""

import math
from fractions import Fraction

import numpy as np

U = Fraction(1, 2**53)
SAFETY = Fraction(1.001)
TINY = Fraction(1, 2**900)


def exact_gamma(m):
    """γ_m = mu/(1 − mu)."""
    return m * U / (1 - m * U)


def root(value):
    """The square root of a rational number, to a relative 2**-100."""
    value = Fraction(value)
    if value == 0:
        return value
    shift = 2 * (110 + value.denominator.bit_length())
    return Fraction(math.isqrt((value.numerator << shift) // value.denominator), 1 << (shift // 2))


def norm(values):
    """The Euclidean length of all entries."""
    return root(sum((Fraction(value) ** 2 for value in np.ravel(values).tolist()), Fraction(0)))


def product(*matrices):
    """The exact product of matrices of floats or fractions, as an array of fractions."""
    result = fractions(matrices[0])
    for matrix in matrices[1:]:
        result = result @ fractions(matrix)
    return result


def fractions(array):
    """An array of floats as one of fractions."""
    array = np.asarray(array)
    result = np.empty(array.shape, dtype=object)
    result.ravel()[:] = [Fraction(value) for value in array.ravel().tolist()]
    return result


def middle(ball):
    """The exact middle of a ball."""
    mantissa, exponent = ball.mid().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def above(ball):
    """The upper end of a ball, at most a relative 2**-40 too large."""
    mantissa, exponent = ball.upper().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def is_just_above(found, granted, relative=Fraction(1, 10**9)):
    """Whether a number is the one granted, up to a relative rounding error of its computation."""
    return granted * (1 - relative) <= Fraction(found) <= granted * (1 + relative)


def entries(matrix):
    """The exact entries of a dyadic matrix."""
    scale = Fraction(2) ** matrix.exponent
    values = np.empty(matrix.shape, dtype=object)
    values.ravel()[:] = [int(entry) * scale for entry in matrix.integers.entries()]
    return values


def power(value, q):
    """A rational number to the power 1/q, q = 2 or 4."""
    return root(value) if q == 2 else root(root(value))


def part_factors(mass, q):
    """g and h of the lemma, q = 2 or 4."""
    mass = Fraction(mass)
    outer = 1 / power((1 - mass) ** q + (1 - mass) * mass ** (q - 1), q)
    return power(mass ** (q - 1), q) * outer, outer
