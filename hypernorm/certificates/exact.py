"""Proofs in exact integer arithmetic of the same bounds as in `hypernorm.certificates.floating`.

The rows are dyadic rationals, and so is every matrix whose definiteness is proved: nothing is rounded. LAPACK only
proposes factors. The realigned map takes the cheaper of two exact routes: through blocks of K = XXᵀ, or through the
slices Σ_i x_ik x_il x_i x_iᵀ.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import combinations_with_replacement
from math import factorial, prod
from typing import NamedTuple

import flint
import numpy as np

from hypernorm.certificates.dyadic import DyadicMatrix, dyadic
from hypernorm.certificates.rounding import rational, upper_float
from hypernorm.exceptions import CertificateError
from hypernorm.forms import MonomialBasis, Rows
from hypernorm.forms.gram import GramClasses, gram_half_degree, rank_multisets

__all__ = [
    "PROVERS",
    "ExactForm",
    "ExactRows",
    "form_of_powers",
    "gram_and_deviation",
    "integer_coefficients",
    "is_dominated",
    "is_form_dominated",
    "monomials",
    "proves_flattening",
    "proves_longest_row",
    "proves_moment",
    "proves_realigned",
    "proves_second",
    "proves_sos",
    "second_moments",
]

_BLOCK_ROWS = 256


class ExactRows:
    """Rows s_i x_i in exact arithmetic, with floats s_i ≥ (‖x_i‖/radius)^power from the exact lengths.

    Parameters
    ----------
    rows : Rows
    power : Fraction
    radius : float
    """

    def __init__(self, rows: Rows, power: Fraction, radius: float):
        self.shape = rows.shape
        self._rows = rows
        self._multipliers: list[float] | None = None
        if power:
            exponent, unit = rational(power), rational(radius)
            lengths = ((rational(square) * rational(2) ** scale).sqrt() for square, scale in self.squares())
            self._multipliers = [upper_float((r / unit) ** exponent) if r > 0 else 0.0 for r in lengths]
            if math.inf in self._multipliers:
                raise CertificateError("The weight of a row is too large for a proof.")

    def __iter__(self) -> Iterator[DyadicMatrix]:
        for start in range(0, self.shape[0], _BLOCK_ROWS):
            stop = min(start + _BLOCK_ROWS, self.shape[0])
            block = DyadicMatrix.from_floats(self._rows.block(start, stop))
            if self._multipliers is None:
                yield block
            else:
                yield DyadicMatrix.from_floats(np.diag(self._multipliers[start:stop])) @ block

    def squares(self) -> Iterator[tuple[int, int]]:
        """The squared length of each row as (m, e), meaning m · 2^e."""
        for block in self:
            width = self.shape[1]
            entries = block.integers.entries()
            for start in range(0, len(entries), width):
                square = sum((entry * entry for entry in entries[start : start + width]), flint.fmpz(0))
                yield int(square), 2 * block.exponent


def proves_longest_row(rows: ExactRows, bound: float, matrix: None = None, order: int = 0) -> bool:
    """r_i² ≤ λ for every row."""
    mantissa, exponent = dyadic(bound)
    return all(_at_most(square, scale, mantissa, exponent) for square, scale in rows.squares())


def proves_second(rows: ExactRows, bound: float, matrix: None = None, order: int = 2) -> bool:
    """Σ ⟨x_i, v⟩² ≤ λ: λI − XᵀX ≻ 0."""
    identity = DyadicMatrix.from_floats(np.eye(rows.shape[1]))
    return (identity.scaled(*dyadic(bound)) - second_moments(rows)).is_proved_positive_definite()


def second_moments(rows: ExactRows) -> DyadicMatrix:
    """XᵀX."""
    return _sum(block.T @ block for block in rows)


def proves_flattening(rows: ExactRows, bound: float, U: np.ndarray, order: int = 4) -> bool:
    """Σ ⟨x_i, v⟩⁴ ≤ λ: U ≻ 0 and λU − T(U) ≻ 0."""
    exact = DyadicMatrix.from_floats(U)

    def image(block: DyadicMatrix) -> DyadicMatrix:
        count, width = block.shape
        entries, images = block.integers.entries(), (block @ exact).integers.entries()
        weighted: list[flint.fmpz] = []
        for start in range(0, count * width, width):
            row = entries[start : start + width]
            value = sum((a * b for a, b in zip(row, images[start : start + width], strict=True)), flint.fmpz(0))
            weighted.extend(value * entry for entry in row)
        left = DyadicMatrix(flint.fmpz_mat(count, width, weighted), 3 * block.exponent + exact.exponent)
        return left.T @ block

    return is_dominated(exact, bound, _sum(image(block) for block in rows))


def proves_realigned(rows: ExactRows, bound: float, U: np.ndarray, order: int = 4) -> bool:
    """(Σ ⟨x_i, v⟩⁴)² ≤ λ: U ≻ 0 and λU − N(U) ≻ 0."""
    exact = DyadicMatrix.from_floats(U)
    n, d = rows.shape
    size = MonomialBasis.count(d, 2)
    through_slices = n * size**2 + 2 * size * d**3 < 2 * n**2 * d
    image = _realigned_by_slices(rows, exact) if through_slices else _realigned_by_rows(rows, exact)
    return is_dominated(exact, bound, image)


def proves_moment(rows: ExactRows, bound: float, matrix: None, order: int) -> bool:
    """Σ ⟨x_i, v⟩^2k ≤ λ with 2k = `order`: λ diag(α!) − k! Σ x_i^α x_i^β ≻ 0, free of square roots."""
    half = order // 2
    basis = MonomialBasis(rows.shape[1], half)
    moments = _sum(image @ image.T for image in (monomials(block, half) for block in rows))
    diagonal = np.diag((factorial(half) // basis.multiplicities).astype(np.float64))
    scaled = DyadicMatrix.from_floats(diagonal).scaled(*dyadic(bound))
    return (scaled - moments.scaled(factorial(half))).is_proved_positive_definite()


def proves_sos(rows: ExactRows, bound: float, H: np.ndarray, order: int) -> bool:
    """Σ ⟨x_i, v⟩^2k ≤ λ by a Gram matrix."""
    return is_form_dominated(bound, H, form_of_powers(rows, order, len(H)))


class ExactForm(NamedTuple):
    """A form of the degree of its classes: its coefficients in integers, times 2^`exponent`."""

    coefficients: list[int]
    exponent: int
    classes: GramClasses


def form_of_powers(rows: ExactRows, order: int, side: int) -> ExactForm:
    """‖v‖^2(m−k) Σ ⟨x_i, v⟩^2k with 2k = `order`, for a Gram matrix of a given side."""
    half, d = order // 2, rows.shape[1]
    classes = GramClasses(d, gram_half_degree(d, side, half))
    moments = _sum(image @ image.T for image in (monomials(block, half) for block in rows))
    return ExactForm(integer_coefficients(moments, half, classes), moments.exponent, classes)


def is_form_dominated(bound: float, H: np.ndarray, form: ExactForm) -> bool:
    """Whether λ bounds a form on the unit sphere: (λ − ‖ρ‖) diag(m!/α!) − H ≻ 0."""
    exact, identity, norm = gram_and_deviation(H, form)
    if norm == math.inf:
        return False
    difference = identity.scaled(*dyadic(bound)) - identity.scaled(*dyadic(norm)) - exact
    return difference.is_proved_positive_definite()


def gram_and_deviation(H: np.ndarray, form: ExactForm) -> tuple[DyadicMatrix, DyadicMatrix, float]:
    """H, diag(m!/α!), which is the identity on its scale, and ‖ρ‖ rounded up; H leaves the coefficients ρ over."""
    target, exponent, classes = form
    exact = DyadicMatrix.from_floats(H)
    least = min(exponent, exact.exponent)
    rest = [value << (exponent - least) for value in target]
    entries = exact.integers.entries()
    for c, a, b in _pairs(classes):
        rest[c] -= (1 if a == b else 2) * (int(entries[a * classes.size + b]) << (exact.exponent - least))
    multinomials = classes.multinomials.tolist()
    total = sum((rational(r * r) / rational(m) for r, m in zip(rest, multinomials, strict=True) if r), flint.arb(0))
    norm = upper_float((total * rational(2) ** (2 * least)).sqrt()) if any(rest) else 0.0
    identity = DyadicMatrix.from_floats(np.diag(classes.basis.multiplicities.astype(np.float64)))
    return exact, identity, norm


PROVERS: dict[str, Callable[..., bool]] = {
    "longest_row": proves_longest_row,
    "second": proves_second,
    "flattening": proves_flattening,
    "realigned": proves_realigned,
    "moment": proves_moment,
    "sos": proves_sos,
}
"""The proofs by form, with the signatures of those in floating point; see `hypernorm.certificates.plan`."""


def _pairs(classes: GramClasses) -> Iterator[tuple[int, int, int]]:
    """Class, row and column of each entry of the lower triangle."""
    for part, rows, columns in classes.chunks():
        yield from zip(classes.classes[part].tolist(), rows.tolist(), columns.tolist(), strict=True)


def integer_coefficients(moments: DyadicMatrix, half: int, target: GramClasses) -> list[int]:
    """Coefficients of ‖v‖^2(m−k) Σ ⟨x_i, v⟩^2k in units of the moment matrix, from its entries Σ x_i^α x_i^β.

    k is `half` and m the half degree of `target`; the coefficients are those of `hypernorm.forms.gram`.
    """
    d = target.basis.dimension
    classes = target if half == target.basis.degree else GramClasses(d, half)
    entries = moments.integers.entries()
    sums = [flint.fmpz(0)] * classes.count
    for c, a, b in _pairs(classes):
        sums[c] = entries[a * classes.size + b]
    result = [int(value) * int(m) for value, m in zip(sums, classes.multinomials.tolist(), strict=True)]
    for degree in range(2 * half, 2 * target.basis.degree, 2):
        result = _multiply_by_norm(result, d, degree)
    return result


def _multiply_by_norm(coefficients: list[int], d: int, degree: int) -> list[int]:
    """Coefficients of ‖v‖² times a form, in integers; see `hypernorm.forms.gram.multiply_by_norm`."""
    basis = MonomialBasis(d, degree)
    here = rank_multisets(basis.indices).tolist()
    result = [0] * MonomialBasis.count(d, degree + 2)
    for variable in range(d):
        raised = np.sort(np.hstack([basis.indices, np.full((basis.size, 2), variable)]), axis=1)
        for source, place in zip(here, rank_multisets(raised).tolist(), strict=True):
            result[place] += coefficients[source]
    return result


def _realigned_by_rows(rows: ExactRows, U: DyadicMatrix) -> DyadicMatrix:
    blocks = list(rows)

    def strip(first: int) -> DyadicMatrix:
        left = blocks[first]
        image = left @ U
        sums = None
        for index in range(first, len(blocks)):
            right = blocks[index]
            gram, weighted = left @ right.T, image @ right.T
            entries = [k * k * p for k, p in zip(gram.integers.entries(), weighted.integers.entries(), strict=True)]
            # Twice the strictly upper blocks plus the diagonal ones, symmetrised, is twice the whole sum.
            scale = 1 if index == first else 2
            product = DyadicMatrix(flint.fmpz_mat(*gram.shape, entries), 2 * gram.exponent + weighted.exponent)
            term = product.scaled(scale) @ right
            sums = term if sums is None else sums + term
        assert sums is not None
        return left.T @ sums

    half = _sum(strip(first) for first in range(len(blocks)))
    return (half + half.T).scaled(1, -1)


def _realigned_by_slices(rows: ExactRows, U: DyadicMatrix) -> DyadicMatrix:
    d = rows.shape[1]
    moments = _sum(image @ image.T for image in (monomials(block, 2) for block in rows))
    pairs = list(combinations_with_replacement(range(d), 2))
    position = {pair: index for index, pair in enumerate(pairs)}
    order = [position[min(a, b), max(a, b)] for a in range(d) for b in range(d)]
    size = len(pairs)
    entries = moments.integers.entries()

    def term(index: int) -> DyadicMatrix:
        row = entries[index * size : (index + 1) * size]
        part = DyadicMatrix(flint.fmpz_mat(d, d, [row[place] for place in order]), moments.exponent)
        return (part @ U @ part).scaled(1 if pairs[index][0] == pairs[index][1] else 2)

    return _sum(term(index) for index in range(size))


def monomials(block: DyadicMatrix, degree: int) -> DyadicMatrix:
    """All monomials of one degree at each row, without weights, of shape (D, rows)."""
    columns = block.integers.transpose().tolist()
    chosen = combinations_with_replacement(columns, degree)
    values = [
        prod(factors[1:], start=factors[0]) for combination in chosen for factors in zip(*combination, strict=True)
    ]
    count = block.shape[0]
    return DyadicMatrix(flint.fmpz_mat(len(values) // count, count, values), degree * block.exponent)


def _sum(terms: Iterator[DyadicMatrix]) -> DyadicMatrix:
    total = next(terms)
    for term in terms:
        total = total + term
    return total


def _at_most(mantissa: int, exponent: int, other_mantissa: int, other_exponent: int) -> bool:
    """Whether mantissa · 2^exponent ≤ other_mantissa · 2^other_exponent, in integers."""
    least = min(exponent, other_exponent)
    return mantissa << (exponent - least) <= other_mantissa << (other_exponent - least)


def is_dominated(U: DyadicMatrix, bound: float, image: DyadicMatrix) -> bool:
    difference = U.scaled(*dyadic(bound)) - image
    return U.is_proved_positive_definite() and difference.is_proved_positive_definite()
