"""Witnesses of lower bounds on the best separable state value: a product vector and its value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import flint
import numpy as np

from hypernorm._arithmetic import own_arithmetic
from hypernorm.certificates.base import Certificate
from hypernorm.certificates.dyadic import DyadicMatrix
from hypernorm.certificates.fields import Array, Choice, Fingerprint, Pair, Real, Sizes
from hypernorm.certificates.registry import register
from hypernorm.certificates.rounding import check_arithmetic, precision, rational
from hypernorm.certificates.subjects import other_data
from hypernorm.certificates.verified import Claim, Rigor, VerifiedValue
from hypernorm.exceptions import CertificateError, InvalidInputError
from hypernorm.forms.product import FIELDS, ProductForm, Scalars

__all__ = ["LARGEST_DIMENSION", "QUANTITY", "ProductState", "form_of", "read_form"]

LARGEST_DIMENSION = 2**20 - 1

QUANTITY = "h_Sep(M)"
"""The best separable state value in plain text."""


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class ProductState(Certificate):
    """Vectors x, y with a lower bound on ⟨x⊗y, M (x⊗y)⟩ / (‖x‖²‖y‖²), and so on the best separable state value.

    Attributes
    ----------
    dims : tuple of int
        (a, b).
    field : {"complex", "real"}
    fingerprint : str
        SHA-256 of the values of the matrix.
    value : float
        A proved lower bound on the best separable state value.
    x : ndarray of shape (a,)
    y : ndarray of shape (b,)
        Of any length; the proof divides by their exact lengths.

    See Also
    --------
    SeparableCertificate : An upper bound on the same value.

    Notes
    -----
    How the value is proved is said in theory/separable_states of the documentation.

    Examples
    --------
    >>> import numpy as np
    >>> ProductState.from_vectors(np.diag([1.0, 2.0, 3.0, 4.0]), [0, 1], [0, 1])
    ProductState(dims=(2, 2), field='complex', value=3.99999999999)

    >>> from hypernorm.forms.product import ProductForm
    >>> ProductState.of_form(ProductForm(np.eye(4), (2, 2), "real"), np.ones(2), np.ones(2)).value > 0.999
    True
    """

    kinds: ClassVar = ("product_state",)
    has_exact_proof: ClassVar = True
    data_name: ClassVar = "M"

    dims: Annotated[tuple[int, int], Pair(LARGEST_DIMENSION, label="dimensions")]
    field: Annotated[str, Choice(FIELDS)]
    fingerprint: Annotated[str, Fingerprint()]
    value: Annotated[float, Real(infinite=True, label="value that the state claims")]
    x: Annotated[np.ndarray, Array("a", dtypes=(np.float64, np.complex128))]
    y: Annotated[np.ndarray, Array("b", dtypes=(np.float64, np.complex128))]

    @classmethod
    @own_arithmetic
    def from_vectors(cls, M: Any, x: Any, y: Any, field: Scalars = "complex") -> ProductState:
        """Prove the value that two vectors attain.

        Parameters
        ----------
        M : array_like or sparse matrix of shape (ab, ab)
            Hermitian; symmetric if `field` is "real".
        x : array_like of shape (a,)
        y : array_like of shape (b,)
            Finite and not zero; their lengths do not matter.
        field : {"complex", "real"}, default "complex"

        Returns
        -------
        ProductState

        Raises
        ------
        InvalidInputError
            If an argument cannot be used.
        """
        x, y = _check_vector(x, "x", field), _check_vector(y, "y", field)
        return cls.of_form(ProductForm(M, (len(x), len(y)), field), x, y)

    @classmethod
    @own_arithmetic
    def of_form(cls, form: ProductForm, x: np.ndarray, y: np.ndarray) -> ProductState:
        """Prove the value that two vectors attain, for a form whose matrix has been checked.

        Parameters
        ----------
        form : ProductForm
        x : ndarray of shape (a,)
        y : ndarray of shape (b,)
            Finite and not zero.

        Returns
        -------
        ProductState
        """
        x, y = _check_vector(x, "x", form.field), _check_vector(y, "y", form.field)
        value = _attained(form, x, y)
        return cls(dims=form.dims, field=form.field, fingerprint=form.fingerprint, value=value, x=x, y=y)

    @classmethod
    def sizes(cls, known: Mapping[str, Any]) -> Sizes:
        return dict(zip("ab", known["dims"], strict=True)) if "dims" in known else {}

    @property
    def quantity(self) -> str:
        return QUANTITY

    @property
    def claim(self) -> Claim:
        return Claim(self.value, is_upper=False)

    def describe(self) -> dict[str, Any]:
        return {"dims": list(self.dims), "field": self.field}

    def rules(self) -> None:
        try:
            _check_vector(self.x, "x", self.field)
            _check_vector(self.y, "y", self.field)
        except InvalidInputError as error:
            raise CertificateError(f"The product state is broken: {error}") from None

    def read(self, data: Any) -> ProductForm:
        return read_form(data, self.dims, self.field, self.fingerprint)

    def establish(self, subject: ProductForm, *, exact: bool) -> VerifiedValue:
        """Prove the value; the arithmetic is always exact."""
        form_of(subject, self.dims, self.field)
        value = _attained(subject, _check_vector(self.x, "x", self.field), _check_vector(self.y, "y", self.field))
        if not self.value <= value:
            raise CertificateError(f"The state attains {value:.17g}, not the value {self.value!r} that it claims.")
        return VerifiedValue(quantity=QUANTITY, rigor=Rigor.EXACT, lower=value)


def form_of(subject: Any, dims: tuple[int, int], field: str) -> ProductForm:
    """The subject of a proof about states: a form of these dimensions and this field.

    Raises
    ------
    CertificateError
    """
    if type(subject) is not ProductForm or (subject.dims, subject.field) != (dims, field):
        raise CertificateError("The certificate is for other dimensions, another field or another scale.")
    return subject


def read_form(data: Any, dims: tuple[int, int], field: str, digits: str) -> ProductForm:
    """Return the form of a certificate, after a check of the matrix and of its identity.

    Raises
    ------
    CertificateError
        If the fingerprint of the matrix differs from `digits`.
    InvalidInputError
        If the data are not a Hermitian matrix of the right size.
    """
    size = dims[0] * dims[1]
    shape = getattr(data, "shape", (size, size))
    if len(shape) == 2 and shape[0] == shape[1] != size:
        raise CertificateError(f"The certificate is for another matrix, of {size} rows; M has {shape[0]}.")
    form = ProductForm(data, dims, field)
    if form.fingerprint != digits:
        raise other_data("M")
    return form


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
    """A float that is at most every number in the ball, of either sign."""
    return 0.0 if ball.is_zero() else math.nextafter(float(ball.lower()), -math.inf)


def embedded(matrix: np.ndarray) -> np.ndarray:
    """[[Re, −Im], [Im, Re]], which is definite if and only if the complex matrix is; a real matrix is not changed."""
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
