"""Complex matrices as users bring them: two real matrices, each checked as `hypernorm._validation` does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from hypernorm._chunks import Chunks, is_chunked
from hypernorm._frames import to_array
from hypernorm._pages import Pages
from hypernorm._validation import Matrix, as_dense, check_matrix
from hypernorm.exceptions import InvalidInputError

__all__ = ["ComplexMatrix", "above_one_another", "check_complex", "is_complex", "real_form"]


@dataclass(frozen=True, eq=False)
class ComplexMatrix:
    """A checked complex matrix, which nobody else can change.

    Attributes
    ----------
    real, imaginary : ndarray or csr_array of shape (n, d)
        In double precision, both dense or both sparse.
    """

    real: Matrix
    imaginary: Matrix

    @property
    def shape(self) -> tuple[int, int]:
        """(n, d)."""
        return int(self.real.shape[0]), int(self.real.shape[1])

    @property
    def is_real(self) -> bool:
        """Whether every imaginary part is zero."""
        part = self.imaginary
        return not bool((part if isinstance(part, np.ndarray) else part.data).any())

    @property
    def entries(self) -> Any:
        """The matrix as an array of complex numbers, dense or sparse."""
        return self.real + 1j * self.imaginary

    @property
    def stacked(self) -> Matrix:
        """The real parts above the imaginary ones, of shape (2n, d); its fingerprint is that of the matrix."""
        return above_one_another([self.real, self.imaginary])

    @property
    def real_pair(self) -> tuple[Matrix, Matrix]:
        """[Re A, −Im A] and [Im A, Re A], which map (Re v, Im v) to the real and the imaginary part of Av."""
        return _side_by_side(self.real, -self.imaginary), _side_by_side(self.imaginary, self.real)


def real_form(entries: Matrix) -> Matrix:
    """[[Re A, −Im A], [Im A, Re A]], which maps (Re v, Im v) to (Re Av, Im Av), of an array of complex numbers."""
    return above_one_another(ComplexMatrix(entries.real, entries.imag).real_pair)


def above_one_another(blocks: Sequence[Matrix]) -> Matrix:
    """Dense or sparse blocks as one matrix."""
    if isinstance(blocks[0], np.ndarray):
        return np.vstack([as_dense(block) for block in blocks])
    return sp.csr_array(sp.vstack([sp.csr_array(block) for block in blocks]))


def _side_by_side(left: Matrix, right: Matrix) -> Matrix:
    if isinstance(left, np.ndarray):
        return np.hstack([left, as_dense(right)])
    return sp.csr_array(sp.hstack([left, sp.csr_array(right)]))


def is_complex(X: Any) -> bool:
    """Whether the numbers are of a complex type: an array or table by its type, nested sequences by their entries."""
    if hasattr(X, "dtype"):
        return getattr(X.dtype, "kind", "") == "c"
    if hasattr(X, "dtypes"):  # a table has one for each column
        types = X.dtypes
        return isinstance(types, Iterable) and any(getattr(kind, "kind", "") == "c" for kind in types)
    if not isinstance(X, list | tuple):
        return False
    return any(_has_complex(row) if isinstance(row, list | tuple) else is_complex(row) for row in X)


def check_complex(X: Any, name: str = "X") -> ComplexMatrix:
    """Return a private copy of a complex or real matrix of finite, exactly representable entries.

    Parameters
    ----------
    X : array_like, table or sparse matrix of shape (n, d)
    name : str, default "X"
        Name of the argument in error messages.

    Raises
    ------
    InvalidInputError
        As for `hypernorm._validation.check_matrix`, of the real or the imaginary part.
    """
    if isinstance(X, Chunks | Pages):
        raise InvalidInputError(f"{name} must be the matrix itself, not a {type(X).__name__} of it.")
    if is_chunked(X):
        raise InvalidInputError(
            f"{name} is a Dask array of complex numbers, which are read in memory only; {name}.compute() loads it."
        )
    if sp.issparse(X) or isinstance(X, np.ma.MaskedArray):
        whole: Any = X
    else:
        whole = to_array(X, name, kinds="fiubc")
    if whole.dtype.kind != "c" or isinstance(X, np.ma.MaskedArray):
        real = _private(whole, name)
        return ComplexMatrix(real, np.zeros_like(real) if isinstance(real, np.ndarray) else sp.csr_array(real.shape))
    return ComplexMatrix(
        _private(whole.real, f"the real part of {name}"), _private(whole.imag, f"the imaginary part of {name}")
    )


def _has_complex(row: list[Any] | tuple[Any, ...]) -> bool:
    return any(isinstance(entry, complex | np.complexfloating) for entry in row)


def _private(part: Any, name: str) -> Matrix:
    checked = check_matrix(part, name, copy=True)
    double = checked.astype(np.float64)
    return double if isinstance(double, np.ndarray) else sp.csr_array(double)
