"""Real rows whose 2→q norm is that of a complex matrix, up to a constant and rounding errors that are proved.

For complex A let R = [Re A, −Im A] and S = [Im A, Re A]. With v = x + iy and w = (x, y), Rw and Sw are the real and the
imaginary part of Av.

**Theorem.** Let q = 2m, θ_k = kπ/(m + 1) for k = 0, …, m, and c = (4^m / ((m + 1) binom(2m, m)))^{1/q}. For every v

    ‖Av‖_q = c ‖Bw‖_q,   B the matrix of the m + 1 blocks cos θ_k R + sin θ_k S.

The norm of A over complex unit vectors is c times that of B over real ones, also with w_{d+j} = 0 for any one j.

*Proof.* For z = |z|e^{iφ}, cos θ Re z + sin θ Im z = |z| cos(φ − θ), and 4^m cos^{2m} t is the sum of
binom(2m, l) e^{2i(m−l)t}. Over the θ_k, e^{2i(m−l)(φ−θ)} has the mean zero unless m + 1 divides m − l, which is from −m
to m. So the mean of |z|^{2m} cos^{2m}(φ − θ_k) is |z|^{2m} binom(2m, m)/4^m. Last, ‖Av‖_q does not change if v is
multiplied by a phase, and one makes v_j real. ∎

m + 1 blocks are as few as possible (Reznick 1992). The cosines are rounded, and Y = B + E is computed. As
‖Ew‖_q ≤ ‖E‖_F for q ≥ 2, the norm is at most c (‖Y‖_{2→q} + ‖E‖_F). For q = ∞ the norms of the rows of A are those of
the rows of R. If Im A = 0, the norm of A is that of Re A over real vectors, for every q ≥ 2
(theory/complex_matrices of the documentation).
"""

from __future__ import annotations

import math
from functools import cached_property

import flint
import numpy as np
import scipy.sparse as sp

from hypernorm._complex import ComplexMatrix, above_one_another
from hypernorm._validation import Matrix, as_dense
from hypernorm.certificates.dyadic import DyadicMatrix, dyadic
from hypernorm.certificates.residuals import exact_squared_norm
from hypernorm.certificates.rounding import SAFETY, gamma, lower_float, precision, rational, upper_float
from hypernorm.exceptions import CertificateError
from hypernorm.forms import Rows

__all__ = ["COMPLEX_EXPONENTS", "ComplexRows", "complex_factor"]

COMPLEX_EXPONENTS = (2.0, 4.0, 6.0, 8.0, math.inf)
"""The exponents for which a complex matrix has real rows; one without imaginary parts has them for every q ≥ 2."""

# Entries below the normal range are moved by less than 2**-1074, and so are products; there are at most 2**64 entries.
_VANISHED = 2.0**-1000
_EXACT_ROWS = 64


