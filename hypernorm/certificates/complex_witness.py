"""Witnesses of lower bounds on the norm of a complex matrix: a complex vector and the value that it attains."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import flint
import numpy as np

from hypernorm._arguments import check_exponent
from hypernorm._arithmetic import own_arithmetic
from hypernorm._complex import ComplexMatrix, above_one_another, check_complex
from hypernorm._display import complex_norm_text
from hypernorm.certificates.base import Certificate
from hypernorm.certificates.complex_norm import complex_subject, read_complex
from hypernorm.certificates.exponents import exact_exponent, norm_of_balls
from hypernorm.certificates.fields import Array, Fingerprint, Real, Shape
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
from hypernorm.certificates.witness import exact_images
from hypernorm.exceptions import CertificateError, InvalidInputError
from hypernorm.forms import Rows, fingerprint

__all__ = ["ComplexWitness", "check_complex_vector", "squared_moduli"]


@register
@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class ComplexWitness(Certificate):
    """A complex vector v with a lower bound on ‖Av‖_q / ‖v‖, and so on the 2→q norm of A over complex vectors.

    Attributes
    ----------
    shape : tuple of int
        Shape (n, d) of A.
    fingerprint : str
        SHA-256 of the values of A, as for `ComplexNormCertificate`.
    q : float
        Exponent, 1 ≤ q ≤ ∞.
    value : float
        A proved lower bound on the norm.
    vector : ndarray of shape (d,)
        Of complex numbers and any length; the proof divides by its exact length.

    See Also
    --------
    ComplexNormCertificate : An upper bound on the same norm.

    Notes
    -----
    How the value is proved is said in theory/complex_matrices of the documentation.

    Examples
    --------
    >>> import numpy as np
    >>> A = np.array([[1, 1j], [1, -1j]])
    >>> ComplexWitness.from_vector(A, [1, -1j], q=4)
    ComplexWitness(q=4, shape=(2, 2), value=1.41421356237)

    >>> from hypernorm._complex import check_complex
    >>> matrix = check_complex(np.array([[1.0, 1j]]))
    >>> digits = fingerprint(matrix.stacked)
    >>> witness = ComplexWitness.of_matrix(matrix, digits, np.array([1, -1j]), 4.0)
    >>> round(witness.value, 6)
    1.414214
    """

    kinds: ClassVar = ("complex_witness",)
    has_exact_proof: ClassVar = True

    shape: Annotated[tuple[int, int], Shape()]
    fingerprint: Annotated[str, Fingerprint()]
    q: Annotated[float, Real(1.0, infinite=True)]
    value: Annotated[float, Real(0.0)]
    vector: Annotated[np.ndarray, Array("d", dtypes=(np.complex128,))]

    @classmethod
    @own_arithmetic
    def from_vector(cls, X: Any, vector: Any, q: float = 4) -> ComplexWitness:
        """Prove the value that a vector attains.

        Parameters
        ----------
        X : array_like, DataFrame or sparse matrix of shape (n, d)
            Complex or real.
        vector : array_like of shape (d,)
            Complex or real, finite and not zero; its length does not matter.
        q : float, default 4
            Exponent, 1 ≤ q ≤ ∞.

        Returns
        -------
        ComplexWitness

        Raises
        ------
        InvalidInputError
            If an argument cannot be used.
        """
        matrix = check_complex(X)
        q = check_exponent(q, smallest=1)
        return cls.of_matrix(matrix, fingerprint(matrix.stacked), vector, q)

    @classmethod
    def of_matrix(cls, matrix: ComplexMatrix, digits: str, vector: Any, q: float) -> ComplexWitness:
        """Prove the value that a vector attains, for a matrix with a known fingerprint.

        Parameters
        ----------
        matrix : ComplexMatrix
        digits : str
            The fingerprint.
        vector : array_like of shape (d,)
            Finite and not zero.
        q : float

        Returns
        -------
        ComplexWitness

        Raises
        ------
        InvalidInputError
            If the vector is zero or not finite.
        """
        vector = check_complex_vector(vector, matrix.shape[1])
        value = _attained_interval(matrix, vector, q, exact=False)[0]
        return cls(shape=matrix.shape, fingerprint=digits, q=q, value=value, vector=vector)

    @property
    def quantity(self) -> str:
        return complex_norm_text(self.q)

    @property
    def claim(self) -> Claim:
        return Claim(self.value, is_upper=False)

    def describe(self) -> dict[str, Any]:
        return {"q": self.q, "shape": list(self.shape)}

    def rules(self) -> None:
        try:
            check_complex_vector(self.vector, self.shape[1])
            check_exponent(self.q, smallest=1)
        except InvalidInputError as error:
            raise CertificateError(f"The witness is broken: {error}") from None

    def read(self, data: Any) -> ComplexMatrix:
        return read_complex(data, self.shape, self.fingerprint)

    def establish(self, subject: ComplexMatrix, *, exact: bool) -> VerifiedValue:
        vector = check_complex_vector(self.vector, self.shape[1])
        enclosure = _attained_interval(complex_subject(subject, self.shape), vector, self.q, exact=exact)
        return verified_value(self.value, enclosure, self.quantity, exact=exact)


def check_complex_vector(vector: Any, dimension: int) -> np.ndarray:
    """A read-only copy times a power of two, with the largest real or imaginary part in (1/10, 1]."""
    try:
        array = np.array(vector, dtype=np.complex128)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"vector must be complex numbers: {error}.") from None
    if array.shape != (dimension,):
        raise InvalidInputError(f"vector must have shape ({dimension},), one entry per column of X, got {array.shape}.")
    largest = float(np.abs(array.view(np.float64)).max())
    if not (math.isfinite(largest) and largest > 0):
        raise InvalidInputError("vector must be finite and not zero.")
    if not 0.1 < largest <= 1:
        array = np.ldexp(array.view(np.float64), -math.frexp(largest)[1]).view(np.complex128)
    array.setflags(write=False)
    return array


def _attained_interval(matrix: ComplexMatrix, vector: np.ndarray, q: float, *, exact: bool) -> tuple[float, float]:
    """Proved lower and upper bounds on ‖Av‖_q / ‖v‖.

    The real and the imaginary part of Av are the product of [[Re A, −Im A], [Im A, Re A]] and w = (Re v, Im v): exact,
    or enclosed by γ_{2d} ‖row‖‖w‖. Squares, powers, their sum, the root and the division are ball arithmetic.
    """
    check_arithmetic()
    rows = Rows(above_one_another(matrix.real_pair))
    w = np.concatenate([vector.real, vector.imag])
    with precision(), np.errstate(all="ignore"):
        length = sum((rational(entry) ** 2 for entry in w.tolist()), rational(0)).sqrt()
        scale = rational(2) ** rows.exponent / length
        # Scaling has moved each entry by less than 2**-1074: Av by 2·√2·n·d·2**-1074·max|w| at most, in any q-norm.
        moved = rational(2.0**-1074) * (rows.shape[0] * rows.shape[1]) if rows.inexact else rational(0)
        half = exact_exponent(q) / 2  # ‖Av‖_q² is the norm of the squared moduli for q/2
        if exact:
            squares = squared_moduli(list(exact_images(rows.shape[0], rows.block, w)))
            below = above = norm_of_balls(squares, half).sqrt()
        else:
            below, above = (norm_of_balls(squares, half).sqrt() for squares in _rounded_squares(rows, w))
        return lower_float((below - moved) * scale), upper_float((above + moved) * scale)


def _rounded_squares(rows: Rows, w: np.ndarray) -> tuple[Iterator[flint.arb], Iterator[flint.arb]]:
    """Lower and upper bounds on the squared moduli."""
    size = float(np.linalg.norm(w)) * SAFETY
    error = (gamma(rows.shape[1] + 2) * size) * rows.norms * SAFETY + TINY
    image = np.abs(rows.images(w))
    below, above = np.maximum((image - error) * (1 - 4 * UNIT), 0.0), (image + error) * (1 + 4 * UNIT)
    return squared_moduli(below.tolist()), squared_moduli(above.tolist())


def squared_moduli(image: list[Any]) -> Iterator[flint.arb]:
    """Re² + Im² of the entries whose real parts stand above the imaginary ones."""
    half = len(image) // 2
    for real, imaginary in zip(image[:half], image[half:], strict=True):
        yield flint.arb(real) ** 2 + flint.arb(imaginary) ** 2
