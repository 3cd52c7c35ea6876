"""Witnesses of lower bounds on operator norms: a vector v and a proved lower bound on ‖Av‖_q/‖v‖_p."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import flint
import numpy as np

from hypernorm._arguments import check_exponent
from hypernorm._arithmetic import own_arithmetic
from hypernorm._complex import real_form
from hypernorm._display import operator_norm_text
from hypernorm._validation import as_dense
from hypernorm.certificates.base import Certificate
from hypernorm.certificates.complex_witness import check_complex_vector, squared_moduli
from hypernorm.certificates.exponents import Exponent, exact_exponent, norm_of_balls
from hypernorm.certificates.fields import Array, Fingerprint, Real, Shape
from hypernorm.certificates.operator import (
    NormExponent,
    identified_matrix,
    operator_matrix,
    read_operator_matrix,
)
from hypernorm.certificates.registry import register
from hypernorm.certificates.rounding import (
    SAFETY,
    TINY,
    UNIT,
    check_arithmetic,
    gamma,
    lower_float,
    precision,
    rational,
    upper_float,
)
from hypernorm.certificates.verified import Claim, VerifiedValue, verified_value
from hypernorm.certificates.witness import check_vector, exact_images
from hypernorm.exceptions import CertificateError, InvalidInputError
from hypernorm.forms import ScaledMatrix

__all__ = ["OperatorWitness"]


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class OperatorWitness(Certificate):
    """A vector v with a lower bound on ‖Av‖_q / ‖v‖_p, and so on the norm of A from ℓ_p to ℓ_q.

    Attributes
    ----------
    p, q : float
        Exponents of at least 1, or infinity; their exact binary values count.
    shape : tuple of int
    fingerprint : str
        SHA-256 of the shape and the values of the matrix, as for `OperatorCertificate`.
    value : float
        A proved lower bound on the norm.
    vector : ndarray of shape (n,)
        Real for a real matrix, complex for a complex one; of any length, as the proof divides by its p-norm.

    See Also
    --------
    OperatorCertificate : An upper bound on the same norm.

    Notes
    -----
    How the value is proved is said in theory/operator_norms of the documentation.

    Examples
    --------
    >>> import numpy as np
    >>> OperatorWitness.from_vector(np.eye(4), [1, 1, 1, 1], p=4, q=2)
    OperatorWitness(p=4, q=2, shape=(4, 4), value=1.41421356237)

    >>> from hypernorm.forms import ScaledMatrix
    >>> matrix = ScaledMatrix.identified(np.eye(4))
    >>> OperatorWitness.of_matrix(matrix, np.ones(4), 4.0, 2.0).value > 1.41
    True
    """

    kinds: ClassVar = ("operator_witness",)
    has_exact_proof: ClassVar = True
    data_name: ClassVar = "A"

    p: Annotated[float, NormExponent()]
    q: Annotated[float, NormExponent()]
    shape: Annotated[tuple[int, int], Shape()]
    fingerprint: Annotated[str, Fingerprint()]
    value: Annotated[float, Real(0.0)]
    vector: Annotated[np.ndarray, Array("d", dtypes=(np.float64, np.complex128))]

    @classmethod
    @own_arithmetic
    def from_vector(cls, A: Any, vector: Any, p: float, q: float) -> OperatorWitness:
        """Prove the value that a vector attains.

        Parameters
        ----------
        A : array_like, DataFrame, sparse matrix or Dask array of shape (m, n)
            Real or, in memory, complex.
        vector : array_like of shape (n,)
            Finite and not zero, complex only if A is; its length does not matter.
        p, q : float
            Exponents from 1 to ∞.

        Returns
        -------
        OperatorWitness

        Raises
        ------
        InvalidInputError
            If an argument cannot be used.
        """
        matrix = identified_matrix(A)
        return cls.of_matrix(matrix, vector, check_exponent(p, 1, "p"), check_exponent(q, 1))

    @classmethod
    def of_matrix(cls, matrix: ScaledMatrix, vector: Any, p: float, q: float) -> OperatorWitness:
        """Prove the value that a vector attains, for a matrix with a known fingerprint.

        Parameters
        ----------
        matrix : ScaledMatrix
        vector : array_like of shape (n,)
            Finite and not zero; it may be complex if the matrix is.
        p, q : float

        Returns
        -------
        OperatorWitness

        Raises
        ------
        InvalidInputError
            If the vector is zero or not finite.
        """
        vector = _checked(vector, matrix.shape[1], matrix.field)
        value = _attained(matrix, vector, p, q, exact=False)[0]
        return cls(p=p, q=q, shape=matrix.shape, fingerprint=matrix.fingerprint, value=value, vector=vector)

    @property
    def field(self) -> str:
        """``"real"`` or ``"complex"``, by the type of the vector."""
        return "complex" if self.vector.dtype.kind == "c" else "real"

    @property
    def quantity(self) -> str:
        return operator_norm_text(self.p, self.q, self.field)

    @property
    def claim(self) -> Claim:
        return Claim(self.value, is_upper=False)

    def describe(self) -> dict[str, Any]:
        told = {"p": self.p, "q": self.q, "shape": list(self.shape)}
        return told if self.field == "real" else told | {"field": self.field}

    def rules(self) -> None:
        try:
            _checked(self.vector, self.shape[1], self.field)
        except InvalidInputError as error:
            raise CertificateError(f"The witness is broken: {error}") from None

    def read(self, data: Any) -> ScaledMatrix:
        return read_operator_matrix(data, self.shape, self.fingerprint, self.field, by_blocks=True)

    def establish(self, subject: ScaledMatrix, *, exact: bool) -> VerifiedValue:
        matrix = operator_matrix(subject, self.shape, self.field)
        vector = _checked(self.vector, self.shape[1], self.field)
        enclosure = _attained(matrix, vector, self.p, self.q, exact=exact)
        return verified_value(self.value, enclosure, self.quantity, exact=exact)


def _checked(vector: Any, dimension: int, field: str) -> np.ndarray:
    return (check_complex_vector if field == "complex" else check_vector)(vector, dimension)


def _attained(matrix: ScaledMatrix, vector: np.ndarray, p: float, q: float, *, exact: bool) -> tuple[float, float]:
    """Proved lower and upper bounds on ‖Av‖_q/‖v‖_p; the largest part of an entry of the vector is from 1/10 to 1.

    The real and the imaginary parts of complex images are the images of (Re v, Im v).
    """
    check_arithmetic()
    if matrix.is_zero:
        return 0.0, 0.0
    A, v, is_complex = matrix.entries, vector, matrix.field == "complex"
    if is_complex:
        A, v = real_form(A), np.concatenate([v.real, v.imag])
    outer = exact_exponent(q)
    with precision(), np.errstate(all="ignore"):
        length = _norm(map(rational, np.abs(v).tolist()), exact_exponent(p), is_complex)
        scale = rational(2) ** matrix.exponent / length
        # Av and its scaled copy differ by at most 2**-1074·max|v| for each entry of A, in any q-norm.
        moved = rational(2.0**-1074) * (A.shape[0] * A.shape[1]) if matrix.inexact else rational(0)
        if exact:
            images = exact_images(A.shape[0], lambda start, stop: as_dense(A[start:stop]), v)
            below = above = _norm(map(abs, images), outer, is_complex)
        else:
            below, above = (_norm(values, outer, is_complex) for values in _rounded_values(A, v))
        return lower_float((below - moved) * scale), upper_float((above + moved) * scale)


def _norm(parts: Iterator[flint.arb], r: Exponent, is_complex: bool) -> flint.arb:
    """‖·‖_r of balls of non-negative numbers, or of moduli whose real parts stand before the imaginary ones."""
    return norm_of_balls(squared_moduli(list(parts)), r / 2).sqrt() if is_complex else norm_of_balls(parts, r)


def _rounded_values(A: Any, v: np.ndarray) -> tuple[Iterator[flint.arb], Iterator[flint.arb]]:
    """Lower and upper bounds of |⟨x_i, v⟩|: |fl(x_iᵀv) − x_iᵀv| ≤ γ_n |x_i|ᵀ|v|."""
    error = SAFETY * gamma(A.shape[1] + 4) * np.asarray(abs(A) @ np.abs(v)) + TINY
    image = np.abs(np.asarray(A @ v))
    below, above = np.maximum((image - error) * (1 - 4 * UNIT), 0.0), (image + error) * (1 + 4 * UNIT)
    return map(flint.arb, below.tolist()), map(flint.arb, above.tolist())