class ComplexRows:
    """The rows Y for a complex matrix, and bounds on its norm from bounds on that of Y.

    Parameters
    ----------
    matrix : ComplexMatrix
    q : float
        One of `COMPLEX_EXPONENTS`; any q ≥ 2 if every imaginary part is zero.
    real_entry : int
        j, from 0 to d − 1: the vectors have Im v_j = 0. It is not used for q = ∞ and for matrices without imaginary
        parts.

    Attributes
    ----------
    exponent : int
        Y is computed from A times 2**-exponent.
    matrix : ndarray or csr_array
        Y.
    rows : Rows
        Of Y.

    Raises
    ------
    CertificateError
        If there are no rows for this exponent.

    See Also
    --------
    ComplexNormCertificate : An upper bound that uses them.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm._complex import check_complex
    >>> rows = ComplexRows(check_complex(np.array([[1.0, 1j]])), 4.0, 0)
    >>> rows.matrix.shape  # three real rows for each complex one, and one real column less
    (3, 3)
    >>> rows.below(1.0) <= rows.above(1.0)
    True
    >>> vector = rows.lifted(np.ones(3))
    >>> vector.shape, rows.lowered(vector[:, np.newaxis]).shape
    ((2,), (3, 1))
    """

    def __init__(self, matrix: ComplexMatrix, q: float, real_entry: int):
        is_real, d = matrix.is_real, matrix.shape[1]
        if not (q >= 2 if is_real else q in COMPLEX_EXPONENTS):
            raise CertificateError(f"There is no certificate for complex matrices and q = {q!r}.")
        self._source, self._q = matrix, q
        self._angles = [] if is_real else _angles(q)
        self._real_entry = None if is_real or math.isinf(q) else real_entry
        columns = np.arange(d if is_real else 2 * d)
        self._columns = columns if self._real_entry is None else np.delete(columns, d + self._real_entry)
        self.exponent = 0 if is_real else _exponent(matrix)
        self._scaled = ComplexMatrix(*(_ldexp(part, -self.exponent) for part in (matrix.real, matrix.imaginary)))
        self.matrix = self._computed()
        self.rows = Rows(self.matrix)

    def above(self, bound: float, *, exact: bool = False) -> float:
        """An upper bound on the norm of A from one on that of Y; with exact arithmetic for ‖E‖_F if `exact`.

        Parameters
        ----------
        bound : float
        exact : bool, default False

        Returns
        -------
        float
        """
        if bound == math.inf:
            return bound
        with precision():
            total = rational(bound) + (self._exact_error if exact else self._error)
            return 0.0 if total.is_zero() else upper_float(total * self._factor)

    def below(self, bound: float) -> float:
        """A lower bound on the norm of A from one on that of Y.

        Parameters
        ----------
        bound : float

        Returns
        -------
        float
        """
        with precision():
            return lower_float((rational(bound) - self._error) * self._factor)

    def lifted(self, vector: np.ndarray) -> np.ndarray:
        """The complex vector v of a real vector for Y.

        Parameters
        ----------
        vector : ndarray of shape (k,)

        Returns
        -------
        ndarray of shape (d,)
        """
        d = self._source.shape[1]
        whole = np.zeros(2 * d)
        whole[self._columns] = vector
        return whole[:d] + 1j * whole[d:]

    def lowered(self, vectors: np.ndarray) -> np.ndarray:
        """Real columns for Y from complex ones, multiplied by phases where v_j must be real.

        Parameters
        ----------
        vectors : ndarray of shape (d, r)

        Returns
        -------
        ndarray of shape (k, r)
        """
        if self._real_entry is not None:
            vectors = vectors * np.exp(-1j * np.angle(vectors[self._real_entry]))
        return np.vstack([vectors.real, vectors.imag])[self._columns]

    @property
    def _factor(self) -> flint.arb:
        return complex_factor(self._q, len(self._angles)) * rational(2) ** self.exponent

    @cached_property
    def _error(self) -> flint.arb:
        """A ball whose upper end is ‖E‖_F.

        An entry is a sum of two products with cosines that are within 2u of theirs, so that each term has four
        roundings, and the error for a pair a, b is at most γ_4 (|a cos θ| + |b sin θ|) ≤ γ_4 (a² + b²)^{1/2}. The sum
        of a² + b² over the entries of R and S is 2‖A‖_F². Blocks with cosine 0 or 1 are exact.
        """
        rounded = sum(not angle.is_exact for angle in self._angles)
        if not (rounded or (self._angles and self._is_inexact)):
            return rational(0)
        size = math.hypot(*(float(np.linalg.norm(part)) for part in _parts(self._scaled)))
        return rational(SAFETY * gamma(4) * size) * rational(2 * rounded).sqrt() + rational(_VANISHED)

    @cached_property
    def _exact_error(self) -> flint.arb:
        """‖E‖_F without any rounding error of the processor, up to the width of balls."""
        n = self._source.shape[0]
        if not self._angles:
            return rational(0)
        squares, size = [rational(0)] * len(self._angles), rational(0)
        for start in range(0, n, _EXACT_ROWS):
            stop = min(start + _EXACT_ROWS, n)
            block = ComplexMatrix(*(as_dense(part[start:stop]) for part in (self._source.real, self._source.imaginary)))
            R, S = (DyadicMatrix.from_floats(as_dense(half)[:, self._columns]) for half in block.real_pair)
            R, S = R.scaled(1, -self.exponent), S.scaled(1, -self.exponent)
            size += exact_squared_norm(R) + exact_squared_norm(S)
            for index, angle in enumerate(self._angles):
                computed = DyadicMatrix.from_floats(as_dense(self.matrix[index * n + start : index * n + stop]))
                squares[index] += exact_squared_norm(
                    computed - R.scaled(*dyadic(angle.cosine)) - S.scaled(*dyadic(angle.sine))
                )
        # Rounding the cosines moves a block by at most the length of both errors times the norm of R and S together.
        whole = size.sqrt()
        errors = [square.sqrt() + angle.rounding * whole for square, angle in zip(squares, self._angles, strict=True)]
        return sum((error * error for error in errors), rational(0)).sqrt()

    @property
    def _is_inexact(self) -> bool:
        """Whether scaling has changed an entry."""
        pairs = zip(_parts(self._scaled), _parts(self._source), strict=True)
        return any((np.ldexp(new, self.exponent) != old).any() for new, old in pairs)

    def _computed(self) -> Matrix:
        if not self._angles:
            return self._source.real
        R, S = (block[:, self._columns] for block in self._scaled.real_pair)
        return above_one_another([angle.combined(R, S) for angle in self._angles])


