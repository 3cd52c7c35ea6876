"""Witnesses of lower bounds on operator norms: a vector v and a proved lower bound on ‖Av‖_q/‖v‖_p."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import flint
import numpy as np

from hypernorm._arguments import check_exponent
from hypernorm._arithmetic import own_arithmetic
from hypernorm._display import operator_norm_text
from hypernorm._validation import Matrix, as_dense, check_matrix
from hypernorm.certificates.base import Certificate, register
from hypernorm.certificates.exponents import exact_exponent, norm_of_balls
from hypernorm.certificates.fields import Array, Fingerprint, Real, Shape
from hypernorm.certificates.operator import NormExponent, operator_matrix, read_operator_matrix
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
        SHA-256 of the shape and the values of the matrix.
    value : float
        A proved lower bound on the norm.
    vector : ndarray of shape (n,)
        Of any length; the proof divides by its p-norm.

    See Also
    --------
    OperatorCertificate : An upper bound on the same norm.

    Notes
    -----
    How the value is proved is said in docs/theory/operator_norms.md.

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
    vector: Annotated[np.ndarray, Array("d")]

    @classmethod
    @own_arithmetic
    def from_vector(cls, A: Any, vector: Any, p: float, q: float) -> OperatorWitness:
        """Prove the value that a vector attains.

        Parameters
        ----------
        A : array_like, DataFrame or sparse matrix of shape (m, n)
        vector : array_like of shape (n,)
            Finite and not zero; its length does not matter.
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
        matrix = check_matrix(A, "A", copy=True)
        p, q = check_exponent(p, 1, "p"), check_exponent(q, 1)
        return cls.of_matrix(ScaledMatrix.identified(matrix), check_vector(vector, matrix.shape[1]), p, q)

    @classmethod
    def of_matrix(cls, matrix: ScaledMatrix, vector: np.ndarray, p: float, q: float) -> OperatorWitness:
        """Prove the value that a vector attains, for a matrix with a known fingerprint.

        Parameters
        ----------
        matrix : ScaledMatrix
        vector : ndarray of shape (n,)
            Finite and not zero.
        p, q : float

        Returns
        -------
        OperatorWitness

        Raises
        ------
        InvalidInputError
            If the vector is zero or not finite.
        """
        vector = check_vector(vector, matrix.shape[1])
        value = _attained(matrix, vector, p, q, exact=False)[0]
        return cls(p=p, q=q, shape=matrix.shape, fingerprint=matrix.fingerprint, value=value, vector=vector)

    @property
    def quantity(self) -> str:
        return operator_norm_text(self.p, self.q)

    @property
    def claim(self) -> Claim:
        return Claim(self.value, is_upper=False)

    def describe(self) -> dict[str, Any]:
        return {"p": self.p, "q": self.q, "shape": list(self.shape)}

    def rules(self) -> None:
        try:
            check_vector(self.vector, self.shape[1])
        except InvalidInputError as error:
            raise CertificateError(f"The witness is broken: {error}") from None

    def read(self, data: Any) -> ScaledMatrix:
        return read_operator_matrix(data, self.shape, self.fingerprint)

    def establish(self, subject: ScaledMatrix, *, exact: bool) -> VerifiedValue:
        matrix = operator_matrix(subject, self.shape)
        enclosure = _attained(matrix, check_vector(self.vector, self.shape[1]), self.p, self.q, exact=exact)
        return verified_value(self.value, enclosure, self.quantity, exact=exact)


def _attained(matrix: ScaledMatrix, vector: np.ndarray, p: float, q: float, *, exact: bool) -> tuple[float, float]:
    """Proved lower and upper bounds on ‖Av‖_q/‖v‖_p; the largest entry of the vector is from 1/10 to 1."""
    check_arithmetic()
    if matrix.is_zero:
        return 0.0, 0.0
    outer = exact_exponent(q)
    with precision(), np.errstate(all="ignore"):
        length = norm_of_balls((rational(abs(x)) for x in vector.tolist() if x), exact_exponent(p))
        scale = rational(2) ** matrix.exponent / length
        # Av and its scaled copy differ by at most mn·2**-1074·max|v| in any q-norm.
        moved = rational(2.0**-1074) * (matrix.shape[0] * matrix.shape[1]) if matrix.inexact else rational(0)
        if exact:
            images = exact_images(matrix.shape[0], lambda start, stop: as_dense(matrix.entries[start:stop]), vector)
            below = above = norm_of_balls(map(abs, images), outer)
        else:
            below, above = (norm_of_balls(values, outer) for values in _rounded_values(matrix, vector))
        return lower_float((below - moved) * scale), upper_float((above + moved) * scale)


def _rounded_values(matrix: ScaledMatrix, vector: np.ndarray) -> tuple[Iterator[flint.arb], Iterator[flint.arb]]:
    """Lower and upper bounds of the non-zero |⟨x_i, v⟩|: |fl(x_iᵀv) − x_iᵀv| ≤ γ_n |x_i|ᵀ|v|."""
    A: Matrix = matrix.entries
    error = SAFETY * gamma(A.shape[1] + 4) * np.asarray(abs(A) @ np.abs(vector)) + TINY
    image = np.abs(np.asarray(A @ vector))
    below, above = (image - error) * (1 - 4 * UNIT), (image + error) * (1 + 4 * UNIT)
    return map(flint.arb, below[below > 0].tolist()), map(flint.arb, above.tolist())
