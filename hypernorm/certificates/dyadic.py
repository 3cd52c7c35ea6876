"""Matrices of dyadic rationals: integers times one power of two, multiplied exactly.

Every finite float is a dyadic rational, so sums and products of float matrices are exact. The integers are those of
python-flint, whose matrix product is fast.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import flint
import numpy as np

from hypernorm.exceptions import CertificateError

__all__ = ["DyadicMatrix", "dyadic"]


def dyadic(value: float) -> tuple[int, int]:
    """Integers (m, e) with ``value == m * 2**e``."""
    numerator, denominator = float(value).as_integer_ratio()
    return numerator, -(denominator.bit_length() - 1)


@dataclass(frozen=True, eq=False)
class DyadicMatrix:
    """The matrix ``integers * 2**exponent``.

    Examples
    --------
    >>> import numpy as np
    >>> A = DyadicMatrix.from_floats(np.array([[0.5, 0.25], [0.0, 3.0]]))
    >>> A.exponent, (A @ A).to_floats().tolist()
    (-2, [[0.25, 0.875], [0.0, 9.0]])
    """

    integers: flint.fmpz_mat
    exponent: int

    @classmethod
    def from_floats(cls, array: np.ndarray) -> DyadicMatrix:
        """The exact value of an array of finite floats of shape (m, n)."""
        if not np.isfinite(array).all():
            raise CertificateError("Exact arithmetic needs finite numbers.")
        mantissas, exponents = np.frexp(np.asarray(array, dtype=np.float64))
        wide = (mantissas * 2.0**53).astype(np.int64)
        nonzero = wide != 0
        if not nonzero.any():
            return cls(flint.fmpz_mat(array.shape[0], array.shape[1]), 0)
        # Trailing zero bits go into the exponent, so that short numbers stay short integers.
        lowest = np.frexp((wide & -wide).astype(np.float64))[1] - 1
        powers = exponents.astype(np.int64) - 53 + lowest
        odd = wide >> np.maximum(lowest, 0)
        least = int(powers[nonzero].min())
        shifts = np.where(nonzero, powers - least, 0)
        entries = [m << s for m, s in zip(odd.ravel().tolist(), shifts.ravel().tolist(), strict=True)]
        return cls(flint.fmpz_mat(array.shape[0], array.shape[1], entries), least)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.integers.nrows(), self.integers.ncols()

    @property
    def T(self) -> DyadicMatrix:
        """The transpose."""
        return DyadicMatrix(self.integers.transpose(), self.exponent)

    def __matmul__(self, other: DyadicMatrix) -> DyadicMatrix:
        return DyadicMatrix(self.integers * other.integers, self.exponent + other.exponent)

    def __add__(self, other: DyadicMatrix) -> DyadicMatrix:
        least = min(self.exponent, other.exponent)
        return DyadicMatrix(self._at(least) + other._at(least), least)

    def __sub__(self, other: DyadicMatrix) -> DyadicMatrix:
        return self + DyadicMatrix(-other.integers, other.exponent)

    def scaled(self, mantissa: int, exponent: int = 0) -> DyadicMatrix:
        """The matrix times ``mantissa * 2**exponent``."""
        return DyadicMatrix(self.integers * mantissa, self.exponent + exponent)

    def _at(self, exponent: int) -> flint.fmpz_mat:
        shift = self.exponent - exponent
        return self.integers * (1 << shift) if shift else self.integers

    def squared_norm(self) -> tuple[int, int]:
        """The squared Frobenius norm as (m, e)."""
        return int(sum((entry * entry for entry in self.integers.entries()), flint.fmpz(0))), 2 * self.exponent

    def to_floats(self) -> np.ndarray:
        """Floats close to the entries, for proposals that exact arithmetic checks."""
        entries = [int(entry) for entry in self.integers.entries()]
        bits = max((abs(entry).bit_length() for entry in entries), default=0)
        shift = max(0, bits - 1000)
        with np.errstate(over="ignore", under="ignore"):
            floats = np.ldexp(np.array([float(entry >> shift) for entry in entries]), self.exponent + shift)
        return floats.reshape(self.shape)

    def is_proved_positive_definite(self) -> bool:
        """Whether exact arithmetic proves that the symmetric matrix A is positive definite.

        LAPACK proposes a factor L of A − cI, rounded to a grid. With R = A − cI − LLᵀ in integers,
        A ⪰ (c − ‖R‖_F) I, and c > ‖R‖_F is an inequality between integers.
        """
        peak = max((abs(int(entry)).bit_length() for entry in self.integers.entries()), default=0) + self.exponent
        A = DyadicMatrix(self.integers, self.exponent - peak)  # entries of size about one
        size = self.shape[0]
        floats = A.to_floats()
        trace = float(np.trace(floats))
        if not trace > 0:
            return False
        # LAPACK's rounding errors are far below their a priori bound, so smaller shifts are tried first.
        slack = 8 * (size + 4) * trace * 2.0**-53 + size * math.sqrt(size * trace) * 2.0**-54
        largest = math.frexp(slack)[1]
        return any(A._shift_proves(floats, power) for power in (largest - 8, largest - 4, largest))

    def _shift_proves(self, floats: np.ndarray, power: int) -> bool:
        """Whether the proof succeeds with the shift c = 2**power, which adds few bits."""
        size = len(floats)
        try:
            L = np.linalg.cholesky(floats - 2.0**power * np.eye(size))
        except np.linalg.LinAlgError:
            return False
        grid = math.frexp(float(np.abs(L).max()))[1] - 56
        factor = DyadicMatrix.from_floats(np.ldexp(np.rint(np.ldexp(L, -grid)), grid))
        identity = DyadicMatrix.from_floats(np.eye(size))
        numerator, exponent = (self - identity.scaled(1, power) - factor @ factor.T).squared_norm()
        return 2 * power >= exponent and numerator < 1 << (2 * power - exponent)