class _Angle:
    """Rounded cosine and sine of kπ/`parts`, and a bound on the length of their errors; call it in `precision`."""

    def __init__(self, k: int, parts: int):
        exact = (flint.arb.cos_pi_fmpq(flint.fmpq(k, parts)), flint.arb.sin_pi_fmpq(flint.fmpq(k, parts)))
        self.is_exact = 2 * k in (0, parts)
        self.cosine, self.sine = (float(value.mid()) for value in exact)
        errors = [value - rational(near) for value, near in zip(exact, (self.cosine, self.sine), strict=True)]
        self.rounding = sum((error * error for error in errors), rational(0)).sqrt()

    def combined(self, R: Matrix, S: Matrix) -> Matrix:
        """The computed cos θ R + sin θ S."""
        if self.is_exact:
            return R if self.cosine else S
        return self.cosine * R + self.sine * S


def _angles(q: float) -> list[_Angle]:
    parts = 1 if math.isinf(q) else int(q) // 2 + 1
    with precision():
        return [_Angle(k, parts) for k in range(parts)]


def complex_factor(q: float, blocks: int) -> flint.arb:
    """A ball around c for this number of blocks: 1 for at most one, and for q = ∞."""
    if blocks <= 1 or math.isinf(q):
        return rational(1)
    half = int(q) // 2
    return (rational(4**half) / (blocks * math.comb(2 * half, half))).root(int(q))


def _parts(matrix: ComplexMatrix) -> list[np.ndarray]:
    """The stored real and imaginary parts."""
    return [part if isinstance(part, np.ndarray) else part.data for part in (matrix.real, matrix.imaginary)]


def _exponent(matrix: ComplexMatrix) -> int:
    """e such that the largest real or imaginary part of 2**-e A is in [1/2, 1)."""
    return int(np.frexp(max(float(np.abs(part).max(initial=0.0)) for part in _parts(matrix)))[1])


def _ldexp(part: Matrix, power: int) -> Matrix:
    if isinstance(part, np.ndarray):
        return np.ldexp(part, power)
    return sp.csr_array((np.ldexp(part.data, power), part.indices, part.indptr), shape=part.shape)
