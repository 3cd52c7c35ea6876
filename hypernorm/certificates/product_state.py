"""Lower bounds on the best separable state value: a product vector and the proved value that it attains."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np

from hypernorm._arithmetic import own_arithmetic
from hypernorm._display import rounded_down
from hypernorm.certificates.dyadic import DyadicMatrix
from hypernorm.certificates.fields import check_choice, check_fingerprint, owned
from hypernorm.certificates.norm import Rigor
from hypernorm.certificates.rounding import check_arithmetic, precision, rational
from hypernorm.certificates.witness import VerifiedValue
from hypernorm.exceptions import CertificateError, InvalidInputError
from hypernorm.forms.product import FIELDS, ProductForm

__all__ = ["ProductState"]

_DTYPES = {np.dtype(np.float64), np.dtype(np.complex128)}


@dataclass(frozen=True, eq=False, slots=True)
class ProductState:
    """Vectors x, y and a number that ⟨x⊗y, M (x⊗y)⟩ / (‖x‖²‖y‖²) is proved to reach.

    Attributes
    ----------
    x : ndarray of shape (a,)
    y : ndarray of shape (b,)
        The proof divides by their exact lengths.
    value : float
        A proved lower bound on the best separable state value.
    field : str
        ``"complex"`` or ``"real"``.
    fingerprint : str
        Of the matrix.

    Examples
    --------
    >>> import numpy as np
    >>> ProductState.from_vectors(np.diag([1.0, 2.0, 3.0, 4.0]), [0, 1], [0, 1])
    ProductState(dims=(2, 2), field='complex', value=3.99999999999)
    """

    x: np.ndarray
    y: np.ndarray
    value: float
    field: str
    fingerprint: str

    @classmethod
    @own_arithmetic
    def from_vectors(cls, M: Any, x: Any, y: Any, field: str = "complex") -> ProductState:
        """Prove the value that two vectors attain.

        Parameters
        ----------
        M : array_like or sparse matrix of shape (ab, ab)
            Hermitian; symmetric if `field` is "real".
        x : array_like of shape (a,)
        y : array_like of shape (b,)
            Finite and not zero; their lengths do not matter.
        field : {"complex", "real"}
        """
        x, y = _check_vector(x, "x", field), _check_vector(y, "y", field)
        return cls.of_form(ProductForm(M, (len(x), len(y)), field), x, y)

    @classmethod
    @own_arithmetic
    def of_form(cls, form: ProductForm, x: np.ndarray, y: np.ndarray) -> ProductState:
        """The same for a form whose matrix has been checked."""
        x, y = _check_vector(x, "x", form.field), _check_vector(y, "y", form.field)
        return cls(x, y, _attained(form, x, y), form.field, form.digest)

    @property
    def dims(self) -> tuple[int, int]:
        """The dimensions (a, b) of the factors."""
        return len(self.x), len(self.y)

    @own_arithmetic
    def verify(self, M: Any) -> VerifiedValue:
        """Prove the value again, for a given matrix, in exact arithmetic.

        Parameters
        ----------
        M : array_like or sparse matrix of shape (ab, ab)

        Returns
        -------
        VerifiedValue

        Raises
        ------
        CertificateError
            If the state belongs to another matrix or does not attain `value`.
        """
        start = time.perf_counter()
        own = owned(self)
        field, digest = check_choice(own.field, "field", FIELDS), check_fingerprint(own.fingerprint)
        # A claim may be of any size; NaN is below nothing.
        claimed = own.value
        if type(claimed) is not float:
            raise CertificateError(f"The value that the state claims must be a float, got a {type(claimed).__name__}.")
        x, y = own.x, own.y
        if not (type(x) is type(y) is np.ndarray and {x.dtype, y.dtype} <= _DTYPES):
            raise CertificateError("The product state is broken: its vectors must be ndarrays of floats.")
        try:
            x, y = _check_vector(x, "x", field), _check_vector(y, "y", field)
        except InvalidInputError as error:
            raise CertificateError(f"The product state is broken: {error}") from None
        form = ProductForm(M, (len(x), len(y)), field)
        if form.digest != digest:
            raise CertificateError("The product state is for another matrix: the fingerprint of M differs.")
        value = _attained(form, x, y)
        if not claimed <= value:
            raise CertificateError(f"The state attains {value:.17g}, not the value {claimed!r} that it claims.")
        return VerifiedValue(value, Rigor.EXACT, time.perf_counter() - start)

    def __repr__(self) -> str:
        return f"ProductState(dims={self.dims}, field={self.field!r}, value={rounded_down(self.value, 12)})"


def _check_vector(vector: Any, name: str, field: str) -> np.ndarray:
    """A read-only copy, multiplied by a power of two if its largest entry is far from one."""
    try:
        array = np.array(vector, dtype=np.complex128 if np.iscomplexobj(vector) else np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"{name} must be numbers: {error}.") from None
    if array.ndim != 1 or array.size == 0:
        raise InvalidInputError(f"{name} must be one-dimensional and not empty, got shape {array.shape}.")
    if np.iscomplexobj(array) and field == "real":
        raise InvalidInputError(f"{name} must be real, as field is 'real'.")
    largest = float(max(np.abs(array.real).max(), np.abs(array.imag).max()))
    if not (math.isfinite(largest) and largest > 0):
        raise InvalidInputError(f"{name} must be finite and not zero.")
    if not 2.0**-20 < largest <= 1:
        power = -math.frexp(largest)[1]
        array = np.ldexp(array.real, power) + (1j * np.ldexp(array.imag, power) if np.iscomplexobj(array) else 0)
    array.setflags(write=False)
    return array


def _attained(form: ProductForm, x: np.ndarray, y: np.ndarray) -> float:
    """A proved lower bound on Re ⟨x⊗y, M (x⊗y)⟩ / (‖x‖²‖y‖²); the quadratic form is exact."""
    check_arithmetic()
    exact = [DyadicMatrix.from_floats(_stacked(vector)) for vector in (x, y)]
    product = _kronecker(*exact)
    matrix = DyadicMatrix.from_floats(embedded(form.matrix.astype(np.complex128)))
    with precision():
        value = _number(product.T @ matrix @ product)
        lengths = _number(exact[0].T @ exact[0]) * _number(exact[1].T @ exact[1])
        scale = rational(2) ** form.exponent
        quotient, error = value / lengths * scale, rational(form.error) * scale
        return _below(quotient - error)


def _below(ball: flint.arb) -> float:
    """A float that is at most every number in the ball, whatever their sign."""
    return 0.0 if ball.is_zero() else math.nextafter(float(ball.lower()), -math.inf)


def embedded(matrix: np.ndarray) -> np.ndarray:
    """[[Re, −Im], [Im, Re]] of a complex matrix: definite if and only if the matrix is; a real one stays as it is."""
    if not np.iscomplexobj(matrix):
        return matrix
    return np.block([[matrix.real, -matrix.imag], [matrix.imag, matrix.real]])


def _stacked(vector: np.ndarray) -> np.ndarray:
    """Real above imaginary parts, as one column."""
    return np.concatenate([vector.real, vector.imag]).astype(np.float64)[:, None]


def _kronecker(x: DyadicMatrix, y: DyadicMatrix) -> DyadicMatrix:
    """x⊗y with real above imaginary parts, from such columns."""
    (xr, xi), (yr, yi) = (np.array(v.integers.entries(), dtype=object).reshape(2, -1) for v in (x, y))
    real, imaginary = np.kron(xr, yr) - np.kron(xi, yi), np.kron(xr, yi) + np.kron(xi, yr)
    entries = [*real.tolist(), *imaginary.tolist()]
    return DyadicMatrix(flint.fmpz_mat(len(entries), 1, entries), x.exponent + y.exponent)


def _number(matrix: DyadicMatrix) -> flint.arb:
    """A ball around the entry of a 1×1 matrix."""
    return flint.arb(matrix.integers[0, 0]) * rational(2) ** matrix.exponent
