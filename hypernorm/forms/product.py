"""Hermitian forms on product vectors, and the Gram matrices of their sums of squares.

A Hermitian matrix M of size ab is the form f(x, y) = ⟨x⊗y, M (x⊗y)⟩ of two vectors, x ∈ K^a and y ∈ K^b. At level k it
is multiplied by ‖y‖^2(k−1), and written with Gram matrices of the monomials x_i y^β ȳ^δ, |β| + |δ| = k: for K = C one
matrix for each |δ| = j from 0 to k, for K = R one matrix, as ȳ = y. The entry of a Gram matrix in row (i, β, δ) and
column (i', β', δ') multiplies x̄_i x_i' ȳ^(β+δ') y^(β'+δ). A *class* is the set of all entries, of all Gram matrices,
that multiply the same monomial; the form depends on the sums over the classes only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from hypernorm._arguments import check_choice, check_count
from hypernorm._complex import check_complex
from hypernorm._validation import as_dense
from hypernorm.exceptions import InvalidInputError
from hypernorm.forms.gram import rank_multisets
from hypernorm.forms.identity import fingerprint

__all__ = ["FIELDS", "GramPart", "ProductClasses", "ProductForm", "Scalars", "gram_sides"]

Scalars: TypeAlias = Literal["complex", "real"]
FIELDS: tuple[Scalars, ...] = get_args(Scalars)

# A matrix may be Hermitian up to rounding only; the form of its Hermitian part is bounded then.
_ASYMMETRY = 1e-10


class ProductForm:
    """The form (x, y) ↦ Re ⟨x⊗y, M (x⊗y)⟩ of a matrix, scaled by a power of two.

    Parameters
    ----------
    M : array_like or sparse matrix of shape (ab, ab)
        Hermitian up to rounding; row i·b + j belongs to e_i ⊗ e_j, as in `numpy.kron`.
    dims : tuple of int
        (a, b).
    field : {"complex", "real"}
        Field of the vectors x and y.

    Attributes
    ----------
    matrix : ndarray of shape (ab, ab)
        The Hermitian part of 2**-exponent · M: float64 if M is real, else complex128. Unless it is zero, the largest
        magnitude of a real or imaginary part of an entry is in [1/2, 1).
    exponent : int
        Exponent of the scale, a power of two.
    error : float
        Bound on the Frobenius norm of the rounding errors of the Hermitian part and of the scaling; zero for a
        Hermitian matrix of ordinary size.
    fingerprint : str
        Of the values of M.

    Raises
    ------
    InvalidInputError
        If the shape of M does not fit `dims`, M is not Hermitian, or M is complex and `field` is "real".
    """

    def __init__(self, M: Any, dims: Any, field: str):
        check_choice(field, "field", FIELDS)
        self.field = field
        self.dims = _check_dims(dims)
        real, imaginary = _parts(M)
        size = self.dims[0] * self.dims[1]
        if real.shape != (size, size):
            raise InvalidInputError(
                f"M must have shape ({size}, {size}) for dims {self.dims}, got {real.shape}; index its rows and "
                f"columns as numpy.kron does."
            )
        if imaginary is not None and field == "real":
            raise InvalidInputError(
                "M has complex entries, but field is 'real'; the value at real vectors depends on M.real only, so "
                "give M.real."
            )
        self.fingerprint = fingerprint(real if imaginary is None else np.vstack([real, imaginary]))
        parts = [real] if imaginary is None else [real, imaginary]
        self.exponent = int(np.frexp(max(np.abs(part).max() for part in parts))[1])
        with np.errstate(under="ignore"):
            scaled = [np.ldexp(part, -self.exponent) for part in parts]
        inexact = any((np.ldexp(s, self.exponent) != p).any() for s, p in zip(scaled, parts, strict=True))
        matrix = scaled[0] if imaginary is None else scaled[0] + 1j * scaled[1]
        adjoint = matrix.conj().T
        asymmetry = np.argmax(np.abs(matrix - adjoint))
        row, column = divmod(int(asymmetry), size)
        if abs(matrix[row, column] - adjoint[row, column]) > _ASYMMETRY:
            kind = "symmetric" if imaginary is None else "Hermitian"
            raise InvalidInputError(
                f"M must be {kind}; the entries at ({row}, {column}) and ({column}, {row}) differ. For its {kind} "
                f"part give (M + M.conj().T) / 2."
            )
        self.matrix = (matrix + adjoint) / 2
        self.matrix.setflags(write=False)
        rounded = inexact or bool((matrix != adjoint).any())
        self.error = 2.0**-52 * float(np.linalg.norm(self.matrix)) + 2.0**-1000 if rounded else 0.0

    @property
    def is_zero(self) -> bool:
        """Whether every entry is zero."""
        return not self.matrix.any()


def _check_dims(dims: Any) -> tuple[int, int]:
    try:
        a, b = dims
    except (TypeError, ValueError):
        raise InvalidInputError(f"dims must be two integers (a, b), got {dims!r}; give the factors' sizes.") from None
    return check_count(a, "the first of dims"), check_count(b, "the second of dims")


def _parts(M: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """Real and imaginary part in float64, the latter None if it is zero."""
    matrix = check_complex(M, "M")
    return as_dense(matrix.real), None if matrix.is_real else as_dense(matrix.imaginary)


@dataclass(frozen=True, eq=False)
class GramPart:
    """The monomials x_i y^β ȳ^δ of one Gram matrix.

    Attributes
    ----------
    multiplicities : ndarray of shape (D,), int64
        |β|!/β! · |δ|!/δ!. With these factors the squared moduli of the monomials add up to ‖x‖²‖y‖^2k.
    classes : ndarray of shape (D, D), int64
        The class of each entry.
    """

    multiplicities: np.ndarray
    classes: np.ndarray


def gram_sides(dims: tuple[int, int], level: int, field: str) -> tuple[int, ...]:
    """Sizes of the Gram matrices.

    Examples
    --------
    >>> gram_sides((3, 3), 2, "complex"), gram_sides((3, 3), 2, "real")
    ((18, 27, 18), (18,))
    """
    a, b = dims
    counts = [math.comb(b + degree - 1, degree) for degree in range(level + 1)]
    conjugated = range(level + 1) if field == "complex" else range(1)
    return tuple(a * counts[level - j] * counts[j] for j in conjugated)


class ProductClasses:
    """The Gram matrices of one level and their classes of equal monomials.

    Parameters
    ----------
    dims : tuple of int
    level : int
        k ≥ 1.
    field : {"complex", "real"}

    Attributes
    ----------
    parts : tuple of GramPart
        For K = C with |δ| = 0, …, k; for K = R only the first.
    count : int
        Number of classes.
    multinomials : ndarray of shape (count,), int64
        Sum of the products of the multiplicities of row and column over the entries of the class in the first part. On
        unit vectors |Σ ρ_c m_c| ≤ √(Σ |ρ_c|²/multinomials_c) for every form Σ ρ_c m_c, by Cauchy–Schwarz.

    Examples
    --------
    >>> classes = ProductClasses((2, 2), 1, "real")
    >>> classes.count, classes.multinomials.tolist()
    (9, [1, 2, 1, 2, 4, 2, 1, 2, 1])
    """

    def __init__(self, dims: tuple[int, int], level: int, field: str):
        a, b = self.dims = dims
        self.level, self.field = level, field
        self._multisets = [_Multisets(b, degree) for degree in range(level + 1)]
        merged = math.comb(b + 2 * level - 1, 2 * level) if field == "real" else self._multisets[level].size ** 2
        self.count = merged * (a * (a + 1) // 2 if field == "real" else a * a)
        self.parts = tuple(self._part(j, merged) for j in range(level + 1 if field == "complex" else 1))
        self.multinomials = np.zeros(self.count, dtype=np.int64)
        first = self.parts[0]
        np.add.at(self.multinomials, first.classes, np.multiply.outer(first.multiplicities, first.multiplicities))

    def _part(self, conjugated: int, merged: int) -> GramPart:
        a = self.dims[0]
        plain, bar = self._multisets[self.level - conjugated], self._multisets[conjugated]
        i = np.repeat(np.arange(a), plain.size * bar.size)
        beta = np.tile(np.repeat(plain.indices, bar.size, axis=0), (a, 1))
        delta = np.tile(bar.indices, (a * plain.size, 1))
        multiplicities = np.tile(np.multiply.outer(plain.multiplicities, bar.multiplicities).ravel(), a)
        if self.field == "real":
            low, high = np.minimum.outer(i, i), np.maximum.outer(i, i)
            return GramPart(multiplicities, (high * (high + 1) // 2 + low) * merged + _ranks(beta, beta))
        left, right = _ranks(beta, delta), _ranks(delta, beta)
        side = self._multisets[self.level].size
        return GramPart(multiplicities, (i[:, None] * a + i) * merged + left * side + right)

    def sums(self, part: GramPart, entries: np.ndarray) -> np.ndarray:
        """Sums of the entries of a matrix of floats or of Python integers over the classes."""
        if entries.shape != part.classes.shape:
            raise ValueError(f"entries must have shape {part.classes.shape}, got {entries.shape}")
        result = np.zeros(self.count, dtype=entries.dtype)
        np.add.at(result, part.classes, entries)
        return result

    def coefficients(self, entries: np.ndarray) -> np.ndarray:
        """Coefficients of ‖y‖^2(k−1) ⟨x⊗y, M (x⊗y)⟩ from the entries of M, floats or Python integers."""
        a, b = self.dims
        top, raising = self._multisets[self.level], self._multisets[self.level - 1]
        result = np.zeros(self.count, dtype=entries.dtype)
        for gamma, multiplicity in zip(raising.indices, raising.multiplicities.tolist(), strict=True):
            raised = np.sort(np.column_stack([np.arange(b), np.tile(gamma, (b, 1))]), axis=1)
            rows = (np.arange(a)[:, None] * top.size + rank_multisets(raised)).ravel()
            np.add.at(result, self.parts[0].classes[np.ix_(rows, rows)], multiplicity * entries)
        return result


class _Multisets:
    """All multisets of one size ≥ 0 in colexicographic order, with their numbers of orderings."""

    def __init__(self, dimension: int, size: int):
        chosen = np.array(list(combinations_with_replacement(range(dimension), size)), dtype=np.int64)
        self.indices = chosen.reshape(math.comb(dimension + size - 1, size), size)
        self.indices = self.indices[np.argsort(rank_multisets(self.indices))]
        self.size = len(self.indices)
        self.multiplicities = np.array(
            [
                math.factorial(size) // math.prod(math.factorial(row.count(entry)) for entry in set(row))
                for row in self.indices.tolist()
            ]
        )


def _ranks(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Rank of the union of the two multisets, for every pair of a row of `first` and a row of `second`."""
    shape = (len(first), len(second))
    pairs = np.concatenate(
        [
            np.broadcast_to(first[:, None, :], (*shape, first.shape[1])),
            np.broadcast_to(second[None, :, :], (*shape, second.shape[1])),
        ],
        axis=2,
    )
    union = np.sort(pairs, axis=2).reshape(shape[0] * shape[1], -1)
    return rank_multisets(union).reshape(shape)
